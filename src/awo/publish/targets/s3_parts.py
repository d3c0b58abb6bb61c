"""A large file sent to object storage in parts: those that have arrived before a cut are found there and kept."""

from __future__ import annotations

import base64

from awo.canon.digest import md5_hex, sha256_bytes
from awo.publish.targets.s3_bucket import Bucket, Part
from awo.publish.targets.seam import Parcel, Progress
from awo.publish.targets.source import Source

PART_BYTES = 16 << 20
"""Files up to this size are sent whole; larger ones in parts of it."""
MOST_PARTS = 10_000
"""S3 takes no more: parts of a file over 160 GB are larger."""


def part_size(size_bytes: int, part_bytes: int) -> int:
    """How large the parts of a file are: it follows from its size, so that a later attempt cuts it alike."""
    return max(part_bytes, -(-size_bytes // MOST_PARTS))


def parts_of(parcel: Parcel, part_bytes: int) -> int:
    """In how many parts a file is sent."""
    return -(-parcel.size_bytes // part_size(parcel.size_bytes, part_bytes))


def send_in_parts(
    bucket: Bucket, key: str, parcel: Parcel, seal_sha256: str, part_bytes: int, progress: Progress
) -> str:
    """The version of the object that is made of all parts; of an upload that was cut, only missing ones are sent.

    The whole file is read and held against the parcel before the object is made: a file that changed meanwhile raises
    `EvidenceError` and makes none. Raises `Taken` and `Gone` as the bucket does.
    """
    upload = bucket.begun(key)
    there = bucket.parts(key, upload) if upload else {}
    upload = upload or bucket.begin(key, seal_sha256)
    sent: list[tuple[str, bytes]] = []
    done_bytes, size = 0, part_size(parcel.size_bytes, part_bytes)
    with Source(parcel) as source:
        while body := source.read(size):
            number, digest = len(sent) + 1, sha256_bytes(body)
            known = there.get(number)
            if known is not None and _is_same(known, body, digest):
                sent.append((known.etag, digest))
            else:
                sent.append((bucket.put_part(key, upload, number, body, digest), digest))
            done_bytes += len(body)
            progress(done_bytes)
        source.refuse_changed()
    return bucket.finish(key, upload, sent, parcel.size_bytes)


def digest_of_parts(parcel: Parcel, part_bytes: int) -> str:
    """What S3 calls the composite checksum, base64: the SHA-256 of the SHA-256s of the parts that we would send."""
    size = part_size(parcel.size_bytes, part_bytes)
    digests = bytearray()
    with Source(parcel) as source:
        while body := source.read(size):
            digests += sha256_bytes(body)
        source.refuse_changed()
    return base64.b64encode(sha256_bytes(bytes(digests))).decode()


def _is_same(part: Part, body: bytes, digest: bytes) -> bool:
    """Whether a part that is there is this one. A store that lists no SHA-256 has an MD5 for its entity tag, or
    something else, and then the part is sent again; the object's own checksum is looked at afterwards either way."""
    if part.size_bytes != len(body):
        return False
    if part.sha256:
        return part.sha256 == base64.b64encode(digest).decode()
    return part.etag.strip('"') == md5_hex(body)
