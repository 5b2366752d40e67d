"""The reader's network, in PyTorch: only its training needs this module.

Two transformer layers of width 256 over the frozen embedder's hidden states of a question and a
text that were read together: three of its layers, each normalised, projected to that width and
summed. About 1.7 million parameters.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

OUTPUTS = ("start", "end", "sentence", "answerable")  # of every token; see models.reader.Reading


class Block(nn.Module):
    """A transformer layer that normalises first (Xiong et al. 2020)."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.before = nn.LayerNorm(width)
        self.mix = nn.Linear(width, 3 * width)
        self.join = nn.Linear(width, width)
        self.after = nn.LayerNorm(width)
        self.widen = nn.Linear(width, 2 * width)
        self.narrow = nn.Linear(2 * width, width)

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """(b, t, width) to the same; ``mask``: (b, 1, 1, t), True for tokens to look at."""
        b, t, width = x.shape
        q, k, v = self.mix(self.before(x)).view(b, t, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(
            q, k, v, attn_mask=mask, dropout_p=self.dropout if self.training else 0.0
        )
        x = x + self._dropped(self.join(seen.transpose(1, 2).reshape(b, t, width)))
        return x + self._dropped(self.narrow(functional.gelu(self.widen(self.after(x)))))

    def _dropped(self, x: torch.Tensor) -> torch.Tensor:
        return functional.dropout(x, self.dropout, self.training)


class ReaderHead(nn.Module):
    """Features of the tokens of a question and a text to four logits each, in OUTPUTS's order."""

    def __init__(
        self,
        features: int,
        inner: int = 256,
        blocks: int = 2,
        heads: int = 4,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.dropout = dropout
        self.project = nn.Linear(features, inner)
        self.segment = nn.Embedding(2, inner)
        self.blocks = nn.ModuleList(Block(inner, heads, dropout) for _ in range(blocks))
        self.norm = nn.LayerNorm(inner)
        self.out = nn.Linear(inner, len(OUTPUTS))

    def forward(
        self, features: torch.Tensor, in_text: torch.Tensor, mask: torch.Tensor | None = None
    ) -> torch.Tensor:
        """``features``: (b, t, f); ``in_text``: (b, t) int64, 1 for the text's tokens; ``mask``:
        (b, 1, 1, t), False for padding. Returns (b, t, 4)."""
        x = functional.dropout(features, self.dropout / 2, self.training)
        x = self.project(x) + self.segment(in_text)
        x = functional.dropout(x, self.dropout, self.training)
        for block in self.blocks:
            x = block(x, mask)
        return self.out(self.norm(x))


@dataclass(frozen=True)
class Reduction:
    """Principal components of the normalised hidden states: what the head is trained on, since
    they make training several times faster. ``mean``: (layers * width,); ``components``:
    (layers * width, f)."""

    mean: torch.Tensor
    components: torch.Tensor

    @classmethod
    def fit(cls, states: torch.Tensor, features: int) -> Reduction:
        """Of (n, layers, width) states of some tokens."""
        flat = flattened(states)
        mean = flat.mean(dim=0)
        _, vectors = torch.linalg.eigh(torch.cov((flat - mean).T))
        return cls(mean, vectors[:, -features:].contiguous())

    def __call__(self, states: torch.Tensor) -> torch.Tensor:
        """(…, layers, width) to (…, f)."""
        return (flattened(states) - self.mean) @ self.components


class Shipped(nn.Module):
    """A trained head with the reduction in front of it: (b, t, layers, width) states and (b, t)
    marks of the text to (b, t, 4) logits."""

    def __init__(self, head: ReaderHead, reduction: Reduction) -> None:
        super().__init__()
        small = head.project
        self.head = copy.deepcopy(head).eval()
        self.head.project = nn.Linear(len(reduction.mean), small.out_features)
        with torch.no_grad():  # two matrices in a row are one
            weight = reduction.components @ small.weight.T
            self.head.project.weight.copy_(weight.T)
            self.head.project.bias.copy_(small.bias - reduction.mean @ weight)

    def forward(self, states: torch.Tensor, in_text: torch.Tensor) -> torch.Tensor:
        return self.head(flattened(states), in_text)


def flattened(states: torch.Tensor) -> torch.Tensor:
    """(…, layers, width) to (…, layers * width), each layer's vector normalised."""
    return functional.layer_norm(states, states.shape[-1:]).flatten(-2)
