"""A running `carat serve` on the demo checkpoint, for the tests beside this file."""
import atexit
import base64
import os
import re
import signal
import subprocess

CALCULATOR = [{"type": "function", "function": {
    "name": "calculate", "description": "Evaluates an arithmetic expression.",
    "parameters": {"type": "object", "properties": {"expression": {"type": "string", "description": "The expression."}},
                   "required": ["expression"]}}}]

# Whatever the model says, an answer by this schema ends soon.
PLACE = {"type": "object", "additionalProperties": False, "required": ["side", "steps", "sure", "colours"],
         "properties": {"side": {"type": "string", "enum": ["left", "right"]},
                        "steps": {"type": "integer", "minimum": 0, "maximum": 99}, "sure": {"type": "boolean"},
                        "colours": {"type": "array", "maxItems": 2, "items": {"enum": ["red", "green", "blue"]}}}}
WEATHER = {"type": "function", "function": {
    "name": "weather", "description": "Tells the weather.", "strict": True,
    "parameters": {"type": "object", "additionalProperties": False, "required": ["city"],
                   "properties": {"city": {"type": "string", "enum": ["Rome", "Oslo"]}}}}}


def check_place(place):
    assert sorted(place) == ["colours", "side", "steps", "sure"], place
    assert place["side"] in ("left", "right") and type(place["sure"]) is bool, place
    assert type(place["steps"]) is int and 0 <= place["steps"] <= 99, place
    assert len(place["colours"]) <= 2 and set(place["colours"]) <= {"red", "green", "blue"}, place


class Server:
    def __init__(self, carat, source):
        self.demo = os.path.join(source, "examples/demo-model/checkpoint")
        self.process = subprocess.Popen([carat, "serve", self.demo, "--port", "0", "--quiet", "--name", "demo", "--greedy"],
                                        stderr=subprocess.PIPE, text=True)
        atexit.register(self.end)
        line = self.process.stderr.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+/v1", line)
        if not found:
            raise RuntimeError(f"the server said {line!r}")
        self.url = found.group()

    def media(self, name):
        """A file of the demo's media as base64."""
        with open(os.path.join(self.demo, "media", name), "rb") as file:
            return base64.b64encode(file.read()).decode()

    def end(self):
        """Ends it where a test failed before stop(): ctest waits for whoever holds the test's output."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(timeout=30)

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(timeout=30)
        self.process.stderr.close()
        return code
