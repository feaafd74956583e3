"""What language models say of documents, as notes and as numbers about lines. Which model a document gets is the caller's choice.

Notes: `perplexity` for each token; with a calibrated model `perplexity_percentile`, `perplexity_bucket` (head, middle, tail) and
`broken_score`. A document without a model, or with fewer than 16 tokens, has none of them.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from cleaning.doc import Doc
from cleaning.models.lm.calibration import MIN_TOKENS, Calibration, group_names
from cleaning.models.lm.scoring import Scorer, perplexity

NOTES = ("perplexity", "perplexity_percentile", "perplexity_bucket", "broken_score")
LINE_PRIOR = 16  # tokens of the rest of the document that a line is taken together with, for the ratio
_SCRIPT_OF = 2000  # characters that decide a document's language where no stage before has noted one
_HAN, _KANA, _HANGUL = re.compile("[\u3400-\u9fff]"), re.compile("[\u3041-\u30ff]"), re.compile("[\uac00-\ud7a3]")
_LATIN, _OTHER = re.compile("[A-Za-z\u00c0-\u024f]"), re.compile("[\u0370-\u1fff]")
_TWO_LETTERS = {"zho": "zh", "cmn": "zh", "chi": "zh", "eng": "en", "yue": "zh", "lzh": "zh", "wuu": "zh"}


def language_of(doc: Doc) -> str:
    """The language that a stage before has noted, in two letters where it has them, else what the script suggests; "" for neither.

    >>> language_of(Doc({}, "今天天气很好", b"", "a.jsonl", 0)), language_of(Doc({"cleaning": {"lang": "eng_Latn"}}, "", b"", "a", 0))
    ('zh', 'en')
    """
    noted = doc.notes.get("lang") if doc.learned else None
    if isinstance(noted, str) and noted:
        code = re.split("[-_]", noted)[0].lower()
        return _TWO_LETTERS.get(code, code)
    text = doc.text[:_SCRIPT_OF]
    # a Chinese character carries about as much as three letters
    weights = {"zh": 3 * len(_HAN.findall(text)), "en": len(_LATIN.findall(text)), "": len(_OTHER.findall(text))}
    weights |= {"ja": 6 * len(_KANA.findall(text)), "ko": 3 * len(_HANGUL.findall(text))}
    best = max(weights, key=lambda lang: weights[lang])
    return best if weights[best] else ""


@dataclass(frozen=True, slots=True)
class Calibrated:
    """A model, ready to score, and what its numbers mean."""

    scorer: Scorer
    calibration: Calibration = field(default_factory=Calibration)


@dataclass(frozen=True, slots=True)
class Reading:
    """How documents are read. `windows`: characters of a long document that are scored, 0 all. `by`: groups of percentiles, first to last.

    `buckets`: the percentiles at which head and middle end.
    """

    windows: int = 0
    by: tuple[str, ...] = ("source", "lang")
    buckets: tuple[float, float] = (30.0, 60.0)


class PerplexityNotes:
    """Writes the notes. `choose` gives the key of a document's model in `models`, or None; a document without a model gets no number.

    `missing`: how many documents of the last call got none, by why.
    """

    def __init__(self, models: Mapping[str, Calibrated], choose: Callable[[Doc], str | None], reading: Reading | None = None) -> None:
        self._models, self._choose, self._reading = models, choose, reading or Reading()
        self.missing: Counter[str] = Counter()

    def __call__(self, docs: Sequence[Doc]) -> None:
        self.missing = Counter()
        for key, members in self._by_model(docs).items():
            model = self._models.get(key)
            for doc in members:
                for name in NOTES if doc.learned else ():
                    doc.notes.pop(name, None)
            if model is None:
                self.missing["no_model"] += len(members)
            else:
                self._note(members, model)

    def _by_model(self, docs: Sequence[Doc]) -> dict[str, list[Doc]]:
        out: dict[str, list[Doc]] = {}
        for doc in docs:
            out.setdefault(self._choose(doc) or "", []).append(doc)
        return out

    def _note(self, docs: list[Doc], model: Calibrated) -> None:
        broken = model.calibration.broken
        scores = model.scorer([doc.text for doc in docs], events=broken is not None, windows=self._reading.windows)
        judged = broken(scores.shares()) if broken is not None and scores.traits.size else [math.nan] * len(docs)
        for doc, log10, tokens, how_broken in zip(docs, *(column.tolist() for column in scores.summed()), judged):
            if tokens < MIN_TOKENS:
                self.missing["too_short"] += 1
                continue
            doc.notes["perplexity"] = float(f"{perplexity(log10, tokens):.7g}")
            group = model.calibration.group(group_names(self._reading.by, doc.source, language_of(doc)))
            if group is not None:
                percentile = model.calibration.percentile(log10, tokens, group)
                doc.notes["perplexity_percentile"], doc.notes["perplexity_bucket"] = percentile, self._bucket(percentile)
            if not math.isnan(how_broken):
                doc.notes["broken_score"] = float(f"{how_broken:.4g}")  # most are close to 0, and differ there

    def _bucket(self, percentile: float) -> str:
        head, middle = self._reading.buckets
        return "head" if percentile < head else "middle" if percentile < middle else "tail"

    def lines(self, docs: list[Doc], split: list[list[str]]) -> npt.NDArray[np.float32]:
        """(all lines, 4) perplexity, its ratio to the rest of the document's, tokens, place from the end; NaN where there is no number.

        The ratio takes a line together with 16 tokens of the document's rest, so that a short one is not far from 1 by chance.
        """
        out = np.full((sum(map(len, split)), 4), np.nan, np.float32)
        begins = dict(zip(map(id, docs), np.cumsum([0, *map(len, split)]).tolist()))
        lines_of = dict(zip(map(id, docs), split))
        for key, members in self._by_model(docs).items():
            for doc in members:
                begin, count = begins[id(doc)], len(lines_of[id(doc)])
                out[begin : begin + count, 3] = np.arange(count, 0, -1)
            if key not in self._models:
                continue
            flat = [line for doc in members for line in lines_of[id(doc)]]
            log10, tokens = (column.tolist() for column in self._models[key].scorer(flat).summed())
            at = 0
            for doc in members:
                begin, count = begins[id(doc)], len(lines_of[id(doc)])
                out[begin : begin + count, :3] = _line_numbers(log10[at : at + count], tokens[at : at + count])
                at += count
        return out


def _line_numbers(log10: list[float], tokens: list[int]) -> list[tuple[float, float, float]]:
    """Perplexity, ratio and tokens (without the end) of each line of a document."""
    total, count = math.fsum(log10), sum(tokens)
    out = list[tuple[float, float, float]]()
    for value, size in zip(log10, tokens):
        rest = (total - value) / (count - size) if count > size else math.nan
        together = (value + LINE_PRIOR * rest) / (size + LINE_PRIOR)
        ratio = math.pow(10, max(-30.0, min(30.0, rest - together))) if size and count > size else math.nan
        out.append((perplexity(value, size) if size >= MIN_TOKENS else math.nan, ratio, max(0, size - 1)))
    return out
