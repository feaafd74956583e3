"""The stage `decontaminate` by the command line: drop, cut, tag, faults."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import zstandard

from cleaning.cli import main

QUESTION = "甲乙两地相距三百二十公里，一辆汽车从甲地开往乙地，四小时到达，平均每小时行多少公里？"
FILLER = "今天的天气非常好，我们一起去公园散步，看见了许多盛开的花朵。"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    texts = {"clean": FILLER * 3, "leak": f"{FILLER}\n{QUESTION}\n{FILLER}", "inner": FILLER + QUESTION + FILLER}
    lines = [json.dumps({"id": name, "text": text}, ensure_ascii=False) + "\n" for name, text in texts.items()]
    (tmp_path / "in.jsonl").write_text("".join(lines), encoding="utf-8")
    item = json.dumps({"id": "q7", "question": QUESTION, "answer": "80"}, ensure_ascii=False)
    (tmp_path / "eval.jsonl").write_text(item + "\n", encoding="utf-8")
    return tmp_path


def run(data: Path, *more: str) -> int:
    command = ["run", "--stages", "decontaminate"]
    command += ["--input", str(data / "in.jsonl"), "--output", str(data / "run")]
    fields = "decontaminate.fields={text: question}"
    command += ["--executor", "inline", "--set", f"decontaminate.benchmarks=[{data / 'eval.jsonl'}]", "--set", fields, *more]
    return main(command)


def rows(folder: Path) -> dict[str, dict]:
    found = {}
    for path in folder.glob("*.zst"):
        with zstandard.open(path, "rt", encoding="utf-8") as lines:
            found.update({(row := json.loads(line))["id"]: row for line in lines})
    return found


def test_drop_says_which_item_and_where(data: Path) -> None:
    assert run(data) == 0
    assert list(rows(data / "run" / "data")) == ["clean"]
    rejected = rows(data / "run" / "rejected" / "decontaminate")
    assert set(rejected) == {"leak", "inner"}
    reject = rejected["inner"]["cleaning"]["reject"]
    assert (reject["rule"], reject["value"], reject["found"]) == ("benchmark_overlap", 1.0, 1)
    (item,) = reject["items"]
    assert (item["bench"], item["item"], item["start"]) == ("eval", "q7", len(FILLER))
    assert QUESTION.startswith(rejected["inner"]["text"][item["start"] : item["start"] + item["length"]])
    stats = json.loads((data / "run" / "stats" / "01-decontaminate.json").read_text())
    assert stats["items"] == {"eval": 2}
    assert stats["item"] == {"eval\tq7": 2}


def test_cut_leaves_whole_text(data: Path) -> None:
    assert run(data, "--set", "decontaminate.action=cut") == 0
    kept = rows(data / "run" / "data")
    assert kept["clean"]["text"] == FILLER * 3
    assert kept["leak"]["text"] == f"{FILLER}\n{FILLER}"
    assert kept["inner"]["text"] == FILLER + FILLER
    assert kept["inner"]["cleaning"]["benchmark_items"][0]["item"] == "q7"
    again = ("--set", "decontaminate.action=cut", "--input", str(data / "run" / "data"), "--output", str(data / "again"))
    assert run(data, *again) == 0
    assert rows(data / "again" / "rejected" / "decontaminate") == {}


def test_tag_keeps_everything(data: Path) -> None:
    assert run(data, "--set", "decontaminate.action=tag") == 0
    kept = rows(data / "run" / "data")
    assert kept["leak"]["text"] == f"{FILLER}\n{QUESTION}\n{FILLER}"
    shares = {name: row.get("cleaning", {}).get("benchmark_overlap") for name, row in kept.items()}
    assert shares == {"clean": None, "leak": 1.0, "inner": 1.0}


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("decontaminate.benchmarks=[]", "name the files of the benchmarks"),
        ("decontaminate.benchmarks=[none.jsonl]", "none.jsonl"),
        ("decontaminate.fields={text: prompt}", "name the fields"),
        ("decontaminate.min_units=500", "no item of 500 units"),
        ("decontaminate.share=2", "share"),
    ],
)
def test_faults_come_before_the_run(data: Path, capsys: pytest.CaptureFixture[str], setting: str, said: str) -> None:
    assert run(data, "--set", setting) == 2
    assert said in capsys.readouterr().err
    assert not (data / "run" / "phases").exists()


def test_another_benchmark_makes_the_run_stale(data: Path) -> None:
    assert run(data) == 0
    (data / "eval.jsonl").write_text(json.dumps({"id": "q8", "question": FILLER}, ensure_ascii=False) + "\n", encoding="utf-8")
    assert run(data) == 0
    assert rows(data / "run" / "data") == {}
