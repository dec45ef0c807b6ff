"""Credentials: found where uv finds them, sent to the host they are for and to no other."""

from __future__ import annotations

import dataclasses
import shlex
import subprocess
from pathlib import Path

import pytest
from layerwright.cache import WheelCache
from layerwright.credentials import Credentials
from layerwright.errors import FetchError
from layerwright.fetch import fetch
from layerwright.indexes import Access, parse_index
from layerwright.resolve import WheelChoice
from support.index import LocalIndex
from support.project import choices_for
from support.wheels import make_wheel
from uv import find_uv_bin

LOGIN = ("deploy", "s3cr3t")


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Three wheels that an index has; the netrc and uv's store are the test's own, and empty."""
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("UV_CREDENTIALS_DIR", str(tmp_path / "uv-credentials"))
    return [make_wheel(tmp_path / "served", name) for name in ("one", "two", "three")]


def served(index: LocalIndex, *wheels: Path, user: str = "") -> list[WheelChoice]:
    def url(filename: str) -> str:
        return index.file_url(filename).replace("://", f"://{user}@" if user else "://")

    return [dataclasses.replace(c, path=None, url=url(c.filename)) for c in choices_for(*wheels)]


def access_to(*urls: str, keyring: bool = False) -> Access:
    return Access(indexes=tuple(parse_index(url, "UV_INDEX") for url in urls), keyring=keyring)


def put_keyring(folder: Path, answers: dict[tuple[str, str], str], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `keyring` on PATH that knows *answers* by service and user; returns where it notes what it was asked."""
    log = folder / "keyring.log"
    cases = "".join(
        f"  {shlex.quote(f'{service} {user}')}) echo {shlex.quote(password)}; exit 0;;\n"
        for (service, user), password in answers.items()
    )
    script = folder / "bin" / "keyring"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\necho "$*" >> {log}\ncase "$2 $3" in\n{cases}esac\nexit 1\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}:/usr/bin:/bin")
    return log


def test_an_index_lends_its_credentials_to_files_on_the_same_host(wheels: list[Path], cache: WheelCache) -> None:
    """Lock files hold none, and the files of an index lie beside it, not below it."""
    with LocalIndex(wheels[0].parent, credentials=LOGIN) as index:
        files = fetch(served(index, *wheels), cache, access_to(index.url_with_credentials))

    assert [file.wheel.name for file in files] == ["one", "two", "three"]
    assert len(index.requests) == 3


def test_another_port_is_another_host(wheels: list[Path], cache: WheelCache) -> None:
    with (
        LocalIndex(wheels[0].parent) as public,
        LocalIndex(wheels[0].parent, credentials=LOGIN) as private,
    ):
        access = access_to(private.url_with_credentials)
        fetch(served(public, wheels[0]), cache, access)
        fetch(served(private, wheels[1]), cache, access)

    assert public.logins == [""]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://pkgs.example/team-a/files/x.whl", "a"),
        ("https://pkgs.example:443/team-b/files/x.whl", "b"),
        ("https://PKGS.example/team-b/files/x.whl", "b"),
        ("https://b@pkgs.example/team-a/files/x.whl", "b"),
        ("https://pkgs.example/elsewhere/x.whl", "a"),
        ("https://c@pkgs.example/team-a/x.whl", "c"),
        ("https://c:own@pkgs.example/team-a/x.whl", "c"),
        ("http://pkgs.example/team-a/x.whl", None),
        ("https://pkgs.example:8443/team-a/x.whl", None),
        ("https://evil.example/pkgs.example/team-a/x.whl", None),
        ("https://pkgs.example.evil.example/team-a/x.whl", None),
    ],
)
def test_the_nearest_index_on_the_host_counts(
    url: str, expected: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    access = access_to("https://a:1@pkgs.example/team-a/simple/", "https://b:2@pkgs.example/team-b/simple/")
    found = Credentials(access).find(url)

    assert (found.user if found else None) == expected


def test_netrc_counts_although_others_may_read_it(
    wheels: list[Path], cache: WheelCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python leaves such a one in the home folder out without a word; uv and pip do not."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".netrc").write_text("machine 127.0.0.1 login deploy password s3cr3t\n")
    (tmp_path / "home" / ".netrc").chmod(0o644)
    monkeypatch.delenv("NETRC")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    with LocalIndex(wheels[0].parent, credentials=LOGIN) as index:
        assert len(fetch(served(index, *wheels), cache)) == 3


def test_what_uv_auth_login_stored_is_found(wheels: list[Path], cache: WheelCache) -> None:
    """Asked for when the host refuses, and once for all wheels."""
    with LocalIndex(wheels[0].parent, credentials=LOGIN) as index:
        command = [find_uv_bin(), "auth", "login", f"http://{index.host}/", "--username", LOGIN[0], "--password", "-"]
        subprocess.run(command, input=LOGIN[1].encode(), check=True, capture_output=True)
        fetch(served(index, *wheels[:1]), cache)
        fetch(served(index, *wheels), cache)

        assert [bool(login) for login in index.logins[:2]] == [False, True]


def test_keyring_is_asked_for_the_index_then_for_the_host_and_once(
    wheels: list[Path], cache: WheelCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LocalIndex(wheels[0].parent, credentials=LOGIN) as index:
        log = put_keyring(tmp_path, {(index.host, "deploy"): "s3cr3t"}, monkeypatch)
        access = access_to(index.url.replace("://", "://deploy@"), keyring=True)

        assert len(fetch(served(index, *wheels), cache, access)) == 3
        assert log.read_text().splitlines() == [f"get {index.url} deploy", f"get {index.host} deploy"]


def test_keyring_is_asked_for_the_user_in_a_url(
    wheels: list[Path], cache: WheelCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LocalIndex(wheels[0].parent, credentials=LOGIN) as index:
        put_keyring(tmp_path, {(index.file_url(wheels[0].name), "deploy"): "s3cr3t"}, monkeypatch)

        assert len(fetch(served(index, wheels[0], user="deploy"), cache, Access(keyring=True))) == 1


def test_keyring_is_asked_only_where_uv_would(
    wheels: list[Path], cache: WheelCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not unless it is asked for, and not without a user name."""
    with LocalIndex(wheels[0].parent, credentials=LOGIN) as index:
        log = put_keyring(tmp_path, {(index.host, "deploy"): "s3cr3t"}, monkeypatch)
        for choices, access in (
            (served(index, wheels[0], user="deploy"), Access()),
            (served(index, wheels[0]), Access(keyring=True)),
        ):
            with pytest.raises(FetchError, match="answered 401"):
                fetch(choices, cache, access)

    assert not log.exists()


def test_credentials_that_are_refused_are_named_and_not_shown(wheels: list[Path], cache: WheelCache) -> None:
    with (
        LocalIndex(wheels[0].parent, credentials=("deploy", "other")) as index,
        pytest.raises(FetchError) as refused,
    ):
        fetch(served(index, wheels[0]), cache, access_to(f"http://deploy:s3cr3t@{index.host}/simple/"))

    assert str(refused.value) == (
        f"{wheels[0].name}: 127.0.0.1 answered 401: correct the credentials, which come from UV_INDEX"
    )


def test_a_redirect_takes_no_credentials_to_another_host(wheels: list[Path], cache: WheelCache) -> None:
    """Whoever may redirect a download shall not learn the password."""
    with (
        LocalIndex(wheels[0].parent) as storage,
        LocalIndex(wheels[0].parent, credentials=LOGIN) as index,
    ):
        index.faults[wheels[0].name] = f"to {storage.file_url(wheels[0].name)}"
        fetch(served(index, wheels[0]), cache, access_to(index.url_with_credentials))

    assert len(index.logins) == 1
    assert index.logins[0].startswith("Basic ")
    assert storage.logins == [""]


def test_a_wheel_is_taken_from_nowhere_but_its_place_in_the_lock(wheels: list[Path], cache: WheelCache) -> None:
    """Who may add a name to another index shall not get code into a layer that way."""
    with (
        LocalIndex(wheels[0].parent) as other,
        LocalIndex(wheels[0].parent) as locked,
    ):
        locked.faults[wheels[0].name] = "404"
        with pytest.raises(FetchError, match="answered 404: the file is gone from the index"):
            fetch(served(locked, wheels[0]), cache, access_to(other.url, locked.url))

    assert other.requests == []
