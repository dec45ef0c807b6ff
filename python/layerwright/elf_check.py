"""Tell before anything is stored which compiled files the runtime's loader would refuse."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from layerwright.errors import ResolutionError, render_problems
from layerwright.layout import PlacedFile
from layerwright.other_layers import OtherLayer
from layerwright.sources import SourceFile
from layerwright.spec import LayerSpec
from layerwright.target import ARCHITECTURES, Image, Target, read_runtimes
from layerwright.tree import LayerTree
from layerwright.wheel import Elf
from layerwright.wheel.elf import split_version

OPTIONAL_LIBRARIES = {
    "mysql-connector-python": ("libkeyutils.so", "libudev.so"),
    "numba": ("libgomp.so", "libtbb.so"),
}
"""Distribution → libraries that some file of it needs which nothing loads unless they are there.

mysql-connector-python 8.0.33: plugins for Kerberos and FIDO, loaded when a server asks for such an authentication.
numba 0.68.1: threading layers, of which it takes the first that loads.
"""

_EXTENSION_MODULE = re.compile(r"\.(abi3|cpython-(?P<python>\d+)-(?P<machine>\w+)-linux-gnu)\.so$")
_ABI_VERSION = re.compile(r"GLIBC_ABI_\w+")
"""Abilities of the loader, the oldest of which came with glibc 2.36."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compiled:
    """A program or library of the tree."""

    path: str
    elf: Elf


@dataclass(frozen=True, slots=True, kw_only=True)
class _Owner:
    """Who brings files: a distribution, or one's own sources."""

    name: str
    version: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.version}" if self.version else "own sources"


def check_elf(tree: LayerTree, spec: LayerSpec, layers: Sequence[OtherLayer] = ()) -> None:
    """Raise `ResolutionError` naming every compiled file of *tree* that some target of *spec* could not load.

    Each must be for the target's machine, ask for no newer symbol versions than the runtime's base image has, and find
    each library that it needs: in that image, in the tree, in one of *layers*, or among `provided_libraries`.
    """
    if not spec.check_elf:
        return
    owned: defaultdict[_Owner, list[_Compiled]] = defaultdict(list)
    for file in tree.files:
        if file.elf:
            owned[_owner_of(file)].append(_Compiled(path=file.path.removeprefix(spec.root), elf=file.elf))
    provided = {*spec.provided_libraries, *(name for files in owned.values() for name in _names(files))}
    provided.update(*(layer.libraries for layer in layers))

    problems = dict.fromkeys(
        problem
        for owner, files in sorted(owned.items(), key=lambda item: str(item[0]))
        for target in spec.targets
        for problem in _problems(owner, files, target, provided)
    )
    if problems:
        raise ResolutionError(
            f"{spec.label}: {render_problems(problems)} (prune.drop leaves out files that nothing loads, check_elf = "
            "false this check)"
        )


def _owner_of(file: PlacedFile | SourceFile) -> _Owner:
    if isinstance(file, SourceFile):
        return _Owner(name="")
    return _Owner(name=file.owner.wheel.name, version=file.owner.wheel.version)


def _names(files: Sequence[_Compiled]) -> set[str]:
    """Names under which the loader would take *files* for a needed library."""
    return {name for file in files for name in (file.path.rsplit("/", 1)[-1], file.elf.soname) if name}


def _problems(owner: _Owner, files: Sequence[_Compiled], target: Target, provided: Collection[str]) -> Iterator[str]:
    machine = ARCHITECTURES[target.architecture]
    native = [file for file in files if file.elf.machine == machine]
    # Some wheels bring programs for several machines and start the right one; what Python imports it cannot choose.
    foreign = [file for file in files if file.elf.machine != machine and (not native or _is_imported(file, target))]
    if foreign:
        more = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
        yield _join(
            f"{owner}: {foreign[0].path}{more} is for {foreign[0].elf.machine} machines, not {machine}",
            f"pin another version of {owner.name}" if owner.version else f"build it for {target.architecture}",
        )

    own = _names(native)
    by_need: defaultdict[tuple[str, str], list[_Compiled]] = defaultdict(list)
    for file in native:
        for library, version in file.elf.versions:
            if library not in own and not _has_version(target.image, library, version):
                by_need[library, version].append(file)
        for library in file.elf.needed:
            if library not in target.image.libraries and library not in provided and not _is_optional(owner, library):
                by_need[library, ""].append(file)
    for (library, version), needing in _without_repeats(by_need):
        yield _explain(owner, library, version, needing, target)


def _is_imported(file: _Compiled, target: Target) -> bool:
    """Whether Python on *target* would take the file for an extension module, whatever is in it."""
    if not (name := _EXTENSION_MODULE.search(file.path)):
        return False
    python = "".join(map(str, target.python))
    return name["python"] is None or (name["python"], name["machine"]) == (python, ARCHITECTURES[target.architecture])


def _has_version(image: Image, library: str, version: str) -> bool:
    if library not in image.libraries:
        return True  # the library is missing, which is said of that, or it came with the version that it was linked to
    kind, numbers = split_version(version)
    if not numbers:
        return not _ABI_VERSION.fullmatch(version)
    return kind not in image.versions or numbers <= image.versions[kind]


def _is_optional(owner: _Owner, library: str) -> bool:
    return library.startswith(OPTIONAL_LIBRARIES.get(owner.name, ()))


def _without_repeats(
    by_need: dict[tuple[str, str], list[_Compiled]],
) -> Iterator[tuple[tuple[str, str], list[_Compiled]]]:
    """Each need once a kind, at its highest: who needs GLIBC_2.28 of libc need not hear of GLIBC_2.27 of libm."""
    highest: dict[str, tuple[str, str]] = {}
    for library, version in sorted(by_need):
        kind, numbers = split_version(version)
        key = kind if numbers else library + version
        if key not in highest or numbers > split_version(highest[key][1])[1]:
            highest[key] = (library, version)
    for need in highest.values():
        yield need, by_need[need]


def _explain(owner: _Owner, library: str, version: str, files: Sequence[_Compiled], target: Target) -> str:
    first = files[0].path + (f" and {len(files) - 1} more" if len(files) > 1 else "")
    if not version:
        return _join(
            f"{owner}: {first} needs {library}, which is neither in the archive nor in {target.runtime}",
            _newer_runtime(target, lambda image: library in image.libraries),
            "name it in provided_libraries if another layer has it in lib/",
        )
    kind = split_version(version)[0] if split_version(version)[1] else "GLIBC"
    has = ".".join(map(str, target.image.versions[kind]))
    return _join(
        f"{owner}: {first} needs {version} of {library}, {target.runtime} has {kind}_{has}",
        _newer_runtime(target, lambda image: _has_version(image, library, version)),
        f"pin {owner.name}<{owner.version}" if owner.version else "build it on the runtime's base image",
    )


def _join(problem: str, *advice: str) -> str:
    return f"{problem}: {', or '.join(part for part in advice if part)}"


def _newer_runtime(target: Target, fits: Callable[[Image], bool]) -> str:
    runtimes = [name for name, runtime in read_runtimes().items() if fits(runtime.image)]
    newer = [name for name in runtimes if Target(runtime=name).python > target.python]
    return f"use {newer[0]}" if newer else ""
