"""A report for spreadsheets and programs: CSV and Parquet, one row per number."""

import csv
import io
from collections.abc import Sequence
from typing import Final

from msgspec import structs

from pipeline.answers.report import Flat
from pipeline.answers.speech import Language

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""What spreadsheets take for the beginning of a formula."""


class NoParquet(Exception):
    """The library that writes it is not installed; says how to get it."""


def csv_bytes(rows: Sequence[Flat], lang: Language) -> bytes:
    """CSV as spreadsheets of that language open it: in German semicolons and decimal commas. UTF-8 with its mark."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";" if lang == "de" else ",", lineterminator="\r\n")
    writer.writerow(Flat.__struct_fields__)
    for row in rows:
        writer.writerow([_cell(value, lang) for value in structs.astuple(row)])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _cell(value: str | float | None, lang: Language) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    text = f"{value:.10g}" if value != int(value) else str(int(value))
    return text.replace(".", ",") if lang == "de" else text


def parquet_bytes(rows: Sequence[Flat]) -> bytes:
    """Parquet with one typed column per field. Raises NoParquet."""
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ModuleNotFoundError:
        raise NoParquet("Parquet needs pyarrow: pip install 'touchline[embedded]'") from None
    text, number = pa.string(), pa.float64()
    names = Flat.__struct_fields__
    columns = {
        name: pa.array([getattr(row, name) for row in rows], number if name == "value" else text) for name in names
    }
    out = io.BytesIO()
    parquet.write_table(pa.table(columns), out)
    return out.getvalue()
