"""Check digits, dates, prefixes: what makes eleven digits a telephone number and eighteen an identity number.

Every function takes the value as it was matched on the width view (half-width letters and digits) and says whether it can be real. None
asks the clock: a run's bytes must not depend on the day.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

from cleaning.pii.network_checks import email, ipv4, ipv6, mac, random_secret, secret, url

Validator = Callable[[str], bool]

_SEPARATORS = re.compile(r"[^0-9A-Za-z]")
LAST_YEAR = 2040  # a birth date beyond this is impossible; a fixed year, so that the output does not depend on the day

# GB 11643-1999: weights and check characters of ISO 7064 MOD 11-2
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS = "10X98765432"
# GB/T 2260 codes of provinces; 81-83 are residence permits for people from Hong Kong, Macau and Taiwan, 91 foreign residents
_PROVINCES = frozenset(
    [
        "11",
        "12",
        "13",
        "14",
        "15",
        "21",
        "22",
        "23",
        "31",
        "32",
        "33",
        "34",
        "35",
        "36",
        "37",
        "41",
        "42",
        "43",
        "44",
        "45",
        "46",
        "50",
        "51",
        "52",
        "53",
        "54",
        "61",
        "62",
        "63",
        "64",
        "65",
        "71",
        "81",
        "82",
        "83",
        "91",
    ]
)
_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # GB 32100-2015: no I, O, S, V, Z
_TW_LETTERS = "ABCDEFGHJKLMNPQRSTUVXYWZIO"  # the letter's place + 10 is its number
_SSN_PRINTED = frozenset({"078051120", "457555462", "219099999"})  # numbers that became public and were withdrawn
# countries of the IBAN registry (SWIFT, release 96) with the whole length
_IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BR": 29, "BY": 28, "CH": 21, "CR": 22,
    "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22,
    "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30,
    "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MR": 27,
    "MT": 31, "MU": 30, "NL": 18, "NO": 15, "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "SA": 24, "SC": 31,
    "SD": 18, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24,
    "XK": 20,
}  # fmt: skip


def compact(value: str) -> str:
    """Letters and digits only, in capitals.

    >>> compact("6222 0210-01"), compact("11010519491231002x")
    ('6222021001', '11010519491231002X')
    """
    return _SEPARATORS.sub("", value).upper()


def luhn(digits: str) -> bool:
    """ISO/IEC 7812 check; a number of one repeated digit is no number.

    >>> luhn("4111111111111111"), luhn("4111111111111112"), luhn("0000000000000000")
    (True, False, False)
    """
    if len(set(digits)) < 2:
        return False
    numbers = [int(c) for c in reversed(digits)]
    return (sum(numbers[0::2]) + sum(sum(divmod(2 * n, 10)) for n in numbers[1::2])) % 10 == 0


def _is_date(year: int, month: int, day: int) -> bool:
    try:
        return date(year, month, day).year <= LAST_YEAR
    except ValueError:
        return False


def resident_id(value: str) -> bool:
    """居民身份证 of 18 characters: province, a date that exists, MOD 11-2.

    >>> resident_id("11010519491231002X"), resident_id("110105194912310021"), resident_id("11010519490231002X")
    (True, False, False)
    """
    text = compact(value)
    if text[:2] not in _PROVINCES or not int(text[6:10]) >= 1880 or not _is_date(int(text[6:10]), int(text[10:12]), int(text[12:14])):
        return False
    return _ID_CHECKS[sum(int(c) * w for c, w in zip(text[:17], _ID_WEIGHTS, strict=True)) % 11] == text[17]


def resident_id_split(value: str) -> bool:
    """The same, written in groups; the count of the characters is not the pattern's to say."""
    return re.fullmatch(r"[1-9]\d{5}(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])\d{5}[\dX]", compact(value)) is not None and resident_id(value)


def resident_id_old(value: str) -> bool:
    """居民身份证 of 15 digits (until 1999): province and a date that exists."""
    text = compact(value)
    return text[:2] in _PROVINCES and _is_date(1900 + int(text[6:8]), int(text[8:10]), int(text[10:12]))


def uscc(value: str) -> bool:
    """统一社会信用代码 (GB 32100-2015): weights 3^i modulo 31.

    The check of the organisation code within (GB 11714) is not asked: codes of sole traders do not always have it.

    >>> uscc("91110000802100433B"), uscc("91110000802100433A")
    (True, False)
    """
    text = compact(value)
    if any(c not in _USCC_ALPHABET for c in text):
        return False
    total = sum(_USCC_ALPHABET.index(c) * pow(3, i, 31) for i, c in enumerate(text[:17]))
    return _USCC_ALPHABET[-total % 31] == text[17]


def bank_card(value: str) -> bool:
    """Luhn, and a prefix (IIN) that its network issues at this length.

    >>> bank_card("4111 1111 1111 1111"), bank_card("1693054036971000")
    (True, False)
    """
    n = compact(value)
    size, two, four = len(n), int(n[:2]), int(n[:4])
    network = (
        (two == 62 and 16 <= size <= 19)  # UnionPay
        or (n[0] == "4" and size in (13, 16, 19))  # Visa
        or (size == 16 and (51 <= two <= 55 or 2221 <= four <= 2720))  # Mastercard
        or (size == 15 and two in (34, 37))  # American Express
        or (3528 <= four <= 3589 and 16 <= size <= 19)  # JCB
        or (size == 15 and four in (1800, 2131))  # JCB of before
        or ((four == 6011 or two == 65) and 16 <= size <= 19)  # Discover
        or (size == 14 and (two in (36, 38, 39) or 300 <= int(n[:3]) <= 305))  # Diners
        or (two in (60, 95, 90) and 16 <= size <= 19)  # domestic cards from before UnionPay
    )
    return network and luhn(n)


def modern_card(value: str) -> bool:
    """A bank card of a network of today, of 15 digits or more: sure enough to stand without a word that says so."""
    n = compact(value)
    return len(n) >= 15 and n[:2] not in ("60", "95", "90", "18", "21") and bank_card(n)


def imei(value: str) -> bool:
    """15 digits with Luhn; the first two are a reporting body (GSMA)."""
    n = compact(value)
    return n[:2] in {"01", "10", "30", "33", "35", "44", "45", "49", "50", "51", "52", "53", "54", "86", "91", "98", "99"} and luhn(n)


def iban(value: str) -> bool:
    """ISO 13616: the country's length, and 97.

    >>> iban("GB82 WEST 1234 5698 7654 32"), iban("GB82 WEST 1234 5698 7654 33")
    (True, False)
    """
    text = compact(value)
    if _IBAN_LENGTHS.get(text[:2]) != len(text):
        return False
    return int("".join(str(int(c, 36)) for c in text[4:] + text[:4])) % 97 == 1


def hk_id(value: str) -> bool:
    """Hong Kong: one or two letters, six digits, a check character modulo 11.

    >>> hk_id("A123456(3)"), hk_id("A123456(4)")
    (True, False)
    """
    text = compact(value)
    letters, digits, check = text[:-7], text[-7:-1], text[-1]
    values = [36] * (2 - len(letters)) + [ord(c) - 55 for c in letters] + [int(c) for c in digits] + [10 if check == "A" else int(check)]
    return sum(v * w for v, w in zip(values, (9, 8, 7, 6, 5, 4, 3, 2, 1), strict=True)) % 11 == 0


def tw_id(value: str) -> bool:
    """Taiwan: a letter for the place, nine digits, modulo 10.

    >>> tw_id("A123456789"), tw_id("A123456788")
    (True, False)
    """
    text = compact(value)
    number = 10 + _TW_LETTERS.index(text[0])
    total = number // 10 + number % 10 * 9 + sum(int(c) * w for c, w in zip(text[1:], (8, 7, 6, 5, 4, 3, 2, 1, 1), strict=True))
    return total % 10 == 0


def us_ssn(value: str) -> bool:
    """Areas 000, 666 and 900-999 were never given out; neither were group 00 and serial 0000."""
    n = compact(value)
    return n[:3] not in ("000", "666") and n[0] != "9" and n[3:5] != "00" and n[5:] != "0000" and n not in _SSN_PRINTED


def vin(value: str) -> bool:
    """17 characters without I, O, Q; position nine checks the rest modulo 11 (ISO 3779, 49 CFR 565)."""
    text = compact(value)
    letters = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", (1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9), strict=True))
    numbers = [int(c) if c.isdigit() else letters.get(c, -1) for c in text]
    if min(numbers) < 0 or len(set(text)) < 4:
        return False
    rest = sum(v * w for v, w in zip(numbers, (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2), strict=True)) % 11
    return text[8] == ("X" if rest == 10 else str(rest))


def bank_digits(value: str) -> bool:
    """Not one digit all along, not 12345678."""
    n = compact(value)
    return len(set(n)) > 2 and n not in "01234567890123456789" and n not in "98765432109876543210"


VALIDATORS: dict[str, Validator] = {
    f.__name__: f
    for f in (
        bank_card, bank_digits, email, hk_id, iban, imei, ipv4, ipv6, mac, modern_card, random_secret, resident_id,
        resident_id_old, resident_id_split, secret, tw_id, url, us_ssn, uscc, vin,
    )
}  # fmt: skip
