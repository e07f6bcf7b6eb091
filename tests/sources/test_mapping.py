"""Mapping files: rows of any shape become the touchpoints one would write by hand; a mistake is named with its line."""

import json
from collections.abc import Iterable
from typing import Any

import pytest

from schemas.catalogue_types import CatalogueError
from schemas.codec import decode
from schemas.sources import BadLine, Item, Skipped
from schemas.sources.mapping import load, source_of
from schemas.touchpoint import Answered, FeedbackGiven, MessageSent, PromiseMade, Requested, Touchpoint

NINE = 1_772_442_000_000
"""2026-03-02 10:00 in Berlin."""

CSV = """
format: csv
delimiter: semicolon
zone: Europe/Berlin
lookups:
  queue: {"1": sales, "2": billing}
conditions:
  answered: {picked up: {empty: no}}
moments:
  came: {columns: [day, came], form: "%d.%m.%Y %H:%M:%S"}
  answered: {columns: [day, picked up], form: "%d.%m.%Y %H:%M:%S", next_day_after: came}
  ended: {after: answered, plus: minutes, unit: minutes}
rows:
  - {when: {kind: [test, probe]}, leave_out: tests}
  - {when: {kind: broken}, reject: the kind is broken}
common:
  contact_id: "{day}/{no}"
  channel: phone
touchpoints:
  - type: contact.requested
    id: 1-requested
    time: came
    customer_id: {column: customer, empty: [none, "-"]}
    segment: {column: class, default: private}
  - {type: contact.answered, id: 2-answered, time: answered, when: answered, queue: {column: q, lookup: queue}}
  - {type: contact.closed, id: 3-closed, time: ended, resolved: {column: solved}}
"""
HEAD = "no;day;came;picked up;minutes;kind;customer;class;q;solved"


def touchpoints(text: str, rows: Iterable[str | bytes]) -> list[Touchpoint]:
    """What of it is a touchpoint; all has to be."""
    found = []
    for output in source_of(load(text, "map.yaml")).read(
        each if isinstance(each, bytes) else each.encode() for each in rows
    ):
        assert isinstance(output, Item), output
        touchpoint = decode(output.value)
        assert isinstance(touchpoint, Touchpoint), touchpoint
        found.append(touchpoint)
    return found


def one(text: str, row: str | bytes) -> Any:
    """The only output of a row after the header."""
    (found,) = source_of(load(text, "map.yaml")).read([HEAD.encode(), row if isinstance(row, bytes) else row.encode()])
    return found


def test_a_row_of_csv_becomes_several_touchpoints() -> None:
    requested, answered, closed = touchpoints(CSV, [HEAD, "7;02.03.2026;10:00:00;10:00:30;2;call;k-1;;2;true"])
    assert requested == Requested(
        id="1-requested", time=NINE, contact_id="02.03.2026/7", channel="phone", customer_id="k-1", segment="private"
    )
    assert answered == Answered(
        id="2-answered", time=NINE + 30_000, contact_id="02.03.2026/7", channel="phone", queue="billing"
    )
    assert (closed.time, getattr(closed, "resolved", None)) == (NINE + 150_000, True)


def test_what_did_not_happen_is_left_out() -> None:
    (only,) = touchpoints(CSV, [HEAD, "7;02.03.2026;10:00:00;;;call;-;gold;2;"])
    assert isinstance(only, Requested)
    assert (only.customer_id, only.segment) == (None, "gold")


def test_a_code_that_no_lookup_has_stays_as_it_is() -> None:
    _, answered, _ = touchpoints(CSV, [HEAD, "7;02.03.2026;10:00:00;10:00:30;2;call;k-1;;9;true"])
    assert answered.queue == "9"


def test_after_midnight_is_the_next_day_and_a_clock_that_is_a_little_behind_is_not() -> None:
    late = touchpoints(CSV, [HEAD, "7;02.03.2026;23:59:50;0:00:10;1;call;;;1;"])
    assert late[1].time - late[0].time == 20_000
    behind = touchpoints(CSV, [HEAD, "7;02.03.2026;10:00:05;10:00:00;1;call;;;1;"])
    assert behind[1].time - behind[0].time == -5_000


@pytest.mark.parametrize(
    ("day", "offset_hours"), [("28.03.2026", 1), ("29.03.2026", 2), ("24.10.2026", 2), ("25.10.2026", 1)]
)
def test_times_of_a_zone_follow_its_summer_time(day: str, offset_hours: int) -> None:
    (only,) = touchpoints(CSV, [HEAD, f"7;{day};12:00:00;;;call;;;;"])
    assert only.time // 3_600_000 % 24 == 12 - offset_hours


def test_an_hour_that_comes_twice_is_the_first_of_the_two() -> None:
    (only,) = touchpoints(CSV, [HEAD, "7;25.10.2026;02:30:00;;;call;;;;"])
    assert only.time % 86_400_000 == 30 * 60_000  # 00:30 UTC: summer time still


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("7;02.03.2026", "2 columns, expected 10"),
        ("7;2026-03-02;10:00:00;;;call;;;;", "day came (moment 'came'): "),
        ("7;02.03.2026;10:00:00;10:00:30;two;call;;;;", "minutes is no whole number"),
        (";02.03.2026;10:00:00;;;call;;;;", "contact.requested (line 20 of the mapping): contact_id is empty"),
        ("7;02.03.2026;10:00:00;;;broken;;;;", "the kind is broken"),
        ('7;"02.03.2026;10:00:00;;;call;;;;', "unexpected end of data"),
        (b"7;02.03.2026;10:00:00;;;call;\xff;;;", "it is not utf-8"),
        ("7;02.03.2026;10:00:00;10:00:30;1;call;;;;maybe", "$.resolved"),
    ],
)
def test_a_row_that_cannot_be_read_is_a_bad_line_with_its_reason(row: str | bytes, sentence: str) -> None:
    bad = one(CSV, row)
    assert isinstance(bad, BadLine), bad
    assert (bad.line, bad.reject.reason) == (2, "bad_row")
    assert sentence in bad.reject.detail


def test_a_row_that_is_left_out_is_counted_under_its_reason() -> None:
    assert one(CSV, "7;02.03.2026;10:00:00;;;probe;;;;") == Skipped(2, "tests")


def test_a_bad_row_takes_no_other_with_it() -> None:
    rows = [HEAD, 'x;"', "7;02.03.2026;10:00:00;;;call;;;;", "", "bad", "8;02.03.2026;10:00:00;;;call;;;;"]
    found = list(source_of(load(CSV, "map.yaml")).read(row.encode() for row in rows))
    assert [type(each) for each in found] == [BadLine, Item, BadLine, Item]
    assert [each.line for each in found] == [2, 3, 5, 6]


def test_a_column_that_the_file_lacks_is_named() -> None:
    source = source_of(load(CSV, "map.yaml"))
    (bad,) = source.read([b"no;day", b"7;02.03.2026"])
    assert isinstance(bad, BadLine)
    assert bad.reject.detail == "the row cannot be read: there is no column 'kind'"


JSONL = """
format: jsonl
common: {contact_id: "{ticket.id}", channel: email}
touchpoints:
  - {type: contact.requested, id: new, time: {column: ticket.created}, topic: "{{{ticket.topic}}}"}
  - type: message.sent
    each: replies
    when: {author.kind: [agent, bot]}
    id: reply-{no}
    time: {column: at, form: seconds}
    author: "{author.kind}"
  - type: promise.made
    when: {ticket.promised: {empty: no}}
    id: p
    promise_id: p
    time: {column: ticket.created}
    due: {column: ticket.promised, form: milliseconds}
    kind: callback
  - type: feedback.given
    when: {stars: {above: 0}}
    id: stars
    time: {column: ticket.created}
    kind: csat
    score: "{stars}"
    scale_max: "5"
"""
TICKET = {
    "ticket": {"id": 12, "created": "2026-03-02T09:00:00.250Z", "topic": "invoice", "promised": NINE + 60_000},
    "replies": [
        {"no": 1, "at": 1_772_442_060, "author": {"kind": "agent"}},
        {"no": 2, "at": "1772442061.5", "author": {"kind": "bot"}},
        {"no": 3, "at": 1_772_442_062, "author": {"kind": "note"}},
    ],
    "stars": 4,
}


def test_json_is_read_by_paths_and_an_array_gives_a_touchpoint_for_each_element() -> None:
    made = touchpoints(JSONL, [json.dumps(TICKET)])
    assert [type(each).__name__ for each in made] == [
        "Requested", "MessageSent", "MessageSent", "PromiseMade", "FeedbackGiven",
    ]  # fmt: skip
    requested, agent, bot, promise, feedback = made
    assert (requested.contact_id, requested.time, requested.topic) == ("12", NINE + 250, "{invoice}")
    assert isinstance(agent, MessageSent)
    assert isinstance(bot, MessageSent)
    assert (agent.id, agent.time, agent.author) == ("reply-1", NINE + 60_000, "agent")
    assert (bot.id, bot.time, bot.author) == ("reply-2", NINE + 61_500, "bot")
    assert isinstance(promise, PromiseMade)
    assert (promise.due, promise.kind) == (NINE + 60_000, "callback")
    assert isinstance(feedback, FeedbackGiven)
    assert (feedback.score, feedback.scale_max) == (4, 5)


def test_what_json_lacks_is_empty_and_null_is_not_yet() -> None:
    ticket = {"ticket": {"id": 1, "created": "2026-03-02T09:00:00Z", "topic": None}, "replies": "none", "stars": None}
    (only,) = touchpoints(JSONL, [json.dumps(ticket)])
    assert only.topic is None


@pytest.mark.parametrize("line", ["{", "7", '"text"', "[" * 100, "[1]"])
def test_a_line_that_is_no_object_is_a_bad_line(line: str) -> None:
    found = list(source_of(load(JSONL, "map.yaml")).read([line.encode(), json.dumps(TICKET).encode()]))
    assert isinstance(found[0], BadLine)
    assert len(found) == 6


def test_a_row_in_which_nothing_happened_is_counted() -> None:
    assert list(source_of(load(JSONL, "m.yaml")).read([b'{"ticket": {"id": 1}}'])) == [Skipped(1, "nothing happened")]


def test_alternatives_of_moments() -> None:
    text = """
moments:
  a: {column: a, form: milliseconds}
  b: {column: b, form: milliseconds}
  first: {first_of: [b, a]}
  early: {earliest: [a, b]}
  late: {latest: [a, b], when: {b: {not: "0"}}}
common: {contact_id: c, channel: phone}
touchpoints:
  - {type: contact.requested, id: first, time: first}
  - {type: contact.requested, id: early, time: early}
  - {type: contact.requested, id: late, time: late}
"""
    both = touchpoints(text, ["a,b", f"{NINE},{NINE + 1}"])
    assert [(each.id, each.time - NINE) for each in both] == [("first", 1), ("early", 0), ("late", 1)]
    only_a = touchpoints(text, ["a,b", f"{NINE},0"])
    assert [(each.id, each.time - NINE) for each in only_a] == [("first", 0), ("early", 0)]


@pytest.mark.parametrize(
    ("change", "line", "sentence"),
    [
        (("format: csv", "format: xlsx"), 2, "format 'xlsx' is not known; write one of csv, jsonl"),
        (("delimiter: semicolon", "delimiter: ;;"), 3, "delimiter: write comma"),
        (("Europe/Berlin", "Europe/Berln"), 4, "is not a time zone; did you mean 'Europe/Berlin'?"),
        (("zone: Europe/Berlin", "about: x"), 10, "its times have no zone"),
        (('%d.%m.%Y %H:%M:%S"}\n  answ', 'dd.mm.yyyy"}\n  answ'), 10, "is none of iso, seconds, milliseconds"),
        (("after: answered", "after: answerd"), 12, "there is no moment 'answerd'; did you mean 'answered'?"),
        (("unit: minutes", "unit: weeks"), 12, "unit is one of milliseconds, seconds, minutes"),
        (("lookup: queue", "lookup: queues"), 25, "there is no lookup 'queues'; did you mean 'queue'?"),
        (("when: answered", "when: answred"), 25, "there is no condition 'answred'; did you mean 'answered'?"),
        (("contact.closed", "contact.close"), 26, "is not known; did you mean 'contact.closed'?"),
        (("time: came", "tme: came"), 22, "unknown key 'tme'; did you mean 'time'?"),
        (("    time: came\n", ""), 20, "contact.requested: time is missing"),
        (("time: came", "time: gone"), 22, "there is no moment 'gone'"),
        (("reject: the kind is broken", "when2: x"), 15, "either leave_out or reject"),
        (("touchpoints:", "touchpoint:"), 19, "unknown key 'touchpoint'; did you mean 'touchpoints'?"),
        (("empty: no}", "empty: maybe}"), 8, "empty is yes or no"),
        (("{column: class, default: private}", "{default: private}"), 24, "write column, or text"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_line(change: tuple[str, str], line: int, sentence: str) -> None:
    text = CSV.replace(*change, 1)
    assert text != CSV
    with pytest.raises(CatalogueError) as found:
        load(text, "map.yaml")
    assert any(problem.line == line and sentence in problem.message for problem in found.value.problems), str(
        found.value
    )


@pytest.mark.parametrize("text", ["", "- a", "7", "{", "a: [}"])
def test_what_is_no_mapping_at_all_is_one_sentence(text: str) -> None:
    with pytest.raises(CatalogueError) as found:
        load(text, "map.yaml")
    assert str(found.value).startswith("map.yaml line 1: ")
