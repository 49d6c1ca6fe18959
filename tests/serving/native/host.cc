// Runs the backend without the server, so that sanitizers see every path of its own code: the
// server itself does not run under them.
//
// Reads a scenario, JSON, from the file that is its argument: the backend's settings, models, and
// for each model batches of requests. Prints, as JSON, what the backend said, answered and
// reported. `faults` are names of functions of Triton's that fail during a batch. Tensors' bytes
// are hexadecimal, in pieces.

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <new>
#include <sstream>

#include "json.h"
#include "server.h"

using backend::Json;

// The largest block that C++ code has asked for since this was last set to 0: a copied tensor is
// one.
static std::atomic<size_t> largest_allocation{0};

// Not inlined, or the compiler believes that new and delete do not belong together.
#define APART __attribute__((noinline))

APART void* operator new(size_t size) {
  if (size > largest_allocation) largest_allocation = size;
  if (void* memory = std::malloc(size > 0 ? size : 1)) return memory;
  throw std::bad_alloc();
}
APART void operator delete(void* memory) noexcept { std::free(memory); }
APART void operator delete(void* memory, size_t) noexcept { std::free(memory); }

static std::string Quoted(const std::string& text) {
  std::ostringstream quoted;
  quoted << '"';
  for (const char each : text) {
    if (each == '"' || each == '\\') {
      quoted << '\\' << each;
    } else if (static_cast<unsigned char>(each) < 0x20) {
      char code[8];
      std::snprintf(code, sizeof code, "\\u%04x", each);
      quoted << code;
    } else {
      quoted << each;
    }
  }
  quoted << '"';
  return quoted.str();
}

// An error's message, or null, as JSON; the error is deleted.
static std::string Taken(TRITONSERVER_Error* error) {
  if (error == nullptr) return "null";
  const std::string message = Quoted(error->message);
  delete error;
  return message;
}

template <typename Items, typename Write>
static std::string Listed(const Items& items, Write write) {
  std::string text;
  for (const auto& item : items) text += (text.empty() ? "" : ",") + write(item);
  return "[" + text + "]";
}

template <typename Number>
static std::string Numbers(const std::vector<Number>& numbers) {
  return Listed(numbers, [](Number number) { return std::to_string(number); });
}

static std::vector<char> Bytes(const std::string& hexadecimal, int64_t offset) {
  std::vector<char> bytes(static_cast<size_t>(offset));
  for (size_t i = 0; i + 1 < hexadecimal.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(hexadecimal.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

static std::string Hexadecimal(const std::vector<char>& bytes) {
  static const char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char each : bytes) {
    text += kDigits[static_cast<unsigned char>(each) >> 4];
    text += kDigits[each & 15];
  }
  return text;
}

static TRITONBACKEND_Request ReadRequest(const Json& entry) {
  TRITONBACKEND_Request request;
  for (const Json& each : entry["inputs"].elements()) {
    TRITONBACKEND_Input input;
    input.name = each["name"].text();
    input.type = static_cast<TRITONSERVER_DataType>(each["type"].integer());
    for (const Json& dim : each["shape"].elements()) input.shape.push_back(dim.integer());
    input.offset = each["offset"].integer();
    for (const Json& piece : each["pieces"].elements()) {
      input.pieces.push_back(Bytes(piece.text(), input.offset));
    }
    input.memory = static_cast<TRITONSERVER_MemoryType>(each["memory"].integer());
    request.inputs.push_back(std::move(input));
  }
  request.takes_no_outputs = entry["takes_no_outputs"].is_true();
  for (const Json& name : entry["outputs"].elements()) request.wanted.push_back(name.text());
  return request;
}

static std::string Described(const TRITONBACKEND_Request& request) {
  const auto output = [](const TRITONBACKEND_Output& each) {
    return "{\"name\":" + Quoted(each.name) + ",\"type\":" + std::to_string(each.type) +
           ",\"shape\":" + Numbers(each.shape) + ",\"data\":\"" + Hexadecimal(each.data) + "\"}";
  };
  return "{\"answered\":" + std::to_string(request.answered) +
         ",\"released\":" + std::to_string(request.released) +
         ",\"successes\":" + std::to_string(request.successes) +
         ",\"failures\":" + std::to_string(request.failures) +
         ",\"times_in_order\":" + (request.times_in_order ? "true" : "false") +
         ",\"error\":" + Quoted(request.error) + ",\"outputs\":" + Listed(request.outputs, output) +
         "}";
}

static std::string RunBatch(TRITONBACKEND_ModelInstance& instance, const Json& batch) {
  std::list<TRITONBACKEND_Request> requests;
  std::vector<TRITONBACKEND_Request*> handles;
  for (const Json& entry : batch["requests"].elements()) {
    requests.push_back(ReadRequest(entry));
    handles.push_back(&requests.back());
  }
  for (const Json& name : batch["faults"].elements()) server.faults.insert(name.text());
  server.batch_sizes.clear();
  largest_allocation = 0;
  TRITONSERVER_Error* error = TRITONBACKEND_ModelInstanceExecute(
      &instance, handles.data(), static_cast<uint32_t>(handles.size()));
  const size_t allocated = largest_allocation;
  server.faults.clear();
  return "{\"execute\":" + Taken(error) + ",\"batch_sizes\":" + Numbers(server.batch_sizes) +
         ",\"largest_allocation\":" + std::to_string(allocated) +
         ",\"requests\":" + Listed(requests, Described) + "}";
}

static std::string RunModel(TRITONBACKEND_Backend& owner, const Json& entry) {
  TRITONBACKEND_Model model{&owner, entry["config"].text(), entry["folder"].text(),
                            entry["artifact_type"].integer()};
  TRITONBACKEND_ModelInstance instance{&model};
  TRITONSERVER_Error* error = TRITONBACKEND_ModelInitialize(&model);
  const bool is_there = error == nullptr;
  std::string result = "{\"model\":" + Taken(error);
  if (is_there) {
    error = TRITONBACKEND_ModelInstanceInitialize(&instance);
    const bool is_loaded = error == nullptr;
    result += ",\"instance\":" + Taken(error) +
              ",\"batches\":" + Listed(entry["batches"].elements(), [&](const Json& batch) {
                return is_loaded ? RunBatch(instance, batch) : std::string("null");
              });
    result += ",\"instance_finalize\":" + Taken(TRITONBACKEND_ModelInstanceFinalize(&instance));
  }
  return result + ",\"model_finalize\":" + Taken(TRITONBACKEND_ModelFinalize(&model)) + "}";
}

int main(int count, char** arguments) {
  if (count != 2) return 2;
  std::ostringstream text;
  text << std::ifstream(arguments[1]).rdbuf();
  const Json scenario = Json::Parse(text.str());
  if (!scenario["api"].is_null()) {
    server.api_major = scenario["api"].elements()[0].integer();
    server.api_minor = scenario["api"].elements()[1].integer();
  }
  TRITONBACKEND_Backend owner{{scenario["settings"].text()}};
  TRITONSERVER_Error* error = TRITONBACKEND_Initialize(&owner);
  const bool is_there = error == nullptr;
  std::cout << "{\"initialize\":" << Taken(error)
            << ",\"models\":" << Listed(scenario["models"].elements(), [&](const Json& model) {
                 return is_there ? RunModel(owner, model) : std::string("null");
               });
  std::cout << ",\"finalize\":" << Taken(TRITONBACKEND_Finalize(&owner)) << ",\"log\":"
            << Listed(server.log, [](const std::string& line) { return Quoted(line); }) << "}\n";
}
