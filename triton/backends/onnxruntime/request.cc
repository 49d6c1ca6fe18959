#include "request.h"

#include <cstring>
#include <string>

#include "failure.h"

namespace backend {
namespace {

RequestInput ReadInput(TRITONBACKEND_Request* request, const Slot& slot) {
  const TensorSpec& spec = slot.spec;
  RequestInput found;
  TRITONSERVER_Error* missing =
      TRITONBACKEND_RequestInput(request, spec.name.c_str(), &found.input);
  if (missing != nullptr && slot.optional) {
    TRITONSERVER_ErrorDelete(missing);
    return {};
  }
  Check(missing);
  TRITONSERVER_DataType type{};
  const int64_t* dims = nullptr;
  uint32_t rank = 0;
  Check(TRITONBACKEND_InputProperties(found.input, nullptr, &type, &dims, &rank, &found.byte_size,
                                      &found.piece_count));
  found.shape.assign(dims, dims + rank);
  const size_t count = ElementCount(found.shape);
  if (type != spec.type) {
    throw Refusal(std::string("it is ") + TypeName(type) + " and must be " + TypeName(spec.type));
  }
  if (spec.dims.empty() && count == 1) found.shape.clear();  // a scalar, which Triton calls [1]
  if (found.shape.size() != spec.dims.size()) {
    throw Refusal("its shape is " + InWords(found.shape) + ", the model takes " +
                  InWords(spec.dims));
  }
  if (type == TRITONSERVER_TYPE_BYTES) {
    std::vector<char> bytes;
    found.AppendTo(bytes);
    found.strings = std::make_unique<Strings>(bytes.data(), bytes.size(), count);
  } else if (found.byte_size != count * ElementSize(type)) {
    throw Refusal("it has " + std::to_string(found.byte_size) + " bytes, its shape " +
                  InWords(found.shape) + " takes " + std::to_string(count * ElementSize(type)));
  }
  return found;
}

}  // namespace

RequestInput::Piece RequestInput::piece(uint32_t index) const {
  const void* data = nullptr;
  uint64_t size = 0;
  TRITONSERVER_MemoryType memory = TRITONSERVER_MEMORY_CPU;
  int64_t memory_id = 0;
  Check(TRITONBACKEND_InputBuffer(input, index, &data, &size, &memory, &memory_id));
  if (memory == TRITONSERVER_MEMORY_GPU) {
    throw Failure(TRITONSERVER_ERROR_UNSUPPORTED, "it lies in a GPU's memory");
  }
  return {static_cast<const char*>(data), size};
}

void RequestInput::AppendTo(std::vector<char>& bytes) const {
  for (uint32_t i = 0; i < piece_count; ++i) {
    const Piece each = piece(i);
    bytes.insert(bytes.end(), each.data, each.data + each.size);
  }
}

void Request::Read(const std::vector<Slot>& inputs, const std::vector<Slot>& outputs,
                   bool batches) {
  for (const Slot& slot : inputs) {
    const auto called = [&](const std::string& why) {
      return "input '" + slot.spec.name + "': " + why;
    };
    try {
      inputs_.push_back(ReadInput(request_, slot));
    } catch (const Failure& failure) {
      throw Failure(failure.code(), called(failure.what()));
    }
    if (!batches) continue;
    rows_ = inputs_[0].shape[0];
    if (inputs_.back().shape[0] != rows_) {
      throw Refusal(
          called("its batch is of another size than that of '" + inputs[0].spec.name + "'"));
    }
  }
  wanted_.assign(outputs.size(), false);
  uint32_t count = 0;
  Check(TRITONBACKEND_RequestOutputCount(request_, &count));
  for (uint32_t i = 0; i < count; ++i) {
    const char* name = nullptr;
    Check(TRITONBACKEND_RequestOutputName(request_, i, &name));
    for (size_t output = 0; output < outputs.size(); ++output) {
      if (outputs[output].spec.name == name) wanted_[output] = true;
    }
  }
}

void Request::Open() { Check(TRITONBACKEND_ResponseNew(&response_, request_)); }

void Request::Write(const OutputTensor& output, const Shape& shape, size_t begin, size_t end) {
  TRITONBACKEND_Output* answer = nullptr;
  Check(TRITONBACKEND_ResponseOutput(response_, &answer, output.spec->name.c_str(),
                                     output.spec->type, shape.data(), shape.size()));
  void* buffer = nullptr;
  TRITONSERVER_MemoryType memory = TRITONSERVER_MEMORY_CPU;
  int64_t memory_id = 0;
  Check(TRITONBACKEND_OutputBuffer(answer, &buffer, end - begin, &memory, &memory_id));
  if (memory == TRITONSERVER_MEMORY_GPU) {
    throw Failure(TRITONSERVER_ERROR_UNSUPPORTED,
                  "output '" + output.spec->name + "' would lie in a GPU's memory");
  }
  if (end > begin) std::memcpy(buffer, output.data + begin, end - begin);
}

void Request::Send(TRITONSERVER_Error* failure) {
  succeeded_ = failure == nullptr;
  LogIfFailed(TRITONBACKEND_ResponseSend(response_, TRITONSERVER_RESPONSE_COMPLETE_FINAL, failure));
  response_ = nullptr;
}

}  // namespace backend
