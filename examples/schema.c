// An answer that is data, by a JSON schema: schema MODEL_FOLDER [QUESTION]
#include <carat.h>
#include <stdio.h>
#include <string.h>

// clang-format off
static const char kSchema[] =
    "{\"type\": \"object\", \"properties\": {"
    "   \"answer\": {\"type\": \"string\", \"maxLength\": 60},"
    "   \"certain\": {\"type\": \"boolean\"},"
    "   \"digits\": {\"type\": \"array\", \"items\": {\"type\": \"integer\", \"minimum\": 0, \"maximum\": 9}, \"maxItems\": 3}},"
    " \"required\": [\"answer\", \"certain\", \"digits\"], \"additionalProperties\": false}";
// clang-format on

// Prints the answer as it comes. Only a reply that ends by itself is a whole document.
static int32_t print(void* user_data, const carat_reply_event* event) {
  (void)user_data;
  if (event->kind == CARAT_REPLY_ANSWER) fputs(event->text, stdout);
  return 1;
}

int main(int argc, char** argv) {
  if (argc < 2) return fprintf(stderr, "usage: schema MODEL_FOLDER [QUESTION]\n"), 2;
  // The model does not see the schema: who asks says in words what is wanted.
  const char* question = argc > 2 ? argv[2] : "Who are you? Reply in JSON: answer, certain, digits.";
  carat_error* error = carat_error_new();
  carat_model* model = NULL;
  carat_grammar* grammar = NULL;
  carat_conversation* chat = NULL;
  carat_reply_end end = CARAT_REPLY_RUNNING;
  carat_json_schema_options compact;
  carat_reply_options options;
  carat_json_schema_options_init(&compact, sizeof compact);
  carat_reply_options_init(&options, sizeof options);
  compact.max_whitespace = 1;
  int ok = carat_model_load(argv[1], strlen(argv[1]), NULL, &model, error) == CARAT_OK &&
           carat_grammar_from_json_schema(kSchema, strlen(kSchema), &compact, &grammar, error) == CARAT_OK &&
           carat_conversation_new(model, NULL, NULL, &chat, error) == CARAT_OK &&
           carat_conversation_add_user(chat, question, strlen(question), error) == CARAT_OK;
  options.answer = grammar;
  ok = ok && carat_conversation_run(chat, &options, print, NULL, &end, error) == CARAT_OK;
  puts(ok ? "" : carat_error_message(error));
  carat_conversation_free(chat);
  carat_grammar_free(grammar);
  carat_model_free(model);
  carat_error_free(error);
  return end == CARAT_REPLY_STOP ? 0 : 1;
}
