"""From text to an n-gram model: encode, count, estimate.

`fit` gives a model in memory; `train_lm` writes an ARPA file with its card: what `cleaning models train-lm` does.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from cleaning import __version__
from cleaning.errors import UserError
from cleaning.models.card import Card, sha256_of, write_card
from cleaning.models.corpus import Corpus, read_texts
from cleaning.models.lm import lmplz
from cleaning.models.lm.arpa import FLOOR, NgramModel, write_arpa
from cleaning.models.lm.counts import TokenSpool, count_ngrams
from cleaning.models.lm.key_kernels import _unpack
from cleaning.models.lm.kneser_ney import FALLBACK, Discounts, Estimate, Grams, estimate
from cleaning.models.lm.units import Units
from cleaning.models.lm.vocabulary import Vocabulary

MAX_ORDER = 6
MEMORY = 2 << 30
ENGINES = ("own", "lmplz")
BINARIES = (".bin", ".klm")
_BATCH = 4 << 20  # characters that are encoded at a time
_SAY = 64 << 20  # characters between two words of progress
Progress = Callable[[str], None]


def full_prune(prune: Sequence[int], order: int) -> list[int]:
    """A threshold for each order; the last one given holds for the rest. Raises UserError where lmplz would, and for unigrams.

    >>> full_prune((0, 0, 1), 5)
    [0, 0, 1, 1, 1]
    """
    if not 1 <= order <= MAX_ORDER:
        raise UserError(f"order {order}; allowed: 1 to {MAX_ORDER}")
    given = list(prune) or [0]
    if given[0] != 0:
        raise UserError(f"prune {' '.join(map(str, given))}: the first threshold is for unigrams, which stay: it must be 0")
    if any(a > b for a, b in itertools.pairwise(given)):
        raise UserError(f"prune {' '.join(map(str, given))}: a threshold may not be smaller than the one before it")
    return (given + [given[-1]] * order)[:order]


def fit(
    texts: Iterable[str], units: Units, order: int = 5, prune: Sequence[int] = (0, 0, 1), *,
    memory: int = MEMORY, tmp: Path | None = None, fallback: Discounts = FALLBACK, progress: Progress | None = None,
) -> NgramModel:  # fmt: skip
    """Train a model on some documents. `memory`: bytes for sorting; what is more goes to files in `tmp` (else the system's place).

    The tokens are numbered as they appear, so the model depends on the order of the documents only in its numbers.
    Raises UserError for a text without tokens, and for a vocabulary too large for the order.
    """
    thresholds, say = full_prune(prune, order), progress or (lambda _: None)
    vocab, spool, said = Vocabulary(), TokenSpool(memory // 8, tmp), 0
    for batch in _batches(texts):
        encoded = units.encode_texts(batch, vocab, learn=True)
        spool.add(encoded.ids, encoded.lines)
        if spool.tokens - said >= _SAY:
            said = spool.tokens
            say(f"read {said:,} tokens")
    if not spool.tokens:
        raise UserError("nothing to train on: the input has no text")
    bits = max(2, (len(vocab) - 1).bit_length())
    if bits * order > 128:
        most = f"at most {1 << 128 // order:,}; use a smaller order or unit char"
        raise UserError(f"{len(vocab):,} different tokens are too many for order {order}: {most}")
    tokens, lines = spool.tokens, spool.lines
    say(f"counting {order}-grams of {tokens:,} tokens in {lines:,} lines, {len(vocab):,} different")
    counted = count_ngrams(spool, order, bits, memory, tmp)
    say("estimating")
    made = estimate(counted, order, bits, len(vocab), thresholds, memory, tmp, fallback)
    training = {
        "tokens": tokens, "lines": lines, "prune": thresholds, "discounts": [list(d) for d in made.discounts],
        "ngrams": [int(g.prob.size) for g in made.grams], "ngrams_before_pruning": made.counted, "given_discounts_for": made.fell_back,
        "smoothing": "interpolated modified Kneser-Ney",
    }  # fmt: skip
    return _model(made, vocab.tokens, bits, training)


@dataclass(frozen=True, slots=True)
class Training:
    """How a model is to be trained."""

    units: Units
    order: int = 5
    prune: tuple[int, ...] = (0, 0, 1)
    memory: int = MEMORY  # bytes for sorting
    tmp: Path | None = None  # where files go that do not fit in it
    limit_bytes: int | None = None  # of UTF-8 text; the rest of the input is not read
    engine: str = "own"


def train_lm(inputs: Sequence[str | Path], output: Path, how: Training, name: str = "", progress: Progress | None = None) -> Card:
    """Train on shards, write the model and its card, both atomically: an ARPA file, or where `output` is named so a binary of KenLM.

    Raises UserError for an empty corpus or wrong parameters, ModelError where KenLM's programs are asked for and missing, or fail.
    """
    prune = full_prune(how.prune, how.order)
    if how.engine not in ENGINES:
        raise UserError(f"engine '{how.engine}'; allowed: {', '.join(ENGINES)}")
    binary = output.suffix in BINARIES
    if output.suffix != ".arpa" and not binary:
        raise UserError(f"{output}: the name of the model must end in .arpa, or for a binary of KenLM in {' or '.join(BINARIES)}")
    if binary and lmplz.find_build_binary() is None:  # before an hour of training
        lmplz.build_binary(output, output, None)
    corpus = read_texts(inputs, how.limit_bytes)
    try:
        with contextlib.ExitStack() as stack:
            arpa = output
            if binary:
                arpa = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lm-", dir=how.tmp))) / "model.arpa"
            training = _train(corpus, arpa, how, prune, progress or (lambda _: None))
            if binary:
                lmplz.build_binary(arpa, output, how.tmp)
    except OSError as exc:
        if exc.errno not in (None, errno.ENOSPC, errno.EDQUOT):
            raise
        raise UserError(f"no space left for {output}, or for what does not fit in memory; see --tmp and --memory") from exc
    card = _card(name or output.name, output, how, corpus.about(), training)
    write_card(output, card)
    return card


def _train(corpus: Corpus, arpa: Path, how: Training, prune: list[int], say: Progress) -> dict[str, Any]:
    """Write the ARPA file; what the card says of the training."""
    texts = (text for text, _ in corpus)
    if how.engine == "lmplz":
        return lmplz.train(texts, how.units, how.order, prune, arpa, how.memory, how.tmp, say)
    model = fit(texts, how.units, how.order, prune, memory=how.memory, tmp=how.tmp, progress=say)
    say("writing")
    write_arpa(model, arpa)
    return model.training


def _card(name: str, output: Path, how: Training, corpus: dict[str, Any], training: dict[str, Any]) -> Card:
    units, libraries = how.units, {"char": [], "word": [], "jieba": ["jieba"], "sp": ["sentencepiece"]}
    if units.pieces is not None:
        training = {**training, "sp_model": units.pieces.name, "sp_sha256": sha256_of(units.pieces)}
    if how.limit_bytes is not None:
        training = {**training, "limit_bytes": how.limit_bytes}
    made_with = {"cleaning": __version__, **{library: version(library) for library in libraries[units.kind]}}
    return Card(
        name=name, kind="lm", about=f"{how.order}-gram model, unit {units.kind}", unit=units.kind, normaliser=units.normaliser,
        normaliser_version=units.version, order=how.order, corpus=corpus, training={**training, "engine": how.engine},
        sha256=sha256_of(output), size=output.stat().st_size, made_with=made_with,
    )  # fmt: skip


def _batches(texts: Iterable[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for text in texts:
        batch.append(text)
        size += len(text)
        if size >= _BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _model(made: Estimate, vocab: list[str], bits: int, training: dict[str, object]) -> NgramModel:
    """Logarithms and token numbers, an order at a time, so that the packed form goes as the other comes."""
    model, grams = NgramModel(len(made.grams), vocab, [], [], [], training), list[Grams | None](made.grams)
    made.grams.clear()
    for k in range(1, model.order + 1):
        one = grams[k - 1]
        assert one is not None
        ids = np.empty((one.prob.size, k), np.uint32)
        _unpack(one.hi, one.lo, k, bits, ids)
        model.ngrams.append(ids)
        with np.errstate(divide="ignore"):  # a zero becomes -inf, then the floor
            model.prob.append(np.clip(np.log10(one.prob), FLOOR, 0).astype(np.float32))
            model.backoff.append(np.maximum(np.log10(one.backoff), np.float32(FLOOR)).astype(np.float32))
        grams[k - 1] = one = None
    return model
