"""What the refusals of an object store mean, in our own words: of its own, only the code and the status are shown."""

from __future__ import annotations

import re
from typing import Any

from awo.errors import AwoError, CannotCheck, UsageError

AGAIN = "nothing is lost: the same command goes on where it was"
CREDENTIALS = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or a role of this machine"
_NOT_LET_IN = {
    "InvalidAccessKeyId": "the store does not know the access key",
    "SignatureDoesNotMatch": "the secret key does not fit the access key",
    "ExpiredToken": "the credentials have run out",
    "ExpiredTokenException": "the credentials have run out",
    "TokenRefreshRequired": "the credentials have run out",
    "InvalidToken": "the store does not know the session token",
}
_NO_ROOM = ("QuotaExceeded", "ServiceQuotaExceededException", "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded")
_CLOCK = ("RequestTimeTooSkewed", "RequestExpired")


class Gone(CannotCheck):
    """What was asked for is not there: an object, or an upload that somebody ended."""


class Taken(CannotCheck):
    """The store has an object of this name already, and did not overwrite it."""


def bad_settings(error: Exception, where: str) -> UsageError:
    """Of an error that boto3 raises before anything is asked: a profile that is not there, a URL that is none."""
    return UsageError(
        "boto3 cannot work with these settings",
        where=where,
        got=type(error).__name__,
        hint="check AWS_ENDPOINT_URL (https://HOST), AWS_REGION, AWS_PROFILE and ~/.aws/config",
    )


def refusal(answer: Any, where: str, permission: str) -> AwoError:
    """The error that an answer of S3 means; `permission` is what the request needs."""
    code = str(answer.get("Error", {}).get("Code", ""))
    status = int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    code = code if re.fullmatch(r"[A-Za-z0-9.]{1,60}", code) else "no code"
    got = f"{code} (HTTP {status})"
    if code in _NOT_LET_IN:
        return CannotCheck(_NOT_LET_IN[code], where=where, expected=CREDENTIALS, got=got)
    if code in _CLOCK:
        return CannotCheck(
            "this machine's clock is more than a quarter of an hour off the store's",
            where=where,
            got=got,
            hint=f"set the clock; {AGAIN}",
        )
    if code == "NoSuchBucket":
        return UsageError("there is no such bucket", where=where, got=got, hint="it is never made here: make it first")
    if code in _NO_ROOM or status == 507:
        return UsageError("the store has no room left for you", where=where, got=got, hint=f"make room; {AGAIN}")
    if code == "PreconditionFailed" or status == 412:
        return Taken("there is a file of this name already, and it is not overwritten", where=where, got=got)
    if status == 404 or code == "NoSuchUpload":
        return Gone("the store does not have this", where=where, got=got, hint=AGAIN)
    if status == 403:
        return CannotCheck(
            "the store does not let us do this", where=where, expected=f"the permission {permission}", got=got
        )
    if status >= 500 or code in ("SlowDown", "RequestTimeout", "OperationAborted", "ConditionalRequestConflict"):
        return CannotCheck("the store cannot answer now", where=where, got=got, hint=f"try again; {AGAIN}")
    return UsageError("the store refuses this", where=where, got=got, hint=f"it was asked for {permission}")
