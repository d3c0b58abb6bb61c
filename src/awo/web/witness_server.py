"""The HTTP side of a witness: bounded requests, one line told for each, a clean end on SIGTERM (C2SP tlog-witness)."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from time import monotonic
from typing import NamedTuple

from aiohttp import web

from awo.errors import CannotCheck, UsageError
from awo.sign.note import VerifierKey
from awo.sign.note_keys import NoteSigner
from awo.web.witness import TEXT, Answer, Witness
from awo.web.witness_state import WitnessState

LARGEST_REQUEST_BYTES = 256 * 1024
REQUEST_TIMEOUT_S = 15.0
MOST_CONNECTIONS = 200
"""Above this the oldest are closed: an answer takes milliseconds, so they are those of clients that hold them open."""

LONGEST_CONNECTION_S = 60.0
LOOK_EVERY_S = 0.25

Tell = Callable[[str], None]
"""Is told one line of text at a time, for the terminal; it must make the text harmless."""


class Place(NamedTuple):
    """Where the witness listens. Port 0 is any that is free."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Place:
        """The place in `HOST:PORT`. Raises `UsageError`."""
        host, _, port = text.rpartition(":")
        if not host or not (port.isascii() and port.isdigit()) or int(port) > 65535:
            raise UsageError(
                "this is not a place to listen at", where="--listen", expected="HOST:PORT", got=ascii(text)[:80]
            )
        return cls(host.removeprefix("[").removesuffix("]"), int(port))


def serve(
    folder: Path,
    signers: Sequence[NoteSigner],
    logs: Iterable[VerifierKey],
    listen: str,
    *,
    listening: Tell,
    tell: Tell,
) -> None:
    """Answers requests at `listen` (`HOST:PORT`) until SIGTERM or SIGINT.

    `listening` is told the URL once there is one, `tell` one line for each request. Raises `UsageError` for a place
    that is none, `CannotCheck` where it is taken, and as `WitnessState` and `Witness`.
    """
    place = Place.parse(listen)
    state = WitnessState(folder, [signer.vkey for signer in signers])
    try:
        asyncio.run(_serve(Witness(state, signers, logs), place, listening, tell))
    finally:
        state.close()


async def _serve(witness: Witness, place: Place, listening: Tell, tell: Tell) -> None:
    runner = web.AppRunner(application(witness, tell), access_log=None, keepalive_timeout=REQUEST_TIMEOUT_S)
    await runner.setup()
    try:
        over = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, over.set)
        try:
            await web.TCPSite(runner, place.host, place.port).start()
        except OSError as error:
            raise CannotCheck(
                "the witness cannot listen there",
                where=f"{place.host}:{place.port}",
                got=error.strerror or str(error),
                hint="choose another --listen HOST:PORT",
            ) from error
        host, port = runner.addresses[0][:2]
        listening(f"http://{f'[{host}]' if ':' in host else host}:{port}/")
        looking = asyncio.create_task(_close_the_oldest(runner))
        await over.wait()
        looking.cancel()
    finally:
        await runner.cleanup()


async def _close_the_oldest(runner: web.AppRunner) -> None:
    """Keeps clients that send their request slowly, or none at all, from taking every connection there is."""
    since: dict[web.RequestHandler, float] = {}
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        now = monotonic()
        assert runner.server is not None
        since = {one: since.get(one, now) for one in runner.server.connections}
        oldest = sorted(since, key=since.__getitem__)
        for place, one in enumerate(oldest):
            if len(oldest) - place > MOST_CONNECTIONS or now - since[one] > LONGEST_CONNECTION_S:
                one.force_close()


def application(witness: Witness, tell: Tell) -> web.Application:
    """The requests that a witness answers, for aiohttp's server."""

    def respond(answer: Answer) -> web.Response:
        if answer.told:
            tell(answer.told)
        return web.Response(status=answer.status, body=answer.body, headers={"Content-Type": answer.content_type})

    async def introduce(_: web.Request) -> web.Response:
        return respond(witness.introduce())

    async def add_checkpoint(request: web.Request) -> web.Response:
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_S):
                body = await request.read()
        except TimeoutError:
            return respond(Answer(408, b"the request did not arrive in time\n", TEXT, ""))
        return respond(await asyncio.to_thread(witness.add_checkpoint, body))

    async def checkpoint(request: web.Request) -> web.Response:
        return respond(await asyncio.to_thread(witness.checkpoint, request.match_info["origin_hash"]))

    made = web.Application(client_max_size=LARGEST_REQUEST_BYTES)
    made.router.add_get("/", introduce)
    made.router.add_post("/add-checkpoint", add_checkpoint)
    made.router.add_get("/{origin_hash:[0-9a-f]{64}}/checkpoint", checkpoint)
    return made
