"""S3 on this machine, for tests: moto's server, and a bucket on it."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest

from faceid_core import remote

KEY, SECRET = "AKIATESTTESTTESTTEST", "secret-of-the-tests"


class Requests(logging.Handler):
    """Counts what the server was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: Counter[str] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        self.lines[record.getMessage()] += 1


REQUESTS = Requests()


@contextmanager
def running() -> Iterator[str]:
    """The address of a server."""
    from moto.server import ThreadedMotoServer

    log = logging.getLogger("werkzeug")
    log.handlers, log.propagate = [REQUESTS], False
    log.setLevel(logging.INFO)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@dataclass
class Bucket:
    """An own bucket on the server."""

    server: str
    name: str
    client: Any
    secret: str = SECRET

    @classmethod
    @contextmanager
    def on(cls, server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
        """A new one; its address, and keys, are in the environment meanwhile."""
        import boto3

        made = cls(server, f"bucket-{uuid4().hex[:12]}", None)
        made.enter(monkeypatch)
        made.client = boto3.client("s3", endpoint_url=server, aws_access_key_id=KEY, aws_secret_access_key=SECRET)
        made.client.create_bucket(Bucket=made.name)
        yield made
        remote._file_system.cache_clear()

    def enter(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Set the environment."""
        import s3fs

        environment = {"AWS_ENDPOINT_URL": self.server, "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET,
                       "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"}  # fmt: skip
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        s3fs.S3FileSystem.clear_instance_cache()
        remote._file_system.cache_clear()

    @property
    def url(self) -> str:
        return f"s3://{self.name}"

    def put(self, key: str, data: bytes) -> None:
        self.client.put_object(Bucket=self.name, Key=key, Body=data)

    def get(self, key: str) -> bytes:
        data: bytes = self.client.get_object(Bucket=self.name, Key=key)["Body"].read()
        return data

    def delete(self, key: str) -> None:
        self.client.delete_object(Bucket=self.name, Key=key)

    def requests(self) -> Counter[str]:
        """Those until now, by their lines in the server's log."""
        return Counter(REQUESTS.lines)

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Keys that the server doesn't know are refused meanwhile."""
        address = f"{self.server}/moto-api/reset-auth"
        httpx.post(address, content=b"0").raise_for_status()
        try:
            yield
        finally:
            httpx.post(address, content=b"inf").raise_for_status()
