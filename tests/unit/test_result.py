"""What comes back: flat strings for Terraform, descriptions that fit, warnings that only warn."""

from __future__ import annotations

import base64
import json
from datetime import date

import pytest
from layerwright.digest import InputDigest
from layerwright.resolve import WheelChoice
from layerwright.result import (
    DESCRIPTION_LIMIT,
    PlannedLayer,
    Result,
    render_description,
    render_result,
    warn_of_runtimes,
)
from layerwright.spec import LayerSpec, Source, Store
from layerwright.store import StoredLayer
from packaging.utils import canonicalize_name

DIGEST = InputDigest(kind="layer", hex="0123456789abcdef" * 4)


def planned(spec: LayerSpec, *packages: str) -> PlannedLayer:
    wheels = tuple(
        WheelChoice(name=canonicalize_name(n), version=v, filename=f"{n}-{v}-py3-none-any.whl", sha256="0" * 64)
        for n, v in (package.split("==") for package in packages)
    )
    return PlannedLayer(spec=spec, wheels=wheels, sources=(), handler="", digest=DIGEST)


def stored(**where: str) -> StoredLayer:
    return StoredLayer(
        digest=DIGEST, sha256="ab" * 32, zip_size=10, unzipped_size=20, manifest_key="layer-0123456789abcdef.json",
        **where,  # type: ignore[arg-type]
    )  # fmt: skip


def test_an_archive_in_a_bucket_is_told_by_its_key() -> None:
    spec = LayerSpec(
        runtime="python3.13", compatible_runtimes=("python3.12",), store=Store(bucket="acme", prefix="layers/")
    )
    rendered = render_result(
        Result(
            planned=planned(spec, "a==1", "b==2"),
            stored=stored(bucket="acme", key="layers/x", object_version="v1", region="eu-west-1"),
            warnings=("old",),
        )
    )

    assert rendered == {
        "s3_bucket": "acme",
        "s3_key": "layers/layer-0123456789abcdef.zip",
        "s3_object_version": "v1",
        "s3_region": "eu-west-1",
        "filename": "",
        "manifest_key": "layers/layer-0123456789abcdef.json",
        "source_code_hash": base64.b64encode(b"\xab" * 32).decode(),
        "zip_size": "10",
        "unzipped_size": "20",
        "digest": DIGEST.hex,
        "packages": '["a==1", "b==2"]',
        "handler": "",
        "description": "0123456789abcdef: a==1, b==2",
        "compatible_runtimes": '["python3.13", "python3.12"]',
        "compatible_architectures": '["x86_64"]',
        "warnings": '["old"]',
    }


def test_an_archive_of_a_directory_is_told_by_its_name_alone() -> None:
    """A path of this machine in Terraform's state would publish the layer again on the next one."""
    spec = LayerSpec(runtime="python3.13", store=Store(directory="/home/me/project/.layerwright"))
    rendered = render_result(Result(planned=planned(spec), stored=stored(filename="layer-0123456789abcdef.zip")))

    assert rendered["filename"] == "layer-0123456789abcdef.zip"
    assert "/home/me" not in json.dumps(rendered)
    assert (rendered["s3_bucket"], rendered["s3_key"]) == ("", "")


def test_what_is_not_known_before_it_is_built_is_empty() -> None:
    spec = LayerSpec(runtime="python3.13", store=Store(bucket="acme"), upload_at="apply")
    rendered = render_result(Result(planned=planned(spec), stored=None))

    assert rendered["s3_key"] == "layer-0123456789abcdef.zip"
    assert [rendered[n] for n in ("source_code_hash", "zip_size", "unzipped_size", "s3_object_version")] == [""] * 4


@pytest.mark.parametrize("count", [0, 1, 11, 12, 13, 200])
def test_a_description_fits_and_counts_what_it_leaves_out(count: int) -> None:
    """PublishLayerVersion refuses a longer one, at apply."""
    spec = LayerSpec(runtime="python3.13")
    text = render_description(planned(spec, *(f"distribution-{n}==1.{n}" for n in range(count))))

    named = text.count("==")
    assert len(text) <= DESCRIPTION_LIMIT
    assert text.startswith(DIGEST.hex[:16])
    assert text.endswith(f" and {count - named} more") or named == count


def test_a_description_says_that_own_sources_are_in_it() -> None:
    spec = LayerSpec(runtime="python3.13", name="orders-package", sources=(Source(path="/project/src/orders"),))

    assert render_description(planned(spec)) == "0123456789abcdef: own sources of layer orders-package"


@pytest.mark.parametrize(
    ("today", "says"),
    [
        (date(2026, 6, 1), []),
        (date(2026, 11, 15), ["python3.10: without support since 2026-10-31; from 2026-11-30 no function can be"]),
        (date(2027, 1, 1), ["python3.10: since 2026-11-30 no function can be created with it"]),
    ],
)
def test_an_old_runtime_is_warned_of(today: date, says: list[str]) -> None:
    spec = LayerSpec(runtime="python3.13", compatible_runtimes=("python3.10",))
    warnings = list(warn_of_runtimes(spec, today))

    assert len(warnings) == len(says)
    assert all(warning.startswith(start) for warning, start in zip(warnings, says, strict=True))
