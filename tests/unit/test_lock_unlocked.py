"""Requirements that are resolved once, and from then on are what the store says."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from layerwright.errors import LockError, StoreError
from layerwright.lock import read_lock
from layerwright.lock.requirements import read_requirement_text
from layerwright.lock.unlocked import resolution_name
from layerwright.spec import Dependencies, LayerSpec
from layerwright.store import Store
from layerwright.store.directory import DirectoryStore
from packaging.pylock import Pylock
from support.index import LocalIndex, point_uv_at
from support.wheels import make_wheel, sha256_of


class NoStore:
    """A store that must not be asked."""

    def __getattr__(self, name: str) -> object:
        raise AssertionError(f"the store was asked: {name}")


class LateStore(DirectoryStore):
    """A store that never has what is asked for yet, as when another run stores it a moment later."""

    def find_resolution(self, name: str) -> bytes | None:
        assert name
        return None


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalIndex]:
    make_wheel(tmp_path / "wheels", "orders", "1.2", requires=["shop"])
    make_wheel(tmp_path / "wheels", "shop", "2.0")
    with LocalIndex(tmp_path / "wheels") as index:
        point_uv_at(index.url, tmp_path, monkeypatch)
        yield index


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return DirectoryStore(directory=tmp_path / "store")


@pytest.fixture
def requirements(tmp_path: Path) -> Path:
    path = tmp_path / "project" / "requirements.txt"
    path.parent.mkdir()
    path.write_text("orders\n")
    return path


def spec_of(path: Path, *, relock: str = "", runtime: str = "python3.13", **fields: object) -> LayerSpec:
    dependencies = Dependencies(lock_file=str(path), relock=relock)
    return LayerSpec(runtime=runtime, dependencies=dependencies, **fields)  # type: ignore[arg-type]


def read(spec: LayerSpec, store: Store | None) -> Pylock:
    lock = read_lock(spec, store)
    assert lock
    return lock


def versions(lock: Pylock) -> dict[str, str]:
    return {str(package.name): str(package.version) for package in lock.packages}


def forbid_uv(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Whatever starts uv from here on finds none."""
    monkeypatch.setattr("uv.find_uv_bin", lambda: (_ for _ in ()).throw(FileNotFoundError()))
    monkeypatch.setenv("PATH", str(folder))


def test_everyone_gets_the_versions_of_the_first_without_uv_or_index(
    index: LocalIndex, store: DirectoryStore, requirements: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plan on another machine, months later and without access to the index, must give the same layer."""
    first = read(spec_of(requirements), store)
    make_wheel(index.folder, "shop", "3.0")
    index.requests.clear()
    forbid_uv(monkeypatch, tmp_path)
    elsewhere = tmp_path / "elsewhere" / "deps.txt"
    elsewhere.parent.mkdir()
    elsewhere.write_bytes(b"# checked out on Windows\r\norders\r\n")

    assert read(spec_of(elsewhere), store) == first
    assert versions(first) == {"orders": "1.2", "shop": "2.0"}
    assert index.requests == []


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("orders\n", {"relock": "2026-11"}),
        ("orders\n", {"runtime": "python3.12"}),
        ("orders\n", {"architecture": "arm64"}),
        ("orders\n", {"compatible_runtimes": ("python3.12",)}),
        ("orders\nshop>1\n", {}),
    ],
)
def test_another_text_target_or_relock_resolves_anew(
    index: LocalIndex, store: DirectoryStore, requirements: Path, text: str, changes: dict[str, str]
) -> None:
    """The ways to get newer versions, each of them a decision that somebody made."""
    read(spec_of(requirements), store)
    make_wheel(index.folder, "shop", "3.0")
    requirements.write_text(text)

    assert versions(read(spec_of(requirements, **changes), store)) == {"orders": "1.2", "shop": "3.0"}
    assert len(list(store.directory.glob("resolution-*.toml"))) == 2


def test_pinned_requirements_are_stored_too(
    index: LocalIndex, store: DirectoryStore, requirements: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pins say no hashes, and a machine without the index could not find the files."""
    requirements.write_text("orders==1.2\nshop==2.0\n")
    first = read(spec_of(requirements), store)
    forbid_uv(monkeypatch, tmp_path)
    index.requests.clear()

    assert read(spec_of(requirements), store) == first


def test_what_is_to_be_built_is_another_resolution(requirements: Path) -> None:
    """Its sdist is locked then, which a layer of wheels has no use for."""
    text = read_requirement_text(requirements)
    wanted = Dependencies(lock_file=str(requirements), build_from_source=("shop",))
    built = LayerSpec(runtime="python3.13", dependencies=wanted)

    assert resolution_name(text, built) != resolution_name(text, spec_of(requirements))


@pytest.mark.usefixtures("index")
def test_of_two_first_runs_both_use_what_was_stored_first(requirements: Path, tmp_path: Path) -> None:
    """Two stages of a pipeline start at once; they must not make two layers."""
    spec = spec_of(requirements)
    name = resolution_name(read_requirement_text(requirements), spec)
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / name).write_text('lock-version = "1.0"\ncreated-by = "the other run"\npackages = []\n')

    assert read(spec, LateStore(directory=tmp_path / "store")).created_by == "the other run"


@pytest.mark.usefixtures("index")
def test_without_a_store_it_is_resolved_each_time(requirements: Path) -> None:
    """`layerwright lock` and checks work before there is a store."""
    assert versions(read(spec_of(requirements), None)) == {"orders": "1.2", "shop": "2.0"}


def test_never_looks_only_and_names_the_command(
    index: LocalIndex, store: DirectoryStore, requirements: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where plans must not build, the one who may has to know what to run."""
    monkeypatch.chdir(requirements.parent)

    with pytest.raises(StoreError) as refused:
        read(spec_of(requirements, upload_at="never"), store)

    assert str(refused.value).startswith("requirements.txt: the store has no versions for it (resolution-")
    assert "run `layerwright build --lock-file requirements.txt --runtime python3.13" in str(refused.value)
    assert index.requests == []
    assert not store.directory.exists()

    first = read(spec_of(requirements), store)

    assert read(spec_of(requirements, upload_at="never"), store) == first


@pytest.mark.usefixtures("index")
def test_apply_resolves_what_is_pinned_in_full_without_a_store(requirements: Path) -> None:
    """A plan that may not write, and may not even read the store, still knows the layer's name."""
    requirements.write_text("orders==1.2\n-c limits.txt\n")
    requirements.with_name("limits.txt").write_text("shop==2.0\n")

    assert versions(read(spec_of(requirements, upload_at="apply"), NoStore())) == {"orders": "1.2", "shop": "2.0"}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("shop==2.0\norders>=1\n", "(requirements.txt:2: orders)"),
        ("orders==1.2\n", "(shop 2.0, which others need)"),
    ],
)
@pytest.mark.usefixtures("index")
def test_apply_refuses_what_could_change_until_then(requirements: Path, text: str, what: str) -> None:
    """The plan names the archive; at apply it must still be the one that the requirements give."""
    requirements.write_text(text)

    with pytest.raises(LockError) as refused:
        read(spec_of(requirements, upload_at="apply"), NoStore())  # type: ignore[arg-type]

    assert str(refused.value) == (
        f'requirements.txt: is not pinned in full, which upload_at = "apply" needs {what}: pin each with ==, use a '
        'lock file, or set upload_at = "plan"'
    )


def test_nothing_that_is_stored_holds_credentials_or_paths(
    index: LocalIndex, store: DirectoryStore, requirements: Path, tmp_path: Path
) -> None:
    """The bucket has other readers than the index."""
    own = make_wheel(requirements.parent / "own", "stock", "1.0")
    with LocalIndex(index.folder, credentials=("me", "s3cret")) as private:
        requirements.write_text(
            f"--extra-index-url {private.url_with_credentials}\norders\nown/{own.name}\n"
            f"{private.url_with_credentials.replace('simple/', 'files/')}shop-2.0-py3-none-any.whl\n"
        )
        lock = read(spec_of(requirements), store)

    (stored,) = store.directory.glob("resolution-*.toml")
    assert "s3cret" not in stored.read_text()
    assert str(tmp_path) not in stored.read_text()
    assert [package.archive.path for package in lock.packages if package.archive and package.archive.path] == [str(own)]
    assert "s3cret" not in str(lock)


def test_wheels_of_the_project_are_found_in_another_checkout(
    index: LocalIndex, store: DirectoryStore, requirements: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = make_wheel(requirements.parent / "own", "stock", "1.0")
    requirements.write_text(f"own/{wheel.name}\n")
    read(spec_of(requirements), store)
    shutil.copytree(requirements.parent, tmp_path / "elsewhere")
    forbid_uv(monkeypatch, tmp_path)

    (package,) = read(spec_of(tmp_path / "elsewhere" / "requirements.txt"), store).packages

    assert package.archive
    assert package.archive.path == str(tmp_path / "elsewhere" / "own" / wheel.name)
    assert package.archive.hashes == {"sha256": sha256_of(wheel)}
    assert index.requests == []


@pytest.mark.usefixtures("index")
def test_wheels_out_of_the_project_are_refused(store: DirectoryStore, requirements: Path, tmp_path: Path) -> None:
    """Others who plan against the store do not have them."""
    make_wheel(tmp_path / "home", "stock", "1.0")
    requirements.write_text("--find-links ../home\nstock\n")

    with pytest.raises(
        LockError, match=r"^requirements.txt: .* lies outside the folder of the lock file: move the wheels"
    ):
        read(spec_of(requirements), store)

    assert not store.directory.exists()


@pytest.mark.parametrize(
    "contents", [b"", b"\xff", b"PK\x03\x04", b'lock-version = "9.0"\ncreated-by = "x"\npackages = []\n']
)
@pytest.mark.usefixtures("index")
def test_something_else_under_the_name_fails_closed(store: DirectoryStore, requirements: Path, contents: bytes) -> None:
    """Resolving anew in its place would give this one person other versions than everybody else."""
    read(spec_of(requirements), store)
    (stored,) = store.directory.glob("resolution-*.toml")
    stored.write_bytes(contents)

    with pytest.raises(StoreError) as refused:
        read(spec_of(requirements), store)

    assert str(refused.value).startswith(f"{stored.name}: the store has something else under this name")
    assert str(refused.value).endswith(": change dependencies.relock")


def test_the_name_of_a_resolution_stays_what_it_is(requirements: Path) -> None:
    """A release that changes it would resolve everybody's requirements anew: raise the contract when that is meant."""
    requirements.write_text(
        "--extra-index-url https://me:pass@index.example/simple/\norders[fast] >=1 ; os_name == 'posix'\n"
    )

    name = resolution_name(read_requirement_text(requirements), spec_of(requirements, relock="2026-11"))

    assert name == "resolution-f3ee4249028e6eaf.toml"
