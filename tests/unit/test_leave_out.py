"""What a function has without its layer is not in the layer, and a mixture of two versions never comes about."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from layerwright.build import make_archive, plan
from layerwright.cache import WheelCache
from layerwright.errors import LayerwrightError, LockError, ResolutionError, SpecError, StoreError
from layerwright.manifest import render_manifest
from layerwright.spec import Dependencies, LayerSpec, Prune, parse_spec
from msgspec.structs import replace
from support.elf import make_elf
from support.project import write_pylock
from support.wheels import make_wheel

FAMILY = {"boto3": "1.40.1", "botocore": "1.40.1", "jmespath": "1.0.1", "s3transfer": "0.13.0"}
OTHERS = {"python-dateutil": "2.9.0", "six": "1.17.0", "urllib3": "2.5.0"}


def spec_of(folder: Path, versions: dict[str, str], runtime: str = "python3.13", **fields: Any) -> LayerSpec:
    """A spec whose lock file has just these distributions."""
    lock = write_pylock(folder, [make_wheel(folder, name, version) for name, version in versions.items()])
    return LayerSpec(runtime=runtime, dependencies=Dependencies(lock_file=str(lock)), **fields)


def names(spec: LayerSpec) -> list[str]:
    return [wheel.name for wheel in plan(spec).wheels]


def store_manifest(spec: LayerSpec, cache: WheelCache, folder: Path) -> Path:
    """Build the layer of *spec* and return where its manifest is."""
    _, manifest = make_archive(plan(spec), cache, folder / "layer.zip")
    path = folder / "layer.json"
    path.write_bytes(render_manifest(manifest))
    return path


@pytest.fixture
def base(tmp_path: Path, cache: WheelCache) -> Path:
    """The manifest of a layer that has one 1.0 and two 2.0."""
    (tmp_path / "base").mkdir()
    return store_manifest(spec_of(tmp_path / "base", {"one": "1.0", "two": "2.0"}), cache, tmp_path / "base")


def test_what_another_layer_has_is_left_out(base: Path, tmp_path: Path) -> None:
    """The same distribution in two layers of a function counts twice against 250 MB."""
    spec = spec_of(tmp_path, {"one": "1.0", "two": "2.0", "three": "3.0"})
    given = replace(spec, provided_by=(str(base),))

    assert names(spec) == ["one", "three", "two"]
    assert names(given) == ["three"]


def test_where_the_other_layer_is_said_to_be_does_not_count(base: Path, tmp_path: Path) -> None:
    """The digest is that of what is in the archive, whoever else has the rest."""
    spec = spec_of(tmp_path, {"one": "1.0", "three": "3.0"}, provided_by=(str(base),))
    named = replace(spec, provided_by=(), prune=Prune(distributions=("one",)))

    assert plan(spec).digest == plan(named).digest
    assert plan(spec).digest != plan(replace(spec, provided_by=())).digest


def test_another_version_in_another_layer_is_refused_naming_both(base: Path, tmp_path: Path) -> None:
    """/opt would get files of both, and Python import a mixture."""
    spec = spec_of(tmp_path, {"one": "1.1", "two": "1.0"}, provided_by=(str(base),))

    with pytest.raises(ResolutionError) as e:
        plan(spec)
    assert f"one is locked as 1.1, and the layer of {base} has 1.0; two is locked as 1.0" in str(e.value)
    assert names(replace(spec, prune=Prune(distributions=("one", "two")))) == []


def test_a_layer_of_another_target_provides_nothing(base: Path, tmp_path: Path) -> None:
    spec = spec_of(tmp_path, {"one": "1.0"}, architecture="arm64", provided_by=(str(base),))

    with pytest.raises(SpecError, match=r"a layer for python3\.13 on x86_64, not for python3\.13 on arm64"):
        plan(spec)


@pytest.mark.parametrize(
    ("document", "error", "reason"),
    [
        (None, StoreError, "is not there: build the layer"),
        (b"PK\3\4", SpecError, "is not the manifest of a layer"),
        (b"{}", SpecError, "is not the manifest of a layer"),
        (b"\xff", SpecError, "is not the manifest of a layer"),
        ("newer", SpecError, "was written by a newer layerwright"),
    ],
    ids=["absent", "archive", "other JSON", "not UTF-8", "newer"],
)
def test_what_is_no_manifest_is_refused(
    document: bytes | str | None, error: type[LayerwrightError], reason: str, base: Path, tmp_path: Path
) -> None:
    path = tmp_path / "other.json"
    if document == "newer":
        document = json.dumps(json.loads(base.read_bytes()) | {"schema": 2}).encode()
    if isinstance(document, bytes):
        path.write_bytes(document)

    with pytest.raises(error, match=reason):
        plan(spec_of(tmp_path, {"one": "1.0"}, provided_by=(str(path),)))


@pytest.mark.parametrize("where", ["layer.json", "s3://bucket", "s3:///key"])
def test_an_address_of_no_manifest_is_refused(where: str) -> None:
    document = {"runtime": "python3.13", "sources": [{"path": "/x"}], "provided_by": [where]}

    with pytest.raises(SpecError, match=r"provided_by\[0\] must be"):
        parse_spec(json.dumps(document))


def test_libraries_of_another_layer_count_as_there(tmp_path: Path, cache: WheelCache) -> None:
    one = make_wheel(tmp_path, "one", files={"one.libs/libone-1.so": make_elf(soname="libone.so.1")})
    two = make_wheel(tmp_path, "two", files={"two/_x.abi3.so": make_elf(needed=["libone.so.1"])})
    spec = LayerSpec(runtime="python3.13", dependencies=Dependencies(lock_file=str(write_pylock(tmp_path, [one]))))
    manifest = store_manifest(spec, cache, tmp_path)
    write_pylock(tmp_path, [one, two])

    assert names(spec) == ["one", "two"]
    _, described = make_archive(plan(replace(spec, provided_by=(str(manifest),))), cache, tmp_path / "two.zip")
    assert [distribution.name for distribution in described.distributions] == ["two"]


def test_the_runtimes_boto3_is_left_to_the_runtime_as_a_whole(tmp_path: Path) -> None:
    """What boto3 needs and others may need too stays: it is small, and the runtime's may be older."""
    spec = spec_of(tmp_path, {**FAMILY, **OTHERS}, prune=Prune(runtime_boto3=True))

    assert names(spec) == sorted(OTHERS)
    assert plan(spec).warnings == ()


@pytest.mark.parametrize("named", [("boto3",), ("botocore", "s3transfer"), ("jmespath",)])
def test_leaving_out_a_part_of_boto3_is_warned_of(named: tuple[str, ...], tmp_path: Path) -> None:
    """A boto3 of the layer over a botocore of the runtime fails at the first new parameter, months later."""
    (warning,) = plan(spec_of(tmp_path, FAMILY, prune=Prune(distributions=named))).warnings

    kept = [name for name in sorted(FAMILY) if name not in named]
    assert warning.startswith(f"prune.distributions leaves out {', '.join(named)} and not {', '.join(kept)}: ")


def test_leaving_out_all_or_nothing_of_boto3_is_fine(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, {**FAMILY, **OTHERS})

    assert plan(spec).warnings == ()
    assert plan(replace(spec, prune=Prune(distributions=tuple(FAMILY)))).warnings == ()


@pytest.mark.parametrize(
    ("runtime", "version", "warns"),
    [("python3.13", "2.5.0", False), ("python3.13", "3.0.0", True), ("python3.9", "2.5.0", True)],
)
def test_an_urllib3_that_the_runtimes_boto3_does_not_take_is_warned_of(
    runtime: str, version: str, warns: bool, tmp_path: Path
) -> None:
    """The layer's urllib3 comes first on the search path: `cannot import name 'DEFAULT_CIPHERS'` was this."""
    warnings = plan(spec_of(tmp_path, {"urllib3": version}, runtime)).warnings

    assert [f"urllib3 {version} comes without boto3" in warning for warning in warnings] == [True] * warns
    assert plan(spec_of(tmp_path, {**FAMILY, "urllib3": version}, runtime)).warnings == ()


def test_what_else_is_not_needed_is_known_from_a_uv_lock_alone(tmp_path: Path) -> None:
    """pylock.toml has no roots: what nothing there depends on may be what the project itself imports."""
    spec = spec_of(tmp_path, {"one": "1.0"}, prune=Prune(distributions=("one",), with_dependencies=True))

    with pytest.raises(LockError, match=r"pylock\.toml: does not say what the project itself needs.*use a uv\.lock"):
        plan(spec)
