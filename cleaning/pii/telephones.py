"""Telephone numbers: mobile and landline of mainland China, service lines, the North American plan; QQ numbers and WeChat names."""

from __future__ import annotations

import re

from cleaning.pii.kinds import LEFT_NUMBER, NO_NUMBER, NO_UNIT, RIGHT_NUMBER, Form, PiiType

_PREFIX = r"(?:(?:\+|00)?86[ \-]{0,2}|\((?:\+|00)?86\)[ \-]?)?"
# segments given out until 2024 (MIIT): 130-139, 141 and 144-149, 150-153 and 155-159, 162 165-167, 170-178, 180-189, 190-193 195-199
_SEGMENT = r"1(?:3{d}|4[014-9]|5[0-35-9]|6[25-7]|7[0-8]|8{d}|9[0-35-9])".replace("{d}", r"\d")
_SPACED = "1" + r"(?P<g>[ \-.])" + r"(?P=g)".join([r"[35-9]"] + [r"\d"] * 9)
_MOBILE = (
    _PREFIX + rf"(?:{_SEGMENT}(?:\d{{8}}|(?P<a>[ \-.·*_])\d{{4}}(?P=a)\d{{4}}|-\d{{8}})|{_SEGMENT}\d[ \-]\d{{3}}[ \-]\d{{4}}"
    rf"|{_SEGMENT}\d[ \-]\d{{4}}[ \-]\d{{3}}|{_SEGMENT}\d{{2}}[ \-]\d{{6}}|{_SEGMENT}\d{{3}}[ \-]\d{{5}}|{_SEGMENT}\d{{4}}[ \-]\d{{4}}"
    rf"|{_SEGMENT}[ \-]\d{{3}}[ \-]\d{{5}}|{_SPACED})"
)
# area codes of the national numbering plan; 026 and most of 03xx to 09xx are not in use
_AREA = (
    r"0(?:10|2[0-57-9]|31\d|335|349|35\d|37\d|39[1-68]|41\d|42[1-9]|43[1-9]|440|45\d|46[4-9]|47\d|48[23]|51\d|52[37]|53\d|54[36]|55\d|56[1-6]"
    r"|57\d|580|59\d|63[1-5]|66[0-8]|69[12]|701|71\d|72[248]|73\d|74[3-6]|75\d|76[0-9]|77\d|79\d|81[236-9]|82[5-7]|83\d|85\d|87\d|88[3678]"
    r"|89[1-8]|90[1-9]|91\d|93\d|94[13]|95[1-5]|97\d|99\d)"
)
_EXTENSION = r"(?:[ ]?(?:-|转|轉|ext\.?)[ ]?\d{1,6})?"
_SUBSCRIBER = r"(?:[2-8]\d{6,7}|[2-8]\d{3}[ \-]\d{4}|[2-8]\d{2}[ \-]\d{4})"
_TELEPHONE = r"(?i)电话|電話|手机|座机|热线|联系|致电|来电|拨打|传真|客服|咨询|tel|phone|call|fax|mobile|contact|hotline|cell|number|reach|text me"
_CALL = r"(?i)(?:phone|call|fax|mobile|dial|text me|reach (?:me|us)|(?<![a-z])(?:tel|cell))(?![a-z_(])|电话|传真"

MOBILE = PiiType(
    name="mobile",
    about="mobile number of mainland China, by segments that were given out",
    forms=(
        Form(r"(?<!\+)" + LEFT_NUMBER + _MOBILE + RIGHT_NUMBER + NO_UNIT, ("mobile",), unless=NO_NUMBER),
        Form(r"(?<![0-9])" + _MOBILE + RIGHT_NUMBER, ("mobile",), context=r"(?i)(?:手机|手機|电话|電話|mobile|phone|tel|cell)\w{0,3}[=\-#/_\"':：]{1,3}$", after=0),
        Form(rf"(?<![0-9]){_SEGMENT}\d{{8}}(?![0-9])", ("han_digits",), unless=NO_NUMBER),
        Form(rf"(?<![0-9]){_SEGMENT}(?P<a>[ \-.])\d{{4}}(?P=a)\d{{4}}(?![0-9])", ("han_digits",), unless=NO_NUMBER),
    ),
    zh="<手机号>",
    en="<MOBILE>",
    source="MIIT numbering plan; peers: WuDao, MNBVC, any-rule",
    hits=(
        ("请拨打13812345678联系", "13812345678"),
        ("电话：+86 138-1234-5678", "+86 138-1234-5678"),
        ("１３８１２３４５６７８", "１３８１２３４５６７８"),
        ("手机138 1234 5678。", "138 1234 5678"),
        ("我的号是一三八一二三四五六七八", "一三八一二三四五六七八"),
        ("Tel:19912345678", "19912345678"),
        ("tel=13812345678", "13812345678"),
        ("(13812345678)", "13812345678"),
        ("1 3 8 1 2 3 4 5 6 7 8", "1 3 8 1 2 3 4 5 6 7 8"),
    ),
    misses=(
        "更新时间戳: 1693054036971", "圆周率3.13812345678", "订单20230813812345678", "12345678901", "14212345678", "订单号：13812345678",
        "id=13812345678", "+13812345678", "15597568000 bytes", "得到187 34722641", "v1.13812345678", "a13812345678", "13812345678.5", "138123456789", "一九九七年七月一日",
    ),
)  # fmt: skip

LANDLINE = PiiType(
    name="landline",
    about="landline of mainland China with its area code",
    forms=(
        Form(
            LEFT_NUMBER + rf"(?:[(]{_AREA}[)][ \-]?|[（]{_AREA}[）][ \-]?|{_AREA}[)）]?[ \-]{{1,3}}|\+?86[ \-]{{1,2}}{_AREA[1:]}[ \-]{{1,2}}"
            rf"|\+?86[ \-]?[(]{_AREA}[)][ \-]?)" + _SUBSCRIBER + _EXTENSION + RIGHT_NUMBER,
            ("landline",), unless=NO_NUMBER,
        ),
        Form(LEFT_NUMBER + _AREA + r"[2-8]\d{6,7}" + _EXTENSION + RIGHT_NUMBER, ("landline",), context=_TELEPHONE, before=20, after=8, unless=NO_NUMBER),
    ),
    zh="<电话>",
    en="<PHONE>",
    source="national numbering plan, area codes",
    hits=(
        ("电话010-62512345转801", "010-62512345转801"), ("(021)62345678", "(021)62345678"), ("传真0571-87654321", "0571-87654321"),
        ("电话：０１０－６２５１２３４５", "０１０－６２５１２３４５"), ("联系电话0755 2654 3210。", "0755 2654 3210"), ("电话01062512345", "01062512345"),
    ),
    misses=("2019-2020 1234567", "1400000000人", "3.1415926535897", "026-62512345", "010-12345678", "0100-62512345", "编码01062512345"),
)  # fmt: skip

SERVICE_LINE = PiiType(
    name="service_line",
    about="400 and 800 numbers: a business, not a person",
    forms=(Form(LEFT_NUMBER + r"[48]00[ \-]?\d{3}[ \-]?\d{4}" + RIGHT_NUMBER, ("us",)),),
    zh="<服务电话>",
    en="<SERVICE_LINE>",
    source="national numbering plan",
    hits=(("客服热线：400-820-8820", "400-820-8820"), ("拨打400 123 4567。", "400 123 4567")),
    misses=("400-82-88201", "1400-820-8820"),
    action="keep",
    proved=False,
)

US_PHONE = PiiType(
    name="us_phone",
    about="telephone number of the North American plan, written with +1, brackets or separators, or with a word that says so",
    forms=(
        Form(LEFT_NUMBER + r"(?:\+1[ \-.]?|1[\-.])?[(][2-9]\d{2}[)][ \-.]?[2-9]\d{2}[ \-.]\d{4}" + r"(?:[ ]?(?:x|ext\.?)[ ]?\d{1,5})?" + RIGHT_NUMBER, ("us",)),
        Form(LEFT_NUMBER + r"\+1[ \-.]?[2-9]\d{2}[ \-.]?[2-9]\d{2}[ \-.]?\d{4}" + r"(?:[ ]?(?:x|ext\.?)[ ]?\d{1,5})?" + RIGHT_NUMBER, ("us",)),
        Form(LEFT_NUMBER + r"(?:1[\-.])?[2-9]\d{2}(?P<s>[\-.])[2-9]\d{2}(?P=s)\d{4}(?:[ ]?(?:x|ext\.?)[ ]?\d{1,5})?" + RIGHT_NUMBER, ("us",), unless=NO_NUMBER),
        Form(LEFT_NUMBER + r"(?:1[ ])?[2-9]\d{2}[ ]?[2-9]\d{2}[ ]?\d{4}" + RIGHT_NUMBER, ("us",), context=_CALL, before=24, after=8, unless=NO_NUMBER),
    ),
    zh="<美国电话>",
    en="<US_PHONE>",
    source="NANPA: area and exchange begin with 2-9; Dolma's phone tagger",
    hits=(("Call (415) 555-2671 now", "(415) 555-2671"), ("+1 415 555 2671", "+1 415 555 2671"), ("phone 4155552671", "4155552671"), ("212-736-5000", "212-736-5000")),
    misses=("1693054036", "155-123-4567", "415-055-2671", "4155552671 bytes", "id(numbers)\n4424446032", "@手机用户2982580873", "2001-10-2000", "10.415.555.2671"),
)  # fmt: skip

QQ = PiiType(
    name="qq",
    about="QQ number, after a word that says so",
    forms=(
        Form(
            r"(?<![A-Za-z0-9])(?:[Qq]{2}|(?<=加)[Qq]|[Qq](?=[号群:：])|扣扣|(?:企鹅|球球|秋秋)(?=[ ]?[号群:：]))[ ]?(?:交流|官方|技术|学习|粉丝|咨询|客服|联系|业务)?[ ]?(?:群|号码|号|邮箱|咨询|客服|在线)?[ ]?(?:号码|号|是|为)?"
            r"[ ]{0,2}[:：;；=（(+\-]?[ ]{0,2}(?P<v>[1-9]\d{4,10}|[1-9]\d{0,2}(?P<s>[ \-])\d{2,4}(?:(?P=s)\d{2,4}){1,2}|[1-9]\d{2,3}(?P<t>[ \-])\d{3,4}(?:(?P=t)\d{2,4})?)(?![0-9A-Za-z@]|[.\-]\d|[年月日元万亿个名人%])",
            ("qq",), validator="bank_digits",
        ),
    ),
    zh="<QQ号>",
    en="<QQ>",
    source="Tencent: 5 to 11 digits, the first not 0",
    hits=(("QQ群：127456789", "127456789"), ("加QQ82345671", "82345671"), ("扣扣 2837465", "2837465"), ("ＱＱ：８２３４５６１", "８２３４５６１"), ("QQ号码是 82 3456 71", "82 3456 71"), ("qq:八二三四五六一", "八二三四五六一")),
    misses=("QQ音乐2023", "QQ2023版", "QQ飞车20230101年", "QQ 3.14159", "IQQ123456"),
)  # fmt: skip

_WX = r"(?:微信|威信|薇信|微❤|薇❤|徽信|卫星信|wei[ ]?xin|we[ ]?chat|v信|wx|vx|v❤|v:)"
WECHAT = PiiType(
    name="wechat",
    about="WeChat name, after a word that says so",
    forms=(
        Form(
            r"(?<![A-Za-z0-9\-])" + _WX + r"[ ]?(?:公众号|订阅号|服务号|客服|咨询)?[ ]?(?:账号|帐号|号码|号|id)?[ ]{0,2}"
            r"(?:[:：;；=（(]|是|为)[ ]{0,2}[:：]?[ ]{0,2}(?P<v>[A-Za-z][\-_A-Za-z0-9]{5,19})(?![\-_A-Za-z0-9@]|://|\.[A-Za-z])",
            ("wechat",), flags=re.IGNORECASE,
        ),
        Form(
            r"(?<![A-Za-z0-9\-])" + _WX + r"[ ]?(?:公众号|账号|帐号|号码|号|id)?[ ]{0,2}(?P<v>[A-Za-z](?=[\-_A-Za-z]*[0-9_])[\-_A-Za-z0-9]{5,19})(?![\-_A-Za-z0-9@]|://|\.[A-Za-z])",
            ("wechat",), flags=re.IGNORECASE, context=r"(?i)(?:加|添加|关注|联系|私信)(?:我|您|你|咱|老师|客服)?的?" + _WX + r".{0,12}$", after=0,
        ),
        Form(
            r"(?<![A-Za-z0-9\-])" + _WX + r"(?:账号|帐号|号码|号|id)[ ]{0,2}[:：]?[ ]{0,2}(?P<v>[A-Za-z](?=[\-_A-Za-z]*[0-9_])[\-_A-Za-z0-9]{5,19})(?![\-_A-Za-z0-9@]|://|\.[A-Za-z])",
            ("wechat",), flags=re.IGNORECASE,
        ),
        Form(
            r"(?<![A-Za-z0-9])" + _WX + r"[ ]?(?:账号|帐号|号码|号|id|群)?[ ]{0,2}[:：][ ]{0,2}(?P<v>[1-9]\d{5,10})(?![0-9A-Za-z@]|[.\-]\d)",
            ("wechat",), flags=re.IGNORECASE, validator="bank_digits",
        ),
    ),
    zh="<微信号>",
    en="<WECHAT>",
    source="WeChat: 6 to 20 letters, digits, - and _, the first a letter",
    hits=(("加微信abc12345吧", "abc12345"), ("微信：abc_12345", "abc_12345"), ("vx: hello123", "hello123"), ("微信号 wxid_8a7b6c", "wxid_8a7b6c"), ("微信号：ＡＢＣ１２３４５", "ＡＢＣ１２３４５")),
    misses=("微信支付Pay", "微信 Android 版", "微信小程序Windows端", "微信公众平台Developer", "关注微信公众号获取更多"),
)  # fmt: skip

TYPES = (MOBILE, LANDLINE, SERVICE_LINE, US_PHONE, QQ, WECHAT)
