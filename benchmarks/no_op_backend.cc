// A backend that answers every request with zeros of the shape of the anchor's answer and looks at
// nothing: what is left of a request's time is Triton's own. One part of benchmarks/backend.py.

#include <chrono>
#include <cstring>

#include "triton_api.h"

namespace {

constexpr int64_t kClasses = 10;

uint64_t Now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

TRITONSERVER_Error* Answer(TRITONBACKEND_Request* request, TRITONBACKEND_Response* response) {
  TRITONBACKEND_Input* input = nullptr;
  if (TRITONSERVER_Error* error = TRITONBACKEND_RequestInput(request, "image", &input))
    return error;
  TRITONSERVER_DataType type{};
  const int64_t* shape = nullptr;
  uint32_t rank = 0, pieces = 0;
  uint64_t size = 0;
  TRITONSERVER_Error* error =
      TRITONBACKEND_InputProperties(input, nullptr, &type, &shape, &rank, &size, &pieces);
  if (error != nullptr) return error;
  const int64_t answer_shape[] = {shape[0], kClasses};
  TRITONBACKEND_Output* output = nullptr;
  error = TRITONBACKEND_ResponseOutput(response, &output, "logits", TRITONSERVER_TYPE_FP32,
                                       answer_shape, 2);
  if (error != nullptr) return error;
  void* buffer = nullptr;
  TRITONSERVER_MemoryType memory = TRITONSERVER_MEMORY_CPU;
  int64_t memory_id = 0;
  const uint64_t bytes = shape[0] * kClasses * sizeof(float);
  error = TRITONBACKEND_OutputBuffer(output, &buffer, bytes, &memory, &memory_id);
  if (error == nullptr) std::memset(buffer, 0, bytes);
  return error;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) TRITONSERVER_Error*
TRITONBACKEND_ModelInstanceExecute(TRITONBACKEND_ModelInstance* instance,
                                   TRITONBACKEND_Request** requests, uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) {
    const uint64_t begun = Now();
    TRITONBACKEND_Response* response = nullptr;
    TRITONSERVER_Error* error = TRITONBACKEND_ResponseNew(&response, requests[i]);
    if (error == nullptr) error = Answer(requests[i], response);
    const uint64_t ended = Now();
    if (response != nullptr) {
      TRITONBACKEND_ResponseSend(response, TRITONSERVER_RESPONSE_COMPLETE_FINAL, error);
    }
    TRITONBACKEND_ModelInstanceReportStatistics(instance, requests[i], error == nullptr, begun,
                                                begun, ended, ended);
    TRITONBACKEND_RequestRelease(requests[i], TRITONSERVER_REQUEST_RELEASE_ALL);
    TRITONBACKEND_ModelInstanceReportBatchStatistics(instance, 1, begun, begun, ended, ended);
  }
  return nullptr;
}
