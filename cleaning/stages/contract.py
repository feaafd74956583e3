"""What a stage is. A new stage is one file in this folder and one line in `STAGES`.

A *document stage* makes one step. A *global stage* makes a tap (writes keys), reduces (match them across shards) and an apply step (reads
this shard's verdicts); the planner puts them where they belong.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

from cleaning.config import Strict
from cleaning.doc import Batch, Doc
from cleaning.io.records import TextFields
from cleaning.rules.rule_set import RuleSet
from cleaning.stats import Stats

FindFile = Callable[[str], Path]


@dataclass(frozen=True, slots=True)
class ShardContext:
    """What a step may know about the shard that it is opened for."""

    shard: int
    shards: int
    name: str
    reduced: tuple[Path, ...] = ()  # for apply steps: the task directories of the stage's last reduce


class Step(Protocol):
    """The inner loop of a stage: built once per worker, opened once per shard, called once per batch."""

    def open(self, shard: ShardContext) -> None: ...
    def __call__(self, batch: Batch) -> None: ...
    def close(self) -> None: ...


class StepDefaults:
    """Open and close that do nothing."""

    def open(self, shard: ShardContext) -> None:
        """Nothing to prepare for a shard."""

    def close(self) -> None:
        """Nothing to finish for a shard."""


@dataclass(frozen=True, slots=True)
class Partitioned:
    """Where a tap's records go: how many partitions there are, and which one each record belongs to."""

    dtype: Any  # numpy dtype of the records
    partitions: int
    partition_of: Callable[[Any], Any]  # records -> int64 partition numbers


@dataclass(frozen=True, slots=True)
class Scale:
    """How large a run is: what a global stage sizes its partitions by. `input_bytes` is an estimate, of decompressed text."""

    shards: int
    input_bytes: int
    memory: int  # bytes that all workers together may use for what a stage sorts and holds


RowReader = Callable[[int, Any], Iterator[tuple[int, Doc]]]  # (shard, sorted rows) -> (row, document) of the pass that has the tap


@dataclass(slots=True)
class ReduceContext:
    """What one reduce task gets: its partition, where to read, where to write."""

    partition: int
    shards: int
    upstream: tuple[Path, ...]  # task directories of the phase before
    scratch: Path
    stats: Stats
    files: dict[str, dict[str, Any]] = field(default_factory=dict)  # manifest entries of what it wrote
    memory: int = 1 << 30  # bytes that this task may use for what it sorts and holds
    reads: dict[str, tuple[Path, ...]] = field(default_factory=dict)  # task directories of what `Reduce.reads` names
    rows: RowReader | None = None  # with "documents" in `Reduce.reads`
    fields: TextFields | None = None  # how the texts of the pass before are read (io/carry.py), for a reduce that needs more than keys


@dataclass(frozen=True, slots=True)
class Reduce:
    """One barrier phase of a global stage: `run` is called once per partition.

    `reads`: what it reads beside the phase before: `tap`, the name of an earlier reduce of the stage, or `documents`: those of the shard
    with the number of its partition, as the tap saw them. What is not named here is not in the task's fingerprint.
    """

    name: str
    partitions: int
    run: Callable[[ReduceContext], None]
    reads: tuple[str, ...] = ()


class Stage(ABC):
    """What the configuration names. Knows its parameters; never holds a model or a document."""

    name: ClassVar[str]
    version: ClassVar[int] = 1  # bump when output bytes change
    about: ClassVar[str] = ""
    needs: ClassVar[tuple[str, ...]] = ()  # notes that must exist; the planner checks the order
    gives: ClassVar[tuple[str, ...]] = ()
    Params: ClassVar[type[Strict]] = Strict
    file_lists: ClassVar[tuple[str, ...]] = ()  # parameters that name files and may do so by patterns (blacklists/*.txt)

    def __init__(self, params: Any, find: FindFile) -> None:
        """`find` resolves a file named in the parameters (to the run's snapshot, inside a run)."""
        self.params, self.find = params, find

    @classmethod
    def made(cls, params: Any, find: FindFile) -> Stage:
        """The stage for these parameters; a stage whose parameters decide whether it must see all shards first chooses here."""
        return cls(params, find)

    def files(self) -> list[str]:
        """Names of the files whose contents belong to the fingerprint, as the parameters write them."""
        return []

    def check(self) -> None:  # noqa: B027 - most stages have nothing more to check
        """Validate what the parameters alone cannot show (rule files, lists, models). Raises UserError."""

    def models(self) -> list[str]:
        """Names of model files: their contents belong to the fingerprint, but no run copies them."""
        return []

    def judges(self) -> RuleSet | None:
        """The rules that the stage judges by, for the report."""
        return None

    def warm_up(self) -> None:  # noqa: B027 - most stages have nothing to compile
        """Compile what the step needs, once, before several workers would each do it. Must not load a model."""

    def identity(self) -> dict[str, Any]:
        """Parameters for the fingerprint, without paths: files enter by their contents."""
        return dict(self.params.model_dump(mode="json"))

    @property
    def masks(self) -> bool:
        """Whether `mask` gives one; asked without making it."""
        return False

    def mask(self) -> Callable[[list[str]], list[str]] | None:
        """What hides personal data in texts that leave the run another way (rejected rows, bad lines, samples); None: nothing does."""
        return None

    @abstractmethod
    def step(self) -> Step:
        """The stage's step (a document stage)."""


class GlobalStage(Stage):
    """A stage that must see all shards before it can decide."""

    @abstractmethod
    def tap(self) -> Step:
        """Closes the pass before: emits records with `batch.emit`."""

    root: Path | None = None  # the run directory; None before there is one

    @abstractmethod
    def shuffle(self) -> Partitioned:
        """How the tap's records are partitioned."""

    def streams(self) -> dict[str, Partitioned]:
        """The streams that the tap emits, by name; most have one, `keys`. Each becomes `<stage>.<stream>` in the shard's task directory."""
        return {"keys": self.shuffle()}

    @abstractmethod
    def reduces(self, scale: Scale) -> Sequence[Reduce]:
        """The phases between; the last one writes verdicts partitioned by shard."""

    def begin(self, root: Path, scale: Scale) -> None:
        """Called by the driver before the run's first phase: say what is to come, pin what lies outside the run."""

    def finish(self, taps: Sequence[Path], reduced: Sequence[Path], stats: Stats) -> None:
        """Called by the driver when all tasks of a run are committed: the directories of the tap's pass and of the last reduce."""

    @abstractmethod
    def apply(self) -> Step:
        """Opens the pass after: reads this shard's verdicts."""

    def step(self) -> Step:
        raise NotImplementedError("a global stage has a tap and an apply step")
