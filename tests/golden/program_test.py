#!/usr/bin/env python3
"""The program `carat` from end to end: what it prints, where, and how it exits.

usage: program_test.py CARAT SOURCE_DIR [unittest arguments]
"""
import json
import math
import os
import pty
import re
import resource
import select
import shlex
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse

CARAT, SOURCE = sys.argv[1], sys.argv[2]
DEMO = os.path.join(SOURCE, "examples/demo-model/checkpoint")
TINY = os.path.join(SOURCE, "tests/golden/models/tiny-e2b")
SMALL = os.path.join(SOURCE, "tests/golden/models/tiny-31b")
COMMANDS = ("run", "chat", "tokenize", "inspect", "check", "bench", "quality", "quantize")
CALCULATOR = f"{SOURCE}/examples/cli/calculator_tools.json"
PATIENCE = 60


def carat(*arguments, stdin="", env=None):
    return subprocess.run([CARAT, *map(str, arguments)], input=stdin.encode(), capture_output=True, timeout=PATIENCE, env=env)


def expected_case(kind, number=0):
    with open(os.path.join(DEMO, "expected.json"), encoding="utf-8") as f:
        return [case for case in json.load(f)["cases"] if case["kind"] == kind][number]


def read_safetensors(path):
    """(header, data) of a safetensors file."""
    with open(path, "rb") as f:
        size, = struct.unpack("<Q", f.read(8))
        return json.loads(f.read(size)), bytearray(f.read())


def write_safetensors(path, header, data):
    text = json.dumps(header).encode()
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)


class ProgramTest(unittest.TestCase):
    def succeed(self, *arguments, stdin=""):
        done = carat(*arguments, stdin=stdin)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        return done

    def output(self, *arguments, stdin=""):
        return self.succeed(*arguments, stdin=stdin).stdout.decode()

    def fail_with(self, exit_code, words, *arguments, stdin=""):
        """It exits so, with one sentence on stderr that names the command and holds the words."""
        done = carat(*arguments, stdin=stdin)
        complaint = done.stderr.decode()
        self.assertEqual(done.returncode, exit_code, complaint)
        self.assertRegex(complaint, r"\Acarat( [a-z]+)?: [^\n]+\n\Z")
        for word in [words] if isinstance(words, str) else words:
            self.assertIn(word, complaint)
        return done

    def folder(self):
        path = tempfile.mkdtemp(prefix="carat-test-")
        self.addCleanup(shutil.rmtree, path)
        return path

    def copy_of(self, model):
        path = os.path.join(self.folder(), "model")
        shutil.copytree(model, path)
        for name in os.listdir(path):
            os.chmod(os.path.join(path, name), 0o644)
        return path

    def ids(self, text, model=DEMO, *arguments):
        return [int(i) for i in self.output("tokenize", model, "--ids-only", *arguments, "--", text).split()]


class Usage(ProgramTest):
    def test_help(self):
        text = self.output("--help")
        for command in COMMANDS:
            self.assertRegex(text, rf"\n +{command} +\S")
        self.assertIn("Exit codes", text)

    def test_help_of_commands(self):
        for command in COMMANDS:
            text = self.output(command, "--help")
            self.assertIn(f"carat {command}", text)
            self.assertIn("Exit codes", text)

    def test_version(self):
        self.assertRegex(self.output("--version"), r"\Acarat \d+\.\d+\.\d+\n\Z")

    def test_no_arguments(self):
        done = carat()
        self.assertEqual((done.returncode, done.stdout), (2, b""))
        self.assertIn(b"Usage", done.stderr)

    def test_wrong_arguments(self):
        self.fail_with(2, "nonsense", "nonsense")
        self.fail_with(2, "--nonsense", "run", DEMO, "x", "--nonsense")
        self.fail_with(2, "MODEL", "run")
        self.fail_with(2, "PATH", "check")
        self.fail_with(2, "--threads", "run", DEMO, "x", "--threads", "-3")
        self.fail_with(2, "--kv-type", "run", DEMO, "x", "--kv-type", "int3")
        self.fail_with(2, "--instruction-set", "run", DEMO, "x", "--instruction-set", "mmx")
        self.fail_with(2, "--logit-bias", "run", DEMO, "x", "--logit-bias", "five")
        self.fail_with(2, "top_p", "run", DEMO, "x", "--top-p", "7")

    def test_missing_and_broken_files(self):
        for command in ("run", "chat", "tokenize", "inspect", "check"):
            text = ["x"] if command in ("run", "tokenize") else []
            self.fail_with(2, "/no/such/folder", command, "/no/such/folder", *text)
        empty = self.folder()
        self.fail_with(2, "config.json", "run", empty, "x")
        broken = self.copy_of(TINY)
        name = "model-00003-of-00013.safetensors"
        os.truncate(os.path.join(broken, name), 5000)
        self.fail_with(2, name, "run", broken, "x")
        self.fail_with(2, name, "inspect", broken)
        with open(os.path.join(broken, "tokenizer.json"), "w") as f:
            f.write('{"model": ')
        self.fail_with(2, "tokenizer.json", "tokenize", broken, "x")

    def test_program_uses_public_headers_only(self):
        # The command's program compiles its own copy of the JSON reader, which knows nothing of models.
        own_copy = r"base/json_(text|tree)\.h"
        for folder, _, names in os.walk(os.path.join(SOURCE, "examples")):
            allowed = rf"(?!{own_copy})" if f"{os.sep}cli" in folder else ""
            for name in names:
                if name.endswith((".cc", ".c", ".h")):
                    with open(os.path.join(folder, name), encoding="utf-8") as f:
                        self.assertNotRegex(f.read(), rf'#include "(\.\./)*lib/{allowed}', name)


class Tokenize(ProgramTest):
    TEXT = "Define 'river'.\n\ttwo  spaces, é 中 🙂 <turn|>"

    def test_round_trip(self):
        ids = self.ids(self.TEXT)
        self.assertEqual(self.output("tokenize", DEMO, "--decode", " ".join(map(str, ids))), self.TEXT + "\n")
        self.assertEqual(self.output("tokenize", DEMO, "--decode", "-", stdin=str(ids)), self.TEXT + "\n")

    def test_standard_input(self):
        self.assertEqual(self.output("tokenize", DEMO, "--ids-only", stdin=self.TEXT).split(), list(map(str, self.ids(self.TEXT))))

    def test_forms_agree(self):
        ids = self.ids(self.TEXT)
        as_json = json.loads(self.output("tokenize", os.path.join(DEMO, "tokenizer.json"), "--json", "--", self.TEXT))
        self.assertEqual((as_json["text"], as_json["ids"]), (self.TEXT, ids))
        rows = [line.split("\t") for line in self.output("tokenize", DEMO, self.TEXT).splitlines()]
        self.assertEqual([int(row[0]) for row in rows], ids)
        self.assertEqual(len(as_json["pieces"]), len(ids))

    def test_control_tokens(self):
        end = json.loads(self.output("tokenize", DEMO, "--json", "--parse-special", "<turn|>"))
        self.assertEqual(end["pieces"], ["<turn|>"])
        self.assertGreater(len(self.ids("<turn|>")), 1)
        self.assertEqual(self.output("tokenize", DEMO, "--decode", end["ids"][0], "--skip-special"), "\n")
        self.assertEqual(self.ids("a", DEMO, "--bos")[1:], self.ids("a"))

    def test_errors(self):
        self.fail_with(2, "'x'", "tokenize", DEMO, "--decode", "1 x")
        self.fail_with(2, "99999999", "tokenize", DEMO, "--decode", "99999999")


class Run(ProgramTest):
    PROMPT = "In the beginning God created"

    def test_greedy_text(self):
        case = expected_case("recite")
        done = self.succeed("run", DEMO, case["text"], "--greedy", "--max-tokens", len(case["greedy_ids"]))
        self.assertEqual(done.stdout.decode(), case["greedy_text"] + "\n")

    def test_statistics(self):
        stderr = self.succeed("run", DEMO, self.PROMPT, "--max-tokens", 9, "--seed", 1, "--ignore-stop").stderr.decode()
        prompt = len(self.ids(self.PROMPT, DEMO, "--bos"))
        self.assertRegex(stderr, rf"prompt {prompt} tokens in [\d.]+ s \([\d.]+ tokens/s\)")
        self.assertRegex(stderr, r"generated 9 tokens in [\d.]+ s \([\d.]+ tokens/s\); token limit\n")
        self.assertRegex(stderr, r"peak memory [\d.]+ [MG]B")
        self.assertIn("--seed 1", stderr)

    def test_quiet(self):
        self.assertEqual(self.succeed("run", DEMO, self.PROMPT, "--max-tokens", 3, "--quiet").stderr, b"")

    def test_prompt_from_standard_input(self):
        arguments = ("--greedy", "--max-tokens", 12)
        text = self.output("run", DEMO, self.PROMPT, *arguments)
        self.assertEqual(self.output("run", DEMO, *arguments, stdin=self.PROMPT), text)
        self.assertEqual(self.output("run", DEMO, "-", *arguments, stdin=self.PROMPT), text)

    def test_seed(self):
        arguments = ("run", DEMO, "I", "--max-tokens", 30, "--temperature", 3, "--top-k", 0, "--top-p", 1)
        texts = [self.output(*arguments, "--seed", seed) for seed in (7, 7, 8)]
        self.assertEqual(texts[0], texts[1])
        self.assertNotEqual(texts[0], texts[2])

    def test_configurations_agree(self):
        texts = {self.output("run", DEMO, self.PROMPT, "--greedy", "--max-tokens", 16, *more)
                 for more in ((), ("--chunk", 1), ("--threads", 1), ("--instruction-set", "plain"), ("--no-preload",),
                              ("--context", 64), ("--kv-type", "float32"))}
        self.assertEqual(len(texts), 1, texts)

    def test_stops(self):
        text = self.output("run", DEMO, self.PROMPT, "--greedy", "--max-tokens", 40)
        word = text.split()[3]
        self.assertEqual(self.output("run", DEMO, self.PROMPT, "--greedy", "--max-tokens", 40, "--stop", word), text[:text.index(word)] + "\n")
        case = expected_case("greet")
        ends = self.output("run", DEMO, case["prompt"], "--greedy", "--parse-special", "--show-special")
        self.assertEqual(ends.rstrip("\n").removesuffix("<turn|>"), case["greedy_text"].removesuffix("<turn|>"))

    def test_logit_bias_forbids(self):
        case = expected_case("recite")
        first = case["greedy_ids"][0]
        table = self.output("run", DEMO, case["text"], "--greedy", "--max-tokens", 1, "--logprobs", 2, "--logit-bias", f"{first}=-inf")
        self.assertNotEqual(int(table.split()[1]), first)

    def test_logprobs(self):
        case = expected_case("recite")
        lines = self.output("run", DEMO, case["text"], "--greedy", "--max-tokens", 5, "--logprobs", 3).splitlines()
        self.assertEqual([int(line.split()[1]) for line in lines], case["greedy_ids"][:5])
        for line in lines:
            chosen, likeliest = line.split("\t|\t")
            entries = [entry.split(" ", 2) for entry in (re.sub(" +", " ", e.strip()) for e in likeliest.split("\t"))]
            logprobs = [float(entry[0]) for entry in entries]
            self.assertEqual(len(entries), 3)
            self.assertEqual(logprobs, sorted(logprobs, reverse=True))
            self.assertLessEqual(sum(map(math.exp, logprobs)), 1.0001)
            self.assertEqual(chosen.split()[:2], [f"{logprobs[0]:.4f}", entries[0][1]])  # greedy

    def test_errors(self):
        self.fail_with(2, "empty", "run", DEMO, "", "--raw")
        self.fail_with(3, "context", "run", DEMO, self.PROMPT * 5, "--context", 8)

    def test_interrupt(self):
        stops = json.loads(self.output("inspect", TINY, "--json"))["stop_tokens"]
        never = [f"--logit-bias={stop.split()[0]}=-inf" for stop in stops]
        with subprocess.Popen([CARAT, "run", TINY, "x", "--greedy", "--show-special", *never], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as running:
            self.addCleanup(running.kill)
            self.assertEqual(len(running.stdout.read(20)), 20)  # it has begun
            running.send_signal(signal.SIGINT)
            _, complaint = running.communicate(timeout=PATIENCE)
        self.assertEqual(running.returncode, 130, complaint)
        self.assertRegex(complaint.decode(), r"generated \d[\d,]* tokens in .*; interrupted\n")


class Questions(ProgramTest):
    def test_run_with_chat_asks(self):
        asked = self.output("run", "--chat", DEMO, Chat.QUESTION, "--greedy", "-q")
        self.assertEqual(asked, Chat.ANSWER + "\n")

    def test_run_alone_says_so(self):
        words = "answers questions with 'carat chat MODEL' or 'carat run --chat MODEL QUESTION'"
        arguments = ("run", DEMO, Chat.QUESTION, "--greedy", "--max-tokens", 1)
        self.assertIn(words, self.succeed(*arguments).stderr.decode())
        for more in (["-q"], ["--chat"], ["--raw"]):
            self.assertNotIn(words, self.succeed(*arguments, *more).stderr.decode())

    def test_a_drawn_seed_is_shown(self):
        arguments = ("run", DEMO, "I", "--max-tokens", 12, "--temperature", 3, "--ignore-stop")
        for drawn in ("-1", "random"):
            done = self.succeed(*arguments, "--seed", drawn)
            seed = re.match(r"(?s).*^--seed (\d+)$", done.stderr.decode(), re.M)[1]
            self.assertEqual(self.succeed(*arguments, "--seed", seed).stdout, done.stdout)
        for bad in ("-2", "1x", "", "18446744073709551616"):
            self.fail_with(2, f"not '{bad}'", *arguments, "-q", "--seed", bad)


class Chat(ProgramTest):
    QUESTION = "Who are you?"
    ANSWER = expected_case("greet")["greedy_text"].removesuffix("<turn|>")

    def prompt_sizes(self, stderr):
        return [int(n.replace(",", "")) for n in re.findall(r"prompt ([\d,]+) tokens", stderr.decode())]

    def test_turns(self):
        other = expected_case("define", 1)
        done = self.succeed("chat", DEMO, "--greedy", stdin=f"{self.QUESTION}\n/reset\n{other['messages'][0]['content']}\n")
        self.assertEqual(done.stdout.decode(), self.ANSWER + "\n" + other["greedy_text"].removesuffix("<turn|>") + "\n")

    def test_only_the_new_turn_is_read(self):
        done = self.succeed("chat", DEMO, "--greedy", "--stats", stdin=f"{self.QUESTION}\n{self.QUESTION}\n")
        turn = len(self.ids(f"<|turn>user\n{self.QUESTION}<turn|>\n<|turn>model\n", DEMO, "--parse-special"))
        self.assertEqual(self.prompt_sizes(done.stderr), [1 + turn, turn + len(self.ids("<turn|>\n", DEMO, "--parse-special"))])

    def test_system(self):
        done = self.succeed("chat", DEMO, "--greedy", "--stats", "--system", " Be brief. ", stdin=self.QUESTION)
        whole = f"<bos><|turn>system\nBe brief.<turn|>\n<|turn>user\n{self.QUESTION}<turn|>\n<|turn>model\n"
        self.assertEqual(self.prompt_sizes(done.stderr), [len(self.ids(whole, DEMO, "--parse-special"))])

    def test_typed_control_tokens_are_text(self):
        done = self.succeed("chat", DEMO, "--greedy", "--stats", "--max-tokens", 1, stdin="<turn|>")
        marks = len(self.ids("<bos><|turn><turn|>\n<|turn>model\n", DEMO, "--parse-special"))
        self.assertEqual(self.prompt_sizes(done.stderr), [marks + len(self.ids("user\n<turn|>"))])

    def test_commands(self):
        done = self.succeed("chat", DEMO, stdin="/help\n/nonsense\n\n/exit\nnever read\n")
        self.assertEqual(done.stdout, b"")
        self.assertIn(b"/reset", done.stderr)
        self.assertIn(b"/nonsense", done.stderr)

    def test_a_message_that_begins_with_a_slash(self):
        done = self.succeed("chat", DEMO, "--greedy", "--stats", "--max-tokens", 1, stdin="//etc is a folder\n")
        whole = "<bos><|turn>user\n/etc is a folder<turn|>\n<|turn>model\n"
        self.assertEqual(self.prompt_sizes(done.stderr), [len(self.ids(whole, DEMO, "--parse-special"))])

    def test_pasted_paths(self):
        """Quoted, escaped, with ~ or as a URL: the file is found, and is no picture; else it is named."""
        home = self.folder()
        name = os.path.join(home, "it's a \"pic\" (1) é.png")
        with open(name, "wb") as f:
            f.write(b"no picture")
        escaped = "".join("\\" + c if c in " '\"()" else c for c in name)
        rest = os.path.basename(name)
        forms = [name, escaped, shlex.quote(name), '"' + name.replace('"', '\\"') + '"', "~/" + rest,
                 "~/" + os.path.basename(escaped), "file://" + urllib.parse.quote(name),
                 "file://localhost" + urllib.parse.quote(name), "'file://" + urllib.parse.quote(name) + "'"]
        for form in forms:
            with self.subTest(form):
                done = carat("chat", SMALL, "-q", stdin=f"/image {form}\n", env={**os.environ, "HOME": home})
                self.assertEqual(done.returncode, 0)
                self.assertIn(name + ":", done.stderr.decode())
                self.assertNotIn("no such file", done.stderr.decode())
        done = self.succeed("chat", SMALL, "-q", stdin="/image 'a b.png'\n")
        self.assertIn("a b.png: no such file", done.stderr.decode())

    def test_full_context(self):
        done = self.succeed("chat", DEMO, "--greedy", "--context", 30, stdin=f"{'word ' * 60}\n/reset\nHi\n")
        self.assertIn(b"/reset", done.stderr)
        self.assertGreater(len(done.stdout), 2)  # the second message was answered

    def test_limited_answer_goes_on(self):
        """An answer that a limit cut is closed before the next turn."""
        done = self.succeed("chat", DEMO, "--greedy", "--stats", "--max-tokens", 4, stdin=f"{self.QUESTION}\n{self.QUESTION}\n")
        turn = len(self.ids(f"<|turn>user\n{self.QUESTION}<turn|>\n<|turn>model\n", DEMO, "--parse-special"))
        # the last of the four tokens, then the end of the turn
        self.assertEqual(self.prompt_sizes(done.stderr)[1], 1 + len(self.ids("<turn|>\n", DEMO, "--parse-special")) + turn)

    def test_interrupt_in_a_terminal(self):
        stops = json.loads(self.output("inspect", TINY, "--json"))["stop_tokens"]
        never = [f"--logit-bias={stop.split()[0]}=-inf" for stop in stops]
        process, terminal = pty.fork()
        if process == 0:
            os.execv(CARAT, [CARAT, "chat", TINY, "--greedy", "--stats", "--loop", "0", "--no-history", *never])
        self.addCleanup(os.close, terminal)
        screen = Screen(terminal)
        screen.wait_for("> ")
        os.write(terminal, b"\x03")  # at the prompt: a hint, and it stays
        screen.wait_for("leaves)\r\n> ")
        os.write(terminal, b"go\n")
        screen.wait_for("go\r\n")
        screen.wait_for_length(20)  # it answers
        os.write(terminal, b"\x03")  # during an answer: it ends
        screen.wait_for("interrupted\r\n")
        screen.wait_for("> ")
        os.write(terminal, b"/exit\n")
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), 0)

    def test_tools(self):
        asked = self.succeed("chat", DEMO, "--greedy", "--tools", CALCULATOR, "--yes", stdin="What is 710 - 84?\n")
        self.assertEqual(asked.stdout, b"710 - 84 = 626.\n")
        unasked = self.succeed("chat", DEMO, "--greedy", "--tools", CALCULATOR, stdin="What is 710 - 84?\n")
        self.assertNotIn(b"626", unasked.stdout)
        self.assertIn(b"--yes", unasked.stderr)

    def test_answers_of_a_form(self):
        schema = os.path.join(self.folder(), "schema.json")
        with open(schema, "w") as file:
            json.dump({"type": "object", "properties": {"side": {"enum": ["left", "right"]}, "steps": {"type": "integer", "maximum": 9,
                       "minimum": 0}}, "required": ["side", "steps"], "additionalProperties": False}, file)
        def check(text):
            place = json.loads(text)
            self.assertEqual(sorted(place), ["side", "steps"])
            self.assertIn(place["side"], ["left", "right"])
            self.assertIn(place["steps"], range(10))
        check(self.succeed("chat", DEMO, "--greedy", "--schema", schema, stdin=self.QUESTION + "\n").stdout)
        check(self.succeed("run", DEMO, "--greedy", "--schema", schema, "Where?").stdout)
        grammar = os.path.join(self.folder(), "answer.gbnf")
        with open(grammar, "w") as file:
            file.write('root ::= "yes" | "no"\n')
        self.assertIn(self.succeed("run", DEMO, "--greedy", "--grammar", grammar, "Well?").stdout, [b"yes\n", b"no\n"])
        self.assertEqual(self.succeed("run", DEMO, "--greedy", "--json", "--max-tokens", 20, "Well?").stdout.lstrip()[:1], b"{")
        with open(schema, "w") as file:
            json.dump({"minContains": 2}, file)
        for arguments, words in ((["--schema", schema], "'minContains'"), (["--schema", "nowhere.json"], "nowhere.json"),
                                 (["--schema", schema, "--json"], "--json")):
            for command in ("run", "chat"):
                self.fail_with(2, words, command, DEMO, *arguments)

    def test_what_a_tool_gets_and_says(self):
        folder = self.folder()
        def ask(command):
            with open(CALCULATOR) as file:
                tools = json.load(file)
            tools[0]["command"] = command
            with open(f"{folder}/tools.json", "w") as file:
                json.dump(tools, file)
            self.succeed("chat", DEMO, "--greedy", "--tools", f"{folder}/tools.json", "--yes", stdin="What is 710 - 84?\n")
            with open(f"{folder}/seen") as file:
                return file.read()
        self.assertEqual(json.loads(ask(f"cat > {folder}/seen")), {"expression": "710 - 84"})
        self.assertEqual(ask(f'printf "%s" "$ARG_expression" > {folder}/seen'), "710 - 84")
        ask(f"echo > {folder}/seen; exit 3")  # an error is a result
        ask(f"echo > {folder}/seen; exec <&-; head -c 1000000 /dev/zero | tr '\\0' x")  # what is printed is cut

    def test_wrong_tools(self):
        folder = self.folder()
        for text, words in ("{", "JSON"), ("{}", "list"), ('[{"function": {"name": "f"}}]', "command"):
            with open(f"{folder}/tools.json", "w") as file:
                file.write(text)
            self.fail_with(2, words, "chat", DEMO, "--tools", f"{folder}/tools.json")

    def test_thinking_and_media(self):
        done = self.succeed("chat", DEMO, "--greedy", stdin=(
            "/think\nHow many letters are in 'lantern'?\n/undo\n/think\n"
            f"/image {DEMO}/media/picture0.png\nDescribe this image.\n/image\n/audio /no/such.wav\n"))
        self.assertEqual(done.stdout.decode().splitlines(), [
            "lantern has 7 letters.",
            "I see a small black square at the right and a large green circle at the bottom left."])
        self.assertIn(b"/image needs a file", done.stderr)
        self.assertIn(b"/no/such.wav", done.stderr)
        budget = self.succeed("chat", DEMO, "--greedy", "--think", "--thinking-budget", 2, "--stats", "--max-tokens", 30,
                              stdin="How many letters are in 'lantern'?\n")
        self.assertNotEqual(budget.stdout, b"lantern has 7 letters.\n")

    def test_asks_in_a_terminal(self):
        home = self.folder()
        process, terminal = pty.fork()
        if process == 0:
            os.environ.update(TERM="xterm", XDG_STATE_HOME=home)
            os.execv(CARAT, [CARAT, "chat", DEMO, "--greedy", "--tools", CALCULATOR])
        self.addCleanup(os.close, terminal)
        screen = Screen(terminal)
        screen.wait_for("> ")
        os.write(terminal, b"What is 710 - 84?\n")
        screen.wait_for('"710 - 84"')
        screen.wait_for("[a]lways")
        os.write(terminal, b"y\n")
        screen.wait_for("710 - 84 = 626.\r\n")
        screen.wait_for("> ")
        os.write(terminal, b"half a line\x03")  # is given up
        screen.wait_for("leaves)\r\n")
        screen.wait_for("> ")
        os.write(terminal, b"/exit\n")
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), 0)
        if os.path.exists(f"{home}/carat/chat_history"):  # built with libedit
            self.assertEqual(os.stat(f"{home}/carat/chat_history").st_mode & 0o777, 0o600)


class Screen:
    """What a program writes to a terminal, read up to the texts that are waited for."""

    def __init__(self, terminal):
        self.terminal, self.unread = terminal, b""

    def read_more(self, wanted):
        if not select.select([self.terminal], [], [], PATIENCE)[0]:
            raise AssertionError(f"{wanted} did not come, but {self.unread[-500:]}")
        self.unread += os.read(self.terminal, 65536)

    def wait_for(self, text):
        while text.encode() not in self.unread:
            self.read_more(repr(text))
        self.unread = self.unread.partition(text.encode())[2]

    def wait_for_length(self, length):
        while len(self.unread) < length:
            self.read_more(f"{length} bytes")


class Inspect(ProgramTest):
    def test_json(self):
        report = json.loads(self.output("inspect", TINY, "--tensors", "--json"))
        with open(os.path.join(TINY, "config.json"), encoding="utf-8") as f:
            text = json.load(f)["text_config"]
        self.assertEqual(report["layers"], text["num_hidden_layers"])
        self.assertEqual(report["hidden_size"], text["hidden_size"])
        self.assertEqual(report["vocabulary_size"], text["vocab_size"])
        self.assertEqual(report["context_length"], text["max_position_embeddings"])
        stored = {}
        for name in os.listdir(TINY):
            if name.startswith("model") and name.endswith(".safetensors"):
                header = read_safetensors(os.path.join(TINY, name))[0]
                stored.update({n: (t["shape"], name) for n, t in header.items() if n != "__metadata__"})
        self.assertEqual({t["name"]: (t["shape"], t["file"]) for t in report["tensors"]}, stored)
        layers = sum(int(b or a) - int(a) + 1 for kind in report["layer_kinds"] if "language_model" in kind["stack"]
                     for a, b in re.findall(r"(\d+)(?:-(\d+))?", kind["layers"]))
        self.assertEqual(layers, report["layers"])

    def test_memory(self):
        rows = json.loads(self.output("inspect", TINY, "--json", "--context", "100,1000"))["memory"]
        self.assertEqual([row["context"] for row in rows], [100, 1000])
        for row in rows:
            self.assertLess(row["cache_bf16"], row["cache_float32"])
            self.assertLess(row["cache_int16"], row["cache_float32"])
            self.assertLess(row["cache_int8"], row["cache_int16"])
        self.assertLess(rows[0]["cache_float32"], rows[1]["cache_float32"])

    def test_text(self):
        text = self.output("inspect", DEMO)
        for word in ("gemma4", "<turn|>", "temperature 1, top-k 64, top-p 0.95", "8,192", "plain"):
            self.assertIn(word, text)


class Check(ProgramTest):
    def changed(self, change):
        """A copy of a checkpoint whose reference was changed: change(header, data, cases) edits them."""
        path = self.copy_of(SMALL)
        golden, cases_path = os.path.join(path, "golden.safetensors"), os.path.join(path, "cases.json")
        header, data = read_safetensors(golden)
        with open(cases_path, encoding="utf-8") as f:
            cases = json.load(f)
        change(header, data, cases["cases"])
        write_safetensors(golden, header, data)
        with open(cases_path, "w", encoding="utf-8") as f:
            json.dump(cases, f)
        return path

    @staticmethod
    def add(header, data, tensor, index, number):
        at = header[tensor]["data_offsets"][0] + 4 * index
        data[at:at + 4] = struct.pack("<f", struct.unpack("<f", data[at:at + 4])[0] + number)

    def differing(self, path, *arguments):
        """The findings that differ, as {(case, what)}; the exit code must say so."""
        done = carat("check", path, "--json", *arguments)
        report = json.loads(done.stdout)
        found = {(case["name"], finding["what"]) for run in report["runs"] for case in run["cases"]
                 for finding in case["findings"] if not finding["ok"]}
        self.assertEqual(done.returncode, 1 if found else 0, done.stderr)
        self.assertEqual(report["different"] > 0, bool(found))
        return found

    def test_what_is_compared(self):
        report = json.loads(self.output("check", SMALL, "--json"))
        cases = {case["name"]: case for case in report["runs"][0]["cases"]}
        self.assertEqual([f["what"] for f in cases["text"]["findings"]], ["prompt ids", "logits", "hidden states", "greedy ids"])
        self.assertEqual([f["what"] for f in cases["past_window"]["findings"]], ["logits", "greedy ids"])
        for finding in cases["text"]["findings"]:
            self.assertLess(finding.get("error", 0), 1e-3)
        self.assertEqual([f["what"] for f in cases["image"]["findings"]],
                         ["image0_patches", "image0_tower", "image0_soft_tokens", "logits", "greedy ids"])
        self.assertIn("24 steps equal", cases["text"]["findings"][3]["detail"])

    def test_finds_wrong_numbers(self):
        self.assertEqual(self.differing(self.changed(lambda h, d, c: self.add(h, d, "text/logits", 700, 0.01))), {("text", "logits")})
        last = lambda h, d, c: self.add(h, d, "past_window/logits", 640 * 40 - 1, math.nan)
        self.assertEqual(self.differing(self.changed(last)), {("past_window", "logits")})
        path = self.changed(lambda h, d, c: self.add(h, d, "text/hidden", 64 * 14 * 6 + 5, 1.0))  # the final norm
        self.assertEqual(self.differing(path), {("text", "hidden states")})
        self.assertEqual(self.differing(path, "--case", "text", "--hidden-tolerance", 1e9), set())
        self.assertEqual(self.differing(path, "--case", "past_window"), set())

    def test_finds_wrong_ids(self):
        def change(header, data, cases):
            cases[0]["greedy"][10] += 1
        path = self.changed(change)
        self.assertEqual(self.differing(path), {("text", "greedy ids")})
        self.assertRegex(carat("check", path, "--case", "text").stdout.decode(), r"DIFFERS +text +greedy ids +step 10: \d+, the reference has \d+ by")
        self.assertEqual(self.differing(path, "--case", "text", "--margin", 100), set())

    def test_finds_wrong_demo(self):
        path = self.copy_of(DEMO)
        with open(os.path.join(path, "expected.json"), encoding="utf-8") as f:
            expected = json.load(f)
        expected["cases"][2]["greedy_ids"][3] += 1
        expected["cases"][3]["greedy_text"] += "x"
        expected["cases"][4]["prompt_ids"][-1] += 1
        with open(os.path.join(path, "expected.json"), "w", encoding="utf-8") as f:
            json.dump(expected, f)
        found = self.differing(path)
        self.assertLessEqual({("define-3", "greedy ids"), ("define-4", "decoded text"), ("define-5", "prompt ids")}, found)
        self.assertNotIn("define-1", {case for case, _ in found})

    def test_broken_references(self):
        def lengthen(header, data, cases):
            header["text/logits"]["data_offsets"][1] += 4
        def outside(header, data, cases):
            header["text/logits"]["data_offsets"] = [2**62, 2**62 + 4]
        def overflow(header, data, cases):
            header["text/logits"]["shape"] = [2**33, 2**33]
        def negative(header, data, cases):
            header["text/logits"]["shape"] = [-24, -640]
        def other_type(header, data, cases):
            header["text/logits"]["dtype"] = "I32"
        def unknown_type(header, data, cases):
            header["text/logits"]["dtype"] = "F31"
        def no_tensor(header, data, cases):
            del header["text/input_ids"]
        def other_rank(header, data, cases):
            header["text/logits"]["shape"] = [14 * 640]
        def too_many_rows(header, data, cases):
            header["text/logits"]["shape"] = [28, 320]
        def no_margins(header, data, cases):
            del cases[0]["margins"]
        def few_margins(header, data, cases):
            cases[0]["margins"] = [1.0]
        def no_name(header, data, cases):
            cases[0]["name"] = 3
        def wrong_ids(header, data, cases):
            cases[0]["greedy"][0] = -1
        changes = (lengthen, outside, overflow, negative, other_type, unknown_type, no_tensor, other_rank, too_many_rows,
                   no_margins, few_margins, no_name, wrong_ids)
        for change in changes:
            with self.subTest(change.__name__):
                done = carat("check", self.changed(change))
                self.assertEqual(done.returncode, 2, done.stdout)
                self.assertRegex(done.stderr.decode(), r"\Acarat check: \S+(golden.safetensors|cases.json): [^\n]+\n\Z")

    def test_broken_files(self):
        for name in ("golden.safetensors", "cases.json"):
            with self.subTest(name):
                path = self.copy_of(SMALL)
                for size in (1000, 4, 0):
                    os.truncate(os.path.join(path, name), size)
                    self.assertEqual(carat("check", path).returncode, 2)
                os.remove(os.path.join(path, name))
                self.assertEqual(carat("check", path).returncode, 2)
        path = self.copy_of(SMALL)
        with open(os.path.join(path, "golden.safetensors"), "r+b") as f:
            f.write(struct.pack("<Q", 2**63))
        self.assertEqual(carat("check", path).returncode, 2)

    def test_drafter_is_skipped(self):
        path = self.folder()
        shutil.copy(os.path.join(SMALL, "golden.safetensors"), path)
        with open(os.path.join(path, "config.json"), "w", encoding="utf-8") as f:
            json.dump({"model_type": "gemma4_assistant"}, f)
        self.assertIn("a drafter", self.output("check", path))
        with open(os.path.join(path, "config.json"), "w", encoding="utf-8") as f:
            json.dump({"model_type": "gemma4"}, f)
        self.fail_with(2, "cases.json", "check", path)

    def test_one_broken_folder_does_not_hide_the_others(self):
        done = carat("check", self.folder(), SMALL, "--case", "text")
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"logits", done.stdout)

    def test_tokenizer(self):
        texts = ["", "Define 'river'.", "<|turn>user\n", "é 🙂"]
        cases = []
        for text in texts:
            ids = self.ids(text, DEMO, "--parse-special") if text else []
            skipped = self.output("tokenize", DEMO, "--skip-special", "--decode", " ".join(map(str, ids)))[:-1]
            cases.append({"text": text, "ids": ids, "decoded": text, "decoded_skip": skipped})
        path = os.path.join(self.folder(), "cases.json")

        def check():
            with open(path, "w", encoding="utf-8") as f:
                json.dump({"cases": cases}, f)
            return carat("check", "--tokenizer", DEMO, path)
        done = check()
        self.assertEqual((done.returncode, done.stdout), (0, b"4 cases, all equal\n"))
        cases[1]["ids"][0] += 1
        cases[2]["decoded_skip"] += "x"
        done = check()
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"2 of 4 cases DIFFER", done.stdout)
        cases[1]["ids"] = "no list"
        self.assertEqual(check().returncode, 2)


class Quantize(ProgramTest):
    """The demo checkpoint as a GGUF file."""

    def folder(self):
        path = tempfile.mkdtemp(prefix="carat-test-")
        self.addCleanup(shutil.rmtree, path)
        return path

    def quality(self, model, *more):
        text = self.output("quality", model, "--reference", DEMO, "--text", os.path.join(SOURCE, "LICENSE"),
                           "--max-tokens", 120, "--json", *more)
        return json.loads(text)

    def test_floats_lose_nothing(self):
        out = os.path.join(self.folder(), "demo.gguf")
        self.succeed("quantize", DEMO, out, "--type", "bf16", "--embeddings", "bf16", "--per-layer-embeddings", "bf16")
        measured = self.quality(out, "--precision", "float32")
        self.assertEqual((measured["largest_error"], measured["same_best"]), (0, 1))
        ids = lambda model: self.output("tokenize", model, "Two spaces  and a\nline, <|turn>model")
        self.assertEqual(ids(out), ids(DEMO))

    def test_blocks_lose_little(self):
        for kind, most in (("q8_0", 0.03), ("q4_0", 2.0)):
            out = os.path.join(self.folder(), "demo.gguf")
            self.succeed("quantize", DEMO, out, "--type", kind)
            self.assertLess(self.quality(out)["divergence"], most)
            self.fail_with(3, "already", "quantize", DEMO, out, "--type", kind)

    def test_towers_in_a_file_of_their_own(self):
        text, towers = (os.path.join(self.folder(), name) for name in ("text.gguf", "towers.gguf"))
        self.succeed("quantize", SMALL, text, "--type", "bf16", "--mmproj", towers)
        picture = os.path.join(SOURCE, "tests/media/pictures/rgb.png")
        ask = lambda model, *more: ("run", model, *more, "--image", picture, "--temperature", "0", "--max-tokens", "6", "A ")
        self.assertEqual(self.output(*ask(text, "--mmproj", towers)), self.output(*ask(SMALL)))
        self.assertNotEqual(self.output(*ask(text, "--mmproj", towers)), "")
        self.fail_with(3, "no vision tower", *ask(text))
        self.fail_with(2, "holds its own", *ask(SMALL, "--mmproj", towers))
        self.fail_with(2, "/no/such.gguf", *ask(text, "--mmproj", "/no/such.gguf"))
        other, others_towers = (os.path.join(self.folder(), name) for name in ("text.gguf", "towers.gguf"))
        self.succeed("quantize", TINY, other, "--type", "q8_0", "--mmproj", others_towers)
        self.fail_with(2, ("64", "96"), *ask(text, "--mmproj", others_towers))
        inspected = lambda *more: json.loads(self.output("inspect", other, "--json", *more))
        self.assertEqual([inspected(*more)[what] for more in ((), ("--mmproj", others_towers))
                          for what in ("has_vision", "has_audio")], [False, False, True, True])
        self.fail_with(3, "no vision and audio towers", "quantize", text, other + ".new", "--mmproj", towers + ".new")
        self.assertFalse(os.path.exists(other + ".new"))

    def test_only_regular_files_are_written(self):
        folder = self.folder()
        fifo = os.path.join(folder, "fifo")
        os.mkfifo(fifo)
        for path, what in ((fifo, "a FIFO"), ("/dev/null", "a character device"), ("-", "regular file"), (folder, "a folder")):
            self.fail_with(2, what, "quantize", DEMO, path, "--type", "bf16", "--overwrite", "-q")
        self.assertEqual(os.listdir(folder), ["fifo"])
        self.assertTrue(os.path.exists("/dev/null") and not os.path.isfile("/dev/null"))

    def test_outputs_do_not_destroy_each_other_or_the_model(self):
        folder = self.folder()
        out = os.path.join(folder, "out.gguf")
        again = os.path.join(folder, ".", "out.gguf")
        self.fail_with(2, "one name", "quantize", SMALL, out, "--type", "bf16", "--mmproj", again, "-q")
        self.assertEqual(os.listdir(folder), [])
        model = self.copy_of(SMALL)
        before = sorted((name, os.path.getsize(os.path.join(model, name))) for name in os.listdir(model))
        for name, _ in before:
            self.fail_with(2, "belongs to the model", "quantize", model, os.path.join(model, name), "--type", "bf16",
                           "--overwrite", "-q")
        self.assertEqual(sorted((name, os.path.getsize(os.path.join(model, name))) for name in os.listdir(model)), before)
        inside = os.path.join(model, "q8.gguf")
        for _ in range(2):
            self.succeed("quantize", model, inside, "--type", "q8_0", "--overwrite", "-q")

    def test_folders_are_no_texts(self):
        folder = self.folder()
        for option in ("--schema", "--grammar"):
            self.fail_with(2, (folder, "folder"), "run", DEMO, "Say", "--chat", "-q", option, folder)
        self.fail_with(2, (folder, "folder"), "quality", DEMO, "--reference", DEMO, "--text", folder)

    def test_signals_leave_nothing_behind(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL):
            folder = self.folder()
            # A model that takes long enough to be stopped: q2_k rounds slowly on one thread.
            with subprocess.Popen([CARAT, "quantize", DEMO, os.path.join(folder, "out"), "--type", "q2_k", "--threads", "1"],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
                time.sleep(0.05)
                running.send_signal(number)
                code = running.wait()
            stopped = (-number, 128 + number)
            self.assertIn(code, stopped + (0,))
            self.assertEqual(os.listdir(folder), ["out"] if code == 0 else [])

    def test_a_limit_on_file_size_is_an_error(self):
        folder = self.folder()
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        done = subprocess.run([CARAT, "quantize", DEMO, os.path.join(folder, "out"), "--type", "bf16", "-q"], capture_output=True, preexec_fn=limit)
        self.assertEqual(done.returncode, 3)
        self.assertIn("may write 1048576 bytes into one file at most", done.stderr.decode())
        self.assertEqual(os.listdir(folder), [])

    def test_models_by_content(self):
        folder = self.folder()
        blob = os.path.join(folder, "sha256-0123")
        self.succeed("quantize", DEMO, blob, "--type", "bf16", "-q")
        expected = self.output("run", DEMO, "And it", "--greedy", "--max-tokens", 5, "-q")
        for path in (blob, folder, DEMO + "/config.json", DEMO + "/tokenizer.json"):
            self.assertEqual(self.output("run", path, "And it", "--greedy", "--max-tokens", 5, "-q"), expected)
            self.assertEqual(self.output("run", path, "And it", "--greedy", "--max-tokens", 5, "-q", "--read-into-memory"), expected)
        page = os.path.join(folder, "page.gguf")
        with open(page, "w") as f:
            f.write("<!DOCTYPE html>")
        self.fail_with(2, "this is an HTML page", "run", page, "x", "-q")

    def test_errors(self):
        out = os.path.join(self.folder(), "demo.gguf")
        self.fail_with(2, "q7_9", "quantize", DEMO, out, "--type", "q7_9")
        self.assertFalse(os.path.exists(out))

    def test_cut_short(self):
        out = os.path.join(self.folder(), "demo.gguf")
        self.succeed("quantize", DEMO, out, "--type", "q8_0")
        size = os.path.getsize(out)
        for keep in (0, 3, 20, 1000, size // 2, size - 1):
            os.truncate(out, min(keep, os.path.getsize(out)))
            self.assertEqual(carat("run", out, "x").returncode, 2, keep)
            os.unlink(out)
            self.succeed("quantize", DEMO, out, "--type", "q8_0")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
