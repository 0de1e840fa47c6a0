"""`ebcd orders`: work orders, their steps, and what a month of them shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from ebcd.catalogue import text
from ebcd.cli.asking import ask
from ebcd.cli.options import LANGUAGE, AsJson, Config, Language, TokenFile

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ebcd.workorders.office import OrderDetail, OrderRow
    from ebcd.workorders.statistics import Line


def _help(name: str) -> str:
    return text(f"orders_help.{name}", LANGUAGE)


orders = typer.Typer(help=_help("orders"), no_args_is_help=True, rich_markup_mode=None)

Number = Annotated[str, typer.Argument(metavar="ORDER", help=_help("number"))]
Note = Annotated[str, typer.Option(help=_help("note"))]


@orders.command("list", help=_help("list"))
def list_orders(
    state: Annotated[str, typer.Option(help=_help("state"))] = "",
    rows: Annotated[int, typer.Option(min=1, max=5000, help=text("help.rows", LANGUAGE))] = 200,
    config: Config = None,
    lang: Language = None,
    as_json: AsJson = False,
    token_file: TokenFile = None,
) -> None:
    """Live orders, or those in a state."""
    ask("GET", "/v1/orders", _rows, config, lang, token_file, as_json, state=state, rows_max=rows)


@orders.command("show", help=_help("show"))
def show_order(
    number: Number,
    config: Config = None,
    lang: Language = None,
    as_json: AsJson = False,
    token_file: TokenFile = None,
) -> None:
    """One order in full."""
    ask("GET", f"/v1/orders/{number}", _detail, config, lang, token_file, as_json)


@orders.command("report", help=_help("report"))
def report(
    subject: Annotated[str, typer.Argument(metavar="CODE|PHYS|NAME", help=_help("subject"))],
    words: Annotated[str, typer.Option("--text", help=_help("words"))] = "",
    config: Config = None,
    lang: Language = None,
    as_json: AsJson = False,
    token_file: TokenFile = None,
) -> None:
    """A person says that something is wrong."""
    body = {"subject": subject, "words": words}
    ask("POST", "/v1/orders", _row, config, lang, token_file, as_json, body=body)


def _add_step(name: str) -> None:
    def step(
        number: Number,
        note: Note = "",
        config: Config = None,
        lang: Language = None,
        as_json: AsJson = False,
        token_file: TokenFile = None,
    ) -> None:
        """One step of an order."""
        path = f"/v1/orders/{number}/{name}"
        ask("POST", path, _row, config, lang, token_file, as_json, body={"note": note})

    orders.command(name, help=_help(name))(step)


for each in ("accept", "arrive", "mend", "prove", "withdraw", "note"):
    _add_step(each)


@orders.command("stats", help=_help("stats"))
def stats(
    month: Annotated[str, typer.Option(metavar="YYYY-MM", help=_help("month"))] = "",
    config: Config = None,
    lang: Language = None,
    as_json: AsJson = False,
    token_file: TokenFile = None,
) -> None:
    """A month of orders."""
    ask("GET", "/v1/orders/statistics", _lines, config, lang, token_file, as_json, month=month)


# ---- between them --------------------------------------------------------------------------------------------------


def _rows(content: bytes, language: str) -> RenderableType:
    from ebcd.api.answers import decoded
    from ebcd.workorders.office import OrderRow

    return _orders_table(decoded(list[OrderRow], content), language)


def _row(content: bytes, language: str) -> RenderableType:
    return _rows(b"[" + content + b"]", language)


def _orders_table(rows: Sequence[OrderRow], language: str) -> RenderableType:
    from rich.markup import escape

    from ebcd.cli.moment import shown
    from ebcd.cli.tables import table_of, word

    if not rows:
        return text("orders.none", language)
    table = table_of(
        language, "order", "state", "trouble", "root", "devices", "area", "crew", "opened", "bring", "pays", "reason"
    )
    for row in rows:
        root = f"{row.root_name} {row.root}".strip()
        table.add_row(
            row.id,
            word("order_state", row.state, language) + (f" ↑{row.escalated}" if row.escalated else ""),
            word("trouble", row.trouble, language),
            escape(root),
            str(row.devices),
            escape(row.area_name),
            escape(row.crew or "-"),
            shown(row.opened),
            word("bring", row.bring, language),
            escape(" ".join([word("pays", row.pays, language), *row.suppliers])),
            escape(row.why),
        )
    return table


def _detail(content: bytes, language: str) -> RenderableType:
    from rich.console import Group
    from rich.markup import escape

    from ebcd.api.answers import decoded
    from ebcd.cli.moment import shown
    from ebcd.cli.tables import table_of, word
    from ebcd.workorders.office import OrderDetail

    detail: OrderDetail = decoded(OrderDetail, content)
    history = table_of(language, "moment", "who", "step", "note")
    for step in detail.history:
        history.add_row(shown(step.at), escape(step.actor), word("order_step", step.what, language), escape(step.note))
    devices = table_of(language, "code", "terminal")
    for code, name in zip(detail.devices, detail.device_names, strict=True):
        devices.add_row(code, escape(name))
    return Group(_orders_table([detail.row], language), history, devices)


def _lines(content: bytes, language: str) -> RenderableType:
    from ebcd.api.answers import decoded
    from ebcd.cli.tables import table_of, word
    from ebcd.workorders.statistics import Line

    lines: list[Line] = decoded(list[Line], content)
    columns = ("group", "orders", "open", "healed", "withdrawn", "relapses", "overdue")
    table = table_of(language, *columns, "to_notice", "to_dispatch", "to_arrive", "to_mend", "to_close")
    for line in lines:
        value = word("trouble", line.value, language) if line.group == "trouble" else line.value
        counts = (line.orders, line.open, line.healed, line.withdrawn, line.relapses, line.overdue)
        times = (line.notice_s, line.dispatch_s, line.arrive_s, line.mend_s, line.close_s)
        table.add_row(
            f"{word('order_group', line.group, language)} {value}".strip(),
            *(str(count) for count in counts),
            *("-" if s is None else _span(s) for s in times),
        )
    return table


def _span(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"
