"""The key file on a real disk: who may read it, what may stand in it, and that no error shows what does."""

from __future__ import annotations

from pathlib import Path

import pytest

from awo.errors import CannotCheck
from awo.inference import keys
from awo.inference.keys import Access, access_of, key_of
from awo.inference.providers import PROVIDERS

SECRET = "sk-0123456789abcdef"
GOOD = f"""
[openai]
api_key = "{SECRET}"
base_url = "https://gate.example"

[azure]
api_key = "azure-{SECRET}"
base_url = "https://mine.example"
api_version = "2024-10-21"
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    write(tmp_path, GOOD)
    return {"XDG_CONFIG_HOME": str(tmp_path)}


def write(folder: Path, text: str, mode: int = 0o600) -> None:
    path = folder / "awo" / "api_keys.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def refused(folder: Path, text: str, mode: int = 0o600) -> CannotCheck:
    write(folder, text, mode)
    with pytest.raises(CannotCheck) as caught:
        key_of(PROVIDERS["openai"], {"XDG_CONFIG_HOME": str(folder)})
    shown = f"{caught.value}{caught.value.__cause__}"
    assert SECRET not in shown
    assert str(folder) not in shown
    return caught.value


def test_key_address_and_version_come_from_the_file(environment: dict[str, str]) -> None:
    assert access_of(PROVIDERS["openai"], environment) == Access("https://gate.example/v1", SECRET)
    assert access_of(PROVIDERS["azure"], environment) == Access(
        "https://mine.example/openai", f"azure-{SECRET}", "2024-10-21"
    )


def test_the_environment_goes_before_the_file(environment: dict[str, str]) -> None:
    environment |= {"OPENAI_API_KEY": "from-the-environment", "OPENAI_BASE_URL": "https://other.example"}
    assert access_of(PROVIDERS["openai"], environment) == Access("https://other.example/v1", "from-the-environment")


def test_a_variable_names_another_file_and_the_home_has_the_usual_one(tmp_path: Path) -> None:
    (tmp_path / ".config").mkdir()
    write(tmp_path / ".config", GOOD)
    assert key_of(PROVIDERS["openai"], {"HOME": str(tmp_path)}) == SECRET
    named = str(tmp_path / ".config" / "awo" / "api_keys.toml")
    assert key_of(PROVIDERS["openai"], {"AWO_API_KEYS": named}) == SECRET
    with pytest.raises(CannotCheck, match="no key file") as caught:
        key_of(PROVIDERS["openai"], {"AWO_API_KEYS": f"{named}.old"})
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620])
def test_a_file_that_others_may_read_or_write_is_refused(tmp_path: Path, mode: int) -> None:
    error = refused(tmp_path, GOOD, mode)
    assert error.got == f"mode {mode:o}"
    assert "chmod 600" in error.hint


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (f'[openai]\napi_key = "{SECRET}', "[openai]"),
        (f"[openai]\napi_key = {SECRET}", "[openai]"),
        (f'[opneai]\napi_key = "{SECRET}"', "did you mean [openai]?"),
        (f'[openai]\nkey = "{SECRET}"', "did you mean 'api_key'?"),
        (f'[openai]\napi_key = ["{SECRET}"]', ""),
        (f'openai = "{SECRET}"', ""),
    ],
)
def test_a_line_that_does_not_belong_is_named_without_its_secret(tmp_path: Path, text: str, hint: str) -> None:
    assert hint in refused(tmp_path, text).hint


def test_a_folder_or_a_huge_file_is_no_key_file(tmp_path: Path) -> None:
    assert "small regular file" in refused(tmp_path, "#" * (2 << 20)).what
    with pytest.raises(CannotCheck):
        key_of(PROVIDERS["openai"], {"AWO_API_KEYS": str(tmp_path)})


def test_the_keys_of_the_file_are_known_as_secrets_and_an_unusable_file_is_no_obstacle(
    environment: dict[str, str], tmp_path: Path
) -> None:
    assert keys.secrets(environment) == {"openai api_key": SECRET, "azure api_key": f"azure-{SECRET}"}
    write(tmp_path, GOOD, 0o644)
    assert keys.secrets(environment) == {}
