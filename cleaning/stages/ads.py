"""Stage `ads`: how much a document is like the advertising that a fastText classifier was trained on. It measures; rules judge."""

from __future__ import annotations

from collections.abc import Sequence

from cleaning.doc import Doc
from cleaning.errors import ModelError
from cleaning.models.classifier.classifier import Classifier
from cleaning.stages.measuring import JudgingParams, MeasuringStage, Scorer


class AdsParams(JudgingParams):
    """The model; `unit` and `label` only for one without a card."""

    model: str = ""
    unit: str | None = None
    label: str | None = None


class AdsScorer:
    """Notes `ads_score`; not for a text without a token."""

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier

    def __call__(self, docs: Sequence[Doc]) -> None:
        scores = self._classifier([doc.text for doc in docs]).tolist()
        for doc, score in zip(docs, scores, strict=True):
            if score == score:
                doc.notes["ads_score"] = round(score, 4)
            else:  # NaN; the lines that were left out may have been all there was
                doc.notes.pop("ads_score", None)


class Ads(MeasuringStage):
    """A score of advertising."""

    name = "ads"
    version = 1
    about = "score by a fastText classifier of advertising; rules judge"
    gives = ("ads_score",)
    metrics = ("ads_score",)
    Params = AdsParams

    def models(self) -> list[str]:
        return [self.params.model] if self.params.model else []

    def check(self) -> None:
        super().check()
        self.load()

    def load(self) -> Classifier:
        """The classifier. Raises ModelError."""
        if not self.params.model:
            how = "python -m cleaning models train-classifier --positive ADS --negative OTHERS --output models/ads.bin"
            raise ModelError(f"ads.model: no model is named; make one with: {how}; then set ads.model=models/ads.bin")
        return Classifier.load(self.find(self.params.model), self.params.model, self.params.unit, self.params.label)

    def scorer(self) -> Scorer:
        return AdsScorer(self.load())
