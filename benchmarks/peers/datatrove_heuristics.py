"""datatrove: JSONL reader, the quality filters of its published recipes in their order, JSONL writer; one task, one worker.

Chinese: FineWeb-2 for cmn_Hani (thresholds in cmn_hani.yaml; it leaves the C4 filter out). English: FineWeb, its defaults.
URL, language and extraction steps are left out on both sides: they are other jobs.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped,unused-ignore]
from datatrove.executor import LocalPipelineExecutor  # type: ignore[import-not-found,unused-ignore]
from datatrove.pipeline.filters import (  # type: ignore[import-not-found,unused-ignore]
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
)
from datatrove.pipeline.readers import JsonlReader  # type: ignore[import-not-found,unused-ignore]
from datatrove.pipeline.writers import JsonlWriter  # type: ignore[import-not-found,unused-ignore]
from datatrove.utils.typeshelper import Languages  # type: ignore[import-not-found,unused-ignore]
from datatrove.utils.word_tokenizers import load_word_tokenizer  # type: ignore[import-not-found,unused-ignore]
from job import open_job
from loguru import logger  # type: ignore[import-not-found,unused-ignore]


def chinese_filters(language: str) -> list[Any]:
    """FineWeb-2's filters for Chinese."""
    config = yaml.safe_load((Path(__file__).parent / "cmn_hani.yaml").read_text(encoding="utf-8"))
    repetition = config["gopher_repetition"]
    for key in ("top_n_grams", "dup_n_grams"):
        repetition[key] = tuple(repetition[key].items())
    return [
        GopherRepetitionFilter(language=language, **repetition),
        FineWebQualityFilter(language=language, **config["fineweb_quality"]),
        GopherQualityFilter(language=language, **config["gopher_quality"]),
    ]


def english_filters(language: str) -> list[Any]:
    """FineWeb's filters for English."""
    return [
        GopherRepetitionFilter(language=language),
        GopherQualityFilter(language=language),
        C4QualityFilter(language=language, filter_no_terminal_punct=False),
        FineWebQualityFilter(language=language),
    ]


def main() -> int:
    """Run the recipe on the input and report."""
    job = open_job("datatrove", "heuristics")
    logger.remove()
    language, filters = {
        "zh": (Languages.mandarin_chinese__hani, chinese_filters),
        "en": (Languages.english, english_filters),
    }[job.lang]
    load_word_tokenizer(language).word_tokenize("预热 warm up")
    job.count()
    source = job.out / "in"
    source.mkdir()
    shutil.copy(job.input, source / "in.jsonl")
    steps = [JsonlReader(str(source), compression=None), *filters(language), JsonlWriter(str(job.out / "kept"), compression=None)]
    with job.clock():
        LocalPipelineExecutor(steps, tasks=1, workers=1, logging_dir=str(job.out / "log")).run()
    kept = job.out / "kept" / "00000.jsonl"  # missing when every document was dropped
    job.report(kept.read_bytes().count(b"\n") if kept.exists() else 0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
