"""The shuffle of files: what N writers put down is what P readers find, in the order of the writers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaning.io.commit import check_files
from cleaning.io.parts import read_partition, write_partitioned

KEY = np.dtype([("key", "<u8"), ("shard", "<u4"), ("row", "<u4")])
Row = tuple[int, int, int]
writers = st.lists(st.lists(st.integers(0, 2**64 - 1), max_size=30), max_size=5)


def partition_of(records: np.ndarray, count: int) -> np.ndarray:
    return (records["key"] % np.uint64(count)).astype(np.int64)


def rows_of(records: np.ndarray) -> list[Row]:
    return [tuple(map(int, record)) for record in records.tolist()]  # type: ignore[misc]


@settings(deadline=None, max_examples=150)
@given(keys=writers, count=st.integers(1, 9))
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, keys: list[list[int]], count: int) -> None:
    root = tmp_path_factory.mktemp("parts")
    folders, expected = [], []
    for shard, own in enumerate(keys):
        rows = [(key, shard, row) for row, key in enumerate(own)]
        records = np.array(rows, KEY)
        folder = root / f"{shard:05d}"
        folder.mkdir()
        files = write_partitioned(folder, "dedup.keys", records, partition_of(records, count), count)
        assert sorted(files) == ["dedup.keys.off", "dedup.keys.rec"]
        assert check_files(folder, {"files": files}) == []
        assert files["dedup.keys.rec"]["rows"] == len(rows)
        assert files["dedup.keys.rec"]["size"] == len(rows) * KEY.itemsize
        folders.append(folder)
        expected += rows
    found = [rows_of(read_partition(folders, "dedup.keys", KEY, p)) for p in range(count)]
    assert found == [[row for row in expected if row[0] % count == p] for p in range(count)]


def test_order_within_a_partition_is_the_order_given(tmp_path: Path) -> None:
    records = np.array([(7, 0, 3), (7, 0, 1), (8, 0, 2), (7, 0, 0)], KEY)
    write_partitioned(tmp_path, "k", records, np.array([1, 1, 0, 1]), 2)
    assert [row for _, _, row in rows_of(read_partition([tmp_path], "k", KEY, 1))] == [3, 1, 0]


def test_the_order_of_the_folders_is_kept(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / name).mkdir()
        write_partitioned(tmp_path / name, "k", np.array([(0, ord(name), 0)], KEY), np.array([0]), 1)
    assert [shard for _, shard, _ in rows_of(read_partition([tmp_path / "b", tmp_path / "a"], "k", KEY, 0))] == [ord("b"), ord("a")]


def test_nothing_at_all(tmp_path: Path) -> None:
    files = write_partitioned(tmp_path, "k", np.empty(0, KEY), np.empty(0, np.int64), 3)
    assert files["k.rec"]["size"] == 0
    for p in range(3):
        empty = read_partition([tmp_path], "k", KEY, p)
        assert empty.dtype == KEY and len(empty) == 0
    assert len(read_partition([], "k", KEY, 0)) == 0


def test_a_partition_out_of_range_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        write_partitioned(tmp_path, "k", np.array([(1, 1, 1)], KEY), np.array([3]), 3)
    with pytest.raises(ValueError):
        write_partitioned(tmp_path, "k", np.array([(1, 1, 1)], KEY), np.array([-1]), 3)


def test_the_same_records_are_the_same_bytes(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    records = np.zeros(5000, KEY)
    records["key"], records["row"] = rng.integers(0, 2**63, 5000), np.arange(5000)
    files = [write_partitioned(tmp_path / name, "k", records, partition_of(records, 7), 7) for name in ("one", "two")]
    assert files[0] == files[1]


def test_what_was_read_outlives_the_files(tmp_path: Path) -> None:
    """A reader's arrays are its own: eviction may take the files away."""
    write_partitioned(tmp_path, "k", np.array([(1, 2, 3)], KEY), np.array([0]), 1)
    found = read_partition([tmp_path], "k", KEY, 0)
    for path in tmp_path.iterdir():
        path.write_bytes(b"\xff" * path.stat().st_size)
    assert rows_of(found) == [(1, 2, 3)]
