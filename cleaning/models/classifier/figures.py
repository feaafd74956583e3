"""How good a classifier is, and what its margins mean: AUC, precision and recall, Platt's calibration, the reliability table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
BINS = 10
_STEPS = 50  # of Newton; it converges in fewer than ten
_SHORT = 4.0  # the logarithm of 55 tokens
_HOLD = 5.0  # as strong as that many documents against what the length says


class Margins(NamedTuple):
    """`margin`: log P(positive) - log P(negative) of some documents; `length`: their tokens."""

    margin: Float64
    length: npt.NDArray[np.int64]

    def take(self, mask: Bools) -> Margins:
        """Those for which the mask holds."""
        return Margins(self.margin[mask], self.length[mask])


@dataclass(frozen=True, slots=True)
class Platt:
    """score = 1 / (1 + exp(-z)), z = (slope + growth × ln length) × margin + short × min(ln length, 4) + offset.

    Platt's calibration (1999), with the length in it: fastText's margin is a mean, and a mean over a hundred tokens says more than one over
    ten. A length counts from 2 to 1,000 tokens; among short texts (up to 55) it may speak for itself.
    """

    slope: float = 1.0
    offset: float = 0.0
    growth: float = 0.0
    short: float = 0.0

    def __call__(self, of: Margins) -> Float64:
        """Scores 0 to 1; NaN stays NaN."""
        log = _log_length(of)
        steep = np.maximum(self.slope + self.growth * log, 0.05 * abs(self.slope))  # more of the margin is never less of the score
        z = steep * of.margin + self.short * np.minimum(log, _SHORT) + self.offset
        scores: Float64 = 1 / (1 + np.exp(-np.clip(z, -50, 50)))
        return scores


def _log_length(of: Margins) -> Float64:
    logs: Float64 = np.log(np.clip(of.length, 2, 1000))
    return logs


def fit_platt(of: Margins, positive: Bools, prior: float = 0.5) -> Platt:
    """Fit by Newton's method with Platt's smoothed targets, so that perfectly parted classes do not give infinite slopes.

    The classes are weighted as if a share of `prior` were positive, whatever their numbers: 0.5 means as likely one as the other. What the
    length says is held small where there are few documents.
    """
    n, m = int(positive.sum()), int((~positive).sum())
    if not n or not m:
        return Platt()
    target = np.where(positive, (n + 1) / (n + 2), 1 / (m + 2))
    weight = np.where(positive, prior / n, (1 - prior) / m) * (n + m)
    scale, log = float(np.std(of.margin)) or 1.0, _log_length(of)
    middle = float(np.mean(log))
    margin, short = of.margin / scale, np.minimum(log, _SHORT)
    x = np.stack([margin, np.ones_like(margin), margin * (log - middle), short - short.mean()], 1)
    hold = np.array([1e-6, 1e-6, _HOLD, _HOLD])
    beta = np.array([1.0, 0.0, 0.0, 0.0])
    for _ in range(_STEPS):
        p = 1 / (1 + np.exp(-np.clip(x @ beta, -50, 50)))
        slope = x.T @ (weight * (p - target)) + hold * beta
        curve = (x * (weight * p * (1 - p))[:, None]).T @ x + np.diag(hold)
        step = np.linalg.solve(curve, slope)
        step *= min(1.0, 5 / max(float(np.abs(step).max()), 1e-12))
        beta -= step
        if np.abs(step).max() < 1e-9:
            break
    offset = float(beta[1] - beta[3] * short.mean())
    return Platt(*(round(v, 6) for v in (float(beta[0] - beta[2] * middle) / scale, offset, float(beta[2]) / scale, float(beta[3]))))


def auc(scores: Float64, positive: Bools) -> float:
    """Share of the pairs (positive, negative) in which the positive has the higher score; ties count half. NaN without pairs.

    >>> auc(np.array([0.1, 0.4, 0.4, 0.9]), np.array([False, False, True, True]))
    0.875
    """
    n, m = int(positive.sum()), int((~positive).sum())
    if not n or not m:
        return float("nan")
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return float((ranks[positive].sum() - n * (n + 1) / 2) / (n * m))


def judge(scores: Float64, positive: Bools, threshold: float = 0.5) -> dict[str, Any]:
    """Figures of calibrated scores: AUC; precision, recall, F1 and accuracy at the threshold; the expected calibration error; the table of
    reliability, in which the positive count as much as the negative.
    """
    n, m = int(positive.sum()), int((~positive).sum())
    hit = scores >= threshold
    right = int((hit & positive).sum())
    precision, recall = right / max(int(hit.sum()), 1), right / max(n, 1)
    table, error = reliability(scores, positive)
    return {
        "documents": n + m, "positive": n, "negative": m, "auc": _short(auc(scores, positive)), "threshold": threshold,
        "precision": _short(precision), "recall": _short(recall), "f1": _short(2 * precision * recall / max(precision + recall, 1e-12)),
        "accuracy": _short(float((hit == positive).mean()) if n + m else float("nan")), "calibration_error": _short(error),
        "reliability": table,
    }  # fmt: skip


def reliability(scores: Float64, positive: Bools) -> tuple[list[list[float]], float]:
    """Rows (mean score, share that is positive, documents) of ten bins of scores, empty ones left out; and the mean distance of the two.

    The classes are weighted alike, so that it agrees with scores that were calibrated so.
    """
    n, m = max(int(positive.sum()), 1), max(int((~positive).sum()), 1)
    weight = np.where(positive, 0.5 / n, 0.5 / m)
    which = np.minimum((scores * BINS).astype(np.int64), BINS - 1)
    table, error = [], 0.0
    for b in range(BINS):
        inside = which == b
        total = float(weight[inside].sum())
        if total:
            mean, share = float((weight * scores)[inside].sum()) / total, float(weight[inside & positive].sum()) / total
            table.append([round(mean, 3), round(share, 3), int(inside.sum())])
            error += total * abs(mean - share)
    return table, error


def _short(value: float) -> float:
    return round(value, 4)


def describe_figures(figures: dict[str, Any]) -> str:
    """The figures for people."""
    names = ("documents", "positive", "negative", "auc", "precision", "recall", "f1", "accuracy", "calibration_error")
    rows = [f"{name:<18} {figures[name]:>10,}" for name in names if name in figures]
    rows.append(f"(precision, recall, F1 and accuracy at score {figures['threshold']})")
    rows.append("\nscore   positive   documents")
    rows += [f"{mean:5.3f}   {share:8.3f}   {count:9,}" for mean, share, count in figures["reliability"]]
    return "\n".join(rows)
