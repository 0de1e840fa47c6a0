"""Made-up Chinese place names: two syllables and a kind, each pair at most once per kind of place."""

from __future__ import annotations

import random

_FIRST = "青白双石云龙长清金松竹梅桃杏柳枫荷兰鹿鹤雁麦谷茶"
_SECOND = "溪河岭湾坪塘桥泉坡口滩岗沟洞潭浦冲渡畈墩"

NAMES_MAX = len(_FIRST) * len(_SECOND)


def place_names(count: int, kind: str, chance: random.Random) -> list[str]:
    """`count` different names such as 云溪镇. Raises ValueError above `NAMES_MAX`."""
    pairs = [first + second for first in _FIRST for second in _SECOND]
    return [pair + kind for pair in chance.sample(pairs, count)]
