"""What uv found for several targets, entry by entry: put together, and asked whether it serves them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from packaging.pylock import Package, PackageWheel
from packaging.tags import Tag
from packaging.utils import NormalizedName, parse_wheel_filename
from packaging.version import Version

from layerwright.target import Target


def group_packages(packages: Iterable[Package]) -> dict[NormalizedName, list[Package]]:
    """The entries of each distribution."""
    grouped: dict[NormalizedName, list[Package]] = {}
    for package in packages:
        grouped.setdefault(package.name, []).append(package)
    return grouped


def versions_of(found: Sequence[Package]) -> set[Version]:
    """The versions among entries of one distribution."""
    return {package.version for package in found if package.version}


def merge_packages(found: Sequence[Package], *, keep_sdist: bool = False) -> Package:
    """One entry with the wheels that any target was shown, without what holds for one target only."""
    wheels = {wheel.filename: wheel for package in found for wheel in package.wheels or ()}
    sdist = found[0].sdist if keep_sdist else None
    return dataclasses.replace(
        found[0],
        marker=None,
        requires_python=None,
        sdist=dataclasses.replace(sdist, upload_time=None) if sdist else None,
        wheels=[dataclasses.replace(wheels[name], upload_time=None) for name in sorted(wheels)] or None,
    )


def has_wheel_for(wheels: Sequence[PackageWheel], targets: Sequence[Target]) -> bool:
    """Whether one of *wheels* runs on all *targets*."""
    accepted: list[frozenset[Tag]] = [frozenset(target.tags) for target in targets]
    return any(all(parse_wheel_filename(wheel.filename)[3] & tags for tags in accepted) for wheel in wheels)
