// OpenVINO's own runtime, for models whose configuration asks for the accelerator `openvino`.
//
// NVIDIA's backend means ONNX Runtime's execution provider of that name: another path to the same
// kernels.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine.h"

namespace backend {

// Loads a copy of a model with OpenVINO's C library at `library`, which is opened now and not
// before. A tensor may have several names in OpenVINO, so those that are meant are given. Throws
// Failure if the library or the model cannot be had, or the model has no tensor of such a name.
std::unique_ptr<Engine> LoadWithOpenVino(const std::string& library, const std::string& path,
                                         const EngineOptions& options,
                                         const std::vector<std::string>& inputs,
                                         const std::vector<std::string>& outputs);

}  // namespace backend
