"""An object store on this machine: moto's server, a program of the peers, spoken to over real HTTP."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.peers import peer

ACCESS_KEY = "AKIAPLANTED000000000"
SECRET_KEY = "planted/secret+of+the+object+store"
TOKEN = "planted-session-token"
REGION = "eu-central-1"
LONGEST_START_S = 60


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of an empty store that runs as long as this. Its log is in `folder`."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with (folder / "object_store.log").open("wb") as log:
        server = subprocess.Popen(
            [peer("moto_server"), "-H", "127.0.0.1", "-p", str(port)],
            stdout=log,
            stderr=log,
            env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        )
    try:
        until = time.monotonic() + LONGEST_START_S
        while True:
            assert server.poll() is None, (folder / "object_store.log").read_text()
            assert time.monotonic() < until, "moto's server does not start"
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.send_signal(signal.SIGKILL)
        server.wait()


def environment(endpoint: str) -> dict[str, str]:
    """What boto3 finds the store by, and nothing of this machine's own settings."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_SESSION_TOKEN": TOKEN,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_PROXY": "127.0.0.1",
    }
