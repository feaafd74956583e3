"""The compiled pass that finds candidates; `gates.py` says what for. A plain twin is in `tests/naive.py`.

Every look ahead is bounded, so the pass is linear. Runs of digits are only marked here; `scan_numbers.py` looks at them.
"""

from __future__ import annotations

from typing import Any

import numpy.typing as npt
from numba import njit

# gates, in the order of `gates.GATES`
(
    MOBILE, LANDLINE, LONG, US, IP4, MACAU, HAN_DIGITS, DOCUMENT, CODE18, CODE17, IBAN, PLATE, AT, URL, HEX, QQ, WECHAT, ADDRESS, FLAT, KEY,
    NAMED, PEM, LABEL,
) = range(23)  # fmt: skip
NUMBER, HAN_NUMBER = 23, 24  # runs of digits, which `scan_numbers` turns into gates
# classes of characters, on the width view
(
    C_NONE, C_DIGIT, C_UPPER, C_LOWER, C_HAN_DIGIT, C_PROVINCE, C_TRUST, C_AT, C_QQ, C_ROOM, C_STREET, C_LABEL, C_PERMIT, C_UNIT, C_HASH,
) = range(15)  # fmt: skip
TOKEN = 220  # characters that a key may take
KEY_PAIRS = tuple(
    (ord(p[0]) << 8) | ord(p[1])
    for p in ["AK", "AS", "AG", "AI", "AR", "gh", "gi", "gl", "xo", "sk", "pk", "rk", "LT", "hf", "np", "SG", "ey", "ya"]
)

Array = npt.NDArray[Any]


@njit(cache=True, nogil=True)
def find_candidates(codes: Array, offsets: Array, classes: Array, fold: Array, values: Array, rows: Array, wide: Array) -> int:
    """Fill `rows` (document, place, gate) and `wide`; returns how many there are, of which no more than len(rows) are written."""
    n = 0
    for d in range(len(offsets) - 1):
        n = _document(codes[offsets[d] : offsets[d + 1]], d, classes, fold, values, rows, wide, n)
    return n


@njit(cache=True, nogil=True)
def _put(rows: Array, n: int, d: int, at: int, gate: int) -> int:
    if n < len(rows):
        rows[n, 0], rows[n, 1], rows[n, 2] = d, at, gate
    return n + 1


@njit(cache=True, nogil=True)
def _at(text: Array, i: int, fold: Array) -> int:
    """The folded character at i; 0 outside, and for what is beyond the basic plane."""
    if i < 0 or i >= len(text) or text[i] >= 0x10000:
        return 0
    return int(fold[text[i]])


@njit(cache=True, nogil=True)
def _is_word(c: int) -> bool:
    return 48 <= c <= 57 or 65 <= c <= 90 or 97 <= c <= 122


@njit(cache=True, nogil=True)
def _document(text: Array, d: int, classes: Array, fold: Array, values: Array, rows: Array, wide: Array, n: int) -> int:
    size = len(text)
    i = 0
    street = permit = -1000
    end = -1
    while i < size:
        c = text[i]
        if c >= 0x10000:
            i += 1
            continue
        kind = classes[c]
        if fold[c] != c:
            wide[d] = True
        if kind == C_NONE:
            i += 1
            continue
        if kind <= C_LOWER:
            j, url = _run(text, i, fold)
            if url > 0:
                n = _put(rows, n, d, i, URL)
                i = url
                continue
            n = _letters_digits(text, i, j, d, fold, rows, n, i - permit < 24)
            if i > end:
                end, n = _token(text, i, d, fold, rows, n)
            if values[c] != 255 and j < size and text[j] < 0x10000 and classes[text[j]] == C_HAN_DIGIT:
                n = _put(rows, n, d, i, HAN_NUMBER)
            for k in range(i, j):
                if fold[text[k]] != text[k]:
                    wide[d] = True
            i = j
            continue
        before, after = _at(text, i - 1, fold), _at(text, i + 1, fold)
        if kind == C_HAN_DIGIT:
            begins = i == 0 or text[i - 1] >= 0x10000 or values[text[i - 1]] == 255
            if begins and i + 2 < size and text[i + 1] < 0x10000 and (values[text[i + 1]] != 255 or not classes[text[i + 1]]):
                n = _put(rows, n, d, i, HAN_NUMBER)
        elif kind == C_PROVINCE:
            if 65 <= after <= 90:
                n = _put(rows, n, d, i, PLATE)
        elif kind == C_TRUST:
            if before == 0x5FAE or before == 0x5A01 or before == 0x8587 or before == 0x5FBD or before == 118 or before == 86:
                n = _put(rows, n, d, i - 1, WECHAT) if _word_ahead(text, i, fold) else n  # 微 威 薇 徽 v V
        elif kind == C_AT:
            if _is_word(after) and (_is_word(before) or before == 95 or before == 45 or before == 43):
                n = _mail(text, i, d, fold, rows, n)
        elif kind == C_QQ:
            if after == c or after == 0x9E45:  # 扣扣 球球 企鹅
                n = _put(rows, n, d, i, QQ)
        elif kind == C_ROOM:
            if (48 <= before <= 57 or 65 <= before <= 90 or before == 0x53F7) and i - street < 48:
                n = _put(rows, n, d, i, ADDRESS)
        elif kind == C_UNIT:
            if before == 0x5355 and 48 <= after <= 57 and i - street < 48:
                n = _put(rows, n, d, i, ADDRESS)
        elif kind == C_STREET:
            street = i
            if (48 <= after <= 57 or 65 <= after <= 90) and _dashes(text, i + 1, fold):
                n = _put(rows, n, d, i + 1, ADDRESS)
        elif kind == C_LABEL:
            n = _label(text, i + 1, d, fold, rows, n)
        elif kind == C_PERMIT:
            permit = i
        elif kind == C_HASH and before == 32 and 48 <= after <= 57 and _at(text, i - 2, fold) == 44:
            n = _put(rows, n, d, i, FLAT)
        i += 1
    return n


@njit(cache=True, nogil=True)
def _run(text: Array, i: int, fold: Array) -> tuple[int, int]:
    """End of the run of letters and digits at i, and the end of the web address that begins there (0: none)."""
    j = i
    while j < len(text) and _is_word(_at(text, j, fold)):
        j += 1
    first = _at(text, i, fold) | 32
    end = 0
    if _at(text, j, fold) == 58 and _at(text, j + 1, fold) == 47 and _at(text, j + 2, fold) == 47 and 3 <= j - i <= 5:
        size = j - i
        http = first == 104 and size >= 4 and _at(text, i + 2, fold) | 32 == 116 and _at(text, i + 3, fold) | 32 == 112
        http &= size == 4 or _at(text, j - 1, fold) | 32 == 115
        ftp = first == 102 and size == 3 and _at(text, j - 1, fold) | 32 == 112
        if (http or ftp) and _at(text, i + 1, fold) | 32 == 116:
            end = j + 3
    elif (
        first == 119 and j - i == 3 and _at(text, j, fold) == 46 and _is_word(_at(text, j + 1, fold)) and _at(text, i + 2, fold) | 32 == 119
    ):
        before = _at(text, i - 1, fold)
        if before != 46 and before != 64:
            end = j + 1
    if end > 0:
        begin = end
        while end < len(text) and 33 <= text[end] <= 126:
            end += 1
        if end == begin:
            end = 0
    return j, end


@njit(cache=True, nogil=True)
def _letters_digits(text: Array, i: int, j: int, d: int, fold: Array, rows: Array, n: int, permit: bool) -> int:
    """Gates of one run of letters and digits, text[i:j]."""
    size = j - i
    digits = 0
    if size <= 36:
        for k in range(i, j):
            digits += 48 <= _at(text, k, fold) <= 57
    else:
        return n
    first = _at(text, i, fold)
    x_last = _at(text, j - 1, fold) | 32 == 120
    if digits == size or (digits == size - 1 and x_last and digits > 0):
        n = _put(rows, n, d, i, NUMBER)
        if size == 9 or (permit and (size == 8 or size == 10)):
            n = _put(rows, n, d, i, DOCUMENT)
    if 0 < digits < size:
        if 7 <= size <= 11 and first >= 65 and digits >= 6:
            n = _put(rows, n, d, i, DOCUMENT)
        if size == 18 and digits >= 8:
            n = _put(rows, n, d, i, CODE18)
        if size == 17 and digits >= 5:
            n = _put(rows, n, d, i, CODE17)
        if _iban(text, i, j, fold):
            n = _put(rows, n, d, i, IBAN)
    if size <= 4 and _hex(text, i, j, fold):
        n = _put(rows, n, d, i, HEX)
    if first >= 65:
        n = _word(text, i, j, d, fold, rows, n)
    return n


@njit(cache=True, nogil=True)
def _word_ahead(text: Array, i: int, fold: Array) -> bool:
    """Whether a letter or a digit follows within what a trigger may be separated from its value by."""
    k = i + 1
    while k < min(i + 24, len(text)) and not _is_word(_at(text, k, fold)):
        k += 1
    return k < min(i + 24, len(text))


@njit(cache=True, nogil=True)
def _iban(text: Array, i: int, j: int, fold: Array) -> bool:
    """Two capitals and two digits, and long enough or the first group of several."""
    for k in range(i, i + 4):
        c = _at(text, k, fold)
        if k >= j or (c < 65 or c > 90 if k < i + 2 else c < 48 or c > 57):
            return False
    return j - i >= 15 or ((j - i) % 4 == 0 and _at(text, j, fold) == 32 and _is_word(_at(text, j + 1, fold)))


@njit(cache=True, nogil=True)
def _word(text: Array, i: int, j: int, d: int, fold: Array, rows: Array, n: int) -> int:
    """Words that announce something: qq, wx, wechat, apt, BEGIN, name."""
    size = j - i
    a, b, c = _at(text, i, fold) | 32, _at(text, i + 1, fold) | 32, _at(text, i + 2, fold)
    e = _at(text, i + 3, fold) | 32
    if a == 113 and (size == 1 or b == 113 or 48 <= _at(text, i + 1, fold) <= 57) and (size <= 2 or 48 <= c <= 57):
        return _put(rows, n, d, i, QQ)
    if (a == 118 or a == 119) and size >= 2 and b == 120 and (size == 2 or c == 105 or 48 <= c <= 57):  # vx wx wxid
        return _put(rows, n, d, i, WECHAT)
    if a == 119 and b == 101 and size >= 2 and (size == 2 or c | 32 == 99 or c | 32 == 105):  # we chat, wechat, weixin
        if size == 2 and _at(text, j + 1, fold) | 32 != 99:
            return n
        return _put(rows, n, d, i, WECHAT)
    if a == 66 | 32 and size == 5 and b == 101 and _at(text, i - 1, fold) == 45 and _at(text, i, fold) == 66 and _at(text, j, fold) == 32:
        return _put(rows, n, d, i, PEM)
    c |= 32
    apt = a == 97 and b == 112 and (size == 3 or size == 9)
    room = (a == 114 and size <= 4 and (b == 111 or b == 109)) or (a == 102 and size == 4 and b == 108 and c == 97)
    suite = (a == 115 and (size == 3 or size == 5) and (b == 116 or b == 117)) or (a == 117 and size == 4 and b == 110 and c == 105)
    if apt or room or suite:
        k = j
        while k < j + 4 and (_at(text, k, fold) == 32 or _at(text, k, fold) == 46 or _at(text, k, fold) == 35):
            k += 1
        if k > j and (48 <= _at(text, k, fold) <= 57 or 48 <= _at(text, k + 1, fold) <= 57):
            return _put(rows, n, d, i, FLAT)
    # name contact patient recipient
    if _at(text, j, fold) == 58 and (
        (a == 110 and size == 4 and e == 101) or (a == 99 and size == 7) or (a == 112 and size == 7) or (a == 114 and size == 9)
    ):
        return _put(rows, n, d, j, LABEL)
    return n


@njit(cache=True, nogil=True)
def _mail(text: Array, i: int, d: int, fold: Array, rows: Array, n: int) -> int:
    """An @ at i with a dot in what follows: the place is where the local part begins."""
    k = i + 1
    dot = False
    while k < i + 80 and (_is_word(_at(text, k, fold)) or _at(text, k, fold) == 45 or _at(text, k, fold) == 46):
        dot |= _at(text, k, fold) == 46 and k > i + 1
        k += 1
    if not dot:
        return n
    k = i
    while i - k < 66:
        c = _at(text, k - 1, fold)
        if not (_is_word(c) or c == 46 or c == 95 or c == 37 or c == 43 or c == 45):
            break
        k -= 1
    while k < i and not (_is_word(_at(text, k, fold)) or _at(text, k, fold) == 95):
        k += 1
    return _put(rows, n, d, k, AT)


@njit(cache=True, nogil=True)
def _hex(text: Array, i: int, j: int, fold: Array) -> bool:
    """Whether a network address in hexadecimal groups may begin with text[i:j]."""
    mark = _at(text, j, fold)
    before = _at(text, i - 1, fold)
    if (mark != 58 and mark != 45) or before == 58 or before == 45 or before == 46:
        return False
    marks = 0
    double = False
    k = i
    while k - i < 48:
        c = _at(text, k, fold)
        if c == mark:
            marks += 1
            double |= _at(text, k + 1, fold) == 58
        elif not (48 <= c <= 57 or 65 <= c <= 70 or 97 <= c <= 102):
            break
        k += 1
    if mark == 45:
        return marks == 5 and j - i == 2
    return marks >= 5 or (marks >= 2 and double)


@njit(cache=True, nogil=True)
def _dashes(text: Array, i: int, fold: Array) -> bool:
    """8-2-501: three groups after the name of an estate."""
    k, marks = i, 0
    while k - i < 10 and (_is_word(_at(text, k, fold)) or _at(text, k, fold) == 45):
        marks += _at(text, k, fold) == 45
        k += 1
    return marks == 2


@njit(cache=True, nogil=True)
def _label(text: Array, i: int, d: int, fold: Array, rows: Array, n: int) -> int:
    k = i
    while k < i + 3 and _at(text, k, fold) == 32:
        k += 1
    c = _at(text, k, fold)
    if c == 58 or c == 0xFF1A or c == 124 or c == 9:
        return _put(rows, n, d, k, LABEL)
    return n


@njit(cache=True, nogil=True)
def _token(text: Array, i: int, d: int, fold: Array, rows: Array, n: int) -> tuple[int, int]:
    """The end of the word with marks that begins at i, and gates when it could be a key: a known prefix, or a name in front."""
    k, digits, letters = i, 0, 0
    while k - i < TOKEN:
        c = _at(text, k, fold)
        if 48 <= c <= 57:
            digits += 1
        elif _is_word(c):
            letters += 1
        elif not (c == 95 or c == 45 or c == 43 or c == 47 or c == 46):
            break
        k += 1
    if k - i < 16 or digits == 0 or letters < 2:
        return k, n
    a, b = _at(text, i, fold), _at(text, i + 1, fold)
    pair = (a << 8) | b
    for known in KEY_PAIRS:
        if pair == known:
            n = _put(rows, n, d, i, KEY)
            break
    m = i - 1
    while m > i - 4 and (_at(text, m, fold) == 32 or _at(text, m, fold) == 34 or _at(text, m, fold) == 39 or _at(text, m, fold) == 96):
        m -= 1
    c = _at(text, m, fold)
    if c == 58 or c == 61 or c == 0xFF1A or c == 62 or c == 0x662F or c == 0x4E3A or c == 115:
        n = _put(rows, n, d, i, NAMED)
    return k, n
