"""The sentences of an explanation, in English and German. Values are filled in as `Did` names them."""

from typing import Final

from pipeline.answers import speech
from pipeline.answers.explanation import Did
from pipeline.answers.speech import Language
from pipeline.core.zone import Zone

_SENTENCES: Final[dict[str, tuple[str, str]]] = {
    "nothing": ("changes no number", "ändert keine Zahl"),
    "requested": (
        "the customer asks for us: requested is counted here",
        "der Kunde wendet sich an uns: hier zählt die Anfrage",
    ),
    "requested_unsaid": (
        "the first that is known of the contact: requested is counted here",
        "das Erste, was vom Kontakt bekannt ist: hier zählt die Anfrage",
    ),
    "queue_named": (
        "names the queue all of it is counted under: {queue}",
        "nennt die Warteschlange, unter der alles zählt: {queue}",
    ),
    "customer_named": ("names the customer", "nennt den Kunden"),
    "wait_began": ("the wait begins; promised: {target_ms}", "das Warten beginnt; versprochen: {target_ms}"),
    "wait_began_no_target": (
        "the wait begins; no target is promised here",
        "das Warten beginnt; hier ist kein Ziel versprochen",
    ),
    "wait_answered": (
        "a person answers after a wait of {length_ms}; no target applies",
        "ein Mensch nimmt an, nach {length_ms} Warten; kein Ziel gilt",
    ),
    "wait_answered_in_target": (
        "a person answers after a wait of {length_ms}: within the target of {target_ms}",
        "ein Mensch nimmt an, nach {length_ms} Warten: im Ziel von {target_ms}",
    ),
    "wait_answered_late": (
        "a person answers after a wait of {length_ms}: beyond the target of {target_ms}",
        "ein Mensch nimmt an, nach {length_ms} Warten: über dem Ziel von {target_ms}",
    ),
    "wait_abandoned": (
        "the customer leaves after a wait of {length_ms}; no target applies",
        "der Kunde gibt nach {length_ms} Warten auf; kein Ziel gilt",
    ),
    "wait_abandoned_in_target": (
        "the customer leaves after a wait of {length_ms}, within the target of {target_ms}",
        "der Kunde gibt nach {length_ms} Warten auf, noch im Ziel von {target_ms}",
    ),
    "wait_abandoned_late": (
        "the customer leaves after a wait of {length_ms}, beyond the target of {target_ms}",
        "der Kunde gibt nach {length_ms} Warten auf, über dem Ziel von {target_ms}",
    ),
    "wait_refused": (
        "the wait of {length_ms} ends with our refusal",
        "das Warten von {length_ms} endet mit unserer Ablehnung",
    ),
    "wait_callback": (
        "the wait of {length_ms} ends with the wish to be called back",
        "das Warten von {length_ms} endet mit dem Wunsch nach Rückruf",
    ),
    "wait_closed": (
        "the wait of {length_ms} ends by closing, unanswered",
        "das Warten von {length_ms} endet mit dem Schließen, ohne Annahme",
    ),
    "wait_contained": (
        "the wait of {length_ms} ends in self-service",
        "das Warten von {length_ms} endet im Selbstservice",
    ),
    "abandoned_short": (
        "at most {short_ms}: hardly waited, some service levels leave it out",
        "höchstens {short_ms}: kaum gewartet, manche Servicelevel lassen es aus",
    ),
    "negative": (
        "came before the wait began: the wait counts as 0, and one negative duration is counted",
        "kam vor Beginn des Wartens: das Warten zählt 0, und eine negative Dauer wird gezählt",
    ),
    "unannounced": (
        "the customer had not heard from us for longer than {limit_ms}",
        "der Kunde hatte länger als {limit_ms} nichts von uns gehört",
    ),
    "estimate": (
        "announces {estimate_ms}; it cannot be judged (yet)",
        "kündigt {estimate_ms} an; das lässt sich (noch) nicht beurteilen",
    ),
    "estimate_judged": (
        "announces {estimate_ms}; it took {actual_ms}",
        "kündigt {estimate_ms} an; es dauerte {actual_ms}",
    ),
    "leg_began": (
        "the customer waits again, now in queue {queue}",
        "der Kunde wartet erneut, nun in Warteschlange {queue}",
    ),
    "leg_answered": ("after {length_ms} in queue {queue}", "nach {length_ms} in Warteschlange {queue}"),
    "leg_abandoned": ("lost after {length_ms} in queue {queue}", "verloren nach {length_ms} in Warteschlange {queue}"),
    "hold_began": ("the customer is put on hold", "der Kunde wird gehalten"),
    "hold_ended": ("the hold ends after {length_ms}", "das Halten endet nach {length_ms}"),
    "clock_first": (
        "our first reply is due; promised within {target}",
        "unsere erste Antwort ist fällig; versprochen in {target}",
    ),
    "clock_first_no_target": (
        "our first reply is due; no target is promised",
        "unsere erste Antwort ist fällig; kein Ziel ist versprochen",
    ),
    "clock_next": (
        "a further reply is due; promised within {target}",
        "eine weitere Antwort ist fällig; versprochen in {target}",
    ),
    "clock_next_no_target": (
        "a further reply is due; no target is promised",
        "eine weitere Antwort ist fällig; kein Ziel ist versprochen",
    ),
    "message_waits": (
        "an earlier message is unanswered already, or was discarded: starts no clock",
        "eine frühere Nachricht ist noch offen oder wurde verworfen: startet keine Uhr",
    ),
    "replied": ("we reply after {length_ms}", "wir antworten nach {length_ms}"),
    "replied_open": (
        "we reply after {length_ms} ({open_ms} of it in opening hours)",
        "wir antworten nach {length_ms} (davon {open_ms} in der Öffnungszeit)",
    ),
    "replied_in_target": (
        "we reply after {length_ms}: within the target of {target}",
        "wir antworten nach {length_ms}: im Ziel von {target}",
    ),
    "replied_in_target_open": (
        "we reply after {length_ms}, {open_ms} of it in opening hours: within the target of {target}",
        "wir antworten nach {length_ms}, davon {open_ms} in der Öffnungszeit: im Ziel von {target}",
    ),
    "replied_late": (
        "we reply after {length_ms}: beyond the target of {target}",
        "wir antworten nach {length_ms}: über dem Ziel von {target}",
    ),
    "replied_late_open": (
        "we reply after {length_ms}, {open_ms} of it in opening hours: beyond the target of {target}",
        "wir antworten nach {length_ms}, davon {open_ms} in der Öffnungszeit: über dem Ziel von {target}",
    ),
    "closed_unanswered": (
        "closed without a reply to the last message",
        "geschlossen ohne Antwort auf die letzte Nachricht",
    ),
    "transferred": (
        "passed on; the contact stays counted under its first queue",
        "weitergeleitet; der Kontakt zählt weiter unter seiner ersten Warteschlange",
    ),
    "transferred_to": (
        "passed on to queue {queue}; the contact stays counted under its first queue",
        "weitergeleitet an {queue}; der Kontakt zählt weiter unter seiner ersten Warteschlange",
    ),
    "reopened": (
        "the matter goes on: not resolved at first contact",
        "die Sache geht weiter: nicht beim Erstkontakt gelöst",
    ),
    "discarded": (
        "no matter at all ({reason}): ends running clocks and leaves the denominators",
        "gar kein Anliegen ({reason}): beendet laufende Uhren und zählt in keinem Nenner",
    ),
    "refused": ("we refuse: {reason}", "wir lehnen ab: {reason}"),
    "callback": ("the customer wants to be called back", "der Kunde möchte zurückgerufen werden"),
    "self_service_contained": ("dealt with in self-service", "im Selbstservice erledigt"),
    "self_service_failed": ("self-service failed", "der Selbstservice ist gescheitert"),
    "menu_step": ("a step in the menu", "ein Schritt im Menü"),
    "menu_repeat": ("the same step in the menu again", "derselbe Schritt im Menü noch einmal"),
    "feedback_asked": ("we ask for feedback", "wir bitten um Rückmeldung"),
    "feedback": (
        "the customer's answer counts: {kind} {score} of {scale_max}",
        "die Antwort des Kunden zählt: {kind} {score} von {scale_max}",
    ),
    "feedback_invalid": (
        "{score} is not on a scale up to {scale_max}: counted as invalid only",
        "{score} liegt nicht auf einer Skala bis {scale_max}: zählt nur als ungültig",
    ),
    "feedback_other": (
        "not from the customer: counts in no measure of customers",
        "nicht vom Kunden: zählt in keiner Kundenkennzahl",
    ),
    "outreach_sent": ("we turn to the customer first", "wir gehen von uns aus auf den Kunden zu"),
    "customer_left": ("the customer leaves us", "der Kunde verlässt uns"),
    "customer_stayed": ("the customer was about to leave, and stays", "der Kunde wollte gehen und bleibt"),
    "audit_scored": ("a mystery shopper's score", "eine Bewertung durch Testkunden"),
    "promise_made": ("promised ({kind}) until {due_at}", "versprochen ({kind}) bis {due_at}"),
    "promise_again": (
        "this promise was made before: the first one counts",
        "dieses Versprechen wurde schon gegeben: das erste zählt",
    ),
    "promise_kept": ("kept in time", "rechtzeitig gehalten"),
    "promise_late": ("kept, {late_ms} after it was due", "gehalten, {late_ms} nach der Frist"),
    "promise_broken": ("broken", "gebrochen"),
    "promise_over": ("its fate was decided before: counts for nothing", "sein Ausgang stand schon fest: zählt nicht"),
    "promise_unknown": (
        "nobody is known to have promised this: counts for nothing",
        "ein Versprechen dazu ist nicht bekannt: zählt nicht",
    ),
    "complaint_raised": ("the customer complains", "der Kunde beschwert sich"),
    "complaint_settled": ("settles the complaint after {settle_ms}", "erledigt die Beschwerde nach {settle_ms}"),
    "closed": (
        "closed, {resolution_ms} after it was requested: what is booked at closing is booked here",
        "geschlossen, {resolution_ms} nach der Anfrage: was beim Schließen zählt, zählt hier",
    ),
    "closed_first": (
        "closed for the first time: what is booked at closing is booked here",
        "zum ersten Mal geschlossen: was beim Schließen zählt, zählt hier",
    ),
    "closed_last": (
        "closed for the last time, {resolution_ms} after it was requested: the follow-up window begins",
        "zum letzten Mal geschlossen, {resolution_ms} nach der Anfrage: das Zeitfenster für Folgekontakte beginnt",
    ),
    "said_unresolved": ("noted as not resolved", "als nicht gelöst vermerkt"),
    "out_of_scope": ("noted as none of our business", "als nicht unsere Sache vermerkt"),
    # why the resolution is what it is
    "because_unresolved": (
        "the latest closing that says so says: not resolved",
        "das letzte Schließen mit Angabe sagt: nicht gelöst",
    ),
    "because_reopened": ("it was reopened on {reopened_at}", "er wurde am {reopened_at} wieder geöffnet"),
    "because_followed": (
        "contact {contact} ({channel}) followed on {asked_at}, {after_ms} after the closing",
        "Kontakt {contact} ({channel}) folgte am {asked_at}, {after_ms} nach dem Schließen",
    ),
    "because_transferred": (
        "it was passed on, which the catalogue counts as not resolved",
        "er wurde weitergeleitet, was laut Katalog als nicht gelöst zählt",
    ),
    "because_nothing": (
        "nothing follows within the window, it was not reopened, and nobody noted it as unresolved",
        "im Zeitfenster folgt nichts, er wurde nicht wieder geöffnet, und niemand hat ihn als ungelöst vermerkt",
    ),
    "transferred_is_fine": (
        "it was passed on; that alone does not count against it",
        "er wurde weitergeleitet; das allein zählt nicht dagegen",
    ),
    "chased": (
        "the customer asked again while it was open and unanswered",
        "der Kunde fragte nach, während er offen und unbeantwortet war",
    ),
    "switched": ("the customer came on another channel than before", "der Kunde kam auf einem anderen Kanal als zuvor"),
    "returned": (
        "the customer had left, and was reached in time",
        "der Kunde hatte aufgegeben und wurde rechtzeitig erreicht",
    ),
    "outbound": (
        "we turned to the customer: only inbound contacts count",
        "wir haben uns gemeldet: nur eingehende Kontakte zählen",
    ),
    "was_discarded": ("it was no matter at all", "er war gar kein Anliegen"),
    "not_closed": ("it was never closed", "er wurde nie geschlossen"),
    "not_served": ("no person answered or replied", "kein Mensch hat angenommen oder geantwortet"),
    "no_customer": ("nobody said who the customer is", "niemand hat gesagt, wer der Kunde ist"),
    "facts_missing": (
        "what the customer's other contacts say has not been read yet",
        "was die anderen Kontakte des Kunden sagen, ist noch nicht gelesen",
    ),
    # what is not known
    "unknown_request": (
        "no contact.requested came: its first touchpoint counts as the request",
        "kein contact.requested kam: der erste Touchpoint gilt als Anfrage",
    ),
    "unknown_queue": (
        "no queue was named: counted under unknown",
        "keine Warteschlange wurde genannt: zählt unter unknown",
    ),
    "unknown_segment": (
        "no segment was named: counted under unknown",
        "kein Segment wurde genannt: zählt unter unknown",
    ),
    "unknown_topic": (
        "no topic was named: every contact of the customer may follow it",
        "kein Thema wurde genannt: jeder Kontakt des Kunden kann ihm folgen",
    ),
    "unknown_customer": (
        "the customer is unknown: follow-ups cannot be seen",
        "der Kunde ist unbekannt: Folgekontakte sind nicht zu sehen",
    ),
    "unknown_facts_then": (
        "what the customer's other contacts said then is not kept",
        "was die anderen Kontakte des Kunden damals sagten, ist nicht aufbewahrt",
    ),
    "told_then": (
        "this is as of {told_at}: what the log was told later is left out",
        "dies ist der Stand vom {told_at}: was das Log später erfuhr, ist ausgelassen",
    ),
    "revised_since": (
        "{count} touchpoints were revised since; what they said before is gone",
        "{count} Touchpoints wurden seither berichtigt; was sie zuvor sagten, ist nicht mehr da",
    ),
    "unknown_facts": (
        "the customer's other contacts have not been read yet: nothing is said of follow-ups",
        "die anderen Kontakte des Kunden sind noch nicht gelesen: zu Folgekontakten wird nichts gesagt",
    ),
    "other_customers": (
        "{count} further customer ids were named; the earliest counts",
        "{count} weitere Kundennummern wurden genannt; die früheste zählt",
    ),
    "unknown_end": ("how the wait ended is not known (yet)", "wie das Warten endete, ist (noch) nicht bekannt"),
    "unknown_reply": (
        "whether and when we reply is not known (yet)",
        "ob und wann wir antworten, ist (noch) nicht bekannt",
    ),
    "unknown_promise": (
        "whether a promise was kept is not known (yet)",
        "ob ein Versprechen gehalten wurde, ist (noch) nicht bekannt",
    ),
    "unknown_time": (
        "a source's clock was ahead: what it sent counts at most a minute after it arrived",
        "die Uhr einer Quelle ging vor: was sie sandte, zählt höchstens eine Minute nach dem Eintreffen",
    ),
}

_FCR: Final[dict[str, tuple[str, str]]] = {
    "": ("not counted for first-contact resolution", "zählt nicht für die Erstlösung"),
    "resolved": ("resolved at first contact", "beim Erstkontakt gelöst"),
    "followed": ("not resolved: another contact followed", "nicht gelöst: ein weiterer Kontakt folgte"),
    "reopened": ("not resolved: reopened", "nicht gelöst: wieder geöffnet"),
    "unresolved": ("not resolved: so it was noted", "nicht gelöst: so wurde es vermerkt"),
    "transferred": ("not resolved: passed on", "nicht gelöst: weitergeleitet"),
}


def sentence(did: Did, lang: Language, zone: Zone) -> str:
    """What happened, as a sentence's end. Raises KeyError for what has no words."""
    english, german = _SENTENCES[did.what]
    values = {name: _value(name, value, lang, zone) for name, value in did.values.items()}
    return (german if lang == "de" else english).format(**values)


def fixed(what: str, lang: Language) -> str:
    """A sentence without values. Raises KeyError for what has no words."""
    english, german = _SENTENCES[what]
    return german if lang == "de" else english


def fcr_sentence(fcr: str, lang: Language) -> str:
    """The resolution in words; an unknown one is its own name."""
    english, german = _FCR.get(fcr, (fcr, fcr))
    return german if lang == "de" else english


def _value(name: str, value: str | int, lang: Language, zone: Zone) -> str:
    if isinstance(value, int) and name.endswith("_ms"):
        return speech.duration(value, lang)
    if isinstance(value, int) and name.endswith("_at"):
        return speech.moment(value, zone, lang)
    if name == "target" and lang == "de":
        count, _, unit = str(value).partition(" open ")
        return f"{count} Öffnungstagen" if unit == "days" else f"{count} {unit} Öffnungszeit" if unit else count
    return str(value)
