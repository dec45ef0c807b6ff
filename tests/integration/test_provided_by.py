"""What another layer's manifest in S3 names is left out, as the modules hand it over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from layerwright.build import build
from layerwright.cache import WheelCache
from layerwright.errors import StoreError
from layerwright.spec import Dependencies, LayerSpec
from layerwright.spec import Store as StoreSpec
from layerwright.store import open_store
from msgspec.structs import replace
from support.aws import Aws, start_ministack
from support.project import write_pylock
from support.wheels import make_wheel


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    with start_ministack() as server:
        yield server


def test_a_layer_holds_what_the_layer_below_it_does_not(
    aws: Aws, tmp_path: Path, cache: WheelCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in aws.environment.items():
        monkeypatch.setenv(name, value)
    one, two = (make_wheel(tmp_path, name) for name in ("one", "two"))
    where = StoreSpec(bucket=aws.make_bucket("layers"), prefix="layers/")
    lock = write_pylock(tmp_path, [one])
    spec = LayerSpec(runtime="python3.13", dependencies=Dependencies(lock_file=str(lock)), store=where)
    below = build(spec, open_store(where), cache).stored
    assert below

    write_pylock(tmp_path, [one, two])
    above = replace(spec, provided_by=(f"s3://{where.bucket}/{below.manifest_key}",))

    assert build(above, open_store(where), cache).planned.packages == ["two==1.0"]
    with pytest.raises(StoreError, match=r"s3://layers/layers/none\.json: is not there: build the layer"):
        build(replace(spec, provided_by=("s3://layers/layers/none.json",)), open_store(where), cache)
    with pytest.raises(StoreError, match=r"s3://no-such-bucket/x\.json: the bucket does not exist"):
        build(replace(spec, provided_by=("s3://no-such-bucket/x.json",)), open_store(where), cache)
