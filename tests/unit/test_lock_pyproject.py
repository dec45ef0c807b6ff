"""Reading a pyproject.toml that nobody locked: resolved once, and then as the store has it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from layerwright.errors import LockError
from layerwright.lock import read_lock
from layerwright.resolve import resolve
from layerwright.spec import Dependencies, LayerSpec
from layerwright.store.directory import DirectoryStore
from support.index import LocalIndex, point_uv_at
from support.locks import resolve_file
from support.wheels import make_wheel

PROJECT = """
[project]
name = "my-orders"
version = "0.1"
requires-python = ">=3.11"
dependencies = ["orders"]

[project.optional-dependencies]
fast = ["speed"]
all = ["my_orders[fast]"]

[dependency-groups]
lint = ["linter"]
dev = [{ include-group = "lint" }, "worker"]
"""


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalIndex]:
    wheels = tmp_path / "wheels"
    make_wheel(wheels, "orders", "1.2", requires=["shop>=2"])
    for name in ("shop", "speed", "linter", "worker"):
        make_wheel(wheels, name, "2.0")
    with LocalIndex(wheels) as index:
        point_uv_at(index.url, tmp_path, monkeypatch)
        yield index


def write(folder: Path, text: str = PROJECT) -> Path:
    path = folder / "pyproject.toml"
    path.write_text(text)
    return path


def names(filenames: list[str]) -> list[str]:
    return [filename.partition("-")[0] for filename in filenames]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, ["orders", "shop"]),
        ({"extras": ("fast",)}, ["orders", "shop", "speed"]),
        ({"extras": ("all",)}, ["orders", "shop", "speed"]),
        ({"groups": ("dev",)}, ["linter", "orders", "shop", "worker"]),
    ],
)
def test_dependencies_extras_and_groups_are_resolved(
    index: LocalIndex, tmp_path: Path, wanted: dict[str, Any], found: list[str]
) -> None:
    """An extra may consist of others of the project, and a group of other groups; the project is not asked for."""
    assert names(resolve_file(write(tmp_path), **wanted)) == found
    assert "/simple/my-orders/" not in index.requests


def test_versions_stay_until_the_project_asks_for_others(index: LocalIndex, tmp_path: Path) -> None:
    """Everybody who plans against the same store gets the same versions, as with requirements.txt."""
    spec = LayerSpec(runtime="python3.13", dependencies=Dependencies(lock_file=str(write(tmp_path))))
    store = DirectoryStore(directory=tmp_path / "store", direct_upload_limit=None)
    first = resolve(read_lock(spec, store), spec)

    make_wheel(index.folder, "orders", "1.3", requires=["shop>=2"])
    write(tmp_path, PROJECT.replace("0.1", "0.2"))
    again = resolve(read_lock(spec, store), spec)
    write(tmp_path, PROJECT.replace('"orders"', '"orders>1.2"'))
    changed = resolve(read_lock(spec, store), spec)

    assert again == first
    assert changed[0].version == "1.3"


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('requires-python = ">=3.11"', 'requires-python = ">=3.14"', "is for Python >=3.14, which python3.13 is not"),
        ('requires-python = ">=3.11"', 'requires-python = "newest"', "requires-python 'newest' is none"),
        ('["orders"]', "[]", "asks for no distribution"),
        ('["orders"]', '["orders ?"]', "orders \\?: is no requirement"),
        ('["orders"]', '["orders @ git+https://git.example/o.git"]', "orders @ git.*: is no wheel"),
        ('["orders"]', '"orders"', "Expected `array`, got `str` - at `\\$.project.dependencies`"),
        ('version = "0.1"', 'dynamic = ["dependencies"]', "leaves dependencies to its build backend"),
        ('include-group = "lint"', 'include-group = "none"', "its dependency groups cannot be read"),
        ("[dependency-groups]", "[tool.uv.sources]\norders = { path = '../orders' }\n[dependency-groups]",
         "orders has a place of its own in \\[tool.uv.sources\\]"),
    ],
)  # fmt: skip
def test_what_cannot_be_resolved_is_refused(tmp_path: Path, old: str, new: str, problem: str) -> None:
    """Above all not another distribution of the same name, from an index that the project does not mean."""
    with pytest.raises(LockError, match=f"^pyproject.toml: {problem}"):
        resolve_file(write(tmp_path, PROJECT.replace(old, new)))


@pytest.mark.parametrize(
    ("wanted", "problem"),
    [
        ({"extras": ("slow",)}, "has no extra slow: it has all, fast"),
        ({"groups": ("slow",)}, "has no dependency group slow: it has dev, lint"),
    ],
)
def test_an_unknown_extra_or_group_is_named(tmp_path: Path, wanted: dict[str, Any], problem: str) -> None:
    with pytest.raises(LockError, match=f"^pyproject.toml: {problem}"):
        resolve_file(write(tmp_path), **wanted)
