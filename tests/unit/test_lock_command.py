"""Running uv, and saying in one line what it said in many."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest
from layerwright.errors import LockError
from layerwright.lock.command import UvError, render_failure, run_uv


@pytest.fixture
def fake_uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A script that a test writes, run in place of uv."""
    if sys.platform == "win32":
        pytest.skip("a script needs a shell that Windows has not")
    path = tmp_path / "uv"
    monkeypatch.setattr("uv.find_uv_bin", lambda: str(path))
    return path


def write_script(path: Path, text: str, mode: int = 0o755) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(mode)


UNPARSABLE = """error: Failed to parse `uv.lock`
  cause: TOML parse error at line 30, column 11
            |
         30 | source = {
            |           ^
         unclosed inline table, expected `}`
"""
UNSOLVABLE = """error: No solution found
  cause: Because only the following are available:
             a<=1
             a==2
         and you require a>2.

hint: Try.
"""


@pytest.mark.parametrize(
    ("stderr", "line"),
    [
        (
            UNPARSABLE,
            "Failed to parse `uv.lock`: TOML parse error at line 30, column 11 unclosed inline table, expected `}`",
        ),
        (
            UNSOLVABLE,
            "No solution found: Because only the following are available: a<=1 a==2 and you require a>2; hint: Try",
        ),
        ("thread 'main' panicked\nat once\n", "thread 'main' panicked at once"),
        ("", ""),
    ],
)
def test_what_uv_says_becomes_one_line(stderr: str, line: str) -> None:
    """Terraform shows one line; drawings of a file make it unreadable."""
    assert render_failure(stderr) == line


def test_a_very_long_complaint_is_cut() -> None:
    assert len(render_failure("error: " + "no " * 10_000)) < 1300


def test_a_uv_that_hangs_is_ended(fake_uv: Path, tmp_path: Path) -> None:
    """A plan must come to an end, whatever an index does."""
    write_script(fake_uv, "exec sleep 60")
    begin = time.monotonic()

    with pytest.raises(UvError, match=r"^uv gave no answer within 1 seconds$"):
        run_uv(["version"], folder=tmp_path, timeout=1.0)

    assert time.monotonic() - begin < 30


def test_a_uv_that_fails_silently_is_said(fake_uv: Path, tmp_path: Path) -> None:
    write_script(fake_uv, "exit 7")

    with pytest.raises(UvError, match=r"^uv failed without a word \(exit status 7\)$"):
        run_uv(["version"], folder=tmp_path, timeout=10.0)


def test_a_uv_that_cannot_be_run_is_said(fake_uv: Path, tmp_path: Path) -> None:
    """As on a disk that is mounted noexec."""
    write_script(fake_uv, "exit 0", mode=0o644)

    with pytest.raises(LockError, match=r"^uv: cannot be run: Permission denied: install it anew"):
        run_uv(["version"], folder=tmp_path, timeout=10.0)


def test_uv_gets_no_variables_but_those_that_say_where_to_look(
    fake_uv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An export asks no index; a resolution asks the person's, and is otherwise the same for everybody."""
    write_script(fake_uv, "env | grep -o '^UV_[A-Z_]*' | sort")
    for name in ("UV_INDEX", "UV_INDEX_ACME_PASSWORD", "UV_DEFAULT_INDEX", "UV_PYTHON", "UV_NO_BINARY", "UV_OFFLINE"):
        monkeypatch.setenv(name, "x")

    def variables(**options: object) -> list[str]:
        return run_uv([], folder=tmp_path, timeout=10.0, **options).split()  # type: ignore[arg-type]

    assert variables() == []
    assert set(variables(asks_index=True)) >= {"UV_INDEX", "UV_INDEX_ACME_PASSWORD", "UV_DEFAULT_INDEX", "UV_OFFLINE"}
    assert "UV_DEFAULT_INDEX" not in variables(asks_index=True, ignored=("UV_DEFAULT_INDEX",))
    assert not {"UV_PYTHON", "UV_NO_BINARY"} & set(variables(asks_index=True))


def test_uv_has_nothing_to_read_and_inherits_no_stream(fake_uv: Path, tmp_path: Path) -> None:
    """Terraform hangs while a child holds its pipes, and its query is on stdin."""
    write_script(fake_uv, "cat; echo said; echo whispered >&2")

    assert run_uv([], folder=tmp_path, timeout=10.0) == "said\n"
    assert run_uv([], folder=tmp_path, timeout=10.0, stdin="heard ") == "heard said\n"
