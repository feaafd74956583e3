"""What kind of text a document is: clear texts of each kind, and what only looks like one."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from hypothesis import given

from cleaning.rules.genre import GENRE_METRICS, GENRES, genres
from cleaning.rules.schema import Scope
from cleaning.text.metrics import MetricSet
from tests.samples import sample, text_of
from tests.strategies import batches

MODERN = """\
轻轻的我走了
正如我轻轻的来
我轻轻的招手
作别西天的云彩

那河畔的金柳
是夕阳中的新娘
波光里的艳影
在我的心头荡漾

软泥上的青荇
油油的在水底招摇
在康河的柔波里
我甘心做一条水草"""
REGULAR = """\
白日依山尽，黄河入海流。
欲穷千里目，更上一层楼。

床前明月光，疑是地上霜。
举头望明月，低头思故乡。"""
TRAD = """\
國破山河在，城春草木深。
感時花濺淚，恨別鳥驚心。
烽火連三月，家書抵萬金。
白頭搔更短，渾欲不勝簪。"""
STATUTE = """\
第一章　总则
第一条　为了保护民事主体的合法权益，调整民事关系，维护社会和经济秩序，制定本法。
第二条　民法调整平等主体的自然人、法人和非法人组织之间的人身关系和财产关系。
第三条　民事主体的人身权利、财产权利以及其他合法权益受法律保护，任何组织或者个人不得侵犯。
第四条　民事主体在民事活动中的法律地位一律平等。
第五条　民事主体从事民事活动，应当遵循自愿原则，按照自己的意思设立、变更、终止民事法律关系。"""
NOTICE = """\
关于做好今年防汛工作的通知
各县（区）人民政府：
（一）加强组织领导。各单位要高度重视防汛工作，落实责任制，明确专人负责。
（二）做好物资储备。要按照预案的要求备足编织袋、抢险车辆和通讯设备。
（三）强化值班值守。汛期实行二十四小时值班制度，发现险情及时报告。
（四）开展隐患排查。对水库、河道、低洼地带进行全面检查，发现问题立即整改。"""
CLASSICAL = """\
孟子见梁惠王。王曰：“叟不远千里而来，亦将有以利吾国乎？”孟子对曰：“王何必曰利？亦有仁义而已矣。王曰：‘何以利吾国？’大夫曰：‘何\
以利吾家？’士庶人曰：‘何以利吾身？’上下交征利而国危矣。万乘之国弑其君者，必千乘之家。”"""
CLASSICAL2 = """\
项籍者，下相人也，字羽。初起时，年二十四。其季父项梁，梁父即楚将项燕，为秦将王翦所戮者也。项氏世世为楚将，封于项，故姓项氏。项籍少时\
，学书不成，去；学剑，又不成。项梁怒之。籍曰：“书足以记名姓而已。剑一人敌，不足学，学万人敌。”于是项梁乃教籍兵法。"""
CODE_PY = """\
import os

def walk(path):
    for name in os.listdir(path):
        full = os.path.join(path, name)
        if os.path.isdir(full):
            yield from walk(full)
        else:
            yield {"name": name, "size": os.path.getsize(full)}
"""
CODE_C = """\
#include <stdio.h>

int main(void) {
    int i, sum = 0;
    for (i = 0; i < 10; i++) {
        sum += i * i;
    }
    printf("%d\\n", sum);
    return 0;
}"""
CODE_FENCE = """\
下面是例子。
```python
def f(x):
    return x + 1

print(f(1))
print(f(2))
for i in range(10):
    print(f(i))
```
"""
LIST_ZH = """\
• 苹果三斤，要红的
• 香蕉两斤
• 牛奶一箱，低脂的
• 面包两个
• 鸡蛋二十个
• 酱油一瓶"""
LIST_NUM = """\
购物清单
1. 苹果三斤，要红的
2. 香蕉两斤
3. 牛奶一箱，低脂的
4. 面包两个
5. 鸡蛋二十个"""
TABLE_ZH = """\
| 姓名 | 年龄 | 城市 |
| --- | --- | --- |
| 王明 | 32 | 北京 |
| 李华 | 28 | 上海 |
| 张伟 | 45 | 广州 |
| 刘芳 | 39 | 成都 |"""
TABLE_EN = """\
| Name | Age | City |
| --- | --- | --- |
| Tom Smith | 32 | London |
| Ann Lee | 28 | Paris |
| Bob Ray | 45 | Rome |
| Sue Fox | 39 | Berlin |"""
TABLE_TAB = """\
Name	Age	City
Tom Smith	32	London
Ann Lee	28	Paris
Bob Ray	45	Rome
Sue Fox	39	Berlin"""
LIST_EN = """\
Things to take
- two pairs of warm socks
- a torch and spare batteries
- the map of the valley
- something to eat
- enough water for a day"""
LIST_EN_NUM = """\
1. Open the box.
2. Take out the device.
3. Press the button until the light turns green.
4. Put the battery in.
5. Close the lid."""
DIALOGUE_ZH = """\
“你去哪儿？”她问。
“去买点东西。”
“外面在下雨。”
“没关系，我带了伞。”
“早点回来。”
他点了点头，走了出去。"""
DIALOGUE_SCRIPT = """\
甲：今天天气不错。
乙：是啊，一起去公园走走吧。
甲：好的，几点出发？
乙：下午三点怎么样？
甲：没问题，到时候见。"""
DIALOGUE_EN = """\
"Where are you going?" she asked.
"To the shop."
"It is raining outside."
"I have an umbrella."
"Come back soon."
He nodded and left."""
DIALOGUE_EN2 = """\
Tom: Where have you been all this time?
Ann: I was at the library, reading.
Tom: What did you read?
Ann: A book about birds.
Tom: Sounds nice."""
PROSE_ZH = """\
昨天下午，我和几个朋友去了城外的一座小山。山不高，但是树木很多，空气也特别好。我们沿着小路慢慢往上走，一边走一边聊天。
走到半山腰的时候，忽然下起雨来。我们躲进路边的一个亭子，看着雨水从屋檐上落下来，谁都没有说话。
雨停了以后，天边出现了一道彩虹，大家都高兴得叫了起来。"""
PROSE_EN = """\
Yesterday afternoon I went with some friends to a small hill outside the town. It is not high, but there are many trees and \
the air is good.
When we were half way up it began to rain. We sat in a hut beside the path and watched the water fall from the roof, and \
nobody said a word.
After the rain a rainbow stood in the sky."""
NEWS = """\
本报讯（记者王明）昨日，市政府召开新闻发布会，通报今年上半年经济运行情况。数据显示，上半年全市实现地区生产总值1200亿元，同比增长\
5.6%。
发言人表示，下半年将继续扩大有效投资，促进消费，稳定外贸，确保完成全年目标任务。
会议还介绍了重大项目建设的进展情况。"""
QUOTED_POEM = """\
王之涣是盛唐时期的诗人，他的《登鹳雀楼》流传很广，几乎每个上过学的人都会背。诗是这样写的：
白日依山尽，黄河入海流。
欲穷千里目，更上一层楼。
这首诗的前两句写的是登楼时看到的景色，后两句写的是诗人由此想到的道理：要想看得更远，就要站得更高。一千多年来，人们常常用它来勉励自己\
和别人。
鹳雀楼在今天的山西省永济市，早已在战火中毁去，现在的楼是后来重建的。"""
MENU = """\
首页
新闻
体育
财经
娱乐
科技
汽车
房产
旅游
教育
健康
联系我们"""
MENU2 = """\
网站首页
关于我们
产品中心
新闻动态
成功案例
人才招聘
联系我们
在线留言
下载中心
友情链接"""
MENU_EN = """\
Home
News
Sport
Business
Weather
Contact us
About
Privacy
Terms
Help"""
KEYWORDS = """\
手机游戏 网页游戏 单机游戏 在线游戏 小游戏
下载游戏 破解游戏 游戏攻略 游戏论坛
游戏视频 游戏直播 游戏主播 游戏大全
游戏盒子 游戏账号 游戏代练 游戏充值
游戏排行 游戏资讯 游戏补丁"""
SHORT_PROSE = """\
我很喜欢这本书。
它讲了一个很简单的故事。
一个人在海边走路。
他遇到了另一个人。
他们说了一会儿话。
然后就各自回家了。"""
LAW_NEWS = """\
根据刑法第二百六十四条的规定，盗窃公私财物数额较大的，处三年以下有期徒刑。法院审理认为，被告人的行为已经构成盗窃罪。
第一，被告人多次作案，主观恶性较大。
法院最终判处被告人有期徒刑一年，并处罚金两千元。宣判后，被告人表示服从判决，不再上诉。"""
MODERN_QUOTE_CL = """\
《论语》开篇就说：“学而时习之，不亦说乎？”很多人把它理解为学习之后要经常复习，这是很快乐的事。其实这里的“习”更多的是实践的意思，\
也就是说，学到的东西要在生活中去用，用了才会有真正的快乐。孔子的这句话，到今天还是很有道理的。"""
DOCS = """\
## 安装
先下载安装包，然后双击运行。安装过程大约需要三分钟，请不要关闭窗口。

## 使用
打开程序以后，在左边的列表里选择要处理的文件，再点右上角的按钮。处理完以后结果会出现在右边。
运行 `clean --all` 可以一次处理全部文件。"""
DOCS_EN = """\
## Installation
Download the package and run it. This takes about three minutes; please do not close the window.

## Usage
Open the program, choose the files in the list on the left and press the button. The result appears on the right.
Run `clean --all` to process everything at once."""
LINKS_EN = """\
See the guide: https://example.com/docs/guide/start.html
It says what to do when the program does not start, and how to ask for help. Most people need ten minutes for it, and some \
of them need less."""

CLEAR = [
    ("verse", "unpunctuated modern verse", MODERN),
    ("verse", "regular verse", REGULAR),
    ("verse", "verse in traditional characters", TRAD),
    ("statute", "a law", STATUTE),
    ("statute", "a notice with sections", NOTICE),
    ("classical", "Mencius", CLASSICAL),
    ("classical", "the Records of the Historian", CLASSICAL2),
    ("code", "C", CODE_C),
    ("code", "a fenced block", CODE_FENCE),
    ("list", "a Chinese table", TABLE_ZH),
    ("list", "an English table", TABLE_EN),
    ("list", "tabs", TABLE_TAB),
    ("list", "English bullets", LIST_EN),
    ("list", "English numbers", LIST_EN_NUM),
    ("dialogue", "quotes in English", DIALOGUE_EN),
    ("dialogue", "speakers in English", DIALOGUE_EN2),
    ("prose", "Chinese", PROSE_ZH),
    ("prose", "English", PROSE_EN),
    ("prose", "news", NEWS),
]
NEAR = [
    ("prose with one quoted poem", QUOTED_POEM),
    ("a menu of pairs of characters", MENU),
    ("an English menu", MENU_EN),
    ("short sentences", SHORT_PROSE),
    ("news about a law", LAW_NEWS),
    ("an essay on a classical text", MODERN_QUOTE_CL),
    ("a page of documentation", DOCS),
    ("an English page of documentation", DOCS_EN),
    ("an address in a line of its own", LINKS_EN),
    ("nothing", ""),
    ("one character", "好"),
    ("marks", "。。。\n！！！"),
    ("numbers", "12 34\n56 78\n90 12\n34 56"),
]
HARD = [
    ("prose", "a menu of entries of four characters", MENU2),
    ("prose", "keywords of four characters", KEYWORDS),
    ("prose", "prose below a line of ~", "~~~~~~~~~~\n" + PROSE_ZH),
    ("list", "Chinese bullets", LIST_ZH),
    ("list", "Chinese numbers", LIST_NUM),
    ("dialogue", "quotes", DIALOGUE_ZH),
    ("dialogue", "speakers", DIALOGUE_SCRIPT),
]
GAPS = [
    ("code", "Python", CODE_PY, "Python without a fence is prose: few lines have marks enough"),
]


def genre_of(texts: list[str]) -> list[str]:
    metrics = MetricSet(GENRE_METRICS)
    return [str(name) for name in genres(metrics.compute(texts), metrics.column)]


@pytest.mark.parametrize(("genre", "text"), [(case[0], case[2]) for case in CLEAR], ids=[f"{case[0]}: {case[1]}" for case in CLEAR])
def test_clear(genre: str, text: str) -> None:
    assert genre_of([text]) == [genre]


@pytest.mark.parametrize("text", [case[1] for case in NEAR], ids=[case[0] for case in NEAR])
def test_near_misses_are_prose(text: str) -> None:
    assert genre_of([text]) == ["prose"]


@pytest.mark.parametrize(("genre", "text"), [(case[0], case[2]) for case in HARD], ids=[case[1] for case in HARD])
def test_hard(genre: str, text: str) -> None:
    assert genre_of([text]) == [genre]


@pytest.mark.parametrize(
    ("genre", "text"),
    [pytest.param(g, text, id=name, marks=pytest.mark.xfail(strict=True, reason=f"accepted gap: {why}")) for g, name, text, why in GAPS],
)
def test_gap(genre: str, text: str) -> None:
    assert genre_of([text]) == [genre]


def test_samples_of_english_are_mostly_prose() -> None:
    found = genre_of([text_of(record) for record in sample("en_good")])
    assert found.count("prose") > 0.7 * len(found)
    assert not {"verse", "statute", "classical"} & set(found)


def test_scopes_know_every_genre() -> None:
    (literal, *_) = get_args(Scope.model_fields["genre"].annotation)
    assert set(get_args(literal)) == set(GENRES)
    assert Scope.model_validate({"genre": "verse", "not_genre": ["code", "list"]}).not_genre == ("code", "list")


def test_an_undefined_metric_decides_nothing() -> None:
    assert (
        genres(np.full((2, len(GENRE_METRICS)), np.nan, np.float32), {name: i for i, name in enumerate(GENRE_METRICS)}).tolist()
        == ["prose"] * 2
    )


@given(batches)
def test_every_document_has_one_genre_whatever_the_batch(texts: list[str]) -> None:
    found = genre_of(texts)
    assert set(found) <= set(GENRES)
    assert found == [genre_of([text])[0] for text in texts]


def test_short_free_verse_with_a_title_and_stanzas() -> None:
    text = "旧钟\n\n一座旧钟\n站在墙上走了很久\n它不问人\n也不等谁回家\n\n有一夜\n它忽然停了\n停在我出生的那一刻"
    assert genre_of([text]) == ["verse"]


def test_tags_of_a_law_are_not_classical() -> None:
    words = "条例（31） 其他（12） 以下（8） 不得（44） 人民（90） 以及（5） 其中（7） 不服（3） 所有（11） 者（2） 国务院（19） 依法（60）"
    assert genre_of([words]) != ["classical"]
