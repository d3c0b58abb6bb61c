"""Addresses of repositories and packages are recorded without what could be secret, and folders not at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awo.engine.machine.addresses import HIDDEN, LOCAL, public_address

PLANTED = "s3cretT0ken"


@pytest.mark.parametrize(
    ("given_", "told"),
    [
        ("", ""),
        ("https://host.example/a/b.git", "https://host.example/a/b.git"),
        (f"https://user:{PLANTED}@host.example/a.git", "https://host.example/a.git"),
        (f"https://{PLANTED}@host.example:8443/a.git?token={PLANTED}#{PLANTED}", "https://host.example:8443/a.git"),
        (f"git+ssh://git:{PLANTED}@host.example/a.git", "git+ssh://host.example/a.git"),
        ("git@host.example:a/b.git", "host.example:a/b.git"),
        (f"{PLANTED}@host.example:a/b.git", "host.example:a/b.git"),
        ("https://[2001:db8::1]:80/a", "https://[2001:db8::1]:80/a"),
        ("file:///srv/somebody/a", LOCAL),
        ("/srv/git/a.git", LOCAL),
        ("../a.git", LOCAL),
        ("C:\\Users\\somebody\\a", LOCAL),
        (f"https://user:{PLANTED}/with-a-slash@host.example/a", HIDDEN),
        (f"https://user:12#{PLANTED}@host.example/a", HIDDEN),
        (f"https://user:{PLANTED}?x@host.example/a", HIDDEN),
        (f"ext::sh -c {PLANTED}@x", HIDDEN),
        (f"weird://{PLANTED}", HIDDEN),
        ("https://host.example/a\nb", "https://host.example/ab"),
    ],
)
def test_an_address_is_told_without_user_password_query_and_folder(given_: str, told: str) -> None:
    assert public_address(given_) == told


@given(before=st.text(max_size=12), after=st.text(max_size=12), scheme=st.sampled_from(["https", "ssh", "git+http"]))
def test_a_password_is_never_told_however_it_is_written(before: str, after: str, scheme: str) -> None:
    told = public_address(f"{scheme}://user:{before}{PLANTED}{after}@host.example/a.git")
    assert PLANTED not in told
    assert PLANTED.lower() not in told
