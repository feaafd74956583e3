"""Where program text stands in a document, so that what mends prose keeps off it.

Program text is a fenced block, `inline code` between two backticks of one line, or an indented line with the marks of a program; markup
that is merely indented begins with < and is none.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from numba import njit

from cleaning.text.charclass import utf32
from cleaning.text.kernels import Row, UInt

_MARKS = "{}();=<>[]|$"


@njit(cache=True, nogil=True)
def _line_end(codes: UInt, i: int, hi: int) -> int:
    while i < hi and codes[i] != 10:
        i += 1
    return i


@njit(cache=True, nogil=True)
def _fence_end(codes: UInt, i: int, hi: int, mark: int) -> int:
    """End of the first line from `i` on (the start of a line) that is three marks and blanks; -1 when there is none."""
    while i + 3 <= hi:
        end = _line_end(codes, i, hi)
        if end - i >= 3 and codes[i] == mark and codes[i + 1] == mark and codes[i + 2] == mark:
            k = i + 3
            while k < end and (codes[k] == 32 or codes[k] == 9):
                k += 1
            if k == end:
                return end
        i = end + 1
    return -1


@njit(cache=True, nogil=True)
def _indented_end(codes: UInt, i: int, hi: int, marks: Row) -> int:
    """End of the line at `i` if it is an indented line of a program, else -1."""
    if codes[i] != 9 and not (i + 4 <= hi and codes[i] == 32 and codes[i + 1] == 32 and codes[i + 2] == 32 and codes[i + 3] == 32):
        return -1
    while i < hi and (codes[i] == 32 or codes[i] == 9):
        i += 1
    if i == hi or not 0x21 <= codes[i] <= 0x7E or codes[i] == 0x3C:
        return -1
    found = False
    i += 1
    while i < hi and codes[i] != 10:
        found = found or (codes[i] < 128 and marks[codes[i]])
        i += 1
    return i if found else -1


@njit(cache=True, nogil=True)
def find_code(codes: UInt, offsets: Row, marks: Row, fences_only: bool, inside: Row) -> int:
    """Set `inside[i]` to 1 or 2 where codes[i] is program text, neighbouring pieces with different numbers; returns how many pieces.

    `marks` (128): what an indented line must hold behind its first character.
    """
    pieces = 0
    for d in range(offsets.size - 1):
        lo, hi = offsets[d], offsets[d + 1]
        i, tildes = lo, True
        while i < hi:
            c = codes[i]
            end = -1
            at_head = i == lo or codes[i - 1] == 10
            if c == 0x60:
                if at_head and i + 3 <= hi and codes[i + 1] == 0x60 and codes[i + 2] == 0x60:
                    end = _line_end(codes, i, hi)
                    end = _fence_end(codes, end + 1, hi, 0x60) if end < hi else hi
                    end = hi if end < 0 else end
                elif not fences_only:
                    k = i + 1
                    while k < hi and codes[k] != 0x60 and codes[k] != 10:
                        k += 1
                    end = k + 1 if k < hi and codes[k] == 0x60 and k > i + 1 else -1
            elif at_head and c == 0x7E:
                if tildes and i + 3 <= hi and codes[i + 1] == 0x7E and codes[i + 2] == 0x7E:
                    first = i + 3
                    while first < hi and codes[first] != 10 and codes[first] != 0x7E:
                        first += 1
                    if first < hi and codes[first] == 10:
                        end = _fence_end(codes, first + 1, hi, 0x7E)
                        tildes = end >= 0  # none closes this one, so none closes a later one
            elif at_head and (c == 32 or c == 9) and not fences_only:
                end = _indented_end(codes, i, hi, marks)
            if end < 0:
                i += 1
                continue
            pieces += 1
            inside[i:end] = 1 + (pieces & 1)
            i = end
    return pieces


def code_mask(codes: UInt, offsets: Row, *, fences_only: bool = False) -> tuple[npt.NDArray[np.uint8], int]:
    """(one number a character, not 0 in program text; how many pieces there are)."""
    marks = np.zeros(128, np.bool_)
    marks[[ord(c) for c in _MARKS]] = True
    inside = np.zeros(codes.size, np.uint8)
    return inside, int(find_code(codes, offsets, marks, fences_only, inside))


def outside_code(text: str, fix: Callable[[str], str], *, fences_only: bool = False) -> str:
    """Apply `fix` to the text between code: fenced blocks, `inline code`, indented lines with the marks of programs.

    >>> outside_code("很好！！！！！ `a!!!!!b`", lambda t: t.replace("！！！！！", "！！！"))
    '很好！！！ `a!!!!!b`'
    """
    if "`" not in text and "~~~" not in text and "\n    " not in text and "\n\t" not in text and text[:1] not in " \t":
        return fix(text)
    inside, pieces = code_mask(*utf32([text]), fences_only=fences_only)
    if not pieces:
        return fix(text)
    cuts = [0, *(np.flatnonzero(np.diff(inside)) + 1).tolist(), len(text)]
    return "".join([text[a:b] if inside[a] else fix(text[a:b]) for a, b in itertools.pairwise(cuts)])
