"""The kernels against their plain twins in `tests/naive.py`, and the laws that batches obey."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cleaning.text import gram_kernels, junctions, kernels, unit_kernels
from cleaning.text.charclass import BIT, FLAGS, STOP_LZH, STOP_ZH, char_tables, classes_with, utf32
from cleaning.text.line_metrics import LINE_METRICS, line_matrix
from cleaning.text.metric_table import METRICS
from cleaning.text.metrics import MetricSet
from tests import naive
from tests.samples import real_texts
from tests.strategies import any_texts, batches, repetitive

TOP, DUP = (2, 3, 4), (5, 6, 7, 8, 9, 10, 13)
OF_TEXT = tuple(name for name, metric in METRICS.items() if metric.group not in ("notes", "jieba"))

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
    "他说，的确。把，在。的者 们。the of it , of the a.\nIt is the. And of",
    "# 题\n```py\nx = [1];\n好\n```\n| 甲 | 乙 |\n|---|---|\nfor (i = 0; i < n; i++) {\n[a](b)[c](d);\n- {}{}\n~~~\n```\n尾",
    "1. 甲\n２）乙\n三、丙\n(4) 丁\n（五）戊\n第六条 己\n第12章 庚\n第123456789条\n2024年\n12:30\n（5戊）\n第\n（",
    "“走吧。”他说\n甲：好的。\n甲乙丙丁戊己：好的。\n甲乙丙丁戊己庚：好的。\nTom: hi there.\n：好的。\n问：好",
    "甲a乙b丙c丁d戊e己，甲1 2乙3丙\n日本のパン屋で働く",
    'He left (at noon). Then 3.14. Dr. No"! Why?! Because…. a."b',
    "段一\n二\n\n段 一\n二\n \u200b\n段一\n\n\n二",
    "---\ntitle: x\n\ntags\n---\n首页\n---\n新闻",
    "---\n" + "一\n" * 50,
    "首页\n---\n一\n---\n",
    "Home » News » Sport » Contact\n| a | b | c |\n首页 | 新闻 | 体育 | 联系\n首页 | 新闻 | 体育 | 联系。\n首页｜新闻｜体育｜联系我们",
    "http://a.cn/b?c=d:// x 微-信 微x信 微，信 加·微·信",
    "iPhone PDFs aB A1b ABC a1B don't a.b 好 好，好\nabc12345 13800138000 qzvf",
    "，一。，二、；三。。四？！五，，六： ；\n、七\n  ，八；九",
    "四字成语，五言绝句诗，七言律诗诗句诗，四个汉字。",
    "哈哈哈哈 ab cd ab cd ab cd AB CD ab 一二三一二三一二三一二三一",
)


Rows = list[dict[str, Any]]


def called(texts: list[str]) -> dict[str, list[tuple[Any, ...]]]:
    """The arguments of every kernel as `MetricSet` calls it on these texts, with what the kernel has filled in."""
    calls: dict[str, list[tuple[Any, ...]]] = {}

    def recorded(real: Any, kept: list[tuple[Any, ...]]) -> Any:
        def call(*args: Any) -> None:
            real(*args)
            kept.append(args)

        return call

    with ExitStack() as patches:
        for module in (kernels, unit_kernels, gram_kernels):
            own = [n for n, f in vars(module).items() if hasattr(f, "py_func") and f.py_func.__module__ == module.__name__]
            for name in (n for n in own if not n.startswith("_")):
                kept = calls.setdefault(name, [])
                patches.enter_context(mock.patch.object(module, name, recorded(getattr(module, name), kept)))
        all_metrics(texts)
    return calls


def columns(names: Sequence[str], rows: npt.NDArray[Any]) -> Rows:
    return [dict(zip(names, row, strict=True)) for row in rows.tolist()]


def repetition_of_kernel(documents: Sequence[Sequence[str]]) -> Rows:
    """The kernel on tokens, whose hashes are made as those of units are."""
    hashes = np.array([junctions.unit_hash(token) for of in documents for token in of], np.uint64)
    chars = np.array([len(token) for of in documents for token in of], np.int32)
    ends, share = np.cumsum([0, *map(len, documents)]).astype(np.int64), np.zeros((len(documents), len(TOP) + len(DUP)))
    gram_kernels.measure_repetition(hashes, chars, ends, np.array(TOP, np.int64), np.array(DUP, np.int64), share)
    return columns((*(f"top_{n}" for n in TOP), *(f"dup_{n}" for n in DUP)), share)


def grams_of_hashes(rows: list[list[int]], n: int) -> list[tuple[int, int, int]]:
    out, offsets = np.zeros((len(rows), 3), np.int64), np.cumsum([0, *map(len, rows)]).astype(np.int64)
    gram_kernels.count_grams(np.array([h for row in rows for h in row], np.uint64), offsets, n, out)
    return [(a, b, c) for a, b, c in out.tolist()]


def same(ours: dict[str, Any], twin: dict[str, Any]) -> None:
    """The same keys, and values equal up to rounding, NaN equal to NaN."""
    assert ours.keys() == twin.keys()
    assert {k: float(v) for k, v in ours.items()} == pytest.approx({k: float(v) for k, v in twin.items()}, rel=1e-9, abs=1e-9, nan_ok=True)


def check_batch(texts: list[str]) -> None:
    """Every kernel on one batch, as the metrics call it, against its twin on each text."""
    if not texts:
        return
    calls = called(texts)
    assert all(calls.values())
    flags = columns(FLAGS, calls["count_flags"][0][-1])
    assert flags == [naive.count_flags(text) for text in texts]
    stops = STOP_ZH, STOP_LZH
    assert calls["count_distinct"][0][-1].tolist() == [[naive.count_distinct(text, of) for of in stops] for text in texts]
    blank_row = dict.fromkeys(kernels.LINE_COLUMNS, 0)
    assert columns(kernels.LINE_COLUMNS, calls["measure_lines"][0][-1]) == [blank_row | naive.measure_lines(text) for text in texts]
    assert columns(kernels.CLAUSE_COLUMNS, calls["measure_clauses"][0][-1]) == [naive.measure_clauses(text) for text in texts]
    *_, hashes, chars, ends, rows, entropy = calls["measure_units"][0]
    units = [naive.unit_hashes(text) for text in texts]
    assert ends.tolist() == np.cumsum([0, *map(len, units)]).tolist()
    assert hashes[: ends[-1]].tolist() == [junctions.unit_hash(unit) for of in units for unit in of]
    assert chars[: ends[-1]].tolist() == [len(unit) for of in units for unit in of]
    for ours, h, text in zip(columns(unit_kernels.UNIT_COLUMNS, rows), entropy.tolist(), texts, strict=True):
        same(ours | {"entropy": h}, naive.measure_units(text))
    *_, top, dup, share = calls["measure_repetition"][0]
    assert (tuple(top), tuple(dup)) == (TOP, DUP)
    for ours, of in zip(repetition_of_kernel(units), units, strict=True):
        same(ours, naive.measure_repetition(of, TOP, DUP))
    assert np.array_equal(share, [list(row.values()) for row in repetition_of_kernel(units)], equal_nan=True)
    assert [tuple(row) for row in calls["measure_runs"][0][-1].tolist()] == [naive.measure_runs(of) for of in units]
    by_document = [[junctions.unit_hash(unit) for unit in of] for of in units]
    for n in (1, 2, 5):
        assert grams_of_hashes(by_document, n) == [naive.count_grams(of, n) for of in units]


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


def test_kernels_agree_on_real_text(shared_data: Path) -> None:
    texts = real_texts(shared_data)
    assert len(texts) > 80
    for k in range(0, len(texts), 16):
        check_batch(texts[k : k + 16])




@given(batches)
@example(["a a A "])
def test_grams_of_characters_agree_with_their_twin(texts: list[str]) -> None:
    for n in (2, 3, 10):
        assert grams_of_hashes([list(map(ord, text)) for text in texts], n) == [naive.count_grams(text, n) for text in texts]


def test_grams_of_characters_agree_on_real_text(shared_data: Path) -> None:
    texts = real_texts(shared_data)
    assert grams_of_hashes([list(map(ord, text)) for text in texts], 3) == [naive.count_grams(text, 3) for text in texts]


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
    assert MetricSet(OF_TEXT).compute([]).shape == (0, len(OF_TEXT))
    assert line_matrix([]).shape == (0, len(LINE_METRICS))
    check_batch([])


def test_batch_of_empty_documents() -> None:
    check_batch(["", "", ""])
    check_batch(["", "有字。", "", "words here", ""])


# what a ratio is divided by, as its meaning says it
DENOMINATORS = {
    "all characters": len,
    "bytes": len,
    "characters of all units": lambda t: len(list(naive.units(t))),
    "of all units": lambda t: len(list(naive.units(t))),
    "characters": lambda t: len(naive.ink_of(t)),
    "letters and digits": lambda t: naive.count_flag(t, *naive.LETTERS, "digit"),
    "letters": lambda t: naive.count_flag(t, *naive.LETTERS),
    "Latin letters": lambda t: naive.count_flag(t, "latin"),
    "Han characters and words": lambda t: naive.measure_units(t)["han"] + naive.measure_units(t)["words"],
    "Han whose": lambda t: naive.count_flag(t, "traditional", "simplified"),
    "Han": lambda t: naive.count_flag(t, "han"),
    "runs of Han": lambda t: naive.count_flag(t, "han"),
    "units": lambda t: naive.measure_units(t)["units"],
    "pairs of small letters": lambda t: naive.measure_clauses(t)["pairs"],
    "all of these marks": lambda t: naive.measure_clauses(t)["marks"],
    "words": lambda t: naive.measure_units(t)["words"],
    "lines": lambda t: naive.measure_lines(t).get("lines", 0),
    "paragraphs": lambda t: naive.measure_lines(t).get("paragraphs", 0),
}
MEANS = {"mean_line_chars": "lines", "mean_clause_chars": "Han", "mean_word_chars": "words", "unit_entropy": "units"}
MEANS |= {"mean_segment_units": "units", "diversity": "units"}
MEANS |= {f"{kind}_{what}_chars": "lines" for kind in ("item", "clause") for what in ("mean", "std")}
GRAMS = {f"char_rep_{n}gram_ratio": n for n in (3, 10)}
UNIT_GRAMS = {f"unit_rep_{n}gram_ratio": n for n in (5, 10)}


def undefined(name: str, text: str) -> bool:
    """Whether a metric has nothing to be divided by."""
    if name in GRAMS:
        return len(text) < GRAMS[name]
    if name in UNIT_GRAMS:
        return len(list(naive.units(text))) < UNIT_GRAMS[name]
    if METRICS[name].scale != "ratio" and name not in MEANS:
        return False
    over = MEANS.get(name) or METRICS[name].doc.rsplit(" / ", 1)[-1]
    return not next(count(text) for what, count in DENOMINATORS.items() if over.startswith(what))


@pytest.mark.parametrize("text", ["", "  \n\t\n", "，。！", "12", "汉字", "word", "あ", "1 a", "㎡\n", "汉，a1 12\n"])
def test_a_metric_is_nan_exactly_where_its_denominator_is_empty(text: str) -> None:
    values = dict(zip(OF_TEXT, MetricSet(OF_TEXT).compute([text])[0].tolist(), strict=True))
    assert {name for name, value in values.items() if math.isnan(value)} == {name for name in OF_TEXT if undefined(name, text)}


def test_every_count_of_nothing_is_zero() -> None:
    counts = [name for name in OF_TEXT if not undefined(name, "")]
    assert MetricSet(counts).compute(["", "\n"]).tolist()[0] == [0] * len(counts)


def test_document_longer_than_a_window() -> None:
    sentence = "今天的天气很好，我们去公园 walk the dog 12 次。\n"
    rng = random.Random(7)
    pool = [chr(rng.randrange(0x4E00, 0x9FA5)) for _ in range(3000)]
    # a million characters would do no more than these: both have more than one window of units
    varied = "".join(rng.choice(pool) if k % 40 else "。\n" for k in range(300_000))
    same_again = sentence * (300_000 // len(sentence) + 1)
    assert min(len(list(naive.units(varied))), len(same_again)) > unit_kernels.WINDOW
    calls = called([varied, same_again])
    for d, text in enumerate((varied, same_again)):
        ours = columns(unit_kernels.UNIT_COLUMNS, calls["measure_units"][0][-2])[d]
        same(ours | {"entropy": float(calls["measure_units"][0][-1][d])}, naive.measure_units(text))
        lines = columns(kernels.LINE_COLUMNS, calls["measure_lines"][0][-1])[d]
        assert lines == dict.fromkeys(kernels.LINE_COLUMNS, 0) | naive.measure_lines(text)
        assert columns(kernels.CLAUSE_COLUMNS, calls["measure_clauses"][0][-1])[d] == naive.measure_clauses(text)
    repetition = columns([*(f"top_{n}" for n in TOP), *(f"dup_{n}" for n in DUP)], calls["measure_repetition"][0][-1])
    assert all(0 <= value <= 1 for row in repetition for value in row.values())
    assert repetition[0]["dup_10"] == 0
    assert repetition[1]["dup_13"] > 0.999
    assert repetition[0]["top_2"] < 0.001


def test_windows_add_up() -> None:
    """A document of exactly one window, one more unit, and one less; the twin cuts its windows by itself."""
    assert naive.WINDOW == unit_kernels.WINDOW
    assert naive.UNIQUE_UNITS == unit_kernels.UNIQUE_UNITS
    for count in (unit_kernels.WINDOW - 1, unit_kernels.WINDOW, unit_kernels.WINDOW + 1):
        text = ("甲乙丙丁" * (count // 4 + 1))[:count]
        calls = called([text])
        ours = columns(unit_kernels.UNIT_COLUMNS, calls["measure_units"][0][-2])[0]
        same(ours | {"entropy": float(calls["measure_units"][0][-1][0])}, naive.measure_units(text))
        share = calls["measure_repetition"][0][-1][0].tolist()
        twin = naive.measure_repetition(text, (3,), (5,))
        assert (share[1], share[3]) == pytest.approx((twin["top_3"], twin["dup_5"]))
        assert calls["measure_runs"][0][-1].tolist() == [[count // 4, count, count]]


# -- laws ---------------------------------------------------------------------------------------------------------------------


def all_metrics(texts: list[str]) -> npt.NDArray[np.float32]:
    return MetricSet(OF_TEXT).compute(texts)


@given(batches, st.randoms(use_true_random=False))
def test_a_row_does_not_depend_on_the_batch(texts: list[str], rng: random.Random) -> None:
    whole = all_metrics(texts)
    alone = [all_metrics([text])[0] for text in texts]
    assert np.array_equal(whole, np.array(alone, np.float32).reshape(whole.shape), equal_nan=True)
    order = rng.sample(range(len(texts)), len(texts))
    shuffled = all_metrics([texts[i] for i in order])
    assert np.array_equal(whole[order], shuffled, equal_nan=True)


@given(batches, st.sets(st.sampled_from(sorted(OF_TEXT))))
def test_a_column_does_not_depend_on_the_other_columns(texts: list[str], names: set[str]) -> None:
    asked = sorted(names)
    some = MetricSet(asked).compute(texts)
    every = MetricSet(OF_TEXT)
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


KINDS = set[str]().union(*(flags for _, flags in TABLE))

# flags of single marks and characters: some that have it, some near ones that do not
OTHERS = {
    "numeral": ("①½²", "1Ⅳ一"),
    "radical": ("⼀⺀", "一"),
    "stop_modern": ("的了们這她", "之其一"),
    "common_han": ("的中国國嘅", "龘㐂"),
    "traditional": ("國們書", "国中们"),
    "simplified": ("国们书", "國中"),
    "box": ("□■▯", "口日◇"),
    "paren": ("()（）", "[【"),
    "code_mark": ("{}[]=<>;\\$#&", "()|，"),
    "clause_mark": ("，。；！？：、,.;!?:", "“（—…"),
    "wide_mark": ("，。；！？、：", ",.“…"),
    "sentence_end": ("。！？!?", ".，；…"),
    "quote_open": ('“「『"‘', "”」』’"),
    "han_numeral": ("〇一十百千", "万两1"),
    "bar": ("|｜»", "/-"),
    "splitter": ("-*+=", "，a"),
    "bullet": ("•●-*·", "a|"),
    "lead": ("Ãäå", "A«"),
}


@pytest.mark.parametrize("name", sorted(set(BIT) - KINDS | set(OTHERS)))
def test_flags_of_single_characters(name: str) -> None:
    having, lacking = OTHERS[name]
    assert [c for c in having if not naive.has(c, name)] == []
    assert [c for c in lacking if naive.has(c, name)] == []


@pytest.mark.parametrize(("char", "flags"), TABLE, ids=[f"U+{ord(char):04X}" for char, _ in TABLE])
def test_table_of_character_classes(char: str, flags: set[str]) -> None:
    assert {name for name in KINDS if naive.has(char, name)} == flags


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
