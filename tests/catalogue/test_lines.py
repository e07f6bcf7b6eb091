"""Every entry that two catalogues may differ in has its line, or none because only the defaults say it."""

from schemas.catalogue import changes, load
from schemas.catalogue_lines import lines

TEXT = """title: {de: Dienst, en: Service}
zone: Europe/Berlin
channels:
  fax:
    kind: deferred
queues:
  sales:
    title: Verkauf
calendars:
  office:
    - weekly: {monday-friday: 08:00-18:00}
      exceptions:
        2026-12-24: closed
    - valid_from: 2027-03-01
      weekly: {monday-friday: 09:00-17:00}
opening_hours:
  - calendar: office
  - channel: phone
    calendar: none
    valid_from: 2027-01-01
targets:
  - queue: sales
    channel: phone
    wait: 10s
    response: 2 open h
  - segment: business
    wait: 5s
    valid_from: 2027-01-01T06:00
settings:
  lateness: 2d
  headline_service_level: sl_offered
  wait_objective: 90%
"""


def test_everything_written_has_the_line_it_is_written_on() -> None:
    catalogue = load(TEXT, "lines")
    found = lines(TEXT, "lines", catalogue)
    shown = TEXT.splitlines()
    differing = [change.entry for change in changes(load("zone: UTC\n", "plain"), catalogue, 0)]
    assert len(differing) > 12
    placed = {entry: shown[found[entry] - 1].strip() for entry in differing}
    assert placed["zone"] == "zone: Europe/Berlin"
    assert placed["channel 'fax'"] == "fax:"
    assert placed["calendar 'office'"] == "office:"
    assert placed["calendar 'office' on 2026-12-24"] == "2026-12-24: closed"
    assert placed["calendar 'office' from 2027-03-01"] == "- valid_from: 2027-03-01"
    assert placed["opening hours"] == "- calendar: office"
    assert placed["target wait of channel 'phone' of queue 'sales'"] == "wait: 10s"
    assert placed["target response of channel 'phone' of queue 'sales'"] == "response: 2 open h"
    assert placed["settings: lateness_ms"] == "lateness: 2d"
    assert placed["settings: headline_service_level"] == "headline_service_level: sl_offered"
    assert placed["settings: wait_objective_percent"] == "wait_objective: 90%"
    assert placed["queues"] == "queues:"
    (dated,) = [text for entry, text in placed.items() if entry.startswith("target wait of segment")]
    assert dated == "wait: 5s"
    (opened,) = [text for entry, text in placed.items() if entry.startswith("opening hours of channel")]
    assert opened == "- channel: phone"


def test_what_only_the_defaults_say_has_no_line() -> None:
    assert lines("zone: UTC\n", "plain", load("zone: UTC\n", "plain")) == {"zone": 1}
