// The ABI of version 0, as numbers: the size of every public struct, the place of every member, the value of
// every enumerator. What is here never changes. A member that is appended adds a line and changes its
// struct's size; the size before then goes into kFirstSize (capi/sized_struct.h).
#include <carat.h>
#include <stddef.h>
#include <stdint.h>

#if UINTPTR_MAX == 0xffffffffffffffff
_Static_assert(sizeof(carat_text) == 16, "carat_text");
_Static_assert(offsetof(carat_text, data) == 0, "carat_text.data");
_Static_assert(offsetof(carat_text, size) == 8, "carat_text.size");

_Static_assert(sizeof(carat_encode_options) == 16, "carat_encode_options");
_Static_assert(offsetof(carat_encode_options, struct_size) == 0, "carat_encode_options.struct_size");
_Static_assert(offsetof(carat_encode_options, parse_special) == 8, "carat_encode_options.parse_special");
_Static_assert(offsetof(carat_encode_options, add_bos) == 12, "carat_encode_options.add_bos");

_Static_assert(sizeof(carat_decode_options) == 16, "carat_decode_options");
_Static_assert(offsetof(carat_decode_options, struct_size) == 0, "carat_decode_options.struct_size");
_Static_assert(offsetof(carat_decode_options, skip_special) == 8, "carat_decode_options.skip_special");
_Static_assert(offsetof(carat_decode_options, reserved) == 12, "carat_decode_options.reserved");

_Static_assert(sizeof(carat_logit_bias) == 8, "carat_logit_bias");
_Static_assert(offsetof(carat_logit_bias, token) == 0, "carat_logit_bias.token");
_Static_assert(offsetof(carat_logit_bias, bias) == 4, "carat_logit_bias.bias");

_Static_assert(sizeof(carat_sampling_options) == 80, "carat_sampling_options");
_Static_assert(offsetof(carat_sampling_options, struct_size) == 0, "carat_sampling_options.struct_size");
_Static_assert(offsetof(carat_sampling_options, logit_bias) == 8, "carat_sampling_options.logit_bias");
_Static_assert(offsetof(carat_sampling_options, logit_bias_count) == 16,
               "carat_sampling_options.logit_bias_count");
_Static_assert(offsetof(carat_sampling_options, seed) == 24, "carat_sampling_options.seed");
_Static_assert(offsetof(carat_sampling_options, temperature) == 32, "carat_sampling_options.temperature");
_Static_assert(offsetof(carat_sampling_options, top_k) == 36, "carat_sampling_options.top_k");
_Static_assert(offsetof(carat_sampling_options, top_p) == 40, "carat_sampling_options.top_p");
_Static_assert(offsetof(carat_sampling_options, min_p) == 44, "carat_sampling_options.min_p");
_Static_assert(offsetof(carat_sampling_options, typical_p) == 48, "carat_sampling_options.typical_p");
_Static_assert(offsetof(carat_sampling_options, repetition_penalty) == 52,
               "carat_sampling_options.repetition_penalty");
_Static_assert(offsetof(carat_sampling_options, frequency_penalty) == 56,
               "carat_sampling_options.frequency_penalty");
_Static_assert(offsetof(carat_sampling_options, presence_penalty) == 60,
               "carat_sampling_options.presence_penalty");
_Static_assert(offsetof(carat_sampling_options, penalty_window) == 64,
               "carat_sampling_options.penalty_window");
_Static_assert(offsetof(carat_sampling_options, reserved) == 68, "carat_sampling_options.reserved");
_Static_assert(offsetof(carat_sampling_options, constraint) == 72, "carat_sampling_options.constraint");

_Static_assert(sizeof(carat_json_schema_options) == 24, "carat_json_schema_options");
_Static_assert(offsetof(carat_json_schema_options, struct_size) == 0,
               "carat_json_schema_options.struct_size");
_Static_assert(offsetof(carat_json_schema_options, max_whitespace) == 8,
               "carat_json_schema_options.max_whitespace");
_Static_assert(offsetof(carat_json_schema_options, reserved) == 12, "carat_json_schema_options.reserved");
_Static_assert(offsetof(carat_json_schema_options, closed_objects) == 16,
               "carat_json_schema_options.closed_objects");
_Static_assert(offsetof(carat_json_schema_options, reserved_2) == 20, "carat_json_schema_options.reserved_2");

_Static_assert(sizeof(carat_tool_grammar_options) == 16, "carat_tool_grammar_options");
_Static_assert(offsetof(carat_tool_grammar_options, struct_size) == 0,
               "carat_tool_grammar_options.struct_size");
_Static_assert(offsetof(carat_tool_grammar_options, whole_calls) == 8,
               "carat_tool_grammar_options.whole_calls");
_Static_assert(offsetof(carat_tool_grammar_options, closed_objects) == 12,
               "carat_tool_grammar_options.closed_objects");

_Static_assert(sizeof(carat_constraint_options) == 24, "carat_constraint_options");
_Static_assert(offsetof(carat_constraint_options, struct_size) == 0, "carat_constraint_options.struct_size");
_Static_assert(offsetof(carat_constraint_options, trigger) == 8, "carat_constraint_options.trigger");
_Static_assert(offsetof(carat_constraint_options, repeat) == 12, "carat_constraint_options.repeat");
_Static_assert(offsetof(carat_constraint_options, free_begin) == 16, "carat_constraint_options.free_begin");
_Static_assert(offsetof(carat_constraint_options, free_end) == 20, "carat_constraint_options.free_end");

_Static_assert(sizeof(carat_task_runner) == 40, "carat_task_runner");
_Static_assert(offsetof(carat_task_runner, struct_size) == 0, "carat_task_runner.struct_size");
_Static_assert(offsetof(carat_task_runner, user_data) == 8, "carat_task_runner.user_data");
_Static_assert(offsetof(carat_task_runner, concurrency) == 16, "carat_task_runner.concurrency");
_Static_assert(offsetof(carat_task_runner, run) == 24, "carat_task_runner.run");
_Static_assert(offsetof(carat_task_runner, release) == 32, "carat_task_runner.release");

_Static_assert(sizeof(carat_model_options) == 96, "carat_model_options");
_Static_assert(offsetof(carat_model_options, struct_size) == 0, "carat_model_options.struct_size");
_Static_assert(offsetof(carat_model_options, runner) == 8, "carat_model_options.runner");
_Static_assert(offsetof(carat_model_options, progress) == 16, "carat_model_options.progress");
_Static_assert(offsetof(carat_model_options, progress_user_data) == 24,
               "carat_model_options.progress_user_data");
_Static_assert(offsetof(carat_model_options, log) == 32, "carat_model_options.log");
_Static_assert(offsetof(carat_model_options, log_user_data) == 40, "carat_model_options.log_user_data");
_Static_assert(offsetof(carat_model_options, threads) == 48, "carat_model_options.threads");
_Static_assert(offsetof(carat_model_options, instruction_set) == 52, "carat_model_options.instruction_set");
_Static_assert(offsetof(carat_model_options, preload) == 56, "carat_model_options.preload");
_Static_assert(offsetof(carat_model_options, weight_type) == 60, "carat_model_options.weight_type");
_Static_assert(offsetof(carat_model_options, precision) == 64, "carat_model_options.precision");
_Static_assert(offsetof(carat_model_options, read_into_memory) == 68, "carat_model_options.read_into_memory");
_Static_assert(offsetof(carat_model_options, mmproj) == 72, "carat_model_options.mmproj");
_Static_assert(offsetof(carat_model_options, mmproj_size) == 80, "carat_model_options.mmproj_size");
_Static_assert(offsetof(carat_model_options, stream_prefetch_bytes) == 88,
               "carat_model_options.stream_prefetch_bytes");

_Static_assert(sizeof(carat_quantize_options) == 120, "carat_quantize_options");
_Static_assert(offsetof(carat_quantize_options, struct_size) == 0, "carat_quantize_options.struct_size");
_Static_assert(offsetof(carat_quantize_options, type) == 8, "carat_quantize_options.type");
_Static_assert(offsetof(carat_quantize_options, type_size) == 16, "carat_quantize_options.type_size");
_Static_assert(offsetof(carat_quantize_options, embeddings) == 24, "carat_quantize_options.embeddings");
_Static_assert(offsetof(carat_quantize_options, embeddings_size) == 32,
               "carat_quantize_options.embeddings_size");
_Static_assert(offsetof(carat_quantize_options, per_layer_embeddings) == 40,
               "carat_quantize_options.per_layer_embeddings");
_Static_assert(offsetof(carat_quantize_options, per_layer_embeddings_size) == 48,
               "carat_quantize_options.per_layer_embeddings_size");
_Static_assert(offsetof(carat_quantize_options, progress) == 56, "carat_quantize_options.progress");
_Static_assert(offsetof(carat_quantize_options, progress_user_data) == 64,
               "carat_quantize_options.progress_user_data");
_Static_assert(offsetof(carat_quantize_options, log) == 72, "carat_quantize_options.log");
_Static_assert(offsetof(carat_quantize_options, log_user_data) == 80, "carat_quantize_options.log_user_data");
_Static_assert(offsetof(carat_quantize_options, threads) == 88, "carat_quantize_options.threads");
_Static_assert(offsetof(carat_quantize_options, overwrite) == 92, "carat_quantize_options.overwrite");
_Static_assert(offsetof(carat_quantize_options, requantize) == 96, "carat_quantize_options.requantize");
_Static_assert(offsetof(carat_quantize_options, reserved) == 100, "carat_quantize_options.reserved");
_Static_assert(offsetof(carat_quantize_options, mmproj) == 104, "carat_quantize_options.mmproj");
_Static_assert(offsetof(carat_quantize_options, mmproj_size) == 112, "carat_quantize_options.mmproj_size");

_Static_assert(sizeof(carat_model_info) == 120, "carat_model_info");
_Static_assert(offsetof(carat_model_info, struct_size) == 0, "carat_model_info.struct_size");
_Static_assert(offsetof(carat_model_info, path) == 8, "carat_model_info.path");
_Static_assert(offsetof(carat_model_info, path_size) == 16, "carat_model_info.path_size");
_Static_assert(offsetof(carat_model_info, architecture) == 24, "carat_model_info.architecture");
_Static_assert(offsetof(carat_model_info, architecture_size) == 32, "carat_model_info.architecture_size");
_Static_assert(offsetof(carat_model_info, context_length) == 40, "carat_model_info.context_length");
_Static_assert(offsetof(carat_model_info, parameters) == 48, "carat_model_info.parameters");
_Static_assert(offsetof(carat_model_info, layers) == 56, "carat_model_info.layers");
_Static_assert(offsetof(carat_model_info, kv_shared_layers) == 60, "carat_model_info.kv_shared_layers");
_Static_assert(offsetof(carat_model_info, hidden_size) == 64, "carat_model_info.hidden_size");
_Static_assert(offsetof(carat_model_info, vocabulary_size) == 68, "carat_model_info.vocabulary_size");
_Static_assert(offsetof(carat_model_info, sliding_window) == 72, "carat_model_info.sliding_window");
_Static_assert(offsetof(carat_model_info, experts) == 76, "carat_model_info.experts");
_Static_assert(offsetof(carat_model_info, experts_per_token) == 80, "carat_model_info.experts_per_token");
_Static_assert(offsetof(carat_model_info, has_vision) == 84, "carat_model_info.has_vision");
_Static_assert(offsetof(carat_model_info, has_audio) == 88, "carat_model_info.has_audio");
_Static_assert(offsetof(carat_model_info, integer_weights) == 92, "carat_model_info.integer_weights");
_Static_assert(offsetof(carat_model_info, bytes_per_token) == 96, "carat_model_info.bytes_per_token");
_Static_assert(offsetof(carat_model_info, operations_per_prompt_token) == 104,
               "carat_model_info.operations_per_prompt_token");
_Static_assert(offsetof(carat_model_info, stream_prefetch_bytes) == 112,
               "carat_model_info.stream_prefetch_bytes");

_Static_assert(sizeof(carat_tensor_info) == 80, "carat_tensor_info");
_Static_assert(offsetof(carat_tensor_info, struct_size) == 0, "carat_tensor_info.struct_size");
_Static_assert(offsetof(carat_tensor_info, name) == 8, "carat_tensor_info.name");
_Static_assert(offsetof(carat_tensor_info, name_size) == 16, "carat_tensor_info.name_size");
_Static_assert(offsetof(carat_tensor_info, format) == 24, "carat_tensor_info.format");
_Static_assert(offsetof(carat_tensor_info, format_size) == 32, "carat_tensor_info.format_size");
_Static_assert(offsetof(carat_tensor_info, file) == 40, "carat_tensor_info.file");
_Static_assert(offsetof(carat_tensor_info, file_size) == 48, "carat_tensor_info.file_size");
_Static_assert(offsetof(carat_tensor_info, shape) == 56, "carat_tensor_info.shape");
_Static_assert(offsetof(carat_tensor_info, rank) == 64, "carat_tensor_info.rank");
_Static_assert(offsetof(carat_tensor_info, bytes) == 72, "carat_tensor_info.bytes");

_Static_assert(sizeof(carat_session_options) == 24, "carat_session_options");
_Static_assert(offsetof(carat_session_options, struct_size) == 0, "carat_session_options.struct_size");
_Static_assert(offsetof(carat_session_options, context_size) == 8, "carat_session_options.context_size");
_Static_assert(offsetof(carat_session_options, kv_type) == 16, "carat_session_options.kv_type");
_Static_assert(offsetof(carat_session_options, prompt_chunk) == 20, "carat_session_options.prompt_chunk");

_Static_assert(sizeof(carat_memory_needs) == 56, "carat_memory_needs");
_Static_assert(offsetof(carat_memory_needs, struct_size) == 0, "carat_memory_needs.struct_size");
_Static_assert(offsetof(carat_memory_needs, weights_touched) == 8, "carat_memory_needs.weights_touched");
_Static_assert(offsetof(carat_memory_needs, weights_looked_up) == 16, "carat_memory_needs.weights_looked_up");
_Static_assert(offsetof(carat_memory_needs, kv_sliding) == 24, "carat_memory_needs.kv_sliding");
_Static_assert(offsetof(carat_memory_needs, kv_full_per_position) == 32,
               "carat_memory_needs.kv_full_per_position");
_Static_assert(offsetof(carat_memory_needs, kv_full) == 40, "carat_memory_needs.kv_full");
_Static_assert(offsetof(carat_memory_needs, workspace) == 48, "carat_memory_needs.workspace");

_Static_assert(sizeof(carat_candidate) == 8, "carat_candidate");
_Static_assert(offsetof(carat_candidate, token) == 0, "carat_candidate.token");
_Static_assert(offsetof(carat_candidate, logit) == 4, "carat_candidate.logit");

_Static_assert(sizeof(carat_sampler_functions) == 64, "carat_sampler_functions");
_Static_assert(offsetof(carat_sampler_functions, struct_size) == 0, "carat_sampler_functions.struct_size");
_Static_assert(offsetof(carat_sampler_functions, name) == 8, "carat_sampler_functions.name");
_Static_assert(offsetof(carat_sampler_functions, name_size) == 16, "carat_sampler_functions.name_size");
_Static_assert(offsetof(carat_sampler_functions, apply) == 24, "carat_sampler_functions.apply");
_Static_assert(offsetof(carat_sampler_functions, accept) == 32, "carat_sampler_functions.accept");
_Static_assert(offsetof(carat_sampler_functions, reset) == 40, "carat_sampler_functions.reset");
_Static_assert(offsetof(carat_sampler_functions, clone) == 48, "carat_sampler_functions.clone");
_Static_assert(offsetof(carat_sampler_functions, release) == 56, "carat_sampler_functions.release");

_Static_assert(sizeof(carat_prefill_options) == 64, "carat_prefill_options");
_Static_assert(offsetof(carat_prefill_options, struct_size) == 0, "carat_prefill_options.struct_size");
_Static_assert(offsetof(carat_prefill_options, positions) == 8, "carat_prefill_options.positions");
_Static_assert(offsetof(carat_prefill_options, position_count) == 16, "carat_prefill_options.position_count");
_Static_assert(offsetof(carat_prefill_options, progress) == 24, "carat_prefill_options.progress");
_Static_assert(offsetof(carat_prefill_options, progress_user_data) == 32,
               "carat_prefill_options.progress_user_data");
_Static_assert(offsetof(carat_prefill_options, hidden_states) == 40, "carat_prefill_options.hidden_states");
_Static_assert(offsetof(carat_prefill_options, hidden_states_user_data) == 48,
               "carat_prefill_options.hidden_states_user_data");
_Static_assert(offsetof(carat_prefill_options, logits) == 56, "carat_prefill_options.logits");
_Static_assert(offsetof(carat_prefill_options, reserved) == 60, "carat_prefill_options.reserved");

_Static_assert(sizeof(carat_rewind_result) == 24, "carat_rewind_result");
_Static_assert(offsetof(carat_rewind_result, struct_size) == 0, "carat_rewind_result.struct_size");
_Static_assert(offsetof(carat_rewind_result, position) == 8, "carat_rewind_result.position");
_Static_assert(offsetof(carat_rewind_result, kept) == 16, "carat_rewind_result.kept");

_Static_assert(sizeof(carat_generation_options) == 96, "carat_generation_options");
_Static_assert(offsetof(carat_generation_options, struct_size) == 0, "carat_generation_options.struct_size");
_Static_assert(offsetof(carat_generation_options, max_new_tokens) == 8,
               "carat_generation_options.max_new_tokens");
_Static_assert(offsetof(carat_generation_options, sampling) == 16, "carat_generation_options.sampling");
_Static_assert(offsetof(carat_generation_options, chain) == 24, "carat_generation_options.chain");
_Static_assert(offsetof(carat_generation_options, stop_tokens) == 32, "carat_generation_options.stop_tokens");
_Static_assert(offsetof(carat_generation_options, stop_token_count) == 40,
               "carat_generation_options.stop_token_count");
_Static_assert(offsetof(carat_generation_options, stop_strings) == 48,
               "carat_generation_options.stop_strings");
_Static_assert(offsetof(carat_generation_options, stop_string_count) == 56,
               "carat_generation_options.stop_string_count");
_Static_assert(offsetof(carat_generation_options, prompt_progress) == 64,
               "carat_generation_options.prompt_progress");
_Static_assert(offsetof(carat_generation_options, prompt_progress_user_data) == 72,
               "carat_generation_options.prompt_progress_user_data");
_Static_assert(offsetof(carat_generation_options, stop_at_model_stop_tokens) == 80,
               "carat_generation_options.stop_at_model_stop_tokens");
_Static_assert(offsetof(carat_generation_options, top_logprobs) == 84,
               "carat_generation_options.top_logprobs");
_Static_assert(offsetof(carat_generation_options, show_special) == 88,
               "carat_generation_options.show_special");
_Static_assert(offsetof(carat_generation_options, reserved) == 92, "carat_generation_options.reserved");

_Static_assert(sizeof(carat_token_logprob) == 8, "carat_token_logprob");
_Static_assert(offsetof(carat_token_logprob, token) == 0, "carat_token_logprob.token");
_Static_assert(offsetof(carat_token_logprob, logprob) == 4, "carat_token_logprob.logprob");

_Static_assert(sizeof(carat_generation_step) == 56, "carat_generation_step");
_Static_assert(offsetof(carat_generation_step, struct_size) == 0, "carat_generation_step.struct_size");
_Static_assert(offsetof(carat_generation_step, text) == 8, "carat_generation_step.text");
_Static_assert(offsetof(carat_generation_step, text_size) == 16, "carat_generation_step.text_size");
_Static_assert(offsetof(carat_generation_step, top) == 24, "carat_generation_step.top");
_Static_assert(offsetof(carat_generation_step, top_count) == 32, "carat_generation_step.top_count");
_Static_assert(offsetof(carat_generation_step, token) == 40, "carat_generation_step.token");
_Static_assert(offsetof(carat_generation_step, logprob) == 44, "carat_generation_step.logprob");
_Static_assert(offsetof(carat_generation_step, stop) == 48, "carat_generation_step.stop");
_Static_assert(offsetof(carat_generation_step, reserved) == 52, "carat_generation_step.reserved");

_Static_assert(sizeof(carat_generation_stats) == 40, "carat_generation_stats");
_Static_assert(offsetof(carat_generation_stats, struct_size) == 0, "carat_generation_stats.struct_size");
_Static_assert(offsetof(carat_generation_stats, prompt_tokens) == 8, "carat_generation_stats.prompt_tokens");
_Static_assert(offsetof(carat_generation_stats, generated_tokens) == 16,
               "carat_generation_stats.generated_tokens");
_Static_assert(offsetof(carat_generation_stats, prompt_seconds) == 24,
               "carat_generation_stats.prompt_seconds");
_Static_assert(offsetof(carat_generation_stats, generation_seconds) == 32,
               "carat_generation_stats.generation_seconds");

_Static_assert(sizeof(carat_media_options) == 32, "carat_media_options");
_Static_assert(offsetof(carat_media_options, struct_size) == 0, "carat_media_options.struct_size");
_Static_assert(offsetof(carat_media_options, cancel) == 8, "carat_media_options.cancel");
_Static_assert(offsetof(carat_media_options, trace) == 16, "carat_media_options.trace");
_Static_assert(offsetof(carat_media_options, budget) == 24, "carat_media_options.budget");
_Static_assert(offsetof(carat_media_options, precision) == 28, "carat_media_options.precision");

_Static_assert(sizeof(carat_video_frame) == 32, "carat_video_frame");
_Static_assert(offsetof(carat_video_frame, pixels) == 0, "carat_video_frame.pixels");
_Static_assert(offsetof(carat_video_frame, stride) == 8, "carat_video_frame.stride");
_Static_assert(offsetof(carat_video_frame, seconds) == 16, "carat_video_frame.seconds");
_Static_assert(offsetof(carat_video_frame, width) == 24, "carat_video_frame.width");
_Static_assert(offsetof(carat_video_frame, height) == 28, "carat_video_frame.height");

_Static_assert(sizeof(carat_chat_options) == 48, "carat_chat_options");
_Static_assert(offsetof(carat_chat_options, struct_size) == 0, "carat_chat_options.struct_size");
_Static_assert(offsetof(carat_chat_options, tools) == 8, "carat_chat_options.tools");
_Static_assert(offsetof(carat_chat_options, tools_size) == 16, "carat_chat_options.tools_size");
_Static_assert(offsetof(carat_chat_options, form) == 24, "carat_chat_options.form");
_Static_assert(offsetof(carat_chat_options, thinking) == 28, "carat_chat_options.thinking");
_Static_assert(offsetof(carat_chat_options, preserve_thinking) == 32, "carat_chat_options.preserve_thinking");
_Static_assert(offsetof(carat_chat_options, no_generation_prompt) == 36,
               "carat_chat_options.no_generation_prompt");
_Static_assert(offsetof(carat_chat_options, continue_last) == 40, "carat_chat_options.continue_last");
_Static_assert(offsetof(carat_chat_options, parse_special) == 44, "carat_chat_options.parse_special");

_Static_assert(sizeof(carat_reply_event) == 104, "carat_reply_event");
_Static_assert(offsetof(carat_reply_event, struct_size) == 0, "carat_reply_event.struct_size");
_Static_assert(offsetof(carat_reply_event, text) == 8, "carat_reply_event.text");
_Static_assert(offsetof(carat_reply_event, text_size) == 16, "carat_reply_event.text_size");
_Static_assert(offsetof(carat_reply_event, call_id) == 24, "carat_reply_event.call_id");
_Static_assert(offsetof(carat_reply_event, call_id_size) == 32, "carat_reply_event.call_id_size");
_Static_assert(offsetof(carat_reply_event, call_name) == 40, "carat_reply_event.call_name");
_Static_assert(offsetof(carat_reply_event, call_name_size) == 48, "carat_reply_event.call_name_size");
_Static_assert(offsetof(carat_reply_event, call_arguments) == 56, "carat_reply_event.call_arguments");
_Static_assert(offsetof(carat_reply_event, call_arguments_size) == 64,
               "carat_reply_event.call_arguments_size");
_Static_assert(offsetof(carat_reply_event, problem) == 72, "carat_reply_event.problem");
_Static_assert(offsetof(carat_reply_event, problem_size) == 80, "carat_reply_event.problem_size");
_Static_assert(offsetof(carat_reply_event, kind) == 88, "carat_reply_event.kind");
_Static_assert(offsetof(carat_reply_event, index) == 92, "carat_reply_event.index");
_Static_assert(offsetof(carat_reply_event, end) == 96, "carat_reply_event.end");
_Static_assert(offsetof(carat_reply_event, reserved) == 100, "carat_reply_event.reserved");

_Static_assert(sizeof(carat_reply_options) == 128, "carat_reply_options");
_Static_assert(offsetof(carat_reply_options, struct_size) == 0, "carat_reply_options.struct_size");
_Static_assert(offsetof(carat_reply_options, max_new_tokens) == 8, "carat_reply_options.max_new_tokens");
_Static_assert(offsetof(carat_reply_options, thinking_budget) == 16, "carat_reply_options.thinking_budget");
_Static_assert(offsetof(carat_reply_options, sampling) == 24, "carat_reply_options.sampling");
_Static_assert(offsetof(carat_reply_options, constraint) == 32, "carat_reply_options.constraint");
_Static_assert(offsetof(carat_reply_options, stop_strings) == 40, "carat_reply_options.stop_strings");
_Static_assert(offsetof(carat_reply_options, stop_string_count) == 48,
               "carat_reply_options.stop_string_count");
_Static_assert(offsetof(carat_reply_options, prompt_progress) == 56, "carat_reply_options.prompt_progress");
_Static_assert(offsetof(carat_reply_options, prompt_progress_user_data) == 64,
               "carat_reply_options.prompt_progress_user_data");
_Static_assert(offsetof(carat_reply_options, loop_tokens) == 72, "carat_reply_options.loop_tokens");
_Static_assert(offsetof(carat_reply_options, continue_last) == 76, "carat_reply_options.continue_last");
_Static_assert(offsetof(carat_reply_options, answer) == 80, "carat_reply_options.answer");
_Static_assert(offsetof(carat_reply_options, tool_name) == 88, "carat_reply_options.tool_name");
_Static_assert(offsetof(carat_reply_options, tool_name_size) == 96, "carat_reply_options.tool_name_size");
_Static_assert(offsetof(carat_reply_options, tool_choice) == 104, "carat_reply_options.tool_choice");
_Static_assert(offsetof(carat_reply_options, single_tool_call) == 108,
               "carat_reply_options.single_tool_call");
_Static_assert(offsetof(carat_reply_options, free_tool_calls) == 112, "carat_reply_options.free_tool_calls");
_Static_assert(offsetof(carat_reply_options, reserved) == 116, "carat_reply_options.reserved");
_Static_assert(offsetof(carat_reply_options, closed_objects) == 120, "carat_reply_options.closed_objects");
_Static_assert(offsetof(carat_reply_options, reserved_2) == 124, "carat_reply_options.reserved_2");

_Static_assert(sizeof(carat_reply_stats) == 56, "carat_reply_stats");
_Static_assert(offsetof(carat_reply_stats, struct_size) == 0, "carat_reply_stats.struct_size");
_Static_assert(offsetof(carat_reply_stats, prompt_tokens) == 8, "carat_reply_stats.prompt_tokens");
_Static_assert(offsetof(carat_reply_stats, reused_tokens) == 16, "carat_reply_stats.reused_tokens");
_Static_assert(offsetof(carat_reply_stats, generated_tokens) == 24, "carat_reply_stats.generated_tokens");
_Static_assert(offsetof(carat_reply_stats, thought_tokens) == 32, "carat_reply_stats.thought_tokens");
_Static_assert(offsetof(carat_reply_stats, prompt_seconds) == 40, "carat_reply_stats.prompt_seconds");
_Static_assert(offsetof(carat_reply_stats, generation_seconds) == 48, "carat_reply_stats.generation_seconds");
#endif

_Static_assert(sizeof(carat_status) == 4, "carat_status");
_Static_assert(CARAT_OK == 0, "CARAT_OK");
_Static_assert(CARAT_CANCELLED == 1, "CARAT_CANCELLED");
_Static_assert(CARAT_UNKNOWN == 2, "CARAT_UNKNOWN");
_Static_assert(CARAT_INVALID_ARGUMENT == 3, "CARAT_INVALID_ARGUMENT");
_Static_assert(CARAT_DEADLINE_EXCEEDED == 4, "CARAT_DEADLINE_EXCEEDED");
_Static_assert(CARAT_NOT_FOUND == 5, "CARAT_NOT_FOUND");
_Static_assert(CARAT_ALREADY_EXISTS == 6, "CARAT_ALREADY_EXISTS");
_Static_assert(CARAT_PERMISSION_DENIED == 7, "CARAT_PERMISSION_DENIED");
_Static_assert(CARAT_RESOURCE_EXHAUSTED == 8, "CARAT_RESOURCE_EXHAUSTED");
_Static_assert(CARAT_FAILED_PRECONDITION == 9, "CARAT_FAILED_PRECONDITION");
_Static_assert(CARAT_ABORTED == 10, "CARAT_ABORTED");
_Static_assert(CARAT_OUT_OF_RANGE == 11, "CARAT_OUT_OF_RANGE");
_Static_assert(CARAT_UNIMPLEMENTED == 12, "CARAT_UNIMPLEMENTED");
_Static_assert(CARAT_INTERNAL == 13, "CARAT_INTERNAL");
_Static_assert(CARAT_UNAVAILABLE == 14, "CARAT_UNAVAILABLE");
_Static_assert(CARAT_DATA_LOSS == 15, "CARAT_DATA_LOSS");
_Static_assert(CARAT_UNAUTHENTICATED == 16, "CARAT_UNAUTHENTICATED");

_Static_assert(sizeof(carat_log_severity) == 4, "carat_log_severity");
_Static_assert(CARAT_LOG_INFO == 0, "CARAT_LOG_INFO");
_Static_assert(CARAT_LOG_WARNING == 1, "CARAT_LOG_WARNING");

_Static_assert(sizeof(carat_instruction_set) == 4, "carat_instruction_set");
_Static_assert(CARAT_WEIGHTS_AS_STORED == 0, "CARAT_WEIGHTS_AS_STORED");
_Static_assert(CARAT_WEIGHTS_INT8 == 1, "CARAT_WEIGHTS_INT8");
_Static_assert(CARAT_WEIGHTS_INT4 == 2, "CARAT_WEIGHTS_INT4");
_Static_assert(CARAT_PRECISION_AUTO == 0, "CARAT_PRECISION_AUTO");
_Static_assert(CARAT_PRECISION_FLOAT32 == 1, "CARAT_PRECISION_FLOAT32");
_Static_assert(CARAT_PRECISION_BFLOAT16 == 2, "CARAT_PRECISION_BFLOAT16");
_Static_assert(CARAT_INSTRUCTION_SET_AUTO == 0, "CARAT_INSTRUCTION_SET_AUTO");
_Static_assert(CARAT_INSTRUCTION_SET_PLAIN == 1, "CARAT_INSTRUCTION_SET_PLAIN");
_Static_assert(CARAT_INSTRUCTION_SET_AVX2 == 2, "CARAT_INSTRUCTION_SET_AVX2");
_Static_assert(CARAT_INSTRUCTION_SET_AVX512 == 3, "CARAT_INSTRUCTION_SET_AVX512");
_Static_assert(CARAT_INSTRUCTION_SET_AVX512_VNNI == 4, "CARAT_INSTRUCTION_SET_AVX512_VNNI");
_Static_assert(CARAT_INSTRUCTION_SET_AVX512_BF16 == 5, "CARAT_INSTRUCTION_SET_AVX512_BF16");
_Static_assert(CARAT_INSTRUCTION_SET_AVX512_AMX == 6, "CARAT_INSTRUCTION_SET_AVX512_AMX");
_Static_assert(CARAT_INSTRUCTION_SET_NEON == 7, "CARAT_INSTRUCTION_SET_NEON");
_Static_assert(CARAT_INSTRUCTION_SET_NEON_DOT == 8, "CARAT_INSTRUCTION_SET_NEON_DOT");
_Static_assert(CARAT_INSTRUCTION_SET_AVX2_VNNI == 9, "CARAT_INSTRUCTION_SET_AVX2_VNNI");
_Static_assert(CARAT_INSTRUCTION_SET_NEON_I8MM == 10, "CARAT_INSTRUCTION_SET_NEON_I8MM");

_Static_assert(sizeof(carat_kv_type) == 4, "carat_kv_type");
_Static_assert(CARAT_KV_AUTO == 0, "CARAT_KV_AUTO");
_Static_assert(CARAT_KV_FLOAT32 == 1, "CARAT_KV_FLOAT32");
_Static_assert(CARAT_KV_BFLOAT16 == 2, "CARAT_KV_BFLOAT16");
_Static_assert(CARAT_KV_INT16 == 3, "CARAT_KV_INT16");
_Static_assert(CARAT_KV_INT8 == 4, "CARAT_KV_INT8");

_Static_assert(sizeof(carat_token_origin) == 4, "carat_token_origin");
_Static_assert(CARAT_TOKEN_PROMPT == 0, "CARAT_TOKEN_PROMPT");
_Static_assert(CARAT_TOKEN_GENERATED == 1, "CARAT_TOKEN_GENERATED");

_Static_assert(sizeof(carat_wanted_logits) == 4, "carat_wanted_logits");
_Static_assert(CARAT_LOGITS_LAST == 0, "CARAT_LOGITS_LAST");
_Static_assert(CARAT_LOGITS_NONE == 1, "CARAT_LOGITS_NONE");
_Static_assert(CARAT_LOGITS_ALL == 2, "CARAT_LOGITS_ALL");
_Static_assert(CARAT_LOGITS_LISTED == 3, "CARAT_LOGITS_LISTED");

_Static_assert(sizeof(carat_stop_reason) == 4, "carat_stop_reason");
_Static_assert(CARAT_STOP_NONE == 0, "CARAT_STOP_NONE");
_Static_assert(CARAT_STOP_TOKEN == 1, "CARAT_STOP_TOKEN");
_Static_assert(CARAT_STOP_STRING == 2, "CARAT_STOP_STRING");
_Static_assert(CARAT_STOP_MAX_TOKENS == 3, "CARAT_STOP_MAX_TOKENS");
_Static_assert(CARAT_STOP_CONTEXT_FULL == 4, "CARAT_STOP_CONTEXT_FULL");
_Static_assert(CARAT_STOP_CANCELLED == 5, "CARAT_STOP_CANCELLED");

_Static_assert(CARAT_ABI_VERSION == 0, "CARAT_ABI_VERSION");
_Static_assert(sizeof(int) == sizeof(int32_t), "enumerators are as wide as the enums");

_Static_assert(CARAT_MEDIA_IMAGE == 1 && CARAT_MEDIA_VIDEO == 2 && CARAT_MEDIA_AUDIO == 3,
               "carat_media_kind");
_Static_assert(CARAT_TOWER_AUTO == 0 && CARAT_TOWER_FLOAT32 == 1, "carat_tower_precision");

_Static_assert(sizeof(carat_chat_form) == 4, "carat_chat_form");
_Static_assert(CARAT_CHAT_FORM_AUTO == 0, "CARAT_CHAT_FORM_AUTO");
_Static_assert(CARAT_CHAT_FORM_SMALL == 1, "CARAT_CHAT_FORM_SMALL");
_Static_assert(CARAT_CHAT_FORM_LARGE == 2, "CARAT_CHAT_FORM_LARGE");

_Static_assert(sizeof(carat_reply_event_kind) == 4, "carat_reply_event_kind");
_Static_assert(CARAT_REPLY_THOUGHT == 1, "CARAT_REPLY_THOUGHT");
_Static_assert(CARAT_REPLY_ANSWER == 2, "CARAT_REPLY_ANSWER");
_Static_assert(CARAT_REPLY_TOOL_CALL_BEGIN == 3, "CARAT_REPLY_TOOL_CALL_BEGIN");
_Static_assert(CARAT_REPLY_TOOL_CALL_NAME == 4, "CARAT_REPLY_TOOL_CALL_NAME");
_Static_assert(CARAT_REPLY_TOOL_CALL_ARGUMENTS == 5, "CARAT_REPLY_TOOL_CALL_ARGUMENTS");
_Static_assert(CARAT_REPLY_TOOL_CALL == 6, "CARAT_REPLY_TOOL_CALL");
_Static_assert(CARAT_REPLY_MALFORMED_TOOL_CALL == 7, "CARAT_REPLY_MALFORMED_TOOL_CALL");
_Static_assert(CARAT_REPLY_DONE == 8, "CARAT_REPLY_DONE");

_Static_assert(sizeof(carat_tool_choice) == 4, "carat_tool_choice");
_Static_assert(CARAT_TOOL_CHOICE_AUTO == 0, "CARAT_TOOL_CHOICE_AUTO");
_Static_assert(CARAT_TOOL_CHOICE_NONE == 1, "CARAT_TOOL_CHOICE_NONE");
_Static_assert(CARAT_TOOL_CHOICE_REQUIRED == 2, "CARAT_TOOL_CHOICE_REQUIRED");

_Static_assert(sizeof(carat_reply_end) == 4, "carat_reply_end");
_Static_assert(CARAT_REPLY_RUNNING == 0, "CARAT_REPLY_RUNNING");
_Static_assert(CARAT_REPLY_STOP == 1, "CARAT_REPLY_STOP");
_Static_assert(CARAT_REPLY_TOOL_CALLS == 2, "CARAT_REPLY_TOOL_CALLS");
_Static_assert(CARAT_REPLY_LIMIT == 3, "CARAT_REPLY_LIMIT");
_Static_assert(CARAT_REPLY_CONTEXT_FULL == 4, "CARAT_REPLY_CONTEXT_FULL");
_Static_assert(CARAT_REPLY_CANCELLED == 5, "CARAT_REPLY_CANCELLED");
_Static_assert(CARAT_REPLY_LOOP == 6, "CARAT_REPLY_LOOP");

int main(void) {
  return carat_abi_version() == CARAT_ABI_VERSION ? 0 : 1;
}
