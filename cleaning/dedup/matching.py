"""From keys to edges, from edges to components.

A document is a 64-bit number: where it comes from (a shard of this run, or a segment of the index) above 32 bits, its row below them.
Numbers grow in the order of the input, and those of an index are smaller than all of a run. Documents that share a key are joined by a
*star*: each to the smallest among them, so a key shared by a hundred thousand pages makes as many edges and not their square.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from cleaning.dedup.kernels import Int64, UInt32, UInt64

FRESH = 1 << 63  # this bit of a number says: of this run, not of the index
EDGE = np.dtype([("hub", "<u8"), ("member", "<u8")])


def number(source: int, rows: UInt32, *, fresh: bool = True) -> UInt64:
    """Numbers of the documents in `rows` of a shard (or of a segment of the index)."""
    return rows.astype(np.uint64) | np.uint64((FRESH if fresh else 0) | source << 32)


def source_of(numbers: UInt64) -> UInt64:
    """Which shard or segment documents come from, with the FRESH bit."""
    return numbers >> np.uint64(32)


def row_of(numbers: UInt64) -> UInt32:
    """Rows of documents."""
    return (numbers & np.uint64(0xFFFFFFFF)).astype(np.uint32)


class Stars(NamedTuple):
    """`edges`: each pair once, sorted. `buckets`: how many keys several documents share; `hot`: how many of them more than the limit;
    `largest`: documents of the largest one."""  # fmt: skip

    edges: npt.NDArray[np.void]
    buckets: int
    hot: int
    largest: int


def star_edges(keys: UInt64, docs: UInt64, hot: int) -> Stars:
    """Edges among documents with the same key. `keys` and `docs` have the same length n; needs about 40 n bytes."""
    order = np.argsort(keys)
    return _stars(keys[order], docs[order], hot)


def star_edges_wide(high: UInt64, low: UInt64, docs: UInt64, hot: int) -> Stars:
    """The same for keys of 128 bits."""
    order = np.lexsort((low, high))
    high, low, docs = high[order], low[order], docs[order]
    first = np.ones(high.size, np.bool_)
    first[1:] = (high[1:] != high[:-1]) | (low[1:] != low[:-1])
    return _stars(np.cumsum(first).astype(np.uint64), docs, hot)


def _stars(keys: UInt64, docs: UInt64, hot: int) -> Stars:
    empty = np.empty(0, EDGE)
    if keys.size < 2:
        return Stars(empty, 0, 0, 0)
    starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    sizes = np.diff(np.append(starts, keys.size))
    # what documents of the index have in common was settled when they came in; it counts again when a new one joins them
    several = (sizes > 1) & (np.maximum.reduceat(docs, starts) >= np.uint64(FRESH))
    if not several.any():
        return Stars(empty, 0, 0, 0)
    hubs = np.minimum.reduceat(docs, starts)
    edges = np.empty(int(sizes[several].sum()), EDGE)
    edges["hub"], edges["member"] = np.repeat(hubs[several], sizes[several]), docs[np.repeat(several, sizes)]
    edges = edges[edges["hub"] != edges["member"]]
    return Stars(unique_edges(edges), int(several.sum()), int((sizes[several] > hot).sum()), int(sizes[several].max()))


def unique_edges(edges: npt.NDArray[np.void]) -> npt.NDArray[np.void]:
    """Sorted by member and hub, each once."""
    if not edges.size:
        return edges
    edges = edges[np.lexsort((edges["hub"], edges["member"]))]
    keep = np.ones(edges.size, np.bool_)
    keep[1:] = (edges["hub"][1:] != edges["hub"][:-1]) | (edges["member"][1:] != edges["member"][:-1])
    return edges[keep]


@njit(cache=True, nogil=True)
def _root(parent: UInt32, i: int) -> int:
    while parent[i] != i:
        parent[i] = parent[parent[i]]  # halve the path on the way
        i = parent[i]
    return i


@njit(cache=True, nogil=True)
def join_edges(parent: UInt32, one: Int64, other: Int64) -> None:
    """Union–find over edges: the root of a set is its smallest member, whatever the order of the edges."""
    for e in range(one.size):
        a, b = _root(parent, one[e]), _root(parent, other[e])
        if a < b:
            parent[b] = a
        elif b < a:
            parent[a] = b


@njit(cache=True, nogil=True)
def flatten(parent: UInt32) -> None:
    """Every entry becomes its root. Roots are smaller than their members, so one pass is enough."""
    for i in range(parent.size):
        parent[i] = parent[parent[i]]


class Duplicates:
    """The set of documents that have an edge, numbered 0 … n - 1 in their order, and its components.

    Costs one bit for each document of the run, and 4 bytes for each with an edge (8 with `exact`), whatever the number of edges.
    """

    def __init__(self) -> None:
        self._bits: dict[int, npt.NDArray[np.uint8]] = {}
        self._base: dict[int, int] = {}
        self._ranks: dict[int, UInt32] = {}
        self.parent: UInt32 = np.empty(0, np.uint32)

    def mark(self, numbers: UInt64) -> None:
        """Take documents into the set. Before `seal`."""
        numbers = np.unique(numbers)
        sources, starts = np.unique(source_of(numbers), return_index=True)
        for source, part in zip(sources.tolist(), np.split(row_of(numbers), starts[1:]), strict=True):
            bits = self._bits.get(source, np.zeros(0, np.uint8))
            least = (int(part[-1]) >> 3) + 1
            if bits.size < least:
                bits = np.concatenate([bits, np.zeros(max(least, bits.size * 2) - bits.size, np.uint8)])
                self._bits[source] = bits
            np.bitwise_or.at(bits, part >> 3, (1 << (part & 7)).astype(np.uint8))

    def seal(self) -> None:
        """No more documents come: number them."""
        base = 0
        for source in sorted(self._bits):
            counts = _POPCOUNT[self._bits[source]].astype(np.uint32)
            self._ranks[source] = np.concatenate([np.zeros(1, np.uint32), np.cumsum(counts[:-1], dtype=np.uint32)])
            self._base[source] = base
            base += int(counts.sum())
        if base >= 1 << 32:
            raise OverflowError(f"{base:,} documents with a candidate; at most 4,294,967,295")
        self.parent = np.arange(base, dtype=np.uint32)

    def indices(self, numbers: UInt64) -> Int64:
        """Positions in `parent` of documents of the set."""
        out = np.empty(numbers.size, np.int64)
        sources = source_of(numbers)
        order = np.argsort(sources, kind="stable")
        names, starts = np.unique(sources[order], return_index=True)
        for source, where in zip(names.tolist(), np.split(order, starts[1:]), strict=True):
            rows = row_of(numbers[where]).astype(np.int64)
            byte = self._bits[source][rows >> 3]
            below = _POPCOUNT[byte & ((1 << (rows & 7)) - 1).astype(np.uint8)]
            out[where] = self._base[source] + self._ranks[source][rows >> 3] + below
        return out

    def members(self) -> Iterable[tuple[int, UInt64, int]]:
        """(source, the documents of it that are in the set, position of the first in `parent`)."""
        for source in sorted(self._bits):
            rows = np.flatnonzero(np.unpackbits(self._bits[source], bitorder="little")).astype(np.uint64)
            yield source, rows | np.uint64(source) << np.uint64(32), self._base[source]

    def numbers_of(self, indices: Int64) -> UInt64:
        """The documents at these positions: the inverse of `indices`."""
        out = np.empty(indices.size, np.uint64)
        for _, numbers, base in self.members():
            here = (indices >= base) & (indices < base + numbers.size)
            out[here] = numbers[indices[here] - base]
        return out


_POPCOUNT = np.array([bin(i).count("1") for i in range(256)], np.uint8)
