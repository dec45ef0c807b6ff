"""Name an archive by all that decides its bytes, before anything is downloaded."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from layerwright.projects import Project
from layerwright.prune import read_rules
from layerwright.resolve import SdistChoice, WheelChoice
from layerwright.sources import SourceFile
from layerwright.spec import LayerSpec

DIGEST_CONTRACT = 1
"""Raised by hand when the same inputs are to give other bytes. A new version of the tool rebuilds nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputDigest:
    """The name of an archive, known before anything is downloaded."""

    kind: str
    """`layer` or `function`."""
    hex: str
    """SHA-256 over the canonical JSON of all that decides the archive's bytes, 64 hex digits."""

    @property
    def archive_name(self) -> str:
        """File name of the archive: `layer-0123456789abcdef.zip`."""
        return f"{self.kind}-{self.hex[:16]}.zip"

    @property
    def manifest_name(self) -> str:
        """File name of the manifest, beside the archive."""
        return f"{self.kind}-{self.hex[:16]}.json"


def input_digest(
    spec: LayerSpec,
    wheels: Sequence[WheelChoice | SdistChoice],
    sources: Sequence[SourceFile],
    projects: Sequence[Project] = (),
) -> InputDigest:
    """Digest what decides the archive's bytes: never a path of this machine, a time, a tool's version or an address.

    What is built counts by the source it is built from, so no build is needed to know the name of its outcome.
    """
    inputs: dict[str, Any] = {
        "contract": DIGEST_CONTRACT,
        "targets": sorted([target.runtime, target.architecture] for target in spec.targets),
        "root": spec.root,
        "scripts": spec.scripts,
        "prune": read_rules(spec.prune).to_json(),
        "wheels": sorted(
            [wheel.name, wheel.sha256, *(["built"] if isinstance(wheel, SdistChoice) else [])] for wheel in wheels
        ),
        "sources": sorted([file.path, file.executable, file.sha256] for file in sources),
    }
    if projects:
        inputs["projects"] = sorted(project.sha256 for project in projects)
    canonical = json.dumps(inputs, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return InputDigest(kind=spec.kind, hex=hashlib.sha256(canonical.encode()).hexdigest())
