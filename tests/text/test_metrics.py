"""The table of metrics is complete, and its numbers are those that one counts by hand on small real strings."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleaning.text.junctions import STOP_EN
from cleaning.text.line_metrics import LINE_METRICS, line_matrix
from cleaning.text.metric_table import BLACKLIST_METRICS, METRICS
from cleaning.text.metrics import MetricSet, histogram
from tests.strategies import any_texts

GROUPS = {"chars", "lines", "clauses", "units", "repetition", "runs", "frequencies", "zstd", "patterns", "notes", "jieba"}
OF_TEXT = tuple(name for name, metric in METRICS.items() if metric.group not in ("notes", "jieba"))


def measure(text: str, name: str) -> float:
    """One metric of one text."""
    return float(MetricSet([name]).compute([text])[0, 0])


# -- the table ----------------------------------------------------------------------------------------------------------------


def test_every_metric_is_computed() -> None:
    text = "The 3 cats, 人工智能！\nThe 3 cats, 床前明月光，ABC #…\n国書"
    values = dict(zip(OF_TEXT, MetricSet(OF_TEXT).compute([text])[0].tolist(), strict=True))
    assert [name for name, value in values.items() if math.isnan(value)] == []


@pytest.mark.parametrize("name", METRICS)
def test_row_of_the_table(name: str) -> None:
    metric = METRICS[name]
    assert metric.name == name
    assert metric.group in GROUPS
    assert metric.scale in {"ratio", "count", "small", "percent", "signed"}
    assert len(metric.doc) > 4
    assert list(metric.edges) == sorted(set(metric.edges))
    assert name not in OF_TEXT or MetricSet([name]).compute(["汉字 and words."]).shape == (1, 1)


def test_every_group_of_the_table_is_used() -> None:
    assert {metric.group for metric in METRICS.values()} == GROUPS
    assert not {name for name in METRICS if name.startswith("blacklist")}
    assert {metric.scale for metric in BLACKLIST_METRICS.values()} <= {"ratio", "count", "small"}


def test_names_come_in_the_order_asked_for_and_once() -> None:
    metrics = MetricSet(["units", "chars", "units"])
    assert metrics.names == ("units", "chars")
    assert metrics.compute(["两 words"]).tolist() == [[2.0, 6.0]]


def test_unknown_metrics_are_refused_by_name() -> None:
    with pytest.raises(KeyError, match="symbl_ratio"):
        MetricSet(["chars", "symbl_ratio"])


def test_a_set_without_names_computes_nothing() -> None:
    assert MetricSet([]).compute(["a", "b"]).shape == (2, 0)


@given(st.lists(any_texts, min_size=1, max_size=4))
def test_ratios_lie_between_zero_and_one(texts: list[str]) -> None:
    # what is divided by something that it is no part of may be more than 1
    names = [
        name for name in OF_TEXT if METRICS[name].scale == "ratio" and "_per_" not in name and name not in ("zstd_ratio", "url_char_ratio")
    ]
    values = MetricSet(names).compute(texts)
    assert (values[~np.isnan(values)] >= 0).all()
    assert [name for name, most in zip(names, np.nan_to_num(values).max(axis=0), strict=True) if most > 1] == []


# -- by hand ------------------------------------------------------------------------------------------------------------------

ZH = "今天天气很好。\n我们去公园！"  # 7 + 6 characters and a newline, 11 Han
EN = "The cat sat on the mat. It was NASA's idea"  # The cat sat on the mat It was NASA s idea
MIXED = "我用 iPhone 15 拍照，花了 ５０００ 元…"
POEM = "床前明月光，疑是地上霜。\n举头望明月，低头思故乡。"

HAND = [
    (ZH, "chars", 13),
    (ZH, "all_chars", 14),
    (ZH, "han_char_ratio", 11 / 13),
    (ZH, "letter_ratio", 11 / 13),
    (ZH, "punct_ratio", 2 / 13),
    (ZH, "han_punct_ratio", 2 / 13),
    (ZH, "terminal_per_char", 2 / 13),
    (ZH, "lines", 2),
    (ZH, "mean_line_chars", 6.5),
    (ZH, "max_line_chars", 7),
    (ZH, "newline_ratio", 1 / 14),
    (ZH, "terminated_line_ratio", 1),
    (ZH, "terminated_char_ratio", 1),
    (ZH, "short_line_ratio", 1),
    (ZH, "menu_char_ratio", 0),
    (ZH, "units", 11),
    (ZH, "han_unit_ratio", 1),
    (ZH, "word_ratio", 0),
    (ZH, "unique_unit_ratio", 10 / 11),  # 天 stands twice
    (ZH, "stop_han_ratio", 4 / 11),  # 很 我 们 去
    (ZH, "unit_entropy", -(9 * math.log(1 / 11) + 2 * math.log(2 / 11)) / 11),
    (ZH, "top_2gram_ratio", 0),
    (EN, "chars", 33),
    (EN, "space_ratio", 9 / 42),
    (EN, "latin_char_ratio", 31 / 33),
    (EN, "upper_ratio", 6 / 31),  # T I NASA
    (EN, "units", 11),
    (EN, "word_ratio", 1),
    (EN, "mean_word_chars", 31 / 11),
    (EN, "capital_word_ratio", 1 / 11),
    (EN, "stop_en_ratio", 5 / 11),  # the on the it was
    (EN, "stop_en_distinct", 1),  # of Gopher's eight only `the`
    (EN, "unique_unit_ratio", 10 / 11),  # The and the are one
    (EN, "terminated_line_ratio", 0),
    (EN, "short_line_ratio", 0),  # 33 characters are more than 30
    (MIXED, "chars", 21),
    (MIXED, "units", 10),  # 我 用 iPhone 15 拍 照 花 了 ５０００ 元
    (MIXED, "han_char_ratio", 7 / 21),
    (MIXED, "latin_char_ratio", 6 / 21),
    (MIXED, "digit_ratio", 6 / 19),
    (MIXED, "digit_unit_ratio", 2 / 10),
    (MIXED, "word_ratio", 1 / 10),
    (MIXED, "alpha_unit_ratio", 8 / 10),
    (MIXED, "hash_ellipsis_per_unit", 1 / 10),
    (MIXED, "ellipsis_line_ratio", 1),
    (MIXED, "terminal_per_char", 1 / 21),
    (POEM, "verse_ratio", 1),
    ("床前明月光，疑是地上霜。我爱你", "verse_ratio", 2 / 3),
    ("学而时习之，不亦说乎？", "stop_classical_ratio", 4 / 9),  # 而 之 不 乎
    ("首页\n新闻\n首页\n关于我们。", "dup_line_ratio", 1 / 4),
    ("首页\n新闻\n首页\n关于我们。", "dup_line_char_ratio", 2 / 11),
    ("首页\n新闻\n首页\n关于我们。", "menu_char_ratio", 6 / 11),
    ("首页\n新闻\n首页\n关于我们。", "terminated_line_ratio", 1 / 4),
    ("首页\n新闻\n首页\n关于我们。", "terminated_char_ratio", 5 / 11),
    ("• 甲\n- 乙\n丙", "bullet_line_ratio", 2 / 3),
    ("if (a) { b; } ", "curly_ratio", 2 / 9),
    ("好👍★→", "emoji_ratio", 2 / 4),
    ("好👍★→", "symbol_ratio", 3 / 4),
    ("锟\ufffd\ufffd\ue000", "garble_ratio", 3 / 4),
    ("ひらカ漢字", "kana_ratio", 3 / 5),
    ("한국 사람 A", "hangul_ratio", 4 / 5),
    ("Да, 好 a", "foreign_letter_ratio", 2 / 4),
    ("㐂鿦好", "rare_han_ratio", 2 / 3),
    ("红豆红豆生南国", "top_2gram_ratio", 4 / 7),
    ("a bc, A BC! def", "top_2gram_ratio", 6 / 9),  # `a bc` twice, three characters each
    ("一二三四五六一二三四五", "dup_5gram_ratio", 5 / 11),
    ("一二三四五六一二三四五", "dup_6gram_ratio", 0),
    ("café résumé", "units", 2),
    ("don't", "units", 2),
    ("2024年1月", "units", 4),
    # -- characters
    ("国國，国 1a", "traditional_ratio", 1 / 3),
    ("中文书", "traditional_ratio", 0),
    ("的的了，a", "stop_modern_ratio", 1),
    ("的年在月xyz的", "stop_zh_distinct", 4),
    ("之年以為其之", "stop_lzh_distinct", 5),
    ("中文，a 1\n", "alnum_ratio", 4 / 7),
    ("中文，a 1\n", "special_char_ratio", 1 / 7),
    ("中文，a 1\n", "whitespace_ratio", 2 / 7),
    ("中文，a 1\n", "zh_en_digit_ratio", 4 / 5),
    ("中文，a 1\n", "digit_per_letter", 1 / 3),
    ("中文，a 1\n", "punct_per_letter", 1 / 3),
    ("（a）(b)", "paren_ratio", 4 / 6),
    ("{a: {}}", "curly_count", 4),
    ("缺□字▯的", "box_ratio", 2 / 5),
    ("龘的的的", "common_han_ratio", 3 / 4),
    ("だ字か，", "foreign_char_ratio", 2 / 4),
    # -- lines
    ("一二三\n\n一二三\n \n四", "paragraphs", 3),
    ("一二三\n\n一 二三\n \n四", "dup_paragraph_ratio", 1 / 3),
    ("一二三\n\n一 二三\n \n四", "dup_paragraph_char_ratio", 3 / 7),
    ("好。\n" + "长" * 61 + "\n" + "长" * 60, "long_line_char_ratio", 61 / 123),
    ("等等…\nand so on...\n好. ..", "ellipsis_line_ratio", 2 / 3),
    ("甲\n乙\n丙", "newlines_per_unit", 2 / 3),
    ("```\n甲乙\n```\n丙丁", "code_char_ratio", 8 / 10),
    ("if (x) {\nx = [1];\n}\nWe go home now.", "code_char_ratio", 13 / 25),
    ("|甲|乙|\n|-|-|\n好\n甲\t乙\t丙", "table_line_ratio", 3 / 4),
    ("首页 | 新闻 | 体育 | 联系我们\n|a|b|", "menu_char_ratio", 13 / 18),
    ("首页 | 新闻 | 体育 | 联系我们\n|a|b|", "table_line_ratio", 1 / 2),
    ("1. 甲\n2) 乙\n三、丙\n四 丁\n(5) 戊", "numbered_line_ratio", 4 / 5),
    ("第一条 甲\n第12章 乙\n（三）丙\n第一名 丁\n第一回", "article_line_ratio", 3 / 5),
    ("“好。”他说。\n王明：来了。\n他说的是：来了。\n注意以下几点内容：无", "dialogue_line_ratio", 3 / 4),
    ("轻轻的我走了\n好\nabc走了\n走了3\n" + "长" * 25, "verse_line_ratio", 1 / 5),
    ("Home » News » Sport » Contact\n我们一起去公园散步", "menu_char_ratio", 23 / 32),
    ("---\ntitle: 好\ndate: 今天\n---\n首页\n我们一起去公园散步", "menu_char_ratio", 2 / 31),
    # -- clauses
    ("床前明月光，人。", "mean_clause_chars", 3),
    ("我们去公园，走 a b c\n好", "max_clause_units", 5),
    ("甲a乙b丙c丁，戊", "interleave_max", 6),
    ("好。He came. Dr. No! 3.14 是吗？！…", "sentences", 5),
    ("加-微-信，加x微 信", "split_han_ratio", 3 / 6),
    ("见http://a.cn/b 页", "url_char_ratio", 13 / 15),
    ("好，。，好\n、好", "odd_marks", 3),
    ("好，。，好\n、好", "odd_mark_ratio", 3 / 4),
    ("qzat qz AQZ", "odd_letter_ratio", 2 / 4),
    # -- units
    ("2024 abc A 好", "max_word_chars", 3),
    ("甲乙甲乙甲 x", "distinct_unit_ratio", 3 / 6),
    ("a b C word 好", "single_letter_ratio", 3 / 4),
    ("iPhone Word WORD aB", "mixed_case_ratio", 2 / 4),
    ("加13800138000 QQ1234567 abc12 12345 好", "contact_marks", 2),
    ("手机游戏 网页游戏，小游戏\n好", "mean_segment_units", 12 / 4),
    ("don't go", "mean_segment_units", 3),
    ("甲乙丙丁", "diversity", 4 / 4**0.8),
    ("#好 #a", "hash_per_unit", 1),
    ("好…a", "ellipsis_per_unit", 1 / 2),
    ("好1+1=2 a", "digit_symbol_per_unit", 5 / 2),
    # -- repetition
    ("哈哈哈哈 好", "repeat_run", 4),
    ("哈哈哈哈 好", "repeat_run_ratio", 4 / 5),
    ("ab cd ab cd ab cd 好", "repeat_run", 3),
    ("ab cd ab cd ab cd 好", "repeat_run_ratio", 0),
    ("甲乙丙甲乙丙", "char_rep_3gram_ratio", 2 / 4),
    ("甲乙丙丁戊甲乙丙丁戊", "unit_rep_5gram_ratio", 2 / 6),
    # -- patterns
    ("看【广告】吧", "bracket_char_ratio", 2 / 6),
    ("第一章 第2章", "chapter_marks", 2),
    ("COVID19 X", "capital_word_ratio", 0),  # a digit in it, and one letter
]


@pytest.mark.parametrize(("text", "name", "expected"), HAND, ids=[f"{name}-{i}" for i, (_, name, _) in enumerate(HAND)])
def test_by_hand(text: str, name: str, expected: float) -> None:
    assert measure(text, name) == pytest.approx(expected, rel=1e-6)


def test_gophers_stop_words_are_told_apart() -> None:
    assert measure(" ".join(STOP_EN), "stop_en_distinct") == 8
    assert measure("the The THE", "stop_en_distinct") == 1
    assert measure("theater often band", "stop_en_ratio") == 0


def test_unique_ratio_looks_at_the_first_thousand_units_only() -> None:
    head = "".join(chr(0x4E00 + i) for i in range(1000))
    assert measure(head + "的" * 500, "unique_unit_ratio") == 1
    assert measure("的" * 500 + head, "unique_unit_ratio") == pytest.approx(501 / 1000, abs=0.0011)


def test_entropy_of_a_text_is_what_its_alphabet_gives() -> None:
    assert measure("甲乙丙丁" * 9, "unit_entropy") == pytest.approx(math.log(4), rel=1e-6)


def test_zstandard_shrinks_what_repeats() -> None:
    assert measure("好天气。" * 500, "zstd_ratio") < 0.05
    assert measure("一", "zstd_ratio") > 1


def test_mixed_case() -> None:
    assert measure("PDFs McDonald iPhone Berlin NATO word", "mixed_case_ratio") == 3 / 6


def test_a_metric_of_notes_is_refused() -> None:
    with pytest.raises(KeyError, match="unknown metrics"):
        MetricSet(["boilerplate_char_ratio"])


def test_invisible_characters_do_not_hide_a_repeated_line() -> None:
    assert measure("首页\n首\u200b页", "dup_line_ratio") == 0.5


def test_top_gram_is_a_share() -> None:
    assert measure("哈哈哈哈", "top_2gram_ratio") <= 1


def test_circled_numbers_are_no_foreign_letters() -> None:
    assert measure("第①步", "foreign_letter_ratio") == 0


def test_vietnamese_capitals_are_capitals() -> None:
    assert measure("VIỆT NAM", "upper_ratio") == 1


# -- lines --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "name", "expected"),
    [
        ("点击 查看更多>>", "line_chars", 8),
        ("点击 查看更多>>", "line_symbol_ratio", 2 / 8),
        ("ICP备12345号", "line_digit_ratio", 5 / 10),
        ("ICP备12345号", "line_letter_ratio", 5 / 10),
        ("ICP备12345号", "line_upper_ratio", 1),
        ("他说：“好。”", "line_terminated", 1),
        ("他说：“好", "line_terminated", 0),
        ("", "line_terminated", 0),
        ("", "line_chars", 0),
        ("、、、a", "line_punct_ratio", 3 / 4),
        ("\ufffd乱\ue000码", "line_garble_ratio", 2 / 4),
        ("我用 iPhone 15", "line_units", 4),
        ("我用 iPhone 15", "line_max_word_chars", 6),
        ("He said so.", "line_sentence_end", 1),
        ("“Is it so?”", "line_sentence_end", 1),
        ("他说好。", "line_sentence_end", 0),  # C4 asks for the marks of English
        ("so it goes”", "line_sentence_end", 0),
        ("Enable JavaScript to go on", "line_javascript", 1),
        ("Enable Java", "line_javascript", 0),
        ("This site uses cookies.", "line_policy", 1),
        ("Terms Of Use | Privacy Policy", "line_policy", 1),
        ("policy of cookies", "line_policy", 0),
    ],
)
def test_line_metric_by_hand(line: str, name: str, expected: float) -> None:
    row = line_matrix([["上一行。"], [line, "下一行"]])[1]
    assert row[list(LINE_METRICS).index(name)] == pytest.approx(expected)


def test_ratios_of_a_blank_line_are_nan() -> None:
    row = dict(zip(LINE_METRICS, line_matrix([["  "]])[0].tolist(), strict=True))
    ratios = {name for name in LINE_METRICS if name.endswith("_ratio")}
    assert {name for name, value in row.items() if math.isnan(value)} == ratios
    assert {value for name, value in row.items() if name not in ratios} == {0}


def test_line_metrics_are_documented() -> None:
    assert all(len(doc) > 4 for doc in LINE_METRICS.values())


# -- histograms ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["punct_ratio", "chars", "mean_word_chars"])
def test_histogram_puts_every_value_in_one_bin(name: str) -> None:
    metric = METRICS[name]
    values = np.array([0, *metric.edges, metric.edges[-1] * 2, math.nan, math.nan], np.float32)
    bins = histogram(metric, values)
    assert len(bins) == len(metric.edges) + 2
    assert sum(bins) == len(values)
    assert bins[-1] == 2
    assert bins[-2] == 1
    assert bins[0] == 1 + (metric.edges[0] >= 0)
    assert bins[1:-2] == [1] * (len(metric.edges) - 1)  # an edge belongs to the bin below it


@given(st.lists(st.floats(min_value=0, width=32) | st.just(math.nan), max_size=30), st.integers(0, 30))
def test_histograms_add_up(values: list[float], cut: int) -> None:
    metric = METRICS["unit_entropy"]
    whole, left, right = (histogram(metric, np.array(part, np.float32)) for part in (values, values[:cut], values[cut:]))
    assert whole == [a + b for a, b in zip(left, right, strict=True)]
    assert whole[-1] == sum(math.isnan(v) for v in values)
