"""From a checked workflow to `input.json`: files read and digested, inputs and models resolved, secrets refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from awo import plugins
from awo.canon.digest import sha256_hex
from awo.errors import CannotCheck, Problem, UsageError, WorkflowInvalid
from awo.evidence.events import FileRef
from awo.evidence.records import InputFile, InputRecord, ModelRecord, RetryRecord, StepRecord, encode_input, json_object
from awo.evidence.secrets import SecretCutter
from awo.gate.checklist import read_checklist
from awo.inference.seam import Backend, ModelFailed
from awo.workflow.definition import FileInput, Model, Retries, Step, Workflow
from awo.workflow.faults import Fault, invalid
from awo.workflow.files import MOST_CONTENT_BYTES, DeclaredFile, Folder, read_declared
from awo.workflow.marks import marked_in


def resolve(workflow: Workflow, *, root: Path, source_name: str, secrets: SecretCutter) -> InputRecord:
    """What a run of `workflow` starts from; `root` is the workflow file's folder, `source_name` its name on record.

    Takes the steps out of `workflow`. The value of an input with a file is the file's text.
    Arguments have their defaults filled in, so that a later version of AWO with other defaults
    runs the same. Raises `WorkflowInvalid` with every file that cannot be read or leaves `root`, or
    with every place that holds a secret.
    """
    folder = Folder(root)
    faults = read_declared(folder, workflow.inputs, workflow.steps)
    faults += _bad_checklists(workflow.steps, {file.path: file for file in folder.records})
    faults += _bad_models(workflow.models, root)
    if faults:
        raise invalid(workflow.source, faults)
    files = [
        InputFile(path=f.path, sha256=f.sha256, size_bytes=f.size_bytes, encoding=f.encoding, content=f.content)
        for f in folder.records
    ]
    contents = {file.path: file.content for file in files}
    data = workflow.source.data
    record = InputRecord(
        format="awo/input/v1",
        name=workflow.name,
        description=workflow.description,
        source=FileRef(path=source_name, sha256=sha256_hex(data), size_bytes=len(data)),
        seed=workflow.seed,
        inputs={
            name: contents[declared.path] if isinstance(declared, FileInput) else declared.value
            for name, declared in workflow.inputs.items()
        },
        files=files,
        models={name: _model_record(model) for name, model in workflow.models.items()},
        default_model=workflow.default_model,
        steps=_step_records(workflow),
    )
    _refuse_secrets(record, workflow, secrets)
    return record


def _bad_checklists(steps: Iterable[Step], files: Mapping[str, DeclaredFile]) -> Iterator[Fault]:
    """What is wrong with the checklists, so that no run finds out at its gate, after all the work before it."""
    for step in steps:
        for marked in marked_in(step.args) if step.is_gate else ():
            file = files.get(marked.text)  # one that is missing is a fault already
            if file is None:
                continue
            if file.encoding == "absent":
                what = f"the checklist {file.path!r} must be text in UTF-8 of at most {MOST_CONTENT_BYTES} bytes"
                yield Fault(step.path_of(marked.path), what)
                continue
            try:
                read_checklist(file.content, where=file.path)
            except UsageError as error:
                what = f"{error.what} ({error.where})"
                yield Fault(step.path_of(marked.path), what, error.expected, error.got, error.hint)


def _bad_models(models: Mapping[str, Model], root: Path) -> Iterator[Fault]:
    """What is asked of models that they do not know. What this machine lacks is for `refuse_missing_models`."""
    for name, model in models.items():
        try:
            _backend(model.backend, model.model, model.params, model.seed, root).check()
        except ModelFailed as error:
            yield Fault(("models", name), error.what, got=error.got, hint=error.hint)
        except CannotCheck:
            pass


def refuse_missing_models(record: InputRecord, root: Path) -> None:
    """Raises `CannotCheck` when a model of the workflow needs what this machine does not have."""
    for model in record.models.values():
        _backend(model.backend, model.model, model.params, model.seed, root).check()


def _backend(kind: str, model: str, params: Mapping[str, Any], seed: int, root: Path) -> Backend:
    backend: Backend = plugins.load(plugins.BACKENDS, kind, "model backend")(model, params, seed, root)
    return backend


def _model_record(model: Model) -> ModelRecord:
    return ModelRecord(
        backend=model.backend,
        model=model.model,
        params=_plain(model.params),
        seed=model.seed,
        on_unknown=model.on_unknown,
    )


def _step_records(workflow: Workflow) -> list[StepRecord]:
    """The steps, taken out of `workflow` one by one: of ten thousand, each is held in one form only."""
    workflow.steps.reverse()
    records = []
    while workflow.steps:
        records.append(_step_record(workflow.steps.pop()))
    return records


def _step_record(step: Step) -> StepRecord:
    return StepRecord(
        id=step.id,
        op=step.op,
        args=json_object(step.args),
        needs=step.needs,
        when=step.when,
        retries=_retry_record(step.retries),
        timeout_s=step.timeout_s,
    )


@cache
def _retry_record(retries: Retries) -> RetryRecord:
    return RetryRecord(max=retries.max, delay_s=retries.delay_s)


def _plain(value: Any) -> dict[str, Any]:
    """The value as input.json will give it back: lists for tuples, and nothing shared with the workflow."""
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(value))
    return plain


def _refuse_secrets(record: InputRecord, workflow: Workflow, secrets: SecretCutter) -> None:
    """Looks through the bytes that would be written, so that no escape in the file can hide a secret."""
    found = sorted({name for piece in encode_input(record) for name in secrets.found_in(piece)})
    if not found:
        return
    texts = {workflow.source.file: workflow.source.data} | {f.path: f.content.encode() for f in record.files}
    problems = []
    for variable in found:
        places = [(name, line) for name, data in texts.items() if (line := _line_with(variable, data, secrets))]
        problems += [
            Problem(
                file=name,
                line=line,
                column=1 if line else 0,
                what=f"the value of the environment variable {variable} stands here",
                hint="a run's folder is evidence and must hold no secret: remove it, and give the variable's name "
                "instead",
            )
            for name, line in places or [(workflow.source.file, 0)]
        ]
    raise WorkflowInvalid(tuple(sorted(problems, key=lambda problem: (problem.file, problem.line))))


def _line_with(variable: str, data: bytes, secrets: SecretCutter) -> int:
    """The first line that holds the secret as it is; 0 when no single line does."""
    lines = data.split(b"\n")
    return next((number for number, line in enumerate(lines, start=1) if variable in secrets.found_in(line)), 0)
