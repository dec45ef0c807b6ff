"""Read from their manifests what other layers of the same function have already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from layerwright.errors import SpecError
from layerwright.spec import LayerSpec
from layerwright.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherLayer:
    """What another layer brings."""

    where: str
    """Path or `s3://` address of its manifest."""
    versions: Mapping[str, str]
    """Version of each distribution by normalized name."""
    libraries: frozenset[str]
    """Names under which its compiled files can be needed."""


def read_other_layers(spec: LayerSpec) -> tuple[OtherLayer, ...]:
    """The layers whose manifests `provided_by` names, in its order.

    Raises `SpecError` where one is no manifest, or is of a layer that does not serve every target of *spec*, and
    `StoreError` where it cannot be read.
    """
    return tuple(_read(where, spec) for where in spec.provided_by)


def _read(where: str, spec: LayerSpec) -> OtherLayer:
    from layerwright.manifest import MANIFEST_SCHEMA, Manifest
    from layerwright.store.manifests import read_manifest

    document = read_manifest(where, spec.store)
    try:
        manifest = msgspec.json.decode(document, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as e:
        raise SpecError(f"provided_by: {where} is not the manifest of a layer: {e}") from e
    if manifest.schema > MANIFEST_SCHEMA:
        raise SpecError(f"provided_by: {where} was written by a newer layerwright: use that version here too")
    served = {(target.runtime, target.architecture) for target in manifest.targets}
    if unserved := [str(t) for t in spec.targets if (t.runtime, t.architecture) not in served]:
        serves = " and ".join(str(Target(runtime=t.runtime, architecture=t.architecture)) for t in manifest.targets)
        raise SpecError(f"provided_by: {where} is of a layer for {serves}, not for {' and '.join(unserved)}")
    return OtherLayer(
        where=where,
        versions={distribution.name: distribution.version for distribution in manifest.distributions},
        libraries=frozenset(
            name
            for file in manifest.files
            if file.elf
            for name in (file.path.rsplit("/", 1)[-1], file.elf.soname)
            if name
        ),
    )
