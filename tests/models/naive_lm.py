"""Modified Kneser-Ney by dictionaries, in double precision, straight from the formulas: the twin of `cleaning.models.lm.kneser_ney`."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

Gram = tuple[str, ...]
Model = list[dict[Gram, tuple[float, float]]]


def counted(sentences: Sequence[Sequence[str]], order: int) -> list[Counter[Gram]]:
    """Raw counts by order; nothing goes over the beginning of a sentence, and `<s>` alone is no event."""
    raw: list[Counter[Gram]] = [Counter() for _ in range(order)]
    for sentence in sentences:
        line = ["<s>", *sentence, "</s>"]
        for k in range(1, order + 1):
            for end in range(max(k, 2), len(line) + 1):
                raw[k - 1][tuple(line[end - k : end])] += 1
    return raw


def adjusted(raw: list[Counter[Gram]]) -> list[dict[Gram, int]]:
    """How many different tokens precede an n-gram; raw for the highest order and for what begins with `<s>`."""
    out = []
    for k, counts in enumerate(raw, 1):
        before: dict[Gram, set[str]] = defaultdict(set)
        if k < len(raw):
            for gram in raw[k]:
                before[gram[1:]].add(gram[0])
        out.append({g: n if k == len(raw) or g[0] == "<s>" else len(before[g]) for g, n in counts.items()})
    return out


def discounts(
    sentences: Sequence[Sequence[str]], raw: list[Counter[Gram]], counts: list[dict[Gram, int]], fallback: Sequence[float]
) -> list[list[float]]:
    # lmplz takes the n-grams that are last in suffix order with their raw counts
    number: dict[str, int] = {"<unk>": 0, "<s>": 1, "</s>": 2}
    for sentence in sentences:
        for token in sentence:
            number.setdefault(token, len(number))
    order = len(raw)
    longest = [(k, g) for k in range(1, order + 1) for g in raw[k - 1] if k == order or g[0] == "<s>"]
    padded = {("<s>",) * (order - k) + g for k, g in longest}
    final = max(padded, key=lambda g: [number[w] for w in reversed(g)])
    out = []
    for k, of in enumerate(counts, 1):
        seen = [raw[k - 1][g] if k < order and g == final[-k:] else n for g, n in of.items()]
        n1, n2, n3, n4 = (seen.count(i) for i in (1, 2, 3, 4))
        found = list(fallback)
        if n1 and n2 and n3:
            y = n1 / (n1 + 2 * n2)
            d = [1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3]
            if all(-1e-6 <= x <= j + 1e-6 for j, x in enumerate(d, 1)):  # on the border single precision decides
                found = d
        out.append([0.0, *found])
    return out


def naive_lm(sentences: Sequence[Sequence[str]], order: int, prune: Sequence[int], fallback: Sequence[float] = (0.5, 1, 1.5)) -> Model:
    """Probability and backoff weight (decimal logarithms) of each n-gram, by order. `prune`: a threshold for each order."""
    raw = counted(sentences, order)
    counts = adjusted(raw)
    d = discounts(sentences, raw, counts, fallback)
    total: dict[Gram, float] = defaultdict(float)
    taken: dict[Gram, float] = defaultdict(float)
    for k, of in enumerate(counts):
        for g, n in of.items():
            total[g[:-1]] += n
            taken[g[:-1]] += d[k][min(n, 3)] if raw[k][g] > prune[k] else n
    gamma = {c: taken[c] / total[c] for c in total}
    words = [*counts[0], ("<unk>",)]
    prob: list[dict[Gram, float]] = [{}]
    for g in words:
        n = counts[0].get(g, 0)
        prob[0][g] = (n - d[0][min(n, 3)]) / total[()] + gamma[()] / len(words)
    prob[0][("<s>",)] = 1.0
    for k in range(1, order):
        kept = {g: n for g, n in counts[k].items() if raw[k][g] > prune[k]}
        prob.append({g: (n - d[k][min(n, 3)]) / total[g[:-1]] + gamma[g[:-1]] * prob[k - 1][g[1:]] for g, n in kept.items()})
    return [{g: (_log(p), _log(gamma.get(g, 1.0)) if k < order - 1 else 0.0) for g, p in of.items()} for k, of in enumerate(prob)]


def _log(x: float) -> float:
    return math.log10(x) if x > 1e-99 else -99.0


def score(model: Model, sentence: Sequence[str]) -> float:
    """Decimal logarithm of the probability of a sentence with its end."""
    known = {g[0] for g in model[0]}
    line = ["<s>", *(w if w in known else "<unk>" for w in sentence), "</s>"]
    return sum(conditional(model, tuple(line[max(0, i - len(model) + 1) : i]), line[i]) for i in range(1, len(line)))


def conditional(model: Model, context: Gram, word: str) -> float:
    """log10 p(word | context), by backing off."""
    gram = (*context, word)
    if gram in model[len(context)]:
        return model[len(context)][gram][0]
    backoff = model[len(context) - 1].get(context, (0.0, 0.0))[1]
    return backoff + conditional(model, context[1:], word)
