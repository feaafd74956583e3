"""How documents travel from one pass of a run to the next.

Two lines a document: what the run knows (a changed text, notes, where the record came from) and the input record as it was. The
record's bytes travel along because a document that a later pass rejects is put out with its *original* text, and one that nothing changed
with its original bytes: a run of five passes and a fused one write the same. The two lines lie side by side, so the compressor
sees the second copy of a text as one long match.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy.typing as npt
import orjson

from cleaning.doc import Doc
from cleaning.errors import ShardError
from cleaning.io.records import TextFields
from cleaning.io.streams import HashingFile, compression_of, line_blocks, open_stream, read_blocks
from cleaning.io.writer import dumps

STEM = "carry"
_NO_LIMIT = 1 << 62


def carry_line(doc: Doc) -> bytes:
    """What is known, a newline, the record."""
    known: dict[str, Any] = {"f": doc.origin, "o": doc.offset}
    if doc.text != doc.original:
        known["t"] = doc.text
    if doc.notes:
        known["n"] = doc.notes
    return dumps(known) + b"\n" + doc.raw.strip()


def carried_doc(known_line: bytes, raw: bytes, fields: TextFields) -> Doc:
    """The document that `carry_line` put down."""
    known = orjson.loads(known_line)
    record = orjson.loads(raw)
    text, replaces = fields.find(record)
    if replaces == (fields.text_field,) and type(record.get(fields.text_field)) is str:
        replaces = ()
    doc = Doc(record, text, raw, known["f"], known["o"])
    doc.replaces = replaces
    doc.text = known.get("t", text)
    doc.notes = known.get("n", {})
    doc.carried = known_line
    return doc


def fresh(doc: Doc, fields: TextFields) -> Doc:
    """The document as it came into this pass."""
    if doc.carried is not None:
        return carried_doc(doc.carried, doc.raw, fields)
    new = Doc(doc.record, doc.original, doc.raw, doc.origin, doc.offset)
    new.replaces = doc.replaces
    return new


def read_rows(files: list[Path], fields: TextFields, rows: npt.NDArray[Any]) -> Iterator[tuple[int, Doc]]:
    """(row, document) of some rows, given in rising order, of what the pass before kept. The others are not even parsed."""
    wanted = iter(rows.tolist())
    want, line_number, known = next(wanted, -1), 0, b""
    for path in files:
        with HashingFile(path) as raw, open_stream(raw, compression_of(path)) as stream:
            for item in line_blocks(read_blocks(stream, path.name), _NO_LIMIT):
                if not isinstance(item, tuple):
                    raise ShardError(f"{path}: not a file of this run")
                lines = item[1]
                while want >= 0 and 2 * want + 1 < line_number + len(lines):
                    at = 2 * want - line_number
                    yield want, carried_doc(lines[at] if at >= 0 else known, lines[at + 1], fields)
                    want = next(wanted, -1)
                line_number += len(lines)
                known = lines[-1] if lines else known
                if want < 0:
                    return


def read_carried(files: list[Path], fields: TextFields, batch_bytes: int, max_docs: int) -> Iterator[list[Doc]]:
    """Batches of the documents that the pass before kept."""
    for path in files:
        docs: list[Doc] = []
        held = 0
        known = b""
        with HashingFile(path) as raw, open_stream(raw, compression_of(path)) as stream:
            for item in line_blocks(read_blocks(stream, path.name), _NO_LIMIT):
                if not isinstance(item, tuple):
                    raise ShardError(f"{path}: not a file of this run")
                lines = item[1]
                del item
                lines.reverse()
                while lines:  # popped, so that nothing is held while the consumer works
                    line = lines.pop()
                    if not known:
                        known = line
                        continue
                    docs.append(carried_doc(known, line, fields))
                    held += len(known) + len(line)
                    known = line = b""
                    if held >= batch_bytes or len(docs) >= max_docs:
                        yield docs
                        docs, held = [], 0
        if docs:
            yield docs
