"""`touchline dashboards push` and `diff` against a Grafana that keeps state: only what differs is written, what is not
ours is left alone, and what goes wrong is one sentence.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from dashboards.boards import ALL
from pipeline.cli import main
from pipeline.cli.base import app
from pipeline.io.grafana import differences
from tests.dashboards.stub import TOKEN, VIEWER, GrafanaStub, served
from tests.servers import free_ports

assert callable(main)  # all commands are there
EVERYTHING = (
    "--prometheus", "http://prometheus:9090", "--clickhouse", "clickhouse:9000", "--alerts", "--webhook",
    "http://hooks.example.org/alarm",
)  # fmt: skip


@pytest.fixture
def grafana(monkeypatch: pytest.MonkeyPatch) -> Iterator[GrafanaStub]:
    for name in ("GRAFANA_URL", "GRAFANA_TOKEN", "CLICKHOUSE_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "*")
    with served(GrafanaStub()) as stub:
        yield stub


def run(stub: GrafanaStub, *arguments: str, token: str = TOKEN, url: str = "", **env: str) -> Result:
    given = {"GRAFANA_URL": url or stub.url, "GRAFANA_TOKEN": token, **env}
    return CliRunner().invoke(app, ["dashboards", *arguments], env=given, catch_exceptions=False)


def pushed(stub: GrafanaStub, *arguments: str, **env: str) -> list[str]:
    done = run(stub, "push", *arguments, **env)
    assert done.exit_code == 0, done.output
    return [line.rstrip() for line in done.stdout.splitlines()]


def sentence(done: Result) -> str:
    assert done.exit_code == 2, done.output
    assert done.stderr.startswith("touchline: ")
    return " ".join(done.stderr.split())


def test_everything_is_made_once_and_a_second_push_changes_nothing(grafana: GrafanaStub) -> None:
    told = pushed(grafana, *EVERYTHING, CLICKHOUSE_PASSWORD="secret")
    assert told[0] == "created folder 'Touchline'"
    assert "created data source 'Touchline ClickHouse'" in told
    assert "created rule group 'touchline'" in told
    assert told[-1] == f"{len(ALL) + 5} changes made"
    assert set(grafana.dashboards) == {board.uid for board in ALL}
    assert {d["meta"]["folderUid"] for d in grafana.dashboards.values()} == {"touchline"}
    assert grafana.secrets["touchline-clickhouse"] == {"password": "secret"}

    grafana.writes.clear()
    assert pushed(grafana, *EVERYTHING, CLICKHOUSE_PASSWORD="secret") == ["Nothing to do: all is as it should be."]
    assert grafana.writes == []
    done = run(grafana, "diff", *EVERYTHING)
    assert (done.exit_code, done.stdout) == (0, "No difference: a push would change nothing.\n")


def test_boards_alone_need_no_addresses(grafana: GrafanaStub) -> None:
    assert pushed(grafana)[-1] == f"{len(ALL) + 1} changes made"
    assert (grafana.sources, grafana.groups, grafana.points) == ({}, {}, {})


def test_what_somebody_changed_is_shown_and_put_right(grafana: GrafanaStub) -> None:
    pushed(grafana, *EVERYTHING)
    grafana.dashboards["touchline-live"]["dashboard"]["refresh"] = "1s"
    grafana.dashboards["touchline-live"]["dashboard"]["version"] = 7
    rule = grafana.groups["touchline", "touchline"]["rules"][0]
    rule["for"] = "9m"
    grafana.writes.clear()
    done = run(grafana, "diff", *EVERYTHING)
    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        "change dashboard 'Touchline: live': refresh",
        "change rule group 'touchline': rules[0].for",
        "2 changes",
    ]
    assert grafana.writes == []
    assert pushed(grafana, *EVERYTHING)[-1] == "2 changes made"
    assert grafana.dashboards["touchline-live"]["dashboard"]["refresh"] == "10s"
    assert grafana.dashboards["touchline-live"]["dashboard"]["version"] == 8
    assert grafana.groups["touchline", "touchline"]["rules"][0]["for"] != "9m"


def test_a_rule_that_was_added_to_our_group_goes(grafana: GrafanaStub) -> None:
    pushed(grafana, "--alerts")
    rules = grafana.groups["touchline", "touchline"]["rules"]
    rules.append({**rules[0], "uid": "foreign", "title": "added by hand"})
    assert pushed(grafana, "--alerts")[0].startswith("changed rule group")
    assert "foreign" not in {rule["uid"] for rule in grafana.groups["touchline", "touchline"]["rules"]}


def test_rules_link_to_panels_and_notify_the_webhook(grafana: GrafanaStub) -> None:
    pushed(grafana, *EVERYTHING)
    panels = {
        (uid, str(panel["id"]))
        for uid, found in grafana.dashboards.items()
        for row in found["dashboard"]["panels"]
        for panel in [row, *row.get("panels", [])]
    }
    for rule in grafana.groups["touchline", "touchline"]["rules"]:
        assert (rule["annotations"]["__dashboardUid__"], rule["annotations"]["__panelId__"]) in panels
        assert rule["notification_settings"] == {"receiver": "touchline"}
        sources = {query["datasourceUid"] for query in rule["data"]}
        assert sources <= {"touchline-prometheus", "__expr__"}
    assert grafana.points["touchline-webhook"]["settings"]["url"] == "http://hooks.example.org/alarm"


def test_what_is_not_ours_is_never_touched(grafana: GrafanaStub) -> None:
    grafana.folders["theirs"] = {"id": 90, "uid": "theirs", "title": "Theirs", "version": 1}
    grafana.put_dashboard({"uid": "sales", "title": "Sales"}, "theirs")
    pushed(grafana)
    grafana.put_dashboard({"uid": "mine", "title": "By hand"}, "touchline")
    grafana.put_dashboard({"uid": "touchline-old", "title": "Touchline: old"}, "touchline")
    grafana.put_dashboard({"uid": "touchline-copy", "title": "Touchline: copy"}, "theirs")
    assert pushed(grafana) == ["Nothing to do: all is as it should be."]
    assert pushed(grafana, "--prune") == ["deleted dashboard 'Touchline: old'", "1 change made"]
    assert {"sales", "mine", "touchline-copy"} <= set(grafana.dashboards)


def test_a_password_is_written_when_there_is_none_and_when_asked(grafana: GrafanaStub) -> None:
    pushed(grafana, "--clickhouse", "clickhouse")
    assert grafana.sources["touchline-clickhouse"]["jsonData"]["port"] == 9_000
    assert pushed(grafana, "--clickhouse", "clickhouse", CLICKHOUSE_PASSWORD="one")[0].endswith(
        "secureJsonData.password"
    )
    assert pushed(grafana, "--clickhouse", "clickhouse", CLICKHOUSE_PASSWORD="two")[0].startswith("Nothing")
    assert grafana.secrets["touchline-clickhouse"] == {"password": "one"}
    pushed(grafana, "--clickhouse", "clickhouse", "--passwords", CLICKHOUSE_PASSWORD="two")
    assert grafana.secrets["touchline-clickhouse"] == {"password": "two"}


def test_another_address_changes_the_data_source(grafana: GrafanaStub) -> None:
    pushed(grafana, *EVERYTHING)
    changed = pushed(grafana, "--prometheus", "http://other:9090")
    assert changed == ["changed data source 'Touchline Prometheus': url", "1 change made"]


# ---- what can go wrong


def test_a_wrong_token(grafana: GrafanaStub) -> None:
    said = sentence(run(grafana, "push", token="glsa_wrong"))
    assert "does not take the token" in said
    assert "GRAFANA_TOKEN" in said
    assert "glsa_wrong" not in said
    assert grafana.writes == []


def test_no_token_and_no_address(grafana: GrafanaStub) -> None:
    assert "GRAFANA_TOKEN" in sentence(run(grafana, "push", token=""))
    done = CliRunner().invoke(app, ["dashboards", "push"], env={"GRAFANA_TOKEN": "t"}, catch_exceptions=False)
    assert "--url" in sentence(done)


def test_a_token_that_may_only_look(grafana: GrafanaStub) -> None:
    said = sentence(run(grafana, "push", token=VIEWER))
    assert "may not do that to folder 'Touchline'" in said
    assert "Editor" in said
    assert run(grafana, "diff", token=VIEWER).exit_code == 1


def test_an_old_grafana(grafana: GrafanaStub) -> None:
    grafana.version = "9.5.2"
    assert "Grafana 9.5.2" in (said := sentence(run(grafana, "push")))
    assert "11.6 or newer" in said
    assert grafana.writes == []


def test_nobody_there_and_somebody_else_there(grafana: GrafanaStub) -> None:
    (port,) = free_ports(1)
    said = sentence(run(grafana, "push", url=f"http://127.0.0.1:{port}"))
    assert said.endswith("cannot be reached: Connection refused")
    assert "no address" in sentence(run(grafana, "push", url="ftp://grafana"))
    assert "does not answer like Grafana" in sentence(run(grafana, "push", url=f"{grafana.url}/elsewhere"))


def test_names_that_are_taken(grafana: GrafanaStub) -> None:
    grafana.folders["x"] = {"id": 1, "uid": "x", "title": "Touchline", "version": 1}
    assert "there is a folder 'Touchline' already, with uid 'x'" in sentence(run(grafana, "push"))
    grafana.folders.clear()
    grafana.sources["p"] = {"uid": "p", "name": "Touchline Prometheus", "readOnly": False}
    said = sentence(run(grafana, "push", *EVERYTHING))
    assert "there is a data source 'Touchline Prometheus' already, with uid 'p'" in said
    grafana.sources.clear()
    grafana.points["c"] = {"uid": "c", "name": "touchline", "settings": {}}
    assert "there is a contact point 'touchline' already" in sentence(run(grafana, "push", *EVERYTHING))
    grafana.points.clear()
    grafana.put_dashboard({"uid": "touchline-live", "title": "Elsewhere"}, "")
    assert "is taken by dashboard 'Elsewhere' in folder 'General'" in sentence(run(grafana, "push"))
    grafana.dashboards.clear()
    grafana.folders["touchline"] = {"id": 2, "uid": "touchline", "title": "Touchline", "version": 1}
    grafana.put_dashboard({"uid": "other", "title": "Touchline: live"}, "touchline")
    assert "has another dashboard called 'Touchline: live'" in sentence(run(grafana, "push"))
    assert grafana.writes == []


def test_what_comes_from_files_of_provisioning_is_left_to_them(grafana: GrafanaStub) -> None:
    pushed(grafana, *EVERYTHING)
    for found in grafana.dashboards.values():
        found["meta"]["provisioned"] = True
    assert pushed(grafana) == ["Nothing to do: all is as it should be."]
    grafana.dashboards["touchline-live"]["dashboard"]["refresh"] = "1s"
    assert "comes from a file of Grafana's provisioning" in sentence(run(grafana, "push"))
    grafana.dashboards["touchline-live"]["dashboard"]["refresh"] = "10s"
    grafana.sources["touchline-prometheus"]["readOnly"] = True
    assert "provisioning" in sentence(run(grafana, "push", "--prometheus", "http://other:9090"))


def test_what_somebody_else_writes_meanwhile_is_not_lost(grafana: GrafanaStub) -> None:
    pushed(grafana)
    board: dict[str, Any] = grafana.dashboards["touchline-live"]["dashboard"]
    board["refresh"] = "1s"

    def somebody_else() -> None:
        board["version"] += 1

    grafana.meanwhile = somebody_else
    said = sentence(run(grafana, "push"))
    assert "dashboard 'Touchline: live' was changed by somebody else meanwhile" in said


def test_a_webhook_without_rules_is_a_mistake(grafana: GrafanaStub) -> None:
    assert "give --alerts, too" in sentence(run(grafana, "push", "--webhook", "http://x"))
    assert "host or host:port" in sentence(run(grafana, "push", "--clickhouse", "a:b"))


def test_build_writes_files_and_a_second_time_nothing(tmp_path: Path) -> None:
    built = CliRunner().invoke(app, ["dashboards", "build", "--to", str(tmp_path / "out")], catch_exceptions=False)
    assert built.exit_code == 0, built.output
    assert built.stdout.splitlines()[-1] == f"{len(ALL) + 4} files, {len(ALL) + 4} changed"
    gone = tmp_path / "out" / "grafana" / "dashboards" / "touchline-gone.json"
    gone.write_text("{}")
    (gone.parent / "theirs.json").write_text("{}")
    again = CliRunner().invoke(app, ["dashboards", "build", "--to", str(tmp_path / "out")], catch_exceptions=False)
    assert again.stdout.splitlines()[-1] == f"{len(ALL) + 4} files, 1 changed"
    assert "touchline-gone.json (removed)" in again.stdout
    assert (gone.parent / "theirs.json").exists()
    (tmp_path / "file").write_text("")
    cannot = CliRunner().invoke(app, ["dashboards", "build", "--to", str(tmp_path / "file")], catch_exceptions=False)
    assert "cannot be written" in sentence(cannot)


@pytest.mark.process
@pytest.mark.parametrize(
    ("missing", "arguments"),
    [("grafana_foundation_sdk", ["build", "--to", "out"]), ("grafana_api", ["push", "--url", "http://127.0.0.1:1"])],
)
def test_a_missing_library_is_one_sentence(missing: str, arguments: list[str], tmp_path: Path) -> None:
    """The libraries for Grafana are an extra."""
    code = f"import sys; sys.modules[{missing!r}] = None; sys.argv[1:] = {['dashboards', *arguments]!r}"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; from pipeline.cli import main; main()"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(Path(__file__).parents[2]), "GRAFANA_TOKEN": "token"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "pip install 'touchline[dashboards]'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("wanted", "found", "places"),
    [
        ({"a": 1}, {"a": 1, "id": 3}, ()),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, ("a.b",)),
        ({"a": [1, 2]}, {"a": [1, 2, 3]}, ("a",)),
        ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}, ("a[1].b",)),
        ({"for": "120s"}, {"for": "2m"}, ()),
        ({"for": "120s"}, {"for": "3m"}, ("for",)),
        ({"for": "90s"}, {"for": "1m30s"}, ()),
        ({"title": "120s"}, {"title": "2m"}, ("title",)),
        ({"a": ""}, {}, ()),
        ({"a": "x"}, {}, ("a",)),
        ({"a": {}}, {"a": None}, ()),
        ({"a": "12"}, {"a": ["1", "2"]}, ("a",)),
        ({"a": {"b": 1}}, {"a": "b"}, ("a",)),
    ],
)
def test_differences_are_of_what_is_wanted(wanted: Any, found: Any, places: tuple[str, ...]) -> None:
    assert differences(wanted, found) == places
