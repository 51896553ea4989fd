"""What one writes first with boto3: `naive.py parts FILE [THREADS]`, or `naive.py archives FOLDER`.

Parts of 8 MiB, botocore's own checksums, and its tree hash of the whole; or one archive after the other.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
from botocore.utils import calculate_tree_hash

PART = 8 * 1024 * 1024
glacier = boto3.client("glacier", region_name="us-east-1")


def send_parts(path: Path, threads: int) -> None:
    size = path.stat().st_size
    upload = glacier.initiate_multipart_upload(vaultName="bench", partSize=str(PART))["uploadId"]

    def send(start: int) -> None:
        with path.open("rb") as file:
            file.seek(start)
            content = file.read(PART)
        span = f"bytes {start}-{start + len(content) - 1}/*"
        glacier.upload_multipart_part(vaultName="bench", uploadId=upload, range=span, body=content)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(send, range(0, size, PART)))
    with path.open("rb") as file:
        tree_hash = calculate_tree_hash(file)
    glacier.complete_multipart_upload(
        vaultName="bench", uploadId=upload, archiveSize=str(size), checksum=tree_hash
    )


def send_archives(folder: Path) -> None:
    for path in sorted(folder.iterdir()):
        with path.open("rb") as file:
            glacier.upload_archive(vaultName="bench", archiveDescription=path.name, body=file)


if sys.argv[1] == "parts":
    send_parts(Path(sys.argv[2]), int((sys.argv[3:] or ["4"])[0]))
else:
    send_archives(Path(sys.argv[2]))
