"""An S3 in front of the real test server that goes wrong on request, in the ways that no emulator knows.

with start_faults(aws.endpoint_url) as faults:
    faults.next(Answer(status=409, code="ConditionalRequestConflict"), method="PUT", times=2)
"""

from __future__ import annotations

import contextlib
import http.client
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast
from urllib.parse import urlsplit

ALWAYS = 1_000_000

_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "expect"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Answers with an error of S3 and does nothing; a HEAD gets the status only, as from S3."""

    status: int
    code: str = ""
    message: str = "made up by the test"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class LoseAnswer:
    """Does what is asked, and closes the connection in place of an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CutAnswer:
    """Sends so many bytes of the body and closes the connection."""

    after: int


@dataclass(frozen=True, slots=True)
class AlterAnswer:
    """Sends other bytes of the same length, and no checksum by which a client could tell."""


@dataclass(frozen=True, slots=True)
class Hang:
    """Takes the request and never answers."""


Fault = Answer | LoseAnswer | CutAnswer | AlterAnswer | Hang


@dataclass(slots=True, kw_only=True)
class _Planned:
    fault: Fault
    method: str
    path: str
    times: int


@dataclass(slots=True, kw_only=True)
class Faults:
    """The running server; `seen` is every request it got, as `GET /bucket/key`."""

    endpoint_url: str
    seen: list[str] = field(default_factory=list)
    planned: list[_Planned] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def next(self, fault: Fault, *, method: str, path: str = "", times: int = 1) -> None:
        """Let the next *times* requests of *method* with *path* in their path go wrong so; the first planned counts."""
        self.planned.append(_Planned(fault=fault, method=method, path=path, times=times))

    def count(self, method: str, path: str = "") -> int:
        """How many requests of *method* with *path* in their path there were."""
        return sum(line.startswith(f"{method} ") and path in line for line in self.seen)

    def _take(self, method: str, path: str) -> Fault | None:
        with self._lock:
            self.seen.append(f"{method} {path}")
            for plan in self.planned:
                if plan.times and plan.method == method and plan.path in path:
                    plan.times -= 1
                    return plan.fault
        return None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    upstream: str
    faults: Faults
    ended: threading.Event


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30

    def handle_any(self) -> None:
        server = cast("_Server", self.server)
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        fault = server.faults._take(self.command, self.path)
        if isinstance(fault, Answer):
            self._answer(fault)
        elif isinstance(fault, Hang):
            server.ended.wait()
            self.close_connection = True
        else:
            self._forward(server.upstream, body, fault)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_any  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Say nothing: `seen` has it."""

    def _answer(self, answer: Answer) -> None:
        text = f"<Error><Code>{answer.code}</Code><Message>{answer.message}</Message></Error>".encode()
        self._send(answer.status, [("Content-Type", "application/xml"), *answer.headers], text, len(text))

    def _forward(self, upstream: str, body: bytes, fault: Fault | None) -> None:
        connection = http.client.HTTPConnection(upstream, timeout=30)
        with contextlib.closing(connection):
            kept = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP}
            connection.request(self.command, self.path, body=body or None, headers=kept)
            response = connection.getresponse()
            content = response.read()
        headers = [(n, v) for n, v in response.getheaders() if n.lower() not in {*_HOP_BY_HOP, "content-length"}]
        length = len(content) if self.command != "HEAD" else int(response.getheader("Content-Length") or 0)
        if isinstance(fault, LoseAnswer):
            self.close_connection = True
            return
        if isinstance(fault, AlterAnswer):
            headers = [(n, v) for n, v in headers if not n.lower().startswith("x-amz-checksum-")]
            content = bytes(byte ^ 1 for byte in content)
        if isinstance(fault, CutAnswer):
            self.close_connection = True
            content = content[: fault.after]
        self._send(response.status, headers, content, length)

    def _send(self, status: int, headers: list[tuple[str, str]], content: bytes, length: int) -> None:
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


@contextlib.contextmanager
def start_faults(upstream: str) -> Iterator[Faults]:
    """Stand in front of the server at the URL *upstream* until the block ends."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.upstream = urlsplit(upstream).netloc
        server.faults = Faults(endpoint_url=f"http://127.0.0.1:{server.server_port}")
        server.ended = threading.Event()
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.faults
        finally:
            server.ended.set()
            server.shutdown()
            thread.join()
