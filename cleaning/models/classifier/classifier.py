"""A trained classifier: from texts to scores between 0 and 1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
import numpy.typing as npt

from cleaning.errors import ModelError
from cleaning.models.card import Card, read_card
from cleaning.models.classifier.fasttext_matrix import LinearModel, read_model
from cleaning.models.classifier.figures import Platt
from cleaning.models.classifier.tokens import Kind, Tokens
from cleaning.models.fasttext_model import check_model
from cleaning.models.store import missing_model

POSITIVE, NEGATIVE = "positive", "negative"


@dataclass(frozen=True, slots=True)
class Classifier:
    """Reads documents as its card says and calibrates as its card says."""

    tokens: Tokens
    model: LinearModel
    calibration: Platt

    @classmethod
    def load(cls, path: Path, shown: str = "", unit: str | None = None, label: str | None = None) -> Classifier:
        """Load a model. One without a card needs `unit` and `label` (the one whose probability is the score). Raises ModelError."""
        shown = shown or str(path)
        check_model(path, shown)
        card = read_card(path)
        if card is None:
            return cls._foreign(path, shown, unit, label)
        _check_card(card, shown)
        if unit is not None or label is not None:
            raise ModelError(f"{shown}: has a card, which says its unit ({card.unit}) and its label; leave `unit` and `label` out")
        given = card.figures.get("calibration", {})
        platt = Platt(*(float(given.get(name, default)) for name, default in (("slope", 1), ("offset", 0), ("growth", 0), ("short", 0))))
        return cls(Tokens(_kind(card.unit), card.normaliser_version), read_model(path, card.labels[0], shown), platt)

    @classmethod
    def _foreign(cls, path: Path, shown: str, unit: str | None, label: str | None) -> Classifier:
        if unit is None or label is None:
            raise ModelError(
                f"{shown}: has no card, so nothing says how it reads text; for a model of another project set `unit` "
                f"({', '.join(get_args(Kind))}) and `label` (whose probability is the score){missing_model(shown)}"
            )
        return cls(Tokens(_kind(unit)), read_model(path, label.removeprefix("__label__"), shown), Platt())

    def margins(self, texts: Sequence[str]) -> npt.NDArray[np.float64]:
        """What the model says before calibration: log P(positive) - log P(negative)."""
        return self.model.margins(self.tokens.lines(texts))

    def __call__(self, texts: Sequence[str]) -> npt.NDArray[np.float64]:
        """Scores of texts, 0 to 1; NaN for a text without a token."""
        return self.calibration(self.model(self.tokens.lines(texts)))




def _kind(unit: str) -> Kind:
    for kind in get_args(Kind):
        if kind == unit:
            return kind  # type: ignore[no-any-return]
    raise ModelError(f"unknown unit '{unit}'; allowed: {', '.join(get_args(Kind))}")


def _check_card(card: Card, shown: str) -> None:
    if card.kind != "classifier" or len(card.labels) != 2:
        raise ModelError(f"{shown}: its card says that it is a model of kind {card.kind}; a classifier is needed{missing_model(shown)}")
