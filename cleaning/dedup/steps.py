"""The two ends of document deduplication: the tap signs, the apply step carries verdicts out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
import orjson
import xxhash

from cleaning.dedup.decide import KINDS, Bars
from cleaning.dedup.kernels import UInt64
from cleaning.dedup.records import KEPT, KEY, NEAR, TEXT, URL, VERDICT
from cleaning.dedup.signatures import Scheme, Signed, sign
from cleaning.doc import Batch, Doc, Drop
from cleaning.io.parts import PartitionedFile

View = Callable[[list[str]], list[str]]


class _Shard(Protocol):
    """What a step is told of its shard (see stages/contract.py)."""

    @property
    def shard(self) -> int: ...
    @property
    def reduced(self) -> tuple[Path, ...]: ...


class TapStep:
    """Signs the live documents and emits the streams that are wanted: `keys`, `texts`, `urls`, and for an index `rows` and `ids`."""

    def __init__(self, stage: str, streams: Collection[str], scheme: Scheme, view: View, index_row: np.dtype[Any] | None) -> None:
        self._stage, self._streams, self._scheme, self._view, self._row = stage, streams, scheme, view, index_row

    def open(self, shard: _Shard) -> None:
        """Nothing to prepare."""

    def close(self) -> None:
        """Nothing to finish."""

    def __call__(self, batch: Batch) -> None:
        docs = batch.live
        if not docs:
            return
        signed = sign(self._view([doc.text for doc in docs]), self._scheme)
        rows = np.arange(batch.start_row, batch.start_row + len(docs), dtype=np.uint32)
        if "keys" in self._streams:
            keys = np.empty(signed.keys.size, KEY)
            keys["key"], keys["row"] = signed.keys, np.repeat(rows, np.diff(signed.key_ends))
            batch.emit(self._stage, keys, "keys")
        if "texts" in self._streams:
            batch.emit(self._stage, _wide(signed.folded, rows), "texts")
        if "urls" in self._streams:
            urls = [(row, url) for row, doc in zip(rows.tolist(), docs, strict=True) if (url := address(doc))]
            hashes = np.frombuffer(b"".join(xxhash.xxh3_128_digest(url.encode("utf-8", "surrogatepass")) for _, url in urls), np.uint64)
            batch.emit(self._stage, _wide(hashes.reshape(-1, 2), np.array([row for row, _ in urls], np.uint32)), "urls")
        if self._row is not None:
            batch.emit(self._stage, _index_rows(signed, self._row), "rows")
            batch.emit(self._stage, np.frombuffer(b"".join(orjson.dumps(_utf8(doc.id)) + b"\n" for doc in docs), np.uint8), "ids")


def _utf8(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _wide(hashes: UInt64, rows: npt.NDArray[np.uint32]) -> npt.NDArray[Any]:
    out = np.empty(len(rows), TEXT)
    out["high"], out["low"], out["row"] = hashes[:, 0], hashes[:, 1], rows
    return out


def _index_rows(signed: Signed, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    out = np.zeros(len(signed.units), dtype)
    out["low"] = (signed.signatures & np.uint32(255)).astype(np.uint8)
    out["name"] = signed.folded[:, 0]
    out["full"] = signed.units > 0
    first = signed.key_ends[:-1][out["full"]]  # those of the document as a whole come first
    out["keys"][out["full"]] = signed.keys[first[:, None] + np.arange(out["keys"].shape[1])]
    return out


def address(doc: Doc) -> str:
    """A document's address without scheme, `www.`, fragment and last slash; empty when it has none.

    >>> address(Doc({"url": "https://www.example.com/a/?q=1#top"}, "", b"", "", 0))
    'example.com/a/?q=1'
    """
    url = doc.record.get("url")
    if not isinstance(url, str):
        return ""
    url = url.strip().split("#", 1)[0]
    url = url.split("://", 1)[-1]
    host, slash, rest = url.partition("/")
    return (host.lower().removeprefix("www.") + slash + rest).rstrip("/")


def weight_of(size: int, weights: Mapping[int, int]) -> int:
    """How often a document of a cluster of `size` is to be repeated: the weight of the largest bound that is not above it (FineWeb-2).

    >>> [weight_of(n, {1: 1, 2: 2, 3: 3, 5: 5, 100: 8, 1000: 1}) for n in (1, 2, 4, 60, 999, 5000)]
    [1, 2, 3, 5, 8, 1]
    """
    bounds = [bound for bound in weights if bound <= size]
    return weights[max(bounds)] if bounds else 1


class ApplyStep:
    """Reads the shard's verdicts; drops, or tags, or notes how often a kept document is to be repeated."""

    def __init__(self, stage: str, mode: Literal["drop", "tag", "rehydrate"], bars: Bars, weights: Mapping[int, int]) -> None:
        self._stage, self._mode, self._bars, self._weights = stage, mode, bars, weights
        self._verdicts: npt.NDArray[Any] = np.empty(0, VERDICT)
        self._ids: list[str] = []

    def open(self, shard: _Shard) -> None:
        """Load what was decided about the shard's documents."""
        parts: list[npt.NDArray[Any]] = []
        ids: list[str] = []
        for folder in shard.reduced:
            for part in PartitionedFile(folder, f"{self._stage}.verdicts", VERDICT).slices(shard.shard, shard.shard + 1):
                parts.append(part)
                ids += _ids(folder / f"{self._stage}.ids", part)
        verdicts = np.concatenate(parts) if parts else np.empty(0, VERDICT)
        order = np.argsort(verdicts["row"])
        self._verdicts, self._ids = verdicts[order], [ids[i] for i in order.tolist()]

    def close(self) -> None:
        """Forget them."""
        self._verdicts, self._ids = np.empty(0, VERDICT), []

    def __call__(self, batch: Batch) -> None:
        rows = self._verdicts["row"]
        lo, hi = np.searchsorted(rows, [batch.first, batch.first + len(batch.docs)]).tolist()
        for i in range(lo, hi):
            verdict = self._verdicts[i]
            self._one(batch, batch.docs[int(verdict["row"]) - batch.first], verdict, self._ids[i])
        if self._mode == "rehydrate":
            for doc in batch.docs:
                if doc.drop is None and not _is_noted(doc, self._stage):
                    doc.notes[self._stage] = {"size": 1, "weight": weight_of(1, self._weights)}

    def _one(self, batch: Batch, doc: Doc, verdict: Any, kept: str) -> None:
        kind, size, cluster = int(verdict["kind"]), int(verdict["size"]), f"{int(verdict['cluster']):016x}"
        if kind == KEPT:
            noted: dict[str, Any] = {"cluster": cluster, "size": size}
            if self._mode == "rehydrate":
                noted["weight"] = weight_of(size, self._weights)
            doc.notes[self._stage] = {**noted, "kept": True} if self._mode == "tag" else noted
            batch.stats.count(self._stage, "clusters")
            return
        similarity, estimated = _rounded(verdict["similarity"]), _rounded(verdict["estimate"])
        rule = KINDS[kind]
        batch.stats.count(self._stage, f"duplicates/{'url' if kind == URL else rule}")
        about: dict[str, Any] = {"twin": kept, "cluster": cluster, "size": size, "estimated": estimated}
        if self._mode == "tag":
            doc.notes[self._stage] = {**about, "kept": False, "rule": rule, "jaccard": similarity}
            return
        threshold = f">= {self._bars.threshold:g}" if kind == NEAR and not self._bars.transitive else None
        doc.drop = Drop(self._stage, rule, similarity, threshold, _reason(kind, kept), extra=about)


def _reason(kind: int, kept: str) -> str:
    what = "the same address as" if kind == URL else "nearly the text of" if kind == NEAR else "the text of"
    return f"{what} {kept}"


def _is_noted(doc: Doc, stage: str) -> bool:
    return isinstance(doc.notes.get(stage), dict) and "weight" in doc.notes[stage] and "cluster" in doc.notes[stage]


def _rounded(value: Any) -> float | None:
    return None if value != value else round(float(value), 4)


def _ids(path: Path, verdicts: Sequence[Any] | npt.NDArray[Any]) -> list[str]:
    blob = np.memmap(path, np.uint8, mode="r") if path.stat().st_size else np.empty(0, np.uint8)
    places = zip(verdicts["id_at"].tolist(), verdicts["id_len"].tolist(), strict=True)  # type: ignore[call-overload]
    known: dict[int, str] = {}  # a template has many copies, and one kept page
    out: list[str] = []
    for at, size in places:
        if at not in known:
            known[at] = blob[at : at + size].tobytes().decode("utf-8", "replace")
        out.append(known[at])
    return out
