"""Everything that can go wrong, each kind with its exit code.

Library code raises these; `cli` and `terraform` alone print them and exit. A message is one line that says what failed,
where, and what to do, because Terraform shows one line.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterable
from pathlib import PurePath

MESSAGE_LIMIT = 4096
"""Bytes of a printed message; what is longer is cut with a count of what is left."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_USERINFO = re.compile(r"(?<=://)[^/\s]+@")


class LayerwrightError(Exception):
    """Base of every failure that a user can mend; its text is one line."""

    exit_code = 70

    def __str__(self) -> str:
        return render_message(super().__str__())


class SpecError(LayerwrightError):
    """What was asked for makes no sense: an unknown field, no such runtime, a missing source or handler."""

    exit_code = 2


class LockError(LayerwrightError):
    """A lock file cannot be read, or says something that no layer can be made from."""

    exit_code = 3


class ResolutionError(LayerwrightError):
    """A distribution has no wheel that the target can run, or one that says so and has files that the target cannot."""

    exit_code = 4


class FetchError(LayerwrightError):
    """A wheel could not be downloaded, or is not what the lock file says it is."""

    exit_code = 5


class WheelError(FetchError):
    """A wheel contradicts itself or the wheel format, so nothing of it is taken."""


class BuildError(FetchError):
    """No wheel could be built of a project or an sdist, or not one that the target can run."""


class LimitError(LayerwrightError):
    """The archive would break a limit of Lambda."""

    exit_code = 6


class StoreError(LayerwrightError):
    """The store refused, is missing, or holds something other than what its name promises."""

    exit_code = 7


def render_message(text: str) -> str:
    """Return *text* as one printable line of at most `MESSAGE_LIMIT` bytes with the credentials of URLs taken out."""
    line = _USERINFO.sub("", _CONTROL.sub(" ", text)).strip()
    encoded = line.encode()
    if len(encoded) <= MESSAGE_LIMIT:
        return line
    return encoded[: MESSAGE_LIMIT - 32].decode(errors="ignore") + f"… ({len(encoded)} bytes in all)"


def render_problems(problems: Iterable[str]) -> str:
    """Join the problems of one stage, so that a person mends them in one go."""
    return "; ".join(problems)


def describe_bug(error: Exception) -> str:
    """Return the line that is shown for an error which no user can mend."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{PurePath(frame.filename).name}:{frame.lineno}"
    return render_message(f"layerwright: a bug, please report it: {type(error).__name__}: {error} ({where})")
