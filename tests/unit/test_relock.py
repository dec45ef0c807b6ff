"""`layerwright lock`: one pylock.toml for all targets, from any lock file or from requirements."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from layerwright.cli import main
from layerwright.lock.pylock import parse_pylock
from packaging.pylock import Pylock
from support.index import LocalIndex, point_uv_at
from support.locks import resolve_file
from support.wheels import make_wheel, sha256_of

LINUX = "cp{0}-cp{0}-manylinux_2_{1}_{2}"


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalIndex]:
    wheels = tmp_path / "wheels"
    make_wheel(wheels, "orders", "1.2", requires=["fast>=1", "old ; python_version < '3.12'"])
    make_wheel(wheels, "old", "1.0")
    for machine in ("x86_64", "aarch64"):
        for python in ("311", "313"):
            make_wheel(wheels, "fast", "1.0", tag=LINUX.format(python, 17, machine))
            make_wheel(wheels, "fast", "2.0", tag=LINUX.format(python, 28, machine))
    monkeypatch.chdir(tmp_path)
    with LocalIndex(wheels) as index:
        point_uv_at(index.url, tmp_path, monkeypatch)
        yield index


def lock(path: Path, *options: str) -> Pylock:
    arguments = ["lock", "--lock-file", str(path), "--runtime", "python3.11", "--runtime", "python3.13", *options]
    assert main(arguments) == 0
    return read(path.parent)


def read(folder: Path) -> Pylock:
    return parse_pylock((folder / "pylock.toml").read_text(), "pylock.toml")


def versions(lock: Pylock) -> list[str]:
    return [f"{package.name} {package.version}" for package in lock.packages]


@pytest.mark.usefixtures("index")
def test_requirements_are_locked_for_every_target_on_its_own(tmp_path: Path) -> None:
    """The newest that Python 3.11 can load, for its older glibc, is no reason to hold back Python 3.13."""
    (tmp_path / "requirements.txt").write_text("orders\n")
    made = lock(tmp_path / "requirements.txt")

    assert versions(made) == ["fast 1.0", "fast 2.0", "old 1.0", "orders 1.2"]
    assert made.environments
    assert len(made.environments) == 4
    path = tmp_path / "pylock.toml"
    assert resolve_file(path, "python3.11", "arm64") == [
        "fast-1.0-cp311-cp311-manylinux_2_17_aarch64.whl",
        "old-1.0-py3-none-any.whl",
        "orders-1.2-py3-none-any.whl",
    ]
    assert resolve_file(path, "python3.13", "x86_64") == [
        "fast-2.0-cp313-cp313-manylinux_2_28_x86_64.whl",
        "orders-1.2-py3-none-any.whl",
    ]


@pytest.mark.usefixtures("index")
def test_the_same_file_comes_of_the_same_requirements(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("orders\n")
    lock(tmp_path / "requirements.txt")
    first = (tmp_path / "pylock.toml").read_bytes()
    lock(tmp_path / "requirements.txt")
    again = (tmp_path / "pylock.toml").read_bytes()
    lock(tmp_path / "requirements.txt", "--upgrade")

    assert first == again == (tmp_path / "pylock.toml").read_bytes()


def test_versions_stay_until_an_upgrade(index: LocalIndex, tmp_path: Path) -> None:
    """Locking again after adding a distribution must not change the others."""
    (tmp_path / "requirements.txt").write_text("orders\n")
    lock(tmp_path / "requirements.txt")
    make_wheel(index.folder, "orders", "1.3")
    make_wheel(index.folder, "shop", "1.0")
    (tmp_path / "requirements.txt").write_text("orders\nshop\n")

    assert "orders 1.2" in versions(lock(tmp_path / "requirements.txt"))
    assert "orders 1.3" in versions(lock(tmp_path / "requirements.txt", "--upgrade"))


@pytest.mark.usefixtures("index")
def test_a_pyproject_is_locked_with_its_extras(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "x"\ndependencies = ["old"]\n[project.optional-dependencies]\nfast = ["fast<2"]\n'
    )

    assert versions(lock(tmp_path / "pyproject.toml")) == ["old 1.0"]
    assert versions(lock(tmp_path / "pyproject.toml", "--extra", "fast")) == ["fast 1.0", "old 1.0"]


def test_a_lock_file_is_converted_with_addresses(index: LocalIndex, tmp_path: Path) -> None:
    """pylock.toml cannot do without addresses, so the index is asked; versions are those that were locked."""
    wheel = index.folder / "orders-1.2-py3-none-any.whl"
    make_wheel(index.folder, "orders", "1.3")
    (tmp_path / "poetry.lock").write_text(
        '[[package]]\nname = "orders"\nversion = "1.2"\ngroups = ["main"]\n'
        f'files = [{{file = "{wheel.name}", hash = "sha256:{sha256_of(wheel)}"}}]\n'
        '[metadata]\nlock-version = "2.1"\npython-versions = ">=3.11"\n'
    )
    made = lock(tmp_path / "poetry.lock")

    assert versions(made) == ["orders 1.2"]
    assert made.packages[0].wheels
    assert made.packages[0].wheels[0].url == index.file_url(wheel.name)
    assert versions(lock(tmp_path / "pylock.toml")) == ["orders 1.2"]


@pytest.mark.parametrize("option", [["--upgrade"], ["--exclude-newer", "2026-01-01"]])
def test_a_lock_file_has_its_own_tool_to_change_versions(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: list[str]
) -> None:
    (tmp_path / "poetry.lock").write_text("x")
    output = str(tmp_path / "pylock.toml")

    assert (
        main(["lock", "--lock-file", str(tmp_path / "poetry.lock"), "--runtime", "python3.13", "-o", output, *option])
        == 3
    )
    assert "poetry.lock: is locked, so no versions are chosen" in capsys.readouterr().err


@pytest.mark.usefixtures("index")
def test_a_version_that_nothing_runs_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "requirements.txt").write_text("fast==2.0\n")

    assert main(["lock", "--lock-file", str(tmp_path / "requirements.txt"), "--runtime", "python3.11"]) == 4
    assert "fast 2.0 has no wheel for python3.11 on x86_64" in capsys.readouterr().err
    assert not (tmp_path / "pylock.toml").exists()
