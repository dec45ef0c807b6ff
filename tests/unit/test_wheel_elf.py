"""What compiled files need is read once, and a broken one never stops the judge."""

from __future__ import annotations

import io
import platform
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layerwright.wheel import Elf
from layerwright.wheel.elf import read_elf, split_version
from layerwright.wheel.judge import judge_wheel
from support.elf import make_elf
from support.wheels import make_wheel, sha256_of

LIBRARY = make_elf(
    "aarch64",
    needed=["libc.so.6", "libstdc++.so.6"],
    soname="libx-1.so.2",
    runpath="$ORIGIN/../x.libs:/opt/lib",
    versions={
        "libc.so.6": ["GLIBC_2.17", "GLIBC_2.28", "GLIBC_2.9", "GLIBC_ABI_DT_RELR"],
        "libstdc++.so.6": ["GLIBCXX_3.4.9", "GLIBCXX_3.4.30", "CXXABI_1.3.9", "CXXABI_1.3.11"],
    },
)
FACTS = Elf(
    machine="aarch64",
    soname="libx-1.so.2",
    needed=("libc.so.6", "libstdc++.so.6"),
    search_path=("$ORIGIN/../x.libs", "/opt/lib"),
    versions=(
        ("libc.so.6", "GLIBC_2.28"),
        ("libc.so.6", "GLIBC_ABI_DT_RELR"),
        ("libstdc++.so.6", "CXXABI_1.3.11"),
        ("libstdc++.so.6", "GLIBCXX_3.4.30"),
    ),
)


def read(contents: bytes) -> Elf | None:
    return read_elf(io.BytesIO(contents))


def test_the_needs_of_a_library_are_read_and_of_each_version_the_highest() -> None:
    assert read(LIBRARY) == FACTS


def test_a_version_that_the_loader_does_without_is_no_need() -> None:
    """A weak reference is how a program uses a new function where there is one."""
    library = make_elf(versions={"libc.so.6": ["GLIBC_2.17", "GLIBC_2.38"]}, weak=["GLIBC_2.38"])

    assert read(library) == Elf(machine="x86_64", versions=(("libc.so.6", "GLIBC_2.17"),))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has ELF files at hand")
def test_a_real_program_is_read() -> None:
    facts = read(Path(sys.executable).resolve().read_bytes())

    assert facts
    assert facts.machine == platform.machine()
    assert {"libc.so.6"} <= {library for library, _ in facts.versions} & set(facts.needed)


@pytest.mark.parametrize(
    "contents",
    [b"", b"\x7fELF", b"MZ\x90", b"#!/bin/sh\n", LIBRARY[:40], LIBRARY[:200], make_elf(kind=1)],
    ids=["empty", "magic", "Windows", "script", "half a header", "half", "object file"],
)
def test_what_no_loader_takes_has_no_needs(contents: bytes) -> None:
    """Wheels carry broken ELF files as test data and object files for compilers."""
    assert read(contents) is None


def test_a_file_for_small_machines_is_known_as_such() -> None:
    facts = read(make_elf("arm"))

    assert facts
    assert facts.machine == "32-bit"


@settings(max_examples=400, deadline=1000)
@given(position=st.integers(4, len(LIBRARY) - 8), value=st.binary(min_size=1, max_size=8))
def test_a_damaged_file_is_read_or_is_none_and_in_time(position: int, value: bytes) -> None:
    """Whoever uploads a wheel chooses its bytes; no count in them may keep us busy."""
    damaged = bytearray(LIBRARY)
    damaged[position : position + len(value)] = value

    assert isinstance(read(bytes(damaged)), Elf | None)


def test_the_judge_tells_the_needs_of_each_compiled_file(tmp_path: Path) -> None:
    files = {"x/__init__.py": b"", "x/_x.abi3.so": LIBRARY, "x/large.so": LIBRARY + bytes(17_000_000)}
    wheel = make_wheel(tmp_path, "x", files=files)
    judged = judge_wheel(wheel, filename=wheel.name, sha256=sha256_of(wheel))

    assert {e.path: e.elf for e in judged.entries if e.elf} == {"x/_x.abi3.so": FACTS, "x/large.so": FACTS}


def test_versions_are_numbers_or_words() -> None:
    assert split_version("GLIBC_2.28") == ("GLIBC", (2, 28))
    assert split_version("GLIBC_PRIVATE") == ("GLIBC_PRIVATE", ())
    assert split_version("CXXABI_ARM_1.3.3") == ("CXXABI_ARM", (1, 3, 3))
