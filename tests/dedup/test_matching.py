"""Edges, components, decisions: against plain twins."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaning.dedup.hubs import choose, common_values, unique_sets
from cleaning.dedup.matching import FRESH, Duplicates, flatten, join_edges, number, row_of, source_of, star_edges, star_edges_wide
from tests import naive

pairs = st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)), max_size=30)


@settings(deadline=None, max_examples=150)
@given(edges=pairs)
def test_components(edges: list[tuple[int, int]]) -> None:
    parent = np.arange(20, dtype=np.uint32)
    table = np.array(edges, np.int64).reshape(-1, 2)
    join_edges(parent, table[:, 0].copy(), table[:, 1].copy())
    chased = naive.flatten(parent.tolist())
    flatten(parent)
    assert parent.tolist() == chased == naive.join_edges(20, edges)


@settings(deadline=None, max_examples=150)
@given(keys=st.lists(st.integers(0, 8), max_size=40), hot=st.integers(1, 5))
def test_stars(keys: list[int], hot: int) -> None:
    docs = number(3, np.arange(len(keys), dtype=np.uint32)[::-1].copy())
    stars = star_edges(np.array(keys, np.uint64), docs, hot)
    wide = star_edges_wide(np.array(keys, np.uint64), np.zeros(len(keys), np.uint64), docs, hot)
    groups = {k: sorted(int(d) for key, d in zip(keys, docs, strict=True) if key == k) for k in set(keys)}
    expected = sorted((group[0], member) for group in groups.values() for member in group[1:])
    assert sorted(map(tuple, stars.edges.tolist())) == sorted(map(tuple, wide.edges.tolist())) == expected
    assert stars.buckets == sum(len(g) > 1 for g in groups.values())
    assert stars.hot == sum(len(g) > max(1, hot) for g in groups.values())


def test_what_the_index_holds_alone_makes_no_edge() -> None:
    old, new = number(0, np.array([1, 2], np.uint32), fresh=False), number(0, np.array([5], np.uint32))
    keys = np.array([7, 7], np.uint64)
    assert star_edges(keys, old, 10).edges.size == 0
    edges = star_edges(np.array([7, 7, 7], np.uint64), np.concatenate([new, old]), 10).edges
    assert edges.tolist() == [(1, 2), (1, FRESH | 5)]


def test_a_hundred_thousand_copies_make_as_many_edges() -> None:
    docs = number(0, np.arange(100_000, dtype=np.uint32))
    stars = star_edges(np.zeros(100_000, np.uint64), docs, 1000)
    assert (stars.edges.size, stars.hot, stars.largest) == (99_999, 1, 100_000)


@settings(deadline=None, max_examples=100)
@given(docs=st.lists(st.tuples(st.sampled_from([0, 1, FRESH >> 32, (FRESH >> 32) + 70]), st.integers(0, 5000)), min_size=1, max_size=60))
def test_documents_are_numbered_in_their_order(docs: list[tuple[int, int]]) -> None:
    numbers = np.array([source << 32 | row for source, row in docs], np.uint64)
    found = Duplicates()
    for part in np.array_split(numbers, 3):
        if part.size:
            found.mark(part)
    found.seal()
    distinct = np.unique(numbers)
    assert found.parent.size == distinct.size
    assert found.indices(numbers).tolist() == np.searchsorted(distinct, numbers).tolist()
    assert found.numbers_of(np.arange(distinct.size)).tolist() == distinct.tolist()
    assert [n for _, part, _ in found.members() for n in part.tolist()] == distinct.tolist()
    assert (source_of(numbers) << np.uint64(32) | row_of(numbers)).tolist() == numbers.tolist()


def test_the_set_costs_little() -> None:
    """A bit for each document of the run and four bytes for each with an edge: the promise is 16."""
    found = Duplicates()
    rows = np.random.default_rng(0).choice(2_000_000, 600_000, replace=False).astype(np.uint32)
    found.mark(number(0, rows))
    found.seal()
    held = found.parent.nbytes + sum(b.nbytes for b in found._bits.values()) + sum(r.nbytes for r in found._ranks.values())
    assert held / 600_000 < 16


@settings(deadline=None, max_examples=200)
@given(
    sets=st.lists(st.frozensets(st.integers(0, 11), min_size=1, max_size=8), min_size=1, max_size=12),
    bar=st.sampled_from([0.3, 0.5, 0.8]), books=st.booleans(),
)  # fmt: skip
def test_who_is_kept_is_what_the_twin_keeps(sets: list[frozenset[int]], bar: float, books: bool) -> None:
    n = len(sets)
    keys = [set(sorted(s)[:2]) for s in sets]  # documents with one of their two smallest values in common are candidates
    flat = np.concatenate([np.array(sorted(s), np.uint32) for s in sets])
    ends = np.concatenate([[0], np.cumsum([len(s) for s in sets])]).astype(np.int64)
    key_flat = np.concatenate([np.array(sorted(k), np.uint64) for k in keys])
    key_ends = np.concatenate([[0], np.cumsum([len(k) for k in keys])]).astype(np.int64)
    chunked = np.full(n, books)
    signatures = np.zeros((n, 4), np.uint32)  # all alike: the estimate rules nothing out
    found = choose(key_flat, key_ends, signatures, flat, ends, ends[:-1], np.full(n, bar), 1.0, np.zeros(n, np.bool_), chunked, 1000)
    expected = naive.keep_hubs(keys, [set(s) for s in sets], [bar] * n, [books] * n)
    assert list(zip(found.twin.tolist(), found.similarity.tolist(), strict=True)) == expected


def test_a_chain_does_not_merge_its_ends() -> None:
    """A ~ B ~ C: B leaves for A; C, which has little in common with A, stays."""
    sets = [np.arange(0, 10), np.arange(2, 12), np.arange(4, 14)]
    keys, key_ends = np.array([1, 1, 2, 2], np.uint64), np.array([0, 1, 3, 4])
    flags, flat, ends = np.zeros(3, np.bool_), np.concatenate(sets).astype(np.uint32), np.array([0, 10, 20, 30])
    found = choose(keys, key_ends, np.zeros((3, 4), np.uint32), flat, ends, ends[:-1], np.full(3, 0.6), 1.0, flags, flags, 10)
    assert found.twin.tolist() == [-1, 0, -1]


def test_the_limit_is_met_and_counted() -> None:
    n = 50
    sets, ends = np.arange(n * 3, dtype=np.uint32), np.arange(0, 3 * n + 1, 3)
    keys, key_ends, flags = np.full(n, 9, np.uint64), np.arange(n + 1), np.zeros(n, np.bool_)
    args = (np.zeros((n, 4), np.uint32), sets, ends, ends[:-1], np.full(n, 0.5), 1.0, flags, flags)
    assert choose(keys, key_ends, *args, 1000).limited == 0
    limited = choose(keys, key_ends, *args, 10)
    assert limited.limited > 0 and limited.twin.max() == -1


@settings(deadline=None, max_examples=60)
@given(lists=st.lists(st.lists(st.integers(0, 30), max_size=20), min_size=2, max_size=4))
def test_sets(lists: list[list[int]]) -> None:
    flat = np.array([v for values in lists for v in values], np.uint32)
    ends = np.concatenate([[0], np.cumsum([len(v) for v in lists])]).astype(np.int64)
    out, out_ends = np.empty(flat.size, np.uint32), np.zeros(len(lists) + 1, np.int64)
    unique_sets(flat, ends, out, out_ends)
    parts = [out[a:b].tolist() for a, b in zip(out_ends[:-1], out_ends[1:], strict=True)]
    assert parts == [naive.unique_sets(values) for values in lists]
    common = common_values(out, out_ends[0], out_ends[1], out_ends[1], out_ends[2])
    assert common == naive.common_values(set(lists[0]), set(lists[1]))
