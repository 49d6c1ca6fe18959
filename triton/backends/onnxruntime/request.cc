#include "request.h"

#include <cstring>
#include <string>

#include "failure.h"

namespace backend {
namespace {

// Throws Failure if a piece is not in the processor's memory.
std::vector<RequestInput::Piece> PiecesOf(TRITONBACKEND_Input* input, uint32_t count) {
  std::vector<RequestInput::Piece> pieces;
  for (uint32_t i = 0; i < count; ++i) {
    const void* data = nullptr;
    uint64_t size = 0;
    TRITONSERVER_MemoryType memory = TRITONSERVER_MEMORY_CPU;
    int64_t memory_id = 0;
    Check(TRITONBACKEND_InputBuffer(input, i, &data, &size, &memory, &memory_id));
    if (memory == TRITONSERVER_MEMORY_GPU) {
      throw Failure(TRITONSERVER_ERROR_UNSUPPORTED, "it lies in a GPU's memory");
    }
    pieces.push_back({static_cast<const char*>(data), size});
  }
  return pieces;
}

RequestInput ReadInput(TRITONBACKEND_Request* request, const Slot& slot) {
  const TensorSpec& spec = slot.spec;
  TRITONBACKEND_Input* input = nullptr;
  TRITONSERVER_Error* missing = TRITONBACKEND_RequestInput(request, spec.name.c_str(), &input);
  if (missing != nullptr && slot.optional) {
    TRITONSERVER_ErrorDelete(missing);
    return {};
  }
  Check(missing);
  RequestInput found;
  found.is_present = true;
  TRITONSERVER_DataType type{};
  const int64_t* dims = nullptr;
  uint32_t rank = 0, piece_count = 0;
  uint64_t size = 0;
  Check(TRITONBACKEND_InputProperties(input, nullptr, &type, &dims, &rank, &size, &piece_count));
  if (type != spec.type) {
    throw Refusal(std::string("it is ") + TypeName(type) + " and must be " + TypeName(spec.type));
  }
  found.shape.assign(dims, dims + rank);
  const size_t count = ElementCount(found.shape);
  if (spec.dims.empty() && count == 1) found.shape.clear();  // a scalar, which Triton calls [1]
  if (found.shape.size() != spec.dims.size()) {
    throw Refusal("its shape is " + InWords(found.shape) + ", the model takes " +
                  InWords(spec.dims));
  }
  found.pieces = PiecesOf(input, piece_count);
  if (type == TRITONSERVER_TYPE_BYTES) {
    std::vector<char> bytes;
    found.AppendTo(bytes);
    found.strings = std::make_unique<Strings>(bytes.data(), bytes.size(), count);
  } else if (const size_t wanted = ByteSize(found.shape, type); size != wanted) {
    throw Refusal("it has " + std::to_string(size) + " bytes, its shape " + InWords(found.shape) +
                  " takes " + std::to_string(wanted));
  }
  return found;
}

}  // namespace

void RequestInput::AppendTo(std::vector<char>& bytes) const {
  for (const Piece& piece : pieces) bytes.insert(bytes.end(), piece.data, piece.data + piece.size);
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
