"""Asks the daemon over its unix socket."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import closing
from http.client import HTTPConnection, HTTPException  # httpx would be a quarter of a command's time
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import orjson

from ebcd.catalogue import has, text
from ebcd.cli.session import Failure, Session

CONNECT_TIMEOUT_S = 5.0
ANSWER_TIMEOUT_S = 60.0  # a draft without audio is spoken before it is answered


class Client:
    """One command's conversation. Every method raises Failure when the daemon is not there or refuses."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, path: str, /, **query: str | int) -> bytes:
        """GET; empty query values are left out."""
        return self._ask("GET", path, query={key: value for key, value in query.items() if value != ""})

    def post(self, path: str, body: Mapping[str, Any] | None = None, *, patience_s: float = ANSWER_TIMEOUT_S) -> bytes:
        """POST a JSON body, or none. `patience_s`: for what asks devices several times before it is answered."""
        return self._ask("POST", path, patience_s=patience_s, content=b"" if body is None else orjson.dumps(body))

    def put(self, path: str, content: bytes, /, **query: str | int) -> bytes:
        """PUT a file's content."""
        return self._ask("PUT", path, content=content, query=query)

    def post_xml(self, path: str, xml: bytes) -> bytes:
        """POST a document."""
        return self._ask("POST", path, content=xml, type_="application/xml")

    def _ask(
        self,
        method: str,
        path: str,
        *,
        type_: str = "application/json",
        patience_s: float = ANSWER_TIMEOUT_S,
        content: bytes = b"",
        query: Mapping[str, str | int] | None = None,
    ) -> bytes:
        session = self._session
        headers = {"Accept-Language": session.language, "Content-Type": type_}
        if session.token is not None:
            headers["X-Ebcd-Token"] = session.token
        self._knock()
        target = f"{quote(path)}?{urlencode(query)}" if query else quote(path)
        try:
            with closing(_Conversation(session.socket, patience_s)) as http:
                http.request(method, target, content, headers)
                response = http.getresponse()
                answer = response.read()
        except (OSError, HTTPException) as error:
            # Something was sent: whether it was done is not known, and saying so is all that can be said.
            raise Failure(session.say("cli.no_answer", socket=session.socket, reason=repr(error))) from None
        if 200 <= response.status < 300:
            return answer
        raise Failure(*_sentences(answer, session.language), payload=answer)

    def _knock(self) -> None:
        """Tell a daemon that is not there from one that does not answer: only the first has surely done nothing."""
        if reason := _absent(self._session):
            raise Failure(self._session.say("cli.no_daemon", socket=self._session.socket, reason=reason))


class _Conversation(HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, door: Path, patience_s: float) -> None:
        super().__init__("ebcd", timeout=patience_s)
        self._door, self._patience_s = str(door), patience_s

    def connect(self) -> None:
        """Raises OSError."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(CONNECT_TIMEOUT_S)
        self.sock.connect(self._door)
        self.sock.settimeout(self._patience_s)


def listens(session: Session) -> bool:
    """Whether a daemon listens on the session's socket."""
    return not _absent(session)


def _absent(session: Session) -> str:
    """Why nobody listens; "" where somebody does."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(CONNECT_TIMEOUT_S)
        try:
            probe.connect(str(session.socket))
        except OSError as error:
            return error.strerror or str(error)
    return ""


def _sentences(content: bytes, language: str) -> list[str]:
    try:
        told = orjson.loads(content)
        found = [told["error"], *told.get("others", [])]
        return [_sentence(problem, language) for problem in found]
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return [text("cli.not_ours", language, answer=content[:200].decode("utf-8", "replace"))]


def _sentence(problem: dict[str, str], language: str) -> str:
    values = {name: str(problem.get(name, "")) for name in ("thing", "value", "limit")}
    key = f"problem.{problem['code']}"
    what = text(key if has(key) else "problem.other", language, code=problem["code"], **values)
    step = problem.get("next", "")
    return f"{what} {step}".rstrip()
