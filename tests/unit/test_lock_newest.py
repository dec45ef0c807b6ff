"""Requirements resolved for Lambda: the newest versions that really load there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from layerwright.errors import LockError, ResolutionError
from layerwright.lock import read_lock
from layerwright.resolve import SdistChoice, WheelChoice, resolve
from layerwright.spec import Dependencies, LayerSpec
from support.index import LocalIndex, point_uv_at
from support.projects import BUILD_LOG, pack_sdist, write_project
from support.wheels import make_wheel, sha256_of

OLD = "manylinux_2_17_x86_64.manylinux2014_x86_64"
BETWEEN = "manylinux_2_26_x86_64.manylinux_2_28_x86_64"
NEW = "manylinux_2_28_x86_64"


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalIndex]:
    (tmp_path / "wheels").mkdir()
    with LocalIndex(tmp_path / "wheels") as index:
        point_uv_at(index.url, tmp_path, monkeypatch)
        yield index


def choose(
    index: LocalIndex, text: str, runtime: str = "python3.11", **fields: object
) -> dict[str, WheelChoice | SdistChoice]:
    """What a layer of the requirements *text* would be made of, by distribution."""
    project = index.folder.parent / "project"
    project.mkdir(exist_ok=True)
    (project / "requirements.txt").write_text(text)
    spec = LayerSpec(
        runtime=runtime,
        dependencies=Dependencies(lock_file=str(project / "requirements.txt")),
        **fields,  # type: ignore[arg-type]
    )
    return {str(choice.name): choice for choice in resolve(read_lock(spec, None), spec)}


def versions(choices: dict[str, WheelChoice | SdistChoice]) -> dict[str, str]:
    return {name: choice.version for name, choice in choices.items()}


def test_the_newest_versions_and_what_they_need_are_chosen(index: LocalIndex) -> None:
    make_wheel(
        index.folder, "orders", "1.2", requires=["shop>=2", "windows; sys_platform == 'win32'", "speed; extra == 'f'"]
    )
    for version in ("1.0", "2.0", "2.5", "3.0"):
        make_wheel(index.folder, "shop", version)

    assert versions(choose(index, "orders\nshop<3\n")) == {"orders": "1.2", "shop": "2.5"}


def test_an_old_glibc_gets_the_newest_wheel_that_it_loads(index: LocalIndex) -> None:
    """uv knows no platform between glibc 2.17 and 2.28; python3.11 runs on 2.26."""
    make_wheel(index.folder, "zmq", "1.0", tag=f"cp311-cp311-{OLD}")
    make_wheel(index.folder, "zmq", "2.0", tag=f"cp311-cp311-{BETWEEN}")
    for version in ("3.0", "4.0"):
        make_wheel(index.folder, "zmq", version, tag=f"cp311-cp311-{NEW}")
        make_wheel(index.folder, "zmq", version, tag=f"cp312-cp312-{NEW}")

    assert versions(choose(index, "zmq\n")) == {"zmq": "2.0"}
    assert versions(choose(index, "zmq\n", "python3.12")) == {"zmq": "4.0"}


def test_of_several_wheels_the_best_one_can_still_be_chosen(index: LocalIndex) -> None:
    """The lock must list all that fit, as tag order decides later."""
    for tag in ("py3-none-any", f"cp311-cp311-{OLD}", f"cp311-cp311-{BETWEEN}", f"cp311-abi3-{OLD}"):
        make_wheel(index.folder, "zmq", "1.0", tag=tag)

    assert choose(index, "zmq\n")["zmq"].filename == f"zmq-1.0-cp311-cp311-{BETWEEN}.whl"


def test_a_pinned_version_that_does_not_load_names_the_way_out(index: LocalIndex) -> None:
    """The whole reason must stand in the plan, not in a traceback of the function."""
    make_wheel(index.folder, "kafka", "2.0", tag=f"cp311-cp311-{NEW}")
    make_wheel(index.folder, "kafka", "2.0", tag=f"cp312-cp312-{NEW}")
    make_wheel(index.folder, "kafka", "1.0", tag=f"cp311-cp311-{OLD}")

    with pytest.raises(ResolutionError) as refused:
        choose(index, "kafka==2.0\n")

    assert str(refused.value) == (
        "requirements.txt: kafka 2.0 has no wheel for python3.11 on x86_64 "
        f"(the nearest, kafka-2.0-cp311-cp311-{NEW}.whl, needs glibc 2.28, the runtime has 2.26): "
        "use python3.12, or pin kafka<2.0"
    )


def test_a_distribution_none_of_whose_versions_load_is_named_with_what_was_tried(index: LocalIndex) -> None:
    """No pre-release is slipped in because the proper releases do not fit."""
    for version in ("1.0", "2.0", "3.0"):
        make_wheel(index.folder, "kafka", version, tag=f"cp311-cp311-{NEW}")
    make_wheel(index.folder, "kafka", "2.5rc1", tag=f"cp311-cp311-{OLD}")

    with pytest.raises(ResolutionError) as refused:
        choose(index, "kafka\n")

    assert "kafka 3.0 has no wheel for python3.11 on x86_64" in str(refused.value)
    assert "; 2 older versions, down to 1.0, do not fit either): leave kafka out" in str(refused.value)
    assert versions(choose(index, "--pre\nkafka\n")) == {"kafka": "2.5rc1"}


def test_arm_gets_wheels_for_arm(index: LocalIndex) -> None:
    make_wheel(index.folder, "zmq", "1.0", tag="cp313-cp313-manylinux_2_34_aarch64")
    make_wheel(index.folder, "zmq", "2.0", tag="cp313-cp313-manylinux_2_17_x86_64")
    make_wheel(index.folder, "zmq", "3.0", tag="cp313-cp313-manylinux_2_35_aarch64")

    assert versions(choose(index, "zmq\n", "python3.13", architecture="arm64")) == {"zmq": "1.0"}


def test_only_wheels_are_taken(index: LocalIndex) -> None:
    """No code of others runs in a build."""
    make_wheel(index.folder, "zmq", "1.0", tag="cp313-cp313-win_amd64")

    with pytest.raises(LockError, match=r"^requirements.txt: has no solution for python3.13 on x86_64: .*no wheels"):
        choose(index, "zmq\n", "python3.13")


def test_several_runtimes_get_versions_that_serve_all_of_them(index: LocalIndex) -> None:
    """A requirement of any of them is in the layer, and the newest versions of one may be too new for another."""
    make_wheel(index.folder, "orders", "1.0", requires=["compat; python_version < '3.13'"])
    make_wheel(index.folder, "compat", "1.0")
    make_wheel(index.folder, "shop", "1.0")
    newer = make_wheel(index.folder, "shop", "2.0")
    index.requires_python[newer.name] = ">=3.13"

    found = choose(index, "orders\nshop\n", "python3.13", compatible_runtimes=("python3.12",))

    assert versions(found) == {"compat": "1.0", "orders": "1.0", "shop": "1.0"}


def test_a_wheel_for_each_runtime_is_not_one_for_all(index: LocalIndex) -> None:
    """One archive holds one file under one name."""
    for python in ("cp312", "cp313"):
        make_wheel(index.folder, "core", "2.0", tag=f"{python}-{python}-{OLD}")
    make_wheel(index.folder, "stable", "1.0", tag=f"cp38-abi3-{OLD}")

    with pytest.raises(ResolutionError) as refused:
        choose(index, "core\nstable\n", "python3.13", compatible_runtimes=("python3.12",))

    assert str(refused.value) == (
        "requirements.txt: no one wheel of core 2.0 runs on python3.13 on x86_64 and python3.12 on x86_64, although "
        "each has one: build a layer for each"
    )
    assert choose(index, "stable\n", "python3.13", compatible_runtimes=("python3.12",))["stable"].version == "1.0"


def test_a_version_without_a_wheel_for_a_further_architecture_is_passed_over(index: LocalIndex) -> None:
    make_wheel(index.folder, "core", "1.0")
    make_wheel(index.folder, "core", "2.0", tag=f"cp313-cp313-{OLD}")

    found = choose(index, "core\n", "python3.13", compatible_architectures=("arm64",))

    assert versions(found) == {"core": "1.0"}


def test_listed_hashes_admit_their_wheels_only(index: LocalIndex) -> None:
    """A wheel that was added to the index later is not what was reviewed and locked."""
    old = make_wheel(index.folder, "zmq", "1.0", tag=f"cp311-cp311-{OLD}")
    make_wheel(index.folder, "zmq", "1.0", tag=f"cp311-cp311-{BETWEEN}")

    found = choose(index, f"zmq==1.0 --hash=sha256:{'0' * 64} --hash=sha256:{sha256_of(old).upper()}\n")

    assert found["zmq"].sha256 == sha256_of(old)


def test_hashes_that_are_of_no_wheel_for_the_target_are_refused(index: LocalIndex) -> None:
    make_wheel(index.folder, "zmq", "1.0", tag=f"cp311-cp311-{OLD}")
    other = make_wheel(index.folder, "zmq", "1.0", tag="cp311-cp311-win_amd64")

    with pytest.raises(LockError) as refused:
        choose(index, f"zmq==1.0 --hash=sha256:{sha256_of(other)}\n")

    assert str(refused.value) == (
        "requirements.txt: zmq 1.0: no hash listed is of a wheel for python3.11 on x86_64: lock again with the hashes "
        "of all wheels"
    )


def test_what_is_needed_and_has_no_hash_is_refused(index: LocalIndex) -> None:
    """As with pip: a distribution that comes along unlisted is one that nobody checked."""
    orders = make_wheel(index.folder, "orders", "1.2", requires=["shop"])
    make_wheel(index.folder, "shop", "2.0")

    with pytest.raises(LockError, match=r"^requirements.txt: shop 2.0 is needed too, and is not listed: lock again"):
        choose(index, f"orders==1.2 --hash=sha256:{sha256_of(orders)}\n")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("nosuch\n", "nosuch was not found in the package registry and you require nosuch: correct the name, or say"),
        ("orders==7\n", "there is no version of orders==7 and you require orders==7: change the requirements, or use"),
        (
            "orders\nshop<2\n",
            "orders depend on shop>=2 and you require orders, we can conclude that you require shop>=2",
        ),
        ("modern\n", "you require modern: change the requirements, or use another runtime"),
    ],
)
def test_what_uv_cannot_solve_is_said_in_one_line(index: LocalIndex, text: str, what: str) -> None:
    make_wheel(index.folder, "orders", "1.2", requires=["shop>=2"])
    make_wheel(index.folder, "shop", "2.0")
    modern = make_wheel(index.folder, "modern", "1.0")
    index.requires_python[modern.name] = ">=3.14"

    with pytest.raises(LockError) as refused:
        choose(index, text)

    line = str(refused.value)
    assert line.startswith("requirements.txt: has no solution for python3.11 on x86_64: ")
    assert what in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("fault", "what"),
    [
        ("500", "(500 Internal Server Error)"),
        ("cut", "end of file before message length reached"),
        ("401", "give credentials for the index"),
        ("403", "give credentials for the index"),
        ("404", "orders was not found in the package registry"),
    ],
)
def test_an_index_that_fails_is_said_with_the_way_out(index: LocalIndex, fault: str, what: str) -> None:
    make_wheel(index.folder, "orders", "1.2")
    index.faults["orders/"] = fault

    with pytest.raises(LockError) as refused:
        choose(index, "orders\n")

    assert str(refused.value).startswith("requirements.txt: ")
    assert what in str(refused.value)


def test_an_index_that_is_not_there_is_said(index: LocalIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://me:secret@127.0.0.1:9/simple/")

    with pytest.raises(LockError) as refused:
        choose(index, "orders\n")

    assert "127.0.0.1:9" in str(refused.value)
    assert str(refused.value).endswith(
        "check that the package index can be reached (UV_DEFAULT_INDEX, proxy, credentials)"
    )
    assert "secret" not in str(refused.value)


def test_indexes_that_the_file_names_are_asked_with_their_credentials(
    index: LocalIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They reach uv, by variable too, and nothing that is kept."""
    make_wheel(tmp_path / "private", "orders", "1.2")
    monkeypatch.setenv("TOKEN", "s3cret")
    with LocalIndex(tmp_path / "private", credentials=("me", "s3cret"), as_json=True) as private:
        url = private.url_with_credentials.replace("s3cret", "${TOKEN}")

        found = choose(index, f"--trusted-host {private.host}\n--extra-index-url {url}\norders\n")

    assert found["orders"].url == private.file_url("orders-1.2-py3-none-any.whl")
    assert found["orders"].size


def test_an_index_by_the_files_option_replaces_the_usual_one(index: LocalIndex, tmp_path: Path) -> None:
    make_wheel(tmp_path / "other", "orders", "1.2")
    with LocalIndex(tmp_path / "other") as other:
        assert versions(choose(index, f"-i {other.url}\norders\n")) == {"orders": "1.2"}

    assert index.requests == []


def test_a_folder_of_wheels_beside_the_file_will_do(index: LocalIndex, tmp_path: Path) -> None:
    """Teams without an index keep their wheels in the repository."""
    vendored = tmp_path / "project" / "our own wheels, é"
    wheel = make_wheel(vendored, "orders", "1.2", requires=["shop"])
    make_wheel(vendored, "shop", "2.0")

    found = choose(
        index, f"--no-index\n--find-links './{vendored.name}'\n{vendored.name}/orders-1.2-py3-none-any.whl\n"
    )

    assert {name: choice.path for name, choice in found.items()} == {
        "orders": wheel,
        "shop": vendored / "shop-2.0-py3-none-any.whl",
    }
    assert index.requests == []


def test_a_wheel_by_its_url_will_do(index: LocalIndex) -> None:
    wheel = make_wheel(index.folder, "orders", "1.2")
    url = index.file_url(wheel.name)

    assert choose(index, f"{url}\n")["orders"].sha256 == sha256_of(wheel)
    assert choose(index, f"{url} --hash=sha256:{sha256_of(wheel)}\n")["orders"].url == url
    with pytest.raises(LockError, match=r"^requirements.txt: orders 1.2: the file at its URL has none of the hashes"):
        choose(index, f"{url} --hash=sha256:{'0' * 64}\n")


def test_the_search_for_versions_comes_to_an_end(index: LocalIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    """A distribution may have hundreds of versions, and a plan has one person's patience."""
    monkeypatch.setattr("layerwright.lock.newest.ROUNDS", 2)
    for version in ("1.0", "2.0", "3.0"):
        make_wheel(index.folder, "kafka", version, tag=f"cp311-cp311-{NEW}")

    with pytest.raises(LockError, match=r"uv chose versions 2 times and never ones that run on .*: pin .* of kafka$"):
        choose(index, "kafka\n")


def test_constraints_bind_what_comes_along(index: LocalIndex, tmp_path: Path) -> None:
    make_wheel(index.folder, "orders", "1.2", requires=["shop"])
    for version in ("1.0", "2.0"):
        make_wheel(index.folder, "shop", version)
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "limits.txt").write_text("shop<2\nnever==1\n")

    assert versions(choose(index, "orders\n-c limits.txt\n")) == {"orders": "1.2", "shop": "1.0"}


def test_settings_around_the_project_do_not_matter(
    index: LocalIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is stored for everyone must not hang on the folder or shell of the first to plan."""
    make_wheel(index.folder, "orders", "1.2")
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "pyproject.toml").write_text(
        '[tool.uv]\nrequired-version = ">=99"\noverride-dependencies = ["orders==9"]\n'
    )
    (tmp_path / "limits.txt").write_text("orders==9\n")
    for name, value in {
        "UV_CONSTRAINT": str(tmp_path / "limits.txt"),
        "UV_NO_BINARY": "1",
        "UV_PYTHON": "3.99",
        "UV_PROJECT": "/nonexistent",
        "UV_RESOLUTION": "lowest",
    }.items():
        monkeypatch.setenv(name, value)

    assert versions(choose(index, "orders\n")) == {"orders": "1.2"}


def test_a_cache_folder_that_is_relative_is_relative_to_where_the_person_is(
    index: LocalIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CI systems cache `.uv-cache` of the checkout."""
    make_wheel(index.folder, "orders", "1.2")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UV_CACHE_DIR", ".uv-cache")

    choose(index, "orders\n")

    assert (tmp_path / ".uv-cache").is_dir()


def test_a_cache_folder_that_cannot_be_made_is_said(
    index: LocalIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """uv keeps one in the home folder, which a CI user may not have."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "file" / "cache"))

    with pytest.raises(LockError, match=r"set UV_CACHE_DIR to a folder that can be written$"):
        choose(index, "orders\n")


@pytest.mark.network
@pytest.mark.parametrize("name", ["pyarrow", "pyzmq", "confluent-kafka"])
def test_real_distributions_load_on_an_old_glibc(name: str, tmp_path: Path) -> None:
    """Their newest versions have wheels for glibc 2.28 only, and pyzmq some for 2.26, which uv's own choice misses."""
    (tmp_path / "requirements.txt").write_text(f"{name}\n")
    spec = LayerSpec(runtime="python3.11", dependencies=Dependencies(lock_file=str(tmp_path / "requirements.txt")))

    found = {choice.name: choice for choice in resolve(read_lock(spec, None), spec)}

    newest = {"pyarrow": (20, 0), "pyzmq": (27, 3), "confluent-kafka": (2, 4)}[name]
    assert tuple(map(int, found[name].version.split(".")[:2])) >= newest  # type: ignore[index]


def test_an_sdist_is_locked_only_where_it_is_to_be_built(
    index: LocalIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Resolving runs its code already, to learn what it needs."""
    log = tmp_path / "builds.log"
    monkeypatch.setenv(BUILD_LOG, str(log))
    pack_sdist(index.folder, write_project(tmp_path / "sources", "oldest", "1.0"), "oldest", "1.0")
    make_wheel(index.folder, "plain", "1.0", requires=["oldest"])
    (tmp_path / "requirements.txt").write_text("plain\n")

    def spec_of(*built: str) -> LayerSpec:
        wanted = Dependencies(lock_file=str(tmp_path / "requirements.txt"), build_from_source=built)
        return LayerSpec(runtime="python3.13", dependencies=wanted)

    with pytest.raises(LockError, match="oldest"):
        read_lock(spec_of(), None)
    assert not log.exists()

    with pytest.raises(LockError, match="name the distributions in build_from_source in place of :all:"):
        read_lock(spec_of(":all:"), None)
    assert not log.exists()

    choices = resolve(read_lock(spec_of("Oldest"), None), spec_of("Oldest"))
    assert [(type(choice), choice.filename) for choice in choices] == [
        (SdistChoice, "oldest-1.0.tar.gz"),
        (WheelChoice, "plain-1.0-py3-none-any.whl"),
    ]


def test_a_name_is_taken_from_the_first_index_that_has_it(index: LocalIndex, tmp_path: Path) -> None:
    """Who puts a higher version of a private name on a public index shall not get into the layer."""
    make_wheel(tmp_path / "private", "acme-orders", "1.0", requires=["shop"])
    make_wheel(index.folder, "acme-orders", "99.0")
    make_wheel(index.folder, "shop", "2.0")
    with LocalIndex(tmp_path / "private") as private:
        found = choose(index, f"--extra-index-url {private.url}\nacme-orders\n", "python3.13")

    assert versions(found) == {"acme-orders": "1.0", "shop": "2.0"}
    assert (found["acme-orders"].url or "").startswith(private.url.removesuffix("simple/"))
    assert "/simple/acme-orders/" not in index.requests


def test_offline_chooses_from_what_uv_has_seen(index: LocalIndex) -> None:
    make_wheel(index.folder, "orders", "1.0")
    make_wheel(index.folder, "shop", "2.0")
    assert versions(choose(index, "orders\n", "python3.13")) == {"orders": "1.0"}
    asked = len(index.requests)

    assert versions(choose(index, "orders\n", "python3.13", offline=True)) == {"orders": "1.0"}
    with pytest.raises(LockError) as refused:
        choose(index, "orders\nshop\n", "python3.13", offline=True)

    assert str(refused.value).endswith(
        ": offline, only what uv's cache has can be chosen: use a lock file, or run once with the network"
    )
    assert len(index.requests) == asked
