"""One line of an allowed_signers file: principals, options, key."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from awo.errors import AwoError
from awo.plugins import nearest
from awo.sign.patterns import why_not_a_pattern_list
from awo.sign.sshkeys import PublicKey

OPTIONS = ("cert-authority", "namespaces", "valid-after", "valid-before")
SHAPE = 'alice@example.org namespaces="awo-decision" ssh-ed25519 AAAA...'

_PRINCIPALS = re.compile(r'(?:"([^"]*)"|([^" \t]+))[ \t]+')
_OPTION = re.compile(r'([A-Za-z-]+)(?:="((?:[^"\\]|\\.)*)")?(,|[ \t]+)')
_TIME = re.compile(r"([0-9]{8})(?:([0-9]{4})([0-9]{2})?)?")


@dataclass(frozen=True, slots=True)
class SignerLine:
    """Who (patterns) may sign with `key`. `namespaces` (patterns) empty means any; None means no bound."""

    number: int
    principals: tuple[str, ...]
    key: PublicKey
    namespaces: tuple[str, ...]
    valid_after: datetime | None
    valid_before: datetime | None


def parse_line(line: str, number: int, *, where: str, error: type[AwoError]) -> SignerLine:
    """The line with this text, which has no white space at its ends. Raises `error` when it is no such line."""
    if any(not c.isprintable() and c != "\t" for c in line):
        raise error("a line has a control character", where=where, expected=SHAPE)
    head = _PRINCIPALS.match(line)
    if head is None:
        raise error("a line must have an id and a key", where=where, expected=SHAPE)
    principals = _pattern_list(head[1] or head[2] or "", "list of ids", where=where, error=error)
    options, rest = _options(line[head.end() :], where=where, error=error)
    if "cert-authority" in options:
        raise error(
            "certificate authorities are not accepted",
            where=where,
            expected="a line for each person with that person's own key",
            got="the option cert-authority",
            hint="take the line out, and enrol each person's key",
        )
    after = _time(options.get("valid-after"), where=where, error=error)
    before = _time(options.get("valid-before"), where=where, error=error)
    if after is not None and before is not None and before <= after:
        raise error("valid-before is not later than valid-after", where=where)
    namespaces = options.get("namespaces")
    return SignerLine(
        number,
        principals,
        PublicKey.parse(rest, where=where, error=error),
        () if namespaces is None else _pattern_list(namespaces, "list of namespaces", where=where, error=error),
        after,
        before,
    )


def _options(text: str, *, where: str, error: type[AwoError]) -> tuple[dict[str, str], str]:
    """The options by lower-case name, a flag with the value '', and what follows them."""
    found: dict[str, str] = {}
    first = text.split(None, 1)[0]
    if "=" not in first and "," not in first and first.lower() not in OPTIONS:
        return found, text  # it must be the key
    while True:
        option = _OPTION.match(text)
        if option is None:
            raise error("the options of a line cannot be read", where=where, expected=SHAPE, got=text[:80])
        name, value, separator = option[1].lower(), option[2], option[3]
        if name not in OPTIONS:
            raise _unknown(option[1], where=where, error=error)
        if name in found:
            raise error(f"the option {name} is given twice", where=where)
        if (value is None) != (name == "cert-authority"):
            raise error("an option is not written as it must be", where=where, expected=SHAPE, got=option[0].strip())
        found[name] = (value or "").replace('\\"', '"')
        text = text[option.end() :]
        if separator != ",":
            return found, text


def _unknown(name: str, *, where: str, error: type[AwoError]) -> AwoError:
    near = nearest(name.lower(), OPTIONS)
    return error(
        f"there is no option called {name[:80]!r}",
        where=where,
        expected=", ".join(OPTIONS[1:]),
        hint=f"did you mean {near!r}?" if near else "",
    )


def _pattern_list(text: str, what: str, *, where: str, error: type[AwoError]) -> tuple[str, ...]:
    if why := why_not_a_pattern_list(text):
        raise error(f"this is no {what}: {why}", where=where, expected=SHAPE, got=ascii(text)[:80])
    return tuple(text.split(","))


def _time(text: str | None, *, where: str, error: type[AwoError]) -> datetime | None:
    """A time as ssh-keygen spells it: YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS, with `Z` for UTC."""
    if text is None:
        return None
    digits = text[:-1] if text.endswith(("Z", "z")) else ""
    if not digits:
        raise error(
            "a time must say that it is UTC",
            where=where,
            expected="YYYYMMDDZ or YYYYMMDDHHMMSSZ",
            got=text[:40],
            hint=f"write {text[:14]}Z" if _TIME.fullmatch(text) else "",
        )
    match = _TIME.fullmatch(digits)
    try:
        if match is None:
            raise ValueError
        return datetime.strptime(match[1] + (match[2] or "0000") + (match[3] or "00"), "%Y%m%d%H%M%S").replace(
            tzinfo=UTC
        )
    except ValueError as problem:
        raise error("this is no time", where=where, expected="YYYYMMDDZ or YYYYMMDDHHMMSSZ", got=text[:40]) from problem
