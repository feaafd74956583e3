"""What the self-test plants: copies at known edit rates, garbled texts, foreign texts, personal data, a sentence in many places.

All values are made here: valid by their check digits and nobody's on purpose. The same seed plants the same.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from cleaning.doc import Doc

EDITS = (0.01, 0.02, 0.05, 0.1)
REPEATED = "sentence in many places"
_FOREIGN = {
    "fr": (
        "Le marché du samedi attire toujours beaucoup de monde. Les enfants jouent près de la fontaine pendant que "
        "leurs parents achètent des légumes. Il fait encore froid, mais le soleil revient peu à peu. Chacun prend le "
        "temps de parler avec ses voisins."
    ),
    "de": (
        "Am Wochenende fahren viele Familien an den See, weil das Wasser dort noch sauber ist. Die Kinder bauen Burgen "
        "aus Sand und essen danach ein Eis. Gegen Abend wird es kühl, und alle machen sich auf den Heimweg."
    ),
    "es": (
        "La biblioteca del barrio abre muy temprano por la mañana. Muchos estudiantes llegan con sus cuadernos y "
        "buscan un lugar tranquilo. Por la tarde hay lecturas para los niños, y los martes viene un escritor a hablar "
        "de sus libros."
    ),
    "ru": (
        "Зимой река замерзает, и дети катаются на коньках до самого вечера. В доме пахнет свежим хлебом, бабушка "
        "рассказывает старые истории. Утром снова идёт снег, и дорога к школе становится длиннее."
    ),
    "ja": (
        ""
        "駅前の小さな喫茶店では、毎朝同じ時間に常連のお客さんが集まります。店主はゆっくりとコーヒーをいれながら、昨日の出来事を話してくれます。雨の日には窓の外を眺める人が多くなります。"
    ),
    "ko": (
        "주말이면 사람들이 강가에 모여서 자전거를 타고 도시락을 먹습니다. 아이들은 잔디밭에서 "
        "뛰어놀고 어른들은 나무 그늘에서 이야기를 나눕니다. 저녁이 되면 다리에 불이 켜집니다."
    ),
}
_UNIT_RE = re.compile(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+|\W", re.DOTALL)
_SENTENCE = {
    "zh": "点击页面下方的按钮即可下载完整版本的资料，更多精彩内容敬请关注本站后续更新。",
    "en": "Click the button at the bottom of this page to download the complete version and stay tuned for more updates from our site.",
}


@dataclass(frozen=True, slots=True)
class Planted:
    """One document that was put in. `kind` as the report names it; `of`: the sample's document that it was made from."""

    id: str
    kind: str
    text: str
    of: str
    value: str = ""


def edited(text: str, rate: float, rng: random.Random) -> str:
    """A share of the units (Han characters, words) left out, doubled by another one of the text before them, or replaced, a third each."""
    parts = _UNIT_RE.findall(text)
    units = [part for part in parts if part[0].isalnum()] or ["x"]
    out: list[str] = []
    for part in parts:
        if part[0].isalnum() and rng.random() < rate:
            kind, other = rng.randrange(3), rng.choice(units)
            out.append("" if kind == 0 else other if kind == 1 else f"{other} {part}" if other.isascii() else other + part)
        else:
            out.append(part)
    return "".join(out)


def restyled(text: str, rng: random.Random) -> str:
    """Other marks, widths and capitals; the same words."""
    text = text.translate(str.maketrans("，。“”（）", ",.\"\"()"))
    return text.upper() if rng.random() < 0.5 else text.replace("\n", "\n\n")


def shuffled(text: str, rng: random.Random) -> str:
    """The characters of each line in another order."""
    return "\n".join("".join(rng.sample(line, len(line))) for line in text.split("\n"))


def misread(text: str, rng: random.Random) -> str:
    """UTF-8 read as GBK with losses, or with one byte in fifty gone."""
    data = bytearray(text.encode("utf-8", "replace"))
    if rng.random() < 0.5:
        return bytes(data).decode("gb18030", "replace")
    return bytes(b for b in data if rng.random() > 0.02).decode("utf-8", "replace")


_GARBLED: dict[str, Callable[[str, random.Random], str]] = {"garbled: shuffled": shuffled, "garbled: misread bytes": misread}


def _mobile(rng: random.Random) -> str:
    return rng.choice(("138", "139", "150", "159", "186", "188", "177")) + "".join(rng.choices("0123456789", k=8))


def _resident_id(rng: random.Random) -> str:
    head = f"{rng.choice(('110101', '310104', '440305', '510107'))}{rng.randint(1960, 2004)}{rng.randint(1, 12):02}{rng.randint(1, 28):02}"
    head += f"{rng.randint(1, 999):03}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return head + "10X98765432"[sum(int(d) * w for d, w in zip(head, weights, strict=True)) % 11]


def _card(rng: random.Random) -> str:
    head = "622202" + "".join(rng.choices("0123456789", k=12))
    total = sum(sum(divmod(int(d) * 2, 10)) if i % 2 == 0 else int(d) for i, d in enumerate(reversed(head)))
    return head + str(-total % 10)


def _email(rng: random.Random) -> str:
    return "".join(rng.choices("abcdefghjkmnpqrstuvwxyz", k=8)) + rng.choice(("@163.com", "@qq.com", "@gmail.com"))


_PERSONAL: dict[str, tuple[Callable[[random.Random], str], str, str]] = {
    "mobile": (_mobile, "联系电话{}，欢迎来电。", "Call me at my mobile, +86 {}."),
    "resident ID": (_resident_id, "身份证号：{}。", "His Chinese ID number is {}."),
    "bank card": (_card, "请汇款至银行卡{}。", "Please pay to bank card {}."),
    "e-mail": (_email, "来信请寄{}，谢谢。", "Write to {} for details."),
}


def plant(docs: Sequence[Doc], seed: int, each: int) -> list[Planted]:
    """Up to `each` documents of each kind, made from the sample's documents of 200 to 20,000 characters.

    Personal data and the repeated sentence go into documents of the sample, which they replace; the others are added.
    """
    rng = random.Random(f"selftest {seed}")  # noqa: S311 - repeatable, not secret
    usable = [doc for doc in docs if 200 <= len(doc.text) <= 20_000]
    rng.shuffle(usable)
    inside, outside = usable[::2], usable[1::2]
    each = min(each, len(inside) // (len(_PERSONAL) + 1), len(outside))
    out: list[Planted] = []

    def add(kind: str, of: Doc, text: str, value: str = "") -> None:
        out.append(Planted(f"planted-{len(out):06d}", kind, text, of.id, value))

    def added(kind: str, make: Callable[[str, random.Random], str]) -> None:
        for doc in rng.sample(outside, each):
            add(kind, doc, make(doc.text, rng))

    added("copy", lambda text, _: text)
    added("copy: other marks and case", restyled)
    for rate in EDITS:
        added(f"copy: {rate:.0%} of the units edited", partial(_edit, rate))
    for kind, damage in _GARBLED.items():
        added(kind, damage)
    for k, (name, (make, zh, en)) in enumerate(_PERSONAL.items()):
        for doc in inside[k * each : (k + 1) * each]:
            value = make(rng)
            add(f"personal: {name}", doc, _inserted(doc.text, (zh if _is_chinese(doc.text) else en).format(value), rng), value)
    for doc in inside[len(_PERSONAL) * each : (len(_PERSONAL) + 1) * each]:
        sentence = _SENTENCE["zh" if _is_chinese(doc.text) else "en"]
        add(REPEATED, doc, _inserted(doc.text, sentence, rng), sentence)
    for lang, text in _FOREIGN.items():
        sentences = [part for part in text.replace(". ", ".\n").replace("。", "。\n").split("\n") if part]
        for _ in range(-(-each // len(_FOREIGN))):
            add(f"language: {lang}", usable[0], " ".join(rng.choices(sentences, k=rng.randint(8, 14))))
    return out


def _edit(rate: float, text: str, rng: random.Random) -> str:
    return edited(text, rate, rng)


def _inserted(text: str, sentence: str, rng: random.Random) -> str:
    lines = text.split("\n")
    lines.insert(rng.randrange(len(lines) + 1), sentence)
    return "\n".join(lines)


def _is_chinese(text: str) -> bool:
    return sum("\u4e00" <= c <= "\u9fff" for c in text) > len(text) / 10
