"""Stage `boilerplate`: take out what is not the text: menus, bylines, rights notices, counters as whole lines; promotion, sources and
signatures at the head and tail; citation marks. Nothing is removed from inside a sentence but citation marks.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

import numpy as np
import xxhash
from pydantic import BeforeValidator, Field

from cleaning.config import Strict
from cleaning.doc import Batch, Doc
from cleaning.errors import UserError
from cleaning.rules.line_lists import LineLists, PhraseList
from cleaning.stages.contract import FindFile, Stage, Step, StepDefaults
from cleaning.text.citations import drop_citations

Paths = Annotated[tuple[str, ...], BeforeValidator(lambda v: (v,) if isinstance(v, str) else v)]
WINDOW = 2000  # characters at either end in which head and tail are looked for
SHORTEST = 200  # a shorter text has no head and tail apart from itself
LONGEST_SENTENCE = 200  # a longer one is text, whatever phrase it holds
_SENTENCE_RE = re.compile(r"(?:[^。！？!?.\n]|\.(?!\s))*(?:[。！？!?]+[”’」』）)\"]*|\.(?=\s)|\n|$)")


class BoilerplateParams(Strict):
    """Lists of whole lines and of head/tail phrases; how far the head/tail cleaner goes."""

    lists: Paths = ()
    head_tail: Paths = ()
    patience: int = Field(default=3, ge=1)  # clean sentences in a row after which the walk inward stops
    cap: float = Field(default=0.2, ge=0, le=0.5)  # share of the characters that may go at each end
    citations: bool = True


class BoilerplateStep(StepDefaults):
    """Applies the lists to each live document."""

    def __init__(self, params: BoilerplateParams, find: FindFile) -> None:
        self._params = params
        self._lists = LineLists([(find(name), name) for name in params.lists]) if params.lists else None
        self._phrases = PhraseList([(find(name), name) for name in params.head_tail]) if params.head_tail else None

    def __call__(self, batch: Batch) -> None:
        docs = batch.live
        if not docs:
            return
        learned: list[dict[str, Any]] = [{} for _ in docs]
        sizes = [len(doc.text) for doc in docs]
        if self._lists is not None:
            self._drop_lines(batch, docs, learned, self._lists)
        if self._phrases is not None:
            self._cut_ends(batch, docs, learned, self._phrases)
        if self._params.citations:
            for doc, notes in zip(docs, learned, strict=True):
                text = drop_citations(doc.text)
                if len(text) < len(doc.text):
                    notes["citations"] = len(doc.text) - len(text)
                    doc.text = text
        for doc, notes, size in zip(docs, learned, sizes, strict=True):
            share = round((size - len(doc.text)) / size, 4) if size else 0.0
            if notes:
                doc.notes["boilerplate"] = {**notes, "share": share}
                batch.stats.count("boilerplate", "changed")
                batch.stats.count("boilerplate", "chars_removed", size - len(doc.text))

    def _drop_lines(self, batch: Batch, docs: list[Doc], learned: list[dict[str, Any]], lists: LineLists) -> None:
        found = lists.match([doc.text for doc in docs])
        if not len(found):
            return
        for rows in np.split(found, np.flatnonzero(np.diff(found[:, 0])) + 1):
            d = int(rows[0, 0])
            text, at, parts = docs[d].text, 0, [""]
            for _, first, last, number in rows.tolist():
                entry = lists.entries[number]
                batch.stats.count("boilerplate", f"lines/{entry.file}")
                batch.stats.count("boilerplate", f"entry/{entry.file}\t{entry.text}")
                if first > at:
                    parts.append(text[at:first])
                at = last + 1  # its newline goes with it
                before = parts[-1][-2:]
                while text[at : at + 1] == "\n" and before in ("", "\n\n"):  # no two empty lines where it stood
                    at += 1
            parts.append(text[at:])
            learned[d]["lines"] = len(rows)
            docs[d].text = "".join(parts).strip("\n")
        batch.stats.count("boilerplate", "lines_removed", len(found))

    def _cut_ends(self, batch: Batch, docs: list[Doc], learned: list[dict[str, Any]], phrases: PhraseList) -> None:
        windows = []
        for d, doc in enumerate(docs):
            size = min(int(self._params.cap * len(doc.text)), WINDOW)
            if len(doc.text) >= SHORTEST and size:
                windows += [(d, "head", doc.text[:size]), (d, "tail", doc.text[-size:])]
        hit = phrases.holds([text for _, _, text in windows], whole_sentences=False)
        sentences: list[list[str]] = []
        for k in sorted(hit):
            split = [m[0] for m in _SENTENCE_RE.finditer(windows[k][2]) if m[0]]
            # the sentence that the window cuts through belongs to the text
            sentences.append(split[:-1] if windows[k][1] == "head" else split[:0:-1])
        holds = phrases.holds([s for of in sentences for s in of])
        base = 0
        for k, of in zip(sorted(hit), sentences, strict=True):
            d, side, _ = windows[k]
            cut = self._walk([(len(s), bool(s.strip()), base + i in holds) for i, s in enumerate(of)])
            base += len(of)
            if not cut:
                continue
            doc, text = docs[d], docs[d].text
            gone = text[:cut] if side == "head" else text[len(text) - cut :]
            doc.text = text[cut:].lstrip() if side == "head" else text[: len(text) - cut].rstrip()
            learned[d][side] = len(text) - len(doc.text)
            batch.stats.count("boilerplate", f"{side}_cut")
            rank = xxhash.xxh64_hexdigest(f"{side}\0{doc.id}".encode("utf-8", "surrogatepass"))
            if batch.stats.wants("boilerplate", side, rank):
                batch.stats.sample("boilerplate", side, rank, {"id": doc.id, "text": gone[:300]})

    def _walk(self, sentences: list[tuple[int, bool, bool]]) -> int:
        """How many characters go, for (length, not blank, listed) of the sentences from the end inward."""
        cut, seen, clean = 0, 0, 0
        for length, full, listed in sentences:
            seen += length
            if listed and length <= LONGEST_SENTENCE:
                cut, clean = seen, 0
            elif full:
                clean += 1
                if clean >= self._params.patience:
                    break
        return cut


class Boilerplate(Stage):
    """Lines of menus and notices, heads and tails, citation marks."""

    name = "boilerplate"
    version = 1
    about = "take out lines of menus, notices and counters, promotion at head and tail, citation marks"
    gives = ("boilerplate",)
    Params = BoilerplateParams
    file_lists = ("lists", "head_tail")

    def files(self) -> list[str]:
        return [*self.params.lists, *self.params.head_tail]

    def check(self) -> None:
        faults: list[str] = []
        for compiled, names in ((LineLists, self.params.lists), (PhraseList, self.params.head_tail)):
            try:
                compiled([(self.find(name), name) for name in names])
            except UserError as exc:
                faults.extend(exc.faults)
        if faults:
            raise UserError(faults)

    def warm_up(self) -> None:
        BoilerplateStep(self.params, self.find)(Batch([Doc({}, "首页\n一。" * 200, b"", "", 0)]))

    def identity(self) -> dict[str, Any]:
        data = dict(self.params.model_dump(mode="json"))
        return {**data, "lists": len(data["lists"]), "head_tail": len(data["head_tail"])}

    def step(self) -> Step:
        return BoilerplateStep(self.params, self.find)
