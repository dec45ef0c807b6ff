"""Wheels that were fetched and judged before, shared by every run on this machine.

A wheel lies under its SHA-256 with an index beside it that says where each file's compressed bytes are. Both are
written under a unique temporary name and renamed, and both are checked each time they are read, so a run that was
killed, or a disk that lies, costs a download and nothing else.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from layerwright.errors import FetchError
from layerwright.wheel import WHEEL_INDEX_CONTRACT, Wheel

LOCK_SECONDS = 300
"""How long to wait for another run's download before making one's own."""

STALE_SECONDS = 24 * 60 * 60
"""Age at which a temporary file belongs to no living run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelCache:
    """Judged wheels in *folder*; `WheelCache(folder=cache_folder() / "wheels")`."""

    folder: Path

    def path(self, sha256: str) -> Path:
        """Where the wheel with this hash is, or will be."""
        return self.folder / sha256[:2] / f"{sha256}.whl"

    def find(self, sha256: str) -> Wheel | None:
        """Return what was found in the wheel when it was judged, if the wheel is here and still the same."""
        path = self.path(sha256)
        try:
            with path.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                    return None
            signature, _, body = self._index(sha256).read_bytes().partition(b"\n")
        except OSError:
            return None
        if signature.decode(errors="replace") != hashlib.sha256(body).hexdigest():
            return None
        return msgspec.msgpack.decode(body, type=Wheel)

    def add(self, part: Path, wheel: Wheel) -> None:
        """Take the judged wheel file *part*, made with `new_part`, into the cache."""
        body = msgspec.msgpack.encode(wheel)
        self.path(wheel.sha256).parent.mkdir(parents=True, exist_ok=True)
        with self.new_part() as index:
            index.write_bytes(hashlib.sha256(body).hexdigest().encode() + b"\n" + body)
            index.replace(self._index(wheel.sha256))
        part.replace(self.path(wheel.sha256))

    @contextlib.contextmanager
    def new_part(self) -> Iterator[Path]:
        """An empty file under a temporary name; removed in the end unless it was renamed."""
        part = self.folder / f"part-{os.urandom(8).hex()}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            part.touch(exist_ok=False)
        except OSError as e:
            raise FetchError(
                f"cache folder {self.folder}: cannot be written: {e.strerror or e}: set LAYERWRIGHT_CACHE_DIR to a "
                "folder that can"
            ) from e
        try:
            yield part
        finally:
            part.unlink(missing_ok=True)

    @contextlib.contextmanager
    def lock(self, sha256: str) -> Iterator[None]:
        """Hold the wheel's lock, so that of several runs one downloads; where files cannot be locked, all do."""
        from filelock import FileLock, Timeout

        with contextlib.ExitStack() as held:
            with contextlib.suppress(NotImplementedError, Timeout, OSError):
                (self.folder / "locks").mkdir(parents=True, exist_ok=True)
                held.enter_context(FileLock(self.folder / "locks" / sha256[:2], timeout=LOCK_SECONDS))
            yield

    def sweep(self) -> None:
        """Remove the temporary files of runs that were killed long ago."""
        for path in self.folder.glob("part-*"):
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime > STALE_SECONDS:
                    path.unlink()

    def _index(self, sha256: str) -> Path:
        return self.path(sha256).with_suffix(f".v{WHEEL_INDEX_CONTRACT}.index")


def cache_folder() -> Path:
    """This user's cache: `LAYERWRIGHT_CACHE_DIR`, or where the system keeps caches."""
    if chosen := os.environ.get("LAYERWRIGHT_CACHE_DIR"):
        return Path(chosen)
    from platformdirs import user_cache_path

    return user_cache_path("layerwright", appauthor=False)
