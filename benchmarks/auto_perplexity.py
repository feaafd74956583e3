"""`perplexity.model: auto` on damaged and whole text in one run: how well its numbers tell the two apart.

    python benchmarks/auto_perplexity.py --lang zh --documents 4000 --damaged 0.3 [--rules] [--reference]

Passages of 200 to 2000 characters from all sources of the language, each by itself in the run; a share of them is damaged by damage.py.
AUC by kind of damage, for the whole documents of all sources together. With --rules the run's rules come first, and only what they keep
counts. With --reference the models learn from other documents of the same sources, all of them whole.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import damage
import numpy as np
import orjson
from corpus import CHECKOUT, _lines, _texts, find_data, find_sources
from damage import Damage

LEAST, MOST = 200, 2000
METRICS = ("perplexity", "perplexity_percentile", "broken_score")


def kinds(lang: str) -> dict[str, Damage]:
    """Shuffled, garbled, keyword-stuffed and machine-broken, by name."""
    found: dict[str, Damage] = {"characters shuffled": damage.characters_shuffled, "machine loop": damage.machine_loop}
    for name in ("words_shuffled", "noise", "keyword_stuffing", "seo_phrases", "word_salad"):
        found[name.replace("_", " ")] = partial(getattr(damage, name), lang=lang)
    found["replaced"] = damage.replaced
    if lang == "zh":  # English misread is nearly itself
        found["misread"] = damage.misread("utf-8", "gb18030")
    return found


def passages(lang: str, data: str | None, count: int, rng: random.Random) -> list[tuple[str, str]]:
    """(source, text), as many of each source as there are."""
    groups: dict[str, list[Path]] = {}
    for path in find_sources(find_data(data)[0], lang):
        groups.setdefault(path.name.rsplit("-", 1)[0], []).append(path)
    each, out = -(-count // len(groups)), []
    for name, paths in groups.items():
        texts = [text for path in paths for text in _texts(path) if len(text) >= LEAST]
        for text in rng.sample(texts, min(each, len(texts))):
            size = rng.randint(LEAST, MOST)
            start = text.rfind("\n", 0, rng.randrange(max(1, len(text) - size))) + 1
            out.append((name, text[start : start + size]))
    rng.shuffle(out)
    return [(name, text) for name, text in out if len(text.strip()) >= LEAST]


def auc(good: list[float], bad: list[float]) -> float:
    """The chance that a bad one has the larger number; half for equal ones."""
    values, ranks = np.unique(np.array(good + bad), return_inverse=True)
    sizes = np.bincount(ranks, minlength=values.size)
    middle = np.cumsum(sizes) - (sizes - 1) / 2
    return float((middle[ranks[len(good) :]].sum() - len(bad) * (len(bad) + 1) / 2) / (len(good) * len(bad)))


def outcome(root: Path) -> dict[str, dict[str, float]]:
    """id -> the numbers; NaN where there is none."""
    found: dict[str, dict[str, float]] = {}
    for folder in ("data", "rejected"):  # a rejected one has no number
        for path in (root / folder).rglob("*.zst"):
            for record in map(orjson.loads, _lines(path)):
                notes = record.get("cleaning", {}) if folder == "data" else {}
                found[record["id"]] = {name: float(notes.get(name, "nan")) for name in METRICS}
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--data")
    add("--lang", default="zh")
    add("--documents", type=int, default=4000)
    add("--damaged", type=float, default=0.3)
    add("--seed", type=int, default=1)
    add("--rules", action="store_true")
    add("--reference", action="store_true")
    args = parser.parse_args()
    rng, made = random.Random(args.seed), kinds(args.lang)
    found = passages(args.lang, args.data, args.documents * (2 if args.reference else 1), rng)
    apart = found[args.documents :] if args.reference else []
    rows, kind_of = [], dict[str, str]()
    for i, (source, text) in enumerate(found[: args.documents]):
        kind = rng.choice(sorted(made)) if rng.random() < args.damaged else ""
        kind_of[str(i)] = kind
        rows.append({"id": str(i), "source": source, "text": made[kind](text, rng) if kind else text})
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        (place / "in.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
        (place / "reference.jsonl").write_bytes(b"".join(orjson.dumps({"text": text}) + b"\n" for _, text in apart))
        stages = "[normalize, rules, perplexity]" if args.rules else "[perplexity]"
        settings = f"stages: {stages}\nrules: {{files: [rules/zh_web.yaml, rules/en_web.yaml]}}\nperplexity: {{model: auto}}\n"
        if args.reference:
            settings = settings.replace("model: auto", "model: auto, reference: [reference.jsonl]")
        (place / "c.yaml").write_text(settings)
        command = [sys.executable, "-m", "cleaning", "run", str(place / "c.yaml"), "--input", str(place / "in.jsonl")]
        subprocess.run([*command, "--output", str(place / "run")], cwd=CHECKOUT, check=True, capture_output=True)
        numbers = outcome(place / "run")
    how = f"{args.damaged:.0%} damaged; rules: {args.rules}; reference: {args.reference}"
    size = sum(len(row["text"].encode("utf-8", "replace")) for row in rows) / 1e6
    print(f"{args.lang}: {len(rows)} documents, {size:.1f} MB, {how}")
    print(f"| {'kind':<20} | documents | " + " | ".join(METRICS) + " |\n|---|---:|" + "---:|" * len(METRICS))
    good = [key for key, kind in kind_of.items() if not kind]
    for kind in ["all", *sorted(made)]:
        bad = [key for key, of in kind_of.items() if of and kind in ("all", of) and not np.isnan(numbers[key]["perplexity"])]
        cells = []
        for metric in METRICS:
            sides = [[v for key in keys if (v := numbers[key][metric]) == v] for keys in (good, bad)]
            cells.append(f"{auc(*sides):.3f}" if all(sides) else "-")
        print(f"| {kind:<20} | {len(bad)} | " + " | ".join(cells) + " |")
    without = [key for key in kind_of if np.isnan(numbers[key]["perplexity"])]
    print(f"without a number: {len(without)}, whole documents among them: {sum(not kind_of[key] for key in without)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
