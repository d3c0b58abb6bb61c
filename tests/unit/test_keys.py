"""Addresses and keys from the environment: which is taken, which is refused, and that no refusal shows a secret."""

from __future__ import annotations

import pytest

from awo.errors import CannotCheck
from awo.inference import keys
from awo.inference.keys import Access, access_of, endpoint_of, is_loopback, key_of
from awo.inference.providers import PROVIDERS
from awo.inference.wire import proxy_of

NOWHERE = {"XDG_CONFIG_HOME": "/no-such-folder"}
SECRET = "sk-0123456789abcdef"


def endpoint(provider: str, **environment: str) -> str:
    return endpoint_of(PROVIDERS[provider], NOWHERE | environment)


@pytest.mark.parametrize(
    ("provider", "variable", "given", "address"),
    [
        ("openai", "OPENAI_BASE_URL", "https://gate.example", "https://gate.example/v1"),
        ("openai", "OPENAI_BASE_URL", "https://gate.example/openai/", "https://gate.example/openai"),
        ("openai", "OPENAI_BASE_URL", " https://gate.example:8443/v1/ ", "https://gate.example:8443/v1"),
        ("anthropic", "ANTHROPIC_BASE_URL", "https://gate.example", "https://gate.example/v1"),
        ("anthropic", "ANTHROPIC_BASE_URL", "https://gate.example/claude", "https://gate.example/claude/v1"),
        ("anthropic", "ANTHROPIC_BASE_URL", "https://gate.example/v1", "https://gate.example/v1"),
        ("gemini", "GEMINI_BASE_URL", "https://gate.example", "https://gate.example/v1beta"),
        ("openrouter", "OPENROUTER_BASE_URL", "https://gate.example", "https://gate.example/api/v1"),
        ("azure", "AZURE_OPENAI_ENDPOINT", "https://mine.example/", "https://mine.example/openai/v1"),
        ("azure", "AZURE_OPENAI_ENDPOINT", "https://mine.example/openai/v1", "https://mine.example/openai/v1"),
        ("vllm", "VLLM_BASE_URL", "http://gpu-box:8000", "http://gpu-box:8000/v1"),
        ("llamacpp", "LLAMACPP_BASE_URL", "127.0.0.1:9000", "http://127.0.0.1:9000/v1"),
        ("ollama", "OLLAMA_HOST", "0.0.0.0", "http://127.0.0.1:11434/v1"),
        ("ollama", "OLLAMA_HOST", "0.0.0.0:9999", "http://127.0.0.1:9999/v1"),
        ("ollama", "OLLAMA_HOST", ":9999", "http://127.0.0.1:9999/v1"),
        ("ollama", "OLLAMA_HOST", "gpu-box", "http://gpu-box:11434/v1"),
        ("ollama", "OLLAMA_HOST", "http://gpu-box:80", "http://gpu-box:80/v1"),
        ("ollama", "OLLAMA_HOST", "[::1]:9999", "http://[::1]:9999/v1"),
    ],
)
def test_an_address_is_taken_as_the_providers_own_tools_take_it(
    provider: str, variable: str, given: str, address: str
) -> None:
    assert endpoint(provider, **{variable: given}) == address


def test_without_a_variable_each_provider_has_its_usual_address_and_azure_none() -> None:
    assert endpoint("openai") == "https://api.openai.com/v1"
    assert endpoint("lmstudio") == "http://127.0.0.1:1234/v1"
    with pytest.raises(CannotCheck) as caught:
        endpoint("azure")
    assert "AZURE_OPENAI_ENDPOINT" in caught.value.hint


def test_azures_dated_version_has_another_root() -> None:
    environment = {"AZURE_OPENAI_ENDPOINT": "https://mine.example", "OPENAI_API_VERSION": "2024-10-21"}
    access = access_of(PROVIDERS["azure"], NOWHERE | environment | {"AZURE_OPENAI_API_KEY": SECRET})
    assert access == Access("https://mine.example/openai", SECRET, "2024-10-21")


@pytest.mark.parametrize(
    "given",
    [
        f"https://me:{SECRET}@gate.example",
        f"https://{SECRET}@gate.example/v1",
        f"https://gate.example/v1?key={SECRET}",
        f"https://gate.example/v1#{SECRET}",
        f"ftp://gate.example/{SECRET}",
        f"https://gate.example\r\nX: {SECRET}",
        f"https://gate.example:{SECRET}",
        f"https://[{SECRET}",
        SECRET,
        "https://",
        "https://gäte.example",
        "https://a..example",
        f"https://{'x' * 70}.example",
    ],
)
def test_an_address_that_holds_more_or_less_than_an_address_is_refused_and_not_shown(given: str) -> None:
    with pytest.raises(CannotCheck) as caught:
        endpoint("openai", OPENAI_BASE_URL=given)
    assert caught.value.where == "OPENAI_BASE_URL"
    assert SECRET not in f"{caught.value}{caught.value.as_dict()}"


def test_the_first_variable_with_a_key_counts_and_blanks_around_it_do_not() -> None:
    both = {"GEMINI_API_KEY": f" {SECRET}\n", "GOOGLE_API_KEY": "other"}
    assert key_of(PROVIDERS["gemini"], NOWHERE | both) == SECRET
    assert key_of(PROVIDERS["gemini"], NOWHERE | {"GOOGLE_API_KEY": "other"}) == "other"
    assert key_of(PROVIDERS["ollama"], NOWHERE) == ""


def test_a_missing_key_names_the_variable_and_the_file() -> None:
    with pytest.raises(CannotCheck) as caught:
        key_of(PROVIDERS["anthropic"], NOWHERE)
    assert caught.value.exit_code == 7
    assert "ANTHROPIC_API_KEY" in caught.value.hint
    assert "$XDG_CONFIG_HOME/awo/api_keys.toml" in caught.value.hint


@pytest.mark.parametrize("key", [f"{SECRET}\r\nX-Evil: 1", f"{SECRET} x", f"{SECRET}ä", f"{SECRET}\x00"])
def test_a_key_that_would_end_its_header_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(CannotCheck) as caught:
        key_of(PROVIDERS["openai"], NOWHERE | {"OPENAI_API_KEY": key})
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("host", ["gpu-box", "10.0.0.7", "127.0.0.1.example", "localhost.example"])
def test_a_key_does_not_cross_the_network_in_the_clear_unless_allowed(host: str) -> None:
    environment = NOWHERE | {"VLLM_BASE_URL": f"http://{host}:8000", "VLLM_API_KEY": SECRET}
    with pytest.raises(CannotCheck, match="in the clear") as caught:
        access_of(PROVIDERS["vllm"], environment)
    assert SECRET not in str(caught.value)
    assert access_of(PROVIDERS["vllm"], environment | {"AWO_ALLOW_HTTP": "1"}).key == SECRET
    without_key = {name: value for name, value in environment.items() if name != "VLLM_API_KEY"}
    assert access_of(PROVIDERS["vllm"], without_key).base_url == f"http://{host}:8000/v1"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "localhost", "[::1]", "awo.localhost"])
def test_this_machine_may_get_a_key_in_the_clear(host: str) -> None:
    environment = NOWHERE | {"VLLM_BASE_URL": f"http://{host}:8000", "VLLM_API_KEY": SECRET}
    assert access_of(PROVIDERS["vllm"], environment).key == SECRET


def test_a_key_is_not_in_what_python_shows() -> None:
    assert SECRET not in repr(Access("https://host.example", SECRET))


def test_passwords_inside_addresses_are_known_as_secrets() -> None:
    environment = {"HTTPS_PROXY": "http://me:pass%20word-9@proxy.example", "OPENAI_BASE_URL": "https://u:p@x.example"}
    assert keys.secrets(NOWHERE | environment) == {"HTTPS_PROXY password": "pass word-9"}


def test_a_server_on_this_machine_is_not_asked_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "proxy.example:3128")
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    assert proxy_of("https://api.openai.com/v1") == "http://proxy.example:3128"
    assert proxy_of("http://gpu-box:8000/v1") == "http://proxy.example:3128"
    assert proxy_of("http://127.0.0.1:8000/v1") is None
    monkeypatch.setenv("NO_PROXY", "openai.com")
    assert proxy_of("https://api.openai.com/v1") is None


def test_every_row_can_be_reached_and_names_its_variables() -> None:
    for name, row in PROVIDERS.items():
        assert row.address_variables, name
        assert row.key_variables, name
        assert bool(row.to_start) == row.is_local, name
        assert not row.address or is_loopback(row.address.split("/")[2].split(":")[0]) == row.is_local, name
        assert row.address.endswith(row.root) or not row.address, name
