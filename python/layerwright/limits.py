"""Lambda's limits, told before anything is stored."""

from __future__ import annotations

from collections import Counter

from layerwright.errors import LimitError
from layerwright.sources import SourceFile
from layerwright.spec import LayerSpec
from layerwright.target import UNZIPPED_LIMIT
from layerwright.tree import LayerTree

DIRECT_UPLOAD_LIMIT = 50 * 1024 * 1024
"""Bytes of a zip that Lambda takes as a file; S3 has no such limit (docs.aws.amazon.com, "Lambda quotas")."""

_SHOWN = 5


def check_limits(tree: LayerTree, spec: LayerSpec) -> None:
    """Raise `LimitError` naming the largest parts if Lambda would refuse *tree* for its size."""
    size = tree.unzipped_size
    if size <= UNZIPPED_LIMIT or not spec.check_limits:
        return
    parts: Counter[str] = Counter()
    for file in tree.files:
        owner = "own sources" if isinstance(file, SourceFile) else f"{file.owner.wheel.name} {file.owner.wheel.version}"
        parts[owner] += file.size
    largest = ", ".join(f"{owner} {bytes_ / 1024 / 1024:.1f} MB" for owner, bytes_ in parts.most_common(_SHOWN))
    raise LimitError(
        f"{spec.label}: {size:,} bytes unzipped, Lambda allows {UNZIPPED_LIMIT:,} for a function with all its layers "
        f"(the largest: {largest}): leave some out with prune.distributions or prune.drop"
    )
