"""python -m benchmarks.serving.grpc_load ADDRESS FILE CALLERS SECONDS: one request over and over, its result as JSON.

The request's bytes are sent as they are in FILE, and what comes back is not decoded: the client does the least it can.
"""

import json
import sys
from pathlib import Path
from threading import Barrier, Thread
from time import perf_counter

import grpc
import numpy as np

CALL = "/inference.GRPCInferenceService/ModelInfer"


def main(address: str, file: str, callers: str, seconds: str) -> None:
    """Ask from so many threads, each with a connection of its own, and print what was found."""
    body, found = Path(file).read_bytes(), [[] for _ in range(int(callers))]  # type: list[list[float]]
    start = Barrier(len(found))

    def ask(times: list[float]) -> None:
        options = [("grpc.use_local_subchannel_pool", 1)]
        with grpc.insecure_channel(address, options=options) as channel:
            call = channel.unary_unary(CALL)
            call(body)
            start.wait()
            end = perf_counter() + float(seconds)
            while (began := perf_counter()) < end:
                call(body)
                times.append(perf_counter() - began)

    threads = [Thread(target=ask, args=(times,)) for times in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    times = np.concatenate([np.array(one) for one in found]) * 1000
    p50, p99 = np.percentile(times, [50, 99])
    print(json.dumps({"requests": len(times), "p50": p50, "p99": p99}))


if __name__ == "__main__":
    main(*sys.argv[1:])
