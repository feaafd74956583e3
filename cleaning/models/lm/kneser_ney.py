"""Interpolated modified Kneser-Ney smoothing (Chen and Goodman 1998), estimated as lmplz does it (Heafield et al. 2013).

Counts of the lower orders are *adjusted*: how many different tokens precede an n-gram, or how often it occurs where it begins with `<s>`.
Discounts D1, D2, D3+ come from how many n-grams have the adjusted counts 1 to 4, pruned ones included. Then

    p(w | c) = (a(c w) - D(a)) / Σ a(c x)  +  γ(c) p(w | c without its first token)

where γ(c) is what discounts and pruning took; the unigrams are interpolated with 1 / |V|, |V| without `<s>`. All sums are in single
precision, as in lmplz.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cleaning.models.lm.counts import BLOCK, Rows, Sorter
from cleaning.models.lm.key_kernels import Float32, _adjust, _contexts, _interpolate
from cleaning.models.lm.vocabulary import BOS, UNK, Int64, UInt64

FALLBACK = (0.5, 1.0, 1.5)  # discounts where counts of counts give none: lmplz's --discount_fallback
Discounts = tuple[float, float, float]


@dataclass(slots=True)
class Grams:
    """N-grams of one order as suffix keys in rising order, with probability and backoff weight (not logarithms)."""

    hi: UInt64
    lo: UInt64
    prob: Float32
    backoff: Float32


@dataclass(frozen=True, slots=True)
class Estimate:
    """`grams` by order; `discounts` by order; `counted`: n-grams before pruning; `fell_back`: orders with given discounts."""

    grams: list[Grams]
    discounts: list[Discounts]
    counted: list[int]
    fell_back: list[int]


def estimate(
    counted: Sorter, order: int, bits: int, types: int, prune: Sequence[int], memory: int, tmp: Path | None = None,
    fallback: Discounts = FALLBACK,
) -> Estimate:  # fmt: skip
    """Probabilities and backoff weights from counted n-grams of the highest order.

    `types`: size of the vocabulary with its three special tokens; `prune`: for each order, n-grams that occur so often or less go.
    """
    sorters, stats, sizes = _adjusted(counted, order, bits, np.array(prune, np.uint64), memory, tmp)
    discounts, fell_back = [], []
    for k in range(order):
        found = discounts_of(stats[k])
        if found is None:
            fell_back.append(k + 1)
        discounts.append(found or fallback)
    grams = [_unigrams(sorters[0], types, discounts[0])]
    for k in range(2, order + 1):
        grams.append(_next_order(sorters[k - 1], grams[-1], k, bits, discounts[k - 1], int(stats[k - 1, 5]), memory, tmp))
    grams[-1].backoff = np.empty(0, np.float32)
    return Estimate(grams, discounts, [types, *sizes[1:]], fell_back)


def discounts_of(stats: Int64) -> Discounts | None:
    """D1, D2, D3+ from the numbers of n-grams with adjusted count 1 to 4 (equation 26 of Chen and Goodman); None where they give none.

    >>> [round(d, 3) for d in discounts_of(np.array([0, 40, 20, 10, 8]))]
    [0.5, 1.25, 1.4]
    """
    if not all(stats[1:4]):
        return None
    n = stats.astype(np.float32)
    y = n[1] / np.float32(float(stats[1]) + 2.0 * float(stats[2]))
    found = [float(np.float32(j) - np.float32(j + 1) * y * n[j + 1] / n[j]) for j in (1, 2, 3)]
    return (found[0], found[1], found[2]) if all(0 <= d <= j for j, d in enumerate(found, 1)) else None


def _adjusted(
    counted: Sorter, order: int, bits: int, prune: UInt64, memory: int, tmp: Path | None
) -> tuple[list[Sorter], Int64, list[int]]:
    """Adjusted counts by order, to be sorted by context; counts of counts; how many n-grams there are."""
    shares = [k * memory * 2 // (order * (order + 1)) for k in range(1, order + 1)]
    sorters = [Sorter(k * bits, share, tmp) for k, share in enumerate(shares, 1)]
    stats, sizes = np.zeros((order, 6), np.int64), [0] * order
    last, state = np.zeros(2, np.uint64), np.zeros(1, np.int64)
    adjusted, raw = np.zeros(order, np.uint64), np.zeros(order, np.uint64)
    out_hi, out_lo, out_count = (np.empty((order, BLOCK), np.uint64) for _ in range(3))
    for final, (hi, lo, count) in _with_end(counted):
        made = np.zeros(order, np.int64)
        _adjust(hi, lo, count, order, bits, prune, last, adjusted, raw, state, out_hi, out_lo, out_count, made, stats, final)
        for k in range(order):
            if made[k]:
                sorters[k].add(out_hi[k, : made[k]].copy(), out_lo[k, : made[k]].copy(), out_count[k, : made[k]].copy())
                sizes[k] += int(made[k])
    return sorters, stats, sizes


def _with_end(sorter: Sorter) -> Iterator[tuple[bool, Rows]]:
    """The blocks of a sorter, then an empty one that is marked as the last."""
    none = np.empty(0, np.uint64)
    for block in sorter.blocks():
        yield False, block
    yield True, (none, none, none)


def _amounts(discounts: Discounts) -> Float32:
    return np.array([0.0, *discounts], np.float32)


def _unigrams(sorter: Sorter, types: int, discounts: Discounts) -> Grams:
    adjusted = np.zeros(types, np.uint64)
    for _, ids, count in sorter.blocks():
        adjusted[ids.astype(np.int64)] = count
    amounts, total = _amounts(discounts), np.float32(adjusted.sum())
    numbers = np.bincount(np.minimum(adjusted, np.uint64(3)).astype(np.int64), minlength=4).astype(np.float32)
    gamma = (amounts[1] * numbers[1] + amounts[2] * numbers[2] + amounts[3] * numbers[3]) / total
    prob = (adjusted.astype(np.float32) - amounts[np.minimum(adjusted, np.uint64(3)).astype(np.int64)]) / total
    prob += gamma * (np.float32(1) / np.float32(types - 1))
    prob[BOS] = 1  # so a sentence may be scored with its <s>
    assert adjusted[UNK] == 0
    return Grams(np.zeros(types, np.uint64), np.arange(types, dtype=np.uint64), prob.astype(np.float32), np.ones(types, np.float32))


def _next_order(sorter: Sorter, lower: Grams, k: int, bits: int, discounts: Discounts, size: int, memory: int, tmp: Path | None) -> Grams:
    """N-grams of order k; sets the backoff weights of the order below."""
    first = _first_probabilities(sorter, lower, k, bits, discounts, memory, tmp)
    grams = Grams(np.empty(size, np.uint64), np.empty(size, np.uint64), np.empty(size, np.float32), np.ones(size, np.float32))
    row = at = 0
    for hi, lo, value in first.blocks():
        end = row + hi.size
        own = value.view(np.float32).reshape(-1, 2)
        at = _interpolate(hi, lo, own, bits, lower.hi, lower.lo, lower.prob, at, grams.prob[row:end])
        assert at >= 0, "the suffix of an n-gram is missing"
        grams.hi[row:end], grams.lo[row:end] = hi, lo
        row = end
    assert row == size
    return grams


def _first_probabilities(sorter: Sorter, lower: Grams, k: int, bits: int, discounts: Discounts, memory: int, tmp: Path | None) -> Sorter:
    """Probabilities before interpolation with their weights, to be sorted by suffix."""
    first, state, amounts = Sorter(k * bits, memory // 2, tmp), np.zeros(2, np.int64), _amounts(discounts)
    none = np.empty(0, np.uint64)
    left: Rows = (none, none, none)
    for final, block in _with_end(sorter):
        hi, lo, count = (np.concatenate([old, new]) for old, new in zip(left, block, strict=True))
        out_hi, out_lo, out = np.empty(hi.size, np.uint64), np.empty(hi.size, np.uint64), np.empty((hi.size, 2), np.float32)
        made = _contexts(hi, lo, count, k, bits, amounts, lower.hi, lower.lo, lower.backoff, state, out_hi, out_lo, out, final)
        done = int(state[1])
        left = hi[done:], lo[done:], count[done:]
        if made:
            first.add(out_hi[:made].copy(), out_lo[:made].copy(), out[:made].copy().view(np.uint64).reshape(-1))
    return first
