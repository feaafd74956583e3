"""The input as shards: which files, cut where, in which order.

A shard is one or more pieces, a piece is a file or a line-aligned byte range of a plain one. A 100 GB plain file becomes many shards
so that every worker has work; thousands of small files become few shards. The cut depends on the input and on
`input.shard_bytes`, never on the number of workers.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from cleaning.config import InputConfig
from cleaning.errors import ConfigError, ShardError, did_you_mean
from cleaning.io.encodings import SNIFF_BYTES, canonical_encoding, detect_encoding
from cleaning.io.streams import BROKEN_STREAM, HashingFile, compression_of, open_stream

FORMATS = {".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json", ".csv": "csv", ".txt": "txt"}
EXPANSION = 4  # text is about four times its gzip or zstd size: only used to balance shards
_SKIPPED_DIRS = {"phases", "rejected", "bad", "stats", "report", "snapshot", "logs", "sample", "clusters"}


@dataclass(frozen=True, slots=True)
class Piece:
    """A file, or the bytes `start` to `end` of one. `name` is its path below the input directory."""

    path: str
    name: str
    size: int
    format: str
    encoding: str
    skip: int = 0  # length of the byte order mark
    start: int = 0
    end: int | None = None

    @property
    def span(self) -> int:
        """Bytes on disk."""
        return (self.size if self.end is None else self.end) - self.start

    @property
    def weight(self) -> int:
        """Estimated bytes of text."""
        return self.span * (1 if compression_of(Path(self.path)) == "none" else EXPANSION)


@dataclass(frozen=True, slots=True)
class Shard:
    """What one task of the first pass reads."""

    pieces: tuple[Piece, ...]

    @property
    def weight(self) -> int:
        """Estimated bytes of text."""
        return sum(piece.weight for piece in self.pieces)

    @property
    def name(self) -> str:
        """How the shard is called in messages."""
        first = self.pieces[0]
        part = f"[{first.start}:{first.end}]" if first.end is not None else ""
        more = f" +{len(self.pieces) - 1} files" if len(self.pieces) > 1 else ""
        return f"{first.name}{part}{more}"

    def to_json(self) -> list[dict[str, Any]]:
        """Plain data for the run's snapshot."""
        # a path need not be UTF-8, JSON must be
        return [
            {
                **asdict(piece),
                "path": os.fsencode(piece.path).decode("utf-8", "surrogateescape").encode("utf-8", "replace").decode(),
                "path_hex": os.fsencode(piece.path).hex(),
            }
            for piece in self.pieces
        ]

    @classmethod
    def from_json(cls, data: list[dict[str, Any]]) -> Shard:
        """Inverse of `to_json`."""
        rows = [{**row, "path": os.fsdecode(bytes.fromhex(row["path_hex"]))} for row in data]
        return cls(tuple(Piece(**{k: v for k, v in row.items() if k != "path_hex"}) for row in rows))


def find_shards(config: InputConfig) -> list[Shard]:
    """All shards of the input, in a stable order. Raises ConfigError when there is nothing to read."""
    if not config.paths:
        raise ConfigError("no input: give --input PATH (a file, a directory or a glob), or input.paths in the configuration")
    canonical_encoding(config.encoding)
    files = _list_files(config)
    pieces = [piece for path, name in files for piece in _pieces(path, name, config)]
    shards: list[Shard] = []
    group: list[Piece] = []
    for piece in pieces:
        if piece.end is not None or piece.weight >= config.group_bytes:
            shards.extend(_flush(group))
            shards.append(Shard((piece,)))
            continue
        if sum(p.weight for p in group) + piece.weight > config.group_bytes:
            shards.extend(_flush(group))
        group.append(piece)
    shards.extend(_flush(group))
    return shards


def _flush(group: list[Piece]) -> list[Shard]:
    out = [Shard(tuple(group))] if group else []
    group.clear()
    return out


def _list_files(config: InputConfig) -> list[tuple[Path, str]]:
    found: dict[str, str] = {}
    faults: list[str] = []
    several = len(config.paths) > 1
    for number, text in enumerate(config.paths):
        path = Path(text).expanduser()
        # files of the same name below two inputs must not share a name: documents without an id are called after it
        label = f"{number}-{path.name}/" if several and path.is_dir() else ""
        if path.is_dir():
            for file in _walk(path, config.format):
                found.setdefault(os.path.realpath(file), label + file.relative_to(path).as_posix())
        elif path.is_file():
            found.setdefault(os.path.realpath(path), path.name)
        elif glob.has_magic(text):
            matches = [Path(m) for m in glob.glob(str(path), recursive=True) if Path(m).is_file()]
            if not matches:
                faults.append(f"input: no file matches '{text}'")
            base = Path(os.path.commonpath([m.parent for m in matches])) if matches else path
            for match in matches:
                found.setdefault(os.path.realpath(match), match.relative_to(base).as_posix())
        else:
            near = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
            faults.append(f"input: no file or directory '{text}'{did_you_mean(path.name, near)}")
    if faults:
        raise ConfigError(faults)
    if not found:
        known = " ".join(f"*{end}[.gz|.zst]" for end in FORMATS)
        raise ConfigError(f"input: no data files in {', '.join(config.paths)}; looked for {known}")
    # a name that is no UTF-8 is shown with its bytes escaped; the path keeps them
    named = [(Path(p), os.fsencode(name).decode("utf-8", "backslashreplace")) for p, name in found.items()]
    return sorted(named, key=lambda pair: (_natural(pair[1]), str(pair[0])))


def _walk(root: Path, forced: str) -> Iterator[Path]:
    """Data files below `root`. A run directory of ours is read through its `data/`."""
    if (root / "run.json").is_file():
        root = next((root / name for name in ("data", "good") if (root / name).is_dir()), root)
    for folder, dirs, names in os.walk(root, followlinks=False):
        dirs[:] = sorted(d for d in dirs if not d.startswith("."))
        if "run.json" in names:
            dirs[:] = [d for d in dirs if d not in _SKIPPED_DIRS]
            continue
        for name in sorted(names):
            path = Path(folder) / name
            if name.startswith((".", "_")) or not (_format_of(path) or forced != "auto"):
                continue
            if path.is_symlink() and not path.exists():
                raise ConfigError(f"input: {path} is a link to nothing; remove it or mend it")
            if path.is_file():  # no pipes, sockets, devices
                yield path


def _natural(name: str) -> list[tuple[int, int, str]]:
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", name) if part]


def _format_of(path: Path) -> str:
    suffix = path.suffix.lower() if compression_of(path) == "none" else Path(path.stem).suffix.lower()
    return FORMATS.get(suffix, "")


def _pieces(path: Path, name: str, config: InputConfig) -> Iterator[Piece]:
    size = path.stat().st_size
    compressed = compression_of(path) != "none"
    head, complete = _head(path)
    encoding, skip = detect_encoding(head, complete=complete)
    wanted = canonical_encoding(config.encoding)
    if wanted == "utf-16":
        encoding, skip = (encoding, skip) if encoding.startswith("utf-16") else ("utf-16-le", 0)
    elif wanted != "auto":
        skip = skip if encoding == wanted else 0
        encoding = wanted
    kind = config.format if config.format != "auto" else _format_of(path) or "jsonl"
    if config.format == "auto" and kind in ("json", "jsonl"):
        kind = _json_kind(head[skip:], encoding, kind)
    piece = Piece(str(path), name, size, kind, encoding, skip)
    if compressed or kind != "jsonl" or encoding.startswith("utf-16") or size <= config.shard_bytes * 1.25:
        yield piece
        return
    start = 0
    with path.open("rb") as file:
        while start < size:
            end = _next_line(file, start + config.shard_bytes, size)
            if size - end < config.shard_bytes // 4:
                end = size
            yield Piece(str(path), name, size, kind, encoding, skip if start == 0 else 0, start, end)
            start = end


def _next_line(file: Any, at: int, size: int) -> int:
    if at >= size:
        return size
    file.seek(at)
    while block := file.read(1 << 16):
        cut = block.find(b"\n")
        if cut >= 0:
            return int(at + cut + 1)
        at += len(block)
    return size


def _head(path: Path) -> tuple[bytes, bool]:
    try:
        with HashingFile(path) as raw, open_stream(raw, compression_of(path)) as stream:
            head = b""
            while len(head) < SNIFF_BYTES:
                block = stream.read(SNIFF_BYTES - len(head))
                if not block:
                    return head, True
                head += block
            return head, False
    except OSError as exc:
        if isinstance(exc, BROKEN_STREAM):
            return b"", True
        raise ConfigError(f"input: {path} cannot be read: {exc.strerror or exc}") from exc
    except (*BROKEN_STREAM, ShardError):
        return b"", True  # the task that reads it reports the damage


def _json_kind(head: bytes, encoding: str, by_name: str) -> str:
    """`json` for an array or pretty-printed records, `jsonl` when lines are whole records.

    A line that is a record by itself settles it: one odd first line must not turn a file of lines into one broken array.
    """
    text = head.decode(encoding, errors="replace").lstrip()
    lines = text.split("\n")[:200]
    alone = sum(_is_record(line) for line in lines)
    listed = sum(_is_record(line.rstrip()[:-1]) for line in lines if line.rstrip().endswith(","))
    if alone > listed:  # the last record of an array has no comma either
        return "jsonl"
    if re.match(r"\[\s*(\{|\[|$)|\{\s*(\"|$)", text):
        return "json" if by_name == "json" or text[0] == "[" or lines[0].strip() == "{" else by_name
    return by_name


def _is_record(line: str) -> bool:
    try:
        return isinstance(orjson.loads(line), dict)
    except orjson.JSONDecodeError:
        return False
