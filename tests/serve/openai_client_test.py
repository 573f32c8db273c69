#!/usr/bin/env python3
"""OpenAI's Python client talks to `carat serve`. Run it with a Python that has the package openai.

usage: openai_client_test.py CARAT SOURCE_DIR
"""
import json
import sys
from typing import Literal

import openai
import pydantic
from server import CALCULATOR, PLACE, WEATHER, Server, check_place

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



# Answers by a schema, as JSON and as the objects that the client makes of it.
class Place(pydantic.BaseModel):
    side: Literal["left", "right"]
    steps: int = pydantic.Field(ge=0, le=99)
    sure: bool
    colours: list[Literal["red", "green", "blue"]] = pydantic.Field(max_length=2)


question = [{"role": "user", "content": "What does 'river' mean?"}]
form = {"type": "json_schema", "json_schema": {"name": "place", "strict": True, "schema": PLACE}}
reply = client.chat.completions.create(model="demo", messages=question, response_format=form)
check_place(json.loads(reply.choices[0].message.content))
reply = client.chat.completions.parse(model="demo", messages=question, response_format=Place)
assert isinstance(reply.choices[0].message.parsed, Place), reply
check_place(reply.choices[0].message.parsed.model_dump())
with client.chat.completions.stream(model="demo", messages=question, response_format=Place) as stream:
    assert isinstance(stream.get_final_completion().choices[0].message.parsed, Place)


# Tools as the client makes them, all of them strict.
class weather(pydantic.BaseModel):
    """Tells the weather."""
    city: Literal["Rome", "Oslo"]


tools = [openai.pydantic_function_tool(weather)]
for choice in ("required", {"type": "function", "function": {"name": "weather"}}):
    reply = client.chat.completions.parse(model="demo", messages=question, tools=tools, tool_choice=choice,
                                          parallel_tool_calls=False)
    assert reply.choices[0].finish_reason == "tool_calls", reply
    assert isinstance(reply.choices[0].message.tool_calls[0].function.parsed_arguments, weather), reply
reply = client.chat.completions.create(model="demo", messages=messages[:1], tools=CALCULATOR + [WEATHER], tool_choice="none")
assert reply.choices[0].message.tool_calls is None, reply

for wrong, words in (({"n": 2}, "n must be 1"),
                     ({"response_format": {"type": "json_schema", "json_schema": {
                         "name": "x", "schema": {"type": "object", "not": {"const": 1}}}}}, "not")):
    try:
        client.chat.completions.create(model="demo", messages=messages[:1], **wrong)
        raise AssertionError(f"{wrong} was not refused")
    except openai.BadRequestError as error:
        assert words in str(error), error
assert server.stop() == 0
print("fine")
