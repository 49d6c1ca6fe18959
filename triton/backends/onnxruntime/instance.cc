#include "instance.h"

#include <algorithm>
#include <chrono>

#include "failure.h"

namespace backend {
namespace {

// Of the memory in which a batch was gathered, what the next one finds: a large one takes so long
// to compute that making room again is nothing beside it.
constexpr size_t kKeptBytes = 1 << 20;

uint64_t Now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// Whether processors may read elements at an address one by one.
bool IsAligned(const void* data, size_t element_size) {
  return reinterpret_cast<uintptr_t>(data) % element_size == 0;
}

// Whether two requests' tensors can lie one after another along the first axis.
bool GoTogether(const Request& one, const Request& other) {
  for (size_t i = 0; i < one.inputs().size(); ++i) {
    const Shape &shape = one.inputs()[i].shape, &other_shape = other.inputs()[i].shape;
    if (!std::equal(shape.begin() + 1, shape.end(), other_shape.begin() + 1)) return false;
  }
  return true;
}

// Does something for one request, and answers it with whatever failure that ends in.
template <typename Work>
void OrRefuse(Request& request, Work work) {
  TRITONSERVER_Error* failure = Guarded(work);
  if (failure == nullptr) return;
  request.Send(failure);
  TRITONSERVER_ErrorDelete(failure);
}

}  // namespace

Instance::Instance(const Model& model, TRITONBACKEND_ModelInstance* handle)
    : model_(model),
      handle_(handle),
      engine_(model.Load()),
      inputs_(model.InputSlots(engine_->signature())),
      outputs_(model.OutputSlots(engine_->signature())),
      gathered_(inputs_.size()) {}

void Instance::Execute(TRITONBACKEND_Request** handles, uint32_t count) {
  std::vector<Request> requests(handles, handles + count);
  const uint32_t together = model_.batches() ? count : 1;
  for (uint32_t i = 0; i < count; i += together) ExecuteBatch(&requests[i], together);
}

void Instance::ExecuteBatch(Request* requests, uint32_t count) {
  const uint64_t begun = Now();
  uint64_t computing_begun = begun, computing_ended = begun, ended = begun;
  int64_t rows = 0;
  std::unique_ptr<Answer> answer;  // what the responses are copied from
  TRITONSERVER_Error* failure = Guarded([&] {
    const std::vector<Request*> batch = Accept(requests, count);
    if (batch.empty()) return;
    for (const Request* request : batch) rows += request->rows();
    const std::vector<InputTensor> inputs = Gather(batch, rows);
    const std::vector<size_t> wanted = Wanted(batch);
    computing_begun = computing_ended = ended = Now();
    std::vector<size_t> places;
    for (const size_t output : wanted) places.push_back(outputs_[output].place);
    answer = engine_->Run(inputs, places);
    computing_ended = ended = Now();
    Divide(*answer, wanted, batch, rows);
    ended = Now();
  });
  for (uint32_t i = 0; i < count; ++i) {
    if (requests[i].is_open()) requests[i].Send(failure);
  }
  for (uint32_t i = 0; i < count; ++i) {
    TRITONBACKEND_Request* handle = requests[i].handle();
    LogIfFailed(TRITONBACKEND_ModelInstanceReportStatistics(
        handle_, handle, requests[i].succeeded(), begun, computing_begun, computing_ended, ended));
    LogIfFailed(TRITONBACKEND_RequestRelease(handle, TRITONSERVER_REQUEST_RELEASE_ALL));
  }
  if (failure == nullptr && rows > 0) {
    LogIfFailed(TRITONBACKEND_ModelInstanceReportBatchStatistics(
        handle_, rows, begun, computing_begun, computing_ended, ended));
  }
  TRITONSERVER_ErrorDelete(failure);
  for (std::vector<char>& bytes : gathered_) {
    if (bytes.capacity() > kKeptBytes) std::vector<char>().swap(bytes);
  }
}

std::vector<Request*> Instance::Accept(Request* requests, uint32_t count) const {
  std::vector<Request*> accepted;
  for (uint32_t i = 0; i < count; ++i) {
    Request& request = requests[i];
    if (TRITONSERVER_Error* unopened = Guarded([&] { request.Open(); })) {
      LogIfFailed(unopened);  // nobody else can be told
      continue;
    }
    OrRefuse(request, [&] {
      request.Read(inputs_, outputs_, model_.batches());
      if (!accepted.empty() && !GoTogether(request, *accepted[0])) {
        throw Refusal("its inputs have other shapes than the rest of the batch");
      }
      accepted.push_back(&request);
    });
  }
  return accepted;
}

std::vector<InputTensor> Instance::Gather(const std::vector<Request*>& batch, int64_t rows) {
  std::vector<InputTensor> tensors;
  for (size_t i = 0; i < inputs_.size(); ++i) {
    const RequestInput& first = batch[0]->inputs()[i];
    if (!first.is_present) continue;  // optional, which only lone requests may leave out
    InputTensor tensor{&inputs_[i].spec, first.shape, nullptr, 0, {}};
    if (model_.batches()) tensor.shape[0] = rows;
    const size_t element_size = ElementSize(tensor.spec->type);
    tensor.byte_size = ByteSize(tensor.shape, tensor.spec->type);
    if (element_size == 0) {
      for (const Request* request : batch) request->inputs()[i].strings->AppendTo(tensor.strings);
    } else {
      // A lone request's tensor is handed on as it lies, if it lies in one piece.
      if (batch.size() == 1 && first.pieces.size() == 1) tensor.data = first.pieces[0].data;
      if (tensor.data == nullptr || !IsAligned(tensor.data, element_size)) {
        std::vector<char>& bytes = gathered_[i];
        bytes.clear();
        // Even no element has to lie somewhere.
        bytes.reserve(std::max<size_t>(tensor.byte_size, 1));
        for (const Request* request : batch) request->inputs()[i].AppendTo(bytes);
        tensor.data = bytes.data();
      }
    }
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

std::vector<size_t> Instance::Wanted(const std::vector<Request*>& batch) const {
  std::vector<size_t> wanted;
  for (size_t output = 0; output < outputs_.size(); ++output) {
    for (const Request* request : batch) {
      if (request->wants(output)) {
        wanted.push_back(output);
        break;
      }
    }
  }
  return wanted;
}

void Instance::Divide(const Answer& answer, const std::vector<size_t>& wanted,
                      const std::vector<Request*>& batch, int64_t rows) const {
  for (size_t i = 0; i < wanted.size(); ++i) {
    const OutputTensor& output = answer.outputs[i];
    const Slot& slot = outputs_[wanted[i]];
    const bool is_scalar = slot.spec.dims.empty() && output.shape.empty();
    Shape shape = is_scalar ? slot.configured : output.shape;
    if (model_.batches() ? shape.empty() || shape[0] != rows : shape.empty()) {
      throw Failure(TRITONSERVER_ERROR_INTERNAL, "output '" + slot.spec.name + "' has the shape " +
                                                     InWords(output.shape) + " for a batch of " +
                                                     std::to_string(rows));
    }
    const size_t elements_a_row = rows > 0 ? ElementCount(shape) / rows : 0;
    // Where the first so many rows end.
    const auto end_of = [&](int64_t row) -> size_t {
      const size_t elements = row * elements_a_row;
      if (elements == 0) return 0;
      const size_t element_size = ElementSize(slot.spec.type);
      return element_size > 0 ? elements * element_size : output.ends[elements - 1];
    };
    int64_t row = 0;
    for (Request* request : batch) {
      const int64_t next = row + request->rows();
      if (request->wants(wanted[i]) && request->is_open()) {
        if (model_.batches()) shape[0] = request->rows();
        OrRefuse(*request, [&] { request->Write(output, shape, end_of(row), end_of(next)); });
      }
      row = next;
    }
  }
}

}  // namespace backend
