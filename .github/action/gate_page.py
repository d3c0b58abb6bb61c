"""The words of the job's summary: how a run stands, and what the people do for whom it waits."""

from __future__ import annotations

import re
from typing import Any

SHOWN = 50
_STATES = {
    "sealed": "is sealed",
    "waiting": "waits for a person",
    "rejected": "was rejected, and is kept as evidence",
    "failed": "has failed",
}


def heading(run: str, state: str, outcome: str, sha256: str) -> str:
    """One line about a run, and the digest of its bundle."""
    ended = f" ({outcome})" if outcome and outcome != state else ""
    said = f"## AWO: {f'`{run}` ' if run else 'no run was started: it '}{_STATES[state]}{ended}\n"
    return said + (f"\nBundle: `{run}.tar.gz`, SHA-256 `{sha256}`\n" if sha256 else "")


def as_code(text: str) -> str:
    """Text of anybody as a block that Markdown and HTML leave alone: its fence is longer than any in the text."""
    longest = max((len(found) for found in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"\n{fence}text\n{text}\n{fence}\n"


def instructions(shown: dict[str, Any], run: str, *, is_kept: bool, is_refused: bool = False) -> str:
    """What to type, from what `awo gates show --json` says; `is_kept` says that the run has been pushed, `is_refused`
    that something went wrong on the way here."""
    gate = shown["gate"]
    roles = [need["role"] for need in gate["missing"]]
    environments = [role.removeprefix("github:") for role in roles if role.startswith("github:")]
    people = [need for need in gate["missing"] if not need["role"].startswith("github:")]
    begin = "" if is_refused else "This is no failure: "
    lines = ["", f"{begin}{'T' if is_refused else 't'}he run goes on when it has been decided.", ""]
    if people:
        asked = ", ".join(f"{need['count']} × {need['role']}" for need in people)
        lines += ["Who may decide (roles stand in `awo.toml`, keys in `reviewers/allowed_signers`):", as_code(asked)]
        lines += ["In a clone of this repository:", as_code("\n".join(_commands(gate, run, people[0], is_kept)))]
    if environments:
        lines += ["To be approved on GitHub, in the protected environment:", as_code("\n".join(environments))]
        lines += ["A line `ITEM=ANSWER` of the comment there answers an item of the checklist.", ""]
    if gate["checklist"]:
        items = [
            f"{item['id']}{'' if item['required'] else ' (optional)'}: {item['text']}" for item in gate["checklist"]
        ]
        more = [f"and {len(items) - SHOWN} more"] if len(items) > SHOWN else []
        lines += ["The checklist:", as_code("\n".join([*items[:SHOWN], *more]))]
    root = gate["checkpoint"]["root"]
    lines += [f"What is decided on: {gate['checkpoint']['size']} lines of the journal, root `{root}`.", ""]
    return "\n".join(lines)


def _commands(gate: dict[str, Any], run: str, need: dict[str, Any], is_kept: bool) -> list[str]:
    answers = [f"--answer {item['id']}=ANSWER" for item in gate["checklist"][:SHOWN] if item["required"]]
    meaning = [f"--meaning {need['meaning']}"] if need.get("meaning") else []
    approve = " ".join([f"awo approve {run} --key KEY --as ID", *meaning, *answers])
    first = ["git pull"] if is_kept else [f"# unpack the artifact awo-waiting into runs/, so that runs/{run} is there"]
    kept = f"git add -f runs/{run} runs/ledger && git commit -m 'Decide on {run}' && git push"
    return [*first, f"awo gates show {run}", f"{approve}    # or awo reject, awo revise", kept]
