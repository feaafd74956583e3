"""`cleaning blacklist check | test | top`: the lists as a person asks about them."""

from __future__ import annotations

import io
import json
import logging
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cleaning.cli import main
from cleaning.config import PROJECT_ROOT

Cleaning = Callable[..., subprocess.CompletedProcess[str]]
CONFIG = """\
stages: [normalize, rules]
input: {group_bytes: 0}
engine: {executor: inline}
rules: {files: [ad_rules.yaml], blacklists: [ads_zh.txt, gambling_en.txt, domains.txt], canary: 0}
"""
AD_RULES = """\
rules:
  - {id: one_advert, metric: blacklist_ads_hits, when: ">= 1", action: flag, reason: an advert}
  - {id: adverts, metric: blacklist_ads_distinct, when: ">= 2", reason: several adverts}
  - {id: sites, metric: blacklist_domains_hits, when: ">= 1", reason: a site of the list}
  - {id: short, metric: chars, when: "< 4000", reason: short}
"""
FILES = {
    "c.yaml": CONFIG,
    "ad_rules.yaml": AD_RULES,
    "ads_zh.txt": "# 广告\n加微信领\n扫码进群  # 群\n现金网\n!现金网络\n",
    "gambling_en.txt": "online casino\nfree spins\n",
    "domains.txt": "bet365\n",
}


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Cleaning]:
    """The command line, called in this process."""
    monkeypatch.setenv("CLEANING_STATE", str(tmp_path / "state"))
    log = logging.getLogger("cleaning")
    before = log.handlers[:], log.level, log.propagate

    def run(*arguments: object, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        capsys.readouterr()
        if stdin is not None:
            monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        try:
            code = main(list(map(str, arguments)))
        except SystemExit as exc:  # argparse
            code = int(str(exc.code))
        return subprocess.CompletedProcess(arguments, code, *capsys.readouterr())

    yield run
    log.handlers[:], log.propagate = before[0], before[2]
    log.setLevel(before[1])


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Three lists, rules on them, a configuration."""
    for name, content in FILES.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    return tmp_path


# -- check --------------------------------------------------------------------------------------------------------------------


def test_check_counts(call: Cleaning, project: Path) -> None:
    done = call("blacklist", "check", "--config", project / "c.yaml")
    assert done.returncode == 0
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["ads_zh.txt", "3", "entries", "1", "exceptions"],
        ["gambling_en.txt", "2", "entries", "0", "exceptions"],
        ["domains.txt", "1", "entries", "0", "exceptions"],
        ["ok:", "3", "lists,", "0", "warnings"],
    ]


WARNINGS = [
    ("加微信领\n", "ads_zh.txt:6: '加微信领' is the same as line 2", 3),
    ("加微信領\n", "ads_zh.txt:6: '加微信領' is the same as line 2", 3),  # looked for, the two are one
    ("快加微信领红包\n", "ads_zh.txt:6: '快加微信领红包' holds line 2 ('加微信领'), which is found there anyway", 4),
    ("!小船\n", "ads_zh.txt:6: exception '小船' holds no entry of this file", 3),
]


@pytest.mark.parametrize(("line", "warning", "entries"), WARNINGS, ids=["duplicate", "folded-duplicate", "shadowed", "idle-exception"])
def test_check_warns_with_file_and_line(call: Cleaning, project: Path, line: str, warning: str, entries: int) -> None:
    (project / "ads_zh.txt").write_text(FILES["ads_zh.txt"] + line, encoding="utf-8")
    done = call("blacklist", "check", "--config", project / "c.yaml")
    assert done.returncode == 0  # a warning stops nothing
    lines = done.stdout.splitlines()
    assert re.fullmatch(rf"ads_zh\.txt +{entries} entries .*", lines[0])
    assert lines[3:] == [warning, "ok: 3 lists, 1 warnings"]


FAULTS = [
    ("金\n".encode(), "ads_zh.txt:6: '金' is one character; an entry has at least two letters"),
    ("！！！\n".encode(), "ads_zh.txt:6: '！！！' is no word; an entry has at least two letters"),
    ("加微信\n".encode("gb18030"), "ads_zh.txt:6: not UTF-8 (byte 0x"),
    (("很长" * 51 + "\n").encode(), "ads_zh.txt:6: 102 characters; an entry has at most 100 (is a line break missing?)"),
]


@pytest.mark.parametrize(("line", "fault"), FAULTS, ids=["one-character", "marks", "gb18030", "too-long"])
def test_check_stops_at_faults(call: Cleaning, project: Path, line: bytes, fault: str) -> None:
    with (project / "ads_zh.txt").open("ab") as file:
        file.write(line)
    (project / "gambling_en.txt").write_text("online casino\n\nx\n", encoding="utf-8")
    done = call("blacklist", "check", "--config", project / "c.yaml")
    assert done.returncode == 2
    assert fault in done.stderr
    assert "gambling_en.txt:3: 'x' is one character" in done.stderr  # all faults of all lists
    assert len(done.stderr.splitlines()) == 2
    assert done.stdout == ""
    # a run is stopped by the same faults before it starts
    (project / "in.jsonl").write_text('{"text": "好"}\n', encoding="utf-8")
    run = call("run", project / "c.yaml", "--input", project / "in.jsonl", "--output", project / "run")
    assert run.returncode == 2
    assert run.stderr == done.stderr
    assert not (project / "run").exists()


def test_the_shipped_lists_are_in_order(call: Cleaning) -> None:
    done = call("blacklist", "check")
    assert done.returncode == 0
    shown = [line.split()[0] for line in done.stdout.splitlines() if " entries " in line]
    assert shown == [f"blacklists/{path.name}" for path in sorted((PROJECT_ROOT / "blacklists").glob("*.txt"))]
    assert done.stdout.splitlines()[-1] == f"ok: {len(shown)} lists, 0 warnings"


def test_check_of_some_lists(call: Cleaning) -> None:
    done = call("blacklist", "check", "--config", "configs/presets/roots_zh.yaml")
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["blacklists/adult_zh.txt", "blacklists/adult_en.txt", "ok:"]


@pytest.mark.parametrize("arguments", [("check",), ("test", "加微信领"), ("test", "-")])
def test_a_configuration_without_blacklists(call: Cleaning, arguments: tuple[str, ...]) -> None:
    done = call("blacklist", *arguments, "--config", "sft", stdin="加微信领")
    assert done.returncode == 2
    assert done.stderr == "sft: no blacklists; name them in rules.blacklists\n"


# -- test ---------------------------------------------------------------------------------------------------------------------

EVASIONS = [
    ("快加微信领红包", "快〔加微信领〕红包"),
    ("加.微.信.领红包", "〔加.微.信.领〕红包"),
    ("加 微 信 领 红 包", "〔加 微 信 领〕 红 包"),
    ("加★微★信★领红包", "〔加★微★信★领〕红包"),
    ("加微信領紅包", "〔加微信領〕紅包"),
    ("Best ONLINE CASINO!", "Best 〔ONLINE CASINO〕!"),
    ("Ｏｎｌｉｎｅ　Ｃａｓｉｎｏ", "〔Ｏｎｌｉｎｅ　Ｃａｓｉｎｏ〕"),
    ("现金网和现金网络", "〔现金网〕和现金网络"),
]


@pytest.mark.parametrize(("text", "place"), EVASIONS, ids=[text for text, _ in EVASIONS])
def test_a_hit_with_its_place_and_list(call: Cleaning, project: Path, text: str, place: str) -> None:
    done = call("blacklist", "test", text, "--config", project / "c.yaml")
    assert done.returncode == 0
    first = done.stdout.splitlines()[0]
    assert re.fullmatch(r"(ads_zh\.txt:[24]: \S+  \[ads\]|gambling_en\.txt:1: online casino  \[gambling\])  .*", first)
    assert first.endswith(f"  {place}")
    assert done.stdout.count("〔") == 1
    assert "blacklist_hits = 1\n" in done.stdout


MISSES = ["微信", "现金网络", "现金網絡", "online casinos", "xonline casino", "加。微信。领", "加\n微信领", "", " \n"]


@pytest.mark.parametrize("text", MISSES)
def test_no_hit(call: Cleaning, project: Path, text: str) -> None:
    done = call("blacklist", "test", text, "--config", project / "c.yaml")
    assert (done.returncode, done.stdout) == (0, "no entry is found\n")


def test_metrics_and_rules_of_a_text(call: Cleaning, project: Path) -> None:
    done = call("blacklist", "test", "加微信领红包，加微信领！扫码进群", "--config", project / "c.yaml")
    assert done.stdout.splitlines() == [
        "ads_zh.txt:2: 加微信领  [ads]  〔加微信领〕红包，加微信领！扫码进群",
        "ads_zh.txt:2: 加微信领  [ads]  加微信领红包，〔加微信领〕！扫码进群",
        "ads_zh.txt:3: 扫码进群  [ads]  加微信领红包，加微信领！〔扫码进群〕",
        "blacklist_ads_hits = 3",
        "blacklist_ads_distinct = 2",
        "blacklist_ads_density = 0.75",
        "blacklist_hits = 3",
        "blacklist_distinct = 2",
        "blacklist_density = 0.75",
        "rule one_advert holds: an advert (ad_rules.yaml:2)",
        "rule adverts holds: several adverts (ad_rules.yaml:3)",  # and not `short`, which asks for nothing of the lists
    ]


def test_an_address(call: Cleaning, project: Path) -> None:
    done = call("blacklist", "test", "see https://www.bet365.com/x for more", "--config", project / "c.yaml")
    assert "blacklist_domains_hits = 1\n" in done.stdout
    assert "rule sites holds: a site of the list (ad_rules.yaml:4)" in done.stdout


def test_standard_input(call: Cleaning, project: Path) -> None:
    text = "首行\n快加微信领红包\n"
    done = call("blacklist", "test", "-", "--config", project / "c.yaml", stdin=text)
    assert done.stdout == call("blacklist", "test", text, "--config", project / "c.yaml").stdout
    assert "〔加微信领〕" in done.stdout


def test_the_real_command(project: Path) -> None:
    """A pipe, the default configuration, another working directory."""
    command = [sys.executable, "-m", "cleaning", "blacklist", "test", "-"]
    done = subprocess.run(command, input="加.微.信.领红包", capture_output=True, text=True, cwd=PROJECT_ROOT, check=False)
    assert done.returncode == 0, done.stderr
    assert re.match(r"blacklists/ads_zh\.txt:\d+: 加微信领  \[ads\]  〔加\.微\.信\.领〕红包\n", done.stdout)


def test_every_shipped_entry_is_found_in_itself(call: Cleaning, project: Path) -> None:
    """All entries as one text, the lists' own words: each is named, exceptions and entries inside longer ones apart."""
    for name in ("gambling_zh", "fraud_en"):
        path = PROJECT_ROOT / "blacklists" / f"{name}.txt"
        entries = [line for line in path.read_text(encoding="utf-8").splitlines() if line and line[0] not in "#!"]
        (project / "ads_zh.txt").write_text("\n".join(entries), encoding="utf-8")
        done = call("blacklist", "test", "。\n".join(entries), "--config", project / "c.yaml")
        named = {match[1] for match in re.finditer(r"^ads_zh\.txt:\d+: (.*?)  \[ads\]", done.stdout, re.MULTILINE)}
        assert named == set(entries)


@pytest.mark.parametrize(("arguments", "fault"), [
    (("test",), "blacklist test: give a text, or - to read it"),
    (("top",), "blacklist top: give the run directory"),
    (("top", "nowhere"), "nowhere: no run here"),
    (("check", "--config", "zh_wob"), "no file 'zh_wob'"),
    (("check", "--set", "rules.blacklists=[blacklists/adz_zh.txt]"), "did you mean 'ads_zh.txt'?"),
    (("check", "--set", "rules.blacklists=[nolists/*.txt]"), "no file fits 'nolists/*.txt'"),
    (("tset", "x"), "invalid choice: 'tset'"),
    ((), "the following arguments are required: what"),
])  # fmt: skip
def test_wrong_commands(call: Cleaning, arguments: tuple[str, ...], fault: str) -> None:
    done = call("blacklist", *arguments)
    assert done.returncode == 2
    assert fault in done.stderr
    assert done.stdout == ""


def test_beside_a_rule_in_python(call: Cleaning, project: Path) -> None:
    (project / "mine.py").write_text(
        "from cleaning.rules.user_rules import rule\n\n\n@rule(id='always', reason='r')\ndef always(doc, metrics):\n    return True\n",
        encoding="utf-8",
    )
    done = call("blacklist", "test", "加微信领", "--config", project / "c.yaml", "--set", "rules.user=[mine.py]")
    assert "rule one_advert holds" in done.stdout


# -- top ----------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def run(call: Cleaning, project: Path) -> Path:
    """A run over two shards in which three entries fire."""
    (project / "in").mkdir()
    shards = [
        ["平常的一篇。", "快加微信领红包，加微信领。", "扫码进群，加微信领。"],
        ["Free spins at the ONLINE CASINO", "加.微.信.领红包", "<b>加微</b>信领", "现金网络", "https://bet365.com/x"],
    ]
    for number, texts in enumerate(shards):
        rows = [json.dumps({"id": f"{number}-{i}", "text": text}, ensure_ascii=False) + "\n" for i, text in enumerate(texts)]
        (project / "in" / f"part-{number}.jsonl").write_text("".join(rows), encoding="utf-8")
    done = call("run", project / "c.yaml", "--input", project / "in", "--output", project / "run")
    assert done.returncode == 0, done.stderr
    return project / "run"


def test_top_orders_by_documents(call: Cleaning, run: Path) -> None:
    lines = call("blacklist", "top", run).stdout.splitlines()
    assert lines[0] == "4 entries fired; documents, occurrences, entry, list"
    assert [line.split(maxsplit=2) for line in lines if line.endswith(".txt)")] == [
        ["4", "5", "加微信领  (ads_zh.txt)"],
        ["1", "1", "扫码进群  (ads_zh.txt)"],
        ["1", "1", "free spins  (gambling_en.txt)"],
        ["1", "1", "online casino  (gambling_en.txt)"],
    ]
    places = [line.strip() for line in lines[1:] if not line.endswith(".txt)")]
    assert len(places) == 3 + 1 + 1 + 1  # of the first there are four, three are shown
    assert set(places[:3]) <= {"快〔加微信领〕红包，加微信领。", "扫码进群，〔加微信领〕。", "〔加.微.信.领〕红包", "〔加微信领〕"}
    assert places[3:] == ["〔扫码进群〕，加微信领。", "〔Free spins〕 at the ONLINE CASINO", "Free spins at the 〔ONLINE CASINO〕"]


def test_top_of_some(call: Cleaning, run: Path) -> None:
    lines = call("blacklist", "top", run, "--count", 1).stdout.splitlines()
    assert lines[0].startswith("4 entries fired")
    assert len(lines) == 1 + 1 + 3


def test_top_follows_the_tasks_and_changes_nothing(call: Cleaning, run: Path) -> None:
    """What is counted are committed tasks; the lists and the configuration are not needed any more."""
    def tree() -> dict[Path, int]:
        return {p: p.stat().st_mtime_ns for p in run.rglob("*")}

    shown, before = call("blacklist", "top", run).stdout, tree()
    (run.parent / "ads_zh.txt").unlink()
    (run.parent / "c.yaml").unlink()
    assert call("blacklist", "top", run).stdout == shown
    assert tree() == before


def test_top_where_nothing_fired(call: Cleaning, project: Path) -> None:
    (project / "in.jsonl").write_text('{"text": "平常的一篇。"}\n', encoding="utf-8")
    for name, options in (("none", ()), ("without", ("--stages", "normalize"))):
        done = call("run", project / "c.yaml", "--input", project / "in.jsonl", "--output", project / name, *options)
        assert done.returncode == 0, done.stderr
        assert call("blacklist", "top", project / name).stdout == "no entry fired\n"


def test_top_wants_a_count(call: Cleaning, run: Path) -> None:
    done = call("blacklist", "top", run, "--count", -1)
    assert done.returncode == 2
    assert "--count -1: at least 1" in done.stderr
