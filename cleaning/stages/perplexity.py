"""Stage `perplexity`: how well an n-gram language model predicts a text.

It notes `perplexity` for each token of the model's unit, and with a calibrated model `perplexity_percentile`, `perplexity_bucket` and
`broken_score`: see docs/perplexity.md for what each is good for. Without a rule file it keeps everything.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from cleaning.doc import Batch, Doc
from cleaning.errors import ConfigError, ModelError, UserError
from cleaning.models.card import Card, read_card
from cleaning.models.lm.auto import judge_of, open_folds, warm_up
from cleaning.models.lm.calibration import Calibration
from cleaning.models.lm.noting import Calibrated, PerplexityNotes, Reading, language_of
from cleaning.models.lm.scoring import ModelFile
from cleaning.models.store import missing_model
from cleaning.rules.rule_set import RuleSet
from cleaning.stages.contract import FindFile, ShardContext, Stage, Step
from cleaning.stages.fitting import FittingParams, FittingStage
from cleaning.stages.measuring import MeasuringStage, MeasuringStep
from cleaning.text.line_metrics import MODEL_LINE_METRICS

AUTO = "auto"  # no model at hand: fit some inside the run
ANY = "*"  # the model of every document that has none for its language


class PerplexityParams(FittingParams):
    """One model for all documents, or one for each language; what is not on a model's card; how documents are read."""

    model: str = ""
    models: dict[str, str] = Field(default_factory=dict)
    unit: Literal["auto", "char", "word", "jieba", "sp"] = "auto"
    sp_model: str = ""
    head: float = Field(default=30, ge=0, le=100)
    middle: float = Field(default=60, ge=0, le=100)


class PerplexityStep(MeasuringStep):
    """Scores and judges, and counts the documents that got no number."""

    def __init__(self, stage: str, notes: PerplexityNotes, rule_set: RuleSet) -> None:
        super().__init__(stage, notes, rule_set)
        self._stage, self._notes = stage, notes

    def __call__(self, batch: Batch) -> None:
        docs = batch.live
        if not docs:
            return
        self._notes(docs)
        for why, count in self._notes.missing.items():
            batch.stats.count(self._stage, f"without_number/{why}", count)
        self._judge(batch)


class Perplexity(MeasuringStage):
    """Perplexity under an n-gram language model, for documents and lines."""

    name = "perplexity"
    version = 1
    about = "how well a language model predicts the text: perplexity, its percentile, whether it looks broken"
    gives = ("perplexity",)
    Params = PerplexityParams
    metrics = ("perplexity", "perplexity_percentile", "broken_score")
    line_metrics = MODEL_LINE_METRICS
    file_lists: ClassVar[tuple[str, ...]] = ("rules", "reference")

    @classmethod
    def made(cls, params: Any, find: FindFile) -> Stage:
        return AutoPerplexity(params, find) if params.model == AUTO else cls(params, find)

    @property
    def named(self) -> dict[str, str]:
        """Language -> model as the parameters name it; ANY for the one model of all other documents."""
        return {**self.params.models, **({ANY: self.params.model} if self.params.model else {})}

    def models(self) -> list[str]:
        names = list(self.named.values())
        pieces = [self.params.sp_model] if self.params.sp_model else []
        for name in names:
            path = self._found(name)
            found = None if path is None or pieces else _beside(path, self.params.unit)
            if found is not None:
                pieces.append(str(Path(name).with_name(found)))
        return list(dict.fromkeys([*names, *pieces]))

    def files(self) -> list[str]:
        cards = [f"{name}.card.json" for name in self.named.values()]
        return [*super().files(), *(card for card in dict.fromkeys(cards) if self._found(card) is not None)]

    def _found(self, name: str) -> Path | None:
        """A file that need not be there."""
        try:
            return self.find(name)
        except (ConfigError, KeyError):
            return None

    def check(self) -> None:
        super().check()
        if not self.named:
            help = missing_model("models/zh.arpa").removeprefix("; ")
            raise ModelError(f"perplexity.model: no model is named; {help}, or say perplexity.model=auto")
        self._check_buckets()
        if self.params.reference:
            raise ConfigError("perplexity.reference: is for perplexity.model: auto")
        faults: list[str] = []
        for name in dict.fromkeys(self.named.values()):
            try:
                self._opened(name)
            except UserError as exc:
                faults += [f"{fault}{missing_model(name)}" for fault in exc.faults]
        if faults:
            raise ModelError(faults)

    def _check_buckets(self) -> None:
        if self.params.head > self.params.middle:
            raise ConfigError(f"perplexity.head {self.params.head:g} is larger than perplexity.middle {self.params.middle:g}")

    def _file(self, name: str) -> ModelFile:
        at = self._found(f"{name}.card.json")
        card: Card | None = None
        if at is not None:
            card = read_card(at.with_name(at.name.removesuffix(".card.json")))
        return ModelFile(self.find(name), card, self.params.unit, self.find(self.params.sp_model) if self.params.sp_model else None)

    def _opened(self, name: str) -> Calibrated:
        file = self._file(name)
        return Calibrated(file.open(), Calibration.of(file.card))

    def scorer(self) -> PerplexityNotes:
        opened = {name: self._opened(name) for name in dict.fromkeys(self.named.values())}
        return PerplexityNotes(opened, self.choose, self._reading())

    def _reading(self) -> Reading:
        return Reading(self.params.windows, self.params.by, (self.params.head, self.params.middle))

    def choose(self, doc: Doc) -> str | None:
        """The name of a document's model: that of its language, else the one of all others."""
        named = self.named
        if self.params.models:
            found = named.get(language_of(doc))
            if found is not None:
                return found
        return named.get(ANY)

    def identity(self) -> dict[str, Any]:
        """With the versions of what cuts text into tokens; our own normaliser's is in the card, and KenLM's numbers are fixed."""
        kinds = {self._unit(name) for name in self.named.values()}
        used = [library for kind, library in (("jieba", "jieba"), ("sp", "sentencepiece")) if kind in kinds]
        return {**super().identity(), "libraries": {library: version(library) for library in used}}

    def _unit(self, name: str) -> str:
        try:
            return self._file(name).units.kind
        except (UserError, KeyError):
            return ""  # the check says what is wrong

    def step(self) -> Step:
        return PerplexityStep(self.name, self.scorer(), self.rule_set)


class AutoStep(PerplexityStep):
    """Judges each document by the model of the fold that it is not in. The fold is that of the text as it came, also when lines go."""

    def __init__(self, stage: str, reading: Reading, rule_set: RuleSet) -> None:
        self._models: dict[str, Calibrated] = {}
        self._judges: dict[int, str | None] = {}
        self._opened: tuple[Path, ...] = ()
        super().__init__(stage, PerplexityNotes(self._models, lambda doc: self._judges[id(doc)], reading), rule_set)

    def open(self, shard: ShardContext) -> None:
        if shard.reduced != self._opened:
            self._models.clear()
            self._models.update(open_folds(shard.reduced))
            self._opened = shard.reduced

    def __call__(self, batch: Batch) -> None:
        self._judges = {id(doc): judge_of(doc) for doc in batch.live}
        super().__call__(batch)


class AutoPerplexity(FittingStage, Perplexity):
    """Perplexity under models that are fitted inside the run, on a reference or on the run's own documents."""

    Params = PerplexityParams
    named: ClassVar[dict[str, str]] = {}

    def models(self) -> list[str]:
        return list(self.params.reference)

    def check(self) -> None:
        MeasuringStage.check(self)
        self._check_buckets()
        if self.params.models or self.params.sp_model or self.params.unit != "auto":
            raise ConfigError("perplexity.model: auto chooses models and units itself; leave out models, unit and sp_model")

    def warm_up(self) -> None:
        super().warm_up()
        warm_up()

    def apply(self) -> Step:
        return AutoStep(self.name, self._reading(), self.rule_set)


def _beside(path: Path, unit: str) -> str | None:
    """The name of the SentencePiece model that lies beside a model and belongs to it."""
    try:
        pieces = ModelFile.beside(path, unit).sp_model
    except UserError:
        return None  # the check says what is wrong
    return None if pieces is None else pieces.name
