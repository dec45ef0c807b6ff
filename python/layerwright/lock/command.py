"""Run uv: the one place that does."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from layerwright.errors import LockError

_INDEX_VARIABLES = re.compile(
    r"UV_(INDEX(_.*)?|DEFAULT_INDEX|EXTRA_INDEX_URL|FIND_LINKS|EXCLUDE_NEWER|KEYRING_PROVIDER|CREDENTIALS_DIR|CONFIG_FILE|NO_CONFIG"
    r"|CACHE_DIR|OFFLINE|NATIVE_TLS|SYSTEM_CERTS|INSECURE_HOST|HTTP_\w+|REQUEST_TIMEOUT|CONCURRENT_DOWNLOADS)"
)
"""Variables of uv that say where distributions come from, and nothing of what is to be done with them."""

_BUILD_VARIABLES = ("PYTHON", "VIRTUAL_ENV", "SETUPTOOLS_", "DIST_EXTRA_CONFIG", "HATCH_", "PDM_", "POETRY_", "FLIT_")
"""Beginnings of variables by which a machine would change what a build backend makes of the same files."""

_PATH_VARIABLES = ("UV_CACHE_DIR", "UV_CONFIG_FILE", "UV_CREDENTIALS_DIR")
_DRAWING = re.compile(r"\s*\d*\s*\||\s*\^+\s*$")
"""The lines with which uv shows the spot in a file."""
_PART = re.compile(r"(?:error|cause|hint): ")
_BUILD_NOISE = re.compile(r"Building (wheel|source distribution).*|[\s~^]+")
_LOG_LINES = 4
"""Lines of a build's log that are told: its end has the reason."""
_MESSAGE_LIMIT = 1200


class UvError(Exception):
    """uv refused; the text is what it said, in one line, and for the reader of a lock file to complete."""


def run_uv(
    arguments: Sequence[str],
    *,
    folder: Path,
    timeout: float,
    stdin: str = "",
    asks_index: bool = False,
    ignored: Collection[str] = (),
    build_settings: Mapping[str, str] | None = None,
) -> str:
    """Return what `uv {arguments}`, run in *folder* with *stdin* to read, writes to stdout.

    uv sees none of its environment variables, but for those that say where distributions come from if it *asks_index*,
    and of these none that is *ignored*: a person's UV_PYTHON or UV_NO_BINARY is not meant for a layer. *timeout* is in
    seconds. *build_settings* are variables for a build, which sees no others that are meant for builds; its log is told
    if it fails. Raises `UvError` if uv fails or takes longer, and `LockError` where there is no uv.
    """
    quiet = [] if build_settings is not None else ["--quiet"]
    command = [_find_uv(), *quiet, "--color", "never", "--no-progress", *arguments]
    environment = _environment(asks_index=asks_index, ignored=ignored)
    if build_settings is not None:
        environment = {k: v for k, v in environment.items() if not k.startswith(_BUILD_VARIABLES)} | {**build_settings}
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            input=stdin.encode(),
            capture_output=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as e:
        raise UvError(f"uv gave no answer within {timeout:.0f} seconds") from e
    except OSError as e:
        raise LockError(
            f"uv: cannot be run: {e.strerror or e}: install it anew, for instance with `pip install uv`"
        ) from e
    if done.returncode != 0:
        stderr = done.stderr.decode(errors="replace")
        said = render_failure(stderr) if build_settings is None else render_build_failure(stderr)
        raise UvError(said or f"uv failed without a word (exit status {done.returncode})")
    return done.stdout.decode()


def render_failure(stderr: str) -> str:
    """What uv wrote to *stderr*, as one line without its drawings: `No solution found …: Because …; hint: …`."""
    parts: list[str] = []
    for line in stderr.splitlines():
        text = line.strip()
        if not text or _DRAWING.match(line):
            continue
        if _PART.match(text) or not parts:
            parts.append(text)
        else:
            parts[-1] += f" {text}"
    said = ""
    for part in parts:
        separator = "; " if part.startswith("hint: ") else ": "
        said += (separator if said else "") + part.removeprefix("error: ").removeprefix("cause: ").rstrip(".")
    return said if len(said) <= _MESSAGE_LIMIT else f"{said[:_MESSAGE_LIMIT]}…"


def render_build_failure(stderr: str) -> str:
    """The end of the build backend's log in *stderr*, as one line; else what uv itself wrote there."""
    lines = stderr.splitlines()
    end = next((number for number, line in enumerate(lines) if line.startswith("error: Failed to ")), len(lines))
    log = [line.strip() for line in lines[:end] if line.strip() and not _BUILD_NOISE.fullmatch(line)]
    if not log:
        return render_failure("\n".join(lines[end:]))
    said = " / ".join(log[-_LOG_LINES:])
    return said if len(said) <= _MESSAGE_LIMIT else f"…{said[-_MESSAGE_LIMIT:]}"


def _find_uv() -> str:
    """Path of uv: that of the distribution `uv` which this Python has, else the one on PATH."""
    try:
        from uv import find_uv_bin

        return find_uv_bin()
    except (ImportError, FileNotFoundError):
        pass
    if found := shutil.which("uv"):
        return found
    raise LockError("uv: is not to be found: install it, for instance with `pip install uv`")


def _environment(*, asks_index: bool, ignored: Collection[str]) -> dict[str, str]:
    """The environment without what would change uv's answer or make its messages long."""
    left_out = ("UV_", "RUST_", "FORCE_COLOR", "CLICOLOR_FORCE")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(left_out)}
    if asks_index:
        asked = {key: value for key, value in os.environ.items() if _INDEX_VARIABLES.fullmatch(key)}
        kept |= {key: value for key, value in asked.items() if key not in ignored}
    for key in _PATH_VARIABLES:
        if kept.get(key):
            kept[key] = os.path.abspath(kept[key])  # noqa: PTH100  uv runs in another folder
    return kept
