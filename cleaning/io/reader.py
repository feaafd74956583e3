"""One shard to batches of documents; every line that is no document goes to quarantine with its reason.

Equality kept here: lines = documents + bad lines (blank lines are counted apart). A line is a line of JSONL, a value of a JSON array, a
row of a CSV file, or a whole text file.
"""

from __future__ import annotations

import codecs
import csv
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from cleaning.config import InputConfig
from cleaning.doc import Doc
from cleaning.errors import RetryableError, ShardError
from cleaning.io.objects import json_values
from cleaning.io.quarantine import Mask, Quarantine, why_not_json
from cleaning.io.records import BadRecordError, TextFields
from cleaning.io.shards import Piece, Shard
from cleaning.io.streams import BLOCK, HashingFile, Oversize, compression_of, line_blocks, open_stream, oversize, read_blocks

MAX_BATCH_DOCS = 2048
LARGE_LINE = 1 << 20
MAX_NODES = 200_000  # each object or list of a parsed record takes some 60 bytes and more
_ENDINGS = b" \t\r\n"


@dataclass(slots=True)
class ReadCounts:
    """What the reader met. `inputs` are the pieces as they were read: size, mtime in ns, xxh3 digest of the bytes."""

    lines: int = 0
    documents: int = 0
    blank: int = 0
    bad: dict[str, int] = field(default_factory=dict)
    inputs: list[dict[str, Any]] = field(default_factory=list)

    @property
    def bad_total(self) -> int:
        return sum(self.bad.values())


class ShardReader:
    """Iterate over it once: lists of documents of about `batch_bytes`. Bad lines are written to `quarantine` as they come."""

    def __init__(
        self,
        shard: Shard,
        config: InputConfig,
        fields: TextFields,
        quarantine: BinaryIO,
        *,
        batch_bytes: int = 1 << 20,
        spill: Path | None = None,
        mask: Mask | None = None,
    ) -> None:
        self.shard, self.config, self.fields = shard, config, fields
        self.counts = ReadCounts()
        self._quarantine = Quarantine(quarantine, mask)
        self._batch_bytes = batch_bytes
        self._spill = spill
        self._line: int | None = 0  # number of the line read last; None when a byte range does not start at the file's start

    def __iter__(self) -> Iterator[list[Doc]]:
        for piece in self.shard.pieces:
            before = os.stat(piece.path)
            self._line = 0 if piece.start == 0 else None
            path = Path(piece.path)
            with HashingFile(path, piece.start, piece.end) as raw, open_stream(raw, compression_of(path)) as stream:
                if piece.skip:
                    stream.read(piece.skip)
                yield from _READERS[piece.format](self, piece, read_blocks(stream, piece.name, min(BLOCK, self._batch_bytes)))
                digest = raw.drain()
                seen = raw.bytes_read
            after = os.stat(piece.path)
            if after.st_size != piece.size or seen != piece.span:
                raise ShardError(f"{piece.name}: the file is not what was planned ({piece.size:,} bytes, now {after.st_size:,}); run again")
            if before.st_mtime_ns != after.st_mtime_ns:
                raise RetryableError(f"{piece.name}: the file was written to while it was read")
            self.counts.inputs.append({"size": after.st_size, "mtime_ns": after.st_mtime_ns, "digest": digest})
        counts = self.counts
        if counts.lines != counts.documents + counts.bad_total:
            raise ShardError(f"{self.shard.name}: {counts.lines} lines, but {counts.documents} documents + {counts.bad_total} bad lines")
        if counts.bad_total > self.config.max_bad_ratio * counts.lines:
            worst = max(counts.bad, key=lambda reason: counts.bad[reason])
            raise ShardError(
                f"{self.shard.name}: {counts.bad_total:,} of {counts.lines:,} lines are bad (mostly '{worst}'), "
                f"over input.max_bad_ratio {self.config.max_bad_ratio:g}; see *-bad_lines.jsonl in the run's logs/"
            )

    # -- formats ------------------------------------------------------------------------------------------------------------

    def _jsonl(self, piece: Piece, blocks: Iterator[bytes]) -> Iterator[list[Doc]]:
        """The hot loop: one orjson.loads and one Doc a line; whatever is not that simple is handed to `_odd_line`."""
        newline = "\n".encode(piece.encoding) if piece.encoding.startswith("utf-16") else b"\n"
        # without a direct field (or with bytes that are not UTF-8) every line takes the long way
        direct = self.fields.direct if piece.encoding == "utf-8" else None
        name, width, loads = piece.name, len(newline), orjson.loads
        for item in line_blocks(blocks, self.config.max_line_bytes, piece.start + piece.skip, newline, self._spill):
            if isinstance(item, Oversize):
                self._bad_oversize(piece, item)
                continue
            offset, lines = item
            docs: list[Doc] = []
            add = docs.append
            blank = self.counts.blank
            number = self._line
            for i, line in enumerate(lines):
                try:
                    record = loads(line) if len(line) < LARGE_LINE else self._large(line)
                    text = record[direct]
                except (orjson.JSONDecodeError, KeyError, TypeError):
                    text = None
                if type(text) is str:
                    add(Doc(record, text, line, name, offset))
                else:
                    self._line = None if number is None else number + i + 1
                    doc = self._odd_line(piece, line, offset)
                    if doc is not None:
                        add(doc)
                offset += len(line) + width
            self._line = None if number is None else number + len(lines)
            self.counts.lines += len(lines) - (self.counts.blank - blank)
            self.counts.documents += len(docs)
            lines.clear()  # a generator that waits holds what its variables name; these may be large
            while docs:
                some, docs = docs[:MAX_BATCH_DOCS], docs[MAX_BATCH_DOCS:]
                yield some
                del some

    def _large(self, line: bytes) -> Any:
        """A large line, unless parsing it would take many times its size in memory: then `_odd_line` quarantines it."""
        return orjson.loads(line) if line.count(b"{") + line.count(b"[") <= MAX_NODES else None

    def _odd_line(self, piece: Piece, line: bytes, at: int) -> Doc | None:
        """A blank line, a bad one, one in another encoding, or a record of another schema."""
        utf8 = line
        if piece.encoding != "utf-8":
            try:
                utf8 = line.decode(piece.encoding).encode()
            except UnicodeError as exc:
                self._bad(piece, at, "undecodable", f"not {piece.encoding}: {exc}"[:200], line)
                return None
        if not utf8 or utf8.isspace():
            self.counts.blank += 1
            return None
        if utf8.startswith(codecs.BOM_UTF8):  # files that were put together each bring their mark
            utf8 = utf8[3:]
        if len(utf8) > LARGE_LINE and utf8.count(b"{") + utf8.count(b"[") > MAX_NODES:
            detail = f"over {MAX_NODES:,} objects and lists in one record"
            self._bad(piece, at, "too_complex", detail, line)
            return None
        try:
            record = orjson.loads(utf8)
        except orjson.JSONDecodeError as exc:
            self._bad(piece, at, *why_not_json(utf8, exc), line)
            return None
        if type(record) is not dict:
            self._bad(piece, at, "not_an_object", f"the line is {type(record).__name__}; an object is expected", line)
            return None
        return self._document(piece, record, utf8, at, line)

    def _json(self, piece: Piece, blocks: Iterator[bytes]) -> Iterator[list[Doc]]:
        limit = self.config.max_line_bytes

        def rows() -> Iterator[tuple[int, bytes, Any]]:
            utf8 = blocks if piece.encoding == "utf-8" else _transcoded(blocks, piece)
            for at, value in json_values(utf8, limit, piece.skip):
                yield at, value, value

        return self._values(piece, rows())

    def _csv(self, piece: Piece, blocks: Iterator[bytes]) -> Iterator[list[Doc]]:
        csv.field_size_limit(self.config.max_line_bytes)
        return self._values(piece, self._csv_rows(piece, blocks))

    def _csv_rows(self, piece: Piece, blocks: Iterator[bytes]) -> Iterator[tuple[int, bytes, Any]]:
        """Rows with the bytes that they were read from: a quoted cell may hold newlines."""
        taken: list[bytes] = []  # lines of the row that is being read
        where = [piece.skip]
        width = 2 if piece.encoding.startswith("utf-16") else 1
        newline = "\n".encode(piece.encoding) if width == 2 else b"\n"

        def lines() -> Iterator[str]:
            for item in line_blocks(blocks, self.config.max_line_bytes, piece.skip, newline, self._spill):
                if isinstance(item, Oversize):
                    self._bad_oversize(piece, item)
                    continue
                offset, group = item
                for line in group:
                    if not taken:
                        where[0] = offset
                    taken.append(line)
                    offset += len(line) + width
                    yield line.decode(piece.encoding, errors="replace") + "\n"

        reader = csv.reader(lines())
        header: list[str] = []
        while True:
            taken.clear()
            value: Any
            try:
                row = next(reader)
                value = dict(zip(header, row, strict=False))
            except StopIteration:
                return
            except csv.Error as exc:
                row, value = [], BadRecordError("broken_csv", str(exc))
            raw = newline.join(taken)
            before = self._line or 0
            broken = isinstance(value, BadRecordError)
            if not broken and (not header or not row):
                header = header or [cell.strip().lstrip("\ufeff") for cell in row]
                self._line = before + len(taken)
                continue
            if row and len(row) != len(header):
                value = BadRecordError("broken_csv", f"{len(row)} cells; the header has {len(header)}")
            elif row and any("\ufffd" in cell for cell in row) and not _decodes(raw, piece.encoding):
                value = BadRecordError("undecodable", f"not {piece.encoding}")
            height = len(taken)
            yield where[0], raw, value  # `_values` counts one line: the row is known by its first
            self._line = before + height

    def _txt(self, piece: Piece, blocks: Iterator[bytes]) -> Iterator[list[Doc]]:
        def rows() -> Iterator[tuple[int, bytes, Any]]:
            parts: list[bytes] = []
            size = 0
            for block in blocks:
                parts.append(block)
                size += len(block)
                if size > self.config.max_line_bytes:
                    item = oversize(piece.skip, b"".join(parts), self._spill)
                    for rest in blocks:
                        item.feed(rest)
                    self._bad_oversize(piece, item)
                    return
            raw = b"".join(parts)
            if raw.strip():
                yield piece.skip, raw, self._book(piece, raw)

        return self._values(piece, rows())

    def _book(self, piece: Piece, raw: bytes) -> Any:
        try:
            text = raw.decode(piece.encoding)
        except UnicodeDecodeError as exc:
            text = raw.decode(piece.encoding, errors="replace")
            if text.count("\ufffd") * 100 > len(text):
                return BadRecordError("undecodable", f"not {piece.encoding}: {exc}"[:200])
            # a book with a few bad bytes stays a book; normalize removes and counts the U+FFFD
        return {"id": piece.name, "text": text.replace("\r\n", "\n").replace("\r", "\n")}

    def _values(self, piece: Piece, rows: Iterator[tuple[int, bytes, Any]]) -> Iterator[list[Doc]]:
        """Rows `(offset, raw bytes, value)` of the formats that are not lines."""
        docs: list[Doc] = []
        held = 0
        for at, raw, value in rows:
            self.counts.lines += 1
            if self._line is not None:
                self._line += 1
            if isinstance(value, BadRecordError):
                self._bad(piece, at, value.reason, value.detail, raw)
                continue
            if isinstance(value, bytes):
                if len(value) > self.config.max_line_bytes:
                    detail = f"{len(value):,} bytes; allowed: input.max_line_bytes {self.config.max_line_bytes:,}"
                    self._bad(piece, at, "too_long", detail, value)
                    continue
                try:
                    value = orjson.loads(raw)
                except orjson.JSONDecodeError as exc:
                    self._bad(piece, at, *why_not_json(raw, exc), raw)
                    continue
                if type(value) is not dict:
                    self._bad(piece, at, "not_an_object", f"the value is {type(value).__name__}; an object is expected", raw)
                    continue
                # a raw newline can only stand between tokens, so the record goes on one line without being serialised anew
                line = raw.replace(b"\r", b" ").replace(b"\n", b" ")
            else:
                try:
                    line = orjson.dumps(value)
                except (orjson.JSONEncodeError, UnicodeError):
                    self._bad(piece, at, "undecodable", f"not {piece.encoding}", raw)
                    continue
            doc = self._document(piece, value, line, at, raw)
            if doc is None:
                continue
            docs.append(doc)
            held += len(raw)
            if held >= self._batch_bytes or len(docs) >= MAX_BATCH_DOCS:
                self.counts.documents += len(docs)
                yield docs
                docs, held = [], 0
        if docs:
            self.counts.documents += len(docs)
            yield docs

    # -- one record ---------------------------------------------------------------------------------------------------------

    def _document(self, piece: Piece, record: dict[str, Any], utf8: bytes, at: int, line: bytes) -> Doc | None:
        """The document of a record whose text is not simply in the direct field."""
        try:
            text, replaces = self.fields.find(record)
        except BadRecordError as exc:
            self._bad(piece, at, exc.reason, exc.detail, line)
            return None
        if replaces == (self.fields.text_field,) and type(record.get(self.fields.text_field)) is str:
            return Doc(record, text, utf8, piece.name, at)
        doc = Doc(record, text, utf8, piece.name, at)
        doc.replaces = replaces
        return doc

    def _bad(self, piece: Piece, at: int, reason: str, detail: str, raw: bytes) -> None:
        self.counts.bad[reason] = self.counts.bad.get(reason, 0) + 1
        self._quarantine.put(piece.name, at, self._line, reason, detail, raw)

    def _bad_oversize(self, piece: Piece, item: Oversize) -> None:
        self.counts.lines += 1
        if self._line is not None:
            self._line += 1
        self.counts.bad["too_long"] = self.counts.bad.get("too_long", 0) + 1
        detail = f"{item.length:,} bytes; allowed: input.max_line_bytes {self.config.max_line_bytes:,}"
        self._quarantine.put_oversize(piece.name, item, self._line, "too_long", detail)


_READERS = {"jsonl": ShardReader._jsonl, "json": ShardReader._json, "csv": ShardReader._csv, "txt": ShardReader._txt}


def _transcoded(blocks: Iterator[bytes], piece: Piece) -> Iterator[bytes]:
    """UTF-8 blocks from another encoding; undecodable bytes become U+FFFD inside their value."""
    decoder = codecs.getincrementaldecoder(piece.encoding)("replace")
    for block in blocks:
        yield decoder.decode(block).encode()
    yield decoder.decode(b"", final=True).encode()


def _decodes(raw: bytes, encoding: str) -> bool:
    try:
        raw.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
