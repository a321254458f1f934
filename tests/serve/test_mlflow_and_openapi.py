"""MLflow's body is answered as MLflow does, and the OpenAPI document tells of every route and of none that is not."""

import json
from typing import Any

import pytest

from noria.serve.rest import routes
from noria.serve.rest.errors import Refused
from serve.live import ROW, Live

COLUMNS = ["age", "amount", "job", "sex"]
OTHER = {"age": 41, "amount": 30, "job": "nurse", "sex": "m"}
VALUES = [[row[name] for name in COLUMNS] for row in (ROW, OTHER)]
BY_NAME = {name: [row[name] for row in (ROW, OTHER)] for name in COLUMNS}
BODIES: dict[str, dict[str, Any]] = {
    "dataframe_split": {"dataframe_split": {"index": [0, 1], "columns": COLUMNS, "data": VALUES}},
    "dataframe_split in another order": {
        "dataframe_split": {"columns": COLUMNS[::-1], "data": [row[::-1] for row in VALUES]}
    },
    "dataframe_split without names": {"dataframe_split": {"data": VALUES}},
    "dataframe_records": {"dataframe_records": [ROW, OTHER]},
    "instances with names": {"instances": [ROW, OTHER]},
    "instances without names": {"instances": VALUES},
    "inputs by column": {"inputs": BY_NAME},
    "inputs as tensors": {"inputs": {name: [[value] for value in values] for name, values in BY_NAME.items()}},
    "inputs as rows": {"inputs": [ROW, OTHER]},
}


@pytest.mark.system
@pytest.mark.parametrize("form", BODIES)
def test_every_form_of_mlflows_body_is_answered_as_predict_answers_the_same_rows(server: Live, form: str) -> None:
    for number in (1, 2):
        expected = [one["label"] for one in server.predict(ROW, OTHER, version=number).json()["predictions"]]
        reply = server.http.post(f"/v2/models/loans/versions/{number}/invocations", json=BODIES[form])
        assert reply.json()["predictions"] == expected
        assert reply.headers["noria-model-version"] == str(number)
    alone = server.http.post("/invocations", json={**BODIES[form], "params": {"subject": "ann"}})
    named = server.http.post("/v2/models/loans/invocations", json={**BODIES[form], "params": {"subject": "ann"}})
    assert alone.json()["predictions"] == named.json()["predictions"]
    assert alone.headers["noria-model-version"] == named.headers["noria-model-version"]


@pytest.mark.system
@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({}, "none of"),
        ({"instances": [ROW], "inputs": [ROW]}, "exactly one"),
        ({"instances": []}, "no rows"),
        ({"instances": [[1, 2]]}, "2 values for 4 columns"),
        ({"instances": [3]}, "1 values for 4 columns"),
        ({"inputs": [None]}, "1 values for 4 columns"),
        ({"instances": [ROW, VALUES[0]]}, "Send all rows alike"),
        ({"inputs": {**BY_NAME, "age": [1]}}, "different numbers of rows"),
        ({"inputs": {"age": [1]}}, "'amount' is missing"),
        ({"inputs": {**BY_NAME, "age": [{}, {}]}}, "'age' holds dict"),
        ({"dataframe_split": {"columns": COLUMNS}}, "`data`"),
        ({"dataframe_records": [{**ROW, "age": "old"}]}, "no number"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_a_body_that_mlflow_could_not_read_either_is_the_callers_mistake(
    server: Live, sent: dict[str, Any], said: str
) -> None:
    reply = server.http.post("/invocations", json=sent)
    assert reply.status_code == 400
    assert said in reply.json()["error"]


@pytest.mark.system
def test_the_openapi_document_lists_every_route_and_the_server_answers_each(server: Live) -> None:
    document = server.http.get("/openapi.json").json()
    listed = {(method.upper(), path) for path, some in document["paths"].items() for method in some}
    assert listed == {(one.method, one.path) for one in routes.ROUTES}
    names = [operation["operationId"] for some in document["paths"].values() for operation in some.values()]
    assert len(set(names)) == len(names)
    for method, path in listed:
        reply = server.http.request(method, path.format(model="loans", version=1), content=b"[")
        assert reply.status_code == (200 if method == "GET" else 400), (path, reply.text)
        other = "DELETE"
        assert server.http.request(other, path.format(model="loans", version=1)).status_code == 405
    text = json.dumps(document)
    for part in text.split('"$ref": "#/components/schemas/')[1:]:
        assert part.partition('"')[0] in document["components"]["schemas"]


def test_a_path_that_only_begins_like_a_route_is_none() -> None:
    for path in ("", "/", "/v3", "/v2/models/a/versions", "/v2/models/a/b", "/v2/health", "/v2/models/a/ready/now"):
        with pytest.raises(Refused, match="nothing at"):
            routes.find("GET", path)
    assert routes.find("GET", "v2/models/versions/ready/")[1] == {"model": "versions"}
    assert routes.find("POST", "/v2/models/a/versions/3/infer")[1] == {"model": "a", "version": "3"}
