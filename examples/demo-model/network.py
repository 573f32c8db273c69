"""The demo model's sizes, and a lean forward pass for training that computes what transformers' Gemma 4 computes.

Parameters live in a plain dict under the names of the checkpoint. Everything has a fixed shape and is written as
functions of tensors, so that torch.compile makes one graph for each kind of layer and a CUDA graph can hold a whole
training step.
"""

import math

import torch
import torch.nn.functional as F

VOCABULARY = 2048
SOFT_TOKENS = 64  # most soft tokens that a picture or an utterance takes here
PATCHES = 576
GRIDS = [(24, 24), (27, 21), (21, 27)]  # patches across and down, for square, wide and tall pictures
MEL_FRAMES = 256

TEXT = dict(
    vocab_size=VOCABULARY,
    vocab_size_per_layer_input=VOCABULARY,
    hidden_size=192,
    intermediate_size=512,
    num_hidden_layers=10,
    num_attention_heads=4,
    num_key_value_heads=1,
    head_dim=64,
    global_head_dim=128,
    sliding_window=128,
    num_kv_shared_layers=5,
    use_double_wide_mlp=True,
    hidden_size_per_layer_input=16,
    final_logit_softcapping=30.0,
    max_position_embeddings=8192,
    pad_token_id=0,
    eos_token_id=1,
    bos_token_id=2,
    layer_types=(["sliding_attention"] * 4 + ["full_attention"]) * 2,
)
VISION = dict(
    hidden_size=128,
    intermediate_size=384,
    num_hidden_layers=4,
    num_attention_heads=4,
    num_key_value_heads=4,
    head_dim=32,
    position_embedding_size=256,
    use_clipped_linears=True,
)
AUDIO = dict(
    hidden_size=128,
    num_hidden_layers=4,
    num_attention_heads=4,
    subsampling_conv_channels=[128, 16],
    output_proj_dims=128,
    use_clipped_linears=True,
)
AUDIO_CONTEXT = 12  # frames that an audio query sees, itself included


def reference_model(ids):
    """The model of transformers, with the ids of the control tokens."""
    from transformers import Gemma4Config, Gemma4ForConditionalGeneration

    config = Gemma4Config(
        text_config=TEXT,
        vision_config=VISION,
        audio_config=AUDIO,
        boi_token_id=ids["<|image>"],
        eoi_token_id=ids["<image|>"],
        image_token_id=ids["<|image|>"],
        video_token_id=ids["<|video|>"],
        boa_token_id=ids["<|audio>"],
        eoa_token_index=ids["<audio|>"],
        audio_token_id=ids["<|audio|>"],
    )
    config.eos_token_id = [TEXT["eos_token_id"], ids["<turn|>"], ids["<|tool_response>"]]
    return Gemma4ForConditionalGeneration(config)


def initial_parameters(model, seed):
    """Starting values for every parameter of the checkpoint but the clip bounds, as {name: float32 tensor}."""
    gen = torch.Generator().manual_seed(seed)
    out = {}
    for name, t in model.state_dict().items():
        leaf = name.split(".")[-1]
        if leaf in ("input_min", "input_max", "output_min", "output_max") or name.startswith("lm_head"):
            continue
        if "q_norm" in name or "k_norm" in name:
            value = torch.full(
                t.shape, t.shape[0] ** -0.25
            )  # scores start with a spread of one, as there is no 1/sqrt(d)
        elif "post_" in name and "norm" in name or "norm_post" in name:
            value = torch.full(t.shape, 0.5)  # branches start smaller than the stream they are added to
        elif "norm" in leaf or "norm" in name.split(".")[-2] or leaf == "layer_scalar":
            value = torch.ones(t.shape)
        elif leaf in ("bias", "per_dim_scale"):
            value = torch.zeros(t.shape)
        elif "embed_tokens" in name:
            value = torch.randn(t.shape, generator=gen) * TEXT["hidden_size"] ** -0.5
        elif leaf == "position_embedding_table":
            value = torch.randn(t.shape, generator=gen) * 0.2
        else:
            value = torch.randn(t.shape, generator=gen) * t[0].numel() ** -0.5
        out[name] = value
    return out


def is_matrix(name, tensor):
    """Whether a parameter is the weight of a linear layer (embeddings and convolutions are not)."""
    return tensor.ndim == 2 and "embed_tokens" not in name


def norm(x, weight=None):
    y = x.float()
    y = y * torch.rsqrt(y.square().mean(-1, keepdim=True) + 1e-6)
    return y if weight is None else y * weight


def rotate(x, cos, sin):
    a, b = x.chunk(2, -1)
    return x * cos + torch.cat((-b, a), -1) * sin


def gelu(x):
    return F.gelu(x, approximate="tanh")


# ---- text -----------------------------------------------------------------------------------------------------------


def text_rotary(length, device):
    """(cos, sin) of every position for sliding and for full layers."""
    t = torch.arange(length, device=device, dtype=torch.float32)[:, None]
    out = {}
    for kind, d, theta, rotated in (
        ("sliding_attention", TEXT["head_dim"], 1e4, 1.0),
        ("full_attention", TEXT["global_head_dim"], 1e6, 0.25),
    ):
        i = torch.arange(d // 2, device=device, dtype=torch.float32)
        frequency = torch.where(i < int(rotated * d / 2), theta ** (-2 * i / d), 0.0)
        angle = torch.cat([t * frequency] * 2, -1)
        out[kind] = angle.cos(), angle.sin()
    return out


def text_keys_values(x, w, cos, sin):
    k = rotate(norm(F.linear(x, w["self_attn.k_proj.weight"]), w["self_attn.k_norm.weight"]), cos, sin)
    v = norm(F.linear(x, w["self_attn.v_proj.weight"]))
    return k.to(x.dtype), v.to(x.dtype)


def text_layer(h, per_layer, document, cos, sin, keys_values, w, window):
    """One decoder layer. `document` numbers the documents of a row: no token sees another document."""
    rows, length, _ = h.shape
    heads, d, dtype = TEXT["num_attention_heads"], cos.shape[-1], w["mlp.up_proj.weight"].dtype
    x = norm(h, w["input_layernorm.weight"]).to(dtype)
    k, v = text_keys_values(x, w, cos, sin) if keys_values is None else keys_values
    q = F.linear(x, w["self_attn.q_proj.weight"]).view(rows, length, heads, d)
    q = rotate(norm(q, w["self_attn.q_norm.weight"]), cos[:, None], sin[:, None]).to(dtype)
    # one key and value head serves all query heads: they are rows of one product
    score = (q.view(rows, length * heads, d) @ k.transpose(1, 2)).view(rows, length, heads, length)
    at = torch.arange(length, device=h.device)
    back = at[:, None] - at[None, :]
    seen = (back >= 0) & (back < window) & (document[:, :, None] == document[:, None, :])
    score = score.float().masked_fill(~seen[:, :, None, :], -1e30).softmax(-1).to(dtype)
    a = (score.view(rows, length * heads, length) @ v).view(rows, length, heads * d)
    h = h + norm(F.linear(a, w["self_attn.o_proj.weight"]), w["post_attention_layernorm.weight"])
    x = norm(h, w["pre_feedforward_layernorm.weight"]).to(dtype)
    x = gelu(F.linear(x, w["mlp.gate_proj.weight"])) * F.linear(x, w["mlp.up_proj.weight"])
    h = h + norm(F.linear(x, w["mlp.down_proj.weight"]), w["post_feedforward_layernorm.weight"])
    x = gelu(F.linear(h.to(dtype), w["per_layer_input_gate.weight"])) * per_layer
    h = h + norm(
        F.linear(x.to(dtype), w["per_layer_projection.weight"]), w["post_per_layer_input_norm.weight"]
    )
    return h * w["layer_scalar"], k, v


def text_inputs(ids, source, soft, w):
    """Embeddings with the soft tokens in place, and the per-layer inputs. source: index into `soft`, or -1."""
    dtype = w["per_layer_model_projection.weight"].dtype
    width, layers, d = TEXT["hidden_size"], TEXT["num_hidden_layers"], TEXT["hidden_size_per_layer_input"]
    is_soft = source >= 0
    ids = torch.where(is_soft, TEXT["pad_token_id"], ids)
    h = F.embedding(ids, w["embed_tokens.weight"]) * width**0.5
    h = torch.where(is_soft[..., None], soft.float()[source.clamp(min=0)], h)
    identity = F.embedding(ids, w["embed_tokens_per_layer.weight"]).view(*ids.shape, layers, d) * d**0.5
    context = (
        F.linear(h.to(dtype), w["per_layer_model_projection.weight"]).float().view(*ids.shape, layers, d)
        * width**-0.5
    )
    context = norm(context, w["per_layer_projection_norm.weight"])
    return h, (identity + context) * 2**-0.5


def text_logits(h, w):
    h = norm(h, w["norm.weight"])
    cap = TEXT["final_logit_softcapping"]
    dtype = w["per_layer_model_projection.weight"].dtype
    return cap * torch.tanh(F.linear(h.to(dtype), w["embed_tokens.weight"].to(dtype)).float() / cap)


# ---- vision ---------------------------------------------------------------------------------------------------------


def vision_tables(device):
    """For each grid: positions of the patches, (cos, sin), the validity of patches, and the pooling matrix."""
    d = VISION["head_dim"] // 2
    frequency = 100.0 ** (-2 * torch.arange(d // 2, dtype=torch.float32) / d)
    position, valid = (
        torch.zeros(len(GRIDS), PATCHES, 2, dtype=torch.long),
        torch.zeros(len(GRIDS), PATCHES, dtype=torch.bool),
    )
    pool = torch.zeros(len(GRIDS), SOFT_TOKENS, PATCHES)
    for g, (across, down) in enumerate(GRIDS):
        i = torch.arange(across * down)
        x, y = i % across, i // across
        position[g, i, 0], position[g, i, 1], valid[g, i] = x, y, True
        pool[g, x // 3 + (across // 3) * (y // 3), i] = 1.0
    angle = position[..., None].float() * frequency
    angle = torch.cat([angle[:, :, 0], angle[:, :, 0], angle[:, :, 1], angle[:, :, 1]], -1)
    return tuple(t.to(device) for t in (position, angle.cos(), angle.sin(), valid, pool))


def rotate_2d(x, cos, sin):
    parts = zip(x.chunk(2, -1), cos.chunk(2, -1), sin.chunk(2, -1))
    return torch.cat([rotate(*p) for p in parts], -1)


def vision_layer(h, cos, sin, valid, w):
    count, patches, _ = h.shape
    heads, d, dtype = VISION["num_attention_heads"], VISION["head_dim"], w["mlp.up_proj.linear.weight"].dtype
    x = norm(h, w["input_layernorm.weight"]).to(dtype)
    q, k, v = (
        F.linear(x, w[f"self_attn.{n}_proj.linear.weight"]).view(count, patches, heads, d) for n in "qkv"
    )
    q = rotate_2d(norm(q, w["self_attn.q_norm.weight"]), cos[:, :, None], sin[:, :, None]).to(dtype)
    k = rotate_2d(norm(k, w["self_attn.k_norm.weight"]), cos[:, :, None], sin[:, :, None]).to(dtype)
    q, k, v = (t.transpose(1, 2) for t in (q, k, norm(v).to(dtype)))
    mask = valid[:, None, None, :].expand(-1, -1, patches, -1)
    a = (
        F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=1.0)
        .transpose(1, 2)
        .reshape(count, patches, heads * d)
    )
    h = h + norm(F.linear(a, w["self_attn.o_proj.linear.weight"]), w["post_attention_layernorm.weight"])
    x = norm(h, w["pre_feedforward_layernorm.weight"]).to(dtype)
    x = gelu(F.linear(x, w["mlp.gate_proj.linear.weight"])) * F.linear(x, w["mlp.up_proj.linear.weight"])
    return h + norm(F.linear(x, w["mlp.down_proj.linear.weight"]), w["post_feedforward_layernorm.weight"])


def vision_embed(patches, position, w):
    dtype = w["input_proj.weight"].dtype
    table = w["position_embedding_table"]
    pixels = (2 * (patches.float() / 255 - 0.5)).to(dtype)
    return (
        F.linear(pixels, w["input_proj.weight"]).float()
        + table[0][position[..., 0]]
        + table[1][position[..., 1]]
    )


def vision_pool(h, pool, projection):
    dtype = projection.dtype
    x = (pool.to(dtype) @ h.to(dtype)).float() * (VISION["hidden_size"] ** 0.5 / 9)
    return F.linear(norm(x).to(dtype), projection)


# ---- audio ----------------------------------------------------------------------------------------------------------


def audio_tables(device):
    """The sinusoids of the distances 0..12; for every pair of frames its distance, one-hot, and whether it is seen."""
    width, frames = AUDIO["hidden_size"], MEL_FRAMES // 4
    rate = torch.exp(-torch.arange(width // 2) * math.log(10000.0) / (width // 2 - 1))
    angle = torch.arange(AUDIO_CONTEXT + 1)[:, None] * rate
    back = torch.arange(frames)[:, None] - torch.arange(frames)[None, :]
    sinusoid = torch.cat([angle.sin(), angle.cos()], -1)
    distance = F.one_hot(back.clamp(0, AUDIO_CONTEXT), AUDIO_CONTEXT + 1).float()
    return sinusoid.to(device), distance.to(device), ((back >= 0) & (back < AUDIO_CONTEXT)).to(device)


def audio_subsample(mel, mask, w):
    """[B, frames, 128] -> [B, frames / 4, hidden]; `mask` tells the valid frames."""
    dtype = w["input_proj_linear.weight"].dtype
    x = mel.to(dtype)[:, None]
    for k in range(2):
        x = x * mask[:, None, :: 2**k, None]
        x = F.conv2d(x, w[f"layer{k}.conv.weight"].to(dtype), stride=2, padding=1).permute(0, 2, 3, 1)
        x = (
            F.relu(F.layer_norm(x.float(), x.shape[-1:], w[f"layer{k}.norm.weight"], eps=1e-6))
            .to(dtype)
            .permute(0, 3, 1, 2)
        )
    return F.linear(x.permute(0, 2, 3, 1).flatten(2), w["input_proj_linear.weight"]).float()


def audio_feed_forward(x, w, name):
    dtype = w[name + ".ffw_layer_1.linear.weight"].dtype
    y = norm(x, w[name + ".pre_layer_norm.weight"]).to(dtype)
    y = F.silu(F.linear(y, w[name + ".ffw_layer_1.linear.weight"]))
    return x + 0.5 * norm(
        F.linear(y, w[name + ".ffw_layer_2.linear.weight"]), w[name + ".post_layer_norm.weight"]
    )


def audio_attention(x, sinusoid, distance, seen, w):
    count, frames, width = x.shape
    heads = AUDIO["num_attention_heads"]
    d, dtype = width // heads, x.dtype
    q, k, v = (
        F.linear(x, w[f"self_attn.{n}_proj.linear.weight"]).view(count, frames, heads, d) for n in "qkv"
    )
    q = (q.float() * (d**-0.5 / math.log(2)) * F.softplus(w["self_attn.per_dim_scale"])).to(dtype)
    k = (k.float() * (math.log(1 + math.e) / math.log(2))).to(dtype)
    # a product with one-hot rows: its gradient needs no scattered additions
    relative = (
        distance.to(dtype) @ F.linear(sinusoid.to(dtype), w["self_attn.relative_k_proj.weight"])
    ).view(frames, frames, heads, d)
    score = torch.einsum("bihd,bjhd->bhij", q, k) + torch.einsum("bihd,ijhd->bhij", q, relative)
    score = 50.0 * torch.tanh(score.float() / 50.0)
    score = score.masked_fill(~seen, -1e9).softmax(-1).to(dtype)
    a = torch.einsum("bhij,bjhd->bihd", score, v).reshape(count, frames, width)
    return F.linear(a, w["self_attn.post.linear.weight"])


def audio_layer(x, sinusoid, distance, seen, w):
    dtype = w["self_attn.post.linear.weight"].dtype
    x = audio_feed_forward(x, w, "feed_forward1")
    a = audio_attention(norm(x, w["norm_pre_attn.weight"]).to(dtype), sinusoid, distance, seen, w)
    x = x + norm(a, w["norm_post_attn.weight"])
    y = F.glu(
        F.linear(
            norm(x, w["lconv1d.pre_layer_norm.weight"]).to(dtype), w["lconv1d.linear_start.linear.weight"]
        ).float(),
        -1,
    )
    kernel = w["lconv1d.depthwise_conv1d.weight"][:, 0]
    reach, frames = kernel.shape[1], y.shape[1]
    y = F.pad(y, (0, 0, reach - 1, 0))
    y = sum(y[:, k : k + frames] * kernel[:, k] for k in range(reach))
    y = F.silu(norm(y, w["lconv1d.conv_norm.weight"])).to(dtype)
    x = x + F.linear(y, w["lconv1d.linear_end.linear.weight"])
    x = audio_feed_forward(x, w, "feed_forward2")
    return norm(x, w["norm_out.weight"])


def audio_out(x, weight, bias, projection):
    dtype = projection.dtype
    return F.linear(norm(F.linear(x.to(dtype), weight).float() + bias).to(dtype), projection)


# ---- the whole ------------------------------------------------------------------------------------------------------


class Network:
    """Runs the functions above over a dict of parameters. `compiled` wraps each of them."""

    def __init__(self, parameters, length, device, compiled=lambda f: f):
        self.parts = {}
        for name in parameters:
            self.parts.setdefault(self._part(name), {})[name[len(self._part(name)) :]] = name
        self.rotary = text_rotary(length, device)
        self.vision_tables, self.audio_tables = vision_tables(device), audio_tables(device)
        self.run = {
            f.__name__: compiled(f)
            for f in (
                text_layer,
                text_inputs,
                text_logits,
                vision_layer,
                vision_embed,
                vision_pool,
                audio_subsample,
                audio_layer,
                audio_out,
            )
        }

    @staticmethod
    def _part(name):
        """The prefix up to and including the layer number, or of the tower."""
        words = name.split(".")
        for k, word in enumerate(words):
            if word == "layers":
                return ".".join(words[: k + 2]) + "."
        for prefix in (
            "model.vision_tower.patch_embedder.",
            "model.audio_tower.subsample_conv_projection.",
            "model.language_model.",
        ):
            if name.startswith(prefix):
                return prefix
        return ""

    def weights(self, parameters, part):
        return {short: parameters[name] for short, name in self.parts[part].items()}

    def see(self, parameters, patches, grid):
        """Soft tokens of pictures, [B, 64, hidden]: patches [B, 576, 768] uint8, grid [B]."""
        position, cos, sin, valid, pool = (t[grid] for t in self.vision_tables)
        h = self.run["vision_embed"](
            patches, position, self.weights(parameters, "model.vision_tower.patch_embedder.")
        )
        for k in range(VISION["num_hidden_layers"]):
            h = self.run["vision_layer"](
                h, cos, sin, valid, self.weights(parameters, f"model.vision_tower.encoder.layers.{k}.")
            )
        return self.run["vision_pool"](h, pool, parameters["model.embed_vision.embedding_projection.weight"])

    def hear(self, parameters, mel, mask):
        """Soft tokens of utterances, [B, 64, hidden]: mel [B, 256, 128], mask [B, 256]."""
        x = self.run["audio_subsample"](
            mel, mask, self.weights(parameters, "model.audio_tower.subsample_conv_projection.")
        )
        for k in range(AUDIO["num_hidden_layers"]):
            x = self.run["audio_layer"](
                x, *self.audio_tables, self.weights(parameters, f"model.audio_tower.layers.{k}.")
            )
        return self.run["audio_out"](
            x,
            parameters["model.audio_tower.output_proj.weight"],
            parameters["model.audio_tower.output_proj.bias"],
            parameters["model.embed_audio.embedding_projection.weight"],
        )

    def read(self, parameters, ids, source, document, soft):
        """The final hidden states, before the last norm."""
        h, per_layer = self.run["text_inputs"](
            ids, source, soft, self.weights(parameters, "model.language_model.")
        )
        shared, first_shared = {}, TEXT["num_hidden_layers"] - TEXT["num_kv_shared_layers"]
        for k, kind in enumerate(TEXT["layer_types"]):
            window = TEXT["sliding_window"] if kind == "sliding_attention" else 1 << 30
            h, keys, values = self.run["text_layer"](
                h,
                per_layer[:, :, k],
                document,
                *self.rotary[kind],
                shared.get(kind) if k >= first_shared else None,
                self.weights(parameters, f"model.language_model.layers.{k}."),
                window,
            )
            if k < first_shared:
                shared[kind] = keys, values
        return h

    def logits(self, parameters, h):
        return self.run["text_logits"](h, self.weights(parameters, "model.language_model."))
