"""What a fastText file says of itself, read without the library: its settings, its labels, and whether it is whole.

The library reads a cut-off file without a word, takes a damaged one for gigabytes, and can end the process. So the layout is walked first
(fastText 0.9, `FastText::saveModel`, version 12): a file that ends early or too late is no model.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from pathlib import Path

MAGIC, VERSION = 793712314, 12
LABEL = "__label__"
_SETTINGS = struct.Struct("<14i d")  # magic, version, then the arguments of training
_COUNTS = struct.Struct("<3i 2q")  # entries, words, labels, tokens, size of the pruned index (-1: not pruned)
_SUPERVISED = 3
_ENTRY_TAIL = 9  # after a word and its zero byte: an int64 count and a byte for word or label


class NotFastTextError(ValueError):
    """The bytes are not a whole fastText model; the text says why."""


@dataclass(frozen=True, slots=True)
class FastTextFile:
    """`bytes_in_memory` is what the library allocates for the vectors, about; `labels` are in the file's order."""

    dimensions: int
    supervised: bool
    word_ngrams: int
    min_char_ngram: int
    max_char_ngram: int
    buckets: int
    words: int
    labels: tuple[str, ...]
    quantized: bool
    bytes_in_memory: int


def inspect(path: Path) -> FastTextFile:
    """Walk a fastText file from end to end. Raises NotFastTextError, OSError."""
    size = path.stat().st_size
    if size < _SETTINGS.size + _COUNTS.size:
        raise NotFastTextError(f"is no fastText model: {size} bytes")
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return _walk(data)


def _walk(data: mmap.mmap) -> FastTextFile:
    magic, version, dim, _, _, _, _, ngrams, _, kind, buckets, minn, maxn, _, _ = _SETTINGS.unpack_from(data, 0)
    if magic != MAGIC:
        raise NotFastTextError("is no fastText model: its first four bytes are others")
    if version != VERSION:
        raise NotFastTextError(f"is a fastText model of format {version}; {VERSION} can be read")
    entries, words, labels, _, pruned = _COUNTS.unpack_from(data, _SETTINGS.size)
    if min(entries, words, labels, dim, buckets) < 0 or entries != words + labels:
        raise NotFastTextError("is damaged: its counts of words and labels do not add up")
    at, names = _dictionary(data, _SETTINGS.size + _COUNTS.size, entries, words)
    at += 8 * max(pruned, 0)
    quantized = bool(_take(data, at, "<?")[0])
    end = _quantized_matrix(data, at + 1) if quantized else _dense_matrix(data, at + 1)
    out_quantized = bool(_take(data, end, "<?")[0])
    end = _quantized_matrix(data, end + 1) if out_quantized else _dense_matrix(data, end + 1)
    if end != len(data):
        raise NotFastTextError(f"is {'cut off' if end > len(data) else 'damaged'}: {len(data):,} bytes instead of {end:,}")
    memory = end - at + entries * 100 + max(pruned, 0) * 40  # an entry with its character n-grams; a node of the index
    return FastTextFile(dim, kind == _SUPERVISED, ngrams, minn, maxn, buckets, words, names, quantized, memory)


def _dictionary(data: mmap.mmap, at: int, entries: int, words: int) -> tuple[int, tuple[str, ...]]:
    """Where the dictionary ends, and the labels, which come after the words."""
    labels = []
    for number in range(entries):
        zero = data.find(b"\0", at)
        if zero < 0 or zero + 1 + _ENTRY_TAIL > len(data):
            raise NotFastTextError("is cut off in its list of words")
        if number >= words:
            labels.append(data[at:zero].decode("utf-8", "replace").removeprefix(LABEL))
        at = zero + 1 + _ENTRY_TAIL
    return at, tuple(labels)


def _dense_matrix(data: mmap.mmap, at: int) -> int:
    rows, columns = _take(data, at, "<2q")
    return _after(at + 16, 4 * rows * columns)


def _quantized_matrix(data: mmap.mmap, at: int) -> int:
    normed, rows, _, codes = _take(data, at, "<?2qi")
    at = _after(at + 21, codes)
    at = _quantizer(data, at)
    return _quantizer(data, _after(at, rows)) if normed else at


def _quantizer(data: mmap.mmap, at: int) -> int:
    """A product quantizer: its sizes, then 256 centroids for each dimension."""
    (dim, *_) = _take(data, at, "<4i")
    return _after(at + 16, 4 * 256 * dim)


def _after(at: int, size: int) -> int:
    if size < 0:
        raise NotFastTextError("is damaged: a matrix of negative size")
    return at + size


def _take(data: mmap.mmap, at: int, layout: str) -> tuple[int, ...]:
    if at + struct.calcsize(layout) > len(data):
        raise NotFastTextError(f"is cut off: {len(data):,} bytes are not the whole of it")
    found: tuple[int, ...] = struct.unpack_from(layout, data, at)
    return found
