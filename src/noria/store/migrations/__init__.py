"""One file per revision of the tables, applied in order."""

HEAD = "0009"
