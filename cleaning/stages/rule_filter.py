"""Stage `rules`: measure what the rule files ask for, judge, drop lines and documents with their reasons.

Line rules act first; document rules judge the text that is left. Every rule is evaluated on every document, also after another
one has fired, so that hits, first and only can be told apart.
"""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import xxhash
from pydantic import BeforeValidator, Field

from cleaning.config import Strict
from cleaning.doc import Batch, Doc, Drop
from cleaning.errors import RuleError, UserError
from cleaning.rules.blacklist import allowed_metrics, category_of, compile_lists
from cleaning.rules.genre import GENRE_METRICS
from cleaning.rules.judge import SCOPE_METRICS, Bools, Judge, Kinds, Verdicts, holds, in_scope
from cleaning.rules.measure import Measures, count_entries
from cleaning.rules.schema import Rule, hint, load_rules
from cleaning.rules.user_rules import UserRule, load_user_rules
from cleaning.stages.contract import FindFile, Stage, Step, StepDefaults
from cleaning.text.line_metrics import LINE_METRICS, line_matrix
from cleaning.text.metrics import histogram

Paths = Annotated[tuple[str, ...], BeforeValidator(lambda v: (v,) if isinstance(v, str) else v)]
_LINE_COLUMN = {name: i for i, name in enumerate(LINE_METRICS)}
SNIPPET = 160


class RulesParams(Strict):
    """Rule files in the order in which they give reasons, user rules in Python, and changes on top."""

    files: Paths = ()
    user: Paths = ()
    thresholds: dict[str, str] = Field(default_factory=dict)
    off: Paths = ()
    blacklists: Paths = ()
    canary: float = Field(default=0.02, ge=0, le=1)  # share of a sample that one entry may hit; 0: not tried
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
        blacklists, metrics = None, allowed_metrics(params.blacklists)
        try:
            if params.blacklists:
                blacklists = compile_lists([(find(name), name) for name in params.blacklists])
        except UserError as exc:
            faults.extend(exc.faults)
        try:
            rules = load_rules(files, dict(params.thresholds), params.off, tuple(ids), metrics)
        except RuleError as exc:
            faults.extend(exc.faults)
            rules = []
        wanted = tuple(m for m in metrics if not m.startswith("jieba_")) if "all" in params.metrics else params.metrics
        faults.extend(f"rules.metrics: unknown metric '{name}'{hint(name, metrics)}" for name in wanted if name not in metrics)
        faults.extend(f"{u.rule.where}: unknown metric '{m}'{hint(m, metrics)}" for u in users for m in u.metrics if m not in metrics)
        if faults:
            raise RuleError(faults)
        self.users = [u for u in users if u.rule.id not in params.off and u.rule.action != "off"]
        self.line_rules = [rule for rule in rules if rule.action == "drop_line"]
        self.rules = [rule for rule in rules if rule.action != "drop_line"] + [u.rule for u in self.users]
        names = [metric for rule in self.rules for metric, _ in rule.clauses] + [m for u in self.users for m in u.metrics]
        self.uses_genre = any(rule.scope.genre or rule.scope.not_genre for rule in [*self.rules, *self.line_rules])
        of_genre = GENRE_METRICS if self.uses_genre else ()
        self.measures = Measures([*SCOPE_METRICS, *of_genre, *names, *wanted], blacklists)


class RuleStep(StepDefaults):
    """The inner loop of the stage."""

    def __init__(self, rule_set: RuleSet) -> None:
        self._set = rule_set
        self._metrics = rule_set.measures
        self._judge = Judge(rule_set.rules, self._metrics.column)
        self._ids = [rule.id for rule in rule_set.rules]
        self._first_user = len(rule_set.rules) - len(rule_set.users)

    def __call__(self, batch: Batch) -> None:
        docs = batch.live
        if not docs or not (self._set.rules or self._set.line_rules or self._metrics.names):
            return
        positions = batch.live_positions
        matrix, found = self._metrics.compute(docs)
        if self._set.line_rules and self._drop_lines(batch, docs, matrix):
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
        kinds = Kinds(matrix, self._metrics.column)
        doomed = np.zeros(len(rows), bool)
        for rule in self._set.line_rules:
            hit = np.ones(len(rows), bool)
            for metric, condition in rule.clauses:
                hit &= holds(condition, rows[:, _LINE_COLUMN[metric]])
            if any(rule.scope.model_dump().values()):
                hit &= in_scope(rule.scope, docs, kinds)[which]
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
            batch.stats.histogram("rules", name, histogram(self._metrics.metrics[name], matrix[:, column]))


def _plain(value: Any) -> float | None:
    """Seven significant digits, which is what a float32 holds; NaN is null."""
    return None if value != value else float(f"{value:.7g}")


class RuleFilter(Stage):
    """Rules as data."""

    name = "rules"
    version = 2
    about = "measure and judge: every threshold of the rule files, hits / first / only for each rule"
    Params = RulesParams
    file_lists = ("files", "user", "blacklists")

    def files(self) -> list[str]:
        return [*self.params.files, *self.params.user, *self.params.blacklists]

    @cached_property
    def rule_set(self) -> RuleSet:
        """All rules, loaded once."""
        return RuleSet(self.params, self.find)

    def check(self) -> None:
        self.rule_set  # noqa: B018 - loading is the check

    def warm_up(self) -> None:
        self.rule_set.measures.warm_up()
        if self.rule_set.line_rules:
            line_matrix([["一", "a."]])

    def identity(self) -> dict[str, Any]:
        data = dict(self.params.model_dump(mode="json", exclude={"canary"}))
        lists = [category_of(name) for name in self.params.blacklists]  # a list's name is its category
        return {**data, "files": len(data["files"]), "user": len(data["user"]), "blacklists": lists}

    def step_of_rules(self) -> RuleStep:
        """The step, typed: what explains rules asks it to judge single documents."""
        return RuleStep(self.rule_set)

    def step(self) -> Step:
        return self.step_of_rules()
