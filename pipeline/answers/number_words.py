"""What the live values on the page are called and mean, in English and German."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct


class Words(Struct, frozen=True, kw_only=True):
    """Title and definition of a number."""

    title_en: str
    title_de: str
    en: str
    de: str


LIVE_WORDS: Final[Mapping[str, Words]] = {
    "waiting_now": Words(
        title_en="Waiting now",
        title_de="Warten jetzt",
        en="Open contacts in a queue that nobody has answered. A contact that was passed on waits again, in its new "
        "queue. Who has waited for so long that nobody believes it is listed, but not counted.",
        de="Offene Kontakte in einer Warteschlange, die niemand angenommen hat. Wer weitergeleitet wurde, wartet von "
        "neuem, in der neuen Warteschlange. Wer unglaubhaft lange wartet, steht in der Liste, zählt aber nicht.",
    ),
    "longest_wait_ms": Words(
        title_en="Longest wait now",
        title_de="Längste Wartezeit jetzt",
        en="How long whoever has waited longest, of those waiting now, has waited. The target is what is promised.",
        de="Wie lange unter denen, die jetzt warten, die längste Wartezeit schon dauert. Das Ziel ist, was "
        "versprochen ist.",
    ),
    "waiting_age_p50_ms": Words(
        title_en="Half have waited less",
        title_de="Die Hälfte wartet kürzer",
        en="The median of how long those waiting now have waited. A mean of finished waits hides a build-up.",
        de="Der Median der bisherigen Wartezeit derer, die jetzt warten. Ein Mittel beendeter Wartezeiten verbirgt, "
        "wenn es sich staut.",
    ),
    "overdue_now": Words(
        title_en="Waiting beyond target",
        title_de="Warten über dem Ziel",
        en="Of those waiting now: longer than promised to them.",
        de="Von denen, die jetzt warten: länger als versprochen.",
    ),
    "will_miss_target_now": Words(
        title_en="Will miss the target",
        title_de="Verpassen das Ziel",
        en="Waiting within target, but as things go their turn comes too late: position x recent time between answers.",
        de="Warten noch im Ziel, kommen aber so, wie es läuft, zu spät an die Reihe: Platz x Abstand der letzten "
        "Annahmen.",
    ),
    "waiting_stale": Words(
        title_en="No longer believed",
        title_de="Nicht mehr glaubhaft",
        en="Waiting for longer than the catalogue believes (a lost end, most likely).",
        de="Wartet länger, als der Katalog für möglich hält (vermutlich fehlt das Ende).",
    ),
    "in_conversation_now": Words(
        title_en="In conversation",
        title_de="Im Gespräch",
        en="Inbound customers who are being served right now on a live channel.",
        de="Kunden, die gerade am Telefon, im Chat oder vor Ort bedient werden.",
    ),
    "expected_wait_ms": Words(
        title_en="Expected wait",
        title_de="Erwartete Wartezeit",
        en="Who joins the queue now: (waiting + 1) x 30 min / stays in the queue of the last 30 minutes that were "
        "answered. 0 while nobody waits.",
        de="Wer sich jetzt anstellt: (Wartende + 1) x 30 min / angenommene Aufenthalte der letzten 30 Minuten. 0, "
        "solange niemand wartet.",
    ),
    "unanswered_now": Words(
        title_en="Unanswered now",
        title_de="Unbeantwortet jetzt",
        en="Contacts with a message of the customer that no person has replied to (bots and notes are no reply).",
        de="Kontakte mit einer Nachricht des Kunden, auf die kein Mensch geantwortet hat (Bots und Notizen zählen "
        "nicht).",
    ),
    "unanswered_overdue_now": Words(
        title_en="Unanswered beyond target",
        title_de="Unbeantwortet über dem Ziel",
        en="Of the unanswered: beyond the response target, counted as the target counts (opening hours).",
        de="Vom Unbeantworteten: über dem Antwortziel, so gezählt, wie das Ziel zählt (Öffnungszeit).",
    ),
    "oldest_unanswered_ms": Words(
        title_en="Oldest unanswered message",
        title_de="Älteste unbeantwortete Nachricht",
        en="Its age, in opening hours where a calendar applies, else on the clock.",
        de="Ihr Alter, in Öffnungszeit, wo ein Kalender gilt, sonst auf der Uhr.",
    ),
    "responses_due_soon": Words(
        title_en="Replies due soon",
        title_de="Antworten bald fällig",
        en="Unanswered messages that reach the end of their target within 30 minutes.",
        de="Unbeantwortete Nachrichten, deren Ziel in 30 Minuten endet.",
    ),
    "replies_last_hour": Words(
        title_en="Replies of the last hour",
        title_de="Antworten der letzten Stunde",
        en="Messages that people sent in the last 60 minutes.",
        de="Nachrichten, die Menschen in den letzten 60 Minuten schrieben.",
    ),
    "promises_overdue_now": Words(
        title_en="Promises overdue",
        title_de="Zusagen überfällig",
        en="Promises that are open past their due, whatever became of the contact. The target is none.",
        de="Zusagen, die über ihren Termin hinaus offen sind, was auch aus dem Kontakt wurde. Das Ziel ist keine.",
    ),
    "promises_due_soon": Words(
        title_en="Promises due soon",
        title_de="Zusagen bald fällig",
        en="Open promises that are due within 30 minutes.",
        de="Offene Zusagen, die in 30 Minuten fällig sind.",
    ),
    "not_called_back_today": Words(
        title_en="To be called back",
        title_de="Zurückzurufen",
        en="Abandoned today, and the customer was not reached since (answered, or written to).",
        de="Heute aufgelegt und seitdem nicht erreicht (angenommen oder angeschrieben).",
    ),
    "offered": Words(
        title_en="Offered",
        title_de="Angeboten",
        en="Contacts that began to wait for a person.",
        de="Kontakte, die begannen, auf einen Menschen zu warten.",
    ),
    "first_responses_due": Words(
        title_en="First messages",
        title_de="Erste Nachrichten",
        en="First messages that want a reply, by when they came.",
        de="Erste Nachrichten, die eine Antwort erwarten, nach ihrem Eingang.",
    ),
    "wait_p90_ms": Words(
        title_en="90 % waited less",
        title_de="90 % warteten kürzer",
        en="Nine of ten who were answered waited at most so long. From a histogram: at most 1/16 too high.",
        de="Neun von zehn Angenommenen warteten höchstens so lange. Aus einem Histogramm: höchstens 1/16 zu hoch.",
    ),
    "first_response_p50_ms": Words(
        title_en="First reply, median",
        title_de="Erste Antwort, Median",
        en="Half of the first replies came faster.",
        de="Die Hälfte der ersten Antworten kam schneller.",
    ),
    "first_response_p90_ms": Words(
        title_en="First reply, nine of ten",
        title_de="Erste Antwort, neun von zehn",
        en="Nine of ten first replies came faster.",
        de="Neun von zehn ersten Antworten kamen schneller.",
    ),
    "undecided": Words(
        title_en="Undecided",
        title_de="Unentschieden",
        en="Waiting now and within target still: neither hit nor miss, so in no service level.",
        de="Warten noch und sind im Ziel: weder Treffer noch verfehlt, also in keinem Servicelevel.",
    ),
    "responses_undecided": Words(
        title_en="Undecided",
        title_de="Unentschieden",
        en="Unanswered and within target still: neither hit nor miss.",
        de="Unbeantwortet und noch im Ziel: weder Treffer noch verfehlt.",
    ),
    "wait_target_ms": Words(
        title_en="Promised wait",
        title_de="Versprochene Wartezeit",
        en="From the catalogue, in force now.",
        de="Aus dem Katalog, wie es jetzt gilt.",
    ),
    "response_target": Words(
        title_en="Promised response time",
        title_de="Versprochene Antwortzeit",
        en="From the catalogue, in force now.",
        de="Aus dem Katalog, wie es jetzt gilt.",
    ),
    "incomplete": Words(
        title_en="Incomplete",
        title_de="Unvollständig",
        en="Partitions are missing: there may be more than is shown.",
        de="Partitionen fehlen: es können mehr sein als gezeigt.",
    ),
}

FCR_WORDS: Final[Mapping[str, Words]] = {
    "provisional": Words(
        title_en="Resolved at first contact, provisional",
        title_de="Beim Erstkontakt gelöst, vorläufig",
        en="Of the closings of the last {days} days, today included: nothing has followed so far. A follow-up within "
        "{days} days can still lower it, so it is compared only with cohorts of the same age.",
        de="Von den Abschlüssen der letzten {days} Tage, heute mitgezählt: bisher folgte nichts. Ein Folgekontakt "
        "innerhalb von {days} Tagen kann sie noch senken, darum wird sie nur mit gleich alten verglichen.",
    ),
    "confirmed": Words(
        title_en="Resolved at first contact, confirmed",
        title_de="Beim Erstkontakt gelöst, bestätigt",
        en="Of closings whose {days} days for a follow-up, and {late} for what comes late, are over: nothing can "
        "change them any more. The newest {days} such days.",
        de="Von Abschlüssen, deren {days} Tage für einen Folgekontakt und {late} für Verspätetes vorbei sind: daran "
        "ändert sich nichts mehr. Die jüngsten {days} solchen Tage.",
    ),
}
"""{days}: the follow-up window; {late}: how long something may come late."""
