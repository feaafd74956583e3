"""Judging: conditions, scopes, who gives the reason, and what is counted; data rules and user rules alike."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleaning.doc import Batch, Doc, Drop
from cleaning.errors import RuleError
from cleaning.rules.genre import GENRE_METRICS
from cleaning.rules.judge import SCOPE_METRICS, Judge, Kinds, holds, in_scope, scripts
from cleaning.rules.rule_set import RuleSet, RulesParams
from cleaning.rules.rule_step import RuleStep
from cleaning.rules.schema import Rule, Scope, parse_condition
from cleaning.rules.user_rules import load_user_rules
from cleaning.text.metrics import MetricSet
from tests.samples import make_doc, run_step
from tests.strategies import any_texts

# -- conditions ---------------------------------------------------------------------------------------------------------------

VALUES = np.array([-1, 0, 0.25, 0.5, 3, 10, 11, math.nan], np.float32)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("< 0.25", [-1, 0]),
        ("<= 0.25", [-1, 0, 0.25]),
        ("> 3", [10, 11]),
        (">= 3", [3, 10, 11]),
        ("outside [0.25, 10]", [-1, 0, 11]),
        ("> -1", [0, 0.25, 0.5, 3, 10, 11]),
        ("outside [-1, 11]", []),
    ],
)
def test_holds(condition: str, expected: list[float]) -> None:
    assert VALUES[holds(parse_condition(condition), VALUES)].tolist() == expected


@pytest.mark.parametrize("condition", ["< 1", "<= 1", "> 1", ">= 1", "outside [1, 1]", "> -1e30", "< 1e30"])
def test_nan_never_acts(condition: str) -> None:
    assert not holds(parse_condition(condition), np.array([math.nan], np.float32)).any()


@given(st.integers(0, 1000), st.integers(1, 1000))
def test_a_value_at_the_threshold_is_not_above_it(part: int, whole: int) -> None:
    """Thresholds are compared as the float32 that metrics are: 0.1 as written is the 0.1 as measured."""
    value = np.array([part / whole], np.float32)
    written = repr(part / whole)
    if "e" not in written:
        assert not holds(parse_condition(f"> {written}"), value)[0]
        assert holds(parse_condition(f">= {written}"), value)[0]


# -- scopes -------------------------------------------------------------------------------------------------------------------

SCRIPTS = [
    ("今天天气很好，我们去公园。", "han"),
    ("我在用 GPT 写 Python 代码", "han"),  # 7 Han to 2 words
    ("The word 中 is Chinese for the middle of things", "mixed"),
    ("We went to the park because the weather was fine.", "latin"),
    ("Le café était très bon", "latin"),
    ("これは日本語のテキストです。", "kana"),
    ("東京は日本の首都であり、世界最大の都市圏を形成している。", "kana"),
    ("오늘은 날씨가 아주 좋습니다.", "hangul"),
    ("Сегодня очень хорошая погода.", "other"),
    ("الطقس جميل اليوم", "other"),
    ("12345 67 。，", "other"),
    ("", "other"),
]


def measured(texts: list[str]) -> tuple[npt.NDArray[np.float32], dict[str, int]]:
    metrics = MetricSet([*SCOPE_METRICS, *GENRE_METRICS])
    return metrics.compute(texts), metrics.column


@pytest.mark.parametrize(("text", "script"), SCRIPTS)
def test_script_of_a_document(text: str, script: str) -> None:
    assert scripts(*measured([text])).tolist() == [script]


def test_a_document_mostly_in_another_script_is_other() -> None:
    assert scripts(*measured(["中国文学 Достоевский Преступление"])).tolist() == ["other"]


@given(any_texts)
def test_every_document_has_one_script(text: str) -> None:
    scopes = [Scope.model_validate({"script": script}) for script in ("han", "mixed", "latin", "kana", "hangul", "other")]
    assert sum(covers(scope, [make_doc(text)]) == [True] for scope in scopes) == 1


def covers(scope: Scope, docs: list[Doc]) -> list[bool]:
    answer: list[bool] = in_scope(scope, docs, Kinds(*measured([doc.text for doc in docs]))).tolist()
    return answer


def sourced() -> list[Doc]:
    docs = [make_doc("今天", {"source": "web_news"}), make_doc("words", {"source": "poems"}), make_doc("今天", origin="sub/web_b.jsonl.gz")]
    docs[0].notes["lang"], docs[1].notes["lang"] = "zh", "en"
    return docs


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (Scope(), [True, True, True]),
        (Scope(script=("han",)), [True, False, True]),
        (Scope(script=("latin", "han")), [True, True, True]),
        (Scope(source=("web*",)), [True, False, True]),  # without a field, the file's name up to its first dot
        (Scope(source=("web_b",)), [False, False, True]),
        (Scope(source=("poems", "web_news")), [True, True, False]),
        (Scope(source=("POEMS",)), [False, False, False]),  # names are compared as they are written
        (Scope(not_source=("*oem*",)), [True, False, True]),
        (Scope(source=("web*",), not_source=("*_b",)), [True, False, False]),
        (Scope(lang=("zh",)), [True, False, False]),
        (Scope(lang=("zh", "en")), [True, True, False]),
        (Scope(lang=("zh",), script=("latin",)), [False, False, False]),
        (Scope(genre=("prose",)), [True, True, True]),
        (Scope(genre=("verse", "code")), [False, False, False]),
        (Scope(not_genre=("prose",), script=("han",)), [False, False, False]),
    ],
)
def test_scope_covers(scope: Scope, expected: list[bool]) -> None:
    assert covers(scope, sourced()) == expected


def test_kinds_of_all_scopes_are_found_once() -> None:
    matrix, column = measured([doc.text for doc in sourced()])
    kinds = Kinds(matrix, column)
    assert kinds.script.tolist() == ["han", "latin", "han"]
    assert kinds.any_of("script", ("han", "latin")).all()
    assert kinds.any_of("script", ("latin",)).tolist() == [False, True, False]
    assert kinds.any_of("genre", ("prose",)).all()
    assert not kinds.any_of("genre", ()).any()


# -- the judge ----------------------------------------------------------------------------------------------------------------


def make_rule(name: str, *clauses: tuple[str, str], action: str = "drop", scope: Scope | None = None) -> Rule:
    made = tuple((metric, parse_condition(when)) for metric, when in clauses)
    return Rule(name, made, scope or Scope(), action, "why", "", "here")


def test_the_first_rule_that_drops_gives_the_reason() -> None:
    rules = [make_rule("flagged", ("x", "> 0"), action="flag"), make_rule("big", ("x", "> 5")), make_rule("any", ("x", "> 0"))]
    matrix = np.array([[0], [1], [9], [math.nan]], np.float32)
    verdicts = Judge(rules, {"x": 0})([make_doc("") for _ in matrix], matrix)
    assert verdicts.first.tolist() == [-1, 2, 1, -1]
    assert verdicts.fired.tolist() == [[False, True, True, False], [False, False, True, False], [False, True, True, False]]
    reordered = Judge(rules[::-1], {"x": 0})([make_doc("") for _ in matrix], matrix)
    assert reordered.first.tolist() == [-1, 0, 0, -1]


def test_also_must_hold_as_well() -> None:
    rule = make_rule("both", ("x", "> 1"), ("y", "< 1"))
    matrix = np.array([[2, 0], [2, 2], [0, 0], [2, math.nan]], np.float32)
    verdicts = Judge([rule], {"x": 0, "y": 1})([make_doc("") for _ in matrix], matrix)
    assert verdicts.fired.tolist() == [[True, False, False, False]]


def test_no_rules_let_everything_stay() -> None:
    verdicts = Judge([], {})([make_doc("a"), make_doc("b")], np.zeros((2, 0), np.float32))
    assert verdicts.first.tolist() == [-1, -1]


# -- through the step ---------------------------------------------------------------------------------------------------------

Build = Callable[..., RuleStep]


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """A step of a YAML text and, perhaps, of a Python text with user rules."""

    def make(yaml: str, python: str | None = None, **params: object) -> RuleStep:
        (tmp_path / "r.yaml").write_text(yaml, encoding="utf-8")
        (tmp_path / "u.py").write_text(python or "", encoding="utf-8")
        user = ("u.py",) if python is not None else ()
        return RuleStep(RuleSet(RulesParams(files=("r.yaml",), user=user, **params), lambda name: tmp_path / name))  # type: ignore[arg-type]

    return make


BOOKS = """\
rules:
  - {id: short, metric: chars, when: "< 5", reason: fewer than five characters}
  - {id: few_units, metric: units, when: "< 3", reason: fewer than three units}
  - {id: digits, metric: digit_ratio, when: "> 0.5", reason: mostly digits}
  - {id: try_it, metric: digit_ratio, when: "> 0", action: flag, reason: a digit}
"""


def counted(batch: Batch) -> dict[str, int]:
    return {name: n for name, n in batch.stats.counters.get("rules", {}).items() if name.split("/")[0] in ("hits", "first", "only")}


def test_hits_first_and_only(build: Build) -> None:
    docs = [make_doc(t) for t in ("12", "word", "今天天气很好", "今天 2024123", "第1章讲了什么", "")]
    batch = run_step(build(BOOKS), docs)
    #       12: short few digits (try_it) · word: short few · 天气: none · 今天 2024123: digits (try_it) · 第1章: try_it · empty: short few
    assert [doc.drop.rule if doc.drop else None for doc in docs] == ["short", "short", None, "digits", None, "short"]
    assert counted(batch) == {
        "hits/short": 3,
        "hits/few_units": 3,
        "hits/digits": 2,
        "hits/try_it": 3,
        "first/short": 3,
        "first/digits": 1,
        "only/digits": 1,
    }
    assert [doc.notes.get("flags") for doc in docs] == [["try_it"], None, None, ["try_it"], ["try_it"], None]


def test_a_drop_tells_value_threshold_and_all_rules(build: Build) -> None:
    docs = [make_doc("12"), make_doc("今天 2024123")]
    run_step(build(BOOKS), docs)
    assert docs[0].drop == Drop("rules", "short", 2.0, "chars < 5", "fewer than five characters", ("short", "few_units", "digits"))
    drop = docs[1].drop
    assert drop is not None
    assert drop.to_json() == {
        "stage": "rules",
        "rule": "digits",
        "value": 0.7777778,  # 7 of 9, as float32
        "threshold": "digit_ratio > 0.5",
        "reason": "mostly digits",
        "all": ["digits"],
    }


def test_a_drop_tells_the_values_of_also(build: Build) -> None:
    step = build('rules: [{id: a, metric: chars, when: "< 9", also: [{metric: lines, when: "> 1"}], reason: r}]')
    docs = [make_doc("一\n二"), make_doc("一二")]
    run_step(step, docs)
    assert docs[0].drop is not None
    assert docs[0].drop.extra == {"also": {"lines": 2.0}}
    assert docs[1].drop is None


def test_order_of_the_rules_is_order_of_the_reasons(build: Build) -> None:
    head, *rules = BOOKS.splitlines(keepends=True)
    doc, other = make_doc("12"), make_doc("12")
    run_step(build(BOOKS), [doc])
    run_step(build(head + "".join(rules[::-1])), [other])
    assert doc.drop is not None
    assert other.drop is not None
    assert (doc.drop.rule, other.drop.rule) == ("short", "digits")
    assert set(doc.drop.all) == set(other.drop.all)


def test_documents_that_are_out_are_not_judged_again(build: Build) -> None:
    gone, here = make_doc("12"), make_doc("12")
    gone.drop = Drop("before", "x")
    batch = run_step(build(BOOKS), [gone, here])
    assert gone.drop.rule == "x"
    assert counted(batch)["hits/short"] == 1
    assert batch.matrices[0][2] == [1]  # the row in the side file knows its document


def test_thresholds_and_off_reach_the_step(build: Build) -> None:
    docs = [make_doc("12"), make_doc("today")]
    run_step(build(BOOKS, thresholds={"short": "> 4"}, off=("few_units",)), docs)
    assert [doc.drop.rule if doc.drop else None for doc in docs] == ["digits", "short"]


def test_histograms_count_every_live_document(build: Build) -> None:
    batch = run_step(build(BOOKS), [make_doc(t) for t in ("12", "word", "")])
    bins = batch.stats.histograms["rules"]["digit_ratio"]
    assert sum(bins) == 3
    assert bins[-1] == 1  # NaN: the empty document has neither letters nor digits


POEM = "轻轻的我走了\n正如我轻轻的来\n我轻轻的招手\n作别西天的云彩\n那河畔的金柳\n是夕阳中的新娘"


def test_rules_for_genres(build: Build) -> None:
    step = build(
        'rules: [{id: a, metric: chars, when: "< 99", scope: {not_genre: verse}, reason: r},'
        ' {id: b, metric: lines, when: "> 5", scope: {genre: [verse, code]}, reason: r}]'
    )
    docs = [make_doc("今天天气很好，我们去公园走走。"), make_doc(POEM)]
    run_step(step, docs)
    assert [doc.drop.rule if doc.drop else None for doc in docs] == ["a", "b"]


def test_rules_for_blacklists(build: Build, tmp_path: Path) -> None:
    (tmp_path / "ads_zh.txt").write_text("加微信\n红包群\n", encoding="utf-8")
    yaml = 'rules: [{id: ads, metric: blacklist_ads_distinct, when: ">= 2", reason: r}]'
    docs = [make_doc(text) for text in ("加微信，加微信", "加.微.信进红包群", "")]
    batch = run_step(build(yaml, blacklists=("ads_zh.txt",)), docs)
    assert [doc.drop.value if doc.drop else None for doc in docs] == [None, 2.0, None]
    assert batch.stats.get("rules", "entry_documents/ads_zh.txt\t加微信") == 2
    (fault,) = faults_of(build, yaml)
    assert fault == "r.yaml:1: unknown metric 'blacklist_ads_distinct'; no lists are loaded: name them in rules.blacklists"
    (fault,) = faults_of(build, yaml.replace("ads_d", "adz_d"), blacklists=("ads_zh.txt",))
    assert fault == "r.yaml:1: unknown metric 'blacklist_adz_distinct'; did you mean 'blacklist_ads_distinct'?"


def test_user_rules_may_ask_for_what_lists_found(build: Build, tmp_path: Path) -> None:
    (tmp_path / "ads.txt").write_text("加微信\n", encoding="utf-8")
    asks = HEAD + '@rule(id="a", reason="r", metrics=["blacklist_ads_hits"])\ndef a(doc, m):\n    return m["blacklist_ads_hits"] > 1\n'
    docs = [make_doc("加微信"), make_doc("加微信，加微信")]
    run_step(build("rules: []", asks, blacklists=("ads.txt",)), docs)
    assert [doc.drop is not None for doc in docs] == [False, True]


LINES = """\
scope: {script: [han, mixed]}
rules:
  - {id: nav_line, metric: line_chars, when: "< 4", also: [{metric: line_terminated, when: "< 1"}], action: drop_line, reason: a menu}
  - {id: icp_line, metric: line_digit_ratio, when: "> 0.4", action: drop_line, reason: a number}
  - {id: short, metric: chars, when: "< 12", scope: {}, reason: short}
  - {id: menu, metric: dup_line_ratio, when: "> 0", reason: repeats}
"""


def test_lines_go_first_and_what_is_left_is_judged(build: Build) -> None:
    page = make_doc("首页\n首页\n\n今天天气很好，我们去公园走走。\n好。\nICP备12345678\n联系")
    menu = make_doc("首页\n新闻\n今天天气很好\n首页")
    english = make_doc("Home\nA b\nHome is where the heart is", {"source": "en"})
    batch = run_step(build(LINES), [page, menu, english])
    assert page.text == "今天天气很好，我们去公园走走。\n好。"
    assert page.drop is None  # on the whole text `menu` would have fired
    assert page.notes["lines_dropped"] == 5  # the empty line has 0 < 4 characters
    assert menu.text == "今天天气很好"
    assert menu.drop is not None
    assert menu.drop.rule == "short"  # on the whole text it would not have fired: 12 characters
    assert english.text == "Home\nA b\nHome is where the heart is"  # out of scope
    assert english.drop is None
    counters = batch.stats.counters["rules"]
    assert (counters["hits/nav_line"], counters["first/nav_line"]) == (7, 7)
    assert (counters["hits/icp_line"], counters["first/icp_line"]) == (1, 1)
    assert counters["lines_dropped"] == 8


def test_a_line_is_counted_once_for_the_first_of_its_rules(build: Build) -> None:
    batch = run_step(build(LINES), [make_doc("1号\n今天天气很好，我们去公园走走。")])
    counters = batch.stats.counters["rules"]
    assert (counters["hits/nav_line"], counters["hits/icp_line"]) == (1, 1)
    assert (counters["first/nav_line"], counters.get("first/icp_line", 0), counters["lines_dropped"]) == (1, 0, 1)


def test_a_document_that_loses_all_its_lines_is_empty(build: Build) -> None:
    doc = make_doc("首页\n新闻")
    run_step(build(LINES), [doc])
    assert doc.text == ""
    assert doc.drop is not None
    assert doc.drop.rule == "short"


# -- user rules ---------------------------------------------------------------------------------------------------------------

USER = """\
from cleaning.rules.user_rules import rule


@rule(id="prices", metrics=["digit_ratio"], reason="a price list", scope={"script": ["han"]})
def prices(doc, metrics):
    return doc.text.count("元") > 1 and metrics["digit_ratio"] > 0.2


@rule(id="has_ad", action="flag", reason="an advertisement")
def has_ad(doc, metrics):
    return "广告" in doc.text


def helper(doc, metrics):
    return True
"""


def test_user_rules_on_equal_terms(build: Build) -> None:
    texts = ("苹果3元梨5元广告", "苹果三元梨五元", "12元34元", "3 元 yuan 5 元 a b c d e f g h i j k l", "这是一条广告啊")
    docs = [make_doc(text) for text in texts]
    batch = run_step(build(BOOKS, USER), docs)
    # the first and the third are price lists; the third is mostly digits as well, and rules of files come first; the fourth is mixed
    assert [doc.drop.rule if doc.drop else None for doc in docs] == ["prices", None, "digits", None, None]
    assert docs[0].drop == Drop("rules", "prices", True, None, "a price list", ("prices",))
    assert docs[2].drop is not None
    assert docs[2].drop.all == ("digits", "prices")
    assert [doc.notes.get("flags") for doc in docs] == [["try_it", "has_ad"], None, ["try_it"], ["try_it"], ["has_ad"]]
    counters = counted(batch)
    assert (counters["hits/prices"], counters["first/prices"], counters["only/prices"], counters["hits/has_ad"]) == (2, 1, 1, 2)
    assert "first/has_ad" not in counters
    assert sorted(payload["text"] for _, payload in batch.stats.samples["rules"]["prices"]) == sorted([texts[0], texts[2]])


def test_user_rules_can_be_switched_off(build: Build) -> None:
    doc = make_doc("苹果3元梨5元广告")
    run_step(build(BOOKS, USER, off=("prices",)), [doc])
    assert doc.drop is None


def test_a_user_rule_alone(build: Build) -> None:
    docs = [make_doc("苹果3元梨5元"), make_doc("苹果")]
    run_step(build("rules: []", USER), docs)
    assert [doc.drop is not None for doc in docs] == [True, False]


HEAD = "from cleaning.rules.user_rules import rule\n"
USER_FAULTS = [
    ("no rule", "x = 1\n", ["u.py:1: no function is decorated with @rule"]),
    ("an error on import", "import math\n\nmath.no_such\n", ["u.py:3: AttributeError: module 'math' has no attribute 'no_such'"]),
    ("a missing module", "import no_such_module\n", ["u.py:1: ModuleNotFoundError: No module named 'no_such_module'"]),
    (
        "misspelt action",
        HEAD + '@rule(id="a", reason="r", action="dorp")\ndef a(doc, metrics):\n    return True\n',
        ["u.py:2: action 'dorp'; did you mean 'drop'?"],
    ),
    (
        "several",
        HEAD
        + '@rule(id="a", reason="r", metrics=["x9z"], action="drp")\ndef a(d, m): ...\n\n'
        + '@rule(id="b", reason="r", scope={"script": "hann"})\ndef b(d, m): ...\n',
        ["u.py:2: action 'drp'", "u.py:5: scope: "],
    ),
]


@pytest.mark.parametrize(("code", "expected"), [case[1:] for case in USER_FAULTS], ids=[case[0] for case in USER_FAULTS])
def test_faults_of_user_rules(tmp_path: Path, code: str, expected: list[str]) -> None:
    (tmp_path / "u.py").write_text(code, encoding="utf-8")
    with pytest.raises(RuleError) as caught:
        load_user_rules(tmp_path / "u.py", "u.py")
    assert len(caught.value.faults) == len(expected)
    for fault, start in zip(caught.value.faults, expected, strict=True):
        assert fault.startswith(start)


def test_metrics_of_user_rules_are_known_when_all_lists_are(build: Build, tmp_path: Path) -> None:
    asks = HEAD + '@rule(id="a", reason="r", metrics=["symbl_ratio", "blacklist_ads_hits"])\ndef a(doc, metrics):\n    return True\n'
    (tmp_path / "ads.txt").write_text("加微信\n", encoding="utf-8")
    unknown = "u.py:2: unknown metric 'symbl_ratio'; did you mean 'symbol_ratio'?"
    no_lists = "u.py:2: unknown metric 'blacklist_ads_hits'; no lists are loaded: name them in rules.blacklists"
    assert faults_of(build, BOOKS, asks) == [unknown, no_lists]
    assert faults_of(build, BOOKS, asks, blacklists=("ads.txt",)) == [unknown]


def test_a_syntax_error_has_its_line(tmp_path: Path) -> None:
    (tmp_path / "u.py").write_text("x = 1\nif x\n    y\n", encoding="utf-8")
    with pytest.raises(RuleError, match=r"^u\.py:2: SyntaxError"):
        load_user_rules(tmp_path / "u.py", "u.py")


def faults_of(build: Build, *args: str, **kwargs: object) -> list[str]:
    with pytest.raises(RuleError) as caught:
        build(*args, **kwargs)
    return caught.value.faults


def test_faults_of_files_and_user_rules_are_listed_together(build: Build) -> None:
    faults = faults_of(build, BOOKS.replace("units,", "unitz,"), "x = 1\n", off=("shrot",), metrics=("charz",))
    starts = ["u.py:1: no function", "r.yaml:3: unknown metric 'unitz'", "rules: no rule 'shrot'", "rules.metrics: unknown metric 'charz'"]
    assert len(faults) == len(starts)
    assert [start for start in starts if not any(fault.startswith(start) for fault in faults)] == []


def test_an_id_belongs_to_one_rule(build: Build) -> None:
    taken = USER.replace('"prices"', '"short"').replace('"has_ad"', '"short"')
    faults = faults_of(build, BOOKS, taken)
    assert "r.yaml:2: rule id 'short' is taken by a user rule; ids must be unique" in faults
    assert "u.py:4: rule id 'short' is not unique" in faults


@pytest.mark.parametrize("arguments", ['id="Two Words", reason="r"', 'id="a", reason=""'])
def test_user_rules_are_checked_like_rules_of_files(tmp_path: Path, arguments: str) -> None:
    (tmp_path / "u.py").write_text(f"{HEAD}@rule({arguments})\ndef a(doc, metrics):\n    return True\n", encoding="utf-8")
    with pytest.raises(RuleError):
        load_user_rules(tmp_path / "u.py", "u.py")


def test_a_threshold_for_a_user_rule_is_a_fault(build: Build) -> None:
    with pytest.raises(RuleError):
        build(BOOKS, USER, thresholds={"prices": "> 1"})
