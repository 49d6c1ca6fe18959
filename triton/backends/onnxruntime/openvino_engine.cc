#include "openvino_engine.h"

#include <openvino/c/openvino.h>

#include <mutex>

#include "failure.h"
#include "library.h"

namespace backend {
namespace {

struct TypePair {
  ov_element_type_e openvino;
  TRITONSERVER_DataType triton;
};

constexpr TypePair kTypes[] = {
    {BOOLEAN, TRITONSERVER_TYPE_BOOL}, {BF16, TRITONSERVER_TYPE_BF16},
    {F16, TRITONSERVER_TYPE_FP16},     {F32, TRITONSERVER_TYPE_FP32},
    {F64, TRITONSERVER_TYPE_FP64},     {I8, TRITONSERVER_TYPE_INT8},
    {I16, TRITONSERVER_TYPE_INT16},    {I32, TRITONSERVER_TYPE_INT32},
    {I64, TRITONSERVER_TYPE_INT64},    {U8, TRITONSERVER_TYPE_UINT8},
    {U16, TRITONSERVER_TYPE_UINT16},   {U32, TRITONSERVER_TYPE_UINT32},
    {U64, TRITONSERVER_TYPE_UINT64},
};

ov_element_type_e ToOpenVino(TRITONSERVER_DataType type) {
  for (const TypePair& pair : kTypes) {
    if (pair.triton == type) return pair.openvino;
  }
  throw Failure(TRITONSERVER_ERROR_UNSUPPORTED,
                std::string(TypeName(type)) + " cannot be given to OpenVINO");
}

TRITONSERVER_DataType ToTriton(ov_element_type_e type) {
  for (const TypePair& pair : kTypes) {
    if (pair.openvino == type) return pair.triton;
  }
  return TRITONSERVER_TYPE_INVALID;
}

// Throws Failure if a number would be another one in the 32 bits that OpenVINO computes with.
template <typename Integer>
void CheckRange(const InputTensor& input) {
  const auto* values = static_cast<const Integer*>(input.data);
  for (size_t i = 0; i < input.byte_size / sizeof(Integer); ++i) {
    if (static_cast<Integer>(static_cast<int32_t>(values[i])) != values[i]) {
      throw Refusal("input '" + input.spec->name + "': OpenVINO computes in 32 bits, which " +
                    std::to_string(values[i]) + " does not fit");
    }
  }
}

// The functions of the library that are used here.
struct Functions {
  explicit Functions(const std::string& path) : library(path) {}

  const Library library;
#define OPENVINO_FUNCTION(name) decltype(&::name) name = library.Find<decltype(&::name)>(#name)
  OPENVINO_FUNCTION(ov_get_last_err_msg);
  OPENVINO_FUNCTION(ov_free);
  OPENVINO_FUNCTION(ov_core_create);
  OPENVINO_FUNCTION(ov_core_free);
  OPENVINO_FUNCTION(ov_core_compile_model_from_file_props);
  OPENVINO_FUNCTION(ov_compiled_model_free);
  OPENVINO_FUNCTION(ov_compiled_model_inputs_size);
  OPENVINO_FUNCTION(ov_compiled_model_input_by_name);
  OPENVINO_FUNCTION(ov_compiled_model_output_by_name);
  OPENVINO_FUNCTION(ov_compiled_model_create_infer_request);
  OPENVINO_FUNCTION(ov_output_const_port_free);
  OPENVINO_FUNCTION(ov_port_get_element_type);
  OPENVINO_FUNCTION(ov_port_get_partial_shape);
  OPENVINO_FUNCTION(ov_partial_shape_free);
  OPENVINO_FUNCTION(ov_infer_request_free);
  OPENVINO_FUNCTION(ov_infer_request_set_tensor);
  OPENVINO_FUNCTION(ov_infer_request_get_tensor);
  OPENVINO_FUNCTION(ov_infer_request_infer);
  OPENVINO_FUNCTION(ov_tensor_create_from_host_ptr);
  OPENVINO_FUNCTION(ov_tensor_free);
  OPENVINO_FUNCTION(ov_tensor_get_shape);
  OPENVINO_FUNCTION(ov_tensor_get_size);
  OPENVINO_FUNCTION(ov_tensor_data);
  OPENVINO_FUNCTION(ov_shape_free);
#undef OPENVINO_FUNCTION

  // Throws what OpenVINO complains of. Its last words are the whole process's: of two failures in
  // the same moment both may tell of one.
  void Check(ov_status_e status) const {
    if (status == OK) return;
    const char* said = ov_get_last_err_msg();
    const std::string message = "openvino error " + std::to_string(status) + ": " +
                                (said != nullptr ? said : "it said nothing");
    if (said != nullptr) ov_free(said);
    throw Failure(TRITONSERVER_ERROR_INTERNAL, message);
  }
};

// An object of OpenVINO's, released at the end of its scope.
template <typename Object>
using Owned = std::unique_ptr<Object, void (*)(Object*)>;

class OpenVinoAnswer : public Answer {
 public:
  std::vector<Owned<ov_tensor_t>> tensors;
};

class OpenVinoEngine : public Engine {
 public:
  OpenVinoEngine(const std::string& library, const std::string& path, const EngineOptions& options)
      : call_(library),
        core_(nullptr, call_.ov_core_free),
        model_(nullptr, call_.ov_compiled_model_free),
        request_(nullptr, call_.ov_infer_request_free) {
    ov_core_t* core = nullptr;
    call_.Check(call_.ov_core_create(&core));
    core_.reset(core);
    const std::string threads = std::to_string(options.intra_op_threads);
    // Full precision, as ONNX Runtime computes. Pinned, all instances would share the first cores.
    std::vector<ov_property_t> properties = {{"INFERENCE_PRECISION_HINT", "f32"},
                                             {"PERFORMANCE_HINT", "LATENCY"},
                                             {"ENABLE_CPU_PINNING", "NO"}};
    if (options.intra_op_threads > 0)
      properties.push_back({"INFERENCE_NUM_THREADS", threads.c_str()});
    ov_compiled_model_t* model = nullptr;
    call_.Check(call_.ov_core_compile_model_from_file_props(
        core, path.c_str(), "CPU", properties.size(), properties.data(), &model));
    model_.reset(model);
    ov_infer_request_t* request = nullptr;
    call_.Check(call_.ov_compiled_model_create_infer_request(model, &request));
    request_.reset(request);
  }

  void DescribeTensors(const std::vector<std::string>& inputs,
                       const std::vector<std::string>& outputs) {
    size_t count = 0;
    call_.Check(call_.ov_compiled_model_inputs_size(model_.get(), &count));
    if (count != inputs.size()) {
      throw Refusal("the model has " + std::to_string(count) + " inputs, config.pbtxt " +
                    std::to_string(inputs.size()));
    }
    for (const std::string& name : inputs) {
      signature_.inputs.push_back(Describe(name, call_.ov_compiled_model_input_by_name));
    }
    for (const std::string& name : outputs) {
      signature_.outputs.push_back(Describe(name, call_.ov_compiled_model_output_by_name));
    }
  }

  const Signature& signature() const override { return signature_; }

  std::unique_ptr<Answer> Run(const std::vector<InputTensor>& inputs,
                              const std::vector<size_t>& wanted) override {
    // The request keeps what it is given until the next run, and so do we.
    given_.clear();
    for (const InputTensor& input : inputs) {
      if (input.spec->type == TRITONSERVER_TYPE_INT64) CheckRange<int64_t>(input);
      if (input.spec->type == TRITONSERVER_TYPE_UINT64) CheckRange<uint64_t>(input);
      // OpenVINO takes inputs as mutable and does not write to them.
      ov_tensor_t* tensor = nullptr;
      const ov_shape_t shape{static_cast<int64_t>(input.shape.size()),
                             const_cast<int64_t*>(input.shape.data())};
      call_.Check(call_.ov_tensor_create_from_host_ptr(ToOpenVino(input.spec->type), shape,
                                                       const_cast<void*>(input.data), &tensor));
      given_.emplace_back(tensor, call_.ov_tensor_free);
      call_.Check(
          call_.ov_infer_request_set_tensor(request_.get(), input.spec->name.c_str(), tensor));
    }
    call_.Check(call_.ov_infer_request_infer(request_.get()));
    auto answer = std::make_unique<OpenVinoAnswer>();
    for (const size_t place : wanted) {
      const TensorSpec& spec = signature_.outputs[place];
      ov_tensor_t* tensor = nullptr;
      call_.Check(call_.ov_infer_request_get_tensor(request_.get(), spec.name.c_str(), &tensor));
      answer->tensors.emplace_back(tensor, call_.ov_tensor_free);
      OutputTensor output{&spec, {}, nullptr, {}};
      size_t count = 0;
      call_.Check(call_.ov_tensor_get_size(tensor, &count));
      // A scalar's shape is an error to it, and that of an unknown number of axes may be any.
      if (!spec.dims.empty() || count != 1) {
        ov_shape_t shape{};
        call_.Check(call_.ov_tensor_get_shape(tensor, &shape));
        output.shape.assign(shape.dims, shape.dims + shape.rank);
        call_.ov_shape_free(&shape);
      }
      void* data = nullptr;
      call_.Check(call_.ov_tensor_data(tensor, &data));
      output.data = static_cast<const char*>(data);
      answer->outputs.push_back(std::move(output));
    }
    return answer;
  }

 private:
  using FindPort = ov_status_e (*)(const ov_compiled_model_t*, const char*,
                                   ov_output_const_port_t**);

  TensorSpec Describe(const std::string& name, FindPort find) const {
    ov_output_const_port_t* port = nullptr;
    call_.Check(find(model_.get(), name.c_str(), &port));
    const Owned<ov_output_const_port_t> owned(port, call_.ov_output_const_port_free);
    ov_element_type_e type{};
    call_.Check(call_.ov_port_get_element_type(port, &type));
    ov_partial_shape_t shape{};
    call_.Check(call_.ov_port_get_partial_shape(port, &shape));
    TensorSpec spec{name, ToTriton(type), {}};
    for (int64_t i = 0; i < shape.rank.max; ++i) {
      const ov_dimension_t& dim = shape.dims[i];
      spec.dims.push_back(dim.min == dim.max ? dim.max : kFree);
    }
    call_.ov_partial_shape_free(&shape);
    return spec;
  }

  const Functions call_;
  Owned<ov_core_t> core_;
  Owned<ov_compiled_model_t> model_;
  Owned<ov_infer_request_t> request_;
  std::vector<Owned<ov_tensor_t>> given_;
  Signature signature_;
};

}  // namespace

std::unique_ptr<Engine> LoadWithOpenVino(const std::string& library, const std::string& path,
                                         const EngineOptions& options,
                                         const std::vector<std::string>& inputs,
                                         const std::vector<std::string>& outputs) {
  static std::mutex making_engine;  // as with ONNX Runtime's sessions
  const std::lock_guard<std::mutex> alone(making_engine);
  auto engine = std::make_unique<OpenVinoEngine>(library, path, options);
  engine->DescribeTensors(inputs, outputs);
  return engine;
}

}  // namespace backend
