"""Holds originals that are given later against a redacted package: which of them are what was withheld.

Source: spec section 9.4, opening.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from awo.canon.digest import sha256_hex, sha256_running
from awo.canon.json import parse_canonical
from awo.errors import EvidenceError, UsageError
from awo.evidence.disclosure import KEY_PATTERN, disclosure_root
from awo.evidence.layout import DISCLOSURE_KEY, NOT_IN_SUMS, PARTIAL, REDACTIONS, SEAL, SUMS, redaction_path
from awo.evidence.records import Seal
from awo.evidence.redaction import RedactedFile, Redaction
from awo.evidence.sums import parse_sums
from awo.verify.limits import Limits
from awo.withhold.differences import Compared, Difference, compare
from awo.withhold.given import Given, named
from awo.withhold.sources import files_of, opener

Result = Literal["matches", "differs", "in part", "withheld"]

EXIT_CODES: Final = {"matches": 0, "differs": 3, "nothing": 7}


@dataclass(frozen=True, slots=True)
class Opened:
    """How one thing that is withheld stands. `given` is what was held against it, '' where nothing was; `in part`
    says that the given lines are among those that were withheld, and `said` how many."""

    path: str
    kind: str
    result: Result
    given: str = ""
    said: str = ""
    differences: Sequence[Difference] = ()


@dataclass(frozen=True, slots=True)
class Openings:
    """The outcome. `rows` has everything that is withheld, in the order of the package, and what of the shown files
    does not match; `unknown` names what was given and is nothing of this package."""

    run_id: str
    rows: Sequence[Opened]
    unknown: Sequence[str]

    @property
    def exit_code(self) -> int:
        """0 when all that was given matches, 3 when something does not, 7 when something could not be compared."""
        results = {row.result for row in self.rows}
        if "differs" in results:
            return EXIT_CODES["differs"]
        is_compared = results & {"matches", "in part"} and not self.unknown
        return EXIT_CODES["matches" if is_compared else "nothing"]

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        return {
            "run": self.run_id,
            "files": [
                {
                    "path": row.path,
                    "kind": row.kind,
                    "result": row.result,
                    "given": row.given,
                    "said": row.said,
                    "differences": [one._asdict() for one in row.differences],
                }
                for row in self.rows
            ],
            "unknown": list(self.unknown),
        }


def open_redaction(package: Path, originals: Iterable[str]) -> Openings:
    """Holds `originals` (files, folders, bundles, `PATH=FILE`) against the redacted package at `package`.

    Memory is bounded but for 32 bytes a line of a file that does not match. Raises `UsageError` for a package that is
    not redacted, `EvidenceError` for one whose record does not fit its seal, and `CannotCheck`.
    """
    redacted = _Redacted.read(package)
    given = list(_all_given(originals))
    key = redacted.key_among(given)
    opened: dict[str, Opened] = {}
    unknown: list[str] = []
    for one in given:
        digest = _digest(one)
        path = redacted.path_of(one, digest)
        if path is None:
            unknown.append(one.name)
        elif (row := redacted.held_against(path, one, digest, key)) is not None:
            before = opened.get(path)
            opened[path] = row if before is None or row.result == "differs" else before
    rows = [
        opened.get(row.path) or Opened(row.path, row.kind, "withheld")
        for row in redacted.rows.values()
        if row.path in opened or _is_withheld(row)
    ]
    rows += [opened[path] for path in opened if path not in redacted.rows]
    return Openings(redacted.seal.run_id, rows, unknown)


@dataclass(slots=True)
class _Redacted:
    """What a redacted package says of itself."""

    package: Path
    seal: Seal
    digests: dict[str, str]
    rows: dict[str, RedactedFile] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)

    @classmethod
    def read(cls, package: Path) -> _Redacted:
        kept: dict[str, bytes] = {}
        with opener(package, Limits())() as source, closing(files_of(source)) as files:
            for item in files:
                if item.path not in NOT_IN_SUMS and not item.path.startswith(f"{REDACTIONS}/"):
                    break
                kept[item.path] = b"".join(bytes(chunk) for chunk in item.chunks)
        if SEAL not in kept or SUMS not in kept:
            raise UsageError("this package is not sealed", where=str(package), expected="a redacted package")
        seal = parse_canonical(kept[SEAL], Seal, where=SEAL)
        if sha256_hex(kept[SUMS]) != seal.sums_sha256:
            raise EvidenceError("the list of files is not the one that was sealed", where=SUMS)
        numbers = [number for number in range(1, len(kept)) if redaction_path(number) in kept]
        if not numbers:
            hint = "awo verify says whether it is whole"
            raise UsageError("nothing of this package is withheld", where=str(package), hint=hint)
        path = redaction_path(numbers[-1])
        record = parse_canonical(kept[path], Redaction, where=path)
        root = disclosure_root((row.path, bytes.fromhex(row.node)) for row in record.files)
        if root != seal.disclosure_sha256:
            what = "the record is not about what was sealed"
            raise EvidenceError(what, where=path, expected=seal.disclosure_sha256, got=root)
        return cls(package, seal, parse_sums(kept[SUMS]), {row.path: row for row in record.files})

    def key_among(self, given: Sequence[Given]) -> bytes | None:
        """The key of what is withheld, if it was given and is the sealed one."""
        for one in given:
            if one.path == DISCLOSURE_KEY or one.file.name == Path(DISCLOSURE_KEY).name:
                data = b"".join(bytes(chunk) for chunk in one.chunks())
                is_own = sha256_hex(data) == self.digests.get(DISCLOSURE_KEY)
                if is_own and re.match(KEY_PATTERN, data.decode("latin-1")):
                    return bytes.fromhex(data.decode().strip())
        return None

    def path_of(self, one: Given, digest: str) -> str | None:
        """Which file of the package was given: by its place, else by its digest, else by its name. None for none.

        Raises `UsageError` where the name fits several.
        """
        if one.path:
            return one.path if one.path in self.digests or one.path in NOT_IN_SUMS else None
        alike = [path for path, known in self.digests.items() if known == digest]
        if alike:
            return next((path for path in alike if path in self.rows and _is_withheld(self.rows[path])), alike[0])
        parts = one.file.resolve().parts
        longest, best = 0, list[str]()
        for path in self.digests:
            count = _common(parts, path.split("/"))
            if count > longest:
                longest, best = count, []
            if count and count == longest:
                best.append(path)
        if len(best) > 1:
            hint = f"say which: {best[0]}={one.name}"
            raise UsageError(
                "several files of the package are called so", where=one.name, got=", ".join(best), hint=hint
            )
        return best[0] if best else None

    def held_against(self, path: str, one: Given, digest: str, key: bytes | None) -> Opened | None:
        """How the given file compares; None where it is a file that is shown anyhow, and the same."""
        if path in NOT_IN_SUMS:
            return self._about_the_seal(path, one) if path == SEAL else None
        expected = self.digests[path]
        row = self.rows.get(path)
        kind = row.kind if row is not None else "key"
        if digest == expected:
            return Opened(path, kind, "matches", one.name) if row is None or _is_withheld(row) else None
        whole = Difference(path, "this is not the file that was sealed", expected, digest)
        if row is None:
            return Opened(path, kind, "differs", one.name, "", (whole,))
        compared: Compared = compare(self.package, row, one, key, self.limits.line_bytes)
        differences = (whole, *compared.differences) if compared.result == "differs" else ()
        return Opened(path, kind, compared.result, one.name, compared.said, differences)

    def _about_the_seal(self, path: str, one: Given) -> Opened | None:
        data = b"".join(bytes(chunk) for chunk in one.chunks())
        try:
            seal = parse_canonical(data, Seal, where=one.name)
        except EvidenceError:
            seal = None
        if seal == self.seal:
            return None
        got = seal.run_id if seal is not None else "no seal"
        return Opened(path, "seal", "differs", one.name, "", (Difference(path, "another seal", self.seal.run_id, got),))


def _all_given(originals: Iterable[str]) -> Iterable[Given]:
    for text in originals:
        for found in named(text):
            if isinstance(found, Given):
                yield found
                continue
            with opener(found, Limits())() as source:
                paths = [item.path for item in files_of(source)]
            for path in paths:
                is_original = not path.startswith(f"{REDACTIONS}/") and not path.endswith(PARTIAL)
                if is_original and (path == SEAL or path not in NOT_IN_SUMS):
                    yield Given(f"{text}: {path}", Path(path), path, found)


def _is_withheld(row: RedactedFile) -> bool:
    """Whether anything of the file is withheld. An empty file of lines is, with no line of it."""
    return row.state != "shown"


def _digest(one: Given) -> str:
    hasher = sha256_running()
    for chunk in one.chunks():
        hasher.update(chunk)
    return hasher.hexdigest()


def _common(parts: Sequence[str], others: Sequence[str]) -> int:
    """How many parts two paths have in common from their end."""
    count = 0
    for mine, other in zip(reversed(parts), reversed(others), strict=False):
        if mine != other:
            break
        count += 1
    return count
