"""The compiled loop that cuts texts into units and counts them. Its plain twin is in `tests/naive.py`.

Very long documents are read in windows of `WINDOW` units, so that no table grows with a document.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from cleaning.text.kernels import Row, UInt

WINDOW = 1 << 18  # units of one window of the repetition metrics (a novel of 500 000 characters has two)
UNIQUE_UNITS = 1000  # distinct units are counted in the first thousand: the ratio falls with length
SHORTEST_NUMBER, LONGEST_NUMBER = 7, 12  # digits of a telephone or QQ number
SHORTEST_HANDLE, LONGEST_HANDLE = 6, 20  # characters of a name with letters and digits, as messengers and throw-away domains have
STOP_KINDS = 8  # Gopher's stop words come first among the function words; only these are counted as distinct ones

UNIT_COLUMNS = (
    "units", "han", "words", "digits", "word_chars", "capital_words", "stop_en", "stop_en_distinct", "head", "head_distinct",
    "distinct", "longest_word", "broken", "numbers", "handles",
    "breaks", "single_letters", "mixed_case",
)  # fmt: skip


@njit(cache=True, nogil=True)
def _segment(
    codes: UInt, lo: int, hi: int, class_of: Row, unit_kind: Row, is_upper: Row, lower: UInt,
    hashes: Row, chars: Row, kinds: Row, starts: Row,
) -> tuple[int, int]:  # fmt: skip
    """Fill hashes, lengths, kinds and starts of the units from `lo` on, at most `hashes.size`; returns (units, where it stopped)."""
    n, i = 0, lo
    while i < hi and n < hashes.size:
        kind = unit_kind[class_of[codes[i]]]
        if kind == 0:
            i += 1
            continue
        h = np.uint64(14695981039346656037)
        starts[n] = i
        if kind == 1:
            h = (h ^ np.uint64(codes[i])) * np.uint64(1099511628211)
            hashes[n], chars[n], kinds[n] = h | np.uint64(1), 1, 1
            n += 1
            i += 1
            continue
        start, digits, upper, first_upper = i, 0, 0, is_upper[class_of[codes[i]]]
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
        if digits == length:
            kinds[n] = 3
        elif upper == length and length > 1:
            kinds[n] = 4
        elif digits > 0:
            kinds[n] = 5
        else:
            kinds[n] = 6 if upper > first_upper else 2
        n += 1
    return n, i


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
def measure_units(
    codes: UInt, offsets: Row, class_of: Row, unit_kind: Row, is_upper: Row, lower: UInt,
    is_mark: Row, is_blank: Row, word_keys: Row, word_ids: Row, counted: Row, bad_pair: Row,
    all_hashes: Row, all_chars: Row, ends: Row, out: Row, entropy: Row,
) -> None:  # fmt: skip
    """`out[d]`: UNIT_COLUMNS; `entropy[d]`: unigram entropy in nats (mean over windows, weighted by units).

    `all_hashes`, `all_chars` (room for one a code) and `ends` (n + 1): hashes and lengths of all units one after the other, and where
    those of each document are. Function words: `word_keys` is an open table of 2048 unit hashes (0 = free), `word_ids` their numbers
    (1 …), `counted` the English stop words, `bad_pair` which number never follows which; the last number is a clause mark (`is_mark`).
    """
    kinds, starts = np.empty(WINDOW, np.uint8), np.empty(WINDOW, np.int64)
    keys, counts = np.zeros(2 * WINDOW, np.uint32), np.zeros(2 * WINDOW, np.int32)
    word_mask, mark = np.uint64(word_keys.size - 1), bad_pair.shape[0] - 1
    at = 0
    for d in range(offsets.size - 1):
        i, hi = offsets[d], offsets[d + 1]
        seen_stop, before = 0, 0
        weighted = 0.0
        while i < hi:
            hashes, chars = all_hashes[at : at + WINDOW], all_chars[at : at + WINDOW]
            n, i = _segment(codes, i, hi, class_of, unit_kind, is_upper, lower, hashes, chars, kinds, starts)
            size = _table_size(n)
            table, tally = keys[:size], counts[:size]
            table[:], tally[:] = 0, 0
            mask = np.uint64(size - 1)
            distinct, early, total = 0, 0, 0.0
            head = max(0, UNIQUE_UNITS - out[d, 0])
            for u in range(n):
                slot = _slot(table, mask, hashes[u])
                if table[slot] == 0:
                    table[slot] = np.uint32(hashes[u] >> np.uint64(32)) | np.uint32(1)
                    distinct += 1
                    early += u < head
                tally[slot] += 1
            han, words, digits, word_chars, capitals, longest, stops, broken_places, numbers, handles = 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
            breaks, singles, mixed = 0, 0, 0
            for u in range(n):
                kind = kinds[u]
                length = chars[u]
                if u > 0 and starts[u] > starts[u - 1] + chars[u - 1]:
                    breaks += _is_break(codes, class_of, is_blank, starts[u - 1] + chars[u - 1], starts[u], kinds[u - 1] == 1, kind == 1)
                if kind == 1:
                    han += 1
                elif kind == 3:
                    digits += 1
                    numbers += SHORTEST_NUMBER <= length <= LONGEST_NUMBER
                    before = 0
                    continue
                else:
                    words += 1
                    word_chars += length
                    capitals += kind == 4
                    singles += length == 1
                    mixed += kind == 6
                    handles += kind == 5 and SHORTEST_HANDLE <= length <= LONGEST_HANDLE
                    longest = max(longest, length)
                    if length > 14:  # no word of the table is longer
                        before = 0
                        continue
                key = hashes[u]
                home = (key * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(53)
                while word_keys[home] != 0 and word_keys[home] != key:
                    home = (home + np.uint64(1)) & word_mask
                if word_keys[home] == 0:
                    before = 0
                    continue
                number = word_ids[home]
                if counted[number]:
                    stops += 1
                    if number <= STOP_KINDS:
                        seen_stop |= 1 << (number - 1)
                left, right = starts[u] - 1, starts[u] + length
                if kind != 1 and left > offsets[d] and codes[left] == 32:
                    left -= 1
                if left >= offsets[d] and is_mark[class_of[codes[left]]]:
                    broken_places += bad_pair[mark, number]
                if right < hi and is_mark[class_of[codes[right]]]:
                    broken_places += bad_pair[number, mark]
                if before > 0 and u > 0:
                    gap = starts[u] - starts[u - 1] - chars[u - 1]
                    if gap == 0 if kind == 1 else (gap == 1 and codes[starts[u] - 1] == 32):
                        broken_places += bad_pair[before, number]
                before = number
            out[d, 1] += han
            out[d, 2] += words
            out[d, 3] += digits
            out[d, 4] += word_chars
            out[d, 5] += capitals
            out[d, 6] += stops
            out[d, 9] += early
            out[d, 11] = max(out[d, 11], longest)
            out[d, 12] += broken_places
            out[d, 13] += numbers
            out[d, 14] += handles
            out[d, 15] += breaks
            out[d, 16] += singles
            out[d, 17] += mixed
            for s in range(size):
                if tally[s] > 1:
                    total += tally[s] * np.log(tally[s])
            if n > 0:
                weighted += n * np.log(n) - total
            out[d, 0] += n
            out[d, 10] += distinct
            at += n
        while seen_stop:
            out[d, 7] += seen_stop & 1
            seen_stop >>= 1
        out[d, 8] = min(out[d, 0], UNIQUE_UNITS)
        entropy[d] = weighted / out[d, 0] if out[d, 0] > 0 else np.nan
        ends[d + 1] = at
