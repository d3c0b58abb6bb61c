"""What can be wrong with a decision, but for who signed it: what it is about, what it says, and when.

Each rule gives the first fault that it finds, None when there is none. Verify asks them one by one.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final, get_args

from awo.canon import time
from awo.evidence.events import StepId
from awo.evidence.gates import Decision, GateRules, Presence, Verdict
from awo.gate.answers import fault_of
from awo.gate.checklist import why_not_plain
from awo.gate.gate_facts import DecisionFault, GateFacts
from awo.gate.names import why_mixed
from awo.gate.role import needs_in
from awo.gate.standing import has_expired, standing
from awo.sign.patterns import why_not_a_principal

LONGEST_COMMENT: Final = 10_000

_STEP_ID = re.compile(get_args(StepId)[1].pattern)


def expiry(rules: GateRules, verdict: Verdict, at: str) -> str:
    """When a decision of the time `at` expires by these rules, '' for never. Only approvals expire."""
    return time.later(at, rules.lasts_s) if rules.lasts_s and verdict == "approve" else ""


def why_stale(decision: Decision, facts: GateFacts) -> DecisionFault | None:
    """Another run, another gate, or something that was shown and is not so any more."""
    if decision.run_id != facts.run_id:
        return DecisionFault(
            "other_run", "the decision is about another run", facts.run_id, ascii(decision.run_id)[:80]
        )
    if decision.gate != facts.request.gate:
        return DecisionFault("other_gate", "the decision is about another gate", facts.request.gate, decision.gate)
    if decision.checkpoint != facts.checkpoint:
        return DecisionFault(
            "stale",
            "the decision is stale: the log is not what it was when the person decided",
            f"{facts.checkpoint.size} lines, root {facts.checkpoint.root}",
            f"{decision.checkpoint.size} lines, root {decision.checkpoint.root}",
            "look again, and decide again",
        )
    if tuple(decision.shows) != facts.shows:
        differ = {f.path for f in set(decision.shows) ^ set(facts.shows)} or {"their order"}
        return DecisionFault(
            "stale",
            "the decision is stale: the files are not those that the person was shown",
            got=", ".join(ascii(path)[1:-1] for path in sorted(differ))[:400],
            hint="look again, and decide again",
        )
    return None


def why_incomplete(decision: Decision, facts: GateFacts) -> DecisionFault | None:
    """Texts, names and times that cannot stand in it; answers; the meaning; what shows that the person was there."""
    if fault := _why_bad_content(decision, facts.request.rules):
        return fault
    shown = [ref.path for ref in facts.shows] if any(answer.evidence for answer in decision.answers) else ()
    if wrong := fault_of(decision.answers, facts.request.checklist, decision.verdict, shown):
        return DecisionFault("answers", wrong.what, wrong.expected, wrong.got, wrong.hint)
    return _why_other_meaning(decision, facts) or why_not_present(decision.presence, facts.request.rules)


_WAYS: Final = {
    "passphrase": "--key FILE of a key that has a passphrase, typed on a terminal (a file with it proves nothing)",
    "touch": "--key FILE.pub of a security key that you touch",
    "agent": "--key FILE.pub of a key that the ssh-agent has",
    "not proved": "any key",
}


def why_not_present(presence: Presence, rules: GateRules) -> DecisionFault | None:
    """What shows that the person was there is not what these rules accept."""
    if presence in rules.presence:
        return None
    return DecisionFault(
        "presence",
        f"the gate does not accept how presence was shown: {presence}",
        " or ".join(rules.presence),
        presence,
        f"sign with {_ways_to_show(rules)}",
    )


def _ways_to_show(rules: GateRules) -> str:
    """How to sign so that these rules accept it; no way that they do not."""
    return ", or ".join(_WAYS[proof] for proof in rules.presence)


def why_out_of_order(decision: Decision, facts: GateFacts, at: datetime) -> DecisionFault | None:
    """Times that cannot be, as it was recorded at the time `at` (aware); a decision after which nobody may decide
    again; nothing to withdraw."""
    return why_clock(decision.at, facts, at) or _why_lapsed(decision, at) or _why_not_again(decision, facts)


def why_clock(decided_at: str, facts: GateFacts, at: datetime) -> DecisionFault | None:
    """A time of a decision or vote before the gate opened or before the last decision, or after it was recorded, at
    the time `at` (aware). The votes of a blind gate are opened in any order."""
    before = [facts.opened_at]
    if facts.request.panel is None:
        before += [decision.at for decision in facts.decisions]
    latest = max(before)
    hint = "a clock was moved back: set it right, then decide"
    if decided_at < latest:
        what = "the decision is earlier than something that came before it"
        return DecisionFault("clock", what, f"{latest} or later", decided_at, hint)
    decided = _moment(decided_at)
    if decided is not None and decided > at:
        what = "the decision is later than the time at which it was recorded"
        return DecisionFault("clock", what, f"{at.isoformat()} or earlier", decided_at, hint)
    return None


def _why_lapsed(decision: Decision, at: datetime) -> DecisionFault | None:
    expires = _moment(decision.expires_at)
    if expires is not None and at >= expires:
        expected = f"a time before {decision.expires_at}"
        return DecisionFault("lapsed", "the decision has expired", expected, at.isoformat())
    return None


def _why_not_again(decision: Decision, facts: GateFacts) -> DecisionFault | None:
    own = [d for d in facts.decisions if d.signer.id == decision.signer.id]
    if decision.verdict == "withdraw":
        if any(d.verdict == "approve" for d in standing(own)):
            return None
        return DecisionFault("nothing_to_withdraw", f"{decision.signer.id} has no approval at this gate to withdraw")
    decided = _moment(decision.at)
    is_renewal = bool(own) and decided is not None and has_expired(own[-1], decided)
    if own and not facts.request.rules.redecide and not is_renewal:
        return DecisionFault(
            "already_decided",
            f"{decision.signer.id} has decided at this gate, and its rules let nobody decide again",
            got=f"{own[-1].verdict} at {own[-1].at}",
        )
    return None


def _why_other_meaning(decision: Decision, facts: GateFacts) -> DecisionFault | None:
    wanted = {need.meaning for need in needs_in(decision.signer.role, facts.needs)}
    if decision.verdict != "approve" or not wanted or wanted & {"", decision.meaning}:
        return None
    expected = " or ".join(sorted(wanted))
    return DecisionFault(
        "meaning",
        f"the gate asks a {decision.signer.role} for a signature that means {expected}",
        expected,
        decision.meaning,
        f"--meaning {min(wanted)}",
    )


def _why_bad_content(decision: Decision, rules: GateRules) -> DecisionFault | None:
    signer = decision.signer
    if why := why_not_a_principal(signer.id):
        return DecisionFault("content", f"the signer's id cannot be one: {why}", got=ascii(signer.id)[:80])
    if not signer.name.strip() or why_not_plain(signer.name):
        return DecisionFault("content", "the signer's printed name is empty or not plain text")
    if why := why_mixed(signer.name):
        return DecisionFault(
            "name", f"the printed name could pass for another: {why}", got=ascii(signer.name)[1:-1][:80]
        )
    texts = [decision.comment, *decision.required_changes]
    if any(why_not_plain(text, allowed="\n\t") for text in texts) or sum(map(len, texts)) > LONGEST_COMMENT:
        return DecisionFault(
            "content", "the comment cannot be shown", expected=f"plain text, at most {LONGEST_COMMENT} characters"
        )
    if decision.verdict != "approve" and not decision.comment.strip():
        return DecisionFault("content", f"to {decision.verdict} needs a reason", expected="a comment that is not empty")
    return _why_bad_changes(decision) or _why_bad_times(decision, rules)


def _why_bad_changes(decision: Decision) -> DecisionFault | None:
    if decision.verdict != "revise" and (decision.required_changes or decision.from_step):
        return DecisionFault("content", f"to {decision.verdict} asks for no changes", expected="revise")
    if not all(change.strip() for change in decision.required_changes):
        return DecisionFault("content", "a required change is empty")
    if decision.from_step and not _STEP_ID.match(decision.from_step):
        return DecisionFault("content", "from_step cannot be the id of a step", got=ascii(decision.from_step)[:80])
    return None


def _moment(text: str) -> datetime | None:
    """The time that `text` spells; None when it is none, which `why_incomplete` says."""
    try:
        return time.read(text)
    except ValueError:
        return None


def _why_bad_times(decision: Decision, rules: GateRules) -> DecisionFault | None:
    try:
        time.read(decision.at)
        if decision.expires_at:
            time.read(decision.expires_at)
        due = expiry(rules, decision.verdict, decision.at)
    except (ValueError, OverflowError) as error:
        return DecisionFault("content", "a time of the decision is not a time", got=str(error))
    if decision.expires_at == due or (due and "" < decision.expires_at < due):
        return None
    return DecisionFault(
        "content",
        "the decision does not expire as the gate's rules say",
        due or "never",
        decision.expires_at or "never",
    )
