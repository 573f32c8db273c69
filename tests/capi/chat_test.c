// Chat from C: messages, prompts, replies and conversations on the demo checkpoint.
#include <stddef.h>
#include <string.h>

#include "check.h"

#define IS_NULL(name, call) CHECK_ERROR(CARAT_INVALID_ARGUMENT, name " is NULL", call, error)
#define TEXT(literal) (literal), strlen(literal)

static const char kTools[] =
    "[{\"type\": \"function\", \"function\": {\"name\": \"calculate\", \"description\": \"Evaluates an "
    "arithmetic "
    "expression.\", \"parameters\": {\"type\": \"object\", \"properties\": {\"expression\": {\"type\": "
    "\"string\", "
    "\"description\": \"The expression.\"}}, \"required\": [\"expression\"]}}}]";

static carat_chat_options tool_options(void) {
  carat_chat_options options;
  CHECK(carat_chat_options_init(&options, sizeof options) == CARAT_OK);
  options.tools = kTools;
  options.tools_size = strlen(kTools);
  return options;
}

static carat_reply_options greedy(carat_sampling_options* sampling) {
  carat_reply_options options;
  CHECK(carat_reply_options_init(&options, sizeof options) == CARAT_OK);
  CHECK(options.max_new_tokens == -1 && options.thinking_budget == -1 && options.loop_tokens == 0);
  CHECK(carat_sampling_options_init(sampling, sizeof *sampling) == CARAT_OK);
  sampling->temperature = 0;
  options.sampling = sampling;
  return options;
}

static void messages_and_prompts(const carat_model* model, carat_error* error) {
  carat_chat_messages* messages = NULL;
  carat_chat_message* message = NULL;
  carat_string* text = NULL;
  carat_prompt* prompt = NULL;
  CHECK(carat_model_chat_form(model) == CARAT_CHAT_FORM_SMALL);
  CHECK(carat_model_chat_form(NULL) == CARAT_CHAT_FORM_AUTO);
  CHECK_OK(carat_chat_messages_new(&messages, error), error);
  CHECK_OK(carat_chat_messages_add_json(messages, TEXT("[{\"role\": \"user\", \"content\": \"x <turn|>\"}]"),
                                        0, error),
           error);
  CHECK_ERROR(CARAT_INVALID_ARGUMENT, "no role",
              carat_chat_messages_add_json(messages, TEXT("[{}]"), 0, error), error);
  CHECK_ERROR(CARAT_INVALID_ARGUMENT, "the role is empty",
              carat_chat_message_new("", 0, "", 0, &message, error), error);
  CHECK_OK(carat_chat_message_new(TEXT("assistant"), TEXT("Wait."), &message, error), error);
  CHECK_OK(carat_chat_message_set_reasoning(message, TEXT("Hm."), error), error);
  CHECK_OK(carat_chat_message_add_tool_call(message, TEXT("1"), TEXT("f"), TEXT("{\"a\": 2.50}"), error),
           error);
  CHECK(strcmp(carat_chat_message_role(message, NULL), "assistant") == 0);
  CHECK(strcmp(carat_chat_message_text(message, NULL), "Wait.") == 0);
  CHECK(strcmp(carat_chat_message_reasoning(message, NULL), "Hm.") == 0);
  CHECK(carat_chat_message_tool_call_count(message) == 1);
  CHECK(strcmp(carat_chat_message_tool_call_id(message, 0, NULL), "1") == 0);
  CHECK(strcmp(carat_chat_message_tool_call_name(message, 0, NULL), "f") == 0);
  CHECK(strcmp(carat_chat_message_tool_call_arguments(message, 0, NULL), "{\"a\": 2.50}") == 0);
  CHECK(strcmp(carat_chat_message_tool_call_name(message, 1, NULL), "") == 0);
  CHECK_OK(carat_chat_messages_add(messages, message, error), error);
  carat_chat_message_free(message);
  CHECK_OK(carat_chat_message_new(TEXT("tool"), TEXT("{\"b\": true}"), &message, error), error);
  CHECK_OK(carat_chat_message_set_result_of(message, TEXT("1"), 1, error), error);
  CHECK_OK(carat_chat_messages_add(messages, message, error), error);
  carat_chat_message_free(message);
  CHECK(carat_chat_messages_size(messages) == 3);

  carat_chat_options options;
  CHECK(carat_chat_options_init(&options, sizeof options) == CARAT_OK);
  CHECK_ERROR(CARAT_INVALID_ARGUMENT, "form", carat_chat_text(messages, &options, &text, error), error);
  options.form = CARAT_CHAT_FORM_LARGE;
  CHECK_OK(carat_chat_text(messages, &options, &text, error), error);
  CHECK(strcmp(carat_string_data(text),
               "<bos><|turn>user\nx <turn|><turn|>\n<|turn>model\n<|channel>thought\nHm.\n<channel|>"
               "<|tool_call>call:f{a:2.5}<tool_call|><|tool_response>response:f{b:true}<tool_response|>"
               "Wait.<turn|>\n") == 0);
  carat_string_free(text);
  options.form = 3;
  CHECK_ERROR(CARAT_INVALID_ARGUMENT, "carat_chat_options.form",
              carat_chat_text(messages, &options, &text, error), error);

  CHECK_OK(carat_chat_prompt(model, messages, NULL, &prompt, error), error);
  size_t size = 0;
  const int32_t* tokens = carat_prompt_tokens(prompt, &size);
  carat_tokenizer* tokenizer = NULL;
  CHECK_OK(carat_model_tokenizer(model, &tokenizer, error), error);
  int ends = 0;
  for (size_t i = 0; i < size; ++i) ends += tokens[i] == carat_tokenizer_id_of(tokenizer, TEXT("<turn|>"));
  CHECK(ends == 2);  // not the user's
  carat_tokenizer_free(tokenizer);
  carat_prompt_free(prompt);

  CHECK_OK(carat_json_quote(TEXT("a\"\n"), &text, error), error);
  CHECK(strcmp(carat_string_data(text), "\"a\\\"\\n\"") == 0);
  carat_string_free(text);
  carat_chat_messages_free(messages);
}

static void media_parts(const carat_model* model, carat_error* error) {
  carat_model_info info;
  CHECK(carat_model_info_init(&info, sizeof info) == CARAT_OK);
  CHECK_OK(carat_model_get_info(model, &info, error), error);
  static float rows[4096];
  carat_soft_tokens* picture = NULL;
  carat_chat_message* message = NULL;
  carat_chat_messages* messages = NULL;
  carat_prompt* prompt = NULL;
  CHECK_OK(carat_soft_tokens_from_rows(model, CARAT_MEDIA_IMAGE, rows, 2, NULL, NULL, 0, &picture, error),
           error);
  CHECK_OK(carat_chat_message_new(TEXT("user"), "", 0, &message, error), error);
  CHECK_OK(carat_chat_message_add_media(message, picture, error), error);
  CHECK_OK(carat_chat_message_add_text(message, TEXT("What is this?"), error), error);
  CHECK(strcmp(carat_chat_message_text(message, NULL), "What is this?") == 0);
  CHECK_OK(carat_chat_messages_new(&messages, error), error);
  CHECK_OK(carat_chat_messages_add(messages, message, error), error);
  CHECK_OK(carat_chat_prompt(model, messages, NULL, &prompt, error), error);
  carat_prompt_free(prompt);
  CHECK_OK(carat_chat_messages_add_json(
               messages, TEXT("[{\"role\": \"user\", \"content\": [{\"type\": \"image\"}]}]"), 0, error),
           error);
  CHECK_ERROR(CARAT_INVALID_ARGUMENT, "no soft tokens",
              carat_chat_prompt(model, messages, NULL, &prompt, error), error);
  carat_chat_messages_free(messages);
  carat_chat_message_free(message);
  carat_soft_tokens_free(picture);
}

static void parser(const carat_model* model, carat_error* error) {
  carat_tokenizer* tokenizer = NULL;
  carat_reply_parser* reply = NULL;
  carat_tokens* tokens = NULL;
  carat_encode_options encode;
  carat_reply_event event;
  int32_t found = 0;
  CHECK(carat_encode_options_init(&encode, sizeof encode) == CARAT_OK);
  CHECK(carat_reply_event_init(&event, sizeof event) == CARAT_OK);
  encode.parse_special = 1;
  CHECK_OK(carat_model_tokenizer(model, &tokenizer, error), error);
  CHECK_OK(carat_tokenizer_encode(tokenizer, TEXT("<|tool_call>call:f{a:1}<tool_call|><|tool_call>oh"),
                                  &encode, &tokens, error),
           error);
  CHECK_OK(carat_reply_parser_new(tokenizer, 0, &reply, error), error);
  CHECK_OK(carat_reply_parser_next(reply, &event, &found, error), error);
  CHECK(found == 0);
  for (size_t i = 0; i < carat_tokens_size(tokens); ++i)
    CHECK_OK(carat_reply_parser_feed(reply, carat_tokens_data(tokens)[i], error), error);
  CHECK_STATUS(CARAT_OUT_OF_RANGE, carat_reply_parser_feed(reply, -1, error), error);
  CHECK_STATUS(CARAT_INVALID_ARGUMENT, carat_reply_parser_finish(reply, 7, error), error);
  CHECK_OK(carat_reply_parser_finish(reply, CARAT_REPLY_LIMIT, error), error);
  int calls = 0, malformed = 0;
  for (;;) {
    CHECK_OK(carat_reply_parser_next(reply, &event, &found, error), error);
    CHECK(found == 1);
    if (event.kind == CARAT_REPLY_DONE) break;
    if (event.kind == CARAT_REPLY_TOOL_CALL) {
      ++calls;
      CHECK(strcmp(event.call_name, "f") == 0 && strcmp(event.call_arguments, "{\"a\":1}") == 0);
    }
    if (event.kind == CARAT_REPLY_MALFORMED_TOOL_CALL) {
      ++malformed;
      CHECK(strcmp(event.text, "oh") == 0 && event.problem_size > 0 && event.index == 1);
    }
  }
  CHECK(calls == 1 && malformed == 1 && event.end == CARAT_REPLY_LIMIT);
  CHECK_STATUS(CARAT_FAILED_PRECONDITION, carat_reply_parser_feed(reply, 100, error), error);
  carat_reply_parser_free(reply);
  carat_tokens_free(tokens);
  carat_tokenizer_free(tokenizer);
}

typedef struct heard {
  carat_conversation* conversation;
  char id[32];
  char arguments[200];
  char answer[400];
} heard;

static int32_t listen(void* user_data, const carat_reply_event* event) {
  heard* h = user_data;
  if (event->kind == CARAT_REPLY_ANSWER)
    strncat(h->answer, event->text, sizeof h->answer - strlen(h->answer) - 1);
  if (event->kind == CARAT_REPLY_TOOL_CALL) {
    strncpy(h->id, event->call_id, sizeof h->id - 1);
    strncpy(h->arguments, event->call_arguments, sizeof h->arguments - 1);
  }
  // It is at work.
  CHECK(carat_conversation_add_user(h->conversation, "x", 1, NULL) == CARAT_FAILED_PRECONDITION);
  return 1;
}

static void calculator(const carat_model* model, carat_error* error) {
  const carat_chat_options options = tool_options();
  carat_sampling_options sampling;
  const carat_reply_options how = greedy(&sampling);
  heard h = {0};
  carat_reply_end end = CARAT_REPLY_RUNNING;
  CHECK_OK(carat_conversation_new(model, &options, NULL, &h.conversation, error), error);
  CHECK_OK(carat_conversation_add_user(h.conversation, TEXT("What is 710 - 84?"), error), error);
  CHECK_OK(carat_conversation_run(h.conversation, &how, listen, &h, &end, error), error);
  CHECK(end == CARAT_REPLY_TOOL_CALLS);
  CHECK(strcmp(h.arguments, "{\"expression\":\"710 - 84\"}") == 0);
  CHECK_STATUS(CARAT_NOT_FOUND,
               carat_conversation_add_tool_result(h.conversation, TEXT("?"), "1", 1, 0, error), error);
  CHECK_OK(carat_conversation_add_tool_result(h.conversation, TEXT(h.id), TEXT("626"), 0, error), error);
  CHECK_OK(carat_conversation_run(h.conversation, &how, listen, &h, &end, error), error);
  CHECK(end == CARAT_REPLY_STOP);
  CHECK(strstr(h.answer, "626") != NULL);
  carat_reply_stats stats;
  CHECK(carat_reply_stats_init(&stats, sizeof stats) == CARAT_OK);
  CHECK_OK(carat_conversation_get_stats(h.conversation, &stats, error), error);
  CHECK(stats.reused_tokens > stats.prompt_tokens - 30 && stats.generated_tokens > 3);
  CHECK(carat_conversation_message_count(h.conversation) == 4);
  carat_chat_message* message = NULL;
  CHECK_OK(carat_conversation_get_message(h.conversation, 3, &message, error), error);
  CHECK(strcmp(carat_chat_message_text(message, NULL), h.answer) == 0);
  carat_chat_message_free(message);
  CHECK_STATUS(CARAT_OUT_OF_RANGE, carat_conversation_get_message(h.conversation, 4, &message, error), error);
  CHECK(carat_conversation_position(h.conversation) >= stats.prompt_tokens);
  CHECK(carat_conversation_context_size(h.conversation) > 0);
  CHECK(carat_conversation_memory_bytes(h.conversation) > 0);
  carat_conversation_free(h.conversation);
}

static void pulled(const carat_model* model, carat_error* error) {
  carat_conversation* conversation = NULL;
  carat_sampling_options sampling;
  carat_reply_options how = greedy(&sampling);
  carat_chat_options options;
  carat_reply_event event;
  CHECK(carat_chat_options_init(&options, sizeof options) == CARAT_OK);
  CHECK(carat_reply_event_init(&event, sizeof event) == CARAT_OK);
  options.thinking = 1;
  CHECK_OK(carat_conversation_new(model, NULL, NULL, &conversation, error), error);
  CHECK_OK(carat_conversation_set_options(conversation, &options, error), error);
  carat_chat_message* message = NULL;
  CHECK_OK(carat_chat_message_new(TEXT("user"), TEXT("How many letters are in 'lantern'?"), &message, error),
           error);
  CHECK_OK(carat_conversation_add_message(conversation, message, error), error);
  carat_chat_message_free(message);
  const carat_text stop = {TEXT("letters")};
  how.stop_strings = &stop;
  how.stop_string_count = 1;
  CHECK_OK(carat_conversation_start(conversation, &how, error), error);
  CHECK_STATUS(CARAT_FAILED_PRECONDITION, carat_conversation_truncate(conversation, 0, error), error);
  char thought[100] = "", answer[100] = "";
  do {
    CHECK_OK(carat_conversation_next(conversation, &event, error), error);
    if (event.kind == CARAT_REPLY_THOUGHT) strcat(thought, event.text);
    if (event.kind == CARAT_REPLY_ANSWER) strcat(answer, event.text);
  } while (event.kind != CARAT_REPLY_DONE);
  CHECK(strcmp(thought, "l1 a2 n3 t4 e5 r6 n7") == 0);
  CHECK(strcmp(answer, "lantern has 7 ") == 0);
  CHECK(event.end == CARAT_REPLY_STOP);
  CHECK_STATUS(CARAT_FAILED_PRECONDITION, carat_conversation_next(conversation, &event, error), error);

  CHECK_OK(carat_conversation_truncate(conversation, 1, error), error);
  CHECK_OK(carat_conversation_start(conversation, &how, error), error);
  CHECK_OK(carat_conversation_stop(conversation, error), error);
  CHECK(carat_conversation_message_count(conversation) == 2);
  CHECK_OK(carat_conversation_truncate(conversation, 1, error), error);
  carat_conversation_cancel(conversation);
  CHECK_STATUS(CARAT_CANCELLED, carat_conversation_start(conversation, &how, error), error);
  carat_conversation_cancel(conversation);
  carat_conversation_clear_cancel(conversation);
  carat_sampler* constraint = NULL;
  CHECK_OK(carat_sampler_new_greedy(&constraint, error), error);
  how.constraint = constraint;
  how.loop_tokens = -1;
  CHECK_ERROR(CARAT_INVALID_ARGUMENT, "loop_tokens", carat_conversation_start(conversation, &how, error),
              error);
  how.loop_tokens = 64;
  CHECK_OK(carat_conversation_start(conversation, &how, error), error);
  carat_sampler_free(constraint);
  carat_conversation_free(conversation);  // in the middle
}

// Gives the text of the reply to `how`, a message or the name and arguments of its call.
static void reply_text(carat_conversation* conversation, const carat_reply_options* how, char* text,
                       size_t size, carat_error* error) {
  carat_reply_event event;
  CHECK(carat_reply_event_init(&event, sizeof event) == CARAT_OK);
  text[0] = 0;
  CHECK_OK(carat_conversation_start(conversation, how, error), error);
  do {
    CHECK_OK(carat_conversation_next(conversation, &event, error), error);
    if (event.kind == CARAT_REPLY_ANSWER) strncat(text, event.text, size - strlen(text) - 1);
    if (event.kind != CARAT_REPLY_TOOL_CALL) continue;
    strncat(text, event.call_name, size - strlen(text) - 1);
    strncat(text, event.call_arguments, size - strlen(text) - 1);
  } while (event.kind != CARAT_REPLY_DONE);
}

static void of_a_form(const carat_model* model, carat_error* error) {
  static const char kSchema[] =
      "{\"type\": \"object\", \"properties\": {\"side\": {\"enum\": [\"left\", \"right\"]}}, \"required\": "
      "[\"side\"], \"additionalProperties\": false}";
  const carat_chat_options options = tool_options();
  carat_json_schema_options compact;
  carat_grammar* grammar = NULL;
  carat_conversation* conversation = NULL;
  carat_sampling_options sampling;
  carat_reply_options how = greedy(&sampling);
  char text[400];
  CHECK(how.answer == NULL && how.tool_choice == CARAT_TOOL_CHOICE_AUTO && how.free_tool_calls == 0);
  CHECK(carat_json_schema_options_init(&compact, sizeof compact) == CARAT_OK);
  compact.max_whitespace = 0;
  CHECK_OK(carat_grammar_from_json_schema(TEXT(kSchema), &compact, &grammar, error), error);
  CHECK_OK(carat_conversation_new(model, &options, NULL, &conversation, error), error);
  CHECK_OK(carat_conversation_add_user(conversation, TEXT("What does 'river' mean?"), error), error);
  how.answer = grammar;
  how.tool_choice = CARAT_TOOL_CHOICE_NONE;
  reply_text(conversation, &how, text, sizeof text, error);
  CHECK(strcmp(text, "{\"side\":\"left\"}") == 0 || strcmp(text, "{\"side\":\"right\"}") == 0);
  carat_grammar_free(grammar);

  how.answer = NULL;
  how.tool_choice = CARAT_TOOL_CHOICE_REQUIRED;
  how.single_tool_call = 1;
  how.max_new_tokens = 200;
  how.tool_name = "calculate";
  how.tool_name_size = 9;
  CHECK_OK(carat_conversation_truncate(conversation, 0, error), error);
  CHECK_OK(carat_conversation_add_user(conversation, TEXT("What is 710 - 84?"), error), error);
  reply_text(conversation, &how, text, sizeof text, error);
  CHECK(strcmp(text, "calculate{\"expression\":\"710 - 84\"}") == 0);
  CHECK_OK(carat_conversation_truncate(conversation, 1, error), error);
  how.tool_name_size = 4;
  CHECK_ERROR(CARAT_INVALID_ARGUMENT, "'calc'", carat_conversation_start(conversation, &how, error), error);
  how.tool_name = NULL;
  CHECK_ERROR(CARAT_INVALID_ARGUMENT, "tool_name is NULL",
              carat_conversation_start(conversation, &how, error), error);
  how.tool_name_size = 0;
  how.tool_choice = 3;
  CHECK_ERROR(CARAT_INVALID_ARGUMENT, "tool_choice", carat_conversation_start(conversation, &how, error),
              error);
  // A host whose header is older: what lies behind its struct is not looked at.
  how.struct_size = offsetof(carat_reply_options, answer);
  CHECK_OK(carat_conversation_truncate(conversation, 0, error), error);
  CHECK_OK(carat_conversation_add_user(conversation, TEXT("What does 'river' mean?"), error), error);
  reply_text(conversation, &how, text, sizeof text, error);
  CHECK(strcmp(text, "A large natural stream of water (larger than a creek).") == 0);
  carat_conversation_free(conversation);
}

static int32_t free_it(void* user_data, const carat_reply_event* event) {
  carat_conversation** conversation = user_data;
  carat_conversation_free(*conversation);
  *conversation = NULL;
  return event->text != NULL;
}

static void freed_by_its_callback(const carat_model* model, carat_error* error) {
  carat_conversation* conversation = NULL;
  carat_sampling_options sampling;
  const carat_reply_options how = greedy(&sampling);
  carat_reply_end end = CARAT_REPLY_RUNNING;
  CHECK_OK(carat_conversation_new(model, NULL, NULL, &conversation, error), error);
  CHECK_OK(carat_conversation_add_user(conversation, TEXT("Hello!"), error), error);
  CHECK_OK(carat_conversation_run(conversation, &how, free_it, &conversation, &end, error), error);
  CHECK(conversation == NULL && end == CARAT_REPLY_STOP);
}

static void session_mark(carat_error* error) {
  carat_session* session = demo_session(0);
  const int32_t tokens[3] = {100, 101, 102};
  carat_rewind_result result;
  CHECK(carat_rewind_result_init(&result, sizeof result) == CARAT_OK);
  CHECK_OK(carat_session_prefill(session, tokens, 3, NULL, error), error);
  CHECK_OK(carat_session_mark(session, error), error);
  for (int i = 0; i < 300; ++i) CHECK_OK(carat_session_prefill(session, tokens, 3, NULL, error), error);
  CHECK_OK(carat_session_rewind(session, 3, &result, error), error);
  CHECK(result.position == 3 && result.kept == 3);
  IS_NULL("session", carat_session_mark(NULL, error));
  carat_session_free(session);
}

static void nulls(const carat_model* model, carat_error* error) {
  carat_chat_message* message = NULL;
  carat_chat_messages* messages = NULL;
  carat_conversation* conversation = NULL;
  carat_reply_parser* reply = NULL;
  carat_tokenizer* tokenizer = NULL;
  carat_string* text = NULL;
  carat_prompt* prompt = NULL;
  carat_reply_event event;
  carat_reply_stats stats;
  int32_t found = 1;
  size_t size = 1;
  CHECK(carat_chat_options_init(NULL, 8) == CARAT_INVALID_ARGUMENT);
  CHECK(carat_reply_event_init(&event, sizeof event) == CARAT_OK);
  CHECK(carat_reply_stats_init(&stats, sizeof stats) == CARAT_OK);
  IS_NULL("role", carat_chat_message_new(NULL, 1, "x", 1, &message, error));
  IS_NULL("text", carat_chat_message_new("user", 4, NULL, 1, &message, error));
  IS_NULL("message", carat_chat_message_new("user", 4, "x", 1, NULL, error));
  IS_NULL("message", carat_chat_message_add_text(NULL, "x", 1, error));
  IS_NULL("message", carat_chat_message_add_media(NULL, NULL, error));
  IS_NULL("message", carat_chat_message_set_reasoning(NULL, "x", 1, error));
  IS_NULL("message", carat_chat_message_add_tool_call(NULL, "1", 1, "f", 1, "{}", 2, error));
  IS_NULL("message", carat_chat_message_set_result_of(NULL, "1", 1, 0, error));
  CHECK(strcmp(carat_chat_message_role(NULL, &size), "") == 0 && size == 0);
  CHECK(strcmp(carat_chat_message_text(NULL, NULL), "") == 0);
  CHECK(strcmp(carat_chat_message_reasoning(NULL, NULL), "") == 0);
  CHECK(carat_chat_message_tool_call_count(NULL) == 0);
  CHECK(strcmp(carat_chat_message_tool_call_id(NULL, 0, NULL), "") == 0);
  CHECK(strcmp(carat_chat_message_tool_call_name(NULL, 0, NULL), "") == 0);
  CHECK(strcmp(carat_chat_message_tool_call_arguments(NULL, 0, NULL), "") == 0);
  CHECK_OK(carat_chat_message_new("user", 4, NULL, 0, &message, error), error);
  IS_NULL("text", carat_chat_message_add_text(message, NULL, 1, error));
  IS_NULL("soft_tokens", carat_chat_message_add_media(message, NULL, error));
  IS_NULL("messages", carat_chat_messages_new(NULL, error));
  IS_NULL("messages", carat_chat_messages_add(NULL, message, error));
  CHECK_OK(carat_chat_messages_new(&messages, error), error);
  IS_NULL("message", carat_chat_messages_add(messages, NULL, error));
  IS_NULL("messages", carat_chat_messages_add_json(NULL, "[]", 2, 0, error));
  IS_NULL("json", carat_chat_messages_add_json(messages, NULL, 2, 0, error));
  CHECK(carat_chat_messages_size(NULL) == 0);
  IS_NULL("messages", carat_chat_text(NULL, NULL, &text, error));
  IS_NULL("text", carat_chat_text(messages, NULL, NULL, error));
  IS_NULL("model", carat_chat_prompt(NULL, messages, NULL, &prompt, error));
  IS_NULL("messages", carat_chat_prompt(model, NULL, NULL, &prompt, error));
  IS_NULL("prompt", carat_chat_prompt(model, messages, NULL, NULL, error));
  IS_NULL("text", carat_json_quote(NULL, 1, &text, error));
  IS_NULL("json", carat_json_quote("x", 1, NULL, error));
  IS_NULL("tokenizer", carat_reply_parser_new(NULL, 0, &reply, error));
  CHECK_OK(carat_model_tokenizer(model, &tokenizer, error), error);
  IS_NULL("parser", carat_reply_parser_new(tokenizer, 0, NULL, error));
  IS_NULL("parser", carat_reply_parser_feed(NULL, 1, error));
  IS_NULL("parser", carat_reply_parser_finish(NULL, 1, error));
  IS_NULL("parser", carat_reply_parser_next(NULL, &event, &found, error));
  CHECK(found == 0);
  CHECK_OK(carat_reply_parser_new(tokenizer, 0, &reply, error), error);
  IS_NULL("found", carat_reply_parser_next(reply, &event, NULL, error));
  IS_NULL("carat_reply_event", carat_reply_parser_next(reply, NULL, &found, error));
  IS_NULL("model", carat_conversation_new(NULL, NULL, NULL, &conversation, error));
  IS_NULL("conversation", carat_conversation_new(model, NULL, NULL, NULL, error));
  IS_NULL("conversation", carat_conversation_add_message(NULL, message, error));
  IS_NULL("conversation", carat_conversation_add_user(NULL, "x", 1, error));
  IS_NULL("conversation", carat_conversation_add_tool_result(NULL, "1", 1, "x", 1, 0, error));
  carat_chat_message* none = NULL;
  IS_NULL("conversation", carat_conversation_get_message(NULL, 0, &none, error));
  IS_NULL("conversation", carat_conversation_truncate(NULL, 0, error));
  IS_NULL("conversation", carat_conversation_set_options(NULL, NULL, error));
  IS_NULL("conversation", carat_conversation_start(NULL, NULL, error));
  IS_NULL("conversation", carat_conversation_next(NULL, &event, error));
  IS_NULL("conversation", carat_conversation_stop(NULL, error));
  IS_NULL("conversation", carat_conversation_run(NULL, NULL, NULL, NULL, NULL, error));
  IS_NULL("conversation", carat_conversation_get_stats(NULL, &stats, error));
  CHECK(carat_conversation_message_count(NULL) == 0 && carat_conversation_position(NULL) == 0);
  CHECK(carat_conversation_context_size(NULL) == 0 && carat_conversation_memory_bytes(NULL) == 0);
  carat_conversation_cancel(NULL);
  carat_conversation_clear_cancel(NULL);
  CHECK_OK(carat_conversation_new(model, NULL, NULL, &conversation, error), error);
  IS_NULL("message", carat_conversation_add_message(conversation, NULL, error));
  IS_NULL("text", carat_conversation_add_user(conversation, NULL, 1, error));
  IS_NULL("message", carat_conversation_get_message(conversation, 0, NULL, error));
  IS_NULL("carat_reply_event", carat_conversation_next(conversation, NULL, error));
  IS_NULL("carat_reply_stats", carat_conversation_get_stats(conversation, NULL, error));
  carat_conversation_free(conversation);
  carat_reply_parser_free(reply);
  carat_tokenizer_free(tokenizer);
  carat_chat_message_free(message);
  carat_chat_messages_free(messages);
  carat_chat_messages_free(NULL);
  carat_chat_message_free(NULL);
  carat_reply_parser_free(NULL);
  carat_conversation_free(NULL);
}

int main(void) {
  carat_error* error = carat_error_new();
  carat_model* model = open_demo();
  messages_and_prompts(model, error);
  media_parts(model, error);
  parser(model, error);
  calculator(model, error);
  pulled(model, error);
  of_a_form(model, error);
  freed_by_its_callback(model, error);
  session_mark(error);
  nulls(model, error);
  carat_model_free(model);
  carat_error_free(error);
  return 0;
}
