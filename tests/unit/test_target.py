"""Lambda's runtimes and what they load."""

from __future__ import annotations

import pytest
from botocore.session import Session
from layerwright.errors import SpecError
from layerwright.target import Target, read_runtimes
from packaging.tags import parse_tag


def accepts(target: Target, tag: str) -> bool:
    return bool(parse_tag(tag) & set(target.tags))


def test_every_python_runtime_that_lambda_names_is_known() -> None:
    """A runtime that is missing here is one whose users we turn away; those that ended before 2024 are not needed."""
    model = Session().get_service_model("lambda").shape_for("Runtime")
    python = {name for name in model.metadata["enum"] if name.startswith("python3.")}

    assert python - set(read_runtimes()) <= {"python3.6", "python3.7", "python3.15"}


@pytest.mark.parametrize(
    ("runtime", "architecture", "tag", "loads"),
    [
        ("python3.13", "x86_64", "cp313-cp313-manylinux_2_34_x86_64", True),
        ("python3.13", "x86_64", "cp313-cp313-manylinux_2_35_x86_64", False),
        ("python3.13", "x86_64", "cp313-cp313-manylinux2014_x86_64", True),
        ("python3.13", "x86_64", "cp313-cp313-manylinux1_x86_64", True),
        ("python3.13", "arm64", "cp313-cp313-manylinux2014_aarch64", True),
        ("python3.13", "arm64", "cp313-cp313-manylinux_2_12_aarch64", False),
        ("python3.13", "arm64", "cp313-cp313-manylinux2014_x86_64", False),
        ("python3.13", "x86_64", "cp39-abi3-manylinux_2_28_x86_64", True),
        ("python3.13", "x86_64", "cp314-abi3-manylinux_2_28_x86_64", False),
        ("python3.13", "x86_64", "cp313-cp313t-manylinux_2_28_x86_64", False),
        ("python3.13", "x86_64", "cp313-cp313-musllinux_1_2_x86_64", False),
        ("python3.13", "x86_64", "cp313-cp313-linux_x86_64", False),
        ("python3.13", "x86_64", "py3-none-any", True),
        ("python3.13", "x86_64", "py2-none-any", False),
        ("python3.13", "x86_64", "py3-none-manylinux_2_17_x86_64", True),
        ("python3.11", "x86_64", "cp311-cp311-manylinux_2_26_x86_64.manylinux_2_28_x86_64", True),
        ("python3.11", "x86_64", "cp311-cp311-manylinux_2_27_x86_64", False),
        ("python3.11", "x86_64", "cp311-cp311-manylinux_2_28_x86_64", False),
        ("python3.12", "x86_64", "cp312-cp312-manylinux_2_28_x86_64", True),
    ],
)
def test_a_target_accepts_the_wheels_its_glibc_and_abi_load(
    runtime: str, architecture: str, tag: str, loads: bool
) -> None:
    """A wheel too many is a function that fails at its first import; one too few is an old version for no reason."""
    assert accepts(Target(runtime=runtime, architecture=architecture), tag) is loads


def test_newer_manylinux_and_the_own_abi_come_first() -> None:
    """pip and uv choose the same wheel among several, so that moving to a layer changes no code."""
    tags = [str(tag) for tag in Target(runtime="python3.12").tags]
    order = [
        "cp312-cp312-manylinux_2_34_x86_64",
        "cp312-cp312-manylinux_2_17_x86_64",
        "cp312-cp312-manylinux2014_x86_64",
        "cp312-abi3-manylinux_2_17_x86_64",
        "cp312-none-manylinux_2_17_x86_64",
        "cp39-abi3-manylinux_2_17_x86_64",
        "py3-none-manylinux_2_17_x86_64",
        "py3-none-any",
    ]

    assert [tags.index(tag) for tag in order] == sorted(tags.index(tag) for tag in order)


def test_markers_see_lambda_and_not_the_host() -> None:
    environment = Target(runtime="python3.11", architecture="arm64").marker_environment

    assert environment["platform_machine"] == "aarch64"
    assert environment["sys_platform"] == "linux"
    assert environment["python_version"] == "3.11"
    assert environment["python_full_version"].startswith("3.11.")


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"runtime": "python3.99"}, "runtime 'python3.99' does not exist: use one of python3.8, "),
        ({"runtime": "nodejs22.x"}, "runtime 'nodejs22.x' does not exist"),
        ({"runtime": "python3.13", "architecture": "aarch64"}, "'aarch64' does not exist: use x86_64 or arm64"),
    ],
)
def test_what_lambda_does_not_have_is_refused(fields: dict[str, str], says: str) -> None:
    with pytest.raises(SpecError, match=says):
        Target(**fields)
