"""Choosing wheels from a lock file."""

from __future__ import annotations

import pytest
from layerwright.errors import LockError, ResolutionError
from layerwright.resolve import warn_of_names
from layerwright.spec import Dependencies, LayerSpec, Prune
from support.project import choose, lock_of, locked, spec_for

LINUX = "manylinux_2_17_x86_64.manylinux2014_x86_64"


def test_the_best_wheel_by_tag_order_is_chosen() -> None:
    """The same choice as pip's and uv's, so that a layer holds what a virtual environment does."""
    package = locked(
        "fast",
        "1.0",
        "fast-1.0-py3-none-any.whl",
        f"fast-1.0-cp313-cp313-{LINUX}.whl",
        "fast-1.0-cp313-cp313-manylinux_2_28_x86_64.whl",
        "fast-1.0-cp313-cp313-musllinux_1_2_x86_64.whl",
        "fast-1.0-cp313-cp313-macosx_11_0_arm64.whl",
    )

    assert choose(package)[0].filename == "fast-1.0-cp313-cp313-manylinux_2_28_x86_64.whl"
    assert choose(package, spec=spec_for(architecture="arm64"))[0].filename == "fast-1.0-py3-none-any.whl"


def test_an_old_glibc_takes_the_newest_wheel_it_loads() -> None:
    """uv knows no platform between 2_17 and 2_28 and would take the older or the broken one on python3.11."""
    package = locked(
        "pyzmq",
        "27.3.0",
        "pyzmq-27.3.0-cp311-cp311-manylinux_2_26_x86_64.manylinux_2_28_x86_64.whl",
        "pyzmq-27.3.0-cp311-cp311-manylinux2014_x86_64.whl",
        "pyzmq-27.3.0-cp311-cp311-manylinux_2_28_x86_64.whl",
    )

    assert "manylinux_2_26" in choose(package, spec=spec_for("python3.11"))[0].filename


def test_markers_are_those_of_lambda() -> None:
    packages = [
        locked("always", "1", "always-1-py3-none-any.whl"),
        locked("windows", "1", "windows-1-py3-none-any.whl", marker="sys_platform == 'win32'"),
        locked("arm", "1", "arm-1-py3-none-any.whl", marker="platform_machine == 'aarch64'"),
        locked("old", "1", "old-1-py3-none-any.whl", marker="python_version < '3.12'"),
    ]

    assert [wheel.name for wheel in choose(*packages)] == ["always"]
    assert [wheel.name for wheel in choose(*packages, spec=spec_for("python3.11", architecture="arm64"))] == [
        "always",
        "arm",
        "old",
    ]


def test_groups_and_extras_of_the_lock_are_taken_when_asked_for() -> None:
    packages = [
        locked("base", "1", "base-1-py3-none-any.whl"),
        locked("dev", "1", "dev-1-py3-none-any.whl", marker="'dev' in dependency_groups"),
        locked("usual", "1", "usual-1-py3-none-any.whl", marker="'main' in dependency_groups"),
        locked("extra", "1", "extra-1-py3-none-any.whl", marker="'aws' in extras"),
    ]
    groups = {"dependency-groups": ["dev", "main"], "default-groups": ["main"], "extras": ["aws"]}
    wanted = Dependencies(lock_file="/project/pylock.toml", groups=("dev",), extras=("aws",))

    assert [w.name for w in choose(*packages, **groups)] == ["base", "usual"]
    assert [w.name for w in choose(*packages, **groups, spec=spec_for(dependencies=wanted))] == [
        "base",
        "dev",
        "extra",
        "usual",
    ]


def test_every_distribution_without_a_wheel_is_named_at_once_with_the_nearest_and_why_not() -> None:
    """Mending one, planning again and meeting the next costs an afternoon."""
    packages = [
        locked("confluent-kafka", "2.11.1", "confluent_kafka-2.11.1-cp311-cp311-manylinux_2_28_x86_64.whl",
               "confluent_kafka-2.11.1-cp312-cp312-manylinux_2_28_x86_64.whl",
               "confluent_kafka-2.11.1-cp311-cp311-macosx_11_0_arm64.whl"),
        locked("other", "3", "other-3-cp310-cp310-manylinux2014_x86_64.whl"),
        locked("arm", "1", "arm-1-cp311-cp311-manylinux2014_aarch64.whl"),
        locked("musl", "1", "musl-1-cp311-cp311-musllinux_1_2_x86_64.whl"),
        locked("mac", "1", "mac-1-cp311-cp311-macosx_11_0_arm64.whl"),
        locked("vague", "1", "vague-1-cp311-cp311-linux_x86_64.whl"),
        locked("fine", "1", "fine-1-py3-none-any.whl"),
        {"name": "source", "version": "9", "sdist": {"name": "source-9.tar.gz", "url": "https://index.example/s",
                                                     "hashes": {"sha256": "0" * 64}}},
    ]  # fmt: skip
    with pytest.raises(ResolutionError) as e:
        choose(*packages, spec=spec_for("python3.11"))

    text = str(e.value)
    assert text.startswith(
        "pylock.toml: confluent-kafka 2.11.1 has no wheel for python3.11 on x86_64 (the nearest, "
        "confluent_kafka-2.11.1-cp311-cp311-manylinux_2_28_x86_64.whl, needs glibc 2.28, the runtime has 2.26): "
        "use python3.12, or pin confluent-kafka<2.11.1"
    )
    assert "other 3 has no wheel" in text
    assert "is for cp310-cp310, the runtime is cp311): use python3.10, or pin other<3" in text
    assert "is for aarch64 machines, not x86_64" in text
    assert "is for musl, the runtime has glibc" in text
    assert "is for macosx_11_0_arm64, the runtime is Linux" in text
    assert "does not say what glibc it needs" in text
    assert "source 9 has no wheel at all, only its source" in text
    assert "fine" not in text


def test_a_distribution_can_be_left_out_by_name_even_if_it_has_no_wheel() -> None:
    spec = spec_for(prune=Prune(distributions=("No_Wheel",)))
    packages = [locked("no-wheel", "1", "no_wheel-1-cp39-cp39-win32.whl"), locked("a", "1", "a-1-py3-none-any.whl")]

    assert [wheel.name for wheel in choose(*packages, spec=spec)] == ["a"]
    assert warn_of_names(lock_of({"packages": packages}), spec) == ()


def test_a_name_to_leave_out_that_is_not_locked_is_told() -> None:
    """`bto3` would leave boto3 in without a word."""
    spec = spec_for(prune=Prune(distributions=("bto3",)))

    assert warn_of_names(lock_of({"packages": []}), spec) == (
        "prune.distributions names bto3, which the lock file does not have",
    )


def test_one_archive_for_several_targets_takes_wheels_that_all_of_them_load() -> None:
    package = locked(
        "both",
        "1",
        "both-1-cp313-cp313-manylinux2014_x86_64.whl",
        "both-1-cp39-abi3-manylinux2014_x86_64.whl",
    )
    spec = spec_for(compatible_runtimes=("python3.12",))

    assert choose(package)[0].filename == "both-1-cp313-cp313-manylinux2014_x86_64.whl"
    assert choose(package, spec=spec)[0].filename == "both-1-cp39-abi3-manylinux2014_x86_64.whl"


def test_several_targets_without_a_common_wheel_are_refused() -> None:
    package = locked("native", "1", *(f"native-1-cp3{n}-cp3{n}-manylinux2014_x86_64.whl" for n in (12, 13)))

    with pytest.raises(ResolutionError, match="python3.13 on x86_64 and python3.12 on x86_64"):
        choose(package, spec=spec_for(compatible_runtimes=("python3.12",)))


def test_targets_that_are_locked_to_different_versions_are_refused() -> None:
    packages = [
        locked("np", "1", "np-1-py3-none-any.whl", marker="python_version < '3.13'"),
        locked("np", "2", "np-2-py3-none-any.whl", marker="python_version >= '3.13'"),
    ]

    assert [wheel.version for wheel in choose(*packages)] == ["2"]
    with pytest.raises(LockError, match="np is locked as np 1 and as np 2 for all the runtimes"):
        choose(*packages, spec=spec_for(compatible_runtimes=("python3.12",)))


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"requires-python": ">=3.14"}, "is locked for Python >=3.14, which python3.13 is not"),
        ({"environments": ["sys_platform == 'darwin'"]}, "is locked for other environments than python3.13 on x86_64"),
    ],
)
def test_a_lock_for_other_surroundings_is_refused(document: dict[str, object], says: str) -> None:
    with pytest.raises(LockError, match=says):
        choose(locked("a", "1", "a-1-py3-none-any.whl"), **document)


def test_a_distribution_for_another_python_is_refused() -> None:
    with pytest.raises(LockError, match=r"a 1 needs Python >=3.14, not 3\.13"):
        choose(locked("a", "1", "a-1-py3-none-any.whl", **{"requires-python": ">=3.14"}))


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (
            {"vcs": {"type": "git", "url": "https://git.example/x", "commit-id": "a" * 40}},
            "a git repository at aaaaaaaaaaaa",
        ),
        ({"archive": {"url": "https://index.example/x-1.tar.gz", "hashes": {"sha256": "0" * 64}}}, "a source archive"),
    ],
)
def test_what_is_no_wheel_is_named_with_the_way_out(source: dict[str, object], says: str) -> None:
    with pytest.raises(ResolutionError, match=f"x comes from {says}, not from a wheel: .* prune.distributions"):
        choose({"name": "x", **source})


def test_a_direct_url_of_a_wheel_is_a_wheel() -> None:
    url = "https://files.example/x-1.0%2Blocal-py3-none-any.whl#egg=x"
    wheel = choose({"name": "x", "archive": {"url": url, "hashes": {"sha256": "A" * 64}}})[0]

    assert (wheel.filename, wheel.version, wheel.sha256) == ("x-1.0+local-py3-none-any.whl", "1.0+local", "a" * 64)


@pytest.mark.parametrize("hashes", [{"md5": "0" * 32}, {"sha256": "abc"}, {"sha1": "0" * 40}])
def test_a_wheel_without_a_sha256_is_refused(hashes: dict[str, str]) -> None:
    """The layer's name is made of the wheels' SHA-256, before anything is downloaded."""
    wheel = {"name": "x-1-py3-none-any.whl", "url": "https://index.example/x", "hashes": hashes}

    with pytest.raises(ResolutionError, match="x 1: x-1-py3-none-any.whl is locked with no usable sha256"):
        choose({"name": "x", "version": "1", "wheels": [wheel]})


def test_no_dependencies_are_no_wheels() -> None:
    assert choose(spec=LayerSpec(runtime="python3.13")) == ()
