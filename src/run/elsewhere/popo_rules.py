"""
How the rewards of a step are weighed, and what advantages they give: the app's rules on plain lists, with the standard library alone.

Rewards are N rows of K numbers, N = prompts x generations, the answers to one prompt beside each other.
"""

import math

LIGHT_EPSILON = 1e-8
STD_EPSILON = 1e-4
MIN_NORM_PASSES = 256
FLAT = 1e-6
MAX_MULTIPLIER = 1e4


def moments(values):
    """Mean and deviation with Bessel's correction; the deviation of one value is 0."""
    mean = values[0] + math.fsum(value - values[0] for value in values) / len(values)
    if len(values) < 2:
        return mean, 0.0
    return mean, math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))


def groups_of(rows, group_size):
    return [rows[start : start + group_size] for start in range(0, len(rows), group_size)]


def popo_light(rewards, group_size, previous):
    """w_i ~ sigma_i / (mean_i + eps), both averaged over the groups. Where no reward has any spread, w stays."""
    groups = groups_of(rewards, group_size)
    raw = []
    for k in range(len(previous)):
        found = [moments([max(row[k], 0.0) for row in group]) for group in groups]
        mean = math.fsum(m for m, _ in found) / len(groups)
        spread = math.fsum(s for _, s in found) / len(groups)
        raw.append(spread / (mean + LIGHT_EPSILON))
    total = sum(raw)
    return [value / total for value in raw] if total > 0 else list(previous)


def popo(weights, influence, eta_over_mu):
    """Mirror descent on the simplex: w_i ~ w_i exp(eta/mu I_i). A weight of 0 stays 0."""
    if not all(math.isfinite(value) for value in influence):
        raise ValueError(f"The influences are {influence}: a gradient has blown up. Lower the learning rate.")
    largest = max((i for w, i in zip(weights, influence) if w > 0), default=0.0)
    logits = [
        math.log(w) + eta_over_mu * (i - largest) if w > 0 else -math.inf for w, i in zip(weights, influence)
    ]
    top = max(logits)
    scaled = [math.exp(logit - top) for logit in logits]
    return [value / sum(scaled) for value in scaled]


def correlations(rewards, group_size, weights):
    """Of each reward with the weighted sum, both centred within their groups, pooled; None where there is no spread, [] where the sum has none."""
    count = len(weights)
    products, squares, of_sum = [0.0] * count, [0.0] * count, 0.0
    for group in groups_of(rewards, group_size):
        means = [moments(list(column))[0] for column in zip(*group)]
        for row in group:
            centred = [value - mean for value, mean in zip(row, means)]
            total = sum(w * value for w, value in zip(weights, centred))
            of_sum += total * total
            for k, value in enumerate(centred):
                products[k] += value * total
                squares[k] += value * value
    if not of_sum > FLAT * sum(w * w * square for w, square in zip(weights, squares)):
        return []
    return [p / math.sqrt(s * of_sum) if s > 0 else None for p, s in zip(products, squares)]


def correlation(weights, rewards, group_size, rate, target):
    """w_k ~ w_k exp(rate max(0, target - corr_k)). Where the sum has no spread, w stays."""
    found = correlations(rewards, group_size, weights)
    if not found:
        return list(weights)
    return popo(weights, [0.0 if corr is None else max(0.0, target - corr) for corr in found], rate)


def constraint(weights, rewards, held, level, step):
    """lambda = max(0, w_s / the others + step (level - mean r_s)), then w_s = lambda / (1 + lambda); the others share the rest as before."""
    if len(weights) < 2:
        return list(weights)
    others = sum(w for k, w in enumerate(weights) if k != held)
    before = weights[held] / others if weights[held] < MAX_MULTIPLIER * others else MAX_MULTIPLIER
    mean = math.fsum(row[held] for row in rewards) / len(rewards)
    multiplier = min(max(before + step * (level - mean), 0.0), MAX_MULTIPLIER)
    rest = 1 / (1 + multiplier)
    even = 1 / (len(weights) - 1)
    return [
        multiplier * rest if k == held else (w / others if others > 0 else even) * rest
        for k, w in enumerate(weights)
    ]


def clip_gram(gram, max_norm):
    """The Gram matrix of the gradients after each was clipped to `max_norm`; 0 leaves them as they are."""
    norms = [math.sqrt(max(gram[i][i], 0.0)) for i in range(len(gram))]
    scale = [max_norm / norm if max_norm > 0 and norm > max_norm else 1.0 for norm in norms]
    return [[value * scale[i] * scale[j] for j, value in enumerate(row)] for i, row in enumerate(gram)]


def mgda(gram):
    """The w on the simplex with the shortest sum of gradients, by exact line searches from 1/K."""
    count = len(gram)
    weights = [1.0 / count] * count
    for _ in range(MIN_NORM_PASSES):
        slopes = [sum(g * w for g, w in zip(row, weights)) for row in gram]
        start = max((i for i in range(count) if weights[i] > 0), key=lambda i: slopes[i])
        end = min(range(count), key=lambda i: slopes[i])
        curvature = gram[start][start] + gram[end][end] - 2 * gram[start][end]
        if slopes[start] <= slopes[end] or curvature <= 0:
            break
        moved = min(weights[start], (slopes[start] - slopes[end]) / curvature)
        weights[start] -= moved
        weights[end] += moved
    return weights


def floor_weights(weights, least):
    """None below `least`: those under it are raised to it, the others shrink in proportion."""
    floored = list(weights)
    if least <= 0:
        return floored
    raised = [False] * len(weights)
    for _ in weights:
        under = [was or value < least for was, value in zip(raised, floored)]
        if under == raised:
            break
        raised = under
        free = sum(w for w, low in zip(weights, raised) if not low)
        held = 1 - sum(raised) * least
        floored = [least if low else w / free * held for w, low in zip(weights, raised)]
    return floored


def next_weights(settings, weights, rewards, group_size, gram=None):
    """w(t) from w(t-1) and what the step has measured; `gram` is None where gradients were not compared."""
    rule = settings["weighting"]
    if rule == "popo-light":
        moved = popo_light(rewards, group_size, weights)
    elif rule == "correlation":
        moved = correlation(
            weights, rewards, group_size, settings["correlation_rate"], settings["correlation_target"]
        )
    elif rule == "constraint":
        moved = constraint(
            weights, rewards, settings["constrained"], settings["level"], settings["constraint_step"]
        )
    elif rule in ("popo", "mgda") and gram is not None:
        clipped = clip_gram(gram, settings["objective_max_norm"])
        moved = (
            mgda(clipped)
            if rule == "mgda"
            else popo(weights, [sum(row) for row in clipped], settings["eta_over_mu"])
        )
    else:
        return list(weights)
    return floor_weights(moved, settings["min_weight"])


def _normalised(values, group_size, scale_rewards):
    whole = moments(values)[1]
    advantages = []
    for group in groups_of(values, group_size):
        mean, spread = moments(group)
        by = 1.0 if scale_rewards == "none" else (whole if scale_rewards == "batch" else spread) + STD_EPSILON
        advantages += [(value - mean) / by for value in group]
    return advantages


def advantages(rewards, group_size, weights, settings):
    """One advantage per row, as `aggregation` and `scale_rewards` have it."""
    aggregation = settings["aggregation"]
    columns = list(zip(*rewards))
    if aggregation == "normalize_then_sum":
        scores = [_normalised(list(column), group_size, "group") for column in columns]
        summed = [sum(w * s for w, s in zip(weights, row)) for row in zip(*scores)]
        mean, spread = moments(summed)
        return [(value - mean) / (spread + STD_EPSILON) for value in summed]
    if aggregation == "sum_of_advantages":
        scores = [_normalised(list(column), group_size, settings["scale_rewards"]) for column in columns]
        return [sum(w * s for w, s in zip(weights, row)) for row in zip(*scores)]
    if aggregation == "multiply_then_normalize":
        combined = [math.prod(max(r, 0.0) ** w for w, r in zip(weights, row)) for row in rewards]
    else:
        combined = [sum(w * r for w, r in zip(weights, row)) for row in rewards]
    return _normalised(combined, group_size, settings["scale_rewards"])


def objective_advantages(rewards, group_size, settings):
    """The advantages of each reward alone, [K][N]: those of the losses whose gradients are compared."""
    count = len(rewards[0])
    alone = dict(settings)
    if settings["aggregation"] != "normalize_then_sum":
        alone["aggregation"] = "sum_then_normalize"
    return [
        advantages(rewards, group_size, [1.0 if j == k else 0.0 for j in range(count)], alone)
        for k in range(count)
    ]
