"""Which language a text is in: what the model says, among the languages that its letters allow.

* The view of the text (`text/language_view`) is read, of long texts several windows spread over the whole length.
* The scripts of the letters say which labels are possible; among these the model's probability decides. The score is that probability,
  as the model gave it, never made larger because other labels were ruled out.
* Japanese without kana, and Chinese with much kana, do not exist beyond a few characters.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from cleaning.models.fasttext_kernels import sum_rows
from cleaning.models.language_model import LanguageModel
from cleaning.models.languages import UNDETERMINED, code_of, script_mask, variety_of
from cleaning.text.charclass import Encoded, utf32
from cleaning.text.language_view import LanguageView, count_batch, view
from cleaning.text.scripts import HAN_SIGNS, SCRIPT_NUMBER, SCRIPTS, script_tables

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Reals = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
HANI, KANA, HANG, LATN = (SCRIPT_NUMBER[code] for code in ("Hani", "Kana", "Hang", "Latn"))
LETTERS_A_UNIT = 5  # of alphabets: about a word
MIXED_SHARE = 0.4  # of the units: a second script from which on its languages are possible too
KANA_SHARE = (0.02, 0.1)  # of Han and kana: below, not Japanese; from the second on nothing else
SHORT_HAN = 12  # so many Han characters without kana may be Japanese: names, headlines
BLOCK_UNITS, LEAST_UNITS = 50, 10  # paragraphs are joined up to so many units; what stays smaller counts for no language
SURE = 0.5  # probability from which on a paragraph is believed to be in another language of the same script
VARIANT_FORMS, VARIANT_SHARE = 3, 0.1  # characters of either kind that are needed; a minority from which on a text is mixed
CLASSICAL, MODERN, CANTONESE = 0.06, 0.01, 0.01  # shares of the Han characters
HINT_HAN = 20
LEAST_SHARE = 0.0005  # what is not written


@dataclass(frozen=True, slots=True)
class Windows:
    """Of a text longer than count × chars × 1.25 only so many windows are read, of so many characters. count 0: everything."""

    count: int = 16
    chars: int = 80


@dataclass(slots=True)
class Identified:
    """What was found out about one text."""

    lang: str
    score: float
    languages: dict[str, float] = field(default_factory=dict)  # shares of the units; empty: not told apart
    scripts: dict[str, float] = field(default_factory=dict)  # shares of the letters
    variant: str = ""  # Hans, Hant or mixed
    hint: str = ""  # yue, lzh

    @property
    def mix(self) -> float:
        """Share of the text in another language than `lang`."""
        return round(1 - self.languages.get(self.lang, 0.0), 4) if self.languages else 0.0


@njit(cache=True, nogil=True)
def place_windows(codes: Any, offsets: Ints, count: int, chars: int, spans: Ints, doc: Ints) -> int:
    """Fill the spans that are read of each document, and whose they are; returns how many. A window begins behind a newline or blank."""
    n = 0
    for d in range(offsets.size - 1):
        low, high = offsets[d], offsets[d + 1]
        if count == 0 or (high - low) * 4 <= count * chars * 5:
            spans[n, 0], spans[n, 1], doc[n] = low, high, d
            n += 1
            continue
        for k in range(count):
            at = low + (high - low - chars) * k // (count - 1) if count > 1 else low
            begin = at
            if k:
                for i in range(at, at + chars // 2):
                    if codes[i] == 10:
                        begin = i + 1
                        break
                    if codes[i] == 32 and begin == at:
                        begin = i + 1
            spans[n, 0], spans[n, 1], doc[n] = begin, at + chars, d
            n += 1
    return n


@njit(cache=True, nogil=True)
def join_blocks(doc: Ints, units: Reals, script: Ints, most: float, out: Ints) -> int:
    """The block of each line: lines of one document that follow one another and share a script, until a block has `most` units."""
    n, filled, of = 0, 0.0, -1
    for i in range(doc.size):
        begin = i == 0 or doc[i] != doc[i - 1] or filled >= most
        if not begin and units[i] >= 2 and of >= 0 and script[i] != of:
            begin = True
        if begin:
            n += 1
            filled, of = 0.0, -1
        if units[i] >= 2:
            of = script[i]
        filled += units[i]
        out[i] = n - 1
    return n


class Identifier:
    """Asks one model about batches of texts. A text's answer does not depend on its batch."""

    def __init__(self, model: LanguageModel, windows: Windows | None = None) -> None:
        self._model, self._windows = model, windows or Windows()
        order = sorted(range(len(model.labels)), key=lambda i: (code_of(model.labels[i]), i))
        codes = [code_of(model.labels[i]) for i in order]
        self._order = np.array(order)
        self._first = np.array([i for i, code in enumerate(codes) if i == 0 or codes[i - 1] != code])
        self.codes = [codes[i] for i in self._first.tolist()]
        self._mask = script_mask([model.labels[i] for i in order]).astype(np.float32)
        self._ja = np.array([code == "ja" for code in codes])
        self._varieties = [variety_of(model.labels[i]) for i in order]
        self._number = {code: i for i, code in enumerate(self.codes)}

    def __call__(self, texts: list[str]) -> list[Identified]:
        encoded = utf32(texts)
        classes = count_batch(encoded)
        letters, signs = _by_script(classes)
        seen, doc = self._view(encoded)
        lines = self._model.read(seen.text, seen.starts)
        units = (seen.letters * _unit_weights()).sum(axis=1)
        used = _prose(seen, doc, units, len(texts))
        group = np.where(used, doc, -1)
        read = _sum_rows(seen.letters, group, len(texts))
        allowed = self._allowed(read, signs)
        best, score = self._choose(lines.probabilities(group, len(texts)), allowed, read)
        best[read.sum(axis=1) == 0] = -1
        found = [Identified(self.codes[b] if b >= 0 else UNDETERMINED, s) for b, s in zip(best.tolist(), _rounded(score, best))]
        self._mix(found, best, seen, doc, units, lines, signs)
        _tell_scripts(found, letters)
        for one, han, row in zip(found, letters[:, HANI].tolist(), signs.tolist()):
            if one.lang == "zh":
                _tell_kind(one, han, dict(zip(HAN_SIGNS, row)))
        return found

    def _view(self, encoded: Encoded) -> tuple[LanguageView, Ints]:
        codes, offsets = encoded
        count, chars = self._windows.count, self._windows.chars
        most = (len(offsets) - 1) * max(count, 1)
        spans, doc = np.zeros((most, 2), np.int64), np.zeros(most, np.int64)
        n = place_windows(codes, offsets, count, chars, spans, doc)
        seen = view(encoded, spans[:n])
        return seen, doc[seen.span]

    def _allowed(self, letters: Ints, signs: Ints) -> Floats:
        """(texts, labels) 1 where a label is possible for a text with these letters of each script."""
        weighed = letters * _unit_weights()
        han, kana = letters[:, HANI], letters[:, KANA]
        with np.errstate(invalid="ignore", divide="ignore"):
            share = np.nan_to_num(weighed / weighed.sum(axis=1, keepdims=True))
            kana_share = np.nan_to_num(kana / (han + kana))
        joined = share.copy()
        joined[:, HANI] += share[:, KANA]
        joined[:, KANA] = 0
        scripts = joined >= MIXED_SHARE
        scripts[np.arange(len(joined)), joined.argmax(axis=1)] = True
        japanese = scripts[:, HANI] & (kana_share >= KANA_SHARE[1])
        scripts[:, KANA] |= japanese
        scripts[:, HANI] &= ~japanese
        allowed = np.zeros((len(letters), self._mask.shape[1]), np.float32)
        for script in np.flatnonzero(scripts.any(axis=0)).tolist():  # no product of matrices: BLAS would start threads for it
            allowed[scripts[:, script]] += self._mask[script]
        np.minimum(allowed, 1, out=allowed)
        forms = signs[:, HAN_SIGNS.index("japanese")] > np.maximum(signs[:, HAN_SIGNS.index("hans")], np.maximum(1, 0.02 * han))
        neutral = (han < SHORT_HAN) & (signs[:, HAN_SIGNS.index("hans")] + signs[:, HAN_SIGNS.index("modern")] == 0)
        chinese = scripts[:, HANI] & (kana_share < KANA_SHARE[0]) & ~forms & ~neutral
        allowed[np.ix_(chinese, self._ja)] = 0
        return allowed

    def _choose(self, probabilities: Floats, allowed: Floats, letters: Ints) -> tuple[Ints, Floats]:
        """The most probable possible language of each text, and its probability. Han without kana is Japanese only when that is sure."""
        by_code = np.add.reduceat(probabilities[:, self._order] * allowed, self._first, axis=1)
        best = by_code.argmax(axis=1)
        if "ja" in self._number and "zh" in self._number:
            few = (best == self._number["ja"]) & (letters[:, KANA] == 0) & (by_code[np.arange(len(best)), best] < SURE)
            best[few] = self._number["zh"]
        return best.astype(np.int64), by_code[np.arange(len(best)), best]

    def _mix(self, found: list[Identified], best: Ints, seen: LanguageView, doc: Ints, units: Reals, lines: Any, signs: Ints) -> None:
        """Paragraphs: in which languages the text is, by their units."""
        block = np.zeros(len(doc), np.int64)
        weighed = seen.letters * _unit_weights()
        weighed[:, HANI] += weighed[:, KANA]
        weighed[:, KANA] = 0
        n = join_blocks(doc, units, weighed.argmax(axis=1), float(BLOCK_UNITS), block)
        size = np.bincount(block, units, n)
        of = np.zeros(n, np.int64)
        of[block] = doc
        counted = (size >= LEAST_UNITS) & (np.bincount(of, minlength=len(found))[of] > 1) & (best[of] >= 0)
        letters = _sum_rows(seen.letters, block, n)
        # a paragraph of Han alone in a Chinese text needs no model
        plain = letters[:, HANI] >= 0.9 * letters.sum(axis=1)
        asked = np.flatnonzero(counted & ~(plain & (best[of] == self._number.get("zh", -2))))
        code = best[of].copy()
        if asked.size:
            number = np.full(n, -1, np.int64)
            number[asked] = np.arange(asked.size)
            allowed = self._allowed(letters[asked], np.zeros((asked.size, len(HAN_SIGNS)), np.int64))
            probabilities = lines.probabilities(number[block], asked.size)
            own, score = self._choose(probabilities, allowed, letters[asked])
            by_code = np.add.reduceat(allowed, self._first, axis=1)
            home = by_code[np.arange(asked.size), best[of[asked]]] > 0
            code[asked] = np.where(home & (score < SURE), best[of[asked]], own)
        kept = np.flatnonzero(counted)
        for d in np.unique(of[kept][code[kept] != best[of[kept]]]).tolist():
            mine = kept[of[kept] == d]
            shares = np.bincount(code[mine], size[mine], len(self.codes)) / size[mine].sum()
            ranked = np.argsort(-shares, kind="stable")
            found[d].languages = {self.codes[c]: round(float(shares[c]), 4) for c in ranked.tolist() if shares[c] >= LEAST_SHARE}


def _unit_weights() -> Reals:
    weights = np.full(len(SCRIPTS), 1 / LETTERS_A_UNIT)
    weights[[HANI, KANA, HANG]] = 1
    weights[0] = 0
    return weights


def _by_script(classes: npt.NDArray[np.int32]) -> tuple[Ints, Ints]:
    """Letters of each script (texts, SCRIPTS), and Han characters that tell something (texts, HAN_SIGNS)."""
    tables = script_tables()
    to_script = np.zeros((tables.size, len(SCRIPTS)), np.int64)
    to_script[np.arange(tables.size), tables.script_of[: tables.size]] = 1
    to_script[:, 0] = 0
    wide = classes.astype(np.int64)
    return wide @ to_script, wide @ tables.signs[: tables.size].astype(np.int64)


def _prose(seen: LanguageView, doc: Ints, units: Reals, texts: int) -> Bools:
    """The lines that decide: without program text, where a fifth of the text is left without it."""
    prose = np.bincount(doc, units * ~seen.code, texts)
    enough = prose >= 0.2 * np.bincount(doc, units, texts)
    used: Bools = ~(seen.code & enough[doc])
    return used


def _sum_rows(rows: npt.NDArray[np.int32], group: Ints, groups: int) -> Ints:
    out = np.zeros((groups, rows.shape[1]), np.int64)
    sum_rows(rows, group, out)
    return out


def _rounded(score: Floats, best: Ints) -> list[float]:
    return [round(min(float(s), 1.0), 4) if b >= 0 else 0.0 for s, b in zip(score.tolist(), best.tolist())]


def _tell_scripts(found: list[Identified], letters: Ints) -> None:
    """Shares of the scripts among the letters, the largest first."""
    shares = letters / np.maximum(letters.sum(axis=1, keepdims=True), 1)
    texts, scripts = np.nonzero(shares >= LEAST_SHARE)
    names = list(SCRIPTS)
    for d, script, share in zip(texts.tolist(), scripts.tolist(), shares[texts, scripts].tolist()):
        found[d].scripts[names[script]] = round(share, 4)
    for one in found:
        if len(one.scripts) > 1:
            one.scripts = dict(sorted(one.scripts.items(), key=lambda item: -item[1]))


def _tell_kind(one: Identified, han: int, sign: dict[str, int]) -> None:
    """Of a Chinese text: simplified or traditional, and hints. `sign`: how many Han characters have each of HAN_SIGNS."""
    forms = sign["hans"] + sign["hant"]
    if forms >= VARIANT_FORMS:
        share = sign["hant"] / forms
        one.variant = "Hans" if share < VARIANT_SHARE else "Hant" if share > 1 - VARIANT_SHARE else "mixed"
    if han >= HINT_HAN and sign["cantonese"] >= max(2, CANTONESE * han):
        one.hint = "yue"
    elif han >= HINT_HAN and sign["classical"] >= CLASSICAL * han and sign["modern"] < MODERN * han:
        one.hint = "lzh"
