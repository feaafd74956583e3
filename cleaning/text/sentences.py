"""Where sentences end, in Chinese, English and text that mixes them.

A sentence ends at a line's end, and after a run of end marks with the quotes and brackets that close behind it. What a mark means depends
on its neighbours, never on a language: a full stop between two Han ends, one between digits does not, one after `Mr` does not; `．` ends
sentences only in texts that hardly use `。`, since elsewhere it is a decimal point or the dot of a list.

This is for deduplication: a cut too many costs little, one in the middle of a word or a number makes two wrong sentences.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from cleaning.text.charclass import Encoded, char_tables, classes_with, utf32

UInt = npt.NDArray[np.uint32]
Row = npt.NDArray[np.int64]

# words after which a full stop belongs to the word; single letters (J. K. Rowling) are always such words
ABBREVIATIONS = (
    "mr", "mrs", "ms", "mx", "dr", "prof", "rev", "hon", "st", "sr", "jr", "gen", "col", "capt", "lt", "sgt", "maj", "cmdr", "gov", "sen",
    "rep", "pres", "mt", "ft", "vs", "etc", "eg", "ie", "e.g", "i.e", "cf", "viz", "al", "ca", "approx", "dept", "est", "fig", "figs",
    "eq", "eqs", "no", "nos", "vol", "vols", "pp", "p", "ed", "eds", "ch", "sec", "inc", "ltd", "co", "corp", "bros", "plc", "llc", "u.s",
    "u.k", "u.n", "e.u", "u.s.a", "a.m", "p.m", "b.c", "a.d", "ph.d", "m.d", "b.a", "m.a", "d.c", "jan", "feb", "mar", "apr", "jun",
    "jul", "aug", "sep", "sept", "oct", "nov", "dec", "mon", "tue", "tues", "wed", "thu", "thur", "thurs", "fri", "sat", "sun", "ave",
    "blvd", "rd", "tel", "ext", "min", "max", "avg", "incl", "resp", "abbr", "var",
)  # fmt: skip
NOTHING, END, DOT, WIDE_DOT, QUERY, CLOSE, QUOTE, BLANK, LINE, LETTER, DIGIT, HAN, OPEN = range(13)
_KINDS = {
    END: "。｡！？…；‼⁇⁈⁉", DOT: ".", WIDE_DOT: "．", QUERY: "!?", CLOSE: "”’」』）)】》〉］]}＂｣﹂﹄", QUOTE: '"',
    LINE: "\n\r\x0b\x0c\x85\u2028\u2029", OPEN: "“‘「『（(【《〈［[{｢﹁﹃",
}  # fmt: skip
_RARE = 10  # `．` ends sentences where there are at least so many times fewer `。`


class Sentences(NamedTuple):
    """`starts`, `ends` (n): code points of each sentence in the joined texts, without blanks around it; `docs` (D + 1): the first of
    each text."""

    starts: Row
    ends: Row
    docs: Row


@lru_cache(maxsize=1)
def mark_kinds() -> npt.NDArray[np.uint8]:
    """(1,114,112) what each code point is to the splitter: END, DOT, CLOSE …"""
    tables = char_tables()
    by_class = np.zeros(256, np.uint8)
    kinds = ((LETTER, ("latin", "other_letter", "mark")), (DIGIT, ("digit",)), (HAN, ("han", "kana", "hangul")), (BLANK, ("space",)))
    for kind, flags in kinds:
        by_class[classes_with(*flags)] = kind
    out = by_class[tables.class_of]
    for kind, marks in _KINDS.items():
        out[[ord(c) for c in marks]] = kind
    return out


def _hash_word(word: str) -> int:
    value = 14695981039346656037
    for c in word:
        value = (value ^ ord(c)) * 1099511628211 % (1 << 64)
    return value


@lru_cache(maxsize=1)
def abbreviation_hashes() -> npt.NDArray[np.uint64]:
    """Sorted hashes of `ABBREVIATIONS`."""
    return np.array(sorted(_hash_word(word) for word in ABBREVIATIONS), np.uint64)


def split_batch(texts: list[str], encoded: Encoded | None = None) -> Sentences:
    """The sentences of many texts. `encoded` is `utf32(texts)`, where the caller has it already."""
    codes, offsets = encoded or utf32(texts)
    starts, ends = np.empty(codes.size, np.int64), np.empty(codes.size, np.int64)
    docs = np.zeros(offsets.size, np.int64)
    find_sentences(codes, offsets, mark_kinds(), abbreviation_hashes(), starts, ends, docs)
    return Sentences(starts[: docs[-1]], ends[: docs[-1]], docs)


def split_sentences(text: str) -> list[str]:
    """The sentences of one text.

    >>> split_sentences("他说：“走吧。”我没动……Dr. Li paid $3.50. Why? 见 a.com/b?c=1。")
    ['他说：“走吧。”', '我没动……', 'Dr. Li paid $3.50.', 'Why?', '见 a.com/b?c=1。']
    """
    found = split_batch([text])
    return [text[a:b] for a, b in zip(found.starts.tolist(), found.ends.tolist(), strict=True)]


@njit(cache=True, nogil=True)
def find_sentences(codes: UInt, offsets: Row, kinds: Any, abbreviations: Any, starts: Row, ends: Row, docs: Row) -> None:
    """Fill `starts` and `ends` (room for one a code) and `docs`. `kinds` (1,114,112 uint8): what each code point is."""
    n = 0
    for d in range(offsets.size - 1):
        lo, hi = offsets[d], offsets[d + 1]
        full, wide = 0, 0
        for i in range(lo, hi):
            full += codes[i] == 0x3002
            wide += codes[i] == 0xFF0E
        wide_ends = wide > 0 and full * _RARE <= wide
        i, start, quotes = lo, lo, 0
        while i < hi:
            kind = kinds[codes[i]]
            if kind == LINE:
                n = _put(codes, kinds, start, i, starts, ends, n)
                i += 1
                start, quotes = i, 0
                continue
            quotes += kind == QUOTE
            if not END <= kind <= QUERY:
                i += 1
                continue
            j, strong = i, False
            while j < hi and END <= kinds[codes[j]] <= QUERY:
                strong = strong or kinds[codes[j]] == END or (kinds[codes[j]] == WIDE_DOT and wide_ends)
                j += 1
            closed = j
            while closed < hi and (kinds[codes[closed]] == CLOSE or (kinds[codes[closed]] == QUOTE and quotes % 2 == 1)):
                quotes += kinds[codes[closed]] == QUOTE
                closed += 1
            if strong or _is_end(codes, kinds, abbreviations, lo, start, i, j, closed, hi):
                n = _put(codes, kinds, start, closed, starts, ends, n)
                start = closed
            i = closed
        n = _put(codes, kinds, start, hi, starts, ends, n)
        docs[d + 1] = n


@njit(cache=True, nogil=True)
def _put(codes: UInt, kinds: Any, start: int, end: int, starts: Row, ends: Row, n: int) -> int:
    while start < end and kinds[codes[start]] in (BLANK, LINE):
        start += 1
    while end > start and kinds[codes[end - 1]] in (BLANK, LINE):
        end -= 1
    if end == start:
        return n
    starts[n], ends[n] = start, end
    return n + 1


@njit(cache=True, nogil=True)
def _is_end(codes: UInt, kinds: Any, abbreviations: Any, lo: int, start: int, first: int, last: int, closed: int, hi: int) -> bool:
    """Whether the run [first, last) of dots and half-width ! and ?, closed by quotes up to `closed`, ends the sentence from `start` on."""
    before = kinds[codes[first - 1]] if first > lo else LINE
    after = kinds[codes[closed]] if closed < hi else LINE
    if after == LINE:
        return True
    if before == HAN:  # forums write half-width marks; 第3.2节 and 见.NET stay whole
        return after not in (DIGIT, LETTER)
    if kinds[codes[first]] == WIDE_DOT:
        return False
    if after in (LETTER, DIGIT, NOTHING):
        return False  # 3.14, a.com, x?y=1, ./path
    if after == HAN:
        return _is_latin_word(codes, kinds, start, first) and not _in_address(codes, kinds, start, first)
    if after == OPEN and closed == last:
        return False  # f.(x), word.[1]: a bracket without a blank belongs to the word
    if last - first > 1 or codes[first] != 46:
        return True
    return not _is_abbreviated(codes, kinds, abbreviations, start, first, closed, hi)


@njit(cache=True, nogil=True)
def _is_latin_word(codes: UInt, kinds: Any, start: int, end: int) -> bool:
    """Whether two letters at least stand before `end`: a sentence's last word, and no number of a list."""
    return end - start >= 2 and kinds[codes[end - 1]] == LETTER and kinds[codes[end - 2]] == LETTER


@njit(cache=True, nogil=True)
def _in_address(codes: UInt, kinds: Any, start: int, end: int) -> bool:
    """Whether the run of other characters than blanks and Han before `end` holds :// or @ or www."""
    i = end
    while i > start and kinds[codes[i - 1]] != BLANK and kinds[codes[i - 1]] != HAN:
        i -= 1
        if codes[i] == 64 or (codes[i] == 47 and i > start and codes[i - 1] == 47):
            return True
    return False


@njit(cache=True, nogil=True)
def _is_abbreviated(codes: UInt, kinds: Any, abbreviations: Any, start: int, dot: int, closed: int, hi: int) -> bool:
    """Whether the full stop at `dot` belongs to the word or number before it, or what follows goes on in small letters."""
    i = dot
    h = np.uint64(14695981039346656037)
    while i > start and (kinds[codes[i - 1]] in (LETTER, DIGIT) or (codes[i - 1] == 46 and i < dot)):
        i -= 1
    if i == dot:
        return False
    digits = True
    for k in range(i, dot):
        point = codes[k]
        digits = digits and kinds[point] == DIGIT
        if 65 <= point <= 90:
            point += np.uint32(32)
        h = (h ^ np.uint64(point)) * np.uint64(1099511628211)
    if digits:
        return i == start and dot - i <= 3  # the number of an item
    if dot - i == 1:
        return True
    at = np.searchsorted(abbreviations, h)
    if at < abbreviations.size and abbreviations[at] == h:
        return True
    k = closed
    while k < hi and kinds[codes[k]] == BLANK:
        k += 1
    return k < hi and 97 <= codes[k] <= 122
