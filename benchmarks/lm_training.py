"""Training of an n-gram model: ours and, where there is one, KenLM's lmplz on the same text, and how far their models differ.

    python benchmarks/lm_training.py --lang zh --mb 100 --unit char --order 5 --prune 0 0 1

lmplz is looked for on the PATH and at $LMPLZ. Its row contains our reading, normalising and writing of tokens, which it needs as well.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
from corpus import CHECKOUT, find_data, find_sources, write_slice
from measure import Usage, machine, run_measured

sys.path.insert(0, str(CHECKOUT))

from cleaning.models.lm.arpa import NgramModel, read_arpa
from cleaning.models.lm.lmplz import find_lmplz


def largest_differences(one: NgramModel, other: NgramModel) -> tuple[int, float, float]:
    """N-grams compared, and the largest difference of a log10 probability and of a log10 backoff weight."""
    number = {token: i for i, token in enumerate(one.vocab)}
    renumber = np.array([number[token] for token in other.vocab], np.uint32)
    worst, count = [0.0, 0.0], 0
    for k in range(one.order):
        a, b = one.ngrams[k], renumber[other.ngrams[k]]
        rows_a, rows_b = np.lexsort(a.T), np.lexsort(b.T)
        if a.shape != b.shape or (a[rows_a] != b[rows_b]).any():
            raise SystemExit(f"the two models have different {k + 1}-grams: {a.shape[0]:,} and {b.shape[0]:,}")
        count += a.shape[0]
        for i, (x, y) in enumerate(((one.prob, other.prob), (one.backoff, other.backoff))):
            if x[k].size:
                worst[i] = max(worst[i], float(np.abs(x[k][rows_a] - np.maximum(y[k][rows_b], -99)).max()))
    return count, worst[0], worst[1]


def row(name: str, used: Usage, mb: float) -> str:
    if used.fault:
        return f"| {name} | {used.fault} | | | |"
    return f"| {name} | {used.wall_s:.1f} | {used.cpu_s:.1f} | {mb / used.cpu_s:.1f} | {used.rss_mb:,.0f} |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--data")
    add("--lang", default="zh")
    add("--mb", type=float, default=20)
    add("--unit", default="char")
    add("--order", default="5")
    add("--prune", nargs="+", default=["0", "0", "1"])
    add("--memory", nargs="+", default=["2G"], help="one row for each")
    add("--work", help="where the temporary directory goes")
    args = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory(dir=args.work) as temporary:
        place = Path(temporary)
        text = write_slice(place, args.lang, find_sources(find_data(args.data)[0], args.lang), args.mb)
        what = f"unit {args.unit}, order {args.order}, prune {' '.join(args.prune)}"
        print(f"{text.mb:.1f} MB of {args.lang} in {text.docs:,} documents{', repeated' * text.repeated}; {what}\n")
        print("| engine | wall s | CPU s | MB per CPU s | peak RSS MB |\n|---|---:|---:|---:|---:|", flush=True)
        command = [sys.executable, "-m", "cleaning", "models", "train-lm", "--input", str(text.path), "--tmp", str(place)]
        command += ["--unit", args.unit, "--order", args.order, "--prune", *args.prune]
        runs = [("own", memory) for memory in args.memory] + [("lmplz", args.memory[0])] * (find_lmplz() is not None)
        for engine, memory in runs:
            options = ["--engine", engine, "--memory", memory, "--output", str(place / f"{engine}.arpa")]
            print(row(f"{engine}, --memory {memory}", run_measured([*command, *options], cwd=CHECKOUT), text.mb), flush=True)
        if find_lmplz():
            compared = largest_differences(read_arpa(place / "own.arpa"), read_arpa(place / "lmplz.arpa"))
            print("\n{:,} n-grams compared; largest difference of log10 probability {:.2g}, of log10 backoff {:.2g}".format(*compared))
    return 0


if __name__ == "__main__":
    sys.exit(main())
