"""Reading pdm.lock: the wheels that PDM would install, or a line that says why not."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from layerwright.errors import LockError, ResolutionError
from layerwright.lock import read_lock
from layerwright.spec import Dependencies, LayerSpec
from packaging.pylock import Package
from support.locks import ASSETS, TARGETS, read_expected, resolve_file

LOCK = """
[metadata]
groups = ["default", "batch"]
strategy = ["inherit_metadata"]
lock_version = "4.5.0"

[[metadata.targets]]
requires_python = ">=3.11"

[[package]]
name = "orders"
version = "1.2"
requires_python = ">=3.9"
groups = ["default"]
files = [{file = "orders-1.2-py3-none-any.whl", hash = "sha256:HASH"}]
""".replace("HASH", "0123456789abcdef" * 4)


def write(folder: Path, text: str, *, project: str = "") -> Path:
    path = folder / "pdm.lock"
    path.write_text(text)
    if project:
        (folder / "pyproject.toml").write_text(project)
    return path


def read_one(path: Path) -> Package:
    found = read_lock(LayerSpec(runtime="python3.13", dependencies=Dependencies(lock_file=str(path))), None)
    assert found
    (package,) = found.packages
    return package


@pytest.mark.parametrize(("runtime", "architecture"), TARGETS)
@pytest.mark.parametrize("strategy", ["pdm", "pdm-plain", "pdm-urls"])
def test_the_wheels_are_those_that_pdm_installs(strategy: str, runtime: str, architecture: str) -> None:
    """With inherit_metadata, without it and with static_urls: how the project is locked is the project's matter."""
    folder = ASSETS / strategy

    alone = resolve_file(folder / "pdm.lock", runtime, architecture)
    more = resolve_file(folder / "pdm.lock", runtime, architecture, extras=("fast",), groups=("batch",))

    assert alone == read_expected(folder, "main", runtime, architecture)
    assert more == read_expected(folder, "more", runtime, architecture)
    assert len(more) > len(alone) > 10


def test_static_urls_are_kept() -> None:
    """Who locked addresses wants the files from there."""
    wanted = Dependencies(lock_file=str(ASSETS / "pdm-urls" / "pdm.lock"))
    found = read_lock(LayerSpec(runtime="python3.13", dependencies=wanted), None)

    assert found
    assert all(wheel.url for package in found.packages for wheel in package.wheels or ())


@pytest.mark.parametrize(
    ("sources", "index"),
    [
        ('[[tool.pdm.source]]\nname = "pypi"\nurl = "https://${USER}@index.example/simple"\n',
         "https://index.example/simple"),
        ('[[tool.pdm.source]]\nname = "ours"\nurl = "https://o.example/s"\ninclude_packages = ["ord*"]\n',
         "https://o.example/s"),
        ('[[tool.pdm.source]]\nname = "ours"\nurl = "https://o.example/s"\ninclude_packages = ["shop"]\n', None),
        ("", None),
    ],
)  # fmt: skip
def test_a_source_of_the_project_is_asked_where_pdm_asks_it(tmp_path: Path, sources: str, index: str | None) -> None:
    path = write(tmp_path, LOCK, project=f"[project]\nname = 'x'\n{sources}")

    assert read_one(path).index == index


@pytest.mark.parametrize(
    ("field", "problem"),
    [
        ('git = "https://git.example/o.git"\nrevision = "0123456789abcdef"',
         "comes from a git repository at 0123456789ab, not from a wheel"),
        ('url = "https://index.example/orders-1.2.tar.gz"', "comes from a source archive, not from a wheel"),
    ],
)  # fmt: skip
def test_what_is_no_wheel_is_named(tmp_path: Path, field: str, problem: str) -> None:
    path = write(tmp_path, LOCK.replace('version = "1.2"', f'version = "1.2"\n{field}'))

    with pytest.raises(ResolutionError, match=f"^pdm.lock: orders 1.2 {problem}: "):
        resolve_file(path)


@pytest.mark.parametrize(
    ("asset", "problem"),
    [
        ("truncated", "is not TOML: "),
        ("newer", "has lock_version 5.0.0, and 4 is read here: lock again with PDM"),
        ("older", "has lock_version 3.1, and 4 is read here: lock again with PDM"),
        ("bad-lock-version", "has lock_version 'four', which is none"),
        ("without-metadata", "is no pdm.lock: Object missing required field `metadata`"),
        ("without-hashes", "orders 1.2 has no hash of orders-1.2-py3-none-any.whl"),
        ("without-files", "orders 1.2 names no files"),
        ("wheel-of-another", "orders 1.2 names a wheel of shop 1.2, shop-1.2-py3-none-any.whl"),
        ("bad-marker", "orders 1.2 has a marker that is none"),
        ("bad-python", "orders 1.2 has requires_python 'newest', which is none"),
        ("of-windows", "is locked for other environments than python3.13 on x86_64"),
    ],
)
def test_a_bad_lock_file_is_refused_in_one_line(tmp_path: Path, asset: str, problem: str) -> None:
    shutil.copy(ASSETS / "pdm-bad" / f"{asset}.lock", tmp_path / "pdm.lock")

    with pytest.raises(LockError) as refused:
        resolve_file(tmp_path / "pdm.lock")

    assert str(refused.value).startswith("pdm.lock: ")
    assert problem in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("wanted", [{"extras": ("slow",)}, {"groups": ("slow",)}])
def test_an_unknown_extra_or_group_is_named(tmp_path: Path, wanted: dict[str, Any]) -> None:
    with pytest.raises(LockError, match="^pdm.lock: has no extra or dependency group slow: it has batch"):
        resolve_file(write(tmp_path, LOCK), **wanted)


def test_a_lock_file_for_one_platform_is_for_that(tmp_path: Path) -> None:
    """PDM can lock for one platform; wheels of another are not in the file, or by chance."""
    path = write(tmp_path, LOCK.replace('">=3.11"\n', '"==3.13.*"\nplatform = "manylinux_2_17_aarch64"\n', 1))

    assert resolve_file(path, "python3.13", "arm64") == ["orders-1.2-py3-none-any.whl"]
    with pytest.raises(LockError, match="is locked for other environments than python3.13 on x86_64"):
        resolve_file(path, "python3.13", "x86_64")


def test_without_inherited_metadata_the_project_is_needed(tmp_path: Path) -> None:
    path = write(tmp_path, LOCK.replace('["inherit_metadata"]', "[]"))

    with pytest.raises(LockError, match=r"there is no pyproject.toml beside it.*pdm lock -S inherit_metadata"):
        resolve_file(path)
    write(tmp_path, path.read_text(), project="[project]\nname = 'x'\ndependencies = ['orders>=2']\n")
    with pytest.raises(LockError, match="the project needs orders>=2, which is not locked for python3.13 on x86_64"):
        resolve_file(path)
