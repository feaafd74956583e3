"""Which of several duplicates stays: a tuple of criteria, compared one after the other; the last tie goes to the first in the input."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Literal

import xxhash

from cleaning.doc import Doc

Criterion = Literal["source_priority", "quality_score", "length", "date", "oldest", "hash", "first"]
_UNKNOWN = float("inf")  # what a document without the field gets: it loses against every other
_MILLISECONDS = 100_000_000_000  # a time stamp above this is in milliseconds


@dataclass(frozen=True, slots=True)
class KeepPolicy:
    """`source_priority`: sources, best first. `quality_field`, `date_field`: names in the notes or the record, dots for what is inside."""

    keep: tuple[Criterion, ...]
    source_priority: tuple[str, ...] = ()
    quality_field: str = "quality_score"
    date_field: str = "date"

    @property
    def criteria(self) -> list[str]:
        """Those that need a number: all before `first`, which is the order of the input."""
        names: list[str] = list(self.keep)
        return names[: names.index("first")] if "first" in names else names

    def order(self, doc: Doc, units: int) -> list[float]:
        """A number for each criterion; the document with the smaller tuple is preferred."""
        return [self._value(name, doc, units) for name in self.criteria]

    def _value(self, name: str, doc: Doc, units: int) -> float:
        if name == "source_priority":
            source = doc.source
            return float(self.source_priority.index(source) if source in self.source_priority else len(self.source_priority))
        if name == "quality_score":
            value = find_field(doc, self.quality_field)
            return -float(value) if isinstance(value, (int, float)) and value == value else _UNKNOWN
        if name == "length":
            return -float(units)
        if name == "hash":
            return float(xxhash.xxh3_64_intdigest(doc.id.encode("utf-8", "surrogatepass")) >> 11)
        moment = date_number(find_field(doc, self.date_field))
        return _UNKNOWN if moment is None else (moment if name == "oldest" else -moment)


def find_field(doc: Doc, name: str) -> Any:
    """A value from the notes, else from the record, else from its `meta`."""
    for place in (doc.notes, doc.record, doc.record.get("meta")):
        value: Any = place
        for part in name.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if value is not None:
            return value
    return None


def date_number(value: Any) -> float | None:
    """A date as one number, year first; None for what is no date. Time stamps are seconds or milliseconds since 1970, UTC.

    >>> date_number("2024-05-06T07:08:09Z"), date_number("2024年5月6日"), date_number(1714979289)
    (20240506070809.0, 20240506000000.0, 20240506070809.0)
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        seconds = value / 1000 if abs(value) > _MILLISECONDS else value
        try:
            return float(datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y%m%d%H%M%S"))
        except (ValueError, OverflowError, OSError):
            return None
    if not isinstance(value, str):
        return None
    parts = re.findall(r"\d+", value)
    if parts and len(parts[0]) in (8, 14):  # 20240506, 20240506070809
        return float(parts[0].ljust(14, "0"))
    if not parts or len(parts[0]) != 4:
        return None
    padded = [parts[0], *(p[:2].zfill(2) for p in parts[1:6])]
    return float("".join(padded).ljust(14, "0"))


def check_fields(keep: Sequence[str]) -> str | None:
    """What is wrong with a policy; None when nothing is."""
    if len(set(keep)) < len(keep):
        return f"keep names a criterion twice: {', '.join(keep)}"
    if "date" in keep and "oldest" in keep:
        return "keep: date (the newest) and oldest exclude each other"
    return None
