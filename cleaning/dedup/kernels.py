"""Compiled loops from code points to signatures: units, shingles, MinHash, band keys. Their plain twins are in `tests/naive.py`.

A MinHash of k permutations over m shingles is k × m multiplications. The loop over permutations is the outer one and a block of shingles
that fits the first cache is the inner one, so that the compiler keeps the minimum in vector registers; the other way round is
seven times slower.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

UInt32 = npt.NDArray[np.uint32]
UInt64 = npt.NDArray[np.uint64]
Int64 = npt.NDArray[np.int64]

BLOCK = 2048  # shingles of one block: 8 KiB
EMPTY = 0xFFFFFFFF  # a signature's value for no shingle, as datasketch has it
_BASE = np.uint64(0x9E3779B97F4A7C55)  # of the polynomial that makes a shingle, or a gram, of n units


@njit(cache=True, nogil=True, inline="always")
def _mix(x: Any) -> Any:
    """Stafford's variant 13 of the 64-bit finalizer: every bit of the input moves half of the output."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@njit(cache=True, nogil=True)
def cut_units(codes: UInt32, offsets: Int64, table: UInt32, units: UInt64, ends: Int64) -> None:
    """Hash of every unit into `units` (room for one a code); `ends[d + 1]`: where those of document d end.

    `table` (65536): folded code point, and above 24 bits the kind: 0 nothing, 1 a unit by itself, 2 part of a run, 3 invisible.
    """
    n = 0
    for d in range(offsets.size - 1):
        open_run = False
        h = np.uint64(0)
        for i in range(offsets[d], offsets[d + 1]):
            c = codes[i]
            if c < 65536:
                entry = table[c]
            else:
                entry = c | np.uint32(16777216) if 0x20000 <= c < 0x323B0 else (c | np.uint32(33554432) if 0x1D400 <= c < 0x1D800 else c)
            kind = entry >> np.uint32(24)
            point = np.uint64(entry & np.uint32(0x1FFFFF))
            if kind == 2:
                if not open_run:
                    h, open_run = np.uint64(14695981039346656037), True
                h = (h ^ point) * np.uint64(1099511628211)
                continue
            if kind == 3:
                continue
            if open_run:
                units[n] = _mix(h)
                n += 1
                open_run = False
            if kind == 1:
                units[n] = _mix(point + np.uint64(0x100000000))
                n += 1
        if open_run:
            units[n] = _mix(h)
            n += 1
        ends[d + 1] = n


@njit(cache=True, nogil=True)
def make_shingles(units: UInt64, ends: Int64, sizes: Int64, shingles: UInt32, out_ends: Int64) -> None:
    """32-bit hashes of the runs of `sizes[d]` units of document d; a shorter document is one shingle, an empty one none."""
    m = 0
    for d in range(ends.size - 1):
        lo, hi = ends[d], ends[d + 1]
        size = min(sizes[d], hi - lo)
        if size > 0:
            top = np.uint64(1)
            for _ in range(size - 1):
                top *= _BASE
            salt = np.uint64(size) * np.uint64(0xD6E8FEB86659FD93)
            h = np.uint64(0)
            for i in range(lo, lo + size - 1):
                h = h * _BASE + units[i]
            for i in range(lo + size - 1, hi):
                h = h * _BASE + units[i]
                shingles[m] = np.uint32(_mix(h ^ salt) >> np.uint64(32))
                h -= units[i - size + 1] * top
                m += 1
        out_ends[d + 1] = m


@njit(cache=True, nogil=True)
def cut_chunks(shingles: UInt32, ends: Int64, size: int, doc_of: Int64, out_ends: Int64) -> int:
    """Cut documents of more than `size` shingles: a chunk ends size / (e - 1) after its smallest shingle, `size` on the average.

    (Asymmetric extremum, Zhang et al. 2015.) So the same passage is soon cut at the same places in two books, whatever stands before it.
    Fills `doc_of[c]` and `out_ends[c + 1]` of each chunk and returns how many there are; other documents are one chunk.
    """
    count, window = 0, int(size / 1.718)
    for d in range(ends.size - 1):
        at, hi = ends[d], ends[d + 1]
        if hi - at > size:
            least = at
            for i in range(at, hi):
                if shingles[i] < shingles[least]:
                    least = i
                elif i - least == window and i + 1 < hi:
                    doc_of[count] = d
                    count += 1
                    out_ends[count] = i + 1
                    least = i + 1
        doc_of[count] = d
        count += 1
        out_ends[count] = hi
    return count


@njit(cache=True, nogil=True)
def sign_shingles(shingles: UInt32, ends: Int64, a: UInt32, b: UInt32, out: UInt32) -> None:
    """`out[d, k]` = min over the shingles of document d of a[k] × fmix32(shingle) + b[k], all modulo 2^32 (datasketch's affine32)."""
    block = np.empty(BLOCK, np.uint32)
    for d in range(ends.size - 1):
        out[d, :] = np.uint32(EMPTY)
        at, hi = ends[d], ends[d + 1]
        while at < hi:
            size = min(BLOCK, hi - at)
            for i in range(size):
                x = np.uint32(shingles[at + i])
                x = np.uint32(x ^ (x >> np.uint32(16)))
                x = np.uint32(x * np.uint32(0x85EBCA6B))
                x = np.uint32(x ^ (x >> np.uint32(13)))
                x = np.uint32(x * np.uint32(0xC2B2AE35))
                block[i] = np.uint32(x ^ (x >> np.uint32(16)))
            for k in range(a.size):
                scale, shift, least = a[k], b[k], out[d, k]
                for i in range(size):
                    least = min(least, np.uint32(np.uint32(block[i] * scale) + shift))
                out[d, k] = least
            at += size


@njit(cache=True, nogil=True)
def band_keys(signatures: UInt32, bands: int, rows: int, salt: Any, out: UInt64) -> None:
    """`out[d, j]`: a 64-bit key of the rows of band j of document d; `salt[d]` keeps apart what must never meet."""
    for d in range(signatures.shape[0]):
        for j in range(bands):
            h = np.uint64(salt[d]) * np.uint64(0x9FB21C651E98DF25) + np.uint64(j)
            for r in range(rows):
                h = _mix(h ^ np.uint64(signatures[d, j * rows + r])) + np.uint64(0xD1B54A32D192ED03)
            out[d, j] = h


@njit(cache=True, nogil=True)
def cut_spans(codes: UInt32, offsets: Int64, table: UInt32, units: UInt64, starts: Int64, stops: Int64, ends: Int64) -> None:
    """What `cut_units` gives, with the code points [start, stop) of each unit."""
    n = 0
    for d in range(offsets.size - 1):
        open_run = False
        h = np.uint64(0)
        for i in range(offsets[d], offsets[d + 1]):
            c = codes[i]
            if c < 65536:
                entry = table[c]
            else:
                entry = c | np.uint32(16777216) if 0x20000 <= c < 0x323B0 else (c | np.uint32(33554432) if 0x1D400 <= c < 0x1D800 else c)
            kind = entry >> np.uint32(24)
            point = np.uint64(entry & np.uint32(0x1FFFFF))
            if kind == 3:
                continue
            if kind == 2:
                if not open_run:
                    h, starts[n], open_run = np.uint64(14695981039346656037), i, True
                h = (h ^ point) * np.uint64(1099511628211)
                stops[n] = i + 1
                continue
            if open_run:
                units[n] = _mix(h)
                n += 1
                open_run = False
            if kind == 1:
                units[n], starts[n], stops[n] = _mix(point + np.uint64(0x100000000)), i, i + 1
                n += 1
        if open_run:
            units[n] = _mix(h)
            n += 1
        ends[d + 1] = n


@njit(cache=True, nogil=True)
def hash_grams(units: UInt64, size: int, out: UInt64) -> None:
    """64-bit hashes (never 0) of all runs of `size` units."""
    top = np.uint64(1)
    for _ in range(size - 1):
        top *= _BASE
    h = np.uint64(0)
    for i in range(units.size):
        h = h * _BASE + units[i]
        if i >= size - 1:
            out[i - size + 1] = _mix(h ^ np.uint64(size)) | np.uint64(1)
            h -= units[i - size + 1] * top


@njit(cache=True, nogil=True)
def fill_table(hashes: UInt64, keys: UInt64, numbers: UInt32, sieve: UInt64) -> None:
    """Put each hash with its number into an open table (0: free) of a power of two of places, and set its bit in the sieve."""
    mask, bits = np.uint64(keys.size - 1), np.uint64(sieve.size - 1)
    for k in range(hashes.size):
        sieve[(hashes[k] >> np.uint64(40)) & bits] |= np.uint64(1) << (hashes[k] >> np.uint64(6) & np.uint64(63))
        at = (hashes[k] >> np.uint64(20)) & mask
        while keys[at] != np.uint64(0):
            at = (at + np.uint64(1)) & mask
        keys[at], numbers[at] = hashes[k], k


@njit(cache=True, nogil=True)
def look_up(units: UInt64, ends: Int64, size: int, keys: UInt64, numbers: UInt32, sieve: UInt64, at: Int64, number: UInt32) -> int:
    """Where runs of `size` units of the documents are in the table: their first unit and their number there. Returns how many."""
    mask, bits = np.uint64(keys.size - 1), np.uint64(sieve.size - 1)
    top = np.uint64(1)
    for _ in range(size - 1):
        top *= _BASE
    n = 0
    for d in range(ends.size - 1):
        h = np.uint64(0)
        for i in range(ends[d], ends[d + 1]):
            h = h * _BASE + units[i]
            first = i - size + 1
            if first < ends[d]:
                continue
            key = _mix(h ^ np.uint64(size)) | np.uint64(1)
            h -= units[first] * top
            if not sieve[(key >> np.uint64(40)) & bits] >> (key >> np.uint64(6) & np.uint64(63)) & np.uint64(1):
                continue
            place = (key >> np.uint64(20)) & mask
            while keys[place] != np.uint64(0):
                if keys[place] == key:
                    at[n], number[n] = first, numbers[place]
                    n += 1
                    break
                place = (place + np.uint64(1)) & mask
    return n


@njit(cache=True, nogil=True)
def hash_items(units: UInt64, begins: Int64, ends: Int64, out: UInt64) -> None:
    """Two 64-bit hashes of the units [begins[i], ends[i]) of each item."""
    for i in range(begins.size):
        one, two = np.uint64(0x243F6A8885A308D3), np.uint64(0x13198A2E03707344)
        for k in range(begins[i], ends[i]):
            one = _mix(one ^ units[k]) + np.uint64(0x9E3779B97F4A7C15)
            two = (two ^ units[k]) * np.uint64(0xD6E8FEB86659FD93)
            two ^= two >> np.uint64(32)
        out[i, 0] = _mix(one ^ np.uint64(ends[i] - begins[i]))
        out[i, 1] = _mix(two + np.uint64(ends[i] - begins[i]))
