"""`perplexity.model: auto` in whole runs: the equalities, what makes its models stale, what it says when there is too little text."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from cleaning.models.lm import auto
from cleaning.models.lm.scoring import perplexity

from .conftest import ROOT, WORDS, command, make_corpus, published

Cleaning = Callable[..., subprocess.CompletedProcess[str]]
CONFIG = """\
stages: [normalize, perplexity]
input: {group_bytes: 0, shard_bytes: 20KiB}
engine: {grace_seconds: 1}
perplexity: {model: auto, auto_budget: 60KiB}
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return long_texts(make_corpus(tmp_path_factory.mktemp("auto") / "in", shards=4, docs=60, seed=9))


def long_texts(folder: Path) -> Path:
    """Some hundred characters more for each document, as the judge of broken text needs them; copies stay copies."""
    for path in folder.iterdir():
        rows = path.read_text(encoding="utf-8").splitlines()
        for i, line in enumerate(rows):
            if line.endswith("}"):
                row = json.loads(line)
                words, rng = list(WORDS) if "。" in row["text"] else [" river", " of", " old", " market"], random.Random(row["text"])
                row["text"] += "。".join("".join(rng.choices(words, k=rng.randint(8, 30))) for _ in range(rng.randint(12, 25))) + "。"
                rows[i] = json.dumps(row, ensure_ascii=False)
        path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def auto_config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("auto-config") / "auto.yaml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def reference(data: Path, auto_config: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    root = tmp_path_factory.mktemp("reference") / "run"
    done = subprocess.run(
        command("run", auto_config, "--input", data, "--output", root, "--set", "engine.executor=inline"),
        capture_output=True, text=True, cwd=ROOT, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return published(root)


def notes(root: Path) -> dict[str, dict[str, float]]:
    """What the stage noted, by id."""
    out = {}
    for path in sorted((root / "data").glob("*.zst")):
        with zstandard.open(path, "rt", encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                out[row["id"]] = {k: v for k, v in row.get("cleaning", {}).items() if k.startswith(("perplexity", "broken"))}
    return out


def stats_of(root: Path) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = json.loads(next((root / "stats").glob("*-perplexity.json")).read_text())
    return found


@pytest.mark.parametrize("options", [
    ["--workers", "1", "--set", "engine.batch_bytes=700"],
    ["--workers", "4"],
    ["--workers", "2", "--set", "engine.fuse=false"],
], ids=["one-worker-small-batches", "four-workers", "unfused"])  # fmt: skip
def test_same_bytes(
    cleaning: Cleaning, data: Path, auto_config: Path, tmp_path: Path, reference: dict[str, bytes], options: list[str]
) -> None:
    done = cleaning("run", auto_config, "--input", data, "--output", tmp_path / "run", *options)
    assert done.returncode == 0, done.stderr
    assert published(tmp_path / "run") == reference
    assert cleaning("verify", tmp_path / "run").returncode == 0


def test_killed_drivers(
    cleaning: Cleaning, data: Path, auto_config: Path, tmp_path: Path, reference: dict[str, bytes], state: Path
) -> None:
    """Killed while the models are fitted, and at other times."""
    root, rng, kills = tmp_path / "run", random.Random(4), 0
    run = command("run", auto_config, "--input", data, "--output", root, "--workers", 2)
    for attempt in range(6):
        process = subprocess.Popen(run, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ)
        folder = root / "phases" / "01-perplexity.fit"
        while attempt < 3 and process.poll() is None and len(list(folder.glob("*/manifest.json") if folder.is_dir() else ())) <= attempt:
            time.sleep(0.02)
        if attempt < 5:
            try:
                process.wait(rng.uniform(0, 0.3) if attempt < 3 else 1.5)
            except subprocess.TimeoutExpired:
                process.kill()
                kills += 1
        process.wait()
    assert kills >= 2
    assert process.returncode == 0
    assert published(root) == reference
    assert cleaning("verify", root).returncode == 0


def test_numbers_do_not_depend_on_the_shards(cleaning: Cleaning, data: Path, auto_config: Path, tmp_path: Path) -> None:
    """Copies of a text in several sources would make a difference: the first one gives its source to the percentiles."""
    for path in sorted(data.iterdir()):
        text = re.sub(r'"source": "s\d"', '"source": "s"', path.read_text(encoding="utf-8"))
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / path.name).write_text(text, encoding="utf-8")
    lines = [line for path in sorted((tmp_path / "in").iterdir()) for line in path.read_text(encoding="utf-8").splitlines()]
    random.Random(2).shuffle(lines)
    (tmp_path / "one.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for name, options in (("many", []), ("one", ["--set", "input.shard_bytes=64MiB"])):
        source = tmp_path / "in" if name == "many" else tmp_path / "one.jsonl"
        done = cleaning("run", auto_config, "--input", source, "--output", tmp_path / name, "--workers", 2, *options)
        assert done.returncode == 0, done.stderr
    many, one = notes(tmp_path / "many"), notes(tmp_path / "one")
    assert many == one
    with_number = [row for row in many.values() if "perplexity" in row]
    assert len(with_number) > 150
    assert all("perplexity_percentile" in row for row in with_number)
    assert sum("broken_score" in row for row in with_number) > 100  # a fold of fewer than 50 documents has no judge of broken text


def fit_times(root: Path) -> dict[str, int]:
    return {p.parent.name: p.stat().st_mtime_ns for p in (root / "phases").glob("*-perplexity.fit/*/manifest.json")}


def test_models_are_stale_when_texts_change_and_only_then(cleaning: Cleaning, auto_config: Path, tmp_path: Path) -> None:
    source, root = long_texts(make_corpus(tmp_path / "in", shards=3, docs=60)), tmp_path / "run"
    assert cleaning("run", auto_config, "--input", source, "--output", root, "--workers", 2).returncode == 0
    before, path = fit_times(root), source / "part-1.jsonl"
    assert len(before) == 4
    rows = path.read_text(encoding="utf-8").splitlines()
    for change, stale in ((lambda row: {**row, "n": -1}, False), (lambda row: {**row, "text": row["text"] + "又一句新的话。"}, True)):
        i = next(i for i, line in enumerate(rows) if line.endswith("}") and "。" in line)
        rows[i] = json.dumps(change(json.loads(rows[i])), ensure_ascii=False)
        path.write_text("\n".join(rows) + "\n", encoding="utf-8")
        assert cleaning("run", auto_config, "--input", source, "--output", root, "--workers", 2).returncode == 0
        after = fit_times(root)
        assert (after != before) == stale
    assert cleaning("run", auto_config, "--input", source, "--output", tmp_path / "clean", "--workers", 2).returncode == 0
    assert published(root) == published(tmp_path / "clean")


def test_a_reference_teaches_and_is_in_the_fingerprint(cleaning: Cleaning, data: Path, auto_config: Path, tmp_path: Path) -> None:
    long_texts(make_corpus(tmp_path / "good", shards=2, docs=80, seed=77))
    options = ["--input", data, "--output", tmp_path / "run", "--workers", 2]
    options += ["--set", f"perplexity.reference=[{tmp_path / 'good'}/*.jsonl]"]
    done = cleaning("run", auto_config, *options)
    assert done.returncode == 0, done.stderr
    found = stats_of(tmp_path / "run")
    assert found["auto_documents"]["zh"] > 0
    assert "perplexity" in str(notes(tmp_path / "run"))
    before = fit_times(tmp_path / "run")
    assert cleaning("run", auto_config, *options).returncode == 0
    assert fit_times(tmp_path / "run") == before
    with (tmp_path / "good" / "part-0.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({"text": "新的一篇参考文章，讲的是河边的集市。" * 5}, ensure_ascii=False) + "\n")
    assert cleaning("run", auto_config, *options).returncode == 0
    assert all(fit_times(tmp_path / "run")[name] != time for name, time in before.items())


def test_too_little_text_gives_no_number(cleaning: Cleaning, auto_config: Path, tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text("".join(json.dumps({"id": str(i), "text": f"第{i}篇短文，说的是今天。" * 9}) + "\n" for i in range(9)))
    done = cleaning("run", auto_config, "--input", source, "--output", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    assert notes(tmp_path / "run") == {str(i): {} for i in range(9)}
    found = stats_of(tmp_path / "run")
    assert found["auto_without_model"] == {"en": 2, "zh": 2}
    assert found["without_number"] == {"no_model": 9}


def test_no_document_is_judged_by_a_model_that_has_read_it(cleaning: Cleaning, data: Path, auto_config: Path, tmp_path: Path) -> None:
    """Each number is that of the other fold's model, also when a rule has taken lines out; and this model has not seen the text."""
    rules = tmp_path / "lines.yaml"
    rules.write_text("rules:\n  - {id: last, metric: line_from_end, when: '<= 1', action: drop_line, reason: the last one}\n")
    root, rows = tmp_path / "run", []
    found = [line for path in sorted(data.iterdir()) for line in path.read_text(encoding="utf-8").splitlines()]
    for i, line in enumerate(found):
        if line.endswith("}"):
            row = json.loads(line)
            rows.append({**row, "text": row["text"].replace("。", "。\n", 2) + f"\n末行{i}"})
    source = tmp_path / "in.jsonl"
    source.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    settings = ["--set", f"perplexity.rules=[{rules}]", "--set", "perplexity.auto_budget=1MiB"]
    done = cleaning("run", auto_config, "--stages", "perplexity", "--input", source, "--output", root, *settings)
    assert done.returncode == 0, done.stderr
    models = auto.open_folds(sorted((root / "phases").glob("*-perplexity.fit/0*")))
    checked, read, were = 0, 0, {row["id"]: row["text"] for row in rows}
    for path in sorted((root / "data").glob("*.zst")):
        with zstandard.open(path, "rt", encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                noted = row.get("cleaning", {}).get("perplexity")
                if noted is None:
                    continue
                assert row["text"] != were[row["id"]]
                own = auto.fold_of(auto.text_hash(were[row["id"]]))
                numbers = [perplexity(*(c.item() for c in models[str(fold)].scorer([row["text"]]).summed())) for fold in range(auto.FOLDS)]
                assert noted == pytest.approx(numbers[1 - own], rel=1e-5)
                read += numbers[own] < numbers[1 - own]
                checked += 1
    assert checked > 40
    assert read > 0.8 * checked  # what was sifted out has been read by neither
