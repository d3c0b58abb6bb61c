"""An ssh-agent that holds an emulated security key: enough of the agent protocol for the real ssh-keygen to sign."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.security_key import SecurityKey

from awo.sign.wire import Reader, string, uint32

FAILURE = b"\x05"
REQUEST_IDENTITIES, IDENTITIES_ANSWER = b"\x0b", b"\x0c"
SIGN_REQUEST, SIGN_RESPONSE = b"\x0d", b"\x0e"


class FakeAgent:
    """Answers on a socket (draft-ietf-sshm-ssh-agent). `signed` counts what it signed, with these `flags`."""

    def __init__(self, device: SecurityKey, flags: int) -> None:
        self._device = device
        self._flags = flags
        self.signed = 0

    def answer(self, request: bytes) -> bytes:
        """The answer to one message, both without their length."""
        kind, reader = request[:1], Reader(request[1:])
        if kind == REQUEST_IDENTITIES:
            return IDENTITIES_ANSWER + uint32(1) + string(self._device.key.blob) + string(b"a touched key")
        if kind == SIGN_REQUEST and reader.string() == self._device.key.blob:
            self.signed += 1
            return SIGN_RESPONSE + string(self._device.sign_bare(reader.string(), flags=self._flags))
        return FAILURE

    def serve(self, listener: socket.socket) -> None:
        """Takes one connection after another, until the listener is closed."""
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as stream:
                while head := stream.read(4):
                    said = self.answer(stream.read(int.from_bytes(head, "big")))
                    connection.sendall(string(said))


@contextmanager
def listening(device: SecurityKey, flags: int, path: Path) -> Iterator[FakeAgent]:
    """The agent, on the socket `path`."""
    agent = FakeAgent(device, flags)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        thread = threading.Thread(target=agent.serve, args=(listener,))
        thread.start()
        try:
            yield agent
        finally:
            listener.shutdown(socket.SHUT_RDWR)  # wakes accept(), which closing alone does not
            thread.join(10)
