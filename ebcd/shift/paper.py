"""The shift on paper: who, what is open, what was written down, in the reader's language. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ebcd.alarms.tell import sentence
from ebcd.catalogue import has, text
from ebcd.clock import beijing_text
from ebcd.shift.desk import EntryRow, HandoverRow, ShiftLog, ShiftView
from ebcd.shift.values import Matter, MatterKind

WORDS = {
    MatterKind.ORDER: ("trouble",),
    MatterKind.ORDER_OVERDUE: ("trouble",),
    MatterKind.CERTIFICATE: ("role",),
    MatterKind.LINK: ("path",),
}
"""Where a matter's name is a word of the core: the group of the catalogue that has it."""

CONDITIONS = "resource_condition"


def as_text(view: ShiftView, language: str) -> str:
    """The running shift: to be printed, read aloud and signed."""
    lines = [text("shift.title", language, at=beijing_text(view.now))]
    lines.append(_on_duty(view, language))
    if view.waiting is not None:
        lines.append(waiting_text(view.waiting, language))
    lines.append(text("shift.overdue_count", language, count=view.overdue))
    lines += ["", text("shift.open", language, count=len(view.open) + view.left_out)]
    lines += matters_text(view.open, view.left_out, language)
    lines += ["", text("shift.entries", language, count=len(view.entries))]
    lines += [entry_text(each, language) for each in view.entries]
    return "\n".join(lines) + "\n"


def log_text(log: ShiftLog, language: str) -> str:
    """Handovers with both names, then entries, newest first."""
    lines: list[str] = []
    for each in log.handovers:
        lines.append(handover_text(each, language))
        lines += matters_text(each.matters, each.left_out, language)
    lines += ["", text("shift.entries", language, count=len(log.entries))]
    lines += [entry_text(each, language) for each in log.entries]
    return "\n".join(lines).strip() + "\n"


def handover_text(each: HandoverRow, language: str) -> str:
    """One handover: both names, when, and whether it was acknowledged."""
    if each.taken is not None:
        outcome = text("shift.taken", language, at=beijing_text(each.taken))
    elif each.replaced:
        outcome = text("shift.replaced", language)
    else:
        outcome = text("shift.waits", language)
    if each.overdue is not None:
        outcome += text("shift.was_overdue", language, at=beijing_text(each.overdue))
    values = {"number": each.number, "by": each.by, "to": each.to, "at": beijing_text(each.at), "outcome": outcome}
    line = text("shift.handover", language, **values)
    return f"{line} {each.words}".rstrip()


def waiting_text(each: HandoverRow, language: str) -> str:
    """The handover that waits."""
    return text("shift.waiting", language, number=each.number, to=each.to) + handover_text(each, language)


def matters_text(matters: Iterable[Matter], left_out: int, language: str) -> Iterator[str]:
    """One line each."""
    for each in matters:
        parts = [
            text(f"matter.{each.kind}", language),
            each.subject,
            name_of(each, language),
            detail_of(each, language),
        ]
        if each.since:
            parts.append(text("shift.since", language, at=beijing_text(each.since)))
        yield "  " + " ".join(part for part in parts if part)
    if left_out:
        yield text("shift.left_out", language, count=left_out)


def name_of(matter: Matter, language: str) -> str:
    """Its name in words; of an alarm the whole of it."""
    if matter.kind is MatterKind.ALARM:
        return sentence(matter.kind_of, matter.about, matter.name, matter.detail, matter.stage, language)
    for group in WORDS.get(matter.kind, ()):
        if has(key := f"{group}.{matter.name}"):
            return text(key, language)
    return matter.name


def detail_of(matter: Matter, language: str) -> str:
    """Its detail in words; what a link or device said stays as it is."""
    if matter.kind is MatterKind.ALARM:
        return ""
    if matter.kind is MatterKind.CERTIFICATE:
        days, _, count = matter.detail.partition(" ")
        return text("shift.certificate", language, days=days, count=count)
    groups = {MatterKind.ALERT_HELD: "reason", MatterKind.ALERT_PENDING: "reason", MatterKind.HEAD_END: CONDITIONS}
    key = f"{groups.get(matter.kind, '')}.{matter.detail}"
    return text(key, language) if has(key) else matter.detail


def entry_text(each: EntryRow, language: str) -> str:
    """One entry."""
    about = f" [{each.person} {each.phone}".rstrip() + "]" if each.person or each.phone else ""
    return f"  {beijing_text(each.at)} {each.actor}: {each.words}{about}"


def _on_duty(view: ShiftView, language: str) -> str:
    if not view.on_duty or view.since is None:
        return text("shift.nobody", language)
    return text("shift.on_duty", language, name=view.on_duty, since=beijing_text(view.since))
