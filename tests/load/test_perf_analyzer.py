"""perf_analyzer: exact command lines, and reading what it reports."""

import base64
import copy
import dataclasses
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from measured import statistics, window

from assay.ground.process import StageError
from assay.load.arrivals import RequestRate, intervals_us
from assay.load.input_data import read_input_data, write_input_data
from assay.load.single_requests import histogram, latencies_us
from assay.load.window import Load, UnusableWindowError, command, measure, read_results
from assay.measuring.readings import completed, percent_late
from assay.measuring.soundness import complaint
from assay.measuring.windows import PAUSES_S, Windows, latency_bins
from assay.serving.client import Server
from assay.serving.installation import find_installation

HEADER = (
    "Concurrency,Inferences/Second,Client Send,Network+Server Send/Recv,Server Queue,Server Compute Input,"
    "Server Compute Infer,Server Compute Output,Client Recv,p50 latency,p90 latency,p95 latency,p99 latency,"
    "Avg latency,request/response,response wait"
)
ROW = "8,3164.02,2,481,1743,10,178,96,0,2338,3001,3988,5871,2514,2,2501"


@pytest.fixture
def load(tmp_path: Path) -> Load:
    return Load(
        model="fp32-1-64-off",
        address="127.0.0.1:8001",
        protocol="grpc",
        input_data=tmp_path / "input.json",
        demand=8,
        window_ms=200,
    )


def test_the_command_line_is_exact(load: Load) -> None:
    """One level, three windows as one, any spread, real inputs, a verbose CSV row: nothing else."""
    line = command(Path("bin/perf_analyzer"), load, Path("window.csv"))
    assert " ".join(line) == (
        "bin/perf_analyzer -m fp32-1-64-off -u 127.0.0.1:8001 -i grpc "
        f"--input-data {load.input_data} --concurrency-range 8:8 -b 1 "
        "--measurement-mode time_windows --measurement-interval 200 "
        "--stability-percentage 999 --max-trials 3 --verbose-csv -f window.csv"
    )


def test_the_load_can_be_kept_to_some_cores(load: Load) -> None:
    """With cores of its own, the load generator starts on those and nowhere else."""
    line = command(Path("bin/perf_analyzer"), dataclasses.replace(load, cores=(2, 3)), Path("window.csv"))
    assert line[:4] == ["taskset", "--cpu-list", "2,3", "bin/perf_analyzer"]


def test_an_open_loop_asks_for_a_rate(load: Load) -> None:
    """Requests at times of their own: asynchronous, one rate, the distribution that was asked for."""
    demand = RequestRate(1234.5, "poisson")
    line = " ".join(command(Path("bin/perf_analyzer"), dataclasses.replace(load, demand=demand), Path("window.csv")))
    assert "--async --request-intervals intervals_us.txt -b 1 --measurement-mode" in line
    assert "--concurrency-range" not in line


@pytest.mark.parametrize("distribution", ["poisson", "constant"])
def test_arrivals_have_the_rate_that_was_asked_for(distribution: Literal["poisson", "constant"]) -> None:
    """However few they are; random ones differ by seed, and spread as waiting times of a Poisson process do."""
    gaps = intervals_us(RequestRate(3333, distribution, seed=1), seconds=0.2)
    assert len(gaps) == 667
    assert sum(gaps) == pytest.approx(667e6 / 3333, abs=1)
    assert min(gaps) >= 0
    other = intervals_us(RequestRate(3333, distribution, seed=2), seconds=0.2)
    assert (gaps == other) is (distribution == "constant")
    assert np.std(gaps) / np.mean(gaps) == pytest.approx(1 if distribution == "poisson" else 0, abs=0.15)


@pytest.mark.parametrize(("said", "late"), [("", 0), ("rate. 12.5% of the requests were delayed. ", 12.5)])
def test_requests_that_were_sent_late_are_told(tmp_path: Path, load: Load, said: str, late: float) -> None:
    """What perf_analyzer prints about late requests stands beside its columns; when to send, it is told by a file."""
    program = tmp_path / "perf_analyzer"
    program.write_text(f"""#!/bin/sh
echo '{said}'
echo '    Request count: 700'
printf '{HEADER.replace("Concurrency", "Request Rate")}\\n{ROW}\\n' > {tmp_path}/window.csv
""")
    program.chmod(0o755)
    demand = RequestRate(1000, "constant")
    row: Any = measure(
        program, {"PATH": "/usr/bin:/bin"}, dataclasses.replace(load, demand=demand), tmp_path / "window.csv"
    )
    assert row["Request Rate"] == 8
    assert row.get("Delayed requests") == (late or None)
    window: Any = {"perf_analyzer": row}
    assert percent_late(window) == late
    assert completed(window) == 700
    assert set((tmp_path / "intervals_us.txt").read_text().split()) == {"1000"}


def test_a_window_whose_requests_are_not_counted_is_none(tmp_path: Path, load: Load) -> None:
    """Without their number, percentiles do not say how many requests were slower."""
    program = tmp_path / "perf_analyzer"
    program.write_text(f"#!/bin/sh\nprintf '{HEADER}\\n{ROW}\\n' > {tmp_path}/window.csv\n")
    program.chmod(0o755)
    with pytest.raises(StageError, match="did not print how many requests"):
        measure(program, {"PATH": "/usr/bin:/bin"}, load, tmp_path / "window.csv")


def test_single_requests_are_read_as_perf_analyzer_exports_them(tmp_path: Path) -> None:
    """Their times from sending to the last response; what is no export is an error that says so."""
    path = tmp_path / "requests.json"
    requests = [
        {"timestamp": 1_000_000, "response_timestamps": [1_500_000, 3_000_000]},
        {"timestamp": 0, "response_timestamps": [7]},
    ]
    path.write_text(json.dumps({"experiments": [{"requests": requests}]}))
    assert latencies_us(path) == [2000.0, 0.007]
    assert histogram([2000.0, 0.007, 1990.0]) == {"0": 1, "764": 2}
    for damaged in ("", "{}", '{"experiments": []}', '{"experiments": [{"requests": [{}]}]}'):
        path.write_text(damaged)
        with pytest.raises(StageError, match="export of single requests cannot be read"):
            latencies_us(path)
        with pytest.raises(UnusableWindowError):  # which is measured again
            latency_bins(path)


def test_a_row_is_read_with_every_column(tmp_path: Path) -> None:
    """What perf_analyzer 2.51 wrote once comes back as numbers by column."""
    path = tmp_path / "window.csv"
    path.write_text(f"{HEADER}\n{ROW}\n")
    row = read_results(path)
    assert row["Inferences/Second"] == 3164.02
    assert row["p99 latency"] == 5871
    assert len(row) == 16


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "0 rows"),
        ("", "0 rows"),
        (f"{HEADER}\n", "0 rows"),
        (f"{HEADER}\n{ROW}\n{ROW}\n", "2 rows"),
        (f"{HEADER},New Column\n{ROW},1\n", "columns whose unit is unknown: New Column"),
        (f"{HEADER}\n{ROW.replace('2338', 'n/a')}\n", "not a number"),
        (f"{HEADER}\n8,3164.02\n", "not a number"),
    ],
)
def test_an_incomplete_report_is_an_error(tmp_path: Path, text: str | None, sentence: str) -> None:
    """No row, two rows, an unknown column or a missing number never becomes a measurement."""
    path = tmp_path / "window.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(StageError, match=sentence):
        read_results(path)


@pytest.mark.parametrize(("dtype", "size"), [(np.uint8, 3), (np.float32, 12)])
def test_inputs_are_the_examples_bytes(tmp_path: Path, dtype: type, size: int) -> None:
    """Each example is one request, its bytes in base64: an image's are a quarter of what floats would be."""
    examples: np.ndarray = np.arange(6, dtype=dtype).reshape(2, 3)
    write_input_data(tmp_path / "input.json", {"image": examples})
    requests = json.loads((tmp_path / "input.json").read_text())["data"]
    assert [len(base64.b64decode(request["image"]["b64"])) for request in requests] == [size, size]
    read = read_input_data(tmp_path / "input.json", "image", np.dtype(dtype), (3,))
    assert (read.dtype, read.tolist()) == (dtype, examples.tolist())


def test_a_failure_shows_what_perf_analyzer_said(tmp_path: Path, load: Load) -> None:
    """A load generator that fails is quoted, not swallowed."""
    program = tmp_path / "perf_analyzer"
    program.write_text("#!/bin/sh\necho 'failed to open the input file'\nexit 99\n")
    program.chmod(0o755)
    with pytest.raises(StageError, match=r"(?s)exit code 99.*failed to open the input file"):
        measure(program, {"PATH": "/usr/bin:/bin"}, load, tmp_path / "window.csv")


@pytest.mark.parametrize(
    "said",
    [
        "No valid requests recorded within",
        "Failed to obtain stable measurement within",
        "failed to find the requested model version for",
    ],
)
def test_a_window_without_a_request_names_the_parameter(tmp_path: Path, load: Load, said: str) -> None:
    """On a machine too busy for the window, the error says which parameter to raise."""
    program = tmp_path / "perf_analyzer"
    program.write_text(f"#!/bin/sh\necho '{said} the windows.'\nexit 3\n")
    program.chmod(0o755)
    with pytest.raises(UnusableWindowError, match=r"perf\.window_ms = 200"):
        measure(program, {"PATH": "/usr/bin:/bin"}, load, tmp_path / "window.csv")


def test_a_crash_of_perf_analyzer_is_a_window_to_repeat(tmp_path: Path, load: Load) -> None:
    """It happens once in many thousand windows; being told to end is another thing."""
    program = tmp_path / "perf_analyzer"
    for number, error in (("SEGV", UnusableWindowError), ("TERM", StageError)):
        program.write_text(f"#!/bin/sh\nkill -{number} $$\n")
        program.chmod(0o755)
        with pytest.raises(StageError) as raised:
            measure(program, {"PATH": "/usr/bin:/bin"}, load, tmp_path / "window.csv")
        assert type(raised.value) is error


def test_a_bus_error_where_memory_is_shared_is_most_likely_a_full_one(tmp_path: Path, load: Load) -> None:
    """Somebody else may have filled it since there was room."""
    program = tmp_path / "perf_analyzer"
    program.write_text("#!/bin/sh\nkill -BUS $$\n")
    program.chmod(0o755)
    for shared, said in ((False, "signal 7$"), (True, "signal 7: /dev/shm was probably full; mount a larger ")):
        asked = dataclasses.replace(load, shared_memory=shared)
        with pytest.raises(UnusableWindowError, match=said):
            measure(program, {"PATH": "/usr/bin:/bin"}, asked, tmp_path / "window.csv")


class CountingServer(Server):
    """A server whose statistics say each time that it has answered so many more requests."""

    def statistics(self, _model: str) -> Any:
        CountingServer.asked += 1
        return statistics(600 * CountingServer.asked * self.growth, 1)

    asked = 0
    growth = 1


class LyingServer(CountingServer):
    """One whose statistics stand still."""

    growth = 0


def windows_of(server: type[Server], folder: Path, program: Path) -> Windows:
    (folder / "input.json").touch()
    return Windows(
        server("127.0.0.1:1", "127.0.0.1:2", pid=None),
        {"anchor": folder / "input.json"},
        folder,
        protocol="grpc",
        window_ms=200,
        installation=dataclasses.replace(find_installation(), perf_analyzer=program),
    )


@pytest.fixture
def says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, int, str], Path]:
    """Return how to make a perf_analyzer that does one thing so many times, and then writes a good row; no pauses."""
    monkeypatch.setattr("assay.measuring.windows.PAUSES_S", [pause_s / 1000 for pause_s in PAUSES_S])

    def write(action: str, times: int, row: str = ROW) -> Path:
        program = tmp_path / "perf_analyzer"
        program.write_text(f"""#!/bin/sh
echo >> {tmp_path}/calls
echo '    Request count: 700'
for last; do :; done
if [ $(wc -l < {tmp_path}/calls) -le {times} ]; then {action}; fi
# No window is over at once: in no time, nobody answers the requests that are counted.
sleep 0.05
printf '{HEADER}\\n{row}\\n' > "$last"
""")
        program.chmod(0o755)
        return program

    return write


@pytest.mark.parametrize("empty_windows", [0, 2, 8, 9])
def test_a_window_without_a_request_is_repeated(
    tmp_path: Path, says: Callable[[str, int], Path], empty_windows: int
) -> None:
    """Up to eight empty windows are measured again, after growing pauses, and the window says so."""
    program = says("echo 'No valid requests recorded'; exit 3", empty_windows)
    windows = windows_of(CountingServer, tmp_path, program)
    if empty_windows == 9:
        with pytest.raises(UnusableWindowError):
            windows.measure("anchor", 8)
    else:
        measured: Any = windows.measure("anchor", 8)
        assert measured["repeats"] == empty_windows
        assert measured["perf_analyzer"]["Concurrency"] == 8


@pytest.mark.parametrize(
    ("good", "bad", "why"),
    [
        ("3164.02", "-3", "perf_analyzer reports Inferences/Second -3"),
        ("3164.02", "0", "perf_analyzer reports Inferences/Second 0"),
        ("3164.02", "nan", "perf_analyzer reports Inferences/Second nan"),
        ("3164.02", "inf", "perf_analyzer reports Inferences/Second inf"),
        ("3164.02", "3164020", "the server counted 600 inferences where perf_analyzer reports 3.164e+06 a second"),
        ("2514,2,", "0,2,", "perf_analyzer reports Avg latency 0"),
        ("5871", "-1", "perf_analyzer reports p99 latency -1"),
        ("2338", "4000", "percentiles that decrease: p50 latency 4000, p90 latency 3001"),
        ("3164.02", "", "something that is not a number"),
        (f"{ROW}", "", "0 rows"),
        (f"{ROW}", f"{ROW}\\n{ROW}", "2 rows"),
    ],
)
def test_a_row_that_makes_no_sense_is_measured_again(
    tmp_path: Path, says: Callable[[str, int], Path], good: str, bad: str, why: str
) -> None:
    """Twice nonsense, then a window: that is recorded. Nothing but nonsense: one sentence, and nothing is."""
    nonsense = f"printf '{HEADER}\\n{ROW.replace(good, bad, 1)}\\n' > \"$last\"; exit 0"
    measured = windows_of(CountingServer, tmp_path, says(nonsense, 2)).measure("anchor", 8)
    assert (measured["repeats"], measured["perf_analyzer"]["Inferences/Second"]) == (2, 3164.02)
    (tmp_path / "calls").unlink()
    shutil.rmtree(tmp_path / "libraries")
    with pytest.raises(UnusableWindowError, match=re.escape(why)) as raised:
        windows_of(CountingServer, tmp_path, says(nonsense, 99)).measure("anchor", 8)
    assert len(str(raised.value).splitlines()) == 1


@pytest.mark.parametrize(("values", "kept"), [(16, True), (10_000, False)])
def test_all_windows_at_a_demand_keep_their_requests_or_none(
    tmp_path: Path, says: Callable[[str, int], Path], values: int, kept: bool
) -> None:
    """Of 700 requests in the first one, which keeps none, 16 values each are little to write, and 10,000 too much."""
    windows = windows_of(CountingServer, tmp_path, says(":", 0))
    windows.values_a_request = {"anchor": values}
    assert windows.load("anchor", 8).export is None
    windows.measure("anchor", 8)
    assert (windows.load("anchor", 8).export is not None) == kept
    assert windows.load("anchor", 4).export is None


def test_a_window_has_the_time_that_its_requests_take(tmp_path: Path, says: Callable[[str, int], Path]) -> None:
    """Half a gigabyte of images takes a while to read, and a slow server to give its last answers."""
    windows = windows_of(CountingServer, tmp_path, says(":", 0))
    assert windows.load("anchor", 8).patience_s == 15
    os.truncate(tmp_path / "input.json", 500_000_000)
    windows.server = dataclasses.replace(windows.server, request_timeout_s=60)
    assert windows.load("anchor", 8).patience_s == 5 + 60 + 50


def test_a_long_window_has_the_time_to_be_counted(tmp_path: Path, says: Callable[[str, int], Path]) -> None:
    """Millions of requests are counted at the end, more slowly than they were answered."""
    windows = windows_of(CountingServer, tmp_path, says(":", 0))
    load = windows.load("anchor", 8, window_ms=20_000)
    assert load.counted_s == pytest.approx(72)
    assert load.longest_s > 72 + 317  # what 3.2 million took


def test_statistics_that_stand_still_are_measured_again_and_then_told(
    tmp_path: Path, says: Callable[[str, int], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """A server that counts nothing is not believed, whatever the load generator says."""
    with pytest.raises(UnusableWindowError, match=r"makes no sense: .* did not grow: inference"):
        windows_of(LyingServer, tmp_path, says(":", 0)).measure("anchor", 8)
    assert len((tmp_path / "calls").read_text()) == 1 + len(PAUSES_S)
    assert capsys.readouterr().out.startswith("measuring a window again and again: a window of anchor")


def changed(path: str, by: int) -> Any:
    """Return a sound window, but for one of the statistics after it."""
    found = copy.deepcopy(window(1000))
    *folders, name = path.split(".")
    place = found["statistics"]["after"]
    for folder in folders:
        place[folder] = dict(place[folder])
        place = place[folder]
    place[name] += by
    return found


@pytest.mark.parametrize(
    ("path", "by", "why"),
    [
        ("inference_count", 0, None),
        ("inference_count", -600, "did not grow: inference_count"),
        ("execution_count", -600, "did not grow: execution_count"),
        ("inference_stats.success.count", -600, "did not grow: inference_stats.success.count"),
        ("inference_stats.success.count", -601, "went back: inference_stats.success.count by 1"),
        ("inference_stats.queue.ns", -600_000_001, "went back: inference_stats.queue.ns by 1"),
        ("inference_stats.fail.count", -1, "went back: inference_stats.fail.count by 1"),
        ("inference_stats.compute_infer.ns", -600_000_000, None),
        ("inference_count", 30_000, "the server counted 30,600 inferences where perf_analyzer reports 1,000 a second"),
    ],
)
def test_statistics_must_grow_as_they_do(path: str, by: int, why: str | None) -> None:
    """Counts that stand still, run back, or are far from what the load generator says, are nobody's measurement."""
    found = complaint(changed(path, by))
    assert found is None if why is None else why in str(found)


@pytest.mark.parametrize("broken", [None, 5, [], {}, {"perf_analyzer": {}}, {**window(1000), "counted_s": "long"}])
def test_what_is_no_window_is_no_traceback(broken: Any) -> None:
    """A recorded window of any shape is a complaint."""
    assert complaint(broken)


def test_results_of_an_earlier_window_are_never_read_again(tmp_path: Path, load: Load) -> None:
    """A perf_analyzer that exits 0 without writing is an error, even over an old file."""
    program = tmp_path / "perf_analyzer"
    program.write_text("#!/bin/sh\nexit 0\n")
    program.chmod(0o755)
    (tmp_path / "window.csv").write_text(f"{HEADER}\n{ROW}\n")
    with pytest.raises(StageError, match="0 rows"):
        measure(program, {"PATH": "/usr/bin:/bin"}, load, tmp_path / "window.csv")
