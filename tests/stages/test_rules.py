"""Stage `rules` through batches, with the shipped rule files and the bundled samples; the judging itself is in tests/rules."""

from __future__ import annotations

import json
import random
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleaning.config import PROJECT_ROOT
from cleaning.doc import Doc
from cleaning.errors import RuleError
from cleaning.rules.blacklist import metrics_of
from cleaning.rules.genre import GENRE_METRICS
from cleaning.rules.judge import SCOPE_METRICS
from cleaning.rules.rule_set import RuleSet, RulesParams
from cleaning.rules.rule_step import SNIPPET, RuleStep
from cleaning.stages.rule_filter import RuleFilter
from cleaning.stats import SAMPLES_PER_KEY
from cleaning.text.metric_table import METRICS
from cleaning.text.metrics import MetricSet
from tests.samples import CLEAN, make_doc, run_step, sample_docs
from tests.stages.laws import check_any_split
from tests.strategies import batches

FILES = tuple(f"rules/{name}.yaml" for name in ("zh_web", "en_web", "other_scripts", "blacklists"))
LISTS = tuple(sorted(f"blacklists/{path.name}" for path in (PROJECT_ROOT / "blacklists").glob("*.txt")))

EXTRA = """\
rules:
  - {id: nav_line, metric: line_chars, when: "< 5", also: [{metric: line_terminated, when: "< 1"}], action: drop_line, reason: a menu}
  - {id: digit_line, metric: line_digit_ratio, when: "> 0.5", action: drop_line, scope: {script: [han, latin]}, reason: numbers}
  - {id: has_digits, metric: digit_ratio, when: "> 0", action: flag, reason: digits}
  - {id: short, metric: chars, when: "< 8", reason: short}
  - {id: ads, metric: blacklist_ads_hits, when: "> 1", scope: {not_genre: [code]}, reason: advertising}
  - {id: verse, metric: lines, when: "> 3", scope: {genre: verse}, action: flag, reason: verse}
  - {id: repeated, metric: top_2gram_ratio, when: "> 0.3", also: [{metric: units, when: "> 3"}], reason: repeats}
"""
USER = """\
from cleaning.rules.user_rules import rule


@rule(id="the", metrics=["stop_en_ratio"], action="flag", reason="English")
def the(doc, metrics):
    return metrics["stop_en_ratio"] > 0.1
"""


def find(name: str) -> Path:
    return PROJECT_ROOT / name


@cache
def shipped_rules() -> RuleSet:
    return RuleSet(RulesParams(files=FILES, blacklists=LISTS), find)


def shipped() -> RuleStep:
    return RuleStep(shipped_rules())


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> RuleStep:
    """A step with line rules, flags, user rules, lists and every metric."""
    folder = tmp_path_factory.mktemp("rules")
    (folder / "extra.yaml").write_text(EXTRA, encoding="utf-8")
    (folder / "user.py").write_text(USER, encoding="utf-8")
    (folder / "ads_zh.txt").write_text("汉字\n人工\n!人工智能\nthe\n", encoding="utf-8")
    params = RulesParams(files=("extra.yaml",), user=("user.py",), blacklists=("ads_zh.txt",), metrics=("all",))
    return RuleStep(RuleSet(params, lambda name: folder / name))


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
    ids = [rule.id for rule in shipped_rules().rules]
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
    ((_, names, positions, matrix),) = batch.matrices
    assert set(names) == {name for name, m in METRICS.items() if m.group != "jieba"} | set(metrics_of(["ads"]))
    assert positions == [0, 1]
    assert docs[0].text == "今天天气很好，我们去公园。"  # the line rule acted, and the matrix is of the text that is left
    again, _ = busy._set.measures.compute(docs)
    assert np.array_equal(matrix, again, equal_nan=True)
    of_text = [name for name in names if name in METRICS and METRICS[name].group != "notes"]
    columns = [names.index(name) for name in of_text]
    assert np.array_equal(matrix[:, columns], MetricSet(of_text).compute([doc.text for doc in docs]), equal_nan=True)


def test_what_the_stage_before_noted_is_a_metric(busy: RuleStep) -> None:
    docs = [make_doc("今天天气很好，我们去公园。") for _ in range(4)]
    docs[0].notes["boilerplate"], docs[1].notes["boilerplate"] = {"share": 0.25}, "?"
    ((_, names, _, matrix),) = run_step(busy, docs).matrices
    assert matrix[:, names.index("boilerplate_char_ratio")].tolist() == [0.25, 0, 0, 0]


def test_lists_are_counted_on_the_text_that_is_left(busy: RuleStep) -> None:
    docs = [make_doc("汉字\n这里没有那个词，只有一句平常的话。"), make_doc("汉字，汉字，人工智能和人工，都在这一句里。", {"id": "x"})]
    stats = run_step(busy, docs).stats
    counted = {name: n for name, n in stats.counters["rules"].items() if name.startswith("entry_")}
    assert counted == {
        "entry_hits/ads_zh.txt\t汉字": 2,
        "entry_documents/ads_zh.txt\t汉字": 1,
        "entry_hits/ads_zh.txt\t人工": 1,
        "entry_documents/ads_zh.txt\t人工": 1,
    }
    assert stats.samples["rules"]["entry/ads_zh.txt\t人工"][0][1] == {"id": "x", "text": "汉字，汉字，人工智能和〔人工〕，都在这一句里。"}
    assert [doc.drop.rule if doc.drop else None for doc in docs] == [None, "ads"]


def test_metrics_can_be_stored_without_a_rule() -> None:
    step = RuleStep(RuleSet(RulesParams(metrics=("unit_entropy",)), find))
    doc = make_doc("今天天气很好")
    batch = run_step(step, [doc])
    assert doc.drop is None
    assert batch.matrices[0][1] == (*SCOPE_METRICS, "unit_entropy")
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


DROPPED = [
    ("", "empty"),
    ("これは日本語のテキストです。" * 9, "other_script"),
    ("产品介绍与使用说明", "zh_too_short"),
    ("澳门赌场，线上赌场，真人百家乐，注册送彩金，时时彩计划，北京赛车投注平台。" * 6, "blacklist_gambling"),
]


@pytest.mark.parametrize(("text", "rule"), DROPPED)
def test_shipped_rules_drop(text: str, rule: str) -> None:
    doc = make_doc(text)
    run_step(shipped(), [doc])
    assert doc.drop is not None
    assert rule in doc.drop.all


# -- the stage ----------------------------------------------------------------------------------------------------------------


def test_stage_names_its_files_and_keeps_paths_out_of_its_identity() -> None:
    here = RuleFilter(RulesParams(files=("a.yaml", "b.yaml"), user=("u.py",), blacklists=("l.txt",), off=("x",)), find)
    there = RuleFilter(RulesParams(files=("/else/a.yaml", "b2.yaml"), user=("v.py",), blacklists=("d/l.txt",), off=("x",), canary=0), find)
    other = RuleFilter(RulesParams(files=("a.yaml", "b.yaml"), user=("u.py",), thresholds={"y": "> 1"}, off=("x",)), find)
    assert here.files() == ["a.yaml", "b.yaml", "u.py", "l.txt"]
    assert here.identity() == there.identity() != other.identity()


def test_one_file_may_be_written_without_a_list() -> None:
    assert RulesParams(files="a.yaml", off="x") == RulesParams(files=("a.yaml",), off=("x",))  # type: ignore[arg-type]


def test_check_tells_faults_and_a_good_set_has_none() -> None:
    RuleFilter(RulesParams(files=FILES, blacklists=LISTS), find).check()
    with pytest.raises(RuleError, match="did you mean 'zh_too_short'"):
        RuleFilter(RulesParams(files=FILES, blacklists=LISTS, off=("zh_to_short",)), find).check()


def test_faults_of_rules_and_lists_are_told_together(tmp_path: Path) -> None:
    (tmp_path / "bad.txt").write_text("赌\n", encoding="utf-8")
    (tmp_path / "bad.yaml").write_text(EXTRA.replace("units", "unitz"), encoding="utf-8")
    with pytest.raises(RuleError) as caught:
        RuleSet(RulesParams(files=("bad.yaml",), blacklists=("bad.txt",)), lambda name: tmp_path / name)
    assert [fault.split(": ")[0] for fault in caught.value.faults] == ["bad.txt:1", "bad.yaml:6", "bad.yaml:8"]
    assert "did you mean 'blacklist_bad_hits'" in caught.value.faults[1]


def test_only_what_is_asked_for_is_measured() -> None:
    assert RuleSet(RulesParams(), find).measures.names == SCOPE_METRICS
    assert not RuleSet(RulesParams(), find).uses_genre
    assert shipped_rules().uses_genre
    assert set(GENRE_METRICS) <= set(shipped_rules().measures.names)


def test_stage_makes_its_step() -> None:
    doc: Doc = make_doc("短。")
    stage = RuleFilter(RulesParams(files=FILES, blacklists=LISTS), find)
    stage.warm_up()
    run_step(stage.step(), [doc])
    assert doc.drop is not None
