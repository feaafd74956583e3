"""`rules/pii.yaml`: which types are looked for, what happens to them, and types of the user's own. Every fault has its file and line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from cleaning.config import Strict
from cleaning.errors import RuleError, did_you_mean
from cleaning.pii.catalogue import CATALOGUE
from cleaning.pii.detect import Detector
from cleaning.pii.gates import GATES
from cleaning.pii.kinds import Form, PiiType
from cleaning.pii.validators import VALIDATORS
from cleaning.yamlfile import YamlSource, load_yaml, plain, validate

PERSON_TOKENS = {"zh": "<姓名>", "en": "<NAME>"}
Action = Literal["placeholder", "pseudonym", "delete", "tag", "drop_doc", "keep", "off"]


def _pattern(value: Any) -> Any:
    try:
        re.compile(value)
    except (re.error, TypeError) as exc:
        raise ValueError(f"not a regular expression: {exc}") from exc
    return value


Pattern = Annotated[str, BeforeValidator(_pattern)]
Words = Annotated[tuple[str, ...], BeforeValidator(lambda v: (v,) if isinstance(v, str) else v)]


class TypeSettings(Strict):
    """Changes to a built-in type. `action` empty: that of the run (`pii.action`)."""

    action: Literal["", "placeholder", "pseudonym", "delete", "tag", "keep", "off"] = ""
    token: str = ""
    context: Words = ()


class Example(Strict):
    """A text, and the value that must be found in it."""

    text: str
    value: str


class CustomType(Strict):
    """A type of the user's own."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    about: str = ""
    pattern: Pattern
    gate: str = "text"
    validator: str = ""
    context: Pattern = ""
    before: int = Field(default=30, ge=0, le=200)
    after: int = Field(default=12, ge=0, le=200)
    unless: Pattern = ""
    action: Literal["", "placeholder", "pseudonym", "delete", "tag", "keep", "off"] = ""
    token: str = Field(min_length=1)
    proved: bool = False
    hits: tuple[Example, ...] = Field(min_length=1)
    misses: Words = Field(min_length=1)


class PolicyFile(Strict):
    """The whole file."""

    about: str = ""
    person: TypeSettings = TypeSettings()
    types: dict[str, TypeSettings] = Field(default_factory=dict)
    custom: tuple[CustomType, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """The types in the order in which they win, and for each type (and `person`) its token and its own action ('' : the run's)."""

    types: tuple[PiiType, ...]
    tokens: Mapping[str, str]
    actions: Mapping[str, str]


def load_policy(path: Path, shown: str, language: str = "zh") -> Policy:
    """Read a policy; raises RuleError with every fault, among them examples of a custom type that fail."""
    source = load_yaml(path, RuleError, shown=shown)
    model, faults = validate(PolicyFile, plain(source.data) if source.data is not None else {}, source)
    known = [kind.name for kind in CATALOGUE]
    if model is None:
        raise RuleError(faults)
    for name in model.types:
        if name not in known:
            faults.append(f"{source.where(['types', name])}: unknown type '{name}'{did_you_mean(name, known)}; your own go under 'custom'")
    faults += _custom_faults(model, source, known)
    if faults:
        raise RuleError(faults)
    return _merged(model, language)


def _merged(model: PolicyFile, language: str) -> Policy:
    types: list[PiiType] = []
    tokens = {"person": model.person.token or PERSON_TOKENS[language]}
    actions: dict[str, str] = {"person": model.person.action}
    for kind in CATALOGUE:
        settings = model.types.get(kind.name, TypeSettings())
        action = settings.action or (kind.action if kind.action != "mask" else "")
        if action == "off":
            continue
        types.append(replace(kind, context_words=settings.context))
        tokens[kind.name] = settings.token or (kind.zh if language == "zh" else kind.en)
        actions[kind.name] = action
    for own in model.custom:
        if own.action != "off":
            types.append(_own_type(own))
            tokens[own.name], actions[own.name] = own.token, own.action
    return Policy(tuple(types), tokens, actions)


def _own_type(own: CustomType) -> PiiType:
    form = Form(own.pattern, (own.gate,), own.validator, own.context, own.before, own.after, own.unless)
    hits = tuple((example.text, example.value) for example in own.hits)
    return PiiType(own.name, own.about, (form,), own.token, own.token, "the user's", hits, own.misses, proved=own.proved)


def _custom_faults(model: PolicyFile, source: YamlSource, known: list[str]) -> list[str]:
    faults: list[str] = []
    taken = {*known, "person"}
    for i, own in enumerate(model.custom):
        where = source.where(["custom", i])
        if own.name in taken:
            faults.append(f"{where}: the name '{own.name}' is taken; give another, or change the built-in type under 'types'")
        taken.add(own.name)
        if own.validator and own.validator not in VALIDATORS:
            faults.append(f"{where}: unknown validator '{own.validator}'{did_you_mean(own.validator, VALIDATORS)}")
        elif own.gate not in (*GATES, "text"):
            faults.append(f"{where}: unknown gate '{own.gate}'{did_you_mean(own.gate, GATES)}; 'text' tries the pattern everywhere")
        else:
            faults += [f"{where}: {fault}" for fault in example_faults(_own_type(own))]
    return faults


def example_faults(kind: PiiType) -> list[str]:
    """Examples of a type that do not come out as declared, tried on the type alone."""
    detector = Detector([kind])
    faults = []
    for text, value in kind.hits:
        found = [text[s.start : s.end] for s in detector.detect([text])[0].spans]
        if value not in found:
            faults.append(f"type '{kind.name}': the example {text!r} must give {value!r}, found {found or 'nothing'}")
    for text in kind.misses:
        found = [text[s.start : s.end] for s in detector.detect([text])[0].spans]
        if found:
            faults.append(f"type '{kind.name}': the example {text!r} must give nothing, found {found}")
    return faults
