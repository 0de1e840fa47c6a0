"""Each rule of the house finds what it is there to find, and lets the neighbour pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

import pytest

from tests import architecture
from tests.architecture import Module

Rule = Callable[[Module], Iterator[str]]
LONG_FUNCTION = "def long() -> None:\n" + "    x = 1\n" * 60

BROKEN: list[tuple[Rule, str, str]] = [
    (architecture.imports_point_one_way, "protocols/crc.py", "import asyncio\n"),
    (architecture.imports_point_one_way, "protocols/crc.py", "def f() -> None:\n    from time import time\n"),
    (architecture.imports_point_one_way, "devices/fm.py", "from ebcd.alert import Alert\n"),
    (architecture.imports_point_one_way, "simulators/fleet.py", "import devices.link\n"),
    (architecture.imports_point_one_way, "ebcd/demo.py", "from simulators import county\n"),
    (architecture.dependencies_stay_in_their_places, "ebcd/dispatch.py", "import sqlalchemy as sa\n"),
    (architecture.only_the_clock_reads_time, "ebcd/planner.py", "import time\nnow = time.monotonic()\n"),
    (architecture.only_the_clock_reads_time, "ebcd/planner.py", "from time import monotonic\n"),
    (architecture.only_the_clock_reads_time, "ebcd/planner.py", "now = datetime.datetime.now(UTC)\n"),
    (architecture.chance_is_handed_in, "devices/tcp.py", "import random\nx = random.random()\n"),
    (architecture.chance_is_handed_in, "ebcd/signing.py", "import os\nx = os.urandom(32)\n"),
    (architecture.every_task_has_a_parent, "ebcd/daemon.py", "asyncio.create_task(poll())\n"),
    (architecture.every_task_has_a_parent, "ebcd/daemon.py", "asyncio.get_running_loop().create_task(poll())\n"),
    (architecture.every_task_has_a_parent, "devices/tcp.py", "self._loop.create_task(poll())\n"),
    (
        architecture.only_supervise_catches_everything,
        "ebcd/api/__init__.py",
        "try:\n    f()\nexcept Exception:\n    g()\n",
    ),
    (architecture.only_supervise_catches_everything, "ebcd/http_server.py", "try:\n    f()\nexcept:\n    g()\n"),
    (
        architecture.nothing_is_raised_in_except_star,
        "devices/tcp.py",
        "try:\n    f()\nexcept* OSError as e:\n    if e:\n        raise Gone() from e\n",
    ),
    (architecture.only_commands_print, "ebcd/planner.py", "print(1)\n"),
    (architecture.sizes_stay_small, "ebcd/planner.py", LONG_FUNCTION),
    (architecture.sizes_stay_small, "ebcd/planner.py", "x = 1\n" * 401),
    (architecture.annotations_are_complete, "ebcd/planner.py", "def f(a) -> None: ...\n"),
    (architecture.annotations_are_complete, "ebcd/planner.py", "def f(a: int): ...\n"),
    (architecture.files_are_named_for_what_they_hold, "ebcd/utils.py", ""),
    (architecture.bounds_say_max_last, "ebcd/planner.py", "MAX_FRAMES = 9\n"),
    (architecture.bounds_say_max_last, "ebcd/planner.py", "q = asyncio.Queue()\n"),
    (architecture.transports_have_no_class, "devices/tcp.py", "assert isinstance(transport, asyncio.Transport)\n"),
    (architecture.nothing_is_left_unfinished, "ebcd/planner.py", "x = 1  # TODO later\n"),
    (architecture.public_things_are_described, "ebcd/planner.py", '"""Plans."""\ndef plan() -> None: ...\n'),
]

SOUND: list[tuple[Rule, str, str]] = [
    (architecture.imports_point_one_way, "ebcd/daemon.py", "from devices.link import Link\nimport protocols.codes\n"),
    (architecture.dependencies_stay_in_their_places, "ebcd/store.py", "import sqlalchemy as sa\n"),
    (architecture.only_the_clock_reads_time, "ebcd/clock.py", "import time\nnow = time.monotonic()\n"),
    (architecture.chance_is_handed_in, "devices/tcp.py", "import random\nr = random.Random(7)\nx = r.random()\n"),
    (architecture.every_task_has_a_parent, "ebcd/daemon.py", "group.create_task(poll())\n"),
    (architecture.nothing_is_raised_in_except_star, "devices/tcp.py", "try:\n    f()\nexcept* OSError:\n    raise\n"),
    (
        architecture.only_supervise_catches_everything,
        "ebcd/daemon.py",
        "async def supervise() -> None:\n    try:\n        f()\n    except Exception:\n        g()\n",
    ),
    (
        architecture.only_supervise_catches_everything,
        "ebcd/store.py",
        "try:\n    f()\nexcept BaseException:\n    undo()\n    raise\n",
    ),
    (architecture.only_commands_print, "ebcd/cli.py", "print(1)\n"),
    (architecture.bounds_say_max_last, "ebcd/planner.py", "FRAMES_MAX = 9\nq = asyncio.Queue(FRAMES_MAX)\n"),
]


@pytest.mark.parametrize(("rule", "path", "text"), BROKEN)
def test_a_rule_finds_the_breach(rule: Rule, path: str, text: str) -> None:
    assert list(rule(Module(PurePosixPath(path), text)))


@pytest.mark.parametrize(("rule", "path", "text"), SOUND)
def test_a_rule_lets_sound_code_pass(rule: Rule, path: str, text: str) -> None:
    assert not list(rule(Module(PurePosixPath(path), text)))


def test_every_rule_is_shown_to_find_something() -> None:
    assert {rule for rule, _, _ in BROKEN} == set(architecture.RULES)
