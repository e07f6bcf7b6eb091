"""What a head of service reads in the morning: one day as a report. Pure; reading is in `pipeline.io.mornings`."""

from datetime import date

from pipeline.answers import morning_customers as customers
from pipeline.answers import morning_waiting as waiting
from pipeline.answers import speech
from pipeline.answers.morning_material import Making, Material, change
from pipeline.answers.report import Plot, Report, Section, Tile
from pipeline.answers.speech import Language
from pipeline.answers.sums import added, histogram, ratio
from pipeline.core.cells import Cell
from pipeline.core.histogram import quantile
from pipeline.core.rules import Rulebook
from pipeline.core.zone import HOUR_MS
from schemas.catalogue import title


def build(of: Material, rulebook: Rulebook, lang: Language) -> Report:
    """The report of a day; of a day on which nothing happened it says so."""
    making = Making(of, rulebook, lang)
    day = date.fromordinal(of.day)
    heading = title(rulebook.catalogue.titles, "touchline", lang)
    shown = speech.long_day(day, lang)
    notes = _notes(making)
    if not of.cells:
        said = making.say(
            f"Nothing happened on {shown}: no contact, no message, no promise due.",
            f"Am {shown} ist nichts geschehen: kein Kontakt, keine Nachricht, kein fälliges Versprechen.",
        )
        empty = Section("empty", making.say("An empty day", "Ein leerer Tag"), [said])
        return Report(day.isoformat(), lang, heading, shown, [], [empty], [], notes)
    found = [
        waiting.live(making),
        waiting.silence(making),
        waiting.beyond(making),
        waiting.deferred(making),
        customers.promises(making),
        customers.risk(making),
        customers.resolution(making),
        customers.voice(making),
    ]
    return Report(
        day.isoformat(),
        lang,
        heading,
        shown,
        _tiles(making),
        [section for section in found if section is not None],
        _plots(making),
        notes,
    )


def _notes(making: Making) -> list[str]:
    of, zone, lang, say = making.of, making.zone, making.lang, making.say
    end_ms = zone.start_of_ms(of.day + 1)
    notes = [
        say(
            f"Days and hours are in {zone.name}. Compared with {making.last_week()}.",
            f"Tage und Stunden in {zone.name}. Verglichen mit {making.last_week()}.",
        )
    ]
    if of.cells and not of.earlier:
        notes.append(say(f"Of {making.last_week()} nothing is known.", f"Vom {making.last_week()} ist nichts bekannt."))
    if of.now_ms < end_ms:
        notes.append(
            say(
                "The day is not over yet, and is compared with a whole one.",
                "Der Tag ist noch nicht vorbei und wird mit einem ganzen verglichen.",
            )
        )
    elif of.data_until_ms is not None and of.data_until_ms < end_ms:
        until = speech.moment(of.data_until_ms, zone, lang)
        notes.append(
            say(
                f"Not every source has been read to the end of the day: some only until {until}.",
                f"Nicht alles ist bis zum Ende des Tages gelesen: manches erst bis {until}.",
            )
        )
    return notes


def _tiles(making: Making) -> list[Tile]:
    lang, say = making.lang, making.say
    live, before = (making.chosen(cells, "live") for cells in (making.of.cells, making.of.earlier))
    written, written_before = (making.chosen(cells, "deferred") for cells in (making.of.cells, making.of.earlier))
    now, then = making.sums(live, today=True), making.sums(before)
    replied, replied_then = making.sums(written, today=True), making.sums(written_before)
    whole, whole_then = making.sums(making.of.cells), making.sums(making.of.earlier)
    level = ratio(making.headline, now)
    compared = say("vs last week {}", "zur Vorwoche {}")

    def points(one: float | None, other: float | None) -> str:
        gain = change(one, other)
        return "" if gain is None else compared.format(speech.points(gain, lang))

    def count(name: str) -> str:
        return compared.format(speech.signed(whole[name] - whole_then[name], lang)) if making.of.earlier else ""

    due = making.promises_due()
    kept = whole["promises_kept"] / due if due else None
    kept_then = whole_then["promises_kept"] / whole_then["promises_due"] if whole_then["promises_due"] else None
    promised = say("{} of {} promises due", "{} von {} fälligen Versprechen")
    waited = speech.number(whole["offered"], lang)
    tiles = [
        Tile(
            say("Answered within the target", "Im Ziel angenommen"),
            speech.percent(level, lang),
            f"{making.headline}, {say('phone, chat, branch', 'Telefon, Chat, Filiale')}",
            points(level, ratio(making.headline, then)),
        )
        if now["offered"]
        else None,
        Tile(
            say("Replied within the target", "Im Ziel beantwortet"),
            speech.percent(ratio("sl_response", replied), lang),
            f"sl_response, {say('mail and other writing', 'E-Mail und anderes Schriftliche')}",
            points(ratio("sl_response", replied), ratio("sl_response", replied_then)),
        )
        if ratio("sl_response", replied) is not None
        else None,
        Tile(
            say("Gave up waiting", "Aufgegeben"),
            speech.number(whole["abandoned"], lang),
            say(f"of {waited} who waited for a person", f"von {waited}, die auf einen Menschen warteten"),
            count("abandoned"),
        )
        if whole["offered"]
        else None,
        Tile(
            say("Waited without a word", "Ohne Ansage gewartet"),
            speech.number(whole["waited_unannounced"], lang),
            say("longer than promised in silence", "länger als zugesagt in Stille"),
            count("waited_unannounced"),
        )
        if whole["offered"]
        else None,
        Tile(
            say("Promises kept", "Versprechen gehalten"),
            speech.percent(kept, lang),
            promised.format(speech.number(whole["promises_kept"], lang), speech.number(due, lang)),
            points(kept, kept_then),
        )
        if due
        else None,
    ]
    return [tile for tile in tiles if tile is not None]


def _plots(making: Making) -> list[Plot]:
    say, of = making.say, making.of
    begins_ms, ends_ms = making.zone.start_of_ms(of.day), making.zone.start_of_ms(of.day + 1)
    hours = range(begins_ms - begins_ms % HOUR_MS, ends_ms, HOUR_MS)
    live = [making.chosen(of.hours.get(hour, {}), "live") for hour in hours]
    counted = [making.sums(cells) for cells in live]
    whole = [added(cells.values()) for cells in live]
    labels = [speech.clock(hour, making.zone, seconds=False) for hour in hours]
    days = range(min(of.days, default=of.day), of.day + 1)
    by_day = [making.sums(making.chosen(of.days.get(day, {}), "live")) for day in days]
    written = [making.sums(making.chosen(of.days.get(day, {}), "deferred")) for day in days]
    in_target = say("in target", "im Ziel")
    return [
        Plot(
            "hours",
            say("Through the day: who waited, and who was answered in the target",
                "Über den Tag: wer wartete, und wer im Ziel angenommen wurde"),
            labels,
            {
                say("answered", "angenommen"): [float(each["answered"]) for each in counted],
                say("gave up", "aufgegeben"): [float(each["abandoned"]) for each in counted],
            },
            {f"{in_target} ({making.headline})": [ratio(making.headline, each) for each in counted]},
            say("contacts", "Kontakte"),
            in_target,
        ),
        Plot(
            "waits",
            say("How long people waited", "Wie lange gewartet wurde"),
            labels,
            {},
            {
                say("half of them at most", "die Hälfte höchstens"): _quantiles(whole, 50),
                say("9 of 10 at most", "9 von 10 höchstens"): _quantiles(whole, 90),
            },
            "",
            say("minutes", "Minuten"),
            "ms",
        ),
        Plot(
            "days",
            say("The last two weeks: in the target", "Die letzten zwei Wochen: im Ziel"),
            [speech.day(date.fromordinal(day), making.lang)[:6].rstrip(" .") for day in days],
            {},
            {
                f"{say('phone, chat, branch', 'Telefon, Chat, Filiale')} ({making.headline})": [
                    ratio(making.headline, each) for each in by_day
                ],
                f"{say('mail and other writing', 'Schriftliches')} (sl_response)": [
                    ratio("sl_response", each) for each in written
                ],
            },
            "",
            in_target,
        ),
    ]  # fmt: skip


def _quantiles(cells: list[Cell], share: int) -> list[float | None]:
    return [None if (found := quantile(histogram(cell, "wait_ms"), share)) is None else float(found) for cell in cells]
