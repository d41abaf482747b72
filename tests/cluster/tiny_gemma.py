"""A Gemma 4 of four megabytes with random weights, for engines that want a checkpoint and not a good answer.

Run as a script of its own, by a Python that has torch and transformers: ``python -P tiny_gemma.py FOLDER``. It is made
as E2B is: as many sliding and full layers with a cache, more that reuse one, per-layer embeddings, encoders for images
and audio. The tokenizer knows single bytes and the family's marks; the chat template writes turns, images, tools and
the wish for thoughts as the family's does, in a page. Beside it lies a LoRA adapter.
"""

import json
import sys
from pathlib import Path

MARKS = (
    *("<pad>", "<eos>", "<bos>", "<unk>", "<mask>"),
    *("<|turn>", "<turn|>", "<|channel>", "<channel|>", "<|think|>"),
    *("<|tool>", "<tool|>", "<|tool_call>", "<tool_call|>", "<|tool_response>", "<tool_response|>", '<|"|>'),
    *("<|image>", "<|image|>", "<image|>", "<|audio>", "<|audio|>", "<audio|>", "<|video|>"),
)
"""Those that vLLM's parsers for tools and reasoning, and the family's processor, look up; their numbers start at 0."""
_NAMED = {
    "image_token": "<|image|>",
    "boi_token": "<|image>",
    "eoi_token": "<image|>",
    "audio_token": "<|audio|>",
    "boa_token": "<|audio>",
    "eoa_token": "<audio|>",
    "think_token": "<|think|>",
}
IMAGE_TOKENS = 70
"""That one image may take: the family's least."""
CONTEXT_TOKENS = 4096
HIDDEN_SIZE = 128
_PATCH_PIXELS = 4
_POOLED_PATCHES = 3

_TEMPLATE = """\
{{- bos_token -}}
{%- if tools or enable_thinking | default(false) -%}
<|turn>system
{% if enable_thinking | default(false) %}<|think|>{% endif -%}
{%- for tool in tools or [] -%}<|tool>{{ tool['function'] | tojson }}<tool|>{%- endfor -%}
<turn|>
{% endif -%}
{%- for message in messages -%}
<|turn>{{ 'model' if message['role'] == 'assistant' else message['role'] }}
{% if message['content'] is string -%}
{{ message['content'] -}}
{%- else -%}
{%- for item in message["content"] -%}
{%- if item['type'] == 'text' -%}{{ item['text'] }}{%- elif item['type'] == 'image' -%}<|image|>{%- endif -%}
{%- endfor -%}
{%- endif -%}
<turn|>
{% endfor -%}
{%- if add_generation_prompt -%}
<|turn>model
{% endif -%}
"""


def write(folder: Path) -> None:
    """Writes weights, configuration, tokenizer and processor."""
    _processor().save_pretrained(folder)
    _model().save_pretrained(folder)
    _write_adapter(folder / "adapter")


def _tokenizer():
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: number for number, token in enumerate((*MARKS, *letters))}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(mark, special=True, normalized=False) for mark in MARKS])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<bos>",
        eos_token="<eos>",
        pad_token="<pad>",
        unk_token="<unk>",
        extra_special_tokens=_NAMED,
        model_max_length=CONTEXT_TOKENS,
    )


def _processor():
    import transformers

    sizes = {"patch_size": _PATCH_PIXELS, "pooling_kernel_size": _POOLED_PATCHES, "max_soft_tokens": IMAGE_TOKENS}
    return transformers.Gemma4Processor(
        feature_extractor=transformers.Gemma4AudioFeatureExtractor(),
        image_processor=transformers.Gemma4ImageProcessor(**sizes),
        tokenizer=_tokenizer(),
        video_processor=transformers.Gemma4VideoProcessor(**sizes),
        chat_template=_TEMPLATE,
        image_seq_length=IMAGE_TOKENS,
    )


def _model():
    import torch
    import transformers

    vocabulary = len(MARKS) + 256
    text = transformers.Gemma4TextConfig(
        vocab_size=vocabulary,
        vocab_size_per_layer_input=vocabulary,
        hidden_size=HIDDEN_SIZE,
        hidden_size_per_layer_input=16,
        intermediate_size=HIDDEN_SIZE,
        num_hidden_layers=20,
        layer_types=[*["sliding_attention"] * 4, "full_attention"] * 4,
        num_kv_shared_layers=5,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=32,
        global_head_dim=64,
        sliding_window=128,
        max_position_embeddings=CONTEXT_TOKENS,
        final_logit_softcapping=30.0,
        eos_token_id=[MARKS.index("<eos>"), MARKS.index("<turn|>")],
    )
    vision = transformers.Gemma4VisionConfig(
        hidden_size=64,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=32,
        patch_size=_PATCH_PIXELS,
        pooling_kernel_size=_POOLED_PATCHES,
        position_embedding_size=256,
        default_output_length=IMAGE_TOKENS,
    )
    audio = transformers.Gemma4AudioConfig(
        hidden_size=64,
        num_hidden_layers=1,
        num_attention_heads=2,
        subsampling_conv_channels=[8, 8],
        output_proj_dims=64,
    )
    number = {name: MARKS.index(token) for name, token in _NAMED.items()}
    config = transformers.Gemma4Config(
        text_config=text,
        vision_config=vision,
        audio_config=audio,
        image_token_id=number["image_token"],
        boi_token_id=number["boi_token"],
        eoi_token_id=number["eoi_token"],
        audio_token_id=number["audio_token"],
        boa_token_id=number["boa_token"],
        eoa_token_index=number["eoa_token"],
        video_token_id=MARKS.index("<|video|>"),
    )
    torch.manual_seed(4)
    model = transformers.Gemma4ForConditionalGeneration(config).to(torch.bfloat16)
    _say_only_words(model.get_input_embeddings().weight)
    return model


def _write_adapter(folder: Path) -> None:
    """Writes a LoRA adapter of rank 8 that changes every answer, as the library peft lays one out."""
    import torch
    from safetensors.torch import save_file

    folder.mkdir()
    config = {"peft_type": "LORA", "r": 8, "lora_alpha": 64, "target_modules": ["q_proj", "down_proj"], "bias": "none"}
    (folder / "adapter_config.json").write_text(json.dumps(config), encoding="utf-8")
    weights = {}
    for name, inputs, outputs in (("self_attn.q_proj", HIDDEN_SIZE, 64), ("mlp.down_proj", HIDDEN_SIZE, HIDDEN_SIZE)):
        prefix = f"base_model.model.model.language_model.layers.0.{name}"
        weights[f"{prefix}.lora_A.weight"] = torch.randn(8, inputs, dtype=torch.bfloat16)
        weights[f"{prefix}.lora_B.weight"] = torch.randn(outputs, 8, dtype=torch.bfloat16)
    save_file(weights, folder / "adapter_model.safetensors")


def _say_only_words(embeddings) -> None:
    """Gives all but letters, digits and the like a row of zeros, and so a logit of 0 that is never the highest.

    Otherwise chance would open a thought, end a turn, or cut a character of several bytes in two.
    """
    import torch
    from tokenizers import pre_tokenizers

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    for number in range(len(embeddings)):
        letter = letters[number - len(MARKS)] if number >= len(MARKS) else ""
        if not (letter.isascii() and letter.isprintable() and letter):
            with torch.no_grad():
                embeddings[number] = 0


if __name__ == "__main__":
    write(Path(sys.argv[1]))
