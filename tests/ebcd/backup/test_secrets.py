"""Secrets never leave with the configuration, and what cannot be taken out safely stops the backup."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from ebcd.backup.errors import BackupError
from ebcd.backup.secrets import is_secret, without_secrets

EXAMPLE = Path(__file__).parents[3] / "config" / "ebcd.toml"


def test_values_go_and_comments_stay() -> None:
    text = "[a]\npassword = 'x#y'  # of the broker\nname = \"n\"\n"
    assert without_secrets(text, "f") == ('[a]\npassword = ""  # of the broker\nname = "n"\n', ("a.password",))


def test_quotes_inside_a_value_are_no_end_of_it() -> None:
    assert without_secrets('password = "p\\"q" # "\n', "f") == ('password = "" # "\n', ("password",))


def test_an_empty_secret_is_none() -> None:
    assert without_secrets('password = ""\n', "f") == ('password = ""\n', ())


def test_the_example_needs_nothing_taken_out() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    emptied, keys = without_secrets(text, EXAMPLE)
    assert keys == ()
    assert tomllib.loads(emptied) == tomllib.loads(text)


@pytest.mark.parametrize(
    "text",
    [
        'links = [{ name = "m", password = "p" }]\n',
        'password = """\np"""\n',
        '"password" = "p"\n',
        "[a]\nb.password = 'p'\n",
    ],
)
def test_a_secret_written_in_a_way_that_is_not_understood_stops_the_backup(text: str) -> None:
    with pytest.raises(BackupError) as caught:
        without_secrets(text, "ebcd.toml")
    assert caught.value.what == "secret"


@pytest.mark.parametrize(
    ("key", "secret"),
    [
        ("password", True),
        ("api_token", True),
        ("Passphrase", True),
        ("client_secret", True),
        ("signing_key", True),
        ("key", False),
        ("token_sha256", False),
        ("key_passphrase_env", False),
        ("passphrase_env", False),
        ("name", False),
    ],
)
def test_names_tell_what_is_secret(key: str, *, secret: bool) -> None:
    assert is_secret(key) is secret
