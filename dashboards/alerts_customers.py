"""The alerts for operations: what customers feel. Only while the place is open, and muted while numbers are stale."""

from typing import Final

from dashboards.alerts_model import Alert, Number, Rule, Words
from dashboards.alerts_parts import PLACE, WHILE_OPEN, at_place, burn_numbers, burns, objective
from pipeline.core.objectives import Burn, ObjectiveName

LONGEST_WAIT_TIMES: Final = 6
"""Times the promised wait: 2 minutes where 20 seconds are promised."""
UNANSWERED_TIMES: Final = 1.5
"""Times the promised response time that the oldest message may have used."""
FCR_LEAST_CLOSED: Final = 20
FCR_LEAST_DROP: Final = 0.05
FCR_SIGMAS: Final = 3
"""What chance does to a share of n contacts is some sqrt(p (1 - p) / n): three times that is no chance."""

_WAIT_TARGET: Final = Number("touchline_wait_target_seconds", "duration", PLACE)
_WAITING: Final = Number("touchline_waiting_now", "count", PLACE, how="sum")


def _burn(name: ObjectiveName, index: int, description: Words, *, target: bool = False) -> Rule:
    burn: Burn = objective(name).burns[index]
    numbers = burn_numbers(name, burn)
    return Rule(
        burns(name, burn),
        for_seconds=120 if burn.urgent else 900,
        unit="share",
        description=description,
        numbers={**numbers, "target": _WAIT_TARGET} if target else numbers,
        labels={"objective": name, "long": burn.long, "short": burn.short},
        severity="critical" if burn.urgent else "warning",
    )


SERVICE_LEVEL: Final = Alert(
    name="TouchlineServiceLevelMissed",
    audience="operations",
    severity="critical",
    by=PLACE,
    summary=Words(
        en="Too many customers are not served within the promised time.",
        de="Zu viele Kunden werden nicht in der versprochenen Zeit bedient.",
    ),
    first_step=Words(
        en="Look which queue it is and move people there; if nobody is free, tell customers how long it takes.",
        de="Schlange ansehen und Leute dorthin geben; ist niemand frei, den Kunden sagen, wie lange es dauert.",
    ),
    rules=(
        _burn(
            "wait",
            0,
            Words(
                en="Customers waiting in {channel}/{queue} feel it: of the {due} who came in the last hour {missed}"
                " ({value}) were not answered within {target}, and it goes on. Promised: {promised} are.",
                de="Das spüren Wartende in {channel}/{queue}: von {due} der letzten Stunde wurden {missed} ({value})"
                " nicht in {target} angenommen, und es geht weiter. Versprochen: {promised} werden es.",
            ),
            target=True,
        ),
        _burn(
            "wait",
            1,
            Words(
                en="Customers waiting in {channel}/{queue} feel it: of the {due} who came today {missed} ({value}) were"
                " not answered within {target}, and it goes on. Promised: {promised} are.",
                de="Das spüren Wartende in {channel}/{queue}: von {due} des heutigen Tages wurden {missed} ({value})"
                " nicht in {target} angenommen, und es geht weiter. Versprochen: {promised} werden es.",
            ),
            target=True,
        ),
        _burn(
            "response",
            0,
            Words(
                en="Customers who wrote to {channel}/{queue} feel it: of {due} first messages since yesterday {missed}"
                " ({value}) got no reply within the promised time. Promised: {promised} do.",
                de="Das spüren Kunden, die an {channel}/{queue} schrieben: von {due} ersten Nachrichten seit gestern"
                " bekamen {missed} ({value}) keine Antwort in der versprochenen Zeit. Versprochen: {promised} bekommen"
                " sie.",
            ),
        ),
    ),
)

LONGEST_WAIT: Final = Alert(
    name="TouchlineLongestWait",
    audience="operations",
    severity="critical",
    by=PLACE,
    summary=Words(en="Somebody waits far too long right now.", de="Jemand wartet gerade viel zu lange."),
    first_step=Words(
        en="Open the live page, list 'beyond target': take the longest waiting first.",
        de="Live-Seite öffnen, Liste 'über dem Ziel': die am längsten Wartenden zuerst annehmen.",
    ),
    rules=(
        Rule(
            f"{at_place('touchline_longest_wait_seconds')}"
            f" > on (job, channel, queue) {LONGEST_WAIT_TIMES} * {at_place('touchline_wait_target_seconds')}"
            f" {WHILE_OPEN}",
            for_seconds=15,
            unit="duration",
            description=Words(
                en="A customer in {channel}/{queue} has waited for {value}; promised are {target}. {waiting} wait there"
                " now.",
                de="Ein Kunde in {channel}/{queue} wartet seit {value}; versprochen sind {target}. Dort warten jetzt"
                " {waiting}.",
            ),
            numbers={"target": _WAIT_TARGET, "waiting": _WAITING},
        ),
    ),
    keep_firing_seconds=60,
)

UNANSWERED: Final = Alert(
    name="TouchlineMessagesUnanswered",
    audience="operations",
    severity="warning",
    by=PLACE,
    summary=Words(
        en="Messages lie unanswered far beyond the promised time.",
        de="Nachrichten liegen weit über die versprochene Zeit hinaus unbeantwortet.",
    ),
    first_step=Words(
        en="Open the live page, list 'unanswered': reply to the oldest, if only to say when the answer comes.",
        de="Live-Seite öffnen, Liste 'unbeantwortet': die ältesten beantworten, notfalls mit der Auskunft, wann.",
    ),
    rules=(
        Rule(
            f"{at_place('touchline_oldest_unanswered_target_ratio')} >= {UNANSWERED_TIMES} {WHILE_OPEN}",
            for_seconds=600,
            unit="times",
            description=Words(
                en="A customer who wrote to {channel}/{queue} has waited {value} times as long for a reply as promised."
                " {overdue} of {unanswered} unanswered messages are beyond their target.",
                de="Ein Kunde, der an {channel}/{queue} schrieb, wartet {value}-mal so lange wie versprochen auf"
                " Antwort. {overdue} von {unanswered} unbeantworteten Nachrichten sind über dem Ziel.",
            ),
            numbers={
                "overdue": Number("touchline_unanswered_overdue_now", "count", PLACE, how="sum"),
                "unanswered": Number("touchline_unanswered_now", "count", PLACE, how="sum"),
            },
        ),
    ),
)

PROMISES: Final = Alert(
    name="TouchlinePromisesOverdue",
    audience="operations",
    severity="warning",
    by=PLACE,
    summary=Words(
        en="Promises to customers are past their due time.", de="Zusagen an Kunden sind über ihren Termin hinaus offen."
    ),
    first_step=Words(
        en="Open the live page, list 'promises': keep them now, or call the customer with a new time.",
        de="Live-Seite öffnen, Liste 'Zusagen': jetzt einlösen oder den Kunden mit einem neuen Termin anrufen.",
    ),
    rules=(
        Rule(
            f"sum by (job, channel, queue) (touchline_promises_overdue_now) > 0 {WHILE_OPEN}",
            for_seconds=600,
            unit="count",
            description=Words(
                en="Customers of {channel}/{queue} were promised something and do not have it: {value} promises are"
                " overdue (at most 0 may be), {soon} more are due within 30 minutes.",
                de="Kunden von {channel}/{queue} wurde etwas zugesagt und fehlt ihnen: {value} Zusagen sind überfällig"
                " (0 dürfen es sein), {soon} weitere sind in 30 Minuten fällig.",
            ),
            numbers={"soon": Number("touchline_promises_due_soon", "count", PLACE, how="sum")},
        ),
    ),
)

GIVING_UP: Final = Alert(
    name="TouchlineCallersGivingUp",
    audience="operations",
    severity="critical",
    by=PLACE,
    summary=Words(
        en="Too many customers give up waiting and leave.", de="Zu viele Kunden geben das Warten auf und gehen."
    ),
    first_step=Words(
        en="Open the live page, list 'call back': call them, and announce the wait or offer callbacks in the queue.",
        de="Live-Seite öffnen, Liste 'zurückrufen': anrufen; in der Schlange Wartezeit ansagen oder Rückruf anbieten.",
    ),
    rules=(
        _burn(
            "stay",
            0,
            Words(
                en="Customers in {channel}/{queue} give up: of the {due} who came in the last hour {missed} ({value})"
                " left before anybody answered, and it goes on. Promised: {promised} reach us.",
                de="Kunden in {channel}/{queue} geben auf: von {due} der letzten Stunde gingen {missed} ({value}),"
                " bevor jemand annahm, und es geht weiter. Versprochen: {promised} erreichen uns.",
            ),
        ),
        _burn(
            "stay",
            1,
            Words(
                en="Customers in {channel}/{queue} give up: of the {due} who came today {missed} ({value}) left before"
                " anybody answered, and it goes on. Promised: {promised} reach us.",
                de="Kunden in {channel}/{queue} geben auf: von {due} des heutigen Tages gingen {missed} ({value}),"
                " bevor jemand annahm, und es geht weiter. Versprochen: {promised} erreichen uns.",
            ),
        ),
    ),
)

_YESTERDAY: Final = at_place("touchline_fcr_yesterday_ratio")
_USUAL: Final = at_place("touchline_fcr_usual_ratio")
_CLOSED: Final = at_place("touchline_fcr_yesterday_eligible")

RESOLUTION: Final = Alert(
    name="TouchlineResolutionFell",
    audience="operations",
    severity="warning",
    by=PLACE,
    summary=Words(
        en="Fewer matters than usual were resolved at first contact.",
        de="Weniger Anliegen als sonst wurden beim ersten Kontakt gelöst.",
    ),
    first_step=Words(
        en="Look at yesterday's follow-ups of this queue by topic: one cause (an outage, a letter, a wrong answer) is"
        " usual.",
        de="Gestrige Folgekontakte dieser Schlange nach Thema ansehen: meist ist es eine Ursache (Störung, Schreiben,"
        " falsche Auskunft).",
    ),
    rules=(
        Rule(
            f"100 * ({_YESTERDAY} < {_USUAL} - {FCR_LEAST_DROP})"
            f" and on (job, channel, queue) ({_CLOSED} >= {FCR_LEAST_CLOSED})"
            f" and on (job, channel, queue) ({_USUAL} - {_YESTERDAY}"
            f" > {FCR_SIGMAS} * sqrt({_USUAL} * (1 - {_USUAL}) / {_CLOSED})) {WHILE_OPEN}",
            for_seconds=1800,
            unit="share",
            description=Words(
                en="Customers of {channel}/{queue} had to come back: {value} of yesterday's {closed} closed matters are"
                " resolved at first contact so far. Usual on this weekday at this age: {usual} (median of four weeks).",
                de="Kunden von {channel}/{queue} mussten sich noch einmal melden: {value} von {closed} gestern"
                " geschlossenen Anliegen sind bisher beim ersten Kontakt gelöst. Üblich an diesem Wochentag in diesem"
                " Alter: {usual} (Median aus vier Wochen).",
            ),
            numbers={
                "usual": Number("touchline_fcr_usual_ratio", "share", PLACE),
                "closed": Number("touchline_fcr_yesterday_eligible", "count", PLACE),
            },
        ),
    ),
    keep_firing_seconds=1800,
)

CUSTOMERS: Final = (SERVICE_LEVEL, LONGEST_WAIT, UNANSWERED, PROMISES, GIVING_UP, RESOLUTION)
