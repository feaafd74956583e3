"""The self-test on the bundled sample: what is planted, what is found, what is said."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from cleaning.cli import main
from cleaning.doc import Doc
from cleaning.selftest.planting import _card, _mobile, _resident_id, edited, plant

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "samples" / "raw" / "zh_good.jsonl"


def docs() -> list[Doc]:
    rows = [json.loads(line) for line in SAMPLE.read_text(encoding="utf-8").splitlines()]
    return [Doc({"id": row.get("id")}, row["text"], b"", "x", i) for i, row in enumerate(rows) if "text" in row]


def test_planting_is_repeatable() -> None:
    one, two = plant(docs(), 3, 4), plant(docs(), 3, 4)
    assert one == two != plant(docs(), 4, 4)
    assert len({p.id for p in one}) == len(one)
    assert all(p.value in p.text for p in one)


def test_values_are_valid() -> None:
    rng = random.Random(1)
    for _ in range(50):
        weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2, 1)
        number = _resident_id(rng)
        assert sum((10 if d == "X" else int(d)) * w for d, w in zip(number, weights)) % 11 == 1
        digits = [int(d) for d in reversed(_card(rng))]
        assert sum(d if i % 2 == 0 else sum(divmod(2 * d, 10)) for i, d in enumerate(digits)) % 10 == 0
        assert len(_mobile(rng)) == 11


def test_edits_have_their_rate() -> None:
    text = "天地玄黄宇宙洪荒日月盈昃辰宿列张" * 200
    changed = edited(text, 0.05, random.Random(2))
    assert abs(len(changed) - len(text)) < 60
    same = sum(a == b for a, b in zip(text[:10], edited(text[:10], 0, random.Random(1))))
    assert same == 10


def test_the_verb(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "t.json"
    command = ["selftest", "--config", str(ROOT / "configs" / "zh_web.yaml"), "--stages", "normalize,rules,document_dedup"]
    command += ["--sample", str(SAMPLE), "--each", "6", "--output", str(out), "--set", "engine.executor=inline"]
    assert main(command) == 0
    rows = {row["kind"]: row for row in json.loads(out.read_text())["rows"]}
    assert rows["copy"]["recall"] == 1
    assert rows["garbled: shuffled"]["recall"] > 0.5
    assert rows["personal: mobile"]["finders"] == []
    assert "no stage of this configuration looks for it" in capsys.readouterr().out


def test_too_small_a_sample(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "s.jsonl").write_text('{"text": "short"}\n')
    assert main(["selftest", "--config", str(ROOT / "configs" / "zh_web.yaml"), "--sample", str(tmp_path / "s.jsonl")]) == 2
    assert "at least 12" in capsys.readouterr().err
