"""Explanations: what is told is what is counted, for every contact there can be, and stories read as they happened."""

from collections import defaultdict
from typing import Any

from hypothesis import given, settings

from pipeline.answers import explain_page, explain_words
from pipeline.answers.explain import Known, _column, explain
from pipeline.answers.explanation import Explanation
from pipeline.core.rules import Rulebook
from pipeline.core.zone import Zone
from pipeline.measures import CONTACT_COLUMNS, CUSTOMER_COLUMNS
from schemas.catalogue import load
from tests.answers.stored import Stored, store
from tests.core.harness import catalogue_of
from tests.measures.scenes import DAY, HOUR, MONDAY_MS, OFFICE, PLAIN, contact
from tests.oracle import Promises
from tests.strategies import generate, touchpoint_streams

LATER_MS = MONDAY_MS + 30 * 86_400_000


def explained(stored: Stored, rulebook: Rulebook, contact_id: str, now_ms: int = LATER_MS) -> Explanation:
    found = stored.contacts[contact_id]
    holder = next((t.customer_id for t in found.touches if t.customer_id), "")
    known = Known(found, stored.facts.get(holder, []), now_ms, now_ms)
    return explain(known, rulebook, CONTACT_COLUMNS, CUSTOMER_COLUMNS)


def story(*contacts: list[dict[str, Any]], catalogue: str = PLAIN, now_ms: int = LATER_MS) -> dict[str, Explanation]:
    rulebook = Rulebook(load(catalogue, "story"))
    touchpoints = [each for told in contacts for each in told]
    stored = store([(max(each["time"] for each in touchpoints), touchpoints)], rulebook)
    return {name: explained(stored, rulebook, name, now_ms) for name in stored.contacts}


def told(found: Explanation, step: int) -> list[str]:
    return [did.what for did in found.steps[step].did]


@given(touchpoint_streams())
@settings(max_examples=60, deadline=None)
def test_the_cells_of_all_explanations_add_up_to_what_is_counted_and_everything_has_words(
    stream: list[dict[str, Any]],
) -> None:
    adds_up(stream)


def test_so_they_do_for_many_contacts_of_few_customers() -> None:
    adds_up(generate(23, 250))


def adds_up(stream: list[dict[str, Any]]) -> None:
    rulebook = Rulebook(catalogue_of(Promises()))
    stored = store([(max((each["time"] for each in stream), default=0), stream)], rulebook)
    total: dict[tuple[int, str, str, str, str], int] = defaultdict(int)
    for name in stored.contacts:
        found = explained(stored, rulebook, name)
        assert len(found.steps) == len(stored.contacts[name].touches)
        for cell in found.cells:
            total[cell.window_s, cell.channel, cell.queue, cell.segment, cell.measure] += cell.value
        for lang in ("de", "en"):
            page = explain_page.page(found, lang)
            assert "{" not in page.split("</head>")[1]
    counted: dict[tuple[int, str, str, str, str], int] = defaultdict(int)
    for (p, resolution, window_s, channel, queue, segment, *_), (_, cell_of) in stored.cells.rows.items():
        columns = CUSTOMER_COLUMNS if p.startswith("contact-facts") else CONTACT_COLUMNS
        for number, value in cell_of.items() if resolution == 1 else ():
            counted[window_s, channel, queue, segment, _column(columns.name_of(number))] += value
    assert {k: v for k, v in total.items() if v} == {k: v for k, v in counted.items() if v}


def test_a_caller_who_is_bounced_three_times() -> None:
    call = contact(
        ("contact.requested", 0),
        ("contact.queued", 5, {"queue": "billing"}),
        ("contact.answered", 65),
        ("contact.transferred", 100, {"queue": "sales"}),
        ("contact.answered", 160),
        ("contact.transferred", 200, {"queue": "complaints"}),
        ("contact.abandoned", 500),
        customer_id="k-1",
    )
    (found,) = story(call).values()
    assert found.queue == "billing"
    assert told(found, 1) == ["queue_named", "wait_began"]
    assert told(found, 2) == ["wait_answered_late", "leg_answered"]
    assert told(found, 3) == ["transferred_to", "leg_began"]
    assert told(found, 6) == ["leg_abandoned"]
    sentence = explain_words.sentence(found.steps[2].did[0], "de", Zone(found.zone))
    assert sentence == "ein Mensch nimmt an, nach 1 min Warten: über dem Ziel von 20 s"
    legs = [(cell.queue, cell.measure) for cell in found.cells if cell.measure in ("legs_answered", "legs_abandoned")]
    assert sorted(legs) == [("billing", "legs_answered"), ("complaints", "legs_abandoned"), ("sales", "legs_answered")]
    assert found.resolution.fcr == ""
    assert found.resolution.why_not == ["not_closed"]


def test_a_promise_kept_a_minute_late() -> None:
    due_ms = MONDAY_MS + 3_600_000
    promised = {"promise_id": "p", "due": due_ms, "kind": "callback"}
    call = contact(
        ("promise.made", 0, promised),
        ("promise.kept", HOUR + 60, {"promise_id": "p"}),
        ("promise.broken", HOUR + 90, {"promise_id": "p"}),
        ("promise.kept", HOUR + 95, {"promise_id": "never made"}),
    )
    (found,) = story(call).values()
    assert [told(found, step) for step in range(4)] == [
        ["requested_unsaid", "promise_made"], ["promise_late"], ["promise_over"], ["promise_unknown"],
    ]  # fmt: skip
    zone = Zone(found.zone)
    assert explain_words.sentence(found.steps[1].did[0], "en", zone) == "kept, 1 min after it was due"
    assert explain_words.sentence(found.steps[0].did[1], "en", zone) == "promised (callback) until 2 Mar 2026 11:00:00"


def test_a_mail_of_friday_evening_answered_on_monday_is_in_target_in_opening_hours() -> None:
    friday_evening = 4 * DAY + 9 * HOUR  # 19:00, after the office has closed
    mail = contact(
        ("contact.requested", friday_evening), ("message.sent", 7 * DAY), ("contact.closed", 7 * DAY + 60),
        channel="email", customer_id="k-1",
    )  # fmt: skip
    (found,) = story(mail, catalogue=OFFICE).values()
    assert told(found, 0) == ["requested", "clock_first"]
    assert found.steps[1].did[0].what == "replied_in_target_open"
    said = explain_words.sentence(found.steps[1].did[0], "en", Zone(found.zone))
    assert said == "we reply after 2 d 15 h, 1 h of it in opening hours: within the target of 4 open h"


def test_why_a_resolution_is_what_it_is_and_until_when_it_is_provisional() -> None:
    first = contact(
        ("contact.answered", 0), ("contact.closed", 60), name="a", customer_id="k-1", topic="bill", queue="q"
    )
    second = contact(("contact.requested", 2 * DAY), name="b", customer_id="k-1", topic="bill", channel="chat")
    found = story(first, second)["a"].resolution
    assert found.fcr == "followed"
    assert [did.what for did in found.because] == ["because_followed"]
    assert found.because[0].values["contact"] == "b"
    assert found.because[0].values["after_ms"] == (2 * DAY - 60) * 1_000
    assert found.final_from_ms == MONDAY_MS + (8 * DAY + 60) * 1_000
    assert found.is_final
    assert [sibling.contact_id for sibling in found.issue] == ["a", "b"]
    early = story(first, second, now_ms=MONDAY_MS + 3 * DAY * 1_000)["a"].resolution
    assert not early.is_final
    follower = story(first, second)["b"]
    assert follower.resolution.follows == "a"
    assert follower.resolution.issue_id == "a"


def test_what_is_unknown_is_said_and_the_page_names_no_customer() -> None:
    call = contact(("contact.queued", 0), ("contact.answered", 5))
    (found,) = story(call).values()
    unknown = {did.what for did in found.unknown}
    assert {"unknown_request", "unknown_queue", "unknown_segment", "unknown_topic", "unknown_customer"} <= unknown
    named = contact(("contact.queued", 0, {"queue": "<b>q"}), customer_id="k-secret", name="x<y")
    (found,) = story(named).values()
    for lang in ("de", "en"):
        page = explain_page.page(found, lang)
        assert "k-secret" not in page
        assert "<b>q" not in page
        assert "&lt;b&gt;q" in page
        assert "?id=x%3Cy" in page
