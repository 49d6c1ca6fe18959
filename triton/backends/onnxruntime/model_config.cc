#include "model_config.h"

#include <algorithm>
#include <cctype>
#include <set>

#include "failure.h"

namespace backend {
namespace {

constexpr const char* kOpenVino = "openvino";
// What a model learned from: it is said to whoever asks the server for its configuration.
constexpr const char* kForWhoeverAsks = "learned_from";

// More threads than any machine has cores are a mistake, and memory may not hold them.
constexpr int64_t kMostThreads = 4096;

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
  if (tensors.empty()) throw Refusal("config.pbtxt has no " + kind + ": write it down");
  std::set<std::string> names;
  for (const ConfiguredTensor& tensor : tensors) {
    if (!names.insert(tensor.spec.name).second) {
      throw Refusal("config.pbtxt has " + kind + " '" + tensor.spec.name + "' twice");
    }
  }
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
  if (count > kMostThreads) throw Refusal("'" + value + "' is not a number of threads");
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
}

// What OpenVINO computes with fewer bits than a tensor has is refused, or said.
void CheckTypesForOpenVino(const std::vector<ConfiguredTensor>& tensors, ModelConfig& config) {
  for (const ConfiguredTensor& tensor : tensors) {
    const TRITONSERVER_DataType type = tensor.spec.type;
    if (type == TRITONSERVER_TYPE_FP64) {
      throw Failure(TRITONSERVER_ERROR_UNSUPPORTED,
                    "'" + tensor.spec.name +
                        "' is TYPE_FP64, which OpenVINO computes in 32 bits: leave out "
                        "accelerator openvino");
    }
    if (type == TRITONSERVER_TYPE_INT64 || type == TRITONSERVER_TYPE_UINT64) {
      config.warnings.push_back("OpenVINO computes '" + tensor.spec.name + "', " + TypeName(type) +
                                ", in 32 bits");
    }
  }
}

void CheckForOpenVino(ModelConfig& config) {
  CheckTypesForOpenVino(config.inputs, config);
  CheckTypesForOpenVino(config.outputs, config);
  // They are ONNX Runtime's alone; threads are not.
  const EngineOptions usual;
  const EngineOptions& engine = config.engine;
  if (engine.graph_level != usual.graph_level || engine.parallel != usual.parallel ||
      engine.inter_op_threads != usual.inter_op_threads || engine.use_arena != usual.use_arena ||
      engine.use_pattern != usual.use_pattern || !engine.operator_libraries.empty()) {
    config.warnings.push_back(
        "inter_op_thread_count, execution_mode, enable_mem_arena, enable_mem_pattern, the graph "
        "level and libraries of operators have no effect with accelerator openvino");
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
  if (config.with_openvino) CheckForOpenVino(config);
  return config;
}

}  // namespace backend
