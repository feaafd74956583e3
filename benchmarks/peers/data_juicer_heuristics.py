"""data-juicer: ten of its text filters, one after the other on batches, called in process without its dataset layer.

That leaves out what its command adds (Arrow tables, one pass over them for each operator), so the numbers flatter it. The
thresholds are the operators' defaults but for two. Its recipes split words with a SentencePiece model and use word lists, both of which
it downloads at run time; here `--prepare` trains a small model on the input, and the lists are short ones of our own.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped,unused-ignore]
from job import Job, open_job

BATCH_DOCUMENTS = 1000  # data-juicer's own default
VOCABULARY = 8000
ENGLISH_STOP_WORDS = ["the", "be", "to", "of", "and", "that", "have", "with"]  # Gopher's (Rae et al. 2021)
FLAGGED_WORDS = {"zh": ["博彩", "赌场", "代孕", "裸聊"], "en": ["casino", "viagra", "porn", "xxx"]}  # their number costs nothing
STOP_WORD_RATIO = 0.02  # the default of 0.3 goes with a list of hundreds
SPECIAL_RATIO = 0.4  # spaces count as special: the default of 0.25 drops half of plain English prose
WORD_START = "\N{LOWER ONE EIGHTH BLOCK}"  # SentencePiece's mark before a word's first piece; a listed word must carry it too


def operators(lang: str) -> list[dict[str, dict[str, Any]]]:
    """The filters, as a data-juicer recipe names them."""
    words = {"lang": lang, "tokenization": True}
    listed = {**words, "use_words_aug": lang == "zh"}  # words joined in twos, as its Chinese recipes do
    return [
        {"alphanumeric_filter": {"tokenization": False}},
        {"average_line_length_filter": {}},
        {"character_repetition_filter": {}},
        {"flagged_words_filter": listed},
        {"maximum_line_length_filter": {}},
        {"special_characters_filter": {"max_ratio": SPECIAL_RATIO}},
        {"stopwords_filter": {**listed, "min_ratio": STOP_WORD_RATIO}},
        {"text_length_filter": {}},
        {"words_num_filter": words},
        {"word_repetition_filter": words},
    ]


def prepare(job: Job) -> None:
    """Train the word splitter, write the lists. A model once made is kept: it is made of the same mixture every time."""
    model = job.models / "models" / f"{job.lang}.sp.model"
    if not model.is_file():
        import sentencepiece  # type: ignore[import-not-found,import-untyped,unused-ignore]

        model.parent.mkdir(exist_ok=True)
        sentences = (line for _, text in job.documents() for line in text.splitlines() if line.strip())
        with open(job.out / "model", "wb") as sink:
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=sentences,
                model_writer=sink,
                vocab_size=VOCABULARY,
                hard_vocab_limit=False,
                input_sentence_size=20_000,
                num_threads=1,
                minloglevel=1,
            )
        (job.out / "model").replace(model)
    config = yaml.safe_load((Path(__file__).parent / "cmn_hani.yaml").read_text(encoding="utf-8"))
    lists = {
        "stopwords": {"zh": config["gopher_quality"]["stop_words"], "en": ENGLISH_STOP_WORDS},
        "flagged_words": FLAGGED_WORDS,
    }
    marked = {name: {lang: found + [WORD_START + word for word in found] for lang, found in words.items()} for name, words in lists.items()}
    assets = job.models / "assets"
    assets.mkdir(exist_ok=True)
    for name, words in marked.items():
        (assets / f"{name}.json").write_text(json.dumps(words, ensure_ascii=False), encoding="utf-8")


def judge(job: Job, filters: list[Any], stats: str) -> int:
    """Read, filter, write; each filter sees what the one before has left. Returns the number of documents kept."""
    kept = 0
    batch: list[tuple[str, str]] = []

    def flush() -> int:
        live: list[tuple[str, str, dict[str, Any]]] = [(key, text, {}) for key, text in batch]
        for each in filters:
            if live:
                samples = {"text": [text for _, text, _ in live], stats: [found for _, _, found in live]}
                verdicts = list(each.process_batched(each.compute_stats_batched(samples)))
                live = [item for item, keep in zip(live, verdicts, strict=True) if keep]
        sink.writelines(json.dumps({"id": key, "text": text}, ensure_ascii=False) + "\n" for key, text, _ in live)
        batch.clear()
        return len(live)

    with open(job.out / "kept.jsonl", "w", encoding="utf-8") as sink:
        for document in job.documents():
            batch.append(document)
            if len(batch) >= BATCH_DOCUMENTS:
                kept += flush()
        kept += flush()
    return kept


def main() -> int:
    """Prepare, or run the filters on the input and report."""
    job = open_job("data-juicer", "heuristics")
    # Read at import; without it models and lists are looked for in the home directory.
    os.environ["DATA_JUICER_CACHE_HOME"] = str(job.models)
    if job.prepare:
        prepare(job)
        return 0
    from data_juicer.ops import load_ops  # type: ignore[import-not-found,unused-ignore]
    from data_juicer.utils.constant import Fields  # type: ignore[import-not-found,unused-ignore]
    from loguru import logger  # type: ignore[import-not-found,unused-ignore]

    logger.remove()
    filters = load_ops(operators(job.lang))
    for each in filters:  # models are loaded at the first call
        list(each.process_batched(each.compute_stats_batched({"text": ["预热 warm up"], Fields.stats: [{}]})))
    with job.clock():
        kept = judge(job, filters, Fields.stats)
    job.report(kept)
    return 0


if __name__ == "__main__":
    sys.exit(main())
