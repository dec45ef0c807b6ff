"""Read requirements that are not locked: resolved once, and from then on as the store has them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from packaging.pylock import Pylock

from layerwright.command_line import render_command
from layerwright.errors import LockError, StoreError, render_problems
from layerwright.indexes import is_offline
from layerwright.lock.pylock import localise, make_portable, parse_pylock, render_pylock
from layerwright.lock.requirements import RequirementText, read_requirement_text
from layerwright.spec import LayerSpec
from layerwright.store import Store
from layerwright.target import Target


class Solver(Protocol):
    """Makes a lock file's model of requirements for some targets: see `newest.resolve_newest`."""

    def __call__(
        self,
        text: RequirementText,
        targets: Sequence[Target],
        lock_name: str,
        *,
        built: Sequence[str] = (),
        offline: bool = False,
    ) -> Pylock:
        """Return the model; *lock_name* is the file's name, for messages."""


RESOLUTION_CONTRACT = 1
"""Raised by hand when the same requirements are to be resolved anew."""


def read_requirements(path: Path, spec: LayerSpec, store: Store | None) -> Pylock:
    """Return the versions that the requirements file at *path* stands for, those that *store* has if it does.

    Everyone who asks the same store gets the same versions until the text, the targets or `relock` change. Raises
    `LockError` where the text or the index admits nothing, `ResolutionError` where a distribution has no wheel for the
    targets, and `StoreError` where nothing may be resolved and the store has nothing.
    """
    from layerwright.lock.newest import resolve_newest

    return resolve_once(read_unlocked_text(path, spec), path, spec, store, resolve_newest)


def resolve_once(text: RequirementText, path: Path, spec: LayerSpec, store: Store | None, solve: Solver) -> Pylock:
    """Return what *store* has for *text*, which is that of the file at *path*, or else what *solve* makes of it.

    Raises as `read_requirements` does.
    """
    if spec.upload_at == "apply":
        contents = _resolve_pinned(text, spec, path, solve)
    elif store is None:
        contents = _resolve(text, spec, path, solve)
    else:
        contents = _find_or_resolve(text, spec, path, store, solve)
    return localise(parse_pylock(contents.decode(), path.name), path.parent, path.name)


def resolution_name(text: RequirementText, spec: LayerSpec) -> str:
    """Name under which the store has what *text* was resolved to: `resolution-0123456789abcdef.toml`."""
    inputs = {
        "contract": RESOLUTION_CONTRACT,
        "text": text.canonical,
        "targets": [[target.runtime, target.architecture] for target in spec.targets],
        "relock": spec.dependencies.relock if spec.dependencies else "",
    }
    if spec.dependencies and spec.dependencies.build_from_source:
        inputs["build_from_source"] = sorted(spec.dependencies.build_from_source)
    canonical = json.dumps(inputs, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return f"resolution-{hashlib.sha256(canonical.encode()).hexdigest()[:16]}.toml"


def read_unlocked_text(path: Path, spec: LayerSpec) -> RequirementText:
    """Return what the requirements file at *path* asks for; raises `LockError` where *spec* wants extras of it."""
    wanted = spec.dependencies
    if wanted and (wanted.extras or wanted.groups):
        given = ", ".join((*wanted.extras, *wanted.groups))
        raise LockError(
            f"{path.name}: a requirements file has no extras or dependency groups ({given}): leave them out, and name "
            "the files that hold them with -r"
        )
    if wanted and ":all:" in wanted.build_from_source:
        raise LockError(
            f"{path.name}: which versions need building is not known before they are chosen: name the distributions in "
            "build_from_source in place of :all:, or use a lock file"
        )
    return read_requirement_text(path)


def _find_or_resolve(text: RequirementText, spec: LayerSpec, path: Path, store: Store, solve: Solver) -> bytes:
    name = resolution_name(text, spec)
    contents = store.find_resolution(name)
    if contents is None:
        if spec.upload_at == "never":
            raise StoreError(
                f"{path.name}: the store has no versions for it ({name}): run `{render_command(spec)}` where the "
                "package index can be reached"
            )
        contents = store.put_resolution(name, _resolve(text, spec, path, solve))
    try:
        parse_pylock(contents.decode(), name)
    except (LockError, UnicodeDecodeError) as e:
        raise StoreError(
            f"{name}: the store has something else under this name ({e}): change dependencies.relock"
        ) from e
    return contents


def _resolve_pinned(text: RequirementText, spec: LayerSpec, path: Path, solve: Solver) -> bytes:
    """Resolve what can be resolved again, at apply, with the same outcome and without a store."""
    loose = [f"{line.where}: {line.name}" for line in text.requirements if line.name not in text.pinned]
    contents = b"" if loose else _resolve(text, spec, path, solve)
    if contents:
        packages = parse_pylock(contents.decode(), path.name).packages
        loose = [f"{p.name} {p.version}, which others need" for p in packages if p.name not in text.pinned]
    if loose:
        raise LockError(
            f'{path.name}: is not pinned in full, which upload_at = "apply" needs ({render_problems(loose)}): pin each '
            'with ==, use a lock file, or set upload_at = "plan"'
        )
    return contents


def _resolve(text: RequirementText, spec: LayerSpec, path: Path, solve: Solver) -> bytes:
    """Return a pylock.toml that another machine can use: no credentials, no paths but below the file's folder."""
    built = spec.dependencies.build_from_source if spec.dependencies else ()
    solved = solve(text, spec.targets, path.name, built=built, offline=is_offline(spec))
    lock = localise(solved, path.parent, path.name)
    return render_pylock(make_portable(lock, path.parent))
