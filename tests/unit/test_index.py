"""Wheels that a lock file names without an address: the index says where they are, when they are really needed."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from layerwright.cache import WheelCache
from layerwright.errors import FetchError
from layerwright.fetch import fetch
from layerwright.index import find_default_index, find_file
from layerwright.resolve import WheelChoice
from support.index import LocalIndex, point_uv_at
from support.project import choices_for
from support.wheels import make_wheel

WHEEL = "example-1.0-py3-none-any.whl"
JSON = "application/vnd.pypi.simple.v1+json"


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    (tmp_path / "served").mkdir()
    return make_wheel(tmp_path / "served")


def without_address(wheel: Path, index: str | None = None) -> list[WheelChoice]:
    return [dataclasses.replace(choice, path=None, index=index) for choice in choices_for(wheel)]


@pytest.mark.parametrize("as_json", [False, True], ids=["html", "json"])
def test_the_index_that_is_named_says_where_the_wheel_is(wheel: Path, cache: WheelCache, *, as_json: bool) -> None:
    with LocalIndex(wheel.parent, as_json=as_json) as index:
        (file,) = fetch(without_address(wheel, index.url), cache)

        assert file.path.read_bytes() == wheel.read_bytes()
        assert index.requests == ["/simple/example/", f"/files/{wheel.name}"]
        fetch(without_address(wheel, index.url), cache)
        assert len(index.requests) == 2


@pytest.mark.parametrize("variable", ["UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"])
def test_the_index_is_that_of_the_environment_where_none_is_named(
    variable: str, wheel: Path, cache: WheelCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has a mirror has told uv or pip already."""
    with LocalIndex(wheel.parent) as index:
        point_uv_at(index.url, tmp_path, monkeypatch)
        monkeypatch.delenv("UV_DEFAULT_INDEX")
        monkeypatch.setenv(variable, index.url)
        (file,) = fetch(without_address(wheel), cache)

    assert file.path.read_bytes() == wheel.read_bytes()


def test_the_default_index_is_uvs_own_where_nobody_says_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """We hold no address of an index, so there is none to go out of date."""
    point_uv_at("", tmp_path, monkeypatch)
    monkeypatch.delenv("UV_DEFAULT_INDEX")
    monkeypatch.delenv("PIP_INDEX_URL", raising=False)

    assert find_default_index().startswith("https://")


def test_credentials_of_the_index_stay_with_its_host() -> None:
    page = b'<a href="https://files.example/a/example-1.0-py3-none-any.whl#sha256=0">x</a>'

    assert find_file(page, "text/html", "https://me:secret@index.example/simple/example/", WHEEL) == (
        f"https://files.example/a/{WHEEL}"
    )


@pytest.mark.parametrize(
    ("page", "kind", "found"),
    [
        (f'<a href="../../files/{WHEEL}#sha256=0">x</a>', "text/html", f"https://index.example/files/{WHEEL}"),
        (f'<base href="/b/"><a href="{WHEEL}">x</a>', "text/html; charset=utf-8", f"https://index.example/b/{WHEEL}"),
        (f'<a href="https://f.example/x?a=1&amp;b=2">x</a><A HREF="/{WHEEL}?a=1&amp;b=2">', "text/html",
         f"https://index.example/{WHEEL}?a=1&b=2"),
        ('<a href="/other-1.0-py3-none-any.whl">x</a>', "text/html", None),
        (json.dumps({"files": [{"filename": WHEEL, "url": "../f"}]}), JSON, "https://index.example/simple/f"),
        (json.dumps({"files": []}), JSON, None),
    ],
)  # fmt: skip
def test_a_page_is_read_as_the_standards_have_it(page: str, kind: str, found: str | None) -> None:
    """PEP 503 and PEP 691: relative addresses, escapes, `<base>`."""
    assert find_file(page.encode(), kind, "https://index.example/simple/example/", WHEEL) == found


def test_credentials_of_the_index_hold_for_its_files(wheel: Path, cache: WheelCache) -> None:
    """As with pip: an index of a company mostly serves its files itself."""
    with LocalIndex(wheel.parent, credentials=("me", "secret")) as index:
        (file,) = fetch(without_address(wheel, index.url_with_credentials), cache)

        assert file.path.read_bytes() == wheel.read_bytes()
        with pytest.raises(FetchError, match=r"^example-1.0-.*: 127.0.0.1 answered 401: give credentials"):
            fetch(without_address(wheel, index.url), WheelCache(folder=cache.folder / "empty"))


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        ("404", r"127.0.0.1 answered 404"),
        (lambda _: b"{}", r"127.0.0.1 sent no list of files \(Object missing required field `files`"),
        (lambda _: b'{"files": []}', r"127.0.0.1 has no such file: lock again, or set UV_DEFAULT_INDEX"),
    ],
)
def test_an_index_that_does_not_have_it_is_named(fault: object, problem: str, wheel: Path, cache: WheelCache) -> None:
    with LocalIndex(wheel.parent, as_json=True) as index:
        index.faults["example/"] = fault  # type: ignore[assignment]
        with pytest.raises(FetchError, match=f"^example-1.0-py3-none-any.whl: {problem}"):
            fetch(without_address(wheel, index.url), cache)


def test_a_page_that_breaks_off_is_asked_for_again(wheel: Path, cache: WheelCache) -> None:
    with LocalIndex(wheel.parent) as index:
        index.faults["example/"] = "cut once"
        (file,) = fetch(without_address(wheel, index.url), cache)

    assert file.path.read_bytes() == wheel.read_bytes()


def test_a_file_that_the_index_replaced_is_refused(wheel: Path, cache: WheelCache) -> None:
    """The hash in the lock file decides, wherever the address came from."""
    with LocalIndex(wheel.parent) as index:
        index.faults[wheel.name] = lambda body: body + b"x"
        with pytest.raises(FetchError, match="has SHA-256 .*, the lock file says"):
            fetch(without_address(wheel, index.url), cache)
