"""What a review of the first version found about whole runs, each as the command that showed it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import make_corpus, published

Cleaning = Callable[..., subprocess.CompletedProcess[str]]
CONFIG = "configs/zh_web.yaml"
PLAIN = ("--set", "output.compression=none", "--executor", "inline")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return make_corpus(tmp_path / "in", shards=2, docs=30)


def test_a_run_does_not_eat_itself(cleaning: Cleaning, data: Path, tmp_path: Path) -> None:
    root = tmp_path / "run"
    assert cleaning("run", CONFIG, "--input", data, "--output", root, *PLAIN).returncode == 0
    before = published(root)
    for given in (root / "data", root, sorted((root / "data").iterdir())[0], f"{root}/data/*"):
        done = cleaning("run", CONFIG, "--input", given, "--output", root, *PLAIN)
        assert done.returncode == 2, given
    inside = cleaning("run", CONFIG, "--input", data, "--output", data / "run", *PLAIN)
    assert inside.returncode == 2
    assert published(root) == before


def test_a_switch_of_names_leaves_nothing_behind(cleaning: Cleaning, data: Path, tmp_path: Path) -> None:
    root, fresh = tmp_path / "run", tmp_path / "fresh"
    xubuvd = (*PLAIN, "--set", "output.names=xubuvd")
    assert cleaning("run", CONFIG, "--input", data, "--output", root, *PLAIN).returncode == 0
    assert cleaning("run", CONFIG, "--input", data, "--output", root, *xubuvd).returncode == 0
    assert cleaning("run", CONFIG, "--input", data, "--output", fresh, *xubuvd).returncode == 0
    assert published(root) == published(fresh)
    assert cleaning("verify", root).returncode == 0
    # its `good/` is what a later run reads
    assert cleaning("run", CONFIG, "--input", root, "--output", tmp_path / "next", *PLAIN).returncode == 0
    read = json.loads((tmp_path / "next" / "stats" / "00-read.json").read_text())
    kept = sum(len(p.read_text(encoding="utf-8").splitlines()) for p in (root / "good").iterdir())
    assert read["documents"] == kept


def test_verify_compares_what_is_published_with_the_tasks(cleaning: Cleaning, data: Path, tmp_path: Path) -> None:
    """As after a kill between the last commit and the publication of another policy."""
    root, other = tmp_path / "run", tmp_path / "other"
    assert cleaning("run", CONFIG, "--input", data, "--output", root, *PLAIN).returncode == 0
    assert cleaning("run", CONFIG, "--input", data, "--output", other, *PLAIN, "--set", "output.text_field=content").returncode == 0
    for name in ("phases", "snapshot"):
        shutil.rmtree(root / name)
        shutil.copytree(other / name, root / name)
    done = cleaning("verify", root)
    assert done.returncode == 1
    assert "does not follow from the committed tasks" in done.stdout


def test_verify_looks_at_the_snapshot(cleaning: Cleaning, data: Path, tmp_path: Path) -> None:
    root = tmp_path / "run"
    assert cleaning("run", CONFIG, "--input", data, "--output", root, *PLAIN).returncode == 0
    rules = next((root / "snapshot" / "files").glob("*zh_web.yaml"))
    rules.write_text(rules.read_text(encoding="utf-8") + "# edited\n", encoding="utf-8")
    assert "changed since the run" in cleaning("verify", root).stdout
    (root / "snapshot" / "plan.json").write_text("{")
    done = cleaning("status", root)
    assert done.returncode == 2
    assert "missing or damaged" in done.stderr


def test_errors_say_the_same_wherever_the_run_lies(cleaning: Cleaning, data: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from cleaning.rules.user_rules import rule\n\n"
        "@rule(id='fussy', reason='r', scope={'script': 'han'})\n"
        "def fussy(doc, metrics):\n    raise ValueError(doc.id)\n"
    )
    (tmp_path / "c.yaml").write_text("rules:\n  user: [mine.py]\n")
    runs = []
    for name in ("a", "deeper/b"):
        root = tmp_path / name
        done = cleaning("run", tmp_path / "c.yaml", "--input", data, "--output", root, *PLAIN)
        assert done.returncode == 0, done.stderr
        assert "raised an error" in done.stdout
        runs.append(published(root))
    assert runs[0] == runs[1]
    rejected = json.loads(runs[0]["rejected/rules/part-00000.jsonl"].splitlines()[0])["cleaning"]["reject"]
    assert any("mine.py:5 in fussy" in frame for frame in rejected["traceback"])
    # out of its scope a rule in Python is not asked
    english = [json.loads(line) for line in runs[0]["data/part-00000.jsonl"].splitlines()]
    assert english
    assert all(doc["text"].isascii() for doc in english)


def test_a_thousand_parts(cleaning: Cleaning, tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text("".join(json.dumps({"id": i, "text": "短"}, ensure_ascii=False) + "\n" for i in range(1203)), encoding="utf-8")
    root = tmp_path / "run"
    assert cleaning("run", CONFIG, "--input", path, "--output", root, *PLAIN, "--set", "output.shard_bytes=20").returncode == 0
    assert [p.name for p in (root / "rejected").iterdir()] == ["rules"]
    assert len(list((root / "rejected" / "rules").iterdir())) == 1203


def test_odd_records_cost_only_themselves(cleaning: Cleaning, tmp_path: Path) -> None:
    deep, deeper = "[" * 300 + "]" * 300, "[" * 1000 + "]" * 1000
    rows = [json.dumps({"id": i, "text": f"第{i}篇内容完整的短文。"}, ensure_ascii=False) for i in range(6)]
    rows.insert(2, f'{{"id":"deep","cleaning":{{"a":{deep}}},"text":"<p>好的一篇</p>"}}')
    rows.insert(4, f'{{"id":{deeper},"text":"短"}}')
    path = tmp_path / "in.jsonl"
    path.write_text("\n".join(rows), encoding="utf-8")
    for stages, folder in (("normalize", "data"), ("normalize,rules", "rejected/rules")):
        root = tmp_path / folder.replace("/", "-")
        done = cleaning("run", CONFIG, "--stages", stages, "--input", path, "--output", root, *PLAIN)
        assert done.returncode == 0, done.stderr
        assert len((root / folder / "part-00000.jsonl").read_text(encoding="utf-8").splitlines()) == 8
