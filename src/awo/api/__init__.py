"""The only door for programs: load, run, resume, decide, seal, verify, export. The command line uses nothing else."""

from __future__ import annotations

from awo.api.keys import OWN_KEY_ID, Identity, enrol, identity, keys_folder, new_key, open_key
from awo.api.looking import facts, follow, is_sealed, is_worked_on, open_run, outcomes, pending_gate, plan
from awo.api.packages import export, export_every_eval_ever, export_table, verify
from awo.api.projects import (
    PROJECT_FILE,
    REVIEWERS,
    Project,
    find_project,
    find_run,
    lacking,
    lay_out,
    load,
    operations,
    promise,
    run_folders,
    workflow_schema,
)
from awo.api.running import decide, replay, rescore, resume, run
from awo.api.sealing import freeze, render, seal_finished

__all__ = [
    "OWN_KEY_ID",
    "PROJECT_FILE",
    "REVIEWERS",
    "Identity",
    "Project",
    "decide",
    "enrol",
    "export",
    "export_every_eval_ever",
    "export_table",
    "facts",
    "find_project",
    "find_run",
    "follow",
    "freeze",
    "identity",
    "is_sealed",
    "is_worked_on",
    "keys_folder",
    "lacking",
    "lay_out",
    "load",
    "new_key",
    "open_key",
    "open_run",
    "operations",
    "outcomes",
    "pending_gate",
    "plan",
    "promise",
    "render",
    "replay",
    "rescore",
    "resume",
    "run",
    "run_folders",
    "seal_finished",
    "verify",
    "workflow_schema",
]
