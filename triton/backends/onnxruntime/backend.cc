// What Triton calls: a backend for the server, a model for each that it loads, an instance for each
// copy of one. The server keeps their states as pointers.
//
// A Finalize function is called even when its Initialize failed, with no state: deleting a null
// pointer is what it must do then.

#include <memory>
#include <string>

#include "failure.h"
#include "instance.h"

namespace backend {
namespace {

constexpr uint32_t kApiMajor = 1, kApiMinor = 19;  // release 24.10
constexpr uint32_t kConfigFormat = 1;

std::string TextOf(TRITONSERVER_Message* message) {
  const char* text = nullptr;
  size_t size = 0;
  Check(TRITONSERVER_MessageSerializeToJson(message, &text, &size));
  return std::string(text, size);
}

// The state that the server keeps for one of the three, null if there is none.
template <typename State, typename Handle>
State* StateOf(Handle* handle, TRITONSERVER_Error* (*get)(Handle*, void**)) {
  void* state = nullptr;
  Check(get(handle, &state));
  return static_cast<State*>(state);
}

void CheckApiVersion() {
  uint32_t major = 0, minor = 0;
  Check(TRITONBACKEND_ApiVersion(&major, &minor));
  if (major != kApiMajor || minor < kApiMinor) {
    throw Failure(TRITONSERVER_ERROR_UNSUPPORTED,
                  "this backend needs Triton 24.10 or later: backend interface 1.19, not " +
                      std::to_string(major) + "." + std::to_string(minor));
  }
}

ModelConfig ConfigOf(TRITONBACKEND_Model* handle) {
  TRITONSERVER_Message* message = nullptr;
  Check(TRITONBACKEND_ModelConfig(handle, kConfigFormat, &message));
  const std::unique_ptr<TRITONSERVER_Message, TRITONSERVER_Error* (*)(TRITONSERVER_Message*)> owned(
      message, TRITONSERVER_MessageDelete);
  return ModelConfig::Read(TextOf(message));
}

std::string VersionFolder(TRITONBACKEND_Model* handle) {
  TRITONBACKEND_ArtifactType type{};
  const char* location = nullptr;
  Check(TRITONBACKEND_ModelRepository(handle, &type, &location));
  if (type != TRITONBACKEND_ARTIFACT_FILESYSTEM) {
    throw Failure(TRITONSERVER_ERROR_UNSUPPORTED, "the model is not in a folder");
  }
  uint64_t version = 0;
  Check(TRITONBACKEND_ModelVersion(handle, &version));
  return std::string(location) + "/" + std::to_string(version);
}

}  // namespace
}  // namespace backend

using backend::Check;
using backend::Guarded;
using backend::StateOf;

extern "C" {

#define EXPORTED __attribute__((visibility("default")))

EXPORTED TRITONSERVER_Error* TRITONBACKEND_Initialize(TRITONBACKEND_Backend* handle) {
  return Guarded([&] {
    backend::CheckApiVersion();
    TRITONSERVER_Message* settings = nullptr;
    Check(TRITONBACKEND_BackendConfig(handle, &settings));
    auto runtimes = std::make_unique<backend::Runtimes>(
        backend::BackendOptions::Read(backend::TextOf(settings)));
    Check(TRITONBACKEND_BackendSetState(handle, runtimes.get()));
    runtimes.release();
  });
}

EXPORTED TRITONSERVER_Error* TRITONBACKEND_Finalize(TRITONBACKEND_Backend* handle) {
  return Guarded([&] { delete StateOf<backend::Runtimes>(handle, TRITONBACKEND_BackendState); });
}

EXPORTED TRITONSERVER_Error* TRITONBACKEND_ModelInitialize(TRITONBACKEND_Model* handle) {
  return Guarded([&] {
    TRITONBACKEND_Backend* owner = nullptr;
    Check(TRITONBACKEND_ModelBackend(handle, &owner));
    auto model = std::make_unique<backend::Model>(
        *StateOf<backend::Runtimes>(owner, TRITONBACKEND_BackendState), backend::ConfigOf(handle),
        backend::VersionFolder(handle));
    Check(TRITONBACKEND_ModelSetState(handle, model.get()));
    model.release();
  });
}

EXPORTED TRITONSERVER_Error* TRITONBACKEND_ModelFinalize(TRITONBACKEND_Model* handle) {
  return Guarded([&] { delete StateOf<backend::Model>(handle, TRITONBACKEND_ModelState); });
}

EXPORTED TRITONSERVER_Error* TRITONBACKEND_ModelInstanceInitialize(
    TRITONBACKEND_ModelInstance* handle) {
  return Guarded([&] {
    TRITONBACKEND_Model* owner = nullptr;
    Check(TRITONBACKEND_ModelInstanceModel(handle, &owner));
    auto instance = std::make_unique<backend::Instance>(
        *StateOf<backend::Model>(owner, TRITONBACKEND_ModelState), handle);
    Check(TRITONBACKEND_ModelInstanceSetState(handle, instance.get()));
    instance.release();
  });
}

EXPORTED TRITONSERVER_Error* TRITONBACKEND_ModelInstanceFinalize(
    TRITONBACKEND_ModelInstance* handle) {
  return Guarded(
      [&] { delete StateOf<backend::Instance>(handle, TRITONBACKEND_ModelInstanceState); });
}

EXPORTED TRITONSERVER_Error* TRITONBACKEND_ModelInstanceExecute(TRITONBACKEND_ModelInstance* handle,
                                                                TRITONBACKEND_Request** requests,
                                                                uint32_t count) {
  // A failure here leaves the requests to the server; one inside is their answer.
  return Guarded([&] {
    StateOf<backend::Instance>(handle, TRITONBACKEND_ModelInstanceState)->Execute(requests, count);
  });
}

}  // extern "C"
