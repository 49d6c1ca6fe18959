// A shared library that is opened by path, so that nothing has to be linked or found.
#pragma once

#include <string>

namespace backend {

class Library {
 public:
  // Throws Failure with the loader's own words. The library stays open until the process ends:
  // threads of its own may outlive any moment at which it could be closed.
  explicit Library(const std::string& path);

  // A function that the library exports; throws Failure if it has none of that name.
  template <typename Function>
  Function Find(const char* name) const {
    return reinterpret_cast<Function>(Symbol(name));
  }

 private:
  void* Symbol(const char* name) const;

  std::string path_;
  void* handle_;
};

}  // namespace backend
