"""`/metrics` in Prometheus' text format, one metric at a time: whoever asks, however often, holds nobody up (I6)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

FRESH_S = 0.5
"""Who asks sooner gets the same page again: ten servers that ask each second cost what two cost."""


class MetricsPage:
    """The page of one registry."""

    def __init__(self, registry: CollectorRegistry, monotonic: Callable[[], float]) -> None:
        self._registry = registry
        self._monotonic = monotonic
        self._one_at_a_time = asyncio.Lock()
        self._made_s = float("-inf")
        self._page = b""

    async def text(self) -> bytes:
        """The page, at most `FRESH_S` old. The loop turns after each metric: together they walk a county."""
        async with self._one_at_a_time:
            if self._monotonic() - self._made_s >= FRESH_S:
                parts = []
                for metric in self._registry.collect():
                    parts.append(generate_latest(_Alone(metric)))
                    await asyncio.sleep(0)
                self._page, self._made_s = b"".join(parts), self._monotonic()
            return self._page


class _Alone(Collector):
    """One metric where the library wants all."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric

    def collect(self) -> Iterable[Metric]:
        return (self._metric,)


def metrics_application(registry: CollectorRegistry, monotonic: Callable[[], float]) -> Starlette:
    """The page, on an address of its own."""
    page = MetricsPage(registry, monotonic)

    async def metrics(_request: Request) -> Response:
        return Response(await page.text(), media_type=CONTENT_TYPE_LATEST)

    return Starlette(routes=[Route("/metrics", metrics, methods=["GET"])])
