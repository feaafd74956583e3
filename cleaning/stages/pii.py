"""Stage `pii`: find personal data, prove it, mask it.

`rules/pii.yaml` says which types and what happens to them. What changed is noted in `cleaning.pii` as type, start and length
in code points of
the text as it came into the stage; never the value.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from cleaning.config import Strict
from cleaning.doc import Batch, Doc, Drop
from cleaning.errors import ConfigError, ModelError
from cleaning.pii.masking import Masked, Masker, NameFinder
from cleaning.pii.names.finder import Names, make_finder
from cleaning.pii.names.genre import subject_of
from cleaning.pii.policy import load_policy
from cleaning.rules.rule_set import Paths
from cleaning.stages.contract import FindFile, Stage, Step, StepDefaults

MAX_ITEMS = 5  # Dolma drops documents with more than five
Genre = Literal["news", "encyclopaedia", "books", "law"]


class PiiParams(Strict):
    """What the configuration may set."""

    file: str = "rules/pii.yaml"
    action: Literal["placeholder", "pseudonym", "delete", "tag", "drop_doc"] = "placeholder"
    tokens: Literal["zh", "en"] = "zh"
    max_items: int = Field(default=0, ge=0)
    key_file: str = ""
    names: Literal["near_pii", "labels", "all", "off"] = "near_pii"
    engine: Literal["own", "spacy", "hanlp", "ltp"] = "own"
    engine_model: str = ""
    allow: Paths = ()
    spare: tuple[Genre, ...] = ("news", "encyclopaedia", "books", "law")
    mask_rejects: bool = False


class PiiStep(StepDefaults):
    """Masks each live document."""

    def __init__(self, params: PiiParams, masker: Masker) -> None:
        self._masker, self._spare = masker, frozenset(params.spare) if params.names in ("near_pii", "labels") else frozenset()
        self._tag = params.action == "tag"
        self._limit = params.max_items or (MAX_ITEMS if params.action == "drop_doc" else 0)

    def __call__(self, batch: Batch) -> None:
        docs = batch.live
        if not docs:
            return
        for doc, masked in zip(docs, self._masked(docs), strict=True):
            if masked.spans or masked.kept:
                self._take(batch, doc, masked)

    def _masked(self, docs: list[Doc]) -> list[Masked]:
        spared = [bool(self._spare) and subject_of(doc.text, doc.record, doc.source) in self._spare for doc in docs]
        try:
            return self._masker([doc.text for doc in docs], spared)
        except Exception as exc:
            # the message could quote the text: it must reach no log
            raise RuntimeError(f"{type(exc).__name__} while looking for personal data (its message is withheld)") from None

    def _take(self, batch: Batch, doc: Doc, masked: Masked) -> None:
        for span in masked.spans:
            batch.stats.count("pii", f"found/{span.type}")
        for span in masked.kept:
            batch.stats.count("pii", f"kept/{span.type}")
        if masked.spans:
            batch.stats.count("pii", "changed" if masked.text != doc.text else "tagged")
            doc.notes["pii"] = [{"type": s.type, "start": s.start, "length": s.end - s.start} for s in masked.spans]
        items = sum(span.proved for span in masked.spans)
        doc.text = masked.text
        if self._limit and items > self._limit:
            reason = "more validated personal data than prose has: a directory of contacts"
            doc.drop = Drop("pii", "too_many_items", items, f"> {self._limit}", reason)


class Pii(Stage):
    """Personal data: telephone numbers, papers, cards, accounts, addresses, keys, names."""

    name = "pii"
    version = 1
    about = "personal data: found, proved by check digits and context, then masked, tagged or dropped"
    gives = ("pii",)
    Params = PiiParams
    file_lists = ("allow",)

    def __init__(self, params: PiiParams, find: FindFile) -> None:
        super().__init__(params, find)
        self.params: PiiParams = params

    def files(self) -> list[str]:
        return [self.params.file, *self.params.allow]

    def models(self) -> list[str]:
        return [self.params.key_file] if self.params.key_file else []

    def identity(self) -> dict[str, Any]:
        data = self.params.model_dump(mode="json", exclude={"file", "key_file", "allow", "engine_model"})
        return {**data, "key": bool(self.params.key_file), "allow": len(self.params.allow), "engine": self._names().identity()}

    def check(self) -> None:
        load_policy(self.find(self.params.file), self.params.file, self.params.tokens)
        self._key()
        if self.params.names != "off":
            self._names().check()

    def warm_up(self) -> None:
        policy = load_policy(self.find(self.params.file), self.params.file, self.params.tokens)
        Masker(policy, "placeholder")(["13812345678"])

    def step(self) -> Step:
        return PiiStep(self.params, self.masker())

    def masker(self, action: str = "") -> Masker:
        """What masks one text, for documents and for what the engine writes of rejected ones."""
        policy = load_policy(self.find(self.params.file), self.params.file, self.params.tokens)
        finder: NameFinder | None = None
        if self.params.names != "off" and policy.actions["person"] != "off":
            finder = make_finder(self._names(), [self.find(name) for name in self.params.allow])
        return Masker(policy, action or self.params.action, key=self._key(), names=finder)

    @property
    def masks(self) -> bool:
        return self.params.mask_rejects

    def mask(self) -> Callable[[list[str]], list[str]] | None:
        if not self.params.mask_rejects:
            return None
        action = "placeholder" if self.params.action == "tag" else self.params.action
        masker = self.masker(action)
        return lambda texts: [masked.text for masked in masker(texts)]

    def _names(self) -> Names:
        return Names(self.params.names, self.params.engine, self.params.engine_model)

    def _key(self) -> bytes:
        if not self.params.key_file:
            return b""
        path: Path = self.find(self.params.key_file)
        try:
            key = path.read_bytes().strip()
        except OSError as exc:
            raise ModelError(f"pii.key_file: {self.params.key_file}: cannot be read: {exc.strerror}") from exc
        if len(key) < 16:
            raise ConfigError(
                f"pii.key_file: {self.params.key_file}: {len(key)} bytes; at least 16 random bytes are expected (head -c 32 /dev/urandom)"
            )
        return key
