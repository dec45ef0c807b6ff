"""The input digest: changed by what changes bytes, and by nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from layerwright.digest import InputDigest, input_digest
from layerwright.resolve import WheelChoice
from layerwright.sources import read_sources
from layerwright.spec import Dependencies, LayerSpec, Prune, Source, Store
from msgspec.structs import replace
from packaging.utils import canonicalize_name

SPEC = LayerSpec(runtime="python3.13", dependencies=Dependencies(lock_file="/a/uv.lock"))


def wheel(name: str = "a", sha256: str = "0" * 64, **fields: object) -> WheelChoice:
    return WheelChoice(
        name=canonicalize_name(name), version="1", filename=f"{name}-1-py3-none-any.whl", sha256=sha256, **fields  # type: ignore[arg-type]
    )  # fmt: skip


def test_the_digest_of_known_inputs_never_changes() -> None:
    """Every user's layers are named by it: raise DIGEST_CONTRACT when this has to change, and only then."""
    digest = input_digest(SPEC, [wheel("b", "b" * 64), wheel("a", "a" * 64)], [])

    assert digest.hex == "21fb8583706e756c2aca2f4e29f7302fb79d3a2b447c47b2c60af13eb57d7f14"
    assert digest.archive_name == f"layer-{digest.hex[:16]}.zip"
    assert digest.manifest_name == f"layer-{digest.hex[:16]}.json"


@pytest.mark.parametrize(
    "same",
    [
        replace(SPEC, name="orders"),
        replace(SPEC, dependencies=Dependencies(lock_file="/elsewhere/pylock.toml", groups=("x",))),
        replace(SPEC, store=Store(bucket="b", prefix="p/")),
        replace(SPEC, upload_at="never"),
        replace(SPEC, check_limits=False),
    ],
)
def test_what_does_not_change_the_bytes_does_not_change_the_digest(same: LayerSpec) -> None:
    """Another checkout, bucket or moment must find the layer that is there."""
    first = input_digest(SPEC, [wheel("a"), wheel("b")], [])

    assert input_digest(same, [wheel("b", url="https://x.example/", path=Path("/b")), wheel("a", size=9)], []) == first


@pytest.mark.parametrize(
    "other",
    [
        replace(SPEC, runtime="python3.12"),
        replace(SPEC, architecture="arm64"),
        replace(SPEC, compatible_runtimes=("python3.12",)),
        replace(SPEC, kind="function"),
        replace(SPEC, scripts=True),
        replace(SPEC, prune=Prune(defaults=False)),
        replace(SPEC, prune=Prune(drop=("*.md",))),
        replace(SPEC, prune=Prune(keep=("*.md",))),
    ],
)
def test_what_changes_the_bytes_changes_the_digest(other: LayerSpec) -> None:
    """A stale layer under the old name is the worst of all mistakes: it looks like success."""
    assert input_digest(other, [wheel()], []).hex != input_digest(SPEC, [wheel()], []).hex


def test_another_wheel_changes_the_digest() -> None:
    digests = {input_digest(SPEC, wheels, []).hex for wheels in ([], [wheel()], [wheel(sha256="1" * 64)])}

    assert len(digests) == 3


def digest_of(folder: Path) -> InputDigest:
    spec = LayerSpec(runtime="python3.13", kind="function", sources=(Source(path=str(folder)),))
    return input_digest(spec, [], read_sources(spec))


def test_sources_count_by_path_and_contents_and_not_by_where_or_when(tmp_path: Path) -> None:
    """Plans of a developer and of CI must agree, or each rebuilds what the other built."""
    first = tmp_path / "first"
    first.mkdir()
    (first / "app.py").write_text("x = 1")
    shutil.copytree(first, tmp_path / "second" / "checkout")
    (tmp_path / "second" / "checkout" / "app.py").chmod(0o755)
    assert digest_of(tmp_path / "second" / "checkout") == digest_of(first)

    (first / "app.py").rename(first / "app2.py")
    moved = digest_of(first)
    (first / "app2.py").write_text("x = 2")

    assert len({moved.hex, digest_of(first).hex, digest_of(tmp_path / "second" / "checkout").hex}) == 3
