// The session.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "capi/call.h"
#include "capi/carat.h"
#include "capi/handles.h"
#include "capi/options.h"
#include "capi/sized_struct.h"
#include "carat/session.h"

using carat::PrefillOptions;
using carat::Result;
using carat::RewindResult;
using carat::Session;
using carat::SessionOptions;
using carat::Status;
using carat::WantedLogits;
using carat::capi::ArrayOf;
using carat::capi::Call;
using carat::capi::CheckStruct;
using carat::capi::DefaultsOf;
using carat::capi::FillStruct;
using carat::capi::InitStruct;
using carat::capi::IsEnumValue;
using carat::capi::ReadOptions;
using carat::capi::SharedSession;
using carat::capi::Turn;

namespace {

carat_session* NewSessionHandle(Session session) {
  return new carat_session{std::make_shared<SharedSession>(std::move(session))};
}

Result<PrefillOptions> ToPrefillOptions(const carat_prefill_options* given) {
  CARAT_ASSIGN_OR_RETURN(const carat_prefill_options read, ReadOptions(given, "carat_prefill_options"));
  CARAT_RETURN_IF_ERROR(IsEnumValue(read.logits, CARAT_LOGITS_LISTED, "carat_prefill_options.logits"));
  CARAT_ASSIGN_OR_RETURN(const std::span<const std::int64_t> positions,
                         ArrayOf(read.positions, read.position_count, "carat_prefill_options.positions"));
  PrefillOptions options;
  options.logits = static_cast<WantedLogits>(read.logits);
  options.positions.assign(positions.begin(), positions.end());
  options.progress = carat::capi::ToProgress(read.progress, read.progress_user_data);
  if (read.hidden_states != nullptr) {
    options.hidden_states = [callback = read.hidden_states, user_data = read.hidden_states_user_data](
                                std::int32_t layer, std::int64_t first_position, std::int64_t count,
                                std::span<const float> states) {
      if (count < 1) return;
      const std::size_t hidden_size = states.size() / static_cast<std::size_t>(count);
      callback(user_data, layer, first_position, count, states.data(), hidden_size);
    };
  }
  return options;
}

// Runs `body(session)` with the session kept alive and to itself.
template <typename Body>
Status WithSession(const carat_session* session, Body&& body) {
  CARAT_RETURN_IF_NULL(session);
  const std::shared_ptr<SharedSession> core = session->core;
  const Turn turn(core->busy, "session");
  CARAT_RETURN_IF_ERROR(turn.status());
  return body(core->value);
}

// The same for calls that change the session.
template <typename Body>
Status ChangeSession(const carat_session* session, Body&& body) {
  CARAT_RETURN_IF_NULL(session);
  CARAT_RETURN_IF_ERROR(session->core->NoGeneration());
  return WithSession(session, std::forward<Body>(body));
}

}  // namespace

carat_status carat_session_options_init(carat_session_options* options, size_t struct_size) {
  return InitStruct(options, struct_size);
}

carat_status carat_prefill_options_init(carat_prefill_options* options, size_t struct_size) {
  return InitStruct(options, struct_size);
}

carat_status carat_rewind_result_init(carat_rewind_result* result, size_t struct_size) {
  return InitStruct(result, struct_size);
}

carat_status carat_session_new(const carat_model* model, const carat_session_options* options,
                               carat_session** session, carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_CLEAR_OUTPUT(session);
    CARAT_RETURN_IF_NULL(model);
    CARAT_ASSIGN_OR_RETURN(const SessionOptions how, carat::capi::ToSessionOptions(options));
    CARAT_ASSIGN_OR_RETURN(Session made, Session::Create(model->value, how));
    *session = NewSessionHandle(std::move(made));
    return {};
  });
}

void carat_session_free(carat_session* session) {
  delete session;
}

carat_status carat_session_prefill(carat_session* session, const int32_t* tokens, size_t token_count,
                                   const carat_prefill_options* options, carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_ASSIGN_OR_RETURN(const std::span<const int32_t> ids, ArrayOf(tokens, token_count, "tokens"));
    CARAT_ASSIGN_OR_RETURN(const PrefillOptions how, ToPrefillOptions(options));
    return ChangeSession(session, [&](Session& inside) { return inside.Prefill(ids, how); });
  });
}

carat_status carat_session_prefill_prompt(carat_session* session, const carat_prompt* prompt,
                                          const carat_prefill_options* options, carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_RETURN_IF_NULL(prompt);
    CARAT_ASSIGN_OR_RETURN(const PrefillOptions how, ToPrefillOptions(options));
    return ChangeSession(session, [&](Session& inside) { return inside.Prefill(prompt->value, how); });
  });
}

carat_status carat_session_decode(carat_session* session, int32_t token, carat_error* error) {
  return Call(error, [&]() -> Status {
    return ChangeSession(session, [&](Session& inside) { return inside.Decode(token); });
  });
}

size_t carat_session_logits_count(const carat_session* session) {
  return session == nullptr ? 0 : session->core->value.logits_count();
}

carat_status carat_session_logits(const carat_session* session, size_t index, const float** logits,
                                  size_t* size, carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_CLEAR_OUTPUT(logits);
    CARAT_RETURN_IF_NULL(session);
    CARAT_ASSIGN_OR_RETURN(const std::span<const float> values, session->core->value.Logits(index));
    *logits = values.data();
    if (size != nullptr) *size = values.size();
    return {};
  });
}

carat_status carat_session_last_logits(const carat_session* session, const float** logits, size_t* size,
                                       carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_CLEAR_OUTPUT(logits);
    CARAT_RETURN_IF_NULL(session);
    CARAT_ASSIGN_OR_RETURN(const std::span<const float> values, session->core->value.LastLogits());
    *logits = values.data();
    if (size != nullptr) *size = values.size();
    return {};
  });
}

carat_status carat_session_rewind(carat_session* session, int64_t position, carat_rewind_result* result,
                                  carat_error* error) {
  return Call(error, [&]() -> Status {
    if (result != nullptr) CARAT_RETURN_IF_ERROR(CheckStruct(result, "carat_rewind_result"));
    return ChangeSession(session, [&](Session& inside) -> Status {
      CARAT_ASSIGN_OR_RETURN(const RewindResult rewound, inside.Rewind(position));
      if (result == nullptr) return {};
      carat_rewind_result filled = DefaultsOf<carat_rewind_result>();
      filled.position = rewound.position;
      filled.kept = rewound.kept;
      FillStruct(result, filled);
      return {};
    });
  });
}

carat_status carat_session_mark(carat_session* session, carat_error* error) {
  return Call(error, [&] { return ChangeSession(session, [](Session& inside) { return inside.Mark(); }); });
}

carat_status carat_session_clone(const carat_session* session, carat_session** clone, carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_CLEAR_OUTPUT(clone);
    return WithSession(session, [&](const Session& inside) -> Status {
      CARAT_ASSIGN_OR_RETURN(Session copy, inside.Clone());
      *clone = NewSessionHandle(std::move(copy));
      return {};
    });
  });
}

int64_t carat_session_position(const carat_session* session) {
  return session == nullptr ? 0 : session->core->value.position();
}

int64_t carat_session_context_size(const carat_session* session) {
  return session == nullptr ? 0 : session->core->value.context_size();
}

const int32_t* carat_session_tokens(const carat_session* session) {
  return session == nullptr ? nullptr : session->core->value.tokens().data();
}

carat_kv_type carat_session_kv_type(const carat_session* session) {
  return session == nullptr ? CARAT_KV_AUTO : static_cast<carat_kv_type>(session->core->value.kv_type());
}

int32_t carat_session_prompt_chunk(const carat_session* session) {
  return session == nullptr ? 0 : session->core->value.prompt_chunk();
}

uint64_t carat_session_memory_bytes(const carat_session* session) {
  return session == nullptr ? 0 : session->core->value.memory_bytes();
}

carat_status carat_session_model(const carat_session* session, carat_model** model, carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_CLEAR_OUTPUT(model);
    CARAT_RETURN_IF_NULL(session);
    CARAT_ASSIGN_OR_RETURN(*model, carat::capi::NewModelHandle(session->core->value.model()));
    return {};
  });
}

void carat_session_cancel(carat_session* session) {
  if (session != nullptr) session->core->value.Cancel();
}

void carat_session_clear_cancel(carat_session* session) {
  if (session != nullptr) session->core->value.ClearCancel();
}
