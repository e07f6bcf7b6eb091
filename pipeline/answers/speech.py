"""Numbers, dates and durations as German and English readers write them. `None` is a dash: nothing to divide by."""

from datetime import date
from typing import Final, Literal, get_args

from pipeline.core.zone import DAY_MS, HOUR_MS, Zone

Language = Literal["de", "en"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
NONE: Final = "-"

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_WEEKDAYS: Final[dict[Language, tuple[str, ...]]] = {
    "de": ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
_UNITS: Final[dict[Language, tuple[str, ...]]] = {"de": ("T", "h", "min", "s"), "en": ("d", "h", "min", "s")}


def language(name: str) -> Language:
    """The language of that name. Raises ValueError, naming those there are."""
    for known in LANGUAGES:
        if name == known:
            return known
    raise ValueError(f"there is no language {name!r}: write de or en")


def number(value: float | None, lang: Language, decimals: int = 0) -> str:
    """A number with separators of thousands.

    >>> number(1234.5, "de", 1), number(1234.5, "en", 1), number(None, "de")
    ('1.234,5', '1,234.5', '-')
    """
    if value is None:
        return NONE
    text = f"{value:,.{decimals}f}"
    return text.translate(_SWAP) if lang == "de" else text


_SWAP: Final = str.maketrans(",.", ".,")


def percent(ratio: float | None, lang: Language, decimals: int = 1) -> str:
    """A ratio as a percentage.

    >>> percent(0.8, "de"), percent(0.8, "en")
    ('80,0 %', '80.0%')
    """
    if ratio is None:
        return NONE
    text = number(100 * ratio, lang, decimals)
    return f"{text} %" if lang == "de" else f"{text}%"


def points(difference: float | None, lang: Language) -> str:
    """A difference of two ratios, in percentage points with its sign.

    >>> points(-0.0123, "de")
    '-1,2 PP'
    """
    if difference is None:
        return NONE
    text = signed(100 * difference, lang, 1)
    return f"{text} {'PP' if lang == 'de' else 'pp'}"


def signed(value: float | None, lang: Language, decimals: int = 0) -> str:
    """A number with its sign; ±0 where it rounds to nothing."""
    if value is None:
        return NONE
    if round(value, decimals) == 0:
        return "±0"
    return ("+" if value > 0 else "") + number(value, lang, decimals)


def duration(ms: float | None, lang: Language) -> str:
    """A duration in its two largest units; below ten seconds with tenths.

    >>> duration(85_000, "en"), duration(3_000, "de"), duration(90_061_000, "de")
    ('1 min 25 s', '3,0 s', '1 T 1 h')
    """
    if ms is None:
        return NONE
    if abs(ms) < 10_000:
        return f"{number(ms / 1000, lang, 1)} s"
    sign, left = ("-", -round(ms)) if ms < 0 else ("", round(ms))
    parts: list[str] = []
    for size, unit in zip((DAY_MS, HOUR_MS, 60_000, 1_000), _UNITS[lang], strict=True):
        count, left = divmod(left, size)
        if count or parts:
            parts.append(f"{count} {unit}" if count else "")
        if len(parts) == 2:
            break
    return sign + " ".join(part for part in parts if part)


def day(value: date, lang: Language) -> str:
    """A date.

    >>> day(date(2026, 3, 2), "de"), day(date(2026, 3, 2), "en")
    ('02.03.2026', '2 Mar 2026')
    """
    return value.strftime("%d.%m.%Y") if lang == "de" else f"{value.day} {_MONTHS[value.month - 1]} {value.year}"


def weekday(value: date, lang: Language) -> str:
    """The name of the weekday."""
    return _WEEKDAYS[lang][value.weekday()]


def long_day(value: date, lang: Language) -> str:
    """A date with its weekday."""
    return f"{weekday(value, lang)}, {day(value, lang)}"


def clock(ms: int, zone: Zone, *, seconds: bool = True) -> str:
    """The local time of day."""
    local = (ms + zone.offset_ms(ms)) % DAY_MS // 1_000
    text = f"{local // 3600:02}:{local // 60 % 60:02}"
    return f"{text}:{local % 60:02}" if seconds else text


def moment(ms: int | None, zone: Zone, lang: Language, *, seconds: bool = True) -> str:
    """A local date and time."""
    if ms is None:
        return NONE
    return f"{day(zone.local_date(ms), lang)} {clock(ms, zone, seconds=seconds)}"
