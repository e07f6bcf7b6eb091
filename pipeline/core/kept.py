"""How the customer fold keeps customers in memory: the states of their contacts, as few bytes as they can be told from.

It never leaves the process, so places (channel, queue, segment, topic) are numbers of a table of the fold's own. A
contact's UUID takes 16 bytes, and its customer none. A customer with one closed contact takes about 110 bytes.
"""

from binascii import unhexlify
from collections.abc import Sequence
from typing import Final

import msgspec
from mypy_extensions import mypyc_attr

from pipeline.core.facts import customer_tail, unpack
from pipeline.core.packed import trimmed

_HEAD: Final = 7
_LATEST_MS: Final = 1 << 54
_MOST_PLACES: Final = 1 << 16
_PLACE: Final = 1
_UUID: Final = 2
"""Bits of a short state's first byte: whether the place is a number, and whether the contact's id is 16 bytes."""
_KINDS: Final = (b"\0", b"\1", b"\2", b"\3")
_CHARS: Final = 36
_DASH: Final = 0x2D
_LIST: Final = b"\x9e"
"""How a state begins: with a list of fourteen."""
_STR: Final = b"\xd9\x24"
"""How MessagePack begins a string of 36 bytes."""
_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(list[bytes])


@mypyc_attr(acyclic=True)
class Keeper:
    """Packs and unpacks customers; knows the places by number. A short state is a byte that says how it was shortened,
    what stands for the place, what stands for the contact's id, and the rest but for the customer.
    """

    __slots__ = ("_numbers", "_places")

    def __init__(self) -> None:
        self._places: list[bytes] = []
        self._numbers: dict[bytes, bytes] = {}

    def pack(self, customer_id: str, newest_ms: int, states: Sequence[bytes]) -> bytes:
        """All that is known of a customer. `newest_ms` is for `newest_ms`."""
        tail = customer_tail(customer_id)
        is_one = len(states) == 1
        head = (max(0, min(newest_ms, _LATEST_MS)) << 1 | (not is_one)).to_bytes(_HEAD, "big")
        if is_one:
            return head + self._shortened(states[0], tail)
        return head + trimmed(_ENCODER.encode([self._shortened(state, tail) for state in states]))

    def unpack(self, customer_id: str, packed: bytes) -> list[bytes]:
        """The states again, in the order in which they were packed."""
        tail = customer_tail(customer_id)
        short = _DECODER.decode(packed[_HEAD:]) if packed[_HEAD - 1] & 1 else [packed[_HEAD:]]
        return [self._lengthened(each, tail) for each in short]

    def _shortened(self, state: bytes, tail: bytes) -> bytes:
        if state[0] != 0x9E or not state.endswith(tail):  # packed by others, or long ago
            state = unpack(state).packed()
        rest = _after_place(state)
        place = state[1:rest]
        number = self._numbers.get(place)
        if number is None and len(self._places) < _MOST_PLACES:
            number = self._numbers[place] = len(self._places).to_bytes(2, "big")
            self._places.append(place)
        kind, short_id = 0 if number is None else _PLACE, b""
        if state[rest] == 0xD9 and state[rest + 1] == _CHARS:
            short_id = _short_uuid(state[rest + 2 : rest + 2 + _CHARS])
            if short_id:
                kind |= _UUID
                rest += 2 + _CHARS
        return b"".join((_KINDS[kind], number or place, short_id, state[rest : len(state) - len(tail)]))

    def _lengthened(self, short: bytes, tail: bytes) -> bytes:
        kind, rest, place, text = short[0], 1, b"", b""
        if kind & _PLACE:
            place, rest = self._places[short[1] << 8 | short[2]], 3
        if kind & _UUID:
            digits = short[rest : rest + 16].hex()
            dashed = f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
            text, rest = _STR + dashed.encode(), rest + 16
        return _LIST + place + text + short[rest:] + tail


def newest_ms(packed: bytes) -> int:
    """The newest time of a packed customer, without unpacking it."""
    return int.from_bytes(packed[:_HEAD], "big") >> 1


def _after_place(state: bytes) -> int:
    """Where the four strings end that a state begins with."""
    at = 1
    for _ in range(4):
        first = state[at]
        if first < 0xC0:
            at += 1 + (first & 0x1F)
        else:
            begin = at + 1 + (1 << first - 0xD9)
            at = begin + int.from_bytes(state[at + 1 : begin], "big")
    return at


def _short_uuid(text: bytes) -> bytes:
    """16 bytes for a UUID in small letters; none for anything else."""
    if not (text[8] == text[13] == text[18] == text[23] == _DASH and text.islower()):
        return b""
    try:
        short = unhexlify(text.replace(b"-", b""))
    except ValueError:
        return b""
    return short if len(short) == 16 else b""
