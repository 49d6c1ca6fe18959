// The part of ONNX Runtime's C interface that this backend uses.
//
// The library exports one function, which gives a table of functions. The table only grows at its
// end, so a place in it is the same in every release; the members below are named for the slots
// that they fill, and `Unused` keeps the others' places. A null status means success.
#pragma once

#include <cstddef>
#include <cstdint>

struct OrtStatus;
struct OrtEnv;
struct OrtSession;
struct OrtSessionOptions;
struct OrtRunOptions;
struct OrtValue;
struct OrtTypeInfo;
struct OrtTensorTypeAndShapeInfo;
struct OrtMemoryInfo;
struct OrtAllocator;

// What severity a message of the library has.
enum OrtLoggingLevel : int32_t {
  ORT_LOGGING_LEVEL_WARNING = 2,
  ORT_LOGGING_LEVEL_ERROR = 3,
};

enum OrtElementType : int32_t {
  ORT_UNDEFINED = 0,
  ORT_FLOAT = 1,
  ORT_UINT8 = 2,
  ORT_INT8 = 3,
  ORT_UINT16 = 4,
  ORT_INT16 = 5,
  ORT_INT32 = 6,
  ORT_INT64 = 7,
  ORT_STRING = 8,
  ORT_BOOL = 9,
  ORT_FLOAT16 = 10,
  ORT_DOUBLE = 11,
  ORT_UINT32 = 12,
  ORT_UINT64 = 13,
  ORT_BFLOAT16 = 16,
};

enum OrtOnnxType : int32_t { ORT_TYPE_TENSOR = 1 };

enum OrtExecutionMode : int32_t { ORT_SEQUENTIAL = 0, ORT_PARALLEL = 1 };

enum OrtOptimizationLevel : int32_t {
  ORT_DISABLE_ALL = 0,
  ORT_ENABLE_BASIC = 1,
  ORT_ENABLE_EXTENDED = 2,
  ORT_ENABLE_ALL = 99,
};

using OrtLogger = void (*)(void* parameter, OrtLoggingLevel severity, const char* category,
                           const char* log_id, const char* place, const char* message);

template <int count>
using Unused = void* [count];

struct OrtApi {
  Unused<1> slot_0;
  int32_t (*GetErrorCode)(const OrtStatus*);         // 1
  const char* (*GetErrorMessage)(const OrtStatus*);  // 2
  Unused<1> slot_3;
  OrtStatus* (*CreateEnvWithCustomLogger)(OrtLogger, void* parameter, OrtLoggingLevel,
                                          const char* log_id, OrtEnv**);  // 4
  Unused<2> slot_5;
  OrtStatus* (*CreateSession)(const OrtEnv*, const char* path, const OrtSessionOptions*,
                              OrtSession**);  // 7
  Unused<1> slot_8;
  OrtStatus* (*Run)(OrtSession*, const OrtRunOptions*, const char* const* input_names,
                    const OrtValue* const* inputs, size_t input_count,
                    const char* const* output_names, size_t output_count, OrtValue** outputs);  // 9
  OrtStatus* (*CreateSessionOptions)(OrtSessionOptions**);  // 10
  Unused<2> slot_11;
  OrtStatus* (*SetSessionExecutionMode)(OrtSessionOptions*, OrtExecutionMode);  // 13
  Unused<3> slot_14;
  OrtStatus* (*DisableMemPattern)(OrtSessionOptions*);  // 17
  Unused<1> slot_18;
  OrtStatus* (*DisableCpuMemArena)(OrtSessionOptions*);  // 19
  Unused<3> slot_20;
  OrtStatus* (*SetSessionGraphOptimizationLevel)(OrtSessionOptions*, OrtOptimizationLevel);  // 23
  OrtStatus* (*SetIntraOpNumThreads)(OrtSessionOptions*, int);                               // 24
  OrtStatus* (*SetInterOpNumThreads)(OrtSessionOptions*, int);                               // 25
  Unused<3> slot_26;
  OrtStatus* (*RegisterCustomOpsLibrary)(OrtSessionOptions*, const char* path,
                                         void** handle);                                   // 29
  OrtStatus* (*SessionGetInputCount)(const OrtSession*, size_t*);                          // 30
  OrtStatus* (*SessionGetOutputCount)(const OrtSession*, size_t*);                         // 31
  OrtStatus* (*SessionGetOverridableInitializerCount)(const OrtSession*, size_t*);         // 32
  OrtStatus* (*SessionGetInputTypeInfo)(const OrtSession*, size_t index, OrtTypeInfo**);   // 33
  OrtStatus* (*SessionGetOutputTypeInfo)(const OrtSession*, size_t index, OrtTypeInfo**);  // 34
  OrtStatus* (*SessionGetOverridableInitializerTypeInfo)(const OrtSession*, size_t index,
                                                         OrtTypeInfo**);                       // 35
  OrtStatus* (*SessionGetInputName)(const OrtSession*, size_t index, OrtAllocator*, char**);   // 36
  OrtStatus* (*SessionGetOutputName)(const OrtSession*, size_t index, OrtAllocator*, char**);  // 37
  OrtStatus* (*SessionGetOverridableInitializerName)(const OrtSession*, size_t index, OrtAllocator*,
                                                     char**);  // 38
  Unused<9> slot_39;
  OrtStatus* (*CreateTensorAsOrtValue)(OrtAllocator*, const int64_t* shape, size_t rank,
                                       OrtElementType, OrtValue**);  // 48
  OrtStatus* (*CreateTensorWithDataAsOrtValue)(const OrtMemoryInfo*, void* data, size_t byte_size,
                                               const int64_t* shape, size_t rank, OrtElementType,
                                               OrtValue**);  // 49
  Unused<1> slot_50;
  OrtStatus* (*GetTensorMutableData)(OrtValue*, void**);                                // 51
  OrtStatus* (*FillStringTensor)(OrtValue*, const char* const* strings, size_t count);  // 52
  OrtStatus* (*GetStringTensorDataLength)(const OrtValue*, size_t*);                    // 53
  OrtStatus* (*GetStringTensorContent)(const OrtValue*, void* text, size_t size, size_t* offsets,
                                       size_t count);  // 54
  OrtStatus* (*CastTypeInfoToTensorInfo)(const OrtTypeInfo*,
                                         const OrtTensorTypeAndShapeInfo**);  // 55
  OrtStatus* (*GetOnnxTypeFromTypeInfo)(const OrtTypeInfo*, OrtOnnxType*);    // 56
  Unused<3> slot_57;
  OrtStatus* (*GetTensorElementType)(const OrtTensorTypeAndShapeInfo*, OrtElementType*);  // 60
  OrtStatus* (*GetDimensionsCount)(const OrtTensorTypeAndShapeInfo*, size_t*);            // 61
  OrtStatus* (*GetDimensions)(const OrtTensorTypeAndShapeInfo*, int64_t*, size_t rank);   // 62
  Unused<2> slot_63;
  OrtStatus* (*GetTensorTypeAndShape)(const OrtValue*, OrtTensorTypeAndShapeInfo**);  // 65
  Unused<3> slot_66;
  OrtStatus* (*CreateCpuMemoryInfo)(int32_t allocator, int32_t memory, OrtMemoryInfo**);  // 69
  Unused<6> slot_70;
  OrtStatus* (*AllocatorFree)(OrtAllocator*, void*);  // 76
  Unused<1> slot_77;
  OrtStatus* (*GetAllocatorWithDefaultOptions)(OrtAllocator**);  // 78
  Unused<13> slot_79;
  void (*ReleaseEnv)(OrtEnv*);                // 92
  void (*ReleaseStatus)(OrtStatus*);          // 93
  void (*ReleaseMemoryInfo)(OrtMemoryInfo*);  // 94
  void (*ReleaseSession)(OrtSession*);        // 95
  void (*ReleaseValue)(OrtValue*);            // 96
  Unused<1> slot_97;
  void (*ReleaseTypeInfo)(OrtTypeInfo*);                              // 98
  void (*ReleaseTensorTypeAndShapeInfo)(OrtTensorTypeAndShapeInfo*);  // 99
  void (*ReleaseSessionOptions)(OrtSessionOptions*);                  // 100
};

static_assert(offsetof(OrtApi, ReleaseSessionOptions) == 100 * sizeof(void*));

struct OrtApiBase {
  const OrtApi* (*GetApi)(uint32_t version);
  const char* (*GetVersionString)();
};

using OrtGetApiBase = const OrtApiBase* (*)();
