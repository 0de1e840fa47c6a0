"""The archive for servers without a network: signed, judged before it runs, installed without an index.

The quick tests build one without dependencies. The whole of it is downloaded, installed and started by
`make bundle-test` (EBCD_TEST_BUNDLE=1): that takes a network and three minutes, so it is no part of `make test`.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from protocols.sm2 import PrivateKey

ROOT = Path(__file__).parent.parent
VERIFY = (
    "openssl pkeyutl -verify -pubin -inkey {0}.pub -in {0} -sigfile {0}.sig -rawin -digest sm3 "
    "-pkeyopt distid:1234567812345678"
)

pytestmark = pytest.mark.real
needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="the openssl command is not installed")
whole = pytest.mark.skipif(not os.environ.get("EBCD_TEST_BUNDLE"), reason="run by make bundle-test: needs a network")


def build(folder: Path, *arguments: str) -> Path:
    """The archive."""
    key = folder / "release.pem"
    key.write_bytes(PrivateKey.generate(os.urandom).to_pkcs8())
    command = [
        sys.executable,
        str(ROOT / "bundle" / "build.py"),
        "--key",
        str(key),
        "--out",
        str(folder / "out"),
        *arguments,
    ]
    subprocess.run(command, check=True, timeout=300, env={**os.environ, "PYTHONPATH": str(ROOT)})
    (archive,) = (folder / "out").glob("*.tar")
    return archive


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One without dependencies."""
    folder = tmp_path_factory.mktemp("bundle")
    (folder / "empty.lock").touch()
    return build(folder, "--lock", str(folder / "empty.lock"))


def unpacked(archive: Path, folder: Path) -> Path:
    """As an engineer does on the server."""
    subprocess.run(["tar", "-xf", archive, "-C", folder], check=True)
    return folder / archive.name.removesuffix(".tar")


def install(
    folder: Path, to: Path, *arguments: str, python: str = sys.executable, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Without an index, and without whatever else a user's pip is told."""
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHON": python,
        "LANG": "C.UTF-8",
        "PIP_NO_INDEX": "1",
        "HOME": str(folder.parent),
    }
    command = ["sh", str(folder / "install.sh"), "--to", str(to), *arguments]
    return subprocess.run(command, env=environ, cwd=cwd, capture_output=True, text=True, timeout=300, check=False)


def breaks_off(folder: Path) -> Path:
    """A Python whose environments have a pip that fails, as it does on a full disk."""
    command = folder / "python"
    environment = '[ "$2" != venv ] || ln -sf /bin/false "$3/bin/python"'
    command.write_text(f'#!/bin/sh\n{sys.executable} "$@" || exit 1\n{environment}\n', encoding="utf-8")
    command.chmod(0o755)
    return command


def test_the_manual_shows_the_command_that_judges_the_archive(archive: Path) -> None:
    manual = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    shown = re.sub(r"ebcd-[\d.]+-py\d+-\w+\.tar", archive.name, manual)
    assert VERIFY.format(archive.name) in shown


@needs_openssl
def test_openssl_judges_the_archive_before_anything_of_it_runs(archive: Path, tmp_path: Path) -> None:
    for file in archive.parent.iterdir():
        shutil.copy(file, tmp_path)
    command = VERIFY.format(archive.name).split()
    good = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60, check=False)
    copy = tmp_path / archive.name
    content = bytearray(copy.read_bytes())
    content[5000] ^= 1
    copy.write_bytes(content)
    bad = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60, check=False)
    assert b"Verified Successfully" in good.stdout, good.stderr
    assert bad.returncode != 0


def test_it_holds_no_key_and_everything_the_manual_speaks_of(archive: Path) -> None:
    with tarfile.open(archive) as tar:
        names = {name.partition("/")[2] for name in tar.getnames()}
        owners = {(info.uid, info.uname, info.mtime) for info in tar}
    for name in ("install.sh", "preflight.py", "SHA256SUMS", "requirements.lock", "config/ebcd.service"):
        assert name in names
    assert {"config/prometheus/alerts.yml", "config/grafana/county.json", "docs/operations.md"} <= names
    assert [name for name in names if name.endswith((".pem", ".key", ".token", ".pyc"))] == []
    assert owners == {(0, "", 0)}


def test_it_installs_into_an_empty_folder_and_over_an_older_version(archive: Path, tmp_path: Path) -> None:
    folder, to = unpacked(archive, tmp_path), tmp_path / "opt"
    first = install(folder, Path("opt"), cwd=tmp_path)
    assert first.returncode == 0, first.stdout + first.stderr
    there = sorted(file.relative_to(to) for file in to.rglob("*"))
    broken = install(folder, to, python=str(breaks_off(tmp_path)))
    assert broken.returncode != 0
    assert sorted(file.relative_to(to) for file in to.rglob("*")) == there, "a full disk: all as before, no room taken"
    second = install(folder, to)
    assert second.returncode == 0, second.stdout + second.stderr
    assert "is installed" in second.stdout
    python = [str(to / ".venv" / "bin" / "python"), "-I", "-c"]
    told = subprocess.run(
        [*python, "import protocols.codes as c; print(c.__file__)"], capture_output=True, text=True, check=True
    )
    assert told.stdout.startswith(str(to / ".venv"))
    assert (to / ".venv.old" / "bin" / "python").exists()
    assert (to / ".venv" / "bin" / "ebcd").read_text(encoding="utf-8").startswith(f"#!{to}/.venv/bin/")
    assert (to / "config" / "ebcd.service").exists()


@pytest.mark.parametrize("key", ["", "nowhere.pem", "words.pem"])
def test_a_key_that_cannot_sign_is_told_before_anything_is_built(key: str, tmp_path: Path) -> None:
    (tmp_path / "words.pem").write_text("no key", encoding="ascii")
    command = [sys.executable, str(ROOT / "bundle" / "build.py"), "--out", str(tmp_path / "out")]
    command += ["--key", str(tmp_path / key) if key else ""]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "cannot sign" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.rglob("*.tar")) == []


def test_a_file_that_was_altered_on_the_way_stops_the_installation(archive: Path, tmp_path: Path) -> None:
    folder, to = unpacked(archive, tmp_path), tmp_path / "opt"
    (folder / "config" / "ebcd.toml").write_text("x", encoding="utf-8")
    done = install(folder, to)
    assert done.returncode == 1
    assert "copy the archive again" in done.stderr
    assert not to.exists()


def test_what_is_missing_stops_the_installation_and_is_named(archive: Path, tmp_path: Path) -> None:
    folder = unpacked(archive, tmp_path)
    other = folder.with_name(folder.name.replace("x86_64", "sparc").replace("aarch64", "sparc"))
    folder.rename(other)
    done = install(other, tmp_path / "opt")
    assert done.returncode == 1
    assert re.search(r"missing\s+processor \w+ is not the archive's \(sparc\)", done.stdout)
    assert not (tmp_path / "opt").exists()
    assert install(other, tmp_path / "opt", "--anyway").returncode == 0


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_preflight_tells_people_and_programs(language: str) -> None:
    script = [sys.executable, str(ROOT / "bundle" / "preflight.py"), "--lang", language]
    told = subprocess.run(script, capture_output=True, text=True, timeout=60, check=False)
    found = json.loads(
        subprocess.run([*script, "--json"], capture_output=True, text=True, timeout=60, check=False).stdout
    )
    assert len(told.stdout.splitlines()) == len(found)
    assert {each["name"].split("_")[0] for each in found} >= {
        "python",
        "machine",
        "libc",
        "venv",
        "sm2",
        "disk",
        "clock",
    }
    assert all(
        re.search(r"[\u4e00-\u9fff]", each["sentence"]) or language == "en"
        for each in found
        if "value" not in each["values"]
    )


@whole
@pytest.mark.timeout(600)
def test_the_whole_archive_installs_without_an_index_and_the_daemon_starts(tmp_path: Path) -> None:
    folder, to = unpacked(build(tmp_path), tmp_path), tmp_path / "opt"
    done = install(folder, to)
    assert done.returncode == 0, done.stdout + done.stderr
    ebcd = [str(to / ".venv" / "bin" / "ebcd")]
    county = [str(to / ".venv" / "bin" / "python"), "-I", "-m", "simulators", "county", "--terminals", "20"]
    subprocess.run([*county, "--out", str(tmp_path / "county")], check=True, timeout=60)
    config = ["-c", str(tmp_path / "county" / "ebcd.toml")]
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    for words in (["check-config"], ["doctor"]):
        told = subprocess.run(
            [*ebcd, *words, *config], env=environ, capture_output=True, text=True, timeout=60, check=False
        )
        assert told.returncode == 0, told.stdout + told.stderr
    demo = subprocess.run(
        [*ebcd, "demo", "--terminals", "60"], env=environ, capture_output=True, timeout=300, check=False
    )
    assert demo.returncode == 0, demo.stdout[-2000:] + demo.stderr[-2000:]
