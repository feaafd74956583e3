"""`cleaning models calibrate`: what a language model's numbers mean on the user's own documents."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from cleaning import __version__
from cleaning.config import parse_size
from cleaning.errors import UserError
from cleaning.models.card import Card, card_path, sha256_of, write_card
from cleaning.models.corpus import Corpus, read_texts
from cleaning.models.lm.calibration import ALL, FEWEST, Calibration, Sample, calibrate, group_names
from cleaning.models.lm.noting import language_of
from cleaning.models.lm.scoring import ModelFile, Scorer
from cleaning.models.store import missing_model

ABOUT = "percentiles of a language model's scores on your own data"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    add = parser.add_argument
    add("--model", required=True, type=Path, metavar="FILE", help="an ARPA file, or a binary of KenLM; its card gets the percentiles")
    about_input = "files, directories, globs, or a finished run: documents like those to be judged, but not those the model was trained on"
    add("--input", nargs="+", required=True, metavar="SHARDS", help=about_input)
    add("--documents", type=int, default=5000, metavar="N", help="the first N documents of each source count (default 5000)")
    add("--limit", metavar="SIZE", help="read only so much UTF-8 text")
    add("--lang", metavar="CODE", help="only documents of this language (by the note `lang`, else by script)")
    add("--by", nargs="*", choices=("source", "lang"), default=["source", "lang"], help="which groups get percentiles (default both)")
    add("--unit", default="auto", choices=("auto", "char", "word", "jieba", "sp"), help="for a model without a card: what its tokens are")
    add("--sp-model", type=Path, metavar="FILE", help="for a model without a card: its SentencePiece model")
    add("--windows", type=int, default=0, metavar="N", help="as perplexity.windows will be (default 0: whole documents)")


def run(args: argparse.Namespace) -> int:
    """Calibrate, write the card, and say what was found."""
    if not args.model.is_file():
        raise UserError(f"--model {args.model}: no such file{missing_model(str(args.model))}")
    file = ModelFile.beside(args.model, args.unit, args.sp_model)
    scorer, corpus = file.open(), read_texts(args.input, None if args.limit is None else _size(args.limit))
    made = calibrate(scorer, _samples(corpus, args.documents, args.lang, tuple(args.by)), windows=args.windows)
    about = corpus.about()
    card = made.on(_card(file, scorer, about))
    write_card(args.model, card)
    if file.card is not None and file.card.corpus.get("digest") == about["digest"]:
        print("warning: these are the documents that the model was trained on; on others it is less sure, so use others\n")
    _show(made, about)
    print(f"\ncard  {card_path(args.model)}")
    return 0


def _samples(corpus: Corpus, most: int, lang: str | None, by: tuple[str, ...]) -> Iterator[Sample]:
    counts: Counter[str] = Counter()
    for text, doc in corpus:
        if counts[doc.source] >= most:
            continue
        found = language_of(doc)
        if lang is None or found == lang:
            counts[doc.source] += 1
            yield Sample(text, group_names(by, doc.source, found))


def _card(file: ModelFile, scorer: Scorer, about: dict[str, object]) -> Card:
    """The model's card with what calibrated it; a new one for a model without a card."""
    units = scorer.units
    card = file.card or Card(
        name=file.path.name, kind="lm", about=f"{scorer.model.order}-gram model", unit=units.kind, normaliser=units.normaliser,
        normaliser_version=units.version, order=scorer.model.order,
        training={} if units.pieces is None else {"sp_model": units.pieces.name},
        sha256=sha256_of(file.path), size=file.path.stat().st_size, made_with={"cleaning": __version__},
    )  # fmt: skip
    figures = {**card.figures, "calibrated_on": about}
    return card.model_copy(update={"memory_mb": round(scorer.model.nbytes / 1e6, 1), "figures": figures})


def _show(made: Calibration, about: dict[str, object]) -> None:
    print(f"{'group':<32} {'p5':>9} {'p30':>9} {'p50':>9} {'p60':>9} {'p95':>9}")
    for group, values in sorted(made.percentiles.items(), key=lambda item: (item[0] != ALL, item[0])):
        print(f"{group:<32} " + " ".join(f"{values[p]:>9.4g}" for p in (5, 30, 50, 60, 95)))
    print(f"\n{about['documents']:,} documents read; a group needs {FEWEST} that count")
    if made.broken is None:
        print("no broken_score: KenLM's binaries do not tell what it needs, and 50 documents of 200 characters are the least")
    else:
        print(f"broken_score fitted on {made.broken.documents:,} documents and broken copies of them")


def _size(text: str) -> int:
    try:
        return int(parse_size(text))
    except ValueError as exc:
        raise UserError(f"--limit {text}: {exc}") from exc
