"""The sections of a morning report about waiting for us: on the phone and the like, and in writing."""

from pipeline.answers import speech
from pipeline.answers.morning_material import Beyond, Cells, Making, by_queue, change, formula_words
from pipeline.answers.report import Column, Row, Section, Table, Value
from pipeline.answers.sums import added, given, histogram, ratio
from pipeline.core.histogram import quantile
from pipeline.core.zone import HOUR_MS

_WORST = 10
"""Contacts listed by name; the tables count all of them."""


def live(making: Making) -> Section:
    """Live channels: who waited for a person, by queue."""
    say, lang = making.say, making.lang
    found, before = making.chosen(making.of.cells, "live"), making.chosen(making.of.earlier, "live")
    columns = (
        Column("requested", say("asked", "Anfragen"), "count"),
        Column("offered", say("waited", "warteten"), "count"),
        Column("answered", say("answered", "angenommen"), "count"),
        Column("abandoned", say("gave up", "aufgegeben"), "count"),
        Column(making.headline, say("in target", "im Ziel"), "ratio"),
        Column(f"{making.headline}_change", say("vs week before", "zur Vorwoche"), "ratio_change"),
        Column("asa_ms", say("mean wait", "Wartezeit Mittel"), "ms"),
        Column("wait_p90_ms", say("9 of 10 within", "9 von 10 binnen"), "ms"),
    )

    def values(cells: Cells, earlier: Cells) -> tuple[Value, ...]:
        now, then = making.sums(cells, today=True), making.sums(earlier)
        level = ratio(making.headline, now)
        waits = quantile(histogram(added(cells.values()), "wait_ms"), 90)
        return (
            now["requested"],
            now["offered"],
            now["answered"],
            now["abandoned"],
            level,
            change(level, ratio(making.headline, then)),
            ratio("asa_ms", now),
            waits,
        )

    rows = by_queue(making, found, before, values, "requested", "offered")
    total = making.sums(found, today=True)
    people, answered = speech.number(total["offered"], lang), speech.percent(ratio(making.headline, total), lang)
    said = [
        say(
            f"{people} people waited for one of us; {answered} were answered within the target"
            f" ({formula_words(making.headline)}).",
            f"{people} Menschen warteten auf uns; {answered} wurden im Ziel angenommen"
            f" ({formula_words(making.headline)}).",
        )
        if total["offered"]
        else say("Nobody waited for one of us.", "Niemand wartete auf uns.")
    ]
    if total["undecided"]:
        said.append(
            say(
                f"{total['undecided']} still wait within the target and are in neither part.",
                f"{total['undecided']} warten noch im Ziel und zählen weder als Treffer noch als Fehler.",
            )
        )
    return Section(
        "live",
        say("Phone, chat, branch: who waited", "Telefon, Chat, Filiale: wer wartete"),
        said,
        [Table("live", say("queue", "Warteschlange"), columns, rows)],
        "hours",
    )


def silence(making: Making) -> Section | None:
    """Where customers waited without notice."""
    say, lang = making.say, making.lang
    columns = (
        Column("waited_unannounced", say("without a word", "ohne Ansage"), "count"),
        Column("waited_unannounced_change", say("vs week before", "zur Vorwoche"), "change"),
        Column("waited_unannounced_ratio", say("of those who waited", "der Wartenden"), "ratio"),
    )

    def values(cells: Cells, earlier: Cells) -> tuple[Value, ...]:
        now, then = making.sums(cells), making.sums(earlier)
        share = now["waited_unannounced"] / now["offered"] if now["offered"] else None
        before = then["waited_unannounced"] if making.of.earlier else None
        return now["waited_unannounced"], change(now["waited_unannounced"], before), share

    rows = by_queue(making, making.of.cells, making.of.earlier, values, "waited_unannounced")
    total = making.sums(making.of.cells)
    if not total["offered"]:
        return None
    by_hour = {hour: making.sums(cells)["waited_unannounced"] for hour, cells in making.of.hours.items()}
    worst = max(by_hour, key=lambda hour: (by_hour[hour], -hour), default=None)
    said = [
        say(
            "Waited or held in silence for longer than the catalogue allows.",
            "Länger in Stille gewartet oder gehalten worden, als der Katalog erlaubt.",
        )
        if total["waited_unannounced"]
        else say("Everybody who waited heard from us in time.", "Alle, die warteten, hörten rechtzeitig von uns.")
    ]
    if worst is not None and by_hour[worst]:
        begins = speech.clock(worst, making.zone, seconds=False)
        ends = speech.clock(worst + HOUR_MS, making.zone, seconds=False)
        said.append(
            say(
                f"Most of them between {begins} and {ends}: {speech.number(by_hour[worst], lang)}.",
                f"Die meisten zwischen {begins} und {ends} Uhr: {speech.number(by_hour[worst], lang)}.",
            )
        )
    tables = [Table("silence", say("queue", "Warteschlange"), columns, rows)] if rows else []
    return Section("silence", say("Waited without notice", "Ohne Ansage gewartet"), said, tables)


def beyond(making: Making) -> Section:
    """Who waited longest beyond the target, and which first replies came late or not at all."""
    say = making.say
    title = say("Beyond the target", "Über dem Ziel")
    tables = [
        _worst(making, "waits", say("longest waits", "längste Wartezeiten"), making.of.waits),
        _worst(making, "replies", say("latest first replies", "späteste erste Antworten"), making.of.replies),
    ]
    tables = [table for table in tables if table.rows]
    said = [
        say(
            f"The worst {_WORST} of each. The whole story of one: touchline explain CONTACT_ID",
            f"Jeweils die {_WORST} schlimmsten. Die Geschichte eines Kontakts: touchline explain KONTAKT --lang de",
        )
        if tables
        else say("Nobody was beyond the target.", "Niemand war über dem Ziel.")
    ]
    return Section("beyond", title, said, tables)


def _worst(making: Making, name: str, head: str, contacts: list[Beyond]) -> Table:
    say = making.say
    columns = (
        Column("channel", say("channel", "Kanal"), "text"),
        Column("queue", say("queue", "Warteschlange"), "text"),
        Column("began_at", say("since", "seit"), "moment"),
        Column("length_ms", say("took", "dauerte"), "ms"),
        Column("outcome", say("ended", "Ausgang"), "text"),
    )
    outcomes = {
        "answered": say("answered", "angenommen"),
        "abandoned": say("gave up", "aufgegeben"),
        "refused": say("refused", "abgelehnt"),
        "callback": say("asked for a callback", "Rückruf gewünscht"),
        "closed": say("closed", "geschlossen"),
        "contained": say("self-service", "Selbstservice"),
        "replied": say("replied", "beantwortet"),
        "waiting": say("still open", "noch offen"),
    }
    rows = [
        Row(
            each.contact_id,
            each.contact_id,
            (
                making.channel(each.channel),
                making.queue(each.queue),
                each.began_ms,
                (making.of.now_ms if each.ended_ms is None else each.ended_ms) - each.began_ms,
                outcomes.get(each.outcome, each.outcome),
            ),
        )
        for each in contacts[:_WORST]
    ]
    return Table(name, head, columns, rows)


def deferred(making: Making) -> Section | None:
    """Mail and other writing: replies due, and how they came."""
    say, lang = making.say, making.lang
    found, before = making.chosen(making.of.cells, "deferred"), making.chosen(making.of.earlier, "deferred")
    total = making.sums(found, today=True)
    if not any(total[name] for name in ("first_responses_due", "next_responses_due", "replies")):
        return None
    columns = (
        Column("first_responses_due", say("due", "fällig"), "count"),
        Column("first_responses", say("replied", "beantwortet"), "count"),
        Column("closed_unanswered", say("closed unanswered", "unbeantwortet zu"), "count"),
        Column("sl_response", say("in target", "im Ziel"), "ratio"),
        Column("sl_response_change", say("vs week before", "zur Vorwoche"), "ratio_change"),
        Column("first_response_open_mean_ms", say("mean, open time", "Mittel, Öffnungszeit"), "ms"),
        Column("first_response_mean_ms", say("mean, clock", "Mittel, Uhrzeit"), "ms"),
        Column("first_response_p90_ms", say("9 of 10 within, clock", "9 von 10 binnen, Uhrzeit"), "ms"),
    )

    def values(cells: Cells, earlier: Cells) -> tuple[Value, ...]:
        now, then = making.sums(cells, today=True), making.sums(earlier)
        whole = added(cells.values())
        opened = given(whole, "first_response_open_ms")
        return (
            now["first_responses_due"],
            now["first_responses"],
            now["closed_unanswered"],
            ratio("sl_response", now),
            change(ratio("sl_response", now), ratio("sl_response", then)),
            now["first_response_open_ms"] / opened if opened else None,
            ratio("first_response_mean_ms", now),
            quantile(histogram(whole, "first_response_ms"), 90),
        )

    rows = by_queue(making, found, before, values, "first_responses_due")
    due, level = speech.number(total["first_responses_due"], lang), ratio("sl_response", total)
    said = [say(f"{due} first replies became due.", f"{due} erste Antworten wurden fällig.")]
    if level is not None:
        shown, named = speech.percent(level, lang), formula_words("sl_response")
        said.append(
            say(
                f"{shown} came within the target ({named}); the unanswered are in it. Targets run in opening hours"
                " where a calendar applies.",
                f"{shown} kamen im Ziel ({named}); Unbeantwortetes zählt mit. Ziele laufen in der Öffnungszeit, wo ein"
                " Kalender gilt.",
            )
        )
    if total["responses_undecided"]:
        said.append(
            say(
                f"{total['responses_undecided']} are unanswered and still within the target: in neither part.",
                f"{total['responses_undecided']} sind noch unbeantwortet und im Ziel: weder Treffer noch Fehler.",
            )
        )
    title = say("Mail and other writing", "E-Mail und anderes Schriftliche")
    return Section("deferred", title, said, [Table("deferred", say("queue", "Warteschlange"), columns, rows)])
