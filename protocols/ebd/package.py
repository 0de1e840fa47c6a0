"""The package (接口数据文件): which files a TAR must and may hold, and their names (GD/J 083; platform.md 1.4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from protocols.ebd import tar
from protocols.ebd.edition import RULES
from protocols.ebd.envelope import read_envelope
from protocols.errors import LocalProtocolError, RemoteProtocolError

XML_BYTES_MAX = 64 * 1024 * 1024
SIGNATURE_BYTES_MAX = 64 * 1024


@dataclass(frozen=True, slots=True)
class InformationFile:
    """An EBDI file (information body) and its signature, where there is one."""

    name: str
    xml: bytes
    signature_xml: bytes | None = None


@dataclass(frozen=True, slots=True)
class Package:
    """What a TAR holds. `resources` by file name, as Auxiliary/AuxiliaryDesc names them; `others` were ignored."""

    ebdb_name: str
    xml: bytes
    signature_xml: bytes | None = None
    resources: Mapping[str, bytes] = field(default_factory=dict)
    information: InformationFile | None = None
    others: tuple[str, ...] = ()

    @property
    def ebd_id(self) -> str:
        """The package number in the file's name; the one inside the document counts."""
        return _stem(self.ebdb_name)[len("EBDB_") :]

    def resource(self, desc: str) -> bytes | None:
        """The file that an AuxiliaryDesc names; folders, case and a missing EBDR_ are forgiven."""
        wanted = desc.replace("\\", "/").rpartition("/")[2].lower()
        for name, data in self.resources.items():
            if name.lower() in (wanted, f"ebdr_{wanted}"):
                return data
        return None


def package_name(ebd_id: str) -> str:
    """File name of the package itself."""
    return f"EBDT_{ebd_id}.tar"


def unpack(
    archive: bytes, *, xml_bytes_max: int = XML_BYTES_MAX, signature_bytes_max: int = SIGNATURE_BYTES_MAX
) -> Package:
    """Sort the files of a TAR.

    Raises RemoteProtocolError: what `tar.read` raises, then no-ebdb, tar-duplicate, tar-limit; all result 2.
    """
    if not archive.strip(b"\0\r\n "):
        raise RemoteProtocolError("tar", "the archive is empty")
    entries = list(tar.read(archive))
    _refuse_repeats(entries)
    documents = [entry for entry in entries if _is(entry, "EBDB")]
    signatures = [entry for entry in entries if _is(entry, "EBDS")]
    bodies = [entry for entry in entries if _is(entry, "EBDI")]
    resources = {entry.name: entry.data for entry in entries if _is(entry, "EBDR")}
    if len(documents) != 1:
        reason = "tar-duplicate" if documents else "no-ebdb"
        raise RemoteProtocolError(reason, f"{len(documents)} files named EBDB_..., one is needed")
    if len(documents[0].data) > xml_bytes_max:
        raise RemoteProtocolError("tar-limit", f"{documents[0].name} has more than {xml_bytes_max} bytes")
    if any(len(entry.data) > signature_bytes_max for entry in signatures):
        raise RemoteProtocolError("tar-limit", f"a signature file has more than {signature_bytes_max} bytes")
    of_bodies = [entry for entry in signatures if entry.name.upper().startswith("EBDS_EBDI")]
    of_document = [entry for entry in signatures if entry not in of_bodies]
    own_name = (
        f"EBDS_{documents[0].name}".upper()
    )  # else the last one, as a widespread receiver has it (platform.md 8.5)
    of_document.sort(key=lambda entry: entry.name.upper() == own_name)
    known = {id(entry) for entry in (*documents, *of_document[-1:], *bodies[:1], *of_bodies[:1])}
    return Package(
        ebdb_name=documents[0].name,
        xml=documents[0].data,
        signature_xml=of_document[-1].data if of_document else None,
        resources=resources,
        information=InformationFile(bodies[0].name, bodies[0].data, of_bodies[0].data if of_bodies else None)
        if bodies
        else None,
        others=tuple(entry.name for entry in entries if id(entry) not in known and entry.name not in resources),
    )


def pack(
    ebd_xml: bytes,
    signature_xml: bytes | None = None,
    resources: Mapping[str, bytes] | None = None,
    information: InformationFile | None = None,
) -> bytes:
    """A TAR in the order every known peer can read: EBDB first, EBDI, EBDR, EBDS_EBDB last.

    The names come from the EBDID inside the document. Raises LocalProtocolError for a file named otherwise than its
    kind wants, for two of one name, and for an information body in the 2016 edition, which sends it apart; and
    RemoteProtocolError for a document whose envelope cannot be read.
    """
    envelope = read_envelope(ebd_xml)
    ebd_id = envelope.ebd_id
    entries = [tar.Entry(f"EBDB_{ebd_id}.xml", ebd_xml)]
    if information is not None:
        if not RULES[envelope.edition].information_body:
            raise LocalProtocolError(f"a package of the {envelope.edition} edition carries no information body")
        if not information.name.startswith("EBDI_"):
            raise LocalProtocolError(f"information body {information.name!r} must be named EBDI_<InfoID>.xml")
        entries.append(tar.Entry(information.name, information.xml))
        if information.signature_xml is not None:
            entries.append(tar.Entry(f"EBDS_{information.name}", information.signature_xml))
    for name, data in (resources or {}).items():
        if not name.startswith("EBDR_"):
            raise LocalProtocolError(f"resource {name!r} must be named EBDR_<name>.<ext>")
        entries.append(tar.Entry(name, data))
    if signature_xml is not None:
        entries.append(tar.Entry(f"EBDS_EBDB_{ebd_id}.xml", signature_xml))
    stems = [_stem(entry.name) for entry in entries]
    if len(set(stems)) != len(stems):
        raise LocalProtocolError(f"names without extension repeat in one package: {sorted(stems)}")
    return tar.write(entries)


def _is(entry: tar.Entry, prefix: str) -> bool:
    return entry.name.upper().startswith(prefix)


def _stem(name: str) -> str:
    return name.rpartition(".")[0] or name


def _refuse_repeats(entries: list[tar.Entry]) -> None:
    seen: set[str] = set()
    for entry in entries:
        stem = _stem(entry.name).upper()
        if stem in seen:
            raise RemoteProtocolError("tar-duplicate", f"{entry.name} is there twice (extension apart)")
        seen.add(stem)
