"""Carries planned certificates and lists to devices and says what became of each.

Links repeat a frame by themselves. Whoever was silent all the same is asked again every `AGAIN_S` until the time is up:
the same list again is nothing new to a device (GD/J 081 clause 6.5). Silence is an outcome of its own (I8), and so is
what was passed on to a device that has no way to answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from devices.link import Path
from devices.maintenance import Authorise, Configured
from devices.ports import Clock
from ebcd.archive.distribution import Parcel
from ebcd.archive.enquiry import Enquiries
from ebcd.archive.listed import IN_ONE_FACT_MAX, Outcome, devices_authorised, lists_sent
from protocols.codes import ResourceCode

AGAIN_S = 30.0
"""From one try at a device that said nothing to the next; the time it has for its answer is part of it."""
AT_ONCE_MAX = 50
"""Devices that are told at the same time; each has a frame of its own."""
CERTIFICATES_MAX = 20
LISTS_MAX = 40
"""Of one frame: together under 7 kB, which terminals read (terminal digest 2.7: frames of 8 kB at most)."""
OWN_ANSWERS_S = 5.0
"""How long terminals behind an adapter may take to answer by themselves."""
ON_AIR_S = 130.0
AIR_BYTES_S = 10.0
"""How long something may take to be on air, and longer by a second for each ten bytes: 57 bytes a second, three times
over, beside whatever else is said (fm-rds.md 9)."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of it at one device; `note`: what the device said."""

    outcome: Outcome
    note: str = ""


SILENT = Result(Outcome.SILENT)


@dataclass(frozen=True, slots=True)
class CourierDoors:
    """What it may use. `busy`: whether an alert is on air; `count`: counts outcomes for the metrics."""

    enter: Callable[..., None]
    durable: Callable[[], Awaitable[object]]
    busy: Callable[[], bool]
    count: Callable[[str], None]
    clock: Clock


class Courier:
    """Of one county."""

    def __init__(self, enquiries: Enquiries, doors: CourierDoors) -> None:
        self._enquiries = enquiries
        self._doors = doors

    async def deliver(
        self, number: str, parcels: Sequence[Parcel], actor: str, over: Callable[[], bool]
    ) -> dict[str, Result]:
        """One stage of the change `number`, until everybody has spoken or `over` says so; the results by code."""
        doors = self._doors
        await self._write_down(number, parcels, actor)
        results: dict[str, Result] = {parcel.code: SILENT for parcel in parcels}
        waiting = list(parcels)
        while waiting:
            while doors.busy():  # noqa: ASYNC110 - an alert takes minutes, and nothing here is in a hurry
                await asyncio.sleep(AGAIN_S)
            began_s = doors.clock.monotonic()
            results |= await self._send(waiting)
            waiting = [parcel for parcel in waiting if results[parcel.code].outcome is Outcome.SILENT]
            if over() or not waiting:
                break
            await asyncio.sleep(max(0.0, began_s + AGAIN_S - doors.clock.monotonic()))
        told = [(p.code, p.receiver, results[p.code].outcome, results[p.code].note) for p in parcels]
        for at in range(0, len(told), IN_ONE_FACT_MAX):
            part = [
                (str(code), receiver, str(outcome), note)
                for code, receiver, outcome, note in told[at:][:IN_ONE_FACT_MAX]
            ]
            doors.enter(devices_authorised(number, part, doors.clock.wall(), actor))
        for result in results.values():
            doors.count(f"trust_{result.outcome}")
        return results

    async def _write_down(self, number: str, parcels: Sequence[Parcel], actor: str) -> None:
        """Which lists are sent is on disk before the first of them leaves: no later life may send an older one."""
        lists = [(parcel.listed, data) for parcel in parcels if parcel.listed is not None for data in parcel.lists]
        for at in range(0, len(lists), IN_ONE_FACT_MAX):
            part = lists[at : at + IN_ONE_FACT_MAX]
            self._doors.enter(lists_sent(number, part, self._doors.clock.wall(), actor))
        await self._doors.durable()

    async def _send(self, parcels: Sequence[Parcel]) -> dict[str, Result]:
        """Once to everybody: by adapter, over FM, and each of the others by itself."""
        behind: dict[ResourceCode, list[Parcel]] = {}
        air: list[Parcel] = []
        direct: list[Parcel] = []
        for parcel in parcels:
            if parcel.route.through is not None:
                behind.setdefault(parcel.route.through, []).append(parcel)
            else:
                (air if parcel.route.path is Path.FM else direct).append(parcel)
        results: dict[str, Result] = {}
        for at in range(0, len(direct), AT_ONCE_MAX):
            batch = direct[at : at + AT_ONCE_MAX]
            told = await asyncio.gather(*map(self._tell, batch))
            results |= {parcel.code: result for parcel, result in zip(batch, told, strict=True)}
        adapters = list(behind.items())
        for at in range(0, len(adapters), AT_ONCE_MAX):
            for found in await asyncio.gather(*(self._pass_on(*each) for each in adapters[at : at + AT_ONCE_MAX])):
                results |= found
        return results | await self._air(air)

    async def _tell(self, parcel: Parcel) -> Result:
        """A device that answers for itself."""
        result = SILENT
        for lists, certificates in frames(parcel.lists, parcel.certificates):
            command = _command((parcel.code,), lists, certificates)
            told = await self._enquiries.tell(parcel.route.path, _alone(command), [parcel.code])
            result = _result(told.get(parcel.code))
            if result.outcome is not Outcome.TAKEN:
                break
        return result

    async def _pass_on(self, through: ResourceCode, parcels: list[Parcel]) -> dict[str, Result]:
        """0x40: the adapter answers for having it; its terminals may answer by themselves."""
        codes = tuple(parcel.code for parcel in parcels)
        certificates = tuple(dict.fromkeys(each for parcel in parcels for each in parcel.certificates))
        lists = tuple(data for parcel in parcels for data in parcel.lists)
        sent = 0
        with self._enquiries.overhearing(codes) as heard:
            for some, portion in frames(lists, certificates):
                command = _command((through,), some, portion, codes)
                told = await self._enquiries.tell(Path.ADAPTER, _alone(command), [through])
                answer = _result(told.get(through))
                if answer.outcome is not Outcome.TAKEN:
                    return dict.fromkeys(codes, answer)
                sent += 1
            waited_s = 0.0
            while waited_s < OWN_ANSWERS_S and any(len(results) < sent for results in heard.values()):
                await asyncio.sleep(0.5)
                waited_s += 0.5
            return {code: _overheard(heard.get(code, ()), sent) for code in codes}

    async def _air(self, parcels: Sequence[Parcel]) -> dict[str, Result]:
        """Certificates once for all, then list by list: the air has room for one after the other."""
        if not parcels:
            return {}
        codes = tuple(parcel.code for parcel in parcels)
        certificates = tuple(dict.fromkeys(each for parcel in parcels for each in parcel.certificates))
        wait_s = ON_AIR_S + sum(map(len, certificates)) / AIR_BYTES_S
        if certificates and (why := await self._enquiries.air(_command(codes, (), certificates), wait_s)):
            return dict.fromkeys(codes, Result(Outcome.SILENT, why))
        results: dict[str, Result] = {}
        for parcel in parcels:
            command = _command((parcel.code,), parcel.lists, ())
            wait_s = ON_AIR_S + sum(map(len, parcel.lists)) / AIR_BYTES_S
            why = await self._enquiries.air(command, wait_s) if parcel.lists else ""
            results[parcel.code] = Result(Outcome.SILENT, why) if why else Result(Outcome.PASSED_ON)
        return results


def _command(
    members: tuple[ResourceCode, ...],
    lists: tuple[bytes, ...],
    certificates: tuple[bytes, ...],
    targets: tuple[ResourceCode, ...] = (),
) -> Callable[[int], Authorise]:
    return lambda token: Authorise(members, lists, certificates, token, targets)


def _alone(command: Callable[[int], Authorise]) -> Callable[[int], list[Authorise]]:
    return lambda token: [command(token)]


def frames(
    lists: Sequence[bytes], certificates: Sequence[bytes]
) -> Iterator[tuple[tuple[bytes, ...], tuple[bytes, ...]]]:
    """Lists and certificates of each frame: certificates before lists, both in one frame where they fit."""
    parts = [tuple(certificates[at : at + CERTIFICATES_MAX]) for at in range(0, len(certificates), CERTIFICATES_MAX)]
    yield from (((), part) for part in (parts[:-1] if lists else parts))
    last = parts[-1] if parts else ()
    for at in range(0, len(lists), LISTS_MAX):
        yield tuple(lists[at : at + LISTS_MAX]), last if at == 0 else ()


def _result(answer: Configured | None) -> Result:
    if answer is None:
        return SILENT
    return (
        Result(Outcome.REFUSED, f"{answer.result} {answer.text}".rstrip()) if answer.result else Result(Outcome.TAKEN)
    )


def _overheard(results: Sequence[int], frames_sent: int) -> Result:
    """A terminal that answered each frame has taken them; one that refused any has not."""
    bad: Iterable[int] = (result for result in results if result)
    if (first := next(iter(bad), None)) is not None:
        return Result(Outcome.REFUSED, str(first))
    return Result(Outcome.TAKEN if len(results) >= frames_sent else Outcome.PASSED_ON)


def sort_out(results: Mapping[str, Result]) -> tuple[list[str], list[str]]:
    """Who failed, and who cannot say."""
    failed = [code for code, result in results.items() if result.outcome in (Outcome.REFUSED, Outcome.SILENT)]
    return failed, [code for code, result in results.items() if result.outcome is Outcome.PASSED_ON]
