"""The fixers: cases as data (`tests/cases/normalize.jsonl`), and what holds for every text: twice is once, gates change nothing.

A case has `fixer` (a switch of `normalize`, or `all` for the stage as configured by default), `input`, `expected`, `label`, `kind` and
`comment`. A known failure says what is right and fails until it is mended (strict xfail).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import pytest
from hypothesis import example, given

from cleaning.doc import Doc
from cleaning.stages.normalize import _ENTRIES, NormalizeParams, NormalizeStep
from cleaning.text import fixers
from cleaning.text.charclass import char_tables, classes_with
from tests.samples import CASES, CLEAN, make_doc, run_step, sample_docs, sample_texts
from tests.strategies import any_texts

FIXERS: dict[str, Callable[[str], str]] = {entry.name: entry.fix for entry in _ENTRIES}


@lru_cache(maxsize=1)
def default_step() -> NormalizeStep:
    return NormalizeStep(NormalizeParams())


def normalized(text: str) -> str:
    """What the stage with its defaults makes of one text."""
    doc = make_doc(text)
    run_step(default_step(), [doc])
    return doc.text


# -- cases --------------------------------------------------------------------------------------------------------------------


def read_cases() -> list[dict[str, str]]:
    return [json.loads(line) for line in (CASES / "normalize.jsonl").read_text(encoding="utf-8").split("\n") if line]


def case_params() -> list[Any]:
    def marks(case: dict[str, str]) -> list[pytest.MarkDecorator]:
        return [pytest.mark.xfail(strict=True, reason=case["comment"])] if case["kind"] == "known_failure" else []

    return [pytest.param(case, id=f"{case['fixer']}: {case['label']}", marks=marks(case)) for case in read_cases()]


@pytest.mark.parametrize("case", case_params())
def test_case(case: dict[str, str]) -> None:
    fix = normalized if case["fixer"] == "all" else FIXERS[case["fixer"]]
    assert fix(case["input"]) == case["expected"]


def test_cases_are_well_formed() -> None:
    cases = read_cases()
    kinds = Counter(case["kind"] for case in cases)
    assert kinds.keys() == {"wild", "synthetic", "negative", "known_failure"}
    assert kinds["negative"] >= 50
    assert [label for label, n in Counter(case["label"] for case in cases).items() if n > 1] == []
    for case in cases:
        assert case.keys() == {"label", "kind", "fixer", "input", "expected", "comment"}
        assert case["fixer"] == "all" or case["fixer"] in FIXERS, case["label"]
        assert case["kind"] != "negative" or case["input"] == case["expected"], case["label"]
        assert case["kind"] != "known_failure" or case["comment"], case["label"]


def test_every_fixer_has_a_case_in_which_it_acts() -> None:
    acting: set[str] = set()
    every = NormalizeStep(NormalizeParams(simplify=True, corner_quotes=True, drop_urls=True))
    for case in read_cases():
        doc = make_doc(case["input"])
        run_step(every, [doc])
        acting.update(doc.notes.get("normalized", []))
    assert acting == set(FIXERS)


# -- the bundled dirty texts --------------------------------------------------------------------------------------------------


def dirty_params() -> list[Any]:
    wanted = json.loads((CASES / "dirty_clean.json").read_text(encoding="utf-8"))
    marks = {"known_failure": [pytest.mark.xfail(strict=True)]}
    return [pytest.param(doc_id, case["text"], id=doc_id, marks=marks.get(case["kind"], [])) for doc_id, case in wanted.items()]


@pytest.mark.parametrize(("doc_id", "expected"), dirty_params())
def test_dirty_sample_becomes_clean(doc_id: str, expected: str) -> None:
    (doc,) = [doc for doc in sample_docs("dirty_good") if doc.id == doc_id]
    run_step(default_step(), [doc])
    assert doc.text == expected


def test_every_dirty_sample_has_a_clean_one() -> None:
    assert {param.id for param in dirty_params()} == {doc.id for doc in sample_docs("dirty_good")}


@pytest.mark.parametrize("name", ["zh_good", "en_good", "mixed_good", "qa_pairs"])
def test_clean_samples_are_hardly_touched(name: str) -> None:
    """Good text loses no ink: only white space and the width of letters may change."""
    for doc in sample_docs(name):
        before = Counter(fixers.fix_width(doc.text))
        run_step(default_step(), [doc])
        after = Counter(doc.text)
        changed = {c for c in before | after if before[c] != after[c] and not c.isspace()}
        assert changed == set(), doc.id


# -- twice is once ------------------------------------------------------------------------------------------------------------

UNSTABLE = {"drop_urls": "www.ahttp://b.cn.."}
LAYERED_TEXTS = {"mojibake": "ÃƒÂ©", "html": "&lt;b&gt;粗&lt;/b&gt;", "invisible": "a\ufe0f\u200d👩"}
LAYERED = ("zh-junk-041", "zh-junk-045")  # GBK read as Latin-1; UTF-8 read as Windows-1252 twice


@pytest.mark.parametrize("name", [name for name in FIXERS if name not in UNSTABLE])
def test_fixing_twice_is_fixing_once(name: str) -> None:
    fix = FIXERS[name]

    @given(any_texts)
    @example("\n \n\n \t\n  x \n")
    @example("，，。。！！！！………—————")
    def check(text: str) -> None:
        once = fix(text)
        assert fix(once) == once

    check()


@pytest.mark.parametrize("name", LAYERED_TEXTS)
def test_layers_are_taken_off_at_once(name: str) -> None:
    once = FIXERS[name](LAYERED_TEXTS[name])
    assert FIXERS[name](once) == once


@pytest.mark.parametrize("name", UNSTABLE)
@pytest.mark.xfail(strict=True, reason="accepted gap: what is left beside a removed address may be an address")
def test_fixing_twice_is_fixing_once_also_here(name: str) -> None:
    once = FIXERS[name](UNSTABLE[name])
    assert FIXERS[name](once) == once


@pytest.mark.parametrize("name", FIXERS)
def test_fixing_samples_twice_is_fixing_them_once(name: str) -> None:
    for doc in settled_samples():
        once = FIXERS[name](doc.text)
        assert FIXERS[name](once) == once, doc.id


def settled_samples() -> list[Doc]:
    return [doc for name in CLEAN for doc in sample_docs(name) if doc.id not in LAYERED]


def test_the_stage_is_idempotent_on_samples_and_cases() -> None:
    known = {case["input"] for case in read_cases() if case["kind"] == "known_failure"}
    for text in [*(doc.text for doc in settled_samples()), *(case["input"] for case in read_cases() if case["input"] not in known)]:
        once = normalized(text)
        assert normalized(once) == once


@pytest.mark.parametrize("doc_id", LAYERED)
def test_the_stage_is_idempotent_on_layered_mojibake(doc_id: str) -> None:
    (doc,) = [doc for doc in sample_docs("zh_junk") if doc.id == doc_id]
    once = normalized(doc.text)
    assert normalized(once) == once


# what the known failures are made of: fences that appear or end when something beside them goes, and pairs that come to look misread
_SETTLED = str.maketrans(dict.fromkeys(map(chr, range(0xC2, 0xF5))) | {"`": None, "~": None, "\u0301": None})


@given(any_texts)
@example("　　一\r\n\r\n\r\n\u2028二！！！！！\ufeff！ ＡＢ。。")
@example("今 天 天 气 好，\u200b。\u200b，")
def test_the_stage_is_idempotent(text: str) -> None:
    text = text.translate(_SETTLED)
    once = normalized(text)
    assert normalized(once) == once


# -- gates --------------------------------------------------------------------------------------------------------------------

# fixers that act on single characters; the others need a context, for which there is test_gates_change_nothing
SINGLE = ("radicals", "newlines", "invisible", "controls", "garble", "spaces", "width", "corner_quotes")


@pytest.mark.parametrize("name", SINGLE)
def test_the_gate_of_a_fixer_opens_for_every_character_that_it_changes(name: str) -> None:
    (entry,) = [entry for entry in _ENTRIES if entry.name == name]
    opens = classes_with(*entry.triggers)[char_tables().class_of]
    shut = "".join(chr(p) for p in range(0x110000) if not opens[p])
    assert [hex(ord(c)) for c in set(shut) - set(entry.fix(shut))] == []


def test_the_gate_of_nfc_opens_for_every_character_that_nfc_may_change() -> None:
    class_of, opens = char_tables().class_of, classes_with("unstable")
    shut = [p for p in range(0x110000) if fixers.fix_nfc(chr(p)) != chr(p) and not opens[class_of[p]]]
    assert [hex(p) for p in shut] == []


def ungated(text: str) -> str:
    """The stage without its gates: every fixer that is on by default, in order."""
    params = NormalizeParams()
    for entry in _ENTRIES:
        if getattr(params, entry.name):
            text = fixers.outside_code(text, entry.fix) if entry.outside_code and entry.fix(text) != text else entry.fix(text)
    return text


@given(any_texts)
def test_gates_change_nothing(text: str) -> None:
    assert normalized(text) == ungated(text)


def test_gates_change_nothing_on_samples_and_cases() -> None:
    for text in [*sample_texts(), *(case["input"] for case in read_cases() if case["kind"] != "known_failure")]:
        assert normalized(text) == ungated(text)


# -- code ---------------------------------------------------------------------------------------------------------------------


def test_outside_code_hands_over_everything_but_code() -> None:
    seen: list[str] = []

    def fix(text: str) -> str:
        seen.append(text)
        return text.upper()

    text = "one `two` three\n```\nfour\n```\nfive\n    six = 6;\nseven"
    assert fixers.outside_code(text, fix) == "ONE `two` THREE\n```\nfour\n```\nFIVE\n    six = 6;\nSEVEN"
    assert "".join(seen) == "one  three\n\nfive\n\nseven"


@given(any_texts)
def test_outside_code_loses_nothing(text: str) -> None:
    assert fixers.outside_code(text, lambda part: part) == text
