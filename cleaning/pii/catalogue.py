"""Every type that is built in, in the order in which they win: the longest and most specific first."""

from __future__ import annotations

from cleaning.pii import network, papers, places, telephones
from cleaning.pii.kinds import PiiType

_ORDER = (
    "url", "email", "secret_key", "iban", "resident_id", "uscc", "vin", "bank_card", "imei", "mobile", "landline", "service_line", "us_ssn",
    "us_phone", "plate", "resident_id_old", "hk_id", "tw_id", "macau_id", "permit", "passport", "ipv4", "ipv6", "mac", "qq", "wechat",
    "address", "address_en",
)  # fmt: skip
_DECLARED = {kind.name: kind for module in (network, papers, telephones, places) for kind in module.TYPES}
CATALOGUE: tuple[PiiType, ...] = tuple(_DECLARED[name] for name in _ORDER)
