"""python/bootstrap.py, run as Terraform runs it: a small program in layerwright's place, an index on loopback."""

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

import pytest
import uv
from layerwright import __version__
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

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX's signals, links and modes")


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


@pytest.fixture
def module(tmp_path: Path) -> Iterator[Module]:
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
    """Every Python 3 of this machine by its version: on PATH, and those of pyenv."""
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
    return found


OLD = {
    f"{major}.{minor}": path
    for (major, minor), path in sorted(interpreters().items())
    if (3, 6) <= (major, minor) < (3, 11)
}
NEW = {f"{major}.{minor}": path for (major, minor), path in sorted(interpreters().items()) if (major, minor) >= (3, 11)}
needs_old_python = pytest.mark.skipif(not OLD, reason="no Python from 3.6 to 3.10 is installed")


def test_arguments_are_the_command_line_and_none_are_terraform_s_query(module: Module) -> None:
    """One file is both ways in; the query must still be on stdin when the program gets to run."""
    assert module.tell(*module.command("build", "--name", "x y"))["arguments"] == ["build", "--name", "x y"]
    told = module.tell(*module.command(), query='{"spec": "ä"}')
    assert (told["arguments"], told["query"]) == (None, '{"spec": "ä"}')
    assert module.run(*module.command("fail")).returncode == 7


def test_the_environment_is_made_once_and_found_again(module: Module) -> None:
    """A plan runs this for each layer and function; only the first may ask the index."""
    first = module.tell(*module.command("x"))
    assert [first["prefix"]] == [str(path) for path in module.environments]
    module.index.requests.clear()
    assert module.tell(*module.command("x")) == first
    assert module.index.requests == []


def test_other_dependencies_make_another_environment(module: Module) -> None:
    """A newer release of the module must not run with what an older one needed, nor take it away."""
    old = module.tell(*module.command("x"))
    wheel = make_wheel(module.index.folder, "tiny", "2.0", files={"tiny.py": "VERSION = '2.0'"})
    module.lock_tiny(sha256_of(wheel), "2.0")
    new = module.tell(*module.command("x"))
    assert (old["tiny"], new["tiny"]) == ("1.0", "2.0")
    assert {old["prefix"], new["prefix"]} == {str(path) for path in module.environments}


@pytest.mark.parametrize("distribution", [("tiny", "1.0"), ("layerwright", __version__)])
def test_an_interpreter_that_has_all_is_used_as_it_is(
    module: Module, tmp_path: Path, distribution: tuple[str, str]
) -> None:
    """A CI image with the dependencies, or layerwright itself, installed needs neither an index nor a cache."""
    make_wheel(module.index.folder, *distribution, files={"tiny.py": "VERSION = 'installed'"})
    own = tmp_path / "own"
    module.make_venv(own, "==".join(distribution))
    module.index.requests.clear()
    told = module.tell(*module.command("x", python=own / "bin" / "python"))
    assert (told["tiny"], told["prefix"]) == ("installed", str(own))
    assert not module.index.requests
    assert not module.environments


def test_an_interpreter_with_other_versions_is_not_used(module: Module, tmp_path: Path) -> None:
    """What is nearly right gives other bytes, or fails where nobody looks."""
    make_wheel(module.index.folder, "tiny", "1.1")
    make_wheel(module.index.folder, "layerwright", "0.0.1")
    module.make_venv(tmp_path / "own", "tiny==1.1", "layerwright==0.0.1")
    assert module.tell(*module.command("x", python=tmp_path / "own" / "bin" / "python"))["tiny"] == "1.0"


def test_nothing_is_left_in_the_module_s_folder(module: Module) -> None:
    """Terraform copies the module's folder about; bytecode belongs into the cache, and is used there."""
    before = sorted(module.folder.rglob("*"))
    module.tell(*module.command("x"))
    assert sorted(module.folder.rglob("*")) == before
    assert [path.name.split(".")[0] for path in module.cache.rglob("bytecode/**/cli.*.pyc")] == ["cli"]


def test_dependencies_come_with_their_bytecode(module: Module) -> None:
    """Compiling boto3 at each plan of a read-only cache would take longer than the plan."""
    prefix = Path(module.tell(*module.command("x"))["prefix"])
    assert len(list(prefix.rglob("__pycache__/tiny.*.pyc"))) == 1


@pytest.mark.parametrize("isolated", [True, False])
def test_files_of_whoever_calls_are_not_run(module: Module, tmp_path: Path, isolated: bool) -> None:
    """A json.py in the root module or on PYTHONPATH must not become part of a plan that holds credentials."""
    hostile = tmp_path / "hostile"
    hostile.mkdir()
    for name in ("json", "hashlib", "tiny", "layerwright"):
        (hostile / f"{name}.py").write_text(f"open({str(tmp_path / 'run')!r}, 'a').write('{name} ')")
    module.environment["PYTHONPATH"] = str(hostile)
    command = [part for part in module.command("x") if isolated or part != "-I"]
    assert module.tell(*command, cwd=hostile)["tiny"] == "1.0"
    assert not (tmp_path / "run").exists()


@posix
@pytest.mark.parametrize("home", ["/dev/null/none", None])
def test_without_a_writable_home_a_private_temporary_folder_serves(
    module: Module, tmp_path: Path, home: str | None
) -> None:
    """Containers run as users who have no home, or one that is read-only."""
    del module.environment["LAYERWRIGHT_CACHE_DIR"]
    module.environment |= {
        "HOME": home or "",
        "XDG_CACHE_HOME": "" if home else "/dev/null/none",
        "TMPDIR": str(tmp_path),
    }
    told = module.tell(*module.command("x"))
    folder = tmp_path / f"layerwright-{os.geteuid()}"
    assert told["cache"] == str(folder)  # so that layerwright's own cache goes there as well
    assert Path(told["prefix"]).is_relative_to(folder)
    assert folder.stat().st_mode & 0o077 == 0
    assert module.tell(*module.command("x")) == told

    folder.chmod(0o777)
    assert "set LAYERWRIGHT_CACHE_DIR" in module.refuse(*module.command("x"))


@posix
def test_an_environment_that_others_can_change_is_not_run(module: Module) -> None:
    """Whoever can write into it runs code in somebody else's plan."""
    (environment,) = [Path(module.tell(*module.command("x"))["prefix"])]
    environment.chmod(0o777)
    assert str(environment) in module.refuse(*module.command("x"))


@posix
def test_an_environment_whose_python_is_gone_is_made_anew(module: Module) -> None:
    """Homebrew and pyenv remove the old interpreter when they install the next one."""
    environment = Path(module.tell(*module.command("x"))["prefix"])
    (environment / "bin" / "python").unlink()
    (environment / "bin" / "python").symlink_to("/nowhere/python3")
    assert module.tell(*module.command("x"))["prefix"] == str(environment)
    assert module.environments == [environment]


def test_a_damaged_environment_says_what_to_remove(module: Module) -> None:
    """Programs that tidy up temporary folders take single old files."""
    environment = Path(module.tell(*module.command("x"))["prefix"])
    next(environment.rglob("tiny.py")).unlink()
    assert f"remove {environment} and run again" in module.refuse(*module.command("x"))


@needs_old_python
@pytest.mark.parametrize("version", OLD)
def test_an_old_python_says_in_one_line_what_to_do(module: Module, version: str) -> None:
    """`python3` is 3.6 to 3.10 on many build machines; a SyntaxError would say nothing to anyone."""
    (Path(module.environment["PATH"]) / "uv").unlink()
    line = module.refuse(*module.command("x", python=OLD[version]))
    assert "needs Python 3.11 or newer" in line
    assert f"is {version}:" in line


@posix
@needs_old_python
@pytest.mark.parametrize("version", NEW)
def test_an_old_python_hands_over_to_a_newer_one_on_path(module: Module, version: str) -> None:
    """Amazon Linux and RHEL have a newer Python beside `python3`; a broken one on the way there is passed over."""
    folder = Path(module.environment["PATH"])
    (folder / f"python{version}").symlink_to(NEW[version])
    broken = folder / "python3.14"
    if not broken.is_symlink():
        broken.write_text("#!/bin/sh\nexit 127\n")
        broken.chmod(0o755)
    told = module.tell(*module.command("x", python=next(iter(OLD.values()))))
    assert ".".join(map(str, told["version"])) == version


@posix
@needs_old_python
def test_an_old_python_asks_uv_for_a_newer_one(module: Module) -> None:
    """uv keeps its own Pythons, which are not on PATH."""
    (Path(module.environment["PATH"]) / "python").symlink_to(NEW[max(NEW)])  # a name that is not looked for
    assert module.tell(*module.command("x", python=next(iter(OLD.values()))))["version"] >= [3, 11]
