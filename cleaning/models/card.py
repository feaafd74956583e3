"""A model's card: a JSON file beside it that says what it is, what it was made from, and how its numbers are to be read."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cleaning.errors import ModelError
from cleaning.io.commit import replace_file, to_bytes


class Card(BaseModel):
    """What is known of a model. `percentiles` maps a group (`all`, `lang:zh`, `source:news`) to its 101 numbers p0 … p100."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    kind: Literal["langid", "lm", "classifier"]
    about: str = ""
    unit: str = ""
    normaliser: str = ""
    normaliser_version: int = 0
    order: int = 0
    labels: list[str] = Field(default_factory=list)
    corpus: dict[str, Any] = Field(default_factory=dict)  # documents, chars, digest, inputs
    percentiles: dict[str, list[float]] = Field(default_factory=dict)
    training: dict[str, Any] = Field(default_factory=dict)
    figures: dict[str, Any] = Field(default_factory=dict)
    licence: str = ""
    source: str = ""
    sha256: str = ""
    size: int = 0
    memory_mb: float = 0
    made_with: dict[str, str] = Field(default_factory=dict)


def card_path(model: Path) -> Path:
    """Where the card of a model lies.

    >>> card_path(Path("models/zh.arpa")).name
    'zh.arpa.card.json'
    """
    return model.with_name(f"{model.name}.card.json")


def read_card(model: Path) -> Card | None:
    """The card of a model; None when it has none. Raises ModelError when the file is not a card."""
    path = card_path(model)
    try:
        return Card.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as exc:
        raise ModelError(f"{path}: not a model's card: {str(exc).splitlines()[0]}") from exc


def write_card(model: Path, card: Card) -> None:
    """Put the card beside its model, atomically."""
    replace_file(card_path(model), to_bytes(card.model_dump(mode="json")))


def sha256_of(path: Path) -> str:
    """Hex digest of a file's contents."""
    with open(path, "rb") as file:
        digest = hashlib.sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def describe(card: Card) -> str:
    """The card for people: a line for each thing that is known."""
    rows: list[tuple[str, str]] = [("name", card.name), ("kind", card.kind), ("about", card.about), ("unit", card.unit)]
    if card.normaliser:
        rows.append(("normaliser", f"{card.normaliser}, version {card.normaliser_version}"))
    if card.order:
        rows.append(("order", str(card.order)))
    rows += [("labels", ", ".join(card.labels[:12]) + (f", … ({len(card.labels)})" if len(card.labels) > 12 else ""))]
    rows += [(f"{part}: {key}", _short(value)) for part in ("corpus", "training", "figures") for key, value in getattr(card, part).items()]
    rows += [(f"percentiles of {group}", _quartiles(values)) for group, values in sorted(card.percentiles.items())]
    rows += [("licence", card.licence), ("source", card.source), ("sha256", card.sha256)]
    rows += [("size", f"{card.size:,} bytes" if card.size else ""), ("memory", f"{card.memory_mb:,.0f} MB" if card.memory_mb else "")]
    rows += [("made with", ", ".join(f"{name} {version}" for name, version in card.made_with.items()))]
    return "\n".join(f"{name:<24} {value}" for name, value in rows if value)


def _short(value: Any) -> str:
    text = f"{value:,.4g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 100 else f"{text[:97]}…"


def _quartiles(values: list[float]) -> str:
    return ", ".join(f"p{p} {values[p]:,.4g}" for p in (5, 25, 50, 75, 95)) if len(values) == 101 else f"{len(values)} numbers"
