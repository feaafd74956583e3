"""The compiled loops of `normalize`: what there is to mend in a text, and the commonest mending. Plain twins are in `tests/naive.py`."""

from __future__ import annotations

import itertools
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from numba import njit

from cleaning.text.charclass import Encoded, char_tables, classes_with, utf32
from cleaning.text.code import code_mask
from cleaning.text.fixers import ANY_TAGS, LOOSE_TAGS, RUN_LIMITS
from cleaning.text.kernels import Row, UInt
from cleaning.text.mojibake import AS_GBK_LEADS, CONTINUATION

WORK_COLUMNS = ("runs", "blanks", "gaps", "markup", "mojibake")
# what `find_work` asks of a code point of the basic plane; higher numbers are RUN less the length from which on a run is long
_NEWLINE, _SPACE, _TAB, _LESS, _AND, _LEAD, _RUN = 1, 2, 3, 4, 5, 6, 8
_TAG_SLOTS = 1024


@njit(cache=True, nogil=True)
def _may_be_tag(codes: UInt, i: int, hi: int, tags: Row) -> bool:
    """Whether the `<` at `i` may begin a tag or a comment: a name of `tags`, then white space, / or >; or an odd letter."""
    i += 1
    if i < hi and codes[i] == 0x21:  # <!-- and <!DOCTYPE
        return i + 1 < hi and (codes[i + 1] == 0x2D or codes[i + 1] | 0x20 == 0x64)
    if i < hi and codes[i] == 0x2F:
        i += 1
    start, h = i, np.uint32(0)
    while i < hi and i - start < 12:
        c = codes[i]
        small = c | np.uint32(0x20)
        if c == 0x212A or c == 0x17F or c == 0x130 or c == 0x131:
            return True  # K, s and i to a pattern that ignores case
        if not (97 <= small <= 122 or 48 <= c <= 57):
            break
        h = h * np.uint32(31) + (small if c > 57 else c)
        i += 1
    if i in (start, hi):
        return False
    kind = tags[h & np.uint32(1023)]
    c = codes[i]
    return bool(kind == 2 or (kind == 1 and (c <= 32 or c == 0x2F or c == 0x3E or c >= 128)))


@njit(cache=True, nogil=True)
def _may_be_entity(codes: UInt, i: int, hi: int) -> bool:
    """Whether the `&` at `i` may begin an entity: letters and digits, or # and digits, up to a semicolon."""
    i += 1
    if i < hi and codes[i] == 0x23:
        i += 1
    end = min(hi, i + 33)
    while i < end and (97 <= codes[i] | 0x20 <= 122 or 48 <= codes[i] <= 57 or codes[i] >= 128):
        i += 1
    return i < hi and codes[i] == 0x3B


@njit(cache=True, nogil=True)
def find_work(codes: UInt, offsets: Row, work: Row, tags: Row, follows: Row, gbk_leads: Row, class_of: Row, is_han: Row, out: Row) -> None:
    """`out[d]`: WORK_COLUMNS: what a fixer may find in document d. A true may be in vain; a false is certain.

    runs: a mark stands as often in a row as `RUN_LIMITS` says. blanks: a blank before a newline or at the end, three newlines in a row, a
    newline at the head or the end. gaps: more than a fifth of the neighbouring Han are spaced, four at least, and a space in 25
    characters. markup: what may be a tag or an entity. mojibake: every letter that may be the first byte of a UTF-8 sequence is
    followed by what may be the next one; or a sixth of the first 400 characters are what two of its bytes make in GBK.
    """
    for d in range(offsets.size - 1):
        lo, hi = offsets[d], offsets[d + 1]
        if lo == hi:
            continue
        runs, markup, leads, lonely, spaces, spaced, before = False, False, 0, 0, 0, 0, False
        tail = codes[hi - 1]
        blanks = codes[lo] == 10 or tail == 10 or tail == 32 or tail == 9
        for i in range(lo, hi):
            c = codes[i]
            if c >= 65536:
                continue
            kind = work[c]
            if kind == 0:
                continue
            if kind == 2 or kind == 3:
                spaces += kind == 2
                left = codes[i - 1] if i > lo else np.uint32(10)
                right = codes[i + 1] if i + 1 < hi else np.uint32(10)
                if left != 32 and left != 9:
                    before = bool(left >= 128 and is_han[class_of[left]])
                blanks = bool(blanks or right == 10)
                spaced += int(before and right >= 128 and is_han[class_of[right]])
            elif kind == 1:
                blanks = blanks or (i >= lo + 2 and codes[i - 1] == 10 and codes[i - 2] == 10)
            elif kind == 4:
                markup = markup or _may_be_tag(codes, i, hi, tags)
            elif kind == 5:
                markup = markup or _may_be_entity(codes, i, hi)
            elif kind == 6:
                leads += 1
                lonely += i + 1 == hi or codes[i + 1] >= 65536 or not follows[codes[i + 1]]
            elif not runs:
                first = i - kind + 9  # kind - 8 in a row
                if first >= lo:
                    runs = True
                    for k in range(first, i):
                        if codes[k] != c:
                            runs = False
                            break
        gaps = spaced >= 4 and spaces * 25 >= hi - lo
        if gaps:
            pairs = 0
            for i in range(lo, hi - 1):
                pairs += is_han[class_of[codes[i]]] and is_han[class_of[codes[i + 1]]]
            gaps = spaced > 0.2 * (spaced + pairs)
        garbled = leads > 0 and lonely == 0
        if not garbled and hi - lo >= 8:
            head, seen = min(hi - lo, 400), 0
            for i in range(lo, lo + head):
                seen += codes[i] < 65536 and gbk_leads[codes[i]]
            garbled = seen * 6 >= head
        out[d, 0], out[d, 1], out[d, 2], out[d, 3], out[d, 4] = runs, blanks, gaps, markup, garbled


@njit(cache=True, nogil=True)
def trim_codes(codes: UInt, offsets: Row, out: UInt, ends: Row) -> None:
    """Fill `out` with the documents without blanks at line ends, at most one empty line in a row, none at head and end; `ends` (n + 1)."""
    m = 0
    for d in range(offsets.size - 1):
        start, newlines = m, 0
        for i in range(offsets[d], offsets[d + 1]):
            c = codes[i]
            if c != 10:
                out[m] = c
                m += 1
                newlines = 0
                continue
            back = m
            while back > start and (out[back - 1] == 32 or out[back - 1] == 9):
                back -= 1
            if back < m:  # a line of blanks is an empty line
                m = back
                newlines = (m > start and out[m - 1] == 10) + (m > start + 1 and out[m - 1] == 10 and out[m - 2] == 10)
            if m > start and newlines < 2:
                out[m] = 10
                m += 1
                newlines += 1
        while m > start and (out[m - 1] == 32 or out[m - 1] == 9):
            m -= 1
        while m > start and out[m - 1] == 10:
            m -= 1
        ends[d + 1] = m


@njit(cache=True, nogil=True)
def shrink_codes(codes: UInt, offsets: Row, inside: Row, limits: Row, out: UInt, ends: Row) -> None:
    """Fill `out` with the documents, long runs of one mark shortened where `inside` (program text) is 0; `ends` (n + 1).

    `limits` (65536 × 2): from how many in a row on a mark is shortened (0: never; -1: white space), and to how many.
    """
    m = 0
    for d in range(offsets.size - 1):
        i, lo, hi = offsets[d], offsets[d], offsets[d + 1]
        while i < hi:
            c = codes[i]
            limit = limits[c, 0] if c < 65536 else 0
            j = i + 1
            if limit > 0 and inside[i] == 0:
                while j < hi and codes[j] == c and inside[j] == 0:
                    j += 1
            kept = j - i
            if limit > 0 and kept >= limit:
                if c == 0x7E:  # a line of tildes is a rule or a fence
                    before = codes[i - 1] if i > lo and inside[i - 1] == 0 else np.uint32(32)
                    kept = kept if before < 65536 and limits[before, 0] < 0 else limits[c, 1]
                elif c != 0x3002 or kept != 3:  # 。。。 stands for an ellipsis
                    kept = limits[c, 1]
            for _ in range(kept):
                out[m] = c
                m += 1
            i = j
        ends[d + 1] = m


def shrink_texts(texts: list[str]) -> list[str]:
    """`fixers.shrink_runs` of some texts, outside code.

    >>> shrink_texts(["太好了！！！！！！`a,,,b`"])
    ['太好了！！！`a,,,b`']
    """
    codes, offsets = utf32(texts)
    inside, _ = code_mask(codes, offsets)
    out, ends = np.empty(codes.size, np.uint32), np.zeros(len(texts) + 1, np.int64)
    shrink_codes(codes, offsets, inside, _run_limits(), out, ends)
    return _texts_of(out, ends)


def trim_texts(texts: list[str]) -> list[str]:
    r"""`fixers.trim_lines` of some texts.

    >>> trim_texts(["\n一  \n\n\n\n  二\n", "三\t"])
    ['一\n\n  二', '三']
    """
    codes, offsets = utf32(texts)
    out, ends = np.empty(codes.size, np.uint32), np.zeros(len(texts) + 1, np.int64)
    trim_codes(codes, offsets, out, ends)
    return _texts_of(out, ends)


def _texts_of(codes: UInt, ends: Row) -> list[str]:
    data, at = codes.data.cast("B"), (4 * ends).tolist()
    return [str(data[a:b], "utf-32-le", "surrogatepass") for a, b in itertools.pairwise(at)]


@lru_cache(maxsize=1)
def _run_limits() -> npt.NDArray[np.int64]:
    limits = np.zeros((0x10000, 2), np.int64)
    limits[[p for p in range(0x3001) if chr(p).isspace()], 0] = -1  # all that there are
    for c, (limit, kept) in RUN_LIMITS.items():
        limits[ord(c)] = limit, kept
    return limits


def work_of(encoded: Encoded) -> npt.NDArray[np.bool_]:
    """(documents, len(WORK_COLUMNS)) of `find_work`."""
    codes, offsets = encoded
    out = np.zeros((offsets.size - 1, len(WORK_COLUMNS)), np.bool_)
    find_work(codes, offsets, *work_tables(), char_tables().class_of, classes_with("han"), out)
    return out


@lru_cache(maxsize=1)
def work_tables() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8], npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """For `find_work`: what each code point is, which hashes are tags (1; 2: whatever follows), what follows a lead byte, GBK's leads."""
    work, tags = np.zeros(0x10000, np.uint8), np.zeros(_TAG_SLOTS, np.uint8)
    for c, kind in (("\n", _NEWLINE), (" ", _SPACE), ("\t", _TAB), ("<", _LESS), ("&", _AND)):
        work[ord(c)] = kind
    work[0xC2:0xF5] = _LEAD
    work[0xD7] = 0  # × is a sign, not a letter
    for mark, (limit, _) in RUN_LIMITS.items():
        work[ord(mark)] = _RUN + limit
    for names, kind in ((ANY_TAGS, 1), (LOOSE_TAGS, 2)):
        for name in names:
            h = 0
            for c in name:
                h = (h * 31 + ord(c)) & 0xFFFFFFFF
            tags[h % _TAG_SLOTS] = kind
    masks = np.zeros((2, 0x10000), np.bool_)
    for mask, points in zip(masks, (CONTINUATION, AS_GBK_LEADS), strict=True):
        mask[[ord(c) for c in points]] = True
    return work, tags, masks[0], masks[1]
