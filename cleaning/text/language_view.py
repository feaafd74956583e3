"""What a language model sees of a text: lower case, without addresses, markup, code and digits, a line for a line.

A view, never a rewrite. It takes away what misleads: English in capitals reads as Chinese to lid.176, an address as English, a tag as
English. Lines that look like program text are marked, so that prose decides where there is any.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from cleaning.text.charclass import Encoded, char_tables, classes_with
from cleaning.text.scripts import SCRIPTS, script_tables

Bytes = npt.NDArray[np.uint8]
Row = npt.NDArray[np.int64]
_DROP, _SPACE, _LETTER, _MARK = 0, 1, 2, 3  # what happens to a character; _MARK: kept, and a mark of program text
LONGEST_TAG = 300  # characters
CODE_SHARE = 0.12  # of the characters of a line that are marks of programs
_CODE_MARKS = "{}[]=<>;\\$#&+*/^`_|()"


class LanguageView(NamedTuple):
    """`text`: the lines of all spans in UTF-8, without newlines. For each line: where it begins (lines + 1), its span, its letters.

    `letters` (lines, SCRIPTS) counts letters of each script; `code` says which lines look like program text.
    """

    text: Bytes
    starts: Row
    span: Row
    letters: npt.NDArray[np.int32]
    code: npt.NDArray[np.bool_]


@njit(cache=True, nogil=True)
def _write(out: Any, m: Any, point: Any) -> Any:
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
def _alnum(c: Any) -> Any:
    return 48 <= c <= 57 or 65 <= c <= 90 or 97 <= c <= 122


@njit(cache=True, nogil=True)
def _end_of_tag(codes: Any, i: Any, high: Any) -> Any:
    """Behind the tag <… that begins at i; i when none does."""
    if i + 2 >= high or not (65 <= codes[i + 1] <= 90 or 97 <= codes[i + 1] <= 122 or codes[i + 1] == 47 or codes[i + 1] == 33):
        return i
    for j in range(i + 2, min(high, i + LONGEST_TAG)):
        if codes[j] == 62:
            return j + 1
        if codes[j] == 10 or codes[j] == 60:
            return i
    return i


@njit(cache=True, nogil=True)
def _no_word(codes: Any, low: Any, high: Any) -> Any:
    """Whether a run of printable ASCII is an address, a handle or a name of a program: not a word of any language."""
    if codes[low] == 64 or (codes[low] == 38 and codes[high - 1] == 59):  # @name, &nbsp;
        return True
    if high - low > 4 and codes[low] | 32 == 119 and codes[low + 1] | 32 == 119 and codes[low + 2] | 32 == 119 and codes[low + 3] == 46:
        return True
    for i in range(low + 1, high - 1):
        c, before, after = codes[i], codes[i - 1], codes[i + 1]
        if c == 58 and after == 47 and i + 2 < high and codes[i + 2] == 47:  # ://
            return True
        if (c == 64 or c == 95 or c == 92 or c == 61) and _alnum(before) and _alnum(after):  # a@b, a_b, a\b, a=b
            return True
    return False


@njit(cache=True, nogil=True)
def view_lines(
    codes: Any, spans: Any, what: Any, lower: Any, class_of: Any, script_of: Any, out: Any, starts: Any, span_of: Any, letters: Any,
    code: Any,
) -> int:
    """Write the view of codes[spans[s, 0]:spans[s, 1]] for each s; returns how many lines there are. See `LanguageView`.

    `what` and `lower` (65536): what happens to a character, and its small letter. `out` has room for 4 bytes a code and a blank.
    """
    m, line = 0, 0
    for s in range(spans.shape[0]):
        i, high = spans[s, 0], spans[s, 1]
        while i < high:
            starts[line], span_of[line] = m, s
            marks, shown, blank = 0, 0, True
            while i < high and codes[i] != 10:
                c = np.int64(codes[i])
                stop = i + 1
                if c == 60:
                    stop = _end_of_tag(codes, i, high)
                    if stop > i:
                        if not blank:
                            out[m] = 32
                            m += 1
                            blank = True
                        i = stop
                        continue
                    stop = i + 1
                elif 33 <= c <= 126:
                    while stop < high and 33 <= codes[stop] <= 126 and codes[stop] != 60:
                        stop += 1
                    if _no_word(codes, i, stop):
                        i = stop
                        continue
                while i < stop:
                    c = np.int64(codes[i])
                    i += 1
                    kind = what[c] if c < 65536 else 2 * np.int64(class_of[c] != 0)
                    if kind == 0:
                        shown += 1
                    elif kind == 1:
                        if not blank:
                            out[m] = 32
                            m += 1
                            blank = True
                    else:
                        letters[line, script_of[class_of[c]]] += 1
                        m = _write(out, m, np.int64(lower[c]) if c < 65536 else c)
                        marks += kind == 3
                        shown += 1
                        blank = False
            code[line] = marks > CODE_SHARE * shown
            i += 1
            line += 1
    starts[line] = m
    return line


@njit(cache=True, nogil=True)
def count_letters(codes: Any, offsets: Any, class_of: Any, out: Any) -> None:
    """How many characters of each class of `script_tables` every document has: (documents, classes)."""
    for d in range(offsets.size - 1):
        for i in range(offsets[d], offsets[d + 1]):
            out[d, class_of[codes[i]]] += 1


@lru_cache(maxsize=1)
def _tables() -> tuple[Bytes, npt.NDArray[np.uint32]]:
    """(65536,) what happens to each character, and its small letter."""
    class_of = char_tables().class_of[:65536]
    what = np.full(65536, _LETTER, np.uint8)
    what[classes_with("digit", "control", "invisible", "private", "replacement", "numeral", "emoji")[class_of]] = _DROP
    what[classes_with("space", "newline")[class_of]] = _SPACE
    what[[ord(c) for c in _CODE_MARKS]] = _MARK
    what[0xD800:0xE000] = _DROP
    lower = np.arange(65536, dtype=np.uint32)
    for point in (*range(0x41, 0x590), *range(0x10A0, 0x1100), *range(0x1C90, 0x2000), *range(0x2C00, 0x2E00), *range(0xA640, 0xAC00)):
        small = chr(point).lower()
        lower[point] = ord(small) if len(small) == 1 else point
    for point in range(0xFF01, 0xFF5F):  # letters and marks of full width
        lower[point] = ord(chr(point - 0xFEE0).lower()) if 0xFF21 <= point <= 0xFF5A else point
    return what, lower


def view(encoded: Encoded, spans: Row) -> LanguageView:
    """The views of some spans (n, 2) of a batch's code points, in order."""
    codes, _ = encoded
    what, lower = _tables()
    tables = script_tables()
    size = int((spans[:, 1] - spans[:, 0]).sum())
    lines = len(spans) + _newlines(codes, spans)
    out, starts = np.empty(4 * size + lines + 4, np.uint8), np.zeros(lines + 1, np.int64)
    span_of, letters = np.zeros(lines, np.int64), np.zeros((lines, len(SCRIPTS)), np.int32)
    code = np.zeros(lines, np.bool_)
    count = view_lines(codes, spans, what, lower, tables.class_of, tables.script_of, out, starts, span_of, letters, code)
    letters[:, 0] = 0
    return LanguageView(out[: starts[count]], starts[: count + 1], span_of[:count], letters[:count], code[:count])


def count_batch(encoded: Encoded) -> npt.NDArray[np.int32]:
    """(documents, classes) of `count_letters`."""
    codes, offsets = encoded
    tables = script_tables()
    out = np.zeros((len(offsets) - 1, tables.size), np.int32)
    count_letters(codes, offsets, tables.class_of, out)
    return out


def _newlines(codes: npt.NDArray[np.uint32], spans: Row) -> int:
    if not len(spans):
        return 0
    return int(np.count_nonzero(codes[spans[0, 0] : spans[-1, 1]] == 10))
