"""What a task is, and where the tasks are found."""

from piste.tasks.base.examined import Examined, Prediction, Shown
from piste.tasks.base.exported import Deployed, Exported
from piste.tasks.base.order import EpochOrder
from piste.tasks.base.registry import task_class, task_names
from piste.tasks.base.scripted import Scripted, ScriptedPart
from piste.tasks.base.task import Task
from piste.tasks.base.trainable import Batch, Scores, Trainable

__all__ = [
    "Batch",
    "Deployed",
    "EpochOrder",
    "Examined",
    "Exported",
    "Prediction",
    "Scores",
    "Scripted",
    "ScriptedPart",
    "Shown",
    "Task",
    "Trainable",
    "task_class",
    "task_names",
]
