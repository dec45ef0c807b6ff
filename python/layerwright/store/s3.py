"""Archives in an S3 bucket, where every machine that plans finds them.

Nothing is listed, overwritten or deleted. What a caller must be allowed: s3:GetObject and s3:PutObject on the prefix,
s3:ListBucket so that S3 tells an absent object from a forbidden one, and the use of the key where there is one.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import re
import time
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import IO, TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from layerwright.archive import Archive
from layerwright.digest import InputDigest
from layerwright.errors import StoreError
from layerwright.spec import Store as StoreSpec
from layerwright.store import StoredLayer
from layerwright.store.s3_client import CONNECT_TIMEOUT, READ_TIMEOUT, make_client
from layerwright.store.s3_errors import CAUGHT, explain, status

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import HeadObjectOutputTypeDef

RESOLUTION_LIMIT = 16 * 1024 * 1024
"""Bytes of a stored resolution; a larger one is not ours."""

CONFLICT_DELAYS = (0.2, 0.4, 0.8, 1.6, 3.2)
"""Seconds before each further try where S3 says 409 while another run writes the same object."""

_DIGEST = "layerwright-digest"
_SHA256 = "layerwright-sha256"
_ARCHIVE_SHA256 = "layerwright-archive-sha256"
_ZIP_SIZE = "layerwright-zip-size"
_UNZIPPED_SIZE = "layerwright-unzipped-size"
"""Keys of the objects' metadata (`x-amz-meta-…`)."""

_HEX256 = re.compile(r"[0-9a-f]{64}")
_DECIMAL = re.compile(r"[0-9]{1,15}")
_READ = "allow s3:GetObject, and s3:ListBucket, without which S3 answers so for an object that is merely not there"
_WRITE = "allow s3:PutObject, and kms:GenerateDataKey and kms:Decrypt on the key if the bucket has one"


class S3Store:
    """Keeps archives in the bucket of *where*; asks nothing of AWS before it is asked something itself."""

    def __init__(
        self, where: StoreSpec, *, connect_timeout: float = CONNECT_TIMEOUT, read_timeout: float = READ_TIMEOUT
    ) -> None:
        assert where.bucket
        self._where = where
        self._bucket = where.bucket
        self._timeouts = {"connect_timeout": connect_timeout, "read_timeout": read_timeout}
        self._signed_region = ""

    def find(self, digest: InputDigest) -> StoredLayer | None:
        """Return the archive named by *digest* if it is there: one HEAD request.

        Raises `StoreError` if something else lies under its name, or the store cannot be asked.
        """
        head = self._head(self._key(digest.archive_name))
        return self._judge(digest, head) if head else None

    def put_if_absent(self, digest: InputDigest, archive: Archive, manifest: bytes) -> StoredLayer:
        """Store *archive* and its manifest unless somebody has, and return what is there then.

        The manifest goes first, so that no archive is ever without one. Raises `StoreError` if what is there is not
        what its name promises, or the store refuses.
        """
        manifest_key, key = self._key(digest.manifest_name), self._key(digest.archive_name)
        about = {_DIGEST: digest.hex, _ARCHIVE_SHA256: archive.sha256}
        if self._put(manifest_key, io.BytesIO(manifest), _sha256(manifest), about, "application/json") is None:
            if found := self.find(digest):
                return found
            self._check_manifest(manifest_key, archive)

        about = {_DIGEST: digest.hex, _ZIP_SIZE: str(archive.size), _UNZIPPED_SIZE: str(archive.unzipped_size)}
        with archive.path.open("rb") as body:
            answer = self._put(key, body, archive.sha256, about, "application/zip")
        if answer is not None:
            return self._stored(digest, answer, archive.sha256, archive.size, archive.unzipped_size, built=True)
        # Another run's, or our own whose acknowledgement was lost and which botocore sent again.
        if found := self.find(digest):
            return found
        raise StoreError(f"{self._uri(key)}: was removed while it was being stored: who deletes there? run it again")

    def find_resolution(self, name: str) -> bytes | None:
        """Return the stored file *name* (`resolution-….toml`), if it is there."""
        key = self._key(name)
        with self._explained(key, _READ):
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=key, ChecksumMode="ENABLED")
            except ClientError as e:
                if e.response["Error"]["Code"] == "NoSuchKey":
                    return None
                raise
            with contextlib.closing(answer["Body"]) as body:
                contents = body.read(RESOLUTION_LIMIT + 1)
        if (told := answer["Metadata"].get(_SHA256)) != _sha256(contents):
            raise self._poisoned(key, f"SHA-256 {_sha256(contents)}, and its metadata says {told or 'none'}")
        return contents

    def put_resolution(self, name: str, contents: bytes) -> bytes:
        """Store *contents* as *name* unless somebody has, and return what is there then."""
        key = self._key(name)
        if self._put(key, io.BytesIO(contents), _sha256(contents), {}, "application/toml") is not None:
            return contents
        if (theirs := self.find_resolution(name)) is None:
            raise StoreError(
                f"{self._uri(key)}: was removed while it was being stored: who deletes there? run it again"
            )
        return theirs

    def explain_absence(self, digest: InputDigest) -> str:
        """Say in one line why `find` found nothing: a HEAD is answered alike where the bucket itself is missing."""
        key = self._key(digest.archive_name)
        with self._explained(key, _READ):
            try:
                self._client.head_bucket(Bucket=self._bucket)
            except ClientError as e:
                if status(e) == 404:
                    return f"s3://{self._bucket}: the bucket does not exist"
        return f"{self._uri(key)}: is not there"

    @cached_property
    def _client(self) -> S3Client:
        client = make_client(self._where, **self._timeouts)
        client.meta.events.register("before-sign.s3", self._note_region)
        return client

    def _note_region(self, request: Any, region_name: str, **_: object) -> None:  # noqa: ANN401  botocore's AWSRequest
        self._signed_region = request.context.get("signing", {}).get("region") or region_name

    def _key(self, name: str) -> str:
        return f"{self._where.prefix}{name}"

    def _uri(self, key: str) -> str:
        return f"s3://{self._bucket}/{key}"

    @contextlib.contextmanager
    def _explained(self, key: str, permissions: str) -> Iterator[None]:
        """Turn what botocore raises within into a `StoreError`."""
        try:
            yield
        except CAUGHT as e:
            raise explain(e, uri=self._uri(key), permissions=permissions) from e

    def _head(self, key: str) -> HeadObjectOutputTypeDef | None:
        """Ask for the object; `None` where S3 says that there is none."""
        with self._explained(key, _READ):
            try:
                return self._client.head_object(Bucket=self._bucket, Key=key, ChecksumMode="ENABLED")
            except ClientError as e:
                if status(e) == 404:
                    return None
                if status(e) in (400, 403):
                    self._ask_again(key)
                raise

    def _ask_again(self, key: str) -> None:
        """Ask as a GET what went wrong with a HEAD, whose answer has no body to say it; raises what the GET raises."""
        answer = self._client.get_object(Bucket=self._bucket, Key=key, Range="bytes=0-0")
        answer["Body"].close()

    def _put(
        self, key: str, body: IO[bytes], sha256: str, metadata: Mapping[str, str], content_type: str
    ) -> Mapping[str, Any] | None:
        """Store *body* in one piece, which S3 checks against *sha256*; `None` if the key is taken.

        botocore sends again what is throttled or lost, but not what conflicts (409).
        """
        encryption: dict[str, Any] = {}
        if self._where.kms_key_id:
            encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self._where.kms_key_id}
        for delay in (*CONFLICT_DELAYS, None):
            body.seek(0)
            with self._explained(key, _WRITE):
                try:
                    return self._client.put_object(
                        Bucket=self._bucket,
                        Key=key,
                        Body=body,
                        IfNoneMatch="*",
                        ChecksumSHA256=_base64(sha256),
                        ContentType=content_type,
                        Metadata={**metadata, _SHA256: sha256},
                        **encryption,
                    )
                except ClientError as e:
                    if status(e) == 412:
                        return None
                    if status(e) != 409:
                        raise
            if delay is not None:
                time.sleep(delay)
        raise StoreError(f"{self._uri(key)}: other runs kept writing it (409): run it again, and see what is there")

    def _check_manifest(self, key: str, archive: Archive) -> None:
        """Raise `StoreError` if the manifest that is there is not that of *archive*, beside which none is yet."""
        head = self._head(key)
        if head is None or head["Metadata"].get(_ARCHIVE_SHA256) != archive.sha256:
            # Left by a run that made other bytes of the same inputs: it would describe files that are not there.
            raise self._poisoned(key, "the manifest of another archive")

    def _judge(self, digest: InputDigest, head: HeadObjectOutputTypeDef) -> StoredLayer:
        """Return the archive that *head* describes if it is what *digest* names; raises `StoreError` if not."""
        about, size, checksum = head["Metadata"], head["ContentLength"], head.get("ChecksumSHA256", "")
        key = self._key(digest.archive_name)
        if (told := about.get(_DIGEST)) != digest.hex:
            raise self._poisoned(key, f"input digest {told or 'missing'}, not {digest.hex}")
        sha256, zip_size, unzipped_size = (about.get(name, "") for name in (_SHA256, _ZIP_SIZE, _UNZIPPED_SIZE))
        if not _HEX256.fullmatch(sha256) or not _DECIMAL.fullmatch(zip_size) or not _DECIMAL.fullmatch(unzipped_size):
            raise self._poisoned(key, "metadata that this program does not write")
        if int(zip_size) != size:
            raise self._poisoned(key, f"{size} bytes, and its metadata says {zip_size}")
        # "…-5" is the checksum of an object copied in 5 parts, which says nothing about the whole.
        if checksum and "-" not in checksum and checksum != _base64(sha256):
            raise self._poisoned(key, f"SHA-256 {checksum}, and its metadata says {_base64(sha256)}")
        return self._stored(digest, head, sha256, size, int(unzipped_size), built=False)

    def _stored(
        self,
        digest: InputDigest,
        answer: Mapping[str, Any],
        sha256: str,
        size: int,
        unzipped_size: int,
        *,
        built: bool,
    ) -> StoredLayer:
        version = answer.get("VersionId", "")
        headers = answer["ResponseMetadata"]["HTTPHeaders"]
        return StoredLayer(
            digest=digest,
            sha256=sha256,
            zip_size=size,
            unzipped_size=unzipped_size,
            manifest_key=self._key(digest.manifest_name),
            bucket=self._bucket,
            key=self._key(digest.archive_name),
            object_version="" if version == "null" else version,  # "null": written while versioning was off
            region=headers.get("x-amz-bucket-region") or self._signed_region,
            built=built,
        )

    def _poisoned(self, key: str, what: str) -> StoreError:
        return StoreError(
            f"{self._uri(key)}: holds something other than what its name promises ({what}): who can write to this "
            "bucket? delete the object, and it is built again"
        )


def _sha256(contents: bytes) -> str:
    return hashlib.sha256(contents).hexdigest()


def _base64(hex256: str) -> str:
    return base64.b64encode(bytes.fromhex(hex256)).decode()
