"""The sections of a morning report about customers: promises, who is at risk, whether we helped, what they say."""

from datetime import date

from pipeline.answers import speech
from pipeline.answers.morning_material import Cells, Making, change
from pipeline.answers.report import Column, Row, Section, Table, Value
from pipeline.answers.sums import ratio

_WORST = 10
"""Customers listed by name; the tables count all of them."""


def promises(making: Making) -> Section | None:
    """What was promised for the day, and what became of it."""
    say, lang = making.say, making.lang
    now, then = making.sums(making.of.cells), making.sums(making.of.earlier)
    so_far = making.promises_due()
    if not so_far:
        return None
    left = so_far - now["promises_kept"] - now["promises_late"] - now["promises_broken"]
    before = then["promises_kept"] / then["promises_due"] if then["promises_due"] else None
    share = now["promises_kept"] / so_far
    compared = change(share, before)
    kept, due = speech.number(now["promises_kept"], lang), speech.number(so_far, lang)
    versus, shown = say("vs the week before", "zur Vorwoche"), speech.percent(share, lang)
    ending = "." if compared is None else f", {speech.points(compared, lang)} {versus}."
    said = [
        say(
            f"{kept} of {due} promises due were kept in time ({shown}){ending}",
            f"{kept} von {due} fälligen Versprechen wurden rechtzeitig gehalten ({shown}){ending}",
        )
    ]
    if now["promises_late"]:
        mean = speech.duration(now["promise_late_ms"] / now["promises_late"], lang)
        said.append(say(f"Late ones were late by {mean} on average.", f"Verspätete kamen im Mittel {mean} zu spät."))
    if left:
        said.append(
            say(
                f"{speech.number(left, lang)} are open: nobody said what became of them.",
                f"{speech.number(left, lang)} sind offen: niemand hat gesagt, was aus ihnen wurde.",
            )
        )
    columns = (
        Column("promises_due", say("due", "fällig"), "count"),
        Column("promises_kept", say("kept", "gehalten"), "count"),
        Column("promises_late", say("late", "verspätet"), "count"),
        Column("promises_broken", say("broken", "gebrochen"), "count"),
        Column("promises_open", say("open", "offen"), "count"),
        Column("promises_kept_ratio", say("kept in time", "rechtzeitig"), "ratio"),
    )
    kinds = {
        "callback": say("callback", "Rückruf"),
        "appointment": say("appointment", "Termin"),
        "delivery": say("delivery", "Lieferung"),
        "repair": say("repair", "Reparatur"),
        "refund": say("refund", "Erstattung"),
        "other": say("other", "Sonstiges"),
    }
    rows = [
        Row(
            each.kind,
            kinds.get(each.kind, each.kind),
            (
                each.due - each.pending,
                each.kept,
                each.late,
                each.broken,
                each.due - each.pending - each.kept - each.late - each.broken,
                each.kept / (each.due - each.pending),
            ),
        )
        for each in making.of.promises or ()
        if each.due > each.pending
    ]
    total = (so_far, now["promises_kept"], now["promises_late"], now["promises_broken"], left, share)
    rows.append(Row("", say("all", "alle"), total, is_total=True))
    if making.of.promises is None:
        said.append(_no_views(making))
    title = say("Promises: kept and broken", "Versprechen: gehalten und gebrochen")
    return Section("promises", title, said, [Table("promises", say("kind", "Art"), columns, rows)])


def _no_views(making: Making) -> str:
    return making.say(
        "The views that tell more are not here: they need ClickHouse 24.8 or newer, and touchline apply.",
        "Die Sichten, die mehr sagen, fehlen hier: sie brauchen ClickHouse 24.8 oder neuer, und touchline apply.",
    )


def risk(making: Making) -> Section | None:
    """Customers who may leave, and those who say nothing."""
    say, lang, found = making.say, making.lang, making.of.risk
    title = say("Customers at risk", "Gefährdete Kunden")
    if found is None:
        return Section("risk", title, [_no_views(making)])
    if not found.total and not found.silent:
        return Section("risk", title, [say("Nobody, as far as is known.", "Niemand, soweit bekannt.")])
    reasons = {
        "unsettled_complaint": say("a complaint that is not settled", "eine Beschwerde, die nicht erledigt ist"),
        "two_abandons": say("gave up waiting twice", "zweimal beim Warten aufgegeben"),
        "detractor": say("would not recommend us", "würde uns nicht weiterempfehlen"),
        "broken_promise": say("a broken promise", "ein gebrochenes Versprechen"),
        "three_contacts_on_one_topic": say("three contacts about one topic", "drei Kontakte zu einem Thema"),
    }
    until = speech.moment(found.until_ms, making.zone, lang, seconds=False)
    said = [
        say(
            f"{speech.number(found.total, lang)} customers have had a reason to leave in the 30 days up to {until},"
            f" {speech.number(len(found.new), lang)} of them on this day.",
            f"{speech.number(found.total, lang)} Kunden hatten in den 30 Tagen bis {until} Grund zu gehen,"
            f" {speech.number(len(found.new), lang)} davon an diesem Tag.",
        )
    ]
    if found.silent:
        said.append(
            say(
                f"{speech.number(found.silent, lang)} customers to whom something bad happened on this day have not"
                " said a word since.",
                f"{speech.number(found.silent, lang)} Kunden, denen an diesem Tag Schlechtes widerfuhr, haben seither"
                " nichts mehr gesagt.",
            )
        )
    counted = Table(
        "risk_reasons",
        say("reason", "Grund"),
        (Column("customers", say("customers", "Kunden"), "count"),),
        [
            Row(name, reasons.get(name, name), (n,))
            for name, n in sorted(found.by_reason.items(), key=lambda item: (-item[1], item[0]))
        ],
    )
    listed = Table(
        "risk_customers",
        "",
        (
            Column("customer_id", say("customer", "Kunde"), "text"),
            Column("reasons", say("reasons", "Gründe"), "text"),
            Column("contact_ids", say("contacts", "Kontakte"), "text"),
        ),
        [
            Row(
                each.customer_id,
                "",
                (
                    each.customer_id,
                    ", ".join(reasons.get(name, name) for name in each.reasons),
                    ", ".join(each.contact_ids),
                ),
            )
            for each in sorted(found.new, key=lambda each: (-len(each.reasons), each.customer_id))[:_WORST]
        ],
        frozenset({"customer_id"}),
    )
    return Section("risk", title, said, [table for table in (counted, listed) if table.rows])


def resolution(making: Making) -> Section | None:
    """First-contact resolution: provisional for the day, final for the newest day that can be."""
    say, lang, of = making.say, making.lang, making.of
    now = making.sums(of.cells)
    settings = making.rulebook.settings
    if not now["fcr_eligible"] and of.final_day is None:
        return None
    said: list[str] = []
    rows: list[Row] = []
    day = date.fromordinal(of.day)
    if now["fcr_eligible"]:
        final_ms = making.zone.start_of_ms(of.day + 1) + settings.follow_up_window_ms + settings.lateness_ms
        until = speech.moment(final_ms, making.zone, lang, seconds=False)
        is_final = of.final_day is not None and of.day <= of.final_day
        state = say("final", "endgültig") if is_final else say(f"provisional until {until}", f"vorläufig bis {until}")
        said.append(
            say(
                f"{speech.percent(ratio('fcr', now), lang)} of the day's matters were resolved at first contact:"
                f" {state}.",
                f"{speech.percent(ratio('fcr', now), lang)} der Anliegen des Tages wurden beim Erstkontakt gelöst:"
                f" {state}.",
            )
        )
        rows.append(_resolved(making, day, of.cells, state))
    if of.final_day is not None and of.final_day < of.day:
        final = date.fromordinal(of.final_day)
        after = making.sums(of.final_cells)
        before = making.sums(of.final_earlier)
        gain = change(ratio("fcr", after), ratio("fcr", before))
        versus = say("vs the same weekday before", "zum selben Wochentag davor")
        said.append(
            say(
                f"The newest final day is {speech.long_day(final, lang)}: {speech.percent(ratio('fcr', after), lang)}",
                f"Der neueste endgültige Tag ist {speech.long_day(final, lang)}:"
                f" {speech.percent(ratio('fcr', after), lang)}",
            )
            + ("." if gain is None else f", {speech.points(gain, lang)} {versus}.")
        )
        rows.append(_resolved(making, final, of.final_cells, say("final", "endgültig")))
        said.append(
            say(
                "A provisional day looks better than it will be: follow-ups may still come. Do not compare the two.",
                "Ein vorläufiger Tag sieht besser aus, als er sein wird: Folgekontakte können noch kommen. Nicht beide"
                " vergleichen.",
            )
        )
    columns = (
        Column("state", say("state", "Stand"), "text"),
        Column("fcr_eligible", say("matters", "Anliegen"), "count"),
        Column("fcr_resolved", say("resolved", "gelöst"), "count"),
        Column("fcr", say("share", "Anteil"), "ratio"),
        Column("fcr_followed", say("followed up", "Folgekontakt"), "count"),
        Column("fcr_reopened", say("reopened", "wieder geöffnet"), "count"),
        Column("fcr_unresolved", say("noted unresolved", "als ungelöst vermerkt"), "count"),
        Column("chased", say("asked again meanwhile", "zwischendurch nachgefragt"), "count"),
    )
    title = say("Did we help? First-contact resolution", "Haben wir geholfen? Erstlösung")
    return Section("resolution", title, said, [Table("resolution", say("day", "Tag"), columns, rows)])


def _resolved(making: Making, day: date, cells: Cells, state: str) -> Row:
    found = making.sums(cells)
    values = (
        state, found["fcr_eligible"], found["fcr_resolved"], ratio("fcr", found), found["fcr_followed"],
        found["fcr_reopened"], found["fcr_unresolved"], found["chased"],
    )  # fmt: skip
    return Row(day.isoformat(), speech.day(day, making.lang), values)


def voice(making: Making) -> Section | None:
    """What customers said."""
    say, lang = making.say, making.lang
    now, then = making.sums(making.of.cells), making.sums(making.of.earlier)
    asked: tuple[tuple[str, str, int, tuple[Value, Value, Value]], ...] = (
        ("complaints", say("complaints raised", "Beschwerden"), now["complaints"], (now["complaints"], None, None)),
        (
            "complaints_settled",
            say("of them settled", "davon erledigt"),
            now["complaints"],
            (now["complaints_settled"], None, None),
        ),
        (
            "csat_top2",
            say("satisfied (CSAT, two best marks)", "zufrieden (CSAT, zwei beste Noten)"),
            now["csat_n"],
            (now["csat_top2"], _share(now, "csat_top2", "csat_n"), None),
        ),
        (
            "nps",
            say("would recommend us (NPS)", "würden uns empfehlen (NPS)"),
            now["nps_n"],
            (
                now["nps_promoters"],
                None,
                change(_share(now, "nps_promoters", "nps_n"), _share(now, "nps_detractors", "nps_n")),
            ),
        ),
        (
            "solved_yes",
            say("question answered", "Frage beantwortet"),
            now["solved_n"],
            (now["solved_yes"], _share(now, "solved_yes", "solved_n"), None),
        ),
        (
            "customers_left",
            say("customers left", "Kunden gegangen"),
            now["customers_left"],
            (now["customers_left"], None, None),
        ),
    )
    rows = [Row(name, label, (*values, n)) for name, label, n, values in asked if n]
    if not rows:
        return None
    columns = (
        Column("number", say("number", "Anzahl"), "count"),
        Column("share", say("share", "Anteil"), "ratio"),
        Column("score", say("score", "Wert"), "score"),
        Column("answers", say("of", "von"), "count"),
    )
    said: list[str] = []
    gain = now["complaints"] - then["complaints"]
    if now["complaints"] and making.of.earlier:
        said.append(
            say(
                f"{speech.signed(gain, lang)} complaints vs the week before.",
                f"{speech.signed(gain, lang)} Beschwerden zur Vorwoche.",
            )
        )
    return Section("voice", say("What customers say", "Was Kunden sagen"), said, [Table("voice", "", columns, rows)])


def _share(of: dict[str, int], name: str, count: str) -> float | None:
    return of[name] / of[count] if of[count] else None
