"""Which reader a lock file goes to, and what is said of one that none reads."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from layerwright.errors import LockError
from layerwright.lock import read_lock
from layerwright.spec import Dependencies, LayerSpec

ASSETS = Path(__file__).parents[1] / "assets" / "lock"


def read(path: Path, **wanted: object) -> object:
    return read_lock(
        LayerSpec(runtime="python3.13", dependencies=Dependencies(lock_file=str(path), **wanted)),  # type: ignore[arg-type]
        None,
    )


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("Pipfile", "run `pipenv lock` and use the Pipfile.lock"),
        ("environment.yml", "name a pylock.toml, uv.lock, poetry.lock, pdm.lock, Pipfile.lock"),
        ("pylock.a.b.toml", "name a pylock.toml"),
    ],
)
def test_a_format_that_is_not_read_says_how_to_get_one_that_is(tmp_path: Path, name: str, advice: str) -> None:
    """Whoever has another tool's project should be one command away from a layer."""
    (tmp_path / name).write_text("something")

    with pytest.raises(LockError) as refused:
        read(tmp_path / name)

    assert str(refused.value).startswith(f"{name}: is not a lock file that is read here: ")
    assert advice in str(refused.value)


@pytest.mark.parametrize("name", ["pylock.toml", "pylock.lambda.toml"])
def test_a_pylock_is_known_by_its_name(tmp_path: Path, name: str) -> None:
    """Both names are the standard's."""
    shutil.copy(ASSETS / "pylock.good.toml", tmp_path / name)

    assert read(tmp_path / name)


def test_a_format_that_is_given_beats_the_name(tmp_path: Path) -> None:
    shutil.copy(ASSETS / "pylock.good.toml", tmp_path / "lock.txt")

    assert read(tmp_path / "lock.txt", format="pylock")


def test_a_requirements_file_has_no_groups_to_choose(tmp_path: Path) -> None:
    """Ignoring a group that somebody asked for leaves its distributions out without a word."""
    (tmp_path / "requirements.txt").write_text("orders==1.2\n")

    with pytest.raises(
        LockError, match=r"^requirements.txt: a requirements file has no extras or dependency groups \(dev\)"
    ):
        read(tmp_path / "requirements.txt", groups=("dev",))
