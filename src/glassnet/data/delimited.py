"""CSV text → a frame: encoding, separator and decimal mark are found where they are not given."""

import codecs
import csv
import io
import re
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence

import polars as pl

from glassnet.data.cells import NUMBER, PADDED, as_numbers, as_text
from glassnet.errors import DataWarning, TableError

SEPARATORS = (",", ";", "\t", "|")
MISSING = ("", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NaT", "null", "NULL", "None", "?")
DASHES = ("-", ".", "--")  # missing among numbers; among words they may be values, as + and -
COMMA_NUMBER = r"^[+-]?(\d{1,3}(\.\d{3})+|\d+)(,\d+)?$"  # 1.234.567,8
GROUPED_NUMBER = r"^[+-]?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?$"  # 1,234,567.8
SAMPLE_BYTES, DECIMAL_BYTES = 1 << 16, 1 << 24


def read_delimited(
    data: bytes, origin: str, separator: str | None, encoding: str | None, decimal: str | None
) -> pl.DataFrame:
    """The bytes of a CSV file as a frame.

    Args:
        data: The whole file.
        origin: How messages call it.
        separator: One character; None looks which of , ; tab | splits the first lines evenly.
        encoding: None takes the byte order mark, else UTF-8 if the bytes are valid, else Windows-1252.
        decimal: "." or ","; None looks whether cells read like 3,5.
    """
    if separator is not None and (len(separator.encode()) != 1 or separator in '"\r\n'):
        raise TableError(f"separator is {separator!r}, but it must be one character, such as ',' or ';' or '\\t'.")
    if decimal not in (None, ".", ","):
        raise TableError(f"decimal is {decimal!r}, but it must be '.' or ','.")
    data = _utf8(data, origin, encoding)
    if not data.strip():
        raise TableError(f"{origin} is empty. A header line with column names and at least one row were needed.")
    header_end = data.find(b"\n")
    sample = data[: max(SAMPLE_BYTES, 4 * header_end)].decode("utf-8", errors="ignore")
    separator = separator or _separator(sample)
    decimal = decimal or _decimal(data[:DECIMAL_BYTES], separator)
    names = checked_names((_first_records(sample, separator, limit=1) or [[]])[0], origin)
    try:
        frame = _parse(data, separator, decimal)
        # A row that ends early is filled with nulls, and a blank line becomes a row of them.
        if frame.width > 1 and frame.to_series(-1).null_count():
            data, frame = _mended(data, separator, decimal, origin, frame)
    except pl.exceptions.PolarsError:
        data, frame = _mended(data, separator, decimal, origin)
    if frame.width != len(names):
        raise TableError(
            f"{origin} has a header that reads as {len(names)} names but {frame.width} columns. "
            f"Check its quotation marks and line ends."
        )
    if not frame.height:
        raise TableError(f"{origin} has a header ({', '.join(names[:5])}) but no rows. At least one row was needed.")
    frame = _keep_codes(frame, data, separator, decimal)
    frame.columns = names
    return frame.with_columns(tidied(series, decimal) for series in frame if series.dtype == pl.String)


def _utf8(data: bytes, origin: str, encoding: str | None) -> bytes:
    """The text in UTF-8, without a byte order mark, with lines that end in a newline."""
    if encoding is None:
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            encoding = "utf-16"
        elif b"\0" in data[:SAMPLE_BYTES]:
            raise TableError(
                f"{origin} holds binary data, not a table in text. CSV or Parquet was needed; "
                f"if it is text in UTF-16, pass encoding='utf-16-le'."
            )
        else:
            encoding = "utf-8" if data.isascii() or _is_utf8(data) else "cp1252"
    try:
        if codecs.lookup(encoding).name != "utf-8":
            # Windows-1252 leaves five bytes undefined; Latin-1 reads them all.
            bad = encoding == "cp1252" and re.search(rb"[\x81\x8d\x8f\x90\x9d]", data)
            data = data.decode("latin-1" if bad else encoding).encode()
        elif not _is_utf8(data):
            data.decode(encoding)
    except LookupError:
        raise TableError(f"Unknown encoding {encoding!r}. Examples: 'utf-8', 'utf-16', 'cp1252', 'latin-1'.") from None
    except UnicodeError as error:
        raise TableError(f"{origin} is not text in {encoding}: {error}. Leave encoding out to have it found.") from None
    data = data.removeprefix(codecs.BOM_UTF8)
    if b"\n" not in data and b"\r" in data:
        data = data.replace(b"\r", b"\n")
    return data.lstrip(b"\r\n") if data[:1] in (b"\r", b"\n") else data


def _is_utf8(data: bytes) -> bool:
    """Whether the bytes are valid UTF-8."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _first_records(sample: str, separator: str, limit: int = 100) -> list[list[str]]:
    """The first records of a sample, which may break off anywhere."""
    found: list[list[str]] = []
    try:
        for record in csv.reader(io.StringIO(sample, newline=""), delimiter=separator, strict=True):
            found.append(record)
            if len(found) > limit:
                break
    except csv.Error:
        pass
    broken = len(found) > 1 and not sample.endswith("\n") and len(found) <= limit
    return [record for record in (found[:-1] if broken else found) if record]


def _separator(sample: str) -> str:
    """The separator that splits most of the first lines as it splits the header; then the one with most columns."""

    def evenness(separator: str) -> tuple[float, int]:
        records = _first_records(sample, separator)
        width = len(records[0]) if records else 0
        if width < 2:
            return 0.0, 0
        return sum(len(record) == width for record in records) / len(records), width

    best = max(SEPARATORS, key=evenness)
    return best if evenness(best)[0] > 0 else ","


def _decimal(data: bytes, separator: str) -> str:
    """A comma where more cells read like 3,5 than like 3.5, and none like 1,234.5 or 1,234,567."""
    if separator == ",":
        return "."
    edge = rb'["\s' + re.escape(separator.encode()) + rb"]"
    comma = len(re.findall(edge + rb"[+-]?(?:\d{1,3}(?:\.\d{3})+|\d+),\d+(?=" + edge + rb"|$)", data))
    if not comma or re.search(edge + rb"[+-]?\d{1,3}(?:,\d{3})+(?:,\d{3}|\.\d+)(?=" + edge + rb"|$)", data):
        return "."
    point = re.findall(edge + rb"[+-]?\d+\.\d+(?=" + edge + rb"|$)", data)
    thousands = re.compile(rb"[+-]?\d{1,3}\.\d{3}")
    return "," if comma >= sum(not thousands.fullmatch(cell[1:]) for cell in point) else "."


def checked_names(names: list[str], origin: str) -> list[str]:
    """The names of a header; columns without one get one, with a DataWarning."""
    names = [name.strip() for name in names]
    doubles = [name for name, count in Counter(names).items() if count > 1 and name]
    fractions = sum(bool(re.match(NUMBER, name)) and "." in name for name in names)
    if fractions and fractions >= len(names) / 2:
        raise TableError(
            f"{origin} begins with numbers ({', '.join(names[:5])}), not with names. "
            f"A header line was needed: add one line with a name for every column."
        )
    if doubles:
        raise TableError(
            f"{origin} has more than one column named {', '.join(map(repr, doubles))}. "
            f"Every column needs its own name: rename or remove the doubles."
        )
    unnamed = [i for i, name in enumerate(names) if not name]
    for i in unnamed:
        names[i] = f"column_{i + 1}"
        while names.count(names[i]) > 1:
            names[i] += "_"
    if unnamed:
        called = ", ".join(repr(names[i]) for i in unnamed)
        warnings.warn(
            f"{origin} has columns without a name, called {called} here. "
            f"If one only numbers the rows, leave it out: columns={{{names[unnamed[0]]!r}: 'ignore'}}.",
            DataWarning,
            stacklevel=5,
        )
    return names


def _parse(data: bytes, separator: str, decimal: str, texts: Sequence[str] = ()) -> pl.DataFrame:
    """The frame as polars infers it from all rows."""
    return pl.read_csv(
        io.BytesIO(data),
        separator=separator,
        decimal_comma=decimal == "," and separator != ",",
        infer_schema_length=None,
        null_values=list(MISSING),
        schema_overrides=dict.fromkeys(texts, pl.String),
    )


def _mended(
    data: bytes, separator: str, decimal: str, origin: str, frame: pl.DataFrame | None = None
) -> tuple[bytes, pl.DataFrame]:
    """Data and frame without blank lines and stray quotation marks; the frame given if it needs no mending."""
    source = data.decode()
    if frame is not None and sum(1 for _ in _checked(source, separator, origin)) == frame.height + 1:
        return data, frame
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator, lineterminator="\n").writerows(_checked(source, separator, origin))
    data = text.getvalue().encode()
    try:
        return data, _parse(data, separator, decimal)
    except pl.exceptions.PolarsError as error:
        reason = str(error).strip().split("\n")[0]
        raise TableError(f"{origin} cannot be read as CSV with separator {separator!r}: {reason}.") from None


def _checked(text: str, separator: str, origin: str) -> Iterator[list[str]]:
    """The records, header first, without blank lines; one of another length than the header is an error."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    width, line = 0, 1
    try:
        for record in reader:
            width = width or len(record)
            if len(record) == width:
                yield record
            elif width == 1 and not record:
                yield [""]  # a missing cell
            elif len("".join(record).strip()) or len(record) > 1:
                raise TableError(
                    f"{origin}, line {line}: {len(record)} cells, but the header names {width} columns "
                    f"(separator {separator!r}). Complete the row, quote cells that hold the separator, "
                    f"or pass separator=."
                )
            line = reader.line_num + 1
    except csv.Error as error:
        raise TableError(
            f"{origin}, line {line}: a quotation mark is opened and not closed, or stands in the middle of a cell "
            f"({error}). Close it, or write it twice where it is meant."
        ) from None


def _keep_codes(frame: pl.DataFrame, data: bytes, separator: str, decimal: str) -> pl.DataFrame:
    """Codes such as 00007, read as text again after they were taken for numbers."""
    suspects = [name for name, dtype in frame.schema.items() if dtype.is_integer()]
    padded = rb'(?:[\n"]|' + re.escape(separator.encode()) + rb") *[+-]?0\d"
    if not suspects or not re.search(padded, data):
        return frame
    texts = _parse(data, separator, decimal, suspects)
    return frame.with_columns(
        texts[name] for name in suspects if texts[name].str.strip_chars().str.contains(PADDED).any()
    )


def tidied(series: pl.Series, decimal: str) -> pl.Series:
    """Text without spaces around it; numbers where, missing cells aside, there is nothing else."""
    text = as_text(series)
    text = pl.select(pl.when(~text.is_in(MISSING)).then(text)).to_series().alias(series.name)
    undashed = pl.select(pl.when(~text.is_in(DASHES)).then(text)).to_series().alias(series.name)
    values = undashed.drop_nulls()
    if not len(values) or values.str.contains(PADDED).any():
        return text
    if decimal == "," and values.str.contains(COMMA_NUMBER).all():
        plain = undashed.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
        return as_numbers(plain)
    if decimal == "." and values.str.contains(GROUPED_NUMBER).all():
        return as_numbers(undashed.str.replace_all(",", "", literal=True))
    return as_numbers(undashed) if values.str.contains(NUMBER).all() else text
