"""Integer exponential histograms: sixteen buckets per power of two, mergeable by addition, no floats.

A value v < 16 has bucket v; a larger one has bucket 16 e + (v >> e) with e = v.bit_length() - 5. A bucket is at most
1/16 of its value wide, so a quantile read from it is at most 6.25 % too high and never too low.
"""

from collections.abc import Mapping
from typing import Final

_EXACT: Final = 16


def bucket(value_ms: int) -> int:
    """The bucket of a value >= 0.

    >>> [bucket(v) for v in (0, 15, 16, 31, 32, 20_000)]
    [0, 15, 16, 31, 32, 179]
    """
    if value_ms < _EXACT:
        return value_ms
    exponent = value_ms.bit_length() - 5
    return _EXACT * exponent + (value_ms >> exponent)


def bounds(index: int) -> tuple[int, int]:
    """The values of a bucket: [from_ms, to_ms).

    >>> bounds(179)
    (19456, 20480)
    """
    if index < _EXACT:
        return index, index + 1
    exponent = index // _EXACT - 1
    mantissa = index - _EXACT * exponent
    return mantissa << exponent, (mantissa + 1) << exponent


def quantile(counts: Mapping[int, int], share_percent: int) -> int | None:
    """The largest value of the bucket that holds the given percentile; None without any values.

    Counts below zero (a correction that outran its original in a partial view) are taken as none.
    """
    total = sum(n for n in counts.values() if n > 0)
    if total == 0:
        return None
    rank = -(-total * share_percent // 100)
    seen = 0
    for index in sorted(counts):
        seen += max(counts[index], 0)
        if seen >= max(rank, 1):
            return bounds(index)[1] - 1
    return None
