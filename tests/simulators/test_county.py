"""A made-up county: the same for the same seed, of the promised shape, with every file a county needs."""

from __future__ import annotations

import csv
import hashlib
import io
import itertools
import json
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from protocols.codes import AreaCode, covers
from protocols.signature import Certificate
from protocols.sm2 import PrivateKey, PublicKey
from simulators.county import fault_facts, fleet_facts, inventory_csv, main, write_county
from simulators.county_plan import CountyPlan, plan_county
from simulators.county_toml import county_toml
from simulators.fleet_facts import read_facts


@pytest.fixture(scope="module")
def reference() -> CountyPlan:
    return plan_county(terminals=2224, seed=7, base_port=27000)


def entropy_from(seed: bytes) -> itertools.count[int]:
    return itertools.count(int.from_bytes(seed, "big"))


def test_the_reference_county_has_105_head_ends_and_2224_terminals(reference: CountyPlan) -> None:
    assert Counter(place.level for place in reference.places) == {4: 1, 5: 10, 6: 94}
    assert len(reference.adapters) == 105
    assert len({t.code for t in reference.terminals}) == len({t.phys for t in reference.terminals}) == 2224


def test_at_most_a_fifth_of_the_terminals_have_fm_only_and_every_path_has_its_share(reference: CountyPlan) -> None:
    first = Counter(t.paths[0] for t in reference.terminals)
    shares = {path: count / 2224 for path, count in first.items()}
    assert shares == pytest.approx(
        {"ip": 0.4, "adapter": 0.25, "cellular": 0.085, "mqtt": 0.085, "fm": 0.18}, abs=0.001
    )
    assert sum(len(t.paths) > 1 for t in reference.terminals) > 600


def test_columns_stand_in_towns_and_horns_in_villages(reference: CountyPlan) -> None:
    assert all((t.code.level == 5) == ("音柱" in t.name) for t in reference.terminals)
    assert {t.code.level for t in reference.terminals} == {5, 6}
    assert all(t.code.area.level == t.code.level for t in reference.terminals)


def test_place_names_are_different_within_their_kind(reference: CountyPlan) -> None:
    assert len({place.name for place in reference.places}) == len(reference.places)


def test_faults_are_a_town_without_ip_a_slow_village_adapter_and_one_in_a_hundred_off(reference: CountyPlan) -> None:
    faults = reference.faults
    assert len(faults.off) == 22
    assert faults.dead_ip_town.level == 5
    assert faults.slow_adapter.level == 6
    assert not covers(faults.dead_ip_town, faults.slow_adapter.area)
    behind = [t for t in reference.terminals if t.code.area == faults.slow_adapter.area and "adapter" in t.paths]
    assert any(t.code not in faults.off for t in behind)


def test_the_same_seed_gives_the_same_county_and_another_one_another() -> None:
    plans = [plan_county(terminals=300, seed=seed, base_port=27000) for seed in (3, 3, 4)]
    assert plans[0] == plans[1]
    assert plans[0] != plans[2]
    assert inventory_csv(plans[0]) == inventory_csv(plans[1])
    assert (fleet_facts(plans[0], 15.0), fault_facts(plans[0])) == (fleet_facts(plans[1], 15.0), fault_facts(plans[1]))


@pytest.mark.parametrize("terminals", [20, 21, 60, 500, 5000, 20_000])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_any_size_has_two_towns_of_two_villages_and_codes_that_name_one_terminal(terminals: int, seed: int) -> None:
    plan = plan_county(terminals=terminals, seed=seed, base_port=27000)
    villages = Counter(place.code[:9] for place in plan.places if place.level == 6)
    assert len(villages) >= 2
    assert min(villages.values()) >= 2
    assert len({t.code for t in plan.terminals}) == terminals
    assert all("01" <= t.code.subtype_serial <= "99" and t.code.type_serial >= "01" for t in plan.terminals)
    homes = {t.code.area for t in plan.terminals}
    assert homes == {place.code for place in plan.places if place.level > 4}


@pytest.mark.parametrize("terminals", [0, 19, 20_001])
def test_an_impossible_size_is_refused(terminals: int) -> None:
    with pytest.raises(ValueError, match="20 to 20000"):
        plan_county(terminals=terminals, seed=1, base_port=27000)


def test_the_configuration_text_parses_and_names_every_section(reference: CountyPlan) -> None:
    text = county_toml(reference, {"chen": "aa", "liu": "bb"}, ("22:00", "06:00"))
    document = tomllib.loads(text)
    assert set(document) == {
        *("platform", "store", "trust", "inventory", "api", "metrics", "media", "operators", "approval"),
        *("quiet_hours", "priority", "delivery", "upstream", "links"),
    }
    assert document["platform"]["code"] == "43499010000000101010101"
    assert [link["name"] for link in document["links"]] == ["adapters", "returns", "ip", "cellular", "mqtt", "fm"]
    ports = [v for table in (document["metrics"], document["media"], document["upstream"]) for v in [table["port"]]]
    ports += [link[key] for link in document["links"] for key in ("port", "report_port") if key in link]
    ports += [adapter.port for adapter in reference.adapters] + [reference.transmitter.port]
    assert len(ports) == len(set(ports))


def test_adapters_that_get_their_sound_streamed_are_on_this_machine(reference: CountyPlan) -> None:
    link = tomllib.loads(county_toml(reference, {}, ("22:00", "06:00"), push=True))["links"][0]
    assert (link["sound"], link["push_allowed"]) == ("push", ["127.0.0.0/8"])


def test_the_inventory_has_a_row_for_everything_and_paths_best_first(reference: CountyPlan) -> None:
    rows = list(csv.DictReader(io.StringIO(inventory_csv(reference))))
    assert Counter(row["kind"] for row in rows) == {"adapter": 105, "transmitter": 1, "terminal": 2224}
    by_code = {row["code"]: row for row in rows}
    assert all(by_code[t.code]["paths"].split(";") == list(t.paths) for t in reference.terminals)


def test_the_written_directory_holds_signed_certificates_private_keys_and_tokens(tmp_path: Path) -> None:
    plan = plan_county(terminals=20, seed=1, base_port=27000)
    numbers = entropy_from(b"county")
    write_county(
        tmp_path,
        plan,
        heartbeat_s=15.0,
        quiet=("22:00", "06:00"),
        year=2046,
        entropy=lambda size: hashlib.shake_128(str(next(numbers)).encode()).digest(size),
    )
    certificates = {file.stem: Certificate.decode(file.read_bytes()) for file in (tmp_path / "trust").glob("*.cer")}
    root = PublicKey(certificates["000000000001"].public_key)
    assert len(certificates) == 3 + len(plan.adapters)
    assert all(root.verify(c.signed_bytes(), c.signature) for c in certificates.values())
    key = PrivateKey.from_pkcs8((tmp_path / "keys" / "platform.pem").read_bytes())
    assert key.public.raw == certificates["000000000201"].public_key
    document = tomllib.loads((tmp_path / "ebcd.toml").read_text(encoding="utf-8"))
    for operator in document["operators"]:
        token = (tmp_path / "operators" / f"{operator['name']}.token").read_text(encoding="utf-8").strip()
        assert hashlib.sha256(token.encode()).hexdigest() == operator["token_sha256"]
    private = [*tmp_path.rglob("*.pem"), *tmp_path.rglob("*.token")]
    assert len(private) == 3 + len(plan.adapters) + 2
    assert {file.stat().st_mode & 0o777 for file in private} == {0o600}


def test_the_fleet_reads_back_what_was_written(tmp_path: Path) -> None:
    assert main(["--out", str(tmp_path), "--terminals", "30", "--seed", "5", "--base-port", "27000"]) == 0
    plan = plan_county(terminals=30, seed=5, base_port=27000)
    facts = read_facts(tmp_path, lambda: 1_760_000_000.0)
    assert [t.code for t in facts.terminals] == [t.code for t in plan.terminals]
    assert sum(t.off for t in facts.terminals) == len(plan.faults.off)
    assert {a.code: a.delay_s for a in facts.adapters if a.delay_s} == {plan.faults.slow_adapter: 5.0}
    assert facts.dead_ip_town == AreaCode(json.loads((tmp_path / "sim/faults.json").read_text())["dead_ip_town"])
    assert len(facts.trust.certificates) == 3 + len(plan.adapters)


def test_the_command_refuses_an_impossible_size(tmp_path: Path) -> None:
    assert main(["--out", str(tmp_path / "x"), "--terminals", "3"]) == 2
    assert not (tmp_path / "x").exists()
