"""The layer tree: every file of the archive by its path, before it is zipped."""

from __future__ import annotations

import base64
import binascii
import csv
import hashlib
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from layerwright.errors import SpecError, render_problems
from layerwright.fetch import WheelFile
from layerwright.layout import PlacedFile
from layerwright.sources import SourceFile
from layerwright.spec import LayerSpec

_SHOWN_PROBLEMS = 5


class LayerTree(msgspec.Struct, frozen=True, kw_only=True):
    """The files of an archive, sorted by their UTF-8 paths, each path once."""

    files: tuple[PlacedFile | SourceFile, ...]
    wheels: tuple[WheelFile, ...]

    @property
    def unzipped_size(self) -> int:
        """Sum of the files' sizes in bytes, which is what Lambda limits."""
        return sum(file.size for file in self.files)


def assemble(files: Iterable[PlacedFile], sources: Sequence[SourceFile], spec: LayerSpec) -> LayerTree:
    """Join the wheels' *files* and one's own *sources*, with a RECORD for each distribution that says what is there.

    Two wheels may bring the same file; raises `SpecError` if what they bring under one path differs, since which of
    them an installer would leave there depends on its order.
    """
    by_owner: defaultdict[str, list[PlacedFile]] = defaultdict(list)
    owners: dict[str, WheelFile] = {}
    merged = _Merged()
    for file in files:
        by_owner[file.owner.wheel.name].append(file)
        if (owner := owners.setdefault(file.owner.wheel.name, file.owner)) is not file.owner:
            raise SpecError(
                f"{owner.wheel.name} comes as {owner.wheel.filename} and as {file.owner.wheel.filename}: take it out "
                "of sources, or leave it out of the lock file"
            )
        merged.add(file)
    for source in sources:
        merged.add(source)
    for name, owned in by_owner.items():
        merged.add(make_record(owners[name], owned, spec.root))
    merged.check()

    paths = sorted(merged.by_path, key=str.encode)
    return LayerTree(
        files=tuple(merged.by_path[path] for path in paths), wheels=tuple(owners[name] for name in sorted(owners))
    )


class _Merged:
    """Files by path, and what they disagree about."""

    def __init__(self) -> None:
        self.by_path: dict[str, PlacedFile | SourceFile] = {}
        self._problems: list[str] = []

    def add(self, file: PlacedFile | SourceFile) -> None:
        other = self.by_path.setdefault(file.path, file)
        if other is not file and (other.sha256, other.executable) != (file.sha256, file.executable):
            self._problems.append(
                f"{file.path} is in {_name_owner(other)} and, with other contents, in {_name_owner(file)}"
            )

    def check(self) -> None:
        folders = {folder for path in self.by_path for folder in _folders_of(path)}
        for path in sorted(folders & self.by_path.keys()):
            self._problems.append(f"{path} is a file in {_name_owner(self.by_path[path])} and a folder in another")
        if self._problems:
            hidden = len(self._problems) - _SHOWN_PROBLEMS
            more = f" and {hidden} more" if hidden > 0 else ""
            raise SpecError(
                f"{render_problems(self._problems[:_SHOWN_PROBLEMS])}{more}: leave one out with prune.distributions, "
                "or the path with prune.drop"
            )


def _folders_of(path: str) -> Iterator[str]:
    while slash := path.rfind("/") + 1:
        path = path[: slash - 1]
        yield path


def _name_owner(file: PlacedFile | SourceFile) -> str:
    if isinstance(file, SourceFile):
        return str(file.origin)
    return f"{file.owner.wheel.name} {file.owner.wheel.version}"


def make_record(owner: WheelFile, files: Sequence[PlacedFile], root: str) -> PlacedFile:
    """RECORD of what is in the archive of a distribution, so that importlib.metadata.files() tells the truth."""
    path = f"{owner.wheel.dist_info}/RECORD"
    rows = [(file.inner_path, f"sha256={_encode_hash(file.sha256)}", file.size) for file in files]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows(sorted(rows))
    writer.writerow((path, "", ""))
    contents = text.getvalue().encode()
    return PlacedFile(
        path=root + path,
        inner_path=path,
        owner=owner,
        executable=False,
        size=len(contents),
        sha256=hashlib.sha256(contents).hexdigest(),
        contents=contents,
    )


def _encode_hash(sha256: str) -> str:
    """As RECORD spells it: URL-safe base64 without padding."""
    return base64.urlsafe_b64encode(binascii.unhexlify(sha256)).rstrip(b"=").decode()
