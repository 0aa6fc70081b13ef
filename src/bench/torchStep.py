#!/usr/bin/env python3
"""The training steps of taiji-lab's benchmark in PyTorch, eager and in 32 bits. `npm run bench -- --torch` wrote this file.

    python3 step.py                 # needs PyTorch; takes CUDA, XPU or Apple's GPU where there is one
    python3 step.py --peak 63000    # GFLOP/s that the benchmark measured here of multiply-adds alone: for the share of it
    python3 step.py --count         # parameters and operations of each shape; needs Python alone
"""
import argparse
import json
import math
import statistics
import time

# What is measured: shapes, hyper-parameters, rounds, and the columns of the benchmark's table.
TASK = json.loads(r"""TASK_OF_THE_BENCHMARK""")

# Milliseconds that a round lasts at least.
TURN = 1000


def head_dim(config):
    return config["hidden_size"] // config["num_attention_heads"]


def parameter_shapes(config):
    """Shape of every weight by its name. The embedding makes the logits, too."""
    width, mlp = config["hidden_size"], config["intermediate_size"]
    keys = config["num_key_value_heads"] * head_dim(config)
    shapes = {"embed_tokens": (config["vocab_size"], width)}
    for layer in range(config["num_hidden_layers"]):
        of_layer = {
            "self_attn.q_proj": (width, width),
            "self_attn.k_proj": (keys, width),
            "self_attn.v_proj": (keys, width),
            "self_attn.o_proj": (width, width),
            "mlp.gate_proj": (mlp, width),
            "mlp.up_proj": (mlp, width),
            "mlp.down_proj": (width, mlp),
            "input_layernorm": (width,),
            "post_attention_layernorm": (width,),
        }
        for name, shape in of_layer.items():
            shapes["layers.%d.%s" % (layer, name)] = shape
    shapes["norm"] = (width,)
    return {"model.%s.weight" % name: shape for name, shape in shapes.items()}


def parameter_count(config):
    return sum(math.prod(shape) for shape in parameter_shapes(config).values())


def step_operations(task):
    """Of products and causal attention, forward and twice that backward; a multiply-add is two."""
    config, size, length = task["config"], task["size"], task["length"]
    weights = sum(math.prod(shape) for shape in parameter_shapes(config).values() if len(shape) == 2)
    pairs = length * (length + 1) // 2
    attention = 2 * config["num_hidden_layers"] * pairs * config["hidden_size"]
    return 6 * size * (length * weights + attention)


def initial_weights(torch, config):
    """Norms 1; matrices normal by their width, what is added to the residual stream divided further."""
    residual = 1 / math.sqrt(2 * config["num_hidden_layers"])
    weights = {}
    for name, shape in parameter_shapes(config).items():
        if len(shape) == 1:
            weights[name] = torch.ones(shape)
            continue
        scale = (residual if "o_proj" in name or "down_proj" in name else 1) / math.sqrt(shape[1])
        weights[name] = scale * torch.randn(shape)
    return weights


def rotation(torch, config, length):
    """cos and sin [length, head_dim], the two halves alike."""
    half = head_dim(config) // 2
    rates = config["rope_theta"] ** (-torch.arange(half, dtype=torch.float64) / half)
    angles = torch.outer(torch.arange(length, dtype=torch.float64), rates).repeat(1, 2)
    return angles.cos().float(), angles.sin().float()


def attend(torch, query, key, value):
    """Causal attention over [batch, heads, tokens, head_dim]."""
    functional = torch.nn.functional
    if hasattr(functional, "scaled_dot_product_attention"):
        return functional.scaled_dot_product_attention(query, key, value, is_causal=True)
    # PyTorch before 2.0 has none.
    scores = query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1])
    future = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).triu(1)
    return scores.masked_fill(future, -math.inf).softmax(-1) @ value


def loss_of(torch, config, weights, tokens, turned):
    """Mean cross-entropy of each next token. The names are those of Hugging Face's Llama."""
    functional = torch.nn.functional
    size, length = tokens.shape
    heads, groups, width = config["num_attention_heads"], config["num_key_value_heads"], head_dim(config)
    cos, sin = turned

    def norm(x, name):
        scale = torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + config["rms_norm_eps"])
        return x * scale * weights["model.%s.weight" % name]

    def linear(x, name):
        return functional.linear(x, weights["model.%s.weight" % name])

    def split(x, count):
        return x.view(size, length, count, width).transpose(1, 2)

    def rotate(x):
        first, second = x.chunk(2, -1)
        return x * cos + torch.cat((-second, first), -1) * sin

    x = functional.embedding(tokens, weights["model.embed_tokens.weight"])
    for layer in range(config["num_hidden_layers"]):
        of_layer = "layers.%d." % layer
        normed = norm(x, of_layer + "input_layernorm")
        query = rotate(split(linear(normed, of_layer + "self_attn.q_proj"), heads))
        key = rotate(split(linear(normed, of_layer + "self_attn.k_proj"), groups))
        value = split(linear(normed, of_layer + "self_attn.v_proj"), groups)
        if groups < heads:
            key, value = (each.repeat_interleave(heads // groups, 1) for each in (key, value))
        attended = attend(torch, query, key, value).transpose(1, 2).reshape(size, length, -1)
        x = x + linear(attended, of_layer + "self_attn.o_proj")
        normed = norm(x, of_layer + "post_attention_layernorm")
        gated = functional.silu(linear(normed, of_layer + "mlp.gate_proj")) * linear(normed, of_layer + "mlp.up_proj")
        x = x + linear(gated, of_layer + "mlp.down_proj")
    logits = linear(norm(x, "norm"), "embed_tokens")
    return functional.cross_entropy(logits[:, :-1].reshape(size * (length - 1), -1), tokens[:, 1:].reshape(-1))


def trainer(torch, task, device, weights, tokens):
    """A function that takes the next step, and returns its loss and the milliseconds until all was handed over."""
    config, hyper = task["config"], TASK["hyper"]
    weights = {name: weight.to(device).requires_grad_() for name, weight in weights.items()}
    tokens = tokens.to(device)
    turned = [each.to(device) for each in rotation(torch, config, task["length"])]
    matrices = [weight for weight in weights.values() if weight.dim() == 2]
    norms = [weight for weight in weights.values() if weight.dim() == 1]
    optimizer = torch.optim.AdamW(
        [{"params": matrices}, {"params": norms, "weight_decay": 0.0}],
        lr=hyper["learningRate"],
        betas=(hyper["beta1"], hyper["beta2"]),
        eps=hyper["eps"],
        weight_decay=hyper["weightDecay"],
    )

    def step():
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(torch, config, weights, tokens, turned)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(list(weights.values()), hyper["maxGradNorm"])
        optimizer.step()
        handed_over = 1000 * (time.perf_counter() - start)
        return loss.item(), handed_over

    return step


def measure(step):
    """Medians, in milliseconds: of a step whose loss was read, and of handing it over. The first two are not timed."""
    step()
    step()
    times, encodes = [], []
    for _ in range(TASK["rounds"]):
        spent = 0
        while spent < TURN:
            start = time.perf_counter()
            loss, encode = step()
            took = 1000 * (time.perf_counter() - start)
            if not math.isfinite(loss):
                raise SystemExit("The loss is %s, so its time means nothing." % loss)
            spent += took
            times.append(took)
            encodes.append(encode)
    return statistics.median(times), statistics.median(encodes)


def row(task, found):
    """In the columns of the benchmark's table; those that are of the engine alone stay empty."""
    cells = dict.fromkeys(TASK["columns"], "")
    ms = found["ms"]
    gigaflops = step_operations(task) / ms / 1e6
    cells["shape"] = task["name"]
    cells["PyTorch"] = "%.*f ms" % (1 if ms < 100 else 0, ms)
    cells["GFLOP/s of the step"] = "%.1f" % gigaflops if gigaflops < 100 else format(round(gigaflops), ",")
    if found["peak"]:
        cells["of the peak"] = "%.1f %%" % (100 * gigaflops / found["peak"])
    cells["trained tokens/s"] = format(round(1000 * task["size"] * task["length"] / ms), ",")
    if found["encode"] is not None:
        cells["encoding a step"] = "%.2f ms" % found["encode"]
    if found["bytes"] is not None:
        cells["allocated"] = "%.1f" % (found["bytes"] / 2**20)
    return "| %s |" % " | ".join(cells.values())


def pick_device(torch):
    for name in ("cuda", "xpu"):
        if hasattr(torch, name) and getattr(torch, name).is_available():
            return name, getattr(torch, name).get_device_name(0)
    mps = getattr(torch.backends, "mps", None)
    if mps is not None and mps.is_available():
        return "mps", "Apple's GPU"
    return "cpu", "a processor of %d threads" % torch.get_num_threads()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", action="store_true")
    parser.add_argument("--peak", type=float)
    asked = parser.parse_args()
    if asked.count:
        for task in TASK["shapes"]:
            counted = {"parameters": parameter_count(task["config"]), "operations": step_operations(task)}
            print(json.dumps({"name": task["name"], **counted}))
        return
    import torch

    device, name = pick_device(torch)
    # TF32 would take 10 bits of a factor.
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.manual_seed(1)
    print("%s; PyTorch %s, eager, fp32 without TF32" % (name, torch.__version__))
    print()
    print("| %s |" % " | ".join(TASK["columns"]))
    print("| --- |%s" % (" --: |" * (len(TASK["columns"]) - 1)))
    for task in TASK["shapes"]:
        config = task["config"]
        if device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        tokens = torch.randint(config["vocab_size"], (task["size"], task["length"]))
        ms, encode = measure(trainer(torch, task, device, initial_weights(torch, config), tokens))
        found = {
            "ms": ms,
            "peak": asked.peak,
            # A processor has done the step by then.
            "encode": None if device == "cpu" else encode,
            "bytes": torch.cuda.max_memory_allocated() if device == "cuda" else None,
        }
        print(row(task, found), flush=True)


if __name__ == "__main__":
    main()
