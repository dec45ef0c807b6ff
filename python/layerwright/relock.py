"""Make one pylock.toml for several targets out of any lock file, or of requirements that nobody locked."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from msgspec import structs
from packaging.markers import Marker
from packaging.pylock import Package, PackageWheel, Pylock
from packaging.version import Version

from layerwright.download import CONNECTIONS, Downloader
from layerwright.errors import LockError
from layerwright.indexes import read_access
from layerwright.lock import format_of, read_lock
from layerwright.lock.graph import target_marker
from layerwright.lock.named_files import join_markers
from layerwright.lock.newest import resolve_newest
from layerwright.lock.pylock import localise, make_portable, parse_pylock, render_pylock
from layerwright.lock.pyproject import read_project_text
from layerwright.lock.requirements import RequirementText
from layerwright.lock.text import read_text
from layerwright.lock.unlocked import read_unlocked_text
from layerwright.resolve import WheelChoice, find_folders, resolve
from layerwright.spec import Dependencies, LayerSpec
from layerwright.target import Target


def make_pylock(spec: LayerSpec, output: Path, *, upgrade: bool, exclude_newer: str) -> bytes:
    """Return a pylock.toml for all targets of *spec*, each on its own, with the extras and groups that it asks for.

    A lock file is converted: versions stay. Requirements are resolved, and keep the versions that *output*, the file to
    be written, has, unless *upgrade*. The same inputs give the same bytes. Raises what reading, choosing wheels and
    asking the index for addresses raise, and `LockError` where a wheel is a file that does not lie below *output*.
    """
    wanted = spec.dependencies or Dependencies(lock_file="")
    path = Path(wanted.lock_file)
    if (chosen_format := wanted.format or format_of(path)) in ("requirements", "pyproject"):
        text = read_project_text(path, spec) if chosen_format == "pyproject" else read_unlocked_text(path, spec)
        kept = parse_pylock(read_text(output), output.name) if output.exists() and not upgrade else None
        locks = {target: _resolve_for(target, text, path, kept, exclude_newer) for target in spec.targets}
    elif upgrade or exclude_newer:
        raise LockError(f"{path.name}: is locked, so no versions are chosen: have its own tool change them")
    else:
        found = read_lock(spec, None)
        assert found
        locks = dict.fromkeys(spec.targets, found)
    made = _put_together({target: _choose(lock, _for_one(spec, target)) for target, lock in locks.items()}, spec)
    try:
        return render_pylock(make_portable(made, output.parent))
    except ValueError as e:  # a path that is not below the folder
        raise LockError(
            f"{path.name}: a wheel in it does not lie below {output.parent}: write the file beside it"
        ) from e


def _resolve_for(target: Target, text: RequirementText, path: Path, kept: Pylock | None, exclude_newer: str) -> Pylock:
    """The versions that a layer for *target* alone would get: the older glibc of another target holds none back."""
    if kept:
        environment: Any = target.marker_environment
        held = [p for p in kept.packages if not p.marker or p.marker.evaluate(environment, context="lock_file")]
        kept = dataclasses.replace(kept, packages=held)
    lock = resolve_newest(text, [target], path.name, kept=kept, exclude_newer=exclude_newer)
    return localise(lock, path.parent, path.name)


def _choose(lock: Pylock, spec: LayerSpec) -> list[WheelChoice]:
    """The wheels for the one target of *spec*; raises `LockError` for folders, which other machines do not have."""
    if folders := find_folders(lock, spec):
        raise LockError(
            f"{Path(spec.dependencies.lock_file).name if spec.dependencies else ''}: has folders "
            f"({', '.join(folder.name for folder in folders)}), which a lock file for every machine cannot hold: leave "
            "them out of the project's dependencies, and give them in sources"
        )
    return [choice for choice in resolve(lock, spec) if isinstance(choice, WheelChoice)]


def _for_one(spec: LayerSpec, target: Target) -> LayerSpec:
    return structs.replace(
        spec,
        runtime=target.runtime,
        architecture=target.architecture,
        compatible_runtimes=(),
        compatible_architectures=(),
    )


def _put_together(chosen: Mapping[Target, Sequence[WheelChoice]], spec: LayerSpec) -> Pylock:
    """One lock file of what was *chosen* by target; a distribution that not all targets need says which do."""
    wheels: dict[tuple[str, str], dict[str, WheelChoice]] = {}
    where: dict[tuple[str, str], list[Target]] = {}
    for target, choices in chosen.items():
        for choice in choices:
            wheels.setdefault((choice.name, choice.version), {})[choice.filename] = choice
            where.setdefault((choice.name, choice.version), []).append(target)
    addresses = _find_addresses([choice for files in wheels.values() for choice in files.values()], spec)
    packages = []
    for (name, version), files in sorted(wheels.items()):
        targets = where[name, version]
        marker = "" if len(targets) == len(chosen) else join_markers("or", [target_marker(t) for t in targets])
        first = next(iter(files.values()))
        packages.append(
            Package(
                name=first.name,
                version=Version(version),
                marker=Marker(marker) if marker else None,
                index=first.index,
                wheels=[_wheel(files[filename], addresses) for filename in sorted(files)],
            )
        )
    return Pylock(
        lock_version=Version("1.0"),
        environments=[Marker(target_marker(target)) for target in chosen],
        created_by="layerwright",
        packages=packages,
    )


def _wheel(choice: WheelChoice, addresses: dict[str, str]) -> PackageWheel:
    return PackageWheel(
        name=choice.filename,
        url=None if choice.path else choice.url or addresses[choice.sha256],
        path=str(choice.path) if choice.path else None,
        size=choice.size,
        hashes={"sha256": choice.sha256},
    )


def _find_addresses(choices: Sequence[WheelChoice], spec: LayerSpec) -> dict[str, str]:
    """Where the wheels are that have no address, by SHA-256: a pylock.toml cannot do without."""
    lacking = [choice for choice in choices if not choice.url and not choice.path]
    with Downloader(read_access(spec)) as downloader, ThreadPoolExecutor(CONNECTIONS) as pool:
        found = pool.map(downloader.locate, lacking)
        return {choice.sha256: address for choice, address in zip(lacking, found, strict=True)}
