"""Paths in a wheel: none may lead elsewhere, or be another file on another system."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.judging import judge, refusal
from support.wheels import RawEntry, wheel_entries, with_record

DATA = "example-1.0.data"

REFUSED = {
    "parent": ("../escape.py", "leads out of its folder"),
    "parent inside": ("example/../../escape.py", "leads out of its folder"),
    "parent below a script folder": (f"{DATA}/scripts/../../../bin/sh", "leads out of its folder"),
    "parent at the end": ("example/..", "leads out of its folder"),
    "parent as a folder": ("example/../", "leads out of its folder"),
    "absolute": ("/etc/passwd", "is an absolute path"),
    "drive": ("C:/Windows/evil.py", "is an absolute path"),
    "drive, relative": ("c:evil.py", "is an absolute path"),
    "UNC": ("//server/share/evil.py", "is an absolute path"),
    "UNC with backslashes": ("\\\\server\\share", "holds a backslash"),
    "backslash": ("example\\evil.py", "holds a backslash"),
    "backslash and parent": ("..\\evil.py", "holds a backslash"),
    "NUL": ("example/evil.py\0.txt", "holds a control character"),
    "newline": ("example/evil\n.py", "holds a control character"),
    "escape": ("example/\x1b[2J.py", "holds a control character"),
    "delete": ("example/\x7f.py", "holds a control character"),
    "next line": ("example/\x85.py", "holds a control character"),
    "empty": ("", "an entry has no name"),
    "only a slash": ("/", "is an absolute path"),
    "empty part": ("example//evil.py", "is not written in its simplest form"),
    "two slashes at the end": ("example//", "is not written in its simplest form"),
    "dot part": ("./example/evil.py", "is not written in its simplest form"),
    "long part": ("example/" + "x" * 256, "has a part of more than 255 bytes"),
    "long part in UTF-8": ("example/" + "é" * 128, "has a part of more than 255 bytes"),
    "long path": ("example/" + "folder/" * 600 + "x.py", "is longer than 4096 bytes"),
}

CLASHES = {
    "twice": (["example/a.py", "example/a.py"], "example/a.py is there twice"),
    "folder twice": (["example/sub/", "example/sub/"], "example/sub/ is there twice"),
    "case": (["example/A.py", "example/a.py"], "example/a.py and example/A.py are one file"),
    "case, not ASCII": (["example/STRASSE.py", "example/straße.py"], "are one file where case or Unicode form"),
    "case of a folder": (["Example/sub/a.py", "example/Sub/a.py"], "are one file where case or Unicode form"),
    "Unicode form": (["example/\u00e9.py", "example/e\u0301.py"], "are one file where case or Unicode form"),
    "file and folder": (["example/sub", "example/sub/a.py"], "example/sub is both a file and a folder"),
    "file and folder entry": (["example/sub", "example/sub/"], "example/sub is both a file and a folder"),
    "file and folder but for case": (["example/Sub", "example/sub/a.py"], "example/Sub is both a file and a folder"),
}


def wheel_with(*names: str) -> list[RawEntry]:
    return with_record([*wheel_entries(), *(RawEntry(name=name) for name in names)])


@pytest.mark.parametrize(("name", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_path_that_leads_elsewhere_is_refused(name: str, reason: str, tmp_path: Path) -> None:
    """Half of the advisories against installers of the last years are a path of this list."""
    assert reason in refusal(tmp_path, wheel_with(name))


@pytest.mark.parametrize(("names", "reason"), CLASHES.values(), ids=CLASHES)
def test_paths_that_are_one_file_somewhere_are_refused(names: list[str], reason: str, tmp_path: Path) -> None:
    """Of two files that overwrite each other, which one is left depends on the machine."""
    assert reason in refusal(tmp_path, wheel_with(*names))


def test_ordinary_paths_are_taken(tmp_path: Path) -> None:
    """Names that look odd but mean the same file everywhere."""
    names = [
        "example/..data.py",
        "example/a b,c;d.py",
        'example/"quoted".py',
        "example/naïve-日本.txt",
        "example/" + "x" * 255,
        "Example/other.py",
        "example/sub/../x".replace("/../", "/.../"),
        "example/a:b.txt",
        "-rf",
    ]

    found = judge(tmp_path, wheel_with(*names))

    assert set(names) < {entry.path for entry in found.entries}


def test_all_bad_paths_are_named_at_once_but_only_a_handful(tmp_path: Path) -> None:
    """A person mends them in one go, and Terraform shows one line."""
    message = refusal(tmp_path, wheel_with(*(f"../{i}.py" for i in range(9))))

    assert [f"../{i}.py leads out of its folder" in message for i in range(9)] == [True] * 5 + [False] * 4
    assert "and 4 more problems" in message
    assert message.endswith(": pin another version of it, or build the wheel anew and lock that")
