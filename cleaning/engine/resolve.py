"""From a configuration to a snapshot: validate everything, find every file, freeze it all in the run directory."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xxhash
from pydantic import ValidationError

from cleaning.config import LoadedConfig, RunConfig, expand_patterns, find_file
from cleaning.engine.plan import SNAPSHOT, Plan
from cleaning.errors import ConfigError, UserError, did_you_mean
from cleaning.io.commit import to_bytes
from cleaning.io.shards import Shard, find_shards
from cleaning.io.streams import digest_file
from cleaning.models.store import missing_model
from cleaning.stages import STAGES, stage_class
from cleaning.stages.contract import Stage
from cleaning.yamlfile import validate


@dataclass(slots=True)
class Resolved:
    """A validated configuration: its stages, the files that they read, and how each section is called."""

    config: RunConfig
    stages: list[Stage]
    files: dict[str, Path]
    section_names: list[str]
    models: set[str]


def resolve(loaded: LoadedConfig) -> Resolved:
    """Validate every stage's section, find every file, check every rule. Raises UserError with all faults."""
    config = loaded.config.model_copy(update={"sections": dict(loaded.config.sections)})
    faults: list[str] = []
    files: dict[str, Path] = {}
    stages: list[Stage] = []
    sections: list[str] = []
    given: set[str] = set()
    models: set[str] = set()
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
        stage = cls.made(params, find)
        try:
            models.update(stage.models())
            needed = [*stage.files(), *stage.models()]
            for file in needed:
                try:
                    find(file)
                except ConfigError as exc:
                    help = missing_model(file) if file in models else ""
                    faults.extend(f"{loaded.source.where([section])}: {section}: {fault}{help}" for fault in exc.faults)
            if all(file in files for file in needed):
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
    return Resolved(config, stages, files, sections, models)


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
    files: dict[str, dict[str, Any]] = {}
    for i, (name, path) in enumerate(resolved.files.items()):
        if name in resolved.models:  # may be gigabytes, and is memory-mapped by every worker: used where it lies
            found = path.stat()
            files[name] = {"path": str(path), "digest": digest_file(path), "stat": [found.st_size, found.st_mtime_ns]}
            continue
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
