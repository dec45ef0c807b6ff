"""Leave out of an archive the distributions that a function has without it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from packaging.pylock import Package
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from layerwright.errors import ResolutionError, render_problems
from layerwright.other_layers import OtherLayer
from layerwright.spec import LayerSpec
from layerwright.target import Target

BOTO3_FAMILY = ("boto3", "botocore", "jmespath", "s3transfer")
"""What a runtime has of the AWS SDK. AWS warns of bringing a part of it along:
docs.aws.amazon.com/lambda/latest/dg/python-package.html.
"""


def leave_out(packages: Sequence[Package], spec: LayerSpec, layers: Sequence[OtherLayer]) -> list[Package]:
    """Those of *packages* that the archive of *spec* has to hold itself.

    Raises `ResolutionError` naming every distribution that one of *layers* has in another version: function and layers
    share one search path, so one of the two would be loaded with what was locked for the other.
    """
    names = {canonicalize_name(name) for name in spec.prune.distributions}
    if spec.prune.runtime_boto3:
        names |= {canonicalize_name(name) for name in BOTO3_FAMILY}
    wanted, problems = [], []
    for package in packages:
        if package.name in names:
            continue
        having = [layer for layer in layers if package.name in layer.versions]
        problems += [
            f"{package.name} is locked as {package.version}, and the layer of {layer.where} has "
            f"{layer.versions[package.name]}"
            for layer in having
            if not package.version or str(package.version) != layer.versions[package.name]
        ]
        if not having:
            wanted.append(package)
    if problems:
        raise ResolutionError(
            f"{spec.label}: {render_problems(problems)}: lock the same version for both, leave it out here with "
            "prune.distributions, or take the layer out of provided_by"
        )
    return wanted


def warn_of_boto3(shipped: Mapping[str, str], spec: LayerSpec, layers: Sequence[OtherLayer]) -> Iterator[str]:
    """Say where a part of boto3 would meet the rest of it from the runtime, in another version.

    *shipped* has the version of each distribution in the archive, by name.
    """
    elsewhere = {name for layer in layers for name in layer.versions}
    named = {canonicalize_name(name) for name in spec.prune.distributions}
    kept = [name for name in BOTO3_FAMILY if name in shipped]
    gone = [name for name in BOTO3_FAMILY if name in named and name not in elsewhere]
    if kept and gone:
        yield (
            f"prune.distributions leaves out {', '.join(gone)} and not {', '.join(kept)}: the runtime's own would be "
            "loaded with these, in a version that they were not made for: leave out all with prune.runtime_boto3, "
            "or none"
        )
    if "botocore" in shipped or "botocore" in elsewhere:
        return
    for target in spec.targets:
        for name, accepted in _needs_of_botocore(target).items():
            if name in shipped and not SpecifierSet(accepted).contains(shipped[name], prereleases=True):
                yield (
                    f"{name} {shipped[name]} comes without boto3, and the boto3 of {target.runtime} would load it but "
                    f"takes {name}{accepted} only: lock such a version, or boto3 too, if the function uses boto3"
                )


def _needs_of_botocore(target: Target) -> dict[str, str]:
    """What the runtime's own botocore takes of that which it needs (its Requires-Dist; 1.38 to 1.43 say the same)."""
    urllib3 = ">=1.25.4,!=2.2.0,<3" if target.python >= (3, 10) else ">=1.25.4,<1.27"
    return {"jmespath": ">=0.7.1,<2", "python-dateutil": ">=2.1,<3", "urllib3": urllib3}
