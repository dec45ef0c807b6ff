"""Build the wheels that no index has: of one's own projects, and of sdists where that is asked for.

Everything else here takes wheels as they are; this stage alone runs code of others, in a temporary folder, through uv
and in isolation. What comes out is written anew, so that its bytes depend on its files alone, and then goes the way of
every wheel.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from layerwright.cache import WheelCache
from layerwright.download import Downloader
from layerwright.errors import BuildError, LayerwrightError, render_problems
from layerwright.fetch import WheelFile, receive
from layerwright.indexes import Access
from layerwright.projects import Project
from layerwright.resolve import SdistChoice, WheelChoice
from layerwright.sources import read_again
from layerwright.target import Target

BUILDS = 4
"""Builds at a time; most of them wait for the index and for Python to start."""


def build_wheels(
    parts: Sequence[WheelChoice | SdistChoice | Project],
    targets: Sequence[Target],
    cache: WheelCache,
    access: Access,
) -> tuple[WheelFile, ...]:
    """Return the wheel of each of *parts* that is not one already, from *cache* or else built for *targets*.

    Raises `BuildError` with what each build backend that failed says, and if what one makes does not run on a target;
    `FetchError` if an sdist cannot be had, and `SpecError` if a project has changed since it was read.
    """
    builds = [part for part in parts if not isinstance(part, WheelChoice)]
    if not builds:
        return ()

    def build_one(part: SdistChoice | Project) -> WheelFile | LayerwrightError:
        try:
            return _find_or_build(part, targets, cache, access)
        except LayerwrightError as e:
            return e
        except OSError as e:
            return BuildError(f"{_label(part)}: cannot be built: {e}: free space for temporary files, or set TMPDIR")

    with ThreadPoolExecutor(BUILDS) as pool:
        results = list(pool.map(build_one, builds))
    problems = [result for result in results if isinstance(result, LayerwrightError)]
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise BuildError(render_problems(map(str, problems)))
    return tuple(result for result in results if isinstance(result, WheelFile))


def _find_or_build(
    part: SdistChoice | Project, targets: Sequence[Target], cache: WheelCache, access: Access
) -> WheelFile:
    # Imported here, as most layers hold nothing that has to be built.
    import tempfile

    from layerwright.wheel.judge import judge_wheel
    from layerwright.wheel_build.built import find_built, keep_built, name_build
    from layerwright.wheel_build.rewrite import rewrite_wheel

    name = name_build(part, targets)
    with cache.lock(name):
        if found := find_built(part, name, cache):
            return found
        with tempfile.TemporaryDirectory(prefix="layerwright-", ignore_cleanup_errors=True) as folder:
            built = _build(part, targets, Path(folder).resolve(), access)
            with cache.new_part() as rewritten:
                sha256 = rewrite_wheel(built, rewritten)
                wheel = judge_wheel(rewritten, filename=built.wheel.filename, sha256=sha256)
                cache.add(rewritten, wheel)
        return keep_built(part, name, wheel, cache)


def _build(part: SdistChoice | Project, targets: Sequence[Target], workshop: Path, access: Access) -> WheelFile:
    """The sound and usable wheel that a build backend makes of *part* in the empty folder *workshop*."""
    from layerwright.wheel.judge import judge_wheel
    from layerwright.wheel_build.backend import run_backend
    from layerwright.wheel_build.fit import check_fits

    label = _label(part)
    source = _copy_project(part, workshop) if isinstance(part, Project) else _receive_sdist(part, workshop, access)
    path = run_backend(source, workshop, targets[0], label, offline=access.offline)
    # Only the lock file's hashes are checked on arrival; a wheel made here has none yet, and rewriting gives it one.
    wheel = judge_wheel(path, filename=path.name, sha256="")
    if isinstance(part, SdistChoice) and (wheel.name, wheel.version) != (part.name, part.version or wheel.version):
        raise BuildError(f"{label}: builds as {wheel.filename}, which is another distribution or version: pin another")
    built = WheelFile(path=path, wheel=wheel)
    check_fits(built, targets, label)
    return built


def _copy_project(project: Project, workshop: Path) -> Path:
    """A copy of the project's files, since backends leave `build/` and `*.egg-info` where they build."""
    folder = workshop / "project"
    for file in project.files:
        copy = folder / file.path
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(read_again(file))
        # Backends carry the execute bit into the wheel, and a checkout's bits differ between machines.
        copy.chmod(0o755 if file.executable else 0o644)
    return folder


def _receive_sdist(sdist: SdistChoice, workshop: Path, access: Access) -> Path:
    # The name comes from the lock file; a path in it would lead out of the folder.
    path = workshop / re.sub(r"[/\\\x00]", "_", sdist.filename)
    with Downloader(access) as downloader:
        receive(sdist, path, downloader)
    return path


def _label(part: SdistChoice | Project) -> str:
    return f"project {part.folder}" if isinstance(part, Project) else f"{part.name} {part.version}".strip()
