"""Which copies of a sentence go: one task decides about some of the sentences, all copies of a sentence among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from cleaning.dedup.edges import shard_numbers
from cleaning.dedup.kernels import Int64, UInt64
from cleaning.dedup.records import SLOTS, TEXT
from cleaning.io.parts import PartitionedFile, PartitionedWriter
from cleaning.stats import Stats

Bools = npt.NDArray[np.bool_]
GONE = np.dtype([("item", "<u4"), ("copies", "<u4")])  # an item of the shard that goes, and how many copies it had
_BYTES_A_RECORD = 160  # what deciding about one takes at its peak


@dataclass(frozen=True, slots=True)
class Policy:
    """`copies`: how many stay, the first ones. Sentences in fewer than `min_documents` documents, or `per_million` of a million, stay all.

    `site_share`: above 0, only copies on sites go of which so large a share of the pages, `site_pages` at least, has the sentence.
    """

    copies: int = 1
    min_documents: int = 1
    per_million: float = 0
    site_share: float = 0
    site_pages: int = 10


class Copies(NamedTuple):
    """Sorted by hash, shard and item: `group` (0 … of each different sentence), `shard`, `item`, `doc` (counted over all shards)."""

    group: Int64
    shard: Int64
    item: Int64
    doc: Int64


class Documents:
    """How many items each document has: which document an item is of, and which site it comes from."""

    def __init__(self, stage: str, taps: Sequence[tuple[int, Path]], sites: bool) -> None:
        self._ends: dict[int, Int64] = {}
        self._base: dict[int, int] = {}
        self.sites: UInt64 = np.empty(0, np.uint64)
        self.total = 0
        parts = [self.sites]
        for shard, folder in taps:
            counts = read_counts(folder, stage)
            self._ends[shard], self._base[shard] = np.cumsum(counts), self.total
            self.total += counts.size
            if sites:
                parts += list(PartitionedFile(folder, f"{stage}.sites", np.dtype("<u8")).slices(0, 1))
        self.sites = np.concatenate(parts)

    def of(self, shard: int, items: Int64) -> Int64:
        """The documents of some items of a shard."""
        return self._base[shard] + np.searchsorted(self._ends[shard], items, side="right")


def read_counts(folder: Path, stage: str) -> Int64:
    """How many items each document of a shard has."""
    parts = list(PartitionedFile(folder, f"{stage}.counts", np.dtype("<u4")).slices(0, 1))
    return np.concatenate([np.empty(0, np.int64), *parts]).astype(np.int64)


def match(
    stage: str, folders: Sequence[Path], shards: int, part: tuple[int, int], policy: Policy, memory: int, scratch: Path, stats: Stats
) -> dict[str, Any]:
    """Decide about partition `part[0]` of `part[1]`; writes GONE by shard."""
    taps = shard_numbers(folders)
    documents = Documents(stage, taps, policy.site_share > 0)
    files = [(shard, PartitionedFile(folder, f"{stage}.texts", TEXT)) for shard, folder in taps]
    writer = PartitionedWriter(scratch, f"{stage}.verdicts", GONE, shards)
    sizes = sum((file.sizes() for _, file in files), np.zeros(SLOTS, np.int64))
    first, stop = (SLOTS * part[0]) // part[1], (SLOTS * (part[0] + 1)) // part[1]
    while first < stop:
        end, held = first + 1, int(sizes[first])
        while end < stop and held + int(sizes[end]) <= memory // _BYTES_A_RECORD:
            held += int(sizes[end])
            end += 1
        if held:
            _decide(files, (first, end), documents, policy, writer, stats, stage)
        first = end
    return writer.close()


def _decide(
    files: list[tuple[int, PartitionedFile]], slots: tuple[int, int], documents: Documents, policy: Policy, writer: PartitionedWriter,
    stats: Stats, stage: str,
) -> None:  # fmt: skip
    parts = [(shard, part) for shard, file in files for part in file.slices(*slots)]
    records = np.concatenate([part for _, part in parts])
    shard = np.repeat([shard for shard, _ in parts], [len(part) for _, part in parts]).astype(np.int64)
    order = np.lexsort((records["row"], shard, records["low"], records["high"]))
    records, shard = records[order], shard[order]
    new = np.ones(len(records), np.bool_)
    new[1:] = (records["high"][1:] != records["high"][:-1]) | (records["low"][1:] != records["low"][:-1])
    sizes = np.diff(np.append(np.flatnonzero(new), len(records)))
    several = np.repeat(sizes > 1, sizes)
    stats.count(stage, "compared", len(records))
    stats.count(stage, "repeated", int((sizes > 1).sum()))
    records, shard, new = records[several], shard[several], new[several]
    if not len(records):
        return
    item = records["row"].astype(np.int64)
    doc = np.empty(item.size, np.int64)
    for s in np.unique(shard).tolist():
        mine = shard == s
        doc[mine] = documents.of(s, item[mine])
    copies = Copies(np.cumsum(new) - 1, shard, item, doc)
    go, count = doomed(copies, policy, documents)
    out = np.empty(int(go.sum()), GONE)
    out["item"], out["copies"] = item[go], count[go]
    writer.add(out, shard[go])


def doomed(copies: Copies, policy: Policy, documents: Documents) -> tuple[Bools, Int64]:
    """Which copies go, and how many copies each has."""
    group, doc = copies.group, copies.doc
    sizes = np.bincount(group)
    rank = np.arange(group.size) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    go: Bools = rank >= policy.copies
    least = max(policy.min_documents, int(np.ceil(policy.per_million * documents.total / 1e6)))
    if least > 1:
        other = np.ones(group.size, np.bool_)  # copies are in the order of their documents
        other[1:] = (group[1:] != group[:-1]) | (doc[1:] != doc[:-1])
        go &= (np.bincount(group[other]) >= least)[group]
    if policy.site_share > 0:
        go &= _of_sites(copies, policy, documents)
    return go, sizes[group]


def _of_sites(copies: Copies, policy: Policy, documents: Documents) -> Bools:
    """Copies on a site of which a large share of the pages has the sentence. A page without an address is of no site."""
    names, number, pages = np.unique(documents.sites, return_inverse=True, return_counts=True)
    site = number[copies.doc].astype(np.int64)
    pair = copies.group * (names.size + 1) + site
    order = np.lexsort((copies.doc, pair))
    pairs, docs = pair[order], copies.doc[order]
    first = np.ones(pairs.size, np.bool_)
    first[1:] = (pairs[1:] != pairs[:-1]) | (docs[1:] != docs[:-1])
    known, counts = np.unique(pairs[first], return_counts=True)
    having = counts[np.searchsorted(known, pair)]
    enough: Bools = (pages[site] >= policy.site_pages) & (having >= policy.site_share * pages[site]) & (names[site] != 0)
    return enough
