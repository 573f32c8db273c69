"""The lean network against transformers, on random weights: python3 -m pytest test_network.py"""

import numpy as np
import pytest
import torch
from PIL import Image
from transformers.models.gemma4.feature_extraction_gemma4 import Gemma4AudioFeatureExtractor
from transformers.models.gemma4.image_processing_gemma4 import Gemma4ImageProcessor

import network
import pictures
import speech
from chat import ID


@pytest.fixture(scope="module")
def models():
    torch.manual_seed(0)
    reference = network.reference_model(ID).eval()
    parameters = network.initial_parameters(reference, 1)
    for name, t in parameters.items():
        if t.ndim == 1:
            parameters[name] = t * (0.7 + 0.6 * torch.rand_like(t)) + 0.01  # nothing is the identity
    reference.load_state_dict(parameters, strict=False)
    return reference, parameters


def relative_error(got, wanted):
    return float((got - wanted).abs().max() / wanted.abs().max())


@torch.no_grad()
@pytest.mark.parametrize("grid", range(len(network.GRIDS)))
def test_pictures(models, grid):
    reference, parameters = models
    width, height = pictures.SIZES[grid]
    image = torch.randint(0, 256, (3, height // 8, width // 8), dtype=torch.uint8).repeat_interleave(8, 1)
    image = image.repeat_interleave(8, 2)
    features = Gemma4ImageProcessor()(
        images=[Image.fromarray(image.permute(1, 2, 0).numpy())], max_soft_tokens=70, return_tensors="pt"
    )
    patches = pictures.to_patches(image[None], grid)
    count = int(features["num_soft_tokens_per_image"][0])
    exact = (features["pixel_values"][0, : 9 * count] * 255).round().to(torch.uint8)
    off = (exact.int() - patches[0, : 9 * count].int()).abs()
    assert float((off > 1).float().mean()) < 0.01  # resampling may round differently
    patches[0, : 9 * count] = exact
    wanted = reference.model.get_image_features(
        features["pixel_values"], features["image_position_ids"], return_dict=True
    ).pooler_output
    network_ = network.Network(parameters, 64, "cpu")
    got = network_.see(parameters, patches, torch.tensor([grid]))[0, :count]
    assert relative_error(got, torch.cat(list(wanted))) < 1e-4


@torch.no_grad()
@pytest.mark.parametrize("length", [3000, 16001, 40000])
def test_speech(models, length):
    reference, parameters = models
    samples = np.random.default_rng(length).normal(0, 0.1, length).astype(np.float32)
    features = Gemma4AudioFeatureExtractor()([samples], return_tensors="pt")
    mask = features["input_features_mask"].bool()
    waves = torch.zeros(1, speech.LONGEST)
    waves[0, :length] = torch.from_numpy(samples)
    mel, valid = speech.mel_features(waves, [length])
    frames = int(mask.sum())
    assert frames == int(valid.sum())
    assert float((mel[0, :frames] - features["input_features"][0, :frames]).abs().max()) < 1e-3
    wanted = reference.model.get_audio_features(features["input_features"].float(), mask, return_dict=True)
    wanted = wanted.pooler_output[0][wanted.attention_mask[0]]
    assert len(wanted) == speech.soft_tokens(length)
    got = network.Network(parameters, 64, "cpu").hear(parameters, mel, valid)[0, : len(wanted)]
    assert relative_error(got, wanted) < 1e-3


@torch.no_grad()
def test_packed_rows(models):
    """Two documents in one row give what each gives alone."""
    reference, parameters = models
    first, second = (
        torch.randint(24, network.VOCABULARY, (1, 170)),
        torch.randint(24, network.VOCABULARY, (1, 130)),
    )
    wanted = [
        reference(input_ids=ids, mm_token_type_ids=torch.zeros_like(ids), use_cache=False).logits
        for ids in (first, second)
    ]
    ids = torch.cat([first, second], 1)
    document = torch.cat([torch.zeros_like(first), torch.ones_like(second)], 1)
    lean = network.Network(parameters, ids.shape[1], "cpu")
    soft = torch.zeros(1, network.TEXT["hidden_size"])
    got = lean.logits(parameters, lean.read(parameters, ids, torch.full_like(ids, -1), document, soft))
    assert relative_error(got, torch.cat(wanted, 1)) < 1e-4
