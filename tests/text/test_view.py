"""The folded view: what hides a phrase is gone, what parts two words stays, and every byte knows where it came from."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cleaning.text import view
from cleaning.text.charclass import utf32
from cleaning.text.view import fold_batch, fold_phrases
from tests import naive
from tests.samples import real_texts
from tests.strategies import any_texts, batches

# every kind of character that folding tells apart, in UTF-8 of every length; หรือ and ก take three bytes, and two blanks around them
PIECES = [*"加微aＡé9ก.·，\n\t 　-．、😀𠀀", "\u200b", "\ud800", "\0", "    ", "ก😀", "ก𠀀"]
ODD = st.lists(st.sampled_from(PIECES), max_size=60).map("".join)


def views(texts: list[str]) -> list[str]:
    """The views of some texts, each without its last newline."""
    made = fold_batch(texts)
    ends = zip(made.start[:-1].tolist(), made.start[1:].tolist(), strict=True)
    return [made.text[low : high - 1].decode() for low, high in ends]


def spacious(texts: list[str]) -> tuple[list[str], int]:
    """The same with room to spare, and how many bytes there are: `fold_batch` on texts that might not fit would damage memory."""
    codes, offsets = utf32(texts)
    out, start = np.empty(8 * codes.size + 8 * len(texts) + 8, np.uint8), np.zeros(len(texts) + 1, np.int64)
    size = view.fold_codes(codes, offsets, view.view_table(), out, np.zeros(0, np.int64), start)
    data, ends = out[:size].tobytes(), zip(start[:-1].tolist(), start[1:].tolist(), strict=True)
    return [data[low : high - 1].decode() for low, high in ends], size


# -- by hand ------------------------------------------------------------------------------------------------------------------

FOLDED = [
    ("plain Chinese", "今天天气很好。", "今天天气很好。"),
    ("full stops between", "加.微.信", "加微信"),
    ("blanks between", "加 微 信", "加微信"),
    ("wide blanks", "加　微　信", "加微信"),
    ("nothing to be seen between", "加\u200b微\u00ad信", "加微信"),
    ("hearts, stars and lines", "加❤微★信丨号|码", "加微信号码"),
    ("brackets", "【加】（微）信", "【加微信"),
    ("three separators and blanks", "加- _微", "加微"),
    ("four are a gap", "加----微", "加----微"),
    ("blanks of a wide gap are a column", "姓名    年龄", "姓名\t年龄"),
    ("a wide gap with a mark loses its blanks", "加 . . 微", "加..微"),
    ("a comma is no separator", "加，微、信", "加,微、信"),
    ("lines stay apart", "加\n微", "加\n微"),
    ("full width", "ＡＢＣ１２３", " abc123 "),
    ("capitals", "Online CASINO", " online casino "),
    ("traditional", "線上賭場，萬元", "线上赌场,万元"),
    ("letters beside Chinese", "加V信号abc", "加 v 信号 abc "),
    ("letters hidden beside Chinese", "加.V-信", "加 v 信"),
    ("letters keep their separators", "a.b.c", " a . b . c "),
    ("only blanks between words", "a \u200b b", " a b "),
    ("a hyphen in a word", "well-known", " well - known "),
    ("numbers", "24小时 bet365", " 24 小时 bet365 "),
    ("accents are no evasion", "Café", " café "),
    ("kana and Hangul are like Han", "ラ ー メ ン 한 국", "ラーメン한국"),
    ("beyond the first plane", "𠀀 𠀁😀a", "𠀀𠀁😀 a "),
    ("a lone surrogate", "a\ud800b", " a \ufffd b "),
    ("NUL cannot be the end of anything", "a\0", " a \ufffd"),
    ("nothing", "", ""),
    ("only separators", "···", "···"),
    ("separators at the ends", "·加微·", "·加微·"),
    ("controls stay", "a\x1bb", " a \x1b b "),
]


@pytest.mark.parametrize(("text", "expected"), [case[1:] for case in FOLDED], ids=[case[0] for case in FOLDED])
def test_folded(text: str, expected: str) -> None:
    assert views([text]) == [expected]


HIDDEN = ["加.微.信", "加·微·信", "加 微 信", "加\u200b微\ufeff信", "加❤微❤信", "加*微*信", "加丨微|信", "加【微】信", "加\t微 信"]


@pytest.mark.parametrize("text", HIDDEN)
def test_hidden_phrases_are_found(text: str) -> None:
    (phrase,) = fold_phrases(["加微信"])
    assert phrase in views([f"快来{text}吧"])[0]


def test_letters_are_whole_words() -> None:
    (bet,) = fold_phrases(["bet"])
    whole, part = ("bet", "Bet!", "去bet吧", "a bet, a", "ＢＥＴ"), ("better", "alphabet", "bet365", "be-t")
    assert [bet in view_of for view_of in views([*whole, *part])] == [True] * 5 + [False] * 4


def test_entries_are_folded_like_texts() -> None:
    entries = ["加V信", " Online  Casino ", "萬元", "1对1", "a\nb", ""]
    assert fold_phrases(entries) == ["加 v 信", " online casino ", "万元", " 1 对 1 ", " a b ", ""]


@given(any_texts.map(lambda t: t.strip().replace("\n", " ")))
def test_an_entry_is_found_where_it_was_written(text: str) -> None:
    (phrase,) = fold_phrases([text])
    assert phrase in views([text])[0]


def test_documents_do_not_touch() -> None:
    made = fold_batch(["加", "微信", "", "a", "b"])
    assert made.text.decode() == "加\n微信\n\n a \n b \n"
    assert made.start.tolist() == [0, 4, 11, 12, 16, 20]


def test_no_text_at_all() -> None:
    made = fold_batch([])
    assert (made.text, made.start.tolist(), made.origin.size) == (b"", [0], 0)


# -- against the twin ---------------------------------------------------------------------------------------------------------


@given(batches)
@example(["加\t\t\t\t微 . . 信", "..a..", "\U000e0100", "a\U000e0100b", "𝐚b 加𝐚微"])
def test_view_agrees_with_its_twin(texts: list[str]) -> None:
    assert spacious(texts)[0] == [naive.fold_codes(text) for text in texts]


@given(st.lists(ODD, max_size=4))
def test_view_of_odd_mixtures_agrees_with_its_twin(texts: list[str]) -> None:
    assert spacious(texts)[0] == [naive.fold_codes(text) for text in texts]


def test_view_agrees_with_its_twin_on_real_text(shared_data: Path) -> None:
    texts = real_texts(shared_data)
    assert views(texts) == [naive.fold_codes(text) for text in texts]


@given(batches)
def test_a_view_does_not_depend_on_the_batch(texts: list[str]) -> None:
    assert spacious(texts)[0] == [spacious([text])[0][0] for text in texts]


# -- how much room a view takes -----------------------------------------------------------------------------------------------


def overflow(texts: list[str]) -> int:
    """How many bytes `fold_batch` would write beyond its buffer."""
    real, seen = view.fold_codes, []

    def roomy(codes: Any, offsets: Any, table: Any, out: Any, origin: Any, start: Any) -> int:
        space = np.zeros(8 * codes.size + 8 * len(texts) + 8, np.uint8)
        size = int(real(codes, offsets, table, space, np.zeros(0, np.int64), start))
        seen.append(size - out.size)
        return min(size, out.size)

    with mock.patch.object(view, "fold_codes", roomy):
        fold_batch(texts)
    return max(0, *seen)


@given(st.lists(any_texts, min_size=1, max_size=4))
def test_a_view_fits_its_buffer(texts: list[str]) -> None:
    assert overflow(texts) == 0


@pytest.mark.parametrize("char", [*"a加é,.ก、\n \ud800", "😀", "𠀀", "あ"])
def test_a_view_of_one_kind_fits_its_buffer(char: str) -> None:
    assert overflow([char]) == overflow([char] * 20) == overflow([char * 50]) == 0




@pytest.mark.parametrize("pair", ["ก😀", "ก𠀀", "क😀"])
def test_letters_and_emoji_in_turn_fit_the_buffer(pair: str) -> None:
    assert overflow([pair * 100]) == 0


@given(st.lists(ODD.map(lambda t: t * 9), min_size=1, max_size=3))
@example(["ก😀" * 30])
def test_odd_mixtures_fit_the_buffer(texts: list[str]) -> None:
    assert overflow(texts) == 0


# -- origins ------------------------------------------------------------------------------------------------------------------


def test_origins_by_hand() -> None:
    made = fold_batch(["加.微", "Ｂet，"], origins=True)
    assert made.text.decode() == "加微\n bet ,\n"
    assert made.origin.tolist() == [0, 0, 0, 2, 2, 2, 3, 3, 3, 4, 5, 5, 6, 7]
    assert fold_batch(["加"]).origin.size == 0


@given(st.lists(any_texts, max_size=4))
def test_origins_map_back(texts: list[str]) -> None:
    """Every character of a view is the folded one of the place that it names; places never run backward."""
    made, whole = fold_batch(texts, origins=True), "".join(texts)
    assert made.origin.size == len(made.text)
    assert (np.diff(made.origin) >= 0).all()
    bounds = np.cumsum([0, *map(len, texts)])
    for d in range(len(texts)):
        low, high = int(made.start[d]), int(made.start[d + 1])
        at = low
        for char in made.text[low : high - 1].decode():
            size = len(char.encode())
            places = set(made.origin[at : at + size].tolist())
            assert len(places) == 1
            (place,) = places
            assert bounds[d] <= place < bounds[d + 1]
            source = whole[place]
            folded = "\ufffd" if source == "\0" or "\ud800" <= source <= "\udfff" else naive.fold_char(source)
            assert char in (folded, " ", "\t")
            at += size
        assert made.origin[at] == bounds[d + 1]


def test_origins_survive_a_shuffle_of_documents() -> None:
    texts = ["加.微.信 a", "", "Ｂ", "𠀀 x 𠀁"]
    order = random.Random(3).sample(range(4), 4)
    made, other = fold_batch(texts, origins=True), fold_batch([texts[i] for i in order], origins=True)
    first, moved = np.cumsum([0, *map(len, texts)]), np.cumsum([0, *(len(texts[i]) for i in order)])
    for k, i in enumerate(order):
        ours = other.origin[other.start[k] : other.start[k + 1]] - moved[k]
        assert ours.tolist() == (made.origin[made.start[i] : made.start[i + 1]] - first[i]).tolist()
