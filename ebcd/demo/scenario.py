"""The scenario: seven steps, each with what must hold afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from ebcd.demo.measure import Truth, floor_of, latencies
from ebcd.demo.results import Results
from ebcd.demo.room import CountyRoom, Detail, Town
from ebcd.demo.screen import Screen

COUNTY_ALERT_S = 20
CRASH_ALERT_S = 55  # FM says the ends of the messages before it anew, five or more, each two seconds long and twice
SOUND_S = 8.0
GRACE_S = 12.0
REPORT_S = 10.0
MISSING_SHOWN_MAX = 20

STEPS = ("start", "floor", "county", "ranks", "bad", "operator", "crash")


def confirmed(detail: Detail) -> int:
    """How many terminals confirmed."""
    return int(detail["row"]["counts"]["confirmed"])


def in_town(detail: Detail, town: Town) -> int:
    """How many of a town confirmed."""
    return sum(item["counts"]["confirmed"] for item in detail["by_town"] if item["code"] == town.code)


def adds_up(counts: dict[str, int]) -> bool:
    """I13."""
    parts = ("confirmed", "refused", "timed_out", "unconfirmed", "cancelled", "pending")
    return sum(counts[part] for part in parts) == counts["targeted"]


class Scenario:
    """Plays the steps on a running county."""

    def __init__(self, room: CountyRoom, screen: Screen, results: Results) -> None:
        self.room, self.screen, self.results = room, screen, results
        self.towns = room.towns()

    async def play(self) -> None:
        """All steps in order."""
        steps: dict[str, Callable[[], Awaitable[str]]] = {
            "floor": self.floor,
            "county": self.county,
            "ranks": self.ranks,
            "bad": self.bad_packages,
            "operator": self.operator,
            "crash": self.crash,
        }
        for key, run in steps.items():
            step = self.screen.step(key)
            step.note = await run()
            step.state = "held" if self.results.of(key) else "broken"

    def fm_only(self) -> set[str]:
        """Terminals that end on FM: sent, never confirmed, so nobody can know that one of them is off (I8)."""
        return {row["code"] for row in self.room.inventory if "fm" in row["paths"].split(";")}

    async def follow(self, ebm_id: str, seconds: float) -> None:
        """Show an alert on the screen for a while."""
        loop = asyncio.get_running_loop()
        end_s = loop.time() + seconds
        while loop.time() < end_s:
            self.screen.alert = await self.room.alert_when(ebm_id, lambda _: True, 1.0) or self.screen.alert
            await asyncio.sleep(0.5)

    # ---- the floor ---------------------------------------------------------------------------------------------

    async def floor(self) -> str:
        """The bare loop against the same fleet, before anything else happens."""
        self.measured = await floor_of(self.room)
        self.results.expect("floor", "every bare connection replied", self.measured.last_s > 0, self.measured)
        return f"{self.measured.terminals} × {self.measured.last_s * 1000:.0f} ms"

    # ---- 1-3: the whole county ---------------------------------------------------------------------------------

    async def county(self) -> str:
        """Level 1 for everybody, now."""
        expect, equal = self.results.expect, self.results.equal
        receipt = await self.room.order(
            "county", title="水库险情，立即转移", severity=1, duration_s=COUNTY_ALERT_S, with_audio=SOUND_S
        )
        ebm_id = receipt["ebmid"]
        equal("county", "receipt code", receipt["code"], 1)
        await self.follow(ebm_id, COUNTY_ALERT_S + 1)
        final = await self.room.state_told(ebm_id, (3, 4), GRACE_S + REPORT_S)
        detail = await self.room.alert(ebm_id)
        self.screen.alert = detail
        counts = detail["row"]["counts"]
        truth = await Truth.ask(self.room)
        expect("county", "the province was told the end", final is not None)
        expect("county", "feedback 2, then 3 or 4", self.room.told(ebm_id) in ([2, 3], [2, 4]), self.room.told(ebm_id))
        expect("county", "counts add up", adds_up(counts), counts)
        equal("county", "nobody is left pending", counts["pending"], 0)
        missing = truth.reachable(self.room) - truth.began(ebm_id)
        expect(
            "county", "every reachable terminal began", not missing, f"{len(missing)} did not: {sorted(missing)[:3]}"
        )
        expect("county", "each began once", not truth.twice(ebm_id), sorted(truth.twice(ebm_id))[:3])
        named = {failure["code"] for failure in detail["failures"]}
        dead = truth.off(self.room) | truth.cut_off(self.room)
        unnamed = dead - named - self.fm_only()
        expect("county", "every dead terminal that could answer is named", not unnamed, sorted(unnamed)[:3])
        late, slow = detail["times"].get("late_adapters", {}), self.room.faults["slow_adapter"]["code"]
        expect("county", "the slow adapter is named", slow in late, late)
        dead_town = next((t.name for t in self.towns if t.code == self.room.faults["dead_ip_town"]), "")
        by_code = {row["code"]: row["name"] for row in self.room.inventory}
        self.results.figures["named"] = {
            "dead_ip_town": dead_town,
            "late_adapters": {by_code[code]: seconds for code, seconds in late.items()},
            "terminals": [failure["name"] for failure in detail["failures"]],
        }
        sound = truth.audio
        expect("county", "every sound fetched has the right SM3", sound["fetched"] == sound["sm3_ok"] > 0, sound)
        await self._figures(ebm_id, receipt, detail, truth)
        return f"{confirmed(detail)}/{counts['targeted']}"

    async def _figures(self, ebm_id: str, receipt: dict[str, Any], detail: Detail, truth: Truth) -> None:
        figures = self.results.figures
        figures["terminals"] = detail["row"]["counts"]
        figures["paths"] = {item["path"]: item["counts"] for item in detail["by_path"]}
        figures |= latencies(detail, truth, ebm_id, receipt, self.measured, self.room)
        figures["province"] = self.room.told(ebm_id)
        figures["audio"] = truth.audio
        air = await self.room.fleet.ask("air", cmd="air", ebm_id=ebm_id)
        figures["fm"] = {name: air[name] for name in ("bits_on_air", "bits_limit", "receivers")} | {
            "stats": air["stats"]
        }
        decoded = air["bits_on_air"] is not None and air["bits_limit"] is not None
        self.results.expect("county", "every FM receiver decoded the signed start", decoded, air)

    # ---- 4: ranks, cancel, daily, speech -----------------------------------------------------------------------

    async def ranks(self) -> str:
        """Several messages at once in different towns."""
        if len(self.towns) >= 5:
            a, b, c, d, e = self.towns[:5]
            notes = await asyncio.gather(self._turns(a, b), self._cancel(c), self._daily(d), self._speech(e))
            return ", ".join(notes)
        a, b = self.towns[:2]  # a small county: both towns first, then one thing in each
        turns = await self._turns(a, b)

        async def cancel_then_speech() -> list[str]:
            return [await self._cancel(a), await self._speech(a)]

        first, daily = await asyncio.gather(cancel_then_speech(), self._daily(b))
        return ", ".join([turns, *first, daily])

    async def _turns(self, a: Town, b: Town) -> str:
        equal, expect = self.results.equal, self.results.expect
        high = await self.room.order("high", title="一级", severity=1, areas=[a.code], duration_s=10, with_audio=4.0)
        low = await self.room.order(
            "low", title="四级", severity=4, areas=[a.code, b.code], duration_s=26, with_audio=4.0
        )
        equal("ranks", "receipts", [high["code"], low["code"]], [1, 1])
        first = await self.room.alert_when(low["ebmid"], lambda detail: in_town(detail, b) > 0, 8.0)
        expect("ranks", "level 4 sounds in B", first is not None and in_town(first, b) > 0)
        later = await self.room.alert_when(low["ebmid"], lambda detail: in_town(detail, a) > 0, 16.0)
        expect("ranks", "level 4 starts in A when its turn comes", later is not None and in_town(later, a) > 0)
        turn_s, begun = (await self.room.alert(high["ebmid"]))["row"]["end"], await Truth.ask(self.room)
        early = {
            code: at - turn_s
            for code, (at, _) in begun.begin_times(low["ebmid"]).items()
            if code[1:10] == a.code[:9] and at < turn_s
        }
        expect("ranks", "level 4 waits in A", not early, early)
        return self.screen.words("note.turns")

    async def _cancel(self, town: Town) -> str:
        equal, expect = self.results.equal, self.results.expect
        order = await self.room.order("doomed", title="将被取消", severity=2, areas=[town.code], duration_s=60)
        await self.room.alert_when(order["ebmid"], lambda detail: confirmed(detail) > 0, 10.0)
        cancel = await self.room.order("cancel", msg_type=2, related=order["ebmid"], areas=[town.code])
        equal("ranks", "receipt of the cancel", cancel["code"], 1)
        done = await self.room.alert_when(order["ebmid"], lambda d: d["row"]["state"] == "cancelled", 14.0)
        expect("ranks", "the cancelled message ends", done is not None and done["row"]["state"] == "cancelled")
        told = await self.room.state_told(order["ebmid"], (5,), REPORT_S)
        expect("ranks", "the province hears 5", told is not None)
        left = await self._until_silent(order["ebmid"], 6.0)
        expect("ranks", "it sounds nowhere", left == 0, left)
        return self.screen.words("note.cancel")

    async def _daily(self, town: Town) -> str:
        expect = self.results.expect
        status, row = await self.room.cli(
            "chen", "send", "--class", "daily", "--level", "4", "--area", town.code, "--title", "广播体操",
            "--text", "现在是广播体操时间", "--for", "40s", "--yes",
        )  # fmt: skip
        if not expect("ranks", "a daily programme is taken in", status == 0, row):
            return ""
        daily = row["ebm_id"]
        await self.room.cli("liu", "approve", daily)
        await self.room.alert_when(daily, lambda detail: confirmed(detail) > 0, 10.0)
        high = await self.room.order("over", title="暴雨红色预警", severity=1, areas=[town.code], duration_s=12)
        await self.room.alert_when(high["ebmid"], lambda detail: confirmed(detail) > 0, 8.0)
        left = await self._until_silent(daily, 9.0)
        expect("ranks", "the daily programme gives way", left == 0, left)
        await self.room.alert_when(high["ebmid"], lambda detail: detail["row"]["state"] in ("done", "failed"), 20.0)
        await asyncio.sleep(1.0)
        after = await Truth.ask(self.room)
        expect("ranks", "it resumes afterwards", after.working(daily) > 0)
        expect("ranks", "without a second start", not after.twice(daily), sorted(after.twice(daily))[:3])
        return self.screen.words("note.daily")

    async def _until_silent(self, ebm_id: str, seconds: float) -> int:
        """How many terminals still sound a message when none does, or when time is up: some hear of its end late."""
        loop = asyncio.get_running_loop()
        end_s = loop.time() + seconds
        while True:
            left = (await Truth.ask(self.room)).working(ebm_id)
            if left == 0 or loop.time() >= end_s:
                return left
            await asyncio.sleep(0.5)

    async def _speech(self, town: Town) -> str:
        order = await self.room.order(
            "spoken",
            title="山洪预警",
            text="山洪即将到来，请立即向高处转移。",
            severity=3,
            areas=[town.code],
            duration_s=12,
        )
        detail = await self.room.alert_when(order["ebmid"], lambda found: confirmed(found) > 0, 12.0)
        self.results.expect("ranks", "a message without audio is spoken", detail is not None and confirmed(detail) > 0)
        return self.screen.words("note.speech")

    # ---- 5: bad packages ---------------------------------------------------------------------------------------

    async def bad_packages(self) -> str:
        """Nothing of this sounds."""
        order, equal, expect = self.room.order, self.results.equal, self.results.expect
        good = await order("original", title="原件", areas=["999999000000"], fault="areas_outside", duration_s=60)
        cases = {
            "wrong_signature": await order("w", fault="wrong_signature"),
            "duplicate": await order("r", cmd="repost", of="original"),
            "old_sigtime": await order("o", fault="old_sigtime"),
            "other_county": good,
            "other_dest": await order("d", fault="dest"),
            "expired": await order("e", fault="expired"),
            "no_area": await order("n", fault="no_area"),
        }
        codes = {name: receipt.get("code") for name, receipt in cases.items()}
        wanted = dict(zip(cases, (4, 1, 4, 1, 5, 1, 3), strict=True))
        equal("bad", "receipt codes", codes, wanted)
        self.results.figures["rejected"] = codes
        for name in ("other_county", "expired"):
            told = await self.room.state_told(cases[name]["ebmid"], (0,), REPORT_S)
            expect("bad", f"{name}: state 0 goes up", told is not None)
        held = await order("quiet", title="日常", severity=10, serial=0, duration_s=600)
        equal("bad", "receipt of a daily message from above", held["code"], 1)
        told = await self.room.state_told(held["ebmid"], (0,), REPORT_S)
        expect("bad", "the daily message is held in quiet hours and told", told is not None, told)
        detail = await self.room.alert(held["ebmid"])
        equal("bad", "its state", detail["row"]["state"], "held")
        await self.room.cli("chen", "cancel", held["ebmid"])
        truth = await Truth.ask(self.room)
        sounded = {name for name, order_ in {**cases, "held": held}.items() if truth.began(str(order_.get("ebmid")))}
        expect("bad", "none of it sounds anywhere", not sounded, sounded)
        return " ".join(str(code) for code in codes.values())

    # ---- 6: operators ------------------------------------------------------------------------------------------

    async def operator(self) -> str:
        """One writes, another one approves."""
        expect, equal = self.results.expect, self.results.equal
        town = self.towns[-1]
        status, row = await self.room.cli(
            "chen", "send", "--level", "2", "--area", town.code, "--title", "地质灾害橙色预警",
            "--text", "请远离山坡和河道", "--for", "12s", "--yes",
        )  # fmt: skip
        if not expect("operator", "the alert is taken in", status == 0, row):
            return ""
        ebm_id = row["ebm_id"]
        equal("operator", "it waits", row["state"], "pending")
        status, refusal = await self.room.cli("chen", "approve", ebm_id)
        expect("operator", "the author's own approval is refused", status == 1, refusal)
        status, row = await self.room.cli("liu", "approve", ebm_id)
        equal("operator", "somebody else's is accepted", status, 0)
        detail = await self.room.alert_when(ebm_id, lambda found: confirmed(found) > 0, 10.0)
        expect("operator", "it sounds", detail is not None and confirmed(detail) > 0)
        return "chen ✎ liu ✔"

    # ---- 7: the crash ------------------------------------------------------------------------------------------

    async def crash(self) -> str:
        """kill -9 in the middle of an alert."""
        expect, equal = self.results.expect, self.results.equal
        order = await self.room.order("crash", title="地震预警", severity=1, duration_s=CRASH_ALERT_S, with_audio=4.0)
        ebm_id = order["ebmid"]
        await self.room.alert_when(ebm_id, lambda detail: confirmed(detail) > 0, 5.0)
        seen = await self.room.alert(ebm_id)
        self.room.daemon.kill()
        await self.room.daemon.gone()
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        ready_s = await self.room.start_daemon()
        first = await self.room.alert(ebm_id)
        truth = await Truth.ask(self.room)
        wanted = len(truth.reachable(self.room, returning_only=True))
        lost = max(0, confirmed(seen) - confirmed(first))
        await self.room.alert_when(ebm_id, lambda detail: confirmed(detail) >= wanted, 18.0)
        resumed_s = loop.time() - began_s
        await self.follow(ebm_id, 1.0)
        final = await self.room.state_told(ebm_id, (3, 4), CRASH_ALERT_S + REPORT_S)
        detail, truth = await self.room.alert(ebm_id), await Truth.ask(self.room)
        missing = truth.reachable(self.room) - truth.began(ebm_id)
        expect("crash", "no acknowledged confirmation is lost", lost == 0, lost)
        expect("crash", "nobody is started twice", not truth.twice(ebm_id), sorted(truth.twice(ebm_id))[:3])
        expect("crash", "every reachable terminal began", not missing, f"{len(missing)}: {sorted(missing)[:3]}")
        expect("crash", "the province hears the end", final is not None)
        expect("crash", "counts add up", adds_up(detail["row"]["counts"]), detail["row"]["counts"])
        self.results.figures["crash"] = {
            "lost": lost + len(missing),
            "doubled": len(truth.twice(ebm_id)),
            "resumed_s": round(resumed_s, 2),
            "ready_s": round(ready_s, 2),
            "missing": {code: truth.history(code) for code in sorted(missing)[:MISSING_SHOWN_MAX]},
        }
        equal("crash", "invariant violations", await self.room.metric("ebcd_invariant_violations_total"), 0.0)
        return f"{resumed_s:.1f} s"
