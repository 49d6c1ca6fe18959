"""The report page as a reader sees it, from made-up numbers: its words, and its looks in a browser."""

import html
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from made_up import decide_and_report, runoff, words, write_workspace
from PIL import Image
from ruamel.yaml import YAML

from workloads import table_under

pytestmark = pytest.mark.slow

GOLDEN = Path(__file__).parent / "golden"
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
# A quarter of the size: letters blur, columns, charts and colours stay.
SCALE = 4
# A grey pixel has changed when it differs by more than this, of 255; of a page, this share may.
CHANGED, TOLERANCE = 32, 0.001


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return reports/ of a workspace with made-up measurements, after the report stage."""
    folder = write_workspace(tmp_path_factory.mktemp("made_up"))
    decide_and_report(folder)
    yield folder / "reports"
    shutil.rmtree(folder)


def test_who_sees_only_the_page_can_decide(reports: Path) -> None:
    """Which configuration, how sure, what was tried and on what machine come first, before any chart."""
    answer = words(reports / "index.html").partition("How sure")[0]
    assert "Run fp32-2-64-delay_0us" in answer
    assert re.search(r"1\.[78]\d \(1\.\d\d–1\.\d\d\) × the throughput of the default configuration", answer)
    assert "That is what these minutes say; at another hour expect 1." in answer
    assert "In an open loop (poisson arrivals) it sustains 1,700 requests/s at p95 latency ≤ 5 ms" in answer
    assert "Tried 6 configurations at concurrency 1, 8" in answer
    assert "Decided between 3 side by side in 6 server starts" in answer
    assert "Measured on A processor 2 cores" in answer


def test_nothing_is_excepted_where_nothing_was_interrupted(reports: Path) -> None:
    """Then every cell had its one start, and both reports say so."""
    assert "Every cell had one server start of its own: between" in (reports / "report.md").read_text()
    assert "Cells had a server start each: the finalists above" in words(reports / "index.html")


def test_other_hours_are_shown_beside_this_one(reports: Path) -> None:
    """Earlier verdicts on the same machine and models, with what they said of the configuration recommended now."""
    assert "2025-12-31 22:30 UTC fp32-2-64-delay_0us 1.71 (1.63–1.79)" in words(reports / "index.html")
    assert "| 2025-12-31 22:30 UTC | `fp32-2-64-delay_0us` | 1.71 (1.63–1.79) |" in (reports / "report.md").read_text()


def test_what_was_interrupted_is_said_of_every_number(tmp_path: Path) -> None:
    """Of the anchor's copy, of ONNX Runtime's own threads and of the open loop, too, in both reports."""
    folder = write_workspace(tmp_path)
    of_cells = [(f"perf/all/{name}", "levels") for name in ("anchor_copy", "default_threads", "fp32-2-64-off")]
    for name, interrupted in (*of_cells, ("saturation", "")):
        path = folder / "reports" / f"{name}.json"
        found = json.loads(path.read_text())
        (found[interrupted][-1] if interrupted else found)["rounds"][-1]["start"] = 2
        path.write_text(json.dumps(found))
    measured = json.loads((folder / "reports" / "runoff.json").read_text())
    measured["rounds"][0]["windows"]["fp32-1-64-off"]["repeats"] = 1
    (folder / "reports" / "runoff.json").write_text(json.dumps(measured))
    decide_and_report(folder)
    text = re.sub(r"\s+", " ", (folder / "reports" / "report.md").read_text())
    seen = words(folder / "reports" / "index.html")
    interrupted = "the rounds come from 2 starts of the server"
    assert re.search(rf"\) at concurrency 8 \(interrupted: {interrupted}\)\. Every interval", text)
    assert re.search(rf"Two equal models: .* At concurrency 8: interrupted: {interrupted}\. Measured", seen)
    for shown in (text, seen):
        assert re.search(rf"the anchor's throughput at concurrency 8 \(interrupted: {interrupted}\); as", shown)
        assert f"is not in its latency (coordinated omission). Interrupted: {interrupted}." in shown
        assert "1 window measured again: perf_analyzer had no answer" in shown
        assert re.search("(Every cell had one server start of its own|Cells had a server start each), but for", shown)


def test_a_verdict_of_another_format_is_left_out(tmp_path: Path) -> None:
    """Of an older release, which kept no earlier ones and gave its files no number; the new one takes its place."""
    folder = write_workspace(tmp_path)
    (folder / "reports" / "verdicts" / "embedded.json").write_text('{"server": "embedded", "basis": {}, "verdict": {}}')
    (folder / "reports" / "verdicts" / "local.json").write_text('{"format": 99}')
    said = decide_and_report(folder)
    assert "reports/verdicts/embedded.json is of another format, and is replaced with all that it remembers" in said
    assert "reports/verdicts/local.json is of another format, and is left out" in said
    assert '"format": 3' in (folder / "reports" / "verdicts" / "embedded.json").read_text()
    assert "Other hours" not in (folder / "reports" / "report.md").read_text()


def test_what_was_not_compared_is_not_said_to_be(tmp_path: Path) -> None:
    """A matrix of one configuration has a report about it alone."""
    folder = write_workspace(tmp_path)
    yaml = YAML()
    content = yaml.load(folder / "params.yaml")
    content["perf"].update(instances=[1], dynamic_batching=["off"])
    content["saturation"]["distribution"] = content["perf"]["slo"]["p95_ms"] = None
    yaml.dump(content, folder / "params.yaml")
    (folder / "reports" / "runoff.json").write_text(json.dumps(runoff({"fp32-1-64-off": 1.0}, starts=6, rounds=4)))
    decide_and_report(folder)
    seen = words(folder / "reports" / "index.html")
    assert "Tried 1 configuration at concurrency 1, 8" in seen
    for text in (seen, (folder / "reports" / "report.md").read_text()):
        assert "the only configuration that was measured: nothing was compared with it." in text
        assert "side by side" not in text.replace("Each finalist against the default configuration", "")


def test_less_is_said_as_less(tmp_path: Path) -> None:
    """Where less is better, the page's first lines say how many times the default's value it is: below 1."""
    folder = write_workspace(tmp_path)
    yaml = YAML()
    content = yaml.load(folder / "params.yaml")
    content["perf"]["objective"] = "p95_latency"
    yaml.dump(content, folder / "params.yaml")
    decide_and_report(folder)
    seen = words(folder / "reports" / "index.html")
    (card,) = re.findall(r"P95 latency against the default ([\d.]+) ×", seen)
    assert f"{card} (" in seen.partition("× the p95 latency of the default configuration")[0]
    assert float(card) < 1
    assert "at another hour expect" not in seen  # how hours differ was studied of throughput alone
    assert "against the default, better above 1" in seen


def test_the_page_says_which_server_was_asked_and_how(reports: Path) -> None:
    """A number belongs to a server, a protocol, and whether tensors went through shared memory."""
    assert "Triton 2.51.0, embedded with ONNX Runtime 1.0, asked over gRPC." in words(reports / "index.html")


def test_markdown_is_for_the_other_report(tmp_path: Path) -> None:
    """Names of cells and variants stand in the page as code, with no mark of what they are in Markdown."""
    folder = write_workspace(tmp_path)
    yaml = YAML()
    content = yaml.load(folder / "params.yaml")
    content["onnx"]["variants"] = ["fp32", "openvino"]
    yaml.dump(content, folder / "params.yaml")
    for place in ("perf/all", "onnx", "serving"):
        for path in (folder / "reports" / place).glob("fp32*.json"):
            (path.parent / path.name.replace("fp32", "openvino")).write_text(
                path.read_text().replace("fp32", "openvino").replace('"accelerator": null', '"accelerator": "openvino"')
            )
    decide_and_report(folder)
    seen = words(folder / "reports" / "index.html")
    assert "computed by OpenVINO's own runtime" in seen
    assert "`" not in seen


def test_the_page_takes_the_load_generators_machine_for_no_servers(tmp_path: Path) -> None:
    """Of a server that runs already: where it is, and with how many cores it was told to compute; in both reports."""
    folder = write_workspace(tmp_path)
    yaml = YAML()
    content = yaml.load(folder / "params.yaml")
    content["triton"].update(server="url", url={"http": "10.0.0.7:8000", "grpc": "10.0.0.7:8001", "cores": 64})
    yaml.dump(content, folder / "params.yaml")
    for name, its in (
        ("machine", {"address": "10.0.0.7:8000", "version": "2.51.0"}),
        ("perf/all/anchor_copy", {"kind": "url", "version": "2.51.0"}),
    ):
        path = folder / "reports" / f"{name}.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"server": its}))
    decide_and_report(folder)
    page, text = words(folder / "reports" / "index.html"), (folder / "reports" / "report.md").read_text()
    assert "Server http://10.0.0.7:8000 its machine is not known Load generator on A processor 2 cores" in page
    for seen in (html.unescape(page), text):
        assert "Each instance is told to compute with its share of 64 cores (triton.url.cores); how many" in seen
        assert "The load generator's machine and packages: A processor, 2 usable of 4 logical cores, 16 GiB;" in seen
        assert (
            "Triton 2.51.0, url at http://10.0.0.7:8000, whose machine and ONNX Runtime are not known here, "
            "told to compute with 64 cores (triton.url.cores), asked over gRPC." in seen
        )


def test_benchmarks_find_the_table_of_variants(reports: Path) -> None:
    """Heading, rule and a line for each variant."""
    _, _, *rows = table_under((reports / "report.md").read_text(), "| variant | ")
    assert [row.split()[1] for row in rows] == ["fp32"]


def test_every_figure_says_where_it_comes_from(reports: Path) -> None:
    """Each picture is in the page itself, with a text for who cannot see it, and names its file."""
    page = (reports / "index.html").read_text()
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", page, flags=re.DOTALL)
    assert len(captions) == page.count("<figure>") == 11
    assert all(" From " in caption for caption in captions)
    assert all(len(alt) > 20 for alt in re.findall(r' alt="([^"]*)"', page))
    assert not re.findall(r'(?:src|srcset)="(?!data:)', page)
    linked = set(re.findall(r'href="([^"#]*)"', page))
    assert {name for name in linked if not (reports / name).exists()} == set()


def test_the_pull_requests_report_says_the_same(reports: Path) -> None:
    """report.md begins with the same sentences."""
    text = (reports / "report.md").read_text()
    assert "**Run `fp32-2-64-delay_0us`**" in text
    assert "| 1,700 | meets (1" in text


def screenshot(page: Path, width: int, scheme: int, folder: Path) -> Image.Image:
    """Return the whole page in grey, a quarter of its size, as a browser shows it; scheme 0 is dark, 1 light."""
    assert BROWSER is not None
    target, fonts = folder / "page.png", folder / "fonts.conf"
    # Matplotlib's own, which are the same everywhere; a machine's would move every line.
    fonts.write_text(
        f"<fontconfig><dir>{matplotlib.get_data_path()}/fonts/ttf</dir><cachedir>{folder}/cache</cachedir></fontconfig>"
    )
    subprocess.run(
        [
            BROWSER,
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            f"--user-data-dir={folder / 'profile'}",
            f"--blink-settings=preferredColorScheme={scheme}",
            f"--window-size={width},9000",
            f"--screenshot={target}",
            page.as_uri(),
        ],
        check=True,
        timeout=60,
        env={**os.environ, "FONTCONFIG_FILE": str(fonts)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    image = Image.open(target).convert("L")
    return image.resize((image.width // SCALE, image.height // SCALE), Image.Resampling.BOX)


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="no browser on the path: apt-get install chromium")
@pytest.mark.parametrize("width", [1280, 500])
@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_the_page_looks_as_it_did(reports: Path, tmp_path: Path, width: int, scheme: str) -> None:
    """A desk's and a telephone's screenshot, in light and dark, are those that somebody looked at.

    With RENEW_SCREENSHOTS set, they become the new ones: look at them before you commit them.
    """
    golden = GOLDEN / f"page_{width}_{scheme}.png"
    seen = screenshot(reports / "index.html", width, ["dark", "light"].index(scheme), tmp_path)
    if "RENEW_SCREENSHOTS" in os.environ:
        seen.save(golden, optimize=True)
    with Image.open(golden) as image:
        expected = np.asarray(image, np.float64)
    changed = np.abs(np.asarray(seen, np.float64) - expected) > CHANGED
    assert changed.mean() < TOLERANCE
