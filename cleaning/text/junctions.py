"""Function words, and pairs of frequent words that the language does not have: what shuffled, machine-made and stuffed text is full of.

In good Chinese 的 is not followed by 者, no clause ends in 把; in good English nothing says "the of". The pairs were counted, not
thought of: they stand in `junctions.txt`. One such place in a document means little; one for every hundred units means that
nobody wrote it.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cleaning.text.charclass import fold_table

STOP_EN = ("the", "be", "to", "of", "and", "that", "have", "with")  # Gopher's eight, in its order
MORE_STOP_EN = (
    "a", "in", "is", "it", "for", "on", "as", "was", "at", "by", "this", "are", "from", "or", "an", "not", "we", "you", "i", "but",
)  # fmt: skip
MARK = "，"
_SLOTS = 2048


# Small letters that hardly follow one another within English words (under 4 in 100 000 pairs of eleven kinds of text): of random
# letters nearly half do.
_ODD_LETTERS = (
    "aeoq", "cdfghknpqwxz", "bdfgjmnpqvwxz", "hjkqxz", "", "bcdghjkmnpqvwxz", "bcdfjkpqvwxz", "bcfghjkpqvwxz", "hijwy",
    "bcdfghijklnpqrtvwxyz", "bcdfghjkmpqrvxz", "jqxz", "cdfghjkqrvwxz", "qxz", "q", "bfjknqvwxz", "abcdefghijklmnopqrstvwxyz", "jqxz",
    "djrvxz", "dgjkqvz", "hjkquvw", "bcdfghjklmnpqrstvwxz", "bcfgjkmpqtuvxyz", "bdfghjklmnoqrsuvwyz", "fghjkqruvxyz",
    "bcdfghjklmnpqrstuvwx",
)  # fmt: skip


@lru_cache(maxsize=1)
def odd_letters() -> npt.NDArray[np.bool_]:
    """(26, 26): whether the second letter hardly ever follows the first within an English word."""
    return np.array([[chr(97 + b) in row for b in range(26)] for row in _ODD_LETTERS])


class FunctionWords(NamedTuple):
    """Tables for `measure_units`: `keys` (open table of unit hashes), `ids` (numbers, 1 …), `counted` and `bad_pair` by number, and `han`
    (65536): the number of each character that is a unit by itself.

    Number 0 is no word; the last one is MARK.
    """

    keys: npt.NDArray[np.uint64]
    ids: npt.NDArray[np.int64]
    counted: npt.NDArray[np.bool_]
    bad_pair: npt.NDArray[np.bool_]
    han: npt.NDArray[np.int32]


def unit_hash(unit: str) -> int:
    """The kernel's hash of one lower-case unit (64-bit FNV-1a over code points, last bit set)."""
    h = 14695981039346656037
    for c in unit:
        h = ((h ^ ord(c)) * 1099511628211) & 0xFFFFFFFFFFFFFFFF
    return h | 1


@lru_cache(maxsize=1)
def bad_pairs() -> dict[str, tuple[str, ...]]:
    """A character or word -> those that never follow it directly."""
    pairs: dict[str, tuple[str, ...]] = {}
    chinese = False
    for line in (Path(__file__).parent / "junctions.txt").read_text(encoding="utf-8").split("\n"):
        if line.startswith("["):
            chinese = line == "[zh]"
        elif line and not line.startswith("#"):
            first, _, rest = line.partition(" ")
            pairs[first] = pairs.get(first, ()) + tuple(rest if chinese else rest.split())
    return pairs


@lru_cache(maxsize=1)
def function_words() -> dict[str, int]:
    """Every word of the tables with its number: Gopher's eight first, MARK last. Traditional forms have the simplified one's number."""
    pairs = bad_pairs()
    words = dict.fromkeys([*STOP_EN, *MORE_STOP_EN, *pairs, *(w for followers in pairs.values() for w in followers)])
    del words[MARK]
    number = {word: n for n, word in enumerate([*words, MARK], 1)}
    fold = fold_table()
    forms = {chr(p): chr(fold[p]) for p in range(0x4E00, 0xA000) if fold[p] != p}
    return number | {t: number[s] for t, s in forms.items() if s in number and t not in number}


@lru_cache(maxsize=1)
def function_tables() -> FunctionWords:
    """The tables of all function words."""
    number = function_words()
    keys, ids = np.zeros(_SLOTS, np.uint64), np.zeros(_SLOTS, np.int64)
    for word, n in number.items():
        slot = ((unit_hash(word) * 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF) >> 53
        while keys[slot]:
            slot = (slot + 1) % _SLOTS
        keys[slot], ids[slot] = unit_hash(word), n
    counted = np.zeros(number[MARK] + 1, np.bool_)
    counted[[number[word] for word in (*STOP_EN, *MORE_STOP_EN)]] = True
    bad = np.zeros((number[MARK] + 1, number[MARK] + 1), np.bool_)
    for first, followers in bad_pairs().items():
        bad[number[first], [number[word] for word in followers]] = True
    han = np.zeros(0x10000, np.int32)
    for word, n in number.items():
        if len(word) == 1:
            han[ord(word)] = n
    return FunctionWords(keys, ids, counted, bad, han)
