"""What earlier runs kept, to compare a new batch with: keys, texts' hashes, the low bytes of signatures, ids. No text.

An index is a directory of *segments*, each the documents that one run kept, sorted by key; `index.json` names those that count and is
replaced by one rename. A new run reads the segments beside its own keys and adds one at its end. When there are many, the smaller ones are
merged.
"""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from cleaning.dedup.kernels import Int64
from cleaning.dedup.records import KEY, SLOTS, TEXT
from cleaning.errors import ShardError, UserError
from cleaning.io.commit import read_sealed, replace_file, seal, to_bytes
from cleaning.io.parts import PartitionedFile, PartitionedWriter

INDEX = "index.json"
MANY = 16  # segments; then the smaller half of them is merged into one




class Segment:
    """One segment, memory-mapped."""

    def __init__(self, folder: Path, row: np.dtype[Any]) -> None:
        self.folder = folder
        info = read_sealed(folder / "segment.json")
        if info is None:
            raise ShardError(f"{folder}: this segment of the index is missing or damaged (was it merged since the run began?)")
        self.info = info
        self.keys = PartitionedFile(folder, "keys", KEY)
        self.texts = PartitionedFile(folder, "texts", TEXT)
        self._ids = np.fromfile(folder / "ids.off", np.int64)
        self._blob: npt.NDArray[np.uint8] = np.memmap(folder / "ids.bin", np.uint8, mode="r") if self._ids[-1] else np.empty(0, np.uint8)
        rows = int(info["documents"])
        self.rows: npt.NDArray[Any] = np.memmap(folder / "rows.bin", row, mode="r") if rows else np.empty(0, row)

    def id_of(self, row: int) -> str:
        """The id of a document."""
        return self._blob[self._ids[row] : self._ids[row + 1]].tobytes().decode("utf-8", "surrogatepass")

    @property
    def ids(self) -> tuple[npt.NDArray[np.uint8], Int64]:
        """All ids one after the other, and where each begins."""
        return self._blob, self._ids


def segments_of(index: Path, scheme: dict[str, Any] | None = None) -> list[str]:
    """Names of the segments that count, oldest first; none when there is no index yet. Raises UserError for one of another scheme."""
    path = index / INDEX
    if not path.exists():
        return []
    data = read_sealed(path)
    if data is None:
        raise UserError(f"{path}: damaged; restore it, or begin a new index in another directory")
    if scheme is not None and data["scheme"] != scheme:
        changed = ", ".join(f"{k}: {data['scheme'].get(k)} (here {v})" for k, v in scheme.items() if data["scheme"].get(k) != v)
        raise UserError(f"{index}: its keys were made with other settings: {changed}; use these, or begin a new index")
    return list(data["segments"])


def write_segment(
    folder: Path, keys: Sequence[tuple[PartitionedFile, Int64]], texts: Sequence[tuple[PartitionedFile, Int64]],
    rows: Iterable[tuple[npt.NDArray[Any], list[bytes]]], budget: int,
) -> dict[str, Any]:  # fmt: skip
    """Make a segment in `folder`: files with the new row of each old one (-1: stays out), and blocks of (rows, ids) in their order."""
    folder.mkdir(parents=True)
    for stem, dtype, sources, fields in (("keys", KEY, keys, ("key",)), ("texts", TEXT, texts, ("low", "high"))):
        writer = PartitionedWriter(folder, stem, dtype, SLOTS)
        for records, slots in _sorted_ranges(sources, np.dtype(dtype), fields, budget):
            writer.add(records, slots)
        writer.close()
    count, at, offsets = 0, 0, [np.zeros(1, np.int64)]
    with (folder / "rows.bin").open("wb") as out, (folder / "ids.bin").open("wb") as ids:
        for block, texts_of_ids in rows:
            out.write(block.tobytes())
            ids.write(b"".join(texts_of_ids))
            ends = at + np.cumsum([len(i) for i in texts_of_ids], dtype=np.int64)
            offsets.append(ends)
            count, at = count + len(texts_of_ids), int(ends[-1]) if len(ends) else at
    np.concatenate(offsets).tofile(folder / "ids.off")
    info = seal({"documents": count})
    (folder / "segment.json").write_bytes(to_bytes(info))
    return info


def _sorted_ranges(
    sources: Sequence[tuple[PartitionedFile, Int64]], dtype: np.dtype[Any], fields: tuple[str, ...], budget: int
) -> Iterator[tuple[npt.NDArray[Any], Int64]]:
    """Records of all sources with their new rows, sorted, in ranges of slots that fit the budget."""
    sizes = sum((file.sizes() for file, _ in sources), np.zeros(SLOTS, np.int64))
    first = 0
    while first < SLOTS:
        last, held = first + 1, int(sizes[first])
        while last < SLOTS and (held + int(sizes[last])) * dtype.itemsize * 5 <= budget:
            held += int(sizes[last])
            last += 1
        parts = []
        for file, row_of in sources:
            for part in file.slices(first, last):
                new = row_of[part["row"]]
                copy = part[new >= 0].copy()
                copy["row"] = new[new >= 0]
                parts.append(copy)
        if parts:
            records = np.concatenate(parts)
            records = records[np.lexsort((records["row"], *(records[name] for name in fields)))]
            lead = records[fields[-1]]
            yield records, (lead >> np.uint64(54)).astype(np.int64)
        first = last


@contextmanager
def locked(index: Path) -> Iterator[None]:
    """Only one run at a time changes an index."""
    index.mkdir(parents=True, exist_ok=True)
    with (index / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def add_segment(index: Path, name: str, scheme: dict[str, Any], make: Any, row: np.dtype[Any], budget: int) -> int:
    """Take a segment into an index: `make(folder)` writes it. One of the same name is replaced. Returns how many documents it has."""
    with locked(index):
        names = [n for n in segments_of(index, scheme) if n != name]
        fresh = index / f".{name}.new"
        shutil.rmtree(fresh, ignore_errors=True)
        count = int(make(fresh)["documents"])
        target = index / f"segment-{name}"
        shutil.rmtree(target, ignore_errors=True)
        fresh.rename(target)
        names.append(name)
        replace_file(index / INDEX, to_bytes(seal({"scheme": scheme, "segments": names})))
        if len(names) > MANY:
            _merge(index, names, scheme, row, budget)
        return count


def _merge(index: Path, names: list[str], scheme: dict[str, Any], row: np.dtype[Any], budget: int) -> None:
    segments = {name: Segment(index / f"segment-{name}", row) for name in names}
    small = set(sorted(names, key=lambda n: int(segments[n].info["documents"]))[: len(names) // 2])
    chosen = [segments[name] for name in names if name in small]
    base, keys, texts = 0, [], []
    for segment in chosen:
        rows = np.arange(base, base + int(segment.info["documents"]), dtype=np.int64)
        keys.append((segment.keys, rows))
        texts.append((segment.texts, rows))
        base += rows.size
    merged = "m" + "".join(n[:4] for n in sorted(small))[:40] + f"-{base}"
    shutil.rmtree(index / f"segment-{merged}", ignore_errors=True)
    write_segment(index / f"segment-{merged}", keys, texts, (_block(segment) for segment in chosen), budget)
    left = [merged, *(n for n in names if n not in small)]
    replace_file(index / INDEX, to_bytes(seal({"scheme": scheme, "segments": left})))
    for name in small:
        shutil.rmtree(index / f"segment-{name}", ignore_errors=True)


def _block(segment: Segment) -> tuple[npt.NDArray[Any], list[bytes]]:
    blob, offsets = segment.ids
    data = blob.tobytes()
    return segment.rows, [data[a:b] for a, b in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)]


def pinned_segments(root: Path | None, index: Path) -> list[str]:
    """The segments that a run compares with: those that were there when it began, however often it is resumed."""
    pin = None if root is None else root / PIN
    if pin is not None and pin.is_file():
        data = orjson.loads(pin.read_bytes())
        if data["index"] == str(index.resolve()):
            return list(data["segments"])
    return segments_of(index)


PIN = "dedup_index.json"
