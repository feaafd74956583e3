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

from cleaning.doc import Batch, Doc
from cleaning.engine.plan import Plan
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
    for plan in (old, new):
        named = [stage.name for stage in plan.stages if isinstance(stage, GlobalStage)]
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


def compare_shard(old_root: Path, new_root: Path, index: int) -> Moves:
    """One shard of the new plan under both policies."""
    old, new = Plan.load(old_root), Plan.load(new_root)
    shared = 0
    for mine, theirs in zip(old.identities, new.identities, strict=False):
        if mine != theirs:
            break
        shared += 1
    context = ShardContext(index, len(new.shards), new.shards[index].name)
    head = _open(new.stages[:shared], context)
    tails = _open(old.stages[shared:], context), _open(new.stages[shared:], context)
    moves = Moves()
    with tempfile.TemporaryFile() as quarantine:
        try:
            for docs in ShardReader(new.shards[index], new.config.input, new.fields, quarantine):
                _run(head, docs)
                ends = [_run(tail, [_copy(doc) for doc in docs]) for tail in tails]
                for before, after in zip(*ends, strict=True):
                    _note(moves, before, after)
        except (CleaningError, OSError) as exc:
            moves.failed.append(f"{new.shards[index].name}: {exc}")
    return moves


def _open(stages: list[Stage], context: ShardContext) -> list[Step]:
    steps = [stage.step() for stage in stages]
    for step in steps:
        step.open(context)
    return steps


def _run(steps: list[Step], docs: list[Doc]) -> list[Doc]:
    batch = Batch(docs)
    for step in steps:
        step(batch)
        batch.refresh()
    return docs


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
