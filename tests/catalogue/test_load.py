"""A catalogue that is right is read as meant; one that is wrong is refused with every line and what would be right."""

import re
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.catalogue import (
    CalendarHours,
    CatalogueError,
    ChannelEntry,
    HolidaySet,
    OpeningEntry,
    Problem,
    Settings,
    Target,
    TargetEntry,
    default,
    default_text,
    load,
    reload,
    title,
)
from schemas.vocabulary import CHANNELS

DAY = 86_400_000


def problems(text: str) -> list[tuple[int, str]]:
    with pytest.raises(CatalogueError) as caught:
        load(text, "catalogue.yaml")
    return [(problem.line, problem.message) for problem in caught.value.problems]


def one(text: str) -> tuple[int, str]:
    found = problems("zone: UTC\n" + text)
    assert len(found) == 1, found
    return found[0]


def test_the_default_promises_nothing_of_its_own() -> None:
    catalogue = default()
    assert catalogue.settings == Settings()
    assert (catalogue.queues, catalogue.segments, catalogue.calendars) == ({}, {}, {})
    assert (catalogue.targets, catalogue.opening_hours) == ((), ())
    assert {name: entry.kind for name, entry in catalogue.channels.items()} == CHANNELS
    assert all(set(entry.titles) == {"de", "en"} for entry in catalogue.channels.values())


def test_every_example_of_the_default_can_be_uncommented() -> None:
    """Together, and each section's with the sections it names."""
    catalogue = load(re.sub(r"(?m)^#([^#].*)$", r"\1", default_text()), "catalogue.yaml")
    assert set(catalogue.queues) == {"sales", "billing"}
    assert set(catalogue.calendars) == {"office", "hotline", "shop"}
    assert len(catalogue.opening_hours) == 3
    assert len(catalogue.targets) == 5
    assert catalogue.channels["kiosk"] == ChannelEntry("live", {"de": "Kiosk", "en": "Kiosk"})


def test_the_smallest_catalogue_is_a_zone() -> None:
    catalogue = load("zone: Asia/Kolkata", "x")
    assert catalogue.zone == "Asia/Kolkata"
    assert catalogue.languages == ("de", "en")
    assert catalogue.settings == Settings()


FULL = """
title: Service
zone: Europe/Berlin
languages: [en, fr]
channels:
  phone: {title: {en: Hotline}}
  fax: {kind: deferred, title: Fax}
queues:
  sales: {title: {fr: Ventes}}
  other:
segments:
  vip: {}
calendars:
  office:
    - weekly: {mon-thu: "08:00-12:00, 13:00-18:00", friday: [08:00-12:00, 12:00-16:00], sunday: closed}
      holidays: {country: DE, subdivision: BY}
      exceptions:
        2026-12-24: 08:00-12:00
        2026-12-31: closed
    - valid_from: 2027-01-01
      title: Office
      weekly: {saturday-monday: always}
      holidays: [{country: FR}, {country: DE}]
      exceptions: {2027-05-01: always}
opening_hours:
  - calendar: office
  - {channel: fax, queue: sales, calendar: none, valid_from: 2026-07-01}
targets:
  - {wait: 90s, response: 2 open days, unannounced: 2min, stale: 500ms}
  - {queue: sales, segment: vip, channel: fax, response: none, valid_from: "2026-07-01 06:30"}
  - {queue: sales, response: 4 open h, valid_from: 2026-07-01T06:30Z}
settings:
  follow_up_window: 14d
  lateness: 0s
  retention: 90d
  abandoned_short: 3s
  returned_within: 48h
  transfer_breaks_fcr: true
  headline_service_level: sl_offered
  store_touchpoints: 90d
  agent_figures: true
  dead_letter_max_ratio: 0.25
  dead_letter_max_run: 50
"""


def test_everything_is_read_as_meant() -> None:
    catalogue = load(FULL, "x")
    morning, afternoon, day = (480, 720), (780, 1080), ((0, 1440),)
    week = ((morning, afternoon),) * 4 + (((480, 960),), (), ())
    later = (day, (), (), (), (), day, day)
    office = catalogue.calendars["office"]
    assert office.hours == (
        CalendarHours(week, (HolidaySet("DE", "BY"),)),
        CalendarHours(later, (HolidaySet("DE"), HolidaySet("FR")), date(2027, 1, 1).toordinal()),
    )
    assert {date.fromordinal(ordinal).isoformat(): value for ordinal, value in office.exceptions.items()} == {
        "2026-12-24": (morning,),
        "2026-12-31": (),
        "2027-05-01": day,
    }
    assert office.titles == catalogue_titles("Office")
    assert catalogue.titles == catalogue_titles("Service")
    assert catalogue.channels["phone"] == ChannelEntry("live", {"en": "Hotline"})
    assert catalogue.channels["fax"] == ChannelEntry("deferred", catalogue_titles("Fax"))
    assert catalogue.queues == {"sales": {"fr": "Ventes"}, "other": {}}
    assert catalogue.segments == {"vip": {}}
    july = int(datetime.fromisoformat("2026-07-01T00:00+02:00").timestamp()) * 1000
    assert catalogue.opening_hours == (OpeningEntry("office"), OpeningEntry(None, "fax", "sales", july))
    half_past_six = july + 390 * 60_000
    assert catalogue.targets == (
        TargetEntry("wait", Target("clock", 90_000)),
        TargetEntry("response", Target("open_days", 2)),
        TargetEntry("unannounced", Target("clock", 120_000)),
        TargetEntry("stale", Target("clock", 500)),
        TargetEntry("response", None, "fax", "sales", "vip", half_past_six),
        TargetEntry("response", Target("open", 4 * 3_600_000), None, "sales", None, half_past_six + 2 * 3_600_000),
    )
    assert catalogue.settings == Settings(
        14 * DAY, 0, 90 * DAY, 3_000, 2 * DAY, True, "sl_offered", 90 * DAY, 0.25, 50, agent_figures=True
    )


def catalogue_titles(text: str) -> dict[str, str]:
    return {"en": text, "fr": text}


def test_words_that_yaml_would_change_stay_words() -> None:
    catalogue = load("zone: UTC\nqueues: {no: {title: off}, 1: , 2026-01-01: }\ntargets: [{queue: no, wait: 5s}]", "x")
    assert list(catalogue.queues) == ["no", "1", "2026-01-01"]
    assert catalogue.queues["no"] == {"de": "off", "en": "off"}
    assert catalogue.targets[0].queue == "no"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("queues:\n  sales:\n    tittle: x", 4, "queue 'sales': unknown key 'tittle'; did you mean 'title'?"),
        ("colour: x", 2, "catalogue: unknown key 'colour'; known here: title, zone,"),
        ("queues: {a: }\nqueues: {b: }", 3, "'queues' stands twice, first on line 2"),
        ("queues: [a]", 2, "queues: this is a list; write keys with values"),
        ("queues: a", 2, "queues: this is a single value"),
        ("queues: {[a]: x}", 2, "queues: a key must be a plain word"),
        ("queues: {" + 129 * "x" + ": }", 2, "a name has 1 to 128 characters, this one 129"),
        ("queues: {a: {title: {it: x}}}", 2, "queue 'a': title: unknown key 'it'; known here: de, en"),
        ("queues: {a: {title: {de: }}}", 2, "queue 'a': title: this is empty; write one word or text"),
        ("queues: {a: {title: ' '}}", 2, "queue 'a': title: this is empty"),
        ("languages: [Deutsch]", 2, "languages 'Deutsch' is not a language code"),
        ("languages: []", 2, "languages: name at least one"),
        ("channels:\n  phone: {kind: deferred}", 3, "channel 'phone' is always live; leave kind out"),
        ("channels:\n  fone:", 3, "channel 'fone' needs 'kind: live' (people wait in it) or 'kind: deferred'; did you"),
        ("channels: {fax: {kind: dead}}", 2, "channel 'fax' needs 'kind: live'"),
        ("channels: {fax: {kind: [live]}}", 2, "channel 'fax': kind: this is a list"),
        ("targets: {queue: a}", 2, "targets: this is a group of keys; write a list, each entry beginning with '- '"),
        ("targets: [{queue: a}]", 2, "queue 'a': there is no target; add wait, response, unannounced or stale"),
        (
            "targets:\n- queue: sales\n  wait: 20 sec",
            4,
            "queue 'sales': wait '20 sec' is not a duration; write 20s, 5min, 4h or 7d",
        ),
        (
            "targets:\n- queue: sales\n  segment: vip\n  response: 20 sec",
            5,
            "response '20 sec' is not a duration; write 20s, 5min, 4h, 7d, 4 open h or 2 open days",
        ),
        ("targets: [{wait: 4 open h}]", 2, "targets for everything: wait '4 open h' is open time, and this runs on"),
        ("targets: [{response: 2 days}]", 2, "write 2d for days on the clock or 2 open days"),
        ("targets: [{response: 99999 open days}]", 2, "longer than a hundred years"),
        ("targets: [{response: 999999999 h}]", 2, "longer than a hundred years"),
        ("targets: [{wait: 5s}, {wait: 6s}]", 2, "targets for everything: wait is given twice from the same time on"),
        (
            "targets: [{channel: fone, wait: 5s}]",
            2,
            "channel 'fone' is not listed under channels; did you mean 'phone'?",
        ),
        ("targets: [{channel: telex, wait: 5s}]", 2, "'telex' is not listed under channels; add it there"),
        ("queues: {sales: }\ntargets: [{queue: salse, wait: 5s}]", 3, "'salse' is not listed under queues; did you"),
        ("segments: {vip: }\ntargets: [{segment: viq, wait: 5s}]", 3, "'viq' is not listed under segments; did you"),
        ("targets: [{wait: 5s, valid_from: soon}]", 2, "valid_from 'soon' is not a date or time; write a date such as"),
        ("targets: [{wait: 5s, valid_from: 2026-02-30}]", 2, "'2026-02-30' is no time of the calendar"),
        ("targets: [{wait: 5s, valid_from: 1026-02-28}]", 2, "'1026-02-28' is not between the years 1970 and 2199"),
        ("opening_hours: [{queue: a}]", 2, "queue 'a': calendar is missing; name one of calendars, or none"),
        (
            "opening_hours: [{calendar: x}]",
            2,
            "opening_hours for everything: calendar 'x' is not listed under calendars",
        ),
        ("opening_hours: [{calendar: }]", 2, "opening_hours for everything: calendar: this is empty"),
        ("opening_hours: [{calendar: none}, {calendar: none}]", 2, "a calendar is given twice from the same time on"),
        ("opening_hours: [{segment: a, calendar: none}]", 2, "opening_hours: unknown key 'segment'"),
        ("calendars: {none: {weekly: always}}", 2, "calendar 'none' cannot be defined"),
        ("calendars: {a: }", 2, "calendar 'a': weekly is missing"),
        ("calendars: {a: {weekly: }}", 2, "calendar 'a': weekly: name at least one day, or write always or closed"),
        ("calendars: {a: {weekly: [monday]}}", 2, "calendar 'a': weekly (write always, or days with hours): this is a"),
        ("calendars: {a: []}", 2, "calendar 'a': one group of hours must have no valid_from"),
        ("calendars: {a: [{weekly: always, valid_from: 2026-01-01}]}", 2, "must have no valid_from"),
        ("calendars: {a: [{weekly: always}, {weekly: always}]}", 2, "hours from this date on already"),
        (
            "calendars: {a: [{weekly: always}, {weekly: always, valid_from: today}]}",
            2,
            "calendar 'a': valid_from 'today' is not a date; write a date such as 2026-12-24",
        ),
        ("calendars: {a: {weekly: {fryday: always}}}", 2, "weekly 'fryday' is not a day of the week"),
        ("calendars: {a: {weekly: {mon-tue-wed: always}}}", 2, "'mon-tue-wed' is not a day of the week"),
        ("calendars: {a: {weekly: {mon-fri: always, tue: closed}}}", 2, "tuesday has hours already"),
        (
            "calendars: {a: {weekly: {mon: 9-12}}}",
            2,
            "calendar 'a': mon: '9-12' are no opening hours; write 08:00-12:00",
        ),
        ("calendars: {a: {weekly: {mon: }}}", 2, "calendar 'a': mon: this is empty"),
        ("calendars: {a: {weekly: {mon: []}}}", 2, "calendar 'a': mon: there are no hours; write 08:00-12:00"),
        ("calendars: {a: {weekly: {mon: 08:00-24:01}}}", 2, "'08:00-24:01' has a time that no day has"),
        ("calendars: {a: {weekly: {mon: 08:60-10:00}}}", 2, "'08:60-10:00' has a time that no day has"),
        ("calendars: {a: {weekly: {mon: 22:00-06:00}}}", 2, "past midnight write 22:00-24:00 and 00:00-06:00 on the"),
        (
            "calendars: {a: {weekly: {mon: '08:00-12:00, 11:00-13:00'}}}",
            2,
            "'11:00-13:00' overlaps the hours before it",
        ),
        (
            "calendars: {a: {weekly: always, exceptions: {monday: closed}}}",
            2,
            "exceptions 'monday' is not a date; write",
        ),
        ("calendars: {a: {weekly: always, exceptions: {2026-02-30: closed}}}", 2, "is no day of the calendar; write"),
        (
            """calendars:
  a:
  - {weekly: always, exceptions: {2026-01-02: closed}}
  - {weekly: always, valid_from: 2026-01-01, exceptions: {2026-01-02: closed}}""",
            5,
            "calendar 'a': 2026-01-02 has an exception already; name each date once",
        ),
        ("calendars: {a: {weekly: always, holidays: {subdivision: BY}}}", 2, "holidays need a country; write such as"),
        ("calendars: {a: {weekly: always, holidays: {country: ZZ}}}", 2, "'ZZ' is no country of the holidays library"),
        ("calendars: {a: {weekly: always, holidays: {country: DE, subdivision: XX}}}", 2, "write one of BB, BE,"),
        ("calendars: {a: {weekly: always, holidays: {country: MC, subdivision: XX}}}", 2, "leave it out, this country"),
        ("calendars: {a: {weekly: always, holidays: {country: }}}", 2, "holidays: this is empty"),
        ("settings: {lateness: soon}", 2, "settings: lateness 'soon' is not a duration; write 20s, 5min, 4h or 7d"),
        ("settings: {lateness: 2 open h}", 2, "settings: lateness '2 open h' is open time"),
        ("settings: {follow_up_window: 0s}", 2, "settings: follow_up_window '0s' is too short"),
        ("settings: {retention: 7d}", 2, "settings: retention must be at least follow_up_window plus lateness"),
        ("settings: {transfer_breaks_fcr: yes}", 2, "'yes' is neither true nor false"),
        ("settings: {headline_service_level: sl_ofered}", 2, "'sl_ofered' is not a service level; write one of"),
        ("settings: {dead_letter_max_ratio: 110%}", 2, "'110%' is not a share; write such as 10% or 0.1, at most 100%"),
        ("settings: {dead_letter_max_ratio: nan}", 2, "'nan' is not a share"),
        ("settings: {dead_letter_max_ratio: much}", 2, "'much' is not a share"),
        ("settings: {dead_letter_max_run: 0}", 2, "'0' is not a count; write a whole number"),
        ("settings: {lateness: [1d]}", 2, "settings: lateness: this is a list; write one word or text"),
        ("settings: {folow_up_window: 7d}", 2, "unknown key 'folow_up_window'; did you mean 'follow_up_window'?"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_what_is_right(text: str, line: int, message: str) -> None:
    found_line, found = one(text)
    assert message in found
    assert found_line == line


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "the catalogue is empty; write at least zone: Europe/Berlin"),
        ("# nothing\n", 1, "the catalogue is empty"),
        ("title: x", 1, "zone is missing; write the organisation's time zone, for example zone: Europe/Berlin"),
        ("zone: Europe/Berln", 1, "zone 'Europe/Berln' is not a time zone; did you mean 'Europe/Berlin'?"),
        ("zone: ../etc", 1, "zone '../etc' is not a time zone"),
        ("zone: Europe", 1, "zone 'Europe' is not a time zone"),
        ("zone: {a: b}", 1, "zone: this is a group of keys; write one word or text"),
        ("zone: UTC\n\n\ttitle: x", 3, "this is not YAML: while scanning for the next token found character"),
        ("zone: UTC\ntitle: [x\n", 3, "this is not YAML: while parsing a flow sequence"),
        ("zone: UTC\n---\nzone: UTC\n", 2, "this is not YAML: expected a single document"),
        ("zone: UTC\ntitle: *x\n", 2, "this is not YAML: found undefined alias"),
        ("zone: UTC\ntitle: a\x07b\n", 2, "there is a character that YAML does not allow"),
        (5_000 * "[", 1, "nested far too deeply"),
    ],
)
def test_what_is_no_catalogue_at_all(text: str, line: int, message: str) -> None:
    found = problems(text)
    assert found[0][0] == line
    assert message in found[0][1]


def test_a_list_is_no_catalogue() -> None:
    assert problems("- zone: UTC")[0] == (1, "catalogue: this is a list; write keys with values, such as 'key: value'")


def test_all_problems_are_told_at_once_by_line() -> None:
    with pytest.raises(CatalogueError) as caught:
        load("zone: Mars\ntargets:\n- wait: x\n- wait: y\n  valid_from: z\nqueus: {}\n", "my.yaml")
    lines = str(caught.value).splitlines()
    assert [line.partition(":")[0] for line in lines] == [f"my.yaml line {n}" for n in (1, 3, 4, 5, 6)]
    assert caught.value.name == "my.yaml"


def test_what_an_anchor_repeats_is_told_once() -> None:
    assert len(problems("zone: UTC\ncalendars: {a: &a {weekly: {mon: x}}, b: *a}")) == 2  # one for each calendar
    assert len(problems("zone: UTC\ntargets: [&a {wait: x}, *a]")) == 2  # the duration, and that it stands twice


def test_a_node_that_holds_itself_is_refused() -> None:
    assert problems("zone: UTC\nqueues: &a {b: {title: *a}}")


def test_a_wrong_edit_leaves_the_old_catalogue() -> None:
    old = default()
    with pytest.raises(CatalogueError):
        reload(old, "zone: Nowhere", "x")
    assert reload(old, default_text() + "\n# a comment", "x") is old
    new = reload(old, default_text().replace("lateness: 1d", "lateness: 2d"), "x")
    assert new.settings.lateness_ms == 2 * DAY


@pytest.mark.parametrize(
    ("titles", "language", "expected"),
    [({"de": "A", "en": "B"}, "en", "B"), ({"de": "A"}, "en", "A"), ({}, "de", "sales")],
)
def test_a_title_is_found_in_any_case(titles: dict[str, str], language: str, expected: str) -> None:
    assert title(titles, "sales", language) == expected


LINES = [line for line in (FULL + default_text()).splitlines() if line.strip()]


@given(st.lists(st.sampled_from(LINES), max_size=12), st.text(max_size=20))
def test_any_text_is_read_or_refused_with_lines(lines: list[str], noise: str) -> None:
    text = "\n".join([*lines, noise])
    found: list[Problem] = []
    try:
        load(text, "x")
    except CatalogueError as error:
        found = error.problems or [Problem(0, "refused without a problem")]
    assert all(1 <= problem.line <= text.count("\n") + 2 and problem.message for problem in found)
