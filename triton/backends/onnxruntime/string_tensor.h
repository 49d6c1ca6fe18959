// Text as Triton sends it: for each element its length, in 4 bytes of the machine's own order, and
// its bytes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace backend {

// The elements of a tensor of strings, each ended by NUL as ONNX Runtime wants them.
class Strings {
 public:
  // Reads `count` elements; throws Failure if there are not just so many, or one holds a NUL,
  // which would cut it short.
  Strings(const char* sent, size_t size, size_t count);

  // Appends a pointer to each element, valid as long as this object stays where it is.
  void AppendTo(std::vector<const char*>& pointers) const;

 private:
  std::string text_;
  std::vector<size_t> begins_;
};

// Appends an element as Triton sends it.
void AppendString(const char* text, uint32_t size, std::string& sent);

}  // namespace backend
