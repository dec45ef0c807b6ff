"""Building one's own projects, by a build backend that needs no index."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from layerwright.archive import Archive
from layerwright.build import make_archive, plan
from layerwright.cache import WheelCache
from layerwright.errors import BuildError, FetchError, LockError, ResolutionError, SpecError
from layerwright.manifest import Manifest
from layerwright.spec import Dependencies, LayerSpec, Source
from support.project import write_pylock
from support.projects import BUILD_LOG, pack_sdist, write_files, write_project
from support.wheels import make_wheel, sha256_of

PYTHON = f"cp{sys.version_info[0]}{sys.version_info[1]}"
NATIVE = f"{PYTHON}-{PYTHON}-linux_x86_64"
HERE = f"python{sys.version_info[0]}.{sys.version_info[1]}"


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "builds.log"
    monkeypatch.setenv(BUILD_LOG, str(path))
    return path


def spec_of(*folders: Path, lock: Path | None = None, runtime: str = HERE, **fields: object) -> LayerSpec:
    wanted = {name: fields.pop(name) for name in ("build_from_source",) if name in fields}
    return LayerSpec(
        runtime=runtime,
        sources=tuple(Source(path=str(folder)) for folder in folders),
        dependencies=Dependencies(lock_file=str(lock), **wanted) if lock else None,  # type: ignore[arg-type]
        **fields,  # type: ignore[arg-type]
    )


def build(spec: LayerSpec, cache: WheelCache, path: Path) -> tuple[Archive, Manifest]:
    return make_archive(plan(spec), cache, path)


def builds(log: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def test_a_project_is_installed_as_pip_would(cache: WheelCache, tmp_path: Path) -> None:
    """Code of one's own asks importlib.metadata for its version and its plugins, too."""
    folder = write_project(tmp_path / "a", files={"orders/__init__.py": "def main(): pass", "orders/data/r.json": "{}"})
    archive, manifest = build(spec_of(folder), cache, tmp_path / "layer.zip")
    with zipfile.ZipFile(archive.path) as opened:
        opened.extractall(tmp_path / "opt")
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import orders, importlib.metadata as m, json; "
        "print(json.dumps([orders.__file__, m.version('orders'), sorted(map(str, m.files('orders'))), "
        "[e.value for e in m.entry_points(group='console_scripts') if e.name == 'orders'], "
        "all(f.locate().stat().st_size == f.size for f in m.files('orders') if f.size)]))"
    )
    ran = subprocess.run(
        [sys.executable, "-I", "-c", code, str(tmp_path / "opt" / "python")], capture_output=True, text=True, check=True
    )

    assert json.loads(ran.stdout) == [
        str(tmp_path / "opt" / "python" / "orders" / "__init__.py"),
        "1.2",
        [
            *("orders-1.2.dist-info/METADATA", "orders-1.2.dist-info/RECORD", "orders-1.2.dist-info/WHEEL"),
            *("orders-1.2.dist-info/entry_points.txt", "orders/__init__.py", "orders/data/r.json"),
        ],
        ["orders:main"],
        True,
    ]
    assert manifest.imports == ("orders",)
    assert [(d.name, d.built_from, d.reproducible) for d in manifest.distributions] == [("orders", "project", True)]


def test_the_same_files_give_the_same_bytes(cache: WheelCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two machines build the same layer, with other umasks, folders, zlibs and patch releases of the backend."""
    first = write_project(tmp_path / "first", files={"orders/__init__.py": "x = 1\n" * 99, "orders/run": "#!/bin/sh\n"})
    archive, _ = build(spec_of(first), cache, tmp_path / "first.zip")
    expected = (archive.sha256, plan(spec_of(first)).digest)

    found = set()
    for umask in (0o022, 0o077):
        monkeypatch.setenv("TZ", f"XYZ{umask % 12}")
        previous = os.umask(umask)
        try:
            copy = Path(shutil.copytree(first, tmp_path / str(umask) / "elsewhere", copy_function=shutil.copyfile))
            other = WheelCache(folder=tmp_path / f"cache-{umask}")
            for _ in range(2):  # the second finds the wheel that the first has built
                again, _ = build(spec_of(copy), other, tmp_path / f"{umask}.zip")
                found.add((again.sha256, plan(spec_of(copy)).digest))
        finally:
            os.umask(previous)

    assert found == {expected}
    with zipfile.ZipFile(archive.path) as opened:
        modes = {entry.filename: entry.external_attr >> 16 & 0o777 for entry in opened.infolist()}
    assert modes["python/orders/run"] == 0o755
    assert set(modes.values()) == {0o644, 0o755}


def test_another_version_of_the_backend_gives_the_same_bytes(tmp_path: Path) -> None:
    """It writes its version into WHEEL, where nothing reads it; the layer would be another for it."""
    hashes = set()
    for generator in ("tests-1", "tests-2"):
        folder = write_project(tmp_path / generator, generator=generator)
        cache = WheelCache(folder=tmp_path / f"cache-{generator}")
        hashes.add(build(spec_of(folder), cache, tmp_path / "layer.zip")[0].sha256)

    assert len(hashes) == 1


def test_nothing_is_written_beside_the_project(cache: WheelCache, tmp_path: Path, log: Path) -> None:
    """A `build/` left in a checkout gets into the next wheel, and shows up in git."""
    folder = write_project(tmp_path / "a")
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}

    build(spec_of(folder), cache, tmp_path / "layer.zip")

    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    assert not Path(str(builds(log)[0]["folder"])).exists()


def test_a_second_build_builds_nothing(cache: WheelCache, tmp_path: Path, log: Path) -> None:
    folder = write_project(tmp_path / "a")
    for _ in range(2):
        build(spec_of(folder), cache, tmp_path / "layer.zip")
    assert len(builds(log)) == 1

    (folder / "src" / "orders" / "__init__.py").write_text("changed = True")
    build(spec_of(folder), cache, tmp_path / "layer.zip")
    assert len(builds(log)) == 2


@pytest.mark.parametrize("spoil", ["note", "wheel", "index"])
def test_a_spoilt_cache_costs_a_build_and_nothing_else(
    spoil: str, cache: WheelCache, tmp_path: Path, log: Path
) -> None:
    folder = write_project(tmp_path / "a")
    first, _ = build(spec_of(folder), cache, tmp_path / "first.zip")
    pattern = {"note": "built/*", "wheel": "??/*.whl", "index": "??/*.index"}[spoil]
    for path in cache.folder.glob(pattern):
        path.write_bytes(b"spoilt")

    assert build(spec_of(folder), cache, tmp_path / "second.zip")[0].sha256 == first.sha256
    assert len(builds(log)) == 2


def test_a_plan_builds_nothing(tmp_path: Path, log: Path) -> None:
    planned = plan(spec_of(write_project(tmp_path / "a")))

    assert planned.packages == ["orders==1.2"]
    assert builds(log) == []


def test_a_build_sees_its_files_and_not_the_machine(
    cache: WheelCache, tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a person's shell holds must not reach a layer that others will find under the same name."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("HATCH_X", "1")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    folder = write_project(tmp_path / "a")
    write_files(folder, {".gitignore": "secret.py", "secret.py": "", ".env": ""})
    build(spec_of(folder), cache, tmp_path / "layer.zip")

    seen = builds(log)[0]
    assert seen["files"] == ["backend.py", "pyproject.toml", "src", "wheel.txt"]
    assert (seen["SOURCE_DATE_EPOCH"], seen["PYTHONHASHSEED"]) == ("315532800", "0")
    assert (seen["PYTHONPATH"], seen["HATCH_X"]) == (None, None)


def test_a_build_that_fails_is_told_with_the_end_of_its_log(cache: WheelCache, tmp_path: Path) -> None:
    folder = write_project(tmp_path / "a")
    (folder / "fail.txt").write_text("there is no compiler")

    with pytest.raises(BuildError) as e:
        build(spec_of(folder), cache, tmp_path / "layer.zip")

    assert str(e.value).startswith(f"project {folder}: cannot be built: ")
    assert "RuntimeError: there is no compiler" in str(e.value)
    assert not list(cache.folder.glob("part-*"))
    assert not list(cache.folder.glob("built/*"))


def test_builds_that_fail_are_told_together(cache: WheelCache, tmp_path: Path) -> None:
    """Mending one, planning again and meeting the next costs an afternoon."""
    folders = [write_project(tmp_path / name, name) for name in ("one", "two", "three")]
    for folder in folders[:2]:
        (folder / "fail.txt").write_text(f"no compiler for {folder.name}")

    with pytest.raises(BuildError, match=r"no compiler for one.*; project .*no compiler for two"):
        build(spec_of(*folders), cache, tmp_path / "layer.zip")


def test_a_project_that_changes_meanwhile_is_not_built(cache: WheelCache, tmp_path: Path, log: Path) -> None:
    """It would be stored under the name of what it was before."""
    folder = write_project(tmp_path / "a")
    planned = plan(spec_of(folder))
    (folder / "src" / "orders" / "__init__.py").write_text("changed = True")

    with pytest.raises(SpecError, match=r"__init__\.py: changed while the archive was being made: run again"):
        make_archive(planned, cache, tmp_path / "layer.zip")
    assert builds(log) == []


def test_a_backend_that_makes_an_unsound_wheel_is_refused(cache: WheelCache, tmp_path: Path) -> None:
    """It is judged as any other, also for what a backend of one's own may get wrong."""
    folder = write_project(tmp_path / "a")
    backend = folder / "backend.py"
    backend.write_text(backend.read_text().replace("{len(data)}", "7"))

    with pytest.raises(FetchError, match=r"orders-1\.2-py3-none-any\.whl: .* bytes, RECORD says 7"):
        build(spec_of(folder), cache, tmp_path / "layer.zip")


@pytest.mark.parametrize(
    ("tag", "spec", "glibc", "says"),
    [
        ("cp36-cp36-linux_x86_64", {}, "2.17", "this machine has no Python"),
        (NATIVE, {"architecture": "arm64"}, "2.17", "it needs a Linux machine of aarch64"),
        (NATIVE, {"compatible_architectures": ("arm64",)}, "2.17", "it needs a Linux machine of aarch64"),
        (NATIVE.replace("linux_x86_64", "macosx_11_0_arm64"), {}, "2.17", "it needs a Linux machine of x86_64"),
        (NATIVE, {}, "2.99", "this machine has glibc 2.99, the runtime 2."),
        (NATIVE, {}, "", "this machine has glibc none, the runtime 2."),
    ],
)
def test_a_native_wheel_that_the_target_cannot_load_is_refused(
    tag: str,
    spec: dict[str, Any],
    glibc: str,
    says: str,
    cache: WheelCache,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In Lambda it would be an ImportError at the first event."""
    monkeypatch.setattr("platform.libc_ver", lambda: ("glibc" if glibc else "", glibc))
    folder = write_project(tmp_path / "a", tag=tag)

    with pytest.raises(BuildError, match=says):
        build(spec_of(folder, **spec), cache, tmp_path / "layer.zip")


def test_a_native_wheel_of_an_old_enough_machine_is_taken_and_marked(
    cache: WheelCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.libc_ver", lambda: ("glibc", "2.17"))
    _, manifest = build(spec_of(write_project(tmp_path / "a", tag=NATIVE)), cache, tmp_path / "layer.zip")

    assert [(d.wheel, d.reproducible) for d in manifest.distributions] == [(f"orders-1.2-{NATIVE}.whl", False)]


def test_a_project_that_the_lock_file_has_too_is_refused(cache: WheelCache, tmp_path: Path) -> None:
    """Which of the two a function imports would be chance."""
    lock = write_pylock(tmp_path, [make_wheel(tmp_path, "orders", "3.0")])

    with pytest.raises(SpecError, match=r"orders comes as orders-3\.0-py3-none-any\.whl and as orders-1\.2-py3-none"):
        build(spec_of(write_project(tmp_path / "a"), lock=lock), cache, tmp_path / "layer.zip")


def test_folders_of_the_lock_file_are_built(cache: WheelCache, tmp_path: Path) -> None:
    """Members of a workspace and path dependencies, beside the lock file's folder too."""
    write_project(tmp_path / "shared" / "prices", "prices")
    (tmp_path / "app").mkdir()
    lock = tmp_path / "app" / "pylock.toml"
    lock.write_text(
        'lock-version = "1.0"\ncreated-by = "tests"\n[[packages]]\nname = "prices"\n'
        'directory = { path = "../shared", subdirectory = "prices", editable = true }\n'
    )
    archive, manifest = build(spec_of(lock=lock, kind="function"), cache, tmp_path / "layer.zip")

    assert [(d.name, d.version) for d in manifest.distributions] == [("prices", "1.2")]
    assert "prices/__init__.py" in zipfile.ZipFile(archive.path).namelist()


def write_sdist_lock(folder: Path, sdist: Path, *, sha256: str = "", wheels: tuple[Path, ...] = ()) -> Path:
    rows = ", ".join(
        f'{{ name = "{w.name}", path = "{w.name}", hashes = {{ sha256 = "{sha256_of(w)}" }} }}' for w in wheels
    )
    path = folder / "pylock.toml"
    sha256 = sha256 or sha256_of(sdist)
    path.write_text(
        'lock-version = "1.0"\ncreated-by = "tests"\n[[packages]]\nname = "orders"\nversion = "1.2"\n'
        f'sdist = {{ name = "{sdist.name}", path = "{sdist.name}", hashes = {{ sha256 = "{sha256}" }} }}\n'
        + (f"wheels = [{rows}]\n" if wheels else "")
    )
    return path


@pytest.fixture
def sdist(tmp_path: Path) -> Path:
    return pack_sdist(tmp_path, write_project(tmp_path / "sources" / "orders"), "orders", "1.2")


def test_no_code_of_others_runs_unless_it_is_asked_for(sdist: Path, tmp_path: Path, log: Path) -> None:
    lock = write_sdist_lock(tmp_path, sdist)

    with pytest.raises(
        ResolutionError, match=r"only its source: pin .*, build it with .*build_from_source = \[orders\]"
    ):
        plan(spec_of(lock=lock))
    assert builds(log) == []


@pytest.mark.parametrize("named", ["Orders", ":all:"])
def test_an_sdist_is_built_when_it_is_asked_for(
    named: str, sdist: Path, cache: WheelCache, tmp_path: Path, log: Path
) -> None:
    spec = spec_of(lock=write_sdist_lock(tmp_path, sdist), build_from_source=(named,))
    planned = plan(spec)
    assert builds(log) == []
    assert planned.packages == ["orders==1.2"]

    for _ in range(2):
        archive, manifest = make_archive(planned, cache, tmp_path / "layer.zip")

    assert len(builds(log)) == 1
    assert "python/orders/__init__.py" in zipfile.ZipFile(archive.path).namelist()
    assert [(d.name, d.built_from, d.reproducible) for d in manifest.distributions] == [("orders", sdist.name, False)]


def test_all_is_for_those_without_a_usable_wheel(sdist: Path, tmp_path: Path) -> None:
    """Building numpy because one small distribution has no wheel is what nobody means."""
    lock = write_sdist_lock(tmp_path, sdist, wheels=(make_wheel(tmp_path, "orders", "1.2"),))
    plans = {named: plan(spec_of(lock=lock, build_from_source=(named,))) for named in (":all:", "orders")}

    assert plans[":all:"].wheels[0].filename == "orders-1.2-py3-none-any.whl"
    assert plans["orders"].wheels[0].filename == sdist.name
    assert plans[":all:"].digest != plans["orders"].digest


def test_a_wheel_and_an_sdist_with_its_hash_are_not_the_same(sdist: Path, tmp_path: Path) -> None:
    """What is built is another layer than what is taken as it is."""
    built = plan(spec_of(lock=write_sdist_lock(tmp_path, sdist), build_from_source=("orders",)))
    wheel = make_wheel(tmp_path, "orders", "1.2")
    taken = plan(spec_of(lock=write_pylock(tmp_path, [wheel], hashes={wheel.name: sha256_of(sdist)})))

    assert built.wheels[0].sha256 == taken.wheels[0].sha256
    assert built.digest != taken.digest


def test_an_sdist_that_is_not_what_is_locked_runs_nothing(
    sdist: Path, cache: WheelCache, tmp_path: Path, log: Path
) -> None:
    lock = write_sdist_lock(tmp_path, sdist, sha256="0" * 64)

    with pytest.raises(FetchError, match=r"orders-1\.2\.tar\.gz: .* the lock file says 0000"):
        build(spec_of(lock=lock, build_from_source=("orders",)), cache, tmp_path / "layer.zip")
    assert builds(log) == []


def test_an_sdist_outside_the_folder_of_the_lock_file_is_refused(sdist: Path, tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    lock = write_sdist_lock(tmp_path / "app", sdist)
    lock.write_text(lock.read_text().replace('path = "', 'path = "../'))

    with pytest.raises(LockError, match="lies outside the folder of the lock file"):
        plan(spec_of(lock=lock, build_from_source=("orders",)))


def test_a_distribution_without_an_sdist_cannot_be_built(tmp_path: Path) -> None:
    lock = write_pylock(tmp_path, [make_wheel(tmp_path, "orders", "1.2")])

    with pytest.raises(
        ResolutionError, match=r"orders 1\.2 is to be built from source, and the lock file has no sdist"
    ):
        plan(spec_of(lock=lock, build_from_source=("orders",)))


def test_a_name_to_build_that_is_not_locked_is_told(tmp_path: Path) -> None:
    lock = write_pylock(tmp_path, [make_wheel(tmp_path, "orders", "1.2")])

    assert plan(spec_of(lock=lock, build_from_source=("oders", ":all:"))).warnings == (
        "dependencies.build_from_source names oders, which the lock file does not have",
    )
