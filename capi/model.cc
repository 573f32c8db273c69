// The model: opening a checkpoint, asking what it is, and the host's task runner.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "capi/call.h"
#include "capi/carat.h"
#include "capi/handles.h"
#include "capi/options.h"
#include "capi/sized_struct.h"
#include "carat/model.h"
#include "carat/quantize.h"

using carat::InstructionSet;
using carat::MemoryNeeds;
using carat::Model;
using carat::ModelInfo;
using carat::ModelOptions;
using carat::Result;
using carat::SamplingOptions;
using carat::SessionOptions;
using carat::Status;
using carat::TaskRunner;
using carat::TensorInfo;
using carat::capi::ArrayOf;
using carat::capi::Call;
using carat::capi::CheckStruct;
using carat::capi::DefaultsOf;
using carat::capi::FillStruct;
using carat::capi::InitStruct;
using carat::capi::IsEnumValue;
using carat::capi::LendText;
using carat::capi::NewModelHandle;
using carat::capi::ReadOptions;
using carat::capi::ReadStruct;
using carat::capi::TextOf;
using carat::internal::InvalidArgument;
using carat::internal::OutOfRange;

namespace {

// The host's runner as carat sees it.
class HostRunner final : public TaskRunner {
 public:
  HostRunner(const carat_task_runner& functions, int concurrency)
      : functions_(functions), concurrency_(concurrency) {}
  HostRunner(const HostRunner&) = delete;
  HostRunner& operator=(const HostRunner&) = delete;
  ~HostRunner() override {
    if (owns_user_data_ && functions_.release != nullptr) functions_.release(functions_.user_data);
  }

  // Called once the model is there: before that, user_data stays the host's.
  void TakeUserData() noexcept { owns_user_data_ = true; }

  int concurrency() const noexcept override { return concurrency_; }

  void Run(int count, void (*task)(void* context, int index), void* context) noexcept override {
    static_assert(std::is_same_v<int, std::int32_t>);
    functions_.run(functions_.user_data, count, task, context);
  }

 private:
  carat_task_runner functions_;
  int concurrency_;
  bool owns_user_data_ = false;
};

// Null for null.
Result<std::shared_ptr<HostRunner>> ToRunner(const carat_task_runner* given) {
  if (given == nullptr) return std::shared_ptr<HostRunner>();
  CARAT_ASSIGN_OR_RETURN(const carat_task_runner functions, ReadStruct(given, "carat_task_runner", false));
  if (functions.concurrency == nullptr) return InvalidArgument("carat_task_runner.concurrency is NULL");
  if (functions.run == nullptr) return InvalidArgument("carat_task_runner.run is NULL");
  const std::int32_t concurrency = functions.concurrency(functions.user_data);
  if (concurrency < 1) {
    return InvalidArgument("carat_task_runner.concurrency returned %d, but must be at least 1", concurrency);
  }
  return std::make_shared<HostRunner>(functions, concurrency);
}

// Empty for null.
carat::LogCallback ToLog(carat_log_callback log, void* user_data) {
  if (log == nullptr) return {};
  return [log, user_data](carat::LogSeverity severity, std::string_view line) {
    std::size_t size = 0;
    const char* text = LendText(line, &size);
    log(user_data, static_cast<carat_log_severity>(severity), text, size);
  };
}

// A text that may be left out.
Result<std::string> OptionalText(const char* text, std::size_t size, const char* name) {
  if (text == nullptr && size == 0) return std::string();
  CARAT_ASSIGN_OR_RETURN(const std::string_view view, TextOf(text, size, name));
  return std::string(view);
}

Result<carat::QuantizeOptions> ToQuantizeOptions(const carat_quantize_options& given) {
  carat::QuantizeOptions options;
  CARAT_ASSIGN_OR_RETURN(const std::string type,
                         OptionalText(given.type, given.type_size, "carat_quantize_options.type"));
  if (!type.empty()) options.type = type;
  CARAT_ASSIGN_OR_RETURN(options.embeddings, OptionalText(given.embeddings, given.embeddings_size,
                                                          "carat_quantize_options.embeddings"));
  CARAT_ASSIGN_OR_RETURN(options.per_layer_embeddings,
                         OptionalText(given.per_layer_embeddings, given.per_layer_embeddings_size,
                                      "carat_quantize_options.per_layer_embeddings"));
  CARAT_ASSIGN_OR_RETURN(options.mmproj,
                         OptionalText(given.mmproj, given.mmproj_size, "carat_quantize_options.mmproj"));
  options.overwrite = given.overwrite != 0;
  options.requantize = given.requantize != 0;
  options.threads = given.threads;
  options.progress = carat::capi::ToProgress(given.progress, given.progress_user_data);
  options.log = ToLog(given.log, given.log_user_data);
  return options;
}

Result<ModelOptions> ToModelOptions(const carat_model_options& given) {
  CARAT_RETURN_IF_ERROR(IsEnumValue(given.instruction_set,
                                    static_cast<std::int32_t>(carat::kLastInstructionSet),
                                    "carat_model_options.instruction_set"));
  CARAT_RETURN_IF_ERROR(
      IsEnumValue(given.weight_type, CARAT_WEIGHTS_INT4, "carat_model_options.weight_type"));
  CARAT_RETURN_IF_ERROR(
      IsEnumValue(given.precision, CARAT_PRECISION_BFLOAT16, "carat_model_options.precision"));
  ModelOptions options;
  CARAT_ASSIGN_OR_RETURN(options.mmproj,
                         OptionalText(given.mmproj, given.mmproj_size, "carat_model_options.mmproj"));
  options.weight_type = static_cast<carat::WeightType>(given.weight_type);
  options.precision = static_cast<carat::Precision>(given.precision);
  options.threads = given.threads;
  options.instruction_set = static_cast<InstructionSet>(given.instruction_set);
  options.preload = given.preload != 0;
  options.stream_prefetch_bytes = given.stream_prefetch_bytes;
  options.read_into_memory = given.read_into_memory != 0;
  options.progress = carat::capi::ToProgress(given.progress, given.progress_user_data);
  options.log = ToLog(given.log, given.log_user_data);
  return options;
}

carat_model_info ToInfo(const ModelInfo& info) {
  carat_model_info filled = DefaultsOf<carat_model_info>();
  filled.path = LendText(info.path, &filled.path_size);
  filled.architecture = LendText(info.architecture, &filled.architecture_size);
  filled.context_length = info.context_length;
  filled.parameters = info.parameters;
  filled.integer_weights = info.integer_weights ? 1 : 0;
  filled.bytes_per_token = info.bytes_per_token;
  filled.operations_per_prompt_token = info.operations_per_prompt_token;
  filled.stream_prefetch_bytes = info.stream_prefetch_bytes;
  filled.layers = info.layers;
  filled.kv_shared_layers = info.kv_shared_layers;
  filled.hidden_size = info.hidden_size;
  filled.vocabulary_size = info.vocabulary_size;
  filled.sliding_window = info.sliding_window;
  filled.experts = info.experts;
  filled.experts_per_token = info.experts_per_token;
  filled.has_vision = info.has_vision ? 1 : 0;
  filled.has_audio = info.has_audio ? 1 : 0;
  return filled;
}

}  // namespace

namespace carat::capi {

Result<carat_model*> NewModelHandle(Model model) {
  SamplingOptions sampling = model.default_sampling();
  std::vector<carat_logit_bias> logit_bias;
  logit_bias.reserve(sampling.logit_bias.size());
  for (const auto& [token, bias] : sampling.logit_bias) logit_bias.push_back({token, bias});
  return new carat_model{std::move(model), std::move(sampling), std::move(logit_bias)};
}

}  // namespace carat::capi

carat_status carat_task_runner_init(carat_task_runner* runner, size_t struct_size) {
  return InitStruct(runner, struct_size);
}

carat_status carat_model_options_init(carat_model_options* options, size_t struct_size) {
  return InitStruct(options, struct_size);
}

carat_status carat_model_info_init(carat_model_info* info, size_t struct_size) {
  return InitStruct(info, struct_size);
}

carat_status carat_tensor_info_init(carat_tensor_info* info, size_t struct_size) {
  return InitStruct(info, struct_size);
}

carat_status carat_memory_needs_init(carat_memory_needs* needs, size_t struct_size) {
  return InitStruct(needs, struct_size);
}

const char* carat_instruction_set_name(carat_instruction_set set) {
  if (set < 0 || set > static_cast<std::int32_t>(carat::kLastInstructionSet)) return "unknown";
  // The names are string literals.
  return carat::InstructionSetName(static_cast<InstructionSet>(set)).data();
}

carat_status carat_available_instruction_sets(carat_instruction_set* sets, size_t capacity, size_t* count,
                                              carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_RETURN_IF_NULL(count);
    *count = 0;
    CARAT_ASSIGN_OR_RETURN(const std::span<carat_instruction_set> room, ArrayOf(sets, capacity, "sets"));
    const std::vector<InstructionSet> available = carat::AvailableInstructionSets();
    for (size_t i = 0; i < available.size() && i < room.size(); ++i) {
      room[i] = static_cast<carat_instruction_set>(available[i]);
    }
    *count = available.size();
    return {};
  });
}

carat_status carat_model_load(const char* path, size_t path_size, const carat_model_options* options,
                              carat_model** model, carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_CLEAR_OUTPUT(model);
    CARAT_ASSIGN_OR_RETURN(const std::string_view path_text, TextOf(path, path_size, "path"));
    CARAT_ASSIGN_OR_RETURN(const carat_model_options given, ReadOptions(options, "carat_model_options"));
    CARAT_ASSIGN_OR_RETURN(ModelOptions how, ToModelOptions(given));
    CARAT_ASSIGN_OR_RETURN(const std::shared_ptr<HostRunner> runner, ToRunner(given.runner));
    how.runner = runner;
    CARAT_ASSIGN_OR_RETURN(Model loaded, Model::Load(path_text, how));
    CARAT_ASSIGN_OR_RETURN(*model, NewModelHandle(std::move(loaded)));
    if (runner != nullptr) runner->TakeUserData();
    return {};
  });
}

carat_status carat_quantize_options_init(carat_quantize_options* options, size_t struct_size) {
  return InitStruct(options, struct_size);
}

carat_status carat_quantize(const char* in, size_t in_size, const char* out, size_t out_size,
                            const carat_quantize_options* options, carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_ASSIGN_OR_RETURN(const std::string_view from, TextOf(in, in_size, "in"));
    CARAT_ASSIGN_OR_RETURN(const std::string_view to, TextOf(out, out_size, "out"));
    CARAT_ASSIGN_OR_RETURN(const carat_quantize_options given,
                           ReadOptions(options, "carat_quantize_options"));
    CARAT_ASSIGN_OR_RETURN(const carat::QuantizeOptions how, ToQuantizeOptions(given));
    return carat::QuantizeCheckpoint(from, to, how);
  });
}

carat_status carat_model_share(const carat_model* model, carat_model** shared, carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_CLEAR_OUTPUT(shared);
    CARAT_RETURN_IF_NULL(model);
    CARAT_ASSIGN_OR_RETURN(*shared, NewModelHandle(model->value));
    return {};
  });
}

void carat_model_free(carat_model* model) {
  delete model;
}

carat_status carat_model_get_info(const carat_model* model, carat_model_info* info, carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_RETURN_IF_NULL(model);
    CARAT_RETURN_IF_ERROR(CheckStruct(info, "carat_model_info"));
    FillStruct(info, ToInfo(model->value.info()));
    return {};
  });
}

carat_status carat_model_tokenizer(const carat_model* model, carat_tokenizer** tokenizer,
                                   carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_CLEAR_OUTPUT(tokenizer);
    CARAT_RETURN_IF_NULL(model);
    CARAT_ASSIGN_OR_RETURN(*tokenizer, carat::capi::NewTokenizerHandle(model->value.tokenizer()));
    return {};
  });
}

carat_status carat_model_default_sampling(const carat_model* model, carat_sampling_options* options,
                                          carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_RETURN_IF_NULL(model);
    CARAT_RETURN_IF_ERROR(CheckStruct(options, "carat_sampling_options"));
    const SamplingOptions& sampling = model->sampling;
    carat_sampling_options filled = DefaultsOf<carat_sampling_options>();
    filled.logit_bias = model->logit_bias.data();
    filled.logit_bias_count = model->logit_bias.size();
    filled.seed = sampling.seed;
    filled.temperature = sampling.temperature;
    filled.top_k = sampling.top_k;
    filled.top_p = sampling.top_p;
    filled.min_p = sampling.min_p;
    filled.typical_p = sampling.typical_p;
    filled.repetition_penalty = sampling.repetition_penalty;
    filled.frequency_penalty = sampling.frequency_penalty;
    filled.presence_penalty = sampling.presence_penalty;
    filled.penalty_window = sampling.penalty_window;
    FillStruct(options, filled);
    return {};
  });
}

carat_status carat_model_stop_tokens(const carat_model* model, carat_tokens** tokens, carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_CLEAR_OUTPUT(tokens);
    CARAT_RETURN_IF_NULL(model);
    CARAT_ASSIGN_OR_RETURN(*tokens, carat::capi::NewTokensHandle(model->value.stop_tokens()));
    return {};
  });
}

int32_t carat_model_threads(const carat_model* model) {
  return model == nullptr ? 0 : model->value.threads();
}

carat_instruction_set carat_model_instruction_set(const carat_model* model) {
  return model == nullptr ? CARAT_INSTRUCTION_SET_AUTO
                          : static_cast<carat_instruction_set>(model->value.instruction_set());
}

carat_status carat_model_tensors(const carat_model* model, carat_tensor_list** tensors, carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_CLEAR_OUTPUT(tensors);
    CARAT_RETURN_IF_NULL(model);
    *tensors = new carat_tensor_list{model->value.Tensors()};
    return {};
  });
}

void carat_tensor_list_free(carat_tensor_list* tensors) {
  delete tensors;
}

size_t carat_tensor_list_size(const carat_tensor_list* tensors) {
  return tensors == nullptr ? 0 : tensors->value.size();
}

carat_status carat_tensor_list_get(const carat_tensor_list* tensors, size_t index, carat_tensor_info* info,
                                   carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_RETURN_IF_NULL(tensors);
    CARAT_RETURN_IF_ERROR(CheckStruct(info, "carat_tensor_info"));
    if (index >= tensors->value.size()) {
      return OutOfRange("index is %d, but the checkpoint has %d tensors", index, tensors->value.size());
    }
    const TensorInfo& tensor = tensors->value[index];
    carat_tensor_info filled = DefaultsOf<carat_tensor_info>();
    filled.name = LendText(tensor.name, &filled.name_size);
    filled.format = LendText(tensor.format, &filled.format_size);
    filled.file = LendText(tensor.file, &filled.file_size);
    filled.shape = tensor.shape.data();
    filled.rank = tensor.shape.size();
    filled.bytes = tensor.bytes;
    FillStruct(info, filled);
    return {};
  });
}

carat_status carat_model_estimate_memory(const carat_model* model, const carat_session_options* options,
                                         carat_memory_needs* needs, carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_RETURN_IF_NULL(model);
    CARAT_RETURN_IF_ERROR(CheckStruct(needs, "carat_memory_needs"));
    CARAT_ASSIGN_OR_RETURN(const SessionOptions how, carat::capi::ToSessionOptions(options));
    CARAT_ASSIGN_OR_RETURN(const MemoryNeeds estimate, model->value.EstimateMemory(how));
    carat_memory_needs filled = DefaultsOf<carat_memory_needs>();
    filled.weights_touched = estimate.weights_touched;
    filled.weights_looked_up = estimate.weights_looked_up;
    filled.kv_sliding = estimate.kv_sliding;
    filled.kv_full_per_position = estimate.kv_full_per_position;
    filled.kv_full = estimate.kv_full;
    filled.workspace = estimate.workspace;
    FillStruct(needs, filled);
    return {};
  });
}
