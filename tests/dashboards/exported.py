"""Every series a worker can export, by name: what alerts, boards and runbooks may speak of."""

from prometheus_client.parser import text_string_to_metric_families

from pipeline.io.exposition import exposition
from pipeline.live import summarise
from pipeline.live.around import Aged, Around, CalendarNow, IntakeNow
from tests.live.world import NOON, D, H, M, S, World


def names() -> frozenset[str]:
    """Names of samples: counters with `_total`."""
    world = World()
    for day in range(17):
        world.call(f"c{day}", NOON - day * D, 12 * S, customer_id="somebody")
    world.call("waits", NOON - M)
    world.say(NOON - 5 * H, "m", "message.received", "email", queue="sales")
    world.fold()
    world.contacts[0].marker.rejected = {"not_json": 1}
    states = [
        world.partition(engine, flushes=1, flush_seconds=0.1, flush_rows=5)
        for engine in (world.contacts[0], world.customers)
    ]
    weeks = ((20, 16), (20, 15), (20, 18), (20, 17))
    around = Around(
        calendars=[CalendarNow("office", open=False, opens_ms=NOON)],
        objectives={"wait": 80},
        silence_open_ms={"asterisk": 1},
        intake=[IntakeNow("touchline.raw/0", stopped=False, log_lag=0)],
        resolution={("phone", "sales"): Aged((40, 30), weeks)},
        audit_differences=0,
        audit_age_ms=1,
    )
    text = exposition(lambda: summarise(world.state(states, sources={"asterisk": NOON}), NOON), lambda _: around)()
    families = text_string_to_metric_families(text.decode())
    return frozenset(sample.name for family in families for sample in family.samples)
