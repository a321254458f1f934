"""What answering a request costs beside the model itself."""

from benchmarks.serving import grpc, python, rest

BENCHMARKS = (rest.lines, grpc.lines, python.lines)
