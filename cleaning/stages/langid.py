"""Stage `langid`: which language a document is in, how sure that is, what else is in it. It measures; `rules/languages.yaml` judges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from cleaning.doc import Doc
from cleaning.models.fasttext_model import check_model
from cleaning.models.identify import Identified, Identifier, Windows
from cleaning.models.language_model import load_language_model, warm_up_kernels
from cleaning.stages.measuring import JudgingParams, MeasuringStage, Scorer


class LangidParams(JudgingParams):
    """The model, and how much of a long document is read."""

    model: str = "models/lid.176.ftz"
    windows: int = Field(default=16, ge=0, le=1000)  # of a document longer than windows × window_chars × 1.25; 0: always everything
    window_chars: int = Field(default=80, ge=40)


class LangidScorer:
    """Writes the notes of documents."""

    def __init__(self, identifier: Identifier) -> None:
        self._identify = identifier

    def __call__(self, docs: Sequence[Doc]) -> None:
        for doc, found in zip(docs, self._identify([doc.text for doc in docs]), strict=True):
            notes = doc.notes
            for name in Langid.gives:
                notes.pop(name, None)
            notes |= noted(found)


def noted(found: Identified) -> dict[str, Any]:
    """What is written under `cleaning`; what does not apply is left out."""
    scripts = found.scripts
    notes: dict[str, Any] = {"lang": found.lang, "lang_score": found.score, "lang_mix": found.mix}
    notes["han_share"], notes["latin_share"] = scripts.get("Hani", 0.0), scripts.get("Latn", 0.0)
    if found.languages:
        notes["languages"] = found.languages
    if len(scripts) > 1:
        notes["scripts"] = scripts
    if found.variant:
        notes["variant"] = found.variant
    if found.hint:
        notes["lang_hint"] = found.hint
    return notes


class Langid(MeasuringStage):
    """Language identification by a fastText model, whole document and paragraphs."""

    name = "langid"
    version = 1
    about = "note the language, its score, other languages beside it, scripts, simplified or traditional"
    gives = ("lang", "lang_score", "lang_mix", "han_share", "latin_share", "languages", "scripts", "variant", "lang_hint")
    metrics = ("lang_score", "lang_mix", "han_share", "latin_share")
    libraries = ("fasttext",)
    Params = LangidParams

    def models(self) -> list[str]:
        return [self.params.model]

    def check(self) -> None:
        super().check()
        check_model(self.find(self.params.model), self.params.model)

    def warm_up(self) -> None:
        super().warm_up()
        warm_up_kernels()

    def scorer(self) -> Scorer:
        model = load_language_model(self.find(self.params.model), self.params.model)
        return LangidScorer(Identifier(model, Windows(self.params.windows, self.params.window_chars)))
