"""The table of deep nets and remedies in the parity run: a line each, its words the name of the test.

A line changes what it is about in DEFAULT: a net of two hidden layers on wine, trained by momentum
in batches of 16. `net` is its hidden widths, `g` their activations (one, or one each), `start` the
initialisation; all other names are those of Configuration and Task.
"""

from parity_cases import DTYPES, EXHAUSTIVE, OTHER_RULES, settings

DEFAULT = {
    "data": "wine",
    "task": "regression",
    "net": (4, 3),
    "g": "tanh",
    "output": "identity",
    "loss": "mse",
    "optimizer": "momentum",
    "options": {"lr": 0.02},
    "start": "xavier_uniform",
    "batch_size": 16,
}
DEPTHS = [(), (1,), (9,), (7, 5), (4, 1, 4), (5, 4, 3), (8, 7, 6, 5), (6, 5, 4, 3, 2), (3,) * 10]
ACTIVATIONS = (
    *("identity", "relu", "sigmoid", "tanh", "silu", "gelu", "gelu_tanh", "softmax"),
    *("leaky_relu", "leaky_relu(negative_slope=0.3)", "leaky_relu(negative_slope=-0.5)"),
    *("elu", "elu(alpha=1.7)", "softplus", "softplus(beta=3.0, threshold=1.5)"),
)
LOSSES = {  # by task: a loss, and an output that fits it
    "regression": (
        *(("mse", "identity"), ("mse_per_example", "softplus"), ("l1", "identity")),
        *(("huber", "identity"), ("huber(delta=0.3)", "leaky_relu"), ("smooth_l1", "elu")),
        *(("smooth_l1(beta=0.3)", "identity"), ("smooth_l1(beta=0.0)", "gelu")),
    ),
    "binary": (("bce", "sigmoid"), ("bce_with_logits", "identity"), ("l1", "sigmoid")),
    "multiclass": (
        *(("cross_entropy", "identity"), ("cross_entropy", "gelu_tanh")),
        *(("cross_entropy_on_probabilities", "softmax"), ("bce", "softmax"), ("mse", "silu")),
    ),
}
STARTS = (
    *("linear_default", "zeros", "uniform(a=-0.4, b=0.4)", "normal(std=0.3)", "xavier_normal"),
    *("trunc_normal(std=0.3)", "xavier_uniform(gain=1.6)", "kaiming_uniform", "orthogonal"),
    "kaiming_normal(mode='fan_out', nonlinearity='relu')",
)
SCHEDULES = (
    *("step_decay(step_size=10, gamma=0.5)", "exponential(gamma=0.95)", "inverse_time(decay=0.1)"),
    *("cosine(T_max=50)", "cosine(T_max=20, eta_min=0.001)", "linear_warmup(total_iters=10)"),
    "linear_warmup(start_factor=0.01, end_factor=0.5, total_iters=30)",
    *("one_cycle(total_steps=50)", "one_cycle(total_steps=60, anneal_strategy='linear')"),
    "one_cycle(total_steps=50, three_phase=True, pct_start=0.2)",
    "one_cycle(total_steps=50, div_factor=5.0, final_div_factor=100.0)",
    "reduce_on_plateau(patience=0, factor=0.5)",
    "reduce_on_plateau(patience=1, cooldown=1, min_lr=0.001, threshold=0.1)",
    "reduce_on_plateau(patience=1, mode='max', threshold_mode='abs', eps=0.001)",
)
ADAM = {"optimizer": "adam", "options": {"lr": 0.01}}
DECAYED = {"optimizer": "adamw", "options": {"lr": 0.01, "weight_decay": 0.3}}
BATCH_NORM = {"batch_norm": {}, "g": "relu"}
REMEDIES = {
    "gradients clipped to a small norm": {"clip": {"norm": 0.05}},
    "gradients clipped to a norm they never reach": {"clip": {"norm": 1e6}},
    "gradients that explode, clipped by norm": {
        "clip": {"norm": 1.0}, "start": "normal(std=2.0)", "g": "relu", "net": (6,) * 6,
    },
    "gradients that explode, clipped by value": {
        "clip": {"value": 0.1}, "start": "normal(std=2.0)", "g": "relu", "net": (6,) * 6,
    },
    "gradients clipped by value": {"clip": {"value": 0.01}},
    "gradients that vanish": {"g": "sigmoid", "net": (3,) * 8, "start": "normal(std=0.3)"},
    "batch norm": BATCH_NORM,
    "batch norm before sigmoid": BATCH_NORM | {"g": "sigmoid"},
    "batch norm with a large eps": BATCH_NORM | {"batch_norm": {"eps": 0.1}},
    "batch norm with a long memory": BATCH_NORM | {"batch_norm": {"momentum": 0.01}},
    "batch norm that keeps the newest": BATCH_NORM | {"batch_norm": {"momentum": 1.0}},
    "batch norm that averages all": BATCH_NORM | {"batch_norm": {"momentum": None}},
    "batch norm without affine": BATCH_NORM | {"affine": False},
    "batch norm without affine that averages all": BATCH_NORM
    | {"affine": False, "batch_norm": {"momentum": None}},
    "batch norm under Adam": BATCH_NORM | ADAM,
    "batch norm in batches of two": BATCH_NORM | {"batch_size": 2},
    "a little dropout": {"dropout": 0.1},
    "much dropout": {"dropout": 0.9, "net": (9, 9)},
    "dropout after batch norm": BATCH_NORM | {"dropout": 0.3},
    "dropout and clipping": {"dropout": 0.3, "clip": {"norm": 0.1}},
    "two micro-batches an update": {"accumulate": 2, "batch_size": 8},
    "five micro-batches an update": {"accumulate": 5, "batch_size": 4} | ADAM,
    "micro-batches, batch norm and clipping": BATCH_NORM
    | {"accumulate": 3, "clip": {"norm": 0.05}, "batch_size": 8},
    "decay of all parameters": DECAYED,
    "decay that leaves biases alone": DECAYED | {"undecayed": ("b",)},
    "decay of weights alone": BATCH_NORM | DECAYED | {"undecayed": ("b", "gamma", "beta")},
    "decay in the gradient that leaves biases alone": {
        "options": {"lr": 0.02, "weight_decay": 0.1}, "undecayed": ("b",),
    },
    "a frozen first layer": {"frozen": ("W1", "b1")},
    "a frozen layer under Adam with decay": DECAYED | {"frozen": ("W2", "b2", "b3")},
    "frozen weights and clipping": {"frozen": ("W1", "W2"), "clip": {"norm": 0.05}},
    "an early stop": {"patience": 1, "options": {"lr": 0.3}},
    "an early stop that is never made": {"patience": 50},
    "the full batch": {"batch_size": None},
    "single examples": {"batch_size": 1},
    "everything at once": BATCH_NORM
    | DECAYED
    | {"dropout": 0.2, "clip": {"norm": 0.5}, "undecayed": ("b", "gamma", "beta")}
    | {"schedule": "cosine(T_max=50)", "accumulate": 2, "batch_size": 8, "patience": 50},
}  # fmt: skip
DATA = {
    "breast cancer": {"data": "breast-cancer", "task": "binary", "loss": "bce", "output": "sigmoid"},
    "breast cancer by logits": {
        "data": "breast-cancer", "task": "binary", "loss": "bce_with_logits",
    },
    "diabetes": {"data": "diabetes"},
    "diabetes by huber": {"data": "diabetes", "loss": "huber", "g": "gelu"},
    "white wine's quality as a class": {
        "data": "white wine", "task": "multiclass", "loss": "cross_entropy", "g": "leaky_relu",
    },
}  # fmt: skip


def deep_nets():
    """Yield (id, what differs from DEFAULT, dtype).

    What a net computes is met in both types; rules, starts and schedules, each in many lines, in turn.
    """
    for words, line in nets():
        yield from ((f"{words} in {dtype}", line, dtype) for dtype in DTYPES)
    for k, (words, line) in enumerate(trainings()):
        for dtype in DTYPES if EXHAUSTIVE else (DTYPES[k % 2],):
            yield f"{words} in {dtype}", line, dtype


def nets():
    """Yield (words, what differs from DEFAULT) for every depth, activation, loss and remedy."""
    for net in DEPTHS:
        yield f"hidden widths {net or 'none'}", {"net": net}
    for g in ACTIVATIONS:
        output = "identity" if g in ("softmax", "relu") else g  # one unit's softmax is always 1
        yield f"{g} in every layer", {"g": g, "output": output}
    yield "another activation in each layer", {"net": (4, 3, 2), "g": ("relu", "silu", "softmax")}
    for task, losses in LOSSES.items():
        for loss, output in losses:
            yield f"{loss} of {output}, {task}", {"task": task, "loss": loss, "output": output}
    yield from REMEDIES.items()


def trainings():
    """Yield (words, what differs from DEFAULT) for every rule, start, schedule and data set."""
    for rule, words, options in settings(OTHER_RULES):
        yield f"{rule} {words}", {"net": (3,), "optimizer": rule, "options": options}
    for start in STARTS:
        yield f"from {start}", {"start": start}
    for schedule in SCHEDULES:
        yield f"the rate by {schedule}", {"schedule": schedule}
    for words, data in DATA.items():
        yield f"{words} with batch norm and Adam", BATCH_NORM | ADAM | data
        yield f"{words} with dropout and clipping", data | {"dropout": 0.2, "clip": {"norm": 0.5}}
