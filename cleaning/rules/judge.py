"""All rules against a batch's metric matrix.

Every rule is always evaluated, so that the report can say of each: how often it held (hits), how often it was the reason given
(first), how often nobody else would have caught the document (only). The first rule in the files' order gives the reason.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from cleaning.doc import Doc
from cleaning.rules.genre import genres
from cleaning.rules.schema import NOT, Condition, Rule, Scope

Bools = npt.NDArray[np.bool_]
SCOPE_METRICS = ("han_unit_ratio", "kana_ratio", "hangul_ratio", "word_ratio", "foreign_letter_ratio")


def holds(condition: Condition, values: npt.NDArray[np.float32]) -> Bools:
    """Where the condition holds; NaN never acts. Of a condition that is turned round: where it does not hold, NaN included."""
    low = np.float32(condition.low)
    if condition.op.startswith(NOT):
        return ~holds(replace(condition, op=condition.op.removeprefix(NOT)), values)
    match condition.op:
        case "<":
            return values < low
        case "<=":
            return values <= low
        case ">":
            return values > low
        case ">=":
            return values >= low
        case _:
            outside: Bools = (values < low) | (values > np.float32(condition.high))
            return outside


@dataclass(frozen=True, slots=True)
class Verdicts:
    """`fired` (rules × documents); `first[d]` is the index of the rule that gives the reason, -1 for a document that stays."""

    fired: Bools
    first: npt.NDArray[np.int64]


class Judge:
    """Rules with a fixed order over documents; `column` says where each metric stands in the matrix."""

    def __init__(self, rules: Sequence[Rule], column: dict[str, int]) -> None:
        self.rules = list(rules)
        self._column = column
        self._drops = np.array([rule.action == "drop" for rule in self.rules], bool)

    def __call__(self, docs: Sequence[Doc], matrix: npt.NDArray[np.float32], ask: Callable[[int, int], bool] | None = None) -> Verdicts:
        """Judge the documents whose metrics are the rows of `matrix`. `ask(rule, document)` answers for rules without clauses."""
        fired = np.zeros((len(self.rules), len(docs)), bool)
        scopes: dict[Scope, Bools] = {}
        kinds = Kinds(matrix, self._column)
        for i, rule in enumerate(self.rules):
            if rule.scope not in scopes:
                scopes[rule.scope] = in_scope(rule.scope, docs, kinds)
            hit = scopes[rule.scope]
            if rule.clauses:
                hit = hit.copy()
                for metric, condition in rule.clauses:
                    hit &= holds(condition, matrix[:, self._column[metric]])
            elif ask is not None:
                hit = np.array([bool(inside) and ask(i, d) for d, inside in enumerate(hit.tolist())], bool)
            fired[i] = hit
        acting = fired & self._drops[:, None]
        first = np.where(acting.any(axis=0), acting.argmax(axis=0), -1) if len(self.rules) else np.full(len(docs), -1, np.int64)
        return Verdicts(fired, first.astype(np.int64))

    def acting(self, fired: Bools) -> Bools:
        """Those of `fired` that drop."""
        acting: Bools = fired & self._drops[:, None]
        return acting


class Kinds:
    """Script and genre of the documents of a matrix, found when a scope first asks."""

    def __init__(self, matrix: npt.NDArray[np.float32], column: dict[str, int]) -> None:
        self._matrix, self._column = matrix, column
        self._masks: dict[tuple[str, str], Bools] = {}

    @cached_property
    def script(self) -> npt.NDArray[np.str_]:
        """`han`, `mixed` … of each document."""
        return scripts(self._matrix, self._column)

    @cached_property
    def genre(self) -> npt.NDArray[np.str_]:
        """`prose`, `verse` … of each document."""
        return genres(self._matrix, self._column)

    def any_of(self, what: str, names: Sequence[str]) -> Bools:
        """Which documents have one of these scripts (`what` is "script") or genres ("genre")."""
        inside = np.zeros(len(self._matrix), bool)
        for name in names:
            if (what, name) not in self._masks:
                self._masks[what, name] = getattr(self, what) == name
            inside |= self._masks[what, name]
        return inside


def in_scope(scope: Scope, docs: Sequence[Doc], kinds: Kinds) -> Bools:
    """Which documents a scope covers."""
    inside = np.ones(len(docs), bool)
    if scope.script:
        inside &= kinds.any_of("script", scope.script)
    if scope.genre:
        inside &= kinds.any_of("genre", scope.genre)
    if scope.not_genre:
        inside &= ~kinds.any_of("genre", scope.not_genre)
    if scope.lang:
        inside &= np.array([_noted_lang(doc) in scope.lang for doc in docs], bool)
    if scope.not_lang:
        inside &= np.array([_noted_lang(doc) not in ("", *scope.not_lang) for doc in docs], bool)
    if scope.source:
        inside &= np.array([_matches(doc.source, scope.source) for doc in docs], bool)
    if scope.not_source:
        inside &= ~np.array([_matches(doc.source, scope.not_source) for doc in docs], bool)
    return inside


def scripts(matrix: npt.NDArray[np.float32], column: dict[str, int]) -> npt.NDArray[np.str_]:
    """The script of each document: `han`, `mixed`, `latin`, `kana`, `hangul` or `other`.

    By the share of Han among Han units and words: half and more is `han`, 5 % and more `mixed`, less `latin`. Kana beside Han is
    Japanese. A document without letters, or mostly in another script, is `other`.
    """
    han, kana, hangul, word, foreign = (matrix[:, column[name]] for name in SCOPE_METRICS)
    out = np.full(len(matrix), "other", dtype="<U6")
    with np.errstate(divide="ignore", invalid="ignore"):
        share = han / (han + word)
    out[(share < 0.05) & (foreign < 0.5)] = "latin"
    out[(share >= 0.05) & (foreign < 0.5)] = "mixed"
    out[(share >= 0.5) & (foreign - kana - hangul < 0.5)] = "han"
    out[kana > 0.2] = "kana"
    out[hangul > 0.3] = "hangul"
    return out


def _noted_lang(doc: Doc) -> str:
    value = doc.notes.get("lang") if doc.learned else None
    return value if isinstance(value, str) else ""


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
