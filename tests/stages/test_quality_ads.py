"""Stages `quality` and `ads`: what they note, that batches do not matter, GPT-3's draw, rules that spare, what stops a run."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import zstandard

from cleaning.config import PROJECT_ROOT
from cleaning.doc import Doc
from cleaning.models.classifier.classifier import Classifier
from cleaning.models.classifier.examples import Sources
from cleaning.models.classifier.train import Settings, train_classifier
from cleaning.stages.ads import Ads
from cleaning.stages.quality import Quality, pareto_draw

from ..models.classifier_toys import texts, write
from .laws import check_any_split


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("model")
    sources = Sources((str(write(root / "good.jsonl", texts(100, True))),), (str(write(root / "bad.jsonl", texts(100, False))),))
    train_classifier(sources, root / "q.bin", Settings(epochs=5, dim=8), "", lambda _: None)
    return root / "q.bin"


def docs() -> list[Doc]:
    rows = [*texts(20, True, 3), *texts(20, False, 3), "", "\n", "x"]
    return [Doc({"id": f"d{k}"}, text, b"", "f", k) for k, text in enumerate(rows)]


@pytest.mark.parametrize("stage", [Quality, Ads])
def test_batches_do_not_matter(model: Path, stage: type[Quality] | type[Ads]) -> None:
    made = stage(stage.Params(model=str(model)), Path)
    check_any_split(made.step(), docs, random.Random(1))


def test_notes(model: Path) -> None:
    made, rows = Quality(Quality.Params(model=str(model)), Path), docs()
    made.scorer()(rows)
    expected = Classifier.load(model)([doc.text for doc in rows])
    for doc, score in zip(rows, expected, strict=True):
        if np.isnan(score):
            assert "quality_score" not in doc.notes
            assert "quality_pareto" not in doc.notes
        else:
            assert doc.notes["quality_score"] == round(float(score), 4)
            kept = pareto_draw(doc.id, 9.0) > 1 - score
            assert (doc.notes["quality_pareto"] > 0) == kept or abs(doc.notes["quality_pareto"]) < 1e-4
    assert sum("quality_score" in doc.notes for doc in rows) == 41
    rows[0].text = ""
    made.scorer()(rows)  # after a text has changed nothing stale stays
    assert "quality_score" not in rows[0].notes


def test_the_draw_is_numpys_pareto() -> None:
    draws = np.sort([pareto_draw(f"document-{k}", 9.0) for k in range(50_000)])
    share = np.arange(1, draws.size + 1) / draws.size
    distance = np.abs(share - (1 - (1 + draws) ** -9.0)).max()  # Kolmogorov–Smirnov against the distribution itself
    assert distance < 1.63 / np.sqrt(draws.size)  # 1 %
    sampled = np.sort(np.random.default_rng(0).pareto(9.0, 50_000))
    assert np.abs(np.quantile(draws, (0.1, 0.5, 0.9)) - np.quantile(sampled, (0.1, 0.5, 0.9))).max() < 0.01


def test_the_draw_belongs_to_the_id() -> None:
    assert pareto_draw("a", 9.0) == pareto_draw("a", 9.0)
    assert len({pareto_draw("a", 9.0), pareto_draw("b", 9.0), pareto_draw("a", 9.0, seed=1), pareto_draw("a", 3.0)}) == 4
    # a document of score s is kept with probability (2 - s)^-9
    for score in (0.2, 0.9):
        kept = np.mean([pareto_draw(f"x{k}", 9.0) > 1 - score for k in range(20_000)])
        assert kept == pytest.approx((2 - score) ** -9.0, abs=0.01)


def cleaning(*arguments: object, where: Path) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "CLEANING_STATE": str(where / "state")}
    command = [sys.executable, "-m", "cleaning", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=PROJECT_ROOT, env=env, timeout=120)


@pytest.fixture
def project(model: Path, tmp_path: Path) -> Path:
    write(tmp_path / "in.jsonl", [*texts(40, True, 5), *texts(40, False, 5)])
    head = "stages: [quality, ads, rules]\ninput: {paths: [in.jsonl]}\nengine: {executor: inline}\n"
    (tmp_path / "c.yaml").write_text(f"{head}quality: {{model: {model}}}\nads: {{model: {model}}}\n")
    (tmp_path / "r.yaml").write_text('rules: [{id: short, metric: chars, when: "< 1000", reason: short}]')
    (tmp_path / "s.yaml").write_text('rules: [{id: long, metric: chars, when: "> 120", reason: long}]')
    return tmp_path


def rows_of(root: Path, part: str) -> list[dict[str, object]]:
    return [json.loads(line) for file in sorted(root.glob(f"{part}/**/*.zst")) for line in zstandard.open(file, "rt", encoding="utf-8")]


def test_a_run_without_rules_keeps_everything(project: Path) -> None:
    done = cleaning("run", project / "c.yaml", "--output", project / "out", where=project)
    assert done.returncode == 0, done.stderr
    rows = rows_of(project / "out", "data")
    assert len(rows) == 80
    assert all({"quality_score", "quality_pareto", "ads_score"} <= set(row["cleaning"]) for row in rows)  # type: ignore[call-overload]


def test_rules_spare_what_is_good(project: Path) -> None:
    """Hard heuristics on the low bucket only; a file of `always` spares nobody."""
    options = ["--set", "rules.files=[r.yaml, s.yaml]", "--set", 'rules.unless={quality_score: ">= 0.5"}', "--set", "rules.always=[s.yaml]"]
    done = cleaning("run", project / "c.yaml", "--output", project / "out", *options, where=project)
    assert done.returncode == 0, done.stderr
    kept, gone = rows_of(project / "out", "data"), rows_of(project / "out", "rejected")
    assert len(kept) + len(gone) == 80
    assert kept
    assert all(row["cleaning"]["quality_score"] >= 0.5 for row in kept)  # type: ignore[index, arg-type]
    reasons = [(row["cleaning"]["reject"], row["cleaning"]["quality_score"]) for row in gone]  # type: ignore[index]
    assert {reject["rule"] for reject, _ in reasons} == {"short", "long"}
    assert all(score < 0.5 for reject, score in reasons if reject["rule"] == "short")
    assert any(score >= 0.5 for reject, score in reasons if reject["rule"] == "long")
    assert all(reject["also"] == {"quality_score": pytest.approx(score)} for reject, score in reasons if reject["rule"] == "short")


def test_a_document_without_a_score_is_judged(project: Path) -> None:
    options = ["--stages", "rules", "--set", "rules.files=r.yaml", "--set", 'rules.unless={quality_score: ">= 0.5"}']
    done = cleaning("run", project / "c.yaml", "--output", project / "out", *options, where=project)
    assert done.returncode == 0, done.stderr
    assert rows_of(project / "out", "data") == []


@pytest.mark.parametrize(("options", "message"), [
    (["quality.model=models/none.bin"], "train-classifier --positive A --negative B --output models/none.bin"),
    (['quality.model=""'], "quality.model: no model is named; make one with: python -m cleaning models train-classifier"),
    (["quality.model=cut.bin"], "cut.bin is cut off"), (["ads.model=in.jsonl"], "in.jsonl is no fastText model"),
    (["ads.unit=words"], "leave `unit` and `label` out"),
    (['rules.unless={quality: "> 1"}'], "rules.unless: unknown metric 'quality'"),
    (['rules.unless={chars: "x"}'], "rules.unless.chars: not a condition"),
    (["rules.always=[r.yaml]"], "rules.always: 'r.yaml' is not among rules.files"),
])  # fmt: skip
def test_what_stops_a_run(project: Path, model: Path, options: list[str], message: str) -> None:
    (project / "cut.bin").write_bytes(model.read_bytes()[:5000])
    changes = [part for option in options for part in ("--set", option)]
    done = cleaning("run", project / "c.yaml", "--output", project / "out", *changes, where=project)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (project / "out").exists()


def test_rule_files_for_scores_are_valid() -> None:
    from cleaning.rules.schema import load_rules

    names = ("quality", "quality_gpt3", "quality_wikiref", "ads")
    rules = load_rules([(PROJECT_ROOT / "rules" / f"{name}.yaml", name) for name in names])
    assert {metric for rule in rules for metric, _ in rule.clauses} == {"quality_score", "quality_pareto", "ads_score"}
