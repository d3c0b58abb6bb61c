"""JSON Schemas of answers: whether one can be used, and whether an answer follows it. Nothing is fetched for it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final, NoReturn, Protocol
from urllib.parse import unquote

import msgspec

from awo.canon.pointer import pointer_to

LONGEST_SCHEMA_BYTES: Final = 256 * 1024
MOST_WAYS: Final = 20_000
"""How many schemas one value may have to be held against at most, each counted as often as it is referred to."""

_MASK: Final = "the value"
_LONGEST_REASON: Final = 300

# Where the library's own sentence would repeat a key that the model made up.
_OWN_WORDS: Final = {
    "additionalProperties": "it has a key that the schema does not allow",
    "falseSchema": "it has a key that the schema does not allow",
    "propertyNames": "it has a key that the schema does not allow",
    "unevaluatedProperties": "it has a key that the schema does not allow",
}


class _Validator(Protocol):
    def iter_errors(self, instance: Any) -> Any: ...


def why_no_schema(schema: Any) -> str:
    """Why a value cannot be used as a JSON Schema, as a clause; '' when it can."""
    if not isinstance(schema, dict):
        return "it is no mapping"
    try:
        text = msgspec.json.encode(schema).decode()
        if len(text) > LONGEST_SCHEMA_BYTES:
            return f"it is longer than {LONGEST_SCHEMA_BYTES} bytes"
        _compiled(text)
    except _NotASchema as error:
        return str(error)
    return ""


@lru_cache(maxsize=64)
def text_of(json_text: str) -> str:
    """The one spelling, compact JSON, of a schema that stands in a file. Raises `ValueError` when it is no JSON."""
    try:
        return msgspec.json.encode(msgspec.json.decode(json_text)).decode()
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError(str(error)) from error


def why_not(schema_json: str, text: str) -> str:
    """Why an answer does not follow a schema (JSON text), as a clause without the answer's own words; '' when it does.

    The whole answer must be one JSON value. Raises `ValueError` for a schema that is none.
    """
    try:
        value = msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError):
        return "it is not JSON" if text.strip() else "it is empty"
    for error in _compiled(schema_json).iter_errors(value):
        what = _OWN_WORDS.get(error.kind.name, error.message)[:_LONGEST_REASON]
        return f"{what}{_place(error.instance_path, schema_json)}"
    return ""


def _place(path: list[str | int], schema_json: str) -> str:
    """Where in the answer, by the keys that the schema itself names."""
    parts = [str(part) if isinstance(part, int) or f'"{part}"' in schema_json else "…" for part in path]
    return f" (at {'.'.join(parts)[:_LONGEST_REASON]})" if parts else ""


class _NotASchema(ValueError):
    """The schema cannot be used, with the reason as a clause."""


@lru_cache(maxsize=64)
def _compiled(schema_json: str) -> _Validator:
    import jsonschema_rs

    try:
        schema = msgspec.json.decode(schema_json)
        validator: _Validator = jsonschema_rs.validator_for(schema, retriever=_refuse, mask=_MASK)
    except jsonschema_rs.ValidationError as error:
        place = "".join(f"[{part!r}]" if isinstance(part, str) else f"[{part}]" for part in error.instance_path)
        what = f"{place} is not as JSON Schema has it" if place else "it refers to what is not in it"
        raise _NotASchema(what[:_LONGEST_REASON]) from error
    except (jsonschema_rs.ReferencingError, ValueError) as error:
        raise _NotASchema("it refers to what is not in it") from error
    try:
        is_small = ways_through(schema) <= MOST_WAYS
    except RecursionError as error:
        raise _NotASchema("it is nested too deeply") from error
    if not is_small:
        raise _NotASchema("its references branch too often")
    return validator


def ways_through(schema: Any) -> int:
    """How many schemas there are below `schema`, those behind a reference counted each time; a circle ends there.

    The library tells every error of every branch: a short schema whose references branch would take all memory.
    """
    named: dict[str, Any] = {"#": schema}
    _name_all(schema, "#", named)
    return _ways(schema, named, {})


def _name_all(value: Any, pointer: str, named: dict[str, Any]) -> None:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        place = pointer_to(pointer, key)
        if isinstance(one, (dict, list)):
            named[place] = one
            _name_all(one, place, named)
        elif isinstance(one, str) and key in ("$anchor", "$dynamicAnchor", "$id", "id"):
            named[one] = named[f"#{one}"] = value


def _ways(value: Any, named: dict[str, Any], known: dict[int, int]) -> int:
    if not isinstance(value, (dict, list)):
        return 0
    if id(value) in known:
        return known[id(value)]
    known[id(value)] = 1  # where a circle comes back
    total = 1
    for key, one in value.items() if isinstance(value, dict) else enumerate(value):
        if key in ("$defs", "definitions"):
            continue
        is_reference = key in ("$ref", "$dynamicRef", "$recursiveRef") and isinstance(one, str)
        total += _ways(named.get(unquote(one), named["#"]) if is_reference else one, named, known)
    known[id(value)] = total
    return total


def _refuse(uri: str) -> NoReturn:
    raise ValueError("a schema may not refer to another document")
