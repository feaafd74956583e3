"""The folded view of a text: what lists of phrases are compared with. The text itself is never changed.

In the view, letters are small, of half width and simplified; every run of letters or digits of an alphabet stands between two blanks,
so that a list's `bet` is not found in *better*; other blanks are gone; and up to three blanks or separating symbols between
Chinese characters are gone (加.微.信 reads 加微信). The entries of a list are folded by the same function, so the two always agree.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from cleaning.text.charclass import Encoded, char_tables, classes_with, fold_table, utf32
from cleaning.text.kernels import Row, UInt

# put between the characters of a phrase to hide it
SEPARATORS = ".·•・‧∙*_-—~|+/\\^`'‘’\"“”°丶丨【】[]()（）{}<>《》☆★◆●○■□▲△▼▽♥❤✿→①=⭐．＊～－＿｜＋／＼＾‵｀＝〈〉「」『』"
LONGEST_GAP = 3
_POINT, _KIND = 0x1FFFFF, 24  # a table entry: the folded code point, and above it the kind
_HAN, _ALNUM, _BLANK, _SEPARATOR = 1, 2, 3, 4


class View(NamedTuple):
    """`text`: the views of a batch in UTF-8, a newline after each document; `start` (n + 1): the byte at which each begins.

    `origin`: for each byte the code point of the batch that it comes from; empty where it was not asked for.
    """

    text: bytes
    start: npt.NDArray[np.int64]
    origin: npt.NDArray[np.int64]


@njit(cache=True, nogil=True)
def _put(out: Row, origin: Row, m: int, point: int, at: int) -> int:
    if origin.size:
        for k in range(4):
            if m + k < origin.size:
                origin[m + k] = at
    if point < 0x80:
        out[m] = point
        return m + 1
    if point < 0x800:
        out[m], out[m + 1] = 0xC0 | point >> 6, 0x80 | point & 63
        return m + 2
    if point < 0x10000:
        out[m], out[m + 1], out[m + 2] = 0xE0 | point >> 12, 0x80 | point >> 6 & 63, 0x80 | point & 63
        return m + 3
    out[m], out[m + 1], out[m + 2] = 0xF0 | point >> 18, 0x80 | point >> 12 & 63, 0x80 | point >> 6 & 63
    out[m + 3] = 0x80 | point & 63
    return m + 4


@njit(cache=True, nogil=True)
def fold_codes(codes: UInt, offsets: Row, table: UInt, out: Row, origin: Row, start: Row) -> int:
    """Fill `out` (UTF-8 of the views), `origin` (if it has a size) and `start`; returns how many bytes there are.

    `table` (65536): folded code point and kind. `out` has room for 5 × codes + documents: a lone letter of three bytes stands between
    two blanks.
    """
    m = 0
    for d in range(offsets.size - 1):
        start[d] = m
        i, hi = offsets[d], offsets[d + 1]
        before = 0  # kind of the last character that was not skipped
        spaced = False  # whether the view ends in a blank
        while i < hi:
            c = codes[i]
            entry = table[c] if c < 65536 else (c | np.uint32(16777216) if 0x20000 <= c < 0x323B0 else c)
            kind = entry >> np.uint32(24)
            if kind == 1 or kind == 0:
                m = _put(out, origin, m, entry & np.uint32(0x1FFFFF), i)
                before, spaced = kind, False
                i += 1
                continue
            if kind == 2:
                if not spaced:
                    m = _put(out, origin, m, 32, i)
                while kind == 2:
                    m = _put(out, origin, m, entry & np.uint32(0x1FFFFF), i)
                    i += 1
                    if i == hi or codes[i] >= 65536:
                        break
                    entry = table[codes[i]]
                    kind = entry >> np.uint32(24)
                m = _put(out, origin, m, 32, i - 1)
                before, spaced = 2, True
                continue
            j, blank, after = i, True, np.uint32(0)
            while j < hi:
                follows = codes[j]
                after = table[follows] >> np.uint32(24) if follows < 65536 else np.uint32(0x20000 <= follows < 0x323B0)
                if after < 3:
                    break
                blank = blank and after == 3
                after = np.uint32(0)
                j += 1
            joined = j - i <= LONGEST_GAP and ((before == 1 and 1 <= after <= 2) or (before == 2 and after == 1))
            if not joined and not blank:
                while i < j:
                    entry = table[codes[i]]
                    if entry >> np.uint32(24) != 3:
                        m = _put(out, origin, m, entry & np.uint32(0x1FFFFF), i)
                    i += 1
                before, spaced = 0, False
            elif not joined and before == 1 and after == 1:  # a wide gap is a column, not a hidden phrase
                m = _put(out, origin, m, 9, i)
                spaced = False
            i = j
        m = _put(out, origin, m, 10, hi)
    start[offsets.size - 1] = m
    return m


@lru_cache(maxsize=1)
def view_table() -> npt.NDArray[np.uint32]:
    """(65536,) the folded code point of each, and above it 1 Han, 2 letter or digit of an alphabet, 3 blank, 4 separator, 0 other."""
    class_of = char_tables().class_of[:0x10000]
    kinds = np.zeros(256, np.uint32)
    kinds[classes_with("latin", "other_letter", "mark", "digit")] = _ALNUM
    kinds[classes_with("han", "kana", "hangul")] = _HAN
    kinds[classes_with("space", "invisible")] = _BLANK
    kind = kinds[class_of]
    kind[[ord(c) for c in SEPARATORS]] = _SEPARATOR
    table = fold_table().copy()
    table[0xD800:0xE000] = 0xFFFD
    table[0], table[9] = 0xFFFD, 32
    return table | kind << np.uint32(_KIND)


def fold_batch(texts: list[str], encoded: Encoded | None = None, *, origins: bool = False) -> View:
    """The views of some texts. `encoded` is `utf32(texts)`, where the caller has it already.

    >>> fold_batch(["加.微 信ABC，Bet365"]).text.decode()
    '加微信 abc , bet365 \\n'
    """
    codes, offsets = encoded or utf32(texts)
    out, start = np.empty(5 * codes.size + len(texts) + 8, np.uint8), np.zeros(len(texts) + 1, np.int64)
    origin = np.zeros(out.size if origins else 0, np.int64)
    m = fold_codes(codes, offsets, view_table(), out, origin, start)
    return View(out[:m].tobytes(), start, origin[:m])


def fold_phrases(phrases: list[str]) -> list[str]:
    """Entries of a list as they are looked for in a view.

    >>> fold_phrases(["加V信", "Online Casino", "萬元"])
    ['加 v 信', ' online casino ', '万元']
    """
    return fold_batch([phrase.strip().replace("\n", " ") for phrase in phrases]).text.decode().split("\n")[:-1]
