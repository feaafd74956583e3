"""Numbers for tokens, and the kernels that give them: text as code points in, token numbers out.

0 is `<unk>`, 1 `<s>`, 2 `</s>`; the other tokens are numbered in the order of their first appearance, as KenLM's lmplz does it.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from numba import njit

UNK, BOS, EOS = 0, 1, 2
SPECIALS = ("<unk>", "<s>", "</s>")
POINT, JOINS = 0x1FFFFF, 1 << 24  # an entry of the folding table: the code point, and whether it makes words with its like
_POINTS = 0x110000

UInt32 = npt.NDArray[np.uint32]
UInt64 = npt.NDArray[np.uint64]
Int64 = npt.NDArray[np.int64]


class Vocabulary:
    """Tokens and their numbers. Tables for the kernels are made when one asks, and kept in step.

    >>> vocab = Vocabulary()
    >>> vocab.learn("好"), vocab.find("好"), vocab.find("坏"), vocab.learn("<s>"), len(vocab)
    (3, 3, 0, 0, 4)
    """

    def __init__(self, tokens: Iterable[str] = SPECIALS) -> None:
        self.tokens = list(tokens)
        self._ids: dict[str, int] = {token: i for i, token in enumerate(self.tokens)}
        self._points: UInt32 | None = None
        self._hashed: tuple[UInt64, UInt32] | None = None

    def __len__(self) -> int:
        return len(self.tokens)

    def find(self, token: str) -> int:
        """A token's number; 0 when it is unknown or one of the special three."""
        number = self._ids.get(token, UNK)
        return number if number > EOS else UNK

    def learn(self, token: str) -> int:
        """A token's number, a new one if need be; 0 for the special three."""
        number = self._ids.setdefault(token, len(self.tokens))
        if number == len(self.tokens):
            self.tokens.append(token)
            self._points = self._hashed = None
        return number if number > EOS else UNK

    def by_point(self) -> UInt32:
        """(1,114,112) number of each token of one code point."""
        if self._points is None:
            self._points = np.zeros(_POINTS, np.uint32)
            for number, token in enumerate(self.tokens[EOS + 1 :], EOS + 1):
                if len(token) == 1:
                    self._points[ord(token)] = number
        return self._points

    def by_hash(self) -> tuple[UInt64, UInt32]:
        """Open addressing table: 64-bit hashes of the tokens (0: empty place) and their numbers. At most a quarter full when made."""
        if self._hashed is None:
            size = 1 << max(12, (4 * len(self.tokens)).bit_length())
            self._hashed = np.zeros(size, np.uint64), np.zeros(size, np.uint32)
            words = self.tokens[EOS + 1 :]
            codes = np.frombuffer("".join(words).encode("utf-32-le", "surrogatepass"), np.uint32)
            ends = np.cumsum([len(word) for word in words]).astype(np.int64)
            _fill(codes, ends, *self._hashed, EOS + 1)
        return self._hashed

    def add_points(self, points: UInt32) -> None:
        """Take over what a kernel has learned in the table of `by_point`."""
        for point in points.tolist():
            self._ids[chr(point)] = len(self.tokens)
            self.tokens.append(chr(point))
        if points.size:
            self._hashed = None

    def add_words(self, words: list[str]) -> None:
        """Take over what a kernel has learned in the table of `by_hash`, and make a larger one when it is half full."""
        for word in words:
            self._ids[word] = len(self.tokens)
            self.tokens.append(word)
        if words:
            self._points = None
        if self._hashed is not None and 2 * len(self.tokens) > self._hashed[0].size:
            self._hashed = None


def fold_lines(codes: UInt32, offsets: Int64, table: UInt32) -> tuple[UInt32, Int64, Int64, Int64]:
    """Folded code points (with `JOINS`) of all lines that are not empty, line offsets, document offsets into the lines, line starts."""
    out = np.empty(codes.size, np.uint32)
    lines = np.zeros(codes.size // 2 + offsets.size + 1, np.int64)
    starts = np.empty(lines.size, np.int64)
    docs = np.zeros(offsets.size, np.int64)
    size, count = _fold_lines(codes, offsets, table, out, lines, docs, starts)
    return out[:size], lines[: count + 1], docs, starts[:count]


def char_ids(folded: UInt32, vocab: Vocabulary, blank: int, learn: bool) -> UInt32:
    """The number of each character; `blank` is the code point that stands for a blank."""
    out = np.empty(folded.size, np.uint32)
    points = np.empty(_POINTS if learn else 0, np.uint32)
    new = _char_ids(folded, vocab.by_point(), blank, len(vocab), points, out)
    vocab.add_points(points[:new])
    return out


def word_ids(folded: UInt32, lines: Int64, vocab: Vocabulary, learn: bool) -> tuple[UInt32, Int64]:
    """The number of each word (a run of what joins, or one other character) and the line offsets in words."""
    ids, lines_out = np.empty(folded.size, np.uint32), np.zeros(lines.size, np.int64)
    state = np.zeros(3, np.int64)  # line, code point, words so far
    while state[0] < lines.size - 1:
        keys, numbers = vocab.by_hash()
        room = max(0, keys.size // 2 - len(vocab)) if learn else 0
        spans = np.empty((room, 2), np.int64)
        new = _word_ids(folded, lines, keys, numbers, len(vocab), learn, spans, ids, lines_out, state)
        words = [(folded[a:b] & np.uint32(POINT)).tobytes().decode("utf-32-le") for a, b in spans[:new].tolist()]
        vocab.add_words(words)
        if learn and state[0] < lines.size - 1:  # it stopped because the table is half full
            vocab._hashed = None
    return ids[: state[2]], lines_out


@njit(cache=True, nogil=True)
def _fold_lines(codes: UInt32, offsets: Int64, table: UInt32, out: UInt32, lines: Int64, docs: Int64, starts: Int64) -> tuple[int, int]:
    m, count = 0, 0
    for d in range(offsets.size - 1):
        begin, blank = m, False
        for i in range(offsets[d], offsets[d + 1]):
            entry = table[codes[i]]
            if entry == 10:
                if m > begin:
                    count += 1
                    lines[count] = m
                begin, blank = m, False
            elif entry == 32:
                blank = True
            elif entry != 0:
                if m == begin:
                    starts[count] = i
                elif blank:
                    out[m] = 32
                    m += 1
                blank = False
                out[m] = entry
                m += 1
        if m > begin:
            count += 1
            lines[count] = m
        docs[d + 1] = count
    return m, count


@njit(cache=True, nogil=True)
def _char_ids(folded: UInt32, table: UInt32, blank: int, size: int, points: UInt32, out: UInt32) -> int:
    """Returns how many new code points there are, in `points`; where it has no room for any, nothing is learned."""
    new = 0
    for i in range(folded.size):
        point = folded[i] & np.uint32(0x1FFFFF)
        if point == 32:
            point = np.uint32(blank)
        number = table[point]
        if number == 0 and points.size:
            number = np.uint32(size + new)
            table[point] = number
            points[new] = point
            new += 1
        out[i] = number
    return new


@njit(cache=True, nogil=True)
def _hash_of(codes: UInt32, a: int, b: int) -> np.uint64:
    h = np.uint64(0x9E3779B97F4A7C15) ^ np.uint64(b - a)
    for i in range(a, b):
        h = (h ^ np.uint64(codes[i] & np.uint32(0x1FFFFF))) * np.uint64(0xFF51AFD7ED558CCD)
        h ^= h >> np.uint64(32)
    h *= np.uint64(0xC4CEB9FE1A85EC53)
    h ^= h >> np.uint64(29)
    return h if h != np.uint64(0) else np.uint64(1)


@njit(cache=True, nogil=True)
def _place(keys: UInt64, h: np.uint64) -> int:
    mask = np.uint64(keys.size - 1)
    at = h & mask
    while keys[at] != np.uint64(0) and keys[at] != h:
        at = (at + np.uint64(1)) & mask
    return int(np.int64(at))


@njit(cache=True, nogil=True)
def _fill(codes: UInt32, ends: Int64, keys: UInt64, numbers: UInt32, first: int) -> None:
    begin = 0
    for i in range(ends.size):
        h = _hash_of(codes, begin, ends[i])
        at = _place(keys, h)
        keys[at] = h
        numbers[at] = first + i
        begin = ends[i]


@njit(cache=True, nogil=True)
def _word_ids(
    folded: UInt32, lines: Int64, keys: UInt64, numbers: UInt32, size: int, learn: bool, spans: Int64, ids: UInt32, lines_out: Int64,
    state: Int64,
) -> int:  # fmt: skip
    """Goes on from `state` until the end, or until `spans` is full of new words, whose number it returns."""
    new = 0
    for line in range(state[0], lines.size - 1):
        i = max(state[1], lines[line])
        while i < lines[line + 1]:
            j = i + 1
            if folded[i] == 32:
                i = j
                continue
            if folded[i] & np.uint32(1 << 24):
                while j < lines[line + 1] and folded[j] & np.uint32(1 << 24):
                    j += 1
            h = _hash_of(folded, i, j)
            at = _place(keys, h)
            number = np.uint32(0)
            if keys[at] == h:
                number = numbers[at]
            elif learn:
                if new == spans.shape[0]:
                    state[0], state[1] = line, i
                    return new
                number = np.uint32(size + new)
                keys[at] = h
                numbers[at] = number
                spans[new, 0], spans[new, 1] = i, j
                new += 1
            ids[state[2]] = number
            state[2] += 1
            i = j
        lines_out[line + 1] = state[2]
    state[0] = lines.size - 1
    return new
