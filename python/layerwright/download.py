"""Read a wheel's bytes from a URL or a file: the one place that speaks HTTP to an index."""

from __future__ import annotations

import netrc
import os
import ssl
import urllib.request
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit, urlunsplit

from layerwright import __version__
from layerwright.errors import FetchError
from layerwright.resolve import WheelChoice

if TYPE_CHECKING:
    from urllib3 import PoolManager

CHUNK = 1024 * 1024
ATTEMPTS = 4
CONNECT_SECONDS = 10
READ_SECONDS = 60


class Downloader:
    """Reads wheels with the user's proxies, certificates and credentials; its pools are shared between threads."""

    def read(self, choice: WheelChoice) -> Iterator[bytes]:
        """Yield the bytes of the chosen wheel in chunks.

        Raises `FetchError` with what the server answered, or that it did not.
        """
        url = urlsplit(choice.url or "")
        if choice.path or url.scheme == "file":
            yield from self._read_file(choice.path or Path(urllib.request.url2pathname(url.path)), choice)
        elif url.scheme in ("http", "https"):
            yield from self._read_url(choice)
        else:
            raise FetchError(f"{choice.filename}: its address begins with {url.scheme!r}, not with https: lock again")

    def describe(self, choice: WheelChoice) -> str:
        """Where the wheel comes from, without credentials."""
        return str(choice.path or urlsplit(choice.url or "").hostname or "its file")

    def _read_file(self, path: Path, choice: WheelChoice) -> Iterator[bytes]:
        try:
            with path.open("rb") as file:
                while chunk := file.read(CHUNK):
                    yield chunk
        except OSError as e:
            raise FetchError(f"{choice.filename}: {path} cannot be read: {e.strerror or e}") from e

    def _read_url(self, choice: WheelChoice) -> Iterator[bytes]:
        from urllib3.exceptions import HTTPError

        url, headers = _authorize(choice.url or "")
        host = self.describe(choice)
        try:
            response = self._pool(url).request("GET", url, headers=headers, preload_content=False)
            try:
                if response.status != 200:
                    raise FetchError(
                        f"{choice.filename}: {host} answered {response.status}: {_advise(response.status)}"
                    )
                yield from response.stream(CHUNK, decode_content=False)
            finally:
                response.release_conn()
        except HTTPError as e:
            raise FetchError(
                f"{choice.filename}: {host} did not send it ({_reason(e)}): check the network, proxy and index, then "
                "run again"
            ) from e

    def _pool(self, url: str) -> PoolManager:
        host = urlsplit(url).hostname or ""
        proxies = {} if urllib.request.proxy_bypass(host) else urllib.request.getproxies()
        proxy = proxies.get(urlsplit(url).scheme) or proxies.get("all")
        return self._proxied(proxy) if proxy else self._direct

    @cached_property
    def _settings(self) -> dict[str, object]:
        from urllib3 import Retry, Timeout

        certificates = next((os.environ[n] for n in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE") if os.environ.get(n)), None)
        return {
            "timeout": Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
            "retries": Retry(
                total=ATTEMPTS - 1,
                backoff_factor=0.3,
                status_forcelist=(429, 500, 502, 503, 504),
                raise_on_status=False,
            ),
            "ssl_context": ssl.create_default_context(cafile=certificates),
            "headers": {"User-Agent": f"layerwright/{__version__}"},
            "maxsize": 8,
        }

    @cached_property
    def _direct(self) -> PoolManager:
        from urllib3 import PoolManager

        return PoolManager(**self._settings)  # type: ignore[arg-type]

    def _proxied(self, proxy: str) -> PoolManager:
        from urllib3 import ProxyManager, make_headers

        url = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        credentials = f"{unquote(url.username)}:{unquote(url.password or '')}" if url.username else None
        bare = urlunsplit(url._replace(netloc=url.netloc.rpartition("@")[2]))
        return ProxyManager(bare, proxy_headers=make_headers(proxy_basic_auth=credentials), **self._settings)  # type: ignore[arg-type]


def _authorize(url: str) -> tuple[str, dict[str, str]]:
    """The URL without credentials, and headers with those it had or that netrc has for its host."""
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
    bare = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    return bare, dict(make_headers(basic_auth=f"{user}:{password}")) if user else {}


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
