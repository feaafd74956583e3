"""What kind of text a document is, from its metrics: so that rules for prose leave poems, statutes and program text alone.

The first that fits, in the order of GENRES. These are shapes, not subjects: a news report about a poem is `prose`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

GENRES = ("code", "verse", "statute", "classical", "list", "dialogue", "prose")
GENRE_METRICS = (
    "units", "lines", "chars", "han_unit_ratio", "code_char_ratio", "verse_ratio", "verse_line_ratio", "mean_line_chars", "max_line_chars",
    "article_line_ratio", "stop_han_ratio", "stop_modern_ratio", "stop_classical_ratio", "table_line_ratio", "bullet_line_ratio",
    "numbered_line_ratio", "dialogue_line_ratio", "dup_line_ratio", "terminated_line_ratio", "broken_junction_ratio", "rare_han_ratio",
    "mean_clause_chars",
)  # fmt: skip


def genres(matrix: npt.NDArray[np.float32], column: dict[str, int]) -> npt.NDArray[np.str_]:
    """The genre of each document, a row of `matrix` each. An undefined metric decides nothing."""
    m = {name: matrix[:, column[name]] for name in GENRE_METRICS}
    out = np.full(len(matrix), "prose", dtype="<U9")
    chinese = m["han_unit_ratio"] >= 0.5
    # weakest first: a later line overwrites
    out[m["dialogue_line_ratio"] >= 0.5] = "dialogue"
    listed = m["bullet_line_ratio"] + m["table_line_ratio"] + m["numbered_line_ratio"]
    out[(listed >= 0.6) & (m["lines"] >= 4)] = "list"
    # words between marks are keywords, also where 以, 其 and 不 are among their characters
    classical = (m["stop_classical_ratio"] >= 0.04) & (m["stop_modern_ratio"] < 0.02) & (m["mean_clause_chars"] >= 2.2)
    out[chinese & classical & (m["units"] >= 20)] = "classical"
    out[chinese & (m["article_line_ratio"] >= 0.25) & (m["lines"] >= 4) & (m["mean_line_chars"] >= 12)] = "statute"
    sound = (m["broken_junction_ratio"] < 0.02) & (m["rare_han_ratio"] < 0.3)
    regular = (m["verse_ratio"] >= 0.6) & (m["units"] >= 16) & (m["rare_han_ratio"] < 0.3)
    # entries of four characters without marks are a menu or keywords; verse of four is old, or ends its lines
    four = (m["mean_clause_chars"] < 4.6) & (m["terminated_line_ratio"] < 0.3) & (m["stop_classical_ratio"] < 0.04)
    regular &= ~four
    sound &= (m["bullet_line_ratio"] + m["numbered_line_ratio"] < 0.3) & (m["dialogue_line_ratio"] < 0.3)
    # lines of free verse have grammar and differ from one another; a menu has neither function words nor sentences
    spoken = ((m["mean_line_chars"] >= 5) & (m["stop_han_ratio"] >= 0.12)) | ((m["mean_line_chars"] >= 4.6) & (m["stop_han_ratio"] >= 0.22))
    free = (m["verse_line_ratio"] >= 0.8) & (m["lines"] >= 5) & spoken
    free &= (m["dup_line_ratio"] < 0.4) & sound
    # verse with lines of changing length ends them
    uneven = (m["verse_line_ratio"] >= 0.8) & (m["lines"] >= 4) & (m["terminated_line_ratio"] >= 0.6) & (m["mean_line_chars"] <= 20) & sound
    out[chinese & (regular | free | uneven)] = "verse"
    out[m["code_char_ratio"] >= 0.4] = "code"
    return out
