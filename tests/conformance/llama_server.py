"""`python -m tests.conformance.llama_server N_CTX`: llama.cpp's own HTTP server with SmolLM2 and one slot.

It prints `{"address": …, "key": …}` on one line and ends when its stdin is closed.
"""

from __future__ import annotations

import json
import secrets
import sys
from pathlib import Path

import xllamacpp  # type: ignore[import-untyped, import-not-found, unused-ignore]

from awo.inference.weights import find_weights


def main(context_tokens: int) -> None:
    key = secrets.token_hex(16)
    params = xllamacpp.CommonParams()
    params.model.path = str(find_weights("smollm2", Path()).path)
    params.n_ctx = context_tokens
    params.n_parallel = 1
    params.fit_params = False
    params.ctx_shift = False
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.api_keys = [key]
    params.verbosity = -1
    server = xllamacpp.Server(params)
    print(json.dumps({"address": server.listening_address, "key": key}), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(int(sys.argv[1]))
