"""Values cut out of JSON arrays and concatenated JSON, against `json.loads` on the whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaning.io.objects import json_values
from tests.io.reading import json_line, raw_of, read

NO_LIMIT = 1 << 40
NASTY = '"\\{}[],: \n\t/汉😀x'
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**6), 10**6), st.floats(allow_nan=False, allow_infinity=False), st.text(NASTY, max_size=12)
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(NASTY, max_size=4), inner, max_size=4)),
    max_leaves=8,
)
records = st.dictionaries(st.text(NASTY, max_size=4), values, max_size=4)
layouts = st.sampled_from([None, 0, 1, 4, "\t"])
escaping = st.booleans()
points = st.lists(st.integers(0, 3000), max_size=10)


def cut(data: bytes, at: list[int]) -> Iterator[bytes]:
    """`data` in blocks that end at the points `at`."""
    edges = [0, *sorted(p % (len(data) + 1) for p in at), len(data)]
    return (data[a:b] for a, b in pairwise(edges) if b > a)


def every(data: bytes, size: int) -> Iterator[bytes]:
    return (data[i : i + size] for i in range(0, len(data), size))


@settings(deadline=None, max_examples=150)
@given(
    items=st.lists(values, max_size=6), indent=layouts, ascii_only=escaping, at=points, lead=st.sampled_from(["", " ", "\n\n", "\r\n\t"])
)
def test_array_elements(items: list[Any], indent: Any, ascii_only: bool, at: list[int], lead: str) -> None:
    data = (lead + json.dumps(items, indent=indent, ensure_ascii=ascii_only) + lead).encode()
    found = list(json_values(cut(data, at), NO_LIMIT))
    assert [json.loads(value) for _, value in found] == items
    assert all(data[o : o + len(value)] == value for o, value in found)


@settings(deadline=None, max_examples=150)
@given(
    items=st.lists(records, max_size=6),
    indent=layouts,
    at=points,
    between=st.sampled_from(["", "\n", "\r\n", " \n\n"]),
    offset=st.integers(0, 1 << 40),
)
def test_concatenated_records(items: list[Any], indent: Any, at: list[int], between: str, offset: int) -> None:
    data = between.join([*(json.dumps(item, indent=indent, ensure_ascii=False) for item in items), ""]).encode()
    found = list(json_values(cut(data, at), NO_LIMIT, offset))
    assert [json.loads(value) for _, value in found] == items
    assert all(data[o - offset : o - offset + len(value)] == value for o, value in found)


@settings(deadline=None, max_examples=100)
@given(items=st.lists(records, min_size=1, max_size=4), size=st.integers(1, 5), drop=st.integers(1, 200))
def test_a_truncated_array_gives_what_is_whole_and_the_rest_as_one_value(items: list[Any], size: int, drop: int) -> None:
    whole = json.dumps(items, ensure_ascii=False).encode()
    data = whole[: max(1, len(whole) - drop)]
    found = list(json_values(every(data, size), NO_LIMIT))
    complete = [(o, v) for o, v in json_values(iter([whole]), NO_LIMIT) if o + len(v) <= len(data)]
    assert found[: len(complete)] == complete
    assert len(found) - len(complete) <= 1
    left = data[complete[-1][0] + len(complete[-1][1]) :] if complete else data[1:]
    assert b"".join(v for _, v in found[len(complete) :]) == left.lstrip(b",]").strip()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"[]", []),
        (b"", []),
        (b" \n ", []),
        (b"[ ]\n", []),
        (b'[{"a":1}, oops, {"b":2}]', [b'{"a":1}', b"oops", b'{"b":2}']),
        (b'[{"a":1},,{"b":2}]', [b'{"a":1}', b'{"b":2}']),
        (b'[{"a":1},{"b":2},]', [b'{"a":1}', b'{"b":2}']),
        (b'[{"a":1},\n{"b":2}', [b'{"a":1}', b'{"b":2}']),
        (b'[1, "x]", null, [2, [3]], {"k": "}"}]', [b"1", b'"x]"', b"null", b"[2, [3]]", b'{"k": "}"}']),
        (b'[{"a":1}] trailing {"b":2}', [b'{"a":1}', b"trailing", b'{"b":2}']),
        (b'[[{"a":1}],[{"b":2}]]', [b'[{"a":1}]', b'[{"b":2}]']),
        (b'{"a":1}{"b":"\\\\"}{"c":"\\""}', [b'{"a":1}', b'{"b":"\\\\"}', b'{"c":"\\""}']),
        (b'{"a":1},\n{"b":2}', [b'{"a":1}', b'{"b":2}']),
    ],
)
def test_cases(data: bytes, expected: list[bytes], size: int) -> None:
    found = list(json_values(every(data, size), NO_LIMIT))
    assert [value for _, value in found] == expected
    assert all(data[o : o + len(value)] == value for o, value in found)


@pytest.mark.parametrize(
    ("data", "good"),
    [
        pytest.param(b'[{"a":1}}, {"b":2}, {"c":3}]', 3),
        pytest.param(b'[{"a":1}], {"b":2}, {"c":3}]', 3),
        pytest.param(b'[{"a":1}\noops\n{"b":2}]', 2),
        pytest.param(b'{"a":1}\noops\n{"b":2}\n', 2),
        (b'{"a":1}}\n{"b":2}\n', 2),
    ],
)
def test_garbage_costs_no_neighbour(data: bytes, good: int) -> None:
    assert sum(_parses(value) for _, value in json_values(iter([data]), NO_LIMIT)) == good


def test_a_stray_bracket_between_records_leaves_a_row() -> None:
    assert [value for _, value in json_values(iter([b'{"a":1}}\n{"b":2}\n']), NO_LIMIT)] == [b'{"a":1}', b"}", b'{"b":2}']


def _parses(value: bytes) -> bool:
    try:
        return isinstance(json.loads(value), dict)
    except ValueError:
        return False


def _array(big_at: int, big: int, indent: int | None) -> tuple[bytes, list[dict[str, Any]]]:
    items: list[dict[str, Any]] = [{"id": i, "text": f'第{i}条，「引号」 \\ " {{}} []'} for i in range(40)]
    items[big_at]["text"] = "长，" * big
    return json.dumps(items, ensure_ascii=False, indent=indent).encode(), items


OVERSIZE_CASES = [pytest.param(size, indent, at) for size in (500, 4000, 1 << 20) for indent in (None, 0, 1, 4) for at in (0, 20, 39)]


@pytest.mark.parametrize(("size", "indent", "big_at"), OVERSIZE_CASES)
def test_oversize_element_then_recovery(size: int, indent: int | None, big_at: int) -> None:
    data, items = _array(big_at, 2000, indent)  # 12 kB against a limit of 3 kB
    limit = 3000
    found = [(o, v) for o, v in json_values(every(data, size), limit) if len(v) <= limit]
    assert [json.loads(v) for _, v in found if _parses(v)] == [item for i, item in enumerate(items) if i != big_at]
    assert all(data[o : o + len(v)] == v for o, v in found)


@pytest.mark.parametrize("size", [64, 500, 4000, 1 << 20])
def test_oversize_values_keep_memory_bounded_and_their_bytes_in_place(size: int) -> None:
    data, _ = _array(20, 20_000, None)
    limit = 3000
    for offset, value in json_values(every(data, size), limit):
        assert data[offset : offset + len(value)] == value
        assert len(value) <= max(limit + size, 120_100)


# -- through the reader -----------------------------------------------------------------------------------------------------------


def test_ndjson_in_a_json_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"\n".join([json_line("一"), b"broken {", json_line("二"), b"", json_line("三")]))
    got = read(path)
    assert got.shards[0].pieces[0].format == "jsonl"
    assert got.texts == ["一", "二", "三"]
    assert got.reasons == ["broken_json"] and got.blank == 1


@pytest.mark.parametrize("indent", [None, 0, 2])
def test_a_record_alone_in_a_json_file(tmp_path: Path, indent: int | None) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"title": "t", "text": "正文"}, indent=indent, ensure_ascii=False))
    assert read(path).texts == ["正文"]


def test_pretty_printed_records_in_a_jsonl_file(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(json.dumps({"text": f"文{i}"}, indent=2, ensure_ascii=False) for i in range(3)))
    assert read(path).texts == ["文0", "文1", "文2"]


def test_an_array_in_a_jsonl_file(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps([{"text": f"文{i}"} for i in range(3)], indent=1))
    assert read(path).texts == ["文0", "文1", "文2"]


def test_an_array_on_one_line_of_a_jsonl_file(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps([{"text": f"文{i}"} for i in range(3)]))
    assert read(path).texts == ["文0", "文1", "文2"]


def test_elements_that_are_no_records_are_quarantined_with_offset_and_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    data = '[{"text":"一"}, 3, "字", [{"text":"不"}], {"text": "a" "b"}, {"x":null}, {"text":"二"}, \xff]'.encode()
    path.write_bytes(data)
    got = read(path)
    assert got.texts == ["一", "二"]
    assert got.reasons == ["not_an_object"] * 3 + ["broken_json", "no_text", "broken_json"]
    for row in got.bad:
        assert data[row["offset"] : row["offset"] + row["bytes"]] == raw_of(row)
    for doc in got.docs:
        assert data[doc.offset :].startswith(doc.raw)


def test_an_oversize_element_that_ends_in_its_block_is_too_long(tmp_path: Path) -> None:
    data, items = _array(20, 2000, None)
    path = tmp_path / "a.json"
    path.write_bytes(data)
    got = read(path, max_line_bytes=3000)
    assert got.texts == [item["text"] for i, item in enumerate(items) if i != 20]
    assert got.reasons == ["too_long"]
    assert json.loads(raw_of(got.bad[0])) == items[20]
