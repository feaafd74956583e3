"""`rules/pii.yaml`: what may be said, and every fault with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from cleaning.config import PROJECT_ROOT
from cleaning.errors import ModelError, RuleError
from cleaning.pii.catalogue import CATALOGUE
from cleaning.pii.masking import Masker
from cleaning.pii.policy import load_policy
from cleaning.pii.pseudonyms import pseudonym
from cleaning.stages.pii import Pii, PiiParams

OWN = """
custom:
  - name: staff_id
    pattern: (?<![0-9A-Za-z])YG[0-9]{6}(?![0-9A-Za-z])
    gate: document
    context: 工号|员工
    token: <工号>
    hits: [{text: 工号YG123456, value: YG123456}]
    misses: [型号YG123456]
"""


def policy(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "pii.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_policy_has_every_type() -> None:
    loaded = load_policy(PROJECT_ROOT / "rules" / "pii.yaml", "rules/pii.yaml")
    assert {kind.name for kind in loaded.types} == {kind.name for kind in CATALOGUE}
    assert len(set(loaded.tokens.values())) > 20
    assert {n for n, a in loaded.actions.items() if a == "keep"} == {"url", "uscc", "service_line"}


def test_actions_tokens_and_own_types(tmp_path: Path) -> None:
    text = "types: {mobile: {action: off}, email: {token: '[mail]'}, qq: {action: delete}}\n" + OWN
    mask = Masker(load_policy(policy(tmp_path, text), "pii.yaml"), "placeholder")
    assert mask(["13812345678 a@b.com QQ：82345671，工号YG123456"])[0].text == "13812345678 [mail] QQ：，工号<工号>"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("types: {moblie: {action: off}}", "pii.yaml:1: unknown type 'moblie'; did you mean 'mobile'?"),
        ("types: {mobile: {action: hide}}", "pii.yaml:1: types.mobile.action"),
        (OWN.replace("staff_id", "mobile"), "the name 'mobile' is taken"),
        (OWN.replace("[0-9]{6}", "[0-9]{6"+"("), "not a regular expression"),
        (OWN.replace("gate: document", "gate: documents"), "unknown gate 'documents'; did you mean 'document'?"),
        (OWN.replace("型号YG123456]", "员工YG123456]"), "must give nothing"),
        (OWN.replace("value: YG123456", "value: YG12345"), "must give 'YG12345'"),
    ],
)  # fmt: skip
def test_faults_have_their_line(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(RuleError) as caught:
        load_policy(policy(tmp_path, text), "pii.yaml")
    assert message in str(caught.value)


def test_pseudonyms_are_the_same_for_the_same_value_and_key() -> None:
    ways = ("13812345678", "138-1234-5678", "+86 13812345678", "１３８１２３４５６７８")
    digits = {
        "".join(
            c for c in pseudonym("mobile", way, b"k" * 16).translate(str.maketrans("０１２３４５６７８９", "0123456789")) if c.isdigit()
        )[-11:]
        for way in ways
    }
    assert len(digits) == 1
    assert pseudonym("mobile", ways[0], b"k" * 16) != pseudonym("mobile", ways[0], b"other key, long")


def test_an_engine_that_is_not_installed_is_said_before_the_run() -> None:
    stage = Pii(PiiParams(engine="ltp"), lambda name: PROJECT_ROOT / name)
    with pytest.raises(ModelError, match=r"needs the package ltp; pip install 'corpus-cleaning\[ltp\]'"):
        stage.check()
