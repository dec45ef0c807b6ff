"""Choose, for each distribution that a lock file names, the wheel that the target loads best."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from packaging.markers import Environment, Marker
from packaging.pylock import Package, PackageArchive, PackageSdist, PackageWheel, Pylock
from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, NormalizedName, canonicalize_name, parse_wheel_filename

from layerwright.errors import LockError, ResolutionError, render_problems
from layerwright.leave_out import leave_out
from layerwright.other_layers import OtherLayer
from layerwright.spec import Dependencies, LayerSpec
from layerwright.target import Target

_SHA256 = re.compile(r"[0-9a-f]{64}")
_ALL = ":all:"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChoice:
    """The file chosen for a distribution, and where it can be had."""

    name: NormalizedName
    version: str
    filename: str
    sha256: str
    """64 lower-case hex digits, from the lock file."""
    url: str | None = None
    path: Path | None = None
    """A file of this machine, in place of a URL."""
    index: str | None = None
    """Address of the index that has it, where there is neither URL nor path; None for the default index."""
    size: int | None = None
    """Bytes, where the lock file says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelChoice(FileChoice):
    """The wheel chosen for a distribution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SdistChoice(FileChoice):
    """The sdist that a distribution is to be built from, as somebody asked for by name."""


def resolve(
    lock: Pylock | None, spec: LayerSpec, layers: Sequence[OtherLayer] = ()
) -> tuple[WheelChoice | SdistChoice, ...]:
    """Choose one wheel for each distribution in *lock* that every target of *spec* can run, sorted by name.

    Where several wheels fit, the tag order of the first target decides, as in pip and uv. What the function has without
    it, from *layers* for instance, is left out: see `leave_out`. Of those that `dependencies.build_from_source` names
    the sdist is chosen. Folders are no choice of ours: see `find_folders`.

    Raises `ResolutionError` naming every distribution with no usable wheel, so that a person mends them in one go, and
    `LockError` where the lock file's own statements exclude a target or contradict each other.
    """
    if lock is None or spec.dependencies is None:
        return ()
    lock_name = Path(spec.dependencies.lock_file).name
    _check_lock(lock, spec, lock_name)

    choices: list[WheelChoice | SdistChoice] = []
    problems = []
    ranks = [{tag: rank for rank, tag in enumerate(target.tags)} for target in spec.targets]
    built = {_build_name(name) for name in spec.dependencies.build_from_source}
    for package in leave_out(_select(lock, spec, lock_name), spec, layers):
        try:
            if package.name in built:
                choices.append(_choose_sdist(package))
            elif not package.directory:
                choices.append(_choose_or_build(package, spec.targets, ranks, may_build=_ALL in built))
        except ResolutionError as e:
            problems.append(str(e))
    if problems:
        raise ResolutionError(f"{lock_name}: {render_problems(problems)}")
    return tuple(sorted(choices, key=lambda choice: choice.name))


def find_folders(lock: Pylock | None, spec: LayerSpec, layers: Sequence[OtherLayer] = ()) -> tuple[Path, ...]:
    """The folders of projects that *lock* has in place of files: members of a workspace, path dependencies.

    Raises `LockError` as `resolve` does.
    """
    if lock is None or spec.dependencies is None:
        return ()
    packages = leave_out(_select(lock, spec, Path(spec.dependencies.lock_file).name), spec, layers)
    return tuple(Path(package.directory.path) for package in packages if package.directory)


def warn_of_names(lock: Pylock | None, spec: LayerSpec) -> tuple[str, ...]:
    """Say which names that are to be left out or built no distribution of *lock* has: they may be misspelt."""
    locked = {package.name for package in lock.packages} if lock else set()
    built = spec.dependencies.build_from_source if spec.dependencies else ()
    named = [("dependencies.build_from_source", name) for name in built if name != _ALL]
    if not spec.prune.with_dependencies:  # then whoever reads the lock file refuses those that it does not have
        named = [*(("prune.distributions", name) for name in spec.prune.distributions), *named]
    return tuple(
        f"{field} names {name}, which the lock file does not have"
        for field, name in named
        if canonicalize_name(name) not in locked
    )


def _check_lock(lock: Pylock, spec: LayerSpec, lock_name: str) -> None:
    """Raise `LockError` where the lock file as a whole is not meant for a target."""
    for target in spec.targets:
        environment = target.marker_environment
        python = environment["python_full_version"]
        if lock.requires_python and not lock.requires_python.contains(python):
            raise LockError(
                f"{lock_name}: is locked for Python {lock.requires_python}, which {target.runtime} is not: use another "
                "runtime, or widen requires-python and lock again"
            )
        if lock.environments and not any(_holds(marker, environment) for marker in lock.environments):
            raise LockError(
                f"{lock_name}: is locked for other environments than {target}: lock again with one for "
                f"sys_platform == 'linux' and platform_machine == '{environment['platform_machine']}'"
            )


def _holds(marker: Marker, environment: Environment) -> bool:
    return marker.evaluate(cast("dict[str, str]", environment), context="requirement")


def _select(lock: Pylock, spec: LayerSpec, lock_name: str) -> list[Package]:
    """The packages of *lock* whose markers hold on any target: PEP 751, "Installation", for all targets at once."""
    selected: dict[NormalizedName, Package] = {}
    problems = []
    environments = [_lock_environment(lock, spec.dependencies or Dependencies(lock_file=""), t) for t in spec.targets]
    for package in lock.packages:
        holding = [e for e in environments if not package.marker or package.marker.evaluate(e, context="lock_file")]
        if not holding:
            continue
        python = str(holding[0]["python_full_version"])
        if package.requires_python and not package.requires_python.contains(python):
            problems.append(f"{_label(package)} needs Python {package.requires_python}, not {python}")
        if (other := selected.setdefault(package.name, package)) is not package:
            targets = "the target" if len(spec.targets) == 1 else "all the runtimes and architectures asked for"
            problems.append(f"{package.name} is locked as {_label(other)} and as {_label(package)} for {targets}")
    if problems:
        raise LockError(f"{lock_name}: {render_problems(problems)}: change the versions and lock again")
    return list(selected.values())


def _lock_environment(lock: Pylock, wanted: Dependencies, target: Target) -> dict[str, str | frozenset[str]]:
    """What the markers of a lock file see: PEP 751 adds `extras` and `dependency_groups` to the usual names."""
    groups = frozenset((*(lock.default_groups or ()), *wanted.groups))
    return {**target.marker_environment, "extras": frozenset(wanted.extras), "dependency_groups": groups}  # type: ignore[dict-item]


def _choose_or_build(
    package: Package, targets: Sequence[Target], ranks: Sequence[dict[Tag, int]], *, may_build: bool
) -> WheelChoice | SdistChoice:
    try:
        return _choose(package, targets, ranks)
    except ResolutionError:
        if may_build and _find_sdist(package):
            return _choose_sdist(package)
        raise


def _choose_sdist(package: Package) -> SdistChoice:
    sdist = _find_sdist(package)
    if sdist is None:
        raise ResolutionError(
            f"{_label(package)} is to be built from source, and the lock file has no sdist of it: take it out of "
            "dependencies.build_from_source, or lock again with one"
        )
    filename = _filename(sdist)
    return SdistChoice(
        name=package.name,
        version=str(package.version or ""),
        filename=filename,
        sha256=_sha256(package, filename, sdist.hashes),
        url=sdist.url,
        path=Path(sdist.path) if sdist.path else None,
        size=sdist.size,
    )


def _find_sdist(package: Package) -> PackageSdist | PackageArchive | None:
    if package.archive and not _archive_filename(package.archive).endswith(".whl"):
        return package.archive
    return package.sdist


def _choose(package: Package, targets: Sequence[Target], ranks: Sequence[dict[Tag, int]]) -> WheelChoice:
    """The best wheel of *package*; raises `ResolutionError` with what stands in the way."""
    if package.vcs:
        source = f"a {package.vcs.type} repository at {package.vcs.commit_id[:12]}"
        raise ResolutionError(_no_wheel(package, source, "publish it as a wheel to an index and lock that"))
    if package.archive and not _archive_filename(package.archive).endswith(".whl"):
        advice = f"build it with dependencies.build_from_source = [{package.name}], or publish it as a wheel"
        raise ResolutionError(_no_wheel(package, "a source archive", advice))

    wheels: Sequence[PackageWheel | PackageArchive] = [package.archive] if package.archive else (package.wheels or [])
    best: tuple[int, str, PackageWheel | PackageArchive] | None = None
    for wheel in wheels:
        filename = _filename(wheel)
        try:
            tags = parse_wheel_filename(filename)[3]
        except InvalidWheelFilename as e:
            raise ResolutionError(f"{_label(package)} has a wheel with an unusable name, {filename}: {e}") from e
        found = [min((rank[tag] for tag in tags if tag in rank), default=None) for rank in ranks]
        if any(rank is None for rank in found):
            continue
        candidate = (cast("int", found[0]), filename, wheel)
        best = min(best, candidate, key=lambda c: c[:2]) if best else candidate
    if best is None:
        from layerwright.nearest import explain_misfit  # only an error needs it

        raise ResolutionError(explain_misfit(_label(package), package.name, [_filename(w) for w in wheels], targets))
    return _describe(package, best[1], best[2])


def _describe(package: Package, filename: str, wheel: PackageWheel | PackageArchive) -> WheelChoice:
    return WheelChoice(
        name=package.name,
        version=str(parse_wheel_filename(filename)[1]),
        filename=filename,
        sha256=_sha256(package, filename, wheel.hashes),
        url=wheel.url,
        path=Path(wheel.path) if wheel.path else None,
        index=None if wheel.url or wheel.path else package.index,
        size=wheel.size,
    )


def _sha256(package: Package, filename: str, hashes: Mapping[str, str]) -> str:
    sha256 = hashes.get("sha256", "").lower()
    if not _SHA256.fullmatch(sha256):
        kinds = ", ".join(sorted(hashes))
        raise ResolutionError(
            f"{_label(package)}: {filename} is locked with no usable sha256 (only {kinds}): lock again"
        )
    return sha256


def _build_name(name: str) -> str:
    return name if name == _ALL else canonicalize_name(name)


def _filename(file: PackageWheel | PackageSdist | PackageArchive) -> str:
    return _archive_filename(file) if isinstance(file, PackageArchive) else file.filename


def _archive_filename(archive: PackageArchive) -> str:
    from urllib.parse import unquote, urlsplit

    return (
        unquote(urlsplit(archive.url).path if archive.url else archive.path or "").replace("\\", "/").rsplit("/", 1)[-1]
    )


def _label(package: Package) -> str:
    return f"{package.name} {package.version}" if package.version else package.name


def _no_wheel(package: Package, source: str, advice: str) -> str:
    return (
        f"{_label(package)} comes from {source}, not from a wheel: {advice}, or leave it out with prune.distributions"
    )
