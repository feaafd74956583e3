"""The CCNet pair gives CCNet's numbers: its normalisation, pieces of SentencePiece, the document as one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cleaning.models.card import Card, sha256_of, write_card
from cleaning.models.lm.ccnet import normalise
from cleaning.models.lm.scoring import KenlmModel, ModelFile, Scorer, perplexity
from cleaning.models.lm.units import Units

sentencepiece = pytest.importorskip("sentencepiece")

DOCUMENT = " The Café, No. 12：\n今天（２０２４年）天气很好……\t好\n"
NORMALISED = "the cafe, no. 00:今天(0000年)天气很好......好"


@pytest.mark.parametrize(("text", "expected"), [
    (DOCUMENT, NORMALISED),
    ("", ""),
    (" \n ", ""),
    ("Ångström ÉTÉ naïve", "angstrom ete naive"),
    ("「引」《书》“双”‘单’", '"引""书""双"‘单\''),  # ‘ is not among their marks, ’ is
    ("１二3٣", "0二00"),
    ("a—b–c━d～e．f％g►h", "a - b-c-d~e. f%g-h"),
    ("【x】〈y〉；！？∶、", "[x]<y>;!?:,"),
    ("x\x07y\x7fz\x85w\u200b", "xyzw\u200b"),  # format characters stay
    ("が", "か"),  # a mark that is set on a letter goes, also in other scripts
])  # fmt: skip
def test_normalisation_by_hand(text: str, expected: str) -> None:
    assert normalise(text) == expected


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A SentencePiece model, and an ARPA file in which every piece has the logarithm -1.25 and `▁the` then anything known -0.25."""
    folder = tmp_path_factory.mktemp("ccnet")
    lines = ["the cafe is near the river", "今天天气很好", "no. 0000 the end", "明天天气不好, 今天好"] * 20
    (folder / "text").write_text("\n".join(lines), encoding="utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(folder / "text"), model_prefix=str(folder / "tiny.sp"), vocab_size=70, model_type="bpe", minloglevel=2,
        num_threads=1,
    )
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(folder / "tiny.sp.model"))
    vocab = [pieces.id_to_piece(i) for i in range(pieces.get_piece_size())]
    vocab = [piece for piece in vocab if piece not in ("<unk>", "<s>", "</s>")]
    assert "▁the" in vocab
    unigrams = ["-3\t<unk>", "-99\t<s>", "-0.5\t</s>", *(f"-1.25\t{piece}" + ("\t-0.125" if piece == "▁the" else "") for piece in vocab)]
    bigrams = ["-0.25\t▁the </s>"]
    head = ["\\data\\", f"ngram 1={len(unigrams)}", "ngram 2=1", ""]
    sections = [*head, "\\1-grams:", *unigrams, "", "\\2-grams:", *bigrams, "", "\\end\\", ""]
    path = folder / "tiny.arpa"
    path.write_text("\n".join(sections), encoding="utf-8")
    write_card(path, Card(
        name="tiny", kind="lm", unit="sp", normaliser="ccnet", normaliser_version=1, order=2, training={"sp_model": "tiny.sp.model"},
        sha256=sha256_of(path), size=path.stat().st_size,
    ))  # fmt: skip
    return path, pieces


def by_hand(text: str, pieces: Any) -> tuple[float, int]:
    """The document's logarithm from the table above, and its pieces with one for the end."""
    log10, previous = 0.0, ""
    cut = pieces.encode_as_pieces(text)
    for piece in cut:
        known = not pieces.is_unknown(pieces.piece_to_id(piece))
        log10 += (-1.25 if known else -3) + (-0.125 if previous == "▁the" else 0)
        previous = piece
    log10 += -0.25 if previous == "▁the" else -0.5
    return log10, len(" ".join(cut).split()) + 1


@pytest.mark.parametrize("text", [DOCUMENT, "The\nthe\r\nTHE", "近くの river 今天天气", "the"])
def test_the_numbers_are_ccnets(pair: tuple[Path, Any], text: str) -> None:
    path, pieces = pair
    expected = by_hand(normalise(text), pieces)
    for scorer in (ModelFile.beside(path).open(), Scorer(KenlmModel(path), Units("sp", "ccnet", 1, path.with_name("tiny.sp.model")))):
        log10, tokens = scorer([text]).summed()
        assert (log10[0], tokens[0]) == (pytest.approx(expected[0], abs=1e-4), expected[1])
        assert round(perplexity(log10[0], tokens[0]), 1) == round(10 ** (-expected[0] / expected[1]), 1)


def test_a_number_worked_out_to_the_end(pair: tuple[Path, Any]) -> None:
    path, pieces = pair
    assert pieces.encode_as_pieces("the the") == ["▁the", "▁the"]
    # ▁the -1.25, ▁the after ▁the -0.125 - 1.25, end after ▁the -0.25: 10 ** (2.875 / 3)
    log10, tokens = ModelFile.beside(path).open()(["The\u0301 THE"]).summed()
    assert perplexity(log10[0], tokens[0]) == pytest.approx(9.0852, abs=1e-3)


def test_without_a_card_the_names_say_it(pair: tuple[Path, Any], tmp_path: Path) -> None:
    path, _ = pair
    (tmp_path / "zh.arpa.bin").write_bytes(b"mmap lm http://kheafield.com/code format version 5\n\0" + bytes(64))
    (tmp_path / "zh.sp.model").write_bytes(path.with_name("tiny.sp.model").read_bytes())
    assert ModelFile.beside(tmp_path / "zh.arpa.bin").units == Units("sp", "ccnet", 1, tmp_path / "zh.sp.model")


def test_another_sentencepiece_model_is_refused(pair: tuple[Path, Any], tmp_path: Path) -> None:
    from cleaning.errors import ModelError
    from cleaning.models.card import read_card

    path, _ = pair
    card = read_card(path)
    assert card is not None
    training = {**card.training, "sp_sha256": "0" * 64}
    with pytest.raises(ModelError, match="not the SentencePiece model that tiny.arpa was trained with"):
        _ = ModelFile(path, card.model_copy(update={"training": training})).units
