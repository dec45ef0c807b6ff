"""Run a build backend through uv, which gives it an environment of its own."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from layerwright.errors import BuildError
from layerwright.lock.command import UvError, run_uv
from layerwright.target import Target

BUILD_SECONDS = 1800.0
"""How long a build may take; large native ones take minutes."""

FIND_SECONDS = 60.0

SETTINGS = {
    "SOURCE_DATE_EPOCH": "315532800",  # 1980-01-01, the first day that a zip can tell
    "PYTHONHASHSEED": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUNBUFFERED": "1",  # so that the reason of a failure is near the end of the log
    "PYTHONUTF8": "1",
    "TZ": "UTC",
}
"""Environment variables of every build: reproducible-builds.org/docs/source-date-epoch."""


def run_backend(source: Path, workshop: Path, target: Target, label: str, *, offline: bool = False) -> Path:
    """Build the wheel of *source*, a project's folder or an sdist in the folder *workshop*, and return its path.

    The target's Python builds it if this machine has that, else the one that runs this program, which makes the same of
    pure Python. If *offline*, build backends come from uv's cache alone. Raises `BuildError` with the end of what the
    backend said.
    """
    wheels = workshop / "wheels"
    # uv takes its settings from the nearest uv.toml or pyproject.toml: not from one in or above the temporary folder.
    (workshop / "uv.toml").touch()
    # hatchling looks for the patterns of a .gitignore in the folders above the project, too.
    (workshop / ".gitignore").touch()
    command = ["build", "--wheel", "--out-dir", str(wheels), "--no-create-gitignore", "--no-sources"]
    command += ["--python", find_python(target, workshop) or sys.executable, "--no-python-downloads", str(source)]
    command += ["--offline"] if offline else []
    try:
        run_uv(command, folder=workshop, timeout=BUILD_SECONDS, asks_index=True, build_settings=SETTINGS)
    except UvError as e:
        said = str(e).replace(f"{workshop}{os.sep}", "")
        raise BuildError(f"{label}: cannot be built: {said}") from e
    made = sorted(wheels.glob("*.whl"))
    if len(made) != 1:
        raise BuildError(f"{label}: its build made {len(made)} wheels, not one: see its build backend")
    return made[0]


def find_python(target: Target, folder: Path) -> str | None:
    """Path of an interpreter of the target's minor version on this machine, if it has one."""
    version = ".".join(map(str, target.python))
    command = ["python", "find", version, "--system", "--no-python-downloads", "--no-project"]
    try:
        return run_uv(command, folder=folder, timeout=FIND_SECONDS, build_settings={}).strip() or None
    except UvError:
        return None
