// The held-out items' dialogues as text in the chat format.
#ifndef TESTS_DEMO_CHAT_PROMPT_H_
#define TESTS_DEMO_CHAT_PROMPT_H_

#include <simdjson.h>

#include <string>

namespace carat_demo {

// The prompt that asks for the answer to an item with `messages`, and perhaps `tools` and `enable_thinking`:
// what render in examples/demo-model/chat.py gives for it, no more. Throws simdjson::simdjson_error for an
// item of another form.
std::string ChatPrompt(simdjson::dom::element item);

}  // namespace carat_demo

#endif  // TESTS_DEMO_CHAT_PROMPT_H_
