"""Stage `rules`: measure what the rule files ask for, judge, drop lines and documents with their reasons.

Line rules act first; document rules judge the text that is left. Every rule is evaluated on every document, also after another
one has fired, so that hits, first and only can be told apart.
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import xxhash
from pydantic import BeforeValidator, Field

from cleaning.config import Strict
from cleaning.doc import Batch, Doc, Drop
from cleaning.errors import RuleError, UserError
from cleaning.rules.judge import SCOPE_METRICS, Bools, Judge, Verdicts, holds, in_scope, scripts
from cleaning.rules.schema import Rule, load_rules
from cleaning.rules.user_rules import UserRule, load_user_rules
from cleaning.stages.contract import FindFile, Stage, Step, StepDefaults
from cleaning.text.line_metrics import LINE_METRICS, line_matrix
from cleaning.text.metrics import METRICS, MetricSet, histogram

Paths = Annotated[tuple[str, ...], BeforeValidator(lambda v: (v,) if isinstance(v, str) else v)]
_LINE_COLUMN = {name: i for i, name in enumerate(LINE_METRICS)}
SNIPPET = 160


class RulesParams(Strict):
    """Rule files in the order in which they give reasons, user rules in Python, and changes on top."""

    files: Paths = ()
    user: Paths = ()
    thresholds: dict[str, str] = Field(default_factory=dict)
    off: Paths = ()
    metrics: Paths = ()  # measured and stored though no rule asks for them; `all` measures everything


class RuleSet:
    """All rules of a run, loaded and compiled."""

    def __init__(self, params: RulesParams, find: FindFile) -> None:
        faults: list[str] = []
        users: list[UserRule] = []
        files = []
        for name in params.files:
            try:
                files.append((find(name), name))
            except UserError as exc:
                faults.extend(exc.faults)
        for name in params.user:
            try:
                users.extend(load_user_rules(find(name), name))
            except UserError as exc:
                faults.extend(exc.faults)
        ids = [user.rule.id for user in users]
        faults.extend(f"{u.rule.where}: rule id '{u.rule.id}' is not unique" for u in users if ids.count(u.rule.id) > 1)
        try:
            rules = load_rules(files, dict(params.thresholds), params.off, tuple(ids))
        except RuleError as exc:
            faults.extend(exc.faults)
            rules = []
        wanted = tuple(METRICS) if "all" in params.metrics else params.metrics
        faults.extend(f"rules.metrics: unknown metric '{name}'" for name in wanted if name not in METRICS)
        if faults:
            raise RuleError(faults)
        self.users = [u for u in users if u.rule.id not in params.off and u.rule.action != "off"]
        self.line_rules = [rule for rule in rules if rule.action == "drop_line"]
        self.rules = [rule for rule in rules if rule.action != "drop_line"] + [u.rule for u in self.users]
        names = [metric for rule in self.rules for metric, _ in rule.clauses] + [m for u in self.users for m in u.metrics]
        self.metrics = MetricSet([*SCOPE_METRICS, *names, *wanted])


class RuleStep(StepDefaults):
    """The inner loop of the stage."""

    def __init__(self, rule_set: RuleSet) -> None:
        self._set = rule_set
        self._metrics = rule_set.metrics
        self._judge = Judge(rule_set.rules, self._metrics.column)
        self._ids = [rule.id for rule in rule_set.rules]
        self._first_user = len(rule_set.rules) - len(rule_set.users)

    def __call__(self, batch: Batch) -> None:
        docs = batch.live
        if not docs or not (self._set.rules or self._set.line_rules or self._metrics.names):
            return
        positions = batch.live_positions
        matrix = self._metrics.compute([doc.text for doc in docs])
        if self._set.line_rules and self._drop_lines(batch, docs, matrix):
            matrix = self._metrics.compute([doc.text for doc in docs])
        verdicts = self.judge(docs, matrix)
        self._count(batch, matrix, verdicts.fired, verdicts.first)
        for d in np.flatnonzero(verdicts.fired.any(axis=0)).tolist():
            doc = docs[d]
            fired = np.flatnonzero(verdicts.fired[:, d]).tolist()
            first = int(verdicts.first[d])
            flags = [self._ids[i] for i in fired if self._set.rules[i].action == "flag"]
            if flags:
                doc.notes["flags"] = flags
            if first >= 0:
                doc.drop = self._drop(self._set.rules[first], doc, matrix[d], fired, first)
            for i in fired:
                rule = self._set.rules[i]
                rank = xxhash.xxh64_hexdigest(f"{rule.id}\0{doc.id}".encode("utf-8", "surrogatepass"))
                if batch.stats.wants("rules", rule.id, rank):
                    value = _plain(matrix[d, self._metrics.column[rule.metric]]) if rule.clauses else None
                    batch.stats.sample("rules", rule.id, rank, {"id": doc.id, "value": value, "text": doc.text[:SNIPPET]})
        batch.matrices.append((self._metrics.names, positions, matrix))

    def judge(self, docs: list[Doc], matrix: npt.NDArray[np.float32]) -> Verdicts:
        """Every rule on documents whose metrics are the rows of `matrix`."""

        def ask(rule: int, d: int) -> bool:
            user = self._set.users[rule - self._first_user]
            return bool(user.holds(docs[d], {name: float(matrix[d, self._metrics.column[name]]) for name in user.metrics}))

        return self._judge(docs, matrix, ask)

    def _drop(self, rule: Rule, doc: Doc, row: npt.NDArray[np.float32], fired: list[int], first: int) -> Drop:
        names = [self._ids[first], *(self._ids[i] for i in fired if i != first and self._set.rules[i].action == "drop")]
        if not rule.clauses:
            return Drop("rules", rule.id, True, None, rule.reason, tuple(names))
        value = _plain(row[self._metrics.column[rule.metric]])
        extra = None
        if len(rule.clauses) > 1:
            extra = {"also": {m: _plain(row[self._metrics.column[m]]) for m, _ in rule.clauses[1:]}}
        return Drop("rules", rule.id, value, f"{rule.metric} {rule.threshold}", rule.reason, tuple(names), extra)

    def _drop_lines(self, batch: Batch, docs: list[Doc], matrix: npt.NDArray[np.float32]) -> bool:
        """Remove the lines for which a line rule holds. Returns whether any text changed."""
        split = [doc.text.split("\n") for doc in docs]
        rows = line_matrix(split)
        which = np.repeat(np.arange(len(docs)), [len(lines) for lines in split])
        script = scripts(matrix, self._metrics.column)
        doomed = np.zeros(len(rows), bool)
        for rule in self._set.line_rules:
            hit = np.ones(len(rows), bool)
            for metric, condition in rule.clauses:
                hit &= holds(condition, rows[:, _LINE_COLUMN[metric]])
            if rule.scope.script:
                hit &= np.isin(script, rule.scope.script)[which]
            if rule.scope.source or rule.scope.not_source or rule.scope.lang:
                hit &= in_scope(rule.scope, docs, matrix, self._metrics.column)[which]
            batch.stats.count("rules", f"hits/{rule.id}", int(hit.sum()))
            batch.stats.count("rules", f"first/{rule.id}", int((hit & ~doomed).sum()))
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
        batch.stats.count("rules", "lines_dropped", int(doomed.sum()))
        return True

    def _count(self, batch: Batch, matrix: npt.NDArray[np.float32], fired: Bools, first: npt.NDArray[np.int64]) -> None:
        acting = self._judge.acting(fired)
        alone = acting & (acting.sum(axis=0) == 1)
        for i, name in enumerate(self._ids):
            batch.stats.count("rules", f"hits/{name}", int(fired[i].sum()))
            batch.stats.count("rules", f"first/{name}", int((first == i).sum()))
            batch.stats.count("rules", f"only/{name}", int(alone[i].sum()))
        for name, column in self._metrics.column.items():
            batch.stats.histogram("rules", name, histogram(METRICS[name], matrix[:, column]))


def _plain(value: Any) -> float | None:
    """Seven significant digits, which is what a float32 holds; NaN is null."""
    return None if value != value else float(f"{value:.7g}")


class RuleFilter(Stage):
    """Rules as data."""

    name = "rules"
    version = 1
    about = "measure and judge: every threshold of the rule files, hits / first / only for each rule"
    Params = RulesParams

    def files(self) -> list[str]:
        return [*self.params.files, *self.params.user]

    def check(self) -> None:
        RuleSet(self.params, self.find)

    def identity(self) -> dict[str, Any]:
        data = dict(self.params.model_dump(mode="json"))
        return {**data, "files": len(self.params.files), "user": len(self.params.user)}

    def step(self) -> Step:
        return RuleStep(RuleSet(self.params, self.find))
