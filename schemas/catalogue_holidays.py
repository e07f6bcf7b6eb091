"""Public holidays by country and part of it, from the `holidays` library."""

from functools import lru_cache

import holidays

from schemas.catalogue_types import HolidaySet


@lru_cache(maxsize=4096)
def closed_dates(which: HolidaySet, year: int) -> frozenset[int]:
    """The ordinals of the holidays of one year; empty for years the library does not know."""
    dates = holidays.country_holidays(which.country, subdiv=which.subdivision or None, years=year)
    return frozenset(day.toordinal() for day in dates if day.year == year)


def all_closed_dates(which: tuple[HolidaySet, ...], year: int) -> frozenset[int]:
    """The holidays of several places together."""
    return frozenset().union(*(closed_dates(one, year) for one in which))


def check(which: HolidaySet) -> None:
    """Raise ValueError, naming what would be right, where the library does not know the place."""
    known = holidays.list_supported_countries(include_aliases=False)
    if which.country not in known:
        raise ValueError(f"'{which.country}' is no country of the holidays library; write its ISO code such as DE")
    parts = known[which.country]
    if which.subdivision and which.subdivision not in parts:
        choice = f"write one of {', '.join(parts)}" if parts else "leave it out, this country has none"
        raise ValueError(f"'{which.subdivision}' is no subdivision of {which.country}; {choice}")
