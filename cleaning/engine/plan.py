"""From a configuration to phases of tasks.

Fusion is list concatenation: neighbouring document stages share one pass. A global stage cuts it: its tap closes the pass before,
its reduces are phases of their own, its apply step opens the pass after. There is no optimiser: the order is the configuration's.

A plan lives in the run directory (`snapshot/`): the resolved configuration, the list of shards, copies of every rule file and list. Workers
build theirs from there, so one run has one policy even when somebody edits a file meanwhile.
"""

from __future__ import annotations

import shutil
import unicodedata
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson
import xxhash
import zstandard
from pydantic import ValidationError

from cleaning.config import LoadedConfig, RunConfig, expand_patterns, find_file
from cleaning.errors import ConfigError, UserError, did_you_mean
from cleaning.io.commit import fingerprint, read_manifest, to_bytes
from cleaning.io.records import TextFields
from cleaning.io.shards import Shard, find_shards
from cleaning.io.streams import digest_file
from cleaning.stages import STAGES, stage_class
from cleaning.stages.contract import GlobalStage, Reduce, Stage
from cleaning.yamlfile import validate

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
        self.phases = _phases(config, stages, len(shards))
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
        copies: dict[str, dict[str, str]] = data["files"]

        def find(name: str) -> Path:
            entry = copies[name]
            return snapshot / entry["copy"] if "copy" in entry else Path(entry["path"])

        stages = [
            (cls_ := stage_class(name, snapshot))(cls_.Params.model_validate(config.sections.get(section, {})), find)
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
        return stage.reduces(len(self.shards))[phase.reduce]

    # -- fingerprints ---------------------------------------------------------------------------------------------------------

    @cached_property
    def identities(self) -> list[dict[str, Any]]:
        """What of each stage decides its output."""
        out = []
        for ref, s in zip(self.config.stages, self.stages, strict=True):
            files = [self._digests[name] for name in s.files()]
            if ".py:" in ref:
                files.append(digest_file(Path(ref.rpartition(":")[0])))
            out.append({"stage": s.name, "version": s.version, "params": s.identity(), "files": files})
        return out

    def policy(self, phase: Phase) -> dict[str, Any]:
        """Everything but the inputs that decides the bytes of a phase's tasks. Stored in the manifest, so that a stale task says why."""
        policy: dict[str, Any] = {"format": FORMAT, "zstandard": zstandard.__version__, "unicode": unicodedata.unidata_version}
        policy["opencc"] = version("opencc")  # decides what is folded alike
        if phase.kind == "reduce":
            return {**policy, "reduce": [phase.reduce, self.identities[phase.stage]], "shards": len(self.shards)}
        policy["output"] = self.config.output.model_dump(mode="json", exclude={"path"})
        policy["fields"] = self.config.model_dump(mode="json", include={"input": {"fields"}})
        policy["last"] = phase == self.last_pass
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
            upstream = [_reads(folder, self.stages[phase.stage].name) for folder in self.upstream(phase)]
        else:
            before = self.previous_pass(phase)
            if before is not None:
                upstream = [_reads(self.task_dir(Task(before.index, task.index)), "carry")]
                upstream += [_reads(folder, "") for folder in self.reduced(phase)]
            else:
                # which piece of which file: the name enters, since documents without an id are named after it
                upstream = [[p.name, p.format, p.encoding, p.start, p.end] for p in self.shards[task.index].pieces]
        return fingerprint({"policy": self.policy(phase), "upstream": upstream})


def _reads(folder: Path, prefix: str) -> list[list[str]]:
    manifest = read_manifest(folder)
    if manifest is None:
        return []
    return [[name, entry["digest"]] for name, entry in sorted(manifest["files"].items()) if name.startswith(prefix)]


def _phases(config: RunConfig, stages: list[Stage], shards: int) -> list[Phase]:
    phases: list[Phase] = []
    steps: list[StepSpec] = []

    def close_pass() -> None:
        names = [stages[s.stage].name + ("" if s.kind == "step" else f".{s.kind}") for s in steps]
        name = "-".join(names)[:80] or "copy"
        phases.append(Phase(len(phases), name, "pass", shards, tuple(steps)))
        steps.clear()

    for i, stage in enumerate(stages):
        if isinstance(stage, GlobalStage):
            steps.append(StepSpec("tap", i))
            close_pass()
            for k, reduce in enumerate(stage.reduces(shards)):
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


# -- from a configuration to a snapshot ------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Resolved:
    """A validated configuration: its stages, the files that they read, and how each section is called."""

    config: RunConfig
    stages: list[Stage]
    files: dict[str, Path]
    section_names: list[str]


def resolve(loaded: LoadedConfig) -> Resolved:
    """Validate every stage's section, find every file, check every rule. Raises UserError with all faults."""
    config = loaded.config.model_copy(update={"sections": dict(loaded.config.sections)})
    faults: list[str] = []
    files: dict[str, Path] = {}
    stages: list[Stage] = []
    sections: list[str] = []
    given: set[str] = set()
    if len(set(config.stages)) < len(config.stages):
        faults.append(f"{loaded.source.where(['stages'])}: a stage is named twice in stages: {', '.join(config.stages)}")

    def find(name: str) -> Path:
        files[name] = find_file(name, loaded.base)
        return files[name]

    for i, name in enumerate(config.stages):
        try:
            cls = stage_class(name, loaded.base)
        except ConfigError as exc:
            faults.extend(f"{loaded.source.where(['stages', i])}: {fault}" for fault in exc.faults)
            continue
        section = cls.name if cls.name in config.sections else name
        sections.append(section)
        given_section = dict(config.sections.get(section, {}))
        for key in [key for key in cls.file_lists if key in given_section]:
            try:
                given_section[key] = expand_patterns(given_section[key], loaded.base)
            except ConfigError as exc:
                faults.extend(f"{loaded.source.where([section, key])}: {section}.{key}: {fault}" for fault in exc.faults)
        config.sections[section] = given_section
        params, more = validate(cls.Params, given_section, loaded.source, (section,))
        faults.extend(more)
        missing = [note for note in cls.needs if note not in given]
        if missing:
            faults.append(f"{loaded.source.where(['stages', i])}: stage '{name}' needs {', '.join(missing)} from a stage before it")
        given.update(cls.gives)
        if params is None:
            continue
        stage = cls(params, find)
        try:
            for file in stage.files():
                try:
                    find(file)
                except ConfigError as exc:
                    faults.extend(f"{loaded.source.where([section])}: {section}: {fault}" for fault in exc.faults)
            if all(file in files for file in stage.files()):
                stage.check()
        except (UserError, ValidationError) as exc:
            faults.extend(exc.faults if isinstance(exc, UserError) else [str(exc)])
        stages.append(stage)
    known = {*STAGES, *(stage.name for stage in stages), *config.stages}
    if len(stages) == len(config.stages) and not _other_plugs(loaded):
        keys = [*known, *RunConfig.model_fields]
        unknown = [name for name in config.sections if name not in known]
        faults.extend(f"{loaded.source.where([name])}: unknown key '{name}'{did_you_mean(name, keys)}" for name in unknown)
    strangers = [name for name in config.engine.checkpoint if name not in config.stages]
    where = loaded.source.where(["engine", "checkpoint"])
    faults.extend(f"{where}: engine.checkpoint: '{name}' is not among the stages" for name in strangers)
    if faults:
        raise ConfigError(dict.fromkeys(faults))
    return Resolved(config, stages, files, sections)


def _other_plugs(loaded: LoadedConfig) -> bool:
    """Whether the file names stages of the user's own that this run leaves out: their sections are none of its business."""
    written = loaded.source.data.get("stages") if isinstance(loaded.source.data, dict) else None
    names = [str(name) for name in written] if isinstance(written, list) else []
    return any(":" in name and name not in loaded.config.stages for name in names)


def write_snapshot(root: Path, loaded: LoadedConfig, resolved: Resolved, shards: list[Shard] | None = None) -> Plan:
    """Freeze configuration, files and input list under `root/snapshot` and return the plan that workers will load."""
    shards = find_shards(resolved.config.input) if shards is None else shards
    fresh = root / f".{SNAPSHOT}.new"
    shutil.rmtree(fresh, ignore_errors=True)
    (fresh / "files").mkdir(parents=True)
    files: dict[str, dict[str, str]] = {}
    for i, (name, path) in enumerate(resolved.files.items()):
        data = path.read_bytes()
        copy = f"files/{i:02d}-{path.name}"
        (fresh / copy).write_bytes(data)
        files[name] = {"path": str(path), "copy": copy, "digest": xxhash.xxh3_128_hexdigest(data)}
    config = resolved.config
    stage_refs = [_absolute(name, loaded.base) for name in config.stages]
    config = config.model_copy(update={"stages": tuple(stage_refs)})
    plan: dict[str, Any] = {"config": config.model_dump(mode="json"), "files": files, "section_names": resolved.section_names}
    plan["shards"] = [shard.to_json() for shard in shards]
    (fresh / "plan.json").write_bytes(to_bytes(plan))
    if loaded.source.path.is_file():
        shutil.copyfile(loaded.source.path, fresh / "config.yaml")
    old = root / SNAPSHOT
    shutil.rmtree(old, ignore_errors=True)
    fresh.rename(old)
    return Plan.load(root)


def _absolute(name: str, base: Path) -> str:
    path, sep, cls = name.rpartition(":")
    return f"{(base / path).resolve()}:{cls}" if sep and path.endswith(".py") else name
