"""The S3 store when things go wrong in the ways that S3 and networks do and emulators do not."""

from __future__ import annotations

import contextlib
import itertools
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from layerwright.errors import StoreError
from layerwright.spec import Store as StoreSpec
from layerwright.store import s3 as s3_module
from layerwright.store.s3 import S3Store
from layerwright.store.s3_client import ATTEMPTS
from support.aws import Aws, start_ministack
from support.faults import ALWAYS, AlterAnswer, Answer, CutAnswer, Faults, Hang, LoseAnswer, start_faults
from support.stores import Built, make_built

RESOLUTION = "resolution-0123456789abcdef.toml"
CONFLICT = Answer(status=409, code="ConditionalRequestConflict")

_numbers = itertools.count()


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    with start_ministack() as server:
        yield server


@pytest.fixture(autouse=True)
def environment(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in aws.environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def bucket(aws: Aws) -> str:
    return aws.make_bucket(f"artifacts-{next(_numbers)}", versioned=True)


@pytest.fixture
def faults(aws: Aws) -> Iterator[Faults]:
    with start_faults(aws.endpoint_url) as server:
        yield server


@pytest.fixture
def store(bucket: str, faults: Faults) -> S3Store:
    return S3Store(StoreSpec(bucket=bucket, endpoint_url=faults.endpoint_url), read_timeout=5.0)


@pytest.fixture
def built(tmp_path: Path) -> Built:
    return make_built(tmp_path)


def put(store: S3Store, built: Built) -> bool:
    stored = store.put_if_absent(built.digest, built.archive, built.manifest)
    assert (stored.sha256, stored.zip_size) == (built.archive.sha256, built.archive.size)
    return stored.built


def versions(aws: Aws, bucket: str) -> list[str]:
    """The key of every version of every object."""
    with contextlib.closing(aws.client("s3")) as client:
        answer: dict[str, Any] = client.list_object_versions(Bucket=bucket)
    return sorted(version["Key"] for version in answer.get("Versions", []))


def test_finding_is_one_head_request(store: S3Store, faults: Faults, bucket: str, built: Built) -> None:
    """It is all that most plans do, and a role for plans needs no more than it."""
    assert store.find(built.digest) is None
    put(store, built)
    faults.seen.clear()
    assert store.find(built.digest)
    assert faults.seen == [f"HEAD /{bucket}/{built.digest.archive_name}"]


def test_storing_is_two_put_requests_manifest_first(store: S3Store, faults: Faults, bucket: str, built: Built) -> None:
    """An archive that is there has its manifest, whenever its run was killed."""
    assert put(store, built)
    assert [line.partition("?")[0] for line in faults.seen] == [
        f"PUT /{bucket}/{built.digest.manifest_name}",
        f"PUT /{bucket}/{built.digest.archive_name}",
    ]


def test_a_lost_acknowledgement_is_a_success(
    aws: Aws, store: S3Store, faults: Faults, bucket: str, built: Built
) -> None:
    """botocore sends the request again, and S3 says 412 to an object that is our own."""
    faults.next(LoseAnswer(), method="PUT", path=".zip")
    faults.next(LoseAnswer(), method="PUT", path=".json")
    put(store, built)
    assert faults.count("PUT", ".zip") == 2
    assert versions(aws, bucket) == [built.digest.manifest_name, built.digest.archive_name]


def test_a_conflict_is_tried_again(
    store: S3Store, faults: Faults, built: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S3 says 409 where two runs write at the same moment; botocore gives up at once."""
    monkeypatch.setattr(s3_module, "CONFLICT_DELAYS", (0.01, 0.01, 0.01))
    faults.next(CONFLICT, method="PUT", path=".json")
    faults.next(CONFLICT, method="PUT", path=".zip", times=2)
    assert put(store, built)
    assert (faults.count("PUT", ".json"), faults.count("PUT", ".zip")) == (2, 3)


def test_a_conflict_without_end_is_said(
    store: S3Store, faults: Faults, built: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bounded: a plan that never ends is worse than one that fails."""
    monkeypatch.setattr(s3_module, "CONFLICT_DELAYS", (0.01, 0.01))
    faults.next(CONFLICT, method="PUT", path=".zip", times=ALWAYS)
    with pytest.raises(StoreError, match=r"\.zip: other runs kept writing it \(409\): run it again"):
        put(store, built)
    assert faults.count("PUT", ".zip") == 3


@pytest.mark.parametrize(
    "fault",
    [
        Answer(status=503, code="SlowDown"),
        Answer(status=500, code="InternalError"),
        Answer(status=400, code="RequestTimeout"),
        LoseAnswer(),
    ],
    ids=str,
)
def test_a_passing_failure_is_not_noticed(store: S3Store, faults: Faults, built: Built, fault: Any) -> None:
    """S3 throttles and fails now and then, more so while a whole company deploys."""
    faults.next(fault, method="HEAD")
    faults.next(fault, method="PUT", path=".zip")
    faults.next(fault, method="GET")
    assert store.find(built.digest) is None
    put(store, built)
    assert store.find(built.digest)
    store.put_resolution(RESOLUTION, b"first")
    assert store.find_resolution(RESOLUTION) == b"first"


def test_a_lasting_failure_is_said(store: S3Store, faults: Faults, built: Built) -> None:
    """After a bounded number of tries, with what to do."""
    faults.next(Answer(status=503, code="SlowDown"), method="HEAD", times=ALWAYS)
    with pytest.raises(StoreError, match="S3 failed 3 times in a row: wait a minute and run it again"):
        store.find(built.digest)
    assert faults.seen[1:] == faults.seen[:1] * (ATTEMPTS - 1)


def test_a_server_that_never_answers_is_said(faults: Faults, bucket: str, built: Built) -> None:
    """A firewall that drops packets must not hang the plan."""
    faults.next(Hang(), method="HEAD", times=ALWAYS)
    store = S3Store(StoreSpec(bucket=bucket, endpoint_url=faults.endpoint_url), read_timeout=0.2)
    started = time.monotonic()
    with pytest.raises(StoreError, match=r"127\.0\.0\.1:[0-9]+ does not answer \(Read timeout.*check the network"):
        store.find(built.digest)
    assert time.monotonic() - started < 20
    assert faults.count("HEAD") == ATTEMPTS


def test_a_403_without_a_body_is_explained(store: S3Store, faults: Faults, built: Built) -> None:
    """S3 says 403 for an absent object to who may not list, and a HEAD has no body that could tell."""
    denied = Answer(status=403, code="AccessDenied", message="User: me is not authorized to perform: s3:ListBucket")
    faults.next(denied, method="HEAD")
    faults.next(denied, method="GET")
    with pytest.raises(StoreError, match=r"access denied \(User: me .* s3:ListBucket\): allow .* merely not there"):
        store.find(built.digest)


def test_expired_credentials_are_said(store: S3Store, faults: Faults, built: Built) -> None:
    """The commonest failure at 9 a.m.; a HEAD says "400 Bad Request" for it."""
    expired = Answer(status=400, code="ExpiredToken", message="The provided token has expired.")
    for method in ("HEAD", "GET", "PUT"):
        faults.next(expired, method=method, times=ALWAYS)
    for act in (lambda: store.find(built.digest), lambda: put(store, built), lambda: store.find_resolution("r.toml")):
        with pytest.raises(StoreError, match=r"the AWS credentials have expired: sign in again \(ExpiredToken\)"):
            act()


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Answer(status=403, code="RequestTimeTooSkewed"), "the clock of this machine is off"),
        (Answer(status=403, code="SignatureDoesNotMatch"), "AWS does not know the credentials"),
        (Answer(status=400, code="KMS.DisabledException"), r"check store\.kms_key_id and the key's policy"),
        (Answer(status=501, code="NotImplemented"), "does not know conditional writes"),
        (Answer(status=400, code="EntityTooLarge"), r"S3 refused: made up by the test \(EntityTooLarge\)"),
        (Answer(status=301, code="PermanentRedirect"), r"the bucket is in another region .*set store\.region$"),
        (
            Answer(status=301, code="PermanentRedirect", headers=(("x-amz-bucket-region", "eu-north-1"),)),
            r"set store\.region to eu-north-1",
        ),
    ],
    ids=lambda value: value.code if isinstance(value, Answer) else "",
)
def test_a_refusal_says_what_to_do(store: S3Store, faults: Faults, built: Built, answer: Answer, message: str) -> None:
    """One line, for a tired engineer."""
    faults.next(answer, method="PUT", times=ALWAYS)
    faults.next(Answer(status=403), method="HEAD", times=ALWAYS)
    with pytest.raises(StoreError, match=rf"s3://artifacts-[0-9]+/layer-.*{message}"):
        put(store, built)


def test_a_bucket_that_stays_elsewhere_is_said(store: S3Store, faults: Faults, built: Built) -> None:
    """A redirect is followed once; an endpoint of one region alone redirects for ever."""
    moved = Answer(status=301, headers=(("x-amz-bucket-region", "eu-north-1"),))
    faults.next(moved, method="HEAD", times=ALWAYS)
    with pytest.raises(StoreError, match=r"another region than was asked for: set store\.region to eu-north-1"):
        store.find(built.digest)
    assert faults.count("HEAD") == 2


@pytest.mark.parametrize("fault", [CutAnswer(after=3), AlterAnswer()], ids=str)
def test_a_resolution_that_arrives_damaged_is_refused(store: S3Store, faults: Faults, fault: Any) -> None:
    """Without a checksum in the answer boto3 returns what it got, however short or wrong."""
    store.put_resolution(RESOLUTION, b"the resolution")
    faults.next(fault, method="GET")
    with pytest.raises(StoreError, match="arrived cut off or damaged|holds something other"):
        store.find_resolution(RESOLUTION)
    assert store.find_resolution(RESOLUTION) == b"the resolution"


def test_an_object_that_vanishes_is_said(aws: Aws, store: S3Store, faults: Faults, bucket: str, built: Built) -> None:
    """A lifecycle rule or a clean-up job that deletes behind our back breaks saved plans: say so."""
    faults.next(Answer(status=412, code="PreconditionFailed"), method="PUT", path=".zip")
    with pytest.raises(StoreError, match=r"\.zip: was removed while it was being stored: who deletes there\?"):
        put(store, built)
    assert versions(aws, bucket) == [built.digest.manifest_name]


KILLED_WHILE_STORING = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[1:3]
from layerwright.spec import Store
from layerwright.store import open_store
from support.stores import make_built

built = make_built(Path(sys.argv[4]))
store = open_store(Store(bucket=sys.argv[3], endpoint_url=sys.argv[5]))
store.put_if_absent(built.digest, built.archive, built.manifest)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("moment", [".json", ".zip"])
def test_a_killed_run_leaves_nothing_that_a_later_one_trusts(
    aws: Aws, store: S3Store, faults: Faults, bucket: str, tmp_path: Path, built: Built, moment: str
) -> None:
    """An interrupted Terraform kills the program at once, with its requests under way."""
    tests = Path(__file__).parents[1]
    faults.next(Hang(), method="PUT", path=moment)
    process = subprocess.Popen(
        [
            *(sys.executable, "-c", KILLED_WHILE_STORING, str(tests.parent / "python"), str(tests)),
            *(bucket, str(tmp_path), faults.endpoint_url),
        ],
        stdin=subprocess.DEVNULL,
        env=aws.process_environment(),
    )
    deadline = time.monotonic() + 30
    while not faults.count("PUT", moment) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.kill()
    assert process.wait() == -signal.SIGKILL

    assert store.find(built.digest) is None
    assert put(store, built)
    assert versions(aws, bucket) == [built.digest.manifest_name, built.digest.archive_name]
