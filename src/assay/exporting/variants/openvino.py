"""The fp32 model, computed by OpenVINO behind the same backend.

In config.pbtxt it is the accelerator setting of Triton's native ONNX Runtime backend; this
project's own backend runs the OpenVINO package for it.
"""

from assay.exporting.source import Source
from assay.exporting.variants import Variant, networks_only

VARIANT = Variant(Source.convert, refuses=networks_only, accelerator="openvino")
