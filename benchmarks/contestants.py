"""Who takes part: the floor, our tool, the peers. How each is called, and how we learn what it kept."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from contest import Contestant, Row
from corpus import CHECKOUT, Slice, count_lines
from environments import HERE, HOME, Peer, install
from measure import Usage, run_measured

log = logging.getLogger("benchmarks")
OURS = "cleaning"
FLOOR = "floor"
CONFIGS = {"zh": "configs/zh_web.yaml", "en": "configs/en_web.yaml"}
STAGES = "normalize,rules"


def floor(lang: str, full: Slice, one: Slice, rounds: int) -> Contestant:
    """The bare loop."""

    def command(text: Slice, out: Path) -> list[str]:
        return [sys.executable, str(HERE / "floor.py"), *map(str, text.paths), f"{out}.zst"]

    about = "bare loop: parse, write zstd level 3"
    return Contestant("io", lang, FLOOR, about, full, one, command, lambda _, __: full.docs, rounds)


def our_empty_pass(lang: str, full: Slice, one: Slice, rounds: int) -> Contestant:
    """Our engine with nothing to do: what the floor's loop costs with shards, counters, commits and a report around it."""

    def command(text: Slice, out: Path) -> list[str]:
        return our_command("benchmarks/empty.yaml", text.path, out, 1, inline=True, more=["--set", "stages=[]"])

    return _ours("io", lang, "empty pass: read, count, commit, report", full, one, command, rounds)


def our_heuristics(lang: str, full: Slice, one: Slice, rounds: int) -> Contestant:
    """Normalisation and the rules of the language's configuration."""

    def command(text: Slice, out: Path) -> list[str]:
        return our_command(CONFIGS[lang], text.path, out, 1, inline=True, more=["--stages", STAGES])

    return _ours("heuristics", lang, f"{STAGES} of {CONFIGS[lang]}; kept and rejected written", full, one, command, rounds)


def our_command(config: str, text: Path, out: Path, workers: int, *, inline: bool, more: Iterable[str] = ()) -> list[str]:
    """The command line of a run of ours."""
    executor = "inline" if inline else "local"
    command = [sys.executable, "-m", "cleaning", "run", str(CHECKOUT / config), "--input", str(text), "--output", str(out)]
    return [*command, "--workers", str(workers), "--set", f"engine.executor={executor}", *more]


def our_env() -> dict[str, str]:
    """Commands run in a temporary directory; the package is the one of this checkout."""
    return {"PYTHONPATH": str(CHECKOUT)}


def _ours(job: str, lang: str, about: str, full: Slice, one: Slice, command: Callable[[Slice, Path], list[str]], rounds: int) -> Contestant:
    def kept(out: Path, _: Usage) -> int:
        return count_lines(sorted((out / "data").glob("*.jsonl*")))

    return Contestant(job, lang, OURS, about, full, one, command, kept, rounds, our_env())


def peer_contestant(peer: Peer, lang: str, full: Slice, one: Slice, work: Path, timeout: float) -> Contestant | Row:
    """A peer ready to run, or its row with the reason why it is not."""
    blank = Row("heuristics", lang, peer.name, peer.about, full.mb, full.docs)
    installed = install(peer)
    if installed.fault is not None:
        blank.fault = f"not installed: {installed.fault}"
        log.warning("%s: %s", peer.name, blank.fault)
        return blank

    def command(text: Slice, out: Path) -> list[str]:
        script = str(HERE / "peers" / peer.script)
        return [str(peer.python), script, str(text.path), str(out), "--lang", lang, "--models", str(HOME / "models" / peer.name)]

    def kept(_: Path, usage: Usage) -> int | None:
        result = json.loads(usage.stdout.strip().splitlines()[-1])
        found: int | None = result["kept"]
        return found

    if peer.prepared:
        prepared = run_measured([*command(full, work / "out"), "--prepare"], cwd=work, timeout=timeout)
        if prepared.fault is not None:
            blank.fault = f"not prepared: {prepared.fault}"
            return blank
    return Contestant("heuristics", lang, f"{peer.name} {installed.version}", peer.about, full, one, command, kept)
