"""What sentence deduplication compares: the sentences, lines or windows of three sentences of a document, folded and hashed.

A text's items are numbered in the order of the text, all of them, also those that are never compared, so that a number found again after a
second cut means the same item.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from cleaning.dedup.kernels import Int64, UInt64, cut_units, hash_items
from cleaning.dedup.signatures import unit_table
from cleaning.text import sentences
from cleaning.text.charclass import utf32

Cut = Literal["sentence", "line", "three_sentences"]
Digits = Literal["keep", "zero", "drop"]
_WINDOW = 3  # C4 compares spans of three sentences


class Items(NamedTuple):
    """Of some texts, one after the other: `starts`, `ends` (n) in the joined code points, `docs` (D + 1): the first of each text,
    `units` (n): how many units each has, `hashes` (n, 2): 128 bits of the folded item."""  # fmt: skip

    starts: Int64
    ends: Int64
    docs: Int64
    units: Int64
    hashes: UInt64


@lru_cache(maxsize=1)
def _lines_only() -> npt.NDArray[np.uint8]:
    kinds = sentences.mark_kinds().copy()
    kinds[~np.isin(kinds, (sentences.BLANK, sentences.LINE))] = sentences.NOTHING
    return kinds


def cut_items(texts: list[str], cut: Cut, digits: Digits) -> Items:
    """The items of some texts. A window of three sentences begins at every sentence that two others of its text follow."""
    codes, offsets = utf32(texts)
    starts, ends, docs = np.empty(codes.size, np.int64), np.empty(codes.size, np.int64), np.zeros(offsets.size, np.int64)
    kinds = _lines_only() if cut == "line" else sentences.mark_kinds()
    sentences.find_sentences(codes, offsets, kinds, sentences.abbreviation_hashes(), starts, ends, docs)
    n = int(docs[-1])
    starts, ends = starts[:n], ends[:n]
    # what stands between two items is blank and has no unit, so each item may reach to the next one
    units, unit_ends = np.empty(codes.size, np.uint64), np.zeros(n + 1, np.int64)
    cut_units(codes, np.append(starts, codes.size), unit_table("mixed", digits), units, unit_ends)
    if cut != "three_sentences":
        hashes = np.empty((n, 2), np.uint64)
        hash_items(units, unit_ends[:-1], unit_ends[1:], hashes)
        return Items(starts, ends, docs, np.diff(unit_ends), hashes)
    counts = np.diff(docs)
    windows = np.maximum(counts - (_WINDOW - 1), 0)
    first = np.repeat(docs[:-1], windows) + _within(windows)
    last = first + (_WINDOW - 1)
    hashes = np.empty((first.size, 2), np.uint64)
    hash_items(units, unit_ends[first], unit_ends[last + 1], hashes)
    window_docs = np.concatenate([[0], np.cumsum(windows)]).astype(np.int64)
    return Items(starts[first], ends[last], window_docs, unit_ends[last + 1] - unit_ends[first], hashes)


def _within(counts: Int64) -> Int64:
    """0 … count - 1 for each count, one after the other."""
    ends = np.cumsum(counts)
    out: Int64 = np.arange(int(ends[-1]) if ends.size else 0) - np.repeat(ends - counts, counts)
    return out


def hash_text(text: str, digits: Digits) -> tuple[int, int]:
    """The hash of a text as one item.

    >>> hash_text("你好，Ｗｏｒｌｄ！", "keep") == hash_text("你好 world", "keep") != hash_text("你好 word", "keep")
    True
    """
    codes, offsets = utf32([text])
    units, ends, out = np.empty(codes.size, np.uint64), np.zeros(2, np.int64), np.empty((1, 2), np.uint64)
    cut_units(codes, offsets, unit_table("mixed", digits), units, ends)
    hash_items(units, ends[:1], ends[1:], out)
    return int(out[0, 0]), int(out[0, 1])
