"""A province and a county made of the same parts, for tests: each knows the other's certificate."""

from __future__ import annotations

import random
from dataclasses import dataclass

from protocols.codes import AreaCode, ResourceCode
from protocols.signature import Certificate
from protocols.sm2 import PrivateKey
from simulators.province_config import County, ProvinceConfig, SignProfile
from simulators.province_packages import Composer

PROVINCE = ResourceCode("23400000000000101010101")
COUNTY = ResourceCode("43499010000000101010101")
AREA = AreaCode("349901000000")
NOW = 1_790_000_000.0


@dataclass
class SetClock:
    """Two readings that tests set."""

    at: float = NOW
    passed: float = 0.0

    def wall(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.passed


def certificate(number: str, key: PrivateKey) -> Certificate:
    """Unsigned: the simulated province trusts the file it was given."""
    return Certificate(bytes(6), bytes.fromhex(number), 2040, 12, key.public.raw)


def pair(
    rng: random.Random, *, port: int = 0, county_url: str = "", profile: SignProfile = SignProfile.XML
) -> tuple[ProvinceConfig, ProvinceConfig]:
    """The province, and the county seen as if it were one: its "county" is the province."""
    above, below = PrivateKey.generate(rng.randbytes), PrivateKey.generate(rng.randbytes)
    county = County(COUNTY, AREA, county_url, certificate("000000000201", below))
    province = County(PROVINCE, AREA, f"http://127.0.0.1:{port}/", certificate("000000000101", above))
    return (
        ProvinceConfig(PROVINCE, "某省", above, bytes.fromhex("000000000101"), profile, "127.0.0.1", port, county),
        ProvinceConfig(COUNTY, "某县", below, bytes.fromhex("000000000201"), profile, "127.0.0.1", 0, province),
    )


def composer(config: ProvinceConfig, clock: SetClock, rng: random.Random) -> Composer:
    """Packages of one of the two."""
    return Composer(config, clock, PrivateKey.generate(rng.randbytes))
