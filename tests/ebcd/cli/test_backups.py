"""`ebcd backup` and `ebcd restore` as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ebcd.cli.app import app
from tests.ebcd.backup.county import Place, make_place
from tests.ebcd.cli.conftest import Answer


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A county on disk."""
    return make_place(tmp_path_factory.mktemp("county") / "county")


def type_in(*arguments: str, passphrase: str = "") -> Answer:
    """Run one command."""
    environment = {"EBCD_BACKUP_PASSPHRASE": passphrase, "EBCD_LANG": "", "LANG": "C", "EBCD_CONFIG": ""}
    result = CliRunner().invoke(app, list(arguments), env=environment)
    return Answer(result.exit_code, result.stdout, result.stderr)


def test_there_and_back_for_people(place: Place, tmp_path: Path) -> None:
    made = type_in("backup", "--to", str(tmp_path / "b"), "-c", str(place.config), "--lang", "en")
    assert made.status == 0, made.err
    (archive,) = (tmp_path / "b").glob("*.tar.gz")
    for part in (str(archive), "5 journal rows", "password of the configuration are not in it", "Not encrypted"):
        assert part in made.out, part
    new = tmp_path / "new" / "ebcd.toml"
    told = type_in("restore", str(archive), "-c", str(new), "--lang", "en")
    assert told.status == 0, told.err
    for part in (
        "the chain holds",
        "alert 1: on air",
        "alert 3: waiting",
        "Restored.",
        "To be filled in again",
        "keys/platform.pem",
    ):
        assert part in told.out, part
    assert new.exists()


def test_there_and_back_for_programs(place: Place, tmp_path: Path) -> None:
    made = json.loads(type_in("backup", "--to", str(tmp_path), "-c", str(place.config), "--json").out)
    assert made["encrypted"] is False
    assert made["manifest"]["files"] > 10
    dry = json.loads(
        type_in("restore", made["file"], "-c", str(tmp_path / "n" / "ebcd.toml"), "--dry-run", "--json").out
    )
    assert dry["done"] is False
    assert not (tmp_path / "n").exists()
    does = {piece["name"]: piece["does"] for piece in dry["pieces"]}
    assert does.pop("roster") == "same"  # nobody is planned
    assert set(does.values()) == {"new"}
    assert [each["title"] for each in dry["live"]] == ["alert 1", "alert 3"]
    done = json.loads(type_in("restore", made["file"], "-c", str(tmp_path / "n" / "ebcd.toml"), "--json").out)
    assert done["done"] is True


def test_an_encrypted_archive_asks_for_its_passphrase(place: Place, tmp_path: Path) -> None:
    (tmp_path / "p").write_text("correct horse\n", encoding="ascii")
    words = ("backup", "--to", str(tmp_path / "b"), "-c", str(place.config), "--encrypt")
    without = type_in(*words, "--lang", "en")
    assert without.status == 2
    assert "EBCD_BACKUP_PASSPHRASE" in without.err
    assert type_in(*words, "--passphrase-file", str(tmp_path / "p")).status == 0
    (archive,) = (tmp_path / "b").glob("*.sealed")
    restore = ("restore", str(archive), "-c", str(place.config), "--dry-run", "--lang", "en")
    assert "is encrypted" in type_in(*restore).err
    wrong = type_in(*restore, passphrase="wrong")
    assert (wrong.status, "passphrase is wrong" in wrong.err) == (1, True)
    assert type_in(*restore, passphrase="correct horse").status == 0


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_refusal_is_a_sentence_for_people_and_a_word_for_programs(
    place: Place, tmp_path: Path, language: str
) -> None:
    (tmp_path / "x").write_bytes(b"no backup")
    told = type_in("restore", str(tmp_path / "x"), "-c", str(place.config), "--json", "--lang", language)
    assert told.status == 1
    assert json.loads(told.out)["error"] == "not_archive"
    assert str(tmp_path / "x") in told.err


def test_an_empty_passphrase_file_encrypts_with_nothing_and_is_refused(place: Place, tmp_path: Path) -> None:
    (tmp_path / "p").write_bytes(b"\n")
    told = type_in("backup", "-c", str(place.config), "--to", str(tmp_path), "--passphrase-file", str(tmp_path / "p"))
    assert told.status == 2
