"""datatrove: JSONL reader, language filter by lid.176 (the model file that we use), JSONL writer; one task, one worker.

The filter asks fastText for the whole text, newlines as blanks. Its own download of the model is replaced by the file at hand.
"""

from __future__ import annotations

import shutil
import sys

import datatrove.utils.lid as lid  # type: ignore[import-not-found,unused-ignore]
from datatrove.executor import LocalPipelineExecutor  # type: ignore[import-not-found,unused-ignore]
from datatrove.pipeline.filters import LanguageFilter  # type: ignore[import-not-found,unused-ignore]
from datatrove.pipeline.readers import JsonlReader  # type: ignore[import-not-found,unused-ignore]
from datatrove.pipeline.writers import JsonlWriter  # type: ignore[import-not-found,unused-ignore]
from job import open_job
from loguru import logger  # type: ignore[import-not-found,unused-ignore]


def main() -> int:
    """Run the filter on the input and report."""
    job = open_job("datatrove", "language")
    logger.remove()
    lid.cached_asset_path_or_download = lambda *_, **__: str(job.models / "lid.176.ftz")
    job.count()
    source = job.out / "in"
    source.mkdir()
    shutil.copy(job.input, source / "in.jsonl")
    kept = JsonlWriter(str(job.out / "kept"), compression=None)
    steps = [JsonlReader(str(source), compression=None), LanguageFilter([job.lang], language_threshold=0.0), kept]
    with job.clock():
        LocalPipelineExecutor(steps, tasks=1, workers=1, logging_dir=str(job.out / "log")).run()
    written = job.out / "kept" / "00000.jsonl"  # missing when every document was dropped
    job.report(written.read_bytes().count(b"\n") if written.exists() else 0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
