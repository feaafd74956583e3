"""Classifiers: how good on labelled sets, what transfers, what each setting costs, how fast they score and train.

    python benchmarks/classifiers.py sets          every labelled set, judged by folds; and from one set to another
    python benchmarks/classifiers.py settings      unit, n-grams, dimensions, epochs, quantised, on one set each of zh and en
    python benchmarks/classifiers.py speed         scoring: alone, beside fastText's own batch binding, and as a whole run
    python benchmarks/classifiers.py train --mb 200

Labelled sets come from `labels/` beside the corpora; a set that is not there is left out.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from corpus import CHECKOUT, find_data, find_sources, write_slice
from measure import machine, run_measured

sys.path.insert(0, str(CHECKOUT))

from cleaning.models.classifier.classifier import Classifier
from cleaning.models.classifier.examples import Examples, Sources, read_examples
from cleaning.models.classifier.figures import auc, fit_platt, judge
from cleaning.models.classifier.tokens import Tokens
from cleaning.models.classifier.train import Settings, _cross_fitted, _margins, fit, train_classifier
from cleaning.models.corpus import read_texts

# name: file, field, positive, negative
SETS: dict[str, tuple[str, str, tuple[str, ...], tuple[str, ...]]] = {
    "zh_sms": ("spam/zh_sms-00.jsonl", "label", ("1",), ()),
    "zh_wechat_ads": ("spam/zh_wechat_ads-00.jsonl.gz", "label", ("1",), ()),
    "en_sms": ("spam/en_sms-00.jsonl", "label", ("1",), ()),
    "en_email": ("spam/en_email_spamassassin-00.jsonl.zst", "label", ("1",), ()),
    "zh_distant_quality": ("quality/zh_distant_quality-00.jsonl.zst", "label", ("high",), ("low",)),
    "en_dclm_human": ("quality/en_dclm_human-00.jsonl.gz", "label", ("1",), ()),
    "zh_offensive": ("toxic/zh_cold_train_dev-00.jsonl.gz", "label", ("1",), ()),
}
TRANSFER = (("zh_wechat_ads", "zh_sms"), ("zh_sms", "zh_wechat_ads"), ("en_email", "en_sms"), ("en_sms", "en_email"))


def silent(_: str) -> None:
    """Nothing is said in between."""


def read(labels: Path, name: str, tokens: Tokens) -> Examples | None:
    file, field, positive, negative = SETS[name]
    if not (labels / file).exists():
        return None
    return read_examples(_sources(labels / file, field, positive, negative), tokens)


def _sources(path: Path, field: str, positive: tuple[str, ...], negative: tuple[str, ...]) -> Sources:
    return Sources(labelled=(str(path),), label_field=field, positive_values=positive, negative_values=negative)


def sets(labels: Path, names: list[str]) -> None:
    print("A fifth held out by the hash of the texts, equal texts once; the other half of the fifth calibrates.\n")
    print("| set | documents | positive | AUC | precision | recall | F1 | calibration error | from 1,000: AUC on the rest | CPU s |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    models: dict[str, Any] = {}
    for name in names:
        examples = read(labels, name, Tokens())
        if examples is None:
            continue
        start = time.process_time()
        held = (examples.hashes >> np.uint64(8)) % np.uint64(5) == 0
        models[name] = fit(examples.take(~held), Settings())
        used, test = time.process_time() - start, examples.take(held)
        f = judge(_cross_fitted(_margins(models[name], test), test.positive, test.hashes, 0.5), test.positive)
        small = "–"
        if len(examples) > 2000:
            few = np.arange(len(examples)) < 1000  # they are sorted by hash
            small = f"{auc(_margins(fit(examples.take(few), Settings()), examples.take(~few)).margin, examples.take(~few).positive):.4f}"
        figures = " | ".join(f"{f[k]:.4f}" for k in ("auc", "precision", "recall", "f1", "calibration_error"))
        print(f"| {name} | {len(examples):,} | {int(examples.positive.sum()):,} | {figures} | {small} | {used:.1f} |", flush=True)
    print("\n| trained on | judged on | AUC |\n|---|---|---:|")
    for one, other in TRANSFER:
        b = read(labels, other, Tokens())
        if one in models and b is not None:
            print(f"| {one} | {other} | {auc(_margins(models[one], b).margin, b.positive):.4f} |", flush=True)


VARIANTS: dict[str, Settings] = {
    "default (char, 3-grams, dim 16)": Settings(), "2-grams": Settings(ngrams=2),
    "4-grams": Settings(ngrams=4),
    "dim 4": Settings(dim=4), "dim 100": Settings(dim=100), "5 epochs": Settings(epochs=5), "50 epochs": Settings(epochs=50),
    "rate 0.1": Settings(rate=0.1), "rate 1": Settings(rate=1.0), "min-count 5": Settings(min_count=5),
    "unit jieba": Settings(Tokens("jieba")), "unit jieba, 2-grams": Settings(Tokens("jieba"), ngrams=2),
}  # fmt: skip


def settings_table(labels: Path, name: str) -> None:
    print(f"\n{name}, a fifth held out\n\n| setting | AUC | F1 | training CPU s | scoring MB/s | memory MB |")
    print("|---|---:|---:|---:|---:|---:|")
    texts = [text for text, _ in read_texts([labels / SETS[name][0]])]
    size = sum(len(text.encode("utf-8", "replace")) for text in texts) / 1e6
    for label, how in VARIANTS.items():
        examples = read(labels, name, how.tokens)
        assert examples is not None
        held = examples.hashes % np.uint64(5) == 0
        start = time.process_time()
        model = fit(examples.take(~held), how)
        used = time.process_time() - start
        test = examples.take(held)
        margins = _margins(model, test)
        f1 = judge(fit_platt(margins, test.positive)(margins), test.positive)["f1"]
        speed = best(lambda: model.margins(how.tokens.lines(texts)), 1 if how.tokens.kind == "jieba" else 3)  # noqa: B023
        area = f"{auc(margins.margin, test.positive):.4f}"
        print(f"| {label} | {area} | {f1:.4f} | {used:.1f} | {size / speed:.1f} | {model.memory_mb:.0f} |", flush=True)
    quantised(labels, name)


def quantised(labels: Path, name: str) -> None:
    """What fastText's own quantisation makes of the same training: beside it, one number a row needs none."""
    import fasttext
    from fasttext_pybind import fasttext as binding

    examples = read(labels, name, Tokens())
    assert examples is not None
    held = examples.hashes % np.uint64(5) == 0
    own, test = examples.take(~held), examples.take(held)
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus.txt"
        corpus.write_bytes(b"".join(b"__label__%d %s\n" % (p, line) for p, line in zip(own.positive, own.lines, strict=True)))
        model = fasttext.train_supervised(
            str(corpus), lr=0.5, dim=16, epoch=25, wordNgrams=3, bucket=1 << 20, minn=0, maxn=0, thread=1, verbose=0
        )  # fmt: skip
        for kind in ("bin", "ftz"):
            if kind == "ftz":
                model.quantize(str(corpus), cutoff=100_000, retrain=True, qnorm=True, verbose=0)
            file = Path(folder) / f"model.{kind}"
            model.save_model(str(file))
            loaded = binding()
            loaded.loadModel(str(file))
            lines = [line.decode() + "\n" for line in test.lines]
            start = time.process_time()
            labels_, scores = loaded.multilinePredict(lines, 2, 0.0, "strict")
            used = time.process_time() - start
            score = np.array([dict(zip(a, b.tolist(), strict=True))["__label__1"] for a, b in zip(labels_, scores, strict=True)])
            size, speed = file.stat().st_size / 1e6, sum(len(line) for line in test.lines) / 1e6 / used
            about = "quantised, 100,000 rows" if kind == "ftz" else "16 dimensions"
            area = f"{auc(score, test.positive):.4f}"
            print(f"| fastText's own file, {about} | {area} | – | – | {speed:.1f} (of lines of tokens) | {size:.0f} |")


def best(run: Callable[[], Any], rounds: int = 3) -> float:
    """CPU seconds of the quickest of some calls, one more for warming up."""
    times = []
    for k in range(rounds + 1):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
        if k == 0 and rounds == 1:
            break
    return min(times)


def speed(labels: Path, data: str | None, mb: float) -> None:
    from fasttext_pybind import fasttext as binding

    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        model = place / "ads.bin"
        file, field, positive, negative = SETS["zh_wechat_ads"]
        sources = _sources(labels / file, field, positive, negative)
        train_classifier(sources, model, Settings(epochs=5), "", silent)
        classifier = Classifier.load(model)
        theirs = binding()
        theirs.loadModel(str(model))
        print("| language | what | MB per CPU s |\n|---|---|---:|")
        for lang in ("zh", "en"):
            text = write_slice(place, lang, find_sources(find_data(data)[0], lang), mb)
            texts = [text_ for text_, _ in read_texts([text.path])]
            batches = [texts[k : k + 100] for k in range(0, len(texts), 100)]
            lines = [[classifier.tokens.lines(batch).line(k).decode() + "\n" for k in range(len(batch))] for batch in batches]
            whole = best(lambda: [classifier(batch) for batch in batches])  # noqa: B023
            folding = best(lambda: [classifier.tokens.lines(batch) for batch in batches])  # noqa: B023
            library = best(lambda: [theirs.multilinePredict(batch, 2, 0.0, "strict") for batch in lines], 1)  # noqa: B023
            print(f"| {lang} | texts to scores | {text.mb / whole:.1f} |\n| {lang} | of it: texts to tokens | {text.mb / folding:.1f} |")
            print(f"| {lang} | fastText's batch binding on lines of tokens that are there already | {text.mb / library:.1f} |", flush=True)
            config = place / "c.yaml"
            config.write_text("stages: [ads]\nads: {model: ads.bin}\nengine: {executor: inline}\n")
            empty = place / "e.yaml"
            empty.write_text("stages: [rules]\nengine: {executor: inline}\n")
            used = {}
            for name, path in (("an empty pass", empty), ("the stage ads", config)):
                for k in range(2):
                    out = str(place / f"{lang}{name}{k}")
                    command = [sys.executable, "-m", "cleaning", "run", str(path), "--input", str(text.path), "--output", out]
                    measured = run_measured(command, cwd=CHECKOUT)
                    if measured.fault:
                        raise SystemExit(measured.fault)
                    used[name] = min(used.get(name, 1e9), measured.cpu_s)
                print(f"| {lang} | whole run with {name}, start of Python included | {text.mb / used[name]:.1f} |", flush=True)
            alone = max(used["the stage ads"] - used["an empty pass"], 1e-9)
            print(f"| {lang} | the stage alone: the difference of the two runs | {text.mb / alone:.1f} |")


def training(data: str | None, mb: float) -> None:
    folder, _ = find_data(data)
    kinds = {
        "good": ("zh_news*", "zh_tech*", "zh_laws*", "zh_history*", "zh_novel*"),
        "bad": ("zh_weibo*", "zh_reviews*", "zh_webcrawl*", "zh_web_*", "zh_tcm*", "zh_poetry*"),
    }
    with tempfile.TemporaryDirectory() as place:
        files = []
        for name, patterns in kinds.items():
            (Path(place) / name).mkdir()
            sources = [path for pattern in patterns for path in sorted(Path(folder).glob(pattern))]
            text = write_slice(Path(place) / name, "zh", sources, mb / 2)
            print(f"{name}: {text.mb:.1f} MB in {text.docs:,} documents{', repeated' * text.repeated}")
            files.append(str(text.path))
        command = [sys.executable, "-m", "cleaning", "models", "train-classifier", "--positive", files[0], "--negative", files[1]]
        used = run_measured([*command, "--output", str(Path(place) / "q.bin")], cwd=CHECKOUT)
        print(f"wall {used.wall_s:.1f} s, CPU {used.cpu_s:.1f} s, peak RSS {used.rss_mb:,.0f} MB {used.fault}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("sets", "settings", "speed", "train"))
    parser.add_argument("--data")
    parser.add_argument("--mb", type=float, default=20)
    parser.add_argument("--set", nargs="+", default=[])
    args = parser.parse_args()
    print(machine())
    labels = Path(find_data(args.data)[0]).parent / "labels"
    if args.what == "sets":
        sets(labels, args.set or list(SETS))
    elif args.what == "settings":
        for name in args.set or ["zh_wechat_ads", "en_sms"]:
            settings_table(labels, name)
    elif args.what == "speed":
        speed(labels, args.data, args.mb)
    else:
        training(args.data, args.mb)
    return 0


if __name__ == "__main__":
    sys.exit(main())
