#include "model_config.h"

#include <algorithm>
#include <cctype>
#include <climits>

#include "failure.h"

namespace backend {
namespace {

constexpr const char* kOpenVino = "openvino";
// What a model learned from: it is said to whoever asks the server for its configuration.
constexpr const char* kForWhoeverAsks = "learned_from";

// What a request would be answered wrongly without.
constexpr struct {
  const char* section;
  const char* meaning;
} kUnsupported[] = {{"batch_input", "batch inputs"},
                    {"batch_output", "batch outputs"},
                    {"sequence_batching", "sequence batching"}};

ConfiguredTensor ReadTensor(const Json& entry) {
  ConfiguredTensor tensor;
  tensor.spec.name = entry["name"].text();
  tensor.spec.type = TypeOf(entry["data_type"].text());
  const Json& reshape = entry["reshape"];
  const Json& dims = reshape.is_null() ? entry["dims"] : reshape["shape"];
  for (const Json& dim : dims.elements()) tensor.spec.dims.push_back(dim.integer());
  tensor.optional = entry["optional"].is_true();
  if (entry["allow_ragged_batch"].is_true()) {
    throw Failure(
        TRITONSERVER_ERROR_UNSUPPORTED,
        "input '" + tensor.spec.name + "' has allow_ragged_batch, which is not supported");
  }
  return tensor;
}

std::vector<ConfiguredTensor> ReadTensors(const Json& entries, const std::string& kind) {
  std::vector<ConfiguredTensor> tensors;
  for (const Json& entry : entries.elements()) tensors.push_back(ReadTensor(entry));
  if (tensors.empty()) throw Refusal("config.pbtxt has no " + kind + ": write down every one");
  return tensors;
}

// Runs `read` and names the parameter in whatever it throws.
template <typename Read>
auto Named(const std::string& key, const std::string& value, Read read) {
  try {
    return read(value);
  } catch (const Failure& failure) {
    throw Refusal("parameter " + key + ": " + failure.what());
  }
}

// A number of threads; a negative one leaves it to the runtime, as 0 does.
int ToCount(const std::string& value) {
  const int64_t count = ToInteger(value);
  if (count > INT_MAX) throw Refusal("'" + value + "' is not a number of threads");
  return static_cast<int>(std::max<int64_t>(count, 0));
}

bool ToMode(const std::string& value) {
  const int64_t mode = ToInteger(value);
  if (mode != 0 && mode != 1) throw Refusal("'" + value + "' is neither 0 nor 1");
  return mode == 1;
}

bool ToFlag(std::string value) {
  for (char& each : value) each = static_cast<char>(std::tolower(static_cast<unsigned char>(each)));
  if (value == "1" || value == "true" || value == "on") return true;
  if (value == "0" || value == "false" || value == "off") return false;
  throw Refusal("'" + value + "' is neither true nor false");
}

void ReadParameters(const Json& parameters, ModelConfig& config) {
  EngineOptions& engine = config.engine;
  for (const auto& [key, entry] : parameters.members()) {
    const std::string& value = entry["string_value"].text();
    if (key == "intra_op_thread_count") {
      engine.intra_op_threads = Named(key, value, ToCount);
    } else if (key == "inter_op_thread_count") {
      engine.inter_op_threads = Named(key, value, ToCount);
    } else if (key == "execution_mode") {
      engine.parallel = Named(key, value, ToMode);
    } else if (key == "enable_mem_arena") {
      engine.use_arena = Named(key, value, ToFlag);
    } else if (key == "enable_mem_pattern") {
      engine.use_pattern = Named(key, value, ToFlag);
    } else if (key != kForWhoeverAsks) {
      config.warnings.push_back("parameter " + key + " has no effect");
    }
  }
}

void ReadAccelerators(const Json& accelerators, ModelConfig& config) {
  for (const Json& each : accelerators["gpu_execution_accelerator"].elements()) {
    config.warnings.push_back("accelerator " + each["name"].text() +
                              " has no effect: this backend computes on the processor");
  }
  for (const Json& each : accelerators["cpu_execution_accelerator"].elements()) {
    const std::string& name = each["name"].text();
    if (name != kOpenVino)
      throw Refusal("unknown Execution Accelerator '" + name + "' is requested");
    config.with_openvino = true;
    for (const auto& [key, value] : each["parameters"].members()) {
      config.warnings.push_back("parameter " + key + " of accelerator " + name + " has no effect");
    }
  }
}

void ReadOptimization(const Json& optimization, ModelConfig& config) {
  if (const Json& level = optimization["graph"]["level"]; !level.is_null()) {
    config.engine.graph_level = static_cast<int>(level.integer());
  }
  ReadAccelerators(optimization["execution_accelerators"], config);
  if (config.with_openvino) {
    // They are ONNX Runtime's alone; threads are not.
    const EngineOptions usual;
    const EngineOptions& engine = config.engine;
    if (engine.graph_level != usual.graph_level || engine.parallel != usual.parallel ||
        engine.use_arena != usual.use_arena || engine.use_pattern != usual.use_pattern) {
      config.warnings.push_back(
          "execution_mode, enable_mem_arena, enable_mem_pattern and the graph level have no effect "
          "with accelerator openvino");
    }
  }
}

void ReadInstanceGroups(const Json& groups) {
  for (const Json& group : groups.elements()) {
    if (group["kind"].text() == "KIND_GPU") {
      throw Failure(
          TRITONSERVER_ERROR_UNSUPPORTED,
          "instance_group asks for KIND_GPU; this backend computes on the processor: write "
          "KIND_CPU");
    }
  }
}

}  // namespace

ModelConfig ModelConfig::Read(const std::string& json) {
  const Json root = Json::Parse(json);
  for (const auto& [section, meaning] : kUnsupported) {
    const Json& found = root[section];
    if (!found.elements().empty() || !found.members().empty()) {
      throw Failure(TRITONSERVER_ERROR_UNSUPPORTED,
                    std::string("config.pbtxt asks for ") + meaning + ", which are not supported");
    }
  }
  ModelConfig config;
  config.name = root["name"].text();
  config.file_name = root["default_model_filename"].text();
  if (config.file_name.empty()) config.file_name = "model.onnx";
  if (const Json& size = root["max_batch_size"]; !size.is_null()) {
    config.max_batch_size = size.integer();
  }
  config.inputs = ReadTensors(root["input"], "input");
  config.outputs = ReadTensors(root["output"], "output");
  for (const ConfiguredTensor& input : config.inputs) {
    if (input.optional && config.max_batch_size > 0) {
      throw Refusal("optional input '" + input.spec.name + "' needs max_batch_size: 0");
    }
  }
  ReadInstanceGroups(root["instance_group"]);
  ReadParameters(root["parameters"], config);
  ReadOptimization(root["optimization"], config);
  for (const Json& path : root["model_operations"]["op_library_filename"].elements()) {
    config.engine.operator_libraries.push_back(path.text());
  }
  return config;
}

}  // namespace backend
