"""What every test shares: one torch thread a worker, so that workers don't fight over the cores."""

import torch

torch.set_num_threads(1)
