"""A running `carat serve` on the demo checkpoint, for the tests beside this file."""
import base64
import os
import re
import signal
import subprocess

CALCULATOR = [{"type": "function", "function": {
    "name": "calculate", "description": "Evaluates an arithmetic expression.",
    "parameters": {"type": "object", "properties": {"expression": {"type": "string", "description": "The expression."}},
                   "required": ["expression"]}}}]


class Server:
    def __init__(self, carat, source):
        self.demo = os.path.join(source, "examples/demo-model/checkpoint")
        self.process = subprocess.Popen([carat, "serve", self.demo, "--port", "0", "--quiet", "--name", "demo", "--greedy"],
                                        stderr=subprocess.PIPE, text=True)
        line = self.process.stderr.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+/v1", line)
        if not found:
            raise RuntimeError(f"the server said {line!r}")
        self.url = found.group()

    def media(self, name):
        """A file of the demo's media as base64."""
        with open(os.path.join(self.demo, "media", name), "rb") as file:
            return base64.b64encode(file.read()).decode()

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(timeout=30)
        self.process.stderr.close()
        return code
