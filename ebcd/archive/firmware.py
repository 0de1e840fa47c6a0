"""Firmware to terminals by 0xA1, and back: what a terminal shows as its version decides, not what it answers.

The standard demands upgrades and has no message for them; 0xA1 is a vendors' extension (terminal-ip.md section 9).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping

from devices.maintenance import Firmware, Told
from devices.ports import Clock
from devices.roster import Roster
from ebcd.archive.enquiry import Enquiries
from ebcd.archive.images import Image, ImageRefused, Images
from protocols import terminal
from protocols.codes import ResourceCode

FORCED = 0
ANY_VERSION = "0" * 8
AT_ONCE_MAX = 50
AGAIN_S = 30.0
"""How often those are asked that have not shown the version."""
IDS = (terminal.SOFTWARE_VERSION,)


class Upgrader:
    """Tells terminals to fetch an image, and waits for them to show it."""

    def __init__(self, enquiries: Enquiries, roster: Roster, images: Images, clock: Clock, within_s: float) -> None:
        self._enquiries = enquiries
        self._roster = roster
        self.images = images
        self._clock = clock
        self._within_s = within_s

    async def tell(self, image: Image, codes: Iterable[ResourceCode]) -> dict[str, int]:
        """What terminals answer, by code; 0xA1 names one physical address, so each has a frame of its own."""
        results: dict[str, int] = {}
        wanted = list(codes)
        for at in range(0, len(wanted), AT_ONCE_MAX):
            batch = wanted[at : at + AT_ONCE_MAX]
            for told in await asyncio.gather(*(self._tell_one(image, code) for code in batch)):
                results |= told
        return results

    async def _tell_one(self, image: Image, code: ResourceCode) -> dict[str, int]:
        route, device = self._enquiries.route(code), self._roster.by_code(code)
        if route is None or device is None:
            return {}
        values = (device.phys, FORCED, image.version, ANY_VERSION, image.md5, image.url)
        told = await self._enquiries.tell(route.path, lambda token: [Firmware((code,), *values, token)], [code])
        return {each: answer.result for each, answer in told.items()}

    async def roll_back(
        self, version: str, old: Mapping[str, Told], former: Callable[[str], Image | None]
    ) -> tuple[int, list[str]]:
        """Bring back those that show `version` and did not before: how many show their former one again, and who does
        not: its image is not known or may not go out, it does not take it, or is silent."""
        told = await self._enquiries.ask([ResourceCode(code) for code in old], IDS)
        left = [code for code in old if code not in told]
        groups: dict[Image, list[ResourceCode]] = {}
        for code, now in told.items():
            before = old[code].software
            if now.software != version or before == version:
                continue
            image = None if before is None else former(before)
            if image is None:
                left.append(code)
            else:
                groups.setdefault(image, []).append(ResourceCode(code))
        restored = 0
        for image, codes in groups.items():
            missing = await self._bring_back(image, codes)
            restored += len(codes) - len(missing)
            left += missing
        return restored, sorted(left)

    async def _bring_back(self, image: Image, codes: list[ResourceCode]) -> list[ResourceCode]:
        try:
            checked = await self.images.check(image)
        except ImageRefused:
            return codes
        await self.tell(checked, codes)
        waiting, deadline_s = codes, self._clock.monotonic() + self._within_s
        while True:
            told = await self._enquiries.ask(waiting, IDS)
            waiting = [code for code in waiting if code not in told or told[code].software != image.version]
            if not waiting or self._clock.monotonic() >= deadline_s:
                return waiting
            await asyncio.sleep(AGAIN_S)
