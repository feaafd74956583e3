"""What makes an address of the network or a key one that can be somebody's: public, not reserved, not a template, random enough."""

from __future__ import annotations

import ipaddress
import itertools
import math
import re

_SEPARATORS = re.compile(r"[^0-9A-Za-z]")
# blocks that are not on the public internet (IANA special-purpose registries); listed here because Python's own list changes
_NOT_PUBLIC_4 = [
    ipaddress.IPv4Network(n)
    for n in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
        "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    )
]  # fmt: skip
_SHORT_4 = frozenset({"8.8.4.4", "1.0.0.1", "4.2.2.1", "4.2.2.2"})  # four single digits are otherwise the number of a version or a section
_PUBLIC_6 = ipaddress.IPv6Network("2000::/3")
_NOT_PUBLIC_6 = [
    ipaddress.IPv6Network(n) for n in ("2001::/32", "2001:2::/48", "2001:10::/28", "2001:20::/28", "2001:db8::/32", "3fff::/20")
]


def ipv4(value: str) -> bool:
    """On the public internet, and not 3.0.0.0 or 1.3.1.2, which are versions and sections.

    >>> ipv4("8.8.8.8"), ipv4("192.168.1.1"), ipv4("1.02.3.4")
    (True, False, False)
    """
    try:
        address = ipaddress.IPv4Address(value)
    except ValueError:
        return False
    if value.endswith(".0.0") or (len(value) == 7 and len(set(value)) > 2 and value not in _SHORT_4):
        return False
    return not any(address in network for network in _NOT_PUBLIC_4)


def ipv6(value: str) -> bool:
    """On the public internet; 12:30:45 is a time.

    >>> ipv6("2001:4860:4860::8888"), ipv6("2001:db8::1"), ipv6("12:30:45"), ipv6("fe80::1")
    (True, False, False, False)
    """
    try:
        address = ipaddress.IPv6Address(value)
    except ValueError:
        return False
    return len(value) >= 8 and address in _PUBLIC_6 and not any(address in network for network in _NOT_PUBLIC_6)


def mac(value: str) -> bool:
    """Not broadcast, not nil, not six of one kind (f1-f2-f3), not of the block for documentation (RFC 7042, 00-00-5E-00-53)."""
    text = _SEPARATORS.sub("", value).upper()
    return len(set(text)) > 2 and len(set(text[::2])) > 1 and not text.startswith("00005E0053")


def email(value: str) -> bool:
    """Lengths of RFC 5321; the domain is not one of those that never exist (.invalid, .localhost, .test), nor a file's name.

    >>> email("zhang.san@example.com.cn"), email("a@b.invalid"), email("icon@2x.png"), email("git@github.com")
    (True, False, False, False)
    """
    local, _, domain = value.rpartition("@")
    suffix = domain.rpartition(".")[2].lower()
    if len(local) > 64 or len(domain) > 253 or ".." in value or local.lower() in _NO_PERSON:
        return False
    return suffix not in _NO_DOMAIN and any(c.isalpha() for c in domain)


def url(value: str) -> bool:
    """Not under .invalid, which never exists (RFC 6761): that is where pseudonyms live."""
    return ".invalid" not in value


_NO_DOMAIN = frozenset(
    [
        "invalid",
        "localhost",
        "test",
        "local",
        "png",
        "jpg",
        "jpeg",
        "gif",
        "svg",
        "webp",
        "css",
        "js",
        "ts",
        "py",
        "md",
        "html",
        "service",
        "target",
        "timer",
    ]
)
_NO_PERSON = frozenset({"git", "username", "user-name", "noreply", "no-reply", "xxx", "xxxx"})  # a remote's or a template's word


def entropy(value: str) -> float:
    """Shannon entropy of the characters, in bits a character."""
    return -sum((n := value.count(c)) / len(value) * math.log2(n / len(value)) for c in set(value))


def secret(value: str) -> bool:
    """Random enough to be a key: mixed characters of at least 3 bits each, not a word, a date or a run of one character.

    >>> secret("AKIAIOSFODNN7EXAMPLR"), secret("xxxxxxxxxxxxxxxxxxxx"), secret("your_api_key_here_please")
    (True, False, False)
    """
    digits = sum(c.isdigit() for c in value)
    return entropy(value) >= 3.0 and digits >= 1 and len(value) - digits >= 2 and not _TEMPLATE.search(value)


def random_secret(value: str) -> bool:
    """A secret whose letters and digits change places often: MyNewPassword123 and offset+32 are words with a number.

    >>> random_secret("9f8e7d6c5b4a39281706f5e4d3c2b1a0"), random_secret("MyNewPassword123")
    (True, False)
    """
    kinds = [c.isdigit() for c in value if c.isalnum()]
    return secret(value) and sum(a != b for a, b in itertools.pairwise(kinds)) >= 4


_TEMPLATE = re.compile(r"(?i)your|example_|xxxx|placeholder|changeme|abcdef123|123456789|0123456|<|\$\{")
