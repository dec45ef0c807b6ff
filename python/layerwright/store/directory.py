"""Archives in a folder of this machine: the way to start without a bucket."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from layerwright.archive import Archive
from layerwright.digest import InputDigest
from layerwright.errors import LimitError, StoreError
from layerwright.store import StoredLayer

STALE_SECONDS = 24 * 60 * 60
"""Age at which a temporary file belongs to no living run."""


class _ArchiveFacts(msgspec.Struct, frozen=True):
    sha256: str
    size: int
    unzipped_size: int


class _Facts(msgspec.Struct, frozen=True):
    """What a manifest says that a store must know; see `layerwright.manifest` for all of it."""

    digest: str
    archive: _ArchiveFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryStore:
    """Keeps archives in *directory*, which it makes and hides from git if it is not there.

    A file appears under its name at once and whole, its manifest before it, and is never replaced: a run that was
    killed leaves a temporary file at most, which a later run removes after a day.
    """

    directory: Path
    direct_upload_limit: int | None = None
    """Bytes of a zip that can be published as a file, where that is what it is for."""

    def find(self, digest: InputDigest) -> StoredLayer | None:
        """Return the archive named by *digest* if it is there, checked against its manifest byte by byte.

        Raises `StoreError` naming the file that is not what it should be, and `LimitError` where it is too large to be
        published as a file.
        """
        path, manifest = self.directory / digest.archive_name, self.directory / digest.manifest_name
        try:
            found_sha256, found_size = _hash(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as e:
            raise StoreError(f"{path}: cannot be read: {e.strerror or e}") from e

        facts = self._read_facts(digest)
        if facts is None:
            raise StoreError(f"{path}: its manifest {manifest.name} is missing: delete it, and it is built again")
        if (found_sha256, found_size) != (facts.archive.sha256, facts.archive.size):
            raise StoreError(
                f"{path}: is damaged: it has {found_size} bytes with SHA-256 {found_sha256}, its manifest says "
                f"{facts.archive.size} and {facts.archive.sha256}: delete both, and they are built again"
            )
        self._check_limit(path, found_size)
        return self._describe(digest, facts.archive)

    def put_if_absent(self, digest: InputDigest, archive: Archive, manifest: bytes) -> StoredLayer:
        """Store *archive* and its manifest unless somebody has, and return what is there then.

        Raises as `find` does, and `StoreError` where the folder cannot be written.
        """
        path = self.directory / digest.archive_name
        self._check_limit(path, archive.size)
        with self._writing():
            self._publish(digest.manifest_name, manifest)
            facts = self._read_facts(digest)
            if not path.exists() and (facts is None or facts.archive.sha256 != archive.sha256):
                # Left by a run that made other bytes of the same inputs: an archive beside it would never be trusted.
                raise StoreError(
                    f"{self.directory / digest.manifest_name}: is of another archive: delete it, and retry"
                )
            if self._publish(digest.archive_name, archive):
                return self._describe(digest, archive, built=True)
        if (stored := self.find(digest)) is None:
            raise StoreError(f"{path}: was removed while it was being stored: run it again")
        return stored

    def find_resolution(self, name: str) -> bytes | None:
        """Return the stored file *name* (`resolution-….toml`), if it is there."""
        try:
            return (self.directory / name).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as e:
            raise StoreError(f"{self.directory / name}: cannot be read: {e.strerror or e}") from e

    def put_resolution(self, name: str, contents: bytes) -> bytes:
        """Store *contents* as *name* unless somebody has, and return what is there then."""
        with self._writing():
            self._publish(name, contents)
        return (self.directory / name).read_bytes()

    def explain_absence(self, digest: InputDigest) -> str:
        """Say in one line why `find` found nothing."""
        if not self.directory.is_dir():
            return f"{self.directory}: there is no such folder"
        return f"{self.directory / digest.archive_name}: is not there"

    def _describe(self, digest: InputDigest, archive: Archive | _ArchiveFacts, *, built: bool = False) -> StoredLayer:
        return StoredLayer(
            digest=digest,
            sha256=archive.sha256,
            zip_size=archive.size,
            unzipped_size=archive.unzipped_size,
            manifest_key=digest.manifest_name,
            filename=digest.archive_name,
            built=built,
        )

    def _read_facts(self, digest: InputDigest) -> _Facts | None:
        path = self.directory / digest.manifest_name
        try:
            facts = msgspec.json.decode(path.read_bytes(), type=_Facts)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as e:
            raise StoreError(f"{path}: cannot be read as a manifest: {e}: delete it, and it is written again") from e
        if facts.digest != digest.hex:
            raise StoreError(
                f"{path}: belongs to other inputs (input digest {facts.digest}, not {digest.hex}): delete it and "
                f"{digest.archive_name}, and they are built again"
            )
        return facts

    def _check_limit(self, path: Path, size: int) -> None:
        if self.direct_upload_limit is not None and size > self.direct_upload_limit:
            raise LimitError(
                f"{path.name}: {size:,} bytes zipped, Lambda takes {self.direct_upload_limit:,} as a file: "
                "give store a bucket, from which it takes more"
            )

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """Make the folder and sweep it; an `OSError` within becomes a `StoreError`."""
        try:
            self._make_directory()
            self._sweep()
            yield
        except OSError as e:
            raise StoreError(
                f"{self.directory}: cannot be written: {e.strerror or e}: give store another directory"
            ) from e

    def _make_directory(self) -> None:
        self.directory.parent.mkdir(parents=True, exist_ok=True)
        try:
            self.directory.mkdir()
        except FileExistsError:
            if not self.directory.is_dir():
                raise
        else:
            (self.directory / ".gitignore").write_text("*\n")

    def _sweep(self) -> None:
        """Remove the temporary files of runs that were killed long ago."""
        for part in self.directory.glob("part-*"):
            with contextlib.suppress(OSError):
                if time.time() - part.stat().st_mtime > STALE_SECONDS:
                    part.unlink()

    def _publish(self, name: str, contents: bytes | Archive) -> bool:
        """Let *contents* appear as *name*, unless something is there; returns whether it did."""
        final = self.directory / name
        if final.exists():
            return False
        # Not `tempfile`, whose files nobody else may read.
        part = self.directory / f"part-{os.urandom(8).hex()}"
        try:
            if isinstance(contents, bytes):
                part.write_bytes(contents)
            else:
                _link_or_copy(contents, part)
            _sync(part)
            return _rename_if_absent(part, final)
        finally:
            part.unlink(missing_ok=True)


def _link_or_copy(archive: Archive, part: Path) -> None:
    """Have the archive's bytes under the name *part* too: a second name where that is possible, for speed."""
    try:
        part.hardlink_to(archive.path)
    except OSError:  # another file system, or one without hard links
        shutil.copyfile(archive.path, part)
    if _hash(part)[0] != archive.sha256:
        raise StoreError(f"{archive.path}: changed after it was written: is the disk all right? run it again")


def _hash(path: Path) -> tuple[str, int]:
    """SHA-256 and size of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), file.tell()


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _rename_if_absent(part: Path, final: Path) -> bool:
    """Give *part* the name *final* unless that is taken; a hard link is the one call that does both at once."""
    try:
        final.hardlink_to(part)
    except FileExistsError:
        return False
    except OSError:
        # A file system without hard links. Two runs can both get past the check; they carry the same bytes.
        if final.exists():
            return False
        part.rename(final)
    _sync_folder(final.parent)
    return True


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":  # elsewhere a folder cannot be opened, and the file system sees to it
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
