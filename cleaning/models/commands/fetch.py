"""`cleaning models fetch`: get a published model, verify it, write its card."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from tqdm import tqdm

from cleaning.models.card import describe, read_card
from cleaning.models.fetch import Source, fetch
from cleaning.models.published import PUBLISHED, published
from cleaning.models.store import models_dir

ABOUT = "get a published model, and verify it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("name", help=f"one of {', '.join(PUBLISHED)}")
    about_from = "take it from here: files, or a folder"
    parser.add_argument("--from", dest="given", nargs="+", type=Path, default=[], metavar="FILE", help=about_from)
    about_mirror = "get it from BASE/FILE instead of the official address (http, https, file://, a folder; or $CLEANING_MODEL_MIRROR)"
    parser.add_argument("--mirror", default=os.environ.get("CLEANING_MODEL_MIRROR", ""), metavar="BASE", help=about_mirror)
    parser.add_argument("--output", type=Path, metavar="DIR", help="where it goes (default: models/ of the project, or $CLEANING_MODELS)")
    parser.add_argument("--tries", type=int, default=5, help="how often in a row a connection may fail (default 5)")


def run(args: argparse.Namespace) -> int:
    """Fetch and say what came."""
    model = published(args.name)
    folder = args.output or models_dir()
    shown = _Shown()
    try:
        paths = fetch(model, folder, Source(tuple(args.given), args.mirror, max(1, args.tries)), shown.progress, shown.say)
    finally:
        shown.close()
    card = read_card(paths[0])
    if card is not None:
        print(describe(card))
        checked = "as published" if model.files[0].sha256 else "no published digest is known: the one of this file is in the card"
        print(f"\n{', '.join(str(path) for path in paths)}\n{checked}")
    return 0


class _Shown:
    """A bar on a terminal, a line now and then in a log; nothing when no byte comes."""

    def __init__(self) -> None:
        self._bar: tqdm | None = None

    def progress(self, done: int, total: int | None) -> None:
        if self._bar is None or self._bar.total != total or done < self._bar.n:
            self.close()
            often = 0.5 if sys.stderr.isatty() else 15.0
            self._bar = tqdm(initial=done, total=total, unit="B", unit_scale=True, mininterval=often)
        self._bar.update(done - self._bar.n)

    def say(self, line: str) -> None:
        self.close()
        print(line, file=sys.stderr)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
        self._bar = None
