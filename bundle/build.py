"""`make bundle KEY=FILE`: one signed archive that installs ebcd on a server without a network.

In it: the wheels of the hashed lock for this machine's Python and C library, our own wheel, configuration, rules and
dashboards, the manual, `preflight.py` and `install.sh`, and the SHA-256 of each file. Beside it lies its SM2 signature
(GB/T 32918, DER, the usual id) and the public key, so that `openssl pkeyutl` can judge the archive before anything of
it runs. Nothing else than pip is asked, and pip checks every download against the lock.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tarfile
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from protocols.sm2 import PrivateKey

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("config", "docs")
FILES = ("README.md", "README.zh-CN.md", "requirements.lock")
OURS = ("install.sh", "preflight.py")
SUMS = "SHA256SUMS"
PASSPHRASE = "EBCD_KEY_PASSPHRASE"
_PIP = ("-m", "pip", "--disable-pip-version-check", "--quiet")


def download(lock: Path, wheels: Path) -> None:
    """Every wheel of the lock, its hash checked; nothing is built here."""
    wanted = ("--only-binary", ":all:", "--require-hashes", "--dest", str(wheels), "-r", str(lock))
    _run(*_PIP, "download", *wanted)


def own_wheel(wheels: Path) -> None:
    """Ours, from a copy of the sources, so that nothing is left in them."""
    with TemporaryDirectory() as name:
        source = Path(name) / "source"
        source.mkdir()
        for package in ("ebcd", "protocols", "devices", "simulators"):
            shutil.copytree(ROOT / package, source / package, ignore=shutil.ignore_patterns("__pycache__"))
        for file in ("pyproject.toml", "README.md"):
            shutil.copy(ROOT / file, source)
        _run(*_PIP, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(wheels), str(source))


def _run(*arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], check=True)


def lay(folder: Path, lock: Path) -> None:
    """Everything that belongs into the archive, and its sums."""
    wheels = folder / "wheels"
    wheels.mkdir(parents=True)
    if lock.read_text(encoding="utf-8").strip():
        download(lock, wheels)
    own_wheel(wheels)
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy(ROOT / name, folder)
    shutil.copy(lock, folder / "requirements.lock")
    for name in OURS:
        shutil.copy(ROOT / "bundle" / name, folder)
    (folder / "install.sh").chmod(0o755)
    listed = sorted(file for file in folder.rglob("*") if file.is_file())
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.relative_to(folder)}\n" for file in listed]
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")


def pack(folder: Path, archive: Path) -> None:
    """A tar whose bytes depend on its files' names and contents only."""
    partial = archive.with_name(archive.name + ".part")
    with tarfile.open(partial, "w", format=tarfile.PAX_FORMAT) as tar:
        for file in sorted(folder.rglob("*")):
            info = tar.gettarinfo(file, f"{folder.name}/{file.relative_to(folder)}")
            info.uid = info.gid = 0
            info.uname = info.gname = ""
            info.mtime = 0
            info.mode = 0o755 if info.isdir() or info.mode & 0o100 else 0o644
            if info.isdir():
                tar.addfile(info)
            else:
                with file.open("rb") as source:
                    tar.addfile(info, source)
    os.replace(partial, archive)


def read_key(key: Path, passphrase: bytes | None) -> PrivateKey:
    """What signs. Raises SystemExit with a sentence where it cannot."""
    from protocols.errors import RemoteProtocolError
    from protocols.sm2 import PrivateKey

    try:
        return PrivateKey.from_pkcs8(key.read_bytes(), passphrase)
    except OSError as error:
        reason = error.strerror or str(error)
    except RemoteProtocolError as error:
        reason = error.detail
    raise SystemExit(
        f"key {str(key)!r} cannot sign ({reason}); name an SM2 key in PKCS#8 (openssl genpkey -algorithm SM2), "
        f"its passphrase in {PASSPHRASE}"
    )


def sign(archive: Path, private: PrivateKey) -> None:
    """The signature and the public key beside the archive."""
    from protocols import der

    archive.with_name(archive.name + ".sig").write_bytes(der.signature(private.sign(archive.read_bytes())))
    archive.with_name(archive.name + ".pub").write_text(pem(der.public_key(private.public.raw)), encoding="ascii")


def pem(encoded: bytes) -> str:
    """A SubjectPublicKeyInfo as text."""
    import base64

    body = base64.b64encode(encoded).decode()
    lines = [body[at : at + 64] for at in range(0, len(body), 64)]
    return "\n".join(("-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", ""))


def build(out: Path, key: Path, lock: Path, passphrase: bytes | None) -> Path:
    """Make, sign and name the archive."""
    private = read_key(key, passphrase)  # before minutes of downloads
    name = f"ebcd-{version('ebcd')}-py{sys.version_info[0]}{sys.version_info[1]}-{platform.machine()}"
    out.mkdir(parents=True, exist_ok=True)
    archive = out / f"{name}.tar"
    for old in (archive, *(archive.with_name(f"{archive.name}.{beside}") for beside in ("sig", "pub"))):
        old.unlink(missing_ok=True)  # an archive never lies beside the signature of another one
    with TemporaryDirectory() as work:
        folder = Path(work) / name
        folder.mkdir()
        lay(folder, lock)
        pack(folder, archive)
    sign(archive, private)
    return archive


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Make the archive for servers without a network.")
    parser.add_argument("--key", type=Path, required=True, help="SM2 private key (PKCS#8) that signs the archive")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "bundle")
    parser.add_argument("--lock", type=Path, default=ROOT / "requirements.lock")
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    archive = build(options.out, options.key, options.lock, os.environ.get(PASSPHRASE, "").encode() or None)
    size_mb = archive.stat().st_size / 2**20
    print(f"{archive} ({size_mb:.0f} MB), {archive.name}.sig, {archive.name}.pub")
    return 0


if __name__ == "__main__":
    sys.exit(main())
