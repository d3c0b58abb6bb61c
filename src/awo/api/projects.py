"""The folder of a project: its policy, its runs, and the workflows that are loaded there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from awo.engine import folder as folders
from awo.errors import CannotCheck, DiskTrouble, UsageError
from awo.gate.project import Policy, read_policy

if TYPE_CHECKING:  # what a command does not use is not loaded: `awo verify` knows nothing of the engine
    from awo.evidence.records import InputRecord
    from awo.evidence.secrets import SecretCutter
    from awo.sign.allowed_signers import AllowedSigners
    from awo.workflow.definition import Workflow
    from awo.workflow.words import StepKind


PROJECT_FILE = "awo.toml"


REVIEWERS = "reviewers/allowed_signers"


@dataclass(frozen=True, slots=True)
class Project:
    """A folder with awo.toml (or none), runs/ and reviewers/."""

    root: Path
    runs: Path
    policy: Policy

    @property
    def reviewers_file(self) -> Path:
        return self.root / REVIEWERS

    def reviewers(self) -> AllowedSigners | None:
        """Who may decide in this project; None without file. Raises `UsageError` for a bad line."""
        if not self.reviewers_file.is_file():
            return None
        from awo.sign.allowed_signers import AllowedSigners

        where = str(self.reviewers_file)
        try:
            text = self.reviewers_file.read_bytes().decode()
        except UnicodeDecodeError as error:
            raise UsageError("the list of reviewers is not text in UTF-8", where=where, got=str(error)) from error
        return AllowedSigners.parse(text, where=where)


def find_project(start: Path, runs: Path | None = None) -> Project:
    """The project around `start`: the nearest folder upwards with awo.toml, else `start` itself."""
    start = start.resolve()
    root = next((folder for folder in (start, *start.parents) if (folder / PROJECT_FILE).is_file()), start)
    path = root / PROJECT_FILE
    policy = read_policy(path.read_bytes().decode(), where=str(path)) if path.is_file() else Policy()
    return Project(root=root, runs=runs or root / "runs", policy=policy)


def find_run(project: Project, name: str) -> Path:
    """The folder of the run that `name` (an id, a path or `latest`) means. Raises `UsageError`."""
    return folders.find_run(project.runs, name)


def run_folders(project: Project) -> list[Path]:
    """Every run of the project, oldest first."""
    return folders.run_folders(project.runs)


def operations() -> dict[str, StepKind]:
    """What a workflow file may say of each operation, by its name."""
    from awo import plugins
    from awo.workflow.words import StepKind

    rows = {name: plugins.load(plugins.OPERATIONS, name, "operation") for name in plugins.OPERATIONS}
    return {name: StepKind(row.args, can_fan_out=row.requests is not None) for name, row in rows.items()}


def load(path: Path) -> Workflow:
    """The workflow in a file. Raises `WorkflowInvalid` with every problem, or `UsageError`."""
    from awo.workflow.load import load as load_workflow

    return load_workflow(path, operations())


def promise(
    project: Project, path: Path, *, budget_usd: str = "", cache: bool = False, rescores: str = ""
) -> InputRecord:
    """What input.json of a run of this file would say. Raises `WorkflowInvalid` or `UsageError`.

    `budget_usd` and `cache` go over what the file says of them. A run that `rescores` another (its id)
    calls nobody, and so has neither.
    """
    from dataclasses import replace

    from msgspec import structs

    from awo.engine.promise import resolve
    from awo.engine.registration import registered_before

    workflow = load(path)
    if budget_usd:
        workflow = replace(workflow, budget_usd=budget_usd)
    if cache:
        workflow = replace(workflow, cache=True)
    if rescores:
        workflow = replace(workflow, budget_usd="", cache=False)
    path = path.resolve()
    name = path.relative_to(project.root).as_posix() if path.is_relative_to(project.root) else path.name
    record = resolve(
        workflow,
        root=path.parent,
        source_name=name,
        secrets=secrets_here(),
        earlier=registered_before(project.runs),
    )
    return structs.replace(record, rescores=rescores) if rescores else record


def lacking(plan: InputRecord, path: Path) -> CannotCheck | None:
    """What this machine lacks for the models and the derived steps of a plan that was made from the file at `path`;
    None for nothing."""
    from awo.engine.promise import refuse_missing_models, refuse_missing_packages

    try:
        refuse_missing_models(plan, path.resolve().parent)
        refuse_missing_packages(plan)
    except CannotCheck as error:
        return error
    return None


def workflow_schema() -> dict[str, Any]:
    """The published JSON Schema of workflow files."""
    from awo.workflow.schema import workflow_schema as schema

    return schema(operations())


def lay_out(folder: Path, files: Mapping[str, str]) -> list[str]:
    """Writes the files that are not there yet, by their path below `folder`; gives the ones it made.

    Raises `DiskTrouble`.
    """
    made = []
    for name, text in files.items():
        path = folder / name
        try:
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
                made.append(name)
        except OSError as error:
            raise DiskTrouble("this file cannot be made", where=str(path), got=str(error.strerror)) from error
    return made


def secrets_here() -> SecretCutter:
    """Cuts the secrets of the environment, the keys of the file that models' keys stand in, and the addresses to
    which notices go."""
    from awo.evidence.secrets import SecretCutter
    from awo.inference import keys
    from awo.publish import notice_addresses

    also = keys.secrets(os.environ) | notice_addresses.secrets(os.environ)
    return SecretCutter.from_environment(os.environ, also=also)
