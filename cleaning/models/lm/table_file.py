"""The file beside an ARPA model in which every worker finds its tables, as they stand in memory."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from cleaning.errors import ModelError
from cleaning.models.card import sha256_of
from cleaning.models.lm.arpa import read_arpa, replacing
from cleaning.models.lm.tables import Tables, build_tables

FORMAT = b"cleaning n-gram table 1\n"
_ALIGN = 4096


def open_tables(path: Path) -> Tables:
    """The tables of an ARPA file, memory-mapped: from the file beside it, which is made if there is none.

    The file's name has the model's SHA-256. Where the directory cannot be written to, it goes to the system's temporary place.
    Raises ModelError when the ARPA file cannot be read or is none.
    """
    try:
        stat = path.stat()
    except OSError as exc:
        raise ModelError(f"{path}: cannot be read: {exc.strerror}") from exc
    same = [stat.st_size, stat.st_mtime_ns]
    for place in _places(path):  # by size and time first, so that workers need not read the whole model
        for found in sorted(place.glob(f".{path.name}.*.ngrams")):
            tables = _mapped(found, same)
            if tables is not None:
                return tables
    digest = sha256_of(path)
    for place in _places(path):
        tables = _mapped(place / f".{path.name}.{digest[:16]}.ngrams", None)
        if tables is not None:
            return tables
    try:
        made = build_tables(read_arpa(path))
    except ModelError as exc:
        raise exc if str(exc).startswith(str(path)) else ModelError(f"{path}: {exc}") from exc
    for place in _places(path):
        target = place / f".{path.name}.{digest[:16]}.ngrams"
        try:
            _write(made, target, same)
        except OSError:
            continue
        _forget_older(target, path)
        return _mapped(target, None) or made
    return made


def _places(path: Path) -> list[Path]:
    """Where tables may lie: beside the model, else in a directory of this user's own."""
    own = Path(tempfile.gettempdir()) / f"cleaning-ngrams-{os.getuid() if hasattr(os, 'getuid') else 'user'}"
    try:
        own.mkdir(mode=0o700, exist_ok=True)
        private = own.stat().st_uid == os.getuid() if hasattr(os, "getuid") else True
    except OSError:
        private = False
    return [path.parent, own] if private else [path.parent]


def _forget_older(target: Path, model: Path) -> None:
    """Remove the tables of what this model was before; who has them mapped keeps them."""
    for found in target.parent.glob(f".{model.name}.*.ngrams"):
        if found != target and target.parent == model.parent:
            found.unlink(missing_ok=True)


def write_tables(tables: Tables, path: Path) -> None:
    """Write a table that belongs to no ARPA file, atomically."""
    _write(tables, path, [])


def map_tables(path: Path) -> Tables | None:
    """The table of such a file, memory-mapped; None when there is none or it is not whole."""
    return _mapped(path, None)


def _write(tables: Tables, path: Path, same: list[int]) -> None:
    vocab = "\n".join(tables.vocab).encode("utf-8")
    parts: list[Any] = [vocab, memoryview(tables.unigrams), memoryview(tables.slots)]  # type: ignore[arg-type]
    sizes = [len(vocab), tables.unigrams.nbytes, tables.slots.nbytes]
    head = {"order": tables.order, "model": same, "sizes": sizes, "ends": "little"}
    with replacing(path) as out:
        out.write((FORMAT + json.dumps(head).encode("ascii")).ljust(_ALIGN - 1, b" ") + b"\n")
        for part, size in zip(parts, sizes, strict=True):
            out.write(part)
            out.write(bytes(-size % _ALIGN))


def _mapped(path: Path, same: list[int] | None) -> Tables | None:
    """The tables of a file, None when there is none or it is not whole; `same`: size and time of the model that it must be of."""
    try:
        with open(path, "rb") as file:
            head = file.read(_ALIGN)
            if not head.startswith(FORMAT):
                return None
            told = json.loads(head[len(FORMAT) :])
            if same is not None and told["model"] != same:
                return None
            vocab_bytes, unigram_bytes, slot_bytes = told["sizes"]
            begins = np.cumsum([_ALIGN] + [size + -size % _ALIGN for size in told["sizes"]]).tolist()
            if os.fstat(file.fileno()).st_size != begins[3]:
                return None
            vocab = file.read(vocab_bytes).decode("utf-8").split("\n")
        data = np.memmap(path, np.uint64, "r").view(np.ndarray)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    unigrams = data[begins[1] // 8 : (begins[1] + unigram_bytes) // 8].reshape(-1, 2)
    return Tables(told["order"], vocab, unigrams, data[begins[2] // 8 : (begins[2] + slot_bytes) // 8].reshape(-1, 2))
