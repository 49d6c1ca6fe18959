"""Weights that an ONNX model keeps in files beside its own."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import onnx

from assay.ground.files import reading
from assay.ground.process import StageError
from assay.ground.quoting import printable, quoted

LONGEST_NAME = 255  # bytes: file systems have no longer ones


def external_files(path: Path) -> list[str]:
    """Return the names of the files that hold weights of an ONNX file, relative to its folder, sorted.

    Raises StageError if the model is damaged, or names a file outside of that folder, or as no file should be called.
    """
    with reading(path, "an ONNX model"):
        model = onnx.load(path, format="protobuf", load_external_data=False)
    names = {
        entry.value
        for tensor in _tensors(model.graph)
        if tensor.data_location == onnx.TensorProto.EXTERNAL
        for entry in tensor.external_data
        if entry.key == "location"
    }
    for name in sorted(names):
        if why := _wrong(name):
            raise StageError(
                f"{printable(path.name)} keeps weights in {quoted(name)}, {why}; "
                "save it with onnx.save(model, path, save_as_external_data=True), or without external data"
            )
    return sorted(names)


def _wrong(name: str) -> str | None:
    """Return why a file of that name is not read, None if it is."""
    if not name.isprintable() or not 0 < len(name.encode()) <= LONGEST_NAME:
        return f"a name that is empty, has more than {LONGEST_NAME} bytes, or characters that are not printed"
    path = PurePosixPath(name)
    return "outside of its own folder" if path.is_absolute() or ".." in path.parts else None


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
