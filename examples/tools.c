// A conversation in which the model calls a function: tools MODEL_FOLDER QUESTION
#include <carat.h>
#include <stdio.h>
#include <string.h>

// clang-format off
static const char kCalculator[] =
    "[{\"type\": \"function\", \"function\": {\"name\": \"calculate\","
    "  \"description\": \"Evaluates an arithmetic expression.\","
    "  \"parameters\": {\"type\": \"object\", \"required\": [\"expression\"], \"properties\": {"
    "    \"expression\": {\"type\": \"string\", \"description\": \"The expression.\"}}}}}]";
// clang-format on

// What the function does: a sum, a difference or a product of two numbers. The arguments are JSON.
static void calculate(const char* arguments, char* result, size_t size) {
  long a = 0, b = 0;
  char sign = 0;
  if (sscanf(arguments, "{\"expression\":\"%ld %c %ld", &a, &sign, &b) != 3) sign = 0;
  snprintf(result, size, sign == 0 ? "error" : "%ld", sign == '+' ? a + b : sign == '-' ? a - b : a * b);
}

// Asks, calls what the model wants called (one call at a time), and goes on until it has answered.
static carat_status converse(carat_conversation* chat, carat_error* error) {
  carat_reply_event event;
  char id[64] = "", result[64] = "";
  carat_reply_event_init(&event, sizeof event);
  do {
    carat_status status = carat_conversation_start(chat, NULL, error);
    do {
      if (status == CARAT_OK) status = carat_conversation_next(chat, &event, error);
      if (status != CARAT_OK) return status;
      if (event.kind == CARAT_REPLY_ANSWER) fputs(event.text, stdout);
      if (event.kind != CARAT_REPLY_TOOL_CALL) continue;
      snprintf(id, sizeof id, "%s", event.call_id);  // the event's texts are lent until the next one
      calculate(event.call_arguments, result, sizeof result);
      printf("%s %s = %s\n", event.call_name, event.call_arguments, result);
    } while (event.kind != CARAT_REPLY_DONE);
    if (event.end == CARAT_REPLY_TOOL_CALLS)
      carat_conversation_add_tool_result(chat, id, strlen(id), result, strlen(result), 0, error);
  } while (event.end == CARAT_REPLY_TOOL_CALLS);
  return CARAT_OK;
}

int main(int argc, char** argv) {
  if (argc != 3) return fprintf(stderr, "usage: tools MODEL_FOLDER QUESTION\n"), 2;
  carat_error* error = carat_error_new();
  carat_model* model = NULL;
  carat_conversation* chat = NULL;
  carat_chat_options options;
  carat_chat_options_init(&options, sizeof options);
  options.tools = kCalculator;
  options.tools_size = strlen(kCalculator);
  int ok = carat_model_load(argv[1], strlen(argv[1]), NULL, &model, error) == CARAT_OK &&
           carat_conversation_new(model, &options, NULL, &chat, error) == CARAT_OK &&
           carat_conversation_add_user(chat, argv[2], strlen(argv[2]), error) == CARAT_OK &&
           converse(chat, error) == CARAT_OK;
  puts(ok ? "" : carat_error_message(error));
  carat_conversation_free(chat);
  carat_model_free(model);
  carat_error_free(error);
  return ok ? 0 : 1;
}
