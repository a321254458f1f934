"""Values as JSON knows them: what commands and pages print for programs."""

from collections.abc import Mapping, Sequence, Set
from datetime import datetime
from math import isfinite
from pathlib import Path
from typing import Any


def plain(value: Any) -> Any:
    """Times as ISO 8601, what is not a number as null, values with names as objects."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, Sequence | Set):
        return [plain(one) for one in value]
    if hasattr(value, "__slots__") and not isinstance(value, Path):
        return {name: plain(getattr(value, name)) for name in value.__slots__}
    return str(value)
