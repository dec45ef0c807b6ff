"""python/bootstrap.py in a folder of the test's own, run as Terraform runs it.

    with open_module(tmp_path) as module:
        module.tell(*module.command("build"))    # {"prefix": "/tmp/…/environments/…", "arguments": ["build"], …}

In layerwright's place is a small program that says where it runs; what it needs is on an index on loopback.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import uv

from support.index import LocalIndex
from support.wheels import make_wheel, sha256_of

PYTHON = Path(__file__).resolve().parents[2] / "python"

PLAIN_PYTHON: str = sys._base_executable  # type: ignore[attr-defined]
"""The interpreter that this environment was made from, which has nothing of ours installed."""

PROGRAM = """
import json, os, sys
import tiny

def main(arguments=None):
    told = {"prefix": sys.prefix, "version": sys.version_info[:2], "arguments": arguments, "tiny": tiny.VERSION}
    told["cache"] = os.environ.get("LAYERWRIGHT_CACHE_DIR")
    if arguments is None:
        told["query"] = sys.stdin.read()
    print(json.dumps(told))
    return 7 if arguments == ["fail"] else 0
"""


@dataclass
class Module:
    """A Terraform module's `python` folder, and the surroundings in which its bootstrap runs."""

    folder: Path
    index: LocalIndex
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def cache(self) -> Path:
        return Path(self.environment["LAYERWRIGHT_CACHE_DIR"])

    @property
    def environments(self) -> list[Path]:
        """All that lies where environments are made, but for locks and logs."""
        return [path for path in (self.cache / "environments").glob("*") if path.is_dir()]

    def lock_tiny(self, sha256: str, version: str = "1.0") -> None:
        (self.folder / "requirements.txt").write_text(f"tiny=={version} \\\n    --hash=sha256:{sha256}\n")

    def make_venv(self, folder: Path, *requirements: str) -> None:
        for command in (
            ["venv", "--python", PLAIN_PYTHON, str(folder)],
            ["pip", "install", "--python", str(folder), *requirements],
        ):
            done = subprocess.run([uv.find_uv_bin(), *command], env=self.environment, capture_output=True, check=False)
            assert done.returncode == 0, done.stderr

    def command(self, *arguments: str, python: str | Path = PLAIN_PYTHON) -> list[str]:
        return [str(python), "-I", str(self.folder / "bootstrap.py"), *arguments]

    def run(self, *command: str, query: str = "", cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            input=query,
            capture_output=True,
            env=self.environment,
            cwd=cwd,
            encoding="utf-8",
            timeout=120,
            check=False,
        )

    def tell(self, *command: str, query: str = "", cwd: Path | None = None) -> dict[str, Any]:
        """What the program says when *command* runs it."""
        done = self.run(*command, query=query, cwd=cwd)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    def refuse(self, *command: str) -> str:
        """The one line that *command* fails with."""
        done = self.run(*command)
        assert (done.returncode, done.stdout) == (69, ""), done.stderr
        assert done.stderr.startswith("layerwright: ")
        assert done.stderr.count("\n") == 1
        return done.stderr


@contextlib.contextmanager
def open_module(tmp_path: Path) -> Iterator[Module]:
    """A module that needs `tiny` 1.0, which the index has; uv is on PATH and nothing else is."""
    folder = tmp_path / "module" / "python"
    (folder / "layerwright").mkdir(parents=True)
    shutil.copy(PYTHON / "bootstrap.py", folder)
    for name in ("__init__", "environment", "errors"):
        shutil.copy(PYTHON / "layerwright" / f"{name}.py", folder / "layerwright")
    for name in ("cli", "terraform"):
        (folder / "layerwright" / f"{name}.py").write_text(PROGRAM)
    wheel = make_wheel(tmp_path / "wheels", "tiny", "1.0", files={"tiny.py": "VERSION = '1.0'"})
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "uv").symlink_to(uv.find_uv_bin())
    with LocalIndex(tmp_path / "wheels") as index:
        module = Module(folder=folder, index=index)
        module.environment = {
            "HOME": str(tmp_path / "home"),
            "LAYERWRIGHT_CACHE_DIR": str(tmp_path / "user" / "cache"),
            "NO_PROXY": "127.0.0.1",
            "PATH": str(tmp_path / "bin"),
            "PIP_INDEX_URL": index.url,
            "PIP_RETRIES": "0",
            "UV_CACHE_DIR": str(tmp_path / "uv"),
            "UV_DEFAULT_INDEX": index.url,
            "UV_HTTP_RETRIES": "0",
        }
        module.lock_tiny(sha256_of(wheel))
        yield module


@cache
def interpreters() -> Mapping[tuple[int, int], Path]:
    """Every Python 3 of this machine by its version, oldest first: those on PATH and those of pyenv."""
    folders = [Path(folder) for folder in os.environ["PATH"].split(os.pathsep)]
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    candidates = [
        *pyenv.glob("versions/*/bin/python3"),
        *(file for folder in folders for file in folder.glob("python3.*")),
    ]
    found: dict[tuple[int, int], Path] = {}
    for candidate in candidates:
        with contextlib.suppress(OSError, ValueError):
            asked = subprocess.run(
                [candidate, "-I", "-c", "import sys; print(*sys.version_info[:2])"], capture_output=True, check=False
            )
            major, minor = asked.stdout.split()
            found.setdefault((int(major), int(minor)), candidate)
    return dict(sorted(found.items()))
