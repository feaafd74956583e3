"""The default engine: our tagger, made sure. A name must be clear enough for its kind, and one that is clear once is seen everywhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from ahocorasick_rs import AhoCorasick, MatchKind

from cleaning.pii.names.lists import COMPOUND, SURNAMES, TITLES
from cleaning.pii.names.tagger import WEIGHTS, Array, NameTagger

# how far a name's own tags must lie above "no name", summed over its characters, in units of the weights: chosen on development parts
SURE_CHINESE, SURE_OTHER = 530.0, 760.0
CHUNK = 2000  # characters that are tagged at once: jieba's lattice and ours stay small

Scored = tuple[int, int, float]


class OwnNames:
    """Names with the margins above; see docs/pii.md for what it finds on labelled text."""

    def __init__(self, path: Path = WEIGHTS, chinese: float = SURE_CHINESE, other: float = SURE_OTHER) -> None:
        self._tagger = NameTagger(path)
        self._chinese, self._other = chinese, other

    def names(self, texts: list[str]) -> list[list[tuple[int, int]]]:
        """Spans of names in each text, in order."""
        return [self._one(text) for text in texts]

    def _one(self, text: str) -> list[tuple[int, int]]:
        guesses = [g for first, piece in pieces(text) for g in self._guesses(piece, first) if not _anonymous(text, g[0], g[1])]
        sure = [(s, e) for s, e, score in guesses if score >= (self._chinese if is_chinese(text[s:e]) else self._other)]
        return _everywhere(text, sure, guesses)

    def _guesses(self, text: str, first: int) -> list[Scored]:
        spans, margins = self._tagger.scored(text)
        return [(first + s, first + e, float(m)) for (s, e), m in zip(spans, margins, strict=True)]


def pieces(text: str) -> list[tuple[int, str]]:
    """(place, piece) of at most CHUNK characters, cut behind a line or a sentence where there is one."""
    out: list[tuple[int, str]] = []
    at = 0
    while at < len(text):
        end = at + CHUNK
        if end < len(text):
            cut = max(text.rfind("\n", at, end), text.rfind("。", at, end))
            end = cut + 1 if cut > at else end
        out.append((at, text[at:end]))
        at = end
    return out


def is_chinese(name: str) -> bool:
    """A family name and one or two characters more.

    >>> is_chinese("王小明"), is_chinese("欧阳修"), is_chinese("布什尔")
    (True, True, False)
    """
    return (name[0] in SURNAMES and len(name) <= 3) or (name[:2] in COMPOUND and 3 <= len(name) <= 4)


def _anonymous(text: str, start: int, end: int) -> bool:
    """A family name alone, 李某, 张先生."""
    name = text[start:end]
    return len(name) < 2 or "某" in name or text[end : end + 1] == "某" or (len(name) <= 3 and name[1:] in TITLES)


def _everywhere(text: str, sure: list[tuple[int, int]], guesses: list[Scored]) -> list[tuple[int, int]]:
    """The sure spans, every other place where a sure name of three characters or more stands, and unsure guesses of the same words."""
    taken = np.zeros(len(text) + 1, np.bool_)
    for start, end in sure:
        taken[start:end] = True
    out = list(sure)
    known = {text[s:e] for s, e in sure}
    long = sorted(n for n in known if len(n) >= 3)
    if long:
        for _, start, end in AhoCorasick(long, matchkind=MatchKind.LeftmostLongest).find_matches_as_indexes(text):
            _take(start, end, taken, out)
    for start, end, _ in guesses:
        if text[start:end] in known:
            _take(start, end, taken, out)
    return sorted(out)


def _take(start: int, end: int, taken: Array, out: list[tuple[int, int]]) -> None:
    if not taken[start:end].any():
        taken[start:end] = True
        out.append((start, end))
