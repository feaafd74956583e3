"""`cleaning diff-policy`: what it says will move is what does move when the edited configuration is run."""

from __future__ import annotations

import json
import logging
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cleaning.cli import main
from cleaning.config import PROJECT_ROOT
from tests.samples import sample

from .engine.conftest import TOY, command

Cleaning = Callable[..., subprocess.CompletedProcess[str]]
End = tuple[str, str]
CONFIG = """\
stages: [normalize, boilerplate, rules]
input: {paths: [in], group_bytes: 0}
output: {compression: none}
engine: {executor: inline, workers: 1}
boilerplate: {lists: [menu.txt]}
rules: {files: [my_rules.yaml, ad_rules.yaml], blacklists: [ads.txt], canary: 0}
"""
AD_RULES = 'rules: [{id: ads, metric: blacklist_ads_hits, when: ">= 1", reason: an advert}]\n'


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three shards of the bundled samples with menus and adverts set into them, rules, lists, a configuration, and a run."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "in").mkdir()
    for name in ("zh_good", "zh_junk", "mixed_good"):
        rows = []
        for i, record in enumerate(sample(name)):
            text = f"首页\n今日头版\n{record['text']}" if i % 3 == 0 else record["text"]
            text += "\n本店清仓甩卖。" if i % 10 == 7 else "\n限时秒杀专场。" if i % 20 == 8 else ""
            rows.append(json.dumps({"id": f"{name}-{i}", "text": text, "source": name}, ensure_ascii=False))
        rows.insert(5, '{"text": "a bad line')
        (folder / "in" / f"{name}.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    shutil.copy(PROJECT_ROOT / "rules" / "zh_web.yaml", folder / "my_rules.yaml")
    files = {"c.yaml": CONFIG, "ad_rules.yaml": AD_RULES, "menu.txt": "首页\n", "ads.txt": "清仓甩卖\n限时秒杀\n"}
    for file, content in files.items():
        (folder / file).write_text(content, encoding="utf-8")
    done = subprocess.run(
        command("run", folder / "c.yaml", "--output", folder / "run"), cwd=PROJECT_ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def project(made: Path, tmp_path: Path) -> Path:
    """A copy to edit: inputs, rules, lists, a configuration and its run."""
    return Path(shutil.copytree(made, tmp_path / "project"))


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Cleaning]:
    """The command line, called in this process."""
    monkeypatch.setenv("CLEANING_STATE", str(tmp_path / "state"))
    log = logging.getLogger("cleaning")
    before = log.handlers[:], log.level, log.propagate

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        capsys.readouterr()
        code = main(list(map(str, arguments)))
        return subprocess.CompletedProcess(arguments, code, *capsys.readouterr())

    yield run
    log.handlers[:], log.propagate = before[0], before[2]
    log.setLevel(before[1])


def verdicts(root: Path) -> dict[str, End]:
    """id -> (end, text of what was kept), from a run directory."""
    out: dict[str, End] = {}
    for path in (root / "data").rglob("*.jsonl"):
        for record in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
            out[record["id"]] = ("kept", record["text"])
    for path in (root / "rejected").rglob("*.jsonl"):
        for record in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
            reject = record["cleaning"]["reject"]
            out[record["id"]] = (f"{reject['stage']}/{reject['rule']}", "")
    return out


def moves(before: dict[str, End], after: dict[str, End]) -> dict[str, tuple[str, str]]:
    """id -> (from, to) of the documents whose ends differ."""
    assert before.keys() == after.keys()
    changed = {i: (before[i][0], after[i][0]) for i in before if before[i] != after[i]}
    return {i: (a, "kept, another text" if a == b else b) for i, (a, b) in changed.items()}


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def tree(root: Path) -> dict[str, tuple[int, int, int]]:
    """Everything below a directory: inode, size, time."""
    return {str(p.relative_to(root)): ((s := p.stat()).st_ino, s.st_size, s.st_mtime_ns) for p in [root, *root.rglob("*")]}


def compared(call: Cleaning, project: Path, *options: object) -> tuple[dict[str, tuple[str, str]], str]:
    """What the verb says of the edited project; it must be what a real run does, and leave the first run as it is."""
    root, file, before = project / "run", project / "moved.jsonl", tree(project / "run")
    said = call("diff-policy", root, project / "c.yaml", "--output", file, *options)
    assert said.returncode == 0, said.stderr
    assert tree(root) == before
    real = call("run", project / "c.yaml", "--output", project / "edited", *options)
    assert real.returncode == 0, real.stderr
    expected = moves(verdicts(root), verdicts(project / "edited"))
    assert {row["id"]: (row["from"], row["to"]) for row in rows(file)} == expected
    assert len(rows(file)) == len(expected)
    documents = len(verdicts(root))
    assert said.stdout.startswith(f"{documents} documents, {len(expected)} moved\n")
    return expected, said.stdout


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, (path, old)
    path.write_text(text.replace(old, new), encoding="utf-8")


def threshold(path: Path, rule: str, when: str) -> None:
    text = path.read_text(encoding="utf-8")
    changed = re.sub(rf'(id: {rule}\n.*\n    when: )"[^"]*"', rf'\1"{when}"', text)
    assert changed != text
    path.write_text(changed, encoding="utf-8")


# -- what moves is what moves ---------------------------------------------------------------------------------------------------


def test_nothing_was_edited(call: Cleaning, project: Path) -> None:
    expected, shown = compared(call, project)
    assert expected == {}
    assert shown == f"{len(verdicts(project / 'run'))} documents, 0 moved\n"
    assert (project / "moved.jsonl").read_bytes() == b""


def test_a_threshold_in_its_file(call: Cleaning, project: Path) -> None:
    threshold(project / "my_rules.yaml", "zh_verse_too_short", "< 430")
    expected, shown = compared(call, project)
    assert set(expected.values()) >= {("kept", "rules/zh_verse_too_short"), ("rules/ads", "rules/zh_verse_too_short")}
    counts = {end: list(expected.values()).count(end) for end in set(expected.values())}
    for (before, after), number in counts.items():
        assert re.search(rf"^ +{number}  {before} → {after}$", shown, re.MULTILINE)


def test_a_threshold_by_an_option(call: Cleaning, project: Path) -> None:
    expected, _ = compared(call, project, "--set", "rules.thresholds.zh_verse_too_short=< 430", "--set", "rules.off=[ads]")
    assert ("rules/ads", "kept") in expected.values()
    assert ("kept", "rules/zh_verse_too_short") in expected.values()


@pytest.mark.parametrize(("old", "new", "kind"), [
    ("清仓甩卖\n", "", ("rules/ads", "kept")),
    ("限时秒杀\n", "限时秒杀\n!限时秒杀专场\n", ("rules/ads", "kept")),
    ("清仓甩卖\n", "清仓甩卖\n今天\n", ("kept", "rules/ads")),
], ids=["taken-out", "exception", "added"])  # fmt: skip
def test_an_entry_of_a_blacklist(call: Cleaning, project: Path, old: str, new: str, kind: tuple[str, str]) -> None:
    edit(project / "ads.txt", old, new)
    expected, _ = compared(call, project)
    assert kind in expected.values()


def test_a_boilerplate_line(call: Cleaning, project: Path) -> None:
    edit(project / "menu.txt", "首页\n", "首页\n今日头版\n")
    expected, shown = compared(call, project)
    assert ("kept", "kept, another text") in expected.values()
    assert "kept → kept, another text" in shown


@pytest.mark.parametrize("stages", ["normalize,rules", "normalize,boilerplate", "rules", "normalize"])
def test_a_stage_is_taken_out(call: Cleaning, project: Path, stages: str) -> None:
    expected, _ = compared(call, project, "--stages", stages)
    assert expected


def test_a_stage_is_put_in(call: Cleaning, project: Path) -> None:
    """The other direction: the run is the short one."""
    done = call("run", project / "c.yaml", "--output", project / "short", "--stages", "normalize")
    assert done.returncode == 0, done.stderr
    shutil.rmtree(project / "run")
    (project / "short").rename(project / "run")
    expected, _ = compared(call, project)
    assert ("kept", "rules/ads") in expected.values()


def test_the_first_stage(call: Cleaning, project: Path) -> None:
    expected, _ = compared(call, project, "--set", "normalize.corner_quotes=true", "--set", "normalize.trim_lines=false")
    assert set(expected.values()) >= {("kept", "kept, another text")}


def test_what_changes_nothing(call: Cleaning, project: Path) -> None:
    threshold(project / "my_rules.yaml", "zh_too_long", "> 4000001")
    edit(project / "menu.txt", "首页\n", "首页\n# 备注\n本页没有的一行\n")
    (project / "ads.txt").write_text("限时秒杀\n清仓甩卖\n", encoding="utf-8")
    expected, _ = compared(call, project, "--set", "rules.canary=0.9", "--set", "engine.batch_bytes=2000")
    assert expected == {}


# -- what is said -------------------------------------------------------------------------------------------------------------


def test_rows(call: Cleaning, project: Path) -> None:
    edit(project / "menu.txt", "首页\n", "首页\n今日头版\n")
    threshold(project / "my_rules.yaml", "zh_verse_too_short", "< 430")
    expected, _ = compared(call, project)
    found = rows(project / "moved.jsonl")
    names = ("mixed_good", "zh_good", "zh_junk")  # the order of the shards
    places = [(names.index(i.rpartition("-")[0]), int(i.rpartition("-")[2])) for i in (row["id"] for row in found)]
    assert places == sorted(places)
    assert len(found) == len(expected)
    texts = {i: text for i, (end, text) in verdicts(project / "edited").items() if end == "kept"}
    for row in found:
        with (project / "in" / row["file"]).open("rb") as file:
            file.seek(row["byte"])
            record = json.loads(file.readline())
        assert record["id"] == row["id"]
        assert len(row["text"]) <= 160
        assert row["text"] == texts.get(row["id"], row["text"])[:160]
        if row["to"] == "rules/zh_verse_too_short":
            assert row["threshold"] == "chars < 430"
            assert row["value"] < 430
            assert "even for a poem" in row["reason"]
        elif row["to"].startswith("kept"):
            assert row["from"] != "kept" or "threshold" not in row


def test_the_text(call: Cleaning, project: Path) -> None:
    edit(project / "ads.txt", "清仓甩卖\n", "")
    expected, shown = compared(call, project, "--set", "rules.off=[]")
    back = [i for i, kind in expected.items() if kind == ("rules/ads", "kept")]
    assert f"\n\n{len(back):>8}  rules/ads → kept\n          by source: zh_good " in shown
    by_source = {name: sum(i.startswith(name) for i in back) for name in ("zh_good", "mixed_good")}
    for name, number in by_source.items():
        assert f"{name} {number}" in shown
    one = call("diff-policy", project / "run", project / "c.yaml", "--count", 1).stdout
    samples = [line for line in one.splitlines() if re.match(r" {10}\S+-\d+ \(1\.0, blacklist_ads_hits >= 1\): '", line)]
    assert len(samples) == len({kind for kind in expected.values() if "rules/ads" in kind})


def test_one_worker_is_two_workers(call: Cleaning, project: Path) -> None:
    threshold(project / "my_rules.yaml", "zh_verse_too_short", "< 430")
    edit(project / "menu.txt", "首页\n", "首页\n今日头版\n")
    said = []
    for workers in (1, 2):
        file = project / f"{workers}.jsonl"
        arguments = ("diff-policy", project / "run", project / "c.yaml", "--workers", workers, "--output", file)
        done = subprocess.run(command(*arguments), cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        said.append((done.stdout, file.read_bytes()))
    assert said[0] == said[1]
    assert said[0][1]


def test_other_input(call: Cleaning, project: Path) -> None:
    """The two policies on documents that the run never saw."""
    path = project / "new.jsonl"
    path.write_text('{"id": "n", "text": "本店清仓甩卖，欢迎光临。"}\n', encoding="utf-8")
    done = call("diff-policy", project / "run", project / "c.yaml", "--input", path, "--set", "rules.off=[zh_verse_too_short, ads]")
    assert done.stdout.startswith("1 documents, 1 moved\n")


def test_a_shard_that_cannot_be_read(call: Cleaning, project: Path) -> None:
    (project / "in" / "x-garbage.jsonl").write_bytes(b"\n".join(b"no json %d" % i for i in range(100)))
    edit(project / "ads.txt", "清仓甩卖\n", "")
    done = call("diff-policy", project / "run", project / "c.yaml", "--input", project / "in")
    assert done.returncode == 1
    assert "rules/ads → kept" in done.stdout
    assert "\nfailed: x-garbage.jsonl: " in done.stdout


# -- what is refused ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("arguments", "fault"), [
    (("nowhere", "c.yaml"), "nowhere: no run here"),
    (("run", "d.yaml"), "no file 'd.yaml'"),
    (("run", "c.yaml", "--set", "rules.off=[adz]"), "rules: no rule 'adz' to change; did you mean 'ads'?"),
    (("run", "c.yaml", "--workers", "0"), "--workers 0: a number from 1"),
    (("run", "c.yaml", "--input", "none"), "input: no file or directory 'none'"),
    (("run", "c.yaml", "--stages", "normalise"), "did you mean 'normalize'?"),
])  # fmt: skip
def test_wrong_commands(
    call: Cleaning, project: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], fault: str
) -> None:
    monkeypatch.chdir(project)
    before = tree(project / "run")
    done = call("diff-policy", *arguments)
    assert done.returncode == 2
    assert fault in done.stderr
    assert done.stdout == ""
    assert tree(project / "run") == before


def test_a_global_stage_in_the_configuration(call: Cleaning, project: Path) -> None:
    edit(project / "c.yaml", "boilerplate, rules]", f'boilerplate, rules, "{TOY}:ToyDedup"]')
    done = call("diff-policy", project / "run", project / "c.yaml")
    assert done.returncode == 2
    assert "toy_dedup compares documents with one another; leave it out with --stages" in done.stderr
    again = call("diff-policy", project / "run", project / "c.yaml", "--stages", "normalize,boilerplate,rules")
    assert again.returncode == 0, again.stderr


def test_a_global_stage_in_the_run(call: Cleaning, project: Path) -> None:
    edit(project / "c.yaml", "boilerplate, rules]", f'boilerplate, rules, "{TOY}:ToyDedup"]')
    assert call("run", project / "c.yaml", "--output", project / "run").returncode == 0
    refused = call("diff-policy", project / "run", project / "c.yaml")
    assert refused.returncode == 2
    assert "leave it out with --stages" in refused.stderr
    done = call("diff-policy", project / "run", project / "c.yaml", "--stages", "normalize,boilerplate,rules")
    assert done.returncode == 0, done.stderr


# -- the run's own configuration ----------------------------------------------------------------------------------------------


def absolute(project: Path) -> None:
    """Files by whole paths, and a run with that configuration."""
    for name in ("my_rules.yaml", "ad_rules.yaml", "menu.txt", "ads.txt"):
        edit(project / "c.yaml", name, str(project / name))


def test_without_a_configuration(call: Cleaning, project: Path) -> None:
    """The run's own, with the files as they are now."""
    absolute(project)
    assert call("run", project / "c.yaml", "--output", project / "run").returncode == 0
    assert " 0 moved" in call("diff-policy", project / "run").stdout
    edit(project / "ads.txt", "清仓甩卖\n", "")
    shown = call("diff-policy", project / "run").stdout
    assert shown == compared(call, project)[1]
    assert "rules/ads → kept" in shown


def test_the_stages_of_the_run(call: Cleaning, project: Path) -> None:
    absolute(project)
    assert call("run", project / "c.yaml", "--output", project / "run", "--stages", "normalize,rules").returncode == 0
    assert " 0 moved" in call("diff-policy", project / "run").stdout


def test_files_beside_the_configuration(call: Cleaning, project: Path) -> None:
    done = call("diff-policy", project / "run")
    assert done.returncode == 0, done.stderr
    assert " 0 moved" in done.stdout


def test_options_of_the_run(call: Cleaning, project: Path) -> None:
    absolute(project)
    options = ("--set", "rules.thresholds.zh_verse_too_short=< 430")
    assert call("run", project / "c.yaml", "--output", project / "run", *options).returncode == 0
    assert " 0 moved" in call("diff-policy", project / "run").stdout


def test_a_run_with_the_defaults(call: Cleaning, project: Path) -> None:
    done = call("run", "--input", project / "in", "--output", project / "plain", "--executor", "inline")
    assert done.returncode == 0, done.stderr
    done = call("diff-policy", project / "plain")
    assert done.returncode == 0, done.stderr


# -- steps that raise ---------------------------------------------------------------------------------------------------------


def test_a_rule_that_raises(call: Cleaning, project: Path) -> None:
    (project / "mine.py").write_text(
        "from cleaning.rules.user_rules import rule\n\n\n@rule(id='fussy', reason='r')\ndef fussy(doc, metrics):\n"
        "    if doc.id == 'zh_good-3':\n        raise ValueError(doc.id)\n    return doc.id == 'zh_good-5'\n",
        encoding="utf-8",
    )
    expected, _ = compared(call, project, "--set", "rules.user=[mine.py]")
    assert expected == {"zh_good-3": ("kept", "rules/error:rules"), "zh_good-5": ("kept", "rules/fussy")}
