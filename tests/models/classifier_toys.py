"""Labelled documents, made by a seed, of which a classifier can learn something and not everything."""

from __future__ import annotations

import json
import random
from pathlib import Path

GOOD = (
    "研究人员在实验中发现", "水稻的产量逐年提高", "这部小说写于上世纪", "the committee met in the old library",
    "法院经审理查明", "古代的城墙保存完好",
)  # fmt: skip
BAD = (
    "加微信领取红包", "低价出售 全场包邮", "办证 贷款 请联系", "click here to win a free prize", "扫描下方二维码关注", "最后三天 限时优惠",
)  # fmt: skip
BOTH = ("今天的天气", "大家都知道", "关于这个问题", "on the other hand", "我们的城市", "在这里")


def texts(count: int, good: bool, seed: int = 0) -> list[str]:
    """Documents of three to twelve clauses; one clause in eight is of the other kind."""
    rng = random.Random(f"{seed}{good}")
    own, other = (GOOD, BAD) if good else (BAD, GOOD)
    kinds = (own, BOTH, other)


    def clause() -> str:
        return rng.choice(rng.choices(kinds, (5, 2, 1))[0]) + str(rng.randint(0, 999))

    return ["，".join(clause() for _ in range(rng.randint(3, 12))) for _ in range(count)]


def write(path: Path, rows: list[str], label: str | None = None) -> Path:
    """As JSONL; with a label if one is given."""
    extra = {} if label is None else {"label": label}
    records = [{"id": f"{path.stem}-{k}", "text": text, **extra} for k, text in enumerate(rows)]
    path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), "utf-8")
    return path
