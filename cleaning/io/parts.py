"""A shuffle of files: fixed-size records of N writers, sorted by partition, read back one partition at a time.

Each writer makes one `.rec` file (records ordered by partition, then as they were given) and a small array of offsets. A reader of
partition p takes its slice of every file, memory-mapped. The same files carry keys (shard → partition) and verdicts (partition → shard).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cleaning.io.commit import write_file

Records = npt.NDArray[Any]


def write_partitioned(folder: Path, stem: str, records: Records, partition: npt.NDArray[np.int64], count: int) -> dict[str, Any]:
    """Write `records` (structured, length n) sorted by `partition` (length n, values below `count`); returns manifest entries."""
    order = np.argsort(partition, kind="stable")
    offsets = np.zeros(count + 1, np.int64)
    np.cumsum(np.bincount(partition, minlength=count), out=offsets[1:])
    names = {f"{stem}.rec": records[order].tobytes(), f"{stem}.off": offsets.tobytes()}
    return {name: {**write_file(folder / name, data), "rows": len(records)} for name, data in names.items()}


def read_partition(folders: Iterable[Path], stem: str, dtype: np.dtype[Any], partition: int) -> Records:
    """All records of one partition, in the order of the folders."""
    slices: list[Records] = []
    for folder in folders:
        offsets = np.fromfile(folder / f"{stem}.off", np.int64)
        begin, end = int(offsets[partition]), int(offsets[partition + 1])
        if end > begin:
            mapped = np.memmap(folder / f"{stem}.rec", dtype, mode="r")
            slices.append(np.asarray(mapped[begin:end]))
    return np.concatenate(slices) if slices else np.empty(0, dtype)
