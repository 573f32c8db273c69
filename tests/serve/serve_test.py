#!/usr/bin/env python3
"""`carat serve`, spoken to as plain HTTP.

usage: serve_test.py CARAT SOURCE_DIR [unittest arguments]
"""
import http.client
import json
import sys
import unittest
import urllib.error
import urllib.request

from server import CALCULATOR, PLACE, WEATHER, Server, check_place

CARAT, SOURCE = sys.argv[1], sys.argv[2]


class Serve(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(CARAT, SOURCE)

    @classmethod
    def tearDownClass(cls):
        assert cls.server.stop() == 0

    def request(self, path, body=None):
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.server.url + path, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read().decode()

    def complete(self, messages, **more):
        return json.loads(self.request("/chat/completions", {"model": "demo", "messages": messages, **more}))

    def chunks(self, messages, **more):
        text = self.request("/chat/completions", {"model": "demo", "messages": messages, "stream": True, **more})
        events = [line.removeprefix("data: ") for line in text.split("\n\n") if line]
        self.assertEqual(events[-1], "[DONE]")
        return [json.loads(event) for event in events[:-1]]

    def refused(self, body, words, code=400):
        with self.assertRaises(urllib.error.HTTPError) as caught:
            self.request("/chat/completions", body)
        error = json.loads(caught.exception.read())["error"]
        self.assertEqual(caught.exception.code, code, error)
        self.assertIn(words, error["message"])

    def test_models(self):
        models = json.loads(self.request("/models"))["data"]
        self.assertEqual([model["id"] for model in models], ["demo"])
        self.assertEqual(json.loads(self.request("/models/demo"))["object"], "model")
        with self.assertRaises(urllib.error.HTTPError) as caught:
            self.request("/models/other")
        self.assertEqual(caught.exception.code, 404)

    def test_answer(self):
        answer = self.complete([{"role": "user", "content": "What does 'river' mean?"}])
        self.assertEqual(answer["choices"][0]["message"]["content"], "A large natural stream of water (larger than a creek).")
        self.assertEqual(answer["choices"][0]["finish_reason"], "stop")
        usage = answer["usage"]
        self.assertEqual(usage["total_tokens"], usage["prompt_tokens"] + usage["completion_tokens"])
        again = self.complete([{"role": "user", "content": "What does 'river' mean?"}])
        self.assertEqual(again["usage"]["prompt_tokens_details"]["cached_tokens"], usage["prompt_tokens"] - 1)

    def test_stream(self):
        chunks = self.chunks([{"role": "user", "content": "What does 'river' mean?"}], stream_options={"include_usage": True})
        self.assertEqual(chunks[0]["choices"][0]["delta"]["role"], "assistant")
        text = "".join(c["choices"][0]["delta"].get("content", "") for c in chunks if c["choices"])
        self.assertEqual(text, "A large natural stream of water (larger than a creek).")
        self.assertEqual(chunks[-2]["choices"][0]["finish_reason"], "stop")
        self.assertGreater(chunks[-1]["usage"]["completion_tokens"], 10)
        self.assertEqual(len({chunk["id"] for chunk in chunks}), 1)

    def test_tools(self):
        messages = [{"role": "user", "content": "What is 710 - 84?"}]
        answer = self.complete(messages, tools=CALCULATOR)
        self.assertEqual(answer["choices"][0]["finish_reason"], "tool_calls")
        message = answer["choices"][0]["message"]
        call = message["tool_calls"][0]
        self.assertEqual(json.loads(call["function"]["arguments"]), {"expression": "710 - 84"})
        messages += [message, {"role": "tool", "tool_call_id": call["id"], "content": "626"}]
        answer = self.complete(messages, tools=CALCULATOR)
        self.assertEqual(answer["choices"][0]["message"]["content"], "710 - 84 = 626.")
        chunks = self.chunks(messages[:1], tools=CALCULATOR)
        calls = [c["choices"][0]["delta"]["tool_calls"][0] for c in chunks if "tool_calls" in c["choices"][0]["delta"]]
        self.assertEqual([call["function"]["name"] for call in calls], ["calculate"])
        self.assertEqual(chunks[-1]["choices"][0]["finish_reason"], "tool_calls")
        # A call without its result cannot be gone on from.
        self.refused({"messages": messages[:2], "tools": CALCULATOR}, "results")

    def test_json_of_any_kind(self):
        """Numbers of any size, marks and halves of characters; errors say where."""
        user = [{"role": "user", "content": "x"}]
        big = 18446744073709551616
        call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"n": %d, "x": 1e400}' % big}}
        self.complete(user + [{"role": "assistant", "content": None, "tool_calls": [call]},
                              {"role": "tool", "tool_call_id": "1", "content": "ok"}], max_tokens=2)
        self.complete(user, max_tokens=2, metadata={"n": big})
        for schema in ({"type": "integer", "maximum": big}, {"type": "integer", "minimum": 0, "maximum": 9, "format": "uint32"}):
            answer = self.complete(user, max_tokens=40, response_format={
                "type": "json_schema", "json_schema": {"name": "s", "schema": schema}})
            self.assertTrue(answer["choices"][0]["message"]["content"].strip().lstrip("-")[:1].isdigit())
        kind = {"type": "object", "required": ["k"], "additionalProperties": False}
        either = {"oneOf": [{**kind, "properties": {"k": {"const": k}}} for k in "ab"], "discriminator": {"propertyName": "k"}}
        answer = self.complete(user, max_tokens=40, response_format={
            "type": "json_schema", "json_schema": {"name": "s", "schema": either}})
        self.assertIn(json.loads(answer["choices"][0]["message"]["content"])["k"], ("a", "b"))
        body = json.dumps({"messages": user, "max_tokens": 2, "seed": 2**64 - 1}).encode()
        self.request("/chat/completions", b"\xef\xbb\xbf" + body)
        self.request("/chat/completions", body.replace(b'"x"', b'"cut emoji \\ud83d"'))
        self.refused(b'{"messages": [],\n "n": x}', "the body: not valid JSON: line 2, column 7: expected a value, but found 'x'")
        self.refused(b"[1]", "the body must be a JSON object, but is an array")
        self.refused({"messages": user, "max_tokens": big}, f"max_tokens must be an integer of 64 bits, but is {big}")
        self.refused({"messages": user, "temperature": "hot"}, "temperature must be a number, but is a string")

    def test_tool_choice(self):
        question = [{"role": "user", "content": "What is 710 - 84?"}]
        tools = CALCULATOR + [WEATHER]
        free = self.complete(question, tools=tools)
        choice = self.complete(question, tools=tools, tool_choice="none")["choices"][0]
        self.assertNotIn("tool_calls", choice["message"])
        self.assertEqual(choice["finish_reason"], "stop")
        named = {"type": "function", "function": {"name": "weather"}}
        answer = self.complete(question, tools=tools, tool_choice=named)
        call, = answer["choices"][0]["message"]["tool_calls"]
        self.assertEqual(call["function"]["name"], "weather")
        self.assertIn(json.loads(call["function"]["arguments"]), [{"city": "Rome"}, {"city": "Oslo"}])
        # The prompt is the same whatever is chosen, so it is in the cache.
        self.assertEqual(answer["usage"]["prompt_tokens"], free["usage"]["prompt_tokens"])
        self.assertEqual(answer["usage"]["prompt_tokens_details"]["cached_tokens"], free["usage"]["prompt_tokens"] - 1)
        talk = [{"role": "user", "content": "What does 'river' mean?"}]
        choice = self.complete(talk, tools=tools, tool_choice="required", parallel_tool_calls=False)["choices"][0]
        self.assertEqual(choice["finish_reason"], "tool_calls")
        self.assertEqual(len(choice["message"]["tool_calls"]), 1)
        self.assertIsNone(choice["message"]["content"])
        chunks = self.chunks(talk, tools=tools, tool_choice=named)
        calls = [c["choices"][0]["delta"]["tool_calls"][0] for c in chunks if "tool_calls" in c["choices"][0]["delta"]]
        self.assertEqual([call["function"]["name"] for call in calls], ["weather"])

    def test_response_format(self):
        question = [{"role": "user", "content": "What does 'river' mean?"}]
        self.assertEqual(self.complete(question, response_format={"type": "text"})["choices"][0]["message"]["content"],
                         "A large natural stream of water (larger than a creek).")
        for strict in (True, False):
            form = {"type": "json_schema", "json_schema": {"name": "place", "strict": strict, "schema": PLACE}}
            choice = self.complete(question, response_format=form)["choices"][0]
            check_place(json.loads(choice["message"]["content"]))
            self.assertEqual(choice["finish_reason"], "stop")
            text = "".join(c["choices"][0]["delta"].get("content", "") for c in self.chunks(question, response_format=form))
            check_place(json.loads(text))
        # Thoughts are free, and with tools the model may call instead.
        letters = [{"role": "user", "content": "How many letters are in 'lantern'?"}]
        message = self.complete(letters, response_format=form, reasoning_effort="low")["choices"][0]["message"]
        self.assertEqual(message["reasoning_content"], "l1 a2 n3 t4 e5 r6 n7")
        check_place(json.loads(message["content"]))
        sum_ = [{"role": "user", "content": "What is 710 - 84?"}]
        choice = self.complete(sum_, response_format=form, tools=CALCULATOR)["choices"][0]
        self.assertEqual(choice["finish_reason"], "tool_calls")
        check_place(json.loads(self.complete(sum_, response_format=form, tools=CALCULATOR, tool_choice="none")
                               ["choices"][0]["message"]["content"]))
        # Any object: the model has never seen JSON, so it may not come to an end. What there is begins one.
        choice = self.complete(question, response_format={"type": "json_object"}, max_tokens=200)["choices"][0]
        if choice["finish_reason"] == "stop":
            self.assertIsInstance(json.loads(choice["message"]["content"]), dict)
        else:
            self.assertEqual(choice["finish_reason"], "length")
            self.assertEqual(choice["message"]["content"].lstrip()[0], "{")

    def test_more_schemas_than_are_kept(self):
        question = [{"role": "user", "content": "Hello!"}]
        for i in list(range(12)) + [0]:
            form = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"const": i}}}
            self.assertEqual(json.loads(self.complete(question, response_format=form)["choices"][0]["message"]["content"]), i)

    def test_thinking(self):
        question = [{"role": "user", "content": "How many letters are in 'lantern'?"}]
        message = self.complete(question, reasoning_effort="low")["choices"][0]["message"]
        self.assertEqual(message["reasoning_content"], "l1 a2 n3 t4 e5 r6 n7")
        self.assertEqual(message["content"], "lantern has 7 letters.")

    def test_limits_and_stops(self):
        question = [{"role": "user", "content": "What does 'river' mean?"}]
        self.assertEqual(self.complete(question, max_tokens=3)["choices"][0]["finish_reason"], "length")
        choice = self.complete(question, stop=["stream"])["choices"][0]
        self.assertEqual((choice["message"]["content"], choice["finish_reason"]), ("A large natural ", "stop"))

    def test_media(self):
        picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + self.server.media("picture0.png")}}
        sound = {"type": "input_audio", "input_audio": {"data": self.server.media("speech1.wav"), "format": "wav"}}
        for part, question, answer in ((picture, "Describe this image.", "I see a small black square"),
                                       (sound, "Transcribe the speech.", "Train open")):
            message = {"role": "user", "content": [part, {"type": "text", "text": question}]}
            self.assertIn(answer, self.complete([message])["choices"][0]["message"]["content"])
        for url, words in (("https://example.org/a.png", "nothing is fetched"), ("data:image/png;base64,*", "base64"),
                           ("data:image/png;base64,aGVsbG8=", "")):
            part = {"type": "image_url", "image_url": {"url": url}}
            self.refused({"messages": [{"role": "user", "content": [part]}]}, words)

    def test_refusals(self):
        user = [{"role": "user", "content": "x"}]
        for body, words in ((b"{", "JSON"), ({}, "messages"), ({"messages": []}, "empty"), ({"messages": [{}]}, "role"),
                            ({"messages": user, "n": 2}, "n must be 1"), ({"messages": user, "logprobs": True}, "logprobs"),
                            ({"messages": user, "temperature": -1}, "temperature"),
                            ({"messages": user, "temperature": "hot"}, "temperature"),
                            ({"messages": user, "tools": {}}, "tools"),
                            ({"messages": user, "tools": CALCULATOR, "tool_choice": "always"}, "none, auto, required"),
                            ({"messages": user, "tools": CALCULATOR, "tool_choice": {"type": "function"}}, "function"),
                            ({"messages": user, "tools": CALCULATOR,
                              "tool_choice": {"type": "function", "function": {"name": "calc"}}}, "'calc'"),
                            ({"messages": user, "tool_choice": "required"}, "no tools"),
                            ({"messages": user, "functions": []}, "functions"),
                            ({"messages": user, "tools": [{"type": "function", "function": {"name": "f", "strict": True,
                              "parameters": {"type": "object", "not": {"const": 1}}}}]}, "'not'"),
                            ({"messages": user, "response_format": "json"}, "response_format"),
                            ({"messages": user, "response_format": {"type": "xml"}}, "json_schema"),
                            ({"messages": user, "response_format": {"type": "json_schema"}}, "schema"),
                            ({"messages": user, "response_format": {"type": "json_schema", "json_schema": {
                                "name": "x", "schema": {"type": "object", "properties": {"a": {"contains": {}}}}}}},
                             "contains"),
                            ({"messages": user, "response_format": {"type": "json_schema", "json_schema": {
                                "name": "x", "schema": {"type": "text"}}}}, "type"),
                            ({"messages": [{"role": "user", "content": "word " * 60000}]}, "context")):
            self.refused(body, words)

    def test_strangers_are_refused(self):
        connection = http.client.HTTPConnection("127.0.0.1", int(self.server.url.split(":")[2].split("/")[0]))
        connection.request("GET", "/v1/models", headers={"Host": "evil.example"})
        self.assertEqual(connection.getresponse().status, 403)
        connection.close()

    def test_a_client_that_leaves_does_not_block(self):
        connection = http.client.HTTPConnection("127.0.0.1", int(self.server.url.split(":")[2].split("/")[0]))
        body = {"messages": [{"role": "user", "content": "Recite Psalm 23."}], "stream": True}
        connection.request("POST", "/v1/chat/completions", json.dumps(body), {"Content-Type": "application/json"})
        connection.getresponse().read(20)
        connection.close()
        self.test_answer()


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
