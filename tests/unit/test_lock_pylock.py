"""Reading pylock.toml, and what is said about one that cannot be read."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from layerwright.errors import LockError
from layerwright.lock import read_lock
from layerwright.lock.pylock import localise, make_portable, parse_pylock, render_pylock
from layerwright.spec import Dependencies, LayerSpec
from packaging.pylock import Pylock
from support.project import write_pylock
from support.wheels import make_wheel

ASSETS = Path(__file__).parents[1] / "assets" / "lock"


def read(path: Path, **wanted: object) -> Pylock:
    spec = LayerSpec(runtime="python3.13", dependencies=Dependencies(lock_file=str(path), **wanted))  # type: ignore[arg-type]
    lock = read_lock(spec, None)
    assert lock
    return lock


def test_a_spec_without_dependencies_has_no_lock() -> None:
    """A layer of one's own sources alone needs no lock file."""
    assert read_lock(LayerSpec(runtime="python3.13"), None) is None


def test_a_lock_file_is_read_as_it_is() -> None:
    """The model is packaging's; what the standard says of a lock file holds here."""
    lock = read(ASSETS / "pylock.good.toml", extras=("fast",), groups=("dev",))

    assert [package.name for package in lock.packages] == ["orders", "speed"]
    assert lock.packages[1].wheels
    assert lock.packages[1].wheels[0].size == 1234


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("pylock.bad-marker.toml", "is not a pylock.toml: "),
        ("pylock.empty.toml", "is empty: lock again, or restore it from version control"),
        ("pylock.missing.toml", "there is no such file in "),
        ("pylock.name-not-normalized.toml", "Name 'Orders_App' is not normalized"),
        (
            "pylock.newer.toml",
            "pylock version 2.0 is not supported: lock again with a tool that writes lock-version 1.0",
        ),
        ("pylock.of-another-tool.toml", "is not a pylock.toml: "),
        ("pylock.outside.toml", "'../orders-1.2-py3-none-any.whl' lies outside the folder of the lock file: move the"),
        ("pylock.truncated.toml", "is not TOML: "),
        (
            "pylock.wheel-of-another.toml",
            "'invoices-1.2-py3-none-any.whl' is not consistent with package name 'orders'",
        ),
        ("pylock.without-hashes.toml", "Missing required value in 'packages[0].wheels[0].hashes'"),
        ("pylock.without-version.toml", "Missing required value in 'lock-version'"),
    ],
)
def test_a_spoilt_lock_file_is_refused_by_name(name: str, what: str) -> None:
    """At 2 a.m. the one line that Terraform shows must say which file, what is wrong and what to do."""
    with pytest.raises(LockError) as refused:
        read(ASSETS / name)

    line = str(refused.value)
    assert line.startswith(f"{name}: ")
    assert what in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("contents", "what"),
    [
        (b"lock-version = '1.0'\nx = " + b"[" * 100_000, "is nested too deeply"),
        (b"lock-version = '1.0'\nx = " + b"9" * 100_000, "is not TOML"),
        (b"lock-version = '1.0'\nname = '\xff'", "is not UTF-8 text"),
        (b" \n\n", "is empty"),
        (b"lock-version = '1.0'\n" * 2, "is not TOML"),
        (
            b'lock-version = "1.0"\ncreated-by = "x"\n[[packages]]\nname = "a"\nmarker = "' + b"(" * 9999 + b'"',
            "marker",
        ),
    ],
)
def test_hostile_text_is_refused_in_one_line(tmp_path: Path, contents: bytes, what: str) -> None:
    """A lock file comes from a pull request; no text may end in a traceback."""
    (tmp_path / "pylock.toml").write_bytes(contents)

    with pytest.raises(LockError, match=what) as refused:
        read(tmp_path / "pylock.toml")

    assert str(refused.value).startswith("pylock.toml: ")


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pylock.toml").mkdir()

    with pytest.raises(LockError, match=r"^pylock.toml: is a folder, not a lock file: name the file in it$"):
        read(tmp_path / "pylock.toml")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in folders")
def test_a_pipe_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    """Opening one would wait for ever, and `terraform plan` with it."""
    os.mkfifo(tmp_path / "pylock.toml")

    with pytest.raises(LockError, match="is a device or a pipe"):
        read(tmp_path / "pylock.toml")


def test_line_ends_and_a_byte_order_mark_change_nothing(tmp_path: Path) -> None:
    """The same lock file checked out on Windows must give the same layer."""
    text = (ASSETS / "pylock.good.toml").read_text()
    (tmp_path / "pylock.toml").write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())

    assert read(tmp_path / "pylock.toml") == read(ASSETS / "pylock.good.toml")


@pytest.mark.parametrize(
    ("wanted", "what"),
    [
        ({"groups": ("prod",)}, "has no dependency group prod: it has batch, dev: correct the name"),
        ({"extras": ("quick", "fast", "slow")}, "has no extra quick, slow: it has fast: correct the name"),
    ],
)
def test_unknown_groups_and_extras_are_named_with_those_there_are(wanted: dict[str, object], what: str) -> None:
    """Silently ignored, a misspelt group is an import error in production."""
    with pytest.raises(LockError) as refused:
        read(ASSETS / "pylock.good.toml", **wanted)

    assert what in str(refused.value)


def test_names_of_groups_and_extras_are_compared_normalized() -> None:
    """PEP 735 and PEP 685 make `Dev` and `dev` the same."""
    assert read(ASSETS / "pylock.good.toml", groups=("Dev",), extras=("FAST",)).packages


def test_a_wheel_beside_the_lock_file_is_found_by_its_absolute_path(tmp_path: Path) -> None:
    """What comes after knows nothing of where the lock file lies."""
    wheel = make_wheel(tmp_path, "orders", "1.2")

    lock = read(write_pylock(tmp_path, [wheel]))

    assert [w.path for p in lock.packages for w in p.wheels or ()] == [str(wheel)]


def test_a_wheel_that_is_not_beside_the_lock_file_is_taken_from_its_url(tmp_path: Path) -> None:
    """A lock file may say both, for those who have the file and those who do not."""
    (tmp_path / "pylock.toml").write_text(
        (ASSETS / "pylock.outside.toml")
        .read_text()
        .replace('path = "../', 'url = "https://index.example/orders-1.2-py3-none-any.whl", path = "')
    )

    (package,) = read(tmp_path / "pylock.toml").packages

    assert package.wheels
    assert (package.wheels[0].url, package.wheels[0].path) == (
        "https://index.example/orders-1.2-py3-none-any.whl",
        None,
    )


@pytest.mark.skipif(sys.platform == "win32", reason="Windows needs a privilege for symbolic links")
def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    """A lock file shall not be able to choose files of this machine that are none of its project's."""
    secret = make_wheel(tmp_path / "elsewhere", "orders", "1.2")
    project = tmp_path / "project"
    project.mkdir()
    (project / secret.name).symlink_to(secret)

    with pytest.raises(LockError, match="lies outside the folder of the lock file"):
        read(write_pylock(project, [project / secret.name]))


@pytest.mark.parametrize("path", ["/etc/orders-1.2-py3-none-any.whl", "file:///etc/orders-1.2-py3-none-any.whl"])
def test_an_absolute_path_out_of_the_folder_is_refused(tmp_path: Path, path: str) -> None:
    key = "url" if path.startswith("file:") else "path"
    text = (ASSETS / "pylock.outside.toml").read_text()
    (tmp_path / "pylock.toml").write_text(text.replace('path = "../orders-1.2-py3-none-any.whl"', f'{key} = "{path}"'))

    with pytest.raises(LockError, match="'/etc/orders-1.2-py3-none-any.whl' lies outside"):
        read(tmp_path / "pylock.toml")


def test_a_path_with_a_nul_character_is_refused(tmp_path: Path) -> None:
    text = (ASSETS / "pylock.outside.toml").read_text()
    (tmp_path / "pylock.toml").write_text(text.replace("../orders", "\\u0000/orders"))

    with pytest.raises(LockError, match=r"^pylock.toml: .* is no path"):
        read(tmp_path / "pylock.toml")


def test_what_is_written_reads_back_the_same() -> None:
    """Stored resolutions are written by one machine and read by another."""
    text = (
        (ASSETS / "pylock.good.toml").read_text()
        + """
[[packages]]
name = "odd"
version = "1"
wheels = [{ path = "odd-1-py3-none-any.whl", upload-time = 2025-01-02T03:04:05Z, hashes = { sha256 = "00" } }]

[packages.tool.x]
"a b" = "é\\u007f\\n\\"\\U0001F600"
n = [1, 1.5, true]
"""
    )
    lock = parse_pylock(text, "pylock.toml")

    written = render_pylock(lock)

    assert parse_pylock(written.decode(), "pylock.toml") == lock
    assert render_pylock(parse_pylock(written.decode(), "pylock.toml")) == written


def test_a_portable_lock_holds_neither_credentials_nor_paths_of_this_machine(tmp_path: Path) -> None:
    """It goes into a bucket that many can read, and to machines whose folders are others."""
    text = """
lock-version = "1.0"
created-by = "by-hand"

[[packages]]
name = "far"
version = "1"
index = "https://me:p%40ss@index.example/simple/"
wheels = [{ url = "https://me:p%40ss@index.example/far-1-py3-none-any.whl", hashes = { sha256 = "00" } }]

[[packages]]
name = "near"
version = "1"
archive = { path = "wheels/near-1-py3-none-any.whl", hashes = { sha256 = "00" } }
"""
    lock = localise(parse_pylock(text, "pylock.toml"), tmp_path, "pylock.toml")
    assert str(tmp_path) in str(lock)

    written = render_pylock(make_portable(lock, tmp_path)).decode()

    assert (
        written
        == text.replace("me:p%40ss@", "")
        .replace("wheels = [{ url", "wheels = [\n    { url")
        .replace("}]", "},\n]")
        .lstrip()
    )
