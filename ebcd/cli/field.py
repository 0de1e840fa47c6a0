"""Commands of the field engineer's desk: nothing here asks a running daemon."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ebcd.catalogue import text
from ebcd.cli.options import LANGUAGE, AsJson, Config, Lang, Language
from ebcd.cli.output import failures_told
from ebcd.cli.session import startup_language


def _help(name: str) -> str:
    return text(f"field_help.{name}", LANGUAGE)


def _group(name: str) -> typer.Typer:
    return typer.Typer(help=_help(name), no_args_is_help=True, rich_markup_mode=None)


def chosen(lang: Lang | None) -> str:
    """The language of a command that reads no configuration."""
    return lang or startup_language(sys.argv)


Certificates = Annotated[
    list[Path] | None, typer.Option("--cert", metavar="FILE", help=text("decode.help.cert", LANGUAGE))
]
Out = Annotated[str, typer.Option("--out", "-o", metavar="FILE|-", help=_help("out"))]
PackageFile = Annotated[Path, typer.Argument(metavar="FILE", help=_help("package"))]
StoreUrl = Annotated[str | None, typer.Option("--store", metavar="URL", help=_help("store"))]
Stream = Annotated[str | None, typer.Option("--stream", metavar="AREA", help=_help("stream"))]


def decode(
    what: Annotated[
        list[str] | None, typer.Argument(metavar="[HEX|FILE|-]", help=text("decode.help.argument", LANGUAGE))
    ] = None,
    cert: Certificates = None,
    as_: Annotated[str | None, typer.Option("--as", metavar="PROTOCOL", help=text("decode.help.as", LANGUAGE))] = None,
    lang: Language = None,
    as_json: AsJson = False,
) -> None:
    """Any captured bytes."""
    from ebcd.cli.decoding import run

    with failures_told(as_json=as_json):
        raise typer.Exit(run(what or [], cert or [], as_, chosen(lang), as_json=as_json))


# ---- packages ------------------------------------------------------------------------------------------------------

ebd = _group("ebd")


@ebd.command("pack", help=_help("ebd_pack"))
def ebd_pack(
    document: Annotated[Path, typer.Argument(metavar="FILE", help=_help("document"))],
    out: Annotated[str | None, typer.Option("--out", "-o", metavar="FILE|-", help=_help("out"))] = None,
    resource: Annotated[list[Path] | None, typer.Option(metavar="FILE", help=_help("resource"))] = None,
    information: Annotated[Path | None, typer.Option(metavar="FILE", help=_help("information"))] = None,
    signature: Annotated[Path | None, typer.Option(metavar="FILE", help=_help("signature"))] = None,
    key: Annotated[Path | None, typer.Option(metavar="FILE", help=_help("key"))] = None,
    number: Annotated[str, typer.Option(metavar="HEX", help=_help("number"))] = "",
    profile: Annotated[str, typer.Option(metavar="PROFILE", help=_help("profile"))] = "xml",
    lang: Language = None,
) -> None:
    """A package of a document."""
    from ebcd.cli.packages import Contents, run_pack

    with failures_told(as_json=False):
        contents = Contents(document, resource or [], information, signature, key, number, profile)
        raise typer.Exit(run_pack(contents, out, chosen(lang)))


@ebd.command("unpack", help=_help("ebd_unpack"))
def ebd_unpack(
    package: PackageFile,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help=_help("out_folder"))] = Path(),
    lang: Language = None,
    as_json: AsJson = False,
) -> None:
    """A package's files."""
    from ebcd.cli.packages import run_unpack

    with failures_told(as_json=as_json):
        raise typer.Exit(run_unpack(package, out, chosen(lang), as_json=as_json))


@ebd.command("verify", help=_help("ebd_verify"))
def ebd_verify(package: PackageFile, cert: Certificates = None, lang: Language = None, as_json: AsJson = False) -> None:
    """A package judged."""
    from ebcd.cli.packages import run_verify

    with failures_told(as_json=as_json):
        raise typer.Exit(run_verify(package, cert or [], chosen(lang), as_json=as_json))


@ebd.command("post", help=_help("ebd_post"))
def ebd_post(
    url: Annotated[str, typer.Argument(metavar="URL", help=_help("url"))],
    package: PackageFile,
    lang: Language = None,
    as_json: AsJson = False,
) -> None:
    """A package sent."""
    from ebcd.cli.packages import run_post

    with failures_told(as_json=as_json):
        raise typer.Exit(run_post(url, package, chosen(lang), as_json=as_json))


# ---- the subcarrier ------------------------------------------------------------------------------------------------

fm = _group("fm")


@fm.command("render", help=_help("fm_render"))
def fm_render(
    packets: Annotated[list[str], typer.Argument(metavar="PACKET-HEX...", help=_help("packets"))],
    out: Out,
    form: Annotated[str, typer.Option("--format", metavar="bits|hex|wav", help=_help("format"))] = "bits",
    level: Annotated[int, typer.Option(min=1, max=6, help=_help("level"))] = 4,
    version: Annotated[int, typer.Option(min=0, max=31, help=_help("version"))] = 0,
    repeat: Annotated[int, typer.Option(min=1, max=10_000, help=_help("repeat"))] = 1,
    rate: Annotated[int, typer.Option(metavar="HZ", help=_help("rate"))] = 228_000,
    lang: Language = None,
) -> None:
    """Packets to the subcarrier."""
    from ebcd.cli.subcarrier import run_render

    with failures_told(as_json=False):
        options = {"level": level, "version": version, "repeat": repeat, "rate_hz": rate}
        raise typer.Exit(run_render(packets, out, form, chosen(lang), **options))


@fm.command("receive", help=_help("fm_receive"))
def fm_receive(
    recording: Annotated[str, typer.Argument(metavar="FILE", help=_help("recording"))],
    cert: Certificates = None,
    lang: Language = None,
    as_json: AsJson = False,
) -> None:
    """The subcarrier to packets."""
    from ebcd.cli.subcarrier import run_receive

    with failures_told(as_json=as_json):
        raise typer.Exit(run_receive(recording, cert or [], chosen(lang), as_json=as_json))


# ---- certificates --------------------------------------------------------------------------------------------------

cert = _group("cert")


@cert.command("show", help=_help("cert_show"))
def cert_show(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help=_help("cert_file"))],
    cert: Certificates = None,
    lang: Language = None,
    as_json: AsJson = False,
) -> None:
    """Certificates and lists."""
    from ebcd.cli.decoding import run

    with failures_told(as_json=as_json):
        raise typer.Exit(run(files, cert or [], None, chosen(lang), as_json=as_json))


@cert.command("make", help=_help("cert_make"))
def cert_make(
    number: Annotated[str, typer.Option(metavar="HEX", help=_help("cert_number"))],
    valid: Annotated[str, typer.Option(metavar="YYYY-MM", help=_help("cert_valid"))],
    out: Out,
    key: Annotated[Path | None, typer.Option(metavar="FILE", help=_help("cert_key"))] = None,
    public: Annotated[str, typer.Option(metavar="HEX", help=_help("cert_public"))] = "",
    issuer: Annotated[Path | None, typer.Option(metavar="FILE", help=_help("cert_issuer"))] = None,
    issuer_key: Annotated[Path | None, typer.Option(metavar="FILE", help=_help("cert_issuer_key"))] = None,
    lang: Language = None,
) -> None:
    """A new certificate."""
    from ebcd.cli.certificates import Wanted, run_make

    with failures_told(as_json=False):
        raise typer.Exit(run_make(Wanted(number, valid, key, public, issuer, issuer_key), out, chosen(lang)))


@cert.command("authorise", help=_help("cert_authorise"))
def cert_authorise(
    receiver: Annotated[str, typer.Option(metavar="HEX", help=_help("list_receiver"))],
    serial: Annotated[int, typer.Option(min=0, max=255, help=_help("list_serial"))],
    issuer: Annotated[Path, typer.Option(metavar="FILE", help=_help("list_issuer"))],
    issuer_key: Annotated[Path, typer.Option(metavar="FILE", help=_help("cert_issuer_key"))],
    out: Out,
    trust: Annotated[list[str] | None, typer.Option(metavar="HEX", help=_help("list_trust"))] = None,
    lang: Language = None,
) -> None:
    """A new authorisation list."""
    from ebcd.cli.certificates import WantedList, run_authorise

    with failures_told(as_json=False):
        wanted = WantedList(receiver, serial, tuple(trust or ()), issuer, issuer_key)
        raise typer.Exit(run_authorise(wanted, out, chosen(lang)))


TrustFolder = Annotated[Path | None, typer.Option("--into", metavar="DIR", help=_help("trust_folder"))]
Roots = Annotated[list[str] | None, typer.Option("--root", metavar="HEX", help=_help("trust_root"))]
Receiver = Annotated[str, typer.Option("--receiver", metavar="HEX", help=_help("trust_receiver"))]


@cert.command("list", help=_help("cert_list"))
def cert_list(
    folder: Annotated[Path | None, typer.Argument(metavar="DIR", help=_help("trust_folder"))] = None,
    root: Roots = None,
    receiver: Receiver = "",
    config: Config = None,
    lang: Language = None,
    as_json: AsJson = False,
) -> None:
    """A trust folder."""
    from ebcd.cli.trust_folder import run_list, where

    with failures_told(as_json=as_json):
        language = chosen(lang)
        raise typer.Exit(run_list(where(folder, root or [], receiver, config, language), language, as_json=as_json))


@cert.command("import", help=_help("cert_import"))
def cert_import(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help=_help("cert_import_file"))],
    into: TrustFolder = None,
    root: Roots = None,
    receiver: Receiver = "",
    config: Config = None,
    lang: Language = None,
    as_json: AsJson = False,
) -> None:
    """Certificates and lists into a trust folder, all of them or none."""
    from ebcd.cli.trust_folder import run_import, where

    with failures_told(as_json=as_json):
        language = chosen(lang)
        place = where(into, root or [], receiver, config, language)
        raise typer.Exit(run_import(files, place, language, as_json=as_json))


exception = _group("cert_exception")
cert.add_typer(exception, name="exception")


@exception.command("make", help=_help("exception_make"))
def exception_make(
    reason: Annotated[str, typer.Option(help=_help("exception_reason"))],
    by: Annotated[str, typer.Option(help=_help("exception_by"))],
    until: Annotated[str, typer.Option(metavar="YYYY-MM-DD", help=_help("exception_until"))],
    key: Annotated[Path, typer.Option(metavar="FILE", help=_help("exception_key"))],
    number: Annotated[str, typer.Option(metavar="HEX", help=_help("exception_number"))],
    out: Out,
    terminal: Annotated[list[str] | None, typer.Option(metavar="CODE", help=_help("exception_terminal"))] = None,
    area: Annotated[list[str] | None, typer.Option(metavar="AREA", help=_help("exception_area"))] = None,
    begin: Annotated[str, typer.Option("--from", metavar="YYYY-MM-DD", help=_help("exception_from"))] = "",
    county: Annotated[str, typer.Option(metavar="AREA", help=_help("exception_county"))] = "",
    config: Config = None,
    lang: Language = None,
) -> None:
    """A signed exception."""
    from ebcd.cli.exceptions import Wanted, run_make

    with failures_told(as_json=False):
        wanted = Wanted(area or [], terminal or [], reason, by, until, begin, county, key, number)
        raise typer.Exit(run_make(wanted, out, config, chosen(lang)))


@exception.command("show", help=_help("exception_show"))
def exception_show(
    files: Annotated[list[Path] | None, typer.Argument(metavar="[FILE...]", help=_help("exception_file"))] = None,
    config: Config = None,
    lang: Language = None,
    as_json: AsJson = False,
) -> None:
    """Exceptions judged."""
    from ebcd.cli.exceptions import run_show

    with failures_told(as_json=as_json):
        raise typer.Exit(run_show(files or [], config, chosen(lang), as_json=as_json))


# ---- the journal ---------------------------------------------------------------------------------------------------

journal = _group("journal")


@journal.command("verify", help=_help("journal_verify"))
def journal_verify(
    store: StoreUrl = None,
    stream: Stream = None,
    config: Config = None,
    lang: Language = None,
    as_json: AsJson = False,
) -> None:
    """The chain walked."""
    from ebcd.cli.journal import run_verify, url_of

    with failures_told(as_json=as_json):
        language = chosen(lang)
        raise typer.Exit(run_verify(url_of(store, config, language), stream, language, as_json=as_json))


@journal.command("export", help=_help("journal_export"))
def journal_export(
    out: Out,
    store: StoreUrl = None,
    stream: Stream = None,
    config: Config = None,
    lang: Language = None,
    as_json: AsJson = False,
) -> None:
    """The chain written out."""
    from ebcd.cli.journal import run_export, url_of

    with failures_told(as_json=as_json):
        language = chosen(lang)
        raise typer.Exit(run_export(url_of(store, config, language), stream, out, language, as_json=as_json))


@journal.command("prove", help=_help("journal_prove"))
def journal_prove(
    alert: Annotated[str, typer.Argument(metavar="ID", help=text("help.ebm_id", LANGUAGE))],
    out: Out = "-",
    store: StoreUrl = None,
    stream: Stream = None,
    config: Config = None,
    lang: Language = None,
) -> None:
    """One alert's events with their proof."""
    from ebcd.cli.journal import run_prove, url_of

    with failures_told(as_json=False):
        language = chosen(lang)
        raise typer.Exit(run_prove(url_of(store, config, language), alert, stream, out, language))


def add_to(app: typer.Typer) -> None:
    """Hang the commands into the program."""
    app.command("decode", help=text("help.decode", LANGUAGE))(decode)
    for name, group in (("ebd", ebd), ("fm", fm), ("cert", cert), ("journal", journal)):
        app.add_typer(group, name=name)
