"""What validation looks for, by name, and what a finding does to a run unless it is declared otherwise."""

from collections.abc import Mapping
from dataclasses import dataclass

WORDS = ("pass", "warn", "block")


@dataclass(frozen=True, slots=True)
class Rule:
    """``word``: pass (it stands in the report), warn (it is also an alert) or block (it also stops the run)."""

    word: str
    what: str


RULES: Mapping[str, Rule] = {
    "absent": Rule("block", "a required column is not there"),
    "type": Rule("block", "a column is of another kind"),
    "new": Rule("pass", "a column is there that never was"),
    "unseen": Rule("warn", "values that are not among the categories, in more rows than rare values would be"),
    "rare": Rule("pass", "values that are not among the categories, in few rows"),
    "range": Rule("warn", "numbers far from all others"),
    "missing": Rule("warn", "more values are missing than may be"),
    "empty": Rule("warn", "a column has no values any more"),
    "infinite": Rule("warn", "numbers are infinite"),
    "unique": Rule("warn", "values of a column that is declared unique come twice"),
    "constant": Rule("warn", "every row says the same"),
    "duplicates": Rule("warn", "subjects, or rows, come again that came once"),
    "future": Rule("warn", "times in the future"),
    "past": Rule("warn", "times long before all others"),
    "gap": Rule("warn", "a hole in time much longer than there was one"),
    "leakage": Rule("warn", "a feature alone says the label"),
    "drift": Rule("warn", "a column's distribution moved"),
    "coarser": Rule("warn", "numbers come in coarser steps than before"),
    "label_shift": Rule("block", "a label's share moved"),
    "label_skew": Rule("warn", "a label's share differs between splits"),
    "split_skew": Rule("warn", "a column's distribution differs between splits"),
    "serving_skew": Rule("warn", "what is served is distributed otherwise than what was learned from"),
}
