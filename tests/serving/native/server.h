// What takes the server's place in the backend's tests: what Triton's handles point to there, and
// what it has noticed.
#pragma once

#include <list>
#include <set>
#include <string>
#include <vector>

#include "triton_api.h"

struct TRITONSERVER_Error {
  TRITONSERVER_Error_Code code;
  std::string message;
};

struct TRITONSERVER_Message {
  std::string json;
};

struct TRITONBACKEND_Backend {
  TRITONSERVER_Message settings;
  void* state = nullptr;
};

struct TRITONBACKEND_Model {
  TRITONBACKEND_Backend* backend;
  std::string config, folder;
  int64_t artifact_type;
  void* state = nullptr;
};

struct TRITONBACKEND_ModelInstance {
  TRITONBACKEND_Model* model;
  void* state = nullptr;
};

struct TRITONBACKEND_Input {
  std::string name;
  TRITONSERVER_DataType type;
  std::vector<int64_t> shape;
  std::vector<std::vector<char>> pieces;
  int64_t offset;  // bytes by which each piece is off an aligned address
  TRITONSERVER_MemoryType memory;
};

struct TRITONBACKEND_Request;

struct TRITONBACKEND_Output {
  const TRITONBACKEND_Request* request;
  std::string name;
  TRITONSERVER_DataType type;
  std::vector<int64_t> shape;
  std::vector<char> data;
};

struct TRITONBACKEND_Request {
  std::list<TRITONBACKEND_Input> inputs;
  std::vector<std::string> wanted;
  bool takes_no_outputs = false;  // as one whose shared memory is too small for them
  int answered = 0, released = 0, successes = 0, failures = 0;
  bool times_in_order = false;
  std::string error;
  std::list<TRITONBACKEND_Output> outputs;
};

struct TRITONBACKEND_Response {
  TRITONBACKEND_Request* request;
  std::list<TRITONBACKEND_Output> outputs;
};

// What the server has noticed, and how it behaves.
struct Server {
  std::vector<std::string> log;
  std::vector<uint64_t> batch_sizes;  // as reported
  std::set<std::string> faults;       // functions that fail now
  int64_t api_major = 1, api_minor = 19;
};

extern Server server;

// What the backend exports.
extern "C" {
TRITONSERVER_Error* TRITONBACKEND_Initialize(TRITONBACKEND_Backend*);
TRITONSERVER_Error* TRITONBACKEND_Finalize(TRITONBACKEND_Backend*);
TRITONSERVER_Error* TRITONBACKEND_ModelInitialize(TRITONBACKEND_Model*);
TRITONSERVER_Error* TRITONBACKEND_ModelFinalize(TRITONBACKEND_Model*);
TRITONSERVER_Error* TRITONBACKEND_ModelInstanceInitialize(TRITONBACKEND_ModelInstance*);
TRITONSERVER_Error* TRITONBACKEND_ModelInstanceFinalize(TRITONBACKEND_ModelInstance*);
TRITONSERVER_Error* TRITONBACKEND_ModelInstanceExecute(TRITONBACKEND_ModelInstance*,
                                                       TRITONBACKEND_Request**, uint32_t);

}  // extern "C"
