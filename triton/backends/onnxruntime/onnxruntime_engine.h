// ONNX Runtime, opened by path, on the processor.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "engine.h"
#include "onnxruntime_api.h"

namespace backend {

// The opened library, shared by all models of a server.
class OnnxRuntime {
 public:
  // Throws Failure if no ONNX Runtime is at `path`.
  explicit OnnxRuntime(const std::string& path);
  ~OnnxRuntime();
  OnnxRuntime(const OnnxRuntime&) = delete;
  OnnxRuntime& operator=(const OnnxRuntime&) = delete;

  // Loads a copy of a model; throws Failure if it is no model that can be served.
  std::unique_ptr<Engine> Load(const std::string& path, const EngineOptions& options) const;

 private:
  const OrtApi* api_;
  OrtEnv* environment_ = nullptr;
  // Models are loaded at once, and sessions made one after the other, as NVIDIA's backend makes
  // them: ONNX Runtime does not promise more.
  mutable std::mutex making_session_;
};

}  // namespace backend
