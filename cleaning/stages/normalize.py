"""Stage `normalize`: mend text before anything measures it.

The batch's characters are counted by class once; a fixer runs only on documents that hold what it mends. What changed a document is
noted in `cleaning.normalized` and counted per fixer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cleaning.config import Strict
from cleaning.doc import Batch, Doc
from cleaning.stages.contract import Stage, Step, StepDefaults
from cleaning.text import fixers
from cleaning.text.charclass import FLAGS, char_tables, utf32
from cleaning.text.code import outside_code
from cleaning.text.kernels import WORK_COLUMNS, count_flags, find_work
from cleaning.text.metrics import flag_lists
from cleaning.text.mojibake import repair_mojibake

Fixer = Callable[[str], str]


class NormalizeParams(Strict):
    """Each switch is a function in `text/fixers.py`."""

    mojibake: bool = True
    nfc: bool = True
    radicals: bool = True
    newlines: bool = True
    html: bool = True
    invisible: bool = True
    controls: bool = True
    garble: bool = True
    spaces: bool = True
    width: bool = True
    close_han: bool = True
    shrink_runs: bool = True
    trim_lines: bool = True
    simplify: bool = False
    corner_quotes: bool = False
    drop_urls: bool = False


@dataclass(frozen=True, slots=True)
class _Entry:
    """A fixer, the character classes without which it has nothing to do, and whether it keeps off code."""

    name: str
    fix: Fixer
    triggers: tuple[str, ...]
    text_test: Callable[[str], bool] | None = None
    outside_code: bool = False
    work: str = ""  # the column of `find_work` that must hold as well


# in the order in which they are applied: tags and entities first hide, then produce, what the later ones mend
_ENTRIES = (
    _Entry("mojibake", repair_mojibake, ("lead", "rare_han")),
    _Entry("newlines", fixers.fix_newlines, ("carriage", "odd_newline")),
    _Entry("html", fixers.fix_html, ("markup",), work="markup"),
    _Entry("controls", fixers.drop_controls, ("control",)),
    _Entry("invisible", fixers.drop_invisible, ("invisible",)),
    _Entry("garble", fixers.drop_garble, ("replacement", "private")),
    _Entry("spaces", fixers.fix_spaces, ("odd_space",)),
    _Entry("width", fixers.fix_width, ("wide_alnum",), outside_code=True),
    _Entry("radicals", fixers.fix_radicals, ("radical",)),
    _Entry("nfc", fixers.fix_nfc, ("unstable",)),
    _Entry("close_han", fixers.close_han, ("space",), outside_code=True, work="gaps"),
    _Entry("shrink_runs", fixers.shrink_runs, ("punct", "symbol"), outside_code=True, work="runs"),
    _Entry("simplify", fixers.simplify, ("han",), outside_code=True),
    _Entry("corner_quotes", fixers.straighten_corners, ("punct",), outside_code=True),
    _Entry("drop_urls", fixers.drop_urls, ("latin",), lambda t: "://" in t or "www." in t, outside_code=True),
    _Entry("trim_lines", fixers.trim_lines, ("newline", "space"), work="blanks"),
)
# these make, or bring together, characters that the counts have not seen: what follows runs without asking
_PRODUCERS = {"mojibake", "html", "controls", "invisible", "garble", "width", "radicals"}
_BLANK_MAKERS, _BLANK_MENDERS = {"newlines", "spaces", "close_han", "drop_urls"}, {"close_han", "trim_lines"}  # … only these
_NEVER_PRODUCED = {"controls", "garble", "radicals"}  # … but for these, which only undone mojibake could bring


class NormalizeStep(StepDefaults):
    """Applies the switched-on fixers to each live document."""

    def __init__(self, params: NormalizeParams) -> None:
        self._entries = [entry for entry in _ENTRIES if getattr(params, entry.name)]
        self._triggers = [[FLAGS.index(flag) for flag in entry.triggers] for entry in self._entries]
        self._work = [(i, WORK_COLUMNS.index(entry.work)) for i, entry in enumerate(self._entries) if entry.work]
        self._limits = np.zeros(0x10000, np.uint8)
        self._limits[[ord(c) for c in fixers.RUN_LIMITS]] = list(fixers.RUN_LIMITS.values())

    def __call__(self, batch: Batch) -> None:
        docs = batch.live
        if not docs or not self._entries:
            return
        codes, offsets = utf32([doc.text for doc in docs])
        counts = np.zeros((len(docs), len(FLAGS)), np.int64)
        count_flags(codes, offsets, char_tables().class_of, *flag_lists(), counts)
        needed = np.array([counts[:, triggers].any(axis=1) for triggers in self._triggers]).T
        found = np.zeros((len(docs), len(WORK_COLUMNS)), np.bool_)
        find_work(codes, offsets, self._limits, found)
        for entry, column in self._work:
            needed[:, entry] &= found[:, column]
        changed = 0
        for d in np.flatnonzero(needed.any(axis=1)).tolist():
            doc = docs[d]
            names = self._mend(doc, needed[d].tolist())
            if names:
                changed += 1
                doc.notes["normalized"] = names
                for name in names:
                    batch.stats.count("normalize", f"fixed/{name}")
        batch.stats.count("normalize", "changed", changed)

    def _mend(self, doc: Doc, needed: list[bool]) -> list[str]:
        text = doc.text
        names: list[str] = []
        produced = blanks = False
        for entry, wanted in zip(self._entries, needed, strict=True):
            may_be = produced and (entry.name not in _NEVER_PRODUCED or "mojibake" in names)
            if not (wanted or may_be or (blanks and entry.name in _BLANK_MENDERS)):
                continue
            if entry.text_test is not None and not entry.text_test(text):
                continue
            fixed = entry.fix(text)
            if entry.outside_code and fixed != text:  # only now is it worth looking for code
                fixed = outside_code(text, entry.fix)
            if fixed != text:
                names.append(entry.name)
                produced = produced or entry.name in _PRODUCERS
                blanks = blanks or entry.name in _BLANK_MAKERS
                text = fixed
        doc.text = text
        return names


class Normalize(Stage):
    """Encodings, markup, invisible characters, widths, spaces, runs of punctuation."""

    name = "normalize"
    version = 1
    about = "mend text: mojibake, NFC, newlines, HTML, invisible characters, widths, spaces, punctuation runs"
    gives = ("normalized",)
    Params = NormalizeParams

    def warm_up(self) -> None:
        NormalizeStep(self.params)(Batch([Doc({}, "一，a", b"", "", 0)]))

    def step(self) -> Step:
        return NormalizeStep(self.params)
