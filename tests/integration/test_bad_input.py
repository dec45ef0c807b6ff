"""Bad input, through the door that Terraform uses: one line that helps, nothing stored, nothing left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from layerwright.errors import StoreError
from support.aws import Aws, start_ministack
from support.faults import Answer, start_faults
from support.index import LocalIndex
from support.project import write_pylock
from support.wheels import RawEntry, change_entry, make_wheel, pack_wheel, wheel_entries

BUCKET = "acme-artifacts"
PYTHON = Path(__file__).parents[2] / "python"
ENTRY = f"import sys; sys.path.insert(0, {str(PYTHON)!r}); import layerwright.terraform as t; sys.exit(t.main())"
WHEEL = "example-1.0-py3-none-any.whl"


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    with start_ministack() as server:
        server.make_bucket(BUCKET)
        yield server


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A project that is right but for one mistake, and what is said about it."""

    spoil: Callable[[Path, dict[str, Any]], None]
    """Gets the project's folder and the spec, and makes the mistake in one of them."""
    status: int
    says: tuple[str, ...]


def spoil_lock(text: str | bytes) -> Callable[[Path, dict[str, Any]], None]:
    """Replace the lock file's text."""

    def spoil(project: Path, _: dict[str, Any]) -> None:
        (project / "pylock.toml").write_bytes(text if isinstance(text, bytes) else text.encode())

    return spoil


def spoil_wheel(*entries: RawEntry) -> Callable[[Path, dict[str, Any]], None]:
    """Replace the wheel by one with further *entries*, and lock that."""

    def spoil(project: Path, _: dict[str, Any]) -> None:
        pack_wheel(project / WHEEL, [*wheel_entries(), *entries])
        write_pylock(project, [project / WHEEL])

    return spoil


def corrupt_wheel(project: Path, _: dict[str, Any]) -> None:
    entries = change_entry(wheel_entries(), "example/__init__.py", local={"crc": 7}, central={"crc": 7})
    write_pylock(project, [pack_wheel(project / WHEEL, entries)])


def lock_for_windows(project: Path, _: dict[str, Any]) -> None:
    write_pylock(project, [make_wheel(project, tag="cp313-cp313-win_amd64")])


def lie_about_the_hash(project: Path, _: dict[str, Any]) -> None:
    write_pylock(project, [project / WHEEL], hashes={WHEEL: "0" * 64})


def set_field(**fields: Any) -> Callable[[Path, dict[str, Any]], None]:
    """Change the spec."""
    return lambda _, spec: spec.update(fields)


def ask_port(port: int) -> Callable[[Path, dict[str, Any]], None]:
    """Lock the wheel to an address where nothing answers."""

    def spoil(project: Path, _: dict[str, Any]) -> None:
        write_pylock(project, [project / WHEEL], url=lambda name: f"http://127.0.0.1:{port}/{name}")

    return spoil


CASES: Mapping[str, Case] = {
    "no lock file": Case(
        spoil=lambda project, _: (project / "pylock.toml").unlink(),
        status=3,
        says=("pylock.toml: there is no such file in", "lock first, or correct the path"),
    ),
    "a folder for a lock file": Case(
        spoil=lambda project, spec: spec.update(dependencies={"lock_file": str(project), "format": "pylock"}),
        status=3,
        says=("is a folder, not a lock file", "name the file in it"),
    ),
    "an empty lock file": Case(spoil=spoil_lock(""), status=3, says=("pylock.toml: is empty", "lock again")),
    "half a lock file": Case(
        spoil=spoil_lock('lock-version = "1.0"\n[[packag'), status=3, says=("pylock.toml: is not TOML", "lock again")
    ),
    "a lock file of tomorrow": Case(
        spoil=spoil_lock('lock-version = "2.0"\ncreated-by = "x"\npackages = []\n'),
        status=3,
        says=("pylock.toml: pylock version 2.0 is not supported", "lock again"),
    ),
    "a lock file that is none": Case(
        spoil=spoil_lock('lock-version = "1.0"\ncreated-by = "x"\n'),
        status=3,
        says=("pylock.toml: is not a pylock.toml",),
    ),
    "a format that is not read": Case(
        spoil=lambda project, spec: spec.update(dependencies={"lock_file": str(project / "conda-lock.yml")}),
        status=3,
        says=("conda-lock.yml: is not a lock file that is read here", "pylock.toml"),
    ),
    "an unknown field": Case(
        spoil=set_field(runtimes=["python3.13"]), status=2, says=("has no field 'runtimes'", "did you mean runtime?")
    ),
    "a runtime that does not exist": Case(
        spoil=set_field(runtime="python3.99"), status=2, says=("runtime 'python3.99' does not exist", "python3.13")
    ),
    "an architecture that does not exist": Case(
        spoil=set_field(architecture="aarch64"), status=2, says=("'aarch64' does not exist", "x86_64 or arm64")
    ),
    "a wheel with another hash": Case(
        spoil=lie_about_the_hash, status=5, says=(WHEEL, "has SHA-256", "the lock file says 0000", "lock again")
    ),
    "an index that does not answer": Case(
        spoil=ask_port(9), status=5, says=(WHEEL, "127.0.0.1 did not send it", "check the network, proxy and index")
    ),
    "a bucket that is missing": Case(
        spoil=set_field(store={"bucket": "no-such-bucket"}), status=7, says=("no-such-bucket", "does not exist")
    ),
    "a wheel that leads out": Case(
        spoil=spoil_wheel(RawEntry(name="../escape.py")),
        status=5,
        says=(WHEEL, "../escape.py", "leads out of its folder"),
    ),
    "a wheel with an absolute path": Case(
        spoil=spoil_wheel(RawEntry(name="/etc/cron.d/x")),
        status=5,
        says=(WHEEL, "/etc/cron.d/x", "is an absolute path"),
    ),
    "a wheel with an entry twice": Case(
        spoil=spoil_wheel(RawEntry(name="example/__init__.py", contents=b"other")),
        status=5,
        says=(WHEEL, "example/__init__.py is there twice", "pin another version"),
    ),
    "a wheel with a wrong CRC": Case(spoil=corrupt_wheel, status=5, says=(WHEEL, "example/__init__.py has CRC-32")),
    "a wheel for another machine": Case(
        spoil=lock_for_windows,
        status=4,
        says=("pylock.toml: example 1.0 has no wheel for python3.13 on x86_64", "is for win_amd64"),
    ),
}


def run(spec: Mapping[str, Any], aws: Aws, cache: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", "-c", ENTRY],
        input=json.dumps({"spec": json.dumps(spec)}),
        env=aws.process_environment(os.environ) | {"LAYERWRIGHT_CACHE_DIR": str(cache)},
        capture_output=True,
        text=True,
        check=False,
    )


def check_refused(
    ran: subprocess.CompletedProcess[str], status: int, says: tuple[str, ...], aws: Aws, cache: Path
) -> None:
    assert ran.returncode == status, ran.stderr
    assert ran.stdout == ""
    assert ran.stderr.count("\n") == 1, ran.stderr
    for part in says:
        assert part in ran.stderr
    assert "Contents" not in aws.client("s3").list_objects_v2(Bucket=BUCKET)
    kept = {path.name for path in cache.rglob("*") if path.is_file() and path.parent.name != "locks"}
    assert not any(name.startswith("part-") for name in kept)
    assert not kept or status == StoreError.exit_code, "only a sound wheel may stay in the cache"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project that builds: a wheel and its lock file."""
    folder = tmp_path / "project"
    folder.mkdir()
    write_pylock(folder, [make_wheel(folder)])
    return folder


@pytest.fixture
def spec(project: Path) -> dict[str, Any]:
    return {
        "runtime": "python3.13",
        "dependencies": {"lock_file": str(project / "pylock.toml")},
        "store": {"bucket": BUCKET},
    }


@pytest.mark.parametrize("name", CASES)
def test_bad_input_ends_in_one_line(name: str, project: Path, spec: dict[str, Any], aws: Aws, tmp_path: Path) -> None:
    """Somebody reads this at night, in the output of a pipeline: what, where, and what to do must be in it."""
    case = CASES[name]
    case.spoil(project, spec)

    check_refused(run(spec, aws, tmp_path / "cache"), case.status, case.says, aws, tmp_path / "cache")


def test_an_index_without_the_file_ends_in_one_line(
    project: Path, spec: dict[str, Any], aws: Aws, tmp_path: Path
) -> None:
    with LocalIndex(project) as index:
        write_pylock(project, [project / WHEEL], url=index.file_url)
        index.faults[WHEEL] = "404"
        ran = run(spec, aws, tmp_path / "cache")

    check_refused(ran, 5, (WHEEL, "127.0.0.1 answered 404", "lock again"), aws, tmp_path / "cache")


def test_a_bucket_that_refuses_ends_in_one_line(spec: dict[str, Any], aws: Aws, tmp_path: Path) -> None:
    with start_faults(aws.endpoint_url) as faults:
        for method in ("HEAD", "GET"):
            faults.next(Answer(status=403, code="AccessDenied"), method=method, path=BUCKET, times=9)
        spec["store"]["endpoint_url"] = faults.endpoint_url
        ran = run(spec, aws, tmp_path / "cache")

    check_refused(ran, 7, (f"s3://{BUCKET}/layer-", "s3:ListBucket"), aws, tmp_path / "cache")


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root and Windows read every file")
def test_an_unreadable_lock_file_ends_in_one_line(
    project: Path, spec: dict[str, Any], aws: Aws, tmp_path: Path
) -> None:
    (project / "pylock.toml").chmod(0)

    check_refused(run(spec, aws, tmp_path / "cache"), 3, ("pylock.toml: cannot be read",), aws, tmp_path / "cache")


def test_what_is_right_is_stored(spec: dict[str, Any], aws: Aws, tmp_path: Path) -> None:
    """Else all the refusals above would prove nothing."""
    ran = run(spec, aws, tmp_path / "cache")
    assert ran.returncode == 0, ran.stderr
    s3 = aws.client("s3")
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
    for key in keys:
        s3.delete_object(Bucket=BUCKET, Key=key)

    assert sorted(key.rpartition(".")[2] for key in keys) == ["json", "zip"]
