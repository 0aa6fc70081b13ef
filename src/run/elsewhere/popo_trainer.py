"""
POPO on Hugging Face TRL: a GRPOTrainer whose reward weights follow the run's rule at each step.

    accelerate launch popo_trainer.py --config grpo.yaml

`grpo.yaml` holds what TRL knows, `popo.json` what it does not. Under `popo-light`, `correlation` and `constraint` the weights follow the
rewards themselves, on any set-up.
Under `popo` and `mgda` they follow the gradients of the single rewards, which must be whole on each device: one GPU, DDP, or DeepSpeed ZeRO
0 to 2. Everything else is TRL's.
"""

import json
import os

import torch
from datasets import load_dataset
from trl import GRPOConfig, GRPOTrainer, TrlParser

import popo_rules
import rewards

HERE = os.path.dirname(os.path.abspath(__file__))


class PopoTrainer(GRPOTrainer):
    def __init__(self, *args, popo, **kwargs):
        super().__init__(*args, **kwargs)
        self.popo = popo
        self._popo_rewards = None
        self._popo_steps = 0
        # Aggregations that TRL does not have.
        self._own_aggregation = popo["aggregation"] not in ("sum_then_normalize", "normalize_then_sum")
        self._by_gradients = popo["weighting"] in ("popo", "mgda")
        if self._by_gradients and (self.is_fsdp_enabled or self._shards_parameters()):
            raise RuntimeError(
                f"{popo['weighting']} compares whole gradients, which FSDP and ZeRO 3 keep in pieces: "
                "use DDP or ZeRO 0 to 2, or set weighting to popo-light in popo.json."
            )

    def _shards_parameters(self):
        plugin = getattr(self.accelerator.state, "deepspeed_plugin", None) if self.is_deepspeed_enabled else None
        return plugin is not None and plugin.zero_stage == 3

    def _calculate_rewards(self, *args, **kwargs):
        # Of all processes. What TRL does next with them reads `self.reward_weights`.
        scores = super()._calculate_rewards(*args, **kwargs)
        if self.model.training:
            self._popo_rewards = scores.tolist()
            if self.popo["weighting"] in ("popo-light", "correlation", "constraint"):
                self._move_weights(None)
        return scores

    def _move_weights(self, gram):
        weights = popo_rules.next_weights(
            self.popo, self.reward_weights.tolist(), self._popo_rewards, self.num_generations, gram
        )
        self.reward_weights = torch.tensor(weights, dtype=torch.float32)

    def _generate_and_score_completions(self, inputs):
        output = super()._generate_and_score_completions(inputs)
        if not self.model.training:
            return output
        due = self.popo["weighting"] == "mgda" or self._popo_steps % self.popo["influence_every"] == 0
        if self._by_gradients and due:
            self._move_weights(self._gram(output))
        self._popo_steps += 1
        if self._by_gradients or self._own_aggregation:
            advantages = popo_rules.advantages(
                self._popo_rewards, self.num_generations, self.reward_weights.tolist(), self.popo
            )
            output["advantages"] = self._own_rows(advantages, output["advantages"])
        for name, weight in zip(self.reward_func_names, self.reward_weights.tolist()):
            self._metrics["train"][f"reward_weights/{name}"].append(weight)
        return output

    def _own_rows(self, values, like):
        """Of values of all processes, this one's."""
        first = self.accelerator.process_index * len(like)
        return torch.tensor(values[first : first + len(like)], dtype=like.dtype, device=like.device)

    def _gram(self, output):
        """<g_i, g_j> of the policy gradients of each reward alone, on this step's rollouts. The KL term is no part of them."""
        model = self.accelerator.unwrap_model(self.model)
        parameters = self._compared(model)
        alone = popo_rules.objective_advantages(self._popo_rewards, self.num_generations, self.popo)
        alone = [self._own_rows(values, output["advantages"]) for values in alone]
        ids = torch.cat([output["prompt_ids"], output["completion_ids"]], dim=1)
        attention = torch.cat([output["prompt_mask"], output["completion_mask"]], dim=1)
        mask = output["completion_mask"]
        coefficients = self._coefficients(mask)
        gradients = [[torch.zeros_like(p, dtype=torch.float32) for p in parameters] for _ in alone]
        size = self.args.per_device_train_batch_size
        for start in range(0, len(ids), size):
            rows = slice(start, start + size)
            logps = self._get_per_token_logps_and_entropies(model, ids[rows], attention[rows], mask.size(1))[0]
            # Fresh rollouts have a ratio of 1, where the clipped loss has the gradient of -A logp.
            for k, advantages in enumerate(alone):
                loss = -(logps * mask[rows] * (coefficients[rows] * advantages[rows]).unsqueeze(1)).sum()
                found = torch.autograd.grad(
                    loss, parameters, retain_graph=k + 1 < len(alone), allow_unused=True
                )
                for total, gradient in zip(gradients[k], found):
                    if gradient is not None:
                        total += gradient.float()
        flat = [torch.cat([part.flatten() for part in parts]) for parts in gradients]
        flat = [self.accelerator.reduce(vector, reduction="sum") for vector in flat]
        return [[torch.dot(a, b).item() for b in flat] for a in flat]

    def _compared(self, model):
        """The weights over which gradients are compared: all, or those of the last block's matrices."""
        named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
        if self.popo["influence_scope"] == "last_layer":
            last = f"layers.{model.config.num_hidden_layers - 1}."
            named = [(name, p) for name, p in named if last in name and p.dim() == 2]
        return [p for _, p in named]

    def _coefficients(self, mask):
        """What multiplies the loss of each token of a row, so that the sum over all processes is `loss_type`'s mean."""
        lengths = mask.sum(1).clamp(min=1).float()
        rows = mask.size(0) * self.accelerator.num_processes
        if self.loss_type == "grpo":
            return 1 / (rows * lengths)
        if self.loss_type == "dr_grpo":
            return torch.full_like(lengths, 1 / (rows * self.max_completion_length))
        tokens = self.accelerator.gather(mask.sum()).sum().clamp(min=1).float()
        return torch.ones_like(lengths) / tokens


def main():
    (args,) = TrlParser((GRPOConfig,)).parse_args_and_config()
    with open(os.path.join(HERE, "popo.json"), encoding="utf-8") as file:
        popo = json.load(file)
    popo["scale_rewards"] = args.scale_rewards
    trainer = PopoTrainer(
        model=os.path.join(HERE, "model"),
        reward_funcs=rewards.REWARDS,
        args=args,
        train_dataset=load_dataset("json", data_files=os.path.join(HERE, "train.jsonl"), split="train"),
        popo=popo,
    )
    trainer.train(resume_from_checkpoint=args.resume_from_checkpoint)
    trainer.save_model(args.output_dir)


if __name__ == "__main__":
    main()
