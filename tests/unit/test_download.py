"""Downloads go the way that the environment says: its proxies, its certificates."""

from __future__ import annotations

import dataclasses
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from layerwright.cache import WheelCache
from layerwright.errors import FetchError
from layerwright.fetch import fetch
from layerwright.resolve import WheelChoice
from support.certificates import make_certificates
from support.index import LocalIndex
from support.project import choices_for
from support.proxy import LocalProxy
from support.wheels import make_wheel

CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CLIENT_CERT")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*CERTIFICATES, *PROXIES, *map(str.lower, PROXIES)):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    return make_wheel(tmp_path / "served")


@pytest.fixture
def authority(tmp_path: Path) -> tuple[Path, ssl.SSLContext]:
    return make_certificates(tmp_path)


@pytest.fixture
def private(wheel: Path, authority: tuple[Path, ssl.SSLContext]) -> Iterator[LocalIndex]:
    """An index that speaks TLS with a certificate of a private authority."""
    with LocalIndex(wheel.parent, tls=authority[1]) as index:
        yield index


def served(index: LocalIndex, wheel: Path) -> list[WheelChoice]:
    return [dataclasses.replace(c, path=None, url=index.file_url(c.filename)) for c in choices_for(wheel)]


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_file_of_certificates_is_trusted(
    variable: str,
    wheel: Path,
    private: LocalIndex,
    authority: tuple[Path, ssl.SSLContext],
    cache: WheelCache,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(FetchError, match=r"did not send it \(.*certificate.*\): name .* in SSL_CERT_FILE$"):
        fetch(served(private, wheel), cache)
    monkeypatch.setenv(variable, str(authority[0]))

    assert fetch(served(private, wheel), cache)[0].wheel.name == "example"


@pytest.mark.parametrize("variable", ["SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_folder_of_certificates_is_trusted(
    variable: str,
    wheel: Path,
    private: LocalIndex,
    authority: tuple[Path, ssl.SSLContext],
    cache: WheelCache,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """OpenSSL finds them by the hash of their subject."""
    command = ["openssl", "x509", "-hash", "-noout", "-in", str(authority[0])]
    subject = subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()
    (tmp_path / "trusted").mkdir()
    (tmp_path / "trusted" / f"{subject}.0").write_bytes(authority[0].read_bytes())
    monkeypatch.setenv(variable, str(tmp_path / "trusted"))

    assert fetch(served(private, wheel), cache)[0].wheel.name == "example"


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "SSL_CLIENT_CERT"])
def test_certificates_that_cannot_be_read_are_named(
    variable: str, wheel: Path, private: LocalIndex, cache: WheelCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, str(tmp_path / "gone.pem"))
    with pytest.raises(FetchError, match=rf"^{variable}: .*gone.pem: there is no such file: correct or unset"):
        fetch(served(private, wheel), cache)
    (tmp_path / "gone.pem").write_text("no certificate")
    with pytest.raises(FetchError, match=rf"^{variable}: .*gone.pem: holds no certificate \(.*\): correct or unset"):
        fetch(served(private, wheel), cache)


def test_https_goes_through_a_proxy_that_sees_nothing_of_it(
    wheel: Path,
    private: LocalIndex,
    authority: tuple[Path, ssl.SSLContext],
    cache: WheelCache,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority[0]))
    with LocalProxy(credentials=("corp", "pr0xy")) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url_with_credentials)
        assert fetch(served(private, wheel), cache)[0].wheel.name == "example"

    assert proxy.requests == [f"CONNECT {private.host}"]


def test_http_goes_through_the_proxy_unless_the_host_is_excepted(
    wheel: Path, cache: WheelCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LocalProxy() as proxy, LocalIndex(wheel.parent) as index:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        fetch(served(index, wheel), cache)
        for exception in ("127.0.0.1", index.host, "*"):
            monkeypatch.setenv("NO_PROXY", exception)
            fetch(served(index, wheel), WheelCache(folder=tmp_path / f"cache-{len(exception)}"))
        requests = len(index.requests)

    assert proxy.requests == [f"GET {index.file_url(wheel.name)}"]
    assert requests == 4


def test_a_proxy_that_refuses_is_told_without_its_password(
    wheel: Path, private: LocalIndex, cache: WheelCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LocalProxy(credentials=("corp", "pr0xy")) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("://", "://corp:wr0ng@"))
        with pytest.raises(FetchError, match=r"127.0.0.1 did not send it \(.*407.*check the network, proxy") as refused:
            fetch(served(private, wheel), cache)

    assert "wr0ng" not in str(refused.value)
    assert private.requests == []
