"""Say in one line why S3 could not be asked, or refused, and what to do about it.

Codes: docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from botocore import exceptions as boto
from urllib3.exceptions import HTTPError

from layerwright.errors import StoreError
from layerwright.store.s3_client import ATTEMPTS

CAUGHT = (boto.BotoCoreError, boto.ClientError, HTTPError, OSError, ValueError)
"""Everything that botocore raises where a request, or the way to one, went wrong."""

_ANSWERS = {
    "the bucket does not exist: create it, or correct store.bucket": ("NoSuchBucket",),
    "is not the name of a bucket: correct store.bucket": ("InvalidBucketName",),
    "the AWS credentials have expired: sign in again": (
        "ExpiredToken",
        "ExpiredTokenException",
        "RequestExpired",
        "TokenRefreshRequired",
    ),
    "AWS does not know the credentials: correct AWS_PROFILE, AWS_ACCESS_KEY_ID or store.profile": (
        "AuthFailure",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidToken",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    ),
    "the clock of this machine is off by more than 15 minutes: set it": ("RequestTimeTooSkewed",),
    f"S3 failed {ATTEMPTS} times in a row: wait a minute and run it again": (
        "500",
        "502",
        "503",
        "504",
        "InternalError",
        "RequestTimeout",
        "ServiceUnavailable",
        "SlowDown",
    ),
    "this store does not know conditional writes (If-None-Match), without which two runs could overwrite each other: "
    "use one that does": ("501", "NotImplemented"),
    "arrived damaged: run it again": ("BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch"),
}
"""What to say → the error codes that mean it."""

_SENTENCES = {code: sentence for sentence, codes in _ANSWERS.items() for code in codes}
_DENIED = ("403", "AccessDenied", "AllAccessDisabled")
_ELSEWHERE = ("301", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "PermanentRedirect")
_SILENCES = (
    (
        (boto.NoCredentialsError, boto.PartialCredentialsError),
        "no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or store.profile",
    ),
    (boto.ProfileNotFound, "there is no AWS profile {profile!r}: correct store.profile or AWS_PROFILE"),
    (
        (
            boto.CredentialRetrievalError,
            boto.LoginError,
            boto.MetadataRetrievalError,
            boto.NoAuthTokenError,
            boto.RefreshWithMFAUnsupportedError,
            boto.SSOError,
            boto.TokenRetrievalError,
        ),
        "the AWS credentials cannot be had: {text}: sign in again",
    ),
    ((boto.InvalidRegionError, boto.NoRegionError), "{text}: correct store.region or AWS_REGION"),
    (boto.ParamValidationError, "is not the name of a bucket: correct store.bucket"),
    (boto.SSLError, "the TLS certificate of {host} is not trusted ({error}): name its CA in AWS_CA_BUNDLE"),
    (
        boto.ProxyConnectionError,
        "the proxy {proxy_url} cannot be reached: correct HTTPS_PROXY, or name the host in NO_PROXY",
    ),
    (
        (boto.FlexibleChecksumError, boto.IncompleteReadError, boto.ResponseStreamingError),
        "arrived cut off or damaged ({text}): run it again",
    ),
    (
        (boto.ConnectionError, boto.HTTPClientError),
        "{host} does not answer ({text}): check the network, HTTPS_PROXY, store.region and store.endpoint_url",
    ),
    (Exception, "cannot be asked: {text}"),
)
"""Where there was no answer: botocore's exceptions → what to say, the first that fits."""


def explain(error: Exception, *, uri: str, permissions: str) -> StoreError:
    """Return the error to raise in place of botocore's *error* about *uri* (`s3://bucket/key`).

    *permissions* says what the caller must be allowed, for where that is what is wrong.
    """
    if isinstance(error, boto.ClientError):
        return StoreError(f"{uri}: {_explain_answer(error, permissions)}")
    return StoreError(f"{uri}: {_explain_silence(error)}")


def status(error: boto.ClientError) -> int:
    """The HTTP status of the answer."""
    return int(error.response["ResponseMetadata"]["HTTPStatusCode"])


def _explain_answer(error: boto.ClientError, permissions: str) -> str:
    code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    if error.operation_name == "AssumeRole":
        return f"store.role_arn cannot be assumed: {message}: allow sts:AssumeRole and check the role's trust policy"
    if code in _DENIED:
        return f"access denied ({message}): {permissions}"
    if code in _ELSEWHERE:
        region = error.response["ResponseMetadata"]["HTTPHeaders"].get("x-amz-bucket-region", "")
        return f"the bucket is in another region than was asked for: set store.region{region and f' to {region}'}"
    if code.startswith("KMS"):
        return f"the key that encrypts it cannot be used ({message}): check store.kms_key_id and the key's policy"
    if code in _SENTENCES:
        return f"{_SENTENCES[code]} ({code})"
    return f"S3 refused: {message or 'it did not say why'} ({code})"


def _explain_silence(error: Exception) -> str:
    facts = getattr(error, "kwargs", {})
    host = urlsplit(str(facts.get("endpoint_url", ""))).netloc or "the endpoint"
    sentence = next(sentence for kinds, sentence in _SILENCES if isinstance(error, kinds))
    return sentence.format(**(facts | {"text": error, "host": host}))
