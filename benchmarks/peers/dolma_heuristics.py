"""dolma: its command `dolma tag` with the taggers gopher_v2 and c4_v2, one process.

dolma tags and leaves the judging to its mixer, so nothing is kept or dropped here. Its Gopher tagger splits at white space,
which finds hardly a word in Chinese; it is run all the same, and the table says how fast, not how well.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

from job import open_job

TAGGERS = ("gopher_v2", "c4_v2")
DATE = "2024-01-01T00:00:00.000Z"


def main() -> int:
    """Write the input in dolma's layout, tag it, report."""
    job = open_job("dolma", "heuristics")
    documents = job.out / "set" / "documents"
    documents.mkdir(parents=True)
    with gzip.open(documents / "0.jsonl.gz", "wt", compresslevel=1, encoding="utf-8") as sink:
        for key, text in job.documents():
            record = {"id": key, "text": text, "source": "benchmark", "added": DATE, "created": DATE}
            sink.write(json.dumps(record, ensure_ascii=False) + "\n")
    # dolma asks for NLTK's punkt model at import and would download it; neither tagger uses it, and an empty folder satisfies it.
    nltk = job.models / "nltk_data"
    (nltk / "tokenizers" / "punkt").mkdir(parents=True, exist_ok=True)
    command = [str(Path(sys.executable).with_name("dolma")), "tag", "--documents", str(documents / "*.gz")]
    command += ["--experiment", "benchmark", "--taggers", *TAGGERS, "--processes", "1"]
    with job.clock():
        done = subprocess.run(command, env={**os.environ, "NLTK_DATA": str(nltk)}, check=False)
    if done.returncode:
        return done.returncode
    tagged = job.out / "set" / "attributes" / "benchmark" / "0.jsonl.gz"
    with gzip.open(tagged) as lines:
        if sum(1 for _ in lines) != job.docs:  # a tagger that fails on a document must not look fast
            print(f"dolma tagged fewer than {job.docs} documents", file=sys.stderr)
            return 1
    job.report(kept=None)
    return 0


if __name__ == "__main__":
    sys.exit(main())
