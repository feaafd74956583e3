"""Stage `sentence_dedup`: sentences, lines or spans that stand in many places, across all shards, taken out but for the first copies.

The tap cuts every document and writes 20 bytes a sentence that may go: a hash of its folded text and its number in the shard. *match*
counts, a range of hashes a task, and says which go. The apply step cuts the same text again and takes them out. With `near`, sentences
take the way of documents (see document_dedup): six keys more each, 92 bytes in all, and the true similarity decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, partial
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BeforeValidator, Field

from cleaning.config import Strict
from cleaning.dedup import edges, records, repeats
from cleaning.dedup.decide import Bars, Decider
from cleaning.dedup.edges import KEYS, TEXTS, Stream, shard_numbers
from cleaning.dedup.gather import Gatherer
from cleaning.dedup.keep import KeepPolicy
from cleaning.dedup.repeats import Policy
from cleaning.dedup.sentence_steps import SentenceApply, SentenceTap, sentence_documents
from cleaning.dedup.signatures import Scheme
from cleaning.dedup.spans import Cut, Digits, cut_items, hash_text
from cleaning.dedup.warm import warm_up
from cleaning.doc import Doc
from cleaning.errors import ConfigError, UserError
from cleaning.io.parts import read_partition
from cleaning.rules.genre import GENRE_METRICS, GENRES, genres
from cleaning.stages.contract import GlobalStage, Partitioned, Reduce, ReduceContext, Scale, Step
from cleaning.text.metrics import MetricSet

NAME = "sentence_dedup"
Paths = Annotated[tuple[str, ...], BeforeValidator(lambda v: (v,) if isinstance(v, str) else v)]
_COUNT = np.dtype("<u4")
_SITE = np.dtype("<u8")


class SentenceDedupParams(Strict):
    """What is compared, which copies go. The keys are described in configs/default.yaml and docs/sentences.md."""

    unit: Cut = "sentence"
    digits: Digits = "keep"
    min_units: int = Field(default=12, ge=1)
    copies: int = Field(default=1, ge=0)
    min_documents: int = Field(default=2, ge=1)
    per_million: float = Field(default=0, ge=0)
    site_share: float = Field(default=0, ge=0, le=1)
    site_pages: int = Field(default=10, ge=2)
    near: bool = False
    near_threshold: float = Field(default=0.85, gt=0, le=1)
    protect_genres: tuple[str, ...] = ("verse", "statute", "classical", "dialogue", "code")
    allow: Paths = ()
    min_chars: int = Field(default=30, ge=0)
    drop_share: float = Field(default=0.8, gt=0, le=1)
    mode: Literal["remove", "tag"] = "remove"


class SentenceDedup(GlobalStage):
    """Repeated sentences: C4's spans, CCNet's lines, Gopher's repeats within a document, templates of sites."""

    name = NAME
    version = 1
    about = "take out sentences, lines or spans that stand elsewhere too, but for the first copies"
    gives = (NAME,)
    Params = SentenceDedupParams
    file_lists = ("allow",)

    @cached_property
    def scheme(self) -> Scheme | None:
        """How sentences are signed for near copies."""
        return Scheme(shingle=3, bands=6, rows=3, digits=self.params.digits, short_units=0) if self.params.near else None

    @property
    def _policy(self) -> Policy:
        p = self.params
        return Policy(p.copies, p.min_documents, p.per_million, p.site_share, p.site_pages)

    @property
    def _kinds(self) -> list[Stream]:
        return [KEYS, TEXTS] if self.params.near else [TEXTS]

    def files(self) -> list[str]:
        return list(self.params.allow)

    def check(self) -> None:
        p = self.params
        unknown = [name for name in p.protect_genres if name not in GENRES]
        faults = [f"{NAME}.protect_genres: unknown genre '{name}'; allowed: {', '.join(GENRES)}" for name in unknown]
        if p.near and (p.copies != 1 or p.min_documents > 2 or p.per_million or p.site_share):
            faults.append(f"{NAME}.near: near copies leave one copy; copies, min_documents, per_million and site_share are for exact ones")
        if p.near and p.unit != "sentence":
            faults.append(f"{NAME}.near: is for unit: sentence")
        if faults:
            raise UserError(faults)
        self._allowed()

    def _allowed(self) -> set[tuple[int, int]]:
        out = set()
        for name in self.params.allow:
            try:
                lines = self.find(name).read_text(encoding="utf-8").splitlines()
            except UnicodeDecodeError as exc:
                raise ConfigError(f"{name}: is not UTF-8: {exc}") from exc
            out |= {hash_text(line, self.params.digits) for line in lines if line.strip() and not line.startswith("#")}
        return out

    def warm_up(self) -> None:
        cut_items(["一。二！"], self.params.unit, self.params.digits)
        MetricSet(GENRE_METRICS).compute(["第一行，hello world 12。\n第二行！", ""])
        if self.scheme is not None:
            warm_up(self.scheme, list)

    def identity(self) -> dict[str, Any]:
        return {**self.params.model_dump(mode="json"), "allow": len(self.params.allow)}

    # -- steps and phases -----------------------------------------------------------------------------------------------------

    def tap(self) -> Step:
        p = self.params
        metrics, protected = MetricSet(GENRE_METRICS), set(p.protect_genres)

        def protect(docs: list[Doc]) -> npt.NDArray[np.bool_]:
            if not protected:
                return np.zeros(len(docs), np.bool_)
            found = genres(metrics.compute([doc.text for doc in docs]), metrics.column)
            return np.isin(found, sorted(protected))

        return SentenceTap(NAME, p.unit, p.digits, p.min_units, protect, self._allowed(), p.site_share > 0, self.scheme)

    def shuffle(self) -> Partitioned:
        return Partitioned(records.TEXT, records.SLOTS, records.text_slot)

    def streams(self) -> dict[str, Partitioned]:
        out = {"texts": self.shuffle(), "counts": Partitioned(_COUNT, 1, _first)}
        if self.params.site_share:
            out["sites"] = Partitioned(_SITE, 1, _first)
        if self.params.near:
            out["keys"] = Partitioned(records.KEY, records.SLOTS, records.key_slot)
        return out

    def reduces(self, scale: Scale) -> Sequence[Reduce]:
        parts, groups = records.partitions_for(scale.input_bytes, scale.memory)
        if not self.params.near:
            return [Reduce("match", parts, partial(self._match, parts))]
        return [
            Reduce("match", parts, partial(self._match_near, parts)),
            Reduce("cluster", 1, partial(self._cluster, groups)),
            Reduce("gather", scale.shards, partial(self._gather, groups), ("documents", "tap")),
            Reduce("decide", groups, self._decide, ("cluster",)),
        ]

    def apply(self) -> Step:
        p = self.params
        return SentenceApply(NAME, p.unit, p.digits, p.near, p.mode == "tag", p.min_chars, p.drop_share)

    def _match(self, parts: int, context: ReduceContext) -> None:
        how = (context.shards, (context.partition, parts), self._policy, context.memory, context.scratch, context.stats)
        context.files.update(repeats.match(NAME, context.upstream, *how))

    def _match_near(self, parts: int, context: ReduceContext) -> None:
        how = ((context.partition, parts), context.memory, 1000, context.scratch, context.stats)
        context.files.update(edges.match(NAME, self._kinds, shard_numbers(context.upstream), [], *how))

    def _cluster(self, groups: int, context: ReduceContext) -> None:
        how = (context.shards, groups, 1 << 62, context.scratch, context.stats)
        context.files.update(edges.cluster(NAME, self._kinds, context.upstream, *how))

    def _gather(self, groups: int, context: ReduceContext) -> None:
        assert context.rows is not None
        assert self.scheme is not None
        members = read_partition(context.upstream, f"{NAME}.members", records.MEMBER, context.partition)
        taps = dict(shard_numbers(context.reads["tap"]))
        counts = repeats.read_counts(taps[context.partition], NAME) if context.partition in taps else np.empty(0, np.int64)
        read = partial(context.rows, context.partition)
        rows = sentence_documents(read, counts, members["row"], self.params.unit, self.params.digits)
        gatherer = Gatherer(NAME, context.scratch, groups, self.scheme, KeepPolicy(("first",)), list)
        context.files.update(gatherer.run(context.partition, members, rows))

    def _decide(self, context: ReduceContext) -> None:
        assert self.scheme is not None
        (clustered,) = context.reads["cluster"]
        threshold = self.params.near_threshold
        decider = Decider(NAME, context.partition, context.upstream, clustered, [], self.scheme, Bars(threshold, threshold, threshold))
        context.files.update(decider.run(context.memory, context.scratch, context.shards, context.stats))


def _first(rows: Any) -> Any:
    return np.zeros(len(rows), np.int64)
