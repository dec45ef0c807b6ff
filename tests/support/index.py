"""A package index on loopback that serves the wheels of a folder, and goes wrong where a test wants it to.

make_wheel(tmp_path, "orders", "1.2")
with LocalIndex(tmp_path) as index:
    index.url                                         # http://127.0.0.1:34567/simple/
    index.file_url("orders-1.2-py3-none-any.whl")     # where that wheel can be had
    index.faults["orders-1.2-py3-none-any.whl"] = "404"
    index.requests                                    # ["/simple/orders/", "/files/orders-1.2-py3-none-any.whl"]
    point_uv_at(index.url, tmp_path, monkeypatch)     # uv, run for real, asks it
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import html
import json
import os
import re
import ssl
import threading
import zipfile
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote, unquote, urlsplit

import pytest

Fault = str | Callable[[bytes], bytes]
"""What goes wrong with an answer.

- `"404"`, `"503"`, …: that status in place of the answer
- `"cut"`: half of the body, then the connection is closed
- `"hang"`: no answer until the index is closed
- `"to http://…"`: a redirect to there
- a function: its result is sent in place of the body

` once` behind a text (`"503 once"`) lets the next request through.
"""

_JSON_TYPE = "application/vnd.pypi.simple.v1+json"
_HTML_TYPE = "text/html; charset=utf-8"


class LocalIndex:
    """The wheels of *folder* as an index: PEP 503 pages with `#sha256=`, or PEP 691 if *as_json*, and PEP 658 metadata.

    With *credentials* (user, password) whoever comes without them gets a 401; `url` has none, `url_with_credentials`
    does. *requires_python* gives `data-requires-python` by file name. With *tls* it speaks HTTPS. *folder* is read at
    each request, so wheels can be added while the index runs.
    """

    def __init__(
        self,
        folder: Path,
        *,
        credentials: tuple[str, str] | None = None,
        requires_python: Mapping[str, str] | None = None,
        as_json: bool = False,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.folder = folder
        self.credentials = credentials
        self.requires_python = dict(requires_python or {})
        self.as_json = as_json
        self.faults: dict[str, Fault] = {}
        """By file name (`orders-1.2-py3-none-any.whl`, or that and `.metadata`) or by project (`orders/`)."""
        self.requests: list[str] = []
        """Path of every request that came, in order."""
        self.logins: list[str] = []
        """The `Authorization` header of every request that came, in order; empty where there was none."""
        self.closing = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.index = self
        self.scheme = "https" if tls else "http"
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def host(self) -> str:
        """`127.0.0.1:34567`."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}/simple/"

    @property
    def url_with_credentials(self) -> str:
        assert self.credentials
        user, password = (quote(part, safe="") for part in self.credentials)
        return f"{self.scheme}://{user}:{password}@{self.host}/simple/"

    def file_url(self, filename: str) -> str:
        return f"{self.scheme}://{self.host}/files/{quote(filename)}"

    def take_fault(self, name: str) -> Fault | None:
        fault = self.faults.get(name)
        if isinstance(fault, str) and fault.endswith(" once"):
            del self.faults[name]
            return fault.removesuffix(" once")
        return fault

    def files(self, project: str) -> list[Path]:
        """The wheels and sdists of *project*, a normalized name."""
        paths = sorted((*self.folder.glob("*.whl"), *self.folder.glob("*.tar.gz")))
        return [path for path in paths if _project(path) == project]

    def render_project(self, project: str) -> bytes | None:
        """The page of *project*, unless there is none."""
        paths = self.files(project)
        if not paths:
            return None
        rows = [(path.name, self.file_url(path.name), path.read_bytes(), read_metadata(path)) for path in paths]
        if self.as_json:
            return json.dumps(
                {
                    "meta": {"api-version": "1.1"},
                    "name": project,
                    "versions": sorted({name.removesuffix(".tar.gz").split("-")[1] for name, *_ in rows}),
                    "files": [
                        {
                            "filename": name,
                            "url": url,
                            "hashes": {"sha256": hashlib.sha256(body).hexdigest()},
                            "size": len(body),
                            "core-metadata": metadata is not None,
                            "requires-python": self.requires_python.get(name),
                        }
                        for name, url, body, metadata in rows
                    ],
                }
            ).encode()
        links = []
        for name, url, body, metadata in rows:
            extra = ' data-core-metadata="true" data-dist-info-metadata="true"' if metadata is not None else ""
            if name in self.requires_python:
                extra += f' data-requires-python="{html.escape(self.requires_python[name])}"'
            links.append(f'<a href="{url}#sha256={hashlib.sha256(body).hexdigest()}"{extra}>{name}</a><br>')
        return f"<!DOCTYPE html><html><body>{''.join(links)}</body></html>".encode()


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # so that closing waits for what is still being answered
    index: LocalIndex

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of who hangs up, or does not trust the certificate."""


class _Handler(BaseHTTPRequestHandler):
    """Answers with HTTP/1.0, so that no idle connection outlives a request."""

    timeout = 30
    server: _Server

    def do_GET(self) -> None:
        with contextlib.suppress(ConnectionError):
            self._answer()

    def do_HEAD(self) -> None:
        with contextlib.suppress(ConnectionError):
            self._answer()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing: a test's output is pytest's."""

    def _answer(self) -> None:
        index, path = self.server.index, unquote(urlsplit(self.path).path)
        index.requests.append(path)
        index.logins.append(self.headers.get("Authorization", ""))
        if index.credentials and not self._is_allowed(index.credentials):
            self._send(401, b"credentials, please", extra={"WWW-Authenticate": 'Basic realm="packages"'})
            return
        name, body, kind = self._find(path)
        fault = index.take_fault(name)
        if fault == "hang":
            index.closing.wait()
        elif isinstance(fault, str) and fault.isdecimal():
            self._send(int(fault), f"fault {fault}".encode())
        elif isinstance(fault, str) and fault.startswith("to "):
            self._send(302, b"", extra={"Location": fault.removeprefix("to ")})
        elif body is None:
            self._send(404, b"no such thing")
        elif fault == "cut":
            self._send(200, body[: len(body) // 2], kind, length=len(body))
        elif fault is None:
            self._send(200, body, kind)
        else:
            assert callable(fault), f"no such fault: {fault}"
            self._send(200, fault(body), kind)

    def _find(self, path: str) -> tuple[str, bytes | None, str]:
        """Name that a fault can have, body and type of what lies at *path*."""
        index = self.server.index
        if project := re.fullmatch(r"/simple/([a-z0-9-]+)/", path):
            kind = _JSON_TYPE if index.as_json else _HTML_TYPE
            return f"{project[1]}/", index.render_project(project[1]), kind
        if file := re.fullmatch(r"/files/([^/]+)", path):
            wheel = index.folder / file[1].removesuffix(".metadata")
            if not wheel.is_file():
                return file[1], None, ""
            body = read_metadata(wheel) if file[1] != wheel.name else wheel.read_bytes()
            return file[1], body, "application/octet-stream"
        return path, None, ""

    def _is_allowed(self, credentials: tuple[str, str]) -> bool:
        expected = base64.b64encode(":".join(credentials).encode()).decode()
        return self.headers.get("Authorization") == f"Basic {expected}"

    def _send(
        self,
        status: int,
        body: bytes,
        kind: str = "text/plain",
        *,
        length: int | None = None,
        extra: Mapping[str, str] | None = None,
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for header, value in (extra or {}).items():
            self.send_header(header, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)


def point_uv_at(url: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make uv, wherever the test starts it, ask the index at *url* alone, with a cache and settings below *folder*."""
    for name in [name for name in os.environ if name.startswith("UV_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("UV_DEFAULT_INDEX", url)
    monkeypatch.setenv("UV_CACHE_DIR", str(folder / "uv-cache"))
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / "no-settings"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def read_metadata(wheel: Path) -> bytes | None:
    """METADATA of the wheel, unless it has none or is no zip."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                if name.endswith(".dist-info/METADATA"):
                    return archive.read(name)
    except (zipfile.BadZipFile, OSError):
        pass
    return None


def _project(wheel: Path) -> str:
    return re.sub(r"[-_.]+", "-", wheel.name.split("-")[0]).lower()
