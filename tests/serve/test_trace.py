"""Traces: a span for each request in its caller's trace, and the model's in it, to a collector by OTLP over HTTP."""

import http.server
import threading
from collections.abc import Iterator

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from noria.run.place import Place
from serve.callers import Grpc
from serve.live import Live, until
from serve.test_operations import INFER, TENSORS

pytestmark = pytest.mark.system
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Collector(http.server.ThreadingHTTPServer):
    """Takes spans at ``/v1/traces``."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        super().__init__(("127.0.0.1", 0), Take)


class Take(http.server.BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:  # named by the library
        sent = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["content-length"])))
        if self.path == "/v1/traces":
            for resource in sent.resource_spans:
                for scope in resource.scope_spans:
                    self.server.spans += scope.spans
        self.send_response(200)
        self.end_headers()

    def log_message(self, *said: object) -> None:
        """Not to the terminal."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    found = Collector()
    thread = threading.Thread(target=found.serve_forever)
    thread.start()
    yield found
    found.shutdown()
    thread.join()
    found.server_close()


def test_requests_of_both_protocols_are_spans_of_their_callers_traces(project: Place, collector: Collector) -> None:
    url = f"http://127.0.0.1:{collector.server_port}"
    carried = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
    with Live(project.settings.home.parent, options=["--traces", url]) as server:
        reply = server.http.post("/v2/models/loans/infer", json=INFER, headers=carried)
        assert server.http.post("/v2/models/nobody/infer", json=INFER, headers=carried).status_code == 404
        caller = Grpc(server)
        assert caller.infer(TENSORS).model == "loans"
        caller.close()
        until(lambda: len(collector.spans) >= 5, "the spans")
        assert server.stop() == 0
    rest = next(one for one in collector.spans if one.name == "POST /v2/models/loans/infer")
    assert (rest.trace_id.hex(), rest.parent_span_id.hex()) == (TRACE, PARENT)
    about = {one.key: one.value.string_value or one.value.int_value for one in rest.attributes}
    assert about["noria.prediction_id"] == reply.headers["noria-prediction-id"]
    assert (about["noria.model"], about["noria.rows"], about["noria.protocol"]) == ("loans", 1, "rest")
    predicts = {one.parent_span_id: one for one in collector.spans if one.name == "predict"}
    assert predicts[rest.span_id].trace_id == rest.trace_id
    assert rest.start_time_unix_nano <= predicts[rest.span_id].start_time_unix_nano
    failed = next(one for one in collector.spans if one.name == "POST /v2/models/nobody/infer")
    assert failed.status.code == 2
    (grpc,) = [one for one in collector.spans if one.name.endswith("/ModelInfer")]
    assert grpc.span_id in predicts
    assert grpc.trace_id.hex() != TRACE
