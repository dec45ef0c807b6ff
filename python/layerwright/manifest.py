"""Say what is in an archive, beside it, so that checks across layers never have to read a zip."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from layerwright.archive import Archive
from layerwright.digest import InputDigest
from layerwright.layout import PlacedFile
from layerwright.sources import SourceFile
from layerwright.spec import LayerSpec
from layerwright.tree import LayerTree

MANIFEST_SCHEMA = 1
"""Raised when a field changes its meaning; new fields may come without."""

_MODULE_SUFFIXES = (".py", ".so", ".pyc")


class ManifestDistribution(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A distribution in the archive and the wheel it came from."""

    name: str
    version: str
    wheel: str
    sha256: str
    built_from: str = ""
    """Left out for a wheel of an index; else `project`, or the file name of the sdist."""
    reproducible: bool = True
    """Whether building it again gives the same bytes; left out where it does."""


class ManifestElf(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a program or library in ELF form needs; its fields are those of `wheel.Elf`."""

    machine: str
    soname: str = ""
    needed: tuple[str, ...] = ()
    search_path: tuple[str, ...] = ()
    versions: tuple[tuple[str, str], ...] = ()


class ManifestFile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file in the archive; `mode` is `0644` or `0755`, `sha256` that of its contents, `elf` only where it is ELF."""

    path: str
    size: int
    mode: str
    sha256: str
    elf: ManifestElf | None = None


class ManifestTarget(msgspec.Struct, frozen=True, kw_only=True):
    """A runtime and architecture that the archive serves."""

    runtime: str
    architecture: str


class ManifestArchive(msgspec.Struct, frozen=True, kw_only=True):
    """The zip itself; sizes in bytes."""

    name: str
    sha256: str
    size: int
    unzipped_size: int


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What is in an archive, in the order of the archive."""

    schema: int = MANIFEST_SCHEMA
    kind: str
    digest: str
    archive: ManifestArchive
    targets: tuple[ManifestTarget, ...]
    distributions: tuple[ManifestDistribution, ...]
    imports: tuple[str, ...]
    """Top-level names that it lets a function import."""
    files: tuple[ManifestFile, ...]


def make_manifest(spec: LayerSpec, digest: InputDigest, tree: LayerTree, archive: Archive) -> Manifest:
    """Describe *archive*, which was written from *tree*."""
    return Manifest(
        kind=spec.kind,
        digest=digest.hex,
        archive=ManifestArchive(
            name=digest.archive_name, sha256=archive.sha256, size=archive.size, unzipped_size=archive.unzipped_size
        ),
        targets=tuple(ManifestTarget(runtime=t.runtime, architecture=t.architecture) for t in spec.targets),
        distributions=tuple(
            ManifestDistribution(
                name=w.wheel.name,
                version=w.wheel.version,
                wheel=w.wheel.filename,
                sha256=w.wheel.sha256,
                built_from=w.built_from,
                reproducible=w.is_reproducible,
            )
            for w in tree.wheels
        ),
        imports=_top_level_names(tree.files, spec.root),
        files=tuple(
            ManifestFile(
                path=f.path,
                size=f.size,
                mode="0755" if f.executable else "0644",
                sha256=f.sha256,
                elf=ManifestElf(**msgspec.structs.asdict(f.elf)) if f.elf else None,
            )
            for f in tree.files
        ),
    )


def render_manifest(manifest: Manifest) -> bytes:
    """The manifest as JSON, a field a line at the first level."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=0) + b"\n"


def _top_level_names(files: Iterable[PlacedFile | SourceFile], root: str) -> tuple[str, ...]:
    names = set()
    for file in files:
        if file.path.startswith(root) and file.path.endswith(_MODULE_SUFFIXES):
            first, slash, _ = file.path.removeprefix(root).partition("/")
            name = first if slash else first.partition(".")[0]
            if name.isidentifier() and (slash or name != "__init__"):
                names.add(name)
    return tuple(sorted(names))
