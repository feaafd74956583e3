"""Who is kept: documents are taken in the order of the keep policy; one that is similar enough to a kept one leaves, else it is kept.

Only pairs that share a key are compared, and a document leaves for a document that stays: in a chain A ~ B ~ C, where A and C have little
in common, C does not leave because B did. So every document that leaves has a twin in the corpus at or above the threshold.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from cleaning.dedup.kernels import Int64, UInt32, UInt64

Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]
MARGIN = 4.5  # standard errors below the threshold at which an estimate is believed, and the sets are not compared


@njit(cache=True, nogil=True)
def common_values(sets: UInt32, lo: int, hi: int, other_lo: int, other_hi: int) -> int:
    """How many values the sorted sets sets[lo:hi] and sets[other_lo:other_hi] have in common."""
    i, j, common = lo, other_lo, 0
    while i < hi and j < other_hi:
        x, y = sets[i], sets[j]
        common += x == y
        i += x <= y
        j += y <= x
    return common


@njit(cache=True, nogil=True)
def unique_sets(shingles: UInt32, ends: Int64, out: UInt32, out_ends: Int64) -> None:
    """The shingles of each document, sorted, each once."""
    m = 0
    for d in range(ends.size - 1):
        part = np.sort(shingles[ends[d] : ends[d + 1]])
        for i in range(part.size):
            if i == 0 or part[i] != part[i - 1]:
                out[m] = part[i]
                m += 1
        out_ends[d + 1] = m


@njit(cache=True, nogil=True)
def _estimate(signatures: UInt32, d: int, h: int, old: bool) -> float:
    """Share of equal values; of an index only the low eight bits are there, and one in 256 is equal by accident."""
    equal, count = 0, signatures.shape[1]
    if not old:
        for k in range(count):
            equal += signatures[d, k] == signatures[h, k]
        share: float = equal / count
        return share
    for k in range(count):
        equal += (signatures[d, k] & np.uint32(255)) == (signatures[h, k] & np.uint32(255))
    corrected: float = max(0.0, (equal / count - 1 / 256) / (1 - 1 / 256))
    return corrected


@njit(cache=True, nogil=True)
def keep_hubs(
    slots: Int64, slot_ends: Int64, n_slots: int, signatures: UInt32, sets: UInt32, set_ends: Int64, set_mid: Int64, bar: Float64,
    short_bar: float, cutoff: Float64, old: npt.NDArray[np.bool_], chunked: npt.NDArray[np.bool_], limit: int,
    twin: Int64, similarity: Float64, estimates: Float64,
) -> int:  # fmt: skip
    """Documents in the order of the keep policy. `twin[d]` becomes the kept document that d leaves for, -1 for a kept one.

    `slots[slot_ends[d]:slot_ends[d+1]]`: its keys as numbers below `n_slots`. `sets[set_ends[d]:set_mid[d]]` are short shingles, those to
    `set_ends[d + 1]` long ones: two documents that both have long ones are compared by them, others by the short ones, and `short_bar`.
    `bar`: similarity from which it leaves; `cutoff`: estimate below which sets are not compared. `old`: from an index, stays, has no set.
    `chunked`: a book, for which the share of its shingles that the other holds is what counts. At most `limit` kept documents are tried for
    each key. Returns how often that limit was met.
    """
    n = twin.size
    first, last, held = np.full(n_slots, -1, np.int64), np.full(n_slots, -1, np.int64), np.zeros(n_slots, np.int64)
    # a kept document is in the list of each of its keys: entry e is key slots[e] of the document that owns e
    following, owner = np.full(slots.size, -1, np.int64), np.empty(slots.size, np.int64)
    tried = np.full(n, -1, np.int64)
    met = 0
    for d in range(n):
        twin[d], similarity[d], estimates[d] = -1, 0.0, 0.0
        long = set_mid[d] < set_ends[d + 1]
        if not old[d]:
            for s in range(slot_ends[d], slot_ends[d + 1]):
                entry, count = first[slots[s]], 0
                while entry >= 0:
                    if count == limit:
                        met += 1
                        break
                    count += 1
                    h = owner[entry]
                    entry = following[entry]
                    if tried[h] == d:
                        continue
                    tried[h] = d
                    book = chunked[d] and chunked[h]
                    guess = _estimate(signatures, d, h, old[h])
                    value, least = guess, bar[d]
                    if not old[h]:
                        by_long = long and set_mid[h] < set_ends[h + 1]
                        alike = by_long or (set_mid[d] == set_ends[d + 1] and set_mid[h] == set_ends[h + 1])
                        if guess < cutoff[d] and alike and not book:
                            continue
                        lo, hi = (set_mid[d], set_ends[d + 1]) if by_long else (set_ends[d], set_mid[d])
                        at, end = (set_mid[h], set_ends[h + 1]) if by_long else (set_ends[h], set_mid[h])
                        common = common_values(sets, lo, hi, at, end)
                        whole = hi - lo if book else hi - lo + end - at - common
                        value = common / whole if whole > 0 else 0.0
                        least = bar[d] if by_long else short_bar
                        guess = guess if alike else value  # signatures of two kinds have nothing to say
                    # the most similar one; among equals the one that the policy prefers
                    if value >= least and (value > similarity[d] or (value == similarity[d] and h < twin[d])):
                        twin[d], similarity[d], estimates[d] = h, value, guess
        if twin[d] < 0:
            for s in range(slot_ends[d], slot_ends[d + 1]):
                slot = slots[s]
                if held[slot] > limit:
                    continue
                held[slot] += 1
                owner[s] = d
                if first[slot] < 0:
                    first[slot] = s
                else:
                    following[last[slot]] = s
                last[slot] = s
    return met


class Verdicts(NamedTuple):
    """For each document in the order given: position of its twin (-1: kept), similarity, estimate; how often the limit was met."""

    twin: Int64
    similarity: Float64
    estimates: Float64
    limited: int


def choose(
    keys: UInt64, key_ends: Int64, signatures: UInt32, sets: UInt32, set_ends: Int64, set_mid: Int64, bar: Float64, short_bar: float,
    old: npt.NDArray[np.bool_], chunked: npt.NDArray[np.bool_], limit: int,
) -> Verdicts:  # fmt: skip
    """Run `keep_hubs` over documents that are sorted by component and keep policy (components share no key)."""
    n = bar.size
    names, slots = np.unique(keys, return_inverse=True)
    error = np.sqrt(bar * (1 - bar) / max(1, signatures.shape[1]))
    out = Verdicts(np.empty(n, np.int64), np.empty(n), np.empty(n), 0)
    args = (signatures, sets, set_ends, set_mid, bar, short_bar, bar - MARGIN * np.maximum(error, 0.01), old, chunked, limit)
    met = keep_hubs(slots.astype(np.int64), key_ends, names.size, *args, out.twin, out.similarity, out.estimates)
    return out._replace(limited=met)
