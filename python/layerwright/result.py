"""What comes back of a run: the archive that was planned, and where it is."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from layerwright.digest import InputDigest
from layerwright.other_layers import OtherLayer
from layerwright.projects import Project
from layerwright.resolve import SdistChoice, WheelChoice
from layerwright.sources import SourceFile
from layerwright.spec import LayerSpec
from layerwright.store import StoredLayer
from layerwright.target import read_runtimes

DESCRIPTION_LIMIT = 256
"""Characters of a layer version's description (PublishLayerVersion)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedLayer:
    """All that is known of an archive before anything is downloaded."""

    spec: LayerSpec
    wheels: tuple[WheelChoice | SdistChoice, ...]
    sources: tuple[SourceFile, ...]
    projects: tuple[Project, ...] = ()
    """One's own, which are built."""
    handler: str
    """`module.callable`; empty for a layer."""
    digest: InputDigest
    layers: tuple[OtherLayer, ...] = ()
    """What `provided_by` names."""
    warnings: tuple[str, ...] = ()

    @property
    def packages(self) -> list[str]:
        """The distributions in it, as `name==version`, by name; `name` alone where only a build knows the version."""
        named = sorted((part.name, part.version) for part in (*self.wheels, *self.projects))
        return [f"{name}=={version}" if version else name for name, version in named]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A planned archive and, unless it was only planned, where the store has it."""

    planned: PlannedLayer
    stored: StoredLayer | None
    warnings: tuple[str, ...] = ()


def render_result(result: Result) -> dict[str, str]:
    """The result as Terraform's external protocol takes it: a flat map of strings, empty where nothing is known."""
    planned, stored, spec = result.planned, result.stored, result.planned.spec
    store = spec.store
    prefix = store.prefix if store and store.bucket else ""
    in_bucket = bool(store and store.bucket)
    return {
        "s3_bucket": (store and store.bucket) or "",
        "s3_key": f"{prefix}{planned.digest.archive_name}" if in_bucket else "",
        "s3_object_version": stored.object_version if stored else "",
        "s3_region": stored.region if stored else "",
        "filename": "" if in_bucket else planned.digest.archive_name,
        "manifest_key": f"{prefix}{planned.digest.manifest_name}",
        "source_code_hash": base64.b64encode(binascii.unhexlify(stored.sha256)).decode() if stored else "",
        "zip_size": str(stored.zip_size) if stored else "",
        "unzipped_size": str(stored.unzipped_size) if stored else "",
        "digest": planned.digest.hex,
        "packages": json.dumps(planned.packages),
        "handler": planned.handler,
        "description": render_description(planned),
        "compatible_runtimes": json.dumps(list(dict.fromkeys(target.runtime for target in spec.targets))),
        "compatible_architectures": json.dumps(list(dict.fromkeys(target.architecture for target in spec.targets))),
        "warnings": json.dumps(list(result.warnings)),
    }


def render_description(planned: PlannedLayer) -> str:
    """What a layer version says of itself: the start of its digest and as many of its distributions as fit."""
    text = planned.digest.hex[:16]
    contents = [*planned.packages, *([f"own sources of {planned.spec.label}"] if planned.spec.sources else [])]
    for number, part in enumerate(contents):
        more = len(contents) - number - 1
        longer = f"{text}{',' if number else ':'} {part}"
        if len(longer) + (len(f" and {more} more") if more else 0) > DESCRIPTION_LIMIT:
            return f"{text} and {more + 1} more"
        text = longer
    return text


def warn_of_runtimes(spec: LayerSpec, today: date) -> Iterator[str]:
    """Say which runtimes of *spec* are past the dates that AWS gave; a date never does more than warn."""
    for name in dict.fromkeys(target.runtime for target in spec.targets):
        runtime = read_runtimes()[name]
        if today >= date.fromisoformat(runtime.create_blocked):
            yield f"{name}: since {runtime.create_blocked} no function can be created with it: use a newer runtime"
        elif today >= date.fromisoformat(runtime.deprecated):
            yield (
                f"{name}: without support since {runtime.deprecated}; from {runtime.create_blocked} no function can be "
                "created with it: use a newer runtime"
            )
