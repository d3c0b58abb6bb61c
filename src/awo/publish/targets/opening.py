"""Finds the target that an address names, and opens it with what was asked for and what the environment holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from awo import plugins
from awo.errors import UsageError
from awo.publish.targets.seam import Target

FOLDER = "folder"
EXPECTED = "zenodo, invenio:https://HOST, s3://BUCKET/PREFIX, folder:PATH or a folder's path"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a target is opened with: its `address` as typed, and the options of the command line.

    `retain_until`, `retain_days` and `retain_mode` are as typed, '' and None for none; `api` '' lets a repository's
    first answer say which it speaks.
    Tokens are in `environment` alone.
    """

    address: str
    environment: Mapping[str, str]
    sandbox: bool = False
    api: Literal["", "records", "deposit"] = ""
    retain_until: str = ""
    retain_days: int | None = None
    retain_mode: Literal["", "compliance", "governance"] = ""


class OpenTarget(Protocol):
    """A row of `plugins.TARGETS`: opens the place, and asks nothing of it yet. Raises `UsageError`, `CannotCheck`."""

    def __call__(self, wanted: Wanted) -> Target: ...


def kind_of(address: str) -> str:
    """The row of `plugins.TARGETS` that an address means. Raises `UsageError` for one that means none."""
    word, colon, _ = address.partition(":")
    if word in plugins.TARGETS and (colon or word != FOLDER):
        return word
    if "/" in address.partition("://")[0] or address in (".", ".."):
        return FOLDER
    if colon and "://" not in address and len(word) > 1 and word.isalnum():
        near = plugins.nearest(word, plugins.TARGETS)
        raise UsageError(
            f"there is no kind of place called {word!a}",
            expected=EXPECTED,
            hint=f"did you mean {near}: ?" if near else "a folder with a colon in its name is written ./NAME",
        )
    if "://" in address:
        raise UsageError(
            "this address does not say what kind of place it is",
            expected=EXPECTED,
            hint=f"invenio:{address.partition('?')[0][:200]}" if address.startswith("https://") else "",
        )
    near = plugins.nearest(word, plugins.TARGETS)
    raise UsageError(
        f"{address!a} is no place to publish to",
        expected=EXPECTED,
        hint=f"did you mean {near}?" if near else f"a folder is written ./{address}",
    )


def open_target(wanted: Wanted) -> Target:
    """The place at an address, ready to be asked. Raises `UsageError` for an address or an option that does not fit
    it, and `CannotCheck` where its extra or its token is missing."""
    kind = kind_of(wanted.address)
    _refuse_options(kind, wanted)
    opened: OpenTarget = plugins.load(plugins.TARGETS, kind, "place")
    return opened(wanted)


def _refuse_options(kind: str, wanted: Wanted) -> None:
    if wanted.sandbox and kind != "zenodo":
        raise UsageError("--sandbox is for Zenodo, which has one", where=wanted.address, hint="awo publish zenodo")
    if wanted.api and kind not in ("zenodo", "invenio"):
        raise UsageError("--api is for repositories", where=wanted.address, expected="zenodo or invenio:https://HOST")
    if (wanted.retain_until or wanted.retain_days is not None or wanted.retain_mode) and kind != "s3":
        raise UsageError(
            "--retain-until, --retain-days and --retain-mode are for object storage with Object Lock",
            where=wanted.address,
            expected="s3://BUCKET/PREFIX",
        )
