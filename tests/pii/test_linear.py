"""No pattern is superlinear: a megabyte of each one's worst case takes about sixteen times as long as a sixteenth of it."""

from __future__ import annotations

import time

import pytest

from cleaning.pii.masking import Masker
from cleaning.pii.names.finder import Names, make_finder
from tests.pii.test_masking import MASKERS, POLICY

MB = 1_000_000
LABELS = Masker(POLICY, "tag", names=make_finder(Names("labels", "own", ""), []))
WORST = {
    "digits": "1", "spaced digits": "1 ", "dashed digits": "138-", "brackets": "(010", "sixteens": "4111 ",     "mobile": "13812345678 ", "id": "110105194912310021 ", "han digits": "一",     "at": "a@", "long local": "a" * 60 + "@", "hyphens": "a-", "url": "http://", "one url": "http://a.com/",
    "colons": "a:", "hex": "ab:cd:", "mac": "00:1A:2B:3C:4D:", "qq": "QQ", "qq spaced": "QQ ",     "kou": "扣扣", "wechat": "微信", "wechat id": "微信号abcde", "vx": "vx:", "plate": "京A", "street": "路1号", "room": "路1号1室",     "chinese numbers": "路一百号", "flat": "Apt 1 ", "names en": "1 Aa Bb Cc Dd St, Apt x ", "key": "AKIA0", "pem": "-----BEGIN ", "pem key": "-----BEGIN PRIVATE KEY-----\nA",
    "named": "key: a1b2c3d4e5f6g7h8 ", "iban": "GB82 ", "document": "A123456 ", "permit": "证12345678 ", "passport": "护照E1234567 ", "code18": "91110000802100433A ", "vin": "1M8GDM9AXKP042789 ",
    "ip": "8.8.8.", "ssn": "000-12-3456 ", "phones": "415-555-", "label names": "姓名：王", "tokens": "<手机号", }  # fmt: skip


def _seconds(unit: str, size: int) -> float:
    text = (unit * (size // len(unit.encode()) + 1))[: size // (len(unit.encode()) // len(unit) or 1)]
    began = time.process_time()
    LABELS([text])
    return time.process_time() - began


@pytest.mark.parametrize("name", WORST)
def test_a_megabyte_of_the_worst_case(name: str) -> None:
    MASKERS["tag"](["13812345678"])
    part, whole = _seconds(WORST[name], MB // 16), _seconds(WORST[name], MB)
    # what takes less than a tenth of a second is too short to compare; a quadratic one takes 256 times as long; 64 leaves room
    assert whole < 0.1 or whole < 64 * max(part, 0.01), (part, whole)
