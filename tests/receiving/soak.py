"""A soak: valid, invalid and hostile requests against a running process, all at once, for as long as is asked for. In
the end every good touchpoint that was sent is stored exactly once, and nothing else is.

    make soak SECONDS=600 SEED=1

Its last line: `soak S s requests R good G stored N differing D answers {...}`.
"""

import argparse
import asyncio
import base64
import gzip
import hashlib
import hmac
import json
import random
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
from msgspec import Struct

from tests.app.command import rows, running

TOKEN, SECRET = "the-token-of-the-crm", "the-secret-of-the-desk"
SENDERS = """
senders:
  crm: {secrets: ["env:SOAK_TOKEN"], requests_per_second: 2000}
  desk: {source: zendesk, proof: zendesk, secrets: ["env:SOAK_SECRET"], requests_per_second: 2000}
  slow: {secrets: ["env:SOAK_SLOW"], requests_per_second: 1}
"""
_PATIENCE_SECONDS = 60.0
BOMB = gzip.compress(b" " * (32 * 1024 * 1024))
NOTHING_GOOD = ("unknown", "bad time", "no json", "deep", "bomb", "no token", "signature", "slow", "loris", "length")


class Soaked(Struct):
    """What came of it."""

    seconds: float
    requests: int
    good: int
    stored: int
    differing: int
    answers: dict[str, int]
    odd: list[str]


class Soak:
    """The senders. `sent`: contacts whose touchpoint was answered with 202 (retried until it was)."""

    def __init__(self, base: str, port: int, seed: int, until: float) -> None:
        self._base, self._port, self._until = base, port, until
        self._random = random.Random(seed)
        self._number = 0
        self.sent: set[str] = set()
        self.answers: Counter[str] = Counter()
        self.odd: list[str] = []

    def good(self) -> dict[str, Any]:
        self._number += 1
        return {
            "id": "1",
            "type": "contact.queued",
            "time": time.time_ns() // 1_000_000,
            "contact_id": f"soak-{self._number}",
            "channel": "phone",
            "queue": "soak",
        }

    async def run(self, senders: int) -> None:
        """Send until the time is over."""
        connector = aiohttp.TCPConnector(limit=2 * senders)
        timeout = aiohttp.ClientTimeout(total=60)
        async with (
            aiohttp.ClientSession(self._base, connector=connector, timeout=timeout) as session,
            asyncio.TaskGroup() as group,
        ):
            for _ in range(senders):
                group.create_task(self._good_ones(session))
            for _ in range(senders // 2):
                group.create_task(self._bad_ones(session))

    async def _good_ones(self, session: aiohttp.ClientSession) -> None:
        while time.monotonic() < self._until:
            batch = [self.good() for _ in range(self._random.choice((1, 1, 5, 50)))]
            bad: list[Any] = [{"id": "1"}] * self._random.choice((0, 0, 1, 3))
            documents = [*batch, *bad]
            self._random.shuffle(documents)
            headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
            body = json.dumps(documents).encode()
            if self._random.random() < 0.3:
                body, headers["Content-Type"] = (
                    b"\n".join(json.dumps(each).encode() for each in documents),
                    "application/x-ndjson",
                )
            if self._random.random() < 0.3:
                body, headers["Content-Encoding"] = gzip.compress(body), "gzip"
            for _ in range(2 if self._random.random() < 0.2 else 1):  # some are delivered twice
                await self._until_taken(session, body, headers, len(batch), len(bad))
            self.sent.update(each["contact_id"] for each in batch)

    async def _until_taken(
        self, session: aiohttp.ClientSession, body: bytes, headers: dict[str, str], good: int, bad: int
    ) -> None:
        while time.monotonic() < self._until + _PATIENCE_SECONDS:
            try:
                async with session.post("/v1/touchpoints", data=body, headers=headers) as response:
                    answer = await response.json()
                    self.answers[f"good {response.status}"] += 1
                    if response.status == 202:
                        if (answer["accepted"], answer["rejected_total"]) != (good, bad):
                            self.odd.append(f"{good} good and {bad} bad were answered {answer}")
                        return
                    if response.status not in {429, 503}:
                        self.odd.append(f"{response.status} {answer}")
                        return
            except (aiohttp.ClientError, TimeoutError):
                self.answers["good broken"] += 1
            await asyncio.sleep(0.2)
        self.odd.append("a good request was never answered with 202")

    async def _bad_ones(self, session: aiohttp.ClientSession) -> None:
        while time.monotonic() < self._until:
            kind = self._random.choice(NOTHING_GOOD)
            try:
                status = await self._bad(session, kind)
            except (aiohttp.ClientError, TimeoutError, ConnectionError):
                status = 0
            self.answers[f"{kind} {status}"] += 1
            if status == 202 or (status >= 500 and status != 503):
                self.odd.append(f"{kind} was answered {status}")
            await asyncio.sleep(0.01)

    async def _bad(self, session: aiohttp.ClientSession, kind: str) -> int:
        token = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        one = self.good()
        if kind == "unknown":
            return await self._post(session, json.dumps({**one, "type": "contact.sang"}).encode(), token)
        if kind == "bad time":
            return await self._post(session, json.dumps({**one, "time": 7}).encode(), token)
        if kind == "no json":
            return await self._post(session, self._random.randbytes(200), token)
        if kind == "deep":
            return await self._post(session, b"[" * 20_000, token)
        if kind == "bomb":
            return await self._post(session, BOMB, {**token, "Content-Encoding": "gzip"})
        if kind == "no token":
            return await self._post(session, json.dumps(one).encode(), {"Content-Type": "application/json"})
        if kind == "slow":
            statuses = [await self._post(session, b"{}", {**token, "Authorization": "Bearer slow"}) for _ in range(3)]
            return statuses[-1]
        if kind == "signature":
            return await self._desk(session, json.dumps({"type": "zen:event-type:ticket.created"}).encode())
        head = b"POST /v1/touchpoints HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        authorised = head + f"Authorization: Bearer {TOKEN}\r\n".encode()
        if kind == "loris":
            return await self._raw(head[: self._random.randrange(5, len(head))])
        return await self._raw(authorised + b"Content-Length: 500\r\n\r\n" + json.dumps(one).encode()[:-1])

    async def _desk(self, session: aiohttp.ClientSession, body: bytes) -> int:
        stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        wrong = base64.b64encode(hmac.new(b"wrong", stamp.encode() + body, hashlib.sha256).digest()).decode()
        headers = {
            "Content-Type": "application/json",
            "X-Zendesk-Webhook-Signature": wrong,
            "X-Zendesk-Webhook-Signature-Timestamp": stamp,
        }
        async with session.post("/v1/sources/desk", data=body, headers=headers) as response:
            return response.status

    @staticmethod
    async def _post(session: aiohttp.ClientSession, body: bytes, headers: dict[str, str]) -> int:
        async with session.post("/v1/touchpoints", data=body, headers=headers) as response:
            await response.read()
            return response.status

    async def _raw(self, sent: bytes) -> int:
        """A connection that is left half way."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            writer.write(sent)
            await writer.drain()
            async with asyncio.timeout(self._random.random()):
                line = await reader.readline()
            return int(line.split()[1]) if line.count(b" ") > 1 else 0
        finally:
            writer.close()


def soak(folder: Path, seconds: float, seed: int = 1, senders: int = 12) -> Soaked:
    """Start a process, send, stop it, count."""
    (folder / "senders.yaml").write_text(SENDERS)
    env = {
        "TOUCHLINE_SENDERS": str(folder / "senders.yaml"),
        "SOAK_TOKEN": TOKEN,
        "SOAK_SECRET": SECRET,
        "SOAK_SLOW": "slow",
    }
    data = folder / "data"
    with running("run", data=data, env=env) as process:
        began = time.monotonic()
        work = Soak(process.base, int(process.base.rpartition(":")[2]), seed, began + seconds)
        asyncio.run(work.run(senders))
        elapsed = time.monotonic() - began
    stored = {row["contact_id"] for row in rows("SELECT contact_id FROM touchline.contacts WHERE queue = 'soak'", data)}
    (counted,) = rows("SELECT sum(offered) AS n FROM touchline.measures WHERE queue = 'soak'", data)
    differing = len(stored ^ work.sent) + abs(int(counted["n"]) - len(work.sent))
    requests = sum(work.answers.values())
    return Soaked(
        elapsed, requests, len(work.sent), len(stored), differing, dict(sorted(work.answers.items())), work.odd
    )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = soak(Path(folder), options.seconds, options.seed)
    for line in found.odd[:20]:
        sys.stdout.write(f"odd: {line}\n")
    sys.stdout.write(
        f"soak {found.seconds:.0f} s requests {found.requests} good {found.good} stored {found.stored}"
        f" differing {found.differing} answers {found.answers}\n"
    )
    sys.exit(1 if found.differing or found.odd else 0)


if __name__ == "__main__":
    main()
