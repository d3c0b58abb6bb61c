"""The one door to phonenumbers: numbers in their international form, with a country code that exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_BEGINNING = re.compile(r"(?<![\w+/=])\+[ (]?[1-9]")
_LONGEST: Final = 40


def phones_in(text: str) -> Iterator[tuple[str, str]]:
    """Each telephone number in `text` that begins with `+`, as ('phone', the number)."""
    for beginning in _BEGINNING.finditer(text):
        from phonenumbers import PhoneNumberMatcher

        start = beginning.start()
        for match in PhoneNumberMatcher(text[start : start + _LONGEST], None):
            if match.start == 0:
                yield "phone", match.raw_string
