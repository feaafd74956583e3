"""The vectors of a fastText classifier as arrays, for kernels that score text without a call into the library for every line.

Covers what language identifiers are: words and character n-grams (no word n-grams), hierarchical softmax or softmax, dense or
product-quantized (Joulin et al. 2016, FastText.zip). For anything else `read_arrays` returns None, and the library is asked.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cleaning.models.fasttext_file import FastTextFile

_HIERARCHICAL, _SOFTMAX = 1, 3
_HEAD = 92  # settings and counts, see fasttext_file
_FNV, _PRIME = 0x811C9DC5, 0x01000193
_WIDE, _WIDE_PRIME = 0xCBF29CE484222325, 0x100000001B3

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class FastTextArrays:
    """What the kernels read. Rows of `vectors`: words, then character n-grams in the order of their buckets.

    `word_hashes` and `word_rows` are an open hash table of the words. `gram_bits` has a bit for each bucket, set where it was kept, and
    `gram_before` counts the kept ones before each 64; both are empty where none was pruned. `output` (labels or inner nodes, dimensions);
    `left` and `right` are the children of the tree's inner nodes, empty for softmax.
    """

    vectors: Floats
    output: Floats
    word_hashes: npt.NDArray[np.uint64]
    word_rows: npt.NDArray[np.int32]
    gram_bits: npt.NDArray[np.uint64]
    gram_before: npt.NDArray[np.int32]
    buckets: int
    words: int
    left: npt.NDArray[np.int32]
    right: npt.NDArray[np.int32]
    end_row: int  # of </s>, which stands at the end of every line; -1: it has none
    shortest: int
    longest: int

    @property
    def nbytes(self) -> int:
        """Memory that the arrays take."""
        arrays = (self.vectors, self.output, self.word_hashes, self.word_rows, self.gram_bits, self.gram_before, self.left, self.right)
        return sum(array.nbytes for array in arrays)


def read_arrays(path: Path, about: FastTextFile) -> FastTextArrays | None:
    """Read a whole file that `inspect` has passed; None when its kind is not covered."""
    data = path.read_bytes()
    (loss,) = struct.unpack_from("<i", data, 32)
    if about.word_ngrams > 1 or loss not in (_HIERARCHICAL, _SOFTMAX) or not about.supervised:
        return None
    words, counts, at = _dictionary(data, about)
    (pruned,) = struct.unpack_from("<q", data, 84)
    kept: npt.NDArray[np.int32] | None = None
    if pruned >= 0:
        kept = np.frombuffer(data, "<i4", 2 * pruned, at).reshape(-1, 2)
        at += 8 * pruned
    vectors, at = _matrix(data, at)
    output, _ = _matrix(data, at)
    bits, before = np.zeros(0, np.uint64), np.zeros(0, np.int32)
    if kept is not None:
        order = np.argsort(kept[:, 0])
        vectors = np.concatenate([vectors[: len(words)], vectors[len(words) + kept[order, 1]]])
        bits, before = _rank_table(kept[order, 0].astype(np.int64), about.buckets)
    hashes, rows = _table(words)
    left, right = huffman(counts) if loss == _HIERARCHICAL else (np.zeros(0, np.int32), np.zeros(0, np.int32))
    end = words.index(b"</s>") if b"</s>" in words else -1
    return FastTextArrays(
        vectors, output, hashes, rows, bits, before, about.buckets, len(words), left, right, end, about.min_char_ngram, about.max_char_ngram
    )


def _rank_table(buckets: npt.NDArray[np.int64], size: int) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int32]]:
    """A bit for each bucket, and for each 64 of them how many set ones come before: small enough to stay in the processor's cache."""
    kept = np.zeros(-(-size // 64) * 64, np.uint8)
    kept[buckets] = 1
    bits = np.packbits(kept, bitorder="little").view("<u8")
    before = np.concatenate([[0], np.cumsum(kept.reshape(-1, 64).sum(axis=1, dtype=np.int32))[:-1]])
    return bits, before.astype(np.int32)


def _dictionary(data: bytes, about: FastTextFile) -> tuple[list[bytes], list[int], int]:
    """The words, the counts of the labels, and where the dictionary ends."""
    words: list[bytes] = []
    counts: list[int] = []
    at = _HEAD
    for number in range(about.words + len(about.labels)):
        zero = data.index(b"\0", at)
        if number < about.words:
            words.append(data[at:zero])
        else:
            counts.append(struct.unpack_from("<q", data, zero + 1)[0])
        at = zero + 10
    return words, counts, at


def _matrix(data: bytes, at: int) -> tuple[Floats, int]:
    quantized = data[at] != 0
    at += 1
    if quantized:
        return _quantized(data, at)
    rows, columns = struct.unpack_from("<2q", data, at)
    dense = np.frombuffer(data, np.uint8, 4 * rows * columns, at + 16).copy().view("<f4")
    return dense.reshape(rows, columns), at + 16 + dense.nbytes


def _quantized(data: bytes, at: int) -> tuple[Floats, int]:
    normed, rows, columns, size = struct.unpack_from("<?2qi", data, at)
    codes = np.frombuffer(data, np.uint8, size, at + 21).reshape(rows, -1)
    parts, at = _centroids(data, at + 21 + size)
    out = np.concatenate([part[codes[:, k]] for k, part in enumerate(parts)], axis=1)
    if normed:
        norm_codes = np.frombuffer(data, np.uint8, rows, at)
        norms, at = _centroids(data, at + rows)
        out = out * norms[0][norm_codes]
    return np.ascontiguousarray(out[:, :columns], np.float32), at


def _centroids(data: bytes, at: int) -> tuple[list[Floats], int]:
    """For each part of a vector its 256 centroids (256, dimensions of the part)."""
    dim, parts, width, last = struct.unpack_from("<4i", data, at)
    flat = np.frombuffer(data, np.uint8, 4 * 256 * dim, at + 16).copy().view("<f4")
    begin = 256 * width
    widths = [width] * (parts - 1) + [last]
    return [flat[k * begin : k * begin + 256 * w].reshape(256, w) for k, w in enumerate(widths)], at + 16 + flat.nbytes


def _table(words: list[bytes]) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int32]]:
    """An open hash table, at most half full: slot = wide hash & (size - 1), then the next ones."""
    size = 1 << max(4, (2 * len(words)).bit_length())
    hashes, rows = np.zeros(size, np.uint64), np.full(size, -1, np.int32)
    for row, word in enumerate(words):
        wide = wide_hash(word)
        slot = wide & (size - 1)
        while rows[slot] >= 0:
            slot = (slot + 1) & (size - 1)
        hashes[slot], rows[slot] = wide, row
    return hashes, rows


def wide_hash(word: bytes) -> int:
    """FNV-1a of 64 bits: by it the kernel knows a word; two words of one hash are not to be expected."""
    value = _WIDE
    for byte in word:
        value = (value ^ byte) * _WIDE_PRIME & 0xFFFFFFFFFFFFFFFF
    return value


def huffman(counts: list[int]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Children of the inner nodes of the labels' tree, as `HierarchicalSoftmaxLoss::buildTree` makes it; the root is the last node."""
    size = len(counts)
    weight = [*counts, *[10**15] * (size - 1)]
    children = np.full((2, 2 * size - 1), -1, np.int32)
    leaf, node = size - 1, size
    for i in range(size, 2 * size - 1):
        chosen = []
        for _ in range(2):
            if leaf >= 0 and weight[leaf] < weight[node]:
                chosen.append(leaf)
                leaf -= 1
            else:
                chosen.append(node)
                node += 1
        children[0, i], children[1, i] = chosen
        weight[i] = weight[chosen[0]] + weight[chosen[1]]
    return children[0, size:].copy(), children[1, size:].copy()


def kernel_arguments(arrays: FastTextArrays) -> tuple[Any, ...]:
    """What `sum_features` takes after the text, in its order."""
    return (
        arrays.vectors, arrays.word_hashes, arrays.word_rows, arrays.gram_bits, arrays.gram_before, arrays.buckets, arrays.words,
        arrays.end_row, arrays.shortest, arrays.longest,
    )  # fmt: skip
