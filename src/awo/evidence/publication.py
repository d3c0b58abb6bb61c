"""What publishing leaves beside a sealed run, in runs/publications/<run id>/ (spec section 14)."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from awo.evidence.events import FileRef, Sha256, Size, Software, Starter, Time
from awo.evidence.layout import RUN_ID_PATTERN

RunId = Annotated[str, Meta(pattern=RUN_ID_PATTERN)]

PUBLICATIONS = "publications"
"""The folder in `runs/` that holds a folder for each published run."""


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A shape on disk: unknown fields are refused."""


class Arrival(_Record, frozen=True):
    """A file at a place, as the place itself says: its `checksum` there ("md5:…", "sha256:…") and its `version`.

    `retained_until` is a time, a space and the mode of a lock. Each is '' where the place has no such thing. `sha256`
    and `size_bytes` are of what was sent.
    """

    name: str
    sha256: Sha256
    size_bytes: Size
    address: str
    checksum: str
    version: str
    retained_until: str


class Deposit(_Record, frozen=True):
    """RUN's deposit at one place: how far publishing has come. Replaced whole at each step, so that it can go on.

    `phase` is the last thing that is known to be done; `asked` that a deposit has been asked for and no answer is on
    record. `identifier` and `address` are the place's own, `doi` is bare; all '' until known. `about_sha256` is the
    digest of the metadata that were sent, `bundle_sha256` that of the bundle ('' before).
    """

    format: Literal["awo/deposit/v1"]
    run_id: RunId
    seal_sha256: Sha256
    kind: str
    place: str
    phase: Literal["new", "asked", "reserved", "sent", "published"]
    identifier: str
    address: str
    doi: str
    about_sha256: str
    bundle_sha256: str
    arrivals: list[Arrival]
    at: Time


class Addendum(_Record, frozen=True):
    """A signed addition to a sealed package: where it was published. Canonical JSON, namespace awo-addendum.

    `number` counts the addenda of the run from 1, `previous_sha256` is the digest of the one before ('' for the
    first). `files` are what was published, `arrivals` what the place says that it has.
    """

    format: Literal["awo/addendum/v1"]
    run_id: RunId
    seal_sha256: Sha256
    number: Annotated[int, Meta(ge=1)]
    previous_sha256: str
    kind: str
    place: str
    identifier: str
    address: str
    doi: str
    files: list[FileRef]
    arrivals: list[Arrival]
    at: Time
    software: Software
    signer: Starter
