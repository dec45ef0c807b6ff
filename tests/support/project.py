"""Small projects to build from: lock files for wheels that a test made."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from layerwright.resolve import SdistChoice, WheelChoice, resolve
from layerwright.spec import Dependencies, LayerSpec
from packaging.pylock import Pylock
from packaging.utils import parse_wheel_filename

from support.wheels import sha256_of


def render_pylock(
    wheels: Iterable[Path],
    *,
    url: Callable[[str], str] | None = None,
    markers: Mapping[str, str] | None = None,
    hashes: Mapping[str, str] | None = None,
) -> str:
    """A `pylock.toml` with each of *wheels* by its path, or by `url(file name)`; *hashes* lies about some SHA-256."""
    packages: dict[tuple[str, str], list[str]] = {}
    for wheel in wheels:
        name, version = map(str, parse_wheel_filename(wheel.name)[:2])
        where = f'url = "{url(wheel.name)}"' if url else f'path = "{wheel.name}"'
        sha256 = (hashes or {}).get(wheel.name) or sha256_of(wheel)
        packages.setdefault((name, version), []).append(
            f'{{ name = "{wheel.name}", {where}, hashes = {{ sha256 = "{sha256}" }} }}'
        )
    lines = ['lock-version = "1.0"', 'created-by = "tests"']
    for (name, version), rows in packages.items():
        lines += ["[[packages]]", f'name = "{name}"', f'version = "{version}"']
        if marker := (markers or {}).get(name):
            lines.append(f'marker = "{marker}"')
        lines.append(f"wheels = [{', '.join(rows)}]")
    return "\n".join(lines) + "\n"


def write_pylock(folder: Path, wheels: Iterable[Path], **options: object) -> Path:
    """Write `pylock.toml` into *folder*; see `render_pylock`."""
    path = folder / "pylock.toml"
    path.write_text(render_pylock(wheels, **options))  # type: ignore[arg-type]
    return path


def choices_for(*wheels: Path) -> tuple[WheelChoice, ...]:
    """What `resolve` would choose if the lock file named just these files."""
    return tuple(
        WheelChoice(
            name=parse_wheel_filename(wheel.name)[0],
            version=str(parse_wheel_filename(wheel.name)[1]),
            filename=wheel.name,
            sha256=sha256_of(wheel),
            path=wheel,
        )
        for wheel in wheels
    )


def lock_of(document: Mapping[str, object]) -> Pylock:
    """A lock file's model from its tables."""
    return Pylock.from_dict({"lock-version": "1.0", "created-by": "tests", **document})


def locked(name: str, version: str, *filenames: str, **fields: object) -> dict[str, object]:
    """A `[[packages]]` table whose wheels have the given names and made-up hashes."""
    wheels = [
        {"name": f, "url": f"https://index.example/{f}", "hashes": {"sha256": hashlib.sha256(f.encode()).hexdigest()}}
        for f in filenames
    ]
    return {"name": name, "version": version, "wheels": wheels, **fields}


def spec_for(runtime: str = "python3.13", **fields: object) -> LayerSpec:
    """A spec with a lock file of the usual name."""
    return LayerSpec(runtime=runtime, **{"dependencies": Dependencies(lock_file="/project/pylock.toml"), **fields})  # type: ignore[arg-type]


def choose(*packages: Any, spec: Any = None, **document: Any) -> tuple[WheelChoice | SdistChoice, ...]:
    """Resolve a lock file that has just these *packages*, and the other tables of *document*."""
    return resolve(lock_of({"packages": list(packages), **document}), spec or spec_for())
