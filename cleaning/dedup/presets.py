"""MinHash settings of published corpora and tools, by name: `preset: fineweb`. Thresholds are those at which pairs are verified.

Their units are words of a tokenizer; here they are the project's units (see `signatures`), so results are close, not equal.
"""

from __future__ import annotations

from typing import Any

# (unit, shingle, bands, rows, threshold, where it is from)
_TABLE: dict[str, tuple[str, int, int, int, float, str]] = {
    "default": ("mixed", 5, 14, 8, 0.8, "char-5 for Chinese, word-5 for English, 14 x 8; verified at 0.8"),
    "fineweb": ("mixed", 5, 14, 8, 0.72, "FineWeb, FineWeb-2: 5 words, 14 x 8"),
    "refinedweb": ("mixed", 5, 450, 20, 0.8, "RefinedWeb (Lee et al. 2022): 5 tokens, 450 bands of 20, then a similarity over 0.8"),
    "redpajama_07": ("mixed", 13, 14, 9, 0.7, "RedPajama-V2, 0.7: 13 words, 14 x 9"),
    "redpajama_08": ("mixed", 13, 9, 13, 0.8, "RedPajama-V2, 0.8: 13 words, 9 x 13"),
    "redpajama_09": ("mixed", 13, 5, 25, 0.9, "RedPajama-V2, 0.9: 13 words, 5 x 25"),
    "slimpajama": ("char", 13, 9, 13, 0.8, "SlimPajama: 13 characters, 9 x 13"),
    "map_cc": ("char", 13, 9, 13, 0.8, "MAP-CC, Matrix: 13 characters, 9 x 13"),
    "curator": ("char", 24, 20, 13, 0.8, "NeMo Curator: 24 characters, 20 x 13"),
    "hplt": ("mixed", 3, 17, 15, 0.8, "HPLT 3: 17 x 15"),
    "gopher": ("mixed", 13, 9, 13, 0.8, "MassiveText: 13 words, Jaccard 0.8"),
    "data_juicer": ("char", 5, 25, 10, 0.7, "data-juicer: 5 characters, 256 permutations, Jaccard 0.7"),
    "text_dedup": ("mixed", 5, 24, 10, 0.7, "text-dedup: 5 words, 240 permutations, Jaccard 0.7"),
    "internlm2": ("mixed", 5, 16, 8, 0.7, "InternLM2: 5 words, 128 permutations, Jaccard 0.7"),
}
PRESETS: dict[str, dict[str, Any]] = {
    name: dict(zip(("unit", "shingle", "bands", "rows", "threshold"), row[:5], strict=True)) for name, row in _TABLE.items()
}
ABOUT: dict[str, str] = {name: row[5] for name, row in _TABLE.items()}
