"""Blacklists from real files: what is found, what does not count, how it is counted, and what is wrong with a list."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleaning.config import PROJECT_ROOT
from cleaning.doc import Doc
from cleaning.errors import BlacklistError
from cleaning.rules.blacklist import MAX_ENTRY, Blacklists, Entry, allowed_metrics, audit, category_of, metrics_of, read_list
from cleaning.rules.measure import Measures, count_entries, snippet
from cleaning.stats import Stats
from cleaning.text.metric_table import METRICS
from tests import naive
from tests.samples import make_doc

Load = Callable[..., Blacklists]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Lists of files: `load(ads_zh="加微信\\n", domains="bet365\\n")`."""

    def make(**contents: str | bytes) -> Blacklists:
        files = []
        for name, content in contents.items():
            path = tmp_path / f"{name}.txt"
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
            files.append((path, f"blacklists/{name}.txt"))
        return Blacklists(files)

    return make


def hits(lists: Blacklists, text: str) -> list[str]:
    """The entries that count in a text, in order."""
    return [lists.entries[hit.entry].text for hit in lists.scan([make_doc(text)]).hits.get(0, [])]


def values(lists: Blacklists, *docs: str | Doc) -> list[dict[str, float]]:
    """All blacklist metrics of each document that are not 0."""
    made = [make_doc(doc) if isinstance(doc, str) else doc for doc in docs]
    measures = Measures(lists.metrics, lists)
    matrix, _ = measures.compute(made)
    return [{n: v for n, v in zip(measures.names, row, strict=True) if v and n.startswith("blacklist")} for row in matrix.tolist()]


# -- what is found ------------------------------------------------------------------------------------------------------------

FOUND = [
    ("anywhere", "加微信领", "快加微信领红包", True),
    ("beside letters", "看片", "abc看片xyz", True),
    ("a whole word", "online casino", "Best Online Casino!", True),
    ("not in a longer word", "online casino", "online casinos", False),
    ("not behind letters", "bet", "alphabet", False),
    ("a word beside Chinese", "casino", "来casino玩", True),
    ("letters in a Chinese entry", "加v信", "加V信", True),
    ("a letter in the middle", "看a片", "去看A片吧", True),
    ("full width", "qq群号", "ＱＱ群号", True),
    ("traditional text", "赌场", "澳門賭場", True),
    ("a traditional entry", "賭場", "澳门赌场", True),
    ("full stops", "加微信", "加.微.信", True),
    ("blanks", "加微信", "加 微　信", True),
    ("invisible characters", "加微信", "加\u200b微\ufeff信", True),
    ("hearts", "加微信", "加❤微❤信", True),
    ("over a comma", "加微信", "加微，信", False),
    ("over a wide gap", "加微信", "加微        信", False),
    ("over lines", "加微信", "加微\n信", False),
    ("blanks in the entry", "注册 送彩金", "注册送彩金", True),
    ("a mark in the entry", "送彩金，", "注册送彩金，快来", True),
    ("a mark that is not there", "送彩金，", "注册送彩金快来", False),
]


@pytest.mark.parametrize(("entry", "text", "expected"), [case[1:] for case in FOUND], ids=[case[0] for case in FOUND])
def test_found(load: Load, entry: str, text: str, expected: bool) -> None:
    assert hits(load(ads=entry), text) == [entry] * expected


def test_letters_at_the_edge_of_a_chinese_entry_are_a_whole_word(load: Load) -> None:
    assert hits(load(ads="加v"), "加vx领红包") == []
    assert hits(load(ads="加v"), "请加V领红包") == ["加v"]


def test_comments_blank_lines_and_byte_order_marks(load: Load) -> None:
    lists = load(ads_zh="\ufeff# a comment\n\n加微信 # for friends\r\n  红包群  \n#加群\n".encode())
    assert [(e.text, e.line, e.category, e.where) for e in lists.entries] == [
        ("加微信", 3, "ads", "blacklists/ads_zh.txt:3"),
        ("红包群", 4, "ads", "blacklists/ads_zh.txt:4"),
    ]


def test_categories_are_names_of_files(load: Load) -> None:
    lists = load(ads_zh="加微信", ads_en="click here", my_words="foo bar", domains="bet365")
    assert lists.categories == ("ads", "my_words", "domains")
    assert [category_of(name) for name in ("Ads_ZH.txt", "a/b/x-y.z.txt", "zh.txt", "_en.txt")] == ["ads", "x_y_z", "zh", ""]
    names = [f"{prefix}_{kind}" for prefix in ("blacklist_ads", "blacklist_my_words", "blacklist_domains", "blacklist")
             for kind in ("hits", "distinct", "density")]  # fmt: skip
    assert list(lists.metrics) == names
    assert all(metric.name == name and len(metric.doc) > 9 for name, metric in lists.metrics.items())


def test_metrics_that_rules_may_name() -> None:
    assert set(allowed_metrics(())) == set(METRICS)
    assert set(allowed_metrics(("x/ads_zh.txt", "ads_en.txt"))) - set(METRICS) == set(metrics_of(["ads"]))


# -- what does not count ------------------------------------------------------------------------------------------------------


def test_exceptions(load: Load) -> None:
    lists = load(adult="换妻\n!交换妻子\n!不换妻\n")
    assert hits(lists, "交换妻子") == []
    assert hits(lists, "绝不换妻，换妻者") == ["换妻"]
    assert hits(lists, "交.换 妻.子") == []
    assert values(lists, "换妻，交换妻子")[0]["blacklist_adult_hits"] == 1


def test_exceptions_are_of_their_own_file_only(load: Load) -> None:
    assert hits(load(adult="换妻\n", ads="!交换妻子\n红包\n"), "交换妻子") == ["换妻"]
    assert hits(load(adult_zh="换妻\n", adult_en="!交换妻子\nfoo bar\n"), "交换妻子") == ["换妻"]


def test_an_exception_must_hold_the_whole_hit(load: Load) -> None:
    lists = load(ads="特码头\n独特\n!独特码\n")
    assert hits(lists, "独特码头") == ["特码头"]  # reaches over the end of the exception


def test_exceptions_of_words(load: Load) -> None:
    lists = load(ads="bet\n!you bet\n!bet on it\n")
    assert hits(lists, "You bet! I bet. Bet on it, bet it.") == ["bet", "bet"]


def test_a_longer_hit_of_the_category_shadows_a_shorter_one(load: Load) -> None:
    lists = load(ads_zh="小程序\n下方小程序\n方小\n", fraud="小程序\n")
    assert hits(lists, "点击下方小程序") == ["下方小程序", "小程序"]  # the second is of the other category
    assert [lists.entries[hit.entry].category for hit in lists.scan([make_doc("点击下方小程序")]).hits[0]] == ["ads", "fraud"]
    assert hits(lists, "小程序，下方小程序") == ["小程序", "小程序", "下方小程序", "小程序"]


def test_overlapping_hits_both_count(load: Load) -> None:
    assert hits(load(ads="甲乙丙\n乙丙丁\n"), "甲乙丙丁") == ["甲乙丙", "乙丙丁"]


def test_an_entry_of_two_files_of_a_category_counts_once(load: Load) -> None:
    assert values(load(ads_zh="红包群\n", ads_en="红包群\n"), "进红包群")[0] == {
        "blacklist_ads_hits": 1,
        "blacklist_ads_distinct": 1,
        "blacklist_ads_density": 0.75,
        "blacklist_hits": 1,
        "blacklist_distinct": 1,
        "blacklist_density": 0.75,
    }


# -- counting -----------------------------------------------------------------------------------------------------------------


def test_hits_distinct_and_density_by_hand(load: Load) -> None:
    lists = load(ads="加微信\nonline casino\n", gambling="赌场\n", fraud="办证\n")
    text = "加微信，加.微.信！ Online casino 赌场\n"  # 3+1+5+1 + 12 + 2 = 24 characters
    assert len(naive.ink_of(text)) == 24
    assert values(lists, text)[0] == pytest.approx(
        {
            "blacklist_ads_hits": 3,
            "blacklist_ads_distinct": 2,
            "blacklist_ads_density": 18 / 24,
            "blacklist_gambling_hits": 1,
            "blacklist_gambling_distinct": 1,
            "blacklist_gambling_density": 2 / 24,
            "blacklist_hits": 4,
            "blacklist_distinct": 3,
            "blacklist_density": 20 / 24,
        }
    )


def test_density_of_nothing_is_nan_and_never_more_than_one(load: Load) -> None:
    lists = load(ads="加微信\n微信号\n")
    assert math.isnan(values(lists, "")[0]["blacklist_ads_density"])
    assert values(lists, "加微信号")[0]["blacklist_ads_density"] == 1


def test_density_counts_a_character_once(load: Load) -> None:
    assert values(load(ads="甲乙丙\n乙丙丁\n"), "甲乙丙丁戊己庚辛")[0]["blacklist_ads_density"] == pytest.approx(4 / 8)


def test_profanity_is_no_part_of_the_total(load: Load) -> None:
    found = values(load(profanity_zh="他妈的\n", ads="加微信\n"), "他妈的，加微信")[0]
    assert (found["blacklist_profanity_hits"], found["blacklist_ads_hits"], found["blacklist_hits"]) == (1, 1, 1)


def test_documents_do_not_share_hits(load: Load) -> None:
    lists = load(ads="加微信\nfoo bar\n")
    docs = [make_doc(text) for text in ("加微", "信 foo", "bar 加微信", "", "foo bar", "加微信")]
    found = lists.scan(docs)
    assert found.values["ads"][:, 0].tolist() == [0, 0, 1, 0, 1, 1]
    assert sorted(found.hits) == [2, 4, 5]


PIECES = [*"加微信，\n .赌場a\u200b\ud800\0", "加微信", "交换妻子", "换妻", "bet ", "You bet", "better"]
spammy = st.lists(st.lists(st.sampled_from(PIECES), max_size=14).map("".join), max_size=5)


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Blacklists:
    folder = tmp_path_factory.mktemp("lists")
    contents = {"ads_zh": "加微信\n微信\n", "adult": "换妻\n!交换妻子\n", "gambling_en": "bet\n!you bet\n", "gambling_zh": "赌场\n加微\n"}
    for name, content in contents.items():
        (folder / f"{name}.txt").write_text(content, encoding="utf-8")
    return Blacklists([(folder / f"{name}.txt", name) for name in contents])


@given(texts=spammy)
def test_hits_agree_with_a_plain_search(busy: Blacklists, texts: list[str]) -> None:
    """On views that the twin makes: every occurrence, less what lies inside an exception or a longer hit."""
    found = busy.scan([make_doc(text) for text in texts])
    for d, text in enumerate(texts):
        data = naive.fold_codes(text).encode()
        spans = [(e, i, i + len(e.view.encode())) for e in busy.entries for i in range(len(data)) if data.startswith(e.view.encode(), i)]
        kept = []
        for e, lo, hi in spans:
            inside = [o for o, a, b in spans if a <= lo and hi <= b and (o.file == e.file if o.exception else o.category == e.category)]
            if not e.exception and not any(o.exception or len(o.view) > len(e.view) for o in inside):
                kept.append((lo, hi, e.view))
        assert sorted((h.start, h.end, busy.entries[h.entry].view) for h in found.hits.get(d, [])) == sorted(kept)


@given(texts=spammy, rng=st.randoms(use_true_random=False))
def test_what_is_found_does_not_depend_on_the_batch(busy: Blacklists, texts: list[str], rng: random.Random) -> None:
    order = rng.sample(range(len(texts)), len(texts))
    whole, mixed = (busy.scan([make_doc(texts[i]) for i in of]) for of in (range(len(texts)), order))
    for category, rows in whole.values.items():
        assert np.array_equal(rows[order], mixed.values[category])
    assert {k: whole.hits[i] for k, i in enumerate(order) if i in whole.hits} == mixed.hits


# -- domains ------------------------------------------------------------------------------------------------------------------

HOSTS = [
    ("a part", "http://bet365.com/x", "bet365"),
    ("a part behind a hyphen", "https://my-bet365.cn", "bet365"),
    ("a part with digits behind", "https://www.casino88.net:8080/?q=1", "casino"),
    ("part of a part", "https://casinos.net", None),
    ("a whole host", "http://t.evil.com", "evil.com"),
    ("the end of a host", "evil.com", "evil.com"),
    ("another end", "http://notevil.com", None),
    ("a path", "http://good.com/bet365/evil.com", None),
    ("capitals", "HTTP://WWW.BET365.COM", "bet365"),
    ("a user", "http://me@evil.com/", "evil.com"),
    ("a closing full stop", "http://www.evil.com.", "evil.com"),
    ("nothing", "", None),
]


@pytest.mark.parametrize(("url", "entry"), [case[1:] for case in HOSTS], ids=[case[0] for case in HOSTS])
@pytest.mark.parametrize("field", ["url", "source_url", "link", "uri"])
def test_domains_in_a_field(load: Load, url: str, entry: str | None, field: str) -> None:
    lists = load(domains="bet365\ncasino\nevil.com\n")
    found = values(lists, make_doc("无关的文字。", {field: url}))[0]
    assert found.get("blacklist_domains_hits", 0) == (entry is not None)
    host = lists.domain_entry(url)
    assert (host.text if host else None) == entry


def test_domains_in_a_text(load: Load) -> None:
    lists = load(domains="bet365\nevil.com\n", ads="加微信\n")
    text = "见https://a.bet365.com/x，www.evil.com网址，http://evil.com/y 和 evil.com。"
    found = values(lists, text)[0]
    assert (found["blacklist_domains_hits"], found["blacklist_domains_distinct"]) == (3, 2)
    assert found["blacklist_domains_density"] == pytest.approx((6 + 8 + 8) / len(naive.ink_of(text)))
    assert found["blacklist_hits"] == 3


def test_domains_are_not_looked_for_in_words(load: Load) -> None:
    assert values(load(domains="bet365\nevil.com\n"), "bet365 evil.com", make_doc("好", {"url": 3, "link": None})) == [{}, {}]


def test_an_address_counts_once(load: Load) -> None:
    assert values(load(domains="bet365\n"), "见 http://www.bet365.com 页")[0]["blacklist_domains_hits"] == 1


def test_exceptions_of_domains(load: Load) -> None:
    lists = load(domains="casino\n!casino.gov.cn\n")
    assert values(lists, make_doc("好", {"url": "http://casino.gov.cn/"})) == [{}]


# -- faults and warnings ------------------------------------------------------------------------------------------------------

FAULTS = [
    ("one character", "加微信\n赌\n", "2: '赌' is one character; an entry has at least two letters"),
    ("one letter", "a\n", "1: 'a' is one character; an entry has at least two letters"),
    ("one character and marks", "【赌】！\n", "1: '【赌】！' is one character; an entry has at least two letters"),
    ("an exception of one character", "赌场\n!场\n", "2: '场' is one character; an entry has at least two letters"),
    ("only marks", "★★★\n", "1: '★★★' is no word; an entry has at least two letters"),
    ("too long", "赌" * (MAX_ENTRY + 1), f"1: {MAX_ENTRY + 1} characters; an entry has at most {MAX_ENTRY} (is a line break missing?)"),
    ("not UTF-8", "加微信\n赌场\n".encode("gbk"), "1: not UTF-8 (byte 0xbc at column 1)"),
    ("not UTF-8 later", b"abc\nab\xff\n", "2: not UTF-8 (byte 0xff at column 3)"),
]


@pytest.mark.parametrize(("content", "fault"), [case[1:] for case in FAULTS], ids=[case[0] for case in FAULTS])
def test_fault(load: Load, content: str | bytes, fault: str) -> None:
    with pytest.raises(BlacklistError) as caught:
        load(ads=content)
    assert caught.value.faults[0] == f"blacklists/ads.txt:{fault}"


def test_all_faults_of_all_lists_are_told(load: Load) -> None:
    with pytest.raises(BlacklistError) as caught:
        load(ads="赌\n加微信\n★\n", adult=b"\xff\n\xfe\nok ok\n", fraud="办证\n")
    assert [fault.rsplit(":", 1)[0].split(": ")[0] for fault in caught.value.faults] == [
        "blacklists/ads.txt:1",
        "blacklists/ads.txt:3",
        "blacklists/adult.txt:1",
        "blacklists/adult.txt:2",
    ]


def test_the_longest_entry_is_no_fault(load: Load) -> None:
    assert hits(load(ads="赌" * MAX_ENTRY), "赌" * MAX_ENTRY) == ["赌" * MAX_ENTRY]


def test_what_is_written_twice_is_used_once(load: Load, tmp_path: Path) -> None:
    lists = load(ads="加微信\n加.微.信\n红包\nBet Now\nbet  now\n")
    assert lists.warnings == [
        "blacklists/ads.txt:2: '加.微.信' is the same as line 1",
        "blacklists/ads.txt:5: 'bet  now' is the same as line 4",
    ]
    assert [entry.text for entry in lists.entries] == ["加微信", "红包", "Bet Now"]
    entries, faults, warnings = read_list(tmp_path / "ads.txt", "shown.txt")
    assert (len(entries), faults, len(warnings)) == (3, [], 2)
    assert warnings[0].startswith("shown.txt:2: ")


def test_useless_entries_are_told(tmp_path: Path) -> None:
    (tmp_path / "ads.txt").write_text("小程序\n点击下方小程序\n!好的小程序\n!无关\ncasino\nonline casino\ncasinos\n", encoding="utf-8")
    entries, faults, warnings = read_list(tmp_path / "ads.txt", "ads.txt")
    assert (faults, warnings) == ([], [])
    assert audit(entries) == [
        "ads.txt:2: '点击下方小程序' holds line 1 ('小程序'), which is found there anyway",
        "ads.txt:6: 'online casino' holds line 5 ('casino'), which is found there anyway",
        "ads.txt:4: exception '无关' holds no entry of this file",
    ]


def test_parts_of_domains_may_hold_each_other(tmp_path: Path) -> None:
    (tmp_path / "domains.txt").write_text("bet\nbet365\n", encoding="utf-8")
    assert audit(read_list(tmp_path / "domains.txt", "domains.txt")[0]) == []


def test_empty_lists(load: Load) -> None:
    lists = load(ads="# nothing yet\n", domains="")
    assert lists.entries == []
    assert values(lists, "加微信\0 http://a.com") == [{}]


def test_the_lists_of_the_project_load_without_a_warning() -> None:
    files = [(path, path.name) for path in sorted((PROJECT_ROOT / "blacklists").glob("*.txt"))]
    lists = Blacklists(files)
    assert len(lists.entries) > 1000
    assert lists.warnings == []
    entries: list[Entry] = [entry for path, name in files for entry in read_list(path, name)[0]]
    for entry in entries:
        if not entry.exception and entry.category != "domains":
            found = lists.scan([make_doc(f"一，{entry.text}。")]).hits[0]  # phrases of other categories may stand in it as well
            assert entry.category in {lists.entries[hit.entry].category for hit in found}, entry.where


# -- what is told of a hit ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "entry", "expected"),
    [
        ("快加.微.信领红包", "加微信", "快〔加.微.信〕领红包"),
        ("play online casino now", "casino", "play online 〔casino〕 now"),
        ("一\nＢＥＴ", "bet", "一⏎〔ＢＥＴ〕"),
        ("甲" * 40 + "加微信" + "乙" * 40, "加微信", "甲" * 24 + "〔加微信〕" + "乙" * 24),
        ("𠀀加V信𠀁", "加v信", "𠀀〔加V信〕𠀁"),
    ],
)
def test_snippets_show_the_text_as_it_was(load: Load, text: str, entry: str, expected: str) -> None:
    lists = load(ads=entry)
    (hit,) = lists.scan([make_doc(text)]).hits[0]
    assert snippet(text, hit.start, hit.end) == expected


def test_entries_are_counted_with_a_few_places(load: Load) -> None:
    lists = load(ads="加微信\n红包群\n")
    docs, stats = [make_doc(text, {"id": f"d{i}"}) for i, text in enumerate(["加微信，加微信", "无", "加微信，红包群"])], Stats()
    count_entries(lists, docs, lists.scan(docs), stats)
    key = "blacklists/ads.txt\t加微信"
    assert stats.counters["rules"] == {
        f"entry_hits/{key}": 3,
        f"entry_documents/{key}": 2,
        "entry_hits/blacklists/ads.txt\t红包群": 1,
        "entry_documents/blacklists/ads.txt\t红包群": 1,
    }
    places = sorted((payload["id"], payload["text"]) for _, payload in stats.samples["rules"][f"entry/{key}"])
    assert places == [("d0", "〔加微信〕，加微信"), ("d2", "〔加微信〕，红包群")]


# -- speed --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("piece", ["加微信", "bet ", "赌场加.微.信 ", "哈哈", "交换妻子"])
def test_a_megabyte_of_one_entry_is_fast(load: Load, piece: str) -> None:
    lists = load(ads="加微信\n哈哈\n哈哈哈\n", gambling="bet\n赌场\n", adult="换妻\n!交换妻子\n")
    doc = make_doc(piece * (1_000_000 // len(piece.encode())))
    start = time.process_time()
    found = lists.scan([doc])
    count_entries(lists, [doc], found, Stats())
    assert time.process_time() - start < 10
    assert found.values["ads"][0, 0] + found.values["gambling"][0, 0] > 50_000 or piece == "交换妻子"


def test_solicitations_are_no_part_of_the_total(load: Load) -> None:
    found = values(load(solicit_zh="优惠\n", ads="加微信\n"), "优惠，加微信")[0]
    assert (found["blacklist_solicit_hits"], found["blacklist_ads_hits"], found["blacklist_hits"]) == (1, 1, 1)
