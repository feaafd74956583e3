"""Metrics that are regular expressions: counted by hand, on ordinary pages and on what only looks alike."""

from __future__ import annotations

import math
import statistics
import time

import pytest
from hypothesis import given

from cleaning.text.patterns import PATTERN_METRICS, measure_patterns
from tests.strategies import any_texts


def measure(text: str, name: str) -> float:
    """One of PATTERN_METRICS of a text."""
    return measure_patterns(text)[PATTERN_METRICS.index(name)]


HAND = [
    ("【热门】好的【】", "bracket_char_ratio", 2 / 8),
    ("【热\n门】", "bracket_char_ratio", 0),
    ("【a【b】c】", "bracket_char_ratio", 1 / 7),  # the innermost
    ("这是文章。查看全文\n下一篇 更多>>\n没有更多内容了\n", "readmore_line_ratio", 2 / 3),
    ("He went on. Read more »\nLearn more...\nShow More\nLearn more about us\n\n", "readmore_line_ratio", 3 / 4),
    ("閱讀全文\n查看詳情 》", "readmore_line_ratio", 1),
    ("请打开JavaScript。\njavascript:void(0)\njava script\nJAVASCRIPT javascript", "javascript_lines", 3),
    ("By using this you accept the Terms of Use.\nPrivacy Policy | Cookie Policy\nThis site uses cookies.\nA policy.", "policy_lines", 3),
    ("Lorem ipsum dolor sit. LOREM IPSUM. lorem  ipsum", "lorem_ipsum", 2),
    ("第一章 雨\n第12章 雪\n第章\n第一百二十三章\n第壹章 第〇章", "chapter_marks", 4),
    ("（一）甲（12）乙(3)丙（十二)丁()（a）（1234）", "bracket_numbers", 4),
    ("<b>好</b><br/>&nbsp;&#13; a < b > c <3 & co; x<y", "html_tags", 5),
    ("<a href='x'\n>", "html_tags", 0),  # over two lines it may be anything
    ("R&D; AT&T;  &amp; &toolongname;", "html_tags", 1),
    ("一二三、四五\n六", "item_mean_chars", 2),
    ("一二三、四五\n六", "item_std_chars", statistics.pstdev([3, 2, 1])),
    ("一二三，四五、 六 \n\n", "clause_mean_chars", 2),
    ("一二三，四五、六", "item_mean_chars", (6 + 1) / 2),
]


@pytest.mark.parametrize(("text", "name", "expected"), HAND, ids=[f"{name}-{i}" for i, (_, name, _) in enumerate(HAND)])
def test_by_hand(text: str, name: str, expected: float) -> None:
    assert measure(text, name) == pytest.approx(expected)


def test_outliers_are_left_out() -> None:
    """One part of a hundred characters among twenty short ones says nothing about the list."""
    text = "、".join(["甲乙"] * 20 + ["长" * 100])
    assert measure(text, "item_mean_chars") == 2
    assert measure(text, "item_std_chars") == 0
    assert measure("甲乙、" + "长" * 100, "item_mean_chars") == 51  # two parts have no outlier


def test_nothing_to_divide_by() -> None:
    values = dict(zip(PATTERN_METRICS, measure_patterns(" \n\t"), strict=True))
    undefined = {name for name, value in values.items() if math.isnan(value)}
    assert undefined == {name for name in PATTERN_METRICS if name.endswith(("_ratio", "_mean_chars", "_std_chars"))}
    assert all(value == 0 for name, value in values.items() if name not in undefined)


@given(any_texts)
def test_values_are_ratios_and_counts(text: str) -> None:
    for name, value in zip(PATTERN_METRICS, measure_patterns(text), strict=True):
        assert math.isnan(value) or value >= 0
        assert not name.endswith("_ratio") or not value > 1


def seconds(text: str) -> float:
    start = time.perf_counter()
    measure_patterns(text)
    return time.perf_counter() - start


HOSTILE = ["<a", "&a", "&#1", "第一", "（一", "更多 ", "、", "【】", "lorem ", "a\n"]


@pytest.mark.parametrize("piece", HOSTILE)
def test_hostile_text_is_fast(piece: str) -> None:
    assert seconds(piece * 100_000) < 5


def test_open_brackets_are_fast() -> None:
    assert seconds("【" * 40_000) < 1
