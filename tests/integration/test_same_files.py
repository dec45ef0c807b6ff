"""The files of a layer are those that uv and pip install from the same lock file for the same target."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from layerwright.build import make_archive, plan
from layerwright.cache import WheelCache
from layerwright.spec import Dependencies, LayerSpec
from layerwright.target import ARCHITECTURES, Target
from uv import find_uv_bin

pytestmark = [pytest.mark.network, pytest.mark.slow]

EXCLUDE_NEWER = "2026-11-14"
PROJECT = """
[project]
name = "same-files"
version = "0"
requires-python = ">=3.11"
dependencies = [
  "fastapi", "pydantic", "sqlalchemy", "asyncpg", "httpx", "cryptography", "pandas",
  "pillow", "numpy", "pyarrow",
  # Later ones need a newer glibc than Lambda has under Python 3.11.
  "pillow<12; python_version < '3.12'", "numpy<2.3; python_version < '3.12'", "pyarrow<21; python_version < '3.12'",
]
"""

PRUNED = re.compile(r"(^|/)(tests?|__pycache__)/|\.(pyc|pyi|h|hh|hpp|hxx|cuh|pxd|pxi)$")
"""What pruning names, said again in other words."""

INSTALLERS_OWN = re.compile(
    r"^bin/|^\.lock$|\.dist-info/(INSTALLER|REQUESTED|RECORD|direct_url\.json|uv_[a-z_]+\.json)$"
)
"""What an installer writes about itself, or rewrites; a layer has scripts only when they are asked for."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "pyproject.toml").write_text(PROJECT)
    run_uv("lock", "--project", folder, "--exclude-newer", EXCLUDE_NEWER)
    run_uv("export", "--project", folder, "--frozen", "--no-emit-project", "--output-file", folder / "requirements.txt")
    return folder


@pytest.fixture(scope="module")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> WheelCache:
    return WheelCache(folder=tmp_path_factory.mktemp("wheels"))


def run_uv(*arguments: object) -> None:
    ran = subprocess.run([find_uv_bin(), *map(str, arguments)], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def install_with_uv(project: Path, folder: Path, target: Target) -> None:
    machine = ARCHITECTURES[target.architecture]
    major, minor = target.glibc
    run_uv(
        *("pip", "install", "--target", folder, "--requirements", project / "requirements.txt", "--no-deps"),
        *("--require-hashes", "--only-binary", ":all:", "--python-platform", f"{machine}-manylinux_{major}_{minor}"),
        *("--python-version", target.marker_environment["python_full_version"]),
    )


def install_with_pip(project: Path, folder: Path, target: Target) -> None:
    """uv has no platform between glibc 2.17 and 2.28; pip takes any list of tags."""
    platforms = dict.fromkeys(tag.platform for tag in target.tags if tag.platform != "any")
    command = [
        *(sys.executable, "-m", "pip", "install", "--quiet", "--target", folder, "--no-deps", "--no-compile"),
        *("--requirement", project / "requirements.txt", "--require-hashes", "--only-binary", ":all:"),
        *("--implementation", "cp", "--python-version", ".".join(map(str, target.python))),
        *("--abi", f"cp{target.python[0]}{target.python[1]}", "--abi", "abi3", "--abi", "none"),
        *(f"--platform={platform}" for platform in platforms),
    ]
    ran = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("architecture", ["x86_64", "arm64"])
@pytest.mark.parametrize("runtime", ["python3.11", "python3.13"])
def test_a_layer_has_the_files_of_an_installation(
    runtime: str, architecture: str, project: Path, shared_cache: WheelCache, tmp_path: Path
) -> None:
    """Assembling from wheels must not differ from installing them, or bugs appear in Lambda alone."""
    spec = LayerSpec(
        runtime=runtime,
        architecture=architecture,
        dependencies=Dependencies(lock_file=str(project / "uv.lock")),
        check_limits=False,  # the ten together are larger than a layer may be
    )
    archive, _ = make_archive(plan(spec), shared_cache, tmp_path / "layer.zip")
    install = install_with_pip if runtime == "python3.11" else install_with_uv
    install(project, tmp_path / "installed", spec.target)

    with zipfile.ZipFile(archive.path) as opened:
        layer = {
            name.removeprefix("python/"): hashlib.sha256(opened.read(name)).hexdigest()
            for name in opened.namelist()
            if not name.endswith(".dist-info/RECORD")
        }
    installed = {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (tmp_path / "installed").rglob("*")
        if path.is_file() and not INSTALLERS_OWN.search(name := path.relative_to(tmp_path / "installed").as_posix())
    }
    expected = {name: sha256 for name, sha256 in installed.items() if not PRUNED.search(name)}

    assert len(expected) > 1500
    assert len(expected) < len(installed)
    assert layer == expected
