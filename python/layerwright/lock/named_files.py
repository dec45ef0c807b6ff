"""Distributions of lock files that name their files and hashes, but not where these are: poetry.lock and pdm.lock."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from packaging.markers import Marker
from packaging.pylock import Package, PackageSdist, PackageWheel
from packaging.specifiers import SpecifierSet
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

from layerwright.errors import LockError


class NamedFile(msgspec.Struct, frozen=True):
    """One file of a distribution: `{file = "orders-1.2-py3-none-any.whl", hash = "sha256:…"}`."""

    hash: str = ""
    file: str = ""
    url: str = ""
    """In place of the file's name, where addresses are locked."""

    @property
    def filename(self) -> str:
        """Its name, that in the address if it has no other."""
        from urllib.parse import unquote, urlsplit

        return self.file or unquote(urlsplit(self.url).path).rpartition("/")[2]

    @property
    def hashes(self) -> dict[str, str]:
        """Its one hash, by algorithm: `{"sha256": "…"}`."""
        algorithm, _, digest = self.hash.partition(":")
        return {algorithm: digest} if digest else {}

    def is_of(self, version: Version) -> bool:
        """Whether its name is that of a file of *version*."""
        try:
            if self.filename.endswith(".whl"):
                return parse_wheel_filename(self.filename)[1] == version
            return parse_sdist_filename(self.filename)[1] == version
        except (InvalidWheelFilename, InvalidSdistFilename):
            return False


def make_package(
    name: str,
    version: Version,
    files: Sequence[NamedFile],
    *,
    index: str | None,
    marker: str = "",
    requires_python: SpecifierSet | None = None,
) -> Package:
    """Return the distribution *name* as it would be in a pylock.toml; wheels without URL are those of *index*.

    *index* is the address of an index, None for the default one. Raises `LockError` where a file has no hash, or is of
    another distribution or version; the text does not say in which lock file.
    """
    label = f"{name} {version}"
    if not files:
        raise LockError(f"{label} names no files")
    if unhashed := [file.filename for file in files if not file.hashes]:
        raise LockError(f"{label} has no hash of {unhashed[0]}")
    wheels = [
        PackageWheel(name=file.filename, url=file.url or None, hashes=file.hashes)
        for file in files
        if file.filename.endswith(".whl")
    ]
    for wheel in wheels:
        _check_filename(wheel.filename, name, version)
    source = next((file for file in files if not file.filename.endswith(".whl")), None)
    return Package(
        name=canonicalize_name(name),
        version=version,
        marker=Marker(marker) if marker else None,
        requires_python=requires_python,
        index=index,
        wheels=wheels or None,
        sdist=PackageSdist(name=source.filename, url=source.url or None, hashes=source.hashes) if source else None,
    )


def parse_version(name: str, version: str) -> Version:
    """Return *version* of the distribution *name*; raises `LockError` where it is none."""
    try:
        return Version(version)
    except InvalidVersion as e:
        raise LockError(f"{name} {version} has no version that PEP 440 knows") from e


def join_markers(operator: str, markers: Sequence[str]) -> str:
    """Join those of *markers* that say something by *operator*, `and` or `or`; the same ones once."""
    said = [marker for marker in dict.fromkeys(markers) if marker]
    return f" {operator} ".join(f"({marker})" for marker in said) if len(said) > 1 else "".join(said)


def _check_filename(filename: str, name: str, version: Version) -> None:
    try:
        of_name, of_version, *_ = parse_wheel_filename(filename)
    except InvalidWheelFilename as e:
        raise LockError(f"{name} {version} has a wheel with an unusable name, {filename}: {e}") from e
    if (of_name, of_version) != (canonicalize_name(name), version):
        raise LockError(f"{name} {version} names a wheel of {of_name} {of_version}, {filename}")
