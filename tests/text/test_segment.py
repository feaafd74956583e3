"""Words as jieba cuts them. Skipped where jieba is not installed; that it is asked for by name is tested anyway."""

from __future__ import annotations

import importlib.util
import math
import sys

import pytest

from cleaning.errors import UserError
from cleaning.text import segment
from cleaning.text.metric_table import METRICS
from cleaning.text.metrics import MetricSet
from cleaning.text.segment import cut_words, measure_words
from tests import naive
from tests.samples import sample_texts

needs_jieba = pytest.mark.skipif(importlib.util.find_spec("jieba") is None, reason="needs jieba: pip install 'corpus-cleaning[models]'")
NAMES = [name for name, metric in METRICS.items() if metric.group == "jieba"]
ZH = "今天 天气很好。\n今天我们去公园，天气很好。"  # 今天 天气 很 好 。 今天 我们 去 公园 ， 天气 很 好 。


def measure(text: str, name: str) -> float:
    """One metric of one text."""
    return float(MetricSet([name]).compute([text])[0, 0])


def test_without_jieba_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jieba", None)
    segment.load_jieba.cache_clear()
    with pytest.raises(UserError, match=r"corpus-cleaning\[models\]"):
        MetricSet(["jieba_words"])
    segment.load_jieba.cache_clear()


@needs_jieba
def test_words_without_white_space() -> None:
    assert cut_words(ZH) == ["今天", "天气", "很", "好", "。", "今天", "我们", "去", "公园", "，", "天气", "很", "好", "。"]
    assert cut_words(" \n　") == []


HAND = [
    ("jieba_words", 14),
    ("jieba_mean_word_chars", 17 / 11),  # without the marks
    ("jieba_chars_per_word", 20 / 14),
    ("jieba_alpha_ratio", 11 / 14),
    ("jieba_text_density", 6 / 14),
    ("jieba_unique_ratio", 9 / 14),
    ("jieba_stop_distinct", 0),
    ("jieba_newlines_per_word", 1 / 14),
    ("jieba_top_2gram_ratio", 6 / 20),  # 天气 很, 很 好 and 好 。: the first covers three characters twice
    ("jieba_top_3gram_ratio", 8 / 20),
    ("jieba_top_4gram_ratio", 10 / 20),
    ("jieba_dup_5gram_ratio", 0),
]


@needs_jieba
@pytest.mark.parametrize(("name", "expected"), HAND)
def test_by_hand(name: str, expected: float) -> None:
    assert measure(ZH, name) == pytest.approx(expected)


@needs_jieba
def test_stop_words_are_words() -> None:
    assert measure("他的书和我的书在一起是被人后来借走的", "jieba_stop_distinct") == 7  # 他 的 和 在 是 被 人
    assert measure("目的和平", "jieba_stop_distinct") == 0


@needs_jieba
def test_nothing_to_divide_by() -> None:
    values = dict(zip(NAMES, MetricSet(NAMES).compute([" \n"])[0].tolist(), strict=True))
    assert {name for name, value in values.items() if not math.isnan(value)} == {"jieba_words", "jieba_stop_distinct"}
    assert math.isnan(measure("。。", "jieba_mean_word_chars"))


@needs_jieba
def test_repetition_agrees_with_the_twin() -> None:
    texts = [*sample_texts()[::12], "", ZH * 3]
    values = measure_words(texts)
    for d, text in enumerate(texts):
        for name, share in naive.measure_repetition(cut_words(text), (2, 3, 4), range(5, 11)).items():
            assert values[f"jieba_{name}gram_ratio"][d] == pytest.approx(share, nan_ok=True)


@needs_jieba
def test_a_row_does_not_depend_on_the_batch() -> None:
    texts = [*sample_texts()[::40], "", ZH]
    whole = MetricSet(NAMES).compute(texts)
    for row, text in zip(whole.tolist(), texts, strict=True):
        assert repr(row) == repr(MetricSet(NAMES).compute([text])[0].tolist())
