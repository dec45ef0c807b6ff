"""Where an index has a file, from its page of a project (HTML, PEP 503, or JSON, PEP 691), and which is the default."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import SplitResult, unquote, urljoin, urlsplit, urlunsplit

import msgspec

from layerwright.errors import FetchError

ACCEPTED = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
"""What is asked for: PEP 691, "Version + Format Selection"."""

PAGE_LIMIT = 64 * 1024 * 1024
"""Bytes of a project's page; the largest on the public index have about a tenth."""

_JSON = "application/vnd.pypi.simple.v1+json"
_ASK_SECONDS = 30.0


def find_default_index() -> str:
    """Return the address of the index that `uv` and `pip` are set to ask: of its simple API, with its credentials.

    That is what uv is told by `UV_DEFAULT_INDEX`, `UV_INDEX_URL` or the settings of the user and the system; where the
    environment tells pip alone, what `PIP_INDEX_URL` says; else uv's own default. Raises `FetchError` where there is
    none.
    """
    from layerwright.lock.command import UvError, run_uv

    told = os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("UV_INDEX_URL")
    if not told and (address := os.environ.get("PIP_INDEX_URL")):
        return address
    # Requirements that are empty resolve to nothing, without a question to anybody, and to where it would be had.
    arguments = ["pip", "compile", "-", "--emit-index-url", "--no-header", "--offline", "--no-python-downloads"]
    with tempfile.TemporaryDirectory(prefix="layerwright-", ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        (folder / "uv.toml").touch()  # so that no project's settings above it are taken
        try:
            said = run_uv(arguments, folder=folder, timeout=_ASK_SECONDS, asks_index=True)
        except UvError as e:
            raise FetchError(f"the default index: {e}: set UV_DEFAULT_INDEX to its address") from e
    for line in said.splitlines():
        if line.startswith("--index-url "):
            return line.removeprefix("--index-url ").strip()
    raise FetchError("the default index: uv is set to ask none: set UV_DEFAULT_INDEX to its address")


def project_url(index: str, name: str) -> str:
    """Address of the page that lists the files of *name*, a normalized name, at *index*."""
    return f"{index.rstrip('/')}/{name}/"


def find_file(body: bytes, content_type: str, page_url: str, filename: str) -> str | None:
    """Return the address of the file *filename* that the page at *page_url* gives, or None if it lists no such file.

    Raises `ValueError` where *body* is no such page.
    """
    is_json = content_type.partition(";")[0].strip().lower() == _JSON
    links = _parse_json(body) if is_json else _parse_html(body.decode(errors="replace"))
    for name, link in links:
        if name == filename:
            return _with_credentials_of(page_url, urljoin(page_url, link))
    return None


class _File(msgspec.Struct, frozen=True):
    filename: str
    url: str


class _Page(msgspec.Struct, frozen=True):
    files: tuple[_File, ...]


def _parse_json(body: bytes) -> Iterator[tuple[str, str]]:
    for file in msgspec.json.decode(body, type=_Page).files:
        yield file.filename, file.url


def _parse_html(text: str) -> Iterator[tuple[str, str]]:
    reader = _Anchors()
    reader.feed(text)
    for link in reader.links:
        address = urljoin(reader.base, link) if reader.base else link
        yield unquote(urlsplit(link).path).rpartition("/")[2], address


class _Anchors(HTMLParser):
    """The addresses of all anchors; a page's `<base>` changes what they are relative to."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.base = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note one anchor."""
        if not (address := dict(attrs).get("href")):
            return
        if tag == "a":
            self.links.append(address)
        elif tag == "base":
            self.base = self.base or address


def _with_credentials_of(page_url: str, url: str) -> str:
    """*url* without its fragment, with the user and password of the page where both are of one host, as in pip."""
    page, file = urlsplit(page_url), urlsplit(url)
    if "@" in page.netloc and "@" not in file.netloc and _host(page) == _host(file):
        file = file._replace(netloc=page.netloc)
    return urlunsplit(file._replace(fragment=""))


def _host(parts: SplitResult) -> str:
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
