"""Scores are KenLM's; tables are built once, shared, and never trusted when they do not fit; every bad model has its message."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from pathlib import Path

import kenlm
import numpy as np
import pytest

from cleaning.errors import ModelError
from cleaning.models.card import read_card, write_card
from cleaning.models.lm import table_file
from cleaning.models.lm.arpa import NgramModel, read_arpa
from cleaning.models.lm.breaking import KINDS, damaged
from cleaning.models.lm.repeats import repeated_tokens
from cleaning.models.lm.scoring import KenlmModel, ModelFile, Scorer, TableModel, perplexity
from cleaning.models.lm.table_file import open_tables
from cleaning.models.lm.tables import Tables, build_tables, score_lines
from cleaning.models.lm.units import Units
from cleaning.models.lm.vocabulary import Vocabulary

from .lm_samples import grams_of, made_up, naive_events, naive_score, naive_tokens, texts, write_model

PRUNED = """\\data\\
ngram 1=6
ngram 2=4
ngram 3=2

\\1-grams:
-1.5\t<unk>
-99\t<s>\t-0.3
-0.9\t</s>
-0.7\ta\t-0.2
-0.8\tb\t-0.25
-1.1\tc\t0.1

\\2-grams:
-0.4\t<s> a\t-0.15
-0.5\ta b\t-0.05
-0.6\tb a
-0.2\tc </s>

\\3-grams:
-0.1\ta b c
-0.3\tb a b

\\end\\
"""  # the 3-gram `a b c` has no `b c` behind it, as in models that SRILM has pruned; `b a` has no backoff weight


@pytest.fixture(scope="module")
def zh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lm") / "zh.arpa"
    write_model(path, texts("zh_good")[:60], order=5)
    return path


def by_kenlm(path: Path, units: Units, documents: list[str]) -> tuple[list[float], list[int]]:
    """Each line's score, its parts added in double precision (the package adds them in single precision)."""
    model = kenlm.Model(str(path))
    lines = [units.tokens(line) for text in documents for line in units.lines(text)]
    return [sum(p for p, _, _ in model.full_scores(" ".join(tokens))) for tokens in lines], [len(tokens) + 1 for tokens in lines]


@pytest.mark.parametrize(("unit", "order", "name"), [
    ("char", 5, "zh"), ("char", 2, "mixed"), ("word", 3, "en"), ("word", 2, "mixed"), ("jieba", 3, "zh"),
])  # fmt: skip
def test_the_numbers_are_those_of_kenlm(tmp_path: Path, unit: str, order: int, name: str) -> None:
    documents = [*texts(f"{name}_good"), "", "\n \n", "ω𠮷<s>\n</s> <unk>", "\ud800"]
    write_model(tmp_path / "m.arpa", documents[::2], unit, order)
    scorer = ModelFile.beside(tmp_path / "m.arpa").open()
    scores = scorer(documents, events=True)
    expected, tokens = by_kenlm(tmp_path / "m.arpa", Units(unit), documents)
    assert len(tokens) > 100
    np.testing.assert_allclose(scores.log10, expected, atol=1e-4, rtol=0)
    assert scores.tokens.tolist() == tokens
    assert np.diff(scores.docs)[-4:-2].tolist() == [0, 0]
    # each token is in one bin of events, and the numbers do not depend on whether events are counted
    assert scores.events[:, :9].sum(axis=1).tolist() == tokens
    assert (scores.events[:, 9] <= scores.events[:, 10]).all()
    assert scorer(documents).log10.tolist() == scores.log10.tolist()
    assert scorer(documents).shares().shape == (len(documents), 0)


def test_a_pruned_model_is_filled_in(tmp_path: Path) -> None:
    path = tmp_path / "pruned.arpa"
    path.write_text(PRUNED)
    grams, rng = grams_of(read_arpa(path)), random.Random(3)
    scorer, reference = Scorer(TableModel(open_tables(path)), Units("word")), kenlm.Model(str(path))
    for _ in range(300):
        words = [rng.choice("aabbcx") for _ in range(rng.randint(1, 9))]
        got = scorer([" ".join(words)]).log10[0]
        assert got == pytest.approx(naive_score(grams, 3, words), abs=1e-5)
        assert got == pytest.approx(reference.score(" ".join(words)), abs=1e-4)
    # by hand: a after <s>; b after "<s> a", so the backoff of "<s> a", then "a b"; "a b c"; </s> after "b c", which has no weight: c </s>
    assert scorer(["a b c"]).log10[0] == pytest.approx(-0.4 + (-0.15 - 0.5) - 0.1 - 0.2, abs=1e-5)


def test_twin(zh: Path) -> None:
    model, units = read_arpa(zh), Units("char")
    grams = grams_of(model)
    documents = texts("zh_good")[60:64] + texts("mixed_good")[:2]
    tables, vocab = build_tables(model), Vocabulary(model.vocab)
    ids, lines = units.encode("\n".join(documents), vocab)
    log10, events = score_lines(tables, ids, lines, events=True)
    said = [units.tokens(line) for text in documents for line in units.lines(text)]
    np.testing.assert_allclose(log10, [naive_score(grams, 5, tokens) for tokens in said], atol=1e-4)
    expected = np.array([naive_events(naive_tokens(grams, 5, tokens)) for tokens in said])
    # single precision may put a token that lies on an edge into the next bin
    assert np.abs(events - expected).sum() <= 2e-4 * events[:, :9].sum()
    assert expected[:, 15].sum() >= 0 < expected[:, 12:15].sum()


def test_a_document_does_not_depend_on_its_batch(zh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cleaning.models.lm import scoring

    scorer, documents = ModelFile.beside(zh).open(), texts("zh_good")[50:80]
    together = scorer(documents, events=True)
    alone = [scorer([text], events=True) for text in documents]
    monkeypatch.setattr(scoring, "_BATCH", 700)
    cut = scorer(documents, events=True)
    for got in (cut, scoring._joined(alone)):
        for a, b in zip(together, got, strict=True):
            assert a.tolist() == b.tolist()
    assert together.shares().tolist() == [row for one in alone for row in one.shares().tolist()]


def test_repeated_tokens_against_a_twin() -> None:
    rng = random.Random(5)
    documents = [[rng.randint(0, 3) for _ in range(rng.randint(0, 90))] for _ in range(40)] + [[], [7] * 30, list(range(40)) * 2]
    begins = np.cumsum([0, *map(len, documents)]).astype(np.int64)
    got = repeated_tokens(np.array([i for d in documents for i in d], np.uint32), begins)
    for tokens, counts in zip(documents, got.tolist(), strict=True):
        for span, count in zip((4, 12), counts, strict=True):
            runs = [tuple(tokens[i : i + span]) for i in range(len(tokens) - span + 1)]
            assert count == len(runs) - len(set(runs))


def test_tables_lie_beside_the_model_and_are_made_once(zh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.arpa"
    shutil.copy(zh, path)
    first = open_tables(path)
    (file,) = tmp_path.glob(".m.arpa.*.ngrams")

    def never(*_: object) -> NgramModel:
        raise AssertionError("the model is read again")

    with monkeypatch.context() as patch:
        patch.setattr(table_file, "read_arpa", never)
        again = open_tables(path)
        assert not isinstance(again.slots, np.memmap)
        assert not again.slots.flags.writeable
        assert again.vocab == first.vocab
        assert (again.slots == first.slots).all()
        os.utime(path, ns=(1, 1))  # a copy has another time; its contents decide
        assert (open_tables(path).slots == first.slots).all()
    torn = tmp_path / "torn"
    torn.write_bytes(file.read_bytes()[:-4096])
    torn.replace(file)  # another file: who has the first one mapped keeps it
    assert (open_tables(path).slots == first.slots).all()
    write_model(path, ["另一个模型，和前一个不同。"] * 3)
    assert open_tables(path).vocab != first.vocab
    assert len(list(tmp_path.glob(".m.arpa.*.ngrams"))) == 1, "the tables of what it was are gone"


def test_a_directory_that_cannot_be_written_to(zh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = table_file._write

    def refused(tables: Tables, path: Path, same: list[int]) -> None:
        if path.parent == tmp_path / "read-only":
            raise PermissionError(13, "Permission denied")
        write(tables, path, same)

    monkeypatch.setattr(table_file, "_write", refused)
    monkeypatch.setattr(table_file.tempfile, "gettempdir", lambda: str(tmp_path))
    (tmp_path / "read-only").mkdir()
    shutil.copy(zh, tmp_path / "read-only" / "m.arpa")
    made = open_tables(tmp_path / "read-only" / "m.arpa")
    assert len(list(tmp_path.glob("cleaning-ngrams-*/.m.arpa.*.ngrams"))) == 1
    monkeypatch.setattr(table_file, "read_arpa", None)
    assert (open_tables(tmp_path / "read-only" / "m.arpa").slots == made.slots).all()


@pytest.mark.parametrize(("content", "message"), [
    (b"", "neither an ARPA file nor a binary of KenLM"),
    (b"PK\x03\x04 a zip", "neither an ARPA file nor a binary of KenLM"),
    (PRUNED.replace("-0.5\ta b", "0.5\ta b").encode(), "a 2-gram has the logarithm 0.5"),
    (PRUNED.replace("a b c", "a b z").encode(), r"m\.arpa:\d+: not a line of 3-grams"),
    (PRUNED[:-20].encode(), "m.arpa"),
    (b"mmap lm http://kheafield.com/code format version 5\n\0" + bytes(200), "not a binary that this kenlm reads"),
])  # fmt: skip
def test_what_is_no_model(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "m.arpa").write_bytes(content)
    with pytest.raises(ModelError, match=message):
        ModelFile.beside(tmp_path / "m.arpa", "word").open()


def test_cards_that_do_not_fit(zh: Path, tmp_path: Path) -> None:
    path = tmp_path / "m.arpa"
    shutil.copy(zh, path)
    with pytest.raises(ModelError, match=r"no card that says what its tokens are; say it by perplexity\.unit: char, word"):
        ModelFile.beside(path).open()
    assert ModelFile.beside(path, "char").open().units == Units("char")
    card = read_card(zh)
    assert card is not None
    write_card(path, card)
    with pytest.raises(ModelError, match="its unit is 'char', as its card says, not 'word'"):
        ModelFile.beside(path, "word").open()
    write_card(path, card.model_copy(update={"size": 5}))
    with pytest.raises(ModelError, match="its card m.arpa.card.json is of a file of 5"):
        ModelFile.beside(path).open()
    write_card(path, card.model_copy(update={"kind": "classifier"}))
    with pytest.raises(ModelError, match="its card says 'classifier'"):
        ModelFile.beside(path).open()
    write_card(path, card.model_copy(update={"unit": "sp"}))
    with pytest.raises(ModelError, match="pieces of SentencePiece, but there is no"):
        ModelFile.beside(path).open()


def test_a_binary_gives_the_same_numbers(zh: Path, tmp_path: Path) -> None:
    beside = Path(os.environ.get("LMPLZ", "lmplz")).with_name("build_binary")
    builder = shutil.which("build_binary") or shutil.which(str(beside))
    if builder is None:
        pytest.skip("build_binary of KenLM is not on the PATH, nor beside $LMPLZ")
    subprocess.run([builder, "trie", zh, tmp_path / "zh.bin"], check=True, capture_output=True)
    binary, own = ModelFile.beside(tmp_path / "zh.bin", "char").open(), ModelFile.beside(zh).open()
    assert isinstance(binary.model, KenlmModel)
    documents = [*texts("zh_good")[60:75], ""]
    a, b = binary(documents, events=True), own(documents)
    assert a.tokens.tolist() == b.tokens.tolist()
    np.testing.assert_allclose(a.log10 / a.tokens, b.log10 / b.tokens, atol=1e-4)
    assert a.shares().shape == (len(documents), 0)


def test_perplexity_by_hand() -> None:
    assert perplexity(-4.0, 2) == pytest.approx(100)
    assert np.isnan(perplexity(0.0, 0))
    assert perplexity(-1e9, 1) == 1e300


def test_broken_copies_are_the_same_each_time_and_broken() -> None:
    for text in (made_up(1)[0], "The quick brown fox jumps over the lazy dog, and nobody in the village minds.\n" * 3):
        for kind in KINDS:
            copy = damaged(text, kind, 3)
            assert copy == damaged(text, kind, 3)
            assert copy != text
            assert len(copy) > 20
