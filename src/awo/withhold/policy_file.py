"""Reads the file that says what may be seen of a package: every mistake with its line and the nearest right word."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NoReturn, get_args

from awo.canon.located import Source
from awo.canon.positions import Path
from awo.errors import UsageError
from awo.evidence.disclosure import ITEM_KEYS, OWN_SALT, RESPONSE_KEYS, form_of
from awo.evidence.layout import INPUT
from awo.evidence.redaction_policy import Preset, RedactionPolicy, Show, Word
from awo.gate.items import why_not_plain
from awo.gate.written import place, read_mapping, shown
from awo.plugins import nearest
from awo.withhold.choice import ALWAYS_SHOWN

FORMAT: Final = "awo/redaction-policy/v1"
LONGEST_REASON: Final = 10_000

_KEYS: Final = ("format", "like", "show", "withhold", "reason", "reasons")
_SHOW_KEYS: Final = ("files", "values", "responses", "items")
_WORDS: Final = get_args(Word)
_WORDS_OF_RESPONSES: Final = tuple(key for key in RESPONSE_KEYS if key != OWN_SALT)
_VALUE_WORDS: Final = ("all", "nothing")


def read_policy_file(data: bytes, file: str) -> RedactionPolicy:
    """The policy that `data` spells in YAML or JSON. Raises `UsageError`, which names `file`, line and column."""
    value, source = read_mapping(data, file)
    return _Reader(source).policy(value)


def fault_of_reason(text: str) -> str:
    """Why a text cannot be a reason in a record, or '': it is plain text of at most 10,000 characters."""
    if len(text) > LONGEST_REASON:
        return f"it has more than {LONGEST_REASON} characters"
    return why_not_plain(text, allowed="\n\t")


class _Reader:
    def __init__(self, source: Source) -> None:
        self._source = source

    def policy(self, value: dict[str, Any]) -> RedactionPolicy:
        self._known(value, _KEYS, ())
        if value.get("format") != FORMAT:
            got = shown(value["format"]) if "format" in value else "none"
            self._refuse(("format",), "the file does not say that it is such a policy", f"format: {FORMAT}", got)
        like: Any = self._word(
            value.get("like", ""), [name for name in get_args(Preset) if name], ("like",), or_none=True
        )
        show = value.get("show", {})
        if not isinstance(show, dict):
            self._refuse(("show",), "this is no mapping", ", ".join(_SHOW_KEYS), shown(show))
        self._known(show, _SHOW_KEYS, ("show",))
        reason = self._reason(value.get("reason", ""), ("reason",))
        reasons = self._mapping(value.get("reasons", {}), ("reasons",), 'a pattern of files: "why"')
        return RedactionPolicy(
            format="awo/redaction-policy/v1",
            like=like,
            show=Show(
                files=self._patterns(show.get("files", []), ("show", "files")),
                values=self._values(show.get("values", {})),
                responses=self._lines(show.get("responses", {}), _WORDS_OF_RESPONSES, ("show", "responses")),
                items=self._lines(show.get("items", {}), ITEM_KEYS, ("show", "items")),
            ),
            withhold=self._withheld(value.get("withhold", [])),
            reason=reason,
            reasons={
                self._pattern(pattern, ("reasons", pattern)): self._reason(why, ("reasons", pattern))
                for pattern, why in reasons.items()
            },
        )

    def _values(self, value: Any) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for pattern, places in self._mapping(value, ("show", "values"), "input.json: [/name, …]").items():
            path: Path = ("show", "values", pattern)
            self._pattern(pattern, path)
            if form_of(pattern) != "value" and not pattern.endswith(("*", "/output.json")):
                what = "only the values of input.json and of outputs/<step>/output.json are shown one by one"
                self._refuse(path, what, f"{INPUT}, outputs/<step>/output.json", shown(pattern), is_key=True)
            if isinstance(places, str):
                found[pattern] = self._word(places, _VALUE_WORDS, path)
                continue
            for number, one in enumerate(self._list(places, path, "a list of places such as /name, or all")):
                if not isinstance(one, str) or not one.startswith("/"):
                    self._refuse((*path, number), "a place begins with a slash", "/steps/*/id", shown(one))
            found[pattern] = list(places)
        return found

    def _lines(self, value: Any, keys: Sequence[str], path: Path) -> Any:
        if not isinstance(value, dict):
            return self._shown_of_lines(value, keys, path)
        return {step: self._shown_of_lines(what, keys, (*path, step)) for step, what in value.items()}

    def _shown_of_lines(self, value: Any, keys: Sequence[str], path: Path) -> Any:
        if isinstance(value, str):
            return self._word(value, _WORDS, path, also=keys)
        found = self._list(value, path, f"a list of {', '.join(keys)}; or {', '.join(_WORDS)}")
        return [self._word(one, keys, (*path, number)) for number, one in enumerate(found)]

    def _word(
        self, value: Any, words: Sequence[str], path: Path, *, also: Sequence[str] = (), or_none: bool = False
    ) -> str:
        if isinstance(value, str) and (value in words or (or_none and not value)):
            return value
        hint = ""
        if isinstance(value, str):
            if value in also:
                hint = f"write it as a list: [{value}]"
            elif near := nearest(value, tuple(words)):
                hint = f"did you mean {near!r}?"
        return self._refuse(path, "this word is not known here", ", ".join(words), shown(value), hint)

    def _patterns(self, value: Any, path: Path) -> list[str]:
        found = self._list(value, path, "a list of files, such as [report.md, audit/decisions/**]")
        return [self._pattern(one, (*path, number), is_key=False) for number, one in enumerate(found)]

    def _withheld(self, value: Any) -> list[str]:
        found = self._patterns(value, ("withhold",))
        for number, one in enumerate(found):
            if one in ALWAYS_SHOWN:
                what = "this file is always shown: without it nothing can be checked"
                self._refuse(("withhold", number), what, got=shown(one), hint="its texts are digests, names and times")
        return found

    def _pattern(self, value: Any, path: Path, *, is_key: bool = True) -> str:
        if not isinstance(value, str):
            self._refuse(path, "this is no file", "a path or a pattern in quotes", shown(value), is_key=is_key)
        parts = value.split("/")
        if not all(parts) or any(part in (".", "..") for part in parts) or "\\" in value or why_not_plain(value):
            hint = "begin with what stands in the run's folder, as outputs/ask/output.json"
            what = "this names no file of a package"
            self._refuse(path, what, "a path from the run's folder", shown(value), hint, is_key=is_key)
        return value

    def _reason(self, value: Any, path: Path) -> str:
        if not isinstance(value, str):
            self._refuse(path, "a reason is text", "text in quotes", shown(value))
        if why := fault_of_reason(value):
            self._refuse(path, "this reason cannot be recorded", "plain text", why)
        return value

    def _mapping(self, value: Any, path: Path, expected: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            self._refuse(path, "this is no mapping", expected, shown(value))
        return value

    def _list(self, value: Any, path: Path, expected: str) -> list[Any]:
        if not isinstance(value, list):
            self._refuse(path, "this is no list", expected, shown(value))
        return value

    def _known(self, value: dict[str, Any], keys: Sequence[str], path: Path) -> None:
        for key in value:
            if key not in keys:
                near = nearest(key, tuple(keys))
                hint = f"did you mean {near!r}?" if near else ""
                what = f"there is no key {ascii(key)[:80]} here"
                self._refuse((*path, key), what, ", ".join(keys), hint=hint, is_key=True)

    def _refuse(
        self, path: Path, what: str, expected: str = "", got: str = "", hint: str = "", *, is_key: bool = False
    ) -> NoReturn:
        where = place(self._source, path, is_key=is_key)
        raise UsageError(what, where=where, expected=expected, got=got, hint=hint)
