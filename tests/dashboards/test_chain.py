"""From a touchpoint to the person who is told: worker, Prometheus and Alertmanager as they are, with the files of
deploy/. And what those files say of who is told what.
"""

import asyncio
import json
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards.alerts import ALERTS
from dashboards.alerts_prometheus import labels
from pipeline.app.shared import Remote
from tests.app.command import running
from tests.dashboards.chain import DEPLOY, TOKEN, Inbox, alertmanager, inbox, prometheus

ALERTMANAGER = DEPLOY / "alertmanager" / "alertmanager.yml"
PROMETHEUS = DEPLOY / "prometheus" / "prometheus.yml"


def tool(name: str, *arguments: str) -> str:
    """What promtool or amtool answers; skips where it is not installed."""
    if shutil.which(name) is None:
        pytest.skip(f"no {name} on this machine (Debian: apt-get install prometheus prometheus-alertmanager)")
    done = subprocess.run([name, *arguments], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# -- the chain


def spoken(contact_id: str, at_ms: int, *kinds: str) -> list[bytes]:
    common = {"contact_id": contact_id, "channel": "phone", "queue": "sales", "source": "asterisk"}
    return [
        json.dumps({"id": f"{kind}-{n}", "type": kind, "time": at_ms + n, **common}).encode()
        for n, kind in enumerate(kinds)
    ]


@pytest.mark.server
@pytest.mark.process
@pytest.mark.timeout(240)
async def test_who_waits_too_long_reaches_operations_and_nobody_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with inbox() as (came, inbox_port):
        with (
            alertmanager(tmp_path / "alertmanager", inbox_port) as manager,
            running("run", data=tmp_path / "data", env={"TOUCHLINE_TOKEN": TOKEN}) as worker,
            prometheus(tmp_path / "prometheus", worker.base, manager, for_seconds=2),
        ):
            await came.until("watchdog", "TouchlineWatchdog")
            source = Remote(tmp_path / "data")
            waits_since_ms = time.time_ns() // 1_000_000 - 130_000
            told = time.monotonic()
            await source.feed(spoken("waits", waits_since_ms, "contact.requested", "contact.queued"))
            found = await came.until("operations-now", "TouchlineLongestWait")
            delay = found.at - told
            (alert,) = found.alerts("TouchlineLongestWait")
            with capsys.disabled():
                sys.stdout.write(f"\ntouchpoint to webhook: {delay:.1f} s (every second looked at, `for` 2 s)\n")
            assert 2 < delay < 60
            assert alert["labels"] == {
                "alertname": "TouchlineLongestWait",
                "audience": "operations",
                "channel": "phone",
                "hours": "open",
                "job": "touchline",
                "queue": "sales",
                "severity": "critical",
            }
            english, german = alert["annotations"]["description"], alert["annotations"]["description_de"]
            assert re.fullmatch(
                r"A customer in phone/sales has waited for 2m \d+s; promised are 20s\. 1 wait there now\.", english
            )
            assert re.fullmatch(
                r"Ein Kunde in phone/sales wartet seit 2m \d+s; versprochen sind 20s\. Dort warten jetzt 1\.", german
            )
            assert alert["annotations"]["runbook_url"].endswith("/TouchlineLongestWait.md")
            answered_ms = time.time_ns() // 1_000_000
            await source.feed(spoken("waits", answered_ms, "contact.answered"))
            await came.until("operations-now", "TouchlineLongestWait", "resolved")
            told_to = {one.receiver for one in came.received if one.alerts("TouchlineLongestWait")}
            assert told_to == {"operations-now"}
            await _stale_mutes(manager, came)
            assert await asyncio.to_thread(worker.end) == 0
            await came.until("on-call-page", "TouchlineNumbersStale", job="touchline", why="away")


async def _stale_mutes(manager: str, came: Inbox) -> None:
    """While numbers are stale operations is told nothing; on-call is, and so are other jobs' operations."""

    def alert(name: str, job: str, audience: str) -> dict[str, Any]:
        return {
            "labels": {"alertname": name, "job": job, "audience": audience, "severity": "critical"},
            "startsAt": datetime.now(UTC).isoformat(),
            "endsAt": (datetime.now(UTC) + timedelta(minutes=5)).isoformat(),
        }

    await asyncio.to_thread(post, manager, [alert("TouchlineNumbersStale", "north", "on-call")])
    await came.until("on-call-page", "TouchlineNumbersStale")
    muted = alert("TouchlineCallersGivingUp", "north", "operations")
    heard = alert("TouchlineCallersGivingUp", "south", "operations")
    await asyncio.to_thread(post, manager, [muted, heard])
    await came.until("operations-now", "TouchlineCallersGivingUp")
    found = await asyncio.to_thread(get, f"{manager}/api/v2/alerts?filter=alertname=TouchlineCallersGivingUp")
    assert {each["labels"]["job"]: each["status"]["state"] for each in found} == {
        "north": "suppressed",
        "south": "active",
    }
    jobs = {a["labels"]["job"] for one in came.received for a in one.alerts("TouchlineCallersGivingUp")}
    assert jobs == {"south"}


def post(manager: str, alerts: list[dict[str, Any]]) -> None:
    request = urllib.request.Request(  # noqa: S310  (loopback)
        f"{manager}/api/v2/alerts", json.dumps(alerts).encode(), {"Content-Type": "application/json"}
    )
    urllib.request.urlopen(request, timeout=10).close()  # noqa: S310  (loopback)


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310  (loopback)
        return json.load(answer)


# -- the files


@pytest.mark.server
def test_prometheus_takes_its_example(tmp_path: Path) -> None:
    for file in PROMETHEUS.parent.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "touchline.token").write_text(TOKEN)
    assert "1 rule files found" in tool("promtool", "check", "config", str(tmp_path / PROMETHEUS.name))


@pytest.mark.server
def test_alertmanager_takes_its_example() -> None:
    tool("amtool", "check-config", str(ALERTMANAGER))


@pytest.mark.server
def test_every_alert_has_a_receiver_that_fits_its_audience() -> None:
    told: dict[str, set[str]] = {}
    for alert in ALERTS:
        for rule in alert.rules:
            given = [f"{name}={value}" for name, value in {"alertname": alert.name, **labels(alert, rule)}.items()]
            receiver = tool("amtool", "config", "routes", "test", f"--config.file={ALERTMANAGER}", *given).strip()
            told.setdefault(receiver, set()).add(f"{alert.audience}, {rule.severity or alert.severity}")
    assert told == {
        "operations-now": {"operations, critical"},
        "operations-mail": {"operations, warning"},
        "on-call-page": {"on-call, critical"},
        "on-call-mail": {"on-call, warning"},
        "watchdog": {"on-call, none"},
    }


def test_only_warnings_wait_for_office_hours() -> None:
    routes = yaml.safe_load(ALERTMANAGER.read_text())["route"]["routes"]
    waiting = [route["receiver"] for route in routes if "active_time_intervals" in route]
    assert waiting == ["on-call-mail", "operations-mail"]


@pytest.fixture
def notification(tmp_path: Path) -> Path:
    path = tmp_path / "data.json"
    alert = {
        "status": "firing",
        "labels": {"alertname": "TouchlineLongestWait"},
        "annotations": {
            "summary": "Somebody waits.",
            "description": "For 2m.",
            "first_step": "Answer.",
            "summary_de": "Jemand wartet.",
            "description_de": "Seit 2m.",
            "first_step_de": "Annehmen.",
            "runbook_url": "https://runbooks.test/x.md",
        },
        "startsAt": "2026-03-18T11:05:00Z",
        "endsAt": "2026-03-18T11:25:00Z",
    }
    annotations = alert["annotations"]
    found = {"status": "firing", "receiver": "r", "alerts": [alert, {**alert, "status": "resolved"}]}
    path.write_text(json.dumps({**found, "commonAnnotations": annotations, "groupLabels": {}, "commonLabels": {}}))
    return path


@pytest.mark.server
@pytest.mark.parametrize(
    ("language", "subject", "since", "over"),
    [
        ("en", "Somebody waits.", "Since 2026-03-18 1", ", over since 1"),
        ("de", "Jemand wartet.", "Seit 18.03.2026 1", ", vorbei seit 1"),
    ],
)
def test_messages_say_since_when_in_their_language(
    notification: Path, language: str, subject: str, since: str, over: str
) -> None:
    def rendered(name: str) -> str:
        return tool(
            "amtool",
            "template",
            "render",
            f"--template.glob={DEPLOY / 'alertmanager' / 'touchline.tmpl'}",
            f'--template.text={{{{ template "{name}" . }}}}',
            f"--template.data={notification}",
        )

    assert rendered(f"touchline.{language}.subject").strip() == subject
    firing, resolved = rendered(f"touchline.{language}").split("https://runbooks.test/x.md")[:2]
    assert since in firing
    assert over not in firing
    assert over in resolved
