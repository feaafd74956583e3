"""What each step of a configuration does to one document: rewrites as a diff, metrics, every rule that fires."""

from __future__ import annotations

import difflib
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from cleaning.config import RunConfig
from cleaning.doc import Batch, Doc
from cleaning.engine.resolve import Resolved
from cleaning.errors import UserError
from cleaning.io.reader import ShardReader
from cleaning.io.records import TextFields
from cleaning.io.shards import Piece, find_shards
from cleaning.io.streams import HashingFile, compression_of, line_blocks, open_stream, read_blocks
from cleaning.rules.genre import genres
from cleaning.rules.judge import scripts
from cleaning.rules.measure import snippet
from cleaning.rules.rule_set import RuleSet
from cleaning.rules.rule_step import RuleStep
from cleaning.rules.schema import Rule
from cleaning.stages.contract import GlobalStage, ShardContext, Stage
from cleaning.stages.rule_filter import RuleFilter


def find_line(path: Path, line: int, config: RunConfig) -> Doc:
    """The document on a line (of JSONL), or the line-th value of an array or row of a table. Raises UserError."""
    if not path.is_file():
        raise UserError(f"explain: no file '{path}'")
    fields = TextFields(config.input.fields, config.output.text_field)
    settings = config.input.model_copy(update={"paths": (str(path),), "shard_bytes": 1 << 60, "max_bad_ratio": 1.0})
    seen = 0
    with tempfile.TemporaryFile() as quarantine:
        for shard in find_shards(settings):
            offset = _offset_of(shard.pieces[0], line) if shard.pieces[0].format == "jsonl" else None
            for docs in ShardReader(shard, settings, fields, quarantine):
                for doc in docs:
                    seen += 1
                    if doc.offset == offset or (offset is None and seen == line and shard.pieces[0].format != "jsonl"):
                        return doc
        quarantine.seek(0)
        for row in map(orjson.loads, quarantine):
            if row["line"] == line:
                raise UserError(f"{path}:{line}: a bad line: {row['reason']}: {row['detail']}")
    raise UserError(f"{path}:{line}: no document there (a blank line, or the file is shorter)")


def _offset_of(piece: Piece, line: int) -> int:
    """Where a line of JSONL starts; -1 when there is none."""
    newline = "\n".encode(piece.encoding) if piece.encoding.startswith("utf-16") else b"\n"
    path = Path(piece.path)
    with HashingFile(path) as raw, open_stream(raw, compression_of(path)) as stream:
        stream.read(piece.skip)
        before = 0
        for item in line_blocks(read_blocks(stream, piece.name), 1 << 60, piece.skip, newline):
            if not isinstance(item, tuple):
                continue
            offset, lines = item
            if before + len(lines) >= line:
                return offset + sum(len(text) + len(newline) for text in lines[: line - before - 1])
            before += len(lines)
    return -1


def explain_document(resolved: Resolved, doc: Doc) -> str:
    """A readable account of the document's way through the stages."""
    out = [f"document {doc.id}  ({doc.origin}, byte {doc.offset:,}; source {doc.source}; {len(doc.text):,} characters)"]
    for stage in resolved.stages:
        out.append(f"\n== {stage.name}: {stage.about}")
        if doc.drop is not None:
            out.append("   not reached by this document in a run")
        if isinstance(stage, GlobalStage):
            out.append("   compares documents with one another; nothing to show for one alone")
            continue
        out += _through(stage, doc)
    out.append("")
    if doc.drop is None:
        out.append("kept")
    else:
        out.append(f"REJECTED by {doc.drop.stage}: {doc.drop.rule}: {doc.drop.reason}")
    return "\n".join(out) + "\n"


def _through(stage: Stage, doc: Doc) -> list[str]:
    before, notes, drop = doc.text, dict(doc.notes), doc.drop
    out: list[str] = []
    doc.drop = None  # later stages are shown too, as if nothing had rejected the document
    if isinstance(stage, RuleFilter):
        out += _metrics_and_rules(stage, doc)
    step = stage.step()
    step.open(ShardContext(0, 1, doc.origin))
    step(Batch([doc]))
    step.close()
    if doc.text != before:
        out += [f"   text changed: {len(before):,} → {len(doc.text):,} characters", *_diff(before, doc.text)]
    learned = {key: value for key, value in doc.notes.items() if notes.get(key) != value}
    if learned:
        out.append(f"   notes: {orjson.dumps(learned).decode()}")
    if doc.drop is not None:
        out.append(f"   rejects: {doc.drop.rule}: {doc.drop.reason} (value {doc.drop.value}, rule {doc.drop.threshold})")
    if drop is not None:
        doc.drop = drop
    return out or ["   no change"]


def _diff(before: str, after: str) -> list[str]:
    """The changed spans, each with a little of what stands around it."""
    out: list[str] = []
    old, new = before.split("\n"), after.split("\n")
    for line in difflib.unified_diff(old, new, lineterm="", n=0):
        if line.startswith(("---", "+++", "@@")):
            continue
        shown = line if len(line) <= 160 else line[:157] + "…"
        out.append("   " + shown[0] + " " + repr(shown[1:])[1:-1])
        if len(out) >= 60:
            return [*out, "   …"]
    return out


def _metrics_and_rules(stage: RuleFilter, doc: Doc) -> list[str]:
    rules = stage.rule_set
    matrix, found = rules.measures.compute([doc])
    script = str(scripts(matrix, rules.measures.column)[0])
    out = [f"   script: {script}" + (f"; genre: {genres(matrix, rules.measures.column)[0]}" if rules.uses_genre else ""), "   metrics:"]
    row: Any = matrix[0]
    out += [f"     {name:<24} {_number(row[column])}" for name, column in rules.measures.column.items()]
    if rules.measures.blacklists is not None and found is not None:
        entries = [(rules.measures.blacklists.entries[hit.entry], hit) for hit in found.hits.get(0, [])]
        out += [f"   {entry.where}: {entry.text}: {snippet(doc.text, hit.start, hit.end)}" for entry, hit in entries[:20]]
    out.append("   rules that hold:")
    fired = [
        f"     {rule.id} ({rule.action}): {_shown(rule, rules, row)}  {rule.reason}  [{rule.where}]"
        for rule in _holding(rules, doc, matrix)
    ]
    return out + (fired or ["     none"])


def _holding(rules: RuleSet, doc: Doc, matrix: Any) -> list[Rule]:
    fired = RuleStep(rules).judge([doc], matrix).fired
    return [rule for i, rule in enumerate(rules.rules) if fired[i, 0]]


def _shown(rule: Rule, rules: RuleSet, row: Any) -> str:
    return " and ".join(f"{m} = {_number(row[rules.measures.column[m]])} {c.text}" for m, c in rule.clauses) or "(Python)"


def _number(value: Any) -> str:
    return "undefined" if np.isnan(value) else f"{float(value):.4g}"
