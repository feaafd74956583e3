"""Stand-ins that keep the form of a value and cannot be real: a mobile of a segment never given out, an identity number whose check fails.

The same value gets the same stand-in wherever the key is the same: within a document, or across the corpus with a secret key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

from cleaning.pii.gates import HAN_DIGIT_CHARS
from cleaning.pii.validators import VALIDATORS

_HAN_DIGITS = "〇一二三四五六七八九"
_SURNAMES = "王李张刘陈杨黄赵周吴徐孙马胡朱郭何林高罗"
_STEMS = "甲乙丙丁戊己庚辛壬癸"
_DIGIT, _LETTER = "0123456789", "ABCDEFGHJKLMNPQRTUWXY"
_CHECKED = {
    "resident_id": "resident_id", "uscc": "uscc", "bank_card": "bank_card", "imei": "imei", "iban": "iban", "hk_id": "hk_id",
"tw_id": "tw_id",
    "vin": "vin",
}  # fmt: skip


def pseudonym(kind: str, value: str, key: bytes) -> str:
    """The stand-in of a value (as it stood in the text, whatever its width) of a type, under a key.

    >>> pseudonym("mobile", "138-1234-5678", b"k")[:2], len(pseudonym("mobile", "138-1234-5678", b"k"))
    ('14', 13)
    """
    places = [i for i, c in enumerate(value) if _digit(c) is not None or (_narrow(c).isascii() and _narrow(c).isalpha())]
    same = _canonical(kind, value, places)
    stream = _numbers(f"{kind}\0{same}".encode("utf-8", "surrogatepass"), key)
    if kind in _WHOLE:
        return _WHOLE[kind](value, stream)
    own = places[-len(same) :] if kind == "mobile" else places
    for _ in range(64):
        chars = list(value)
        for i in own:
            chars[i] = _like(chars[i], next(stream))
        _spoil(kind, chars, own, value, stream)
        out = "".join(chars)
        if kind not in _CHECKED or not _valid(_CHECKED[kind], out):
            return out
    return "".join(_like(c, 0) if _digit(c) is not None else c for c in value)  # all zeros are nobody's


def _canonical(kind: str, value: str, places: list[int]) -> str:
    """What is the same in all ways to write a value: 138-1234-5678, +86 13812345678 and 一三八… are one number."""
    if kind in ("email", "person", "url", "address", "address_en", "secret_key", "ipv6"):
        return _narrow(value).lower()
    text = "".join(str(d) if (d := _digit(value[i])) is not None else _narrow(value[i]).upper() for i in places)
    return text[-11:] if kind == "mobile" else text


def _numbers(value: bytes, key: bytes) -> Iterator[int]:
    block = hashlib.blake2b(value, key=hashlib.blake2b(key).digest()).digest()
    while True:
        yield from block
        block = hashlib.blake2b(block, key=hashlib.blake2b(key).digest()).digest()


def _narrow(text: str) -> str:
    return "".join(chr(ord(c) - 0xFEE0) if 0xFF01 <= ord(c) <= 0xFF5E else c for c in text)


def _digit(c: str) -> int | None:
    narrow = _narrow(c)
    return int(narrow) if narrow in _DIGIT else HAN_DIGIT_CHARS.get(c)


def _like(c: str, number: int) -> str:
    """A digit for a digit, a letter for a letter, of the same width and case."""
    wide = 0xFEE0 if 0xFF01 <= ord(c) <= 0xFF5E else 0
    if c in HAN_DIGIT_CHARS:
        return _HAN_DIGITS[number % 10]
    if _narrow(c) in _DIGIT:
        return chr(ord("0") + number % 10 + wide)
    letter = _LETTER[number % len(_LETTER)]
    return chr(ord(letter if _narrow(c).isupper() else letter.lower()) + wide)


def _set(chars: list[str], places: list[int], at: int, new: str, value: str) -> None:
    """Put a character at the at-th letter or digit, in the width of what stood there."""
    c = value[places[at]]
    if c in HAN_DIGIT_CHARS and new in _DIGIT:
        new = _HAN_DIGITS[int(new)]
    elif 0xFF01 <= ord(c) <= 0xFF5E:
        new = chr(ord(new) + 0xFEE0)
    chars[places[at]] = new


def _spoil(kind: str, chars: list[str], places: list[int], value: str, stream: Iterator[int]) -> None:
    """Make it impossible by construction."""
    last = len(places)
    put: dict[int, str] = {}
    if kind == "mobile":
        put = {0: "1", 1: "4", 2: "23"[next(stream) % 2]}
    elif kind == "resident_id":
        date = f"19{50 + next(stream) % 49:02d}{1 + next(stream) % 12:02d}{1 + next(stream) % 28:02d}"
        put = {**dict(zip(range(6, 14), date, strict=True)), last - 1: _DIGIT[next(stream) % 10]}
    elif kind == "resident_id_old":
        put = {8: "1", 9: "3"}
    elif kind in ("bank_card", "iban"):
        put = {0: _narrow(value[places[0]]), 1: _narrow(value[places[1]])}
    elif kind in ("tw_id", "hk_id"):
        put = {0: _narrow(value[places[0]])}
    elif kind in ("us_phone", "service_line"):
        extension = _narrow(value).lower().find("x")
        digits = [i for i, p in enumerate(places) if extension < 0 or p < extension]
        put = dict.fromkeys(digits[-10:-7], "0")
    elif kind == "us_ssn":
        put = dict.fromkeys(range(3), "0")
    elif kind == "landline":
        put = _no_subscriber(_narrow(value), places)
    elif kind in ("passport", "permit"):
        put = {0: _narrow(value[places[0]]), last - 1: "O"}
    elif kind == "plate":
        put = {0: "I"}
    elif kind in ("qq", "wechat", "macau_id"):
        put = {0: "0"}
    for at, new in put.items():
        _set(chars, places, at, new, value)


def _no_subscriber(value: str, places: list[int]) -> dict[int, str]:
    """The area stays; the number begins with 1, as no landline does."""
    digits = "".join(value[p] for p in places if value[p] in _DIGIT)
    skip = 2 if digits.startswith("86") else 0
    area = digits[skip:].lstrip("0")
    zero = len(digits[skip:]) - len(area)
    size = skip + zero + (2 if area[0] in "12" else 3)
    return {**{i: digits[i] for i in range(size)}, size: "1"}


def _valid(name: str, value: str) -> bool:
    narrow = "".join(str(d) if (d := _digit(c)) is not None else c for c in _narrow(value))
    try:
        return VALIDATORS[name](narrow)
    except (ValueError, IndexError, KeyError):
        return False


def _hex(stream: Iterator[int], count: int) -> str:
    return "".join(f"{next(stream) % 16:x}" for _ in range(count))


def _email(value: str, stream: Iterator[int]) -> str:
    return f"u{_hex(stream, 8)}@{_hex(stream, 4)}.invalid"


def _ipv4(value: str, stream: Iterator[int]) -> str:
    return f"{('192.0.2', '198.51.100', '203.0.113')[next(stream) % 3]}.{1 + next(stream) % 254}"  # RFC 5737


def _ipv6(value: str, stream: Iterator[int]) -> str:
    return f"2001:db8::{_hex(stream, 4)}:{_hex(stream, 4)}"  # RFC 3849


def _mac(value: str, stream: Iterator[int]) -> str:
    mark = ":" if ":" in value else "-"
    return mark.join(("00", "00", "5E", "00", "53", _hex(stream, 2).upper()))  # RFC 7042


def _person(value: str, stream: Iterator[int]) -> str:
    if value[:1].isascii():
        return f"J. Doe-{_hex(stream, 4)}"
    return f"{_SURNAMES[next(stream) % len(_SURNAMES)]}某{_STEMS[next(stream) % len(_STEMS)]}"


def _zeros(value: str, stream: Iterator[int]) -> str:
    return "".join(_like(c, 0) if _digit(c) is not None else c for c in value)


def _crosses(value: str, stream: Iterator[int]) -> str:
    return "".join("x" if _narrow(c).isascii() and _narrow(c).isalnum() else c for c in value)


_WHOLE: dict[str, Callable[[str, Iterator[int]], str]] = {
    "email": _email, "ipv4": _ipv4, "ipv6": _ipv6, "mac": _mac, "person": _person, "address": _zeros, "address_en": _zeros,
    "secret_key": _crosses, "url": lambda value, stream: f"https://{_hex(stream, 8)}.invalid/",
}  # fmt: skip
