"""Kernels of the classifiers: code points → lines of tokens, lines of tokens → margins as fastText would compute them.

A linear model with two labels needs one number for each row of its input matrix: how far the row pushes towards the positive
label. The margin of a line is the mean of these numbers over its words and hashed n-grams, so the vectors themselves are never
looked at again.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

DROP, ALONE, LETTER, DIGIT, BLANK, NEWLINE, MARK = range(7)  # what a code point is to the normaliser
POINT, KIND = 0x1FFFFF, 24  # an entry of the table: the folded code point, and above it the kind
LONGEST_WORD = 32  # letters of a run that are kept: longer ones are no words
LONGEST_NUMBER = 12  # digits of a run that are kept: a telephone number has eleven
LONGEST_RUN = 3  # of the same mark

Bytes = npt.NDArray[np.uint8]
UInt32 = npt.NDArray[np.uint32]
UInt64 = npt.NDArray[np.uint64]
Int64 = npt.NDArray[np.int64]
Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@njit(cache=True, nogil=True)
def _put(out: Bytes, m: int, point: int) -> int:
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
def token_lines(codes: UInt32, offsets: Int64, table: UInt32, out: Bytes, starts: Int64) -> int:
    """Fill `out` with a line of tokens for each document (UTF-8, a blank between tokens, a newline at the end), `starts` (n + 1) with
    where each begins. Returns how many bytes there are. `out` has room for 5 bytes a code point and 4 a document.
    """
    m = 0
    for d in range(offsets.size - 1):
        starts[d] = m
        before, run, last = BLANK, 0, np.uint32(0)  # kind and length of the token that is open
        for i in range(offsets[d], offsets[d + 1]):
            c = codes[i]
            entry = table[c] if c < 0x10000 else (c | np.uint32((ALONE if 0x20000 <= c < 0x323B0 else MARK) << KIND))
            kind = entry >> np.uint32(KIND)
            if kind == DROP:
                continue
            if kind == BLANK:
                before = BLANK if before != NEWLINE else NEWLINE
                continue
            point = entry & np.uint32(POINT)
            if kind == NEWLINE and (before == NEWLINE or m == starts[d]):
                continue
            if kind == before and (kind in (LETTER, DIGIT) or (kind == MARK and point == last)):
                run += 1
                if kind == MARK:
                    if run <= LONGEST_RUN:
                        m = _put(out, m, point)
                elif run <= (LONGEST_WORD if kind == LETTER else LONGEST_NUMBER):
                    m = _put(out, m, point)
                continue
            if m > starts[d]:
                out[m] = 32
                m += 1
            m = _put(out, m, point)
            before, run, last = kind, 1, point
        out[m] = 10
        m += 1
    starts[offsets.size - 1] = m
    return m


@njit(cache=True, nogil=True)
def _place(keys: UInt64, key: np.uint64) -> np.int64:
    """Where a key stands in an open addressing table, or the empty place where it belongs."""
    mask = np.uint64(keys.size - 1)
    at = (key ^ (key >> np.uint64(29))) & mask
    while keys[at] != 0 and keys[at] != key:
        at = (at + np.uint64(1)) & mask
    return np.int64(at)


@njit(cache=True, nogil=True)
def hash_words(words: Bytes, ends: Int64, out: UInt64) -> None:
    """64-bit FNV-1a of each word; `ends` says where each ends in the bytes of all."""
    at = 0
    for k in range(ends.size):
        h = np.uint64(14695981039346656037)
        for i in range(at, ends[k]):
            h = (h ^ np.uint64(words[i])) * np.uint64(1099511628211)
        out[k] = h
        at = ends[k]


@njit(cache=True, nogil=True)
def _fill_table(hashes: UInt64, keys: UInt64, rows: Int64) -> None:
    for k in range(hashes.size):
        at = _place(keys, hashes[k])
        if keys[at] == 0:
            keys[at], rows[at] = hashes[k], k


@njit(cache=True, nogil=True)
def _sum_line(
    line: Bytes, keys: UInt64, rows: Int64, weights: Float32, words: int, ngrams: int, recent: UInt64, touched: Bools
) -> tuple[float, int, int]:
    """Sum of weights, number of features and number of tokens of one line; with `touched` the rows are marked instead."""
    marking = touched.size > 0
    buckets = np.uint64(weights.size - words)
    total, features, tokens, i = 0.0, 0, 0, 0
    while i < line.size:
        h32, h64, end = np.uint32(2166136261), np.uint64(14695981039346656037), i
        if line[i] == 10:  # the end of the line is a word as well
            h32, h64 = np.uint32(3617362777), np.uint64(8922757976467958425)
        else:
            while line[end] != 32 and line[end] != 10:
                b = line[end]
                # fastText hashes signed bytes: the upper 24 bits of a byte from 0x80 on are ones
                h32 = np.uint32((h32 ^ np.uint32(b if b < 128 else b | 0xFFFFFF00)) * np.uint32(16777619))
                h64 = (h64 ^ np.uint64(b)) * np.uint64(1099511628211)
                end += 1
        at = _place(keys, h64)
        if keys[at] != 0:
            features += 1
            if marking:
                touched[rows[at]] = True
            else:
                total += weights[rows[at]]
        # n-grams that end here, from the longest start that is still open
        wide = np.uint64(np.int64(np.int32(h32)))
        open_ = min(tokens, ngrams - 1)
        for k in range(open_):
            recent[k] = recent[k] * np.uint64(116049371) + wide
            if buckets > 0:
                row = words + np.int64(recent[k] % buckets)
                features += 1
                if marking:
                    touched[row] = True
                else:
                    total += weights[row]
        for k in range(min(open_, ngrams - 2), 0, -1):  # the oldest start closes
            recent[k] = recent[k - 1]
        recent[0] = wide
        tokens += 1
        if line[i] == 10:
            break
        i = end + 1 if line[end] == 32 else end
    return total, features, tokens


@njit(cache=True, nogil=True)
def margins(
    lines: Bytes, starts: Int64, keys: UInt64, rows: Int64, weights: Float32, words: int, ngrams: int, out: Float64, lengths: Int64
) -> None:
    """`out`: log P(positive) - log P(negative) of each line, NaN for one without tokens or of which the model knows nothing.

    `lengths`: its tokens, the end of the line among them.
    """
    recent, nothing = np.zeros(max(ngrams, 1), np.uint64), np.zeros(0, np.bool_)
    for d in range(starts.size - 1):
        total, features, tokens = _sum_line(lines[starts[d] : starts[d + 1]], keys, rows, weights, words, ngrams, recent, nothing)
        out[d] = total / features if tokens > 1 and features > 0 else np.nan
        lengths[d] = tokens


@njit(cache=True, nogil=True)
def mark_rows(lines: Bytes, starts: Int64, keys: UInt64, rows: Int64, weights: Float32, words: int, ngrams: int, touched: Bools) -> None:
    """Set `touched` for each row of the input matrix that one of the lines asks for."""
    recent = np.zeros(max(ngrams, 1), np.uint64)
    for d in range(starts.size - 1):
        _sum_line(lines[starts[d] : starts[d + 1]], keys, rows, weights, words, ngrams, recent, touched)
