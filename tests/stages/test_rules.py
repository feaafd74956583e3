"""Stage `rules` through batches, with the shipped rule files and the bundled samples; the judging itself is in tests/rules."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleaning.config import PROJECT_ROOT
from cleaning.doc import Doc
from cleaning.errors import RuleError
from cleaning.rules.judge import SCOPE_METRICS
from cleaning.stages.rule_filter import SNIPPET, RuleFilter, RuleSet, RulesParams, RuleStep
from cleaning.stats import SAMPLES_PER_KEY
from cleaning.text.metrics import METRICS, MetricSet
from tests.samples import CLEAN, make_doc, run_step, sample_docs
from tests.stages.laws import check_any_split
from tests.strategies import batches

FILES = tuple(sorted(path.name for path in (PROJECT_ROOT / "rules").glob("*.yaml")))

EXTRA = """\
rules:
  - {id: nav_line, metric: line_chars, when: "< 5", also: [{metric: line_terminated, when: "< 1"}], action: drop_line, reason: a menu}
  - {id: digit_line, metric: line_digit_ratio, when: "> 0.5", action: drop_line, scope: {script: [han, latin]}, reason: numbers}
  - {id: has_digits, metric: digit_ratio, when: "> 0", action: flag, reason: digits}
  - {id: short, metric: chars, when: "< 8", reason: short}
  - {id: repeated, metric: top_2gram_ratio, when: "> 0.3", also: [{metric: units, when: "> 3"}], reason: repeats}
"""
USER = """\
from cleaning.rules.user_rules import rule


@rule(id="the", metrics=["stop_en_ratio"], action="flag", reason="English")
def the(doc, metrics):
    return metrics["stop_en_ratio"] > 0.1
"""


def find(name: str) -> Path:
    return PROJECT_ROOT / "rules" / name


def shipped(**params: object) -> RuleStep:
    return RuleStep(RuleSet(RulesParams(files=FILES, **params), find))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> RuleStep:
    """A step with line rules, flags, user rules and every metric."""
    folder = tmp_path_factory.mktemp("rules")
    (folder / "extra.yaml").write_text(EXTRA, encoding="utf-8")
    (folder / "user.py").write_text(USER, encoding="utf-8")
    return RuleStep(RuleSet(RulesParams(files=("extra.yaml",), user=("user.py",), metrics=("all",)), lambda name: folder / name))


# -- laws ---------------------------------------------------------------------------------------------------------------------


@given(texts=batches, rng=st.randoms(use_true_random=False))
def test_neighbours_do_not_matter(busy: RuleStep, texts: list[str], rng: random.Random) -> None:
    check_any_split(busy, lambda: [make_doc(text, offset=i) for i, text in enumerate(texts)], rng)


@pytest.mark.parametrize("kind", ["shipped", "busy"])
def test_neighbours_do_not_matter_on_samples(busy: RuleStep, kind: str) -> None:
    step = shipped() if kind == "shipped" else busy
    check_any_split(step, lambda: [doc for name in CLEAN for doc in sample_docs(name)], random.Random(2))


def test_hits_first_and_only_add_up_on_samples() -> None:
    docs = [doc for name in CLEAN for doc in sample_docs(name)]
    step = shipped()
    batch = run_step(step, docs)
    dropped = [doc for doc in docs if doc.drop is not None]
    ids = [rule.id for rule in RuleSet(RulesParams(files=FILES), find).rules]
    assert 0 < len(dropped) < len(docs)
    for name in ids:
        hits, first, only = (batch.stats.get("rules", f"{kind}/{name}") for kind in ("hits", "first", "only"))
        assert hits == sum(doc.drop is not None and name in doc.drop.all for doc in docs)
        assert first == sum(doc.drop is not None and doc.drop.rule == name for doc in docs)
        assert only == sum(doc.drop is not None and doc.drop.all == (name,) for doc in docs)
        assert hits >= first >= only
    for doc in dropped:
        assert doc.drop is not None
        assert doc.drop.all[0] == doc.drop.rule
        assert list(doc.drop.all) == sorted(doc.drop.all, key=ids.index)


# -- what is stored -----------------------------------------------------------------------------------------------------------


def test_the_metric_matrix_holds_what_was_judged(busy: RuleStep) -> None:
    docs = [make_doc("首页\n今天天气很好，我们去公园。"), make_doc("The cat sat on the mat.")]
    batch = run_step(busy, docs)
    ((names, positions, matrix),) = batch.matrices
    assert set(names) == set(METRICS)
    assert positions == [0, 1]
    assert docs[0].text == "今天天气很好，我们去公园。"  # the line rule acted, and the matrix is of the text that is left
    assert np.array_equal(matrix, MetricSet(names).compute([doc.text for doc in docs]), equal_nan=True)


def test_metrics_can_be_stored_without_a_rule() -> None:
    step = RuleStep(RuleSet(RulesParams(metrics=("unit_entropy",)), find))
    doc = make_doc("今天天气很好")
    batch = run_step(step, [doc])
    assert doc.drop is None
    assert batch.matrices[0][0] == (*SCOPE_METRICS, "unit_entropy")
    assert sum(batch.stats.histograms["rules"]["unit_entropy"]) == 1


def test_samples_are_few_short_and_a_function_of_the_documents() -> None:
    def run(order: list[int]) -> dict[str, object]:
        docs = [make_doc("短" * 3 + "x" * (i % 5) + "\n" * 300, {"id": f"d{i}"}) for i in order]
        return run_step(shipped(), docs).stats.to_json()["samples"]["rules"]  # type: ignore[no-any-return]

    forward, backward = run(list(range(40))), run(list(range(40))[::-1])
    assert forward == backward
    samples = forward["zh_too_short"]
    assert isinstance(samples, list)
    assert len(samples) == SAMPLES_PER_KEY
    assert all(payload.keys() == {"id", "value", "text"} and len(payload["text"]) == SNIPPET for _, payload in samples)


def test_a_batch_and_its_drops_survive_json() -> None:
    docs = [make_doc(text) for text in ("短", "\ud800", "", "今天 " * 100)]
    batch = run_step(shipped(), docs)
    for doc in docs:
        if doc.drop is not None:
            assert json.loads(json.dumps(doc.drop.to_json(), allow_nan=False))["rule"] == doc.drop.rule
    json.dumps(batch.stats.to_json(), allow_nan=False)


def test_empty_batches() -> None:
    assert run_step(shipped(), []).matrices == []
    assert run_step(RuleStep(RuleSet(RulesParams(), find)), []).stats.to_json()["counters"] == {}


# -- the shipped presets on the bundled samples -------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "rule"), [("", "empty"), ("これは日本語のテキストです。" * 9, "other_script"), ("短。", "zh_too_short")])
def test_shipped_rules_drop(text: str, rule: str) -> None:
    doc = make_doc(text)
    run_step(shipped(), [doc])
    assert doc.drop is not None
    assert doc.drop.rule == rule


# -- the stage ----------------------------------------------------------------------------------------------------------------


def test_stage_names_its_files_and_keeps_paths_out_of_its_identity() -> None:
    here = RuleFilter(RulesParams(files=("a.yaml", "b.yaml"), user=("u.py",), off=("x",)), find)
    there = RuleFilter(RulesParams(files=("/else/a.yaml", "b2.yaml"), user=("v.py",), off=("x",)), find)
    other = RuleFilter(RulesParams(files=("a.yaml", "b.yaml"), user=("u.py",), thresholds={"y": "> 1"}, off=("x",)), find)
    assert here.files() == ["a.yaml", "b.yaml", "u.py"]
    assert here.identity() == there.identity() != other.identity()


def test_one_file_may_be_written_without_a_list() -> None:
    assert RulesParams(files="a.yaml", off="x") == RulesParams(files=("a.yaml",), off=("x",))  # type: ignore[arg-type]


def test_check_tells_faults_and_a_good_set_has_none() -> None:
    RuleFilter(RulesParams(files=FILES), find).check()
    with pytest.raises(RuleError, match="did you mean 'zh_too_short'"):
        RuleFilter(RulesParams(files=FILES, off=("zh_to_short",)), find).check()


def test_stage_makes_its_step() -> None:
    doc: Doc = make_doc("短。")
    run_step(RuleFilter(RulesParams(files=FILES), find).step(), [doc])
    assert doc.drop is not None
