"""The page that Prometheus asks for, and who is held up by it: nobody."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from ebcd.http_server import on_tcp, on_unix_socket
from ebcd.metrics import Metrics
from ebcd.metrics_page import FRESH_S, MetricsPage, metrics_application
from ebcd.world import SocketNetwork
from tests.virtual_time import VirtualClock


class Slow(Collector):
    """Many metrics; notes how often it was asked, and who had a turn between two of them."""

    def __init__(self) -> None:
        self.asked = 0
        self.turns = 0
        self.turns_between: list[int] = []

    def collect(self) -> Iterable[Metric]:
        self.asked += 1
        for number in range(5):
            self.turns_between.append(self.turns)
            yield GaugeMetricFamily(f"ebcd_slow_{number}", "For the test.", number)

    def describe(self) -> Iterable[Metric]:
        """Nothing beforehand."""
        return ()

    async def others(self) -> None:
        """What the daemon has to do meanwhile."""
        while True:
            self.turns += 1
            await asyncio.sleep(0)


async def test_i6_the_loop_turns_between_two_metrics(clock: VirtualClock) -> None:
    registry, slow = CollectorRegistry(), Slow()
    registry.register(slow)
    task = asyncio.ensure_future(slow.others())
    await MetricsPage(registry, clock.monotonic).text()
    task.cancel()
    assert len(set(slow.turns_between)) == 5


async def test_i6_however_many_ask_the_page_is_made_once_in_a_while(clock: VirtualClock) -> None:
    registry, slow = CollectorRegistry(), Slow()
    registry.register(slow)
    page = MetricsPage(registry, clock.monotonic)
    answers = await asyncio.gather(*(page.text() for _ in range(100)))
    assert (slow.asked, len(set(answers))) == (1, 1)
    await asyncio.sleep(FRESH_S)
    await page.text()
    assert slow.asked == 2


async def test_the_page_is_what_the_library_would_write(clock: VirtualClock) -> None:
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    metrics.delivery("ip", "confirmed", 3)
    metrics.stage("planned", 0.2)
    whole = generate_latest(registry).decode()
    made = (await MetricsPage(registry, clock.monotonic).text()).decode()

    def lines(text: str) -> list[str]:
        return [line for line in text.splitlines() if not line.startswith("process_")]

    assert lines(made) == lines(whole)


@pytest.mark.real
async def test_metrics_are_served_in_prometheus_text(tmp_path: Path) -> None:
    registry = CollectorRegistry()
    Counter("ebcd_made_up", "For the test.", registry=registry).inc()
    async with (
        on_unix_socket(metrics_application(registry, time.monotonic), tmp_path / "s"),
        httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(uds=str(tmp_path / "s")), base_url="http://ebcd") as http,
    ):
        answer = await http.get("/metrics")
        other = await http.get("/v1/status")
    assert "ebcd_made_up_total 1.0" in answer.text
    assert answer.headers["content-type"].startswith("text/plain")
    assert other.status_code == 404


@pytest.mark.real
async def test_metrics_listen_on_an_address_of_their_own_and_let_it_go(tmp_path: Path) -> None:
    page = metrics_application(CollectorRegistry(), time.monotonic)
    async with on_tcp(page, SocketNetwork(), "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.get(f"http://127.0.0.1:{port}/metrics")
    assert answer.status_code == 200
    async with on_tcp(page, SocketNetwork(), "127.0.0.1", port):
        with pytest.raises(OSError, match="in use"):
            async with on_tcp(page, SocketNetwork(), "127.0.0.1", port):
                raise AssertionError("it must not start")
