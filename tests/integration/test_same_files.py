"""The files of a layer are those that uv and pip install from the same lock file for the same target."""

from __future__ import annotations

from pathlib import Path

import pytest
from layerwright.build import make_archive, plan
from layerwright.cache import WheelCache
from layerwright.spec import Dependencies, LayerSpec
from support.installed import explain_differences, install, read_installed, read_layer, run_uv, without_pruned

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
    install(tmp_path / "installed", spec.target, "-r", project / "requirements.txt", "--require-hashes")
    installed = read_installed(tmp_path / "installed")

    assert len(installed) > len(without_pruned(installed)) > 1500
    assert explain_differences(read_layer(archive.path), installed) == []
