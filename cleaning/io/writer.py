"""Documents to compressed JSONL, hashed as they are written; a file that grows past the shard size is followed by the next.

A kept document that no stage changed and that learned nothing is written from its original bytes. One that only learned something
gets `cleaning` spliced into its original bytes. Only a changed text makes the record be serialised again.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import orjson
import xxhash
import zstandard

from cleaning.config import OutputConfig
from cleaning.doc import Doc
from cleaning.io.records import TextFields

SUFFIXES = {"zst": ".jsonl.zst", "gz": ".jsonl.gz", "none": ".jsonl"}
_BUFFER = 1 << 20


class _Compressor(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self) -> bytes: ...


class _Plain:
    def compress(self, data: bytes, /) -> bytes:
        return data

    def flush(self) -> bytes:
        return b""


def _new_compressor(compression: str, level: int) -> _Compressor:
    if compression == "zst":
        return zstandard.ZstdCompressor(level=level, write_checksum=True).compressobj()
    if compression == "gz":
        return zlib.compressobj(min(level + 3, 9), zlib.DEFLATED, 31)  # zlib writes no time and no name: same input, same bytes
    return _Plain()


class PartWriter:
    """`stem.jsonl.zst`, then `stem-001.jsonl.zst` … once a part has taken `shard_bytes` of JSON."""

    def __init__(self, folder: Path, stem: str, output: OutputConfig) -> None:
        self._folder, self._stem, self._output = folder, stem, output
        self._buffer = min(_BUFFER, output.shard_bytes)
        self._lines: list[bytes] = []
        self._held = 0
        self._raw = 0
        self._rows = 0
        self._file: Any = None
        self._path: Path | None = None
        self._compressor: _Compressor = _Plain()
        self._hash = xxhash.xxh3_128()
        self._size = 0
        self.rows = 0
        self.files: dict[str, dict[str, Any]] = {}  # name -> {size, digest, rows}

    @property
    def rows_written(self) -> int:
        """Rows taken so far, finished parts or not."""
        return self.rows + self._rows

    def write(self, lines: list[bytes]) -> None:
        """Take the lines of some documents, without their newlines. Where a part ends depends on the lines only."""
        size = sum(map(len, lines)) + len(lines)
        if self._held + size < self._buffer:  # the usual case: nothing to decide inside this batch
            self._lines += lines
            self._held += size
            self._rows += len(lines)
            return
        for line in lines:
            self._lines.append(line)
            self._held += len(line) + 1
            self._rows += 1
            if self._held >= self._buffer:
                self._flush()
                if self._raw >= self._output.shard_bytes:
                    self._finish()

    def close(self, *, keep_empty: bool = False) -> None:
        """Finish the last part; `keep_empty` writes a file even when there was no line at all."""
        if self._lines or (keep_empty and not self.files and self._file is None):
            self._flush()
        if self._file is not None:
            self._finish()

    def _flush(self) -> None:
        if self._file is None:
            number = f"-{len(self.files):03d}" if self.files else ""
            self._path = self._folder / f"{self._stem}{number}{SUFFIXES[self._output.compression]}"
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("wb", buffering=0)
            self._compressor = _new_compressor(self._output.compression, self._output.level)
            self._hash, self._size, self._raw = xxhash.xxh3_128(), 0, 0
        if self._lines:
            self._lines.append(b"")
            self._put(self._compressor.compress(b"\n".join(self._lines)))
            self._raw += self._held
            self._lines, self._held = [], 0

    def _put(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]
        self._hash.update(data)
        self._size += len(data)

    def _finish(self) -> None:
        assert self._path is not None
        self._put(self._compressor.flush())
        self._file.close()
        name = self._path.relative_to(self._folder).as_posix()
        self.files[name] = {"size": self._size, "digest": self._hash.hexdigest(), "rows": self._rows}
        self.rows += self._rows
        self._rows = 0
        self._file = None


def line_writer(output: OutputConfig, fields: TextFields) -> tuple[Callable[[Doc], bytes], Callable[[Doc], bytes]]:
    """(line of a kept document, line of a rejected one) for this output format."""
    xubuvd = output.names == "xubuvd"

    def kept(doc: Doc) -> bytes:
        unchanged = doc.text == doc.original and not doc.replaces
        if unchanged and not xubuvd and not doc.learned:
            raw = doc.raw
            return raw if raw[-1] == 0x7D and raw[0] == 0x7B else raw.strip()
        changes: dict[str, Any] = {} if unchanged else {fields.text_field: doc.text}
        if doc.notes or isinstance(doc.record.get("cleaning"), dict):
            changes["cleaning"] = doc.notes or DELETE
        if xubuvd:
            changes["clean_status"], changes["clean_policy"] = 1, ""
        if doc.replaces:
            record = fields.output_record(doc.record, doc.text, doc.replaces)
            return change_fields(_exact(record, doc), changes)
        return change_fields(doc.raw, changes, doc.record)

    def rejected(doc: Doc) -> bytes:
        assert doc.drop is not None
        cleaning = {**doc.notes, "reject": doc.drop.to_json()}
        if not doc.has_id:
            cleaning["id"] = doc.id
        changes: dict[str, Any] = {"cleaning": cleaning}
        if xubuvd:
            policy = f"{doc.drop.rule}: {doc.drop.reason}" if doc.drop.reason else doc.drop.rule
            changes["clean_status"], changes["clean_policy"] = 0, policy
        return change_fields(doc.raw, changes, doc.record)

    return kept, rejected


DELETE = object()
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\]:,]', re.DOTALL)


def change_fields(raw: bytes, changes: dict[str, Any], record: dict[str, Any] | None = None) -> bytes:
    """A JSON object with some top-level fields set (or deleted with DELETE); every other byte stays as it is.

    Numbers of any length, escapes and nesting survive because nothing else is parsed. `record` is the parsed object, if there is one:
    a flat one of strings and numbers that fit is simply serialised again, which is faster.

    >>> change_fields(b'{"id":1e400,"text":"a"}', {"text": "b", "cleaning": {}})
    b'{"id":1e400,"text":"b","cleaning":{}}'
    """
    raw = raw.strip()
    fresh = {k: v for k, v in changes.items() if record is not None and k not in record and v is not DELETE}
    if len(fresh) == len(changes):  # nothing to replace: no need to look for anything
        return raw[:-1] + (b"," if record else b"") + dumps(fresh)[1:] if fresh else raw
    if record is not None and all(
        type(v) in (str, bool) or (type(v) is int and abs(v) < 1 << 63) or k in changes for k, v in record.items()
    ):
        values = {k: orjson.Fragment(dumps(v)) if k in changes and v is not DELETE else v for k, v in {**record, **changes}.items()}
        return orjson.dumps({k: v for k, v in values.items() if v is not DELETE})
    spans = _field_spans(raw)
    out_raw = raw
    for name, begin, value, end in reversed(spans):
        if name not in changes:
            continue
        new = changes[name]
        if new is DELETE:
            tail = out_raw[end:].lstrip()
            head = out_raw[:begin].rstrip()
            if tail.startswith(b","):
                out_raw = out_raw[:begin] + tail[1:].lstrip()
            else:
                out_raw = (head[:-1] if head.endswith(b",") else head) + tail
        else:
            out_raw = out_raw[:value] + dumps(new) + out_raw[end:]
    present = {span[0] for span in spans}
    missing = {k: v for k, v in changes.items() if k not in present and v is not DELETE}
    if not missing:
        return out_raw
    return out_raw[:-1] + (b"," if out_raw[1:-1].strip() else b"") + dumps(missing)[1:]


def _field_spans(raw: bytes) -> list[tuple[str, int, int, int]]:
    """(name, start of the key, start of the value, end of the value) of an object's own fields, in order; names may repeat."""
    spans: list[tuple[str, int, int, int]] = []
    depth, key, key_at, value_at = 0, b"", -1, -1
    for match in _TOKEN.finditer(raw):
        token = match[0]
        first = token[0]
        if first in b"{[":
            depth += 1
        elif depth == 1 and first == 0x22 and value_at < 0:
            key, key_at = token, match.start()
        elif depth == 1 and first == 0x3A and value_at < 0:
            value_at = match.end()
        elif depth == 1 and first in b",}" and value_at >= 0:
            value = raw[value_at : match.start()]
            lead = len(value) - len(value.lstrip())
            spans.append((orjson.loads(key), key_at, value_at + lead, value_at + len(value.rstrip())))
            value_at = -1
        if first in b"}]":
            depth -= 1
    return spans


def _exact(record: dict[str, Any], doc: Doc) -> bytes:
    """A rearranged record, with the values that it shares with the input taken from the input's bytes."""
    if all(type(v) in (str, bool) for v in record.values()):
        return orjson.dumps(record)
    spans = {name: (value, end) for name, _, value, end in _field_spans(doc.raw)}  # of equal names the last one counts
    parts: list[bytes] = []
    for name, value in record.items():
        shared = name in spans and doc.record.get(name) is value
        parts.append(dumps(name) + b":" + (doc.raw[slice(*spans[name])] if shared else dumps(value)))
    return b"{" + b",".join(parts) + b"}"


def dumps(value: Any) -> bytes:
    """JSON of what a stage or an input put under `cleaning`; what JSON cannot hold is told, not raised: the document must be written.

    >>> dumps({"a": {1, 2}}), dumps({"deep": eval("[" * 90 + "]" * 90)})[:9]
    (b'{"a":[1,2]}', b'{"deep":[')
    """
    try:
        return orjson.dumps(value, default=_plain, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS)
    except (TypeError, RecursionError) as exc:
        return orjson.dumps({"unwritable": str(exc)})


def _plain(value: Any) -> Any:
    return sorted(value, key=str) if isinstance(value, (set, frozenset)) else str(value)
