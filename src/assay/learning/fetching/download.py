"""Fetch one file over HTTP, showing progress, and leave nothing half-written."""

import re
import sys
from pathlib import Path

import requests
from tqdm import tqdm

from assay.ground.process import StageError
from assay.ground.quoting import cut, printable, without_secrets

TIMEOUT_S = 30  # without a single byte
CHUNK_BYTES = 1 << 16
LONGEST = 300  # characters of what a library says about a failure


def download(address: str, target: Path, size: int) -> None:
    """Write what `address` serves to `target`; a publisher's file is `size` bytes long.

    Raises StageError for an address that does not answer, refuses, stalls, breaks
    off, or sends more than that; no message holds a password.
    """
    shown = without_secrets(address)
    try:
        with requests.get(address, stream=True, timeout=TIMEOUT_S) as response:
            if not response.ok:
                reason = cut(printable(response.reason or ""))
                raise StageError(f"{shown} answered {response.status_code} {reason}; try a mirror or a folder: --from")
            _save(response, target, size)
    except (requests.exceptions.ProxyError, requests.exceptions.InvalidProxyURL) as error:
        raise StageError(
            f"{shown} cannot be downloaded through the proxy that http_proxy, https_proxy or all_proxy names: "
            f"{_reason(error)}; mend that variable, or unset it, or try a folder: --from"
        ) from None
    except requests.exceptions.InvalidURL:
        raise StageError(f"{shown} is no address; write % codes for signs in a password: --from") from None
    except requests.RequestException as error:
        raise StageError(
            f"{shown} cannot be downloaded: {_reason(error)}; try again, or a mirror or a folder: --from"
        ) from None


def _reason(error: requests.RequestException) -> str:
    """Return what went wrong, without the objects of the library in which it did, and without a password."""
    inner = error.args[0] if error.args else error
    reason = getattr(inner, "reason", None) or inner
    cause = getattr(reason, "original_error", reason)  # of a proxy that failed
    return cut(without_secrets(re.sub(r"^\w+\([^)]*\): |\.$", "", str(cause))), LONGEST)


def _save(response: requests.Response, target: Path, size: int) -> None:
    received = 0
    bar = tqdm(total=size, unit="B", unit_scale=True, desc=target.name, disable=not sys.stderr.isatty())
    with target.open("wb") as file, bar:
        for chunk in response.iter_content(CHUNK_BYTES):
            received += len(chunk)
            if received > size:
                shown = without_secrets(response.url)
                raise StageError(f"{shown} sends more than the {size:,} bytes of the published file")
            file.write(chunk)
            bar.update(len(chunk))
