"""A shuffle of files: fixed-size records of N writers, sorted by partition, read back one partition (or a range of them) at a time.

Each writer makes one `.rec` file and a small array of offsets. The file is one or more *runs*: records ordered by partition, then as they
were given. A run is written whenever enough records have come together, so that a writer's memory does not grow with its shard; a reader of
partition p takes its slice of every run of every file, memory-mapped. The same files carry keys (shard → partition) and verdicts
(partition → shard).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import xxhash

from cleaning.io.commit import write_file

Records = npt.NDArray[Any]
RUN_BYTES = 64 << 20


class PartitionedWriter:
    """Writes `<stem>.rec` and `<stem>.off` in `folder`. `count` is the number of partitions."""

    def __init__(self, folder: Path, stem: str, dtype: Any, count: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._stem, self._dtype, self._count = folder, stem, np.dtype(dtype), count
        self._file: BinaryIO | None = None
        self._hash = xxhash.xxh3_128()
        self._held: list[tuple[Records, npt.NDArray[np.int64] | None]] = []
        self._held_bytes = 0
        self._runs: list[npt.NDArray[np.int64]] = []
        self.rows = 0

    def add(self, records: Records, partition: npt.NDArray[np.int64] | None = None) -> None:
        """Records (length n) and the partition of each (None: all of the first)."""
        if not records.size:
            return
        if partition is not None and not (int(partition.min()) >= 0 and int(partition.max()) < self._count):
            raise ValueError(f"partitions {int(partition.min())} to {int(partition.max())}; there are {self._count}")
        self._held.append((records, partition))
        self._held_bytes += records.nbytes
        if self._held_bytes >= RUN_BYTES:
            self._flush()

    def close(self) -> dict[str, Any]:
        """Finish both files; returns their manifest entries."""
        if self._held or not self._runs:
            self._flush()
        if self._file is not None:
            self._file.close()
        size = self.rows * self._dtype.itemsize
        records = {"size": size, "digest": self._hash.hexdigest(), "rows": self.rows}
        offsets = write_file(self._folder / f"{self._stem}.off", np.concatenate([[self._count], *self._runs]).tobytes())
        return {f"{self._stem}.rec": records, f"{self._stem}.off": {**offsets, "rows": self.rows}}

    def _flush(self) -> None:
        records = np.concatenate([r for r, _ in self._held]) if self._held else np.empty(0, self._dtype)
        offsets = np.full(self._count + 1, self.rows, np.int64)
        if self._count > 1 and records.size:
            partition = np.concatenate([np.zeros(len(r), np.int64) if p is None else p for r, p in self._held])
            offsets[1:] += np.cumsum(np.bincount(partition, minlength=self._count))
            if self._count <= 1 << 16:
                partition = partition.astype(np.uint16)  # which numpy sorts by radix
            records = records[np.argsort(partition, kind="stable")]
        else:
            offsets[1:] += records.size
        data = records.view(np.uint8).data if records.size else b""
        if self._file is None:
            self._file = (self._folder / f"{self._stem}.rec").open("wb")
        self._file.write(data)
        self._hash.update(data)
        self._held, self._held_bytes = [], 0
        self._runs.append(offsets)
        self.rows += len(records)


class FileWriter:
    """A plain file that knows its manifest entry."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: BinaryIO = path.open("wb")
        self._hash = xxhash.xxh3_128()
        self.size = 0

    def write(self, data: bytes | Records) -> None:
        """Append bytes, or the bytes of an array."""
        raw = data if isinstance(data, bytes) else np.ascontiguousarray(data).tobytes()
        self._file.write(raw)
        self._hash.update(raw)
        self.size += len(raw)

    def close(self) -> dict[str, Any]:
        """Returns the entry."""
        self._file.close()
        return {"size": self.size, "digest": self._hash.hexdigest()}


def write_partitioned(folder: Path, stem: str, records: Records, partition: npt.NDArray[np.int64], count: int) -> dict[str, Any]:
    """Write `records` (structured, length n) sorted by `partition` (length n, values below `count`); returns manifest entries."""
    writer = PartitionedWriter(folder, stem, records.dtype, count)
    writer.add(records, partition)
    return writer.close()


class PartitionedFile:
    """One writer's records, to be read by ranges of partitions."""

    def __init__(self, folder: Path, stem: str, dtype: Any) -> None:
        offsets = np.fromfile(folder / f"{stem}.off", np.int64)
        self.dtype = np.dtype(dtype)
        path = folder / f"{stem}.rec"
        self.rows = path.stat().st_size // self.dtype.itemsize
        self.runs = offsets[1:].reshape(-1, int(offsets[0]) + 1)
        self._data: Records = np.memmap(path, self.dtype, mode="r") if self.rows else np.empty(0, self.dtype)

    def sizes(self) -> npt.NDArray[np.int64]:
        """Records of each partition."""
        return np.asarray(np.diff(self.runs, axis=1).sum(axis=0), np.int64)

    def slices(self, first: int, last: int) -> Iterator[Records]:
        """The records of the partitions `first` to `last` - 1, a run at a time."""
        for offsets in self.runs:
            begin, end = int(offsets[first]), int(offsets[last])
            if end > begin:
                yield np.asarray(self._data[begin:end])


def read_partition(folders: Iterable[Path], stem: str, dtype: np.dtype[Any], partition: int) -> Records:
    """All records of one partition, in the order of the folders."""
    files = (PartitionedFile(folder, stem, dtype) for folder in folders)
    slices = [part for file in files for part in file.slices(partition, partition + 1)]
    return np.concatenate(slices) if slices else np.empty(0, dtype)
