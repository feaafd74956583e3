"""Learn the weights of the name model (`cleaning/pii/names/tagger.py`) from labelled sentences and write them.

    python benchmarks/train_names.py FOLDER [--out cleaning/pii/names/weights.zst]

FOLDER holds JSONL files {"text", "entities": [[start, end, type], …]}. An averaged structured perceptron; names are exchanged
for made-up ones in
half of the sentences of each round, so that the model learns what a name looks like, not who was in the news. Deterministic.
"""

from __future__ import annotations

import argparse
import gzip
import io
import itertools
import json
import random
import re
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit

from cleaning.io.streams import compression_of, open_stream
from cleaning.pii.names.lists import TITLES
from cleaning.pii.names.own import OwnNames, is_chinese
from cleaning.pii.names.tagger import BITS, TAGS, NameTagger, best_tags, features_of, load_weights, save_weights

Sentence = tuple[str, list[tuple[int, int]]]
PERSON = ("PER", "PER.NAM", "person_name", "PERSON")


def read(path: Path) -> list[Sentence]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return [(row["text"], sorted((s, e) for s, e, t in row["entities"] if t in PERSON)) for row in rows]


def gold_tags(size: int, spans: list[tuple[int, int]]) -> Any:
    tags = np.zeros(size, np.int8)
    for start, end in spans:
        if end - start == 1:
            tags[start] = 4
        else:
            tags[start:end] = 2
            tags[start], tags[end - 1] = 1, 3
    return tags


def exchanged(sentence: Sentence, pool: list[str], rng: random.Random, surnames: list[str], given: list[str]) -> Sentence:
    """The sentence with other names in the places of its names."""
    text, spans = sentence
    out, new, at = [], [], 0
    for start, end in spans:
        old = text[start:end]
        name = old
        if 2 <= len(old) <= 3 and old.isalpha() and rng.random() < 0.8:
            name = rng.choice(surnames) + "".join(rng.choice(given) for _ in range(len(old) - 1))
        elif len(old) > 3 and rng.random() < 0.5:
            name = rng.choice(pool)
        out.append(text[at:start])
        begin = sum(map(len, out))
        out.append(name)
        new.append((begin, begin + len(name)))
        at = end
    return "".join([*out, text[at:]]), new


@njit(cache=True)
def update(features: Any, gold: Any, guess: Any, weights: Any, moves: Any, total: Any, total_moves: Any, step: float) -> None:
    for i in range(len(gold)):
        g, h = gold[i], guess[i]
        if g != h:
            for f in features[i]:
                weights[f, g] += 1
                weights[f, h] -= 1
                total[f, g] += step
                total[f, h] -= step
        if i and (g != h or gold[i - 1] != guess[i - 1]):
            moves[gold[i - 1], g] += 1
            moves[guess[i - 1], h] -= 1
            total_moves[gold[i - 1], g] += step
            total_moves[guess[i - 1], h] -= step


def learn(data: list[Sentence], rounds: int, seed: int = 1, margin: float = 3.0) -> tuple[Any, Any]:
    rng = random.Random(seed)
    names = [text[s:e] for text, spans in data for s, e in spans]
    chinese = [n for n in names if 2 <= len(n) <= 3]
    surnames, given = [n[0] for n in chinese], [c for n in chinese for c in n[1:]]
    pool = [n for n in names if len(n) > 3] or names
    weights, moves = np.zeros((1 << BITS, TAGS), np.float32), np.zeros((TAGS, TAGS), np.float32)
    total, total_moves = np.zeros_like(weights, dtype=np.float64), np.zeros_like(moves, dtype=np.float64)
    steps = rounds * len(data)
    step = 0
    plain = [(features_of(text), gold_tags(len(text), spans)) for text, spans in data]
    for _ in range(rounds):
        order = list(range(len(data)))
        rng.shuffle(order)
        for k in order:
            step += 1
            features, gold = plain[k]
            if data[k][1] and rng.random() < 0.5:
                text, spans = exchanged(data[k], pool, rng, surnames, given)
                features, gold = features_of(text), gold_tags(len(text), spans)
            guess = np.zeros(len(gold), np.int8)
            best_tags(features, weights, moves, guess)
            if not np.array_equal(guess, gold):
                update(features, gold, guess, weights, moves, total, total_moves, float(steps - step))
    return total / steps, total_moves / steps


def small(weights: Any, moves: Any) -> tuple[Any, Any]:
    """Integers of one byte; what is nearly nothing is nothing."""
    scale = 127 / max(float(np.quantile(np.abs(weights[weights != 0]), 0.9995)), float(np.abs(moves).max()))
    table = np.clip(np.round(weights * scale), -127, 127)
    return table, np.clip(np.round(moves * scale), -127, 127)


def score(tagger: Any, data: list[Sentence]) -> tuple[float, float, int]:
    """Precision, recall and number of names, exact spans."""
    found = tagger.names([text for text, _ in data])
    right = sum(len(set(f) & set(spans)) for f, (_, spans) in zip(found, data, strict=True))
    return right / max(1, sum(map(len, found))), right / max(1, sum(len(s) for _, s in data)), sum(len(s) for _, s in data)


def plain_sentences(folder: Path, files: tuple[tuple[str, int, int], ...]) -> list[str]:
    """Sentences of unlabelled documents: (file, documents, sentences of each)."""
    out: list[str] = []
    for name, documents, each in files:
        with open_stream(open(folder / name, "rb"), compression_of(folder / name)) as stream:
            texts = [json.loads(line)["text"] for line in itertools.islice(io.TextIOWrapper(stream, "utf-8"), documents)]
        for text in texts:
            found = [s for s in re.split(r"(?<=[。！？\n])", text) if 10 <= len(s) <= 150 and sum("\u4e00" <= c <= "\u9fff" for c in s) > 5]
            random.Random(len(text)).shuffle(found)
            out += found[:each]
    return out


def surely_tagged(path: Path, sentences: list[str], most: int, sure: float = 800.0) -> list[Sentence]:
    """Sentences whose names the first model is sure of, and `most` in which it sees none: what it learns about other kinds of text."""
    tagger = NameTagger(path)
    named: list[Sentence] = []
    empty: list[Sentence] = []
    for text in sentences:
        spans, margins = tagger.scored(text)
        if not spans:
            empty.append((text, []))
        elif all(e - s > 1 and m >= (sure if is_chinese(text[s:e]) else sure + 300) for (s, e), m in zip(spans, margins, strict=True)):
            named.append((text, spans))
    return named + empty[:most]


PLAIN = (
    ("zh_weibo_threads-00.jsonl.zst", 3000, 2), ("zh_webcrawl_samples-00.jsonl.zst", 900, 2), ("zh_web_news_stripped-00.jsonl.gz", 60, 20),
    ("zh_tech_lctt-00.jsonl.zst", 600, 1), ("zh_news_xwlb-00.jsonl.zst", 300, 2), ("zh_reviews-00.jsonl.zst", 4000, 1),
    ("zh_history_modern-00.jsonl.zst", 200, 2),
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--plain", type=Path, help="folder of unlabelled documents")
    parser.add_argument("--out", type=Path, default=Path("cleaning/pii/names/weights.zst"))
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--empty", type=int, default=3000)
    given = parser.parse_args()
    parts = {
        name: read(given.folder / f"zh_{name}-00.jsonl.gz")
        for name in ("msra_train_sample", "weibo_train", "peoplesdaily_dev", "peoplesdaily_test")
    }
    data = parts["msra_train_sample"][:6000] + parts["weibo_train"] * 2 + parts["peoplesdaily_dev"] + parts["peoplesdaily_test"][2300:]
    save_weights(given.out, *small(*learn(data, given.rounds)))
    if given.plain:
        data += surely_tagged(given.out, plain_sentences(given.plain, PLAIN), given.empty)
        save_weights(given.out, *small(*learn(data, given.rounds)))
    load_weights.cache_clear()
    print(given.out.stat().st_size, "bytes")
    tests = {"msra 6000-": parts["msra_train_sample"][6000:], "people test -2300": parts["peoplesdaily_test"][:2300]}
    tests |= {name: read(given.folder / f"zh_{name}-00.jsonl.gz") for name in ("weibo_dev", "weibo_test", "boson")}
    for chinese, other in ((400.0, 500.0), (450.0, 600.0), (500.0, 700.0), (550.0, 800.0), (600.0, 900.0)):
        for name, rows in tests.items():
            p, r, n = score(OwnNames(given.out, chinese, other), rows)
            q, t, m = score(
                OwnNames(given.out, chinese, other), [(text, [s for s in spans if not anonymous(text[slice(*s)])]) for text, spans in rows]
            )
            print(
                f"{chinese:.0f}/{other:.0f}  {name:18s} P {p:.3f} R {r:.3f} n {n}"
                f"   without 李某, 张先生, @handles: P {q:.3f} R {t:.3f} n {m}"
            )


def anonymous(name: str) -> bool:
    """Labelled as a name, but no personal data by the policy: one character, 李某, 张先生, a handle."""
    return len(name) < 2 or "某" in name or "@" in name or "{" in name or (len(name) <= 3 and name[1:] in TITLES)


if __name__ == "__main__":
    main()
