"""Damage that nobody thought of: a wheel is refused in one line, or is what it was."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layerwright.errors import WheelError
from layerwright.wheel import Wheel
from layerwright.wheel.judge import judge_wheel
from support.judging import FILENAME, judge
from support.wheels import RawZip, wheel_entries, with_record

GOOD = RawZip(
    entries=with_record(
        wheel_entries(
            files={"example/__init__.py": "x = 1\n" * 9, "example/naïve.txt": "é"},
            data={"scripts/run": "#!python\n"},
            executables=["scripts/run"],
            entry_points="[console_scripts]\nrun = example:main\n",
        )
    )
).to_bytes()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("wheels")


def without_modes(wheel: Wheel) -> Wheel:
    """*wheel* but for execute bits, the one thing in a zip that is said only once and protected by nothing."""
    entries = tuple(msgspec.structs.replace(entry, executable=False) for entry in wheel.entries)
    return msgspec.structs.replace(wheel, entries=entries)


def judge_or_refuse(folder: Path, data: bytes) -> Wheel | str:
    """The wheel that *data* is, or why it is none."""
    path = folder / "wheel"
    path.write_bytes(data)
    try:
        return without_modes(judge_wheel(path, filename=FILENAME, sha256="0" * 64))
    except WheelError as e:
        return str(e)


def is_refusal(found: Wheel | str) -> bool:
    return isinstance(found, str) and found.startswith(f"{FILENAME}: ") and found.isprintable()


@settings(max_examples=300, deadline=None)
@given(position=st.integers(0, len(GOOD) - 1), change=st.integers(1, 255))
def test_a_changed_byte_is_refused_or_changes_nothing(folder: Path, position: int, change: int) -> None:
    """Every byte of a wheel is either held to something else or means nothing."""
    data = bytearray(GOOD)
    data[position] ^= change

    found = judge_or_refuse(folder, bytes(data))

    assert is_refusal(found) or found == judge_or_refuse(folder, GOOD)


@settings(max_examples=100, deadline=None)
@given(start=st.integers(0, len(GOOD) - 1), length=st.integers(1, 40), inserted=st.binary(max_size=40))
def test_a_piece_cut_out_or_replaced_is_refused(folder: Path, start: int, length: int, inserted: bytes) -> None:
    """Transfers break off, and proxies change what they pass on."""
    data = GOOD[:start] + inserted + GOOD[start + length :]

    found = judge_or_refuse(folder, data)

    assert is_refusal(found) or found == judge_or_refuse(folder, GOOD)


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=200), end=st.booleans())
def test_bytes_of_no_wheel_are_refused(folder: Path, data: bytes, end: bool) -> None:
    assert is_refusal(judge_or_refuse(folder, data + (GOOD[-22:] if end else b"")))


def test_the_wheel_of_these_tests_is_good(tmp_path: Path) -> None:
    """Else all of them would pass for nothing."""
    assert len(judge(tmp_path, GOOD).entries) == 7
