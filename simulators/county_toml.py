"""The text of `ebcd.toml` for a made-up county: every section, every key, as an operator would write it."""

from __future__ import annotations

from simulators.county_plan import COUNTY_NAME, LOOPBACK, CountyPlan

PLATFORM_CERTIFICATE = "000000000201"
PROVINCE_CERTIFICATE = "000000000101"
ROOT_CERTIFICATE = "000000000001"
PROVINCE_CODES = {"2018": "23400000000000101010101", "2016": "010134000000000001"}
OPERATORS = ("chen", "liu")

PORTS = {  # offset from the base port
    "upstream": 0,
    "metrics": 1,
    "media": 2,
    "reports": 3,
    "returns": 4,
    "ip": 5,
    "cellular": 6,
    "mqtt": 7,
    "exciter": 8,
    "province": 9,
}

_HEAD = """\
# {name}: a made-up county, written by `python -m simulators county --seed {seed}`.
# Relative paths are relative to this file.

[platform]
code = "{platform}"
name = "{name}应急广播平台"
area = "{area}"
certificate = "{certificate}"
key = "keys/platform.pem"
language = "zh"

[store]
url = "sqlite:///state/ebcd.db"
packages = "state/packages"

[trust]
folder = "trust"
roots = ["{root}"]
time_window_s = 300
package_age_s = 900
counter_slack = 16

[inventory]
file = "inventory.csv"

[api]
socket = "run/ebcd.sock"

[metrics]
host = "{host}"
port = {metrics}

[media]
host = "{host}"
port = {media}
base_url = "http://{host}:{media}"
folder = "state/media"
"""

_OPERATOR = """
[[operators]]
name = "{name}"
token_sha256 = "{token_sha256}"
"""

_RULES = """
[approval]
level_1 = 1
level_2 = 1
level_3 = 1
level_4 = 1
daily = 1
drill = 1

[quiet_hours]
from = "{quiet_from}"
to = "{quiet_to}"

[priority]
order = ["class:4", "class:3", "class:2", "class:1", "class:5"]
first = "event"

[delivery]
fallback_ip_s = 2.0
fallback_adapter_s = 8.0
fallback_cellular_s = 6.0
confirm_s = 30.0
volume_level_1_2 = 100
volume_default = 255

[upstream]
host = "{host}"
port = {upstream}
package_bytes_max = 100000000
own_url = "http://{host}:{upstream}"
success_ratio = 0.7
heartbeat_s = 30.0

[[upstream.peers]]
code = "{province}"
url = "http://{host}:{province_port}/EmergencyServer/receive/ebd"
edition = "{edition}"
own_code = "{own_code}"
sign_profile = "xml"
certificates = ["{province_certificate}"]
require_signature = true
"""

PUSHED = 'sound = "push"\npush_allowed = ["127.0.0.0/8"]\n'
_LINKS = """
[[links]]
name = "adapters"
type = "adapter_tcp"
report_host = "{host}"
report_port = {reports}
returns_to = "{host}:{returns}"
{sound}
[[links]]
name = "returns"
type = "terminal_tcp"
path = "adapter"
commands = false
host = "{host}"
port = {returns}

[[links]]
name = "ip"
type = "terminal_tcp"
path = "ip"
host = "{host}"
port = {ip}

[[links]]
name = "cellular"
type = "terminal_tcp"
path = "cellular"
host = "{host}"
port = {cellular}
answer_timeout_s = 5.0

[[links]]
name = "mqtt"
type = "cellular_mqtt"
host = "{host}"
port = {mqtt}

[[links]]
name = "fm"
type = "fm_transmitter"
"""


def own_code_2016(plan: CountyPlan) -> str:
    """The county as a province of the 2016 edition calls it: type 01, sub-type 03, area, extension 01."""
    return f"0103{plan.places[0].code}01"


def county_toml(
    plan: CountyPlan, token_sha256: dict[str, str], quiet: tuple[str, str], edition: str = "2018", *, push: bool = False
) -> str:
    """The whole file; `token_sha256` by operator name, `quiet` the hours from and to as HH:MM, `edition` the one that
    the province speaks, `push`: adapters get their sound streamed."""
    ports = {name: plan.base_port + offset for name, offset in PORTS.items()}
    values = {
        **ports,
        "host": LOOPBACK,
        "name": COUNTY_NAME,
        "seed": plan.seed,
        "platform": plan.platform_code,
        "area": plan.places[0].code,
        "certificate": PLATFORM_CERTIFICATE,
        "root": ROOT_CERTIFICATE,
        "sound": PUSHED if push else "",
        "quiet_from": quiet[0],
        "quiet_to": quiet[1],
        "province": PROVINCE_CODES[edition],
        "edition": edition,
        "own_code": own_code_2016(plan) if edition == "2016" else "",
        "province_port": ports["province"],
        "province_certificate": PROVINCE_CERTIFICATE,
    }
    operators = "".join(_OPERATOR.format(name=name, token_sha256=digest) for name, digest in token_sha256.items())
    return _HEAD.format(**values) + operators + _RULES.format(**values) + _LINKS.format(**values)
