"""What is more than a server takes is refused in words, and so is an answer that does not come."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from noria.errors import BadInput, StoreUnavailable, UserError
from noria.serve.capture import Spool
from noria.serve.host import Host
from noria.serve.limits import MOST_ROWS, Limits
from noria.serve.predict import Service
from noria.serve.protocol import Request
from serve import small


def request(rows: int = 1, **more: Any) -> Request:
    columns = {name: [value] * rows for name, value in {**small.ROW, **more}.items()}
    return Request("loans", columns, rows)


def ask(folder: Path, limits: Limits, sent: Request, *, never: bool = False) -> float:
    """The probability that is answered; ``never``: by a model that does not."""

    async def work() -> float:
        shelf = small.Shelf()
        shelf.route("loans", {40: 1}, versions=50)
        host = Host(shelf)
        await host.refresh()
        service = Service(host, Spool(folder), limits=limits)
        if never:

            async def predict(*_: Any) -> Any:
                await asyncio.Event().wait()

            host.endpoints["loans"].loaded[40].model.predict = predict  # type: ignore[method-assign]
        return float((await service.predict(sent)).scores[0, 1])

    return asyncio.run(work())


def test_what_is_within_them_is_answered(tmp_path: Path) -> None:
    assert ask(tmp_path, Limits(rows=2, tensors=2), request(2)) == pytest.approx(0.4)


@pytest.mark.parametrize(("sent", "said"), [(request(3), "3 rows"), (request(1, more=1), "3 inputs")])
def test_rows_and_inputs_beyond_them_are_refused(tmp_path: Path, sent: Request, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        ask(tmp_path, Limits(rows=2, tensors=2), sent)


def test_an_answer_that_does_not_come_in_time_is_no_answer(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match=r"no answer within 0\.05 s"):
        ask(tmp_path, Limits(seconds=0.05), request(), never=True)


@pytest.mark.parametrize("limits", [{"body": 0}, {"rows": -1}, {"rows": MOST_ROWS + 1}, {"seconds": float("nan")}])
def test_limits_that_cannot_be_are_said(limits: dict[str, Any]) -> None:
    with pytest.raises(UserError):
        Limits(**limits)
