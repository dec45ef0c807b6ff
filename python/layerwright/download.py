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
from layerwright.credentials import Credentials, Login
from layerwright.errors import FetchError
from layerwright.indexes import Access
from layerwright.resolve import FileChoice

if TYPE_CHECKING:
    from ssl import SSLContext

    from urllib3 import BaseHTTPResponse, PoolManager

CHUNK = 1024 * 1024
CONNECTIONS = 8
"""Downloads at a time: more gain nothing from one index."""

RETRIES = 3
CONNECT_SECONDS = 10
READ_SECONDS = 60


class BrokenTransferError(FetchError):
    """A server began to send a file and broke off; another attempt may well succeed."""


class OfflineError(FetchError):
    """A wheel would have to be downloaded, and nothing may be."""


class Downloader:
    """Reads wheels and sdists with the user's proxies, certificates and credentials; several threads may share it."""

    def __init__(self, access: Access) -> None:
        self._offline = access.offline
        self._credentials = Credentials(access)
        self._pools: dict[str, PoolManager] = {}
        self._creating = Lock()
        self._default_index = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for pool in self._pools.values():
            pool.clear()

    def read(self, choice: FileChoice) -> Iterator[bytes]:
        """Yield the bytes of the chosen file in chunks.

        Raises `FetchError` with what the server answered, or that it did not; `OfflineError` if it may not be asked.
        """
        import urllib.request

        address = choice.url or ""
        if not choice.path and not address:
            address = self.locate(choice)
        url = urlsplit(address)
        if choice.path or url.scheme == "file":
            yield from self._read_file(choice.path or Path(urllib.request.url2pathname(url.path)), choice)
        elif url.scheme in ("http", "https"):
            self._refuse_offline(choice)
            with self._request(address, choice) as response:
                yield from response.stream(CHUNK, decode_content=False)
        else:
            raise FetchError(f"{choice.filename}: its address begins with {url.scheme!r}, not with https: lock again")

    def _refuse_offline(self, choice: FileChoice) -> None:
        if self._offline:
            raise OfflineError(f"{choice.filename}: has to be downloaded, and this run is offline: run it once without")

    def locate(self, choice: FileChoice) -> str:
        """Return where the index of *choice*, whose lock file names no URL, has the file.

        Raises `FetchError` where it does not have it, or does not answer.
        """
        from layerwright.index import ACCEPTED, PAGE_LIMIT, find_file, project_url

        self._refuse_offline(choice)
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

    def describe(self, choice: FileChoice) -> str:
        """Where the file comes from, without credentials."""
        return str(choice.path or urlsplit(choice.url or self._index(choice)).hostname or "its file")

    def _index(self, choice: FileChoice) -> str:
        from layerwright.index import find_default_index

        if choice.index:
            return choice.index
        with self._creating:
            self._default_index = self._default_index or find_default_index()
            return self._default_index

    def _read_file(self, path: Path, choice: FileChoice) -> Iterator[bytes]:
        try:
            with path.open("rb") as file:
                while chunk := file.read(CHUNK):
                    yield chunk
        except OSError as e:
            raise FetchError(f"{choice.filename}: {path} cannot be read: {e.strerror or e}") from e

    @contextlib.contextmanager
    def _request(
        self, url: str, choice: FileChoice, headers: Mapping[str, str] | None = None
    ) -> Iterator[BaseHTTPResponse]:
        """The answer to a GET of *url*, to be read while the connection is open."""
        from urllib3.exceptions import HTTPError, MaxRetryError

        host = urlsplit(url).hostname
        try:
            login = self._credentials.find(url)
            response = self._get(url, login, headers)
            if response.status in (401, 403, 404) and (asked := self._credentials.ask(url, login)):
                response.close()
                login = asked
                response = self._get(url, login, headers)
            try:
                if response.status != 200:
                    advice = _advise(response.status, login)
                    raise FetchError(f"{choice.filename}: {host} answered {response.status}: {advice}")
                yield response
            finally:
                response.close()
        except HTTPError as e:
            kind = FetchError if isinstance(e, MaxRetryError) else BrokenTransferError
            advice = "check the network, proxy and index, then run again"
            if "CERTIFICATE_VERIFY_FAILED" in str(e):
                advice = "name the certificate of who signed its own in SSL_CERT_FILE"
            raise kind(f"{choice.filename}: {host} did not send it ({_reason(e)}): {advice}") from e

    def _get(self, url: str, login: Login | None, headers: Mapping[str, str] | None) -> BaseHTTPResponse:
        """The answer to a request; urllib3 leaves the credentials out where it is redirected to another host."""
        bare = _without_credentials(urlsplit(url))
        sent = {**(login.headers if login else {}), **(headers or {})}
        return self._pool(bare).request("GET", bare, headers=sent, preload_content=False)

    def _pool(self, url: str) -> PoolManager:
        """The connections to use for *url*: straight to its host, or through the proxy of the environment."""
        import urllib.request

        parts = urlsplit(url)
        proxies = {} if urllib.request.proxy_bypass(parts.netloc) else urllib.request.getproxies()
        proxy = proxies.get(parts.scheme) or proxies.get("all") or ""
        with self._creating:
            if proxy not in self._pools:
                self._pools[proxy] = _open_pool(proxy)
            return self._pools[proxy]


def _open_pool(proxy: str) -> PoolManager:
    from urllib3 import PoolManager, ProxyManager, Retry, Timeout, make_headers

    settings: dict[str, Any] = {
        "timeout": Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
        "retries": Retry(
            total=RETRIES, backoff_factor=0.3, status_forcelist=(429, 500, 502, 503, 504), raise_on_status=False
        ),
        "ssl_context": _trust(),
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


def _trust() -> SSLContext:
    """Trust whom the environment says, or else the system."""
    import ssl

    file, folder, variable = _named_certificates()
    try:
        context = ssl.create_default_context(cafile=file, capath=folder)
        if client := os.environ.get("SSL_CLIENT_CERT"):
            variable = "SSL_CLIENT_CERT"
            context.load_cert_chain(client)
    except OSError as e:  # ssl.SSLError is one
        reason = "there is no such file" if isinstance(e, FileNotFoundError) else f"holds no certificate ({_reason(e)})"
        raise FetchError(f"{variable}: {os.environ.get(variable)}: {reason}: correct or unset the variable") from e
    return context


def _named_certificates() -> tuple[str | None, str | None, str]:
    """File and folder of the certificates that the environment names, and the variable that does."""
    file, folder = (os.environ.get(name) or None for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"))
    if file or folder:
        return file, folder, "SSL_CERT_FILE" if file else "SSL_CERT_DIR"
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        if named := os.environ.get(variable):
            return (None, named, variable) if Path(named).is_dir() else (named, None, variable)
    return None, None, ""


def _without_credentials(parts: SplitResult) -> str:
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _advise(status: int, login: Login | None) -> str:
    if status in (401, 403) and login:
        return f"correct the credentials, which come from {login.origin}"
    if status in (401, 403):
        return (
            "give credentials for it: in netrc, with `uv auth login`, or for an index with a name in "
            "UV_INDEX_<NAME>_USERNAME and UV_INDEX_<NAME>_PASSWORD"
        )
    if status in (404, 410):
        return "the file is gone from the index: lock again"
    return "run again, or ask those who keep the index"


def _reason(error: Exception) -> str:
    """The innermost reason that urllib3 gives, as a few words."""
    while isinstance(inner := getattr(error, "reason", None), Exception):
        error = inner
    text = str(error).rpartition(": ")[2] or type(error).__name__
    return text.removeprefix("[").partition("]")[2].strip() or text
