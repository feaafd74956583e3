"""Which documents an edit moves: the policy of a finished run against the configuration as it is now, on the same input.

Nothing of the run is changed. Stages that are the same in both are applied once; from the first that differs on, each document goes
both ways, and the two ends are compared.
"""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from cleaning.doc import Batch, Doc, Drop
from cleaning.engine.plan import SNAPSHOT, Plan
from cleaning.errors import CleaningError, UserError
from cleaning.io.reader import ShardReader
from cleaning.stages.contract import GlobalStage, ShardContext, Stage, Step

SNIPPET = 160


@dataclass(slots=True)
class Moves:
    """`counts[(from, to)]` for documents that moved, `same` for the others; `rows` names each that moved."""

    same: int = 0
    documents: int = 0
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    by_source: Counter[tuple[str, str]] = field(default_factory=Counter)
    rows: list[dict[str, Any]] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def add(self, other: Moves) -> None:
        """Fold in the moves of another shard."""
        self.same += other.same
        self.documents += other.documents
        self.counts += other.counts
        self.by_source += other.by_source
        self.rows += other.rows
        self.failed += other.failed


def compare(old: Plan, new: Plan, workers: int) -> Moves:
    """All shards of the run `old` under both policies, in the order of the shards."""
    named = [stage.name for stage in new.stages if isinstance(stage, GlobalStage)]
    if named:
        raise UserError(f"diff-policy: {', '.join(named)} compares documents with one another; leave it out with --stages")
    total = Moves()
    tasks = [(old.root, new.root, i) for i in range(len(new.shards))]
    if workers == 1 or len(tasks) == 1:
        for task in tasks:
            total.add(compare_shard(*task))
        return total
    context = multiprocessing.get_context("forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn")
    with concurrent.futures.ProcessPoolExecutor(workers, mp_context=context) as pool:
        for moves in pool.map(compare_shard, *zip(*tasks, strict=True)):
            total.add(moves)
    return total


def as_written(plan: Plan) -> dict[str, Any]:
    """The run's configuration, its options included, with the files as they are now: by the paths that they were copied from."""
    data = orjson.loads((plan.root / SNAPSHOT / "plan.json").read_bytes())
    paths = {name: entry["path"] for name, entry in data["files"].items()}

    def there(value: Any) -> Any:
        if isinstance(value, list):
            return [there(item) for item in value]
        return paths.get(value, value) if isinstance(value, str) else value

    config = dict(data["config"])
    for name, section in config.pop("sections").items():
        config[name] = {key: there(value) for key, value in section.items()}
    return config


def compare_shard(old_root: Path, new_root: Path, index: int) -> Moves:
    """One shard of the new plan under both policies."""
    old, new = Plan.load(old_root), Plan.load(new_root)
    before = [(s, identity) for s, identity in zip(old.stages, old.identities, strict=True) if not isinstance(s, GlobalStage)]
    shared = 0
    for (_, mine), theirs in zip(before, new.identities, strict=False):
        if mine != theirs:
            break
        shared += 1
    context = ShardContext(index, len(new.shards), new.shards[index].name)
    head = _open(new.stages[:shared], context)
    tails = _open([s for s, _ in before[shared:]], context), _open(new.stages[shared:], context)
    moves = Moves()
    with tempfile.TemporaryFile() as quarantine:
        try:
            for docs in ShardReader(new.shards[index], new.config.input, new.fields, quarantine):
                common = _run(head, docs)
                for was, now in zip(_run(tails[0], common), _run(tails[1], common), strict=True):
                    _note(moves, was, now)
        except (CleaningError, OSError) as exc:
            moves.failed.append(f"{new.shards[index].name}: {exc}")
    return moves


Steps = list[tuple[str, Step]]


def _open(stages: list[Stage], context: ShardContext) -> Steps:
    steps = [(stage.name, stage.step()) for stage in stages]
    for _, step in steps:
        step.open(context)
    return steps


def _run(steps: Steps, docs: list[Doc]) -> list[Doc]:
    """Copies of the documents behind the steps. Where a step raises, each goes alone, as in a run, and the culprit is rejected."""
    copies = [_copy(doc) for doc in docs]
    try:
        batch = Batch(copies)
        for _, step in steps:
            step(batch)
            batch.refresh()
    except Exception:  # what a stage raises is its own
        copies = [_alone(steps, _copy(doc)) for doc in docs]
    return copies


def _alone(steps: Steps, doc: Doc) -> Doc:
    for name, step in steps:
        try:
            step(Batch([doc]))
        except Exception as exc:
            doc.drop = Drop(name, f"error:{name}", reason=f"{type(exc).__name__}: {exc}")
    return doc


def _copy(doc: Doc) -> Doc:
    copy = Doc(doc.record, doc.text, doc.raw, doc.origin, doc.offset)
    copy.original, copy.drop, copy.notes = doc.original, doc.drop, dict(doc.notes)
    return copy


def _note(moves: Moves, before: Doc, after: Doc) -> None:
    moves.documents += 1
    ends = (_end(before), _end(after))
    if ends[0] == ends[1] and (ends[0] != "kept" or before.text == after.text):
        moves.same += 1
        return
    if ends[0] == ends[1]:
        ends = ("kept", "kept, another text")
    moves.counts[ends] += 1
    moves.by_source[after.source, f"{ends[0]} → {ends[1]}"] += 1
    row: dict[str, Any] = {"id": after.id, "file": after.origin, "byte": after.offset, "from": ends[0], "to": ends[1]}
    drop = after.drop or before.drop
    if drop is not None:
        row.update(value=drop.value, threshold=drop.threshold, reason=drop.reason)
    moves.rows.append({**row, "text": after.text[:SNIPPET]})


def _end(doc: Doc) -> str:
    return "kept" if doc.drop is None else f"{doc.drop.stage}/{doc.drop.rule}"


def moves_text(moves: Moves, count: int) -> str:
    """What moved, for people: totals, then `count` documents of each kind of move."""
    moved = moves.documents - moves.same
    lines = [f"{moves.documents:,} documents, {moved:,} moved"]
    for (before, after), number in sorted(moves.counts.items(), key=lambda item: (-item[1], item[0])):
        lines.append(f"\n{number:>8,}  {before} → {after}")
        sources = [(s, n) for (s, how), n in moves.by_source.items() if how == f"{before} → {after}"]
        sources.sort(key=lambda item: (-item[1], item[0]))
        lines.append("          by source: " + ", ".join(f"{s} {n:,}" for s, n in sources[:8]))
        for row in [row for row in moves.rows if (row["from"], row["to"]) == (before, after)][:count]:
            what = f" ({row['value']}, {row['threshold']})" if row.get("threshold") else ""
            lines.append(f"          {row['id']}{what}: {row['text'][:100]!r}")
    return "\n".join([*lines, *(f"failed: {text}" for text in moves.failed)])
