"""Judge documents by a rule set: drop lines and documents with their reasons, count hits, first and only.

Line rules act first; document rules judge the text that is left. Every rule is evaluated on every document, also after another
one has fired, so that hits, first and only can be told apart.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import xxhash

from cleaning.doc import Batch, Doc, Drop
from cleaning.rules.judge import Bools, Judge, Kinds, Verdicts, holds, in_scope
from cleaning.rules.measure import count_entries
from cleaning.rules.rule_set import RuleSet
from cleaning.rules.schema import Rule
from cleaning.text.line_metrics import line_matrix
from cleaning.text.metrics import histogram

SNIPPET = 160


Rescore = Callable[[list[Doc]], None]  # what a stage noted about a text is stale once lines are gone
LineMatrix = Callable[[list[Doc], list[list[str]]], npt.NDArray[np.float32]]


def lines_of_text(docs: list[Doc], split: list[list[str]]) -> npt.NDArray[np.float32]:
    """The metrics of lines that need no model."""
    return line_matrix(split)


class RuleStep:
    """The inner loop of a stage that judges. `lines` gives the line metrics: a row for each line of each document."""

    def __init__(
        self, rule_set: RuleSet, stage: str = "rules", lines: LineMatrix = lines_of_text, rescore: Rescore | None = None
    ) -> None:
        self._set = rule_set
        self._stage, self._lines, self._rescore = stage, lines, rescore
        self._metrics = rule_set.measures
        self._judge = Judge(rule_set.rules, self._metrics.column)
        self._ids = [rule.id for rule in rule_set.rules]
        self._first_user = len(rule_set.rules) - len(rule_set.users)

    def open(self, shard: object) -> None:
        """Nothing to prepare for a shard."""

    def close(self) -> None:
        """Nothing to finish for a shard."""

    def __call__(self, batch: Batch) -> None:
        docs = batch.live
        if not docs or not (self._set.rules or self._set.line_rules or self._metrics.names):
            return
        positions = batch.live_positions
        matrix, found = self._metrics.compute(docs)
        if self._set.line_rules and self._drop_lines(batch, docs, matrix):
            if self._rescore is not None:
                self._rescore(docs)
            matrix, found = self._metrics.compute(docs)
        if found is not None and self._metrics.blacklists is not None:
            count_entries(self._metrics.blacklists, docs, found, batch.stats)
        verdicts = self.judge(docs, matrix)
        self._count(batch, matrix, verdicts.fired, verdicts.first)
        for d in np.flatnonzero(verdicts.fired.any(axis=0)).tolist():
            doc = docs[d]
            fired = np.flatnonzero(verdicts.fired[:, d]).tolist()
            first = int(verdicts.first[d])
            flags = [self._ids[i] for i in fired if self._set.rules[i].action == "flag"]
            if flags:
                doc.notes["flags"] = flags if self._stage == "rules" else [*doc.notes.get("flags", []), *flags]
            if first >= 0:
                doc.drop = self._drop(self._set.rules[first], doc, matrix[d], fired, first)
            for i in fired:
                rule = self._set.rules[i]
                rank = xxhash.xxh64_hexdigest(f"{rule.id}\0{doc.id}".encode("utf-8", "surrogatepass"))
                if batch.stats.wants(self._stage, rule.id, rank):
                    value = _plain(matrix[d, self._metrics.column[rule.metric]]) if rule.clauses else None
                    batch.stats.sample(self._stage, rule.id, rank, {"id": doc.id, "value": value, "text": doc.text[:SNIPPET]})
        if self._metrics.names:
            batch.matrices.append((self._stage, self._metrics.names, positions, matrix))

    def judge(self, docs: list[Doc], matrix: npt.NDArray[np.float32]) -> Verdicts:
        """Every rule on documents whose metrics are the rows of `matrix`."""

        def ask(rule: int, d: int) -> bool:
            user = self._set.users[rule - self._first_user]
            return bool(user.holds(docs[d], {name: float(matrix[d, self._metrics.column[name]]) for name in user.metrics}))

        return self._judge(docs, matrix, ask)

    def _drop(self, rule: Rule, doc: Doc, row: npt.NDArray[np.float32], fired: list[int], first: int) -> Drop:
        names = [self._ids[first], *(self._ids[i] for i in fired if i != first and self._set.rules[i].action == "drop")]
        if not rule.clauses:
            return Drop(self._stage, rule.id, True, None, rule.reason, tuple(names))
        value = _plain(row[self._metrics.column[rule.metric]])
        extra = None
        if len(rule.clauses) > 1:
            extra = {"also": {m: _plain(row[self._metrics.column[m]]) for m, _ in rule.clauses[1:]}}
        return Drop(self._stage, rule.id, value, f"{rule.metric} {rule.threshold}", rule.reason, tuple(names), extra)

    def _drop_lines(self, batch: Batch, docs: list[Doc], matrix: npt.NDArray[np.float32]) -> bool:
        """Remove the lines for which a line rule holds. Returns whether any text changed."""
        split = [doc.text.split("\n") for doc in docs]
        rows = self._lines(docs, split)
        which = np.repeat(np.arange(len(docs)), [len(lines) for lines in split])
        kinds = Kinds(matrix, self._metrics.column)
        doomed = np.zeros(len(rows), bool)
        for rule in self._set.line_rules:
            hit = np.ones(len(rows), bool)
            for metric, condition in rule.clauses:
                hit &= holds(condition, rows[:, self._set.line_column[metric]])
            if any(rule.scope.model_dump().values()):
                hit &= in_scope(rule.scope, docs, kinds)[which]
            batch.stats.count(self._stage, f"hits/{rule.id}", int(hit.sum()))
            batch.stats.count(self._stage, f"first/{rule.id}", int((hit & ~doomed).sum()))
            doomed |= hit
        if not doomed.any():
            return False
        at = 0
        for d in np.unique(which[doomed]).tolist():
            at = int(np.searchsorted(which, d))
            lines = split[d]
            keep = [line for k, line in enumerate(lines) if not doomed[at + k]]
            docs[d].notes["lines_dropped"] = len(lines) - len(keep)
            docs[d].text = "\n".join(keep).strip("\n")
        batch.stats.count(self._stage, "lines_dropped", int(doomed.sum()))
        return True

    def _count(self, batch: Batch, matrix: npt.NDArray[np.float32], fired: Bools, first: npt.NDArray[np.int64]) -> None:
        acting = self._judge.acting(fired)
        alone = acting & (acting.sum(axis=0) == 1)
        for i, name in enumerate(self._ids):
            batch.stats.count(self._stage, f"hits/{name}", int(fired[i].sum()))
            batch.stats.count(self._stage, f"first/{name}", int((first == i).sum()))
            batch.stats.count(self._stage, f"only/{name}", int(alone[i].sum()))
        for name, column in self._metrics.column.items():
            batch.stats.histogram(self._stage, name, histogram(self._metrics.metrics[name], matrix[:, column]))


def _plain(value: Any) -> float | None:
    """Seven significant digits, which is what a float32 holds; NaN is null."""
    return None if value != value else float(f"{value:.7g}")
