"""An edited rule file, blacklist or boilerplate list: the next run says which file changed, redoes what depends on it and nothing else,
and ends with the bytes of a fresh run."""

from __future__ import annotations

import json
import logging
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cleaning.cli import main
from tests.samples import sample

from .conftest import ROOT, TOY, published

Cleaning = Callable[..., subprocess.CompletedProcess[str]]
CONFIG = f"""\
stages: [normalize, boilerplate, rules, "{TOY}:Fussy"]
input: {{paths: [in], group_bytes: 0}}
output: {{compression: none}}
engine: {{fuse: false, executor: inline}}
boilerplate: {{lists: [menu.txt, rights.txt]}}
rules: {{files: [my_rules.yaml, ad_rules.yaml], blacklists: [ads.txt, gambling.txt]}}
fussy: {{word: 本文没有这一句}}
"""
AD_RULES = """\
rules:
  - {id: ads, metric: blacklist_ads_hits, when: ">= 1", reason: an advert}
  - {id: gambling, metric: blacklist_gambling_hits, when: ">= 1", reason: a betting page}
"""
PHASES = ("00-normalize", "01-boilerplate", "02-rules", "03-fussy")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Three shards of the bundled samples with menus and adverts set into them, a copied rule file, lists, a configuration."""
    folder = tmp_path / "project"
    (folder / "in").mkdir(parents=True)
    for shard, name in enumerate(("zh_good", "zh_junk", "en_good")):
        rows = []
        for i, record in enumerate(sample(name)):
            text = record["text"]
            text += "\n本店清仓甩卖，欢迎光临。" if i % 90 == 7 else ""
            text += "\n注册即送彩金。" if i % 90 == 8 else ""
            text = f"首页\n{text}\n版权所有" if i % 4 == 0 else text
            text = f"今日头版\n{text}" if shard == 0 and i % 5 == 0 else text  # in the first shard alone
            rows.append(json.dumps({"id": f"{name}-{i}", "text": text, "source": name}, ensure_ascii=False) + "\n")
        (folder / "in" / f"part-{shard}.jsonl").write_text("".join(rows), encoding="utf-8")
    shutil.copy(ROOT / "rules" / "zh_web.yaml", folder / "my_rules.yaml")
    files = {"c.yaml": CONFIG, "ad_rules.yaml": AD_RULES, "menu.txt": "首页\n", "rights.txt": "版权所有\n"}
    files |= {"ads.txt": "清仓甩卖\n限时秒杀专场\n", "gambling.txt": "即送彩金\n"}
    for file, content in files.items():
        (folder / file).write_text(content, encoding="utf-8")
    return folder


@pytest.fixture
def inline(state: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Cleaning]:
    """The command line, called in this process: these tests start it some eighty times."""
    log = logging.getLogger("cleaning")
    before = log.handlers[:], log.level, log.propagate

    def call(*arguments: object) -> subprocess.CompletedProcess[str]:
        capsys.readouterr()
        code = main(list(map(str, arguments)))
        return subprocess.CompletedProcess(arguments, code, *capsys.readouterr())

    yield call
    log.handlers[:], log.propagate = before[0], before[2]
    log.setLevel(before[1])


def edit(path: Path, old: str, new: str) -> None:
    """What a person does in an editor."""
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, (path, old)
    path.write_text(text.replace(old, new), encoding="utf-8")


def threshold(path: Path, rule: str, when: str) -> None:
    """Another limit for one rule of a rule file."""
    text = path.read_text(encoding="utf-8")
    changed = re.sub(rf'(id: {rule}\n.*\n    when: )"[^"]*"', rf'\1"{when}"', text)
    assert changed != text
    path.write_text(changed, encoding="utf-8")


def seals(root: Path) -> dict[str, dict[str, tuple[int, int]]]:
    """Inode and time of every manifest, by phase and task: what is redone has others."""
    out: dict[str, dict[str, tuple[int, int]]] = {}
    for path in sorted(root.glob("phases/*/*/manifest.json")):
        stat = path.stat()
        out.setdefault(path.parts[-3], {})[path.parts[-2]] = (stat.st_ino, stat.st_mtime_ns)
    return out


def snapshot(root: Path) -> dict[str, tuple[int, int]]:
    """Every file of a run directory."""
    return {str(p.relative_to(root)): (p.stat().st_ino, p.stat().st_mtime_ns) for p in root.rglob("*") if p.is_file()}


class Edited:
    """A finished run; `again` resumes it after an edit and compares it with a fresh run."""

    def __init__(self, inline: Cleaning, project: Path, *options: object) -> None:
        self.inline, self.project, self.options = inline, project, options
        self.root, self.fresh = project.parent / "run", project.parent / "fresh"
        code, log = self._run(self.root)
        assert code == 0, log
        self.before, self.files = seals(self.root), published(self.root)

    def _run(self, root: Path) -> tuple[int, str]:
        done = self.inline("run", self.project / "c.yaml", "--output", root, *self.options)
        return done.returncode, done.stderr

    def plan(self) -> str:
        """What `plan` says; it must change nothing."""
        before = snapshot(self.root)
        done = self.inline("plan", self.project / "c.yaml", "--output", self.root, *self.options)
        assert done.returncode == 0, done.stderr
        assert snapshot(self.root) == before
        return done.stdout

    def again(self) -> tuple[str, dict[str, set[str]]]:
        """The log of the resumed run, and the tasks that it did again by phase."""
        code, log = self._run(self.root)
        assert code == 0, log
        after = seals(self.root)
        assert self._run(self.fresh)[0] == 0
        assert published(self.root) == published(self.fresh)
        verified = self.inline("verify", self.root)
        assert verified.returncode == 0, verified.stdout
        redone = {phase: {t for t, seal in tasks.items() if self.before.get(phase, {}).get(t) != seal} for phase, tasks in after.items()}
        return log, {phase: tasks for phase, tasks in redone.items() if tasks}


ALL = {"00000", "00001", "00002"}


def test_nothing_is_done_twice(inline: Cleaning, project: Path) -> None:
    run = Edited(inline, project)
    assert tuple(run.before) == PHASES
    assert "to do" not in run.plan()
    log, redone = run.again()
    assert redone == {}
    assert "to do" not in log
    assert published(run.root) == run.files


def test_a_threshold(inline: Cleaning, project: Path) -> None:
    run = Edited(inline, project)
    threshold(project / "my_rules.yaml", "zh_verse_too_short", "< 430")
    plan = run.plan()
    assert "phase 00-normalize: 3 tasks, 3 done\nphase 01-boilerplate: 3 tasks, 3 done\nphase 02-rules: 3 tasks, 0 done\n" in plan
    assert "  3 to do: rules: my_rules.yaml changed\n" in plan
    assert "phase 03-fussy: 3 tasks, 3 done (may change: a phase before it is not complete)" in plan
    log, redone = run.again()
    assert "phase 02-rules: 0 of 3 tasks done already; to do: 3 × rules: my_rules.yaml changed" in log
    assert "phase 00-normalize: 3 of 3 tasks done already\n" in log
    # the rule is for Chinese: the English shard keeps what it kept, and is done behind the rules
    assert redone == {"02-rules": ALL, "03-fussy": {"00000", "00001"}}
    assert "phase 03-fussy: 1 of 3 tasks done already; to do: 2 × its input is another one" in log
    assert published(run.root) != run.files


def test_a_threshold_that_changes_no_verdict(inline: Cleaning, project: Path) -> None:
    run = Edited(inline, project)
    threshold(project / "my_rules.yaml", "zh_too_long", "> 4000001")
    assert "3 to do: rules: my_rules.yaml changed" in run.plan()
    _, redone = run.again()
    assert redone == {"02-rules": ALL}
    assert published(run.root) == run.files


@pytest.mark.parametrize(("old", "new", "moved"), [
    ("清仓甩卖\n", "", True),
    ("清仓甩卖\n", "清仓甩卖\n!清仓甩卖，\n", True),
    ("限时秒杀专场\n", "本页没有的短语\n", False),
], ids=["taken-out", "exception", "nowhere"])  # fmt: skip
def test_an_entry_of_a_blacklist(inline: Cleaning, project: Path, old: str, new: str, moved: bool) -> None:
    run = Edited(inline, project)
    edit(project / "ads.txt", old, new)
    plan = run.plan()
    assert "phase 01-boilerplate: 3 tasks, 3 done\n" in plan
    assert "  3 to do: rules: ads.txt changed\n" in plan
    log, redone = run.again()
    assert "rules: ads.txt changed" in log
    assert "gambling.txt" not in log
    if moved:  # the junk goes for other reasons too: what its rules keep is the same
        assert redone == {"02-rules": ALL, "03-fussy": {"00000", "00002"}}
    else:
        assert redone == {"02-rules": ALL}
        assert published(run.root) == run.files


def test_a_boilerplate_line(inline: Cleaning, project: Path) -> None:
    run = Edited(inline, project)
    edit(project / "menu.txt", "首页\n", "首页\n今日头版\n")
    plan = run.plan()
    assert "phase 00-normalize: 3 tasks, 3 done\nphase 01-boilerplate: 3 tasks, 0 done\n  3 to do: boilerplate: menu.txt changed\n" in plan
    log, redone = run.again()
    assert "to do: 3 × boilerplate: menu.txt changed" in log
    # the line stands in the first shard alone: behind this phase the other two are as they were
    assert redone == {"01-boilerplate": ALL, "02-rules": {"00000"}, "03-fussy": {"00000"}}
    assert published(run.root) != run.files


@pytest.mark.parametrize("line", ["下一篇\n", "# 备注\n"], ids=["fits-nowhere", "comment"])
def test_a_boilerplate_line_that_changes_no_document(inline: Cleaning, project: Path, line: str) -> None:
    run = Edited(inline, project)
    edit(project / "rights.txt", "版权所有\n", f"版权所有\n{line}")
    assert "boilerplate: rights.txt changed" in run.plan()
    log, redone = run.again()
    assert redone == {"01-boilerplate": ALL}
    for phase in ("02-rules", "03-fussy"):
        assert f"phase {phase}: 3 of 3 tasks done already\n" in log
    assert published(run.root) == run.files


def test_several_files_at_once(inline: Cleaning, project: Path) -> None:
    run = Edited(inline, project)
    edit(project / "rights.txt", "版权所有\n", "")
    edit(project / "gambling.txt", "即送彩金", "注册即送彩金")
    threshold(project / "my_rules.yaml", "zh_too_short", "< 31")
    plan = run.plan()
    assert "boilerplate: rights.txt changed" in plan
    assert "rules: my_rules.yaml, gambling.txt changed" in plan
    _, redone = run.again()
    assert set(redone) == set(PHASES[1:])


def test_an_edit_and_its_undoing_before_the_next_run(inline: Cleaning, project: Path) -> None:
    """Contents count, not times."""
    run = Edited(inline, project)
    for file in ("my_rules.yaml", "ads.txt", "menu.txt"):
        text = (project / file).read_bytes()
        (project / file).write_bytes(text + b"# \n")
        (project / file).write_bytes(text)
    assert "to do" not in run.plan()
    assert run.again()[1] == {}


def test_an_edit_back_again(inline: Cleaning, project: Path) -> None:
    """After two edits that undo each other the run is what it was."""
    run = Edited(inline, project)
    edit(project / "ads.txt", "清仓甩卖\n", "")
    assert run._run(run.root)[0] == 0
    assert published(run.root) != run.files
    edit(project / "ads.txt", "限时秒杀专场\n", "清仓甩卖\n限时秒杀专场\n")
    run.again()
    assert published(run.root) == run.files


def test_behind_a_checkpoint(inline: Cleaning, project: Path) -> None:
    run = Edited(inline, project, "--set", "engine.fuse=true", "--set", "engine.checkpoint=[boilerplate]")
    assert tuple(run.before) == ("00-normalize-boilerplate", "01-rules-fussy")
    threshold(project / "my_rules.yaml", "zh_verse_too_short", "< 430")
    assert "phase 00-normalize-boilerplate: 3 tasks, 3 done\n" in run.plan()
    log, redone = run.again()
    assert "phase 01-rules-fussy: 0 of 3 tasks done already; to do: 3 × rules: my_rules.yaml changed" in log
    assert redone == {"01-rules-fussy": ALL}


def test_fused_is_unfused(cleaning: Cleaning, inline: Cleaning, project: Path) -> None:
    """Also with an edit between: the same bytes whatever is committed on the way."""
    run = Edited(inline, project)
    fused, options = project.parent / "fused", ("--set", "engine.fuse=true", "--set", "engine.executor=local", "--workers", 2)
    for when in ("< 20", "< 430"):
        if when != "< 20":
            threshold(project / "my_rules.yaml", "zh_verse_too_short", when)
            edit(project / "menu.txt", "首页\n", "首页\n今日头版\n")
            run.again()
        done = cleaning("run", project / "c.yaml", "--output", fused, *options)
        assert done.returncode == 0, done.stderr
        assert [p.name for p in (fused / "phases").iterdir()] == ["00-normalize-boilerplate-rules-fussy"]
        assert published(fused) == published(run.root)
    assert "to do: 3 × boilerplate: menu.txt changed; rules: my_rules.yaml changed" in done.stderr


def test_a_list_that_is_renamed(inline: Cleaning, project: Path) -> None:
    """The name of a list is its category: it decides which metrics its entries raise."""
    run = Edited(inline, project)
    (project / "ads.txt").rename(project / "profanity.txt")
    edit(project / "ad_rules.yaml", "blacklist_ads_hits", "blacklist_hits")
    edit(project / "c.yaml", "ads.txt", "profanity.txt")
    run.again()


def test_a_list_that_is_renamed_alone(inline: Cleaning, project: Path) -> None:
    edit(project / "ad_rules.yaml", "blacklist_ads_hits", "blacklist_hits")
    run = Edited(inline, project)
    (project / "ads.txt").rename(project / "profanity.txt")  # profanity is not part of the total
    edit(project / "c.yaml", "ads.txt", "profanity.txt")
    run.again()
