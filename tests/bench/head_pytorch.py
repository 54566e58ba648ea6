# SPDX-License-Identifier: Apache-2.0
"""Steps a second (of processor time) of the head in PyTorch, on one thread (or the number given), for comparison with
bench_head: pooled 13 x 768 features, batch 32, projection 256, 6 classes, class-balanced soft
cross-entropy, Adam, one joint clip at 1; then with a hidden layer of 64 with ReLU, without and with dropout.
Run by hand; needs torch, which the project does not.

    python3 tests/bench/head_pytorch.py [threads]
"""
import sys
import time

import torch

ROWS, LAYERS, DIMS, HIDDEN, CLASSES, BATCH, STEPS = 1728, 13, 768, 256, 6, 32, 600


class Head(torch.nn.Module):
    def __init__(self, hidden, dropout):
        super().__init__()
        self.mix = torch.nn.Parameter(torch.zeros(LAYERS))
        self.projection = torch.nn.Linear(DIMS, HIDDEN)
        layers = []
        if hidden:
            layers = [torch.nn.Linear(HIDDEN, hidden), torch.nn.ReLU()]
        if dropout:
            layers.append(torch.nn.Dropout(dropout))
        self.output = torch.nn.Sequential(*layers, torch.nn.Linear(hidden or HIDDEN, CLASSES))

    def forward(self, x):
        mixed = torch.einsum("l,bld->bd", torch.softmax(self.mix, 0), x)
        return self.output(self.projection(mixed))


def measure(name, hidden, dropout, x, label):
    weight = torch.ones(CLASSES)
    head = Head(hidden, dropout)
    adam = torch.optim.Adam(head.parameters(), lr=1e-4)
    best = 0.0
    for _ in range(3):
        start = time.process_time()
        for step in range(STEPS):
            row = (step * 797 + 131 * torch.arange(BATCH)) % ROWS
            y = label[row]
            log_p = torch.log_softmax(head(x[row]), 1)
            loss = ((y * weight).sum(1) * -(y * log_p).sum(1)).mean()
            adam.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(head.parameters(), 1)
            adam.step()
        best = max(best, STEPS / (time.process_time() - start))
    print(f"{name}: {best:.0f} steps/s")


def main():
    torch.set_num_threads(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
    torch.manual_seed(1)
    x = 2 * torch.rand(ROWS, LAYERS, DIMS) - 1
    label = torch.softmax(torch.randn(ROWS, CLASSES), 1)
    print(f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads")
    measure("linear", 0, 0, x, label)
    measure("hidden 64", 64, 0, x, label)
    measure("with dropout", 64, 0.1, x, label)


if __name__ == "__main__":
    main()
