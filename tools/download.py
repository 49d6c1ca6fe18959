"""Fetch one file over HTTP, showing progress, and leave nothing half-written."""

import sys
from pathlib import Path

import requests
from tqdm import tqdm

from runtime.process import StageError

TIMEOUT_S = 30  # without a single byte
CHUNK_BYTES = 1 << 16


def download(address: str, target: Path, size: int) -> None:
    """Write what `address` serves to `target`; a publisher's file is `size` bytes long.

    Raises StageError for an address that does not answer, refuses, stalls, breaks
    off, or sends more than that.
    """
    try:
        with requests.get(address, stream=True, timeout=TIMEOUT_S) as response:
            if not response.ok:
                raise StageError(
                    f"{address} answered {response.status_code} {response.reason}; try a mirror or a folder: --from"
                )
            _save(response, target, size)
    except requests.RequestException as error:
        raise StageError(
            f"{address} cannot be downloaded: {error}; try again, or a mirror or a folder: --from"
        ) from None


def _save(response: requests.Response, target: Path, size: int) -> None:
    received = 0
    bar = tqdm(total=size, unit="B", unit_scale=True, desc=target.name, disable=not sys.stderr.isatty())
    with target.open("wb") as file, bar:
        for chunk in response.iter_content(CHUNK_BYTES):
            received += len(chunk)
            if received > size:
                raise StageError(f"{response.url} sends more than the {size:,} bytes of the published file")
            file.write(chunk)
            bar.update(len(chunk))
