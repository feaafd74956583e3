"""fastText's classifier as compiled loops: the features of a text, their mean, the probabilities. Twins are in `tests/naive.py`.

The numbers are the library's; what is saved is time: no string is built for an n-gram, its hash grows by a byte at a time, and the
quantized vectors lie there unpacked.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

Bytes = npt.NDArray[np.uint8]
Row = npt.NDArray[np.int64]
Rows = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float32]
_OFFSET, _PRIME = np.uint32(0x811C9DC5), np.uint32(0x01000193)
_WIDE, _WIDE_PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)
_SIGN = np.uint32(0xFFFFFF00)  # the library hashes signed bytes
_BEFORE, _AFTER, _BLANK = 60, 62, 32  # < and > around a word


@njit(cache=True, nogil=True, error_model="numpy")
def _grow(value: Any, byte: Any) -> Any:
    wide = np.uint32(byte)
    if byte > 127:
        wide |= _SIGN
    return np.uint32((value ^ wide) * _PRIME)


@njit(cache=True, nogil=True, error_model="numpy")
def _row_of_word(text: Bytes, low: Any, high: Any, hashes: Any, rows: Rows) -> Any:
    value = _WIDE
    for i in range(low, high):
        value = (value ^ np.uint64(text[i])) * _WIDE_PRIME
    mask = np.uint64(hashes.size - 1)
    slot = value & mask
    while rows[np.int64(slot)] >= 0:
        if hashes[np.int64(slot)] == value:
            return rows[np.int64(slot)]
        slot = (slot + np.uint64(1)) & mask
    return -1


@njit(cache=True, nogil=True, error_model="numpy")
def _add(vectors: Floats, row: Any, total: Floats) -> None:
    for k in range(total.size):
        total[k] += vectors[row, k]


@njit(cache=True, nogil=True, error_model="numpy")
def _row_of_bucket(bucket: Any, bits: Any, before: Rows) -> Any:
    """Which of the kept buckets this one is, -1 for one that was pruned away; `before` (bits) counts those that come before each word."""
    word = bits[bucket >> 6]
    if word >> np.uint64(bucket & 63) & np.uint64(1) == 0:
        return -1
    low = word & ((np.uint64(1) << np.uint64(bucket & 63)) - np.uint64(1))
    low -= low >> np.uint64(1) & np.uint64(0x5555555555555555)  # population count
    low = (low & np.uint64(0x3333333333333333)) + (low >> np.uint64(2) & np.uint64(0x3333333333333333))
    low = (low + (low >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return before[bucket >> 6] + np.int64(low * np.uint64(0x0101010101010101) >> np.uint64(56))


@njit(cache=True, nogil=True, error_model="numpy")
def _add_grams(
    text: Bytes, low: Any, high: Any, vectors: Floats, bits: Any, before: Rows, buckets: int, first: int, shortest: int, longest: int,
    total: Floats,
) -> int:
    """The character n-grams of the word text[low:high], which stands between < and >. Returns how many the model has."""
    found = 0
    for i in range(low - 1, high + 1):
        if low <= i < high and text[i] & 0xC0 == 0x80:
            continue
        value = _OFFSET
        j, n = i, 1
        while j <= high and n <= longest:
            value = _grow(value, _BEFORE if j < low else _AFTER if j == high else text[j])
            j += 1
            while low <= j < high and text[j] & 0xC0 == 0x80:
                value = _grow(value, text[j])
                j += 1
            if n >= shortest and not (n == 1 and (i < low or j > high)):
                bucket = np.int64(value % np.uint32(buckets))
                row = _row_of_bucket(bucket, bits, before) if bits.size else bucket
                if row >= 0:
                    _add(vectors, first + row, total)
                    found += 1
            n += 1
    return found


@njit(cache=True, nogil=True, error_model="numpy")
def sum_features(
    text: Bytes, starts: Row, vectors: Floats, hashes: Any, rows: Rows, bits: Any, before: Rows, buckets: int, first: int, end_row: int,
    shortest: int, longest: int, totals: Floats, counts: Row,
) -> None:
    """For each line text[starts[d]:starts[d + 1]] the sum of its features' vectors (into `totals`), and how many there are.

    The n-gram of a bucket has the row `first` + its number among the kept ones (`bits`, `before`), or + the bucket where none was pruned.
    `text` is UTF-8 in which blanks (0x20) alone part words. The mark of a line's end is not added: lines may be summed up to documents.
    """
    for d in range(starts.size - 1):
        i, stop = starts[d], starts[d + 1]
        found = 0
        while i < stop:
            if text[i] == _BLANK:
                i += 1
                continue
            j = i
            while j < stop and text[j] != _BLANK:
                j += 1
            row = _row_of_word(text, i, j, hashes, rows)
            if row >= 0:
                _add(vectors, row, totals[d])
                found += 1
            if longest > 0 and buckets > 0 and (row < 0 or row != end_row):
                found += _add_grams(text, i, j, vectors, bits, before, buckets, first, shortest, longest, totals[d])
            i = j
        counts[d] = found


@njit(cache=True, nogil=True, error_model="numpy")
def label_probabilities(totals: Floats, counts: Row, output: Floats, left: Rows, right: Rows, out: Floats) -> None:
    """(lines, labels): the probability of every label for sums of vectors; all zero for a line without features.

    By the labels' tree where there is one, else by softmax. 1e-5 is what the library adds before it takes a logarithm.
    """
    size = out.shape[1]
    hidden = np.zeros(totals.shape[1], np.float32)
    reach = np.zeros(2 * size, np.float32)
    for d in range(totals.shape[0]):
        if counts[d] == 0:
            out[d] = 0
            continue
        for k in range(hidden.size):
            hidden[k] = totals[d, k] / np.float32(counts[d])
        if left.size:
            reach[2 * size - 2] = 1
            for node in range(2 * size - 2, size - 1, -1):
                score = np.float32(0)
                for k in range(hidden.size):
                    score += output[node - size, k] * hidden[k]
                share = np.float32(1) / (np.float32(1) + np.exp(-score))
                reach[left[node - size]] = reach[node] * (np.float32(1) - share + np.float32(1e-5))
                reach[right[node - size]] = reach[node] * (share + np.float32(1e-5))
            for k in range(size):
                out[d, k] = reach[k]
            continue
        highest = np.float32(-np.inf)
        for label in range(size):
            score = np.float32(0)
            for k in range(hidden.size):
                score += output[label, k] * hidden[k]
            out[d, label] = score
            highest = max(highest, score)
        total = np.float32(0)
        for label in range(size):
            out[d, label] = np.exp(out[d, label] - highest)
            total += out[d, label]
        for label in range(size):
            out[d, label] = out[d, label] / total + np.float32(1e-5)


@njit(cache=True, nogil=True)
def sum_rows(rows: Any, group: Row, out: Any) -> None:
    """Add each of `rows` to the row of `out` that its group names (-1: to none), in their order, so that a sum is always the same."""
    for i in range(rows.shape[0]):
        if group[i] >= 0:
            for k in range(rows.shape[1]):
                out[group[i], k] += rows[i, k]
