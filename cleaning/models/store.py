"""Where models live, and what to say when one is not there."""

from __future__ import annotations

import os
from pathlib import Path

from cleaning.config import PROJECT_ROOT

FETCHABLE = ("lid.176.ftz", "lid.176.bin", "glotlid", "ccnet-zh", "ccnet-en")  # what `models fetch` knows


def models_dir() -> Path:
    """`models/` of the project, or $CLEANING_MODELS."""
    return Path(os.environ.get("CLEANING_MODELS") or PROJECT_ROOT / "models")


def missing_model(name: str) -> str:
    """The command that gets a model, to end an error with.

    >>> missing_model("models/lid.176.ftz")
    '; get it with: python -m cleaning models fetch lid.176.ftz'
    """
    file = Path(name).name
    if file in FETCHABLE:
        return f"; get it with: python -m cleaning models fetch {file}"
    if file.endswith((".arpa", ".arpa.bin", ".klm")):
        return f"; make it with: python -m cleaning models train-lm --input SHARDS --output {name}"
    return f"; make it with: python -m cleaning models train-classifier --positive A --negative B --output {name}"
