"""Broken copies of good documents, for a judge of broken text to learn from: the same for the same seed.

The kinds are those that broken web text is made of: text out of order, wrong decoding, words without sentences, bad machine translation,
the loops of a stuck model.
"""

from __future__ import annotations

import random
import re

# characters, words, short runs in another order; foreign characters; wrong decoding; marks between characters; words without sentences;
# wrong particles; a passage over and over; what people search for
KINDS = ("order", "words", "runs", "noise", "misread", "spaced", "list", "salad", "loop", "search")
LEAST, MOST = 200, 2000  # characters of a copy
_PIECE = re.compile(r"[a-zA-Z]+|\d+|\s+|.", re.DOTALL)
_HAN = re.compile("[\u3400-\u9fff]")
_BETWEEN = " .-*|_~"
_PARTICLES_ZH = "的了着过在把被是和地得于而之与向从给让对并"
_PARTICLES_EN = str.split("the a of to in on at by for with from into is are was be has that which as than upon")


def passage(text: str, seed: int) -> str:
    """200 to 2000 characters of a text that begin with a line."""
    rng = random.Random(seed)
    size = rng.randint(LEAST, MOST)
    if len(text) > size:
        start = text.rfind("\n", 0, rng.randrange(len(text) - size + 1)) + 1
        text = text[start : start + size]
    return text.strip()


def damaged(text: str, kind: str, seed: int) -> str:
    """A broken copy of a text, of one of KINDS; the same for the same seed."""
    rng = random.Random(seed)
    if kind == "order":
        return _shuffled(list(text), rng)
    if kind == "words":
        return _shuffled(_words(text), rng)
    if kind == "runs":
        return _shuffled(_runs(text, rng), rng)
    if kind == "noise":
        share, alphabet = rng.uniform(0.03, 0.3), sorted(set(text)) if rng.random() < 0.3 else _alphabet(text, rng)
        return "".join(rng.choice(alphabet) if not c.isspace() and rng.random() < share else c for c in text)
    if kind == "misread":
        if not _HAN.search(text):
            return text.encode("utf-8", "replace").decode("utf-16-le", "replace")
        written, read = rng.choice((("utf-8", "gb18030"), ("utf-8", "latin-1"), ("gb18030", "latin-1"), ("gb18030", "utf-8")))
        return text.encode(written, "replace").decode(read, "replace")
    if kind == "spaced":
        share, mark = rng.uniform(0.3, 1), rng.choice(_BETWEEN)
        return "".join(c + mark if c.isalnum() and rng.random() < share else c for c in text)
    if kind == "loop":
        start = rng.randrange(max(1, len(text) - 40))
        return text[:start] + text[start : start + rng.randint(15, 120)] * rng.randint(5, 30)
    words = [word for word in _words(text) if len(word) > (1 if _HAN.search(word) else 2) and not word.isspace()] or [text]
    if kind == "list":
        return _listed(words, rng)
    if kind == "search":
        return _searches(words, rng)
    particles = _PARTICLES_ZH if _HAN.search(text) else _PARTICLES_EN
    gap = "" if particles is _PARTICLES_ZH else " "
    return gap.join(word if rng.random() < 0.6 else word + gap + rng.choice(particles) for word in _nearly(words, rng))


def _listed(words: list[str], rng: random.Random) -> str:
    """Words and nothing else, in order or not, once or several times, with one separator."""
    words = words[: rng.randint(40, 300)]
    if rng.random() < 0.4:
        words = list(dict.fromkeys(words))
    elif rng.random() < 0.4:
        words = [word for word in words[:60] for _ in range(rng.randint(1, 5))]
    if rng.random() < 0.5:
        rng.shuffle(words)
    return rng.choice((" ", ",", "，", "、", "|", "\n")).join(words)


def _searches(words: list[str], rng: random.Random) -> str:
    """A few subjects, each beside many words."""
    subjects = rng.sample(words, min(len(words), rng.randint(1, 4)))
    pairs = [(rng.choice(subjects), rng.choice(words)) for _ in range(rng.randint(6, 60))]
    gap = "" if _HAN.search(subjects[0]) else " "
    return rng.choice((" ", ",", "，", "、", "|", "\n", "_")).join(gap.join(pair if rng.random() < 0.8 else pair[::-1]) for pair in pairs)


def _nearly(words: list[str], rng: random.Random) -> list[str]:
    """The words in nearly their order."""
    places = sorted(range(len(words)), key=lambda i: i + rng.uniform(0, 5))
    return [words[i] for i in places]


def _words(text: str) -> list[str]:
    """Pieces that join to the text: words of letters, and jieba's where there is Han."""
    if not _HAN.search(text):
        return _PIECE.findall(text)
    from cleaning.text.segment import load_jieba

    return [str(word) for word in load_jieba().lcut(text, HMM=False)]


def _runs(text: str, rng: random.Random) -> list[str]:
    """Pieces of two to six characters or words that join to the text."""
    pieces, out = _PIECE.findall(text), []
    while pieces:
        size = rng.randint(2, 6)
        out.append("".join(pieces[:size]))
        del pieces[:size]
    return out


def _shuffled(pieces: list[str], rng: random.Random) -> str:
    """The pieces in another order; white space stays where it is."""
    places = [i for i, piece in enumerate(pieces) if not piece.isspace()]
    moved = [pieces[i] for i in places]
    rng.shuffle(moved)
    for place, piece in zip(places, moved, strict=True):
        pieces[place] = piece
    return "".join(pieces)


def _alphabet(text: str, rng: random.Random) -> str:
    if rng.random() < 0.15:
        return "\ufffd"
    han = _HAN.search(text) is not None and rng.random() < 0.7
    return "".join(map(chr, range(0x4E00, 0x9FA6))) if han else "abcdefghijklmnopqrstuvwxyz"
