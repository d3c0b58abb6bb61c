"""A checklist in YAML or JSON: `items`, each with its text and what kind of answer it wants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NoReturn

from awo.canon.located import Source
from awo.errors import UsageError
from awo.evidence.gates import ChecklistItem
from awo.gate.decimals import spelled
from awo.gate.items import MOST_ITEMS, fault_of_id, fault_of_item, slug, unused
from awo.gate.written import place, read_mapping, shown
from awo.plugins import nearest

_KINDS: Final = ("yes_no", "choice", "number", "text")
_EVIDENCE: Final = {"none": "", "optional": "optional", "required": "required"}
_KEYS: Final = ("id", "text", "kind", "required", "choices", "range", "unit", "approve_with", "evidence")
_ANY: Final = "any"


def read_yaml_checklist(text: str, *, where: str) -> list[ChecklistItem]:
    """The items under the key `items`, in their order, with unique ids.

    A key that is left out says what it says in Markdown: a required yes/no question that is approved with `yes`.
    `range` is `[low, high]`, either of them null for no bound; `approve_with: any` lets an approval go with any
    answer. Raises `UsageError`, naming line and column.
    """
    value, source = read_mapping(text.encode("utf-8", "surrogatepass"), where)
    for key in value:
        if key != "items":
            _refuse(source, (key,), f"there is no key {ascii(key)[:80]} here", expected="items", is_key=True)
    rows = value.get("items")
    if not isinstance(rows, list) or not rows:
        _refuse(source, ("items",), "the checklist has no items", expected="items: [{text: …}, …]")
    if len(rows) > MOST_ITEMS:
        _refuse(source, ("items",), "the checklist is too long", f"at most {MOST_ITEMS} items", str(len(rows)))
    readers = [_Item(row, index, source) for index, row in enumerate(rows)]
    taken = _given_ids(readers, source)
    items = []
    for reader in readers:
        item = reader.item(taken)
        taken.add(item.id)
        items.append(item)
    return items


def _given_ids(readers: list[_Item], source: Source) -> set[str]:
    taken: set[str] = set()
    for reader in readers:
        if reader.id in taken:
            _refuse(source, ("items", reader.index, "id"), f"the id {reader.id!r} is given to two items")
        if reader.id:
            taken.add(reader.id)
    return taken


class _Item:
    """One row of `items`, while it is read."""

    def __init__(self, row: Any, index: int, source: Source) -> None:
        self.index = index
        self._source = source
        if not isinstance(row, dict):
            _refuse(source, ("items", index), "an item is not a mapping", "{text: …}", shown(row))
        self._row: Mapping[str, Any] = row
        for key in row:
            if key not in _KEYS:
                near = nearest(key, _KEYS)
                hint = f"did you mean {near!r}?" if near else ""
                what = f"an item has no key {ascii(key)[:80]}"
                _refuse(source, ("items", index, key), what, ", ".join(_KEYS), hint=hint, is_key=True)
        self.id = self._text("id")
        if "id" in row and (fault := fault_of_id(self.id)):
            self._refuse("id", fault.what, fault.expected, fault.got)

    def item(self, taken: set[str]) -> ChecklistItem:
        """The item, with an id of its text where it has none of its own."""
        text = " ".join(self._text("text").split("\n")).strip()
        kind: Any = self._one_of("kind", _KINDS, "yes_no")
        required = self._row.get("required", True)
        if not isinstance(required, bool):
            self._refuse("required", "this is not true or false", "true or false", shown(required))
        expects = self._text("approve_with", default="yes" if kind == "yes_no" and required else "")
        lowest, highest = self._range()
        evidence: Any = _EVIDENCE[self._one_of("evidence", tuple(_EVIDENCE), "optional")]
        item = ChecklistItem(
            id=self.id or unused(slug(text), taken),
            text=text,
            kind=kind,
            required=required,
            choices=self._choices(),
            lowest=lowest,
            highest=highest,
            unit=self._text("unit"),
            approve_with="" if expects == _ANY else expects,
            evidence=evidence,
        )
        if fault := fault_of_item(item):
            self._refuse(fault.key, fault.what, fault.expected, fault.got, fault.hint)
        return item

    def _text(self, key: str, *, default: str = "") -> str:
        value = self._row.get(key, default)
        if isinstance(value, bool):
            self._refuse(key, "this must be text", "text in quotes", shown(value), "write yes or no")
        if not isinstance(value, str):
            self._refuse(key, "this must be text", "text", shown(value), "put it in quotes")
        return value

    def _one_of(self, key: str, words: tuple[str, ...], default: str) -> str:
        value = self._row.get(key, default)
        if value not in words:
            near = nearest(value, words) if isinstance(value, str) else ""
            hint = f"did you mean {near!r}?" if near else ""
            self._refuse(key, f"this {key} is not known", ", ".join(words), shown(value), hint)
        return str(value)

    def _choices(self) -> list[str]:
        value = self._row.get("choices", [])
        if not isinstance(value, list):
            self._refuse("choices", "this must be a list", "choices: [A, B]", shown(value))
        for choice in value:
            if isinstance(choice, bool) or not isinstance(choice, str | int):
                self._refuse("choices", "an answer to choose must be text", "text", shown(choice), "put it in quotes")
        return [str(choice) for choice in value]

    def _range(self) -> tuple[str, str]:
        value = self._row.get("range", [None, None])
        if not isinstance(value, list) or len(value) != 2:
            self._refuse("range", "this is no range", "range: [0, 10], with null for no bound", shown(value))
        return self._bound(value[0]), self._bound(value[1])

    def _bound(self, value: Any) -> str:
        if value is None:
            return ""
        bound = spelled(str(value)) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
        if not bound:
            self._refuse("range", "a bound is no number", "a decimal number like 0 or 2.5", shown(value))
        return bound

    def _refuse(self, key: str, what: str, expected: str = "", got: str = "", hint: str = "") -> NoReturn:
        _refuse(self._source, ("items", self.index, key), what, expected, got, hint)


def _refuse(
    source: Source,
    path: tuple[str | int, ...],
    what: str,
    expected: str = "",
    got: str = "",
    hint: str = "",
    *,
    is_key: bool = False,
) -> NoReturn:
    raise UsageError(what, where=place(source, path, is_key=is_key), expected=expected, got=got, hint=hint)
