"""
The rewards of the run, for Hugging Face TRL (one function per reward) and for verl (`compute_score`).

Python's standard library only. What they look up lies in `tables/` beside this file. They are the app's own rewards: an answer that does
not parse, or that names no item of the catalogue, gets 0.0 for every reward, never some item's score.

TRL hands the token ids of a completion over, so those are read as the app reads them. Where there is only text, as in verl, the tags are
found in the text. Either way the tags must have survived decoding, which is why the tokenizer in `model/` has them as ordinary tokens.
"""

import json
import mmap
import os
import re
import sys
import unicodedata
from functools import lru_cache

HERE = os.path.dirname(os.path.abspath(__file__))
TAGS = ("<pad>", "<think>", "</think>", "<answer>", "</answer>", "<sep>")
TAG_PATTERN = re.compile("(" + "|".join(re.escape(tag) for tag in TAGS) + ")")


class Answer:
    """What a completion says; `item` is an index into the catalogue, or -1."""

    __slots__ = ("think", "text", "item", "coherent")

    def __init__(self, think=None, text=None, item=-1, coherent=False):
        self.think = think
        self.text = text
        self.item = item
        self.coherent = coherent


NOTHING = Answer()


def _floats(name):
    """A table of little-endian f32, mapped and not read, so that the processes of one machine share it."""
    if sys.byteorder != "little":
        raise RuntimeError(f"tables/{name} is little-endian, which this machine is not.")
    with open(os.path.join(HERE, "tables", name), "rb") as file:
        if os.fstat(file.fileno()).st_size == 0:
            return memoryview(b"").cast("f")
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)).cast("f")


with open(os.path.join(HERE, "tables", "rewards.json"), encoding="utf-8") as _file:
    _tables = json.load(_file)

ITEMS = _tables["items"]
DIMENSION = _tables["semantic"]["dimension"]
EXPONENT = _tables["semantic"]["exponent"]
# By text: the answer as it was written. By item: the item that it resolves to.
BY_TEXT = _tables["semantic"]["by"] == "text"
WORDS = {word: index for index, word in enumerate(_tables["semantic"]["words"])}
WORD_VECTORS = _floats("word_vectors.f32") if BY_TEXT else None
ITEM_VECTORS = _floats("item_vectors.f32")
ID_REWARD = _floats("id_reward.f32")
NOVELTY = _floats("novelty.f32")

_by_title = {}
for _index, _item in enumerate(ITEMS):
    _by_title.setdefault(_item["title"], []).append(_index)


@lru_cache(maxsize=1)
def _vocabulary():
    with open(os.path.join(HERE, "model", "tokenizer.json"), encoding="utf-8") as file:
        vocabulary = json.load(file)["model"]["vocab"]
    return {token_id: token.replace("\u2581", " ") for token, token_id in vocabulary.items()}


def _parts_of_ids(ids):
    """[(whether it is a tag, text)] of token ids."""
    vocabulary = _vocabulary()
    parts = []
    for token_id in ids:
        text = vocabulary.get(int(token_id), "<unk>")
        parts.append((text in TAGS, text))
    return parts


def _parts_of_text(text):
    """The same of a decoded text."""
    return [(section in TAGS, section) for section in TAG_PATTERN.split(text) if section != ""]


def _parse(parts):
    """[<think> ... </think>] <answer> title <sep> L1 <sep> L2 <sep> L3 </answer>; what follows the first </answer> is not read."""
    think = None
    at = 0
    if parts[:1] == [(True, "<think>")]:
        close = next((i for i in range(1, len(parts)) if parts[i][0]), None)
        if close is None or parts[close][1] != "</think>":
            return NOTHING
        think = "".join(text for _, text in parts[1:close]).strip(" ")
        at = close + 1
    if parts[at : at + 1] != [(True, "<answer>")]:
        return NOTHING
    fields = [""]
    ended = False
    for is_tag, text in parts[at + 1 :]:
        if (is_tag, text) == (True, "</answer>"):
            ended = True
            break
        if not is_tag:
            fields[-1] += text
        elif text == "<sep>":
            fields.append("")
        else:
            return NOTHING
    fields = [field.strip(" ") for field in fields]
    if not ended or len(fields) != 4 or "" in fields:
        return NOTHING
    equals = _by_title.get(fields[0], [])
    same = [item for item in equals if ITEMS[item]["categories"] == fields[1:]]
    if not equals:
        return NOTHING
    return Answer(think, " ".join(fields), (same or equals)[0], bool(same))


@lru_cache(maxsize=65536)
def answer_of(completion, ids=None):
    """What a completion says, by its token ids (a tuple) where there are any, else by its text."""
    return _parse(_parts_of_text(completion) if ids is None else _parts_of_ids(ids))


def _words(text):
    """Lower-case runs of letters and digits."""
    spaced = "".join(c if unicodedata.category(c)[0] in "LN" else " " for c in text.lower())
    return spaced.split()


@lru_cache(maxsize=65536)
def _embed(text):
    """Mean of the words' vectors at unit length; unknown words are ignored."""
    total = [0.0] * DIMENSION
    for word in _words(text):
        index = WORDS.get(word)
        if index is not None:
            row = WORD_VECTORS[index * DIMENSION : (index + 1) * DIMENSION]
            total = [a + b for a, b in zip(total, row)]
    length = sum(value * value for value in total) ** 0.5
    return tuple(value / length for value in total) if length > 0 else tuple(total)


def _cosine(a, b):
    product = sum(x * y for x, y in zip(a, b))
    first = sum(x * x for x in a)
    second = sum(y * y for y in b)
    return product / (first * second) ** 0.5 if first > 0 and second > 0 else 0.0


def _item_vector(item):
    return ITEM_VECTORS[item * DIMENSION : (item + 1) * DIMENSION]


def _semantic(answer, target, _row):
    said = _embed(answer.text) if BY_TEXT else _item_vector(answer.item)
    return max(0.0, min(1.0, _cosine(said, _item_vector(target)))) ** EXPONENT


def _id_reward(answer, _target, row):
    at = row * len(ITEMS) + answer.item
    if row < 0 or at >= len(ID_REWARD):
        raise IndexError(f"user_row {row} is outside tables/id_reward.f32: take the rows of train.jsonl.")
    return ID_REWARD[at]


def _format_reward(answer, _target, _row):
    return 1.0 if answer.think and answer.coherent else 0.0


def _novelty(answer, _target, _row):
    return NOVELTY[answer.item]


def _score(reward, completions, target_item, user_row, completion_ids):
    scores = []
    for i, completion in enumerate(completions):
        text = completion if isinstance(completion, str) else completion[-1]["content"]
        ids = None if completion_ids is None else tuple(int(token_id) for token_id in completion_ids[i])
        answer = answer_of(text, ids)
        scores.append(0.0 if answer.item < 0 else float(reward(answer, int(target_item[i]), int(user_row[i]))))
    return scores


def semantic(completions, target_item, user_row, completion_ids=None, **_others):
    """How near the answer's meaning is to that of the item truly chosen."""
    return _score(_semantic, completions, target_item, user_row, completion_ids)


def id_reward(completions, target_item, user_row, completion_ids=None, **_others):
    """How likely this shopper is to click and buy the item, by a ranker of past behaviour: looked up."""
    return _score(_id_reward, completions, target_item, user_row, completion_ids)


def format_reward(completions, target_item, user_row, completion_ids=None, **_others):
    """1 when it reasons before it answers, and names the item's own categories."""
    return _score(_format_reward, completions, target_item, user_row, completion_ids)


def novelty(completions, target_item, user_row, completion_ids=None, **_others):
    """How rarely shoppers have chosen the item."""
    return _score(_novelty, completions, target_item, user_row, completion_ids)


# The run's own, in the order of its weights.
REWARDS = [globals()[name] for name in _tables["rewards"]]


def compute_score(data_source, solution_str, ground_truth, extra_info=None, **_others):
    """verl's signature. The sum of the run's rewards under the weights it began with, and each by its name."""
    row = (extra_info or {}).get("user_row", -1)
    scores = {
        reward.__name__: reward([solution_str], [int(ground_truth)], [row])[0] for reward in REWARDS
    }
    total = sum(weight * score for weight, score in zip(_tables["reward_weights"], scores.values()))
    return {"score": total, **scores}
