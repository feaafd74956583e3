"""Where models live, and what to say when one is not there."""

from __future__ import annotations

import os
from pathlib import Path

from cleaning.config import PROJECT_ROOT
from cleaning.models.published import PUBLISHED

FETCHABLE = tuple(PUBLISHED)  # what `models fetch` knows


def models_dir() -> Path:
    """`models/` of the project, or $CLEANING_MODELS."""
    return Path(os.environ.get("CLEANING_MODELS") or PROJECT_ROOT / "models")


def missing_model(name: str) -> str:
    """The command that gets a model, to end an error with.

    >>> missing_model("models/lid.176.ftz"), missing_model("models/ccnet.zh.sp.model")
    ('; get it with: python -m cleaning models fetch lid.176.ftz', '; get it with: python -m cleaning models fetch ccnet-zh')
    """
    file = Path(name).name
    for model in PUBLISHED.values():
        if file == model.name or file in [part.name for part in model.files]:
            return f"; get it with: python -m cleaning models fetch {model.name}"
    if file.endswith((".arpa", ".arpa.bin", ".klm")):
        return f"; make it with: python -m cleaning models train-lm --input SHARDS --output {name}"
    return f"; make it with: python -m cleaning models train-classifier --positive A --negative B --output {name}"
