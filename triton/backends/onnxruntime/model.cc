#include "model.h"

#include <sys/stat.h>

#include <algorithm>

#include "failure.h"
#include "openvino_engine.h"

namespace backend {
namespace {

constexpr const char* kOnnxRuntimeLibrary = "onnxruntime-library";
constexpr const char* kOpenVinoLibrary = "openvino-library";

// Settings that Triton adds by itself, about what it does before a backend is asked.
bool IsTritonsOwn(const std::string& key) {
  return key == "auto-complete-config" || key == "backend-directory" ||
         key == "min-compute-capability" || key == "default-max-batch-size";
}

// A path to a folder means the file of the usual name in it.
std::string ModelPath(const std::string& folder, const std::string& file_name) {
  const std::string path = folder + "/" + file_name;
  struct stat found{};
  if (stat(path.c_str(), &found) != 0) {
    throw Failure(TRITONSERVER_ERROR_UNAVAILABLE, "there is no file " + path);
  }
  return S_ISDIR(found.st_mode) ? path + "/model.onnx" : path;
}

std::vector<std::string> Names(const std::vector<ConfiguredTensor>& tensors) {
  std::vector<std::string> names;
  for (const ConfiguredTensor& tensor : tensors) names.push_back(tensor.spec.name);
  return names;
}

}  // namespace

BackendOptions BackendOptions::Read(const std::string& json) {
  BackendOptions options;
  const Json settings = Json::Parse(json)["cmdline"];
  for (const auto& [key, value] : settings.members()) {
    if (key == kOnnxRuntimeLibrary) {
      options.onnxruntime_library = value.text();
    } else if (key == kOpenVinoLibrary) {
      options.openvino_library = value.text();
    } else if (!IsTritonsOwn(key)) {
      Log(TRITONSERVER_LOG_WARN, "--backend-config=onnxruntime," + key + " has no effect");
    }
  }
  if (options.onnxruntime_library.empty()) {
    throw Refusal(std::string("name ONNX Runtime's library: --backend-config=onnxruntime,") +
                  kOnnxRuntimeLibrary + "=/path/to/libonnxruntime.so");
  }
  return options;
}

Runtimes::Runtimes(BackendOptions given)
    : options(std::move(given)), onnxruntime(options.onnxruntime_library) {}

Model::Model(const Runtimes& runtimes, ModelConfig config, const std::string& folder)
    : runtimes_(runtimes), config_(std::move(config)), path_(ModelPath(folder, config_.file_name)) {
  for (const std::string& warning : config_.warnings) {
    Log(TRITONSERVER_LOG_WARN, "model '" + config_.name + "': " + warning);
  }
}

std::unique_ptr<Engine> Model::Load() const {
  if (!config_.with_openvino) return runtimes_.onnxruntime.Load(path_, config_.engine);
  if (runtimes_.options.openvino_library.empty()) {
    throw Refusal(std::string("accelerator openvino needs --backend-config=onnxruntime,") +
                  kOpenVinoLibrary + "=/path/to/libopenvino_c.so");
  }
  return LoadWithOpenVino(runtimes_.options.openvino_library, path_, config_.engine,
                          Names(config_.inputs), Names(config_.outputs));
}

std::vector<Slot> Model::InputSlots(const Signature& signature) const {
  size_t required = 0;
  std::vector<Slot> slots;
  for (const ConfiguredTensor& input : config_.inputs) {
    required += input.optional ? 0 : 1;
    slots.push_back(Find(input, input.optional ? signature.optional_inputs : signature.inputs,
                         input.optional ? "optional input" : "input", false));
  }
  if (required != signature.inputs.size()) {
    throw Refusal("config.pbtxt has " + std::to_string(required) + " inputs, the model " +
                  std::to_string(signature.inputs.size()));
  }
  return slots;
}

std::vector<Slot> Model::OutputSlots(const Signature& signature) const {
  std::vector<Slot> slots;
  for (const ConfiguredTensor& output : config_.outputs) {
    slots.push_back(Find(output, signature.outputs, "output", true));
  }
  return slots;
}

Slot Model::Find(const ConfiguredTensor& tensor, const std::vector<TensorSpec>& specs,
                 const std::string& kind, bool exact) const {
  const std::string called = kind + " '" + tensor.spec.name + "'";
  for (size_t place = 0; place < specs.size(); ++place) {
    const TensorSpec& spec = specs[place];
    if (spec.name != tensor.spec.name) continue;
    if (spec.type != tensor.spec.type || spec.type == TRITONSERVER_TYPE_INVALID) {
      throw Refusal(called + " is " + TypeName(tensor.spec.type) + " in config.pbtxt and " +
                    TypeName(spec.type) + " in the model");
    }
    const std::string difference = Difference(tensor.spec.dims, spec.dims, exact);
    if (!difference.empty()) throw Refusal(called + difference);
    return {spec, tensor.spec.dims, place, tensor.optional};
  }
  throw Refusal("the model has no " + called);
}

// How the dims of a configuration and those of the model do not go together, empty if they do.
// Where `exact`, an axis that the model leaves free may not be fixed in the configuration.
std::string Model::Difference(const Shape& configured, const Shape& actual, bool exact) const {
  if (batches() && (actual.empty() || actual[0] != kFree)) {
    return " is " + InWords(actual) +
           " in the model: its first axis must be free for max_batch_size > 0";
  }
  if (actual.empty()) {  // a scalar, which Triton has no dims for
    const bool is_one =
        std::all_of(configured.begin(), configured.end(), [](int64_t dim) { return dim == 1; });
    return is_one ? "" : " is a scalar in the model: write dims: [ 1 ]";
  }
  const Shape expected(actual.begin() + (batches() ? 1 : 0), actual.end());
  bool agree = expected.size() == configured.size();
  for (size_t i = 0; agree && i < expected.size(); ++i) {
    agree = expected[i] == configured[i] || (!exact && expected[i] == kFree);
  }
  return agree ? ""
               : " has dims " + InWords(configured) + " in config.pbtxt and " + InWords(expected) +
                     " in the model";
}

}  // namespace backend
