"""A county's folder with a journal, packages and sound, as a backup meets it."""

from __future__ import annotations

import asyncio
import os
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ebcd import facts
from ebcd.alert import Alert, AlertClass, DrillDepth, Media, Origin, Window
from ebcd.backup.make import Doors, Made, make
from ebcd.backup.restoring import Plan, Wish, carry_out, plan
from ebcd.facts import Fact
from ebcd.lifecycle import AlertEvent, AlertState
from ebcd.media import MediaStore
from ebcd.settings import Settings, load
from ebcd.store import NewEvent, PackageMeta, open_store
from protocols.codes import AreaCode, EbmId, ResourceCode
from simulators.county import main as county

AREA = "349901000000"
NOW_S = 1_795_976_000.0
PLATFORM = ResourceCode("43499010000000101010101")
SOUND = b"not really sound " * 999


@dataclass
class HandClock:
    """Stands still until it is moved."""

    now_s: float = NOW_S

    def wall(self) -> float:
        """UTC seconds."""
        return self.now_s

    def monotonic(self) -> float:
        """The same, from another beginning."""
        return self.now_s - NOW_S


def alert(serial: int, *, end: float, media: Media | None = None) -> Alert:
    """An alert of an operator of this county."""
    return Alert(
        id=EbmId(f"{PLATFORM}20261130{serial:04d}"),
        origin=Origin.OPERATOR,
        class_=AlertClass.EMERGENCY,
        level=2,
        depth=DrillDepth.TERMINAL,
        event_type="60100",
        window=Window(int(NOW_S) - 100, int(end)),
        areas=(AreaCode(AREA),),
        dropped_areas=(),
        title=f"alert {serial}",
        text="text",
        agency="agency",
        language="zho",
        media=media,
        stream_url="",
        received_at=NOW_S - 100,
        author="chen",
        peer=None,
        ebd_id=None,
    )


@dataclass
class Place:
    """A county on disk."""

    folder: Path
    clock: HandClock = field(default_factory=HandClock)

    @property
    def config(self) -> Path:
        """Its configuration."""
        return self.folder / "ebcd.toml"

    @property
    def settings(self) -> Settings:
        """The configuration, read anew."""
        return load(self.config, environ={})

    @property
    def database(self) -> Path:
        """Its journal."""
        return self.folder / "state" / "ebcd.db"

    def backup(self, passphrase: bytes | None = None, *, stopped: Callable[[], bool] = lambda: False) -> Made:
        """One archive; each a second later than the one before."""
        self.clock.now_s += 1
        doors = Doors(self.clock.wall, self.clock.monotonic, random.Random(1).randbytes, stopped)
        return make(self.settings, self.settings.backup.folder, passphrase, doors)

    def plan(self, archive: Path, passphrase: bytes | None = None) -> Plan:
        """What a restore here would do."""
        return plan(archive, self.config, passphrase)

    def restore(
        self, archive: Path, passphrase: bytes | None = None, *, replace: bool = False, cancel_live: bool = False
    ) -> str:
        """Do it."""
        wish = Wish("tester", replace=replace, cancel_live=cancel_live)
        return carry_out(self.plan(archive, passphrase), passphrase, self.clock, wish)

    def files(self) -> dict[str, bytes]:
        """Everything that is there, archives and locks left out."""
        found = {str(path.relative_to(self.folder)): path for path in self.folder.rglob("*") if path.is_file()}
        return {
            name: path.read_bytes()
            for name, path in sorted(found.items())
            if not re.search(r"backups/|\.lock$|-shm$", name)
        }


def make_place(folder: Path) -> Place:
    """A county of 20 terminals whose journal knows a package, an alert on air, one that is over, and one in between."""
    assert county(["--out", str(folder), "--terminals", "20", "--seed", "1"]) == 0
    return fill(folder)


def fill(folder: Path) -> Place:
    """The journal and the rest for a county that was only made."""
    config = folder / "ebcd.toml"
    plain, secret = 'type = "cellular_mqtt"', 'type = "cellular_mqtt"\npassword = "p4ss"'
    text = config.read_text(encoding="utf-8").replace(plain, secret)
    config.write_text(text + "\n[backup]\nreserve_mb = 0\n", encoding="utf-8")
    place = Place(folder)
    asyncio.run(_fill(place))
    return place


async def _fill(place: Place) -> None:
    settings = place.settings
    sounds = MediaStore(settings.media.folder)
    needed, over = (sounds.put(SOUND + bytes((n,)), "mp3") for n in (1, 2))
    store = open_store(settings.store.url, clock=place.clock, packages=settings.store.packages, inline=True)
    meta = PackageMeta("23400000000000101010101", NOW_S, 1)
    for number in range(3):
        await store.accept_package(f"E{number}", os.fsencode(f"package {number} ") * 500, meta)
    await store.next_ebd_number()
    await store.next_ebm_serial("20261130")
    media = [Media(each.sm3, each.name, each.size_bytes, False) for each in (needed, over)]
    first, second = alert(1, end=NOW_S + 3600, media=media[0]), alert(2, end=NOW_S - 50, media=media[1])
    third = alert(3, end=NOW_S + 10, media=media[0])
    for fact in (
        facts.alert_accepted(first, AlertState.WAITING, NOW_S, "chen"),
        facts.alert_moved(first.id, AlertEvent.START, NOW_S),
        facts.alert_accepted(second, AlertState.WAITING, NOW_S, "chen"),
        facts.alert_moved(second.id, AlertEvent.EXPIRED, NOW_S),
        facts.alert_accepted(third, AlertState.WAITING, NOW_S, "chen"),
    ):
        await store.append([event_of(fact)])
    await store.close()


def event_of(fact: Fact) -> NewEvent:
    """A fact as the store takes it."""
    return NewEvent(AREA, fact.kind, fact.actor, fact.payload, fact.alert, fact.at)
