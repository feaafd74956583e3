"""Every declared example of every type is a test."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cleaning.pii.catalogue import CATALOGUE
from cleaning.pii.gates import GATES
from cleaning.pii.kinds import PiiType
from cleaning.pii.policy import example_faults
from cleaning.pii.validators import VALIDATORS

KINDS = pytest.mark.parametrize("kind", CATALOGUE, ids=lambda k: k.name)


@KINDS
def test_examples_come_out_as_declared(kind: PiiType) -> None:
    assert kind.hits
    assert kind.misses
    assert example_faults(kind) == []


@KINDS
def test_a_type_is_whole(kind: PiiType) -> None:
    assert kind.about
    assert kind.source
    assert kind.zh.startswith("<") and kind.en.startswith("<")
    for form in kind.forms:
        assert set(form.gates) <= set(GATES)
        assert not form.validator or form.validator in VALIDATORS
        assert r"\b" not in form.pattern + form.context + form.unless  # Han is \w: it would not fire between 话 and 1
        re.compile(form.pattern, form.flags)


def test_the_documentation_lists_every_type() -> None:
    page = (Path(__file__).parents[2] / "docs" / "pii.md").read_text(encoding="utf-8")
    assert [kind.name for kind in CATALOGUE if f"`{kind.name}`" not in page] == []
