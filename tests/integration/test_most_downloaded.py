"""A layer of any one of the most downloaded distributions has the files that uv or pip installs, and they work.

By default a sample of them; all of them, with a report in build/differential.txt, by

    python -m pytest tests/integration/test_most_downloaded.py --all-distributions
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path

import pytest
from layerwright.build import make_archive, plan
from layerwright.cache import WheelCache
from layerwright.lock import read_lock
from layerwright.lock.pylock import render_pylock
from layerwright.resolve import WheelChoice, resolve
from layerwright.spec import Dependencies, LayerSpec
from packaging.pylock import Pylock
from support.installed import explain_differences, install, read_installed, read_layer

pytestmark = [pytest.mark.network, pytest.mark.slow]

REPOSITORY = Path(__file__).parents[2]
EXCLUDE_NEWER = "2026-11-14"
TARGETS = [(runtime, architecture) for runtime in ("python3.13", "python3.11") for architecture in ("x86_64", "arm64")]

SAMPLE: tuple[str, ...] = (
    *("awscli", "charset-normalizer", "coverage", "cryptography"),
    *("greenlet", "protobuf", "pytest", "setuptools"),
)
"""Scripts, compiled and not, one ABI for all versions, headers, a namespace, entry points, distributions in others."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    names = SAMPLE
    if metafunc.config.getoption("all_distributions"):
        lines = (REPOSITORY / "tests/assets/most-downloaded.txt").read_text().splitlines()
        names = tuple(line for line in lines if not line.startswith("#"))
    metafunc.parametrize("name", names)


@pytest.fixture(autouse=True)
def as_of_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing newer is chosen, so that another day gives the same report."""
    monkeypatch.setenv("UV_EXCLUDE_NEWER", EXCLUDE_NEWER)


@pytest.fixture(scope="module")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> WheelCache:
    return WheelCache(folder=tmp_path_factory.mktemp("wheels"))


@pytest.fixture(scope="module")
def report(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """A line for each comparison and each difference; kept where all distributions are compared."""
    lines: list[str] = []
    yield lines
    if request.config.getoption("all_distributions"):
        path = REPOSITORY / "build/differential.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(f"{line}\n" for line in sorted(lines)))


def test_a_layer_has_the_files_of_an_installation(
    name: str, shared_cache: WheelCache, report: list[str], tmp_path: Path
) -> None:
    """Assembling from wheels must not differ from installing them, or bugs appear in Lambda alone."""
    problems = []
    for wheel, specs in group_by_wheel(name, tmp_path).items():
        where = ", ".join(str(spec.target) for spec in specs)
        folder = tmp_path / wheel.sha256
        archive, _ = make_archive(plan(specs[0]), shared_cache, tmp_path / f"{wheel.sha256}.zip")
        install(folder / "installed", specs[0].target, f"{name}=={wheel.version}")
        differences = explain_differences(read_layer(archive.path), read_installed(folder / "installed"))
        with zipfile.ZipFile(archive.path) as opened:
            opened.extractall(folder / "layer")
            count = len(opened.namelist())
        differences += explain_metadata(folder / "layer/python", folder / "installed", wheel)
        report += [f"{wheel.filename} ({where}): {count} files, {len(differences)} differences"]
        report += [f"{wheel.filename} ({where}): {difference}" for difference in differences]
        problems += differences

    assert problems == []


def group_by_wheel(name: str, folder: Path) -> dict[WheelChoice, list[LayerSpec]]:
    """The wheels of *name* alone that the targets get, each with the specs of its layers, all the same."""
    (folder / "requirements.txt").write_text(f"{name}\n")
    found: dict[WheelChoice, list[LayerSpec]] = {}
    for runtime, architecture in TARGETS:
        wanted = Dependencies(lock_file=str(folder / "requirements.txt"))
        spec = LayerSpec(runtime=runtime, architecture=architecture, dependencies=wanted, check_limits=False)
        lock = read_lock(spec, None)
        assert lock
        alone = Pylock(
            lock_version=lock.lock_version,
            created_by=lock.created_by,
            packages=[package for package in lock.packages if package.name == name],
        )
        path = folder / f"{runtime}-{architecture}" / "pylock.toml"
        path.parent.mkdir()
        path.write_bytes(render_pylock(alone))
        spec = LayerSpec(
            runtime=runtime,
            architecture=architecture,
            dependencies=Dependencies(lock_file=str(path)),
            check_limits=False,
        )
        (choice,) = resolve(alone, spec)
        assert isinstance(choice, WheelChoice)
        found.setdefault(choice, []).append(spec)
    return found


def explain_metadata(layer: Path, installed: Path, wheel: WheelChoice) -> list[str]:
    """A line for each thing that `importlib.metadata` says of the layer, and that is not so."""
    ours, theirs = (find_distribution(folder, wheel.name) for folder in (layer, installed))
    lines = []
    if ours.version != wheel.version:
        lines.append(f"importlib.metadata: says version {ours.version}")
    files = {str(file): file for file in ours.files or ()}
    lines += [f"importlib.metadata: lists {path}, which is not there" for path in files if not (layer / path).exists()]
    there = {path.relative_to(layer).as_posix() for path in layer.rglob("*") if path.is_file()}
    lines += [f"importlib.metadata: does not list {path}" for path in sorted(there - files.keys())]
    if ours.entry_points != theirs.entry_points:
        lines.append("importlib.metadata: has other entry points than the installation")
    for point in ours.entry_points:
        module = point.module.replace(".", "/")
        if not any(path.startswith((f"{module}.", f"{module}/")) for path in files):  # a folder is a module too
            lines.append(f"importlib.metadata: entry point {point.name} needs {point.module}, which is not there")
    return lines


def find_distribution(folder: Path, name: str) -> Distribution:
    (found,) = distributions(name=name, path=[str(folder)])
    return found
