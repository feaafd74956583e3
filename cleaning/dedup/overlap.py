"""Finding the items of benchmarks in documents: which runs of n units a document shares with which item, and where.

A *gram* is n units in a row, folded as for deduplication (case, width, simplified, marks and blanks gone), so that a question with other
punctuation or with blanks between its characters is the same question. Items with much Han are cut into characters, others into words; a
document is read in both ways. An item of several lines is looked for as a whole and by its question alone, the lines before the first
option (`A.`, `（A）`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cleaning.dedup.kernels import Int64, UInt32, UInt64, cut_spans, fill_table, hash_grams, look_up
from cleaning.dedup.signatures import unit_table
from cleaning.text.charclass import Encoded, char_tables, classes_with, utf32

Bools = npt.NDArray[np.bool_]
CUTS = ("char", "mixed")
# questions that ask nothing by themselves: their options do
_GENERIC_RE = re.compile(
    r"(?:关于|对于|在)?(?:下列|以下|下面|如下)?[^，。]{0,4}?(?:说法|表述|叙述|选项|各项|描述|判断|观点|做法)?(?:中|当中)?[，,]?"
    r"(?:不)?(?:正确|错误|恰当|合理|属于|符合题意)的(?:是|有|一项是)"
)
_OPTION_RE = re.compile(r"\n\s*[（(]?[A-H1-4][.．、:：）)]")


class Units(NamedTuple):
    """Of some texts, one after the other: `hashes`, `starts`, `stops` (code points in the joined texts), `ends` (n + 1) of each text."""

    hashes: UInt64
    starts: Int64
    stops: Int64
    ends: Int64


def cut(texts: Sequence[str], how: str, encoded: Encoded | None = None) -> Units:
    """The units of some texts and where they stand. `how`: `mixed`, or `char` where each letter and digit is one."""
    codes, offsets = encoded or utf32(list(texts))
    hashes, starts, stops = np.empty(codes.size, np.uint64), np.empty(codes.size, np.int64), np.empty(codes.size, np.int64)
    ends = np.zeros(offsets.size, np.int64)
    cut_spans(codes, offsets, unit_table(how), hashes, starts, stops, ends)
    n = ends[-1]
    return Units(hashes[:n], starts[:n], stops[:n], ends)


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a benchmark; `part`: `whole` or `question`; `units`: how long it is."""

    id: str
    bench: str
    part: str
    units: int


@dataclass(frozen=True, slots=True)
class Match:
    """An item in a document: the share of its units that stand there in common grams, and [start, end) in code points of the document."""

    item: Item
    share: float
    start: int
    end: int


@dataclass(slots=True)
class _Table:
    """The grams of one length and cut: an open table of hashes and, for each, the items that have it (`first[g]` to `first[g + 1]`)."""

    size: int
    how: str
    keys: UInt64
    numbers: UInt32
    sieve: UInt64  # bits that tell most strangers apart before the table, which does not fit a cache
    first: Int64
    items: UInt32


class OverlapIndex:
    """The items of benchmarks, ready to be looked for.

    `size`: units of a gram. Shorter items are one gram, those of fewer than `least` units are left out (`too_short`): they would be found
    by chance. `share`: of an item's units that a document must have in common grams, within twice the item's length, to contain it.
    """

    def __init__(self, items: Iterable[tuple[str, str, str]], size: int = 13, least: int = 8, share: float = 0.6) -> None:
        self.size, self.least, self.share = size, least, share
        self.items: list[Item] = []
        self.too_short: list[str] = []
        self._tables = self._build(items)

    def _build(self, items: Iterable[tuple[str, str, str]]) -> list[_Table]:
        found: list[tuple[str, str, str, str, UInt64, Bools]] = []
        for name, bench, text in items:
            how = _cut_of(text)
            parts = [(part, *_units_of(of, how)) for part, of in _parts(text)]
            long_enough = [of for of in parts if of[1].size >= self.least]
            if not long_enough:
                self.too_short.append(name)
            found += [(name, bench, part, how, units, plain) for part, units, plain in long_enough]
        asked = Counter(units.tobytes() for _, _, part, _, units, _ in found if part == "question" and units.size < self.size)
        grams: dict[tuple[str, int], list[tuple[UInt64, int]]] = {}
        for name, bench, part, how, units, plain in found:
            if part == "question" and asked[units.tobytes()] > 1:  # a short question of several items says nothing of one
                continue
            length = min(self.size, units.size)
            of_item = np.unique(_grams(units, length)[_runs(plain, length) < length])
            grams.setdefault((how, length), []).append((of_item, len(self.items)))
            self.items.append(Item(name, bench, part, units.size))
        return [_table(how, size, of) for (how, size), of in sorted(grams.items())]

    def find(self, texts: Sequence[str], encoded: Encoded | None = None) -> dict[int, list[Match]]:
        """Matches of each text that has any, the largest share first."""
        encoded = encoded or utf32(list(texts))
        out: dict[int, list[Match]] = {}
        for how in CUTS:
            tables = [table for table in self._tables if table.how == how]
            if not tables:
                continue
            units = cut(texts, how, encoded)
            for table in tables:
                at, number = np.empty(units.hashes.size, np.int64), np.empty(units.hashes.size, np.uint32)
                n = look_up(units.hashes, units.ends, table.size, table.keys, table.numbers, table.sieve, at, number)
                if n:
                    self._collect(table, units, encoded[1], at[:n], number[:n], out)
        for matches in out.values():
            matches.sort(key=lambda m: (-m.share, m.start, m.item.id, m.item.part))
        return out

    def _collect(self, table: _Table, units: Units, offsets: Int64, at: Int64, number: UInt32, out: dict[int, list[Match]]) -> None:
        docs = np.searchsorted(units.ends, at, side="right") - 1
        for doc in np.unique(docs).tolist():
            mine = docs == doc
            hits: dict[int, list[tuple[int, int]]] = {}
            for position, gram in zip(at[mine].tolist(), number[mine].tolist(), strict=True):
                for item in table.items[table.first[gram] : table.first[gram + 1]].tolist():
                    hits.setdefault(item, []).append((position, gram))
            for k, places in hits.items():
                item = self.items[k]
                first, last, covered = _densest(places, 2 * item.units, table.size)
                share = min(1.0, covered / item.units)
                if share < self.share:
                    continue
                begin, end = units.starts[first] - offsets[doc], units.stops[last + table.size - 1] - offsets[doc]
                out.setdefault(doc, []).append(Match(item, round(share, 4), int(begin), int(end)))


def _densest(places: list[tuple[int, int]], width: int, size: int) -> tuple[int, int, int]:
    """Of (position, gram) in rising order: first and last position of the window that different grams cover most of, and how many units."""
    best = (0, 0, 0)
    left, covered, seen = 0, 0, dict[int, int]()
    gains: list[int] = []
    for right, (position, gram) in enumerate(places):
        gap = position - places[right - 1][0] if right > left else size
        seen[gram] = seen.get(gram, 0) + 1
        gains.append(min(size, gap) if seen[gram] == 1 else 0)  # a gram that recurs covers nothing new of the item
        covered += gains[right]
        while places[left][0] < position - width:
            covered -= gains[left]
            seen[places[left][1]] -= 1
            left += 1
        if covered > best[2]:
            best = (places[left][0], position, covered)
    return best


def _units_of(text: str, how: str) -> tuple[UInt64, Bools]:
    """Hashes of the units, and which are letters or digits by themselves: thirteen of those are two words, which say nothing."""
    units = cut([text], how)
    codes = utf32([text])[0][units.starts]
    single = ~classes_with("han", "kana", "hangul")[char_tables().class_of[codes]]
    return units.hashes, single if how == "char" else np.zeros(codes.size, np.bool_)


def _runs(flags: Bools, size: int) -> Int64:
    """How many are set in each run of `size`."""
    sums = np.concatenate([[0], np.cumsum(flags)])
    out: Int64 = (sums[size:] - sums[:-size]).astype(np.int64)
    return out


def _parts(text: str) -> list[tuple[str, str]]:
    """The whole item, and its question where there is one that asks something without its options."""
    option = _OPTION_RE.search(text)
    question = text[: option.start()].strip() if option else ""
    asks = question and not _GENERIC_RE.fullmatch(question.rstrip("？?：:。（）()_ \n"))
    return [("question", question), ("whole", text)] if asks else [("whole", text)]


def _cut_of(text: str) -> str:
    """Characters where Han is a fifth of the letters, else words."""
    codes, _ = utf32([text])
    classes = char_tables().class_of[codes]
    han, letters = classes_with("han", "kana", "hangul")[classes].sum(), classes_with("latin", "other_letter")[classes].sum()
    return "char" if han and 4 * han >= letters else "mixed"


def _grams(units: UInt64, size: int) -> UInt64:
    out = np.empty(units.size - size + 1, np.uint64)
    hash_grams(units, size, out)
    return out


def _table(how: str, size: int, grams: list[tuple[UInt64, int]]) -> _Table:
    hashes = np.concatenate([of for of, _ in grams])
    items = np.repeat(np.array([item for _, item in grams], np.uint32), [of.size for of, _ in grams])
    order = np.lexsort((items, hashes))
    unique, first = np.unique(hashes[order], return_index=True)
    room = 1 << max(4, int(4 * unique.size - 1).bit_length())
    keys, numbers = np.zeros(room, np.uint64), np.zeros(room, np.uint32)
    sieve = np.zeros(max(1, room >> 4), np.uint64)
    fill_table(unique, keys, numbers, sieve)
    return _Table(size, how, keys, numbers, sieve, np.append(first, hashes.size).astype(np.int64), items[order])
