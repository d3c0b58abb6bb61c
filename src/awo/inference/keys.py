"""Where a provider is and which key opens it: the environment first, then the key file; never the workflow."""

from __future__ import annotations

import ipaddress
import urllib.parse
from dataclasses import dataclass, field
from typing import Final

from awo.errors import CannotCheck
from awo.inference.key_file import Environment, from_file, shown, tables
from awo.inference.providers import PROVIDERS, Provider

ALLOW_VARIABLE: Final = "AWO_ALLOW_HTTP"
SHORTEST_SECRET: Final = 8
PROXY_VARIABLES: Final = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")


@dataclass(frozen=True, slots=True)
class Access:
    """A provider's address without a final slash, its key ('' for none), and the version of its API ('' for none)."""

    base_url: str
    key: str = field(repr=False)
    api_version: str = ""


def access_of(provider: Provider, environment: Environment) -> Access:
    """Address and key together. Raises `CannotCheck` as `endpoint_of` and `key_of`.

    A key is not sent over plain HTTP to another machine, where everybody on the way can read it.
    """
    base_url, key = endpoint_of(provider, environment), key_of(provider, environment)
    split = urllib.parse.urlsplit(base_url)
    if key and split.scheme == "http" and not is_loopback(split.hostname or "") and not _may_use_http(environment):
        raise CannotCheck(
            "the key would cross the network in the clear",
            where=f"provider {provider.name}",
            expected="an https:// address, or a server on this machine",
            got=base_url,
            hint=f"use https, or set {ALLOW_VARIABLE}=1 where nobody else can listen",
        )
    return Access(base_url, key, _api_version(provider, environment))


def endpoint_of(provider: Provider, environment: Environment) -> str:
    """The address that requests go to, without a final slash. Raises `CannotCheck` for one that cannot be used."""
    root = "/openai" if _api_version(provider, environment) else provider.root
    for name in provider.address_variables:
        if given := environment.get(name, "").strip():
            return _checked(provider, given, name, root)
    if given := from_file(provider.name, "base_url", environment):
        return _checked(provider, given, f"base_url of [{provider.name}] in {shown(environment)}", root)
    if not provider.address:
        raise CannotCheck(
            f"nobody says where {provider.name} is",
            where=f"provider {provider.name}",
            hint=f"set {provider.address_variables[0]}, or `base_url` under [{provider.name}] in {shown(environment)}",
        )
    return provider.address


def key_of(provider: Provider, environment: Environment) -> str:
    """The provider's key, or '' where it needs none. Raises `CannotCheck` when it is missing or can be no key."""
    for name in provider.key_variables:
        if key := environment.get(name, "").strip():
            return _sendable(key, name)
    if key := from_file(provider.name, "api_key", environment).strip():
        return _sendable(key, f"api_key of [{provider.name}] in {shown(environment)}")
    if provider.needs_key:
        raise CannotCheck(
            f"there is no key for {provider.name}",
            where=f"provider {provider.name}",
            expected=" or ".join(provider.key_variables),
            hint=f"set {provider.key_variables[0]}, or `api_key` under [{provider.name}] in {shown(environment)}",
        )
    return ""


def secrets(environment: Environment) -> dict[str, str]:
    """What must be cut from everything recorded and is not in a variable with a telling name: the key file's keys,
    and passwords inside addresses of servers and proxies. Never raises: an unusable file opens nothing."""
    try:
        listed = tables(environment)
    except CannotCheck:
        listed = {}
    found = {f"{name} api_key": table.get("api_key", "").strip() for name, table in listed.items()}
    addresses = {f"{name} base_url": table.get("base_url", "") for name, table in listed.items()}
    variables = {variable for row in PROVIDERS.values() for variable in row.address_variables} | {*PROXY_VARIABLES}
    addresses |= {variable: environment.get(variable, "") for variable in sorted(variables)}
    for name, address in addresses.items():
        if password := _password_in(address):
            found[f"{name} password"] = password
    return {name: value for name, value in found.items() if len(value) >= SHORTEST_SECRET}


def is_loopback(host: str) -> bool:
    """Whether this host is this machine, by its name or address alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


# --- addresses --------------------------------------------------------------------------------------


def _api_version(provider: Provider, environment: Environment) -> str:
    """Azure's dated version, '' for its newer API; '' for everybody else."""
    if not provider.version_variable:
        return ""
    return environment.get(provider.version_variable, "") or from_file(provider.name, "api_version", environment)


def _checked(provider: Provider, given: str, where: str, root: str) -> str:
    """`given` as an address with the protocol's `root`. What is refused is not shown: it may hold a password."""

    def refuse(what: str, expected: str) -> CannotCheck:
        return CannotCheck(
            what, where=where, expected=expected, hint="correct the address; docs/models.md has examples"
        )

    if provider.is_local:
        given = _as_client_address(given, urllib.parse.urlsplit(provider.address).port or 80)
    if not given.isascii() or any(not mark.isprintable() or mark.isspace() for mark in given):
        raise refuse("the address has characters that no address has", "printable ASCII, without blanks")
    try:
        split = urllib.parse.urlsplit(given)
        host, _ = split.hostname, split.port
        (host or "").encode("idna")  # as the resolver will: a label may be too long, or empty
    except ValueError as error:
        raise refuse("the address cannot be read", "https://HOST[:PORT][/PATH]") from error
    if split.scheme not in ("http", "https") or not host:
        raise refuse("the address is not one of a server", "https://HOST[:PORT][/PATH], or http://127.0.0.1:PORT")
    if split.username is not None or split.password is not None:
        raise refuse("an address must not hold a user name or password", "an address alone; keys have their own place")
    if split.query or split.fragment:
        raise refuse("an address must not hold a query", "https://HOST[:PORT][/PATH]")
    path = split.path.rstrip("/")
    if path and provider.is_root_in_address:
        return f"{split.scheme}://{split.netloc}{path}"
    return f"{split.scheme}://{split.netloc}{path.removesuffix(provider.root).removesuffix(root)}{root}"


def _as_client_address(given: str, port: int) -> str:
    """OLLAMA_HOST says where the server listens, such as `0.0.0.0` or `:11434`: the address that a client needs."""
    if "://" in given:
        return given.replace("://0.0.0.0", "://127.0.0.1", 1)
    host, _, path = given.partition("/")
    name, colon, number = host.rpartition(":") if host.rpartition(":")[2].isdigit() else (host, "", "")
    name = "127.0.0.1" if name in ("", "0.0.0.0", "[::]", "::") else name  # noqa: S104
    return f"http://{name}:{number if colon else port}{'/' + path if path else ''}"


def _password_in(address: str) -> str:
    try:
        password = urllib.parse.urlsplit(address).password or ""
    except ValueError:
        return ""
    return urllib.parse.unquote(password)


def _may_use_http(environment: Environment) -> bool:
    return environment.get(ALLOW_VARIABLE, "") == "1"


def _sendable(key: str, where: str) -> str:
    """A key goes into a header: a line break in it would begin another header."""
    if key.isascii() and key.isprintable() and " " not in key:
        return key
    raise CannotCheck(
        "the key has characters that no key has",
        where=where,
        expected="printable ASCII, without blanks",
        hint="copy it again; quotes and line breaks do not belong to it",
    )
