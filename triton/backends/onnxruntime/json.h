// Reads the JSON in which Triton hands over configurations.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace backend {

class Json {
 public:
  // Parses a whole text; throws Failure if it is no JSON.
  static Json Parse(const std::string& text);

  // The member of an object, or a null value where there is none, so that absent sections read
  // like empty ones.
  const Json& operator[](const std::string& key) const;

  bool is_null() const { return kind_ == Kind::kNull; }
  bool is_true() const { return kind_ == Kind::kBoolean && text_ == "true"; }
  // The characters of a string, or of a number as it was written; empty for anything else.
  const std::string& text() const { return text_; }
  // A number, which Triton writes as a string where it has 64 bits; throws Failure if it is none.
  int64_t integer() const;
  // The elements of an array, none for anything else.
  const std::vector<Json>& elements() const { return elements_; }
  // The members of an object in their order, none for anything else.
  const std::vector<std::pair<std::string, Json>>& members() const { return members_; }

 private:
  friend class JsonReader;
  enum class Kind { kNull, kBoolean, kNumber, kString, kArray, kObject };

  Kind kind_ = Kind::kNull;
  std::string text_;
  std::vector<Json> elements_;
  std::vector<std::pair<std::string, Json>> members_;
};

// A decimal integer, all of the text; throws Failure if it is none or does not fit.
int64_t ToInteger(const std::string& text);

}  // namespace backend
