"""From a record to a text: the configured fields, or the schema that the record shows.

Recognition is per record, so files of different schemas may lie in one directory. `SCHEMAS` is tried in order; the first whose
fields hold text wins. What a schema does not use passes through untouched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cleaning.config import FieldsConfig

Record = dict[str, Any]


class BadRecordError(Exception):
    """The record has no usable text. `reason` is `no_text` or `wrong_type`."""

    def __init__(self, reason: str, detail: str) -> None:
        self.reason, self.detail = reason, detail
        super().__init__(detail)


@dataclass(frozen=True, slots=True)
class Schema:
    """One known layout: its name, the paths that make the text, and the fields that the text replaces in the output."""

    name: str
    paths: tuple[str, ...]
    replaces: tuple[str, ...]
    required: tuple[str, ...] = ()
    join: str = "\n"


def _schema(name: str, *paths: str, keep: tuple[str, ...] = (), join: str = "\n", required: tuple[str, ...] = ()) -> Schema:
    roots = tuple(re.split(r"[.\[]", path, maxsplit=1)[0] for path in paths)
    # an object that holds more than the text (meta.body) stays as it is; a list of paragraphs is replaced by its text
    whole = tuple(root for root, path in zip(roots, paths, strict=True) if not path.startswith(f"{root}."))
    return Schema(name, paths, tuple(r for r in whole if r not in keep), required or roots, join)


SCHEMAS: tuple[Schema, ...] = (
    _schema("mnbvc", "段落[].内容"),
    _schema("mnbvc_qa", "问", "答"),
    _schema("wudao", "title", "content", keep=("title",), required=("title", "content")),
    _schema("content", "content"),
    _schema("sft_pair", "data[]"),
    _schema("alpaca", "instruction", "input", "output", required=("instruction", "output")),
    _schema("firefly", "input", "target"),
    _schema("messages", "messages[].content"),
    _schema("sharegpt", "conversations[].value"),
    _schema("sharegpt_singular", "conversation[].value"),
    _schema("question_answer", "question", "answer"),
    _schema("medical_qa", "title", "ask", "answer", keep=("title",), required=("ask", "answer")),
    _schema("prompt_response", "prompt", "response"),
    _schema("prompt_completion", "prompt", "completion"),
    _schema("baike_qa", "title", "desc", "answer", keep=("title",), required=("title", "answer")),
    _schema("parallel", "src", "tgt"),
    _schema("translation", "chinese", "english"),
    _schema("poem", "title", "author", "paragraphs[]", keep=("title", "author"), required=("paragraphs",)),
    _schema("raw_content", "raw_content"),
    _schema("body", "title", "body", keep=("title",), required=("body",)),
    _schema("article", "article"),
    _schema("zhengwen", "标题", "正文", keep=("标题",), required=("正文",)),
    _schema("zhengwen_content", "标题", "内容", keep=("标题",), required=("内容",)),
    _schema("document", "document"),
)


class TextFields:
    """Finds the text of a record. One per reader; `text_field` is the field that the output writes."""

    def __init__(self, fields: FieldsConfig | str, text_field: str = "text") -> None:
        self.text_field = text_field
        self._configured: Schema | None = None
        if isinstance(fields, FieldsConfig):
            self._configured = _schema("configured", *fields.text, join=fields.join)
        simple = fields.text[0] if isinstance(fields, FieldsConfig) and _is_simple(fields.text) else None
        if self._configured is None:
            simple = "text"
        self._simple = simple if simple == text_field else None

    @property
    def direct(self) -> str | None:
        """The field that holds the text in the input and in the output, when that is so simple."""
        return self._simple

    def find(self, record: Record) -> tuple[str, tuple[str, ...]]:
        """(text, fields that the text replaces). Raises BadRecordError."""
        if self._configured is not None:
            return _read(record, self._configured), self._configured.replaces
        if record.get("text") is not None or list(record) == ["text"]:
            return _as_text(record["text"], "text"), ("text",)
        first: BadRecordError | None = None
        for schema in SCHEMAS:
            if any(record.get(name) is None for name in schema.required):
                continue
            try:
                return _read(record, schema), schema.replaces
            except BadRecordError as exc:  # the fields are there but hold no text: another schema may fit
                first = first or exc
        if first is not None:
            raise first
        names = ", ".join(list(record)[:8])
        raise BadRecordError("no_text", f"no field with text; found: {names or 'nothing'}; set input.fields.text")

    def output_record(self, record: Record, text: str, replaces: tuple[str, ...]) -> Record:
        """The record with its text in `text_field`, everything else as it was, in the same order."""
        out: Record = {}
        placed = False
        for key, value in record.items():
            if key in replaces:
                if not placed:
                    out[self.text_field] = text
                    placed = True
            elif key == self.text_field:
                out[f"{key}_input"] = value  # another text of the record's own, which ours would displace
            elif key != "cleaning" or type(value) is not dict:
                out[key] = value
        if not placed:
            out[self.text_field] = text
        return out


def _is_simple(paths: tuple[str, ...]) -> bool:
    return len(paths) == 1 and "[" not in paths[0] and "." not in paths[0]


def _as_text(value: Any, path: str) -> str:
    if type(value) is str:
        return value
    if value is None:
        raise BadRecordError("no_text", f"'{path}' is null")
    if isinstance(value, list) and value and all(type(v) is str for v in value):
        return "\n".join(value)
    raise BadRecordError("wrong_type", f"'{path}' is {_json_type(value)}; a string is expected")


def _read(record: Record, schema: Schema) -> str:
    parts: list[str] = []
    found = False
    for path in schema.paths:
        for value in _values(record, path):
            if type(value) is not str:
                if value is None:
                    continue
                raise BadRecordError("wrong_type", f"'{path}' is {_json_type(value)}; a string is expected")
            found = True
            if value:
                parts.append(value)
    if not found and not any(record.get(name) == [] for name in schema.required):
        raise BadRecordError("no_text", f"no text in {' or '.join(repr(p) for p in schema.paths)}")
    if len(parts) > 1 and schema.join == "\n" and parts[1].lstrip().startswith(parts[0].strip()) and "title" in schema.paths[0]:
        parts = parts[1:]  # the body repeats its title
    return schema.join.join(parts)


def _values(node: Any, path: str) -> Iterator[Any]:
    head, _, rest = path.partition(".")
    many = head.endswith("[]")
    name = head[:-2] if many else head
    if name:
        node = node.get(name) if isinstance(node, dict) else None
    if node is None:
        return
    if many:
        if not isinstance(node, list):
            raise BadRecordError("wrong_type", f"'{name}' is {_json_type(node)}; a list is expected")
        for item in node:
            if rest:
                yield from _values(item, rest)
            else:
                yield item
    elif rest:
        yield from _values(node, rest)
    else:
        yield node


def _json_type(value: Any) -> str:
    names: dict[type, str] = {bool: "a boolean", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return names.get(type(value), "null" if value is None else "a string")
