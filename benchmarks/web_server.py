"""Compare the embedded server with ONNX Runtime behind a web framework: FastAPI on one uvicorn worker.

One generator for all, Debian's `wrk`, sends the same recorded bodies over HTTP, 32 digits in turn:
JSON to FastAPI, and to Triton both its binary form and JSON. Each has the anchor in one session
with one thread. By turns, with everything else idle.

FastAPI and uvicorn are none of this project's: they come from an environment of their own, with
`pip install fastapi==0.165 uvicorn[standard]==0.54 onnxruntime==1.31.1 'numpy<2'`, and `apt-get install wrk`.

Writes  benchmarks/results/web_server.jsonl, one line a run
Run     python benchmarks/web_server.py --python OTHER/bin/python     3 minutes
        python benchmarks/web_server.py --rounds 0     prints the table of the last run
"""

from assay.ground.stage import run_stage

import argparse
import json
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import requests
import tritonclient.http

from arms import Rounds, by_turns, compared
from assay.ground.paths import ANCHOR
from assay.ground.process import StageError, ending_with_us
from assay.machine.lock import machine_to_ourselves
from assay.measuring.bench import anchor
from assay.servers.embedded import serve
from assay.serving.launch import HOST, free_ports
from record import append, last_run

CONCURRENCIES = (1, 8)
SECONDS = 2
PATIENCE_S = 60
# As quick as one worker gets: no threads between the request and the session, no validation.
APPLICATION = f"""
import json
import numpy as np
import onnxruntime
from fastapi import FastAPI, Request

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
model = {str(ANCHOR / "1" / "model.onnx")!r}
session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
app = FastAPI()

@app.post("/predict")
async def predict(request: Request):
    image = np.array((await request.json())["image"], np.float32)
    (logits,) = session.run(None, {{"image": image}})
    return {{"logits": logits.tolist()}}
"""
SCRIPT = """
local bodies, next_body = {}, 0
for number = 1, %(count)d do
  local file = io.open("%(folder)s/" .. number, "rb")
  bodies[number] = file:read("*a")
  file:close()
end
wrk.method = "POST"
%(headers)s
request = function()
  next_body = next_body %% %(count)d + 1
  return wrk.format(nil, nil, nil, bodies[next_body])
end
"""


def write_script(folder: Path, bodies: list[bytes], headers: dict[str, str]) -> Path:
    """Write recorded bodies and the program with which wrk sends them in turn."""
    folder.mkdir()
    for number, body in enumerate(bodies, 1):
        (folder / str(number)).write_bytes(body)
    lines = "\n".join(f'wrk.headers["{name}"] = "{value}"' for name, value in headers.items())
    path = folder / "script.lua"
    path.write_text(SCRIPT % {"count": len(bodies), "folder": folder, "headers": lines})
    return path


def triton_bodies(images: np.ndarray, *, binary: bool) -> tuple[list[bytes], dict[str, str]]:
    """Return requests of Triton's protocol for each image [N, ...], and what their headers have to say."""
    bodies, sizes = [], set()
    for image in images:
        tensor = tritonclient.http.InferInput("image", [1, *image.shape], "FP32")
        tensor.set_data_from_numpy(image[np.newaxis], binary_data=binary)
        output = tritonclient.http.InferRequestedOutput("logits", binary_data=binary)
        body, header_size = tritonclient.http.InferenceServerClient.generate_request_body([tensor], outputs=[output])
        bodies.append(bytes(body))
        sizes.add(header_size)
    if not binary:
        return bodies, {"Content-Type": "application/json"}
    (size,) = sizes
    return bodies, {"Inference-Header-Content-Length": str(size)}


@contextmanager
def web_application(python: Path, folder: Path) -> Iterator[str]:
    """Run the application on one uvicorn worker inside the block; yield its address."""
    (folder / "application.py").write_text(APPLICATION)
    (port,) = free_ports(1)
    command = [str(python), "-m", "uvicorn", "application:app", "--host", HOST, "--port", str(port)]
    process = subprocess.Popen(ending_with_us([*command, "--log-level", "warning", "--no-access-log"]), cwd=folder)
    try:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                requests.get(f"http://{HOST}:{port}/docs", timeout=1)
                break
            except requests.ConnectionError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise StageError(f"{python} does not run FastAPI on uvicorn; its own words are above") from None
                time.sleep(0.1)
        yield f"http://{HOST}:{port}/predict"
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def requests_per_second(script: Path, address: str, concurrency: int) -> float:
    """Return what wrk reports; raises StageError if a request failed."""
    command = ["wrk", "--threads", "1", "--connections", str(concurrency), "--duration", f"{SECONDS}s"]
    finished = subprocess.run(
        [*command, "--script", str(script), address],
        check=True,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=PATIENCE_S,
    )
    if "Non-2xx" in finished.stdout or "Socket errors" in finished.stdout:
        raise StageError(f"requests to {address} failed: {finished.stdout}")
    (found,) = re.findall(r"Requests/sec:\s+([\d.]+)", finished.stdout)
    return float(found)


def check_answers(addresses: dict[str, str], scripts: dict[str, Path], headers: dict[str, dict[str, str]]) -> None:
    """Raise StageError unless all give the same numbers for the first image."""
    found = {}
    for name, address in addresses.items():
        body = (scripts[name].parent / "1").read_bytes()
        answer = requests.post(address, data=body, headers=headers[name], timeout=PATIENCE_S)
        if name == "Triton, binary":
            size = int(answer.headers["Inference-Header-Content-Length"])
            found[name] = np.frombuffer(answer.content[size:], np.float32)
        else:
            said = json.loads(answer.content)
            found[name] = np.ravel(said["logits"] if "logits" in said else said["outputs"][0]["data"])
    first, *others = found.values()
    if not all(np.allclose(first, other, atol=1e-4) for other in others):
        raise StageError(f"the servers do not answer alike: {found}")


def measure(python: Path, rounds: int, folder: Path) -> dict[str, Rounds]:
    """Return requests a second by concurrency and server."""
    (images,) = anchor().examples.values()
    plain = [json.dumps({"image": [image.tolist()]}).encode() for image in images]
    recorded = {
        "FastAPI, JSON": (plain, {"Content-Type": "application/json"}),
        "Triton, binary": triton_bodies(images, binary=True),
        "Triton, JSON": triton_bodies(images, binary=False),
    }
    scripts = {
        name: write_script(folder / f"bodies_{number}", *what) for number, (name, what) in enumerate(recorded.items())
    }
    with serve([ANCHOR], 60) as server, web_application(python, folder) as address:
        triton = f"http://{server.http_address}/v2/models/anchor/infer"
        addresses = {name: address if name.startswith("FastAPI") else triton for name in recorded}
        check_answers(addresses, scripts, {name: headers for name, (_, headers) in recorded.items()})
        return {
            str(concurrency): by_turns(
                {name: partial(requests_per_second, scripts[name], addresses[name], concurrency) for name in recorded},
                rounds,
            )
            for concurrency in CONCURRENCIES
        }


def table() -> list[str]:
    """Return the last run's requests a second, and the ratio of each to FastAPI's."""
    lines = []
    for concurrency, rounds in last_run("web_server")["requests_per_second"].items():
        ratios = compared(rounds)
        for name, values in rounds.items():
            ratio = f"{ratios[name]!s:>22} x" if name in ratios else ""
            lines.append(f"{concurrency:>2} in flight   {name:<15} {median(values):8.0f}/s {ratio}")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare Triton with a web framework around ONNX Runtime.")
    parser.add_argument("--python", type=Path, help="of an environment with FastAPI, uvicorn and ONNX Runtime")
    parser.add_argument("--rounds", type=int, default=10)
    given = parser.parse_args()
    if given.rounds:
        if given.python is None or shutil.which("wrk") is None:
            parser.error("it needs --python and the program wrk: the first lines of this file say how to get both")
        with machine_to_ourselves(), tempfile.TemporaryDirectory() as folder:
            found = measure(given.python, given.rounds, Path(folder))
        append("web_server", {"seconds": SECONDS, "requests_per_second": found})
    print("\n".join(table()))


if __name__ == "__main__":
    run_stage(main)
