"""Every number that a rule may ask for: name, group, scale, meaning.

`METRICS` is the one table. A rule set names metrics, names pull groups, nothing else is computed. An undefined ratio (nothing to divide
by) is NaN, and NaN never acts. `docs/metrics.md` is generated from here.

The counting unit needs no tokenizer: one Han, kana or Hangul character is a unit, and so is one run of letters or digits of any
other script. "Units" below are these; "words" are the runs with a letter; "characters" are those that are not white space.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_RATIO_EDGES = tuple(np.linspace(0, 1, 51)[1:].round(4).tolist())
_COUNT_EDGES = tuple(float(x) for x in (0, *(10**p * m for p in range(8) for m in (1, 2, 5))))
_SMALL_EDGES = tuple(float(x) for x in np.arange(0.5, 25.5, 0.5))
_EDGES = {
    "ratio": _RATIO_EDGES, "count": _COUNT_EDGES, "small": _SMALL_EDGES, "percent": tuple(float(x) for x in range(2, 101, 2)),
    "signed": tuple(np.linspace(-1, 1, 41).round(4).tolist()),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Metric:
    """One row of the table. `scale` (the histogram's edges): ratio 0 to 1, count 0 to millions, small 0 to 25, percent, signed -1 to 1."""

    name: str
    group: str
    scale: str
    doc: str

    @property
    def edges(self) -> tuple[float, ...]:
        """Upper edges of the histogram's bins; one more bin takes what lies above, the last one NaN."""
        return _EDGES[self.scale]


def _table(*rows: tuple[str, str, str, str]) -> dict[str, Metric]:
    return {row[0]: Metric(*row) for row in rows}


METRICS: dict[str, Metric] = _table(
    # -- characters
    ("chars", "chars", "count", "characters that are not white space"),
    ("all_chars", "chars", "count", "all characters"),
    ("han_char_ratio", "chars", "ratio", "Han characters / characters"),
    ("letter_ratio", "chars", "ratio", "letters of any script (Han included) and digits / characters"),
    ("alnum_ratio", "chars", "ratio", "letters of any script (Han included) and digits / all characters, white space included"),
    ("special_char_ratio", "chars", "ratio", "what is neither letter, digit nor white space / all characters, white space included"),
    ("latin_char_ratio", "chars", "ratio", "Latin letters / characters"),
    ("zh_en_digit_ratio", "chars", "ratio", "Han, Latin letters and digits / characters"),
    ("kana_ratio", "chars", "ratio", "kana / letters of any script"),
    ("hangul_ratio", "chars", "ratio", "Hangul / letters of any script"),
    ("foreign_letter_ratio", "chars", "ratio", "letters that are neither Han nor Latin (kana, Hangul, Cyrillic …) / letters"),
    ("foreign_char_ratio", "chars", "ratio", "letters that are neither Han nor Latin / characters"),
    ("digit_ratio", "chars", "ratio", "digits / letters and digits"),
    ("digit_per_letter", "chars", "ratio", "digits / letters (HPLT counts them for a hundred letters)"),
    ("upper_ratio", "chars", "ratio", "capital letters / Latin letters"),
    ("punct_ratio", "chars", "ratio", "punctuation marks / characters"),
    ("punct_per_letter", "chars", "ratio", "punctuation marks / letters (HPLT counts them for a hundred letters)"),
    ("han_punct_ratio", "chars", "ratio", "Chinese punctuation marks / characters"),
    ("symbol_ratio", "chars", "ratio", "symbols (mathematical, currency, arrows, boxes, emoji) / characters"),
    ("emoji_ratio", "chars", "ratio", "emoji and pictographs / characters"),
    ("paren_ratio", "chars", "ratio", "round brackets, of both widths / characters"),
    ("curly_ratio", "chars", "ratio", "{ and } / characters"),
    ("curly_count", "chars", "count", "how many { and } there are"),
    ("space_ratio", "chars", "ratio", "white space other than newlines / all characters"),
    ("whitespace_ratio", "chars", "ratio", "white space and newlines / all characters"),
    ("terminal_per_char", "chars", "ratio", "sentence-ending marks / characters"),
    ("garble_ratio", "chars", "ratio", "U+FFFD, private-use, control and unassigned characters / characters"),
    ("box_ratio", "chars", "ratio", "empty and black boxes (□ ■ ▯ …), which stand for characters that a font lacks / characters"),
    ("rare_han_ratio", "chars", "ratio", "Han outside GB2312 and Big5 / Han: high in mis-decoded text"),
    ("common_han_ratio", "chars", "ratio", "Han of the frequent levels of GB2312 and Big5 / Han: low in bad OCR and name lists"),
    ("traditional_ratio", "chars", "ratio", "traditional forms / Han whose traditional and simplified forms differ"),
    ("stop_han_ratio", "chars", "ratio", "modern function characters (的 了 是 …) / Han"),
    ("stop_modern_ratio", "chars", "ratio", "function characters that only modern Chinese has (的 了 们 …) / Han"),
    ("stop_classical_ratio", "chars", "ratio", "classical function characters (之 乎 者 …) / Han"),
    ("stop_zh_distinct", "chars", "small", "how many of FineWeb-2's stop words for cmn_Hani occur (的 年 在 月 是 …)"),
    ("stop_lzh_distinct", "chars", "small", "how many of FineWeb-2's stop words for lzh_Hani occur (之 年 以 為 其 …)"),
    # -- lines
    ("lines", "lines", "count", "lines that are not blank"),
    ("mean_line_chars", "lines", "count", "mean characters of a line"),
    ("max_line_chars", "lines", "count", "characters of the longest line"),
    ("newline_ratio", "lines", "ratio", "newlines / all characters"),
    ("newlines_per_unit", "lines", "ratio", "newlines / units"),
    ("terminated_line_ratio", "lines", "ratio", "lines that end in an end mark or a closing quote or bracket / lines"),
    ("terminated_char_ratio", "lines", "ratio", "characters in lines that end so / characters"),
    ("bullet_line_ratio", "lines", "ratio", "lines that start with a bullet / lines"),
    ("ellipsis_line_ratio", "lines", "ratio", "lines that end in … or ... / lines"),
    ("short_line_ratio", "lines", "ratio", "lines of at most 30 characters / lines"),
    ("menu_char_ratio", "lines", "ratio", "characters in lines of under 7 units without an end mark (no code, no tables) / characters"),
    ("long_line_char_ratio", "lines", "ratio", "characters in lines of 61 characters and more / characters (HPLT's long segments)"),
    ("dup_line_ratio", "lines", "ratio", "lines that stood before in the document / lines"),
    ("dup_line_char_ratio", "lines", "ratio", "characters in lines that stood before / characters"),
    ("paragraphs", "lines", "count", "runs of lines between empty lines"),
    ("dup_paragraph_ratio", "lines", "ratio", "paragraphs that stood before / paragraphs"),
    ("dup_paragraph_char_ratio", "lines", "ratio", "characters in paragraphs that stood before / characters"),
    # -- what the lines are: for the genres
    ("code_char_ratio", "lines", "ratio", "characters in fenced blocks and in lines that read like program text / characters"),
    ("table_line_ratio", "lines", "ratio", "lines with two and more | or tabs / lines"),
    ("numbered_line_ratio", "lines", "ratio", "lines that start with a number and a mark (1. 2) 三、) / lines"),
    ("article_line_ratio", "lines", "ratio", "lines that start with 第…条, 第…章, （一） and the like / lines"),
    ("dialogue_line_ratio", "lines", "ratio", "lines that start with an opening quote or a speaker's name and a colon / lines"),
    ("verse_line_ratio", "lines", "ratio", "lines of 2 to 24 characters, nearly all Han, without digits or Latin letters / lines"),
    ("verse_ratio", "clauses", "ratio", "runs of Han of the commonest length among 4, 5 and 7 / runs of Han: near 1 in regular verse"),
    ("mean_clause_chars", "clauses", "count", "mean characters of a run of Han"),
    ("max_clause_units", "clauses", "count", "most units without a punctuation mark or newline between them"),
    ("interleave_max", "clauses", "small", "most changes between Han and Latin letters or digits within 7 neighbouring characters"),
    ("split_han_ratio", "clauses", "ratio", "Han parted from the next by one letter or one mark that ends no clause (微-信, 微x信) / Han"),
    ("odd_mark_ratio", "clauses", "ratio", "，。；！？、： behind another (，。), or ，、； at the head of a line / all of these marks"),
    ("odd_marks", "clauses", "count", "how many such marks there are"),
    ("odd_letter_ratio", "clauses", "ratio", "pairs of small letters that English words hardly have (qz, vf) / pairs of small letters"),
    ("url_char_ratio", "clauses", "ratio", "characters of web addresses, up to the first blank or non-ASCII character / characters"),
    # -- units
    ("units", "units", "count", "units"),
    ("words", "units", "count", "words: runs with a letter that are not Han, kana or Hangul"),
    ("han_unit_ratio", "units", "ratio", "Han, kana and Hangul units / units"),
    ("word_ratio", "units", "ratio", "words / units"),
    ("digit_unit_ratio", "units", "ratio", "units that are runs of digits / units"),
    ("alpha_unit_ratio", "units", "ratio", "units with a letter, Han included / units"),
    ("mean_word_chars", "units", "small", "mean characters of a word"),
    ("max_word_chars", "units", "count", "characters of the longest word"),
    ("capital_word_ratio", "units", "ratio", "words of two or more capitals / words"),
    ("hash_ellipsis_per_unit", "units", "ratio", "# and … / units (Gopher's symbol-to-word ratio)"),
    ("hash_per_unit", "units", "ratio", "# / units"),
    ("ellipsis_per_unit", "units", "ratio", "… / units"),
    ("digit_symbol_per_unit", "units", "ratio", "digits and symbols / Han characters and words (FlagData)"),
    ("stop_en_ratio", "units", "ratio", "English function words / words"),
    ("stop_en_distinct", "units", "small", "how many of Gopher's eight stop words occur (the be to of and that have with)"),
    ("sentences", "clauses", "count", "ends of sentences (。！？!? and a full stop after a word), at least 1 where there is a unit"),
    ("unique_unit_ratio", "units", "ratio", "distinct units / units, in the first 1,000 units"),
    ("distinct_unit_ratio", "units", "ratio", "distinct units / units, in the whole document (in windows of 262,144 units)"),
    ("unit_entropy", "units", "small", "unigram entropy of the units in nats"),
    ("mean_segment_units", "units", "small", "mean units between marks, newlines and blanks between Han: under 3 in lists of keywords"),
    ("single_letter_ratio", "units", "ratio", "words of one letter / words"),
    ("mixed_case_ratio", "units", "ratio", "words with a capital behind the first letter, but not all of capitals / words"),
    ("diversity", "units", "small", "distinct units / units to the power 0.8, in the first 1,000 units: about 1.5 whatever the length"),
    ("contact_marks", "units", "count", "numbers of 7 to 12 digits, and names of 6 to 20 letters and digits mixed: telephones, QQ, WeChat"),
    ("broken_junctions", "units", "count", "neighbours that the language does not have (把， / 的者 / the of): text/junctions.txt"),
    ("broken_junction_ratio", "units", "ratio", "such pairs / units"),
    # -- repetition
    *(
        (f"top_{n}gram_ratio", "repetition", "ratio", f"characters of the {n}-gram of units that covers most / characters of all units")
        for n in (2, 3, 4)
    ),
    *(
        (f"dup_{n}gram_ratio", "repetition", "ratio", f"characters covered by {n}-grams of units that occurred before / of all units")
        for n in (*range(5, 11), 13)
    ),
    ("repeat_run", "runs", "count", "most immediate repetitions of one stretch of 1 to 16 units (哈哈哈哈 is 4)"),
    ("repeat_run_ratio", "runs", "ratio", "units inside stretches that repeat at once four times and more / units"),
    *(
        (f"unit_rep_{n}gram_ratio", "frequencies", "ratio", f"occurrences of {n}-grams of units that occur twice / all {n}-grams")
        for n in (5, 10)
    ),
    *(
        (f"char_rep_{n}gram_ratio", "frequencies", "ratio", f"occurrences of the √N commonest of N distinct {n}-grams of characters / all")
        for n in (3, 10)
    ),
    ("zstd_ratio", "zstd", "ratio", "bytes after zstandard level 3 / bytes of UTF-8"),
    # -- patterns
    ("bracket_char_ratio", "patterns", "ratio", "characters inside 【】 / characters"),
    ("readmore_line_ratio", "patterns", "ratio", "lines that end in 展开, 更多, 查看全文, read more … / lines"),
    ("javascript_lines", "patterns", "count", "lines with the word javascript"),
    ("policy_lines", "patterns", "count", "lines with terms of use, privacy policy, cookie policy, uses cookies …"),
    ("lorem_ipsum", "patterns", "count", "how often lorem ipsum occurs"),
    ("chapter_marks", "patterns", "count", "how often 第…章 occurs (xubuvd)"),
    ("bracket_numbers", "patterns", "count", "how often （一）, (1) … occur (xubuvd)"),
    ("html_tags", "patterns", "count", "HTML tags and entities that are left"),
    ("item_mean_chars", "patterns", "count", "mean length of what stands between newlines and 、, outliers beyond 3 σ left out (xubuvd)"),
    ("item_std_chars", "patterns", "count", "standard deviation of these lengths"),
    ("clause_mean_chars", "patterns", "count", "the same between newlines, 、 and ，"),
    ("clause_std_chars", "patterns", "count", "standard deviation of these lengths"),
    # -- what stages before have noted
    ("boilerplate_char_ratio", "notes", "ratio", "characters that the stage boilerplate took out / characters before it; 0 without it"),
    ("lang_score", "notes", "ratio", "how sure the stage langid is of the language that it noted"),
    ("lang_mix", "notes", "ratio", "share of the text that is in another language than the noted one"),
    ("han_share", "notes", "ratio", "Han characters / letters of any script, as the stage langid saw the text"),
    ("latin_share", "notes", "ratio", "Latin letters / letters of any script, as the stage langid saw the text"),
    ("perplexity", "notes", "count", "perplexity for each unit under the language model; comparable only under the same model"),
    ("perplexity_percentile", "notes", "percent", "share of the calibration documents with a lower perplexity, 0 to 100"),
    ("broken_score", "notes", "ratio", "how broken the text looks to the language model; 1 % of the calibration documents are above 0.5"),
    ("quality_score", "notes", "ratio", "probability of good text by the stage quality"),
    ("quality_pareto", "notes", "signed", "a Pareto draw seeded by the document's id, less 1 - quality_score: GPT-3 keeps what is above 0"),
    ("benchmark_overlap", "notes", "ratio", "largest share of a benchmark item's n-grams that decontaminate found in the text"),
    ("ads_score", "notes", "ratio", "probability of advertising by the stage ads"),
    # -- words of jieba: only where a rule set asks for them (half a megabyte a second)
    ("jieba_words", "jieba", "count", "words as jieba cuts them, blanks left out"),
    ("jieba_mean_word_chars", "jieba", "small", "mean characters of a word, punctuation left out"),
    ("jieba_chars_per_word", "jieba", "small", "characters / words, punctuation included: near 1 in garbled text (xubuvd)"),
    ("jieba_alpha_ratio", "jieba", "ratio", "words with a letter (Han included) / words"),
    ("jieba_text_density", "jieba", "ratio", "words of two characters and more / words"),
    ("jieba_unique_ratio", "jieba", "ratio", "distinct words / words"),
    ("jieba_stop_distinct", "jieba", "small", "how many of FineWeb-2's stop words for cmn_Hani are among the words"),
    ("jieba_newlines_per_word", "jieba", "ratio", "newlines / words"),
    *(
        (f"jieba_top_{n}gram_ratio", "jieba", "ratio", f"characters of the {n}-gram of words that covers most / characters")
        for n in (2, 3, 4)
    ),
    *(
        (f"jieba_dup_{n}gram_ratio", "jieba", "ratio", f"characters covered by {n}-grams of words that occurred before / characters")
        for n in range(5, 11)
    ),
)

# What the blacklists of a rule set give: for each category (the file's name without its language) these three, and for all together.
BLACKLIST_METRICS: dict[str, Metric] = _table(
    ("hits", "blacklists", "count", "how often entries of the category occur"),
    ("distinct", "blacklists", "small", "how many different entries of the category occur"),
    ("density", "blacklists", "ratio", "characters inside entries of the category / characters"),
)
