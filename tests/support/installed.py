"""What uv and pip install for a target, to hold beside the layer that was assembled for it.

install(folder, target, "numpy==2.2.6")          # by uv, or by pip where uv has no platform for the target's glibc
explain_differences(read_layer(archive.path), read_installed(folder))    # []
"""

from __future__ import annotations

import functools
import hashlib
import re
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

from layerwright.target import ARCHITECTURES, Target
from uv import find_uv_bin

PRUNED = re.compile(r"(^|/)(tests?|__pycache__)/|\.(pyc|pyi|h|hh|hpp|hxx|cuh|pxd|pxi)$")
"""What pruning names, said again in other words."""

INSTALLERS_OWN = re.compile(
    r"^bin/|^\.lock$|^[^/]+\.dist-info/(INSTALLER|REQUESTED|RECORD|direct_url\.json|uv_[a-z_]+\.json)$"
)
"""What an installer writes about itself, or rewrites; a layer has scripts only when they are asked for."""

_RECORD = re.compile(r"[^/]+\.dist-info/RECORD")
_UV_GLIBC = re.compile(r"x86_64-manylinux_(\d+)_(\d+)")

Files = Mapping[str, tuple[str, bool]]
"""By path below site-packages: SHA-256 of the contents, and whether it is executable."""


def install(folder: Path, target: Target, *what: object) -> None:
    """Have *what* (requirements, or options that name a file of them) installed into *folder*, without dependencies."""
    if target.glibc in _glibc_that_uv_knows():
        install_with_uv(folder, target, *what)
    else:
        install_with_pip(folder, target, *what)


def install_with_uv(folder: Path, target: Target, *what: object) -> None:
    machine = ARCHITECTURES[target.architecture]
    major, minor = target.glibc
    run_uv(
        *("pip", "install", "--target", folder, *what, "--no-deps", "--only-binary", ":all:"),
        *("--python-platform", f"{machine}-manylinux_{major}_{minor}", "--python", sys.executable),
        *("--python-version", target.marker_environment["python_full_version"], "--no-config"),
    )


def install_with_pip(folder: Path, target: Target, *what: object) -> None:
    """pip takes any list of tags, so it can be told exactly what the target loads."""
    platforms = dict.fromkeys(tag.platform for tag in target.tags if tag.platform != "any")
    _run(
        *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", folder),
        *(*what, "--no-deps", "--no-compile", "--only-binary", ":all:"),
        *("--implementation", "cp", "--python-version", ".".join(map(str, target.python))),
        *("--abi", f"cp{target.python[0]}{target.python[1]}", "--abi", "abi3", "--abi", "none"),
        *(f"--platform={platform}" for platform in platforms),
    )


def run_uv(*arguments: object) -> str:
    """What uv writes to stdout."""
    return _run(find_uv_bin(), *arguments)


def read_layer(archive: Path, root: str = "python/") -> Files:
    """The files of a layer's zip; RECORD is left out, as it says other things than an installer's."""
    with zipfile.ZipFile(archive) as opened:
        return {
            path: (hashlib.sha256(opened.read(info)).hexdigest(), bool(info.external_attr >> 16 & 0o111))
            for info in opened.infolist()
            if not _RECORD.fullmatch(path := info.filename.removeprefix(root))
        }


def read_installed(folder: Path) -> Files:
    """The files that were installed, without what an installer writes about itself."""
    return {
        name: (hashlib.sha256(path.read_bytes()).hexdigest(), bool(path.stat().st_mode & 0o111))
        for path in folder.rglob("*")
        if path.is_file() and not INSTALLERS_OWN.search(name := path.relative_to(folder).as_posix())
    }


def without_pruned(installed: Files) -> Files:
    """Those of the *installed* files that a layer is to have."""
    return {name: file for name, file in installed.items() if not PRUNED.search(name)}


def explain_differences(layer: Files, installed: Files) -> list[str]:
    """A line for each path at which *layer* is not what was *installed*, but for what pruning names."""
    expected = without_pruned(installed)
    lines = []
    for path in sorted(layer.keys() | expected.keys()):
        if path not in layer:
            lines.append(f"{path}: is installed, and not in the layer")
        elif path not in expected:
            lines.append(f"{path}: is in the layer, and not installed")
        elif layer[path][0] != expected[path][0]:
            lines.append(f"{path}: has other contents in the layer")
        elif layer[path][1] != expected[path][1]:
            lines.append(f"{path}: is executable in the {'layer' if layer[path][1] else 'installation'} only")
    return lines


@functools.cache
def _glibc_that_uv_knows() -> set[tuple[int, int]]:
    said = run_uv("help", "pip", "install")
    return {(int(major), int(minor)) for major, minor in _UV_GLIBC.findall(said)}


def _run(*command: object) -> str:
    ran = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout
