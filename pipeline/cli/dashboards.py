"""`dashboards build`, `push` and `diff`: boards, data sources and alert rules for Grafana, as files or over its API."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.cli.base import app, cannot, out
from pipeline.io.grafana import Grafana, GrafanaProblem, Step, Wanted, plan
from pipeline.io.grafana import push as push_to

commands = typer.Typer(
    help="Grafana: boards, data sources and alert rules, as files or pushed.",
    no_args_is_help=True,
    add_completion=False,
)
app.add_typer(commands, name="dashboards")

_SHOWN = 6

Url = Annotated[str, typer.Option("--url", envvar="GRAFANA_URL", help="Where Grafana is, such as https://grafana:3000")]
Prometheus = Annotated[
    str, typer.Option("--prometheus", help="Address of Prometheus as Grafana reaches it: pushes that data source, too")
]
ClickHouse = Annotated[
    str,
    typer.Option("--clickhouse", help="host[:port] of ClickHouse as Grafana reaches it: pushes that data source, too"),
]
User = Annotated[str, typer.Option("--clickhouse-user", help="Who Grafana reads as; the password: CLICKHOUSE_PASSWORD")]
Alerts = Annotated[bool, typer.Option("--alerts", help="Push the alert rules, too: for those who let Grafana alert")]
Webhook = Annotated[str, typer.Option("--webhook", help="Address that the alert rules notify (with --alerts)")]
Runbooks = Annotated[str, typer.Option("--runbooks", help="Where docs/runbooks can be read")]
Prune = Annotated[bool, typer.Option("--prune", help="Delete boards of ours that are no longer declared")]
Rewrite = Annotated[bool, typer.Option("--passwords", help="Write the data source's password again")]
Token = Annotated[str, typer.Option(envvar="GRAFANA_TOKEN", hidden=True)]
Password = Annotated[str, typer.Option(envvar="CLICKHOUSE_PASSWORD", hidden=True)]


@commands.command()
def build(
    to: Annotated[Path, typer.Option("--to", help="Folder for the files; it is created")],
    runbooks: Runbooks = "",
) -> None:
    """Write boards, Grafana's provisioning and Prometheus' rules as files."""
    made = _made()
    texts = made.files(runbooks) if runbooks else made.files()
    try:
        changed = made.write(to, texts)
    except OSError as error:
        cannot(f"{to} cannot be written: {error.strerror}")
    for path in changed:
        out.print(f"{path}" if path.exists() else f"{path} (removed)", markup=False, soft_wrap=True)
    out.print(f"{len(texts)} files, {len(changed)} changed")


@commands.command()
def push(
    url: Url = "",
    prometheus: Prometheus = "",
    clickhouse: ClickHouse = "",
    clickhouse_user: User = "touchline_reader",
    alerts: Alerts = False,
    webhook: Webhook = "",
    runbooks: Runbooks = "",
    prune: Prune = False,
    passwords: Rewrite = False,
    token: Token = "",
    password: Password = "",
) -> None:
    """Make Grafana as it should be. What is as it should be stays untouched: a second push changes nothing."""
    wanted = _wanted(prometheus, clickhouse, clickhouse_user, password, alerts, webhook, runbooks, prune, passwords)
    try:
        steps = push_to(_grafana(url, token), wanted)
    except GrafanaProblem as problem:
        cannot(problem)
    _show(steps, done=True)
    out.print(f"{_changes(steps)} made" if steps else "Nothing to do: all is as it should be.")


@commands.command()
def diff(
    url: Url = "",
    prometheus: Prometheus = "",
    clickhouse: ClickHouse = "",
    clickhouse_user: User = "touchline_reader",
    alerts: Alerts = False,
    webhook: Webhook = "",
    runbooks: Runbooks = "",
    prune: Prune = False,
    token: Token = "",
    password: Password = "",
) -> None:
    """Show what a push would change. Exit code 1 if that is anything."""
    wanted = _wanted(prometheus, clickhouse, clickhouse_user, password, alerts, webhook, runbooks, prune, False)
    try:
        steps = plan(_grafana(url, token), wanted)
    except GrafanaProblem as problem:
        cannot(problem)
    _show(steps, done=False)
    out.print(_changes(steps) if steps else "No difference: a push would change nothing.")
    raise typer.Exit(1 if steps else 0)


def _made() -> Any:
    """The boards; they are made with a library that is not always installed."""
    try:
        from dashboards import files
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in {"grafana_foundation_sdk", "grafana_api"}:
            raise
        cannot("the boards are made with the grafana-foundation-sdk: pip install 'touchline[dashboards]'")
    return files


def _grafana(url: str, token: str) -> Grafana:
    if not url:
        cannot("where is Grafana? Give --url or set GRAFANA_URL")
    if not token:
        cannot("a token is needed: make one for a service account of Grafana and put it into GRAFANA_TOKEN")
    try:
        return Grafana(url, token)
    except ModuleNotFoundError:
        cannot("pushing needs grafana-api: pip install 'touchline[dashboards]'")


def _wanted(
    prometheus: str,
    clickhouse: str,
    user: str,
    password: str,
    alerts: bool,
    webhook: str,
    runbooks: str,
    prune: bool,
    rewrite: bool,
) -> Wanted:
    made = _made()
    if webhook and not alerts:
        cannot("--webhook is where the alert rules notify: give --alerts, too")
    sources = [made.prometheus_source(prometheus)] if prometheus else []
    passwords: dict[str, dict[str, str]] = {}
    if clickhouse:
        host, _, port = clickhouse.partition(":")
        if not host or (port and not port.isdigit()):
            cannot(f"--clickhouse is host or host:port, not {clickhouse!r}")
        sources.append(made.clickhouse_source(host, int(port or 9_000), user))
        if password:
            passwords[made.CLICKHOUSE_UID] = {"password": password}
    receiver = made.RECEIVER if webhook else ""
    group = made.rule_group(runbooks, receiver) if runbooks else made.rule_group(receiver=receiver)
    return Wanted(
        folder_uid=made.FOLDER_UID,
        folder_title=made.FOLDER_TITLE,
        mark=made.MARK,
        dashboards=made.dashboards(),
        data_sources=sources,
        passwords=passwords,
        rewrite_passwords=rewrite,
        rule_groups=[group] if alerts else [],
        contact_points=[made.contact_point(webhook)] if webhook else [],
        prune=prune,
    )


def _changes(steps: Sequence[Step]) -> str:
    return f"{len(steps)} change{'' if len(steps) == 1 else 's'}"


def _show(steps: Sequence[Step], *, done: bool) -> None:
    words = {"create": "created", "change": "changed", "delete": "deleted"} if done else {}
    for step in steps:
        more = f" and {len(step.differs) - _SHOWN} more" if len(step.differs) > _SHOWN else ""
        where = f": {', '.join(step.differs[:_SHOWN])}{more}" if step.differs else ""
        verb = words.get(step.verb, step.verb)
        out.print(f"{verb} {step.kind} {step.name!r}{where}", markup=False, soft_wrap=True)
