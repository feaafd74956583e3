"""Kernels on packed n-grams: a key of 128 bits, `hi` and `lo` (uint64), holds the token numbers of an n-gram, `bits` bits each.

*Suffix key*: the last token is the most significant. So keys in rising order are n-grams in suffix order, `key >> bits` is the n-gram
without its first token, and the low (k - 1) × bits are its context. *Context key*: the context first, the last token least significant.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from cleaning.models.lm.vocabulary import Int64, UInt32, UInt64

Float32 = npt.NDArray[np.float32]

MARK = 63  # this bit of a count says that the n-gram will be pruned


@njit(cache=True, nogil=True)
def _shr(hi: np.uint64, lo: np.uint64, n: int) -> tuple[np.uint64, np.uint64]:
    if n == 0:
        return hi, lo
    if n < 64:
        return hi >> np.uint64(n), lo >> np.uint64(n) | hi << np.uint64(64 - n)
    return np.uint64(0), (hi >> np.uint64(n - 64) if n < 128 else np.uint64(0))


@njit(cache=True, nogil=True)
def _shl(hi: np.uint64, lo: np.uint64, n: int) -> tuple[np.uint64, np.uint64]:
    if n == 0:
        return hi, lo
    if n < 64:
        return hi << np.uint64(n) | lo >> np.uint64(64 - n), lo << np.uint64(n)
    return (lo << np.uint64(n - 64) if n < 128 else np.uint64(0)), np.uint64(0)


@njit(cache=True, nogil=True)
def _low(hi: np.uint64, lo: np.uint64, n: int) -> tuple[np.uint64, np.uint64]:
    """The low n bits."""
    hi, lo = _shl(hi, lo, 128 - n)
    return _shr(hi, lo, 128 - n)


@njit(cache=True, nogil=True)
def _pack(ids: UInt32, order: int, bits: int, state: UInt64, hi: UInt64, lo: UInt64) -> None:
    """Suffix keys of the n-grams that end in each token; after `</s>` (2) a new line begins with order - 1 times `<s>` (1).

    `state` (3) carries the line that is open from block to block: key, and whether there is one.
    """
    top = (order - 1) * bits
    begin_h, begin_l = np.uint64(0), np.uint64(0)
    for _ in range(order):
        begin_h, begin_l = _shl(begin_h, begin_l, bits)
        begin_l |= np.uint64(1)
    high, low = (state[0], state[1]) if state[2] else (begin_h, begin_l)
    for i in range(ids.size):
        high, low = _shr(high, low, bits)
        word_h, word_l = _shl(np.uint64(0), np.uint64(ids[i]), top)
        high |= word_h
        low |= word_l
        hi[i], lo[i] = high, low
        if ids[i] == 2:
            high, low = begin_h, begin_l
    state[0], state[1], state[2] = high, low, np.uint64(1)


@njit(cache=True, nogil=True)
def _unpack(hi: UInt64, lo: UInt64, order: int, bits: int, ids: UInt32) -> None:
    mask = np.uint64((1 << bits) - 1)
    for i in range(hi.size):
        high, low = hi[i], lo[i]
        for k in range(order):
            ids[i, k] = low & mask
            high, low = _shr(high, low, bits)


@njit(cache=True, nogil=True)
def _radix_sort(hi: UInt64, lo: UInt64, val: UInt64, hi2: UInt64, lo2: UInt64, val2: UInt64, bits: int) -> bool:
    """Sort by the low `bits` bits of the keys, least significant digit first. True: the result is in the second arrays.

    `val` may be empty, then only keys are sorted.
    """
    n, weighed = hi.size, val.size > 0
    passes = (bits + 10) // 11
    counts = np.zeros((passes, 2048), np.int64)
    for i in range(n):
        for p in range(passes):
            counts[p, np.int64(_shr(hi[i], lo[i], p * 11)[1] & np.uint64(2047))] += 1
    swapped = False
    for p in range(passes):
        if counts[p].max() == n:
            continue
        at = np.zeros(2048, np.int64)
        for d in range(1, 2048):
            at[d] = at[d - 1] + counts[p, d - 1]
        shift = p * 11
        for i in range(n):
            high, low = hi[i], lo[i]
            if shift + 11 <= 64:
                digit = np.int64(low >> np.uint64(shift) & np.uint64(2047))
            else:
                digit = np.int64(_shr(high, low, shift)[1] & np.uint64(2047))
            j = at[digit]
            at[digit] = j + 1
            hi2[j], lo2[j] = high, low
            if weighed:
                val2[j] = val[i]
        hi, hi2 = hi2, hi
        lo, lo2 = lo2, lo
        val, val2 = val2, val
        swapped = not swapped
    return swapped


@njit(cache=True, nogil=True)
def _combine(hi: UInt64, lo: UInt64, val: UInt64, out: UInt64) -> int:
    """Equal neighbours become one, in place; `out` gets the sums of `val` (an empty one: all are 1)."""
    m = -1
    for i in range(hi.size):
        count = val[i] if val.size else np.uint64(1)
        if m >= 0 and hi[m] == hi[i] and lo[m] == lo[i]:
            out[m] += count
        else:
            m += 1
            hi[m], lo[m], out[m] = hi[i], lo[i], count
    return m + 1


@njit(cache=True, nogil=True)
def _lower_bound(hi: UInt64, lo: UInt64, key_hi: np.uint64, key_lo: np.uint64) -> int:
    """How many of the sorted keys are smaller."""
    a, b = 0, hi.size
    while a < b:
        middle = (a + b) // 2
        if hi[middle] < key_hi or (hi[middle] == key_hi and lo[middle] < key_lo):
            a = middle + 1
        else:
            b = middle
    return a


@njit(cache=True, nogil=True)
def _emit(
    k: int, hi: np.uint64, lo: np.uint64, adjusted: np.uint64, pruned: bool, counted: np.uint64, bits: int,
    out_hi: UInt64, out_lo: UInt64, out_count: UInt64, sizes: Int64, stats: Int64,
) -> None:  # fmt: skip
    """Put out one n-gram of order k, given by its suffix key; `counted` is what the counts of counts see."""
    m = sizes[k - 1]
    word = _shr(hi, lo, (k - 1) * bits)[1]
    high, low = _low(hi, lo, (k - 1) * bits)
    high, low = _shl(high, low, bits)
    out_hi[k - 1, m], out_lo[k - 1, m] = high, low | word
    out_count[k - 1, m] = adjusted | (np.uint64(pruned) << np.uint64(63))
    sizes[k - 1] = m + 1
    if counted < np.uint64(5):
        stats[k - 1, np.int64(counted)] += 1
    if not pruned:
        stats[k - 1, 5] += 1


@njit(cache=True, nogil=True)
def _close(
    same: int, order: int, bits: int, prune: UInt64, last: UInt64, open_adjusted: UInt64, open_raw: UInt64, state: Int64,
    out_hi: UInt64, out_lo: UInt64, out_count: UInt64, sizes: Int64, stats: Int64, final: bool,
) -> None:  # fmt: skip
    """Put out the open n-grams of more than `same` tokens."""
    for k in range(same + 1, state[0] + 1):
        high, low = _shr(last[0], last[1], (order - k) * bits)
        adjusted, raw = open_adjusted[k - 1], open_raw[k - 1]
        # lmplz takes the last n-grams of a corpus into its counts of counts as they are, not adjusted; so do we, to agree with it
        counted = raw if final else adjusted
        _emit(k, high, low, adjusted, raw <= prune[k - 1], counted, bits, out_hi, out_lo, out_count, sizes, stats)


@njit(cache=True, nogil=True)
def _adjust(
    hi: UInt64, lo: UInt64, count: UInt64, order: int, bits: int, prune: UInt64, last: UInt64, open_adjusted: UInt64, open_raw: UInt64,
    state: Int64, out_hi: UInt64, out_lo: UInt64, out_count: UInt64, sizes: Int64, stats: Int64, final: bool,
) -> None:  # fmt: skip
    """Adjusted counts of all orders from a block of counted n-grams of the highest one, in suffix order.

    `out_*` (order, block + 1): context keys and adjusted counts with `MARK`; `sizes` (order): how many there are. Between blocks the state
    is `last` (2: the last key), `open_*` (order: counts that may still grow), `state` (1: how many orders are open). `stats` (order, 6):
    n-grams with adjusted count 0 … 4 and, last, those that stay. `final`: there is no block after this one.
    """
    for i in range(hi.size):
        high, low, n = hi[i], lo[i], count[i]
        same = 0
        if state[0] > 0:
            dh, dl = high ^ last[0], low ^ last[1]
            while same < order:
                rest_h, rest_l = _shr(dh, dl, (order - 1 - same) * bits)
                if rest_h != 0 or rest_l != 0:
                    break
                same += 1
        _close(same, order, bits, prune, last, open_adjusted, open_raw, state, out_hi, out_lo, out_count, sizes, stats, False)
        for k in range(same):
            open_raw[k] += n
        if same:
            open_adjusted[same - 1] += np.uint64(1)  # one more token that precedes it
        depth, begins = order, False  # tokens from the last one back to <s>, if there is one
        for j in range(1, order):
            rest_h, rest_l = _shr(high, low, (order - 1 - j) * bits)
            if _low(rest_h, rest_l, bits)[1] == 1:
                depth, begins = j + 1, True
                break
        state[0] = min(depth, order - 1)
        for k in range(same + 1, state[0] + 1):
            # nothing precedes what begins with <s>: its count stays as it is
            open_adjusted[k - 1] = n if begins and k == depth else np.uint64(1)
            open_raw[k - 1] = n
        if depth == order:
            _emit(order, high, low, n, n <= prune[order - 1], n, bits, out_hi, out_lo, out_count, sizes, stats)
        last[0], last[1] = high, low
    if final:
        _close(0, order, bits, prune, last, open_adjusted, open_raw, state, out_hi, out_lo, out_count, sizes, stats, True)


@njit(cache=True, nogil=True)
def _contexts(
    hi: UInt64, lo: UInt64, count: UInt64, order: int, bits: int, discount: Float32, low_hi: UInt64, low_lo: UInt64, backoff: Float32,
    state: Int64, out_hi: UInt64, out_lo: UInt64, out: Float32, final: bool,
) -> int:  # fmt: skip
    """First probabilities of a block of n-grams in the order of their contexts.

    Sets `backoff` of the contexts among the n-grams one shorter (`low_*`, suffix keys; `state[0]` is how far they are done), and puts
    out the n-grams that stay: suffix keys, and in `out` (n, 2) the probability and the weight of the lower order. `state[1]`: rows that
    were done; the last context may go on in the next block, unless this is the `final` one. Returns how many n-grams there are.
    """
    m, i, at = 0, 0, state[0]
    while i < hi.size:
        ch, cl = _shr(hi[i], lo[i], bits)
        denominator, lost = np.uint64(0), np.uint64(0)
        n1, n2, n3 = 0, 0, 0
        j = i
        while j < hi.size:
            high, low = _shr(hi[j], lo[j], bits)
            if high != ch or low != cl:
                break
            c = count[j] & np.uint64(0x7FFFFFFFFFFFFFFF)
            denominator += c
            if c != count[j]:
                lost += c
            elif c == 1:
                n1 += 1
            elif c == 2:
                n2 += 1
            else:
                n3 += 1
            j += 1
        if j == hi.size and not final:
            break
        total = np.float32(denominator)
        gamma = discount[1] * np.float32(n1) + discount[2] * np.float32(n2) + discount[3] * np.float32(n3)
        gamma = (gamma + np.float32(lost)) / total
        while at < low_hi.size and (low_hi[at] < ch or (low_hi[at] == ch and low_lo[at] < cl)):
            at += 1
        if at < low_hi.size and low_hi[at] == ch and low_lo[at] == cl:
            backoff[at] = gamma
        for r in range(i, j):
            c = count[r]
            if c >> np.uint64(63):
                continue
            word = _low(np.uint64(0), lo[r], bits)[1]
            high, low = _shl(np.uint64(0), word, (order - 1) * bits)
            out_hi[m], out_lo[m] = high | ch, low | cl
            out[m, 0] = (np.float32(c) - discount[min(c, np.uint64(3))]) / total
            out[m, 1] = gamma
            m += 1
        i = j
    state[0], state[1] = at, i
    return m


@njit(cache=True, nogil=True)
def _interpolate(
    hi: UInt64, lo: UInt64, first: Float32, bits: int, low_hi: UInt64, low_lo: UInt64, low_prob: Float32, at: int, prob: Float32
) -> int:  # fmt: skip
    """Probabilities of n-grams in suffix order: their own (`first`, (n, 2)) and the weighted ones of their suffixes, found from `at` on.

    Returns how far it came; -1 when a suffix is missing.
    """
    for i in range(hi.size):
        high, low = _shr(hi[i], lo[i], bits)
        while at < low_hi.size and (low_hi[at] < high or (low_hi[at] == high and low_lo[at] < low)):
            at += 1
        if at == low_hi.size or low_hi[at] != high or low_lo[at] != low:
            return -1
        prob[i] = first[i, 0] + first[i, 1] * low_prob[at]
    return at
