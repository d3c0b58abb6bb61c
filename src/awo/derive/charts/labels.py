"""Foreign text on a picture: on one line, with what cannot be seen made visible, and short enough to fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from awo.canon.json import encode_sorted
from awo.derive.markdown import shorten, visible

LABEL_CHARACTERS: Final = 34
TITLE_CHARACTERS: Final = 60


def label(text: str, characters: int = LABEL_CHARACTERS) -> str:
    """Cut in the middle, since long names of models differ at both ends."""
    shown = visible(shorten(text, 4 * characters))
    if len(shown) <= characters:
        return shown
    tail = characters // 3
    return f"{shown[: characters - tail - 1]}…{shown[-tail:]}"


def of_value(value: Any) -> str:
    """A value of a factor, as text."""
    return value if isinstance(value, str) else encode_sorted(value).decode()


def of_group(group: Mapping[str, Any]) -> str:
    """The values of a group's factors; the factors' names are said once, beside the axis."""
    return label(" / ".join(of_value(value) for value in list(group.values())[:4])) or "all"
