"""The run's configuration: one YAML file, `--set` on top, every fault reported before anything starts.

What is *not* here: the parameters of stages. Each stage declares its own model; the file's section with the stage's name is
handed to it by the planner. `configs/default.yaml` shows every key with its default.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from cleaning.errors import ConfigError, did_you_mean
from cleaning.yamlfile import YamlSource, load_yaml, parse_yaml, plain, validate

PROJECT_ROOT = Path(__file__).resolve().parent.parent
_UNITS = {"": 1, "b": 1, "k": 1 << 10, "kb": 1 << 10, "kib": 1 << 10, "m": 1 << 20, "mb": 1 << 20, "mib": 1 << 20}
_UNITS |= {"g": 1 << 30, "gb": 1 << 30, "gib": 1 << 30, "t": 1 << 40, "tb": 1 << 40, "tib": 1 << 40}


def parse_size(value: Any) -> Any:
    """Bytes from `64MiB`, `2G`, `1_000` or a number.

    >>> parse_size("64MiB"), parse_size("1.5k"), parse_size(10)
    (67108864, 1536, 10)
    """
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"\s*([0-9_]*\.?[0-9]+)\s*([A-Za-z]*)\s*", value)
    if match is None or match[2].lower() not in _UNITS:
        raise ValueError("not a size; write bytes or a number with K, M, G or T, such as 64MiB")
    return int(float(match[1].replace("_", "")) * _UNITS[match[2].lower()])


Size = Annotated[int, BeforeValidator(parse_size), Field(gt=0)]


class Strict(BaseModel):
    """Unknown keys are faults; values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class FieldsConfig(Strict):
    """Which fields of a record make the text. A path is `title`, `段落[].内容` or `data[]`; several are joined by `join`."""

    text: Annotated[tuple[str, ...], BeforeValidator(lambda v: [v] if isinstance(v, str) else v)] = Field(min_length=1)
    join: str = "\n"


class InputConfig(Strict):
    """What is read, and how."""

    paths: Annotated[tuple[str, ...], BeforeValidator(lambda v: [v] if isinstance(v, str) else v)] = ()
    format: Literal["auto", "jsonl", "json", "csv", "txt"] = "auto"
    encoding: str = "auto"
    fields: Literal["auto"] | FieldsConfig = "auto"
    max_line_bytes: Size = 8 << 20
    max_bad_ratio: float = Field(default=0.5, ge=0, le=1)
    shard_bytes: Size = 64 << 20
    group_bytes: Annotated[int, BeforeValidator(parse_size), Field(ge=0)] = 4 << 20


class OutputConfig(Strict):
    """What is written."""

    path: str = ""
    compression: Literal["zst", "gz", "none"] = "zst"
    level: int = Field(default=3, ge=1, le=19)
    shard_bytes: Size = 512 << 20
    text_field: str = Field(default="text", min_length=1)
    names: Literal["cleaning", "xubuvd"] = "cleaning"
    metrics: bool = True


class EngineConfig(Strict):
    """How the work is done; nothing here changes a byte of the output."""

    workers: Literal["auto"] | Annotated[int, Field(ge=1, le=4096)] = "auto"
    executor: Literal["local", "inline", "ray"] = "local"
    retries: int = Field(default=5, ge=0)
    batch_bytes: Size = 1 << 20
    memory: Annotated[Size, Field(ge=64 << 20)] = 2 << 30
    grace_seconds: float = Field(default=12, ge=0, le=25)
    fuse: bool = True
    checkpoint: tuple[str, ...] = ()

    def worker_count(self) -> int:
        """Workers to start; `auto` is the processors that this process may use."""
        if self.workers == "auto":
            return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return self.workers


class RunConfig(Strict):
    """A whole run. `sections` are the stages' parameters, unvalidated here."""

    name: str = "run"
    stages: tuple[str, ...] = ("normalize", "rules")
    input: InputConfig = InputConfig()
    output: OutputConfig = OutputConfig()
    engine: EngineConfig = EngineConfig()
    sections: dict[str, dict[str, Any]] = Field(default_factory=dict)


@dataclass(frozen=True)
class LoadedConfig:
    """A configuration with its file, so that later faults can still point at a line."""

    config: RunConfig
    source: YamlSource

    @property
    def base(self) -> Path:
        """Directory against which the file's relative paths are tried first."""
        return self.source.path.parent


def load_config(path: Path | None, overrides: list[str] | None = None, stage_names: tuple[str, ...] = ()) -> LoadedConfig:
    """Read a configuration file (None: the defaults), apply `key.sub=value` overrides, validate everything.

    `stage_names` are the sections that stages own. Raises ConfigError with every fault.
    """
    if path is None:
        source = YamlSource(Path.cwd() / "(defaults)", "(defaults)", {})
    else:
        source = load_yaml(_find(path), ConfigError, shown=str(path))
    data = source.data if source.data is not None else {}
    if not isinstance(data, dict):
        raise ConfigError(f"{source.shown}:1: a mapping of keys is expected, found {type(data).__name__}")
    values = plain(data)
    written = values.get("stages")
    faults = _apply(values, overrides or [])
    known = [name for name in RunConfig.model_fields if name != "sections"]
    sections: dict[str, dict[str, Any]] = {}
    stages = values.get("stages")
    # a stage from a file of the user's own knows the name of its section; the planner checks those
    named = [*(stages if isinstance(stages, list) else []), *(written if isinstance(written, list) else [])]
    plugged = any(isinstance(s, str) and ":" in s for s in named)
    for key in list(values):
        if key in known:
            continue
        if key not in stage_names and not plugged:
            faults.append(f"{source.where([key])}: unknown key '{key}'{did_you_mean(key, [*known, *stage_names])}")
            values.pop(key)
            continue
        section = values.pop(key)
        if section is None:
            section = {}
        if not isinstance(section, dict):
            faults.append(f"{source.where([key])}: '{key}' must be a mapping of the stage's parameters")
        else:
            sections[key] = section
    config, more = validate(RunConfig, {**values, "sections": sections}, source)
    if faults or more or config is None:
        raise ConfigError([*faults, *more])
    return LoadedConfig(config, source)


def find_file(name: str, base: Path) -> Path:
    """A file named in a configuration: absolute, else beside the configuration, in the working directory, or in the project."""
    path = Path(name).expanduser()
    tried = [path] if path.is_absolute() else [base / path, Path.cwd() / path, PROJECT_ROOT / path]
    if path.parts[:1] == ("models",) and os.environ.get("CLEANING_MODELS"):
        tried.insert(0, Path(os.environ["CLEANING_MODELS"], *path.parts[1:]))
    for candidate in tried:
        if candidate.is_file():
            return candidate.resolve()
    places = list(dict.fromkeys(str(p.parent.resolve()) for p in tried))
    near = sorted({p.name for d in places if Path(d).is_dir() for p in Path(d).iterdir() if p.is_file()})
    raise ConfigError(f"no file '{name}' (looked in {', '.join(places)}){did_you_mean(path.name, near)}")


def expand_patterns(names: Any, base: Path) -> Any:
    """File names for patterns such as `blacklists/*.txt`, sorted; other names as they are. Raises ConfigError when nothing fits."""
    if isinstance(names, str):
        names = [names]
    if not isinstance(names, (list, tuple)):
        return names
    out: list[Any] = []
    for name in names:
        if not isinstance(name, str) or "*" not in name:
            out.append(name)
            continue
        folder, _, pattern = name.rpartition("/")
        tried = [root / folder for root in (base, Path.cwd(), PROJECT_ROOT)]
        found = next((files for place in tried if (files := sorted(p.name for p in place.glob(pattern) if p.is_file()))), None)
        if found is None:
            raise ConfigError(f"no file fits '{name}' (looked in {', '.join(dict.fromkeys(str(p) for p in tried))})")
        out += [f"{folder}/{file}" if folder else file for file in found]
    return out


def _find(path: Path) -> Path:
    try:
        return find_file(str(path), Path.cwd())
    except ConfigError:
        if path.suffix == "":
            for folder in (Path.cwd() / "configs", PROJECT_ROOT / "configs"):
                if (folder / f"{path.name}.yaml").is_file():
                    return (folder / f"{path.name}.yaml").resolve()
        raise


def _apply(values: dict[str, Any], overrides: list[str]) -> list[str]:
    faults: list[str] = []
    for override in overrides:
        key, sep, text = override.partition("=")
        if not sep or not key.strip():
            faults.append(f"--set {override}: write key.sub=value")
            continue
        value = text if re.match(r"\s*[<>]", text) else plain(parse_yaml(text, f"--set {override}", ConfigError))
        node = values
        parts = key.strip().split(".")
        for part in parts[:-1]:
            child = node.get(part)
            if child is None or not isinstance(child, dict):
                child = {}
                node[part] = child
            node = child
        node[parts[-1]] = value
    return faults
