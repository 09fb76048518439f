#!/usr/bin/env python3
"""What the real transformers library says of small random models, for the engine to be compared with.

    transformers_oracle.py FOLDER [--golden TOKENIZER_FOLDER]

Makes random-weight Qwen2, Qwen3 and Llama 3 models, saves each as a Hugging Face folder FOLDER/NAME, and writes beside it,
in fp64 arithmetic: the logits of one sequence [L, V], its loss (the sum of -log p of tokens 1 .. L-1), and the gradient of
every parameter (FOLDER/NAME/oracle; src/test/java/intuitor/model/TransformersOracle.java reads it and says what must agree).

--golden: also FOLDER/golden.json, the token ids and rendered chats of the tokenizer in that folder as transformers makes
them. Needs torch, transformers and safetensors; no network.
"""
import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import (AutoTokenizer, LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM, Qwen3Config,
                          Qwen3ForCausalLM)

TOKENS = 77
SIZES = dict(hidden_size=256, intermediate_size=352, num_hidden_layers=3, vocab_size=1009, max_position_embeddings=2048,
             attention_dropout=0.0)
MODELS = {
    "qwen2": (Qwen2ForCausalLM, Qwen2Config, dict(
        num_attention_heads=4, num_key_value_heads=2, rms_norm_eps=1e-6, rope_theta=1e6, tie_word_embeddings=True)),
    "qwen3": (Qwen3ForCausalLM, Qwen3Config, dict(
        num_attention_heads=6, num_key_value_heads=2, head_dim=64, rms_norm_eps=1e-6, rope_theta=1e6,
        tie_word_embeddings=False)),
    "llama3": (LlamaForCausalLM, LlamaConfig, dict(
        num_attention_heads=4, num_key_value_heads=1, rms_norm_eps=1e-5, rope_theta=5e5, tie_word_embeddings=True,
        rope_scaling=dict(rope_type="llama3", factor=32.0, low_freq_factor=1.0, high_freq_factor=4.0,
                          original_max_position_embeddings=256))),
}
TEXTS = ["12 + 7 = 19", "Hello, world!", " leading and  double  spaces ", "tabs\tand\nnew lines\n\n", "caf\u00e9 \u4f60\u597d \U0001f600",
         "3.14159 1,000,000 x_1", "<|im_start|>user", "don't WE'LL i'm", ""]
CHATS = [[{"role": "user", "content": "What is 2 + 2?"}],
         [{"role": "system", "content": "Be brief."}, {"role": "user", "content": " Hi "},
          {"role": "assistant", "content": "Hello!"}, {"role": "user", "content": "Bye"}]]


def make(name, folder):
    model_class, config_class, settings = MODELS[name]
    torch.manual_seed(1234)
    config = config_class(**SIZES, **settings)
    config._attn_implementation = "eager"
    model = model_class(config)
    with torch.no_grad():
        for parameter_name, p in model.named_parameters():  # gains away from 1, biases away from 0
            scale = p.shape[-1] ** -0.5 if p.dim() == 2 else 0.2
            p.normal_(0, scale)
            if "norm" in parameter_name:
                p.add_(1)
            p.copy_(p.bfloat16().float())  # the same numbers in either storage type
    model.save_pretrained(folder)
    model = model.double().eval()
    tokens = torch.randint(0, SIZES["vocab_size"], (1, TOKENS), generator=torch.Generator().manual_seed(7))
    logits = model(input_ids=tokens).logits[0]
    loss = torch.nn.functional.cross_entropy(logits[:-1], tokens[0, 1:], reduction="sum")
    loss.backward()
    expected = {"logits": logits.detach(), "loss": loss.detach().reshape(1)}
    expected.update({"grad." + parameter_name: p.grad for parameter_name, p in model.named_parameters()})
    oracle = folder / "oracle"
    oracle.mkdir(exist_ok=True)
    (oracle / "tokens.json").write_text(json.dumps(tokens[0].tolist()))
    save_file({key: value.float().contiguous() for key, value in expected.items()}, oracle / "expected.safetensors")
    print(f"{name}: {sum(p.numel() for p in model.parameters())} parameters, loss {loss.item():.4f}")


def golden(tokenizer_folder, file):
    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder)
    rows = [{"text": text, "ids": tokenizer(text, add_special_tokens=False)["input_ids"]} for text in TEXTS]
    chats = []
    if tokenizer.chat_template:
        chats = [{"messages": chat, "rendered": tokenizer.apply_chat_template(chat, tokenize=False,
                                                                              add_generation_prompt=True)}
                 for chat in CHATS]
    file.write_text(json.dumps({"texts": rows, "chats": chats}, indent=1))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--golden", type=Path, metavar="TOKENIZER_FOLDER")
    arguments = parser.parse_args()
    torch.set_num_threads(4)
    for name in MODELS:
        make(name, arguments.folder / name)
    if arguments.golden:
        golden(arguments.golden, arguments.folder / "golden.json")


if __name__ == "__main__":
    main()
