"""The command line. It parses, calls, prints; everything else is elsewhere."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path
from typing import NoReturn

from cleaning import __version__
from cleaning.errors import CleaningError, UserError, did_you_mean

log = logging.getLogger("cleaning")
VERBS = {
    "run": "clean shards: start, or resume what is there",
    "plan": "what a run would do, what is done already, and why the rest is stale",
    "check": "validate a configuration, its rules and lists; list metrics and rules",
    "explain": "what each step does to one document",
    "blacklist": "check the lists, try them on a text, see which entries fired in a run",
    "diff-policy": "which documents an edit of rules, lists or thresholds would move, against a run",
    "sample": "a stratified random sample of kept and rejected documents",
    "dedup": "why a document left as a duplicate; the largest clusters of a run",
    "selftest": "plant copies, garble and personal data in a sample, and count what a configuration finds",
    "models": "get, train, calibrate and try models",
    "report": "fold the committed tasks into report.json and report.md",
    "verify": "recompute sizes, digests and sums of a run",
    "status": "whether a run is alive, and how far it is",
    "stop": "stop runs that were started from this checkout (stopall.sh)",
}
_EXAMPLES = {
    "run": "cleaning run configs/zh_web.yaml --input raw/ --output runs/zh --workers 32",
    "plan": "cleaning plan configs/zh_web.yaml --input raw/ --output runs/zh",
    "check": "cleaning check configs/zh_web.yaml --rules",
    "explain": "cleaning explain raw/part-0.jsonl:17 --config configs/zh_web.yaml",
    "blacklist": "cleaning blacklist test '加.微.信领红包'",
    "diff-policy": "cleaning diff-policy runs/zh configs/zh_web.yaml --set 'rules.thresholds.zh_nav_page=> 0.3'",
    "sample": "cleaning sample runs/zh --count 100",
    "dedup": "cleaning dedup explain web-000017 runs/zh",
    "selftest": "cleaning selftest --config configs/zh_web.yaml --sample raw/part-0.jsonl",
    "models": "cleaning models fetch lid.176.ftz",
    "report": "cleaning report runs/zh",
    "verify": "cleaning verify runs/zh",
    "status": "cleaning status runs/zh",
    "stop": "cleaning stop runs/zh",
}


class _Parser(argparse.ArgumentParser):
    """Faults as the rest of the program words them, exit code 2."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\nexample: {_EXAMPLES.get(self.prog.split()[-1], 'cleaning --help')}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="cleaning", description="Clean Chinese and English text for language-model pretraining.")
    parser.add_argument("--version", action="version", version=f"cleaning {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", parser_class=_Parser)

    def verb(name: str) -> argparse.ArgumentParser:
        return verbs.add_parser(name, help=VERBS[name], description=VERBS[name], epilog=f"example: {_EXAMPLES[name]}")

    for name in ("run", "plan"):
        sub = verb(name)
        sub.add_argument("config", type=Path, nargs="?", help="configuration file, or the name of one in configs/")
        _config_options(sub)
        sub.add_argument("--output", type=Path, help="run directory (default: output.path)")
        sub.add_argument("--workers", help="number of processes, or auto")
        sub.add_argument("--executor", help="local or inline")
        sub.add_argument("--memory", help="what the workers together may use to compare documents across shards, such as 2G")
    sub = verb("check")
    sub.add_argument("config", type=Path, nargs="?", help="configuration file")
    _config_options(sub)
    sub.add_argument("--metrics", action="store_true", help="list every metric")
    sub.add_argument("--rules", action="store_true", help="list every rule of the configuration")
    sub.add_argument("--write-docs", type=Path, metavar="DIR", help="write metrics.md and rules.md, the reference pages")
    sub.add_argument("--stages-list", action="store_true", help="list every stage")
    sub = verb("explain")
    sub.add_argument("where", help="FILE:LINE (lines count from 1)")
    sub.add_argument("--config", type=Path, required=True, help="configuration file")
    _config_options(sub)
    sub = verb("blacklist")
    sub.add_argument("what", choices=("check", "test", "top"))
    sub.add_argument("target", nargs="?", help="test: the text, or - for standard input; top: the run directory")
    sub.add_argument("--config", type=Path, default=Path("zh_web"), help="configuration whose lists are used (default: zh_web)")
    sub.add_argument("--count", type=int, default=20, help="top: entries shown")
    _config_options(sub)
    sub = verb("diff-policy")
    sub.add_argument("run", type=Path)
    sub.add_argument("config", type=Path, nargs="?", help="configuration (default: the run's own, with the files as they are now)")
    _config_options(sub)
    sub.add_argument("--workers", help="number of processes, or auto")
    sub.add_argument("--count", type=int, default=3, help="documents shown of each kind of move")
    sub.add_argument("--output", type=Path, help="write every moved document to this JSONL file")
    sub = verb("dedup")
    sub.add_argument("what", choices=("explain", "top"))
    sub.add_argument("target", nargs="?", help="explain: the document's id; top: the run directory")
    sub.add_argument("run", type=Path, nargs="?", help="explain: the run directory (default: this directory, else the newest in runs/)")
    sub.add_argument("--count", type=int, default=20, help="top: clusters shown; explain: documents shown")
    sub = verb("selftest")
    sub.add_argument("--config", type=Path, required=True, help="configuration to try")
    sub.add_argument("--sample", nargs="+", required=True, metavar="SHARDS", help="documents of your own; the first 5000 are used")
    sub.add_argument("--each", type=int, default=50, help="documents planted of each kind (default 50)")
    sub.add_argument("--seed", type=int, default=0)
    sub.add_argument("--output", type=Path, help="write the table as JSON to this file, too")
    _config_options(sub)
    verb("models").add_argument("arguments", nargs=argparse.REMAINDER, help="a command and its options: cleaning models --help")
    sub = verb("sample")
    sub.add_argument("run", type=Path)
    sub.add_argument("--count", type=int, default=100)
    sub.add_argument("--seed", type=int, default=0)
    sub.add_argument("--output", type=Path, help="directory (default: RUN/sample)")
    for name in ("report", "verify", "status"):
        verb(name).add_argument("run", type=Path)
    verb("stop").add_argument("run", type=Path, nargs="?")
    return parser


def _config_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--input", action="append", help="file, directory or glob; may be repeated")
    parser.add_argument("--stages", help="only these stages, comma-separated")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides", help="change one setting")


def main(argv: list[str] | None = None) -> int:
    """Run a verb and return its exit code."""
    arguments = sys.argv[1:] if argv is None else argv
    if arguments and not arguments[0].startswith("-") and arguments[0] not in VERBS:
        print(f"cleaning: unknown verb '{arguments[0]}'{did_you_mean(arguments[0], VERBS)}", file=sys.stderr)
        return 2
    parser = _parser()
    of_models = arguments[:1] == ["models"]  # its commands have options of their own, --help among them
    args = argparse.Namespace(verb="models") if of_models else parser.parse_args(arguments)
    if args.verb is None:
        parser.print_help()
        return 2
    _configure_logging()
    try:
        if of_models:
            from cleaning.model_verbs import run_command

            return run_command(arguments[1:])
        if args.verb == "dedup":
            from cleaning.dedup_verbs import do_dedup

            return do_dedup(args)
        if args.verb == "selftest":
            from cleaning.selftest_verb import do_selftest

            return do_selftest(args)
        from cleaning import verbs

        code: int = getattr(verbs, f"do_{args.verb.replace('-', '_')}")(args)
        return code
    except UserError as exc:
        for fault in exc.faults:
            print(fault, file=sys.stderr)
        return exc.exit_code
    except CleaningError as exc:
        print(f"error: {exc}", file=sys.stderr)
        return exc.exit_code
    except OSError as exc:
        if isinstance(exc, BrokenPipeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        print(f"error: {exc.strerror or exc}{f': {exc.filename}' if exc.filename else ''}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _configure_logging() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S"))
    log.handlers[:] = [handler]
    log.setLevel(logging.INFO)
    log.propagate = False
