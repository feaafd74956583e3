"""Stage `normalize`: mend text before anything measures it.

The batch's characters are counted by class, and a fixer runs only on documents that hold what it mends; a document that one has changed
is looked at again. What changed a document is noted in `cleaning.normalized` and counted per fixer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cleaning.config import Strict
from cleaning.doc import Batch, Doc
from cleaning.stages.contract import Stage, Step, StepDefaults
from cleaning.text import fixers
from cleaning.text.charclass import FLAGS, char_tables, utf32
from cleaning.text.code import outside_code
from cleaning.text.kernels import count_flags
from cleaning.text.metrics import flag_lists
from cleaning.text.mojibake import repair_mojibake
from cleaning.text.work_kernels import WORK_COLUMNS, shrink_texts, trim_texts, work_of

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
    many: Callable[[list[str]], list[str]] | None = None  # `fix` for some texts at once

    def apply(self, texts: list[str]) -> list[str]:
        """The texts, mended where code does not forbid it."""
        if self.many is not None:
            return self.many(texts)
        fixed = [self.fix(text) if self.text_test is None or self.text_test(text) else text for text in texts]
        if self.outside_code:  # only where something would change it is worth looking for code
            return [new if new is old or new == old else outside_code(old, self.fix) for old, new in zip(texts, fixed, strict=True)]
        return fixed


# in the order in which they are applied: tags and entities first hide, then produce, what the later ones mend
_ENTRIES = (
    _Entry("mojibake", repair_mojibake, ("lead", "rare_han"), work="mojibake"),
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
    _Entry("shrink_runs", fixers.shrink_runs, ("punct", "symbol"), outside_code=True, work="runs", many=shrink_texts),
    _Entry("simplify", fixers.simplify, ("han",), outside_code=True),
    _Entry("corner_quotes", fixers.straighten_corners, ("punct",), outside_code=True),
    _Entry("drop_urls", fixers.drop_urls, ("latin",), lambda t: "://" in t or "www." in t, outside_code=True),
    _Entry("trim_lines", fixers.trim_lines, ("newline", "space"), work="blanks", many=trim_texts),
)

class NormalizeStep(StepDefaults):
    """Applies the switched-on fixers to each live document."""

    def __init__(self, params: NormalizeParams) -> None:
        self._entries = [entry for entry in _ENTRIES if getattr(params, entry.name)]
        self._triggers = [[FLAGS.index(flag) for flag in entry.triggers] for entry in self._entries]
        self._work = [(i, WORK_COLUMNS.index(entry.work)) for i, entry in enumerate(self._entries) if entry.work]

    def __call__(self, batch: Batch) -> None:
        docs = batch.live
        if not docs or not self._entries:
            return
        texts = [doc.text for doc in docs]
        needed = self._needed(texts)
        names: dict[int, list[str]] = {}
        for e, entry in enumerate(self._entries):
            rows = np.flatnonzero(needed[:, e]).tolist()
            changed = []
            for d, fixed in zip(rows, entry.apply([texts[d] for d in rows]) if rows else [], strict=True):
                if fixed != texts[d]:
                    texts[d] = fixed
                    names.setdefault(d, []).append(entry.name)
                    changed.append(d)
            batch.stats.count("normalize", f"fixed/{entry.name}", len(changed))
            if changed and e + 1 < len(self._entries):  # what one makes, or brings together, another may have to mend
                needed[changed] = self._needed([texts[d] for d in changed])
        for d, fixers_of in names.items():
            docs[d].text = texts[d]
            docs[d].notes["normalized"] = fixers_of
        batch.stats.count("normalize", "changed", len(names))

    def _needed(self, texts: list[str]) -> npt.NDArray[np.bool_]:
        """(documents, entries): where a fixer may have work. A false is certain."""
        codes, offsets = encoded = utf32(texts)
        counts = np.zeros((len(texts), len(FLAGS)), np.int64)
        count_flags(codes, offsets, char_tables().class_of, *flag_lists(), counts)
        needed = np.array([counts[:, triggers].any(axis=1) for triggers in self._triggers]).T
        found = work_of(encoded)
        for entry, column in self._work:
            needed[:, entry] &= found[:, column]
        return needed


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
