"""Wheels on this machine: the right bytes, once, or an error that says whose fault it is."""

from __future__ import annotations

import dataclasses
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from layerwright.cache import STALE_SECONDS, WheelCache
from layerwright.errors import FetchError, WheelError
from layerwright.fetch import fetch
from layerwright.indexes import Access
from layerwright.resolve import WheelChoice
from support.index import LocalIndex
from support.project import choices_for
from support.wheels import make_wheel, sha256_of


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    (tmp_path / "served").mkdir()
    return make_wheel(tmp_path / "served")


def served(index: LocalIndex, *wheels: Path) -> list[WheelChoice]:
    return [dataclasses.replace(c, path=None, url=index.file_url(c.filename)) for c in choices_for(*wheels)]


def leftovers(cache: WheelCache) -> list[str]:
    """Files that a later run could mistake for a wheel, or has to clean up."""
    return [p.name for p in cache.folder.rglob("*") if p.is_file() and p.parent.name != "locks"]


def test_a_wheel_is_downloaded_once(wheel: Path, cache: WheelCache) -> None:
    with LocalIndex(wheel.parent) as index:
        (first,) = fetch(served(index, wheel), cache)
        (second,) = fetch(served(index, wheel), cache)
        requests = [r for r in index.requests if wheel.name in r]

    assert first == second
    assert first.path.read_bytes() == wheel.read_bytes()
    assert first.wheel.name == "example"
    assert len(requests) == 1


def test_concurrent_runs_download_once(wheel: Path, cache: WheelCache) -> None:
    """Terraform starts ten programs at once; ten downloads of pyarrow would be a gigabyte."""
    with LocalIndex(wheel.parent) as index, ThreadPoolExecutor(8) as pool:
        choices = served(index, wheel)
        results = list(pool.map(lambda _: fetch(choices, cache), range(8)))
        requests = [r for r in index.requests if wheel.name in r]

    assert all(result == results[0] for result in results)
    assert len(requests) == 1


@pytest.mark.parametrize("damage", ["truncate", "flip", "empty", "no index", "index"])
def test_a_damaged_cache_entry_is_never_used(damage: str, wheel: Path, cache: WheelCache) -> None:
    """A full disk or a killed run must cost a download, not a broken layer."""
    choices = choices_for(wheel)
    (good,) = fetch(choices, cache)
    index = next(p for p in good.path.parent.iterdir() if p.suffix == ".index")
    contents = bytearray(good.path.read_bytes())
    match damage:
        case "truncate":
            good.path.write_bytes(contents[:-1])
        case "flip":
            contents[40] ^= 1
            good.path.write_bytes(contents)
        case "empty":
            good.path.write_bytes(b"")
        case "no index":
            index.unlink()
        case "index":
            index.write_bytes(index.read_bytes().replace(b"example", b"exbmple"))

    assert fetch(choices, cache) == (good,)
    assert good.path.read_bytes() == wheel.read_bytes()


def test_a_wheel_with_another_hash_is_refused(wheel: Path, cache: WheelCache) -> None:
    (choice,) = choices_for(wheel)
    with pytest.raises(FetchError) as e:
        fetch([dataclasses.replace(choice, sha256="0" * 64)], cache)

    assert f"example-1.0-py3-none-any.whl: what {wheel} sent" in str(e.value)
    assert f"has SHA-256 {sha256_of(wheel)}, the lock file says {'0' * 64}: lock again" in str(e.value)
    assert leftovers(cache) == []


def test_a_file_that_is_no_wheel_is_refused(wheel: Path, cache: WheelCache) -> None:
    """Captive portals answer 200 with a page; a lock made behind one has even its hash."""
    wheel.write_text("<html>Please log in</html>")
    with pytest.raises(WheelError, match="example-1.0-py3-none-any.whl"):
        fetch(choices_for(wheel), cache)
    assert leftovers(cache) == []


@pytest.mark.parametrize(
    ("fault", "says"),
    [("404", "answered 404: the file is gone from the index: lock again"), ("403", "answered 403: give credentials")],
)
def test_what_the_index_answers_is_told(fault: str, says: str, wheel: Path, cache: WheelCache) -> None:
    with LocalIndex(wheel.parent) as index:
        index.faults[wheel.name] = fault
        with pytest.raises(FetchError, match=says):
            fetch(served(index, wheel), cache)
    assert leftovers(cache) == []


def test_an_index_that_does_not_answer_is_told(wheel: Path, cache: WheelCache) -> None:
    (choice,) = choices_for(wheel)
    choice = dataclasses.replace(choice, path=None, url="http://127.0.0.1:9/example-1.0-py3-none-any.whl")
    with pytest.raises(FetchError, match="127.0.0.1 did not send it .*refused.*: check the network, proxy and index"):
        fetch([choice], cache)


def test_all_wheels_that_cannot_be_had_are_named(tmp_path: Path, cache: WheelCache) -> None:
    gone = [make_wheel(tmp_path, name) for name in ("one", "two", "three")]
    choices = choices_for(*gone)
    gone[0].unlink()
    gone[2].unlink()
    with pytest.raises(FetchError) as e:
        fetch(choices, cache)

    assert "one-1.0-py3-none-any.whl" in str(e.value)
    assert "three-1.0-py3-none-any.whl" in str(e.value)
    assert "two-1.0" not in str(e.value)


def test_credentials_come_from_netrc_and_stay_out_of_errors(
    wheel: Path, cache: WheelCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login deploy password s3cr3t\n")
    netrc.chmod(0o600)
    with LocalIndex(wheel.parent, credentials=("deploy", "s3cr3t")) as index:
        choices = served(index, wheel)
        with pytest.raises(FetchError, match="answered 401") as e:
            fetch(choices, cache)
        monkeypatch.setenv("NETRC", str(netrc))
        assert fetch(choices, cache)[0].wheel.name == "example"
        wrong = dataclasses.replace(choices[0], url=(choices[0].url or "").replace("//", "//deploy:wr0ng@"))
        with pytest.raises(FetchError) as wrong_password:
            fetch([dataclasses.replace(wrong, sha256="1" * 64)], cache)

    assert "s3cr3t" not in str(e.value)
    assert "wr0ng" not in str(wrong_password.value)


def test_offline_names_all_that_is_missing_with_sizes(tmp_path: Path, cache: WheelCache) -> None:
    """All at once, so that a person fills the cache in one go; nobody is asked."""
    wheels = [make_wheel(tmp_path / "served", name) for name in ("one", "two", "three", "four")]
    with LocalIndex(tmp_path / "served") as index:
        choices = served(index, *wheels)
        fetch(choices[:1], cache)
        choices[1:3] = [
            dataclasses.replace(c, size=s) for c, s in zip(choices[1:3], (1_500_000, 30_000_000), strict=True)
        ]
        asked = len(index.requests)
        with pytest.raises(FetchError) as known:
            fetch(choices[:3], cache, Access(offline=True))
        with pytest.raises(FetchError, match="offline, and 3 of 4 wheels .*four-1.0-py3-none-any.whl .size unknown."):
            fetch(choices, cache, Access(offline=True))

        assert len(index.requests) == asked
        assert str(known.value) == (
            f"offline, and 2 of 3 wheels are not in the cache {cache.folder}, 30.0 MB in all: "
            "three-1.0-py3-none-any.whl (28.6 MB), two-1.0-py3-none-any.whl (1.4 MB): run once with the network "
            "(without offline and LAYERWRIGHT_OFFLINE), or set LAYERWRIGHT_CACHE_DIR to a cache that has them"
        )


def test_offline_takes_what_is_cached_and_what_is_a_file(tmp_path: Path, cache: WheelCache) -> None:
    wheels = [make_wheel(tmp_path / "served", name) for name in ("one", "two")]
    with LocalIndex(tmp_path / "served") as index:
        choices = served(index, wheels[0])
        fetch(choices, cache)

    files = fetch([*choices, *choices_for(wheels[1])], cache, Access(offline=True))
    assert [file.wheel.name for file in files] == ["one", "two"]


def test_other_schemes_are_refused(cache: WheelCache) -> None:
    choice = WheelChoice(name="x", version="1", filename="x-1-py3-none-any.whl", sha256="0" * 64, url="ftp://h/x")  # type: ignore[arg-type]
    with pytest.raises(FetchError, match="its address begins with 'ftp', not with https"):
        fetch([choice], cache)


def test_a_cache_that_cannot_be_written_is_told(tmp_path: Path, wheel: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FetchError, match="cache folder .*: set LAYERWRIGHT_CACHE_DIR to a folder that can"):
        fetch(choices_for(wheel), WheelCache(folder=tmp_path / "file" / "wheels"))


def test_only_leftovers_of_dead_runs_are_swept(cache: WheelCache) -> None:
    """A run that was killed leaves a temporary file; a slow one still needs its own."""
    cache.folder.mkdir(parents=True)
    for name, age in (("part-dead", STALE_SECONDS + 9), ("part-alive", 60), ("other", STALE_SECONDS + 9)):
        (cache.folder / name).write_text("")
        os.utime(cache.folder / name, (time.time() - age,) * 2)
    cache.sweep()

    assert sorted(p.name for p in cache.folder.iterdir()) == ["other", "part-alive"]
