"""A typo in a list stops a run before it throws anything away; what the sample is that the lists are tried on."""

from __future__ import annotations

import gzip
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from cleaning.config import load_config
from cleaning.doc import Doc
from cleaning.engine.plan import Plan
from cleaning.engine.resolve import resolve, write_snapshot
from cleaning.engine.sampling import LONGEST, OF_EACH, SHARDS, sample_input
from cleaning.stages import STAGES
from tests.samples import sample

from .conftest import published

Cleaning = Callable[..., subprocess.CompletedProcess[str]]
CONFIG = """\
stages: [normalize, boilerplate, rules]
input: {paths: [in], group_bytes: 0}
output: {compression: none}
engine: {fuse: false, executor: inline}
boilerplate: {lists: [menu.txt]}
rules: {files: [ad_rules.yaml], blacklists: [ads.txt, custom.txt]}
"""
AD_RULES = 'rules: [{id: listed, metric: blacklist_hits, when: ">= 1", reason: an entry of the lists}]\n'
SPAM = ("加微信领", "扫码进群", "限时秒杀", "注册送彩金")


def write(path: Path, texts: list[str]) -> None:
    rows = [json.dumps({"id": f"{path.stem}-{i}", "text": text}, ensure_ascii=False) + "\n" for i, text in enumerate(texts)]
    path.write_text("".join(rows), encoding="utf-8")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two shards of good articles, lists without a fault, a configuration."""
    folder = tmp_path / "project"
    (folder / "in").mkdir(parents=True)
    for name in ("zh_good", "en_good"):
        write(folder / "in" / f"{name}.jsonl", [record["text"] for record in sample(name)])
    files = {"c.yaml": CONFIG, "ad_rules.yaml": AD_RULES, "menu.txt": "首页\n", "ads.txt": "\n".join(SPAM), "custom.txt": "# mine\n"}
    for file, content in files.items():
        (folder / file).write_text(content, encoding="utf-8")
    return folder


def sample_of(plan: Plan) -> list[Doc]:
    return sample_input(plan.config, plan.shards)


def add(path: Path, line: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")


def snapshot(root: Path) -> dict[str, tuple[int, int]]:
    """Every file of a run directory: inode and time."""
    return {p.relative_to(root).as_posix(): (p.stat().st_ino, p.stat().st_mtime_ns) for p in root.rglob("*") if p.is_file()}


def committed(root: Path) -> dict[str, tuple[int, int]]:
    """Those below `phases`."""
    return {name: seal for name, seal in snapshot(root).items() if name.startswith("phases/")}


# -- runs ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("typo", "hits", "share"), [("公司", 3, "2.1 %"), ("the", 45, "31.0 %")])
def test_a_typo_stops_a_run_and_costs_nothing(cleaning: Cleaning, project: Path, tmp_path: Path, typo: str, hits: int, share: str) -> None:
    root = tmp_path / "run"
    run = ("run", project / "c.yaml", "--output", root)
    assert cleaning(*run).returncode == 0
    before, files, whole = committed(root), published(root), snapshot(root)
    assert len(before) > 12
    add(project / "custom.txt", typo)
    add(project / "menu.txt", "上一篇")  # an earlier phase is stale as well, and must survive
    done = cleaning(*run)
    assert done.returncode == 2
    fault, *places = done.stderr[done.stderr.index("custom.txt:") :].splitlines()
    assert fault.startswith(f"custom.txt:2: '{typo}' hits {hits} of 145 sampled documents ({share}, allowed 2 %); make it longer")
    assert len(places) == 3
    assert all(place.startswith("    ") and f"〔{typo}〕" in place for place in places)
    assert json.loads((root / "run.json").read_text())["status"] == "done"  # that of the finished run
    assert "ads.txt:" not in done.stderr
    assert committed(root) == before
    assert published(root) == files
    # the directory is that of the finished run, in every file
    assert snapshot(root) == whole
    assert "done" in cleaning("status", root).stdout
    assert cleaning("verify", root).returncode == 0
    # mended, the next run goes on with what is there
    (project / "custom.txt").write_text("# mine\n", encoding="utf-8")
    (project / "menu.txt").write_text("首页\n", encoding="utf-8")
    again = cleaning(*run)
    assert again.returncode == 0
    assert "to do" not in again.stderr
    assert committed(root) == before
    assert cleaning("verify", root).returncode == 0


def test_a_run_that_was_stopped_is_still_the_run_before(cleaning: Cleaning, project: Path, tmp_path: Path) -> None:
    root = tmp_path / "run"
    assert cleaning("run", project / "c.yaml", "--output", root).returncode == 0
    add(project / "custom.txt", "公司")
    assert cleaning("run", project / "c.yaml", "--output", root).returncode == 2
    # the question that one asks next
    moved = cleaning("diff-policy", root, project / "c.yaml", "--input", project / "in")
    assert "kept → rules/listed" in moved.stdout
    assert cleaning("verify", root).returncode == 0


def test_with_workers_and_without_an_earlier_run(cleaning: Cleaning, project: Path, tmp_path: Path) -> None:
    root = tmp_path / "run"
    add(project / "custom.txt", "the")
    run = ("run", project / "c.yaml", "--output", root, "--executor", "local", "--workers", 2)
    done = cleaning(*run)
    assert done.returncode == 2
    assert "custom.txt:2: 'the' hits 45 of 145" in done.stderr
    assert not root.exists()
    assert cleaning(*run).returncode == 2


def test_all_suspects_are_named_at_once(cleaning: Cleaning, project: Path, tmp_path: Path) -> None:
    add(project / "custom.txt", "the")
    add(project / "custom.txt", "公司")
    done = cleaning("run", project / "c.yaml", "--output", tmp_path / "run")
    assert done.returncode == 2
    assert done.stderr.index("custom.txt:2: 'the'") < done.stderr.index("custom.txt:3: '公司'")


def test_it_can_be_switched_off_and_set(cleaning: Cleaning, project: Path, tmp_path: Path) -> None:
    add(project / "custom.txt", "the")
    off = cleaning("run", project / "c.yaml", "--output", tmp_path / "off", "--set", "rules.canary=0")
    assert off.returncode == 0, off.stderr
    rejected = (tmp_path / "off" / "rejected" / "rules").glob("*")
    assert sum(len(path.read_text(encoding="utf-8").splitlines()) for path in rejected) == 45
    below = cleaning("run", project / "c.yaml", "--output", tmp_path / "set", "--set", "rules.canary=0.3")
    assert below.returncode == 2
    assert "(31.0 %, allowed 30 %)" in below.stderr
    assert cleaning("run", project / "c.yaml", "--output", tmp_path / "set", "--set", "rules.canary=0.32").returncode == 0
    # it changes no byte of the output, so a finished run is finished with it, too
    done = cleaning("run", project / "c.yaml", "--output", tmp_path / "set", "--set", "rules.canary=0.5")
    assert done.returncode == 0
    assert "to do" not in done.stderr
    assert published(tmp_path / "set") == published(tmp_path / "off")


def test_a_corpus_of_spam_is_cleaned(cleaning: Cleaning, project: Path, tmp_path: Path) -> None:
    for path in (project / "in").iterdir():
        path.unlink()
    write(project / "in" / "spam.jsonl", [f"第{i}号店铺：{SPAM[i % 4]}，{SPAM[(i + 1) % 4]}！" for i in range(120)])
    done = cleaning("run", project / "c.yaml", "--output", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    rejected = tmp_path / "run" / "rejected" / "rules" / "part-00000.jsonl"
    assert len(rejected.read_text(encoding="utf-8").splitlines()) == 120


@pytest.mark.parametrize(("count", "code"), [(49, 0), (50, 2)])
def test_few_documents_are_no_sample(cleaning: Cleaning, project: Path, tmp_path: Path, count: int, code: int) -> None:
    for path in (project / "in").iterdir():
        path.unlink()
    write(project / "in" / "few.jsonl", [f"第{i}家公司的年报。" for i in range(count)])
    add(project / "custom.txt", "公司")
    assert cleaning("run", project / "c.yaml", "--output", tmp_path / "run").returncode == code


def bad_shards(folder: Path) -> None:
    """No JSON, a cut gzip file, no gzip file at all, an empty one, another encoding."""
    (folder / "a-garbage.jsonl").write_bytes(b"\n".join(b"no json %d" % i for i in range(500)))
    (folder / "b-cut.jsonl.gz").write_bytes(gzip.compress(b'{"text":"x"}\n' * 5000)[:60])
    (folder / "c-none.jsonl.gz").write_bytes(b'{"text":"the"}\n' * 100)
    (folder / "d-empty.jsonl").write_bytes(b"")
    (folder / "e-bytes.jsonl").write_bytes(bytes(range(256)) * 40)
    (folder / "f-zstd.jsonl.zst").write_bytes(b"\x28\xb5\x2f\xfd" + b"\x00" * 40)


def test_bad_shards_do_not_break_the_sampling(cleaning: Cleaning, project: Path, tmp_path: Path) -> None:
    bad_shards(project / "in")
    root = tmp_path / "run"
    first = cleaning("run", project / "c.yaml", "--output", root)
    assert first.returncode == 1
    assert "shards failed" in first.stderr
    before = committed(root)
    add(project / "custom.txt", "the")
    done = cleaning("run", project / "c.yaml", "--output", root)
    assert done.returncode == 2
    assert "custom.txt:2: 'the' hits" in done.stderr
    assert "Traceback" not in done.stderr
    assert committed(root) == before


# -- the sample ---------------------------------------------------------------------------------------------------------------


def plan_of(folder: Path, root: Path) -> Plan:
    loaded = load_config(None, ["input.group_bytes=0", f"input.paths=[{folder}]"], tuple(STAGES))
    return write_snapshot(root, loaded, resolve(loaded))


def test_bad_shards_give_what_they_have(project: Path, tmp_path: Path) -> None:
    bad_shards(project / "in")
    found = sample_of(plan_of(project / "in", tmp_path))
    good = [doc for doc in found if doc.origin.endswith("_good.jsonl")]
    assert len(good) == 145
    assert sum(doc.origin == "a-garbage.jsonl" for doc in found) == 0


def test_the_sample_is_small_and_always_the_same(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for shard in range(120):
        texts = [f"{shard} {i} " + "长" * 30_000 * (i == 3) for i in range(130 if shard < 9 else 5)]
        write(tmp_path / "in" / f"part-{shard:03}.jsonl", texts)
    plan = plan_of(tmp_path / "in", tmp_path)
    docs = sample_of(plan)
    shards = sorted({doc.origin for doc in docs})
    assert len(shards) == SHARDS == 24
    assert shards == [f"part-{shard:03}.jsonl" for shard in range(0, 120, 5)]
    assert sum(doc.origin == shards[0] for doc in docs) == OF_EACH == 120
    assert sum(doc.origin == shards[-1] for doc in docs) == 5
    assert max(len(doc.text) for doc in docs) == LONGEST == 20_000
    assert [doc.text for doc in sample_of(plan)] == [doc.text for doc in docs]


@pytest.mark.parametrize("shards", [1, 5, 24, 40, 47, 48, 49, 71, 240])
def test_the_sample_is_spread_over_the_input(tmp_path: Path, shards: int) -> None:
    (tmp_path / "in").mkdir()
    for shard in range(shards):
        write(tmp_path / "in" / f"part-{shard:03}.jsonl", ["一篇"])
    last = max(int(doc.origin[5:8]) for doc in sample_of(plan_of(tmp_path / "in", tmp_path)))
    assert last >= shards - 1 - shards / 10
