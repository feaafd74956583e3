"""Whole lines that are on a list: what makes two lines equal, what a number is, and that code is left alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cleaning.rules.line_lists import _open_table
from cleaning.text.charclass import utf32
from cleaning.text.line_match import LONGEST_LINE, fold_hash, fold_line, line_table, match_lines
from tests import naive
from tests.samples import real_texts
from tests.strategies import any_texts

Found = list[tuple[int, int, str]]


def found(texts: list[str], whole: list[str], heads: list[str]) -> list[Found]:
    """What the kernel finds in each text, with the folded entry instead of its number."""
    folded = [fold_line(entry) for entry in whole] + [fold_line(entry, beginning=True) for entry in heads]
    tables = [{fold_hash(points): i for i, points in enumerate(folded) if points and (i >= len(whole)) == head} for head in (False, True)]
    sizes = np.zeros(LONGEST_LINE + 1, np.bool_)
    sizes[[len(points) for points in folded[len(whole) :] if 0 < len(points) <= LONGEST_LINE]] = True
    codes, offsets = utf32(texts)
    out = np.empty((int((codes == 10).sum()) + len(texts), 4), np.int64)
    count = match_lines(codes, offsets, line_table(), *_open_table(tables[0]), *_open_table(tables[1]), sizes, out)
    answer: list[Found] = [[] for _ in texts]
    for d, first, last, entry in out[:count].tolist():
        answer[d].append((first, last, "".join(map(chr, folded[entry]))))
    return answer


def lines(text: str, whole: list[str], heads: list[str] | None = None) -> list[str]:
    """The lines of one text that are found."""
    return [text[first:last] for first, last, _ in found([text], whole, heads or [])[0]]


# -- what is equal ------------------------------------------------------------------------------------------------------------

EQUAL = [
    ("as written", "上一篇", "上一篇"),
    ("blanks", "上一篇", " 上 一\u3000篇\t"),
    ("invisible characters", "上一篇", "\ufeff上一\u200b篇"),
    ("outer marks", "上一篇", "【上一篇】>>"),
    ("outer marks of the entry", "【上一篇】", "上一篇"),
    ("bullets and rules", "上一篇", "★—·上一篇·—★"),
    ("full width", "QQ登录", "ＱＱ登录"),
    ("capitals", "read more", "READ MORE"),
    ("words without blanks", "read more", "ReadMore »"),
    ("traditional", "返回首页", "返回首頁"),
    ("a carriage return", "上一篇", "上一篇\r"),
    ("a number", "阅读 0", "阅读 12"),
    ("a long number", "阅读 0", "阅读：1,234,567.8".replace("：", " ")),
    ("ten thousands", "阅读 0 次", "阅读 3.5万次"),
    ("ten thousands, traditional", "阅读 0", "閱讀 3萬"),
    ("k, w and +", "0 likes", "12k likes"),
    ("capital W", "阅读 0", "阅读 10W+"),
    ("full-width digits", "阅读 0", "阅读 １２３"),
    ("a number at the head", "0 条评论", "12条评论"),
    ("inner marks stay", "来源:网络", "来源：网络"),
]


@pytest.mark.parametrize(("entry", "line"), [case[1:] for case in EQUAL], ids=[case[0] for case in EQUAL])
def test_equal_lines(entry: str, line: str) -> None:
    assert lines(f"正文。\n{line}\n正文", [entry]) == [line]


DIFFERENT = [
    ("part of a line", "上一篇", "上一篇文章写得好"),
    ("the end of a line", "上一篇", "请看上一篇"),
    ("inner marks", "上一篇", "上-一篇"),
    ("signs that belong to code", "返回", "#返回"),
    ("a price", "0", "$12"),
    ("no number", "阅读 0", "阅读"),
    ("two numbers", "阅读 0", "阅读 1 2"),
    ("kilograms", "0", "5kg"),
    ("a date", "0", "2024-01-02"),
    ("another character", "上一篇", "下一篇"),
    ("a code point beyond the first plane", "上一篇", "上一篇𠀀"),
]


@pytest.mark.parametrize(("entry", "line"), [case[1:] for case in DIFFERENT], ids=[case[0] for case in DIFFERENT])
def test_different_lines(entry: str, line: str) -> None:
    assert lines(f"正文。\n{line}\n正文", [entry]) == []


def test_places_are_those_of_the_whole_line() -> None:
    text = "正文\n  » 首页 « \n首页\n尾"
    assert found(["首页", text, ""], ["首页"], []) == [[(0, 2, "首页")], [(3, 12, "首页"), (13, 15, "首页")], []]


def test_first_and_last_line() -> None:
    assert lines("首页\n正文\n首页", ["首页"]) == ["首页", "首页"]
    assert lines("首页\n", ["首页"]) == ["首页"]


def test_numbers_in_entries() -> None:
    assert [bytes(fold_line(text)) for text in ("12", "1,2.3", "1.", "3k", "3kb", "3m2", "1 2", "10+x")] == [
        *(b"0", b"0", b"0", b"0", b"0kb", b"0m0", b"00", b"0x"),
    ]


# -- beginnings ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "line", "expected"),
    [
        ("来源：", "来源：新华网", True),
        ("来源：", "來源: 新华网 记者 王某", True),
        ("来源：", "来源", False),
        ("来源：", "消息来源：新华网", False),
        ("subscribe to", "Subscribe to our newsletter", True),
        ("subscribe to", "subscribe today", False),  # no end of a word
        ("subscribe to", "subscribe to", True),
        ("subscribe to", "Subscribe to: us", True),
        ("第 0 页", "第 12 页 共 30 页", True),
        ("版权所有", "版权所有" + "x" * 76, True),
        ("版权所有", "版权所有" + "x" * 77, False),  # 81 characters: text
        ("版权所有", "© 版权所有", False),
    ],
)
def test_beginnings(head: str, line: str, expected: bool) -> None:
    assert lines(f"正文\n{line}\n", [], [head]) == [line] * expected


def test_the_shortest_beginning_and_before_it_the_whole_line() -> None:
    assert found(["来源：新华网"], [], ["来源：新", "来源："]) == [[(0, 6, "来源:")]]
    assert found(["来源：新华网"], ["来源：新华网"], ["来源："]) == [[(0, 6, "来源:新华网")]]


def test_a_latin_word_ends_before_a_chinese_character() -> None:
    assert lines("QQ群里见", [], ["QQ"]) == ["QQ群里见"]


# -- length -------------------------------------------------------------------------------------------------------------------


def test_a_line_of_eighty_characters_is_the_longest() -> None:
    entry = "长" * LONGEST_LINE
    assert lines(entry, [entry]) == [entry]
    assert lines(entry + "长", [entry + "长"]) == []
    assert lines(" ".join(entry), [entry]) == [" ".join(entry)]


# -- code ---------------------------------------------------------------------------------------------------------------------

FENCED = [
    ("a block", "首页\n```\n不是首页\n首页\n```\n首页", 2),
    ("with a language", "```python\n首页\n```\n首页", 1),
    ("of tildes", "~~~\n首页\n~~~\n首页", 1),
    ("ticks inside tildes", "~~~\n```\n首页\n~~~\n首页", 1),
    ("indented", "  ```\n首页\n  ```\n首页", 1),
    ("not closed", "首页\n```\n首页\n首页", 1),
    ("longer fences", "````\n首页\n````\n首页", 1),
    ("two ticks are no fence", "``\n首页\n``", 1),
    ("two tildes are a mark", "~~首页~~", 1),
]


@pytest.mark.parametrize(("text", "count"), [case[1:] for case in FENCED], ids=[case[0] for case in FENCED])
def test_fenced_code(text: str, count: int) -> None:
    assert len(lines(text, ["首页"])) == count


@pytest.mark.parametrize("ornament", ["~~~~~~~~~~", "~~~好开心~~~"])
def test_an_ornament_is_no_fence(ornament: str) -> None:
    """`outside_code` takes ~~~ for code only where it is closed and nothing but a language stands behind it."""
    assert lines(f"正文。\n{ornament}\n正文。\n首页", ["首页"]) == ["首页"]


# -- against the twin ---------------------------------------------------------------------------------------------------------

WHOLE = ["首页", "首页|联系我们", "阅读 0", "共0页", "read more", "a", "的", "0", "©", "x" * 80]
HEADS = ["来源:", "the", "0 人", "a b", "第 0", "人"]
PIECES = [*WHOLE, *HEADS, *"首頁 \n\n,万k+「~9\u200b\U00020000", "12", "1.5", "~~~\n", "```", "Ｔhe"]
listed = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)


def twin(texts: list[str]) -> list[Found]:
    whole = ["".join(c for c, _ in naive.fold_pieces(entry)) for entry in WHOLE]
    heads = ["".join(c for c, _ in naive.fold_pieces(entry)) for entry in HEADS]
    return [naive.match_lines(text, whole, heads) for text in texts]


@given(st.lists(st.one_of(listed, any_texts), max_size=5))
@example(["第3kb", "3kg", "12。3", "1２.５万人", "the中", "a b", "\U00020000a b\U00020000", "\x01\x02 0 人"])
def test_matching_agrees_with_its_twin(texts: list[str]) -> None:
    assert found(texts, WHOLE, HEADS) == twin(texts)


def test_matching_agrees_with_its_twin_on_real_text(shared_data: Path) -> None:
    texts = real_texts(shared_data)
    assert found(texts, WHOLE, HEADS) == twin(texts)
    assert any(found(texts, WHOLE, HEADS))


@given(st.lists(listed, min_size=1, max_size=5))
def test_matches_do_not_depend_on_the_batch(texts: list[str]) -> None:
    assert found(texts, WHOLE, HEADS) == [found([text], WHOLE, HEADS)[0] for text in texts]


@given(any_texts.map(lambda t: t.replace("\n", " ")))
def test_folding_agrees_with_the_twin(text: str) -> None:
    for beginning in (False, True):
        bare = text
        while bare and naive.outer(bare[0]):
            bare = bare[1:]
        while bare and not beginning and naive.outer(bare[-1]):
            bare = bare[:-1]
        assert "".join(map(chr, fold_line(text, beginning=beginning))) == "".join(c for c, _ in naive.fold_pieces(bare))
