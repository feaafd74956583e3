"""Stage `normalize` through batches: what it notes and counts, what it leaves alone, and that neighbours do not matter."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from cleaning.doc import Doc, Drop
from cleaning.stages.normalize import _ENTRIES, Normalize, NormalizeParams, NormalizeStep
from tests.samples import CLEAN, make_doc, run_step, sample_docs
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


# -- laws ---------------------------------------------------------------------------------------------------------------------


@given(batches, st.randoms(use_true_random=False))
def test_neighbours_do_not_matter(texts: list[str], rng: random.Random) -> None:
    def docs() -> list[Doc]:
        return [make_doc(text, offset=i) for i, text in enumerate(texts)]

    check_any_split(step(corner_quotes=True, drop_urls=True), docs, rng)


def test_neighbours_do_not_matter_on_samples() -> None:
    check_any_split(step(), lambda: [doc for name in CLEAN for doc in sample_docs(name)], random.Random(1))
