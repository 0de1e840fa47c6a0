"""Authorisation lists on file: *.lst beside the certificates, each with a verdict (GD/J 081 clause 6.5)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cmp_to_key
from pathlib import Path

from ebcd.errors import Problem
from protocols.authorisation import Authorisation, ListVerdict, list_signer_fault
from protocols.errors import RemoteProtocolError
from protocols.signature import LIST_BYTES_MAX, AuthorisationList, Certificate, CertificateNumber, number_text

SUFFIX = ".lst"
LISTS_MAX = 20_000  # one for every receiver of a province; the rest is refused by name


class Standing(StrEnum):
    """What a filed list is to us."""

    GOOD = "good"  # signed as it must be; for whom is not asked yet
    IN_FORCE = "in_force"
    BEFORE = "before"  # counts until the one in force has verified a command
    OLD = "old"
    FOREIGN = "foreign"
    CONFLICT = "conflict"
    UNKNOWN_SIGNER = "unknown_signer"
    WRONG_SIGNER = "wrong_signer"
    BAD_SIGNATURE = "bad_signature"


@dataclass(frozen=True, slots=True)
class FiledList:
    """One list and what it is to us."""

    listed: AuthorisationList
    file: str
    standing: Standing


def read_lists(
    folder: Path,
    certificates: Mapping[CertificateNumber, Certificate],
    roots: Collection[CertificateNumber],
    problems: list[Problem],
) -> tuple[FiledList, ...]:
    """Every *.lst file that is a list, judged by its signature. `certificates` are those whose chain holds."""
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix == SUFFIX)
    except OSError:
        return ()  # told by whoever reads the certificates
    if len(paths) > LISTS_MAX:
        problems.append(Problem(str(folder), "", str(len(paths)), "trust_many", {"limit": LISTS_MAX}))
    found = []
    for path in paths[:LISTS_MAX]:
        try:
            with path.open("rb") as file:
                listed = AuthorisationList.decode(file.read(LIST_BYTES_MAX + 1))
        except OSError as error:
            problems.append(Problem(str(path), "", "", "unreadable", {"reason": error.strerror or str(error)}))
            continue
        except RemoteProtocolError as error:
            problems.append(Problem(str(path), "", "", "trust_not_list", {"reason": error.detail}))
            continue
        fault = list_signer_fault(listed, certificates.get(listed.signer), pinned=listed.signer in roots)
        if fault is not None:
            values = {"signer": number_text(listed.signer)}
            problems.append(Problem(str(path), "", str(listed.serial), f"trust_list_{fault}", values))
        found.append(FiledList(listed, str(path), Standing(fault or Standing.GOOD)))
    return tuple(found)


def in_force(
    lists: Sequence[FiledList],
    receiver: CertificateNumber,
    proven_serial: int | None,
    problems: list[Problem],
) -> tuple[Authorisation, tuple[FiledList, ...]]:
    """Choose the newest list for `receiver` by the serial rule, and the one before it where that still counts."""
    good = [each for each in lists if each.standing is Standing.GOOD]
    mine = sorted((each for each in good if each.listed.receiver == receiver), key=cmp_to_key(_by_age))
    authorisation = Authorisation(receiver)
    applied: list[FiledList] = []
    standings: dict[str, Standing] = {}
    for each in mine:
        match authorisation.judge(each.listed):
            case ListVerdict.NEWER:
                authorisation.apply(each.listed)
                applied.append(each)
            case ListVerdict.CONFLICT:
                standings[each.file] = Standing.CONFLICT
                values = {"other": Path(applied[-1].file).name}
                problems.append(Problem(each.file, "", str(each.listed.serial), "trust_list_conflict", values))
            case _:
                standings[each.file] = Standing.OLD
    for each in applied:
        standings[each.file] = Standing.OLD
    authorisation.previous = None
    if applied:
        standings[applied[-1].file] = Standing.IN_FORCE
    if len(applied) > 1 and applied[-1].listed.serial != proven_serial:
        authorisation.previous = applied[-2].listed
        standings[applied[-2].file] = Standing.BEFORE
    told = (
        replace(each, standing=standings.get(each.file, Standing.FOREIGN)) if each.standing is Standing.GOOD else each
        for each in lists
    )
    return authorisation, tuple(told)


def newest(lists: Sequence[FiledList]) -> dict[CertificateNumber, AuthorisationList | None]:
    """The newest list on file for each receiver, of those whose signature is good; None where two have its serial and
    other content."""
    unsound = (Standing.UNKNOWN_SIGNER, Standing.WRONG_SIGNER, Standing.BAD_SIGNATURE)
    by_receiver: dict[CertificateNumber, list[FiledList]] = {}
    for each in lists:
        if each.standing not in unsound:
            by_receiver.setdefault(each.listed.receiver, []).append(each)
    found: dict[CertificateNumber, AuthorisationList | None] = {}
    for receiver, mine in by_receiver.items():
        authorisation = Authorisation(receiver)
        for each in sorted(mine, key=cmp_to_key(_by_age)):
            match authorisation.judge(each.listed):
                case ListVerdict.NEWER:
                    authorisation.apply(each.listed)
                    found[receiver] = each.listed
                case ListVerdict.CONFLICT:
                    found[receiver] = None
    return found


def _by_age(one: FiledList, other: FiledList) -> int:
    """Older first; the same serial in the order of file names."""
    if one.listed.serial == other.listed.serial:
        return -1 if one.file < other.file else 1
    return -1 if other.listed.follows(one.listed.serial) else 1
