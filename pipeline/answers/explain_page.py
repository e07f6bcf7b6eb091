"""An explanation as a page: complete in itself but for the style sheets, and without the customer's id."""

from html import escape
from typing import Final

from pipeline.answers import explain_words, speech
from pipeline.answers.explanation import Counted, Explanation
from pipeline.answers.speech import Language
from pipeline.core.zone import Zone

WORDS: Final[dict[Language, dict[str, str]]] = {
    "en": {
        "contact": "Contact",
        "channel": "channel",
        "queue": "queue",
        "segment": "segment",
        "topic": "topic",
        "customer": "customer",
        "source": "source",
        "inbound": "inbound",
        "outbound": "outbound",
        "open": "open",
        "ended": "ended",
        "timeline": "What happened (local time, {zone})",
        "cells": "Where it counts",
        "minute": "minute",
        "measure": "measure",
        "adds": "adds",
        "fold": "from",
        "contact_fold": "the contact",
        "customer_fold": "the customer's contacts",
        "resolution": "First-contact resolution",
        "provisional": "provisional until {at}, when the follow-up window and the time for late news are over",
        "final": "final since {at}",
        "issue": "Its issue",
        "this": "this contact",
        "unknown": "What is not known",
        "follows": "It follows contact {name}.",
        "all_known": "Nothing is missing.",
        "sent": "sent as {at}",
        "touchpoint": "touchpoint",
        "time": "time",
        "did": "what it did",
        "back": "live page",
        "none": "There is no contact of this id.",
        "ask": "Give the id of a contact, as it stands in the lists of the live page: /contact?id=...",
    },
    "de": {
        "contact": "Kontakt",
        "channel": "Kanal",
        "queue": "Warteschlange",
        "segment": "Segment",
        "topic": "Thema",
        "customer": "Kunde",
        "source": "Quelle",
        "inbound": "eingehend",
        "outbound": "ausgehend",
        "open": "offen",
        "ended": "beendet",
        "timeline": "Was geschah (Ortszeit, {zone})",
        "cells": "Wo er zählt",
        "minute": "Minute",
        "measure": "Kennzahl",
        "adds": "Beitrag",
        "fold": "aus",
        "contact_fold": "dem Kontakt",
        "customer_fold": "den Kontakten des Kunden",
        "resolution": "Erstlösung",
        "provisional": "vorläufig bis {at}, wenn Folgekontakt-Fenster und Nachlauf vorbei sind",
        "final": "endgültig seit {at}",
        "issue": "Sein Anliegen",
        "this": "dieser Kontakt",
        "unknown": "Was nicht bekannt ist",
        "follows": "Er folgt auf Kontakt {name}.",
        "all_known": "Nichts fehlt.",
        "sent": "gesendet als {at}",
        "touchpoint": "Touchpoint",
        "time": "Zeit",
        "did": "was er bewirkte",
        "back": "Live-Seite",
        "none": "Einen Kontakt mit dieser Nummer gibt es nicht.",
        "ask": "Die Nummer eines Kontakts angeben, wie sie in den Listen der Live-Seite steht: /contact?id=...",
    },
}


def page(found: Explanation, lang: Language) -> str:
    """The page of a contact. It names contacts, never customers."""
    words, zone = WORDS[lang], Zone(found.zone)
    about = [
        f"{escape(words[name])} <b>{escape(value)}</b>"
        for name, value in (
            ("channel", found.channel),
            ("queue", found.queue),
            ("segment", found.segment),
            ("topic", found.topic),
            ("source", found.source),
        )
        if value
    ]
    about += [words["inbound" if found.inbound else "outbound"], words["open" if found.is_open else "ended"]]
    unknown = [explain_words.sentence(did, lang, zone) for did in found.unknown] or [words["all_known"]]
    body = "\n".join((
        f'<p class="about">{" · ".join(about)}</p>',
        f"<h2>{escape(words['timeline'].format(zone=zone.name))}</h2>",
        _timeline(found, lang, zone),
        f"<h2>{words['resolution']}</h2>",
        _resolution(found, lang, zone),
        f"<h2>{words['unknown']}</h2>",
        _list(unknown),
        f"<h2>{words['cells']}</h2>",
        _cells(found.cells, lang, zone),
    ))  # fmt: skip
    return _document(f"{words['contact']} {found.contact_id}", body, lang, found.contact_id)


def said(sentence: str, lang: Language) -> str:
    """A page that says one sentence: `none` (no such contact) or `ask` (no id given)."""
    return _document(WORDS[lang]["contact"], f"<p>{escape(WORDS[lang][sentence])}</p>", lang, "")


def _document(title: str, body: str, lang: Language, contact_id: str) -> str:
    links = ""
    for code, name in (("de", "Deutsch"), ("en", "English")):
        current = ' aria-current="page"' if code == lang else ""
        href = f"?id={_quoted(contact_id)}&amp;lang={code}"
        links += f'<a href="{href}" lang="{code}" hreflang="{code}"{current}>{name}</a> '
    return f"""<!doctype html>
<html lang="{lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)}</title>
<link rel="icon" href="/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/page.css">
<link rel="stylesheet" href="/contact.css">
</head>
<body class="contact">
<header>
<div class="top">
<p class="brand"><a href="/?lang={lang}">touchline</a></p>
<p class="age"><a href="/?lang={lang}">{WORDS[lang]["back"]}</a></p>
<nav aria-label="Sprache / Language">{links}</nav>
</div>
<h1 data-state="plain">{escape(title)}</h1>
</header>
<main>
{body}
</main>
</body>
</html>
"""


def _quoted(contact_id: str) -> str:
    """As part of a link: what is not plain is written as %XX of its UTF-8 bytes."""
    plain = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
    return "".join(chr(byte) if byte in plain else f"%{byte:02X}" for byte in contact_id.encode("utf-8", "replace"))


def _list(sentences: list[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences) + "</ul>"


def _table(caption: str, heads: list[str], rows: list[str], kind: str) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}"><table class="{kind}">'
        f"<caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _timeline(found: Explanation, lang: Language, zone: Zone) -> str:
    words = WORDS[lang]
    rows: list[str] = []
    before = ""
    for step in found.steps:
        day = speech.day(zone.local_date(step.at_ms), lang)
        told = [explain_words.sentence(did, lang, zone) for did in step.did]
        if step.sent_at_ms is not None:
            told.append(words["sent"].format(at=speech.moment(step.sent_at_ms, zone, lang)))
        at = speech.clock(step.at_ms, zone)
        shown = at if day == before else f"{day} {at}"
        before = day
        quiet = ' class="quiet"' if step.did[0].what == "nothing" else ""
        rows.append(
            f'<tr{quiet}><th scope="row">{shown}</th><td><code>{escape(step.type)}</code></td>'
            f"<td>{'<br>'.join(escape(each) for each in told)}</td></tr>"
        )
    heads = [words["time"], words["touchpoint"], words["did"]]
    return _table(words["timeline"].format(zone=zone.name), heads, rows, "told")


def _resolution(found: Explanation, lang: Language, zone: Zone) -> str:
    words, resolution = WORDS[lang], found.resolution
    reasons = [explain_words.fixed(why, lang) for why in resolution.why_not]
    reasons += [explain_words.sentence(did, lang, zone) for did in resolution.because]
    if resolution.final_from_ms is not None and resolution.fcr:
        at = speech.moment(resolution.final_from_ms, zone, lang)
        reasons.append(words["final" if resolution.is_final else "provisional"].format(at=at))
    parts = [f"<p><b>{escape(explain_words.fcr_sentence(resolution.fcr, lang))}</b></p>", _list(reasons)]
    if len(resolution.issue) > 1:
        parts.append(f"<h3>{words['issue']}</h3><ul>")
        for sibling in resolution.issue:
            at = speech.moment(sibling.requested_ms, zone, lang, seconds=False)
            name = escape(sibling.contact_id)
            if sibling.contact_id == found.contact_id:
                shown = f"<b>{name}</b> ({words['this']})"
            else:
                shown = f'<a href="?id={_quoted(sibling.contact_id)}&amp;lang={lang}">{name}</a>'
            said_of = escape(explain_words.fcr_sentence(sibling.fcr, lang))
            parts.append(f"<li>{at} · {shown} · {escape(sibling.channel)} · {said_of}</li>")
        parts.append("</ul>")
    return "".join(parts)


def _cells(cells: list[Counted], lang: Language, zone: Zone) -> str:
    words = WORDS[lang]
    rows: list[str] = []
    before: tuple[str, ...] = ()
    for cell in cells:
        place = (
            speech.moment(cell.window_s * 1_000, zone, lang, seconds=False), cell.channel, cell.queue, cell.segment,
        )  # fmt: skip
        shown = ("", "", "", "") if place == before else place
        before = place
        first, *others = (escape(each) for each in shown)
        rows.append(
            f'<tr><th scope="row">{first}</th>{"".join(f"<td>{each}</td>" for each in others)}'
            f'<td><code>{escape(cell.measure)}</code></td><td class="number">{speech.number(cell.value, lang)}</td>'
            f"<td>{words[f'{cell.fold}_fold']}</td></tr>"
        )
    heads = [words[name] for name in ("minute", "channel", "queue", "segment", "measure", "adds", "fold")]
    return _table(words["cells"], heads, rows, "told")
