"""From candidates to proved spans: patterns at the places of the scan, validators, contexts, guards, and who wins where two overlap.

Patterns see the *view* of a text: half-width, of the same length, with the tokens of an earlier masking blanked out. So offsets hold, and
what a token says (<银行卡号>) is nobody's context.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from cleaning.pii.gates import GATES, HAN_DIGIT_CHARS, candidates, tables
from cleaning.pii.kinds import Form, PiiType
from cleaning.pii.validators import VALIDATORS, Validator
from cleaning.text.charclass import Encoded, utf32

AHEAD = 280  # a pattern may look this far beyond its candidate; only private keys are longer
_PEM_AHEAD, _PEM_DASHES = 8192, 5
_DIGITS = {ord(c): str(v) for c, v in HAN_DIGIT_CHARS.items()}
_HAN_GATES = ("han_digits", "qq", "wechat")  # numbers written in Chinese are read as digits


class Span(NamedTuple):
    """A value found: text[start:end]. Of overlapping spans the one with the lower rank stays, then the longer one."""

    start: int
    end: int
    type: str
    rank: int = 0
    proved: bool = True


@dataclass(slots=True)
class Found:
    """What one text holds: its spans in order, the places where a form's label ends, and the view (for what follows)."""

    spans: list[Span]
    view: str
    labels: list[int] = field(default_factory=list)


class _Compiled(NamedTuple):
    match: re.Pattern[str]
    type: str
    rank: int
    proved: bool
    validate: Validator | None
    context: re.Pattern[str] | None
    before: int
    after: int
    unless: re.Pattern[str] | None
    back: int
    value: int | str


def _compile(form: Form, kind: PiiType, rank: int) -> _Compiled:
    pattern = re.compile(form.pattern, form.flags)
    validate = VALIDATORS[form.validator] if form.validator else None
    context = form.context
    if context and kind.context_words:
        words = "|".join(map(re.escape, kind.context_words))
        context = f"(?i)(?:{context.removeprefix('(?i)')})|{words}"
    near, unless = (re.compile(p) if p else None for p in (context, form.unless))
    value: int | str = "v" if "v" in pattern.groupindex else 0
    return _Compiled(pattern, kind.name, rank, kind.proved, validate, near, form.before, form.after, unless, form.back, value)


class Detector:
    """Finds the given types, whose order is who wins. `tokens` are the placeholders that earlier masking left in texts."""

    def __init__(self, types: Sequence[PiiType], tokens: Iterable[str] = ()) -> None:
        self._by_gate: list[list[_Compiled]] = [[] for _ in GATES]
        self._everywhere: list[_Compiled] = []
        for rank, kind in enumerate(types):
            for form in kind.forms:
                compiled = _compile(form, kind, rank)
                for gate in form.gates:
                    (self._everywhere if gate == "text" else self._by_gate[GATES.index(gate)]).append(compiled)
        self._is_han = [gate in _HAN_GATES for gate in GATES]
        self._label, self._pem = GATES.index("label"), GATES.index("pem")
        self._tokens = re.compile("|".join(map(re.escape, sorted(set(tokens), key=lambda t: (-len(t), t)))) or r"(?!)")
        self._marks = {token[0] for token in tokens if token}
        self._asked = np.array([bool(forms) for forms in self._by_gate])
        self._asked[self._label] = True

    def detect(self, texts: list[str], encoded: Encoded | None = None) -> list[Found]:
        """The spans of each text, in order and without overlaps."""
        encoded = encoded or utf32(texts)
        rows, wide = candidates(encoded)
        rows = rows[self._asked[rows[:, 2]]]
        found: list[Found | None] = [None] * len(texts)
        bounds = np.searchsorted(rows[:, 0], np.arange(len(texts) + 1)).tolist()
        places, gates = rows[:, 1].tolist(), rows[:, 2].tolist()
        for d, text in enumerate(texts):
            first, last = bounds[d], bounds[d + 1]
            if first == last and not self._everywhere:
                continue
            view = self._view(text, wide[d], encoded, d)
            found[d] = self._one(view, places[first:last], gates[first:last])
        return [one or Found([], text) for one, text in zip(found, texts, strict=True)]

    def _view(self, text: str, wide: bool, encoded: Encoded, d: int) -> str:
        if wide:
            codes, offsets = encoded
            mine = codes[offsets[d] : offsets[d + 1]]
            low = np.minimum(mine, 0xFFFF)
            text = np.where(mine < 0x10000, tables()[1][low], mine).tobytes().decode("utf-32-le", "surrogatepass")
        if any(mark in text for mark in self._marks):
            text = self._tokens.sub(lambda m: "\0" * len(m[0]), text)
        return text

    def _one(self, view: str, places: list[int], gates: list[int]) -> Found:
        spans: list[Span] = []
        labels: list[int] = []
        ends: dict[str, int] = {}  # of the last span of each type: a candidate inside it is the same value once more
        for place, gate in zip(places, gates, strict=True):
            if gate == self._label:
                labels.append(place)
                continue
            ahead = place + AHEAD
            if gate == self._pem:  # the scan stands at BEGIN, behind its dashes
                place, ahead = max(0, place - _PEM_DASHES), place + _PEM_AHEAD
            for form in self._by_gate[gate]:
                if place < ends.get(form.type, 0):
                    continue
                span = self._match(form, view, place, ahead, self._is_han[gate])
                if span is not None:
                    spans.append(span)
                    ends[form.type] = span.end
        for form in self._everywhere:
            spans += self._all(form, view)
        return Found(resolve(spans), view, labels)

    def _match(self, form: _Compiled, view: str, place: int, ahead: int, han: bool) -> Span | None:
        if form.back:
            return self._around(form, view, place)
        # what opens a number: the scan stands at its first digit
        start = place - 1 if place and view[place - 1] in "+(（" else place
        span = self._at(form, view, start, ahead) or (self._at(form, view, place, ahead) if start != place else None)
        if span is None and han:
            left, right = max(0, place - 40), place + 64
            window = view[left:right].translate(_DIGITS)
            if window != view[left:right]:
                inner = self._at(form, window, place - left, len(window))
                span = inner and inner._replace(start=inner.start + left, end=inner.end + left)
        return span

    def _around(self, form: _Compiled, view: str, place: int) -> Span | None:
        """A match that holds the place: its beginning is up to `back` characters before it."""
        at, right = max(0, place - form.back), min(len(view), place + 64)
        while at <= place:
            match = form.match.search(view, at, right)
            if match is None or match.start() > place:
                return None
            if match.end() > place and (span := self._proved(form, view, match)) is not None:
                return span
            at = match.start() + 1
        return None

    def _at(self, form: _Compiled, view: str, start: int, ahead: int) -> Span | None:
        match = form.match.match(view, start, ahead)
        return None if match is None else self._proved(form, view, match)

    def _all(self, form: _Compiled, view: str) -> list[Span]:
        return [span for match in form.match.finditer(view) if (span := self._proved(form, view, match)) is not None]

    def _proved(self, form: _Compiled, view: str, match: re.Match[str]) -> Span | None:
        start, end = match.span(form.value)
        if start == end or (form.validate is not None and not form.validate(view[start:end])):
            return None
        if form.unless is not None and form.unless.search(view, max(0, start - 24), start):
            return None
        if form.context is not None:
            before = form.context.search(view, max(0, start - form.before), start)
            if before is None and (not form.after or form.context.search(view, end, end + form.after) is None):
                return None
        return Span(start, end, form.type, form.rank, form.proved)


def resolve(spans: list[Span]) -> list[Span]:
    """Spans in order without overlaps: the lower rank wins, then the longer, then the earlier."""
    if len(spans) < 2:
        return spans
    spans.sort()
    out: list[Span] = []
    cluster: list[Span] = []
    reach = -1
    for span in spans:
        if span.start >= reach:
            out += _winners(cluster)
            cluster = []
        cluster.append(span)
        reach = max(reach, span.end)
    return out + _winners(cluster)


def _winners(cluster: list[Span]) -> list[Span]:
    if len(cluster) < 2:
        return cluster
    kept: list[Span] = []
    for span in sorted(cluster, key=lambda s: (s.rank, s.start - s.end, s.start)):
        if all(span.end <= other.start or span.start >= other.end for other in kept):
            kept.append(span)
    return sorted(kept)
