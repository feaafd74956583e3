"""Rules that users write in Python, on equal terms with rules in YAML.

    from cleaning.rules.user_rules import rule

    @rule(id="too_many_prices", metrics=["digit_ratio"], action="drop", reason="a price list")
    def too_many_prices(doc, metrics):
        return doc.text.count("元") > 40 and metrics["digit_ratio"] > 0.2

The file is named in the configuration (`rules.user`), imported by path in every worker, and its contents are part of the
fingerprint. The function sees the document and the metrics that it asked for; it must not change the document.
"""

from __future__ import annotations

import importlib.util
import re
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from cleaning.doc import Doc
from cleaning.errors import RuleError, did_you_mean
from cleaning.rules.schema import RULE_ID, Rule, Scope

Predicate = Callable[[Doc, Mapping[str, float]], bool]


@dataclass(frozen=True, slots=True)
class UserRule:
    """A decorated function with its declaration."""

    rule: Rule
    metrics: tuple[str, ...]
    holds: Predicate


_MARK = "__cleaning_rule__"


def rule(
    *, id: str, reason: str, metrics: Sequence[str] = (), action: str = "drop", scope: Mapping[str, Any] | None = None
) -> Callable[[Predicate], Predicate]:
    """Declare a function of (doc, metrics) as a rule; it holds when the function returns true."""

    def mark(function: Predicate) -> Predicate:
        setattr(function, _MARK, {"id": id, "reason": reason, "metrics": tuple(metrics), "action": action, "scope": dict(scope or {})})
        return function

    return mark


def load_user_rules(path: Path, shown: str) -> list[UserRule]:
    """Import a file and collect its rules. Raises RuleError for every fault."""
    spec = importlib.util.spec_from_file_location(f"cleaning_user_rules_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise RuleError(f"{shown}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up there
    try:
        spec.loader.exec_module(module)
    except Exception as exc:
        last = traceback.extract_tb(exc.__traceback__)[-1]
        line = getattr(exc, "lineno", None) or (last.lineno if last.filename == str(path) else 1)
        raise RuleError(f"{shown}:{line}: {type(exc).__name__}: {exc}") from exc
    found: list[UserRule] = []
    faults: list[str] = []
    for function in vars(module).values():
        declared = getattr(function, _MARK, None)
        if not isinstance(declared, dict):
            continue
        where = f"{shown}:{getattr(getattr(function, '__code__', None), 'co_firstlineno', 1)}"
        if declared["action"] not in ("drop", "flag", "off"):
            faults.append(f"{where}: action '{declared['action']}'{did_you_mean(declared['action'], ['drop', 'flag', 'off'])}")
        if not re.fullmatch(RULE_ID, declared["id"]):
            faults.append(f"{where}: id '{declared['id']}': small letters, digits and _ only, a letter first")
        if not declared["reason"]:
            faults.append(f"{where}: rule '{declared['id']}' has no reason")
        try:
            scope = Scope.model_validate(declared["scope"])
        except ValidationError as exc:
            faults.append(f"{where}: scope: {exc.errors()[0]['msg']}")
            continue
        made = Rule(declared["id"], (), scope, declared["action"], declared["reason"], "user", where)
        found.append(UserRule(made, declared["metrics"], function))
    if not found and not faults:
        faults.append(f"{shown}:1: no function is decorated with @rule")
    if faults:
        raise RuleError(faults)
    return found
