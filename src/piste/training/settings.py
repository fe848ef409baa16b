"""How a run trains: the part of a recipe that no task is needed to understand."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from piste.names import nearest
from piste.training.optimizers import OPTIMIZERS, AdamW, Optimizer
from piste.training.schedulers import SCHEDULERS, Constant, Plateau, Scheduler
from piste.training.stopping import Mode

Count = Annotated[int, Field(ge=1)]


AnyOptimizer = Annotated[
    Optimizer,
    PlainValidator(OPTIMIZERS.read),
    PlainSerializer(OPTIMIZERS.write),
    WithJsonSchema(OPTIMIZERS.schema()),
]
AnyScheduler = Annotated[
    Scheduler,
    PlainValidator(SCHEDULERS.read),
    PlainSerializer(SCHEDULERS.write),
    WithJsonSchema(SCHEDULERS.schema()),
]


class BestRecipe(BaseModel):
    """Which epoch is the best: that of the highest (`max`) or lowest (`min`) validation metric.

    A null `mode` is `min` for errors and `max` for everything else.
    """

    model_config = ConfigDict(extra="forbid")

    metric: str
    mode: Mode | None = None


class EarlyStoppingRecipe(BaseModel):
    """Stop after `patience` epochs in which a validation metric has not improved by more than `min_delta`.

    `metric` is one of the task's, or `loss` for the validation loss; then a change of phase starts the comparison
    afresh. A null `mode` is `min` for losses and errors and `max` for everything else.
    """

    model_config = ConfigDict(extra="forbid")

    metric: str
    patience: Count = 10
    min_delta: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    mode: Mode | None = None


class TrainingRecipe(BaseModel):
    """How a run trains.

    Args:
        epochs: passes over the training images; the objective may end earlier.
        batch_size: images in a forward pass.
        accumulate: batches in an optimizer step.
        optimizer: its name, or its name with settings.
        scheduler: its name, or its name with settings.
        clip: the largest norm of all gradients together; null for no limit.
        precision: `no` is float32; `bf16` and `fp16` run the model in half precision.
        ema: decay of a moving average of the weights, which is then what is validated and kept; null for none.
        early_stopping: when to give up; null for never.
        best: which epoch's weights are kept as the best; null for the task's own metric.
        seed: of weights, order, augmentation and dropout.
        workers: processes that read data; 0 reads in the training process.
        device: `auto` takes an accelerator where there is one.
        trackers: other places that the events go to.
    """

    model_config = ConfigDict(extra="forbid")

    epochs: Count = 30
    batch_size: Count = 8
    accumulate: Count = 1
    optimizer: AnyOptimizer = AdamW()
    scheduler: AnyScheduler = Constant()
    clip: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    precision: Literal["no", "bf16", "fp16"] = "no"
    ema: Annotated[float, Field(gt=0, lt=1)] | None = None
    early_stopping: EarlyStoppingRecipe | None = None
    best: BestRecipe | None = None
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    workers: Annotated[int, Field(ge=0)] = 2
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    trackers: list[Literal["tensorboard", "mlflow", "wandb"]] = Field(default_factory=list)

    @field_validator("precision", mode="before", json_schema_input_type=Literal["no", "bf16", "fp16", False])
    @classmethod
    def _yaml_reads_no_as_false(cls, value: Any) -> Any:
        return "no" if value is False else value

    @field_validator("best", mode="before", json_schema_input_type=str | BestRecipe | None)
    @classmethod
    def _a_name_is_a_metric(cls, value: Any) -> Any:
        return {"metric": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _warmup_ends(self) -> Self:
        if self.scheduler.warmup >= self.epochs:
            raise ValueError(
                f"`scheduler.{self.scheduler.name}.warmup` must be shorter than the training: got "
                f"{self.scheduler.warmup:g} of {self.epochs} epochs"
            )
        return self

    def check_metrics(self, names: Iterable[str]) -> None:
        """Refuses settings that name a metric that the task does not have.

        Args:
            names: the task's metrics.

        Raises:
            ValueError: names the setting and the nearest metrics.
        """
        names = list(names)
        watched: dict[str, str] = {}
        if self.best is not None:
            watched["best.metric"] = self.best.metric
        if self.early_stopping is not None:
            watched["early_stopping.metric"] = self.early_stopping.metric
        if isinstance(self.scheduler, Plateau) and self.scheduler.metric is not None:
            watched["scheduler.plateau.metric"] = self.scheduler.metric
        for key, metric in watched.items():
            allowed = names if key == "best.metric" else [*names, "loss"]
            if metric not in allowed:
                raise ValueError(f"`{key}`: there is no metric {metric!r}; {nearest(metric, allowed)}")
