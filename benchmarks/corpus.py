"""The input of a run: plain JSONL of a given size, mixed from many sources, the same for everybody.

Documents are dealt from the source files in turn, always from the one that has given the fewest bytes, so a slice of 4 MB
has the same mixture as one of 20 MB: short reviews and long articles by bytes, not by heads. Deterministic: no random
choice, file order by name. When the sources run dry they are dealt again under new ids, and the slice says so.
"""

from __future__ import annotations

import contextlib
import gzip
import heapq
import io
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import orjson
import zstandard

CHECKOUT = Path(__file__).resolve().parent.parent
SUFFIXES = (".jsonl", ".jsonl.gz", ".jsonl.zst")
MAX_DOCUMENT_BYTES = 200_000  # a whole book would be half of a small slice
_ONE_DOCUMENT_BYTES = range(1_000, 20_000)


@dataclass(frozen=True)
class Slice:
    """One or more JSONL files of {"id", "text"}. `bytes` counts the text in UTF-8, without the JSON around it."""

    paths: tuple[Path, ...]
    docs: int
    bytes: int
    repeated: bool = False

    @property
    def path(self) -> Path:
        """The file of a slice that is one file."""
        (path,) = self.paths
        return path

    @property
    def mb(self) -> float:
        """Megabytes of text, of a million bytes each."""
        return self.bytes / 1e6


def find_data(chosen: str | None) -> tuple[Path, bool]:
    """The directory to take text from, and whether it is only the bundled samples."""
    named = chosen or os.environ.get("CLEANING_DATA")
    directory = Path(named).expanduser() if named else CHECKOUT.parent / "shared" / "data" / "docs"
    if directory.is_dir():
        return directory.resolve(), False
    if named:
        raise SystemExit(f"no directory {named}: --data and CLEANING_DATA name a directory with zh_*.jsonl and en_*.jsonl (.gz, .zst)")
    return CHECKOUT / "samples" / "raw", True


def find_sources(directory: Path, lang: str) -> list[Path]:
    """The files of one language, by name."""
    found = sorted(p for p in directory.iterdir() if p.name.startswith(f"{lang}_") and p.name.endswith(SUFFIXES))
    if not found:
        raise SystemExit(f"no {lang}_*.jsonl, .jsonl.gz or .jsonl.zst in {directory}")
    return found


def write_slice(directory: Path, name: str, sources: list[Path], mb: float, files: int = 1) -> Slice:
    """Deal `mb` megabytes of text from `sources` into `files` files of about equal size."""
    directory.mkdir(parents=True, exist_ok=True)
    paths = tuple(directory / (f"{name}.jsonl" if files == 1 else f"{name}-{i}.jsonl") for i in range(files))
    docs = size = last_round = 0
    with contextlib.ExitStack() as stack:
        sinks = [stack.enter_context(open(path, "wb")) for path in paths]
        filled = [(0, i) for i in range(files)]
        for key, text, last_round in _deal(sources):  # noqa: B007 - read after the loop
            written, target = heapq.heappop(filled)
            n_bytes = len(text.encode("utf-8"))
            sinks[target].write(orjson.dumps({"id": key, "text": text}, option=orjson.OPT_APPEND_NEWLINE))
            heapq.heappush(filled, (written + n_bytes, target))
            docs, size = docs + 1, size + n_bytes
            if size >= mb * 1e6:
                break
    return Slice(paths, docs, size, repeated=last_round > 0)


def one_document(directory: Path, of: Slice) -> Slice:
    """A slice of one ordinary document of another slice: what a command costs before any real work."""
    path = directory / f"one-{of.paths[0].name}"
    with open(of.paths[0], "rb") as source:
        lines = ((line, len(orjson.loads(line)["text"].encode("utf-8"))) for line in source)
        line, size = next((item for item in lines if item[1] in _ONE_DOCUMENT_BYTES), (b"", 0))
    if not line:
        raise SystemExit(f"{of.paths[0].name}: no document between {_ONE_DOCUMENT_BYTES.start} and {_ONE_DOCUMENT_BYTES.stop} bytes")
    path.write_bytes(line)
    return Slice((path,), 1, size)


def count_lines(paths: Iterable[Path]) -> int:
    """Lines of plain, gzip or zstd files."""
    return sum(1 for path in paths for _ in _lines(path))


def _deal(sources: list[Path]) -> Iterator[tuple[str, str, int]]:
    """(id, text, round) from all sources, the one with the fewest bytes first; starts again when all are empty."""
    rounds = 0
    while True:
        readers = [_texts(path) for path in sources]
        given = [(0, i) for i in range(len(sources))]
        dealt = 0
        while given:
            size, i = heapq.heappop(given)
            text = next(readers[i], None)
            if text is None:
                continue
            yield f"{sources[i].name.partition('.')[0]}-{rounds}-{dealt}", text, rounds
            dealt += 1
            heapq.heappush(given, (size + len(text.encode("utf-8")), i))
        if not dealt:
            raise SystemExit(
                f"no usable document in {', '.join(p.name for p in sources)}: each line must be a JSON object with a string 'text'"
            )
        rounds += 1


def _texts(path: Path) -> Iterator[str]:
    """The texts of a file that a benchmark can use: not empty, not a whole book, encodable."""
    for line in _lines(path):
        try:
            text = orjson.loads(line).get("text")
        except (orjson.JSONDecodeError, AttributeError):
            continue
        if isinstance(text, str) and text.strip() and len(text.encode("utf-8")) <= MAX_DOCUMENT_BYTES:
            yield text


def _lines(path: Path) -> Iterator[bytes]:
    """The lines of a plain, gzip or zstd file."""
    with open(path, "rb") as raw:
        stream: BinaryIO = raw
        if path.name.endswith(".gz"):
            stream = cast(BinaryIO, gzip.GzipFile(fileobj=raw))
        elif path.name.endswith(".zst"):
            stream = cast(BinaryIO, io.BufferedReader(zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True), 1 << 20))
        yield from stream
