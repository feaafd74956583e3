"""Finding lines that are, as a whole, on a list: menus, bylines, rights notices, counters. Parts of longer lines are never looked at.

A line is compared without blanks and without outer marks, folded (small, half width, simplified), every number in it as `0`. Lines
in fenced code are skipped.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from numba import njit

from cleaning.text.charclass import char_tables, classes_with, fold_table
from cleaning.text.kernels import Row, UInt

LONGEST_LINE = 80  # characters; a longer one is text
_KIND = 24
_LETTER, _DIGIT, _BLANK, _TRIM = 1, 2, 3, 4
# marks at the ends of a line that do not count; # $ = / { } © are left out on purpose: they belong to code and to what they mark
TRIMMED = "»>›→←↑↓▶►◄◀|*_【】[]()（）《》〈〉<«‹「」『』“”‘’\"'·•:：;；,，.。!！?？、-—–~～…+★☆■□◆◇●○▪▫※✓✔▲△▼▽｜"
_NUMBER_MARKS = (0x2E, 0x2C)  # 1.5 1,500
_OFFSET, _PRIME = 14695981039346656037, 1099511628211


@njit(cache=True, nogil=True)
def _find(keys: Row, key: np.uint64) -> np.int64:
    """Slot of `key` in an open table (0 = free), -1 when it is not there."""
    mask = np.uint64(keys.size - 1)
    slot = (key ^ (key >> np.uint64(29))) & mask
    while keys[slot] != 0:
        if keys[slot] == key:
            return np.int64(slot)
        slot = (slot + np.uint64(1)) & mask
    return np.int64(-1)


@njit(cache=True, nogil=True)
def match_lines(
    codes: UInt, offsets: Row, table: UInt, whole: Row, whole_ids: Row, heads: Row, head_ids: Row, head_sizes: Row, out: Row
) -> int:
    """Fill `out` with (document, first, last + 1, entry) of lines that are listed; returns how many there are.

    `whole` and `heads` are open tables of hashes of entries and of beginnings; `head_sizes[k]` says whether a beginning has k characters.
    `out` has a row for every line.
    """
    found = 0
    for d in range(offsets.size - 1):
        i, hi = offsets[d], offsets[d + 1]
        fence = 0
        while i < hi:
            begin = i
            while i < hi and codes[i] != 10:
                i += 1
            end = i
            i += 1
            first, last = begin, end
            while first < last and codes[first] < 65536 and table[codes[first]] >> np.uint32(24) >= 3:
                if codes[first] == 0x7E:
                    break
                first += 1
            tick = int(codes[first]) if last - first >= 3 else 0
            ruled = False  # ~~~~~~ and ~~~好~~~ are ornaments, not fences
            if tick == 0x7E:
                for k in range(first + 3, end):
                    ruled = ruled or codes[k] == tick
            if (tick == 0x60 or tick == 0x7E) and codes[first + 1] == tick and codes[first + 2] == tick and not ruled:
                fence = 0 if fence == tick else (tick if fence == 0 else fence)
                continue
            while first < last and codes[first] < 65536 and table[codes[first]] >> np.uint32(24) >= 3:
                first += 1
            while last > first and codes[last - 1] < 65536 and table[codes[last - 1]] >> np.uint32(24) >= 3:
                last -= 1
            if fence != 0 or last == first or last - first > 2 * LONGEST_LINE:
                continue
            h, size, k = np.uint64(14695981039346656037), 0, first
            entry = -1
            while k < last:
                c = codes[k]
                packed = table[c] if c < 65536 else c
                kind = packed >> np.uint32(24)
                if kind == 3:
                    k += 1
                    continue
                point = packed & np.uint32(0x1FFFFF)
                if kind == 2:
                    k = _skip_number(codes, k, last, table)
                    point = np.uint32(48)
                else:
                    k += 1
                h = (h ^ np.uint64(point)) * np.uint64(1099511628211)
                size += 1
                if size < head_sizes.size and head_sizes[size] and entry < 0:
                    word = kind == 1 and point < 0x2E80 and k < end and codes[k] < 0x2E80
                    word = word and table[codes[k]] >> np.uint32(24) == 1
                    slot = np.int64(-1) if word else _find(heads, h | np.uint64(1))
                    if slot >= 0:
                        entry = head_ids[slot]
            if size > LONGEST_LINE:
                continue
            slot = _find(whole, h | np.uint64(1))
            if slot >= 0:
                entry = whole_ids[slot]
            if entry >= 0:
                out[found, 0], out[found, 1], out[found, 2], out[found, 3] = d, begin - offsets[d], end - offsets[d], entry
                found += 1
    return found


@njit(cache=True, nogil=True)
def _skip_number(codes: UInt, k: int, last: int, table: UInt) -> int:
    """Behind the number that begins at `k`: digits, marks between digits, then 万 千 亿 + or a lone k m w."""
    while k < last and codes[k] < 65536:
        c = codes[k]
        if table[c] >> np.uint32(24) == 2:
            k += 1
            continue
        inner = (c == 0x2E or c == 0x2C) and k + 1 < last and codes[k + 1] < 65536 and table[codes[k + 1]] >> np.uint32(24) == 2
        if not inner:
            break
        k += 1
    if k < last and codes[k] < 65536:
        c = table[codes[k]] & np.uint32(0x1FFFFF)
        if c == 0x4E07 or c == 0x5343 or c == 0x4EBF or c == 0x2B:
            return k + 1
        if c == 0x6B or c == 0x6D or c == 0x77:
            next_kind = table[codes[k + 1]] >> np.uint32(24) if k + 1 < last and codes[k + 1] < 65536 else np.uint32(0)
            if next_kind != 1 and next_kind != 2:
                return k + 1
    return k


@lru_cache(maxsize=1)
def line_table() -> npt.NDArray[np.uint32]:
    """(65536,) folded code point of each, and above it 1 letter, 2 digit, 3 blank, 4 outer mark, 0 other."""
    class_of = char_tables().class_of[:0x10000]
    kinds = np.zeros(256, np.uint32)
    kinds[classes_with("han", "kana", "hangul", "latin", "other_letter", "mark")] = _LETTER
    kinds[classes_with("digit")] = _DIGIT
    kinds[classes_with("space", "invisible")] = _BLANK
    kind = kinds[class_of]
    kind[[ord(c) for c in TRIMMED]] = _TRIM
    table: npt.NDArray[np.uint32] = fold_table() | kind << np.uint32(_KIND)
    return table


def fold_line(text: str, *, beginning: bool = False) -> list[int]:
    """The code points that a line or an entry is hashed by, numbers as 48. `<n>` in an entry is written as a digit before.

    >>> "".join(map(chr, fold_line("| 阅读（1,234） |"))), "".join(map(chr, fold_line("来源：", beginning=True)))
    ('阅读(0', '来源:')
    """
    table = line_table()
    codes = np.array([ord(c) for c in text], np.uint32)
    kind = [int(table[c]) >> _KIND if c < 0x10000 else 0 for c in codes.tolist()]
    first, last = 0, len(kind)
    while first < last and kind[first] >= _BLANK:
        first += 1
    while last > first and kind[last - 1] >= _BLANK and not beginning:
        last -= 1
    out, k = [], first
    while k < last:
        if kind[k] == _BLANK:
            k += 1
        elif kind[k] == _DIGIT:
            k = int(_skip_number(codes, k, last, table))
            out.append(48)
        else:
            out.append(int(table[codes[k]]) & 0x1FFFFF if codes[k] < 0x10000 else int(codes[k]))
            k += 1
    return out


def fold_hash(points: list[int]) -> int:
    """The kernel's hash of a folded line."""
    h = _OFFSET
    for point in points:
        h = ((h ^ point) * _PRIME) & 0xFFFFFFFFFFFFFFFF
    return h | 1
