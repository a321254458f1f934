"""What answering a request costs beside the model itself, and what is kept of what comes meanwhile."""

from benchmarks.serving import binary, feedback, grpc, python, rest, switches

BENCHMARKS = (rest.lines, grpc.lines, python.lines, binary.lines, switches.lines, feedback.lines)
