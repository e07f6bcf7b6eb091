"""The alerts for on-call: the pipeline itself. Outside opening hours only those that say `always` tell anybody."""

from typing import Final

from dashboards.alerts_model import Alert, Number, Rule, Words
from dashboards.alerts_parts import JOB, KNOWN_JOBS, NEXT_OPENING, UNLESS_CLOSED, USUAL_SILENCE

BEHIND_SECONDS: Final = 120
LATE_SECONDS: Final = 300
"""As long as the short window of a burn: numbers that are older say nothing about it."""
OPENING_SECONDS: Final = 1_800
SILENT_SECONDS: Final = 1_800
SILENT_TIMES: Final = 2
"""Times the longest silence of the week: some sources speak once an hour."""
AUDIT_SECONDS: Final = 2 * 86_400
REJECTED_SHARE: Final = 0.01
REJECTED_LEAST: Final = 10

_READY: Final = (
    "((min by (job) (touchline_partition_ready) == 1)"
    " and on (job) (max by (job) (touchline_ready) == 1)"
    " and on (job) (min by (job) (touchline_warehouse_up) == 1))"
)
_LOST: Final = "sum by (job) (max by (job, partition) (touchline_log_holes{offset}))"


def _stale(why: str, expr: str, for_seconds: int, description: Words) -> Rule:
    return Rule(f"{expr} {UNLESS_CLOSED}", for_seconds, "duration", description, labels={"why": why})


STALE: Final = Alert(
    name="TouchlineNumbersStale",
    audience="on-call",
    severity="critical",
    by=JOB,
    summary=Words(
        en="The live numbers are not of now: nobody sees who is waiting.",
        de="Die Live-Zahlen sind nicht von jetzt: niemand sieht, wer wartet.",
    ),
    first_step=Words(
        en="Ask /health/ready of every worker: it names the partitions that are missing, and why.",
        de="/health/ready jedes Workers abfragen: dort stehen die fehlenden Partitionen und der Grund.",
    ),
    rules=(
        _stale(
            "behind",
            f"max by (job) (touchline_behind_seconds) > {BEHIND_SECONDS}",
            120,
            Words(
                en="Whoever steers by the live page steers by the past: {job} has counted what was in the log {value}"
                " ago; at most 2m may be. Alerts about customers are muted until then.",
                de="Wer nach der Live-Seite steuert, steuert nach der Vergangenheit: {job} hat gezählt, was vor {value}"
                " im Log war; höchstens 2m dürfen es sein. Kundenalarme sind so lange stumm.",
            ),
        ),
        _stale(
            "late",
            f'min by (job) (touchline_event_lag_seconds{{partition=~"touchpoints/.*"}}) > {LATE_SECONDS}',
            300,
            Words(
                en="Whoever steers by the live page steers by the past: sources tell {job} what happened {value} ago as"
                " their newest; at most 5m may be. Alerts about customers are muted until then.",
                de="Wer nach der Live-Seite steuert, steuert nach der Vergangenheit: das Neueste, was Quellen an {job}"
                " melden, ist {value} alt; höchstens 5m dürfen es sein. Kundenalarme sind so lange stumm.",
            ),
        ),
        Rule(
            f"(count by (job) (min by (job, partition) (touchline_partition_ready) == 0)"
            f" or (max by (job) (touchline_ready) == 0)) {UNLESS_CLOSED}",
            300,
            "count",
            Words(
                en="Nobody sees who is waiting: {job} has had partitions that are recovering or stopped for 5m. Their"
                " numbers are absent, not zero.",
                de="Niemand sieht, wer wartet: {job} hat seit 5m Partitionen, die nicht gelesen oder angehalten sind."
                " Ihre Zahlen fehlen, sie sind nicht null.",
            ),
            labels={"why": "not_ready"},
        ),
        Rule(
            f"({KNOWN_JOBS} unless on (job) touchline_ready) {UNLESS_CLOSED}",
            120,
            "count",
            Words(
                en="Nobody sees who is waiting: no worker of {job} has answered Prometheus for 2m.",
                de="Niemand sieht, wer wartet: seit 2m antwortet kein Worker von {job} Prometheus.",
            ),
            labels={"why": "away"},
        ),
        Rule(
            f"absent(touchline_ready) unless on () {KNOWN_JOBS}",
            900,
            "count",
            Words(
                en="Nobody is told who is waiting: Prometheus has these rules, but no worker has ever answered it."
                " Address or token in prometheus.yml are wrong.",
                de="Niemand erfährt, wer wartet: Prometheus hat diese Regeln, aber nie hat ihm ein Worker geantwortet."
                " Adresse oder Token in prometheus.yml stimmen nicht.",
            ),
            labels={"why": "never"},
        ),
    ),
)

OPENING: Final = Alert(
    name="TouchlineNotReadyForOpening",
    audience="on-call",
    severity="critical",
    by=JOB,
    summary=Words(
        en="We open soon, and the live numbers are not ready.",
        de="Wir öffnen bald, und die Live-Zahlen sind nicht bereit.",
    ),
    first_step=Words(
        en="Look whether workers, Kafka and ClickHouse run; then ask /health/ready what is missing.",
        de="Nachsehen, ob Worker, Kafka und ClickHouse laufen; dann /health/ready fragen, was fehlt.",
    ),
    rules=(
        Rule(
            f"clamp_min({NEXT_OPENING} - time(), 0) < {OPENING_SECONDS} unless on (job) {_READY}",
            60,
            "duration",
            Words(
                en="The first customers of the day come in {value}, and {job} is not ready: nobody would see them wait."
                " It has to be ready when we open.",
                de="Die ersten Kunden des Tages kommen in {value}, und {job} ist nicht bereit: niemand sähe sie warten."
                " Bereit sein muss es zur Öffnung.",
            ),
        ),
    ),
    always=True,
)

DIFFER: Final = Alert(
    name="TouchlineNumbersDiffer",
    audience="on-call",
    severity="critical",
    by=JOB,
    summary=Words(
        en="Numbers are wrong or incomplete: decisions may rest on them.",
        de="Zahlen sind falsch oder unvollständig: Entscheidungen könnten auf ihnen beruhen.",
    ),
    first_step=Words(
        en="Run 'touchline audit': it names every cell that differs. Say to those who use the numbers that they wait.",
        de="'touchline audit' ausführen: es nennt jede abweichende Zelle. Wer die Zahlen nutzt, soll warten.",
    ),
    rules=(
        Rule(
            "sum by (job) (touchline_audit_differences) > 0",
            0,
            "count",
            Words(
                en="Whoever uses numbers of {job} may be misled: counted again, {value} cells differ from what is"
                " stored; 0 may.",
                de="Wer Zahlen von {job} nutzt, könnte sich irren: nachgezählt weichen {value} Zellen vom Gespeicherten"
                " ab; 0 dürfen es.",
            ),
            labels={"why": "audit"},
        ),
        Rule(
            f"{_LOST.format(offset='')} > 0"
            f" unless on (job) ({_LOST.format(offset=' offset 1d')} >= on (job) {_LOST.format(offset='')})",
            0,
            "count",
            Words(
                en="Customers are missing from the numbers of {job}: the log lost records before they were counted,"
                " {value} positions in all, some within the last day; 0 may.",
                de="In den Zahlen von {job} fehlen Kunden: das Log verlor Datensätze, bevor sie gezählt waren,"
                " insgesamt {value} Positionen, davon welche am letzten Tag; 0 dürfen es.",
            ),
            labels={"why": "log_hole"},
        ),
        Rule(
            f"max by (job) (touchline_audit_age_seconds) > {AUDIT_SECONDS}",
            0,
            "duration",
            Words(
                en="Whoever uses numbers of {job} relies on what nobody has checked: they were last counted again"
                " {value} ago; at most 2d may be.",
                de="Wer Zahlen von {job} nutzt, verlässt sich auf Ungeprüftes: zuletzt nachgezählt wurden sie vor"
                " {value}; höchstens 2d dürfen es sein.",
            ),
            labels={"why": "not_audited"},
            severity="warning",
        ),
    ),
    always=True,
)

SILENT: Final = Alert(
    name="TouchlineSourceSilent",
    audience="on-call",
    severity="critical",
    by=("job", "source"),
    summary=Words(
        en="A source is silent: an empty board may be a dead connection.",
        de="Eine Quelle schweigt: eine leere Tafel kann eine tote Verbindung sein.",
    ),
    first_step=Words(
        en="Look in the source system whether customers come in; if so, check its webhook, token and queue.",
        de="Im Quellsystem nachsehen, ob Kunden kommen; wenn ja, dessen Webhook, Token und Warteschlange prüfen.",
    ),
    rules=(
        Rule(
            f"min by (job, source) (touchline_source_silence_open_seconds) > {SILENT_SECONDS}"
            f" unless on (job, source) (min by (job, source) (touchline_source_silence_open_seconds)"
            f" <= on (job, source) {SILENT_TIMES} * {USUAL_SILENCE}) {UNLESS_CLOSED}",
            300,
            "duration",
            Words(
                en="Customers of {source} may wait unseen: nothing has come from it for {value} of opening hours. Usual"
                " at most: {usual} (longest of a week).",
                de="Kunden aus {source} warten vielleicht ungesehen: seit {value} Öffnungszeit kam nichts von dort."
                " Üblich sind höchstens {usual} (längstes einer Woche).",
            ),
            numbers={"usual": Number(USUAL_SILENCE, "duration", ("job", "source"))},
        ),
    ),
)

WAREHOUSE: Final = Alert(
    name="TouchlineWarehouseAway",
    audience="on-call",
    severity="critical",
    by=JOB,
    summary=Words(
        en="ClickHouse does not answer: nothing is lost, but reports stand still.",
        de="ClickHouse antwortet nicht: nichts geht verloren, aber Berichte stehen still.",
    ),
    first_step=Words(
        en="Bring ClickHouse back (disk full, restart, network). touchline goes on by itself: do not restart it.",
        de="ClickHouse zurückholen (Platte voll, Neustart, Netz). touchline läuft allein weiter: nicht neu starten.",
    ),
    rules=(
        Rule(
            f"(min by (job) (touchline_warehouse_up) == 0) {UNLESS_CLOSED}",
            300,
            "count",
            Words(
                en="Whoever reads reports reads old ones: ClickHouse has not answered {job} for 5m. {dirty} rows wait"
                " in memory; when there are too many, counting pauses.",
                de="Wer Berichte liest, liest alte: ClickHouse antwortet {job} seit 5m nicht. {dirty} Zeilen warten im"
                " Speicher; werden es zu viele, pausiert das Zählen.",
            ),
            numbers={"dirty": Number("touchline_dirty_rows", "count", JOB, how="sum")},
        ),
    ),
)

_ALL: Final = 'sum by (job) (increase(touchline_touchpoints_total{result=~"applied|duplicate|rejected"}[15m]))'
_REJECTED: Final = "sum by (job, reason) (increase(touchline_rejected_total[15m]))"

REJECTED: Final = Alert(
    name="TouchlineRecordsRejected",
    audience="on-call",
    severity="warning",
    by=("job", "reason"),
    summary=Words(
        en="Records of a source are not understood: its customers are missing from the numbers.",
        de="Datensätze einer Quelle werden nicht verstanden: ihre Kunden fehlen in den Zahlen.",
    ),
    first_step=Words(
        en="Look at view dead_letters: source, reason and the record itself. Mend the sender, then send them again.",
        de="View dead_letters ansehen: Quelle, Grund und der Datensatz selbst. Absender reparieren, dann neu senden.",
    ),
    rules=(
        Rule(
            f"100 * ({_REJECTED} / on (job) group_left () {_ALL} > {REJECTED_SHARE})"
            f" and on (job, reason) ({_REJECTED} >= {REJECTED_LEAST}) {UNLESS_CLOSED}",
            300,
            "share",
            Words(
                en="Customers are missing from the numbers of {job}: {value} of the records of the last 15 minutes were"
                " rejected, reason {reason}. At most 1% may be.",
                de="In den Zahlen von {job} fehlen Kunden: {value} der Datensätze der letzten 15 Minuten wurden"
                " abgewiesen, Grund {reason}. Höchstens 1 % dürfen es sein.",
            ),
        ),
    ),
)

WATCHDOG: Final = Alert(
    name="TouchlineWatchdog",
    audience="on-call",
    severity="none",
    by=(),
    summary=Words(
        en="Always fires: if it stops coming, alerts do not reach anybody.",
        de="Feuert immer: kommt er nicht mehr, erreichen Alarme niemanden.",
    ),
    first_step=Words(
        en="Nothing while it comes. When it stops: look at Prometheus, then at Alertmanager.",
        de="Nichts, solange er kommt. Bleibt er aus: nach Prometheus sehen, dann nach Alertmanager.",
    ),
    rules=(
        Rule(
            "vector(1)",
            0,
            "count",
            Words(
                en="The chain from Prometheus to whoever receives this works.",
                de="Die Kette von Prometheus bis zum Empfänger dieser Nachricht steht.",
            ),
        ),
    ),
    always=True,
    keep_firing_seconds=0,
)

PIPELINE: Final = (STALE, OPENING, DIFFER, SILENT, WAREHOUSE, REJECTED, WATCHDOG)
