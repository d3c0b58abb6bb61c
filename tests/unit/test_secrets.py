"""Secrets of the environment are found and cut in every spelling in which they usually turn up."""

from __future__ import annotations

import base64
import json
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awo.evidence.secrets import SecretCutter

SECRET = 'pä"ss/w+rd \\ 12'
CUTTER = SecretCutter.from_environment({"MY_TOKEN": SECRET})


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        urllib.parse.quote(SECRET),
        urllib.parse.quote(SECRET, safe=""),
        urllib.parse.quote_plus(SECRET),
        "p%c3%a4%22ss%2fw%2brd%20%5c%2012",
    ],
)
def test_every_spelling_of_a_secret_is_cut(form: str) -> None:
    assert CUTTER.cut(f"before {form} after".encode()) == b"before [secret MY_TOKEN] after"
    assert CUTTER.cut_text(form) == "[secret MY_TOKEN]"
    assert CUTTER.found_in(form.encode()) == ["MY_TOKEN"]


@given(st.binary(max_size=7), st.binary(max_size=7), st.booleans())
def test_a_secret_inside_base64_is_found_wherever_it_stands(before: bytes, after: bytes, url_safe: bool) -> None:
    encode = base64.urlsafe_b64encode if url_safe else base64.b64encode
    encoded = encode(before + SECRET.encode() + after)
    assert CUTTER.found_in(encoded) == ["MY_TOKEN"]
    assert b"[secret MY_TOKEN]" in CUTTER.cut(encoded)


@pytest.mark.parametrize("name", ["API_KEY", "github_token", "DB_PASSWORD", "PGPASSWD", "SECRET", "AWS_CREDENTIALS"])
def test_names_that_look_like_secrets_are_taken(name: str) -> None:
    assert SecretCutter.from_environment({name: "12345678"}).found_in(b"x12345678x") == [name]


@pytest.mark.parametrize(("name", "value"), [("HOME", "12345678"), ("API_KEY", "1234567"), ("API_KEY", " 1234567 ")])
def test_other_names_and_short_values_are_left(name: str, value: str) -> None:
    cutter = SecretCutter.from_environment({name: value})
    assert cutter.cut(b"x12345678x") == b"x12345678x"
    assert cutter.cut_text("1234567") == "1234567"
    assert cutter.found_in(b"12345678") == []


def test_where_a_key_lies_is_no_secret() -> None:
    cutter = SecretCutter.from_environment({"AWO_KEY": "/some/where/key", "API_KEY": "0123456789"})
    assert cutter.cut(b"/some/where/key 0123456789") == b"/some/where/key [secret API_KEY]"


def test_the_longer_of_two_secrets_is_cut_where_one_holds_the_other() -> None:
    cutter = SecretCutter.from_environment({"A_KEY": "12345678", "B_KEY": "1234567890"})
    assert cutter.cut(b"1234567890 12345678") == b"[secret B_KEY] [secret A_KEY]"


def test_a_value_under_two_names_is_cut_under_the_first() -> None:
    assert (
        SecretCutter.from_environment({"B_KEY": "12345678", "A_KEY": "12345678"}).cut(b"12345678") == b"[secret A_KEY]"
    )


def test_a_trailing_line_break_of_a_variable_does_not_hide_its_value() -> None:
    assert SecretCutter.from_environment({"A_KEY": "12345678\n"}).cut_text("is 12345678.") == "is [secret A_KEY]."


def test_an_odd_name_cannot_break_what_it_is_written_into() -> None:
    assert SecretCutter.from_environment({'A"\nKEY': "12345678"}).cut(b'"12345678"') == b'"[secret A__KEY]"'


@given(st.text(max_size=40))
def test_text_without_secrets_stays_as_it_is(text: str) -> None:
    assert CUTTER.cut_text(text) == text
    assert CUTTER.cut(text.encode("utf-8", "surrogatepass")) == text.encode("utf-8", "surrogatepass")


@given(
    st.text(min_size=8, max_size=30).filter(lambda text: len(text.strip()) >= 8),
    st.text(max_size=9),
    st.text(max_size=9),
)
def test_after_the_cut_no_secret_is_found(secret: str, before: str, after: str) -> None:
    cutter = SecretCutter.from_environment({"X_KEY": secret})
    data = (before + secret + after).encode("utf-8", "surrogatepass")
    assert cutter.found_in(data) == ["X_KEY"]
    assert secret.strip().encode("utf-8", "surrogatepass") not in cutter.cut(data) or secret.strip() in "[secret X_KEY]"
