"""`ebcd fm tell`: orders over FM besides alerts; shown first, on air when confirmed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ebcd.catalogue import text
from ebcd.cli.options import LANGUAGE, AsJson, Config, Language, TokenFile, help_of
from ebcd.cli.output import failures_told, show
from ebcd.cli.session import Failure, open_session

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ebcd.airing.values import AirPlan, AirSaid

FORMS = {
    "code": "code PHYS CODE",
    "return": "return HOST:PORT|NUMBER --to ...",
    "period": "period SECONDS --to ...",
    "query": "query ID... --to ...",
    "volume": "volume PERCENT --to ...",
    "amplifier": "amplifier on|off --to ...",
    "reset": "reset [--default MHZ] --to ...",
    "factory-reset": "factory-reset --to ...",
    "maintenance": "maintenance on [SECONDS]|off --to ...",
}
PLACES_MAX = 40
"""That a preview names; `--json` tells all."""
SWITCH = {"on": True, "off": False}
KHZ = 1000
HEX = 16
CLIENT_MARGIN_S = 30.0
"""Over the daemon's own patience: for its disk."""


def _help(name: str) -> str:
    return text(f"fm_tell_help.{name}", LANGUAGE)


def tell(
    what: Annotated[str, typer.Argument(metavar="WHAT", help=_help("what"))],
    values: Annotated[list[str] | None, typer.Argument(metavar="VALUE...", help=_help("values"))] = None,
    to: Annotated[list[str] | None, typer.Option("--to", metavar="CODE|AREA", help=_help("to"))] = None,
    again: Annotated[list[str] | None, typer.Option("--again", metavar="CODE|AREA", help=_help("again"))] = None,
    default: Annotated[str, typer.Option("--default", metavar="MHZ", help=_help("default"))] = "",
    hexadecimal: Annotated[bool, typer.Option("--hex", help=_help("hex"))] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help=help_of("yes"))] = False,
    preview: Annotated[bool, typer.Option("--preview", help=_help("preview"))] = False,
    config: Config = None,
    lang: Language = None,
    as_json: AsJson = False,
    token_file: TokenFile = None,
) -> None:
    """One order."""
    from ebcd.airing.values import AirPlan, AirSaid
    from ebcd.api.answers import decoded
    from ebcd.cli.client import Client

    with failures_told(as_json=as_json):
        session = open_session(config, lang, token_file, as_json=as_json)
        body = body_of(what, values or [], default, session.language) | {"to": to or [], "again": again or []}
        if not (yes or preview) and (as_json or not sys.stdin.isatty()):
            raise Failure(session.say("cli.needs_yes"), status=2)
        client = Client(session)
        content = client.post("/v1/fm/preview", body)
        plan = decoded(AirPlan, content)
        if preview or not as_json:
            show(session, content, "" if as_json else plan_shown(plan, session.language, hexadecimal=hexadecimal))
        if preview:
            return
        if not yes and not typer.confirm(session.say("fm_tell.confirm")):
            raise Failure(session.say("cli.not_sent"))
        order = body | {"digest": plan.digest}
        answer = client.post("/v1/fm", order, patience_s=plan.longest_s + CLIENT_MARGIN_S)
        said = decoded(AirSaid, answer)
        show(session, answer, "" if as_json else said_shown(said, session.language))
        if not all(each.said for each in said.links):
            raise typer.Exit(1)


def body_of(what: str, values: Sequence[str], default: str, language: str) -> dict[str, Any]:
    """What was written, as the operator API has it. Raises Failure (exit status 2), which shows how it is written."""
    if what not in FORMS:
        raise Failure(text("fm_tell.unknown", language, value=what, known=", ".join(FORMS)), status=2)
    if default and what != "reset":
        raise Failure(text("fm_tell.default_alone", language), status=2)
    try:
        return {"what": what, **_values_of(what, list(values), default)}
    except (ValueError, KeyError, InvalidOperation, OverflowError):
        given = " ".join((what, *values, *((f"--default {default}",) if default else ())))
        said = text("fm_tell.bad_form", language, what=what, form=FORMS[what], value=given)
        raise Failure(said, status=2) from None


def _values_of(what: str, values: list[str], default: str) -> dict[str, Any]:
    """Raises ValueError, KeyError, InvalidOperation."""
    match what, values:
        case "code", [phys, code]:
            return {"phys": phys, "code": code}
        case "return", [address]:
            return {"address": address}
        case "period", [seconds]:
            return {"seconds": int(seconds)}
        case "query", [_, *_]:
            ids = [each for value in values for each in value.split(",")]
            return {"parameters": [int(each, HEX) for each in ids]}
        case "volume", [percent]:
            return {"percent": int(percent.removesuffix("%"))}
        case "amplifier", [switch]:
            return {"on": SWITCH[switch]}
        case "maintenance", ["on", seconds]:
            return {"on": True, "seconds": int(seconds)}
        case "maintenance", [switch]:
            return {"on": SWITCH[switch]}
        case "reset" | "factory-reset", []:
            return {"default_khz": int(Decimal(default) * KHZ)} if default else {}
        case _:
            raise ValueError(values)


def plan_shown(plan: AirPlan, language: str, *, hexadecimal: bool = False) -> RenderableType:
    """What would be said."""
    from rich.console import Group
    from rich.markup import escape

    from ebcd.cli.tables import table_of, word

    lines = [text("fm_tell.packet", language, type=plan.type, said=_said(plan, language))]
    lines.append(text("fm_tell.meant", language, count=plan.devices))
    places = table_of(language, "area", "code", "meant")
    for place in plan.places[:PLACES_MAX]:
        places.add_row(escape(place.name), place.code, str(place.terminals))
    if len(plan.places) > PLACES_MAX:
        places.add_row("…", "", str(sum(place.terminals for place in plan.places[PLACES_MAX:])))
    links = table_of(language, "link", "state", "packets", "frames", "passes", "pass_s", "burst_s")
    for link in plan.links:
        state = word("link_state", "up" if link.up else "down", language)
        counts = (len(link.packets), link.frames, link.passes)
        links.add_row(escape(link.link), state, *map(str, counts), f"{link.pass_s:.1f}", f"{link.burst_s:.1f}")
    shown: list[RenderableType] = [*map(escape, lines), *((places,) if plan.places else ()), links]
    shown += [text(f"fm_tell.note.{note}", language) for note in plan.notes]
    if plan.twice:
        shown.append(text("fm_tell.twice", language, count=plan.devices))
    if hexadecimal:
        shown += [escape(f"{link.link}: {packet}") for link in plan.links for packet in link.packets]
    return Group(*shown, text("fm_tell.unanswered", language))


def said_shown(said: AirSaid, language: str) -> RenderableType:
    """What became of it."""
    from rich.console import Group
    from rich.markup import escape

    from ebcd.cli.moment import shown
    from ebcd.reasons import said as reason_said

    lines = []
    for each in said.links:
        if each.until is not None:
            lines.append(text("fm_tell.said", language, link=each.link, at=shown(each.until)))
        else:
            lines.append(text("fm_tell.unsaid", language, link=each.link, reason=reason_said(each.reason, language)))
    ending = (text("fm_tell.number", language, number=said.number), text("fm_tell.unanswered", language))
    return Group(*map(escape, (*lines, *ending)))


def _said(plan: AirPlan, language: str) -> str:
    key = plan.what
    if switch := plan.values.get("switch"):
        key += f"_{switch}"
    elif "default" in plan.values:
        key += "_default"
    return text(f"fm_tell.say.{key}", language, **plan.values)


def add_to(fm: typer.Typer) -> None:
    """Hang the command beside the others about the subcarrier."""
    fm.command("tell", help=_help("tell"))(tell)
