"""The two ends of sentence deduplication: the tap cuts, hashes and protects; the apply step takes out what was decided."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import xxhash

from cleaning.dedup.records import KEPT, KEY, TEXT, VERDICT
from cleaning.dedup.removal import is_balanced, joined_spans, without
from cleaning.dedup.repeats import GONE
from cleaning.dedup.signatures import Scheme, sign
from cleaning.dedup.spans import Cut, Digits, cut_items
from cleaning.dedup.steps import address
from cleaning.doc import Batch, Doc, Drop
from cleaning.errors import ShardError
from cleaning.io.parts import PartitionedFile
from cleaning.stats import Stats

Protected = Callable[[list[Doc]], npt.NDArray[np.bool_]]
TAIL = 8  # removed spans that a sample shows
OF_SPAN = 300  # characters of a removed span that a sample shows


class _Shard(Protocol):
    """What a step is told of its shard (see stages/contract.py)."""

    @property
    def shard(self) -> int: ...
    @property
    def reduced(self) -> tuple[Path, ...]: ...


class _Numbers:
    """The number of the first item of each document, by the document's row.

    A batch in which a step raised is run again, so a step may see a row twice; what it counts must follow from the row.
    """

    def __init__(self) -> None:
        self._first = {0: 0}

    def of(self, row: int) -> int:
        """The number of the first item of the document in `row`: of a row that was seen, or of the next one."""
        return self._first[row]

    def seen(self, row: int, counts: npt.NDArray[np.int64]) -> None:
        """Documents from `row` on have so many items."""
        ends = self._first[row] + np.cumsum(counts)
        self._first = {row: self._first[row], **dict(enumerate(ends.tolist(), row + 1))}


class SentenceTap:
    """Emits `texts` (a hash for each sentence that may go), `counts` (items a document), and if wanted `sites` and `keys`."""

    def __init__(
        self, stage: str, cut: Cut, digits: Digits, min_units: int, protected: Protected, allowed: Collection[tuple[int, int]],
        sites: bool, scheme: Scheme | None,
    ) -> None:  # fmt: skip
        self._stage, self._cut, self._digits, self._min_units = stage, cut, digits, min_units
        self._protected, self._sites, self._scheme = protected, sites, scheme
        self._allowed = np.array(sorted(allowed), np.uint64).reshape(-1, 2)
        self._numbers = _Numbers()

    def open(self, shard: _Shard) -> None:
        """Items are numbered from 0 in each shard."""
        self._numbers = _Numbers()

    def close(self) -> None:
        """Nothing to finish."""

    def __call__(self, batch: Batch) -> None:
        docs = batch.live
        if not docs:
            return
        texts = [doc.text for doc in docs]
        items = cut_items(texts, self._cut, self._digits)
        counts = np.diff(items.docs)
        wanted = items.units >= self._min_units
        wanted &= ~np.repeat(self._protected(docs), counts)
        if self._allowed.size:
            wanted &= ~np.isin(items.hashes[:, 0], self._allowed[:, 0])
        first = self._numbers.of(batch.start_row)
        if first + items.units.size >= 1 << 32:
            raise ShardError("more than 4,294,967,295 sentences in a shard; set input.shard_bytes lower")
        numbers = np.arange(first, first + items.units.size).astype(np.uint32)
        out = np.empty(int(wanted.sum()), TEXT)
        out["high"], out["low"], out["row"] = items.hashes[wanted, 0], items.hashes[wanted, 1], numbers[wanted]
        batch.emit(self._stage, out, "texts")
        batch.emit(self._stage, counts.astype(np.uint32), "counts")
        if self._sites:
            batch.emit(self._stage, np.array([_site(doc) for doc in docs], np.uint64), "sites")
        if self._scheme is not None:
            joined = "".join(texts)
            spans = zip(items.starts[wanted].tolist(), items.ends[wanted].tolist(), strict=True)
            signed = sign([joined[a:b] for a, b in spans], self._scheme)
            keys = np.empty(signed.keys.size, KEY)
            keys["key"], keys["row"] = signed.keys, np.repeat(numbers[wanted], np.diff(signed.key_ends))
            batch.emit(self._stage, keys, "keys")
        self._numbers.seen(batch.start_row, counts)


def _site(doc: Doc) -> int:
    """A hash of the host of a document's address; 0 when it has none."""
    host = address(doc).partition("/")[0]
    return xxhash.xxh3_64_intdigest(host.encode("utf-8", "surrogatepass")) | 1 if host else 0


class SentenceApply:
    """Takes out the items that were decided to go. Half a pair of quotes or brackets stays where it is."""

    def __init__(self, stage: str, cut: Cut, digits: Digits, near: bool, tag: bool, min_chars: int, drop_share: float) -> None:
        self._stage, self._cut, self._digits, self._near, self._tag = stage, cut, digits, near, tag
        self._min_chars, self._drop_share = max(1, min_chars), drop_share
        self._items = self._copies = np.empty(0, np.int64)
        self._numbers = _Numbers()

    def open(self, shard: _Shard) -> None:
        """Load what was decided about the shard's items."""
        dtype = VERDICT if self._near else GONE
        files = [PartitionedFile(folder, f"{self._stage}.verdicts", dtype) for folder in shard.reduced]
        parts = [part for file in files for part in file.slices(shard.shard, shard.shard + 1)]
        records = np.concatenate(parts) if parts else np.empty(0, dtype)
        if self._near:
            records = records[records["kind"] != KEPT]
        item, copies = ("row", "size") if self._near else ("item", "copies")
        order = np.argsort(records[item])
        self._items, self._copies = records[item][order].astype(np.int64), records[copies][order].astype(np.int64)
        self._numbers = _Numbers()

    def close(self) -> None:
        """Forget it."""
        self._items = self._copies = np.empty(0, np.int64)

    def __call__(self, batch: Batch) -> None:
        if not batch.docs:
            return
        items = cut_items([doc.text for doc in batch.docs], self._cut, self._digits)
        first = self._numbers.of(batch.first)
        self._numbers.seen(batch.first, np.diff(items.docs))
        lo, hi = np.searchsorted(self._items, [first, first + items.starts.size]).tolist()
        numbers = self._items[lo:hi] - first
        which = np.searchsorted(items.docs, numbers, side="right") - 1
        base = np.cumsum([0, *(len(doc.text) for doc in batch.docs)])
        for d in np.unique(which).tolist():
            mine = which == d
            starts, ends = items.starts[numbers[mine]] - base[d], items.ends[numbers[mine]] - base[d]
            found = zip(starts.tolist(), ends.tolist(), self._copies[lo:hi][mine].tolist(), strict=True)
            self._one(batch, batch.docs[d], list(found))

    def _one(self, batch: Batch, doc: Doc, found: list[tuple[int, int, int]]) -> None:
        text = doc.text
        gone = [(start, end, copies) for start, end, copies in found if self._may_go(text, start, end)]
        batch.stats.count(self._stage, "left_for_their_quotes", len(found) - len(gone))
        if not gone:
            return
        rows = [[start, end - start, copies] for start, end, copies in gone]
        spans = joined_spans([(start, end) for start, end, _ in gone])
        size = sum(end - start for start, end in spans)
        doc.notes[self._stage] = {"spans": rows, "chars": size}
        batch.stats.count(self._stage, "documents_changed")
        batch.stats.count(self._stage, "items", len(gone))
        batch.stats.count(self._stage, "chars_removed", 0 if self._tag else size)
        self._sample(batch.stats, doc, spans)
        if self._tag:
            return
        doc.text = without(text, spans)
        left, whole = len("".join(doc.text.split())), len("".join(text.split()))
        share = round(1 - left / whole, 4)
        if share > self._drop_share:
            reason = f"more than {self._drop_share:.0%} of the text stands elsewhere, sentence by sentence"
            doc.drop = Drop(self._stage, "mostly_repeated", share, f"share > {self._drop_share:g}", reason, (), {"spans": rows})
        elif left < self._min_chars:
            reason = f"fewer than {self._min_chars} characters are left without sentences that stand elsewhere"
            doc.drop = Drop(self._stage, "too_little_left", float(left), f"chars < {self._min_chars}", reason, (), {"spans": rows})

    def _may_go(self, text: str, start: int, end: int) -> bool:
        return is_balanced(text[start:end])

    def _sample(self, stats: Stats, doc: Doc, spans: list[tuple[int, int]]) -> None:
        rank = xxhash.xxh64_hexdigest(f"{self._stage}\0{doc.id}".encode("utf-8", "surrogatepass"))
        if stats.wants(self._stage, "removed", rank):
            shown = [doc.text[start : min(end, start + OF_SPAN)] for start, end in spans[:TAIL]]
            stats.sample(self._stage, "removed", rank, {"id": doc.id, "text": " ⏎ ".join(shown)})


def sentence_documents(rows: Any, counts: npt.NDArray[np.int64], items: npt.NDArray[Any], cut: Cut, digits: Digits) -> Any:
    """(item, a document with the item as its text) for some items of a shard, in rising order; `rows` reads its documents."""
    ends = np.cumsum(counts)
    of = np.searchsorted(ends, items.astype(np.int64), side="right")
    for row, doc in rows(np.unique(of)):
        found = cut_items([doc.text], cut, digits)
        for item in items[of == row].tolist():
            k = item - int(ends[row] - counts[row])
            start, end = int(found.starts[k]), int(found.ends[k])
            yield item, Doc({"id": f"{doc.id}@{start}"}, doc.text[start:end], b"", doc.origin, doc.offset)
