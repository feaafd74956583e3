from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

from cleaning.errors import ModelError
from cleaning.models.card import Card, write_card
from cleaning.models.fasttext_file import NotFastTextError, inspect
from cleaning.models.fasttext_model import check_model, load
from tests.models.fasttext_toys import BAD, GOOD, train_toy

pytest.importorskip("fasttext", reason="the extra models is not installed")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("fasttext")
    dense, small = train_toy(place / "dense.bin"), train_toy(place / "small.ftz", quantized=True)
    return {"dense": dense, "quantized": small, "vectors": train_toy(place / "vectors.bin", supervised=False)}


def test_why_the_binding_is_called_directly(models: dict[str, Path]) -> None:
    """The package's own predict asks numpy not to copy, which numpy 2 takes literally. The day this fails the adapter may call it."""
    import fasttext

    if version("fasttext") != "0.9.3" or int(np.__version__.split(".")[0]) < 2:
        pytest.skip("the defect is that of fastText 0.9.3 with numpy 2")
    with pytest.raises(ValueError, match="copy"):
        fasttext.load_model(str(models["dense"])).predict("a quiet valley")
    assert load(models["dense"]).predict("a quiet valley")[0] == ["keep"]


@pytest.mark.parametrize("kind", ["dense", "quantized"])
def test_labels_and_probabilities(models: dict[str, Path], kind: str) -> None:
    model = load(models[kind])
    assert sorted(model.labels) == ["drop", "keep"]
    labels, probabilities = model.predict_batch([*GOOD, *BAD], k=-1)
    assert [of[0] for of in labels] == ["keep"] * len(GOOD) + ["drop"] * len(BAD)
    assert all(abs(float(p.sum()) - 1) < 1e-3 and p.dtype == np.float32 for p in probabilities)
    assert model.predict_batch([]) == ([], [])
    assert all(len(of) == 1 for of in model.predict_batch(GOOD)[0])
    assert all(p[0] > 0.9 for of, p in zip(*model.predict_batch(GOOD, 2, 0.9), strict=True) if of)


def test_a_batch_is_its_lines_one_by_one(models: dict[str, Path]) -> None:
    model = load(models["dense"])
    lines = [*GOOD, "", " ", *BAD, "未知的字 unseen words"]
    together = model.predict_batch(lines, 2)
    for line, labels, probabilities in zip(lines, *together, strict=True):
        alone = model.predict(line, 2)
        assert alone[0] == labels
        assert alone[1].tolist() == probabilities.tolist()


def test_newlines_and_broken_characters_do_not_cut_a_line(models: dict[str, Path]) -> None:
    model = load(models["dense"])
    whole = model.predict("the river runs through a quiet valley", 2)
    for text in ("the river\nruns through\r\na quiet valley", "the river\0runs through a quiet valley\n"):
        assert model.predict(text, 2)[1].tolist() == whole[1].tolist()
    assert model.predict("valley \ud800 河")[0] == ["keep"]


@pytest.mark.parametrize("kind", ["dense", "quantized"])
def test_the_file_is_read_without_the_library(models: dict[str, Path], kind: str) -> None:
    about = inspect(models[kind])
    assert (about.supervised, about.dimensions, about.min_char_ngram, about.max_char_ngram) == (True, 8, 1, 3)
    assert about.quantized == (kind == "quantized")
    import fasttext

    model = fasttext.load_model(str(models[kind]))
    assert [f"__label__{label}" for label in about.labels] == model.get_labels()
    assert about.words == len(model.get_words())


@pytest.mark.parametrize("kind", ["dense", "quantized"])
def test_every_cut_is_found(models: dict[str, Path], tmp_path: Path, kind: str) -> None:
    data, broken = models[kind].read_bytes(), tmp_path / "broken.bin"
    for size in [*range(0, 200, 7), *range(200, len(data), max(1, len(data) // 60)), len(data) - 1]:
        broken.write_bytes(data[:size])
        with pytest.raises(NotFastTextError):
            inspect(broken)
    broken.write_bytes(data + b"\0")
    with pytest.raises(NotFastTextError, match="is damaged"):
        inspect(broken)


def test_errors_name_the_command_that_gets_the_model(models: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"models/lid\.176\.ftz: no such model; get it with: .* models fetch lid\.176\.ftz$"):
        load(tmp_path / "lid.176.ftz", "models/lid.176.ftz")
    page = tmp_path / "lid.176.ftz"
    page.write_text("<html>404 Not Found</html>" * 10)
    with pytest.raises(ModelError, match="is no fastText model: .*models fetch lid"):
        load(page, "models/lid.176.ftz")
    page.write_bytes(b"")
    with pytest.raises(ModelError, match="is no fastText model"):
        load(page)
    with pytest.raises(ModelError, match="word vectors and no labels"):
        load(models["vectors"])
    with pytest.raises(ModelError, match="cannot be read"):
        load(tmp_path)


def test_a_changed_byte_is_found_by_the_card(models: dict[str, Path], tmp_path: Path) -> None:
    from cleaning.models.card import sha256_of

    data, path = bytearray(models["dense"].read_bytes()), tmp_path / "m.bin"
    path.write_bytes(data)
    write_card(path, Card(name="m", kind="classifier", sha256=sha256_of(path), size=len(data)))
    check_model(path)
    data[-5] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelError, match="not the file that its card describes"):
        check_model(path)
