"""A layer whose compiled files cannot be loaded is refused before it is stored, and no other is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from layerwright.build import make_archive, plan
from layerwright.cache import WheelCache
from layerwright.elf_check import OPTIONAL_LIBRARIES, check_elf
from layerwright.errors import ResolutionError
from layerwright.fetch import fetch
from layerwright.layout import lay_out
from layerwright.other_layers import OtherLayer
from layerwright.prune import prune
from layerwright.sources import read_sources
from layerwright.spec import Dependencies, LayerSpec, Prune, Source
from layerwright.tree import LayerTree, assemble
from msgspec.structs import replace
from support.elf import make_elf
from support.project import choices_for, write_pylock
from support.wheels import make_wheel

SPEC = LayerSpec(runtime="python3.13")
OLDER = LayerSpec(runtime="python3.11")

Check = Callable[..., None]


@pytest.fixture
def check(tmp_path: Path, cache: WheelCache) -> Check:
    """Check a layer of one wheel that has the given files."""

    def run(files: dict[str, bytes], spec: LayerSpec = SPEC, name: str = "example") -> None:
        wheel = make_wheel(tmp_path, name, files={"example/__init__.py": "", **files})
        check_elf(tree_of([wheel], cache, spec), spec)

    return run


def tree_of(wheels: list[Path], cache: WheelCache, spec: LayerSpec) -> LayerTree:
    files = prune(lay_out(fetch(choices_for(*wheels), cache), spec), spec.prune)
    return assemble(files, read_sources(spec), spec)


def needing(version: str, library: str = "libc.so.6", **options: object) -> bytes:
    return make_elf(needed=[library], versions={library: [version]}, **options)  # type: ignore[arg-type]


TOO_NEW = {
    "GLIBC_2.28": ("libc.so.6", "python3.11 has GLIBC_2.26: use python3.12, or pin example<1.0"),
    "GLIBCXX_3.4.25": ("libstdc++.so.6", "python3.11 has GLIBCXX_3.4.24: use python3.12"),
    "CXXABI_1.3.12": ("libstdc++.so.6", "python3.11 has CXXABI_1.3.11: use python3.12"),
    "GCC_11.0": ("libgcc_s.so.1", "python3.11 has GCC_7.0.0: use python3.12"),
    "ZLIB_1.2.9": ("libz.so.1", "python3.11 has ZLIB_1.2.5.2: use python3.12"),
}


@pytest.mark.parametrize(("version", "library", "told"), [(v, *told) for v, told in TOO_NEW.items()], ids=TOO_NEW)
def test_a_version_newer_than_the_runtimes_is_refused(version: str, library: str, told: str, check: Check) -> None:
    """A wheel may be tagged for an older system than it was built for: its import fails in Lambda alone."""
    files = {"example/_x.abi3.so": needing(version, library), "example/_y.abi3.so": needing(version, library)}

    check(files)
    with pytest.raises(ResolutionError) as e:
        check(files, OLDER)
    assert f"example 1.0: example/_x.abi3.so and 1 more needs {version} of {library}, {told}" in str(e.value)


@pytest.mark.parametrize("version", ["GLIBC_2.35", "GLIBC_ABI_DT_RELR", "GLIBCXX_3.4.30", "GCC_12.0.0"])
def test_a_version_that_no_runtime_has_is_refused_with_no_runtime_to_go_to(version: str, check: Check) -> None:
    library = {"GLIBC": "libc.so.6", "GLIBCXX": "libstdc++.so.6", "GCC": "libgcc_s.so.1"}[version.partition("_")[0]]

    with pytest.raises(ResolutionError, match=rf"needs {version} of .*: pin example<1\.0 \(prune\.drop"):
        check({"example/_x.abi3.so": needing(version, library)})


@pytest.mark.parametrize("version", ["GLIBC_2.26", "GLIBC_PRIVATE", "CXXABI_FLOAT128", "OPENSSL_3.0.0"])
def test_what_the_runtime_has_and_what_nobody_counts_is_fine(version: str, check: Check) -> None:
    check({"example/_x.abi3.so": needing(version)}, OLDER)


def test_a_library_that_the_wheel_brings_itself_is_as_new_as_it_needs(check: Check) -> None:
    files = {"example/_x.abi3.so": needing("GLIBCXX_3.4.33", "libstdc++.so.6")}

    check({**files, "example.libs/libstdc++.so.6": make_elf(soname="libstdc++.so.6")})


@pytest.mark.parametrize("library", ["libgomp.so.1", "libGL.so.1", "libX11.so.6", "libc.musl-x86_64.so.1"])
def test_a_library_that_nobody_brings_is_refused(library: str, check: Check) -> None:
    """manylinux lets wheels leave libGL and its like to the system; Lambda's has none of them."""
    files = {"example/_x.abi3.so": make_elf(needed=["libc.so.6", library])}

    with pytest.raises(ResolutionError) as e:
        check(files)
    assert (
        f"example 1.0: example/_x.abi3.so needs {library}, which is neither in the archive nor in python3.13: name it "
        "in provided_libraries if another layer has it in lib/"
    ) in str(e.value)
    check(files, replace(SPEC, provided_libraries=(library,)))
    check(files, replace(SPEC, check_elf=False))
    check(files, replace(SPEC, prune=Prune(drop=("_x.abi3.so",))))


def test_a_library_is_found_in_any_wheel_by_its_name_or_soname(tmp_path: Path, cache: WheelCache) -> None:
    """NVIDIA's wheels and Arrow's are loaded by others'; preloading makes a path to them needless."""
    one = make_wheel(tmp_path, "one", files={"one/_x.abi3.so": make_elf(needed=["libtwo.so.2", "libtwo-core.so"])})
    two = make_wheel(
        tmp_path, "two", files={"two/libtwo.so": make_elf(soname="libtwo.so.2"), "two/libtwo-core.so": make_elf()}
    )

    check_elf(tree_of([one, two], cache, SPEC), SPEC)
    with pytest.raises(ResolutionError, match=r"libtwo\.so\.2"):
        check_elf(tree_of([one], cache, SPEC), SPEC)
    other = OtherLayer(where="x.json", versions={}, libraries=frozenset({"libtwo.so.2", "libtwo-core.so"}))
    check_elf(tree_of([one], cache, SPEC), SPEC, layers=[other])


def test_libcrypt_went_with_the_older_image(check: Check) -> None:
    files = {"example/_x.abi3.so": make_elf(needed=["libcrypt.so.1"])}

    check(files, OLDER)
    with pytest.raises(ResolutionError, match=r"needs libcrypt\.so\.1"):
        check(files)


@pytest.mark.parametrize("machine", ["aarch64", "arm"])
def test_files_for_another_machine_are_refused(machine: str, check: Check) -> None:
    files = {"example/_x.so": make_elf(machine), "example/_y.so": make_elf(machine)}

    with pytest.raises(ResolutionError) as e:
        check(files)
    known = "32-bit" if machine == "arm" else machine
    assert f"example 1.0: example/_x.so and 1 more is for {known} machines, not x86_64: pin another" in str(e.value)


def test_programs_for_several_machines_are_fine_and_modules_are_not(check: Check) -> None:
    """selenium starts the one of its programs that runs; Python imports the one module that there is."""
    programs = {"example/linux-x86_64/run": make_elf(), "example/linux-aarch64/run": make_elf("aarch64")}

    check(programs)
    check(programs, replace(SPEC, architecture="arm64"))
    check({**programs, "example/_x.cpython-313-aarch64-linux-gnu.so": make_elf("aarch64")})
    with pytest.raises(ResolutionError, match=r"_x\.abi3\.so is for aarch64 machines, not x86_64"):
        check({**programs, "example/_x.abi3.so": make_elf("aarch64")})


def test_files_for_another_machine_are_held_to_nothing_more(check: Check) -> None:
    foreign = make_elf("aarch64", needed=["libnone.so"], versions={"libc.so.6": ["GLIBC_2.99"]})

    check({"example/run": make_elf(), "example/run-arm": foreign})


@pytest.mark.parametrize(("name", "libraries"), OPTIONAL_LIBRARIES.items())
def test_what_known_distributions_load_only_if_it_is_there_is_no_need(
    name: str, libraries: list[str], check: Check
) -> None:
    files = {"example/plugin.so": make_elf(needed=[f"{library}.1" for library in libraries])}

    check(files, name=name)
    with pytest.raises(ResolutionError):
        check(files)


def test_all_problems_of_all_distributions_and_targets_come_together(tmp_path: Path, cache: WheelCache) -> None:
    one = make_wheel(tmp_path, "one", files={"one/_x.abi3.so": needing("GLIBC_2.28")})
    two = make_wheel(
        tmp_path,
        "two",
        files={"two/_x.abi3.so": make_elf(needed=["libGL.so.1"]), "two/_y.abi3.so": make_elf("aarch64")},
    )
    spec = replace(SPEC, name="orders", compatible_runtimes=("python3.11",))

    with pytest.raises(ResolutionError) as e:
        check_elf(tree_of([two, one], cache, spec), spec)
    message = str(e.value)
    assert message.startswith("layer orders: one 1.0: one/_x.abi3.so needs GLIBC_2.28 of libc.so.6, python3.11 has")
    assert "two 1.0: two/_x.abi3.so needs libGL.so.1" in message
    assert message.count("two/_y.abi3.so is for aarch64 machines") == 1
    assert message.isprintable()


def test_own_compiled_files_are_held_to_the_same(tmp_path: Path, cache: WheelCache) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "tool").write_bytes(needing("GLIBC_2.38"))
    spec = LayerSpec(runtime="python3.13", kind="function", sources=(Source(path=str(tmp_path / "own")),))

    with pytest.raises(ResolutionError, match=r"function: own sources: tool needs GLIBC_2\.38 .*: build it on"):
        check_elf(tree_of([], cache, spec), spec)


def test_nothing_is_written_of_a_layer_that_cannot_load(tmp_path: Path, cache: WheelCache) -> None:
    wheel = make_wheel(tmp_path, "one", files={"one/_x.abi3.so": needing("GLIBC_2.38")})
    lock = write_pylock(tmp_path, [wheel])
    spec = LayerSpec(runtime="python3.13", dependencies=Dependencies(lock_file=str(lock)))

    with pytest.raises(ResolutionError) as e:
        make_archive(plan(spec), cache, tmp_path / "layer.zip")
    assert e.value.exit_code == 4
    assert not (tmp_path / "layer.zip").exists()


def test_the_manifest_tells_the_needs_of_compiled_files_and_of_no_others(tmp_path: Path, cache: WheelCache) -> None:
    """Checks across layers read manifests: which libraries another layer brings, and which it wants."""
    wheel = make_wheel(tmp_path, "one", files={"one/__init__.py": "", "one/libone.so": needing("GLIBC_2.17")})
    lock = write_pylock(tmp_path, [wheel])
    spec = LayerSpec(runtime="python3.13", dependencies=Dependencies(lock_file=str(lock)))
    _, manifest = make_archive(plan(spec), cache, tmp_path / "layer.zip")

    rendered = msgspec.json.encode(manifest)
    assert [file.path for file in manifest.files if file.elf] == ["python/one/libone.so"]
    assert b'"elf":{"machine":"x86_64","needed":["libc.so.6"],"versions":[["libc.so.6","GLIBC_2.17"]]}' in rendered
    assert b'"elf":null' not in rendered
