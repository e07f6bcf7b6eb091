"""Blocks on their way to ClickHouse: arrays of integers are packed here, everything else by clickhouse-driver.

The driver goes through a column of arrays six times and copies it four times; a flush far behind is made of little
else, keys and values of cells. Holds for clickhouse-driver 0.2, whose own stream this one is made of:
`tests/warehouse/test_columns.py` compares what the two write.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate, chain
from struct import Struct
from typing import Any, Final

from clickhouse_driver import defines
from clickhouse_driver.columns.service import write_column
from clickhouse_driver.varint import write_varint
from clickhouse_driver.writer import write_binary_str, write_binary_uint8

_INTEGERS: Final[Mapping[str, str]] = {"Array(UInt64)": "Q", "Array(Int64)": "q"}
_ROWS_AT_ONCE: Final = 2_000
"""Their numbers stay in the processor's cache from the first look to the last, and others get a turn in between."""


def packing(stream: Callable[[], Any]) -> Callable[[], Any]:
    """Of what makes a connection's `BlockOutputStream`, what makes one that packs arrays of integers itself."""

    def made() -> Packing:
        return Packing(stream())

    return made


class Packing:
    """Stands in for a `BlockOutputStream`, of which a connection calls `write` only."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, block: Any) -> None:
        """As the driver does it, column after column. Raises struct.error and TypeError for what is no integer of that
        size, and what the driver raises.
        """
        if not block.num_columns:
            self._stream.write(block)  # the end of the data
            return
        context, to = self._stream.context, self._stream.fout
        revision = context.server_info.used_revision
        if revision >= defines.DBMS_MIN_REVISION_WITH_BLOCK_INFO:
            block.info.write(to)
        write_varint(block.num_columns, to)
        write_varint(block.num_rows, to)
        for number, (name, type_) in enumerate(block.columns_with_types):
            write_binary_str(name, to)
            write_binary_str(type_, to)
            if revision >= defines.DBMS_MIN_REVISION_WITH_CUSTOM_SERIALIZATION:
                write_binary_uint8(0, to)
            items, integer = block.get_column_by_index(number), _INTEGERS.get(type_)
            if integer is None:
                write_column(context, name, type_, items, to)
            else:
                _write_arrays(items, integer, to)
        self._stream.finalize()


def _write_arrays(arrays: Sequence[Sequence[int]], integer: str, to: Any) -> None:
    """Where every array ends, then the integers of all."""
    to.write(Struct(f"<{len(arrays)}Q").pack(*accumulate(map(len, arrays))))
    for start in range(0, len(arrays), _ROWS_AT_ONCE):
        flat = list(chain.from_iterable(arrays[start : start + _ROWS_AT_ONCE]))
        to.write(Struct(f"<{len(flat)}{integer}").pack(*flat))
