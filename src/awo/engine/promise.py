"""From a checked workflow to `input.json`: files and data read and digested, inputs and models resolved, no secrets."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec

from awo import plugins
from awo.canon.digest import sha256_hex
from awo.derive.checks.every import faults_of_plan
from awo.derive.checks.plan import Planned
from awo.derive.seam import Derivation, needs_nothing
from awo.engine import pricing
from awo.engine.ahead import cells_record
from awo.engine.registration import Earlier, faults_of_claims, nobody_before, registered, with_all_needs
from awo.errors import CannotCheck, Problem, UsageError, WorkflowInvalid
from awo.evidence.events import FileRef
from awo.evidence.records import (
    NO_LIMITS,
    CellsRecord,
    DataRecord,
    InputFile,
    InputRecord,
    LimitsRecord,
    ModelRecord,
    RetryRecord,
    StepRecord,
    encode_input,
    json_object,
)
from awo.evidence.secrets import SecretCutter
from awo.gate.checklist import read_any_checklist
from awo.inference.seam import Backend, ModelFailed
from awo.workflow import fan_out
from awo.workflow.answer_schema import why_no_schema
from awo.workflow.datasets import read_values
from awo.workflow.definition import FileInput, Limits, Model, Retries, Step, ValueInput, Workflow
from awo.workflow.fan_out import DataSet
from awo.workflow.faults import Fault, invalid
from awo.workflow.files import MOST_CONTENT_BYTES, DeclaredFile, Folder, read_declared
from awo.workflow.marks import marked_in

_STEPS_NAMED: Final = 5


def resolve(
    workflow: Workflow, *, root: Path, source_name: str, secrets: SecretCutter, earlier: Earlier = nobody_before
) -> InputRecord:
    """What a run of `workflow` starts from; `root` is the workflow file's folder, `source_name` its name on record.

    `earlier` is asked which runs registered the workflow's claims before, only when there are claims.

    Takes the steps out of `workflow`. The value of an input with a file is the file's text; each data
    set is gone through once. Arguments have their defaults filled in, so that a later version of AWO
    with other defaults runs the same. Raises `WorkflowInvalid` with every file that cannot be read or
    leaves `root`, every row or column that does not fit, every model that cannot be asked or whose
    cost has no bound under a budget, or with every place that holds a secret; `CannotCheck` where a
    data set cannot be read on this machine.
    """
    folder = Folder(root)
    faults = read_declared(folder, workflow.inputs, workflow.steps)
    data, faults_of_data = fan_out.read_data(folder, workflow.inputs)
    counted = fan_out.counted(workflow.steps, data)
    files = {file.path: file for file in folder.records}
    faults += [*faults_of_data, *fan_out.bad_columns(workflow.steps, data), *counted.faults]
    faults += _bad_checklists(workflow.steps, files)
    faults += _bad_schemas(workflow.steps, files)
    planned = Planned.of(workflow.steps, {name: one.columns for name, one in data.items()}, workflow.default_model)
    faults += faults_of_plan(planned)
    faults += faults_of_claims(workflow, files, planned)
    faults += _bad_models(workflow.models, root)
    models = {name: _model_record(model, root) for name, model in workflow.models.items()}
    if workflow.budget_usd:
        faults += pricing.faults_of_prices(workflow.models, models)
    if faults:
        raise invalid(workflow.source, faults)
    record = _head(workflow, source_name, list(files.values()), models, data)
    if workflow.budget_usd and (faults := list(pricing.faults_of_bounds(workflow.steps, counted, record, root))):
        raise invalid(workflow.source, faults)
    claims = registered(workflow.steps, files, earlier)
    with_all_needs(workflow)
    record = msgspec.structs.replace(record, claims=claims, steps=_step_records(workflow, counted))
    _refuse_secrets(record, workflow, root, secrets)
    return record


def _head(
    workflow: Workflow,
    source_name: str,
    declared: Sequence[DeclaredFile],
    models: dict[str, ModelRecord],
    data: Mapping[str, DataSet],
) -> InputRecord:
    """input.json without its steps."""
    files = [
        InputFile(path=f.path, sha256=f.sha256, size_bytes=f.size_bytes, encoding=f.encoding, content=f.content)
        for f in declared
    ]
    contents = {file.path: file.content for file in files}
    source = workflow.source.data
    inputs: dict[str, Any] = {}
    for name, given in workflow.inputs.items():
        if isinstance(given, FileInput):
            inputs[name] = contents[given.path]
        elif isinstance(given, ValueInput):
            inputs[name] = given.value
    return InputRecord(
        format="awo/input/v1",
        name=workflow.name,
        description=workflow.description,
        source=FileRef(path=source_name, sha256=sha256_hex(source), size_bytes=len(source)),
        seed=workflow.seed,
        inputs=inputs,
        files=files,
        models=models,
        default_model=workflow.default_model,
        steps=[],
        budget_usd=workflow.budget_usd,
        cache=workflow.cache,
        data={
            name: DataRecord(
                path=one.path, format=one.format, id_column=one.id_column, rows=one.rows, columns=list(one.columns)
            )
            for name, one in data.items()
        },
    )


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
                read_any_checklist(file.content, where=file.path)
            except UsageError as error:
                what = f"{error.what} ({error.where})"
                yield Fault(step.path_of(marked.path), what, error.expected, error.got, error.hint)


def _bad_schemas(steps: Iterable[Step], files: Mapping[str, DeclaredFile]) -> Iterator[Fault]:
    """What is wrong with files that are to be JSON Schemas of answers."""
    for step in steps:
        for marked in marked_in(step.args):
            file = files.get(marked.text) if marked.kind == "schema" else None
            if file is None:
                continue
            if file.encoding == "absent":
                what = f"the schema {file.path!r} must be text in UTF-8 of at most {MOST_CONTENT_BYTES} bytes"
                yield Fault(step.path_of(marked.path), what)
                continue
            try:
                why = why_no_schema(json.loads(file.content))
            except (ValueError, RecursionError) as error:
                why = f"it is not JSON: {error}"
            if why:
                yield Fault(step.path_of(marked.path), f"the file {file.path!r} is no JSON Schema", got=why)


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


def refuse_missing_packages(record: InputRecord) -> None:
    """Raises `CannotCheck` when derived steps compute with packages that are not installed: all of them at once."""
    needed: dict[str, list[str]] = {}
    for step in record.steps:
        if step.op not in plugins.DERIVATIONS:
            continue
        derivation: Derivation[Any] = plugins.load(plugins.DERIVATIONS, step.op, "derivation")
        if derivation.needs is needs_nothing:
            continue
        for module in derivation.needs(msgspec.convert(step.arguments(), derivation.args)):
            needed.setdefault(module, []).append(step.id)
    missing = plugins.missing_modules(needed)
    if missing:
        steps = list(dict.fromkeys(step for module in missing for step in needed[module]))
        shown = ", ".join(steps[:_STEPS_NAMED]) + (" and others" if len(steps) > _STEPS_NAMED else "")
        raise CannotCheck(
            f"{'a package is' if len(missing) == 1 else 'packages are'} not installed: {', '.join(missing)}",
            where=f"step{'s' if len(steps) > 1 else ''} {shown}",
            hint=plugins.how_to_install(missing),
        )


def _backend(kind: str, model: str, params: Mapping[str, Any], seed: int, root: Path) -> Backend:
    backend: Backend = plugins.load(plugins.BACKENDS, kind, "model backend")(model, params, seed, root)
    return backend


def _model_record(model: Model, root: Path) -> ModelRecord:
    try:
        is_free = _backend(model.backend, model.model, model.params, model.seed, root).is_free
    except (ModelFailed, CannotCheck):
        is_free = False  # told by `_bad_models`, or once the run begins
    return ModelRecord(
        backend=model.backend,
        model=model.model,
        params=_plain(model.params),
        seed=model.seed,
        on_unknown=model.on_unknown,
        price=pricing.price_of(model, is_free=is_free),
        limits=_limits_record(model.limits),
    )


def _limits_record(limits: Limits) -> LimitsRecord:
    said = {name: value for name, value in asdict(limits).items() if value}
    return msgspec.structs.replace(NO_LIMITS, **said)


def _step_records(workflow: Workflow, counted: fan_out.Counted) -> list[StepRecord]:
    """The steps, taken out of `workflow` one by one: of ten thousand, each is held in one form only."""
    workflow.steps.reverse()
    records = []
    while workflow.steps:
        step = workflow.steps.pop()
        records.append(_step_record(step, cells_record(step, counted)))
    return records


def _step_record(step: Step, cells: CellsRecord | None) -> StepRecord:
    return StepRecord(
        id=step.id,
        op=step.op,
        args=json_object(step.args),
        needs=step.needs,
        when=step.when,
        retries=_retry_record(step.retries),
        timeout_s=step.timeout_s,
        cells=cells,
    )


@cache
def _retry_record(retries: Retries) -> RetryRecord:
    return RetryRecord(max=retries.max, delay_s=retries.delay_s)


def _plain(value: Any) -> dict[str, Any]:
    """The value as input.json will give it back: lists for tuples, and nothing shared with the workflow."""
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(value))
    return plain


def _refuse_secrets(record: InputRecord, workflow: Workflow, root: Path, secrets: SecretCutter) -> None:
    """Looks through the bytes that would be written, so that no escape in the file can hide a secret.

    Rows of a data set are written, too, when they are asked about: also those of a file that is not in the record.
    """
    found = sorted({name for piece in encode_input(record) for name in secrets.found_in(piece)})
    problems = _secrets_in_data(record, root, secrets)
    if not found and not problems:
        return
    texts = {workflow.source.file: workflow.source.data} | {f.path: f.content.encode() for f in record.files}
    for variable in found:
        places = [(name, line) for name, data in texts.items() if (line := _line_with(variable, data, secrets))]
        problems += [_secret(variable, name, line) for name, line in places or [(workflow.source.file, 0)]]
    raise WorkflowInvalid(tuple(sorted(problems, key=lambda problem: (problem.file, problem.line))))


def _secret(variable: str, file: str, line: int) -> Problem:
    return Problem(
        file=file,
        line=line,
        column=1 if line else 0,
        what=f"the value of the environment variable {variable} stands here",
        hint="a run's folder is evidence and must hold no secret: remove it, and give the variable's name instead",
    )


def _secrets_in_data(record: InputRecord, root: Path, secrets: SecretCutter) -> list[Problem]:
    """The first row of each data set that holds a secret, where the file is too long to stand in the record."""
    absent = {file.path for file in record.files if file.encoding == "absent"}
    problems = []
    for data in record.data.values():
        for number, row in _raw_rows(data, root) if data.path in absent else ():
            if found := secrets.found_in(row):
                problems += [_secret(variable, data.path, number) for variable in found]
                break
    return problems


def _raw_rows(data: DataRecord, root: Path) -> Iterator[tuple[int, bytes]]:
    if data.format == "parquet":
        for values, number in read_values(root / data.path, data.format, data.rows):
            yield number, msgspec.json.encode(values)
        return
    with (root / data.path).open("rb") as stream:
        yield from enumerate(stream, start=1)


def _line_with(variable: str, data: bytes, secrets: SecretCutter) -> int:
    """The first line that holds the secret as it is; 0 when no single line does."""
    lines = data.split(b"\n")
    return next((number for number, line in enumerate(lines, start=1) if variable in secrets.found_in(line)), 0)
