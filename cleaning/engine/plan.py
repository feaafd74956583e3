"""From a configuration to phases of tasks.

Fusion is list concatenation: neighbouring document stages share one pass. A global stage cuts it: its tap closes the pass before,
its reduces are phases of their own, its apply step opens the pass after. There is no optimiser: the order is the configuration's.

A plan lives in the run directory (`snapshot/`): the resolved configuration, the list of shards, copies of every rule file and list. Workers
build theirs from there, so one run has one policy even when somebody edits a file meanwhile.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson
import zstandard

from cleaning.config import RunConfig
from cleaning.errors import ModelError, UserError
from cleaning.io.commit import fingerprint, read_manifest
from cleaning.io.records import TextFields
from cleaning.io.shards import Shard
from cleaning.io.streams import digest_file
from cleaning.stages import stage_class
from cleaning.stages.contract import GlobalStage, Reduce, Scale, Stage

FORMAT = 1  # layout of task directories: bump when an old one cannot be read
SNAPSHOT = "snapshot"


@dataclass(frozen=True, slots=True)
class Task:
    """The unit of scheduling, failure, resume and stats. All that is ever sent to a worker."""

    phase: int
    index: int


@dataclass(frozen=True, slots=True)
class StepSpec:
    """Which step of which stage a pass runs: `step`, `tap` or `apply`."""

    kind: str
    stage: int


@dataclass(frozen=True, slots=True)
class Phase:
    """Tasks with no order among them. A pass has steps and one task a shard; a reduce has one task a partition."""

    index: int
    name: str
    kind: str
    tasks: int
    steps: tuple[StepSpec, ...] = ()
    stage: int = -1
    reduce: int = -1

    @property
    def folder(self) -> str:
        """The phase's directory below `phases/`."""
        return f"{self.index:02d}-{self.name}"


class Plan:
    """Phases over shards, in a run directory."""

    def __init__(self, root: Path, config: RunConfig, stages: list[Stage], shards: list[Shard], digests: dict[str, str]) -> None:
        self.root, self.config, self.stages, self.shards = root, config, stages, shards
        self._digests = digests  # file name in the configuration -> digest of its contents
        self.scale = Scale(len(shards), sum(shard.weight for shard in shards), config.engine.memory)
        for stage in stages:
            if isinstance(stage, GlobalStage):
                stage.root = root
        self.phases = _phases(config, stages, self.scale)
        self.fields = TextFields(config.input.fields, config.output.text_field)

    @classmethod
    def load(cls, root: Path) -> Plan:
        """The plan of a run directory, as its driver wrote it."""
        snapshot = root / SNAPSHOT
        try:
            data = orjson.loads((snapshot / "plan.json").read_bytes())
        except (OSError, orjson.JSONDecodeError) as exc:
            raise UserError(f"{snapshot / 'plan.json'}: missing or damaged; run the same command again to write it anew") from exc
        config = RunConfig.model_validate(data["config"])
        copies: dict[str, dict[str, Any]] = data["files"]

        def find(name: str) -> Path:
            entry = copies[name]
            return snapshot / entry["copy"] if "copy" in entry else unchanged(name, entry)

        stages = [
            (cls_ := stage_class(name, snapshot)).made(cls_.Params.model_validate(config.sections.get(section, {})), find)
            for name, section in zip(config.stages, data["section_names"], strict=True)
        ]
        shards = [Shard.from_json(pieces) for pieces in data["shards"]]
        return cls(root, config, stages, shards, {name: entry["digest"] for name, entry in copies.items()})

    @property
    def file_names(self) -> dict[str, str]:
        """Digest -> name of the rule files and lists, as the configuration writes them."""
        return {digest: name for name, digest in self._digests.items()}

    # -- where things are -----------------------------------------------------------------------------------------------------

    def task_dir(self, task: Task) -> Path:
        """The directory that the task commits."""
        return self.root / "phases" / self.phases[task.phase].folder / f"{task.index:05d}"

    def tasks(self, phase: Phase) -> list[Task]:
        """All tasks of a phase."""
        return [Task(phase.index, i) for i in range(phase.tasks)]

    def previous_pass(self, phase: Phase) -> Phase | None:
        """The pass whose documents this pass reads; None for the first."""
        before = [p for p in self.phases[: phase.index] if p.kind == "pass"]
        return before[-1] if before else None

    def upstream(self, phase: Phase) -> list[Path]:
        """Committed task directories of the phase before (what a reduce reads)."""
        before = self.phases[phase.index - 1]
        return [folder for task in self.tasks(before) if read_manifest(folder := self.task_dir(task)) is not None]

    def reduced(self, phase: Phase) -> list[Path]:
        """For a pass that begins with an apply step: the directories of the reduce before."""
        if not phase.steps or phase.steps[0].kind != "apply":
            return []
        return self.upstream(phase)

    @property
    def last_pass(self) -> Phase:
        """The pass whose documents are published."""
        return [p for p in self.phases if p.kind == "pass"][-1]

    def reduce_of(self, phase: Phase) -> Reduce:
        """The reduce that a reduce phase runs."""
        stage = self.stages[phase.stage]
        assert isinstance(stage, GlobalStage)
        return stage.reduces(self.scale)[phase.reduce]

    def tapped(self, phase: Phase) -> Phase:
        """The pass whose tap feeds a reduce, or the apply step that a pass begins with."""
        stage = phase.stage if phase.kind == "reduce" else phase.steps[0].stage
        return next(p for p in self.phases if StepSpec("tap", stage) in p.steps)

    def read_by(self, phase: Phase, index: int) -> dict[str, list[Path]]:
        """Directories of what a reduce task reads beside the phase before."""
        tap = self.tapped(phase)
        out: dict[str, list[Path]] = {}
        for name in self.reduce_of(phase).reads:
            if name == "documents":
                folder = self.task_dir(Task(tap.index, index))
                out[name] = [folder] if read_manifest(folder) is not None else []
            elif name == "tap":
                out[name] = self.upstream(self.phases[tap.index + 1])
            else:
                folder_name = f"{self.stages[phase.stage].name}.{name}"
                out[name] = self.upstream(self.phases[next(p.index for p in self.phases if p.name == folder_name) + 1])
        return out

    # -- fingerprints ---------------------------------------------------------------------------------------------------------

    @cached_property
    def identities(self) -> list[dict[str, Any]]:
        """What of each stage decides its output."""
        out = []
        for ref, s in zip(self.config.stages, self.stages, strict=True):
            files = [self._digests[name] for name in (*s.files(), *s.models())]
            if ".py:" in ref:
                files.append(digest_file(Path(ref.rpartition(":")[0])))
            out.append({"stage": s.name, "version": s.version, "params": s.identity(), "files": files})
        return out

    def policy(self, phase: Phase) -> dict[str, Any]:
        """Everything but the inputs that decides the bytes of a phase's tasks. Stored in the manifest, so that a stale task says why."""
        policy: dict[str, Any] = {"format": FORMAT, "zstandard": zstandard.__version__, "unicode": unicodedata.unidata_version}
        policy["opencc"] = version("opencc")  # decides what is folded alike
        if phase.kind == "reduce":
            how = [phase.reduce, self.identities[phase.stage], phase.tasks, self.phases[phase.index - 1].tasks]
            return {**policy, "reduce": how, "shards": len(self.shards)}
        policy["output"] = self.config.output.model_dump(mode="json", exclude={"path"})
        policy["fields"] = self.config.model_dump(mode="json", include={"input": {"fields"}})
        policy["last"] = phase == self.last_pass
        masks = [self.identities[i] for i, stage in enumerate(self.stages) if stage.masks]
        if masks:
            policy["masks"] = masks  # what was rejected, by whichever stage, is written masked
        policy["steps"] = [[spec.kind, self.identities[spec.stage]] for spec in phase.steps]
        if self.previous_pass(phase) is None:
            keep = {"encoding", "format", "max_line_bytes", "max_bad_ratio"}
            policy["input"] = self.config.input.model_dump(mode="json", include=keep)
        return policy

    def fingerprint(self, task: Task) -> str:
        """Policy and upstream bytes of one task. The first pass's inputs are compared apart (by stat, then by digest)."""
        phase = self.phases[task.phase]
        upstream: list[Any]
        if phase.kind == "reduce":
            name = f"{self.stages[phase.stage].name}."
            upstream = [_reads(folder, name) for folder in self.upstream(phase)]
            for what, folders in self.read_by(phase, task.index).items():
                upstream += [_reads(folder, "carry" if what == "documents" else name) for folder in folders]
        else:
            before = self.previous_pass(phase)
            if before is not None:
                upstream = [_reads(self.task_dir(Task(before.index, task.index)), "carry")]
                upstream += [_reads(folder, "") for folder in self.reduced(phase)]
            else:
                # which piece of which file: the name enters, since documents without an id are named after it
                upstream = [[p.name, p.format, p.encoding, p.start, p.end] for p in self.shards[task.index].pieces]
        return fingerprint({"policy": self.policy(phase), "upstream": upstream})


def unchanged(name: str, entry: dict[str, Any]) -> Path:
    """The path of a model, which is used where it lies. Raises ModelError when it is no longer the file that the run began with."""
    path = Path(entry["path"])
    found = path.stat() if path.is_file() else None
    if found is None or [found.st_size, found.st_mtime_ns] != entry["stat"]:
        raise ModelError(f"{name}: changed or removed since the run began; start the run again")
    return path


def _reads(folder: Path, prefix: str) -> list[list[str]]:
    manifest = read_manifest(folder)
    if manifest is None:
        return []
    return [[name, entry["digest"]] for name, entry in sorted(manifest["files"].items()) if name.startswith(prefix)]


def _phases(config: RunConfig, stages: list[Stage], scale: Scale) -> list[Phase]:
    phases: list[Phase] = []
    steps: list[StepSpec] = []

    def close_pass() -> None:
        names = [stages[s.stage].name + ("" if s.kind == "step" else f".{s.kind}") for s in steps]
        name = "-".join(names)[:80] or "copy"
        phases.append(Phase(len(phases), name, "pass", scale.shards, tuple(steps)))
        steps.clear()

    for i, stage in enumerate(stages):
        if isinstance(stage, GlobalStage):
            steps.append(StepSpec("tap", i))
            close_pass()
            for k, reduce in enumerate(stage.reduces(scale)):
                phases.append(Phase(len(phases), f"{stage.name}.{reduce.name}", "reduce", reduce.partitions, (), i, k))
            steps.append(StepSpec("apply", i))
        else:
            steps.append(StepSpec("step", i))
        # a tap closes its pass anyway, so a checkpoint before a global stage needs no cut of its own
        if i + 1 == len(stages):
            break
        checkpoint = config.stages[i] in config.engine.checkpoint and not isinstance(stages[i + 1], GlobalStage)
        if checkpoint or not config.engine.fuse:
            close_pass()
    if steps or not phases:
        close_pass()
    return phases
