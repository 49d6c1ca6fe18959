#include "onnxruntime_engine.h"

#include "failure.h"
#include "library.h"
#include "string_tensor.h"

namespace backend {
namespace {

// Of the table; it has had every slot that is used here for longer.
constexpr uint32_t kApiVersion = 4;

struct TypePair {
  OrtElementType ort;
  TRITONSERVER_DataType triton;
};

constexpr TypePair kTypes[] = {
    {ORT_FLOAT, TRITONSERVER_TYPE_FP32},    {ORT_UINT8, TRITONSERVER_TYPE_UINT8},
    {ORT_INT8, TRITONSERVER_TYPE_INT8},     {ORT_UINT16, TRITONSERVER_TYPE_UINT16},
    {ORT_INT16, TRITONSERVER_TYPE_INT16},   {ORT_INT32, TRITONSERVER_TYPE_INT32},
    {ORT_INT64, TRITONSERVER_TYPE_INT64},   {ORT_STRING, TRITONSERVER_TYPE_BYTES},
    {ORT_BOOL, TRITONSERVER_TYPE_BOOL},     {ORT_FLOAT16, TRITONSERVER_TYPE_FP16},
    {ORT_DOUBLE, TRITONSERVER_TYPE_FP64},   {ORT_UINT32, TRITONSERVER_TYPE_UINT32},
    {ORT_UINT64, TRITONSERVER_TYPE_UINT64}, {ORT_BFLOAT16, TRITONSERVER_TYPE_BF16},
};

OrtElementType ToOrt(TRITONSERVER_DataType type) {
  for (const TypePair& pair : kTypes) {
    if (pair.triton == type) return pair.ort;
  }
  return ORT_UNDEFINED;
}

TRITONSERVER_DataType ToTriton(OrtElementType type) {
  for (const TypePair& pair : kTypes) {
    if (pair.ort == type) return pair.triton;
  }
  return TRITONSERVER_TYPE_INVALID;
}

void ForwardToLog(void*, OrtLoggingLevel severity, const char*, const char*, const char*,
                  const char* message) {
  Log(severity >= ORT_LOGGING_LEVEL_ERROR ? TRITONSERVER_LOG_ERROR : TRITONSERVER_LOG_WARN,
      std::string("ONNX Runtime: ") + message);
}

// Throws what ONNX Runtime complains of.
void Check(const OrtApi& api, OrtStatus* status) {
  if (status == nullptr) return;
  const std::string message = "onnx runtime error " + std::to_string(api.GetErrorCode(status)) +
                              ": " + api.GetErrorMessage(status);
  api.ReleaseStatus(status);
  throw Failure(TRITONSERVER_ERROR_INTERNAL, message);
}

// An object of ONNX Runtime's, released at the end of its scope.
template <typename Object>
using Owned = std::unique_ptr<Object, void (*)(Object*)>;

Shape DimsOf(const OrtApi& api, const OrtTensorTypeAndShapeInfo* info) {
  size_t rank = 0;
  Check(api, api.GetDimensionsCount(info, &rank));
  Shape dims(rank);
  Check(api, api.GetDimensions(info, dims.data(), rank));
  return dims;
}

// How the table asks for one kind of a session's tensors.
struct Questions {
  OrtStatus* (*count)(const OrtSession*, size_t*);
  OrtStatus* (*name)(const OrtSession*, size_t, OrtAllocator*, char**);
  OrtStatus* (*type)(const OrtSession*, size_t, OrtTypeInfo**);
};

std::vector<TensorSpec> Tensors(const OrtApi& api, const OrtSession* session, Questions ask) {
  OrtAllocator* allocator = nullptr;
  Check(api, api.GetAllocatorWithDefaultOptions(&allocator));
  size_t count = 0;
  Check(api, ask.count(session, &count));
  std::vector<TensorSpec> found;
  for (size_t i = 0; i < count; ++i) {
    char* text = nullptr;
    Check(api, ask.name(session, i, allocator, &text));
    const std::string name = text;
    Check(api, api.AllocatorFree(allocator, text));
    OrtTypeInfo* type_info = nullptr;
    Check(api, ask.type(session, i, &type_info));
    const Owned<OrtTypeInfo> owned(type_info, api.ReleaseTypeInfo);
    OrtOnnxType kind{};
    Check(api, api.GetOnnxTypeFromTypeInfo(type_info, &kind));
    if (kind != ORT_TYPE_TENSOR) {
      throw Failure(TRITONSERVER_ERROR_UNSUPPORTED,
                    "'" + name + "' is a sequence, a map or optional; only tensors can be served");
    }
    const OrtTensorTypeAndShapeInfo* info = nullptr;
    Check(api, api.CastTypeInfoToTensorInfo(type_info, &info));
    OrtElementType type{};
    Check(api, api.GetTensorElementType(info, &type));
    found.push_back({name, ToTriton(type), DimsOf(api, info)});
  }
  return found;
}

class OnnxRuntimeAnswer : public Answer {
 public:
  OnnxRuntimeAnswer(const OrtApi& api, size_t count) : api_(api), values(count, nullptr) {}
  ~OnnxRuntimeAnswer() override {
    for (OrtValue* value : values) api_.ReleaseValue(value);
  }

  // Describes the values that a run has left.
  void Describe(const std::vector<TensorSpec>& specs, const std::vector<size_t>& wanted) {
    outputs.reserve(values.size());
    texts_.resize(values.size());
    for (size_t i = 0; i < values.size(); ++i) {
      OrtTensorTypeAndShapeInfo* info = nullptr;
      Check(api_, api_.GetTensorTypeAndShape(values[i], &info));
      const Owned<OrtTensorTypeAndShapeInfo> owned(info, api_.ReleaseTensorTypeAndShapeInfo);
      OutputTensor output{&specs[wanted[i]], DimsOf(api_, info), nullptr, {}};
      if (output.spec->type == TRITONSERVER_TYPE_BYTES) {
        Strings(values[i], texts_[i], output);
      } else {
        void* data = nullptr;
        Check(api_, api_.GetTensorMutableData(values[i], &data));
        output.data = static_cast<const char*>(data);
      }
      outputs.push_back(std::move(output));
    }
  }

 private:
  // Writes a tensor of strings as Triton sends them.
  void Strings(const OrtValue* value, std::string& sent, OutputTensor& output) {
    const size_t count = ElementCount(output.shape);
    size_t length = 0;
    Check(api_, api_.GetStringTensorDataLength(value, &length));
    std::string text(length, '\0');
    std::vector<size_t> begins(count);
    Check(api_, api_.GetStringTensorContent(value, text.data(), length, begins.data(), count));
    begins.push_back(length);
    sent.reserve(length + count * sizeof(uint32_t));
    for (size_t i = 0; i < count; ++i) {
      AppendString(text.data() + begins[i], begins[i + 1] - begins[i], sent);
      output.ends.push_back(sent.size());
    }
    output.data = sent.data();
  }

  const OrtApi& api_;
  std::vector<std::string> texts_;

 public:
  std::vector<OrtValue*> values;
};

class OnnxRuntimeEngine : public Engine {
 public:
  OnnxRuntimeEngine(const OrtApi& api, OrtSession* session)
      : api_(api), session_(session, api.ReleaseSession), memory_(nullptr, api.ReleaseMemoryInfo) {
    OrtMemoryInfo* memory = nullptr;
    Check(api, api.CreateCpuMemoryInfo(1, 0, &memory));  // an arena's allocator, usual memory
    memory_.reset(memory);
    Check(api, api.GetAllocatorWithDefaultOptions(&allocator_));
    signature_.inputs =
        Tensors(api, session,
                {api.SessionGetInputCount, api.SessionGetInputName, api.SessionGetInputTypeInfo});
    signature_.optional_inputs = Tensors(
        api, session,
        {api.SessionGetOverridableInitializerCount, api.SessionGetOverridableInitializerName,
         api.SessionGetOverridableInitializerTypeInfo});
    signature_.outputs = Tensors(
        api, session,
        {api.SessionGetOutputCount, api.SessionGetOutputName, api.SessionGetOutputTypeInfo});
  }

  const Signature& signature() const override { return signature_; }

  std::unique_ptr<Answer> Run(const std::vector<InputTensor>& inputs,
                              const std::vector<size_t>& wanted) override {
    std::vector<Owned<OrtValue>> owned;
    std::vector<const OrtValue*> values;
    std::vector<const char*> input_names, output_names;
    for (const InputTensor& input : inputs) {
      owned.emplace_back(ToValue(input), api_.ReleaseValue);
      values.push_back(owned.back().get());
      input_names.push_back(input.spec->name.c_str());
    }
    for (const size_t place : wanted)
      output_names.push_back(signature_.outputs[place].name.c_str());
    auto answer = std::make_unique<OnnxRuntimeAnswer>(api_, wanted.size());
    Check(api_, api_.Run(session_.get(), nullptr, input_names.data(), values.data(), values.size(),
                         output_names.data(), wanted.size(), answer->values.data()));
    answer->Describe(signature_.outputs, wanted);
    return answer;
  }

 private:
  // The caller owns what is returned. Of anything but strings nothing is copied.
  OrtValue* ToValue(const InputTensor& input) {
    OrtValue* value = nullptr;
    const OrtElementType type = ToOrt(input.spec->type);
    if (type == ORT_STRING) {
      Check(api_, api_.CreateTensorAsOrtValue(allocator_, input.shape.data(), input.shape.size(),
                                              type, &value));
      Owned<OrtValue> owned(value, api_.ReleaseValue);
      Check(api_, api_.FillStringTensor(value, input.strings.data(), input.strings.size()));
      return owned.release();
    }
    // ONNX Runtime takes inputs as mutable and does not write to them.
    Check(api_, api_.CreateTensorWithDataAsOrtValue(memory_.get(), const_cast<void*>(input.data),
                                                    input.byte_size, input.shape.data(),
                                                    input.shape.size(), type, &value));
    return value;
  }

  const OrtApi& api_;
  Owned<OrtSession> session_;
  Owned<OrtMemoryInfo> memory_;
  OrtAllocator* allocator_ = nullptr;
  Signature signature_;
};

OrtOptimizationLevel ToOrtLevel(int graph_level) {
  switch (graph_level) {
    case -1:
      return ORT_ENABLE_BASIC;
    case 1:
      return ORT_ENABLE_EXTENDED;
    case 2:
      return ORT_DISABLE_ALL;
    default:
      return ORT_ENABLE_ALL;
  }
}

}  // namespace

OnnxRuntime::OnnxRuntime(const std::string& path) {
  const OrtApiBase* base = Library(path).Find<OrtGetApiBase>("OrtGetApiBase")();
  api_ = base->GetApi(kApiVersion);
  if (api_ == nullptr) {
    throw Failure(TRITONSERVER_ERROR_UNSUPPORTED,
                  path + " is ONNX Runtime " + base->GetVersionString() + ", which is too old");
  }
  Check(*api_, api_->CreateEnvWithCustomLogger(ForwardToLog, nullptr, ORT_LOGGING_LEVEL_WARNING,
                                               "onnxruntime", &environment_));
}

OnnxRuntime::~OnnxRuntime() { api_->ReleaseEnv(environment_); }

std::unique_ptr<Engine> OnnxRuntime::Load(const std::string& path,
                                          const EngineOptions& wanted) const {
  const OrtApi& api = *api_;
  OrtSessionOptions* options = nullptr;
  Check(api, api.CreateSessionOptions(&options));
  const Owned<OrtSessionOptions> owned(options, api.ReleaseSessionOptions);
  Check(api, api.SetSessionGraphOptimizationLevel(options, ToOrtLevel(wanted.graph_level)));
  Check(api, api.SetSessionExecutionMode(options, wanted.parallel ? ORT_PARALLEL : ORT_SEQUENTIAL));
  if (wanted.intra_op_threads > 0) {
    Check(api, api.SetIntraOpNumThreads(options, wanted.intra_op_threads));
  }
  if (wanted.inter_op_threads > 0) {
    Check(api, api.SetInterOpNumThreads(options, wanted.inter_op_threads));
  }
  if (!wanted.use_arena) Check(api, api.DisableCpuMemArena(options));
  if (!wanted.use_pattern) Check(api, api.DisableMemPattern(options));
  for (const std::string& library : wanted.operator_libraries) {
    void* handle = nullptr;
    Check(api, api.RegisterCustomOpsLibrary(options, library.c_str(), &handle));
  }
  OrtSession* session = nullptr;
  const std::lock_guard<std::mutex> alone(making_session_);
  Check(api, api.CreateSession(environment_, path.c_str(), options, &session));
  return std::make_unique<OnnxRuntimeEngine>(api, session);
}

}  // namespace backend
