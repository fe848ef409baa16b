"""`piste losses`, `piste weights` and `piste check`."""

from typing import Annotated

import typer

from piste.cli.data import Classes, DataArgument, data_recipe


def losses(
    name: Annotated[str | None, typer.Argument(help="One loss, such as focal: everything that is known of it.")] = None,
    task: Annotated[str | None, typer.Option(help="Only the losses that suit a task, such as segmentation.")] = None,
) -> None:
    """List the losses, or show one's card.

    A card says what the loss is, what its knobs buy, why to trust it and what it costs.
    """
    from rich.console import Console

    from piste.losses import catalogue
    from piste.names import nearest

    specs = catalogue()
    console = Console(highlight=False)
    if name is not None:
        if name not in specs:
            raise ValueError(f"no loss is called {name!r}; {nearest(name, specs)}")
        from piste.report.cards import Card

        console.print(Card(specs[name]))
        return
    from piste.report.cards import overview
    from piste.report.cards.overview import tasks_of

    tasks = tasks_of(specs.values())
    if task is not None and task not in tasks:
        raise ValueError(f"`--task` is {task!r}; {nearest(task, tasks)}")
    if task is None:
        console.print(overview(specs.values(), with_tasks=True))
        console.print(f"\n{', '.join(tasks)}; `piste losses --task {tasks[0]}` lists those of one.", style="dim")
    else:
        console.print(overview(spec for spec in specs.values() if task in spec.tasks))
    console.print("`piste losses NAME` shows one whole.", style="dim")


def weights(data: DataArgument, classes: Classes = None) -> None:
    """Show class frequencies and the weights made of them.

    Counts the training split; each method of class weights has its column.
    """
    from rich.console import Console
    from rich.table import Table

    from piste.balance import METHODS, class_weights

    recipe = data_recipe(data, classes)
    facts = recipe.open().facts()
    if "counts" not in facts:
        raise ValueError(f"`piste weights` weighs classes, and {recipe.task} has none")
    shares, counts = facts["counts"]["pixels"], facts["counts"]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("class", "share", "images", *METHODS):
        table.add_column(column, justify="left" if column == "class" else "right")
    made = {method: class_weights(shares, method, containing=counts["containing"]) for method in METHODS}
    for index, name in enumerate(facts["classes"]):
        share = shares[index] / max(counts["total"], 1)
        row = [name, f"{share:.2%}", str(counts["images"][index])]
        table.add_row(*row, *(f"{float(made[method][index]):.3g}" for method in METHODS))
    Console().print(table)
    sigmoid = getattr(recipe.section("model"), "activation", "softmax") == "sigmoid"
    example = "binary_cross_entropy: {pos_weight: inverse}" if sigmoid else "cross_entropy: {weight: inverse}"
    typer.echo(f"\nIn a recipe: loss: {{{example}}}")


def check(
    subject: Annotated[str, typer.Argument(metavar="FILE.py:NAME", help="A loss of yours: a function or a module.")],
    task: Annotated[str, typer.Option(help="The task it is for.")] = "segmentation",
) -> None:
    """Hold a loss of yours to the catalogue's contract.

    Tries its gradient against finite differences, extreme logits, half precision, whether it reads its target, and
    more; says in words what failed. Changes nothing.
    """
    from rich.console import Console

    from piste.losses.contract import load_subject, run_contract

    findings = run_contract(load_subject(subject), task)
    console = Console(highlight=False, markup=False)
    for finding in findings:
        console.print(f"{'kept  ' if finding.ok else 'BROKEN'}  {finding.promise}", style=None if finding.ok else "red")
        if finding.message:
            console.print(f"        {finding.message}", style="dim" if finding.ok else None)
    broken = sum(not finding.ok for finding in findings)
    typer.echo(f"\n{len(findings) - broken} promises kept, {broken} broken")
    if broken:
        raise typer.Exit(1)
