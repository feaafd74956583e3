"""Everything that rules of one run may look at, as one matrix: text metrics, and what the blacklists found."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
import xxhash

from cleaning.doc import Doc
from cleaning.rules.blacklist import Blacklists, Found
from cleaning.stats import Stats
from cleaning.text.charclass import utf32
from cleaning.text.metric_table import METRICS, Metric
from cleaning.text.metrics import Matrix, MetricSet
from cleaning.text.view import fold_batch

CONTEXT = 24  # characters shown on either side of a hit


class Measures:
    """Computes the metrics with the given names for batches of documents. `column` says where each stands."""

    def __init__(self, names: Iterable[str], blacklists: Blacklists | None = None) -> None:
        self.names = tuple(dict.fromkeys(["chars", *names] if blacklists is not None else names))
        self.column = {name: i for i, name in enumerate(self.names)}
        self.blacklists = blacklists
        known = {**METRICS, **(blacklists.metrics if blacklists is not None else {})}
        self.metrics: dict[str, Metric] = {name: known[name] for name in self.names}
        of_text = [name for name in self.names if name in METRICS and METRICS[name].group != "notes"]
        self._of_text = bool(of_text) or blacklists is not None
        self._of_notes = [name for name in self.names if name in METRICS and METRICS[name].group == "notes"]
        self._text = MetricSet(["chars", *of_text])
        self._text_columns = [self._text.column.get(name, -1) for name in self.names]

    def warm_up(self) -> None:
        """Compile, or load from numba's cache, what these metrics need."""
        if self._of_text:
            self._text.compute(["第一行，hello world 12。\n第二行！", ""])
        if self.blacklists is not None:
            fold_batch(["第一行"])

    def compute(self, docs: Sequence[Doc]) -> tuple[Matrix, Found | None]:
        """(len(docs), len(names)) float32, and what the lists found."""
        if not self._of_text:
            out = np.zeros((len(docs), len(self.names)), np.float32)
            self._read_notes(docs, out)
            return out, None
        texts = [doc.text for doc in docs]
        encoded = utf32(texts)
        text = self._text.compute(texts, encoded)
        out = text[:, self._text_columns]
        self._read_notes(docs, out)
        if self.blacklists is None:
            return out, None
        found = self.blacklists.scan(docs, encoded)
        for name, values in self.blacklists.values(found, text[:, 0].astype(np.float64)).items():
            if name in self.column:
                out[:, self.column[name]] = values
        return out, found


    def _read_notes(self, docs: Sequence[Doc], out: Matrix) -> None:
        for name in self._of_notes:
            out[:, self.column[name]] = [_noted(doc, name) if doc.learned else _UNNOTED.get(name, math.nan) for doc in docs]


_UNNOTED = {"boilerplate_char_ratio": 0.0}


def _noted(doc: Doc, name: str) -> float:
    """A number that a stage before has noted; NaN, which acts nowhere, if none has. Asked only where something was noted."""
    if name == "boilerplate_char_ratio":
        noted = doc.notes.get("boilerplate")
        share = noted.get("share") if isinstance(noted, dict) else None
        return float(share) if isinstance(share, (int, float)) else 0.0
    value = doc.notes.get(name)
    return float(value) if isinstance(value, (int, float)) else math.nan


def count_entries(blacklists: Blacklists, docs: Sequence[Doc], found: Found, stats: Stats) -> None:
    """Count for each entry how often it occurred and in how many documents, and keep a few snippets: `cleaning blacklist top`."""
    for d, hits in found.hits.items():
        times: dict[int, int] = {}
        for hit in hits:
            times[hit.entry] = times.get(hit.entry, 0) + 1
        for number, count in times.items():
            entry = blacklists.entries[number]
            key = f"{entry.file}\t{entry.text}"
            stats.count("rules", f"entry_hits/{key}", count)
            stats.count("rules", f"entry_documents/{key}")
            rank = xxhash.xxh64_hexdigest(f"{key}\0{docs[d].id}".encode("utf-8", "surrogatepass"))
            if stats.wants("rules", f"entry/{key}", rank):
                where = next(hit for hit in hits if hit.entry == number)
                stats.sample("rules", f"entry/{key}", rank, {"id": docs[d].id, "text": snippet(docs[d].text, where.start, where.end)})


def snippet(text: str, start: int, end: int) -> str:
    """The original text around bytes [start, end) of its view, the hit between 〔〕."""
    view = fold_batch([text], origins=True)
    start += view.text[start : start + 1] == b" "  # the blanks around a word of letters may stand for the neighbour's end
    end -= view.text[end - 1 : end] == b" "
    first, last = int(view.origin[start]), int(view.origin[end - 1]) + 1
    left, right = text[max(0, first - CONTEXT) : first], text[last : last + CONTEXT]
    return f"{left}〔{text[first:last]}〕{right}".replace("\n", "⏎")
