"""A run's scores in the format of Every Eval Ever: for each model a record, and its answers one by one beside it.

Source: the JSON Schemas `eval` and `instance_level_eval` of the project Every Eval Ever (EvalEval Coalition),
version 0.3.0. What a run does not know is left out; what the format insists on and nobody can know from a
run (who publishes, and how they stand to the model) is asked for.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final, Literal, get_args
from uuid import UUID

import msgspec

from awo.canon import time
from awo.canon.digest import sha256_bytes, sha256_running
from awo.canon.json import encode_sorted, pretty
from awo.engine.folder import fsync_folder
from awo.errors import DiskTrouble, UsageError
from awo.evidence.records import ResponseLine, StepRecord
from awo.evidence.scores import ScoreSummary
from awo.publish.eval_facts import model_info, portable, source_data, texts
from awo.publish.eval_intervals import Intervals, uncertainty
from awo.publish.joined import Joined, Scored, joined, scored_steps
from awo.publish.placing import refuse_place
from awo.publish.run_reader import RunReader

SCHEMA_VERSION: Final = "0.3.0"
LESS_IS_BETTER: Final[Mapping[str, str]] = {"latency_ms": "ms", "cost_usd": "US dollars"}
"""The measures of which everybody knows which way is better, with their units. Others are left out: the format
must know."""

MOST_SEEDS: Final = 1000
"""So many distinct seeds of a result are listed, the lowest; beyond them a note says how many more there were."""

SAMPLING: Final = ("temperature", "top_p", "top_k", "max_tokens")

Relationship = Literal["first_party", "third_party", "collaborative", "other"]


@dataclass(frozen=True, slots=True)
class Publisher:
    """Who publishes the record: the name of their organisation, and how they stand to the models' developers."""

    organization: str
    relationship: str

    def __post_init__(self) -> None:
        if not self.organization.strip():
            raise UsageError("the record must say which organisation publishes it", hint="--organization NAME")
        if self.relationship not in get_args(Relationship):
            raise UsageError(
                "the record must say how its publisher stands to the models' developers",
                expected=", ".join(get_args(Relationship)),
                got=self.relationship,
                hint="--relationship third_party",
            )


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: the folder, the paths of the records below it, and which scores are not in them, and why."""

    path: Path
    records: tuple[str, ...]
    left_out: tuple[str, ...]


@dataclass(slots=True)
class _Result:
    """One score of one model under one combination of the matrix, summed up."""

    scored: Scored
    name: str
    matrix: Mapping[str, Any]
    answers: int = 0
    compared: int = 0
    total: float = 0.0
    passed: int = 0
    params: set[bytes] = field(default_factory=set)
    seeds: set[int] = field(default_factory=set)

    @property
    def summary(self) -> ScoreSummary:
        return self.scored.value.scores[self.name]

    @property
    def id(self) -> str:
        behind = encode_sorted(self.matrix).decode() if self.matrix else ""
        return f"{self.scored.step}/{self.name}{behind}"

    def take(self, one: Joined, score: float | None) -> None:
        self.answers += 1
        if score is not None:
            self.compared += 1
            self.total += score
            self.passed += score >= self.summary.threshold
        if one.response is not None:
            self.params.add(encode_sorted(one.response.params))
            self.seeds.add(one.response.seed)

    def mean(self) -> float | None:
        """As `ScoreSummary` has it: missing answers count as 0 in tests and grades, and not at all in measures."""
        count = self.compared if self.summary.type == "measure" else self.answers
        return self.total / count if count else None


class _Record:
    """What is gathered of one model: its results, and its answers in a file that is written as they come."""

    def __init__(self, export: _Export, name: str) -> None:
        self.name = name
        self.info = model_info(export.reader, name)
        self.model_id: str = self.info["id"]
        self.results: dict[str, _Result] = {}
        place = f"data/{export.collection}/{portable(self.info.get('developer', 'unknown'))}"
        seed = f"{export.reader.facts.run_id} {name}".encode()
        self.stem = (
            f"{place}/{portable(self.model_id.rpartition('/')[2])}/{UUID(bytes=sha256_bytes(seed)[:16], version=4)}"
        )
        self.evaluation_id = f"{export.collection}/{self.model_id}/{export.created_at}"
        self.samples = 0
        self.hasher = sha256_running()
        self._path = export.folder / f"{self.stem}_samples.jsonl"
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._stream: IO[bytes] = export.open_files.enter_context(self._path.open("xb"))

    def sample(self, value: Mapping[str, Any]) -> None:
        """One more answer."""
        line = encode_sorted(value) + b"\n"
        self.hasher.update(line)
        self._stream.write(line)
        self.samples += 1


class _Export:
    def __init__(self, reader: RunReader, folder: Path, publisher: Publisher, at: str) -> None:
        self.reader = reader
        self.folder = folder
        self.publisher = publisher
        self.collection = portable(reader.plan.name)
        self.created_at = f"{time.read(at).timestamp():.0f}"
        self.left_out: dict[str, None] = {}
        self.open_files = ExitStack()
        self._records: dict[str, _Record] = {}
        self._intervals = Intervals(reader)

    def write(self) -> list[str]:
        """The paths of the records, below the folder."""
        with self.open_files:
            for scored in scored_steps(self.reader):
                names = [
                    name for name, summary in scored.value.scores.items() if not self._leaves_out(scored, name, summary)
                ]
                if names:
                    for one in joined(self.reader, self.reader.facts_of(scored.value.of)):
                        self._take(scored, names, one)
        return [path for record in self._records.values() if (path := self._write(record))]

    def _leaves_out(self, scored: Scored, name: str, summary: ScoreSummary) -> bool:
        if summary.type in ("label", "ratings"):
            self.left_out[f"{scored.step}.{name}: a {summary.type} is no number"] = None
        elif summary.type == "measure" and summary.kind not in LESS_IS_BETTER:
            self.left_out[f"{scored.step}.{name}: whether more of a measure is better is not on record"] = None
        else:
            return False
        return True

    def _take(self, scored: Scored, names: list[str], one: Joined) -> None:
        line = one.scores.get(scored.step)
        if line is None:
            return
        if not one.model:
            self.left_out[f"{scored.step}: answers that no model gave"] = None
            return
        if one.model not in self._records:
            self._records[one.model] = _Record(self, one.model)
        record = self._records[one.model]
        for name in names:
            result = _Result(scored, name, one.matrix)
            result = record.results.setdefault(result.id, result)
            score = line.scores.get(name)
            result.take(one, score)
            if one.response is not None and score is not None and result.summary.type != "measure":
                record.sample(_sample(record, result, one, one.response, score, self._evaluation_name(scored)))

    def _evaluation_name(self, scored: Scored) -> str:
        return f"{self.reader.plan.name}: {scored.value.of}"

    def _write(self, record: _Record) -> str:
        """The path of the record, '' when no score of the model has a value: there is then nothing to record."""
        facts = self.reader.facts
        results = [told for result in record.results.values() if (told := self._result(record, result)) is not None]
        if not results:
            self._take_back(record)
            return ""
        value: dict[str, Any] = {
            "schema_version": SCHEMA_VERSION,
            "evaluation_id": record.evaluation_id,
            "evaluation_timestamp": facts.started_at,
            "retrieved_timestamp": self.created_at,
            "source_metadata": {
                "source_type": "evaluation_run",
                "source_organization_name": self.publisher.organization,
                "evaluator_relationship": self.publisher.relationship,
                "additional_details": texts(
                    {
                        "awo_run_id": facts.run_id,
                        "awo_journal_size": facts.checkpoint.size,
                        "awo_journal_root": facts.checkpoint.root,
                        "model_name_in_workflow": record.name,
                    }
                ),
            },
            "eval_library": {"name": facts.software.name, "version": facts.software.version},
            "model_info": record.info,
            "evaluation_results": results,
        }
        if record.samples:
            value["detailed_evaluation_results"] = {
                "format": "jsonl",
                "file_path": f"{record.stem}_samples.jsonl",
                "hash_algorithm": "sha256",
                "checksum": record.hasher.hexdigest(),
                "total_rows": record.samples,
            }
        else:
            (self.folder / f"{record.stem}_samples.jsonl").unlink()
        (self.folder / f"{record.stem}.json").write_bytes(pretty(value))
        return f"{record.stem}.json"

    def _take_back(self, record: _Record) -> None:
        """Removes the file of samples, which is empty, and the folders that stood for nothing else."""
        path = self.folder / f"{record.stem}_samples.jsonl"
        path.unlink()
        with suppress(OSError):  # another model's record stands there
            for parent in list(path.relative_to(self.folder).parents)[:-1]:
                (self.folder / parent).rmdir()

    def _result(self, record: _Record, result: _Result) -> dict[str, Any] | None:
        mean, scored = result.mean(), result.scored
        if mean is None or not result.compared:
            where = f" where {encode_sorted(result.matrix).decode()}" if result.matrix else ""
            self.left_out[f"{scored.step}.{result.name} of {record.name}{where}: every answer is missing"] = None
            return None
        counts = {"answers": result.answers, "missing": result.answers - result.compared}
        of_model = (
            None if result.matrix else self._intervals.of(scored.step, result.name, record.name, mean=mean, **counts)
        )
        asked = self.reader.facts_of(scored.value.of)
        value = {
            "evaluation_result_id": result.id,
            "evaluation_name": self._evaluation_name(scored),
            "source_data": source_data(self.reader, asked.record),
            "metric_config": _metric(self.collection, result),
            "score_details": {
                "score": mean,
                "details": texts(counts),
                **(uncertainty(*of_model) if of_model is not None else {}),
            },
            "generation_config": _generation(asked.record, result),
        }
        return value | ({"evaluation_timestamp": asked.started_at} if asked.started_at else {})


def export_every_eval_ever(folder: Path, out: Path, publisher: Publisher, at: str) -> Exported:
    """Writes a record for each model whose answers were scored, below the new folder `out`; `at` is the time now.

    Raises `UsageError` for a run without scores or an `out` that is there, `EvidenceError`, `DiskTrouble`.
    """
    refuse_place(folder, out, "--output")
    reader = RunReader(folder)
    if not scored_steps(reader):
        raise UsageError(
            "no step of this run left scores",
            where=reader.facts.run_id,
            hint="`awo rescore` adds a step that scores, without a call",
        )
    half = out.with_name(f".{out.name}.{secrets.token_hex(4)}.new")
    try:
        half.mkdir()
        export = _Export(reader, half, publisher, at)
        records = export.write()
        if not records:
            raise UsageError("no score of this run can be said in this format", got="; ".join(export.left_out))
        half.rename(out)
        fsync_folder(out.parent)
    except OSError as error:
        raise DiskTrouble("the records cannot be written", where=str(out), got=error.strerror or str(error)) from error
    finally:
        with suppress(OSError):
            shutil.rmtree(half, ignore_errors=True)
    return Exported(out, tuple(records), tuple(export.left_out))


def _metric(collection: str, result: _Result) -> dict[str, Any]:
    summary = result.summary
    is_measure = summary.type == "measure"
    known = {"metric_kind": "pass_rate", "metric_unit": "proportion"} if summary.type == "test" else {}
    known |= {"metric_kind": summary.kind, "metric_unit": LESS_IS_BETTER[summary.kind]} if is_measure else {}
    return known | {
        "metric_id": f"{collection}.{result.name}",
        "metric_name": result.name,
        "lower_is_better": is_measure,
        "score_type": "continuous",
        "min_score": 0,
        "max_score": "Infinity" if is_measure else 1,
        "additional_details": texts(
            {"awo_kind": summary.kind, "awo_type": summary.type}
            | ({} if is_measure else {"awo_threshold": summary.threshold})
        ),
    }


def _generation(asked: StepRecord, result: _Result) -> dict[str, Any]:
    """What the answers were sampled with, as far as it was the same for all of them."""
    params: dict[str, Any] = msgspec.json.decode(next(iter(result.params))) if len(result.params) == 1 else {}
    args = {name: params[name] for name in SAMPLING if isinstance(params.get(name), (int, float))}
    prompt = asked.arguments().get("prompt")
    if isinstance(prompt, str):
        args["prompt_template"] = prompt
    more = {name: value for name, value in params.items() if name not in SAMPLING}
    more |= {f"matrix.{name}": value for name, value in result.matrix.items()}
    more |= {"seeds": sorted(result.seeds)[:MOST_SEEDS]} if result.seeds else {}
    more |= {"seeds_not_listed": left} if (left := len(result.seeds) - MOST_SEEDS) > 0 else {}
    return {"generation_args": args, "additional_details": texts(more)}


def _sample(
    record: _Record, result: _Result, one: Joined, response: ResponseLine, score: float, evaluation_name: str
) -> dict[str, Any]:
    usage = response.usage
    tokens = {"input_tokens": usage.prompt_tokens, "output_tokens": usage.completion_tokens}
    value: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "evaluation_id": record.evaluation_id,
        "model_id": record.model_id,
        "evaluation_name": evaluation_name,
        "evaluation_result_id": result.id,
        "sample_id": one.item or str(one.cell),
        "input": {"raw": _asked(response), "reference": []},
        "answer_attribution": [],
        "evaluation": {"score": score, "is_correct": score >= result.summary.threshold},
        "performance": {"latency_ms": response.latency_ms},
        "metadata": texts(
            {"cell": one.cell, "repeat": one.repeat, "call": response.call, "response_sha256": one.sha256}
            | {f"matrix.{name}": value for name, value in one.matrix.items()}
        ),
        **_said(response),
    }
    if min(tokens.values()) >= 0:
        value["token_usage"] = tokens | {"total_tokens": sum(tokens.values())}
    return value


def _asked(response: ResponseLine) -> str:
    """The last turn of a user: the question itself."""
    return next((message.content for message in reversed(response.messages) if message.role == "user"), "")


def _said(response: ResponseLine) -> dict[str, Any]:
    """One question and its answer, or the whole conversation where the model had spoken before."""
    if not any(message.role == "assistant" for message in response.messages):
        return {"interaction_type": "single_turn", "output": {"raw": [response.text]}}
    return {"interaction_type": "multi_turn", "output": None, "messages": list(_turns(response))}


def _turns(response: ResponseLine) -> Iterator[dict[str, Any]]:
    said = [(message.role, message.content) for message in response.messages] + [("assistant", response.text)]
    for number, (role, content) in enumerate(said):
        yield {"turn_idx": number, "role": role, "content": content}
