"""inventory.csv -> `Inventory`, and every row that is wrong, by its number.

One device a row. A file of a whole province has 140,000 rows and some are always dirty: `read` gives the sound ones and
the problems of the others, `load` refuses a file with problems. The further columns of the equipment archive are read
by `ebcd.archive.columns`; what is wrong there leaves out the value, never the device.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path as FilePath

from devices.link import Path
from devices.roster import Device, DeviceKind, Roster
from ebcd.archive import EMPTY, Archive, Record, Status
from ebcd.archive.columns import FREQUENCY, STATUS, Wrong, read_record
from ebcd.errors import ConfigError, Problem
from ebcd.inventory import Inventory
from protocols.codes import AreaCode, InvalidCode, ResourceCode, covers
from protocols.mqtt.vendor import is_id

COLUMNS = ("kind", "code", "phys", "name", "host", "port", "paths", "frequency_mhz")
PLACE_COLUMN = "place"  # optional: what people call the area of the row; else taken from the adapter's name
MQTT_COLUMN = "mqtt"  # optional: LINK:ID, the MQTT link of a terminal and what the vendor calls it; either may be empty
PROBLEMS_MAX = 1000  # beyond these the file itself is the problem
PHYS_DIGITS_MAX = 32
FREQUENCY_KHZ_MIN, FREQUENCY_KHZ_MAX = 64_000, 108_000
ADAPTER_SUFFIXES = ("适配器", " adapter")
_SUBTYPES = {DeviceKind.ADAPTER: "02", DeviceKind.TERMINAL: "04", DeviceKind.TRANSMITTER: "03"}
_UPPER_HEX = frozenset("0123456789ABCDEF")


def load(path: FilePath, *, area: AreaCode | None = None) -> Inventory:
    """Read a file without problems. Raises ConfigError with all of them."""
    inventory, problems = read(path, area=area)
    if problems:
        raise ConfigError(problems)
    return inventory


def read(path: FilePath, *, area: AreaCode | None = None) -> tuple[Inventory, list[Problem]]:
    """The sound rows and the problems of the others; `area` is the county to which all must belong."""
    try:
        content = path.read_bytes()
    except OSError as error:
        return Inventory(Roster()), [Problem(str(path), "", "", "unreadable", {"reason": error.strerror or str(error)})]
    return read_content(content, str(path), area=area)


def read_content(content: bytes, file: str, *, area: AreaCode | None = None) -> tuple[Inventory, list[Problem]]:
    """The same for a file's content."""
    try:
        lines = io.StringIO(content.decode("utf-8-sig"), newline="")
        return read_rows(csv.reader(lines), file, area=area)
    except UnicodeDecodeError as error:
        return Inventory(Roster()), [Problem(file, "", "", "not_utf8", {"offset": error.start})]
    except csv.Error as error:
        return Inventory(Roster()), [Problem(file, "", "", "other", {"detail": str(error)})]


def left_out(problem: Problem) -> str:
    """What a problem leaves out: the "row", or the "value" alone."""
    return "value" if problem.what.startswith("archive.") else "row"


def read_rows(rows: Iterable[list[str]], file: str, *, area: AreaCode | None) -> tuple[Inventory, list[Problem]]:
    """The same for rows that are already split; the first one names the columns."""
    table = RowReader(file, area)
    for number, row in enumerate(rows, 1):
        if number == 1:
            table.read_header(row)
            if table.problems:
                break
        elif any(row):
            table.read_row(number, row)
    table.check_adapters()
    return Inventory(Roster.of(table.devices), table.place_names, Archive(table.records, table.planned)), table.problems


@dataclass(slots=True)
class RowReader:
    """What has been read so far, row by row."""

    file: str
    county: AreaCode | None
    problems_max: int = PROBLEMS_MAX
    devices: list[Device] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    place_names: dict[AreaCode, str] = field(default_factory=dict)
    records: dict[ResourceCode, Record] = field(default_factory=dict)
    planned: dict[ResourceCode, Device] = field(default_factory=dict)
    _columns: dict[str, int] = field(default_factory=dict)
    _width: int = 0
    _row_of: dict[str, int] = field(default_factory=dict)
    _cards: dict[str, ResourceCode] = field(default_factory=dict)  # ICCID -> who has it
    _areas: dict[str, int] = field(default_factory=dict)  # area code -> its level; rows repeat few areas many times
    _paths: dict[str, tuple[Path, ...]] = field(default_factory=dict)

    def read_header(self, row: list[str]) -> None:
        """Find the columns; their order is free and further ones are ignored."""
        names = [name.strip().lower() for name in row]
        self._columns = {name: at for at, name in enumerate(names)}
        self._width = len(row)
        for column in COLUMNS:
            if column not in self._columns:
                self._wrong(1, column, "", "column", columns=", ".join(COLUMNS))

    def read_row(self, number: int, row: list[str]) -> None:
        """Add a device, or what is wrong with it."""
        if len(row) != self._width:
            self._wrong(number, "", "", "row_width", found=len(row), expected=self._width)
            return
        before = len(self.problems)
        cells = {name: row[at].strip() for name, at in self._columns.items()}
        kind = self._kind(number, cells["kind"])
        code = self._code(number, cells["code"], kind)
        is_planned = cells.get(STATUS) == Status.PLANNED  # where it will stand is known, how it will speak may not be
        phys = self._phys(number, cells["phys"])
        paths = self._read_paths(number, cells["paths"], None if is_planned else kind)
        port = self._port(number, cells["port"])
        if (
            kind in (DeviceKind.ADAPTER, DeviceKind.TRANSMITTER)
            and not (cells["host"] and cells["port"])
            and not is_planned
        ):
            self._wrong(number, "host", cells["host"], "no_address", kind=kind)
        frequency_khz = 0 if is_planned else self._frequency(number, cells["frequency_mhz"], kind)
        mqtt = "" if is_planned else self._mqtt(number, cells.get(MQTT_COLUMN, ""), kind)
        if kind is None or code is None or len(self.problems) > before:
            return
        link, _, id_ = mqtt.partition(":")
        device = Device(kind, code, phys, cells["name"], cells["host"], port, paths, frequency_khz, link, id_)
        if is_planned:
            self.planned[code] = device
        else:
            self.devices.append(device)
        self._read_archive(number, device, cells)
        self._name_place(device, cells.get(PLACE_COLUMN, ""))

    def _read_archive(self, number: int, device: Device, cells: dict[str, str]) -> None:
        record, wrong = read_record(cells, has_frequency=device.kind is not DeviceKind.TRANSMITTER)
        if record.sim_iccid:
            holder = self._cards.setdefault(record.sim_iccid, device.code)
            if holder != device.code:  # a card is in one device
                wrong.append(Wrong("sim_iccid", record.sim_iccid, "archive.card_twice", {"holder": holder}))
                record = replace(record, sim_iccid="")
        if record != EMPTY:
            self.records[device.code] = record
        for each in wrong:
            self._wrong(number, each.column, each.value, each.what, **each.values)

    def check_adapters(self) -> None:
        """A terminal on path `adapter` needs one whose area covers its own."""
        stems = {device.code.area.stem for device in self.devices if device.kind is DeviceKind.ADAPTER}
        covered: dict[AreaCode, bool] = {}
        for device in self.devices:
            if device.kind is not DeviceKind.TERMINAL or Path.ADAPTER not in device.paths:
                continue
            area = device.code.area
            if area not in covered:
                covered[area] = any(each.stem in stems for each in area.enclosing)
            if not covered[area]:
                self._wrong(self._row_of[device.code], "paths", "adapter", "no_adapter", area=area)

    def _kind(self, number: int, value: str) -> DeviceKind | None:
        try:
            return DeviceKind(value)
        except ValueError:
            self._wrong(number, "kind", value, "choice", choices=", ".join(DeviceKind))
            return None

    def _code(self, number: int, value: str, kind: DeviceKind | None) -> ResourceCode | None:
        try:
            code = ResourceCode(value)
        except InvalidCode as error:
            self._wrong(number, "code", value, "row_code", detail=str(error))
            return None
        area = value[1:13]
        level = self._areas.get(area)
        if level is None:
            level = self._areas[area] = code.area.level
            if self.county is not None and not covers(self.county, code.area):
                self._areas[area] = level = -1
        if level == -1:
            self._wrong(number, "code", value, "outside", area=area, county=self.county)
        elif kind is DeviceKind.TERMINAL and int(value[0]) != level:
            self._wrong(number, "code", value, "level", level=value[0], area=area, area_level=level)
        if kind is not None and value[19:21] != _SUBTYPES[kind]:
            self._wrong(number, "code", value, "subtype", kind=kind, subtype=_SUBTYPES[kind], found=value[19:21])
        for place, serial in (("18-19", value[17:19]), ("22-23", value[21:23])):
            if serial == "00":
                self._wrong(number, "code", value, "group_code", place=place)
        self._once(number, "code", value)
        return code

    def _phys(self, number: int, value: str) -> str:
        phys = value.upper()
        if not _UPPER_HEX.issuperset(phys) or len(phys) % 2 or len(phys) > PHYS_DIGITS_MAX:
            self._wrong(number, "phys", value, "phys", limit=PHYS_DIGITS_MAX)
        elif phys:
            self._once(number, "phys", phys)
        return phys

    def _read_paths(self, number: int, value: str, kind: DeviceKind | None) -> tuple[Path, ...]:
        known = self._paths.get(value)
        if known is None:
            names = [name.strip() for name in value.split(";") if name.strip()]
            try:
                known = tuple(dict.fromkeys(Path(name) for name in names))
            except ValueError:
                self._wrong(number, "paths", value, "choice", choices=", ".join(Path))
                return ()
            self._paths[value] = known
        if not known and kind is DeviceKind.TERMINAL:
            self._wrong(number, "paths", value, "no_path", choices=", ".join(Path))
        return known

    def _port(self, number: int, value: str) -> int:
        if not value:
            return 0
        if not (value.isascii() and value.isdigit() and len(value) <= 5 and 1 <= int(value) <= 65535):
            self._wrong(number, "port", value, "port_range")
            return 0
        return int(value)

    def _frequency(self, number: int, value: str, kind: DeviceKind | None) -> int:
        """The carrier of a transmitter; of other devices this column is the archive's."""
        if kind is not DeviceKind.TRANSMITTER:
            return 0
        try:
            khz = Decimal(value) * 1000
            fits = FREQUENCY_KHZ_MIN <= khz <= FREQUENCY_KHZ_MAX
        except ArithmeticError:  # no number, NaN, or an exponent beyond all reason
            fits = False
        if not fits:
            low, high = FREQUENCY_KHZ_MIN // 1000, FREQUENCY_KHZ_MAX // 1000
            self._wrong(number, FREQUENCY, value, "frequency", low=low, high=high)
            return 0
        return int(khz)

    def _mqtt(self, number: int, value: str, kind: DeviceKind | None) -> str:
        """LINK, LINK:ID or :ID. An id is one level of a topic and, within its link, one terminal's."""
        _, _, id_ = value.partition(":")
        if value and (kind is not DeviceKind.TERMINAL or (":" in value and not is_id(id_))):
            self._wrong(number, MQTT_COLUMN, value, "mqtt_name")
        elif id_:
            self._once(number, MQTT_COLUMN, value)
        return value

    def _once(self, number: int, column: str, value: str) -> None:
        first = self._row_of.setdefault(value, number)
        if first != number:
            self._wrong(number, column, value, "row_twice", first=first)

    def _name_place(self, device: Device, place: str) -> None:
        if not place and device.kind is DeviceKind.ADAPTER:
            suffix = next((each for each in ADAPTER_SUFFIXES if device.name.endswith(each)), None)
            place = device.name.removesuffix(suffix) if suffix else ""
        if place:
            self.place_names.setdefault(device.code.area, place)

    def _wrong(self, row: int, column: str, value: str, what: str, **values: object) -> None:
        if len(self.problems) < self.problems_max:
            self.problems.append(Problem(self.file, column, repr(value) if value else "", what, values, row=row))
        elif len(self.problems) == self.problems_max:
            self.problems.append(Problem(self.file, "", "", "more", {"limit": self.problems_max}))
