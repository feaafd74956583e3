"""Two rules in Python, to copy and change. Name the file in the configuration: `rules: {user: [rules/custom_example.py]}`.

Write a rule in YAML first (see README.md): it is faster, and its threshold can be changed from the configuration. Python is for
what a threshold on one metric cannot say: words of the text, or two metrics compared with each other.

A rule is a function of the document and the metrics that it asked for. It only reads; true means that the rule holds. Every rule
sees every document, so it must not fail on an empty text or one in another script. A metric that is undefined for a document is
NaN, and every comparison with NaN is false: write `metrics[...] > x`, never `not metrics[...] <= x`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from cleaning.doc import Doc
from cleaning.rules.user_rules import rule

_INVITATION = re.compile(r"(?:加|联系|扫码|咨询)[^，。！？\n]{0,4}(?:微信|薇信|QQ|VX|vx)|(?:微信|QQ|VX|vx)[号群]?\s*[:：]")
_LONGEST_ADVERT = 400  # characters; a longer text that names a contact once is an article with a signature


@rule(
    id="user_contact_advert",
    metrics=["chars"],
    scope={"script": ["han", "mixed"]},
    action="drop",
    reason="a short text that asks the reader to add a contact",
)
def contact_advert(doc: Doc, metrics: Mapping[str, float]) -> bool:
    """Adverts of a few lines that end in 加微信：… and the like."""
    return metrics["chars"] < _LONGEST_ADVERT and _INVITATION.search(doc.text) is not None


@rule(
    id="user_classical",
    metrics=["stop_classical_ratio", "stop_han_ratio", "units"],
    scope={"script": "han"},
    action="flag",
    reason="classical rather than modern Chinese",
)
def classical(doc: Doc, metrics: Mapping[str, float]) -> bool:
    """之 乎 者 也 outnumber 的 了 是: counted and noted under `cleaning.flags`, nothing is dropped."""
    return metrics["units"] >= 50 and metrics["stop_classical_ratio"] > metrics["stop_han_ratio"]
