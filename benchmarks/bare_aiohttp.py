"""`python -m benchmarks.bare_aiohttp URL CALLS IN_FLIGHT`: as many calls with aiohttp and nothing else, as a peer.

It reads each answer's text, keeps all of them, and writes nothing. The key is in OPENAI_API_KEY.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any


async def ask_all(url: str, calls: int, in_flight: int) -> list[str]:
    """The texts of the answers, in the order of the questions."""
    import aiohttp

    texts = [""] * calls
    numbers = iter(range(calls))
    headers = {"Authorization": f"Bearer {os.environ['OPENAI_API_KEY']}"}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=in_flight), headers=headers) as session:

        async def work() -> None:
            for number in numbers:
                turn = {"role": "user", "content": f"Say row {number:06d}"}
                async with session.post(url, json={"model": "gpt-5-mini", "messages": [turn]}) as answer:
                    content: dict[str, Any] = await answer.json()
                    texts[number] = content["choices"][0]["message"]["content"]

        await asyncio.gather(*(work() for _ in range(in_flight)))
    return texts


if __name__ == "__main__":
    found = asyncio.run(ask_all(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
    sys.exit(0 if all(found) else 1)
