"""Stage `decontaminate`: find the items of benchmarks in documents, so that no model is trained on what it will be tested with."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

import xxhash
from pydantic import BeforeValidator, Field

from cleaning.config import FieldsConfig, Strict
from cleaning.dedup.benchmarks import read_items
from cleaning.dedup.overlap import Item, Match, OverlapIndex
from cleaning.doc import Batch, Doc, Drop
from cleaning.errors import ConfigError
from cleaning.stages.contract import Stage, Step, StepDefaults

Paths = Annotated[tuple[str, ...], BeforeValidator(lambda v: (v,) if isinstance(v, str) else v)]
SHOWN = 5  # items that a document names


class DecontaminateParams(Strict):
    """Which benchmarks; when an item counts as found; what happens then."""

    benchmarks: Paths = ()
    fields: Literal["auto"] | FieldsConfig = "auto"
    ngram: int = Field(default=13, ge=3, le=64)
    min_units: int = Field(default=8, ge=2)
    share: float = Field(default=0.6, gt=0, le=1)
    action: Literal["drop", "cut", "tag"] = "drop"


@lru_cache(maxsize=2)
def _index(files: tuple[tuple[Path, str], ...], digest: str, params: DecontaminateParams) -> OverlapIndex:
    """`digest` keeps an index of other contents from being used again."""
    items = (item for path, name in files for item in read_items(path, name, params.fields))
    return OverlapIndex(items, params.ngram, params.min_units, params.share)


class DecontaminateStep(StepDefaults):
    """Looks each live document up in the index."""

    def __init__(self, index: OverlapIndex, params: DecontaminateParams) -> None:
        self._index, self._params = index, params

    def __call__(self, batch: Batch) -> None:
        docs = batch.live
        if not docs:
            return
        found = self._index.find([doc.text for doc in docs])
        for d, matches in sorted(found.items()):
            doc, best = docs[d], _best_of_each(matches)
            for match in best:
                batch.stats.count("decontaminate", f"items/{match.item.bench}")
                batch.stats.count("decontaminate", f"item/{match.item.bench}\t{match.item.id}")
            batch.stats.count("decontaminate", "documents_hit")
            rank = xxhash.xxh64_hexdigest(f"decontaminate\0{doc.id}".encode("utf-8", "surrogatepass"))
            shown = {"id": doc.id, "item": best[0].item.id, "text": doc.text[best[0].start : best[0].end][:300]}
            batch.stats.sample("decontaminate", best[0].item.bench, rank, shown)
            self._act(doc, best)

    def _act(self, doc: Doc, matches: list[Match]) -> None:
        notes = [_note(match) for match in matches]
        if self._params.action == "drop":
            reason = "holds an item of a benchmark"
            limit = f"benchmark_overlap >= {self._params.share:g}"
            extra = {"items": notes[:SHOWN], "found": len(notes)}
            doc.drop = Drop("decontaminate", "benchmark_overlap", matches[0].share, limit, reason, (), extra)
            return
        doc.notes["benchmark_overlap"] = matches[0].share
        doc.notes["benchmark_items"] = notes
        if self._params.action == "cut":
            doc.text = _without(doc.text, [(match.start, match.end) for match in matches])


class Decontaminate(Stage):
    """Overlap of n-grams with evaluation sets (Brown et al. 2020 used 13, on words); n-grams of units here, and a share of an item's."""

    name = "decontaminate"
    version = 1
    about = "find the items of benchmarks in documents, and drop the document or cut them out"
    gives = ("benchmark_overlap",)
    Params = DecontaminateParams
    file_lists = ("benchmarks",)

    def files(self) -> list[str]:
        return list(self.params.benchmarks)

    def index(self) -> OverlapIndex:
        """The items of all benchmarks. Raises ConfigError."""
        files = tuple((self.find(name), name) for name in self.params.benchmarks)
        digest = xxhash.xxh3_128()
        for path, _ in files:
            digest.update(path.read_bytes())
        index = _index(files, digest.hexdigest(), self.params)
        if not index.items:
            raise ConfigError(f"decontaminate.benchmarks: no item of {self.params.min_units} units in {', '.join(self.params.benchmarks)}")
        return index

    def check(self) -> None:
        if not self.params.benchmarks:
            raise ConfigError("decontaminate.benchmarks: name the files of the benchmarks, such as [eval/*.jsonl]")
        self.index()

    def identity(self) -> dict[str, Any]:
        return {**self.params.model_dump(mode="json"), "benchmarks": [Path(name).name for name in self.params.benchmarks]}

    def warm_up(self) -> None:
        OverlapIndex([("a", "b", "一二三四五六七八九十")], least=2).find(["一"])

    def step(self) -> Step:
        return DecontaminateStep(self.index(), self.params)


def _best_of_each(matches: list[Match]) -> list[Match]:
    """One match an item: its question or the whole of it, whichever is found more completely, the longer one of equals."""
    best: dict[Item, Match] = {}
    named: dict[tuple[str, str], Match] = {}
    for match in sorted(matches, key=lambda m: (-m.share, m.start - m.end, m.start, m.item.id)):
        if named.setdefault((match.item.bench, match.item.id), match) is match:
            best[match.item] = match
    return list(best.values())


def _note(match: Match) -> dict[str, Any]:
    item = match.item
    where = {"start": match.start, "length": match.end - match.start}
    return {"bench": item.bench, "item": item.id, "part": item.part, "share": match.share, **where}


def _without(text: str, spans: list[tuple[int, int]]) -> str:
    """The text without these spans; what stands between two cuts in a line with nothing but marks goes with them."""
    out, at = [], 0
    for start, end in sorted(spans):
        if start > at:
            out.append(text[at:start])
        at = max(at, end)
    out.append(text[at:])
    kept = [part.rstrip(" \t") if i + 1 < len(out) else part for i, part in enumerate(out)]
    for i in range(1, len(kept)):
        kept[i] = kept[i].lstrip("。．.？?！!）)”\"' \t")
        if kept[i - 1].endswith("\n") and kept[i].startswith("\n"):
            kept[i] = kept[i].lstrip("\n")
    return "".join(kept).strip("\n")
