"""Street addresses that lead to a door: down to the room or the flat. A street, a town or a building alone is no personal data."""

from __future__ import annotations

from cleaning.pii.kinds import Form, PiiType

_HAN = r"[一-鿿]"
_NUMBER = r"(?:[1-9]\d{0,4}|[一二三四五六七八九十百]{1,5})"
_STREET = r"(?:路|街|大道|道|巷|弄|胡同|里|村|社区|小区|花园|苑|园|新村|公寓|大厦|广场|庄|城|府|家园|屯|镇|乡|区|組|组)"
_HOUSE = rf"(?:(?<![0-9一二三四五六七八九十百]){_NUMBER}(?:[\-－之]\d{{1,4}})?(?:号院|号楼|號樓|号|號|弄|巷|院|楼|栋|棟|幢|座|区|期)|[A-Z甲乙丙丁](?:座|栋|幢|区))"
_ROOM = rf"(?:{_NUMBER}(?:单元|單元|门)|{_NUMBER}(?:楼|层|樓|層|F))?[\-－ ]?(?:[A-Z]?[1-9]\d{{1,4}}[A-Z]?(?:室|房|户|號室|号房)|[A-Z]?[1-9]\d{{0,4}}(?:室|户)|(?<=单元)[1-9]\d{{1,3}}(?![0-9]))(?:号)?"

ADDRESS = PiiType(
    name="address",
    about="street address in Chinese, down to the room: from the house number on",
    forms=(
        Form(
            rf"(?<![0-9A-Za-z])(?P<v>{_HOUSE}(?:[ ]?{_HAN}{{0,6}}?{_HOUSE}){{0,3}}{_HAN}{{0,6}}?[ ]?{_ROOM})(?![0-9A-Za-z])",
            ("address",), context=rf"{_STREET}{_HAN}{{0,8}}[ ]?$", before=24, after=0, back=40,
        ),
        Form(r"(?<=[区园寓苑厦村社])(?P<v>[1-9A-Z]\d{0,2}[\-－]\d{1,2}[\-－]\d{2,4}室?)(?![0-9\-])", ("address",), context=rf"{_HAN}{{2}}$", after=0, back=1),
    ),
    zh="<住址>",
    en="<ADDRESS>",
    source="own: levels of GB/T 27766; must reach the room, masked from the house number on",
    hits=(
        ("家住海淀区中关村南大街5号院3号楼2单元501室。", "5号院3号楼2单元501室"), ("地址：上海市徐汇区漕溪北路88号1203室", "88号1203室"),
        ("住在幸福小区12栋3单元402", "12栋3单元402"), ("朝阳区建国路８８号２号楼１５０１室", "８８号２号楼１５０１室"),
    ),
    misses=("建国路88号", "中关村南大街5号", "会议在301室举行", "第3号楼", "教学楼201室"),
)  # fmt: skip

_NAME = r"[A-Z][A-Za-z'.\-]{1,20}"
_WAY = r"(?i:street|st|avenue|ave|road|rd|boulevard|blvd|lane|ln|drive|dr|court|ct|place|pl|way|terrace|circle|parkway|pkwy|highway|hwy|square|sq|trail|loop)"
ADDRESS_EN = PiiType(
    name="address_en",
    about="street address in English, down to the flat",
    forms=(
        Form(
            rf"(?<![0-9A-Za-z.\-])[1-9]\d{{0,5}}[A-Za-z]?(?:[ ](?:[NSEW]\.?|{_NAME}|\d{{1,3}}(?:st|nd|rd|th))){{1,4}}[ ]{_WAY}\.?,?\s{{1,2}}(?i:apt\.?|apartment|suite|ste\.?|unit|room|rm\.?|flat|#)\s?(?:#\s?)?[A-Za-z]?\d{{1,5}}[A-Za-z]?(?![A-Za-z0-9])",
            ("flat",), back=90,
        ),
        Form(r"(?<![A-Za-z])(?i:flat|apartment|apt\.?)[ ][1-9]\d{0,3}[A-Za-z]?,[ ][1-9]\d{0,4}[A-Za-z]?(?:[ ]" + _NAME + r"){1,4}[ ]" + _WAY + r"(?![A-Za-z])", ("flat",)),
    ),
    zh="<英文住址>",
    en="<ADDRESS>",
    source="own; USPS Publication 28 (secondary units)",
    hits=(("lives at 1200 North Maple Street, Apt 4B, Springfield", "1200 North Maple Street, Apt 4B"), ("Flat 3, 22 Baker Street", "Flat 3, 22 Baker Street")),
    misses=("1200 Maple Street", "the best 3 suites", "unit 4 test"),
)

TYPES = (ADDRESS, ADDRESS_EN)
