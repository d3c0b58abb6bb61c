"""The rules of a gate in words, the same in the report and on the terminal. Texts are as given: whoever shows them
escapes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, assert_never

from awo.derive.phrases import count, moment
from awo.evidence.gates import GateRules, Need
from awo.evidence.records import NOBODY

VERDICTS: Final = {"approve": "approved", "reject": "rejected", "revise": "sent it back", "withdraw": "withdrew"}
"""What a person did, by their verdict."""

_UNNAMED: Final = "not on record: it was started without --key and --as"
_PROOFS: Final = {
    "passphrase": "a passphrase that was typed",
    "touch": "a security key that was touched",
    "agent": "an ssh-agent that agreed",
    "not proved": "none",
}
_SPANS: Final = ((604_800, "week"), (86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def span(seconds: int) -> str:
    """`36 hours`, `2 weeks`: in the largest unit that comes out even."""
    size, noun = next((one, noun) for one, noun in _SPANS if not seconds % one)
    return count(seconds // size, noun)


def needed(needs: Sequence[Need], show: Callable[[str], str] = str) -> str:
    """`2 reviewer, 1 quality (as responsibility)`; `nobody` for no needs."""
    said = [f"{need.count} {show(need.role)}{f' (as {need.meaning})' if need.meaning else ''}" for need in needs]
    return ", ".join(said) or "nobody"


def rules_in_words(
    rules: GateRules,
    starter: str,
    authors: Sequence[str],
    *,
    deadline_at: str,
    is_escalated: bool,
    show: Callable[[str], str] = str,
) -> Iterator[str]:
    """What the rules ask, a sentence each without capital and stop. `starter` and `authors` are who is kept out;
    `show` escapes their ids and the roles, which are all that is not of this program's own making."""
    yield _kept_out(rules, starter if starter == NOBODY else show(starter), [show(author) for author in authors])
    if rules.known_starter:
        yield "the run must have been started by somebody with a name"
    if "not proved" in rules.presence:
        yield "presence at the signing need not be shown; what is not shown is recorded as not proved"
    else:
        proofs = " or ".join(_PROOFS[proof] for proof in rules.presence)
        yield f"presence at the signing must be shown by {proofs}"
    yield f"an approval holds for {span(rules.lasts_s)}" if rules.lasts_s else "an approval does not expire"
    if deadline_at:
        yield f"the deadline is {moment(deadline_at)}; then {_then(rules, show)}"
    else:
        yield "there is no deadline"
    if is_escalated:
        yield "the deadline has passed, and other people are asked now"
    yield "who has decided may decide again" if rules.redecide else "who has decided may not decide again"


def _kept_out(rules: GateRules, starter: str, authors: Sequence[str]) -> str:
    who = {
        "starter": f"who started the run ({starter})" if starter != NOBODY else f"who started the run ({_UNNAMED})",
        "author": f"who wrote the workflow ({', '.join(authors) or 'nobody is on record'})",
    }
    if not rules.separate_from:
        return "nobody is kept out: who started the run may decide on it"
    kept = " and ".join(who[maker] for maker in rules.separate_from)
    return f"{kept} may decide only openly as solo" if rules.solo else f"{kept} may not decide"


def _then(rules: GateRules, show: Callable[[str], str]) -> str:
    match rules.then:
        case "wait":
            return "the gate goes on waiting"
        case "reject":
            return "the run is rejected"
        case "escalate":
            return f"it asks for {needed(rules.escalate, show)} instead"
        case never:
            assert_never(never)
