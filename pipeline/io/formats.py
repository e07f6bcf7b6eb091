"""A query's rows as text for `touchline query`, where they came over the native protocol (it has no formats)."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

import msgspec

Rows = Sequence[Sequence[Any]]

_TSV_ESCAPES: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": "\\0"})


def _plain(value: Any) -> Any:
    """A value JSON can hold, dates as ClickHouse writes them."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, datetime):
        text = value.strftime("%Y-%m-%d %H:%M:%S")
        return f"{text}.{value.microsecond // 1000:03}" if value.microsecond else text
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Mapping):
        return {str(_plain(key)): _plain(each) for key, each in value.items()}
    return value


def _text(value: Any, null: str) -> str:
    if value is None:
        return null
    plain = _plain(value)
    return plain if isinstance(plain, str) else msgspec.json.encode(plain).decode()


def _json_each_row(names: Sequence[str], rows: Rows) -> bytes:
    encode = msgspec.json.Encoder().encode
    lines = [encode(dict(zip(names, map(_plain, row), strict=True))) for row in rows]
    return b"".join(line + b"\n" for line in lines)


def _tsv(_names: Sequence[str], rows: Rows) -> bytes:
    lines = [
        "\t".join("\\N" if v is None else _text(v, "").translate(_TSV_ESCAPES) for v in row) + "\n" for row in rows
    ]
    return "".join(lines).encode()


def _tsv_with_names(names: Sequence[str], rows: Rows) -> bytes:
    return _tsv(names, [names]) + _tsv(names, rows)


def _csv(_names: Sequence[str], rows: Rows) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    for row in rows:
        writer.writerow([value if isinstance(value, int | float) else _text(value, "\\N") for value in row])
    return out.getvalue().encode()


def _csv_with_names(names: Sequence[str], rows: Rows) -> bytes:
    return _csv(names, [names]) + _csv(names, rows)


def _pretty(names: Sequence[str], rows: Rows) -> bytes:
    cells = [list(names), *[[_text(value, "NULL") for value in row] for row in rows]]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "".join(f"{line}\n" for line in lines).encode()


_WRITERS: Final[Mapping[str, Callable[[Sequence[str], Rows], bytes]]] = {
    "JSONEachRow": _json_each_row,
    "TSV": _tsv,
    "TabSeparated": _tsv,
    "TSVWithNames": _tsv_with_names,
    "TabSeparatedWithNames": _tsv_with_names,
    "CSV": _csv,
    "CSVWithNames": _csv_with_names,
    "Pretty": _pretty,
    "PrettyCompact": _pretty,
}


def render(names: Sequence[str], rows: Rows, format_: str) -> bytes:
    """The rows in a format; Parquet needs pyarrow. Raises ValueError for a format it does not know."""
    if format_ == "Parquet":
        return _parquet(names, rows)
    writer = _WRITERS.get(format_)
    if writer is None:
        raise ValueError(
            f"no format {format_!r} over the native protocol; there are {', '.join([*_WRITERS, 'Parquet'])}"
        )
    return writer(names, rows)


def _parquet(names: Sequence[str], rows: Rows) -> bytes:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ModuleNotFoundError:
        raise ValueError("Parquet needs pyarrow: pip install 'touchline[embedded]'") from None
    columns = list(zip(*rows, strict=True)) if rows else [() for _ in names]
    out = io.BytesIO()
    parquet.write_table(pa.table(dict(zip(names, map(list, columns), strict=True))), out)
    return out.getvalue()
