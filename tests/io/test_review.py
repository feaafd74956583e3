"""What a review of the first version found, each as the input that showed it."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import orjson
import pytest

from cleaning.config import InputConfig
from cleaning.errors import ConfigError
from cleaning.io.shards import Shard, find_shards
from cleaning.io.writer import DELETE, change_fields, dumps

from .reading import read


def _record(i: int) -> bytes:
    return json.dumps({"id": i, "text": f"第{i}篇，内容完整。"}, ensure_ascii=False).encode()


@pytest.mark.parametrize("first", [b"[INFO] crawl started", b"[]", b"[1,2", b"{", b"[{"])
def test_one_odd_first_line_does_not_turn_lines_into_an_array(tmp_path: Path, first: bytes) -> None:
    path = tmp_path / "a.jsonl"
    lines = [first, *map(_record, range(50)), b'{"text": "cut off in the mid', *map(_record, range(50, 100))]
    path.write_bytes(b"\n".join(lines) + b"\n")
    got = read(path)
    assert len(got.docs) == 100
    assert len(got.bad) == 2


def test_an_array_with_a_record_a_line_stays_an_array(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"[\n" + b",\n".join(_record(i) for i in range(3)) + b"\n]\n")
    assert read(path).shards[0].pieces[0].format == "json"
    assert len(read(path).docs) == 3


def test_a_dangling_link_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(_record(1))
    (tmp_path / "b.jsonl").symlink_to(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match=r"b\.jsonl is a link to nothing"):
        find_shards(InputConfig(paths=(str(tmp_path),)))


def test_pipes_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(_record(1))
    os.mkfifo(tmp_path / "b.jsonl")
    assert [p.name for s in find_shards(InputConfig(paths=(str(tmp_path),))) for p in s.pieces] == ["a.jsonl"]


def test_a_path_that_is_no_utf8_survives_the_snapshot(tmp_path: Path) -> None:
    name = os.fsdecode("语料.jsonl".encode("gbk"))
    (tmp_path / name).write_bytes(_record(1))
    [shard] = find_shards(InputConfig(paths=(str(tmp_path),)))
    again = Shard.from_json(orjson.loads(orjson.dumps(shard.to_json())))
    assert again == shard
    assert Path(again.pieces[0].path).is_file()


def test_marks_of_files_that_were_put_together(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + _record(1) + b"\n\xef\xbb\xbf" + _record(2) + b"\n")
    assert [doc.record["id"] for doc in read(path).docs] == [1, 2]


def test_a_record_of_a_million_lists_is_quarantined(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(_record(1) + b'\n{"text":"x","y":[' + b"[{}]," * 400_000 + b"0]}\n" + _record(2) + b"\n")
    got = read(path)
    assert len(got.docs) == 2
    assert got.reasons == ["too_complex"]


def test_a_utf16_book_is_one_document(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xff\xfe" + "题目。aÿþ后面还有很长的一段文字。".encode("utf-16-le"))
    assert read(path).texts == ["题目。aÿþ后面还有很长的一段文字。"]


def _noise(rng: random.Random) -> str:
    return "".join(rng.choice(" \t\n\r") for _ in range(rng.randint(0, 2)))


def _object(rng: random.Random, fields: list[tuple[str, str]]) -> bytes:
    body = ",".join(f"{_noise(rng)}{key}{_noise(rng)}:{_noise(rng)}{value}{_noise(rng)}" for key, value in fields)
    return f"{{{body or _noise(rng)}}}".encode()


def test_changing_fields_is_what_a_parser_would_do() -> None:
    rng = random.Random(11)
    keys = ['"text"', '"te\\u0078t"', '"cleaning"', '"a"', '"b:,{"', '"嵌"']
    values = [
        '"x"',
        '"y\\"},{"',
        "1",
        "1e5",
        "null",
        "[]",
        '{"text":"inner","cleaning":{}}',
        '[1,{"a":[2]}]',
        "123456789012345678901234567890",
    ]
    for _ in range(20_000):
        fields = [(rng.choice(keys), rng.choice(values)) for _ in range(rng.randint(0, 5))]
        raw = _object(rng, fields)
        changes: dict[str, Any] = {
            k: rng.choice([DELETE, {"n": 1}, "新"]) for k in rng.sample(["text", "cleaning", "new"], rng.randint(1, 3))
        }
        expected = {k: v for k, v in {**json.loads(raw), **changes}.items() if v is not DELETE}
        for record in (None, orjson.loads(raw)):
            assert json.loads(change_fields(raw, changes, record)) == expected, (raw, changes)


def test_what_json_cannot_hold_is_told() -> None:
    import numpy as np

    deep: Any = []
    for _ in range(400):
        deep = [deep]
    assert orjson.loads(dumps({"a": np.float32(0.5), "b": {1}, 3: 4})) == {"a": 0.5, "b": [1], "3": 4}
    assert "unwritable" in orjson.loads(dumps(deep))


def test_a_broken_first_row_of_a_csv_leaves_a_row(tmp_path: Path) -> None:
    """The header may be what is broken: then the next row is taken for it, and the broken one is quarantined, not lost."""
    path = tmp_path / "a.csv"
    path.write_bytes(b"x" * 3000 + b"\nid,text\n1," + "一篇。".encode() + b"\n")
    got = read(path, max_line_bytes=2000, max_bad_ratio=1.0)
    assert got.texts == ["一篇。"]
    assert got.reasons == ["too_long"]
    path.write_bytes(b'"' + b"x\n" * 1500 + b'",b\nid,text\n1,' + "一篇。".encode() + b"\n")
    got = read(path, max_line_bytes=2000, max_bad_ratio=1.0)
    assert got.reasons[0] == "broken_csv"
