"""Engines of other libraries behind the same one method. Each is an extra; nothing is downloaded here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cleaning.pii.names.finder import NameEngine

Spans = list[tuple[int, int]]


class SpacyNames:
    """spaCy: `model` is an installed package or a folder, such as zh_core_web_sm or en_core_web_sm."""

    def __init__(self, model: str) -> None:
        import spacy

        self._nlp: Any = spacy.load(model or "zh_core_web_sm")

    def names(self, texts: list[str]) -> list[Spans]:
        return [[(e.start_char, e.end_char) for e in doc.ents if e.label_ in ("PERSON", "PER")] for doc in self._nlp.pipe(texts)]


class HanlpNames:
    """HanLP 2: `model` is a multi-task model's name in hanlp.pretrained.mtl, or its folder."""

    def __init__(self, model: str) -> None:
        import hanlp

        known = hanlp.pretrained.mtl
        self._run: Any = hanlp.load(getattr(known, model, model) if model else known.CLOSE_TOK_POS_NER_SRL_DEP_SDP_CON_ELECTRA_SMALL_ZH)

    def names(self, texts: list[str]) -> list[Spans]:
        out = []
        for text in texts:
            result = self._run(text, tasks="ner*")
            key = next(k for k in result if k.startswith("ner"))
            tokens = result[next(k for k in result if k.startswith("tok"))]
            out.append(_of_tokens(text, tokens, [(b, e) for _, kind, b, e in result[key] if kind in ("PERSON", "nr", "NR")]))
        return out


class LtpNames:
    """LTP 4: `model` is a name such as LTP/small, or a folder."""

    def __init__(self, model: str) -> None:
        from ltp import LTP

        self._ltp: Any = LTP(model or "LTP/small")

    def names(self, texts: list[str]) -> list[Spans]:
        out = []
        for text in texts:
            result = self._ltp.pipeline([text], tasks=["cws", "ner"])
            words = [word for kind, word, *_ in result.ner[0] if kind == "Nh"]
            out.append(_of_words(text, words))
        return out


def _of_tokens(text: str, tokens: list[str], spans: Spans) -> Spans:
    """Spans of tokens as spans of characters; blanks between tokens are skipped."""
    places: list[tuple[int, int]] = []
    at = 0
    for token in tokens:
        begin = text.find(token, at)
        at = (begin if begin >= 0 else at) + len(token)
        places.append((at - len(token), at))
    return [(places[b][0], places[e - 1][1]) for b, e in spans]


def _of_words(text: str, words: list[str]) -> Spans:
    out: Spans = []
    at = 0
    for word in words:
        begin = text.find(word, at)
        if begin >= 0:
            at = begin + len(word)
            out.append((begin, at))
    return out


ADAPTERS: dict[str, Callable[[str], NameEngine]] = {"spacy": SpacyNames, "hanlp": HanlpNames, "ltp": LtpNames}
