"""Workers among others: what a page shows of all, who has been overtaken, and what no member can go on with."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions

from pipeline.app.watchdog import RESTART_EXIT_CODE
from schemas.topics import TOUCHPOINTS
from tests.app.command import get
from tests.faults.servers.cluster import Worker, wait_until
from tests.faults.servers.conftest import SESSION_SECONDS, started
from tests.faults.servers.loop import catch_up, compare, drain, say_nothing
from tests.faults.servers.traffic import sender_of

pytestmark = [pytest.mark.server, pytest.mark.process, pytest.mark.timeout(600)]

PARTITIONS = 4


def live(worker: Worker) -> dict[str, Any]:
    """What its page is made of."""
    found: dict[str, Any] = json.loads(get(f"http://127.0.0.1:{worker.port}/live.json"))
    return found


def whole(worker: Worker) -> bool:
    """Whether its page shows every partition of the cluster."""
    page = live(worker)
    return bool(page["live"]) and len(page["partitions"]) == page["partitions_total"] == 2 * PARTITIONS


def test_a_stale_owner_ends_and_meanwhile_every_page_names_what_is_missing(tmp_path: Path) -> None:
    with started(tmp_path, workers=2, partitions=PARTITIONS) as found:
        one, other = found.workers
        sender = sender_of(found.broker.bootstrap, 31, 41_000)
        found.tend()
        sender.send(1_000)
        catch_up(found, say_nothing, 120)
        assert wait_until(lambda: whole(one) and whole(other), 30)
        pages = [live(worker) for worker in (one, other)]
        assert [len(page["workers"]) for page in pages] == [2, 2]
        assert [row["queue"] for row in pages[0]["queues"]] == [row["queue"] for row in pages[1]["queues"]]
        exported = [get(f"http://127.0.0.1:{worker.port}/metrics") for worker in (one, other)]
        owned = [
            len(re.findall(r'touchline_partition_ready{partition="(?:touchpoints|contact)', text)) for text in exported
        ]
        assert sum(owned) == 2 * PARTITIONS  # its own partitions only, or sums over workers would count twice
        assert min(owned) > 0

        own = {status["partition"] for status in live(one)["partitions"]} - set(pages[0]["workers"][1]["partitions"])
        one.pause(float("inf"))
        assert wait_until(lambda: not whole(other), 30)
        page = live(other)
        assert {each["partition"] for each in page["missing"]} == own
        assert all(f":{one.port}: silent for" in each["reason"] for each in page["missing"])
        assert page["queues"]
        assert all(row["incomplete"] for row in page["queues"])
        assert all(total["incomplete"] for total in page["totals"])

        sender.send(40_000)  # a few hundred it would have folded as well before it hears that it was put out
        assert wait_until(lambda: whole(other), SESSION_SECONDS + 60)  # it has taken over all of them
        assert wait_until(lambda: not found.lag(asyncio.run(found.markers())), 60)  # and has gone on
        one.wake()
        assert one.ended(60) == RESTART_EXIT_CODE, one.said()
        assert "somebody else has it" in one.said()
        catch_up(found, say_nothing, 120)
        drain(found)
        differences = compare(found, sender, say_nothing)
        assert differences.none, differences


def test_partitions_added_while_workers_run_end_them_and_nothing_is_lost(tmp_path: Path) -> None:
    with started(tmp_path, workers=1, partitions=2) as found:
        (worker,) = found.workers
        sender = sender_of(found.broker.bootstrap, 32, 600)
        found.tend()
        sender.send(600)
        catch_up(found, say_nothing, 120)
        admin = AdminClient({"bootstrap.servers": found.broker.bootstrap, "log_level": 2})
        admin.create_partitions([NewPartitions(TOUCHPOINTS, 3)])[TOUCHPOINTS].result()
        assert worker.ended(90) == 2, worker.said()
        assert "topic touchpoints has 3 partitions and had 2" in worker.said()
        assert "touchline rebuild" in worker.said()
        markers = asyncio.run(found.markers())
        assert f"{TOUCHPOINTS}/2" not in markers
        differences = compare(found, sender, say_nothing, audit=False)
        assert differences.none, differences
