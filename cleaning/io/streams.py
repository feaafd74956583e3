"""Bytes from a file: opened by its ending, decompressed in bounded memory, hashed as they are read, cut into lines.

What a line is: the bytes between two `\\n`, offsets counted in the decompressed stream. A line longer than the limit is never held
in memory: it is spilled to a temporary file, so that it can be quarantined with its bytes.
"""

from __future__ import annotations

import gzip
import io
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import xxhash
import zstandard

from cleaning.errors import ShardError

BLOCK = 1 << 20
MAX_SPILL = 256 << 20
_ZSTD_INPUT = 64 << 10  # bytes decompressed at once: text can be a hundred times as large
COMPRESSED = {".gz": "gz", ".gzip": "gz", ".zst": "zst", ".zstd": "zst"}
BROKEN_STREAM = (EOFError, gzip.BadGzipFile, zlib.error, zstandard.ZstdError)


def compression_of(path: Path) -> str:
    """`gz`, `zst` or `none`, from the file's ending."""
    return COMPRESSED.get(path.suffix.lower(), "none")


class HashingFile(io.RawIOBase):
    """A raw file, or a byte range of one, that hashes what is read from it (xxh3, 128 bits)."""

    def __init__(self, path: Path, start: int = 0, end: int | None = None) -> None:
        super().__init__()
        self._file = path.open("rb", buffering=0)
        self._file.seek(start)
        self._left = end - start if end is not None else None
        self.hash = xxhash.xxh3_128()
        self.bytes_read = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes (everything when negative), in one copy; empty at the end."""
        if size is None or size < 0:
            return b"".join(iter(lambda: self.read(BLOCK), b""))
        data = self._file.read(size if self._left is None else min(size, self._left)) or b""
        if self._left is not None:
            self._left -= len(data)
        self.hash.update(data)
        self.bytes_read += len(data)
        return data

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast(bytearray, buffer))
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def drain(self) -> str:
        """Read what is left (a decompressor may stop before trailing bytes) and return the digest."""
        while self.read(BLOCK):
            pass
        return self.hash.hexdigest()

    def close(self) -> None:
        self._file.close()
        super().close()


def open_stream(raw: HashingFile, compression: str) -> BinaryIO:
    """The decompressed bytes of a file; multi-member gzip and multi-frame zstd are read to the end."""
    if compression == "gz":
        return cast(BinaryIO, gzip.GzipFile(fileobj=io.BufferedReader(raw, BLOCK), mode="rb"))
    if compression == "zst":
        return cast(BinaryIO, _ZstdFile(raw))
    return cast(BinaryIO, raw)


class _ZstdFile(io.RawIOBase):
    """Decompressed zstd frames. Unlike the library's own reader, a frame that ends early is an error here, not the end of the file."""

    def __init__(self, raw: HashingFile) -> None:
        super().__init__()
        self._raw = raw
        # windows up to 2 GiB are legal in --long files; 128 MiB keeps a worker inside its memory
        self._decompressor = zstandard.ZstdDecompressor(max_window_size=1 << 27)
        self._frame: zstandard.ZstdDecompressionObj | None = None
        self._input = b""
        self._output = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes; empty at the end of the last frame."""
        if size is None or size < 0:
            return b"".join(iter(lambda: self.read(BLOCK), b""))
        while not self._output:
            if not self._input:
                self._input = self._raw.read(_ZSTD_INPUT)
                if not self._input:
                    if self._frame is not None:
                        raise EOFError("the last zstd frame is not complete")
                    return b""
            if self._frame is None:
                self._frame = self._decompressor.decompressobj()
            self._output = self._frame.decompress(self._input)
            self._input = b""
            if self._frame.eof:
                self._input, self._frame = self._frame.unused_data, None
        out, self._output = self._output[:size], self._output[size:]
        return out

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast(bytearray, buffer))
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._raw.close()
        super().close()


def digest_file(path: Path, start: int = 0, end: int | None = None) -> str:
    """xxh3-128 of a file's bytes, or of a range of them."""
    with HashingFile(path, start, end) as raw:
        return raw.drain()


@dataclass(slots=True)
class Oversize:
    """A line longer than the limit: where it starts, how long it is, and a file with its bytes (at most `MAX_SPILL` of them)."""

    offset: int
    length: int
    raw: BinaryIO

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the line."""
        if self.length < MAX_SPILL:
            self.raw.write(data[: MAX_SPILL - self.length])
        self.length += len(data)


def read_blocks(stream: BinaryIO, name: str, size: int = BLOCK) -> Iterator[bytes]:
    """Blocks of at most `size` bytes; a damaged compressed stream is a ShardError that says where."""
    done = 0
    while True:
        try:
            block = stream.read(size)
        except BROKEN_STREAM as exc:
            what = str(exc).splitlines()[0] if str(exc) else type(exc).__name__
            raise ShardError(f"{name}: the compressed stream is damaged after {done:,} decompressed bytes: {what}") from exc
        if not block:
            return
        done += len(block)
        yield block


def line_blocks(
    blocks: Iterator[bytes], max_line: int, offset: int = 0, newline: bytes = b"\n", spill: Path | None = None
) -> Iterator[tuple[int, list[bytes]] | Oversize]:
    """Cut blocks into lines: `(offset of the first line, lines)`, or an Oversize for a line over `max_line` bytes.

    `newline` is one byte, or two for UTF-16 (aligned on two bytes from the start). Oversize bytes go to a temporary file in `spill`.
    """
    width = len(newline)
    if width == 2:
        blocks = _even(blocks)
    rest = b""
    skipping: Oversize | None = None
    for block in blocks:
        if skipping is not None:
            cut = _find(block, newline, 0)
            skipping.feed(block if cut < 0 else block[:cut])
            if cut < 0:
                offset += len(block)
                continue
            offset += cut + width
            yield skipping
            skipping, block = None, block[cut + width :]
        data = rest + block if rest else block
        cut = _rfind(data, newline)
        if cut < 0:
            rest = data
        else:
            lines = _split(data[:cut], newline)
            rest = data[cut + width :]
            if len(data) > max_line and max(map(len, lines)) > max_line:
                yield from _one_by_one(lines, offset, max_line, width, spill)
            else:
                yield offset, lines
            offset += cut + width
        if len(rest) > max_line:
            skipping = oversize(offset, rest, spill)
            offset += len(rest)
            rest = b""
    if skipping is not None:
        yield skipping
    elif rest:
        yield offset, [rest]


def _even(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes in blocks of even length, so that no code unit of UTF-16 is cut in two."""
    rest = b""
    for block in blocks:
        data = rest + block
        cut = len(data) & ~1
        rest = data[cut:]
        if cut:
            yield data[:cut]
    if rest:
        yield rest


def oversize(offset: int, data: bytes, spill: Path | None) -> Oversize:
    """A spill file in `spill` (None: where temporary files go) that holds `data` so far."""
    line = Oversize(offset, 0, cast(BinaryIO, tempfile.TemporaryFile(dir=spill)))  # noqa: SIM115 - closed by who takes it
    line.feed(data)
    return line


def _one_by_one(
    lines: list[bytes], offset: int, max_line: int, width: int, spill: Path | None
) -> Iterator[tuple[int, list[bytes]] | Oversize]:
    for line in lines:
        yield oversize(offset, line, spill) if len(line) > max_line else (offset, [line])
        offset += len(line) + width


def _find(data: bytes, newline: bytes, start: int) -> int:
    at = data.find(newline, start)
    while len(newline) == 2 and at >= 0 and at % 2:
        at = data.find(newline, at + 1)
    return at


def _rfind(data: bytes, newline: bytes) -> int:
    at = data.rfind(newline)
    while len(newline) == 2 and at >= 0 and at % 2:
        at = data.rfind(newline, 0, at + 1)
    return at


def _split(data: bytes, newline: bytes) -> list[bytes]:
    if len(newline) == 1:
        return data.split(newline)
    parts: list[bytes] = []
    start = 0
    while (at := _find(data, newline, start)) >= 0:
        parts.append(data[start:at])
        start = at + 2
    return [*parts, data[start:]]
