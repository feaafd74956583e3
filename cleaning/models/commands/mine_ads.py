"""`cleaning models mine-ads`: phrases of heads and tails of pages, for a person to prune into a blacklist."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from cleaning.config import parse_size
from cleaning.errors import UserError
from cleaning.io.commit import replace_file
from cleaning.models.corpus import Corpus, read_texts
from cleaning.models.mining import Mining, list_of, mine


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    default, add = Mining(), parser.add_argument
    add("--input", nargs="+", required=True, metavar="SHARDS", help="pages: files, directories, globs, or a finished run")
    add("--output", required=True, type=Path, metavar="FILE.txt", help="the candidates, in the format of a blacklist")
    add("--reference", nargs="+", metavar="SHARDS", help="texts without advertising: what stands there as well is no candidate")
    add("--known", nargs="+", default=[], type=Path, metavar="LIST", help="lists whose phrases need no proposal")
    add("--window", type=int, default=default.window, metavar="N", help=f"characters of a head and of a tail (default {default.window})")
    add("--pages", type=int, default=default.pages, metavar="N", help=f"pages that must hold a phrase at an end (default {default.pages})")
    add("--least-z", type=float, default=default.least_z, metavar="Z", help=f"standard errors above chance (default {default.least_z})")
    add("--most", type=int, default=default.most, metavar="N", help=f"candidates that are written (default {default.most})")
    add("--limit", metavar="SIZE", default="100M", help="read only so much UTF-8 text of each input (default 100M)")


def run(args: argparse.Namespace) -> int:
    """Mine, write the list, and show its first entries."""
    if min(args.window, args.pages, args.most) < 1:
        raise UserError("--window, --pages and --most must be 1 or more")
    try:
        limit = int(parse_size(args.limit))
    except ValueError as exc:
        raise UserError(f"--limit {args.limit}: {exc}") from exc
    known = [entry for path in args.known for entry in _entries(path)]
    pages = read_texts(args.input, limit)
    reference = read_texts(args.reference, limit) if args.reference else None
    how = Mining(args.window, args.pages, args.least_z, most=args.most)
    found = mine(_texts(pages), _texts(reference) if reference else (), how, known, has_reference=reference is not None)
    count = pages.about()["documents"]
    replace_file(args.output, list_of(found, f"{count:,} pages").encode())
    for phrase in found[:20]:
        print(f"{phrase.z:7.1f}  {phrase.edges:6,} / {phrase.bodies:<6,} {phrase.text}")
    print(f"\n{len(found):,} candidates of {count:,} pages: {args.output}")
    print("read them, delete what articles use as well, then put the file among the lists")
    return 0


def _texts(corpus: Corpus) -> Iterator[str]:
    return (text for text, _ in corpus)


def _entries(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as exc:
        raise UserError(f"--known {path}: cannot be read as UTF-8: {exc}") from exc
    return [line.split("\t")[0].strip().removeprefix("^") for line in lines if line.strip() and not line.lstrip().startswith("#")]
