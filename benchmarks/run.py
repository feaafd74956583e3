"""Ours against the peers and against the floor, in one run on one machine.

    python benchmarks/run.py [--data DIR] [--mb 20] [--peers datatrove,data-juicer,dolma] [--jobs io,heuristics,scaling]

Prints a Markdown table; writes it, and the same as JSON, under benchmarks/results/. README.md here says how to read it.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from contest import Contestant, Row, run_contest
from contestants import OURS, floor, our_empty_pass, our_heuristics, peer_contestant
from corpus import find_data, find_sources, one_document, write_slice
from environments import HERE, PEERS
from measure import machine
from scaling import ScalingRow, measure_scaling
from table import render

log = logging.getLogger("benchmarks")
JOBS = ("io", "heuristics", "scaling")
LANGUAGES = ("zh", "en")
SCALING_FILES = 8
SCALING_TIMES = 5  # its slice, in slices: wall time needs a longer job than CPU time


def main() -> int:
    """Run what was asked for; 1 if our tool or the floor failed."""
    options = _options()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    seen = machine()
    data, bundled = find_data(options.data)
    notes: list[str] = []
    rows: list[Row] = []
    scaling: list[ScalingRow] = []
    with tempfile.TemporaryDirectory(prefix="cleaning-bench-", dir=options.work) as temporary:
        work = Path(temporary)
        for lang in options.langs:
            sources = find_sources(data, lang)
            if {"io", "heuristics"} & set(options.jobs):
                rows += _compare(options, lang, sources, work, notes)
            if "scaling" in options.jobs and lang == options.langs[0]:
                mb = options.scaling_mb or SCALING_TIMES * options.mb
                full = write_slice(work / "scaling", lang, sources, mb, SCALING_FILES)
                if full.repeated:
                    notes.append(f"Scaling: the {lang} sources hold less than {mb:g} MB and were dealt more than once.")
                scaling = measure_scaling(lang, full, one_document(work, full), options.rounds, work, options.timeout)
    if bundled:
        notes = ["Text: the bundled samples, repeated; speeds are rough and shares mean nothing."]
    seen["load_at_end"] = round(os.getloadavg()[0], 2)
    rows.sort(key=lambda row: JOBS.index(row.job))  # stable: within a job, languages and tools stay in order
    page = render(seen, notes, rows, scaling)
    _save(page, {"machine": seen, "notes": notes, "rows": [r.to_json() for r in rows], "scaling": [asdict(r) for r in scaling]})
    print(page, end="")
    own = [row.fault for row in rows if row.tool.split()[0] not in PEERS] + [row.fault for row in scaling]
    return 1 if any(own) else 0


def _compare(options: argparse.Namespace, lang: str, sources: list[Path], work: Path, notes: list[str]) -> list[Row]:
    """The jobs io and heuristics in one language. The floor is always measured: every speed is set against it."""
    full = write_slice(work, lang, sources, options.mb)
    one = one_document(work, full)
    if full.repeated:
        notes.append(f"The {lang} sources hold less than {options.mb:g} MB and were dealt more than once.")
    group = [floor(lang, full, one, options.rounds)]
    if "io" in options.jobs:
        group.append(our_empty_pass(lang, full, one, options.rounds))
    if "heuristics" in options.jobs:
        group.append(our_heuristics(lang, full, one, options.rounds))
    rows = run_contest(group, work, options.timeout)
    if "heuristics" not in options.jobs:
        return rows
    for name in options.peers:
        peer = PEERS[name]
        mb = min(options.mb, options.peer_mb * peer.slices)
        text = write_slice(work, f"{lang}-{name}", sources, mb)
        ready = peer_contestant(peer, lang, text, one_document(work, text), work, options.timeout)
        rows += run_contest([ready], work, options.timeout) if isinstance(ready, Contestant) else [ready]
    return rows


def _save(page: str, data: dict[str, object]) -> None:
    """Keep both forms; the names are the time, so results sort and never overwrite each other."""
    folder = HERE / "results"
    folder.mkdir(exist_ok=True)
    name = time.strftime("%Y%m%d-%H%M%S")
    (folder / f"{name}.md").write_text(page, encoding="utf-8")
    (folder / f"{name}.json").write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    log.info("results in %s", (folder / name).relative_to(HERE.parent))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure our tool against peers and against the floor, in one run.")
    parser.add_argument("--data", help="directory with zh_*.jsonl and en_*.jsonl, plain, .gz or .zst (default: CLEANING_DATA)")
    parser.add_argument("--mb", type=_positive, default=20.0, help="megabytes of text in each language (default: 20)")
    parser.add_argument("--peer-mb", type=_positive, default=4.0, help="the slice of slow peers (default: 4)")
    parser.add_argument("--scaling-mb", type=_positive, help=f"the slice of the job scaling (default: {SCALING_TIMES} times --mb)")
    parser.add_argument("--peers", type=_chosen(tuple(PEERS)), default=list(PEERS), help=f"of {','.join(PEERS)}; '' for none")
    parser.add_argument("--jobs", type=_chosen(JOBS), default=list(JOBS), help=f"of {','.join(JOBS)}")
    parser.add_argument("--langs", type=_chosen(LANGUAGES), default=list(LANGUAGES), help=f"of {','.join(LANGUAGES)}")
    parser.add_argument("--rounds", type=int, default=3, help=f"times {OURS} and the floor are run, the best counts (default: 3)")
    parser.add_argument("--timeout", type=_positive, default=3600.0, help="seconds after which one command is given up")
    parser.add_argument("--work", type=Path, help="where the temporary directory goes (default: the system's)")
    return parser.parse_args()


def _chosen(allowed: tuple[str, ...]) -> Callable[[str], list[str]]:
    """Comma-separated names out of a few."""

    def parse(text: str) -> list[str]:
        names = [name.strip() for name in text.split(",") if name.strip()]
        for name in names:
            if name not in allowed:
                raise argparse.ArgumentTypeError(f"'{name}'; allowed: {', '.join(allowed)}")
        return names

    return parse


def _positive(text: str) -> float:
    value = float(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"{text}: must be above 0")
    return value


if __name__ == "__main__":
    sys.exit(main())
