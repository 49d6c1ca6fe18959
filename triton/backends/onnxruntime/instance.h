// A copy of a model, and how it answers batches of requests.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "model.h"
#include "request.h"

namespace backend {

class Instance {
 public:
  // Loads a copy of the model; throws Failure if that cannot be served.
  Instance(const Model& model, TRITONBACKEND_ModelInstance* handle);

  // Answers and releases every request. They are computed as one batch, or one by one where the
  // model does not batch.
  void Execute(TRITONBACKEND_Request** requests, uint32_t count);

 private:
  void ExecuteBatch(Request* requests, uint32_t count);
  // Returns those that can be computed together; the others have got their answer.
  std::vector<Request*> Accept(Request* requests, uint32_t count) const;
  std::vector<InputTensor> Gather(const std::vector<Request*>& batch, int64_t rows);
  // Returns the outputs that anybody asks for, as places in `outputs_`.
  std::vector<size_t> Wanted(const std::vector<Request*>& batch) const;
  // Writes each request's part of the outputs; one that cannot take its part has got its answer.
  void Divide(const Answer& answer, const std::vector<size_t>& wanted,
              const std::vector<Request*>& batch, int64_t rows) const;

  const Model& model_;
  TRITONBACKEND_ModelInstance* const handle_;
  const std::unique_ptr<Engine> engine_;
  const std::vector<Slot> inputs_, outputs_;
  std::vector<std::vector<char>> gathered_;  // for each input, memory that batches use in turn
};

}  // namespace backend
