"""A bucket on the tests' S3 endpoint, for one test or for all of a file."""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest


def credentials(server: str) -> Mapping[str, str]:
    """What a client's environment must have to come to the endpoint."""
    return {
        "AWS_ENDPOINT_URL": server, "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
    }  # fmt: skip


@contextmanager
def bucket(server: str) -> Iterator[str]:
    """The URL of a fresh bucket's folder, with the environment set so that every client finds it."""
    import boto3

    with pytest.MonkeyPatch.context() as patch:
        for name, value in credentials(server).items():
            patch.setenv(name, value)
        name = f"b{uuid.uuid4().hex[:12]}"
        boto3.client("s3").create_bucket(Bucket=name)
        yield f"s3://{name}/artifacts"
