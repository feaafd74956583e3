"""The third phase: of each document with an edge, what the decision needs. One task a shard; nothing else of the shard is parsed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cleaning.dedup.hubs import unique_sets
from cleaning.dedup.keep import KeepPolicy
from cleaning.dedup.kernels import Int64, UInt32
from cleaning.dedup.matching import FRESH, number
from cleaning.dedup.records import MAX_CRITERIA, NODE, group_of
from cleaning.dedup.signatures import Scheme, Signed, sign
from cleaning.doc import Doc
from cleaning.io.parts import FileWriter, PartitionedWriter

BATCH_CHARS = 1 << 20
Rows = Iterator[tuple[int, Doc]]
View = Callable[[list[str]], list[str]]


def shingle_sets(signed: Signed, scheme: Scheme) -> tuple[UInt32, Int64, Int64]:
    """All sets one after the other, (n + 1) where each ends, and how many of its values are short shingles, which come first."""
    sets, ends = _unique(signed.shingles, signed.ends)
    short_len = np.where(signed.units < scheme.short_units, np.diff(ends), 0)
    if not signed.both.size:
        return sets, ends, short_len
    short, short_ends = _unique(signed.short_shingles, signed.short_ends)
    short_len[signed.both] = np.diff(short_ends)
    parts = [sets[a:b] for a, b in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)]
    for i, d in enumerate(signed.both.tolist()):
        parts[d] = np.concatenate([short[short_ends[i] : short_ends[i + 1]], parts[d]])
    return np.concatenate(parts), np.concatenate([[0], np.cumsum([p.size for p in parts])]).astype(np.int64), short_len


def _unique(shingles: UInt32, ends: Int64) -> tuple[UInt32, Int64]:
    out, out_ends = np.empty(shingles.size, np.uint32), np.zeros(ends.size, np.int64)
    unique_sets(shingles, ends, out, out_ends)
    return out[: out_ends[-1]], out_ends


class Gatherer:
    """Writes NODE by deciding task, and beside it sets, signatures, keys and ids, which the nodes point into.

    Of documents with the same text only the first has a set: the others point to it by `text`.
    """

    FILES = ("sets", "signatures", "band_keys", "ids")

    def __init__(self, stage: str, scratch: Path, groups: int, scheme: Scheme, policy: KeepPolicy, view: View) -> None:
        scratch.mkdir(parents=True, exist_ok=True)
        self._stage, self._groups, self._scheme, self._policy, self._view = stage, groups, scheme, policy, view
        self._nodes = PartitionedWriter(scratch, f"{stage}.nodes", NODE, groups)
        self._files = {name: FileWriter(scratch / f"{stage}.{name}") for name in self.FILES}
        self._signed = 0

    def run(self, shard: int, members: npt.NDArray[Any], rows: Rows) -> dict[str, Any]:
        """`members` (MEMBER, sorted by row) and the documents of exactly these rows; returns manifest entries."""
        held: list[Doc] = []
        at, chars = 0, 0
        for _, doc in rows:
            held.append(doc)
            chars += len(doc.text)
            if chars >= BATCH_CHARS or len(held) >= 2048:
                self._batch(shard, members[at : at + len(held)], held)
                at, chars, held = at + len(held), 0, []
        self._batch(shard, members[at:], held)
        out = self._nodes.close()
        return out | {f"{self._stage}.{name}": file.close() for name, file in self._files.items()}

    def _batch(self, shard: int, members: npt.NDArray[Any], docs: list[Doc]) -> None:
        if len(members) != len(docs):
            raise ValueError(f"shard {shard}: {len(members)} documents have an edge, {len(docs)} were found")
        if not docs:
            return
        nodes = np.zeros(len(docs), NODE)
        for name in ("label", "text", "url"):
            nodes[name] = members[name]
        nodes["doc"] = number(shard, members["row"])
        first = np.flatnonzero((nodes["text"] == nodes["doc"]) | (nodes["text"] < np.uint64(FRESH)))
        self._sign(nodes, first, [docs[i].text for i in first.tolist()])
        ids = [doc.id.encode("utf-8", "surrogatepass") for doc in docs]
        ends = np.cumsum([len(i) for i in ids])
        nodes["id_len"] = [len(i) for i in ids]
        nodes["id_at"] = self._files["ids"].size + np.concatenate([[0], ends[:-1]])
        self._files["ids"].write(b"".join(ids))
        width = len(self._policy.criteria)
        if width:
            order = np.zeros((len(docs), MAX_CRITERIA))
            # copies of a text have its length; only the first one's was counted
            order[:, :width] = [self._policy.order(doc, int(n)) for doc, n in zip(docs, nodes["units"], strict=True)]
            nodes["order"] = order
        self._nodes.add(nodes, group_of(nodes["label"], self._groups))

    def _sign(self, nodes: npt.NDArray[Any], which: npt.NDArray[np.int64], texts: list[str]) -> None:
        if not texts:
            return
        signed = sign(self._view(texts), self._scheme)
        sets, set_ends, short_len = shingle_sets(signed, self._scheme)
        set_at, key_at = self._files["sets"].size // 4, self._files["band_keys"].size // 8
        nodes["units"][which] = signed.units
        nodes["name"][which] = signed.folded[:, 0]
        nodes["set_at"][which], nodes["set_len"][which] = set_at + set_ends[:-1], np.diff(set_ends)
        nodes["short_len"][which] = short_len
        nodes["key_at"][which], nodes["key_len"][which] = key_at + signed.key_ends[:-1], np.diff(signed.key_ends)
        nodes["signature"][which] = self._signed + np.arange(len(texts))
        nodes["chunked"][which] = (np.diff(signed.key_ends) > self._scheme.bands) & (short_len == 0)
        self._signed += len(texts)
        self._files["sets"].write(sets)
        self._files["band_keys"].write(signed.keys)
        self._files["signatures"].write(signed.signatures)
