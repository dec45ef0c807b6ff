"""Readers of lock files: whatever the format, what comes out is a `Pylock` (PEP 751)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from layerwright.errors import LockError

if TYPE_CHECKING:
    from packaging.pylock import Pylock

    from layerwright.spec import LayerSpec
    from layerwright.store import Store

_FORMATS = {
    r"pylock(\.[^.]+)?\.toml": "pylock",
    r"uv\.lock": "uv",
    r"poetry\.lock": "poetry",
    r"pdm\.lock": "pdm",
    r"Pipfile\.lock": "pipfile",
    r"pyproject\.toml": "pyproject",
    r".+\.(txt|in)": "requirements",
}
"""Pattern of the file's name → how to read it."""

_EXPORTS = {
    "Pipfile": "run `pipenv lock` and use the Pipfile.lock that it writes",
}
"""What to do with a file that is not read."""


def read_lock(spec: LayerSpec, store: Store | None) -> Pylock | None:
    """Return what the lock file of *spec* says, or None if it has none; paths of wheels in it are absolute.

    Requirements that are not locked are resolved once and kept in *store*; without one they are resolved each time.
    Raises `LockError` naming the file and what to do about it; for requirements also what `unlocked.read_requirements`
    raises.
    """
    wanted = spec.dependencies
    if wanted is None:
        return None
    path = Path(wanted.lock_file)
    lock_format = wanted.format or format_of(path)
    left_out = spec.prune.distributions if spec.prune.with_dependencies else ()
    if left_out and lock_format != "uv":
        raise LockError(
            f"{path.name}: does not say what the project itself needs, so what else can go with {', '.join(left_out)} "
            "is not known: name that in prune.distributions too, without prune.with_dependencies, or use a uv.lock"
        )
    if wanted.package and lock_format != "uv":
        raise LockError(
            f"{path.name}: has no members to choose from ({wanted.package}): leave dependencies.package out, which is "
            "for the uv.lock of a workspace"
        )
    match lock_format:
        case "pylock":
            from layerwright.lock.pylock import read_pylock

            return read_pylock(path, wanted)
        case "uv":
            from layerwright.lock.uv import read_uv_lock

            return read_uv_lock(path, wanted, left_out)
        case "poetry":
            from layerwright.lock.poetry import read_poetry_lock

            return read_poetry_lock(path, wanted, spec.targets)
        case "pdm":
            from layerwright.lock.pdm import read_pdm_lock

            return read_pdm_lock(path, wanted, spec.targets)
        case "pipfile":
            from layerwright.lock.pipfile import read_pipfile_lock

            return read_pipfile_lock(path, spec, store)
        case "pyproject":
            from layerwright.lock.pyproject import read_pyproject

            return read_pyproject(path, spec, store)
        case _:
            from layerwright.lock.unlocked import read_requirements

            return read_requirements(path, spec, store)


def format_of(path: Path) -> str:
    """How the file at *path* is read, going by its name: one of the values of `dependencies.format`.

    Raises `LockError` with what to do where the name does not say.
    """
    for pattern, known in _FORMATS.items():
        if re.fullmatch(pattern, path.name):
            return known
    advice = _EXPORTS.get(path.name) or (
        "name a pylock.toml, uv.lock, poetry.lock, pdm.lock, Pipfile.lock, requirements.txt or pyproject.toml, or say "
        "with format which of these it is"
    )
    raise LockError(f"{path.name}: is not a lock file that is read here: {advice}")
