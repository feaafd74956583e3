"""Phrases that stand at the heads and tails of pages and not in their bodies: candidates for a list of advertising, for a person to prune.

xubuvd's way to a list of advertising phrases, without word segmentation: n-grams of characters (of words in Latin text) that
occur in enough heads and tails, hold together (pointwise mutual information), and are ranked by how much more often they stand
there than in bodies: the log-likelihood ratio G² (Dunning 1993). Of phrases inside one another that occur in the same pages the
longest is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cleaning.models.classifier.tokens import Tokens
from cleaning.text.view import fold_phrases

LONGEST = 16  # tokens of a phrase
SAME_PAGES = 0.8  # a phrase of whose pages so many hold a longer one is a part of it
_BATCH = 512  # documents that are folded at a time
Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Mining:
    """`window`: characters of a head and of a tail; `pages`: pages that hold a phrase there; `least_z`, `least_pmi`: its limits."""

    window: int = 200
    pages: int = 5
    least_z: float = 3.0
    least_pmi: float = 1.0
    most: int = 1000


@dataclass(frozen=True, slots=True)
class Phrase:
    """A candidate: the pages that have it at an end; how often it occurs in bodies; standard errors above chance; PMI; a place."""

    text: str
    edges: int
    bodies: int
    z: float
    pmi: float
    example: str


@dataclass(slots=True)
class _Stream:
    """All tokens in a row: their numbers (-1: nothing goes on over this), the page of each, whether it is of a head or tail."""

    names: dict[bytes, int] = field(default_factory=dict)
    ids: list[int] = field(default_factory=list)
    pages: list[int] = field(default_factory=list)
    edges: list[int] = field(default_factory=list)

    def add(self, line: bytes, page: int, edge: bool) -> None:
        tokens = line.split(b" ")
        names = self.names
        self.ids += [names.setdefault(token, len(names)) if _in_phrase(token) else -1 for token in tokens]
        self.ids.append(-1)
        self.pages += [page] * (len(tokens) + 1)
        self.edges += [edge] * (len(tokens) + 1)


def _in_phrase(token: bytes) -> bool:
    """Letters and Han; not marks, numbers and line breaks."""
    return token.decode("utf-8", "replace").isalpha()


def parts(text: str, window: int, *, short_is_edge: bool) -> tuple[list[str], str]:
    """(heads and tails, body) of a page. Of a page shorter than five windows a fifth is head and a fifth tail; or all of it.

    >>> parts("abcdefghij", 200, short_is_edge=False)
    (['ab', 'ij'], 'cdefgh')
    """
    if short_is_edge and len(text) < 2 * window:
        return [text], ""
    size = min(window, max(len(text) // 5, 1))
    return [text[:size], text[len(text) - size :]], text[size : len(text) - size]


def mine(
    pages: Iterable[str], reference: Iterable[str], how: Mining, known: Sequence[str] = (), *, has_reference: bool = False
) -> list[Phrase]:
    """Candidates, best first. `reference`: texts without advertising, which count as bodies; `known`: phrases that need no proposal."""
    stream, snippets = _Stream(), list[str]()
    for number, texts in enumerate(_chunks(pages)):
        _add_pages(stream, texts, number * _BATCH, how.window, has_reference, snippets)
    first = len(snippets)
    for texts in _chunks(reference):
        lines = Tokens().lines(texts)
        for k in range(len(texts)):
            stream.add(lines.line(k), first + k, False)
        first += len(texts)
    return _chosen(_grams(stream, how), snippets, how, known)


def _chunks(texts: Iterable[str]) -> Iterator[list[str]]:
    chunk: list[str] = []
    for text in texts:
        chunk.append(text)
        if len(chunk) == _BATCH:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _add_pages(stream: _Stream, texts: list[str], first: int, window: int, short_is_edge: bool, snippets: list[str]) -> None:
    cut = [parts(text, window, short_is_edge=short_is_edge) for text in texts]
    lines = Tokens().lines([piece for edges, body in cut for piece in (*edges, body)])
    at = 0
    for k, (edges, _) in enumerate(cut):
        for edge in (*([True] * len(edges)), False):
            stream.add(lines.line(at), first + k, edge)
            at += 1
        snippets.append("\n".join(edges))


class _Gram(NamedTuple):
    tokens: tuple[bytes, ...]
    edges: int
    bodies: int
    z: float
    pmi: float
    page: int


def _grams(stream: _Stream, how: Mining) -> list[_Gram]:
    """The n-grams of two tokens and more that occur in enough heads and tails, level by level.

    An n-gram is its first n-1 and its last n-1 tokens, so each level numbers pairs of the level before, of what was frequent there.
    """
    names = list(stream.names)
    ids, page, edge = np.array(stream.ids, np.int64), np.array(stream.pages, np.int64), np.array(stream.edges, np.bool_)
    totals = (int(edge.sum()), int((~edge).sum()))
    spelled: list[tuple[int, ...]] = [(number,) for number in range(len(names))]
    singles = np.bincount(ids[ids >= 0], minlength=len(names)).astype(np.float64)
    counts, full, out = singles, ids, list[_Gram]()  # `full`: the number of the n-gram that begins at each place, or -1
    for _ in range(2, LONGEST + 1):
        starts = np.flatnonzero((full[:-1] >= 0) & (full[1:] >= 0))
        keys, gram = np.unique(full[starts] * np.int64(len(spelled)) + full[starts + 1], return_inverse=True)
        edges = _pages(gram[edge[starts]], page[starts][edge[starts]], len(keys))
        # occurrences, not pages: a long body holds every common phrase once, and would count no more for the tenth time
        bodies = np.bincount(gram[~edge[starts]], minlength=len(keys)).astype(np.int64)
        keep = edges >= how.pages
        if not keep.any():
            break
        left, right = keys // len(spelled), keys % len(spelled)
        first, last = (np.array([of[k] for of in spelled], np.int64) for k in (0, -1))
        occurs = np.bincount(gram, minlength=len(keys)).astype(np.float64)
        pmi = np.log(occurs * len(ids) / np.maximum(counts[left] * singles[last[right]], singles[first[left]] * counts[right]))
        where = np.full(len(keys), np.iinfo(np.int64).max)
        np.minimum.at(where, gram[edge[starts]], page[starts][edge[starts]])
        spelled = [(*spelled[a], spelled[b][-1]) for a, b in zip(left[keep].tolist(), right[keep].tolist(), strict=True)]
        columns = (values[keep].tolist() for values in (edges, bodies, _excess(edges, bodies, totals), pmi, where))
        out += [_Gram(tuple(names[t] for t in tokens), *row) for tokens, *row in zip(spelled, *columns, strict=True)]
        counts, full = occurs[keep], np.full(len(ids), -1, np.int64)
        full[starts[keep[gram]]] = (np.cumsum(keep) - 1)[gram[keep[gram]]]
    return out


def _pages(gram: Int64, page: Int64, size: int) -> Int64:
    """In how many pages each n-gram occurs."""
    pairs = np.unique(np.stack([gram, page]), axis=1)
    return np.bincount(pairs[0], minlength=size).astype(np.int64)


def _excess(edges: Int64, bodies: Int64, totals: tuple[int, int]) -> npt.NDArray[np.float64]:
    """The root of Dunning's G², with the sign of the excess: standard errors above chance, also where no body has the phrase."""
    both, share = edges + bodies, totals[0] / max(sum(totals), 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        a = np.where(edges > 0, edges * np.log(edges / np.maximum(both * share, 1e-12)), 0)
        b = np.where(bodies > 0, bodies * np.log(bodies / np.maximum(both * (1 - share), 1e-12)), 0)
    z: npt.NDArray[np.float64] = np.sign(edges - both * share) * np.sqrt(np.maximum(2 * (a + b), 0))
    return z


def _chosen(grams: list[_Gram], snippets: list[str], how: Mining, known: Sequence[str]) -> list[Phrase]:
    whole = {gram.tokens: gram.edges for gram in grams}
    inside: dict[tuple[bytes, ...], int] = {}  # for each n-gram: the most pages of a longer one that holds it
    for tokens, edges in whole.items():
        for part in (tokens[:-1], tokens[1:]):
            inside[part] = max(inside.get(part, 0), edges)
    good = [g for g in grams if g.z >= how.least_z and g.pmi >= how.least_pmi and inside.get(g.tokens, 0) < SAME_PAGES * g.edges]
    good.sort(key=lambda g: (-g.z, g.tokens))
    texts = [_spelled(g.tokens) for g in good]
    seen = [view for view in fold_phrases(list(known)) if view.strip()] if known else []
    out, long = list[Phrase](), list[Phrase]()
    for gram, text, view in zip(good, texts, fold_phrases(texts), strict=True):
        core = text[len(text) // 4 : -(len(text) // 4) or None]
        if len(text) < 3 or any(of in view for of in seen) or any(core in p.text and p.edges <= gram.edges / SAME_PAGES for p in long):
            continue
        out.append(Phrase(text, gram.edges, gram.bodies, round(gram.z, 1), round(gram.pmi, 1), _place(snippets[gram.page], text)))
        if len(gram.tokens) == LONGEST:  # a piece of a sentence that pages repeat: its neighbours say the same
            long.append(out[-1])
        if len(out) == how.most:
            break
    return out


def _spelled(tokens: tuple[bytes, ...]) -> str:
    """The phrase as a list has it: Latin words with blanks between them, Chinese without."""
    out, before = "", ""
    for token in tokens:
        word = token.decode("utf-8", "replace")
        out += f" {word}" if before and before[-1] < "\u2e80" and word[0] < "\u2e80" else word
        before = word
    return out


def _place(snippet: str, text: str, around: int = 16) -> str:
    """Where the phrase stands; the head of the page where it is written otherwise there."""
    found = snippet.lower().find(text)
    cut = snippet[: 2 * around + len(text)] if found < 0 else snippet[max(0, found - around) : found + len(text) + around]
    return " ".join(cut.split())


def list_of(phrases: Sequence[Phrase], about: str) -> str:
    """A file in the format of the blacklists: each entry under a comment with its figures and a place."""
    head = [
        f"# Candidates for a list of advertising, from the heads and tails of {about}. Delete what articles use as well;",
        "# what is left is a blacklist (blacklists/README.md) or a list for the stage boilerplate (head_tail).",
        "# Over each entry: standard errors above chance, pages with it at an end / how often in bodies, and a place.",
    ]
    rows = [f"# z {p.z} · {p.edges}/{p.bodies} · {p.example}\n{p.text}" for p in phrases]
    return "\n".join([*head, "", *rows]) + "\n"
