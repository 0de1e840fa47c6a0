"""A running county in which a device is taken into service and another is replaced, over the sockets they dialled."""

from __future__ import annotations

import asyncio
import csv
from pathlib import Path
from typing import Any

import orjson
import pytest

from ebcd.demo.room import CountyRoom
from protocols.signature import AuthorisationList, Certificate, SignatureBlock, signed_bytes
from protocols.sm2 import PrivateKey, PublicKey
from tests.system.test_inventory import county, journal, write


async def pending(room: CountyRoom, phys: str) -> dict[str, Any]:
    """The device with this address, once it has dialled in."""
    for _ in range(150):
        for row in await room.get("/v1/pending"):
            if row["phys"] == phys:
                found: dict[str, Any] = row
                return found
        await asyncio.sleep(0.2)
    raise AssertionError(f"{phys} never dialled in")


async def began(room: CountyRoom, ebm_id: str, code: str) -> set[str]:
    """Who began to sound, as soon as `code` has."""
    heard: set[str] = set()
    for _ in range(100):
        truth = await room.fleet.ask("truth", cmd="truth", ebm_id=ebm_id)
        heard = {each for each, *_ in truth["starts"]}
        if code in heard:
            break
        await asyncio.sleep(0.3)
    return heard


def is_signed(folder: Path, document: dict[str, Any], signature: str) -> bool:
    """Whether the platform's certificate says that it signed the document."""
    block = SignatureBlock.decode(bytes.fromhex(signature))
    certificate = Certificate.decode((folder / "trust" / f"{block.certificate.hex()}.cer").read_bytes())
    content = orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
    return PublicKey(certificate.public_key).verify(signed_bytes(content, block), block.value)


def row_of(folder: Path, code: str) -> dict[str, str]:
    """A device in the file."""
    with (folder / "inventory.csv").open(encoding="utf-8", newline="") as rows:
        return next(row for row in csv.DictReader(rows) if row["code"] == code)


@pytest.mark.real
@pytest.mark.timeout(120)
@pytest.mark.requirement("R-PLT-10", "R-PLT-23")
async def test_a_device_that_nobody_entered_is_taken_into_service_and_hears_the_next_alert(tmp_path: Path) -> None:
    path = "mqtt"  # the swap below goes over a socket
    async with county(tmp_path, late=4, path=path) as (room, missing):
        device = next(row for row in missing if row["paths"].startswith(path))
        waiting = await pending(room, device["phys"])
        assert (waiting["code"], waiting["holder"]) == (device["code"], "")
        code = device["code"][:-2] + "98"
        wish = ("--code", code, "--volume", "35", "--return", "127.0.0.1:8889", "--pole", "0412", "--tone", "试音")
        status, done = await room.cli("chen", "commission", device["phys"], *wish)
        assert status == 0, done
        assert (
            done["document"]["told"] | {"code": code, "volume": 35, "return_to": "127.0.0.1:8889"}
            == (done["document"]["told"])
        )
        assert done["document"]["asked_back"]
        assert is_signed(tmp_path, done["document"], done["signature"])
        row = row_of(tmp_path, code)
        assert (row["phys"], row["paths"], row["status"], row["volume"]) == (device["phys"], path, "opened", "35")
        (fact,) = journal(tmp_path, "device.commissioned")
        assert (fact["code"], fact["signature"]) == (code, done["signature"])
        assert device["phys"] not in [r["phys"] for r in await room.get("/v1/pending")]

        status, told = await room.cli("chen", "approve", done["tone"])
        assert (status, told["error"]["code"]) == (1, "own_approval")
        status, _ = await room.cli("liu", "approve", done["tone"])
        assert status == 0
        heard = await room.alert_when(done["tone"], lambda a: a["row"]["counts"]["confirmed"] == 1, 30.0)
        assert heard is not None
        assert (heard["row"]["counts"]["targeted"], heard["volume"]) == (1, 10)
        assert await began(room, done["tone"], code) == {code}

        status, shown = await room.cli("chen", "inventory", "show", "0412")
        assert (shown["code"], [event["what"] for event in shown["history"]]) == (code, ["device.commissioned"])


@pytest.mark.real
@pytest.mark.timeout(120)
async def test_a_unit_that_was_replaced_hands_its_code_and_its_settings_on(tmp_path: Path) -> None:
    async with county(tmp_path, late=4) as (room, missing):
        device = next(row for row in missing if row["paths"].startswith("cellular"))
        old = {**device, "phys": "AABBCCDDEEFF", "volume": "25"}
        write(tmp_path / "old.csv", [old])
        status, _ = await room.cli("chen", "inventory", "import", str(tmp_path / "old.csv"))
        assert status == 0
        waiting = await pending(room, device["phys"])
        assert waiting["holder"] == device["name"]
        status, done = await room.cli("liu", "swap", device["code"], device["phys"], "--note", "雷击")
        assert status == 0, done
        assert done["document"]["told"]["volume"] == 25
        assert row_of(tmp_path, device["code"])["phys"] == device["phys"]
        (fact,) = journal(tmp_path, "device.swapped")
        assert (fact["old"], fact["new"], fact["note"]) == ("AABBCCDDEEFF", device["phys"], "雷击")
        _, shown = await room.cli("chen", "inventory", "show", device["code"])
        assert [event["what"] for event in shown["history"]] == ["device.commissioned", "device.swapped"]
        receipt = await room.order("alert", title="暴雨红色预警", duration_s=60.0, serial=1)
        assert device["code"] in await began(room, receipt["ebmid"], device["code"])


@pytest.mark.real
@pytest.mark.timeout(120)
@pytest.mark.requirement("R-TRM-04", "R-X-14", "R-SEC-07", "R-TST-10")
async def test_drift_is_mended_and_changes_of_settings_and_of_lists_go_in_stages(tmp_path: Path) -> None:
    async with county(tmp_path, late=0) as (room, _):
        await room.fleet.wait_for(lambda e: e.get("event") == "settled", 30.0, "that all are connected")
        devices = [row for row in room.inventory if row["paths"].startswith("cellular")]
        device = next(row for row in devices if row["code"] not in room.faults["off"])
        write(tmp_path / "volume.csv", [{"code": device["code"], "volume": "35"}])
        status, _ = await room.cli("chen", "inventory", "import", str(tmp_path / "volume.csv"))
        assert status == 0
        shown = await _drifted(room, device["code"])
        assert shown["deviations"] == [{"name": "volume", "wanted": "35", "told": "60", "mendable": True}]
        status, mended = await room.cli("chen", "drift", "mend", device["code"])
        assert (status, [row["state"] for row in mended]) == (0, ["sound"])

        status, change = await room.cli("liu", "change", "start", "--town", "349901", "--volume", "45")
        assert (status, change["state"]) == (0, "running"), change
        change = await _over(room)
        told = [told for told, _ in change["stages"]]
        assert (change["state"], told[0], sum(told)) == ("done", 1, len(change["codes"])), change
        assert journal(tmp_path, "device.set")[0]["settings"] == {"volume": 35}
        await _lists_reach_everybody(room, tmp_path)


async def _over(room: CountyRoom) -> dict[str, Any]:
    """The newest change, once it has ended."""
    for _ in range(150):
        _, (change, *_rest) = await room.cli("liu", "change", "list")
        if change["state"] != "running":
            break
        await asyncio.sleep(0.3)
    newest: dict[str, Any] = change
    return newest


async def _lists_reach_everybody(room: CountyRoom, folder: Path) -> None:
    """Adapters and terminals of one village on every path take list 5, and are never sent list 4."""
    facts = orjson.loads((folder / "sim" / "fleet.json").read_bytes())
    modules = {each["code"]: each["certificate"] for each in facts["adapters"]}
    modules |= {each["code"]: each["phys"].rjust(12, "0")[-12:] for each in facts["terminals"]}
    slow = {row["code"] for row in room.inventory if "fm" in row["paths"]}  # a list takes ten seconds of air
    lit = {code: number for code, number in modules.items() if code not in {*room.faults["off"], *slow}}
    write(folder / "modules.csv", [{"code": code, "certificate": number} for code, number in modules.items()])
    status, _ = await room.cli("chen", "inventory", "import", str(folder / "modules.csv"))
    assert status == 0
    trusted = [facts["platform"]["certificate"], *(each["certificate"] for each in facts["adapters"])]
    lists = await _signed(folder, facts["root"], modules, 5, trusted)
    assert (await room.cli("chen", "reload"))[0] == 0
    asked = [argument for code in lit for argument in ("--code", code)]
    status, began = await room.cli("chen", "cert", "send", *asked, "--yes")
    assert status == 0, began
    change = await _over(room)
    assert (change["state"], [failed for _, failed in change["stages"] if failed]) == ("done", []), change
    results = [each for fact in journal(folder, "device.authorised") for each in fact["results"]]
    taken = {code for code, _, outcome, _ in results if outcome == "taken"}
    paths = {row["code"]: row["paths"] for row in room.inventory if row["kind"] == "terminal"}
    adapters = {each["code"] for each in facts["adapters"]}
    assert taken >= {*(adapters - set(change["skipped"])), *(c for c in lit if paths.get(c, "").startswith("cellular"))}
    assert {paths[code] for code in taken if code in paths} >= {"adapter"}, "terminals behind adapters answer, too"

    for file in lists:
        file.unlink()
    await _signed(folder, facts["root"], modules, 4, trusted)
    assert (await room.cli("chen", "reload"))[0] == 0
    status, refused = await room.cli("chen", "cert", "send", *asked, "--yes")
    assert (status, refused["error"]["code"], refused["error"]["limit"]) == (1, "list_older", "5")


async def _signed(
    folder: Path, root: dict[str, str], modules: dict[str, str], serial: int, trusted: list[str]
) -> list[Path]:
    """A list for each module, in the trust folder."""
    key = PrivateKey.from_pkcs8((folder / root["key"]).read_bytes())
    files = []
    for number in modules.values():
        names = tuple(map(bytes.fromhex, trusted))
        listed = AuthorisationList(bytes.fromhex(number), serial, names, bytes.fromhex(root["certificate"]))
        files.append(folder / "trust" / f"{number}-{serial:03d}.lst")
        files[-1].write_bytes(listed.signed_by(key.sign).encode())
    return files


async def _drifted(room: CountyRoom, code: str) -> dict[str, Any]:
    """The device's row, once it speaks and can be asked."""
    for _ in range(50):
        rows = await room.get(f"/v1/drift?town={code[1:13]}", patience_s=40)
        row: dict[str, Any] = next(r for r in rows if r["code"] == code)
        if row["state"] == "drift":
            break
        await asyncio.sleep(0.5)
    return row
