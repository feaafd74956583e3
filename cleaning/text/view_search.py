"""Which documents may hold a phrase of some lists, without writing their views down.

A view (`text.view`) is read as tokens: a run of letters or digits is one, any other character that is not a blank is one. A phrase
that stands in a view stands there token by token, so a document without the first tokens of any phrase need not be searched; of
ordinary text that is nearly every document. What may hold one goes to the automaton, which decides.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from cleaning.text.charclass import Encoded, utf32
from cleaning.text.kernels import Row, UInt
from cleaning.text.view import LONGEST_GAP, view_table

_BREAK, _UNSURE = 0, 1  # tokens: nothing goes across; a sign that reads as a digit or letter but stands in no run
_ALONE, _FIRST_ENDS, _FIRST, _SECOND_ENDS, _SECOND, _THIRD = (1 << i for i in range(6))
_PAIRED, _LONGEST = 4, 8  # tokens of a phrase that are looked at pair by pair, and at all
_FLAG_BITS = 16


@njit(cache=True, nogil=True)
def view_tokens(codes: UInt, offsets: Row, table: UInt, tokens: Row, ends: Row) -> None:
    """Fill `tokens` with the tokens of the views, those of document d in ends[d]:ends[d + 1]; `table` and the order are `fold_codes`'s."""
    m = 0
    for d in range(offsets.size - 1):
        i, hi = offsets[d], offsets[d + 1]
        before = 0
        while i < hi:
            c = codes[i]
            entry = table[c] if c < 65536 else (c | np.uint32(16777216) if 0x20000 <= c < 0x323B0 else c)
            kind = entry >> np.uint32(24)
            if kind == 1 or kind == 0:
                point = entry & np.uint32(0x1FFFFF)
                odd = kind == 0 and point < 65536 and table[point] >> np.uint32(24) == 2
                tokens[m] = np.uint64(1) if odd else (np.uint64(point) + np.uint64(7919)) * np.uint64(0x9E3779B97F4A7C15)
                m += 1
                before = kind
                i += 1
                continue
            if kind == 2:
                h = np.uint64(7919)
                while kind == 2:
                    h = (h + np.uint64(entry & np.uint32(0x1FFFFF))) * np.uint64(0x9E3779B97F4A7C15)
                    i += 1
                    if i == hi or codes[i] >= 65536:
                        break
                    entry = table[codes[i]]
                    kind = entry >> np.uint32(24)
                tokens[m] = h
                m += 1
                before = 2
                continue
            j, blank, after = i, True, np.uint32(0)
            while j < hi:
                follows = codes[j]
                after = table[follows] >> np.uint32(24) if follows < 65536 else np.uint32(0x20000 <= follows < 0x323B0)
                if after < 3:
                    break
                blank = blank and after == 3
                after = np.uint32(0)
                j += 1
            joined = j - i <= LONGEST_GAP and ((before == 1 and 1 <= after <= 2) or (before == 2 and after == 1))
            if not joined and not blank:
                while i < j:
                    entry = table[codes[i]]
                    if entry >> np.uint32(24) != 3:
                        point = entry & np.uint32(0x1FFFFF)
                        odd = table[point] >> np.uint32(24) == 2
                        tokens[m] = np.uint64(1) if odd else (np.uint64(point) + np.uint64(7919)) * np.uint64(0x9E3779B97F4A7C15)
                        m += 1
                    i += 1
                before = 0
            elif not joined and before == 1 and after == 1:
                tokens[m] = np.uint64(0)
                m += 1
            i = j
        ends[d + 1] = m


@njit(cache=True, nogil=True)
def _pair(a: np.uint64, b: np.uint64) -> np.uint64:
    h = (a ^ (a >> np.uint64(32))) * np.uint64(0xD6E8FEB86659FD93) + b
    return (h ^ (h >> np.uint64(29))) * np.uint64(0x9E3779B97F4A7C15)


@njit(cache=True, nogil=True)
def _more(keys: Row, more: Row, key: np.uint64) -> int:
    """`more` of a key; 0 where it is none."""
    mask = np.uint64(keys.size - 1)
    key |= np.uint64(1)
    slot = (key ^ (key >> np.uint64(29))) & mask
    while keys[slot] != 0:
        if keys[slot] == key:
            return int(more[slot])
        slot = (slot + np.uint64(1)) & mask
    return 0


@njit(cache=True, nogil=True)
def _goes_on(tokens: Row, i: int, end: int, key: np.uint64, keys: Row, more: Row) -> bool:
    """Whether a phrase with this key ends at token i - 1, or goes on with the tokens that stand there."""
    wanted = _more(keys, more, key)
    if wanted & 1:
        return True
    for _ in range(4):
        if wanted < 2 or i >= end or tokens[i] <= 1:
            return False
        key = _pair(key, tokens[i])
        i += 1
        wanted >>= 1
        if wanted & 1 and _more(keys, more, key) & 1:
            return True
    return False


@njit(cache=True, nogil=True)
def find_phrases(tokens: Row, ends: Row, flags: Row, keys: Row, more: Row, out: Row) -> None:
    """`out[d]`: whether tokens ends[d]:ends[d + 1] hold the first (up to eight) tokens of a phrase. The tables are those of `PhraseKeys`.

    A pair of tokens that is no pair of a phrase ends the search at this place; what survives is compared by the hash of all its tokens.
    """
    for d in range(ends.size - 1):
        state = 0  # 1: the last two tokens begin a phrase, 2: so do the last three
        a, b, c = np.uint64(0), np.uint64(0), np.uint64(0)
        for i in range(ends[d], ends[d + 1]):
            t = tokens[i]
            if t <= 1:
                if t == 1:
                    out[d] = True
                    break
                state, c = 0, np.uint64(0)
                continue
            pair = _pair(c, t)
            found = flags[pair >> np.uint64(48)]
            alone = flags[t >> np.uint64(48)] & 1
            if found > 1 or alone:
                hit = alone and _more(keys, more, _pair(np.uint64(0), t)) & 1
                hit = hit or (found & 2 and _more(keys, more, pair) & 1)
                hit = hit or (state & 1 and found & 8 and _more(keys, more, _pair(_pair(b, c), t)) & 1)
                if not hit and state & 2 and found & 32:
                    hit = _goes_on(tokens, i + 1, ends[d + 1], _pair(_pair(_pair(a, b), c), t), keys, more)
                if hit:
                    out[d] = True
                    break
                state = (found & 4 != 0) | (2 if state & 1 and found & 16 else 0)
            else:
                state = 0
            a, b, c = b, c, t


class PhraseKeys(NamedTuple):
    """Tables of some phrases for `find_phrases`. Empty `flags`: these phrases cannot be told by their tokens.

    `flags` (65536): what each hashed token (bit 0) or pair of tokens is. `keys`: an open table of hashes of first tokens (0 = free);
    `more`: how many tokens follow until the phrase, or what is looked at of it, ends (bit n: n tokens).
    """

    flags: npt.NDArray[np.uint8]
    keys: npt.NDArray[np.uint64]
    more: npt.NDArray[np.uint8]


def tokens_of(encoded: Encoded) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    """The tokens of the views of some texts, and where those of each end (n + 1)."""
    codes, offsets = encoded
    tokens, ends = np.empty(codes.size, np.uint64), np.zeros(offsets.size, np.int64)
    view_tokens(codes, offsets, view_table(), tokens, ends)
    return tokens, ends


def phrase_keys(phrases: Sequence[str]) -> PhraseKeys:
    """The tables of phrases as their lists write them."""
    tokens, ends = tokens_of(utf32([phrase.strip().replace("\n", " ") for phrase in phrases]))
    flags = np.zeros(1 << _FLAG_BITS, np.uint8)
    keys: dict[int, int] = {}
    for first, last in itertools.pairwise(ends.tolist()):
        head = [np.uint64(token) for token in tokens[first:last][:_LONGEST]]
        if min(head, default=np.uint64(0)) <= _UNSURE:  # a sign as entry: every document may hold it
            return PhraseKeys(np.zeros(0, np.uint8), np.zeros(0, np.uint64), np.zeros(0, np.uint8))
        _add_phrase(head, flags, keys)
    size = 1 << max(4, (4 * len(keys)).bit_length())
    table, more = np.zeros(size, np.uint64), np.zeros(size, np.uint8)
    for key, wanted in keys.items():
        slot = (key ^ (key >> 29)) % size
        while table[slot]:
            slot = (slot + 1) % size
        table[slot], more[slot] = key, wanted
    return PhraseKeys(flags, table, more)


def _add_phrase(head: list[np.uint64], flags: npt.NDArray[np.uint8], keys: dict[int, int]) -> None:
    if len(head) == 1:
        flags[int(head[0]) >> 48] |= _ALONE
    paired = head[:_PAIRED]
    for n, (a, b) in enumerate(itertools.pairwise(paired)):
        ended = n == len(paired) - 2
        flags[int(_pair(a, b)) >> 48] |= (_FIRST_ENDS if ended else _FIRST, _SECOND_ENDS if ended else _SECOND, _THIRD)[n]
    key = _pair(np.uint64(0), head[0]) if len(head) == 1 else head[0]
    for n, token in enumerate(head[1:], 2):
        key = np.uint64(_pair(np.uint64(key), token))
        if n == _PAIRED:
            keys[int(key) | 1] = keys.get(int(key) | 1, 0) | 1 << (len(head) - n)
    keys[int(key) | 1] = keys.get(int(key) | 1, 0) | 1


def may_hold(encoded: Encoded, phrases: PhraseKeys) -> npt.NDArray[np.bool_]:
    """Which of some texts may hold a phrase. A false is certain."""
    if not phrases.flags.size:
        return np.ones(encoded[1].size - 1, np.bool_)
    tokens, ends = tokens_of(encoded)
    out = np.zeros(ends.size - 1, np.bool_)
    find_phrases(tokens, ends, *phrases, out)
    return out
