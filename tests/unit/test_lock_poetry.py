"""Reading poetry.lock: the wheels that Poetry would install, or a line that says why not."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from layerwright.errors import LockError, ResolutionError
from layerwright.lock import read_lock
from layerwright.lock.constraint import parse_constraint
from layerwright.resolve import find_folders
from layerwright.spec import Dependencies, LayerSpec
from packaging.version import Version
from support.locks import ASSETS, TARGETS, read_expected, resolve_file

LOCK = """
[[package]]
name = "orders"
version = "1.2"
python-versions = ">=3.9"
groups = ["main"]
files = [{file = "orders-1.2-py3-none-any.whl", hash = "sha256:HASH"}]
MORE
[extras]
fast = ["speed"]

[metadata]
lock-version = "2.1"
python-versions = ">=3.11"
content-hash = "0"
""".replace("HASH", "0123456789abcdef" * 4)

OLD_PROJECT = """
[tool.poetry.dependencies]
python = "^3.11"
orders = "^1.0"
"""


def write(folder: Path, text: str, *, project: str = "") -> Path:
    path = folder / "poetry.lock"
    path.write_text(text)
    if project:
        (folder / "pyproject.toml").write_text(project)
    return path


def lock(more: str = "") -> str:
    return LOCK.replace("MORE", more)


@pytest.mark.parametrize(("runtime", "architecture"), TARGETS)
@pytest.mark.parametrize("version", ["1.1", "2.0", "2.1"])
def test_the_wheels_are_those_that_poetry_installs(version: str, runtime: str, architecture: str) -> None:
    """Markers, extras and two versions of numpy by the Python: whoever changes to a layer changes nothing else."""
    folder = ASSETS / f"poetry-{version}"
    group = "dev" if version == "1.1" else "batch"

    alone = resolve_file(folder / "poetry.lock", runtime, architecture)
    more = resolve_file(folder / "poetry.lock", runtime, architecture, extras=("fast",), groups=(group,))

    assert alone == read_expected(folder, "main", runtime, architecture)
    assert more == read_expected(folder, "more", runtime, architecture)
    assert len(more) > len(alone) > 10


def test_a_distribution_of_a_named_source_is_looked_up_there(tmp_path: Path) -> None:
    """A private index may have another file under the same name; who locked one source means that."""
    source = '[package.source]\ntype = "legacy"\nurl = "https://index.example/simple"\nreference = "ours"\n'
    found = read_lock(spec_of(write(tmp_path, lock(source))), None)

    assert found
    (package,) = found.packages
    assert package.index == "https://index.example/simple"
    assert package.wheels
    assert package.wheels[0].url is None


def spec_of(path: Path, **wanted: object) -> LayerSpec:
    return LayerSpec(runtime="python3.13", dependencies=Dependencies(lock_file=str(path), **wanted))  # type: ignore[arg-type]


def test_a_group_has_a_marker_of_its_own(tmp_path: Path) -> None:
    """Poetry 2 writes a table of markers where groups want the same distribution under different ones."""
    text = lock().replace(
        'groups = ["main"]', 'groups = ["main", "batch"]\nmarkers = {main = "python_version < \\"3.12\\""}'
    )
    path = write(tmp_path, text)

    assert resolve_file(path, "python3.13") == []
    assert resolve_file(path, "python3.11") == ["orders-1.2-py3-none-any.whl"]
    assert resolve_file(path, "python3.13", groups=("batch",)) == ["orders-1.2-py3-none-any.whl"]


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ('type = "git"\nurl = "https://git.example/o.git"\nreference = "main"\nresolved_reference = "0123456789abcdef"',
         "orders 1.2 comes from a git repository at 0123456789ab, not from a wheel"),
        ('type = "url"\nurl = "https://index.example/orders-1.2.tar.gz"',
         "orders 1.2 comes from a source archive, not from a wheel"),
    ],
)  # fmt: skip
def test_what_is_no_wheel_is_named(tmp_path: Path, source: str, problem: str) -> None:
    path = write(tmp_path, lock(f"[package.source]\n{source}\n"))

    with pytest.raises(ResolutionError, match=f"^poetry.lock: {problem}: "):
        resolve_file(path)


def test_a_folder_is_built_as_a_project(tmp_path: Path) -> None:
    """A path dependency is code of one's own: its wheel goes into the layer like any other."""
    path = write(tmp_path, lock('[package.source]\ntype = "directory"\nurl = "../orders"\n'))
    spec = LayerSpec(runtime="python3.13", dependencies=Dependencies(lock_file=str(path)))

    assert [folder.name for folder in find_folders(read_lock(spec, None), spec)] == ["orders"]
    assert resolve_file(path) == []


def test_a_wheel_that_is_named_by_its_url_is_taken(tmp_path: Path) -> None:
    path = write(
        tmp_path, lock('[package.source]\ntype = "url"\nurl = "https://h.example/orders-1.2-py3-none-any.whl"\n')
    )

    assert resolve_file(path) == ["orders-1.2-py3-none-any.whl"]


@pytest.mark.parametrize(
    ("asset", "problem"),
    [
        ("truncated", "is not TOML: "),
        ("newer", "has lock-version 3.0, and 1.0 to 2.1 are read here: lock again with Poetry 1 or 2"),
        ("bad-lock-version", "has lock-version 'two', which is none"),
        ("without-metadata", "is no poetry.lock: Object missing required field `metadata`"),
        ("without-hashes", "orders 1.2 has no hash of orders-1.2-py3-none-any.whl"),
        ("without-files", "orders 1.2 names no files"),
        ("wheel-of-another", "orders 1.2 names a wheel of orders 1.3, orders-1.3-py3-none-any.whl"),
        ("bad-marker", "orders 1.2 has a marker that is none"),
        ("bad-version", "orders one has no version that PEP 440 knows"),
        ("bad-python", "'newest' is no version constraint"),
    ],
)
def test_a_bad_lock_file_is_refused_in_one_line(tmp_path: Path, asset: str, problem: str) -> None:
    shutil.copy(ASSETS / "poetry-bad" / f"{asset}.lock", tmp_path / "poetry.lock")

    with pytest.raises(LockError) as refused:
        resolve_file(tmp_path / "poetry.lock")

    assert str(refused.value).startswith("poetry.lock: ")
    assert problem in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("wanted", "problem"),
    [
        ({"extras": ("slow",)}, "has no extra slow: it has fast"),
        ({"groups": ("dev",)}, "has no dependency group dev"),
    ],
)
def test_an_unknown_extra_or_group_is_named(tmp_path: Path, wanted: dict[str, Any], problem: str) -> None:
    with pytest.raises(LockError, match=f"^poetry.lock: {problem}"):
        resolve_file(write(tmp_path, lock()), **wanted)


def test_another_python_than_was_locked_for_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LockError, match=r"is locked for Python >=3.11, which python3.10 is not"):
        resolve_file(write(tmp_path, lock()), "python3.10")


def test_an_old_lock_file_needs_its_project(tmp_path: Path) -> None:
    """Poetry 1 wrote down what is locked, and not what of it is for which group."""
    old = lock().replace('"2.1"', '"2.0"')

    with pytest.raises(LockError, match=r"there is no pyproject.toml beside it.*lock again with Poetry 2"):
        resolve_file(write(tmp_path, old))
    with pytest.raises(LockError, match=r"has no \[tool.poetry.dependencies\]"):
        resolve_file(write(tmp_path, old, project="[project]\nname = 'orders'\n"))
    assert resolve_file(write(tmp_path, old, project=OLD_PROJECT)) == ["orders-1.2-py3-none-any.whl"]


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ('orders = "^2.0"\n', r"the project needs orders<3,>=2.0, which is not locked for python3.13 on x86_64"),
        ('shop = "*"\n', "the project needs shop, which is not locked"),
    ],
)
def test_an_old_lock_file_that_its_project_has_left_behind_is_refused(tmp_path: Path, more: str, problem: str) -> None:
    """A layer without what the project has needed since would fail in the function only."""
    project = OLD_PROJECT.replace('orders = "^1.0"\n', more)

    with pytest.raises(LockError, match=problem):
        resolve_file(write(tmp_path, lock().replace('"2.1"', '"2.0"'), project=project))


@pytest.mark.parametrize(
    ("constraint", "admitted", "refused"),
    [
        ("^1.2.3", "1.9", "2.0"),
        ("^0.2.3", "0.2.9", "0.3"),
        ("^0.0.3", "0.0.3", "0.0.4"),
        ("^0", "0.9", "1.0"),
        ("~1.2.3", "1.2.9", "1.3"),
        ("~1", "1.9", "2.0"),
        ("~=1.2", "1.9", "2.0"),
        ("1.*", "1.9", "2.0"),
        ("1.2", "1.2", "1.2.1"),
        (">=1,<2 || >=3", "3.1", "2.5"),
        (">= 1 < 2", "1.5", "2.0"),
    ],
)
def test_poetrys_constraints_are_understood(constraint: str, admitted: str, refused: str) -> None:
    specifiers = parse_constraint(constraint)

    assert any(s.contains(Version(admitted)) for s in specifiers)
    assert not any(s.contains(Version(refused)) for s in specifiers)
