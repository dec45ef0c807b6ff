"""Find or make an environment that has layerwright's dependencies, then run layerwright in it.

    python3 -I bootstrap.py                 answer Terraform's query on stdin
    python3 -I bootstrap.py build …         the command line

Standard library only, and syntax of Python 3.6, so that an old `python3` finds a newer one or says in one clear line
what to do. In this order: the interpreter at hand, if layerwright or all that it needs is installed there; the
environment in the user's cache; a new one. Only the program in the end touches stdin and stdout. A failure is one line
on stderr and exit status 69.
"""
# ruff: noqa: INP001, PTH100, PTH103, PTH110, PTH111, PTH117, PTH118, PTH120, PTH123, PTH208
# It is a script, and every plan runs it: importing pathlib takes longer than all else that happens here.

import os
import sys

OLDEST = (3, 11)
NEWER = ("python3.14", "python3.13", "python3.12", "python3.11")

UNAVAILABLE = 69
"""Exit status, sysexits.h's EX_UNAVAILABLE: layerwright did not get to run."""

INSIDE = "layerwright"
"""Interpreter option (-X) that says we are in the environment; unlike a variable, children do not inherit it."""

FILE = os.path.realpath(__file__)
HERE = os.path.dirname(FILE)
REQUIREMENTS = os.path.join(HERE, "requirements.txt")


class BootstrapError(Exception):
    """There is no way to run layerwright; the text is one line that says what to do."""


def main(arguments: "list[str]") -> int:
    """Run layerwright with *arguments*, here or in the environment; returns the exit status."""
    try:
        if tuple(sys.version_info[:2]) < OLDEST:
            return _replace_process([find_newer_python(), "-I", FILE, *arguments])
        if not sys.flags.isolated:
            # Else a json.py in the folder of whoever calls is run in place of Python's own.
            return _replace_process([sys.executable, "-I", FILE, *arguments])
        if INSIDE in sys._xoptions or has_dependencies():  # noqa: SLF001 - documented under its name
            return _run(arguments)
        return _replace_process([find_environment(), "-I", "-X", INSIDE, FILE, *arguments])
    except (BootstrapError, OSError) as e:
        sys.stderr.write(f"layerwright: {e}\n")
        return UNAVAILABLE
    except KeyboardInterrupt:
        return 130


def find_newer_python() -> str:
    """Return an interpreter that is new enough: on PATH, or one that uv knows of."""
    from shutil import which

    for candidate in filter(None, map(which, NEWER)):
        # A pyenv shim is on PATH for each version that is installed, and fails where that is not the chosen one.
        if _capture([candidate, "-I", "-c", "import sys; print(sys.version_info >= (3, 11))"]) == "True":
            return candidate
    uv = which("uv")
    known_to_uv = uv and _capture([uv, "python", "find", "--no-project", "--system", ">=3.11"])
    if known_to_uv:
        return known_to_uv
    version = ".".join(map(str, sys.version_info[:2]))
    raise BootstrapError(
        f"needs Python 3.11 or newer, and {sys.executable} is {version}: put a newer one on PATH, or install uv"
    )


def has_dependencies() -> bool:
    """Whether this interpreter has layerwright's own version installed, or each locked dependency in its version."""
    installed: set[str] = set()
    for folder in filter(os.path.isdir, sys.path):
        installed.update(name.lower().replace("-", "_") for name in os.listdir(folder) if name.endswith(".dist-info"))
    with open(os.path.join(HERE, "layerwright", "__init__.py"), encoding="utf-8") as file:
        version = file.read().partition('__version__ = "')[2].partition('"')[0]
    if f"layerwright_{version}.dist_info" in installed:
        return True
    with open(REQUIREMENTS, encoding="utf-8") as file:
        locked = [line for line in file if line[0].isalnum()]
    for line in locked:
        requirement, _, marker = line.rstrip("\\\n").partition(";")
        name, _, version = requirement.strip().partition("==")
        is_elsewhere = "sys_platform == 'win32'" in marker and sys.platform != "win32"
        if not is_elsewhere and "{}_{}.dist_info".format(name.replace("-", "_"), version) not in installed:
            return False
    return True


def find_environment() -> str:
    """Return the interpreter of the cached environment, making that first if it is not there."""
    inner = os.path.join("environments", environment_name())
    cache = cache_folder()
    if not cache or (not _is_ready(os.path.join(cache, inner)) and not _is_writable(cache)):
        cache = _private_temporary_folder(cache)
        os.environ["LAYERWRIGHT_CACHE_DIR"] = cache  # layerwright's own cache goes there as well
    folder = os.path.join(cache, inner)
    if not _is_ready(folder):
        _let_import()
        from pathlib import Path

        from layerwright.environment import make_environment
        from layerwright.errors import LayerwrightError

        try:
            make_environment(Path(folder), Path(REQUIREMENTS), lambda: _is_ready(folder))
        except LayerwrightError as e:
            raise BootstrapError(str(e)) from e
    return _python_of(folder)


def environment_name() -> str:
    """Return a name that differs wherever environments cannot be shared: dependencies, Python, ABI, machine."""
    import hashlib
    from importlib.machinery import EXTENSION_SUFFIXES

    with open(REQUIREMENTS, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()[:16]
    # Such as .cpython-311-x86_64-linux-gnu.so: containers with glibc and with musl may share a home.
    abi = EXTENSION_SUFFIXES[0].rpartition(".")[0].strip(".")
    return f"{digest}-{abi}" if sys.platform == "win32" else f"{digest}-{abi}-{os.uname().machine}"


def cache_folder() -> str:
    """Return this user's cache folder, as platformdirs has it; empty where the user has no home."""
    if os.environ.get("LAYERWRIGHT_CACHE_DIR"):
        return os.path.abspath(os.environ["LAYERWRIGHT_CACHE_DIR"])
    if sys.platform == "win32":
        return os.path.join(os.environ["LOCALAPPDATA"], "layerwright", "Cache") if "LOCALAPPDATA" in os.environ else ""
    usual = os.path.expanduser("~/Library/Caches" if sys.platform == "darwin" else "~/.cache")
    folder = os.path.join(os.environ.get("XDG_CACHE_HOME") or usual, "layerwright")
    return folder if os.path.isabs(folder) else ""


def _run(arguments: "list[str]") -> int:
    _let_import()
    try:
        if arguments:
            from layerwright.cli import main as run_command

            return run_command(arguments)
        from layerwright.terraform import main as answer_query
    except ImportError as e:
        raise BootstrapError(f"{e}: remove {sys.prefix} and run again") from e
    return answer_query()


def _let_import() -> None:
    """Put layerwright on the search path, with its bytecode in the cache: no `__pycache__` is left beside this file."""
    from importlib.machinery import SOURCE_SUFFIXES, FileFinder, SourceFileLoader

    sys.path.insert(0, HERE)
    cache = cache_folder()
    folder = os.path.join(cache, "bytecode")
    if not cache or not _is_writable(folder) or not _is_private(folder):
        sys.dont_write_bytecode = True
        return

    class Loader(SourceFileLoader):
        def get_code(self, fullname):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
            sys.pycache_prefix, others = folder, sys.pycache_prefix
            try:
                return super().get_code(fullname)
            finally:
                sys.pycache_prefix = others

    def find_ours(path: str) -> FileFinder:
        if not path.startswith(HERE):
            raise ImportError(path)
        return FileFinder(path, (Loader, SOURCE_SUFFIXES))

    sys.path_hooks.insert(0, find_ours)


def _python_of(environment: str) -> str:
    return os.path.join(environment, *(("Scripts", "python.exe") if sys.platform == "win32" else ("bin", "python")))


def _is_ready(environment: str) -> bool:
    """Whether the environment is there with its Python; raises `BootstrapError` where others could change it."""
    if not os.path.exists(_python_of(environment)):
        return False
    if not _is_private(environment):
        raise BootstrapError(f"{environment} can be changed by others: remove it, or set LAYERWRIGHT_CACHE_DIR")
    return True


def _is_private(folder: str) -> bool:
    """Whether nobody but this user and root can put files into *folder*."""
    if sys.platform == "win32":
        return True
    status = os.lstat(folder)
    return status.st_uid in (0, os.geteuid()) and not status.st_mode & 0o002


def _is_writable(folder: str) -> bool:
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


def _private_temporary_folder(unwritable: str) -> str:
    from tempfile import gettempdir

    if os.environ.get("LAYERWRIGHT_CACHE_DIR"):
        raise BootstrapError(f"LAYERWRIGHT_CACHE_DIR, {unwritable}, cannot be written: set it to a folder of yours")
    user = os.environ.get("USERNAME", "") if sys.platform == "win32" else str(os.geteuid())
    folder = os.path.join(gettempdir(), "layerwright-" + user)
    if not _is_writable(folder) or not _is_private(folder):
        raise BootstrapError(
            f"cannot write {unwritable or 'a cache, as there is no home folder'}, and {folder} is not for it alone: "
            "set LAYERWRIGHT_CACHE_DIR to a folder of yours"
        )
    return folder


def _capture(command: "list[str]") -> "str | None":
    """Return what *command* prints, or `None` if it fails."""
    import subprocess

    nothing = subprocess.DEVNULL
    try:
        done = subprocess.run(command, stdin=nothing, stdout=subprocess.PIPE, stderr=nothing, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return None if done.returncode else done.stdout.decode("utf-8", "replace").strip()


def _replace_process(command: "list[str]") -> int:
    """Become *command*, with stdin, stdout and stderr as they are; on Windows, run it as a child that has them."""
    if sys.platform != "win32":
        os.execv(command[0], command)  # noqa: S606 - that no shell comes between is the point
    import subprocess

    return subprocess.call(command)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
