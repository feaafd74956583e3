"""Which names are personal data: the policies, the engines behind one method, the allow list.

near_pii: beside validated personal data (same line, or 50 characters), or behind a form's label. labels: behind a label only. all: wherever the
engine sees one. 张先生 and 李某 are anonymous as they are, and stay.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Protocol

from cleaning.errors import BlacklistError, ModelError
from cleaning.pii.detect import Found, Span, resolve
from cleaning.pii.names.lists import COMPOUND, LABELS, LABELS_EN, SURNAMES, TITLES

NEAR = 50  # characters around validated personal data in which a name belongs to it
RANK = 1000  # names give way to everything that was proved
_LIBRARIES = {"own": "rjieba", "spacy": "spacy", "hanlp": "hanlp", "ltp": "ltp"}
_HAN = "\u3400-\u9fff\U00020000-\U0003134f"
_LABEL = re.compile(
    rf"(?:(?<![{_HAN}])|(?<=[的为和与及、])|(?<=[{_HAN}]))(?:{'|'.join(sorted(LABELS, key=lambda w: (-len(w), w)))})[ ]{{0,3}}$"
)
_LABEL_EN = re.compile(rf"(?i)(?<![a-z])(?:{'|'.join(sorted(LABELS_EN, key=lambda w: (-len(w), w)))})$")
_BEHIND = re.compile(
    rf"[:：|\t][ \t]{{0,4}}(?P<v>[{_HAN}]{{1,8}}(?:[·•・][{_HAN}]{{1,8}}){{1,3}}|[{_HAN}]{{2,4}}|[{_HAN}] [{_HAN}]{{1,2}})(?![{_HAN}])"
)
_BEHIND_EN = re.compile(r"[:|\t][ \t]{0,4}(?P<v>[A-Z][a-z'\-]{1,20}(?:[ ](?:[A-Z]\.|[A-Z][a-z'\-]{1,20})){1,3})(?![A-Za-z])")
_NO_NAME = re.compile(
    r"(?:公司|有限|集团|中心|学校|大学|部门|经理|主任|先生|女士|小姐|老师|同志|未知|保密|匿名|不详|电话|地址|手机|性别|客服|管理|编辑|记者|全体|其他|人员|所有|如下|签字|盖章|暂无|公开|本人|同上|无|必填|姓名|名称|某.{0,2})$"
)


class NameEngine(Protocol):
    """What finds names. A user's own needs this one method."""

    def names(self, texts: list[str]) -> list[list[tuple[int, int]]]:
        """(start, end) of each name in each text, in order."""


@dataclass(frozen=True, slots=True)
class Names:
    """What the configuration says about names."""

    policy: str
    engine: str
    model: str

    def identity(self) -> list[str]:
        """What of the engine decides the output: its library and the model's name."""
        if self.policy in ("off", "labels"):
            return []
        try:
            found = version(_LIBRARIES[self.engine])
        except PackageNotFoundError:
            found = ""
        return [self.engine, found, self.model]

    def check(self) -> None:
        """Raises ModelError when the engine's library is not installed."""
        if self.policy in ("near_pii", "all") and not self.identity()[1]:
            extra = "" if self.engine == "own" else f"[{self.engine}]"
            raise ModelError(
                f"pii.engine: '{self.engine}' needs the package {_LIBRARIES[self.engine]}; pip install 'corpus-cleaning{extra}'"
            )


def make_finder(names: Names, allow: Sequence[Path]) -> Finder:
    """The finder that a configuration asks for; loads the engine."""
    engine = load_engine(names) if names.policy in ("near_pii", "all") else None
    return Finder(names.policy, engine, read_allowed(allow))


def load_engine(names: Names) -> NameEngine:
    """The engine by its name. Raises ModelError."""
    if names.engine == "own":
        from cleaning.pii.names.own import OwnNames

        return OwnNames()
    from cleaning.pii.names.adapters import ADAPTERS

    try:
        return ADAPTERS[names.engine](names.model)
    except (ImportError, OSError, ValueError) as exc:
        raise ModelError(f"pii.engine: '{names.engine}' with model '{names.model}' cannot be loaded: {exc}") from exc


def read_allowed(paths: Sequence[Path]) -> frozenset[str]:
    """Names that are never masked: a name a line, `#` for comments. Raises BlacklistError for what is no UTF-8."""
    allowed: set[str] = set()
    for path in paths:
        try:
            lines = path.read_text(encoding="utf-8-sig").splitlines()
        except UnicodeDecodeError as exc:
            raise BlacklistError(f"{path.name}: not UTF-8 (byte {exc.start}); save the file as UTF-8") from exc
        allowed.update(name for line in lines if (name := line.split("#", 1)[0].strip()))
    return frozenset(allowed)


class Finder:
    """Adds names to what was found, by a policy."""

    def __init__(self, policy: str, engine: NameEngine | None, allowed: frozenset[str] = frozenset()) -> None:
        self._policy, self._engine, self._allowed = policy, engine, allowed

    def __call__(self, texts: list[str], found: list[Found], spared: Sequence[bool]) -> list[list[Span]]:
        """The spans of each text with its names; spared texts get none."""
        open_ = [i for i, spare in enumerate(spared) if not spare]
        new: dict[int, list[tuple[int, int]]] = {i: _labelled(found[i]) for i in open_}
        if self._policy == "near_pii":
            self._near(found, open_, new)
        elif self._policy == "all" and self._engine is not None:
            for i, spans in zip(open_, self._engine.names([found[i].view for i in open_]), strict=True):
                new[i] += spans
        out = []
        for i, one in enumerate(found):
            names = [Span(s, e, "person", RANK, False) for s, e in new.get(i, ()) if self._is_name(one.view, s, e)]
            out.append(resolve([*one.spans, *names]) if names else one.spans)
        return out

    def _near(self, found: list[Found], open_: list[int], new: dict[int, list[tuple[int, int]]]) -> None:
        """Run the engine on the windows around validated personal data, all of them at once."""
        windows = [(i, a, b) for i in open_ if any(s.proved for s in found[i].spans) for a, b in _windows(found[i])]
        if not windows or self._engine is None:
            return
        named = self._engine.names([found[i].view[a:b] for i, a, b in windows])
        for (i, a, _), spans in zip(windows, named, strict=True):
            new[i] += [(a + s, a + e) for s, e in spans]

    def _is_name(self, view: str, start: int, end: int) -> bool:
        name = view[start:end]
        return (
            "\0" not in name
            and "某" not in name
            and view[end : end + 1] != "某"
            and name not in self._allowed
            and _NO_NAME.search(name) is None
        )


def _labelled(found: Found) -> list[tuple[int, int]]:
    """Names behind 姓名：, 联系人：, Name: and the like."""
    out = []
    for place in found.labels:
        before = found.view[max(0, place - 24) : place]
        if _LABEL.search(before):
            match = _BEHIND.match(found.view, place)
            if match and _looks_like_a_name(match["v"]):
                out.append(match.span("v"))
        elif _LABEL_EN.search(before) and (match := _BEHIND_EN.match(found.view, place)):
            out.append(match.span("v"))
    return out


def _looks_like_a_name(name: str) -> bool:
    if "·" in name or "•" in name or "・" in name:
        return True
    plain = name.replace(" ", "")
    if plain[1:] in TITLES or _NO_NAME.search(plain):
        return False
    return (
        (plain[0] in SURNAMES and 2 <= len(plain) <= 3)
        or (plain[:2] in COMPOUND and 3 <= len(plain) <= 4)
        or (plain[0] in SURNAMES and len(plain) == 4 and plain[1] in SURNAMES)
    )


def _windows(found: Found) -> list[tuple[int, int]]:
    """Stretches of text around proved spans: their line, or 50 characters of it on each side; joined where they touch."""
    out: list[tuple[int, int]] = []
    view = found.view
    for span in found.spans:
        if not span.proved:
            continue
        first = max(view.rfind("\n", max(0, span.start - NEAR), span.start) + 1, span.start - NEAR, 0)
        stop = view.find("\n", span.end, span.end + NEAR)
        last = stop if stop >= 0 else min(len(view), span.end + NEAR)
        if out and first <= out[-1][1]:
            out[-1] = (out[-1][0], max(last, out[-1][1]))
        else:
            out.append((first, last))
    return out
