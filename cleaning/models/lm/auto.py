"""Language models of a run's own documents: which documents teach, which model judges whom.

Documents are split into two folds by a hash of their text, so that copies share a fold. The model of each fold learns from a sample of it
and judges the other fold: no document is judged by a model that has read it. The sample is the documents with the lowest hashes up to a
number of bytes, in the order of their hashes: it depends on the documents, not on how they lie in shards.

What it is not: a model that is kept. It is as good as the run's own documents, and what is common among them looks right to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import xxhash

from cleaning.doc import Doc
from cleaning.errors import UserError
from cleaning.io.carry import STEM, read_rows
from cleaning.io.commit import to_bytes
from cleaning.io.records import TextFields
from cleaning.models.card import Card
from cleaning.models.lm.broken import fit_broken
from cleaning.models.lm.calibration import Calibration, Sample, calibrate, group_names
from cleaning.models.lm.noting import Calibrated, language_of
from cleaning.models.lm.scoring import Scorer, TableModel
from cleaning.models.lm.table_file import map_tables, write_tables
from cleaning.models.lm.tables import Tables, build_tables
from cleaning.models.lm.train import fit
from cleaning.models.lm.units import Units

GROUPS = ("zh", "en")
FOLDS = 2
SHARDS = 64  # shards looked into; evenly spread
SPREADS = 3.0  # so many times as far above the quarter as a low score is below it, a text is too broken to teach
CALIBRATION = 8 << 20  # bytes of the other fold that the percentiles are taken from
FEWEST_DOCUMENTS = 40  # of the other fold, for percentiles
FEWEST_CHARS = {"zh": 15_000, "en": 40_000}  # that a fold needs for a model
MODEL, CARD = "model.ngrams", "card.json"
KEY = np.dtype([("hash", "<u8"), ("shard", "<u4"), ("row", "<u4"), ("bytes", "<u4"), ("group", "<u4")])
Keys = npt.NDArray[np.void]
_SHARE = 64  # a document gives at most one so many-th of the budget …
_LEAST = 16 << 10  # … or so many bytes
_MEMORY = 512 << 20
# what wrong decoding leaves: a document with any of it neither teaches nor calibrates, or a run with much of it would find it normal
_MISREAD = re.compile("[\ufffd\ue000-\uf8ff\x80-\x84\x86-\x9f]")


@dataclass(frozen=True, slots=True)
class Shape:
    """What kind of model a group gets."""

    unit: str
    order: int
    prune: tuple[int, ...]


SHAPES = {"zh": Shape("char", 5, (0, 0, 1)), "en": Shape("word", 3, (0,))}


def text_hash(text: str) -> int:
    """64 bits that decide a document's fold and whether it is in the sample."""
    return xxhash.xxh3_64_intdigest(text.encode("utf-8", "surrogatepass"))


def fold_of(hashed: int) -> int:
    """The fold that a document teaches; it is judged by the model of the other one."""
    return hashed & 1


def looked_into(shards: int) -> frozenset[int]:
    """Which shards give documents to the sample.

    >>> sorted(looked_into(3)), len(looked_into(10_000))
    ([0, 1, 2], 64)
    """
    count = min(shards, SHARDS)
    return frozenset(i * shards // count for i in range(count))


def taken(text: str, hashed: int, budget: int) -> str:
    """What a document gives to the sample: all of it, or of a very long one a part whose place the hash decides."""
    most = max(_LEAST, budget // _SHARE) // 3
    start = (hashed >> 1) % (len(text) - most) if len(text) > most else 0
    return text[start : start + most]


def partition(group: str, fold: int) -> int:
    """The number of a fold of a group: of its keys, of the task that fits its model.

    >>> partition("en", 1)
    3
    """
    return GROUPS.index(group) * FOLDS + fold


def partition_of(keys: Keys) -> npt.NDArray[np.int64]:
    """The partition of each key."""
    numbers: npt.NDArray[np.int64] = keys["group"].astype(np.int64) * FOLDS + (keys["hash"] & np.uint64(1)).astype(np.int64)
    return numbers


def keys_of(docs: Sequence[Doc], shard: int, first_row: int, budget: int) -> Keys:
    """A row for each document that may be in a sample. `first_row`: the first document's row among those that its pass keeps."""
    rows = []
    for row, doc in enumerate(docs, first_row):
        group = language_of(doc)
        if group in GROUPS and not _MISREAD.search(doc.text):
            hashed = text_hash(doc.text)
            size = len(taken(doc.text, hashed, budget).encode("utf-8", "surrogatepass"))
            rows.append((hashed, shard, row, size, GROUPS.index(group)))
    return np.array(rows, KEY)


def chosen(keys: Keys, budget: int) -> Keys:
    """The sample among the keys of a fold: one document for each text, lowest hashes first, together at most `budget` bytes."""
    keys = keys[np.lexsort((keys["row"], keys["shard"], keys["hash"]))]
    if len(keys):
        keys = keys[np.concatenate([[True], keys["hash"][1:] != keys["hash"][:-1]])]
    sample: Keys = keys[np.cumsum(keys["bytes"].astype(np.int64)) <= budget]
    return sample


def samples_of(keys: Keys, folders: Iterable[Path], fields: TextFields, by: Sequence[str], budget: int) -> list[Sample]:
    """What some documents of the pass before give, in the order of `keys`; `folders` are its tasks' directories."""
    wanted: dict[int, dict[int, int]] = {}
    for position, key in enumerate(keys):
        wanted.setdefault(int(key["shard"]), {})[int(key["row"])] = position
    found: dict[int, Sample] = {}
    for folder in folders:
        rows = wanted.get(int(folder.name), {})
        for row, doc in read_rows(sorted(folder.glob(f"{STEM}*")), fields, np.array(sorted(rows), np.int64)):
            part = taken(doc.text, int(keys["hash"][rows[row]]), budget)
            found[rows[row]] = Sample(part, group_names(by, doc.source, language_of(doc)))
    return [found[position] for position in range(len(keys))]


def split_reference(docs: Iterable[Doc], group: str, budget: int) -> list[list[Sample]]:
    """The first documents of a group by fold, each text once, at most `budget` bytes a fold."""
    out: list[list[Sample]] = [[] for _ in range(FOLDS)]
    seen, used = set[int](), [0] * FOLDS
    for doc in docs:
        hashed = text_hash(doc.text)
        if hashed in seen or language_of(doc) != group or _MISREAD.search(doc.text):
            continue
        seen.add(hashed)
        text, fold = taken(doc.text, hashed, budget), fold_of(hashed)
        size = len(text.encode("utf-8", "surrogatepass"))
        if used[fold] + size <= budget:
            used[fold] += size
            out[fold].append(Sample(text))
        elif min(used) > 0.95 * budget:
            break
    return out


def fit_fold(
    group: str, texts: Sequence[str], others: Sequence[Sample], whole: Sequence[str], folder: Path, windows: int = 0,
    sift: bool = False,
) -> Card:  # fmt: skip
    """Fit the model of a fold and write it with its card to `folder`.

    `texts` teach; `others`, documents of the other fold, give the percentiles; `whole`, texts of the other fold, what a whole text looks
    like; `windows` as the stage has it; `sift`: leave out of both what looks broken. With too little text there is only a card that says so
    in `about`.
    """
    shape, chars = SHAPES[group], sum(map(len, texts))
    card = Card(name=f"auto-{group}", kind="lm", unit=shape.unit, order=shape.order, corpus={"documents": len(texts), "chars": chars})
    if chars < FEWEST_CHARS[group]:
        card = card.model_copy(update={"about": f"no model: {chars:,} characters to learn from; {FEWEST_CHARS[group]:,} are needed"})
    else:
        if sift and sum(map(len, whole)) >= FEWEST_CHARS[group]:
            texts = sifted(_scorer(whole, shape, folder)[1], texts)
        tables, scorer = _scorer(texts, shape, folder)
        write_tables(tables, folder / MODEL)
        card = _calibrated(scorer, others, whole, windows, sift).on(card)
        card = card.model_copy(update={"training": {"documents": len(texts), "chars": sum(map(len, texts))}})
    (folder / CARD).write_bytes(to_bytes(card.model_dump(mode="json")))
    return card


def sifted(scorer: Scorer, texts: Sequence[str]) -> list[str]:
    """The texts without those that look broken to a model which has not read them, far more than most of them do.

    A run with much broken text would otherwise teach that it is normal. In a whole corpus about one text in thirty goes.
    """
    judge = fit_broken(scorer, texts)
    if judge is None:
        return list(texts)
    scores = np.clip(judge(scorer(texts, events=True).shares()), 1e-300, 1 - 1e-16)  # NaN stays, and is no reason
    logits = np.log(scores) - np.log1p(-scores)
    low, quarter = np.nanpercentile(logits, (7, 25))  # of whole texts, unless most are broken
    limit = quarter + SPREADS * (quarter - low)
    return [text for text, logit in zip(texts, logits.tolist()) if not logit > limit]


def _scorer(texts: Sequence[str], shape: Shape, tmp: Path) -> tuple[Tables, Scorer]:
    units = Units(shape.unit)
    tables = build_tables(fit(texts, units, shape.order, shape.prune, memory=_MEMORY, tmp=tmp))
    return tables, Scorer(TableModel(tables), units)


def _calibrated(scorer: Scorer, others: Sequence[Sample], whole: Sequence[str], windows: int, sift: bool) -> Calibration:
    try:
        percentiles = calibrate(scorer, others, windows=windows, broken=False, fewest=FEWEST_DOCUMENTS).percentiles
    except UserError:  # too few documents: no percentiles, the perplexity alone
        percentiles = {}
    judge = fit_broken(scorer, sifted(scorer, whole)) if sift else None
    return Calibration(percentiles, judge or fit_broken(scorer, whole))  # the sifted may be too few


def warm_up() -> None:
    """Compile the kernels of fitting and scoring."""
    for shape in SHAPES.values():
        units = Units(shape.unit)
        tables = build_tables(fit(["以 warm\nup"], units, shape.order, shape.prune, memory=1 << 20))
        Scorer(TableModel(tables), units)(["一 up"], events=True)


def open_folds(folders: Iterable[Path]) -> dict[str, Calibrated]:
    """The models that `fit_fold` put into directories named after their partitions, by what `judge_of` gives."""
    found: dict[str, Calibrated] = {}
    for folder in folders:
        tables = map_tables(folder / MODEL)
        if tables is not None:
            card = Card.model_validate_json((folder / CARD).read_bytes())
            found[str(int(folder.name))] = Calibrated(Scorer(TableModel(tables), Units(card.unit)), Calibration.of(card))
    return found


def judge_of(doc: Doc) -> str | None:
    """The key of the model that judges a document, which is never one that has read it; None for other languages."""
    group = language_of(doc)
    return str(partition(group, 1 - fold_of(text_hash(doc.text)))) if group in GROUPS else None
