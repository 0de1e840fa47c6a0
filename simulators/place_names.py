"""Made-up Chinese place names: two syllables and a kind, each pair at most once per kind of place."""

from __future__ import annotations

import random

_FIRST = "青 白 双 石 云 龙 长 清 金 松 竹 梅 桃 杏 柳 枫 荷 兰 鹿 鹤 雁 麦 谷 茶".split()
_SECOND = "溪 河 岭 湾 坪 塘 桥 泉 坡 口 滩 岗 沟 洞 潭 浦 冲 渡 畈 墩".split()

NAMES_MAX = len(_FIRST) * len(_SECOND)


def place_names(count: int, kind: str, chance: random.Random) -> list[str]:
    """`count` different names such as 云溪镇. Raises ValueError above `NAMES_MAX`."""
    pairs = [first + second for first in _FIRST for second in _SECOND]
    return [pair + kind for pair in chance.sample(pairs, count)]
