"""`cleaning models card`: what is known of a model, and whether the file is still the one that its card describes."""

from __future__ import annotations

import argparse
from pathlib import Path

from cleaning.errors import ModelError
from cleaning.io.commit import to_bytes
from cleaning.models.card import Card, describe, read_card, sha256_of
from cleaning.models.fasttext_file import NotFastTextError, inspect
from cleaning.models.published import PUBLISHED
from cleaning.models.store import missing_model, models_dir

ABOUT = "what is known of a model"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("model", help="a file, or a name of models list")
    parser.add_argument("--json", action="store_true", help="the card as it is stored")


def run(args: argparse.Namespace) -> int:
    """Print the card; exit code 1 when the file is another one."""
    path = _find(args.model)
    card = read_card(path)
    found = card if card is not None else _from_file(path)
    print(to_bytes(found.model_dump(mode="json")).decode() if args.json else describe(found))
    if card is None:
        print(f"\n{path}: has no card; this is what the file itself says")
        return 0
    if card.sha256 and card.sha256 != sha256_of(path):
        print(f"\n{path}: is NOT the file of this card: its sha256 is {sha256_of(path)}")
        return 1
    return 0


def _find(name: str) -> Path:
    file = PUBLISHED[name].files[0].name if name in PUBLISHED else name
    for path in (Path(file), models_dir() / file, models_dir() / Path(file).name):
        if path.is_file():
            return path
    raise ModelError(f"{name}: no such model (looked in {models_dir()}){missing_model(name)}")


def _from_file(path: Path) -> Card:
    size = path.stat().st_size
    try:
        about = inspect(path)
    except NotFastTextError:
        kind = "classifier" if path.suffix in (".bin", ".ftz") else "lm"
        return Card.model_validate({"name": path.name, "kind": kind, "size": size, "sha256": sha256_of(path)})
    shape = f"fastText, {about.dimensions} dimensions, {about.words:,} words, {about.buckets:,} buckets"
    text = f"{shape}, characters {about.min_char_ngram} to {about.max_char_ngram}, words 1 to {about.word_ngrams}"
    return Card(
        name=path.name, kind="classifier", about=text, labels=list(about.labels), size=size, sha256=sha256_of(path),
        memory_mb=round(about.bytes_in_memory / 1e6, 1),
    )  # fmt: skip
