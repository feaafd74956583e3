"""Where bad lines go: one row each with file, offset, line, reason and the bytes as they were."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any, BinaryIO

import orjson

from cleaning.io.streams import Oversize

Mask = Callable[[list[str]], list[str]]


class Quarantine:
    """Writes the rows of one `bad_lines.jsonl`; with a `mask`, personal data in them is hidden."""

    def __init__(self, file: BinaryIO, mask: Mask | None = None) -> None:
        self._file, self._mask = file, mask

    def put(self, name: str, offset: int, line: int | None, reason: str, detail: str, raw: bytes) -> None:
        """One bad line; its bytes stand under `raw`, or under `raw_base64` when they are not UTF-8."""
        row = _row(name, offset, line, reason, detail, len(raw))
        if self._mask is not None:
            row["detail"], raw = self._mask([detail])[0], _masked(raw, self._mask)
        try:
            row["raw"] = raw.decode("utf-8")
        except UnicodeDecodeError:
            row["raw_base64"] = base64.b64encode(raw).decode("ascii")
        self._file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))

    def put_oversize(self, name: str, item: Oversize, line: int | None, reason: str, detail: str) -> None:
        """A line too long to be held: its row is written in pieces, from the file that it was spilled to."""
        row = _row(name, item.offset, line, reason, detail, item.length)
        if self._mask is not None:  # too long to be looked through
            self._file.write(orjson.dumps({**row, "raw_omitted": True}, option=orjson.OPT_APPEND_NEWLINE))
            item.raw.close()
            return
        kept = item.raw.tell()
        if kept < item.length:
            row["raw_truncated"] = kept
        self._file.write(orjson.dumps(row)[:-1] + b',"raw_base64":"')
        item.raw.seek(0)
        while chunk := item.raw.read(3 << 18):
            self._file.write(base64.b64encode(chunk))
        self._file.write(b'"}\n')
        item.raw.close()


def _masked(raw: bytes, mask: Mask) -> bytes:
    """Bytes that are no UTF-8 are read as Latin-1: numbers and addresses are ASCII in every encoding that is read here."""
    try:
        return mask([raw.decode("utf-8")])[0].encode("utf-8")
    except UnicodeDecodeError:
        return mask([raw.decode("latin-1")])[0].encode("latin-1", "replace")


def _row(name: str, offset: int, line: int | None, reason: str, detail: str, size: int) -> dict[str, Any]:
    return {"file": name, "offset": offset, "line": line, "reason": reason, "detail": detail, "bytes": size}


def why_not_json(line: bytes, exc: orjson.JSONDecodeError) -> tuple[str, str]:
    """(reason, detail) of a line that does not parse."""
    try:
        line.decode("utf-8")
    except UnicodeDecodeError as bad:
        return "undecodable", f"not utf-8: byte 0x{line[bad.start]:02x} at {bad.start}"
    if b"\\ud" in line.lower() and "surrogate" in str(exc):
        return "lone_surrogate", str(exc)
    return "broken_json", str(exc)
