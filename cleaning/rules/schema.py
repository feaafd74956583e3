"""Rule files: what a rule may say, and every fault of a file with its line.

A rule is data: a metric, a condition, where it holds, what happens. A file may give defaults for all its rules.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from cleaning.config import Strict
from cleaning.errors import RuleError, did_you_mean
from cleaning.text.line_metrics import LINE_METRICS
from cleaning.text.metric_table import METRICS, Metric
from cleaning.yamlfile import YamlSource, load_yaml, plain, validate

_WHEN = re.compile(r"\s*(<=|>=|<|>)\s*(-?\d+(?:\.\d+)?(?:[eE]-?\d+)?)\s*")
NOT = "not "  # before the operator of a condition that is turned round
RULE_ID = r"^[a-z][a-z0-9_]*$"
_OUTSIDE = re.compile(r"\s*outside\s*\[\s*(-?[\d.]+)\s*,\s*(-?[\d.]+)\s*\]\s*")


@dataclass(frozen=True, slots=True)
class Condition:
    """`value op low`, or outside [low, high]. NaN satisfies none."""

    op: str
    low: float
    high: float = 0.0
    text: str = ""


def parse_condition(text: str) -> Condition:
    """Read `> 0.25`, `<= 3` or `outside [3, 10]`.

    >>> parse_condition("> 0.25").op, parse_condition("outside [3, 10]").high
    ('>', 10.0)
    """
    shown = " ".join(text.split())
    match = _WHEN.fullmatch(text)
    if match is not None:
        return Condition(match[1], float(match[2]), text=shown)
    match = _OUTSIDE.fullmatch(text)
    if match is None:
        raise ValueError("not a condition; write '> 0.25', '<', '<=', '>=' or 'outside [3, 10]'")
    low, high = float(match[1]), float(match[2])
    if low > high:
        raise ValueError(f"outside [{match[1]}, {match[2]}]: the first number must not be larger")
    return Condition("outside", low, high, text=shown)


def _check_condition(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError("a condition is a text such as '> 0.25'")
    parse_condition(value)
    return value


def _as_tuple(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_as_tuple)]
When = Annotated[str, BeforeValidator(_check_condition)]


Genres = Annotated[tuple[Literal["code", "verse", "statute", "classical", "list", "dialogue", "prose"], ...], BeforeValidator(_as_tuple)]


class Scope(Strict):
    """Where a rule holds. Empty means everywhere; several keys must all hold; several values: one of them."""

    script: Annotated[tuple[Literal["han", "mixed", "latin", "kana", "hangul", "other"], ...], BeforeValidator(_as_tuple)] = ()
    genre: Genres = ()
    not_genre: Genres = ()
    lang: Names = ()  # as the stage langid noted it; a document without a note is in neither
    not_lang: Names = ()
    source: Names = ()
    not_source: Names = ()


class Clause(Strict):
    """One more condition that must hold as well."""

    metric: str
    when: When


class RuleSpec(Strict):
    """One rule as it stands in a file."""

    id: str = Field(pattern=RULE_ID)
    metric: str
    when: When
    also: tuple[Clause, ...] = ()
    scope: Scope | None = None
    action: Literal["drop", "drop_line", "flag", "off"] = "drop"
    reason: str = Field(min_length=1)
    source: str = ""


class RuleFile(Strict):
    """A whole file."""

    about: str = ""
    scope: Scope = Scope()
    rules: tuple[RuleSpec, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule ready to be judged, and where it was written."""

    id: str
    clauses: tuple[tuple[str, Condition], ...]
    scope: Scope
    action: str
    reason: str
    source: str
    where: str

    @property
    def metric(self) -> str:
        """The metric whose value is reported."""
        return self.clauses[0][0]

    @property
    def threshold(self) -> str:
        """The condition that is reported."""
        return self.clauses[0][1].text


def load_rules(
    files: list[tuple[Path, str]], thresholds: dict[str, str] | None = None, off: tuple[str, ...] = (), extra_ids: tuple[str, ...] = (),
    metrics: Mapping[str, Metric] = METRICS, line_metrics: Mapping[str, str] = LINE_METRICS,
) -> list[Rule]:
    """Rules of all files in order, with overrides applied. Raises RuleError with every fault of every file.

    `files` are (path, name to show); `thresholds` maps rule ids to conditions; `extra_ids` are ids taken by user rules; `metrics`
    are those that document rules may name, `line_metrics` those of line rules.
    """
    rules: list[Rule] = []
    faults: list[str] = []
    for path, shown in files:
        try:
            source = load_yaml(path, RuleError, shown=shown)
        except RuleError as exc:
            faults.extend(exc.faults)
            continue
        faults.extend(_collect(source, rules, metrics, line_metrics))
    ids: dict[str, str] = {}
    for rule in rules:
        if rule.id in ids or rule.id in extra_ids:
            faults.append(f"{rule.where}: rule id '{rule.id}' is taken by {ids.get(rule.id, 'a user rule')}; ids must be unique")
        ids.setdefault(rule.id, rule.where)
    known = [*ids, *extra_ids]
    strangers = [name for name in (*(thresholds or {}), *off) if name not in known]
    faults.extend(f"rules: no rule '{name}' to change{did_you_mean(name, known)}" for name in strangers)
    users = [name for name in thresholds or {} if name in extra_ids]
    faults.extend(f"rules.thresholds.{name}: a rule in Python has no threshold to change" for name in users)
    changed: list[Rule] = []
    for rule in rules:
        if rule.id in off:
            continue
        if thresholds and rule.id in thresholds:
            try:
                condition = parse_condition(thresholds[rule.id])
            except ValueError as exc:
                faults.append(f"rules.thresholds.{rule.id}: {exc} (found {thresholds[rule.id]!r})")
                continue
            clauses = ((rule.metric, condition), *rule.clauses[1:])
            rule = Rule(rule.id, clauses, rule.scope, rule.action, rule.reason, rule.source, rule.where)
        changed.append(rule)
    if faults:
        raise RuleError(faults)
    return [rule for rule in changed if rule.action != "off"]


def _collect(source: YamlSource, rules: list[Rule], metrics: Mapping[str, Metric], lines: Mapping[str, str]) -> list[str]:
    data = plain(source.data)
    if not isinstance(data, dict) or not isinstance(data.get("rules"), list):
        return [f"{source.shown}:1: a rule file is a mapping with a list 'rules'"]
    faults: list[str] = []
    head, more = validate(RuleFile, {**data, "rules": []}, source)
    faults.extend(more)
    scope = head.scope if head is not None else Scope()
    for i, item in enumerate(data["rules"]):
        if not isinstance(item, dict):
            faults.append(f"{source.where(['rules', i])}: a rule is a mapping with id, metric, when and reason")
            continue
        spec, more = validate(RuleSpec, item, source, ("rules", i))
        faults.extend(more)
        if spec is None:
            named = item.get("metric")
            if isinstance(named, str) and named not in metrics and named not in lines:
                faults.append(f"{source.where(('rules', i, 'metric'))}: unknown metric '{named}'{hint(named, metrics)}")
            continue
        allowed: Mapping[str, object] = lines if spec.action == "drop_line" else metrics
        clauses: list[tuple[str, Condition]] = []
        places: list[tuple[str, str, tuple[str | int, ...]]] = [(spec.metric, spec.when, ("rules", i, "metric"))]
        places += [(c.metric, c.when, ("rules", i, "also", k, "metric")) for k, c in enumerate(spec.also)]
        for metric, when, at in places:
            if metric not in allowed:
                kind = "line metric" if spec.action == "drop_line" else "metric"
                faults.append(f"{source.where(at)}: unknown {kind} '{metric}'{hint(metric, allowed)}")
            clauses.append((metric, parse_condition(when)))
        own = spec.scope if spec.scope is not None else scope
        rules.append(Rule(spec.id, tuple(clauses), own, spec.action, spec.reason, spec.source, source.where(["rules", i])))
    return faults


def hint(name: str, known: Mapping[str, object]) -> str:
    """What may have been meant by an unknown metric."""
    if name.startswith("blacklist_") and not any(metric.startswith("blacklist_") for metric in known):
        return "; no lists are loaded: name them in rules.blacklists"
    return did_you_mean(name, known)
