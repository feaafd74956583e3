"""Rule files: what loads, and that every fault of every file is told with its line and what is allowed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cleaning.config import PROJECT_ROOT
from cleaning.errors import RuleError
from cleaning.rules.blacklist import allowed_metrics
from cleaning.rules.schema import Rule, Scope, load_rules, parse_condition
from cleaning.text.line_metrics import LINE_METRICS, MODEL_LINE_METRICS

GOOD = """\
about: a test
scope: {script: [han, mixed]}
rules:
  - id: too_short
    metric: chars
    when: "< 60"
    reason: fewer than 60 characters
    source: ours
  # a comment
  - id: nav_page
    metric: menu_char_ratio
    when: "> 0.35"
    also: [{metric: lines, when: "> 8"}]
    scope: {script: latin, source: ["web*"]}
    action: flag
    reason: a menu
  - id: junk_line
    metric: line_chars
    when: "outside [2, 1e3]"
    action: drop_line
    reason: a line
  - id: unused
    metric: units
    when: ">= 1"
    action: off
    reason: kept for later
""".replace("1e3", "1000")

Write = Callable[..., list[tuple[Path, str]]]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write files and return what `load_rules` wants of them."""

    def make(**contents: str | bytes) -> list[tuple[Path, str]]:
        out = []
        for name, content in contents.items():
            path = tmp_path / f"{name}.yaml"
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
            out.append((path, f"rules/{name}.yaml"))
        return out

    return make


def faults_of(files: list[tuple[Path, str]], **kwargs: object) -> list[str]:
    with pytest.raises(RuleError) as caught:
        load_rules(files, **kwargs)  # type: ignore[arg-type]
    return caught.value.faults


def one_rule(**changes: str | None) -> str:
    """A file with one rule (from line 2), some of its lines changed or left out."""
    fields = {"id": "a", "metric": "chars", "when": '"> 1"', "reason": "why"} | changes
    lines = [f"{key}: {value}" for key, value in fields.items() if value is not None]
    return "rules:\n  - " + "\n    ".join(lines) + "\n"


# -- what loads ---------------------------------------------------------------------------------------------------------------


def test_a_good_file(write: Write) -> None:
    rules = load_rules(write(good=GOOD))
    assert [rule.id for rule in rules] == ["too_short", "nav_page", "junk_line"]  # `off` is no rule
    short, nav, line = rules
    assert (short.metric, short.threshold, short.action, short.source) == ("chars", "< 60", "drop", "ours")
    assert short.reason == "fewer than 60 characters"
    assert short.scope == Scope(script=("han", "mixed"))
    assert short.where == "rules/good.yaml:4"
    assert [(metric, c.op, c.low) for metric, c in nav.clauses] == [("menu_char_ratio", ">", 0.35), ("lines", ">", 8)]
    assert nav.scope == Scope(script=("latin",), source=("web*",))  # its own scope, not added to the file's
    assert (line.clauses[0][1].low, line.clauses[0][1].high) == (2, 1000)


def test_order_of_files_is_order_of_rules(write: Write) -> None:
    files = write(one=one_rule(id="b"), two=one_rule(id="a"))
    assert [rule.id for rule in load_rules(files)] == ["b", "a"]
    assert [rule.id for rule in load_rules(files[::-1])] == ["a", "b"]


def test_shipped_rule_files_load_together() -> None:
    files = [(path, path.name) for path in sorted((PROJECT_ROOT / "rules").glob("*.yaml")) if path.name != "pii.yaml"]
    lists = [path.name for path in (PROJECT_ROOT / "blacklists").glob("*.txt")]
    rules = load_rules(files, metrics=allowed_metrics(lists), line_metrics={**LINE_METRICS, **MODEL_LINE_METRICS})
    assert len(rules) >= 40
    assert all(rule.reason and rule.source for rule in rules)


@pytest.mark.parametrize("path", sorted((PROJECT_ROOT / "rules" / "presets").glob("*.yaml")), ids=lambda p: p.name)
def test_presets_load(path: Path) -> None:
    lists = [name.name for name in (PROJECT_ROOT / "blacklists").glob("*.txt")]
    rules = load_rules([(path, path.name)], metrics=allowed_metrics(lists))
    assert rules
    assert all(rule.reason and rule.source for rule in rules)


def test_scopes_of_genres(write: Write) -> None:
    (one,) = load_rules(write(a=one_rule(scope="{genre: verse, not_genre: [code, list]}")))
    assert one.scope == Scope(genre=("verse",), not_genre=("code", "list"))


@pytest.mark.parametrize("word", ["no", "on", "yes", "off", "y"])
def test_words_of_yaml_1_1_stay_strings(write: Write, word: str) -> None:
    (rule,) = load_rules(write(a=one_rule(id=word, reason=word, source=word)))
    assert (rule.id, rule.reason, rule.source) == (word, word, word)


def test_a_byte_order_mark_and_crlf_do_no_harm(write: Write) -> None:
    (rule,) = load_rules(write(a=b"\xef\xbb\xbf" + one_rule(reason="为什么").replace("\n", "\r\n").encode()))
    assert (rule.reason, rule.where) == ("为什么", "rules/a.yaml:2")


def test_an_empty_list_of_rules_is_a_rule_file(write: Write) -> None:
    assert load_rules(write(a="rules: []\n")) == []


# -- conditions ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "op", "low", "high", "shown"),
    [
        ("> 0.25", ">", 0.25, 0, "> 0.25"),
        (">=3", ">=", 3, 0, ">=3"),
        ("  <   -1.5 ", "<", -1.5, 0, "< -1.5"),
        ("<= 1e3", "<=", 1000, 0, "<= 1e3"),
        ("outside [3, 10]", "outside", 3, 10, "outside [3, 10]"),
        ("outside[-1,1]", "outside", -1, 1, "outside[-1,1]"),
        ("outside [2, 2]", "outside", 2, 2, "outside [2, 2]"),
    ],
)
def test_conditions(text: str, op: str, low: float, high: float, shown: str) -> None:
    condition = parse_condition(text)
    assert (condition.op, condition.low, condition.high, condition.text) == (op, low, high, shown)


BAD = ("", "0.25", "=> 1", "== 1", "> ", "> x", "> 1 2", "inside [1, 2]", "outside 1, 2", "outside [1]", "> nan", "> 0.5x", "> 1\n< 2")


@pytest.mark.parametrize("text", BAD)
def test_bad_conditions(text: str) -> None:
    with pytest.raises(ValueError, match="write '> 0.25'"):
        parse_condition(text)


# -- faults, one by one -------------------------------------------------------------------------------------------------------

FAULTS = [
    ("unknown key", one_rule(metrc="chars"), ["rules/a.yaml:6: unknown key 'metrc'; did you mean 'metric'?"]),
    ("unknown key of the file", "abuot: x\n" + one_rule(), ["rules/a.yaml:1: unknown key 'abuot'; did you mean 'about'?"]),
    ("unknown key of a scope", one_rule(scope="{skript: han}"), ["rules/a.yaml:6: unknown key 'skript'; did you mean 'script'?"]),
    ("unknown metric", one_rule(metric="symbl_ratio"), ["rules/a.yaml:3: unknown metric 'symbl_ratio'; did you mean 'symbol_ratio'?"]),
    (
        "unknown metric in also",
        one_rule(also='[{metric: chars, when: "> 1"}, {metric: linse, when: "> 1"}]'),
        ["rules/a.yaml:6: unknown metric 'linse'; did you mean 'lines'?"],
    ),
    (
        "unknown line metric",
        one_rule(metric="line_char", action="drop_line"),
        ["rules/a.yaml:3: unknown line metric 'line_char'; did you mean 'line_chars'?"],
    ),
    (
        "a list that is not loaded",
        one_rule(metric="blacklist_ads_hits"),
        ["rules/a.yaml:3: unknown metric 'blacklist_ads_hits'; no lists are loaded: name them in rules.blacklists"],
    ),
    ("metric of documents", one_rule(action="drop_line"), ["rules/a.yaml:3: unknown line metric 'chars'; did you mean 'line_chars'?"]),
    ("missing reason", one_rule(reason=None), ["rules/a.yaml:2: 'rules.0.reason' is missing"]),
    ("missing metric", one_rule(metric=None), ["rules/a.yaml:2: 'rules.0.metric' is missing"]),
    ("rules is no list", "rules: 3\n", ["rules/a.yaml:1: a rule file is a mapping with a list 'rules'"]),
    ("rules is missing", "about: x\n", ["rules/a.yaml:1: a rule file is a mapping with a list 'rules'"]),
    ("an empty file", "", ["rules/a.yaml:1: a rule file is a mapping with a list 'rules'"]),
    ("a rule is a word", "rules:\n  - too_short\n", ["rules/a.yaml:2: a rule is a mapping with id, metric, when and reason"]),
]


@pytest.mark.parametrize(("content", "expected"), [case[1:] for case in FAULTS], ids=[case[0] for case in FAULTS])
def test_fault(write: Write, content: str, expected: list[str]) -> None:
    assert faults_of(write(a=content)) == expected


PARTLY = [
    ("misspelt action", one_rule(action="dorp"), "rules/a.yaml:6: ", ["'drop'", "'drop_line'", "'flag'", "'off'", "'dorp'"]),
    ("wrong script", one_rule(scope="{script: hann}"), "rules/a.yaml:6: ", ["'han'", "'mixed'", "'latin'", "'hann'"]),
    ("wrong genre", one_rule(scope="{genre: poem}"), "rules/a.yaml:6: ", ["'verse'", "'prose'", "'poem'"]),
    ("wrong genre left out", one_rule(scope="{not_genre: [verse, poem]}"), "rules/a.yaml:6: ", ["'verse'", "'poem'"]),
    ("bad condition", one_rule(when='"more than 3"'), "rules/a.yaml:4: ", ["'> 0.25'", "outside [3, 10]", "'more than 3'"]),
    ("bad condition in also", one_rule(also='[{metric: chars, when: "=> 1"}]'), "rules/a.yaml:6: ", ["'> 0.25'", "'=> 1'"]),
    ("outside the wrong way round", one_rule(when='"outside [5, 2]"'), "rules/a.yaml:4: ", ["outside [5, 2]", "must not be larger"]),
    ("outside of no numbers", one_rule(when='"outside [1.2.3, 4]"'), "rules/a.yaml:4: ", ["1.2.3"]),
    ("a number as condition", one_rule(when="0.25"), "rules/a.yaml:4: ", ["'> 0.25'", "0.25"]),
    ("bad id", one_rule(id="Too-Short"), "rules/a.yaml:2: ", ["Too-Short"]),
    ("empty reason", one_rule(reason='""'), "rules/a.yaml:5: ", ["reason"]),
    ("a list as reason", one_rule(reason="[a, b]"), "rules/a.yaml:5: ", ["reason", "string"]),
    ("bad YAML", 'rules:\n  - id: "a\n    metric: chars\n', "rules/a.yaml:4: ", ["unexpected end"]),
    ("bad indentation", "rules:\n  - id: a\n   metric: chars\n", "rules/a.yaml:3: ", ["expected <block end>"]),
    ("a colon in a reason", one_rule(reason="a: b"), "rules/a.yaml:5: ", ["mapping values are not allowed"]),
    ("a condition without quotes", one_rule(when="> 0.25"), "rules/a.yaml:4: ", ["put the condition in quotes", "when: '> 0.25'"]),
    ("a tab", "rules:\n\t- id: a\n", "rules/a.yaml:2: ", ["\\t"]),
    ("a key twice", one_rule() + "    reason: again\n", "rules/a.yaml:6: ", ["duplicate key"]),
    ("not UTF-8", "rules:\n  - id: a\n    reason: 太短\n".encode("gbk"), "rules/a.yaml:3: ", ["not UTF-8", "save the file as UTF-8"]),
    ("a Python object", "rules: !!python/object/apply:os.system [ls]\n", "rules/a.yaml:1: ", ["rules"]),
]


@pytest.mark.parametrize(("content", "place", "said"), [case[1:] for case in PARTLY], ids=[case[0] for case in PARTLY])
def test_fault_says(write: Write, content: str | bytes, place: str, said: list[str]) -> None:
    (fault,) = faults_of(write(a=content))
    assert fault.startswith(place)
    assert [part for part in said if part not in fault] == [], fault


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    (fault,) = faults_of([(tmp_path / "none.yaml", "rules/none.yaml")])
    assert fault.startswith("rules/none.yaml: cannot be read")


def test_an_id_of_two_files_names_both_places(write: Write) -> None:
    (fault,) = faults_of(write(one=one_rule(), two="about: x\n" + one_rule()))
    assert fault == "rules/two.yaml:3: rule id 'a' is taken by rules/one.yaml:2; ids must be unique"


def test_an_id_of_a_user_rule_is_taken(write: Write) -> None:
    (fault,) = faults_of(write(one=one_rule()), extra_ids=("a",))
    assert fault == "rules/one.yaml:2: rule id 'a' is taken by a user rule; ids must be unique"


def test_all_faults_of_all_files_are_listed(write: Write) -> None:
    files = write(
        one=one_rule(reason=None, metrc="x") + one_rule(id="b", metric="unitz").removeprefix("rules:\n"),
        two="rules:\n\t- x\n",
        three=one_rule(id="c", when='"x"', action="dorp"),
        four=one_rule(id="b"),
    )
    faults = faults_of(files, thresholds={"cc": "> 1"})
    places = [(fault.split(": ")[0], word) for fault, word in zip(faults, WORDS, strict=True) if word in fault]
    assert places == list(zip(PLACES, WORDS, strict=True)), faults


PLACES = ["rules/one.yaml:2", "rules/one.yaml:5", "rules/one.yaml:7", "rules/two.yaml:2", "rules/three.yaml:4", "rules/three.yaml:6"]
PLACES += ["rules/four.yaml:2", "rules"]
WORDS = ["missing", "metrc", "unitz", "\\t", "'x'", "dorp", "taken", "'cc'"]


def test_an_unknown_metric_is_told_beside_another_fault(write: Write) -> None:
    assert len(faults_of(write(a=one_rule(metric="symbl_ratio", reason=None)))) == 2


def test_a_condition_without_quotes_is_told_to_take_quotes(write: Write) -> None:
    assert "quotes" in faults_of(write(a=one_rule(when="> 0.25")))[0]


# -- overrides ----------------------------------------------------------------------------------------------------------------


def by_id(rules: list[Rule]) -> dict[str, Rule]:
    return {rule.id: rule for rule in rules}


def test_thresholds_replace_the_first_condition_only(write: Write) -> None:
    rules = by_id(load_rules(write(good=GOOD), thresholds={"nav_page": "outside [0, 0.5]"}))
    nav = rules["nav_page"]
    assert nav.threshold == "outside [0, 0.5]"
    assert nav.clauses[1][1].text == "> 8"
    assert (nav.action, nav.reason, nav.where) == ("flag", "a menu", "rules/good.yaml:10")
    assert nav.scope == Scope(script=("latin",), source=("web*",))
    assert rules["too_short"].threshold == "< 60"


def test_off_takes_rules_out(write: Write) -> None:
    assert [rule.id for rule in load_rules(write(good=GOOD), off=("too_short", "junk_line"))] == ["nav_page"]


def test_overrides_of_unknown_rules_are_faults(write: Write) -> None:
    faults = faults_of(write(good=GOOD), thresholds={"to_short": "> 1"}, off=("navpage",))
    assert faults == [
        "rules: no rule 'to_short' to change; did you mean 'too_short'?",
        "rules: no rule 'navpage' to change; did you mean 'nav_page'?",
    ]


def test_a_bad_threshold_is_a_fault(write: Write) -> None:
    (fault,) = faults_of(write(good=GOOD), thresholds={"too_short": "60"})
    assert fault.startswith("rules.thresholds.too_short: not a condition")
    assert "'60'" in fault
