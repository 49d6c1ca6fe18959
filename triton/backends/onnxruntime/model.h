// A model that the server has been told to load, and whether its file is what its configuration
// says it is.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "model_config.h"
#include "onnxruntime_engine.h"

namespace backend {

// What `--backend-config=onnxruntime,KEY=VALUE` tells the backend.
struct BackendOptions {
  // Reads Triton's JSON of the settings, and names in the log what it does not know.
  static BackendOptions Read(const std::string& json);

  std::string onnxruntime_library;
  std::string openvino_library;
};

// What all models share.
struct Runtimes {
  explicit Runtimes(BackendOptions given);

  const BackendOptions options;
  const OnnxRuntime onnxruntime;
};

// A tensor of the configuration and where the engine has it.
struct Slot {
  TensorSpec spec;   // the engine's, with the batch axis
  Shape configured;  // what a scalar's answer is shaped like, without the batch axis
  size_t place;      // in the engine's list of outputs
  bool optional;
};

class Model {
 public:
  // `folder` is that of the model's version.
  Model(const Runtimes& runtimes, ModelConfig config, const std::string& folder);

  // Loads a copy; throws Failure if the file is no model, or another than the configuration says.
  std::unique_ptr<Engine> Load() const;

  // The tensors of the configuration in its order, found in what an engine says of itself.
  std::vector<Slot> InputSlots(const Signature& signature) const;
  std::vector<Slot> OutputSlots(const Signature& signature) const;

  bool batches() const { return config_.max_batch_size > 0; }

 private:
  Slot Find(const ConfiguredTensor& tensor, const std::vector<TensorSpec>& specs,
            const std::string& kind, bool exact) const;
  std::string Difference(const Shape& configured, const Shape& actual, bool exact) const;

  const Runtimes& runtimes_;
  const ModelConfig config_;
  const std::string path_;
};

}  // namespace backend
