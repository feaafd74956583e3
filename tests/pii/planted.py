"""A seeded generator of text with planted items: valid ones that must be found, near-valid ones that must not.

The numbers are made here from the standards, with code of its own: nothing of `cleaning.pii` is used.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

_ZH_HEAD = ("请联系", "我的资料是", "登记信息：", "客户留言", "备注", "昨天他发来", "详情如下，", "麻烦登记一下")
_ZH_TAIL = ("。谢谢", "，请尽快处理", "吧", "；已确认", "\n以上属实", "，不要外传", " 收到", "）")
_EN_HEAD = ("Please note ", "My details: ", "as given: ", "You can use ", "He wrote ", "record: ")
_EN_TAIL = (" thanks.", ", as agreed", ".\nRegards", " today", "; noted", "")
_WIDE = str.maketrans(
    {chr(c): chr(c + 0xFEE0) for c in (*range(48, 58), *range(65, 91), *range(97, 123))} | {"@": "＠", ".": "．", "-": "－"}
)
_HAN = str.maketrans("0123456789", "零一二三四五六七八九")


@dataclass(frozen=True)
class Kind:
    """How one type is written: a word in front (`{}` where the value goes), the valid and the near-valid maker, and ways to write it."""

    type: str
    zh: tuple[str, ...]
    en: tuple[str, ...]
    valid: Callable[[random.Random], str]
    near: Callable[[random.Random], str]
    styles: tuple[str, ...] = ("plain",)


def digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choice("0123456789") for _ in range(count))


def _luhn_digit(body: str) -> str:
    total = 0
    for i, c in enumerate(reversed(body)):
        n = int(c) * (2 if i % 2 == 0 else 1)
        total += n - 9 if n > 9 else n
    return str(-total % 10)


def _other(rng: random.Random, c: str, alphabet: str = "0123456789") -> str:
    return rng.choice([x for x in alphabet if x != c])


def _wrong_last(make: Callable[[random.Random], str], alphabet: str = "0123456789") -> Callable[[random.Random], str]:
    def near(rng: random.Random) -> str:
        value = make(rng)
        return value[:-1] + _other(rng, value[-1], alphabet)

    return near


def mobile(rng: random.Random) -> str:
    return rng.choice(("130", "138", "139", "145", "150", "159", "166", "176", "177", "180", "188", "191", "198", "199")) + digits(rng, 8)


def mobile_near(rng: random.Random) -> str:
    return rng.choice(
        (
            lambda: mobile(rng)[:10],
            lambda: mobile(rng) + digits(rng, 2),
            lambda: rng.choice(("142", "143", "120", "101", "115")) + digits(rng, 8),
        )
    )()


def _id_body(rng: random.Random, date: str) -> str:
    return rng.choice(("110105", "310104", "440106", "510107", "330106", "650102")) + date + digits(rng, 3)


def _id_check(body: str) -> str:
    return "10X98765432"[sum(int(c) * (2 ** (17 - i) % 11) for i, c in enumerate(body)) % 11]


def _date(rng: random.Random) -> str:
    return f"{rng.randint(1940, 2010)}{rng.randint(1, 12):02d}{rng.randint(1, 28):02d}"


def resident_id(rng: random.Random) -> str:
    body = _id_body(rng, _date(rng))
    return body + _id_check(body)


def resident_id_near(rng: random.Random) -> str:
    if rng.random() < 0.5:
        return _wrong_last(resident_id, "0123456789X")(rng)
    body = _id_body(rng, f"{rng.randint(1940, 2010)}{rng.choice(('0230', '1301', '0431', '0010'))}")
    return body + _id_check(body)


def card(rng: random.Random) -> str:
    prefix, size = rng.choice((("6222", 19), ("6217", 16), ("4", 16), ("51", 16), ("55", 16), ("37", 15)))
    body = prefix + digits(rng, size - len(prefix) - 1)
    return body + _luhn_digit(body)


def imei(rng: random.Random) -> str:
    body = rng.choice(("35", "86", "49")) + digits(rng, 12)
    return body + _luhn_digit(body)


def uscc(rng: random.Random) -> str:
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    body = "91" + rng.choice(("110105", "440300", "310115")) + "".join(rng.choice(alphabet) for _ in range(9))
    total = sum(alphabet.index(c) * pow(3, i, 31) for i, c in enumerate(body))
    return body + alphabet[(31 - total % 31) % 31]


def iban(rng: random.Random) -> str:
    country, body = rng.choice(
        (("DE", digits(rng, 18)), ("GB", "WEST" + digits(rng, 14)), ("FR", digits(rng, 23)), ("NL", "ABNA" + digits(rng, 10)))
    )
    number = "".join(str(int(c, 36)) for c in body + country + "00")
    return f"{country}{98 - int(number) % 97:02d}{body}"


def hk_id(rng: random.Random) -> str:
    letter, number = rng.choice("ABCDEFGHKPRSVYZ"), digits(rng, 6)
    total = 36 * 9 + (ord(letter) - 55) * 8 + sum(int(c) * w for c, w in zip(number, range(7, 1, -1), strict=True))
    check = -total % 11
    return f"{letter}{number}({'A' if check == 10 else check})"


def hk_near(rng: random.Random) -> str:
    value = hk_id(rng)
    return value[:-2] + _other(rng, value[-2]) + ")"


def tw_id(rng: random.Random) -> str:
    order = "ABCDEFGHJKLMNPQRSTUVXYWZIO"
    letter, body = rng.choice(order), rng.choice("12") + digits(rng, 7)
    n = order.index(letter) + 10
    total = n // 10 + n % 10 * 9 + sum(int(c) * w for c, w in zip(body, range(8, 0, -1), strict=True))
    return letter + body + str(-total % 10)


def landline(rng: random.Random) -> str:
    return rng.choice(("010-", "021-", "0571-", "0755-", "(020)", "0431-")) + rng.choice("2345678") + digits(rng, 7)


def plate(rng: random.Random) -> str:
    tail = rng.choice(
        (
            lambda: digits(rng, 5),
            lambda: rng.choice("ABCDEFGH") + digits(rng, 4),
            lambda: "D" + digits(rng, 5),
            lambda: rng.choice("DF") + "A" + digits(rng, 4),
        )
    )()
    return rng.choice("京沪粤苏浙川") + rng.choice("ABCDEFG") + tail


def email(rng: random.Random) -> str:
    name = "".join(rng.choice("abcdefghijk") for _ in range(6))
    return f"{name}{rng.choice(('', '.li', '_1', '88'))}@{rng.choice(('qq.com', '163.com', 'gmail.com', 'mail.example.com.cn', 'sina.cn'))}"


def ipv4(rng: random.Random) -> str:
    return f"{rng.choice((8, 36, 61, 114, 120, 202, 221))}.{rng.randint(10, 250)}.{rng.randint(0, 250)}.{rng.randint(1, 254)}"


def ipv6(rng: random.Random) -> str:
    return rng.choice(("2001:4860", "2400:3200", "240e:398")) + "".join(f":{rng.randint(1, 65535):x}" for _ in range(6))


def mac(rng: random.Random) -> str:
    return rng.choice(":-").join(f"{b:02X}" for b in (0x3C, *(rng.randint(0, 255) for _ in range(5)))).replace("", "")


def ssn(rng: random.Random) -> str:
    return f"{rng.randint(100, 599)}-{rng.randint(10, 99)}-{rng.randint(1000, 9999)}"


def us_phone(rng: random.Random) -> str:
    area, exchange, line = rng.randint(201, 989), rng.randint(200, 999), digits(rng, 4)
    return rng.choice(
        (f"({area}) {exchange}-{line}", f"{area}-{exchange}-{line}", f"+1 {area} {exchange} {line}", f"+1-{area}-{exchange}-{line}")
    )


def address(rng: random.Random) -> str:
    place = rng.choice(("海淀区中关村南大街", "上海市徐汇区漕溪北路", "幸福小区", "朝阳区建国路"))
    return (
        place
        + f"{rng.randint(1, 99)}号"
        + rng.choice(
            (
                f"{rng.randint(1, 9)}号楼{rng.randint(1, 6)}单元{rng.randint(101, 2909)}室",
                f"{rng.randint(101, 2909)}室",
                f"院{rng.randint(1, 9)}栋{rng.randint(101, 999)}" + "室",
            )
        )
    )


def secret(rng: random.Random) -> str:
    letters = "ABCDEFGHIJKLMNPQRSTUVWXYZ23456789"
    return rng.choice(
        (
            lambda: "AKIA" + "".join(rng.choice(letters) for _ in range(15)) + "7",
            lambda: "ghp_" + "".join(rng.choice(letters + letters.lower()) for _ in range(36)),
        )
    )()


def qq(rng: random.Random) -> str:
    return rng.choice("123456789") + digits(rng, rng.randint(5, 9))


def wechat(rng: random.Random) -> str:
    return "".join(rng.choice("abcdefgh") for _ in range(4)) + rng.choice("_-") + digits(rng, 4)


KINDS = (
    Kind("mobile", ("手机{}", "电话：{}", "{}", "联系方式 {}"), ("mobile {}", "{}"), mobile, mobile_near, ("plain", "wide", "344", "344-", "han")),
    Kind("resident_id", ("身份证号{}", "证件号码：{}", "{}"), ("ID {}", "{}"), resident_id, resident_id_near, ("plain", "wide", "684", "lower")),
    Kind("bank_card", ("银行卡号{}", "卡号：{}", "打款到账户{}"), ("card {}", "credit card no. {}"), card, _wrong_last(card), ("plain", "wide", "4444")),
    Kind("imei", ("IMEI：{}", "手机串号{}"), ("IMEI {}",), imei, _wrong_last(imei)),
    Kind("uscc", ("统一社会信用代码{}", "税号：{}", "{}"), ("USCC {}",), uscc, _wrong_last(uscc, "0123456789ABCDEFGHJKLMNPQRTUWXY"), ("plain", "wide")),
    Kind("iban", ("国际账号{}", "IBAN：{}"), ("IBAN {}", "{}"), iban, _wrong_last(iban), ("plain", "groups")),
    Kind("hk_id", ("香港身份证{}", "证件{}", "{}"), ("HKID {}",), hk_id, hk_near),
    Kind("tw_id", ("台湾身分证{}", "{}"), ("TW {}",), tw_id, _wrong_last(tw_id), ("plain", "wide")),
    Kind("macau_id", ("澳门身份证{}", "澳門居民{}"), ("Macau ID {}",), lambda r: f"{r.choice('157')}{digits(r, 6)}({digits(r, 1)})", lambda r: f"{r.choice('2346')}{digits(r, 6)}({digits(r, 1)})"),
    Kind("passport", ("护照号{}", "护照号码：{}"), ("passport {}", "Passport No. {}"), lambda r: r.choice("EG") + digits(r, 8), lambda r: r.choice("EG") + digits(r, 6)),
    Kind("permit", ("港澳通行证{}", "回乡证号：{}"), ("permit {}",), lambda r: r.choice("CHM") + digits(r, 8), lambda r: r.choice("CHM") + digits(r, 6)),
    Kind("plate", ("车牌{}", "车牌号：{}", "一辆轿车{}"), ("plate {}",), plate, lambda r: r.choice("京沪粤") + r.choice("IO") + digits(r, 5)),
    Kind("landline", ("电话{}", "固话：{}", "{}"), ("phone {}", "{}"), landline, lambda r: r.choice(("026-", "0100-", "010-1")) + digits(r, 7), ("plain", "wide")),
    Kind("email", ("邮箱{}", "邮件发到{}", "{}"), ("mail {}", "<{}>"), email, lambda r: email(r).split("@")[0] + "@" + r.choice(("property", "用户", "2x.png", "x.invalid")), ("plain", "wide")),
    Kind("ipv4", ("服务器{}", "IP：{}", "{}"), ("host {}", "from {}"), ipv4, lambda r: r.choice(("192.168.1.", "10.0.3.", "127.0.0.", "300.1.1.", "版本8.20.3.")) + str(r.randint(1, 99))),
    Kind("ipv6", ("地址{}", "IPv6：{}"), ("host {}",), ipv6, lambda r: "fe80:" + ipv6(r)[9:]),
    Kind("mac", ("网卡{}", "MAC：{}"), ("MAC {}",), mac, lambda r: mac(r)[:-3]),
    Kind("us_ssn", ("SSN {}", "社会安全号{}"), ("SSN {}", "{}"), ssn, lambda r: r.choice(("000", "666", "9" + digits(r, 2))) + ssn(r)[3:]),
    Kind("us_phone", ("电话 {}",), ("Call {}", "phone: {}", "{}"), us_phone, lambda r: f"({r.choice('01')}{digits(r, 2)}) {r.randint(200, 999)}-{digits(r, 4)}"),
    Kind("qq", ("QQ：{}", "加QQ{}", "扣扣号{}", "qq群: {}"), ("QQ: {}",), qq, lambda r: "0" + qq(r), ("plain", "wide", "han")),
    Kind("wechat", ("微信：{}", "加我微信{}", "微信号{}", "vx: {}"), ("WeChat: {}",), wechat, lambda r: wechat(r)[:5], ("plain", "wide")),
    Kind("address", ("家住{}", "地址：{}"), (), address, lambda r: r.choice(("建国路", "中关村南大街")) + f"{r.randint(1, 99)}号"),
    Kind("secret_key", ("密钥{}", "key={}"), ("token {}", "key: {}"), secret, lambda r: secret(r)[:12]),
)  # fmt: skip


def styled(value: str, style: str) -> str:
    if style == "wide":
        return value.translate(_WIDE)
    if style == "han":
        return value.translate(_HAN)
    if style in ("344", "344-"):
        mark = " " if style == "344" else "-"
        return mark.join((value[:3], value[3:7], value[7:])) if len(value) == 11 else value
    if style == "684":
        return " ".join((value[:6], value[6:14], value[14:]))
    if style == "4444" and len(value) in (16, 19):
        return " ".join(value[i : i + 4] for i in range(0, len(value), 4))
    if style == "groups":
        return " ".join(value[i : i + 4] for i in range(0, len(value), 4))
    return value.lower() if style == "lower" else value


def sentence(kind: Kind, value: str, rng: random.Random) -> tuple[str, int, str]:
    """A text with the value in it, where it begins, and which style."""
    zh = not kind.en or rng.random() < 0.65
    pattern = rng.choice(kind.zh if zh else kind.en)
    head, tail = (rng.choice(_ZH_HEAD), rng.choice(_ZH_TAIL)) if zh else (rng.choice(_EN_HEAD), rng.choice(_EN_TAIL))
    if rng.random() < 0.2:
        head, tail = "| 序号 | 1 | ", " | 已登记 |"
    before, _, after = pattern.partition("{}")
    style = rng.choice(kind.styles)
    if before.strip(" ") == "" and style in ("han", "684"):
        style = "plain"
    return head + before + styled(value, style) + after + tail, len(head) + len(before), style
