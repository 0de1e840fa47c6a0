"""A reload takes all of what changed or nothing of it, says which, and touches nothing that is on air."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from devices.link import Path as LinkPath
from ebcd import facts
from ebcd.decision import Decision
from ebcd.errors import ConfigError
from ebcd.foundation import rules_of
from ebcd.lifecycle import AlertState
from ebcd.operator import Kind, OperationRefused, Problem
from ebcd.settings import Settings, load
from ebcd.settings.reload import Reloader, Users, is_reloadable
from ebcd.settings.sections import Sections
from ebcd.signing import TrustStore
from protocols.signature import AuthorisationList
from protocols.sm2 import PrivateKey, sm3
from simulators.county import main as county
from tests.ebcd.county import TOWN_A, Room, control_room

pytestmark = pytest.mark.real
"""Certificates are read in a thread, which virtual time cannot wait for."""


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A county's folder, made once."""
    folder = tmp_path_factory.mktemp("pattern") / "county"
    assert county(["--out", str(folder), "--terminals", "20", "--seed", "1"]) == 0
    return folder


class Office:
    """A reloader and what it handed out."""

    def __init__(self, folder: Path, room: Room) -> None:
        self.file, self.room = folder / "ebcd.toml", room
        self.rules: list[Settings] = []
        self.operators: list[Settings] = []
        self.backups: list[Settings] = []
        self.trust: list[TrustStore] = []
        self.inventory: Callable[[str], int] = lambda _actor: 0
        handed = (self.rules.append, self.operators.append, self.backups.append, self.trust.append)
        users = Users(*handed, self._read_inventory, lambda: None)
        self.reloader = Reloader(load(self.file, environ={}), users, room.core.ledger, room.clock)

    async def _read_inventory(self, actor: str) -> int:
        return self.inventory(actor)

    def edit(self, *changes: tuple[str, str]) -> None:
        """Change the file."""
        text = self.file.read_text(encoding="utf-8")
        for old, new in changes:
            assert old in text
            text = text.replace(old, new, 1)
        self.file.write_text(text, encoding="utf-8")

    async def refused(self) -> list[str]:
        """The problems' sentences; nothing was handed out."""
        with pytest.raises(ConfigError) as caught:
            await self.reloader.reload("chen")
        assert (self.rules, self.operators, self.backups, self.trust) == ([], [], [], [])
        return [problem.sentence("en") for problem in caught.value.problems]


@asynccontextmanager
async def office(pattern: Path, tmp_path: Path) -> AsyncIterator[Office]:
    """A county's folder of its own, and a running core."""
    shutil.copytree(pattern, tmp_path / "county")
    async with control_room() as room:
        yield Office(tmp_path / "county", room)


async def test_what_only_decides_takes_effect_and_is_named(pattern: Path, tmp_path: Path) -> None:
    async with office(pattern, tmp_path) as at:
        at.edit(
            ("level_2 = 1", "level_2 = 0"),
            ('name = "liu"', 'name = "ma"'),
            ("success_ratio = 0.7", "success_ratio = 0.8"),
        )
        done = await at.reloader.reload("chen")
        assert done.changed == ("operators[1].name", "approval.level_2", "upstream.success_ratio")
        assert at.rules[0].approval.level_2 == 0
        assert at.operators[0].operators[1].name == "ma"
        assert at.reloader.settings is at.rules[0]


async def test_it_stands_in_the_journal_with_who_asked_and_the_files_digest(pattern: Path, tmp_path: Path) -> None:
    async with office(pattern, tmp_path) as at:
        at.edit(("level_2 = 1", "level_2 = 0"))
        await at.reloader.reload("chen")
        event = at.room.journal.events[-1]
        assert (event.kind, event.actor, event.payload["keys"]) == (
            facts.SETTINGS_CHANGED,
            "chen",
            ["approval.level_2"],
        )
        assert event.payload["sm3"] == sm3(at.file.read_bytes()).hex()


async def test_without_a_change_the_certificates_are_still_read_again(pattern: Path, tmp_path: Path) -> None:
    async with office(pattern, tmp_path) as at:
        before = await at.reloader.reload("chen")
        next(iter((tmp_path / "county" / "trust").glob("0000000003*.cer"))).unlink()
        after = await at.reloader.reload("chen")
        assert before.changed == after.changed == ()
        assert after.certificates == before.certificates - 1 == len(at.trust[1])


async def test_i1_the_list_in_force_is_read_again_too_so_that_whom_it_leaves_out_stays_revoked(
    pattern: Path, tmp_path: Path
) -> None:
    async with office(pattern, tmp_path) as at:
        county, settings = tmp_path / "county", at.reloader.settings
        root, us = (bytes.fromhex(n) for n in (settings.trust.roots[0], settings.platform.certificate))
        key = PrivateKey.from_pkcs8((county / "sim" / "keys" / "root.pem").read_bytes())
        listed = AuthorisationList(us, 1, (us,), root).signed_by(key.sign)
        (county / "trust" / "own.lst").write_bytes(listed.encode())
        await at.reloader.reload("chen")
        province = bytes.fromhex(settings.upstream.peers[0].certificates[0])
        assert at.trust[0].get(province) is not None
        assert (at.trust[0].permits(us), at.trust[0].permits(province)) == (True, False)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ([("confirm_s = 30.0", "confirm_s = 40.0")], "delivery.confirm_s"),
        ([("answer_timeout_s = 5.0", "answer_timeout_s = 6.0")], "links[3].answer_timeout_s"),
        ([('name = "cellular"', 'name = "4g"')], "links[3].name"),
        ([('folder = "trust"', 'folder = "trust2"')], "trust.folder"),
        ([("heartbeat_s = 30.0", "heartbeat_s = 31.0")], "upstream.heartbeat_s"),
        ([('sign_profile = "xml"', 'sign_profile = "xml+time"')], "upstream.peers[0].sign_profile"),
        ([('language = "zh"', 'language = "en"')], "platform.language"),
        ([("level_2 = 1", "level_2 = 0"), ("confirm_s = 30.0", "confirm_s = 40.0")], "delivery.confirm_s"),
    ],
)
async def test_what_holds_a_socket_or_a_device_is_refused_by_name_and_nothing_else_is_taken(
    pattern: Path, tmp_path: Path, change: list[tuple[str, str]], where: str
) -> None:
    async with office(pattern, tmp_path) as at:
        at.edit(*change)
        sentences = await at.refused()
        assert any(f"{where} was changed" in sentence and "restart the daemon" in sentence for sentence in sentences)


async def test_every_mistake_of_the_file_is_told_at_once(pattern: Path, tmp_path: Path) -> None:
    async with office(pattern, tmp_path) as at:
        at.edit(("level_2 = 1", "level_2 = 1000"), ("success_ratio", "success_ration"))
        assert len(await at.refused()) == 2


async def test_more_approvers_than_people_are_refused_as_at_a_start(pattern: Path, tmp_path: Path) -> None:
    async with office(pattern, tmp_path) as at:
        at.edit(("level_2 = 1", "level_2 = 2"))
        assert any("too many" in sentence for sentence in await at.refused())


async def test_the_inventory_is_read_again_for_who_asked_and_its_differences_are_counted(
    pattern: Path, tmp_path: Path
) -> None:
    asked: list[str] = []

    def counted(actor: str) -> int:
        asked.append(actor)
        return 3

    async with office(pattern, tmp_path) as at:
        at.inventory = counted
        assert (await at.reloader.reload("chen")).devices == 3
        assert asked == ["chen"]


async def test_an_inventory_that_cannot_be_used_leaves_the_rest_as_it_was(pattern: Path, tmp_path: Path) -> None:
    def unusable(_actor: str) -> int:
        raise OperationRefused(Problem(Kind.INVALID, "inventory_empty", "inventory"))

    async with office(pattern, tmp_path) as at:
        at.edit(("level_2 = 1", "level_2 = 0"))
        at.inventory = unusable
        with pytest.raises(OperationRefused):
            await at.reloader.reload("chen")
        assert (at.rules, at.operators, at.backups, at.trust) == ([], [], [], [])
        assert facts.SETTINGS_CHANGED not in [event.kind for event in at.room.journal.events]


async def test_a_configuration_that_is_refused_leaves_the_inventory_as_it_was(pattern: Path, tmp_path: Path) -> None:
    asked: list[str] = []

    def counted(actor: str) -> int:
        asked.append(actor)
        return 3

    async with office(pattern, tmp_path) as at:
        at.inventory = counted
        at.edit(("confirm_s = 30.0", "confirm_s = 40.0"))
        await at.refused()
        assert asked == []


async def test_two_reloads_at_once_come_one_after_the_other(pattern: Path, tmp_path: Path) -> None:
    async with office(pattern, tmp_path) as at:
        at.edit(("level_2 = 1", "level_2 = 0"))
        done = await asyncio.gather(at.reloader.reload("chen"), at.reloader.reload("liu"))
        assert [each.changed for each in done] == [("approval.level_2",), ()]


def test_every_section_is_either_reloadable_or_refused_by_name() -> None:
    reloadable = {name for name in Sections.model_fields if is_reloadable(name)}
    assert reloadable == {"operators", "approval", "quiet_hours", "priority", "backup"}
    assert is_reloadable("upstream.success_ratio")
    assert not is_reloadable("upstream.port")
    assert not is_reloadable("approvals_of_others")


async def test_other_rules_leave_what_is_on_air_alone(pattern: Path, tmp_path: Path) -> None:
    async with office(pattern, tmp_path) as at:
        record = at.room.take_in(areas=(TOWN_A,))
        await _until(lambda: at.room.links[LinkPath.IP].started(record.alert.id) != [])
        commands = len(at.room.links[LinkPath.IP].commands)
        at.edit(("level_2 = 1", "level_2 = 0"), ('from = "22:00"', 'from = "00:00"'))
        at.reloader._users = replace(
            at.reloader._users, rules=lambda new: setattr(at.room.core, "rules", rules_of(new))
        )
        await at.reloader.reload("chen")
        at.room.core.reschedule(Decision())
        assert record.state is AlertState.ON_AIR
        assert len(at.room.links[LinkPath.IP].commands) == commands


async def _until(so: Callable[[], bool]) -> None:
    while True:
        if so():
            return
        await asyncio.sleep(0)
