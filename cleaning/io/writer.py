"""Documents to compressed JSONL, hashed as they are written; a file that grows past the shard size is followed by the next.

A kept document that no stage changed and that learned nothing is written from its original bytes. One that only learned something
gets `cleaning` spliced into its original bytes. Only a changed text makes the record be serialised again.
"""

from __future__ import annotations

import json
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
_LINES = 64  # rows between two looks at the buffer: what is compressed at once, and where a part ends, is the same for any batches
# integers past 64 bits and decimals past 17 digits: orjson would round them, so such records go through the slow exact way
_LONG_NUMBER = re.compile(rb"[:\[,]\s*-?(?:\d{19,}|\d+\.\d{17,})")


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
        """Take the lines of some documents, without their newlines."""
        start = 0
        while start < len(lines):
            some = lines[start : start + _LINES - self._rows % _LINES]
            start += len(some)
            self._lines += some
            self._held += sum(map(len, some)) + len(some)
            self._rows += len(some)
            if self._held >= _BUFFER and self._rows % _LINES == 0:
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
        if doc.text == doc.original and not doc.replaces and not xubuvd:
            if not doc.learned:
                raw = doc.raw
                return raw if raw[-1] == 0x7D else raw.strip()
            if "cleaning" not in doc.record:
                return doc.raw.rstrip()[:-1] + b',"cleaning":' + orjson.dumps(doc.notes) + b"}"
        record, notes = doc.record, doc.notes
        out = fields.output_record(record, doc.text, doc.replaces)
        if notes:
            out["cleaning"] = notes
        if xubuvd:
            out["clean_status"], out["clean_policy"] = 1, ""
        return _dumps(out, record, doc.raw)

    def rejected(doc: Doc) -> bytes:
        assert doc.drop is not None
        cleaning = {**doc.notes, "reject": doc.drop.to_json()}
        if not doc.has_id:
            cleaning["id"] = doc.id
        policy = f"{doc.drop.rule}: {doc.drop.reason}" if doc.drop.reason else doc.drop.rule
        if "cleaning" not in doc.record and not ("clean_status" in doc.record and xubuvd):
            extra = b',"clean_status":0,"clean_policy":' + orjson.dumps(policy) if xubuvd else b""
            return doc.raw.strip()[:-1] + b',"cleaning":' + orjson.dumps(cleaning) + extra + b"}"
        out = {k: v for k, v in doc.record.items() if k != "cleaning"}
        out["cleaning"] = cleaning
        if xubuvd:
            out["clean_status"], out["clean_policy"] = 0, policy
        return _dumps(out, doc.record, doc.raw)

    return kept, rejected


def _dumps(out: dict[str, Any], record: dict[str, Any], raw: bytes) -> bytes:
    # long integers were parsed as floats: only records with floats or nested values can hold one
    if any(type(v) in (float, list, dict) for v in record.values()) and _LONG_NUMBER.search(raw) is not None:
        exact = json.loads(raw)
        for key, value in record.items():
            if key in out and out[key] is value:
                out[key] = exact[key]
        return json.dumps(out, ensure_ascii=False, separators=(",", ":")).encode()
    return orjson.dumps(out)
