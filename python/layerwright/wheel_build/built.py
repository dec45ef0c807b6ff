"""Remember which wheel was built of what, so that the second build of a layer builds nothing."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path

from layerwright.cache import WheelCache
from layerwright.fetch import WheelFile
from layerwright.projects import Project
from layerwright.resolve import SdistChoice
from layerwright.target import Target
from layerwright.wheel import Wheel

BUILD_CONTRACT = 1
"""Raised by hand when the same source is to be built anew."""


def name_build(part: SdistChoice | Project, targets: Sequence[Target]) -> str:
    """SHA-256 over all that decides what a build makes but the tools' versions, 64 hex digits."""
    kind = "project" if isinstance(part, Project) else "sdist"
    wanted = [[target.runtime, target.architecture] for target in targets]
    canonical = json.dumps([BUILD_CONTRACT, kind, part.sha256, wanted], separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def find_built(part: SdistChoice | Project, name: str, cache: WheelCache) -> WheelFile | None:
    """The wheel that an earlier build called *name* made of *part*, if it is still in *cache*."""
    try:
        sha256 = _note(name, cache).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    wheel = cache.find(sha256) if re.fullmatch(r"[0-9a-f]{64}", sha256) else None
    return _describe(part, wheel, cache) if wheel else None


def keep_built(part: SdistChoice | Project, name: str, wheel: Wheel, cache: WheelCache) -> WheelFile:
    """Remember that the build called *name* made *wheel*, which is in *cache*."""
    note = _note(name, cache)
    with cache.new_part() as written:
        written.write_text(f"{wheel.sha256}\n", encoding="ascii")
        note.parent.mkdir(parents=True, exist_ok=True)
        written.replace(note)
    return _describe(part, wheel, cache)


def _note(name: str, cache: WheelCache) -> Path:
    return cache.folder / "built" / name


def _describe(part: SdistChoice | Project, wheel: Wheel, cache: WheelCache) -> WheelFile:
    return WheelFile(
        path=cache.path(wheel.sha256),
        wheel=wheel,
        built_from="project" if isinstance(part, Project) else part.filename,
        # Compilers' output differs between machines, and another version of a backend may write other metadata.
        is_reproducible=isinstance(part, Project) and part.is_pinned and wheel.filename.endswith("-any.whl"),
    )
