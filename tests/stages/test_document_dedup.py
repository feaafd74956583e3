"""The stage as users meet it: whole runs of the real command line, in this process."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import zstandard

from cleaning.cli import main

Record = dict[str, Any]
NAME = "document_dedup"
ROOT = Path(__file__).resolve().parents[2]


def words(seed: int, count: int = 400) -> str:
    """Text without a repetition, other for each seed."""
    rng = random.Random(seed)
    return "".join(chr(rng.randint(0x4E00, 0x9000)) for _ in range(count))


def edited(text: str, edits: int, seed: int = 0) -> str:
    """With some characters replaced."""
    rng, chars = random.Random(seed), list(text)
    for at in rng.sample(range(len(chars)), edits):
        chars[at] = chr(rng.randint(0x4E00, 0x9000))
    return "".join(chars)


def jaccard(one: str, other: str, n: int = 5) -> float:
    a, b = ({t[i : i + n] for i in range(len(t) - n + 1)} for t in (one, other))
    return len(a & b) / len(a | b)


def write(folder: Path, shards: Sequence[Sequence[Record]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for i, rows in enumerate(shards):
        lines = [json.dumps(row, ensure_ascii=False) for row in rows]
        (folder / f"part-{i:03d}.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return folder


def read(folder: Path) -> list[Record]:
    rows: list[Record] = []
    for path in sorted(folder.rglob("*.jsonl.zst")):
        with path.open("rb") as raw, zstandard.ZstdDecompressor().stream_reader(raw) as stream:
            rows += map(json.loads, stream.read().splitlines())
    return rows


class Outcome:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.kept = read(root / "data")
        self.rejects = {row["id"]: row["cleaning"]["reject"] for row in read(root / "rejected")}

    @property
    def ids(self) -> list[str]:
        return [row["id"] for row in self.kept]

    @property
    def notes(self) -> dict[str, Any]:
        return {row["id"]: row.get("cleaning", {}).get(NAME) for row in self.kept}

    def stats(self) -> Record:
        found: Record = json.loads(next((self.root / "stats").glob(f"*-{NAME}.json")).read_text())
        return found


Run = Callable[..., Outcome]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("CLEANING_STATE", str(tmp_path / "state"))
    monkeypatch.chdir(ROOT)

    def call(shards: Sequence[Sequence[Record]] | Path, *settings: str, name: str = "run", code: int = 0) -> Outcome:
        source = shards if isinstance(shards, Path) else write(tmp_path / f"in-{name}", shards)
        options = [part for setting in settings for part in ("--set", setting if "." in setting.split("=")[0] else f"{NAME}.{setting}")]
        fixed = ["--executor", "inline", "--set", "input.group_bytes=0", *options]
        assert main(["run", "--stages", NAME, "--input", str(source), "--output", str(tmp_path / name), *fixed]) == code
        return Outcome(tmp_path / name)

    return call


BASE = words(1)


def test_copies_and_near_copies(run: Run) -> None:
    near = edited(BASE, 4)
    rows = [
        [{"id": "a", "text": BASE}, {"id": "b", "text": words(2)}],
        [{"id": "c", "text": f"　{BASE[:50]}，{BASE[50:]}。"}, {"id": "d", "text": near}],
        [{"id": "e", "text": edited(BASE, 150)}],
    ]
    found = run(rows)
    assert found.ids == ["a", "b", "e"]
    assert (found.rejects["c"]["rule"], found.rejects["c"]["value"]) == ("exact", 1.0)
    reject = found.rejects["d"]
    assert (reject["stage"], reject["rule"], reject["twin"]) == (NAME, "near", "a")
    assert reject["value"] == pytest.approx(jaccard(BASE, near), abs=1e-4)
    assert reject["estimated"] == pytest.approx(reject["value"], abs=0.15)
    assert reject["cluster"] == found.rejects["c"]["cluster"] == found.notes["a"]["cluster"]
    assert found.notes["a"]["size"] == 3 and found.notes["b"] is None


def test_a_chain_does_not_merge_its_ends_unless_asked(run: Run) -> None:
    b = BASE[20:] + words(9, 20)
    c = b[20:] + words(8, 20)
    assert jaccard(BASE, b) > 0.8 and jaccard(b, c) > 0.8 and jaccard(BASE, c) < 0.83
    rows = [[{"id": "a", "text": BASE}, {"id": "b", "text": b}, {"id": "c", "text": c}]]
    assert run(rows, "threshold=0.85").ids == ["a", "c"]
    whole = run(rows, "threshold=0.85", "transitive=true", name="transitive")
    assert whole.ids == ["a"]
    assert whole.rejects["c"]["value"] == pytest.approx(jaccard(BASE, c), abs=1e-4)


@pytest.mark.parametrize("texts, kept", [
    (["", "", "。", "！", "。"], [0, 2, 3]),
    (["好", "好", "坏", "好！", "a", "A"], [0, 2, 4]),
    (["今天天气好", "今天天气坏", "今天天气好。", "今天天气"], [0, 1, 3]),
    ([BASE[:50], edited(BASE[:50], 1), BASE[:99], edited(BASE[:99], 1), BASE[:90]], [0, 1, 2]),
    (["x"], [0]),
], ids=["empty", "one-character", "short", "high-bar", "alone"])  # fmt: skip
def test_short_documents_are_compared_and_never_merged(run: Run, texts: list[str], kept: list[int]) -> None:
    found = run([[{"id": str(i), "text": text} for i, text in enumerate(texts)]], "keep=[first]")
    assert found.ids == [str(i) for i in kept]
    assert len(found.rejects) == len(texts) - len(kept)


def test_no_pair_falls_between_short_and_long(run: Run) -> None:
    """99 units have shingles of three, 104 of five: they are compared all the same, by the shingles of three and the higher bar."""
    rows = [[{"id": "long", "text": BASE[:104]}, {"id": "short", "text": BASE[:99]}, {"id": "less", "text": BASE[:90]}]]
    found = run(rows)
    assert found.ids == ["long", "less"]
    assert found.rejects["short"]["value"] == pytest.approx(jaccard(BASE[:104], BASE[:99], 3), abs=1e-4)


def test_no_document_at_all(run: Run) -> None:
    found = run([[], [{"id": "a", "text": "一"}]])
    assert found.ids == ["a"]


def test_copies_by_the_thousand(run: Run) -> None:
    rows = [[{"id": f"{s}-{i}", "text": BASE} for i in range(500)] for s in range(4)]
    found = run(rows)
    assert found.ids == ["0-0"]
    assert {r["twin"] for r in found.rejects.values()} == {"0-0"} and len(found.rejects) == 1999
    assert found.stats()["largest_component"] == 2000


def test_the_keep_policy(run: Run) -> None:
    near = [edited(BASE, 2, seed) for seed in range(4)]
    rows = [[
        {"id": "plain", "text": near[0], "source": "crawl", "quality_score": 0.9, "date": "2020-01-01"},
        {"id": "good", "text": near[1], "source": "book", "quality_score": 0.5, "date": "2020-01-01"},
        {"id": "new", "text": near[2], "source": "crawl", "quality_score": 0.2, "date": "2024-01-01"},
        {"id": "long", "text": near[3] + "尾" * 3, "source": "crawl"},
    ]]  # fmt: skip
    assert run(rows, "source_priority=[book]", name="r1").ids == ["good"]
    assert run(rows, "keep=[quality_score,first]", name="r2").ids == ["plain"]
    assert run(rows, "keep=[date,first]", name="r3").ids == ["new"]
    assert run(rows, "keep=[length,first]", name="r4").ids == ["long"]
    assert run(rows, "keep=[first]", name="r5").ids == ["plain"]


def test_copies_follow_the_policy_too(run: Run) -> None:
    rows = [[{"id": "old", "text": BASE, "date": "2001"}], [{"id": "new", "text": BASE + "！", "date": "2024年1月"}]]
    found = run(rows, "keep=[date,first]")
    assert found.ids == ["new"] and found.rejects["old"]["twin"] == "new"


def test_documents_of_one_address(run: Run) -> None:
    rows = [[{"id": "a", "text": words(1, 300), "url": "http://www.a.com/x/"}, {"id": "b", "text": words(2, 350), "url": "https://a.com/x#top"}]]
    assert run(rows, name="off").ids == ["a", "b"]
    found = run(rows, "url=true", name="on")
    assert found.ids == ["b"]
    assert found.rejects["a"]["rule"] == "exact" and "address" in found.rejects["a"]["reason"] and found.rejects["a"]["value"] < 0.1


def test_modes(run: Run) -> None:
    rows = [[{"id": "a", "text": BASE}, {"id": "b", "text": BASE}, {"id": "c", "text": edited(BASE, 3)}, {"id": "d", "text": words(5)}]]
    tagged = run(rows, "mode=tag", name="tag")
    assert tagged.ids == ["a", "b", "c", "d"] and not tagged.rejects
    assert tagged.notes["a"]["kept"] and tagged.notes["a"]["size"] == 3
    assert (tagged.notes["b"]["rule"], tagged.notes["b"]["twin"], tagged.notes["c"]["rule"]) == ("exact", "a", "near")
    assert tagged.notes["d"] is None
    weighed = run(rows, "mode=rehydrate", name="weigh")
    assert weighed.ids == ["a", "d"]
    assert weighed.notes == {"a": {"cluster": weighed.notes["a"]["cluster"], "size": 3, "weight": 3}, "d": {"size": 1, "weight": 1}}


def test_a_second_run_drops_nothing(run: Run) -> None:
    rng = random.Random(4)
    rows = [{"id": str(i), "text": edited(words(rng.randint(0, 12)), rng.randint(0, 12), i)} for i in range(100)]
    first = run([rows[:70], rows[70:]], name="one")
    assert 12 < len(first.ids) < 90
    second = run(first.root, name="two")
    assert second.ids == first.ids and not second.rejects


def test_verdicts_do_not_depend_on_the_split(run: Run) -> None:
    rng = random.Random(5)
    rows = [{"id": str(i), "text": edited(words(rng.randint(0, 9)), rng.randint(0, 25), i)} for i in range(120)]
    outcomes = [
        run([rows[i : i + size] for i in range(0, 120, size)], "engine.memory=64M", name=f"by-{size}") for size in (120, 37, 3)
    ]  # fmt: skip
    assert outcomes[0].rejects == outcomes[1].rejects == outcomes[2].rejects
    assert outcomes[0].kept == outcomes[1].kept == outcomes[2].kept


def test_whatever_leaves_has_a_twin_that_stays_and_is_similar(run: Run) -> None:
    rng = random.Random(6)
    rows = [{"id": str(i), "text": edited(words(rng.randint(0, 9)), rng.randint(0, 40), i)} for i in range(150)]
    texts = {row["id"]: row["text"] for row in rows}
    found = run([rows])
    for name, reject in found.rejects.items():
        assert reject["twin"] in found.ids
        true = jaccard(texts[name], texts[reject["twin"]])
        assert true >= 0.8 and reject["value"] == pytest.approx(true, abs=1e-4)


def test_books(run: Run) -> None:
    book = words(3, 12_000)
    rows = [[
        {"id": "book", "text": book},
        {"id": "edition", "text": words(7, 900) + book[:11_500]},
        {"id": "volume", "text": book[:6000]},
        {"id": "other", "text": book[:7000] + words(8, 4_000)},
    ]]  # fmt: skip
    plain = run(rows, name="plain")
    assert "volume" in plain.ids
    found = run(rows, "chunk_units=1000", name="books")
    # a volume that another book holds is a duplicate of it; a book with much of its own is none
    assert found.ids == ["book", "other"] or found.ids == ["edition", "other"]


def test_lines_of_boilerplate_are_not_compared(run: Run, tmp_path: Path) -> None:
    (tmp_path / "menu.txt").write_text("首页 新闻 联系我们…\n", encoding="utf-8")
    menus = ["".join(f"首页 新闻 联系我们 {words(seed + line, 60)}\n" for line in range(4)) for seed in (10, 20)]
    rows = [[{"id": str(i), "text": menu + BASE[:300]} for i, menu in enumerate(menus)]]
    assert run(rows, name="with").ids == ["0", "1"]
    found = run(rows, f"ignore=[{tmp_path / 'menu.txt'}]", "keep=[first]", name="without")
    assert found.ids == ["0"] and found.kept[0]["text"] == rows[0][0]["text"]


def test_across_runs(run: Run, tmp_path: Path) -> None:
    index = f"index={tmp_path / 'index'}"
    first = run([[{"id": "a", "text": BASE}, {"id": "a2", "text": BASE}, {"id": "b", "text": words(2)}]], index, name="monday")
    assert first.ids == ["a", "b"]
    batch = [
        [{"id": "c", "text": edited(BASE, 4)}, {"id": "d", "text": words(3)}],
        [{"id": "e", "text": words(2) + "。"}, {"id": "f", "text": edited(words(3), 3)}],
    ]
    second = run(batch, index, name="tuesday")
    assert second.ids == ["d"]
    assert {name: (r["rule"], r["twin"]) for name, r in second.rejects.items()} == {
        "c": ("near", "a"), "e": ("exact", "b"), "f": ("near", "d"),
    }  # fmt: skip
    assert second.rejects["c"]["value"] == pytest.approx(jaccard(BASE, edited(BASE, 4)), abs=0.12)
    third = run([[{"id": "g", "text": edited(words(3), 2, 9)}, {"id": "h", "text": "。"}]], index, name="wednesday")
    assert third.ids == ["h"] and third.rejects["g"]["twin"] == "d"
    # the same run again compares with what was there when it began, not with itself
    again = run(tmp_path / "in-tuesday", index, name="tuesday")
    assert again.ids == second.ids and again.rejects == second.rejects


def test_many_segments_are_merged(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cleaning.dedup import index as module

    monkeypatch.setattr(module, "MANY", 3)
    index = f"index={tmp_path / 'index'}"
    for day in range(6):
        assert run([[{"id": f"day{day}", "text": words(day)}]], index, name=f"day{day}").ids == [f"day{day}"]
    assert len(module.segments_of(tmp_path / "index")) <= 4
    found = run([[{"id": f"copy{d}", "text": edited(words(d), 2)} for d in range(6)]], index, "index_update=false", name="last")
    assert sorted(r["twin"] for r in found.rejects.values()) == [f"day{d}" for d in range(6)]


def test_an_index_of_other_settings_is_refused(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    index = f"index={tmp_path / 'index'}"
    run([[{"id": "a", "text": BASE}]], index, name="one")
    source = write(tmp_path / "in", [[{"id": "b", "text": BASE}]])
    options = ["--set", f"{NAME}.{index}", "--set", f"{NAME}.bands=9", "--executor", "inline"]
    assert main(["run", "--stages", NAME, "--input", str(source), "--output", str(tmp_path / "two"), *options]) == 2
    assert "bands: 14 (here 9)" in capsys.readouterr().err


@pytest.mark.parametrize("setting, message", [
    ("preset=finweb", "did you mean 'fineweb'"),
    ("keep=[length,length]", "twice"),
    ("keep=[best]", "keep"),
    ("exact=false", "nothing would be compared"),
    ("chunk_units=10", "at least 100"),
])  # fmt: skip
def test_wrong_settings(tmp_path: Path, capsys: pytest.CaptureFixture[str], setting: str, message: str) -> None:
    source = write(tmp_path / "in", [[{"id": "a", "text": "一"}]])
    options = ["--set", f"{NAME}.{setting}"] + (["--set", f"{NAME}.near=false"] if "exact" in setting else [])
    assert main(["run", "--stages", NAME, "--input", str(source), "--output", str(tmp_path / "run"), *options]) == 2
    assert message in capsys.readouterr().err


def test_explain_and_top(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    found = run([[{"id": "a", "text": BASE}, {"id": "b", "text": edited(BASE, 4)}, {"id": "c", "text": words(4)}]])
    capsys.readouterr()
    assert main(["dedup", "explain", "b", str(found.root)]) == 0
    said = capsys.readouterr().out
    assert "b left as a near copy of a" in said and f"{found.rejects['b']['value']:.4f}" in said
    assert main(["dedup", "explain", "a", str(found.root)]) == 0
    assert "For it left:" in capsys.readouterr().out
    assert main(["dedup", "explain", "c", str(found.root)]) == 2
    assert "in no cluster" in capsys.readouterr().err
    assert main(["dedup", "top", str(found.root)]) == 0
    assert "1 clusters of 2 documents" in capsys.readouterr().out
