"""What is measured: the fleet's ground truth, the floor, and the daemon's own times beside both (design section 6)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from devices.link import Path
from ebcd.clock import SystemClock
from ebcd.demo.floor import Floor, FloorServer
from ebcd.demo.room import CountyRoom, Detail
from ebcd.signing import FileSigner
from ebcd.trace import spread
from protocols import terminal
from protocols.codes import EbmId, ResourceCode

FLOOR_SHOTS = 3
FLOOR_WINDOW_S = 60


@dataclass(frozen=True, slots=True)
class Truth:
    """What the loudspeakers did, told by the fleet. Times are UTC seconds."""

    starts: list[list[Any]]
    told: dict[str, Any]

    @classmethod
    async def ask(cls, room: CountyRoom) -> Truth:
        """The fleet's log up to now."""
        told = await room.fleet.ask("truth", cmd="truth")
        return cls(told["starts"], told)

    @property
    def audio(self) -> dict[str, int]:
        """Files fetched, and those whose SM3 was the announced one."""
        return {"fetched": self.told["fetched"], "sm3_ok": self.told["sm3_ok"]}

    def began(self, ebm_id: str) -> set[str]:
        """Terminals at which a message began."""
        return {code for code, ebm, *_ in self.starts if ebm == ebm_id}

    def begin_times(self, ebm_id: str) -> dict[str, tuple[float, str]]:
        """First begin and its path, per terminal."""
        times: dict[str, tuple[float, str]] = {}
        for code, ebm, at, path, _ in self.starts:
            if ebm == ebm_id:
                times.setdefault(code, (at, path))
        return times

    def twice(self, ebm_id: str) -> set[str]:
        """Terminals at which a message began more than once (I7)."""
        counts = Counter(code for code, ebm, *_ in self.starts if ebm == ebm_id)
        return {code for code, count in counts.items() if count > 1}

    def history(self, code: str) -> list[list[Any]]:
        """Everything that began or ended at one terminal, by time: message, begun over which path or ended how."""
        begun = [[at, ebm[-4:], path] for who, ebm, at, path, _ in self.starts if who == code]
        ended = [[at, ebm[-4:], how] for who, ebm, at, how in self.told["ends"] if who == code]
        return sorted(begun + ended)

    def working(self, ebm_id: str) -> int:
        """How many terminals sound a message now."""
        return int(self.told["working"].get(ebm_id, 0))

    def off(self, room: CountyRoom) -> set[str]:
        """Terminals without power."""
        return set(room.faults["off"])

    def reachable(self, room: CountyRoom, *, returning_only: bool = False) -> set[str]:
        """Terminals with power and a path that is not dead; `returning_only`: one that also brings answers back."""
        dead, off = str(room.faults["dead_ip_town"] or "none")[:9], self.off(room)
        found = set()
        for row in room.inventory:
            if row["kind"] != "terminal" or row["code"] in off:
                continue
            paths = set(row["paths"].split(";"))
            if row["code"][1:10] == dead:
                paths.discard(Path.IP)
            if returning_only:
                paths.discard(Path.FM)
            if paths:
                found.add(row["code"])
        return found

    def cut_off(self, room: CountyRoom) -> set[str]:
        """Terminals with power whose only path is dead."""
        everybody = {row["code"] for row in room.inventory if row["kind"] == "terminal"}
        return everybody - self.off(room) - self.reachable(room)


async def floor_of(room: CountyRoom) -> Floor:
    """Bare connections, as many as there are direct-IP terminals without an injected fault; the median shot counts."""
    server = FloorServer()
    port = await server.listen()
    try:
        wanted = len(direct_ip(room))
        opened = await room.fleet.ask("floor", 40.0, cmd="floor", host="127.0.0.1", port=port, count=wanted)
        await server.connected(int(opened["connected"]))
        shots = [await server.shoot(floor_frame(room, number)) for number in range(1, FLOOR_SHOTS + 1)]
        await room.fleet.ask("floor_closed", cmd="floor_close")
    finally:
        server.close()
    return sorted(shots, key=lambda shot: shot.last_s)[len(shots) // 2]


def direct_ip(room: CountyRoom) -> set[str]:
    """Terminals whose best path is IP and that nothing was done to."""
    dead, off = str(room.faults["dead_ip_town"] or "none")[:9], set(room.faults["off"])
    return {
        row["code"]
        for row in room.inventory
        if row["kind"] == "terminal"
        and row["paths"].startswith(Path.IP)
        and row["code"] not in off
        and row["code"][1:10] != dead
    }


def floor_frame(room: CountyRoom, number: int, *, begin_in_s: int = 0) -> bytes:
    """A start as the daemon would send it to the whole county, for a message of its own."""
    platform, clock = room.settings["platform"], SystemClock()
    signer = FileSigner.load(room.folder / platform["key"], bytes.fromhex(platform["certificate"]), clock)
    begin_at = int(clock.wall()) + begin_in_s
    url = f"{room.settings['media']['base_url']}/media/{'0' * 64}.mp3"
    code = ResourceCode(platform["code"])
    targets = tuple(ResourceCode(f"{level}{platform['area']}0314010400") for level in (5, 6))
    start = terminal.Start(
        ebm_id=EbmId(f"{code}20000101{number:04d}"),
        class_=4,
        level=1,
        event_type="11A01",
        volume=100,
        start=begin_at,
        end=begin_at + FLOOR_WINDOW_S,
        auxiliary=(terminal.Auxiliary(terminal.AUX_URL, url.encode()),),
    )
    return terminal.encode(terminal.request(terminal.Header.D, number, code, targets, start), sign=signer.sign)


def latencies(
    detail: Detail, truth: Truth, ebm_id: str, receipt: dict[str, Any], floor: Floor, room: CountyRoom
) -> dict[str, Any]:
    """Times of step 1. Confirmations: the daemon's, from the last byte in to the commit. FM has no way back: there the
    fleet's begin counts, from the province's last byte out."""
    times = detail["times"]
    posted_at = float(receipt["posted_at"])
    begins = truth.begin_times(ebm_id)
    begun: dict[str, list[float]] = {}
    for at, path in begins.values():
        begun.setdefault(path, []).append(at - posted_at)
    by_path = dict(times.get("latency_by_path_s", {}))
    by_path["fm"] = spread(begun.get("fm", []))
    ip = by_path.get("ip", {}).get("last", 0.0)
    return {
        "latency_s": times.get("latency_s", {}),
        "latency_by_path_s": by_path,
        "begin_by_path_s": {path: spread(values) for path, values in begun.items()},
        "stages_s": times.get("stages_s", {}),
        "floor_s": {"last": round(floor.last_s, 4), "terminals": floor.terminals, "compared_last": ip},
        "ratio_to_floor": round(ip / floor.last_s, 2) if floor.last_s else None,
    }
