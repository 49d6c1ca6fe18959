// How things go wrong inside the backend: an exception with Triton's error code, which becomes an
// error of Triton's at the border to the server.
#pragma once

#include <stdexcept>
#include <string>

#include "triton_api.h"

namespace backend {

class Failure : public std::runtime_error {
 public:
  Failure(TRITONSERVER_Error_Code code, const std::string& message)
      : std::runtime_error(message), code_(code) {}

  TRITONSERVER_Error_Code code() const { return code_; }

 private:
  TRITONSERVER_Error_Code code_;
};

// What somebody wrote or sent does not fit.
inline Failure Refusal(const std::string& message) {
  return Failure(TRITONSERVER_ERROR_INVALID_ARG, message);
}

// Throws what a function of Triton's complains of.
inline void Check(TRITONSERVER_Error* error) {
  if (error == nullptr) return;
  const Failure failure(TRITONSERVER_ErrorCode(error), TRITONSERVER_ErrorMessage(error));
  TRITONSERVER_ErrorDelete(error);
  throw failure;
}

// Runs `work` and returns what it throws as an error of Triton's, null if it throws nothing.
template <typename Work>
TRITONSERVER_Error* Guarded(Work work) {
  try {
    work();
    return nullptr;
  } catch (const Failure& failure) {
    return TRITONSERVER_ErrorNew(failure.code(), failure.what());
  } catch (const std::exception& error) {  // such as std::bad_alloc
    return TRITONSERVER_ErrorNew(TRITONSERVER_ERROR_INTERNAL, error.what());
  }
}

// Writes a line into the server's log.
inline void Log(TRITONSERVER_LogLevel level, const std::string& message) {
  TRITONSERVER_ErrorDelete(TRITONSERVER_LogMessage(level, "onnxruntime", 0, message.c_str()));
}

// Writes into the server's log what it itself complains of where nobody can be told.
inline void LogIfFailed(TRITONSERVER_Error* error) {
  if (error == nullptr) return;
  Log(TRITONSERVER_LOG_ERROR, TRITONSERVER_ErrorMessage(error));
  TRITONSERVER_ErrorDelete(error);
}

}  // namespace backend
