"""Read a wheel's bytes from a URL, an index or a file: the one place that speaks HTTP to an index."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import SplitResult, unquote, urljoin, urlsplit, urlunsplit

from layerwright import __version__
from layerwright.errors import FetchError
from layerwright.index import ACCEPTED, PAGE_LIMIT, find_default_index, find_file, project_url
from layerwright.resolve import WheelChoice

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, PoolManager

CHUNK = 1024 * 1024
CONNECTIONS = 8
"""Downloads at a time: more gain nothing from one index."""

RETRIES = 3
CONNECT_SECONDS = 10
READ_SECONDS = 60


class BrokenTransferError(FetchError):
    """A server began to send a file and broke off; another attempt may well succeed."""


class Downloader:
    """Reads wheels with the user's proxies, certificates and credentials; several threads may share it."""

    def __init__(self) -> None:
        self._pools: dict[str, PoolManager] = {}
        self._creating = Lock()
        self._default_index = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for pool in self._pools.values():
            pool.clear()

    def read(self, choice: WheelChoice) -> Iterator[bytes]:
        """Yield the bytes of the chosen wheel in chunks.

        Raises `FetchError` with what the server answered, or that it did not.
        """
        import urllib.request

        address = choice.url or ""
        if not choice.path and not address:
            address = self.locate(choice)
        url = urlsplit(address)
        if choice.path or url.scheme == "file":
            yield from self._read_file(choice.path or Path(urllib.request.url2pathname(url.path)), choice)
        elif url.scheme in ("http", "https"):
            with self._request(address, choice) as response:
                yield from response.stream(CHUNK, decode_content=False)
        else:
            raise FetchError(f"{choice.filename}: its address begins with {url.scheme!r}, not with https: lock again")

    def locate(self, choice: WheelChoice) -> str:
        """Return where the index of *choice*, whose lock file names no URL, has the wheel.

        Raises `FetchError` where it does not have it, or does not answer.
        """
        page_url = project_url(self._index(choice), choice.name)
        with self._request(page_url, choice, {"Accept": ACCEPTED}) as response:
            body = response.read(PAGE_LIMIT)
            # A redirect leads to what addresses are relative to; it says nothing of credentials.
            arrived = (
                urljoin(page_url, response.geturl() or "")
                if response.retries and response.retries.history
                else page_url
            )
            try:
                found = find_file(body, response.headers.get("Content-Type", ""), arrived, choice.filename)
            except ValueError as e:
                raise FetchError(
                    f"{choice.filename}: {self.describe(choice)} sent no list of files ({e}): check that it is the "
                    "address of an index's simple API"
                ) from e
        if found is None:
            raise FetchError(
                f"{choice.filename}: {self.describe(choice)} has no such file: lock again, or set UV_DEFAULT_INDEX to "
                "the index that it was locked from"
            )
        return found

    def describe(self, choice: WheelChoice) -> str:
        """Where the wheel comes from, without credentials."""
        return str(choice.path or urlsplit(choice.url or self._index(choice)).hostname or "its file")

    def _index(self, choice: WheelChoice) -> str:
        if choice.index:
            return choice.index
        with self._creating:
            self._default_index = self._default_index or find_default_index()
            return self._default_index

    def _read_file(self, path: Path, choice: WheelChoice) -> Iterator[bytes]:
        try:
            with path.open("rb") as file:
                while chunk := file.read(CHUNK):
                    yield chunk
        except OSError as e:
            raise FetchError(f"{choice.filename}: {path} cannot be read: {e.strerror or e}") from e

    @contextlib.contextmanager
    def _request(
        self, address: str, choice: WheelChoice, headers: Mapping[str, str] | None = None
    ) -> Iterator[BaseHTTPResponse]:
        """The answer to a GET of *address*, to be read while the connection is open."""
        from urllib3.exceptions import HTTPError, MaxRetryError

        url, credentials = _authorize(address)
        host = urlsplit(url).hostname
        try:
            response = self._pool(url).request(
                "GET", url, headers={**credentials, **(headers or {})}, preload_content=False
            )
            try:
                if response.status != 200:
                    raise FetchError(
                        f"{choice.filename}: {host} answered {response.status}: {_advise(response.status)}"
                    )
                yield response
            finally:
                response.close()
        except HTTPError as e:
            kind = FetchError if isinstance(e, MaxRetryError) else BrokenTransferError
            raise kind(
                f"{choice.filename}: {host} did not send it ({_reason(e)}): check the network, proxy and index, then "
                "run again"
            ) from e

    def _pool(self, url: str) -> PoolManager:
        """The connections to use for *url*: straight to its host, or through the proxy of the environment."""
        import urllib.request

        parts = urlsplit(url)
        proxies = {} if urllib.request.proxy_bypass(parts.hostname or "") else urllib.request.getproxies()
        proxy = proxies.get(parts.scheme) or proxies.get("all") or ""
        with self._creating:
            if proxy not in self._pools:
                self._pools[proxy] = _open_pool(proxy)
            return self._pools[proxy]


def _open_pool(proxy: str) -> PoolManager:
    import ssl

    from urllib3 import PoolManager, ProxyManager, Retry, Timeout, make_headers

    certificates = next((os.environ[n] for n in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE") if os.environ.get(n)), None)
    settings: dict[str, Any] = {
        "timeout": Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
        "retries": Retry(
            total=RETRIES, backoff_factor=0.3, status_forcelist=(429, 500, 502, 503, 504), raise_on_status=False
        ),
        "ssl_context": ssl.create_default_context(cafile=certificates),
        "headers": {"User-Agent": f"layerwright/{__version__}"},
        "maxsize": CONNECTIONS,
    }
    if not proxy:
        return PoolManager(**settings)
    parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else None
    return ProxyManager(
        _without_credentials(parts), proxy_headers=make_headers(proxy_basic_auth=credentials), **settings
    )


def _authorize(url: str) -> tuple[str, dict[str, str]]:
    """The URL without credentials, and headers with those it had or that netrc has for its host."""
    import netrc

    from urllib3 import make_headers

    parts = urlsplit(url)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if not user and parts.hostname:
        try:
            entry = netrc.netrc(os.environ.get("NETRC")).authenticators(parts.hostname)
        except (OSError, netrc.NetrcParseError):
            entry = None
        if entry:
            user, password = entry[0], entry[2] or ""
    return _without_credentials(parts), dict(make_headers(basic_auth=f"{user}:{password}")) if user else {}


def _without_credentials(parts: SplitResult) -> str:
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _advise(status: int) -> str:
    if status in (401, 403):
        return "give credentials for it in netrc"
    if status in (404, 410):
        return "the file is gone from the index: lock again"
    return "run again, or ask those who keep the index"


def _reason(error: Exception) -> str:
    """The innermost reason that urllib3 gives, as a few words."""
    while isinstance(inner := getattr(error, "reason", None), Exception):
        error = inner
    text = str(error).rpartition(": ")[2] or type(error).__name__
    return text.removeprefix("[").partition("]")[2].strip() or text
