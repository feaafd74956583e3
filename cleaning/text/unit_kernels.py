"""The compiled loop that cuts texts into units and counts them. Its plain twin is in `tests/naive.py`.

Very long documents are read in windows of `WINDOW` units, so that no table grows with a document.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from numba import njit

from cleaning.text.kernels import Row, UInt

WINDOW = 1 << 18  # units of one window of the repetition metrics (a novel of 500 000 characters has two)
UNIQUE_UNITS = 1000  # distinct units are counted in the first thousand: the ratio falls with length
SHORTEST_NUMBER, LONGEST_NUMBER = 7, 12  # digits of a telephone or QQ number
SHORTEST_HANDLE, LONGEST_HANDLE = 6, 20  # characters of a name with letters and digits, as messengers and throw-away domains have
ENTROPY_SCALE = float(1 << 40)
STOP_KINDS = 8  # Gopher's stop words come first among the function words; only these are counted as distinct ones

UNIT_COLUMNS = (
    "units", "han", "words", "digits", "word_chars", "capital_words", "stop_en", "stop_en_distinct", "head", "head_distinct",
    "distinct", "longest_word", "broken", "numbers", "handles",
    "breaks", "single_letters", "mixed_case",
)  # fmt: skip


@njit(cache=True, nogil=True)
def _table_size(n: int) -> int:
    size = 16
    while size < 2 * n:
        size *= 2
    return size


@njit(cache=True, nogil=True)
def _is_break(codes: UInt, class_of: Row, is_blank: Row, lo: int, hi: int, han_before: bool, han_after: bool) -> bool:
    """Whether codes[lo:hi] between two units ends a segment: any mark or newline, and blanks between two Han.

    A single mark between letters is part of a word (don't, example.com, well-known).
    """
    if hi - lo == 1 and not han_before and not han_after and codes[lo] != 10:
        return False
    for i in range(lo, hi):
        if not is_blank[class_of[codes[i]]]:
            return True
    return han_before and han_after


@njit(cache=True, nogil=True)
def _count_run(table: Row, mask: np.uint64, key: np.uint64, touched: Row, used: int) -> tuple[int, int]:
    """(how often `key` was there before, `used`) in an open table of 32-bit tags and counts; `touched` are its slots in use.

    Two keys share tag and home once in four thousand million.
    """
    tag = (key >> np.uint64(32)) | np.uint64(1)
    slot = (key ^ (key >> np.uint64(29))) & mask
    while table[slot] != 0 and table[slot] >> np.uint64(32) != tag:
        slot = (slot + np.uint64(1)) & mask
    if table[slot] == 0:
        table[slot] = tag << np.uint64(32)
        touched[used] = slot
        used += 1
    table[slot] += np.uint64(1)
    return int(table[slot] & np.uint64(0xFFFFFFFF)) - 1, used


@njit(cache=True, nogil=True)
def _word_of(word_keys: Row, word_ids: Row, key: np.uint64) -> int:
    """Number of the function word with this hash, or 0."""
    mask = np.uint64(word_keys.size - 1)
    slot = (key * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(53)
    while word_keys[slot] != 0:
        if word_keys[slot] == key:
            return int(word_ids[slot])
        slot = (slot + np.uint64(1)) & mask
    return 0


@njit(cache=True, nogil=True)
def measure_units(
    codes: UInt, offsets: Row, class_of: Row, unit_kind: Row, is_upper: Row, lower: UInt,
    is_mark: Row, is_blank: Row, word_keys: Row, word_ids: Row, counted: Row, bad_pair: Row, han_words: Row, gain: Row,
    hashes: Row, chars: Row, ends: Row, out: Row, entropy: Row,
) -> None:  # fmt: skip
    """`out[d]`: UNIT_COLUMNS; `entropy[d]`: unigram entropy in nats (mean over windows, weighted by units).

    `hashes`, `chars` (room for one a code) and `ends` (n + 1): hashes and lengths of all units one after the other, and where
    those of each document are. Function words: `word_keys` is an open table of 2048 unit hashes (0 = free), `word_ids` their numbers
    (1 …), `han_words` (65536) the number of each single character, `counted` the English stop words, `bad_pair` which number never follows
    which; the last number is a clause mark (`is_mark`). `gain[k]` is what the k + 1st occurrence of a unit adds to the sum of n ln n.
    """
    table, touched = np.zeros(_table_size(min(WINDOW, codes.size // 2 + 1)), np.uint64), np.empty(WINDOW, np.int64)
    seen = han_words << 20  # of single characters of the basic plane: number, and below it how often there
    single, info = np.empty(WINDOW + 1, np.int32), np.zeros(lower.size, np.uint32)
    for point in range(lower.size):  # of the letters and digits of alphabets: the small letter, and above it digit, capital, any of them
        c = class_of[point]
        if unit_kind[c] >= 2:
            info[point] = lower[point] | (unit_kind[c] == 3) << 24 | is_upper[c] << 25 | 1 << 26
    mark, at = bad_pair.shape[0] - 1, 0
    for d in range(offsets.size - 1):
        lo, i, hi = offsets[d], offsets[d], offsets[d + 1]
        seen_stop, before, all_units = 0, 0, 0
        weighted = 0.0
        han, words, digit_runs, word_chars, capitals, longest, stops, broken, numbers, handles = 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
        breaks, singles, mixed, all_distinct, early = 0, 0, 0, 0, 0
        mask = np.uint64(_table_size(min(WINDOW, (hi - lo) // 2 + 1)) - 1)
        while i < hi:
            n, used, singles_used, distinct, total = 0, 0, 0, 0, 0
            head = max(0, UNIQUE_UNITS - all_units)
            end, han_before = i, False  # of the unit before
            while i < hi and n < WINDOW:
                c = class_of[codes[i]]
                kind = unit_kind[c]
                if kind == 0:
                    i += 1
                    continue
                start = i
                if kind == 1:
                    point = codes[i]
                    i += 1
                    key = ((np.uint64(14695981039346656037) ^ np.uint64(point)) * np.uint64(1099511628211)) | np.uint64(1)
                    length = 1
                    han += 1
                    if point < 65536:
                        known = seen[point]
                        seen[point] = known + 1
                        times, number = known & 0xFFFFF, known >> 20
                        single[singles_used] = point
                        singles_used += times == 0
                    else:
                        times, used = _count_run(table, mask, key, touched, used)
                        number = 0
                else:
                    h = np.uint64(14695981039346656037)
                    digits, upper, first_upper = 0, 0, is_upper[c]
                    while i < hi:
                        point = codes[i]
                        if point < info.size:
                            entry = info[point]
                            if entry == 0:
                                break
                            digits += entry >> 24 & 1
                            upper += entry >> 25 & 1
                            point = entry & np.uint32(0xFFFFFF)
                        else:
                            c = class_of[point]
                            if unit_kind[c] < 2:
                                break
                            digits += unit_kind[c] == 3
                            upper += is_upper[c]
                        h = (h ^ np.uint64(point)) * np.uint64(1099511628211)
                        i += 1
                    key = h | np.uint64(1)
                    length = i - start
                    times, used = _count_run(table, mask, key, touched, used)
                    number = 0
                    if digits == length:
                        digit_runs += 1
                        numbers += SHORTEST_NUMBER <= length <= LONGEST_NUMBER
                    else:
                        words += 1
                        word_chars += length
                        singles += length == 1
                        longest = max(longest, length)
                        if upper == length and length > 1:
                            capitals += 1
                        elif digits > 0:
                            handles += SHORTEST_HANDLE <= length <= LONGEST_HANDLE
                        else:
                            mixed += upper > first_upper
                        if length <= 14:  # no word of the table is longer
                            number = _word_of(word_keys, word_ids, key)
                hashes[at], chars[at] = key, length
                at += 1
                total += gain[times]
                distinct += times == 0
                early += times == 0 and n < head
                if n > 0 and start > end:
                    breaks += _is_break(codes, class_of, is_blank, end, start, han_before, kind == 1)
                if number > 0:
                    if counted[number]:
                        stops += 1
                        if number <= STOP_KINDS:
                            seen_stop |= 1 << (number - 1)
                    left = start - 1
                    if kind != 1 and left > lo and codes[left] == 32:
                        left -= 1
                    if left >= lo and is_mark[class_of[codes[left]]]:
                        broken += bad_pair[mark, number]
                    if i < hi and is_mark[class_of[codes[i]]]:
                        broken += bad_pair[number, mark]
                    if before > 0 and n > 0 and (start == end if kind == 1 else (start == end + 1 and codes[end] == 32)):
                        broken += bad_pair[before, number]
                before = number
                end, han_before = i, kind == 1
                n += 1
            for k in range(used):
                table[touched[k]] = 0
            for k in range(singles_used):
                seen[single[k]] &= -0x100000
            if n > 0:
                weighted += n * np.log(n) - total / ENTROPY_SCALE
            all_units += n
            all_distinct += distinct
        heads = 0
        while seen_stop:
            heads += seen_stop & 1
            seen_stop >>= 1
        row = out[d]
        row[0], row[1], row[2], row[3], row[4], row[5] = all_units, han, words, digit_runs, word_chars, capitals
        row[6], row[7], row[8], row[9], row[10] = stops, heads, min(all_units, UNIQUE_UNITS), early, all_distinct
        row[11], row[12], row[13], row[14], row[15], row[16], row[17] = longest, broken, numbers, handles, breaks, singles, mixed
        entropy[d] = weighted / all_units if all_units > 0 else np.nan
        ends[d + 1] = at


@lru_cache(maxsize=1)
def entropy_gain() -> npt.NDArray[np.int64]:
    """(WINDOW,) (k + 1) ln(k + 1) - k ln k in units of 1 / ENTROPY_SCALE: whole numbers, so that the sum has no order."""
    k = np.arange(1, WINDOW + 1, dtype=np.float64)
    sums = np.round(k * np.log(k) * ENTROPY_SCALE).astype(np.int64)
    sums[1:] -= sums[:-1].copy()
    return sums
