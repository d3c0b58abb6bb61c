"""The one door to `boto3`: a bucket, and the few things that are asked of it, each with errors in our own words."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from awo.canon.digest import sha256_running
from awo.errors import CannotCheck, UsageError
from awo.plugins import how_to_install
from awo.publish.post import shown
from awo.publish.targets.retention import Retention
from awo.publish.targets.s3_refusals import AGAIN, CREDENTIALS, Gone, bad_settings, refusal

CONNECT_TIMEOUT_S = 10
READ_TIMEOUT_S = 60
ATTEMPTS = 3

SEAL_LABEL = "awo-seal-sha256"
"""The metadata of each object that says which seal it belongs to."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as HEAD shows it. `sha256` is base64 as the store spells it, '' where it keeps none.

    `is_of_parts` says that `sha256` is the digest of the digests of the object's parts.
    """

    version: str
    size_bytes: int
    sha256: str
    is_of_parts: bool
    retention: Retention | None
    seal_sha256: str


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an upload that is not finished. `sha256` is '' where the store lists none."""

    etag: str
    size_bytes: int
    sha256: str


class Bucket:
    """One bucket, opened by the ordinary chain of boto3: environment, ~/.aws, roles. No request is sent on opening."""

    def __init__(self, name: str) -> None:
        self.name = name
        try:
            import boto3
            from botocore.config import Config
            from botocore.exceptions import BotoCoreError
        except ModuleNotFoundError as error:
            raise CannotCheck(
                "object storage needs the package boto3, which is not installed", hint=how_to_install(["boto3"])
            ) from error
        settings = Config(
            connect_timeout=CONNECT_TIMEOUT_S,
            read_timeout=READ_TIMEOUT_S,
            retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
            request_checksum_calculation="when_required",  # ours is SHA-256, and given with every file
            response_checksum_validation="when_required",
        )
        try:
            # a session of its own: the one that boto3 keeps for the process holds the credentials that it found first
            self._client: Any = boto3.session.Session().client("s3", config=settings)
        except (BotoCoreError, ValueError) as error:  # a profile that is not there, an endpoint that is no URL
            raise bad_settings(error, f"s3://{name}") from error

    @property
    def endpoint(self) -> str:
        """Scheme, host and port where requests go, '' for Amazon's own."""
        url = str(self._client.meta.endpoint_url)
        host = urlsplit(url).hostname or ""
        return "" if re.search(r"(^|\.)amazonaws\.com(\.cn)?$", host) else shown(url)

    def refuse_unlocked(self) -> None:
        """Raises `UsageError` where the bucket keeps no versions or knows no Object Lock."""
        try:
            with self._words("s3:GetBucketObjectLockConfiguration"):
                answer = self._client.get_object_lock_configuration(Bucket=self.name)
            is_locked = answer.get("ObjectLockConfiguration", {}).get("ObjectLockEnabled") == "Enabled"
        except Gone:
            is_locked = False
        if not is_locked:
            raise UsageError(
                "the bucket has no Object Lock, so nothing in it is kept from being deleted",
                where=f"s3://{self.name}",
                hint=f"make one with `aws s3api create-bucket --bucket NAME --object-lock-enabled-for-bucket`, or turn "
                f"versioning and Object Lock on for {self.name}",
            )
        with self._words("s3:GetBucketVersioning"):
            status = self._client.get_bucket_versioning(Bucket=self.name).get("Status", "off")
        if status != "Enabled":
            raise UsageError(
                "the bucket keeps no versions, and Object Lock needs them",
                where=f"s3://{self.name}",
                got=f"versioning {str(status)[:20]}",
                hint=f"aws s3api put-bucket-versioning --bucket {self.name} --versioning-configuration Status=Enabled",
            )

    def some_key(self, prefix: str) -> str:
        """A key that begins with `prefix`, '' for none."""
        with self._words("s3:ListBucket"):
            answer = self._client.list_objects_v2(Bucket=self.name, Prefix=prefix, MaxKeys=1)
            return next((str(one["Key"]) for one in answer.get("Contents", [])), "")

    def head(self, key: str, version: str = "") -> Stored | None:
        """What the store has under `key` now, or as `version`; None for nothing."""
        asked = {"VersionId": version} if version else {}
        try:
            with self._words("s3:GetObject, s3:GetObjectRetention"):
                return _stored(self._client.head_object(Bucket=self.name, Key=key, ChecksumMode="ENABLED", **asked))
        except Gone:
            return None

    def put(self, key: str, body: bytes, sha256: bytes, seal_sha256: str) -> str:
        """Sends an object whole and gives its version. Raises `Taken` where there is one already."""
        with self._words("s3:PutObject", key):
            answer = self._client.put_object(
                Bucket=self.name,
                Key=key,
                Body=body,
                ChecksumAlgorithm="SHA256",
                ChecksumSHA256=base64.b64encode(sha256).decode(),
                IfNoneMatch="*",
                Metadata={SEAL_LABEL: seal_sha256},
            )
        return str(answer.get("VersionId", ""))

    def begin(self, key: str, seal_sha256: str) -> str:
        """Begins an upload in parts and gives its id."""
        with self._words("s3:PutObject", key):
            answer = self._client.create_multipart_upload(
                Bucket=self.name,
                Key=key,
                ChecksumAlgorithm="SHA256",
                ChecksumType="COMPOSITE",
                Metadata={SEAL_LABEL: seal_sha256},
            )
            return str(answer["UploadId"])

    def begun(self, key: str) -> str:
        """The id of the upload under `key` that was begun last and is not finished, '' for none."""
        with self._words("s3:ListBucketMultipartUploads"):
            pages = self._client.get_paginator("list_multipart_uploads").paginate(Bucket=self.name, Prefix=key)
            found = [one for page in pages for one in page.get("Uploads", []) if one["Key"] == key]
            # one whose parts have another checksum, or none, was begun by something else
            ours = [one for one in found if one.get("ChecksumAlgorithm", "SHA256") == "SHA256"]
            return str(max(ours, key=lambda one: str(one["Initiated"]))["UploadId"]) if ours else ""

    def parts(self, key: str, upload: str) -> dict[int, Part]:
        """The parts of an upload that have arrived, by their numbers from 1. Raises `Gone`."""
        with self._words("s3:ListMultipartUploadParts", key):
            pages = self._client.get_paginator("list_parts").paginate(Bucket=self.name, Key=key, UploadId=upload)
            return {
                int(one["PartNumber"]): Part(str(one["ETag"]), int(one["Size"]), str(one.get("ChecksumSHA256", "")))
                for page in pages
                for one in page.get("Parts", [])
            }

    def put_part(self, key: str, upload: str, number: int, body: bytes, sha256: bytes) -> str:
        """Sends one part and gives its entity tag. Raises `Gone`."""
        with self._words("s3:PutObject", key):
            answer = self._client.upload_part(
                Bucket=self.name,
                Key=key,
                UploadId=upload,
                PartNumber=number,
                Body=body,
                ChecksumAlgorithm="SHA256",
                ChecksumSHA256=base64.b64encode(sha256).decode(),
            )
            return str(answer["ETag"])

    def finish(self, key: str, upload: str, parts: list[tuple[str, bytes]], size_bytes: int) -> str:
        """Makes an object of the parts (entity tag, SHA-256) and gives its version. Raises `Taken` and `Gone`."""
        listed = [
            {"PartNumber": number, "ETag": etag, "ChecksumSHA256": base64.b64encode(sha256).decode()}
            for number, (etag, sha256) in enumerate(parts, 1)
        ]
        with self._words("s3:PutObject", key):
            answer = self._client.complete_multipart_upload(
                Bucket=self.name,
                Key=key,
                UploadId=upload,
                MultipartUpload={"Parts": listed},
                MpuObjectSize=size_bytes,
                IfNoneMatch="*",
            )
        return str(answer.get("VersionId", ""))

    def retain(self, key: str, version: str, retention: Retention) -> None:
        """Locks one version of an object."""
        with self._words("s3:PutObjectRetention", key):
            self._client.put_object_retention(
                Bucket=self.name,
                Key=key,
                VersionId=version,
                Retention={"Mode": retention.mode, "RetainUntilDate": retention.until},
            )

    def read_back(self, key: str, version: str) -> tuple[str, int]:
        """SHA-256 (hex) and length of what the store gives when the object is fetched."""
        hasher, size_bytes = sha256_running(), 0
        with self._words("s3:GetObject, s3:GetObjectVersion", key):
            body = self._client.get_object(Bucket=self.name, Key=key, VersionId=version)["Body"]
            for chunk in body.iter_chunks(1 << 20):
                hasher.update(chunk)
                size_bytes += len(chunk)
        return hasher.hexdigest(), size_bytes

    def _words(self, permission: str, key: str = "") -> AbstractContextManager[None]:
        return _words(f"s3://{self.name}{f'/{key}' if key else ''}", permission, self.endpoint)


def _stored(found: Any) -> Stored:
    sha256, dash, _ = str(found.get("ChecksumSHA256", "")).partition("-")
    mode, until = found.get("ObjectLockMode", ""), found.get("ObjectLockRetainUntilDate")
    is_kept = mode in ("COMPLIANCE", "GOVERNANCE") and isinstance(until, datetime)
    return Stored(
        version=str(found.get("VersionId", "")),
        size_bytes=int(found["ContentLength"]),
        sha256=sha256,
        is_of_parts=bool(dash) or found.get("ChecksumType") == "COMPOSITE",
        retention=Retention(mode, until.astimezone(UTC)) if is_kept else None,
        seal_sha256=str(found.get("Metadata", {}).get(SEAL_LABEL, "")),
    )


@contextmanager
def _words(where: str, permission: str, endpoint: str) -> Iterator[None]:
    """Turns what boto3 raises into our errors. Nothing of a server's own text is shown but its code and its status."""
    from botocore import exceptions as raised
    from botocore.parsers import ResponseParserError

    try:
        yield
    except raised.ClientError as error:
        raise refusal(error.response, where, permission) from error
    except (raised.NoCredentialsError, raised.PartialCredentialsError) as error:
        raise CannotCheck("no credentials for object storage are given", where=where, expected=CREDENTIALS) from error
    except (raised.CredentialRetrievalError, raised.TokenRetrievalError, raised.SSOError) as error:
        raise CannotCheck(
            "the credentials for object storage cannot be had",
            where=where,
            expected=CREDENTIALS,
            got=type(error).__name__,
            hint="aws sts get-caller-identity shows what the same settings give",
        ) from error
    except raised.SSLError as error:
        raise CannotCheck(
            "the store's certificate does not hold, or TLS fails",
            where=endpoint or where,
            hint="roots of your own are named in AWS_CA_BUNDLE",
        ) from error
    except (raised.HTTPClientError, raised.IncompleteReadError) as error:
        raise CannotCheck(
            "the store cannot be reached, or the connection was cut",
            where=endpoint or where,
            got=type(error).__name__,
            hint=f"check the network and AWS_ENDPOINT_URL; {AGAIN}",
        ) from error
    except (ResponseParserError, KeyError, TypeError, ValueError, RecursionError) as error:
        # the last is what a redirect to nowhere makes of botocore 1.44
        raise CannotCheck(
            "the store gives an answer that cannot be read",
            where=endpoint or where,
            got=type(error).__name__,
            hint="is what AWS_ENDPOINT_URL names an object store?",
        ) from error
    except raised.BotoCoreError as error:
        raise bad_settings(error, where) from error
