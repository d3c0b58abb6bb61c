"""A file of answers to a checklist: `item: answer`, or `item: {answer: …, evidence: …}`, in YAML or JSON."""

from __future__ import annotations

from typing import Any, Final

from awo.canon.located import Source
from awo.errors import UsageError
from awo.evidence.gates import Answer
from awo.gate.written import place, read_mapping, shown
from awo.plugins import nearest

_KEYS: Final = ("answer", "evidence")
_EXACT_DIGITS: Final = 15
"""As many digits of a number as every reader of YAML and JSON keeps."""


def read_answers_file(data: bytes, file: str) -> list[Answer]:
    """The answers in the order of the file, as they stand there; `gate.answers` says whether they fit a checklist.

    true and false are yes and no. Raises `UsageError`, naming line and column.
    """
    value, source = read_mapping(data, file)
    found = []
    for item, said in value.items():
        if isinstance(said, dict):
            for key in said:
                if key not in _KEYS:
                    near = nearest(key, _KEYS)
                    raise UsageError(
                        f"an answer has no key {ascii(key)[:80]}",
                        where=place(source, (item, key), is_key=True),
                        expected=", ".join(_KEYS),
                        hint=f"did you mean {near!r}?" if near else "",
                    )
            answer = _text(said.get("answer"), source, (item, "answer"))
            evidence = _text(said.get("evidence", ""), source, (item, "evidence"))
            found.append(Answer(id=item, answer=answer, evidence=evidence))
        else:
            found.append(Answer(id=item, answer=_text(said, source, (item,))))
    return found


def _text(value: Any, source: Source, path: tuple[str, ...]) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case int():
            return str(value)
        case float():
            text = repr(value)
            digits = text.partition("e")[0].lstrip("-").replace(".", "").strip("0")
            if len(digits) <= _EXACT_DIGITS:
                return text
            raise UsageError(
                "a number with so many digits may not be read as it stands",
                where=place(source, path),
                expected=f"at most {_EXACT_DIGITS} digits",
                hint="put it in quotes",
            )
        case str():
            return value
        case _:
            raise UsageError(
                "an answer must be a text, a number, or true or false",
                where=place(source, path),
                expected="item: answer, or item: {answer: …, evidence: …}",
                got=shown(value),
            )
