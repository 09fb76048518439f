#!/usr/bin/env python3
"""Writes a GGUF file with random weights in the shape of Qwen2.5-0.5B, for llama.cpp to be measured with.

  benchmarks/random_gguf.py FILE [--dtype bfloat16|float16|float32]

The file has no vocabulary (`tokenizer.ggml.model` is "none"), which llama-batched-bench does not need. Matrices have
the dtype, norms and biases are fp32, the head is the embedding. One block of normal numbers, std 0.02, fills all
matrices: what they hold has no part in how long a product takes. The format is GGUF 3 (ggml's docs/gguf.md), the
names of keys and tensors are llama.cpp's.
"""
import argparse
import array
import os
import random
import struct

LAYERS, HIDDEN, FFN, HEADS, KV_HEADS, VOCAB, POSITIONS = 24, 896, 4864, 14, 2, 151936, 32768
ALIGNMENT = 32
UINT32, FLOAT32, STRING = 4, 6, 8  # types of values
# name -> type of a tensor, llama.cpp's file_type
DTYPES = {"float32": (0, 0), "float16": (1, 1), "bfloat16": (30, 32)}
BLOCK = 1 << 20  # numbers


def tensors():
    """(name, shape with the contiguous axis first) in the order of the file."""
    kv = HIDDEN // HEADS * KV_HEADS
    yield "token_embd.weight", (HIDDEN, VOCAB)
    yield "output_norm.weight", (HIDDEN,)
    for i in range(LAYERS):
        for name, shape in (("attn_norm.weight", (HIDDEN,)),
                            ("attn_q.weight", (HIDDEN, HIDDEN)), ("attn_q.bias", (HIDDEN,)),
                            ("attn_k.weight", (HIDDEN, kv)), ("attn_k.bias", (kv,)),
                            ("attn_v.weight", (HIDDEN, kv)), ("attn_v.bias", (kv,)),
                            ("attn_output.weight", (HIDDEN, HIDDEN)),
                            ("ffn_norm.weight", (HIDDEN,)), ("ffn_gate.weight", (HIDDEN, FFN)),
                            ("ffn_up.weight", (HIDDEN, FFN)), ("ffn_down.weight", (FFN, HIDDEN))):
            yield f"blk.{i}.{name}", shape


def string(s):
    return struct.pack("<Q", len(s)) + s.encode()


def header(dtype):
    """All before the data, and how many bytes each tensor has."""
    tensor_type, file_type = DTYPES[dtype]
    values = [("general.architecture", STRING, "qwen2"), ("general.file_type", UINT32, file_type),
              ("qwen2.context_length", UINT32, POSITIONS), ("qwen2.embedding_length", UINT32, HIDDEN),
              ("qwen2.block_count", UINT32, LAYERS), ("qwen2.feed_forward_length", UINT32, FFN),
              ("qwen2.attention.head_count", UINT32, HEADS), ("qwen2.attention.head_count_kv", UINT32, KV_HEADS),
              ("qwen2.attention.layer_norm_rms_epsilon", FLOAT32, 1e-6), ("qwen2.rope.freq_base", FLOAT32, 1e6),
              ("qwen2.vocab_size", UINT32, VOCAB), ("tokenizer.ggml.model", STRING, "none")]
    listed = list(tensors())
    out = struct.pack("<4sIQQ", b"GGUF", 3, len(listed), len(values))
    for key, kind, value in values:
        out += string(key) + struct.pack("<I", kind)
        out += string(value) if kind == STRING else struct.pack("<I" if kind == UINT32 else "<f", value)
    sizes, offset = [], 0
    for name, shape in listed:
        kind = tensor_type if len(shape) > 1 else DTYPES["float32"][0]
        out += string(name) + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *shape)
        out += struct.pack("<IQ", kind, offset)
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        sizes.append((name, count * (2 if kind else 4)))
        offset += padded(sizes[-1][1])
    return out.ljust(padded(len(out)), b"\0"), sizes


def padded(size):
    return (size + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT


def block(dtype):
    """Normal numbers in the bytes of the dtype."""
    numbers = random.Random(0)
    values = [numbers.gauss(0, 0.02) for _ in range(BLOCK)]
    if dtype == "float16":
        return struct.pack(f"<{BLOCK}e", *values)
    single = struct.pack(f"<{BLOCK}f", *values)
    if dtype == "float32":
        return single
    halves = array.array("H")
    halves.frombytes(single)
    return halves[1::2].tobytes()  # the upper half of an fp32 is a bf16


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("file")
    p.add_argument("--dtype", default="bfloat16", choices=DTYPES)
    a = p.parse_args()
    head, sizes = header(a.dtype)
    data = memoryview(block(a.dtype))
    temporary = a.file + ".tmp"
    with open(temporary, "wb") as f:
        f.write(head)
        for name, size in sizes:
            if name.endswith("norm.weight"):
                f.write(struct.pack("<f", 1) * (size // 4))
            elif name.endswith(".bias"):
                f.write(bytes(size))
            else:
                for start in range(0, size, len(data)):
                    f.write(data[:size - start])
            f.write(bytes(padded(size) - size))
    os.replace(temporary, a.file)


if __name__ == "__main__":
    main()
