"""Our own model of names: a linear chain over characters, with features of characters, words, their tags, and lists of facts.

Word boundaries and tags come from jieba's dictionary (by rjieba). The weights are a hashed table of small integers, learnt by
`benchmarks/train_names.py`; it holds no text. A name is told by its family name, what its characters are elsewhere, and what
stands around it.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import zstandard
from numba import njit

from cleaning.pii.names.lists import SURNAMES, TRANSLITERATION

BITS = 17
TAGS = 5  # O B M E S
TEMPLATES = 26
WEIGHTS = Path(__file__).with_name("weights.zst")
Array = npt.NDArray[Any]


@lru_cache(maxsize=1)
def char_kinds() -> Array:
    """(65536,) kind of a character: 1 family name, 2 spells foreign names, 3 both, 4 digit, 5 Latin, 6 ·, 7 punctuation, 8 other Han."""
    kinds = np.full(0x10000, 7, np.uint8)
    kinds[0x3400:0x9FFF] = 8
    for c in TRANSLITERATION:
        kinds[ord(c)] = 2
    for c in SURNAMES:
        kinds[ord(c)] = 3 if c in TRANSLITERATION else 1
    kinds[ord("0") : ord("9") + 1] = 4
    for first, last in (("A", "Z"), ("a", "z")):
        kinds[ord(first) : ord(last) + 1] = 5
    kinds[[ord(c) for c in "·•・"]] = 6
    return kinds


@njit(cache=True, nogil=True)
def _mix(a: Any, b: Any) -> Any:
    h = (np.uint64(a) * np.uint64(0x9E3779B97F4A7C15)) ^ (np.uint64(b) + np.uint64(0x7F4A7C15))
    h ^= h >> np.uint64(29)
    h *= np.uint64(0xBF58476D1CE4E5B9)
    h ^= h >> np.uint64(32)
    return h


@njit(cache=True, nogil=True)
def name_features(codes: Array, lengths: Array, word_tags: Array, kinds: Array, out: Array) -> None:
    """`out` (n, TEMPLATES): buckets of the features of each character; words of `lengths` with `word_tags` cover the characters."""
    n, words = len(codes), len(lengths)
    hashes = np.zeros(words + 4, np.uint64)  # of the words; two empty ones at each end
    tags = np.zeros(words + 4, np.uint64)
    at = 0
    for w in range(words):
        h: Any = np.uint64(lengths[w])
        for k in range(at, at + lengths[w]):
            h = _mix(h, np.uint64(codes[k]))
        hashes[w + 2], tags[w + 2] = h, word_tags[w]
        at += lengths[w]
    mask = np.uint64((1 << BITS) - 1)
    at = 0
    for w in range(words):
        size = lengths[w]
        for k in range(size):
            i = at + k
            place = np.uint64(3 if size == 1 else 0 if k == 0 else 2 if k == size - 1 else 1)
            placed = place * np.uint64(8) + np.uint64(min(size, 7))
            _character(codes, i, n, kinds, place, out)
            m = w + 2
            row = (
                _mix(tags[m], placed), _mix(hashes[m], place), _mix(_mix(tags[m - 1], tags[m]), placed),
                _mix(_mix(tags[m + 1], tags[m]), placed),
                _mix(hashes[m - 1], placed), _mix(hashes[m + 1], placed), _mix(_mix(tags[m - 1], tags[m]), _mix(tags[m + 1], place)),
                _mix(hashes[m - 2], place), _mix(hashes[m + 2], place), _mix(_mix(hashes[m - 1], hashes[m + 1]), placed),
            )  # fmt: skip
            for t in range(10):
                out[i, 16 + t] = np.int32(_mix(row[t], np.uint64(117 + t)) & mask)
        at += size


@njit(cache=True, nogil=True)
def _code(codes: Array, i: int, n: int) -> Any:
    return np.uint64(codes[i]) if 0 <= i < n else np.uint64(1)


@njit(cache=True, nogil=True)
def _kind(codes: Array, i: int, n: int, kinds: Array) -> Any:
    if i < 0 or i >= n:
        return np.uint64(0)
    return np.uint64(kinds[codes[i]]) if codes[i] < 0x10000 else np.uint64(9)


@njit(cache=True, nogil=True)
def _character(codes: Array, i: int, n: int, kinds: Array, place: Any, out: Array) -> None:
    mask = np.uint64((1 << BITS) - 1)
    a, b, c, d, e = _code(codes, i - 2, n), _code(codes, i - 1, n), _code(codes, i, n), _code(codes, i + 1, n), _code(codes, i + 2, n)
    f = (
        _kind(codes, i - 2, n, kinds),
        _kind(codes, i - 1, n, kinds),
        _kind(codes, i, n, kinds),
        _kind(codes, i + 1, n, kinds),
        _kind(codes, i + 2, n, kinds),
    )
    near = (f[1] * np.uint64(16) + f[2]) * np.uint64(16) + f[3]
    row = (
        c, b, d, a, e, _mix(b, c), _mix(c, d), _mix(a, b), _mix(d, e), _mix(_mix(b, c), d),
        near, (near * np.uint64(16) + f[0]) * np.uint64(16) + f[4],
        _mix(c, place), _mix(near, e), _mix(near, a), _mix(_mix(near, place), _kind(codes, i + 3, n, kinds)),
    )  # fmt: skip
    for t in range(16):
        out[i, t] = np.int32(_mix(row[t], np.uint64(1 + t)) & mask)


@njit(cache=True, nogil=True)
def best_tags(features: Array, weights: Array, moves: Array, out: Array) -> None:
    """`out`: the best sequence of tags (O B M E S) under `weights` (buckets, TAGS) and `moves` (from, to)."""
    n = len(features)
    if n == 0:
        return
    back = np.zeros((n, TAGS), np.int8)
    score = np.full(TAGS, -1e9)
    for i in range(n):
        local = np.zeros(TAGS)
        for f in range(features.shape[1]):
            for t in range(TAGS):
                local[t] += weights[features[i, f], t]
        new = np.full(TAGS, -1e9)
        for t in range(TAGS):
            if i == 0:
                new[t] = local[t] if t == 0 or t == 1 or t == 4 else -1e9
                continue
            for s in range(TAGS):
                inside = s == 1 or s == 2  # B and M must go on with M or E
                if inside != (t == 2 or t == 3):
                    continue
                value = score[s] + moves[s, t] + local[t]
                if value > new[t]:
                    new[t], back[i, t] = value, s
        score = new
    t = 0
    for s in (3, 4):
        if score[s] > score[t]:
            t = s
    for i in range(n - 1, -1, -1):
        out[i] = t
        t = back[i, t]


def save_weights(path: Path, weights: Array, moves: Array) -> None:
    """One zstd file: (2^BITS, TAGS) then (TAGS, TAGS) as int8, little."""
    path.write_bytes(zstandard.ZstdCompressor(level=19).compress(weights.astype(np.int8).tobytes() + moves.astype(np.int8).tobytes()))


@lru_cache(maxsize=2)
def load_weights(path: Path = WEIGHTS) -> tuple[Array, Array]:
    """The table and the moves that `save_weights` wrote."""
    data = np.frombuffer(zstandard.ZstdDecompressor().decompress(path.read_bytes()), np.int8)
    return data[: -TAGS * TAGS].reshape(-1, TAGS), data[-TAGS * TAGS :].reshape(TAGS, TAGS).astype(np.float32)


def words_of(text: str) -> tuple[Array, Array]:
    """Lengths and tags (as numbers) of jieba's words; the words cover the text."""
    import rjieba

    tagged = rjieba.tag(text)
    lengths = np.fromiter((len(word) for word, _ in tagged), np.int32, len(tagged))
    return lengths, np.fromiter((_tag_number(tag) for _, tag in tagged), np.uint64, len(tagged))


@lru_cache(maxsize=512)
def _tag_number(tag: str) -> int:
    return int.from_bytes(tag.encode("utf-8")[:7].ljust(7, b"\0"), "little")


def features_of(text: str) -> Array:
    """(len(text), TEMPLATES) buckets."""
    lengths, tags = words_of(text)
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    out = np.zeros((len(codes), TEMPLATES), np.int32)
    if int(lengths.sum()) == len(codes):
        name_features(codes, lengths, tags, char_kinds(), out)
    return out


class NameTagger:
    """The chain with its weights."""

    def __init__(self, path: Path = WEIGHTS) -> None:
        self._weights, self._moves = load_weights(path)

    def scored(self, text: str) -> tuple[list[tuple[int, int]], list[float]]:
        """Spans of names, and for each how far its tags lie above "no name", summed over its characters."""
        features = features_of(text)
        tags = np.zeros(len(features), np.int8)
        best_tags(features, self._weights, self._moves, tags)
        spans = spans_of(tags)
        return spans, [self._margin(features, tags, s, e) for s, e in spans]

    def _margin(self, features: Array, tags: Array, start: int, end: int) -> float:
        local = self._weights[features[start:end]].sum(axis=1, dtype=np.int64)
        return float((local[np.arange(end - start), tags[start:end]] - local[:, 0]).sum())


def spans_of(tags: Array) -> list[tuple[int, int]]:
    """(start, end) of each B…E and each S."""
    starts, ends = np.flatnonzero((tags == 1) | (tags == 4)), np.flatnonzero((tags == 3) | (tags == 4)) + 1
    return list(zip(starts.tolist(), ends.tolist(), strict=True))
