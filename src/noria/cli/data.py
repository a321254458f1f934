"""noria data: versions of the data."""

from noria.cli import output
from noria.cli.versions import collect, compare, decide, diff, export, log, schema, show, tags, verify

app = output.app("Versions of the data, and the batches they hold.")
for word in (
    *(collect.collect, log.log, show.show, diff.diff, compare.compare, schema.schema, verify.verify),
    *(decide.quarantine, decide.restore, decide.accept),
    *(tags.tag, tags.tags, tags.untag, export.export),
):
    app.command()(word)


def command(words: list[str]) -> int:
    return output.run_app(app, "data", words)
