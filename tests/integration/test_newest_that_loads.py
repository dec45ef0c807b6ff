"""python3.11 has glibc 2.26: of distributions that have moved on, the newest wheel that loads there, or a refusal."""

from __future__ import annotations

from importlib.metadata import distributions
from pathlib import Path

import pytest
from layerwright.errors import ResolutionError
from layerwright.lock import read_lock
from layerwright.resolve import WheelChoice, resolve
from layerwright.spec import Dependencies, LayerSpec
from support.installed import install_with_pip

pytestmark = pytest.mark.network


def choose(
    name: str, text: str, folder: Path, runtime: str = "python3.11", architecture: str = "x86_64"
) -> WheelChoice:
    (folder / "requirements.txt").write_text(f"{text}\n")
    wanted = Dependencies(lock_file=str(folder / "requirements.txt"))
    spec = LayerSpec(runtime=runtime, architecture=architecture, dependencies=wanted)
    choices = resolve(read_lock(spec, None), spec)
    return next(choice for choice in choices if isinstance(choice, WheelChoice) and choice.name == name)


@pytest.mark.parametrize(
    ("name", "architecture"),
    [
        ("confluent-kafka", "x86_64"),
        ("pyarrow", "x86_64"),
        ("pyarrow", "arm64"),
        ("pyzmq", "x86_64"),
        ("pyzmq", "arm64"),
    ],
)
def test_the_newest_that_loads_is_the_one_that_pip_takes(name: str, architecture: str, tmp_path: Path) -> None:
    """pip, told every tag of the runtime, looks at all versions of the same day; uv cannot be told of glibc 2.26."""
    ours = choose(name, name, tmp_path, architecture=architecture)
    target = LayerSpec(runtime="python3.11", architecture=architecture).target
    install_with_pip(tmp_path / "installed", target, name)
    (theirs,) = distributions(name=name, path=[str(tmp_path / "installed")])

    assert ours.version == theirs.version


@pytest.mark.parametrize(
    ("name", "floor", "older"),
    [("confluent-kafka", "2.5", "2.4.0"), ("pyarrow", "21", "20.0.0")],
)
def test_versions_that_only_a_newer_glibc_loads_are_refused_by_its_name(
    name: str, floor: str, older: str, tmp_path: Path
) -> None:
    """All their wheels say manylinux_2_28, and the function would fail at its first import."""
    with pytest.raises(ResolutionError) as refused:
        choose(name, f"{name}>={floor}", tmp_path)

    said = str(refused.value)
    assert f"{name} " in said
    assert "has no wheel for python3.11 on x86_64 (the nearest, " in said
    assert "needs glibc 2.28, the runtime has 2.26" in said
    assert "use python3.12" in said
    assert choose(name, f"{name}<{floor}", tmp_path).version == older
    assert choose(name, f"{name}>={floor}", tmp_path, "python3.12").filename.endswith("manylinux_2_28_x86_64.whl")


def test_where_no_version_loads_pip_finds_none_either(tmp_path: Path) -> None:
    """There were no wheels for arm64 before those for glibc 2.28; a pre-release is not taken in their place."""
    with pytest.raises(
        ResolutionError, match=r"on arm64 \(the nearest, .*, needs glibc 2.28, the runtime has 2.26; .*older"
    ):
        choose("confluent-kafka", "confluent-kafka", tmp_path, architecture="arm64")
    target = LayerSpec(runtime="python3.11", architecture="arm64").target
    with pytest.raises(AssertionError, match="No matching distribution found for confluent-kafka"):
        install_with_pip(tmp_path / "installed", target, "confluent-kafka")
