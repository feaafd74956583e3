"""The compiled loops over n-grams of units or other tokens. Plain twins of every public function are in `tests/naive.py`.

They read the hashes and lengths that `unit_kernels.measure_units` wrote, in windows of `WINDOW` tokens: no table grows with a document.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from cleaning.text.kernels import Row
from cleaning.text.unit_kernels import WINDOW

LONGEST_STRETCH = 16  # units of the longest stretch whose immediate repetition is looked for


@njit(cache=True, nogil=True)
def _table_size(n: int) -> int:
    size = 16
    while size < 2 * n:
        size *= 2
    return size


@njit(cache=True, nogil=True)
def _slot(keys: Row, mask: np.uint64, key: np.uint64) -> int:
    """Slot of `key` in an open table of 32-bit tags (0 = free). Two keys share tag and home once in four thousand million."""
    tag = np.uint32(key >> np.uint64(32)) | np.uint32(1)
    slot = (key ^ (key >> np.uint64(29))) & mask
    while keys[slot] != 0 and keys[slot] != tag:
        slot = (slot + np.uint64(1)) & mask
    return int(slot)


@njit(cache=True, nogil=True)
def measure_repetition(hashes: Row, chars: Row, ends: Row, top: Row, dup: Row, share: Row) -> None:
    """Repetition of n-grams of tokens, as a share of the tokens' characters. Document d has the tokens ends[d] to ends[d + 1].

    For each n of `top`: count × length of the n-gram that covers most, 0 when none repeats. For each n of `dup`: characters covered by
    n-grams that have occurred before, each counted once. `share[d]`: the columns of `top`, then of `dup` (n ascending in each); NaN
    without tokens.
    """
    room = _table_size(min(WINDOW, hashes.size))
    keys, counts = np.zeros(room, np.uint32), np.zeros(room, np.int32)
    for d in range(ends.size - 1):
        all_chars = 0
        for u in range(ends[d], ends[d + 1]):
            all_chars += chars[u]
        for column in range(share.shape[1]):
            share[d, column] = 0.0 if all_chars > 0 else np.nan
        for lo in range(ends[d], ends[d + 1], WINDOW):
            hi = min(lo + WINDOW, ends[d + 1])
            _repetition(hashes[lo:hi], chars[lo:hi], hi - lo, keys, counts, top, dup, share[d])
        for column in range(share.shape[1]):
            share[d, column] /= max(all_chars, 1)


@njit(cache=True, nogil=True)
def _repetition(hashes: Row, chars: Row, n: int, keys: Row, counts: Row, top: Row, dup: Row, out: Row) -> None:
    """Add the covered characters of one window to `out`: the columns of `top`, then those of `dup`."""
    total = 0
    for u in range(n):
        total += chars[u]
    space = _table_size(n)
    table, tally = keys[:space], counts[:space]
    repeated = n  # longest stretch in which every n-gram of the longest order of `top` has occurred before
    for column in range(top.size):
        if n > top[column]:
            covered, repeated = _top_gram(hashes, chars, n, top[column], table, tally)
            # occurrences may overlap (哈哈哈哈): a share is never more than the whole
            out[column] += min(covered, total)
            repeated += top[column] - 1
    for column in range(dup.size):
        if n > dup[column] and repeated >= dup[column]:  # else no n-gram of this order can have occurred before
            out[top.size + column] += _covered(hashes, chars, n, dup[column], table)


@njit(cache=True, nogil=True)
def _power(n: int) -> np.uint64:
    power = np.uint64(1)
    for _ in range(n):
        power *= np.uint64(0x9E3779B97F4A7C15)
    return power


@njit(cache=True, nogil=True)
def _mix(g: np.uint64) -> np.uint64:
    """Spread the bits of a rolling hash: its low bits depend on the low bits of the units only."""
    g = (g ^ (g >> np.uint64(32))) * np.uint64(0xD6E8FEB86659FD93)
    return g ^ (g >> np.uint64(29))


@njit(cache=True, nogil=True)
def _top_gram(hashes: Row, chars: Row, units: int, n: int, keys: Row, counts: Row) -> tuple[int, int]:
    """(characters of the n-gram that covers most; most n-grams in a row that have all occurred before)."""
    mask = np.uint64(keys.size - 1)
    keys[:] = 0
    counts[:] = 0
    oldest = _power(n)
    g, length, best, run, longest = np.uint64(0), 0, 0, 0, 0
    for u in range(units):
        g = g * np.uint64(0x9E3779B97F4A7C15) + hashes[u]
        length += chars[u]
        if u >= n:
            g -= oldest * hashes[u - n]
            length -= chars[u - n]
        if u < n - 1:
            continue
        key = _mix(g)
        slot = _slot(keys, mask, key)
        keys[slot] = np.uint32(key >> np.uint64(32)) | np.uint32(1)
        times = counts[slot] + 1
        counts[slot] = times
        run += 1
        if times == 1:
            run = 0
            continue
        longest = max(longest, run)
        best = max(best, times * length)
    return best, longest


@njit(cache=True, nogil=True)
def _covered(hashes: Row, chars: Row, units: int, n: int, keys: Row) -> int:
    mask = np.uint64(keys.size - 1)
    keys[:] = 0
    oldest = _power(n)
    g, covered, done = np.uint64(0), 0, 0  # units below `done` have been counted
    for u in range(units):
        g = g * np.uint64(0x9E3779B97F4A7C15) + hashes[u]
        if u >= n:
            g -= oldest * hashes[u - n]
        if u < n - 1:
            continue
        key = _mix(g)
        slot = _slot(keys, mask, key)
        if keys[slot] == 0:
            keys[slot] = np.uint32(key >> np.uint64(32)) | np.uint32(1)
            continue
        for k in range(max(u - n + 1, done), u + 1):
            covered += chars[k]
        done = u + 1
    return covered


@njit(cache=True, nogil=True)
def measure_runs(hashes: Row, ends: Row, out: Row) -> None:
    """`out[d]`: most immediate repetitions of a stretch of 1 to 16 tokens; tokens inside stretches that repeat four times; tokens."""
    for d in range(ends.size - 1):
        n = ends[d + 1] - ends[d]
        units, inside = hashes[ends[d] : ends[d + 1]], np.zeros(n, np.bool_)
        if n > 0:
            out[d, 0] = 1
        for period in range(1, LONGEST_STRETCH + 1):
            same = 0
            for u in range(period, n + 1):
                if u < n and units[u] == units[u - period]:
                    same += 1
                    continue
                times = same // period + 1
                out[d, 0] = max(out[d, 0], times)
                if times >= 4:
                    inside[u - same - period : u] = True
                same = 0
        out[d, 1] = inside.sum()
        out[d, 2] = n


@njit(cache=True, nogil=True)
def count_grams(hashes: Row, offsets: Row, n: int, out: Row) -> None:
    """`out[d]`: n-grams; those that occur at least twice, counted with their occurrences; occurrences of the √N commonest.

    The last is data-juicer's character repetition: N distinct n-grams, the commonest √N of them, but none that occurs once.
    """
    keys, counts = np.zeros(_table_size(hashes.size), np.uint32), np.zeros(_table_size(hashes.size), np.int64)
    for d in range(offsets.size - 1):
        lo, length = offsets[d], offsets[d + 1] - offsets[d] - n + 1
        if length < 1:
            continue
        size = _table_size(length)
        table, tally = keys[:size], counts[:size]
        table[:], tally[:] = 0, 0
        mask = np.uint64(size - 1)
        for u in range(length):
            g = np.uint64(0)
            for k in range(n):
                g = g * np.uint64(0x9E3779B97F4A7C15) + hashes[lo + u + k]
            g = _mix(g)
            slot = _slot(table, mask, g)
            table[slot] = np.uint32(g >> np.uint64(32)) | np.uint32(1)
            tally[slot] += 1
        used = np.sort(tally[tally > 0])[::-1]
        often = (used > 1).sum()
        out[d, 0] = length
        out[d, 1] = used[:often].sum()
        out[d, 2] = used[: min(int(np.sqrt(used.size)), often)].sum()
