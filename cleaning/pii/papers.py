"""Numbers on papers: identity cards, passports and permits, bank cards, company codes, plates, vehicles, devices."""

from __future__ import annotations

from cleaning.pii.kinds import LEFT, LEFT_NUMBER, NO_NUMBER, RIGHT, RIGHT_NUMBER, Form, PiiType

_ID_LOOSE = r"[1-9]\d{5}[ \-]?(?:18|19|20)\d{2}[ \-]?(?:0[1-9]|1[0-2])[ \-]?(?:0[1-9]|[12]\d|3[01])[ \-]?\d{3}[ \-]?[\dXx]"
_ID_SPACED = r"[1-9](?P<s>[ \-])" + r"\d(?P=s)" * 16 + r"[\dXx]"
_ID_FOURS = r"[1-9]\d{2,5}[ \-]\d{3,4}[ \-]\d{3,4}[ \-]\d{3,4}(?:[ \-]\d{1,4})?[\dXx]?"
_ID_WORDS = r"(?i)身份证|身份證|证件|證件|ID(?![A-Za-z])|公民身份|identity"
_PASSPORT_WORDS = r"(?i)护照|護照|旅行证|通行证|通行證|签证|证件|passport|travel doc"
_CARD_WORDS = r"(?i)卡号|账号|帐号|账户|賬號|卡(?![通片车顿])|银行|银联|储蓄|信用卡|借记|打款|汇款|转账|支付|付款|银联|刷卡|card|(?<![a-z])cc(?![a-z])|credit|debit|visa|account|payment"
_PROVINCE = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使领"

RESIDENT_ID = PiiType(
    name="resident_id",
    about="居民身份证 of 18 characters: province, a real date, MOD 11-2",
    forms=(
        Form(r"(?<![0-9])" + _ID_LOOSE + r"(?![0-9A-Za-z])", ("long",), "resident_id"),
        Form(r"(?<![0-9])" + _ID_FOURS + r"(?![0-9A-Za-z])", ("long",), "resident_id_split"),
        Form(r"(?<![0-9])" + _ID_SPACED + r"(?![0-9A-Za-z])", ("long",), "resident_id"),
        Form(r"(?<![0-9])" + _ID_LOOSE + r"(?![0-9A-Za-z])", ("han_digits",), "resident_id"),
    ),
    zh="<身份证号>",
    en="<RESIDENT_ID>",
    source="GB 11643-1999; ISO 7064 MOD 11-2",
    hits=(
        ("身份证号11010519491231002X。", "11010519491231002X"), ("110105 19491231 002x", "110105 19491231 002x"),
        ("１１０１０５１９４９１２３１００２Ｘ", "１１０１０５１９４９１２３１００２Ｘ"), ("id:110105-19491231-002X", "110105-19491231-002X"),
        ("一一零一零五一九四九一二三一零零二X", "一一零一零五一九四九一二三一零零二X"),
    ),
    misses=("110105194912310021", "911010519491231002X", "11010519490231002X", "00010519491231002X"),
)  # fmt: skip

RESIDENT_ID_OLD = PiiType(
    name="resident_id_old",
    about="居民身份证 of 15 digits, where a word says so",
    forms=(Form(LEFT_NUMBER + r"[1-9]\d{7}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}" + RIGHT_NUMBER, ("long",), "resident_id_old", _ID_WORDS),),
    zh="<身份证号>",
    en="<RESIDENT_ID>",
    source="GB 11643-1989",
    hits=(("身份证：110105491231002", "110105491231002"),),
    misses=("110105491231002", "身份证：110105491331002", "身份证：000105491231002"),
)

HK_ID = PiiType(
    name="hk_id",
    about="identity card of Hong Kong, with its check character in brackets",
    forms=(
        Form(LEFT + r"[A-Z]{1,2}\d{6}[ ]?(?:[(][0-9A][)]|（[0-9A]）)", ("document",), "hk_id"),
        Form(LEFT + r"[A-Z]{1,2}\d{6}[0-9A]" + RIGHT, ("document",), "hk_id", r"(?i)香港|hkid|hong kong id|身份证|身份證", before=16),
    ),
    zh="<香港身份证号>",
    en="<HK_ID>",
    source="Hong Kong Immigration Department: check character modulo 11",
    hits=(("香港身份證 A123456(3)", "A123456(3)"), ("持有A123456（3）入境", "A123456（3）")),
    misses=("A123456(4)", "A123456", "AAA123456(3)"),
)  # fmt: skip

TW_ID = PiiType(
    name="tw_id",
    about="identity or residence number of Taiwan",
    forms=(
        Form(LEFT + r"[A-Z][12]\d{8}" + RIGHT, ("document",), "tw_id", unless=r"(?i)(?:[\-_./#=]|(?<![a-z])id ?)$"),
        Form(LEFT + r"[A-Z][89]\d{8}" + RIGHT, ("document",), "tw_id", r"(?i)台湾|臺灣|台灣|身分證|身份证|身份證|居留|Taiwan"),
    ),
    zh="<台湾身份证号>",
    en="<TW_ID>",
    source="Taiwan Ministry of the Interior: letter map, modulo 10",
    hits=(("身分證字號A123456789", "A123456789"), ("居留證A800000014", "A800000014")),
    misses=("A123456788", "A323456789", "A1234567890"),
)

MACAU_ID = PiiType(
    name="macau_id",
    about="identity card of Macau, where a word says so (it has no check digit that is public)",
    forms=(Form(LEFT_NUMBER + r"[157]\d{6}[ ]?(?:[(]\d[)]|（\d）)", ("macau",), "", r"(?i)澳门|澳門|macau|macao|BIR", before=24),),
    zh="<澳门身份证号>",
    en="<MACAU_ID>",
    source="Macau Identification Services Bureau",
    hits=(("澳门身份证1234567(8)", "1234567(8)"), ("澳門居民身份證：5123456（7）", "5123456（7）")),
    misses=("1234567(8)", "澳门身份证2234567(8)"),
)

PASSPORT = PiiType(
    name="passport",
    about="passport of China or the US, where a word says so",
    forms=(
        Form(LEFT + r"(?:[Ee][0-9A-HJ-NP-Z]\d{7}|[GDSPgdsp][E]?\d{7,8}|K[0-9A-Z]?\d{7,8}|[HM]J?\d{8})" + RIGHT, ("document",), "", _PASSPORT_WORDS),
        Form(LEFT_NUMBER + r"1[45]\d{7}" + RIGHT_NUMBER, ("document",), "", _PASSPORT_WORDS),
        Form(LEFT + r"(?:[A-Z]\d{8}|\d{9})" + RIGHT_NUMBER, ("document",), "", r"(?i)passport|护照", before=24, after=4),
    ),
    zh="<护照号>",
    en="<PASSPORT>",
    source="National Immigration Administration: ordinary (E, G, 14, 15), diplomatic, service, public affairs; Hong Kong and Macau K, H, M",
    hits=(("护照号E12345678", "E12345678"), ("护照：EA1234567", "EA1234567"), ("Passport No. G28233515", "G28233515")),
    misses=("型号E12345678", "护照E1234567", "护照号EI1234567"),
)  # fmt: skip

PERMIT = PiiType(
    name="permit",
    about="permits between the mainland, Hong Kong, Macau and Taiwan, where a word says so",
    forms=(
        Form(LEFT + r"(?:[HhMm]\d{8}(?:\d{2})?|[CcWw][0-9A-HJ-NP-Z]\d{7}|[TtLl]\d{8})" + RIGHT, ("document",), "", r"通行证|通行證|回乡证|回鄉證|台胞证|臺胞證|往来|往來|permit"),
        Form(LEFT_NUMBER + r"\d{8}(?:\d{2})?" + RIGHT_NUMBER, ("document",), "", r"台胞证|臺胞證|台湾居民来往大陆通行证|臺灣居民來往大陸通行證", before=20, after=0),
    ),
    zh="<通行证号>",
    en="<PERMIT>",
    source="National Immigration Administration",
    hits=(("港澳通行证C12345678", "C12345678"), ("回乡证号：H12345678", "H12345678"), ("台胞证 12345678", "12345678")),
    misses=("C12345678", "型号H12345678", "通行证C1234567"),
)  # fmt: skip

BANK_CARD = PiiType(
    name="bank_card",
    about="bank card: Luhn and an issuer's prefix; older prefixes and 13 or 14 digits where a word says so",
    forms=(
        Form(LEFT_NUMBER + r"(?:\d{4}(?P<a>[ \-])\d{4}(?P=a)\d{4}(?P=a)\d{4}(?:(?P=a)?\d{1,3})?|\d{4}(?P<b>[ \-])\d{6}(?P=b)\d{5})" + RIGHT_NUMBER, ("long",), "bank_card"),
        Form(LEFT_NUMBER + r"\d{6}[ \-]\d{10,13}" + RIGHT_NUMBER, ("long",), "modern_card"),
        Form(LEFT_NUMBER + r"62\d{14,17}" + RIGHT_NUMBER, ("long",), "modern_card", unless=NO_NUMBER),
        Form(LEFT_NUMBER + r"\d{13,19}" + RIGHT_NUMBER, ("long",), "bank_card", _CARD_WORDS, before=60, after=30, unless=NO_NUMBER),
    ),
    zh="<银行卡号>",
    en="<BANK_CARD>",
    source="ISO/IEC 7812 (Luhn); IIN ranges of UnionPay, Visa, Mastercard, American Express, JCB, Discover, Diners",
    hits=(
        ("卡号4111111111111111", "4111111111111111"), ("银行卡 6222 0210 0111 6245 702", "6222 0210 0111 6245 702"),
        ("卡号：6222021001116245702", "6222021001116245702"), ("card 4111-1111-1111-1111", "4111-1111-1111-1111"),
    ),
    misses=("卡号4111111111111112", "1693054036971000", "4242424242424242", "sudoku 4132234132141423", "订单号4111111111111111", "0.4111111111111111", "卡号1234567890123456"),
)  # fmt: skip

IBAN = PiiType(
    name="iban",
    about="international bank account number: the country's length, modulo 97",
    forms=(
        Form(LEFT + r"[A-Z]{2}\d{2}(?:[ ]?[A-Z0-9]{4}){2,7}(?:[ ]?[A-Z0-9]{1,4})?" + RIGHT, ("iban",), "iban"),
        Form(LEFT + r"[A-Z]{2}\d{2}(?:[ ][A-Z0-9]{4}){2,7}(?:[ ][A-Z0-9]{1,3})?" + RIGHT, ("iban",), "iban"),
        Form(LEFT + r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}" + RIGHT, ("iban",), "iban"),
    ),
    zh="<国际银行账号>",
    en="<IBAN>",
    source="ISO 13616; SWIFT registry",
    hits=(("IBAN GB82 WEST 1234 5698 7654 32", "GB82 WEST 1234 5698 7654 32"), ("转入DE89370400440532013000。", "DE89370400440532013000")),
    misses=("GB82 WEST 1234 5698 7654 33", "DE8937040044053201300", "ZZ89370400440532013000"),
)  # fmt: skip

USCC = PiiType(
    name="uscc",
    about="统一社会信用代码: a company, not a person",
    forms=(Form(LEFT + r"[1-9A-GNY][1-59]\d{6}[0-9A-HJ-NP-RT-UW-Y]{10}" + RIGHT, ("code18", "long"), "uscc"),),
    zh="<统一社会信用代码>",
    en="<USCC>",
    source="GB 32100-2015",
    hits=(("代码91110000802100433B", "91110000802100433B"), ("91440300708461136T", "91440300708461136T")),
    misses=("91110000802100433A", "9111000080210043"),
    action="keep",
    proved=False,
)

PLATE = PiiType(
    name="plate",
    about="licence plate, where a word says so or with the usual dot",
    forms=(
        Form(
            rf"[{_PROVINCE}][A-HJ-NP-Z][ ·•.\-]?(?:[DF][A-HJ-NP-Z0-9]\d{{4}}|\d{{5}}[DF]|[A-HJ-NP-Z0-9]{{4}}[A-HJ-NP-Z0-9挂学警港澳])(?![0-9A-Za-z])",
            ("plate",), "", r"车牌|車牌|号牌|牌照|牌号|轿车|驾驶|机动车|货车|客车|汽车|小车|面包车|越野|司机|车主|车辆|肇事|违章|停车|plate|卡口|违停", before=30, after=16,
        ),
        Form(rf"[{_PROVINCE}][A-HJ-NP-Z][·•](?=[A-Z]{{0,3}}[0-9])(?:[DF][A-HJ-NP-Z0-9]\d{{4}}|\d{{5}}[DF]|[A-HJ-NP-Z0-9]{{4}}[A-HJ-NP-Z0-9挂学警港澳])(?![0-9A-Za-z])", ("plate",)),
    ),
    zh="<车牌号>",
    en="<PLATE>",
    source="GA 36-2018",
    hits=(("车牌京A12345", "京A12345"), ("粤B·D12345", "粤B·D12345"), ("一辆车牌为沪A12345D的轿车", "沪A12345D")),
    misses=("最新GDP2023年", "京A12345", "车牌京I12345", "车牌京A123456"),
)  # fmt: skip

VIN = PiiType(
    name="vin",
    about="vehicle identification number, where a word says so",
    forms=(Form(LEFT + r"[A-HJ-NPR-Z0-9]{17}" + RIGHT, ("code17",), "vin", r"(?i)车架|車架|vin|识别代号|chassis"),),
    zh="<车架号>",
    en="<VIN>",
    source="ISO 3779; 49 CFR 565.15",
    hits=(("车架号1M8GDM9AXKP042788", "1M8GDM9AXKP042788"),),
    misses=("1M8GDM9AXKP042788", "车架号1M8GDM9AXKP042789"),
)

IMEI = PiiType(
    name="imei",
    about="IMEI of a telephone: Luhn, where a word says so",
    forms=(Form(LEFT_NUMBER + r"(?:\d{15}|\d{2}[ \-]\d{6}[ \-]\d{6}[ \-]\d)" + RIGHT_NUMBER, ("long",), "imei", r"(?i)imei|串号|串號|设备号|手机序列", before=24),),
    zh="<IMEI>",
    en="<IMEI>",
    source="3GPP TS 23.003",
    hits=(("IMEI：490154203237518", "490154203237518"), ("手机串号49-015420-323751-8", "49-015420-323751-8")),
    misses=("490154203237518", "IMEI：490154203237519"),
)

US_SSN = PiiType(
    name="us_ssn",
    about="US social security number, written with dashes; with blanks or none where a word says so",
    forms=(
        Form(r"(?<![0-9A-Za-z\-])\d{3}-\d{2}-\d{4}(?![0-9A-Za-z\-]|\.\d)", ("us",), "us_ssn", unless=NO_NUMBER),
        Form(LEFT_NUMBER + r"\d{3}[ ]?\d{2}[ ]?\d{4}" + RIGHT_NUMBER, ("us",), "us_ssn", r"(?i)ssn|social security|社会安全|社会保障号", before=30, after=8),
    ),
    zh="<社会安全号>",
    en="<US_SSN>",
    source="US Social Security Administration: areas and groups never given out",
    hits=(("SSN 123-45-6789", "123-45-6789"), ("my social security number is 536 90 4399", "536 90 4399")),
    misses=("000-12-3456", "666-12-3456", "078-05-1120", "923-45-6789", "123-00-6789", "123456789", "1-123-45-6789"),
)

TYPES = (IBAN, RESIDENT_ID, USCC, BANK_CARD, IMEI, RESIDENT_ID_OLD, HK_ID, TW_ID, MACAU_ID, PASSPORT, PERMIT, PLATE, VIN, US_SSN)
