"""A measure made ready for the fold."""

from collections.abc import Callable
from typing import Any, Final

from mypy_extensions import i64, mypyc_attr

__all__ = ["NO_BUCKETS", "Column"]

NO_BUCKETS: Final = -1


@mypyc_attr(acyclic=True)
class Column:
    """Its number in a cell, its function, whether it is optional, and the number of its histogram or NO_BUCKETS."""

    __slots__ = ("buckets_number", "number", "optional", "value_of")

    def __init__(
        self,
        number: i64,
        value_of: Callable[[Any], int | None],
        optional: bool,  # noqa: FBT001 - by position
        buckets_number: i64,
    ) -> None:
        self.number: Final[i64] = number
        self.value_of: Final = value_of
        self.optional: Final = optional
        self.buckets_number: Final[i64] = buckets_number
