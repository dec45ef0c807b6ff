"""How the S3 store gets to its bucket: regions, endpoints, credentials, roles, and what it says when it does not."""

from __future__ import annotations

import contextlib
import itertools
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from layerwright.errors import StoreError
from layerwright.spec import Store as StoreSpec
from layerwright.store.s3 import S3Store
from support.aws import Aws, start_ministack
from support.stores import Built, make_built

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
def bucket(aws: Aws) -> str:
    return aws.make_bucket(f"artifacts-{next(_numbers)}", versioned=True)


@pytest.fixture
def built(tmp_path: Path) -> Built:
    return make_built(tmp_path)


def put(store: S3Store, built: Built) -> None:
    store.put_if_absent(built.digest, built.archive, built.manifest)


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
