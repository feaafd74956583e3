"""Percentiles, what short texts get, and the judge of broken text."""

from __future__ import annotations

import random

import numpy as np
import pytest

from cleaning.errors import ModelError, UserError
from cleaning.models.card import Card
from cleaning.models.lm.breaking import damaged
from cleaning.models.lm.broken import FEATURES, Broken
from cleaning.models.lm.calibration import PRIOR, Calibration, Sample, calibrate
from cleaning.models.lm.scoring import ModelFile, Scorer, perplexity
from cleaning.models.lm.windows import Passage, passages

from .lm_samples import made_up, texts, write_model


@pytest.fixture(scope="module")
def scorer(tmp_path_factory: pytest.TempPathFactory) -> Scorer:
    path = tmp_path_factory.mktemp("lm") / "zh.arpa"
    write_model(path, made_up(120, seed=1) + texts("zh_good")[:80], order=5)
    return ModelFile.beside(path).open()


@pytest.fixture(scope="module")
def made(scorer: Scorer) -> Calibration:
    samples = [Sample(text, ("source:a",)) for text in made_up(120, seed=2)]
    samples += [Sample(text[:30], ("source:b",)) for text in made_up(110, seed=3)] + [Sample("太短", ("source:c",))] * 200
    return calibrate(scorer, samples)


def test_groups(made: Calibration) -> None:
    assert set(made.percentiles) == {"all", "source:a", "source:b"}, "a group of texts that are too short has no percentiles"
    assert all(len(values) == 101 and list(values) == sorted(values) for values in made.percentiles.values())
    assert made.group(["source:c", "source:b"]) == "source:b"
    assert made.group(["source:none"]) == "all"
    assert Calibration().group(["lang:zh"]) is None


def test_percentiles_are_those_of_the_corpus(scorer: Scorer, made: Calibration) -> None:
    fresh = [scorer([text]).summed() for text in made_up(300, seed=9)]
    found = [made.percentile(float(a[0]), int(n[0]), "source:a") for a, n in fresh]
    assert 35 < np.median(found) < 65
    assert np.percentile(found, 90) > 75
    assert np.percentile(found, 10) < 25


def test_a_short_text_is_not_extreme() -> None:
    made = Calibration({"all": [float(10 + p) for p in range(101)]})  # median 60
    assert made.percentile(-np.log10(60) * 500, 500, "all") == pytest.approx(50, abs=0.1)
    assert made.percentile(-np.log10(1e4) * 500, 500, "all") == 100.0
    assert made.percentile(-1.0 * 500 * 0.5, 500, "all") == 0.0
    # 8 tokens of perplexity 110, its largest: together with PRIOR tokens of median text
    value = 10 ** ((8 * np.log10(110) + PRIOR * np.log10(60)) / (8 + PRIOR))
    got = made.percentile(-np.log10(110) * 8, 8, "all")
    assert got < 65
    assert got == pytest.approx(value - 10, abs=0.3)
    flat = Calibration({"all": [5.0] * 101})  # all alike: below, at, above
    assert [flat.percentile(-np.log10(v) * 1000, 1000, "all") for v in (4.9, 5.1)] == [0.0, 100.0]


def test_too_few_documents(scorer: Scorer) -> None:
    with pytest.raises(UserError, match="3 documents of 16 tokens and more to calibrate on; 100 are needed"):
        calibrate(scorer, [Sample(text) for text in [*made_up(3), "短"]])


def auc(good: list[float], bad: list[float]) -> float:
    return float(np.mean([(b > g) + 0.5 * (b == g) for g in good for b in bad]))


def test_broken_text_has_a_higher_score(scorer: Scorer, made: Calibration) -> None:
    assert made.broken is not None
    whole = made_up(60, seed=7)
    good = made.broken(scorer(whole, events=True).shares())
    assert np.mean(np.array(good) > 0.5) < 0.1, "one in a hundred of the calibration documents is above it"
    for kind in ("order", "words", "noise", "list", "loop", "spaced"):
        bad = made.broken(scorer([damaged(text, kind, 1000 + i) for i, text in enumerate(whole)], events=True).shares())
        assert auc(good, bad) > 0.97, kind
        assert np.mean(np.array(bad) > 0.5) > 0.6, kind


def test_a_score_does_not_depend_on_the_others(scorer: Scorer, made: Calibration) -> None:
    assert made.broken is not None
    shares = scorer([*made_up(20, seed=4), ""], events=True).shares()
    together = made.broken(shares)
    assert np.isnan(together[-1])
    assert together[:-1] == [made.broken(shares[i : i + 1])[0] for i in range(20)]


def test_the_same_documents_give_the_same_calibration(scorer: Scorer, made: Calibration) -> None:
    samples = [Sample(text, ("source:a",)) for text in made_up(120, seed=2)]
    samples += [Sample(text[:30], ("source:b",)) for text in made_up(110, seed=3)] + [Sample("太短", ("source:c",))] * 200
    assert calibrate(scorer, samples) == made


def test_it_goes_through_a_card(made: Calibration) -> None:
    card = made.on(Card(name="zh", kind="lm", figures={"kept": 1}))
    assert card.figures["kept"] == 1
    again = Calibration.of(Card.model_validate_json(card.model_dump_json()))
    assert again.broken == made.broken
    assert again.percentiles == {name: list(values) for name, values in made.percentiles.items()}
    assert Calibration.of(None) == Calibration()
    assert "broken" not in Calibration(made.percentiles).on(card).figures
    words = {"kinds": {"order": ["x"] * (FEATURES + 1)}, "documents": 1}
    for damage in ({"kinds": {}}, {"kinds": {"order": [1.0]}, "documents": 1}, [1], words):
        with pytest.raises(ModelError, match="'broken' in its card cannot be read"):
            Broken.from_json(damage, "zh.arpa")


def test_windows_are_a_function_of_the_text_and_the_budget() -> None:
    rng = random.Random(1)
    text = "\n".join("".join(rng.choice("春夏秋冬山水风月。，") for _ in range(rng.randint(5, 200))) for _ in range(200))
    for budget in (800, 1600, 5000):
        got = passages(text, budget)
        assert got == passages(text, budget)
        assert abs(sum(len(part.text) for part in got) - budget) <= 60
        at = 0
        for part in got:
            at = text.index(part.text, at)
            assert part.begins_within == (text[at - 1] != "\n")
            assert part.ends_within == (text[at + len(part.text)] != "\n")
    assert passages(text, 0) == [Passage(text)]
    assert passages(text[:2000], 1600) == [Passage(text[:2000])], "sampling would save nothing"
    words = " ".join(rng.choice(("old", "mill", "river", "antidisestablishmentarianism")) for _ in range(3000))
    assert {word for part in passages(words, 1600) for word in part.text.split()} <= set(words.split()), "no word is cut"


def test_tokens_of_a_passage_count_as_in_the_whole_text(scorer: Scorer) -> None:
    text = "".join(made_up(3, seed=11)).replace("\n", "")
    passage = Passage(text[100:160], True, True)
    scores = scorer.model.score([[passage]], scorer.units, True)
    assert scores.tokens.tolist() == [60 - 4], "four tokens are context, and there is no end"
    assert scores.events[:, :9].sum() == 56
    expected = scorer([text[:160]]).log10[0] - scorer([text[:104]]).log10[0]
    ends = [scorer.model.score([[Passage(text[:n], False, True)]], scorer.units, False).log10[0] for n in (104, 160)]
    assert scores.log10[0] == pytest.approx(ends[1] - ends[0], abs=1e-6)
    assert scores.log10[0] != pytest.approx(expected, abs=1e-6), "the ends of sentences do not count"


def test_windows_agree_with_the_whole_text(scorer: Scorer) -> None:
    long = ["".join(made_up(20, seed=i))[:6000] for i in range(30)]
    long = [text if i % 2 else damaged(text, "noise", i) for i, text in enumerate(long)]
    columns = [[column.tolist() for column in scorer(long, windows=budget).summed()] for budget in (0, 1600)]
    full, part = ([perplexity(a, n) for a, n in zip(*of, strict=True)] for of in columns)
    assert np.corrcoef(np.log(full), np.log(part))[0, 1] > 0.99
    assert scorer(long, windows=1600).tokens.sum() < 0.3 * scorer(long).tokens.sum()
