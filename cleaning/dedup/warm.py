"""Compile every kernel of deduplication once, before several workers would each do it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from cleaning.dedup.hubs import choose, unique_sets
from cleaning.dedup.matching import Duplicates, flatten, join_edges
from cleaning.dedup.signatures import Scheme, sign


def warm_up(scheme: Scheme, view: Callable[[list[str]], list[str]]) -> None:
    """Run all of them on two small texts."""
    texts = view(["一二三四五六七八九十" * 4, "one two three four five six seven"])
    signed = sign(texts, scheme)
    sign(texts, replace(scheme, chunk_units=100))
    sets, ends = np.empty(signed.shingles.size, np.uint32), np.zeros(3, np.int64)
    unique_sets(signed.shingles, signed.ends, sets, ends)
    flags = np.zeros(2, np.bool_)
    choose(signed.keys, signed.key_ends, signed.signatures, sets, ends, ends[:-1], np.full(2, 0.8), 0.9, flags, flags, 10)
    found = Duplicates()
    found.mark(np.array([1, 2], np.uint64))
    found.seal()
    join_edges(found.parent, np.array([0]), np.array([1]))
    flatten(found.parent)
