"""How good a classifier is, and what its margins mean: AUC, precision and recall, Platt's calibration, the reliability table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
BINS = 10
_STEPS = 50  # of Newton; it converges in fewer than ten


@dataclass(frozen=True, slots=True)
class Platt:
    """score = 1 / (1 + exp(-(slope × margin + offset))) (Platt 1999)."""

    slope: float = 1.0
    offset: float = 0.0

    def __call__(self, margins: Float64) -> Float64:
        """Scores 0 to 1 of margins; NaN stays NaN."""
        scores: Float64 = 1 / (1 + np.exp(-np.clip(self.slope * margins + self.offset, -50, 50)))
        return scores


def fit_platt(margins: Float64, positive: Bools, prior: float = 0.5) -> Platt:
    """Fit by Newton's method with Platt's smoothed targets, so that perfectly parted classes do not give infinite slopes.

    The classes are weighted as if a share of `prior` were positive, whatever their numbers: 0.5 means as likely one as the other.
    """
    n, m = int(positive.sum()), int((~positive).sum())
    if not n or not m:
        return Platt()
    target = np.where(positive, (n + 1) / (n + 2), 1 / (m + 2))
    weight = np.where(positive, prior / n, (1 - prior) / m) * (n + m)
    scale = float(np.std(margins)) or 1.0
    x = np.stack([margins / scale, np.ones_like(margins)], 1)
    beta = np.array([1.0, 0.0])
    for _ in range(_STEPS):
        p = 1 / (1 + np.exp(-np.clip(x @ beta, -50, 50)))
        slope = x.T @ (weight * (p - target)) + 1e-6 * beta
        curve = (x * (weight * p * (1 - p))[:, None]).T @ x + 1e-6 * np.eye(2)
        step = np.linalg.solve(curve, slope)
        step *= min(1.0, 5 / max(float(np.abs(step).max()), 1e-12))
        beta -= step
        if np.abs(step).max() < 1e-9:
            break
    return Platt(round(float(beta[0]) / scale, 6), round(float(beta[1]), 6))


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
