"""The story of a Monday morning, folded and exported without waiting for it: which alerts it brings, and when."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from dashboards.alerts_prometheus import INTERVAL_SECONDS, groups
from pipeline.app.catalogues import simulated
from pipeline.io.exposition import exposition
from pipeline.io.simulator.story import LENGTH_MS, STORIES
from pipeline.live import Summary
from pipeline.live.around import Around, calendars_now, promised_percent
from schemas.codec import encode
from tests.live.world import NOON, S, World

SAMPLES = range(0, LENGTH_MS // S + 120, INTERVAL_SECONDS)


def told() -> dict[str, list[str]]:
    """Series -> what Prometheus would have scraped, every fifteen seconds from the start of the story."""
    story = STORIES["monday-morning"](7, NOON)
    world = World(simulated())

    def around(summary: Summary) -> Around:
        return Around(
            calendars=calendars_now(world.rulebook, summary.queues, summary.now_ms),
            objectives=promised_percent(world.rulebook),
        )

    now_ms = NOON
    page = exposition(lambda: world.summary(now_ms), around)
    found: dict[str, list[str]] = {}
    for n, second in enumerate(SAMPLES):
        now_ms = NOON + second * S
        for touchpoint in story.advance(now_ms):
            body = json.loads(encode(touchpoint))
            world.say(body.pop("time"), body.pop("contact_id"), body.pop("type"), **body)
        for family in text_string_to_metric_families(page().decode()):
            for sample in family.samples:
                labels = {"job": "touchline", **sample.labels}
                series = f"{sample.name}{{{','.join(f'{k}={json.dumps(v)}' for k, v in labels.items())}}}"
                values = found.setdefault(series, [])
                values += ["_"] * (n - len(values)) + [f"{sample.value:g}"]
    return found


def firing(second: int, *names: str) -> dict[str, Any]:
    """What promtool is to find firing at that second, the watchdog apart."""
    return {
        "expr": 'count by (alertname, queue) (ALERTS{alertstate="firing",alertname!="TouchlineWatchdog"})',
        "eval_time": f"{second}s",
        "exp_samples": [{"labels": f'{{alertname="{name}",queue="orders"}}', "value": 1} for name in names],
    }


@pytest.mark.server
def test_the_alert_comes_while_the_queue_is_full_and_goes_when_it_is_mended(tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("no promtool on this machine (Debian: apt-get install prometheus)")
    checks = [firing(second) for second in (0, 60, 120)]
    checks += [firing(165, "TouchlineLongestWait"), firing(270)]
    test = {
        "interval": f"{INTERVAL_SECONDS}s",
        "input_series": [{"series": series, "values": " ".join(values)} for series, values in told().items()],
        "promql_expr_test": checks,
    }
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": groups()}))
    found = {"rule_files": ["rules.yml"], "evaluation_interval": f"{INTERVAL_SECONDS}s", "tests": [test]}
    (tmp_path / "story.yml").write_text(yaml.safe_dump(found))
    command = [promtool, "test", "rules", str(tmp_path / "story.yml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
