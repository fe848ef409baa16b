import torch
from torch import nn

from piste.training.ema import EMA


def test_the_average_is_what_its_formula_says() -> None:
    model = nn.Linear(1, 1, bias=False)
    values, average = [3.0, 1.0, 4.0, 1.0, 5.0], 2.0
    with torch.no_grad():
        model.weight.fill_(average)
    ema = EMA(model, decay=0.3)
    for step, value in enumerate(values, start=1):
        with torch.no_grad():
            model.weight.fill_(value)
        ema.update(model)
        decay = min(0.3, (1 + step) / (10 + step))  # 2/11, 3/12, then 0.3
        average = decay * average + (1 - decay) * value
    torch.testing.assert_close(ema.model.weight.item(), average, rtol=1e-5, atol=0)


def test_normalisation_statistics_are_averaged_and_counters_copied() -> None:
    model = nn.BatchNorm1d(2)
    ema = EMA(model, decay=0.99)
    model.train()(torch.tensor([[1.0, 2.0], [3.0, 6.0]]))  # running mean 0.1 * [2, 4]
    ema.update(model)
    decay = 2 / 11
    assert isinstance(ema.model, nn.BatchNorm1d)
    torch.testing.assert_close(ema.model.running_mean, (1 - decay) * torch.tensor([0.2, 0.4]))
    assert ema.model.num_batches_tracked == model.num_batches_tracked == 1


def test_the_average_is_for_looking_not_for_training() -> None:
    model = nn.Sequential(nn.Linear(1, 1), nn.Dropout())
    ema = EMA(model.train(), decay=0.9)
    assert not any(module.training for module in ema.model.modules())
    assert not any(parameter.requires_grad for parameter in ema.model.parameters())
    assert model[0].weight is not ema.model.get_submodule("0").weight


def test_a_state_goes_on_exactly() -> None:
    torch.manual_seed(0)
    model = nn.Linear(2, 3)
    whole = EMA(model, decay=0.9)
    nn.init.normal_(model.weight)
    whole.update(model)
    resumed = EMA(nn.Linear(2, 3), decay=0.9)
    resumed.load_state_dict(whole.state_dict())
    nn.init.normal_(model.weight)
    for ema in (whole, resumed):
        ema.update(model)
    assert torch.equal(whole.model.get_parameter("weight"), resumed.model.get_parameter("weight"))
