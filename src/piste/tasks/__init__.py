"""Tasks: each ties data, model, losses, metrics and pictures together.

Every module and package here but `base` is a task, and is called as recipes call it. A new one touches nothing else:
what the workbench knows of tasks it learns from `base.registry`.
"""
