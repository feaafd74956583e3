"""The first two phases of document deduplication: keys to edges (a range of keys a task), and edges to components (one task)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from cleaning.dedup.index import Segment
from cleaning.dedup.kernels import UInt32, UInt64
from cleaning.dedup.matching import EDGE, FRESH, Duplicates, Stars, flatten, join_edges, number, star_edges, star_edges_wide
from cleaning.dedup.records import KEY, MEMBER, OLD, SLOTS, TEXT, group_of
from cleaning.io.parts import PartitionedFile, PartitionedWriter
from cleaning.stats import Stats

Files = Sequence[tuple[int, Path]]  # (shard, task directory)
_BYTES_A_RECORD = 64  # what sorting one takes at its peak
_BEST_RANGE = 1 << 20  # records: a larger range falls out of the caches and sorts at half the speed
_BLOCK = 1 << 20  # edges read at once


class Stream(NamedTuple):
    """One kind of key: its name, dtype, and whether segments of an index hold it too."""

    name: str
    dtype: np.dtype[Any]
    in_index: bool


KEYS, TEXTS, URLS = Stream("keys", KEY, True), Stream("texts", TEXT, True), Stream("urls", TEXT, False)


def match(
    stage: str, streams: Sequence[Stream], taps: Files, segments: Sequence[Segment], part: tuple[int, int], memory: int, hot: int,
    scratch: Path, stats: Stats,
) -> dict[str, Any]:  # fmt: skip
    """Write the edges of the slots of partition `part[0]` of `part[1]`; returns manifest entries."""
    first, last = (SLOTS * part[0]) // part[1], (SLOTS * (part[0] + 1)) // part[1]
    files: dict[str, Any] = {}
    for stream in streams:
        sources = [(shard, PartitionedFile(folder, f"{stage}.{stream.name}", stream.dtype), True) for shard, folder in taps]
        if stream.in_index:
            sources += [(i, segment.keys if stream is KEYS else segment.texts, False) for i, segment in enumerate(segments)]
        writer = PartitionedWriter(scratch, f"{stage}.{stream.name}.edges", EDGE, 1)
        for records, docs in _ranges(sources, first, last, memory):
            if stream is KEYS:
                stars = star_edges(records["key"], docs, hot)
                _count(stats, stage, stars)
            else:
                stars = star_edges_wide(records["high"], records["low"], docs, hot)
            writer.add(stars.edges)
        files.update(writer.close())
    return files


def _count(stats: Stats, stage: str, stars: Stars) -> None:
    stats.count(stage, "shared_keys", stars.buckets)
    stats.count(stage, "hot_keys", stars.hot)


def _ranges(sources: list[tuple[int, PartitionedFile, bool]], first: int, last: int, memory: int) -> Iterator[tuple[Any, UInt64]]:
    """Records and document numbers of some slots at a time, as many as the memory allows."""
    sizes = sum((file.sizes() for _, file, _ in sources), np.zeros(SLOTS, np.int64))
    most = min(memory // _BYTES_A_RECORD, _BEST_RANGE)
    while first < last:
        end, held = first + 1, int(sizes[first])
        while end < last and held + int(sizes[end]) <= most:
            held += int(sizes[end])
            end += 1
        parts = [(source, fresh, part) for source, file, fresh in sources for part in file.slices(first, end)]
        if held:
            docs = np.concatenate([number(source, part["row"], fresh=fresh) for source, fresh, part in parts])
            yield np.concatenate([part for _, _, part in parts]), docs
        first = end


def read_edges(folders: Sequence[Path], name: str) -> Iterator[npt.NDArray[Any]]:
    """Edges in blocks."""
    for folder in folders:
        file = PartitionedFile(folder, name, EDGE)
        for part in file.slices(0, 1):
            for at in range(0, len(part), _BLOCK):
                yield part[at : at + _BLOCK]


def cluster(
    stage: str, streams: Sequence[Stream], folders: Sequence[Path], shards: int, groups: int, alarm: int, scratch: Path, stats: Stats
) -> dict[str, Any]:
    """Components of all edges; writes MEMBER by shard, and OLD (documents of the index) by the task that decides."""
    found = Duplicates()
    names = [f"{stage}.{stream.name}.edges" for stream in streams]
    for name in names:
        for edges in read_edges(folders, name):
            found.mark(edges["hub"])
            found.mark(edges["member"])
    found.seal()
    same: dict[str, UInt32] = {}
    for stream, name in zip(streams, names, strict=True):
        first = np.arange(found.parent.size, dtype=np.uint32) if stream is not KEYS else None
        for edges in read_edges(folders, name):
            hubs, members = found.indices(edges["hub"]), found.indices(edges["member"])
            join_edges(found.parent, hubs, members)
            if first is not None:
                first[members] = hubs  # all copies have one slot, so the star's hub is the first of all
        if first is not None:
            same[stream.name] = first
    flatten(found.parent)
    _report_sizes(found.parent, alarm, stage, stats)
    return _write_members(stage, found, same, shards, groups, scratch)


def _report_sizes(parent: UInt32, alarm: int, stage: str, stats: Stats) -> None:
    if not parent.size:
        return
    sizes = np.bincount(parent)
    stats.count(stage, "candidates", parent.size)
    stats.count(stage, "components", int((sizes > 0).sum()))
    stats.count(stage, "largest_component", int(sizes.max()))
    stats.count(stage, "giant_components", int((sizes >= alarm).sum()))


def _write_members(stage: str, found: Duplicates, same: dict[str, UInt32], shards: int, groups: int, scratch: Path) -> dict[str, Any]:
    members = PartitionedWriter(scratch, f"{stage}.members", MEMBER, shards)
    old = PartitionedWriter(scratch, f"{stage}.old", OLD, groups)
    for source, numbers, base in found.members():
        here = slice(base, base + numbers.size)
        labels = found.numbers_of(found.parent[here].astype(np.int64))
        others = {name: found.numbers_of(first[here].astype(np.int64)) for name, first in same.items()}
        fresh = source >= FRESH >> 32
        records = np.empty(numbers.size, MEMBER if fresh else OLD)
        records["label"], records["text"], records["url"] = labels, others.get("texts", numbers), others.get("urls", numbers)
        if fresh:
            records["row"] = (numbers & np.uint64(0xFFFFFFFF)).astype(np.uint32)
            members.add(records, np.full(numbers.size, source - (FRESH >> 32), np.int64))
        else:
            records["doc"] = numbers
            old.add(records, group_of(labels, groups))
    return {**members.close(), **old.close()}


def shard_numbers(folders: Sequence[Path]) -> list[tuple[int, Path]]:
    """(shard, directory): a shard that failed has none, so the position is not the number."""
    return [(int(folder.name), folder) for folder in folders]


