"""The fourth phase: who is kept. One task decides about some components, all copies and near copies of a text among them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import orjson
import zstandard

from cleaning.dedup.edges import shard_numbers
from cleaning.dedup.hubs import Float64, Verdicts, choose, common_values
from cleaning.dedup.index import Segment
from cleaning.dedup.kernels import EMPTY, Int64, UInt32, UInt64
from cleaning.dedup.matching import FRESH, row_of, source_of
from cleaning.dedup.records import EXACT, KEPT, MAX_CRITERIA, NEAR, NODE, OLD, URL, VERDICT
from cleaning.dedup.signatures import Scheme
from cleaning.io.commit import write_file
from cleaning.io.parts import FileWriter, PartitionedWriter, read_partition
from cleaning.stats import Stats

KINDS = {EXACT: "exact", NEAR: "near", URL: "exact"}


@dataclass(frozen=True, slots=True)
class Bars:
    """From which similarity a document leaves; `near` false: only copies leave; `limit`: kept documents tried for each key."""

    threshold: float
    short: float
    overlap: float
    near: bool = True
    transitive: bool = False
    limit: int = 1000


class Gathered(NamedTuple):
    """What one shard's gather task wrote, memory-mapped."""

    sets: UInt32
    signatures: UInt32
    keys: UInt64
    ids: npt.NDArray[np.uint8]


class Decider:
    """Decides about the components of one group."""

    def __init__(
        self, stage: str, group: int, gathered: Sequence[Path], clustered: Path, segments: Sequence[Segment], scheme: Scheme, bars: Bars
    ) -> None:
        self._stage, self._scheme, self._bars, self._segments = stage, scheme, bars, segments
        self._shards = dict(shard_numbers(gathered))
        self._open: dict[int, Gathered] = {}
        nodes = read_partition(gathered, f"{stage}.nodes", NODE, group)
        old = read_partition([clustered], f"{stage}.old", OLD, group)
        self.nodes = np.concatenate([nodes, _as_nodes(old)]) if old.size else nodes
        self._copy_to_copies()
        order = tuple(self.nodes["order"][:, i] for i in range(MAX_CRITERIA - 1, -1, -1))
        self.nodes = self.nodes[np.lexsort((self.nodes["doc"], *order, self.nodes["label"]))]
        self._rank = np.argsort(self.nodes["doc"])
        self._by_doc = self.nodes["doc"]

    def _copy_to_copies(self) -> None:
        """A copy of a text has the shingles, units and name of the first one."""
        nodes = self.nodes
        rank = np.argsort(nodes["doc"])
        first = rank[np.searchsorted(nodes["doc"], nodes["text"], sorter=rank)] if nodes.size else rank
        fresh = nodes["text"] >= np.uint64(FRESH)
        for name in ("name", "units", "chunked"):
            nodes[name][fresh] = nodes[name][first[fresh]]
        for i in np.flatnonzero(nodes["doc"] < np.uint64(FRESH)).tolist():
            nodes["name"][i] = self._segments[int(source_of(nodes["doc"][i]))].rows["name"][int(row_of(nodes["doc"][i]))]

    def run(self, memory: int, scratch: Path, shards: int, stats: Stats) -> dict[str, Any]:
        """Decide and write: VERDICT by shard, the ids of twins, one line of JSON for each document that leaves."""
        verdicts = PartitionedWriter(scratch, f"{self._stage}.verdicts", VERDICT, shards)
        out = Output(self._stage, scratch)
        for begin, end in self._batches(memory):
            nodes = self.nodes[begin:end]
            decided = self._decide(nodes, stats)
            for records, shard in out.write(nodes, decided, self.id_of):
                verdicts.add(records, shard)
        return {**verdicts.close(), **out.close()}

    def _batches(self, memory: int) -> Iterator[tuple[int, int]]:
        """Ranges of whole components whose sets fit the memory; one that alone does not is taken all the same."""
        labels = self.nodes["label"]
        starts = np.flatnonzero(np.concatenate([[True], labels[1:] != labels[:-1]])) if labels.size else np.empty(0, np.int64)
        cost = self.nodes["set_len"].astype(np.int64) * 4 + self._scheme.permutations * 4 + self.nodes["key_len"] * 64 + 256
        costs = np.add.reduceat(cost, starts) if starts.size else cost
        begin, held = 0, 0
        for start, size in zip(starts.tolist(), costs.tolist(), strict=True):
            if held and held + size > memory // 2:
                yield begin, start
                begin, held = start, 0
            held += size
        if labels.size:
            yield begin, labels.size

    def _decide(self, nodes: npt.NDArray[Any], stats: Stats) -> Decided:
        n = len(nodes)
        old = nodes["doc"] < np.uint64(FRESH)
        twin, kind = np.full(n, -1, np.int64), np.zeros(n, np.uint8)
        similarity, estimates = np.ones(n), np.ones(n)
        _collapse(nodes["text"], EXACT, twin, kind, old)
        _collapse(nodes["url"], URL, twin, kind, old)
        left = np.flatnonzero(twin < 0)
        work = self._load(nodes, left)
        if self._bars.near:
            found = self._near(nodes, left, work, old)
            hit = found.twin >= 0
            twin[left[hit]], kind[left[hit]] = left[found.twin[hit]], NEAR
            similarity[left], estimates[left] = found.similarity, found.estimates
            stats.count(self._stage, "limited_searches", found.limited)
        root = _follow(twin)
        # a copy of a text that left as a near duplicate left for the same reason
        near = (kind == EXACT) & (twin >= 0) & (kind[np.maximum(twin, 0)] == NEAR)
        kind[near], similarity[near], estimates[near] = NEAR, similarity[twin[near]], estimates[twin[near]]
        for i in np.flatnonzero(kind == URL).tolist():
            similarity[i] = estimates[i] = self._similarity(nodes, i, int(root[i]))
        return Decided(root, kind, similarity, estimates, old)

    def _near(self, nodes: npt.NDArray[Any], left: Int64, work: _Work, old: npt.NDArray[np.bool_]) -> Verdicts:
        short = nodes["units"][left] < self._scheme.short_units
        chunked = nodes["chunked"][left]
        bar = np.where(short, self._bars.short, np.where(chunked, self._bars.overlap, self._bars.threshold))
        if not self._bars.transitive:
            sets = (work.sets, work.set_ends, work.set_mid)
            return choose(work.keys, work.key_ends, work.signatures, *sets, bar, self._bars.short, old[left], chunked, self._bars.limit)
        return _transitive(nodes["label"][left], work, old[left])

    def _load(self, nodes: npt.NDArray[Any], left: Int64) -> _Work:
        """Sets, signatures and keys of some nodes, each from where the first copy of its text has them."""
        holders = self._holders(nodes[left])
        sets, keys = [np.empty(0, np.uint32)], [np.empty(0, np.uint64)]
        signatures = np.full((left.size, self._scheme.permutations), EMPTY, np.uint32)
        lengths, short = np.zeros((2, left.size + 1), np.int64), np.zeros(left.size, np.int64)
        for i, holder in enumerate(holders):
            source, row = int(source_of(holder["doc"])), int(row_of(holder["doc"]))
            if source < FRESH >> 32:
                segment = self._segments[source]
                known = segment.rows[row]
                signatures[i] = known["low"]
                if known["full"]:
                    keys.append(known["keys"])
                    lengths[1, i + 1] = known["keys"].size
                continue
            data = self._gathered(source - (FRESH >> 32))
            at, size = int(holder["set_at"]), int(holder["set_len"])
            sets.append(data.sets[at : at + size])
            signatures[i] = data.signatures[int(holder["signature"])]
            key_at, key_len = int(holder["key_at"]), int(holder["key_len"])
            keys.append(data.keys[key_at : key_at + key_len])
            lengths[:, i + 1], short[i] = (size, key_len), int(holder["short_len"])
        ends = lengths.cumsum(axis=1)
        return _Work(np.concatenate(sets), ends[0], ends[0, :-1] + short, np.concatenate(keys), ends[1], signatures)

    def _holders(self, nodes: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """For each node the one that has its set: the first copy of its text (in the same component, so in this group)."""
        if not nodes.size:
            return nodes
        at = np.searchsorted(self._by_doc, nodes["text"], sorter=self._rank)
        return np.asarray(self.nodes[self._rank[np.minimum(at, self._rank.size - 1)]])

    def _similarity(self, nodes: npt.NDArray[Any], one: int, other: int) -> float:
        pair = self._load(nodes, np.array([one, other]))
        if min(int(nodes["doc"][one]), int(nodes["doc"][other])) < FRESH:
            return float("nan")
        return _jaccard(pair, 0, 1)

    def _gathered(self, shard: int) -> Gathered:
        if shard not in self._open:
            folder = self._shards[shard]
            width = self._scheme.permutations
            files = [
                _mapped(folder / f"{self._stage}.{name}", dtype)
                for name, dtype in (("sets", np.uint32), ("signatures", np.uint32), ("band_keys", np.uint64), ("ids", np.uint8))
            ]
            self._open[shard] = Gathered(files[0], files[1].reshape(-1, width), files[2], files[3])
        return self._open[shard]

    def id_of(self, node: Any) -> bytes:
        """The id of a document, of this run or of the index, as UTF-8."""
        source, row = int(source_of(node["doc"])), int(row_of(node["doc"]))
        if source < FRESH >> 32:
            return self._segments[source].id_of(row).encode("utf-8", "surrogatepass")
        at = int(node["id_at"])
        return bytes(self._gathered(source - (FRESH >> 32)).ids[at : at + int(node["id_len"])].tobytes())


class _Work(NamedTuple):
    sets: UInt32
    set_ends: Int64
    set_mid: Int64
    keys: UInt64
    key_ends: Int64
    signatures: UInt32


class Decided(NamedTuple):
    """For each node: position of the kept document of its cluster, why it left, similarity to it, estimate, whether it is of the index."""

    root: Int64
    kind: npt.NDArray[np.uint8]
    similarity: Float64
    estimates: Float64
    old: npt.NDArray[np.bool_]


class Output:
    """The files of a deciding task."""

    def __init__(self, stage: str, scratch: Path) -> None:
        self._stage, self._scratch = stage, scratch
        self._ids = FileWriter(scratch / f"{stage}.ids")
        self._lines: list[bytes] = []

    def write(self, nodes: npt.NDArray[Any], decided: Decided, id_of: Any) -> Iterator[tuple[npt.NDArray[Any], Int64]]:
        """VERDICT of every document of a cluster of at least two, and its shard; lines for those that left."""
        root = decided.root
        sizes = np.bincount(root, minlength=len(nodes))
        where = np.flatnonzero((sizes[root] > 1) & ~decided.old)
        if not where.size:
            return
        ids = {i: id_of(nodes[i]) for i in np.unique(root[where]).tolist()}
        places: dict[int, int] = {}
        for i, data in ids.items():
            places[i] = self._ids.size
            self._ids.write(data)
        out = np.zeros(where.size, VERDICT)
        out["row"], out["kind"], out["size"] = row_of(nodes["doc"][where]), decided.kind[where], sizes[root[where]]
        out["cluster"] = nodes["name"][root[where]]
        out["similarity"], out["estimate"] = decided.similarity[where], decided.estimates[where]
        out["id_at"] = [places[i] for i in root[where].tolist()]
        out["id_len"] = [len(ids[i]) for i in root[where].tolist()]
        for i, record in zip(where.tolist(), out, strict=True):
            if record["kind"] != KEPT:
                self._lines.append(_line(ids[int(root[i])], id_of(nodes[i]), record))
        yield out, (source_of(nodes["doc"][where]) - np.uint64(FRESH >> 32)).astype(np.int64)

    def close(self) -> dict[str, Any]:
        """Manifest entries."""
        name = f"clusters/{self._stage}.jsonl.zst"
        data = zstandard.ZstdCompressor(level=3).compress(b"".join(sorted(self._lines)))
        files = {f"{self._stage}.ids": self._ids.close()}
        if self._lines:
            files[name] = {**write_file(self._scratch / name, data), "rows": len(self._lines)}
        return files


def _line(kept: bytes, left: bytes, record: Any) -> bytes:
    row = {
        "cluster": f"{int(record['cluster']):016x}", "kept": kept.decode("utf-8", "replace"), "id": left.decode("utf-8", "replace"),
        "rule": KINDS[int(record["kind"])], "size": int(record["size"]),
        "jaccard": _rounded(record["similarity"]), "estimated": _rounded(record["estimate"]),
    }  # fmt: skip
    return orjson.dumps(row) + b"\n"


def _rounded(value: Any) -> float | None:
    return None if value != value else round(float(value), 4)


def _collapse(names: UInt64, why: int, twin: Int64, kind: npt.NDArray[np.uint8], old: npt.NDArray[np.bool_]) -> None:
    """Of the documents left that share a name, the first in the order of the keep policy stays."""
    left = np.flatnonzero(twin < 0)
    _, first, group = np.unique(names[left], return_index=True, return_inverse=True)
    best = left[first[group]]
    leaves = (best != left) & ~old[left]
    twin[left[leaves]], kind[left[leaves]] = best[leaves], why


def _follow(twin: Int64) -> Int64:
    """The document that stays at the end of each chain of twins."""
    root = np.where(twin < 0, np.arange(twin.size), twin)
    while True:
        further = root[root]
        if (further == root).all():
            return np.asarray(root, np.int64)
        root = further


def _jaccard(work: _Work, one: int, other: int) -> float:
    """By the long shingles where both have them, else by the short ones."""
    middle, ends = work.set_mid, work.set_ends
    long = middle[one] < ends[one + 1] and middle[other] < ends[other + 1]
    spans = [(middle[d], ends[d + 1]) if long else (ends[d], middle[d]) for d in (one, other)]
    (lo, hi), (at, end) = ((int(a), int(b)) for a, b in spans)
    common = int(common_values(work.sets, lo, hi, at, end))
    whole = hi - lo + end - at - common
    return common / whole if whole else 1.0


def _transitive(labels: UInt64, work: _Work, old: npt.NDArray[np.bool_]) -> Verdicts:
    """The whole component is one cluster, as union–find alone would have it; similarities are told, not asked."""
    n = labels.size
    _, first, group = np.unique(labels, return_index=True, return_inverse=True)
    best = first[group]
    twin = np.where((best == np.arange(n)) | old, -1, best)
    similarity, estimates = np.zeros(n), np.zeros(n)
    for i in np.flatnonzero(twin >= 0).tolist():
        h = int(best[i])
        mask = np.uint32(0xFF if old[h] else 0xFFFFFFFF)
        estimates[i] = float(((work.signatures[i] & mask) == (work.signatures[h] & mask)).mean())
        similarity[i] = estimates[i] if old[h] else _jaccard(work, i, h)
    return Verdicts(twin, similarity, estimates, 0)


def _as_nodes(old: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Documents of the index as nodes: preferred to all others."""
    nodes = np.zeros(old.size, NODE)
    for name in ("doc", "label", "text", "url"):
        nodes[name] = old[name]
    nodes["order"] = -np.inf
    return nodes


def _mapped(path: Path, dtype: Any) -> Any:
    return np.memmap(path, dtype, mode="r") if path.stat().st_size else np.empty(0, dtype)
