"""A TOML table -> `Profile`, or every flaw in it: the key, the value, and what could stand there.

Strict: an unknown key is a flaw, and so is a profile that promises what it cannot say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from protocols.mqtt import mirror, topics
from protocols.mqtt.json_text import DEPTH_MAX, Json
from protocols.mqtt.profile import (
    ABOUT_A_MESSAGE,
    BLANK,
    CONFIRMING,
    NEEDS_END,
    SAYABLE,
    Command,
    Envelope,
    Identity,
    Means,
    Part,
    Path,
    Profile,
    Rule,
    Template,
    Vendor,
    used,
)
from protocols.terminal.messages import Result

FORM = 1
RULES_MAX = 64
TEMPLATES_MAX = 8
TOPIC_CHARACTERS_MAX = 128
VOLUME_MAX_MAX = 65_535

EnumT = TypeVar("EnumT", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing that is wrong. `what` names it for programs and for the catalogue's `config.<what>`."""

    where: str
    value: object  # as it stands there; None where nothing does
    what: str
    values: Mapping[str, object] = field(default_factory=dict)


def read_profile(name: str, table: Mapping[str, Any]) -> tuple[Profile | None, tuple[Flaw, ...]]:
    """The profile, where nothing is wrong, and all flaws."""
    reader = _Reader()
    reader.keys(table, "", ("form", "envelope", "content_type", "topics", *_VENDOR_KEYS))
    if table.get("form") != FORM or isinstance(table.get("form"), bool):
        reader.flaw("form", table.get("form"), "choice", choices=FORM)
    envelope = reader.choice(table, "envelope", Envelope)
    if envelope is Envelope.JSON:
        profile = Profile(name, envelope, "", reader.text(table, "content_type", "", ""), reader.vendor(table))
    elif envelope is not None:
        profile = reader.own(name, envelope, table)
    return (None, tuple(reader.flaws)) if reader.flaws else (profile, ())


_SWITCHES = ("identity", "volume_max", "volume_own", "repeatable", "ends_itself", "nested")
_VENDOR_KEYS = (*_SWITCHES, "results", "commands", "reports")


class _Reader:
    """Collects flaws; what it returns beside one is never used."""

    def __init__(self) -> None:
        self.flaws: list[Flaw] = []

    def flaw(self, where: str, value: object, what: str, **values: object) -> None:
        self.flaws.append(Flaw(where, value, what, values))

    def keys(self, table: Mapping[str, Any], at: str, known: Sequence[str]) -> None:
        for key, value in table.items():
            if key not in known:
                self.flaw(_below(at, key), value, "unknown_key", known=", ".join(known))

    def choice(self, table: Mapping[str, Any], key: str, kind: type[EnumT], at: str = "") -> EnumT | None:
        value = table.get(key)
        if isinstance(value, str) and value in list(kind):
            return kind(value)
        self.flaw(_below(at, key), value, "missing" if key not in table else "choice", choices=", ".join(kind))
        return None

    def text(self, table: Mapping[str, Any], key: str, at: str, default: str | None = None) -> str:
        value = table.get(key, default)
        if isinstance(value, str):
            return value
        self.flaw(_below(at, key), value, "missing" if key not in table else "type.text")
        return ""

    def boolean(self, table: Mapping[str, Any], key: str) -> bool:
        value = table.get(key)
        if not isinstance(value, bool):
            self.flaw(key, value, "missing" if key not in table else "type.boolean")
        return bool(value)

    def whole(self, table: Mapping[str, Any], key: str, at: str, low: int, high: int, default: int) -> int:
        value = table.get(key, default)
        where = _below(at, key)
        if type(value) is not int:
            self.flaw(where, value, "type.integer")
        elif value < low:
            self.flaw(where, value, "at_least", limit=low)
        elif value > high:
            self.flaw(where, value, "at_most", limit=high)
        else:
            return value
        return default

    def table(self, table: Mapping[str, Any], key: str, at: str = "") -> Mapping[str, Any]:
        value = table.get(key, {})
        if isinstance(value, dict):
            return value
        self.flaw(_below(at, key), value, "type.table")
        return {}

    def tables(self, table: Mapping[str, Any], key: str, at: str, limit: int) -> list[tuple[str, Mapping[str, Any]]]:
        """A list of tables with their places."""
        where = _below(at, key)
        value = table.get(key, [])
        if not isinstance(value, list):
            self.flaw(where, value, "type.list")
            return []
        if len(value) > limit:
            self.flaw(where, len(value), "at_most", limit=limit)
        found: list[tuple[str, Mapping[str, Any]]] = []
        for number, each in enumerate(value[:limit]):
            if isinstance(each, dict):
                found.append((f"{where}[{number}]", each))
            else:
                self.flaw(f"{where}[{number}]", each, "type.table")
        return found

    # ---- our own envelopes -----------------------------------------------------------------------------------------

    def own(self, name: str, envelope: Envelope, table: Mapping[str, Any]) -> Profile:
        for key in _VENDOR_KEYS:
            if key in table:
                self.flaw(key, table[key], "profile_not_here", envelope=envelope)
        places = self.table(table, "topics")
        self.keys(places, "topics", ("root",))
        root = self.text(places, "root", "topics")
        levels = root.split("/")
        if isinstance(places.get("root"), str) and (
            "" in levels or len(root) > topics.ROOT_CHARACTERS_MAX or any(c in root for c in "+#{}\0")
        ):
            self.flaw("topics.root", root, "profile_topic")
        default = topics.CONTENT_TYPE if envelope is Envelope.FRAME else mirror.CONTENT_TYPE
        return Profile(name, envelope, root, self.text(table, "content_type", "", default))

    # ---- a vendor's ------------------------------------------------------------------------------------------------

    def vendor(self, table: Mapping[str, Any]) -> Vendor:
        places = self.table(table, "topics")
        self.keys(places, "topics", ("command", "returns"))
        command_topic = self.topic(places, "command", "topics", needs_id=True)
        named = self.table(places, "returns", "topics")
        returns = {name: self.topic(named, name, "topics.returns", needs_id=False) for name in named}
        if not returns:
            self.flaw("topics.returns", None, "missing")
        results = self.results(table)
        commands = dict(self.commands(table))
        rules = tuple(self.rule(at, each, returns) for at, each in self.tables(table, "reports", "", RULES_MAX))
        vendor = Vendor(
            command_topic,
            returns,
            self.choice(table, "identity", Identity) or Identity.PHYS,
            commands,
            tuple(rule for rule in rules if rule is not None),
            results,
            self.whole(table, "volume_max", "", 1, VOLUME_MAX_MAX, 100),
            self.whole(table, "volume_own", "", 0, VOLUME_MAX_MAX, 0) if "volume_own" in table else None,
            self.boolean(table, "repeatable"),
            self.boolean(table, "ends_itself"),
            self.nested(table),
        )
        self.promises(vendor)
        return vendor

    def promises(self, vendor: Vendor) -> None:
        """What a profile says of itself must follow from its messages (I3, I7, I8)."""
        said = {command: used(templates) for command, templates in vendor.commands.items()}
        start = said.get(Command.START)
        if start is None:
            return
        if "url" not in start:
            self.flaw("commands.start", None, "profile_no_url")
        if Command.STOP not in said:
            self.flaw("commands.stop", None, "missing")
        if vendor.ends_itself and not start & NEEDS_END:
            self.flaw("ends_itself", True, "profile_no_end")
        if vendor.repeatable and "seq" not in start and "ebm" not in start:
            self.flaw("repeatable", True, "profile_no_seq")
        always = used(each for each in vendor.commands[Command.START] if not each.only_volume)
        if "volume" in always and vendor.volume_own is None:
            self.flaw("volume_own", None, "missing")
        if not vendor.answers(Command.START) and not vendor.tells(*CONFIRMING):
            self.flaw("reports", None, "profile_deaf")

    def topic(self, table: Mapping[str, Any], key: str, at: str, *, needs_id: bool) -> str:
        topic = self.text(table, key, at)
        levels = topic.split("/")
        ids = levels.count("{id}")
        rest = "".join(level for level in levels if level != "{id}")
        bad = not rest or len(topic) > TOPIC_CHARACTERS_MAX or any(c in rest for c in "+#{}\0")
        if topic and (bad or ids > 1 or (needs_id and not ids)):
            self.flaw(_below(at, key), topic, "profile_topic")
        return topic

    def results(self, table: Mapping[str, Any]) -> dict[str, int]:
        found = {}
        codes = {int(code) for code in Result}
        for key, value in self.table(table, "results").items():
            if type(value) is not int or value not in codes:
                self.flaw(f"results.{key}", value, "choice", choices=", ".join(str(each) for each in sorted(codes)))
            else:
                found[key] = value
        return found

    def nested(self, table: Mapping[str, Any]) -> tuple[Path, ...]:
        value = table.get("nested", [])
        if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
            self.flaw("nested", value, "type.list")
            return ()
        return tuple(tuple(each.split(".")) for each in value)

    def commands(self, table: Mapping[str, Any]) -> Iterator[tuple[Command, tuple[Template, ...]]]:
        named = self.table(table, "commands")
        self.keys(named, "commands", tuple(Command))
        for command in Command:
            if command not in named:
                continue
            listed = self.tables(named, command, "commands", TEMPLATES_MAX)
            templates = [self.template(at, each, SAYABLE[command]) for at, each in listed]
            if not templates:
                self.flaw(f"commands.{command}", None, "missing")
            yield command, tuple(templates)

    def template(self, at: str, table: Mapping[str, Any], known: frozenset[str]) -> Template:
        self.keys(table, at, ("message", "only_volume"))
        body = self.table(table, "message", at)
        if not body:
            self.flaw(f"{at}.message", None, "missing")
        self.body(f"{at}.message", body, known, 1)
        only = table.get("only_volume", False)
        if not isinstance(only, bool):
            self.flaw(f"{at}.only_volume", only, "type.boolean")
        return Template(body, only is True)

    def body(self, at: str, value: Json, known: frozenset[str], depth: int) -> None:
        """What a message may hold: texts with known blanks, numbers, true, false, and more of these."""
        if depth > DEPTH_MAX:
            self.flaw(at, None, "at_most", limit=DEPTH_MAX)
        elif isinstance(value, str):
            for name in BLANK.findall(value):
                if name not in known:
                    self.flaw(at, value, "profile_blank", choices=", ".join(sorted(known)))
        elif isinstance(value, dict):
            for key, each in value.items():
                self.body(_below(at, key), each, known, depth + 1)
        elif isinstance(value, list):
            for number, each in enumerate(value):
                self.body(f"{at}[{number}]", each, known, depth + 1)
        elif not isinstance(value, int):  # no dates; no fractions, whose text would be a matter of taste
            self.flaw(at, value, "type.text")

    def rule(self, at: str, table: Mapping[str, Any], returns: Mapping[str, str]) -> Rule | None:
        parts = tuple(Part)
        self.keys(table, at, ("topic", "means", "when", "text", "command", "result_missing", *parts))
        topic = self.text(table, "topic", at)
        if topic and topic not in returns:
            self.flaw(f"{at}.topic", topic, "choice", choices=", ".join(returns))
        means = self.choice(table, "means", Means, at)
        when = tuple(self.when(at, self.table(table, "when", at)))
        text = self.text(table, "text", at) if "text" in table else None
        if not when and text is None:
            self.flaw(f"{at}.when", None, "missing")
        take = tuple((part, tuple(self.text(table, part, at).split("."))) for part in parts if part in table)
        taken = {part for part, _ in take}
        if "{id}" not in returns.get(topic, "{id}") and Part.ID not in taken:
            self.flaw(f"{at}.id", None, "profile_nobody")
        command = self.choice(table, "command", Command, at) if means is Means.ANSWER else None
        if means is not Means.ANSWER and "command" in table:
            self.flaw(f"{at}.command", table["command"], "profile_not_here", envelope=means)
        if means in ABOUT_A_MESSAGE and not taken & {Part.EBM, Part.REQUEST}:
            self.flaw(f"{at}.ebm", None, "profile_no_message", means=means)
        missing = self.whole(table, "result_missing", at, 0, 255, 0) if "result_missing" in table else None
        if means is Means.ANSWER and Part.RESULT not in taken and missing is None:
            self.flaw(f"{at}.result", None, "missing")
        return Rule(topic, means, when, text, command, take, missing) if means is not None else None

    def when(self, at: str, table: Mapping[str, Any]) -> Iterator[tuple[Path, Json]]:
        for key, value in table.items():
            if not isinstance(value, str | int):
                self.flaw(f"{at}.when.{key}", value, "type.text")
            else:
                yield tuple(key.split(".")), value


def _below(at: str, key: str) -> str:
    return f"{at}.{key}" if at else key
