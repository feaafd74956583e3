"""Junk made for the quality benchmark: the same for the same seed, never empty, never what it was made of."""

from __future__ import annotations

import random
import sys
from itertools import islice
from pathlib import Path

import pytest

from tests.samples import sample

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))
from damage import DAMAGES, TOPICS, content_words, sentences, split_words

TEXTS = {lang: [record["text"] for record in islice(sample(f"{lang}_good"), 0, 40, 8)] for lang in ("zh", "en")}
KINDS = [(lang, name) for lang in DAMAGES for name in DAMAGES[lang]]
# Kinds that cut Chinese words; without jieba, which is an optional extra, they cannot be made.
CUTTING = {"words_shuffled", "keyword_stuffing", "seo_phrases", "word_salad", "tag_list", "number_table"}


@pytest.fixture(autouse=True)
def _words(request: pytest.FixtureRequest) -> None:
    if "name" in request.fixturenames and request.getfixturevalue("lang") == "zh" and request.getfixturevalue("name") in CUTTING:
        pytest.importorskip("jieba")


@pytest.mark.filterwarnings("ignore")  # jieba's own, when it is compiled
@pytest.mark.parametrize(("lang", "name"), KINDS)
def test_each_kind_changes_text_and_repeats_itself(lang: str, name: str) -> None:
    for seed, text in enumerate(TEXTS[lang]):
        damaged = DAMAGES[lang][name](text, random.Random(seed))
        assert damaged.strip()
        assert damaged != text
        assert damaged == DAMAGES[lang][name](text, random.Random(seed))
        damaged.encode("utf-8")  # no half characters: the files are JSON


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("lang", "name"), [kind for kind in KINDS if "_as_" not in kind[1]])
def test_another_seed_is_another_text(lang: str, name: str) -> None:
    assert len({DAMAGES[lang][name](TEXTS[lang][0], random.Random(seed)) for seed in range(4)}) > 1


def test_both_languages_have_every_topic_of_spam() -> None:
    for lang in DAMAGES:
        assert {f"spam_{topic}" for topic in TOPICS} <= set(DAMAGES[lang])
        for topic in TOPICS:
            spam = DAMAGES[lang][f"spam_{topic}"]("", random.Random(0))
            assert not set("{}[]") & set(spam), f"a slot of {topic} was not filled: {spam}"


def test_what_is_reversible_can_be_reversed() -> None:
    text = TEXTS["zh"][0]
    assert DAMAGES["zh"]["utf-8_as_latin-1"](text, random.Random(0)).encode("latin-1").decode("utf-8") == text


def test_shuffling_keeps_what_there_was() -> None:
    text = TEXTS["en"][0]
    for name in ("characters_shuffled", "words_shuffled"):
        assert sorted(DAMAGES["en"][name](text, random.Random(0))) == sorted(text)


def test_pieces_of_text() -> None:
    assert "".join(split_words("two  words\n", "en")) == "two  words\n"
    assert content_words("The cat was on the mat", "en") == ["cat", "mat"]
    assert sentences("第一句话到此为止。第二句话问你什么？") == ["第一句话到此为止。", "第二句话问你什么？"]
    assert sentences("短") == ["短"]
