// Tensors between Triton and what computes: types as Triton numbers them, elements in C order.
#pragma once

#include <string>
#include <vector>

#include "triton_api.h"

namespace backend {

using Shape = std::vector<int64_t>;

// An axis whose length each request chooses.
constexpr int64_t kFree = -1;

// What a model takes or gives under a name.
struct TensorSpec {
  std::string name;
  TRITONSERVER_DataType type;
  Shape dims;
};

// A batch of one input. Strings are NUL-terminated; every other type is `data`.
struct InputTensor {
  const TensorSpec* spec;
  Shape shape;
  const void* data;
  size_t byte_size;
  std::vector<const char*> strings;
};

// A batch of one output. For strings `data` is what Triton sends: each element's length, in 4
// bytes, and its bytes; `ends` are the offsets at which they end.
struct OutputTensor {
  const TensorSpec* spec;
  Shape shape;
  const char* data;
  std::vector<size_t> ends;
};

// The bytes of one element; 0 for strings, which have no fixed size.
size_t ElementSize(TRITONSERVER_DataType type);

// As in config.pbtxt, TYPE_FP32.
const char* TypeName(TRITONSERVER_DataType type);

// The type of a name in config.pbtxt, TRITONSERVER_TYPE_INVALID if there is none.
TRITONSERVER_DataType TypeOf(const std::string& name);

// The product of the dimensions; throws Failure if one is negative or no tensor can be so large.
size_t ElementCount(const Shape& shape);

// The bytes of a tensor, 0 if it is one of strings; throws like ElementCount.
size_t ByteSize(const Shape& shape, TRITONSERVER_DataType type);

// As in [2,-1,3].
std::string InWords(const Shape& shape);

}  // namespace backend
