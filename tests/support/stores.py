"""Small real archives with their manifests, for tests of what keeps them."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path

from layerwright.archive import Archive
from layerwright.digest import InputDigest
from layerwright.manifest import Manifest, ManifestArchive, ManifestTarget, render_manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What `Store.put_if_absent` takes."""

    digest: InputDigest
    archive: Archive
    manifest: bytes


def make_built(folder: Path, contents: str = "answer = 42", *, digest: InputDigest | None = None) -> Built:
    """Write an archive of one module and its manifest; *digest* defaults to one that the contents decide."""
    digest = digest or InputDigest(kind="layer", hex=hashlib.sha256(contents.encode()).hexdigest())
    path = folder / f"{hashlib.sha256(contents.encode()).hexdigest()[:8]}.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(zipfile.ZipInfo("python/answer.py"), contents)
    archive = Archive(
        path=path,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        size=path.stat().st_size,
        unzipped_size=len(contents.encode()),
    )
    manifest = Manifest(
        kind=digest.kind,
        digest=digest.hex,
        archive=ManifestArchive(
            name=digest.archive_name, sha256=archive.sha256, size=archive.size, unzipped_size=archive.unzipped_size
        ),
        targets=(ManifestTarget(runtime="python3.13", architecture="x86_64"),),
        distributions=(),
        imports=("answer",),
        files=(),
    )
    return Built(digest=digest, archive=archive, manifest=render_manifest(manifest))


def same_key(digest: InputDigest) -> InputDigest:
    """Another digest whose archive has the same name, as one input in 2⁶⁴ has by chance."""
    return InputDigest(kind=digest.kind, hex=digest.hex[:16] + digest.hex[16:][::-1])
