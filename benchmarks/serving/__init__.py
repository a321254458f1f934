"""What answering a request costs beside the model itself."""

from benchmarks.serving import rest

BENCHMARKS = (rest.lines,)
