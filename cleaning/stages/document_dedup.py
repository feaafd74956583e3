"""Stage `document_dedup`: exact and near copies of documents, across all shards (and across runs, with an index).

Five phases. The tap signs every document and writes its keys. *match* finds equal keys, a range of keys a task; *cluster* joins them to
components; *gather* fetches what the decision needs of the documents that have a candidate; *decide* takes them in the order of the keep
policy and compares each with those that stay, by the true similarity. The apply step carries the verdicts out.

What leaves, leaves for a document that stays and is similar enough itself: components are only the units of work.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import cached_property, partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BeforeValidator, Field

from cleaning.config import Strict
from cleaning.dedup import edges, index, records
from cleaning.dedup.decide import Bars, Decider
from cleaning.dedup.edges import KEYS, TEXTS, URLS, Stream, shard_numbers
from cleaning.dedup.gather import Gatherer
from cleaning.dedup.keep import Criterion, KeepPolicy, check_fields
from cleaning.dedup.presets import PRESETS
from cleaning.dedup.signatures import Scheme, optimal_bands
from cleaning.dedup.steps import ApplyStep, TapStep
from cleaning.dedup.update import Update, alarm, announce, pin_index
from cleaning.dedup.warm import warm_up
from cleaning.errors import UserError, did_you_mean
from cleaning.io.parts import read_partition
from cleaning.rules.line_lists import Files, LineLists
from cleaning.stages.contract import GlobalStage, Partitioned, Reduce, ReduceContext, Scale, Step
from cleaning.stats import Stats

NAME = "document_dedup"
Paths = Annotated[tuple[str, ...], BeforeValidator(lambda v: (v,) if isinstance(v, str) else v)]
Share = Annotated[float, Field(ge=0, le=1)]


class DocumentDedupParams(Strict):
    """What is compared, how, and who stays. The keys are described in configs/default.yaml and docs/deduplication.md."""

    mode: Literal["drop", "tag", "rehydrate"] = "drop"
    exact: bool = True
    near: bool = True
    url: bool = False
    preset: str = "default"
    unit: Literal["mixed", "char"] | None = None
    digits: Literal["keep", "zero", "drop"] = "keep"
    shingle: int | None = Field(default=None, ge=1, le=100)
    bands: int | Literal["optimal"] | None = None
    rows: int | None = Field(default=None, ge=1, le=256)
    permutations: int = Field(default=112, ge=8, le=9000)
    threshold: Share | None = None
    short_units: int = Field(default=100, ge=0)
    short_shingle: int = Field(default=3, ge=1, le=100)
    short_threshold: Share = 0.9
    chunk_units: int = Field(default=0, ge=0)
    overlap: Share = 0.9
    transitive: bool = False
    ignore: Paths = ()
    keep: tuple[Criterion, ...] = ("source_priority", "quality_score", "length", "date", "first")
    source_priority: tuple[str, ...] = ()
    quality_field: str = "quality_score"
    date_field: str = "date"
    weights: dict[int, int] = Field(default_factory=lambda: {1: 1, 2: 2, 3: 3, 5: 5, 100: 8, 1000: 1})
    hot_key: int = Field(default=1000, ge=1)
    giant: int = Field(default=10_000, ge=2)
    index: str = ""
    index_update: bool = True


class Comparable:
    """What of a text is compared: all but the lines of boilerplate lists. The text itself stays as it is."""

    def __init__(self, files: Files) -> None:
        self._lists = LineLists(files) if files else None

    def __call__(self, texts: list[str]) -> list[str]:
        if self._lists is None or not texts:
            return texts
        found = self._lists.match(texts)
        out = list(texts)
        for rows in np.split(found, np.flatnonzero(np.diff(found[:, 0])) + 1) if len(found) else []:
            d, at, parts = int(rows[0, 0]), 0, []
            for _, first, last, _ in rows.tolist():
                parts.append(texts[d][at:first])
                at = last
            out[d] = "".join([*parts, texts[d][at:]])
        return out


class DocumentDedup(GlobalStage):
    """Exact and near duplicates."""

    name = NAME
    version = 1
    about = "drop exact and near copies of documents, of this run or of earlier ones"
    gives = (NAME,)
    Params = DocumentDedupParams
    file_lists = ("ignore",)

    # -- what the parameters say ----------------------------------------------------------------------------------------------

    @cached_property
    def _preset(self) -> dict[str, Any]:
        p = self.params
        given = {"unit": p.unit, "shingle": p.shingle, "bands": p.bands, "rows": p.rows, "threshold": p.threshold}
        return {**PRESETS[p.preset], **{key: value for key, value in given.items() if value is not None}}

    @cached_property
    def scheme(self) -> Scheme:
        """How documents are signed."""
        p, how = self.params, self._preset
        bands, rows = how["bands"], how["rows"]
        if bands == "optimal":
            bands, rows = optimal_bands(how["threshold"], p.permutations)
        return Scheme(how["shingle"], bands, rows, how["unit"], p.digits, p.short_units, p.short_shingle, p.chunk_units)

    @cached_property
    def bars(self) -> Bars:
        """From which similarity a document leaves."""
        p, threshold = self.params, self._preset["threshold"]
        return Bars(threshold, max(threshold, p.short_threshold), p.overlap, p.near, p.transitive, p.hot_key)

    @property
    def policy(self) -> KeepPolicy:
        """Which copy stays."""
        p = self.params
        return KeepPolicy(p.keep, p.source_priority, p.quality_field, p.date_field)

    @property
    def _row(self) -> np.dtype[Any]:
        return records.index_row(self.scheme.permutations, self.scheme.bands)

    @cached_property
    def _kinds(self) -> list[Stream]:
        wanted = ((KEYS, self.params.near), (TEXTS, self.params.exact), (URLS, self.params.url))
        return [stream for stream, on in wanted if on]

    @cached_property
    def _index(self) -> Path | None:
        return Path(self.params.index).expanduser().resolve() if self.params.index else None

    @property
    def _scheme_of_index(self) -> dict[str, Any]:
        return {**asdict(self.scheme), "ignore": len(self.params.ignore)}

    def _texts(self) -> Comparable:
        return Comparable([(self.find(name), name) for name in self.params.ignore])

    # -- what every stage says ------------------------------------------------------------------------------------------------

    def files(self) -> list[str]:
        return list(self.params.ignore)

    def check(self) -> None:
        p = self.params
        faults = []
        if p.preset not in PRESETS:
            faults.append(f"{NAME}.preset: unknown preset '{p.preset}'{did_you_mean(p.preset, PRESETS)}; allowed: {', '.join(PRESETS)}")
        if fault := check_fields(p.keep):
            faults.append(f"{NAME}.{fault}")
        if not (p.exact or p.near or p.url):
            faults.append(f"{NAME}: exact, near and url are all off; nothing would be compared")
        if p.bands == "optimal" and not _installed("datasketch"):
            faults.append(f"{NAME}.bands: optimal is computed by datasketch: pip install 'corpus-cleaning[dedup]'; or give bands and rows")
        if p.index and p.chunk_units:
            faults.append(f"{NAME}: an index keeps no chunks; use chunk_units or index, not both")
        if 0 < p.chunk_units < 100:
            faults.append(f"{NAME}.chunk_units: {p.chunk_units}; at least 100 (5000 is LLaMA's), or 0 for none")
        if faults:
            raise UserError(faults)
        self._texts()
        if self._index is not None:
            index.segments_of(self._index, self._scheme_of_index)

    def warm_up(self) -> None:
        warm_up(self.scheme, self._texts())

    def identity(self) -> dict[str, Any]:
        data = dict(self.params.model_dump(mode="json", exclude={"index", "index_update", "mode", "giant", "weights"}))
        data.update(ignore=len(self.params.ignore), weights=sorted(self.params.weights.items()), mode=self.params.mode)
        if self._index is not None:
            data["index"] = index.pinned_segments(self.root, self._index)
        return data

    # -- steps and phases -----------------------------------------------------------------------------------------------------

    def tap(self) -> Step:
        names = {stream.name for stream in self._kinds}
        return TapStep(NAME, names, self.scheme, self._texts(), self._row if self._keeps_rows else None)

    @property
    def _keeps_rows(self) -> bool:
        return self._index is not None and self.params.index_update

    def shuffle(self) -> Partitioned:
        return Partitioned(records.KEY, records.SLOTS, records.key_slot)

    def streams(self) -> dict[str, Partitioned]:
        how = {KEYS: self.shuffle(), TEXTS: Partitioned(records.TEXT, records.SLOTS, records.text_slot)}
        out = {stream.name: how.get(stream, how[TEXTS]) for stream in self._kinds}
        if self._keeps_rows:
            out["rows"] = Partitioned(self._row, 1, _first)
            out["ids"] = Partitioned(np.dtype("u1"), 1, _first)
        return out

    def reduces(self, scale: Scale) -> Sequence[Reduce]:
        parts, groups = records.partitions_for(scale.input_bytes, scale.memory)
        return [
            Reduce("match", parts, partial(self._match, parts)),
            Reduce("cluster", 1, partial(self._cluster, groups)),
            Reduce("gather", scale.shards, partial(self._gather, groups), ("documents",)),
            Reduce("decide", groups, self._decide, ("cluster",)),
        ]

    def apply(self) -> Step:
        weights = self.params.weights if self.params.mode == "rehydrate" else {}
        return ApplyStep(NAME, self.params.mode, self.bars, weights)

    def _segments(self) -> list[index.Segment]:
        if self._index is None:
            return []
        return [index.Segment(self._index / f"segment-{name}", self._row) for name in index.pinned_segments(self.root, self._index)]

    def _match(self, parts: int, context: ReduceContext) -> None:
        taps, segments = shard_numbers(context.upstream), self._segments()
        how = ((context.partition, parts), context.memory, self.params.hot_key, context.scratch, context.stats)
        context.files.update(edges.match(NAME, self._kinds, taps, segments, *how))

    def _cluster(self, groups: int, context: ReduceContext) -> None:
        how = (context.shards, groups, self.params.giant, context.scratch, context.stats)
        context.files.update(edges.cluster(NAME, self._kinds, context.upstream, *how))

    def _gather(self, groups: int, context: ReduceContext) -> None:
        members = read_partition(context.upstream, f"{NAME}.members", records.MEMBER, context.partition)
        gatherer = Gatherer(NAME, context.scratch, groups, self.scheme, self.policy, self._texts())
        assert context.rows is not None
        context.files.update(gatherer.run(context.partition, members, context.rows(context.partition, members["row"])))

    def _decide(self, context: ReduceContext) -> None:
        (clustered,) = context.reads["cluster"]
        decider = Decider(NAME, context.partition, context.upstream, clustered, self._segments(), self.scheme, self.bars)
        context.files.update(decider.run(context.memory, context.scratch, context.shards, context.stats))

    # -- what lies outside a run ----------------------------------------------------------------------------------------------

    def begin(self, root: Path, scale: Scale) -> None:
        announce(NAME, scale.input_bytes, scale.memory, self.scheme)
        if self._index is not None:
            pin_index(root, self._index, self._scheme_of_index)

    def finish(self, taps: Sequence[Path], reduced: Sequence[Path], stats: Stats) -> None:
        alarm(NAME, stats, self.params.giant)
        if self._keeps_rows and self._index is not None and self.root is not None:
            Update(NAME, self.root, self._index, self._scheme_of_index, self._row).run(taps, reduced)


def _first(rows: Any) -> Any:
    return np.zeros(len(rows), np.int64)


def _installed(package: str) -> bool:
    try:
        return bool(version(package))
    except PackageNotFoundError:
        return False


