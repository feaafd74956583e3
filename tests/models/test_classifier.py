"""Classifiers: tokens and margins against plain twins and against fastText itself, training, calibration, what stops a run."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaning.errors import ModelError, UserError
from cleaning.model_verbs import run_command
from cleaning.models.card import read_card, write_card
from cleaning.models.classifier.classifier import Classifier
from cleaning.models.classifier.examples import Sources, read_examples
from cleaning.models.classifier.fasttext_matrix import LinearModel, read_model, write_model
from cleaning.models.classifier.figures import Margins, Platt, auc, fit_platt, judge, reliability
from cleaning.models.classifier.kernels import hash_words, mark_rows
from cleaning.models.classifier.tokens import Tokens
from cleaning.models.classifier.train import Settings, fit, train_classifier
from cleaning.models.fasttext_model import load

from .. import naive_classifier as naive
from .classifier_toys import texts, write
from .fasttext_toys import train_toy

QUICK = Settings(epochs=5, dim=8)
ALPHABET = "加微信領a bZＡ１2３!！！\n\r　…。é́ß한カ\u200b\ue000\ufffd𠀀😀<_>٣①\t-"


@given(st.lists(st.text(st.sampled_from(ALPHABET), max_size=60) | st.text(max_size=20), max_size=4))
@settings(max_examples=300, deadline=None)
def test_tokens_are_those_of_the_twin(given_texts: list[str]) -> None:
    lines = Tokens().lines(given_texts)
    assert [lines.line(k).decode() for k in range(len(given_texts))] == naive.token_lines(given_texts)


@pytest.mark.parametrize(("text", "line"), [
    ("加V信：ＡＢＣ１２３４５６７８９０１２３４５", "加 v 信 : abc 000000000000"), ("今天\n\n 明天\n", "今 天 ¶ 明 天 ¶"), ("\n　\n", ""),
    ("！！！！！！好", "!!! 好"), ("頭髮 ABC", "头 发 abc"), ("x" * 90, "x" * 32), ("__label__a </s>", "__ label __ a < / s >"), ("", ""),
])  # fmt: skip
def test_tokens(text: str, line: str) -> None:
    assert Tokens().lines([text]).line(0).decode() == line


def test_a_batch_is_its_documents() -> None:
    rows = [*texts(20, True), "", "\n"]
    whole = Tokens().lines(rows)
    assert [whole.line(k) for k in range(len(rows))] == [Tokens().lines([row]).line(0) for row in rows]


@given(st.integers(1, 5), st.lists(st.text(st.sampled_from("加微信 abc!0\n"), max_size=30), max_size=5), st.randoms())
@settings(max_examples=100, deadline=None)
def test_margins_are_those_of_the_twin(ngrams: int, rows: list[str], rng: object) -> None:
    words = [b"</s>", "加".encode(), "信".encode(), b"abc", b"!"]
    weights = np.random.default_rng(ngrams).normal(size=len(words) + 97).astype(np.float32)
    model = LinearModel.made(words, np.ones(len(words), np.int64), weights, ngrams)
    lines = Tokens().lines(rows)
    plain = [lines.line(k).decode() for k in range(len(rows))]
    expected, lengths = naive.margins(plain, {w.decode(): k for k, w in enumerate(words)}, weights.tolist(), ngrams)
    margin, length = model(lines)
    np.testing.assert_allclose(margin, expected, rtol=1e-9, atol=1e-12)
    assert length.tolist() == lengths


@pytest.mark.parametrize("ngrams", [1, 2, 3, 5])
def test_rows_are_marked_as_the_twin_marks_them(ngrams: int) -> None:
    words = [b"</s>", "加".encode(), b"abc"]
    model = LinearModel.made(words, np.ones(3, np.int64), np.zeros(3 + 501, np.float32), ngrams)
    rows = ["加abc加微信", "abc abc!", ""]
    lines, touched = Tokens().lines(rows), np.zeros(504, np.bool_)
    mark_rows(lines.data, lines.starts, model.keys, model.rows, model.weights, 3, ngrams, touched)
    known = {w.decode(): k for k, w in enumerate(words)}
    expected = {row for k in range(3) for row in naive.mark_rows(lines.line(k).decode(), known, 501, ngrams) if lines.line(k)} | {0}
    assert set(np.flatnonzero(touched).tolist()) == expected


def test_hashes_of_words() -> None:
    words = [b"", b"a", "字".encode(), b"</s>", b"hello"]
    out = np.zeros(len(words), np.uint64)
    hash_words(np.frombuffer(b"".join(words), np.uint8), np.cumsum([len(w) for w in words]), out)
    assert out.tolist() == naive.hash_words(words)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that was trained by the command's own function, with its card."""
    root = tmp_path_factory.mktemp("classifier")
    sources = Sources((str(write(root / "good.jsonl", texts(150, True))),), (str(write(root / "bad.jsonl", texts(90, False))),))
    train_classifier(sources, root / "q.bin", QUICK, "", lambda _: None)
    return root / "q.bin"


def test_fasttext_gives_the_same_probabilities(made: Path) -> None:
    """Of the file as it is written; and of one of sixteen dimensions as the library writes it."""
    rows = [*texts(30, True, 1), *texts(30, False, 1), "never seen words", "x"]
    lines = Tokens().lines(rows)
    library = load(made)
    labels, probabilities = library.predict_batch([lines.line(k).decode() for k in range(len(rows))], 2)
    theirs = [dict(zip(of, p.tolist(), strict=True))["positive"] for of, p in zip(labels, probabilities, strict=True)]
    ours = 1 / (1 + np.exp(-read_model(made, "positive").margins(lines)))
    # fastText takes the logarithm of p + 1e-5, and gives that back
    np.testing.assert_allclose(ours, np.array(theirs) - 1e-5, atol=2e-6)


def test_many_dimensions_are_one_number(tmp_path: Path) -> None:
    import fasttext

    rows = [*texts(40, True), *texts(40, False)]
    lines = Tokens().lines(rows)
    corpus = tmp_path / "corpus.txt"
    corpus.write_bytes(b"".join(b"__label__%d %s\n" % (k < 40, lines.line(k)) for k in range(80)))
    given_model = fasttext.train_supervised(str(corpus), dim=16, bucket=1 << 20, wordNgrams=2, minn=0, maxn=0, thread=1, epoch=3, verbose=0)
    given_model.save_model(str(tmp_path / "big.bin"))
    model = read_model(tmp_path / "big.bin", "1")
    write_model(tmp_path / "small.bin", model, ("1", "0"), 3)
    assert (tmp_path / "small.bin").stat().st_size < (tmp_path / "big.bin").stat().st_size / 12
    answers = [load(tmp_path / name).predict_batch([lines.line(k).decode() for k in range(80)], 2) for name in ("big.bin", "small.bin")]
    both = [[dict(zip(of, p.tolist(), strict=True))["1"] for of, p in zip(*answer, strict=True)] for answer in answers]
    np.testing.assert_allclose(both[0], both[1], atol=1e-5)
    np.testing.assert_allclose(1 / (1 + np.exp(-model.margins(lines))), np.array(both[0]) - 1e-5, atol=1e-5)


def test_the_same_documents_give_the_same_bytes(made: Path, tmp_path: Path) -> None:
    """Also in another order, after the process has used and freed memory, and with twins."""
    good, bad = texts(150, True), texts(90, False)
    write(tmp_path / "good.jsonl", [*good[::-1], *good[:10]])
    write(tmp_path / "bad.jsonl", bad[::-1])
    garbage = [np.full(5_000_000, np.nan, np.float32) for _ in range(4)]
    del garbage
    sources = Sources((str(tmp_path / "good.jsonl"),), (str(tmp_path / "bad.jsonl"),))
    train_classifier(sources, tmp_path / "q.bin", QUICK, "", lambda _: None)
    assert (tmp_path / "q.bin").read_bytes() == made.read_bytes()
    one, two = read_card(made), read_card(tmp_path / "q.bin")
    assert one is not None
    assert two is not None
    assert one.figures == two.figures
    assert two.corpus["duplicates"] == 10


def test_rows_that_no_example_asked_for_say_nothing(made: Path) -> None:
    model = read_model(made, "positive")
    assert np.count_nonzero(model.weights) < 20_000 < model.weights.size


def test_the_card_says_what_it_is(made: Path) -> None:
    card = read_card(made)
    assert card is not None
    assert (card.kind, card.unit, card.normaliser, card.order) == ("classifier", "char", "cleaning-tokens", 3)
    assert card.labels == ["positive", "negative"]
    assert card.corpus["positive"] == 150
    assert card.figures["auc"] > 0.95
    assert sum(row[2] for row in card.figures["reliability"]) == card.figures["documents"] == 240
    assert card.memory_mb < 20
    assert card.size == made.stat().st_size


def test_it_tells_good_from_bad_and_its_scores_mean_something(made: Path) -> None:
    classifier = Classifier.load(made)
    scores = classifier([*texts(200, True, 7), *texts(200, False, 7)])
    positive = np.arange(400) < 200
    assert auc(scores, positive) > 0.95
    assert judge(scores, positive)["calibration_error"] < 0.1
    assert math.isnan(classifier(["\n"])[0])


def test_labels_in_one_file(tmp_path: Path) -> None:
    good = write(tmp_path / "a.jsonl", texts(30, True), "ham")
    bad = write(tmp_path / "b.jsonl", texts(30, False), "spam")
    other = write(tmp_path / "c.jsonl", ["又是另一种"], "odd")
    values = {"label_field": "label", "positive_values": ("spam",)}
    everything = read_examples(Sources(labelled=(str(good), str(bad), str(other)), **values), Tokens())  # type: ignore[arg-type]
    assert (int(everything.positive.sum()), len(everything)) == (30, 61)
    two = read_examples(Sources(labelled=(str(good), str(bad), str(other)), negative_values=("ham",), **values), Tokens())  # type: ignore[arg-type]
    assert len(two) == 60
    with pytest.raises(UserError, match="no positive documents"):
        read_examples(Sources(labelled=(str(good),), **values), Tokens())  # type: ignore[arg-type]
    with pytest.raises(UserError, match="no field 'kind'"):
        read_examples(Sources(labelled=(str(good),), label_field="kind"), Tokens())


def test_texts_with_both_labels_are_left_out(tmp_path: Path) -> None:
    same = texts(3, True)
    good, bad = write(tmp_path / "a.jsonl", [*same, *texts(5, True, 2)]), write(tmp_path / "b.jsonl", [*same, "坏的"])
    sources = Sources((str(good),), (str(bad),))
    found = read_examples(sources, Tokens())
    assert found.about["both_labels"] == 3
    assert len(found) == 6


def test_a_smaller_class_is_repeated(tmp_path: Path) -> None:
    sources = Sources((str(write(tmp_path / "a.jsonl", texts(300, True))),), (str(write(tmp_path / "b.jsonl", texts(25, False))),))
    examples = read_examples(sources, Tokens())
    model = fit(examples, QUICK)
    margins = model.margins(examples.joined())
    assert auc(margins, examples.positive) > 0.99
    assert (margins[~examples.positive] < 0).mean() > 0.9  # 0 parts the classes though one is twelve times as large


def test_a_failing_library_says_so(tmp_path: Path) -> None:
    sources = Sources((str(write(tmp_path / "a.jsonl", texts(25, True))),), (str(write(tmp_path / "b.jsonl", texts(25, False))),))
    with pytest.raises(UserError, match="fastText could not train: .*NaN.*try --rate 0.1"):
        fit(read_examples(sources, Tokens()), Settings(rate=1e30, epochs=5))


def test_too_few_documents(tmp_path: Path) -> None:
    sources = Sources((str(write(tmp_path / "a.jsonl", texts(30, True))),), (str(write(tmp_path / "b.jsonl", texts(5, False))),))
    with pytest.raises(UserError, match="5 negative documents: too few"):
        train_classifier(sources, tmp_path / "x.bin", QUICK, "", lambda _: None)


def test_a_large_corpus_is_judged_by_a_tenth_held_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cleaning.models.classifier.train.SMALL", 1000)
    monkeypatch.setattr("cleaning.models.classifier.train.SAMPLE", 5000)
    said: list[str] = []
    sources = Sources((str(write(tmp_path / "a.jsonl", texts(300, True))),), (str(write(tmp_path / "b.jsonl", texts(300, False))),))
    card = train_classifier(sources, tmp_path / "x.bin", QUICK, "mine", said.append)
    assert "a tenth held out" in card.training["judged_by"]
    assert 30 < card.figures["documents"] < 100
    assert any("early figures" in line for line in said)
    assert card.name == "mine"


def test_platt_recovers_the_probabilities() -> None:
    rng = np.random.default_rng(0)
    margins = rng.normal(size=20_000) * 3
    positive = rng.random(20_000) < 1 / (1 + np.exp(-(0.7 * margins)))
    found = Margins(margins, rng.integers(20, 60, 20_000))
    platt = fit_platt(found, positive)
    at_30 = Margins(np.array([1.0]), np.array([30]))
    assert abs(math.log(1 / platt(at_30)[0] - 1) + 0.7) < 0.06
    assert reliability(platt(found), positive)[1] < 0.02
    rare = fit_platt(found, positive, prior=0.01)
    assert abs(math.log(1 / rare(at_30)[0] - 1) + 0.7 + math.log(0.01 / 0.99)) < 0.3


def test_longer_texts_say_more() -> None:
    """Margins of 400 tokens are four times as telling as those of 20: a calibration without the length cannot know."""
    rng = np.random.default_rng(1)
    length = np.repeat([20, 400], 5000)
    positive = rng.random(10_000) < 0.5
    margin = np.where(positive, 1, -1) * 0.5 + rng.normal(size=10_000) * np.where(length == 20, 1.0, 0.25)
    found = Margins(margin, length)
    platt = fit_platt(found, positive)
    scores = platt(Margins(np.array([0.5, 0.5]), np.array([20, 400])))
    assert scores[1] > 0.97 > 0.85 > scores[0] > 0.6
    assert auc(platt(found), positive) > auc(margin, positive) + 0.005
    worst = Platt(1.0, 0.0, -1.0)(Margins(np.array([-3.0, 3.0]), np.array([1000, 1000])))
    assert worst[0] < worst[1]  # more of the margin is never less of the score


def test_perfectly_parted_classes_have_a_finite_slope() -> None:
    platt = fit_platt(Margins(np.array([-2.0, -1.0, 1.0, 2.0] * 10), np.full(40, 9)), np.array([False, False, True, True] * 10))
    assert 0 < platt.slope < 20
    assert fit_platt(Margins(np.array([1.0, 2.0]), np.array([5, 5])), np.array([True, True])) == Platt()


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=40))
@settings(deadline=None)
def test_auc_is_the_share_of_pairs(rows: list[tuple[int, bool]]) -> None:
    scores, positive = np.array([float(s) for s, _ in rows]), np.array([p for _, p in rows])
    pairs = [(a > b) + (a == b) / 2 for a in scores[positive] for b in scores[~positive]]
    if pairs:
        assert auc(scores, positive) == pytest.approx(np.mean(pairs))
    else:
        assert math.isnan(auc(scores, positive))


def test_a_model_of_another_project_needs_to_be_explained(tmp_path: Path) -> None:
    path = tmp_path / "theirs.bin"
    model = LinearModel.made([b"</s>", b"good", b"bad"], np.ones(3, np.int64), np.array([0, 2, -2, *[0] * 10], np.float32), 1)
    write_model(path, model, ("hq", "lq"), 1)
    with pytest.raises(ModelError, match=r"has no card.*`unit`.*`label`"):
        Classifier.load(path)
    scores = Classifier.load(path, unit="words", label="__label__hq")(["good\ngood", "bad"])
    assert scores[0] > 0.7 > 0.3 > scores[1]
    assert Classifier.load(path, unit="words", label="lq")(["bad"])[0] > 0.7
    with pytest.raises(ModelError, match="no label 'xx', but hq and lq"):
        Classifier.load(path, unit="words", label="xx")


@pytest.mark.parametrize(("quantized", "lines", "message"), [
    (True, None, "it is quantised"), (False, None, r"character n-grams inside words"),
    (False, ["__label__a x y", "__label__b y z", "__label__c z x"], "3 labels instead of two"),
])  # fmt: skip
def test_models_that_cannot_be_used(tmp_path: Path, quantized: bool, lines: list[str] | None, message: str) -> None:
    path = train_toy(tmp_path / "toy.bin", quantized=quantized, lines=lines)
    with pytest.raises(ModelError, match=message):
        Classifier.load(path, unit="words", label="keep" if lines is None else "a")


def test_a_card_of_another_kind(made: Path, tmp_path: Path) -> None:
    path = tmp_path / "other.bin"
    path.write_bytes(made.read_bytes())
    card = read_card(made)
    assert card is not None
    write_card(path, card.model_copy(update={"kind": "langid"}))
    with pytest.raises(ModelError, match="of kind langid; a classifier is needed"):
        Classifier.load(path)
    write_card(path, card.model_copy(update={"normaliser_version": 99}))
    with pytest.raises(ModelError, match="train the model again"):
        Classifier.load(path)


def test_long_documents_are_read_through_windows(made: Path) -> None:
    classifier = Classifier.load(made)
    good = "，".join(texts(400, True, 5))
    assert len(good) > 40_000
    whole = classifier.model.margins(Tokens().lines([good[:32_000]]))[0]
    assert abs(classifier.margins([good])[0] - whole) < 0.3


def test_jieba_words(tmp_path: Path) -> None:
    pytest.importorskip("jieba")
    line = Tokens("jieba").lines(["研究人员在实验，ABC 123"]).line(0).decode()
    assert line == "研究 人员 在 实验 , abc 000"
    sources = Sources((str(write(tmp_path / "a.jsonl", texts(40, True))),), (str(write(tmp_path / "b.jsonl", texts(40, False))),))
    card = train_classifier(sources, tmp_path / "j.bin", Settings(Tokens("jieba"), epochs=3, dim=8), "", lambda _: None)
    assert card.unit == "jieba"
    assert "jieba" in card.made_with
    assert Classifier.load(tmp_path / "j.bin")(texts(1, True, 9))[0] > 0.5


def test_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = write(tmp_path / "good.jsonl", texts(60, True)), write(tmp_path / "bad.jsonl", texts(60, False))
    model = tmp_path / "models" / "ads.bin"
    sources = ["--positive", str(bad), "--negative", str(good)]
    assert run_command(["train-classifier", *sources, "--output", str(model), "--epochs", "3", "--dim", "8"]) == 0
    out = capsys.readouterr().out
    assert "early figures" in out
    assert "reliab" not in out.lower()
    assert json.loads((model.parent / "ads.bin.card.json").read_text())["kind"] == "classifier"
    assert run_command(["eval", "--model", str(model), *sources, "--threshold", "0.9"]) == 0
    assert "at score 0.9" in capsys.readouterr().out
    assert run_command(["card", str(model)]) == 0
    assert "calibration" in capsys.readouterr().out


@pytest.mark.parametrize(("options", "message"), [
    (["--positive", "a"], "--positive A --negative B"),
    (["--positive", "a", "--negative", "b", "--input", "c"], "cannot be given together"),
    (["--input", "a", "--dim", "1"], "--dim 1; allowed: 2 to 512"),
    (["--input", "a", "--ngrams", "1"], "--ngrams 1; allowed: 2 to 6"), (["--input", "a", "--epochs", "0"], "--epochs 0; allowed"),
])  # fmt: skip
def test_wrong_options(options: list[str], message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message):
        run_command(["train-classifier", *options, "--output", str(tmp_path / "x.bin")])
