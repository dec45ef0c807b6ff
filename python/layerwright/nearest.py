"""Say why no wheel of a distribution fits, by the one that comes nearest, and what would help."""

from __future__ import annotations

import re
from collections.abc import Sequence

from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from layerwright.target import ARCHITECTURES, Target, read_runtimes

_MANYLINUX = re.compile(r"manylinux_(\d+)_(\d+)_(\w+)")
_OLD_MANYLINUX = {"manylinux2014": (2, 17), "manylinux2010": (2, 12), "manylinux1": (2, 5)}


def explain_misfit(
    label: str, name: str, filenames: Sequence[str], targets: Sequence[Target], *, tried: Sequence[str] = ()
) -> str:
    """One sentence: which wheel of *label* comes nearest to running on all *targets*, why it does not, what to do.

    *tried* are older versions, newest first, that are known not to fit either.
    """
    where = " and ".join(str(target) for target in targets)
    if not filenames:
        return (
            f"{label} has no wheel at all, only its source: pin a version that has wheels, build it with "
            f"dependencies.build_from_source = [{name}], or leave it out with prune.distributions"
        )
    misfits = [misfit for filename in filenames for misfit in _misfits(filename, targets)]
    if not misfits:
        return f"{label} has no one wheel for {where}: build a layer for each"
    _, filename, why = min(misfits)
    advice = [f"use {runtime}" for runtime in _runtimes_that_fit(filenames, targets)[:1]]
    version = label.removeprefix(name).strip()
    if tried:
        why += f"; {len(tried)} older versions, down to {tried[-1]}, do not fit either"
        advice.append(f"leave {name} out with prune.distributions")
    else:
        advice.append(f"pin {name}<{version}" if version else f"pin another version of {name}")
    return f"{label} has no wheel for {where} (the nearest, {filename}, {why}): {', or '.join(advice)}"


def _misfits(filename: str, targets: Sequence[Target]) -> list[tuple[tuple[int, int], str, str]]:
    """Why the wheel fits a target not, best tag first: `((distance, rank), file name, reason)`."""
    try:
        tags = parse_wheel_filename(filename)[3]
    except InvalidWheelFilename:
        return []
    return [
        (distance, filename, why)
        for target in targets
        if not tags & set(target.tags)
        for distance, why in (min(_explain_tag(tag, target) for tag in tags),)
    ]


def _explain_tag(tag: Tag, target: Target) -> tuple[tuple[int, int], str]:
    """How far *tag* is from *target* and why: another glibc is nearer than another Python, than another machine."""
    machine = ARCHITECTURES[target.architecture]
    needed = _needed_glibc(tag.platform)
    right_python = any((tag.interpreter, tag.abi) == (known.interpreter, known.abi) for known in target.tags)
    if needed and needed[1] == machine:
        (major, minor), _ = needed
        if right_python:
            have = ".".join(map(str, target.glibc))
            return (0, minor), f"needs glibc {major}.{minor}, the runtime has {have}"
        return (1, minor), f"is for {tag.interpreter}-{tag.abi}, the runtime is cp{target.python[0]}{target.python[1]}"
    if tag.platform == "any":
        return (2, 0), f"is for {tag.interpreter}, the runtime is cp{target.python[0]}{target.python[1]}"
    if tag.platform == f"linux_{machine}":
        return (3, 0), f"is tagged {tag.platform}, which does not say what glibc it needs"
    if needed:
        return (4, 0), f"is for {needed[1]} machines, not {machine}"
    if tag.platform.startswith("musllinux"):
        return (5, 0), "is for musl, the runtime has glibc"
    return (6, 0), f"is for {tag.platform}, the runtime is Linux"


def _needed_glibc(platform: str) -> tuple[tuple[int, int], str] | None:
    """glibc and machine of a manylinux platform tag: `((2, 28), "x86_64")`."""
    if new := _MANYLINUX.fullmatch(platform):
        return (int(new[1]), int(new[2])), new[3]
    old, _, machine = platform.partition("_")
    return (_OLD_MANYLINUX[old], machine) if old in _OLD_MANYLINUX else None


def _runtimes_that_fit(filenames: Sequence[str], targets: Sequence[Target]) -> list[str]:
    """Runtimes on which some wheel would run, the nearest newer one first, then older ones."""
    architecture, python = targets[0].architecture, targets[0].python
    known = [Target(runtime=name, architecture=architecture) for name in read_runtimes()]
    fitting = [
        target
        for target in known
        if any(parse_wheel_filename(filename)[3] & set(target.tags) for filename in filenames)
    ]
    fitting.sort(key=lambda target: (target.python < python, abs(target.python[1] - python[1])))
    return [target.runtime for target in fitting]
