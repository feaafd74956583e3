"""Training of n-gram models: tokens, smoothing against its naive twin, sorting on disk, ARPA files, the command."""

from __future__ import annotations

import argparse
import errno
import math
import random
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaning.errors import ModelError, UserError
from cleaning.models.card import read_card, sha256_of
from cleaning.models.commands import train_lm as command
from cleaning.models.lm import arpa, train, units
from cleaning.models.lm.arpa import NgramModel, read_arpa, write_arpa
from cleaning.models.lm.counts import Sorter
from cleaning.models.lm.train import Training, fit, full_prune, train_lm
from cleaning.models.lm.units import Units, normalise
from cleaning.models.lm.vocabulary import SPECIALS, Vocabulary
from tests.models.naive_lm import Model, conditional, naive_lm, score
from tests.samples import sample_texts

CHAR = Units("char")
ODD = "ＡＢｃ１２　你好▁é\u0301İΣ\u200b\ufe0f\x07🎉\U0001f468\u200d\U0001f469 \u2028x\r\n\n \t 한국어 カタカナ ไทย ½ ٣ 々 \ud800 \x00z"
corpora = st.lists(st.text("abc甲", min_size=1, max_size=12), min_size=1, max_size=12)


def as_dict(model: NgramModel) -> Model:
    out: Model = []
    for k in range(model.order):
        backoff = model.backoff[k] if model.backoff[k].size else np.zeros(len(model.prob[k]))
        rows = [tuple(model.vocab[i] for i in row) for row in model.ngrams[k].tolist()]
        out.append(dict(zip(rows, zip(model.prob[k].tolist(), backoff.tolist()))))
        assert len(out[-1]) == len(rows)
    return out


def sentences_of(texts: list[str], how: Units = CHAR) -> list[list[str]]:
    return [how.tokens(line) for text in texts for line in how.lines(text)]


def assert_same(one: Model, other: Model, tolerance: float) -> None:
    assert [set(of) for of in one] == [set(of) for of in other]
    for a, b in zip(one, other):
        for gram, (prob, backoff) in a.items():
            assert abs(prob - b[gram][0]) <= tolerance, (gram, prob, b[gram])
            assert abs(backoff - b[gram][1]) <= tolerance, (gram, backoff, b[gram])


def assert_encodes(how: Units, texts: list[str]) -> None:
    vocab = Vocabulary()
    learned = how.encode_texts(texts, vocab, learn=True)
    again = how.encode_texts(texts, Vocabulary(vocab.tokens))
    plain = [[how.tokens(line) for line in how.lines(text)] for text in texts]
    assert [vocab.tokens[i] for i in learned.ids.tolist()] == [token for doc in plain for line in doc for token in line]
    assert np.diff(learned.lines).tolist() == [len(line) for doc in plain for line in doc]
    assert np.diff(learned.docs).tolist() == [len(doc) for doc in plain]
    assert all((a == b).all() for a, b in zip(learned, again))
    assert vocab.tokens[3:] == list(dict.fromkeys(token for doc in plain for line in doc for token in line))


@pytest.mark.parametrize("kind", ["char", "word"])
def test_encoding_is_the_plain_definition(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [*sample_texts(), ODD, "", "\n\n", " "]
    assert_encodes(Units(kind), texts)
    whole = Units(kind).encode_texts(texts, Vocabulary(), learn=True)
    monkeypatch.setattr(units, "_BATCH", 999)
    assert all((a == b).all() for a, b in zip(whole, Units(kind).encode_texts(texts, Vocabulary(), learn=True)))


def test_what_the_normaliser_does() -> None:
    assert normalise(ODD) == "abc00 你好 é\u0301İσ🎉\U0001f468\U0001f469\nx\n한국어 カタカナ ไทย ½ 0 々 z"
    words = [Units("word").tokens(line) for line in normalise(ODD).split("\n")]
    assert words[0][:4] == ["abc00", "你", "好", "é\u0301İσ"]
    assert words[2] == ["한국어", *"カタカナ", "ไทย", "½", "0", "々", "z"]
    assert normalise("第１２章，漢字、ABC；“x”") == "第00章，漢字、abc；“x”"


def test_a_line_says_where_it_begins() -> None:
    texts = ["\u3000\u3000你好\n\n \t再见 a", "x"]
    joined = "".join(texts)
    encoded = CHAR.encode_texts(texts, Vocabulary())
    assert [joined[i] for i in encoded.starts.tolist()] == ["你", "再", "x"]


@given(st.lists(st.text(max_size=40), max_size=4))
@settings(max_examples=60, deadline=None)
def test_any_text_encodes(texts: list[str]) -> None:
    for kind in ("char", "word"):
        assert_encodes(Units(kind), texts)
    for text in texts:
        assert normalise(normalise(text)) == normalise(text)


def test_words_beyond_the_first_table() -> None:
    texts = [" ".join(f"w{chr(97 + i % 26)}{chr(97 + i // 26 % 26)}{chr(97 + i // 676)}" for i in range(9000))]
    assert_encodes(Units("word"), texts)


def test_words_of_jieba() -> None:
    pytest.importorskip("jieba")
    assert_encodes(Units("jieba"), ["今天 天气很好。\n我们去公园 Hello", "第２章"])
    assert Units("jieba").tokens("今天 天气很好") == ["今天", "天气", "很", "好"]


def test_pieces_of_sentencepiece(tmp_path: Path) -> None:
    sentencepiece = pytest.importorskip("sentencepiece")
    text = tmp_path / "t.txt"
    text.write_text("\n".join(line for t in sample_texts() for line in CHAR.lines(t) if len(line) < 2000), encoding="utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(text), model_prefix=str(tmp_path / "m"), vocab_size=4000, character_coverage=0.98, minloglevel=2, num_threads=1,
        hard_vocab_limit=False,
    )  # fmt: skip
    how = Units("sp", pieces=tmp_path / "m.model")
    assert_encodes(how, sample_texts()[:20])
    assert how.tokens("你好 龘")[0].startswith("▁")


def test_what_is_no_unit() -> None:
    for bad in ({"kind": "letter"}, {"kind": "sp"}, {"kind": "char", "pieces": Path("x")}, {"version": 99}):
        with pytest.raises(ModelError):
            Units(**bad)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="SentencePiece|not installed"):
        Units("sp", pieces=Path(__file__)).tokens("x")


def test_special_tokens_in_the_text_are_no_tokens() -> None:
    vocab = Vocabulary()
    assert [vocab.learn(token) for token in (*SPECIALS, "x")] == [0, 0, 0, 3]
    assert [vocab.find(token) for token in (*SPECIALS, "x", "y")] == [0, 0, 0, 3, 0]
    assert Units("word").tokens("<s>") == ["<", "s", ">"]


def test_worked_by_hand() -> None:
    """Three lines ab, ab, ac as bigrams: counts of counts 2, 2, 1, 0 give D = 1/3, 3/2, 3; the unigrams get 1/2, 1, 3/2."""
    model = fit(["ab\nab", "ac"], CHAR, 2, (0,))
    assert np.allclose(model.training["discounts"], [[0.5, 1, 1.5], [1 / 3, 1.5, 3]])
    assert model.training["given_discounts_for"] == [1]
    got = [{gram: (10**p, 10**b) for gram, (p, b) in of.items()} for of in as_dict(model)]
    unigrams = {"<unk>": (0.1, 1), "<s>": (1, 1), "</s>": (0.3, 1), "a": (0.2, 11 / 18), "b": (0.2, 0.75), "c": (0.2, 1 / 3)}
    bigrams = {"<s> a": 0.2, "a b": 26 / 90, "a c": 31 / 90, "b </s>": 0.475, "c </s>": 2 / 3 + 0.1}
    assert {" ".join(g) for g in got[1]} == set(bigrams)
    assert {g[0] for g in got[0]} == set(unigrams)
    for gram, expected in unigrams.items():
        assert got[0][(gram,)] == pytest.approx(expected, rel=1e-6)
    for gram, prob in bigrams.items():
        assert got[1][tuple(gram.split())][0] == pytest.approx(prob, rel=1e-6)


@given(corpora, st.integers(1, 6), st.sampled_from([(0,), (0, 0, 1), (0, 1), (0, 1, 3)]))
@settings(max_examples=80, deadline=None)
def test_smoothing_is_its_twin(texts: list[str], order: int, prune: tuple[int, ...]) -> None:
    model = fit(texts, CHAR, order, prune)
    assert_same(as_dict(model), naive_lm(sentences_of(texts), order, full_prune(prune, order)), 1e-4)


@pytest.mark.parametrize("prune", [(0,), (0, 0, 1)])
def test_real_text_is_the_twin_and_sums_to_one(prune: tuple[int, ...]) -> None:
    texts = sample_texts()[:60]
    model = as_dict(fit(texts, CHAR, 4, prune))
    assert_same(model, naive_lm(sentences_of(texts), 4, full_prune(prune, 4)), 1e-4)
    words = [g[0] for g in model[0] if g[0] != "<s>"]
    contexts = [g for of in model[:3] for g in of if g[-1] != "</s>" and g != ("<unk>",)]
    for context in [(), ("<s>",), *random.Random(5).sample(contexts, 25)]:
        assert sum(10 ** conditional(model, context, word) for word in words) == pytest.approx(1, abs=2e-4)


def test_sorting_on_disk_is_sorting_in_memory(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    n, bits = 60_000, 70
    lo, hi = rng.integers(0, 1 << 63, n, np.uint64) // 7 * 7, rng.integers(0, 40, n, np.uint64)
    lo[: n // 2], hi[: n // 2] = lo[n // 2 :], hi[n // 2 :]
    value = rng.integers(1, 9, n, np.uint64)
    expected: dict[int, int] = {}
    for h, low, v in zip(hi.tolist(), lo.tolist(), value.tolist()):
        expected[h << 64 | low] = expected.get(h << 64 | low, 0) + v
    for memory in (1, 1 << 30):
        sorter = Sorter(bits, memory, tmp_path, combine=True)
        for i in range(0, n, 7000):
            sorter.add(hi[i : i + 7000].copy(), lo[i : i + 7000].copy(), value[i : i + 7000].copy())
        blocks = [(h << 64 | low, v) for columns in sorter.blocks() for h, low, v in zip(*(c.tolist() for c in columns))]
        assert blocks == sorted(expected.items())
        assert (sorter.spilled > 0) == (memory == 1)
    assert list(tmp_path.iterdir()) == []


def test_bounded_memory_gives_the_same_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = sample_texts()
    whole = fit(texts, CHAR, 5, (0, 0, 1))
    monkeypatch.setattr(train, "_BATCH", 5000)
    spilled = fit(iter(texts), CHAR, 5, (0, 0, 1), memory=1, tmp=tmp_path)
    assert whole.vocab == spilled.vocab
    assert whole.training == spilled.training
    for one, other in zip((*whole.ngrams, *whole.prob, *whole.backoff), (*spilled.ngrams, *spilled.prob, *spilled.backoff)):
        assert one.tobytes() == other.tobytes()
    assert list(tmp_path.iterdir()) == []


def test_arpa_there_and_back_and_in_kenlm(tmp_path: Path) -> None:
    model = fit(sample_texts(), CHAR, 4, (0, 0, 1))
    path = tmp_path / "m" / "zh.arpa"
    write_arpa(model, path)
    back = read_arpa(path)
    assert back.vocab == model.vocab
    for k in range(4):
        assert (back.ngrams[k] == model.ngrams[k]).all()
        assert np.abs(back.prob[k] - model.prob[k]).max() < 1e-6
        assert back.backoff[k].size == model.backoff[k].size
        assert k == 3 or np.abs(back.backoff[k] - model.backoff[k]).max() < 1e-6
    assert [p.name for p in path.parent.iterdir()] == ["zh.arpa"]
    kenlm = pytest.importorskip("kenlm")
    loaded, ours = kenlm.Model(str(path)), as_dict(model)
    for line in ["今天天气很好。", "龘龘", "the weather is fine", "好"]:
        tokens = CHAR.tokens(line)
        assert loaded.score(" ".join(tokens)) == pytest.approx(score(ours, tokens), abs=1e-4)


def test_arpa_of_others(tmp_path: Path) -> None:
    path = tmp_path / "x.arpa"
    good = "\n\\data\\\nngram 1=3\nngram 2=2\n\n\\1-grams:\n-0.5\t</s>\n-99 <s> -3e-1\n-0.25\thi\t-0.125\n\n"
    good += "\\2-grams:\n-0.1\t<s> hi\n-.2\thi </s>\n\n\\end\\\n"
    for text in (good, good.replace("\n", "\r\n")):
        path.write_text(text, encoding="utf-8", newline="")
        model = read_arpa(path)
        assert model.vocab == ["<unk>", "<s>", "</s>", "hi"]
        assert model.prob[0].tolist() == [-100, -99, -0.5, -0.25]
        assert model.backoff[0].tolist() == [0, pytest.approx(-0.3), 0, -0.125]
        assert model.ngrams[1].tolist() == [[1, 3], [3, 2]]
        assert model.prob[1].tolist() == pytest.approx([-0.1, -0.2])
    faults = {
        "ngram 2=2": "ngram 2=3", "-0.1\t": "-x\t", "\t<s> hi": "\t<s> ho", "\\2-grams:": "\\3-grams:", "\\data\\": "data",
        "\\end\\": "", "</s>\n-99": "hi\n-99",
    }  # fmt: skip
    for old, new in faults.items():
        path.write_text(good.replace(old, new), encoding="utf-8")
        with pytest.raises(ModelError, match="x.arpa"):
            read_arpa(path)
    with pytest.raises(ModelError, match="cannot be read"):
        read_arpa(tmp_path / "none.arpa")


def test_the_fault_of_an_arpa_file_has_its_line(tmp_path: Path) -> None:
    path = tmp_path / "x.arpa"
    path.write_text("\\data\\\nngram 1=3\n\n\\1-grams:\n-1\t<unk>\n-1\t<s>\n-1\n\n\\end\\\n", encoding="utf-8")
    with pytest.raises(ModelError, match=r"x\.arpa:7: not a line of 1-grams"):
        read_arpa(path)


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args(arguments))


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    samples = Path(__file__).resolve().parents[2] / "samples" / "raw" / "zh_good.jsonl"
    output = tmp_path / "zh.arpa"
    assert run("--input", str(samples), "--output", str(output), "--order", "3", "--name", "good") == 0
    card = read_card(output)
    assert card is not None
    assert (card.name, card.kind, card.unit, card.order) == ("good", "lm", "char", 3)
    assert (card.normaliser, card.normaliser_version) == ("cleaning-1", 1)
    assert card.sha256 == sha256_of(output)
    assert card.size == output.stat().st_size
    assert card.training["ngrams"] == [len(p) for p in read_arpa(output).prob]
    assert card.training["prune"] == [0, 0, 1]
    assert card.corpus["documents"] > 30
    assert str(output) in capsys.readouterr().out
    first = output.read_bytes()
    assert run("--input", str(samples), "--output", str(output), "--order", "3", "--memory", "1") == 0
    assert output.read_bytes() == first
    assert run("--input", str(samples), "--output", str(output), "--order", "2", "--limit", "3k") == 0
    limited = read_card(output)
    assert limited is not None
    assert 0 < limited.corpus["documents"] < card.corpus["documents"]


def test_faults_of_the_command(tmp_path: Path) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.write_text('{"text": "\\n "}\n', encoding="utf-8")
    output = tmp_path / "old.arpa"
    output.write_text("old", encoding="utf-8")
    for arguments, said in (
        (["--order", "7"], "order 7; allowed: 1 to 6"),
        (["--prune", "1"], "must be 0"),
        (["--prune", "0", "2", "1"], "smaller than the one before"),
        (["--unit", "sp"], "--sp-model"),
        (["--memory", "much"], "not a size"),
        (["--limit", "0"], "more than nothing"),
        (["--tmp", str(tmp_path / "none")], "no such directory"),
        (["--output", str(tmp_path / "x.model")], "must end in .arpa"),
        ([], "no text"),
    ):
        with pytest.raises(UserError, match=said):
            run("--input", str(empty), "--output", str(output), *arguments)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["empty.jsonl", "old.arpa"]
    assert output.read_text(encoding="utf-8") == "old"


def test_lmplz_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMPLZ", str(tmp_path / "lmplz"))
    with pytest.raises(ModelError, match="not on the PATH"):
        train_lm([__file__], tmp_path / "x.arpa", Training(CHAR, engine="lmplz"))
    with pytest.raises(UserError, match="engine 'srilm'"):
        train_lm([__file__], tmp_path / "x.arpa", Training(CHAR, engine="srilm"))


def test_a_vocabulary_too_large_for_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    vocab = Vocabulary([*SPECIALS, *(f"w{i}" for i in range(1 << 21))])
    monkeypatch.setattr(train, "Vocabulary", lambda: vocab)
    with pytest.raises(UserError, match="too many for order 6: at most 2,097,152"):
        fit(["x"], CHAR, 6)
    model = fit(["xy"], CHAR, 5)  # 110 bits a key
    assert math.isfinite(model.prob[4].sum())


def test_odd_corpora(tmp_path: Path) -> None:
    """One token again and again, empty documents among others, a document of 8 MB, order 1, more types than tokens of each."""
    for order in (1, 2, 5):
        model = fit(["", "a" * 50, "\n\n", " ", "a"], CHAR, order)
        assert_same(as_dict(model), naive_lm(sentences_of(["a" * 50, "a"]), order, full_prune((0, 0, 1), order)), 1e-4)
    book = "".join(sample_texts())
    book *= (8 << 20) // len(book.encode()) + 1
    whole = fit([book, ""], CHAR, 3, memory=32 << 20, tmp=tmp_path)
    assert whole.training["tokens"] > 2_000_000
    assert whole.training["lines"] == len(CHAR.lines(book))
    rare = " ".join(f"w{i:x}" for i in range(50_000))
    assert len(fit([rare], Units("word"), 2, (0,)).vocab) == 50_003
    assert list(tmp_path.iterdir()) == []


def test_a_killed_training_leaves_the_old_model_and_its_rest_goes(tmp_path: Path) -> None:
    samples = Path(__file__).resolve().parents[2] / "samples" / "raw" / "zh_good.jsonl"
    output = tmp_path / "zh.arpa"
    output.write_text("old", encoding="utf-8")
    stopped = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom cleaning.models.lm import arpa\nfrom cleaning.models.lm.train import *\n"
        "whole, calls = arpa._write_section, []\n"
        "def write(out, *rest):\n    whole(out, *rest)\n    calls.append(1)\n"
        "    if len(calls) == 2:\n        out.flush()\n        os.kill(os.getpid(), signal.SIGKILL)\n"
        "arpa._write_section = write\ntrain_lm([sys.argv[1]], Path(sys.argv[2]), Training(Units('char'), 3))\n"
    )
    done = subprocess.run([sys.executable, "-c", stopped, str(samples), str(output)], cwd=Path(__file__).resolve().parents[2], check=False)
    assert done.returncode == -signal.SIGKILL
    assert output.read_text(encoding="utf-8") == "old"
    assert len(list(tmp_path.glob(".zh.arpa.*.part"))) == 1
    train_lm([samples], output, Training(CHAR, 3))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["zh.arpa", "zh.arpa.card.json"]
    assert read_arpa(output).order == 3


def test_no_space_left_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = Path(__file__).resolve().parents[2] / "samples" / "raw" / "zh_good.jsonl"

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(arpa, "_write_section", full)
    with pytest.raises(UserError, match=r"no space left for .*zh.arpa.*--tmp"):
        train_lm([samples], tmp_path / "zh.arpa", Training(CHAR, 2))
    assert list(tmp_path.iterdir()) == []


def test_a_binary_needs_the_program_of_kenlm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUILD_BINARY", str(tmp_path / "build_binary"))
    with pytest.raises(ModelError, match="neither on the PATH"):
        train_lm([__file__], tmp_path / "zh.klm", Training(CHAR))
