"""Takes up an approval that was given on GitHub, as the choice of the key that relays it. ADR 0020."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from awo.api.looking import pending_gate
from awo.api.projects import Project
from awo.errors import AwoError

if TYPE_CHECKING:
    from awo.engine.choice import Choice
    from awo.evidence.events import DecisionRecorded


def relayed_from_github(project: Project, folder: Path, choice: Choice) -> Choice:
    """`choice`, with what GitHub says of the protected environment that the open gate asks for: who approved it, and
    the answers to the checklist among what they wrote (lines like `item=answer`).

    GitHub is not asked where the gate or `awo.toml` take no relay: the engine then says so. Raises as
    `approval_on_github`.
    """
    from dataclasses import replace

    from awo.evidence.relayed import GITHUB, comment_of, environment_of
    from awo.publish.github_approvals import approval_on_github

    pending = pending_gate(folder)
    person = project.policy.person(choice.signer_id)
    needs = [*pending.missing, *pending.needs] if pending is not None else []
    roles = [need.role for need in needs if environment_of(need.role) and need.role in person.roles]
    if pending is None or not person.relays or not roles or pending.panel is not None:
        return replace(choice, relayed=GITHUB)
    rules = pending.rules
    relayed = approval_on_github(
        environment_of(roles[0]), os.environ, may_be_own=rules.solo or "starter" not in rules.separate_from
    )
    ids = {item.id for item in pending.checklist}
    return replace(
        choice,
        relayed=roles[0],
        comment=comment_of(relayed),
        answers=[line for line in relayed.words.split("\n") if line.partition("=")[0].strip() in ids],
        seen=pending.checkpoint,
    )


def relayed_in_words(folder: Path, recorded: DecisionRecorded) -> str:
    """That a recorded decision is relayed, and from where; '' for that of a person, and where its file is not there
    as it was recorded, which is for `verify` to say."""
    from awo.canon.json import parse_canonical
    from awo.engine.folder import refuse_altered
    from awo.evidence.gates import Decision
    from awo.evidence.relayed import in_words

    path = recorded.decision.path
    try:
        decision = parse_canonical(refuse_altered(folder, path, recorded.decision.sha256), Decision, where=path)
    except AwoError:
        return ""
    return in_words(decision.signer.role, decision.comment)
