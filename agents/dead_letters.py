"""Dead letters: what could not be taken in, kept where people look (table) and where programs read (topic)."""

from collections.abc import Sequence

from pipeline.ports import Clock, Ledger, Log, OutRecord
from schemas.rejects import DeadLetter, encode_dead_letter
from schemas.topics import DEAD_LETTERS


async def deliver(letters: Sequence[DeadLetter], log: Log, ledger: Ledger, clock: Clock) -> None:
    """Keep dead letters, acknowledged by both. Doing it again changes nothing: they are told apart by their origin."""
    if not letters:
        return
    await ledger.reject(letters)
    now_ms = clock.now_ms()
    records = [
        OutRecord(f"{letter.topic}/{letter.number}".encode(), encode_dead_letter(letter), now_ms) for letter in letters
    ]
    await log.produce(DEAD_LETTERS, records)
