"""Stats are a commutative monoid: order, grouping and empty parts change nothing, nor does a round trip through JSON."""

from __future__ import annotations

import functools
import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleaning.stats import SAMPLES_PER_KEY, Stats

STAGES = st.sampled_from(["normalize", "rules", "langid"])
NAMES = st.sampled_from(["hits/a", "first/a", "documents", "文"])
BINS = {"chars": 4, "units": 6}
PAYLOADS = st.fixed_dictionaries(
    {"id": st.sampled_from("abc"), "value": st.none() | st.floats(0, 1), "text": st.text("的x\ud800", max_size=3)}
)


@st.composite
def a_histogram(draw: st.DrawFn) -> tuple[str, str, str, Any]:
    metric = draw(st.sampled_from(sorted(BINS)))
    return "histogram", draw(STAGES), metric, draw(st.lists(st.integers(0, 9), min_size=BINS[metric], max_size=BINS[metric]))


counts = st.tuples(st.just("count"), STAGES, NAMES, st.integers(0, 1 << 40))
# every rank is taken once: ranks are hashes of documents' ids (for the same id twice see below)
samples = st.tuples(st.just("sample"), STAGES, NAMES, st.tuples(st.integers(0, 1 << 64).map("{:016x}".format), PAYLOADS))
events = st.lists(st.one_of(counts, a_histogram(), samples), max_size=40, unique_by=lambda e: e[3][0] if e[0] == "sample" else object())


def stats_of(items: list[tuple[str, str, str, Any]]) -> Stats:
    """Stats to which all of this happened."""
    stats = Stats()
    for kind, stage, name, value in items:
        if kind == "count":
            stats.count(stage, name, value)
        elif kind == "histogram":
            stats.histogram(stage, name, value)
        else:
            stats.sample(stage, name, *value)
    return stats


def merged(*parts: Stats) -> Stats:
    """A fresh fold; the parts stay as they are."""
    total = Stats()
    for part in parts:
        total.add(part)
    return total


def shown(stats: Stats) -> str:
    """The bytes that a task writes."""
    return json.dumps(stats.to_json())


@given(events, events)
def test_addition_is_commutative(a: list[Any], b: list[Any]) -> None:
    assert shown(merged(stats_of(a), stats_of(b))) == shown(merged(stats_of(b), stats_of(a)))


@given(events, events, events)
def test_addition_is_associative(a: list[Any], b: list[Any], c: list[Any]) -> None:
    x, y, z = stats_of(a), stats_of(b), stats_of(c)
    assert shown(merged(merged(x, y), z)) == shown(merged(x, merged(y, z)))


@given(events)
def test_nothing_is_the_identity(a: list[Any]) -> None:
    assert shown(merged(stats_of(a), Stats())) == shown(merged(Stats(), stats_of(a))) == shown(stats_of(a))


@given(events, st.integers(0, 40), st.randoms(use_true_random=False))
def test_any_split_in_any_order_is_the_whole(a: list[Any], cut: int, rng: random.Random) -> None:
    whole = stats_of(a)
    assert shown(merged(stats_of(a[:cut]), stats_of(a[cut:]))) == shown(whole)
    assert shown(stats_of(rng.sample(a, len(a)))) == shown(whole)
    assert shown(functools.reduce(merged, [stats_of([event]) for event in a], Stats())) == shown(whole)


@given(events)
def test_round_trip_through_json(a: list[Any]) -> None:
    stats = stats_of(a)
    back = Stats.from_json(json.loads(shown(stats)))
    assert shown(back) == shown(stats)
    assert shown(merged(back, stats)) == shown(merged(stats, stats))


@given(events, events)
def test_the_added_part_stays_as_it_is(a: list[Any], b: list[Any]) -> None:
    part = stats_of(a)
    before = shown(part)
    total = merged(part, stats_of(b))
    total.count("rules", "hits/a")
    total.histogram("rules", "chars", [1, 1, 1, 1])
    total.sample("rules", "hits/a", "", {})
    assert shown(part) == before


@given(st.lists(st.integers(0, 10_000), unique=True, max_size=60), st.randoms(use_true_random=False))
def test_samples_are_the_smallest_ranks_whatever_came_first(ranks: list[int], rng: random.Random) -> None:
    keyed = [f"{rank:05d}" for rank in ranks]
    stats = Stats()
    for rank in rng.sample(keyed, len(keyed)):
        stats.sample("rules", "a", rank, {"id": rank})
    kept = stats.to_json()["samples"].get("rules", {}).get("a", [])
    assert kept == [[rank, {"id": rank}] for rank in sorted(keyed)[:SAMPLES_PER_KEY]]


def same_rank(payloads: list[str]) -> list[Any]:
    stats = Stats()
    for payload in payloads:
        stats.sample("rules", "a", "00", {"text": payload})
    kept: list[Any] = stats.to_json()["samples"]["rules"]["a"]
    return kept


def test_few_samples_of_one_rank_do_not_depend_on_arrival() -> None:
    assert same_rank(list("abc")) == same_rank(list("cab"))


def test_many_samples_of_one_rank_do_not_depend_on_arrival() -> None:
    assert same_rank(list("abcdefghij")) == same_rank(list("jihgfedcba"))


@given(st.lists(st.tuples(st.sampled_from(["0", "1", "2"]), st.sampled_from("abcdef")), max_size=30), st.integers(0, 30))
def test_folding_samples_of_equal_ranks_does_not_depend_on_order(items: list[tuple[str, str]], cut: int) -> None:
    def part(some: list[tuple[str, str]]) -> Stats:
        return merged(*[stats_of([("sample", "rules", "a", (rank, {"id": payload}))]) for rank, payload in some])

    left, right = part(items[:cut]), part(items[cut:])
    assert shown(merged(left, right)) == shown(merged(right, left)) == shown(part(items))


def test_counting_nothing_leaves_no_trace() -> None:
    stats = Stats()
    stats.count("rules", "hits/a", 0)
    assert shown(stats) == shown(Stats())
    assert stats.get("rules", "hits/a") == 0
    stats.count("rules", "hits/a")
    stats.count("rules", "hits/a", 2)
    assert stats.get("rules", "hits/a") == 3


def test_bins_of_one_metric_must_agree() -> None:
    stats = Stats()
    stats.histogram("rules", "chars", [1, 2])
    stats.histogram("rules", "chars", (3, 4))
    assert stats.histograms["rules"]["chars"] == [4, 6]
    bins = [1]
    stats.histogram("rules", "units", bins)
    bins[0] = 9
    assert stats.histograms["rules"]["units"] == [1]  # a copy, of anything that can be read once
    with pytest.raises(ValueError, match="argument 2"):
        stats.histogram("rules", "chars", [1, 2, 3])


def test_json_is_sorted() -> None:
    one, other = Stats(), Stats()
    one.count("b", "y")
    one.count("a", "x")
    other.count("a", "x")
    other.count("b", "y")
    assert shown(one) == shown(other)
    assert list(one.to_json()["counters"]) == ["a", "b"]
