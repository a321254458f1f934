"""Labels and ratings from a file: whole or not at all, and the same content only once."""

from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl

from noria.clock import Clock
from noria.data import captured, table
from noria.errors import BadInput
from noria.settings import Settings

COLUMNS = ("prediction", "label", "rating")
READERS: dict[str, Callable[[Path], pl.DataFrame]] = {
    ".csv": pl.read_csv,
    ".parquet": pl.read_parquet,
    ".jsonl": pl.read_ndjson,
}


def bring(
    settings: Settings, clock: Clock, file: Path, endpoint: str, given: Callable[[str], bool] = lambda id: False
) -> int:
    """Take all feedback of a file for one endpoint's predictions; the number of rows.

    Parameters
    ----------
    given
        Whether the endpoint gave an id though it is not captured: not yet, or as it is none of the sample.

    Raises
    ------
    BadInput
        If the file cannot be read, lacks columns, or names a prediction that was never made: nothing is taken.
    """
    rows = _read(file)
    known = set(captured.predictions(settings, endpoint)["id"])
    unknown = [id for id in rows["prediction"] if id not in known and not given(id)]
    if unknown:
        raise BadInput(
            f"{len(unknown)} of {rows.height} predictions were never captured, the first is {unknown[0]}",
            where=str(file),
            do="Correct the ids; nothing was taken.",
        )
    silent = rows.filter(pl.col("label").is_null() & pl.col("rating").is_null()).height
    if silent:
        raise BadInput(f"{silent} rows have neither label nor rating", where=str(file), do="Give one of them.")
    batch = f"file-{table.rows_digest(rows)[:24]}"
    stamped = rows.with_columns(
        pl.lit(clock.now().isoformat(timespec="microseconds")).alias("at"), pl.lit(file.name).alias("source")
    )
    table.append(captured.path(settings, endpoint, "feedback"), batch, stamped.select(*captured.FEEDBACK))
    return rows.height


def _read(file: Path) -> pl.DataFrame:
    if file.suffix not in READERS:
        raise BadInput(f"cannot read {file.suffix!r}", where=str(file), do=f"Use one of {', '.join(READERS)}.")
    try:
        frame = READERS[file.suffix](file)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise BadInput(
            f"the file cannot be read: {str(error).splitlines()[0]}",
            where=str(file),
            do="Correct it; nothing was taken.",
        ) from error
    _check_names(file, frame.columns)
    filled = frame.with_columns(pl.lit(None).alias(name) for name in COLUMNS[1:] if name not in frame.columns)
    try:
        return filled.select(
            pl.col("prediction").cast(pl.String), pl.col("label").cast(pl.String), pl.col("rating").cast(pl.Float64)
        )
    except pl.exceptions.PolarsError as error:
        raise BadInput("a rating is no number", where=str(file), do="Correct it; nothing was taken.") from error


def _check_names(file: Path, names: Sequence[str]) -> None:
    if "prediction" not in names or not {"label", "rating"}.intersection(names):
        raise BadInput(
            f"the columns are {', '.join(names)}", where=str(file), do="Give prediction, and label or rating or both."
        )
