"""The calendars of a catalogue: weekly hours, holidays, exceptions. YAML nodes in, data and notes out."""

from yaml.nodes import Node, SequenceNode

from schemas import catalogue_holidays as public_holidays
from schemas import catalogue_text as text
from schemas.catalogue_names import titles
from schemas.catalogue_nodes import Notes, fields, is_null, items, line_of, pairs, read, word, words
from schemas.catalogue_types import CalendarEntry, CalendarHours, HolidaySet, Intervals, Titles


def calendars(node: Node | None, known: tuple[str, ...], notes: Notes) -> dict[str, CalendarEntry]:
    """Opening hours by name: one group of keys, or a list of them of which all but one say from when on they hold."""
    found: dict[str, CalendarEntry] = {}
    for name, value in (pairs(node, "calendars", notes) if node else {}).items():
        where = f"calendar '{name}'"
        if name == "none":
            notes.add(
                value, "calendar 'none' cannot be defined: none means that no calendar applies; take another name"
            )
        parts = items(value, where, notes) if isinstance(value, SequenceNode) else [value]
        found[name] = _calendar(value, parts, where, known, notes)
    return found


def _calendar(value: Node, parts: list[Node], where: str, known: tuple[str, ...], notes: Notes) -> CalendarEntry:
    hours: dict[int | None, CalendarHours] = {}
    exceptions: dict[int, Intervals] = {}
    name: Titles = {}
    for part in parts:
        keys = fields(part, where, ("title", "weekly", "holidays", "exceptions", "valid_from"), notes)
        begins = _begins(keys.get("valid_from"), where, notes)
        if begins in hours:
            notes.add(part, f"{where}: there are hours from this date on already; give each other ones a valid_from")
        if "weekly" not in keys:
            notes.add(
                part, f"{where}: weekly is missing; write such as weekly: {{monday-friday: 08:00-18:00}} or always"
            )
        weekly = _weekly(keys["weekly"], where, notes) if "weekly" in keys else ((),) * 7
        hours[begins] = CalendarHours(weekly, _holidays(keys.get("holidays"), where, notes), begins)
        _exceptions(keys.get("exceptions"), where, exceptions, notes)
        name = {**name, **titles(keys.get("title"), where, known, notes)}
    if None not in hours:
        notes.add(value, f"{where}: one group of hours must have no valid_from, it holds before all others")
    return CalendarEntry(tuple(hours[key] for key in sorted(hours, key=lambda key: key or 0)), exceptions, name)


def _begins(node: Node | None, where: str, notes: Notes) -> int | None:
    if node is None:
        return None
    begins = read(node, f"{where}: valid_from", text.day, notes)
    # A date that cannot be read is no other hours' date.
    return -line_of(node) if begins is None else begins


def _weekly(node: Node, where: str, notes: Notes) -> tuple[Intervals, ...]:
    if node.value in ("always", "closed"):
        return (text.ALWAYS if node.value == "always" else (),) * 7
    if is_null(node) or not node.value:
        notes.add(node, f"{where}: weekly: name at least one day, or write always or closed")
    days: dict[int, Intervals] = {}
    for key, value in pairs(node, f"{where}: weekly (write always, or days with hours)", notes).items():
        try:
            numbers = text.weekday_numbers(key)
        except ValueError as error:
            notes.add(value, f"{where}: weekly {error}")
            continue
        opened = _hours_of_day(value, f"{where}: {key}", notes)
        for number in numbers:
            if number in days:
                notes.add(value, f"{where}: {text.WEEKDAYS[number]} has hours already; name each day once")
            days[number] = opened
    return tuple(days.get(number, ()) for number in range(7))


def _hours_of_day(node: Node, where: str, notes: Notes) -> Intervals:
    texts = words(node, where, notes)
    if node.value == []:
        notes.add(node, f"{where}: there are no hours; {text.HOW_INTERVALS}")
    try:
        return text.intervals(texts) if texts else ()
    except ValueError as error:
        notes.add(node, f"{where}: {error}")
        return ()


def _holidays(node: Node | None, where: str, notes: Notes) -> tuple[HolidaySet, ...]:
    if node is None or is_null(node):
        return ()
    found: set[HolidaySet] = set()
    for part in node.value if isinstance(node, SequenceNode) else [node]:
        keys = fields(part, f"{where}: holidays", ("country", "subdivision"), notes)
        country = word(keys["country"], f"{where}: holidays", notes) if "country" in keys else None
        subdivision = word(keys["subdivision"], f"{where}: holidays", notes) if "subdivision" in keys else ""
        if "country" not in keys:
            notes.add(part, f"{where}: holidays need a country; write such as {{country: DE, subdivision: BY}}")
        if country is None or subdivision is None:
            continue
        try:
            public_holidays.check(HolidaySet(country, subdivision))
            found.add(HolidaySet(country, subdivision))
        except ValueError as error:
            notes.add(part, f"{where}: holidays {error}")
    return tuple(sorted(found))


def _exceptions(node: Node | None, where: str, found: dict[int, Intervals], notes: Notes) -> None:
    for key, value in (pairs(node, f"{where}: exceptions", notes) if node else {}).items():
        opened = _hours_of_day(value, f"{where}: {key}", notes)
        try:
            ordinal = text.day(key)
        except ValueError as error:
            notes.add(value, f"{where}: exceptions {error}")
            continue
        if ordinal in found:
            notes.add(value, f"{where}: {key} has an exception already; name each date once")
        found[ordinal] = opened
