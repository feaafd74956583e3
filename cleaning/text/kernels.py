"""The compiled loops over characters, lines and clauses. Plain twins of every function are in `tests/naive.py`.

All kernels read one UTF-32 array for a whole batch with (n + 1) offsets and fill rows of a caller's array. Kernels that call each other
stay in one file: numba's cache does not see changes in another one. The loops over units are in `unit_kernels`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

LINE_COLUMNS = (
    "lines", "newlines", "chars", "longest", "terminated", "terminated_chars", "bullet", "ellipsis", "short", "menu_chars",
    "repeated", "repeated_chars", "long_chars", "paragraphs", "repeated_paragraphs", "repeated_paragraph_chars", "code_chars",
    "table", "numbered", "article", "dialogue", "verse",
)  # fmt: skip
CLAUSE_COLUMNS = (
    "clauses", "verse_clauses", "han", "longest", "interleave", "sentences", "split_han", "url_chars", "pairs", "odd_pairs", "marks",
    "odd_marks",
)  # fmt: skip
MENU_UNITS = 7  # a line of fewer units without an end mark reads like a menu entry (HPLT: "menu" segments)
SHORT_CHARS = 30  # FineWeb's short line
LONG_CHARS = 61  # HPLT's long segment
FRONT_LINES = 60  # a page whose front matter is not closed by then has none
POPCOUNT = np.array([bin(bits).count("1") for bits in range(64)])
VERSE_CHARS = 24  # a longer line is prose
# what the line kernel asks of a character: bits of its `line_bits` table
SPACE, END, CLOSER, BULLET, DOTS, HAN, PLAIN, CODE, QUOTE, DIGIT, NUMERAL, BAR = (1 << i for i in range(12))

UInt = npt.NDArray[np.uint32]
Row = npt.NDArray[Any]


@njit(cache=True, nogil=True)
def count_flags(codes: UInt, offsets: Row, class_of: Row, first: Row, members: Row, out: Row) -> None:
    """`out[d, f]`: characters of document d that have flag f; `members[first[c]:first[c + 1]]` are the flags of class c."""
    counts = np.zeros(256, np.int64)
    for d in range(offsets.size - 1):
        counts[:] = 0
        for i in range(offsets[d], offsets[d + 1]):
            counts[class_of[codes[i]]] += 1
        for c in range(256):
            if counts[c] > 0:
                for k in range(first[c], first[c + 1]):
                    out[d, members[k]] += counts[c]


@njit(cache=True, nogil=True)
def count_distinct(codes: UInt, offsets: Row, class_of: Row, number: Row, out: Row) -> None:
    """`out[d, r]`: how many different ones of the classes with `number[r, class] >= 0` occur in document d (numbers under 64)."""
    for d in range(offsets.size - 1):
        for r in range(number.shape[0]):
            seen = 0
            for i in range(offsets[d], offsets[d + 1]):
                n = number[r, class_of[codes[i]]]
                if n >= 0:
                    seen |= 1 << n
            while seen:
                out[d, r] += seen & 1
                seen >>= 1


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
def _heading(codes: UInt, class_of: Row, line_bits: Row, lo: int, hi: int) -> int:
    """What the line of codes[lo:hi] (no white space at its head) starts with: 1 a numbered item, 2 an article or chapter, else 0."""
    i = lo
    bracket = codes[i] == 0x28 or codes[i] == 0xFF08  # ( （
    ordinal = codes[i] == 0x7B2C  # 第
    if bracket or ordinal:
        i += 1
    start, han = i, 0
    while i < hi and i - start < 8 and line_bits[class_of[codes[i]]] & (DIGIT | NUMERAL):
        han += (line_bits[class_of[codes[i]]] & NUMERAL) != 0
        i += 1
    if i == start or i >= hi:
        return 0
    c = codes[i]
    if ordinal:  # 条 條 章 节 節 款 编 編
        at = c == 0x6761 or c == 0x689D or c == 0x7AE0 or c == 0x8282 or c == 0x7BC0 or c == 0x6B3E or c == 0x7F16 or c == 0x7DE8
        return 2 if at else 0
    if bracket:
        closed = c == 0x29 or c == 0xFF09
        return (2 if han > 0 else 1) if closed else 0
    mark = c == 0x2E or c == 0x29 or c == 0xFF09 or c == 0x3001 or c == 0xFF0E  # . ) ） 、 ．
    decimal = mark and i + 1 < hi and line_bits[class_of[codes[i + 1]]] & DIGIT != 0  # 3.14
    return 1 if mark and not decimal else 0


@njit(cache=True, nogil=True)
def measure_lines(codes: UInt, offsets: Row, class_of: Row, line_bits: Row, unit_kind: Row, out: Row) -> None:
    """`out[d]`: LINE_COLUMNS. A line is what stands between newlines and is not blank; characters are those that are not space.

    Program text: lines in ``` or ~~~ fences, and lines that end in { } ; or of whose characters an eighth are code marks (two at least),
    without Han (with some where such a line is full of marks), links or a bullet. A menu line: under 7 units and no end mark, or
    three bars and more with little between them; none in front matter (between --- at the head of the document). Tables: two | or
    tabs. A speaker: a colon within the first seven characters of a line that ends a sentence. An ellipsis is … or three dots.
    """
    packed = np.zeros(256, np.int64)  # what a character adds to five counts of 12 bits: characters, code marks, Han, plain marks, bars
    for c in range(256):
        bits = line_bits[c]
        inked = (bits & SPACE) == 0
        packed[c] = inked + (((bits & BAR) != 0) << 48)
        packed[c] += (inked and (bits & CODE) != 0) << 12 | (inked and (bits & HAN) != 0) << 24 | (inked and (bits & PLAIN) != 0) << 36
    for d in range(offsets.size - 1):
        lo, hi = offsets[d], offsets[d + 1]
        newlines = 0
        for i in range(lo, hi):
            if codes[i] == 10:
                newlines += 1
        keys, paragraph_keys = np.zeros(_table_size(newlines + 1), np.uint64), np.zeros(_table_size(newlines + 1), np.uint64)
        mask = np.uint64(keys.size - 1)
        out[d, 1] = newlines
        paragraph, paragraph_chars = np.uint64(0), 0
        fence, front = 0, False
        i = lo
        while i <= hi:
            begin = i
            chars, marks, han, plain, bars, units, kind_before, pipes, colon = 0, 0, 0, 0, 0, 0, 0, 0, 0
            h = np.uint64(14695981039346656037)
            while i < hi and codes[i] != 10:
                counts, stop = 0, min(hi, i + 4095)
                while i < stop and codes[i] != 10:
                    point = codes[i]
                    c = class_of[point]
                    kind, adds = unit_kind[c], packed[c]
                    units += kind == 1 or (kind > 1 and kind_before < 2)
                    kind_before = kind
                    counts += adds
                    h = (h ^ np.uint64(point)) * np.uint64(1099511628211) if adds & 1 else h
                    pipes += point == 0x7C or point == 9
                    if (point == 0x3A or point == 0xFF1A) and colon == 0:
                        colon = chars + (counts & 0xFFF)
                    i += 1
                chars += counts & 0xFFF
                marks += counts >> 12 & 0xFFF
                han += counts >> 24 & 0xFFF
                plain += counts >> 36 & 0xFFF
                bars += counts >> 48
            i += 1
            if chars == 0:
                if paragraph_chars > 0:
                    out[d, 13] += 1
                    slot = _insert(paragraph_keys, mask, paragraph | np.uint64(1))
                    if paragraph_keys[slot] != 0:
                        out[d, 14] += 1
                        out[d, 15] += paragraph_chars
                    paragraph_keys[slot] = paragraph | np.uint64(1)
                    paragraph, paragraph_chars = np.uint64(0), 0
                continue
            opening, last = begin, i - 2
            while line_bits[class_of[codes[opening]]] & SPACE:
                opening += 1
            while line_bits[class_of[codes[last]]] & SPACE:
                last -= 1
            first = line_bits[class_of[codes[opening]]]
            ended_bits = line_bits[class_of[codes[last]]]
            ended = (ended_bits & (END | CLOSER)) != 0
            out[d, 0] += 1
            out[d, 2] += chars
            out[d, 3] = max(out[d, 3], chars)
            if ended:
                out[d, 4] += 1
                out[d, 5] += chars
            out[d, 6] += (first & BULLET) != 0
            dots = last >= 2 and last - begin >= 2 and codes[last] == 46 and codes[last - 1] == 46 and codes[last - 2] == 46
            out[d, 7] += dots or (ended_bits & DOTS) != 0
            out[d, 8] += chars <= SHORT_CHARS
            if chars >= LONG_CHARS:
                out[d, 12] += chars
            h |= np.uint64(1)
            slot = _insert(keys, mask, h)
            if keys[slot] == h:
                out[d, 10] += 1
                out[d, 11] += chars
            else:
                keys[slot] = h
            paragraph = (paragraph ^ h) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(1)
            paragraph_chars += chars
            # what kind of line it is
            tick = codes[opening]
            triple = last - opening >= 2 and codes[opening + 1] == tick and codes[opening + 2] == tick
            ruled = False  # ~~~~~~ and ~~~好~~~ are ornaments, not fences
            if triple and tick == 0x7E:
                for k in range(opening + 3, last + 1):
                    ruled = ruled or codes[k] == tick
            fenced = (tick == 0x60 or tick == 0x7E) and triple and not ruled
            if fenced:
                fence = 0 if fence == tick else (tick if fence == 0 else fence)
            ruler = tick == 0x2D and triple and last - opening == 2  # --- around the front matter of a Markdown page
            header = ruler and (out[d, 0] == 1 or front)
            front = not front if header else front and out[d, 0] < FRONT_LINES
            link = False
            for k in range(opening, last):
                if codes[k] == 0x5D and codes[k + 1] == 0x28:  # ]( of Markdown
                    link = True
                    break
            tail = codes[last]
            program = tail == 0x7B or tail == 0x7D or tail == 0x3B or (marks >= 2 and marks * 8 >= chars)
            shown = (tail == 0x7B or tail == 0x7D or tail == 0x3B) and marks >= 3 and marks * 20 >= chars  # with Chinese strings
            code = fence != 0 or fenced or ((han == 0 or shown) and program and not link and not first & BULLET)
            if code:
                out[d, 16] += chars
            elif bars >= 3 and not ended and tick != 0x7C and chars <= 12 * (bars + 1):  # Home » News » Sport | Contact
                out[d, 9] += chars
            elif pipes >= 2:
                out[d, 17] += 1
            elif units < MENU_UNITS and not ended and not front and not header:
                out[d, 9] += chars
            heading = _heading(codes, class_of, line_bits, opening, last + 1)
            out[d, 18] += heading == 1
            out[d, 19] += heading == 2
            spoken = (first & QUOTE) != 0 or (1 < colon <= 7 and chars > colon + 1 and (ended_bits & (END | CLOSER)) != 0)
            out[d, 20] += spoken
            out[d, 21] += han >= 2 and chars <= VERSE_CHARS and han + plain == chars
        if paragraph_chars > 0:
            out[d, 13] += 1
            slot = _insert(paragraph_keys, mask, paragraph | np.uint64(1))
            if paragraph_keys[slot] != 0:
                out[d, 14] += 1
                out[d, 15] += paragraph_chars


@njit(cache=True, nogil=True)
def measure_clauses(
    codes: UInt, offsets: Row, class_of: Row, unit_kind: Row, is_han: Row, is_mark: Row, ends: Row, splits: Row, odd: Row,
    is_wide_mark: Row, out: Row,
) -> None:  # fmt: skip
    """`out[d]`: CLAUSE_COLUMNS.

    Clauses are runs of Han; verse_clauses those of the commonest length among 4, 5 and 7, the lengths of verse. `longest`: most units
    without a mark or newline. `interleave`: most changes between Han and letters or digits in 7 neighbouring characters. `ends` marks the
    classes of sentence ends; a full stop ends one after a unit and before white space. `splits` marks the classes that part two Han when
    one of them stands alone between them. `odd` (26 × 26): pairs of small letters that words hardly have; addresses are left out.
    `is_wide_mark`: the marks that end Chinese clauses; odd are those behind another one, and ，、； at the head of a line.
    """
    for d in range(offsets.size - 1):
        lo, hi = offsets[d], offsets[d + 1]
        clauses, all_han, fours, fives, sevens, units, longest = 0, 0, 0, 0, 0, 0, 0
        kind_before, side, changes, interleave, sentences, split, marks, odd_marks = 0, -1, 0, 0, 0, 0, 0, 0
        in_end, url, url_chars, pairs, odd_pairs = False, 0, 0, 0, 0
        before, i = np.uint32(10), lo
        while i < hi:
            point = codes[i]
            c = class_of[point]
            if is_han[c]:
                first = i
                i += 1
                while i < hi and is_han[class_of[codes[i]]]:
                    i += 1
                length = i - first
                clauses += 1
                all_han += length
                fours += length == 4
                fives += length == 5
                sevens += length == 7
                units += length
                # six changes among seven neighbours: a window of the last six bits; what is neither side does not end it
                changes = ((changes << 1) | (side == 0)) & 63
                interleave = max(interleave, POPCOUNT[changes])
                changes = (changes << min(length - 1, 6)) & 63
                longest, side, kind_before, in_end = max(longest, units), 1, 1, False
                before = codes[i - 1]
                continue
            kind = unit_kind[c]
            if splits[c] and i > lo and i + 1 < hi:
                split += is_han[class_of[codes[i - 1]]] and is_han[class_of[codes[i + 1]]]
            if kind == 1:  # kana and Hangul
                units += 1
                changes = ((changes << 1) | (side == 1)) & 63
                interleave = max(interleave, POPCOUNT[changes])
                longest, side, kind_before, before, in_end = max(longest, units), 0, 1, point, ends[c]
                i += 1
                continue
            if kind != 0:
                first, small = i, False
                while True:
                    letter = 97 <= point <= 122
                    if letter and small and i >= url:
                        pairs += 1
                        odd_pairs += odd[codes[i - 1] - 97, point - 97]
                    small = letter
                    i += 1
                    if i == hi:
                        break
                    point = codes[i]
                    if unit_kind[class_of[point]] < 2:
                        break
                units += kind_before != 2
                changes = ((changes << 1) | (side == 1)) & 63
                interleave = max(interleave, POPCOUNT[changes])
                changes = (changes << min(i - first - 1, 6)) & 63
                longest, side, kind_before, in_end = max(longest, units), 0, 2, False
                before = codes[i - 1]
                continue
            if is_mark[c] or point == 10:
                units, side, changes = 0, -1, 0
                if point == 0x3A and i >= url and i + 2 < hi and codes[i + 1] == 0x2F and codes[i + 2] == 0x2F:
                    first = i
                    while first > lo and 0x61 <= codes[first - 1] | 0x20 <= 0x7A:
                        first -= 1
                    url = i
                    while url < hi and 0x20 < codes[url] < 0x7F:
                        url += 1
                    url_chars += url - first
                if is_wide_mark[c]:
                    marks += 1
                    # 。， and ，、； at the head of a line; not 。。。, ？！ and the like, which people write
                    doubled = before != point and is_wide_mark[class_of[before]] and not (ends[c] and ends[class_of[before]])
                    odd_marks += (before == 10 and not ends[c] and point != 0xFF1A) or doubled
                before = point
            end = ends[c]
            if point == 46:
                end = kind_before != 0 and (i + 1 == hi or codes[i + 1] == 32 or codes[i + 1] == 10 or codes[i + 1] == 34)
            sentences += end and not in_end
            in_end, kind_before = end, 0
            i += 1
        out[d, 0], out[d, 1], out[d, 2], out[d, 3] = clauses, max(fours, fives, sevens), all_han, longest
        out[d, 4], out[d, 5], out[d, 6], out[d, 7] = interleave, sentences, split, url_chars
        out[d, 8], out[d, 9], out[d, 10], out[d, 11] = pairs, odd_pairs, marks, odd_marks
