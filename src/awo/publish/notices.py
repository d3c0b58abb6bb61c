"""Sends a notice to people through Apprise: bounded in time, silent, and never an error for who asked for it."""

from __future__ import annotations

import logging
import threading
import time
import warnings
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from awo import plugins
from awo.errors import CannotCheck

LONGEST_WAIT_S: Final = 10.0
_TALKATIVE: Final = ("apprise", "urllib3", "requests", "requests_oauthlib", "oauthlib", "slixmpp", "MARKDOWN")


class Notice(NamedTuple):
    """What people are told: one line, and a text of lines."""

    title: str
    body: str


class Sent(NamedTuple):
    """To how many addresses a notice went, and to how many it could not be brought."""

    sent: int
    failed: int


def send(notice: Notice, addresses: Sequence[str], *, longest_wait_s: float = LONGEST_WAIT_S) -> Sent:
    """Brings `notice` to every address at the same time, and waits that long for each.

    An address that cannot be read, a server that refuses or does not answer in time, and a plug-in of Apprise that
    raises are counted as failed, and nothing of an address is logged or shown. Raises `CannotCheck` where Apprise is
    not installed, before anything is sent.
    """
    if not addresses:
        return Sent(0, 0)
    if plugins.missing_modules(["apprise"]):
        raise CannotCheck(
            "notices are not sent: the package apprise is not installed", hint=plugins.how_to_install(["apprise"])
        )
    _silence()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they name hosts
        until = time.monotonic() + longest_wait_s
        workers = [_Worker(notice, address) for address in addresses]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(max(0.0, until - time.monotonic()))
        went = sum(worker.has_sent for worker in workers)
    return Sent(went, len(workers) - went)


class _Worker(threading.Thread):
    """Sends to one address. A daemon: a server that never answers must not keep the process from ending."""

    def __init__(self, notice: Notice, address: str) -> None:
        super().__init__(name="awo-notice", daemon=True)
        self.has_sent = False
        self._notice = notice
        self._address = address

    def run(self) -> None:
        try:
            self.has_sent = _send_to(self._notice, self._address)
        except Exception:  # a plug-in of Apprise may raise whatever it likes, with the address in its words
            self.has_sent = False


def _send_to(notice: Notice, address: str) -> bool:
    import apprise

    service: Any = apprise.Apprise.instantiate(address, asset=_asset(apprise), suppress_exceptions=True)
    if not isinstance(service, apprise.NotifyBase):
        return False
    sender: Any = apprise.Apprise()
    sender.add(service)
    return bool(sender.notify(body=notice.body, title=notice.title, body_format=apprise.NotifyFormat.TEXT))


def _asset(apprise: Any) -> Any:
    """Settings with which Apprise writes nothing to the disk, reads no template, and works in the thread that asks."""
    return apprise.AppriseAsset(
        app_id="AWO",
        app_desc="AWO",
        app_url="",
        async_mode=False,
        service_timeout=0,
        storage_mode=apprise.PersistentStoreMode.MEMORY,
        pgp_autogen=False,
        pem_autogen=False,
        allow_templates=False,
    )


def _silence() -> None:
    """Takes the loggers of Apprise and of what it sends with out of every log, for as long as this process lives."""
    for name in _TALKATIVE:
        logger = logging.getLogger(name)
        logger.handlers = [logging.NullHandler()]
        logger.propagate = False
        logger.disabled = True
