"""A second number beside perplexity: does the text look broken to the model, whatever its subject?

Perplexity mixes two things, how unusual a text's subject and style are and whether it is whole. An old poem has a higher one than the shuffled
words of a news item, and a loop of good sentences has a low one. So this asks *how* the model takes each token: does the context speak for
the token or against it, was the context known at all, is the token rare (the events of `score_lines`); and has the text said the same before,
is it made of marks, of short lines (the traits of `Scores`).

For each way of breaking text, a logistic regression tells whole documents from copies broken that way, by the shares of these events. The
score is that of the way that fits best, and 0.5 is what one in a hundred whole documents exceeds. All this is fitted when a model is
calibrated, on the user's documents, and kept in the model's card.

What it leaves alone: text that is well-formed and false, dull or an advertisement.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cleaning.errors import ModelError
from cleaning.models.lm.scoring import TRAITS, Float64, Scorer
from cleaning.models.lm.tables import EVENTS

FEATURES = EVENTS + TRAITS
# order of characters, words, short runs; foreign characters; wrong decoding; words without sentences; wrong particles; a passage over and
# over; what people search for
KINDS = ("order", "words", "runs", "noise", "misread", "list", "salad", "loop", "search")
DOCUMENTS = 2000  # that the regressions are fitted on
FEWEST = 50
_LEAST, _MOST = 200, 2000  # characters of a copy
_RIDGE = 1e-3
_EXCEEDED_BY = 1  # percent of the whole documents whose score is above 0.5
_PIECE = re.compile(r"[a-zA-Z]+|\d+|\s+|.", re.DOTALL)
_HAN = re.compile("[\u3400-\u9fff]")


@dataclass(frozen=True, slots=True)
class Broken:
    """The fitted regressions: for each kind its weights (FEATURES) and its constant."""

    kinds: tuple[str, ...]
    weights: tuple[tuple[float, ...], ...]
    constants: tuple[float, ...]
    documents: int = 0

    def __call__(self, shares: Float64) -> list[float]:
        """How broken each of some texts is, 0 to 1; `shares` (texts, FEATURES), NaN for a text that has none."""
        best = np.full(shares.shape[0], -np.inf)
        for constant, weights in zip(self.constants, self.weights):
            z = np.full(shares.shape[0], constant)
            for j, weight in enumerate(weights):  # column by column, so that no row's sum depends on how many there are
                z += shares[:, j] * weight
            best = np.maximum(best, z)
        return [math.nan if math.isnan(z) else 1 / (1 + math.exp(-max(-500.0, min(500.0, z)))) for z in best.tolist()]

    def to_json(self) -> dict[str, Any]:
        """For a card."""
        rows = {kind: [constant, *weights] for kind, constant, weights in zip(self.kinds, self.constants, self.weights)}
        return {"documents": self.documents, "kinds": rows}

    @classmethod
    def from_json(cls, data: Any, name: str) -> Broken | None:
        """From a card; None where it has none. Raises ModelError when it is damaged or of another version."""
        if data is None:
            return None
        try:
            rows = {str(kind): tuple(float(value) for value in row) for kind, row in data["kinds"].items()}
            if not rows or {len(row) for row in rows.values()} != {FEATURES + 1}:
                raise ValueError(f"{FEATURES + 1} numbers for each kind are needed")
            return cls(tuple(rows), tuple(row[1:] for row in rows.values()), tuple(row[0] for row in rows.values()), int(data["documents"]))
        except (KeyError, TypeError, ValueError, AttributeError) as exc:
            raise ModelError(f"{name}: 'broken' in its card cannot be read ({exc}); run: python -m cleaning models calibrate") from exc


def fit_broken(scorer: Scorer, texts: Sequence[str]) -> Broken | None:
    """Fit on evenly spaced documents among `texts` and their broken copies; None when fewer than 50 of them are long enough."""
    whole = [cut for i, text in enumerate(_spread(texts)) if len(cut := passage(text, random.Random(i))) >= _LEAST]
    if len(whole) < FEWEST:
        return None
    good = scorer(whole, events=True).shares()
    rows = []
    for kind in KINDS:
        bad = scorer([damaged(text, kind, random.Random(i)) for i, text in enumerate(whole)], events=True).shares()
        rows.append(_logistic(good, bad[~np.isnan(bad).any(axis=1)]))
    fitted = np.array(rows)
    best = (good @ fitted[:, :-1].T + fitted[:, -1]).max(axis=1)
    fitted[:, -1] -= np.percentile(best, 100 - _EXCEEDED_BY)
    table = [[float(f"{value:.8g}") for value in row] for row in fitted.tolist()]
    return Broken(KINDS, tuple(tuple(row[:-1]) for row in table), tuple(row[-1] for row in table), len(whole))


def _spread(texts: Sequence[str]) -> list[str]:
    long_enough = [text for text in texts if len(text) >= _LEAST]
    count = min(DOCUMENTS, len(long_enough))
    return [long_enough[i * len(long_enough) // count] for i in range(count)]


def passage(text: str, rng: random.Random) -> str:
    """200 to 2000 characters of a text that begin with a line."""
    size = rng.randint(_LEAST, _MOST)
    if len(text) > size:
        start = text.rfind("\n", 0, rng.randrange(len(text) - size + 1)) + 1
        text = text[start : start + size]
    return text.strip()


def damaged(text: str, kind: str, rng: random.Random) -> str:
    """A broken copy: `order` of characters, of `words`, of short `runs`; `noise`, `misread`, `list` of words, `salad`, `loop`."""
    if kind == "order":
        return _shuffled(list(text), rng)
    if kind == "words":
        return _shuffled(_words(text), rng)
    if kind == "runs":
        return _shuffled(_runs(text, rng), rng)
    if kind == "noise":
        share, alphabet = rng.uniform(0.03, 0.3), sorted(set(text)) if rng.random() < 0.3 else _alphabet(text, rng)
        return "".join(rng.choice(alphabet) if not c.isspace() and rng.random() < share else c for c in text)
    if kind == "misread":
        if not _HAN.search(text):
            return text.encode("utf-8", "replace").decode("utf-16-le", "replace")
        written, read = rng.choice((("utf-8", "gb18030"), ("utf-8", "latin-1"), ("gb18030", "latin-1"), ("gb18030", "utf-8")))
        return text.encode(written, "replace").decode(read, "replace")
    if kind == "loop":
        start = rng.randrange(max(1, len(text) - 40))
        return text[:start] + text[start : start + rng.randint(15, 120)] * rng.randint(5, 30)
    words = [word for word in _words(text) if len(word) > (1 if _HAN.search(word) else 2) and not word.isspace()] or [text]
    if kind == "list":
        return _listed(words, rng)
    if kind == "search":
        return _searches(words, rng)
    particles = _PARTICLES_ZH if _HAN.search(text) else _PARTICLES_EN
    gap = "" if particles is _PARTICLES_ZH else " "
    return gap.join(word if rng.random() < 0.6 else word + gap + rng.choice(particles) for word in _nearly(words, rng))


def _listed(words: list[str], rng: random.Random) -> str:
    """Words and nothing else, in order or not, once or several times, with one separator."""
    words = words[: rng.randint(40, 300)]
    if rng.random() < 0.4:
        words = list(dict.fromkeys(words))
    elif rng.random() < 0.4:
        words = [word for word in words[:60] for _ in range(rng.randint(1, 5))]
    if rng.random() < 0.5:
        rng.shuffle(words)
    return rng.choice((" ", ",", "，", "、", "|", "\n")).join(words)


def _searches(words: list[str], rng: random.Random) -> str:
    """A few subjects, each beside many words."""
    subjects = rng.sample(words, min(len(words), rng.randint(1, 4)))
    pairs = [(rng.choice(subjects), rng.choice(words)) for _ in range(rng.randint(20, 80))]
    gap = "" if _HAN.search(subjects[0]) else " "
    return rng.choice((" ", ",", "，", "、", "|", "\n", "_")).join(gap.join(pair if rng.random() < 0.8 else pair[::-1]) for pair in pairs)


def _nearly(words: list[str], rng: random.Random) -> list[str]:
    """The words in nearly their order."""
    places = sorted(range(len(words)), key=lambda i: i + rng.uniform(0, 5))
    return [words[i] for i in places]


def _words(text: str) -> list[str]:
    """Pieces that join to the text: words of letters, and jieba's where there is Han."""
    if not _HAN.search(text):
        return _PIECE.findall(text)
    from cleaning.text.segment import load_jieba

    return [str(word) for word in load_jieba().lcut(text, HMM=False)]


def _runs(text: str, rng: random.Random) -> list[str]:
    """Pieces of two to six characters or words that join to the text."""
    pieces, out = _PIECE.findall(text), []
    while pieces:
        size = rng.randint(2, 6)
        out.append("".join(pieces[:size]))
        del pieces[:size]
    return out


def _shuffled(pieces: list[str], rng: random.Random) -> str:
    """The pieces in another order; white space stays where it is."""
    places = [i for i, piece in enumerate(pieces) if not piece.isspace()]
    moved = [pieces[i] for i in places]
    rng.shuffle(moved)
    for place, piece in zip(places, moved, strict=True):
        pieces[place] = piece
    return "".join(pieces)


def _alphabet(text: str, rng: random.Random) -> str:
    if rng.random() < 0.15:
        return "\ufffd"
    han = _HAN.search(text) is not None and rng.random() < 0.7
    return "".join(map(chr, range(0x4E00, 0x9FA6))) if han else "abcdefghijklmnopqrstuvwxyz"


_PARTICLES_ZH = "的了着过在把被是和地得于而之与向从给让对并"
_PARTICLES_EN = "the a of to in on at by for with from into is are was be has that which as than upon".split()


def _logistic(good: Float64, bad: Float64) -> Float64:
    """The weights of a ridge logistic regression on the features as they are, the constant last; both sides count alike."""
    features = np.concatenate([good, bad])
    labels = np.repeat([0.0, 1.0], [len(good), len(bad)])
    weights = np.repeat([1 / len(good), 1 / max(1, len(bad))], [len(good), len(bad)])
    means, scales = features.mean(axis=0), features.std(axis=0) + 1e-4
    rows = np.concatenate([(features - means) / scales, np.ones((len(features), 1))], axis=1)
    ridge = np.diag([2 * _RIDGE] * (rows.shape[1] - 1) + [1e-9])
    found = np.zeros(rows.shape[1])
    for _ in range(50):  # Newton's method
        p = 1 / (1 + np.exp(-np.clip(rows @ found, -30, 30)))
        slope = rows.T @ (weights * (p - labels)) + ridge @ found
        step = np.linalg.solve((rows * (weights * p * (1 - p))[:, None]).T @ rows + ridge, slope)
        found -= step
        if np.abs(step).max() < 1e-8:
            break
    raw = found[:-1] / scales
    out: Float64 = np.append(raw, found[-1] - raw @ means)
    return out
