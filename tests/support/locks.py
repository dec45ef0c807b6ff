"""Lock files that other tools made of real projects, and what those tools install from them.

Each folder below `tests/assets/lock` that holds an `expected.json` has a tool's lock file of a real project. The file
was made against the public index; where the tool writes that index's address, it was taken out or replaced by
`https://index.example/`. `expected.json` has the wheels that pip takes for what the tool itself exported, by targets:
`main` is the project alone, `more` is with the extra `fast` and the group `batch` (or `dev`).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from layerwright.lock import read_lock
from layerwright.resolve import resolve
from layerwright.spec import Dependencies, LayerSpec

ASSETS = Path(__file__).parents[1] / "assets" / "lock"

TARGETS = [
    pytest.param(runtime, architecture, id=f"{runtime}-{architecture}")
    for runtime in ("python3.11", "python3.13")
    for architecture in ("x86_64", "arm64")
]


def read_expected(folder: Path, which: str, runtime: str, architecture: str) -> list[str]:
    """File names of the wheels that the tool itself would install, sorted."""
    expected: list[str] = json.loads((folder / "expected.json").read_text())[which][f"{runtime} {architecture}"]
    return expected


def resolve_file(path: Path, runtime: str = "python3.13", architecture: str = "x86_64", **wanted: Any) -> list[str]:
    """File names of the wheels that we choose from the lock file at *path*, sorted."""
    spec = LayerSpec(
        runtime=runtime, architecture=architecture, dependencies=Dependencies(lock_file=str(path), **wanted)
    )
    return sorted(choice.filename for choice in resolve(read_lock(spec, None), spec))
