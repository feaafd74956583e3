"""Stage `quality`: how much a document is like the good documents that a fastText classifier was trained on. It measures; rules judge.

With the score comes GPT-3's draw (Brown et al. 2020, appendix A): a document is kept when a Pareto number exceeds 1 - score, so that a few
documents of low score stay. The number is drawn from the document's id, so that every run draws the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import xxhash
from pydantic import Field

from cleaning.doc import Doc
from cleaning.errors import ModelError
from cleaning.models.classifier.classifier import Classifier
from cleaning.stages.measuring import JudgingParams, MeasuringStage, Scorer

_2_64 = float(1 << 64)


class QualityParams(JudgingParams):
    """The model, and the shape of the draw."""

    model: str = ""
    unit: str | None = None  # of a model without a card
    label: str | None = None
    pareto_alpha: float = Field(default=9.0, gt=0)  # GPT-3's
    pareto_seed: int = 0


def pareto_draw(name: str, alpha: float, seed: int = 0) -> float:
    """A number from the Pareto II (Lomax) distribution, which `numpy.random.pareto` samples, decided by a document's id alone."""
    number = xxhash.xxh3_64_intdigest(name.encode("utf-8", "surrogatepass"), seed & 0xFFFFFFFFFFFFFFFF)
    return float(((number + 0.5) / _2_64) ** (-1 / alpha) - 1)


class QualityScorer:
    """Notes `quality_score` and `quality_pareto`; neither for a text without a token."""

    def __init__(self, classifier: Classifier, params: QualityParams) -> None:
        self._classifier, self._params = classifier, params

    def __call__(self, docs: Sequence[Doc]) -> None:
        scores = self._classifier([doc.text for doc in docs]).tolist()
        for doc, score in zip(docs, scores, strict=True):
            if score != score:  # NaN
                doc.notes.pop("quality_score", None)
                doc.notes.pop("quality_pareto", None)
                continue
            doc.notes["quality_score"] = round(score, 4)
            draw = pareto_draw(doc.id, self._params.pareto_alpha, self._params.pareto_seed)
            doc.notes["quality_pareto"] = round(min(draw, 1e6) - (1 - score), 4)


class Quality(MeasuringStage):
    """A score of good text."""

    name = "quality"
    version = 1
    about = "score by a fastText classifier of good text, and GPT-3's Pareto draw; rules judge"
    gives = ("quality_score", "quality_pareto")
    metrics = ("quality_score", "quality_pareto")
    Params = QualityParams

    def models(self) -> list[str]:
        return [self.params.model] if self.params.model else []

    def check(self) -> None:
        super().check()
        self.load()

    def load(self) -> Classifier:
        """The classifier. Raises ModelError."""
        if not self.params.model:
            how = "python -m cleaning models train-classifier --positive GOOD --negative BAD --output models/quality.bin"
            raise ModelError(f"quality.model: no model is named; make one with: {how}; then set quality.model=models/quality.bin")
        return Classifier.load(self.find(self.params.model), self.params.model, self.params.unit, self.params.label)

    def scorer(self) -> Scorer:
        return QualityScorer(self.load(), self.params)
