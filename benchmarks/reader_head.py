"""The reader's network, in PyTorch: only its training needs this module.

Two transformer layers of width 256 over the frozen embedder's hidden states of a question and a
text that were read together: three of its layers, each normalised, projected and summed. About 1.7
million parameters.
"""

from __future__ import annotations

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
    """Hidden states of a question and a text to four logits a token, in the order of OUTPUTS."""

    def __init__(
        self,
        layers: int = 3,
        width: int = 768,
        inner: int = 256,
        blocks: int = 2,
        heads: int = 4,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.dropout = dropout
        self.project = nn.Linear(layers * width, inner)
        self.segment = nn.Embedding(2, inner)
        self.blocks = nn.ModuleList(Block(inner, heads, dropout) for _ in range(blocks))
        self.norm = nn.LayerNorm(inner)
        self.out = nn.Linear(inner, len(OUTPUTS))

    def forward(
        self, states: torch.Tensor, in_text: torch.Tensor, mask: torch.Tensor | None = None
    ) -> torch.Tensor:
        """``states``: (b, t, layers, width); ``in_text``: (b, t) int64, 1 for the text's tokens;
        ``mask``: (b, 1, 1, t), False for padding. Returns (b, t, 4)."""
        x = functional.layer_norm(states, states.shape[-1:])
        x = functional.dropout(x.flatten(2), self.dropout, self.training)
        x = self.project(x) + self.segment(in_text)
        for block in self.blocks:
            x = block(x, mask)
        return self.out(self.norm(x))
