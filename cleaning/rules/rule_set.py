"""The rules of a stage: its rule files, rules in Python and blacklists, loaded and compiled, with every fault of every file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field

from cleaning.config import Strict
from cleaning.errors import RuleError, UserError
from cleaning.rules.blacklist import allowed_metrics, compile_lists
from cleaning.rules.genre import GENRE_METRICS
from cleaning.rules.judge import SCOPE_METRICS
from cleaning.rules.measure import Measures
from cleaning.rules.schema import NOT, Condition, Rule, hint, load_rules, parse_condition
from cleaning.rules.user_rules import UserRule, load_user_rules
from cleaning.text.line_metrics import LINE_METRICS

Paths = Annotated[tuple[str, ...], BeforeValidator(lambda v: (v,) if isinstance(v, str) else v)]


class RulesParams(Strict):
    """Rule files in the order in which they give reasons, user rules in Python, and changes on top."""

    files: Paths = ()
    user: Paths = ()
    thresholds: dict[str, str] = Field(default_factory=dict)
    off: Paths = ()
    blacklists: Paths = ()
    canary: float = Field(default=0.02, ge=0, le=1)  # share of a sample that one entry may hit; 0: not tried
    unless: dict[str, str] = Field(default_factory=dict)  # {quality_score: ">= 0.5"}: rules do not judge documents for which it holds
    always: Paths = ()  # those of `files` whose rules judge all the same
    metrics: Paths = ()  # measured and stored though no rule asks for them; `all` measures everything


class RuleSet:
    """All rules of a stage. `line_metrics` are what its line rules may name, `scripts` whether scripts are measured in any case."""

    def __init__(
        self, params: RulesParams, find: Callable[[str], Path], *, line_metrics: Mapping[str, str] = LINE_METRICS, scripts: bool = True
    ) -> None:
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
            rules = load_rules(files, dict(params.thresholds), params.off, tuple(ids), metrics, line_metrics)
        except RuleError as exc:
            faults.extend(exc.faults)
            rules = []
        wanted = tuple(m for m in metrics if not m.startswith("jieba_")) if "all" in params.metrics else params.metrics
        faults.extend(f"rules.metrics: unknown metric '{name}'{hint(name, metrics)}" for name in wanted if name not in metrics)
        faults.extend(f"{u.rule.where}: unknown metric '{m}'{hint(m, metrics)}" for u in users for m in u.metrics if m not in metrics)
        sparing, more = _sparing(params, metrics)
        faults.extend(more)
        if faults:
            raise RuleError(faults)
        rules = [rule if rule.action == "drop_line" or _file_of(rule) in params.always else _spared(rule, sparing) for rule in rules]
        self.users = [u for u in users if u.rule.id not in params.off and u.rule.action != "off"]
        self.line_rules = [rule for rule in rules if rule.action == "drop_line"]
        self.rules = [rule for rule in rules if rule.action != "drop_line"] + [u.rule for u in self.users]
        names = [metric for rule in self.rules for metric, _ in rule.clauses] + [m for u in self.users for m in u.metrics]
        self.uses_genre = any(rule.scope.genre or rule.scope.not_genre for rule in [*self.rules, *self.line_rules])
        of_script = scripts or self.uses_genre or any(rule.scope.script for rule in [*self.rules, *self.line_rules])
        kinds = (*(SCOPE_METRICS if of_script else ()), *(GENRE_METRICS if self.uses_genre else ()))
        self.line_column = {name: i for i, name in enumerate(line_metrics)}
        self.measures = Measures([*kinds, *names, *wanted], blacklists)


def _sparing(params: RulesParams, metrics: Mapping[str, object]) -> tuple[list[tuple[str, Condition]], list[str]]:
    """The clauses that `rules.unless` adds to every rule, and what is wrong with it. A document without the number is not spared."""
    clauses, faults = [], [f"rules.always: '{name}' is not among rules.files" for name in params.always if name not in params.files]
    for metric, when in params.unless.items():
        if metric not in metrics:
            faults.append(f"rules.unless: unknown metric '{metric}'{hint(metric, metrics)}")
            continue
        try:
            condition = parse_condition(when)
        except ValueError as exc:
            faults.append(f"rules.unless.{metric}: {exc} (found {when!r})")
            continue
        clauses.append((metric, replace(condition, op=NOT + condition.op, text=f"{NOT}{condition.text}")))
    return clauses, faults


def _spared(rule: Rule, sparing: list[tuple[str, Condition]]) -> Rule:
    return replace(rule, clauses=(*rule.clauses, *sparing))


def _file_of(rule: Rule) -> str:
    return rule.where.rpartition(":")[0]
