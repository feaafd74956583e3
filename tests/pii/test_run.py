"""Whole runs: the commands of the issue, equalities, and no personal data where people look."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard

from cleaning.cli import main
from cleaning.config import PROJECT_ROOT

SECRETS = ("13812345678", "11010519491231002X", "zhangsan@qq.com", "王小明")
PROSE = "今天下午我们沿着河边慢慢走，看见许多人在放风筝，孩子们跑来跑去，天气也比前几天暖和了一些，大家都觉得很高兴。"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    rows = [
        {
            "id": "kept",
            "title": "a",
            "text": f"{PROSE}\n收件人：王小明，电话13812345678，身份证11010519491231002X，邮箱zhangsan@qq.com。{PROSE * 4}",
        },
        {"id": "short", "text": "电话13812345678 王小明", "more": ["邮箱zhangsan@qq.com"]},
        {"id": "junk", "text": "13812345678 " * 40},
        {"id": "url", "text": f"{PROSE * 6}见 https://a.com/13912345670"},
    ]
    lines = [json.dumps(row, ensure_ascii=False).encode() for row in rows]
    broken = ['{"text": "电话13812345678 zhangsan@qq.com".encode', "\ufeff13812345678"]
    (folder / "a.jsonl").write_bytes(b"\n".join([*lines, *(b.encode() for b in broken), b'{"text": "\xff 13812345678 zhangsan@qq.com"}']))
    return folder


def run(source: Path, out: Path, *extra: str, stages: str = "pii") -> Path:
    command = ["run", str(PROJECT_ROOT / "configs" / "zh_web.yaml"), "--stages", stages, "--input", str(source), "--output", str(out)]
    assert main([*command, "--workers", "1", "--set", "engine.executor=inline", *extra]) == 0
    return out


def contents(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        raw = path.read_bytes()
        yield (
            path.relative_to(folder).as_posix(),
            zstandard.ZstdDecompressor().decompressobj().decompress(raw) if path.suffix == ".zst" else raw,
        )


def rows(folder: Path) -> dict[str, dict[str, object]]:
    lines = [line for name, data in contents(folder / "data") for line in data.splitlines()]
    return {row["id"]: row for row in map(json.loads, lines)}


def leaks(folder: Path, *parts: str) -> list[str]:
    found = []
    for name, data in contents(folder):
        if name.startswith(parts):
            found += [f"{name}: {secret}" for secret in SECRETS if secret.encode() in data or json.dumps(secret)[1:-1].encode() in data]
    return found


def test_the_commands_of_the_issue(source: Path, tmp_path: Path) -> None:
    made = rows(run(source, tmp_path / "a"))["kept"]
    assert "收件人：<姓名>，电话<手机号>，身份证<身份证号>，邮箱<邮箱>。" in made["text"]
    first = json.loads((source / "a.jsonl").read_text(encoding="utf-8", errors="replace").splitlines()[0])["text"]
    spans = made["cleaning"]["pii"]
    assert [set(span) for span in spans] == [{"type", "start", "length"}] * 4
    assert [first[s["start"] : s["start"] + s["length"]] for s in spans] == [
        "王小明",
        "13812345678",
        "11010519491231002X",
        "zhangsan@qq.com",
    ]
    tagged = rows(run(source, tmp_path / "b", "--set", "pii.action=tag", "--set", "pii.names=all"))["kept"]
    assert tagged["text"] == first
    assert {"person", "mobile"} <= {s["type"] for s in tagged["cleaning"]["pii"]}


def test_nothing_but_what_was_rejected_shows_the_values(source: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    out = run(source, tmp_path / "run", "--set", "rules.metrics=[all]", stages="normalize,pii,rules")
    assert leaks(out, "data", "logs", "stats", "report", "run.json", "snapshot", "published") == []
    shown = "".join(capfd.readouterr())
    assert not any(secret in shown for secret in SECRETS)


def test_rejects_bad_lines_and_samples_are_masked_when_asked(source: Path, tmp_path: Path) -> None:
    plain = run(source, tmp_path / "plain", stages="rules,pii")
    assert leaks(plain, "rejected")
    out = run(source, tmp_path / "run", "--set", "pii.mask_rejects=true", "--set", "pii.names=all", stages="rules,pii")
    assert leaks(out, "rejected", "phases", "stats", "report", "logs", "data") == []
    rejected = [json.loads(line) for name, data in contents(out / "rejected") for line in data.splitlines()]
    assert {row["id"] for row in rejected} >= {"short", "junk"}
    bad = [json.loads(line) for name, data in contents(out / "phases") if name.endswith("bad_lines.jsonl") for line in data.splitlines()]
    assert len(bad) == 3 and any("<手机号>" in row.get("raw", "") for row in bad)


def test_a_second_run_changes_nothing(source: Path, tmp_path: Path) -> None:
    once = run(source, tmp_path / "once")
    again = run(once / "data", tmp_path / "again")
    assert rows(again) == rows(once)


@pytest.mark.parametrize("change", ["engine.batch_bytes=200", "engine.fuse=false"])
def test_how_it_is_run_does_not_matter(change: str, source: Path, tmp_path: Path) -> None:
    one = run(source, tmp_path / "one", stages="normalize,pii")
    two = run(source, tmp_path / "two", "--set", change, stages="normalize,pii")
    for part in ("data", "rejected", "stats"):
        assert dict(contents(one / part)) == dict(contents(two / part))


def test_a_secret_key_makes_pseudonyms_last(source: Path, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_bytes(b"0123456789abcdef0123")
    out = run(source, tmp_path / "run", "--set", "pii.action=pseudonym", "--set", f"pii.key_file={key}")
    texts = [str(row["text"]) for row in rows(out).values()]
    fakes = {number for text in texts for number in re.findall("14[23][0-9]{8}", text)}
    assert len(fakes) == 1
    assert leaks(out, "data") == ["data/part-00000.jsonl.zst: zhangsan@qq.com"]  # in another field: only the text is masked
    assert not any(b"0123456789abcdef0123" in data for _, data in contents(out))
