"""What the stages that ask a model have in common: they measure into the notes, and rule files of their own judge what they measured.

Without a rule file such a stage measures and keeps everything.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt
from pydantic import Field

from cleaning.config import Strict
from cleaning.doc import Batch, Doc
from cleaning.rules.rule_set import Paths, RuleSet, RulesParams
from cleaning.rules.rule_step import RuleStep
from cleaning.stages.contract import ShardContext, Stage, Step


class JudgingParams(Strict):
    """Rule files that judge what the stage measured, and changes on top."""

    rules: Paths = ()
    thresholds: dict[str, str] = Field(default_factory=dict)
    off: Paths = ()


class Scorer(Protocol):
    """Built once per worker, with the model loaded. Writes notes; never drops; a document's numbers do not depend on its batch."""

    def __call__(self, docs: Sequence[Doc]) -> None: ...


class LineScorer(Scorer, Protocol):
    """A scorer that knows lines as well, for rules with `action: drop_line`."""

    def lines(self, docs: list[Doc], split: list[list[str]]) -> npt.NDArray[np.float32]:
        """(all lines, len(line_metrics)): a row for each line of each document."""


class MeasuringStep:
    """The inner loop: score, then judge. After lines were dropped the text is scored again."""

    def __init__(self, stage: str, scorer: Scorer, rule_set: RuleSet) -> None:
        self._scorer, self._rules = scorer, rule_set
        lines = getattr(scorer, "lines", None)
        extra = {"lines": lines} if lines is not None else {}
        self._judge = RuleStep(rule_set, stage, rescore=scorer, **extra)

    def open(self, shard: ShardContext) -> None:
        """Nothing to prepare for a shard."""

    def close(self) -> None:
        """Nothing to finish for a shard."""

    def __call__(self, batch: Batch) -> None:
        docs = batch.live
        if docs:
            self._scorer(docs)
            self._judge(batch)


class MeasuringStage(Stage):
    """A stage with a model. A subclass says which files the model is, checks them, and makes the scorer."""

    Params: ClassVar[type[Strict]] = JudgingParams
    line_metrics: ClassVar[Mapping[str, str]] = {}
    metrics: ClassVar[tuple[str, ...]] = ()  # numbers in the notes: their histograms are in the stats, also without a rule
    file_lists: ClassVar[tuple[str, ...]] = ("rules",)
    libraries: ClassVar[tuple[str, ...]] = ()  # packages whose version decides the numbers

    @abstractmethod
    def scorer(self) -> Scorer:
        """Load the model. Called once in each worker. Raises ModelError."""

    def files(self) -> list[str]:
        return list(self.params.rules)

    @cached_property
    def rule_set(self) -> RuleSet:
        """The stage's rules, loaded once."""
        params = RulesParams(files=self.params.rules, thresholds=self.params.thresholds, off=self.params.off, metrics=self.metrics)
        return RuleSet(params, self.find, line_metrics=self.line_metrics, scripts=False)

    def judges(self) -> RuleSet:
        return self.rule_set

    def check(self) -> None:
        self.rule_set  # noqa: B018 - loading is the check

    def warm_up(self) -> None:
        self.rule_set.measures.warm_up()

    def identity(self) -> dict[str, Any]:
        data = _without_names(self.params.model_dump(mode="json"), self.models())
        return {**data, "rules": len(self.params.rules), "libraries": {name: _version(name) for name in self.libraries}}

    def step(self) -> Step:
        return MeasuringStep(self.name, self.scorer(), self.rule_set)


def _without_names(value: Any, models: list[str]) -> Any:
    """The parameters with numbers in the place of models' names: a model enters the fingerprint by its contents."""
    if isinstance(value, dict):
        return {key: _without_names(item, models) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_names(item, models) for item in value]
    return models.index(value) if isinstance(value, str) and value in models else value


def _version(library: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(library)
    except PackageNotFoundError:
        return ""
