"""How tests run: `async def` tests in virtual time, or in a real loop when marked `real`; chance comes from a seed.

The seed of a test is made from its name, so that a run that passed passes again. EBCD_SEED=7 sets it for all,
EBCD_SEED=random draws a new one; a failing test prints the command that replays it.
"""

from __future__ import annotations

import functools
import inspect
import os
import random
import zlib
from collections.abc import Callable, Generator
from typing import Any

import hypothesis
import pytest

from tests.virtual_time import VirtualClock, VirtualLoop, real_loop, run

hypothesis.settings.register_profile(
    "ebcd",
    max_examples=60,
    deadline=None,  # the machine is shared: an example that is slow once is no failure
    derandomize=os.environ.get("EBCD_SEED") != "random",
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("ebcd")

SEED = pytest.StashKey[int]()


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """The number all chance of this test comes from."""
    asked = os.environ.get("EBCD_SEED", "")
    if asked == "random":
        chosen = random.SystemRandom().randrange(2**31)
    elif asked:
        chosen = int(asked)
    else:
        chosen = zlib.crc32(request.node.nodeid.encode())
    request.node.stash[SEED] = chosen
    return chosen


@pytest.fixture
def rng(seed: int) -> random.Random:
    """Chance, from the seed."""
    return random.Random(seed)


@pytest.fixture
def clock() -> VirtualClock:
    """The clock of a test in virtual time; `clock.step(s)` moves wall time alone."""
    return VirtualClock()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run `async def` tests, also under hypothesis."""
    test = pyfuncitem.obj
    real = pyfuncitem.get_closest_marker("real") is not None
    loop_factory = real_loop if real else VirtualLoop
    limit_s = _limit_s(pyfuncitem) if real else None

    def in_loop(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            return run(function(*args, **kwargs), loop_factory=loop_factory, limit_s=limit_s)

        return call

    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    if inspect.iscoroutinefunction(test):
        in_loop(test)(**arguments)
        return True
    given = getattr(test, "hypothesis", None)
    if given is not None and inspect.iscoroutinefunction(given.inner_test):
        given.inner_test = in_loop(given.inner_test)
    return None


def _limit_s(item: pytest.Function) -> float | None:
    """A little less than pytest-timeout allows: its alarm does not reach a test that waits inside uvloop."""
    marker = item.get_closest_marker("timeout")
    asked = marker.args[0] if marker and marker.args else item.config.getini("timeout")
    return 0.9 * float(asked) if asked else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the command that replays a failure."""
    report = yield
    if report.failed and SEED in item.stash:
        command = f"EBCD_SEED={item.stash[SEED]} .venv/bin/python -m pytest '{item.nodeid}'"
        report.sections.append(("seed", f"this replays it: {command}"))
    return report
