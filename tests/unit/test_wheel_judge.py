"""What a wheel says of itself must be true, and what the judge returns must be what is in it."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from pathlib import Path

import pytest
from layerwright.errors import WheelError
from layerwright.wheel import Wheel
from layerwright.wheel.judge import judge_wheel
from support.judging import FILENAME, Spoiled, judge, refusal
from support.wheels import RawEntry, change_entry, make_wheel, sha256_of, wheel_entries, with_record

INFO = "example-1.0.dist-info"
DATA = "example-1.0.data"


def judge_file(path: Path) -> Wheel:
    return judge_wheel(path, filename=path.name, sha256=sha256_of(path))


def with_text(part: str, text: str) -> list[RawEntry]:
    """A wheel with another text in a file of its `.dist-info`."""
    parts = wheel_entries(entry_points="[console_scripts]\n")
    return with_record(change_entry(parts, f"{INFO}/{part}", contents=text.encode()))


def without(part: str) -> list[RawEntry]:
    return with_record([entry for entry in wheel_entries() if entry.path != f"{INFO}/{part}"])


def with_scripts(line: str, group: str = "console_scripts") -> list[RawEntry]:
    return with_record(wheel_entries(entry_points=f"[{group}]\n{line}\n"))


def with_data(path: str) -> list[RawEntry]:
    return with_record(wheel_entries(data={path: "x"}))


METADATA = {
    "other name": ("Name: other\nVersion: 1.0\n", "METADATA has the name other, the file name says example"),
    "other version": ("Name: example\nVersion: 1.1\n", "METADATA has the version 1.1, the file name says 1.0"),
    "no name": ("Version: 1.0\n", "METADATA has the name (none)"),
    "no version": ("Name: example\n", "METADATA has the version (none)"),
    "two names": ("Name: example\nName: other\nVersion: 1.0\n", "METADATA has the name example and other"),
    "two versions": ("Name: example\nVersion: 1.0\nVersion: 2\n", "METADATA has the version 1.0 and 2"),
    "no version at all": ("Name: example\nVersion: latest\n", "METADATA has the version latest"),
    "endless version": (f"Name: example\nVersion: {'9' * 5000}\n", "METADATA has the version 999"),
    "in the description": ("Summary: x\n\nName: example\nVersion: 1.0\n", "METADATA has the name (none)"),
    "empty": ("", "METADATA has the name (none), the file name says example; METADATA has the version (none)"),
}

WHEEL = {
    "next format": ("Wheel-Version: 2.0\nRoot-Is-Purelib: true\n", "WHEEL has the Wheel-Version 2.0"),
    "far format": ("Wheel-Version: 9\nRoot-Is-Purelib: true\n", "WHEEL has the Wheel-Version 9"),
    "no format": ("Root-Is-Purelib: true\n", "WHEEL has the Wheel-Version (none)"),
    "two formats": ("Wheel-Version: 1.0\nWheel-Version: 2.0\nRoot-Is-Purelib: true\n", "Wheel-Version 1.0 and 2.0"),
    "no root": ("Wheel-Version: 1.0\n", "WHEEL has the Root-Is-Purelib (none)"),
    "odd root": ("Wheel-Version: 1.0\nRoot-Is-Purelib: maybe\n", "WHEEL has the Root-Is-Purelib maybe"),
    "empty": ("", "WHEEL has the Wheel-Version (none)"),
}

SCRIPTS = {
    "parent": (with_scripts("../../x = example:main"), "a script named ../../x, which is no file name"),
    "absolute": (with_scripts("/usr/bin/python = example:main"), "a script named /usr/bin/python"),
    "backslash": (with_scripts("..\\x = example:main"), "a script named ..\\x"),
    "dots": (with_scripts(".. = example:main"), "a script named .., which is no file name"),
    "gui": (with_scripts("../x = example:main", "gui_scripts"), "a script named ../x"),
    "code": (with_scripts("x = os:system('id')"), "has os:system('id') for the script x"),
    "no function": (with_scripts("x = example"), "has example for the script x, which is no module:function"),
    "no value": (with_scripts("x"), "entry_points.txt cannot be read"),
    "Python": (with_scripts("python = example:main"), "a script named python, which would take the place of Python"),
    "Python 3.13": (with_scripts("Python3.13 = example:main"), "which would take the place of Python itself"),
    "no section": (with_text("entry_points.txt", "x = example:main\n"), "entry_points.txt cannot be read"),
    "not UTF-8": (
        with_record(change_entry(wheel_entries(entry_points=""), f"{INFO}/entry_points.txt", contents=b"\xff")),
        "entry_points.txt cannot be read",
    ),
}

FOLDERS = {
    "no .dist-info": ([RawEntry(name="example/__init__.py")], "has no .dist-info folder"),
    "two .dist-info": (
        with_record([*wheel_entries(), RawEntry(name="other-1.0.dist-info/METADATA")]),
        "has 2 .dist-info folders (example-1.0.dist-info, other-1.0.dist-info)",
    ),
    "empty second .dist-info": (
        [*with_record(wheel_entries()), RawEntry(name="other-1.0.dist-info/", mode=0o040755)],
        "has 2 .dist-info folders",
    ),
    "other name": (with_record(wheel_entries("other")), "its folder other-1.0.dist-info is that of another"),
    "other version": (with_record(wheel_entries(version="2.0")), "its folder example-2.0.dist-info is that of another"),
    "no METADATA": (without("METADATA"), f"{INFO}/METADATA is missing"),
    "no WHEEL": (without("WHEEL"), f"{INFO}/WHEEL is missing"),
    "unknown data key": (with_data("unknown/x"), f"{DATA}/unknown/x is not below one of purelib, platlib"),
    "data key as a file": (with_data("scripts"), f"{DATA}/scripts is not below one of"),
    "data file without key": (with_data("x.txt"), f"{DATA}/x.txt is not below one of"),
    "Python among scripts": (with_data("scripts/python3"), "scripts/python3 would take the place of Python itself"),
    "Python among data": (with_data("data/bin/python"), "data/bin/python would take the place of Python itself"),
    "data of another": (
        with_record([*wheel_entries(), RawEntry(name="other-1.0.data/scripts/x")]),
        "other-1.0.data/scripts/x is in the .data folder of another distribution, not in example-1.0.data",
    ),
}


@pytest.mark.parametrize(("text", "reason"), METADATA.values(), ids=METADATA)
def test_metadata_that_differs_from_the_file_name_is_refused(text: str, reason: str, tmp_path: Path) -> None:
    """What was locked by name would be listed, scanned and updated under another name."""
    assert reason in refusal(tmp_path, with_text("METADATA", text))


@pytest.mark.parametrize(("text", "reason"), WHEEL.values(), ids=WHEEL)
def test_a_wheel_of_an_unknown_format_is_refused(text: str, reason: str, tmp_path: Path) -> None:
    assert reason in refusal(tmp_path, with_text("WHEEL", text))


@pytest.mark.parametrize(("wheel", "reason"), SCRIPTS.values(), ids=SCRIPTS)
def test_scripts_that_escape_or_run_something_else_are_refused(wheel: Spoiled, reason: str, tmp_path: Path) -> None:
    """pip 26.1.2 wrote `../../x` outside its folder of scripts."""
    assert reason in refusal(tmp_path, wheel)


@pytest.mark.parametrize(("wheel", "reason"), FOLDERS.values(), ids=FOLDERS)
def test_folders_that_are_missing_or_of_another_are_refused(wheel: Spoiled, reason: str, tmp_path: Path) -> None:
    assert reason in refusal(tmp_path, wheel)


@pytest.mark.parametrize("filename", ["example.whl", "example-1.0.tar.gz", "example-one-py3-none-any.whl", "x"])
def test_a_file_name_that_says_nothing_is_refused(filename: str, tmp_path: Path) -> None:
    assert "is no name of a wheel" in refusal(tmp_path, with_record(wheel_entries()), filename)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """A cache that was swept meanwhile ends in one line and not in a traceback."""
    with pytest.raises(WheelError, match=f"{FILENAME}: cannot be read: "):
        judge_wheel(tmp_path / "gone", filename=FILENAME, sha256="0" * 64)
    with pytest.raises(WheelError, match=f"{FILENAME}: cannot be read: "):
        judge_wheel(tmp_path, filename=FILENAME, sha256="0" * 64)


@pytest.mark.parametrize("compress", [True, False])
def test_every_entry_can_be_copied_out_of_the_wheel(compress: bool, tmp_path: Path) -> None:
    """Archives are assembled from these offsets without reading the wheel's headers again."""
    files = {
        "example/__init__.py": b"x = 1\n" * 500_000,
        "example/empty.py": b"",
        "example/logo.png": bytes(range(256)),
    }
    path = make_wheel(tmp_path, files=files, compress=compress)

    found, data = judge_file(path), path.read_bytes()

    with zipfile.ZipFile(path) as reference:
        assert [entry.path for entry in found.entries] == reference.namelist()
        for entry in found.entries:
            packed = data[entry.offset : entry.offset + entry.compressed_size]
            contents = zlib.decompress(packed, -15) if entry.method == 8 else packed
            assert contents == reference.read(entry.path)
            assert (entry.size, entry.crc32) == (len(contents), zlib.crc32(contents))
            assert entry.sha256 == hashlib.sha256(contents).hexdigest()
    assert {entry.method for entry in found.entries} - {0} == ({8} if compress else set())


def test_a_wheel_is_described_as_its_file_name_and_folders_say(tmp_path: Path) -> None:
    path = make_wheel(tmp_path, "My.Orders", "1.2.0", tag="cp313-cp313-manylinux_2_17_x86_64", root_is_purelib=False)

    found = judge_file(path)

    assert (found.name, found.version, found.root_is_purelib) == ("my-orders", "1.2.0", False)
    assert (found.dist_info, found.data_dir) == ("my_orders-1.2.0.dist-info", "my_orders-1.2.0.data")
    assert (found.filename, found.sha256, found.size) == (path.name, sha256_of(path), path.stat().st_size)


@pytest.mark.parametrize(
    ("mode", "executable"),
    [
        (0o100644, False),
        (0o100755, True),
        (0o100777, True),
        (0o104755, True),
        (0o100001, True),
        (0o100000, False),
        (0o000755, False),
        (0, False),
    ],
)
def test_files_are_executable_where_pip_makes_them_so(mode: int, executable: bool, tmp_path: Path) -> None:
    """A binary without its execute bit fails only when the function is called; other bits never reach the archive."""
    parts = change_entry(wheel_entries(), "example/__init__.py", mode=mode)

    found = judge(tmp_path, with_record(parts))

    assert found.entries[0].path == "example/__init__.py"
    assert found.entries[0].executable is executable


@pytest.mark.parametrize(
    ("filename", "name", "version"),
    [
        ("example-1.0-py3-none-any.whl", "Example", "1.0"),
        ("example-1.0-1build-py3-none-any.whl", "example", "1.0"),
        ("Example-1.0.0-py2.py3-none-any.whl", "EXAMPLE", "1"),
        ("my_orders-1.0+local.1-py3-none-any.whl", "my.orders", "1.0+LOCAL.1"),
    ],
)
def test_names_and_versions_are_compared_as_normalized(filename: str, name: str, version: str, tmp_path: Path) -> None:
    """`Example 1` and `example 1.0` are one release, and older build tools wrote whichever they were given."""
    found = judge(tmp_path, with_record(wheel_entries(name, version)), filename)

    assert found.name == name.lower().replace(".", "-")


def test_good_wheels_of_every_kind_are_taken(tmp_path: Path) -> None:
    info_only = with_record(wheel_entries(files={}))
    info_first = with_record(wheel_entries())[::-1]
    everything = with_record(
        wheel_entries(
            data={f"{key}/x": "x" for key in ("purelib", "platlib", "headers", "scripts", "data/share")},
            entry_points="[console_scripts]\nMy-Run = example.cli:App.main [extra]\npython-run=example:main\n\n"
            "[other.group]\n../x = anything\n",
            executables=["scripts/x"],
        )
    )
    archive = with_record([*wheel_entries(), RawEntry(name="example/inner.zip", contents=b"PK\5\6" + bytes(18))])

    assert len(judge(tmp_path, info_only).entries) == 3
    assert judge(tmp_path, info_first).entries[0].path == f"{INFO}/RECORD"
    assert {e.path for e in judge(tmp_path, everything).entries if e.executable} == {f"{DATA}/scripts/x"}
    assert any(entry.path == "example/inner.zip" for entry in judge(tmp_path, archive).entries)
