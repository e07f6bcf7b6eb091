"""Queries of the live values that workers export to Prometheus (`pipeline/io/exposition.py`), by name.

Every worker exports the partitions it has, so counts are summed over workers and ages are the largest. A ratio of
several queues is made of sums (ratio x what it was divided by), never a mean of ratios; where Prometheus has not what
it was divided by, the worst queue is shown and the title says so.
"""

from typing import Final

from dashboards.model import SHORT, TARGET, About, Panel, Query

PLACE: Final = 'job=~"$job",channel=~"$channel",queue=~"$queue"'
JOB: Final = 'job=~"$job"'

DELAY: Final = (
    "at most a scrape behind the worker (15 s in `deploy/`), which counts a touchpoint within a second. Absent, not 0, "
    "while a partition is not read to its end."
)
_SOURCE: Final = "Prometheus, "


def place(name: str, **labels: str) -> str:
    """A live value of every chosen channel and queue, as its workers export it."""
    more = "".join(f',{label}="{value}"' for label, value in labels.items())
    return f"touchline_{name}{{{PLACE}{more}}}"


def own(name: str, **labels: str) -> str:
    """A value of the workers about themselves."""
    more = "".join(f',{label}="{value}"' for label, value in labels.items())
    return f"touchline_{name}{{{JOB}{more}}}"


def summed(name: str, by: str = "", **labels: str) -> str:
    """The sum over workers, queues and channels, or by one of them."""
    return f"sum{_by(by)} ({place(name, **labels)})"


def largest(name: str, by: str = "", **labels: str) -> str:
    """The largest over workers, queues and channels, or by one of them."""
    return f"max{_by(by)} ({place(name, **labels)})"


def smallest(name: str, by: str = "", **labels: str) -> str:
    """The smallest over workers, queues and channels, or by one of them."""
    return f"min{_by(by)} ({place(name, **labels)})"


def kept(objective: str, window: str, by: str = "") -> str:
    """The share of customers who were served as an objective promises, of those of whom it is decided."""
    missed = summed("objective_missed", by, objective=objective, window=window)
    due = summed("objective_due", by, objective=objective, window=window)
    return f"1 - {missed} / ({due} > 0)"


def promised(objective: str) -> str:
    """The least share that an objective promises."""
    return f"max ({own('objective_ratio', objective=objective)})"


def short_of(objective: str, window: str) -> str:
    """How far what is kept is short of what is promised; below 0: it is kept."""
    return f"{promised(objective)} - ({kept(objective, window)})"


def weighted(name: str, weight: str, by: str = "", **labels: str) -> str:
    """A ratio or mean over several rows: the sum of it times its weight, by the sum of the weights."""
    value = place(name, **labels)
    return f"sum{_by(by)} ({value} * on (job, instance, channel, queue) {weight}) / (sum{_by(by)} ({weight}) > 0)"


def past(name: str, target: str, by: str = "") -> str:
    """By how much the worst row is past its own target; below 0: none is."""
    return f"max{_by(by)} ({largest(name, 'channel, queue')} - {smallest(target, 'channel, queue')})"


def quotient(above: str, below: str, by: str = "", **labels: str) -> str:
    """A sum divided by another; absent, not 0, where there is nothing to divide by."""
    return f"{summed(above, by, **labels)} / ({summed(below, by, **labels)} > 0)"


def live(text: str, name: str = "", *, instant: bool = False, table: bool = False) -> Query:
    """A query to Prometheus."""
    return Query("metrics", text, name, instant=instant, table=table)


def about(what: str, formula: str, *names: str, note: str = "") -> About:
    """The description of a panel of live values."""
    metrics = ", ".join(f"`touchline_{name}`" for name in names)
    return About(what, formula, f"{_SOURCE}{metrics}", DELAY + (f" {note}" if note else ""))


def objective_panel(id_: int, name: str, window: str, title: str, what: str, width: int) -> Panel:
    """What is kept of an objective, beside what is promised."""
    return Panel(
        id=id_,
        title=title,
        kind="stat",
        about=about(
            f"{what} What still may be in time is in neither part.",
            "1 - objective_missed / objective_due, summed over queues; the target is objective_ratio",
            "objective_missed",
            "objective_due",
            "objective_ratio",
        ),
        queries=(
            live(kept(name, window), "Kept"),
            live(promised(name), TARGET),
            live(short_of(name, window), SHORT),
        ),
        unit="percentunit",
        decimals=1,
        width=width,
        height=6,
    )


def _by(labels: str) -> str:
    return f" by ({labels})" if labels else ""
