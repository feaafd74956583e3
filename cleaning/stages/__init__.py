"""The stages, by name. A new one is a file beside this and a line in `STAGES`.

Modules are imported when a configuration names their stage, so that `cleaning --help` does not load a compiler or a model.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path

from cleaning.errors import ConfigError, did_you_mean
from cleaning.stages.contract import Stage

STAGES: dict[str, str] = {
    "normalize": "cleaning.stages.normalize:Normalize",
    "boilerplate": "cleaning.stages.boilerplate:Boilerplate",
    "langid": "cleaning.stages.langid:Langid",
    "pii": "cleaning.stages.pii:Pii",
    "rules": "cleaning.stages.rule_filter:RuleFilter",
    "perplexity": "cleaning.stages.perplexity:Perplexity",
    "decontaminate": "cleaning.stages.decontaminate:Decontaminate",
    "sentence_dedup": "cleaning.stages.sentence_dedup:SentenceDedup",
    "document_dedup": "cleaning.stages.document_dedup:DocumentDedup",
    "quality": "cleaning.stages.quality:Quality",
    "ads": "cleaning.stages.ads:Ads",
}


def stage_class(name: str, base: Path | None = None) -> type[Stage]:
    """The class of a stage: a name of STAGES, `package.module:Class` or `path/file.py:Class`. Raises ConfigError."""
    target = STAGES.get(name, name)
    module_name, sep, class_name = target.rpartition(":")
    if not sep:
        raise ConfigError(f"stages: unknown stage '{name}'{did_you_mean(name, STAGES)}")
    try:
        module = _from_file(module_name, base) if module_name.endswith(".py") else importlib.import_module(module_name)
        found = getattr(module, class_name)
    except (ImportError, AttributeError, OSError) as exc:
        raise ConfigError(f"stages: '{name}' cannot be loaded: {exc}") from exc
    if not (isinstance(found, type) and issubclass(found, Stage)):
        raise ConfigError(f"stages: '{name}' is not a Stage")
    return found


def _from_file(path: str, base: Path | None) -> object:
    file = Path(path) if Path(path).is_absolute() or base is None else base / path
    name = f"cleaning_user_stage_{file.stem}"
    if name in sys.modules and getattr(sys.modules[name], "__file__", None) == str(file):
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None or not file.is_file():
        raise ImportError(f"no file {file}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
