from __future__ import annotations

import base64
import contextlib
import hashlib
import itertools
import json
import socket
import subprocess
import sys
import time
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


def test_a_bucket_in_another_region_is_found(aws: Aws, built: Built) -> None:
    """`store.region` may be left out or be that of the provider; where the bucket is, is told to who publishes."""
    bucket = aws.make_bucket(f"artifacts-{next(_numbers)}", region="eu-central-1")
    store = S3Store(StoreSpec(bucket=bucket, region="us-east-1"))
    assert store.put_if_absent(built.digest, built.archive, built.manifest).region == "eu-central-1"
    found = S3Store(StoreSpec(bucket=bucket, region="us-east-1")).find(built.digest)
    assert found is not None
    assert found.region == "eu-central-1"


def test_the_specs_endpoint_beats_the_environments(
    aws: Aws, bucket: str, built: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the module says is nearer than what the shell says."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", closed_endpoint())
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", closed_endpoint())
    put(S3Store(StoreSpec(bucket=bucket, endpoint_url=aws.endpoint_url)), built)


def test_a_role_is_assumed_with_the_ambient_credentials(aws: Aws, bucket: str, built: Built) -> None:
    """The provider's `assume_role` does not reach this program; a role that may only read is enough for most plans."""
    arn = make_role(aws, "reader", ["s3:GetObject", "s3:ListBucket"])
    store = S3Store(StoreSpec(bucket=bucket, role_arn=arn))
    assert store.find(built.digest) is None
    with pytest.raises(StoreError, match=r"access denied .*s3:PutObject.*: allow s3:PutObject"):
        put(store, built)

    put(S3Store(StoreSpec(bucket=bucket)), built)
    assert store.find(built.digest)


def test_a_role_that_may_not_read_is_told_what_it_lacks(aws: Aws, bucket: str, built: Built) -> None:
    """S3 answers 403 for an absent object to who may not list: the plainest of all S3 riddles."""
    arn = make_role(aws, "writer", ["s3:PutObject"])
    with pytest.raises(StoreError, match=r"access denied .*: allow s3:GetObject, and s3:ListBucket, without which"):
        S3Store(StoreSpec(bucket=bucket, role_arn=arn)).find(built.digest)


def make_role(aws: Aws, name: str, actions: list[str]) -> str:
    anyone = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    with contextlib.closing(aws.client("iam")) as iam:
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(anyone))["Role"]
        allowed = {"Effect": "Allow", "Action": actions, "Resource": "*"}
        iam.put_role_policy(RoleName=name, PolicyName="it", PolicyDocument=document(allowed))
    return str(role["Arn"])


def document(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_a_role_that_cannot_be_assumed_is_said(bucket: str, built: Built) -> None:
    """The message must not be about the bucket, which was never asked."""
    store = S3Store(StoreSpec(bucket=bucket, role_arn="arn:aws:iam::000000000000:role/no-such-role"))
    with pytest.raises(StoreError, match=r"store\.role_arn cannot be assumed: .*trust policy"):
        store.find(built.digest)


def test_a_missing_bucket_is_said(built: Built) -> None:
    """A HEAD is answered alike for a missing bucket and a missing object; the difference is a typing error."""
    store = S3Store(StoreSpec(bucket="no-such-bucket"))
    assert store.find(built.digest) is None
    assert store.explain_absence(built.digest) == "s3://no-such-bucket: the bucket does not exist"
    with pytest.raises(StoreError, match=r"s3://no-such-bucket/.*: the bucket does not exist: create it"):
        put(store, built)
    with pytest.raises(StoreError, match="the bucket does not exist"):
        store.find_resolution(RESOLUTION)


def test_a_missing_archive_is_said(bucket: str, built: Built) -> None:
    """With `upload_at = "never"` the way out is to build it."""
    store = S3Store(StoreSpec(bucket=bucket))
    assert store.explain_absence(built.digest) == f"s3://{bucket}/{built.digest.archive_name}: is not there"


def test_a_name_that_no_bucket_can_have_is_said(built: Built) -> None:
    """botocore's own message is three lines with a regular expression."""
    with pytest.raises(StoreError, match=r"is not the name of a bucket: correct store\.bucket"):
        S3Store(StoreSpec(bucket="no bucket!")).find(built.digest)


def test_missing_credentials_are_said(bucket: str, built: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commonest failure of all, and it must name every way out."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(StoreError, match=r"no AWS credentials: set AWS_PROFILE, .*store\.profile"):
        S3Store(StoreSpec(bucket=bucket)).find(built.digest)


def test_half_of_a_credential_is_said(bucket: str, built: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret that a CI job may not see is empty or missing there."""
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(StoreError, match="no AWS credentials"):
        S3Store(StoreSpec(bucket=bucket)).find(built.digest)


def test_unknown_credentials_are_said(bucket: str, built: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    """A HEAD is answered 403 without a reason; the reason is asked for."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    with pytest.raises(StoreError, match="AWS does not know the credentials"):
        S3Store(StoreSpec(bucket=bucket)).find(built.digest)


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"profile": "no-such-profile"}, r"there is no AWS profile 'no-such-profile': correct store\.profile"),
        ({"region": "not a region"}, r"correct store\.region"),
        ({"endpoint_url": "not a url"}, r"cannot be asked: .*not a url"),
    ],
)
def test_a_wrong_setting_is_named(bucket: str, built: Built, where: dict[str, str], message: str) -> None:
    """A typing error in `store` gives one line that names the field."""
    with pytest.raises(StoreError, match=message):
        S3Store(StoreSpec(bucket=bucket, **where)).find(built.digest)


def test_an_unreachable_endpoint_is_said_soon(bucket: str, built: Built) -> None:
    """A plan that hangs is worse than one that fails."""
    endpoint = closed_endpoint()
    started = time.monotonic()
    with pytest.raises(StoreError, match=rf"{endpoint.removeprefix('http://')} does not answer .*check the network"):
        S3Store(StoreSpec(bucket=bucket, endpoint_url=endpoint)).find(built.digest)
    assert time.monotonic() - started < 30


def closed_endpoint() -> str:
    """An address on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


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
