"""The kernels against their plain twins in `tests/naive.py`, and the laws that batches obey."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cleaning.text import kernels
from cleaning.text.charclass import BIT, char_tables, classes_with, utf32
from cleaning.text.line_metrics import LINE_METRICS, line_matrix
from cleaning.text.metrics import METRICS, MetricSet, _masks
from tests import naive
from tests.strategies import any_texts, batches, repetitive

TOP, DUP = (2, 3, 4), (5, 6, 7, 8, 9, 10, 13)

FIXED = (
    "",
    " ",
    "\n\n\n",
    "。",
    "的",
    "\ud800",
    "。。",
    "a。",
    "。",  # a mark at the end of one document and one at the start of the next are not doubled
    "床前明月光，疑是地上霜。\n举头望明月，低头思故乡。",
    "人人人人人人人人",
    "The cat sat. THE CAT SAT. the cat sat.",
    "首页\n新闻\n首页\n  首页  \n首 页\n首\u200b页\n联系我们",
    "• one\n- two\n— three\nfour…\n“five.”\nsix",
    "ABC Abc A B2 ABCDE 123 1a２３ ｂ",
    "cafe\u0301 naïve Ångström Σίσυφος Привет",
    "𠀀𠀁𠀂，\U0002a6d6々〇。",
    "日本語のテキスト。한국어 텍스트.",
    "to be or not to be that is the question we have with of and",
    "第1章\r\n第2章\r\n\r\n第1章\r",
    "😀👩\u200d👩 ★★★ →→ \ufffd\ufffd \ue000 \x00",
    "x" * 31 + "\n" + "y" * 30 + "。\n" + "一二三四五六\n一二三四五六七\n一二三四五六。",
    "的" * 999 + "了" * 3 + " word" * 20,
    "一 " * 3 + "a b c d e f g h i j k l m " * 3,
)


def lines_of_kernel(texts: list[str]) -> list[dict[str, int]]:
    codes, offsets = utf32(texts)
    out = np.zeros((len(texts), len(kernels.LINE_COLUMNS)), np.int64)
    m = _masks()
    kernels.measure_lines(
        codes, offsets, char_tables().class_of, m.is_space, m.is_end, m.is_closer, m.is_bullet, m.is_dots, m.unit_kind, out
    )
    return [dict(zip(kernels.LINE_COLUMNS, row, strict=True)) for row in out.tolist()]


def units_of_kernel(texts: list[str]) -> list[dict[str, float]]:
    codes, offsets = utf32(texts)
    out, entropy = np.zeros((len(texts), len(kernels.UNIT_COLUMNS)), np.int64), np.zeros(len(texts), np.float64)
    m = _masks()
    kernels.measure_units(codes, offsets, char_tables().class_of, m.unit_kind, m.is_upper, m.lower, m.stop_en, out, entropy)
    rows = zip(out.tolist(), entropy.tolist(), strict=True)
    return [{**dict(zip(kernels.UNIT_COLUMNS, row, strict=True)), "entropy": h} for row, h in rows]


def repetition_of_kernel(texts: list[str]) -> list[dict[str, float]]:
    codes, offsets = utf32(texts)
    out = np.zeros((len(texts), len(TOP) + len(DUP)), np.float64)
    m = _masks()
    top, dup = np.array(TOP, np.int64), np.array(DUP, np.int64)
    kernels.measure_repetition(codes, offsets, char_tables().class_of, m.unit_kind, m.is_upper, m.lower, top, dup, out)
    names = [f"top_{n}" for n in TOP] + [f"dup_{n}" for n in DUP]
    return [dict(zip(names, row, strict=True)) for row in out.tolist()]


def classes_of_kernel(texts: list[str]) -> list[dict[int, int]]:
    codes, offsets = utf32(texts)
    out = np.zeros((len(texts), 256), np.int64)
    kernels.count_classes(codes, offsets, char_tables().class_of, out)
    return [{c: n for c, n in enumerate(row) if n} for row in out.tolist()]


def clauses_of_kernel(texts: list[str]) -> list[tuple[int, int]]:
    codes, offsets = utf32(texts)
    out = np.zeros((len(texts), 2), np.int64)
    kernels.measure_clauses(codes, offsets, char_tables().class_of, _masks().is_han, out)
    return [(a, b) for a, b in out.tolist()]


def doubled_of_kernel(texts: list[str]) -> list[bool]:
    codes, offsets = utf32(texts)
    out = np.zeros(len(texts), np.bool_)
    kernels.find_doubled(codes, offsets, char_tables().class_of, classes_with("punct", "symbol"), out)
    answer: list[bool] = out.tolist()
    return answer


def same(ours: dict[str, Any], twin: dict[str, Any]) -> None:
    """The same keys, and values equal up to rounding, NaN equal to NaN."""
    assert ours.keys() == twin.keys()
    assert {k: float(v) for k, v in ours.items()} == pytest.approx({k: float(v) for k, v in twin.items()}, rel=1e-9, abs=1e-9, nan_ok=True)


def check_batch(texts: list[str]) -> None:
    """Every kernel on one batch against its twin on each text."""
    for k, (ours, twin) in enumerate(zip(classes_of_kernel(texts), naive.count_classes(texts), strict=True)):
        assert ours == twin, f"document {k}"
    for text, lines, units, repetition in zip(
        texts, lines_of_kernel(texts), units_of_kernel(texts), repetition_of_kernel(texts), strict=True
    ):
        same(lines, naive.measure_lines(text))
        same(units, naive.measure_units(text))
        same(repetition, naive.measure_repetition(text, TOP, DUP))
    assert clauses_of_kernel(texts) == [naive.measure_clauses(text) for text in texts]
    assert doubled_of_kernel(texts) == [naive.find_doubled(text) for text in texts]


@given(batches)
def test_kernels_agree_with_their_twins(texts: list[str]) -> None:
    check_batch(texts)


@given(st.lists(repetitive, min_size=1, max_size=3))
def test_kernels_agree_on_repetitive_text(texts: list[str]) -> None:
    check_batch(texts)


@pytest.mark.parametrize("text", FIXED)
def test_kernels_agree_on_fixed_text(text: str) -> None:
    check_batch([text])


def test_kernels_agree_on_all_fixed_texts_as_one_batch() -> None:
    check_batch(list(FIXED))


@pytest.mark.parametrize("char", ["的", "a", "1", " ", "\n", "。", "\ufffd", "\u0301"])
def test_kernels_agree_on_constant_text(char: str) -> None:
    check_batch([char * n for n in (1, 2, 13, 14, 100)])


@given(st.lists(st.lists(any_texts.map(lambda t: t.replace("\n", " ")), min_size=1, max_size=4), max_size=4))
@example([[""], ["a"], ["", "", "b。"], [""], [""]])
@example([["", ""], ["\ud800"]])
def test_line_matrix_agrees_with_its_twin(documents: list[list[str]]) -> None:
    matrix = line_matrix(documents)
    lines = [line for document in documents for line in document]
    assert matrix.shape == (len(lines), len(LINE_METRICS))
    for row, expected in zip(matrix.tolist(), naive.count_lines(lines), strict=True):
        assert list(expected) == list(LINE_METRICS)
        assert row == pytest.approx([float(np.float32(v)) for v in expected.values()], rel=1e-6, nan_ok=True)


# -- edges --------------------------------------------------------------------------------------------------------------------


def test_empty_batch() -> None:
    assert MetricSet(METRICS).compute([]).shape == (0, len(METRICS))
    assert line_matrix([]).shape == (0, len(LINE_METRICS))
    check_batch([])


def test_batch_of_empty_documents() -> None:
    check_batch(["", "", ""])
    check_batch(["", "有字。", "", "words here", ""])


COUNTS = {name for name, metric in METRICS.items() if metric.scale == "count" and name != "mean_line_chars"} | {"stop_en_distinct"}
OF_ALL_CHARS = {"space_ratio", "newline_ratio"}  # the denominator counts white space as well
OF_CHARS = {"han_char_ratio", "letter_ratio", "latin_char_ratio", "punct_ratio", "han_punct_ratio", "symbol_ratio", "emoji_ratio"}
OF_CHARS |= {"terminal_per_char", "curly_ratio", "garble_ratio"}
OF_LINES = {n for n, m in METRICS.items() if m.group == "lines"} - {"lines", "max_line_chars", "newline_ratio"}


def nan_names(text: str) -> set[str]:
    metrics = MetricSet(METRICS)
    return {name for name, value in zip(metrics.names, metrics.compute([text])[0].tolist(), strict=True) if math.isnan(value)}


def test_every_ratio_of_nothing_is_nan_and_every_count_is_zero() -> None:
    assert nan_names("") == set(METRICS) - COUNTS
    assert nan_names("  \n\t\n") == set(METRICS) - COUNTS - OF_ALL_CHARS


def test_ratios_are_nan_exactly_where_their_denominator_is_empty() -> None:
    assert nan_names("，。！") == set(METRICS) - COUNTS - OF_ALL_CHARS - OF_CHARS - OF_LINES
    of_latin = {"upper_ratio", "mean_word_chars", "capital_word_ratio", "stop_en_ratio"}
    assert nan_names("汉字") == of_latin
    of_han = {"rare_han_ratio", "stop_han_ratio", "stop_classical_ratio", "verse_ratio"}
    assert nan_names("word") == of_han


def test_document_longer_than_a_window() -> None:
    sentence = "今天的天气很好，我们去公园 walk the dog 12 次。\n"
    rng = random.Random(7)
    pool = [chr(rng.randrange(0x4E00, 0x9FA5)) for _ in range(3000)]
    # a million characters would do no more than these: both have more than one window of units
    varied = "".join(rng.choice(pool) if k % 40 else "。\n" for k in range(300_000))
    same_again = sentence * (300_000 // len(sentence) + 1)
    assert min(len(list(naive.units(varied))), len(same_again)) > kernels.WINDOW
    for text in (varied, same_again):
        same(units_of_kernel([text])[0], naive.measure_units(text))
        same(lines_of_kernel([text])[0], naive.measure_lines(text))
    repetition = repetition_of_kernel([varied, same_again])
    assert all(0 <= value <= 1 for row in repetition for value in row.values())
    assert repetition[0]["dup_10"] == 0
    assert repetition[1]["dup_13"] > 0.999
    assert repetition[0]["top_2"] < 0.001


def test_windows_add_up() -> None:
    """A document of exactly one window, one more unit, and one less; the twin cuts its windows by itself."""
    assert naive.WINDOW == kernels.WINDOW
    assert naive.UNIQUE_UNITS == kernels.UNIQUE_UNITS
    for units in (kernels.WINDOW - 1, kernels.WINDOW, kernels.WINDOW + 1):
        text = ("甲乙丙丁" * (units // 4 + 1))[:units]
        same(units_of_kernel([text])[0], naive.measure_units(text))
        codes, offsets = utf32([text])
        out = np.zeros((1, 2), np.float64)
        m, top, dup = _masks(), np.array([3], np.int64), np.array([5], np.int64)
        kernels.measure_repetition(codes, offsets, char_tables().class_of, m.unit_kind, m.is_upper, m.lower, top, dup, out)
        expected = naive.measure_repetition(text, (3,), (5,))
        assert out[0].tolist() == pytest.approx([expected["top_3"], expected["dup_5"]])


# -- laws ---------------------------------------------------------------------------------------------------------------------


def all_metrics(texts: list[str]) -> npt.NDArray[np.float32]:
    return MetricSet(METRICS).compute(texts)


@given(batches, st.randoms(use_true_random=False))
def test_a_row_does_not_depend_on_the_batch(texts: list[str], rng: random.Random) -> None:
    whole = all_metrics(texts)
    alone = [all_metrics([text])[0] for text in texts]
    assert np.array_equal(whole, np.array(alone, np.float32).reshape(whole.shape), equal_nan=True)
    order = rng.sample(range(len(texts)), len(texts))
    shuffled = all_metrics([texts[i] for i in order])
    assert np.array_equal(whole[order], shuffled, equal_nan=True)


@given(batches, st.sets(st.sampled_from(sorted(METRICS))))
def test_a_column_does_not_depend_on_the_other_columns(texts: list[str], names: set[str]) -> None:
    asked = sorted(names)
    some = MetricSet(asked).compute(texts)
    every = MetricSet(METRICS)
    assert np.array_equal(some, every.compute(texts)[:, [every.column[name] for name in asked]], equal_nan=True)


# -- the table that kernels and twins share -----------------------------------------------------------------------------------

# fmt: off
TABLE = [
    ("的", {"han", "stop_han"}), ("乎", {"han", "stop_classical"}), ("其", {"han", "stop_han", "stop_classical"}),
    ("㐂", {"han", "rare_han"}), ("𠀀", {"han", "rare_han"}), ("々", {"han"}), ("臺", {"han"}), ("台", {"han"}), ("の", {"kana"}),
    ("ー", {"kana"}), ("가", {"hangul"}), ("ㄅ", {"other_letter"}), ("а", {"other_letter"}), ("é", {"latin"}), ("ế", {"latin"}),
    ("A", {"latin", "upper"}), ("Ａ", {"latin", "upper", "wide_alnum"}), ("7", {"digit"}), ("７", {"digit", "wide_alnum"}),
    ("٣", {"digit"}), (" ", {"space"}), ("\t", {"space"}), ("\n", {"newline"}), ("\r", {"space", "carriage"}),
    ("\x0c", {"space", "odd_newline"}), ("\u2028", {"space", "odd_newline"}), ("　", {"space", "odd_space"}),
    ("\xa0", {"space", "odd_space"}), ("。", {"punct", "terminal", "han_punct"}), ("，", {"punct", "han_punct"}),
    ("」", {"punct", "closer", "han_punct"}), ("…", {"punct", "terminal", "ellipsis", "han_punct"}), ("#", {"punct", "hash"}),
    ("{", {"punct", "curly"}), ("<", {"symbol", "markup"}), ("&", {"punct", "markup"}), ("★", {"symbol", "emoji", "bullet"}),
    ("→", {"symbol"}), ("😀", {"symbol", "emoji"}), ("€", {"symbol"}), ("\ufffd", {"replacement"}), ("\ue000", {"private"}),
    ("\x00", {"control"}), ("\ud800", {"control"}), ("\u0378", {"control"}), ("\u200b", {"invisible"}), ("\ufeff", {"invisible"}),
    ("\xad", {"invisible"}), ("\ufe0f", {"invisible"}), ("\u0301", {"mark", "unstable"}), ("\U000e0100", {"mark"}),
]
# fmt: on


@pytest.mark.parametrize(("char", "flags"), TABLE, ids=[f"U+{ord(char):04X}" for char, _ in TABLE])
def test_table_of_character_classes(char: str, flags: set[str]) -> None:
    assert {name for name in BIT if naive.has(char, name)} - {"lead"} == flags - {"lead"}


def test_zero_of_dates_is_no_rare_character() -> None:
    assert not naive.has("〇", "rare_han")


def test_no_emoji_is_garble() -> None:
    assert not [hex(p) for p in range(0x1F300, 0x1FB00) if naive.has(chr(p), "emoji") and naive.has(chr(p), "control")]


def test_every_code_point_has_one_class_and_every_flag_is_used() -> None:
    tables = char_tables()
    assert tables.class_of.shape == (0x110000,)
    assert len(np.unique(tables.class_of)) <= 256
    for name in BIT:
        assert classes_with(name)[tables.class_of].any(), name


def test_utf32_holds_lone_surrogates_and_characters_beyond_the_first_plane() -> None:
    codes, offsets = utf32(["a\ud800", "", "𠀀"])
    assert codes.tolist() == [0x61, 0xD800, 0x20000]
    assert offsets.tolist() == [0, 2, 2, 3]
