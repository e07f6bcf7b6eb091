"""How the customer fold keeps customers in memory: the states of their contacts, as few bytes as they can be told from.

It never leaves the process, so places (channel, queue, segment, topic) are numbers of a table of the fold's own. A
contact's UUID takes 16 bytes, and its customer none. A customer with one closed contact takes about 110 bytes.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
from librt.strings import BytesWriter
from mypy_extensions import i64, mypyc_attr

from pipeline.core.facts import customer_tail, unpack
from pipeline.core.ids import UUID_CHARS, write_uuid

_HEAD: Final = 7
_LATEST_MS: Final = 1 << 54
_MOST_PLACES: Final = 1 << 16
_PLACE: Final = 1
_UUID: Final = 2
"""Bits of a short state's first byte: whether the place is a number, and whether the contact's id is 16 bytes."""
_FOURTEEN: Final = 0x9E
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
            return self._shortened(head, states[0], tail)
        return head + _ENCODER.encode([self._shortened(b"", state, tail) for state in states])

    def unpack(self, customer_id: str, packed: bytes) -> list[bytes]:
        """The states again, in the order in which they were packed."""
        tail = customer_tail(customer_id)
        short = _DECODER.decode(packed[_HEAD:]) if packed[_HEAD - 1] & 1 else [packed[_HEAD:]]
        return [self._lengthened(each, tail) for each in short]

    def _shortened(self, head: bytes, state: bytes, tail: bytes) -> bytes:
        """A short state behind this head."""
        if state[0] != _FOURTEEN or not state.endswith(tail):  # packed by others, or long ago
            state = unpack(state).packed()
        rest = _after_place(state)
        place = state[1:rest]
        number = self._numbers.get(place)
        if number is None and len(self._places) < _MOST_PLACES:
            number = self._numbers[place] = len(self._places).to_bytes(2, "big")
            self._places.append(place)
        short = BytesWriter()
        short.write(head)
        short.append(0 if number is None else _PLACE)
        short.write(number or place)
        if state[rest] == 0xD9 and state[rest + 1] == UUID_CHARS and write_uuid(short, state, rest + 2):
            short[len(head)] |= _UUID
            rest += 2 + UUID_CHARS
        short.write(state[rest : len(state) - len(tail)])
        return short.getvalue()

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


def _after_place(state: bytes) -> i64:
    """Where the four strings end that a state begins with."""
    at: i64 = 1
    for _ in range(4):
        first: i64 = state[at]
        if first < 0xC0:
            at += 1 + (first & 0x1F)
        else:
            begin = at + 1 + (1 << first - 0xD9)
            at = begin + int.from_bytes(state[at + 1 : begin], "big")
    return at
