"""The self-test: a sample with and without what was planted goes through the configuration, and what was found is counted."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from cleaning.config import LoadedConfig
from cleaning.doc import Doc
from cleaning.engine.plan import Plan
from cleaning.engine.run import run
from cleaning.errors import UserError
from cleaning.io.streams import HashingFile, compression_of, open_stream
from cleaning.models.corpus import read_texts
from cleaning.selftest.planting import REPEATED, Planted, plant

MOST = 5000  # documents of the sample
# which stage is meant to find a kind, and what counts as found
_FINDERS = {
    "copy": (("document_dedup", "sentence_dedup"), "it or its original rejected as a duplicate"),
    "garbled": (("rules", "perplexity", "quality"), "rejected"),
    "language": (("langid", "rules"), "rejected"),
    "personal": (("pii",), "the value is gone"),
    "sentence": (("sentence_dedup",), "taken out, but for one copy"),
}


@dataclass(slots=True)
class Row:
    """One kind: how many were planted, found, lost for another reason; and the stages that can find it (empty: none is configured)."""

    kind: str
    planted: int = 0
    found: int = 0
    lost: int = 0
    finders: tuple[str, ...] = ()
    found_means: str = ""
    by: dict[str, int] = field(default_factory=dict)

    @property
    def recall(self) -> float | None:
        """Found of those that got as far as the finder; None when nothing could be told."""
        there = self.planted - self.lost
        return self.found / there if there and self.finders else None


@dataclass(slots=True)
class Result:
    """`rows` by kind; `collateral`: documents of the sample that are kept without the planted ones and rejected beside them."""

    documents: int
    kept: int
    rows: list[Row]
    collateral: dict[str, int]


def selftest(loaded: LoadedConfig, sample: Sequence[str], seed: int = 0, each: int = 50) -> Result:
    """Plant, run, count. Raises UserError when the sample is too small."""
    docs = [doc for _, (_, doc) in zip(range(MOST), read_texts(sample), strict=False)]
    planted = plant(docs, seed, each)
    if not planted:
        raise UserError(f"selftest: {len(docs)} documents in the sample; at least 12 of 200 to 20,000 characters are needed")
    replaced = {p.of for p in planted if _is_inside(p)}
    with tempfile.TemporaryDirectory(prefix="selftest-") as folder:
        root = Path(folder)
        rows = [_row(doc) for doc in docs]
        before = _Verdicts(_run(loaded, root / "before", rows))
        added = [{"id": p.id, "text": _utf8(p.text), "source": _source(p)} for p in planted]
        after = _Verdicts(_run(loaded, root / "after", [row for row in rows if row["id"] not in replaced] + added))
        stages = [stage.name for stage in Plan.load(root / "after" / "run").stages]
    table: dict[str, Row] = {}
    for p in planted:
        finders, means = _FINDERS[p.kind.split(":")[0].split(" ")[0]]
        row = table.setdefault(p.kind, Row(p.kind, finders=tuple(s for s in stages if s in finders), found_means=means))
        _count(row, p, after)
    _but_one(table.get(REPEATED))
    twins = {p.of for p in planted if p.kind.startswith("copy")}  # of a pair, either may be the one that stays
    lost = {name: stage for name, stage in after.rejected.items() if name in before.kept and name not in twins}
    collateral: dict[str, int] = {}
    for stage in lost.values():
        collateral[stage] = collateral.get(stage, 0) + 1
    return Result(len(docs), len(before.kept), list(table.values()), collateral)


def _count(row: Row, planted: Planted, after: _Verdicts) -> None:
    row.planted += 1
    stage = after.rejected.get(planted.id)
    if stage is not None:
        row.by[stage] = row.by.get(stage, 0) + 1
    if not row.finders:
        return
    text = after.kept.get(planted.id)
    if planted.value:
        if text is None:
            row.lost += 1
        elif planted.value not in text:
            row.found += 1
    elif stage in row.finders or (row.kind.startswith("copy") and after.rejected.get(planted.of) in row.finders):
        row.found += 1
    elif stage is not None:
        row.lost += 1


def _but_one(row: Row | None) -> None:
    """One copy of the repeated sentence is meant to stay (in each language; the smaller error is not counted)."""
    if row is not None and row.planted - row.lost:
        row.planted -= 1


def _is_inside(planted: Planted) -> bool:
    return bool(planted.value)


def _source(planted: Planted) -> str:
    return f"selftest/{planted.kind}"


def _row(doc: Doc) -> dict[str, Any]:
    return {"id": _utf8(doc.id), "text": _utf8(doc.text), "source": _utf8(doc.source)}


def _utf8(text: str) -> str:
    """Without halves of surrogate pairs, which no file can hold."""
    return text.encode("utf-8", "replace").decode()


class _Verdicts:
    """What became of each document: `kept` with its text, `rejected` with the stage."""

    def __init__(self, root: Path) -> None:
        self.kept = {row["id"]: row["text"] for row in _rows(root / "data")}
        self.rejected = {row["id"]: row["cleaning"]["reject"]["stage"] for row in _rows(root / "rejected")}


def _rows(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.rglob("*.jsonl*")):
        with HashingFile(path) as raw, open_stream(raw, compression_of(path)) as stream:
            yield from (orjson.loads(line) for line in stream.read().split(b"\n") if line)


def _run(loaded: LoadedConfig, folder: Path, rows: Sequence[dict[str, Any]]) -> Path:
    folder.mkdir()
    (folder / "in.jsonl").write_bytes(b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows))
    config = loaded.config
    given = {"paths": (str(folder / "in.jsonl"),), "format": "auto", "fields": "auto"}
    update: dict[str, Any] = {"input": config.input.model_copy(update=given)}
    update["output"] = config.output.model_copy(update={"path": "", "names": "cleaning", "text_field": "text", "compression": "zst"})
    outcome = run(LoadedConfig(config.model_copy(update=update), loaded.source), folder / "run")
    if outcome.code:
        raise UserError("selftest: the run failed: " + "; ".join(f.reason for f in outcome.failures))
    return folder / "run"


def to_text(result: Result) -> str:
    """The table for people."""
    kept = f"{result.kept:,} of {result.documents:,} documents of the sample are kept without what was planted"
    head = f"{'kind':<40}{'planted':>8}{'lost':>6}{'found':>7}{'recall':>8}  found means"
    lines = [kept, "", head]
    for row in result.rows:
        if not row.finders:
            lines.append(f"{row.kind:<40}{row.planted:>8}{'':>6}{'':>7}{'-':>8}  no stage of this configuration looks for it")
            continue
        recall = "-" if row.recall is None else f"{100 * row.recall:.1f} %"
        by = ", ".join(f"{stage} {count}" for stage, count in sorted(row.by.items(), key=lambda item: -item[1]))
        lines.append(f"{row.kind:<40}{row.planted:>8}{row.lost:>6}{row.found:>7}{recall:>8}  {row.found_means}{f' ({by})' if by else ''}")
    total = sum(result.collateral.values())
    share = 100 * total / result.kept if result.kept else 0.0
    by = "".join(f"; {stage} {count}" for stage, count in sorted(result.collateral.items()))
    lines += ["", f"kept alone, rejected beside the planted ones: {total:,} of {result.kept:,} ({share:.2f} %){by}"]
    lines += ["lost: rejected by another stage, so that the one meant never saw it"]
    return "\n".join(lines)
