"""The morning report: live and deferred apart, formulas named, both languages, and nothing compared with nothing."""

import io
import re
from typing import Any

import pytest
from pyarrow import parquet

from pipeline.answers import morning, report_page
from pipeline.answers.morning_material import AtRisk, Beyond, Kept, Material, Risk
from pipeline.answers.report import Flat, Plot, Report, flat, public
from pipeline.answers.speech import LANGUAGES, Language
from pipeline.core.rules import Rulebook
from pipeline.core.steps import DAY, HOUR
from pipeline.core.zone import DAY_MS
from pipeline.io import plots, spreadsheets
from schemas.catalogue import load
from tests.answers.stored import store
from tests.measures import scenes
from tests.measures.scenes import MONDAY_MS, contact

CATALOGUE = """
title: {de: Kundendienst, en: Customer service}
zone: Europe/Berlin
queues: {sales: {title: {de: Verkauf, en: "Sales <&>"}}}
"""
RULEBOOK = Rulebook(load(CATALOGUE, "report"))
TODAY = RULEBOOK.zone.ordinal(MONDAY_MS)
HTML = re.compile(r'(?:src|href|url|@import)\s*[=(:"\' ]', re.IGNORECASE)


def call(name: str, after: float, wait: float, **fields: Any) -> list[dict[str, Any]]:
    common = {"name": name, "customer_id": f"k-{name}", **fields}
    return contact(
        ("contact.queued", after, {"queue": "sales"}), ("contact.answered", after + wait),
        ("contact.closed", after + 600),
        **common,
    )  # fmt: skip


LAST_WEEK = -7 * scenes.DAY
CONTACTS = [
    *[call(f"a{n}", n, 10) for n in range(3)],
    call("late", 5, 200),
    contact(("contact.queued", 30, {"queue": "sales"}), ("contact.abandoned", 100), name="gone"),
    *[call(f"w{n}", LAST_WEEK + n, 10 if n else 300) for n in range(2)],
    contact(("contact.requested", 60), ("message.sent", 3600), name="mail", channel="email", queue="sales"),
    contact(("promise.made", 0, {"promise_id": "p", "due": MONDAY_MS + 60_000}),
            ("promise.kept", 30, {"promise_id": "p"}), name="promise"),
]  # fmt: skip


def material(**changes: Any) -> Material:
    stored = store([(MONDAY_MS + DAY_MS, [each for told in CONTACTS for each in told])], RULEBOOK)
    by: dict[int, dict[int, Any]] = {DAY: {}, HOUR: {}}
    for (_, resolution, window_s, *place), (_, cell) in stored.cells.rows.items():
        if resolution in by:
            dimensions = tuple(place[:3])
            into = by[resolution].setdefault(window_s * 1_000, {}).setdefault(dimensions, {})
            for number, value in cell.items():
                into[number] = into.get(number, 0) + value
    days = {RULEBOOK.zone.ordinal(at_ms): cells for at_ms, cells in by[DAY].items()}
    start_ms = RULEBOOK.zone.start_of_ms(TODAY)
    plain = {
        "day": TODAY, "now_ms": MONDAY_MS + 2 * DAY_MS, "data_until_ms": MONDAY_MS + 2 * DAY_MS, "cells": days[TODAY],
        "earlier": days[TODAY - 7], "hours": {h: c for h, c in by[HOUR].items() if h >= start_ms}, "days": days,
        "undecided": {}, "waits": [Beyond("late", "phone", "sales", "answered", MONDAY_MS, MONDAY_MS + 9, 1)],
        "replies": [], "promises": [Kept("callback", 1, 1, 0, 0)],
        "risk": Risk(3, {"detractor": 3}, [AtRisk("k-secret", ["detractor"], ["a1"])], 2, MONDAY_MS + 40 * DAY_MS),
        "final_day": None, "final_cells": {}, "final_earlier": {},
    }  # fmt: skip
    return Material(**{**plain, **changes})


def built(lang: Language = "en", **changes: Any) -> Report:
    return morning.build(material(**changes), RULEBOOK, lang)


def numbers(report: Report, table: str) -> dict[tuple[str, str], float | str | None]:
    return {(e.row, e.measure): e.text or e.value for e in flat(report) if e.section == table}


def test_live_and_deferred_stand_apart_and_their_service_levels_are_named() -> None:
    report = built()
    live, written = numbers(report, "live"), numbers(report, "deferred")
    assert live["sales", "offered"] == 5
    assert live["sales", "sl_net"] == 3 / 5
    assert live["sales", "sl_net_change"] == pytest.approx(3 / 5 - 1 / 2)
    assert live["sales", "asa_ms"] == (3 * 10_000 + 200_000) / 4
    assert written["sales", "first_responses_due"] == 1
    assert written["sales", "sl_response"] == 1
    said = " ".join(sentence for section in report.sections for sentence in section.said)
    assert "sl_net = answered_in_target / (offered - abandoned_short)" in said
    assert "sl_response = first_response_in_target / first_responses_due" in said
    assert report.tiles[0].value == "60.0%"
    assert report.tiles[0].line.startswith("sl_net")
    assert report.tiles[0].compared == "vs last week +10.0 pp"


def test_who_still_waits_in_the_target_is_in_no_part() -> None:
    report = built(undecided={("phone", "sales", "unknown"): {"undecided": 1}})
    assert numbers(report, "live")["sales", "sl_net"] == 3 / 4


def test_german_has_its_own_words_numbers_and_dates() -> None:
    report = built("de")
    assert report.title == "Kundendienst"
    assert report.subtitle == "Montag, 02.03.2026"
    assert report.tiles[0].value == "60,0 %"
    assert report.tiles[0].compared == "zur Vorwoche +10,0 PP"
    assert {section.id for section in report.sections} == {section.id for section in built("en").sections}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_an_empty_day_says_so_and_the_week_before_without_data_is_compared_with_nothing(lang: Language) -> None:
    empty = built(lang, cells={}, hours={})
    assert [section.id for section in empty.sections] == ["empty"]
    assert flat(empty) == []
    alone = built(lang, earlier={})
    assert numbers(alone, "live")["sales", "sl_net_change"] is None
    assert numbers(alone, "silence")["sales", "waited_unannounced_change"] is None
    assert all(not tile.compared for tile in alone.tiles)
    assert len(alone.notes) == 2


def test_resolution_is_provisional_until_its_window_is_over_and_the_final_day_is_told_beside_it() -> None:
    cells = material().cells
    report = built(final_day=TODAY - 8, final_cells=cells)
    states = [value for (_, name), value in numbers(report, "resolution").items() if name == "state"]
    assert states == ["provisional until 11 Mar 2026 00:00", "final"]
    (final,) = [section for section in built(final_day=TODAY).sections if section.id == "resolution"]
    assert "final" in final.said[0]
    assert len(final.said) == 1


def test_a_day_that_is_not_over_or_not_read_says_so() -> None:
    assert any(note.startswith("The day is not over yet") for note in built(now_ms=MONDAY_MS).notes)
    assert any(note.startswith("Not every source") for note in built(data_until_ms=MONDAY_MS).notes)


def test_promises_of_later_today_are_neither_kept_nor_broken() -> None:
    later = built(promises=[Kept("callback", 1, 0, 0, 0, 1)])
    assert "promises" not in {section.id for section in later.sections}
    assert "Promises kept" not in {tile.title for tile in later.tiles}
    assert numbers(built(), "promises")["callback", "promises_kept_ratio"] == 1


def test_the_30_days_of_customers_at_risk_say_where_they_end() -> None:
    said = [sentence for section in built().sections for sentence in section.said if "30 days up to" in sentence]
    assert said == [
        "3 customers have had a reason to leave in the 30 days up to 11 Apr 2026 12:00, 1 of them on this day."
    ]


def test_what_the_warehouse_cannot_tell_is_said() -> None:
    report = built(promises=None, risk=None)
    said = [sentence for section in report.sections for sentence in section.said if "ClickHouse 24.8" in sentence]
    assert len(said) == 2


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_page_is_whole_escaped_and_without_customers_and_asks_nobody_for_anything(lang: Language) -> None:
    report = built(lang)
    pictures = {plot.id: plots.svg(plot, lang) for plot in report.plots}
    assert all(pictures[name].startswith("<svg") for name in ("hours", "waits", "days"))
    page = report_page.page(public(report), pictures, RULEBOOK.zone)
    assert "k-secret" not in page
    assert "<&>" not in page
    assert page.count("<svg") == 3
    links = {link for link in re.findall(r'(?:href|src)="([^"]*)"', page) if not link.startswith("#")}
    assert links == set()
    assert set(re.findall(r"https?://[^\"' )]*", page)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert "#010" not in page, "every colour is one of the page's, in light and in dark"


def test_pictures_have_their_numbers_in_the_readers_language_and_nothing_to_show_is_no_picture() -> None:
    plot = Plot("x", 'a "title" <&>', ["1", "2"], {"n": [1500.0, None]}, {"r": [0.5, None]}, "n", "r")
    assert all(number in plots.svg(plot, "de") for number in ("40 %", "1.200"))
    assert all(number in plots.svg(plot, "en") for number in ("40%", "1,200"))
    assert 'aria-label="a &quot;title&quot; &lt;&amp;>"' in plots.svg(plot, "en")
    assert plots.svg(Plot("x", "t", ["1"], {"n": [0.0]}, {"r": [None]}, "n", "r"), "en") == ""
    assert plots.svg(plot, "en") == plots.svg(plot, "en"), "the same report twice is the same file"


HOSTILE = [
    Flat("2026-03-02", "live", name, "offered", "count", -1.5, "") for name in ("=1+1", "+1", "-1", "@x", 'a;b"c')
]


def test_cells_of_a_csv_that_would_be_formulas_are_text_and_numbers_stay_numbers() -> None:
    english = spreadsheets.csv_bytes(HOSTILE, "en").decode("utf-8-sig").splitlines()
    german = spreadsheets.csv_bytes(HOSTILE, "de").decode("utf-8-sig").splitlines()
    assert english[0] == "day,section,row,measure,unit,value,text"
    assert [line.split(",")[2] for line in english[1:5]] == ["'=1+1", "'+1", "'-1", "'@x"]
    assert english[5].endswith('a;b""c",offered,count,-1.5,')
    assert german[1].split(";") == ["2026-03-02", "live", "'=1+1", "offered", "count", "-1,5", ""]


def test_parquet_has_a_column_of_numbers() -> None:
    table = parquet.read_table(io.BytesIO(spreadsheets.parquet_bytes(flat(built()))))
    rows = {(row["section"], row["row"], row["measure"]): row["value"] for row in table.to_pylist()}
    assert rows["live", "sales", "sl_net"] == 3 / 5
    assert str(table.schema.field("value").type) == "double"
