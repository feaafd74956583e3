"""Train a binary classifier: figures on documents that the model has not seen first, then the model that is kept.

A small corpus (up to four million tokens) is split in five by the hash of its texts: five models are judged, each on the fifth
that it has not read, their margins calibrate the scores, and the model that is kept has read everything. Of a larger one a tenth
is held out; early figures come from a model trained on a sample, and the model that is kept is the one that the held-out tenth
has judged.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cleaning import __version__
from cleaning.errors import ModelError, UserError
from cleaning.models.card import Card, sha256_of, write_card
from cleaning.models.classifier.classifier import NEGATIVE, POSITIVE
from cleaning.models.classifier.examples import Examples, Sources, read_examples
from cleaning.models.classifier.fasttext_matrix import LinearModel, read_model, write_model
from cleaning.models.classifier.figures import Margins, Platt, fit_platt, judge
from cleaning.models.classifier.kernels import mark_rows
from cleaning.models.classifier.tokens import NORMALISER, NORMALISER_VERSION, Tokens
from cleaning.models.fasttext_model import INSTALL

FOLDS, HOLD_OUT = 5, 10
SMALL = 4_000_000  # tokens up to which five folds are trained
SAMPLE = 2_000_000  # tokens of the sample that gives early figures
FEWEST = 20  # documents of each class
MOST_COPIES = 20  # how often a document of the smaller class is repeated at most
WORK = 100_000_000  # tokens that are read in all epochs together, where the number of epochs is not given
# With one thread fastText 0.9.3 fills only the first tenth of its matrix and leaves the rest as it finds it: "Encountered NaN", or another
# model each time. A large matrix in a process of its own is memory fresh from the system, that is zeros. Without n-grams the matrix is
# small whatever one asks for, so there are at least pairs.
_TRAIN = """
import json, sys, warnings
warnings.simplefilter("ignore")
import fasttext
corpus, model, how = json.loads(sys.argv[1])
fasttext.train_supervised(corpus, **how).save_model(model)
"""
_LARGE = 48 << 20  # bytes of the matrix, at least
_FRESH = {"MALLOC_MMAP_THRESHOLD_": "4096", "MALLOC_MMAP_MAX_": "1000000", "OMP_NUM_THREADS": "1"}
Progress = Callable[[str], None]
Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Settings:
    """How a classifier is trained. `epochs` and `buckets`: None chooses by the size of the corpus."""

    tokens: Tokens = Tokens()  # noqa: RUF009 - frozen
    ngrams: int = 3
    dim: int = 16
    epochs: int | None = None
    rate: float = 0.5
    buckets: int | None = None
    min_count: int = 1
    prior: float = 0.5
    tmp: Path | None = None

    def chosen(self, tokens: int) -> tuple[int, int]:
        """(epochs, buckets) for a corpus of so many tokens.

        >>> Settings().chosen(100_000), Settings().chosen(70_000_000)
        ((25, 1048576), (5, 4194304))
        """
        epochs = self.epochs or min(max(round(WORK / max(tokens, 1)), 5), 25)
        buckets = self.buckets or 1 << (20 if tokens <= 5_000_000 else 21 if tokens <= 20_000_000 else 22)
        return epochs, max(buckets, _LARGE // (4 * self.dim))


def fit(examples: Examples, settings: Settings) -> LinearModel:
    """Train one model. Its bytes depend on the examples and the settings alone. Raises ModelError without the library."""
    if find_spec("fasttext") is None:
        raise ModelError(INSTALL)
    order = _balanced_order(examples)
    epochs, buckets = settings.chosen(int(examples.tokens[order].sum()))
    with tempfile.TemporaryDirectory(dir=settings.tmp, prefix="classifier-") as folder:
        corpus, raw = Path(folder) / "corpus.txt", Path(folder) / "raw.bin"
        prefix = {True: f"__label__{POSITIVE} ".encode(), False: f"__label__{NEGATIVE} ".encode()}
        with open(corpus, "wb") as file:
            file.writelines(prefix[bool(examples.positive[k])] + examples.lines[k] + b"\n" for k in order.tolist())
        _run_fasttext(corpus, raw, {
            "lr": settings.rate, "dim": settings.dim, "epoch": epochs, "minCount": settings.min_count, "minn": 0, "maxn": 0, "seed": 0,
            "wordNgrams": settings.ngrams, "loss": "softmax", "bucket": buckets, "thread": 1, "verbose": 0, "label": "__label__",
        })  # fmt: skip
        model = read_model(raw, POSITIVE)
        return _without_strangers(model, examples)


def _run_fasttext(corpus: Path, model: Path, how: dict[str, Any]) -> None:
    command = [sys.executable, "-c", _TRAIN, json.dumps([str(corpus), str(model), how])]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **_FRESH}, check=False)
    if done.returncode:
        said = (done.stderr.strip() or f"signal {-done.returncode}").splitlines()[-1]
        help = "; the learning rate is too high for these documents: try --rate 0.1" if "NaN" in said else ""
        raise UserError(f"fastText could not train: {said}{help}")


def _without_strangers(model: LinearModel, examples: Examples) -> LinearModel:
    """Rows that no example asked for hold what they were filled with: noise. They become nothing."""
    touched = np.zeros(model.weights.size, np.bool_)
    lines = examples.joined()
    mark_rows(lines.data, lines.starts, model.keys, model.rows, model.weights, model.ends.size, model.ngrams, touched)
    weights = np.where(touched, model.weights, np.float32(0))
    return LinearModel(model.words, model.ends, model.counts, weights, model.ngrams, model.keys, model.rows)


def _balanced_order(examples: Examples) -> npt.NDArray[np.int64]:
    """Indices in the order of training: mixed by hash, those of the smaller class repeated until the classes are as large.

    A class of few but long documents is repeated less: its copies may not be longer than all documents together.
    """
    classes = [np.flatnonzero(examples.positive), np.flatnonzero(~examples.positive)]
    most = max(len(of) for of in classes)
    longest = [max(1, int(examples.tokens.sum()) // max(1, int(examples.tokens[of].sum()))) for of in classes]
    picked = [np.resize(of, min(most, len(of) * min(MOST_COPIES, copies))) for of, copies in zip(classes, longest, strict=True)]
    copies = [np.arange(len(of)) // len(own) for of, own in zip(picked, classes, strict=True)]
    index, copy = np.concatenate(picked), np.concatenate(copies).astype(np.uint64)
    mixed = np.multiply(examples.hashes[index] + copy * np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), dtype=np.uint64)
    order = np.lexsort((index, np.right_shift(mixed, np.uint64(31)) ^ mixed))
    return index[order]


@dataclass(frozen=True, slots=True)
class Trained:
    """The model that is kept, what its margins mean, and how it did on documents that it had not read."""

    model: LinearModel
    calibration: Platt
    figures: dict[str, Any]
    training: dict[str, Any]


def train(examples: Examples, settings: Settings, say: Progress) -> Trained:
    """Figures first, then the model. Raises UserError when there are too few documents of a class."""
    counts = {POSITIVE: int(examples.positive.sum()), NEGATIVE: int((~examples.positive).sum())}
    few = [f"{count} {name} documents" for name, count in counts.items() if count < FEWEST]
    if few:
        raise UserError(f"{' and '.join(few)}: too few to train and to judge; at least {FEWEST} different ones of each class are needed")
    tokens = int(examples.tokens.sum())
    say(f"{len(examples):,} different documents, {tokens:,} tokens; {counts[POSITIVE]:,} positive, {counts[NEGATIVE]:,} negative")
    if tokens <= SMALL:
        model, margins, known, how = _by_folds(examples, settings, say)
    else:
        model, margins, known, how = _by_hold_out(examples, settings, say)
    positive, hashes = examples.positive[known], examples.hashes[known]
    calibration = fit_platt(margins, positive, settings.prior)
    figures = judge(_cross_fitted(margins, positive, hashes, settings.prior), positive)
    epochs, buckets = settings.chosen(int(examples.tokens[_balanced_order(examples)].sum()))
    training = {
        "judged_by": how, "epochs": epochs, "buckets": buckets, "dim": settings.dim, "rate": settings.rate, "min_count": settings.min_count,
        "tokens": tokens, "words": int(model.ends.size),
    }  # fmt: skip
    return Trained(model, calibration, figures, training)


def _by_folds(examples: Examples, settings: Settings, say: Progress) -> tuple[LinearModel, Margins, npt.NDArray[np.bool_], str]:
    margins = Margins(np.zeros(len(examples)), np.zeros(len(examples), np.int64))
    fold = (examples.hashes >> np.uint64(8)) % np.uint64(FOLDS)
    for k in range(FOLDS):
        mine = fold == np.uint64(k)
        margins.margin[mine], margins.length[mine] = _margins(fit(examples.take(~mine), settings), examples.take(mine))
        if k == 0:
            say(f"early figures, of the first of {FOLDS} folds: {_shown(margins.take(mine), examples.positive[mine], settings)}")
    say("training on all documents")
    return fit(examples, settings), margins, np.ones(len(examples), np.bool_), f"{FOLDS} folds; the model has read all documents"


def _by_hold_out(examples: Examples, settings: Settings, say: Progress) -> tuple[LinearModel, Margins, npt.NDArray[np.bool_], str]:
    part = (examples.hashes >> np.uint64(8)) % np.uint64(1000)
    held = part < np.uint64(1000 // HOLD_OUT)
    share = np.uint64(min(900, max(1, round(1000 * SAMPLE / int(examples.tokens.sum())))))
    test, sample = examples.take(held), examples.take(part >= np.uint64(1000) - share)
    if sample.positive.any() and not sample.positive.all():
        early = _margins(fit(sample, settings), test)
        say(f"early figures, of a model trained on {len(sample):,} documents: {_shown(early, test.positive, settings)}")
    say(f"training on {int((~held).sum()):,} documents")
    model = fit(examples.take(~held), settings)
    return model, _margins(model, test), held, f"a tenth held out: {len(test):,} documents that the model has not read"


def _margins(model: LinearModel, examples: Examples) -> Margins:
    found = model(examples.joined())
    return Margins(np.nan_to_num(found.margin), found.length)


def _cross_fitted(margins: Margins, positive: npt.NDArray[np.bool_], hashes: npt.NDArray[np.uint64], prior: float) -> Float64:
    """Scores of which none was calibrated by its own margin: each half of the documents calibrates the other."""
    half, scores = (hashes >> np.uint64(40)) % np.uint64(2) == 0, np.zeros(len(positive))
    for mine in (half, ~half):
        scores[mine] = fit_platt(margins.take(~mine), positive[~mine], prior)(margins.take(mine))
    return scores


def _shown(margins: Margins, positive: npt.NDArray[np.bool_], settings: Settings) -> str:
    figures = judge(fit_platt(margins, positive, settings.prior)(margins), positive)
    return ", ".join(f"{name} {figures[name]:.4f}" for name in ("auc", "precision", "recall", "f1"))


def train_classifier(sources: Sources, output: Path, settings: Settings, name: str, say: Progress) -> Card:
    """Train on labelled documents, write the model and its card, each atomically. Raises UserError and ModelError."""
    if output.suffix != ".bin":
        raise UserError(f"{output}: the name of the model must end in .bin")
    examples = read_examples(sources, settings.tokens)
    made = train(examples, settings, say)
    write_model(output, made.model, (POSITIVE, NEGATIVE), made.training["epochs"])
    platt = made.calibration
    figures = {**made.figures, "calibration": {**asdict(platt), "prior": settings.prior}}
    libraries = ["fasttext", *(["jieba"] if settings.tokens.kind == "jieba" else [])]
    card = Card(
        name=name or output.name, kind="classifier", about=f"{POSITIVE} against {NEGATIVE}, by n-grams of 1 to {settings.ngrams} tokens",
        unit=settings.tokens.kind, normaliser=NORMALISER, normaliser_version=NORMALISER_VERSION, order=settings.ngrams,
        labels=[POSITIVE, NEGATIVE], corpus=examples.about, training=made.training, figures=figures, sha256=sha256_of(output),
        size=output.stat().st_size, memory_mb=made.model.memory_mb,
        made_with={"cleaning": __version__, **{library: version(library) for library in libraries}},
    )  # fmt: skip
    write_card(output, card)
    return card
