"""Citation marks: what goes, and the many square brackets that are something else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleaning.text.citations import drop_citations
from tests.samples import sample_texts
from tests.strategies import any_texts

GONE = [
    ("behind a character", "北京是首都[1]，人口两千万。", "北京是首都，人口两千万。"),
    ("behind a mark", "他说：“好。”[12]然后走了。[13]", "他说：“好。”然后走了。"),
    ("a range", "人口两千万[3-5]，面积[6–8]。", "人口两千万，面积。"),
    ("a list", "人口[1,2, 5]、面积[3，4]和[7、9]", "人口、面积和"),
    ("full width", "首都［12］是北京。", "首都是北京。"),
    ("behind a closing bracket", "《史记》[4]记载（见前）[5]", "《史记》记载（见前）"),
    ("in English", "It rained.[1] It snowed[2] again,[3] he said.", "It rained. It snowed again, he said."),
    ("links to edit", "历史[编辑]\n早期[編輯]\nHistory[edit]", "历史\n早期\nHistory"),
    ("asked for", "他死于1900年[来源请求]。[來源請求] She won[citation needed].", "他死于1900年。 She won."),
    ("notes", "他[注 3]和她[註12]，them[note 4]", "他和她，them"),
    ("other brackets", "他【来源请求】说［编辑］", "他说"),
    ("questions", "Some[who?] say[when?] so[clarification needed].", "Some say so."),
]


@pytest.mark.parametrize(("text", "expected"), [case[1:] for case in GONE], ids=[case[0] for case in GONE])
def test_gone(text: str, expected: str) -> None:
    assert drop_citations(text) == expected


STAYS = [
    ("an array", "见 list[0] 和 list[1] 和 list[2]。"),
    ("an array without 0, alone", "It is in a[1]."),
    ("an item that is assigned", "列表[1]=5，表[2]:三"),
    ("a link", "见文档[1](http://a.cn)"),
    ("a link by reference", "[1]: http://a.cn\n[2]: http://b.cn"),
    ("a reference at the head of a line", "[1] 王某. 书名. 北京, 2001.\n[2] 李某."),
    ("behind a blank", "第 [1] 组，又 [12]。"),
    ("years and long numbers", "公元[2024]年，电话[12345]"),
    ("words", "他[笑]说[sic]，[]，[a]，[1a]"),
    ("a Chinese bracket with a number", "【1】第一条【2】第二条"),
    ("a nested bracket", "好[[1]]"),
    ("code", "数组 `a[1]`：\n```\n值[1] = 值[2]\n```\n好。"),
    ("no bracket at all", "没有。"),
    ("an open bracket", "好[1"),
    ("nothing", ""),
]


@pytest.mark.parametrize("text", [case[1] for case in STAYS], ids=[case[0] for case in STAYS])
def test_stays(text: str) -> None:
    assert drop_citations(text) == text


def test_code_stays_where_citations_go() -> None:
    text = "首都[1]\n```\n值[1]\n```\n`值[2]`人口[2]"
    assert drop_citations(text) == "首都\n```\n值[1]\n```\n`值[2]`人口"


def test_what_templates_leave_goes() -> None:
    assert drop_citations("史记，pp=12–15, 18 卷一。p=7") == "史记，卷一。"
    assert drop_citations("the map=12 and step=4") == "the map=12 and step=4"


HARD = [
    ("several in a row", "人口两千万[1][2][3]。", "人口两千万。", "of several marks in a row none goes"),
    ("an interval", "函数在[0,1]上连续。", "函数在[0,1]上连续。", "an interval behind a Chinese character is taken for a citation"),
    ("an index from 0", "数组[0]是第一个元素。", "数组[0]是第一个元素。", "a [0] behind a Chinese character is taken for a citation"),
    ("a p-value", "差异显著(p=0.05)。", "差异显著(p=0.05)。", "p= of a p-value is taken for a page number of wiki templates"),
    ("an address", "见 http://a.cn/?p=123 页", "见 http://a.cn/?p=123 页", "?p=123 is cut out of a web address"),
    ("lines behind a page", "史记，p=12\n\n第二段", "史记，\n\n第二段", "the newlines behind p=12 go, and two paragraphs are joined"),
]


@pytest.mark.parametrize(("text", "expected"), [case[1:3] for case in HARD], ids=[case[0] for case in HARD])
def test_hard_case(text: str, expected: str) -> None:
    assert drop_citations(text) == expected


# -- laws ---------------------------------------------------------------------------------------------------------------------

PIECES = ["[1]", "[2]", "[3-5]", "[12]", "[编辑]", "[edit]", "好", "a", "。", ". ", "\n", "[", "]", "`", "：", "“", "p=3", "9", " "]
bracketed = st.lists(st.sampled_from(PIECES), max_size=20).map("".join)


@given(any_texts)
def test_text_without_marks_is_left_alone(text: str) -> None:
    if not set("[［【=") & set(text):
        assert drop_citations(text) == text


@given(st.one_of(bracketed, any_texts))
def test_only_marks_go(text: str) -> None:
    """What is left is the text with pieces taken out, and each of them was a mark or a page number."""
    left, at = drop_citations(text), 0
    for char in left:
        at = text.index(char, at) + 1
    assert len(left) == len(text) or set("[［【=") & set(text)


def test_twice_is_once_on_samples() -> None:
    for text in sample_texts():
        once = drop_citations(text)
        assert drop_citations(once) == once


def test_twice_is_once() -> None:
    once = drop_citations("好[0] a[1] b[2]")
    assert drop_citations(once) == once


def test_many_open_brackets_are_fast() -> None:
    for text in ("好[" * 100_000, "好[1" * 50_000, "好[1,1,1,1" * 20_000, "p=1" * 50_000, "p=" + "1" * 100_000, "好[1]" * 50_000):
        drop_citations(text)
