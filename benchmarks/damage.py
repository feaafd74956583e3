"""Junk made out of good documents: pure functions (text, rng) -> text, the same for the same seed.

Junk with labels is rare and old, and rules fitted to one collection of it fit that collection. These kinds are made to order:
what a wrong decoder, a stuck model, a scraper's enemy or a spammer makes of a text. Menus and templates are written here, without
a look at the project's word lists; no real number, name or address stands in them. The real thing is messier than what is made.
"""

from __future__ import annotations

import base64
import random
import re
from collections.abc import Callable
from functools import partial

Damage = Callable[[str, random.Random], str]


def misread(written: str, read: str, then: str | None = None) -> Damage:
    """Bytes of one encoding read as another; with `then`, written as UTF-8 and misread once more."""

    def damage(text: str, _: random.Random) -> str:
        wrong = text.encode(written, "replace").decode(read, "replace")
        return wrong if then is None else wrong.encode("utf-8", "replace").decode(then, "replace")

    return damage


def replaced(text: str, rng: random.Random) -> str:
    """One character in twenty is U+FFFD: what decoders leave of broken bytes."""
    return "".join("\ufffd" if rng.random() < 0.05 and not c.isspace() else c for c in text)


def noise(text: str, rng: random.Random, lang: str) -> str:
    """10 to 30 % of the characters are others: common Han, any Han or letters; one alphabet a document."""
    share = rng.uniform(0.1, 0.3)
    alphabet = rng.choice((_HAN_COMMON, _HAN_ALL, _LETTERS) if lang == "zh" else (_LETTERS, _LETTERS.upper()))
    return "".join(rng.choice(alphabet) if not c.isspace() and rng.random() < share else c for c in text)


def characters_shuffled(text: str, rng: random.Random) -> str:
    """The document's characters in another order; white space stays where it was, so lines and words keep their lengths."""
    return _shuffled(list(text), rng)


def words_shuffled(text: str, rng: random.Random, lang: str) -> str:
    """The document's words in another order; line ends stay."""
    return _shuffled(split_words(text, lang), rng)


def split_words(text: str, lang: str) -> list[str]:
    """The text in pieces that join to itself: words by jieba (zh), runs between blanks (en)."""
    if lang == "en":
        return re.findall(r"\s+|\S+", text)
    import jieba  # type: ignore[import-untyped,unused-ignore]

    jieba.setLogLevel(60)
    found: list[str] = jieba.lcut(text)
    return found


def content_words(text: str, lang: str) -> list[str]:
    """Words that mean something, in their order, with repeats."""
    if lang == "en":
        return [word for word in re.findall(r"[A-Za-z]{3,}", text) if word.lower() not in _EMPTY["en"]]
    words = (word for word in split_words(text, lang) if len(word) > 1 and word not in _EMPTY["zh"])
    return [word for word in words if re.fullmatch(r"[一-鿿A-Za-z]+", word)]


def sentences(text: str) -> list[str]:
    """The text's sentences, or the text where none can be seen."""
    return [found for match in _SENTENCE.finditer(text) if len(found := match.group().strip()) > 5] or [text.strip()]


def machine_loop(text: str, rng: random.Random) -> str:
    """A sentence or a few, over and over, 5 to 50 times; half of the documents begin with some sense."""
    found = sentences(text)
    start = rng.randrange(len(found))
    loop = " ".join(found[start : start + rng.choice((1, 1, 2, 3, 5))])
    begin = found[max(0, start - 2) : start] if rng.random() < 0.5 else []
    return rng.choice(("\n", "", " ", "\n\n")).join([*begin, *[loop] * rng.randint(5, 50)])


def keyword_stuffing(text: str, rng: random.Random, lang: str) -> str:
    """The document's content words and nothing else, once each or again and again, in order or not, with one separator."""
    words = content_words(text, lang)[: rng.randint(60, 300)]
    if rng.random() < 0.5:
        words = list(dict.fromkeys(words))
    elif rng.random() < 0.5:
        words = [word for word in words[:40] for _ in range(rng.randint(1, 6))]
    if rng.random() < 0.5:
        rng.shuffle(words)
    return rng.choice((" ", ", ", "|", " | ", "\n") if lang == "en" else (" ", ",", "，", "、", "|", "\n")).join(words)


def seo_phrases(text: str, rng: random.Random, lang: str) -> str:
    """A few subjects times what people search for: "X price, best X, X near me"."""
    subjects = rng.sample(words, min(len(words), rng.randint(1, 4))) if (words := sorted(set(content_words(text, lang)))) else ["tool"]
    phrases = [pattern.replace("*", subject) for subject in subjects for pattern in rng.sample(_SEARCHES[lang], rng.randint(6, 9))]
    rng.shuffle(phrases)
    return rng.choice((", ", " ", " | ", "? ") if lang == "en" else ("，", "、", " ", "_", "？")).join(phrases)


def word_salad(text: str, rng: random.Random, lang: str) -> str:
    """Content words in nearly their order with wrong particles between and marks anywhere: like very bad machine translation."""
    words = content_words(text, lang)[:400]
    for start in range(0, len(words), 6):
        window = words[start : start + 6]
        rng.shuffle(window)
        words[start : start + 6] = window
    out: list[str] = []
    marks = (", ", ". ", "; ") if lang == "en" else ("，", "。", "；")
    for word in words:
        out.append(word)
        if rng.random() < 0.14:
            out.append(rng.choice(marks) + ("\n" if rng.random() < 0.1 else ""))
        elif rng.random() < 0.55:
            out.append(rng.choice(_PARTICLES[lang]))
    if lang == "zh":
        return "".join(out) + "。"
    return re.sub(r" +([,.;])\s*", r"\1 ", " ".join(out)) + "."


def interleaved(text: str, rng: random.Random) -> str:
    """Junk between the characters against scrapers: one or two marks for each document, blanks and invisible ones too."""
    marks = rng.sample(("*", "●", "-", ".", "~", "^", "#", "_", " ", "\u200b", "|", "o", "☆", "=", "\u00ad"), rng.randint(1, 2))
    share = rng.uniform(0.5, 1.0)
    pairs = re.compile(r"(?<=[一-鿿])(?=[一-鿿])|(?<=[A-Za-z])(?=[A-Za-z])")
    return pairs.sub(lambda _: rng.choice(marks) if rng.random() < share else "", text)


def nav_page(text: str, rng: random.Random, lang: str) -> str:
    """Menus, a path, headlines of the document (cut short, with dates), a pager and a footer; no running text."""
    entries = rng.sample(_MENU[lang], rng.randint(15, 40))
    gap = rng.choice(("\n", "\n", " | ", "  ", " > ", "·"))
    longest = 24 if lang == "zh" else 60
    heads = [found[: rng.randint(10, longest)].strip() for found in sentences(text)[: rng.randint(3, 10)]]
    dates = rng.random() < 0.6
    dated = [f"{head}{rng.choice(('...', '…', ''))}" + (f" {_date(rng)}" if dates else "") for head in heads]
    path = " » ".join(rng.sample(_MENU[lang], 3))
    pager = rng.choice(("1 2 3 4 5 … 27", "« 1 2 3 »")) + (" 下一页 尾页" if lang == "zh" else " Next Last")
    footer = [_fill(line, rng) for line in rng.sample(_FOOTER[lang], rng.randint(2, 3))]
    middle = len(entries) // 2
    return "\n".join([gap.join(entries[:middle]), path, *dated, pager, gap.join(entries[middle:]), *footer])


def tag_list(text: str, rng: random.Random, lang: str) -> str:
    """A tag cloud of the document's words: with hashes, with counts, or bare."""
    tags = list(dict.fromkeys(content_words(text, lang)))[: rng.randint(20, 120)]
    form = rng.choice(("#{}", "{} ({})", "{}", "#{}#", "{}（{}）"))
    return rng.choice(("\n", " ", "  ")).join(form.format(tag, rng.randint(1, 400)) for tag in tags)


def link_list(text: str, rng: random.Random) -> str:
    """Addresses, alone or behind a cut headline, bare or as Markdown."""
    heads = [found[: rng.randint(8, 40)] for found in sentences(text)]
    form = rng.choice(("{url}", "{head} {url}", "[{head}]({url})", "- {head}: {url}", "{head}\n{url}"))
    number = partial(rng.randint, 1, 99999)
    links = [f"http://{_fill('{url}', rng)}/{rng.choice(('a', 'tag', 'p'))}/{number()}.html" for _ in range(rng.randint(10, 50))]
    return "\n".join(form.format(url=link, head=heads[i % len(heads)]) for i, link in enumerate(links))


def number_table(text: str, rng: random.Random, lang: str) -> str:
    """A table of numbers under a few words, torn off in the middle of a row."""
    words = content_words(text, lang) or ["x"]
    gap, columns = rng.choice(("\t", " ", " | ", ",", "  ")), rng.randint(3, 9)
    rows = [gap.join(rng.choice(words) for _ in range(columns))] if rng.random() < 0.8 else []
    for i in range(rng.randint(12, 80)):
        cells = [rng.choice(("{:.2f}", "{:.0f}", "-{:.1f}%")).format(rng.uniform(0, 1e4)) for _ in range(columns - 1)]
        rows.append(gap.join([rng.choice((rng.choice(words), str(i))), *cells]))
    return "\n".join(rows)[: -rng.randint(1, 12)]


def log_dump(_: str, rng: random.Random) -> str:
    """A machine's log, or traces of errors, pasted without a word."""
    head, form = rng.choice(_LOGS)
    lines = [head] if head else []
    for _i in range(rng.randint(8, 60)):
        name, at = "".join(rng.choices(_LETTERS, k=rng.randint(4, 9))), f"{_date(rng)} {rng.randint(10, 23)}:{rng.randint(10, 59)}"
        level, told = rng.choice(("INFO", "WARN", "ERROR", "DEBUG")), rng.choice(("connect timed out", "retry", "null", "ok"))
        lines.append(form.format(name=name, back=name[::-1], n=rng.randint(1, 250), at=at, level=level, told=told))
    return "\n".join(lines)


def blob(text: str, rng: random.Random, lang: str) -> str:
    """Binary data as text: base64 or hexadecimal, in lines or in one, half of the time under a line of the document."""
    data = rng.randbytes(rng.randint(300, 3000))
    plain = rng.choice((base64.b64encode(data).decode(), data.hex(), data.hex(" ")))
    width = rng.choice((64, 76, 10**6))
    lines = [plain[i : i + width] for i in range(0, len(plain), width)]
    return "\n".join([sentences(text)[0][: 40 if lang == "zh" else 80], *lines] if rng.random() < 0.5 else lines)


def spam(_: str, rng: random.Random, lang: str, topic: str = "", evading: bool = False) -> str:
    """One to six templates of a topic (else of any), spun and filled anew; `evading` as spammers write against word lists."""
    topic = topic or rng.choice(TOPICS)
    templates = [line.partition(": ")[2] for line in _SPAM[lang].splitlines() if line.startswith(topic)]
    text = "\n".join(_fill(template, rng) for template in rng.choices(templates, k=rng.randint(1, 6)))
    return evade(text, rng) if evading else text


def evade(text: str, rng: random.Random) -> str:
    """Two of the usual tricks: marks within words, full width, look-alikes, traditional characters, blanks."""

    def between(marks: str, share: float, place: str) -> Callable[[str], str]:
        return lambda s: re.sub(place, lambda _: rng.choice(marks) if rng.random() < share else "", s)

    wide, look_alike = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}, str.maketrans("oieas", "013@$")
    tricks: list[Callable[[str], str]] = [lambda s: s.translate(wide)]
    if re.search("[一-鿿]", text):
        names = {"微信": rng.choice(("薇❤", "威芯", "V信", "徽.信")), "QQ": rng.choice(("扣扣", "Q.Q", "球球"))}
        tricks += [between(".·-丶", 0.3, "(?<=[一-鿿])(?=[一-鿿])"), lambda s: s.translate(_TRADITIONAL)]
        tricks += [lambda s: re.sub("微信|QQ", lambda match: names[match.group()], s)]
    else:
        tricks += [between(".-_ ", 0.25, "(?<=[A-Za-z])(?=[A-Za-z])"), lambda s: s.translate(look_alike)]
    for trick in rng.sample(tricks, 2):
        text = trick(text)
    return text


def _shuffled(pieces: list[str], rng: random.Random) -> str:
    places = [i for i, piece in enumerate(pieces) if not piece.isspace()]
    moved = [pieces[i] for i in places]
    rng.shuffle(moved)
    for place, piece in zip(places, moved, strict=True):
        pieces[place] = piece
    return "".join(pieces)


def _date(rng: random.Random) -> str:
    return f"{rng.randint(2008, 2024)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"


def _fill(template: str, rng: random.Random) -> str:
    """Spin "[this|that]" and fill "{slots}"; a slot has one value within a text, as one spammer has one number."""

    def some(alphabet: str, low: int, high: int = 0) -> str:
        return "".join(rng.choices(alphabet, k=rng.randint(low, high or low)))

    n, pick, digits = rng.randint, rng.choice, "0123456789"
    slots = {"tel": f"1{some('3578', 1)}{some(digits, 9)}", "qq": some("123456789", 1) + some(digits, 6, 9), "icp": some(digits, 8)}
    slots |= {"wx": some(_LETTERS, 2, 6) + some(digits, 3, 6), "city": pick(_CITIES), "brand": pick(_BRANDS), "name": pick(_NAMES)}
    slots |= {"n": str(n(1, 30) * pick((1, 10, 100))), "d": some(digits[2:], 1), "pct": str(n(60, 99)), "rate": f"0.{n(2, 9)}"}
    slots |= {"url": f"www.{some(_LETTERS, 6)}{some(digits, 3)}.{pick(('com', 'cc', 'vip'))}", "year": str(n(2010, 2024))}
    slots["mail"] = f"{some(_LETTERS, 7)}@{some(_LETTERS, 9)}.example"
    spun = re.sub(r"\[([^\]]+)\]", lambda match: rng.choice(match.group(1).split("|")), template)
    return re.sub(r"\{(\w+)\}", lambda match: slots[match.group(1)], spun)


_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_HAN_COMMON = "".join(bytes((high, low)).decode("gb2312", "ignore") for high in range(0xB0, 0xD8) for low in range(0xA1, 0xFF))
_HAN_ALL = "".join(map(chr, range(0x4E00, 0x9FA6)))
_SENTENCE = re.compile(r"[^。！？!?\n]{6,}?(?:[。！？!?]+|\.(?=\s|$)|$)", re.MULTILINE)
# Words without content, for what must have none of them (stuffing, tags) or wrong ones (salad). Short on purpose.
_EMPTY = {
    "zh": set(str.split("""我们 他们 一个 可以 因为 所以 但是 如果 没有 这个 那个 自己 什么 就是 不是 已经 以及 或者 由于 并且 虽然""")),
    "en": set(str.split("""the and for with from into but then than that this these those are was were been being have has had does did
        will would can could should may might must not its they you his her their our your such there which who what when where how all
        any some more most other about over under after before also only very just""")),
}  # fmt: skip
_PARTICLES = {
    "zh": str.split("的 了 着 过 在 把 被 是 和 地 得 于 而 之 与 向 从 给 让 对于 关于 并"),
    "en": str.split("the a of to in on at by for with from into is are was be has that which as than upon about its their"),
}
_MENU = {
    "zh": str.split("""首页 网站首页 关于我们 公司简介 新闻中心 公司新闻 行业动态 产品中心 产品展示 解决方案 成功案例 客户服务 下载中心
        在线留言 联系我们 人才招聘 加入收藏 设为首页 登录 注册 忘记密码 会员中心 我的订单 购物车 帮助中心 常见问题 网站地图 友情链接
        法律声明 隐私政策 意见反馈 返回顶部 上一篇 下一篇 相关阅读 热门标签 最新文章 推荐阅读 排行榜 专题 图片 视频 财经 体育 科技 教育
        汽车 房产 论坛 手机版 客户端 分享到"""),
    "en": [entry.replace("_", " ") for entry in str.split("""Home About_Us Contact News Blog Products Services Support FAQ Login Register
        My_Account Cart Checkout Wish_List Search Site_Map Careers Press Partners Privacy_Policy Terms_of_Use Cookie_Settings Subscribe
        Newsletter RSS Archives Categories Recent_Posts Recent_Comments Related_Articles Share Tweet Print Email_this Older_Posts
        Newer_Posts Read_more Back_to_top Sports Business""")],
}  # fmt: skip
_FOOTER = {
    "zh": ("版权所有 © {year} {brand}网", "京ICP备{icp}号 公安备案{icp}", "服务热线：{tel} 邮箱：{mail}", "建议分辨率1024*768"),
    "en": ("Copyright © {year} {name} Inc. All rights reserved.", "Powered by {name}CMS | Theme by {name}", "Call {tel} | {mail}"),
}
_SEARCHES = {
    "zh": str.split("""*哪家好 *价格 *多少钱 *厂家 *厂家直销 *排名 *十大品牌 *批发 *官网 *电话 *地址 附近的* *怎么样 专业* *公司 *加盟"""),
    "en": [f.replace("_", " ") for f in str.split("*_price best_* cheap_* *_online buy_*_online *_near_me *_reviews free_* *_sale top_*")],
}  # fmt: skip
_CITIES, _BRANDS = str.split("北京 上海 广州 深圳 杭州 成都 武汉 西安"), str.split("金鼎 鑫源 宏达 聚宝 天悦 恒信 美丽佳 尚品")
_NAMES = str.split("Golden Apex Prime Lucky Elite Royal Swift Nova")
_LOGS = (
    ("Traceback (most recent call last):", '  File "/usr/lib/{name}/core.py", line {n}, in {back}\n    self._{name}(*args, **kwargs)'),
    ('Exception in thread "main" java.lang.NullPointerException', "\tat com.example.{name}.Main.{back}(Main.java:{n})"),
    ("", '10.0.0.{n} - - [{at}:09 +0800] "GET /{name}/{n}.js HTTP/1.1" 200 {n}37'),
    ("", "{at}:07,{n} [{name}-{n}] {level} c.e.{back}: {told} id={n}91"),
)
TOPICS = ("ads", "gambling", "loans", "adult", "degrees")
# Topic: template. "[this|that]" is spun, "{slots}" are filled.
_SPAM = {
    "zh": """
ads: [好消息|特大喜讯]！[本店|{brand}]全场{d}折起，满{n}元减{d}0元，[数量有限|库存不多]。[详情咨询|订购热线]：{tel}，微信{wx}。
ads: 还在为[减肥|脱发|失眠]烦恼吗？[纯植物配方|祖传秘方]，{d}天见效，无效退款。加老师微信{wx}，[免费|限时]领取。赶快行动吧！
ads: [急招|诚聘][打字员|网络兼职]，在家就能做，日赚{n}元，[当天结算|不收押金]。有手机就行，多劳多得。加QQ{qq}，[非诚勿扰|备注兼职]。
ads: {city}{brand}[楼盘|公寓|别墅]盛大开盘！首付{d}万起，[地铁口|名校]旁，[总价低|升值快]。热线：{tel}，[专车接送|中介勿扰]。
gambling: [澳门|皇冠]{brand}娱乐城[官方网站|线上直营]，[真人荷官|百家乐|老虎机]，注册送{n}元彩金。存取秒到账！访问{url}，客服QQ{qq}。
gambling: [时时彩|北京赛车|六合彩]精准计划，[大神带单|内部资料]，命中率{pct}%，[稳赚不赔|日入{n}元]。加群{qq}领取今日号码。不中退款！
gambling: 足球[竞彩|外围]投注，赔率全网最高，首存{n}送{n}，返水{rate}%。手机下载：{url}。代理[招募中|高额佣金]，微信{wx}。
gambling: {brand}棋牌[重磅上线|火爆开服]，[斗地主|炸金花|捕鱼]一元起玩，[微信|支付宝]秒提。邀请好友再送{n}元，[下载|点击]{url}。
loans: [急用钱|资金周转困难]？{brand}无抵押贷款，凭身份证当天放款，额度{d}0万，[黑户|征信不好]也能办。利息{rate}%，电话{tel}张经理。
loans: 信用卡[套现|提额|代还]，手续费{rate}%，秒到账，[上门办理|诚信经营]。不看流水，不查负债，{tel}，{city}[随叫随到|全天服务]。
loans: 【{brand}】[股民|投资者]福音！[老师|团队]每日推送涨停牛股，{d}天收益{pct}%，[亏损全赔|免费体验]。仅剩{d}席，微信{wx}进群。
adult: [寂寞|无聊]的夜晚，[附近|同城]美女等你来聊，[真人视频|一对一]，[免注册|免费]观看。点击{url}，[激情|火辣]不断，仅限成年人。
adult: {city}[高端|私人]会所，[模特|空姐]任你选，[上门服务|全程陪护]，先看照片后付款，[服务到满意|绝不强制]。预约微信{wx}。
adult: [男性|夫妻]保健品，[延时|增大]一次见效，正品保证，[货到付款|保密发货]。全国包邮，咨询QQ{qq}，前{n}名送[试用装|礼物]。
degrees: [办理|代办][本科|大专|研究生]学历，[国家承认|网上可查]，无需[考试|上课]，{d}天拿证。先办理后付款，QQ{qq}，{tel}刘老师。
degrees: 专业[刻章|办证]：毕业证、驾驶证、[房产证|资格证]，[防伪齐全|与真的一样]，[当天取件|送货上门]。{tel}，微信{wx}。长期有效！
degrees: [代开|代理]{city}各类[发票|增值税票]，点数优惠，先验后付。[论文|职称]代写代发，[包过|不过退款]。{d}天出刊，王小姐{tel}。""",
    "en": """
ads: [AMAZING|HOT] OFFER!!! {d}0% off all [watches|bags|pills] at {name}Store. Free shipping, [no questions|limited stock]. Order: {url}
ads: Lose {n} pounds in {d} weeks with {name}Slim, the [secret|miracle] formula. [100% natural|No diet]. Get your FREE bottle at {url}.
ads: Work from home and earn ${n} per [day|hour]! No experience needed, [no boss|start today], paid weekly. Sign up at {url} or text {tel}.
gambling: Play at {name} Casino, get {n}% bonus plus {n} free spins. [Slots|Poker|Roulette], live dealers. Join now at {url}. 18+ only.
gambling: [Soccer|NBA] tips with {pct}% win rate! Fixed matches, [no risk|big odds]. Contact us on Telegram @{wx}. First tip is free!
loans: Need cash fast? {name} Loans approves [everyone|bad credit] up to ${n}000 at {rate}% interest. No collateral. {mail} or call {tel}.
loans: Dear friend, turn ${n} into ${n}0 in {d} days with our [bitcoin|forex] robot. We earn {pct}% daily, [guaranteed|risk free]. {url}
adult: Lonely tonight? Meet [hot|naughty] singles in your area, chat on live cam for FREE, no sign up. Click {url} now, adults only!!!
adult: Buy cheap [viagra|cialis] online without prescription, {d}0% discount, discreet packaging. {name} Pharmacy: {url}. Order today.
degrees: Get a diploma without exams! [Bachelor|Master|PhD] from non-accredited schools. No one is turned down. Call {tel}, 24 hours a day.
degrees: We write your [essay|thesis] in {d} hours, no plagiarism, A grade or money back. [IELTS|TOEFL] without test. {url}, {tel}.""",
}
_TRADITIONAL = str.maketrans(
    "万与专业为乐买产仅价优会传体债减刘办务动单历发号员团围国场备学宝对师应开强当总损数无时样满点热电码礼称税稳类纯线绝网职联节见观视计认访证诚话询详请负货购贷资赔赚车过还进选钱门问险难预领额验",
    "萬與專業為樂買產僅價優會傳體債減劉辦務動單歷發號員團圍國場備學寶對師應開強當總損數無時樣滿點熱電碼禮稱稅穩類純線絕網職聯節見觀視計認訪證誠話詢詳請負貨購貸資賠賺車過還進選錢門問險難預領額驗",
)  # fmt: skip


def _kinds(lang: str) -> dict[str, Damage]:
    """What can be done to text of any language."""
    speaking = (noise, words_shuffled, keyword_stuffing, seo_phrases, word_salad, nav_page, tag_list, number_table, blob)
    kinds: dict[str, Damage] = {f.__name__: f for f in (replaced, characters_shuffled, machine_loop, interleaved, link_list, log_dump)}
    kinds |= {f.__name__: partial(f, lang=lang) for f in speaking}
    kinds |= {f"spam_{topic}": partial(spam, lang=lang, topic=topic) for topic in TOPICS}
    return kinds | {"spam_evading": partial(spam, lang=lang, evading=True)}


_MISREAD = {
    "zh": [f"utf-8_as_{name}" for name in ("gbk", "latin-1", "cp1252", "utf-16-le")]
    + [f"gbk_as_{name}" for name in ("latin-1", "big5", "utf-8", "utf-8_as_gbk")],
    "en": ["utf-8_as_utf-16-le", "cp500_as_latin-1"],
}
DAMAGES = {lang: {name: misread(*name.split("_as_")) for name in names} | _kinds(lang) for lang, names in _MISREAD.items()}
