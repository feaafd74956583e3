"""House rules, kept by a script: imports run downward, nothing prints but the command line, every kernel has a twin, every key is named."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cleaning.config import RunConfig
from cleaning.errors import UserError
from cleaning.stages import STAGES, stage_class
from cleaning.stages.contract import Stage
from cleaning.text.line_metrics import LINE_METRICS, MODEL_LINE_METRICS
from cleaning.yamlfile import load_yaml

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "cleaning"
# floors of the house; a module imports from floors below its own, and from its own package
FLOORS = {
    "errors": 0, "stats": 0, "yamlfile": 0, "config": 0, "doc": 0, "io": 1, "text": 1, "rules": 2, "models": 2, "dedup": 2, "pii": 2,
    "stages": 3, "engine": 4,
    "report": 5, "verify": 5, "explain": 5, "sample": 5,
    "reference": 5, "list_report": 5, "diff_policy": 5, "model_verbs": 6, "dedup_verbs": 6, "verbs": 6,
    "selftest": 5, "selftest_verb": 7, "cli": 8, "__main__": 9,
}  # fmt: skip
SAME_FLOOR = {("text", "io")}  # mojibake knows which characters are common in which encoding; warming up touches every kernel


def _sources() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("cleaning."):
            yield node.module
        elif isinstance(node, ast.ImportFrom) and node.module == "cleaning":
            yield from (f"cleaning.{alias.name}" for alias in node.names if alias.name != "__version__")
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("cleaning."))


def _part(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def upward_imports(path: Path, part: str) -> list[str]:
    """Imports of `path`, judged as a module of `part`, that do not run downward."""
    found = []
    for module in _imports(path):
        target = module.split(".")[1]
        allowed = FLOORS[target] < FLOORS[part] or target == part or (part, target) in SAME_FLOOR or FLOORS[part] == 0
        if not allowed:
            found.append(f"{path.name} imports {module}")
    return found


def test_imports_run_downward() -> None:
    faults = [fault for path in _sources() if _part(path) != "__init__" for fault in upward_imports(path, _part(path))]
    assert faults == []


def test_stages_never_import_each_other() -> None:
    for path in (PACKAGE / "stages").glob("*.py"):
        shared = ("cleaning.stages.contract", "cleaning.stages.measuring", "cleaning.stages.fitting")
        others = {m for m in _imports(path) if m.startswith("cleaning.stages.") and m not in shared}
        assert not others, f"{path.name}: {others}"


def test_the_import_check_catches_a_planted_fault(tmp_path: Path) -> None:
    planted = tmp_path / "planted.py"
    planted.write_text("from cleaning.engine.run import run\nfrom cleaning.errors import UserError\n", encoding="utf-8")
    assert upward_imports(planted, "text") == ["planted.py imports cleaning.engine.run"]
    assert upward_imports(planted, "verbs") == []


def test_only_the_command_line_prints() -> None:
    for path in _sources():
        if path.name in ("cli.py", "verbs.py", "model_verbs.py", "dedup_verbs.py", "selftest_verb.py") or path.parent.name == "commands":
            continue
        calls = [n for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.Call)]
        assert not any(isinstance(c.func, ast.Name) and c.func.id == "print" for c in calls), path


def test_no_file_grows_without_a_reason() -> None:
    large = {p.relative_to(ROOT).as_posix(): n for p in _sources() if (n := len(p.read_text(encoding="utf-8").splitlines())) > 350}
    assert large == {}


def test_names_of_files() -> None:
    for path in _sources():
        assert not re.search(r"util|helper|manager|handler|^base_", path.name), path


def test_every_kernel_has_a_twin() -> None:
    naive = [ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "tests").glob("naive*.py")]
    twins = {n.name for tree in naive for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}
    for path in _sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and any("njit" in ast.unparse(d) for d in node.decorator_list):
                public = not node.name.startswith("_")
                assert not public or node.name in twins, f"{path.name}: {node.name} has no twin in tests/naive*.py"


def test_default_yaml_names_every_key_with_its_default() -> None:
    data = load_yaml(ROOT / "configs" / "default.yaml").data
    defaults = RunConfig()
    expected = set(RunConfig.model_fields) - {"sections"} | set(STAGES)
    assert set(data) == expected
    for section in ("input", "output", "engine"):
        model = getattr(defaults, section)
        assert set(data[section]) == set(type(model).model_fields)
        written = type(model).model_validate(dict(data[section]))
        assert written == model, section
    assert tuple(data["stages"]) == defaults.stages
    for name in STAGES:
        params = stage_class(name).Params
        assert set(data[name]) == set(params.model_fields), name
        assert params.model_validate(dict(data[name])) == params(), name


@pytest.mark.parametrize("path", sorted((ROOT / "configs").rglob("*.yaml")), ids=lambda p: p.relative_to(ROOT / "configs").as_posix())
def test_every_configuration_is_valid(path: Path) -> None:
    if path.name == "fineweb2_zh.yaml":
        pytest.importorskip("jieba", reason="its words are jieba's")
    from cleaning.config import load_config
    from cleaning.engine.resolve import resolve

    try:
        resolve(load_config(path, [], tuple(STAGES)))
    except UserError as exc:  # a model that is not on this machine; the error says how to get it, and nothing else is wrong
        assert [fault for fault in exc.faults if "it with: python -m cleaning models" not in fault] == []


@pytest.mark.parametrize("name", STAGES)
def test_every_stage_is_documented(name: str) -> None:
    cls = stage_class(name)
    assert issubclass(cls, Stage)
    assert cls.name == name
    assert cls.about
    assert cls.__doc__
    assert cls.version >= 1


def test_every_rule_says_where_it_comes_from() -> None:
    from cleaning.rules.blacklist import allowed_metrics
    from cleaning.rules.schema import load_rules

    metrics = allowed_metrics([path.name for path in (ROOT / "blacklists").glob("*.txt")])
    files = [path for path in sorted((ROOT / "rules").rglob("*.yaml")) if "rules" in load_yaml(path).data]  # pii.yaml lists types
    for path in files:
        for rule in load_rules([(path, path.name)], metrics=metrics, line_metrics={**LINE_METRICS, **MODEL_LINE_METRICS}):
            assert rule.source, f"{rule.where}: {rule.id} has no source"


def test_scripts_are_short() -> None:
    for name in ("run_data_cleaning.sh", "stopall.sh", "run_tests.sh", "setup_env.sh", "setup_models.sh"):
        assert len((ROOT / name).read_text().splitlines()) <= 40, name


def test_nothing_names_a_machine_or_a_package_host() -> None:
    listed = [p for p in ROOT.rglob("*") if p.is_file() and p.suffix in (".py", ".md", ".yaml", ".toml", ".sh", ".txt")]
    mine = [p for p in listed if not {".venv", ".git", ".envs", "results", "runs"} & set(p.relative_to(ROOT).parts)]
    pattern = re.compile("py" + "pi\\.org|python" + "hosted|(?<![A-Za-z0-9_.])/wo" + "rk/|registry\\.np" + "mjs")
    assert [str(p) for p in mine if pattern.search(p.read_text(encoding="utf-8", errors="replace"))] == []


def test_reference_pages_are_those_of_the_tables() -> None:
    from cleaning.reference import metrics_page, rules_page

    for name, text in (("metrics.md", metrics_page()), ("rules.md", rules_page(ROOT))):
        assert (ROOT / "docs" / name).read_text(encoding="utf-8") == text, f"docs/{name}: python -m cleaning check --write-docs docs"
