"""The compiled loops over code points. Plain twins of every function are in `tests/naive.py`.

All kernels read one UTF-32 array for a whole batch with (n + 1) offsets and fill rows of a caller's array. They call each other and
therefore stay in one file: numba's cache does not see changes in another one. No kernel allocates more than a fixed amount
above its input: very long documents are read in windows of `WINDOW` units.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

WINDOW = 1 << 18  # units of one window of the repetition metrics (a novel of 500 000 characters has two)
UNIQUE_UNITS = 1000  # distinct units are counted in the first thousand: the ratio falls with length

STOP_KINDS = 8  # Gopher's stop words come first in the list; only these are counted as distinct ones
LINE_COLUMNS = (
    "lines", "newlines", "chars", "longest", "terminated", "terminated_chars", "bullet", "ellipsis", "short", "menu_chars",
    "repeated", "repeated_chars",
)  # fmt: skip
UNIT_COLUMNS = ("units", "han", "words", "digits", "word_chars", "capital_words", "stop_en", "stop_en_distinct", "head", "head_distinct")
MENU_UNITS = 7  # a line of fewer units without an end mark reads like a menu entry (HPLT: "menu" segments)
SHORT_CHARS = 30  # FineWeb's short line

UInt = npt.NDArray[np.uint32]
Row = npt.NDArray[Any]


@njit(cache=True, nogil=True)
def count_classes(codes: UInt, offsets: Row, class_of: Row, out: Row) -> None:
    """`out[d, c]`: characters of class c in document d."""
    for d in range(offsets.size - 1):
        for i in range(offsets[d], offsets[d + 1]):
            out[d, class_of[codes[i]]] += 1


@njit(cache=True, nogil=True)
def find_doubled(codes: UInt, offsets: Row, class_of: Row, is_mark: Row, out: Row) -> None:
    """`out[d]`: whether a mark (a class of `is_mark`) stands twice in a row in document d."""
    for d in range(offsets.size - 1):
        for i in range(offsets[d] + 1, offsets[d + 1]):
            if codes[i] == codes[i - 1] and is_mark[class_of[codes[i]]]:
                out[d] = True
                break


@njit(cache=True, nogil=True)
def _insert(keys: Row, mask: np.uint64, key: np.uint64) -> int:
    """Slot of `key` in an open table (0 = free); the caller knows from `keys[slot]` whether it was there."""
    slot = (key ^ (key >> np.uint64(29))) & mask
    while keys[slot] != 0 and keys[slot] != key:
        slot = (slot + np.uint64(1)) & mask
    return int(slot)


@njit(cache=True, nogil=True)
def _table_size(n: int) -> int:
    size = 16
    while size < 2 * n:
        size *= 2
    return size


@njit(cache=True, nogil=True)
def measure_lines(
    codes: UInt,
    offsets: Row,
    class_of: Row,
    is_space: Row,
    is_end: Row,
    is_closer: Row,
    is_bullet: Row,
    is_dots: Row,
    unit_kind: Row,
    out: Row,
) -> None:
    """`out[d]`: LINE_COLUMNS. A line is what stands between newlines and is not blank; characters are those that are not space."""
    for d in range(offsets.size - 1):
        lo, hi = offsets[d], offsets[d + 1]
        newlines = 0
        for i in range(lo, hi):
            if codes[i] == 10:
                newlines += 1
        keys = np.zeros(_table_size(newlines + 1), np.uint64)
        mask = np.uint64(keys.size - 1)
        out[d, 1] = newlines
        i = lo
        while i < hi:
            chars, units, kind_before = 0, 0, 0
            h = np.uint64(14695981039346656037)
            first, last = -1, -1
            while i < hi and codes[i] != 10:
                c = class_of[codes[i]]
                kind = unit_kind[c]
                if kind == 1 or (kind != 0 and kind_before != 2):
                    units += 1
                kind_before = 0 if kind == 0 else (1 if kind == 1 else 2)
                if not is_space[c]:
                    chars += 1
                    h = (h ^ np.uint64(codes[i])) * np.uint64(1099511628211)
                    if first < 0:
                        first = c
                    last = c
                i += 1
            i += 1
            if chars == 0:
                continue
            out[d, 0] += 1
            out[d, 2] += chars
            if chars > out[d, 3]:
                out[d, 3] = chars
            ended = is_end[last] or is_closer[last]
            if ended:
                out[d, 4] += 1
                out[d, 5] += chars
            if is_bullet[first]:
                out[d, 6] += 1
            if is_dots[last]:
                out[d, 7] += 1
            if chars <= SHORT_CHARS:
                out[d, 8] += 1
            if units < MENU_UNITS and not ended:
                out[d, 9] += chars
            h |= np.uint64(1)
            slot = _insert(keys, mask, h)
            if keys[slot] == h:
                out[d, 10] += 1
                out[d, 11] += chars
            else:
                keys[slot] = h


@njit(cache=True, nogil=True)
def measure_clauses(codes: UInt, offsets: Row, class_of: Row, is_han: Row, out: Row) -> None:
    """`out[d]`: clauses (runs of Han characters), then clauses of the commonest length among 4, 5 and 7, the lengths of verse."""
    for d in range(offsets.size - 1):
        length, fours, fives, sevens = 0, 0, 0, 0
        for i in range(offsets[d], offsets[d + 1] + 1):
            if i < offsets[d + 1] and is_han[class_of[codes[i]]]:
                length += 1
                continue
            if length > 0:
                out[d, 0] += 1
                fours += length == 4
                fives += length == 5
                sevens += length == 7
            length = 0
        out[d, 1] = max(fours, fives, sevens)


@njit(cache=True, nogil=True)
def _segment(
    codes: UInt, lo: int, hi: int, class_of: Row, unit_kind: Row, is_upper: Row, lower: UInt, hashes: Row, chars: Row, kinds: Row
) -> tuple[int, int]:
    """Fill hashes, lengths and kinds of the units from `lo` on, at most `hashes.size`; returns (units, where it stopped)."""
    n, i = 0, lo
    while i < hi and n < hashes.size:
        kind = unit_kind[class_of[codes[i]]]
        if kind == 0:
            i += 1
            continue
        h = np.uint64(14695981039346656037)
        if kind == 1:
            h = (h ^ np.uint64(codes[i])) * np.uint64(1099511628211)
            hashes[n], chars[n], kinds[n] = h | np.uint64(1), 1, 1
            n += 1
            i += 1
            continue
        start, digits, upper = i, 0, 0
        while i < hi:
            c = class_of[codes[i]]
            if unit_kind[c] < 2:
                break
            digits += unit_kind[c] == 3
            upper += is_upper[c]
            point = codes[i]
            if point < lower.size:
                point = lower[point]
            h = (h ^ np.uint64(point)) * np.uint64(1099511628211)
            i += 1
        length = i - start
        hashes[n], chars[n] = h | np.uint64(1), length
        kinds[n] = 3 if digits == length else (4 if upper == length and length > 1 else 2)
        n += 1
    return n, i


@njit(cache=True, nogil=True)
def measure_units(
    codes: UInt, offsets: Row, class_of: Row, unit_kind: Row, is_upper: Row, lower: UInt, stop_en: Row, out: Row, entropy: Row
) -> None:
    """`out[d]`: UNIT_COLUMNS; `entropy[d]`: unigram entropy of the units in nats (mean over windows, weighted by units)."""
    hashes, chars, kinds = np.empty(WINDOW, np.uint64), np.empty(WINDOW, np.int32), np.empty(WINDOW, np.uint8)
    for d in range(offsets.size - 1):
        i, hi = offsets[d], offsets[d + 1]
        seen_stop = 0
        weighted = 0.0
        while i < hi:
            n, i = _segment(codes, i, hi, class_of, unit_kind, is_upper, lower, hashes, chars, kinds)
            size = _table_size(n)
            keys, counts = np.zeros(size, np.uint64), np.zeros(size, np.int32)
            mask = np.uint64(size - 1)
            for u in range(n):
                kind = kinds[u]
                if kind == 1:
                    out[d, 1] += 1
                elif kind == 3:
                    out[d, 3] += 1
                else:
                    out[d, 2] += 1
                    out[d, 4] += chars[u]
                    out[d, 5] += kind == 4
                    if chars[u] <= 4:  # the longest of the stop words
                        for s in range(stop_en.size):
                            if stop_en[s] == hashes[u]:
                                out[d, 6] += 1
                                if s < STOP_KINDS:
                                    seen_stop |= 1 << s
                slot = _insert(keys, mask, hashes[u])
                if keys[slot] == 0:
                    keys[slot] = hashes[u]
                    if out[d, 0] + u < UNIQUE_UNITS:
                        out[d, 9] += 1
                counts[slot] += 1
            if n > 0:
                total = 0.0
                for s in range(size):
                    if counts[s] > 0:
                        total += counts[s] * np.log(counts[s])
                weighted += n * np.log(n) - total
            out[d, 0] += n
        while seen_stop:
            out[d, 7] += seen_stop & 1
            seen_stop >>= 1
        out[d, 8] = min(out[d, 0], UNIQUE_UNITS)
        entropy[d] = weighted / out[d, 0] if out[d, 0] > 0 else np.nan


@njit(cache=True, nogil=True)
def measure_repetition(
    codes: UInt, offsets: Row, class_of: Row, unit_kind: Row, is_upper: Row, lower: UInt, top: Row, dup: Row, out: Row
) -> None:
    """Repetition of unit n-grams, as a share of the units' characters.

    For each n of `top`: count × length of the n-gram that covers most, 0 when none repeats. For each n of `dup`: characters covered by
    n-grams that have occurred before, each counted once. `out[d]`: the columns of `top`, then of `dup` (n ascending in each); NaN
    without units.
    """
    hashes, chars, kinds = np.empty(WINDOW, np.uint64), np.empty(WINDOW, np.int32), np.empty(WINDOW, np.uint8)
    grams = np.empty(WINDOW, np.uint64)
    largest = 0
    for n in top:
        largest = max(largest, n)
    for n in dup:
        largest = max(largest, n)
    for d in range(offsets.size - 1):
        i, hi = offsets[d], offsets[d + 1]
        all_chars = 0
        for column in range(out.shape[1]):
            out[d, column] = 0.0
        while i < hi:
            units, i = _segment(codes, i, hi, class_of, unit_kind, is_upper, lower, hashes, chars, kinds)
            size = _table_size(units)
            keys, counts = np.empty(size, np.uint64), np.empty(size, np.int32)
            for u in range(units):
                all_chars += chars[u]
                grams[u] = hashes[u]
            for n in range(2, largest + 1):
                last = units - n
                for u in range(last + 1):
                    g = grams[u] * np.uint64(0x9E3779B97F4A7C15) + hashes[u + n - 1]
                    grams[u] = (g ^ (g >> np.uint64(32))) | np.uint64(1)
                for column in range(top.size):
                    if top[column] == n and last >= 1:
                        # occurrences may overlap (哈哈哈哈): a share is never more than the whole
                        out[d, column] += min(_top_gram(grams, chars, last + 1, n, keys, counts), _total(chars, units))
                for column in range(dup.size):
                    if dup[column] == n and last >= 1:
                        out[d, top.size + column] += _covered(grams, chars, last + 1, n, keys)
        for column in range(out.shape[1]):
            out[d, column] = out[d, column] / all_chars if all_chars > 0 else np.nan


@njit(cache=True, nogil=True)
def _total(chars: Row, units: int) -> float:
    total = 0
    for u in range(units):
        total += chars[u]
    return float(total)


@njit(cache=True, nogil=True)
def _top_gram(grams: Row, chars: Row, count: int, n: int, keys: Row, counts: Row) -> float:
    mask = np.uint64(keys.size - 1)
    keys[:] = 0
    counts[:] = 0
    length = 0
    for k in range(n - 1):
        length += chars[k]
    best = 0
    for u in range(count):
        length += chars[u + n - 1]
        slot = _insert(keys, mask, grams[u])
        keys[slot] = grams[u]
        counts[slot] += 1
        if counts[slot] > 1 and counts[slot] * length > best:
            best = counts[slot] * length
        length -= chars[u]
    return float(best)


@njit(cache=True, nogil=True)
def _covered(grams: Row, chars: Row, count: int, n: int, keys: Row) -> float:
    mask = np.uint64(keys.size - 1)
    keys[:] = 0
    covered, done = 0, 0  # units below `done` have been counted
    for u in range(count):
        slot = _insert(keys, mask, grams[u])
        if keys[slot] == 0:
            keys[slot] = grams[u]
            continue
        for k in range(max(u, done), u + n):
            covered += chars[k]
        done = u + n
    return float(covered)
