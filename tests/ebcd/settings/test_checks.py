"""check-config finds what is wrong around ebcd.toml: files, keys, certificates, ports, people."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path as FilePath

import pytest

from devices.link import Path
from devices.registry import LINK_TYPES
from ebcd import settings
from ebcd.inventory_csv import read as read_inventory
from ebcd.settings import links as settings_links
from ebcd.settings.checks import check
from protocols.codes import ResourceCode
from protocols.signature import AuthorisationList, number_from_text
from protocols.sm2 import PrivateKey
from simulators.county import write_county
from simulators.county_plan import plan_county
from tests.virtual_time import EPOCH_UTC_S

VALID_UNTIL_YEAR = 2045


@dataclass(frozen=True, slots=True)
class AnyLinkConfig:
    """Takes the keys of every driver, so that this test does not depend on their code."""

    name: str
    host: str = "127.0.0.1"
    port: int = 1
    path: Path = Path.IP
    commands: bool = True
    report_host: str = "127.0.0.1"
    returns_to: str = ""
    report_port: int = 8099
    answer_timeout_s: float = 3.0


class _Clock:
    def __init__(self, wall_s: float) -> None:
        self._wall_s = wall_s

    def wall(self) -> float:
        return self._wall_s

    def monotonic(self) -> float:
        return 0.0


@pytest.fixture
def county(tmp_path: FilePath, monkeypatch: pytest.MonkeyPatch) -> FilePath:
    any_links = {name: replace(each, module=__name__, config_name="AnyLinkConfig") for name, each in LINK_TYPES.items()}
    monkeypatch.setattr(settings_links, "LINK_TYPES", any_links)
    plan = plan_county(terminals=200, seed=7, base_port=7500)
    write_county(tmp_path, plan, heartbeat_s=15.0, quiet=("22:00", "06:00"), year=VALID_UNTIL_YEAR, entropy=os.urandom)
    return tmp_path


def _check(county: FilePath, *, wall_s: float = EPOCH_UTC_S, **environ: str) -> list[str]:
    problems = check(county / "ebcd.toml", clock=_Clock(wall_s), environ=environ)
    assert all(problem.sentence("zh") for problem in problems)
    return [str(problem).replace(f"{county}/", "") for problem in problems]


def _edit(file: FilePath, edit: Callable[[str], str]) -> None:
    before = file.read_text(encoding="utf-8")
    after = edit(before)
    assert after != before
    file.write_text(after, encoding="utf-8")


def test_a_made_county_has_no_problems(county: FilePath) -> None:
    assert _check(county) == []


def test_the_command_reads_the_machines_own_clock_and_environment(county: FilePath) -> None:
    assert settings.check(county / "ebcd.toml") == []


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ("port = 7501", "port = 7500", "ebcd.toml: upstream.port = 7500 is the same as in metrics.port; use another"),
        ("port = 7505", "port = 7503", "ebcd.toml: links[2].port = 7503 is the same as in links[0].report_port; use"),
        ('socket = "run', f'socket = "{"x" * 100}', "ebcd.toml: api.socket = "),
        ("level_1 = 1", "level_1 = 2", "ebcd.toml: approval.level_1 = 2 is too many: there are 2 operators, one of"),
        (
            'certificates = ["0',
            'certificates = ["F',
            "ebcd.toml: upstream.peers[0].certificates[0] = 'F00000000101' has",
        ),
        ('certificates = ["000000000101"]', "", "ebcd.toml: upstream.peers[0].certificates is empty, so nothing that"),
        (
            "[api]",
            '[tone]\ndays = ["fri"]\nat = "05:59"\n[api]',
            "ebcd.toml: tone.at = 05:59 lies in quiet hours (22:00 to 06:00)",
        ),
        ("[api]", '[alarms]\ntell = ["x"]\n[api]', "ebcd.toml: alarms.tell[0] = 'x' is the name of no crew"),
        ("[api]", '[orders]\nsupervisor = "x"\n[api]', "ebcd.toml: orders.supervisor = 'x' is the name of no crew"),
        ("drill = 1", "drill = 1\ntone = 3", "ebcd.toml: approval.tone = 3 is too many: there are 2 operators"),
        ('path = "cellular"', 'path = "ip"', "inventory.csv: paths = 'cellular' is used by "),
        ('path = "ip"', 'path = "ip"\ncommands = false', "inventory.csv: paths = 'ip' is used by "),
    ],
)
def test_each_mistake_around_the_file_is_found(county: FilePath, before: str, after: str, sentence: str) -> None:
    _edit(county / "ebcd.toml", lambda text: text.replace(before, after))
    (problem,) = _check(county)
    assert problem.startswith(sentence)


def test_everybody_may_approve_a_tone_for_the_daemon_writes_it(county: FilePath) -> None:
    _edit(county / "ebcd.toml", lambda text: text.replace("drill = 1", "drill = 1\ntone = 2"))
    assert _check(county) == []


def test_a_listener_on_every_address_takes_the_port_of_all(county: FilePath) -> None:
    _edit(
        county / "ebcd.toml",
        lambda text: text.replace('host = "127.0.0.1"\nport = 7505', 'host = "0.0.0.0"\nport = 7506'),
    )
    assert [line.split(" = ")[0] for line in _check(county)] == ["ebcd.toml: links[3].port"]


def test_a_key_of_somebody_else_does_not_pass(county: FilePath) -> None:
    (county / "keys/platform.pem").write_bytes(PrivateKey.generate(os.urandom).to_pkcs8())
    (problem,) = _check(county)
    assert problem.startswith("keys/platform.pem: does not belong to certificate 000000000201")


def test_an_encrypted_key_is_opened_by_the_passphrase_in_the_environment(county: FilePath) -> None:
    file = county / "keys/platform.pem"
    file.write_bytes(PrivateKey.from_pkcs8(file.read_bytes()).to_pkcs8(b"open"))
    assert _check(county, EBCD_KEY_PASSPHRASE="open") == []
    (problem,) = _check(county, EBCD_KEY_PASSPHRASE="wrong")
    assert problem.startswith("keys/platform.pem: is no usable signing key")


def test_missing_files_are_all_named(county: FilePath) -> None:
    (county / "inventory.csv").unlink()
    (county / "keys/platform.pem").unlink()
    (county / "trust/000000000201.cer").unlink()
    places = [line.split(" ")[0] for line in _check(county)]
    assert places == ["inventory.csv:", "ebcd.toml:", "keys/platform.pem:"]


def test_an_expired_certificate_is_named(county: FilePath) -> None:
    problems = _check(county, wall_s=EPOCH_UTC_S + 40 * 365 * 86400)
    assert [line for line in problems if line.startswith("trust/000000000201.cer: ")]


def test_fm_terminals_need_a_transmitter(county: FilePath) -> None:
    _edit(
        county / "inventory.csv",
        lambda text: "\n".join(line for line in text.splitlines() if not line.startswith("transmitter")),
    )
    (problem,) = _check(county)
    assert problem.startswith("inventory.csv: kind has no row transmitter, and ")


def test_a_digit_that_no_code_can_have_is_named_with_what_could_stand_there(county: FilePath) -> None:
    inventory = county / "inventory.csv"
    row = next(line for line in inventory.read_text("utf-8").splitlines() if line.startswith("terminal,6"))
    code = row.split(",")[1]
    wrong = f"{code[:13]}0414{code[17:]}"
    _edit(inventory, lambda text: text.replace(code, wrong))
    _edit(county / "ebcd.toml", lambda text: text.replace('code = "2', 'code = "7', 1))
    peer, device = sorted(_check(county), reverse=True, key=lambda told: told.startswith("ebcd.toml"))
    assert "digit 1 (level) is 7; 1-6 is possible" in peer
    assert f"'{wrong}' " in device
    assert "digits 14-17 (resource type) are 0414; there are 0001 0101-0104" in device


def test_a_terminal_with_an_odd_code_is_still_served(county: FilePath) -> None:
    inventory = county / "inventory.csv"
    code = next(
        line.split(",")[1] for line in inventory.read_text("utf-8").splitlines() if line.startswith("terminal,6")
    )
    wrong = f"{code[:13]}0414{code[17:]}"
    _edit(inventory, lambda text: text.replace(code, wrong))
    found, problems = read_inventory(inventory)
    assert problems == []
    assert found.roster.by_code(ResourceCode(wrong)) is not None


def test_a_peers_certificate_that_the_list_in_force_leaves_out_is_named(county: FilePath) -> None:
    key = PrivateKey.from_pkcs8((county / "sim/keys/root.pem").read_bytes())
    own = number_from_text(settings.load(county / "ebcd.toml").platform.certificate)
    root = number_from_text("000000000001")
    listed = AuthorisationList(own, 1, (own,), root).signed_by(key.sign)
    (county / "trust" / "mine.lst").write_bytes(listed.encode())
    (told,) = _check(county)
    assert "certificates[0]" in told
    assert "is not on the authorisation list in force" in told


def test_a_folder_that_the_daemon_must_write_and_cannot_is_told_before_the_morning_it_is_missed(
    county: FilePath,
) -> None:
    file = county / "ebcd.toml"
    assert "unwritable" not in {each.what for each in check(file, clock=_Clock(EPOCH_UTC_S))}
    found = check(file, clock=_Clock(EPOCH_UTC_S), writable=lambda folder: folder.name == "media")
    keys = [each.where for each in found if each.what == "unwritable"]
    assert keys == ["store.url", "store.packages", "backup.folder", "morning.folder"]
    assert "/state/reports" in found[-1].sentence("en")
