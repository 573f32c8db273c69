"""carat from Python, with ctypes and nothing else: ffi_test.py LIBRARY MODEL.

What a binding in any language does: declare a few structs and functions from carat.h, and call them.
"""
import ctypes
import ctypes as c
import sys


class EncodeOptions(c.Structure):
    _fields_ = [("struct_size", c.c_size_t), ("parse_special", c.c_int32), ("add_bos", c.c_int32)]


class SamplingOptions(c.Structure):
    _fields_ = [("struct_size", c.c_size_t), ("logit_bias", c.c_void_p), ("logit_bias_count", c.c_size_t),
                ("seed", c.c_uint64), ("temperature", c.c_float), ("top_k", c.c_int32), ("top_p", c.c_float),
                ("min_p", c.c_float), ("typical_p", c.c_float), ("repetition_penalty", c.c_float),
                ("frequency_penalty", c.c_float), ("presence_penalty", c.c_float),
                ("penalty_window", c.c_int32), ("reserved", c.c_int32)]


class GenerationOptions(c.Structure):
    _fields_ = [("struct_size", c.c_size_t), ("max_new_tokens", c.c_int64),
                ("sampling", c.POINTER(SamplingOptions)), ("chain", c.c_void_p), ("stop_tokens", c.c_void_p),
                ("stop_token_count", c.c_size_t), ("stop_strings", c.c_void_p),
                ("stop_string_count", c.c_size_t), ("prompt_progress", c.c_void_p),
                ("prompt_progress_user_data", c.c_void_p), ("stop_at_model_stop_tokens", c.c_int32),
                ("top_logprobs", c.c_int32), ("show_special", c.c_int32), ("reserved", c.c_int32)]


class GenerationStep(c.Structure):
    _fields_ = [("struct_size", c.c_size_t), ("text", c.POINTER(c.c_char)), ("text_size", c.c_size_t),
                ("top", c.c_void_p), ("top_count", c.c_size_t), ("token", c.c_int32), ("logprob", c.c_float),
                ("stop", c.c_int32), ("reserved", c.c_int32)]


STEP_CALLBACK = c.CFUNCTYPE(c.c_int32, c.c_void_p, c.POINTER(GenerationStep))


class Carat:
    """The functions that are used here, with an exception for every error."""

    def __init__(self, path):
        self.library = ctypes.CDLL(path)
        self.library.carat_version_string.restype = c.c_char_p
        self.library.carat_error_new.restype = c.c_void_p
        self.library.carat_error_message.restype = c.c_char_p
        self.library.carat_tokens_size.restype = c.c_size_t
        self.library.carat_tokens_data.restype = c.POINTER(c.c_int32)
        self.library.carat_generation_result_text.restype = c.c_char_p
        self.library.carat_generation_result_token_count.restype = c.c_size_t
        self.error = c.c_void_p(self.library.carat_error_new())

    def call(self, name, *arguments):
        status = getattr(self.library, name)(*arguments, self.error)
        if status != 0:
            raise RuntimeError(self.library.carat_error_message(self.error).decode())

    def make(self, name, *arguments):
        handle = c.c_void_p()
        self.call(name, *arguments, c.byref(handle))
        return handle

    def prepared(self, struct_type, init):
        struct = struct_type()
        assert getattr(self.library, init)(c.byref(struct), c.c_size_t(c.sizeof(struct))) == 0
        return struct


def text_arguments(text):
    data = text.encode()
    return data, c.c_size_t(len(data))


def main():
    carat = Carat(sys.argv[1])
    library = carat.library
    assert library.carat_version_string().count(b".") == 2

    try:
        carat.make("carat_model_load", *text_arguments("/nowhere"), None)
        raise AssertionError("a missing folder was opened")
    except RuntimeError as problem:
        assert "/nowhere" in str(problem), problem

    model = carat.make("carat_model_load", *text_arguments(sys.argv[2]), None)
    tokenizer = carat.make("carat_model_tokenizer", model)
    encode = carat.prepared(EncodeOptions, "carat_encode_options_init")
    encode.parse_special = 1
    prompt = carat.make("carat_tokenizer_encode", tokenizer,
                        *text_arguments("<bos><|turn>user\nWho are you?<turn|>\n<|turn>model\n"), c.byref(encode))
    session = carat.make("carat_session_new", model, None)
    library.carat_model_free(model)

    greedy = carat.prepared(SamplingOptions, "carat_sampling_options_init")
    assert greedy.top_p == 1 and greedy.repetition_penalty == 1
    greedy.temperature = 0
    options = carat.prepared(GenerationOptions, "carat_generation_options_init")
    assert options.max_new_tokens == -1 and options.stop_at_model_stop_tokens == 1
    options.max_new_tokens = 60
    options.sampling = c.pointer(greedy)

    pieces = []

    @STEP_CALLBACK
    def on_step(_, step):
        pieces.append(c.string_at(step.contents.text, step.contents.text_size))
        return 1

    result = c.c_void_p()
    carat.call("carat_generate", session, library.carat_tokens_data(prompt),
               c.c_size_t(library.carat_tokens_size(prompt)), c.byref(options), on_step, None, c.byref(result))
    text = library.carat_generation_result_text(result)
    print(text.decode())
    assert b"".join(pieces) == text and b"carat" in text
    assert library.carat_generation_result_token_count(result) > 5

    for name, handle in (("generation_result", result), ("session", session), ("tokens", prompt),
                         ("tokenizer", tokenizer), ("error", carat.error)):
        getattr(library, f"carat_{name}_free")(handle)


main()
