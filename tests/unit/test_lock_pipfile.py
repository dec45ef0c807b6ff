"""Reading Pipfile.lock: versions and hashes whose files the index names, once."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from layerwright.errors import LockError
from layerwright.index import find_default_index
from layerwright.lock import read_lock
from layerwright.resolve import resolve
from layerwright.spec import Dependencies, LayerSpec
from layerwright.store.directory import DirectoryStore
from support.index import LocalIndex, point_uv_at
from support.locks import ASSETS, TARGETS, read_expected, resolve_file
from support.wheels import make_wheel, sha256_of


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalIndex]:
    wheels = tmp_path / "wheels"
    make_wheel(wheels, "orders", "1.2", requires=["shop>=2"])
    make_wheel(wheels, "orders", "1.3")
    make_wheel(wheels, "shop", "2.0")
    make_wheel(wheels, "linter", "3.0")
    with LocalIndex(wheels) as index:
        point_uv_at("http://127.0.0.1:1/nobody/", tmp_path, monkeypatch)
        yield index


def entry(served: LocalIndex, name: str, version: str, **fields: Any) -> dict[str, Any]:
    wheel = served.folder / f"{name}-{version}-py3-none-any.whl"
    return {"hashes": [f"sha256:{sha256_of(wheel)}"], "version": f"=={version}", **fields}


def write(folder: Path, sources: dict[str, str], **categories: Any) -> Path:
    meta = {"pipfile-spec": 6, "sources": [{"name": n, "url": u, "verify_ssl": True} for n, u in sources.items()]}
    path = folder / "Pipfile.lock"
    path.write_text(json.dumps({"_meta": meta, **categories}))
    return path


@pytest.mark.network
@pytest.mark.parametrize(("runtime", "architecture"), TARGETS)
def test_the_wheels_are_those_that_pipenv_installs(tmp_path: Path, runtime: str, architecture: str) -> None:
    """A lock file of a real project, whose index is the one that this machine asks."""
    text = (ASSETS / "pipfile" / "Pipfile.lock").read_text()
    path = tmp_path / "Pipfile.lock"
    path.write_text(text.replace("https://index.example/simple", find_default_index()))

    alone = resolve_file(path, runtime, architecture)
    more = resolve_file(path, runtime, architecture, groups=("develop",))

    assert alone == read_expected(ASSETS / "pipfile", "main", runtime, architecture)
    assert more == read_expected(ASSETS / "pipfile", "more", runtime, architecture)


def test_a_group_is_read_when_asked_for(index: LocalIndex, tmp_path: Path) -> None:
    path = write(
        tmp_path,
        {"ours": index.url},
        default={"orders": entry(index, "orders", "1.2"), "shop": entry(index, "shop", "2.0")},
        develop={"linter": entry(index, "linter", "3.0")},
    )

    assert resolve_file(path) == ["orders-1.2-py3-none-any.whl", "shop-2.0-py3-none-any.whl"]
    assert "linter-3.0-py3-none-any.whl" in resolve_file(path, groups=("develop",))


def test_files_are_found_once_and_then_as_the_store_has_them(index: LocalIndex, tmp_path: Path) -> None:
    """A plan that finds its layer stored asks no index."""
    path = write(tmp_path, {"ours": index.url}, default={"orders": entry(index, "orders", "1.2")})
    spec = LayerSpec(runtime="python3.13", dependencies=Dependencies(lock_file=str(path)))
    store = DirectoryStore(directory=tmp_path / "store", direct_upload_limit=None)

    first = resolve(read_lock(spec, store), spec)
    asked = len(index.requests)
    again = resolve(read_lock(spec, store), spec)

    assert [choice.filename for choice in first] == ["orders-1.2-py3-none-any.whl"]
    assert again == first
    assert len(index.requests) == asked


def test_a_distribution_of_a_named_index_is_looked_up_there(
    index: LocalIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And with the credentials that the environment has for it, as with Pipenv."""
    make_wheel(tmp_path / "private", "private", "1.0")
    with LocalIndex(tmp_path / "private", credentials=("me", "secret")) as private:
        monkeypatch.setenv("OUR_TOKEN", "secret")
        url = private.url.replace("http://", "http://me:${OUR_TOKEN}@")
        path = write(
            tmp_path,
            {"ours": index.url, "private": url},
            default={
                "orders": entry(index, "orders", "1.2"),
                "private": entry(private, "private", "1.0", index="private"),
            },
        )
        found = resolve_file(path)

        assert found == ["orders-1.2-py3-none-any.whl", "private-1.0-py3-none-any.whl"]
        assert not any("private" in request for request in index.requests)


def test_a_marker_decides(index: LocalIndex, tmp_path: Path) -> None:
    """Pipenv leaves what its own platform does not need unpinned, which is no matter while ours does not either."""
    path = write(
        tmp_path,
        {"ours": index.url},
        default={
            "orders": entry(index, "orders", "1.2", markers="python_version >= '3.12'"),
            "colorama": {"version": "*", "markers": "sys_platform == 'win32'"},
        },
    )

    assert resolve_file(path, "python3.13") == ["orders-1.2-py3-none-any.whl"]
    assert resolve_file(path, "python3.11") == []


def test_a_file_that_the_index_replaced_is_refused(index: LocalIndex, tmp_path: Path) -> None:
    path = write(
        tmp_path, {"ours": index.url}, default={"orders": {"version": "==1.2", "hashes": ["sha256:" + "0" * 64]}}
    )

    with pytest.raises(LockError, match="orders 1.2: no hash listed is of a wheel for python3.13 on x86_64"):
        resolve_file(path)


@pytest.mark.parametrize(
    ("asset", "problem"),
    [
        ("truncated", "is not JSON: "),
        ("newer", "has pipfile-spec 7, and 6 is read here: lock again"),
        ("without-meta", "is no Pipfile.lock: Object missing required field `pipfile-spec`"),
        ("without-hashes", "orders has no hashes: lock again"),
        ("md5-only", "orders is locked with no sha256 (only md5)"),
        ("not-pinned", "orders is not pinned (*)"),
        ("bad-marker", "orders has a marker that is none"),
        ("of-no-source", "orders comes from the index ours, which _meta.sources does not have"),
        ("git", "orders comes from a git repository (https://git.example/orders.git), not from an index"),
        ("folder", "orders comes from a folder (../orders), not from an index"),
    ],
)
def test_a_bad_lock_file_is_refused_in_one_line(tmp_path: Path, asset: str, problem: str) -> None:
    shutil.copy(ASSETS / "pipfile-bad" / f"{asset}.lock", tmp_path / "Pipfile.lock")

    with pytest.raises(LockError) as refused:
        resolve_file(tmp_path / "Pipfile.lock")

    assert str(refused.value).startswith("Pipfile.lock: ")
    assert problem in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("wanted", "problem"),
    [
        ({"groups": ("develop",)}, "orders is locked as ==1.2 and as ==1.3 in two groups"),
        ({"groups": ("batch",)}, "has no group batch: it has develop"),
        ({"extras": ("fast",)}, "has no extra fast"),
    ],
)
def test_groups_that_contradict_or_do_not_exist_are_refused(
    tmp_path: Path, wanted: dict[str, Any], problem: str
) -> None:
    shutil.copy(ASSETS / "pipfile-bad" / "contradiction.lock", tmp_path / "Pipfile.lock")

    with pytest.raises(LockError, match=f"^Pipfile.lock: {problem}"):
        resolve_file(tmp_path / "Pipfile.lock", **wanted)
