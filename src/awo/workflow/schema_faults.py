"""What a JSON Schema validator found, in our own words: which place, what was expected, and the nearest right word."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from jsonschema_rs import ValidationError
from jsonschema_rs import ValidationErrorKind as Kind

from awo.canon.positions import Path
from awo.workflow.faults import Fault, described_value, named
from awo.workflow.names import did_you_mean

LONGEST_LIST: Final = 20

_TYPES: Final = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing (null)",
    "array": "a list",
    "object": "a mapping of keys to values",
}
_LIMITS: Final = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "minProperties": "at least {} keys",
    "maxProperties": "at most {} keys",
    "multipleOf": "a multiple of {}",
}


class Lister:
    """Reads the errors of a validator made from `root`. `also_known` are words that a key at the top may have meant."""

    def __init__(self, root: dict[str, Any], also_known: Iterable[str] = ()) -> None:
        self._root = root
        self._also_known = tuple(also_known)

    def faults(self, errors: Iterable[ValidationError]) -> list[Fault]:
        """Every fault, once. A key that is missing because it was misspelt is only told as misspelt."""
        found: list[Fault] = []
        missing: list[tuple[Path, str, Fault]] = []
        meant: set[tuple[Path, str]] = set()
        for error in errors:
            path = tuple(error.instance_path)
            match error.kind:
                case Kind.Required(key):
                    missing.append((path, key, self._missing(error, path, key)))
                case Kind.AdditionalProperties(keys):
                    known = self._known_keys(error, path)
                    for key in keys:
                        hint = did_you_mean(key, known)
                        meant.update((path, word) for word in known if hint == f"did you mean {word!r}?")
                        found.append(
                            Fault((*path, key), f"there is no key {key!r} here", _listed(known), "", hint, is_key=True)
                        )
                case Kind.AnyOf(branches):
                    found += self._nearest_branch(error, path, branches)
                case Kind.PropertyNames(inner):
                    key = str(inner.instance)
                    expected = self.described(self._around(error))
                    found.append(Fault((*path, key), "this is no usable name", expected, repr(key), is_key=True))
                case _:
                    found.append(self._wrong(error, path))
        return found + [fault for path, key, fault in missing if (path, key) not in meant]

    def described(self, schema: dict[str, Any]) -> str:
        """What a schema asks for, in a few words."""
        if "$ref" in schema:
            schema = self._root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
        if "enum" in schema:
            return "one of " + _listed([str(word) for word in schema["enum"]])
        if "anyOf" in schema:
            return " or ".join(dict.fromkeys(filter(None, map(self.described, schema["anyOf"]))))
        kind = schema.get("type", "")
        words = _TYPES.get(kind, "") if isinstance(kind, str) else " or ".join(_TYPES[k] for k in kind)
        if schema.get("minLength") == 1 or schema.get("minItems") == 1:
            words, schema = (
                f"{words}, not empty",
                {k: v for k, v in schema.items() if k not in ("minLength", "minItems")},
            )
        limits = [text.format(schema[key]) for key, text in _LIMITS.items() if key in schema]
        if kind == "array" and isinstance(schema.get("items"), dict):
            inner = self.described(schema["items"])
            words = f"a list of {inner}" if inner else words
        if "pattern" in schema:
            limits.append(schema.get("description", "").rstrip(".") or f"like {schema['pattern']}")
        return ", ".join(filter(None, [words, *limits]))

    def _around(self, error: ValidationError) -> dict[str, Any]:
        """The schema that holds the keyword which failed."""
        schema: Any = self._root
        for part in error.schema_path[:-1]:
            schema = schema[part]
        return schema if isinstance(schema, dict) else {}

    def _known_keys(self, error: ValidationError, path: Path) -> list[str]:
        known = list(self._around(error).get("properties", {}))
        return known + [word for word in self._also_known if not path and word not in known]

    def _missing(self, error: ValidationError, path: Path, key: str) -> Fault:
        schema = self._around(error).get("properties", {}).get(key, {})
        return Fault(path, f"the key {key!r} is missing", self.described(schema))

    def _wrong(self, error: ValidationError, path: Path) -> Fault:
        schema, value = self._around(error), error.instance
        hint = ""
        match error.kind:
            case Kind.Type():
                what = f"{named(path)} has the wrong type"
            case Kind.Enum(options):
                what = f"{named(path)} is none of the known words"
                hint = did_you_mean(value, options) if isinstance(value, str) else ""
            case _:
                what = f"{named(path)} is not as it should be"
        return Fault(path, what, self.described(schema), described_value(value), hint)

    def _nearest_branch(self, error: ValidationError, path: Path, branches: list[list[ValidationError]]) -> list[Fault]:
        """The faults inside the first branch whose type fits the value; when none fits, the choice itself."""
        schema = self._around(error)
        if "discriminator" in schema:
            return self._branch_that_is_named(error.instance, path, schema, branches)
        for branch in branches:
            if not any(tuple(e.instance_path) == path and isinstance(e.kind, (Kind.Type, Kind.Enum)) for e in branch):
                return self.faults(branch)
        return [
            Fault(
                path,
                f"{named(path)} has the wrong type",
                self.described(self._around(error)),
                described_value(error.instance),
            )
        ]

    def _branch_that_is_named(
        self, value: Any, path: Path, schema: dict[str, Any], branches: list[list[ValidationError]]
    ) -> list[Fault]:
        """The faults inside the branch that one key of the value names, such as `kind`; else what is wrong with it."""
        key, places = schema["discriminator"]["propertyName"], schema["discriminator"]["mapping"]
        if not isinstance(value, dict):
            return [Fault(path, f"{named(path)} has the wrong type", self.described(schema), described_value(value))]
        words = list(places)
        if key not in value:
            return [Fault(path, f"the key {key!r} is missing", f"one of {', '.join(words)}")]
        word = value[key]
        if word not in words:
            what, got = f"{key!r} is none of the known words", described_value(word)
            hint = did_you_mean(word, words) if isinstance(word, str) else ""
            return [Fault((*path, key), what, f"one of {', '.join(words)}", got, hint)]
        references = [branch.get("$ref") for branch in schema["anyOf"]]
        return self.faults(branches[references.index(places[word])])


def _listed(words: list[str]) -> str:
    more = len(words) - LONGEST_LIST
    return ", ".join(words[:LONGEST_LIST]) + (f" and {more} more" if more > 0 else "")
