"""What the driver does around a run: say what is to come, pin the index, raise the alarm, take what was kept into the index."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from cleaning.dedup.edges import shard_numbers
from cleaning.dedup.index import PIN, add_segment, pinned_segments, segments_of, write_segment
from cleaning.dedup.kernels import Int64
from cleaning.dedup.records import KEPT, KEY, TEXT, VERDICT, partitions_for
from cleaning.dedup.signatures import Scheme
from cleaning.io.commit import replace_file, to_bytes
from cleaning.io.parts import PartitionedFile
from cleaning.stats import Stats

log = logging.getLogger(__name__)
_BUDGET = 256 << 20
_BLOCK = 1 << 16


def announce(stage: str, input_bytes: int, memory: int, scheme: Scheme) -> None:
    """How much there will be to compare, and in how many parts."""
    parts, groups = partitions_for(input_bytes, memory)
    record = scheme.bands * KEY.itemsize + TEXT.itemsize
    log.info(
        "%s: %d bands of %d; %d bytes of keys a document; about %.1f MB of input, compared in %d parts, decided in %d, within %d MiB",
        stage, scheme.bands, scheme.rows, record, input_bytes / 1e6, parts, groups, memory >> 20,
    )  # fmt: skip


def alarm(stage: str, stats: Stats, giant: int) -> None:
    """Warn when something looks like a template that joins what has nothing in common."""
    count, largest = stats.get(stage, "giant_components"), stats.get(stage, "largest_component")
    if count:
        log.warning(
            "%s: %d groups of %d or more documents share keys (the largest %d): a template? see clusters/ and cleaning dedup top",
            stage, count, giant, largest,
        )  # fmt: skip
    hot = stats.get(stage, "limited_searches")
    if hot:
        log.warning("%s: %d searches met the limit of kept documents for a key; raise %s.hot_key to look further", stage, hot, stage)


def pin_index(root: Path, index: Path, scheme: dict[str, Any]) -> None:
    """Remember which segments this run compares with, so that a resumed run compares with the same ones."""
    path = root / PIN
    if path.is_file() and orjson.loads(path.read_bytes())["index"] == str(index.resolve()):
        return
    data = {"index": str(index.resolve()), "segments": segments_of(index, scheme), "token": uuid.uuid4().hex[:16]}
    replace_file(path, to_bytes(data))


class Update:
    """Takes the documents that a finished run kept into the index, as the segment with the run's own name."""

    def __init__(self, stage: str, root: Path, index: Path, scheme: dict[str, Any], row: np.dtype[Any]) -> None:
        self._stage, self._index, self._scheme, self._row = stage, index, scheme, row
        self._token = str(orjson.loads((root / PIN).read_bytes())["token"])
        self._root = root

    def run(self, taps: Sequence[Path], reduced: Sequence[Path]) -> None:
        """Write the segment, or leave the one that is there when it is of the same documents."""
        rows_of = list(self._rows_of(taps, reduced))
        shards = shard_numbers(taps)

        def make(folder: Path) -> dict[str, Any]:
            stems = [f"{self._stage}.{name}" for name in ("keys", "texts")]
            keys, texts = (
                [(PartitionedFile(tap, stem, dtype), rows) for (_, tap), rows in zip(shards, rows_of, strict=True) if self._has(tap, stem)]
                for stem, dtype in zip(stems, (KEY, TEXT), strict=True)
            )
            return write_segment(folder, keys, texts, self._blocks(taps, rows_of), _BUDGET)

        count = add_segment(self._index, self._token, self._scheme, make, self._row, _BUDGET)
        log.info("%s: %s documents taken into the index %s", self._stage, f"{count:,}", self._index)

    def _has(self, tap: Path, stem: str) -> bool:
        return (tap / f"{stem}.rec").is_file()

    def _rows_of(self, taps: Sequence[Path], reduced: Sequence[Path]) -> Iterator[Int64]:
        """For each shard: the new row of each of its documents, -1 for those that left."""
        base = 0
        verdicts = [PartitionedFile(folder, f"{self._stage}.verdicts", VERDICT) for folder in reduced]
        for shard, tap in shard_numbers(taps):
            stays = np.ones((tap / f"{self._stage}.rows.rec").stat().st_size // self._row.itemsize, np.bool_)
            for file in verdicts:
                for part in file.slices(shard, shard + 1):
                    stays[part["row"][part["kind"] != KEPT]] = False
            rows = np.where(stays, base + np.cumsum(stays) - 1, -1)
            base += int(stays.sum())
            yield np.asarray(rows, np.int64)

    def _blocks(self, taps: Sequence[Path], rows_of: Sequence[Int64]) -> Iterator[tuple[npt.NDArray[Any], list[bytes]]]:
        for tap, rows in zip(taps, rows_of, strict=True):
            if not rows.size:
                continue
            known: npt.NDArray[Any] = np.memmap(tap / f"{self._stage}.rows.rec", self._row, mode="r")
            with (tap / f"{self._stage}.ids.rec").open("rb") as lines:
                for at in range(0, rows.size, _BLOCK):
                    stays = rows[at : at + _BLOCK] >= 0
                    ids = [orjson.loads(line).encode() for line, keep in zip(lines, stays.tolist(), strict=False) if keep]
                    yield np.asarray(known[at : at + _BLOCK][stays]), ids


__all__ = ["Update", "alarm", "announce", "pin_index", "pinned_segments"]
