"""What a model's perplexities mean: percentiles of them on documents of the user's own, and a judge of broken text that goes with them.

The number of one model says nothing about another's: a rule asks for the percentile. A percentile is of a group of documents (a source, a
language, all), from the model's card. A short text's perplexity is drawn towards the group's median, by as much as `PRIOR` tokens of median
text would draw it: a text of ten characters is neither the best nor the worst of a corpus by chance.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from cleaning.errors import UserError
from cleaning.models.card import Card
from cleaning.models.lm.broken import Broken, fit_broken
from cleaning.models.lm.scoring import Scorer, perplexity

PRIOR = 32  # tokens
MIN_TOKENS = 16  # a text with fewer has no perplexity
FEWEST = 100  # documents that a group needs for percentiles of its own
ALL = "all"
_BATCH = 1 << 20


def group_names(by: Iterable[str], source: str, lang: str) -> tuple[str, ...]:
    """What a document's groups are called, in the order of `by`; a document without a language is in none of languages.

    >>> group_names(("source", "lang"), "news", "zh"), group_names(("lang",), "news", "")
    (('source:news', 'lang:zh'), ())
    """
    value = {"source": source, "lang": lang}
    return tuple(f"{name}:{value[name]}" for name in by if value[name])


@dataclass(frozen=True, slots=True)
class Calibration:
    """`percentiles`: group (`all`, `lang:zh`, `source:news`) -> the perplexities p0 … p100. `broken`: None where the model has no judge."""

    percentiles: Mapping[str, Sequence[float]] = field(default_factory=dict)
    broken: Broken | None = None

    @classmethod
    def of(cls, card: Card | None) -> Calibration:
        """What a card says; nothing without a card. Raises ModelError when it is damaged."""
        return cls() if card is None else cls(card.percentiles, Broken.from_json(card.figures.get("broken"), card.name))

    def on(self, card: Card) -> Card:
        """The card with this calibration."""
        figures = {key: value for key, value in card.figures.items() if key != "broken"}
        if self.broken is not None:
            figures["broken"] = self.broken.to_json()
        return card.model_copy(update={"percentiles": {k: list(v) for k, v in self.percentiles.items()}, "figures": figures})

    def group(self, names: Iterable[str]) -> str | None:
        """The first of some groups that was calibrated, else `all`, else None."""
        return next((name for name in (*names, ALL) if name in self.percentiles), None)

    def percentile(self, log10: float, tokens: int, group: str) -> float:
        """0 to 100: where a text of so many tokens stands among the group's documents."""
        logs = [math.log10(max(value, 1e-9)) for value in self.percentiles[group]]
        value = (-log10 + PRIOR * logs[50]) / (tokens + PRIOR)
        if value <= logs[0]:
            return 0.0
        at = bisect.bisect_left(logs, value)
        if at > 100:
            return 100.0
        return round(at - 1 + (value - logs[at - 1]) / (logs[at] - logs[at - 1]), 2)


@dataclass(frozen=True, slots=True)
class Sample:
    """A document to calibrate on: its text, and the groups that it belongs to besides `all`."""

    text: str
    groups: tuple[str, ...] = ()


def calibrate(
    scorer: Scorer, samples: Iterable[Sample], *, windows: int = 0, broken: bool = True, fewest: int = FEWEST
) -> Calibration:
    """Percentiles of each group with `fewest` documents and more, and a judge of broken text fitted on them and on broken copies.

    `windows` as the stage will have it. Documents of fewer than 16 tokens do not count. They must not be those that the model has learned
    from. Depends on the order of the samples only where there are more than the judge needs.
    Raises UserError when fewer than `fewest` documents count.
    """
    found: dict[str, list[float]] = {ALL: []}
    kept: list[str] = []
    for batch in _batches(samples):
        scores = scorer([sample.text for sample in batch], windows=windows)
        for sample, log10, tokens in zip(batch, *(column.tolist() for column in scores.summed())):
            if tokens < MIN_TOKENS:
                continue
            for group in dict.fromkeys((ALL, *sample.groups)):
                found.setdefault(group, []).append(perplexity(log10, tokens))
        kept += [sample.text for sample in batch]
    if len(found[ALL]) < fewest:
        raise UserError(f"{len(found[ALL])} documents of {MIN_TOKENS} tokens and more to calibrate on; {fewest} are needed")
    percentiles = {group: _percentiles(values) for group, values in sorted(found.items()) if len(values) >= fewest}
    return Calibration(percentiles, fit_broken(scorer, kept) if broken and scorer.model.tells_events else None)


def _percentiles(values: list[float]) -> list[float]:
    return [float(f"{value:.6g}") for value in np.percentile(np.array(values), np.arange(101)).tolist()]


def _batches(samples: Iterable[Sample]) -> Iterable[list[Sample]]:
    batch: list[Sample] = []
    size = 0
    for sample in samples:
        batch.append(sample)
        size += len(sample.text)
        if size >= _BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
