"""What people decided at the gates: what they were asked and shown, what they answered, and under which key."""

from __future__ import annotations

from awo.derive.facts import GateFacts, RunFacts
from awo.derive.gate_words import rules_in_words
from awo.derive.markdown import table
from awo.derive.phrases import count, moment, short_digest, size
from awo.derive.report.reader import Reader
from awo.derive.report.shown import (
    FAILURES_LISTED,
    FILES_LISTED,
    ROWS_SHOWN,
    line,
    more,
    named,
    passage,
    prose,
    word,
)
from awo.derive.views import deadline_of
from awo.evidence.gates import Answer, Decision, GateRequest
from awo.evidence.layout import GATE_PENDING, JOURNAL

GATES_DETAILED = 10
DECISIONS_SHOWN = 8

_VERDICTS = {"approve": "**approved**", "reject": "**rejected**", "revise": "**sent back**", "withdraw": "withdrew"}


def decisions(facts: RunFacts, read: Reader) -> str:
    """Every gate that opened, in order; '' when there was none."""
    if not facts.gates and not facts.refusals:
        return ""
    said = ["## Decisions of people\n"]
    if facts.is_solo:
        said.append(
            "> [!NOTE]\n> This run was started under a rule that lets the person who started a run decide on it.\n"
        )
    said += [_gate(facts, gate, read) for gate in facts.gates[:GATES_DETAILED]]
    said.append(more(len(facts.gates), GATES_DETAILED, "gate", named(JOURNAL)))
    said.append(_refusals(facts))
    return "\n".join(part for part in said if part)


def _gate(facts: RunFacts, gate: GateFacts, read: Reader) -> str:
    request = read.gate_request(gate.request.path)
    taken = [(one.decision.path, read.decision(one.decision.path)) for one in gate.decisions[:DECISIONS_SHOWN]]
    said = [f"### Gate {word(gate.gate)}: {gate.verdict or 'waiting'}\n"]
    needs = ", ".join(
        f"{count(need.count, 'person', 'people')} in the role {line(need.role)}"
        + (f" (as {need.meaning})" if need.meaning else "")
        for need in request.needs[:10]
    )
    closed = f", closed {moment(gate.closed_at)}" if gate.closed_at else ""
    said.append(f"Opened {moment(gate.opened_at)}{closed}. It asks for: {needs or 'nobody'}.\n")
    if not gate.verdict:
        said.append(f"What is missing: {named(GATE_PENDING)}.\n")
    said.append(_rules(facts, gate, request))
    said.append(_course(gate))
    last = {one.signer: one.decision.path for one in gate.decisions}
    standing = set(last.values())
    said.append(_checklist(request, [(decision, path in standing) for path, decision in taken]))
    said += [_decision(path, decision, stands=path in standing) for path, decision in taken]
    said.append(more(len(gate.decisions), len(taken), "decision", named(JOURNAL)))
    if request.panel is not None:
        from awo.derive.report.panels import panel

        said.append(panel(facts, gate, request, read))
    said.append(_shown_files(gate))
    return "\n".join(part for part in said if part)


def _checklist(request: GateRequest, taken: list[tuple[Decision, bool]]) -> str:
    if not request.checklist:
        return "The checklist is empty.\n"
    answers = [{answer.id: _answer(answer) for answer in decision.answers} for decision, _ in taken]
    rows = [
        [
            word(item.id),
            passage(item.text) + ("" if item.required else " *(optional)*"),
            *(given.get(item.id) or "*(no answer)*" for given in answers),
        ]
        for item in request.checklist[:ROWS_SHOWN]
    ]
    header = ["item", "question", *(_column(*one) for one in taken)]
    return table(header, rows) + more(len(request.checklist), len(rows), "question", word("gate.json"))


def _column(decision: Decision, stands: bool) -> str:
    return f"answer of {line(decision.signer.id)}{'' if stands else ' (replaced)'}"


def _answer(answer: Answer) -> str:
    said = passage(answer.answer)
    return f"{said}, see {line(answer.evidence)}" if answer.evidence else said


def _rules(facts: RunFacts, gate: GateFacts, request: GateRequest) -> str:
    """What the project's policy asked of decisions here, as it stood when the gate opened."""
    rules = rules_in_words(
        request.rules,
        facts.starter.id,
        facts.input.authors,
        deadline_at=deadline_of(request.rules, gate.opened_at),
        is_escalated=gate.deadline is not None and gate.deadline.then == "escalate",
        show=line,
    )
    return "Its rules, frozen when it opened:\n\n" + "".join(f"- {rule}\n" for rule in rules)


def _course(gate: GateFacts) -> str:
    """What happened to the gate beside decisions: its deadline, approvals that expired, notices."""
    said = []
    if gate.deadline is not None:
        then = {"wait": "it went on waiting", "reject": "the run was rejected", "escalate": "others were asked"}
        said.append(f"Its deadline had passed by {moment(gate.deadline.at)}: {then[gate.deadline.then]}.")
    said += [
        f"An approval had expired before the run went on: by {moment(at)} the gate was open again."
        for at in gate.lapses[:ROWS_SHOWN]
    ]
    if gate.told:
        sent, failed = sum(one.sent for one in gate.told), sum(one.failed for one in gate.told)
        said.append(f"{count(sent, 'notice')} went out while it was open, {failed:,} could not be sent.")
    return "".join(f"{sentence}\n\n" for sentence in said)


def _decision(path: str, decision: Decision, *, stands: bool) -> str:
    signer = decision.signer
    rows = [
        ["name", line(signer.name)],
        ["id", line(signer.id)],
        ["role", line(signer.role)],
        ["meaning of the signature", decision.meaning],
        ["time, by the signer's clock", moment(decision.at)],
        ["expires", moment(decision.expires_at) if decision.expires_at else "never"],
        ["key", word(signer.key)],
        ["presence at the signing", decision.presence],
        ["state of the journal", f"{decision.checkpoint.size:,} lines, root {word(decision.checkpoint.root)}"],
        ["signed file", f"{named(path)}, signature {named(path + '.sig')}"],
    ]
    replaced = "" if stands else "; their later decision took its place"
    said = [f"{line(signer.name)} {_VERDICTS[decision.verdict]}{replaced}:\n", table(["", ""], rows)]
    if decision.solo:
        said.append(
            f"> [!WARNING]\n> **This is no independent review:** {line(signer.id)} decided on a run that they had "
            "started themselves.\n"
        )
    if decision.comment:
        said.append(f"Comment:\n\n{prose(decision.comment)}")
    if decision.from_step:
        said.append(f"To be done again from the step {word(decision.from_step)}.\n")
    if decision.required_changes:
        changes = [f"- {line(change)}\n" for change in decision.required_changes[:ROWS_SHOWN]]
        said.append("Changes asked for:\n\n" + "".join(changes))
        said.append(more(len(decision.required_changes), len(changes), "change", named(path)))
    return "\n".join(part for part in said if part)


def _shown_files(gate: GateFacts) -> str:
    if not gate.shows:
        return ""
    rows = [
        [named(ref.path), size(ref.size_bytes), word(short_digest(ref.sha256))] for ref in gate.shows[:FILES_LISTED]
    ]
    return (
        f"What was shown, and is covered by the signature ({count(len(gate.shows), 'file')}):\n\n"
        + table(["file", "size", "SHA-256"], rows)
        + more(len(gate.shows), len(rows), "file", named(JOURNAL))
    )


def _refusals(facts: RunFacts) -> str:
    if not facts.refusals:
        return ""
    rows = [
        [word(one.gate), moment(one.at), line(one.signer), word(one.reason.code), line(one.reason.message)]
        for one in facts.refusals[:FAILURES_LISTED]
    ]
    return (
        "Attempts to decide that were refused:\n\n"
        + table(["gate", "time", "who", "reason", "in words"], rows)
        + more(len(facts.refusals), len(rows), "attempt", named(JOURNAL))
    )
