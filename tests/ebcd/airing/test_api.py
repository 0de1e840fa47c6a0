"""Orders over FM through the operator API: who may, what is refused before the desk sees it, what comes back."""

from __future__ import annotations

import hashlib
from typing import Any

import httpx
import pytest

from ebcd.airing.values import AirPlan, AirSaid
from ebcd.api import application
from ebcd.api.airing import routes
from ebcd.api.answers import decoded
from ebcd.identity import Operators
from tests.ebcd.airing.mast import Mast, mast
from tests.ebcd.county import VILLAGE_A1, terminal
from tests.ebcd.fake_operations import FakeOperations

OPERATORS = Operators({hashlib.sha256(b"chen").hexdigest(): "chen"})
ONE = terminal(VILLAGE_A1, 4)
VOLUME: dict[str, Any] = {"what": "volume", "to": [ONE], "percent": 30}


def client(at: Mast, *, token: str = "chen") -> httpx.AsyncClient:
    api = application(FakeOperations(), OPERATORS, more=routes(at.desk, OPERATORS))
    headers = {"X-Ebcd-Token": token} if token else {}
    return httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://ebcd", headers=headers)


async def test_what_was_previewed_is_said_and_answered() -> None:
    async with mast() as at, client(at) as api:
        shown = await api.post("/v1/fm/preview", json=VOLUME)
        plan = decoded(AirPlan, shown.content)
        assert (plan.what, plan.devices, plan.links[0].link) == ("volume", 1, "fm")
        answer = await api.post("/v1/fm", json=VOLUME | {"digest": plan.digest})
        assert answer.status_code == 201
        told = decoded(AirSaid, answer.content)
        assert [(link.link, link.said) for link in told.links] == [("fm", True)]
        assert at.horn().settings.daily_volume == 30


async def test_nobody_says_anything_without_a_name() -> None:
    async with mast() as at, client(at, token="") as api:
        plan = decoded(AirPlan, (await api.post("/v1/fm/preview", json=VOLUME)).content)
        answer = await api.post("/v1/fm", json=VOLUME | {"digest": plan.digest})
        assert answer.status_code == 401
        assert at.facts("fm.ordered") == []


@pytest.mark.parametrize(
    ("change", "thing"),
    [
        ({"what": "scan"}, "what"),
        ({"percent": 101}, "percent"),
        ({"percent": True}, "percent"),
        ({"seconds": 4}, "seconds"),
        ({"seconds": 86_401}, "seconds"),
        ({"parameters": [0x13]}, "parameters.0"),
        ({"default_khz": 86_990}, "default_khz"),
        ({"default_khz": 98_505}, "default_khz"),
        ({"on": "yes"}, "on"),
        ({"token": 5}, "token"),
    ],
)
async def test_a_value_out_of_range_is_named_with_its_limit(change: dict[str, Any], thing: str) -> None:
    async with mast() as at, client(at) as api:
        answer = await api.post("/v1/fm/preview", json=VOLUME | change)
        assert answer.status_code == 422
        assert answer.json()["error"]["thing"] == thing
