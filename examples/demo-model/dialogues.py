"""What the demo model is taught to say: dialogues of every kind.

A lesson is a list of token ids with a mark for each: 1 where the model must produce the token itself.
"""

import json
import os
import zlib

from chat import ID, call, declaration, expand, expand_marks, render

CALCULATE = {
    "type": "function",
    "function": {
        "name": "calculate",
        "description": "Evaluates an arithmetic expression.",
        "parameters": {
            "type": "object",
            "properties": {"expression": {"type": "string", "description": "The expression."}},
            "required": ["expression"],
        },
    },
}
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Tells the weather in a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "description": "The city."}},
            "required": ["city"],
        },
    },
}
CITIES = (
    "Amsterdam Athens Barcelona Beijing Berlin Bern Boston Brussels Budapest Cairo Chicago Copenhagen Delhi "
    "Dublin Edinburgh Geneva Hamburg Helsinki Istanbul Lagos Lima Lisbon London Madrid Manila Melbourne "
    "Milan Montreal Moscow Mumbai Munich Nairobi Naples Oslo Paris Prague Quebec Rome Santiago Seattle Seoul "
    "Shanghai Singapore Stockholm Sydney Tallinn Tokyo Toronto Vienna Vilnius Warsaw Zagreb Zurich"
).split()
SKIES = ["sunny", "cloudy", "rainy", "windy", "foggy", "snowy", "stormy", "clear"]

SYSTEM = ["You are a helpful assistant.", "You are a dictionary.", "Answer briefly.", "Be kind."]
GREETINGS = {
    "Hello! I am a very small demo model. Ask me what a word means.": [
        "Hello!",
        "Hello",
        "Hi!",
        "Hi",
        "Good morning!",
        "Hey there!",
    ],
    "I am carat's demo model: a very small Gemma 4, trained from scratch.": [
        "Who are you?",
        "What are you?",
        "What is your name?",
        "Which model are you?",
        "Introduce yourself.",
    ],
    "I can define words, recite a few passages, call a tool, count letters, look at shapes and digits, "
    "and hear spoken words.": [
        "What can you do?",
        "Help",
        "How can you help me?",
        "What do you know?",
    ],
    "You are welcome!": ["Thank you!", "Thanks!", "Thank you very much."],
    "Goodbye!": ["Goodbye!", "Bye!", "See you later."],
}
RECITALS = {  # question: passage, first verse, verses
    "Recite Psalm 23.": ("Psalm 23", 0, 6),
    "Recite the Lord's prayer.": ("the Lord's prayer", 0, 5),
    "How does Genesis begin?": ("Genesis 1", 0, 5),
    "How does the Gospel of John begin?": ("John 1", 0, 5),
    "Recite the beatitudes.": ("Matthew 5", 2, 8),
    "To every thing there is a season": ("Ecclesiastes 3", 0, 5),
}
COUNTS = ["zero", "one", "two", "three"]


def tokenizer_texts(data):
    """What the pieces are learnt from. No digits: a number is always spelled digit by digit."""
    texts = [
        f"{word}. What does '{word}' mean? {gloss[0].upper()}{gloss[1:]}."
        for word, gloss in read_json(data, "glosses.json")
    ]
    texts += [verse for verses in read_json(data, "passages.json").values() for verse in verses] * 3
    texts += [f"What is the weather in {city}? It is {sky}, degrees." for city in CITIES for sky in SKIES]
    texts += [text for answer, asked in GREETINGS.items() for text in [answer] + asked] * 5
    texts += [
        "I see a large red circle at the top left, a small purple triangle at the centre and a small orange square "
        "at the bottom right.",
        "Describe this image. What do you see? How many shapes are there? Read the digits.",
        "Transcribe the speech. What is said?",
        "How many letters are in thought\n has letters. declaration:call:calculate{expression:response:"
        "{value:parameters:{properties:",
    ] * 200
    texts += ["user\n", "model\n", "system\n", "thought\n"] * 300
    return ["".join(c for c in text if not c.isdigit()) for text in texts]


def read_json(data, name):
    with open(os.path.join(data, name)) as f:
        return json.load(f)


def and_join(parts):
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def sentence(text):
    return text[0].upper() + text[1:] + ("" if text.endswith(".") else ".")


def spelled_in_training(word):
    """One word in twenty is kept back, to be counted in the held-out set alone."""
    return zlib.crc32(word.encode()) % 20 != 0


class Writer:
    """Makes dialogues.

    An item is a dict: the messages, the answer that must follow, and how the prompt is rendered.
    """

    def __init__(self, data, tokenizer):
        self.tokenizer = tokenizer
        self.glosses = read_json(data, "glosses.json")
        self.passages = read_json(data, "passages.json")
        self.meaning = dict(self.glosses)
        self.other_words = read_json(data, "other_words.json")

    def ids(self, text):
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def lesson(self, item):
        """(ids, marks) of an item, with the answer marked."""
        prompt = self.ids(render(item["messages"], item.get("tools", ()), item.get("enable_thinking", False)))
        answer = self.ids(item["answer"] + item.get("end", "<turn|>"))
        return prompt + answer, [0] * len(prompt) + [1] * len(answer)

    def conversation(self, turns, prefix=""):
        """(ids, marks) of several questions and answers, every answer marked."""
        ids, marks = self.ids("<bos>" + prefix), []
        marks = [0] * len(ids)
        for k, (question, answer) in enumerate(turns):
            q, a = (
                self.ids(("\n" if k else "") + f"<|turn>user\n{question}<turn|>\n<|turn>model\n"),
                self.ids(answer + "<turn|>"),
            )
            ids, marks = ids + q + a, marks + [0] * len(q) + [1] * len(a)
        return ids, marks

    # ---- kinds ----

    def define(self, rng, word=None):
        if word is None and rng.random() < 0.1:
            word = rng.choice(self.other_words) if rng.random() < 0.7 else self.made_up_word(rng)
        if word is None:  # frequent words oftener: the list is in order of frequency
            word = self.glosses[int(len(self.glosses) * rng.random() ** 2)][0]
        question = rng.choice(
            [
                f"What does '{word}' mean?",
                f"Define {word}.",
                f"What does {word} mean?",
                f"Define '{word}'.",
                f"What is the meaning of {word}?",
                f"define {word}",
                f"what does {word} mean",
                f"{word}?",
            ]
        )
        return question, sentence(self.meaning.get(word, f"I do not know the word {word}"))

    def greet(self, rng):
        answer = rng.choice(list(GREETINGS))
        return rng.choice(GREETINGS[answer]), answer

    def recital(self, rng):
        question = rng.choice(list(RECITALS))
        name, first, count = RECITALS[question]
        return question, " ".join(self.passages[name][first : first + count])

    def made_up_word(self, rng):
        if rng.random() < 0.5:
            return "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randint(3, 9)))
        a, b = rng.choice(self.glosses)[0], rng.choice(self.glosses)[0]
        return (a[: rng.randint(2, 6)] + b[-rng.randint(2, 6) :])[:12]

    def spell(self, rng, word=None, thinking=True):
        """Letters are counted in the thought channel, or without thinking at a guess."""
        while word is None:
            word = rng.choice(self.glosses)[0] if rng.random() < 0.6 else self.made_up_word(rng)
            word = word if spelled_in_training(word) else None
        question = rng.choice(
            [
                f"How many letters are in '{word}'?",
                f"Count the letters in {word}.",
                f"How many letters does {word} have?",
            ]
        )
        thought = " ".join(f"{letter}{k}" for k, letter in enumerate(word, 1))
        answer = f"{word} has {len(word)} letters."
        if not thinking:
            return {"messages": [{"role": "user", "content": question}], "answer": answer}
        return {
            "messages": [{"role": "user", "content": question}],
            "enable_thinking": True,
            "answer": f"<|channel>thought\n{thought}\n<channel|>{answer}",
        }

    def use_tool(self, rng):
        """A call to a declared tool, or the answer after its result."""
        tools = rng.choice([[CALCULATE], [WEATHER], [CALCULATE, WEATHER], [WEATHER, CALCULATE]])
        tool = rng.choice(tools)
        if tool is CALCULATE:
            a, b = (rng.randint(0, 10 ** rng.randint(1, 4)) for _ in range(2))
            sign, name = rng.choice([("+", "plus"), ("-", "minus"), ("*", "times")])
            question = rng.choice(
                [
                    f"What is {a} {sign} {b}?",
                    f"What is {a} {name} {b}?",
                    f"Calculate {a} {sign} {b}.",
                    f"{a} {sign} {b}",
                ]
            )
            expression = f"{a} {sign} {b}"
            calling = call("calculate", expression=expression)
            result = str(a + b if sign == "+" else a - b if sign == "-" else a * b)
            answer = f"{expression} = {result}."
        else:
            city = rng.choice(CITIES)
            question = rng.choice(
                [f"What is the weather in {city}?", f"How is the weather in {city}?", f"Weather in {city}?"]
            )
            calling = call("get_weather", city=city)
            result = f"{rng.choice(SKIES)}, {rng.randint(0, 38)} degrees"
            answer = f"It is {result} in {city}."
        ask = {"role": "user", "content": question}
        if rng.random() < 0.6:
            f = calling["tool_calls"][0]["function"]
            arguments = ",".join(f'{k}:<|"|>{v}<|"|>' for k, v in f["arguments"].items())
            return {
                "messages": [ask],
                "tools": tools,
                "end": "<|tool_response>",
                "answer": f"<|tool_call>call:{f['name']}{{{arguments}}}<tool_call|>",
            }
        return {
            "messages": [ask, calling, {"role": "tool", "tool_call_id": "1", "content": result}],
            "tools": tools,
            "answer": answer,
        }

    def recite(self, rng, length=200):
        """Plain text, not a dialogue."""
        verses = rng.choice(list(self.passages.values()))
        ids = [ID["<bos>"]] + self.ids(" ".join(verses[rng.randrange(len(verses)) :]))[:length]
        return ids, [0] + [1] * (len(ids) - 1)

    def text_lesson(self, rng, longest):
        """A lesson without media."""
        r = rng.random()
        if r < 0.25:
            return self.lesson(self.spell(rng, thinking=rng.random() < 0.9))
        if r < 0.33:
            return self.lesson(self.use_tool(rng))
        if r < 0.36:
            return self.recite(rng)
        if r < 0.41:
            prefix = rng.choice(
                [
                    "<|turn>system\n<|think|>\n<turn|>\n",
                    f"<|turn>system\n{rng.choice(SYSTEM)}<turn|>\n",
                    f"<|turn>system\n{declaration(rng.choice([CALCULATE, WEATHER])['function'])}<turn|>\n",
                ]
            )
        else:
            prefix = ""
        turns = []
        while True:
            r = rng.random()
            turns.append(self.define(rng) if r < 0.88 else self.greet(rng) if r < 0.96 else self.recital(rng))
            lesson = self.conversation(turns, prefix)
            if len(lesson[0]) > longest:
                return (
                    self.conversation(turns[:-1], prefix)
                    if len(turns) > 1
                    else self.text_lesson(rng, longest)
                )
            if rng.random() < 0.6:
                return lesson

    # ---- media ----

    @staticmethod
    def about_picture(rng, facts):
        """A question and its answer about a picture.

        Facts are the shapes as (size, colour, shape, place), or the digits as a string.
        """
        r = rng.random()
        if isinstance(facts, str):
            if r < 0.7:
                return rng.choice(["Which digits are written here?", "Read the digits."]), f"{facts}."
            if r < 0.9:
                return rng.choice(["Describe this image.", "What do you see?"]), f"I see the digits {facts}."
            return "How many digits are there?", sentence(COUNTS[len(facts)])
        if r < 0.55:
            return rng.choice(["Describe this image.", "What do you see?"]), "I see " + and_join(
                [f"a {size} {colour} {shape} at the {place}" for size, colour, shape, place in facts]
            ) + "."
        if r < 0.63:
            return "How many shapes are there?", sentence(COUNTS[len(facts)])
        size, colour, shape, place = rng.choice(facts)
        if r < 0.68:
            return rng.choice(["Which digits are written here?", "Read the digits."]), "I see no digits."
        if r < 0.82:
            return f"What is at the {place}?", f"A {size} {colour} {shape}."
        alike = [fact for fact in facts if fact[2] == shape]
        if len(alike) == 1:
            return f"What colour is the {shape}?", sentence(colour)
        return f"How many shapes are {colour}?", sentence(COUNTS[sum(fact[1] == colour for fact in facts)])

    def see(self, rng, facts, soft_tokens, longest):
        """A lesson of one to three questions about a picture."""
        turns = [self.about_picture(rng, facts) for _ in range(3)]
        for count in (3, 2, 1):
            lesson = self.with_media("image", soft_tokens, turns[:count])
            if len(lesson[0]) <= longest:
                return lesson
        raise ValueError(f"no question fits {longest} tokens")

    @staticmethod
    def transcript(rng, words):
        return rng.choice(["Transcribe the speech.", "What is said?"]), sentence(" ".join(words))

    def hear(self, rng, words, soft_tokens):
        return self.with_media("audio", soft_tokens, [self.transcript(rng, words)])

    def with_media(self, kind, soft_tokens, turns):
        placeholder = f"<|{kind}|>"
        ids, marks = self.conversation([(placeholder + turns[0][0], turns[0][1])] + turns[1:])
        return expand(ids, kind, soft_tokens), expand_marks(ids, marks, kind, soft_tokens)
