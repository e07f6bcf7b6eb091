"""What every number on the page is: its definition, its parts, and the SQL that gives it. Pure.

Measures and ratios are said in the words of their declarations (`pipeline.measures`, `schemas.window_views`). What
is said here is what they do not know: the live values, which depend on the moment they are looked at.
"""

from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct

from pipeline.answers.formulas import WORDS
from pipeline.answers.number_words import FCR_WORDS, LIVE_WORDS
from pipeline.answers.speech import Language
from pipeline.answers.sums import formula, terms
from pipeline.measures import ALL
from schemas.catalogue import Catalogue, ServiceLevel

Period = Literal["now", "recent", "today", "days", "confirmed"]
PLACE: Final = "{place}"
"""Stands in the SQL for the condition on channel and queue; it begins with ` AND `, or is empty."""
RECENT_MINUTES: Final = 30

_MEASURES: Final = {measure.name: measure for measure in ALL}
_MINUTE_MS: Final = 60_000
_DAY_SECONDS: Final = 86_400


class Part(Struct, frozen=True):
    """One part of a number, with its sign: a measure, or a live value of the page."""

    sign: int
    name: str


class Explained(Struct, frozen=True):
    """A number: what it is and how it is asked for in SQL, by period. `definition_language`: measures are defined in
    English only.
    """

    title: str
    definition: str
    definition_language: Language
    above: tuple[Part, ...] = ()
    below: tuple[Part, ...] = ()
    sql: Mapping[Period, str] = {}
    booked_at: str = ""


class Definitions(Struct, frozen=True):
    """All of them in one language. `objectives`: the share in percent that a ratio is to reach. `channels`: those of
    each kind, for the SQL.
    """

    language: Language
    numbers: Mapping[str, Explained]
    objectives: Mapping[str, int]
    channels: Mapping[str, tuple[str, ...]]


class _Live(Struct, frozen=True):
    """A live value: its parts, and SQL by period."""

    parts: tuple[str, ...] = ()
    sql: Mapping[Period, str] = {}


def definitions(catalogue: Catalogue, lang: Language) -> Definitions:
    """Every number the page shows, and every measure that is a part of one."""
    numbers = {name: _live(name, live, lang) for name, live in _live_values(catalogue.zone).items()}
    numbers |= _ratios(catalogue, lang)
    parts = {part.name for each in numbers.values() for part in (*each.above, *each.below)}
    numbers |= {name: _measure(name, lang) for name in sorted(parts) if name in _MEASURES and name not in numbers}
    channels: dict[str, tuple[str, ...]] = {
        kind: tuple(name for name, entry in catalogue.channels.items() if entry.kind == kind)
        for kind in ("live", "deferred")
    }
    objectives = {
        "service_level": catalogue.settings.wait_objective_percent,
        "first_response_in_target_ratio": catalogue.settings.response_objective_percent,
    }
    return Definitions(lang, numbers, objectives, channels)


def _live(name: str, live: _Live, lang: Language) -> Explained:
    words = LIVE_WORDS[name]
    title, definition = (words.title_de, words.de) if lang == "de" else (words.title_en, words.en)
    return Explained(title, definition, lang, above=tuple(Part(1, part) for part in live.parts), sql=live.sql)


def _measure(name: str, lang: Language) -> Explained:
    measure = _MEASURES[name]
    sql = _windowed(f"sum({name})", name, "UTC")
    title = measure.title_de if lang == "de" else measure.title_en
    return Explained(title, measure.definition, "en", sql={"recent": sql["recent"]}, booked_at=measure.booked_at)


def _day(zone: str) -> str:
    return f"day = toDate(now(), '{zone}')"


def _recent() -> str:
    return f"window_start > now() - INTERVAL {RECENT_MINUTES} MINUTE"


def _windowed(value: str, name: str, zone: str) -> dict[Period, str]:
    """A quotient of sums over the last minutes and over today."""
    return {
        "recent": f"SELECT {value} AS {name}\nFROM touchline.measures\nWHERE {_recent()}{PLACE}",
        "today": f"SELECT {value} AS {name}\nFROM touchline.measures_day\nWHERE {_day(zone)}{PLACE}",
    }


def _quotient(above: str, below: str) -> str:
    def summed(expression: str) -> str:
        found = "".join(f" {'-' if sign < 0 else '+'} sum({name})" for sign, name in terms(expression))
        return found.removeprefix(" + ")

    part = summed(above) if len(terms(above)) == 1 else f"({summed(above)})"
    return f"{part} / nullIf({summed(below)}, 0)"


def _parts(expression: str) -> tuple[Part, ...]:
    return tuple(Part(sign, name) for sign, name in terms(expression))


_TITLES: Final[Mapping[str, tuple[str, str]]] = {
    "service_level": ("Service level", "Servicelevel"),
    "first_response_in_target_ratio": ("First replies in target", "Erste Antworten im Ziel"),
    "asa_ms": ("Mean wait of the answered", "Mittlere Wartezeit der Angenommenen"),
    "abandon_ratio": ("Abandoned", "Aufgelegt"),
    **{f"fcr_{state}": (words.title_en, words.title_de) for state, words in FCR_WORDS.items()},
}
_ASA: Final = ("Mean wait of the answered, zeros included.", "Mittlere Wartezeit der Angenommenen, Nullen mitgezählt.")
_ABANDONED: Final = (
    "Of the contacts offered: the customer left first.",
    "Von den Angebotenen: der Kunde ging, bevor jemand annahm.",
)


def _ratios(catalogue: Catalogue, lang: Language) -> dict[str, Explained]:
    """The quotients of measures, by the formulas the SQL views are made from."""
    at = 1 if lang == "de" else 0
    zone = catalogue.zone
    headline: ServiceLevel = catalogue.settings.headline_service_level

    def one(name: str, above: str, below: str, words: tuple[str, str], sql: Mapping[Period, str]) -> Explained:
        return Explained(_TITLES[name][at], words[at], lang, _parts(above), _parts(below), sql)

    def windowed(name: str, above: str, below: str, words: tuple[str, str]) -> Explained:
        return one(name, above, below, words, _windowed(_quotient(above, below), name, zone))

    def named(name: str, ratio: str, words: tuple[str, str]) -> Explained:
        found = formula(ratio)
        return windowed(name, found.above, found.below, words)

    return {
        "service_level": named("service_level", headline, _headed(headline)),
        "first_response_in_target_ratio": named(
            "first_response_in_target_ratio", "sl_response", _sentence(WORDS["sl_response"])
        ),
        "asa_ms": named("asa_ms", "asa_ms", _ASA),
        "abandon_ratio": windowed("abandon_ratio", "abandoned", "offered", _ABANDONED),
        "fcr_provisional": one(
            "fcr_provisional", *_FCR, _fcr_words(catalogue, confirmed=False), {"days": _fcr_sql(catalogue)}
        ),
        "fcr_confirmed": one(
            "fcr_confirmed",
            *_FCR,
            _fcr_words(catalogue, confirmed=True),
            {"confirmed": _fcr_sql(catalogue, confirmed=True)},
        ),
    }


def _sentence(words: tuple[str, str]) -> tuple[str, str]:
    english, german = (text[:1].upper() + text[1:] + "." for text in words)
    return english, german


def _headed(name: ServiceLevel) -> tuple[str, str]:
    """What a service level counts, its name in front; those that are told by another one tell that first."""
    likes = ("as sl_offered, but ", "wie sl_offered, aber ")
    told = [
        f"{name}: {base}; {words.removeprefix(like)}." if words.startswith(like) else f"{name}: {words}."
        for words, base, like in zip(WORDS[name], WORDS["sl_offered"], likes, strict=True)
    ]
    return told[0], told[1]


_FCR: Final = ("fcr_resolved", "fcr_eligible")


def _days(length_ms: int) -> int:
    return -(-length_ms // (_DAY_SECONDS * 1_000))


def _fcr_words(catalogue: Catalogue, *, confirmed: bool) -> tuple[str, str]:
    words = FCR_WORDS["confirmed" if confirmed else "provisional"]
    days, late = _days(catalogue.settings.follow_up_window_ms), _days(catalogue.settings.lateness_ms)
    return words.en.format(days=days, late=late), words.de.format(days=days, late=late)


def _fcr_sql(catalogue: Catalogue, *, confirmed: bool = False) -> str:
    settings, zone = catalogue.settings, catalogue.zone
    days = _days(settings.follow_up_window_ms)
    if not confirmed:
        where = f"day > toDate(now(), '{zone}') - {days}"
    else:
        settled = f"toDate(now() - {(settings.follow_up_window_ms + settings.lateness_ms) // 1_000}, '{zone}')"
        where = f"day >= {settled} - {days} AND day < {settled}"
    value = _quotient(*_FCR)
    return f"SELECT {value} AS fcr, sum(fcr_eligible) AS eligible\nFROM touchline.measures_day\nWHERE {where}{PLACE}"


_CONTACTS: Final = "touchline_internal.contacts FINAL"
_WAITS: Final = "isNotNull(wait_began_ms) AND isNull(wait_ended_ms) AND is_open = 1"
_NOW_MS: Final = "toUnixTimestamp64Milli(now64(3))"


def _of_contacts(value: str, name: str, condition: str) -> dict[Period, str]:
    return {"now": f"SELECT {value} AS {name}\nFROM {_CONTACTS}\nWHERE {condition}{PLACE}"}


def _of_promises(condition: str, name: str) -> dict[Period, str]:
    notes = "ARRAY JOIN note_ms AS due_ms, note AS what"
    return {
        "now": f"SELECT count() AS {name}\nFROM {_CONTACTS} {notes}\nWHERE what = 'promise_open' AND {condition}{PLACE}"
    }


def _quantile(percent: int, measure: str, name: str, zone: str) -> dict[Period, str]:
    value = f"quantileExactWeighted({percent / 100:g})(to_ms, toUInt64(n))"
    where = f"measure = '{measure}' AND toDate(window_start, '{zone}') = toDate(now(), '{zone}')"
    return {"today": f"SELECT {value} AS {name}\nFROM touchline.histograms\nWHERE {where}{PLACE}"}


def _live_values(zone: str) -> Mapping[str, _Live]:
    soon = 30 * _MINUTE_MS
    late = f"{_WAITS} AND {_NOW_MS} - wait_began_ms > target_ms"
    in_time = f"response_deadline_ms - {_NOW_MS} BETWEEN 0 AND {soon}"
    served = "is_open = 1 AND isNotNull(answered_ms) AND direction = 'inbound'"
    called_back = (
        "SELECT sum(abandoned) - sum(abandoned_returned) AS not_called_back_today\n"
        f"FROM touchline.measures_day\nWHERE {_day(zone)}{PLACE}"
    )
    replies = f"SELECT sum(replies) AS replies\nFROM touchline.measures\nWHERE window_start > now() - 3600{PLACE}"
    return {
        "waiting_now": _Live(
            ("overdue_now", "will_miss_target_now", "waiting_stale"), _of_contacts("count()", "waiting_now", _WAITS)
        ),
        "longest_wait_ms": _Live(
            ("waiting_now", "overdue_now", "waiting_age_p50_ms"),
            _of_contacts(f"max({_NOW_MS} - wait_began_ms)", "longest_wait_ms", _WAITS),
        ),
        "waiting_age_p50_ms": _Live(
            (), _of_contacts(f"quantileExact(0.5)({_NOW_MS} - wait_began_ms)", "waiting_age_p50_ms", _WAITS)
        ),
        "overdue_now": _Live((), _of_contacts("count()", "overdue_now", late)),
        "will_miss_target_now": _Live(),
        "waiting_stale": _Live(),
        "in_conversation_now": _Live((), _of_contacts("count()", "in_conversation_now", served)),
        "expected_wait_ms": _Live(("waiting_now",)),
        "unanswered_now": _Live(
            ("unanswered_overdue_now", "responses_due_soon"),
            _of_contacts("count()", "unanswered_now", "response_due = 1"),
        ),
        "unanswered_overdue_now": _Live(
            (),
            _of_contacts("count()", "unanswered_overdue_now", f"response_due = 1 AND response_deadline_ms < {_NOW_MS}"),
        ),
        "oldest_unanswered_ms": _Live(
            ("unanswered_now",),
            _of_contacts(f"max({_NOW_MS} - first_clock_ms)", "oldest_unanswered_ms", "response_due = 1"),
        ),
        "responses_due_soon": _Live(
            (), _of_contacts("count()", "responses_due_soon", f"response_due = 1 AND {in_time}")
        ),
        "replies_last_hour": _Live(("replies",), {"now": replies}),
        "promises_overdue_now": _Live(
            ("promises_due_soon",), _of_promises(f"due_ms < {_NOW_MS}", "promises_overdue_now")
        ),
        "promises_due_soon": _Live((), _of_promises(f"due_ms - {_NOW_MS} BETWEEN 0 AND {soon}", "promises_due_soon")),
        "not_called_back_today": _Live(("abandoned", "abandoned_returned"), {"today": called_back}),
        "offered": _Live(("answered", "abandoned"), _windowed("sum(offered)", "offered", zone)),
        "first_responses_due": _Live(
            ("first_responses",), _windowed("sum(first_responses_due)", "first_responses_due", zone)
        ),
        "wait_p90_ms": _Live((), _quantile(90, "wait_ms", "wait_p90_ms", zone)),
        "first_response_p50_ms": _Live((), _quantile(50, "first_response_ms", "first_response_p50_ms", zone)),
        "first_response_p90_ms": _Live((), _quantile(90, "first_response_ms", "first_response_p90_ms", zone)),
        "undecided": _Live(),
        "responses_undecided": _Live(),
        "wait_target_ms": _Live(),
        "response_target": _Live(),
        "incomplete": _Live(),
    }
