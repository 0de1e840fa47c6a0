"""The rules of the house as functions: each takes a parsed file and yields what it finds wrong with it."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
MEDIAN_LINES_MAX = 150
PACKAGES = ("protocols", "devices", "simulators", "ebcd")


def words(text: str) -> frozenset[str]:
    """A set, written as a line of words."""
    return frozenset(text.split())


# What a package must not import. `protocols` is bytes and values: no I/O, no clock, no chance, no log.
FORBIDDEN_IMPORTS: dict[str, frozenset[str]] = {
    "protocols": words(
        "asyncio socket selectors ssl subprocess threading time random secrets logging structlog aiomqtt httpx "
        "starlette uvicorn sqlalchemy serial pydantic prometheus_client typer rich devices ebcd simulators"
    ),
    "devices": words("socket time secrets sqlalchemy pydantic starlette typer rich ebcd simulators"),
    "simulators": frozenset({"ebcd", "devices"}),
    "ebcd": frozenset({"simulators"}),
}

# A dependency is imported in as few places as possible: a prefix of the paths that may.
ONLY_IN: dict[str, tuple[str, ...]] = {
    "sqlalchemy": ("ebcd/store",),
    "alembic": ("ebcd/store", "ebcd/migrations"),
    "lxml": ("protocols/ebd", "protocols/cap"),
    "pydantic": ("ebcd/settings", "ebcd/api", "ebcd/inventory"),
    "cryptography": ("ebcd/backup",),
    "ctypes": ("protocols/sm2", "devices/audio"),
    "pickle": (),
    "uvloop": ("ebcd/", "simulators/"),
}

# The doors to time, chance and tasks (style habits 6 and 8): everyone else is handed them.
TIME_READERS = ("ebcd/clock.py", "simulators/clock.py", "tests/")
CHANCE_MAKERS = ("ebcd/world.py", "simulators/world.py", "tests/")
PRINTERS = ("ebcd/cli", "ebcd/demo", "devices/audio/speech_child.py", "simulators/", "tests/")
SUPERVISORS = ("ebcd/daemon.py", "ebcd/supervise.py")
CLOCK_CALLS = words(
    "time.time time.time_ns time.monotonic time.monotonic_ns time.perf_counter time.perf_counter_ns time.localtime "
    "time.gmtime time.sleep datetime.now datetime.utcnow datetime.today date.today"
)
CHANCE_CALLS = frozenset({"os.urandom", "uuid.uuid1", "uuid.uuid4", "random.SystemRandom"})
BANNED_NAMES = words("util utils helper helpers common base manager managers misc shared tools")
UNFINISHED = re.compile(
    r"\b(TODO|FIXME|XXX|HACK|NotImplementedError|not (yet )?implemented|placeholder)\b", re.IGNORECASE
)


@dataclass(frozen=True)
class Module:
    """One parsed source file."""

    path: PurePosixPath  # inside the repository
    text: str

    @classmethod
    def read(cls, root: Path, file: Path) -> Module:
        """Read a file of the repository at `root`."""
        return cls(PurePosixPath(file.relative_to(root).as_posix()), file.read_text(encoding="utf-8"))

    @property
    def package(self) -> str:
        """The top folder: protocols, devices, ebcd, simulators or tests."""
        return self.path.parts[0]

    @cached_property
    def lines(self) -> int:
        """Number of lines."""
        return self.text.count("\n")

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree."""
        return ast.parse(self.text)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """All nodes of the tree."""
        return list(ast.walk(self.tree))

    @cached_property
    def imports(self) -> list[tuple[int, str]]:
        """Line and full name of everything imported, also inside functions."""
        found = []
        for node in self.nodes:
            if isinstance(node, ast.Import):
                found += [(node.lineno, alias.name) for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found += [(node.lineno, f"{node.module}.{alias.name}") for alias in node.names]
        return found

    @cached_property
    def calls(self) -> list[tuple[int, str, ast.Call]]:
        """Line, dotted name and node of every call."""
        return [(node.lineno, dotted(node.func), node) for node in self.nodes if isinstance(node, ast.Call)]

    def within(self, places: tuple[str, ...]) -> bool:
        """Whether the path begins with one of `places`."""
        return str(self.path).startswith(places) if places else False


def dotted(node: ast.AST) -> str:
    """`a.b.c` of a name or attribute; what is not a name inside is left out."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}".lstrip(".")
    return node.id if isinstance(node, ast.Name) else ""


def functions(module: Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every `def`."""
    for node in module.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


# ---- the rules -----------------------------------------------------------------------------------------------------


def imports_point_one_way(module: Module) -> Iterator[str]:
    """ebcd -> devices -> protocols <- simulators; the protocols touch nothing outside."""
    forbidden = FORBIDDEN_IMPORTS.get(module.package, frozenset())
    for line, name in module.imports:
        if (top := name.split(".")[0]) in forbidden:
            yield f"{module.path}:{line}: {module.package} may not import {top}"


def dependencies_stay_in_their_places(module: Module) -> Iterator[str]:
    """A library is met in one place, so that it can be replaced there."""
    for line, name in module.imports:
        places = ONLY_IN.get(top := name.split(".")[0])
        if places is not None and module.package != "tests" and not module.within(places):
            yield f"{module.path}:{line}: {top} is imported only in {' '.join(places) or 'no file'}"


def only_the_clock_reads_time(module: Module) -> Iterator[str]:
    """Everyone else is handed a clock (habit 6)."""
    if module.within(TIME_READERS):
        return
    for line, name, _ in module.calls:
        if ".".join(name.split(".")[-2:]) in CLOCK_CALLS:
            yield f"{module.path}:{line}: {name}() reads time; take a clock as argument"
    for line, name in module.imports:
        if name in CLOCK_CALLS:
            yield f"{module.path}:{line}: {name} reads time; take a clock as argument"


def chance_is_handed_in(module: Module) -> Iterator[str]:
    """No module function of `random`, no `secrets`, no `os.urandom` outside the World."""
    if module.within(CHANCE_MAKERS):
        return
    for line, name, _ in module.calls:
        of_module = name.startswith("random.") and name != "random.Random"
        if of_module or name in CHANCE_CALLS or name.startswith("secrets."):
            yield f"{module.path}:{line}: {name}() makes chance of its own; take a random.Random or entropy as argument"
    for line, name in module.imports:
        if name.split(".")[0] == "secrets" or (name.startswith("random.") and name != "random.Random"):
            yield f"{module.path}:{line}: {name} makes chance of its own"


def every_task_has_a_parent(module: Module) -> Iterator[str]:
    """`create_task` is called on a TaskGroup (habit 8)."""
    if module.package == "tests":
        return
    for line, name, _ in module.calls:
        *owner, last = name.split(".")
        orphan = last == "create_task" and (not owner or owner[-1] == "asyncio" or "loop" in owner[-1])
        if orphan or last == "ensure_future":
            yield f"{module.path}:{line}: {name}() has no parent; use a TaskGroup"


def only_supervise_catches_everything(module: Module) -> Iterator[str]:
    """One function of the repository may: `supervise` (habit 9). Passing on what was caught is allowed."""
    allowed: set[ast.AST] = set()
    if str(module.path) in SUPERVISORS:
        allowed = {
            node for function in functions(module) if function.name == "supervise" for node in ast.walk(function)
        }
    for node in module.nodes:
        if not isinstance(node, ast.ExceptHandler) or node in allowed:
            continue
        types = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type] if node.type else []
        broad = not types or any(dotted(each) in {"Exception", "BaseException"} for each in types)
        last = node.body[-1]
        if broad and not (isinstance(last, ast.Raise) and last.exc is None):
            yield f"{module.path}:{node.lineno}: catches everything; name what is understood here"


def nothing_is_raised_in_except_star(module: Module) -> Iterator[str]:
    """Debian 12's Python 3.11.2 wraps what is raised there in a group, later ones do not: note it and raise outside."""
    for node in module.nodes:
        if not isinstance(node, ast.TryStar):
            continue
        for inner in (each for handler in node.handlers for line in handler.body for each in ast.walk(line)):
            if isinstance(inner, ast.Raise) and inner.exc is not None:
                yield f"{module.path}:{inner.lineno}: raised inside `except*`; note it and raise behind the try"


def only_commands_print(module: Module) -> Iterator[str]:
    """Others log or return."""
    if module.within(PRINTERS):
        return
    for line, name, _ in module.calls:
        if name == "print":
            yield f"{module.path}:{line}: print() outside the commands"


def sizes_stay_small(module: Module) -> Iterator[str]:
    """Files and functions have a length limit."""
    if module.lines > FILE_LINES_MAX:
        yield f"{module.path}: {module.lines} lines, {FILE_LINES_MAX} allowed; split it by meaning"
    for function in functions(module):
        size = (function.end_lineno or function.lineno) - function.lineno + 1
        if size > FUNCTION_LINES_MAX:
            yield f"{module.path}:{function.lineno}: {function.name} has {size} lines, {FUNCTION_LINES_MAX} allowed"


def annotations_are_complete(module: Module) -> Iterator[str]:
    """Every argument and result has a type."""
    for function in functions(module):
        arguments = function.args
        named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        named += [each for each in (arguments.vararg, arguments.kwarg) if each]
        for argument in named:
            if argument.annotation is None and argument.arg not in {"self", "cls"}:
                yield f"{module.path}:{function.lineno}: {function.name}: argument {argument.arg} has no type"
        if function.returns is None:
            yield f"{module.path}:{function.lineno}: {function.name} has no result type"


def files_are_named_for_what_they_hold(module: Module) -> Iterator[str]:
    """No drawer for odds and ends."""
    for part in (*module.path.parent.parts, module.path.stem):
        if part in BANNED_NAMES:
            yield f"{module.path}: '{part}' says nothing; name the thing"


def bounds_say_max_last(module: Module) -> Iterator[str]:
    """Qualifiers last: `frames_max`, not `max_frames`; a queue is built with such a bound (habits 5 and 10)."""
    for node in module.nodes:
        name = ""
        if isinstance(node, ast.arg):
            name = node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            name = node.id
        if name.lower().startswith("max_"):
            yield f"{module.path}:{getattr(node, 'lineno', 0)}: {name} should end in _max"
    for line, name, call in module.calls:
        if name.split(".")[-1] in {"Queue", "LifoQueue", "PriorityQueue", "SimpleQueue"} and module.package != "tests":
            given = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg == "maxsize")]
            if not given or not dotted(given[0]).lower().endswith("_max"):
                yield f"{module.path}:{line}: {name}() needs a size named ..._max"


def transports_have_no_class(module: Module) -> Iterator[str]:
    """uvloop's transports are instances of nothing in asyncio: such a test of ours would refuse every connection."""
    if module.package == "tests":
        return
    for line, name, call in module.calls:
        if name == "isinstance" and dotted(call.args[-1]).endswith("Transport"):
            yield f"{module.path}:{line}: uvloop's transports are no asyncio.Transport; use typing.cast"


def nothing_is_left_unfinished(module: Module) -> Iterator[str]:
    """No word in a comment or text says that something is missing."""
    if str(module.path).startswith(("tests/architecture", "tests/test_architecture")):
        return
    if UNFINISHED.search(module.text) is None:
        return
    for token in tokenize.generate_tokens(io.StringIO(module.text).readline):
        if token.type in {tokenize.COMMENT, tokenize.STRING, tokenize.NAME} and (
            found := UNFINISHED.search(token.string)
        ):
            yield f"{module.path}:{token.start[0]}: '{found.group(0)}'"


def public_things_are_described(module: Module) -> Iterator[str]:
    """Modules, public classes and public functions have a docstring."""
    if module.package == "tests" or not module.tree.body:
        return
    if ast.get_docstring(module.tree) is None:
        yield f"{module.path}: says nowhere what it is"
    for node in module.tree.body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if not node.name.startswith("_") and ast.get_docstring(node) is None:
            yield f"{module.path}:{node.lineno}: {node.name} has no docstring"


RULES = (
    imports_point_one_way,
    dependencies_stay_in_their_places,
    only_the_clock_reads_time,
    chance_is_handed_in,
    every_task_has_a_parent,
    only_supervise_catches_everything,
    nothing_is_raised_in_except_star,
    only_commands_print,
    sizes_stay_small,
    annotations_are_complete,
    files_are_named_for_what_they_hold,
    bounds_say_max_last,
    transports_have_no_class,
    nothing_is_left_unfinished,
    public_things_are_described,
)
