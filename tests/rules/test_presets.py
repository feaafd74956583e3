"""Rule files and presets: all load, ids are unique over all of them, each rule has its source; what each preset keeps and drops."""

from __future__ import annotations

import importlib.util
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from cleaning.config import PROJECT_ROOT, load_config
from cleaning.doc import Doc
from cleaning.engine.resolve import resolve
from cleaning.rules.blacklist import allowed_metrics
from cleaning.rules.schema import RuleFile, load_rules
from cleaning.rules.user_rules import load_user_rules
from cleaning.stages import STAGES
from cleaning.stages.contract import Step
from cleaning.text.line_metrics import LINE_METRICS, MODEL_LINE_METRICS
from cleaning.yamlfile import load_yaml, plain
from tests.samples import make_doc, run_step, sample_texts

FILES = sorted(path for path in (PROJECT_ROOT / "rules").rglob("*.yaml") if path.name != "pii.yaml")  # which masks, and judges nothing
PRESETS = sorted(path.stem for path in (PROJECT_ROOT / "configs" / "presets").glob("*.yaml"))
LINES = {**LINE_METRICS, **MODEL_LINE_METRICS}
METRICS = allowed_metrics([path.name for path in (PROJECT_ROOT / "blacklists").glob("*.txt")])
needs_jieba = pytest.mark.skipif(importlib.util.find_spec("jieba") is None, reason="needs jieba: pip install 'corpus-cleaning[models]'")

Judge = Callable[[str], Doc]


def shown(path: Path) -> str:
    return path.relative_to(PROJECT_ROOT / "rules").as_posix()


# -- files --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", FILES, ids=shown)
def test_every_rule_file_loads(path: Path) -> None:
    """With all metrics that there are; also the rules that are off have reason, source and a threshold."""
    assert load_rules([(path, path.name)], metrics=METRICS, line_metrics=LINES)
    file = RuleFile.model_validate(plain(load_yaml(path).data))
    assert file.about.strip()
    for rule in file.rules:
        assert len(rule.reason) > 5, rule.id
        assert rule.source.strip(), rule.id
        assert not rule.reason.endswith("."), rule.id


def test_ids_are_unique_over_all_rule_files() -> None:
    """So that rules of any two files can be used together."""
    ids = Counter(rule.id for path in FILES for rule in RuleFile.model_validate(plain(load_yaml(path).data)).rules)
    example = PROJECT_ROOT / "rules" / "custom_example.py"
    ids.update(user.rule.id for user in load_user_rules(example, example.name))
    assert [name for name, times in ids.items() if times > 1] == []
    assert load_rules([(path, path.name) for path in FILES], metrics=METRICS, line_metrics=LINES)


def test_a_preset_is_a_rule_file_with_its_configuration() -> None:
    assert sorted(path.stem for path in (PROJECT_ROOT / "rules" / "presets").glob("*.yaml")) == PRESETS
    for name in PRESETS:
        config = load_config(PROJECT_ROOT / "configs" / "presets" / f"{name}.yaml", [], tuple(STAGES)).config
        assert config.name == f"preset_{name}"
        assert config.stages == ("rules",)
        assert config.sections["rules"]["files"] == [f"rules/presets/{name}.yaml"]


@pytest.mark.parametrize("name", PRESETS)
def test_ids_of_a_preset_tell_where_they_come_from(name: str) -> None:
    prefix = {"fineweb": "fw_", "fineweb2_zh": "fw2_", "chinesewebtext": "cwt_", "roots_zh": "roots_", "xubuvd_zh": "xubuvd_"}
    path = PROJECT_ROOT / "rules" / "presets" / f"{name}.yaml"
    assert all(rule.id.startswith(prefix.get(name, f"{name}_")) for rule in load_rules([(path, name)], metrics=METRICS))


PUBLISHED = {
    "gopher": {
        "gopher_too_short": "< 50", "gopher_too_long": "> 100000", "gopher_word_length": "outside [3, 10]", "gopher_hashes": "> 0.1",
        "gopher_bullets": "> 0.9", "gopher_ellipsis_lines": "> 0.3", "gopher_alpha_words": "< 0.8", "gopher_stop_words": "< 2",
        "gopher_dup_lines": "> 0.30", "gopher_dup_paragraphs": "> 0.30", "gopher_dup_line_chars": "> 0.20",
        "gopher_dup_paragraph_chars": "> 0.20", "gopher_top_2gram": "> 0.20", "gopher_top_3gram": "> 0.18", "gopher_top_4gram": "> 0.16",
        **{f"gopher_dup_{n}gram": f"> 0.{20 - n}" for n in range(5, 11)},
    },
    "c4": {"c4_line_few_words": "< 5", "c4_few_sentences": "< 3", "c4_line_long_word": "> 1000"},
    "fineweb": {"fw_line_punct": "< 0.12", "fw_short_lines": "> 0.67", "fw_char_duplicates": "> 0.01", "fw_few_sentences": "< 5"},
    "chinesewebtext": {"cwt_too_short": "<= 200", "cwt_short_lines": "< 10", "cwt_little_chinese": "< 0.3", "cwt_repeated": "> 0.5"},
    "roots_zh": {"roots_char_repetition": "> 0.2", "roots_word_repetition": "> 0.96", "roots_special_chars": "> 0.3"},
    "xubuvd_zh": {"xubuvd_too_short": "< 256", "xubuvd_little_chinese": "< 0.6", "xubuvd_black_words": ">= 3", "xubuvd_chapters": "> 10"},
    "fineweb2_zh": {"fw2_line_punct": "< 0.106", "fw2_char_duplicates": "> 0.1", "fw2_newlines": "> 0.178", "fw2_stop_words": "< 2"},
}  # fmt: skip


@pytest.mark.parametrize("name", PRESETS)
def test_published_numbers(name: str) -> None:
    """Those that are used unconverted, as the papers and programs have them."""
    path = PROJECT_ROOT / "rules" / "presets" / f"{name}.yaml"
    found = {rule.id: rule.threshold for rule in load_rules([(path, name)], metrics=METRICS)}
    assert {rule: found[rule] for rule in PUBLISHED[name]} == PUBLISHED[name]


# -- what they do -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def steps() -> Callable[[str], list[Step]]:
    """The steps of a configuration in configs/."""
    made: dict[str, list[Step]] = {}

    def get(name: str) -> list[Step]:
        if name not in made:
            loaded = load_config(PROJECT_ROOT / "configs" / f"{name}.yaml", [], tuple(STAGES))
            made[name] = [stage.step() for stage in resolve(loaded).stages]
        return made[name]

    return get


@pytest.fixture
def judged(steps: Callable[[str], list[Step]]) -> Callable[[str, str], Doc]:
    """A text through all stages of a configuration."""

    def judge(name: str, text: str) -> Doc:
        doc = make_doc(text)
        for step in steps(name):
            if doc.drop is None:
                run_step(step, [doc])
        return doc

    return judge


def reasons(doc: Doc) -> tuple[str, ...]:
    """All rules that dropped a document."""
    return doc.drop.all if doc.drop is not None else ()


ENGLISH = [
    "The river has been rising since the first week of March, and the town council has begun to worry about the old bridge.",
    "Engineers who looked at its piers last autumn found that two of them had moved by almost three centimetres.",
    "They asked for a closer inspection, but the money that was set aside for it went to the new school instead.",
    "Residents on the eastern bank say that lorries have to take a longer road with many bends whenever it is closed.",
    "A decision will be taken at the meeting in May, when the results of a second survey are expected to be ready.",
]
PAGE = " ".join(ENGLISH)
CHINESE = (
    "昨天上午，栖河区杏林里小区七号楼的新电梯正式交付使用。住在六楼的退休教师周阿姨第一个走进轿厢，她笑着对邻居说，这一层楼我爬了二十三年，"
    "今天总算不用歇两回了。记者从市住建部门了解到，截至本月底，全市老旧小区已经累计加装电梯三百零七台，惠及居民约三千六百户。"
    "与前两年相比，今年的推进速度明显加快，主要得益于审批环节的精简：过去需要跑五个窗口，如今在一个平台上就能办完。"
    "不过，一些低层住户仍有顾虑，担心采光和噪声受到影响。对此，街道组织了三轮协商，最终以补偿和调整井道位置的办法取得了一致。"
    "下一步，当地还将为加装电梯的楼栋建立维护基金，由居民、物业和财政共同出资，避免电梯用上几年之后没有人管。"
)
POEM = "床前明月光，疑是地上霜。\n举头望明月，低头思故乡。"

KEPT = [
    ("presets/c4", "\n".join(ENGLISH)), ("presets/c4", CHINESE),
    ("presets/gopher", PAGE), ("presets/gopher", CHINESE[:40]),
    ("presets/fineweb", PAGE), ("presets/fineweb", CHINESE[:40]),
    pytest.param("presets/fineweb2_zh", CHINESE, marks=needs_jieba), pytest.param("presets/fineweb2_zh", "Short.", marks=needs_jieba),
    ("presets/chinesewebtext", CHINESE), ("presets/chinesewebtext", "Short."),
    ("presets/roots_zh", CHINESE), ("presets/roots_zh", "！！！"),
    ("presets/xubuvd_zh", CHINESE), ("presets/xubuvd_zh", "Short."),
    ("code", (PROJECT_ROOT / "cleaning" / "doc.py").read_text(encoding="utf-8")),
    ("code", "#include <stdio.h>\n\nint main(void) {\n    printf(\"你好\\n\");\n    return 0;\n}\n"),
    ("poetry_classical", POEM), ("poetry_classical", "空山不見人，但聞人語響。\n返景入深林，復照青苔上。"),
    ("zh_web", CHINESE), ("en_web", PAGE), ("law_news", CHINESE), ("sft", "问：你好吗？\n答：很好。"), ("zh_books", CHINESE),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text"), KEPT)
def test_kept(judged: Callable[[str, str], Doc], name: str, text: str) -> None:
    doc = judged(name, text)
    assert reasons(doc) == ()
    assert doc.text == text


LATIN_SPAM = "Nothing is said. " * 20
DROPPED = [
    ("presets/c4", "\n".join(ENGLISH) + "\nCall the function like this: f = { x } and be done with it.", "c4_curly"),
    ("presets/c4", "\n".join(ENGLISH) + "\nLorem ipsum dolor sit amet is what printers write.", "c4_lorem_ipsum"),
    ("presets/c4", "\n".join(ENGLISH[:2]), "c4_few_sentences"),
    ("presets/c4", "Home\nAbout us\nContact", "c4_empty"),
    ("presets/gopher", " ".join(ENGLISH[:2]), "gopher_too_short"),
    ("presets/gopher", "\n".join([*ENGLISH, *ENGLISH]), "gopher_dup_lines"),
    ("presets/gopher", LATIN_SPAM, "gopher_top_3gram"),
    ("presets/gopher", "\n".join(f"- {line}" for line in ENGLISH), "gopher_bullets"),
    ("presets/gopher", "Lorries Engineers Residents lead sand stone " * 12, "gopher_stop_words"),
    ("presets/fineweb", " ".join(ENGLISH[:3]), "fw_few_sentences"),
    ("presets/fineweb", "\n".join([*ENGLISH, *ENGLISH[:1]]), "fw_char_duplicates"),
    ("presets/fineweb", PAGE.replace(". ", "\n").rstrip("."), "fw_line_punct"),
    ("presets/fineweb", PAGE + " }", "fw_curly"),
    ("presets/chinesewebtext", CHINESE[:150], "cwt_too_short"),
    ("presets/chinesewebtext", CHINESE + "門前的樹。", "cwt_traditional"),
    ("presets/chinesewebtext", CHINESE + "快加微信领红包。", "cwt_sensitive_1"),
    ("presets/chinesewebtext", CHINESE[:100] * 4, "cwt_repeated"),
    ("presets/roots_zh", "哈哈哈哈哈哈" * 20 + CHINESE[:60], "roots_char_repetition"),
    ("presets/roots_zh", CHINESE[:30] + "★◆●■▲" * 8, "roots_special_chars"),
    ("presets/roots_zh", "北京天津广州深圳杭州南京武汉昆明太原沈阳", "roots_stop_words"),
    ("presets/xubuvd_zh", CHINESE[:200], "xubuvd_too_short"),
    ("presets/xubuvd_zh", re.sub("[，。：、；]", " ", CHINESE), "xubuvd_no_marks"),
    ("presets/xubuvd_zh", CHINESE + "加微信领红包，加微信领红包，加微信领红包。", "xubuvd_black_words"),
    ("presets/xubuvd_zh", CHINESE + "".join(f"第{n}章 往事。" for n in "一二三四五六七八九十百"), "xubuvd_chapters"),
    ("code", "x" * 1200, "code_long_line"),
    ("code", "{ } ; ( ) [ ]\n" * 30, "code_few_alnum"),
    ("code", "pass", "code_empty"),
    ("poetry_classical", "床前□□□，疑□□上霜。\n举头□□□，低□思故乡。", "poem_fragment"),
    ("poetry_classical", "床前明月光。", "poem_too_short"),
    *(pytest.param("presets/fineweb2_zh", text, rule, marks=needs_jieba) for text, rule in [
        (CHINESE[:60], "fw2_too_short"),
        (CHINESE[:60] * 6, "fw2_dup_10gram"),
        (f"{CHINESE}\n{CHINESE}", "fw2_char_duplicates"),
        (CHINESE.replace("，", "\n").replace("。", "\n").replace("、", "\n"), "fw2_line_punct"),
    ]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "rule"), DROPPED, ids=[p.values[2] if hasattr(p, "values") else p[2] for p in DROPPED])
def test_dropped(judged: Callable[[str, str], Doc], name: str, text: str, rule: str) -> None:
    assert rule in reasons(judged(name, text))


def test_lines_that_go(judged: Callable[[str, str], Doc]) -> None:
    """C4 keeps lines that end a sentence, FineWeb's C4 filter those of three words and more; neither touches Chinese."""
    more = ["Read on", "Please enable JavaScript to see all of this page.", "This site uses cookies to serve you better."]
    text = "\n".join([more[0], *ENGLISH, *more[1:], "A line of the menu without an end"])
    assert judged("presets/c4", text).text.split("\n") == ENGLISH
    assert judged("presets/fineweb", text).text.split("\n") == [*ENGLISH, "A line of the menu without an end"]
    for name in ("presets/c4", "presets/fineweb"):
        assert judged(name, f"首页\n{CHINESE}").text == f"首页\n{CHINESE}"


def test_spam_words(judged: Callable[[str, str], Doc]) -> None:
    """The presets that count bad words count those of the lists that they name, and no others."""
    adult = [line for line in (PROJECT_ROOT / "blacklists" / "adult_en.txt").read_text(encoding="utf-8").splitlines() if line[:1].isalpha()]
    page = "\n".join([*ENGLISH, f"Somebody wrote about {adult[0]} on the wall."])
    assert "c4_bad_word" in reasons(judged("presets/c4", page))
    assert reasons(judged("presets/c4", "\n".join([*ENGLISH, "Somebody wrote about an online casino on the wall."]))) == ()
    words = [line for line in (PROJECT_ROOT / "blacklists" / "adult_zh.txt").read_text(encoding="utf-8").splitlines() if line[:1].isalpha()]
    assert "roots_flagged_words" in reasons(judged("presets/roots_zh", CHINESE + words[0] + "。"))
    assert reasons(judged("presets/roots_zh", CHINESE + "快加微信领红包。")) == ()


@pytest.mark.parametrize("name", [
    *(pytest.param(n, marks=needs_jieba) if n == "fineweb2_zh" else n for n in PRESETS),
])  # fmt: skip
def test_presets_on_the_samples(steps: Callable[[str], list[Step]], name: str) -> None:
    """No text breaks them, one by one and as one batch; each drops something and keeps something."""
    [step] = steps(f"presets/{name}")
    texts = [*sample_texts(), "", " ", "\n", "a", "中", "\ud800", "🙂" * 50]
    together = [make_doc(text, offset=i) for i, text in enumerate(texts)]
    run_step(step, together)
    alone = [make_doc(text, offset=i) for i, text in enumerate(texts)]
    for doc in alone:
        run_step(step, [doc])
    assert [(reasons(doc), doc.text) for doc in alone] == [(reasons(doc), doc.text) for doc in together]
    kept = sum(doc.drop is None for doc in together)
    assert 0 < kept < len(texts)
