"""KenLM's own programs, where they are installed: `lmplz` makes the ARPA file that we make, `build_binary` a binary of it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import IO, Any

from cleaning.errors import ModelError, UserError
from cleaning.models.lm.arpa import replacing
from cleaning.models.lm.kneser_ney import FALLBACK
from cleaning.models.lm.units import Units
from cleaning.models.lm.vocabulary import SPECIALS


def find_lmplz() -> str | None:
    """The program: $LMPLZ, else on the PATH; None where there is none."""
    return shutil.which(os.environ.get("LMPLZ") or "lmplz")


def find_build_binary() -> str | None:
    """The program: $BUILD_BINARY, else beside lmplz, else on the PATH; None where there is none."""
    beside = find_lmplz()
    named = os.environ.get("BUILD_BINARY") or (beside and shutil.which("build_binary", path=os.path.dirname(beside)))
    return shutil.which(named or "build_binary")


def build_binary(arpa: Path, output: Path, tmp: Path | None) -> None:
    """Make a binary of an ARPA file, of KenLM's kind `probing`. Raises ModelError."""
    program = find_build_binary()
    if program is None:
        raise ModelError(f"{output}: needs build_binary (of KenLM), which is neither on the PATH nor named by $BUILD_BINARY; name it .arpa")
    with tempfile.TemporaryDirectory(prefix="lm-", dir=tmp) as folder:
        made = Path(folder) / "model.bin"
        done = subprocess.run([program, "-s", "probing", str(arpa), str(made)], capture_output=True, check=False)
        if done.returncode:
            raise ModelError(f"build_binary failed with code {done.returncode}: {_last_line(done.stderr)}")
        with replacing(output) as out, open(made, "rb") as data:
            shutil.copyfileobj(data, out, 1 << 20)


def _last_line(told: bytes) -> str:
    return (told.decode("utf-8", "replace").strip().splitlines() or ["no message"])[-1]


def train(
    texts: Iterable[str], units: Units, order: int, prune: Sequence[int], output: Path, memory: int, tmp: Path | None,
    say: Callable[[str], None],
) -> dict[str, Any]:  # fmt: skip
    """Train with lmplz and write its ARPA file to `output`. Returns what the card says of the training."""
    program = find_lmplz()
    if program is None:
        raise ModelError("lmplz (of KenLM) is not on the PATH, nor named by $LMPLZ; --engine own makes the same model without it")
    with tempfile.TemporaryDirectory(prefix="lm-", dir=tmp) as folder:
        corpus = Path(folder) / "tokens.txt"
        with open(corpus, "w", encoding="utf-8") as out:
            tokens, lines = _write_tokens(texts, units, out)
        if not tokens:
            raise UserError("nothing to train on: the input has no text")
        say(f"lmplz on {tokens:,} tokens in {lines:,} lines")
        command = [program, "-o", str(order), "-S", f"{memory >> 20}M", "-T", f"{folder}/", "--prune", *map(str, prune)]
        command += ["--text", str(corpus), "--discount_fallback", *map(str, FALLBACK)]
        with replacing(output) as arpa:
            done = subprocess.run(command, stdout=arpa, stderr=subprocess.PIPE, check=False)
            if done.returncode:
                raise ModelError(f"lmplz failed with code {done.returncode}: {_last_line(done.stderr)}")
    told = _statistics(done.stderr.decode("utf-8", "replace"))
    return {"tokens": tokens, "lines": lines, "prune": list(prune), **told, "smoothing": "interpolated modified Kneser-Ney"}


def _write_tokens(texts: Iterable[str], units: Units, out: IO[str]) -> tuple[int, int]:
    count = lines = 0
    for text in texts:
        for line in units.lines(text):
            tokens = [token for token in units.tokens(line) if token not in SPECIALS]
            out.write(" ".join(tokens) + "\n")
            count, lines = count + len(tokens), lines + 1
    return count, lines


def _statistics(told: str) -> dict[str, Any]:
    """The numbers of n-grams and the discounts that lmplz prints."""
    rows = re.findall(r"^\d (\d+)(?:/(\d+))? D1=(\S+) D2=(\S+) D3\+=(\S+)$", told, re.MULTILINE)
    return {
        "discounts": [[float(d) for d in row[2:]] for row in rows],
        "ngrams": [int(row[0]) for row in rows],
        "ngrams_before_pruning": [int(row[1] or row[0]) for row in rows],
    }
