"""Sorting packed n-grams in bounded memory: sorted runs in memory while they fit, else on disk, merged range by range of keys."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from cleaning.models.lm.key_kernels import _combine, _lower_bound, _pack, _radix_sort
from cleaning.models.lm.vocabulary import EOS, Int64, UInt32, UInt64

BLOCK = 1 << 18  # rows that a step handles at a time
_SAMPLE = 1 << 12  # of so many sorted rows one is remembered, to find ranges of equal size
_ROW = 48  # bytes of a record and of the room to sort it
Rows = tuple[UInt64, UInt64, UInt64]  # hi, lo, value: equally long
_NONE = np.empty(0, np.uint64)


@dataclass(frozen=True, slots=True)
class _Run:
    """A sorted run on disk: three files of 64-bit numbers."""

    stem: Path
    rows: int

    def column(self, name: str) -> UInt64:
        path = self.stem.with_suffix(f".{name}")
        return np.memmap(path, np.uint64, "r") if self.rows else _NONE

    def slice(self, start: int, stop: int) -> Rows:
        def column(name: str) -> UInt64:
            return np.fromfile(self.stem.with_suffix(f".{name}"), np.uint64, stop - start, offset=8 * start)

        return column("hi"), column("lo"), column("value")

    def remove(self) -> None:
        for name in ("hi", "lo", "value"):
            self.stem.with_suffix(f".{name}").unlink()


class Sorter:
    """Takes keys with 64-bit values in any order, gives them in rising order. With `combine`, the values of equal keys are summed.

    `memory`: bytes that rows and the work on them may take; what is more goes to files in `tmp`, which are removed as they are read.
    """

    def __init__(self, bits: int, memory: int, tmp: Path | None = None, *, combine: bool = False) -> None:
        self.bits, self.combine, self.tmp = bits, combine, tmp
        self.room = max(2 * _SAMPLE, memory // _ROW)
        self.rows = 0
        self.spilled = 0  # bytes that were written
        self._pending: tuple[list[UInt64], list[UInt64], list[UInt64]] = ([], [], [])
        self._runs: list[_Run] = []
        self._samples: list[tuple[UInt64, UInt64]] = []
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def add(self, hi: UInt64, lo: UInt64, value: UInt64) -> None:
        """Rows to be sorted. An empty `value` of a sorter that combines: each counts 1; then all must be so."""
        if self.rows + hi.size > self.room and self.rows:
            self._spill()
        for column, part in zip(self._pending, (hi, lo, value), strict=True):
            column.append(part)
        self.rows += hi.size

    def blocks(self) -> Iterator[Rows]:
        """All rows in order, `BLOCK` at a time; the sorter is empty afterwards."""
        if not self._runs:
            yield from _cut(*self._sorted())
        else:
            if self.rows:
                self._spill()
            yield from self._merged()
            assert self._folder is not None
            self._folder.cleanup()
            self._runs, self._folder = [], None

    def settle(self, keep: int) -> None:
        """Sort now; rows beyond `keep` bytes go to disk, so that the memory is free for what reads them."""
        if self.rows and (self._runs or self.rows * 24 > keep):
            self._spill()

    def _sorted(self) -> Rows:
        hi, lo, value = (_taken(column) for column in self._pending)
        self.rows = 0
        hi2, lo2, value2 = np.empty_like(hi), np.empty_like(lo), np.empty_like(value)
        if _radix_sort(hi, lo, value, hi2, lo2, value2, self.bits):
            hi, lo, value = hi2, lo2, value2
        if not self.combine:
            return hi, lo, value
        del hi2, lo2, value2
        counts = value if value.size else np.empty(hi.size, np.uint64)
        size = _combine(hi, lo, value, counts)
        return hi[:size], lo[:size], counts[:size]

    def _spill(self) -> None:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="lm-", dir=self.tmp)
        hi, lo, value = self._sorted()
        run = _Run(Path(self._folder.name) / f"run{len(self._runs)}", hi.size)
        for name, column in (("hi", hi), ("lo", lo), ("value", value)):
            column.tofile(run.stem.with_suffix(f".{name}"))
            self.spilled += column.nbytes
        self._runs.append(run)
        self._samples.append((hi[_SAMPLE - 1 :: _SAMPLE].copy(), lo[_SAMPLE - 1 :: _SAMPLE].copy()))

    def _merged(self) -> Iterator[Rows]:
        starts = [0] * len(self._runs)
        for bound in [*self._bounds(), None]:
            for r, run in enumerate(self._runs):
                stop = run.rows if bound is None else _lower_bound(run.column("hi"), run.column("lo"), *bound)
                if stop > starts[r]:
                    for column, part in zip(self._pending, run.slice(starts[r], stop), strict=True):
                        column.append(part)
                starts[r] = stop
            yield from _cut(*self._sorted())
        for run in self._runs:
            run.remove()

    def _bounds(self) -> list[tuple[np.uint64, np.uint64]]:
        """Keys that cut all runs into ranges which together fit in the room."""
        hi = np.concatenate([sample[0] for sample in self._samples])
        lo = np.concatenate([sample[1] for sample in self._samples])
        order = np.lexsort((lo, hi))
        # between two bounds each run may have up to a sample's distance more than was counted
        step = max(1, (self.room - len(self._runs) * _SAMPLE) // _SAMPLE)
        picked = order[step - 1 :: step]
        return list(zip(hi[picked], lo[picked], strict=True))


def _taken(column: list[UInt64]) -> UInt64:
    """The parts of a column as one array; the list is emptied, so that a column at a time is there twice."""
    joined = np.concatenate([_NONE, *column])
    column.clear()
    return joined


def _cut(hi: UInt64, lo: UInt64, value: UInt64) -> Iterator[Rows]:
    for start in range(0, hi.size, BLOCK):
        yield hi[start : start + BLOCK], lo[start : start + BLOCK], value[start : start + BLOCK]


class TokenSpool:
    """Encoded lines, each ended by `</s>`, until the whole vocabulary is known: in memory, beyond `memory` bytes in a file."""

    def __init__(self, memory: int, tmp: Path | None = None) -> None:
        self.memory, self.tmp = memory, tmp
        self.tokens = self.lines = 0
        self._parts: list[UInt32] = []
        self._file: IO[bytes] | None = None

    def add(self, ids: UInt32, lines: Int64) -> None:
        """Some encoded lines: token numbers and where each line begins."""
        self.tokens += ids.size
        self.lines += lines.size - 1
        self._parts.append(np.insert(ids, lines[1:], np.uint32(EOS)))
        if sum(part.nbytes for part in self._parts) > self.memory:
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix="lm-", dir=self.tmp)  # noqa: SIM115 - closed when it was read
            for part in self._parts:
                part.tofile(self._file)
            self._parts.clear()

    def blocks(self) -> Iterator[UInt32]:
        """All that was added, in order; gone afterwards."""
        if self._file is not None:
            self._file.seek(0)
            while data := self._file.read(4 << 20):
                yield np.frombuffer(data, np.uint32)
            self._file.close()
        while self._parts:
            yield self._parts.pop(0)


def count_ngrams(spool: TokenSpool, order: int, bits: int, memory: int, tmp: Path | None = None) -> Sorter:
    """All n-grams of the lines, ready to be read in suffix order with their counts. A line begins with order - 1 times `<s>`."""
    sorter = Sorter(order * bits, memory, tmp, combine=True)
    state = np.zeros(3, np.uint64)  # the key so far, and whether there is one
    for ids in spool.blocks():
        hi, lo = np.empty(ids.size, np.uint64), np.empty(ids.size, np.uint64)
        _pack(ids, order, bits, state, hi, lo)
        sorter.add(hi, lo, _NONE)
    sorter.settle(memory // 4)
    return sorter
