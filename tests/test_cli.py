"""The commands as a user types them: outputs, error texts, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from .engine.conftest import ROOT, make_corpus

Cleaning = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def cleaning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cleaning:
    monkeypatch.setenv("CLEANING_STATE", str(tmp_path / "state"))

    def call(*arguments: object, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "cleaning", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=120, check=False)

    return call


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return make_corpus(tmp_path / "in", shards=2, docs=20)


@pytest.mark.parametrize(("text", "fault"), [
    ("stages: [normalise]\n", "c.yaml:1: stages: unknown stage 'normalise'; did you mean 'normalize'?"),
    ("name: x\nstags: [rules]\n", "c.yaml:2: unknown key 'stags'; did you mean 'stages'?"),
    ("input:\n  max_bad_ration: 0.1\n", "c.yaml:2: unknown key 'max_bad_ration'; did you mean 'max_bad_ratio'?"),
    ("input:\n  max_bad_ratio: 7\n", "c.yaml:2: input.max_bad_ratio: input should be less than or equal to 1 (found 7)"),
    ("input:\n  shard_bytes: lots\n", "c.yaml:2: input.shard_bytes: not a size"),
    ("engine:\n  workers: many\n", "c.yaml:2: engine.workers"),
    ("normalize:\n  htlm: false\n", "c.yaml:2: unknown key 'htlm'; did you mean 'html'?"),
    ("rules:\n  files: [rules/zh_wep.yaml]\n", "no file 'rules/zh_wep.yaml'"),
    ("rules:\n  files: [rules/zh_wep.yaml]\n", "did you mean 'zh_web.yaml'?"),
    ("rules:\n  files: [rules/zh_web.yaml]\n  off: [zh_to_short]\n", "did you mean 'zh_too_short'?"),
    ("rules:\n  files: [rules/zh_web.yaml]\n  thresholds: {zh_too_short: less}\n", "rules.thresholds.zh_too_short: not a condition"),
    ("stages: [rules, rules]\n", "c.yaml:1: a stage is named twice"),
    ("engine: {checkpoint: [dedup]}\n", "engine.checkpoint: 'dedup' is not among the stages"),
    ("stages: [\n", "c.yaml:"),
    ("- a\n", "a mapping of keys is expected"),
])  # fmt: skip
def test_a_typo_is_answered_quickly(cleaning: Cleaning, tmp_path: Path, data: Path, text: str, fault: str) -> None:
    config = tmp_path / "c.yaml"
    config.write_text(text, encoding="utf-8")
    began = time.monotonic()
    done = cleaning("run", config, "--input", data, "--output", tmp_path / "run")
    assert time.monotonic() - began < 4  # 2 s on a free machine; tests run beside each other
    assert done.returncode == 2
    assert fault in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run").exists()


def test_all_faults_at_once(cleaning: Cleaning, tmp_path: Path, data: Path) -> None:
    rules = tmp_path / "mine.yaml"
    rules.write_text(
        "rules:\n"
        "  - id: one\n    metric: symbl_ratio\n    when: '> 0.2'\n    reason: r\n"
        "  - id: two\n    metric: symbol_ratio\n    when: '=> 0.2'\n    reason: r\n",
        encoding="utf-8",
    )
    config = tmp_path / "c.yaml"
    config.write_text("normalize: {htlm: false}\nrules:\n  files: [mine.yaml]\n", encoding="utf-8")
    done = cleaning("run", config, "--input", data, "--output", tmp_path / "run")
    assert done.returncode == 2
    assert "unknown key 'htlm'" in done.stderr
    assert "mine.yaml:3: unknown metric 'symbl_ratio'; did you mean 'symbol_ratio'?" in done.stderr
    assert "mine.yaml:8: rules.1.when: not a condition" in done.stderr


@pytest.mark.parametrize(("arguments", "fault"), [
    (["rnu", "x"], "unknown verb 'rnu'; did you mean 'run'?"),
    (["run", "configs/zh_wb.yaml", "--input", "x", "--output", "y"], "did you mean 'zh_web.yaml'?"),
    (["run", "configs/zh_web.yaml", "--input", "nowhere", "--output", "y"], "input: no file or directory 'nowhere'"),
    (["run", "configs/zh_web.yaml", "--input", "*.nothing", "--output", "y"], "input: no file matches '*.nothing'"),
    (["run", "configs/zh_web.yaml", "--output", "y"], "no input: give --input PATH"),
    (["run", "configs/zh_web.yaml", "--input", "samples"], "no run directory: give --output DIR"),
    (["run", "configs/zh_web.yaml", "--input", "samples", "--output", "y", "--workers", "0"], "--workers 0: a number from 1"),
    (["run", "configs/zh_web.yaml", "--input", "samples", "--output", "y", "--set", "x"], "--set x: write key.sub=value"),
    (["run", "configs/zh_web.yaml", "--input", "samples", "--output", "y", "--set", "input.encoding=latin9"], "unknown encoding"),
    (["verify", "nowhere"], "nowhere: no run here"),
    (["sample", "nowhere"], "nowhere: no finished run here"),
    (["status", "nowhere"], "nowhere: no run here"),
    (["explain", "samples", "--config", "configs/zh_web.yaml"], "write FILE:LINE"),
    (["explain", "samples/raw/zh_good.jsonl:100000", "--config", "configs/zh_web.yaml"], "no document there"),
    (["run", "--frobnicate"], "frobnicate"),
])  # fmt: skip
def test_wrong_commands(cleaning: Cleaning, arguments: list[str], fault: str) -> None:
    done = cleaning(*arguments)
    assert done.returncode == 2
    assert fault in done.stderr
    assert "Traceback" not in done.stderr
    assert not (ROOT / "y").exists()


def test_help_has_an_example_for_every_verb(cleaning: Cleaning) -> None:
    from cleaning.cli import VERBS

    shown = cleaning("--help").stdout
    for verb in VERBS:
        assert verb in shown
        assert f"example: cleaning {verb} " in cleaning(verb, "--help").stdout.replace("\n", " ")


def test_check_lists_everything(cleaning: Cleaning) -> None:
    from cleaning.text.metric_table import METRICS

    listed = cleaning("check", "--metrics").stdout
    assert all(name in listed for name in METRICS)
    rules = cleaning("check", "configs/zh_web.yaml", "--rules").stdout
    assert "zh_garbled" in rules
    assert "rules/zh_web.yaml:" in rules
    assert "normalize" in cleaning("check", "--stages-list").stdout


def test_explain_shows_every_step(cleaning: Cleaning, tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    documents = [{"id": "a", "text": "好"}, {"id": "b", "text": "<p>ＡＢＣ</p> 太短。"}]
    path.write_text("\n".join(json.dumps(d, ensure_ascii=False) for d in documents) + "\n{broken\n", encoding="utf-8")
    shown = cleaning("explain", f"{path}:2", "--config", "configs/zh_web.yaml").stdout
    steps = ("== normalize", "== boilerplate", "== rules")
    for part in ("document b", "- <p>ＡＢＣ</p> 太短。", "+ ABC", *steps, "han_unit_ratio", "REJECTED by rules: zh_verse_too_short"):
        assert part in shown, shown
    bad = cleaning("explain", f"{path}:3", "--config", "configs/zh_web.yaml")
    assert bad.returncode == 2
    assert "a bad line: broken_json" in bad.stderr


def test_exit_codes_and_failed_shards(cleaning: Cleaning, data: Path, tmp_path: Path) -> None:
    (data / "garbage.jsonl").write_bytes(b"\n".join(b"no json %d" % i for i in range(500)))
    (data / "cut.jsonl.gz").write_bytes(__import__("gzip").compress(b'{"text":"x"}\n' * 5000)[:60])
    root = tmp_path / "run"
    done = cleaning("run", "configs/zh_web.yaml", "--input", data, "--output", root, "--set", "input.group_bytes=0")
    assert done.returncode == 1
    assert "2 shards failed" in done.stderr
    assert "garbage.jsonl" in done.stderr
    assert "max_bad_ratio" in done.stderr
    assert "cut.jsonl.gz" in done.stderr
    assert "damaged" in done.stderr
    report = json.loads((root / "report" / "report.json").read_text())
    assert report["read"]["documents"] > 30
    assert len(report["failures"]) == 2
    assert "failed" in cleaning("status", root).stdout
    # mended, the same command finishes the rest
    (data / "garbage.jsonl").unlink()
    (data / "cut.jsonl.gz").unlink()
    assert cleaning("run", "configs/zh_web.yaml", "--input", data, "--output", root, "--set", "input.group_bytes=0").returncode == 0
    assert cleaning("verify", root).returncode == 0


def test_one_stage_on_any_directory(cleaning: Cleaning, data: Path, tmp_path: Path) -> None:
    source: Path = data
    for stage in ("normalize", "boilerplate", "rules"):
        done = cleaning("run", "configs/zh_web.yaml", "--stages", stage, "--input", source, "--output", tmp_path / stage)
        assert done.returncode == 0, done.stderr
        source = tmp_path / stage
    whole = tmp_path / "whole"
    assert cleaning("run", "configs/zh_web.yaml", "--input", data, "--output", whole).returncode == 0
    assert (source / "stats" / "01-rules.json").read_bytes() == (whole / "stats" / "03-rules.json").read_bytes()


def test_xubuvd_names(cleaning: Cleaning, data: Path, tmp_path: Path) -> None:
    root = tmp_path / "run"
    options = ["--set", "output.names=xubuvd", "--set", "output.compression=none"]
    assert cleaning("run", "configs/zh_web.yaml", "--input", data, "--output", root, *options).returncode == 0
    good = [json.loads(line) for path in (root / "good").glob("*") for line in path.read_text(encoding="utf-8").splitlines()]
    bad = [json.loads(line) for path in (root / "bad").glob("*/*") for line in path.read_text(encoding="utf-8").splitlines()]
    assert {(d["clean_status"], d["clean_policy"]) for d in good} == {(1, "")}
    assert bad
    assert all(d["clean_status"] == 0 and d["clean_policy"] for d in bad)


def test_sample_is_stratified_and_repeatable(cleaning: Cleaning, data: Path, tmp_path: Path) -> None:
    root = tmp_path / "run"
    assert cleaning("run", "configs/zh_web.yaml", "--input", data, "--output", root).returncode == 0
    assert cleaning("sample", root, "--count", "10", "--output", tmp_path / "s1").returncode == 0
    assert cleaning("sample", root, "--count", "10", "--output", tmp_path / "s2").returncode == 0
    rows = [json.loads(line) for line in (tmp_path / "s1" / "sample.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(rows) == 10
    assert {row["group"].split("/")[0] for row in rows} == {"kept", "rejected"}
    assert (tmp_path / "s1" / "sample.jsonl").read_bytes() == (tmp_path / "s2" / "sample.jsonl").read_bytes()
    assert rows[0]["document"]["text"] in (tmp_path / "s1" / "sample.txt").read_text(encoding="utf-8")
