"""The one door to python-stdnum: numbers of accounts, cards and people that carry their own check digits.

Only forms of which few other numbers are: a check of one digit lets every tenth number pass, and results are full of
numbers. So a number needs its usual spelling, a date or a prefix that fits, and its check digits.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from typing import Final

_BEFORE, _AFTER = r"(?<![\w.,+/=-])", r"(?![\w/=-]|[.,][0-9])"


def _form(pattern: str) -> re.Pattern[str]:
    return re.compile(f"{_BEFORE}(?:{pattern}){_AFTER}", re.ASCII)


_IBAN = re.compile(r"(?<![\w/=+])[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]){11,30}", re.ASCII)
_CARD = _form(
    r"(?:4[0-9]{3}|5[1-5][0-9]{2}|2[2-7][0-9]{2}|6011|65[0-9]{2}|35[2-8][0-9])"
    r"(?:[0-9]{12}|([ -])[0-9]{4}(?:\1[0-9]{4}){2})"
    r"|3[47][0-9]{2}(?:[0-9]{11}|([ -])[0-9]{6}\2[0-9]{5})"
)
_PEOPLE: Final = {
    "be.nn": _form(r"[0-9]{2}\.[0-9]{2}\.[0-9]{2}-[0-9]{3}\.[0-9]{2}"),
    "br.cpf": _form(r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}"),
    "ch.ssn": _form(r"756\.[0-9]{4}\.[0-9]{4}\.[0-9]{2}"),
    "cn.ric": _form(r"[1-8][0-9]{5}(?:19|20)[0-9]{9}[0-9X]"),
    "es.dni": _form(r"[0-9]{8}-?[A-Z]"),
    "es.nie": _form(r"[XYZ]-?[0-9]{7}-?[A-Z]"),
    "fi.hetu": _form(r"[0-9]{6}[-+A-FU-Y][0-9]{3}[0-9A-Y]"),
    "fr.nir": _form(r"[12] ?[0-9]{2} ?(?:0[1-9]|1[0-2]) ?[0-9]{2} ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}"),
    "it.codicefiscale": _form(r"[A-Z]{6}[0-9]{2}[A-EHLMPR-T][0-9]{2}[A-Z][0-9]{3}[A-Z]"),
    "mx.curp": _form(r"[A-Z]{4}[0-9]{6}[HMX][A-Z]{5}[0-9A-Z][0-9]"),
    "se.personnummer": _form(r"(?:19|20)?[0-9]{6}[-+][0-9]{4}"),
}
"""National numbers of people, by the module of python-stdnum that checks them."""


def numbers_in(text: str) -> Iterator[tuple[str, str]]:
    """Each such number in `text`, as its kind (`iban`, `card`, `id-` and the country) and itself."""
    for match in _IBAN.finditer(text):
        if found := _iban_at(match.group()):
            yield "iban", found
    for match in _CARD.finditer(text):
        if _check("luhn")(match.group().replace(" ", "").replace("-", "")):
            yield "card", match.group()
    for module, form in _PEOPLE.items():
        for match in form.finditer(text):
            if _check(module)(match.group()):
                yield f"id-{module[:2]}", match.group()


def _iban_at(text: str) -> str:
    """The IBAN that `text` begins with, or '': what follows it may look like more of it."""
    ends = [place for place in range(15, len(text) + 1) if place == len(text) or not text[place].isalnum()]
    for end in reversed(ends):
        if _check("iban")(text[:end]):
            return text[:end]
    return ""


@functools.cache
def _check(module: str) -> Callable[[str], bool]:
    from stdnum import iban, luhn
    from stdnum.be import nn
    from stdnum.br import cpf
    from stdnum.ch import ssn
    from stdnum.cn import ric
    from stdnum.es import dni, nie
    from stdnum.fi import hetu
    from stdnum.fr import nir
    from stdnum.it import codicefiscale
    from stdnum.mx import curp
    from stdnum.se import personnummer

    checks: dict[str, Callable[[str], bool]] = {
        "be.nn": nn.is_valid,
        "br.cpf": cpf.is_valid,
        "ch.ssn": ssn.is_valid,
        "cn.ric": ric.is_valid,
        "es.dni": dni.is_valid,
        "es.nie": nie.is_valid,
        "fi.hetu": hetu.is_valid,
        "fr.nir": nir.is_valid,
        "iban": iban.is_valid,
        "it.codicefiscale": codicefiscale.is_valid,
        "luhn": luhn.is_valid,
        "mx.curp": curp.is_valid,
        "se.personnummer": personnummer.is_valid,
    }
    return checks[module]
