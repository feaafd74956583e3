"""Pairs of neighbours that the language does not have: rare where people wrote, everywhere where words were shuffled."""

from __future__ import annotations

import random

import pytest

from cleaning.text.charclass import script_maps
from cleaning.text.junctions import MARK, MORE_STOP_EN, STOP_EN, bad_pairs, function_tables, function_words, unit_hash
from cleaning.text.metrics import MetricSet
from tests import naive
from tests.samples import CLEAN, sample, text_of


def broken(*texts: str) -> list[int]:
    """How many bad pairs each text has."""
    return [int(n) for n in MetricSet(["broken_junctions"]).compute(list(texts))[:, 0].tolist()]


GOOD_ZH = [
    "今天的天气很好，我们一起去公园散步，孩子们在草地上跑来跑去。",
    "他把书放在桌子上，然后对我说：“你要的东西在这里。”",
    "随着经济的发展，人们的生活水平有了很大的提高。",
    "如果明天下雨，比赛就会被取消，我们只能改到下个星期。",
    "这本书是我在上海买的，里面讲的是一个年轻人的故事。",
    "北京是中华人民共和国的首都，也是全国的政治和文化中心。",
    "第一步，打开电源；第二步，按下开关，等待指示灯变绿。",
    "老师问他为什么迟到，他说自行车坏了，只好走着来。",
    "科学家们发现，这种植物可以在没有阳光的环境中生长。",
    "我不知道你说的是不是真的，但是我愿意相信你。",
]
GOOD_EN = [
    "The weather was fine, so we went to the park and sat under an old tree.",
    "She put the book on the table and told me that it was mine.",
    "If it rains tomorrow, the match will be moved to the end of the week.",
    "Most of the people who live in this town work at the harbour.",
    "There are many reasons for this, and none of them is simple.",
    "He asked me whether I had seen the film that everyone was talking about.",
    "To install the program, open a terminal and run the following command.",
    "It was one of those days when nothing seems to go right, and I was glad to be home.",
]


@pytest.mark.parametrize("text", [*GOOD_ZH, *GOOD_EN])
def test_a_good_sentence_has_none(text: str) -> None:
    assert broken(text) == [0]


def shuffled(text: str, seed: int) -> str:
    """The units of a text in another order; marks stay where they are."""
    rng = random.Random(seed)
    units = [unit for unit, _ in naive.placed_units(text)]
    rng.shuffle(units)
    parts, at = [], 0
    for (old, start), new in zip(naive.placed_units(text), units, strict=True):
        parts += [text[at:start], new]
        at = start + len(old)
    return "".join([*parts, text[at:]])


@pytest.mark.parametrize("sentences", [GOOD_ZH, GOOD_EN], ids=["zh", "en"])
def test_shuffled_words_have_many(sentences: list[str]) -> None:
    texts = [shuffled("\n".join(sentences), seed) for seed in range(20)]
    assert min(broken(*texts)) > 0
    assert MetricSet(["broken_junction_ratio"]).compute(texts).mean() > 0.025


def test_good_samples_have_few_and_their_shuffled_words_many() -> None:
    for name in ("zh_good", "en_good"):
        texts = [text_of(record) for record in sample(name) if len(text_of(record)) > 300]
        ratio = MetricSet(["broken_junction_ratio"])
        good, bad = ratio.compute(texts)[:, 0], ratio.compute([shuffled(text, 1) for text in texts])[:, 0]
        assert sorted(good)[int(0.9 * len(good))] < 0.01
        assert sorted(bad)[int(0.25 * len(bad))] > 0.012


# -- by hand ------------------------------------------------------------------------------------------------------------------


def test_pairs_by_hand() -> None:
    assert broken("的者", "的，者", "的 者", "的a者") == [1, 0, 0, 0]
    assert broken("the of", "The OF", "the  of", "the-of", "the\nof", "the 1 of") == [1, 1, 0, 0, 0, 0]


def test_marks_by_hand() -> None:
    behind = next(word for word, followers in bad_pairs().items() if MARK in followers and not word.isascii() and word != MARK)
    assert broken(f"天{behind}。", f"天{behind}", f"天{behind} 。", f"天{behind}\n") == [1, 0, 0, 0]
    assert broken("It is the.", "It is the", "It is the\n", "the!the?the") == [1, 0, 0, 2]


def test_a_word_may_have_one_blank_behind_a_mark() -> None:
    word = next(word for word in bad_pairs()[MARK] if word.isascii())
    assert broken(f"x, {word}", f"x,{word}", f"x,  {word}", f" {word}") == [1, 1, 0, 0]


def test_traditional_forms_count_like_simplified_ones() -> None:
    traditional = {s: t for t, s in script_maps()[1].items() if "\u4e00" <= t <= "\u9fff"}
    first, second = next((a, b) for a, of in bad_pairs().items() for b in of if a in traditional and b in traditional)
    assert broken(first + second, traditional[first] + second, traditional[first] + traditional[second]) == [1, 1, 1]


# -- the table ----------------------------------------------------------------------------------------------------------------


def pairs() -> list[tuple[str, str]]:
    return [(first, second) for first, followers in bad_pairs().items() for second in followers]


def written(first: str, second: str) -> str:
    """A text in which only this pair stands."""
    between = " " if first.isascii() and second.isascii() else ""
    return f"{first}{between}{second}"


def test_every_pair_is_counted() -> None:
    asked = [(a, b) for a, b in pairs() if (a, b) != (MARK, MARK) and (len(a) <= 9 and len(b) <= 9)]
    found = broken(*(written(a, b) for a, b in asked))
    assert [pair for pair, count in zip(asked, found, strict=True) if not count] == []




def test_every_pair_with_a_long_word_is_counted() -> None:
    asked = [(a, b) for a, b in pairs() if len(a) > 9 or len(b) > 9]
    assert asked
    assert all(broken(*(written(a, b) for a, b in asked)))


def test_the_table_is_sound() -> None:
    for first, followers in bad_pairs().items():
        assert all(word == word.lower() and (len(word) == 1 or word.isascii()) for word in (first, *followers))
    number, tables = function_words(), function_tables()
    assert list(number)[:8] == list(STOP_EN)
    assert number[MARK] == max(number.values())
    assert {int(unit_id) for unit_id in tables.ids[tables.keys != 0]} == set(number.values())
    assert (tables.keys != 0).sum() == len({unit_hash(word) for word in number}) == len(number) < len(tables.keys)
    assert tables.counted.sum() == len({*STOP_EN, *MORE_STOP_EN})
    assert tables.bad_pair.sum() == len(set(pairs()))


def test_the_table_has_no_pair_of_common_phrases() -> None:
    phrases = [
        "一个",
        "我们",
        "他们",
        "这是",
        "不是",
        "是不是",
        "了吗",
        "的人",
        "在上",
        "来说",
        "所以",
        "的，了，着，过，",
        "为了",
        "对于",
        "由于",
        "其中",
        "以及",
        "并且",
        "不但",
        "而且",
    ]
    assert sum(broken(*phrases)) == 0
    assert sum(broken("of the", "in the", "to be", "it is", "and the", "is not", "that the", "one of the", "out of", "up to")) == 0


def test_samples_of_every_kind_agree_with_the_twin() -> None:
    texts = [text_of(record) for name in CLEAN for record in sample(name)]
    assert broken(*texts) == [naive.broken_junctions(text) for text in texts]
