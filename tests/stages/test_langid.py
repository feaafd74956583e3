"""Stage `langid`: notes, rules on languages, models that are missing or of the wrong kind."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from cleaning.config import PROJECT_ROOT, load_config
from cleaning.doc import Batch, Doc
from cleaning.engine.resolve import resolve
from cleaning.errors import ConfigError, UserError
from cleaning.stages.langid import Langid, LangidParams
from tests.models.fasttext_toys import train_toy
from tests.samples import make_doc, run_step, sample_texts
from tests.stages.laws import check_any_split

pytest.importorskip("fasttext", reason="the extra models is not installed")
ZH = "这是一篇关于语言识别的文章，介绍了它的基本方法和应用场景。"
EN = "This is an article about language identification and how it is used in practice."
FR = "Ceci est un article sur l'identification des langues et sur la façon dont on l'utilise."
RULES = """\
rules:
  - {id: french, metric: lang_score, when: ">= 0", scope: {lang: fr}, reason: it is French}
  - {id: stranger, metric: lang_score, when: ">= 0", scope: {not_lang: [zh, en, fr]}, reason: something else}
"""


def stage(model: Path, **params: object) -> Langid:
    made = Langid(LangidParams(model=str(model), **params), Path)  # type: ignore[arg-type]
    made.check()
    return made


def test_notes_and_nothing_else(lid176: Path) -> None:
    docs = [make_doc(text) for text in (ZH, EN, "", f"{ZH * 4}\n{EN * 3}")]
    texts = [doc.text for doc in docs]
    run_step(stage(lid176).step(), docs)
    assert [doc.notes["lang"] for doc in docs] == ["zh", "en", "und", "zh"]
    assert [doc.text for doc in docs] == texts
    assert not any(doc.drop for doc in docs)
    assert docs[0].notes | {"lang_score": 0} == {
        "lang": "zh", "lang_score": 0, "lang_mix": 0.0, "han_share": 1.0, "latin_share": 0.0, "variant": "Hans"
    }  # fmt: skip
    assert docs[0].notes["lang_score"] > 0.9
    assert docs[3].notes["languages"].keys() == {"zh", "en"}
    assert docs[3].notes["scripts"].keys() == {"Hani", "Latn"}


def test_notes_of_an_earlier_run_are_replaced(lid176: Path) -> None:
    doc = make_doc(EN)
    doc.notes |= {"lang": "zh", "variant": "Hans", "lang_hint": "lzh", "other": 1}
    run_step(stage(lid176).step(), [doc])
    assert doc.notes["lang"] == "en"
    assert doc.notes["other"] == 1
    assert not {"variant", "lang_hint"} & doc.notes.keys()


def test_rules_scope_languages(lid176: Path, tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(RULES)
    docs = [make_doc(text) for text in (ZH, EN, FR, "Привет, как дела? Сегодня хорошая погода.")]
    run_step(stage(lid176, rules=(str(tmp_path / "r.yaml"),)).step(), docs)
    assert [doc.drop and doc.drop.rule for doc in docs] == [None, None, "french", "stranger"]


def test_a_document_without_a_note_is_in_no_language(tmp_path: Path) -> None:
    from cleaning.rules.rule_set import RuleSet, RulesParams
    from cleaning.rules.rule_step import RuleStep

    (tmp_path / "r.yaml").write_text(RULES.replace("lang_score", "chars"))
    docs = [make_doc(ZH), make_doc(ZH)]
    docs[1].notes["lang"] = "de"
    RuleStep(RuleSet(RulesParams(files=(str(tmp_path / "r.yaml"),)), Path))(Batch(docs))
    assert [doc.drop and doc.drop.rule for doc in docs] == [None, "stranger"]


def test_the_bundled_rules(lid176: Path) -> None:
    docs = [make_doc(text) for text in (ZH, EN, FR, "https://example.com/a/b?c=d", "", "12:30 - 14:45")]
    run_step(stage(lid176, rules=(str(PROJECT_ROOT / "rules" / "languages.yaml"),)).step(), docs)
    assert [doc.drop and doc.drop.rule for doc in docs] == [None, None, "other_language", "lang_none", None, "lang_none"]


def test_any_split(lid176: Path) -> None:
    def docs() -> list[Doc]:
        return [*map(make_doc, sample_texts()[:60]), make_doc(""), make_doc(ZH * 200), make_doc(f"{ZH}\n{EN}\n{FR}" * 3)]

    check_any_split(stage(lid176, rules=(str(PROJECT_ROOT / "rules" / "languages.yaml"),)).step(), docs, random.Random(3))


def test_a_model_of_the_users_own(tmp_path: Path) -> None:
    lines = [f"__label__{label} {text}" for label, text in (("cmn_Hani", ZH), ("eng_Latn", EN.lower()), ("fra_Latn", FR.lower()))]
    docs = [make_doc(text) for text in (ZH, EN, FR)]
    run_step(stage(train_toy(tmp_path / "own.bin", lines=lines)).step(), docs)
    assert [doc.notes["lang"] for doc in docs] == ["zh", "en", "fr"]


def test_models_that_are_missing_or_wrong(tmp_path: Path) -> None:
    def fault(model: str) -> str:
        (tmp_path / "c.yaml").write_text(f"stages: [langid]\nlangid: {{model: {model}}}\n")
        with pytest.raises(ConfigError) as caught:
            resolve(load_config(tmp_path / "c.yaml", [], ("langid",)))
        return str(caught.value)

    assert fault("gone/lid.176.ftz").endswith("get it with: python -m cleaning models fetch lid.176.ftz")
    (tmp_path / "lid.176.ftz").write_bytes(b"<html>" * 100)
    assert "is no fastText model" in fault("lid.176.ftz")
    train_toy(tmp_path / "vectors.bin", supervised=False)
    assert "word vectors and no labels" in fault("vectors.bin")
    cut = train_toy(tmp_path / "cut.bin")
    cut.write_bytes(cut.read_bytes()[:-100])
    assert "is cut off" in fault("cut.bin")


def test_the_models_contents_are_in_the_fingerprint_and_its_name_is_not(lid176: Path) -> None:
    made = stage(lid176)
    assert made.models() == [str(lid176)]
    assert str(lid176) not in str(made.identity())
    with pytest.raises(UserError):
        Langid(LangidParams(model="x", rules=("no.yaml",)), Path).check()


def test_models_are_looked_for_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cleaning.config import find_file

    (tmp_path / "mine.ftz").write_bytes(b"?")
    monkeypatch.setenv("CLEANING_MODELS", str(tmp_path))
    assert find_file("models/mine.ftz", tmp_path / "elsewhere") == (tmp_path / "mine.ftz").resolve()
