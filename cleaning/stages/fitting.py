"""What a stage has in common with others that fit language models inside the run: which documents are sampled, and the fit.

The tap notes a hash of each document's text, and where it lies. A reduce has a task for each fold of each language: it picks the sample,
reads its texts from the pass before, fits and calibrates. The apply step is the stage's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from cleaning.config import Size
from cleaning.doc import Batch, Doc
from cleaning.io.parts import read_partition
from cleaning.io.streams import digest_file
from cleaning.models.corpus import read_texts
from cleaning.models.lm import auto
from cleaning.models.lm.calibration import Sample
from cleaning.rules.rule_set import Paths
from cleaning.stages.contract import GlobalStage, Partitioned, Reduce, ReduceContext, Scale, ShardContext, Step, StepDefaults
from cleaning.stages.measuring import JudgingParams


class FittingParams(JudgingParams):
    """What a model that is fitted inside the run learns from."""

    windows: int = Field(default=0, ge=0)
    by: tuple[Literal["source", "lang"], ...] = ("source", "lang")
    reference: Paths = ()
    auto_budget: Size = 32 << 20  # bytes of text that the model of each fold learns from, for each language


class SampleTap(StepDefaults):
    """Emits a key for each document of the shards that are looked into."""

    def __init__(self, stage: str, budget: int) -> None:
        self._stage, self._budget = stage, budget
        self._shard, self._looks = 0, False

    def open(self, shard: ShardContext) -> None:
        self._shard, self._looks = shard.shard, shard.shard in auto.looked_into(shard.shards)

    def __call__(self, batch: Batch) -> None:
        if self._looks:
            batch.emit(self._stage, auto.keys_of(batch.live, self._shard, batch.start_row, self._budget))


class FittingStage(GlobalStage):
    """A stage whose models are fitted on the run's own documents, or on a reference."""

    Params = FittingParams
    file_lists: ClassVar[tuple[str, ...]] = ("rules", "reference")

    def tap(self) -> Step:
        return SampleTap(self.name, self.params.auto_budget)

    def shuffle(self) -> Partitioned:
        return Partitioned(auto.KEY, len(auto.GROUPS) * auto.FOLDS, auto.partition_of)

    def reduces(self, scale: Scale) -> Sequence[Reduce]:
        return [Reduce("fit", len(auto.GROUPS) * auto.FOLDS, self._fit)]

    def _fit(self, context: ReduceContext) -> None:
        """The model of one fold of one language, calibrated on the other fold."""
        group, fold = auto.GROUPS[context.partition // auto.FOLDS], context.partition % auto.FOLDS
        budget = self.params.auto_budget
        keys = [self._keys(context, group, fold, budget), self._keys(context, group, 1 - fold, auto.CALIBRATION)]
        if self.params.reference:
            references = auto.split_reference(self._reference(), group, budget)
            own, others = references[fold], self._samples(context, keys[1])
            whole = references[1 - fold]
        else:
            found = self._samples(context, np.concatenate(keys))  # one reading for both
            own, others = found[: len(keys[0])], found[len(keys[0]) :]
            whole = others
        texts, windows, sift = ([s.text for s in own], [s.text for s in whole]), self.params.windows, not self.params.reference
        card = auto.fit_fold(group, texts[0], others, texts[1], context.scratch, windows, sift)
        counts = {"documents": len(own), "chars": card.corpus["chars"], "without_model": bool(card.about), "calibrated_on": len(others)}
        counts["sifted_out"] = 0 if card.about else len(own) - card.training["documents"]
        for what, count in counts.items():
            context.stats.count(self.name, f"auto_{what}/{group}", int(count))
        for path in (context.scratch / auto.MODEL, context.scratch / auto.CARD):
            if path.is_file():
                context.files[path.name] = {"size": path.stat().st_size, "digest": digest_file(path)}

    def _keys(self, context: ReduceContext, group: str, fold: int, budget: int) -> auto.Keys:
        keys = read_partition(context.upstream, f"{self.name}.keys", auto.KEY, auto.partition(group, fold))
        return auto.chosen(keys, budget)

    def _samples(self, context: ReduceContext, keys: auto.Keys) -> list[Sample]:
        assert context.fields is not None
        return auto.samples_of(keys, context.upstream, context.fields, self.params.by, self.params.auto_budget)

    def _reference(self) -> Iterator[Doc]:
        return (doc for _, doc in read_texts([self.find(name) for name in self.params.reference]))
