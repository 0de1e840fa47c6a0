"""ebcd.toml is read whole, with its defaults, or refused with everything that is wrong in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from pathlib import Path

import pytest

from devices.link import Path as LinkPath
from devices.registry import LinkType
from ebcd.catalogue import Language
from ebcd.errors import ConfigError
from ebcd.settings import Settings, load
from ebcd.settings import links as settings_links

PLATFORM = """
[platform]
code = "43411230000000101010101"
name = "某县应急广播平台"
area = "341123000000"
certificate = "000000000201"
key = "keys/platform.pem"
"""


@dataclass(frozen=True, slots=True)
class SampleConfig:
    """A driver's table."""

    name: str
    path: LinkPath = LinkPath.IP
    host: str = "127.0.0.1"
    port: int = 8890
    answer_timeout_s: float = 3.0
    frames_max: int = 512
    password: str = ""


SAMPLE = LinkType("sample", __name__, "Sample", "SampleConfig", listens=(("host", "port"),))


@pytest.fixture(autouse=True)
def _sample_links(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings_links, "LINK_TYPES", {"sample": SAMPLE})


def _load(folder: Path, text: str, **environ: str) -> Settings:
    file = folder / "ebcd.toml"
    file.write_text(text, encoding="utf-8")
    return load(file, environ=environ)


def _problems(folder: Path, text: str, **environ: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        _load(folder, text, **environ)
    return [str(problem).removeprefix(f"{folder}/") for problem in caught.value.problems]


@pytest.mark.requirement("R-X-29")
def test_a_file_with_only_the_platform_gets_every_default(tmp_path: Path) -> None:
    settings = _load(tmp_path, PLATFORM)
    assert settings.platform.language is Language.ZH
    assert settings.upstream.port == 7500
    assert settings.quiet_hours.from_ == time(22, 0)
    assert settings.priority.classes == (4, 3, 2, 1, 5)
    assert settings.links == ()
    assert settings.operators == ()


def test_relative_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    settings = _load(tmp_path, PLATFORM + '[trust]\nfolder = "/etc/trust"\n')
    assert settings.platform.key == tmp_path / "keys/platform.pem"
    assert settings.store.url == f"sqlite:///{tmp_path}/state/ebcd.db"
    assert settings.api.socket == tmp_path / "run/ebcd.sock"
    assert settings.trust.folder == Path("/etc/trust")


def test_a_link_becomes_the_dataclass_of_its_driver(tmp_path: Path) -> None:
    text = PLATFORM + '[[links]]\nname = "far"\ntype = "sample"\npath = "cellular"\nanswer_timeout_s = 5\n'
    (link,) = _load(tmp_path, text).links
    assert link.config == SampleConfig(name="far", path=LinkPath.CELLULAR, answer_timeout_s=5.0)
    assert link.type is SAMPLE


def test_all_problems_are_listed_at_once(tmp_path: Path) -> None:
    text = (
        PLATFORM.replace('area = "341123000000"', 'area = "34112"')
        + '[upstream]\nport = "7500"\nsuccess_ratio = 1.5\n'
        + "[quiet_hours]\nfrom = '25:00'\n"
        + '[[links]]\nname = "a"\ntype = "utcp"\n'
        + '[[links]]\nname = "b"\ntype = "sample"\nprot = 7\n'
        + '[[links]]\nname = "b"\ntype = "sample"\nport = 70000\nanswer_timeout_s = -1.0\nframes_max = 0\n'
    )
    assert _problems(tmp_path, text) == [
        "ebcd.toml: platform.area = '34112' is no valid code (area code '34112' has 5 characters, 6, 9 or 12 digits "
        "are needed); write it as GD/J 080 says",
        "ebcd.toml: quiet_hours.from = '25:00' is no time of day; write it like \"22:00\" (Beijing time)",
        "ebcd.toml: upstream.port = '7500' is no integer; write a whole number without quotes",
        "ebcd.toml: upstream.success_ratio = 1.5 is too large; use at most 1.0",
        "ebcd.toml: links[0].type = 'utcp' is unknown; use sample",
        "ebcd.toml: links[1].prot = 7 is no known key; use port",
        "ebcd.toml: links[2].port = 70000 is no port; use 1 to 65535",
        "ebcd.toml: links[2].answer_timeout_s = -1.0 is too small; use at least 0",
        "ebcd.toml: links[2].frames_max = 0 is too small; use at least 1",
        "ebcd.toml: links[2].name = 'b' is the same as in links[1]; use another one",
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "ebcd.toml: platform is missing; add it; config/ebcd.toml shows how"),
        (
            "[platform\n",
            "ebcd.toml: is not TOML (Expected ']' at the end of a table declaration (at line 1, column 10))",
        ),
        (f"a = {'9' * 5_000}\n", "ebcd.toml: is not TOML (Exceeds the limit (4300 digits)"),
        (PLATFORM + "[plattform]\n", "ebcd.toml: plattform is no known key; use platform"),
        (PLATFORM + "[store]\nurls = 1\n", "ebcd.toml: store.urls = 1 is no known key; use url"),
        (
            PLATFORM + "[store]\nurl = 'mysql://x'\n",
            "ebcd.toml: store.url = 'mysql://x' is no database that is supported",
        ),
        (PLATFORM + "[media]\nbase_url = 'host'\n", "ebcd.toml: media.base_url = 'host' is no address of the web"),
        (
            PLATFORM + "[metrics]\nhost = 'a b'\n",
            "ebcd.toml: metrics.host = 'a b' is neither a host name nor an IP address",
        ),
        (PLATFORM + "[trust]\nroots = ['1']\n", "ebcd.toml: trust.roots[0] = '1' is no certificate number"),
        (PLATFORM + "[priority]\norder = ['class:4']\n", "ebcd.toml: priority does not name every class once"),
        (PLATFORM + "[priority]\nfirst = 'x'\n", "ebcd.toml: priority.first = 'x' is unknown; use 'event' or 'admin'"),
        (PLATFORM + "[delivery]\nvolume_default = 180\n", "ebcd.toml: delivery has a volume 180 that does not exist"),
        (
            PLATFORM + "[delivery]\nconfirm_s = 0.0\n",
            "ebcd.toml: delivery.confirm_s = 0.0 is too small; use more than 0.0",
        ),
        (PLATFORM + "[delivery]\nconfirm_s = inf\n", "ebcd.toml: delivery.confirm_s = inf is wrong"),
        (PLATFORM + "[approval]\nlevel_1 = true\n", "ebcd.toml: approval.level_1 = true is no integer"),
        (PLATFORM + "[[operators]]\nname = 'a'\n", "ebcd.toml: operators[0] (a) needs a token or a uid"),
        (PLATFORM + "links = 3\n", "ebcd.toml: platform.links = 3 is no known key"),
        ("links = 3\n" + PLATFORM, "ebcd.toml: links = 3 is no list"),
        (PLATFORM + "[[links]]\nname = 'a'\n", "ebcd.toml: links[0].type is missing"),
    ],
)
def test_each_mistake_is_named_with_its_place_and_the_next_step(tmp_path: Path, text: str, sentence: str) -> None:
    (problem,) = _problems(tmp_path, text)
    assert problem.startswith(sentence)
    assert "; " in problem


def test_problems_are_told_in_chinese_too(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, PLATFORM + "[store]\nurls = 1\n")
    (problem,) = caught.value.problems
    assert problem.sentence("zh").endswith("ebcd.toml：store.urls = 1 不是已知的项；可用：url")


PEER_2016 = (
    '[[upstream.peers]]\nedition = "2016"\ncode = "010134000000000001"\nown_code = "010334990100000001"\n'
    'url = "http://127.0.0.1:7600/x"\n'
)


def test_a_platform_of_the_2016_edition_is_named_in_its_own_digits(tmp_path: Path) -> None:
    (peer,) = _load(tmp_path, PLATFORM + PEER_2016).upstream.peers
    assert (peer.edition, peer.code, peer.own_code) == ("2016", "010134000000000001", "010334990100000001")


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("010134000000000001", "23400000000000101010101", "upstream.peers[0].code = '23400000000000101010101' is no"),
        (
            "010334990100000001",
            "43499010000000101010101",
            "upstream.peers[0].own_code = '43499010000000101010101' is no",
        ),
        ("010334990100000001", "", "upstream.peers[0].own_code = '' is no resource code of the 2016 edition"),
        ("010334990100000001", "010134000000000001", "upstream.peers[0].own_code = '010134000000000001' is the plat"),
        ('"2016"', '"2023"', "upstream.peers[0].edition = '2023' is unknown; use '2016' or '2018'"),
    ],
)
def test_a_code_of_the_wrong_edition_is_named(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    (problem,) = _problems(tmp_path, PLATFORM + PEER_2016.replace(old, new, 1))
    assert problem.startswith(f"ebcd.toml: {sentence}")


def test_a_platform_of_2018_calls_us_as_we_are_configured(tmp_path: Path) -> None:
    text = PEER_2016.replace('"2016"', '"2018"').replace("010134000000000001", "23400000000000101010101")
    (problem,) = _problems(tmp_path, PLATFORM + text)
    assert problem.startswith(
        "ebcd.toml: upstream.peers[0].own_code = '010334990100000001' is for platforms of the 2016"
    )


def test_operators_and_peers_are_told_apart(tmp_path: Path) -> None:
    digest = "a" * 64
    peer = '[[upstream.peers]]\ncode = "23400000000000101010101"\nurl = "http://127.0.0.1:7600/x"\n'
    text = PLATFORM + f'[[operators]]\nname = "chen"\ntoken_sha256 = "{digest}"\n' * 2 + peer * 2
    assert [line.split(" is ")[0] for line in _problems(tmp_path, text)] == [
        "ebcd.toml: operators[1].name = 'chen'",
        "ebcd.toml: upstream.peers[1].code = '23400000000000101010101'",
    ]


def test_a_missing_file_is_a_problem_and_no_traceback(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "none.toml")


def test_secrets_come_from_the_environment(tmp_path: Path) -> None:
    text = PLATFORM + '[[links]]\nname = "far-away"\ntype = "sample"\n'
    settings = _load(tmp_path, text, EBCD_STORE_URL="postgresql://u:pw@h/db", EBCD_LINK_FAR_AWAY_PASSWORD="pw")
    assert settings.store.url == "postgresql://u:pw@h/db"
    assert settings.links[0].config.password == "pw"
    assert settings.key_passphrase({"EBCD_KEY_PASSPHRASE": "open"}) == b"open"
    assert settings.key_passphrase({}) is None


def test_secrets_are_never_shown(tmp_path: Path) -> None:
    text = (
        PLATFORM
        + '[[operators]]\nname = "chen"\ntoken_sha256 = "letmein"\n[[links]]\nname="a"\ntype="sample"\npassword=7\n'
    )
    problems = _problems(tmp_path, text, EBCD_STORE_URL="mysql://root:hunter2@db/x")
    assert not [line for line in problems if "letmein" in line or "hunter2" in line or "7" in line]
    assert len(problems) == 3


def test_the_platforms_code_may_be_of_any_type_since_the_platform_above_assigns_it(tmp_path: Path) -> None:
    file = tmp_path / "ebcd.toml"
    file.write_text(PLATFORM.replace("0101010101", "0314010101"), encoding="utf-8")
    assert load(file).platform.code == "43411230000000314010101"
