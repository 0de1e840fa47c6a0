"""What this server lacks for ebcd: `python3 preflight.py [--to DIR] [--lang zh|en] [--json]`; exit status 1: not yet.

Runs before anything is installed, on any Python 3.6 or newer: the standard library only, and its sentences in here.
"""

import argparse
import ctypes
import glob
import json
import os
import platform
import re
import shutil
import socket
import subprocess
import sys

FREE_MB_INSTALL = 600
FREE_MB_STATE = 2048
PORTS = (7500, 8088, 8099, 8889, 8890, 8891, 9108)
STATE = "/var/lib"

TEXTS = {
    "python": ("Python {value}", "Python {value}"),
    "python_old": (
        "Python {value} 太旧，需要 3.11 以上：apt-get install python3.11",
        "Python {value} is too old, 3.11 or newer is needed: install python3.11",
    ),
    "python_other": (
        "Python {value} 与安装包（{wanted}）不符：请用 PYTHON=python{wanted} ./install.sh，或取对应的包",
        "Python {value} is not the archive's ({wanted}): PYTHON=python{wanted} ./install.sh, or take another archive",
    ),
    "machine": ("处理器 {value}", "processor {value}"),
    "machine_other": ("处理器 {value} 与安装包（{wanted}）不符", "processor {value} is not the archive's ({wanted})"),
    "libc": ("C 库 {value}", "C library {value}"),
    "libc_old": (
        "C 库 {value} 太旧，安装包需要 {wanted}：请在较旧的系统上制作安装包",
        "C library {value} is too old, the wheels need {wanted}: build the archive on an older system",
    ),
    "venv": ("可以建立虚拟环境", "virtual environments can be made"),
    "venv_none": ("不能建立虚拟环境：apt-get install python3-venv", "no virtual environments: install python3-venv"),
    "sm2": ("{value} 支持 SM2 和 SM3", "{value} does SM2 and SM3"),
    "sm2_none": (
        "libcrypto.so.3 不支持 SM2（{value}）：将使用较慢的 gmssl-fast",
        "libcrypto.so.3 does no SM2 ({value}): the slower gmssl-fast will be used",
    ),
    "disk": ("{where} 剩余 {value} MB", "{value} MB free at {where}"),
    "disk_full": ("{where} 只剩 {value} MB，需要 {wanted} MB", "{value} MB free at {where}, {wanted} are needed"),
    "ports": ("{value} 个默认端口空闲", "{value} default ports are free"),
    "port_taken": (
        "端口 {value} 已被占用：请在 ebcd.toml 中另选",
        "port {value} is taken: choose another in ebcd.toml",
    ),
    "clock": ("时钟已同步", "the clock is synchronised"),
    "clock_free": (
        "时钟未同步：签名只在 300 秒内有效，请安装 chrony",
        "the clock is not synchronised: signatures count for 300 s; set up chrony",
    ),
    "clock_unknown": (
        "无法判断时钟是否同步（timedatectl 和 chronyc 都不回答）",
        "nobody can say whether the clock is synchronised (neither timedatectl nor chronyc answers)",
    ),
    "systemd": ("systemd 在运行", "systemd runs"),
    "systemd_none": (
        "没有 systemd：需自行启动和守护 ebcd run",
        "no systemd: start and watch `ebcd run` by other means",
    ),
    "broker": ("MQTT 服务 {value}", "MQTT broker {value}"),
    "broker_none": ("没有 mosquitto：3G/4G 终端经 MQTT 时需要", "no mosquitto: needed where terminals speak MQTT"),
}
VERDICTS = {"ok": ("正常", "ok"), "warning": ("注意", "warning"), "failed": ("缺少", "missing")}


def finding(name, verdict, **values):
    """One thing that was looked at."""
    return {"name": name, "verdict": verdict, "values": values}


def archive_name():
    """What this folder was built for: Python and processor, from its name; empty where it was renamed."""
    found = re.search(r"-py(\d)(\d+)-(\w+)$", os.path.basename(os.path.dirname(os.path.abspath(__file__))))
    return (found.group(1) + "." + found.group(2), found.group(3)) if found else ("", "")


def look_at_python(wanted):
    """Its version, and whether it is the wheels'."""
    here = platform.python_version()
    if sys.version_info < (3, 11):
        return finding("python_old", "failed", value=here)
    if wanted and not here.startswith(wanted + "."):
        return finding("python_other", "failed", value=here, wanted=wanted)
    return finding("python", "ok", value=here)


def look_at_machine(wanted):
    """The processor's family."""
    here = platform.machine()
    if wanted and here != wanted:
        return finding("machine_other", "failed", value=here, wanted=wanted)
    return finding("machine", "ok", value=here)


def look_at_libc():
    """Whether it is as new as the newest that a wheel asks for (PEP 600)."""
    wheels = glob.glob(os.path.join(os.path.dirname(os.path.abspath(__file__)), "wheels", "*.whl"))
    asked = [
        min((int(a), int(b)) for a, b in found)
        for w in wheels
        for found in [re.findall(r"manylinux_(\d+)_(\d+)", w)]
        if found
    ]
    wanted = max(asked) if asked else (0, 0)
    here = platform.libc_ver()[1] or "0.0"
    if tuple(int(part) for part in here.split(".")[:2]) < wanted:
        return finding("libc_old", "failed", value=here, wanted="%d.%d" % wanted)
    return finding("libc", "ok", value=here)


def look_at_venv():
    """Debian splits both off."""
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        return finding("venv_none", "failed")
    return finding("venv", "ok")


def look_at_sm2():
    """Asked of the library itself."""
    try:
        library = ctypes.CDLL("libcrypto.so.3")
        library.EVP_MD_fetch.restype = library.EVP_PKEY_CTX_new_from_name.restype = ctypes.c_void_p
        library.OpenSSL_version.restype = ctypes.c_char_p
        name = library.OpenSSL_version(0).decode()
        if library.EVP_MD_fetch(None, b"SM3", None) and library.EVP_PKEY_CTX_new_from_name(None, b"SM2", None):
            return finding("sm2", "ok", value=name)
        return finding("sm2_none", "warning", value=name)
    except (OSError, AttributeError) as error:
        return finding("sm2_none", "warning", value=str(error))


def look_at_disk(folder, wanted):
    """Room where it will live."""
    while not os.path.exists(folder):
        folder = os.path.dirname(folder)
    free = shutil.disk_usage(folder).free // 2**20
    return finding(
        "disk" if free >= wanted else "disk_full",
        "ok" if free >= wanted else "failed",
        where=folder,
        value=free,
        wanted=wanted,
    )


def look_at_ports():
    """The defaults of ebcd.toml."""
    free = 0
    for port in PORTS:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                yield finding("port_taken", "warning", value=port)
            else:
                free += 1
    yield finding("ports", "ok", value=free)


def look_at_clock():
    """Two services can say."""
    for command, yes in (
        (("timedatectl", "show", "--property=NTPSynchronized", "--value"), "yes"),
        (("chronyc", "tracking"), ": normal"),
    ):
        if shutil.which(command[0]) is None:
            continue
        try:
            told = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=3, check=False)
        except (OSError, subprocess.TimeoutExpired):
            continue
        if told.returncode == 0:
            return finding("clock", "ok") if yes in told.stdout.decode().lower() else finding("clock_free", "warning")
    return finding("clock_unknown", "warning")


def look_at_services():
    """What stands beside the daemon."""
    yield finding("systemd", "ok") if os.path.isdir("/run/systemd/system") else finding("systemd_none", "warning")
    path = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin")
    yield finding("broker", "ok", value=path) if path else finding("broker_none", "warning")


def look(to):
    """Everything, in the order in which it would be missed."""
    python, machine = archive_name()
    return [
        look_at_python(python),
        look_at_machine(machine),
        look_at_libc(),
        look_at_venv(),
        look_at_sm2(),
        look_at_disk(to, FREE_MB_INSTALL),
        look_at_disk(STATE, FREE_MB_STATE),
        *look_at_ports(),
        look_at_clock(),
        *look_at_services(),
    ]


def main():
    """Look, tell, judge."""
    chinese = (os.environ.get("LC_ALL") or os.environ.get("LANG") or "").lower().startswith("zh")
    parser = argparse.ArgumentParser(description="What this server lacks for ebcd.")
    parser.add_argument("--to", default="/opt/ebcd")
    parser.add_argument("--lang", choices=("zh", "en"), default="zh" if chinese else "en")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    at = 0 if options.lang == "zh" else 1
    found = look(os.path.abspath(options.to))
    for each in found:
        each["sentence"] = TEXTS[each["name"]][at].format(**each["values"])
        if not options.json:
            print("%-7s %s" % (VERDICTS[each["verdict"]][at], each["sentence"]))
    if options.json:
        print(json.dumps(found, ensure_ascii=False, indent=2))
    return int(any(each["verdict"] == "failed" for each in found))


if __name__ == "__main__":
    sys.exit(main())
