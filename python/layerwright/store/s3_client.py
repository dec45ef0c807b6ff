"""Make an S3 client quickly: every `terraform plan` waits for one, and up to ten plans' programs do so at once."""

from __future__ import annotations

import contextlib
import gc
import gzip
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

from botocore.config import Config
from botocore.loaders import JSONFileLoader, Loader
from botocore.session import Session
from msgspec.json import decode

from layerwright import __version__
from layerwright.spec import Store as StoreSpec

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sts import STSClient
    from mypy_boto3_sts.type_defs import CredentialsTypeDef

ATTEMPTS = 3
"""How often a request is sent in all where S3 throttles, fails or does not answer; botocore waits 0 to 4 s between."""

CONNECT_TIMEOUT = 5.0
"""Seconds to connect to one address; an endpoint may have several."""

READ_TIMEOUT = 60.0
"""Seconds of silence before a request counts as lost."""


def make_client(where: StoreSpec, *, connect_timeout: float, read_timeout: float) -> S3Client:
    """Return a client with the credentials, region and endpoint that *where* names, or else the ambient ones.

    With `role_arn` the role is assumed now. The errors are botocore's: see `s3_errors.explain`.
    """
    with _no_garbage_collected():
        return _make_client(where, connect_timeout, read_timeout)


def _make_client(where: StoreSpec, connect_timeout: float, read_timeout: float) -> S3Client:
    session = Session(profile=where.profile)
    session.register_component("data_loader", _QuickLoader())
    config = Config(
        connect_timeout=connect_timeout,
        read_timeout=read_timeout,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        user_agent_extra=f"layerwright/{__version__}",
        parameter_validation=False,  # of our own calls, which types check already
    )
    # botocore itself reads AWS_DEFAULT_REGION only; Terraform's provider and the other SDKs read AWS_REGION first.
    region = where.region or os.environ.get("AWS_REGION") or None
    assumed = _assume(session, where.role_arn, region, config) if where.role_arn else None
    client = session.create_client(
        "s3",
        region_name=region,
        endpoint_url=where.endpoint_url,
        config=config,
        aws_access_key_id=assumed and assumed["AccessKeyId"],
        aws_secret_access_key=assumed and assumed["SecretAccessKey"],
        aws_session_token=assumed and assumed["SessionToken"],
    )
    return cast("S3Client", client)


def _assume(session: Session, role_arn: str, region: str | None, config: Config) -> CredentialsTypeDef:
    """Temporary credentials of the role, good for an hour."""
    sts = cast("STSClient", session.create_client("sts", region_name=region, config=config))
    try:
        return sts.assume_role(RoleArn=role_arn, RoleSessionName="layerwright")["Credentials"]
    finally:
        sts.close()


@contextlib.contextmanager
def _no_garbage_collected() -> Iterator[None]:
    """Pause the collector, which otherwise looks through botocore's models again and again while they are read.

    They live as long as the program, so it need not look at them afterwards either.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()


class _QuickFileLoader(JSONFileLoader):
    """Reads botocore's models with a faster parser: they are 3.5 MB for S3."""

    def load_file(self, file_path: str) -> object:
        for suffix, open_file in ((".json", open), (".json.gz", gzip.open)):
            try:
                with open_file(file_path + suffix, "rb") as file:
                    return decode(file.read())
            except FileNotFoundError:
                continue
        return None


class _QuickLoader(Loader):
    """Finds a model without first looking through the folders of all 400 services."""

    FILE_LOADER_CLASS = _QuickFileLoader

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002
        folders = [Path(path) for path in self.search_paths]
        return sorted({service.name for folder in folders if folder.is_dir() for service in folder.iterdir()})
