"""Where an archive is to run: one Lambda runtime on one instruction set, and which wheels that can load."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from packaging.markers import Environment
from packaging.tags import Tag, compatible_tags, cpython_tags

from layerwright.errors import SpecError

ARCHITECTURES = {"x86_64": "x86_64", "arm64": "aarch64"}
"""Lambda's name of an instruction set → the name used in wheel tags and markers."""

UNZIPPED_LIMIT = 262_144_000
"""Bytes of files, a function's and all its layers' together (docs.aws.amazon.com, "Lambda quotas")."""

_OLDEST_GLIBC_MINOR = {"x86_64": 5, "arm64": 17}
"""The oldest glibc 2.x that manylinux ever had for an architecture: PEP 513 (x86_64) and PEP 599 (aarch64)."""

_MANYLINUX_ALIASES = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
"""glibc 2.x → the name it had before PEP 600."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """What the base image of a runtime has for compiled code."""

    libraries: frozenset[str]
    """Names under which libraries are found in it: `libc.so.6`."""
    versions: dict[str, tuple[int, ...]]
    """The highest symbol version of each kind: `{"GLIBC": (2, 34), …}`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """A managed Python runtime of Lambda."""

    name: str
    """As Lambda spells it: `python3.13`."""
    python: str
    """A patch release that the runtime has at least: `3.13.7`."""
    image: Image
    deprecated: str
    """ISO date on which AWS stops supporting it."""
    create_blocked: str
    """ISO date from which no function can be created with it."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Target:
    """A runtime and an architecture: `Target(runtime="python3.13", architecture="arm64")`.

    Raises `SpecError` where Lambda has no such runtime or architecture.
    """

    runtime: str
    architecture: str = "x86_64"

    def __post_init__(self) -> None:
        if self.runtime not in read_runtimes():
            raise SpecError(f"runtime {self.runtime!r} does not exist: use one of {', '.join(read_runtimes())}")
        if self.architecture not in ARCHITECTURES:
            raise SpecError(f"architecture {self.architecture!r} does not exist: use x86_64 or arm64")

    def __str__(self) -> str:
        return f"{self.runtime} on {self.architecture}"

    @property
    def image(self) -> Image:
        """What the runtime's base image has for compiled code."""
        return read_runtimes()[self.runtime].image

    @property
    def glibc(self) -> tuple[int, int]:
        """Version of the C library of the runtime's base image: `(2, 34)`."""
        major, minor = self.image.versions["GLIBC"]
        return major, minor

    @property
    def python(self) -> tuple[int, int]:
        """Major and minor version: `(3, 13)`."""
        major, minor = self.runtime.removeprefix("python").split(".")
        return int(major), int(minor)

    @property
    def tags(self) -> tuple[Tag, ...]:
        """Compatibility tags of the wheels it can load, best first."""
        return _tags(self)

    @property
    def marker_environment(self) -> Environment:
        """What environment markers see there (PEP 508); the kernel's release and version are unknown, hence empty."""
        major, minor = self.python
        return Environment(
            implementation_name="cpython",
            implementation_version=read_runtimes()[self.runtime].python,
            os_name="posix",
            platform_machine=ARCHITECTURES[self.architecture],
            platform_release="",
            platform_system="Linux",
            platform_version="",
            python_full_version=read_runtimes()[self.runtime].python,
            platform_python_implementation="CPython",
            python_version=f"{major}.{minor}",
            sys_platform="linux",
        )


@cache
def read_runtimes() -> dict[str, Runtime]:
    """Every Python runtime of Lambda by name, oldest first."""
    table = json.loads((Path(__file__).parent / "data" / "runtimes.json").read_bytes())
    images = {
        name: Image(
            libraries=frozenset(row["libraries"]),
            versions={kind: tuple(map(int, version.split("."))) for kind, version in row["versions"].items()},
        )
        for name, row in table["images"].items()
        if name != "$comment"
    }
    return {
        name: Runtime(
            name=name,
            python=row["python"],
            image=images[row["image"]],
            deprecated=row["deprecated"],
            create_blocked=row["create_blocked"],
        )
        for name, row in table["runtimes"].items()
    }


def manylinux_platforms(architecture: str, glibc: tuple[int, int]) -> list[str]:
    """Platform tags that run with *glibc*, newest first, each with its older alias: PEP 600."""
    machine = ARCHITECTURES[architecture]
    platforms = []
    for minor in range(glibc[1], _OLDEST_GLIBC_MINOR[architecture] - 1, -1):
        platforms.append(f"manylinux_2_{minor}_{machine}")
        if minor in _MANYLINUX_ALIASES:
            platforms.append(f"{_MANYLINUX_ALIASES[minor]}_{machine}")
    return platforms


@cache
def _tags(target: Target) -> tuple[Tag, ...]:
    platforms = manylinux_platforms(target.architecture, target.glibc)
    major, minor = target.python
    interpreter = f"cp{major}{minor}"
    return (
        *cpython_tags(target.python, [interpreter], platforms),
        *compatible_tags(target.python, interpreter, platforms),
    )
