// What computes a model: ONNX Runtime, or OpenVINO.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tensor.h"

namespace backend {

// What a model file says that it takes and gives.
struct Signature {
  std::vector<TensorSpec> inputs;
  std::vector<TensorSpec> optional_inputs;  // initializers that a request may replace
  std::vector<TensorSpec> outputs;
};

// The outputs of one run, and what they lie in.
class Answer {
 public:
  virtual ~Answer() = default;

  std::vector<OutputTensor> outputs;
};

// One copy of a model, asked by one thread at a time.
class Engine {
 public:
  virtual ~Engine() = default;

  virtual const Signature& signature() const = 0;

  // Computes some of the outputs, given by their places in the signature, in that order.
  // Throws Failure with the runtime's own message.
  virtual std::unique_ptr<Answer> Run(const std::vector<InputTensor>& inputs,
                                      const std::vector<size_t>& wanted) = 0;
};

// How a model is to be computed.
struct EngineOptions {
  int intra_op_threads = 0;  // 0: as many as the runtime thinks best
  int inter_op_threads = 0;
  bool parallel = false;    // independent nodes at once
  bool use_arena = true;    // keep memory for the next run
  bool use_pattern = true;  // plan memory from the shapes seen
  int graph_level = 0;      // as Triton writes it: -1 basic, 1 extended, 2 none, else all
  std::vector<std::string> operator_libraries;  // of custom operators, by path
};

}  // namespace backend
