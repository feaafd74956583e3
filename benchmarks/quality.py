"""How much good text do the rules throw away, and how much junk do they let pass? Ours, the presets, the peers' own filters.

    python benchmarks/quality.py [--data DIR] [--configs zh_web,en_web] [--presets c4,...] [--peers datatrove,...] [--per-source 300]
    python benchmarks/quality.py --show zh_news 5      read five misjudged documents of a kind, each with the rule

Good documents by genre from the data directory, junk from labelled sets and made by damage.py; one table for each language,
written under benchmarks/results/ as well. README.md here says what each kind is and how far it can be trusted.
"""

from __future__ import annotations

import argparse
import itertools
import random
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

import orjson
from contestants import our_command, our_env
from corpus import CHECKOUT, _lines, find_data
from damage import DAMAGES
from environments import HERE, PEERS, install
from measure import run_measured

Record = dict[str, Any]
Texts = Callable[[Iterable[Record]], Iterator[str]]
GROUPS = {"good": "good, % rejected", "junk": "junk, % caught", "disputed": "labelled bad, but much of it is not, % rejected (in no mean)"}
LONGEST = 12_000  # characters; the whole of a code of laws weighs no more than its beginning
FEWEST = 20  # documents a kind needs to count in the mean
KEPT_FILES = {"datatrove": "kept/*.jsonl", "data-juicer": "kept.jsonl"}  # peers that drop; dolma only tags
SIMILAR = 0.9  # a damaged text counts as mended when it shares so much with what it was
_TAG = re.compile(r"</?[a-zA-Z][^<>\n]{0,200}>|<!--.*?-->")  # out of what junk is made of: shuffled mark-up is too easy to catch
_BOUNDARY = re.compile(r"\n+|(?<=[。！？])|(?<=[.!?])\s")


@dataclass(frozen=True)
class Source:
    """Where the documents of a kind come from. `base` says that junk is made of them, too."""

    kind: str
    group: str
    files: str
    texts: Texts
    base: bool = False


@dataclass
class Column:
    """The verdicts of one judge on one language: id -> the rule that rejected it, "" for kept."""

    name: str
    verdicts: dict[str, str] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)  # characters, for line rules take some of them
    fault: str | None = None

    def share(self, ids: Sequence[str]) -> float:
        """The share of the documents that did not come through unmended; a document that vanished counts as rejected."""
        return sum(self.verdicts.get(key, "lost") != "" for key in ids) / len(ids)

    def loss(self, ids: Sequence[str], sizes: dict[str, int]) -> float:
        """The share of the letters that did not come through, with rejected documents or out of kept ones."""
        return 1 - sum(min(self.kept.get(key, 0), sizes[key]) for key in ids) / sum(sizes[key] for key in ids)


@dataclass
class Sets:
    """The files of one language in `folder`: the group of each kind, and the ids of its documents."""

    lang: str
    folder: Path
    groups: dict[str, str] = field(default_factory=dict)
    ids: dict[str, list[str]] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)

    def write(self, kind: str, group: str, records: Sequence[Record]) -> None:
        """One more kind."""
        self.groups[kind], self.ids[kind] = group, [f"{kind}/{i:03}" for i in range(len(records))]
        about = {"source": kind, "expect": "keep" if group == "good" else "drop"}
        lines = [orjson.dumps({"id": key, **about, **record}) for key, record in zip(self.ids[kind], records, strict=True)]
        self.sizes |= {key: letters(record["text"]) for key, record in zip(self.ids[kind], records, strict=True)}
        (self.folder / f"{kind}.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))


def where(key: str = "", *parts: str, least: int = 1, text: Callable[[Record], str] = lambda record: record["text"]) -> Texts:
    """The `text` of records whose `key` contains one of `parts` (none: of all), if it has `least` characters."""

    def texts(records: Iterable[Record]) -> Iterator[str]:
        chosen = (text(record) for record in records if not parts or any(part in str(record.get(key)) for part in parts))
        return (each for each in chosen if len(each) >= least)

    return texts


def book_sections(records: Iterable[Record]) -> Iterator[str]:
    """Books cut at their headings into texts of some hundred characters."""
    return itertools.chain.from_iterable(_grouped(record["text"].split("\n<篇名>"), "\n") for record in records)


def classical_sides(records: Iterable[Record]) -> Iterator[str]:
    """Sentences of the classical side, book by book, joined to texts of some hundred characters; the source has them mixed."""
    for _, group in itertools.groupby(sorted(records, key=lambda record: str(record["book"])), key=lambda record: record["book"]):
        yield from _grouped((record["src"] for record in group), "")


def _grouped(parts: Iterable[str], gap: str) -> Iterator[str]:
    text = ""
    for part in parts:
        text += (gap if text else "") + part.strip()
        if len(text) > 300:
            yield text
            text = ""


_NLTK_PROSE = ("abc/", "state_union", "inaugural", "genesis", "overheard", "wine", "pirates", "grail")
SOURCES = (
    Source("zh_news", "good", "docs/zh_news_xwlb*", where(), base=True),
    Source("zh_laws", "good", "docs/zh_laws*", where(), base=True),
    Source("zh_tech_posts", "good", "docs/zh_tech_lctt*", where(), base=True),
    Source("zh_tech_docs", "good", "docs/zh_docs_powershell*", where()),
    Source("zh_tech_notes", "good", "docs/zh_md_revisions*", where()),
    Source("zh_prose", "good", "docs/zh_history_modern*", where(), base=True),
    Source("zh_novels", "good", "docs/zh_novel_classic*", where(), base=True),
    Source("zh_classical_medicine", "good", "docs/zh_tcm_books*", book_sections),
    Source("zh_classical", "good", "alt/parallel_classical*", classical_sides),
    Source("zh_poems", "good", "docs/zh_poetry*", where()),
    Source("zh_modern_verse", "good", "samples/raw/zh_good.jsonl", where("genre", "poetry")),
    Source("zh_abstracts", "good", "docs/zh_sci_abstracts*", where(), base=True),
    Source("zh_qa_medical", "good", "alt/sft_id_data_medical*", where(least=100, text=lambda record: "\n".join(record["data"])), base=True),
    Source("zh_qa_forum", "good", "docs/zh_webcrawl_samples*", where("source", "qa_demo_input", least=100)),
    Source("zh_sample_good", "good", "samples/raw/zh_good.jsonl", where("expect", "keep"), base=True),
    Source("zh_sample_mixed", "good", "samples/raw/mixed_good.jsonl", where()),
    Source("zh_sample_dirty", "good", "samples/raw/dirty_good.jsonl", where()),
    Source("zh_sample_junk", "junk", "samples/raw/zh_junk.jsonl", where()),
    Source("zh_sample_mixed_junk", "junk", "samples/raw/mixed_junk.jsonl", where()),
    Source("zh_spam_sms", "junk", "labels/spam/zh_sms*", where("label", "1")),
    Source("zh_list_pages", "junk", "labels/quality/zh_distant*", where("kind", "list_page")),
    Source("zh_wechat_ads", "junk", "labels/spam/zh_wechat_ads*", where("label", "1")),
    Source("zh_weibo_threads", "disputed", "labels/quality/zh_distant*", where("kind", "weibo_thread")),
    Source("zh_common_crawl", "disputed", "labels/quality/zh_distant*", where("kind", "cc_raw")),
    Source("en_specs_eips", "good", "docs/en_eips*", where(), base=True),
    Source("en_specs_peps", "good", "docs/en_peps*", where()),
    Source("en_tech_posts", "good", "docs/en_tech_lctt*", where(), base=True),
    Source("en_tech_docs", "good", "docs/en_docs_amplify*", where()),
    Source("en_prose", "good", "docs/en_nltk*", where("source", *_NLTK_PROSE), base=True),
    Source("en_film_reviews", "good", "docs/en_nltk*", where("source", "movie_reviews")),
    Source("en_leaflets_sgml", "good", "docs/en_nltk*", where("source", ":pil/")),
    Source("en_wiki_books", "good", "docs/en_wiki_books*", where(), base=True),
    Source("en_web_dclm_good", "good", "labels/quality/en_dclm*", where("label", "1"), base=True),
    Source("en_sample_good", "good", "samples/raw/en_good.jsonl", where(), base=True),
    Source("en_sample_junk", "junk", "samples/raw/en_junk.jsonl", where()),
    Source("en_spam_mail", "junk", "labels/spam/en_email*", where("label", "1", text=lambda record: record["text"].partition("\n\n")[2])),
    Source("en_spam_sms", "junk", "labels/spam/en_sms*", where("label", "1")),
    Source("en_web_dclm_bad", "disputed", "labels/quality/en_dclm*", where("label", "0")),
)


def build(data: Path, to: Path, lang: str, seed: int, most: int, only: str | None = None) -> Sets:
    """Write TO/<kind>.jsonl for each kind of the language (or `only` one) with at most `most` documents."""
    to.mkdir(parents=True, exist_ok=True)
    for old in to.glob(f"{lang}_*.jsonl"):  # of an earlier --save
        old.unlink()
    known = data / "labels" / "neardup" / "doc_clusters.tsv"
    clusters = dict(line.split("\t")[:2] for line in known.read_text(encoding="utf-8").splitlines()) if known.is_file() else {}
    sets, pool = Sets(lang, to), list[tuple[str, str]]()
    made = {f"{lang}_{name}": name for name in DAMAGES[lang]}
    for source in (source for source in SOURCES if source.kind.startswith(lang)):
        if only in (None, source.kind) or (only in made and source.base):
            records = _records(sorted((CHECKOUT if source.files.startswith("samples/") else data).glob(source.files)), clusters)
            texts = [cut(text, LONGEST) for text in source.texts(records) if text.strip()]
            texts = random.Random(f"{seed}/{source.kind}").sample(texts, min(len(texts), most))
            pool += [(source.kind, _TAG.sub("", text)) for text in texts if source.base]
            if texts and only in (None, source.kind):
                sets.write(source.kind, source.group, [{"text": text} for text in texts])
    for kind, name in made.items():
        if pool and only in (None, kind):
            sets.write(kind, "junk", _damaged(lang, name, pool, seed, most))
    return sets


def _damaged(lang: str, name: str, pool: Sequence[tuple[str, str]], seed: int, most: int) -> list[Record]:
    """Documents of a made kind, from pieces of as many good ones. Of what could be undone, the record says what it was."""
    rng = random.Random(f"{seed}/{lang}/{name}")
    pieces = ((kind, piece(text, rng)) for kind, text in rng.sample(pool, len(pool)))
    made = ((kind, was, DAMAGES[lang][name](was, rng)) for kind, was in pieces)
    undoable = "_as_" in name or name == "interleaved"
    records = ({"text": text, "of": kind} | ({"was": was} if undoable else {}) for kind, was, text in made if text.strip() and text != was)
    return list(itertools.islice(records, most))


def piece(text: str, rng: random.Random) -> str:
    """Some 300 to 3000 characters out of the text, whole lines or sentences where it has them."""
    size = round(300 * 10 ** rng.random())
    start = rng.randrange(max(1, len(text) - size))
    begin = _BOUNDARY.search(text, start) if start else None
    return cut(text[begin.end() :] if begin and len(text) - begin.end() > 100 else text, size).strip()


def cut(text: str, size: int) -> str:
    """The beginning of a text, up to a line's or sentence's end where there is one in its second half."""
    if len(text) <= size:
        return text
    ends = [match.end() for match in _BOUNDARY.finditer(text, size // 2, size)]
    return text[: ends[-1] if ends else size]


def _records(paths: Iterable[Path], clusters: dict[str, str]) -> Iterator[Record]:
    # Of revisions and editions of one text only the first is taken: one page would count five times.
    taken: set[str] = set()
    for record in (orjson.loads(line) for path in paths for line in _lines(path)):
        cluster = clusters.get(str(record.get("id")))
        if cluster is None or cluster not in taken:
            taken.add(cluster or "")
            yield record


def judge(config: str, sets: Sets, work: Path) -> Column:
    """Run a configuration of ours, all its stages, and read what became of each document."""
    column, out = Column(Path(config).stem), work / f"run-{sets.lang}-{Path(config).stem}"
    column.fault = run_measured(our_command(config, sets.folder, out, 1, inline=True), cwd=work, env=our_env()).fault
    for record in (orjson.loads(line) for path in out.glob("rejected/*/*.jsonl*") for line in _lines(path)):
        reject = record["cleaning"]["reject"]
        column.verdicts[record["id"]] = f"{reject['rule']} ({reject.get('value')}; {reject.get('threshold')})"
    for record in (orjson.loads(line) for path in out.glob("data/*.jsonl*") for line in _lines(path)):
        mended = "was" in record and similarity(record["text"], record["was"]) >= SIMILAR
        column.verdicts[record["id"]], column.kept[record["id"]] = "mended" if mended else "", letters(record["text"])
    return column


def judge_peer(name: str, sets: Sets, work: Path) -> Column:
    """Run a peer's filters as in the speed benchmark. What it needs to be trained on is the good text."""
    peer, out = PEERS[name], work / f"out-{sets.lang}-{name}"
    whole, good = work / f"{sets.lang}-all.jsonl", work / f"{sets.lang}-good.jsonl"
    column = Column(name, fault=install(peer).fault)
    for path, groups in ((whole, set(GROUPS)), (good, {"good"})):
        path.write_bytes(b"".join((sets.folder / f"{kind}.jsonl").read_bytes() for kind in sets.ids if sets.groups[kind] in groups))
    for source, more in ((good, ["--prepare"]), (whole, [])) if peer.prepared else ((whole, []),):
        if column.fault is None:
            command = [str(peer.python), str(HERE / "peers" / peer.script), str(source), str(out), "--lang", sets.lang]
            column.fault = run_measured([*command, "--models", str(work / f"models-{name}"), *more], cwd=work).fault
    records = (orjson.loads(line) for path in out.glob(KEPT_FILES[name]) for line in _lines(path))
    column.kept = {record["id"]: letters(record["text"]) for record in records}
    column.verdicts = {key: "" if key in column.kept else "dropped" for ids in sets.ids.values() for key in ids}
    return column


def letters(text: str) -> int:
    """The size of a text, without blanks, marks and Markdown: what mending takes of those is no loss."""
    return len(re.sub(r"[\W_]+", "", text))


def similarity(one: str, other: str) -> float:
    """How much of two texts' neighbouring characters they share, 0 to 1; blanks and marks do not count."""
    bags = [Counter(itertools.pairwise(re.sub(r"[\W_]+", "", text))) for text in (one, other)]
    return (bags[0] & bags[1]).total() / max(1, (bags[0] | bags[1]).total())


def render(sets: Sets, columns: Sequence[Column]) -> str:
    """The table of one language: good kinds, junk kinds, means over kinds; then which rules cost good documents, and faults."""
    able = [column for column in columns if column.fault is None]
    lines = [f"| {sets.lang} | docs | {' | '.join(column.name for column in able)} |", "| --- " + "| ---: " * (len(able) + 1) + "|"]
    shares = {kind: [column.share(ids) for column in able] for kind, ids in sets.ids.items()}

    def row(name: str, docs: int, values: Iterable[float]) -> str:
        return f"| {name} | {docs:,} | {' | '.join(f'{100 * value:.1f}' for value in values)} |"

    for group, title in GROUPS.items():
        members = [kind for kind in sets.ids if sets.groups[kind] == group]
        lines += [f"| **{title}** |{' |' * (len(able) + 1)}"] if members else []
        lines += [row(kind, len(sets.ids[kind]), shares[kind]) for kind in members]
        if group != "disputed" and (counted := [kind for kind in members if len(sets.ids[kind]) >= FEWEST]):
            means = map(fmean, zip(*(shares[kind] for kind in counted), strict=True))
            lines.append(row(f"**mean of {len(counted)} kinds**", sum(len(sets.ids[kind]) for kind in counted), means))
        if group == "good" and counted:
            losses = [[column.loss(sets.ids[kind], sets.sizes) for kind in counted] for column in able]
            lines.append(row("**mean % of letters lost**", sum(len(sets.ids[kind]) for kind in counted), map(fmean, losses)))
    lines += ["", *(f"* {column.name}: failed, {column.fault}" for column in columns if column.fault)]
    for kind, ids in sets.ids.items() if able else ():
        why = Counter(able[0].verdicts.get(key, "lost").partition(" ")[0] for key in ids)
        told = [f"{rule} {n}" for rule, n in why.most_common(6) if rule and (sets.groups[kind] == "good" or rule == "mended")]
        lines += [f"* {able[0].name}, {kind}, of {len(ids)}: {', '.join(told)}"] if told else []
    return "\n".join(lines)


def show(columns: Sequence[Column], path: Path, count: int) -> None:
    """Print misjudged documents of one kind: rejected good ones with the rule, junk that came through."""
    if not path.is_file() or not columns:
        raise SystemExit(f"no documents of a kind {path.stem}, or no configuration of its language")
    judged = ((record, columns[0].verdicts.get(record["id"], "lost")) for record in map(orjson.loads, _lines(path)))
    wrong = ((record, verdict) for record, verdict in judged if bool(verdict) == (record["expect"] == "keep"))
    for record, verdict in itertools.islice(wrong, count):
        print(f"=== {record['id']} {columns[0].name}: {verdict or 'kept'}; {len(record['text'])} characters\n{record['text'][:1500]}\n")


def main() -> int:
    """Build the sets, run every judge, write the tables; 1 if one of our configurations failed."""
    options = _options()
    found, bundled = find_data(options.data)
    data = found if (found / "docs").is_dir() or bundled else found.parent
    asked = {"configs/{}.yaml": options.configs, "configs/presets/{}.yaml": options.presets}
    configs = [name if "/" in name else form.format(name) for form, names in asked.items() for name in re.findall("[^, ]+", names)]
    only, count = (options.show[0], int(options.show[1])) if options.show else (None, 0)
    pages, verdicts, faults = [f"Seed {options.seed}, at most {options.per_source} documents a kind."], {}, 0
    with tempfile.TemporaryDirectory(prefix="cleaning-quality-") as temporary:
        work = Path(temporary)
        for lang in (lang for lang in ("zh", "en") if only is None or only.startswith(lang)):
            sets = build(data, (options.save or work / "texts").resolve() / lang, lang, options.seed, options.per_source, only)
            print(f"{lang}: {len(sets.ids)} kinds", file=sys.stderr)
            # A configuration's language is in its name: most presets are for English, and the Chinese ones say so.
            mine = [path for path in configs if (lang == "zh") == any(part in Path(path).stem for part in ("zh", "chinese", "xubuvd"))]
            columns = [judge(path, sets, work) for path in (mine[:1] if only else mine)]
            faults += sum(column.fault is not None for column in columns)
            if only:
                show(columns, sets.folder / f"{only}.jsonl", count)
                return 1 if faults else 0
            columns += [judge_peer(name, sets, work) for name in re.findall("[^, ]+", options.peers)]
            pages.append(render(sets, columns))
            verdicts[lang] = {column.name: column.verdicts for column in columns}
    print("\n\n".join(pages))
    stem = HERE / "results" / f"quality-{time.strftime('%Y%m%d-%H%M%S')}"
    stem.parent.mkdir(exist_ok=True)
    stem.with_suffix(".md").write_text("\n\n".join(pages) + "\n", encoding="utf-8")
    stem.with_suffix(".json").write_bytes(orjson.dumps(verdicts, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    return 1 if faults else 0


def _options() -> argparse.Namespace:
    presets = [path.stem for path in sorted((CHECKOUT / "configs" / "presets").glob("*.yaml"))]
    ready = [name for name in KEPT_FILES if (PEERS[name].directory / "stamp.json").is_file()]
    parser = argparse.ArgumentParser(description="Measure how much good text our rules, the presets and the peers reject, and junk.")
    parser.add_argument("--data", help="directory with docs/, labels/ and alt/, or its docs/ (default: CLEANING_DATA)")
    parser.add_argument("--configs", default="zh_web,en_web", help="of configs/, or paths from the checkout")
    parser.add_argument("--presets", default=",".join(presets), help="of configs/presets/ (default: all that are there; '' for none)")
    parser.add_argument("--peers", default=",".join(ready), help=f"of {','.join(KEPT_FILES)} (default: those installed; '' for none)")
    parser.add_argument("--per-source", type=int, default=300, help="documents of a kind, at most (default: 300)")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other documents (default: 1)")
    parser.add_argument("--show", nargs=2, metavar=("KIND", "N"), help="print N misjudged documents of a kind, by the first configuration")
    parser.add_argument("--save", type=Path, help="keep the sets in this directory")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
