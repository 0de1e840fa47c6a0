"""Names of log events are a promise: listed in docs/events.md, explained in both languages, never changed unseen."""

from __future__ import annotations

import ast
import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from ebcd.catalogue import catalogue
from ebcd.settings.duty import ShiftSection, ToneSection, WhitelistSection
from ebcd.settings.sections import MorningSection, OrdersSection, SmsSection
from ebcd.settings.values import Section

ROOT = Path(__file__).parent.parent
FACTS = [
    ROOT / "ebcd" / name
    for name in (
        "facts.py",
        "airing/record.py",
        "archive/history.py",
        "archive/listed.py",
        "workorders/book.py",
        "alarms/book.py",
        "shift/book.py",
        "whitelist/book.py",
    )
]
SECTIONS: dict[str, type[Section]] = {
    "morning": MorningSection,
    "orders": OrdersSection,
    "sms": SmsSection,
    "shift": ShiftSection,
    "tone": ToneSection,
    "whitelist": WhitelistSection,
}


@pytest.fixture(scope="module")
def events() -> ModuleType:
    """docs/events.py."""
    spec = importlib.util.spec_from_file_location("docs_events", ROOT / "docs" / "events.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["docs_events"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.real
def test_the_committed_list_is_what_the_code_says(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "docs" / "events.py"), "--out", str(tmp_path / "events.md")]
    subprocess.run(command, check=True, timeout=60)
    written = (tmp_path / "events.md").read_text(encoding="utf-8")
    assert (ROOT / "docs" / "events.md").read_text(encoding="utf-8") == written, f"run {command[1]}"


def test_every_event_is_explained_and_every_explanation_has_its_event(events: ModuleType) -> None:
    explained = {key.removeprefix("event.") for key in catalogue() if key.startswith("event.")}
    assert set(events.found()) == explained


def test_names_are_a_noun_and_what_became_of_it(events: ModuleType) -> None:
    assert [name for name in events.found() if not re.fullmatch(r"[a-z]+\.[a-z_]+|library", name)] == []


def test_no_value_hides_what_every_line_has(events: ModuleType) -> None:
    taken = {"event", "level", "timestamp", "exception"}
    assert {name: event.values & taken for name, event in events.found().items() if event.values & taken} == {}


def test_every_event_that_the_manual_names_exists(events: ModuleType) -> None:
    known = set(events.found())
    nouns = {name.split(".")[0] for name in known}
    for page in ("operations.md", "architecture.md"):
        text = (ROOT / "docs" / page).read_text(encoding="utf-8")
        named = set(re.findall(rf"`((?:{'|'.join(sorted(nouns - {'config', 'store'}))})\.[a-z_]+)`", text))
        facts = {name for file in FACTS for name in re.findall(r'= "([a-z]+\.[a-z_]+)"', file.read_text("utf-8"))}
        keys = {f"{noun}.{key}" for noun, key in re.findall(r"`(backup|delivery|trust|inventory)\.([a-z_]+)`", text)}
        keys |= {f"{noun}.{key}" for noun, section in SECTIONS.items() for key in section.model_fields}
        files = {name for name in named if name.endswith((".py", ".toml", ".csv"))}
        assert named - known - facts - keys - files == set(), page


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('log.info("a.b", x=1)', ("a.b", {"info"}, {"x"})),
        ('log.exception("a.b")', ("a.b", {"error"}, set())),
        ('name = "a.b"\nlog.warning(name, y=2)', ("a.b", {"warning"}, {"y"})),
        ('log_it = log.debug if z else log.info\nlog_it("a.b")', ("a.b", {"debug", "info"}, set())),
    ],
)
def test_calls_are_found_however_they_are_written(
    events: ModuleType, source: str, expected: tuple[str, set[str], set[str]]
) -> None:
    assert list(events.calls(ast.parse(source))) == [expected]


def test_a_name_that_is_put_together_is_refused(events: ModuleType) -> None:
    with pytest.raises(SystemExit, match="line 1"):
        list(events.calls(ast.parse('log.info(f"a.{b}")')))
