"""The whole program in one screen: from what was asked for to the stored archive."""

from __future__ import annotations

from pathlib import Path

from layerwright.archive import Archive, write_archive
from layerwright.cache import WheelCache
from layerwright.digest import input_digest
from layerwright.elf_check import check_elf
from layerwright.fetch import fetch
from layerwright.handler import find_handler
from layerwright.indexes import read_access
from layerwright.layout import lay_out
from layerwright.leave_out import warn_of_boto3
from layerwright.limits import check_limits
from layerwright.lock import read_lock
from layerwright.manifest import Manifest, make_manifest, render_manifest
from layerwright.other_layers import read_other_layers
from layerwright.projects import read_projects
from layerwright.prune import prune
from layerwright.resolve import find_folders, resolve, warn_of_names
from layerwright.result import PlannedLayer, Result
from layerwright.sources import read_sources
from layerwright.spec import LayerSpec
from layerwright.store import Store
from layerwright.tree import assemble
from layerwright.wheel_build import build_wheels


def plan(spec: LayerSpec, store: Store | None = None) -> PlannedLayer:
    """Name the archive that *spec* asks for, from what lock file and sources say; nothing is downloaded or built."""
    lock = read_lock(spec, store)
    layers = read_other_layers(spec)
    wheels = resolve(lock, spec, layers)
    sources = read_sources(spec)
    projects = read_projects(spec, find_folders(lock, spec, layers))

    return PlannedLayer(
        spec=spec,
        wheels=wheels,
        sources=sources,
        projects=projects,
        handler=find_handler(spec, sources),
        digest=input_digest(spec, wheels, sources, projects),
        layers=layers,
        warnings=(
            *warn_of_names(lock, spec),
            *warn_of_boto3({wheel.name: wheel.version for wheel in wheels}, spec, layers),
        ),
    )


def build(spec: LayerSpec, store: Store, cache: WheelCache) -> Result:
    """Return the archive that *spec* asks for from *store*, building and storing it first if it is not there."""
    planned = plan(spec, store)
    if stored := store.find(planned.digest):
        return Result(planned=planned, stored=stored)

    with cache.new_part() as part:
        archive, manifest = make_archive(planned, cache, part)
        stored = store.put_if_absent(planned.digest, archive, render_manifest(manifest))
    return Result(planned=planned, stored=stored)


def make_archive(planned: PlannedLayer, cache: WheelCache, path: Path) -> tuple[Archive, Manifest]:
    """Write the archive that was *planned* to the file *path*, and say what is in it."""
    spec = planned.spec
    access = read_access(spec)
    wheels = (
        *fetch(planned.wheels, cache, access),
        *build_wheels((*planned.wheels, *planned.projects), spec.targets, cache, access),
    )
    files = prune(lay_out(wheels, spec), spec.prune)
    tree = assemble(files, planned.sources, spec)
    check_limits(tree, spec)
    check_elf(tree, spec, planned.layers)

    archive = write_archive(tree, path)
    return archive, make_manifest(spec, planned.digest, tree, archive)
