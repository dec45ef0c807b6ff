"""The zip: the same bytes everywhere, readable by everybody."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from layerwright.archive import Archive, write_archive
from layerwright.cache import WheelCache
from layerwright.errors import SpecError, StoreError
from layerwright.fetch import fetch
from layerwright.layout import PlacedFile, lay_out
from layerwright.sources import read_sources
from layerwright.spec import LayerSpec, Source
from layerwright.tree import LayerTree, assemble
from support.project import choices_for
from support.wheels import make_wheel


@pytest.fixture
def tree(tmp_path: Path, cache: WheelCache) -> LayerTree:
    """Two wheels, one of them stored without compression, and sources with a name that is not ASCII."""
    text = "value = 1\n" * 500
    one = make_wheel(
        tmp_path, "one", files={"one/__init__.py": text, "one/run.sh": "#!/bin/sh\n"}, executables=["one/run.sh"]
    )
    two = make_wheel(tmp_path, "two", files={"two/data.bin": text, "two/empty": ""}, compress=False)
    own = tmp_path / "own"
    own.mkdir()
    (own / "größe.txt").write_text(text)
    (own / "b.py").write_text("")
    spec = LayerSpec(runtime="python3.13", sources=(Source(path=str(own)),))
    return assemble(lay_out(fetch(choices_for(two, one), cache), spec), read_sources(spec), spec)


@pytest.fixture
def archive(tree: LayerTree, tmp_path: Path) -> Archive:
    return write_archive(tree, tmp_path / "layer.zip")


def test_the_archive_is_what_it_is_said_to_be(archive: Archive, tree: LayerTree) -> None:
    contents = archive.path.read_bytes()

    assert (archive.sha256, archive.size) == (hashlib.sha256(contents).hexdigest(), len(contents))
    assert archive.unzipped_size == sum(len(zipfile.ZipFile(archive.path).read(f.path)) for f in tree.files)


def test_every_file_comes_out_as_it_went_in(archive: Archive, tree: LayerTree) -> None:
    with zipfile.ZipFile(archive.path) as opened:
        assert opened.testzip() is None
        assert {n: hashlib.sha256(opened.read(n)).hexdigest() for n in opened.namelist()} == {
            file.path: file.sha256 for file in tree.files
        }


@pytest.mark.skipif(not shutil.which("unzip"), reason="Info-ZIP is not installed")
def test_info_zip_takes_it(archive: Archive) -> None:
    ran = subprocess.run(["unzip", "-t", archive.path], capture_output=True, text=True, check=False)

    assert "No errors detected" in ran.stdout, ran.stdout + ran.stderr


def test_headers_hold_nothing_of_the_machine(archive: Archive) -> None:
    """Dates, owners and modes of a checkout are what makes other tools' zips differ on every run."""
    with zipfile.ZipFile(archive.path) as opened:
        entries = opened.infolist()
        comment = opened.comment

    names = [entry.filename for entry in entries]
    assert names == sorted(names, key=str.encode)
    assert comment == b""
    for entry in entries:
        assert entry.date_time == (1980, 1, 1, 0, 0, 0)
        assert (entry.create_system, entry.create_version, entry.extract_version) == (3, 20, 20)
        assert (entry.extra, entry.comment, entry.internal_attr) == (b"", b"", 0)
        assert entry.flag_bits == (0 if entry.filename.isascii() else 0x800)
        assert not entry.is_dir()
        mode = entry.external_attr >> 16
        assert stat.S_ISREG(mode)
        assert stat.S_IMODE(mode) == (0o755 if entry.filename.endswith(".sh") else 0o644)


def test_compressed_entries_of_wheels_are_copied_as_they_are(archive: Archive, tree: LayerTree) -> None:
    """This is why building takes a fraction of a second, and why no zlib of the host leaves its mark."""
    whole = archive.path.read_bytes()
    copied = [(f.owner, f.entry) for f in tree.files if isinstance(f, PlacedFile) and f.entry]
    assert copied
    for owner, entry in copied:
        wheel = owner.path.read_bytes()
        assert wheel[entry.offset : entry.offset + entry.compressed_size] in whole


def test_the_same_tree_gives_the_same_archive(tree: LayerTree, archive: Archive, tmp_path: Path) -> None:
    """A layer is republished only when its contents change."""
    assert write_archive(tree, tmp_path / "again.zip").sha256 == archive.sha256


def test_the_bytes_of_a_known_tree_never_change(tmp_path: Path, cache: WheelCache) -> None:
    """Layers are stored once under the name of their inputs: other bytes need another DIGEST_CONTRACT."""
    files = {"example/__init__.py": "x = 1\n" * 99, "example/run.sh": "#!/bin/sh\n"}
    wheel = make_wheel(tmp_path, files=files, executables=["example/run.sh"], compress=False)  # no zlib of this host
    (tmp_path / "own.py").write_text("y = 2\n" * 99)
    spec = LayerSpec(runtime="python3.13", sources=(Source(path=str(tmp_path / "own.py")),))
    tree = assemble(lay_out(fetch(choices_for(wheel), cache), spec), read_sources(spec), spec)

    assert (
        write_archive(tree, tmp_path / "layer.zip").sha256
        == "05216fafc48f5b1c1d539183fd1c1d43ab9414ed020c570679a0ab0eecb5d0af"
    )


def test_a_source_that_changes_meanwhile_is_refused(tree: LayerTree, tmp_path: Path) -> None:
    """Its old hash is in the layer's name already."""
    (tmp_path / "own" / "b.py").write_text("changed")
    with pytest.raises(SpecError, match=r"b\.py: changed while the archive was being made: run again"):
        write_archive(tree, tmp_path / "layer.zip")

    (tmp_path / "own" / "b.py").unlink()
    with pytest.raises(SpecError, match=r"b\.py: cannot be read: "):
        write_archive(tree, tmp_path / "layer.zip")


def test_python_imports_from_it(archive: Archive, tmp_path: Path) -> None:
    with zipfile.ZipFile(archive.path) as opened:
        opened.extractall(tmp_path / "opt")
    code = "import sys, one; sys.path.clear(); print(one.value, one.__file__)"
    ran = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(tmp_path / 'opt/python')!r}); {code}"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert ran.stdout.startswith("1 ")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the limit on a file's size is POSIX's")
def test_a_full_disk_is_told_and_leaves_no_trace(tree: LayerTree, tmp_path: Path) -> None:
    """Half an archive under a name that somebody trusts would be the worst that can happen."""
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (512, limits[1]))
    try:
        with pytest.raises(StoreError, match="the archive cannot be written there: File too large: free space"):
            write_archive(tree, tmp_path / "layer.zip")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, previous)
