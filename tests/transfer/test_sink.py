"""The sink that benchmarks send to, and the benchmark of sending itself with very little to send."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from http.client import HTTPConnection
from pathlib import Path

import boto3
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def sink() -> Iterator[str]:
    """The address of a running sink."""
    command = [sys.executable, BENCHMARKS / "sink.py", "--latency", "0.001", "--rate", "100000000"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        yield process.stdout.readline().strip()
        process.stdin.close()


def test_the_sink_answers_boto3_and_counts_what_came(sink: str) -> None:
    """boto3 makes a vault, sends an archive at once and one in parts, and gives one up; all is answered and counted."""
    glacier = boto3.client(
        "glacier",
        region_name="us-east-1",
        endpoint_url=sink,
        aws_access_key_id="bench",
        aws_secret_access_key="bench",
    )
    content = bytes(300_000)
    glacier.create_vault(vaultName="v")
    archive = glacier.upload_archive(vaultName="v", body=content)
    assert archive["checksum"] == sha256(content).hexdigest()
    upload = glacier.initiate_multipart_upload(vaultName="v", partSize=str(1024 * 1024))["uploadId"]
    part = glacier.upload_multipart_part(
        vaultName="v", uploadId=upload, range="bytes 0-299999/*", body=content
    )
    assert part["checksum"] == archive["checksum"]
    assert glacier.list_parts(vaultName="v", uploadId=upload)["Parts"] == []
    whole = glacier.complete_multipart_upload(
        vaultName="v", uploadId=upload, archiveSize="300000", checksum=part["checksum"]
    )
    assert whole["archiveId"] != archive["archiveId"]
    glacier.abort_multipart_upload(vaultName="v", uploadId=upload)
    assert glacier.list_multipart_uploads(vaultName="v")["UploadsList"] == []
    connection = HTTPConnection(sink.removeprefix("http://"))
    connection.request("GET", "/tally")
    told = json.load(connection.getresponse())
    connection.close()
    assert told["bodies"] == 2 * len(content)
    assert set(told["requests"].values()) == {1}
    assert len(told["requests"]) == 8


def test_the_benchmark_of_sending_runs_through() -> None:
    """With a file of two MiB every client gets through, and there is a line for each."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, BENCHMARKS / "transfer.py", "big", "--size", "2", "--runs", "1"]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    for name in ("gk", "boto3, 4 threads", "aws upload-archive", "hashing alone", "reading alone"):
        assert f"\n  {name} " in ran.stdout
