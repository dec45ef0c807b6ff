"""Where finished archives are kept, each under a name that its input digest gives."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from layerwright.errors import SpecError

if TYPE_CHECKING:
    from layerwright.archive import Archive
    from layerwright.digest import InputDigest
    from layerwright.spec import Store as StoreSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLayer:
    """An archive as the store has it."""

    digest: InputDigest
    sha256: str
    """Of the zip, 64 hex digits."""
    zip_size: int
    """Bytes of the zip."""
    unzipped_size: int
    """Bytes of the files in it."""
    manifest_key: str
    """S3 key or file name of the manifest."""
    bucket: str = ""
    key: str = ""
    object_version: str = ""
    region: str = ""
    """AWS region of the bucket, where S3 told it."""
    filename: str = ""
    """Name in the store's directory; empty for S3."""
    built: bool = False
    """Whether this run made it."""


class Store(Protocol):
    """Keeps archives and resolutions; what is once there is never changed."""

    def find(self, digest: InputDigest) -> StoredLayer | None:
        """Return the archive named by *digest* if it is there.

        Raises `StoreError` if something else lies under its name, or the store cannot be asked.
        """

    def put_if_absent(self, digest: InputDigest, archive: Archive, manifest: bytes) -> StoredLayer:
        """Store *archive* and its manifest unless somebody has, and return what is there then.

        Raises `StoreError` if what is there has other contents, or the store refuses.
        """

    def explain_absence(self, digest: InputDigest) -> str:
        """Say in one line why `find` found nothing: no such bucket or folder, or nothing of that name in it."""

    def find_resolution(self, name: str) -> bytes | None:
        """Return the stored file *name* (`resolution-….toml`), if it is there."""

    def put_resolution(self, name: str, contents: bytes) -> bytes:
        """Store *contents* as *name* unless somebody has, and return what is there then."""


def open_store(where: StoreSpec, *, direct_upload_limit: int | None = None) -> Store:
    """Return the store that *where* names; nothing is asked of it yet.

    *direct_upload_limit* is how many bytes of a zip can be published as a file; only a directory minds it, as what is
    in a bucket is published from there. Raises `SpecError` where neither is named.
    """
    if where.bucket:
        from layerwright.store.s3 import S3Store

        return S3Store(where)
    if where.directory:
        from layerwright.store.directory import DirectoryStore

        return DirectoryStore(directory=Path(where.directory), direct_upload_limit=direct_upload_limit)
    raise SpecError("spec: store names neither a bucket nor a directory: give one of them")
