"""Printed names that could pass for another's are refused; what this does not catch is said."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awo.errors import UsageError
from awo.gate.names import skeleton, why_mixed
from awo.gate.policy import read_policy


def people(*names: str) -> str:
    return "\n".join(f'[people."p{place}@example.org"]\nname = "{name}"' for place, name in enumerate(names))


@pytest.mark.parametrize(
    "other",
    [
        "Alice Example",
        "ALICE EXAMPLE",
        "Alice  Example",
        "Alice\u00a0Example",
        "\uff21lice Example",
        "Alicé Example",
        "Alice\u0301 Example",
        "Al\u200dice Example",
        "Alice E\u0338xample",
        "\U0001d400lice Example",
    ],
)
def test_two_people_whose_names_look_the_same_are_refused(other: str) -> None:
    with pytest.raises(UsageError, match="look alike") as caught:
        read_policy(people("Alice Example", other), where="awo.toml")
    assert "middle initial" in caught.value.hint


def test_nobody_takes_the_id_of_somebody_else_for_a_name() -> None:
    with pytest.raises(UsageError, match="look alike"):
        read_policy(people("", "P0@example.org"), where="awo.toml")


@pytest.mark.parametrize(
    "name", ["\u0410lice Example", "Alice \u0415xample", "\u0391lice Example", "Alice \u13a1xample"]
)
def test_a_name_that_mixes_alphabets_with_letters_that_look_alike_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="it mixes letters of") as caught:
        read_policy(people(name), where="awo.toml")
    assert caught.value.got.isascii()


@pytest.mark.parametrize(
    "name",
    [
        "Zoë Müller-Łuczak",
        "Анна Петрова",
        "Ελένη Παπαδοπούλου",
        "山田 太郎",
        "やまだ Taro",
        "राम प्रसाद",
        "عائشة",
        "O'Neil, PhD",
    ],
)
def test_names_of_the_world_are_names(name: str) -> None:
    assert read_policy(people(name), where="awo.toml").person("p0@example.org").name == name


@pytest.mark.parametrize("pair", [("Ram", "Rem"), ("かた", "かだ"), ("राम", "रामि"), ("Ann Lee", "Anne Lee")])
def test_names_that_differ_are_two_people(pair: tuple[str, str]) -> None:
    assert len(read_policy(people(*pair), where="awo.toml").people) == 2


@pytest.mark.parametrize("pair", [("\u0421\u043e\u0440", "Cop"), ("Ivy Illis", "lvy Illis"), ("Arnold", "Amold")])
def test_what_the_net_does_not_catch_is_known(pair: tuple[str, str]) -> None:
    """Said in docs/gates.md: a word in one alphabet that reads in another, and letters that look alike in one."""
    assert skeleton(pair[0]) != skeleton(pair[1])
    assert not any(map(why_mixed, pair))


letters = st.text(st.characters(codec="utf-8", categories=["L", "Mn", "Zs"]), max_size=30)


@given(letters)
def test_the_skeleton_of_a_name_does_not_depend_on_how_it_is_composed(name: str) -> None:
    assert skeleton(unicodedata.normalize("NFC", name)) == skeleton(unicodedata.normalize("NFD", name))
    assert skeleton(f"  {name} ") == skeleton(name)


@given(
    st.text(st.characters(min_codepoint=0x41, max_codepoint=0x24F, categories=["L"])),
    st.sampled_from("\u0430\u0435\u043e\u0440\u0441\u0445\u0412\u041c"),
)
def test_one_cyrillic_letter_among_latin_ones_is_always_seen(name: str, letter: str) -> None:
    assert bool(why_mixed(name + letter)) == any(
        "LATIN" in unicodedata.name(c) for c in unicodedata.normalize("NFKC", name)
    )
