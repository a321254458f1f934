"""python -m benchmarks.serving.by_hand PORT FOLDER: a scikit-learn model served as most people do it.

FastAPI on uvicorn, the fitted pipeline from a joblib file, a frame of pandas for each request; no routes, versions,
checks or capture.
"""

import sys
from pathlib import Path
from typing import Any

FILE = "pipeline.joblib"


def made(folder: Path) -> Any:
    """The application."""
    import joblib
    import pandas as pd
    from fastapi import FastAPI

    model = joblib.load(folder / FILE)
    app = FastAPI()

    @app.post("/")
    def infer(asked: dict[str, Any]) -> dict[str, Any]:
        frame = pd.DataFrame({one["name"]: one["data"] for one in asked["inputs"]})
        scores = model["model"].predict_proba(model["preprocessor"].transform(frame))
        labels = model["model"].classes_[scores.argmax(axis=1)]
        outputs = [
            {"name": "label", "shape": [len(labels)], "datatype": "INT64", "data": labels.tolist()},
            {"name": "probability", "shape": list(scores.shape), "datatype": "FP64", "data": scores.ravel().tolist()},
        ]
        return {"model_name": "by hand", "outputs": outputs}

    return app


def main(port: str, folder: str) -> None:
    """Serve until a signal ends it."""
    import uvicorn

    uvicorn.run(made(Path(folder)), host="127.0.0.1", port=int(port), log_level="warning", access_log=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
