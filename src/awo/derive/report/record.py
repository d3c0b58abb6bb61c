"""The last pages: on what the run ran, which files it left, and how a stranger checks them by hand."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from heapq import nsmallest
from typing import Any

from awo.derive.facts import RunFacts
from awo.derive.markdown import block, shorten, table, visible
from awo.derive.phrases import count, moment, short_digest, size
from awo.derive.report.shown import FILES_LISTED, LINE_CHARACTERS, compact, line, more, named, word
from awo.derive.views import recorded_files
from awo.evidence.layout import ALLOWED_SIGNERS, JOURNAL, METADATA, SEAL, SEAL_SIGNATURE, SUMS, signature_path

SIGNATURES_CHECKED = 8
SAID_BY_VALUES = {"python": ("implementation", "version"), "platform": ("system", "release", "machine")}
SAID_ELSEWHERE = frozenset({"is_dirty", "diff_sha256", "has_workflow"})
SAID_BY_NUMBER = ("distributions", "system_packages")
SAID_IN_WORDS = frozenset({"container", "gpu", "locale", "memory", "threads", "time_zone"})


def environment(facts: RunFacts) -> str:
    """The machine and its software, in brief; loud where the code that ran is not what git has."""
    if not facts.environments:
        return ""
    said = ["## Where it ran\n"]
    before: Mapping[str, Any] = {}
    for number, one in enumerate(facts.environments[:3]):
        if number and one.environment == before:
            said.append(f"Taken up again {moment(one.at)}, on the same.\n")
            continue
        if number:
            said.append(f"Taken up again {moment(one.at)}, on another or a changed machine:\n")
        before = one.environment
        said.append(_machine(one.environment))
        git = one.environment.get("git")
        if isinstance(git, dict) and git.get("is_dirty"):
            said.append(
                "> [!WARNING]\n> The project had changes that no commit has, so the commit alone does not say "
                f"what ran. Digest of the difference: {word(compact(git.get('diff_sha256', '')))}.\n"
            )
    said.append(more(len(facts.environments), 3, "start", named(METADATA)))
    said.append(f"Every package and number: {named(METADATA)}.\n")
    return "\n".join(part for part in said if part)


def files(facts: RunFacts) -> str:
    """The files that the journal names, all or the largest."""
    total = sum(1 for _ in recorded_files(facts))
    if total > FILES_LISTED:
        which = f"The {FILES_LISTED} largest of "
        shown = nsmallest(FILES_LISTED, recorded_files(facts), key=lambda ref: (-ref.size_bytes, ref.path))
    else:
        which = ""
        shown = sorted(recorded_files(facts), key=lambda ref: ref.path)
    rows = [[named(ref.path), size(ref.size_bytes), word(short_digest(ref.sha256))] for ref in shown]
    return (
        f"## Files\n\n{which}{count(total, 'file')} that the journal names with their digests; "
        f"{named(SUMS)} has every file in full once the run has ended.\n\n" + table(["file", "size", "SHA-256"], rows)
    )


def by_hand(facts: RunFacts) -> str:
    """The exact commands of a stranger, and what their yes does and does not mean."""
    when = "" if facts.outcome else "The run has not ended, so the sums and the seal are not there yet.\n\n"
    signed = [one for gate in facts.gates for one in gate.decisions]
    commands = [
        "# 1. Every file is as it was when the run was sealed (macOS: shasum -a 256 -c SHA256SUMS).",
        f"sha256sum -c {SUMS}",
        f"# 2. The sums are the ones that were sealed: this number stands in {SEAL} as sums_sha256.",
        f"sha256sum {SUMS}",
        "# 3. The seal was signed.",
        _check_signature(facts.starter.id, "awo-seal", SEAL, SEAL_SIGNATURE),
    ]
    if signed:
        commands.append("# 4. Each decision was signed, with a key that was valid when it was recorded.")
    for one in signed[:SIGNATURES_CHECKED]:
        path, digits = one.decision.path, "".join(character for character in one.at[:19] if character.isdigit())
        commands.append(_check_signature(one.signer, "awo-decision", path, signature_path(path), f"{digits}Z"))
    commands.append(f"# {'5' if signed else '4'}. All of it, and that the journal follows the rules.")
    commands.append("awo verify .")
    return (
        "## How to check this by hand\n\n"
        f"{when}In the folder of the run:\n\n"
        + block(_one_by_one(commands)).replace("```text", "```sh", 1)
        + more(len(signed), min(len(signed), SIGNATURES_CHECKED), "decision", named(JOURNAL))
        + "\n"
        f"**What a yes proves.** No byte of the listed files has changed since the seal, and who holds the key that "
        f"{named(ALLOWED_SIGNERS)} lists for an id signed the seal or the decision. A decision names the state of the "
        "journal and the digest of every file that was shown; `awo verify` compares them with what is here and "
        "replays the journal against the rules of a run.\n\n"
        f"**What it does not prove.** {named(ALLOWED_SIGNERS)} lies in this folder, so it says who is *claimed* to "
        "have signed. To know whom to believe, get the keys from a place you trust and use that file instead "
        "(`awo verify --trust FILE .`). Times are what the clock of the machine said. Nothing here says that no other "
        "run was made and left out, that the models' answers are true, or that the person looked with care.\n"
    )


def _one_by_one(lines: list[str]) -> str:
    """Commands, one a line, in which nothing foreign can begin a new line."""
    return "\n".join(visible(line) for line in lines) + "\n"


def _check_signature(signer: str, namespace: str, path: str, signature: str, at: str = "") -> str:
    when = f"-Overify-time={at} " if at else ""
    return (
        f"ssh-keygen -Y verify -f {ALLOWED_SIGNERS} -I {shlex.quote(signer)} -n {namespace} {when}"
        f"-s {shlex.quote(signature)} < {shlex.quote(path)}"
    )


def _machine(facts: Mapping[str, Any]) -> str:
    rows = []
    for name in ("python", "platform", "cpu", "git"):
        value = facts.get(name)
        if isinstance(value, dict):
            rows.append([name, line(_in_a_line(name, value))])
        elif value not in ("", None):
            rows.append([name, line(compact(value))])
    packages = facts.get("packages")
    if isinstance(packages, list):
        rows.append(["packages", f"{len(packages):,} Python packages"])
    for name in SAID_BY_NUMBER:
        said = facts.get(name)
        if isinstance(said, dict) and isinstance(said.get("found"), list):
            rows.append([name.replace("_", " "), f"{len(said['found']):,}, in {named(METADATA)}"])
    numbered = {name for name in SAID_BY_NUMBER if name in facts and isinstance(facts[name], dict)}
    others = sorted(set(facts) - {"python", "platform", "cpu", "git", "packages"} - numbered)
    rows += [[line(name.replace("_", " ")), line(_other(name, facts[name]))] for name in others[:10]]
    return table(["", ""], rows)


def _other(name: str, value: Any) -> str:
    if name in SAID_IN_WORDS and isinstance(value, dict):
        return _in_a_line(name, value) or "nothing set"
    if name == "diff" and isinstance(value, dict) and isinstance(value.get("size_bytes"), int):
        return f"{count(value['size_bytes'], 'byte')} of text, in {METADATA}"
    return shorten(compact(value), LINE_CHARACTERS)


def _in_a_line(name: str, facts: Mapping[str, Any]) -> str:
    if name in SAID_BY_VALUES and set(facts) == set(SAID_BY_VALUES[name]):
        return " ".join(compact(facts[key]) for key in SAID_BY_VALUES[name])
    return ", ".join(
        f"{key.replace('_', ' ')} {compact(value)}"
        for key, value in sorted(facts.items())
        if value not in ("", None, [], {}) and key not in SAID_ELSEWHERE
    )
