"""REST and gRPC by one contract, on one real server."""

from collections.abc import Iterator

import pytest

from contracts.server import ServerContract
from serve.callers import Caller, Grpc, Rest
from serve.live import Live

pytestmark = pytest.mark.system


class TestRest(ServerContract):
    @pytest.fixture
    def call(self, server: Live) -> Caller:
        return Rest(server)


class TestGrpc(ServerContract):
    @pytest.fixture(scope="class")
    def call(self, server: Live) -> Iterator[Caller]:
        found = Grpc(server)
        yield found
        found.close()
