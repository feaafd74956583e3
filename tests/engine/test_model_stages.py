"""What every stage with a model has: its file decides what is redone and is never copied, rules of its own judge, lines can go."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from cleaning.config import load_config
from cleaning.engine.metrics_file import read_metrics
from cleaning.engine.plan import Plan
from cleaning.errors import ModelError

from .conftest import ROOT, make_corpus, published

Cleaning = Callable[..., subprocess.CompletedProcess[str]]
STAGE = ROOT / "tests" / "engine" / "model_stage.py"
CONFIG = f"""\
stages: [normalize, "{STAGE}:Factor"]
input: {{paths: [in], group_bytes: 0}}
engine: {{executor: inline}}
"""
RULES = """\
rules:
  - {id: long, metric: quality_score, when: "> 1", reason: too long}
  - {id: long_line, metric: line_length, when: "> 250", action: drop_line, reason: a long line}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    make_corpus(tmp_path / "p" / "in", shards=3, docs=40)
    (tmp_path / "p" / "c.yaml").write_text(CONFIG)
    (tmp_path / "p" / "factor.json").write_text('{"factor": 1}')
    (tmp_path / "p" / "length.yaml").write_text(RULES)
    return tmp_path / "p"


def kept(root: Path) -> list[dict[str, object]]:
    files = sorted((root / "data").glob("*.zst"))
    return [json.loads(line) for file in files for line in zstandard.open(file, "rt", encoding="utf-8")]


def test_without_rules_it_measures_and_keeps_everything(cleaning: Cleaning, project: Path) -> None:
    done = cleaning("run", project / "c.yaml", "--output", project / "out")
    assert done.returncode == 0, done.stderr
    rows = kept(project / "out")
    assert len(rows) > 100
    for row in rows:
        assert row["cleaning"]["quality_score"] == round(len(row["text"]) / 100, 4)  # type: ignore[index, arg-type]
    stats = json.loads((project / "out" / "stats" / "02-factor.json").read_text())
    assert stats["documents_in"] == stats["documents_out"] == len(rows)
    tables = [read_metrics(path) for path in sorted((project / "out").glob("phases/*/*/metrics.factor.zst"))]
    assert {table.names for table in tables} == {("quality_score",)}
    assert sum(len(table.values) for table in tables) == len(rows)


@pytest.fixture
def judged(cleaning: Cleaning, project: Path) -> Path:
    with (project / "c.yaml").open("a") as file:
        file.write("factor: {rules: length.yaml}\n")
    done = cleaning("run", project / "c.yaml", "--output", project / "out")
    assert done.returncode == 0, done.stderr
    return project


def test_its_own_rules_judge(cleaning: Cleaning, judged: Path) -> None:
    root = judged / "out"
    files = sorted((root / "rejected" / "factor").glob("*.zst"))
    gone = [json.loads(line) for file in files for line in zstandard.open(file, "rt", encoding="utf-8")]
    rows = kept(root)
    assert len(rows) > 20
    assert len(gone) > 20
    assert all(len(row["text"]) <= 100 for row in rows)  # type: ignore[arg-type]
    # a long line goes first, and the number that is noted and judged is that of the text that is left
    cut = [row for row in rows if row["cleaning"].get("lines_dropped")]  # type: ignore[attr-defined]
    assert all(row["cleaning"]["quality_score"] == round(len(row["text"]) / 100, 4) for row in cut)  # type: ignore[index, arg-type]
    for row in gone:
        reject = row["cleaning"]["reject"]
        assert (reject["stage"], reject["rule"], reject["threshold"]) == ("factor", "long", "quality_score > 1")
        assert reject["value"] > 1
    report = json.loads((root / "report" / "report.json").read_text())
    rule = next(row for row in report["rules"] if row["id"] == "long")
    assert (rule["stage"], rule["first"]) == ("factor", len(gone))
    assert cleaning("verify", root).returncode == 0


def test_batches_and_workers_change_nothing(cleaning: Cleaning, judged: Path) -> None:
    again = judged / "again"
    options = ("--set", "engine.batch_bytes=2KiB", "--set", "engine.executor=local", "--workers", "3", "--set", "engine.fuse=false")
    assert cleaning("run", judged / "c.yaml", "--output", again, *options).returncode == 0
    assert published(again) == published(judged / "out")


def test_another_model_redoes_what_it_decides(cleaning: Cleaning, judged: Path) -> None:
    run = ("run", judged / "c.yaml", "--output", judged / "out", "--set", "engine.fuse=false")
    assert cleaning(*run).returncode == 0
    (judged / "factor.json").write_text('{"factor": 0.1}')
    plan = cleaning("plan", *run[1:]).stdout
    assert "factor.json changed" in plan
    assert "00-normalize: 3 tasks, 3 done\n" in plan
    before = len(kept(judged / "out"))
    assert cleaning(*run).returncode == 0
    assert len(kept(judged / "out")) > before
    fresh = judged / "fresh"
    assert cleaning("run", judged / "c.yaml", "--output", fresh, "--set", "engine.fuse=false").returncode == 0
    assert published(fresh) == published(judged / "out")


def test_the_same_model_elsewhere_is_the_same(cleaning: Cleaning, judged: Path) -> None:
    shutil.copy(judged / "factor.json", judged / "other.json")
    plan = cleaning("plan", judged / "c.yaml", "--output", judged / "out", "--set", "factor.model=other.json")
    assert "3 tasks, 3 done" in plan.stdout


def test_a_model_is_not_copied_and_must_not_change_under_a_run(cleaning: Cleaning, judged: Path) -> None:
    snapshot = judged / "out" / "snapshot"
    assert [path.name for path in (snapshot / "files").iterdir() if "factor" in path.name] == []
    assert Plan.load(judged / "out").stages[1].models() == ["factor.json"]
    Plan.load(judged / "out").stages[1].step()
    (judged / "factor.json").write_text('{"factor": 12}')
    with pytest.raises(ModelError, match=r"factor\.json: changed or removed since the run began"):
        Plan.load(judged / "out").stages[1].step()


@pytest.mark.parametrize(("content", "message"), [
    (None, "no file 'factor.json'"), ("nonsense", "factor.json: not a factor"),
])  # fmt: skip
def test_a_bad_model_stops_the_run_before_it_starts(cleaning: Cleaning, project: Path, content: str | None, message: str) -> None:
    (project / "factor.json").unlink()
    if content is not None:
        (project / "factor.json").write_text(content)
    done = cleaning("run", project / "c.yaml", "--output", project / "out")
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (project / "out").exists()


def test_a_missing_model_says_which_command_gets_it(cleaning: Cleaning, project: Path) -> None:
    done = cleaning("run", project / "c.yaml", "--output", project / "out", "--set", "factor.model=models/nowhere/lid.176.ftz")
    assert "get it with: python -m cleaning models fetch lid.176.ftz" in done.stderr


def test_line_metrics_of_a_model_are_its_own(project: Path) -> None:
    from cleaning.engine.resolve import resolve
    from cleaning.errors import UserError

    (project / "bad.yaml").write_text('rules: [{id: x, metric: line_length, when: "> 1", action: drop_line, reason: r}]')
    resolve(load_config(project / "c.yaml", ["factor.rules=bad.yaml"], ("normalize", "rules")))
    with pytest.raises(UserError, match="unknown line metric 'line_length'"):
        resolve(load_config(project / "c.yaml", ["rules.files=bad.yaml", "stages=[rules]"], ("normalize", "rules")))
