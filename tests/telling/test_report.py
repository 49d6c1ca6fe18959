"""From rounds to what a reader sees of a cell: summaries, flags and tables."""

import copy
import html
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import pytest
from markdown_it import MarkdownIt
from measured import level, summarised

from assay.ground.records.prepared import UNKNOWN
from assay.params.cells import Cell
from assay.statistics.interval import Interval
from assay.telling.flags import anchor_in_words, batching_in_words, flags
from assay.telling.pages import FILTERS
from assay.telling.second_names import second_names, second_names_in_words
from assay.telling.surroundings import cores_in_words, server_in_words
from assay.telling.tables import MeasuredCell, cell_rows
from assay.telling.threads import default_threads
from assay.telling.variants_table import VariantRow, accelerated_in_words, batches_in_words, points
from assay.validation.schema import validate

STEADY = [1.0, 1.001] * 6
MACHINE: Any = {"usable_cores": 2, "usable_logical_cores": 2}
FLAGS = partial(flags, precision=0.1, client_cores=0, machine=MACHINE)


OURS = {"backend": "0123", "onnxruntime": "1.31.1"}


@pytest.mark.parametrize(
    ("its", "asked", "said"),
    [
        (OURS, ("grpc", "none"), "local with ONNX Runtime 1.31.1, asked over gRPC"),
        ({"backend": "0123"}, ("http", "system"), "local, asked over HTTP, tensors in shared memory"),
        (
            {"backend": "0123"},
            ("grpc", "none", 1),
            "local, asked over gRPC, by a load generator that has 1 core to itself",
        ),
    ],
)
def test_the_server_is_told_with_how_it_was_asked(
    content: dict[str, Any], its: dict[str, str], asked: tuple[Any, ...], said: str
) -> None:
    """The same server gives other numbers over another protocol, through shared memory, and with another runtime."""
    content["load"].update(zip(("protocol", "shared_memory", "client_cores"), asked, strict=False))
    server = {"kind": "local", "version": "2.51.0"}
    params, machine = validate(content), cast("Any", {"server": its})
    assert server_in_words(server, machine, params.triton, params.load) == f"Triton 2.51.0, {said}"


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        (64, "64 cores (triton.url.cores)"),
        (None, "4 cores (as many as the load generator's machine has, for triton.url.cores is null)"),
    ],
)
def test_the_cores_of_somebody_elses_server_are_what_it_was_told(
    content: dict[str, Any], stated: int | None, said: str
) -> None:
    """Nobody looks there: the number is one of params.yaml, or of this machine for want of that, and says which."""
    content["triton"]["server"], content["triton"]["url"]["cores"] = "url", stated
    assert cores_in_words(cast("Any", {"usable_cores": 4}), validate(content).triton) == said


def rows_of(**exports: dict[str, Any]) -> list[VariantRow]:
    served = summarised(level(STEADY))
    safe = {"examples": 4, "safe": True, "difference": 0.0, "other_class": 0, "rows": 1000}
    export = {"accelerator": None, "batch": safe, "test_examples": 1000}
    return [VariantRow(name, 0.9, None, export | its, None, served) for name, its in exports.items()]


def test_another_runtimes_variants_are_labelled() -> None:
    """OpenVINO behind our backend is not what NVIDIA's backend takes for it, and the report says so."""
    assert accelerated_in_words(rows_of(fp32={}, int8_static={})) is None
    said = accelerated_in_words(rows_of(fp32={}, openvino={"accelerator": "openvino"}))
    assert said is not None
    assert said.startswith("`openvino`: computed by OpenVINO's own runtime. NVIDIA's backend means ONNX Runtime's")


def test_accuracy_is_said_to_be_of_examples_alone_where_that_matters() -> None:
    """One whose neighbours in a batch change its answer has another accuracy where requests are batched."""
    assert batches_in_words(rows_of(fp32={}, int8_static={}), 4) == [
        "Batch-safe: `fp32`, `int8_static`. 4 different examples together get the answers of each alone."
    ]
    assert batches_in_words(rows_of(fp32={}), 64) == [
        "Batch-safe: `fp32`. 4 different examples together get the answers of each alone; more were not asked, and the "
        "matrix has batches of up to 64."
    ]
    unsafe = {"examples": 4, "safe": False, "difference": 0.0213, "other_class": 3, "rows": 1000}
    said = batches_in_words(rows_of(fp32={}, int8_dynamic={"batch": unsafe}), 4)
    assert said[0].startswith("Batch-safe: `fp32`. 4 different")
    assert said[1].startswith("Not batch-safe: `int8_dynamic`. What else is in a batch changes an answer")
    assert (
        "4 different examples together, 3 of 1,000 answers are others, values differ by up to 0.021, counted as parity"
        in said[1]
    )


def test_what_nobody_could_ask_of_batches_is_said() -> None:
    """What is not known is no safety; a model that takes one example at a time has no neighbours."""
    (said,) = batches_in_words(rows_of(fp32={"batch": UNKNOWN}), 4)
    assert said.startswith("Not known to be batch-safe: `fp32`, for several requests could not be asked so that they")
    (said,) = batches_in_words(rows_of(fp32={"batch": UNKNOWN | {"safe": True, "difference": 0.0}}), 1)
    assert said == "The model takes one example a request."


def test_a_level_holds_ratio_medians_and_effective_batch() -> None:
    """What a reader sees comes from the windows: ratios by round, medians, inferences an execution."""
    summary = summarised(level([1.2] * 12, batch=4))
    assert summary.throughput_ratio.value == pytest.approx(1.2)
    assert summary.latency_ratio.value == pytest.approx(1 / 1.2)
    assert summary.throughput == pytest.approx(1.2 * 1055)
    assert summary.effective_batch == 4
    assert summary.server_us["queue"] == pytest.approx(1000)
    assert summary.server_peak_memory_bytes == 300 * 2**20


def test_processor_time_is_told_apart_by_side() -> None:
    """0.3 s of the server's for 600 inferences are 0.5 s for 1,000, and 0.6 cores for half a second."""
    summary = summarised(level([1.0] * 12, cpu=(0.3, 0.06)))
    assert summary.cpu_per_1000 == pytest.approx({"server": 0.5, "client": 0.1})
    assert summary.busy_cores == pytest.approx({"server": 0.6, "client": 0.12})


def test_processor_time_too_short_to_be_counted_has_no_ratio() -> None:
    """Windows in which the kernel counted nothing leave the ratio out instead of failing the report."""
    summary = summarised(level(STEADY, cpu=(0.0, 0.1)))
    assert summary.cpu_ratio is None
    (row,) = cell_rows([MeasuredCell(Cell("fp32", 1, 64, "off"), [summary])], FLAGS)
    assert row["cpu_ratio"] is None


def test_what_another_machine_spends_is_unknown() -> None:
    """A server elsewhere has no processor time, memory or cost alone; the client here may still be the limit."""
    rounds = level(STEADY, cpu=(None, 0.9))
    for each in rounds["rounds"]:
        each |= {"server_peak_memory": None, "model_alone": None}
    summary = summarised(rounds)
    assert (summary.cpu_ratio, summary.cpu_per_1000["server"], summary.server_peak_memory_bytes) == (None, None, None)
    assert (summary.model_alone_us, summary.share_outside_model) == (None, None)
    (row,) = cell_rows([MeasuredCell(Cell("fp32", 1, 64, "off"), [summary])], FLAGS)
    assert row["server_cpu_s_per_1000"] is None
    assert "client saturated: 180 % of its 2 logical cores" not in row["flags"]
    assert flags(summary, precision=1, client_cores=0, machine=MACHINE | {"usable_logical_cores": 1}) == [
        "client saturated: 180 % of its 1 logical core"
    ]


def test_the_backends_own_share_is_what_the_model_does_not_need() -> None:
    """Of 3,000 µs in the backend, the model alone takes 100: the rest is the backend's."""
    summary = summarised(level([1.0] * 12))
    assert summary.compute_us == pytest.approx(3000)
    assert summary.share_outside_model == pytest.approx(1 - 100 / 3000)


@pytest.mark.parametrize(("requests", "shown"), [(1000, {"p50", "p95", "p99"}), (999, {"p50", "p95"}), (199, {"p50"})])
def test_a_percentile_needs_ten_requests_beyond_it(requests: int, shown: set[str]) -> None:
    """Windows too short for a percentile leave it out instead of guessing."""
    latencies = summarised(level([1.0] * 12, requests=requests)).latency_us
    assert {name for name, value in latencies.items() if value is not None} == shown


@pytest.mark.parametrize(
    ("batching", "batch", "concurrency", "sentence"),
    [
        ("off", 1, 8, "batching is off"),
        ("delay_0us", 1, 8, "batching never happened: 1.00 inferences per execution"),
        ("delay_0us", 2, 8, "2.00 inferences per execution"),
        (
            "delay_500us_preferred_8",
            1,
            4,
            "batching never happened: 1.00 inferences per execution; "
            "concurrency 4 can never fill the preferred batch 8, so the first request of each waits the whole 500 µs",
        ),
        (
            "delay_500us",
            4,
            8,
            "4.00 inferences per execution; "
            "concurrency 8 can never fill the preferred batch 64, so the first request of each waits the whole 500 µs",
        ),
        ("delay_500us_preferred_4", 4, 8, "4.00 inferences per execution"),
    ],
)
def test_batching_is_told_in_words(batching: str, batch: int, concurrency: int, sentence: str) -> None:
    """A reader learns whether batches formed, and when they never could."""
    summary = summarised(level([1.0] * 12, concurrency=concurrency, batch=batch))
    assert batching_in_words(Cell("fp32", 1, 64, batching), summary) == sentence


def test_a_second_name_is_no_other_configuration() -> None:
    """A number of threads that is the share of the cores anyway; another variant's files are others."""
    cells = [Cell("fp32", 1, 64, "off"), Cell("fp32", 1, 64, "off", threads=2), Cell("pruned", 1, 64, "off")]
    files: Any = {each.name: {"config": f'name: "{each.name}"\nmax_batch_size: 64\n'} for each in cells}
    assert second_names(cells, files) == {"fp32-1-64-off-2": "fp32-1-64-off"}
    (said,) = second_names_in_words(second_names(cells, files))
    assert said.startswith("`fp32-1-64-off-2` is `fp32-1-64-off` under a second name, for that number of threads")
    files["fp32-1-64-off-2"]["config"] += "parameters {}"
    assert second_names_in_words(second_names(cells, files)) == []


def test_nearly_all_are_not_all() -> None:
    """15,355 of 15,360 rows are no 100.0 %, and a change of less than a tenth of a point is one."""
    assert (FILTERS["share"](15355 / 15360), FILTERS["share"](1.0), FILTERS["share"](0.987)) == (
        "99.97",
        "100.0",
        "98.7",
    )
    assert (FILTERS["score"](0.99996), FILTERS["score"](0.9554), FILTERS["score"](1.0)) == (
        "0.99996",
        "0.9554",
        "1.0000",
    )
    assert points(Interval(-0.0004, -0.0008, -0.0002)) == "-0.04 (-0.1 to -0.02)"
    assert points(Interval(0.0, -0.0, 0.01)) == "+0.0 (+0.0 to +1.0)"


@pytest.mark.parametrize(("accelerator", "runtime"), [(None, "ONNX Runtime"), ("openvino", "OpenVINO")])
def test_a_number_of_threads_is_that_of_whoever_computes(accelerator: str | None, runtime: str) -> None:
    """OpenVINO's own number of threads is not ONNX Runtime's."""
    twin, summary = Cell("quick", 2, 64, "off"), summarised(level([1.0] * 12, concurrency=8))
    results: Any = SimpleNamespace(
        cells={"default_threads": {}}, exports={"quick": {"model": {"accelerator": accelerator}}}
    )
    found = default_threads(results, twin, [MeasuredCell(twin, [summary])], lambda _: [summary])
    assert (found["runtime"], found["twin_name"]) == (runtime, "quick-2-64-off")


def test_a_name_says_nothing_of_an_owners_batching() -> None:
    """What was executed together is told, and no preferred batch or delay that the name may speak of."""
    summary = summarised(level([1.0] * 12, concurrency=8, batch=1))
    cell = Cell("fp32", 1, 64, "delay_500us", as_configured=True)
    assert batching_in_words(cell, summary) == "batching never happened: 1.00 inferences per execution"


def test_the_anchor_against_its_copy_is_told_in_words() -> None:
    """How many intervals miss what is true, of how many."""
    steady, off = (summarised(level(ratios)) for ratios in ([1.0, 1.01, 0.99] * 4, [1.2, 1.21] * 6))
    assert anchor_in_words([steady]) == "Every interval holds 1, as it should."
    assert anchor_in_words([off]).startswith("At 1 of 1 level the interval misses 1. By chance that happens once in ")
    assert anchor_in_words([steady, off]).startswith("At 1 of 2 levels the interval misses 1.")


@pytest.mark.parametrize(
    ("ratios", "settings", "client_cores", "flag"),
    [
        ([1.0, 2.0] * 16, {}, 0, "still unstable after 32 rounds: throughput ±14 %, where ±5 % was wanted"),
        (STEADY, {"latency_factor": 0.82}, 0, "Little's law off by 18 %"),
        (STEADY, {"cpu": (0.2, 0.485)}, 1, "client saturated: 97 % of its 1 logical core"),
        (STEADY, {"cpu": (0.3, 0.95)}, 2, "client saturated: 95 % of its 2 logical cores"),
        (STEADY, {"cpu": (0.35, 0.6)}, 0, "client saturated: it used 1.2, the server 0.7, of 2 logical cores"),
        (
            STEADY,
            {"repeats": 1},
            0,
            "12 windows measured again: perf_analyzer had no answer, or a senseless one, or was stopped, "
            "most often for a machine that was busy",
        ),
    ],
)
def test_what_is_wrong_with_a_level_is_a_sentence(
    ratios: list[float], settings: dict[str, Any], client_cores: int, flag: str
) -> None:
    """Each self-check that fails says what it found, with the number."""
    summary = summarised(level(ratios, **settings))
    assert flags(summary, precision=0.05, client_cores=client_cores, machine=MACHINE) == [flag]


def test_a_level_is_unstable_where_what_was_sought_is() -> None:
    """A wild p95 is told where it decides, however steady the throughput, and a wild throughput is not."""
    raw = level(STEADY)
    for index, each in enumerate(raw["rounds"]):
        each["windows"]["candidate"]["perf_analyzer"]["p95 latency"] *= 3 if index % 2 else 1
    (flag,) = flags(summarised(raw, "p95_latency"), precision=0.05, client_cores=0, machine=MACHINE)
    assert flag == "still unstable after 12 rounds: p95 latency ±44 %, where ±5 % was wanted"
    assert flags(summarised(raw), precision=0.05, client_cores=0, machine=MACHINE) == []


def test_a_sound_level_has_no_flag() -> None:
    """Nothing is said where there is nothing to say."""
    assert flags(summarised(level(STEADY)), precision=0.05, client_cores=0, machine=MACHINE) == []


def test_hyper_threads_are_counted_where_processor_time_is() -> None:
    """A core with two of them gives two seconds a second: a client that uses one of its two is not at its limit."""
    machine: Any = {"usable_cores": 2, "usable_logical_cores": 4}
    summary = summarised(level(STEADY, cpu=(0.2, 0.485)))
    assert flags(summary, precision=0.05, client_cores=1, machine=machine) == []
    summary = summarised(level(STEADY, cpu=(0.2, 0.95)))
    (flag,) = flags(summary, precision=0.05, client_cores=1, machine=machine)
    assert flag == "client saturated: 95 % of its 2 logical cores"


def test_an_interrupted_level_says_so() -> None:
    """Rounds of two server starts in one cell are counted."""
    raw = level(STEADY)
    raw["rounds"][-1]["start"] = 2
    (flag,) = flags(summarised(raw), precision=0.05, client_cores=0, machine=MACHINE)
    assert flag == "interrupted: the rounds come from 2 starts of the server"


def test_summarising_does_not_change_the_raw_rounds() -> None:
    """Cells keep what was measured; everything derived is derived again."""
    raw = level([1.1] * 12)
    before = copy.deepcopy(raw)
    summarised(raw)
    assert raw == before


def test_a_row_has_every_number_and_its_flags() -> None:
    """The table's row of a level names the cell, its axes, its ratios and what to know about it."""
    cell = MeasuredCell(Cell("fp32", 2, 64, "off"), [summarised(level([1.0, 2.0] * 16))])
    (row,) = cell_rows([cell], FLAGS)
    assert (row["cell"], row["instances"], row["dynamic_batching"]) == ("fp32-2-64-off", 2, "off")
    assert row["throughput_ratio_low"] < row["throughput_ratio"] < row["throughput_ratio_high"]
    assert row["flags"].startswith("still unstable after 32 rounds")


@pytest.mark.parametrize("name", ["a|b", "`x`", "*x* _y_ ~~z~~", "<b>&amp;", "[a](http://b)", "back\\slash", "é"])
def test_names_of_other_people_are_read_as_they_are_in_a_table(name: str) -> None:
    """Nothing in them ends a cell, or is a mark of Markdown's."""
    page = MarkdownIt("commonmark").enable("table").render(f"| a |\n|---|\n| {FILTERS['plain'](name)} |\n")
    cell = page.partition("<td>")[2].partition("</td>")[0]
    assert html.unescape(cell) == name
    assert FILTERS["plain"]("two\nlines") == r"two\\nlines"
