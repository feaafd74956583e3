"""Language identification: the kernels against their twins and the library, the view, labels, what is said of whole texts."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaning.models.fasttext_arrays import FastTextArrays, read_arrays
from cleaning.models.fasttext_kernels import label_probabilities, sum_rows
from cleaning.models.fasttext_model import check_model, load
from cleaning.models.identify import Identifier, Windows, join_blocks, place_windows
from cleaning.models.language_model import ByKernel, ByLibrary, load_language_model
from cleaning.models.languages import code_of, script_mask, scripts_of, variety_of
from cleaning.text.charclass import utf32
from cleaning.text.language_view import _tables, count_batch, view
from cleaning.text.scripts import SCRIPTS, script_tables
from tests import naive_languages as naive
from tests.models.fasttext_toys import BAD, GOOD, train_toy

pytest.importorskip("fasttext", reason="the extra models is not installed")
LINES = [*GOOD, *BAD, "", " ", "unseen 未见 слово", "a", "</s>", "河水 valley  bonus", "\U00020000é"]
ALPHABET = "aZé的經经 \n\t1９<>/@_=:.w&;的😀の한Ж\U00020000\ud800　"
texts = st.lists(st.text(st.sampled_from(ALPHABET), max_size=60), min_size=1, max_size=5)
MIXED = "介绍语言识别的方法和应用场景，并给出例子来说明问题。" * 4


def as_text(lines: list[str]) -> tuple[np.ndarray, np.ndarray]:
    encoded = [line.encode() for line in lines]
    starts = np.concatenate([[0], np.cumsum([len(e) for e in encoded])]).astype(np.int64)
    return np.frombuffer(b"".join(encoded) + b"\0", np.uint8).copy(), starts


@pytest.fixture(scope="module", params=["softmax", "hs", "quantized"])
def toy(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("toys") / f"{request.param}.bin"
    lines = [f"__label__{label} {text}" for label, of in (("a", GOOD), ("b", BAD), ("c", MIXED[:40])) for text in of]
    lines += ["__label__a river 河水 valley"] * 3
    loss = "softmax" if request.param == "softmax" else "hs"
    return train_toy(path, quantized=request.param == "quantized", lines=lines, loss=loss)


def arrays_of(path: Path) -> FastTextArrays:
    arrays = read_arrays(path, check_model(path))
    assert arrays is not None
    return arrays


def test_the_kernels_say_what_the_library_says(toy: Path) -> None:
    model = load(toy)
    ours = ByKernel(arrays_of(toy), model.labels).read(*as_text(LINES)).probabilities(np.arange(len(LINES)), len(LINES))
    for line, row, labels, probabilities in zip(LINES, ours, *model.predict_batch(LINES, -1), strict=True):
        if line == "</s>":
            continue  # the library ends the line there
        theirs = dict(zip(labels, probabilities.tolist()))
        assert row.tolist() == pytest.approx([theirs.get(label, 0) for label in model.labels], abs=1e-5), line


def test_joined_lines_are_one_text(toy: Path) -> None:
    model = load(toy)
    group = np.array([0, 0, 1, -1, 1, 2, 0, 3, 3, -1, 1, 0, 2, -1, 2])[: len(LINES)]
    group[LINES.index("</s>")] = -1
    ours = ByKernel(arrays_of(toy), model.labels).read(*as_text(LINES)).probabilities(group, 5)
    asked = ByLibrary(model).read(*as_text(LINES)).probabilities(group, 5)
    np.testing.assert_allclose(ours, asked, atol=1e-5)
    assert not ours[4].any()


def test_features_and_probabilities_against_their_twins(toy: Path) -> None:
    arrays = arrays_of(toy)
    model = load(toy)
    import fasttext

    words = [word.encode() for word in fasttext.load_model(str(toy)).get_words()]
    kept = None
    if arrays.gram_bits.size:
        set_bits = np.flatnonzero(np.unpackbits(arrays.gram_bits.view(np.uint8), bitorder="little"))
        kept = {int(bucket): number for number, bucket in enumerate(set_bits.tolist())}
    read = ByKernel(arrays, model.labels).read(*as_text(LINES))
    for line, total, count in zip(LINES, read.totals, read.counts):  # type: ignore[attr-defined]
        expected, features = naive.sum_features(line, arrays, words, kept)
        assert count == features, line
        np.testing.assert_allclose(total, expected, atol=1e-4)
        out = np.zeros((1, len(model.labels)), np.float32)
        label_probabilities(total[None], np.array([count]), arrays.output, arrays.left, arrays.right, out)
        np.testing.assert_allclose(out[0], naive.label_probabilities(expected, features, arrays, len(model.labels)), atol=1e-5)


def test_models_with_word_ngrams_are_asked_through_the_library(tmp_path: Path) -> None:
    path = train_toy(tmp_path / "n.bin", wordNgrams=2)
    assert read_arrays(path, check_model(path)) is None
    model = load_language_model(path)
    assert isinstance(model, ByLibrary)
    found = model.read(*as_text(["the river", "runs through"])).probabilities(np.zeros(2, np.int64), 1)
    theirs = load(path).predict("the river runs through", -1)
    assert found[0, model.labels.index(theirs[0][0])] == theirs[1][0]


@given(texts)
@settings(max_examples=120, deadline=None)
def test_views_against_their_twin(batch: list[str]) -> None:
    encoded = utf32(batch)
    offsets = encoded[1]
    seen = view(encoded, np.stack([offsets[:-1], offsets[1:]], axis=1))
    what, lower = (table.tolist() for table in _tables())
    expected = [(d, *line) for d, text in enumerate(batch) for line in naive.view_lines(text, what, lower)]
    assert len(expected) == len(seen.span)
    for k, (d, text, letters, code) in enumerate(expected):
        assert seen.text[seen.starts[k] : seen.starts[k + 1]].tobytes().decode() == text
        assert seen.span[k] == d
        assert seen.letters[k].tolist() == list(letters.values())
        assert bool(seen.code[k]) == code


@given(texts)
@settings(max_examples=60, deadline=None)
def test_letters_against_their_twin(batch: list[str]) -> None:
    assert count_batch(utf32(batch)).tolist() == [naive.count_letters(text) for text in batch]


@given(st.lists(st.text(st.sampled_from("ab \n"), max_size=400), min_size=1, max_size=4), st.sampled_from([0, 1, 2, 5]))
@settings(max_examples=80, deadline=None)
def test_windows_against_their_twin(batch: list[str], count: int) -> None:
    codes, offsets = utf32(batch)
    spans, doc = np.zeros((len(batch) * max(count, 1), 2), np.int64), np.zeros(len(batch) * max(count, 1), np.int64)
    n = place_windows(codes, offsets, count, 40, spans, doc)
    found = [[(int(a - offsets[d]), int(b - offsets[d])) for (a, b), of in zip(spans[:n], doc[:n]) if of == d] for d in range(len(batch))]
    assert found == naive.place_windows(batch, count, 40)


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from([0.0, 1.0, 2.0, 7.0, 30.0]), st.integers(1, 3)), min_size=1, max_size=20))
@settings(deadline=None)
def test_blocks_against_their_twin(rows: list[tuple[int, float, int]]) -> None:
    rows.sort(key=lambda row: row[0])
    doc, units, script = (list(column) for column in zip(*rows))
    out = np.zeros(len(rows), np.int64)
    n = join_blocks(np.array(doc), np.array(units), np.array(script), 20.0, out)
    assert out.tolist() == naive.join_blocks(doc, units, script, 20.0)
    assert n == out[-1] + 1
    totals = np.zeros((n, 1))
    sum_rows(np.array(units)[:, None], out, totals)
    assert totals.tolist() == naive.sum_rows([[u] for u in units], out.tolist(), n)


def test_scripts_of_characters() -> None:
    tables, names = script_tables(), list(SCRIPTS)
    known = {"a": "Latn", "Ж": "Cyrl", "の": "Kana", "한": "Hang", "々": "Hani", "ａ": "Latn", "ไ": "Thai", "א": "Hebr", "1": "Zyyy"}
    assert {c: names[tables.script_of[tables.class_of[ord(c)]]] for c in known} == known
    signs = {c: tables.signs[tables.class_of[ord(c)]].tolist() for c in "经經的之嘅経"}
    assert [row.index(True) for row in signs.values()] == [0, 1, 2, 3, 4, 5]


def test_labels_of_different_models_are_the_same_codes() -> None:
    pairs = {"zh": "cmn_Hani", "en": "eng_Latn", "ja": "jpn_Jpan", "ko": "kor_Hang", "de": "deu_Latn", "ar": "arb_Arab", "ms": "zsm_Latn"}
    for code, label in pairs.items():
        assert code_of(label) == code_of(code) == code
    assert [variety_of(label) for label in ("yue", "lzh_Hani", "cmn_Hani", "zh", "fra_Latn")] == ["yue", "lzh", "", "", ""]
    assert scripts_of("zho_Hans") == ("Hani",)
    mask = script_mask(["zh", "ja", "ru", "sr", "en"])
    rows = {name: mask[number].tolist() for number, name in enumerate(SCRIPTS)}
    assert rows["Hani"] == [True, True, False, False, False]
    assert rows["Latn"] == [False, False, False, True, True]
    assert rows["Thai"] == [True] * 5  # the model has no language of that script


@pytest.fixture(scope="module")
def identify(lid176: Path) -> Identifier:
    return Identifier(load_language_model(lid176))


CASES = [
    ("今天天气很好，我们一起去公园散步。", "zh"),
    ("今天天氣很好，我們一起去公園散步。", "zh"),
    ("传统中医治高血压必须辨证论治。", "zh"),
    ("但若情况紧急，为抢救病人性命，依医疗法规定，得先为病人手术。", "zh"),
    ("张伟\n王芳\n李娜\n刘洋\n陈静\n杨帆\n赵磊\n黄敏", "zh"),
    ("核", "zh"),
    ("好的", "zh"),
    ("THE QUICK BROWN FOX JUMPS OVER THE LAZY DOG AND RUNS AWAY", "en"),
    ("HELLO", "en"),
    ("John Smith\nMary Jones\nRobert Brown", "en"),
    ("We met in the old town in 1999 and talked, see https://example.com/ueber/uns?sprache=deutsch", "en"),
    ("これは日本語の文章です。", "ja"),
    ("東京都庁の広報課", "ja"),
    ("経済産業省", "ja"),
    ("안녕하세요 여러분", "ko"),
    ("Привет, как дела? Сегодня хорошая погода.", "ru"),
    ("สวัสดี", "th"),
    ("Καλημέρα", "el"),
    ("", "und"),
    ("12345 67890 !!!", "und"),
    ("https://example.com/a_b", "und"),
    ("\ud800\ud83d\ude00", "und"),
    ("用Python：\n```\nimport os\nfor f in os.listdir('.'):\n    print(f)\nprint(sum(a[i] for i in b))\n```\n列出目录里的文件。", "zh"),
    ("<div class='content'><a href='#'>这是一个网页的正文</a></div>", "zh"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "lang"), CASES)
def test_known_traps(identify: Identifier, text: str, lang: str) -> None:
    found = identify([text])[0]
    assert found.lang == lang
    assert (found.score == 0) == (lang == "und")


def test_why_the_view_is_lower_case(lid176: Path, identify: Identifier) -> None:
    shouted = "WE ARE HAPPY TO ANNOUNCE OUR NEW PRODUCT"
    plain = load(lid176)
    assert plain.predict(shouted)[1][0] < plain.predict(shouted.lower())[1][0]
    assert identify([shouted])[0].score == identify([shouted.lower()])[0].score


def test_the_score_is_the_models(lid176: Path, identify: Identifier) -> None:
    plain, texts = load(lid176), ["the weather is fine today and we go for a walk", "今天天气很好我们去散步", "das wetter ist heute schön"]
    for text, found in zip(texts, identify(texts)):
        labels, probabilities = plain.predict(text, -1)
        of = {"zh": ("zh", "yue", "wuu")}.get(found.lang, (found.lang,))
        assert found.score == pytest.approx(sum(p for label, p in zip(labels, probabilities.tolist()) if label in of), abs=2e-4)


def test_paragraphs_in_other_languages(identify: Identifier) -> None:
    english = "This paragraph describes the very same thing with quite a few more words so that it counts. " * 2
    found = identify([f"{MIXED}\n{english}\n{MIXED}", MIXED + "\n" + MIXED, english + "\n" + english])
    assert list(found[0].languages) == ["zh", "en"]
    assert 0.05 < found[0].mix < 0.4
    assert [one.mix for one in found[1:]] == [0, 0]
    german = "Dieser Absatz beschreibt dasselbe noch einmal mit ziemlich vielen Wörtern, damit er gezählt wird. " * 4
    assert set(identify([f"{english}{english}\n{german}"])[0].languages) == {"en", "de"}


def test_variants_and_hints(identify: Identifier) -> None:
    texts = [
        "我们学习语言识别这门课程", "我們學習語言識別這門課程", "我们學習語言识别这门課程", "山水人口",
        "我哋今日去咗邊度食飯呀？佢話唔知喎，不如去嗰間新開嘅舖頭啦。",
        "學而時習之，不亦說乎？有朋自遠方來，不亦樂乎？人不知而不慍，不亦君子乎？其為人也孝弟，而好犯上者鮮矣。", "abc def",
    ]  # fmt: skip
    found = identify(texts)
    assert [one.variant for one in found] == ["Hans", "Hant", "mixed", "", "Hant", "Hant", ""]
    assert [one.hint for one in found] == ["", "", "", "", "yue", "lzh", ""]


def test_an_answer_does_not_depend_on_the_batch(identify: Identifier) -> None:
    batch = [text for text, _ in CASES] + [MIXED * 60, "word " * 3000, MIXED + "\nanother language here, which is english\n" * 9]
    whole = identify(batch)
    assert [identify([text])[0] for text in batch] == whole
    order = list(range(len(batch)))
    random.Random(1).shuffle(order)
    assert identify([batch[i] for i in order]) == [whole[i] for i in order]


def test_windows_see_the_whole_length(lid176: Path) -> None:
    model = load_language_model(lid176)
    head = "Weather report of the day with many words. " * 20
    text = head + MIXED * 100
    assert Identifier(model)([text])[0].lang == Identifier(model, Windows(0))([text])[0].lang == "zh"


def test_recall_on_labelled_sentences(lid176: Path, shared_data: Path) -> None:
    import io
    import json

    import zstandard

    path = shared_data / "labels" / "langid" / "lingua_sentences-00.jsonl.zst"
    rows = [json.loads(line) for line in io.TextIOWrapper(zstandard.open(path), encoding="utf-8")]
    rows = [row for row in rows if row["lang"] in ("zh", "en", "ja", "ko", "de", "ru")]
    found = Identifier(load_language_model(lid176))([row["text"] for row in rows])
    for lang, floor in (("zh", 0.99), ("en", 0.99), ("ja", 0.99), ("ko", 0.99), ("de", 0.98), ("ru", 0.98)):
        mine = [one.lang == lang for row, one in zip(rows, found) if row["lang"] == lang]
        assert sum(mine) >= floor * len(mine), lang
    assert not [row for row, one in zip(rows, found) if one.lang == "zh" and row["lang"] != "zh"]
