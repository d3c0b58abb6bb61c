"""The models of a workflow file: entries, `provider/model`, stand-ins; prices, limits, and what has no place in it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from msgspec import UNSET

from awo.canon.positions import Path
from awo.canon.usd import picodollars, usd
from awo.plugins import BACKENDS
from awo.workflow.definition import MODEL_NAME_PATTERN, STAND_INS, Limits, Model, ModelShape, Price
from awo.workflow.faults import Fault
from awo.workflow.names import did_you_mean

FREE: Final = Price("0", "0")

_is_name = re.compile(MODEL_NAME_PATTERN)

# Parameters that would carry a key or send it elsewhere. A run's folder records every parameter.
# fmt: off
_HOMELESS: Final = frozenset({
        "access_token", "api_base", "api_key", "api_token", "api_url", "api_version", "apikey", "auth", "auth_token",
        "authorization", "azure_endpoint", "base_url", "baseurl", "bearer", "bearer_token", "client_secret", "cookie",
        "credentials", "default_headers", "endpoint", "extra_headers", "headers", "host", "http_client",
        "organization", "password", "proxies", "proxy", "secret", "token", "url", "x_api_key",
})
# fmt: on


def provider_model(text: str) -> tuple[str, str] | None:
    """Backend and model of a text `provider/model`; None when its first part is no backend."""
    backend, slash, model = text.partition("/")
    return (backend, model) if slash and model and backend in BACKENDS else None


def is_model(name: str, models: Collection[str]) -> bool:
    """Whether a step may name this model: an entry, a stand-in, or `provider/model` that can be a name on record."""
    if name in models or name in STAND_INS:
        return True
    return provider_model(name) is not None and _is_name.search(name) is not None


def unknown_model(name: str, models: Collection[str], place: Path) -> Fault:
    """The fault of a name that is no model."""
    backend, slash, _ = name.partition("/")
    if slash and backend in BACKENDS:
        hint = "give the model an entry in `models`, with a name of letters, digits or '_.:/-'"
        return Fault(place, f"{name!r} cannot be a model's name", "", "", hint)
    known = [*models, *STAND_INS]
    hint = did_you_mean(name, known)
    if slash and (near := did_you_mean(backend, BACKENDS)):
        hint = near
    return Fault(place, f"there is no model called {name!r}", f"{', '.join(known)}, or provider/model", "", hint)


def faults_of_entry(name: str, entry: Any) -> Iterator[Fault]:
    """What is wrong with an entry of `models` beside its shape."""
    place: Path = ("models", name)
    if isinstance(entry, str):
        if provider_model(entry) is None:
            what = f"the model {name!r} is not as it should be"
            expected = "provider/model, where the provider is one of " + ", ".join(BACKENDS)
            yield Fault(place, what, expected, repr(entry), did_you_mean(entry.partition("/")[0], BACKENDS))
        elif name in STAND_INS:
            yield _taken(name, place, entry)
        return
    entry = entry if isinstance(entry, dict) else {}
    backend: Any = entry.get("backend")
    if not isinstance(backend, str):
        return  # told with the shape of the file
    if backend not in BACKENDS:
        what, hint = f"there is no model backend called {backend!r}", did_you_mean(backend, BACKENDS)
        yield Fault((*place, "backend"), what, ", ".join(BACKENDS), hint=hint)
    elif name in STAND_INS and backend != name:
        yield _taken(name, (*place, "backend"), backend)
    yield from _faults_of_params(entry.get("params"), (*place, "params"))
    price = entry.get("price")
    for key in ("input", "output") if isinstance(price, dict) else ():
        yield from fault_of_amount(price.get(key), (*place, "price", key))


def _taken(name: str, place: Path, got: str) -> Fault:
    what = f"the model name {name!r} stands for the backend {name!r}"
    return Fault(place, what, got=repr(got), hint="give the model another name")


def _faults_of_params(params: Any, place: Path) -> Iterator[Fault]:
    for key, value in params.items() if isinstance(params, dict) else ():
        yield from fault_of_param(key, (*place, key))
        if key == "extra_body":
            yield from _faults_of_params(value, (*place, key))


def fault_of_param(name: str, place: Path) -> Iterator[Fault]:
    """The fault of a parameter that would carry a credential or an address."""
    folded = name.lower().replace("-", "_")
    if folded in _HOMELESS or "api_key" in folded:
        yield Fault(
            place,
            f"the parameter {name!r} would put a key or an address into the run's record",
            hint="keys and addresses come from the environment, or a key file that it names: remove it here",
            is_key=True,
        )


def fault_of_amount(value: Any, place: Path) -> Iterator[Fault]:
    """The fault of a number or text, right by its shape, that is no amount with at most 12 decimals."""
    if isinstance(value, (int, float, str)) and not isinstance(value, bool):
        try:
            amount(value)
        except ValueError:
            yield Fault(place, "this is no amount of money", "US dollars with at most 12 decimals", repr(value))


def amount(value: float | str) -> str:
    """The one spelling of an amount in US dollars. Raises `ValueError` for more than 12 decimals, and what is none."""
    text = value if isinstance(value, str) else format(Decimal(repr(value)), "f")
    return usd(picodollars(text.rstrip("0").rstrip(".") if "." in text else text))


def model_of(shape: ModelShape | str, seed: int, place: Path) -> Model:
    """The model of an entry without faults, of `provider/model`, or of a stand-in's name."""
    if isinstance(shape, str):
        backend, model = provider_model(shape) or (shape, shape)
        return Model(backend=backend, model=model, params={}, seed=seed, place=place)
    return Model(
        backend=shape.backend,
        model=shape.model or (shape.backend if shape.backend in STAND_INS else ""),
        params=shape.params,
        seed=seed if shape.seed is UNSET else shape.seed,
        on_unknown="" if shape.on_unknown is UNSET else shape.on_unknown,
        price=_price(shape),
        limits=_limits(shape),
        place=place,
    )


def _price(shape: ModelShape) -> Price | None:
    if shape.price is UNSET:
        return None
    if shape.price == "free":
        return FREE
    return Price(amount(shape.price.input), amount(shape.price.output))


def _limits(shape: ModelShape) -> Limits:
    said: Mapping[str, Any] = {name: getattr(shape.limits, name) for name in shape.limits.__struct_fields__}
    return Limits(**{name: value for name, value in said.items() if value is not UNSET})
