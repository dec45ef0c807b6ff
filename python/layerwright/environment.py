"""Make the environment that layerwright runs in; standard library only, as nothing else is there yet.

`bootstrap.py` says which environment and when. It is made under another name and renamed when it is whole, so a run
that is killed leaves nothing trusted; of several first runs one makes it while the others wait.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from layerwright.errors import FetchError, render_message

INSTALL_SECONDS = 900
"""How long one step may take: pip waits 15 s for each of six tries on each file of a silent index."""

STALE_SECONDS = 24 * 60 * 60
"""Age at which a half-made environment belongs to no living run."""


def make_environment(folder: Path, requirements: Path, is_ready: Callable[[], bool]) -> None:
    """Make a virtual environment *folder* for this interpreter, with just what is locked in *requirements*.

    Another run may have made it by the time it is our turn; *is_ready* says so. Raises `FetchError`.
    """
    began = time.time()
    log = folder.with_name(f"{folder.name}.log")
    try:
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _lock(folder.with_name(f"{folder.name}.lock")) as is_alone:
            if is_ready():
                return
            if log.exists() and log.stat().st_mtime >= began:
                # The run that we waited for has failed just now: so would we, after the same wait for the network.
                raise FetchError(log.read_text(encoding="utf-8").partition("\n")[0])
            _sweep(folder, is_alone=is_alone)
            with tempfile.TemporaryDirectory(
                prefix=f"making-{folder.name}-", dir=folder.parent, ignore_cleanup_errors=True
            ) as name:
                _install(Path(name), requirements, log)
                _put_in_place(Path(name), folder, is_ready)
            log.unlink(missing_ok=True)
    except OSError as e:
        raise FetchError(f"{folder.parent}: cannot be written: {e.strerror or e}: set LAYERWRIGHT_CACHE_DIR") from e


def python_of(environment: Path) -> Path:
    """Return the interpreter of a virtual environment."""
    return environment / "Scripts" / "python.exe" if sys.platform == "win32" else environment / "bin" / "python"


def _install(workshop: Path, requirements: Path, log: Path) -> None:
    """Make the environment `made` in *workshop*."""
    target = workshop / "made"
    python = str(python_of(target))
    uv = shutil.which("uv")
    # A pyenv shim of uv is on PATH wherever one version of Python has it, and fails where that is not the chosen one.
    if uv and not _run([uv, "--version"], workshop).returncode:
        make = [uv, "venv", "--quiet", "--no-project", "--python", sys.executable, str(target)]
        fill = [uv, "pip", "sync", "--python", python, "--require-hashes", "--only-binary", ":all:"]
        fill += ["--compile-bytecode", str(requirements)]
    else:
        make = [sys.executable, "-I", "-m", "venv", str(target)]
        fill = [python, "-I", "-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--no-user"]
        fill += ["--require-hashes", "--only-binary", ":all:", "-r", str(requirements)]
    for command in (make, fill):
        done = _run(command, workshop)
        if done.returncode:
            raise FetchError(_describe_failure(command, done.stdout, log))


def _put_in_place(workshop: Path, folder: Path, is_ready: Callable[[], bool]) -> None:
    if os.path.lexists(folder) and not is_ready():
        folder.rename(workshop / "broken")  # such as one whose Python is gone
    try:
        (workshop / "made").rename(folder)
    except OSError:
        if not is_ready():  # where nothing can be locked, somebody else may have been first
            raise


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[bytes]:
    """Run *command* in *folder*, where no project's settings are, with its output captured."""
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=folder,
            timeout=INSTALL_SECONDS,
            umask=-1 if sys.platform == "win32" else 0o022,  # what others can change is not run
            check=False,
        )
    except subprocess.TimeoutExpired as e:
        output = (e.stdout or b"") + b"\nno end in sight after %d s" % INSTALL_SECONDS
        return subprocess.CompletedProcess(command, 1, stdout=output)


def _describe_failure(command: list[str], output: bytes, log: Path) -> str:
    """Return one line on what failed and what to do; the whole output goes to *log*, where the next run looks too."""
    lines = [render_message(line) for line in output.decode(errors="replace").splitlines() if line.strip()]
    text = "\n".join(lines)
    if "hash" in text.lower():
        advice = "a file on the package index is not the one that is locked: check which index is set"
    elif "ensurepip" in text:
        advice = "install uv, or your system's package for venv (python3-venv)"
    else:
        advice = "see that the package index can be reached (proxy, UV_INDEX_URL or PIP_INDEX_URL) and run again"
    problem = f"its dependencies cannot be installed: {advice}; {log} says: {' '.join(lines[-3:])[-600:]}"
    log.write_text(f"{problem}\n\n{' '.join(command)}\n{text}\n", encoding="utf-8")
    return problem


def _sweep(folder: Path, *, is_alone: bool) -> None:
    """Remove what killed runs left half-made: of *folder* any, as we hold its lock, of others what is old."""
    for leftover in folder.parent.glob("making-*"):
        is_dead = is_alone and leftover.name.startswith(f"making-{folder.name}-")
        with contextlib.suppress(OSError):
            if is_dead or leftover.stat().st_mtime < time.time() - STALE_SECONDS:
                shutil.rmtree(leftover, ignore_errors=True)


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[bool]:
    """Hold the lock on *path*, which the system takes back when its holder dies; false where there are no locks."""
    with path.open("ab") as file:
        if sys.platform != "win32":
            import fcntl

            try:
                fcntl.flock(file, fcntl.LOCK_EX)
            except OSError:  # on some network file systems
                yield False
            else:
                yield True
        else:
            import msvcrt

            while True:
                with contextlib.suppress(OSError):  # it gives up after ten seconds
                    msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
                    break
            yield True
