"""A run as one readable Python file of plain PyTorch."""

from piste.training.script.whole import export_script, script_of

__all__ = ["export_script", "script_of"]
