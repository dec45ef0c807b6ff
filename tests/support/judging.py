"""A wheel before its judge, as tests bring it there."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import pytest
from layerwright.errors import WheelError
from layerwright.wheel import Wheel
from layerwright.wheel.judge import judge_wheel

from support.wheels import RawEntry, RawZip

FILENAME = "example-1.0-py3-none-any.whl"

Spoiled = bytes | RawZip | Sequence[RawEntry]
"""A wheel as the bytes of its file, as a zip, or as the entries of one."""


def judge(folder: Path, wheel: Spoiled, filename: str = FILENAME) -> Wheel:
    """Write *wheel* into *folder* under a name of no meaning and judge it as *filename*."""
    if not isinstance(wheel, bytes):
        wheel = (wheel if isinstance(wheel, RawZip) else RawZip(entries=wheel)).to_bytes()
    path = folder / "download.part"
    path.write_bytes(wheel)
    return judge_wheel(path, filename=filename, sha256=hashlib.sha256(wheel).hexdigest())


def refusal(folder: Path, wheel: Spoiled, filename: str = FILENAME) -> str:
    """The message with which *wheel* is refused, which must be one line that begins with the name of the wheel."""
    with pytest.raises(WheelError) as caught:
        judge(folder, wheel, filename)
    message = str(caught.value)
    assert message.startswith(f"{filename}: ")
    assert message.isprintable()
    return message.removeprefix(f"{filename}: ")
