"""Sentence deduplication by the command line: policies, protection, equalities."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path

import pytest
import zstandard

from cleaning.cli import main

ROOT = Path(__file__).resolve().parents[2]
SHARED = "本文章由某某网站的编辑整理发布，转载请注明出处和作者姓名。"
OTHER = "欢迎关注我们的公众号，每天都会为您推送最新最快的行业资讯。"
WORDS = "春夏秋冬山水风云花鸟虫鱼天地人和东南西北前后左右大小多少高低远近新旧好坏真假美丑快慢轻重早晚"


def sentence(rng: random.Random) -> str:
    return "".join(rng.choices(WORDS, k=rng.randint(16, 24))) + "。"


def run(root: Path, rows: Sequence[dict] | Sequence[Sequence[dict]], *settings: str, workers: int = 0, name: str = "run") -> Path:
    """Run the stage over rows (or files of rows) and return the run directory."""
    files = [rows] if rows and isinstance(rows[0], dict) else rows
    source = root / f"{name}-in"
    source.mkdir(parents=True)
    for i, part in enumerate(files):
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in part]  # type: ignore[union-attr]
        (source / f"{i:02d}.jsonl").write_text("".join(lines), encoding="utf-8")
    stages = [] if any(setting.startswith("stages=") for setting in settings) else ["--stages", "sentence_dedup"]
    command = ["run", *stages, "--input", str(source), "--output", str(root / name)]
    command += ["--workers", str(workers)] if workers else ["--executor", "inline"]
    for setting in ("input.group_bytes=0", "sentence_dedup.min_chars=0", "sentence_dedup.drop_share=1", *settings):
        command += ["--set", setting]
    assert main(command) == 0
    return root / name


def read(folder: Path) -> dict[str, dict]:
    found = {}
    for path in sorted(folder.glob("*.zst")):
        with zstandard.open(path, "rt", encoding="utf-8") as lines:
            found.update({(row := json.loads(line))["id"]: row for line in lines})
    return found


def texts(run_dir: Path) -> dict[str, str]:
    return {name: row["text"] for name, row in read(run_dir / "data").items()}


@pytest.fixture(scope="module")
def corpus() -> list[dict]:
    rng = random.Random(4)
    rows = []
    for i in range(40):
        lines = [sentence(rng) + sentence(rng), SHARED if i % 2 else sentence(rng), sentence(rng)]
        if i % 5 == 0:
            lines.append(OTHER)
        rows.append({"id": f"d{i:02d}", "text": "\n".join(lines), "url": f"https://site{i % 2}.com/p{i}"})
    return rows


def test_the_first_copy_stays(tmp_path: Path, corpus: list[dict]) -> None:
    found = texts(run(tmp_path, corpus))
    assert [name for name, text in found.items() if SHARED in text] == ["d01"]
    assert [name for name, text in found.items() if OTHER in text] == ["d00"]
    for row in corpus:
        expected = row["text"]
        if row["id"] != "d01":
            expected = expected.replace(SHARED + "\n", "")
        if row["id"] != "d00":
            expected = expected.replace("\n" + OTHER, "")
        assert found[row["id"]] == expected
    notes = read(tmp_path / "run" / "data")["d03"]["cleaning"]["sentence_dedup"]
    assert notes == {"spans": [[corpus[3]["text"].index(SHARED), len(SHARED), 20]], "chars": len(SHARED)}


def test_a_second_run_changes_nothing(tmp_path: Path, corpus: list[dict]) -> None:
    first = run(tmp_path, corpus)
    rows = [{"id": name, "text": text} for name, text in texts(first).items()]
    assert texts(run(tmp_path, rows, name="again")) == texts(first)


def test_any_split_any_workers_the_same(tmp_path: Path, corpus: list[dict]) -> None:
    one = texts(run(tmp_path, corpus, name="one"))
    parts = [corpus[:7], corpus[7:8], corpus[8:30], corpus[30:]]
    many = run(tmp_path, parts, "engine.batch_bytes=1KiB", workers=3, name="many")
    assert texts(many) == one
    same = run(tmp_path, parts, "engine.fuse=false", "engine.memory=64MiB", name="same")
    for name in ("data", "rejected", "stats"):
        files = sorted(p.relative_to(many) for p in (many / name).rglob("*") if p.is_file())
        assert files == sorted(p.relative_to(same) for p in (same / name).rglob("*") if p.is_file())
        assert all((many / f).read_bytes() == (same / f).read_bytes() for f in files)


@pytest.mark.parametrize(
    ("settings", "shared", "other"),
    [
        (("copies=3",), 3, 3),
        (("copies=0",), 0, 0),
        (("copies=0", "min_documents=10"), 0, 8),
        (("copies=1", "min_documents=10"), 1, 8),
        (("copies=0", "per_million=300000"), 0, 8),
        (("copies=0", "site_share=0.9"), 0, 8),  # all of site1, a fifth of each site
        (("copies=0", "site_share=0.9", "site_pages=30"), 20, 8),
        (("min_units=60",), 20, 8),
    ],
)
def test_policies(tmp_path: Path, corpus: list[dict], settings: tuple[str, ...], shared: int, other: int) -> None:
    found = texts(run(tmp_path, corpus, *(f"sentence_dedup.{setting}" for setting in settings)))
    assert sum(SHARED in text for text in found.values()) == shared
    assert sum(OTHER in text for text in found.values()) == other


def test_allowed_sentences_and_tags(tmp_path: Path, corpus: list[dict]) -> None:
    (tmp_path / "allow.txt").write_text(f"# kept\n{SHARED.rstrip('。')}！\n", encoding="utf-8")
    found = texts(run(tmp_path, corpus, f"sentence_dedup.allow=[{tmp_path / 'allow.txt'}]"))
    assert sum(SHARED in text for text in found.values()) == 20
    assert sum(OTHER in text for text in found.values()) == 1
    tagged = run(tmp_path, corpus, "sentence_dedup.mode=tag", name="tagged")
    assert texts(tagged) == {row["id"]: row["text"] for row in corpus}
    assert sum("sentence_dedup" in row.get("cleaning", {}) for row in read(tagged / "data").values()) > 20


def test_within_one_document_lines_and_windows(tmp_path: Path) -> None:
    rng = random.Random(6)
    a, b, c, d = (sentence(rng) for _ in range(4))
    rows = [{"id": "x", "text": f"{a}{b}\n{c}\n{a}{b}"}, {"id": "y", "text": f"{d}{a}{b}{c}{d}"}]
    within = texts(run(tmp_path, rows[:1], "sentence_dedup.min_documents=1", name="within"))
    assert within["x"] == f"{a}{b}\n{c}"
    lines = texts(run(tmp_path, rows, "sentence_dedup.unit=line", "sentence_dedup.min_documents=1", name="lines"))
    assert lines == {"x": f"{a}{b}\n{c}", "y": rows[1]["text"]}
    windows = texts(run(tmp_path, rows, "sentence_dedup.unit=three_sentences", name="windows"))
    assert windows == {"x": rows[0]["text"], "y": f"{d}{d}"}


def test_verse_and_quotes_and_short_ones_stay(tmp_path: Path) -> None:
    poem = "床前明月光，疑是地上霜。\n举头望明月，低头思故乡。"
    said = "他站在门口对所有的人大声地说道：“今天的会议到此结束，大家可以回家了。请明天准时来。”"
    rng = random.Random(8)
    rows = [{"id": f"p{i}", "text": poem} for i in range(3)]
    rows += [{"id": f"q{i}", "text": sentence(rng) + said + "你好。" + sentence(rng)} for i in range(3)]
    found = texts(run(tmp_path, rows))
    assert [found[f"p{i}"] for i in range(3)] == [poem] * 3
    assert [found[f"q{i}"] for i in range(3)] == [row["text"] for row in rows[3:]]


def test_what_is_nearly_all_repeats_is_dropped(tmp_path: Path, corpus: list[dict]) -> None:
    rows = [*corpus, {"id": "last", "text": f"短。{SHARED}"}]
    root = run(tmp_path, rows, "sentence_dedup.min_chars=30")
    (rejected,) = read(root / "rejected" / "sentence_dedup").values()
    assert rejected["id"] == "last"
    assert rejected["text"] == f"短。{SHARED}"
    assert rejected["cleaning"]["reject"]["rule"] == "too_little_left"
    assert rejected["cleaning"]["reject"]["value"] == 2


def test_a_copy_goes_as_a_whole(tmp_path: Path, corpus: list[dict]) -> None:
    rows = [*corpus, {**corpus[7], "id": "copy"}]
    root = run(tmp_path, rows, "sentence_dedup.drop_share=0.8")
    (rejected,) = read(root / "rejected" / "sentence_dedup").values()
    assert rejected["id"] == "copy"
    assert rejected["cleaning"]["reject"]["rule"] == "mostly_repeated"
    assert rejected["cleaning"]["reject"]["value"] > 0.8


def test_near_copies(tmp_path: Path, corpus: list[dict]) -> None:
    rng = random.Random(9)
    long = "".join(rng.choices(WORDS, k=60))
    close = long[:30] + "也" + long[31:]  # Jaccard of runs of three: 55 / 61
    far = "".join(rng.choices(WORDS, k=30)) + long[30:]
    rows = [*corpus, *({"id": name, "text": f"{sentence(rng)}\n{text}。"} for name, text in (("a", long), ("b", close), ("c", far)))]
    root = run(tmp_path, rows, "sentence_dedup.near=true", workers=2)
    found = texts(root)
    assert long in found["a"]
    assert close not in found["b"]
    assert far in found["c"]
    assert sum(SHARED in text for text in found.values()) == 1
    exact = texts(run(tmp_path, rows, name="exact"))
    assert close in exact["b"]
    assert {k: v for k, v in found.items() if k != "b"} == {k: v for k, v in exact.items() if k != "b"}


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("sentence_dedup.protect_genres=[poem]", "unknown genre 'poem'"),
        ("sentence_dedup.allow=[none.txt]", "none.txt"),
        ("sentence_dedup.unit=word", "unit"),
    ],
)
def test_faults(tmp_path: Path, capsys: pytest.CaptureFixture[str], setting: str, said: str) -> None:
    (tmp_path / "in.jsonl").write_text('{"text": "a"}\n')
    command = ["run", "--stages", "sentence_dedup", "--input", str(tmp_path / "in.jsonl"), "--output", str(tmp_path / "r")]
    assert main([*command, "--set", setting]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("where", ["before", "after"])
def test_a_step_that_raises_shifts_no_verdict(tmp_path: Path, corpus: list[dict], where: str) -> None:
    """The engine runs such a batch again, one document at a time; items must not be counted twice."""
    rows = [dict(row) for row in corpus]
    rows[5]["text"] += "\n炸"
    fussy = f"{ROOT / 'tests' / 'engine' / 'toy_stages.py'}:Fussy"
    stages = f'["sentence_dedup", "{fussy}"]' if where == "after" else f'["{fussy}", "sentence_dedup"]'
    plain = texts(run(tmp_path, rows, name="plain"))
    found = texts(run(tmp_path, rows, f"stages={stages}", "fussy.word=炸", name="fussy"))
    assert "d05" not in found
    assert found == {name: text for name, text in plain.items() if name != "d05"}


def test_nothing_and_much_of_the_same(tmp_path: Path) -> None:
    rows = [{"id": "e", "text": " "}, {"id": "o", "text": "一"}, *({"id": f"s{i}", "text": SHARED} for i in range(3000))]
    root = run(tmp_path, rows)
    assert set(texts(root)) == {"e", "o", "s0"}
