"""Weights that an ONNX model keeps in files beside its own."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import onnx

from assay.ground.files import reading
from assay.ground.process import StageError
from assay.ground.quoting import quoted


def external_files(path: Path) -> list[str]:
    """Return the names of the files that hold weights of an ONNX file, relative to its folder, sorted.

    Raises StageError if the model is damaged, or names a file outside of that folder.
    """
    with reading(path, "an ONNX model"):
        model = onnx.load(path, load_external_data=False)
    names = {
        entry.value
        for tensor in _tensors(model.graph)
        if tensor.data_location == onnx.TensorProto.EXTERNAL
        for entry in tensor.external_data
        if entry.key == "location"
    }
    if outside := [name for name in sorted(names) if not _stays_inside(name)]:
        raise StageError(
            f"{path.name} keeps weights in {quoted(outside[0])}, outside of its own folder; "
            "save it with onnx.save(model, path, save_as_external_data=True), or without external data"
        )
    return sorted(names)


def _stays_inside(name: str) -> bool:
    parts = PurePosixPath(name)
    return bool(name) and name.isprintable() and not parts.is_absolute() and ".." not in parts.parts


def _tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    """Yield the constants of a graph, and of those within its nodes."""
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
            for inner in (attribute.g, *attribute.graphs) if attribute.HasField("g") else attribute.graphs:
                yield from _tensors(inner)
