"""The stage `perplexity` and `models calibrate`, by the real command with a real model."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zstandard

from cleaning.doc import Doc
from cleaning.models.card import read_card, write_card
from cleaning.models.lm.breaking import damaged
from cleaning.models.lm.calibration import Calibration, Sample, calibrate
from cleaning.models.lm.noting import Calibrated, PerplexityNotes, Reading, language_of
from cleaning.models.lm.scoring import ModelFile, perplexity
from cleaning.stages.perplexity import Perplexity, PerplexityParams

from ..models.lm_samples import made_up, texts, write_model
from .laws import check_any_split

ROOT = Path(__file__).resolve().parents[2]
AD = "加微信领取最新优惠券限时抢购全场包邮点击链接立即下载注册送豪礼"
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """zh.arpa, calibrated; en.arpa, not."""
    folder = tmp_path_factory.mktemp("models")
    write_model(folder / "zh.arpa", made_up(150, seed=1) + texts("zh_good")[:60], order=4)
    write_model(folder / "en.arpa", texts("en_good"), "word", 3)
    file = ModelFile.beside(folder / "zh.arpa")
    made = calibrate(file.open(), [Sample(text, ("source:in", "lang:zh")) for text in made_up(150, seed=2)])
    assert file.card is not None
    write_card(folder / "zh.arpa", made.on(file.card))
    return folder


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("CLEANING_STATE", str(tmp_path / "state"))

    def call(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "cleaning", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=os.environ, check=False, timeout=120)

    return call


def write_input(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def rows_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for file in sorted(folder.glob("*.zst")) for line in zstandard.open(file, "rt", encoding="utf-8")]


def some_rows() -> list[dict[str, Any]]:
    whole = made_up(12, seed=5)
    rows = [{"id": f"good{i}", "text": text} for i, text in enumerate(whole)]
    rows += [{"id": f"bad{i}", "text": damaged(text, "order", i)} for i, text in enumerate(whole)]
    return [*rows, {"id": "short", "text": "很短。"}, {"id": "empty", "text": "！"}]


def test_the_command_of_the_issue(run: Run, models: Path, tmp_path: Path) -> None:
    write_input(tmp_path / "in.jsonl", some_rows())
    done = run(
        "run", "configs/zh_web.yaml", "--stages", "perplexity", "--set", f"perplexity.model={models / 'zh.arpa'}",
        "--input", tmp_path / "in.jsonl", "--output", tmp_path / "out",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    kept = {row["id"]: row for row in rows_of(tmp_path / "out" / "data")}
    assert len(kept) == 26, "without a rule file it keeps everything"
    scorer = ModelFile.beside(models / "zh.arpa").open()
    for name, row in kept.items():
        log10, tokens = scorer([row["text"]]).summed()
        if name in ("short", "empty"):
            assert "cleaning" not in row
            continue
        notes = row["cleaning"]
        assert notes["perplexity"] == pytest.approx(perplexity(log10[0], tokens[0]), rel=1e-6)
        assert 0 <= notes["perplexity_percentile"] <= 100
        assert notes["perplexity_bucket"] in ("head", "middle", "tail")
        assert (notes["broken_score"] > 0.5) == name.startswith("bad")
    assert all(kept[f"bad{i}"]["cleaning"]["perplexity_bucket"] == "tail" for i in range(12))
    stats = json.loads((tmp_path / "out" / "stats" / "01-perplexity.json").read_text())
    assert stats["counters"]["without_number"] == {"too_short": 2} if "counters" in stats else stats["without_number"] == {"too_short": 2}
    assert run("verify", tmp_path / "out").returncode == 0


RULES = """\
rules:
  - {id: broken, metric: broken_score, when: "> 0.5", reason: broken}
  - id: strange_line
    metric: line_perplexity_ratio
    when: "> 3"
    also: [{metric: line_units, when: ">= 12"}]
    action: drop_line
    reason: a line unlike the rest of the document
"""


def test_rules_judge_documents_and_lines(run: Run, models: Path, tmp_path: Path) -> None:
    (tmp_path / "judge.yaml").write_text(RULES)
    rows = some_rows()
    lines = rows[0]["text"].split("\n")
    rows[0]["text"] = "\n".join([*lines[:3], AD, *lines[3:]])
    write_input(tmp_path / "in.jsonl", rows)
    common = ("run", "configs/zh_web.yaml", "--stages", "perplexity", "--set", f"perplexity.model={models / 'zh.arpa'}",
              "--set", f"perplexity.rules={tmp_path / 'judge.yaml'}", "--input", tmp_path / "in.jsonl")  # fmt: skip
    done = run(*common, "--output", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    kept = {row["id"]: row for row in rows_of(tmp_path / "out" / "data")}
    assert set(kept) == {*(f"good{i}" for i in range(12)), "short", "empty"}
    assert kept["good0"]["text"] == "\n".join(lines), "the advertisement goes, and nothing else"
    assert kept["good0"]["cleaning"]["lines_dropped"] == 1
    log10, tokens = ModelFile.beside(models / "zh.arpa").open()(["\n".join(lines)]).summed()
    assert kept["good0"]["cleaning"]["perplexity"] == pytest.approx(perplexity(log10[0], tokens[0]), rel=1e-6), "of the text that is left"
    cut = ("--workers", 2, "--set", "engine.batch_bytes=1KiB", "--set", "input.shard_bytes=2KiB")
    again = run(*common, "--output", tmp_path / "again", *cut)
    assert again.returncode == 0, again.stderr
    assert {row["id"]: row for row in rows_of(tmp_path / "again" / "data")} == kept


def test_a_model_for_each_language(run: Run, models: Path, tmp_path: Path) -> None:
    english = texts("en_good")[0]
    rows = [
        {"id": "zh", "text": made_up(1)[0]}, {"id": "en", "text": english},
        {"id": "ru", "text": "Съешь же ещё этих мягких французских булок. " * 9},
        {"id": "told", "text": english, "cleaning": {"lang": "de", "perplexity": 3.5}},
    ]  # fmt: skip
    write_input(tmp_path / "in.jsonl", rows)
    chosen = f"{{zh: {models / 'zh.arpa'}, en: {models / 'en.arpa'}}}"
    done = run("run", "configs/zh_web.yaml", "--stages", "perplexity", "--set", f"perplexity.models={chosen}",
               "--input", tmp_path / "in.jsonl", "--output", tmp_path / "out")  # fmt: skip
    assert done.returncode == 0, done.stderr
    kept = {row["id"]: row.get("cleaning", {}) for row in rows_of(tmp_path / "out" / "data")}
    assert "perplexity_percentile" in kept["zh"]
    assert set(kept["en"]) == {"perplexity"}, "a model that is not calibrated gives the number alone"
    assert kept["ru"] == {}
    assert kept["told"] == {"lang": "de"}, "a number of an earlier run does not stay"
    text = (tmp_path / "out" / "stats" / "01-perplexity.json").read_text()
    assert '"no_model": 2' in text


@pytest.mark.parametrize(("model", "content", "message"), [
    ("nowhere.arpa", None, "no file 'nowhere.arpa'.*; make it with: python -m cleaning models train-lm .*--output nowhere.arpa"),
    ("bad.arpa", b"PK\x03\x04", "bad.arpa: neither an ARPA file nor a binary of KenLM; make it with: python -m cleaning models train-lm"),
    ("bare.arpa", b"\\data\\\nngram 1=1\n", "no card that says what its tokens are; say it by perplexity.unit"),
    ('""', None, "no model is named; make it with: python -m cleaning models train-lm"),
])  # fmt: skip
def test_a_bad_model_stops_the_run_before_it_starts(run: Run, tmp_path: Path, model: str, content: bytes | None, message: str) -> None:
    import re

    path = model
    if content is not None:
        (tmp_path / model).write_bytes(content)
        path = str(tmp_path / model)
    write_input(tmp_path / "in.jsonl", some_rows()[:1])
    done = run("run", "configs/zh_web.yaml", "--stages", "perplexity", "--set", f"perplexity.model={path}",
               "--input", tmp_path / "in.jsonl", "--output", tmp_path / "out")  # fmt: skip
    assert done.returncode == 2
    assert re.search(message, done.stderr), done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_calibrate_writes_the_card_and_redoes_what_it_decides(run: Run, models: Path, tmp_path: Path) -> None:
    for name in ("zh.arpa", "zh.arpa.card.json"):
        shutil.copy(models / name, tmp_path / name)
    write_input(tmp_path / "mine.jsonl", [{"text": text, "source": "s0"} for text in made_up(105, seed=8)])
    done = run("models", "calibrate", "--model", tmp_path / "zh.arpa", "--input", tmp_path / "mine.jsonl")
    assert done.returncode == 0, done.stderr
    assert "broken_score fitted on 105 documents" in done.stdout
    card = read_card(tmp_path / "zh.arpa")
    assert card is not None
    assert set(card.percentiles) == {"all", "lang:zh", "source:s0"}
    assert card.memory_mb > 0
    assert card.figures["calibrated_on"]["documents"] == 105
    write_input(tmp_path / "in.jsonl", some_rows())
    command = ("run", "configs/zh_web.yaml", "--stages", "perplexity", "--set", f"perplexity.model={tmp_path / 'zh.arpa'}",
               "--input", tmp_path / "in.jsonl", "--output", tmp_path / "out")  # fmt: skip
    assert run(*command).returncode == 0
    assert "1 done" in run("plan", *command[1:]).stdout
    write_card(tmp_path / "zh.arpa", card.model_copy(update={"percentiles": {"all": card.percentiles["all"]}}))
    assert "zh.arpa.card.json changed" in run("plan", *command[1:]).stdout


@pytest.mark.parametrize(("arguments", "message"), [
    (("--model", "none.arpa", "--input", "x"), "no such file; make it with: python -m cleaning models train-lm"),
    (("--input", "x"), "--model"),
])  # fmt: skip
def test_calibrate_says_what_is_missing(run: Run, arguments: tuple[str, ...], message: str) -> None:
    done = run("models", "calibrate", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_the_law_of_steps(models: Path) -> None:
    params = PerplexityParams(model=str(models / "zh.arpa"), windows=150, rules=())
    step = Perplexity(params, Path).step()

    def docs() -> list[Doc]:
        rows = [*some_rows(), {"id": "en", "text": texts("en_good")[0]}]
        return [Doc(row, row["text"], b"", "in.jsonl", i) for i, row in enumerate(rows)]

    check_any_split(step, docs, random.Random(2))


def test_line_numbers_by_hand(models: Path) -> None:
    scorer = ModelFile.beside(models / "zh.arpa").open()
    notes = PerplexityNotes({"m": Calibrated(scorer)}, lambda doc: "m" if doc.text else None)
    lines = ["村里的农民每天都在种植水稻，学生也来阅读书报。", "", AD, "短"]
    docs = [Doc({}, "\n".join(lines), b"", "a", 0), Doc({}, "", b"", "a", 1), Doc({}, lines[0], b"", "a", 2)]
    got = notes.lines(docs, [doc.text.split("\n") for doc in docs])
    assert got.shape == (6, 4)
    log10, tokens = (column.tolist() for column in scorer(lines).summed())
    assert got[0, 0] == pytest.approx(perplexity(log10[0], tokens[0]), rel=1e-5)
    rest = (sum(log10) - log10[2]) / (sum(tokens) - tokens[2])
    assert got[2, 1] == pytest.approx(10 ** (rest - (log10[2] + 16 * rest) / (tokens[2] + 16)), rel=1e-5)
    assert got[2, 1] > 2 > got[0, 1]
    assert np.isnan(got[1, :2]).all()
    assert np.isnan(got[3, 0])
    assert not np.isnan(got[3, 1])
    assert got[[0, 1, 2, 3, 5], 2].tolist() == [len(lines[0]), 0, len(AD), 1, len(lines[0])]
    assert got[:4, 3].tolist() == [4, 3, 2, 1]
    assert np.isnan(got[4, :3]).all()
    assert np.isnan(got[5, 1]), "a text of one line has no rest"


def test_buckets_and_groups(models: Path) -> None:
    scorer = ModelFile.beside(models / "zh.arpa").open()
    low, high = {"all": [1.0 + p / 1e3 for p in range(101)]}, {"source:news": [1e6 + p for p in range(101)]}
    model = Calibrated(scorer, Calibration({**low, **high}))
    docs = [Doc({"source": "news"}, made_up(1)[0], b"", "a", 0), Doc({"source": "other"}, made_up(1)[0], b"", "a", 0)]
    PerplexityNotes({"m": model}, lambda _: "m")(docs)
    assert [doc.notes["perplexity_bucket"] for doc in docs] == ["head", "tail"]
    PerplexityNotes({"m": model}, lambda _: "m", Reading(by=("lang",)))(docs)
    assert [doc.notes["perplexity_bucket"] for doc in docs] == ["tail", "tail"]
    PerplexityNotes({"m": model}, lambda _: "m", Reading(by=(), buckets=(100.5, 101)))(docs)
    assert [doc.notes["perplexity_bucket"] for doc in docs] == ["head", "head"]


@pytest.mark.parametrize(("text", "lang"), [
    ("今天天气很好", "zh"), ("日本語の文章です。漢字とかな", "ja"), ("A sentence of English", "en"), ("한국어 문장", "ko"),
    ("Русский", ""), ("123", ""),
    ("使用 Python 编写程序", "zh"), ("The word 你好 means hello in Chinese", "en"),
])  # fmt: skip
def test_languages_by_script(text: str, lang: str) -> None:
    assert language_of(Doc({}, text, b"", "a", 0)) == lang
    assert language_of(Doc({"cleaning": {"lang": "zh-Hant"}}, text, b"", "a", 0)) == "zh"
