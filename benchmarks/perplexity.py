"""Perplexity: how well it tells broken text from whole, how fast it scores, and what windows cost.

    python benchmarks/perplexity.py [--lang zh,en] [--data DIR] [--mb 5] [--only auc,speed,windows]

A model is trained on a part of the documents of each source (an eighth is held back), calibrated on one half of the held-back documents and
tried on the other half: passages of 200 to 2000 characters against the same passages damaged by damage.py, whose kinds are not those that
the model's judge was fitted on. Held-back documents that share much with a training document do not count.

The floor of the speed is a plain loop over kenlm.Model.score on a probing binary, if kenlm's build_binary is on the PATH, else on the ARPA
file; once with the tokens joined beforehand, once with the joining.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import orjson
import xxhash
from corpus import CHECKOUT, _texts, find_data, find_sources
from damage import DAMAGES

sys.path.insert(0, str(CHECKOUT))

from cleaning.models.lm.breaking import passage
from cleaning.models.lm.calibration import Calibration, Sample, calibrate
from cleaning.models.lm.scoring import ModelFile, Scorer, perplexity
from cleaning.models.lm.train import Training, train_lm
from cleaning.models.lm.units import Units
from cleaning.models.lm.windows import passages

UNIT = {"zh": "char", "en": "word"}
# sources that are prose that somebody would keep; the others (reviews, boilerplate of blogs, poems, revisions) teach, but are not tried
GOOD = {
    "zh": ("zh_history_modern", "zh_laws", "zh_news_xwlb", "zh_novel_classic", "zh_sci_abstracts_csl", "zh_tech_lctt",
           "zh_webcrawl_samples", "zh_weibo_threads", "zh_reviews", "zh_web_news_stripped"),
    "en": ("en_tech_lctt_src", "en_nltk_corpora", "en_wiki_books", "en_eips", "en_docs_amplify", "en_peps_revisions"),
}  # fmt: skip
ASKED = {
    "shuffled": ("characters_shuffled", "words_shuffled"), "garbled": ("noise", "replaced", "interleaved", "*_as_*"),
    "keyword-stuffed": ("keyword_stuffing", "seo_phrases"), "machine-broken": ("word_salad", "machine_loop"),
}  # fmt: skip
PER_SOURCE = 80  # documents that are tried
SHARED = 0.1  # share of a document's 24-character windows that may occur in the training text


@dataclass
class Split:
    """Texts by source."""

    train: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    calibrate: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    test: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))


def split(data: Path, lang: str, mb: float) -> Split:
    """By a hash of the text: an eighth of the documents is held back."""
    out = Split()
    for path in find_sources(data, lang):
        source = path.name.split("-")[0].split(".")[0]
        used = sum(len(text.encode()) for text in out.train[source])
        for text in _texts(path):
            part = xxhash.xxh3_64_intdigest(text[:400].encode("utf-8", "surrogatepass")) % 16
            if part < 2:
                (out.calibrate if part == 0 else out.test)[source].append(text)
            elif used < mb * 1e6:
                out.train[source].append(text)
                used += len(text.encode("utf-8", "surrogatepass"))
    return out


def unseen(texts: list[str], trained: set[int]) -> list[str]:
    """Texts of which hardly any passage was in the training text."""
    out = []
    for text in texts:
        at = range(0, max(1, len(text) - 24), 24)
        shared = sum(hash(text[i : i + 24]) in trained for i in at)
        if shared <= SHARED * len(at):
            out.append(text)
    return out


def tried_passages(texts: list[str]) -> list[str]:
    return [cut for i, text in enumerate(texts) if len(cut := passage(text, i)) >= 200][:PER_SOURCE]


def auc(good: np.ndarray, bad: np.ndarray) -> float:
    """The chance that a broken text has the higher number; NaN counts as the highest, ties as half."""
    values = np.nan_to_num(np.concatenate([good, bad]), nan=np.inf)
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
    return float((ranks[len(good) :].sum() - len(bad) * (len(bad) + 1) / 2) / (len(good) * len(bad)))


def numbers(scorer: Scorer, made: Calibration, texts: list[str], groups: list[str]) -> dict[str, np.ndarray]:
    scores = scorer(texts, events=True)
    columns = [column.tolist() for column in scores.summed()]
    assert made.broken is not None
    return {
        "perplexity": np.array([perplexity(a, n) for a, n in zip(*columns)]),
        "percentile": np.array([made.percentile(a, n, "all") for a, n in zip(*columns)]),
        "percentile of the source": np.array([made.percentile(a, n, made.group([g]) or "all") for (a, n), g in zip(zip(*columns), groups)]),
        "broken_score": np.array(made.broken(scores.shares())),
    }


def show_auc(lang: str, scorer: Scorer, parts: Split) -> None:
    trained = {hash(text[i : i + 24]) for texts in parts.train.values() for text in texts for i in range(len(text) - 23)}
    tried = {source: tried_passages(unseen(parts.test[source], trained)) for source in GOOD[lang]}
    del trained
    samples = [Sample(text, (f"source:{source}",)) for source, texts in parts.calibrate.items() for text in texts[:400]]
    start = time.process_time()
    made = calibrate(scorer, samples)
    print(f"\n{lang}: calibrated on {len(samples)} documents in {time.process_time() - start:.1f} CPU s; tried on", end=" ")
    print(", ".join(f"{len(texts)} {source}" for source, texts in tried.items()))
    whole = [text for texts in tried.values() for text in texts]
    groups = [f"source:{source}" for source, texts in tried.items() for _ in texts]
    good = numbers(scorer, made, whole, groups)
    print(f"whole documents with broken_score > 0.5: {100 * (good['broken_score'] > 0.5).mean():.1f} %\n")
    print("| | kind | " + " | ".join(good) + " | broken_score > 0.5, % |\n|---|---|" + "---:|" * (len(good) + 1))
    for group, patterns in ASKED.items():
        rows = []
        for kind in [k for k in DAMAGES[lang] for p in patterns if k == p or (p == "*_as_*" and "_as_" in k)]:
            bad = numbers(scorer, made, [DAMAGES[lang][kind](text, random.Random(i)) for i, text in enumerate(whole)], groups)
            rows.append([auc(good[name], bad[name]) for name in good])
            caught = 100 * (np.nan_to_num(bad["broken_score"], nan=1) > 0.5).mean()
            print(f"| {group} | {kind} | " + " | ".join(f"{value:.4f}" for value in rows[-1]) + f" | {caught:.0f} |")
        print(f"| **{group}** | mean | " + " | ".join(f"**{value:.4f}**" for value in np.mean(rows, axis=0)) + " | |")


def best(run: Callable[[], object], times: int = 3) -> float:
    """CPU seconds of the fastest of some runs."""
    out = []
    for _ in range(times):
        start = time.process_time()
        run()
        out.append(time.process_time() - start)
    return min(out)


def show_speed(lang: str, arpa: Path, scorer: Scorer, texts: list[str]) -> None:
    import kenlm

    builder, binary = shutil.which("build_binary"), arpa.with_suffix(".bin")
    if builder is not None:
        subprocess.run([builder, "probing", arpa, binary], check=True, capture_output=True)
    model = kenlm.Model(str(binary if builder is not None else arpa))
    mb, units = sum(len(text.encode()) for text in texts) / 1e6, scorer.units
    joined = [" ".join(units.tokens(line)) for text in texts for line in units.lines(text)]
    rows = {
        "ours": lambda: scorer(texts),
        "ours, with events": lambda: scorer(texts, events=True),
        "kenlm.Model.score on joined tokens": lambda: [model.score(line) for line in joined],
        "kenlm.Model.score, joining": lambda: [model.score(" ".join(units.tokens(line))) for text in texts for line in units.lines(text)],
    }
    scorer(texts[:2], events=True)
    print(f"\n{lang}: {mb:.1f} MB of text, {len(texts)} documents, tables of {scorer.model.nbytes / 1e6:.0f} MB\n")
    print("| | MB per CPU s |\n|---|---:|")
    for name, run in rows.items():
        print(f"| {name} | {mb / best(run):.1f} |")


def ranks(values: np.ndarray) -> np.ndarray:
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[places]


def show_windows(lang: str, scorer: Scorer, texts: list[str], budgets: tuple[int, ...]) -> None:
    print(f"\n{lang}: {len(texts)} documents, {sum(map(len, texts)) / len(texts):,.0f} characters in the mean\n")
    print("| windows | documents | faster | Spearman, all | documents sampled | faster | Spearman |\n|---:|---:|---:|---:|---:|---:|---:|")

    def scored(of: list[str], budget: int) -> np.ndarray:
        return np.array([perplexity(a, n) for a, n in zip(*(c.tolist() for c in scorer(of, windows=budget).summed()))])

    scored(texts[:20], 400)
    for budget in budgets:
        row = []
        for of in (texts, [text for text in texts if len(passages(text, budget)) > 1]):
            full, part = scored(of, 0), scored(of, budget)
            ratio = best(lambda of=of: scored(of, 0)) / best(lambda of=of, budget=budget: scored(of, budget))  # type: ignore[misc]
            row.append(f"{len(of)} | {ratio:.1f} | {np.corrcoef(ranks(full), ranks(part))[0, 1]:.4f}")
        print(f"| {budget} | " + " | ".join(row) + " |")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--data")
    add("--lang", default="zh,en")
    add("--mb", type=float, default=5, help="training text of each source")
    add("--only", default="auc,speed,windows")
    add("--windows", default="800,1200,1600,2400")
    add("--work", type=Path, help="keep the models here, and use them again")
    args = parser.parse_args()
    data, bundled = find_data(args.data)
    if bundled:
        raise SystemExit("the bundled samples are too few to train on: give --data")
    with tempfile.TemporaryDirectory() as scratch:
        for lang in args.lang.split(","):
            parts, work = split(data, lang, args.mb), args.work or Path(scratch)
            arpa = work / f"{lang}-{args.mb:g}.arpa"
            if not arpa.is_file():
                rows = [{"text": text, "source": source} for source, texts in parts.train.items() for text in texts]
                (work / f"{lang}.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
                train_lm([work / f"{lang}.jsonl"], arpa, Training(Units(UNIT[lang])))
            scorer = ModelFile.beside(arpa).open()
            held = [text for source in GOOD[lang] for text in parts.test[source][:200]]
            if "auc" in args.only:
                show_auc(lang, scorer, parts)
            if "speed" in args.only:
                show_speed(lang, arpa, scorer, held)
            if "windows" in args.only:
                some = [text for texts in parts.test.values() for text in texts[:150]]
                show_windows(lang, scorer, some, tuple(map(int, args.windows.split(","))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
