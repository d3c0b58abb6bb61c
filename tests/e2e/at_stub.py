"""A project whose models are all the stub, and the sentences and workflows that its tests run over them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

from tests.e2e.installed import Project, of_kind
from tests.stub.running import RunningStub

PRICE_IN, PRICE_OUT = 250_000, 2_000_000
"""Picodollars a token of `MODEL`: 0.25 and 2 US dollars per million tokens."""

MODEL: dict[str, Any] = {
    "backend": "openai",
    "model": "gpt-5-mini",
    "params": {"temperature": 0, "max_tokens": 60},
    "price": {"input": 0.25, "output": 2},
    "limits": {"in_flight": 16},
}
SENTENCES = (
    "The room was clean, quiet and larger than in the pictures.",
    "We waited forty minutes for a soup that came cold.",
    'The guide said "follow me" and was never seen again.',
    "Breakfast: fresh bread, real butter, and nobody in a hurry.",
    "The lift was out of order on all three days.",
    "Our daughter still talks about the goats.",
    "The bill had two bottles of wine on it that we did not drink.",
    "A bed like a cloud; I slept until noon.",
    "They lost one suitcase, and then, to be fair, found it.",
    "The view of the harbour at six in the morning pays for everything.",
    "Thin walls. We know now how the neighbours feel about money.",
    "The coffee is terrible and the owner knows it and laughs.",
    "Wi-Fi as promised, in the garden as well.",
    "The shower had two temperatures, and neither was meant for people.",
    "Staff remembered our names from last year.",
    "The path to the beach is closed\nand the sign that says so is new.",
    "Ça va, mais pas plus: the soup was good, the rest was not.",
    "Die Zimmer sind schön, das Frühstück könnte früher beginnen.",
    "静かで、とても良い宿でした。",
    "I asked for a vegetarian meal and got chicken, twice.",
    "The bus stops in front of the door every ten minutes.",
    "Not cheap; not bad; not again.",
    "The concierge found a doctor at midnight within a quarter of an hour.",
    "Someone had watered the plants and not the dog.",
    "The pool is smaller than the photograph of the pool.",
    "Everything worked, and nothing was special.",
    "We came for one night and stayed for five.",
    "The card machine was broken and the cash machine far.",
    "They gave us the better room without being asked.",
    "Smoke in the corridor, ash in the lift, and a sign against both.",
    "My mother, who likes nothing, liked it.",
    "The heating came on when we had checked out.",
    "A quiet street, if one forgives the bells.",
    "The kitchen closes at eight, which nobody says before nine.",
    "Fair price, friendly people, firm pillows.",
    "The map in the lobby is of another town.",
)


class AtStub(Project):
    """A project in whose environment every provider's endpoint is the stub, and its key the right one."""

    def __init__(self, top: Path, stub: RunningStub) -> None:
        super().__init__(top)
        self.stub = stub
        self.more: dict[str, str] = {}

    @property
    def environment(self) -> dict[str, str]:
        return super().environment | self.stub.environment | self.more

    def reviews(self, count: int = len(SENTENCES), name: str = "reviews.csv") -> list[dict[str, str]]:
        """Writes a data set of so many rows; a sentence that stands again has its number in it."""
        rows = [{"id": f"r{n:05d}", "text": sentence(n)} for n in range(count)]
        written = io.StringIO()
        table = csv.DictWriter(written, ["id", "text"])
        table.writeheader()
        table.writerows(rows)
        self.write(name, written.getvalue())
        return rows

    def workflow(self, content: dict[str, Any], name: str = "w.json") -> str:
        """Writes a workflow; gives its name."""
        self.write(name, json.dumps(content, indent=1))
        return name


def sentence(number: int) -> str:
    """The text of row `number`: all of them differ."""
    around, at = divmod(number, len(SENTENCES))
    return f"{SENTENCES[at]} ({around})" if around else SENTENCES[at]


def classify(spec: dict[str, Any] | None = None, **step: Any) -> dict[str, Any]:
    """A workflow of one step that asks about each review; `spec` goes over `MODEL`, `step` over the step."""
    asking = {"id": "classify", "op": "llm_map", "over": "reviews", "model": "small", "prompt": "{{ item.text }}"}
    return {
        "name": "Sentiment",
        "inputs": {"reviews": {"data": "reviews.csv", "id": "id"}},
        "models": {"small": MODEL | (spec or {})},
        "steps": [asking | step],
    }


def items(run: Path, step: str = "classify") -> list[dict[str, Any]]:
    """The lines of a step's items.jsonl, read without AWO's code."""
    return [json.loads(line) for line in (run / f"outputs/{step}/items.jsonl").read_bytes().splitlines()]


def responses(run: Path, step: str = "classify") -> list[dict[str, Any]]:
    """The lines of a step's responses.jsonl, read without AWO's code; none before the first."""
    path = run / f"outputs/{step}/responses.jsonl"
    return [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []


def answered_requests(run: Path) -> list[str]:
    """The digest of the request of each answered call, as the journal has it."""
    request = {event["call"]: event["request_sha256"] for event in of_kind(run, "call_intended")}
    return [request[event["call"]] for event in of_kind(run, "call_answered")]
