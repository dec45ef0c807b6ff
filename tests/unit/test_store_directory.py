from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from layerwright.errors import LimitError, SpecError, StoreError
from layerwright.spec import Store as StoreSpec
from layerwright.store import open_store
from layerwright.store.directory import STALE_SECONDS, DirectoryStore
from support.stores import Built, make_built, same_key

PYTHON_FOLDER = Path(__file__).parents[2] / "python"


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return DirectoryStore(directory=tmp_path / "state" / "archives")


@pytest.fixture
def built(tmp_path: Path) -> Built:
    return make_built(tmp_path)


def put(store: DirectoryStore, built: Built) -> None:
    store.put_if_absent(built.digest, built.archive, built.manifest)


def parts(store: DirectoryStore) -> list[Path]:
    return list(store.directory.glob("part-*"))


def test_an_archive_that_nobody_stored_is_absent(store: DirectoryStore, built: Built) -> None:
    """Absent means "build it", so it must not be an error, also before the folder is there."""
    assert store.find(built.digest) is None
    assert store.find_resolution("resolution-0123456789abcdef.toml") is None
    assert not store.directory.exists()


def test_what_was_put_is_found(store: DirectoryStore, built: Built) -> None:
    """Terraform publishes the file by this name and compares its hash with what Lambda got."""
    stored = store.put_if_absent(built.digest, built.archive, built.manifest)

    assert stored.built
    assert (store.directory / stored.filename).read_bytes() == built.archive.path.read_bytes()
    assert (store.directory / stored.manifest_key).read_bytes() == built.manifest
    assert (stored.sha256, stored.zip_size) == (built.archive.sha256, built.archive.size)
    assert stored.unzipped_size == built.archive.unzipped_size
    assert (stored.bucket, stored.key, stored.region, stored.object_version) == ("", "", "", "")
    found = store.find(built.digest)
    assert found is not None
    assert not found.built
    assert found.filename == stored.filename == built.digest.archive_name


def test_git_ignores_a_folder_that_the_store_made(store: DirectoryStore, built: Built) -> None:
    """It lies under the root module, where `git add .` would take megabytes of archives along."""
    put(store, built)
    assert (store.directory / ".gitignore").read_text() == "*\n"


def test_a_folder_of_the_users_stays_as_it_is(store: DirectoryStore, built: Built) -> None:
    """Who made the folder may want its archives in git."""
    store.directory.mkdir(parents=True)
    put(store, built)
    assert not (store.directory / ".gitignore").exists()


def test_the_first_archive_stays(store: DirectoryStore, tmp_path: Path, built: Built) -> None:
    """A saved plan names the first one's hash."""
    put(store, built)
    other = make_built(tmp_path, "answer = 43", digest=built.digest)

    stored = store.put_if_absent(other.digest, other.archive, other.manifest)

    assert not stored.built
    assert stored.sha256 == built.archive.sha256
    assert (store.directory / stored.filename).read_bytes() == built.archive.path.read_bytes()


@pytest.mark.parametrize("damage", [b"", b"PK", b"x" * 4096])
def test_a_damaged_archive_is_refused_by_name(store: DirectoryStore, built: Built, damage: bytes) -> None:
    """A disk that lies must not end up in production; a person decides what to delete."""
    put(store, built)
    path = store.directory / built.digest.archive_name
    path.write_bytes(damage)

    with pytest.raises(StoreError, match=r"layer-[0-9a-f]{16}\.zip: is damaged.*delete both"):
        store.find(built.digest)
    with pytest.raises(StoreError, match="is damaged"):
        put(store, built)
    assert path.read_bytes() == damage


def test_an_archive_of_the_same_size_is_not_enough(store: DirectoryStore, built: Built) -> None:
    """The manifest's SHA-256 counts, not how many bytes there are."""
    put(store, built)
    path = store.directory / built.digest.archive_name
    path.write_bytes(bytes(byte ^ 1 for byte in path.read_bytes()))
    with pytest.raises(StoreError, match="is damaged"):
        store.find(built.digest)


def test_an_archive_without_its_manifest_is_refused(store: DirectoryStore, built: Built) -> None:
    """Without one nothing says what the archive is of; the manifest always comes first."""
    put(store, built)
    (store.directory / built.digest.manifest_name).unlink()
    with pytest.raises(StoreError, match=r"its manifest layer-.*\.json is missing: delete it"):
        store.find(built.digest)


@pytest.mark.parametrize("contents", ["", "{", "[]", '{"digest": 1}', "\udcff"])
def test_an_unreadable_manifest_is_refused_by_name(store: DirectoryStore, built: Built, contents: str) -> None:
    """One line with the file's name, never a traceback."""
    put(store, built)
    (store.directory / built.digest.manifest_name).write_bytes(contents.encode(errors="surrogateescape"))
    with pytest.raises(StoreError, match=r"layer-[0-9a-f]{16}\.json: cannot be read as a manifest.*delete it"):
        store.find(built.digest)


def test_another_digest_with_the_same_name_is_refused(store: DirectoryStore, tmp_path: Path, built: Built) -> None:
    """The name has 16 of the digest's 64 digits; the rest is compared, or one function would get another's code."""
    put(store, built)
    other = make_built(tmp_path, "answer = 43", digest=same_key(built.digest))
    assert other.digest.archive_name == built.digest.archive_name

    with pytest.raises(StoreError, match=rf"belongs to other inputs .*{built.digest.hex}, not {other.digest.hex}"):
        store.find(other.digest)
    with pytest.raises(StoreError, match="belongs to other inputs"):
        put(store, other)


def test_an_archive_is_not_put_beside_the_manifest_of_another(
    store: DirectoryStore, tmp_path: Path, built: Built
) -> None:
    """Checks across layers read manifests only: one that describes other files would let a wrong layer pass."""
    other = make_built(tmp_path, "answer = 43", digest=built.digest)
    store.directory.mkdir(parents=True)
    (store.directory / built.digest.manifest_name).write_bytes(other.manifest)

    with pytest.raises(StoreError, match=r"layer-.*\.json: is of another archive: delete it"):
        put(store, built)
    assert store.find(built.digest) is None


def test_an_archive_that_changed_since_it_was_written_is_refused(store: DirectoryStore, built: Built) -> None:
    """The hash is what everybody after us compares with."""
    built.archive.path.write_bytes(b"x" * built.archive.size)
    with pytest.raises(StoreError, match="changed after it was written"):
        put(store, built)
    assert store.find(built.digest) is None
    assert not parts(store)


def test_an_archive_too_large_to_be_published_as_a_file_is_refused(store: DirectoryStore, built: Built) -> None:
    """Lambda would refuse it in the apply; the plan is where that must be said, also for one stored before."""
    limited = DirectoryStore(directory=store.directory, direct_upload_limit=built.archive.size - 1)
    with pytest.raises(LimitError, match="give store a bucket"):
        put(limited, built)
    assert not store.directory.exists()

    put(store, built)
    with pytest.raises(LimitError, match="give store a bucket"):
        limited.find(built.digest)
    exact = DirectoryStore(directory=store.directory, direct_upload_limit=built.archive.size)
    assert exact.find(built.digest)


def test_stale_temporary_files_go_and_living_ones_stay(store: DirectoryStore, built: Built) -> None:
    """A killed run leaves its file behind; another run may be writing one at this moment."""
    store.directory.mkdir(parents=True)
    stale, living = store.directory / "part-0", store.directory / "part-1"
    for path in (stale, living):
        path.write_bytes(b"half")
    long_ago = time.time() - STALE_SECONDS - 60
    os.utime(stale, (long_ago, long_ago))

    put(store, built)

    assert not stale.exists()
    assert living.exists()


def test_without_hard_links_the_first_archive_stays_too(
    store: DirectoryStore, tmp_path: Path, built: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FAT, some network file systems and some containers know no hard links."""

    def refuse(_self: Path, _target: Path) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    put(store, built)
    other = make_built(tmp_path, "answer = 43", digest=built.digest)
    put(store, other)

    found = store.find(built.digest)
    assert found is not None
    assert found.sha256 == built.archive.sha256
    assert not parts(store)


def test_a_file_in_the_folders_place_is_said(store: DirectoryStore, built: Built) -> None:
    """One line that names the folder, not a traceback."""
    store.directory.parent.mkdir()
    store.directory.write_text("a file")
    assert store.find(built.digest) is None
    with pytest.raises(StoreError, match=r"archives: cannot be written.*another directory"):
        put(store, built)


def test_the_first_resolution_stays(store: DirectoryStore) -> None:
    """Everybody who plans against the same store gets the same versions."""
    name = "resolution-0123456789abcdef.toml"
    assert store.put_resolution(name, b"first") == b"first"
    assert store.put_resolution(name, b"second") == b"first"
    assert store.find_resolution(name) == b"first"


def test_an_absence_is_explained(store: DirectoryStore, built: Built) -> None:
    """With `upload_at = "never"` the way out differs: a wrong folder, or an archive that nobody built."""
    assert "there is no such folder" in store.explain_absence(built.digest)
    store.directory.mkdir(parents=True)
    assert store.explain_absence(built.digest).endswith(f"{built.digest.archive_name}: is not there")


def test_the_spec_chooses_the_store(tmp_path: Path) -> None:
    """A bucket wins over a directory, which has the limit of direct uploads."""
    store = open_store(StoreSpec(directory=str(tmp_path)), direct_upload_limit=5)
    assert store == DirectoryStore(directory=tmp_path, direct_upload_limit=5)
    assert type(open_store(StoreSpec(bucket="artifacts", directory=str(tmp_path)))).__name__ == "S3Store"
    with pytest.raises(SpecError, match="neither a bucket nor a directory"):
        open_store(StoreSpec())


PUT = """
import os, sys
from pathlib import Path
sys.path[:0] = sys.argv[1:3]
from support.stores import make_built
from layerwright.store.directory import DirectoryStore

folder, scratch, kill_at = Path(sys.argv[3]), Path(sys.argv[4]), int(sys.argv[5])
store, built, events = DirectoryStore(directory=folder), make_built(scratch), 0

def die_at_the_kth_event(event, arguments):
    global events
    if event in {"open", "os.mkdir", "os.link", "os.rename", "os.remove"} and str(folder) in str(arguments[0:2]):
        events += 1
        if events == kill_at:
            os._exit(9)

sys.stdin.read(1)
sys.addaudithook(die_at_the_kth_event)
stored = store.put_if_absent(built.digest, built.archive, built.manifest)
print(stored.sha256, stored.built)
"""


def start_put(store: DirectoryStore, scratch: Path, *, kill_at: int = 0) -> subprocess.Popen[str]:
    """A process that puts the archive of `make_built` as soon as it reads something."""
    scratch.mkdir()
    tests = Path(__file__).parents[1]
    return subprocess.Popen(
        [sys.executable, "-c", PUT, str(PYTHON_FOLDER), str(tests), str(store.directory), str(scratch), str(kill_at)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_processes_that_store_at_once_all_get_the_same(store: DirectoryStore, tmp_path: Path, built: Built) -> None:
    """Terraform runs up to ten programs at once, often for the same archive."""
    processes = [start_put(store, tmp_path / str(number)) for number in range(8)]
    for process in processes:  # all have been started by now: let them go together
        assert process.stdin
        process.stdin.write("x")
        process.stdin.flush()
    answers = [process.communicate(timeout=60) for process in processes]

    assert [error for _, error in answers if error] == []
    assert sorted(answer for answer, _ in answers) == sorted(
        [f"{built.archive.sha256} True\n", *[f"{built.archive.sha256} False\n"] * 7]
    )
    assert store.find(built.digest)
    assert not parts(store)


def test_a_run_killed_anywhere_leaves_nothing_that_a_later_one_trusts(tmp_path: Path, built: Built) -> None:
    """An interrupted Terraform kills the program at once; no clean-up code runs."""
    killed = 0
    while True:
        store = DirectoryStore(directory=tmp_path / f"store-{killed}")
        process = start_put(store, tmp_path / f"scratch-{killed}", kill_at=killed + 1)
        _, error = process.communicate("x", timeout=60)
        if process.returncode == 0:
            break
        assert process.returncode == 9, error
        killed += 1

        found = store.find(built.digest)
        assert found is None or found.sha256 == built.archive.sha256
        assert store.put_if_absent(built.digest, built.archive, built.manifest).sha256 == built.archive.sha256
    assert killed >= 8
