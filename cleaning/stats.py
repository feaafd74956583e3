"""Counts that add up in any order.

Integer counters, fixed-edge histograms and bottom-k samples form a commutative monoid: folding the stats of the committed tasks
gives the same result whatever the number of workers and whatever happened on the way. Seconds are not in here: they are kept
apart (`timing.json`) and never enter a digest.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

SAMPLES_PER_KEY = 8


class Stats:
    """Counters `[stage][name]`, histograms `[stage][metric] -> counts`, samples `[stage][key] -> [(hash, payload)]`."""

    __slots__ = ("counters", "histograms", "samples")

    def __init__(self) -> None:
        self.counters: dict[str, dict[str, int]] = {}
        self.histograms: dict[str, dict[str, list[int]]] = {}
        self.samples: dict[str, dict[str, list[tuple[str, dict[str, Any]]]]] = {}

    def count(self, stage: str, name: str, by: int = 1) -> None:
        """Add `by` to one counter."""
        if by:
            counters = self.counters.setdefault(stage, {})
            counters[name] = counters.get(name, 0) + by

    def histogram(self, stage: str, metric: str, counts: Iterable[int]) -> None:
        """Add bin counts of one metric; all calls for a metric have the same number of bins."""
        table = self.histograms.setdefault(stage, {})
        new = list(counts)
        old = table.get(metric)
        table[metric] = new if old is None else [a + b for a, b in zip(old, new, strict=True)]

    def sample(self, stage: str, key: str, rank: str, payload: dict[str, Any]) -> None:
        """Offer a sample; the `SAMPLES_PER_KEY` with the smallest rank stay, so the choice is a function of the documents."""
        table = self.samples.setdefault(stage, {})
        kept = table.setdefault(key, [])
        if len(kept) < SAMPLES_PER_KEY or rank <= kept[-1][0]:
            table[key] = _smallest([*kept, (rank, payload)])

    def wants(self, stage: str, key: str, rank: str) -> bool:
        """Whether a sample of this rank would stay: asked before its payload is made."""
        kept = self.samples.get(stage, {}).get(key, [])
        return len(kept) < SAMPLES_PER_KEY or rank <= kept[-1][0]

    def add(self, other: Stats) -> None:
        """Fold `other` into this one."""
        for stage, counters in other.counters.items():
            for name, value in counters.items():
                self.count(stage, name, value)
        for stage, metrics in other.histograms.items():
            for metric, bins in metrics.items():
                self.histogram(stage, metric, bins)
        for stage, groups in other.samples.items():
            table = self.samples.setdefault(stage, {})
            for key, items in groups.items():
                table[key] = _smallest([*table.get(key, []), *items])

    def get(self, stage: str, name: str) -> int:
        """One counter, 0 when nothing was counted."""
        return self.counters.get(stage, {}).get(name, 0)

    def to_json(self) -> dict[str, Any]:
        """A plain object with sorted keys: equal stats give equal bytes."""
        return {
            "counters": {s: dict(sorted(c.items())) for s, c in sorted(self.counters.items())},
            "histograms": {s: dict(sorted(h.items())) for s, h in sorted(self.histograms.items())},
            "samples": {
                s: {k: [[rank, payload] for rank, payload in v] for k, v in sorted(g.items())} for s, g in sorted(self.samples.items())
            },
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Stats:
        """Inverse of `to_json`."""
        stats = cls()
        stats.counters = {s: dict(c) for s, c in data["counters"].items()}
        stats.histograms = {s: {k: list(v) for k, v in h.items()} for s, h in data["histograms"].items()}
        stats.samples = {s: {k: [(r, p) for r, p in v] for k, v in g.items()} for s, g in data["samples"].items()}
        return stats


def _smallest(items: list[tuple[str, dict[str, Any]]]) -> list[tuple[str, dict[str, Any]]]:
    items = sorted(items, key=lambda item: item[0])
    if any(a[0] == b[0] for a, b in itertools.pairwise(items)):
        # ranks are hashes of ids; equal ones (an id twice) are ordered by payload, so that the order of arrival is invisible
        items = sorted(items, key=lambda item: (item[0], repr(sorted(item[1].items()))))
    return items[:SAMPLES_PER_KEY]
