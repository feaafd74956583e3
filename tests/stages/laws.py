"""The law of steps: what happens to a document does not depend on the batch that it sits in."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from cleaning.doc import Batch, Doc
from cleaning.stages.contract import Step
from cleaning.stats import Stats

Outcome = tuple[str, dict[str, Any], Any]


def outcome(doc: Doc) -> Outcome:
    """All that a step may do to a document."""
    return doc.text, doc.notes, doc.drop


def run_split(step: Step, docs: Sequence[Doc], cuts: Sequence[int]) -> tuple[list[Outcome], dict[str, Any], list[list[float]]]:
    """Outcomes, merged stats and metric rows of documents that go through in batches cut at `cuts`."""
    stats, rows = Stats(), []
    edges = [0, *sorted(cuts), len(docs)]
    for low, high in zip(edges, edges[1:], strict=False):
        batch = Batch(list(docs[low:high]))
        step(batch)
        stats.add(batch.stats)
        rows += [row for *_, matrix in batch.matrices for row in matrix.tolist()]
    return [outcome(doc) for doc in docs], stats.to_json(), rows


def check_any_split(step: Step, make_docs: Callable[[], list[Doc]], rng: random.Random) -> None:
    """One batch, one document a batch, and random cuts: the same outcomes, stats and rows; a shuffle permutes the outcomes."""
    expected = run_split(step, make_docs(), [])
    count = len(expected[0])
    for cuts in (range(1, count), sorted(rng.sample(range(count + 1), min(3, count))), [0, count]):
        again = run_split(step, make_docs(), list(cuts))
        assert again[:2] == expected[:2]
        assert repr(again[2]) == repr(expected[2])  # repr: NaN is equal to itself
    order = rng.sample(range(count), count)
    docs = make_docs()
    outcomes, stats, _ = run_split(step, [docs[i] for i in order], [])
    assert outcomes == [expected[0][i] for i in order]
    assert stats == expected[1]
