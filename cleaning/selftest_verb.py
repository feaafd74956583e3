"""`cleaning selftest`: try a configuration on planted faults."""

from __future__ import annotations

import argparse
from dataclasses import asdict

import orjson

from cleaning.errors import UserError


def do_selftest(args: argparse.Namespace) -> int:
    """Plant, run, print the table."""
    from cleaning.selftest.trial import selftest, to_text
    from cleaning.verbs import load_for

    if args.each < 1:
        raise UserError(f"--each {args.each}: at least 1")
    args.input = None
    result = selftest(load_for(args), args.sample, args.seed, args.each)
    if args.output is not None:
        rows = [{**asdict(row), "recall": row.recall} for row in result.rows]
        args.output.write_bytes(orjson.dumps({**asdict(result), "rows": rows}, option=orjson.OPT_INDENT_2))
    print(f"\n{to_text(result)}")
    return 0
