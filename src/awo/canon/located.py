"""Text to plain values, and where each of them stands: YAML 1.2 (core schema) and JSON. The only door to `yaml`.

Plain values are what JSON can hold: null, true, false, numbers, text, lists, and mappings with text keys.
Positions are computed in a second pass, and only when there is something to report.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NoReturn

from awo.canon.json import LARGEST_INTEGER
from awo.canon.located_elements import Elements, Packed, pack, unpack
from awo.canon.located_json import read_json, scan_json
from awo.canon.positions import DEEPEST, Path, Position, Positions, Stop, Trouble
from awo.errors import Problem, WorkflowInvalid

if TYPE_CHECKING:
    import yaml

MOST_ALIASED_NODES: Final = 100_000

_BYTE_ORDER_MARKS: Final = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_A_NUMBER = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_WORDS: Final = {"": None, "~": None, "null": None, "Null": None, "NULL": None} | {
    word: word.lower() == "true" for word in ("true", "True", "TRUE", "false", "False", "FALSE")
}

# What libyaml says, in our words.
_YAML_SENTENCES: Final = {
    "mapping values are not allowed in this context": "a ':' stands where no key can be",
    "could not find expected ':'": "a key has no ':' after it",
    "found character that cannot start any token": "a value starts with a character that YAML reserves, or with a tab",
    "found unexpected end of stream": "a quote is not closed",
    "found unknown escape character": "a back slash stands before a character that needs none",
    "found invalid Unicode character escape code": "an escaped character does not exist",
    "did not find expected key": "the indentation does not fit the lines above",
    "did not find expected '-' indicator": "the indentation does not fit the list above",
    "did not find expected ',' or ']'": "a list that began with '[' is not closed",
    "did not find expected ',' or '}'": "a mapping that began with '{' is not closed",
    "did not find expected node content": "a value is missing",
    "did not find expected <document start>": "there is text after the end of the document",
}
_YAML_HINTS: Final = {
    "mapping values are not allowed in this context": "put text that holds ': ' in quotes, and check the indentation",
    "found character that cannot start any token": "indent with spaces; put text that starts with @, ` or % in quotes",
    "found unknown escape character": "use single quotes, or double the back slash",
    "could not find expected ':'": "put text of several lines after '|', and check the indentation",
}


@dataclass(frozen=True, slots=True)
class Source:
    """The text a value came from. `file` is the name to print."""

    file: str
    data: bytes
    is_json: bool

    def positions(self) -> Positions:
        """Where every value and key of the file starts: a whole second pass, so keep the answer."""
        positions, trouble = Positions(), Trouble(self.file)
        text = self.data.decode()
        with contextlib.suppress(Stop):
            if self.is_json:
                scan_json(text, positions, trouble)
            else:
                _read_yaml(text, positions, trouble)
        return positions


def read(data: bytes, file: str, elements_of: str = "") -> tuple[dict[str, Any], Source]:
    """The mapping that `data` spells, and its source.

    `.json` files are JSON, `.yaml` and `.yml` files YAML; any other is JSON if it starts with `{`.
    Raises `WorkflowInvalid` for a syntax error, and for every repeated key, key that is not text,
    tag, number that JSON cannot hold, and unknown alias at once.
    """
    value, source = read_any(data, file, elements_of)
    if not isinstance(value, dict):
        what = "the file is not a mapping of keys to values"
        raise WorkflowInvalid((Problem(file, 1, 1, what, expected="name: …, steps: …"),))
    return value, source


def read_any(data: bytes, file: str, elements_of: str = "") -> tuple[Any, Source]:
    """As `read`, for any value: a file of claims may be a list.

    With `elements_of`, a list of mappings at that top-level key may come as `Elements`.
    """
    text = _decoded(data, file)
    source = Source(file, data, _is_json(text, file))
    trouble = Trouble(file)
    value: Any = None
    with contextlib.suppress(Stop):
        value = (read_json if source.is_json else _read_yaml_plain)(text, trouble, elements_of)
    if trouble.problems:
        raise WorkflowInvalid(tuple(sorted(trouble.problems, key=lambda p: (p.line, p.column))))
    return value, source


def _decoded(data: bytes, file: str) -> str:
    def refuse(what: str, line: int = 0, column: int = 0, hint: str = "") -> NoReturn:
        raise WorkflowInvalid((Problem(file, line, column, what, hint=hint),))

    if data.startswith(_BYTE_ORDER_MARKS):
        refuse("the file starts with a byte order mark", 1, 1, "save it as UTF-8 without one")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start]
        column = len(before[before.rfind(b"\n") + 1 :].decode(errors="replace")) + 1
        refuse("the file is not UTF-8 text", before.count(b"\n") + 1, column, "save it as UTF-8")
    if not text.strip():
        refuse("the file is empty")
    return text


def _is_json(text: str, file: str) -> bool:
    lowered = file.lower()
    if lowered.endswith((".json", ".yaml", ".yml")):
        return lowered.endswith(".json")
    return text.lstrip().startswith("{")


# --- YAML ---------------------------------------------------------------------------------------------


class _Frame:
    """A list or mapping that is still open. `nodes` counts what is in it, itself included."""

    __slots__ = ("anchor", "key", "nodes", "path", "value")

    def __init__(self, value: Any, path: Path, anchor: str | None) -> None:
        self.value = value
        self.path = path
        self.anchor = anchor
        self.key: str | None = None
        self.nodes = 1


class _Builder:
    """Turns the parser's events into one plain value."""

    def __init__(self, positions: Positions | None, trouble: Trouble, elements_of: str = "") -> None:
        self.root: Any = None
        self._elements_of = elements_of
        self._elements: _Frame | None = None
        self.documents = 0
        self._stack: list[_Frame] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._aliased = 0
        self._positions = positions
        self._trouble = trouble

    def document(self, event: yaml.DocumentStartEvent) -> None:
        self.documents += 1
        if self.documents > 1:
            self._trouble.stop(
                _at(event), "the file holds more than one document", hint="keep one; '---' begins another"
            )
        if event.version not in (None, (1, 2)):
            self._trouble.add(_at(event), "this version of YAML is not read", expected="YAML 1.2")

    def scalar(self, event: yaml.ScalarEvent) -> None:
        if event.tag is not None:
            self._refuse_tag(event)
        value = self._plain(event) if event.implicit[0] and not event.style else event.value
        if event.anchor:
            self._anchors[event.anchor] = (value, 1)
        if self._expects_key():
            self._take_key(value, event, event.value)
        else:
            self._place(value, 1, event)

    def alias(self, event: yaml.AliasEvent) -> None:
        name = event.anchor or ""
        value, nodes = self._anchors.get(name, (None, 0))
        if not nodes:
            what = f"the alias {name!r} names nothing that is complete before it"
            self._trouble.add(_at(event), what, hint=f"write &{name} before the value that it stands for")
        self._aliased += nodes
        if self._aliased > MOST_ALIASED_NODES:
            self._trouble.stop(
                _at(event), "the aliases stand for too much", expected=f"at most {MOST_ALIASED_NODES} values"
            )
        if self._expects_key():
            self._take_key(value, event, name)
        else:
            self._place(value, nodes, event)

    def open(self, event: yaml.SequenceStartEvent | yaml.MappingStartEvent, value: Any) -> None:
        if event.tag is not None:
            self._refuse_tag(event)
        if self._expects_key():
            self._trouble.stop(
                _at(event),
                "a key must be text",
                got="a list or a mapping as key",
                hint='put a template in quotes: "{{ … }}"' if type(value) is dict else "",
            )
        if len(self._stack) >= DEEPEST:
            self._trouble.stop(_at(event), "values are nested too deeply", expected=f"at most {DEEPEST} levels")
        path = self._path_of_next()
        frame = _Frame(value, path, event.anchor)
        if self._elements_of and type(value) is list and len(self._stack) == 1 and not event.anchor:
            self._elements = frame if self._stack[0].key == self._elements_of else self._elements
        self._place(value, 0, event)
        self._stack.append(frame)

    def close(self) -> None:
        frame = self._stack.pop()
        if frame.anchor:
            self._anchors[frame.anchor] = (frame.value, frame.nodes)
        if not self._stack:
            return
        self._stack[-1].nodes += frame.nodes
        if self._stack[-1] is self._elements and type(frame.value) is dict:
            self._elements.value[-1] = pack(frame.value)

    def finish(self) -> None:
        """Puts `Elements` in place of the list that was asked for, or makes it a plain list again."""
        if self._elements is None:
            return
        items = self._elements.value
        if items and all(type(item) is Packed for item in items):
            self.root[self._elements_of] = Elements.packed(items)
        else:
            items[:] = [unpack(item) if type(item) is Packed else item for item in items]

    def _expects_key(self) -> bool:
        return bool(self._stack) and self._stack[-1].key is None and type(self._stack[-1].value) is dict

    def _path_of_next(self) -> Path:
        if self._positions is None or not self._stack:
            return ()
        frame = self._stack[-1]
        return (*frame.path, len(frame.value) if frame.key is None else frame.key)

    def _take_key(self, key: Any, event: yaml.Event, spelled: str) -> None:
        frame = self._stack[-1]
        if not isinstance(key, str):
            self._trouble.add(_at(event), "a key must be text", got=repr(spelled), hint=f'write it as "{spelled}"')
            key = spelled
        elif key in frame.value:
            self._trouble.add(_at(event), f"the key {key!r} stands here twice", hint="keep one of them")
        frame.key = key
        if self._positions is not None:
            self._positions.keys.setdefault((*frame.path, key), _at(event))

    def _place(self, value: Any, nodes: int, event: yaml.Event) -> None:
        if self._positions is not None:
            self._positions.values[self._path_of_next()] = _at(event)
        if not self._stack:
            self.root = value
            return
        frame = self._stack[-1]
        frame.nodes += nodes
        if frame.key is None:
            frame.value.append(value)
        else:
            frame.value[frame.key] = value
            frame.key = None

    def _plain(self, event: yaml.ScalarEvent) -> Any:
        text: str = event.value
        if text in _WORDS:
            return _WORDS[text]
        if text[0] not in "0123456789+-.":
            return text
        if _INTEGER.fullmatch(text):
            number = int(text, 0 if text[1:2] in ("o", "x") else 10) if len(text) < 40 else LARGEST_INTEGER + 1
            if abs(number) > LARGEST_INTEGER:
                self._trouble.too_large(_at(event), text)
            return number
        if _FLOAT.fullmatch(text):
            value = float(text)
            if value in (float("inf"), float("-inf")):
                self._trouble.too_large(_at(event), text)
            return value
        if _NOT_A_NUMBER.fullmatch(text):
            self._trouble.not_a_number(_at(event), text)
        return text

    def _refuse_tag(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        self._trouble.add(_at(event), "tags are not read", got=repr(event.tag), hint="remove what starts with '!'")


def _at(event: yaml.Event) -> Position:
    mark = event.start_mark
    return Position(mark.line + 1, mark.column + 1) if mark else Position(0, 0)


def _read_yaml_plain(text: str, trouble: Trouble, elements_of: str) -> Any:
    return _read_yaml(text, None, trouble, elements_of)


def _read_yaml(text: str, positions: Positions | None, trouble: Trouble, elements_of: str = "") -> Any:
    import yaml

    builder = _Builder(positions, trouble, elements_of)
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            if isinstance(event, yaml.ScalarEvent):
                builder.scalar(event)
            elif isinstance(event, yaml.MappingStartEvent):
                builder.open(event, {})
            elif isinstance(event, yaml.SequenceStartEvent):
                builder.open(event, [])
            elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
                builder.close()
            elif isinstance(event, yaml.AliasEvent):
                builder.alias(event)
            elif isinstance(event, yaml.DocumentStartEvent):
                builder.document(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        said = error.problem or ""
        trouble.stop(
            Position(mark.line + 1, mark.column + 1) if mark else Position(0, 0),
            "this is not YAML: " + _YAML_SENTENCES.get(said, "the text cannot be read from here on"),
            hint=_YAML_HINTS.get(said, ""),
        )
    except yaml.reader.ReaderError as error:
        before = text[: int(error.position)]
        place = Position(before.count("\n") + 1, len(before) - before.rfind("\n"))
        trouble.stop(
            place, "this is not YAML: there is a control character", hint='write it as "\\x01" in double quotes'
        )
    if not builder.documents:
        trouble.add(Position(0, 0), "the file is empty")
    builder.finish()
    return builder.root
