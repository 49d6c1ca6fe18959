// One request of a batch, from what it brings to the answer that it gets.
#pragma once

#include <memory>
#include <vector>

#include "model.h"
#include "string_tensor.h"

namespace backend {

// An input as it lies in a request.
struct RequestInput {
  struct Piece {
    const char* data;
    size_t size;
  };

  bool is_present = false;  // an optional one may be left out
  Shape shape;
  std::vector<Piece> pieces;
  std::unique_ptr<Strings> strings;  // of a tensor of strings, its elements

  // Appends all pieces.
  void AppendTo(std::vector<char>& bytes) const;
};

class Request {
 public:
  explicit Request(TRITONBACKEND_Request* request) : request_(request) {}

  // Reads what the request brings and asks for; throws Failure if it is not as it must be.
  // Tensors are in the order of the slots.
  void Read(const std::vector<Slot>& inputs, const std::vector<Slot>& outputs, bool batches);

  // Opens a response; throws Failure if there cannot be one.
  void Open();

  // Writes a part of an output, from one of its bytes to another, into the response.
  void Write(const OutputTensor& output, const Shape& shape, size_t begin, size_t end);

  // Sends the response, or a failure in its place, and is done with it; null for none.
  void Send(TRITONSERVER_Error* failure);

  bool is_open() const { return response_ != nullptr; }
  bool succeeded() const { return succeeded_; }
  // The examples that it brings; 1 where a model does not batch.
  int64_t rows() const { return rows_; }
  bool wants(size_t output) const { return wanted_[output]; }
  const std::vector<RequestInput>& inputs() const { return inputs_; }
  TRITONBACKEND_Request* handle() const { return request_; }

 private:
  TRITONBACKEND_Request* request_;
  TRITONBACKEND_Response* response_ = nullptr;
  bool succeeded_ = false;
  int64_t rows_ = 1;
  std::vector<RequestInput> inputs_;
  std::vector<bool> wanted_;
};

}  // namespace backend
