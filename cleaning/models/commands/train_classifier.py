"""`cleaning models train-classifier`: a fastText classifier from good and bad documents, judged before it is kept."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from cleaning.errors import UserError
from cleaning.models.card import card_path
from cleaning.models.classifier.examples import sources_of
from cleaning.models.classifier.figures import describe_figures
from cleaning.models.classifier.tokens import KINDS, Tokens
from cleaning.models.classifier.train import Settings, train_classifier


def add_sources(parser: argparse.ArgumentParser) -> None:
    """The options that name labelled documents."""
    add = parser.add_argument
    add("--positive", nargs="+", metavar="A", help="documents of what the score is to mean: good text, or advertising")
    add("--negative", nargs="+", metavar="B", help="documents of the other kind")
    add("--input", nargs="+", metavar="FILE", help="instead of the two: documents whose records have a label")
    add("--label-field", default="label", metavar="NAME", help="the field of the label (default label)")
    add("--positive-value", nargs="+", default=["1"], metavar="V", help="labels that are positive (default 1)")
    add("--negative-value", nargs="+", default=[], metavar="V", help="labels that are negative (default: all others)")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    default = Settings()
    add_sources(parser)
    add = parser.add_argument
    add("--output", required=True, type=Path, metavar="FILE.bin", help="the model; its card is put beside it")
    about_unit = "a token: a Han character or a word of letters (char, default); or words of jieba"
    add("--unit", choices=[kind for kind in KINDS if kind != "words"], default="char", help=about_unit)
    add("--ngrams", type=int, default=default.ngrams, metavar="N", help=f"longest n-grams of tokens, 2 to 6 (default {default.ngrams})")
    about_dim = f"dimensions in training; the model that is kept has one (default {default.dim})"
    add("--dim", type=int, default=default.dim, metavar="N", help=about_dim)
    add("--epochs", type=int, metavar="N", help="how often the documents are read (default: 25 for small corpora down to 5 for large ones)")
    add("--rate", type=float, default=default.rate, metavar="R", help=f"learning rate (default {default.rate})")
    about_buckets = "hash buckets of n-grams, 4 bytes each (default: 1 to 4 million by the corpus; at least 12 million / dim)"
    add("--buckets", type=int, metavar="N", help=about_buckets)
    add("--min-count", type=int, default=default.min_count, metavar="N", help="tokens that occur less often are no words (default 1)")
    add("--prior", type=float, default=default.prior, metavar="P", help="share of positive documents that the scores assume (default 0.5)")
    add("--tmp", type=Path, metavar="DIR", help="where fastText's training file goes (default: the system's place)")
    add("--name", default="", help="name in the card (default: the file's name)")


def run(args: argparse.Namespace) -> int:
    """Train, and say how good the model is."""
    limits: dict[str, tuple[float, float, float]] = {
        "--ngrams": (args.ngrams, 2, 6), "--dim": (args.dim, 2, 512), "--rate": (args.rate, 1e-4, 5), "--prior": (args.prior, 0.001, 0.999),
    }  # fmt: skip
    for name, value in (("--epochs", args.epochs), ("--buckets", args.buckets), ("--min-count", args.min_count)):
        limits[name] = (1 if value is None else value, 1, 1 << 28)
    faults = [f"{name} {value}; allowed: {low} to {high}" for name, (value, low, high) in limits.items() if not low <= value <= high]
    if args.tmp is not None and not args.tmp.is_dir():
        faults.append(f"--tmp {args.tmp}: no such directory")
    if faults:
        raise UserError(faults)
    settings = Settings(
        Tokens(args.unit), args.ngrams, args.dim, args.epochs, args.rate, args.buckets, args.min_count, args.prior, args.tmp
    )  # fmt: skip
    start = time.monotonic()
    say = lambda line: print(f"{time.monotonic() - start:7.1f} s  {line}", flush=True)  # noqa: E731
    card = train_classifier(sources_of(args), args.output, settings, args.name, say)
    print(f"\n{describe_figures(card.figures)}\n\n({card.training['judged_by']})")
    print(f"model  {args.output}  ({card.size:,} bytes)\ncard   {card_path(args.output)}")
    return 0
