"""From texts to what duplicates are found by: shingles, MinHash signatures, band keys, a hash of the folded text.

A *unit* is the project's: a Han character, kana or Hangul syllable, or a run of letters and digits. Text is folded before it is cut:
letters small, width halved, characters simplified; marks and blanks are gone. A *shingle* is n units in a row. Signatures are bit for bit
those of datasketch 2 (scheme `affine32`, the same seed, shingle hashes as the items), so that they can be loaded there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import xxhash

from cleaning.dedup.kernels import Int64, UInt32, UInt64, band_keys, cut_chunks, cut_units, make_shingles, sign_shingles
from cleaning.text.charclass import char_tables, classes_with, fold_table, utf32

_SINGLE, _RUN, _INVISIBLE = 1, 2, 3
BOTH = 1.25  # up to so many times `short_units` a document is compared with short ones as well


@dataclass(frozen=True, slots=True)
class Scheme:
    """How documents are signed. Documents of fewer than `short_units` units have shingles of `short_shingle` units and keys of their own;
    those that are up to a quarter longer have both, so that no pair falls between the two.

    `unit`: `mixed` (above) or `char` (each letter and digit is a unit). `digits`: `keep`, `zero` (all alike) or `drop`. `chunk_units`:
    documents longer than a chunk have keys for each chunk; 0: none.
    """

    shingle: int = 5
    bands: int = 14
    rows: int = 8
    unit: Literal["mixed", "char"] = "mixed"
    digits: Literal["keep", "zero", "drop"] = "keep"
    short_units: int = 100
    short_shingle: int = 3
    chunk_units: int = 0
    seed: int = 1

    @property
    def permutations(self) -> int:
        """Values of a signature."""
        return self.bands * self.rows


class Signed(NamedTuple):
    """Of n texts. `units` (n), `shingles` (all one after the other) and `ends` (n + 1), `signatures` (n, permutations),
    `keys` (all one after the other) and `key_ends` (n + 1), `folded` (n, 2): 128 bits of the folded text. `both`: which texts have both
    kinds of shingles; `short_shingles`, `short_ends`: theirs of the short kind."""  # fmt: skip

    units: Int64
    shingles: UInt32
    ends: Int64
    signatures: UInt32
    keys: UInt64
    key_ends: Int64
    folded: UInt64
    both: Int64
    short_shingles: UInt32
    short_ends: Int64


@lru_cache(maxsize=4)
def permutations(count: int, seed: int = 1) -> tuple[UInt32, UInt32]:
    """Multipliers (odd) and addends of datasketch's affine32 scheme."""
    random = np.random.RandomState(seed)
    scale = random.randint(0, 1 << 31, count, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    return scale, random.randint(0, 1 << 32, count, dtype=np.uint32)


def optimal_bands(threshold: float, count: int) -> tuple[int, int]:
    """Bands and rows for `count` permutations with the smallest sum of false positives and negatives, by datasketch."""
    from datasketch import MinHashLSH

    lsh = MinHashLSH(threshold=threshold, num_perm=count)
    return int(lsh.b), int(lsh.r)


@lru_cache(maxsize=8)
def unit_table(unit: str = "mixed", digits: str = "keep") -> UInt32:
    """(65536,) folded code point, and above 24 bits what becomes of it: see `cut_units`."""
    tables = char_tables()
    class_of = tables.class_of[:0x10000]
    kinds = np.zeros(256, np.uint32)
    kinds[classes_with("latin", "other_letter", "mark", "digit")] = _SINGLE if unit == "char" else _RUN
    kinds[classes_with("han", "kana", "hangul")] = _SINGLE
    kinds[classes_with("invisible")] = _INVISIBLE
    table = fold_table().copy()
    table[0xD800:0xE000] = 0xFFFD
    kind = kinds[class_of]
    number = classes_with("digit")[class_of]
    if digits == "zero":
        table[number] = ord("0")
    elif digits == "drop":
        kind[number] = _INVISIBLE
    return table | kind << np.uint32(24)


def count_units(texts: Sequence[str], scheme: Scheme) -> tuple[UInt64, Int64]:
    """Hashes of the units of some texts, one after the other, and (n + 1) where each text's end."""
    codes, offsets = utf32(list(texts))
    units, ends = np.empty(codes.size, np.uint64), np.zeros(offsets.size, np.int64)
    cut_units(codes, offsets, unit_table(scheme.unit, scheme.digits), units, ends)
    return units[: ends[-1]], ends


def shingles_of(units: UInt64, ends: Int64, scheme: Scheme) -> tuple[UInt32, Int64]:
    """32-bit hashes of the shingles of some documents, and (n + 1) where each document's end."""
    sizes = np.where(np.diff(ends) < scheme.short_units, scheme.short_shingle, scheme.shingle).astype(np.int64)
    shingles, out = np.empty(units.size, np.uint32), np.zeros(ends.size, np.int64)
    make_shingles(units, ends, sizes, shingles, out)
    return shingles[: out[-1]], out


def sign(texts: Sequence[str], scheme: Scheme) -> Signed:
    """Everything that the comparison of some texts needs. What a text gets depends on that text alone.

    >>> a, b = sign(["人工智能（ＡＩ）正在改變世界。", "人工智能AI正在改变世界"], Scheme()).folded.tolist()
    >>> a == b
    True
    """
    units, ends = count_units(texts, scheme)
    shingles, shingle_ends = shingles_of(units, ends, scheme)
    counts = np.diff(ends)
    chunk_doc, chunk_ends = _chunks(shingles, shingle_ends, scheme)
    chunks = _signatures(shingles, chunk_ends, scheme)
    signatures = chunks
    parts = [(chunk_doc, _keys(chunks, counts[chunk_doc] < scheme.short_units, scheme))]
    if chunk_doc.size > counts.size:  # the minimum over a document is the minimum over its chunks; a book has keys as a whole, too
        signatures = np.minimum.reduceat(chunks, np.searchsorted(chunk_doc, np.arange(counts.size)), axis=0)
        books = np.flatnonzero(np.bincount(chunk_doc, minlength=counts.size) > 1)
        parts.append((books, _keys(signatures[books], np.zeros(books.size), scheme)))
    both = np.flatnonzero((counts >= scheme.short_units) & (counts < scheme.short_units * BOTH))
    short, short_ends = _short_shingles(units, ends, both, scheme)
    if both.size:
        parts.append((both, _keys(_signatures(short, short_ends, scheme), np.ones(both.size), scheme)))
    keys, key_ends = _by_document(parts, counts, scheme.bands)
    folded = _folded(texts, units, ends)
    return Signed(counts, shingles, shingle_ends, signatures, keys, key_ends, folded, both, short, short_ends)


def _signatures(shingles: UInt32, ends: Int64, scheme: Scheme) -> UInt32:
    out = np.empty((ends.size - 1, scheme.permutations), np.uint32)
    sign_shingles(shingles, ends, *permutations(scheme.permutations, scheme.seed), out)
    return out


def _keys(signatures: UInt32, salts: npt.NDArray[Any], scheme: Scheme) -> UInt64:
    out = np.empty((len(signatures), scheme.bands), np.uint64)
    band_keys(signatures, scheme.bands, scheme.rows, salts.astype(np.uint64), out)
    return out


def _by_document(parts: list[tuple[Int64, UInt64]], counts: Int64, bands: int) -> tuple[UInt64, Int64]:
    """All keys of each document side by side; a document without a unit has none."""
    doc_of, keys = parts[0]
    if len(parts) > 1:
        doc_of = np.concatenate([docs for docs, _ in parts])
        order = np.argsort(doc_of, kind="stable")
        doc_of, keys = doc_of[order], np.concatenate([rows for _, rows in parts])[order]
    full = counts[doc_of] > 0
    ends = np.zeros(counts.size + 1, np.int64)
    np.cumsum(np.bincount(doc_of[full], minlength=counts.size) * bands, out=ends[1:])
    return keys[full].ravel(), ends


def _short_shingles(units: UInt64, ends: Int64, which: Int64, scheme: Scheme) -> tuple[UInt32, Int64]:
    parts = [units[ends[d] : ends[d + 1]] for d in which.tolist()]
    own = np.concatenate([[0], np.cumsum([part.size for part in parts])]).astype(np.int64)
    shingles, out = np.empty(own[-1], np.uint32), np.zeros(own.size, np.int64)
    make_shingles(np.concatenate([np.empty(0, np.uint64), *parts]), own, np.full(which.size, scheme.short_shingle), shingles, out)
    return shingles[: out[-1]], out


def _chunks(shingles: UInt32, ends: Int64, scheme: Scheme) -> tuple[Int64, Int64]:
    if not scheme.chunk_units:
        return np.arange(ends.size - 1), ends
    room = ends.size + 2 * shingles.size // scheme.chunk_units + 1  # a chunk has at least size / (e - 1) shingles
    doc_of, out = np.empty(room, np.int64), np.zeros(room + 1, np.int64)
    count = cut_chunks(shingles, ends, scheme.chunk_units, doc_of, out)
    return doc_of[:count], out[: count + 1]


def _folded(texts: Sequence[str], units: UInt64, ends: Int64) -> UInt64:
    """A text without a unit (marks alone) is hashed as it is."""
    digests = [
        xxhash.xxh3_128_digest(units[lo:hi].data) if hi > lo else xxhash.xxh3_128_digest(text.encode("utf-8", "surrogatepass"))
        for text, lo, hi in zip(texts, ends[:-1].tolist(), ends[1:].tolist(), strict=True)
    ]
    return np.frombuffer(b"".join(digests), np.uint64).reshape(-1, 2)


def estimate(one: UInt32, other: UInt32) -> npt.NDArray[np.float64]:
    """Estimated Jaccard similarity of signatures, row by row: the share of equal values."""
    return np.asarray((one == other).mean(axis=-1), np.float64)
