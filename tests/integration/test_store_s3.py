from __future__ import annotations

import base64
import contextlib
import hashlib
import itertools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from layerwright.errors import StoreError
from layerwright.spec import Store as StoreSpec
from layerwright.store.s3 import S3Store
from support.aws import REGION, Aws, start_ministack, start_moto
from support.stores import Built, make_built, same_key

RESOLUTION = "resolution-0123456789abcdef.toml"

_numbers = itertools.count()


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    with start_ministack() as server:
        yield server


@pytest.fixture(autouse=True)
def environment(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in aws.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)


@pytest.fixture
def s3(aws: Aws) -> Iterator[Any]:
    with contextlib.closing(aws.client("s3")) as client:
        yield client


@pytest.fixture
def bucket(aws: Aws) -> str:
    return aws.make_bucket(f"artifacts-{next(_numbers)}", versioned=True)


@pytest.fixture
def built(tmp_path: Path) -> Built:
    return make_built(tmp_path)


def put(store: S3Store, built: Built) -> None:
    store.put_if_absent(built.digest, built.archive, built.manifest)


def truth(built: Built) -> dict[str, str | None]:
    """The metadata that an archive's object must have."""
    return {
        "layerwright-digest": built.digest.hex,
        "layerwright-sha256": built.archive.sha256,
        "layerwright-zip-size": str(built.archive.size),
        "layerwright-unzipped-size": str(built.archive.unzipped_size),
    }


def test_what_was_put_is_found(bucket: str, built: Built, s3: Any) -> None:
    """All that Terraform needs to publish a layer comes from one look at the object."""
    store = S3Store(StoreSpec(bucket=bucket, prefix="layers/"))
    assert store.find(built.digest) is None

    stored = store.put_if_absent(built.digest, built.archive, built.manifest)

    assert stored.built
    assert (stored.bucket, stored.key) == (bucket, f"layers/{built.digest.archive_name}")
    assert stored.manifest_key == f"layers/{built.digest.manifest_name}"
    assert (stored.sha256, stored.zip_size) == (built.archive.sha256, built.archive.size)
    assert stored.unzipped_size == built.archive.unzipped_size
    assert stored.region == REGION
    with contextlib.closing(s3.get_object(Bucket=bucket, Key=stored.key)["Body"]) as body:
        assert body.read() == built.archive.path.read_bytes()
    with contextlib.closing(s3.get_object(Bucket=bucket, Key=stored.manifest_key)["Body"]) as body:
        assert body.read() == built.manifest

    found = S3Store(StoreSpec(bucket=bucket, prefix="layers/")).find(built.digest)
    assert found is not None
    assert not found.built
    assert found.object_version == stored.object_version != ""
    assert (found.key, found.sha256, found.region) == (stored.key, stored.sha256, REGION)
    assert (found.zip_size, found.unzipped_size) == (stored.zip_size, stored.unzipped_size)


def test_an_unversioned_object_has_no_version(aws: Aws, built: Built) -> None:
    """Terraform passes the version on to Lambda, which knows no version "null"."""
    store = S3Store(StoreSpec(bucket=aws.make_bucket(f"artifacts-{next(_numbers)}")))
    assert store.put_if_absent(built.digest, built.archive, built.manifest).object_version == ""
    found = store.find(built.digest)
    assert found is not None
    assert found.object_version == ""


def test_objects_say_what_they_are(bucket: str, built: Built, s3: Any) -> None:
    """A person or another tool can check them without this program."""
    put(S3Store(StoreSpec(bucket=bucket)), built)
    head = s3.head_object(Bucket=bucket, Key=built.digest.archive_name, ChecksumMode="ENABLED")
    assert head["ContentType"] == "application/zip"
    assert head["ChecksumSHA256"] == base64.b64encode(bytes.fromhex(built.archive.sha256)).decode()
    assert head["Metadata"] == truth(built)
    head = s3.head_object(Bucket=bucket, Key=built.digest.manifest_name)
    assert head["ContentType"] == "application/json"


def test_the_first_archive_stays(bucket: str, tmp_path: Path, built: Built, s3: Any) -> None:
    """A saved plan names the first one's hash and version."""
    store = S3Store(StoreSpec(bucket=bucket))
    first = store.put_if_absent(built.digest, built.archive, built.manifest)
    other = make_built(tmp_path, "answer = 43", digest=built.digest)

    second = store.put_if_absent(other.digest, other.archive, other.manifest)

    assert not second.built
    assert (second.sha256, second.object_version) == (first.sha256, first.object_version)
    assert len(s3.list_object_versions(Bucket=bucket)["Versions"]) == 2  # the archive and its manifest, once each


def test_another_digest_with_the_same_name_is_refused(bucket: str, tmp_path: Path, built: Built) -> None:
    """The name has 16 of the digest's 64 digits; the rest is compared, or one function would get another's code."""
    store = S3Store(StoreSpec(bucket=bucket))
    put(store, built)
    other = make_built(tmp_path, "answer = 43", digest=same_key(built.digest))
    message = (
        rf"s3://{bucket}/layer-[0-9a-f]{{16}}\.zip: holds something other than what its name promises "
        rf"\(input digest {built.digest.hex}, not {other.digest.hex}\): who can write to this bucket\?"
    )
    with pytest.raises(StoreError, match=message):
        store.find(other.digest)
    with pytest.raises(StoreError, match=message):
        put(store, other)


@pytest.mark.parametrize(
    "lie",
    [
        {"layerwright-digest": None},
        {"layerwright-zip-size": "1"},
        {"layerwright-zip-size": None},
        {"layerwright-sha256": hashlib.sha256(b"").hexdigest()},
        {"layerwright-sha256": "x" * 64},
        {"layerwright-sha256": None},
        {"layerwright-unzipped-size": "-1"},
        {"layerwright-unzipped-size": None},
    ],
    ids=str,
)
def test_an_object_that_contradicts_itself_is_refused(
    bucket: str, built: Built, s3: Any, lie: dict[str, str | None]
) -> None:
    """Whoever can write to the bucket must not get code into a function by a wrong name."""
    metadata = truth(built) | lie
    s3.put_object(
        Bucket=bucket,
        Key=built.digest.archive_name,
        Body=built.archive.path.read_bytes(),
        ChecksumAlgorithm="SHA256",
        Metadata={name: value for name, value in metadata.items() if value is not None},
    )
    with pytest.raises(StoreError, match="holds something other than what its name promises"):
        put(S3Store(StoreSpec(bucket=bucket)), built)


def test_other_contents_under_our_metadata_are_refused(bucket: str, built: Built, s3: Any) -> None:
    """Metadata can be copied; the checksum that S3 computed itself cannot."""
    s3.put_object(
        Bucket=bucket,
        Key=built.digest.archive_name,
        Body=bytes(byte ^ 1 for byte in built.archive.path.read_bytes()),
        ChecksumAlgorithm="SHA256",
        Metadata=truth(built),
    )
    with pytest.raises(StoreError, match="holds something other than what its name promises"):
        put(S3Store(StoreSpec(bucket=bucket)), built)


def test_an_archive_is_not_put_beside_the_manifest_of_another(bucket: str, tmp_path: Path, built: Built) -> None:
    """Checks across layers read manifests only: one that describes other files would let a wrong layer pass."""
    other = make_built(tmp_path, "answer = 43", digest=built.digest)
    missing = type(other.archive)(path=tmp_path / "gone", sha256=other.archive.sha256, size=1, unzipped_size=1)
    store = S3Store(StoreSpec(bucket=bucket))
    with pytest.raises(FileNotFoundError):
        store.put_if_absent(other.digest, missing, other.manifest)

    with pytest.raises(StoreError, match=r"\.json: holds something other .*the manifest of another archive"):
        put(store, built)
    put(store, other)


def test_an_archive_that_changed_since_it_was_written_is_refused(bucket: str, built: Built) -> None:
    """S3 compares what arrives with the hash that everybody after us compares with."""
    built.archive.path.write_bytes(b"x" * built.archive.size)
    store = S3Store(StoreSpec(bucket=bucket))
    with pytest.raises(StoreError, match=r"\.zip: arrived damaged: run it again"):
        put(store, built)
    assert store.find(built.digest) is None


def test_an_archive_encrypted_with_a_key_of_ones_own(aws: Aws, bucket: str, built: Built, s3: Any) -> None:
    """Some companies' buckets refuse anything else."""
    with contextlib.closing(aws.client("kms")) as kms:
        key = kms.create_key()["KeyMetadata"]["Arn"]
    store = S3Store(StoreSpec(bucket=bucket, kms_key_id=key))
    put(store, built)
    for name in (built.digest.archive_name, built.digest.manifest_name):
        head = s3.head_object(Bucket=bucket, Key=name)
        assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", key)
    assert store.find(built.digest)


def test_the_first_resolution_stays(bucket: str) -> None:
    """Everybody who plans against the same store gets the same versions."""
    store = S3Store(StoreSpec(bucket=bucket, prefix="layers/"))
    assert store.find_resolution(RESOLUTION) is None
    assert store.put_resolution(RESOLUTION, b"first") == b"first"
    assert store.put_resolution(RESOLUTION, b"second") == b"first"
    assert store.find_resolution(RESOLUTION) == b"first"


def test_a_resolution_that_somebody_else_wrote_is_refused(bucket: str, s3: Any) -> None:
    """It decides which versions everybody gets."""
    s3.put_object(Bucket=bucket, Key=RESOLUTION, Body=b"theirs")
    with pytest.raises(StoreError, match="holds something other than what its name promises"):
        S3Store(StoreSpec(bucket=bucket)).find_resolution(RESOLUTION)


def test_moto_agrees(built: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second opinion; moto, like an object written by an older tool, tells no SHA-256 of its own."""
    with start_moto() as moto:
        for name, value in moto.environment.items():
            monkeypatch.setenv(name, value)
        bucket = moto.make_bucket("artifacts", versioned=True)
        store = S3Store(StoreSpec(bucket=bucket))
        assert store.find(built.digest) is None
        stored = store.put_if_absent(built.digest, built.archive, built.manifest)
        again = store.put_if_absent(built.digest, built.archive, built.manifest)
        assert (stored.built, again.built) == (True, False)
        assert again.object_version == stored.object_version
        assert store.put_resolution(RESOLUTION, b"first") == store.put_resolution(RESOLUTION, b"second") == b"first"


PUT = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[1:3]
from layerwright.spec import Store
from layerwright.store import open_store
from support.stores import make_built

store, built = open_store(Store(bucket=sys.argv[3])), make_built(Path(sys.argv[4]))
print(store.find(built.digest), flush=True)
sys.stdin.read(1)
stored = store.put_if_absent(built.digest, built.archive, built.manifest)
print(stored.sha256, stored.zip_size, stored.object_version, stored.built)
"""


def start_put(bucket: str, scratch: Path, environment: dict[str, str]) -> subprocess.Popen[str]:
    """A process that looks for the archive of `make_built`, says so, and stores it as soon as it reads something."""
    scratch.mkdir()
    tests = Path(__file__).parents[1]
    return subprocess.Popen(
        [sys.executable, "-c", PUT, str(tests.parent / "python"), str(tests), bucket, str(scratch)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def test_processes_that_store_at_once_all_get_the_same(aws: Aws, bucket: str, tmp_path: Path, s3: Any) -> None:
    """Terraform runs ten programs at once, and CI many Terraforms: one object, one answer."""
    processes = [start_put(bucket, tmp_path / str(number), aws.process_environment()) for number in range(16)]
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "None\n"
    for process in processes:
        assert process.stdin
        process.stdin.write("x")
        process.stdin.flush()
    answers = [process.communicate(timeout=120) for process in processes]

    assert [error for _, error in answers if error] == []
    facts = [answer.split() for answer, _ in answers]
    assert len({tuple(fact[:3]) for fact in facts}) == 1
    assert sorted(fact[3] for fact in facts) == ["False"] * 15 + ["True"]
    assert len(s3.list_object_versions(Bucket=bucket)["Versions"]) == 2  # the archive and its manifest, once each
