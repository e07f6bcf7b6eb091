"""What every alert is tested with: series that make it fire, with its full text, and series that must not."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec import Struct

from dashboards.alerts_customers import (
    GIVING_UP,
    LONGEST_WAIT,
    PROMISES,
    RESOLUTION,
    SERVICE_LEVEL,
    UNANSWERED,
)
from dashboards.alerts_model import Alert
from dashboards.alerts_pipeline import DIFFER, OPENING, REJECTED, SILENT, STALE, WAREHOUSE, WATCHDOG

Series = dict[str, str]
"""Series -> values, as promtool writes them (`1x20`: 1, for 21 samples)."""

PHONE: Final = 'job="touchline",channel="phone",queue="sales"'
MAIL: Final = 'job="touchline",channel="email",queue="sales"'
AT_PHONE: Final = {"job": "touchline", "channel": "phone", "queue": "sales"}
AT_MAIL: Final = {"job": "touchline", "channel": "email", "queue": "sales"}
JOB: Final = {"job": "touchline"}


class Fires(Struct, frozen=True):
    """These series make this rule of the alert fire, with these labels and descriptions."""

    alert: Alert
    rule: int
    series: Series
    labels: Mapping[str, str]
    en: str
    de: str
    slow: bool = False
    """It looks at days: samples four minutes apart."""
    at: str = ""
    """When, if that is not `for` after the beginning."""


class Quiet(Struct, frozen=True):
    """These series must not make the alert fire, at any time."""

    alert: Alert
    why: str
    series: Series
    slow: bool = False


def always(value: float, *, samples: int = 60) -> str:
    """One value all the time."""
    return f"{value:g}x{samples}"


def healthy(**changes: str | None) -> Series:
    """A worker with which all is well, and what is different (`None`: not there). A change is named by its series."""
    usual = {
        'touchline_ready{job="touchline",instance="a"}': always(1),
        'touchline_partition_ready{job="touchline",instance="a",partition="touchpoints/0"}': always(1),
        'touchline_warehouse_up{job="touchline",instance="a"}': always(1),
        'touchline_calendar_open{job="touchline",instance="a",calendar="office"}': always(1),
        'touchline_next_opening_timestamp_seconds{job="touchline",instance="a",calendar="office"}': always(86_400),
        'touchline_objective_ratio{job="touchline",instance="a",objective="wait"}': always(0.8),
        'touchline_objective_ratio{job="touchline",instance="a",objective="stay"}': always(0.95),
        'touchline_objective_ratio{job="touchline",instance="a",objective="response"}': always(0.9),
        f'touchline_open{{{PHONE},instance="a"}}': always(1),
        f'touchline_open{{{MAIL},instance="a"}}': always(1),
        f'touchline_wait_target_seconds{{{PHONE},instance="a"}}': always(20),
    }
    found = dict(usual)
    for name, values in changes.items():
        touched = [series for series in usual if series.split("{")[0] == f"touchline_{name}"]
        for series in touched:
            if values is None:
                del found[series]
            else:
                found[series] = values
    return found


CLOSED: Final = {"calendar_open": always(0), "open": always(0), "next_opening_timestamp_seconds": always(36_000)}
"""Ten hours until somebody opens."""


def judged(objective: str, place: str, **windows: tuple[int, int]) -> Series:
    """(due, missed) per window; `w` before the window's name, since Python's names begin with letters. Two workers."""
    found: Series = {}
    for window, (due, missed) in windows.items():
        labels = f'{place},objective="{objective}",window="{window.removeprefix("w")}"'
        found[f'touchline_objective_due{{{labels},instance="a"}}'] = always(due - 1)
        found[f'touchline_objective_due{{{labels},instance="b"}}'] = always(1)
        found[f'touchline_objective_missed{{{labels},instance="a"}}'] = always(missed)
        found[f'touchline_objective_missed{{{labels},instance="b"}}'] = always(0)
    return found


def gauge(name: str, value: float | str, labels: str = 'job="touchline"') -> Series:
    """One gauge of one worker; a text is promtool's."""
    values = value if isinstance(value, str) else always(value)
    return {f'touchline_{name}{{{labels},instance="a"}}': values}


def _customers() -> Iterator[Fires | Quiet]:
    burning = judged("wait", PHONE, w1h=(40, 24), w5m=(4, 3))
    yield Fires(
        SERVICE_LEVEL,
        0,
        healthy() | burning,
        {**AT_PHONE, "objective": "wait", "long": "1h", "short": "5m"},
        "Customers waiting in phone/sales feel it: of the 40 who came in the last hour 24 (60%) were not answered"
        " within 20s, and it goes on. Promised: 80% are.",
        "Das spüren Wartende in phone/sales: von 40 der letzten Stunde wurden 24 (60 %) nicht in 20s angenommen, und es"
        " geht weiter. Versprochen: 80 % werden es.",
    )
    yield Fires(
        SERVICE_LEVEL,
        1,
        healthy() | judged("wait", PHONE, today=(300, 90), w1h=(40, 12)),
        {**AT_PHONE, "objective": "wait", "long": "today", "short": "1h"},
        "Customers waiting in phone/sales feel it: of the 300 who came today 90 (30%) were not answered within 20s, and"
        " it goes on. Promised: 80% are.",
        "Das spüren Wartende in phone/sales: von 300 des heutigen Tages wurden 90 (30 %) nicht in 20s angenommen, und"
        " es geht weiter. Versprochen: 80 % werden es.",
    )
    yield Fires(
        SERVICE_LEVEL,
        2,
        healthy() | judged("response", MAIL, w2d=(100, 20), today=(40, 6)),
        {**AT_MAIL, "objective": "response", "long": "2d", "short": "today"},
        "Customers who wrote to email/sales feel it: of 100 first messages since yesterday 20 (20%) got no reply within"
        " the promised time. Promised: 90% do.",
        "Das spüren Kunden, die an email/sales schrieben: von 100 ersten Nachrichten seit gestern bekamen 20 (20 %)"
        " keine Antwort in der versprochenen Zeit. Versprochen: 90 % bekommen sie.",
    )
    kept = judged("wait", PHONE, w1h=(40, 19), w5m=(4, 4), today=(300, 74))
    yield Quiet(SERVICE_LEVEL, "a little less than half is missed in the last hour", healthy() | kept)
    over = judged("wait", PHONE, w1h=(40, 24), w5m=(4, 1))
    yield Quiet(SERVICE_LEVEL, "it was bad, and is not any more", healthy() | over)
    few = judged("wait", PHONE, w1h=(4, 4), w5m=(4, 4), today=(4, 4))
    yield Quiet(SERVICE_LEVEL, "a quiet queue: only four customers felt it", healthy() | few)
    yield Quiet(SERVICE_LEVEL, "nobody came", healthy() | judged("wait", PHONE, w1h=(1, 0), w5m=(1, 0)))
    yield Quiet(SERVICE_LEVEL, "the queue is closed", healthy(open=always(0)) | burning)
    yield Quiet(SERVICE_LEVEL, "absent: nothing is known of today", healthy())
    yield Quiet(SERVICE_LEVEL, "absent: nothing is promised", healthy(objective_ratio=None) | burning)
    lenient = healthy(objective_ratio=always(0.75))
    yield Quiet(SERVICE_LEVEL, "the catalogue promises less", lenient | judged("wait", PHONE, w1h=(40, 24), w5m=(4, 3)))

    waiting = gauge("longest_wait_seconds", 150, PHONE) | gauge("waiting_now", 7, PHONE)
    yield Fires(
        LONGEST_WAIT,
        0,
        healthy() | waiting,
        AT_PHONE,
        "A customer in phone/sales has waited for 2m 30s; promised are 20s. 7 wait there now.",
        "Ein Kunde in phone/sales wartet seit 2m 30s; versprochen sind 20s. Dort warten jetzt 7.",
    )
    missed = gauge("longest_wait_seconds", "150x2 stale 160x50", PHONE) | gauge("waiting_now", 7, PHONE)
    yield Fires(
        LONGEST_WAIT,
        0,
        healthy() | missed,
        AT_PHONE,
        "A customer in phone/sales has waited for 2m 30s; promised are 20s. 7 wait there now.",
        "Ein Kunde in phone/sales wartet seit 2m 30s; versprochen sind 20s. Dort warten jetzt 7.",
        at="3m",
    )
    yield Quiet(LONGEST_WAIT, "six times the target, not more", healthy() | gauge("longest_wait_seconds", 120, PHONE))
    yield Quiet(LONGEST_WAIT, "the queue is closed", healthy(open=always(0)) | waiting)
    yield Quiet(LONGEST_WAIT, "nothing is promised", healthy(wait_target_seconds=None) | waiting)
    yield Quiet(LONGEST_WAIT, "absent: nothing is known of those waiting", healthy())

    lying = (
        gauge("oldest_unanswered_target_ratio", 2.25, MAIL)
        | gauge("unanswered_overdue_now", 3, MAIL)
        | gauge("unanswered_now", 12, MAIL)
    )
    yield Fires(
        UNANSWERED,
        0,
        healthy() | lying,
        AT_MAIL,
        "A customer who wrote to email/sales has waited 2.2 times as long for a reply as promised. 3 of 12 unanswered"
        " messages are beyond their target.",
        "Ein Kunde, der an email/sales schrieb, wartet 2.2-mal so lange wie versprochen auf Antwort. 3 von 12"
        " unbeantworteten Nachrichten sind über dem Ziel.",
    )
    late = gauge("oldest_unanswered_target_ratio", 1.4, MAIL)
    yield Quiet(UNANSWERED, "late, but not by half", healthy() | late)
    yield Quiet(UNANSWERED, "closed", healthy(open=always(0)) | lying)
    yield Quiet(UNANSWERED, "absent: nothing is unanswered", healthy())

    overdue = gauge("promises_overdue_now", 4, MAIL) | gauge("promises_due_soon", 2, MAIL)
    yield Fires(
        PROMISES,
        0,
        healthy() | overdue,
        AT_MAIL,
        "Customers of email/sales were promised something and do not have it: 4 promises are overdue (at most 0 may"
        " be), 2 more are due within 30 minutes.",
        "Kunden von email/sales wurde etwas zugesagt und fehlt ihnen: 4 Zusagen sind überfällig (0 dürfen es sein), 2"
        " weitere sind in 30 Minuten fällig.",
    )
    soon = gauge("promises_overdue_now", 0, MAIL) | gauge("promises_due_soon", 2, MAIL)
    yield Quiet(PROMISES, "due, but not over", healthy() | soon)
    yield Quiet(PROMISES, "closed", healthy(open=always(0)) | overdue)
    yield Quiet(PROMISES, "absent: no promises", healthy())

    leaving = judged("stay", PHONE, w1h=(40, 8), w5m=(5, 1))
    yield Fires(
        GIVING_UP,
        0,
        healthy() | leaving,
        {**AT_PHONE, "objective": "stay", "long": "1h", "short": "5m"},
        "Customers in phone/sales give up: of the 40 who came in the last hour 8 (20%) left before anybody answered,"
        " and it goes on. Promised: 95% reach us.",
        "Kunden in phone/sales geben auf: von 40 der letzten Stunde gingen 8 (20 %), bevor jemand annahm, und es geht"
        " weiter. Versprochen: 95 % erreichen uns.",
    )
    yield Fires(
        GIVING_UP,
        1,
        healthy() | judged("stay", PHONE, today=(200, 20), w1h=(40, 4)),
        {**AT_PHONE, "objective": "stay", "long": "today", "short": "1h"},
        "Customers in phone/sales give up: of the 200 who came today 20 (10%) left before anybody answered, and it goes"
        " on. Promised: 95% reach us.",
        "Kunden in phone/sales geben auf: von 200 des heutigen Tages gingen 20 (10 %), bevor jemand annahm, und es geht"
        " weiter. Versprochen: 95 % erreichen uns.",
    )
    yield Quiet(GIVING_UP, "five of forty", healthy() | judged("stay", PHONE, w1h=(40, 5), w5m=(5, 5)))
    yield Quiet(GIVING_UP, "closed", healthy(open=always(0)) | leaving)
    yield Quiet(GIVING_UP, "absent: nobody came", healthy())

    fell = (
        gauge("fcr_yesterday_ratio", 0.6, PHONE)
        | gauge("fcr_usual_ratio", 0.75, PHONE)
        | gauge("fcr_yesterday_eligible", 200, PHONE)
    )
    yield Fires(
        RESOLUTION,
        0,
        healthy() | fell,
        AT_PHONE,
        "Customers of phone/sales had to come back: 60% of yesterday's 200 closed matters are resolved at first contact"
        " so far. Usual on this weekday at this age: 75% (median of four weeks).",
        "Kunden von phone/sales mussten sich noch einmal melden: 60 % von 200 gestern geschlossenen Anliegen sind"
        " bisher beim ersten Kontakt gelöst. Üblich an diesem Wochentag in diesem Alter: 75 % (Median aus vier"
        " Wochen).",
    )
    few_closed = fell | gauge("fcr_yesterday_eligible", 60, PHONE)
    yield Quiet(RESOLUTION, "of 60 that is what chance does", healthy() | few_closed)
    hardly = fell | gauge("fcr_yesterday_ratio", 0.71, PHONE) | gauge("fcr_yesterday_eligible", 5_000, PHONE)
    yield Quiet(RESOLUTION, "certain, but four points matter to nobody", healthy() | hardly)
    yield Quiet(RESOLUTION, "better than usual", healthy() | fell | gauge("fcr_yesterday_ratio", 0.9, PHONE))
    yield Quiet(RESOLUTION, "closed", healthy(open=always(0)) | fell)
    without = {series: values for series, values in fell.items() if "usual" not in series}
    yield Quiet(RESOLUTION, "absent: nothing is known of four weeks", healthy() | without)


def _pipeline() -> Iterator[Fires | Quiet]:
    at_partition = 'job="touchline",partition="touchpoints/0"'
    behind = gauge("behind_seconds", 400, at_partition)
    yield Fires(
        STALE,
        0,
        healthy() | behind,
        {**JOB, "why": "behind"},
        "Whoever steers by the live page steers by the past: touchline has counted what was in the log 6m 40s ago; at"
        " most 2m may be. Alerts about customers are muted until then.",
        "Wer nach der Live-Seite steuert, steuert nach der Vergangenheit: touchline hat gezählt, was vor 6m 40s im Log"
        " war; höchstens 2m dürfen es sein. Kundenalarme sind so lange stumm.",
    )
    late = gauge("event_lag_seconds", 900, at_partition)
    yield Fires(
        STALE,
        1,
        healthy() | late,
        {**JOB, "why": "late"},
        "Whoever steers by the live page steers by the past: sources tell touchline what happened 15m ago as their"
        " newest; at most 5m may be. Alerts about customers are muted until then.",
        "Wer nach der Live-Seite steuert, steuert nach der Vergangenheit: das Neueste, was Quellen an touchline melden,"
        " ist 15m alt; höchstens 5m dürfen es sein. Kundenalarme sind so lange stumm.",
    )
    not_ready = (
        (
            "Nobody sees who is waiting: touchline has had partitions that are recovering or stopped for 5m. Their"
            " numbers are absent, not zero."
        ),
        (
            "Niemand sieht, wer wartet: touchline hat seit 5m Partitionen, die nicht gelesen oder angehalten sind. Ihre"
            " Zahlen fehlen, sie sind nicht null."
        ),
    )
    yield Fires(STALE, 2, healthy(partition_ready=always(0)), {**JOB, "why": "not_ready"}, *not_ready)
    alone = healthy(partition_ready=None, ready=always(0))
    yield Fires(STALE, 2, alone, {**JOB, "why": "not_ready"}, *not_ready)
    gone = {"ready": "1x4 stale", "calendar_open": "1x4 stale", "next_opening_timestamp_seconds": "86400x4 stale"}
    away = (
        "Nobody sees who is waiting: no worker of touchline has answered Prometheus for 2m.",
        "Niemand sieht, wer wartet: seit 2m antwortet kein Worker von touchline Prometheus.",
    )
    yield Fires(STALE, 3, healthy(**gone), {**JOB, "why": "away"}, *away, at="8m")
    yield Fires(
        STALE,
        4,
        {},
        {"why": "never"},
        "Nobody is told who is waiting: Prometheus has these rules, but no worker has ever answered it. Address or"
        " token in prometheus.yml are wrong.",
        "Niemand erfährt, wer wartet: Prometheus hat diese Regeln, aber nie hat ihm ein Worker geantwortet. Adresse"
        " oder Token in prometheus.yml stimmen nicht.",
    )
    yield Quiet(STALE, "absent: nothing is known of the log", healthy())
    yield Quiet(STALE, "a little behind", healthy() | gauge("behind_seconds", 100, at_partition))
    other = gauge("event_lag_seconds", 1, 'job="touchline",partition="touchpoints/1"')
    yield Quiet(STALE, "one quiet partition: another one is told at once", healthy() | late | other)
    facts = gauge("event_lag_seconds", 900, 'job="touchline",partition="contact-facts/0"')
    yield Quiet(STALE, "facts of customers come later", healthy() | facts)
    yield Quiet(STALE, "closed, and behind", healthy(**CLOSED) | behind)
    yield Quiet(STALE, "closed, and not ready", healthy(**CLOSED, partition_ready=always(0), ready=always(0)))
    night = {"ready": "1x4 stale", "calendar_open": "0x4 stale", "next_opening_timestamp_seconds": "36000x4 stale"}
    yield Quiet(STALE, "went away while closed", healthy(**night))

    soon = {"calendar_open": always(0), "next_opening_timestamp_seconds": always(1_800)}
    yield Fires(
        OPENING,
        0,
        healthy(**soon, warehouse_up=always(0)),
        JOB,
        "The first customers of the day come in 28m, and touchline is not ready: nobody would see them wait. It has"
        " to be ready when we open.",
        "Die ersten Kunden des Tages kommen in 28m, und touchline ist nicht bereit: niemand sähe sie warten. Bereit"
        " sein muss es zur Öffnung.",
    )
    dark = {"calendar_open": "0x4 stale", "next_opening_timestamp_seconds": "600x4 stale", "ready": "1x4 stale"}
    yield Fires(
        OPENING,
        0,
        healthy(**dark, partition_ready="1x4 stale", warehouse_up="1x4 stale"),
        JOB,
        "The first customers of the day come in 0s, and touchline is not ready: nobody would see them wait. It has to"
        " be ready when we open.",
        "Die ersten Kunden des Tages kommen in 0s, und touchline ist nicht bereit: niemand sähe sie warten. Bereit sein"
        " muss es zur Öffnung.",
        at="12m",
    )
    yield Quiet(OPENING, "ready", healthy(**soon))
    yield Quiet(OPENING, "not ready, but there is time", healthy(**CLOSED, ready=always(0)))
    yield Quiet(OPENING, "not ready while open: that is another alert", healthy(ready=always(0)))
    yield Quiet(OPENING, "absent: no opening hours", healthy(next_opening_timestamp_seconds=None, ready=always(0)))

    wrong = gauge("audit_differences", 1) | {'touchline_audit_differences{job="touchline",instance="b"}': always(2)}
    audit = (
        "Whoever uses numbers of touchline may be misled: counted again, 3 cells differ from what is stored; 0 may.",
        (
            "Wer Zahlen von touchline nutzt, könnte sich irren: nachgezählt weichen 3 Zellen vom Gespeicherten ab;"
            " 0 dürfen es."
        ),
    )
    yield Fires(DIFFER, 0, healthy(**CLOSED) | wrong, {**JOB, "why": "audit"}, *audit, at="1m")
    holes = gauge("log_holes", "5x360 12x360", at_partition)
    yield Fires(
        DIFFER,
        1,
        healthy() | holes,
        {**JOB, "why": "log_hole"},
        "Customers are missing from the numbers of touchline: the log lost records before they were counted, 12"
        " positions in all, some within the last day; 0 may.",
        "In den Zahlen von touchline fehlen Kunden: das Log verlor Datensätze, bevor sie gezählt waren, insgesamt 12"
        " Positionen, davon welche am letzten Tag; 0 dürfen es.",
        slow=True,
        at="30h",
    )
    unchecked = gauge("audit_age_seconds", 200_000)
    yield Fires(
        DIFFER,
        2,
        healthy() | unchecked,
        {**JOB, "why": "not_audited"},
        "Whoever uses numbers of touchline relies on what nobody has checked: they were last counted again 2d 7h"
        " 33m 20s ago; at most 2d may be.",
        "Wer Zahlen von touchline nutzt, verlässt sich auf Ungeprüftes: zuletzt nachgezählt wurden sie vor 2d 7h 33m"
        " 20s; höchstens 2d dürfen es sein.",
        at="1m",
    )
    checked = gauge("audit_differences", 0) | gauge("audit_age_seconds", 400)
    yield Quiet(DIFFER, "counted again, all the same", healthy() | checked)
    yield Quiet(DIFFER, "the log lost nothing", healthy() | gauge("log_holes", 0, at_partition))
    yield Quiet(DIFFER, "absent: never audited", healthy())

    at_source = 'job="touchline",source="asterisk"'
    silent = gauge("source_silence_open_seconds", 2_700, at_source)
    yield Fires(
        SILENT,
        0,
        healthy() | silent,
        {**JOB, "source": "asterisk"},
        "Customers of asterisk may wait unseen: nothing has come from it for 45m of opening hours. Usual at most: ?"
        " (longest of a week).",
        "Kunden aus asterisk warten vielleicht ungesehen: seit 45m Öffnungszeit kam nichts von dort. Üblich sind"
        " höchstens ? (längstes einer Woche).",
    )
    days = gauge("source_silence_open_seconds", "1200x480 7200x240", at_source)
    yield Fires(
        SILENT,
        0,
        healthy() | days,
        {**JOB, "source": "asterisk"},
        "Customers of asterisk may wait unseen: nothing has come from it for 2h of opening hours. Usual at most: 20m"
        " (longest of a week).",
        "Kunden aus asterisk warten vielleicht ungesehen: seit 2h Öffnungszeit kam nichts von dort. Üblich sind"
        " höchstens 20m (längstes einer Woche).",
        slow=True,
        at="40h",
    )
    seldom = gauge("source_silence_open_seconds", "600x120 5400x360 7200x240", at_source)
    yield Quiet(SILENT, "a source that often says nothing for long", healthy() | seldom, slow=True)
    yield Quiet(SILENT, "not for long", healthy() | gauge("source_silence_open_seconds", 1_700, at_source))
    heard = gauge("source_silence_open_seconds", 5, f'{at_source},worker="b"')
    yield Quiet(SILENT, "another worker hears it", healthy() | silent | heard)
    yield Quiet(SILENT, "closed", healthy(**CLOSED) | silent)
    yield Quiet(SILENT, "absent: no sources", healthy())

    rows = gauge("dirty_rows", 1_234, at_partition) | gauge(
        "dirty_rows", 1, 'job="touchline",partition="touchpoints/1"'
    )
    yield Fires(
        WAREHOUSE,
        0,
        healthy(warehouse_up=always(0)) | rows,
        JOB,
        "Whoever reads reports reads old ones: ClickHouse has not answered touchline for 5m. 1235 rows wait in memory;"
        " when there are too many, counting pauses.",
        "Wer Berichte liest, liest alte: ClickHouse antwortet touchline seit 5m nicht. 1235 Zeilen warten im Speicher;"
        " werden es zu viele, pausiert das Zählen.",
    )
    yield Quiet(WAREHOUSE, "a hiccup", healthy(warehouse_up="1x4 0x5 1x50"))
    yield Quiet(WAREHOUSE, "closed", healthy(**CLOSED, warehouse_up=always(0)))
    yield Quiet(WAREHOUSE, "absent", healthy(warehouse_up=None))

    def counted(applied: str, rejected: str) -> Series:
        raw = 'job="touchline",partition="touchline.raw"'
        return (
            gauge("touchpoints_total", applied, f'{at_partition},result="applied"')
            | gauge("touchpoints_total", "0+90x60", f'{at_partition},result="late"')
            | gauge("touchpoints_total", rejected, f'{raw},result="rejected"')
            | gauge("rejected_total", rejected, f'{raw},reason="not_json"')
            | gauge("rejected_total", "0x60", f'{raw},reason="other"')
        )

    yield Fires(
        REJECTED,
        0,
        healthy() | counted("0+90x60", "0+10x60"),
        {**JOB, "reason": "not_json"},
        "Customers are missing from the numbers of touchline: 10% of the records of the last 15 minutes were rejected,"
        " reason not_json. At most 1% may be.",
        "In den Zahlen von touchline fehlen Kunden: 10 % der Datensätze der letzten 15 Minuten wurden abgewiesen, Grund"
        " not_json. Höchstens 1 % dürfen es sein.",
        at="20m",
    )
    yield Quiet(REJECTED, "one of a thousand", healthy() | counted("0+999x60", "0+1x60"))
    yield Quiet(REJECTED, "a single one in a quiet hour", healthy() | counted("0x60", "0x20 1x39"))
    yield Quiet(REJECTED, "closed", healthy(**CLOSED) | counted("0+90x60", "0+10x60"))
    yield Quiet(REJECTED, "absent: nothing came", healthy())

    text = (
        "The chain from Prometheus to whoever receives this works.",
        "Die Kette von Prometheus bis zum Empfänger dieser Nachricht steht.",
    )
    yield Fires(WATCHDOG, 0, {}, {}, *text, at="0m")


CASES: Final[tuple[Fires | Quiet, ...]] = (*_customers(), *_pipeline())


def shown(case: Any) -> str:
    """A case in one line, for the message of a test that fails."""
    what = f"rule {case.rule}" if isinstance(case, Fires) else f"quiet: {case.why}"
    return f"{case.alert.name}, {what}"
