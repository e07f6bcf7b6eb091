"""Times as source systems write them, to milliseconds since 1970 (UTC), by integer arithmetic alone.

Absent, null, "" and 0 mean "not yet" everywhere and give None. A time without a zone is refused, never guessed: all
systems read here document UTC or an offset. Fractions beyond a millisecond are cut off. Errors are ValueErrors
that do not repeat the value: who has filled a field with something else may have put a person's name there.
"""

import re
from datetime import date
from typing import Final

from schemas.codec import FIRST_MS, LAST_MS

_ISO: Final = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,12}))?)?(Z|[+-]\d{2}:?\d{2})?",
    re.ASCII | re.IGNORECASE,
)
_DECIMAL: Final = re.compile(r"(\d{1,18})(?:\.(\d{1,18}))?", re.ASCII)
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_REVISION_EPOCH_MS: Final = 1_262_304_000_000  # 2010: revisions have 31 bits, counted from 1970 they end in 2038
_LAST_REVISION: Final = 2**31


def iso_ms(value: object) -> int | None:
    """Milliseconds of an ISO 8601 time with a zone, with up to twelve digits of a second. Raises ValueError."""
    if not value:
        return None
    found = _ISO.fullmatch(value.strip()) if isinstance(value, str) else None
    if not found:
        raise ValueError("no ISO 8601 time")
    year, month, day, hour, minute = (int(part) for part in found.groups()[:5])
    second, fraction, zone = int(found[6] or 0), found[7] or "", found[8]
    if zone is None:
        raise ValueError("a time without a zone; send UTC (Z) or an offset")
    if hour > 23 or minute > 59 or second > 60:  # 60: a leap second
        raise ValueError("no time of day")
    minutes = ((date(year, month, day).toordinal() - _EPOCH_DAY) * 24 + hour) * 60 + minute - _offset_minutes(zone)
    return _in_range((minutes * 60 + second) * 1000 + int(fraction.ljust(3, "0")[:3]))


def seconds_ms(value: object) -> int | None:
    """Milliseconds of seconds since 1970: a whole number, or digits with a fraction. Raises ValueError."""
    return _scaled(value, 3)


def epoch_ms(value: object) -> int | None:
    """Milliseconds since 1970, as a number or as digits. Raises ValueError."""
    return _scaled(value, 0)


def any_ms(value: object) -> int | None:
    """Milliseconds of ISO 8601 or of seconds since 1970, for systems that mix both. Raises ValueError."""
    return iso_ms(value) if isinstance(value, str) and "-" in value else seconds_ms(value)


def revision(updated_ms: int | None) -> int:
    """The revision of what a system says about itself at a time: seconds since 2010. 0 where it tells no time."""
    return 0 if updated_ms is None else min(max((updated_ms - _REVISION_EPOCH_MS) // 1000, 0), _LAST_REVISION)


def _scaled(value: object, digits: int) -> int | None:
    """A decimal number times 10 to the power of `digits`, cut to an integer. Numbers with a fraction come as text."""
    if value is None or isinstance(value, bool) or value == "":
        return None
    found = _DECIMAL.fullmatch(str(value).strip()) if isinstance(value, int | str) else None
    if not found:
        raise ValueError("no number of seconds or milliseconds since 1970")
    scaled = int(found[1]) * 10**digits + int((found[2] or "").ljust(digits, "0")[:digits] or 0)
    return _in_range(scaled) if scaled else None


def _offset_minutes(zone: str) -> int:
    if zone in {"Z", "z"}:
        return 0
    minutes = int(zone[1:3]) * 60 + int(zone[-2:])
    return -minutes if zone[0] == "-" else minutes


def _in_range(ms: int) -> int:
    if not FIRST_MS <= ms <= LAST_MS:
        raise ValueError("a time before 1973 or after 5138; perhaps it is in another unit")
    return ms
