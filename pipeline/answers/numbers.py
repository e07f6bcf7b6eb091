"""What every number on the page is: its definition, its parts, and the SQL that gives it. Pure.

Measures and ratios are said in the words of their declarations (`pipeline.measures`, `schemas.window_views`). What
is said here is what they do not know: the live values, which depend on the moment they are looked at.
"""

from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct

from pipeline.answers.formulas import WORDS
from pipeline.answers.speech import Language
from pipeline.answers.sums import formula, terms
from pipeline.measures import ALL
from schemas.catalogue import Catalogue, ServiceLevel

Period = Literal["now", "recent", "today", "days", "confirmed"]
PLACE: Final = "{place}"
"""Stands in the SQL for the condition on channel and queue; it begins with ` AND `, or is empty."""
RECENT_MINUTES: Final = 15

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
    """All of them in one language. `channels`: those of each kind, for the SQL."""

    language: Language
    numbers: Mapping[str, Explained]
    channels: Mapping[str, tuple[str, ...]]


class _Said(Struct, frozen=True):
    """A live value: title and definition as (English, German), parts, and SQL by period."""

    title: tuple[str, str]
    definition: tuple[str, str]
    parts: tuple[str, ...] = ()
    sql: Mapping[Period, str] = {}


def definitions(catalogue: Catalogue, lang: Language) -> Definitions:
    """Every number the page shows, and every measure that is a part of one."""
    numbers = {name: _live(said, lang) for name, said in _live_values(catalogue).items()}
    numbers |= _ratios(catalogue, lang)
    parts = {part.name for each in numbers.values() for part in (*each.above, *each.below)}
    numbers |= {name: _measure(name, lang) for name in sorted(parts) if name in _MEASURES and name not in numbers}
    channels: dict[str, tuple[str, ...]] = {
        kind: tuple(name for name, entry in catalogue.channels.items() if entry.kind == kind)
        for kind in ("live", "deferred")
    }
    return Definitions(lang, numbers, channels)


def _live(said: _Said, lang: Language) -> Explained:
    at = 1 if lang == "de" else 0
    return Explained(
        said.title[at], said.definition[at], lang, above=tuple(Part(1, name) for name in said.parts), sql=said.sql
    )


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
    "fcr_provisional": ("Resolved at first contact, provisional", "Beim Erstkontakt gelöst, vorläufig"),
    "fcr_confirmed": ("Resolved at first contact, confirmed", "Beim Erstkontakt gelöst, bestätigt"),
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
    told = []
    for words, base, like in zip(
        WORDS[name], WORDS["sl_offered"], ("as sl_offered, but ", "wie sl_offered, aber "), strict=True
    ):
        told.append(f"{name}: {base}; {words.removeprefix(like)}." if words.startswith(like) else f"{name}: {words}.")
    return told[0], told[1]


_FCR: Final = ("fcr_resolved", "fcr_eligible")


def _days(length_ms: int) -> int:
    return -(-length_ms // (_DAY_SECONDS * 1_000))


def _fcr_words(catalogue: Catalogue, *, confirmed: bool) -> tuple[str, str]:
    days = _days(catalogue.settings.follow_up_window_ms)
    late = _days(catalogue.settings.lateness_ms)
    if confirmed:
        return (
            (
                f"Of closings whose {days} days for a follow-up, and {late} for what comes late, are over: nothing can"
                f" change them any more. The newest {days} such days."
            ),
            (
                f"Von Abschlüssen, deren {days} Tage für einen Folgekontakt und {late} für Verspätetes vorbei sind: daran"
                f" ändert sich nichts mehr. Die jüngsten {days} solchen Tage."
            ),
        )
    return (
        (
            f"Of the closings of the last {days} days, today included: nothing has followed so far. A follow-up within"
            f" {days} days can still lower it, so it is compared only with cohorts of the same age."
        ),
        (
            f"Von den Abschlüssen der letzten {days} Tage, heute mitgezählt: bisher folgte nichts. Ein Folgekontakt"
            f" innerhalb von {days} Tagen kann sie noch senken, darum wird sie nur mit gleich alten verglichen."
        ),
    )


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


def _live_values(catalogue: Catalogue) -> Mapping[str, _Said]:
    zone = catalogue.zone
    leg = (
        "A contact that was passed on waits again, in its new queue.",
        "Wer weitergeleitet wurde, wartet von neuem, in der neuen Warteschlange.",
    )
    soon = 30 * _MINUTE_MS
    return {
        "waiting_now": _Said(
            ("Waiting now", "Warten jetzt"),
            (
                (
                    f"Open contacts in a queue that nobody has answered. {leg[0]} Who has waited for so long that nobody"
                    " believes it is listed, but not counted."
                ),
                (
                    f"Offene Kontakte in einer Warteschlange, die niemand angenommen hat. {leg[1]} Wer unglaubhaft lange"
                    " wartet, steht in der Liste, zählt aber nicht."
                ),
            ),
            ("overdue_now", "will_miss_target_now", "waiting_stale"),
            _of_contacts("count()", "waiting_now", _WAITS),
        ),
        "longest_wait_ms": _Said(
            ("Longest wait now", "Längste Wartezeit jetzt"),
            (
                "How long whoever has waited longest, of those waiting now, has waited. The target is what is promised.",
                (
                    "Wie lange unter denen, die jetzt warten, die längste Wartezeit schon dauert. Das Ziel ist, was"
                    " versprochen ist."
                ),
            ),
            ("waiting_now", "overdue_now", "waiting_age_p50_ms"),
            _of_contacts(f"max({_NOW_MS} - wait_began_ms)", "longest_wait_ms", _WAITS),
        ),
        "waiting_age_p50_ms": _Said(
            ("Half have waited less", "Die Hälfte wartet kürzer"),
            (
                "The median of how long those waiting now have waited. A mean of finished waits hides a build-up.",
                (
                    "Der Median der bisherigen Wartezeit derer, die jetzt warten. Ein Mittel beendeter Wartezeiten"
                    " verbirgt, wenn es sich staut."
                ),
            ),
            (),
            _of_contacts(f"quantileExact(0.5)({_NOW_MS} - wait_began_ms)", "waiting_age_p50_ms", _WAITS),
        ),
        "overdue_now": _Said(
            ("Waiting beyond target", "Warten über dem Ziel"),
            (
                "Of those waiting now: longer than promised to them.",
                "Von denen, die jetzt warten: länger als versprochen.",
            ),
            (),
            _of_contacts("count()", "overdue_now", f"{_WAITS} AND {_NOW_MS} - wait_began_ms > target_ms"),
        ),
        "will_miss_target_now": _Said(
            ("Will miss the target", "Verpassen das Ziel"),
            (
                (
                    "Waiting within target, but as things go their turn comes too late: position x recent time between"
                    " answers."
                ),
                (
                    "Warten noch im Ziel, kommen aber so, wie es läuft, zu spät an die Reihe: Platz x Abstand der letzten"
                    " Annahmen."
                ),
            ),
        ),
        "waiting_stale": _Said(
            ("No longer believed", "Nicht mehr glaubhaft"),
            (
                "Waiting for longer than the catalogue believes (a lost end, most likely).",
                "Wartet länger, als der Katalog für möglich hält (vermutlich fehlt das Ende).",
            ),
        ),
        "in_conversation_now": _Said(
            ("In conversation", "Im Gespräch"),
            (
                "Inbound customers who are being served right now on a live channel.",
                "Kunden, die gerade am Telefon, im Chat oder vor Ort bedient werden.",
            ),
            (),
            _of_contacts(
                "count()", "in_conversation_now", "is_open = 1 AND isNotNull(answered_ms) AND direction = 'inbound'"
            ),
        ),
        "expected_wait_ms": _Said(
            ("Expected wait", "Erwartete Wartezeit"),
            (
                (
                    "Who joins the queue now: (waiting + 1) x 30 min / stays in the queue of the last 30 minutes that were"
                    " answered. 0 while nobody waits."
                ),
                (
                    "Wer sich jetzt anstellt: (Wartende + 1) x 30 min / angenommene Aufenthalte der letzten 30 Minuten. 0,"
                    " solange niemand wartet."
                ),
            ),
            ("waiting_now",),
        ),
        "unanswered_now": _Said(
            ("Unanswered now", "Unbeantwortet jetzt"),
            (
                "Contacts with a message of the customer that no person has replied to (bots and notes are no reply).",
                (
                    "Kontakte mit einer Nachricht des Kunden, auf die kein Mensch geantwortet hat (Bots und Notizen zählen"
                    " nicht)."
                ),
            ),
            ("unanswered_overdue_now", "responses_due_soon"),
            _of_contacts("count()", "unanswered_now", "response_due = 1"),
        ),
        "unanswered_overdue_now": _Said(
            ("Unanswered beyond target", "Unbeantwortet über dem Ziel"),
            (
                "Of the unanswered: beyond the response target, counted as the target counts (opening hours).",
                "Vom Unbeantworteten: über dem Antwortziel, so gezählt, wie das Ziel zählt (Öffnungszeit).",
            ),
            (),
            _of_contacts("count()", "unanswered_overdue_now", f"response_due = 1 AND response_deadline_ms < {_NOW_MS}"),
        ),
        "oldest_unanswered_ms": _Said(
            ("Oldest unanswered message", "Älteste unbeantwortete Nachricht"),
            (
                "Its age, in opening hours where a calendar applies, else on the clock.",
                "Ihr Alter, in Öffnungszeit, wo ein Kalender gilt, sonst auf der Uhr.",
            ),
            ("unanswered_now",),
            _of_contacts(f"max({_NOW_MS} - first_clock_ms)", "oldest_unanswered_ms", "response_due = 1"),
        ),
        "responses_due_soon": _Said(
            ("Replies due soon", "Antworten bald fällig"),
            (
                "Unanswered messages that reach the end of their target within 30 minutes.",
                "Unbeantwortete Nachrichten, deren Ziel in 30 Minuten endet.",
            ),
            (),
            _of_contacts(
                "count()",
                "responses_due_soon",
                f"response_due = 1 AND response_deadline_ms - {_NOW_MS} BETWEEN 0 AND {soon}",
            ),
        ),
        "replies_last_hour": _Said(
            ("Replies of the last hour", "Antworten der letzten Stunde"),
            (
                "Messages that people sent in the last 60 minutes.",
                "Nachrichten, die Menschen in den letzten 60 Minuten schrieben.",
            ),
            ("replies",),
            {
                "now": "SELECT sum(replies) AS replies\nFROM touchline.measures\n"
                f"WHERE window_start > now() - 3600{PLACE}"
            },
        ),
        "promises_overdue_now": _Said(
            ("Promises overdue", "Zusagen überfällig"),
            (
                "Promises that are open past their due, whatever became of the contact. The target is none.",
                "Zusagen, die über ihren Termin hinaus offen sind, was auch aus dem Kontakt wurde. Das Ziel ist keine.",
            ),
            ("promises_due_soon",),
            _of_promises(f"due_ms < {_NOW_MS}", "promises_overdue_now"),
        ),
        "promises_due_soon": _Said(
            ("Promises due soon", "Zusagen bald fällig"),
            ("Open promises that are due within 30 minutes.", "Offene Zusagen, die in 30 Minuten fällig sind."),
            (),
            _of_promises(f"due_ms - {_NOW_MS} BETWEEN 0 AND {soon}", "promises_due_soon"),
        ),
        "not_called_back_today": _Said(
            ("To be called back", "Zurückzurufen"),
            (
                "Abandoned today, and the customer was not reached since (answered, or written to).",
                "Heute aufgelegt und seitdem nicht erreicht (angenommen oder angeschrieben).",
            ),
            ("abandoned", "abandoned_returned"),
            {
                "today": "SELECT sum(abandoned) - sum(abandoned_returned) AS not_called_back_today\n"
                f"FROM touchline.measures_day\nWHERE {_day(zone)}{PLACE}"
            },
        ),
        "offered": _Said(
            ("Offered", "Angeboten"),
            ("Contacts that began to wait for a person.", "Kontakte, die begannen, auf einen Menschen zu warten."),
            ("answered", "abandoned"),
            _windowed("sum(offered)", "offered", zone),
        ),
        "first_responses_due": _Said(
            ("First messages", "Erste Nachrichten"),
            (
                "First messages that want a reply, by when they came.",
                "Erste Nachrichten, die eine Antwort erwarten, nach ihrem Eingang.",
            ),
            ("first_responses",),
            _windowed("sum(first_responses_due)", "first_responses_due", zone),
        ),
        "wait_p90_ms": _Said(
            ("90 % waited less", "90 % warteten kürzer"),
            (
                "Nine of ten who were answered waited at most so long. From a histogram: at most 1/16 too high.",
                "Neun von zehn Angenommenen warteten höchstens so lange. Aus einem Histogramm: höchstens 1/16 zu hoch.",
            ),
            (),
            _quantile(90, "wait_ms", "wait_p90_ms", zone),
        ),
        "first_response_p50_ms": _Said(
            ("First reply, median", "Erste Antwort, Median"),
            ("Half of the first replies came faster.", "Die Hälfte der ersten Antworten kam schneller."),
            (),
            _quantile(50, "first_response_ms", "first_response_p50_ms", zone),
        ),
        "first_response_p90_ms": _Said(
            ("First reply, nine of ten", "Erste Antwort, neun von zehn"),
            ("Nine of ten first replies came faster.", "Neun von zehn ersten Antworten kamen schneller."),
            (),
            _quantile(90, "first_response_ms", "first_response_p90_ms", zone),
        ),
        "undecided": _Said(
            ("Undecided", "Unentschieden"),
            (
                "Waiting now and within target still: neither hit nor miss, so in no service level.",
                "Warten noch und sind im Ziel: weder Treffer noch verfehlt, also in keinem Servicelevel.",
            ),
        ),
        "responses_undecided": _Said(
            ("Undecided", "Unentschieden"),
            (
                "Unanswered and within target still: neither hit nor miss.",
                "Unbeantwortet und noch im Ziel: weder Treffer noch verfehlt.",
            ),
        ),
        "wait_target_ms": _Said(
            ("Promised wait", "Versprochene Wartezeit"),
            ("From the catalogue, in force now.", "Aus dem Katalog, wie es jetzt gilt."),
        ),
        "response_target": _Said(
            ("Promised response time", "Versprochene Antwortzeit"),
            ("From the catalogue, in force now.", "Aus dem Katalog, wie es jetzt gilt."),
        ),
        "incomplete": _Said(
            ("Incomplete", "Unvollständig"),
            (
                "Partitions are missing: there may be more than is shown.",
                "Partitionen fehlen: es können mehr sein als gezeigt.",
            ),
        ),
    }
