"""Real wheels whose files need more than their tags say are refused, and the same wheels where they load are taken."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from layerwright.build import make_archive, plan
from layerwright.cache import WheelCache
from layerwright.errors import ResolutionError
from layerwright.spec import Dependencies, LayerSpec, Prune
from msgspec.structs import replace
from support.project import write_pylock

pytestmark = [pytest.mark.network, pytest.mark.slow]


def download(folder: Path, requirement: str, platform: str, python: str = "3.11") -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    command += ["--dest", str(folder), "--python-version", python, "--platform", platform, requirement]
    subprocess.run(command, check=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def spec_of(wheel: Path, runtime: str) -> LayerSpec:
    lock = write_pylock(wheel.parent, [wheel])
    return LayerSpec(runtime=runtime, dependencies=Dependencies(lock_file=str(lock)))


@pytest.mark.parametrize(
    ("requirement", "platform", "tag"),
    [
        ("confluent-kafka==2.11.1", "manylinux_2_28_x86_64", "manylinux2014_x86_64"),
        ("confluent-kafka==2.11.1", "manylinux_2_28_aarch64", "manylinux2014_aarch64"),
    ],
)
def test_a_wheel_tagged_for_an_older_glibc_than_it_needs_is_refused(
    requirement: str, platform: str, tag: str, tmp_path: Path, cache: WheelCache
) -> None:
    """uv takes 2.28 for every Linux: what it installs for python3.11 fails with `GLIBC_2.28 not found` in Lambda."""
    wheel = download(tmp_path, requirement, platform)
    wheel = wheel.rename(wheel.with_name(f"{wheel.name.rsplit('-', 1)[0]}-{tag}.whl"))
    architecture = "arm64" if "aarch64" in tag else "x86_64"
    spec = replace(spec_of(wheel, "python3.11"), architecture=architecture)

    name, _, version = requirement.partition("==")
    with pytest.raises(ResolutionError) as e:
        make_archive(plan(spec), cache, tmp_path / "layer.zip")
    assert f"{name} {version}: " in str(e.value)
    assert "python3.11 has GLIBC_2.26: use python3.12, or pin" in str(e.value)
    assert not (tmp_path / "layer.zip").exists()


def test_a_wheel_for_just_the_glibc_of_the_runtime_is_taken(tmp_path: Path, cache: WheelCache) -> None:
    """pyzmq is tagged for 2.26 and 2.28 at once, and loads with both."""
    wheel = download(tmp_path, "pyzmq==27.1.0", "manylinux_2_28_x86_64")
    archive, manifest = make_archive(plan(spec_of(wheel, "python3.11")), cache, tmp_path / "layer.zip")

    assert archive.path.exists()
    assert sum(file.elf is not None for file in manifest.files) >= 2


def test_a_program_that_is_newer_than_its_tag_is_refused_where_it_does_not_start(
    tmp_path: Path, cache: WheelCache
) -> None:
    """playwright 1.44.0 is tagged manylinux1 (glibc 2.5), and its node needs 2.28."""
    wheel = download(tmp_path, "playwright==1.44.0", "manylinux1_x86_64")

    with pytest.raises(ResolutionError, match=r"driver/node needs GLIBC_2\.28 of libc\.so\.6, python3\.11 has"):
        make_archive(plan(spec_of(wheel, "python3.11")), cache, tmp_path / "layer.zip")
    make_archive(plan(spec_of(wheel, "python3.12")), cache, tmp_path / "layer.zip")


def test_a_library_that_lambda_lacks_is_named_and_can_come_from_elsewhere(tmp_path: Path, cache: WheelCache) -> None:
    wheel = download(tmp_path, "lightgbm==3.3.5", "manylinux1_x86_64")
    spec = spec_of(wheel, "python3.13")

    with pytest.raises(ResolutionError, match=r"lightgbm/lib_lightgbm\.so needs libgomp\.so\.1"):
        make_archive(plan(spec), cache, tmp_path / "layer.zip")
    make_archive(plan(replace(spec, provided_libraries=("libgomp.so.1",))), cache, tmp_path / "layer.zip")
    make_archive(plan(replace(spec, prune=Prune(drop=("lib_lightgbm.so",)))), cache, tmp_path / "layer.zip")
