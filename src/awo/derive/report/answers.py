"""What the models are and what they answered, side by side."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from awo.canon.digest import sha256_hex
from awo.canon.json import encode_sorted
from awo.derive.facts import NO_CALLS, CallCounts, ModelFacts, RunFacts, StepFacts
from awo.derive.markdown import shorten, table
from awo.derive.phrases import short_digest
from awo.derive.report.endings import Endings, endings, endings_table
from awo.derive.report.reader import Reader
from awo.derive.report.shown import (
    BLOCK_CHARACTERS,
    CELL_CHARACTERS,
    COLUMNS_OF_MODELS,
    EXCHANGES_SHOWN,
    RESPONSES_READ,
    ROWS_SHOWN,
    compact,
    in_detail,
    line,
    more,
    named,
    passage,
    prose,
    without_empty_columns,
    word,
)
from awo.derive.views import model_names
from awo.evidence.layout import METADATA, OUTPUTS, responses_path
from awo.evidence.records import Message, ModelRecord


def models(facts: RunFacts, read: Reader) -> str:
    """The table of models: what was asked for, and by what names the first responses were answered."""
    names = model_names(facts)
    if not names:
        return ""
    seen = endings(facts, read)
    rows = [_model_row(facts, name, seen.models.get(name, Endings()).names) for name in names[:ROWS_SHOWN]]
    header = ["name", "asked for", "answered", "weights, SHA-256", "seed", "parameters", "run by", "responses"]
    said = [
        "## Models\n",
        table(*without_empty_columns(header, rows)) + more(len(names), len(rows), "model", named(METADATA)),
    ]
    said += [_calls(facts, names), endings_table(seen)]
    changed = [name for name in names if name in facts.models and facts.models[name].has_changed]
    if changed:
        said.append(
            "> [!WARNING]\n> The run was taken up again with other facts about "
            f"{', '.join(line(name) for name in changed[:ROWS_SHOWN])}. The journal has both.\n"
        )
    said.append(f"All that is known of each model: {named(METADATA)}.\n")
    return "\n".join(part for part in said if part)


def answers(facts: RunFacts, read: Reader) -> str:
    """Per step that asked models: each question, and the answers beside one another."""
    asking = tuple(step for step in facts.steps if step.calls.responses and step.cells is None)
    if not asking:
        return ""
    order = {name: number for number, name in enumerate(model_names(facts))}
    return "## Answers\n\n" + in_detail(asking, lambda step: _step(step, read, order), word(f"{OUTPUTS}/"))


@dataclass
class _Exchange:
    """One question, and per model the answers to it in the order in which they came, shortened."""

    messages: list[Message]
    texts: dict[str, list[str]] = field(default_factory=dict)


def _step(step: StepFacts, read: Reader, order: dict[str, int]) -> str:
    path = responses_path(step.record.id)
    exchanges: dict[str, _Exchange] = {}
    taken = 0
    is_shortened = False
    for response in islice(read.responses(step.record.id), RESPONSES_READ):
        key = sha256_hex(encode_sorted(response.messages))
        if key not in exchanges:
            if len(exchanges) == EXCHANGES_SHOWN:
                break
            exchanges[key] = _Exchange(messages=[_shortened(message) for message in response.messages])
        text = shorten(response.text, CELL_CHARACTERS + 1)
        exchanges[key].texts.setdefault(response.model, []).append(text)
        is_shortened = is_shortened or len(response.text) > CELL_CHARACTERS
        taken += 1
    said = [f"### {word(step.record.id)}\n"]
    for exchange in exchanges.values():
        said += [_question(exchange.messages), _side_by_side(exchange.texts, order)]
    said.append(
        (f"Long answers are cut at …; whole ones stand in {named(path)}.\n" if is_shortened else "")
        + more(step.calls.responses, taken, "answer", named(path))
    )
    return "\n".join(part for part in said if part)


def _question(messages: list[Message]) -> str:
    return "\n".join(
        f"{'Asked' if message.role == 'user' else f'As {message.role}'}:\n\n{prose(message.content)}"
        for message in messages
    )


def _side_by_side(texts: dict[str, list[str]], order: dict[str, int]) -> str:
    names = sorted(texts, key=lambda name: order.get(name, len(order)))
    if len(names) > COLUMNS_OF_MODELS:
        rows = [[word(name), passage(text)] for name in names for text in texts[name]]
        return table(["model", "answer"], rows)
    height = max(len(texts[name]) for name in names)
    rows = [[passage(texts[name][row]) if row < len(texts[name]) else "" for name in names] for row in range(height)]
    return table([word(name) for name in names], rows)


def _shortened(message: Message) -> Message:
    return Message(role=message.role, content=shorten(message.content, BLOCK_CHARACTERS))


def _model_row(facts: RunFacts, name: str, seen: Iterable[str]) -> list[str]:
    asked, found = facts.input.models.get(name), facts.models.get(name)
    calls = facts.calls_by_model.get(name, NO_CALLS)
    told = [_fact(found, "answered")] if _fact(found, "answered") else []
    return [
        word(name),
        _asked(asked, name),
        line(", ".join(islice(dict.fromkeys([*told, *seen]), 4))) if found or seen else "not opened",
        word(short_digest(_fact(found, "weights_sha256"))),
        str(asked.seed) if asked else "",
        line(", ".join(f"{key} {compact(value)}" for key, value in asked.params.items())) if asked else "",
        line(_fact(found, "llama_cpp", "build", "endpoint")),
        f"{calls.responses:,}",
    ]


def _calls(facts: RunFacts, names: list[str]) -> str:
    """How the calls to each model went; nothing where each was answered the first time."""
    told = [(name, facts.calls_by_model.get(name, NO_CALLS)) for name in names]
    if all(calls == CallCounts(answered=calls.answered) for _, calls in told):
        return ""
    rows = [
        [word(name), *(f"{number:,}" if number else "" for number in _numbers(calls))]
        for name, calls in told[:ROWS_SHOWN]
    ]
    header = ["calls to", "answered", "failed", "tried again", "outcome unknown", "reused from other runs"]
    return table(header, rows) + more(len(told), len(rows), "model", named(METADATA))


def _numbers(calls: CallCounts) -> tuple[int, ...]:
    return calls.answered, calls.failed, calls.retried, calls.unknown, calls.reused


def _asked(asked: ModelRecord | None, name: str) -> str:
    if asked is None or asked.model in ("", asked.backend):
        return word(asked.backend if asked else name)
    return f"{word(asked.backend)}: {line(asked.model)}"


def _fact(found: ModelFacts | None, *names: str) -> str:
    """The first of the named facts that is there, as text."""
    known: dict[str, Any] = dict(found.facts) if found else {}
    return next((compact(known[name]) for name in names if known.get(name) not in (None, "")), "")
