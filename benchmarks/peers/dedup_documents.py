"""Near-duplicate documents by one of the peers: `dedup_documents.py INPUT OUT --lang zh|en --models DIR`, the tool from DEDUP_TOOL.

datatrove, data-juicer and text-dedup run as their users run them, from a file to a file. rensa, gaoya and datasketch are libraries: texts
are in memory, shingles are made in Python as their readmes do, and only signatures and index are on the clock. Ids of what is dropped go
to OUT/dropped.txt.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from job import Job, open_job

WORD = re.compile(r"\w+")
PERMUTATIONS, BANDS = 112, 14


def shingles(text: str, lang: str) -> set[str]:
    """Characters in fives, or words in fives."""
    items: Any = text.lower() if lang == "zh" else WORD.findall(text.lower())
    join = "" if lang == "zh" else " "
    return {join.join(items[i : i + 5]) for i in range(max(1, len(items) - 4))}


def datatrove(job: Job) -> set[str]:
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter, MinhashDedupSignature
    from datatrove.pipeline.dedup.minhash import MinhashConfig
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.writers import JsonlWriter
    from loguru import logger

    logger.remove()
    source, out, config = job.out / "in", str(job.out), MinhashConfig()
    source.mkdir()
    shutil.copy(job.input, source / "in.jsonl")
    language = {"zh": "cmn_Hani", "en": "eng"}[job.lang]

    def execute(name: str, tasks: int, steps: list[Any]) -> None:
        LocalPipelineExecutor(steps, tasks=tasks, workers=1, logging_dir=f"{out}/log-{name}").run()

    with job.clock():
        execute("1", 1, [JsonlReader(str(source), compression=None), MinhashDedupSignature(f"{out}/sig", config, language=language)])
        execute("2", BANDS, [MinhashDedupBuckets(f"{out}/sig", f"{out}/buckets", config=config)])
        execute("3", 1, [MinhashDedupCluster(f"{out}/buckets", f"{out}/remove", config=config)])
        end = [MinhashDedupFilter(f"{out}/remove"), JsonlWriter(f"{out}/kept", compression=None)]
        execute("4", 1, [JsonlReader(str(source), compression=None), *end])
    return left_out(job, job.out / "kept" / "00000.jsonl")


def data_juicer(job: Job) -> set[str]:
    os.environ["DATA_JUICER_CACHE_HOME"] = str(job.models)
    from data_juicer.core.data import NestedDataset
    from data_juicer.ops import load_ops
    from datasets import disable_caching
    from loguru import logger

    logger.remove()
    disable_caching()
    how = {"tokenization": "character" if job.lang == "zh" else "space", "window_size": 5, "jaccard_threshold": 0.7}
    (step,) = load_ops([{"document_minhash_deduplicator": how}])
    with job.clock():
        rows = [json.loads(line) for line in job.input.open(encoding="utf-8")]
        found, _ = step.process(NestedDataset.from_list(rows).map(step.compute_hash, num_proc=1))
        found.select_columns(["id", "text"]).to_json(str(job.out / "kept.jsonl"), force_ascii=False)
    return left_out(job, job.out / "kept.jsonl")


def text_dedup(job: Job) -> set[str]:
    from datasets import load_from_disk

    command = [sys.executable, "-m", "text_dedup.minhash", "--path", "json", "--data_files", str(job.input), "--split", "train"]
    command += ["--cache_dir", str(job.out / "cache"), "--output", str(job.out / "kept"), "--column", "text", "--num_proc", "1"]
    with job.clock():
        subprocess.run(command, check=True, stdout=sys.stderr)
    return all_ids(job) - set(load_from_disk(str(job.out / "kept"))["id"])


def rensa(job: Job) -> set[str]:
    from rensa import RMinHash, RMinHashLSH

    documents = list(job.documents())
    sets = [list(shingles(text, job.lang)) for _, text in documents]
    lsh = RMinHashLSH(threshold=0.7, num_perm=PERMUTATIONS, num_bands=BANDS)
    with job.clock():
        matrix = RMinHash.digest_matrix_from_token_sets(sets, PERMUTATIONS, 42)
        flags = lsh.insert_matrix_and_query_duplicate_flags(matrix, 0)
    return {name for (name, _), flag in zip(documents, flags, strict=True) if flag}  # the first of each pair is among them


def gaoya(job: Job) -> set[str]:
    from gaoya.minhash import MinHashStringIndex

    documents = list(job.documents())
    index = MinHashStringIndex(
        hash_size=32, jaccard_threshold=0.7, num_bands=BANDS, band_size=8, num_hashes=PERMUTATIONS,
        analyzer="char" if job.lang == "zh" else "word", lowercase=True, ngram_range=(5, 5),
    )  # fmt: skip
    dropped: set[int] = set()
    with job.clock():
        index.par_bulk_insert_docs(list(range(len(documents))), [text for _, text in documents])
    for i, (_, text) in enumerate(documents):
        if i not in dropped:
            dropped.update(j for j in index.query(text) if j > i)
    return {documents[i][0] for i in dropped}


def datasketch(job: Job) -> set[str]:
    from datasketch import MinHash, MinHashLSH

    documents = list(job.documents())
    sets = [[s.encode() for s in shingles(text, job.lang)] for _, text in documents]
    lsh, dropped = MinHashLSH(threshold=0.7, num_perm=PERMUTATIONS, params=(BANDS, 8)), set()
    with job.clock():
        for (name, _), signature in zip(documents, MinHash.generator(sets, num_perm=PERMUTATIONS), strict=True):
            if lsh.query(signature):
                dropped.add(name)
            else:
                lsh.insert(name, signature)
    return dropped


def all_ids(job: Job) -> set[str]:
    return {name for name, _ in job.documents()}


def left_out(job: Job, kept: Path) -> set[str]:
    with kept.open(encoding="utf-8") as lines:
        return all_ids(job) - {json.loads(line)["id"] for line in lines}


TOOLS: dict[str, Callable[[Job], set[str]]] = {
    "datatrove": datatrove, "data-juicer": data_juicer, "text-dedup": text_dedup, "rensa": rensa, "gaoya": gaoya, "datasketch": datasketch,
}  # fmt: skip


def main() -> int:
    """Run the tool that the environment names."""
    tool = os.environ["DEDUP_TOOL"]
    job = open_job(tool, "dedup")
    dropped = TOOLS[tool](job)
    if not job.docs:
        job.count()
    (job.out / "dropped.txt").write_text("".join(f"{name}\n" for name in sorted(dropped)), encoding="utf-8")
    job.report(job.docs - len(dropped))
    return 0


if __name__ == "__main__":
    sys.exit(main())
