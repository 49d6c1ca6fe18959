#include "json.h"

#include <cctype>
#include <charconv>

#include "failure.h"

namespace backend {

// A cursor over the text that reads one value after another.
class JsonReader {
 public:
  explicit JsonReader(const std::string& text) : at_(text.data()), end_(at_ + text.size()) {}

  Json Whole() {
    Json value = Value(kDeepest);
    if (Next() != '\0') throw Broken("more follows its end");
    return value;
  }

 private:
  static constexpr int kDeepest = 64;

  static Failure Broken(const std::string& why) {
    return Refusal("a configuration is not JSON: " + why);
  }

  // The next character that is not white space, NUL at the end; it is not consumed.
  char Next() {
    while (at_ < end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\t' || *at_ == '\r')) ++at_;
    return at_ < end_ ? *at_ : '\0';
  }

  bool Skip(char wanted) {
    if (Next() != wanted) return false;
    ++at_;
    return true;
  }

  void Expect(char wanted) {
    if (!Skip(wanted)) throw Broken(std::string("'") + wanted + "' is missing");
  }

  Json Value(int depth) {
    if (depth == 0) throw Broken("it is nested too deeply");
    Json value;
    switch (Next()) {
      case '{':
        value.kind_ = Json::Kind::kObject;
        Each('{', '}', [&] {
          std::string key = String();
          Expect(':');
          value.members_.emplace_back(std::move(key), Value(depth - 1));
        });
        return value;
      case '[':
        value.kind_ = Json::Kind::kArray;
        Each('[', ']', [&] { value.elements_.push_back(Value(depth - 1)); });
        return value;
      case '"':
        value.kind_ = Json::Kind::kString;
        value.text_ = String();
        return value;
      default:
        return Word();
    }
  }

  template <typename Read>
  void Each(char opening, char closing, Read read) {
    Expect(opening);
    if (Skip(closing)) return;
    do {
      read();
    } while (Skip(','));
    Expect(closing);
  }

  // A number, true, false or null.
  Json Word() {
    const char* begin = at_;
    while (at_ < end_ && (std::isalnum(static_cast<unsigned char>(*at_)) || *at_ == '-' ||
                          *at_ == '+' || *at_ == '.')) {
      ++at_;
    }
    Json value;
    value.text_.assign(begin, at_);
    if (value.text_ == "null") {
      value.text_.clear();
    } else if (value.text_ == "true" || value.text_ == "false") {
      value.kind_ = Json::Kind::kBoolean;
    } else if (!value.text_.empty() &&
               (std::isdigit(static_cast<unsigned char>(*begin)) || *begin == '-')) {
      value.kind_ = Json::Kind::kNumber;
    } else {
      throw Broken("a value is missing");
    }
    return value;
  }

  std::string String() {
    Expect('"');
    std::string text;
    while (at_ < end_ && *at_ != '"') {
      if (*at_ != '\\') {
        text += *at_++;
        continue;
      }
      if (++at_ == end_) break;
      Escape(text);
    }
    if (at_ == end_) throw Broken("a string does not end");
    ++at_;
    return text;
  }

  // What follows a backslash.
  void Escape(std::string& text) {
    static constexpr char kShort[] = "\"\\/bfnrt", kMeant[] = "\"\\/\b\f\n\r\t";
    const char letter = *at_++;
    if (letter != 'u') {
      for (int i = 0; kShort[i] != '\0'; ++i) {
        if (kShort[i] == letter) {
          text += kMeant[i];
          return;
        }
      }
      throw Broken("a string has an unknown escape");
    }
    uint32_t code = Hexadecimal();
    const bool is_first_half = code >= 0xD800 && code < 0xDC00;
    if (is_first_half && end_ - at_ >= 2 && at_[0] == '\\' && at_[1] == 'u') {
      at_ += 2;
      code = 0x10000 + ((code - 0xD800) << 10) + (Hexadecimal() - 0xDC00);
    }
    Utf8(code, text);
  }

  uint32_t Hexadecimal() {
    uint32_t code = 0;
    if (end_ - at_ < 4 || std::from_chars(at_, at_ + 4, code, 16).ptr != at_ + 4) {
      throw Broken("a string has an unknown escape");
    }
    at_ += 4;
    return code;
  }

  static void Utf8(uint32_t code, std::string& text) {
    if (code < 0x80) {
      text += static_cast<char>(code);
      return;
    }
    const int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static constexpr uint32_t kLead[] = {0, 0xC0, 0xE0, 0xF0};
    text += static_cast<char>(kLead[more] | (code >> (6 * more)));
    for (int i = more - 1; i >= 0; --i)
      text += static_cast<char>(0x80 | ((code >> (6 * i)) & 0x3F));
  }

  const char* at_;
  const char* end_;
};

Json Json::Parse(const std::string& text) { return JsonReader(text).Whole(); }

const Json& Json::operator[](const std::string& key) const {
  static const Json kAbsent;
  for (const auto& [name, value] : members_) {
    if (name == key) return value;
  }
  return kAbsent;
}

int64_t Json::integer() const { return ToInteger(text_); }

int64_t ToInteger(const std::string& text) {
  int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end) throw Refusal("'" + text + "' is not an integer");
  return number;
}

}  // namespace backend
