"""Which partition a key belongs to, as every Kafka client chooses it: by murmur2, in Kafka's own variant."""

from typing import Final

from mypy_extensions import i64

_SEED: Final = 0x9747B28C
_MIX: Final = 0x5BD1E995
_MASK: Final = 0xFFFFFFFF
_POSITIVE: Final = 0x7FFFFFFF


def partition_of(key: bytes, partitions_total: int) -> int:
    """The partition of a key, as Java's clients choose it."""
    return (murmur2(key) & _POSITIVE) % partitions_total


def murmur2(key: bytes) -> int:
    """Kafka's hash of a key, as an unsigned number of 32 bits. No product of two of them has more than 63 bits."""
    mix: i64 = _MIX
    mask: i64 = _MASK
    length: i64 = len(key)
    hashed: i64 = _SEED ^ length
    at: i64 = 0
    while at + 4 <= length:
        word: i64 = key[at] | key[at + 1] << 8 | key[at + 2] << 16 | key[at + 3] << 24
        mixed: i64 = word * mix & mask
        hashed = (hashed * mix & mask) ^ ((mixed ^ mixed >> 24) * mix & mask)
        at += 4
    if at < length:
        rest: i64 = 0
        while length > at:
            length -= 1
            rest = rest << 8 | key[length]
        hashed = (hashed ^ rest) * mix & mask
    hashed = (hashed ^ hashed >> 13) * mix & mask
    return hashed ^ hashed >> 15
