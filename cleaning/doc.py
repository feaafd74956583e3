"""Document and batch: what flows through a pass.

A step sees a `Batch`, reads `batch.live`, and annotates, rewrites or rejects documents in place. What it does to a document must
not depend on the batch the document sits in: the engine may cut batches differently and may replay a batch one by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cleaning.stats import Stats

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


_OF_REJECTS = ("reject", "id")  # what only a rejected document has under `cleaning`


@dataclass(frozen=True, slots=True)
class Drop:
    """Why a document left. `all` names every rule that fired, the given one first."""

    stage: str
    rule: str
    value: float | str | None = None
    threshold: str | None = None
    reason: str = ""
    all: tuple[str, ...] = ()
    extra: dict[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """The `cleaning.reject` object of the record format."""
        out: dict[str, Any] = {"stage": self.stage, "rule": self.rule, "value": self.value, "threshold": self.threshold}
        out["reason"] = self.reason
        out["all"] = list(self.all) or [self.rule]
        if self.extra:
            out.update(self.extra)
        return out


class Doc:
    """One document on its way through a pass.

    A pass makes millions of these, so what most documents never have (notes, a drop, …) lives on the class until it is set.
    """

    drop: Drop | None = None
    replaces: tuple[str, ...] = ()  # fields that the text takes the place of; empty: the text is already where the output has it
    carried: bytes | None = None  # what an earlier pass of this run knew, as it was read (see io/carry.py)
    _notes: dict[str, Any] | None = None

    def __init__(self, record: dict[str, Any], text: str, raw: bytes, origin: str, offset: int) -> None:
        self.record = record  # the input record, never modified
        self.text = text  # what the steps see and rewrite
        self.original = text  # what the reader found
        self.raw = raw  # the input record as a line of UTF-8 JSON
        self.origin = origin  # the input file, relative to the input directory
        self.offset = offset  # byte offset of the record in the (decompressed) file

    @property
    def notes(self) -> dict[str, Any]:
        """What stages learned; what an earlier run wrote under `cleaning` is in here, but not its `reject`."""
        if self._notes is None:
            given = self.record.get("cleaning")
            self._notes = {k: v for k, v in given.items() if k not in _OF_REJECTS} if type(given) is dict else {}
        return self._notes

    @notes.setter
    def notes(self, notes: dict[str, Any]) -> None:
        self._notes = notes

    @property
    def learned(self) -> bool:
        """Whether there is anything to write under `cleaning`; does not create the notes."""
        return bool(self._notes) or type(self.record.get("cleaning")) is dict

    @property
    def id(self) -> str:
        """The record's own id, else `file@offset`, which is stable for the same input."""
        for name in ("id", "uniqueKey", "uid", "doc_id"):
            value = self.record.get(name)
            if (type(value) is str and value) or type(value) is int:
                return str(value)
        return f"{self.origin}@{self.offset}"

    @property
    def has_id(self) -> bool:
        """Whether the record names itself."""
        return not self.id.startswith(f"{self.origin}@")

    @property
    def source(self) -> str:
        """The record's `source`, else the input file's name up to its first dot."""
        value = self.record.get("source")
        return value if type(value) is str else self.origin.rsplit("/", 1)[-1].split(".", 1)[0]


class Batch:
    """Some consecutive documents of one shard, with the counts that the steps make on them.

    The counts are merged into the shard's only when the whole batch has gone through, so that a replay counts nothing twice.
    """

    __slots__ = ("_live", "docs", "first", "matrices", "records", "start_row", "stats")

    def __init__(self, docs: list[Doc], start_row: int = 0, first: int = 0) -> None:
        self.docs = docs
        self.stats = Stats()
        self.first = first  # how many documents of the shard this pass has read before: the row of docs[0] in what it reads
        self.start_row = start_row  # row in the kept file of the first document that survives (taps are last in their pass)
        self.records: dict[str, list[npt.NDArray[np.void]]] = {}  # records that taps emit, by stage and stream
        self.matrices: list[tuple[str, tuple[str, ...], list[int], npt.NDArray[np.float32]]] = []  # stage, metric names, positions, rows
        self._live: list[Doc] | None = None

    @property
    def live(self) -> list[Doc]:
        """Documents that no step has rejected yet."""
        if self._live is None:
            self._live = [doc for doc in self.docs if doc.drop is None]
        return self._live

    @property
    def live_positions(self) -> list[int]:
        """Indices in `docs` of the live documents."""
        return [i for i, doc in enumerate(self.docs) if doc.drop is None]

    def refresh(self) -> None:
        """Forget the cached list of live documents (the engine calls it between steps)."""
        self._live = None

    def emit(self, stage: str, records: npt.NDArray[Any], stream: str = "keys") -> None:
        """Hand fixed-size records of a tap to the engine, for one of the stage's streams."""
        self.records.setdefault(f"{stage}.{stream}", []).append(records)
