"""Models of which the truth is known: copies of the anchor, and anchors that are slower by a known share."""

import statistics
import time
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from assay.measuring.bench import Candidate, anchor, renamed
from assay.tensors.parity import onnx_answer, onnx_session
from record import ROOT

ANCHOR_MODEL = ROOT / "triton" / "anchor" / "1" / "model.onnx"
WIDTH = 32
CALIBRATION_LINKS = 200
CALIBRATION_RUNS = 300


def lengthened(model: onnx.ModelProto, links: int) -> onnx.ModelProto:
    """Return the anchor with a chain of small matrix products beside it that change no answer.

    Each link multiplies [WIDTH, WIDTH] by a constant; the end of the chain, times zero, is
    added to the logits, so that nothing of it can be left out.
    """
    longer = onnx.ModelProto()
    longer.CopyFrom(model)
    graph = longer.graph
    image, logits = graph.input[0].name, graph.output[0].name
    weights = np.random.default_rng(0).normal(0, 0.1, (WIDTH, WIDTH)).astype(np.float32)
    graph.initializer.extend(
        [numpy_helper.from_array(weights, "link"), numpy_helper.from_array(np.array(0, np.float32), "zero")]
    )
    for node in graph.node:
        node.output[:] = [f"{name}_plain" if name == logits else name for name in node.output]
    links_of_the_chain = [
        helper.make_node("MatMul", [f"link_{index}", "link"], [f"link_{index + 1}"]) for index in range(links)
    ]
    graph.node.extend(
        [
            helper.make_node("ReduceMean", [image], ["seed"], keepdims=0),
            helper.make_node("Mul", ["link", "seed"], ["link_0"]),
            *links_of_the_chain,
            helper.make_node("ReduceMean", [f"link_{links}"], ["mean"], keepdims=0),
            helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
            helper.make_node("Add", [f"{logits}_plain", "nothing"], [logits]),
        ]
    )
    onnx.checker.check_model(longer)
    return longer


def link_microseconds(model: onnx.ModelProto) -> float:
    """Return what one link of the chain costs in ONNX Runtime on this machine, by paired runs."""
    short, long = (
        onnx_session(lengthened(model, links).SerializeToString(), threads=1) for links in (0, CALIBRATION_LINKS)
    )
    image = np.random.default_rng(1).random((1, 28, 28, 1), dtype=np.float32)
    differences = []
    for _ in range(CALIBRATION_RUNS):
        times = []
        for session in (short, long):
            began = time.perf_counter_ns()
            onnx_answer(session, image)
            times.append(time.perf_counter_ns() - began)
        differences.append(times[1] - times[0])
    return statistics.median(differences) / 1000 / CALIBRATION_LINKS


def copies(names: list[str], folder: Path) -> list[Candidate]:
    """Return copies of the anchor under these names."""
    return [renamed(anchor(), name, folder) for name in names]


def links_for(microseconds: float) -> int:
    """Return the number of links that take so long on this machine now, at least 1."""
    return max(1, round(microseconds / link_microseconds(onnx.load(ANCHOR_MODEL))))


def slowed(name: str, links: int, folder: Path) -> Candidate:
    """Return an anchor that computes longer by so many links."""
    candidate = renamed(anchor(), name, folder)
    onnx.save(lengthened(onnx.load(ANCHOR_MODEL), links), candidate.folder / "1" / "model.onnx")
    return candidate
