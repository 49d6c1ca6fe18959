#include "string_tensor.h"

#include <cstdint>
#include <cstring>

#include "failure.h"

namespace backend {

Strings::Strings(const char* sent, size_t size, size_t count) {
  text_.reserve(size);
  const char* const end = sent + size;
  while (sent < end) {
    uint32_t length = 0;
    const size_t left = end - sent;
    if (left >= sizeof length) std::memcpy(&length, sent, sizeof length);
    if (left < sizeof length || left - sizeof length < length) {
      throw Refusal("its last string is cut short");
    }
    sent += sizeof length;
    if (length > 0 && std::memchr(sent, '\0', length) != nullptr) {
      throw Refusal("a string holds a NUL byte");
    }
    begins_.push_back(text_.size());
    text_.append(sent, length);
    text_ += '\0';
    sent += length;
  }
  if (begins_.size() != count) {
    throw Refusal("it has " + std::to_string(begins_.size()) + " strings; its shape takes " +
                  std::to_string(count));
  }
}

void Strings::AppendTo(std::vector<const char*>& pointers) const {
  for (const size_t begin : begins_) pointers.push_back(text_.data() + begin);
}

void AppendString(const char* text, uint32_t size, std::string& sent) {
  sent.append(reinterpret_cast<const char*>(&size), sizeof size);
  sent.append(text, size);
}

}  // namespace backend
