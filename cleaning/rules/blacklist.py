"""Blacklists: plain text files of phrases, all compiled into one Aho–Corasick automaton, one scan a batch.

They measure; rules judge. An entry with Chinese characters is found anywhere, one in letters only as whole words; what lies inside an
exception of the same file (`!可能性`) or inside a longer hit of the same category does not count. Both sides are folded by `text.view`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import ahocorasick_rs
import numpy as np
import numpy.typing as npt
import xxhash

from cleaning.doc import Doc
from cleaning.errors import BlacklistError
from cleaning.text.charclass import Encoded, utf32
from cleaning.text.metric_table import BLACKLIST_METRICS, METRICS, Metric
from cleaning.text.view import View, fold_batch, fold_phrases
from cleaning.text.view_search import may_hold, phrase_keys

DOMAINS = "domains"  # the category whose entries are compared with host names, not with the text
SOLICIT = "solicit"  # what adverts ask for, in words that good text has as well: only rules for short texts look at them
APART = {"profanity", SOLICIT}  # not part of the total: novels and film reviews curse, too
MAX_ENTRY = 100
_COMMENT_RE = re.compile(r"(?:^|\s)#.*")
_LANGUAGE_RE = re.compile(r"_(?:zh|en)$")
_HOST_RE = re.compile(r"(?:[a-z]+://)?(?:[^/@]*@)?([^/:?#\s]+)", re.IGNORECASE)
_SCHEME_RE, _WWW_RE = re.compile(r"://([A-Za-z0-9.@_-]{4,200})"), re.compile(r"www\.([A-Za-z0-9.-]{4,200})")  # both begin literally: fast
_URL_FIELDS = frozenset(("url", "source_url", "link", "uri"))


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a list: `view` is what is looked for."""

    text: str
    view: str
    category: str
    file: str
    line: int
    exception: bool = False

    @property
    def where(self) -> str:
        """File and line, for people."""
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Hit:
    """One occurrence: entry number, first and last byte + 1 in the document's view."""

    entry: int
    start: int
    end: int


@dataclass(slots=True)
class Found:
    """What one scan of a batch found: `values[category]` is (documents, 3): hits, distinct entries, characters; `hits` by document."""

    values: dict[str, npt.NDArray[np.float64]]
    hits: dict[int, list[Hit]] = field(default_factory=dict)


def category_of(name: str) -> str:
    """`blacklists/ads_zh.txt` is a list of the category `ads`.

    >>> category_of("blacklists/ads_zh.txt"), category_of("my-words.txt")
    ('ads', 'my_words')
    """
    return re.sub(r"\W", "_", _LANGUAGE_RE.sub("", Path(name).stem.lower()))


def metrics_of(categories: Sequence[str]) -> dict[str, Metric]:
    """The metrics that lists of these categories give, and those of all together."""
    out = {}
    for prefix in [f"blacklist_{c}" for c in dict.fromkeys(categories)] + ["blacklist"]:
        for name, metric in BLACKLIST_METRICS.items():
            lists = "all lists but profanity and solicit" if prefix == "blacklist" else f"the lists `{prefix[10:]}`"
            what = metric.doc.replace("the category", lists)
            out[f"{prefix}_{name}"] = Metric(f"{prefix}_{name}", metric.group, metric.scale, what)
    return out


def read_list(path: Path, shown: str) -> tuple[list[Entry], list[str], list[str]]:
    """(entries, faults, warnings) of one file. Faults stop a run; an entry that stands there twice is a warning and is used once."""
    entries: list[Entry] = []
    faults: list[str] = []
    warnings: list[str] = []
    seen: dict[str, int] = {}
    category = category_of(shown)
    lines: list[tuple[int, bool, str]] = []
    for number, raw in enumerate(path.read_bytes().split(b"\n"), 1):
        try:
            line = _COMMENT_RE.sub("", raw.decode("utf-8-sig" if number == 1 else "utf-8")).strip()
        except UnicodeDecodeError as exc:
            faults.append(f"{shown}:{number}: not UTF-8 (byte 0x{raw[exc.start]:02x} at column {exc.start + 1})")
            continue
        if line:
            lines.append((number, line.startswith("!"), line.lstrip("!").strip()))
    views = [text.lower() for _, _, text in lines] if category == DOMAINS else fold_phrases([text for _, _, text in lines])
    for (number, exception, text), view in zip(lines, views, strict=True):
        letters = sum(c.isalnum() for c in view)
        if letters < 2:
            faults.append(f"{shown}:{number}: '{text}' is {'one character' if letters else 'no word'}; an entry has at least two letters")
        elif len(text) > MAX_ENTRY:
            faults.append(f"{shown}:{number}: {len(text)} characters; an entry has at most {MAX_ENTRY} (is a line break missing?)")
        elif view in seen:
            warnings.append(f"{shown}:{number}: '{text}' is the same as line {seen[view]}")
        else:
            seen[view] = number
            entries.append(Entry(text, view, category, shown, number, exception))
    return entries, faults, warnings


def audit(entries: Sequence[Entry]) -> list[str]:
    """What else a person should know of the entries of one file: useless ones."""
    warnings = []
    plain = [entry for entry in entries if not entry.exception]
    for entry in plain if plain and plain[0].category != DOMAINS else []:
        shorter = next((o for o in plain if o.view in entry.view and o.view != entry.view), None)
        if shorter is not None:
            warnings.append(f"{entry.where}: '{entry.text}' holds line {shorter.line} ('{shorter.text}'), which is found there anyway")
    idle = [e for e in entries if e.exception and not any(other.view in e.view for other in plain)]
    warnings.extend(f"{entry.where}: exception '{entry.text}' holds no entry of this file" for entry in idle)
    return warnings


def compile_lists(files: Sequence[tuple[Path, str]]) -> Blacklists:
    """`Blacklists` of these files, made once a process for the same contents. Raises BlacklistError."""
    key = tuple((shown, xxhash.xxh3_128_hexdigest(path.read_bytes())) for path, shown in files)
    if key not in _COMPILED:
        if len(_COMPILED) >= 4:
            _COMPILED.clear()
        _COMPILED[key] = Blacklists(files)
    return _COMPILED[key]


_COMPILED: dict[tuple[tuple[str, str], ...], Blacklists] = {}  # a run's snapshot has copies of the lists: other paths, the same contents


class Blacklists:
    """All lists of a run, compiled. `files` are (path, name to show). Raises BlacklistError with every fault."""

    def __init__(self, files: Sequence[tuple[Path, str]]) -> None:
        faults: list[str] = []
        self.warnings: list[str] = []
        found: list[Entry] = []
        for path, shown in files:
            entries, bad, warned = read_list(path, shown)
            found += entries
            faults += bad
            self.warnings += warned
        if faults:
            raise BlacklistError(faults)
        self.categories = tuple(dict.fromkeys(category_of(shown) for _, shown in files))
        self.metrics = metrics_of(self.categories)
        self.entries = [entry for entry in found if entry.category != DOMAINS]
        self._domains = {entry.view: entry for entry in found if entry.category == DOMAINS}
        self._known_hosts = lru_cache(maxsize=1 << 16)(self.domain_entry)
        views = [entry.view.encode() for entry in self.entries] or [b"\x00"]
        self._keys = phrase_keys([entry.text for entry in self.entries if not entry.exception])
        self._automaton = ahocorasick_rs.BytesAhoCorasick(views, implementation=ahocorasick_rs.Implementation.DFA)

    def scan(self, docs: Sequence[Doc], encoded: Encoded | None = None) -> Found:
        """Look for every entry in every document. `encoded` is `utf32` of their texts, where the caller has it."""
        found = Found({c: np.zeros((len(docs), 3)) for c in self.categories})
        if self.entries:
            may = np.flatnonzero(may_hold(encoded or utf32([doc.text for doc in docs]), self._keys)).tolist()
            view = fold_batch([docs[d].text for d in may])
            raw = self._automaton.find_matches_as_indexes(view.text, overlapping=True)
            if raw:
                self._attribute(raw, view, may, found)
        if self._domains:
            self._scan_hosts(docs, found)
        return found

    def _attribute(self, raw: list[tuple[int, int, int]], view: View, of: list[int], found: Found) -> None:
        """Count what was found in the views of the documents with the numbers `of`."""
        matches = np.array(raw, np.int64)
        which = np.searchsorted(view.start, matches[:, 1], side="right") - 1
        by_view: dict[int, list[Hit]] = {}
        for v, (entry, lo, hi) in zip(which.tolist(), raw, strict=True):
            base = int(view.start[v])
            by_view.setdefault(v, []).append(Hit(entry, lo - base, hi - base))
        for v, hits in by_view.items():
            d = of[v]
            kept = self._counted(hits)
            if kept:
                found.hits[d] = kept
            tally: dict[str, Counter[int]] = {}
            for hit in kept:
                tally.setdefault(self.entries[hit.entry].category, Counter())[hit.entry] += 1
            for category, counts in tally.items():
                spans = [(hit.start, hit.end) for hit in kept if self.entries[hit.entry].category == category]
                found.values[category][d] = (counts.total(), len(counts), _covered(memoryview(view.text)[int(view.start[v]) :], spans))

    def _counted(self, hits: list[Hit]) -> list[Hit]:
        """Hits that are not exceptions, nor inside an exception of their file or a longer hit of their category."""
        kept = []
        reach: dict[tuple[bool, str], int] = {}  # furthest end so far, of the exceptions of a file and of the hits of a category
        for hit in sorted(hits, key=lambda h: (h.start, -h.end, not self.entries[h.entry].exception)):
            entry = self.entries[hit.entry]
            if entry.exception:
                reach[True, entry.file] = max(hit.end, reach.get((True, entry.file), 0))
            elif reach.get((True, entry.file), 0) < hit.end and reach.get((False, entry.category), 0) < hit.end:
                reach[False, entry.category] = hit.end
                kept.append(hit)
        return kept

    def _scan_hosts(self, docs: Sequence[Doc], found: Found) -> None:
        rows = found.values[DOMAINS]
        for d, doc in enumerate(docs):
            text, urls = doc.text, []
            if not _URL_FIELDS.isdisjoint(doc.record):
                urls = [value for name in doc.record if name in _URL_FIELDS and isinstance(value := doc.record[name], str)]
            if "://" in text:
                urls += _SCHEME_RE.findall(text)
            if "www." in text:
                urls += [m[0] for m in _WWW_RE.finditer(text) if text[m.start() - 1 : m.start()] != "/"]
            if not urls:
                continue
            entries = [entry for url in urls if (entry := self._known_hosts(url)) is not None]
            if entries:
                rows[d] = (len(entries), len({e.view for e in entries}), sum(len(e.view) for e in entries))

    def domain_entry(self, url: str) -> Entry | None:
        """The entry that the host of an address matches: one of its parts, or (for entries with a dot) it ends so."""
        match = _HOST_RE.match(url)
        if match is None:
            return None
        host = match[1].lower().rstrip(".")
        labels = host.split(".")
        ends = [self._domains.get(".".join(labels[i:])) for i in range(len(labels) - 1)]
        parts = [self._domains.get(part) or self._domains.get(part.strip("0123456789")) for part in re.split(r"[.-]", host)]
        found = [entry for entry in [*ends, *parts] if entry is not None]
        return None if any(entry.exception for entry in found) else next(iter(found), None)

    def values(self, found: Found, chars: npt.NDArray[np.float64]) -> dict[str, npt.NDArray[np.float64]]:
        """Every metric of `self.metrics`; `chars` are the documents' characters."""
        out: dict[str, npt.NDArray[np.float64]] = {}
        total: Any = np.zeros((len(chars), 3))
        for category, rows in found.values.items():
            if category not in APART:
                total += rows
            out.update(_columns(f"blacklist_{category}", rows, chars))
        return {**out, **_columns("blacklist", total, chars)}


def _covered(view: memoryview, spans: list[tuple[int, int]]) -> int:
    """Characters, blanks not counted, inside some spans of a view; spans are in order and may overlap."""
    covered, at = 0, 0
    for start, end in spans:
        if end > at:
            covered += sum(byte & 0xC0 != 0x80 and byte != 32 for byte in view[max(start, at) : end])
            at = end
    return covered


def _columns(prefix: str, rows: npt.NDArray[np.float64], chars: npt.NDArray[np.float64]) -> dict[str, npt.NDArray[np.float64]]:
    with np.errstate(divide="ignore", invalid="ignore"):
        density = np.where(chars > 0, np.minimum(rows[:, 2] / chars, 1), np.nan)
    return {f"{prefix}_hits": rows[:, 0], f"{prefix}_distinct": rows[:, 1], f"{prefix}_density": density}


def allowed_metrics(files: Sequence[str]) -> dict[str, Metric]:
    """All metrics that document rules may use with these lists."""
    return {**METRICS, **(metrics_of([category_of(name) for name in files]) if files else {})}
