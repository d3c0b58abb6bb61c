"""OpenSSH's allowed_signers: who may sign with which key, for what, and when (ssh-keygen(1), ALLOWED SIGNERS).

AWO reads the format more strictly than ssh-keygen, so that a file that reads here reads there and
means the same on every machine: one bad line makes the file unreadable instead of being passed
over, and a time must end in `Z`, since without it ssh-keygen means the local time of whoever looks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from awo.canon.digest import sha256_hex
from awo.errors import AwoError, UsageError
from awo.sign.patterns import matches, why_not_a_principal
from awo.sign.signer_line import SignerLine, parse_line
from awo.sign.sshkeys import PublicKey

WhyNot = Literal["unknown_principal", "other_key", "namespace", "not_yet_valid", "expired"]


@dataclass(frozen=True, slots=True)
class MaySign:
    """The list allows it; `line` (from 1) is the line that says so."""

    line: int


@dataclass(frozen=True, slots=True)
class MayNotSign:
    """The list does not allow it: a code and a sentence without its final stop."""

    code: WhyNot
    reason: str


@dataclass(frozen=True, slots=True)
class AllowedSigners:
    """An allowed_signers file. Empty when it has only comments. `sha256` is the digest of its text in UTF-8."""

    lines: tuple[SignerLine, ...]
    sha256: str = field(default="", compare=False)
    _by_id: dict[str, list[SignerLine]] = field(init=False, compare=False, repr=False, hash=False)
    _with_patterns: list[SignerLine] = field(init=False, compare=False, repr=False, hash=False)

    def __post_init__(self) -> None:
        by_id: dict[str, list[SignerLine]] = {}
        with_patterns = []
        for line in self.lines:
            if any(why_not_a_principal(one) for one in line.principals):
                with_patterns.append(line)
                continue
            for one in dict.fromkeys(line.principals):
                by_id.setdefault(one, []).append(line)
        object.__setattr__(self, "_by_id", by_id)
        object.__setattr__(self, "_with_patterns", with_patterns)

    @classmethod
    def parse(cls, text: str, *, where: str, error: type[AwoError] = UsageError) -> AllowedSigners:
        """The file with this text. Raises `error`, naming `where` and the line, at the first bad line.

        `error` is `UsageError` for a project's own file and `EvidenceError` for one in a package.
        """
        lines = []
        for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
            bare = line.strip(" \t\r")
            if bare and not bare.startswith("#"):
                lines.append(parse_line(bare, number, where=f"{where}:{number}", error=error))
        return cls(tuple(lines), sha256_hex(text.encode(errors="surrogatepass")))

    def may_sign(self, principal: str, key: PublicKey, namespace: str, at: datetime) -> MaySign | MayNotSign:
        """Whether `principal` may sign with `key` for `namespace` at the time `at` (aware).

        As in ssh-keygen, one line that fits is enough, both ends of a period belong to it, and
        parts of a second do not count.
        """
        at = at.replace(microsecond=0)
        best: MayNotSign = MayNotSign("unknown_principal", f"{principal!a} is not in the list of allowed signers")
        for line in self._lines_of(principal):
            found = _judge(line, key, namespace, at)
            if isinstance(found, MaySign):
                return found
            best = max(best, found, key=lambda refusal: _HOW_CLOSE[refusal.code])
        return best

    def principals_of(self, key: PublicKey) -> tuple[str, ...]:
        """The ids that lines give to `key`, in the order of the file, patterns left out."""
        names = [p for line in self.lines if line.key == key for p in line.principals]
        return tuple(dict.fromkeys(name for name in names if not why_not_a_principal(name)))

    def keys_of(self, principal: str) -> tuple[PublicKey, ...]:
        """The keys with which lines let `principal` sign anything at any time, in the order of the file."""
        return tuple(dict.fromkeys(line.key for line in self._lines_of(principal)))

    def _lines_of(self, principal: str) -> list[SignerLine]:
        """The lines that fit `principal`, in the order of the file; a long list of plain ids is not walked."""
        plain = self._by_id.get(principal, [])
        fitting = [line for line in self._with_patterns if matches(principal, line.principals)]
        return sorted((*plain, *fitting), key=lambda line: line.number) if fitting else plain


def line_for(
    principal: str,
    key: PublicKey,
    namespaces: Sequence[str],
    *,
    valid_after: datetime | None = None,
    valid_before: datetime | None = None,
) -> str:
    """One line of an allowed_signers file, without its newline, that ssh-keygen reads.

    Times are aware; parts of a second are cut. Raises `UsageError` when the principal or a namespace cannot be written.
    """
    if why := why_not_a_principal(principal):
        raise UsageError(
            f"this cannot be a signer's id: {why}", expected="an id like alice@example.org", got=ascii(principal)[:80]
        )
    for name in namespaces:
        if why := why_not_a_principal(name):
            raise UsageError(f"this cannot be a namespace: {why}", got=ascii(name)[:80])
    if not namespaces:
        raise UsageError("a line needs at least one namespace", expected="awo-decision, awo-seal")
    options = [f'namespaces="{",".join(namespaces)}"']
    options += [
        f'{name}="{time.astimezone(UTC):%Y%m%d%H%M%S}Z"'
        for name, time in (("valid-after", valid_after), ("valid-before", valid_before))
        if time is not None
    ]
    return f"{principal} {','.join(options)} {key.line}"


_HOW_CLOSE: dict[WhyNot, int] = {
    "unknown_principal": 0,
    "other_key": 1,
    "namespace": 2,
    "not_yet_valid": 3,
    "expired": 3,
}


def _judge(line: SignerLine, key: PublicKey, namespace: str, at: datetime) -> MaySign | MayNotSign:
    if line.key != key:
        return MayNotSign("other_key", f"the list has another key for this signer: {line.key.fingerprint}")
    if line.namespaces and not matches(namespace, line.namespaces):
        return MayNotSign(
            "namespace", f"line {line.number} lets this key sign {','.join(line.namespaces)}, not {namespace}"
        )
    if line.valid_after is not None and at < line.valid_after:
        return MayNotSign("not_yet_valid", f"line {line.number} lets this key sign from {line.valid_after.isoformat()}")
    if line.valid_before is not None and at > line.valid_before:
        return MayNotSign("expired", f"line {line.number} lets this key sign until {line.valid_before.isoformat()}")
    return MaySign(line.number)
