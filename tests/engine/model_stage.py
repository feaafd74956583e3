"""A stage with a model, small enough to know every number: the model is a JSON file with a factor."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from cleaning.doc import Doc
from cleaning.errors import ModelError
from cleaning.stages.measuring import JudgingParams, MeasuringStage, Scorer


class FactorParams(JudgingParams):
    model: str = "factor.json"


class FactorScorer:
    """`quality_score` is the factor times the text's length over a hundred; lines are measured alike."""

    def __init__(self, factor: float) -> None:
        self.factor = factor

    def __call__(self, docs: Sequence[Doc]) -> None:
        for doc in docs:
            doc.notes["quality_score"] = round(self.factor * len(doc.text) / 100, 4)

    def lines(self, docs: list[Doc], split: list[list[str]]) -> npt.NDArray[np.float32]:
        return np.array([[self.factor * len(line)] for lines in split for line in lines], np.float32)


class Factor(MeasuringStage):
    """Lengths times a factor."""

    name = "factor"
    about = "lengths times a factor"
    Params = FactorParams
    metrics = ("quality_score",)
    line_metrics = {"line_length": "the line's length times the factor"}

    def models(self) -> list[str]:
        return [self.params.model]

    def check(self) -> None:
        super().check()
        self.load()

    def load(self) -> float:
        path = self.find(self.params.model)
        try:
            return float(json.loads(path.read_text())["factor"])
        except (ValueError, KeyError) as exc:
            raise ModelError(f"{self.params.model}: not a factor; write one: echo '{{\"factor\": 1}}'") from exc

    def scorer(self) -> Scorer:
        return FactorScorer(self.load())
