"""A second number beside perplexity: does the text look broken to the model, whatever its subject?

Perplexity mixes two things, how unusual a text's subject and style are and whether it is whole. An old poem has a higher one than the
shuffled words of a news item, and a loop of good sentences has a low one. So this asks *how* the model takes each token: does the context
speak for the token or against it, was the context known at all, is the token rare (the events of `score_lines`); and has the text said the
same before, is it made of marks, of short lines (the traits of `Scores`).

For each way of breaking text, a logistic regression tells whole documents from copies broken that way, by the shares of these events. The
score is that of the way that fits best, and 0.5 is what one in a hundred whole documents exceeds. All this is fitted when a model is
calibrated, on the user's documents, and kept in the model's card.

What it leaves alone: text that is well-formed and false, dull or an advertisement.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cleaning.errors import ModelError
from cleaning.models.lm.breaking import KINDS, LEAST, damaged, passage
from cleaning.models.lm.scoring import TRAITS, Scorer
from cleaning.models.lm.tables import EVENTS, Float64

FEATURES = EVENTS + TRAITS
DOCUMENTS = 2000  # that the regressions are fitted on
FEWEST = 50
_RIDGE = 1e-3
_EXCEEDED_BY = 1  # percent of the whole documents whose score is above 0.5


@dataclass(frozen=True, slots=True)
class Broken:
    """The fitted regressions: for each kind its weights (FEATURES) and its constant."""

    kinds: tuple[str, ...]
    weights: tuple[tuple[float, ...], ...]
    constants: tuple[float, ...]
    documents: int = 0

    def __call__(self, shares: Float64) -> list[float]:
        """How broken each of some texts is, 0 to 1; `shares` (texts, FEATURES), NaN for a text that has none."""
        best = np.full(shares.shape[0], -np.inf)
        for constant, weights in zip(self.constants, self.weights):
            z = np.full(shares.shape[0], constant)
            for j, weight in enumerate(weights):  # column by column, so that no row's sum depends on how many there are
                z += shares[:, j] * weight
            best = np.maximum(best, z)
        return [math.nan if math.isnan(z) else 1 / (1 + math.exp(-max(-500.0, min(500.0, z)))) for z in best.tolist()]

    def to_json(self) -> dict[str, Any]:
        """For a card."""
        rows = {kind: [constant, *weights] for kind, constant, weights in zip(self.kinds, self.constants, self.weights)}
        return {"documents": self.documents, "kinds": rows}

    @classmethod
    def from_json(cls, data: Any, name: str) -> Broken | None:
        """From a card; None where it has none. Raises ModelError when it is damaged or of another version."""
        if data is None:
            return None
        try:
            rows = {str(kind): tuple(float(value) for value in row) for kind, row in data["kinds"].items()}
            if not rows or {len(row) for row in rows.values()} != {FEATURES + 1}:
                raise ValueError(f"{FEATURES + 1} numbers for each kind are needed")
            return cls(tuple(rows), tuple(row[1:] for row in rows.values()), tuple(row[0] for row in rows.values()), int(data["documents"]))
        except (KeyError, TypeError, ValueError, AttributeError) as exc:
            raise ModelError(f"{name}: 'broken' in its card cannot be read ({exc}); run: python -m cleaning models calibrate") from exc


def fit_broken(scorer: Scorer, texts: Sequence[str]) -> Broken | None:
    """Fit on evenly spaced documents among `texts` and their broken copies; None when fewer than 50 of them are long enough."""
    whole = [cut for i, text in enumerate(_spread(texts)) if len(cut := passage(text, i)) >= LEAST]
    if len(whole) < FEWEST:
        return None
    good = scorer(whole, events=True).shares()
    rows = []
    for kind in KINDS:
        bad = scorer([damaged(text, kind, i) for i, text in enumerate(whole)], events=True).shares()
        rows.append(_logistic(good, bad[~np.isnan(bad).any(axis=1)]))
    fitted = np.array(rows)
    best = (good @ fitted[:, :-1].T + fitted[:, -1]).max(axis=1)
    fitted[:, -1] -= np.percentile(best, 100 - _EXCEEDED_BY)
    table = [[float(f"{value:.8g}") for value in row] for row in fitted.tolist()]
    return Broken(KINDS, tuple(tuple(row[:-1]) for row in table), tuple(row[-1] for row in table), len(whole))


def _spread(texts: Sequence[str]) -> list[str]:
    long_enough = [text for text in texts if len(text) >= LEAST]
    count = min(DOCUMENTS, len(long_enough))
    return [long_enough[i * len(long_enough) // count] for i in range(count)]


def _logistic(good: Float64, bad: Float64) -> Float64:
    """The weights of a ridge logistic regression on the features as they are, the constant last; both sides count alike."""
    features = np.concatenate([good, bad])
    labels = np.repeat([0.0, 1.0], [len(good), len(bad)])
    weights = np.repeat([1 / len(good), 1 / max(1, len(bad))], [len(good), len(bad)])
    means, scales = features.mean(axis=0), features.std(axis=0) + 1e-4
    rows = np.concatenate([(features - means) / scales, np.ones((len(features), 1))], axis=1)
    ridge = np.diag([2 * _RIDGE] * (rows.shape[1] - 1) + [1e-9])
    found = np.zeros(rows.shape[1])
    for _ in range(50):  # Newton's method
        p = 1 / (1 + np.exp(-np.clip(rows @ found, -30, 30)))
        slope = rows.T @ (weights * (p - labels)) + ridge @ found
        step = np.linalg.solve((rows * (weights * p * (1 - p))[:, None]).T @ rows + ridge, slope)
        found -= step
        if np.abs(step).max() < 1e-8:
            break
    raw = found[:-1] / scales
    out: Float64 = np.append(raw, found[-1] - raw @ means)
    return out
