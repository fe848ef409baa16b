"""What regression brings to a script."""

from __future__ import annotations

from typing import TYPE_CHECKING

from piste.data.script.text import block, literal
from piste.data.script.values import values_as_code
from piste.metrics.regression import INTERVAL, POINT, middle_of
from piste.models.script import backbone_as_code
from piste.tasks.base.scripted import Scripted

if TYPE_CHECKING:
    from piste.tasks.regression.task import RegressionTask


def scripted(task: RegressionTask) -> Scripted:
    """Images with numbers, a network of timm's or a small one, and how far its answers are off.

    Raises:
        ValueError: names what can't be written.
    """
    model, values, quantiles = task.model_recipe, list(task.data.value_names), task.quantiles
    constants, code, lists = values_as_code(task.data, model.channels)
    standardised = bool(task.data.recipe.standardize)
    if quantiles is None:
        forward = _FORWARD
    else:
        constants.append(f"QUANTILES = {quantiles}  # shares of the true values that should lie below each answer")
        forward = _FORWARD_QUANTILES
    metrics = POINT if quantiles is None else (*POINT, *INTERVAL)
    return Scripted(
        constants=constants,
        code=[
            *code,
            *backbone_as_code(model, len(values) * len(quantiles or (0.5,))),
            block(forward.replace("NUMBERS", "standardised numbers" if standardised else "numbers")),
            _count(quantiles, standardised=standardised),
            _scores(metrics, several=len(values) > 1),
        ],
        lists=lists,
        given=("prediction", "target"),
        counted="target.numel()",
        metrics=metrics,
    )


_FORWARD = '''
    def forward(model: nn.Module, images: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """The NUMBERS that are said of images and those that are so, [N, V]."""
        return model(images.to(DEVICE)), target.to(DEVICE)
'''

_FORWARD_QUANTILES = '''
    def forward(model: nn.Module, images: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """The NUMBERS that are said of images, [N, V, Q], and what is so, the same for each quantile."""
        prediction = model(images.to(DEVICE)).view(len(images), -1, len(QUANTILES))
        return prediction, target.to(DEVICE).unsqueeze(2).expand_as(prediction)
'''


def _count(quantiles: list[float] | None, *, standardised: bool) -> str:
    """`count(…)`: what errors, their squares and whatever else sum up to."""
    said, truth = "prediction", "target"
    if quantiles is not None:
        said, truth = "prediction.sort(2).values", "target[:, :, 0]"
    if standardised:
        view = ".view(-1, 1)" if quantiles is not None else ""
        said = f"{said}.cpu() * VALUE_STD{view} + VALUE_MEAN{view}"
        truth = f"{truth}.cpu() * VALUE_STD + VALUE_MEAN"
    else:
        said, truth = f"{said}.cpu()", f"{truth}.cpu()"
    point = "said" if quantiles is None else f"said[:, :, {middle_of(quantiles)}]"
    lines = [
        f"said = ({said}).double()" if standardised else f"said = {said}.double()",
        f"truth = ({truth}).double()" if standardised else f"truth = {truth}.double()",
        f"error = {point} - truth",
    ]
    sums = ["torch.ones_like(truth)", "truth", "truth.square()", "error.abs()", "error.square()"]
    if quantiles is not None:
        lines += [
            "low, high = said[:, :, 0], said[:, :, -1]",
            f"columns = [{', '.join(sums)}]",
            "return torch.stack([*columns, (low <= truth) & (truth <= high), high - low]).sum(1)",
        ]
    else:
        lines += [f"return torch.stack([{', '.join(sums)}]).sum(1)"]
    body = "\n            ".join(lines)
    return block(f'''
        def count(prediction: Tensor, target: Tensor) -> Tensor:
            """What adds up over images, for each value in its unit; `scores` names the rows."""
            {body}
    ''')


def _scores(metrics: tuple[str, ...], *, several: bool) -> str:
    """`scores(counts)`: metrics by name."""
    sums = "number, truth, squares, off, off_squares" + (", inside, width" if len(metrics) > len(POINT) else "")
    formulas = {
        "r2": "torch.where(spread > 1e-12 * squares, 1 - off_squares / spread, torch.nan)",
        "mae": "off / number",
        "rmse": "(off_squares / number).sqrt()",
        "interval_coverage": "inside / number",
        "interval_width": "width / number",
    }
    rows = "".join(f"\n                {literal(metric)}: {formulas[metric]}," for metric in metrics)
    each = (
        """
            each = {
                f"{metric}/{name}": value
                for metric, column in found.items()
                for name, value in zip(VALUES, column.tolist(), strict=True)
            }
            return {metric: column.nanmean().item() for metric, column in found.items()} | each"""
        if several
        else """
            return {metric: column.item() for metric, column in found.items()}"""
    )
    return block(f'''
        def scores(counts: Tensor) -> dict[str, float]:
            """Metrics{" of each value, and their means" if several else ""}; no R² where all truths are equal."""
            {sums} = counts
            spread = squares - truth.square() / number  # but for rounding
            found = {{{rows}
            }}{each}
    ''')
