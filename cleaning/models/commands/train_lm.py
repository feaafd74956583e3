"""`cleaning models train-lm`: an n-gram language model from shards, with pip alone."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from cleaning.config import parse_size
from cleaning.errors import UserError
from cleaning.models.card import card_path
from cleaning.models.lm.train import ENGINES, Training, train_lm
from cleaning.models.lm.units import KINDS, Units

ABOUT = "train an n-gram language model on shards"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    add = parser.add_argument
    add("--input", nargs="+", required=True, metavar="SHARDS", help="files, directories, globs, or a finished run")
    about_output = "the model; its card is put beside it. FILE.bin or FILE.klm: a binary, made by KenLM's build_binary"
    add("--output", required=True, type=Path, metavar="FILE.arpa", help=about_output)
    add("--unit", choices=KINDS, default="char", help="what a token is: a character (default), a word of letters, a word of jieba, a piece")
    add("--order", type=int, default=5, help="length of the longest n-grams, 1 to 6 (default 5)")
    about_prune = "for each order: n-grams that occur so often or less are left out; the last number holds for the rest (default 0 0 1)"
    add("--prune", nargs="+", type=int, default=[0, 0, 1], metavar="N", help=about_prune)
    about_memory = "memory for sorting; what is more goes to files (default 2G); the finished model comes on top"
    add("--memory", default="2G", metavar="SIZE", help=about_memory)
    add("--limit", metavar="SIZE", help="read only so much UTF-8 text")
    add("--engine", choices=ENGINES, default="own", help="own (default), or KenLM's lmplz from the PATH")
    add("--sp-model", type=Path, metavar="FILE", help="the SentencePiece model of --unit sp")
    add("--tmp", type=Path, metavar="DIR", help="where files go that do not fit in memory (default: the system's place)")
    add("--name", default="", help="name in the card (default: the file's name)")


def run(args: argparse.Namespace) -> int:
    """Train, and say what was made."""
    if args.tmp is not None and not args.tmp.is_dir():
        raise UserError(f"--tmp {args.tmp}: no such directory")
    how = Training(
        Units(args.unit, pieces=args.sp_model), args.order, tuple(args.prune), _size("--memory", args.memory), args.tmp,
        None if args.limit is None else _size("--limit", args.limit), args.engine,
    )  # fmt: skip
    start = time.monotonic()
    card = train_lm(args.input, args.output, how, args.name, lambda line: print(f"{time.monotonic() - start:7.1f} s  {line}", flush=True))
    made = card.training
    print(f"\n{'order':>5} {'n-grams':>13} {'before pruning':>15}   D1     D2     D3+")
    rows = zip(made["ngrams"], made["ngrams_before_pruning"], made["discounts"], strict=True)
    for k, (kept, counted, discounts) in enumerate(rows, 1):
        given = "   given: the corpus is too small to estimate them" if k in made.get("given_discounts_for", []) else ""
        print(f"{k:>5} {kept:>13,} {counted:>15,}   {'  '.join(f'{d:.3f}' for d in discounts)}{given}")
    print(f"\n{made['tokens']:,} tokens of {card.corpus['documents']:,} documents in {time.monotonic() - start:.1f} s")
    print(f"model  {args.output}  ({card.size:,} bytes)\ncard   {card_path(args.output)}")
    return 0


def _size(option: str, text: str) -> int:
    try:
        size = int(parse_size(text))
    except ValueError as exc:
        raise UserError(f"{option} {text}: {exc}") from exc
    if size <= 0:
        raise UserError(f"{option} {text}: must be more than nothing")
    return size
