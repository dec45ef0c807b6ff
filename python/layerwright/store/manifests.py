"""Fetch the manifest of another layer, from S3 or from a file."""

from __future__ import annotations

import contextlib
from pathlib import Path

from layerwright.errors import StoreError
from layerwright.spec import Store as StoreSpec

MANIFEST_LIMIT = 64 * 1024 * 1024
"""Bytes of a manifest; that of a layer of 65,535 files has about 16 MiB."""

_ABSENT = "build the layer that it describes first (its plan does, unless upload_at says otherwise)"


def read_manifest(where: str, store: StoreSpec | None) -> bytes:
    """The manifest at *where*, a path or `s3://bucket/key`, with the credentials, region and endpoint of *store*.

    Raises `StoreError` if it is not there or cannot be read.
    """
    contents = _read_object(where, store or StoreSpec()) if where.startswith("s3://") else _read_file(where)
    if len(contents) > MANIFEST_LIMIT:
        raise StoreError(f"{where}: has more than {MANIFEST_LIMIT} bytes, which is no manifest")
    return contents


def _read_file(where: str) -> bytes:
    try:
        with Path(where).open("rb") as file:
            return file.read(MANIFEST_LIMIT + 1)
    except FileNotFoundError as e:
        raise StoreError(f"{where}: is not there: {_ABSENT}") from e
    except OSError as e:
        raise StoreError(f"{where}: cannot be read: {e.strerror or e}") from e


def _read_object(where: str, store: StoreSpec) -> bytes:
    from botocore.exceptions import ClientError

    from layerwright.store.s3_client import CONNECT_TIMEOUT, READ_TIMEOUT, make_client
    from layerwright.store.s3_errors import CAUGHT, explain

    bucket, _, key = where.removeprefix("s3://").partition("/")
    try:
        client = make_client(store, connect_timeout=CONNECT_TIMEOUT, read_timeout=READ_TIMEOUT)
        with contextlib.closing(client.get_object(Bucket=bucket, Key=key)["Body"]) as body:
            return body.read(MANIFEST_LIMIT + 1)
    except CAUGHT as e:
        if isinstance(e, ClientError) and e.response["Error"]["Code"] == "NoSuchKey":
            raise StoreError(f"{where}: is not there: {_ABSENT}") from e
        raise explain(e, uri=where, permissions="allow s3:GetObject and s3:ListBucket") from e
