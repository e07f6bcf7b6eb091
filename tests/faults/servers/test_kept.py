"""What is kept on real servers: counted anew under other definitions, backed up, restored; and what the log gave up."""

import asyncio
from pathlib import Path

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from pipeline.core.rules import Rulebook
from schemas.catalogue import load
from schemas.topics import CONTACT_FACTS, TOUCHPOINTS
from tests.app.command import sentence
from tests.faults.servers import recount
from tests.faults.servers.cluster import Cluster
from tests.faults.servers.conftest import started
from tests.faults.servers.loop import catch_up, compare, drain
from tests.faults.servers.traffic import sender_of

pytestmark = [pytest.mark.server, pytest.mark.process]

OTHER = """zone: Europe/Berlin
settings: {follow_up_window: 2h, abandoned_short: 20s}
targets: [{channel: phone, wait: 90s}]
"""


def say(_: str) -> None:
    """Tests are quiet."""


async def held(found: Cluster) -> recount.Counted:
    warehouse = found.warehouse()
    try:
        return await recount.stored(warehouse)
    finally:
        await warehouse.close()


async def destroy(found: Cluster) -> None:
    warehouse = found.warehouse()
    try:
        await warehouse.execute("DROP DATABASE touchline_internal")
    finally:
        await warehouse.close()


@pytest.mark.timeout(900)
def test_rebuilt_backed_up_destroyed_restored_and_read_on_and_what_the_log_gave_up_is_counted(tmp_path: Path) -> None:
    with started(tmp_path, workers=1, partitions=2) as found:
        sender = sender_of(found.broker.bootstrap, 31, 1_500)
        found.tend()
        sender.send(600)
        catch_up(found, say, 180)

        # Backed up while it runs; refused, while it runs, to be rebuilt.
        other = tmp_path / "other.yaml"
        other.write_text(OTHER)
        backup = tmp_path / "backup"
        made = found.command("backup", str(backup))
        assert made.returncode == 0, made.stderr
        refused = sentence(found.command("rebuild", "--catalogue", str(other)))
        assert "1 workers are at work in group touchline" in refused
        sender.send(400)
        catch_up(found, say, 180)
        drain(found)

        # Rebuilt, and gone on with under the new definitions: what one pass over the log gives under them.
        rebuilt = found.command("rebuild", "--catalogue", str(other))
        assert rebuilt.returncode == 0, rebuilt.stderr
        assert "audited: 0 differences" in rebuilt.stdout
        found.env["TOUCHLINE_CATALOGUE"] = str(other)
        sender.send(300)
        catch_up(found, say, 180)
        drain(found)
        wanted = recount.expected(recount.read_log(found.broker.bootstrap), Rulebook(load(OTHER, "other.yaml")))
        differing = recount.differences(wanted, asyncio.run(held(found)))
        assert differing.none, differing
        assert len(wanted.contacts) > 100

        # Destroyed, restored as it was backed up, and read on from there by the old definitions.
        del found.env["TOUCHLINE_CATALOGUE"]
        asyncio.run(destroy(found))
        restored = found.command("restore", str(backup))
        assert restored.returncode == 0, restored.stderr
        catch_up(found, say, 180)
        drain(found)
        differences = compare(found, sender, say)
        assert differences.none, differences

        # The log gives up what was not counted: so many positions, by partition.
        sender.send(200)
        positions = {p: marker.offset for p, marker in asyncio.run(found.markers()).items()}
        first = {TOUCHPOINTS + "/0": 7, TOUCHPOINTS + "/1": 3}
        admin = AdminClient({"bootstrap.servers": found.broker.bootstrap, "log_level": 2})
        gone = [TopicPartition(TOUCHPOINTS, n, positions[p] + first[p]) for n, p in enumerate(sorted(first))]
        for done in admin.delete_records(gone).values():
            done.result()
        said = sentence(found.command("worker", "--port", str(found.workers[0].port)))
        for partition, lost in first.items():
            at = positions[partition]
            assert f"{partition}: offsets {at} to {at + lost - 1} ({lost} positions)" in said
        assert "together 10 positions are gone" in said
        assert "TOUCHLINE_ACCEPT_LOSS=1" in said
        doctor = found.command("doctor")
        assert doctor.returncode == 1
        shown = " ".join(doctor.stdout.replace("│", " ").split())
        at = positions[f"{TOUCHPOINTS}/0"]
        assert f"at offset {at}, log from {at + 7} to " in shown
        assert f"GONE UNCOUNTED: 7, offsets {at} to {at + 6}" in shown
        assert f"{CONTACT_FACTS}/1 at offset {positions[CONTACT_FACTS + '/1']}, log from 0 to" in shown
        found.env["TOUCHLINE_ACCEPT_LOSS"] = "1"
        catch_up(found, say, 180)
        markers = asyncio.run(found.markers())
        assert {p: marker.lost for p, marker in markers.items() if marker.lost} == first
