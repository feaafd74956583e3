"""Small models for the tests, trained on the bundled samples; and the plain twin of the scorer."""

from __future__ import annotations

import itertools
import json
import math
import random
from pathlib import Path

from cleaning.models.card import Card, sha256_of, write_card
from cleaning.models.lm.arpa import NgramModel, write_arpa
from cleaning.models.lm.train import fit
from cleaning.models.lm.units import Units

ROOT = Path(__file__).resolve().parents[2]


def texts(name: str) -> list[str]:
    """The documents of a bundled file."""
    lines = (ROOT / "samples" / "raw" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["text"] for line in lines]


def write_model(path: Path, of: list[str], unit: str = "char", order: int = 4, card: bool = True) -> NgramModel:
    """A model of a few texts, with its card."""
    model = fit(of, Units(unit), order, (0,))
    write_arpa(model, path)
    if card:
        about = Card(
            name=path.name, kind="lm", unit=unit, normaliser="cleaning-1", normaliser_version=1, order=order,
            sha256=sha256_of(path), size=path.stat().st_size,
        )  # fmt: skip
        write_card(path, about)
    return model


def made_up(count: int, seed: int = 1) -> list[str]:
    """Chinese-looking documents of a tiny language with a grammar, of 250 characters and more."""
    rng = random.Random(seed)
    who = ["农民", "工人", "学生", "医生", "老人", "孩子", "船夫"]
    what = ["种植水稻", "阅读书报", "收集邮票", "修理机器", "讲述故事", "照看菜园"]
    where = ["村里", "城中", "河边", "山上", "屋后"]

    def sentence() -> str:
        return f"{rng.choice(where)}的{rng.choice(who)}每天都在{rng.choice(what)}，{rng.choice(who)}也来{rng.choice(what)}。"

    return ["\n".join("".join(sentence() for _ in range(rng.randint(2, 4))) for _ in range(rng.randint(5, 9))) for _ in range(count)]


Grams = dict[tuple[str, ...], tuple[float, float]]


def grams_of(model: NgramModel) -> Grams:
    """N-gram -> decimal logarithms of its probability and its backoff weight."""
    grams: Grams = {}
    for k in range(model.order):
        backoff = model.backoff[k].tolist() or [0.0] * len(model.prob[k])
        for row, p, b in zip(model.ngrams[k].tolist(), model.prob[k].tolist(), backoff, strict=True):
            grams[tuple(model.vocab[i] for i in row)] = (p, b)
    return grams


def naive_score(grams: Grams, order: int, tokens: list[str]) -> float:
    """The decimal logarithm of a sentence's probability, by dictionaries: the twin of `score_lines`."""
    return math.fsum(p for p, _, _ in naive_tokens(grams, order, tokens))


def naive_tokens(grams: Grams, order: int, tokens: list[str]) -> list[tuple[float, float, int]]:
    """For each token and the end: the logarithm of its probability, of that alone, and the length of the n-gram that was known."""

    def look_up(context: tuple[str, ...], word: str) -> tuple[float, int]:
        if (*context, word) in grams:
            return grams[(*context, word)][0], len(context) + 1
        p, length = look_up(context[1:], word)
        return grams.get(context, (0.0, 0.0))[1] + p, length

    known = ["<s>", *(token if (token,) in grams and token not in ("<s>", "</s>") else "<unk>" for token in tokens), "</s>"]
    found = [look_up(tuple(known[max(0, i - order + 1) : i]), known[i]) for i in range(1, len(known))]
    return [(p, grams[(word,)][0], length) for (p, length), word in zip(found, known[1:], strict=True)]


def naive_events(tokens: list[tuple[float, float, int]]) -> list[int]:
    """The twin of the events of `score_lines`."""
    gains = [p - alone for p, alone, _ in tokens]
    edges = [-math.inf, -1.5, -1, -0.5, 0, 0.5, 1, 2, 3, math.inf]
    bins = [sum(low <= gain < high for gain in gains) for low, high in itertools.pairwise(edges)]
    short = [sum(length <= k for _, _, length in tokens) for k in (1, 2, 3)]
    rare = [sum(p < limit for p, _, _ in tokens) for limit in (-3, -4, -5)]
    return [*bins, *short, *rare, sum(alone < -4.5 for _, alone, _ in tokens)]
