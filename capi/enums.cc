// The numbers of carat.h are those of include/carat. Nothing but assertions.
#include "capi/carat.h"
#include "carat/all.h"

namespace {

template <typename T>
constexpr bool Same(int number, T value) {
  return number == static_cast<int>(value);
}

using carat::ChatForm;
using carat::InstructionSet;
using carat::KvType;
using carat::LogSeverity;
using carat::Precision;
using carat::ReplyEnd;
using carat::ReplyEventKind;
using carat::StatusCode;
using carat::StopReason;
using carat::TokenOrigin;
using carat::WantedLogits;
using carat::WeightType;

static_assert(Same(CARAT_OK, StatusCode::kOk));
static_assert(Same(CARAT_CANCELLED, StatusCode::kCancelled));
static_assert(Same(CARAT_UNKNOWN, StatusCode::kUnknown));
static_assert(Same(CARAT_INVALID_ARGUMENT, StatusCode::kInvalidArgument));
static_assert(Same(CARAT_DEADLINE_EXCEEDED, StatusCode::kDeadlineExceeded));
static_assert(Same(CARAT_NOT_FOUND, StatusCode::kNotFound));
static_assert(Same(CARAT_ALREADY_EXISTS, StatusCode::kAlreadyExists));
static_assert(Same(CARAT_PERMISSION_DENIED, StatusCode::kPermissionDenied));
static_assert(Same(CARAT_RESOURCE_EXHAUSTED, StatusCode::kResourceExhausted));
static_assert(Same(CARAT_FAILED_PRECONDITION, StatusCode::kFailedPrecondition));
static_assert(Same(CARAT_ABORTED, StatusCode::kAborted));
static_assert(Same(CARAT_OUT_OF_RANGE, StatusCode::kOutOfRange));
static_assert(Same(CARAT_UNIMPLEMENTED, StatusCode::kUnimplemented));
static_assert(Same(CARAT_INTERNAL, StatusCode::kInternal));
static_assert(Same(CARAT_UNAVAILABLE, StatusCode::kUnavailable));
static_assert(Same(CARAT_DATA_LOSS, StatusCode::kDataLoss));
static_assert(Same(CARAT_UNAUTHENTICATED, StatusCode::kUnauthenticated));

static_assert(Same(CARAT_LOG_INFO, LogSeverity::kInfo));
static_assert(Same(CARAT_LOG_WARNING, LogSeverity::kWarning));

static_assert(Same(CARAT_INSTRUCTION_SET_AUTO, InstructionSet::kAuto));
static_assert(Same(CARAT_INSTRUCTION_SET_PLAIN, InstructionSet::kPlain));
static_assert(Same(CARAT_INSTRUCTION_SET_AVX2, InstructionSet::kAvx2));
static_assert(Same(CARAT_INSTRUCTION_SET_AVX512, InstructionSet::kAvx512));
static_assert(Same(CARAT_INSTRUCTION_SET_AVX512_VNNI, InstructionSet::kAvx512Vnni));
static_assert(Same(CARAT_INSTRUCTION_SET_AVX512_BF16, InstructionSet::kAvx512Bf16));
static_assert(Same(CARAT_INSTRUCTION_SET_AVX512_AMX, InstructionSet::kAvx512Amx));
static_assert(Same(CARAT_INSTRUCTION_SET_NEON, InstructionSet::kNeon));
static_assert(Same(CARAT_INSTRUCTION_SET_NEON_DOT, InstructionSet::kNeonDot));
static_assert(Same(CARAT_INSTRUCTION_SET_AVX2_VNNI, InstructionSet::kAvx2Vnni));
static_assert(Same(CARAT_INSTRUCTION_SET_NEON_I8MM, InstructionSet::kNeonI8mm));

static_assert(Same(CARAT_WEIGHTS_AS_STORED, WeightType::kAsStored));
static_assert(Same(CARAT_WEIGHTS_INT8, WeightType::kInt8));
static_assert(Same(CARAT_WEIGHTS_INT4, WeightType::kInt4));

static_assert(Same(CARAT_PRECISION_AUTO, Precision::kAuto));
static_assert(Same(CARAT_PRECISION_FLOAT32, Precision::kFloat32));
static_assert(Same(CARAT_PRECISION_BFLOAT16, Precision::kBFloat16));

static_assert(Same(CARAT_KV_AUTO, KvType::kAuto));
static_assert(Same(CARAT_KV_FLOAT32, KvType::kFloat32));
static_assert(Same(CARAT_KV_BFLOAT16, KvType::kBFloat16));
static_assert(Same(CARAT_KV_INT16, KvType::kInt16));
static_assert(Same(CARAT_KV_INT8, KvType::kInt8));

static_assert(Same(CARAT_TOKEN_PROMPT, TokenOrigin::kPrompt));
static_assert(Same(CARAT_TOKEN_GENERATED, TokenOrigin::kGenerated));

static_assert(Same(CARAT_LOGITS_LAST, WantedLogits::kLast));
static_assert(Same(CARAT_LOGITS_NONE, WantedLogits::kNone));
static_assert(Same(CARAT_LOGITS_ALL, WantedLogits::kAll));
static_assert(Same(CARAT_LOGITS_LISTED, WantedLogits::kListed));

static_assert(Same(CARAT_STOP_NONE, StopReason::kNone));
static_assert(Same(CARAT_STOP_TOKEN, StopReason::kStopToken));
static_assert(Same(CARAT_STOP_STRING, StopReason::kStopString));
static_assert(Same(CARAT_STOP_MAX_TOKENS, StopReason::kMaxTokens));
static_assert(Same(CARAT_STOP_CONTEXT_FULL, StopReason::kContextFull));
static_assert(Same(CARAT_STOP_CANCELLED, StopReason::kCancelled));

static_assert(Same(CARAT_CHAT_FORM_AUTO, ChatForm::kAuto));
static_assert(Same(CARAT_CHAT_FORM_SMALL, ChatForm::kSmall));
static_assert(Same(CARAT_CHAT_FORM_LARGE, ChatForm::kLarge));

static_assert(Same(CARAT_REPLY_THOUGHT, ReplyEventKind::kThought));
static_assert(Same(CARAT_REPLY_ANSWER, ReplyEventKind::kAnswer));
static_assert(Same(CARAT_REPLY_TOOL_CALL_BEGIN, ReplyEventKind::kToolCallBegin));
static_assert(Same(CARAT_REPLY_TOOL_CALL_NAME, ReplyEventKind::kToolCallName));
static_assert(Same(CARAT_REPLY_TOOL_CALL_ARGUMENTS, ReplyEventKind::kToolCallArguments));
static_assert(Same(CARAT_REPLY_TOOL_CALL, ReplyEventKind::kToolCall));
static_assert(Same(CARAT_REPLY_MALFORMED_TOOL_CALL, ReplyEventKind::kMalformedToolCall));
static_assert(Same(CARAT_REPLY_DONE, ReplyEventKind::kEnd));

static_assert(Same(CARAT_REPLY_RUNNING, ReplyEnd::kNone));
static_assert(Same(CARAT_REPLY_STOP, ReplyEnd::kStop));
static_assert(Same(CARAT_REPLY_TOOL_CALLS, ReplyEnd::kToolCalls));
static_assert(Same(CARAT_REPLY_LIMIT, ReplyEnd::kLimit));
static_assert(Same(CARAT_REPLY_CONTEXT_FULL, ReplyEnd::kContextFull));
static_assert(Same(CARAT_REPLY_CANCELLED, ReplyEnd::kCancelled));
static_assert(Same(CARAT_REPLY_LOOP, ReplyEnd::kLoop));

}  // namespace
