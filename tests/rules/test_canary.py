"""The canary: which entries are too general for a sample of documents, and which only look so because the corpus is spam."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleaning.config import PROJECT_ROOT
from cleaning.doc import Doc
from cleaning.rules.blacklist import Blacklists
from cleaning.rules.canary import FEWEST, SNIPPETS, suspects
from cleaning.rules.rule_set import RulesParams
from tests.samples import CLEAN, make_doc, sample_docs

Load = Callable[..., Blacklists]
LIMIT = RulesParams().canary
PLAIN = "清晨的集市上人们挑着新鲜蔬菜，谈论今年的收成。"


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Load:
    """Lists of files: `load("公司\\n")` is custom.txt alone."""
    folder = tmp_path_factory.mktemp("lists")

    def make(custom: str = "", **others: str) -> Blacklists:
        files = {"custom": custom, **others}
        for name, content in files.items():
            (folder / f"{name}.txt").write_text(content, encoding="utf-8")
        return Blacklists([(folder / f"{name}.txt", f"blacklists/{name}.txt") for name in files])

    return make


def documents(texts: list[str]) -> list[Doc]:
    return [make_doc(text, offset=i) for i, text in enumerate(texts)]


def named(lists: Blacklists, docs: list[Doc], limit: float = LIMIT) -> list[str]:
    """The entries that are suspect."""
    return [suspect.entry.text for suspect in suspects(lists, docs, limit)]


def ordinary() -> list[Doc]:
    """Good articles, Chinese and English."""
    return sample_docs("zh_good") + sample_docs("en_good")


# -- typos --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("typo", "hits", "share"), [("公司", 3, "2.1 %"), ("the", 45, "31.0 %"), ("可以", 40, "27.6 %")])
def test_a_typo_among_good_entries(load: Load, typo: str, hits: int, share: str) -> None:
    lists = load(f"# mine\n加微信领\n\n{typo}\nonline casino\n")
    [suspect] = suspects(lists, ordinary(), LIMIT)
    assert (suspect.entry.text, suspect.documents, suspect.alone) == (typo, hits, hits)
    first, *places = suspect.message(145, LIMIT).split("\n")
    assert first == (
        f"blacklists/custom.txt:4: '{typo}' hits {hits} of 145 sampled documents ({share}, allowed 2 %); "
        "make it longer, add an exception, or set rules.canary"
    )
    assert len(places) == SNIPPETS == 3
    assert all(place.startswith("    ") and f"〔{typo}〕" in place for place in places)


def test_the_worst_first(load: Load) -> None:
    texts = ["这家公司。"] * 20 + ["这个可以。"] * 30 + [PLAIN] * 50
    assert named(load("公司\n收成\n可以\n"), documents(texts)) == ["收成", "可以", "公司"]


@pytest.mark.xfail(strict=True, reason="accepted gap: too general entries that stand in the same documents hide one another")
def test_several_typos_in_the_same_documents(load: Load) -> None:
    assert named(load("我们\n可以\n没有\n一个\n"), ordinary()) != []


@pytest.mark.xfail(strict=True, reason="accepted gap: entries of domains are never tried: Found.hits holds no hosts")
def test_a_domain_that_is_everywhere(load: Load) -> None:
    texts = [f"{PLAIN} https://www.example-{i}.com/{i}" for i in range(80)]
    assert named(load(domains="com\n"), documents(texts)) == ["com"]


@pytest.mark.parametrize("names", [("zh_good",), ("zh_junk",), ("en_good", "en_junk"), CLEAN], ids="+".join)
def test_the_shipped_lists_are_no_suspects(names: tuple[str, ...]) -> None:
    """Neither on good text nor on junk, where they hit much: then several together."""
    lists = Blacklists([(path, path.name) for path in sorted((PROJECT_ROOT / "blacklists").glob("*.txt"))])
    docs = [doc for name in names for doc in sample_docs(name)]
    assert len(docs) >= FEWEST
    assert named(lists, docs) == []


# -- the limit ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("hit", "of", "limit", "stops"), [
    (1, 50, 0.02, False), (2, 50, 0.02, True),  # more than 2 %, not 2 %
    (2, 100, 0.02, False), (3, 100, 0.02, True),
    (50, 100, 0.5, False), (51, 100, 0.5, True),
    (100, 100, 1.0, False),
])  # fmt: skip
def test_more_than_the_limit(load: Load, hit: int, of: int, limit: float, stops: bool) -> None:
    docs = documents([PLAIN + ("这家公司。" if i < hit else "") for i in range(of)])
    assert named(load("公司\n"), docs, limit) == (["公司"] if stops else [])


@pytest.mark.parametrize("count", [0, 1, FEWEST - 1, FEWEST])
def test_a_small_sample_proves_nothing(load: Load, count: int) -> None:
    assert named(load("公司\n"), documents(["这家公司。"] * count)) == (["公司"] if count == FEWEST else [])


def test_documents_count_not_occurrences(load: Load) -> None:
    docs = documents([PLAIN] * 98 + ["公司" * 50, "公司，公司，公司。"])
    assert named(load("公司\n"), docs) == []
    assert suspects(load("公司\n"), docs, 0.01)[0].documents == 2


# -- spam ---------------------------------------------------------------------------------------------------------------------


def test_a_corpus_that_is_all_spam(load: Load) -> None:
    entries = ["加微信领", "扫码进群", "限时秒杀", "注册送彩金", "无需征信"]
    rng = random.Random(1)
    texts = [PLAIN + "！".join(rng.sample(entries, rng.randint(2, 4))) for _ in range(200)]
    lists = load("\n".join(entries))
    assert named(lists, documents(texts)) == []
    # one entry in every document is a typo also there, where it is mostly alone
    assert named(load("\n".join(["集市", *entries])), documents(texts + [PLAIN] * 300)) == ["集市"]


@pytest.mark.parametrize(("together", "stops"), [(40, True), (50, True), (51, False), (60, False)])
def test_alone_in_half_of_its_documents(load: Load, together: int, stops: bool) -> None:
    """Alone: no other entry in the document, wherever it is listed."""
    texts = ["这家公司，加微信领。"] * together + ["这家公司。"] * (100 - together) + [PLAIN] * 100
    assert ("公司" in named(load("公司\n", ads="加微信领\n"), documents(texts))) is stops


def test_the_same_entry_twice_is_alone(load: Load) -> None:
    assert named(load("公司\n"), documents(["公司和公司。"] * 60)) == ["公司"]


# -- mending ------------------------------------------------------------------------------------------------------------------


def test_what_the_message_advises_helps(load: Load) -> None:
    docs = documents([f"{PLAIN}保险公司第{i}号。" for i in range(100)])
    assert named(load("公司\n"), docs) == ["公司"]
    assert named(load("公司代办注册\n"), docs) == []
    assert named(load("公司\n!保险公司\n"), docs) == []
    assert named(load("公司\n"), docs, 1.0) == []


def test_inside_a_longer_hit_an_entry_does_not_count(load: Load) -> None:
    docs = documents([f"{PLAIN}保险公司第{i}号。" for i in range(100)])
    assert named(load("公司\n保险公司\n"), docs) == ["保险公司"]


# -- against the plainest way to count ----------------------------------------------------------------------------------------

ENTRIES = ("甲乙", "丙丁", "戊己")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    held=st.lists(st.sets(st.sampled_from(ENTRIES)), min_size=FEWEST, max_size=80),
    limit=st.sampled_from([0.02, 0.1, 0.3, 0.6]),
)
def test_counts(load: Load, held: list[set[str]], limit: float) -> None:
    docs = documents(["，".join([*sorted(entries), "别的。"]) for entries in held])
    expected = {}
    for entry in ENTRIES:
        documents_, alone = sum(entry in h for h in held), sum(h == {entry} for h in held)
        if documents_ > limit * len(held) and alone >= max(0.5 * documents_, limit * len(held)):
            expected[entry] = (documents_, alone)
    found = suspects(load("\n".join(ENTRIES)), docs, limit)
    assert {s.entry.text: (s.documents, s.alone) for s in found} == expected
    assert [s.documents for s in found] == sorted((s.documents for s in found), reverse=True)


def test_solicitations_neither_stop_a_run_nor_hide_a_typo(load: Load) -> None:
    docs = documents([f"{PLAIN}公司优惠{i}" for i in range(60)])
    assert named(load("公司\n", solicit_zh="优惠\n"), docs) == ["公司"]
    assert named(load("不在\n", solicit_zh="优惠\n"), docs) == []
