"""The operator API's request bodies and queries: pydantic at the edge, frozen values behind it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Base64Bytes, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from ebcd.alert import DrillDepth
from ebcd.operator import (
    AlertFilter,
    AudioFile,
    Category,
    Draft,
    Kind,
    OperationRefused,
    Problem,
    TerminalFilter,
)

AREAS_MAX = 4_000  # more than a large province has townships
AREA_CHARACTERS_MAX = 60
TITLE_CHARACTERS_MAX = 200
TEXT_CHARACTERS_MAX = 10_000
REASON_CHARACTERS_MAX = 500
AUDIO_BYTES_MAX = 24 * 1024 * 1024
AUDIO_NAME_CHARACTERS_MAX = 200
DURATION_S_MAX = 7 * 86_400
ROWS_MAX = 5_000
VALUE_CHARACTERS_MAX = 120  # of a refused value that is told back

_Words = StringConstraints(strip_whitespace=True, min_length=1)


class Body(BaseModel):
    """What a request says, in its body or its query; an unknown key is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AudioBody(Body):
    """A sound file inside JSON."""

    name: Annotated[str, _Words, Field(max_length=AUDIO_NAME_CHARACTERS_MAX)]
    content: Annotated[Base64Bytes, Field(min_length=1, max_length=AUDIO_BYTES_MAX)]


class DraftBody(Body):
    """`ebcd.operator.Draft` as JSON; times are UTC seconds."""

    level: Annotated[int, Field(strict=True, ge=1, le=4)]  # a JSON true is no level 1
    areas: Annotated[
        tuple[Annotated[str, _Words, Field(max_length=AREA_CHARACTERS_MAX)], ...],
        Field(min_length=1, max_length=AREAS_MAX),  # an empty list never means everywhere (I2)
    ]
    title: Annotated[str, _Words, Field(max_length=TITLE_CHARACTERS_MAX)]
    text: Annotated[str, StringConstraints(strip_whitespace=True, max_length=TEXT_CHARACTERS_MAX)] = ""
    duration_s: Annotated[int, Field(strict=True, ge=1, le=DURATION_S_MAX)]
    category: Category = Category.EMERGENCY
    drill_depth: DrillDepth = DrillDepth.TERMINAL
    start: Annotated[int, Field(strict=True, ge=0, lt=2**32)] | None = None
    event_type: Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{5}$")] = "60100"
    audio: AudioBody | None = None

    def draft(self) -> Draft:
        """The frozen value. Raises `OperationRefused`: "nothing_to_say" without text and audio, "depth_without_drill"
        where somebody meant a drill and would have started the real thing (I5)."""
        if self.category is not Category.DRILL and self.drill_depth is not DrillDepth.TERMINAL:
            problem = Problem(Kind.INVALID, "depth_without_drill", thing="category", value=self.category)
            raise OperationRefused(problem)
        if not self.text and self.audio is None:
            raise OperationRefused(Problem(Kind.INVALID, "nothing_to_say", thing="text"))
        audio = None if self.audio is None else AudioFile(self.audio.name, self.audio.content)
        return Draft(
            level=self.level,
            areas=self.areas,
            title=self.title,
            text=self.text,
            duration_s=self.duration_s,
            category=self.category,
            drill_depth=self.drill_depth,
            start=self.start,
            event_type=self.event_type,
            audio=audio,
        )


class RejectBody(Body):
    """Why an alert is turned down; a reason is asked for, since the author will read it."""

    reason: Annotated[str, _Words, Field(max_length=REASON_CHARACTERS_MAX)]


class AlertQuery(Body):
    """Query of the list of alerts."""

    state: Annotated[str, Field(max_length=20)] = ""
    rows_max: Annotated[int, Field(ge=1, le=ROWS_MAX)] = 50

    def wanted(self) -> AlertFilter:
        """The frozen value."""
        return AlertFilter(self.state, self.rows_max)


class TerminalQuery(Body):
    """Query of the list of terminals."""

    state: Annotated[str, Field(max_length=20)] = ""
    town: Annotated[str, Field(max_length=AREA_CHARACTERS_MAX)] = ""
    path: Annotated[str, Field(max_length=20)] = ""
    rows_max: Annotated[int, Field(ge=1, le=ROWS_MAX)] = 200

    def wanted(self) -> TerminalFilter:
        """The frozen value."""
        return TerminalFilter(self.state, self.town, self.path, self.rows_max)


def problems(error: ValidationError) -> list[Problem]:
    """Every fault of a body at once, in the body's own order."""
    return [
        Problem(
            Kind.INVALID,
            "bad_field",
            thing=".".join(str(part) for part in fault["loc"]) or "body",
            value=_shown(fault["input"]),
            limit=fault["msg"],
        )
        for fault in error.errors(include_url=False, include_context=False)
    ]


def _shown(value: Any) -> str:
    if isinstance(value, dict | list | tuple | bytes):
        return ""  # the field's name says more than a whole structure
    text = str(value)
    return text if len(text) <= VALUE_CHARACTERS_MAX else text[:VALUE_CHARACTERS_MAX] + "…"
