#include "library.h"

#include <dlfcn.h>

#include "failure.h"

namespace backend {

Library::Library(const std::string& path)
    : path_(path), handle_(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {
  if (handle_ == nullptr) {
    throw Failure(TRITONSERVER_ERROR_UNAVAILABLE, std::string("cannot be opened: ") + dlerror());
  }
}

void* Library::Symbol(const char* name) const {
  void* symbol = dlsym(handle_, name);
  if (symbol == nullptr) {
    throw Failure(TRITONSERVER_ERROR_UNSUPPORTED, path_ + " has no function " + name);
  }
  return symbol;
}

}  // namespace backend
