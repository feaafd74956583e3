"""Stage `normalize` through batches: what it notes and counts, what it leaves alone, and that neighbours do not matter."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from cleaning.doc import Doc, Drop
from cleaning.stages.normalize import _ENTRIES, Normalize, NormalizeParams, NormalizeStep
from cleaning.text.code import outside_code
from tests.samples import CLEAN, make_doc, real_texts, run_step, sample_docs
from tests.stages.laws import check_any_split
from tests.strategies import batches


def step(**params: bool) -> NormalizeStep:
    return NormalizeStep(NormalizeParams(**params))


def test_what_was_mended_is_noted_and_counted() -> None:
    docs = [make_doc("<p>第一段\r\n　完</p>"), make_doc("好的。"), make_doc("ＡＢ！！！！！"), make_doc("\ufeff好\r\n")]
    batch = run_step(step(), docs)
    assert [doc.text for doc in docs] == ["第一段\n完", "好的。", "AB！！！", "好"]
    assert [doc.notes.get("normalized") for doc in docs] == [
        ["newlines", "html", "spaces", "trim_lines"],
        None,
        ["width", "shrink_runs"],
        ["newlines", "invisible", "trim_lines"],
    ]
    assert batch.stats.counters == {
        "normalize": {
            "changed": 3,
            "fixed/newlines": 2,
            "fixed/html": 1,
            "fixed/spaces": 1,
            "fixed/trim_lines": 2,
            "fixed/width": 1,
            "fixed/shrink_runs": 1,
            "fixed/invisible": 1,
        }
    }


def test_entities_open_the_gates_of_later_fixers() -> None:
    """The counts are taken before; &nbsp; and &#65313; make characters that they have not seen."""
    doc = make_doc("a&nbsp;b&#65313;&#8203;c&#33;&#33;&#33;&#33;&#33;")
    run_step(step(), [doc])
    assert doc.text == "a bAc!!!"


def test_runs_are_looked_for_once_a_batch() -> None:
    """A run at the end of one document and the same mark at the start of the next are no run."""
    docs = [make_doc("好！！"), make_doc("！！好"), make_doc("好！！！！"), make_doc("。。"), make_doc("。")]
    run_step(step(), docs)
    assert [doc.text for doc in docs] == ["好！！", "！！好", "好！！！", "。", "。"]


def test_dropped_documents_are_left_alone() -> None:
    gone, here = make_doc("ＡＢ"), make_doc("ＡＢ")
    gone.drop = Drop("before", "x")
    batch = run_step(step(), [gone, here])
    assert (gone.text, here.text) == ("ＡＢ", "AB")
    assert gone.notes == {}
    assert batch.stats.get("normalize", "changed") == 1


def test_the_original_and_the_record_stay() -> None:
    doc = make_doc("ＡＢ", {"text": "ＡＢ"})
    run_step(step(), [doc])
    assert (doc.text, doc.original, doc.record) == ("AB", "ＡＢ", {"text": "ＡＢ"})


def test_an_empty_batch_and_empty_documents() -> None:
    assert run_step(step(), []).stats.to_json()["counters"] == {}
    docs = [make_doc(""), make_doc("  \n")]
    run_step(step(), docs)
    assert [doc.text for doc in docs] == ["", ""]


SWITCHES = {
    "mojibake": "ä¸­æ–‡ç½‘é¡µ",
    "nfc": "cafe\u0301",
    "radicals": "⼀",
    "newlines": "a\r\nb",
    "html": "a&amp;b",
    "invisible": "a\u200bb",
    "controls": "a\x01b",
    "garble": "\ufffd" + "的" * 300,
    "spaces": "a\u00a0b",
    "width": "ＡＢ",
    "close_han": "今 天 天 气 很 好",
    "shrink_runs": "！！！！！",
    "trim_lines": "a \n\n\n\nb",
    "simplify": "漢字",
    "corner_quotes": "「好」",
    "drop_urls": "见http://a.cn/b。",
}


@pytest.mark.parametrize("name", SWITCHES)
def test_every_switch_switches_its_fixer(name: str) -> None:
    off = {entry.name: False for entry in _ENTRIES}
    doc, same = make_doc(SWITCHES[name]), make_doc(SWITCHES[name])
    run_step(step(**{**off, name: True}), [doc])
    run_step(step(**{**dict.fromkeys(off, True), name: False}), [same])
    assert doc.text != SWITCHES[name]
    assert doc.notes["normalized"] == [name]
    assert name not in same.notes.get("normalized", [])


def test_switches_fixers_and_examples_are_the_same_set() -> None:
    assert set(NormalizeParams.model_fields) == {entry.name for entry in _ENTRIES} == set(SWITCHES)


def test_all_switches_off_change_nothing() -> None:
    text = "<p>ＡＢ！！！！！\r\n"
    doc = make_doc(text)
    run_step(step(**{entry.name: False for entry in _ENTRIES}), [doc])
    assert doc.text == text


def test_unknown_switch() -> None:
    with pytest.raises(ValidationError, match="htlm"):
        NormalizeParams(htlm=False)  # type: ignore[call-arg]


def test_stage_makes_its_step_and_names_its_identity() -> None:
    stage = Normalize(NormalizeParams(drop_urls=True), lambda name: pytest.fail(name))
    assert isinstance(stage.step(), NormalizeStep)
    assert stage.identity()["drop_urls"] is True
    assert stage.files() == []


# -- gates: what the counts let through ---------------------------------------------------------------------------------------


SWITCHED = {**NormalizeParams().model_dump(), "corner_quotes": True}


def mended(text: str, **switches: bool) -> str:
    """All fixers in turn on one text, none of them asked whether it has work."""
    for entry in (entry for entry in _ENTRIES if {**SWITCHED, **switches}[entry.name]):
        fixed = entry.fix(text)
        text = outside_code(text, entry.fix) if entry.outside_code and fixed != text else fixed
    return text


def check_gates(texts: list[str], **switches: bool) -> None:
    docs = [make_doc(text) for text in texts]
    run_step(step(**{**SWITCHED, **switches}), docs)
    assert [doc.text for doc in docs] == [mended(text, **switches) for text in texts]


@given(batches)
@example(["a&lt;b&gt;c\u200b ！！\u200b！！", "&#8203;&#x4e2d; 今 天 天 气 很 好\n\n\n\n", " \n", "ä¸\xad\n", "\n一", "一\t\n二"])
def test_no_fixer_with_work_is_left_out(texts: list[str]) -> None:
    check_gates(texts)


MARKS = [*"！!。， \n\t\u3000\u200b\ufffd今a\r\x0b\x00「Ａ`", "<b>", "&nbsp;", "&lt;", "    "]


@given(st.lists(st.lists(st.sampled_from(MARKS), max_size=16).map("".join), max_size=4))
def test_no_fixer_with_work_is_left_out_of_marks_and_blanks(texts: list[str]) -> None:
    check_gates(texts)


def test_no_fixer_with_work_is_left_out_on_real_text(shared_data: Path) -> None:
    check_gates(real_texts(shared_data))


def test_lines_are_trimmed_behind_addresses() -> None:
    check_gates(["链接： http://a.cn/b\n完"], drop_urls=True)


def test_simplify_takes_lone_surrogates() -> None:
    doc = make_doc("漢\ud800字")
    run_step(step(simplify=True), [doc])
    assert doc.text.startswith("汉")


def test_simplify_is_asked_wherever_it_has_work() -> None:
    check_gates(["乾杯，藉口"], simplify=True)


# -- laws ---------------------------------------------------------------------------------------------------------------------


@given(batches, st.randoms(use_true_random=False))
def test_neighbours_do_not_matter(texts: list[str], rng: random.Random) -> None:
    def docs() -> list[Doc]:
        return [make_doc(text, offset=i) for i, text in enumerate(texts)]

    check_any_split(step(corner_quotes=True, drop_urls=True), docs, rng)


def test_neighbours_do_not_matter_on_samples() -> None:
    check_any_split(step(), lambda: [doc for name in CLEAN for doc in sample_docs(name)], random.Random(1))
