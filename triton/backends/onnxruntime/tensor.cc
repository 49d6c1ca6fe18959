#include "tensor.h"

#include "failure.h"

namespace backend {
namespace {

struct Type {
  const char* name;
  size_t size;
};

// By Triton's number of the type.
constexpr Type kTypes[] = {
    {"TYPE_INVALID", 0}, {"TYPE_BOOL", 1},   {"TYPE_UINT8", 1}, {"TYPE_UINT16", 2},
    {"TYPE_UINT32", 4},  {"TYPE_UINT64", 8}, {"TYPE_INT8", 1},  {"TYPE_INT16", 2},
    {"TYPE_INT32", 4},   {"TYPE_INT64", 8},  {"TYPE_FP16", 2},  {"TYPE_FP32", 4},
    {"TYPE_FP64", 8},    {"TYPE_STRING", 0}, {"TYPE_BF16", 2},
};
constexpr int kTypeCount = sizeof(kTypes) / sizeof(Type);

}  // namespace

size_t ElementSize(TRITONSERVER_DataType type) { return kTypes[type].size; }

const char* TypeName(TRITONSERVER_DataType type) { return kTypes[type].name; }

TRITONSERVER_DataType TypeOf(const std::string& name) {
  for (int type = 1; type < kTypeCount; ++type) {
    if (name == kTypes[type].name) return static_cast<TRITONSERVER_DataType>(type);
  }
  return TRITONSERVER_TYPE_INVALID;
}

size_t ElementCount(const Shape& shape) {
  int64_t count = 1;
  for (const int64_t dim : shape) {
    if (dim < 0 || __builtin_mul_overflow(count, dim, &count)) {
      throw Refusal("no tensor has the shape " + InWords(shape));
    }
  }
  return count;
}

size_t ByteSize(const Shape& shape, TRITONSERVER_DataType type) {
  size_t size = 0;
  if (__builtin_mul_overflow(ElementCount(shape), ElementSize(type), &size)) {
    throw Refusal("no tensor has the shape " + InWords(shape));
  }
  return size;
}

std::string InWords(const Shape& shape) {
  std::string text;
  for (const int64_t dim : shape) text += (text.empty() ? "" : ",") + std::to_string(dim);
  return "[" + text + "]";
}

}  // namespace backend
