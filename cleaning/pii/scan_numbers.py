"""The second look at runs of digits: how long are they with what follows, and which numbers could begin there?

Numbers are *chains*: runs of digits with up to three separators between them, so that 138-1234-5678 is eleven digits. A chain
is looked at for
no more than CHAIN characters, so the pass is linear.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from cleaning.pii.scan import HAN_DIGITS, HAN_NUMBER, IP4, LANDLINE, LONG, MACAU, MOBILE, NUMBER, US, Array

CHAIN = 52  # characters that a chain of digits may take


@njit(cache=True, nogil=True)
def refine_numbers(codes: Array, offsets: Array, raw: Array, fold: Array, values: Array, rows: Array) -> int:
    """Copy the candidates `raw` to `rows`, with gates in the places of NUMBER and HAN_NUMBER; returns how many there are."""
    n = 0
    for r in range(len(raw)):
        d, i, gate = raw[r, 0], raw[r, 1], raw[r, 2]
        if gate == NUMBER:
            n = _number(codes[offsets[d] : offsets[d + 1]], i, d, fold, rows, n)
        elif gate == HAN_NUMBER:
            n = _han_digits(codes[offsets[d] : offsets[d + 1]], i, d, values, fold, rows, n)
        else:
            n = _put(rows, n, d, i, gate)
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
def _is_separator(c: int) -> bool:
    return (
        c == 32
        or c == 45
        or c == 46
        or c == 40
        or c == 41
        or c == 0xFF08
        or c == 0xFF09
        or c == 47
        or c == 9
        or c == 42
        or c == 0xB7
        or c == 95
    )


@njit(cache=True, nogil=True)
def _number(text: Array, i: int, d: int, fold: Array, rows: Array, n: int) -> int:
    """Gates of the chain of digits that begins at i."""
    total = runs = 0
    lengths = np.zeros(20, np.int64)
    nines = elevens = thirteens = fifteens = landline = ten = long = False
    dots = 0
    single = True
    k = i
    head = np.zeros(6, np.int64)
    while k < len(text) and k - i < CHAIN and runs < 20 and total < 20:
        run = 0
        while 48 <= _at(text, k, fold) <= 57 and total < 21:
            if total < 6:
                head[total] = _at(text, k, fold) - 48
            total += 1
            run += 1
            k += 1
        ended = False
        if run > 0 and total == 17 and _at(text, k, fold) | 32 == 120:
            total += 1
            k += 1
            ended = True
        elif run == 0 and total == 17 and _at(text, k, fold) | 32 == 120:
            total, run, k = 18, 1, k + 1
            ended = True
        if run == 0 or _is_word(_at(text, k, fold)):
            break
        lengths[runs] = run
        runs += 1
        nines |= total == 9
        ten |= total == 10
        elevens |= total == 11
        thirteens |= total == 13
        fifteens |= total == 15
        landline |= 10 <= total <= 13
        long |= 13 <= total <= 19 and single
        if ended:
            break
        gap = 0
        while gap < 4 and _is_separator(_at(text, k + gap, fold)):
            gap += 1
        if gap == 0 or gap > 3:
            break
        if gap == 1 and _at(text, k, fold) == 46 and runs < 4 and runs == dots + 1 and run <= 3:
            dots += 1
        single &= gap == 1
        k += gap
    last = total
    before = _at(text, i - 1, fold)
    amid = i > 1 and 48 <= _at(text, i - 2, fold) <= 57  # behind a digit and a mark
    if amid and lengths[0] == 1 and lengths[1] == 1 and before == 32:
        long = False  # a row of single digits is looked at where it begins
    if amid and before == 46:
        dots = 0
    mobile = head[0] == 1 and head[1] >= 3 and elevens
    mobile |= head[0] == 8 and head[1] == 6 and head[2] == 1 and thirteens
    mobile |= head[0] == 0 and head[1] == 0 and head[2] == 8 and head[3] == 6 and head[4] == 1 and fifteens
    if mobile:
        n = _put(rows, n, d, i, MOBILE)
    if landline and ((head[0] == 0 and head[1] > 0 and lengths[0] >= 3) or (head[0] == 8 and head[1] == 6 and lengths[0] == 2)):
        n = _put(rows, n, d, i, LANDLINE)
    if long and (lengths[0] >= 3 or (lengths[0] == 2 and lengths[1] == 6) or (lengths[0] == 1 and lengths[1] == 1)):
        n = _put(rows, n, d, i, LONG)
    if (
        (nines and (lengths[0] == 3 or lengths[0] == 9))
        or (ten and (lengths[0] == 3 or lengths[0] == 6 or lengths[0] == 10))
        or (elevens and head[0] == 1 and (lengths[0] == 1 or lengths[0] == 11 or lengths[0] == 4))
    ):
        n = _put(rows, n, d, i, US)
    if dots == 3 and runs >= 4:
        n = _put(rows, n, d, i, IP4)
    if lengths[0] == 7 and lengths[1] == 1 and last == 8:
        n = _put(rows, n, d, i, MACAU)
    return n


@njit(cache=True, nogil=True)
def _han_digits(text: Array, i: int, d: int, values: Array, fold: Array, rows: Array, n: int) -> int:
    """A number of 11 or 18 digits, at least one of them written in Chinese."""
    k, total, first, second = i, 0, -1, -1
    foreign = False
    while k < len(text) and k - i < CHAIN and total < 19:
        c = text[k]
        value = values[c] if c < 0x10000 else 255
        if value == 255:
            if _at(text, k, fold) | 32 == 120 and total == 17:
                total = 18
                k += 1
                break
            if not _is_separator(_at(text, k, fold)) or k + 1 >= len(text) or text[k + 1] >= 0x10000 or values[text[k + 1]] == 255:
                break
        else:
            foreign |= fold[c] > 57
            first = value if total == 0 else first
            second = value if total == 1 else second
            total += 1
        k += 1
    if foreign and ((total == 11 and first == 1 and second >= 3) or total == 18):
        return _put(rows, n, d, i, HAN_DIGITS)
    return n
