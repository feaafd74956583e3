"""Texts in, masked texts and spans out.

Masking can uncover what stood in another's shadow (a number glued to one that is now gone). So a text that changed is looked at again
until nothing is found; then a second run over the output changes nothing. Spans are always given in the text as it came in.
"""

from __future__ import annotations

import bisect
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cleaning.pii.detect import Detector, Found, Span
from cleaning.pii.policy import Policy
from cleaning.pii.pseudonyms import pseudonym

ROUNDS = 4
TRIES = 16  # a stand-in is random: by chance it may look like another type
BEFORE = (
    "",
    "电话 ",
    "卡号 ",
    "身份证 ",
    "护照 ",
    "台胞证 ",
    "手机串号 IMEI ",
    "车架号 ",
    "SSN ",
    "phone ",
    "澳门 ",
    "车牌 ",
    "QQ：",
    "微信：",
    "key: ",
    "passport ",
)


class NameFinder(Protocol):
    """Adds the spans of names to what was found; which documents it leaves alone is the caller's to say."""

    def __call__(self, texts: list[str], found: list[Found], spared: Sequence[bool]) -> list[list[Span]]: ...


@dataclass(slots=True)
class Masked:
    """A text after masking; `spans` are what changed (or was tagged), in the text before."""

    text: str
    spans: list[Span] = field(default_factory=list)
    kept: list[Span] = field(default_factory=list)  # found and left, by the policy


@dataclass(slots=True)
class _Edits:
    """A text and what takes the place of its parts: (start, end, stand-in, span), in order."""

    original: str
    edits: list[tuple[int, int, str, Span]] = field(default_factory=list)
    places: list[tuple[int, int]] = field(default_factory=list)  # where the stand-ins are in the text as it is now

    def origin(self, start: int, end: int) -> tuple[int, int] | None:
        """Where text[start:end] of now was in the original; None when it begins or ends inside a stand-in."""
        i = bisect.bisect_right(self.places, (start, 1 << 62))
        j = bisect.bisect_left(self.places, (end, -1))
        if (i and self.places[i - 1][1] > start) or (j and self.places[j - 1][1] > end):
            return None
        first = start + (self.edits[i - 1][1] - self.places[i - 1][1] if i else 0)
        last = end + (self.edits[j - 1][1] - self.places[j - 1][1] if j else 0)
        return first, last

    def add(self, new: list[tuple[int, int, str, Span]]) -> str:
        """Take more edits, which swallow those inside them; returns the text."""
        self.edits = _outer(sorted(self.edits + new, key=lambda e: (e[0], -e[1])))
        self.places = []
        pieces: list[str] = []
        at = size = 0
        for start, end, stand_in, _ in self.edits:
            pieces += [self.original[at:start], stand_in]
            size += start - at + len(stand_in)
            self.places.append((size - len(stand_in), size))
            at = end
        return "".join([*pieces, self.original[at:]])


def _outer(edits: list[tuple[int, int, str, Span]]) -> list[tuple[int, int, str, Span]]:
    out: list[tuple[int, int, str, Span]] = []
    for edit in edits:
        if not out or edit[0] >= out[-1][1]:
            out.append(edit)
    return out


class Masker:
    """Applies a policy. `action` is for types that have none of their own; `key` makes pseudonyms last beyond a document."""

    def __init__(self, policy: Policy, action: str, *, key: bytes = b"", names: NameFinder | None = None) -> None:
        default = "placeholder" if action == "drop_doc" else action
        self.actions = {name: own or default for name, own in policy.actions.items()}
        if action == "tag":  # nothing changes, so what is otherwise left is shown too
            self.actions = {name: own if own == "off" else "tag" for name, own in self.actions.items()}
        self._tokens, self._key, self._names = dict(policy.tokens), key, names
        types = policy.types
        if self.actions.get("url") == "keep":  # the scan passes over web addresses anyway
            types = tuple(kind for kind in types if kind.name != "url")
        self._detector = Detector(types, self._tokens.values())

    def __call__(self, texts: list[str], spared: Sequence[bool] = ()) -> list[Masked]:
        """Mask each text. `spared` texts keep their names."""
        spared = spared or [False] * len(texts)
        done = [Masked(text) for text in texts]
        edits: dict[int, _Edits] = {}
        todo = list(range(len(texts)))
        for _ in range(ROUNDS):
            found = self._find([done[i].text for i in todo], [spared[i] for i in todo])
            todo = [
                i
                for i, spans in zip(todo, found, strict=True)
                if spans and self._apply(done[i], spans, edits.setdefault(i, _Edits(texts[i])))
            ]
            if not todo:
                break
        return done

    def _find(self, texts: list[str], spared: list[bool]) -> list[list[Span]]:
        found = self._detector.detect(texts)
        if self._names is None:
            return [one.spans for one in found]
        return self._names(texts, found, spared)

    def _apply(self, doc: Masked, spans: list[Span], edits: _Edits) -> bool:
        """Change the text; returns whether it did."""
        key = self._key or hashlib.blake2b(edits.original.encode("utf-8", "surrogatepass")).digest()
        new: list[tuple[int, int, str, Span]] = []
        listed = {*doc.spans, *doc.kept}
        for span in spans:
            origin = edits.origin(span.start, span.end)
            if origin is None:
                continue
            first = span._replace(start=origin[0], end=origin[1])
            action = self.actions[span.type]
            if action in ("keep", "tag"):
                if first not in listed:
                    (doc.spans if action == "tag" else doc.kept).append(first)
                continue
            stand_in = self._stand_in(span, doc.text[span.start : span.end], action, key)
            if stand_in != doc.text[span.start : span.end]:
                new.append((*origin, stand_in, first))
        if not new:
            doc.spans.sort()
            return False
        doc.text = edits.add(new)
        tagged = [span for span in doc.spans if self.actions[span.type] == "tag"]
        doc.spans = sorted([edit[3] for edit in edits.edits] + tagged)
        return True

    def _stand_in(self, span: Span, value: str, action: str, key: bytes) -> str:
        if action == "delete":
            return ""
        if action == "placeholder":
            return self._tokens[span.type]
        for attempt in range(TRIES):
            new = pseudonym(span.type, value, key + b"+" * attempt)
            if self._is_nothing(new):
                return new
        return self._tokens[span.type]

    def _is_nothing(self, stand_in: str) -> bool:
        """Whether no type is seen in a stand-in, whatever word stands before it: it must not be masked once more by the next run."""
        return not any(one.spans for one in self._detector.detect([before + stand_in for before in BEFORE]))
