"""Whether our own platform is in order (EBRPSState): what can be seen of journal, disk, links and clock. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ebcd.catalogue import text
from ebcd.operation_data.states import FAULT, NORMAL

SETTLE_S = 10.0
"""A trouble counts when it has lasted for so long: at the start nothing is connected yet."""
LINKS_NAMED_MAX = 10


@dataclass(frozen=True, slots=True)
class PlatformSigns:
    """One look at the platform. `journal`: why the last commit failed; `links_down`: names of configured links."""

    journal: str = ""
    disk_low: bool = False
    links_down: tuple[str, ...] = ()
    clock_suspect: bool = False

    def troubles(self) -> dict[str, str]:
        """What is wrong, as keys of the catalogue (`platform_trouble.*`) and the detail each needs."""
        found = {f"link:{name}": name for name in self.links_down}
        if self.journal:
            found["journal"] = self.journal
        if self.disk_low:
            found["disk"] = ""
        if self.clock_suspect:
            found["clock"] = ""
        return found


@dataclass(slots=True)
class PlatformWatch:
    """Troubles and since when each lasts (monotonic seconds)."""

    since_s: dict[str, float] = field(default_factory=dict)
    lasting: Mapping[str, str] = field(default_factory=dict)

    def look(self, signs: PlatformSigns, now_s: float) -> None:
        """Take one look."""
        present = signs.troubles()
        self.since_s = {key: self.since_s.get(key, now_s) for key in present}
        self.lasting = {key: detail for key, detail in present.items() if now_s - self.since_s[key] >= SETTLE_S}

    @property
    def code(self) -> int:
        """StateCode."""
        return FAULT if self.lasting else NORMAL

    def words(self, language: str) -> str:
        """What is wrong, for people; empty where nothing is."""
        links = [detail for key, detail in sorted(self.lasting.items()) if key.startswith("link:")]
        told = []
        if links:
            more = f" +{len(links) - LINKS_NAMED_MAX}" if len(links) > LINKS_NAMED_MAX else ""
            told.append(text("platform_trouble.links", language, links=", ".join(links[:LINKS_NAMED_MAX]) + more))
        told += [
            text(f"platform_trouble.{key}", language, detail=self.lasting[key])
            for key in ("journal", "disk", "clock")
            if key in self.lasting
        ]
        return "; ".join(told)
