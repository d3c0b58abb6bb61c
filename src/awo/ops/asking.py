"""What the operations that ask models share: the turns of one exchange, and an answer as plain JSON."""

from __future__ import annotations

from awo.evidence.records import Message, ResponseLine


def exchange(system: str, prompt: str) -> tuple[Message, ...]:
    """The turns of one question: the system turn only when `system` says something, then the user's."""
    asked = Message(role="user", content=prompt)
    return (Message(role="system", content=system), asked) if system else (asked,)


def answer(line: ResponseLine) -> dict[str, str]:
    """`{"text", "model", "call", "stop_reason"}` of one response; `model` is its name in the workflow."""
    return {"text": line.text, "model": line.model, "call": line.call, "stop_reason": line.stop_reason}
