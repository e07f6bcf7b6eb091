"""What may be taken over while running, and what the fingerprint of the definitions depends on: the same thing."""

import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.catalogue import Catalogue, Change, changes, default, default_text, fingerprint, load


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * 1000


NOW = ms("2026-06-15T12:00+02:00")
DAY = 86_400_000

BASE = """
title: {de: Dienst, en: Service}
zone: Europe/Berlin
channels:
  fax: {kind: deferred, title: Fax}
queues:
  sales: {title: Verkauf}
  care:
calendars:
  office:
    weekly: {monday-friday: 08:00-18:00}
    holidays: {country: DE, subdivision: BY}
    exceptions: {2026-12-24: closed}
  later: {weekly: always}
  spare: {weekly: always}
opening_hours:
  - calendar: office
  - {channel: phone, calendar: later, valid_from: 2026-07-01}
targets:
  - {queue: sales, wait: 10s}
  - {queue: care, wait: 15s, valid_from: 2026-07-01}
settings:
  lateness: 1d
"""


def base(*edits: tuple[str, str]) -> Catalogue:
    text = BASE
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    return load(text, "catalogue.yaml")


SOON = ms("2026-06-15T12:01+02:00")

# An edit, the change it is, when that begins, and whether it needs a rebuild.
EDITS = [
    (("wait: 10s", "wait: 12s"), "target wait of queue 'sales'", None, True),
    (
        ("  - {queue: sales, wait: 10s}", "  - {queue: sales, segment: vip, wait: 10s}\n  - {queue: sales, wait: 10s}"),
        "target wait of queue 'sales' of segment 'vip'",
        None,
        True,
    ),
    (
        ("wait: 15s", "wait: 16s"),
        "target wait of queue 'care' from 2026-06-30T22:00:00+00:00",
        ms("2026-07-01T00:00+02:00"),
        False,
    ),
    (
        ("targets:", "targets:\n  - {channel: fax, response: none, valid_from: 2026-06-15T12:01}"),
        "target response of channel 'fax' from 2026-06-15T10:01:00+00:00",
        SOON,
        False,
    ),
    (
        ("targets:", "targets:\n  - {channel: fax, response: none, valid_from: 2026-06-15T12:00:59}"),
        "target response of channel 'fax' from 2026-06-15T10:00:59+00:00",
        SOON - 1000,
        True,
    ),
    (("08:00-18:00", "08:00-19:00"), "calendar 'office'", None, True),
    (("subdivision: BY", "subdivision: BE"), "calendar 'office'", None, True),
    (
        ("{2026-12-24: closed}", "{2026-12-24: closed, 2026-12-31: closed}"),
        "calendar 'office' on 2026-12-31",
        ms("2026-12-31T00:00+01:00"),
        False,
    ),
    (
        ("{2026-12-24: closed}", "{2026-12-24: 08:00-10:00}"),
        "calendar 'office' on 2026-12-24",
        ms("2026-12-24T00:00+01:00"),
        False,
    ),
    (
        ("{2026-12-24: closed}", "{2026-12-24: closed, 2026-06-15: closed}"),
        "calendar 'office' on 2026-06-15",
        ms("2026-06-15T00:00+02:00"),
        True,
    ),
    # A calendar that applies from July on begins then, whatever it says; one that applies nowhere never begins.
    (("later: {weekly: always}", "later: {weekly: closed}"), "calendar 'later'", ms("2026-07-01T00:00+02:00"), False),
    (("spare: {weekly: always}", "spare: {weekly: closed}"), "calendar 'spare'", None, False),
    (
        ("calendar: later, valid_from", "calendar: spare, valid_from"),
        "opening hours of channel 'phone' from 2026-06-30T22:00:00+00:00",
        ms("2026-07-01T00:00+02:00"),
        False,
    ),
    (("- calendar: office", "- calendar: none"), "opening hours", None, True),
    (("lateness: 1d", "lateness: 2d"), "settings: lateness_ms", None, True),
    (("lateness: 1d", "transfer_breaks_fcr: true"), "settings: transfer_breaks_fcr", None, True),
    (("lateness: 1d", "headline_service_level: sl_offered"), "settings: headline_service_level", None, False),
    (("lateness: 1d", "store_touchpoints: 90d"), "settings: store_touchpoints_ms", None, False),
    (("lateness: 1d", "dead_letter_max_run: 5"), "settings: dead_letter_max_run", None, False),
    (("  fax:", "  telex: {kind: live, title: Telex}\n  fax:"), "channel 'telex'", None, True),
    (("kind: deferred", "kind: live"), "channel 'fax'", None, True),
    (("title: Fax", "title: Telefax"), "titles of channels", None, False),
    (("title: Verkauf", "title: Laden"), "queues", None, False),
    (("zone: Europe/Berlin", "zone: Europe/Vienna"), "zone", None, True),
    (("de: Dienst", "de: Service"), "title", None, False),
]


@pytest.mark.parametrize(("edit", "entry", "begins", "rebuild"), EDITS)
def test_an_edit_is_told_with_when_it_begins(
    edit: tuple[str, str], entry: str, begins: int | None, *, rebuild: bool
) -> None:
    old, new = base(), base(edit)
    expected = Change(entry, begins, rebuild)
    assert expected in changes(old, new, NOW)
    assert expected in changes(new, old, NOW)
    assert any(change.rebuild for change in changes(old, new, NOW)) == rebuild


@pytest.mark.parametrize(("edit", "begins", "rebuild"), [(edit, begins, rebuild) for edit, _, begins, rebuild in EDITS])
def test_what_needs_no_rebuild_does_not_change_the_fingerprint_now(
    edit: tuple[str, str], begins: int | None, *, rebuild: bool
) -> None:
    old, new = base(), base(edit)
    if rebuild:
        assert fingerprint(old, NOW + 60_000) != fingerprint(new, NOW + 60_000)
    else:
        assert fingerprint(old, NOW) == fingerprint(new, NOW)
        later = NOW + 400 * DAY
        assert (fingerprint(old, later) != fingerprint(new, later)) == (begins is not None)


@pytest.mark.parametrize(("begins", "edit"), [(begins, edit) for edit, _, begins, _ in EDITS if begins is not None])
def test_an_entry_counts_from_its_very_instant(begins: int, edit: tuple[str, str]) -> None:
    old, new = base(), base(edit)
    assert fingerprint(old, begins - 1) == fingerprint(new, begins - 1)
    assert fingerprint(old, begins) != fingerprint(new, begins)


def test_calendars_that_change_begin_with_their_date() -> None:
    new = base(
        ("  later: {weekly: always}", "  later:\n  - weekly: always\n  - {weekly: closed, valid_from: 2027-01-01}")
    )
    assert changes(base(), new, NOW) == (
        Change("calendar 'later' from 2027-01-01", ms("2027-01-01T00:00+01:00"), False),
    )


def test_comments_order_and_titles_do_not_matter() -> None:
    shuffled = base(
        ("  - calendar: office\n", ""),
        ("2026-07-01}\ntargets:", "2026-07-01}\n  - calendar: office # everything\ntargets:"),
        ("  - {queue: sales, wait: 10s}\n", ""),
        ("settings:", "  - {queue: sales, wait: 10s}\n# settings\nsettings:"),
        ("title: Verkauf", "title: {de: Laden, en: Shop}"),
    )
    for at_ms in (0, NOW, NOW + 400 * DAY):
        assert fingerprint(base(), at_ms) == fingerprint(shuffled, at_ms)
    assert not any(change.rebuild for change in changes(base(), shuffled, NOW))


def test_nothing_changed_is_no_change() -> None:
    assert changes(base(), base(), NOW) == ()
    assert changes(default(), load(default_text(), "x"), NOW) == ()


def test_holidays_count_once_their_day_has_begun() -> None:
    eve, new_year = ms("2026-12-31T23:59+01:00"), ms("2027-01-01T00:00+01:00")
    assert fingerprint(base(), eve) != fingerprint(base(), new_year)
    assert fingerprint(base(), new_year) == fingerprint(base(), new_year + DAY)


NAMES = st.sampled_from(["a", "a' of segment 'b", "b", "", "unknown"]).filter(bool)


@given(st.tuples(NAMES, NAMES), st.tuples(NAMES, NAMES))
def test_different_places_never_look_alike(one: tuple[str, str], other: tuple[str, str]) -> None:
    def made(place: tuple[str, str]) -> Catalogue:
        return load(f'zone: UTC\ntargets: [{{queue: "{place[0]}", segment: "{place[1]}", wait: 1s}}]', "x")

    assert (fingerprint(made(one), NOW) == fingerprint(made(other), NOW)) == (one == other)


def test_the_fingerprint_is_the_same_in_every_process() -> None:
    script = f"from schemas.catalogue import fingerprint, load\nprint(fingerprint(load({BASE!r}, 'x'), {NOW}))"
    found = {
        subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            text=True,
            check=True,
            cwd=Path(__file__).parents[2],
            env={"PYTHONHASHSEED": seed},
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert found == {fingerprint(base(), NOW)}
