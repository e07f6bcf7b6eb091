"""What has been quiet for long is not in memory, and counts all the same: from outside, on the embedded stack."""

from pathlib import Path
from typing import Any

import pytest

from tests.app.command import replay, rows, touchline, write

DAY = 86_400_000
BEGIN = 1_774_800_000_000


def told(contact: str, customer: str, type_: str, days: float, **fields: Any) -> dict[str, Any]:
    return {
        "id": f"{contact}-{type_}-{days}",
        "type": type_,
        "time": BEGIN + int(days * DAY),
        "contact_id": contact,
        "customer_id": customer,
        "channel": "phone",
        **fields,
    }


def call(contact: str, customer: str, days: float) -> list[dict[str, Any]]:
    """Asked, answered, closed."""
    types = ("contact.queued", "contact.answered", "contact.closed")
    return [told(contact, customer, type_, days + n / 1_000) for n, type_ in enumerate(types)]


@pytest.mark.process
def test_what_is_cold_is_read_back_and_a_restart_in_between_changes_nothing(tmp_path: Path) -> None:
    quiet = [t for n in range(40) for t in call(f"k{n}", f"c{n % 20}", n / 1_000)]
    others = [t for n in range(40) for t in call(f"later{n}", f"other{n}", 60 + n / 1_000)]
    # Of old ones: reopened, revised, and followed by another call that came in time and is told only now.
    late = [told("k1", "c1", "contact.reopened", 61), {**told("k2", "c2", "contact.closed", 0.02), "resolved": False}]
    late += [t for n in range(3, 9) for t in call(f"again{n}", f"c{n}", 1 + n / 1_000)]
    parts = [write(tmp_path / f"{n}.jsonl", each) for n, each in enumerate((quiet, others, late))]
    data = tmp_path / "data"
    for part in parts:
        replay(part, data=data)
    found = rows(
        "SELECT c.contact_id AS contact_id, touchpoints, fcr, followed_by_contact_id AS next"
        " FROM (SELECT * FROM touchline_internal.contacts FINAL) AS c"
        " JOIN (SELECT * FROM touchline_internal.resolutions FINAL) AS r USING contact_id",
        data,
    )
    by_id = {row["contact_id"]: (int(row["touchpoints"]), row["fcr"], row["next"]) for row in found}
    assert len(by_id) == 40 + 40 + 6
    assert by_id["k1"] == (4, "reopened", "k21")
    assert by_id["k2"] == (4, "unresolved", "k22")
    assert {by_id[f"k{n}"] for n in range(3, 9)} == {(3, "followed", f"k{n}") for n in range(23, 29)}
    assert {by_id[f"k{n}"][1:] for n in range(23, 29)} == {("followed", f"again{n}") for n in range(3, 9)}
    audit = touchline("audit", "--data", str(data))
    assert audit.returncode == 0, audit.stdout + audit.stderr
