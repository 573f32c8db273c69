#!/usr/bin/env python3
"""OpenAI's Python client talks to `carat serve`. Run it with a Python that has the package openai.

usage: openai_client_test.py CARAT SOURCE_DIR
"""
import json
import sys

import openai
from server import CALCULATOR, Server

server = Server(sys.argv[1], sys.argv[2])
client = openai.OpenAI(base_url=server.url, api_key="none")
assert [model.id for model in client.models.list()] == ["demo"]

messages = [{"role": "user", "content": "What is 710 - 84?"}]
reply = client.chat.completions.create(model="demo", messages=messages, tools=CALCULATOR)
message = reply.choices[0].message
assert reply.choices[0].finish_reason == "tool_calls", reply
assert message.tool_calls[0].function.name == "calculate"
assert json.loads(message.tool_calls[0].function.arguments) == {"expression": "710 - 84"}
messages += [message, {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "626"}]

text = ""
usage = None
for chunk in client.chat.completions.create(model="demo", messages=messages, tools=CALCULATOR, stream=True,
                                            stream_options={"include_usage": True}):
    if chunk.choices:
        text += chunk.choices[0].delta.content or ""
    usage = chunk.usage or usage
assert text == "710 - 84 = 626.", text
assert usage.completion_tokens > 5, usage

picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + server.media("picture0.png")}}
reply = client.chat.completions.create(
    model="demo", messages=[{"role": "user", "content": [picture, {"type": "text", "text": "Describe this image."}]}])
assert "black square" in reply.choices[0].message.content, reply

try:
    client.chat.completions.create(model="demo", messages=messages[:1], n=2)
    raise AssertionError("n=2 was not refused")
except openai.BadRequestError as error:
    assert "n must be 1" in str(error)
assert server.stop() == 0
print("fine")
