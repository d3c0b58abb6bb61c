"""The packages with time stamps. A stamp cannot be made twice alike: those in `stamps/` were made once.

`python -m tests.vectors.stamped` makes them anew, with a new authority, when the seal of the vectors has changed.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.vectors.builder import Package
from tests.vectors.stories import Vector, completed

from awo.evidence import layout

STAMPS = Path(__file__).parent / "stamps"
ROOT, SEAL_STAMP, OTHER_STAMP, LATE_STAMP = "root.pem", "seal.tsr", "other.tsr", "late.tsr"
LATE = "2999-01-01T00:00:00.000000Z"
"""When a run says that it was sealed whose stamp is of before."""


def good() -> dict[str, Vector]:
    """The vectors that verify; in the second the reader knows no authority."""
    known = Vector(_with(completed().freeze(), SEAL_STAMP), 0, roots=_root())
    unknown = Vector(
        _with(completed().freeze(), SEAL_STAMP),
        7,
        not_checked=("EP-6.3",),
        require=("registration",),
    )
    return {"stamped": known, "stamped-unknown": unknown}


def bad() -> dict[str, Vector]:
    """The vectors that fail."""
    sealed = completed().freeze()
    broken = _with(completed().freeze(), SEAL_STAMP)
    broken.files[layout.TIME_STAMP] = broken.files[layout.TIME_STAMP][:-4] + bytes(4)
    packages = {
        "EP-6.3": _with(sealed, OTHER_STAMP),
        "EP-6.3-early": _with(completed().freeze(at=LATE), LATE_STAMP),
        "EP-6.3-signature": broken,
    }
    return {
        name: Vector(package, 3, ("EP-6.3",), where=layout.TIME_STAMP, roots=_root())
        for name, package in packages.items()
    }


def _with(package: Package, name: str) -> Package:
    package.files[layout.TIME_STAMP] = (STAMPS / name).read_bytes()
    return package


def _root() -> str:
    return (STAMPS / ROOT).read_text()


def main() -> None:
    """Makes the stamps anew. The keys of the authority are thrown away: nobody can stamp in its name again."""
    from tests.time_authority import Authority

    with tempfile.TemporaryDirectory(prefix="awo-stamps-") as place:
        authority = Authority(Path(place), "Authority of the vectors")
        seals = {
            SEAL_STAMP: completed().freeze().files[layout.SEAL],
            OTHER_STAMP: b"the bytes of another seal",
            LATE_STAMP: completed().freeze(at=LATE).files[layout.SEAL],
        }
        STAMPS.mkdir(exist_ok=True)
        for name, data in seals.items():
            (STAMPS / name).write_bytes(authority.stamp(data))
        (STAMPS / ROOT).write_bytes(authority.root.read_bytes())


if __name__ == "__main__":
    main()
