"""Read uv.lock: uv itself exports it as pylock.toml."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from packaging.pylock import Pylock
from packaging.utils import canonicalize_name

from layerwright.errors import LockError
from layerwright.lock.command import UvError, run_uv
from layerwright.lock.pylock import check_known, localise, parse_pylock
from layerwright.lock.text import parse_toml, read_text
from layerwright.spec import Dependencies

EXPORT_SECONDS = 60.0
"""A lock file of 300 distributions takes uv less than a tenth of a second."""


def read_uv_lock(path: Path, wanted: Dependencies, left_out: Sequence[str] = ()) -> Pylock:
    """Return the uv.lock at *path*: the project's dependencies, and the extras and groups *wanted*; not the project.

    Of a workspace, that is the project at its root, or else the member that is *wanted*.
    Distributions that are *left_out* are not in it, and neither is what nothing but them needs.

    No interpreter, index or writable project folder is needed. uv's default groups (`dev`) are left out: what develops
    a function does not run it. Raises `LockError` where uv cannot read it, or an extra, a group or a distribution to
    leave out is unknown.
    """
    if path.name != "uv.lock":
        raise LockError(f"{path.name}: uv reads its lock file under the name uv.lock only: rename it")
    text = read_text(path)  # says in our words what is wrong with the file as such
    if left_out:
        packages = parse_toml(text, path.name).get("package") or ()
        check_known("uv.lock", "distribution", left_out, [str(package.get("name")) for package in packages])
    project = _read_project(path)
    _check_workspace(path, project)
    # uv takes a group of any member for one of the member that is asked for.
    _check_wanted(_read_member(text, path, wanted.package) if wanted.package else project, wanted)
    arguments = ["export", "--frozen", "--format", "pylock.toml", "--no-header", "--no-default-groups"]
    # A workspace's member that the project depends on stays, for `resolve` to name: left out, it would be missed in the
    # function only. Where the root is no project, all members are what the lock file is for.
    is_one = bool(wanted.package) or "project" in project
    arguments.append("--no-emit-project" if is_one else "--no-emit-workspace")
    arguments += ["--no-config", "--offline", "--no-python-downloads"]
    arguments += [f"--package={wanted.package}"] if wanted.package else []
    arguments += [f"--extra={extra}" for extra in wanted.extras]
    arguments += [f"--group={group}" for group in wanted.groups]
    arguments += [f"--prune={name}" for name in left_out]
    try:
        exported = run_uv([*arguments, "--no-cache"], folder=path.parent, timeout=EXPORT_SECONDS)
    except UvError as e:
        raise LockError(f"uv.lock: {e}: make it anew with `uv lock`") from e
    return localise(parse_pylock(exported, path.name), path.parent, path.name)


def _read_project(path: Path) -> dict[str, Any]:
    pyproject = path.with_name("pyproject.toml")
    if not pyproject.exists():
        raise LockError(
            "uv.lock: there is no pyproject.toml beside it, which uv needs to read it: put it there, or run `uv export "
            "--format pylock.toml --output-file pylock.toml` where it is and use that file"
        )
    return parse_toml(read_text(pyproject), pyproject.name)


def _read_member(text: str, path: Path, name: str) -> dict[str, Any]:
    """The pyproject.toml of the member *name* of the workspace that *text* locks."""
    members: dict[str, str] = {}
    for package in parse_toml(text, path.name).get("package", []):
        source = package.get("source", {})
        if folder := source.get("editable") or source.get("virtual"):
            members[package.get("name", "")] = folder
    check_known(path.name, "member", [name], list(members))
    pyproject = Path(members[canonicalize_name(name)], "pyproject.toml")
    return parse_toml(read_text(path.parent / pyproject), pyproject.as_posix())


def _check_workspace(path: Path, project: dict[str, Any]) -> None:
    """Raise `LockError` where a workspace above has the folder as a member: uv would read the lock file of that."""
    if "workspace" in _table(project, "tool", "uv"):
        return
    for parent in path.parent.parents:
        pyproject = parent / "pyproject.toml"
        if not pyproject.is_file():
            continue
        workspace = _table(parse_toml(read_text(pyproject), str(pyproject)), "tool", "uv", "workspace")
        member = path.parent.relative_to(parent).as_posix()
        if _matches(member, workspace.get("members")) and not _matches(member, workspace.get("exclude")):
            raise LockError(f"uv.lock: {path.parent} is a member of the workspace {parent}: use the uv.lock of that")
        return  # uv looks no further than the first pyproject.toml above


def _matches(folder: str, patterns: object) -> bool:
    """Whether one of the glob *patterns* is of *folder*; `*` stays within a name."""
    for pattern in _strings(patterns):
        expression = re.escape(pattern.removeprefix("./").rstrip("/"))
        expression = expression.replace(r"\*\*", ".*").replace(r"\*", "[^/]*").replace(r"\?", "[^/]")
        if re.fullmatch(expression, folder):
            return True
    return False


def _check_wanted(project: dict[str, Any], wanted: Dependencies) -> None:
    if "project" not in project:
        return  # extras and groups are then those of any member, which uv knows
    if "optional-dependencies" not in _strings(_table(project, "project").get("dynamic")):
        check_known("uv.lock", "extra", wanted.extras, list(_table(project, "project", "optional-dependencies")))
    groups = set(_table(project, "dependency-groups"))
    if "dev-dependencies" in _table(project, "tool", "uv"):  # uv's own, from before PEP 735
        groups.add("dev")
    check_known("uv.lock", "dependency group", wanted.groups, list(groups))


def _table(table: dict[str, Any], *keys: str) -> dict[str, Any]:
    """The table under *keys*, or an empty one."""
    for key in keys:
        value = table.get(key)
        table = value if isinstance(value, dict) else {}
    return table


def _strings(value: object) -> list[str]:
    """The strings in a list that somebody else wrote, whatever else it is or holds."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
