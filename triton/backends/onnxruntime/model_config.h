// What a model's config.pbtxt says, as far as a backend has to know it.
#pragma once

#include <string>
#include <vector>

#include "engine.h"
#include "json.h"

namespace backend {

// A tensor as config.pbtxt states it: `spec.dims` without the batch axis and after `reshape`.
struct ConfiguredTensor {
  TensorSpec spec;
  bool optional = false;
};

struct ModelConfig {
  // Reads Triton's JSON of a config.pbtxt; throws Failure if it asks for something that this
  // backend cannot do, or gives a parameter a value that it cannot have.
  static ModelConfig Read(const std::string& json);

  std::string name;
  std::string file_name;
  int64_t max_batch_size = 0;  // 0: each request is a batch by itself, without a batch axis
  std::vector<ConfiguredTensor> inputs, outputs;
  EngineOptions engine;
  bool with_openvino = false;
  // Settings without effect here, each a sentence.
  std::vector<std::string> warnings;
};

}  // namespace backend
