"""YAML 1.2 files with line numbers: every fault of a user's file is reported as `file:line: what; what is allowed`.

YAML 1.2 because `no`, `on` and `yes` stay strings. The round-trip loader of ruamel knows the position of every key; it builds
plain containers only, never Python objects.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from cleaning.errors import UserError, did_you_mean

Model = TypeVar("Model", bound=BaseModel)
MAX_BYTES = 8 << 20


@dataclass(frozen=True)
class YamlSource:
    """The parsed contents of one file, and where each part of it stands."""

    path: Path
    shown: str
    data: Any

    def where(self, loc: Sequence[str | int]) -> str:
        """`file:line` of the deepest part of `loc` that exists in the file."""
        node, line = self.data, 1
        for key in loc:
            try:
                if isinstance(node, CommentedMap) and key in node:
                    line = node.lc.key(key)[0] + 1
                elif isinstance(node, CommentedSeq) and isinstance(key, int) and key < len(node):
                    line = node.lc.item(key)[0] + 1
                else:
                    break
                node = node[key]
            except (KeyError, AttributeError, TypeError):
                break
        return f"{self.shown}:{line}"


def load_yaml(path: Path, error: type[UserError] = UserError, *, shown: str | None = None) -> YamlSource:
    """Parse `path`; a missing file, bytes that are not UTF-8 and bad syntax are `error` with file and line."""
    shown = shown or str(path)
    try:
        raw = path.read_bytes()
    except OSError as exc:
        raise error(f"{shown}: cannot be read: {exc.strerror or exc}") from exc
    if len(raw) > MAX_BYTES:
        raise error(f"{shown}: {len(raw):,} bytes; allowed: at most {MAX_BYTES:,}")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        line = raw[: exc.start].count(b"\n") + 1
        raise error(f"{shown}:{line}: byte 0x{raw[exc.start]:02x} is not UTF-8; save the file as UTF-8") from exc
    return YamlSource(path, shown, parse_yaml(text, shown, error))


@lru_cache(maxsize=128)
def _parse(text: str) -> Any:
    """A run reads each rule file three times (to check it, to plan, to work); nobody changes what is parsed."""
    return YAML(typ="rt", pure=True).load(text)


def parse_yaml(text: str, shown: str, error: type[UserError] = UserError) -> Any:
    """Parse YAML 1.2 text into containers that know their lines."""
    try:
        return _parse(text)
    except MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        line = mark.line + 1 if mark is not None else 1
        what = " ".join(str(exc.problem or exc.context or "bad YAML").split())
        source = text.splitlines()[line - 1 : line]
        if source and re.search(r"when:\s*[<>]", source[0]):
            what = "put the condition in quotes: when: '> 0.25'"
        raise error(f"{shown}:{line}: {what}") from exc
    except (YAMLError, RecursionError, ValueError) as exc:
        raise error(f"{shown}:1: not valid YAML: {str(exc).splitlines()[0] if str(exc) else type(exc).__name__}") from exc


def plain(node: Any) -> Any:
    """The same data in ordinary dicts, lists and scalars."""
    if isinstance(node, Mapping):
        return {str(k) if not isinstance(k, str) else k: plain(v) for k, v in node.items()}
    if isinstance(node, (list, tuple)):
        return [plain(v) for v in node]
    if isinstance(node, bool) or node is None:
        return node
    for kind in (int, float, str):
        if isinstance(node, kind):
            return kind(node)
    return node


def validate(model: type[Model], data: Any, source: YamlSource, at: Sequence[str | int] = ()) -> tuple[Model | None, list[str]]:
    """Validate `data` (found at `at` in `source`); return the model, or None and every fault with its line."""
    try:
        return model.model_validate(plain(data)), []
    except ValidationError as exc:
        return None, [_fault(model, err, source, at) for err in exc.errors(include_url=False)]


def _fault(model: type[BaseModel], err: Any, source: YamlSource, at: Sequence[str | int]) -> str:
    loc: tuple[str | int, ...] = tuple(err["loc"])
    where = source.where([*at, *loc])
    name = ".".join(str(part) for part in (*at, *loc))
    if err["type"] == "extra_forbidden":
        parent = _fields_at(model, loc[:-1])
        return f"{where}: unknown key '{loc[-1]}'{did_you_mean(str(loc[-1]), parent)}"
    if err["type"] == "missing":
        return f"{where}: '{name}' is missing"
    found = err.get("input")
    found = f" (found {found!r})" if isinstance(found, (str, int, float, bool)) or found is None else ""
    message = str(err["msg"]).removeprefix("Value error, ")
    return f"{where}: {name}: {message[:1].lower() + message[1:]}{found}"


def _fields_at(model: type[BaseModel], loc: Sequence[str | int]) -> list[str]:
    current: Any = model
    for part in loc:
        if isinstance(part, int):
            continue
        field = getattr(current, "model_fields", {}).get(part)
        if field is None:
            break
        current = _inner_model(field.annotation) or current
    return [field.alias or name for name, field in getattr(current, "model_fields", {}).items()]


def _inner_model(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = _inner_model(argument)
        if found is not None:
            return found
    return None
