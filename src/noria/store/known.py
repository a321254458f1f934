"""Which things there are: what an id, or the beginning of one, names; and all names of a kind."""

from sqlalchemy import Connection, select

from noria.store.tables import alias, batch, edge, model_version, output, release, run, step_run, tag, version

MOST = 5_000  # names that a mistyped one is compared with
LEAST = 6  # digits that a digest is told by


def models(connection: Connection, text: str) -> list[str]:
    """``NAME``, ``NAME@3`` or ``NAME@champion`` as versions' ids; without a version the champion, or the newest."""
    name, _, which = text.partition("@")
    numbers = select(model_version.c.number).where(model_version.c.model == name)
    if which.isdecimal():
        found = connection.execute(numbers.where(model_version.c.number == int(which))).scalar()
    else:
        called = select(alias.c.number).where(alias.c.model == name, alias.c.name == (which or "champion"))
        found = connection.execute(called).scalar()
    if found is None and not which:
        found = connection.execute(numbers.order_by(model_version.c.number.desc()).limit(1)).scalar()
    return [] if found is None else [f"model_version:{name}@{found}"]


def data(connection: Connection, text: str) -> list[str]:
    """``NAME``, ``NAME@3`` or ``NAME@TAG`` as versions' ids; without a version the newest."""
    name, _, which = text.partition("@")
    numbers = select(version.c.number).where(version.c.dataset == name).order_by(version.c.number.desc()).limit(1)
    if which.isdecimal():
        numbers = numbers.where(version.c.number == int(which))
    elif which:
        numbers = select(tag.c.number).where(tag.c.dataset == name, tag.c.name == which)
    found = connection.execute(numbers).scalar()
    return [] if found is None else [f"dataset_version:{name}@{found}"]


def releases(connection: Connection, text: str) -> list[str]:
    return [f"release:{id}" for id in _beginning(connection, release.c.id, text)]


def runs(connection: Connection, text: str) -> list[str]:
    found = connection.execute(select(run.c.id).where(run.c.id == text)).scalar()
    return [] if found is None else [f"run:{found}"]


def steps(connection: Connection, text: str) -> list[str]:
    """``RUN/WORD``."""
    id, _, word = text.partition("/")
    found = connection.execute(select(step_run.c.id).where(step_run.c.run_id == id, step_run.c.step == word)).first()
    return [] if found is None else [f"step:{id}/{word}"]


def batches(connection: Connection, text: str) -> list[str]:
    """``ID``, its beginning, or ``DATASET/ID``."""
    name, _, id = text.rpartition("/")
    ids = _beginning(connection, batch.c.id, id)
    query = select(batch.c.dataset, batch.c.id).where(batch.c.id.in_(ids)).order_by(batch.c.number)
    return [f"batch:{row.dataset}/{row.id}" for row in connection.execute(query) if name in ("", row.dataset)]


def artifacts(connection: Connection, text: str) -> list[str]:
    found = [f"artifact:{id}" for id in _beginning(connection, output.c.digest, text)]
    return found or [one for one in _nodes(connection, f"artifact:{text}") if len(text) >= LEAST]


def files(connection: Connection, text: str) -> list[str]:
    """A source by its name, or by the end of it."""
    exact = _nodes(connection, f"source:{text}", exact=True)
    if exact or not text.strip():
        return exact
    query = select(edge.c.parent).where(
        edge.c.parent.startswith("source:"), edge.c.parent.endswith(text, autoescape=True)
    )
    return [row.parent for row in connection.execute(query.distinct().order_by(edge.c.parent).limit(MOST))]


def other(connection: Connection, text: str) -> list[str]:
    """Any node of the lineage by its whole name, ``kind:id``."""
    return _nodes(connection, text, exact=True) if ":" in text else []


def names(connection: Connection, kind: str) -> list[str]:
    """The names of a kind's things, newest first, to compare a mistyped one with."""
    if kind in ("model", "data"):
        table, column = (model_version, "model") if kind == "model" else (version, "dataset")
        rows = connection.execute(select(table.c[column], table.c.number).order_by(table.c.number.desc()).limit(MOST))
        return list(dict.fromkeys(name for row in rows for name in (row[0], f"{row[0]}@{row[1]}")))
    column_of = {"release": release.c.id, "run": run.c.id, "batch": batch.c.id, "artifact": output.c.digest}
    if kind in column_of:
        return [row[0] for row in connection.execute(select(column_of[kind]).distinct().limit(MOST))]
    if kind == "file":
        query = select(edge.c.parent).where(edge.c.parent.startswith("source:")).distinct().limit(MOST)
        return [row.parent.partition(":")[2] for row in connection.execute(query)]
    return []


def _beginning(connection: Connection, column, text: str) -> list[str]:  # type: ignore[no-untyped-def]
    exact = select(column).where(column == text).distinct()
    if len(text) < LEAST or not all(one in "0123456789abcdef" for one in text):
        return [row[0] for row in connection.execute(exact)]
    query = select(column).where(column >= text, column < text + "g").distinct().order_by(column).limit(MOST)
    return [row[0] for row in connection.execute(query)]


def _nodes(connection: Connection, text: str, *, exact: bool = False) -> list[str]:
    found: set[str] = set()
    for column in (edge.c.child, edge.c.parent):
        where = [column == text] if exact else [column >= text, column < text + "~"]
        found |= {row[0] for row in connection.execute(select(column).where(*where).distinct().limit(MOST))}
    return sorted(found)


KINDS = {  # in the order in which an id without its kind is looked for
    "model": models,
    "data": data,
    "run": runs,
    "step": steps,
    "release": releases,
    "batch": batches,
    "artifact": artifacts,
    "file": files,
}
