"""The kernels of `normalize` and of the search for phrases against their plain twins in `tests/naive_work.py`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cleaning.text.charclass import utf32
from cleaning.text.code import code_mask, outside_code
from cleaning.text.view import fold_batch, fold_phrases
from cleaning.text.view_search import may_hold, phrase_keys, tokens_of
from cleaning.text.work_kernels import WORK_COLUMNS, shrink_texts, trim_texts, work_of
from tests import naive_work
from tests.samples import real_texts
from tests.strategies import batches

MARKS = [
    *"!～~，。…—.,\n \t`a好é<&;x#/>1", "！！！！", "。。。", "~~~~", "......", "———", "```", "~~~", "\n    ", "\n\t", "\u2003", "\x1c",
    "\x85", "好 好 好 ", "<p>", "</DIV >", "<script x", "<T>", "<!--", "&amp;", "&#12;", "& b;", "Ã©", "ä¸", "鐢佃剳", "＜",
    "\u212a", "<lin\u212a>",
]  # fmt: skip
MIXED = st.lists(st.sampled_from(MARKS), max_size=24).map("".join)
FOLDED = st.lists(st.sampled_from([*"加微信aＡé9.·，\n\t ①²㊗😀𠀀", "   ", "    ", "bet", "365", "\u200b"]), max_size=16).map("".join)
LONG = "online casino now or never again my dear old friend"
PHRASES = ["加微信", "bet365", "a b", "微信号", LONG, "加微信加微信加微信", "信 bet 365 加", "dont"]


def check_work(texts: list[str]) -> None:
    for row, text in zip(work_of(utf32(texts)).tolist(), texts, strict=True):
        ours, twin = dict(zip(WORK_COLUMNS, row, strict=True)), naive_work.find_work(text)
        assert ours | {"markup": True} == twin | {"markup": True}
        assert ours["markup"] >= twin["markup"]  # a true may be in vain
    assert trim_texts(texts) == [naive_work.trim_codes(text) for text in texts]
    assert shrink_texts(texts) == [naive_work.shrink_codes(text) for text in texts]
    for fences_only in (False, True):
        check_code(texts, fences_only)


def check_code(texts: list[str], fences_only: bool) -> None:
    """Neighbouring pieces have different numbers, also across documents."""
    codes, offsets = utf32(texts)
    inside, pieces = code_mask(codes, offsets, fences_only=fences_only)
    expected, n = np.zeros(codes.size, np.uint8), 0
    for text, at in zip(texts, offsets.tolist(), strict=False):
        for first, last in naive_work.find_code(text, fences_only):
            n += 1
            expected[at + first : at + last] = 1 + (n & 1)
    assert (inside.tolist(), pieces) == (expected.tolist(), n)


def check_search(texts: list[str], phrases: list[str]) -> None:
    tokens, ends = tokens_of(utf32(texts))
    twins = [naive_work.view_tokens(text) for text in texts]
    assert tokens[: ends[-1]].tolist() == [naive_work.token_hash(token) for of in twins for token in of]
    assert ends.tolist() == np.cumsum([0, *map(len, twins)]).tolist()
    heads = [naive_work.view_tokens(phrase) for phrase in phrases]
    ours = may_hold(utf32(texts), phrase_keys(phrases)).tolist()
    assert ours == [naive_work.find_phrases(of, heads) for of in twins]
    views = fold_batch(texts)
    for d, found in enumerate(ours):
        view = views.text[views.start[d] : views.start[d + 1]].decode()
        assert found or not any(phrase in view for phrase in fold_phrases(phrases)), texts[d]


@given(batches)
def test_work_agrees_with_its_twins(texts: list[str]) -> None:
    check_work(texts)


@given(st.lists(MIXED, max_size=4))
@example(["```\na\n``` \n~~~\nb\n~~~\n    <p>\n    x = 1", "a`b`！！！！`c", "\u2003~~~~ x~~~~", "~~~x\n~~~~\n~~~"])
@example(["<K", "&", "<", "</", "<!", "<!-", "&#", "Ã", "\xd7\x80", "鐢佃剳鐢佃剳鐢佃剳", " \n", "\n \n\n x \n"])
def test_work_agrees_on_marks_markup_and_code(texts: list[str]) -> None:
    check_work(texts)


def test_work_and_search_agree_on_real_text(shared_data: Path) -> None:
    texts = real_texts(shared_data)
    check_work(texts)
    check_search(texts, ["原因", "the following", "我们"])


@given(batches)
def test_search_agrees_with_its_twins(texts: list[str]) -> None:
    check_search(texts, PHRASES)


@given(st.lists(FOLDED, max_size=4))
@example(["加.微 信", "bet①", "BET365！", "a·b", "加    微信", "我加微信号", "信bet 365加"])
def test_no_document_with_a_phrase_is_left_out(texts: list[str]) -> None:
    check_search(texts, PHRASES)


@pytest.mark.parametrize("phrase", PHRASES)
def test_a_phrase_is_found_whole_only(phrase: str) -> None:
    keys = phrase_keys([phrase])
    short = phrase[: min(len(phrase) - 2, 24)]  # under eight tokens, where the phrase has more
    assert may_hold(utf32([f"x，{phrase}，x", f"x，{short}，x", ""]), keys).tolist() == [True, False, False]


def test_a_sign_as_a_phrase_is_looked_for_everywhere() -> None:
    assert may_hold(utf32(["好", ""]), phrase_keys(["①②"])).tolist() == [True, True]


def test_outside_code_gives_every_part_once() -> None:
    assert outside_code("甲`a`乙\n    x = 1\n丙", lambda part: f"[{part}]") == "[甲]`a`[乙\n]    x = 1[\n丙]"
