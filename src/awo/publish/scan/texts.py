"""The texts in a line of a file: of JSON its decoded strings, each with the key that it stands under."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

DEEPEST: Final = 4
"""JSON in a text in JSON: the body of a request stands so in an exchange, and a shown value in a partial file."""

_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"(\s*:)?|(-?[0-9][0-9.eE+-]*)|([\[{}\]])')
_SHORTEST_NUMBER: Final = 11


class Text(NamedTuple):
    """A text with the name of the key before it, '' for none. `is_number` says that it was a whole number in JSON."""

    key: str
    text: str
    is_number: bool = False


def texts_in(line: bytes, *, is_json: bool) -> Iterator[Text]:
    """What `line` says to a reader. Of JSON that is no JSON, and of every other text, that is the line itself."""
    text = line.decode("utf-8", "replace")
    if is_json:
        yield from _of_json(text, DEEPEST)
    else:
        yield Text("", text)


def _of_json(line: str, deep: int) -> Iterator[Text]:
    """Works on a line of JSON alone, as no string goes over the end of a line; what is broken is taken as it stands."""
    key, end = "", 0
    for token in _TOKEN.finditer(line):
        if between := line[end : token.start()].strip(" \t\r,:"):
            yield Text(key, between)
        end = token.end()
        written, is_key, number, bracket = token.groups()
        if bracket:
            key = key if bracket == "[" else ""
        elif number:
            if len(number) >= _SHORTEST_NUMBER and number.isdigit():
                yield Text(key, number, is_number=True)
        else:
            text = _decoded(written)
            if is_key:
                key = text
            yield Text("" if is_key else key, text)
            if deep and text[:1] in '{["' and len(text) > 1:
                yield from _of_json(text, deep - 1)
    if rest := line[end:].strip(" \t\r,:"):
        yield Text(key, rest)


def _decoded(written: str) -> str:
    if "\\" not in written:
        return written
    try:
        text: str = json.loads(f'"{written}"', strict=False)
    except ValueError:
        return written
    return text
