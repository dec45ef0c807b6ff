"""A proxy on loopback that really forwards: plain requests, and tunnels for HTTPS.

with LocalProxy(credentials=("corp", "s3cr3t")) as proxy:
    monkeypatch.setenv("HTTPS_PROXY", proxy.url_with_credentials)
    proxy.requests                     # ["CONNECT 127.0.0.1:34567", "GET http://127.0.0.1:34568/files/x.whl"]
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


class LocalProxy:
    """A proxy; with *credentials* (user, password) whoever comes without them gets a 407."""

    def __init__(self, *, credentials: tuple[str, str] | None = None) -> None:
        self.credentials = credentials
        self.requests: list[str] = []
        """Method and target of every request that came, in order."""
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def url_with_credentials(self) -> str:
        assert self.credentials
        return self.url.replace("://", f"://{':'.join(self.credentials)}@")


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    proxy: LocalProxy


class _Handler(BaseHTTPRequestHandler):
    timeout = 30
    server: _Server

    def do_CONNECT(self) -> None:
        if not self._is_allowed():
            return
        host, _, port = self.path.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=30) as upstream:
            self.send_response(200)
            self.end_headers()
            back = threading.Thread(target=_pipe, args=(upstream, self.connection))
            back.start()
            _pipe(self.connection, upstream)
            back.join()

    def do_GET(self) -> None:
        if not self._is_allowed():
            return
        parts = urlsplit(self.path)
        upstream = http.client.HTTPConnection(parts.netloc, timeout=30)
        headers = {name: value for name, value in self.headers.items() if not name.lower().startswith("proxy-")}
        upstream.request("GET", parts.path, headers=headers)
        answer = upstream.getresponse()
        body = answer.read()
        upstream.close()
        self.send_response(answer.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing: a test's output is pytest's."""

    def _is_allowed(self) -> bool:
        proxy = self.server.proxy
        proxy.requests.append(f"{self.command} {self.path}")
        encoded = base64.b64encode(":".join(proxy.credentials).encode()).decode() if proxy.credentials else ""
        if proxy.credentials and self.headers.get("Proxy-Authorization") != f"Basic {encoded}":
            self.send_response(407)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return False
        return True


def _pipe(source: socket.socket, sink: socket.socket) -> None:
    """Pass on what comes until the source ends."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
