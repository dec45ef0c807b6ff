"""Projects of every usual shape, built by the build backends that people use."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from layerwright.build import make_archive, plan
from layerwright.cache import WheelCache
from layerwright.manifest import Manifest
from layerwright.spec import Dependencies, LayerSpec, Source
from uv import find_uv_bin

pytestmark = [pytest.mark.network, pytest.mark.slow]

PROJECTS = Path(__file__).parent.parent / "assets" / "projects"

ASK = """
import importlib, importlib.metadata as metadata, json, sys
sys.path.insert(0, sys.argv[1])
module, name = sys.argv[2:]
imported = importlib.import_module(module)
assert imported.__file__.startswith(sys.argv[1]), imported.__file__
files = metadata.files(name)
assert all(file.locate().read_bytes() is not None for file in files)
assert all(file.hash.value for file in files if file.name != "RECORD")
points = [f"{e.name}={e.value}" for e in metadata.distribution(name).entry_points]
print(json.dumps([imported.value, metadata.version(name), points]))
"""


def copy(name: str, folder: Path) -> Path:
    return Path(shutil.copytree(PROJECTS / name, folder / name))


def build(spec: LayerSpec, cache: WheelCache, path: Path) -> tuple[str, Manifest]:
    archive, manifest = make_archive(plan(spec), cache, path)
    return archive.sha256, manifest


def ask(archive: Path, folder: Path, module: str, name: str) -> list[object]:
    """What Python says of a module and its distribution, when the archive is unpacked into *folder*."""
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(folder)
    command = [sys.executable, "-I", "-c", ASK, str(folder / "python"), module, name]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    answer: list[object] = json.loads(ran.stdout)
    return answer


@pytest.mark.parametrize(
    ("project", "module", "name", "answer"),
    [
        ("flat", "flat.inner", "flat", ["inner", "0.3", []]),
        ("namespace", "acme.rates", "acme-rates", ["rates", "2.0rc1", ["rates=acme.rates:value"]]),
        ("package-data", "stock", "stock", ["{}", "1.0", ["stock=stock:main"]]),
        ("src-layout", "orders", "orders", ["orders", "4.5.6", []]),
    ],
)
def test_projects_are_imported_and_found_and_always_the_same(
    project: str, module: str, name: str, answer: list[object], tmp_path: Path, cache: WheelCache
) -> None:
    """Whatever lays a project out and builds it, its layer has what an installation has, and has one name."""
    first = copy(project, tmp_path / "first")
    spec = LayerSpec(runtime="python3.13", architecture="arm64", sources=(Source(path=str(first)),))
    sha256, manifest = build(spec, cache, tmp_path / "layer.zip")

    assert ask(tmp_path / "layer.zip", tmp_path / "opt", module, name) == answer
    assert [(d.name, d.version, d.reproducible) for d in manifest.distributions] == [(name, answer[1], True)]
    assert sorted(p.name for p in first.rglob("*")) == sorted(p.name for p in (PROJECTS / project).rglob("*"))

    previous = os.umask(0o077)
    try:
        second = copy(project, tmp_path / "second" / "deep")
        other = LayerSpec(runtime="python3.13", architecture="arm64", sources=(Source(path=str(second)),))
        for attempt in range(2):
            again, _ = build(other, WheelCache(folder=tmp_path / "other-cache"), tmp_path / f"{attempt}.zip")
            assert (again, plan(other).digest) == (sha256, plan(spec).digest)
    finally:
        os.umask(previous)


def test_files_are_those_of_an_installation(tmp_path: Path, cache: WheelCache) -> None:
    spec = LayerSpec(runtime="python3.13", sources=tuple(
        Source(path=str(copy(name, tmp_path))) for name in ("flat", "namespace", "package-data", "src-layout")
    ))  # fmt: skip
    build(spec, cache, tmp_path / "layer.zip")
    command = [find_uv_bin(), "pip", "install", "--quiet", "--target", str(tmp_path / "installed"), "--no-deps"]
    subprocess.run([*command, *(source.path for source in spec.sources)], check=True)

    with zipfile.ZipFile(tmp_path / "layer.zip") as opened:
        layer = {name.removeprefix("python/"): opened.read(name) for name in opened.namelist()}
    installed = {
        path.relative_to(tmp_path / "installed").as_posix(): path.read_bytes()
        for path in (tmp_path / "installed").rglob("*")
        if path.is_file()
    }
    own = (
        "/RECORD",
        "/WHEEL",
        "/INSTALLER",
        "/REQUESTED",
        "/direct_url.json",
        "/uv_cache.json",
        "/uv_build.json",
        ".pyc",
        ".lock",
    )
    kept = {name: data for name, data in installed.items() if not name.endswith(own) and not name.startswith("bin/")}

    assert {name: data for name, data in layer.items() if not name.endswith(own)} == kept
    assert len(kept) > 10


def test_a_workspace_brings_its_members_and_path_dependencies(tmp_path: Path, cache: WheelCache) -> None:
    """Their own dependencies come from the lock file, as for everything else."""
    folder = copy("workspace", tmp_path)
    subprocess.run([find_uv_bin(), "lock", "--quiet"], cwd=folder / "app", check=True)
    spec = LayerSpec(runtime="python3.13", dependencies=Dependencies(lock_file=str(folder / "app" / "uv.lock")))
    _, manifest = build(spec, cache, tmp_path / "layer.zip")

    assert [(d.name, d.version, d.built_from) for d in manifest.distributions] == [
        ("prices", "1.1", "project"),
        ("shared", "0.1", "project"),
        ("six", "1.17.0", ""),
    ]
    assert manifest.imports == ("prices", "shared", "six")
    assert plan(spec).packages == ["prices==1.1", "shared==0.1", "six==1.17.0"]
    assert ask(tmp_path / "layer.zip", tmp_path / "opt", "shared", "shared") == ["shared", "0.1", []]


def test_a_distribution_that_has_only_an_sdist_is_built(tmp_path: Path, cache: WheelCache) -> None:
    """docopt 0.6.2, still needed by many, was never published as a wheel."""
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "app"\nversion = "0"\nrequires-python = ">=3.11"\ndependencies = ["docopt==0.6.2"]\n'
    )
    subprocess.run([find_uv_bin(), "lock", "--quiet"], cwd=tmp_path, check=True)
    wanted = Dependencies(lock_file=str(tmp_path / "uv.lock"), build_from_source=("docopt",))
    _, manifest = build(LayerSpec(runtime="python3.13", dependencies=wanted), cache, tmp_path / "layer.zip")

    assert [(d.name, d.version, d.built_from, d.reproducible) for d in manifest.distributions] == [
        ("docopt", "0.6.2", "docopt-0.6.2.tar.gz", False)
    ]
    assert "python/docopt.py" in zipfile.ZipFile(tmp_path / "layer.zip").namelist()
