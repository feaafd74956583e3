"""`cleaning models list`: models that are known or present."""

from __future__ import annotations

import argparse
from pathlib import Path

from cleaning.errors import ModelError
from cleaning.models.card import Card, read_card
from cleaning.models.published import PUBLISHED, Published
from cleaning.models.store import models_dir

ABOUT = "models that are known or present"
SUFFIXES = (".bin", ".ftz", ".arpa", ".klm", ".model")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("--output", type=Path, metavar="DIR", help="look here (default: models/ of the project, or $CLEANING_MODELS)")


def run(args: argparse.Namespace) -> int:
    """A line for each model: is it here, how large, what is it."""
    folder = args.output or models_dir()
    print(f"{'model':<24} {'here':<8} {'on disk':>10} {'memory':>9}  about")
    for model in PUBLISHED.values():
        print(_published_row(model, folder))
    theirs = {file.name for model in PUBLISHED.values() for file in model.files}
    own = [path for path in sorted(folder.glob("*")) if path.name.endswith(SUFFIXES) and path.name not in theirs]
    for path in own:
        print(_own_row(path))
    print(f"\n{folder}" + ("" if folder.is_dir() else " (not there yet)"))
    return 0


def _published_row(model: Published, folder: Path) -> str:
    paths = [folder / file.name for file in model.files]
    there = [path for path in paths if path.is_file()]
    here = "yes" if len(there) == len(paths) else "in part" if there else "no"
    size = sum(path.stat().st_size for path in there) if there else sum(file.size or 0 for file in model.files)
    return _row(model.name, here, size, _card(paths[0]) if there else None, model.about)


def _own_row(path: Path) -> str:
    card = _card(path)
    return _row(path.name, "yes", path.stat().st_size, card, card.about if card is not None else "(no card)")


def _card(path: Path) -> Card | None:
    try:
        return read_card(path)
    except ModelError:
        return None


def _row(name: str, here: str, size: int, card: Card | None, about: str) -> str:
    memory = f"{card.memory_mb:,.0f} MB" if card is not None and card.memory_mb else ""
    return f"{name:<24} {here:<8} {f'{size / 1e6:,.1f} MB' if size else '':>10} {memory:>9}  {about}"
