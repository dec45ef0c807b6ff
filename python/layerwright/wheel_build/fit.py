"""Say whether a wheel that was built on this machine runs on the targets."""

from __future__ import annotations

import platform
from collections.abc import Sequence

from packaging.tags import Tag
from packaging.utils import parse_wheel_filename

from layerwright.errors import BuildError
from layerwright.fetch import WheelFile
from layerwright.target import ARCHITECTURES, Target


def check_fits(built: WheelFile, targets: Sequence[Target], label: str) -> None:
    """Raise `BuildError` if *built* does not run on one of *targets*.

    Its tags are those of this machine's Python and system. `linux_x86_64` says nothing of the glibc that it needs; that
    is at most this machine's.
    """
    filename = built.wheel.filename
    tags = parse_wheel_filename(filename)[3]
    for target in targets:
        if why := _explain(tags, target):
            raise BuildError(
                f"{label}: builds as {filename} on this machine, which {target} does not load ({why}): build on a "
                "machine that fits, use a version with a wheel, or publish a wheel for it to an index"
            )


def _explain(tags: frozenset[Tag], target: Target) -> str:
    """Why a wheel of *tags* that was built here does not run on *target*, or nothing."""
    if tags & set(target.tags):
        return ""
    pythons = {(tag.interpreter, tag.abi) for tag in target.tags}
    if not any((tag.interpreter, tag.abi) in pythons for tag in tags):
        major, minor = target.python
        return f"this machine has no Python {major}.{minor}, or uv does not find it"
    machine = ARCHITECTURES[target.architecture]
    if not any(tag.platform == f"linux_{machine}" for tag in tags):
        return f"it needs a Linux machine of {machine}"
    have, wanted = _glibc(), target.glibc
    if have is None or have > wanted:
        here = ".".join(map(str, have)) if have else "none"
        return f"this machine has glibc {here}, the runtime {'.'.join(map(str, wanted))}"
    return ""


def _glibc() -> tuple[int, int] | None:
    name, version = platform.libc_ver()
    if name != "glibc":
        return None
    major, minor = version.split(".")[:2]
    return int(major), int(minor)
